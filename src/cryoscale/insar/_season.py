"""Changes of series between the same days of every year, compiled."""

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]

_entry = njit(cache=True, error_model="numpy", nogil=True)
_compiled = njit(error_model="numpy", nogil=True)


@_entry
def seasonal_changes(
    series: Array, rate: Array, days: Array, starts: Array, ends: Array, max_gap: float
) -> tuple[Array, Array, Array]:
    """Change of every series from start to end of every season, less its trend, and what the seasons have in common.

    Parameters
    ----------
    series : numpy.ndarray
        (time, pixel), NaN where there is no value.
    rate : numpy.ndarray
        (pixel) trend, per day.
    days : numpy.ndarray
        (time) increasing, d.
    starts, ends : numpy.ndarray
        (season) as `days`, within them.
    max_gap : float
        Longest time between the epochs that a day is interpolated from, d.

    Returns
    -------
    tuple of numpy.ndarray
        Changes and their standard errors (2, season, pixel); their mean, its standard error and their standard
        deviation (3, pixel); number of seasons (pixel).
    """
    n_seasons, n_pixels = starts.size, series.shape[1]
    changes = np.full((2, n_seasons, n_pixels), np.nan, series.dtype)
    summary = np.full((3, n_pixels), np.nan, series.dtype)
    counts = np.zeros(n_pixels, np.int16)
    before_starts = np.searchsorted(days, starts, "right") - 1
    before_ends = np.searchsorted(days, ends, "right") - 1
    found = np.empty(n_seasons)
    for pixel in range(n_pixels):
        one = series[:, pixel]
        noise = -1.0
        n, squares = 0, 0.0
        for k in range(n_seasons):
            start = _bracket(one, days, starts[k], before_starts[k], max_gap)
            end = _bracket(one, days, ends[k], before_ends[k], max_gap)
            if start[0] < 0 or end[0] < 0:
                continue
            if noise < 0.0:
                noise = _noise_variance(one, days, 2.0 * max_gap)
            found[n] = _at(one, end) - _at(one, start) - rate[pixel] * (ends[k] - starts[k])
            variance = noise * _sum_of_squares(start, end)
            changes[0, k, pixel] = found[n]
            changes[1, k, pixel] = np.sqrt(variance)
            squares += variance
            n += 1
        counts[pixel] = n
        if n > 0:
            summary[0, pixel] = np.mean(found[:n])
            summary[1, pixel] = np.sqrt(squares) / n
        if n > 1:
            summary[2, pixel] = np.sqrt(np.sum((found[:n] - np.mean(found[:n])) ** 2) / (n - 1))
    return changes, summary, counts


@_compiled
def _bracket(series: Array, days: Array, day: float, before: int, max_gap: float) -> tuple[int, int, float]:
    """Epochs with a value around a day and the weight of the later one; -1 where they are too far from each other.

    `before` is the last epoch that is not after the day.
    """
    i = before
    while i >= 0 and not np.isfinite(series[i]):
        i -= 1
    if i >= 0 and days[i] == day:
        return i, i, 0.0
    j = before + 1
    while j < days.size and not np.isfinite(series[j]):
        j += 1
    if i < 0 or j == days.size or days[j] - days[i] > max_gap:
        return -1, -1, 0.0
    return i, j, (day - days[i]) / (days[j] - days[i])


@_compiled
def _at(series: Array, bracket: tuple[int, int, float]) -> float:
    i, j, weight = bracket
    return float((1.0 - weight) * series[i] + weight * series[j])


@_compiled
def _sum_of_squares(start: tuple[int, int, float], end: tuple[int, int, float]) -> float:
    """Of the weights that the epochs have in the change, which two brackets may share."""
    i, j, v = start
    k, m, w = end
    total = (1.0 - v) ** 2 + v**2 + (1.0 - w) ** 2 + w**2
    shared = 0.0
    if i == k:
        shared += (1.0 - v) * (1.0 - w)
    if i == m:
        shared += (1.0 - v) * w
    if j == k:
        shared += v * (1.0 - w)
    if j == m:
        shared += v * w
    return total - 2.0 * shared


@_compiled
def _noise_variance(series: Array, days: Array, longest: float) -> float:
    """Variance of independent errors, from how far each value is from the line between its neighbours."""
    i = -1
    j = -1
    total = 0.0
    n = 0
    for k in range(days.size):
        if not np.isfinite(series[k]):
            continue
        if i >= 0 and days[k] - days[i] <= longest:
            weight = (days[j] - days[i]) / (days[k] - days[i])
            error = series[j] - (1.0 - weight) * series[i] - weight * series[k]
            total += error**2 / (1.0 + weight**2 + (1.0 - weight) ** 2)
            n += 1
        i = j
        j = k
    return total / n if n > 0 else np.nan
