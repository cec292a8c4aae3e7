"""The active-layer scene as files: they come back through the package's readers."""

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr

from cryoscale.grids import geobox_of
from cryoscale.readers.lst import open_lst
from cryoscale.readers.lst_files import find_lst
from cryoscale.readers.lst_names import LstFormat
from cryoscale.scenes.active_layer import active_layer_scene
from cryoscale.scenes.active_layer_files import LST_PATTERN, SURFACE, active_layer_files, write_active_layer
from cryoscale.scenes.active_layer_surface import fine_lst


@pytest.fixture(scope="module")
def scene():
    return active_layer_scene((96, 64), (2019, 2020), seed=3)


@pytest.fixture(scope="module")
def files(scene, tmp_path_factory):
    """Written over what a scene of other days has left."""
    folder = tmp_path_factory.mktemp("scene") / "datong"
    left = active_layer_files(folder)
    for images, name in ((left.lst, "lst_terra_day_20010101.tif"), (left.ndvi, "ndvi_20010101.tif")):
        images.mkdir(parents=True)
        (images / name).touch()
    return active_layer_files(write_active_layer(scene, folder))


def read(path):
    with rasterio.open(path) as dataset:
        facts = {
            "dtypes": dataset.dtypes,
            "scales": dataset.scales,
            "nodata": dataset.nodata,
            "epsg": dataset.crs.to_epsg(),
        }
        return dataset.read(1), facts | {"transform": dataset.transform}


def test_lst_comes_back_through_the_reader_of_patterns(scene, files):
    found = find_lst(files.lst, format=LstFormat.PATTERN, pattern=LST_PATTERN)
    assert len(found.images) == 2 * 731
    assert not found.rejected
    start, end = np.datetime64("2019-12-01"), np.datetime64("2020-01-31")
    winter = find_lst(files.lst, format=LstFormat.PATTERN, pattern=LST_PATTERN, start=start, end=end)
    cube = open_lst(winter, geobox_of(scene.lst), chunks={"time": -1, "y": -1, "x": -1})
    xr.testing.assert_equal(cube.compute(), scene.lst.sel(time=slice(start, end)))


def test_an_image_says_what_it_is(scene, files):
    with rasterio.open(files.lst / "lst_terra_night_20200229.tif") as dataset:
        assert dataset.dtypes == ("float32",)
        assert np.isnan(dataset.nodata)
        assert dataset.units == ("degC",)
        assert dataset.crs.to_epsg() == 32647
        assert dataset.transform == geobox_of(scene.lst).transform


def test_ndvi_is_written_as_modis_does(scene, files):
    paths = sorted(files.ndvi.iterdir())
    assert [path.name for path in paths] == [f"ndvi_{day:%Y%m%d}.tif" for day in scene.ndvi.get_index("time")]
    counts, facts = read(paths[12])
    assert facts["dtypes"] == ("int16",)
    assert facts["scales"] == (0.0001,)
    assert facts["nodata"] == -3000
    assert facts["transform"] == geobox_of(scene.ndvi).transform
    np.testing.assert_allclose(counts * 0.0001, scene.ndvi[12], atol=0.00005001)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("dem", "elevation"),
        ("landsat_ndvi", "landsat_ndvi"),
        ("land_cover", "land_cover"),
        ("water", "water"),
        ("permafrost", "permafrost"),
    ],
)
def test_maps_come_back(scene, files, file, name):
    values, facts = read(getattr(files, file))
    np.testing.assert_array_equal(values, getattr(scene, name))
    assert facts["transform"] == geobox_of(scene.elevation).transform
    assert facts["epsg"] == 32647


def test_classes_keep_their_names(files):
    with rasterio.open(files.land_cover) as dataset:
        assert dataset.tags(1)["class_1"] == "swamp_meadow"


def test_sites_come_back(scene, files):
    pd.testing.assert_frame_equal(pd.read_csv(files.sites), scene.sites, check_dtype=False)


def test_the_truth_comes_back_and_makes_any_day(scene, files):
    with xr.open_zarr(files.truth, consolidated=False, decode_coords="all") as truth:
        for name, array in scene.truth.data_vars.items():
            np.testing.assert_array_equal(truth[name], array)
        assert geobox_of(truth) == geobox_of(scene.truth)
        assert truth.attrs["alt_trend"] == 0.015
    with xr.open_zarr(files.truth, group=SURFACE, consolidated=False, decode_coords="all") as surface:
        image = fine_lst(surface, "2020-07-20")
        np.testing.assert_allclose(image, scene.fine_lst("2020-07-20"), atol=1e-4)
        assert image.overpass.values.tolist() == ["terra_day", "terra_night"]
