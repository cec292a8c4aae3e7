"""The moisture scene: its covariates, its truth, its field table, and all of it as files."""

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor

from cryoscale.errors import InputError
from cryoscale.grids import geobox_of
from cryoscale.learning.folds import fold_splits, random_folds
from cryoscale.moisture.samples import depth_means, merge_pixels, screen
from cryoscale.readers.points import locate
from cryoscale.readers.soil_moisture import METHODS, read_moisture_samples
from cryoscale.readers.warp import Resampling, open_on_grid
from cryoscale.scenes.moisture import moisture_scene
from cryoscale.scenes.moisture_field import EXTRAS, KNIFE, NOISE, RADAR
from cryoscale.scenes.moisture_files import moisture_files, write_moisture
from cryoscale.scenes.moisture_land import LAYERS, TERRAIN, UNITS, plateau_covariates
from cryoscale.scenes.moisture_truth import moisture_of

SMALL = (60, 80)


@pytest.fixture(scope="module")
def scene():
    """The scene of its usual size."""
    return moisture_scene()


@pytest.fixture(scope="module")
def small():
    return moisture_scene(SMALL, n_samples=40, seed=1)


@pytest.fixture(scope="module")
def files(small, tmp_path_factory):
    """Written over another scene."""
    folder = tmp_path_factory.mktemp("moisture") / "scene"
    write_moisture(moisture_scene((40, 40), n_samples=20, seed=2), folder)
    return moisture_files(write_moisture(small, folder))


@pytest.fixture(scope="module")
def pixels(scene):
    """Pixels with samples, as a product finds them, and what is true of the samples."""
    means = screen(depth_means(scene.samples))
    inside = locate(means, geobox_of(scene.truth)).inside
    return merge_pixels(inside.drop(columns=["row", "column"]), inside.row, inside.column)


def rows_of(scene, n, seed):
    """Some pixels: covariates as a table, and the truth."""
    chosen = np.random.default_rng(seed).choice(scene.truth.size, n, replace=False)
    table = pd.DataFrame({name: array.values.ravel()[chosen] for name, array in scene.covariates.items()})
    return table, scene.truth.values.ravel()[chosen]


def rise_by_permutation(predict, table, truth, name):
    """By how much the RMSE rises if a covariate is shuffled among the pixels."""
    shuffled = table.assign(**{name: np.random.default_rng(0).permutation(table[name])})
    rmse = [np.sqrt(np.mean((predict(rows) - truth) ** 2)) for rows in (table, shuffled)]
    return rmse[1] - rmse[0]


def test_covariates(scene):
    covariates = scene.covariates
    assert list(covariates) == [*TERRAIN, *UNITS]
    assert len(covariates) == 25
    assert geobox_of(covariates).crs.epsg == 4326
    assert geobox_of(covariates).resolution.x == pytest.approx(1 / 1200)
    for array in covariates.values():
        assert array.dims == ("y", "x")
        assert array.dtype == np.float32
        assert array.attrs["units"]
        assert np.isfinite(array).all()
        assert float(array.std()) > 0


def test_soil_is_a_soil(scene):
    soil = scene.covariates
    for layer in LAYERS:
        parts = [soil[f"{name}_{layer}"] for name in ("sand", "silt", "clay")]
        assert min(float(part.min()) for part in parts) > 0
        np.testing.assert_allclose(sum(parts), 100.0, rtol=1e-5)
        grains = soil[f"bulk_density_{layer}"] / 2.65 + soil[f"porosity_{layer}"]
        np.testing.assert_allclose(grains, 1.0, rtol=1e-5)
    assert np.corrcoef(soil.sand_0_30.values.ravel(), soil.sand_30_100.values.ravel())[0, 1] > 0.3


def test_truth_fits_into_the_pores(scene):
    assert float(scene.truth.min()) >= 0.03
    assert (scene.truth < scene.porosity).all()
    assert float(scene.porosity.max()) < 0.8
    assert 0.08 < float(scene.truth.std()) < 0.15
    assert scene.truth.attrs["units"] == scene.porosity.attrs["units"] == "m3 m-3"


