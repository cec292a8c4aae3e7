import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cryoscale.errors import InputError
from cryoscale.hydrology import change_point, correlate_years, trend


def yearly(values, first=1983):
    return pd.Series(values, np.arange(first, first + len(values)), dtype=float)


def smoothed(rng, n=34, window=5):
    return yearly(np.convolve(rng.normal(size=n + window - 1), np.full(window, 1 / window), "valid"))


def test_slope_is_that_of_scipy():
    series = yearly(np.random.default_rng(0).normal(size=30)) + 0.1 * np.arange(30)
    found, line = trend(series), stats.theilslopes(series, series.index)
    assert (found.slope, found.lower, found.upper) == pytest.approx((line.slope, line.low_slope, line.high_slope))
    assert found.n == 30
    assert found.p_value_independent < 0.001


def test_years_left_out_and_missing_years_are_alike():
    series = yearly(np.random.default_rng(0).normal(size=30))
    assert trend(series.drop([1990, 1991])) == trend(series.mask(series.index.isin([1990, 1991])))


def test_smoothing_is_allowed_for_in_part():
    """Without trend, of 34 means over 5 years: the corrected test is wrong far less often than the plain one."""
    rng = np.random.default_rng(1)
    found = [trend(smoothed(rng), window=5) for _ in range(200)]
    plain = np.mean([one.p_value_independent < 0.05 for one in found])
    corrected = np.mean([one.p_value < 0.05 for one in found])
    assert plain > 0.3
    assert corrected < 0.6 * plain


def test_a_short_series_has_no_trend():
    assert np.isnan(trend(yearly([1, 2, 3, 4, 5, 6, 7])).p_value)


def pettitt(values):
    """K and its place from the definition, a double sum of signs."""
    n = len(values)
    u = [np.sign(np.subtract.outer(values[:t], values[t:])).sum() for t in range(1, n)]
    return np.abs(u).max(), int(np.argmax(np.abs(u))) + 1


@pytest.mark.parametrize("seed", range(5))
def test_statistic_is_that_of_pettitt(seed):
    values = np.round(np.random.default_rng(seed).normal(size=25), 1)  # with ties
    found, (statistic, split) = change_point(yearly(values)), pettitt(values)
    assert found.statistic == statistic
    assert found.year == 1983 + split
    assert found.p_value_independent == pytest.approx(min(1, 2 * np.exp(-6 * statistic**2 / (25**3 + 25**2))))


def test_a_planted_change_is_found():
    rng = np.random.default_rng(3)
    series = yearly(rng.normal(size=40)) + np.where(np.arange(40) >= 22, 3.0, 0.0)
    found = change_point(series)
    assert abs(found.year - (1983 + 22)) <= 1
    assert found.p_value < 0.001
    assert found.median_after - found.median_before == pytest.approx(3, abs=0.7)


@pytest.mark.parametrize("window", [1, 5])
def test_false_alarms_are_at_the_nominal_level(window):
    rng = np.random.default_rng(4)
    found = [change_point(smoothed(rng, window=window), window=window, draws=500) for _ in range(300)]
    assert np.mean([one.p_value < 0.1 for one in found]) == pytest.approx(0.1, abs=0.04)
    if window == 5:
        assert np.mean([one.p_value_independent < 0.1 for one in found]) > 0.4


def test_missing_years_leave_no_place_for_a_change():
    series = yearly(np.r_[np.zeros(10), np.ones(10)])
    found = change_point(series.drop([1993, 1994]))
    assert (found.year, found.n) == (1995, 18)


def test_the_same_seed_gives_the_same_p():
    series = yearly(np.random.default_rng(0).normal(size=30))
    assert change_point(series, seed=7) == change_point(series, seed=7)


@pytest.mark.parametrize(
    ("series", "options", "message"),
    [
        (yearly(np.ones(20)), {}, "1 different"),
        (yearly(np.arange(5)), {}, "8 years that differ"),
        (yearly(np.arange(20))[::-1], {}, "increasing years"),
        (pd.Series(np.arange(20.0), pd.date_range("2001", periods=20, freq="YS")), {}, "integers"),
        (yearly(np.arange(20)), {"window": 0}, "window: must be at least 1"),
        (yearly(np.arange(20)), {"draws": 5}, "draws: must be at least 100"),
    ],
)
def test_series_that_are_refused(series, options, message):
    with pytest.raises(InputError, match=message):
        change_point(series, **options)


def test_correlation_is_that_of_scipy():
    rng = np.random.default_rng(5)
    first, second = yearly(rng.normal(size=20)), yearly(rng.normal(size=30), 1988)
    found = correlate_years(first, second)
    expected = stats.spearmanr(first.loc[1988:], second.loc[:2002])
    assert (found.n, found.n_effective) == (15, 15)
    assert (found.r, found.p_value) == pytest.approx((expected.statistic, expected.pvalue))


def test_smoothed_series_correlate_by_chance_no_more_than_they_should():
    rng = np.random.default_rng(6)
    found = [correlate_years(smoothed(rng), smoothed(rng), window=5) for _ in range(400)]
    assert np.mean([one.p_value < 0.05 for one in found]) == pytest.approx(0.05, abs=0.03)


def test_constant_series_do_not_correlate():
    assert np.isnan(correlate_years(yearly(np.ones(9)), yearly(np.arange(9))).r)
