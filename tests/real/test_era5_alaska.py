"""Monthly ERA5 of two decades at Healy, Alaska: read, averaged over a basin, aggregated by year."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr

from cryoscale.hydrology.climate import annual_climate
from cryoscale.readers.era5 import read_basin_climate

AROUND_DEM = gpd.GeoDataFrame(geometry=[shapely.box(-149.29, 63.84, -149.21, 63.92)], crs="EPSG:4326")


@pytest.fixture(scope="module")
def monthly(real_data: Path) -> xr.Dataset:
    folder = real_data / "dem_alaska"
    if not folder.is_dir():
        pytest.skip(f"no ERA5 at {folder}")
    return read_basin_climate([folder / "era5_1980.nc", folder / "era5_2010.nc"], AROUND_DEM)


def test_reads_both_decades_in_our_units(monthly: xr.Dataset) -> None:
    assert set(monthly) == {"air_temperature", "snow_depth", "snow_water_equivalent"}
    assert monthly.sizes == {"time": 240}
    assert str(monthly["time"].values[[0, -1]].astype("datetime64[D]")) == "['1980-01-01' '2019-12-01']"
    assert bool(monthly.notnull().all().to_array().all())
    assert -45 < float(monthly["air_temperature"].min()) < -15
    assert 8 < float(monthly["air_temperature"].max()) < 20
    assert 0.2 < float(monthly["snow_depth"].max()) < 3


@pytest.mark.parametrize(("east", "share"), [(-149.21, 0.0), (-149.06, 0.5)])
def test_basin_mean_is_that_of_its_pixels(east: float, share: float, real_data: Path) -> None:
    """The northern pixels meet at 149.175 W: the first outline lies in the western one, the second half in each."""
    path = real_data / "dem_alaska/era5_1980.nc"
    if not path.is_file():
        pytest.skip(f"no ERA5 at {path}")
    outline = gpd.GeoDataFrame(geometry=[shapely.box(-149.29, 63.84, east, 63.92)], crs="EPSG:4326")
    with xr.open_dataset(path) as raw:
        pixels = raw["t2m"][:, 0].values.astype(float) - 273.15
    found = read_basin_climate([path], outline)["air_temperature"]
    np.testing.assert_allclose(found, (1 - share) * pixels[:, 0] + share * pixels[:, 1], rtol=1e-6, atol=1e-6)


def test_years(monthly: xr.Dataset) -> None:
    table = annual_climate(monthly)
    print(table.groupby(table.index // 10 * 10).mean().round(3))
    assert table.index.tolist() == list(range(1980, 2020))
    assert table.loc[1990:2009].isna().all(axis=None)
    assert table["snow_depth"].notna().sum() == 18  # the first winter of each decade is not whole
    raw = monthly["air_temperature"].sel(time="1985")
    expected = np.average(raw, weights=pd.DatetimeIndex(raw["time"]).days_in_month)
    assert table.loc[1985, "air_temperature"] == pytest.approx(expected)
    assert table.loc[2010:, "air_temperature"].mean() > table.loc[:1989, "air_temperature"].mean()
