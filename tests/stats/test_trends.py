import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from cryoscale.errors import InputError
from cryoscale.stats import Correction, mann_kendall, theil_sen

SETTINGS = settings(max_examples=60, deadline=None)  # the first example compiles

YEARS = np.arange(1997, 2024)


def series(values, years=YEARS, **attrs):
    dims = ("time", "y", "x")[: np.ndim(values)]
    return xr.DataArray(values, {"time": years}, dims, "depth", attrs)


def cube(dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(YEARS.size, 6, 5)).cumsum(axis=0) * 0.3 + 0.1 * (YEARS - 1997)[:, None, None]
    values[rng.random(values.shape) < 0.15] = np.nan
    values[:, 0, 0] = np.nan
    values[:, 0, 1] = np.round(values[:, 0, 1])
    return series(values.astype(dtype), units="m")


def ar1(coefficient, shape, rng):
    noise = rng.normal(size=(shape[0] + 50, shape[1]))
    for i in range(1, len(noise)):
        noise[i] += coefficient * noise[i - 1]
    return noise[50:]


@SETTINGS
@given(arrays("float64", st.integers(8, 30), elements=st.integers(-20, 20).map(lambda value: value / 4)))
def test_slopes_and_bounds_are_those_of_scipy(values):
    years = YEARS[0] + np.arange(values.size) ** 1.1
    result = theil_sen(series(values, years))
    expected = stats.theilslopes(values, years - years[0])
    ours = [float(result[name]) for name in ("trend", "trend_start", "trend_lower", "trend_upper")]
    np.testing.assert_allclose(
        ours, [expected.slope, expected.intercept, expected.low_slope, expected.high_slope], atol=1e-12
    )


@SETTINGS
@given(arrays("float64", st.integers(8, 30), elements=st.integers(-20, 20).map(float)))
def test_tau_is_that_of_scipy_and_the_variance_of_kendall(values):
    result = mann_kendall(series(values, np.arange(values.size)))
    if np.ptp(values) == 0:
        assert np.isnan([float(result[name]) for name in ("kendall_tau", "mann_kendall_z", "trend_p_value")]).all()
        return
    expected = stats.kendalltau(np.arange(values.size), values, method="asymptotic")
    assert float(result.kendall_tau) == pytest.approx(expected.statistic, abs=1e-12)
    score = float(result.kendall_score)
    if abs(score) > 1:  # scipy's deviate is S / sd, ours (S - sign S) / sd
        plain = float(result.mann_kendall_z) * score / (score - np.sign(score))
        assert 2 * stats.norm.sf(abs(plain)) == pytest.approx(expected.pvalue, rel=1e-9)
    assert float(result.trend_p_value) == pytest.approx(2 * stats.norm.sf(abs(float(result.mann_kendall_z))))


def test_every_pixel_is_its_own_series():
    depth = cube()
    slopes, tests = theil_sen(depth), mann_kendall(depth, correction=Correction.HAMED_RAO)
    assert np.isnan(slopes.trend[0, 0])
    assert np.isnan(tests.trend_p_value[0, 0])
    for y, x in ((0, 1), (3, 2), (5, 4)):
        alone = depth[:, y, x]
        valid = alone.dropna("time")
        expected = stats.theilslopes(valid, valid.time - 1997)
        assert float(slopes.trend[y, x]) == pytest.approx(expected.slope)
        assert float(slopes.trend_upper[y, x]) == pytest.approx(expected.high_slope)
        assert float(theil_sen(alone).trend) == float(slopes.trend[y, x])
        alone_tested = mann_kendall(alone, correction=Correction.HAMED_RAO)
        assert float(alone_tested.variance_inflation) == float(tests.variance_inflation[y, x])
    assert slopes.trend.attrs["units"] == slopes.trend_lower.attrs["units"] == "m a-1"
    assert slopes.trend_start.attrs["units"] == "m"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", [theil_sen, lambda depth: mann_kendall(depth, correction=Correction.HAMED_RAO)])
def test_lazy_equals_eager(function, dtype, assert_lazy):
    depth = cube(dtype)
    with assert_lazy():
        lazy = function(depth.chunk(y=4, x=2))
    xr.testing.assert_identical(lazy.compute(), function(depth))
    assert {variable.dtype for variable in lazy.values()} == {np.dtype(dtype)}


def test_years_come_from_dates():
    dates = pd.date_range("2016-01-01", periods=20, freq="365D")
    values = np.arange(20.0) * 365 / 365.25 * 3
    result = theil_sen(series(values, dates, units="mm"))
    assert float(result.trend) == pytest.approx(3.0)


