import itertools

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from cryoscale.errors import InputError
from cryoscale.learning.folds import spatial_blocks
from cryoscale.thermal.rk_calibration import calibrate_rk_to_survey, cross_validate_rk
from cryoscale.thermal.ttop import ttop

TRUE_RK = {1: 0.55, 2: 0.75, 3: 0.95}


def world(n=3000, *, noise=0.0, seed=0):
    """Degree-days, classes and the survey that r_k by class gives, with errors in the degree-days."""
    rng = np.random.default_rng(seed)
    ddt, ddf = rng.uniform(500, 2500, n), rng.uniform(300, 2500, n)
    classes = rng.choice(list(TRUE_RK), n)
    rk = np.vectorize(TRUE_RK.get)(classes)
    survey = np.where(rk * ddt * (1 + noise * rng.normal(size=n)) <= ddf, 1, 2)
    return ddt, ddf, survey, classes


def exhaustive_kappa(ddt, ddf, survey, classes, bounds):
    """Largest kappa over all combinations of thresholds."""
    ratio = ddf / ddt
    options = []
    for code in np.unique(classes):
        inside = ratio[classes == code]
        edges = np.unique([*bounds, *inside[(inside > bounds[0]) & (inside < bounds[1])]])
        options.append([(code, rk) for rk in (edges[:-1] + edges[1:]) / 2])
    best = -1.0
    for chosen in itertools.product(*options):
        rk = np.vectorize(dict(chosen).get)(classes)
        best = max(best, cohen_kappa_score(np.where(rk * ddt <= ddf, 1, 2), survey))
    return best


@settings(max_examples=50)
@given(st.integers(0, 10_000))
def test_kappa_is_the_largest_of_all_combinations(seed):
    rng = np.random.default_rng(seed)
    n = 12
    ddt, ddf = rng.uniform(500, 2000, n), rng.uniform(300, 2000, n)
    classes, survey = rng.integers(1, 4, n), rng.integers(1, 3, n)
    if len(set(survey.tolist())) < 2:
        return
    bounds = (0.3, 1.1)
    result = calibrate_rk_to_survey(ddt, ddf, survey, classes, bounds=bounds, min_pixels=0)
    assert result.confusion.kappa == pytest.approx(exhaustive_kappa(ddt, ddf, survey, classes, bounds), abs=1e-12)
    single = calibrate_rk_to_survey(ddt, ddf, survey, bounds=bounds)
    everywhere = exhaustive_kappa(ddt, ddf, survey, np.ones(n, int), bounds)
    assert single.confusion.kappa == pytest.approx(everywhere, abs=1e-12)
    assert (result.classes["rk"].between(*bounds)).all()


def test_the_truth_comes_back():
    ddt, ddf, survey, classes = world()
    result = calibrate_rk_to_survey(ddt, ddf, survey, classes)
    assert result.confusion.kappa == 1.0
    assert not result.classes["pooled"].any()
    for code, rk in TRUE_RK.items():
        row = result.classes.loc[code]
        assert row["lower"] <= rk <= row["upper"]
        assert row["rk"] == pytest.approx(rk, abs=0.005)
        assert row["n"] == (classes == code).sum()
        assert row["n_permafrost"] == ((classes == code) & (survey == 1)).sum()
    single = calibrate_rk_to_survey(ddt, ddf, survey)
    assert single.confusion.kappa < 0.9
    assert single.classes.empty
    np.testing.assert_array_equal(result.rk_of(np.array([2, 77])), [result.classes.loc[2, "rk"], result.rk])


def test_the_confusion_is_that_of_ttop():
    ddt, ddf, survey, classes = world(noise=0.1)
    result = calibrate_rk_to_survey(ddt, ddf, survey, classes)
    maps = (xr.DataArray(values) for values in (ddt, ddf, result.rk_of(classes)))
    frozen = np.where(ttop(*maps).values <= 0, 1, 2)
    assert result.confusion.kappa == pytest.approx(cohen_kappa_score(frozen, survey))


def test_order_of_pixels_and_shape_do_not_matter():
    columns = world(noise=0.1)
    result = calibrate_rk_to_survey(*columns)
    shuffled = np.random.default_rng(1).permutation(columns[0].size)
    for other in ([c[shuffled] for c in columns], [xr.DataArray(c.reshape(60, 50), dims=("y", "x")) for c in columns]):
        again = calibrate_rk_to_survey(*other)
        assert again.classes.equals(result.classes)
        assert again.rk == result.rk


def test_a_class_with_few_pixels_takes_the_rk_of_all():
    ddt, ddf, survey, classes = world()
    rare = classes.copy()
    rare[(classes == 3) & (np.cumsum(classes == 3) > 20)] = 2
    result = calibrate_rk_to_survey(ddt, ddf, survey, rare, min_pixels=50)
    assert result.classes["pooled"].to_dict() == {1: False, 2: False, 3: True}
    assert result.classes.loc[3, "rk"] == result.rk == calibrate_rk_to_survey(ddt, ddf, survey).rk


