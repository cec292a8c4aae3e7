import numpy as np
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.readers.land_cover import open_land_cover

GRID = GeoBox((6, 8), Affine(0.03, 0, 99.0, 0, -0.03, 38.0), "EPSG:4326")
FINE = GRID.transform @ Affine.scale(1 / 3)
WHOLE = {"y": -1, "x": -1}
CLASSES = ("bare", "grass", "TREES-BD")


def fractions(seed=0):
    """Percentages of three classes that make 100 with what is none of them; (class, y, x), three times finer."""
    shares = np.random.default_rng(seed).dirichlet([1, 1, 1, 0.5], (18, 24))[..., :3]
    percent = np.moveaxis(np.round(shares * 100), -1, 0).astype("uint8")
    percent[:, 0:3, 0:3] = 255
    percent[:, 3:6, 0:3] = 0
    return percent


def dominant(percent):
    blocks = np.where(percent == 255, np.nan, percent.astype(float)).reshape(3, 6, 3, 8, 3)
    mean = np.nan_to_num(blocks.mean(axis=(2, 4)))
    return np.where(mean.max(axis=0) > 0, mean.argmax(axis=0) + 1, 0)


def test_the_commonest_class(tmp_path, write_raster):
    numbers = np.kron(np.random.default_rng(1).choice([10, 130, 220], GRID.shape), np.ones((3, 3))).astype("uint8")
    expected = numbers[1::3, 1::3].copy()
    numbers[0:3, 0:3], expected[0, 0] = 0, 0
    numbers[::3, ::3] = 130  # one of nine
    path = write_raster(tmp_path / "lc.tif", numbers, transform=FINE)
    legend = {10: "crop land", 220: "snow/ice", 130: "grass"}
    cover = open_land_cover(path, geobox=GRID, chunks={"y": 4, "x": 3}, legend=legend)
    assert cover.dtype == np.uint8
    np.testing.assert_array_equal(cover.values, expected)
    assert cover.attrs["flag_values"] == [10, 130, 220]
    assert cover.attrs["flag_meanings"] == "crop_land grass snow_ice"
    assert cover.odc.geobox == GRID
    plain = open_land_cover(path, geobox=GRID, chunks=WHOLE)
    assert "flag_values" not in plain.attrs
    without = open_land_cover(path, geobox=GRID, chunks=WHOLE, nodata=130).values
    assert not (without == 130).any()
    assert ((without == 0) == np.isin(expected, [0, 130])).all()


def test_a_class_that_the_legend_lacks(tmp_path, write_raster):
    numbers = np.full((18, 24), 10, "int16")
    numbers[0:3, 0:3], numbers[3:6, 3:6] = 20, 300
    path = write_raster(tmp_path / "lc.tif", numbers, transform=FINE)
    with pytest.raises(InputError, match=r"lc.tif: has the class 20, 300, but classes must be 10, those of the legend"):
        open_land_cover(path, geobox=GRID, chunks=WHOLE, legend={10: "crop"}).compute()
    with pytest.raises(InputError, match=r"has the class 300, but classes must be whole numbers from 1 to 255"):
        open_land_cover(path, geobox=GRID, chunks=WHOLE).compute()


def test_the_largest_fraction_of_files(tmp_path, write_raster):
    percent = fractions()
    paths = {
        name: write_raster(tmp_path / f"{name}.tif", values, transform=FINE, nodata=255, units="%")
        for name, values in zip(CLASSES, percent, strict=True)
    }
    cover = open_land_cover(paths, geobox=GRID, chunks={"y": 4, "x": 3})
    expected = dominant(percent)
    assert expected[0, 0] == expected[1, 0] == 0
    assert set(np.unique(expected)) == {0, 1, 2, 3}
    np.testing.assert_array_equal(cover.values, expected)
    assert cover.attrs["flag_meanings"] == "bare grass TREES_BD"
    share = np.where(percent[1] == 255, np.nan, percent[1] / 100).astype("float32")
    paths["grass"] = write_raster(tmp_path / "share.tif", share, transform=FINE, nodata=np.nan, units="1")
    np.testing.assert_array_equal(open_land_cover(paths, geobox=GRID, chunks=WHOLE).values, expected)
    paths["grass"] = write_raster(tmp_path / "untagged.tif", share, transform=FINE, nodata=np.nan)
    with pytest.raises(InputError, match=r"untagged.tif: has no unit, but other layers are in %"):
        open_land_cover(paths, geobox=GRID, chunks=WHOLE)


