import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize_scalar

from cryoscale.errors import InputError
from cryoscale.thermal.stefan import stefan_alt
from cryoscale.thermal.stefan_calibration import StefanFit, calibrate_stefan

TRUE_E = {1: 0.03, 2: 0.05, 7: 0.09}
BOTH = pytest.mark.parametrize("fit", list(StefanFit))


def field(n=40, *, e=0.05, noise=0.15, seed=0):
    rng = np.random.default_rng(seed)
    ddt = rng.uniform(300, 2000, n)
    return np.maximum(e * np.sqrt(ddt) + rng.normal(0, noise, n), 0.0), ddt


def classed(n=60, *, noise=0.1, seed=0):
    classes = np.random.default_rng(seed + 100).choice(list(TRUE_E), n)
    alt, ddt = field(n, e=np.vectorize(TRUE_E.get)(classes), noise=noise, seed=seed)
    return alt, ddt, classes


def quick(alt, ddt, **options):
    return calibrate_stefan(alt, ddt, **{"n_bootstrap": 100, **options})


def test_least_squares_is_that_of_numpy_and_statsmodels():
    alt, ddt = field()
    found = quick(alt, ddt).everywhere
    root = np.sqrt(ddt)
    assert found.e_factor == pytest.approx(np.linalg.lstsq(root[:, None], alt, rcond=None)[0][0])
    assert found.e_factor == pytest.approx((alt * root).sum() / ddt.sum())
    reference = sm.OLS(alt, root).fit()
    assert found.e_error == pytest.approx(reference.bse[0])
    assert found.n == 40


def test_leaving_one_out_has_a_closed_form_for_least_squares():
    alt, ddt = field()
    result = quick(alt, ddt)
    errors = -(alt - result.everywhere.e_factor * np.sqrt(ddt)) / (1 - ddt / ddt.sum())
    np.testing.assert_allclose(result.samples["predicted"] - alt, errors)
    assert result.everywhere.loo_rmse == result.loo_rmse == pytest.approx(np.sqrt((errors**2).mean()))
    assert result.everywhere.loo_bias == result.loo_bias == pytest.approx(errors.mean())


def with_outliers(seed=0):
    alt, ddt = field(seed=seed)
    alt[:4] += 3.0
    return alt, ddt


@pytest.mark.parametrize("seed", range(5))
def test_the_robust_fit_is_the_smallest_huber_loss(seed):
    alt, ddt = with_outliers(seed)
    root = np.sqrt(ddt)
    start = minimize_scalar(
        lambda e: np.abs(alt - e * root).sum(), bounds=(0, 1), method="bounded", options={"xatol": 1e-13}
    ).x
    clip = 1.345 * np.median(np.abs(alt - start * root)) / 0.6744897501960817

    def loss(e):
        size = np.abs(alt - e * root)
        return np.where(size <= clip, size**2 / 2, clip * (size - clip / 2)).sum()

    expected = minimize_scalar(loss, bounds=(0, 1), method="bounded", options={"xatol": 1e-12}).x
    assert quick(alt, ddt, fit=StefanFit.ROBUST).everywhere.e_factor == pytest.approx(expected, rel=1e-6)


def test_the_robust_fit_and_its_error_are_those_of_statsmodels():
    alt, ddt = with_outliers()
    root = np.sqrt(ddt)
    ratio = alt / root
    order = np.argsort(ratio)
    median = ratio[order][np.searchsorted(np.cumsum(root[order]), root.sum() / 2)]
    model = sm.RLM(alt, root, M=sm.robust.norms.HuberT(1.345))
    reference = model.fit(start_params=[median], update_scale=False, maxiter=500, tol=1e-13)
    found = quick(alt, ddt, fit=StefanFit.ROBUST).everywhere
    assert found.e_factor == pytest.approx(reference.params[0], rel=1e-9)
    assert found.e_error == pytest.approx(reference.bse[0], rel=1e-6)


def test_outliers_pull_least_squares_more():
    alt, ddt = with_outliers()
    clean, robust = (
        quick(a, ddt, fit=f).everywhere for a, f in ((field()[0], "least-squares"), (alt, StefanFit.ROBUST))
    )
    pulled = quick(alt, ddt).everywhere
    assert abs(robust.e_factor - clean.e_factor) < 0.25 * abs(pulled.e_factor - clean.e_factor)
    assert robust.e_error < pulled.e_error


def test_the_robust_fit_is_left_out_sample_by_sample():
    alt, ddt = with_outliers()
    result = quick(alt, ddt, fit=StefanFit.ROBUST)
    for i in (0, 17, 39):
        e = quick(np.delete(alt, i), np.delete(ddt, i), fit=StefanFit.ROBUST).everywhere.e_factor
        assert result.samples["predicted"][i] == pytest.approx(e * np.sqrt(ddt[i]))


@BOTH
@given(st.integers(0, 1000), st.floats(0.2, 3))  # of 2 m at most: 10 m look like centimetres
def test_e_scales_with_thickness(fit, seed, factor):
    alt, ddt = field(8, seed=seed)
    one, other = (quick(alt * k, ddt, fit=fit).everywhere for k in (1.0, factor))
    np.testing.assert_allclose(
        [other.e_factor, other.e_error, other.lower, other.upper, other.loo_rmse],
        factor * np.array([one.e_factor, one.e_error, one.lower, one.upper, one.loo_rmse]),
        rtol=1e-6,
    )