def test_permafrost_has_holes(scene):
    assert scene.permafrost.dtype == bool
    assert 0.6 < float(scene.permafrost.mean()) < 0.95
    height = scene.covariates.elevation
    assert float(height.where(scene.permafrost).mean()) > float(height.where(~scene.permafrost).mean())


def test_exactly_eight_covariates_make_the_truth(scene):
    table, truth = rows_of(scene, 20_000, seed=0)
    assert len(set(scene.informative)) == 8
    for name in table:
        rise = rise_by_permutation(lambda rows: moisture_of(rows.to_xarray()).values, table, truth, name)
        if name in scene.informative:
            assert 0.03 < rise < 0.1, name
        else:
            assert rise == 0.0, name


def test_a_dense_fit_without_noise_finds_the_eight(scene):
    model = HistGradientBoostingRegressor(max_iter=200, learning_rate=0.15, random_state=0)
    model.fit(*rows_of(scene, 12_000, seed=1))
    table, truth = rows_of(scene, 5000, seed=2)
    rises = {name: rise_by_permutation(model.predict, table, truth, name) for name in table}
    needed = [rises.pop(name) for name in scene.informative]
    assert min(needed) > 0.015
    assert max(rises.values()) < 0.004


def test_truth_is_no_linear_function(scene):
    table, truth = rows_of(scene, 10_000, seed=3)
    chosen = table[list(scene.informative)].to_numpy(np.float64)
    design = np.column_stack([np.ones(len(chosen)), (chosen - chosen.mean(0)) / chosen.std(0)])
    residual = truth - design @ np.linalg.lstsq(design, truth, rcond=None)[0]
    assert residual.std() > 0.3 * truth.std()


def test_a_forest_learns_from_the_samples(scene, pixels):
    table = pixels[1]
    at = (table.row.to_numpy(), table.column.to_numpy())
    features = np.stack([array.values[at] for array in scene.covariates.values()], axis=1)
    target = table.moisture.to_numpy()
    predicted = np.empty_like(target)
    for training, left_out in fold_splits(random_folds(len(target), 5, seed=0)):
        model = RandomForestRegressor(100, max_features=0.5, min_samples_leaf=2, random_state=0)
        predicted[left_out] = model.fit(features[training], target[training]).predict(features[left_out])
    r2 = 1 - np.mean((predicted - target) ** 2) / target.var()
    assert 0.55 < r2 < 0.9


def test_good_samples_are_accepted_and_no_others(scene, pixels):
    samples, merged = pixels
    refused = samples[samples.reason != ""].set_index("sample").reason
    assert set(refused.index) == set(scene.flaws)
    starts = {"out of season": "outside September-October", "duplicate": "duplicate of P"}
    for name, reason in refused.items():
        flaw = scene.flaws[name]
        assert "robust deviations" in reason if flaw == "gross error" else reason.startswith(starts[flaw])
    assert (samples.reason == "").sum() == merged.n_samples.sum() == 342
    assert (merged.n_samples == 2).sum() == round(0.03 * 342)
    assert samples.attrs["not_screened"] == {}


def test_samples_are_the_truth_and_a_noise(scene, pixels):
    single = pixels[1].query("n_samples == 1")
    at = single.row.to_numpy(), single.column.to_numpy()
    error = single.moisture - scene.truth.values[at]
    assert abs(error.mean()) < 3 * NOISE / np.sqrt(len(error))
    assert 0.85 * NOISE < error.std() < 1.15 * NOISE
    assert scene.permafrost.values[at].all()


def test_the_field_table(scene):
    table = scene.samples
    years = set(table.start.dt.year)
    assert years == set(range(2009, 2025))
    assert (table.end >= table.start).all()
    assert set(table.method) == {KNIFE, RADAR} == set(METHODS)
    layers = table.groupby("sample").agg(n=("moisture", "size"), method=("method", "first"))
    assert (layers.n[layers.method == RADAR] == 1).all()
    assert (layers.n[layers.method == KNIFE] > 2).all()
    assert 0.2 < (layers.method == RADAR).mean() < 0.4
    assert pd.Series(scene.flaws).value_counts().to_dict() == {
        flaw: round(342 * share) for flaw, share in EXTRAS.items()
    }


