"""The moisture map from files to stores: right, the same bytes on every way, and what is refused."""

import shutil

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from rio_cogeo.cogeo import cog_validate
from typer.testing import CliRunner

from cryoscale.cli import app
from cryoscale.engine import Cluster
from cryoscale.errors import InputError, StoreError
from cryoscale.grids import geobox_of
from cryoscale.products import demo_moisture, moisture
from cryoscale.products.moisture import run
from cryoscale.products.moisture_inputs import CrossValidation, Learning, MoistureConfig
from cryoscale.scenes import moisture_scene, write_moisture
from cryoscale.store import open_store

pytestmark = pytest.mark.usefixtures("fresh_process")

COVARIATES = ("ndvi", "backscatter_vv", "lst_day", "organic_carbon_0_30", "clay_30_100", "sand_0_30", "ndwi")
"""Those that matter, and two that do not; so few that a run takes seconds."""
STORES = ("wetness", "covariates", "moisture")
MODELS = ("ensemble", "validation_random", "validation_blocked")
QUICK = Learning(learners=("xgboost", "catboost"), n_folds=3, n_candidates=1, drop=0.6)


def updated(config, **changes):
    return config.model_copy(update=changes)


def layers_of(folder):
    return open_store(folder / "moisture.zarr").compute()


def arrays(path):
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("c/**/*") if p.is_file()}


def times(folder):
    kept = [*folder.rglob("*.zarr/**/*"), *folder.glob("*.joblib"), *folder.glob("*.json")]
    return {p: p.stat().st_mtime_ns for p in kept if p.is_file()}


@pytest.fixture(scope="module")
def scene():
    return moisture_scene((100, 130), n_samples=120)


