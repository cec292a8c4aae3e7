"""Straight lines through many series at once, compiled."""

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]


@njit(cache=True, nogil=True, error_model="numpy")
def fit_lines(series: Array, times: Array) -> tuple[Array, Array]:
    """Slope and its standard error by ordinary least squares, over the times at which a series has a value.

    Parameters
    ----------
    series : numpy.ndarray
        (time, pixel), NaN where there is no value.
    times : numpy.ndarray
        (time,).

    Returns
    -------
    tuple of numpy.ndarray
        (pixel,) each, in the type of `series`; NaN for fewer than two values, the error for fewer than three.
    """
    n_pixels = series.shape[1]
    sums = np.zeros((3, n_pixels))  # count, time, value
    for k in range(times.size):
        for i in range(n_pixels):
            value = series[k, i]
            if not np.isnan(value):
                sums[0, i] += 1.0
                sums[1, i] += times[k]
                sums[2, i] += value
    squares = np.zeros((3, n_pixels))  # of time, of value, of both, about their means
    for k in range(times.size):
        for i in range(n_pixels):
            value = series[k, i]
            if not np.isnan(value):
                t, u = times[k] - sums[1, i] / sums[0, i], value - sums[2, i] / sums[0, i]
                squares[0, i] += t * t
                squares[1, i] += u * u
                squares[2, i] += t * u
    slope, error = np.empty(n_pixels, series.dtype), np.empty(n_pixels, series.dtype)
    for i in range(n_pixels):
        v = squares[2, i] / squares[0, i] if squares[0, i] > 0.0 else np.nan
        freedom = sums[0, i] - 2.0
        rest = max(squares[1, i] - v * squares[2, i], 0.0)
        slope[i] = v
        error[i] = np.sqrt(rest / freedom / squares[0, i]) if freedom > 0.0 else np.nan
    return slope, error
