import numpy as np
import pytest
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.crs import CRS

from cryoscale.errors import InputError
from cryoscale.readers import Resampling
from cryoscale.readers.dated import find_dated, open_dated

BOX = GeoBox.from_bbox((0, 0, 400, 300), "EPSG:32647", resolution=100)


def write(path, values, **tags):
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "height": 3, "width": 4, "count": 1, "dtype": values.dtype.name}
    with rasterio.open(path, "w", crs=CRS.from_epsg(32647), transform=BOX.transform, **profile, **tags) as target:
        target.write(values, 1)
        target.scales = (0.0001,) if values.dtype.kind == "i" else (1.0,)


@pytest.fixture
def folder(tmp_path):
    for day, value in (("20200117", 2000), ("20200101", 1000)):
        write(tmp_path / day[:4] / f"ndvi_{day}_v1.tif", np.full((3, 4), value, "int16"), nodata=-3000)
    (tmp_path / "notes.tif").write_bytes(b"")
    return tmp_path


def test_dates_are_in_order_and_values_are_scaled(folder):
    files = find_dated(folder, pattern="ndvi_{date:%Y%m%d}_*.tif")
    assert [str(day) for day in files.dates] == ["2020-01-01", "2020-01-17"]
    assert [item.path.name for item in files.rejected] == ["notes.tif"]
    series = open_dated(files, "ndvi", geobox=BOX, chunks={"y": 2, "x": 4}, resampling=Resampling.NEAREST)
    assert series.dims == ("time", "y", "x")
    assert series.chunks is not None
    np.testing.assert_allclose(series.values[:, 0, 0], [0.1, 0.2], rtol=1e-6)


def test_dates_can_be_chosen(folder):
    files = find_dated(folder, pattern="ndvi_{date:%Y%m%d}_*.tif", start=np.datetime64("2020-01-05"))
    assert [str(day) for day in files.dates] == ["2020-01-17"]


def test_numbers_that_are_not_scaled_are_refused(tmp_path):
    write(tmp_path / "ndvi_2020001.tif", np.full((3, 4), 2000.0, "float32"))
    files = find_dated(tmp_path, pattern="ndvi_{date:%Y%j}.tif")
    series = open_dated(files, "ndvi", geobox=BOX, chunks={"y": 3, "x": 4}, resampling=Resampling.NEAREST)
    with pytest.raises(InputError, match=r"ndvi is 2000 somewhere, but must be -1 to 1"):
        series.compute()


@pytest.mark.parametrize("pattern", ["ndvi.tif", "{date}_{date}.tif", "{tile}_{date}.tif"])
def test_a_template_needs_one_date(folder, pattern):
    with pytest.raises(InputError, match="once and no other field"):
        find_dated(folder, pattern=pattern)


def test_names_that_do_not_follow_are_told(folder):
    with pytest.raises(InputError, match=r"holds no raster named as in evi_.*the first of 3 files is"):
        find_dated(folder, pattern="evi_{date:%Y%m%d}.tif")
