"""Fits of the recession line ln(-dQ/dt) = ln(a) + b ln(Q), and their intervals by resampling events."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from scipy import special

from cryoscale.errors import InputError
from cryoscale.hydrology import _recession

Values = np.ndarray[Any, Any]

_MOST_FAILED = 0.05
"""Share of resamples without a line above which there is no interval."""


class FitMethod(StrEnum):
    """How the line is laid through the pairs; see `FitRules`."""

    ORDINARY = "ordinary"
    ROBUST = "robust"
    LOWER_ENVELOPE = "lower-envelope"
    BINNED = "binned"
    NONLINEAR = "nonlinear"


_CODES: Mapping[FitMethod, int] = {
    FitMethod.ORDINARY: _recession.ORDINARY,
    FitMethod.ROBUST: _recession.ROBUST,
    FitMethod.LOWER_ENVELOPE: _recession.LOWER_ENVELOPE,
    FitMethod.BINNED: _recession.BINNED,
    FitMethod.NONLINEAR: _recession.NONLINEAR,
}


@dataclass(frozen=True)
class FitRules:
    """How a recession line is fitted.

    The methods do not estimate the same thing where pairs scatter about the line. Let the rate at Q be a Q^b times a
    scatter with median 1 and standard deviation s of its logarithm (normal):

    - ``ordinary``: least squares of the logarithms (Eq. 6 of Chang et al.); finds a, the median.
    - ``robust``: Huber's M-estimator of the same (k = 1.345, scale from the median absolute deviation); a.
    - ``lower-envelope``: the line below which 5 % of the pairs lie (Brutsaert and Nieber 1977, Water Resour. Res. 13,
      637), by quantile regression (Koenker and Bassett 1978, Econometrica 46, 33); a exp(-1.645 s).
    - ``binned``: Kirchner (2009, Water Resour. Res. 45, W02429, Section 3.3): means of rate and Q in bins from the
      highest Q down, each at least 1 % of the range of ln(Q) wide and so large that the standard error of its rate is
      at most half of it, then least squares of their logarithms weighted by the inverse squared relative errors. Here
      a bin has at least 5 pairs, no bin counts as more certain than 1 %, and what is left at the lowest Q joins the
      last bin; the mean, a exp(s^2 / 2).
    - ``nonlinear``: least squares of the rates themselves, so that high flows weigh most; the mean, a exp(s^2 / 2).

    The scatter must not depend on Q. Where whole events differ in speed, the fast ones reach lower flows, and the
    pooled exponent is too small, by 0.02 to 0.03 in the ordinary and the robust fit for s = 0.15 among events of 9 to
    25 days (a = 0.03, b = 1.4, about 40 m3 s-1 at the peak). No interval tells of that bias.

    Intervals come from drawing whole events with replacement, since the pairs of one event are not independent. Their
    percentiles are widened for few events (Hesterberg 2015, Am. Stat. 69, 371): Phi(-sqrt(n / (n - 1)) t) for n events,
    with Student's t of n - 1 degrees of freedom. n is the effective number of events, see `effective_events`: a few
    long ones, or in the nonlinear fit a few large ones, may decide a line alone.

    Attributes
    ----------
    method : FitMethod
        The fit.
    exponent : float or None
        The exponent b, where it is known; None to fit it.
    minimum_events : int
        Events with pairs that a fit needs, at least 2.
    reference_discharge : float or None
        Where the recession time is taken, m3 s-1; None for the median over all pairs of the record.
    replicates : int
        Resamples, at least 100.
    confidence : float
        Of the intervals, between 0 and 1.
    seed : int
        Of the resamples.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    method: FitMethod = FitMethod.ORDINARY
    exponent: float | None = None
    minimum_events: int = 3
    reference_discharge: float | None = None
    replicates: int = 1000
    confidence: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.confidence < 1:
            raise InputError(f"confidence: must lie between 0 and 1, not {self.confidence}. Give 0.95 for 95 %.")
        for name, least in (("minimum_events", 2), ("replicates", 100)):
            if getattr(self, name) < least:
                raise InputError(f"{name}: must be at least {least}, not {getattr(self, name)}.")
        if self.exponent is not None and not np.isfinite(self.exponent):
            raise InputError(f"exponent: {self.exponent} is no number. Leave it out to have it fitted.")
        if self.reference_discharge is not None and not 0 < self.reference_discharge < np.inf:
            raise InputError(f"reference_discharge: must be positive (m3 s-1), not {self.reference_discharge}.")


