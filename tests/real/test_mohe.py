"""Mohe, 52.97 N, in the permafrost of northeastern China: daily air and ground surface temperatures, 1959 to 2000."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.thermal.degree_days import degree_days, n_factors
from cryoscale.thermal.series import SeriesFill, fill_in_time

COLDEST, WARMEST = -60.0, 50.0
"""Beyond these a number is a code for a missing value, degC."""


@pytest.fixture(scope="module")
def table(real_data):
    table = pd.read_csv(real_data / "stations_qtp" / "mohe_50136_daily_1959_2000.csv")
    dates = pd.to_datetime({"year": table.Year, "month": table.Mon, "day": table.Day})
    values = table[["Temperature", "GT", "MinTemp"]].set_index(pd.DatetimeIndex(dates, name="time"))
    return values.where(values.gt(COLDEST) & values.lt(WARMEST))


def series(table, column):
    return xr.DataArray(table[column].to_numpy(), {"time": table.index}, "time", column, {"units": "degC"})


@pytest.fixture(scope="module")
def air(table):
    return degree_days(series(table, "Temperature"))


@pytest.fixture(scope="module")
def ground(table):
    return degree_days(series(table, "GT"))


def test_codes_are_gone(table):
    assert int(table.MinTemp.isna().sum()) == 7
    assert int(table.GT.isna().sum()) == 116
    assert int(table.Temperature.isna().sum()) == 9


@pytest.mark.parametrize(("column", "indices"), [("Temperature", "air"), ("GT", "ground")])
def test_complete_years_are_plain_sums(table, column, indices, request):
    result = request.getfixturevalue(indices)
    daily = table[column]
    for index, label, sums in (
        ("ddt", daily.index.year, daily.clip(lower=0)),
        ("ddf", daily.index.year + (daily.index.month >= 7), -daily.clip(upper=0)),
    ):
        days = daily.groupby(label).agg(["size", "count"])
        complete = days.index[(days["size"] >= 365) & (days["size"] == days["count"])]
        assert len(complete) >= 30
        np.testing.assert_allclose(result[index].sel(year=complete), sums.groupby(label).sum()[complete], rtol=1e-6)


def test_years_of_air_and_ground(air, ground):
    """Only the half winter of 1959 and the ground's summer gap of 1962, in both its years, are refused."""
    refused = {"air": ([], [1959]), "ground": ([1962], [1959, 1963])}
    for result, (thawing, freezing) in zip((air, ground), refused.values(), strict=True):
        assert result.year.values[result.ddt.isnull()].tolist() == thawing
        assert result.year.values[result.ddf.isnull()].tolist() == freezing
    assert int(ground.observed_thawing_year.sel(year=1962)) == 272
    assert 1900 < float(air.ddt.min()) < float(air.ddt.max()) < 2400
    assert 3000 < float(air.ddf.min()) < float(air.ddf.max()) < 4600
    mean = (air.ddt.mean() - air.ddf.mean()) / 365.25
    assert float(mean) == pytest.approx(-4.36, abs=0.1)  # the mean of the air's daily temperatures


def test_the_summer_gap_is_filled_where_it_is_asked_for(table, ground):
    """July to September 1962: the harmonics of 42 years stand in, close to the summers of other years."""
    filled = degree_days(series(table, "GT"), min_days=270).ddt
    usual = ground.ddt
    assert float(usual.min()) < float(filled.sel(year=1962)) < float(usual.max())
    strict = degree_days(series(table, "GT"), fill=SeriesFill(harmonics=0), min_days=270).ddt
    assert np.isnan(strict.sel(year=1962))
    _, source = fill_in_time(series(table, "GT"))
    assert int((source == 3).sum()) == 92
    assert int((source == 2).sum()) == 24


def test_a_made_gap_costs_little(table):
    """The same gap in other years, where the truth is known: the sum of a year comes back within 5 %."""
    complete = series(table, "GT").sel(time=slice("1971-01-01", "2000-12-31"))
    assert complete.notnull().all()
    truth = degree_days(complete).ddt
    for year in (1975, 1985, 1995):
        inside = (complete.time >= np.datetime64(f"{year}-07-01")) & (complete.time < np.datetime64(f"{year}-10-01"))
        found = degree_days(complete.where(~inside), min_days=270).ddt.sel(year=year)
        assert float(found) == pytest.approx(float(truth.sel(year=year)), rel=0.05)


def test_n_factors(air, ground):
    """The thermometer lies on bare ground in summer and on the snow in winter: both are extreme against the air."""
    factors = n_factors(ground, air)
    assert factors.n_factor_thawing.isnull().sum() == 1
    assert factors.n_factor_freezing.isnull().sum() == 2
    assert 1.1 < float(factors.n_factor_thawing.min()) < float(factors.n_factor_thawing.max()) < 1.4
    assert 1.0 < float(factors.n_factor_freezing.min()) < float(factors.n_factor_freezing.max()) < 1.2


def test_a_day_left_out_is_named(table):
    with pytest.raises(InputError, match="time: 1960-02-29 is missing"):
        degree_days(series(table.drop(pd.Timestamp("1960-02-29")), "GT"))
