import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.readers import open_map

GRID = GeoBox((20, 30), Affine(0.001, 0, 99.0, 0, -0.001, 38.0), "EPSG:4326")
CHUNKS = {"y": 8, "x": 8}


def write(path, values, *, west=99.0, north=38.0, step=0.001, unit="mm a-1", crs="EPSG:4326"):
    profile = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": "float32"}
    transform = Affine(step, 0, west, 0, -step, north)
    with rasterio.open(path, "w", **profile, crs=crs, transform=transform, nodata=np.nan) as raster:
        raster.write(values.astype("float32"), 1)
        if unit:
            raster.set_band_unit(1, unit)
    return path


def test_a_smaller_map_is_put_in_its_place(tmp_path):
    values = np.arange(35.0).reshape(5, 7)
    path = write(tmp_path / "rate.tif", values, west=99.004, north=37.997)
    found = open_map(path, "velocity", geobox=GRID, chunks=CHUNKS)
    assert found.chunksizes["y"] == (8, 8, 4)
    assert found.attrs["units"] == "mm a-1"
    np.testing.assert_array_equal(found.values[3:8, 4:11], values)
    assert int(found.notnull().sum()) == 35


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unit": "m a-1"}, "is in 'm a-1', but velocity must be in 'mm a-1'"),
        ({"west": 99.0004}, "its pixels do not coincide with the stack's"),
        ({"step": 0.002}, "its pixels do not coincide with the stack's"),
        ({"crs": "EPSG:32647"}, "lies on another grid"),
    ],
)
def test_other_units_and_grids_are_refused(tmp_path, options, message):
    path = write(tmp_path / "rate.tif", np.ones((5, 7)), **options)
    with pytest.raises(InputError, match=message):
        open_map(path, "velocity", geobox=GRID, chunks=CHUNKS)


def test_what_is_no_raster(tmp_path):
    (tmp_path / "rate.tif").write_text("no raster")
    with pytest.raises(InputError, match="rate.tif: cannot be read as a raster"):
        open_map(tmp_path / "rate.tif", "velocity", geobox=GRID, chunks=CHUNKS)
