"""Kernels of geostatistics: covariances, pairs of points, and small ordinary kriging systems."""

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]

EXPONENTIAL, SPHERICAL, GAUSSIAN = 0, 1, 2
"""Models of a variogram, as numbers that compiled code can compare."""


@njit(nogil=True, cache=True)
def covariance(distance: float, model: int, nugget: float, partial_sill: float, reach: float) -> float:
    """Covariance of two values at a distance (`reach`: the effective range); the sill at distance 0."""
    if distance == 0.0:
        return nugget + partial_sill
    u = distance / reach
    if model == EXPONENTIAL:
        return float(partial_sill * np.exp(-3.0 * u))
    if model == GAUSSIAN:
        return float(partial_sill * np.exp(-3.0 * u * u))
    if u >= 1.0:
        return 0.0
    return partial_sill * (1.0 - u * (1.5 - 0.5 * u * u))


@njit(nogil=True, cache=True)
def covariances(distances: Array, model: int, nugget: float, partial_sill: float, reach: float) -> Array:
    """Covariance at each of (n,) distances."""
    out = np.empty(distances.size)
    for i in range(distances.size):
        out[i] = covariance(distances[i], model, nugget, partial_sill, reach)
    return out


@njit(nogil=True, cache=True)
def solve_ordinary(cov: Array, rhs: Array, weights: Array, work: Array) -> float:
    """Weights of ordinary kriging from a k x k covariance matrix, without allocating.

    With C the covariances among the data and c those with the target, C w = c and C u = 1 are solved by Cholesky;
    then mu = (1 - 1'w) / (1'u), and the weights are w + mu u: they sum to 1. The kriging variance is
    C(0) - weights'c + mu.

    Parameters
    ----------
    cov : numpy.ndarray
        (k, k) float64, C contiguous. Its lower triangle is read, and overwritten by its Cholesky factor; what is above
        the diagonal is neither read nor changed.
    rhs : numpy.ndarray
        (k,) float64, covariances with the target; not changed.
    weights, work : numpy.ndarray
        (k,) float64, overwritten: by the weights, and by C^-1 1. Not the same memory as `rhs`.

    Returns
    -------
    float
        mu; NaN where the matrix is not numerically positive definite: then the weights are of no use.
    """
    k = rhs.size
    if not factor(cov, work):
        return np.nan
    for i in range(k):
        a, b = rhs[i], 1.0
        for j in range(i):
            a -= cov[i, j] * weights[j]
            b -= cov[i, j] * work[j]
        weights[i] = a / cov[i, i]
        work[i] = b / cov[i, i]
    total, scale = 0.0, 0.0
    for i in range(k - 1, -1, -1):
        weights[i] /= cov[i, i]
        work[i] /= cov[i, i]
        total += weights[i]
        scale += work[i]
        for j in range(i):
            weights[j] -= cov[i, j] * weights[i]
            work[j] -= cov[i, j] * work[i]
    mu = (1.0 - total) / scale
    for i in range(k):
        weights[i] += mu * work[i]
    return mu


@njit(nogil=True, cache=True)
def factor(cov: Array, work: Array) -> bool:
    """Overwrite a lower triangle by its Cholesky factor; False where a pivot is lost in rounding."""
    k = work.size
    for p in range(k):
        work[p] = cov[p, p]
    tolerance = k * 2.220446049250313e-16 * np.max(work)
    for p in range(k):
        if not cov[p, p] > tolerance:
            return False
        cov[p, p] = np.sqrt(cov[p, p])
        # The column lies contiguously in `work`, so that the update of each row is one vectorised loop.
        for i in range(p + 1, k):
            cov[i, p] /= cov[p, p]
            work[i] = cov[i, p]
        for i in range(p + 1, k):
            for j in range(p + 1, i + 1):
                cov[i, j] -= work[i] * work[j]
    return True


@njit(nogil=True, cache=True)
def solve_semivariances(cov: Array, rhs: Array, weights: Array) -> float:
    """Weights of ordinary kriging from semivariances, by Gaussian elimination with pivoting; allocates.

    The way out where `solve_ordinary` finds the covariances not positive definite: the bordered system
    [G 1; 1' 0] [weights; mu] = [g; 1] can be solved where rounding has eaten the smallest eigenvalue.

    Parameters
    ----------
    cov : numpy.ndarray
        (k, k) float64 covariances, of which the lower triangle is read; not changed.
    rhs, weights : numpy.ndarray
        (k,) float64: covariances with the target, and the weights, overwritten.

    Returns
    -------
    float
        mu, as of `solve_ordinary`; NaN where the system is singular.
    """
    k = rhs.size
    sill = cov[0, 0]
    system = np.zeros((k + 1, k + 2))  # the last column is the right-hand side
    for i in range(k):
        for j in range(i):
            system[i, j] = system[j, i] = sill - cov[i, j]
        system[i, k] = system[k, i] = sill  # a border as large as the semivariances; it scales only mu
        system[i, k + 1] = sill - rhs[i]
    system[k, k + 1] = sill
    if not _eliminate(system):
        return np.nan
    weights[:] = system[:k, k + 1]
    return float(system[k, k + 1] * sill)


