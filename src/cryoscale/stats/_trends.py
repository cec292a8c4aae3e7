"""Trends of many short series: slopes and signs of all pairs of values, series by series, compiled.

Series are columns (time, series). Values that are not finite are missing. All pairs of 60 values are 1770: the
medians among them come from partial sorting, and nothing is kept for more than one series.
"""

from math import erfc, sqrt
from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]


@njit(cache=True, nogil=True, error_model="numpy")
def sen_slopes(series: Array, years: Array, deviation: float, minimum: int, out: Array) -> None:
    """Theil-Sen lines with Sen's confidence interval.

    Parameters
    ----------
    series : numpy.ndarray
        (time, series).
    years : numpy.ndarray
        (time,) increasing.
    deviation : float
        Half width of the confidence interval in standard deviations.
    minimum : int
        Values that a series needs; with fewer its results are NaN.
    out : numpy.ndarray
        (4, series) slope, value at year 0, lower and upper bound of the slope; written to.
    """
    n_times, n_series = series.shape
    values, times = np.empty(n_times), np.empty(n_times)
    slopes = np.empty(n_times * (n_times - 1) // 2)
    for column in range(n_series):
        n = _gather(series[:, column], years, values, times)
        if n < minimum:
            out[:, column] = np.nan
            continue
        m = _all_slopes(values, times, n, slopes)
        slope = _median(slopes, m)
        spread = deviation * sqrt(_variance(values[:n]))
        below, above = int(np.round((m - spread) / 2)) - 1, int(np.round((m + spread) / 2))
        # The median's selection has left the smaller slopes before the larger ones.
        out[2, column] = _select(slopes, 0, m // 2, max(below, 0))
        out[3, column] = _select(slopes, m // 2, m - 1, min(above, m - 1))
        out[0, column] = slope
        out[1, column] = _median(values, n) - slope * _median(times, n)


@njit(cache=True, nogil=True, error_model="numpy")
def kendall(series: Array, minimum: int, out: Array) -> None:
    """Kendall's score S of each series against time, its variance for independent values, and tau-b.

    Parameters
    ----------
    series : numpy.ndarray
        (time, series).
    minimum : int
        Values that a series needs; with fewer its results are NaN.
    out : numpy.ndarray
        (3, series) score, variance, tau; written to.
    """
    n_times, n_series = series.shape
    values, order = np.empty(n_times), np.arange(n_times).astype(np.float64)
    positions = np.empty(n_times)
    for column in range(n_series):
        n = _gather(series[:, column], order, values, positions)
        if n < minimum:
            out[:, column] = np.nan
            continue
        score, different = 0, 0
        for i in range(n):
            for j in range(i + 1, n):
                score += int(values[j] > values[i]) - int(values[j] < values[i])
                different += int(values[j] != values[i])
        out[0, column] = score
        out[1, column] = _variance(values[:n])
        out[2, column] = score / sqrt(different * (n * (n - 1) / 2))


@njit(cache=True, nogil=True, error_model="numpy")
def serial_inflation(series: Array, years: Array, critical: float, lags: int, minimum: int, out: Array) -> None:
    """Factor by which serial correlation widens the variance of S (Hamed and Rao 1998).

    Parameters
    ----------
    series : numpy.ndarray
        (time, series), at even steps.
    years : numpy.ndarray
        (time,) increasing.
    critical : float
        Autocorrelations of ranks count where they exceed this many times 1 / sqrt(n).
    lags : int
        Largest lag that counts, in steps.
    minimum : int
        Values that a series needs; with fewer its result is NaN.
    out : numpy.ndarray
        (series,) factor; written to.
    """
    n_times, n_series = series.shape
    values, times, ranks = np.empty(n_times), np.empty(n_times), np.empty(n_times)
    slopes = np.empty(n_times * (n_times - 1) // 2)
    for column in range(n_series):
        n = _gather(series[:, column], years, values, times)
        if n < minimum:
            out[column] = np.nan
            continue
        slope = _median(slopes, _all_slopes(values, times, n, slopes))
        _centred_ranks(values, times, n, slope)
        _scatter(values, series[:, column], ranks)
        out[column] = _inflation(ranks, n, critical, lags)


@njit(cache=True, nogil=True, error_model="numpy")
def normal_deviate(score: Array, variance: Array, z: Array, p: Array) -> None:
    """Standard normal deviate of a score, with continuity correction, and its two-sided p value.

    Parameters
    ----------
    score, variance : numpy.ndarray
        (series,); a variance of 0 or less gives NaN.
    z, p : numpy.ndarray
        (series,); written to.
    """
    for i in range(score.size):
        z[i] = (score[i] - np.sign(score[i])) / sqrt(variance[i]) if variance[i] > 0 else np.nan
        p[i] = erfc(abs(z[i]) / sqrt(2.0))


@njit(cache=True, nogil=True, error_model="numpy")
def _gather(series: Array, years: Array, values: Array, times: Array) -> int:
    n = 0
    for i in range(series.size):
        if np.isfinite(series[i]):
            values[n], times[n] = series[i], years[i]
            n += 1
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def _scatter(values: Array, series: Array, out: Array) -> None:
    """Put the values of the valid times back into their places; NaN between them."""
    n = 0
    for i in range(series.size):
        out[i] = np.nan
        if np.isfinite(series[i]):
            out[i] = values[n]
            n += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _all_slopes(values: Array, times: Array, n: int, slopes: Array) -> int:
    m = 0
    for i in range(n):
        for j in range(i + 1, n):
            slopes[m] = (values[j] - values[i]) / (times[j] - times[i])
            m += 1
    return m


@njit(cache=True, nogil=True, error_model="numpy")
def _variance(values: Array) -> float:
    """Variance of S for independent values, some of which may be equal (Kendall 1975)."""
    n = values.size
    total = float(n * (n - 1) * (2 * n + 5))
    ordered = np.sort(values)
    start = 0
    for i in range(1, n + 1):
        if i == n or ordered[i] != ordered[start]:
            t = i - start
            total -= t * (t - 1) * (2 * t + 5)
            start = i
    return total / 18


@njit(cache=True, nogil=True, error_model="numpy")
def _select(values: Array, low: int, high: int, k: int) -> float:
    """Put place k between low and high in order: nothing larger before it, nothing smaller after it (Hoare)."""
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i, j = i + 1, j - 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    return float(values[k])


@njit(cache=True, nogil=True, error_model="numpy")
def _median(values: Array, n: int) -> float:
    """Median of the first n, which it brings into another order."""
    upper = _select(values, 0, n - 1, n // 2)
    if n % 2 == 1:
        return upper
    return 0.5 * (upper + float(np.max(values[: n // 2])))


@njit(cache=True, nogil=True, error_model="numpy")
def _centred_ranks(values: Array, times: Array, n: int, slope: float) -> None:
    """Replace values by the ranks of what is left without the trend, their mean subtracted; equals share a rank."""
    for i in range(n):
        values[i] -= slope * times[i]
    ranks = np.zeros(n)
    for i in range(n):
        for j in range(n):
            ranks[i] += 0.5 * (int(values[j] < values[i]) - int(values[j] > values[i]))
    values[:n] = ranks


@njit(cache=True, nogil=True, error_model="numpy")
def _inflation(ranks: Array, n: int, critical: float, lags: int) -> float:
    """1 + 2 / (n (n-1) (n-2)) sum (n-i) (n-i-1) (n-i-2) rho(i) over the lags i of significant rho."""
    power = 0.0
    for rank in ranks:
        if not np.isnan(rank):
            power += rank * rank
    total = 0.0
    for lag in range(1, min(lags, n - 3) + 1):
        product = 0.0
        for i in range(ranks.size - lag):
            pair = ranks[i] * ranks[i + lag]
            if not np.isnan(pair):
                product += pair
        if power > 0 and abs(product / power) > critical / sqrt(n):
            total += (n - lag) * (n - lag - 1) * (n - lag - 2) * product / power
    return 1.0 + 2.0 * total / (n * (n - 1.0) * (n - 2.0))
