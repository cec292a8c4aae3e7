"""The correction against planted shrinkage and scikit-learn's regressions; its price; that it never decreases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression

from cryoscale.errors import InputError
from cryoscale.learning import random_folds
from cryoscale.moisture.bias import Shape, bias_table, cross_correct, fit_correction

N = 600
FOLDS = random_folds(N, 5, seed=0)


def samples(*, slope=0.5, noise=0.03, seed=0, n=N):
    """Observations, and predictions shrunk toward their mean."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(0.3, 0.06, n)
    return 0.3 + slope * (signal - 0.3), signal + rng.normal(0, noise, n)


def rmse(a, b):
    return np.sqrt(((a - b) ** 2).mean())


@pytest.mark.parametrize("slope", [0.5, 2.0])
def test_calibration_is_the_regression_of_observed_on_predicted(slope):
    predicted, observed = samples(slope=slope)
    correction = fit_correction(predicted, observed, folds=FOLDS)
    line = LinearRegression().fit(predicted[:, None], observed)
    at = np.linspace(-0.5, 1.5, 30)  # far beyond the samples too
    assert correction.shape is Shape.LINE
    np.testing.assert_allclose(correction(at), line.predict(at[:, None]), atol=1e-9)
    table = bias_table(predicted, correction(predicted), observed)
    assert table.loc[("slope", "predicted", 0), "after"] == pytest.approx(1, abs=1e-9)
    assert correction.rmse_after < correction.rmse_before == pytest.approx(rmse(predicted, observed))


def test_a_curve_is_found_where_there_is_one():
    rng = np.random.default_rng(1)
    predicted = rng.uniform(0, 1, N)
    observed = 0.1 + 0.4 * predicted**4 + rng.normal(0, 0.01, N)
    correction = fit_correction(predicted, observed, folds=FOLDS)
    isotonic = IsotonicRegression(out_of_bounds="clip").fit(predicted, observed)
    inside = np.linspace(0.1, 0.9, 50)
    assert correction.shape is Shape.CURVE
    assert len(correction.x) == 6
    np.testing.assert_allclose(correction(inside), isotonic.predict(inside), atol=0.02)
    assert correction.rmse_after < 0.015


def test_cross_fitted_errors_are_those_of_maps_that_have_not_seen_the_fold():
    predicted, observed = samples(n=200)
    folds = random_folds(200, 4, seed=1)
    correction = fit_correction(predicted, observed, folds=folds)
    literal = np.empty(200)
    for fold in range(4):
        train = folds != fold
        line = LinearRegression().fit(predicted[train, None], observed[train])
        literal[~train] = line.predict(predicted[~train, None])
    found = cross_correct(predicted, observed, folds=folds, correction=correction)
    np.testing.assert_allclose(found, literal, atol=1e-9)
    assert correction.rmse_after == pytest.approx(rmse(literal, observed))


def test_full_stretch_gives_the_distribution_of_the_observations():
    predicted, observed = samples(noise=0.06)
    correction = fit_correction(predicted, observed, folds=FOLDS, stretch=1.0, max_rmse_rise=9.0)
    for levels, tolerance in [((np.arange(6) + 0.5) / 6, 1e-3), (np.linspace(0.05, 0.95, 19), 0.02)]:
        found = np.quantile(correction(predicted), levels)
        np.testing.assert_allclose(found, np.quantile(observed, levels), atol=tolerance)
    assert correction.stretch == 1.0


def test_stretch_takes_bias_from_the_extremes_at_a_price_that_is_kept():
    predicted, observed = samples(slope=1.0, noise=0.06)
    plain, stretched = (fit_correction(predicted, observed, folds=FOLDS, stretch=s) for s in (0.0, 1.0))
    assert 0 < stretched.stretch < 1
    assert stretched.rmse_after == pytest.approx(1.02 * stretched.rmse_before)  # as far as the price allows
    corrected = cross_correct(predicted, observed, folds=FOLDS, correction=stretched)
    assert rmse(corrected, observed) == pytest.approx(stretched.rmse_after)
    lowest, highest = (("bias", "observed", k) for k in (1, 5))
    before = bias_table(predicted, plain(predicted), observed)["after"]
    after = bias_table(predicted, stretched(predicted), observed)["after"]
    assert before[lowest] > after[lowest] > 0 > after[highest] > before[highest]


