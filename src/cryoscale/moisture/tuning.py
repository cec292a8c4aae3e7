"""Settings of a learner, found by a cross-validated random search of bounded work."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.model_selection import ParameterSampler

from cryoscale.errors import InputError
from cryoscale.learning import fold_splits
from cryoscale.moisture.learners import Learner, checked_samples, default_settings, make_learner, predict

Values = np.ndarray[Any, Any]

# Small on purpose: what matters most for few samples, and no more trees than the defaults have.
_SPACES: Mapping[Learner, Mapping[str, Sequence[Any]]] = {
    Learner.RANDOM_FOREST: {
        "max_features": [0.2, 1 / 3, 0.5, 0.75, 1.0],
        "min_samples_leaf": [1, 2, 3, 5, 8],
        "max_depth": [None, 6, 10],
    },
    Learner.EXTRA_TREES: {
        "max_features": [1 / 3, 0.5, 0.75, 1.0],
        "min_samples_leaf": [1, 2, 3, 5, 8],
        "max_depth": [None, 6, 10],
    },
    Learner.XGBOOST: {
        "n_estimators": [100, 250],
        "learning_rate": [0.03, 0.05, 0.1],
        "max_depth": [2, 3, 4, 6],
        "min_child_weight": [1, 3, 8],
        "subsample": [0.6, 0.8, 1.0],
        "colsample_bytree": [0.5, 0.8, 1.0],
    },
    Learner.CATBOOST: {
        "iterations": [150, 300],
        "learning_rate": [0.03, 0.06, 0.1],
        "depth": [3, 4, 5, 6],
        "l2_leaf_reg": [1.0, 3.0, 10.0],
    },
}

# A candidate this much worse than the best one, over the same first folds, is given up: RMSE of settings that are
# worth trying differs by a few per cent.
_HOPELESS = 1.15
_TRIAL_FOLDS = 2


@dataclass(frozen=True, eq=False)
class Tuned:
    """What a search found.

    Attributes
    ----------
    settings : dict
        Settings of the best candidate, for `make_learner`.
    table : pandas.DataFrame
        One row a candidate, in the order they were tried: its settings, ``rmse`` (mean over the folds) and
        ``rmse_error`` (standard error of that mean), both in the unit of the target, and ``n_folds``, the number of
        folds that they are from.
    """

    settings: dict[str, Any]
    table: pd.DataFrame


def tune(
    learner: Learner, features: pd.DataFrame, target: ArrayLike, *, folds: ArrayLike, n_candidates: int, seed: int
) -> Tuned:
    """Choose a learner's settings by the RMSE on held-out folds, among candidates drawn at random.

    Random search finds settings as good as a grid's with fewer candidates (Bergstra and Bengio 2012, Journal of
    Machine Learning Research 13, 281-305). The first candidate is `default_settings`; the others differ from it and
    from each other, and come from

    - random forest, extra trees: features asked at a split (a fifth or a third to all), samples of a leaf (1 to 8),
      depth (6, 10, any);
    - XGBoost: trees (100, 250), learning rate (0.03 to 0.1), depth (2 to 6), samples of a leaf (1 to 8), shares of
      samples (0.6 to 1) and of features (0.5 to 1) of a tree;
    - CatBoost: trees (150, 300), learning rate (0.03 to 0.1), depth (3 to 6), L2 penalty of leaves (1 to 10).

    Work is bounded by `n_candidates` times the number of folds and by the largest number of trees above, never by a
    clock, which would make results differ from machine to machine. A candidate whose mean RMSE after two folds or
    more is 15 % above that of the best so far over the same folds is given up and cannot be chosen; this saves time
    and depends on the data alone.

    Parameters
    ----------
    learner : Learner
        Which one.
    features : pandas.DataFrame
        (sample, feature), numbers.
    target : array_like
        (sample,), such as moisture in m3 m-3.
    folds : array_like
        (sample,), fold of each sample, from `cryoscale.learning`: random, grouped or by spatial block.
    n_candidates : int
        Number of candidates. 1: the defaults without a search, whose ``rmse`` is then NaN from 0 folds.
    seed : int
        Seed of the draw and of the learner.

    Returns
    -------
    Tuned
        The settings and how each candidate did; the first of those equally good wins.

    Raises
    ------
    InputError
        If `n_candidates` is below 1 or above the number of different candidates, or samples are bad, see
        `checked_samples`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame(rng.random((60, 3)), columns=["ndvi", "lst", "slope"])
    >>> tuned = tune(Learner.XGBOOST, table, table["ndvi"] ** 2, folds=np.arange(60) % 3, n_candidates=2, seed=0)
    >>> len(tuned.table), sorted(tuned.settings)[:2]
    (2, ['colsample_bytree', 'learning_rate'])
    """
    samples = checked_samples(features, target, folds=folds)
    candidates = _candidates(learner, n_candidates, seed=seed)
    if n_candidates == 1:
        return Tuned(candidates[0], pd.DataFrame([candidates[0] | _score([])]))
    chosen, best, scores = candidates[0], np.empty(0), []
    for settings in candidates:
        errors = _fold_errors(learner, settings, samples=samples, seed=seed, best=best)
        scores.append(settings | _score(errors))
        if not best.size or (len(errors) == len(best) and errors.mean() < best.mean()):
            chosen, best = settings, errors
    return Tuned(chosen, pd.DataFrame(scores))


def _candidates(learner: Learner, n: int, *, seed: int) -> list[dict[str, Any]]:
    """The defaults, and n - 1 other settings of the learner's space."""
    defaults, space = default_settings(learner), _SPACES[learner]
    n_others = math.prod(map(len, space.values())) - 1
    if not 1 <= n <= n_others + 1:
        raise InputError(f"n_candidates: must be 1 to {n_others + 1} for {learner}, not {n!r}.")
    drawn = (defaults | dict(one) for one in ParameterSampler(space, n, random_state=seed))
    return [defaults, *[one for one in drawn if one != defaults][: n - 1]]


def _fold_errors(
    learner: Learner, settings: Mapping[str, Any], *, samples: tuple[Values, ...], seed: int, best: Values
) -> Values:
    """RMSE in one fold after the other, until the candidate is hopeless beside the best one."""
    rows, target, folds = samples
    errors: list[float] = []
    for train, test in fold_splits(folds):
        model = make_learner(learner, seed=seed, **settings).fit(rows[train], target[train])
        errors.append(float(np.sqrt(np.mean((predict(model, rows[test]) - target[test]) ** 2))))
        n = len(errors)
        if best.size and n >= _TRIAL_FOLDS and np.mean(errors) > _HOPELESS * np.mean(best[:n]):
            break
    return np.array(errors)


def _score(errors: Sequence[float] | Values) -> dict[str, float]:
    """Mean RMSE over folds and its standard error."""
    n = len(errors)
    return {
        "rmse": float(np.mean(errors)) if n else math.nan,
        "rmse_error": float(np.std(errors, ddof=1) / math.sqrt(n)) if n > 1 else math.nan,
        "n_folds": n,
    }
