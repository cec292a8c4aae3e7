import numpy as np
import pandas as pd
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.readers.lst import open_lst
from cryoscale.readers.lst_encoding import TemperatureUnit
from cryoscale.readers.lst_files import find_lst
from cryoscale.readers.lst_names import LstFormat
from cryoscale.readers.warp import Resampling

GRID = GeoBox((12, 10), Affine(0.01, 0, 88.0, 0, -0.01, 37.0), "EPSG:4326")
WHOLE = {"time": -1, "y": -1, "x": -1}
CHUNKS = {"time": 2, "y": 5, "x": 4}
KRASOVSKY = "EPSG:4024"


def kelvin_hundredths(seed, shape=GRID.shape):
    numbers = np.random.default_rng(seed).integers(24000, 30000, shape).astype("uint16")
    numbers[seed % shape[0], 3] = 0
    return numbers


def degrees(numbers, scale=0.01):
    return np.where(numbers == 0, np.nan, numbers * scale - 273.15)


@pytest.fixture
def trims(tmp_path, write_raster):
    """Images of three of four days; the second is missing. On the grid's lattice, one pixel larger all around."""
    images = {}
    for satellite, half, day in [("Terra", "D", 1), ("Terra", "D", 4), ("Aqua", "N", 1), ("Aqua", "N", 3)]:
        numbers = kelvin_hundredths(day + (10 if half == "N" else 0), (14, 12))
        name = f"TRIMS_{satellite}200500{day}{half}.tif"
        write_raster(tmp_path / name, numbers, transform=GRID.transform @ Affine.translation(-1, -1))
        images[f"{satellite}_{'night' if half == 'N' else 'day'}".lower(), day - 1] = degrees(numbers)[1:-1, 1:-1]
    return tmp_path, images


def test_the_cube_has_every_day_and_the_numbers_of_the_files(trims):
    folder, images = trims
    cube = open_lst(find_lst(folder, format=LstFormat.TRIMS), GRID, chunks=CHUNKS)
    assert cube.dims == ("overpass", "time", "y", "x")
    assert cube.overpass.values.tolist() == ["terra_day", "aqua_night"]
    np.testing.assert_array_equal(cube.time, pd.date_range("2005-01-01", "2005-01-04").to_numpy("datetime64[ns]"))
    assert cube.attrs["units"] == "degC"
    assert cube.odc.geobox == GRID
    values = cube.values
    for (overpass, day), expected in images.items():
        np.testing.assert_allclose(values[cube.overpass.values.tolist().index(overpass), day], expected, atol=2e-5)
    assert np.isnan(values[0, 1:3]).all()
    assert np.isnan(values[1, [1, 3]]).all()


@pytest.mark.parametrize("resampling", [Resampling.NEAREST, Resampling.BILINEAR])
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32645"])
def test_chunks_change_nothing_to_the_bit(trims, resampling, crs):
    files = find_lst(trims[0], format=LstFormat.TRIMS)
    grid = GRID if crs == "EPSG:4326" else GeoBox((15, 11), Affine(900, 0, 588900, 0, -1000, 4096000), crs)
    whole = open_lst(files, grid, chunks=WHOLE, resampling=resampling).values
    assert 0.2 < np.isfinite(whole).mean() < 0.6
    for chunks in (CHUNKS, {"time": 1, "y": 3, "x": 7}):
        np.testing.assert_array_equal(open_lst(files, grid, chunks=chunks, resampling=resampling).values, whole)


def test_one_task_a_chunk_and_nothing_computed(trims, assert_lazy):
    with assert_lazy():
        cube = open_lst(find_lst(trims[0], format=LstFormat.TRIMS), GRID, chunks=CHUNKS)
    assert cube.chunks == ((1, 1), (2, 2), (5, 5, 2), (4, 4, 2))
    assert len(cube.__dask_graph__()) == 2 * 2 * 3 * 3


