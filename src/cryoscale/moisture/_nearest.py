"""Distances from many rows to the nearest of a few points, compiled.

Points lie feature by feature, so that the inner loop runs over points and is vectorised; a row needs no more memory
than one number a point. What a row gets does not depend on the others.
"""

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]


@njit(nogil=True, cache=True)
def nearest_distance(rows: Array, points: Array, centre: Array, scale: Array, out: Array) -> None:
    """Euclidean distance from each row to the nearest point, in scaled features.

    Parameters
    ----------
    rows : numpy.ndarray
        (row, feature) float32, not scaled; a NaN gives NaN.
    points : numpy.ndarray
        (feature, point) float32, scaled, C-contiguous.
    centre, scale : numpy.ndarray
        (feature,) float64: a row is scaled as (row - centre) * scale.
    out : numpy.ndarray
        (row,) float32; written to.
    """
    n_features, n_points = points.shape
    squares = np.empty(n_points, np.float32)
    for i in range(rows.shape[0]):
        squares[:] = np.float32(0.0)
        for feature in range(n_features):
            value = np.float32((np.float64(rows[i, feature]) - centre[feature]) * scale[feature])
            _add_squares(value, points[feature], squares)
        least = squares[0]  # NaN stays: no comparison with it holds
        for point in range(1, n_points):
            least = squares[point] if squares[point] < least else least
        out[i] = np.sqrt(least)


@njit(nogil=True, cache=True)
def _add_squares(value: np.float32, points: Array, squares: Array) -> None:
    for point in range(points.size):
        step = value - points[point]
        squares[point] += step * step


@njit(nogil=True, cache=True)
def distances_among(points: Array, folds: Array, out: Array) -> float:
    """Distance from each point to the nearest one of another fold; gives the mean distance of all pairs.

    Parameters
    ----------
    points : numpy.ndarray
        (point, feature) float64.
    folds : numpy.ndarray
        (point,) int64.
    out : numpy.ndarray
        (point,) float64; written to, infinite where there is no other fold.

    Returns
    -------
    float
    """
    n, n_features = points.shape
    out[:] = np.inf
    total = 0.0
    for i in range(n):
        row = 0.0
        for j in range(i):
            square = 0.0
            for feature in range(n_features):
                square += (points[i, feature] - points[j, feature]) ** 2
            distance = np.sqrt(square)
            row += distance
            if folds[i] != folds[j]:
                out[i] = min(out[i], distance)
                out[j] = min(out[j], distance)
        total += row
    return float(total / (n * (n - 1) / 2))
