"""Which grid a product is made on."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from cryoscale.errors import ConfigError, InputError
from cryoscale.grids import geobox_of
from cryoscale.products.grid import Grid, images_geobox, raster_geobox
from cryoscale.products.permafrost_inputs import PermafrostMapConfig
from cryoscale.readers import LstFormat, find_lst

IMAGES = GeoBox((40, 48), Affine(1 / 120, 0, 78, 0, -1 / 120, 36), "EPSG:4326")
BOUNDS = (78.0, 35.5, 79.0, 36.0)


@pytest.fixture
def write(tmp_path):
    def write_to(name, crs="EPSG:32644"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        profile = {"driver": "GTiff", "count": 1, "dtype": "uint8", "height": 5, "width": 7}
        with rasterio.open(path, "w", crs=crs, transform=Affine(500, 0, 4e5, 0, -500, 4e6), **profile) as target:
            target.write(np.ones((1, 5, 7), "uint8"))
        return path

    return write_to


def test_by_default_it_is_that_of_the_images():
    assert Grid().geobox(IMAGES) is IMAGES


def test_a_raster_may_give_it(write):
    geobox = Grid(like=write("like.tif")).geobox(IMAGES)
    assert geobox.shape == (5, 7)
    assert geobox.crs.epsg == 32644
    assert geobox.boundingbox.bbox == (4e5, 4e6 - 2500, 4e5 + 3500, 4e6)


def test_or_its_parts_do():
    geobox = Grid(crs="EPSG:4326", resolution=0.01, bounds=BOUNDS).geobox(IMAGES)
    assert geobox.shape == (50, 100)
    np.testing.assert_allclose(geobox.boundingbox.bbox, BOUNDS, atol=1e-9)


def test_an_ellipsoid_without_a_datum_is_a_crs():
    krasovsky = Grid(crs="EPSG:4024", resolution=0.01, bounds=BOUNDS).geobox(IMAGES)
    assert "Krassowsky" in krasovsky.crs.to_wkt()


@pytest.mark.parametrize(
    "parts",
    [
        {"like": "config.yaml", "crs": "EPSG:4326"},
        {"like": "config.yaml", "crs": "EPSG:4326", "resolution": 0.01, "bounds": BOUNDS},
        {"crs": "EPSG:4326"},
        {"resolution": 0.01, "bounds": BOUNDS},
    ],
)
def test_half_a_grid_or_two_are_refused(parts, tarim_folder):
    overrides = [f"grid.{name}={list(value) if isinstance(value, tuple) else value}" for name, value in parts.items()]
    with pytest.raises(ConfigError, match="grid: give like alone, or crs, resolution and bounds together, or none of"):
        PermafrostMapConfig.load(tarim_folder / "config.yaml", overrides)


def test_a_raster_without_a_crs_gives_none(write):
    with pytest.raises(InputError, match=r"bare.tif: has no CRS, so it cannot give the grid. Assign one"):
        raster_geobox(write("bare.tif", crs=None))


def test_a_file_that_is_no_raster_is_named(tmp_path):
    path = tmp_path / "notes.tif"
    path.write_text("no raster")
    with pytest.raises(InputError, match="notes.tif: cannot be read as a raster"):
        Grid(like=path).geobox(IMAGES)


def test_the_first_image_gives_it(tarim, tarim_folder):
    geobox = images_geobox(find_lst(tarim_folder / "scene/lst", format=LstFormat.MODIS, max_error=None))
    assert geobox.shape == tarim.elevation.shape
    np.testing.assert_allclose(geobox.boundingbox.bbox, geobox_of(tarim.elevation).boundingbox.bbox, atol=1e-9)


def test_one_tile_of_several_does_not(write):
    for tile in ("h24v05", "h25v05"):
        path = write(f"tiles/MOD11A1.A2005001.{tile}.061.2020099123456.LST_Day_1km.tif")
    files = find_lst(path.parent, format=LstFormat.MODIS, max_error=None)
    with pytest.raises(InputError, match=r"h24v05.*: is one of 2 tiles of an image, so none gives the grid. Name a ra"):
        images_geobox(files)
