"""Climate by year: seasons, statistics, missing days and months."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.hydrology.climate import RULES, Rule, Season, Statistic, annual_climate


def series(name: str, start: str = "2000-01-01", end: str = "2003-12-31", *, freq: str = "D") -> xr.Dataset:
    time = pd.date_range(start, end, freq=freq)
    return xr.Dataset({name: ("time", np.random.default_rng(2).uniform(1, 5, time.size))}, {"time": time})


def test_temperature_is_the_mean_of_the_calendar_year() -> None:
    daily = series("air_temperature")
    expected = daily["air_temperature"].groupby("time.year").mean()
    np.testing.assert_allclose(annual_climate(daily)["air_temperature"], expected)


@pytest.mark.parametrize("name", ["precipitation", "evapotranspiration"])
def test_water_is_summed_over_the_thaw_season(name: str) -> None:
    daily = series(name)
    months = daily["time"].dt.month
    expected = daily[name].where((months >= 5) & (months <= 10), drop=True).groupby("time.year").sum()
    table = annual_climate(daily)
    np.testing.assert_allclose(table[name], expected)
    assert table.index.tolist() == [2000, 2001, 2002, 2003]
    assert table.index.name == "year"


@pytest.mark.parametrize("name", ["net_radiation", "soil_moisture"])
def test_fluxes_and_states_of_the_thaw_season_are_means(name: str) -> None:
    daily = series(name)
    expected = daily[name].sel(time=slice("2001-06-01", "2001-09-30")).mean()
    table = annual_climate(daily, thaw_months=(6, 7, 8, 9))
    assert table.loc[2001, name] == pytest.approx(float(expected))


@pytest.mark.parametrize("name", ["snow_depth", "snow_water_equivalent"])
def test_snow_belongs_to_the_year_that_its_winter_ends_in(name: str) -> None:
    daily = series(name)
    table = annual_climate(daily)[name]
    expected = daily[name].sel(time=slice("2001-11-01", "2002-04-30")).mean()
    assert table[2002] == pytest.approx(float(expected))
    assert table.index.tolist() == [2001, 2002, 2003]  # winters of 2000 and of 2004 are not whole


def test_months_weigh_by_their_days() -> None:
    daily = series("precipitation").merge(series("snow_depth"))
    monthly = daily.resample(time="MS").mean()
    pd.testing.assert_frame_equal(annual_climate(monthly), annual_climate(daily))


def test_few_missing_days_are_taken_for_the_mean_and_many_are_not() -> None:
    daily = series("precipitation")
    thaw = daily["precipitation"].sel(time=slice("2001-05-01", "2001-10-31"))
    gaps = daily.where(~daily["time"].isin(thaw["time"][:10]))
    assert annual_climate(gaps).loc[2001, "precipitation"] == pytest.approx(float(thaw[10:].mean()) * 184)
    assert np.isnan(annual_climate(gaps, minimum_share=1.0).loc[2001, "precipitation"])
    absent = daily.sel(time=~daily["time"].isin(thaw["time"][:30]))
    assert np.isnan(annual_climate(absent).loc[2001, "precipitation"])
    assert annual_climate(absent)["precipitation"].notna().sum() == 3


def test_a_year_without_days_stays_in_the_table() -> None:
    daily = series("soil_moisture")
    table = annual_climate(daily.sel(time=daily["time"].dt.year != 2001))
    assert table.index.tolist() == [2000, 2001, 2002, 2003]
    assert table["soil_moisture"].isna().tolist() == [False, True, False, False]


def test_a_calendar_without_leap_days_is_whole_enough() -> None:
    daily = series("snow_depth")
    leapless = daily.sel(time=~((daily["time"].dt.month == 2) & (daily["time"].dt.day == 29)))
    assert annual_climate(leapless)["snow_depth"].notna().all()


def test_own_rules() -> None:
    rules = {**RULES, "thawing_index": Rule(Season.YEAR, Statistic.SUM)}
    daily = series("thawing_index")
    expected = daily["thawing_index"].groupby("time.year").sum()
    np.testing.assert_allclose(annual_climate(daily, rules=rules)["thawing_index"], expected)


def test_lazy_is_eager() -> None:
    daily = series("precipitation")
    pd.testing.assert_frame_equal(annual_climate(daily.chunk(time=100)), annual_climate(daily))


def test_nothing_whole_is_an_empty_table() -> None:
    assert annual_climate(series("air_temperature", end="2000-02-01")).empty


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (series("humidity"), {}, r"humidity: has no rule"),
        (series("snow_depth").expand_dims(gauge=2), {}, r"snow_depth: has dims \('gauge', 'time'\)"),
        (series("snow_depth", freq="6h"), {}, r"time: must hold days or months"),
        (series("snow_depth", freq="10D"), {}, r"time: steps are of 10 d"),
        (series("snow_depth").isel(time=slice(None, None, -1)), {}, r"time: must hold days or months in order"),
        (series("snow_depth").drop_vars("time"), {}, r"series: has no time"),
        (series("snow_depth").assign_coords(time=np.arange(1461)), {}, r"time: must hold dates"),
        (series("snow_depth"), {"minimum_share": 0.0}, r"minimum_share: .* not 0.0"),
        (series("snow_depth"), {"thaw_months": (5, 7)}, r"thaw_months: must be consecutive .*\(5, 7\)"),
        (series("snow_depth"), {"cold_months": (12, 13)}, r"cold_months: must be consecutive"),
        (series("snow_depth"), {"cold_months": ()}, r"cold_months: must be consecutive"),
    ],
)
def test_bad_input(data: xr.Dataset, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        annual_climate(data, **options)
