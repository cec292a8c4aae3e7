"""The search keeps to its candidates and folds, scores as scikit-learn does, and never ends worse than it began."""

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import cross_val_score

from cryoscale.errors import InputError
from cryoscale.learning.folds import fold_splits, random_folds
from cryoscale.moisture.learners import Learner, default_settings, make_learner
from cryoscale.moisture.tuning import tune

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(RNG.normal(size=(120, 4)), columns=["ndvi", "lst", "slope", "wetness"])
TARGET = 0.25 + 0.05 * np.tanh(TABLE["ndvi"]) * (TABLE["lst"] > 0.0) + 0.02 * TABLE["wetness"]
FOLDS = random_folds(120, 4, seed=0)


def searched(learner=Learner.XGBOOST, *, n_candidates=6, seed=0):
    return tune(learner, TABLE, TARGET, folds=FOLDS, n_candidates=n_candidates, seed=seed)


@pytest.fixture(scope="module")
def tuned():
    return searched()


@pytest.mark.parametrize("learner", Learner)
def test_each_candidate_is_scored_as_scikit_learn_scores_it(learner):
    tuned = searched(learner, n_candidates=2)
    model = make_learner(learner, seed=0, **default_settings(learner))
    rows = TABLE.to_numpy("float32")
    errors = -cross_val_score(
        model, rows, TARGET, cv=list(fold_splits(FOLDS)), scoring="neg_root_mean_squared_error", error_score="raise"
    )
    assert tuned.table.loc[0, "rmse"] == pytest.approx(errors.mean(), rel=1e-6)
    assert tuned.table.loc[0, "rmse_error"] == pytest.approx(errors.std(ddof=1) / 2.0, rel=1e-6)
    assert tuned.table.loc[0, "n_folds"] == 4


@pytest.mark.parametrize("learner", Learner)
def test_one_candidate_means_the_defaults_without_a_fit(learner):
    tuned = searched(learner, n_candidates=1)
    assert tuned.settings == default_settings(learner)
    assert len(tuned.table) == 1
    assert tuned.table.loc[0, "n_folds"] == 0
    assert math.isnan(tuned.table.loc[0, "rmse"])


def test_the_best_of_those_that_saw_every_fold_is_chosen(tuned):
    whole = tuned.table[tuned.table["n_folds"] == 4]
    best = whole.loc[whole["rmse"].idxmin()]
    assert {name: best[name] for name in tuned.settings} == tuned.settings
    assert best["rmse"] < tuned.table.loc[0, "rmse"]  # this truth is not that of the defaults


def test_a_hopeless_candidate_is_given_up_after_two_folds_or_more(tuned):
    table = tuned.table
    stopped = table[table["n_folds"] < 4]
    assert len(stopped)
    assert stopped["n_folds"].min() == 2
    for place, one in stopped.iterrows():
        before = table[:place]
        best = before[before["n_folds"] == 4]["rmse"].idxmin()
        first_folds = list(fold_splits(FOLDS))[: int(one["n_folds"])]
        names = list(default_settings(Learner.XGBOOST))
        best_there = [fold_rmse(before.loc[best, names], part) for part in first_folds]
        assert one["rmse"] > 1.15 * np.mean(best_there)


def fold_rmse(settings, part):
    train, test = part
    whole = {name: int(value) if float(value).is_integer() else value for name, value in settings.items()}
    rows = TABLE.to_numpy("float32")
    model = make_learner(Learner.XGBOOST, seed=0, **whole).fit(rows[train], TARGET.iloc[train])
    return np.sqrt(np.mean((model.predict(rows[test]) - TARGET.iloc[test]) ** 2))


def test_the_seed_decides_the_candidates_and_the_defaults_come_first(tuned):
    first, same, other = tuned, searched(), searched(n_candidates=3, seed=1)
    pd.testing.assert_frame_equal(first.table, same.table)
    assert first.settings == same.settings
    names = list(default_settings(Learner.XGBOOST))
    assert not first.table.loc[:2, names].equals(other.table[names])
    assert first.table.loc[0, names].to_dict() == default_settings(Learner.XGBOOST)
    assert not first.table[names].duplicated().any()


def test_a_whole_space_can_be_searched_without_repeats():
    table = TABLE.loc[:29, ["ndvi"]]
    tuned = tune(Learner.CATBOOST, table, TARGET[:30], folds=np.arange(30) % 2, n_candidates=72, seed=0)
    names = list(default_settings(Learner.CATBOOST))
    assert len(tuned.table) == 72
    assert not tuned.table[names].duplicated().any()


@pytest.mark.parametrize("n_candidates", [0, 73])
def test_a_number_of_candidates_that_cannot_be_is_refused(n_candidates):
    with pytest.raises(InputError, match=f"n_candidates: must be 1 to 72 for catboost, not {n_candidates}"):
        searched(Learner.CATBOOST, n_candidates=n_candidates)


def test_bad_samples_are_refused_even_without_a_search():
    with pytest.raises(InputError, match="feature 'slope': is constant"):
        tune(Learner.XGBOOST, TABLE.assign(slope=0.0), TARGET, folds=FOLDS, n_candidates=1, seed=0)
