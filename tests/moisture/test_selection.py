"""Elimination keeps what matters and drops noise and followers, by scores and shares that can be checked by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor
from sklearn.model_selection import cross_val_predict

from cryoscale.errors import InputError
from cryoscale.learning.folds import fold_splits, random_folds
from cryoscale.moisture import selection
from cryoscale.moisture.learners import Learner
from cryoscale.moisture.selection import select_features

FOREST = {"n_estimators": 20, "max_depth": 5}
FAST = {Learner.CATBOOST: {"iterations": 50, "learning_rate": 0.15, "depth": 4, "border_count": 32}}


def plateau(seed, *, n=342, noise=0.02):
    """25 covariates: 8 that drive moisture, 5 that follow a driver (correlation 0.75), 12 of noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 8))
    followers = 0.75 * x[:, :5] + np.sqrt(1.0 - 0.75**2) * rng.normal(size=(n, 5))
    moisture = (
        0.25
        + 0.04 * np.tanh(1.5 * x[:, 0])
        + 0.035 * x[:, 1]
        + 0.04 * np.sin(1.5 * x[:, 2])
        + 0.04 * np.abs(x[:, 3])
        + 0.04 * (x[:, 4] > 0.3)
        + 0.03 * x[:, 5] * (1.0 + 0.5 * np.sign(x[:, 0]))
        + 0.04 * np.maximum(x[:, 6], 0.0)
        - 0.08 * np.exp(-(x[:, 7] ** 2))
    )
    kinds = ("driver", 8), ("follower", 5), ("noise", 12)
    names = [f"{kind}_{i}" for kind, size in kinds for i in range(size)]
    table = pd.DataFrame(np.column_stack([x, followers, rng.normal(size=(n, 12))]), columns=names)
    return table.iloc[:, rng.permutation(25)], moisture + rng.normal(0.0, noise, n)


def count(names, kind):
    return sum(name.startswith(kind) for name in names)


@pytest.fixture(scope="module")
def chosen():
    table, moisture = plateau(0)
    folds = random_folds(len(table), 5, seed=0)
    return select_features(table, moisture, folds=folds, learners=[Learner.CATBOOST], settings=FAST)


def test_drivers_are_kept_and_noise_goes(chosen):
    assert count(chosen.names, "driver") >= 7
    assert count(chosen.names, "noise") == 0
    assert count(chosen.names, "follower") <= 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_four_learners_keep_drivers_and_drop_noise(seed):
    table, moisture = plateau(seed)
    found = select_features(table, moisture, folds=random_folds(len(table), 5, seed=seed), seed=seed)
    assert count(found.names, "driver") >= 7
    assert count(found.names, "noise") <= 1


def test_the_path_drops_each_feature_once_and_as_many_as_asked(chosen):
    sizes = chosen.path["n_features"].tolist()
    assert sizes == [25, 22, 19, 17, 15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3]
    assert [len(gone) for gone in chosen.path["dropped"]] == [*(-np.diff(sizes)), 0]
    gone = [name for step in chosen.path["dropped"] for name in step]
    assert len(set(gone)) == 22
    later = chosen.path[chosen.path["n_features"] <= len(chosen.names)]["dropped"]
    assert {name for step in later for name in step} < set(chosen.names)


def test_the_fewest_features_within_one_standard_error_of_the_best_are_chosen(chosen):
    path = chosen.path.set_index("n_features")
    best = path.loc[path["rmse"].idxmin()]
    within = path.index[path["rmse"] <= best["rmse"] + best["rmse_error"]]
    assert len(chosen.names) == within.min()


def test_importance_falls_and_its_shares_sum_to_one(chosen):
    assert tuple(chosen.importance.index) == chosen.names
    assert chosen.importance.sum() == pytest.approx(1.0)
    assert (np.diff(chosen.importance) <= 0.0).all()


def test_the_score_is_that_of_the_mean_prediction_on_held_out_samples():
    table, moisture = plateau(3, n=90)
    folds = random_folds(90, 3, seed=0)
    settings = {Learner.RANDOM_FOREST: FOREST, Learner.EXTRA_TREES: FOREST}
    path = select_features(
        table, moisture, folds=folds, learners=list(settings), settings=settings, min_features=25, seed=5
    ).path
    assert path["dropped"].tolist() == [()]
    forest = RandomForestRegressor(20, max_depth=5, max_features=1 / 3, min_samples_leaf=2, random_state=5)
    extra = ExtraTreesRegressor(20, max_depth=5, max_features=1.0, min_samples_leaf=2, random_state=5)
    splits = list(fold_splits(folds))
    rows = table.to_numpy("float32")
    mean = np.mean([cross_val_predict(model, rows, moisture, cv=splits) for model in (forest, extra)], axis=0)
    errors = np.array([np.sqrt(np.mean((mean - moisture)[test] ** 2)) for _, test in splits])
    assert path.loc[0, "rmse"] == pytest.approx(errors.mean())
    assert path.loc[0, "rmse_error"] == pytest.approx(errors.std(ddof=1) / np.sqrt(3.0))


