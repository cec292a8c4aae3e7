"""Coverage of intervals on new samples, their width against known quantiles, and counts by hand."""

import numpy as np
import pytest
from scipy.stats import beta, norm

from cryoscale.errors import InputError
from cryoscale.moisture.intervals import coverage_of, fit_interval


def world(n, *, seed, by_difficulty=1.0):
    """Predictions whose error has a standard deviation that the difficulty tells, or not."""
    rng = np.random.default_rng(seed)
    difficulty = rng.uniform(0.01, 0.09, n)
    scale = 0.05 + by_difficulty * (difficulty - 0.05)
    predicted = rng.uniform(0.1, 0.5, n)
    return predicted, predicted + scale * rng.normal(size=n), difficulty


@pytest.mark.parametrize("coverage", [0.5, 0.9])
@pytest.mark.parametrize("by_difficulty", [0.0, 1.0])
def test_new_samples_are_covered_as_promised(coverage, by_difficulty):
    shares = []
    for seed in range(60):
        interval = fit_interval(*world(342, seed=seed, by_difficulty=by_difficulty), coverage=coverage)
        predicted, observed, difficulty = world(2000, seed=1000 + seed, by_difficulty=by_difficulty)
        shares.append(coverage_of(*interval(predicted, difficulty), observed).share)
    assert np.mean(shares) == pytest.approx(coverage, abs=0.01)
    assert np.ptp(np.quantile(shares, [0.05, 0.95])) < 0.12


def test_width_follows_the_difficulty_where_that_tells_the_error():
    interval = fit_interval(*world(20000, seed=0), coverage=0.9)
    lower, upper = interval(np.zeros(2), [0.02, 0.08])
    half = norm.ppf(0.95) * np.array([0.02, 0.08])
    np.testing.assert_allclose(upper, half, rtol=0.1)
    np.testing.assert_allclose(-lower, half, rtol=0.1)


def test_one_width_where_the_difficulty_tells_nothing():
    predicted, observed, difficulty = world(20000, seed=0, by_difficulty=0.0)
    interval = fit_interval(predicted, observed, -difficulty + 0.1 * (difficulty < 9), coverage=0.9)
    assert interval.slope * 0.08 < 0.05 * interval.base


def test_skewed_errors_get_a_skewed_interval():
    rng = np.random.default_rng(0)
    observed = 0.3 + 0.05 * rng.exponential(size=20000)
    interval = fit_interval(np.full(20000, 0.3), observed, np.zeros(20000), coverage=0.9)
    lower, upper = (float(bound[0]) for bound in interval([0.3], [0.0]))
    assert lower == pytest.approx(0.3 - 0.05 * np.log(0.95), abs=0.002)
    assert upper == pytest.approx(0.3 - 0.05 * np.log(0.05), abs=0.005)


def test_the_finite_sample_quantile():
    """Of 19 residuals 90 % takes the outermost ones; one less is too few."""
    residual = np.arange(-9.0, 10.0)
    interval = fit_interval(np.zeros(19), residual, np.zeros(19))
    assert [float(bound[0]) for bound in interval([0.0], [0.0])] == pytest.approx([-9.0, 9.0])
    with pytest.raises(InputError, match=r"18 samples are too few for a coverage of 0.9"):
        fit_interval(np.zeros(18), residual[1:], np.zeros(18))


def test_agreement_alone_does_not_make_the_interval_vanish():
    predicted, observed, difficulty = world(2000, seed=0)
    interval = fit_interval(predicted, observed, difficulty)
    assert interval.scale([0.0])[0] >= 0.25 * np.abs(observed - predicted).mean() * (1 - 1e-12)


def test_predictions_without_error_have_an_interval_without_width():
    values = np.linspace(0.1, 0.4, 30)
    lower, upper = fit_interval(values, values, np.ones(30))(values, np.ones(30))
    np.testing.assert_array_equal(lower, values)
    np.testing.assert_array_equal(upper, values)


def test_coverage_by_hand():
    found = coverage_of([0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 0.5, 2])
    assert (found.share, found.n) == (0.75, 4)
    assert (found.low, found.high) == pytest.approx((beta.ppf(0.025, 3, 2), beta.ppf(0.975, 4, 1)))


def test_bad_input():
    predicted, observed, difficulty = world(50, seed=0)
    with pytest.raises(InputError, match="coverage must lie between 0 and 1, not 90; 90 % is 0.9"):
        fit_interval(predicted, observed, difficulty, coverage=90)
    with pytest.raises(InputError, match=r"not of shapes \(50,\), \(50,\) and \(49,\)"):
        fit_interval(predicted, observed, difficulty[1:])
    with pytest.raises(InputError, match="difficulties 0 or more"):
        fit_interval(predicted, observed, -difficulty)
    with pytest.raises(InputError, match="values must be finite"):
        fit_interval(predicted, observed * np.nan, difficulty)
    with pytest.raises(InputError, match=r"coverage: needs finite bounds and observations of one length, not \(0,\)"):
        coverage_of([], [], [])
