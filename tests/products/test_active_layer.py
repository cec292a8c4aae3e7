"""The active layer from files to stores: right, the same bytes on every way, and what is refused."""

import shutil
from datetime import date

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from typer.testing import CliRunner

from cryoscale import thermal
from cryoscale.cli import app
from cryoscale.engine import Cluster, open_scheduler
from cryoscale.errors import InputError, StoreError
from cryoscale.products import active_layer
from cryoscale.products.active_layer import run
from cryoscale.products.active_layer_inputs import FineLand, inspect
from cryoscale.products.fine_temperature import Calendar, Period
from cryoscale.store import open_store
from cryoscale.thermal.footprint import block_means, interpolate

pytestmark = pytest.mark.usefixtures("fresh_process")

TILED = ("land", "ndvi_learned", "ndvi", "detail_learned", "detail", "thaw", "active_layer")
STORES = (*TILED, "daily", "nodes")
THICKNESS = "active_layer_thickness"
FACTOR = (32, 32)


def updated(config, **changes):
    return config.model_copy(update=changes)


def opened(results, name):
    return open_store(results / f"{name}.zarr").compute()


def arrays(path):
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("c/**/*") if p.is_file()}


@pytest.fixture
def stores_only(monkeypatch):
    """Runs end with their stores: drawing the report takes longer than they do."""
    monkeypatch.setattr(active_layer, "publish", lambda findings, **_: findings)


@pytest.fixture
def begun(valley_results, valley_config):
    """A function that gives a run's folder some of the finished stores."""

    def copy(*names):
        for name in names:
            shutil.copytree(valley_results / f"{name}.zarr", valley_config.output / f"{name}.zarr")

    return copy


def test_all_stores_are_valid_and_say_what_they_hold(valley_results):
    checked = CliRunner().invoke(app, ["validate", *(str(valley_results / f"{name}.zarr") for name in TILED)])
    assert checked.exit_code == 0, checked.output
    layer = open_store(valley_results / "active_layer.zarr")
    assert layer.attrs["product"] == "active-layer"
    assert layer[THICKNESS].attrs["units"] == "m"
    assert layer[THICKNESS].dims == ("year", "y", "x")
    assert layer.year.values.tolist() == [2019, 2020, 2021, 2022]
    assert layer.odc.geobox == open_store(valley_results / "land.zarr").odc.geobox
    assert {"trend", "trend_p_value", "stefan_e_factor", "active_layer_status"} <= set(layer)


def test_fine_days_have_the_means_of_the_coarse_days(valley_results):
    daily, detail, nodes = (opened(valley_results, name) for name in ("daily", "detail", "nodes"))
    steps = Calendar((2019, 2020, 2021, 2022), Period.SEASON).step_of(daily.time.values)
    chosen = np.random.default_rng(0).choice(len(steps), 24, replace=False)
    fine = interpolate(nodes.smooth_lst.values[chosen].astype(float), FACTOR) + detail.lst_detail.values[steps[chosen]]
    np.testing.assert_allclose(block_means(fine, FACTOR), daily.daily_lst.values[chosen], atol=2e-4)


def test_fine_vegetation_has_the_means_of_the_coarse_one(valley_results, valley, valley_config):
    """But where it is cut off at -1 and 1."""
    fine = opened(valley_results, "ndvi").ndvi_series
    summer = valley.ndvi.sel(time=valley.ndvi.time.dt.year == 2021)
    summer = summer.sel(time=summer.time.dt.month.isin([6, 7, 8])).mean("time")
    np.testing.assert_allclose(block_means(fine.values, (8, 8))[10], summer, atol=2e-4)
    assert str(fine.time.values[10])[:7] == "2021-07"
    assert valley_config.sharpening.period is Period.SEASON


def test_the_thawing_index_is_the_sum_of_the_fine_days(valley_results):
    daily, detail, nodes, thaw = (opened(valley_results, name) for name in ("daily", "detail", "nodes", "thaw"))
    steps = Calendar((2019, 2020, 2021, 2022), Period.SEASON).step_of(daily.time.values)
    rows, columns = np.random.default_rng(1).integers(0, 192, (2, 8))
    smooth = interpolate(nodes.smooth_lst.values.astype(float), FACTOR)[:, rows, columns]
    fine = smooth + detail.lst_detail.values[:, rows, columns][steps]
    for position, year in enumerate(thaw.year.values):
        days = fine[daily.time.dt.year.values == year]
        np.testing.assert_allclose(thaw.ddt.values[position, rows, columns], days.clip(0).sum(axis=0), rtol=1e-4)
        np.testing.assert_array_equal(thaw.thawing_days.values[position, rows, columns], (days > 0).sum(axis=0))


