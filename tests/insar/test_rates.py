import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress

from cryoscale.errors import InputError
from cryoscale.insar import deformation_rate, seasonal_cycle
from cryoscale.insar.network import decimal_years

TIME = pd.date_range("2016-03-01", periods=40, freq="24D")
YEARS = decimal_years(TIME.values)


def make_series(seed=0, *, missing=0.2, dtype="float64"):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(40, 6, 5)).cumsum(axis=0).astype(dtype)
    values[rng.random(values.shape) < missing] = np.nan
    return xr.DataArray(values, dims=("time", "y", "x"), coords={"time": TIME})


@settings(max_examples=20)
@given(st.integers(0, 1000), st.floats(0, 0.9))
def test_it_equals_an_independent_regression(seed, missing):
    series = make_series(seed, missing=missing)
    result = deformation_rate(series)
    for i, j in np.ndindex(6, 5):
        known = series[:, i, j].notnull().values
        if known.sum() < 3:
            continue
        expected = linregress(YEARS[known], series.values[known, i, j])
        assert float(result.deformation_rate[i, j]) == pytest.approx(expected.slope, rel=1e-9, abs=1e-9)
        assert float(result.deformation_rate_error[i, j]) == pytest.approx(expected.stderr, rel=1e-6, abs=1e-9)


def test_few_values_give_nan():
    series = make_series(missing=0.0)
    series[1:, 0, 0] = np.nan
    series[2:, 0, 1] = np.nan
    series[:, 0, 2] = np.nan
    result = deformation_rate(series)
    np.testing.assert_array_equal(result.deformation_rate.isnull()[0], [True, False, True, False, False])
    np.testing.assert_array_equal(result.deformation_rate_error.isnull()[0], [True, True, True, False, False])


def test_chunks_do_not_matter(assert_lazy):
    series = make_series(dtype="float32")
    with assert_lazy():
        lazy = deformation_rate(series.chunk(y=2, x=3))
    xr.testing.assert_identical(lazy.compute(), deformation_rate(series))
    assert lazy.deformation_rate.dtype == "float32"
    assert lazy.deformation_rate.attrs["units"] == "mm a-1"


def test_bad_input():
    with pytest.raises(InputError, match="at least two epochs"):
        deformation_rate(make_series()[:1])
    with pytest.raises(InputError, match="is in 'm', but displacement must be in 'mm'"):
        deformation_rate(make_series().assign_attrs(units="m"))


@given(st.floats(0.1, 50), st.floats(1, 365), st.sampled_from([0.5, 1.0]))
def test_the_season_is_the_highest_point_of_the_model(amplitude, day, period):
    first = np.datetime64("2016-03-11")
    begin = 70  # days from 1 January 2016
    angle = 2 * np.pi * (day - begin) / 365.25 / period
    season = seasonal_cycle(
        xr.DataArray(amplitude * np.sin(angle)),
        xr.DataArray(amplitude * np.cos(angle)),
        first_epoch=first,
        period=period,
    )
    assert float(season.seasonal_amplitude) == pytest.approx(amplitude)
    apart = (float(season.seasonal_peak) - 1 - day) % (365.25 * period)
    assert min(apart, 365.25 * period - apart) < 1e-6
