"""The shrinkage of predictions (low values too high, high values too low), corrected by a monotone map.

Two different things are called bias. Among samples of one *predicted* value the observed mean may differ from it:
calibration takes that out and lowers the squared error. Among samples of one *observed* value the mean prediction
always lies toward the overall mean, by the variance that no covariate explains: to take that out, predictions must be
stretched beyond what is calibrated, at a price in squared error. `fit_correction` does the first, and of the second as
much as it is asked for and the price allows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import nnls

from cryoscale.errors import InputError
from cryoscale.learning.folds import fold_splits

Values = np.ndarray[Any, Any]

_KNOTS = 6
_CLOSEST = 1e-3  # of the range of predictions: closer knots would make the slope between them arbitrary
_FEWEST = 20  # samples


class Shape(StrEnum):
    """How observations are calibrated on predictions."""

    IDENTITY = "identity"
    LINE = "line"
    CURVE = "curve"


_SUPPORT = {Shape.LINE: 2, Shape.CURVE: _KNOTS}
"""Knots of the monotone least squares."""


@dataclass(frozen=True)
class BiasCorrection:
    """A map of predictions that never decreases, linear between its knots and beyond them.

    Attributes
    ----------
    x, y : tuple of float
        Knots: predictions, and what they become, m3 m-3.
    shape : Shape
        Of the calibration.
    stretch : float
        Share of the way from calibrated predictions to the distribution of the observations, 0 to 1.
    rmse_before, rmse_after : float
        Of the predictions, and of corrections that were each fitted without the sample's fold, m3 m-3.

    Examples
    --------
    >>> correction = BiasCorrection((0.2, 0.4), (0.1, 0.5), Shape.LINE, 0.0, 0.05, 0.04)
    >>> correction([0.1, 0.3]).round(3)
    array([-0.1,  0.3])
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    shape: Shape
    stretch: float
    rmse_before: float
    rmse_after: float

    def __call__(self, values: ArrayLike) -> Values:
        """Correct predictions.

        Parameters
        ----------
        values : array_like
            Predictions, m3 m-3, of any shape.

        Returns
        -------
        numpy.ndarray
            float64 of the same shape; NaN stays NaN.
        """
        return _through(np.asarray(self.x), np.asarray(self.y), np.asarray(values, dtype=float))


def fit_correction(
    predicted: ArrayLike, observed: ArrayLike, *, folds: ArrayLike, stretch: float = 0.0, max_rmse_rise: float = 0.02
) -> BiasCorrection:
    """Fit the correction of out-of-fold predictions.

    1. Calibration: observations are regressed on predictions by least squares that may not decrease, on a straight
       line or on one with six knots at quantiles of the predictions, whichever has the smaller RMSE when it is fitted
       without the fold that it corrects. The slope of observed on corrected is then 1.
    2. Stretch: y = (1 - s) calibrated + s quantile map, the latter from the quantiles of the predictions to those of
       the observations. s is `stretch`, or the largest share below it that leaves the cross-fitted RMSE at
       (1 + `max_rmse_rise`) times that of the predictions.

    Where even the calibration raises the RMSE by more than that, predictions stay what they are.

    Parameters
    ----------
    predicted : array_like
        (sample,), m3 m-3, each from a model fitted without the sample's fold.
    observed : array_like
        (sample,), m3 m-3.
    folds : array_like
        (sample,) int, the folds that the predictions come from.
    stretch : float
        0 to 1.
    max_rmse_rise : float
        Share of the RMSE, 0 or more.

    Returns
    -------
    BiasCorrection

    Raises
    ------
    InputError
        If lengths differ, a value is not finite, there are fewer than 20 samples or two folds, or an option is out of
        its range.

    Examples
    --------
    >>> observed = np.linspace(0.1, 0.5, 40)
    >>> shrunk = 0.3 + 0.5 * (observed - 0.3)
    >>> correction = fit_correction(shrunk, observed, folds=np.arange(40) % 5)
    >>> float(np.abs(correction(shrunk) - observed).max().round(6))
    0.0
    """
    p, o, places = _checked(predicted, observed, folds)
    if not (0.0 <= stretch <= 1.0 and max_rmse_rise >= 0.0):
        raise InputError(
            f"bias correction: stretch must lie in [0, 1] and max_rmse_rise be 0 or more, not {stretch!r} and "
            f"{max_rmse_rise!r}."
        )
    before = _rmse(p - o)
    limit = (1.0 + max_rmse_rise) * before
    calibrated = {shape: _cross_fit(p, o, places, shape=shape, stretch=0.0) for shape in _SUPPORT}
    shape = min(calibrated, key=lambda name: _rmse(calibrated[name] - o))
    if _rmse(calibrated[shape] - o) > limit:
        x, _ = _knots(p)
        return BiasCorrection(tuple(x.tolist()), tuple(x.tolist()), Shape.IDENTITY, 0.0, before, before)
    error, way = calibrated[shape] - o, _cross_fit(p, o, places, shape=shape, stretch=1.0) - calibrated[shape]
    share = min(stretch, _largest_share(error, way, limit))
    x, y = _map(p, o, shape=shape, stretch=share)
    return BiasCorrection(tuple(x.tolist()), tuple(y.tolist()), shape, share, before, _rmse(error + share * way))