def test_thickness_is_stefans_and_masked(valley_results, valley):
    layer, thaw = opened(valley_results, "active_layer"), opened(valley_results, "thaw")
    there = layer.active_layer_status.values == 1
    assert 0.3 < there.mean() < 0.95
    expected = (layer.stefan_e_factor * np.sqrt(thaw.ddt)).transpose("year", "y", "x").values
    np.testing.assert_allclose(layer[THICKNESS].values[there], expected[there], rtol=1e-5)
    assert np.isnan(layer[THICKNESS].values[~there]).all()
    assert np.isnan(layer[f"{THICKNESS}_error"].values[~there]).all()
    np.testing.assert_array_equal(layer.active_layer_status, valley.truth.active_layer_status)
    for code, true in ((1, 0.036), (2, 0.044), (3, 0.057)):  # swamp meadow, meadow and sparse steppe of the scene
        own = layer.stefan_e_factor.values[valley.land_cover.values == code]
        assert np.ptp(own) == 0
        assert own[0] == pytest.approx(true, rel=0.07)


@pytest.mark.usefixtures("stores_only")
def test_a_second_run_writes_nothing(valley_results, valley_config):
    before = {p: p.stat().st_mtime_ns for p in valley_results.rglob("*.zarr/**/*") if p.is_file()}
    assert {p.relative_to(valley_results).parts[0] for p in before} == {f"{name}.zarr" for name in STORES}
    run(updated(valley_config, output=valley_results))
    after = {p: p.stat().st_mtime_ns for p in valley_results.rglob("*.zarr/**/*") if p.is_file()}
    assert after == before


@pytest.mark.usefixtures("stores_only")
def test_an_interrupted_run_goes_on_to_the_same_bytes(valley_results, valley_config, begun):
    begun(*STORES)
    removed = 0
    for name in TILED:
        store = valley_config.output / f"{name}.zarr"
        for variable in open_store(store).data_vars:
            chunks = sorted(p for p in (store / variable).rglob("c/**/*") if p.is_file())
            for chunk in chunks[1::3]:
                chunk.unlink()
                removed += 1
    assert removed > 60
    run(valley_config)
    for name in STORES:
        assert arrays(valley_config.output / f"{name}.zarr") == arrays(valley_results / f"{name}.zarr"), name


@pytest.mark.parametrize(
    "cluster",
    [
        Cluster(workers=1),
        pytest.param(Cluster(kind="local", workers=2, memory="2 GiB"), marks=pytest.mark.slow),
    ],
    ids=["a thread", "processes"],
)
@pytest.mark.usefixtures("stores_only")
def test_other_tiles_and_processes_change_no_bit(valley_results, valley_config, monkeypatch, cluster):
    monkeypatch.setattr(active_layer, "choose_tiles", lambda *_: (96, 32))
    run(updated(valley_config, cluster=cluster))
    for name in STORES:
        ours, others = (open_store(folder / f"{name}.zarr") for folder in (valley_results, valley_config.output))
        if name in TILED:
            assert ours.chunksizes["y"] != others.chunksizes["y"]
        for variable in ours.data_vars:
            assert ours[variable].values.tobytes() == others[variable].values.tobytes(), (name, variable)


@pytest.mark.parametrize(
    ("section", "changes", "message"),
    [
        ("daily", {"linear_limit": 5}, r"daily.zarr: was made by another run:\n  - config.daily.linear_limit: 10 in"),
        ("sharpening", {"lst_factor": 16}, r"daily.zarr: was made by another run:\n  - config.factor: 32 in the sto"),
        ("land", {"bare_classes": ()}, r"land.zarr: was made by another run:\n  - config.land.bare_classes: \[4\] in"),
        ("stefan", {"by_class": False}, r"active_layer.zarr: was made by another run:\n  - config.by_class"),
    ],
)
@pytest.mark.usefixtures("stores_only")
def test_another_configuration_on_the_same_folder_is_refused(valley_results, valley_config, section, changes, message):
    before = {p: p.stat().st_mtime_ns for p in valley_results.rglob("*.zarr/**/*") if p.is_file()}
    other = updated(getattr(valley_config, section), **changes)
    with pytest.raises(StoreError, match=message):
        run(updated(valley_config, output=valley_results, **{section: other}))
    assert {p: p.stat().st_mtime_ns for p in before} == before


