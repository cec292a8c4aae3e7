"""Nested cross-validation: no leak, the same wherever it runs, and scores against scikit-learn's."""

from threading import get_ident

import dask
import numpy as np
import pandas as pd
import pytest
from dask.callbacks import Callback
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from cryoscale.errors import InputError
from cryoscale.learning import grouped_folds, random_folds
from cryoscale.moisture.ensemble import MoistureEnsemble
from cryoscale.moisture.learners import Learner
from cryoscale.moisture.validation import cross_validate, summarise

QUICK = MoistureEnsemble(learners=[Learner.EXTRA_TREES, Learner.XGBOOST], n_folds=2, n_candidates=1, drop=0.75)
MATTER = [f"f{k:02d}" for k in range(8)]


def plateau(n=342, *, n_features=25, seed=0, noise=0.04):
    """Samples in places of a few, 8 of the covariates matter, and more that follow some of these."""
    rng = np.random.default_rng(seed)
    groups = np.sort(rng.integers(0, n // 6, n))
    x = 0.7 * rng.normal(size=(n // 6, n_features))[groups] + 0.7 * rng.normal(size=(n, n_features))
    x[:, 8:12] = 0.7 * x[:, :4] + 0.7 * x[:, 8:12]
    truth = 0.3 + 0.05 * np.tanh(2 * x[:, 0]) + 0.05 * x[:, 1] * (x[:, 2] > 0) + 0.04 * np.sin(2 * x[:, 3])
    truth += -0.05 * np.abs(x[:, 4]) + 0.04 * x[:, 5] - 0.04 * np.tanh(2 * x[:, 6]) + 0.04 * np.tanh(2 * x[:, 7])
    table = pd.DataFrame(x, columns=[f"f{k:02d}" for k in range(n_features)])
    return table, np.clip(truth + rng.normal(0, noise, n), 0.01, 0.8), groups


TABLE, TARGET, GROUPS = plateau(120, n_features=12)
FOLDS = grouped_folds(GROUPS, 3, seed=0)


@pytest.fixture(scope="module")
def result():
    return cross_validate(QUICK, TABLE, TARGET, folds=FOLDS, groups=GROUPS)


def test_rows_are_those_of_the_samples_and_the_model_stays_unfitted(result):
    np.testing.assert_array_equal(result["observed"], TARGET)
    np.testing.assert_array_equal(result["fold"], FOLDS)
    pd.testing.assert_index_equal(result.index, TABLE.index)
    assert not hasattr(QUICK, "models_")


@pytest.mark.slow
def test_processes_give_the_same(result):
    with dask.config.set(scheduler="processes", num_workers=2):
        again = cross_validate(QUICK, TABLE, TARGET, folds=FOLDS, groups=GROUPS)
    pd.testing.assert_frame_equal(again, result, check_exact=True)


def test_threads_are_left_alone():
    """Forests that threads fit side by side lose the process's filters of warnings."""
    forest = MoistureEnsemble(learners=[Learner.EXTRA_TREES], n_folds=2, n_candidates=1, min_features=3)
    seen = set()
    with dask.config.set(scheduler="threads", num_workers=3), Callback(pretask=lambda *_: seen.add(get_ident())):
        cross_validate(forest, TABLE.iloc[:, :3], TARGET, folds=FOLDS)
    assert seen == {get_ident()}


def test_each_fold_is_what_a_model_without_it_predicts(result):
    train, test = FOLDS != 1, FOLDS == 1
    model = MoistureEnsemble(**QUICK.get_params()).fit(TABLE[train], TARGET[train], groups=GROUPS[train])
    found = result[test]
    np.testing.assert_array_equal(found["corrected"], model.predict(TABLE[test]))
    linear = LinearRegression().fit(TABLE[train], TARGET[train]).predict(TABLE[test])
    np.testing.assert_allclose(found["linear"], linear, atol=1e-9)
    learners = model.predict_learners(model.rows_of(TABLE[test]))
    np.testing.assert_array_equal(found[["extra-trees", "xgboost"]].to_numpy().T, learners)
    np.testing.assert_allclose(model.correction_(found["fused"]), found["corrected"], atol=1e-6)
    assert (found["inside"] == (found["dissimilarity"] <= model.applicability_.threshold)).all()


def test_what_is_known_of_the_held_out_fold_changes_nothing(result):
    """Targets of a fold must not reach its predictions."""
    other = np.where(FOLDS == 2, TARGET[::-1], TARGET)
    changed = cross_validate(QUICK, TABLE, other, folds=FOLDS, groups=GROUPS)
    same = ["linear", "fused", "corrected", "lower", "upper", "dissimilarity", "inside", "extra-trees", "xgboost"]
    pd.testing.assert_frame_equal(changed.loc[FOLDS == 2, same], result.loc[FOLDS == 2, same], check_exact=True)
    assert (changed.loc[FOLDS != 2, "fused"] != result.loc[FOLDS != 2, "fused"]).all()


def test_shuffled_targets_are_not_predicted():
    """On average: one permutation of so few samples may go with a covariate by chance, in every fold alike."""
    found = []
    for seed in range(4):
        shuffled = np.random.default_rng(seed).permutation(TARGET)
        table = cross_validate(QUICK, TABLE, shuffled, folds=random_folds(120, 3, seed=seed))
        found.append(summarise(table).loc["corrected", "r2"])
    assert np.mean(found) <= 0.05


def test_scores_are_those_of_scikit_learn(result):
    summary = summarise(result)
    assert summary.index.tolist() == ["extra-trees", "xgboost", "linear", "fused", "corrected"]
    assert (summary["n"] == 120).all()
    for name, row in summary.iterrows():
        predicted = result[name]
        assert row["r2"] == pytest.approx(r2_score(TARGET, predicted))
        assert row["rmse"] == pytest.approx(root_mean_squared_error(TARGET, predicted))
        assert row["mae"] == pytest.approx(mean_absolute_error(TARGET, predicted))
        assert row["bias"] == pytest.approx((predicted - TARGET).mean())
        assert row["slope"] == pytest.approx(np.polyfit(predicted, TARGET, 1)[0], rel=1e-5)
    inside = (result["lower"] <= TARGET) & (result["upper"] >= TARGET)
    assert summary.loc["corrected", "coverage"] == pytest.approx(inside.mean())
    assert summary["coverage"].notna().sum() == summary["width"].notna().sum() == 1


def test_bad_input(result):
    with pytest.raises(InputError, match=r"group 0 lies in 3 folds, so it would be predicted from its own"):
        cross_validate(QUICK, TABLE, TARGET, folds=np.arange(120) % 3, groups=GROUPS)
    with pytest.raises(InputError, match=r"120 rows of features, but {'folds': \(119,\)}"):
        cross_validate(QUICK, TABLE, TARGET, folds=FOLDS[1:])
    with pytest.raises(InputError, match="needs two folds or more"):
        cross_validate(QUICK, TABLE, TARGET, folds=np.zeros(120))
    with pytest.raises(InputError, match=r"has 120 rows and lacks \['lower'\]"):
        summarise(result.drop(columns="lower"))