def test_of_equal_fractions_the_first(tmp_path, write_raster):
    paths = {
        name: write_raster(tmp_path / f"{name}.tif", np.full((18, 24), 40, "uint8"), transform=FINE) for name in "ba"
    }
    assert (open_land_cover(paths, geobox=GRID, chunks=WHOLE) == 1).all()


@pytest.fixture
def cci(tmp_path):
    """A NetCDF file laid out as ESA CCI PFT: a variable a type, one time, longitude and latitude, no CRS."""
    percent = fractions(2)
    axes = {
        "time": [np.datetime64("2010-01-01", "ns")],
        "lat": 38.0 - (np.arange(18) + 0.5) * 0.01,
        "lon": 99.0 + (np.arange(24) + 0.5) * 0.01,
    }
    attrs, dims = {"units": "%"}, ("time", "lat", "lon")
    types = {name: (dims, values[np.newaxis], attrs) for name, values in zip(CLASSES, percent, strict=True)}
    types["LAND"] = (dims, np.full((1, 18, 24), 100, "uint8"), attrs)
    dataset = xr.Dataset(types, coords=axes)
    dataset["lat"].attrs = {"units": "degrees_north", "standard_name": "latitude"}
    dataset["lon"].attrs = {"units": "degrees_east", "standard_name": "longitude"}
    dataset["lat_bounds"] = (("lat", "bounds"), np.zeros((18, 2)))
    encoding = {name: {"_FillValue": 255} for name in types}
    dataset.to_netcdf(tmp_path / "pft.nc", encoding=encoding)
    return tmp_path / "pft.nc", percent


def test_the_largest_fraction_of_a_netcdf_file(cci, assert_lazy):
    path, percent = cci
    with assert_lazy():
        cover = open_land_cover(path, geobox=GRID, chunks={"y": 4, "x": 3})
    np.testing.assert_array_equal(cover.values, dominant(percent))
    assert cover.attrs["flag_meanings"] == "bare grass TREES_BD"
    chosen = open_land_cover(path, geobox=GRID, chunks=WHOLE, layers={"trees": "TREES-BD", "ground": "bare"})
    assert chosen.attrs["flag_meanings"] == "trees ground"
    mean = np.nan_to_num(percent[[2, 0]].astype(float).reshape(2, 6, 3, 8, 3).mean(axis=(2, 4)))
    np.testing.assert_array_equal(chosen.values[2:], (mean.argmax(axis=0) + 1)[2:])


def test_bands_of_a_raster(tmp_path, write_raster):
    import rasterio

    percent = fractions(3)
    path = write_raster(tmp_path / "bands.tif", percent, transform=FINE, nodata=255)
    with rasterio.open(path, "r+") as raster:
        raster.set_band_description(1, "bare")
    cover = open_land_cover(path, geobox=GRID, chunks=WHOLE)
    assert cover.attrs["flag_meanings"] == "bare 2 3"
    np.testing.assert_array_equal(cover.values, dominant(percent))


def test_fractions_that_are_none(tmp_path, cci, write_raster):
    wrong = {"a": write_raster(tmp_path / "a.tif", np.full((18, 24), 255, "uint8"), transform=FINE)}
    with pytest.raises(InputError, match=r"a.tif: a fraction is 255, but must be 0 to 100 % \(or 0 to 1\)"):
        open_land_cover(wrong, geobox=GRID, chunks=WHOLE).compute()
    with pytest.raises(InputError, match=r"pft.nc: has no layer MOSS; it has bare, grass, TREES-BD, LAND"):
        open_land_cover(cci[0], geobox=GRID, chunks=WHOLE, layers={"moss": "MOSS"})
    with pytest.raises(InputError, match="layers: says which layers of one file to take"):
        open_land_cover(wrong, geobox=GRID, chunks=WHOLE, layers={"moss": "MOSS"})
    with pytest.raises(InputError, match=r"gone.tif: does not exist"):
        open_land_cover(tmp_path / "gone.tif", geobox=GRID, chunks=WHOLE)
    with pytest.raises(InputError, match="land_cover: no files are given"):
        open_land_cover({}, geobox=GRID, chunks=WHOLE)