@BOTH
@given(st.lists(st.floats(1, 5000), min_size=2, max_size=12), st.floats(0.01, 0.3))
def test_samples_on_the_line_give_it_back(fit, ddt, e):
    depths = stefan_alt(xr.DataArray(ddt), min(e, 10 / np.sqrt(max(ddt)))).active_layer_thickness
    found = quick(depths, ddt, fit=fit, min_samples=2).everywhere
    e = min(e, 10 / np.sqrt(max(ddt)))
    assert [found.e_factor, found.lower, found.upper] == pytest.approx([e, e, e], rel=1e-9)
    assert found.loo_rmse == pytest.approx(0, abs=1e-9)
    assert found.e_error == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("n", "fit"), [(5, "least-squares"), (12, "least-squares"), (40, "least-squares"), (12, "robust")]
)
def test_intervals_hold_the_truth_as_often_as_they_say(n, fit):
    estimates = [quick(*field(n, seed=s), n_bootstrap=400, seed=s, fit=StefanFit(fit)).everywhere for s in range(300)]
    share = np.mean([found.lower <= 0.05 <= found.upper for found in estimates])
    assert 0.89 <= share <= 0.985


def test_intervals_of_few_samples_are_as_wide_as_students():
    """With one value of degree-days E is a mean, whose interval is known; the plain bootstrap has 0.77 of it."""
    ratios = []
    for seed in range(30):
        alt = 1.5 + np.random.default_rng(seed).normal(0, 0.2, 8)
        found = quick(alt, np.full(8, 900.0), n_bootstrap=2000, seed=seed).everywhere
        ratios.append((found.upper - found.lower) / (2 * stats.t.ppf(0.975, 7) * found.e_error))
    assert 0.94 < np.mean(ratios) < 1.04


@BOTH
def test_standard_errors_match_the_spread_of_surveys(fit):
    estimates = [quick(*field(20, seed=s), fit=fit).everywhere for s in range(200)]
    spread = np.std([found.e_factor for found in estimates])
    assert np.sqrt(np.mean([found.e_error**2 for found in estimates])) == pytest.approx(spread, rel=0.15)


def test_the_interval_narrows_with_confidence_and_repeats_with_the_seed():
    alt, ddt = field()
    wide, again, narrow, other = (
        calibrate_stefan(alt, ddt, **options).everywhere
        for options in ({"seed": 4}, {"seed": 4}, {"seed": 4, "confidence": 0.5}, {"seed": 5})
    )
    assert wide == again
    assert wide.lower < narrow.lower < wide.e_factor < narrow.upper < wide.upper
    assert wide.lower != other.lower


@BOTH
def test_classes_have_their_own_factors(fit):
    alt, ddt, classes = classed()
    result = quick(alt, ddt, classes=classes, fit=fit)
    assert result.table.index.tolist() == [1, 2, 7]
    for code, e in TRUE_E.items():
        row, alone = result.table.loc[code], quick(alt[classes == code], ddt[classes == code], fit=fit).everywhere
        assert row["lower"] < e < row["upper"]
        assert row["n"] == (classes == code).sum()
        assert not row["pooled"]
        for name in ("e_factor", "e_error", "lower", "upper", "loo_rmse", "loo_bias"):
            assert row[name] == pytest.approx(getattr(alone, name))
    assert result.everywhere == quick(alt, ddt, fit=fit).everywhere
    assert result.loo_rmse < 0.2 * result.everywhere.loo_rmse
    table = result.table
    assert result.loo_rmse == pytest.approx(np.sqrt((table["n"] * table["loo_rmse"] ** 2).sum() / table["n"].sum()))
    assert result.samples["class"].tolist() == classes.tolist()


def test_a_class_with_few_samples_takes_the_factor_of_all():
    alt, ddt, classes = classed()
    rare = np.where((classes == 7) & (np.cumsum(classes == 7) > 4), 2, classes)
    result = quick(alt, ddt, classes=rare)
    assert result.table["pooled"].to_dict() == {1: False, 2: False, 7: True}
    row, everywhere = result.table.loc[7], quick(alt, ddt)
    for name in ("e_factor", "e_error", "lower", "upper"):
        assert row[name] == getattr(everywhere.everywhere, name)
    assert row["n"] == 4
    errors = (everywhere.samples["predicted"] - alt)[rare == 7]
    assert row["loo_rmse"] == pytest.approx(np.sqrt((errors**2).mean()))
    assert row["loo_bias"] == pytest.approx(errors.mean())
    assert quick(alt, ddt, classes=rare, min_samples=4).table["pooled"].sum() == 0


