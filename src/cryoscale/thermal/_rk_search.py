"""Exact searches for r_k: the values that maximise kappa against a survey, and the least squares of TTOP."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Steps:
    """Intervals of r_k between which a pixel changes its state, of one class.

    Attributes
    ----------
    edges : numpy.ndarray
        Borders of the intervals, increasing, shape (m + 1,); an interval holds its upper border.
    hits, alarms : numpy.ndarray
        Pixels predicted as permafrost within each interval that are so, and that are not so; shape (m,).
    """

    edges: Array
    hits: Array
    alarms: Array

    @property
    def widths(self) -> Array:
        """Width of every interval."""
        return np.diff(self.edges)


def find_steps(ratio: Array, permafrost: Array, bounds: tuple[float, float]) -> Steps:
    """Intervals of r_k within `bounds` for pixels that are permafrost where r_k <= ratio."""
    clipped = np.clip(ratio, *bounds)
    edges = np.unique(np.append(clipped, bounds))
    hits, alarms = (
        pixels.size - np.searchsorted(np.sort(pixels), edges[1:])
        for pixels in (clipped[permafrost], clipped[~permafrost])
    )
    return Steps(edges, hits, alarms)


def maximise_kappa(classes: Sequence[Steps], n: int, n_permafrost: int) -> list[int]:
    """Interval of every class that together give the largest Cohen's kappa of all `n` pixels.

    With H hits, M pixels predicted as permafrost and P that are so, kappa = 2 (n H - P M) / (n P + (n - 2 P) M): both
    sums are linear in the counts of the classes, although their ratio is not. So for a level L that kappa should
    exceed, each class alone maximises its share of the numerator less L times the denominator, and the kappa that
    this gives is the next level; it rises to the global maximum in a few steps (Dinkelbach 1967, Manage. Sci. 13, 492).
    Of intervals that do equally well the widest is taken.
    """
    level, reached, chosen = -np.inf, -1.0, [0] * len(classes)
    while reached > level:
        level = reached
        per_prediction = -2.0 * n_permafrost - level * (n - 2.0 * n_permafrost)
        candidates = [_best_interval(steps, 2.0 * n + per_prediction, per_prediction) for steps in classes]
        hits = sum(int(steps.hits[i]) for steps, i in zip(classes, candidates, strict=True))
        predicted = hits + sum(int(steps.alarms[i]) for steps, i in zip(classes, candidates, strict=True))
        reached = 2.0 * (n * hits - n_permafrost * predicted)
        reached /= n * n_permafrost + (n - 2.0 * n_permafrost) * predicted
        if reached > level:
            chosen = candidates
    return chosen


def _best_interval(steps: Steps, per_hit: float, per_alarm: float) -> int:
    gains = per_hit * steps.hits + per_alarm * steps.alarms
    best = np.flatnonzero(gains == gains.max())
    return int(best[np.argmax(steps.widths[best])])


def least_squares_rk(thaw: Array, freeze: Array, temperature: Array, bounds: tuple[float, float]) -> float:
    """r_k within `bounds` whose TTOP is nearest to the temperatures, in the sum of squares.

    Between two values of freeze / thaw no place changes the form of TTOP. There the derivative of the sum of squares
    times r_k^3 is a polynomial of degree four, so the minimum is at one of its roots or at an end.

    `thaw` and `freeze` are degree-days over the period, degC.
    """
    ratio = np.divide(freeze, thaw, where=thaw > 0.0, out=np.full(thaw.shape, np.inf))
    edges = np.unique(np.append(np.clip(ratio, *bounds), bounds))
    candidates = [edges]
    for low, high in pairwise(edges):
        frozen = ratio >= high
        a, b, t = thaw[frozen], freeze[frozen], temperature[frozen]
        c, d, u = thaw[~frozen], freeze[~frozen], temperature[~frozen]
        roots = np.roots([a @ a, -(a @ (b + t)), 0.0, d @ (c - u), -(d @ d)])
        real = roots.real[np.abs(roots.imag) < 1e-9]
        candidates.append(real[(real > low) & (real < high)])
    rk = np.concatenate(candidates)
    error = temperature_at_top(rk[:, np.newaxis], thaw, freeze) - temperature
    return float(rk[np.argmin((error**2).sum(axis=1))])


def sensitivity(rk: Array | float, thaw: Array, freeze: Array) -> Array:
    """Derivative of TTOP by r_k, degC."""
    return np.where(rk * thaw <= freeze, thaw, freeze / np.square(rk))


def temperature_at_top(rk: Array, thaw: Array, freeze: Array) -> Array:
    """TTOP, degC, from degree-days over the period."""
    balance = rk * thaw - freeze
    return np.where(balance <= 0.0, balance, balance / rk)