def test_bilinear_keeps_a_plane_in_another_crs(tmp_path, write_raster):
    x, y = 560000 + 1000 * np.arange(80), 4120000 - 1000 * np.arange(60)
    plane = ((x - 590000) / 2000 + (4090000 - y[:, np.newaxis]) / 4000).astype("float32")
    transform = Affine(1000, 0, 559500, 0, -1000, 4120500)
    write_raster(tmp_path / "lst_terra_day_20050101.tif", plane, transform=transform, crs="EPSG:32645")
    files = find_lst(tmp_path, format=LstFormat.PATTERN, pattern="lst_{overpass}_{date:%Y%m%d}.tif")
    grid = GeoBox(GRID.shape, GRID.transform, KRASOVSKY)
    found = open_lst(files, grid, chunks=CHUNKS, resampling=Resampling.BILINEAR).values[0, 0]
    from pyproj import Transformer

    degrees_east, degrees_north = np.meshgrid(GRID.coordinates["longitude"].values, GRID.coordinates["latitude"].values)
    east, north = Transformer.from_crs(4326, 32645, always_xy=True).transform(degrees_east, degrees_north)
    np.testing.assert_allclose(found, (east - 590000) / 2000 + (4090000 - north) / 4000, atol=1e-4)


def test_modis_tiles_are_joined_and_flags_applied(tmp_path, write_raster):
    numbers = np.random.default_rng(5).integers(12000, 15000, GRID.shape).astype("uint16")
    flags = np.random.default_rng(6).integers(0, 256, GRID.shape).astype("uint8")
    flags[:, 3:6] = 0
    for tile, columns in (("h25v05", slice(0, 6)), ("h26v05", slice(4, 10))):
        transform = GRID.transform @ Affine.translation(columns.start, 0)
        for layer, values in (("LST_Day_1km", numbers), ("QC_Day", flags)):
            path = tmp_path / f"MOD11A1.A2005001.{tile}.061.2020.{layer}.tif"
            write_raster(path, values[:, columns], transform=transform)
    found = open_lst(find_lst(tmp_path, format=LstFormat.MODIS, max_error=2.0), GRID, chunks=CHUNKS).values[0, 0]
    kept = (flags % 4 == 0) | ((flags % 4 == 1) & (flags // 64 <= 1))
    assert 0.2 < kept.mean() < 0.8
    np.testing.assert_allclose(found, np.where(kept, degrees(numbers, 0.02), np.nan), atol=2e-5)
    every = open_lst(find_lst(tmp_path, format=LstFormat.MODIS, max_error=None), GRID, chunks=CHUNKS).values[0, 0]
    np.testing.assert_allclose(every, degrees(numbers, 0.02), atol=2e-5)


def series(seed, days, *, kelvin=False):
    values = np.random.default_rng(seed).normal(-5, 8, (days, *GRID.shape)).astype("float32")
    values[1, 2, 3] = np.nan
    time = pd.date_range("2005-01-01", periods=days).to_numpy("datetime64[ns]")
    array = xr.DataArray(values, dims=("time", "y", "x"), coords={"time": time, **grid_coords(GRID)})
    return (array + 273.15).assign_attrs(units="K") if kelvin else array.assign_attrs(units="Celsius")


@pytest.mark.parametrize("ending", ["nc", "zarr"])
def test_series_with_a_variable_for_each_overpass(tmp_path, ending):
    day, night = series(1, 4), series(2, 4, kelvin=True)
    path = tmp_path / f"lst.{ending}"
    dataset = xr.Dataset({"LST_D": day, "aqua_night": night, "other": day})
    dataset.to_netcdf(path) if ending == "nc" else dataset.to_zarr(path, consolidated=False)
    files = find_lst(tmp_path, format=LstFormat.NETCDF, names={"terra_day": "LST_D"})
    cube = open_lst(files, GRID, chunks=CHUNKS)
    assert cube.overpass.values.tolist() == ["terra_day", "aqua_night"]
    np.testing.assert_array_equal(cube.sel(overpass="terra_day"), day)
    np.testing.assert_allclose(cube.sel(overpass="aqua_night"), night - 273.15, atol=1e-5)
    np.testing.assert_array_equal(cube, open_lst(files, GRID, chunks=WHOLE))


def test_series_with_axes_in_degrees_and_files_for_each_satellite(tmp_path):
    names = {"y": "lat", "x": "lon"}
    both = {}
    for satellite, seed in (("MOD11A1", 3), ("MYD11A1", 4)):
        both[satellite] = series(seed, 3, kelvin=True)
        plain = both[satellite].drop_vars("spatial_ref").rename(names if "y" in both[satellite].dims else {})
        xr.Dataset({"LST_Day_1km": plain}).isel(lat=slice(None, None, -1)).to_netcdf(tmp_path / f"{satellite}.061.nc")
    names = {"terra_day": "MOD11A1*.nc:LST_Day_1km", "aqua_day": "MYD11A1*.nc:LST_Day_1km"}
    cube = open_lst(find_lst(tmp_path, format=LstFormat.NETCDF, names=names), GRID, chunks=CHUNKS)
    np.testing.assert_allclose(cube.sel(overpass="terra_day"), both["MOD11A1"] - 273.15, atol=1e-5)
    np.testing.assert_allclose(cube.sel(overpass="aqua_day"), both["MYD11A1"] - 273.15, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.drop_vars(["spatial_ref", "y", "x"]), r"lst.nc: terra_day has no regular grid with a CRS"),
        (lambda data: data.assign_coords(time=data.time.values[[0, 1, 1]]), r"terra_day has 2005-01-02 twice"),
        (lambda data: data.isel(time=0, drop=True), r"lst.nc: terra_day has no time axis"),
        (lambda data: data.assign_attrs(units="degF"), r"lst.nc: its unit is 'degF'; lst needs 'K' or 'degC'"),
    ],
)
def test_series_that_cannot_be_used(tmp_path, change, message):
    change(series(1, 3)).to_dataset(name="terra_day").to_netcdf(tmp_path / "lst.nc")
    with pytest.raises(InputError, match=message):
        open_lst(find_lst(tmp_path, format=LstFormat.NETCDF), GRID, chunks=CHUNKS).compute()