def resampled_lines(discharge: Values, rate: Values, event: Values, *, rules: FitRules, seed: int) -> Values:
    """Lines through the pairs and through resamples of their events.

    Parameters
    ----------
    discharge, rate : numpy.ndarray
        (pair,) Q, m3 s-1, and -dQ/dt, m3 s-1 d-1, both positive.
    event : numpy.ndarray
        (pair,) labels of the events.
    rules : FitRules
        The fit.
    seed : int
        Told apart from those of other samples of the same rules.

    Returns
    -------
    numpy.ndarray
        (2, 1 + replicates) ln(a) and b, first of the sample itself; NaN where a line is not determined, such as where
        all Q are alike.

    Examples
    --------
    >>> flow = np.array([8.0, 4.0, 2.0, 1.0])
    >>> found = resampled_lines(flow, 0.1 * flow**1.5, np.array([0, 0, 1, 1]), rules=FitRules(), seed=0)
    >>> np.exp(found[0, 0]).round(6), found[1, 0].round(6)
    (np.float64(0.1), np.float64(1.5))
    """
    order = np.argsort(-discharge, kind="stable")
    x, y = np.log(discharge[order]), np.log(rate[order])
    labels, codes = np.unique(event[order], return_inverse=True)
    rng = np.random.default_rng([rules.seed, seed])
    n = labels.size
    counts = np.vstack([np.ones((1, n)), rng.multinomial(n, np.full(n, 1 / n), size=rules.replicates)])
    middle_x, middle_y = x.mean(), y.mean()
    out = np.empty((2, counts.shape[0]))
    slope = np.nan if rules.exponent is None else float(rules.exponent)
    _recession.lines(_CODES[rules.method], x - middle_x, y - middle_y, codes, counts, slope, out)
    out[0] += middle_y - out[1] * middle_x
    return out


def effective_events(discharge: Values, event: Values, *, rules: FitRules, exponent: float) -> float:
    """How many events of equal leverage those of a sample are worth.

    (sum g)^2 / sum g^2, where g is an event's part in the information on the line (Carter, Schnepel and Steigerwald
    2017, Rev. Econ. Stat. 99, 698): the sum of w (ln Q - mean)^2 over its pairs, or of w where the exponent is given,
    with w = Q^(2 b) in the nonlinear fit and 1 in the others.

    Parameters
    ----------
    discharge : numpy.ndarray
        (pair,) Q, m3 s-1.
    event : numpy.ndarray
        (pair,) labels of the events.
    rules : FitRules
        The fit.
    exponent : float
        The exponent b of the line.

    Returns
    -------
    float
        At least 2, at most the number of events.

    Examples
    --------
    >>> flow, event = np.array([8.0, 2.0, 8.0, 2.0, 4.1, 4.0]), np.array([0, 0, 1, 1, 2, 2])
    >>> round(effective_events(flow, event, rules=FitRules(), exponent=1.0), 2)
    2.0
    """
    x = np.log(discharge)
    weight = np.exp(2 * exponent * (x - x.max())) if rules.method is FitMethod.NONLINEAR else np.ones_like(x)
    spread = (x - np.average(x, weights=weight)) ** 2 if rules.exponent is None else np.ones_like(x)
    part = np.bincount(np.unique(event, return_inverse=True)[1], weight * spread)
    return max(2.0, float(part.sum() ** 2 / (part**2).sum()))


def interval(replicates: Values, *, n_events: float, confidence: float) -> tuple[float, float]:
    """Percentiles of resamples, widened for few events.

    Parameters
    ----------
    replicates : numpy.ndarray
        (replicate,) estimates, NaN where there is none.
    n_events : float
        Events that were drawn from, or their effective number, at least 2.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    tuple of float
        Lower and upper bound; NaN where more than 5 % of the resamples give none.

    Examples
    --------
    >>> [round(bound, 1) for bound in interval(np.arange(1001.0), n_events=10**6, confidence=0.9)]
    [50.0, 950.0]
    """
    if np.isnan(replicates).mean() > _MOST_FAILED:
        return np.nan, np.nan
    deviate = special.stdtrit(n_events - 1, (1 + confidence) / 2) * np.sqrt(n_events / (n_events - 1))
    tail = float(special.ndtr(-deviate))
    lower, upper = np.nanquantile(replicates, [tail, 1 - tail])
    return float(lower), float(upper)