@pytest.fixture(scope="module")
def folder(scene, tmp_path_factory):
    """The scene as files and a configuration with few covariates and two quick learners."""
    folder = tmp_path_factory.mktemp("plateau")
    write_moisture(scene, folder / "scene")
    config = demo_moisture._config(QUICK)
    sources = {name: config.covariates[name] for name in (*COVARIATES, "porosity")}
    few = updated(
        config,
        covariates=sources,
        features=(*config.terrain.names, *COVARIATES),
        validation=CrossValidation(n_folds=3, block_size=1500.0),
        cluster=Cluster(workers=2),
    )
    (folder / "config.yaml").write_text(few.to_yaml(), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def finished(folder):
    """What the command line says of the finished demo; its results lie beside the scene."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cryoscale.engine.plan.idle_memory", lambda _: 700 * 10**6)
        patch.setattr(moisture, "choose_tiles", lambda *_: (64, 64))
        return CliRunner().invoke(app, ["demo-moisture", str(folder)], catch_exceptions=False)


@pytest.fixture
def results(finished, folder):
    assert finished.exit_code == 0, finished.output
    return folder / "results"


@pytest.fixture
def config(folder, tmp_path):
    """The configuration of the finished run, with results in a folder of the test."""
    return updated(MoistureConfig.load(folder / "config.yaml"), output=tmp_path / "results")


@pytest.fixture
def findings_only(monkeypatch):
    """Runs end with their stores and models: drawing the report takes longer than they do."""
    monkeypatch.setattr(moisture, "publish", lambda findings, **_: findings)


@pytest.fixture
def begun(results, config):
    """A function that gives a run's folder some of the finished stores and models."""

    def copy(*names):
        config.output.mkdir()
        for name in names:
            if name in STORES:
                shutil.copytree(results / f"{name}.zarr", config.output / f"{name}.zarr")
            else:
                for suffix in (".joblib", ".json"):
                    shutil.copy(results / f"{name}{suffix}", config.output)

    return copy


def rewritten(path, target, edit):
    """A raster with other values."""
    with rasterio.open(path) as source:
        values, profile = source.read(1), source.profile
    changed = edit(values)
    profile.update(driver="GTiff", dtype=changed.dtype.name, tiled=False)
    for name in ("blockxsize", "blockysize"):
        profile.pop(name, None)
    with rasterio.open(target, "w", **profile) as raster:
        raster.write(changed, 1)
    return target


def with_covariate(config, name, path):
    sources = config.covariates | {name: updated(config.covariates[name], path=path)}
    return updated(config, covariates=sources)


def test_stores_are_valid_and_say_what_they_hold(results):
    stores = [str(results / f"{name}.zarr") for name in ("covariates", "moisture")]
    checked = CliRunner().invoke(app, ["validate", *stores])
    assert checked.exit_code == 0, checked.output
    layers = open_store(results / "moisture.zarr")
    assert layers.attrs["product"] == "active-layer-moisture"
    assert layers.moisture.attrs["units"] == "m3 m-3"
    assert set(layers.data_vars) == {
        "moisture",
        "moisture_lower",
        "moisture_upper",
        "learner_spread",
        "dissimilarity",
        "moisture_status",
    }
    stack = open_store(results / "covariates.zarr").covariate
    assert dict(zip(stack.feature.values, stack.unit.values, strict=True))["lst_day"] == "degC"
    assert layers.odc.geobox == stack.odc.geobox


def test_the_map_is_a_cog_in_longitude_and_latitude(results, scene):
    layers = layers_of(results)
    path = results / "rasters" / "moisture.tif"
    assert cog_validate(path)[0]
    with rasterio.open(path) as raster:
        assert raster.crs.to_epsg() == 4326
        assert raster.units == ("m3 m-3",)
        assert raster.res == pytest.approx((3 / 3600, 3 / 3600))
        np.testing.assert_array_equal(raster.read(1), layers.moisture)
    assert {p.stem for p in (results / "rasters").iterdir()} == set(layers.data_vars)
    assert layers.odc.geobox == geobox_of(scene.truth)


def test_covariates_at_samples_are_those_of_the_scene(results, scene):
    table = pd.read_csv(results / "tables" / "training.csv")
    assert 100 < len(table) <= 120
    for name in (*COVARIATES, "elevation", "slope", "aspect_cos", "topographic_wetness"):
        true = scene.covariates[name].values[table.row, table.column]
        np.testing.assert_allclose(table[name], true, rtol=2e-3, atol=2e-3 * np.std(true), err_msg=name)
    error = table.moisture - scene.truth.values[table.row, table.column]
    assert abs(error.mean()) < 0.02


def test_the_map_is_what_the_stored_ensemble_says_within_the_pores(results, scene):
    layers, stack = layers_of(results), open_store(results / "covariates.zarr").covariate.compute()
    status = layers.moisture_status.values
    np.testing.assert_array_equal(status == 0, ~scene.permafrost.values)
    ensemble = moisture.StoredModel(results / "ensemble.joblib", 0)
    rows, columns = (places[::97] for places in np.nonzero(np.isin(status, (1, 2))))
    table = pd.DataFrame(stack.values[:, rows, columns].T, columns=[str(name) for name in stack.feature.values])
    parts = ensemble.predict_parts(ensemble.rows_of(table))
    pores = table.porosity.to_numpy()
    for name, part in (("moisture", "moisture"), ("moisture_lower", "lower"), ("moisture_upper", "upper")):
        np.testing.assert_array_equal(layers[name].values[rows, columns], np.clip(getattr(parts, part), 0, pores))
    outside = parts.dissimilarity > ensemble.applicability_.threshold
    np.testing.assert_array_equal(status[rows, columns], np.where(outside, 2, 1))
    for name in ("moisture", "moisture_lower", "moisture_upper", "learner_spread", "dissimilarity"):
        np.testing.assert_array_equal(layers[name].notnull(), np.isin(status, (1, 2)), name)


def test_the_map_is_near_the_truth(results, scene):
    layers = layers_of(results)
    inside = layers.moisture_status.values == 1
    assert inside.mean() > 0.5
    mapped, true = layers.moisture.values[inside], scene.truth.values[inside]
    assert np.corrcoef(mapped, true)[0, 1] > 0.75
    held = (true >= layers.moisture_lower.values[inside]) & (true <= layers.moisture_upper.values[inside])
    assert held.mean() > 0.85


def test_every_sample_that_does_not_count_is_listed_with_its_reason(results, scene):
    samples = pd.read_csv(results / "tables" / "samples.csv", keep_default_na=False).set_index("sample")
    signs = {"out of season": "outside September-October", "duplicate": "duplicate of", "gross error": "deviations"}
    for name, flaw in scene.flaws.items():
        reasons = samples.reason[samples.reason != ""]
        if flaw == "duplicate":  # the two are alike: either may be the one that counts
            assert reasons.str.startswith("duplicate of").sum() == list(scene.flaws.values()).count("duplicate")
        else:
            assert signs[flaw] in reasons[name]
    assert (samples.reason != "").sum() < 1.5 * len(scene.flaws)


def test_the_report_has_both_validations_apart_and_no_nan(results, finished):
    page = (results / "report.html").read_text(encoding="utf-8")
    for text in (
        "Scores, random folds",
        "Scores, blocked folds",
        "the fewest within one standard error",
        "Samples left out",
        "covariates that matter and were kept",
        "not asked for",
    ):
        assert text in page, text
    assert ">nan<" not in page.lower()
    assert "corrected, blocked folds" in finished.output
    random, blocked = (pd.read_csv(results / "tables" / f"validation_{way}.csv") for way in ("random", "blocked"))
    assert not random.fold.equals(blocked.fold)
    np.testing.assert_array_equal(random.observed, blocked.observed)


@pytest.mark.usefixtures("findings_only")
def test_a_second_run_writes_and_fits_nothing(results, config):
    before = times(results)
    assert sum(path.suffix == ".joblib" for path in before) == len(MODELS)
    run(updated(config, output=results))
    assert times(results) == before


@pytest.mark.usefixtures("findings_only")
def test_an_interrupted_run_goes_on_to_the_same_bytes(results, config, begun):
    """Some chunks of the map are missing, and the last of the models."""
    begun(*STORES, "ensemble", "validation_random")
    kept = times(config.output)
    removed = 0
    for variable in open_store(config.output / "moisture.zarr").data_vars:
        for chunk in sorted((config.output / "moisture.zarr" / str(variable)).rglob("c/**/*"))[3::2]:
            if chunk.is_file():
                chunk.unlink()
                removed += 1
    assert removed >= 6
    run(config)
    for name in STORES:
        assert arrays(config.output / f"{name}.zarr") == arrays(results / f"{name}.zarr"), name
    after = times(config.output)
    assert {p for p in kept if p.suffix == ".joblib"} <= {p for p in kept if after[p] == kept[p]}
    ours, theirs = (
        moisture.StoredModel(place / "validation_blocked.joblib", 0).copy() for place in (results, config.output)
    )
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


@pytest.mark.parametrize(
    "cluster",
    [
        Cluster(workers=1),
        pytest.param(Cluster(kind="local", workers=2, memory="2 GiB"), marks=pytest.mark.slow),
    ],
    ids=["a thread", "processes"],
)
@pytest.mark.usefixtures("findings_only")
def test_other_tiles_and_processes_change_no_bit(results, config, monkeypatch, cluster):
    """From the files on: the samples' covariates, the models and the map."""
    monkeypatch.setattr(moisture, "choose_tiles", lambda *_: (40, 100))
    found = run(updated(config, cluster=cluster))
    for name in STORES[1:]:
        ours, others = (open_store(place / f"{name}.zarr") for place in (results, config.output))
        assert ours.chunksizes["y"] != others.chunksizes["y"]
        for variable in ours.data_vars:
            assert ours[variable].values.tobytes() == others[variable].values.tobytes(), (name, variable)
    for one in found.folds:
        before = moisture.StoredModel(results / f"validation_{one.name}.joblib", 0).copy()
        pd.testing.assert_frame_equal(one.table, before, check_exact=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning": {"seed": 1}}, r"ensemble.joblib: was fitted by another run:\n  - config.learning.seed: 0 in"),
        ({"validation": {"seed": 1}}, r"validation_random.joblib: was fitted by another run:\n  - config.validation"),
        ({"samples": {"min_share": 0.5}}, r"ensemble.joblib: was fitted by another run:\n  - config.samples.min_share"),
        ({"terrain": {"position_radius": 500.0}}, r"covariates.zarr: was made by another run:\n  - config.terrain.pos"),
        ({"porosity": 0.2}, r"moisture.zarr: was made by another run:\n  - config.porosity: porosity in"),
        ({"permafrost": {"permafrost": (0, 1)}}, r"moisture.zarr: was made by another run:\n  - config.permafrost"),
    ],
)
@pytest.mark.usefixtures("findings_only")
def test_another_configuration_on_the_same_folder_is_refused(results, config, changes, message):
    before = times(results)
    ((name, value),) = changes.items()
    section = updated(getattr(config, name), **value) if isinstance(value, dict) else value
    with pytest.raises(StoreError, match=message):
        run(updated(config, output=results, **{name: section}))
    assert times(results) == before


