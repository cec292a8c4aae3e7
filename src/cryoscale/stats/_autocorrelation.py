"""How many independent positions two autocorrelated maps are worth, by Fourier transform."""

from typing import Any

import numpy as np
from scipy import fft

Array = np.ndarray[Any, Any]


def effective_sample_size(x: Array, y: Array, valid: Array, *, spacing: tuple[float, float]) -> float:
    """Number of independent pairs with the same variance of the correlation coefficient (Dutilleul 1993).

    With P the projection that removes the mean, and the covariance matrices of the two fields taken to depend on
    distance only, the variance of the coefficient of two independent fields is

        tr(P Sx P Sy) / (tr(P Sx) tr(P Sy)),

    and the size is 1 + 1 / variance (Clifford et al. 1989), at most the number of positions. The covariance of a
    distance is the mean product over all pairs at that distance. Sums over pairs are sums over lags, so no matrix
    of positions by positions arises: n log n instead of n^2.

    Parameters
    ----------
    x, y : numpy.ndarray
        (row, column), float64; what they hold where `valid` is False does not matter.
    valid : numpy.ndarray
        (row, column), bool.
    spacing : tuple of float
        Of rows and of columns, in one unit.

    Returns
    -------
    float
        NaN where a field is constant or has no value.
    """
    n = int(valid.sum())
    if n < 3 or any(np.ptp(field[valid]) == 0 for field in (x, y)):
        return float("nan")
    fields = [np.where(valid, field - field[valid].mean(), 0.0) for field in (x, y)]
    mask = valid.astype(np.float64)
    shape = tuple(fft.next_fast_len(2 * size - 1, real=True) for size in valid.shape)
    pairs = np.rint(_lag_sums(mask, shape))
    classes = _distance_classes(shape, spacing)
    covariances = [_by_distance(_lag_sums(field, shape), pairs, classes) for field in fields]
    rows = [_row_sums(covariance, mask) for covariance in covariances]
    totals = [row.sum() for row in rows]
    traces = [n * covariance[0, 0] - total / n for covariance, total in zip(covariances, totals, strict=True)]
    product = np.sum(pairs * covariances[0] * covariances[1]) - 2 / n * np.sum(rows[0] * rows[1])
    product += totals[0] * totals[1] / n**2
    return float(min(1.0 + traces[0] * traces[1] / product, n)) if product > 0 else float(n)


def _lag_sums(field: Array, shape: tuple[int, ...]) -> Array:
    """Sum of products over all pairs at each lag; negative lags count from the end."""
    spectrum = fft.rfft2(field, shape)
    sums: Array = fft.irfft2(spectrum * spectrum.conj(), shape)
    return sums


def _distance_classes(shape: tuple[int, ...], spacing: tuple[float, float]) -> Array:
    """Length of each lag in steps of the finer spacing; only the lag zero is in class 0."""
    rows, columns = (
        np.minimum(np.arange(size), size - np.arange(size)) * step for size, step in zip(shape, spacing, strict=True)
    )
    return np.rint(np.hypot(rows[:, None], columns[None, :]) / min(spacing)).astype(np.int64)


def _by_distance(sums: Array, pairs: Array, classes: Array) -> Array:
    """Mean product of each lag's distance class; 0 where no pair has the lag."""
    used = pairs > 0
    total = np.bincount(classes.ravel(), np.where(used, sums, 0.0).ravel())
    number = np.bincount(classes.ravel(), np.where(used, pairs, 0.0).ravel())
    means = total / np.maximum(number, 1)
    return np.where(used, means[classes], 0.0)


def _row_sums(covariance: Array, mask: Array) -> Array:
    """Sum of the covariances of each position with all others."""
    shape = covariance.shape
    sums = fft.irfft2(fft.rfft2(covariance) * fft.rfft2(mask, shape), shape)
    return sums[: mask.shape[0], : mask.shape[1]] * mask
