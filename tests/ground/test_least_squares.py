"""Least squares and its diagnostics against statsmodels, and against fits without each sample."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.diagnostic import het_breuschpagan
from statsmodels.stats.outliers_influence import variance_inflation_factor

from cryoscale.errors import InputError
from cryoscale.ground.least_squares import combine, fit_linear, quadratic_form

NAMES = ("intercept", "elevation", "longitude", "latitude", "meadow", "swamp")


def make_design(n=48, *, seed=0):
    rng = np.random.default_rng(seed)
    vegetation = rng.integers(0, 3, n)
    elevation, longitude, latitude = rng.uniform([3500, 98.9, 38.0], [4500, 99.6, 38.4], (n, 3)).T
    design = np.column_stack([np.ones(n), elevation, longitude, latitude, vegetation == 1, vegetation == 2])
    magt = design @ [30.0, -0.006, 0.1, -0.4, -0.3, -0.8] + rng.normal(0, 0.3, n)
    return design, magt


@pytest.fixture(scope="module")
def fits():
    design, magt = make_design()
    return fit_linear(design, magt, names=NAMES), sm.OLS(magt, design).fit()


def test_coefficients_and_their_errors_are_those_of_statsmodels(fits):
    fit, peer = fits
    np.testing.assert_allclose(fit.table["coefficient"], peer.params, rtol=1e-7)
    np.testing.assert_allclose(fit.table["error"], peer.bse, rtol=1e-7)
    np.testing.assert_allclose(fit.table["t"], peer.tvalues, rtol=1e-7)
    np.testing.assert_allclose(fit.table["p"], peer.pvalues, rtol=1e-6, atol=1e-15)
    assert (fit.r2, fit.adjusted_r2) == pytest.approx((peer.rsquared, peer.rsquared_adj), rel=1e-9)
    assert fit.residual_variance == pytest.approx(peer.mse_resid, rel=1e-9)


def test_diagnostics_are_those_of_statsmodels(fits):
    fit, peer = fits
    influence = peer.get_influence()
    np.testing.assert_allclose(fit.leverage, influence.hat_matrix_diag, rtol=1e-7)
    np.testing.assert_allclose(fit.cooks_distance, influence.cooks_distance[0], rtol=1e-6)
    np.testing.assert_allclose(fit.left_out_residuals, influence.resid_press, rtol=1e-7)
    vif = [variance_inflation_factor(fit.design, i) for i in range(1, 6)]
    np.testing.assert_allclose(fit.table["vif"][1:], vif, rtol=1e-6)
    assert np.isnan(fit.table["vif"]["intercept"])
    assert fit.constant_variance_p == pytest.approx(het_breuschpagan(peer.resid, fit.design)[1], rel=1e-6)
    assert fit.normality_p == pytest.approx(stats.shapiro(peer.resid).pvalue, rel=1e-6)


def test_leave_one_out_is_that_of_fits_without_each_sample(fits):
    fit, _ = fits
    rest = ~np.eye(48, dtype=bool)
    left_out = [
        fit.observed[i] - fit.design[i] @ fit_linear(fit.design[k], fit.observed[k], names=NAMES).coefficients
        for i, k in enumerate(rest)
    ]
    np.testing.assert_allclose(fit.left_out_residuals, left_out, rtol=1e-6)
    assert fit.left_out_rmse == pytest.approx(np.sqrt(np.mean(np.square(left_out))))


def test_prediction_errors_are_those_of_statsmodels(fits):
    fit, peer = fits
    others, _ = make_design(30, seed=1)
    mean, leverage = fit.predict(list(others.T))
    frame = peer.get_prediction(others)
    np.testing.assert_allclose(mean, frame.predicted_mean, rtol=1e-9)
    np.testing.assert_allclose(np.sqrt(fit.residual_variance * (1 + leverage)), frame.se_obs, rtol=1e-7)


def test_tests_of_residuals_find_what_is_planted():
    design, _ = make_design(400)
    rng = np.random.default_rng(3)
    spread = (design[:, 1] - 3400) / 500
    uneven = fit_linear(design, rng.normal(0, spread), names=NAMES)
    skewed = fit_linear(design, rng.exponential(1.0, 400), names=NAMES)
    sound = fit_linear(design, rng.normal(0, 1.0, 400), names=NAMES)
    assert uneven.constant_variance_p < 1e-6
    assert skewed.normality_p < 1e-6
    assert min(sound.constant_variance_p, sound.normality_p) > 0.05


def test_inflation_of_a_factor_does_not_depend_on_its_reference(fits):
    fit, _ = fits
    terms = {"elevation": ["elevation"], "place": ["longitude", "latitude"], "vegetation": ["meadow", "swamp"]}
    table = fit.inflation(terms)
    assert table["gvif"]["elevation"] == pytest.approx(fit.table["vif"]["elevation"])
    turned = fit.design.copy()
    turned[:, 4] = 1 - turned[:, 4] - turned[:, 5]
    other = fit_linear(turned, fit.observed, names=NAMES)
    np.testing.assert_allclose(other.inflation(terms), table, rtol=1e-6)
    assert other.table["vif"]["swamp"] != pytest.approx(fit.table["vif"]["swamp"], rel=1e-3)


def test_rows_do_not_depend_on_their_block(fits):
    fit, _ = fits
    columns = list(make_design(101, seed=2)[0].T)
    whole = combine(columns, fit.coefficients), quadratic_form(columns, fit.whitener)
    for cut in (slice(0, 7), slice(7, 50), slice(50, 101)):
        part = [column[cut] for column in columns]
        np.testing.assert_array_equal(combine(part, fit.coefficients), whole[0][cut])
        np.testing.assert_array_equal(quadratic_form(part, fit.whitener), whole[1][cut])


def test_bad_designs_name_their_columns():
    design, magt = make_design()
    tied = design.copy()
    tied[:, 3] = 0.5 * tied[:, 2] + 0.001 * tied[:, 1]
    with pytest.raises(InputError, match="boreholes: elevation, longitude, latitude are collinear") as caught:
        fit_linear(tied, magt, names=NAMES)
    assert "meadow" not in str(caught.value)
    flat = design.copy()
    flat[:, 1] = 4000.0
    with pytest.raises(InputError, match="elevation is the same at all of them"):
        fit_linear(flat, magt, names=NAMES)
    with pytest.raises(InputError, match="6 are too few for the 6 coefficients"):
        fit_linear(design[:6], magt[:6], names=NAMES)
