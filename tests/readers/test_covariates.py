"""Covariates of any name on a grid: their values, units and ranges, whatever the chunks."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.readers import Resampling
from cryoscale.readers.covariates import open_covariate

GRID = GeoBox((20, 30), Affine(0.001, 0, 99.0, 0, -0.001, 38.0), "EPSG:4326")
COARSE = Affine(0.005, 0, 99.0, 0, -0.005, 38.0)
CLAY = np.random.default_rng(0).uniform(5, 40, (4, 6)).astype("float32")


def opened(paths, *, chunks=8, resampling=Resampling.NEAREST, unit="%", **options):
    sizes = {"y": chunks, "x": chunks}
    return open_covariate(paths, "clay", unit=unit, geobox=GRID, resampling=resampling, chunks=sizes, **options)


@pytest.fixture
def clay(tmp_path, write_raster):
    return write_raster(tmp_path / "clay.tif", CLAY, transform=COARSE, units="%")


def test_every_fine_pixel_has_the_value_of_its_coarse_one(clay, assert_lazy):
    with assert_lazy():
        found = opened(clay)
    assert found.name == "clay"
    assert found.attrs == {"units": "%"}
    assert found.dtype == np.float32
    assert found.odc.geobox == GRID
    np.testing.assert_array_equal(found.values, np.kron(CLAY, np.ones((5, 5))))


@pytest.mark.parametrize("resampling", [Resampling.BILINEAR, Resampling.AVERAGE])
def test_values_do_not_depend_on_the_chunks(clay, resampling):
    first = opened(clay, resampling=resampling).values
    assert first.tobytes() == opened(clay, resampling=resampling, chunks=30).values.tobytes()
    assert np.ptp(first) > 1


def test_several_files_make_one_map(tmp_path, write_raster, clay):
    halves = [
        write_raster(tmp_path / f"{n}.tif", part, transform=COARSE * Affine.translation(3 * n, 0))
        for n, part in enumerate((CLAY[:, :3], CLAY[:, 3:]))
    ]
    np.testing.assert_array_equal(opened(halves).values, opened([clay]).values)


def test_scale_tags_and_a_number_for_no_data_are_heeded(tmp_path, write_raster):
    counts = np.arange(24, dtype="int16").reshape(4, 6)
    path = write_raster(tmp_path / "clay.tif", counts, transform=COARSE)
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.5,), (3.0,)
    found = opened(path, nodata=0).values
    assert np.isnan(found[:5, :5]).all()
    np.testing.assert_array_equal(found[::5, ::5].ravel()[1:], 0.5 * counts.ravel()[1:] + 3)


def test_values_in_range_pass_and_others_are_refused_while_computing(clay):
    np.testing.assert_array_equal(opened(clay, valid_range=(0, 100)).values, opened(clay).values)
    lazy = opened(clay, valid_range=(0, 30))
    with pytest.raises(InputError, match=r"clay.tif: clay is 3\d\.\d+ somewhere, but must be 0 to 30 %"):
        lazy.compute()


def test_another_unit_is_refused(clay):
    with pytest.raises(
        InputError, match=r"clay.tif: is in '%', but covariate clay is configured in 'g kg-1'. Convert the file, or"
    ):
        opened(clay, unit="g kg-1")


def test_no_files_and_files_from_elsewhere_are_refused(tmp_path, write_raster):
    with pytest.raises(InputError, match="clay: no files are given"):
        opened([])
    far = write_raster(tmp_path / "far.tif", CLAY, transform=Affine(0.005, 0, 80.0, 0, -0.005, 38.0))
    with pytest.raises(InputError, match="far.tif"):
        opened(far).compute()
