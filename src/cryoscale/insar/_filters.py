"""Spatio-temporal filter on arrays: local polynomials in time, normalised convolution in space, compiled.

Compiled without fast-math, and every sum has a fixed order: a pixel's result does not depend on which block of the
raster it was computed in, to the last bit. Missing data enter a sum as zeros, so does what lies outside the raster.
"""

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]

LANES = 128  # pixels side by side: a block of all epochs stays in the cache
SINGULAR = 1e-12  # determinant of the normal matrix, in shares of the product of its diagonal
_entry = njit(cache=True, error_model="numpy", nogil=True)
_compiled = njit(error_model="numpy", nogil=True)


def noise_of(
    series: Array,
    days: Array,
    *,
    time_width: float,
    degree: int,
    row_weights: Array,
    column_weights: Array,
    reach: float,
) -> Array:
    """Noise of a block of series: low pass in space of their high pass in time.

    Parameters
    ----------
    series : numpy.ndarray
        (time, y, x), NaN where there is no data, with a halo of neighbours around it.
    days : numpy.ndarray
        (time) increasing, d.
    time_width : float
        Standard deviation of the Gaussian in time, d.
    degree : int
        Of the polynomials in time, 1 or 2.
    row_weights : numpy.ndarray
        (2 halo rows + 1) Gaussian along y.
    column_weights : numpy.ndarray
        (y, 2 halo columns + 1) Gaussian along x, of every row of `series`.
    reach : float
        Where the Gaussian in time is cut off, in standard deviations.

    Returns
    -------
    numpy.ndarray
        (time, y, x) without the halo, NaN where there is no data.
    """
    n_times, n_rows, n_columns = series.shape
    flat = np.ascontiguousarray(series).reshape(n_times, n_rows * n_columns)
    rough = np.empty_like(flat)
    _subtract_local_fits(flat, days / time_width, degree, reach, rough)
    halo = row_weights.size // 2, column_weights.shape[1] // 2
    noise = np.empty((n_times, n_rows - 2 * halo[0], n_columns - 2 * halo[1]), series.dtype)
    _smooth_in_space(rough.reshape(series.shape), row_weights, column_weights, noise)
    return noise


@_entry
def _subtract_local_fits(series: Array, times: Array, degree: int, reach: float, rough: Array) -> None:
    """Residuals of polynomials fitted around each epoch with Gaussian weights; `times` in standard deviations."""
    n_times, n_pixels = series.shape
    values = np.zeros((n_times, LANES))
    there = np.zeros((n_times, LANES))
    sums = np.zeros((2 * degree + 1, LANES))
    cofactors = np.zeros((3, LANES))
    residual = np.zeros(LANES)
    for start in range(0, n_pixels, LANES):
        width = min(LANES, n_pixels - start)
        if not _load(series, start, width, values, there):
            rough[:, start : start + width] = np.nan
            continue
        first = 0
        last = 0
        for i in range(n_times):
            while times[i] - times[first] > reach:
                first += 1
            while last < n_times and times[last] - times[i] <= reach:
                last += 1
            _sum_powers(there, times, i, first, last, sums)
            _find_cofactors(sums, cofactors)
            _fit_residual(values, there, times, i, first, last, cofactors, residual)
            for lane in range(width):
                rough[i, start + lane] = residual[lane] if there[i, lane] > 0.0 else np.nan


@_compiled
def _load(series: Array, start: int, width: int, values: Array, there: Array) -> bool:
    """Copy pixels side by side, 0 where there is no data; whether there is any."""
    found = False
    for i in range(series.shape[0]):
        for lane in range(width):
            value = series[i, start + lane]
            finite = np.isfinite(value)
            found |= finite
            there[i, lane] = 1.0 if finite else 0.0
            values[i, lane] = value if finite else 0.0
    return found


