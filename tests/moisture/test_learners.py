"""The four learners: same seed, same model; predictions of their own from any thread; SHAP values that add up."""

import pickle
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cryoscale.errors import InputError, MissingExtraError
from cryoscale.moisture.learners import (
    Learner,
    checked_samples,
    default_settings,
    make_learner,
    predict,
    shap_values,
)

FEW_TREES = {
    Learner.RANDOM_FOREST: {"n_estimators": 30},
    Learner.EXTRA_TREES: {"n_estimators": 30},
    Learner.XGBOOST: {"n_estimators": 40, "learning_rate": 0.2},
    Learner.CATBOOST: {"iterations": 40, "learning_rate": 0.2},
}
RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(200, 5)).astype("float32")
TARGET = 0.25 + 0.05 * np.tanh(ROWS[:, 0]) + 0.04 * ROWS[:, 1] * ROWS[:, 2] + RNG.normal(0.0, 0.01, 200)
NEW = RNG.normal(size=(500, 5)).astype("float32")


@pytest.fixture(scope="module")
def models():
    return {learner: fitted(learner) for learner in Learner}


def fitted(learner, *, seed=1, **settings):
    return make_learner(learner, seed=seed, **(FEW_TREES[learner] | settings)).fit(ROWS, TARGET)


@pytest.mark.parametrize("learner", Learner)
def test_the_seed_and_nothing_else_decides(learner, models):
    first = predict(models[learner], NEW)
    np.testing.assert_array_equal(predict(fitted(learner), NEW), first)
    other = fitted(learner, seed=2, **({"subsample": 0.7} if learner == Learner.XGBOOST else {}))
    assert not np.array_equal(predict(other, NEW), first)


@pytest.mark.parametrize("learner", Learner)
def test_learners_learn(learner, models):
    assert np.corrcoef(predict(models[learner], ROWS), TARGET)[0, 1] > 0.9


@pytest.mark.parametrize("learner", Learner)
def test_predictions_are_the_learners_own(learner, models):
    predicted = predict(models[learner], NEW)
    assert predicted.dtype == np.float64
    np.testing.assert_array_equal(predicted, models[learner].predict(NEW))


@pytest.mark.parametrize("learner", Learner)
def test_rows_in_pieces_in_any_layout_and_after_pickling_give_the_same(learner, models):
    whole = predict(models[learner], NEW)
    again = pickle.loads(pickle.dumps(models[learner]))
    pieces = [predict(again, np.asfortranarray(part)) for part in np.split(NEW, [1, 130, 131])]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    assert predict(again, NEW[:0]).shape == (0,)


@pytest.mark.parametrize("learner", Learner)
def test_threads_at_the_same_time_give_the_same_and_leave_warnings_alone(learner, models):
    whole, before = predict(models[learner], NEW), list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: predict(models[learner], NEW), range(48)))
    assert all((result == whole).all() for result in results)
    assert list(warnings.filters) == before


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads the way of Linux")
@pytest.mark.parametrize("learner", Learner)
def test_fit_prediction_and_explanation_start_no_threads(learner, models):
    shap_values(models[learner], NEW[:5])  # imports may
    n_threads = len(list(Path("/proc/self/task").iterdir()))
    model = pickle.loads(pickle.dumps(fitted(learner)))
    predict(model, np.tile(NEW, (40, 1)))
    shap_values(model, NEW)
    assert len(list(Path("/proc/self/task").iterdir())) <= n_threads


@pytest.mark.parametrize("learner", Learner)
def test_shap_values_and_one_constant_add_up_to_the_prediction(learner, models):
    values = shap_values(models[learner], NEW)
    assert values.shape == NEW.shape
    base = predict(models[learner], NEW) - values.sum(axis=1)
    np.testing.assert_allclose(base, base[0], atol=1e-6)
    assert base[0] == pytest.approx(TARGET.mean(), abs=0.005)


@pytest.mark.parametrize("learner", Learner)
def test_shap_values_of_a_stump_are_what_arithmetic_gives(learner):
    """One feature, one split: its value is the leaf's mean minus the mean of all, zero for the feature beside it."""
    rows = np.stack([np.repeat([0.0, 1.0], [30, 10]), np.tile([0.0, 1.0], 20)], axis=1).astype("float32")
    target = 0.1 + 0.2 * rows[:, 0].astype(float)
    exact = {
        Learner.RANDOM_FOREST: {"n_estimators": 1, "max_features": 1.0, "bootstrap": False},
        Learner.EXTRA_TREES: {"n_estimators": 1},
        Learner.XGBOOST: {"n_estimators": 1, "learning_rate": 1.0, "reg_lambda": 0.0, "subsample": 1.0}
        | {"colsample_bytree": 1.0},
        Learner.CATBOOST: {"iterations": 1, "learning_rate": 1.0, "l2_leaf_reg": 0.0, "bootstrap_type": "No"}
        | {"random_strength": 0.0, "depth": 1},
    }
    model = make_learner(learner, seed=0, **exact[learner]).fit(rows, target)
    np.testing.assert_allclose(predict(model, rows), target, atol=1e-6)
    np.testing.assert_allclose(shap_values(model, rows)[:, 0], target - 0.15, atol=1e-6)
    np.testing.assert_allclose(shap_values(model, rows)[:, 1], 0.0, atol=1e-6)