def rewritten(source, target, edit):
    """A raster with other numbers, and without its scale."""
    with rasterio.open(source) as old:
        profile = {
            name: old.profile[name] for name in ("height", "width", "count", "dtype", "crs", "transform", "nodata")
        }
        values = edit(old.read(1))
    target.parent.mkdir(exist_ok=True)
    with rasterio.open(target, "w", driver="GTiff", **profile | {"dtype": values.dtype.name}) as new:
        new.write(values, 1)
    return target


def holed(rows, columns, value):
    def edit(values):
        values[rows, columns] = value
        return values

    return edit


@pytest.mark.usefixtures("stores_only")
def test_holes_in_the_covariates_have_no_detail_and_those_in_the_classes_no_layer(
    valley_results, valley_config, tmp_path
):
    """A hole of a DEM as wide as a pixel of the images, one of the fine NDVI, and one of the classes."""
    config = valley_config
    places = {"dem": np.s_[64:96, 64:96], "ndvi": np.s_[16:24, 100:130], "cover": np.s_[150:170, 20:60]}
    dem = rewritten(config.land.elevation, tmp_path / "dem.tif", holed(*places["dem"], np.nan))
    green = rewritten(config.ndvi.fine, tmp_path / "green.tif", holed(*places["ndvi"], np.nan))
    cover = rewritten(config.land.classes, tmp_path / "cover.tif", holed(*places["cover"], 0))
    land = updated(config.land, elevation=dem, classes=cover)
    found = run(updated(config, land=land, ndvi=updated(config.ndvi, fine=green)))
    assert bool(found.thaw.ddt.notnull().all())
    detail = found.detail.fine.compute()
    # no detail: what is left is the smooth field that takes the means of its neighbours' detail back
    assert float(abs(detail[:, 82:94, 82:94].diff("x").diff("x")).max()) < 1e-3
    assert not bool(found.land.elevation[places["dem"]].notnull().any())
    layer, before = found.layer.compute(), opened(valley_results, "active_layer")
    assert (layer.active_layer_status.values[:, *places["cover"]] != 1).all()
    assert np.isnan(layer[THICKNESS].values[:, *places["cover"]]).all()
    known, truly = (data[THICKNESS].notnull().values[0] for data in (layer, before))
    truly = truly.copy()
    truly[places["cover"]] = False
    np.testing.assert_array_equal(known, truly)
    change = abs(layer[THICKNESS] - before[THICKNESS])
    assert float(change.mean()) < 0.02
    assert float(change[:, *places["dem"]].max()) < 0.3


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda counts: counts, r"ndvi_\d{8}.tif: ndvi is -?\d+ somewhere, but must be -1 to 1"),
        (lambda counts: (1.4e-4 * counts + 0.7).astype("float32"), r"ndvi is 1\.\d+ somewhere, but must be -1 to 1"),
    ],
    ids=["counts without a scale", "beyond 1"],
)
def test_vegetation_out_of_range_is_refused(valley_config, begun, tmp_path, edit, message):
    begun("land", "daily")
    for path in valley_config.ndvi.path.iterdir():
        rewritten(path, tmp_path / "ndvi" / path.name, edit)
    ndvi = updated(valley_config.ndvi, path=tmp_path / "ndvi")
    with pytest.raises(InputError, match=message):
        run(updated(valley_config, ndvi=ndvi))
    assert not (valley_config.output / "ndvi_learned.zarr").exists()


def test_fine_vegetation_out_of_range_is_refused(valley_config, tmp_path):
    fine = rewritten(valley_config.ndvi.fine, tmp_path / "fine.tif", lambda values: 10_000 * values)
    with pytest.raises(InputError, match=r"fine.tif: ndvi is -?\d+.* somewhere, but must be -1 to 1"):
        run(updated(valley_config, ndvi=updated(valley_config.ndvi, fine=fine)))


def test_images_without_a_season_cannot_be_filled(valley_config, begun, tmp_path):
    """No winter in any year: there is no course of the year to follow."""
    begun("land")
    (tmp_path / "lst").mkdir()
    for path in valley_config.lst.path.iterdir():
        day = pd.Timestamp(path.stem[-8:])
        if 3 <= day.month <= 10 or day in (pd.Timestamp("2019-01-01"), pd.Timestamp("2022-12-31")):
            shutil.copy(path, tmp_path / "lst")
    message = (
        "lst: no year has a temperature on all of its days, even after gaps are filled; the first without is 2019-01-02"
    )
    with pytest.raises(InputError, match=message):
        run(updated(valley_config, lst=updated(valley_config.lst, path=tmp_path / "lst")))


