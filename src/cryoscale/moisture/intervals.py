"""Prediction intervals from out-of-fold residuals, and how many observations lie inside."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import nnls
from scipy.stats import binomtest

from cryoscale.errors import InputError

Values = np.ndarray[Any, Any]

_FLOOR = 0.25  # of the mean absolute residual: agreement of the learners is no proof that they are right


@dataclass(frozen=True)
class Interval:
    """A prediction interval, wider where the prediction is more difficult.

    With s = max(`floor`, `base` + `slope` difficulty), it goes from prediction + `lower` s to prediction + `upper` s.

    Attributes
    ----------
    base, slope, floor : float
        Expected absolute residual by difficulty: m3 m-3, m3 m-3 per unit of difficulty, m3 m-3.
    lower, upper : float
        Outer quantiles of the residuals over s.
    coverage : float
        Share of new observations meant to lie inside.

    Examples
    --------
    >>> lower, upper = Interval(0.02, 1.0, 0.01, -2.0, 1.0, 0.9)([0.3], [0.03])
    >>> lower.round(3), upper.round(3)
    (array([0.2]), array([0.35]))
    """

    base: float
    slope: float
    floor: float
    lower: float
    upper: float
    coverage: float

    def __call__(self, predicted: ArrayLike, difficulty: ArrayLike) -> tuple[Values, Values]:
        """Bounds of predictions.

        Parameters
        ----------
        predicted : array_like
            m3 m-3.
        difficulty : array_like
            Of the same shape.

        Returns
        -------
        tuple of numpy.ndarray
            Lower and upper bound, m3 m-3, float64.
        """
        centre, scale = np.asarray(predicted, dtype=float), self.scale(difficulty)
        return centre + self.lower * scale, centre + self.upper * scale

    def scale(self, difficulty: ArrayLike) -> Values:
        """Absolute residual to be expected.

        Parameters
        ----------
        difficulty : array_like
            Of any shape.

        Returns
        -------
        numpy.ndarray
            m3 m-3, of the same shape.
        """
        return np.maximum(self.base + self.slope * np.asarray(difficulty, dtype=float), self.floor)


def fit_interval(
    predicted: ArrayLike, observed: ArrayLike, difficulty: ArrayLike, *, coverage: float = 0.9
) -> Interval:
    """Fit a prediction interval to residuals of samples that their predictions have not seen.

    Split-conformal inference with locally weighted residuals (Lei et al. 2018, J. Am. Stat. Assoc. 113, 1094-1111), of
    out-of-fold residuals in place of a second half of the samples. Residuals are divided by s = base + slope
    difficulty, the expected absolute residual, fitted by least squares with neither below 0: where the difficulty
    says nothing of residuals its slope is 0 and the interval has one width. Each bound is the k-th of n residuals
    over s from its own side, k = ceil((n + 1) (1 + coverage) / 2), so the interval need not be symmetric.

    The coverage holds for new samples that relate to the training samples as folds do to each other: with folds at
    random not for other regions, with blocks of ground for those too. It is an average over samples, not a promise for
    each value of a covariate.

    Parameters
    ----------
    predicted, observed : array_like
        (sample,), m3 m-3; corrected predictions with the correction fitted without the sample's fold.
    difficulty : array_like
        (sample,), 0 or more: how much the learners disagree.
    coverage : float
        Between 0 and 1.

    Returns
    -------
    Interval

    Raises
    ------
    InputError
        If lengths differ, a value is not finite, a difficulty is below 0, `coverage` is not between 0 and 1, or there
        are too few samples for it: 19 at least for 0.9.

    Examples
    --------
    >>> observed = np.arange(100.0)
    >>> interval = fit_interval(observed - 0.1 * (-1.0) ** observed, observed, np.zeros(100))
    >>> [float(bound[0].round(3)) for bound in interval([0.3], [0.0])]
    [0.2, 0.4]
    """
    p, o, d = (np.asarray(values, dtype=float) for values in (predicted, observed, difficulty))
    _check(p, o, d, coverage)
    residual = o - p
    base, slope = nnls(np.column_stack([np.ones_like(d), d]), np.abs(residual))[0]
    floor = max(_FLOOR * float(np.abs(residual).mean()), float(np.finfo(float).tiny))
    plain = Interval(float(base), float(slope), floor, 0.0, 0.0, coverage)
    ordered = np.sort(residual / plain.scale(d))
    rank = _rank(ordered.size, coverage)
    return Interval(plain.base, plain.slope, floor, float(ordered[-rank]), float(ordered[rank - 1]), coverage)


@dataclass(frozen=True)
class Coverage:
    """Share of observations inside their intervals.

    Attributes
    ----------
    share : float
    n : int
        Observations.
    low, high : float
        The exact binomial 95 % confidence interval of the share (Clopper and Pearson 1934, Biometrika 26, 404-413), for
        independent observations.
    """

    share: float
    n: int
    low: float
    high: float


def coverage_of(lower: ArrayLike, upper: ArrayLike, observed: ArrayLike) -> Coverage:
    """How many observations lie inside their intervals.

    Parameters
    ----------
    lower, upper, observed : array_like
        (sample,), m3 m-3; bounds are inside.

    Returns
    -------
    Coverage

    Raises
    ------
    InputError
        If lengths differ, there are no samples, or a value is not finite.

    Examples
    --------
    >>> found = coverage_of([0.1, 0.1], [0.3, 0.3], [0.2, 0.4])
    >>> found.share, found.n, round(found.low, 3), round(found.high, 3)
    (0.5, 2, 0.013, 0.987)
    """
    low, high, o = (np.asarray(values, dtype=float) for values in (lower, upper, observed))
    if not (low.shape == high.shape == o.shape and o.ndim == 1 and o.size) or not np.isfinite([low, high, o]).all():
        raise InputError(
            f"coverage: needs finite bounds and observations of one length, not {low.shape}, {high.shape}, {o.shape}."
        )
    inside = int(((low <= o) & (o <= high)).sum())
    bounds = binomtest(inside, o.size).proportion_ci()
    return Coverage(inside / o.size, o.size, float(bounds.low), float(bounds.high))


def _rank(n: int, coverage: float) -> int:
    """Rank of the residual that bounds one side: the finite-sample quantile."""
    # Rounded first, so that 0.95 * 100 is not a little more than 95.
    return int(np.ceil(round((n + 1) * (1.0 + coverage) / 2.0, 9)))


def _check(p: Values, o: Values, d: Values, coverage: float) -> None:
    if not 0.0 < coverage < 1.0:
        raise InputError(f"prediction interval: coverage must lie between 0 and 1, not {coverage!r}; 90 % is 0.9.")
    if not (p.shape == o.shape == d.shape and p.ndim == 1):
        raise InputError(
            "prediction interval: predictions, observations and difficulties must be as long as each other, not of "
            f"shapes {p.shape}, {o.shape} and {d.shape}."
        )
    if not np.isfinite([p, o, d]).all() or (d < 0.0).any():
        raise InputError("prediction interval: values must be finite, and difficulties 0 or more.")
    if _rank(p.size, coverage) > p.size:
        raise InputError(
            f"prediction interval: {p.size} samples are too few for a coverage of {coverage:g}. "
            "Bring more samples or ask for less coverage."
        )