def test_features_of_a_shuffled_target_are_not_worth_keeping():
    table, moisture = plateau(1, n=200)
    shuffled = np.random.default_rng(0).permutation(moisture)
    folds = random_folds(len(table), 4, seed=0)
    found = select_features(table, shuffled, folds=folds, learners=[Learner.CATBOOST], settings=FAST, drop=0.3)
    assert len(found.names) < 8
    assert found.path["rmse"].min() > 0.9 * moisture.std()


def test_same_seed_same_selection_and_other_seed_other_scores():
    table, moisture = plateau(2, n=100)
    folds = random_folds(100, 3, seed=0)
    settings = {Learner.RANDOM_FOREST: FOREST}
    first, same, other = (
        select_features(table, moisture, folds=folds, learners=list(settings), settings=settings, drop=0.5, seed=seed)
        for seed in (0, 0, 1)
    )
    pd.testing.assert_frame_equal(first.path, same.path)
    pd.testing.assert_series_equal(first.importance, same.importance)
    assert first.path["rmse"].tolist() != other.path["rmse"].tolist()


def test_settings_of_one_learner_leave_the_others_light(monkeypatch):
    table, moisture = plateau(2, n=60)
    made = {}
    real = selection.make_learner
    monkeypatch.setattr(
        selection, "make_learner", lambda name, **given: made.update({name: given}) or real(name, **given)
    )
    settings = {Learner.CATBOOST: {"iterations": 7}}
    learners = [Learner.CATBOOST, Learner.XGBOOST]
    select_features(
        table, moisture, folds=np.arange(60) % 2, learners=learners, settings=settings, min_features=25, seed=3
    )
    assert made[Learner.CATBOOST] == {"seed": 3, "iterations": 7}
    assert made[Learner.XGBOOST] == {"seed": 3, "n_estimators": 100, "learning_rate": 0.1}


def test_at_most_a_hundred_samples_of_a_fold_are_explained_and_none_that_was_fitted(monkeypatch):
    table, moisture = plateau(2, n=330)
    rows = table.to_numpy("float32")
    folds = np.repeat([0, 1], [250, 80])
    explained = []
    real = selection.shap_values
    monkeypatch.setattr(selection, "shap_values", lambda model, shown: explained.append(shown) or real(model, shown))
    select_features(table, moisture, folds=folds, learners=[Learner.CATBOOST], settings=FAST, min_features=25)
    assert [len(shown) for shown in explained] == [100, 80]
    for fold, shown in enumerate(explained):
        assert {tuple(row) for row in shown} <= {tuple(row) for row in rows[folds == fold]}


def test_a_feature_that_only_its_fitted_samples_bear_out_counts_for_little():
    """A label of each sample explains the fit to the last digit and nothing that is held out."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"ndvi": rng.random(150), "label": rng.permutation(150.0 * np.arange(150))})
    folds = random_folds(150, 5, seed=0)
    found = select_features(
        table, 0.3 * table["ndvi"], folds=folds, learners=[Learner.CATBOOST], settings=FAST, min_features=1
    )
    assert found.names == ("ndvi",)
    assert found.path.loc[0, "dropped"] == ("label",)


@pytest.mark.parametrize("change", [{"learners": []}, {"min_features": 0}, {"drop": 0.0}, {"drop": 1.0}])
def test_arguments_that_cannot_be_are_refused(change):
    table, moisture = plateau(0, n=40)
    with pytest.raises(InputError, match=r"needs a learner or more, min_features of 1 or more and drop in \(0, 1\)"):
        select_features(table, moisture, folds=np.arange(40) % 2, **change)


def test_bad_samples_are_refused():
    table, moisture = plateau(0, n=40)
    table.loc[4, "driver_0"] = np.nan
    with pytest.raises(InputError, match=r"'driver_0' \(1\)"):
        select_features(table, moisture, folds=np.arange(40) % 2)