def test_a_class_in_one_state_keeps_the_rk_of_all_and_says_how_little_is_known():
    ddt, ddf, survey, classes = world(noise=0.05)
    ddf[classes == 1] = 3 * ddt[classes == 1]
    survey[classes == 1] = 1
    blocks = np.arange(ddt.size) // 50
    result = cross_validate_rk(ddt, ddf, survey, classes, blocks=blocks)
    row = result.calibration.classes.loc[1]
    assert (row["lower"], row["upper"]) == (0.3, 1.1)
    assert row["rk"] == result.calibration.rk
    assert result.rk_error[1] >= 0.8 / np.sqrt(12)
    assert result.rk_error[2] < 0.05


def test_pixels_without_data_are_left_out():
    ddt, ddf, survey, classes = world(noise=0.1)
    whole = calibrate_rk_to_survey(ddt, ddf, survey, classes)
    gaps = [np.nan, 100.0, 1.0, 1.0], [100.0, np.nan, 1.0, 1.0], [1, 1, 3, 1], [1, 1, 1, 0]
    columns = [np.append(c, gap) for c, gap in zip((ddt, ddf, survey, classes), gaps, strict=True)]
    assert calibrate_rk_to_survey(*columns).classes.equals(whole.classes)


def test_ground_without_thaw_is_permafrost():
    result = calibrate_rk_to_survey(np.array([0.0, 1000.0]), np.array([0.0, 100.0]), np.array([1, 2]))
    assert result.confusion.kappa == 1.0


def test_folds_predict_what_they_have_not_seen():
    ddt, ddf, survey, classes = world(noise=0.15)
    x, y = np.random.default_rng(5).uniform(0, 50_000, (2, ddt.size))
    blocks = spatial_blocks(x, y, size=10_000)
    result = cross_validate_rk(ddt, ddf, survey, classes, blocks=blocks, n_folds=4, seed=3)
    fitted = result.calibration.confusion.kappa
    assert fitted == calibrate_rk_to_survey(ddt, ddf, survey, classes).confusion.kappa
    assert len(result.folds) == 4
    assert fitted - 0.05 < result.confusion.kappa <= fitted
    assert result.confusion.n == ddt.size
    assert result.kappa_interval[0] < result.confusion.kappa < result.kappa_interval[1]
    # Each fold was fitted to the pixels outside it: together they leave out every pixel once.
    assert sum(ddt.size - fold.confusion.n for fold in result.folds) == ddt.size
    table = result.table({1: "peat"})
    assert table.names == {1: "peat", 2: "2", 3: "3"}
    assert table.errors == result.rk_error.to_dict()
    again = cross_validate_rk(ddt, ddf, survey, classes, blocks=blocks, n_folds=4, seed=3)
    assert again.kappa_interval == result.kappa_interval


def test_a_map_that_explains_nothing_has_no_honest_kappa():
    rng = np.random.default_rng(0)
    ddt, ddf, _, _ = world()
    survey, classes = rng.integers(1, 3, ddt.size), rng.integers(1, 30, ddt.size)
    result = cross_validate_rk(ddt, ddf, survey, classes, blocks=np.arange(ddt.size), min_pixels=20)
    assert result.calibration.confusion.kappa > 0.05
    assert result.confusion.kappa < 0.02


def test_standard_errors_match_the_spread_of_surveys():
    fits = [cross_validate_rk(*world(1500, noise=0.1, seed=s), blocks=np.arange(1500), n_folds=10) for s in range(20)]
    spread = np.std([fit.calibration.classes["rk"] for fit in fits], axis=0)
    mean_error = np.sqrt(np.mean([fit.rk_error**2 for fit in fits], axis=0))
    assert (mean_error / spread < 3).all()
    assert (mean_error / spread > 1 / 3).all()


def test_bad_input_says_what_to_do():
    ddt, ddf, survey, classes = world()
    with pytest.raises(InputError, match="survey: none of its 0 pixels .* a survey map without overlap"):
        calibrate_rk_to_survey(ddt, ddf, np.full(ddt.size, 3))
    with pytest.raises(InputError, match="survey: none of its 3000 pixels"):
        calibrate_rk_to_survey(ddt * np.nan, ddf, survey)
    with pytest.raises(
        InputError, match="all 3000 pixels to calibrate rk with are permafrost; kappa needs both states"
    ):
        calibrate_rk_to_survey(ddt, ddf, np.ones(ddt.size))
    with pytest.raises(InputError, match=r"ddf: holds -\d+\.?\d* degC d, but degree-days are 0 or more"):
        calibrate_rk_to_survey(ddt, -ddf, survey)
    with pytest.raises(InputError, match=r"bounds of rk: \(1.1, 0.3\) must increase and lie between 0.05 and 2"):
        calibrate_rk_to_survey(ddt, ddf, survey, bounds=(1.1, 0.3))
    with pytest.raises(InputError, match=r"need one shape, not \{'ddt': \(3000,\), 'ddf': \(2999,\)"):
        calibrate_rk_to_survey(ddt, ddf[1:], survey)
    with pytest.raises(InputError, match="is in 'K d', but ddt must be in 'degC d'"):
        calibrate_rk_to_survey(xr.DataArray(ddt, attrs={"units": "K d"}), ddf, survey)
    with pytest.raises(InputError, match="5 folds of 2 groups"):
        cross_validate_rk(ddt, ddf, survey, classes, blocks=np.arange(ddt.size) % 2)