def test_units_that_nobody_named(tmp_path, write_raster):
    pattern = {"format": LstFormat.PATTERN, "pattern": "{overpass}.{date}.tif"}
    write_raster(tmp_path / "terra_day.20050101.tif", degrees(kelvin_hundredths(1)).astype("float32") + 273.15)
    grid = GeoBox((7, 5), Affine(0.01, 0, 99.0, 0, -0.01, 38.0), "EPSG:4326")
    with pytest.raises(InputError, match=r"terra_day.20050101.tif: lst is .* That looks like Kelvin: set unit: K"):
        open_lst(find_lst(tmp_path, **pattern), grid, chunks=CHUNKS).compute()
    found = open_lst(find_lst(tmp_path, **pattern, unit=TemperatureUnit.KELVIN), grid, chunks=CHUNKS).values[0, 0]
    np.testing.assert_allclose(found, degrees(kelvin_hundredths(1))[:7, :5], atol=3e-5)


def test_places_and_files_that_do_not_fit(tmp_path, trims, write_raster):
    files = find_lst(trims[0], format=LstFormat.TRIMS)
    elsewhere = GeoBox(GRID.shape, GRID.transform @ Affine.translation(500, 0), "EPSG:4326")
    with pytest.raises(InputError, match=r"TRIMS_Terra2005001D.tif: does not overlap the grid. It has .*; wanted are"):
        open_lst(files, elsewhere, chunks=CHUNKS)
    with pytest.raises(InputError, match="resampling: lst can be read nearest or bilinear, not average"):
        open_lst(files, GRID, chunks=CHUNKS, resampling=Resampling.AVERAGE)
    cube = open_lst(files, GRID, chunks=CHUNKS)
    (tmp_path / "TRIMS_Terra2005004D.tif").write_bytes(b"II*\0")
    with pytest.raises(InputError, match=r"TRIMS_Terra2005004D.tif: cannot be read .* The file is damaged"):
        cube.compute()
    modis = tmp_path / "modis"
    write_raster(modis / "MOD11A1.061_LST_Day_1km_doy2005001_aid0001.tif", kelvin_hundredths(1) // 2)
    write_raster(modis / "MOD11A1.061_QC_Day_doy2005001_aid0001.tif", np.zeros((9, 9), "uint8"))
    grid = GeoBox((7, 5), Affine(0.01, 0, 99.0, 0, -0.01, 38.0), "EPSG:4326")
    with pytest.raises(InputError, match=r"QC_Day.*: the quality flags have 9 x 9 pixels instead of 12 x 10"):
        open_lst(find_lst(modis, format=LstFormat.MODIS), grid, chunks=CHUNKS).compute()