@pytest.fixture
def calibrated(valley_results, valley_config, tmp_path):
    """A function that calibrates on the finished stores, with the sites changed."""

    def calibrate(edit=lambda table: table, **options):
        edit(pd.read_csv(valley_config.sites)).to_csv(tmp_path / "sites.csv", index=False)
        stefan = updated(valley_config.stefan, **options)
        config = updated(valley_config, sites=tmp_path / "sites.csv", stefan=stefan)
        land, ndvi, thaw = (open_store(valley_results / f"{name}.zarr") for name in ("land", "ndvi", "thaw"))
        with open_scheduler(config.cluster) as scheduler:
            return active_layer._calibrate(config, inspect(config), land, ndvi.ndvi_series, thaw, scheduler=scheduler)

    return calibrate


def test_a_site_counts_once_however_many_years_it_has(calibrated, valley):
    table, calibration = calibrated()
    assert table.site.is_unique
    assert set(table.site) == set(valley.sites.site)
    assert len(calibration.samples) == table.accepted.sum()
    several = valley.sites.groupby("site").size()
    assert several.max() == 4
    for site, measured in valley.sites.groupby("site").active_layer_thickness.mean().items():
        assert table.set_index("site").loc[site, THICKNESS] == pytest.approx(measured)
    uneven = set(valley.sites.site[valley.sites.surroundings != "uniform"])
    assert set(table.site[~table.accepted]) >= uneven
    assert abs(calibration.loo_bias) < 0.02


def test_measurements_of_other_years_are_left_out(calibrated):
    def older(table):
        return pd.concat([table, table.assign(year=table.year - 10, active_layer_thickness=9.0)])

    xr.testing.assert_identical(
        xr.Dataset(calibrated(older)[0].set_index("site")), xr.Dataset(calibrated()[0].set_index("site"))
    )


def test_too_few_sites_are_refused_with_their_number(calibrated):
    with pytest.raises(
        InputError, match=r"sites.csv: 3 of 3 sites with images of their year stand in uniform .* but 5"
    ):
        calibrated(lambda table: table[table.site.isin(["P01", "P02", "P03"])])


def test_fewer_sites_than_a_class_needs_take_the_factor_of_all(calibrated):
    calibration = calibrated(min_samples=10)[1]
    assert calibration.table.pooled.any()
    pooled = calibration.table[calibration.table.pooled]
    assert (pooled.e_factor == calibration.everywhere.e_factor).all()
    one = calibrated(by_class=False)[1]
    assert one.table.empty
    assert one.everywhere.e_factor == pytest.approx(calibration.everywhere.e_factor)


def test_as_many_classes_as_sites_are_refused(calibrated):
    classes = calibrated()[0].query("accepted").groupby("mapped_land_cover").site.first().tolist()
    assert len(classes) == 3
    with pytest.raises(InputError, match="there are 3 classes for 3 samples, one for each. Merge classes"):
        calibrated(lambda table: table[table.site.isin(classes)], min_samples=2)


def test_a_robust_fit_is_not_moved_by_a_bad_site(calibrated):
    def spoiled(table):
        bad = table.site == "P02"
        return table.assign(active_layer_thickness=table.active_layer_thickness.where(~bad, 6.0))

    moved = {
        fit: calibrated(spoiled, fit=fit)[1].everywhere.e_factor - calibrated(fit=fit)[1].everywhere.e_factor
        for fit in thermal.StefanFit
    }
    assert abs(moved[thermal.StefanFit.ROBUST]) < 0.6 * abs(moved[thermal.StefanFit.LEAST_SQUARES])


def test_one_year_without_classes_and_masks_has_one_factor_and_no_trend(valley_config):
    land = FineLand(elevation=valley_config.land.elevation)
    lst = updated(valley_config.lst, start=date(2021, 12, 20))
    outcome = run(updated(valley_config, land=land, lst=lst))
    layer = open_store(outcome.store).compute()
    assert layer.year.values.tolist() == [2022]
    assert "trend" not in layer
    assert bool((layer.active_layer_status == 1).all())
    assert np.unique(layer.stefan_e_factor).size == 1
    assert {path.name for path in outcome.rasters} == {f"{THICKNESS}_2022.tif"}
    page = outcome.report.read_text(encoding="utf-8")
    assert "measurements of other years, left out" in page
    shown = page[: page.index("<h2>Provenance")]
    assert ">nan<" not in shown.lower()
