"""Nested cross-validation: every step that learns is fitted anew without the samples that it is judged by."""

from typing import Any

import dask
import dask.threaded
import numpy as np
import pandas as pd
from dask.base import get_scheduler
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cryoscale.errors import InputError
from cryoscale.learning.folds import fold_splits
from cryoscale.moisture.ensemble import MoistureEnsemble

Values = np.ndarray[Any, Any]

_NOT_MODELS = ("fold", "observed", "lower", "upper", "dissimilarity", "inside")


def cross_validate(
    model: MoistureEnsemble,
    features: pd.DataFrame,
    target: ArrayLike,
    *,
    folds: ArrayLike,
    groups: ArrayLike | None = None,
) -> pd.DataFrame:
    """Predict each fold by an ensemble that was tuned, selected, fused and corrected without it.

    Folds are tasks of Dask: processes or a cluster of workers with one thread each share them, with the same result.
    Threads of one process do not: see the notes.

    Parameters
    ----------
    model : MoistureEnsemble
        Its settings; it stays unfitted.
    features : pandas.DataFrame
        (sample, feature).
    target : array_like
        (sample,), m3 m-3.
    folds : array_like
        (sample,) int: at random (`random_folds`) or by blocks of ground or profiles (`grouped_folds`). The two answer
        different questions; call this once for each.
    groups : array_like, optional
        (sample,): what stays in one fold inside the training part too.

    Returns
    -------
    pandas.DataFrame
        One row a sample, with the index of `features`: ``fold``, ``observed``; predictions by each learner, ``linear``
        (ordinary least squares on all features), ``fused`` (before the correction) and ``corrected``; ``lower`` and
        ``upper`` bound, all in m3 m-3; ``dissimilarity``; ``inside``, whether in the area of applicability.

    Raises
    ------
    InputError
        If lengths differ, there are fewer than two folds, groups lie in several folds, or the samples of a training
        part are bad (`MoistureEnsemble.fit`).

    Notes
    -----
    scikit-learn changes the process's filters of warnings around every tree that it fits, and threads take them from
    each other. So without a cluster, or with Dask's threads, folds follow one after the other.

    Examples
    --------
    >>> from cryoscale.moisture.learners import Learner
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame(rng.random((80, 3)), columns=["ndvi", "slope", "sand"])
    >>> model = MoistureEnsemble(learners=[Learner.EXTRA_TREES], n_folds=2, n_candidates=1)
    >>> result = cross_validate(model, table, 0.1 + 0.3 * table["ndvi"], folds=np.arange(80) % 2)
    >>> list(result.columns)
    ['fold', 'observed', 'extra-trees', 'linear', 'fused', 'corrected', 'lower', 'upper', 'dissimilarity', 'inside']
    """
    observed, places = np.asarray(target, dtype=float), np.asarray(folds)
    labels = None if groups is None else np.asarray(groups)
    _check(len(features), observed, places, labels)
    predict_fold = dask.delayed(_predict_fold, pure=False)
    tasks = [
        predict_fold(clone(model), features, observed, labels, train, test, int(places[test[0]]))
        for train, test in fold_splits(places)
    ]
    table: pd.DataFrame = pd.concat(dask.compute(*tasks, scheduler=_scheduler()))
    return table.sort_values("position").drop(columns="position").set_axis(features.index)


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Scores of every model of a cross-validation.

    Parameters
    ----------
    table : pandas.DataFrame
        From `cross_validate`, or some of its rows.

    Returns
    -------
    pandas.DataFrame
        Index ``model``; ``n``; ``r2``, 1 - sum of squared errors / sum of squared deviations of the observations from
        their mean; ``rmse``, ``mae`` and ``bias`` (mean of predicted minus observed), m3 m-3; ``slope`` of observed on
        predicted, NaN where predictions do not vary; ``coverage`` and mean ``width`` (m3 m-3) of the prediction
        interval for ``corrected``, NaN for the others.

    Raises
    ------
    InputError
        If there is no row, or a column is missing.

    Examples
    --------
    >>> table = pd.DataFrame({"fold": [0, 1], "observed": [0.1, 0.3], "corrected": [0.2, 0.3]})
    >>> table = table.assign(lower=[0.15, 0.2], upper=[0.3, 0.4], dissimilarity=0.0, inside=True)
    >>> summarise(table).round(3).loc["corrected"].tolist()
    [2.0, 0.5, 0.071, 0.05, 0.05, 2.0, 0.5, 0.175]
    """
    missing = [name for name in (*_NOT_MODELS, "corrected") if name not in table]
    if missing or table.empty:
        raise InputError(
            f"cross-validation: has {len(table)} rows and lacks {missing or 'nothing'}; see cross_validate."
        )
    observed = table["observed"].to_numpy(float)
    models = [name for name in table.columns if name not in _NOT_MODELS]
    scores = [_scores(table[name].to_numpy(float), observed) for name in models]
    summary = pd.DataFrame(scores, index=pd.Index(models, name="model"))
    summary.loc["corrected", "coverage"] = table["observed"].between(table["lower"], table["upper"]).mean()
    summary.loc["corrected", "width"] = (table["upper"] - table["lower"]).mean()
    return summary


def _scheduler() -> Any:
    """The one that is set, unless it would run folds in threads."""
    chosen = get_scheduler()
    return "synchronous" if chosen in (None, dask.threaded.get) else chosen


def _predict_fold(
    model: MoistureEnsemble,
    features: pd.DataFrame,
    observed: Values,
    groups: Values | None,
    train: Values,
    test: Values,
    fold: int,
) -> pd.DataFrame:
    learnt, asked = features.iloc[train], features.iloc[test]
    model.fit(learnt, observed[train], groups=None if groups is None else groups[train])
    rows = model.rows_of(asked)
    predictions, parts = model.predict_learners(rows), model.predict_parts(rows)
    linear = make_pipeline(StandardScaler(), LinearRegression()).fit(learnt.to_numpy(float), observed[train])
    columns: dict[str, Any] = {"position": test, "fold": fold, "observed": observed[test]}
    columns |= {str(name): values for name, values in zip(model.learners, predictions, strict=True)}
    return pd.DataFrame(
        columns
        | {
            "linear": linear.predict(asked.to_numpy(float)),
            "fused": model.fuse(predictions),
            "corrected": parts.moisture,
            "lower": parts.lower,
            "upper": parts.upper,
            "dissimilarity": parts.dissimilarity,
            "inside": parts.dissimilarity <= model.applicability_.threshold,
        }
    )


def _scores(predicted: Values, observed: Values) -> dict[str, float]:
    error, anomaly = predicted - observed, observed - observed.mean()
    squares, varied = float((anomaly**2).sum()), predicted - predicted.mean()
    return {
        "n": len(error),
        "r2": 1.0 - float((error**2).sum()) / squares if squares > 0.0 else np.nan,
        "rmse": float(np.sqrt((error**2).mean())),
        "mae": float(np.abs(error).mean()),
        "bias": float(error.mean()),
        "slope": float((varied * anomaly).sum() / (varied**2).sum()) if varied.any() else np.nan,
    }


def _check(n: int, observed: Values, folds: Values, groups: Values | None) -> None:
    shapes = {"target": observed.shape, "folds": folds.shape} | ({} if groups is None else {"groups": groups.shape})
    wrong = {name: shape for name, shape in shapes.items() if shape != (n,)}
    if wrong:
        raise InputError(f"cross-validation: {n} rows of features, but {wrong}; give one of each a row.")
    if np.unique(folds).size < 2:
        raise InputError("cross-validation: needs two folds or more. Make them with cryoscale.learning.")
    if groups is not None:
        torn = pd.Series(folds).groupby(groups).nunique()
        if (torn > 1).any():
            raise InputError(
                f"cross-validation: group {torn.idxmax()} lies in {torn.max()} folds, so it would be predicted from "
                "its own samples. Make the folds with grouped_folds(groups), or give no groups."
            )