@njit(nogil=True, cache=True)
def _eliminate(system: Array) -> bool:
    """Solve (n, n + 1) in place by Gaussian elimination with row pivoting; False where singular."""
    n = system.shape[0]
    for p in range(n):
        pivot = p + int(np.argmax(np.abs(system[p:, p])))
        if not abs(system[pivot, p]) > 0.0:
            return False
        for j in range(p, n + 1):
            system[p, j], system[pivot, j] = system[pivot, j], system[p, j]
        for i in range(p + 1, n):
            ratio = system[i, p] / system[p, p]
            for j in range(p + 1, n + 1):
                system[i, j] -= ratio * system[p, j]
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            system[i, n] -= system[i, j] * system[j, n]
        system[i, n] /= system[i, i]
    return True


@njit(nogil=True, cache=True)
def krige_nearest(
    points: Array,
    values: Array,
    targets: Array,
    nearest: Array,
    model: int,
    nugget: float,
    partial_sill: float,
    reach: float,
) -> Array:
    """Ordinary kriging of each target from its own few points.

    Parameters
    ----------
    points, values, targets : numpy.ndarray
        (n, 2), (n,) and (m, 2) float64.
    nearest : numpy.ndarray
        (m, k) int64: points of each target, the nearest one first.
    model, nugget, partial_sill, reach
        As of `covariance`.

    Returns
    -------
    numpy.ndarray
        (2, m): estimates and kriging variances; NaN where a system is singular.
    """
    m, k = nearest.shape
    sill = nugget + partial_sill
    out = np.empty((2, m))
    cov, rhs, weights, work = np.empty((k, k)), np.empty(k), np.empty(k), np.empty(k)
    for t in range(m):
        near = nearest[t]
        for i in range(k):
            rhs[i] = covariance(_distance(points[near[i]], targets[t]), model, nugget, partial_sill, reach)
        if _distance(points[near[0]], targets[t]) == 0.0:
            out[0, t], out[1, t] = values[near[0]], 0.0
            continue
        _fill(cov, points, near, model, nugget, partial_sill, reach)
        mu = solve_ordinary(cov, rhs, weights, work)
        if np.isnan(mu):
            _fill(cov, points, near, model, nugget, partial_sill, reach)
            mu = solve_semivariances(cov, rhs, weights)
        estimate, variance = 0.0, sill + mu
        for i in range(k):
            estimate += weights[i] * values[near[i]]
            variance -= weights[i] * rhs[i]
        out[0, t] = np.nan if np.isnan(mu) else estimate
        out[1, t] = np.nan if np.isnan(mu) else max(variance, 0.0)
    return out


@njit(nogil=True, cache=True)
def _distance(a: Array, b: Array) -> float:
    return float(np.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2))


@njit(nogil=True, cache=True)
def _fill(cov: Array, points: Array, near: Array, model: int, nugget: float, partial_sill: float, reach: float) -> None:
    """Lower triangle of the covariances among some points."""
    for i in range(near.size):
        for j in range(i + 1):
            cov[i, j] = covariance(_distance(points[near[i]], points[near[j]]), model, nugget, partial_sill, reach)


@njit(nogil=True, cache=True)
def largest_distance(points: Array) -> float:
    """Largest distance between any two of (n, 2) points."""
    largest = 0.0
    for i in range(points.shape[0]):
        x, y = points[i, 0], points[i, 1]
        for j in range(i):
            largest = max(largest, (points[j, 0] - x) ** 2 + (points[j, 1] - y) ** 2)
    return float(np.sqrt(largest))


@njit(nogil=True, cache=True)
def pair_sums(points: Array, values: Array, max_distance: float, n_bins: int) -> Array:
    """Number, summed distance and summed squared difference of the pairs in equal bins of distance.

    Parameters
    ----------
    points, values : numpy.ndarray
        (n, 2) and (n,) float64.
    max_distance : float
        Upper border of the last bin, which holds it. Pairs at distance 0 do not count.
    n_bins : int
        Each bin but the last holds only its lower border.

    Returns
    -------
    numpy.ndarray
        (n_bins, 3) float64.
    """
    sums = np.zeros((n_bins, 3))
    scale, square = n_bins / max_distance, max_distance**2
    for i in range(points.shape[0]):
        x, y, value = points[i, 0], points[i, 1], values[i]
        for j in range(i):
            h2 = (points[j, 0] - x) ** 2 + (points[j, 1] - y) ** 2
            if 0.0 < h2 <= square:
                h = np.sqrt(h2)
                row = sums[min(int(h * scale), n_bins - 1)]
                row[0] += 1.0
                row[1] += h
                row[2] += (values[j] - value) ** 2
    return sums
