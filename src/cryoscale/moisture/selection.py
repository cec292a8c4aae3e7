"""Recursive elimination of features by their SHAP values on samples that the learners have not seen."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cryoscale.errors import InputError
from cryoscale.learning import fold_splits
from cryoscale.moisture.learners import Learner, checked_samples, make_learner, predict, shap_values

Values = np.ndarray[Any, Any]
Settings = Mapping[Learner, Mapping[str, Any]]

# Enough to rank features, which is all that is asked here: a third of the trees, and forests whose branches are short,
# as the time of SHAP values grows with the square of the depth.
_LIGHT: Settings = {
    Learner.RANDOM_FOREST: {"n_estimators": 100, "min_samples_leaf": 3, "max_depth": 8},
    Learner.EXTRA_TREES: {"n_estimators": 100, "min_samples_leaf": 3, "max_depth": 8},
    Learner.XGBOOST: {"n_estimators": 100, "learning_rate": 0.1},
    Learner.CATBOOST: {"iterations": 100, "learning_rate": 0.1, "depth": 4},
}

_EXPLAINED = 100  # held-out samples of a fold that are explained at most: bounds the time for large samples


@dataclass(frozen=True, eq=False)
class Selection:
    """Features that were kept, and the way there.

    Attributes
    ----------
    names : tuple of str
        Features chosen, by falling importance.
    path : pandas.DataFrame
        One row a step: ``n_features``; ``rmse``, mean over the folds, and ``rmse_error``, its standard error, in the
        unit of the target; ``dropped``, the tuple of features that went after this step.
    importance : pandas.Series
        Share of each chosen feature in the sum of mean absolute SHAP values at the chosen step; their sum is 1.
    """

    names: tuple[str, ...]
    path: pd.DataFrame
    importance: pd.Series


def select_features(
    features: pd.DataFrame,
    target: ArrayLike,
    *,
    folds: ArrayLike,
    learners: Sequence[Learner] = tuple(Learner),
    settings: Settings | None = None,
    min_features: int = 3,
    drop: float = 0.15,
    seed: int = 0,
) -> Selection:
    """Choose the fewest features that predict about as well as the best set, by recursive elimination.

    At each step every learner is fitted on the features that are left, in every fold. The score is the RMSE of the
    learners' mean prediction on the held-out samples. The importance of a feature is its mean absolute SHAP value on
    the same samples, as a share of the sum over features, averaged over learners and folds: what a learner makes of a
    feature in the samples it was fitted to says little of noise that it has fitted. The least important go, and the
    next step begins (Guyon et al. 2002, Machine Learning 46, 389-422, with SHAP values in place of weights). Chosen
    is the step of fewest features whose mean RMSE is within one standard error of the lowest (Breiman et al. 1984,
    Classification and regression trees, section 3.4.3).

    Parameters
    ----------
    features : pandas.DataFrame
        (sample, feature), numbers.
    target : array_like
        (sample,), such as moisture in m3 m-3.
    folds : array_like
        (sample,), fold of each sample, from `cryoscale.learning`: random, grouped or by spatial block.
    learners : sequence of Learner
        Learners that vote, each with the same weight.
    settings : mapping, optional
        Settings of some or all learners. The others are light ones: 100 trees, forests of at most 8 splits in a row.
    min_features : int
        Elimination ends here.
    drop : float
        Share of the features left that goes at a step, in (0, 1); one feature at least.
    seed : int
        Seed of the learners and, in folds of more than 100 samples, of the draw of 100 that are explained.

    Returns
    -------
    Selection
        Names, path and importance.

    Raises
    ------
    InputError
        If samples are bad, see `checked_samples`, no learner is named, `min_features` is below 1 or `drop` is not
        in (0, 1).

    Notes
    -----
    The RMSE of the chosen step has helped to choose it, so it is too good as a measure of skill: put the selection
    inside the training part of every fold of a cross-validation.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame(rng.random((80, 4)), columns=["ndvi", "lst", "slope", "noise"])
    >>> moisture = 0.3 * table["ndvi"] + 0.1 * table["slope"] ** 2
    >>> light = {Learner.CATBOOST: {"iterations": 30}}
    >>> chosen = select_features(
    ...     table, moisture, folds=np.arange(80) % 4, learners=[Learner.CATBOOST], settings=light, min_features=1
    ... )
    >>> chosen.names
    ('ndvi', 'slope')
    """
    rows, values, labels = checked_samples(features, target, folds=folds)
    if not learners or min_features < 1 or not 0.0 < drop < 1.0:
        raise InputError(
            f"select_features: needs a learner or more, min_features of 1 or more and drop in (0, 1), not "
            f"{len(learners)} learners, {min_features!r} and {drop!r}."
        )
    voters = {learner: {**_LIGHT, **(settings or {})}[learner] for learner in learners}
    table = pd.DataFrame(rows, columns=features.columns)
    evaluate = _Evaluation(values, labels, voters, seed)
    return _choose(list(_eliminate(table, evaluate, min_features=min_features, drop=drop)))


@dataclass(frozen=True)
class _Step:
    """Importance of the features left, falling, and RMSE by fold."""

    importance: pd.Series
    errors: Values


@dataclass(frozen=True)
class _Evaluation:
    """Learners fitted and explained in every fold."""

    target: Values
    folds: Values
    voters: Settings
    seed: int

    def __call__(self, table: pd.DataFrame) -> _Step:
        rows = np.ascontiguousarray(table.to_numpy())
        errors, shares = [], []
        for train, test in fold_splits(self.folds):
            models = [
                make_learner(learner, seed=self.seed, **settings).fit(rows[train], self.target[train])
                for learner, settings in self.voters.items()
            ]
            mean = np.mean([predict(model, rows[test]) for model in models], axis=0)
            errors.append(np.sqrt(np.mean((mean - self.target[test]) ** 2)))
            shown = rows[self._explained(test)]
            shares += [_shares(shap_values(model, shown)) for model in models]
        importance = pd.Series(np.mean(shares, axis=0), index=table.columns, name="importance")
        return _Step(importance.sort_values(ascending=False, kind="stable"), np.array(errors))

    def _explained(self, test: Values) -> Values:
        if len(test) <= _EXPLAINED:
            return test
        return np.sort(np.random.default_rng(self.seed).choice(test, _EXPLAINED, replace=False))


def _eliminate(table: pd.DataFrame, evaluate: _Evaluation, *, min_features: int, drop: float) -> Iterator[_Step]:
    """Steps from all features down to `min_features`."""
    while True:
        step = evaluate(table)
        yield step
        n = table.shape[1]
        n_left = max(min_features, n - max(1, math.floor(drop * n)))
        if n_left >= n:
            return
        left = set(step.importance.index[:n_left])
        table = table[[name for name in table.columns if name in left]]


def _choose(steps: Sequence[_Step]) -> Selection:
    """The step of fewest features within one standard error of the best."""
    rmse = np.array([step.errors.mean() for step in steps])
    error = np.array([step.errors.std(ddof=1) / math.sqrt(step.errors.size) for step in steps])
    best = int(rmse.argmin())
    chosen = int(np.flatnonzero(rmse <= rmse[best] + error[best]).max())
    names = [set(step.importance.index) for step in steps]
    dropped = [
        tuple(name for name in step.importance.index if name not in left)
        for step, left in zip(steps, [*names[1:], names[-1]], strict=True)
    ]
    sizes = [len(left) for left in names]
    path = pd.DataFrame({"n_features": sizes, "rmse": rmse, "rmse_error": error, "dropped": dropped})
    importance = steps[chosen].importance
    return Selection(tuple(importance.index), path, importance)


def _shares(values: Values) -> Values:
    """Mean absolute SHAP value of each feature over their sum; equal shares where a model is constant."""
    size = np.abs(values).mean(axis=0)
    total = size.sum()
    return size / total if total > 0.0 else np.full(size.shape, 1.0 / size.size)