@_compiled
def _sum_powers(there: Array, times: Array, i: int, first: int, last: int, sums: Array) -> None:
    """Sums s_k of w tau^k over the neighbours of epoch `i` that have data; tau is the time from it."""
    sums[:] = 0.0
    for j in range(first, last):
        tau = times[j] - times[i]
        weight = np.exp(-0.5 * tau * tau)
        for k in range(sums.shape[0]):
            for lane in range(LANES):
                sums[k, lane] += weight * there[j, lane]
            weight *= tau


@_compiled
def _find_cofactors(sums: Array, cofactors: Array) -> None:
    """First row of the inverse of the normal matrix, whose elements are s_(row + column).

    It is 0 where the matrix is singular: then the polynomial goes through the epoch, and nothing is left of it.
    """
    for lane in range(LANES):
        s0, s1, s2 = sums[0, lane], sums[1, lane], sums[2, lane]
        if sums.shape[0] == 3:
            largest = s0 * s2
            c0, c1, c2 = s2, -s1, 0.0
        else:
            s3, s4 = sums[3, lane], sums[4, lane]
            largest = s0 * s2 * s4
            c0, c1, c2 = s2 * s4 - s3 * s3, s2 * s3 - s1 * s4, s1 * s3 - s2 * s2
        determinant = s0 * c0 + s1 * c1 + s2 * c2
        scale = 1.0 / determinant if determinant > SINGULAR * largest else 0.0
        cofactors[0, lane] = c0 * scale
        cofactors[1, lane] = c1 * scale
        cofactors[2, lane] = c2 * scale


@_compiled
def _fit_residual(
    values: Array, there: Array, times: Array, i: int, first: int, last: int, cofactors: Array, residual: Array
) -> None:
    """Value at epoch `i` less that of the polynomial, which is fitted to the differences from that value.

    So a constant, whose differences are exact zeros, has a residual of exactly zero.
    """
    residual[:] = 0.0
    for j in range(first, last):
        tau = times[j] - times[i]
        weight = np.exp(-0.5 * tau * tau)
        for lane in range(LANES):
            share = cofactors[0, lane] + tau * (cofactors[1, lane] + tau * cofactors[2, lane])
            residual[lane] += weight * there[j, lane] * share * (values[i, lane] - values[j, lane])


@_entry
def _smooth_in_space(rough: Array, row_weights: Array, column_weights: Array, noise: Array) -> None:
    """Weighted mean of the neighbours that have data, without the halo, where there is data."""
    n_times, n_rows, _ = rough.shape
    height, width = noise.shape[1:]
    halo_rows, halo_columns = row_weights.size // 2, column_weights.shape[1] // 2
    values = np.zeros(rough.shape[1:])
    there = np.zeros(rough.shape[1:])
    value_sums = np.zeros((n_rows, width))
    weight_sums = np.zeros((n_rows, width))
    value_sum = np.zeros(width)
    weight_sum = np.zeros(width)
    for i in range(n_times):
        _split(rough[i], values, there)
        for row in range(n_rows):
            _convolve_row(values[row], column_weights[row], value_sums[row])
            _convolve_row(there[row], column_weights[row], weight_sums[row])
        for row in range(height):
            value_sum[:] = 0.0
            weight_sum[:] = 0.0
            for k in range(row_weights.size):
                for column in range(width):
                    value_sum[column] += row_weights[k] * value_sums[row + k, column]
                    weight_sum[column] += row_weights[k] * weight_sums[row + k, column]
            for column in range(width):
                present = there[row + halo_rows, column + halo_columns] > 0.0
                noise[i, row, column] = value_sum[column] / weight_sum[column] if present else np.nan


@_compiled
def _split(image: Array, values: Array, there: Array) -> None:
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            finite = np.isfinite(image[row, column])
            there[row, column] = 1.0 if finite else 0.0
            values[row, column] = image[row, column] if finite else 0.0


@_compiled
def _convolve_row(values: Array, weights: Array, sums: Array) -> None:
    sums[:] = 0.0
    for k in range(weights.size):
        for column in range(sums.size):
            sums[column] += weights[k] * values[column + k]
