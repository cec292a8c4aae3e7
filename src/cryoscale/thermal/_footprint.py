"""Means over the footprints of coarse pixels, and smooth fields that have given means over them."""

from typing import Any

import numpy as np
from numba import njit
from scipy.linalg import solveh_banded
from scipy.ndimage import distance_transform_edt

Values = np.ndarray[Any, Any]


@njit(nogil=True, cache=True)
def block_mean(fine: Values, fy: int, fx: int, min_share: float) -> Values:
    """Mean of the values in each block of `fy` x `fx` of (image, y, x); NaN where fewer than `min_share` have one."""
    images, height, width = fine.shape[0], fine.shape[1] // fy, fine.shape[2] // fx
    means = np.empty((images, height, width))
    for image in range(images):
        for row in range(height):
            for column in range(width):
                total, count = 0.0, 0
                for i in range(row * fy, (row + 1) * fy):
                    for j in range(column * fx, (column + 1) * fx):
                        if not np.isnan(fine[image, i, j]):
                            total += fine[image, i, j]
                            count += 1
                enough = count > 0 and count >= min_share * fy * fx
                means[image, row, column] = total / count if enough else np.nan
    return means


@njit(nogil=True, cache=True)
def _weights(positions: Values, factor: int, size: int) -> tuple[Values, Values, Values]:
    """Coarse neighbours below and above fine positions, and the weight of the one above; the edge's value beyond it."""
    below, above = np.empty(positions.size, np.int64), np.empty(positions.size, np.int64)
    weight = np.empty(positions.size)
    for k in range(positions.size):
        place = min(max((positions[k] + 0.5) / factor - 0.5, 0.0), size - 1.0)
        below[k] = int(place)
        above[k] = min(below[k] + 1, size - 1)
        weight[k] = place - below[k]
    return below, above, weight


@njit(nogil=True, cache=True)
def bilinear(coarse: Values, rows: Values, columns: Values, fy: int, fx: int) -> Values:
    """Bilinear interpolation of (image, y, x) between the centres of coarse pixels, at fine `rows` x `columns`."""
    top, bottom, down = _weights(rows, fy, coarse.shape[1])
    left, right, across = _weights(columns, fx, coarse.shape[2])
    fine = np.empty((coarse.shape[0], rows.size, columns.size))
    for image in range(coarse.shape[0]):
        for i in range(rows.size):
            upper, lower = coarse[image, top[i]], coarse[image, bottom[i]]
            for j in range(columns.size):
                a = upper[left[j]] * (1.0 - across[j]) + upper[right[j]] * across[j]
                b = lower[left[j]] * (1.0 - across[j]) + lower[right[j]] * across[j]
                fine[image, i, j] = a * (1.0 - down[i]) + b * down[i]
    return fine


def nearest(coarse: Values, rows: Values, columns: Values, fy: int, fx: int) -> Values:
    """Value of the coarse pixel (image, y, x) that holds each of the fine `rows` x `columns`."""
    return coarse[:, (rows // fy)[:, None], columns // fx]


def fill_nearest(coarse: Values) -> Values:
    """Each NaN of (image, y, x) by the nearest value of its image; an image without values stays NaN."""
    filled = np.array(coarse, dtype=float)
    for image in filled:
        hole = np.isnan(image)
        if hole.any() and not hole.all():
            rows, columns = distance_transform_edt(hole, return_distances=False, return_indices=True)
            image[:] = image[rows, columns]
    return filled


def sharpen(coarse: Values, fy: int, fx: int) -> Values:
    """Node values whose bilinear field has the means `coarse` (image, y, x) over the coarse pixels.

    Interpolating and averaging again is, along each axis, a symmetric tridiagonal matrix; the two are solved in turn.
    """
    return _unsmooth(_unsmooth(fill_nearest(coarse), 1, fy), 2, fx)


def _unsmooth(values: Values, axis: int, factor: int) -> Values:
    size = values.shape[axis]
    if size == 1 or factor == 1:
        return values
    share = np.maximum((np.arange(factor) + 0.5) / factor - 0.5, 0.0).mean()  # of a neighbour in a pixel's mean
    bands = np.zeros((2, size))
    bands[0, 1:] = share
    bands[1] = 1.0 - 2.0 * share
    bands[1, [0, -1]] = 1.0 - share
    lines = np.moveaxis(values, axis, 0)
    solved = solveh_banded(bands, lines.reshape(size, -1), check_finite=False).reshape(lines.shape)
    return np.asarray(np.moveaxis(solved, 0, axis))