def test_what_makes_predictions_worse_is_left_out():
    """One fold is stretched, the other shrunk: what one teaches harms the other."""
    rng = np.random.default_rng(0)
    observed = rng.normal(0.3, 0.05, 100)
    folds = np.arange(100) % 2
    predicted = 0.3 + (observed - 0.3) * np.where(folds == 0, 2.0, 0.5)
    correction = fit_correction(predicted, observed, folds=folds, stretch=1.0)
    assert correction.shape is Shape.IDENTITY
    np.testing.assert_allclose(correction(predicted), predicted)
    assert correction.rmse_after == correction.rmse_before
    np.testing.assert_allclose(cross_correct(predicted, observed, folds=folds, correction=correction), predicted)


def test_predictions_that_go_the_wrong_way_become_the_mean():
    predicted, observed = samples(slope=-0.5)
    correction = fit_correction(predicted, observed, folds=FOLDS)
    np.testing.assert_allclose(correction([0.0, 0.3, 1.0]), observed.mean(), atol=1e-12)


def test_predictions_that_do_not_vary_become_the_mean():
    _, observed = samples()
    correction = fit_correction(np.full(N, 0.4), observed, folds=FOLDS, max_rmse_rise=1.0)
    np.testing.assert_allclose(correction([0.2, 0.4, 0.9]), observed.mean(), atol=1e-12)


@given(st.integers(0, 10**6), st.integers(20, 80), st.sampled_from([0, 1, 3]), st.floats(0, 1), st.floats(0, 5))
def test_it_never_decreases_and_keeps_its_price(seed, n, digits, stretch, rise):
    rng = np.random.default_rng(seed)
    predicted = rng.normal(size=n).round(digits)  # many ties, or few
    observed = rng.normal(size=n) + rng.normal() * predicted
    correction = fit_correction(predicted, observed, folds=np.arange(n) % 3, stretch=stretch, max_rmse_rise=rise)
    mapped = correction(np.linspace(-8, 8, 400))
    assert (np.diff(mapped) >= -1e-9).all()
    assert correction.rmse_after <= (1 + rise) * correction.rmse_before * (1 + 1e-9)
    assert 0 <= correction.stretch <= stretch
    assert (np.diff(correction.x) > 0).all()


def test_nan_stays_and_shape_too():
    predicted, observed = samples()
    found = fit_correction(predicted, observed, folds=FOLDS)(np.array([[0.3, np.nan]], np.float32))
    assert found.shape == (1, 2)
    assert np.isnan(found).tolist() == [[False, True]]


def test_bias_table_by_hand():
    observed = np.array([0.1, 0.2, 0.3, 0.4])
    predicted = np.array([0.3, 0.2, 0.2, 0.4])
    table = bias_table(predicted, observed, observed, n=2)
    assert table.loc[("bias", "observed"), "before"].tolist() == pytest.approx([0.025, 0.1, -0.05])
    assert table.loc[("bias", "predicted"), "before"].tolist() == pytest.approx([0.025, -0.05, 0.1])
    assert table.loc["bias", "n"].tolist() == [4, 2, 2, 4, 2, 2]
    assert table.loc["bias", "after"].tolist() == [0.0] * 6
    assert table.loc[("slope", "predicted", 0), "before"] == pytest.approx(np.polyfit(predicted, observed, 1)[0])
    assert table.loc[("slope", "observed", 0), "before"] == pytest.approx(np.polyfit(observed, predicted, 1)[0])
    assert np.isnan(bias_table(observed, np.ones(4), observed, n=2).loc[("slope", "predicted", 0), "after"])


def test_bad_input():
    predicted, observed = samples()
    with pytest.raises(InputError, match=r"as long as each other, not of shapes \(600,\), \(599,\)"):
        fit_correction(predicted, observed[1:], folds=FOLDS)
    with pytest.raises(InputError, match="1 samples have no finite prediction or observation"):
        fit_correction(np.r_[np.nan, predicted[1:]], observed, folds=FOLDS)
    with pytest.raises(InputError, match="600 samples in 1 folds; needs 20 and 2 or more"):
        fit_correction(predicted, observed, folds=np.zeros(N))
    with pytest.raises(InputError, match=r"stretch must lie in \[0, 1\] .* not 1.5 and 0.02"):
        fit_correction(predicted, observed, folds=FOLDS, stretch=1.5)
    with pytest.raises(InputError, match="max_rmse_rise be 0 or more, not 0.0 and -0.1"):
        fit_correction(predicted, observed, folds=FOLDS, max_rmse_rise=-0.1)
    with pytest.raises(InputError, match="finite values of one length, 5 or more"):
        bias_table(predicted[:4], predicted[:4], observed[:4])