@pytest.mark.parametrize("learner", Learner)
def test_rows_of_another_width_are_refused(learner, models):
    again = pickle.loads(pickle.dumps(models[learner]))
    for rows in (NEW[:, :4], np.tile(NEW, 2), NEW[:, 0]):
        with pytest.raises(InputError, match=r"rows: shape \(500.* does not fit a model of 5 features"):
            predict(again, rows)
        with pytest.raises(InputError, match="does not fit a model of 5 features"):
            shap_values(again, rows)


@pytest.mark.parametrize("learner", Learner)
def test_unknown_settings_are_named_beside_the_known_ones(learner):
    with pytest.raises(InputError, match=f"settings of {learner}: n_jobs, trees not known here.*depth"):
        make_learner(learner, seed=0, trees=5, n_jobs=2)
    assert make_learner(learner, seed=0, **default_settings(learner)).get_params() == (
        make_learner(learner, seed=0).get_params()
    )


@pytest.mark.parametrize("learner", [Learner.XGBOOST, Learner.CATBOOST])
def test_a_missing_library_says_how_to_install_it(learner, monkeypatch):
    monkeypatch.setitem(sys.modules, str(learner), None)
    with pytest.raises(MissingExtraError, match=rf"needs {learner}.*pip install 'cryoscale\[moisture\]'"):
        make_learner(learner, seed=0)


def test_a_missing_shap_says_how_to_install_it(models, monkeypatch):
    monkeypatch.setitem(sys.modules, "shap", None)
    with pytest.raises(MissingExtraError, match="needs shap"):
        shap_values(models[Learner.RANDOM_FOREST], NEW)


TABLE = pd.DataFrame(ROWS, columns=list("abcde"))
FOLDS = np.arange(200) % 4


def with_value(name, value, *, at=7):
    table = TABLE.astype(float)
    table.loc[at, name] = value
    return table


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": with_value("b", np.nan)}, r"features: NaN or infinite .*: 'b' \(1\)"),
        ({"features": with_value("d", np.inf, at=[3, 4])}, r"'d' \(2\)"),
        ({"features": with_value("d", 1e300)}, r"'d' \(1\)"),
        ({"features": TABLE.assign(c=2.5)}, "feature 'c': is constant"),
        ({"features": TABLE.assign(c=1e9 + np.arange(200) * 0.01)}, "feature 'c': is constant over .* float32"),
        ({"features": TABLE.assign(c="meadow")}, "feature 'c': holds .*, not numbers"),
        ({"features": TABLE.set_axis(list("abbde"), axis=1)}, "'b' is there twice"),
        ({"features": TABLE[:-1]}, "199 rows of features, target of shape"),
        ({"target": TARGET[:-1]}, r"200 rows of features, target of shape \(199,\)"),
        ({"folds": FOLDS[:-1]}, r"folds of shape \(199,\) do not fit"),
        ({"target": np.where(FOLDS == 2, np.nan, TARGET)}, "target: 50 samples are NaN"),
        ({"target": np.full(200, 0.3)}, "target: all samples are 0.3"),
        ({"folds": np.zeros(200, int)}, "at least 2 different folds"),
        ({"folds": FOLDS * 0.5}, "folds: must be integers"),
        ({"features": TABLE[:19], "target": TARGET[:19], "folds": FOLDS[:19]}, "19 are too few"),
    ],
)
def test_bad_samples_are_refused(change, message):
    given = {"features": TABLE, "target": TARGET, "folds": FOLDS} | change
    with pytest.raises(InputError, match=message):
        checked_samples(given["features"], given["target"], folds=given["folds"])


def test_good_samples_keep_their_values():
    rows, target, folds = checked_samples(TABLE.astype(float), list(TARGET), folds=FOLDS.astype("int8"))
    np.testing.assert_array_equal(rows, ROWS)
    np.testing.assert_array_equal(target, TARGET)
    assert (rows.dtype, target.dtype, folds.dtype) == (np.float32, np.float64, np.int64)
