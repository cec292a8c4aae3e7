"""ERA5-Land files of known content: units, accumulations, days, weights, files that do not fit."""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.readers.basin import basin_weights
from cryoscale.readers.era5 import read_basin_climate
from cryoscale.variables import attributes

BASIN = gpd.GeoDataFrame(geometry=[shapely.box(99.0, 37.75, 99.16, 38.05)], crs="EPSG:4326")
LATITUDE, LONGITUDE = [38.0, 37.9, 37.8], [99.0, 99.1, 99.2]
WEIGHTS = np.array(basin_weights(GeoBox((3, 3), Affine(0.1, 0.0, 98.95, 0.0, -0.1, 38.05), "EPSG:4326"), BASIN).values)
UNITS = {
    "t2m": "K",
    "tp": "m",
    "e": "m of water equivalent",
    "ssr": "J m**-2",
    "str": "J m**-2",
    "sd": "m of water equivalent",
    "sde": "m",
    "rsn": "kg m**-3",
    "swvl1": "m**3 m**-3",
}


def basin_mean(values: np.ndarray) -> np.ndarray:
    return np.asarray((values * WEIGHTS).sum(axis=(-2, -1)) / WEIGHTS.sum())


def era5(time: pd.DatetimeIndex, *, time_name: str = "valid_time", **fields: np.ndarray) -> xr.Dataset:
    coords = {time_name: time, "latitude": LATITUDE, "longitude": LONGITUDE, "number": 0}
    dims = (time_name, "latitude", "longitude")
    return xr.Dataset(
        {name: (dims, values.astype("float32"), {"units": UNITS[name]}) for name, values in fields.items()}, coords
    )


def random(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.1, 1.0, (n, 3, 3))


def since_midnight(hours: np.ndarray) -> np.ndarray:
    """Totals of hours that end at 01, 02, ... 00 UTC as ERA5-Land accumulates them, after a first 0 at 00 UTC."""
    days = hours.reshape(-1, 24, 3, 3).cumsum(axis=1)
    return np.concatenate([np.zeros((1, 3, 3)), days.reshape(-1, 3, 3)])


@pytest.fixture
def hourly(tmp_path: Path) -> tuple[Path, dict[str, np.ndarray]]:
    """Three whole days, and the first hour of the fourth, in which their last totals are."""
    time = pd.date_range("2001-07-01", periods=73, freq="h")
    rain, sun = 1e-4 * random(72, 1), 1e5 * random(72, 2)
    state = random(73, 3)
    fields = {
        "t2m": 273.15 + 10 * state,
        "tp": since_midnight(rain),
        "e": -since_midnight(rain / 2),
        "ssr": since_midnight(sun),
        "str": -since_midnight(sun / 3),
        "swvl1": state / 2,
    }
    era5(time, **fields).to_netcdf(tmp_path / "hourly.nc")
    return tmp_path / "hourly.nc", {"rain": rain, "sun": sun, "state": state}


def days_of(hours: np.ndarray) -> np.ndarray:
    return np.asarray(hours.reshape(-1, 24, 3, 3))


def test_hourly_totals_are_of_the_day_that_ends_at_midnight(hourly: tuple[Path, dict[str, np.ndarray]]) -> None:
    path, truth = hourly
    days = read_basin_climate([path], BASIN).sel(time=slice("2001-07-01", "2001-07-03"))
    rain, sun = (basin_mean(days_of(truth[name]).sum(axis=1)) for name in ("rain", "sun"))
    np.testing.assert_allclose(days["precipitation"], 1000 * rain, rtol=1e-5)
    np.testing.assert_allclose(days["evapotranspiration"], 1000 * rain / 2, rtol=1e-5)
    np.testing.assert_allclose(days["net_radiation"], sun * (1 - 1 / 3) / 86400, rtol=1e-5)


def test_hourly_states_are_means_of_whole_days(hourly: tuple[Path, dict[str, np.ndarray]]) -> None:
    path, truth = hourly
    result = read_basin_climate([path], BASIN)
    days = result.sel(time=slice("2001-07-01", "2001-07-03"))
    state = basin_mean(days_of(truth["state"][:72]).mean(axis=1))
    np.testing.assert_allclose(days["air_temperature"], 10 * state, rtol=1e-4)
    np.testing.assert_allclose(days["soil_moisture"], state / 2, rtol=1e-5)
    assert np.isnan(result["air_temperature"].sel(time="2001-07-04"))  # one hour of it is no day
    assert np.isnan(result["precipitation"].sel(time="2001-07-04"))