def test_too_few_values_give_nan():
    values = np.arange(27.0)
    values[7:] = np.nan
    assert np.isnan(theil_sen(series(values)).trend)
    assert float(theil_sen(series(values), minimum=7).trend) == 1.0
    assert np.isnan(mann_kendall(series(values)).trend_p_value)
    assert float(mann_kendall(series(values), minimum=7).kendall_score) == 21


def hamed_rao(values, lags):
    """The formula, plainly, for a complete series."""
    n = values.size
    time = np.arange(n)
    ranks = stats.rankdata(values - stats.theilslopes(values, time).slope * time)
    ranks -= ranks.mean()
    total = 0.0
    for i in range(1, lags + 1):
        rho = ranks[:-i] @ ranks[i:] / (ranks @ ranks)
        if abs(rho) > stats.norm.ppf(0.975) / np.sqrt(n):
            total += (n - i) * (n - i - 1) * (n - i - 2) * rho
    return 1 + 2 * total / (n * (n - 1) * (n - 2))


@pytest.mark.parametrize("lags", [1, 3, 30])
def test_the_inflation_follows_its_formula(lags):
    values = ar1(0.6, (40, 30), np.random.default_rng(0))
    result = mann_kendall(series(values, np.arange(40)), correction=Correction.HAMED_RAO, lags=lags)
    expected = [hamed_rao(column, lags) for column in values.T]
    np.testing.assert_allclose(result.variance_inflation, expected, rtol=1e-9)
    plain = mann_kendall(series(values, np.arange(40)))
    assert (plain.variance_inflation == 1).all()
    usable = result.variance_inflation > 0
    corrected = plain.mann_kendall_z / np.sqrt(result.variance_inflation.where(usable))
    np.testing.assert_allclose(result.mann_kendall_z, corrected, rtol=1e-9)
    np.testing.assert_array_equal(np.isnan(result.trend_p_value), ~usable)


def test_false_alarms():
    """2000 series of 60 values without trend: 5 % should seem to have one."""
    rng = np.random.default_rng(0)
    rates = {}
    for coefficient in (0.0, 0.6):
        sample = series(ar1(coefficient, (60, 2000), rng), np.arange(60))
        for correction in Correction:
            p_value = mann_kendall(sample, correction=correction).trend_p_value
            rates[coefficient, correction] = float((p_value < 0.05).mean())
    assert 0.035 < rates[0.0, Correction.NONE] < 0.065
    assert rates[0.0, Correction.HAMED_RAO] < 0.09
    assert rates[0.6, Correction.NONE] > 0.25
    assert rates[0.6, Correction.HAMED_RAO] < 0.6 * rates[0.6, Correction.NONE]


@pytest.mark.parametrize(
    ("years", "message"),
    [
        (YEARS[::-1], "time: 2022 follows 2023, but times must increase. Use .sortby"),
        (np.repeat(1997, 27), "time: 1997 follows 1997"),
    ],
)
def test_times_must_increase(years, message):
    with pytest.raises(InputError, match=message):
        theil_sen(series(np.zeros(27), years))


def test_times_must_exist():
    with pytest.raises(InputError, match="depth: has no coordinate 'time'"):
        mann_kendall(series(np.zeros(27)).drop_vars("time"))


def test_the_correction_needs_even_steps():
    years = np.delete(YEARS, 5)
    with pytest.raises(InputError, match="time: steps from 1 to 2 years, but the correction of Hamed and Rao"):
        mann_kendall(series(np.zeros(26), years), correction=Correction.HAMED_RAO)
    mann_kendall(series(np.arange(26.0), years))


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (theil_sen, {"confidence": 95}, "confidence: must lie between 0 and 1, not 95"),
        (theil_sen, {"minimum": 1}, "minimum: must be at least 2, not 1"),
        (mann_kendall, {"alpha": 0}, "alpha: must lie between 0 and 1, not 0"),
        (mann_kendall, {"lags": 0}, "lags: must be at least 1, not 0"),
        (mann_kendall, {"minimum": 2}, "minimum: must be at least 3, not 2"),
    ],
)
def test_options_out_of_range_are_errors(function, options, message):
    with pytest.raises(InputError, match=message):
        function(series(np.arange(27.0)), **options)


def test_time_in_pieces_is_an_error():
    with pytest.raises(InputError, match="is split into 3 chunks along 'time'"):
        theil_sen(cube().chunk(time=9))