def cross_correct(predicted: ArrayLike, observed: ArrayLike, *, folds: ArrayLike, correction: BiasCorrection) -> Values:
    """What predictions become when the correction of each fold is fitted to the others.

    The errors of these are those that a new sample meets; `correction` itself has seen the samples.

    Parameters
    ----------
    predicted, observed, folds : array_like
        As in `fit_correction`.
    correction : BiasCorrection
        Says the shape and the stretch.

    Returns
    -------
    numpy.ndarray
        (sample,), m3 m-3.

    Raises
    ------
    InputError
        As `fit_correction`.

    Examples
    --------
    >>> observed = np.linspace(0.1, 0.5, 40)
    >>> folds = np.arange(40) % 5
    >>> correction = fit_correction(observed**2, observed, folds=folds)
    >>> corrected = cross_correct(observed**2, observed, folds=folds, correction=correction)
    >>> bool(np.isclose(np.sqrt(((corrected - observed) ** 2).mean()), correction.rmse_after))
    True
    """
    p, o, places = _checked(predicted, observed, folds)
    return _cross_fit(p, o, places, shape=correction.shape, stretch=correction.stretch)


def bias_table(predicted: ArrayLike, corrected: ArrayLike, observed: ArrayLike, *, n: int = 5) -> pd.DataFrame:
    """Bias by quantile class, and slopes, before and after the correction.

    Parameters
    ----------
    predicted, corrected, observed : array_like
        (sample,), m3 m-3.
    n : int
        Quantile classes.

    Returns
    -------
    pandas.DataFrame
        Index ``statistic``, ``by``, ``quantile_class``; columns ``n``, ``before``, ``after``. ``bias`` is the mean of
        predicted minus observed, m3 m-3, in classes 1 (lowest) to `n` of the observations and of the predictions, and
        in class 0, which is all samples. ``slope`` by ``predicted`` is that of observed on predicted, by ``observed``
        that of predicted on observed; NaN where the regressor does not vary.

    Raises
    ------
    InputError
        If lengths differ, a value is not finite, or there are fewer samples than classes.

    Examples
    --------
    >>> observed = np.arange(0.1, 0.5, 0.1)
    >>> table = bias_table(0.31 + (observed - 0.25) / 2, observed, observed, n=2)
    >>> table.loc[("bias", "observed"), "before"].round(3).tolist()
    [0.06, 0.11, 0.01]
    """
    p, c, o = (np.asarray(values, dtype=float) for values in (predicted, corrected, observed))
    if not (p.shape == c.shape == o.shape and p.ndim == 1 and p.size >= n >= 1) or not np.isfinite([p, c, o]).all():
        raise InputError(
            f"bias table: needs finite values of one length, {n} or more, not {p.shape}, {c.shape} and {o.shape}."
        )
    sides = {"observed": o, "predicted": p}
    rows = {("bias", by, k): row for by, x in sides.items() for k, row in enumerate(_biases(x, (p, c), o, n))}
    rows |= {
        ("slope", "observed", 0): (p.size, _slope(p, o), _slope(c, o)),
        ("slope", "predicted", 0): (p.size, _slope(o, p), _slope(o, c)),
    }
    index = pd.MultiIndex.from_tuples(list(rows), names=["statistic", "by", "quantile_class"])
    return pd.DataFrame(list(rows.values()), index=index, columns=["n", "before", "after"])