@pytest.mark.usefixtures("findings_only")
def test_other_samples_are_another_run(results, config, tmp_path):
    table = pd.read_csv(config.samples.path)
    table.assign(moisture=0.9 * table.moisture).to_csv(tmp_path / "samples.csv", index=False)
    changed = updated(config, output=results, samples=updated(config.samples, path=tmp_path / "samples.csv"))
    with pytest.raises(StoreError, match=r"ensemble.joblib: was fitted by another run:\n  - inputs.samples"):
        run(changed)


@pytest.mark.usefixtures("findings_only")
def test_another_dem_is_another_run(results, config, tmp_path):
    before = times(results)
    dem = rewritten(config.terrain.elevation, tmp_path / "dem.tif", lambda heights: heights + 1)
    changed = updated(config, output=results, terrain=updated(config.terrain, elevation=dem))
    with pytest.raises(StoreError, match=r"wetness.zarr: was made by another run:\n  - inputs.elevation"):
        run(changed)
    assert times(results) == before


@pytest.mark.usefixtures("findings_only")
def test_no_ground_holds_more_than_its_pores(results, config, begun):
    """The models are the same: only the map is made anew."""
    begun("wetness", "covariates", *MODELS)
    kept = times(config.output)
    found = run(updated(config, porosity=0.2)).layers.compute()
    after = times(config.output)
    assert {path for path, time in after.items() if kept.get(path) == time} == set(kept)
    before = layers_of(results)
    for name in ("moisture", "moisture_lower", "moisture_upper"):
        np.testing.assert_array_equal(found[name], before[name].clip(max=np.float32(0.2)))
    assert bool((found.moisture == np.float32(0.2)).any())
    xr.testing.assert_equal(found.moisture_status, before.moisture_status)


