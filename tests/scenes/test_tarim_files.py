"""The Tarim-like scene as files."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr

from cryoscale.grids import geobox_of
from cryoscale.scenes.tarim import tarim_scene
from cryoscale.scenes.tarim_files import CLEAR, LAYERS, tarim_files, write_tarim


@pytest.fixture(scope="module")
def scene():
    return tarim_scene((20, 24), "2005-07-01", "2006-12-31", seed=1)


@pytest.fixture(scope="module")
def files(scene, tmp_path_factory):
    """Written over what another scene has left."""
    folder = tmp_path_factory.mktemp("scene") / "tarim"
    left = tarim_files(folder)
    left.lst.mkdir(parents=True)
    for recorded in scene.truth.image_recorded:
        image_path(left, str(recorded.overpass.item()), recorded.time.values[~recorded.values][0]).touch()
    scene.lakes.to_file(left.glaciers, layer="others", driver="GPKG")
    return tarim_files(write_tarim(scene, folder))


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1), dataset.profile


def image_path(files, overpass, day):
    product, layer = LAYERS[overpass]
    return files.lst / f"{product}.061_{layer}_doy{pd.Timestamp(day):%Y%j}_aid0001.tif"


def test_all_files_are_where_they_are_said_to_be(files):
    single = (files.dem, files.land_cover, files.glaciers, files.lakes, files.stations, files.boreholes, files.rival)
    for path in (*single, files.truth, *files.land_cover_fraction.values(), *files.surveys.values()):
        assert path.exists()


def test_every_recorded_image_has_a_file_and_no_other(scene, files):
    recorded = scene.truth.image_recorded
    expected = {
        image_path(files, str(overpass), day).name
        for overpass in recorded.overpass.values
        for day in recorded.time.values[recorded.sel(overpass=overpass).values]
    }
    assert {path.name for path in files.lst.iterdir()} == expected
    assert len(expected) < recorded.size
    example = "MYD11A1.061_LST_Night_1km_doy2006032_aid0001.tif"
    assert image_path(files, "aqua_night", "2006-02-01").name == example


@pytest.mark.parametrize("overpass", LAYERS)
def test_images_are_counts_of_kelvin(scene, files, overpass):
    cover = scene.truth.cloud_cover.sel(overpass=overpass).where(scene.truth.image_recorded.sel(overpass=overpass))
    for wanted in (0.0, 0.5, 1.0):
        day = cover.time.values[int(np.nanargmin(np.abs(cover.values - wanted)))]
        counts, profile = read(image_path(files, overpass, day))
        assert profile["dtype"] == "uint16"
        assert profile["nodata"] == 0
        assert profile["crs"].to_epsg() == 4326
        assert profile["transform"].almost_equals(geobox_of(scene.lst).transform, precision=1e-12)
        celsius = np.where(counts == 0, np.nan, counts * 0.02 - 273.15)
        np.testing.assert_allclose(celsius, scene.lst.sel(overpass=overpass, time=day), atol=0.0101)
    assert not read(image_path(files, overpass, cover.time.values[int(np.nanargmax(cover.values))]))[0].any()


def test_an_image_says_its_scale(files):
    with rasterio.open(next(files.lst.iterdir())) as dataset:
        assert dataset.scales == (0.02,)
        assert dataset.units == ("K",)


def test_the_dem_aggregates_to_the_elevation(scene, files):
    dem, profile = read(files.dem)
    np.testing.assert_array_equal(dem, scene.fine_elevation)
    assert profile["transform"].almost_equals(geobox_of(scene.fine_elevation).transform, precision=1e-12)
    np.testing.assert_allclose(dem.reshape(20, 3, 24, 3).mean((1, 3)), scene.elevation, atol=0.01)


def test_land_cover_is_there_as_shares_and_as_classes(scene, files):
    shares = {code: read(path)[0] for code, path in files.land_cover_fraction.items()}
    np.testing.assert_allclose(sum(shares.values()), 1, atol=1e-5)
    for code, share in shares.items():
        np.testing.assert_array_equal(share, scene.land_cover_fraction.sel(land_cover_class=code))
    classes, profile = read(files.land_cover)
    assert profile["dtype"] == "uint8"
    for code, share in shares.items():
        assert (share[classes == code] >= np.max(list(shares.values()), axis=0)[classes == code]).all()


def test_maps_by_others_keep_their_grids(scene, files):
    for name, path in files.surveys.items():
        survey, profile = read(path)
        np.testing.assert_array_equal(survey, scene.surveys[name])
        assert profile["nodata"] == 3
        assert profile["transform"].almost_equals(geobox_of(scene.surveys[name]).transform, precision=1e-12)
    rival, profile = read(files.rival)
    np.testing.assert_array_equal(rival, scene.rival)
    assert profile["transform"].a == pytest.approx(1 / 12)


def test_outlines_and_tables_come_back(scene, files):
    for path, outlines in ((files.glaciers, scene.glaciers), (files.lakes, scene.lakes)):
        assert len(gpd.list_layers(path)) == 1
        back = gpd.read_file(path)
        assert back.crs.to_epsg() == 4326
        assert back.geometry.geom_equals(outlines.geometry).all()
    stations = pd.read_csv(files.stations, parse_dates=["time"])
    pd.testing.assert_frame_equal(stations, scene.stations, check_dtype=False, atol=1e-5)
    pd.testing.assert_frame_equal(pd.read_csv(files.boreholes), scene.boreholes, check_dtype=False, atol=1e-5)


def test_the_truth_comes_back(scene, files):
    with xr.open_zarr(files.truth, consolidated=False) as truth:
        for name, array in scene.truth.data_vars.items():
            np.testing.assert_array_equal(truth[name], array)
        assert float(truth.cloud_cover.sel(overpass="aqua_day").mean()) > 0
        assert geobox_of(truth) == geobox_of(scene.truth)
    with xr.open_zarr(files.truth, group=CLEAR, consolidated=False) as clear:
        np.testing.assert_array_equal(clear.lst, scene.clear_lst)