def test_without_classes_the_table_is_empty():
    result = quick(*field())
    assert result.table.empty
    assert (result.samples["class"] == 0).all()
    pixels = result.e_factor_map(xr.DataArray([0, 5], dims="x"))
    np.testing.assert_array_equal(pixels.stefan_e_factor, np.float32([np.nan, result.everywhere.e_factor]))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_the_map_has_the_factor_of_each_class(dtype, assert_lazy):
    result = quick(*classed()[:2], classes=classed()[2])
    codes = xr.DataArray(np.array([[1, 2, 7], [0, 5, 200]], dtype), {"x": [10, 20, 30]}, ("y", "x"))
    if dtype == "float32":
        codes = codes.where(codes != 0)
    eager = result.e_factor_map(codes)
    with assert_lazy():
        lazy = result.e_factor_map(codes.chunk(x=1))
    xr.testing.assert_identical(lazy.compute(), eager)
    e, rest = result.table["e_factor"], result.everywhere
    np.testing.assert_allclose(
        eager.stefan_e_factor, [[e[1], e[2], e[7]], [np.nan, rest.e_factor, rest.e_factor]], rtol=1e-6
    )
    error = result.table["e_error"]
    np.testing.assert_allclose(
        eager.stefan_e_factor_error, [[error[1], error[2], error[7]], [np.nan, rest.e_error, rest.e_error]], rtol=1e-6
    )
    assert eager.stefan_e_factor.attrs["units"] == "m degC-0.5 d-0.5"
    layer = stefan_alt(xr.full_like(codes, 900.0, dtype=float), eager.stefan_e_factor)
    assert float(layer.active_layer_thickness[0, 2]) == pytest.approx(30 * e[7], rel=1e-6)


def test_samples_without_data_are_left_out_and_counted():
    alt, ddt, classes = classed()
    whole = quick(alt, ddt, classes=classes)
    alt, ddt = (
        np.insert(column, 3, gaps) for column, gaps in ((alt, [np.nan, 1, 1, 1]), (ddt, [900, np.inf, 900, 900]))
    )
    gappy = quick(alt, ddt, classes=np.insert(classes.astype(float), 3, [1, 1, 0, np.nan]))
    assert (whole.n_dropped, gappy.n_dropped) == (0, 4)
    pd.testing.assert_frame_equal(gappy.table, whole.table)
    assert gappy.samples.index.tolist() == [0, 1, 2, *range(7, 64)]


def test_columns_may_be_of_any_kind():
    alt, ddt, classes = classed()
    expected = quick(alt, ddt, classes=classes)
    series = (pd.Series(values, index=["a"] * 60) for values in (alt, ddt))
    nullable = pd.Series(classes, dtype="Int64")
    pd.testing.assert_frame_equal(quick(*series, classes=nullable).table, expected.table)
    arrays = (xr.DataArray(v, dims="site", attrs={"units": u}) for v, u in ((alt, "m"), (ddt, "degC d")))
    pd.testing.assert_frame_equal(quick(*arrays, classes=classes.tolist()).table, expected.table)


def test_bad_input():
    alt, ddt, classes = classed()
    with pytest.raises(
        InputError, match="active_layer_thickness: has a median of .* is expected in m. It looks like cm"
    ):
        quick(alt * 100, ddt)
    with pytest.raises(InputError, match="active_layer_thickness: holds -99 m, but depths are positive"):
        quick(np.append(alt, -99), np.append(ddt, 900))
    with pytest.raises(
        InputError, match="ddt: holds -9999 degC d at position 60, but a site that thaws has more than 0"
    ):
        quick(np.append(alt, 1), np.append(ddt, -9999))
    with pytest.raises(InputError, match="ddt: holds 0 degC d at position 0"):
        quick(alt, ddt * (np.arange(60) > 0))
    with pytest.raises(InputError, match=r"need one length, not \{'active_layer_thickness': 60, 'ddt': 59\}"):
        quick(alt, ddt[1:])
    with pytest.raises(InputError, match="4 samples have all data \\(2 have not\\), but 5 are needed"):
        quick([1, 1, 1, 1, np.nan, np.nan], np.full(6, 900.0))
    with pytest.raises(InputError, match="class: there are 6 classes for 6 samples, one for each. Merge classes"):
        quick(alt[:6], ddt[:6], classes=np.arange(1, 7))
    with pytest.raises(InputError, match="class: holds 1.5, but codes are whole numbers"):
        quick(alt, ddt, classes=np.where(classes == 1, 1.5, classes))
    with pytest.raises(InputError, match="class: must be one column of numbers .*could not convert"):
        quick(alt, ddt, classes=["meadow"] * 60)
    with pytest.raises(InputError, match="ddt: must be one column of numbers"):
        quick(alt, ddt.reshape(6, 10))
    with pytest.raises(InputError, match="is in 'cm', but active_layer_thickness must be in 'm'"):
        quick(xr.DataArray(alt, attrs={"units": "cm"}), ddt)
    with pytest.raises(InputError, match="min_samples: must be at least 2, not 1"):
        quick(alt, ddt, min_samples=1)
    with pytest.raises(InputError, match="n_bootstrap: must be at least 100, not 10"):
        quick(alt, ddt, n_bootstrap=10)
    with pytest.raises(InputError, match="confidence: must lie between 0 and 1, not 95"):
        quick(alt, ddt, confidence=95)