def test_result_is_registered_and_named(hourly: tuple[Path, dict[str, np.ndarray]]) -> None:
    result = read_basin_climate([hourly[0]], BASIN)
    assert set(result) == {"air_temperature", "precipitation", "evapotranspiration", "net_radiation", "soil_moisture"}
    for name, variable in result.items():
        assert variable.attrs == attributes(str(name))


def test_files_by_time_and_by_field_are_one_record(hourly: tuple[Path, dict[str, np.ndarray]], tmp_path: Path) -> None:
    whole = xr.open_dataset(hourly[0])
    parts = {
        "a": whole[["tp", "t2m"]].isel(valid_time=slice(None, 30)),
        "b": whole[["tp", "t2m"]].isel(valid_time=slice(24, None)),
        "c": whole[["e", "ssr", "str", "swvl1"]],
    }
    for name, part in parts.items():
        part.to_netcdf(tmp_path / f"{name}.nc")
    whole.close()
    joined = read_basin_climate([tmp_path / f"{name}.nc" for name in ("c", "b", "a")], BASIN)
    xr.testing.assert_identical(joined, read_basin_climate([hourly[0]], BASIN)[list(joined)])


def test_zarr_is_netcdf(hourly: tuple[Path, dict[str, np.ndarray]], tmp_path: Path) -> None:
    with xr.open_dataset(hourly[0]) as dataset:
        dataset.drop_encoding().chunk(valid_time=10).to_zarr(tmp_path / "era5.zarr", consolidated=False)
    found = read_basin_climate([tmp_path / "era5.zarr"], BASIN)
    xr.testing.assert_allclose(found, read_basin_climate([hourly[0]], BASIN), rtol=1e-12)


def test_daily_files_hold_totals_of_days(tmp_path: Path) -> None:
    time = pd.date_range("2001-07-01 12:00", periods=4)
    rain, sun = random(4), random(4, 1)
    era5(time, time_name="time", tp=rain / 100, ssr=1e7 * sun, str=-4e6 * sun).to_netcdf(tmp_path / "daily.nc")
    result = read_basin_climate([tmp_path / "daily.nc"], BASIN)
    np.testing.assert_allclose(result["precipitation"], 10 * basin_mean(rain), rtol=1e-5)
    np.testing.assert_allclose(result["net_radiation"], 6e6 / 86400 * basin_mean(sun), rtol=1e-5)
    assert (result["time"].dt.hour == 0).all()


def test_months_with_integer_dates(tmp_path: Path) -> None:
    time = pd.date_range("2001-01-01", periods=5, freq="MS")
    dataset = era5(time, time_name="date", t2m=250 + random(5))
    dataset.assign_coords(date=time.strftime("%Y%m%d").astype("int64")).to_netcdf(tmp_path / "monthly.nc")
    result = read_basin_climate([tmp_path / "monthly.nc"], BASIN)
    assert (result.indexes["time"] == time).all()
    np.testing.assert_allclose(result["air_temperature"], basin_mean(250 - 273.15 + random(5)), rtol=1e-4)


def test_snow_depth_is_water_by_density_pixel_by_pixel(tmp_path: Path) -> None:
    time = pd.date_range("2001-01-01", periods=4)
    water, density = random(4) / 10, 100 + 200 * random(4, 1)
    era5(time, sd=water, rsn=density).to_netcdf(tmp_path / "snow.nc")
    result = read_basin_climate([tmp_path / "snow.nc"], BASIN)
    np.testing.assert_allclose(result["snow_depth"], basin_mean(1000 * water / density), rtol=1e-5)
    np.testing.assert_allclose(result["snow_water_equivalent"], basin_mean(water), rtol=1e-5)


def test_snow_depth_of_the_file_comes_first_and_water_alone_is_no_depth(tmp_path: Path) -> None:
    time = pd.date_range("2001-01-01", periods=4)
    era5(time, sd=random(4), rsn=300 * random(4), sde=2 * random(4)).to_netcdf(tmp_path / "both.nc")
    np.testing.assert_allclose(
        read_basin_climate([tmp_path / "both.nc"], BASIN)["snow_depth"], basin_mean(2 * random(4)), rtol=1e-5
    )
    era5(time, sd=random(4)).to_netcdf(tmp_path / "water.nc")
    assert set(read_basin_climate([tmp_path / "water.nc"], BASIN)) == {"snow_water_equivalent"}


