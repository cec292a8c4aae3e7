"""Fusion: the learners' predictions weighted by the skill that they show on samples that they have not seen."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import nnls

from cryoscale.errors import InputError

Values = np.ndarray[Any, Any]


def fusion_weights(out_of_fold: pd.DataFrame, target: ArrayLike) -> "pd.Series[float]":
    """Weights of learners by their out-of-fold skill: not negative, with the sum 1, pulled toward equal weights.

    Stacking (Breiman 1996, Machine Learning 24, 49-64): the weights minimise the out-of-fold squared error of the
    weighted mean of k learners. To this a penalty is added, so that few samples do not give wild weights:

        mean((target - sum_j(w_j p_j))^2) + m / sqrt(n) * sum_j((w_j - 1 / k)^2),

    with m the learners' mean squared error and n the number of samples; m / sqrt(n) is the order of the sampling error
    of a mean squared error. Equal weights pay no penalty, so the weighted mean is never worse on these samples than
    the plain mean of the learners.

    Parameters
    ----------
    out_of_fold : pandas.DataFrame
        (sample, learner): each predicted by a learner that was fitted without the sample's fold.
    target : array_like
        (sample,) observed, in the same unit.

    Returns
    -------
    pandas.Series
        Weight by learner, in the order of the columns.

    Raises
    ------
    InputError
        If there is no learner, lengths differ, or a value is not finite.

    Examples
    --------
    >>> target = np.linspace(0.1, 0.5, 50)
    >>> table = pd.DataFrame({"exact": target, "backward": target[::-1]})
    >>> fusion_weights(table, target).round(2).to_dict()
    {'exact': 0.94, 'backward': 0.06}
    """
    predictions, observed = out_of_fold.to_numpy(float), np.asarray(target, dtype=float)
    _check(out_of_fold, predictions, observed)
    errors = observed[:, None] - predictions
    moments = errors.T @ errors / len(observed)
    level = float(np.trace(moments)) / len(moments)
    if level == 0.0:
        return pd.Series(1.0 / len(moments), index=out_of_fold.columns)
    return pd.Series(_on_simplex(moments / level + np.eye(len(moments)) / np.sqrt(len(observed))), out_of_fold.columns)


def _check(table: pd.DataFrame, predictions: Values, observed: Values) -> None:
    if observed.ndim != 1 or predictions.shape[0] != observed.size or predictions.size == 0:
        raise InputError(
            f"out-of-fold predictions: have the shape {predictions.shape} for a target of {observed.shape}; "
            "give one row a sample and one column a learner."
        )
    known = np.isfinite(predictions).all(axis=0)
    unknown = [str(name) for name in table.columns[np.flatnonzero(~known)]] + ["target"] * (
        not np.isfinite(observed).all()
    )
    if unknown:
        raise InputError(f"out-of-fold predictions: {', '.join(unknown)} has values that are not finite.")


def _on_simplex(quadratic: Values) -> Values:
    """The w >= 0 with the sum 1 that minimises w' Q w.

    For v = t w, min over t >= 0 of v' Q v - 2 sum(v) is -1 / (w' Q w): so v >= 0, free of the sum, leads to the same w.
    """
    root = cholesky(quadratic)
    free = nnls(root, solve_triangular(root, np.ones(len(root)), trans="T"))[0]
    weights: Values = free / free.sum()
    return weights
