"""Lines through the origin, many at a time: by least squares and by Huber's M-estimate, with its standard error."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import norm

Values = np.ndarray[Any, Any]
Fit = Callable[[Values, Values], tuple[Values, Values]]
"""Takes x and y and gives the slope, and the residual up to which a sample counts in full, both over the last axis."""

_HUBER = 1.345  # scales of the noise: 95 % of the efficiency of least squares if it is normal
_NORMAL_MAD = float(norm.ppf(0.75))  # median absolute deviation of a standard normal variable
_MOST_STEPS, _CLOSE = 200, 1e-12


def least_squares(x: Values, y: Values) -> tuple[Values, Values]:
    """Slope of the line through the origin over the last axis, and the residual up to which a sample counts in full."""
    e = np.asarray((x * y).sum(axis=-1) / (x * x).sum(axis=-1))
    return e, np.full(e.shape, np.inf)


def huber(x: Values, y: Values) -> tuple[Values, Values]:
    """As `least_squares`, by iterated weights: with a fixed scale there is one minimum, which they reach."""
    e = _least_absolute(x, y)
    scale = np.median(np.abs(y - e[..., np.newaxis] * x), axis=-1) / _NORMAL_MAD
    # Samples on the line differ from it by rounding, which is no reason to weigh them less.
    clip = np.maximum(_HUBER * scale, _CLOSE * np.abs(e) * x.max(axis=-1))
    for _ in range(_MOST_STEPS):
        residual = np.abs(y - e[..., np.newaxis] * x)
        beyond = residual > clip[..., np.newaxis]
        weight = np.where(beyond, clip[..., np.newaxis] / np.where(beyond, residual, 1.0), 1.0) * x
        last, e = e, (weight * y).sum(axis=-1) / (weight * x).sum(axis=-1)
        if (np.abs(e - last) <= _CLOSE * np.abs(e)).all():
            break
    return e, clip


def _least_absolute(x: Values, y: Values) -> Values:
    """Slope of the line of least absolute deviations: the median of y / x, weighted with x."""
    ratio = y / x
    order = np.argsort(ratio, axis=-1)
    weight = np.cumsum(np.take_along_axis(x, order, axis=-1), axis=-1)
    middle = (weight < weight[..., -1:] / 2.0).sum(axis=-1, keepdims=True)
    return np.take_along_axis(ratio, np.take_along_axis(order, middle, axis=-1), axis=-1)[..., 0]


def standard_error(x: Values, residual: Values, clip: float) -> float:
    """Of an M-estimate whose residuals count up to `clip`; all of them for least squares."""
    inside = np.abs(residual) <= clip
    share = inside.mean()
    correction = 1.0 + inside.var() / share**2 / x.size
    squares = (np.clip(residual, -clip, clip) ** 2).sum() / (x.size - 1)
    return float(correction * np.sqrt(squares / (x**2).sum()) / share)