def test_sea_is_left_out_and_gaps_in_time_are_missing(tmp_path: Path) -> None:
    values = 280 + random(4)
    values[:, 0, 0] = np.nan  # sea: never has data
    values[2, 1, 1] = np.nan
    era5(pd.date_range("2001-01-01", periods=4), t2m=values).to_netcdf(tmp_path / "coast.nc")
    result = read_basin_climate([tmp_path / "coast.nc"], BASIN)["air_temperature"].values
    land = WEIGHTS.copy()
    land[0, 0] = 0.0
    expected = (np.nan_to_num(values[0]) * land).sum() / land.sum() - 273.15
    assert result[0] == pytest.approx(expected, rel=1e-5)
    assert np.isnan(result).tolist() == [False, False, True, False]


def _hours_of_era5(_: Path) -> xr.Dataset:
    return era5(pd.date_range("2001-07-01", periods=73, freq="h"), ssr=1e5 * random(73))


DAYS = pd.date_range("2001-07-01", periods=4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_hours_of_era5, r"net_solar: falls within .* not accumulated since 00 UTC as in ERA5-Land"),
        (lambda _: era5(DAYS, t2m=random(4)).rename(t2m="air"), r"file.nc: holds air; it needs one of t2m, tp"),
        (lambda _: _with_units("t2m", "degF"), r"file.nc: t2m is in 'degF'; it must be in K or degC"),
        (lambda _: _with_units("t2m", None), r"file.nc: t2m is in 'no unit'"),
        (lambda _: era5(DAYS, t2m=random(4)).expand_dims(expver=2), r"file.nc: has the dims expver besides"),
        (lambda _: era5(DAYS, t2m=random(4)).isel(latitude=[0]), r"file.nc: has one y"),
        (lambda _: era5(DAYS, t2m=random(4)).assign_coords(latitude=[38, 37.9, 37.7]), r"file.nc: y is not evenly"),
        (lambda _: era5(DAYS, t2m=random(4)).rename(latitude="north"), r"file.nc: has no latitude or lat or y"),
        (lambda _: era5(DAYS, t2m=random(4)).isel(longitude=slice(1, 3)), r"basin: 68.8% of it lies within the grid"),
        (lambda _: era5(DAYS, t2m=random(4)).isel(valid_time=[0]), r"time: 1 time, so that steps have no length"),
        (lambda _: era5(pd.date_range("2001", periods=4, freq="5D"), t2m=random(4)), r"time: steps of 5 days"),
        (lambda _: era5(pd.date_range("2001", periods=9, freq="5h"), t2m=random(9)), r"time: steps of 0 days 05"),
    ],
)
def test_files_that_do_not_fit(make: Callable[[Path], xr.Dataset], message: str, tmp_path: Path) -> None:
    make(tmp_path).to_netcdf(tmp_path / "file.nc")
    with pytest.raises(InputError, match=message):
        read_basin_climate([tmp_path / "file.nc"], BASIN)


def _with_units(name: str, units: str | None) -> xr.Dataset:
    dataset = era5(DAYS, **{name: random(4)})
    dataset[name].attrs = {} if units is None else {"units": units}
    return dataset


def test_files_that_contradict_each_other(tmp_path: Path) -> None:
    for seed in (0, 1):
        era5(DAYS, swvl1=random(4, seed)).to_netcdf(tmp_path / f"{seed}.nc")
    with pytest.raises(InputError, match=r"soil_moisture: files differ at 2001-07-01"):
        read_basin_climate([tmp_path / "0.nc", tmp_path / "1.nc"], BASIN)


def test_hours_and_days_do_not_mix(hourly: tuple[Path, dict[str, np.ndarray]], tmp_path: Path) -> None:
    era5(DAYS, swvl1=random(4)).to_netcdf(tmp_path / "daily.nc")
    with pytest.raises(InputError, match=r"files: have steps of 0 days 01:00:00 and of 1 days 00:00:00"):
        read_basin_climate([hourly[0], tmp_path / "daily.nc"], BASIN)


def test_no_files_and_no_netcdf(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"paths: no files"):
        read_basin_climate([], BASIN)
    (tmp_path / "text.nc").write_text("not a NetCDF file")
    with pytest.raises(InputError, match=r"text.nc: cannot be read as NetCDF or Zarr"):
        read_basin_climate([tmp_path / "text.nc"], BASIN)
    with pytest.raises(InputError, match=r"absent.nc: cannot be read"):
        read_basin_climate([tmp_path / "absent.nc"], BASIN)
