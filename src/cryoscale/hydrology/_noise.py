"""Noise of yearly series that a moving window has smoothed, and what is uncertain when its memory is not known."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

Values = npt.NDArray[np.float64]

_HALVINGS = 60  # of an interval: to the last digit of a float64


def smoothed_covariance(years: npt.ArrayLike, *, window: int, memory: float) -> Values:
    """Covariance of means over `window` years, labelled at the centre, of AR(1) noise whose shocks have variance 1."""
    centres = np.asarray(years, np.int64)
    half = window // 2
    noise_years = np.arange(centres.min() - half, centres.max() + half + 1)
    means = (np.abs(centres[:, None] - noise_years) <= half) / window
    lags = np.abs(noise_years[:, None] - noise_years)
    covariance: Values = means @ (memory**lags / (1.0 - memory**2)) @ means.T
    return covariance


@dataclass(frozen=True)
class Mixture:
    """Student's t distributions of several quantities, mixed over the cases of a nuisance parameter.

    `centres` and `scales` are (case, quantity), `weights` (case,) add up to 1.
    """

    centres: Values
    scales: Values
    weights: Values
    freedom: float

    def mean(self) -> Values:
        """(quantity,)."""
        return np.asarray(self.weights @ self.centres)

    def spread(self) -> Values:
        """Root of the mean squared scale and of the variance of the centres: a standard error; (quantity,)."""
        return np.asarray(np.sqrt(self.weights @ (self.scales**2 + (self.centres - self.mean()) ** 2)))

    def below(self, x: npt.ArrayLike) -> Values:
        """Probability of less than `x`; (quantity,)."""
        deviates = _divide(np.asarray(x) - self.centres, self.scales)
        return np.asarray(self.weights @ stdtr(self.freedom, deviates))

    def quantile(self, probability: float) -> Values:
        """By halving between the smallest and the largest quantile of a case; (quantity,)."""
        of_cases = self.centres + self.scales * stdtrit(self.freedom, probability)
        low, high = of_cases.min(axis=0), of_cases.max(axis=0)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            under = self.below(middle) < probability
            low, high = np.where(under, middle, low), np.where(under, high, middle)
        return np.asarray((low + high) / 2)

    def p_value(self) -> Values:
        """Of zero, two-sided; (quantity,)."""
        below = self.below(0.0)
        return np.asarray(2.0 * np.minimum(below, 1.0 - below))


def _divide(difference: Any, scale: Any) -> Any:
    """Deviates; without any noise a difference is infinitely many scales, and none is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(difference / scale, nan=0.0, posinf=np.inf, neginf=-np.inf)