@pytest.mark.usefixtures("findings_only")
def test_a_porosity_in_another_unit_is_refused(config, begun):
    begun("wetness", "covariates", *MODELS)
    with pytest.raises(InputError, match=r"porosity: sand_0_30 is in '%', but must be in 'm3 m-3'. Convert it."):
        run(updated(config, porosity="sand_0_30"))


@pytest.mark.usefixtures("findings_only")
def test_holes_in_a_covariate_have_no_prediction_and_their_samples_are_listed(results, config, tmp_path):
    """A hole of the radar about some samples."""
    table = pd.read_csv(results / "tables" / "training.csv")
    row, column = int(table.row.median()), int(table.column.median())
    hole = np.s_[max(row - 15, 0) : row + 15, max(column - 15, 0) : column + 15]

    def holed(values):
        values[hole] = np.nan
        return values

    path = rewritten(config.covariates["backscatter_vv"].path, tmp_path / "vv.tif", holed)
    quick = Learning(learners=("xgboost",), n_folds=2, n_candidates=1, drop=0.6)
    cheap = updated(config, learning=quick, validation=updated(config.validation, n_folds=2))
    found = run(with_covariate(cheap, "backscatter_vv", path))
    assert "backscatter_vv" in found.ensemble.features_
    assert 1 <= len(found.left_out) < 60
    assert set(found.left_out.reason) == {"no backscatter_vv"}
    assert len(found.table) + len(found.left_out) == len(table)
    layers, before = found.layers.compute(), layers_of(results)
    frozen = before.moisture_status.values[hole] > 0
    inner = np.s_[hole[0].start + 1 : hole[0].stop - 1, hole[1].start + 1 : hole[1].stop - 1]
    assert set(np.unique(layers.moisture_status.values[inner])) <= {0, 3}
    assert (layers.moisture_status.values[hole] == 3).sum() >= 0.8 * frozen.sum()
    assert bool(layers.moisture.isnull().values[inner].all())


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda values: np.full_like(values, 7.5), r"ndwi.tif: ndwi is 7.5 at all \d+ samples, so nothing can be lear"),
        (lambda values: np.full_like(values, np.nan), r"ndwi.tif: ndwi has no data at any sample. Check its extent"),
    ],
    ids=["constant", "all missing"],
)
@pytest.mark.usefixtures("findings_only")
def test_a_covariate_from_which_nothing_can_be_learned_is_refused(config, tmp_path, edit, message):
    path = rewritten(config.covariates["ndwi"].path, tmp_path / "ndwi.tif", edit)
    terrain = updated(config.terrain, derivatives=())
    small = updated(config, terrain=terrain, features=("ndwi", "ndvi"))
    with pytest.raises(InputError, match=message):
        run(with_covariate(small, "ndwi", path))
    assert not (config.output / "ensemble.joblib").exists()


@pytest.mark.usefixtures("findings_only")
def test_a_covariate_of_too_few_samples_is_refused(results, config, tmp_path):
    table = pd.read_csv(results / "tables" / "training.csv")
    edge = int(table.row.sort_values().iloc[20])

    def cut(values):
        values[edge:] = np.nan
        return values

    path = rewritten(config.covariates["ndwi"].path, tmp_path / "ndwi.tif", cut)
    small = updated(config, terrain=updated(config.terrain, derivatives=()), features=("ndwi", "ndvi"))
    message = (
        r"samples.csv: \d+ of \d+ pixels with samples have all covariates, but 30 are the fewest to learn from. Most "
        r"often ndwi is missing"
    )
    with pytest.raises(InputError, match=message):
        run(with_covariate(small, "ndwi", path))


@pytest.mark.usefixtures("findings_only")
def test_fewer_blocks_than_folds_are_refused_before_anything_is_fitted(config, begun):
    begun("wetness", "covariates")
    message = r"samples.csv: the samples lie in \d blocks of 50000 m, fewer than the 5 folds. Set validation.block_size"
    with pytest.raises(InputError, match=message):
        run(updated(config, validation=CrossValidation(block_size=50_000.0)))
    assert not (config.output / "ensemble.joblib").exists()