def _biases(by: Values, pair: tuple[Values, Values], observed: Values, n: int) -> Iterator[tuple[int, float, float]]:
    """Number and biases of all samples, then of each class of as many samples as can be."""
    order = np.argsort(by, kind="stable")
    for places in (order, *np.array_split(order, n)):
        before, after = (float((values[places] - observed[places]).mean()) for values in pair)
        yield places.size, before, after


def _slope(y: Values, x: Values) -> float:
    anomaly = x - x.mean()
    squares = float((anomaly**2).sum())
    return float((anomaly * (y - y.mean())).sum()) / squares if squares > 0.0 else np.nan


def _checked(predicted: ArrayLike, observed: ArrayLike, folds: ArrayLike) -> tuple[Values, Values, Values]:
    p, o, places = np.asarray(predicted, dtype=float), np.asarray(observed, dtype=float), np.asarray(folds)
    if not (p.shape == o.shape == places.shape and p.ndim == 1):
        raise InputError(
            f"bias correction: predictions, observations and folds must be as long as each other, not of shapes "
            f"{p.shape}, {o.shape} and {places.shape}."
        )
    unknown = int((~(np.isfinite(p) & np.isfinite(o))).sum())
    if unknown:
        raise InputError(f"bias correction: {unknown} samples have no finite prediction or observation.")
    if p.size < _FEWEST or np.unique(places).size < 2:
        raise InputError(
            f"bias correction: {p.size} samples in {np.unique(places).size} folds; needs {_FEWEST} and 2 or more."
        )
    return p, o, places


def _rmse(error: Values) -> float:
    return float(np.sqrt((error**2).mean()))


def _cross_fit(p: Values, o: Values, folds: Values, *, shape: Shape, stretch: float) -> Values:
    corrected = np.empty_like(p)
    for train, test in fold_splits(folds):
        corrected[test] = _through(*_map(p[train], o[train], shape=shape, stretch=stretch), p[test])
    return corrected


def _map(p: Values, o: Values, *, shape: Shape, stretch: float) -> tuple[Values, Values]:
    """Knots of the correction."""
    x, levels = _knots(p)
    calibrated = x if shape is Shape.IDENTITY else _monotone(p, o, _knots(p, _SUPPORT[shape])[0], at=x)
    y = (1.0 - stretch) * calibrated + stretch * np.quantile(o, levels)
    return x, np.maximum.accumulate(y)  # rounding could let them fall


def _knots(p: Values, n: int = _KNOTS) -> tuple[Values, Values]:
    """Quantiles of predictions that differ, two at least, and their levels."""
    least = _CLOSEST * float(np.ptp(p))
    kept: list[tuple[float, float]] = []
    for level in (np.arange(n) + 0.5) / n:
        value = float(np.quantile(p, level))
        if not kept or value - kept[-1][0] > least:
            kept.append((value, float(level)))
    if len(kept) < 2:
        low = float(p.min())
        kept = [(low, 0.0), (low + (float(np.ptp(p)) or 1.0), 1.0)]
    x, levels = np.asarray(kept).T
    return x, levels


def _monotone(p: Values, o: Values, knots: Values, *, at: Values) -> Values:
    """Values at `at` of the least-squares line with bends at the inner knots and no falling segment."""
    ramps, mean = _ramps(p, knots), float(o.mean())
    centres = ramps.mean(axis=0)
    rises = nnls(ramps - centres, o - mean)[0]
    values: Values = mean + (_ramps(at, knots) - centres) @ rises
    return values


def _ramps(values: Values, knots: Values) -> Values:
    """(value, segment): how far along each segment a value is, 0 to 1, the outer segments without end."""
    lower, upper = np.zeros(knots.size - 1), np.ones(knots.size - 1)
    lower[0], upper[-1] = -np.inf, np.inf
    return np.clip((values[:, None] - knots[:-1]) / np.diff(knots), lower, upper)


def _through(x: Values, y: Values, values: Values) -> Values:
    """Along straight lines through knots, of which the outer two go on."""
    k = np.clip(np.searchsorted(x, values, side="right") - 1, 0, x.size - 2)
    line: Values = y[k] + (values - x[k]) * (np.diff(y) / np.diff(x))[k]
    return line


def _largest_share(error: Values, way: Values, limit: float) -> float:
    """Largest s for which the RMSE of error + s way is not above the limit, given that s = 0 is not."""
    a, b, c = float((way**2).mean()), float((error * way).mean()), float((error**2).mean()) - limit**2
    return np.inf if a == 0.0 else float((-b + np.sqrt(max(b**2 - a * c, 0.0))) / a)