def test_samples_are_clustered_along_roads(scene, pixels):
    """Counts in squares of about 2 km scatter more than those of places at random, whose dispersion is 1."""
    squares = pixels[1].groupby([pixels[1].row // 20, pixels[1].column // 20]).size()
    counts = np.zeros(scene.truth.size // 400)
    counts[: len(squares)] = squares
    assert counts.var() / counts.mean() > 2


def test_the_same_seed_gives_the_same_scene(small):
    again, other = (moisture_scene(SMALL, n_samples=40, seed=seed) for seed in (1, 3))
    xr.testing.assert_identical(again.covariates, small.covariates)
    pd.testing.assert_frame_equal(again.samples, small.samples)
    assert not np.array_equal(other.truth, small.truth)


@pytest.mark.parametrize(
    ("shape", "n_samples", "message"),
    [
        ((65, 80), 40, r"shape: \(65, 80\) is not made of pixels of about 1 km. Give multiples of 10, 20 or more"),
        ((10, 80), 40, r"shape: \(10, 80\)"),
        (SMALL, 19, r"n_samples: 19 samples are too few"),
        ((20, 20), 500, r"pixels with permafrost near roads are needed, but the scene has \d+. Give fewer samples"),
    ],
)
def test_scenes_that_cannot_be(shape, n_samples, message):
    with pytest.raises(InputError, match=message):
        moisture_scene(shape, n_samples=n_samples)


def test_covariates_come_back_from_the_files(small, files):
    """Each map in its own resolution, brought to the grid of the DEM as a product does it."""
    geobox = geobox_of(small.covariates)
    assert list(files.covariates) == list(UNITS)
    opened = {"elevation": files.dem, "ndvi": files.covariates["ndvi"], "porosity": files.porosity}
    expected = {**small.covariates, "porosity": small.porosity}
    for name, path in opened.items():
        read = open_on_grid(path, name, geobox=geobox, resampling=Resampling.BILINEAR, chunks={"y": 32, "x": 32})
        np.testing.assert_allclose(read, expected[name], rtol=1e-5)
    elevation = open_on_grid(
        files.dem, "elevation", geobox=geobox, resampling=Resampling.BILINEAR, chunks={"y": 60, "x": 80}
    ).compute()
    derived = plateau_covariates({**small.maps, "elevation": elevation})
    for name in TERRAIN:
        np.testing.assert_array_equal(derived[name], small.covariates[name])


def test_every_map_of_the_files_is_bilinear_on_the_fine_grid(small, files):
    from rasterio.enums import Resampling as Method
    from rasterio.vrt import WarpedVRT

    geobox = geobox_of(small.covariates)
    for name, path in files.covariates.items():
        with rasterio.open(path) as source:
            assert source.units == (UNITS[name],)
            assert source.crs.to_epsg() == 4326
            assert source.shape == (SMALL if name.startswith(("ndvi", "ndwi", "backscatter")) else (6, 8))
            grid = {"transform": geobox.transform, "height": geobox.height, "width": geobox.width}
            with WarpedVRT(source, resampling=Method.bilinear, tolerance=1e-9, **grid) as warped:
                read = warped.read(1)
        expected = small.covariates[name].values
        np.testing.assert_allclose(read, expected, atol=1e-4 * np.ptp(expected), err_msg=name)


def test_samples_come_back_from_the_file(small, files):
    read = read_moisture_samples(files.samples)
    pd.testing.assert_frame_equal(read, small.samples.sort_values(["sample", "start", "end", "depth_top"]))


def test_masks_and_truth_come_back(small, files):
    with rasterio.open(files.permafrost) as source:
        np.testing.assert_array_equal(source.read(1).astype(bool), small.permafrost)
    with xr.open_zarr(files.truth, consolidated=False) as truth:
        np.testing.assert_array_equal(truth.moisture, small.truth)
        np.testing.assert_array_equal(truth.porosity, small.porosity)
        assert set(truth.data_vars) == {"moisture", "porosity", "permafrost_mask"}
