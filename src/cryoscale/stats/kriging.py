"""Ordinary kriging of scattered values."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import lapack, solve_triangular
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from cryoscale.errors import InputError
from cryoscale.stats._kriging import krige_nearest
from cryoscale.stats.variogram import Variogram
from cryoscale.stats.variogram_fit import check_points

Values = np.ndarray[Any, Any]

_CHUNK = 2_000_000
"""Numbers in the largest matrix between points and targets, 16 MB: so that memory does not grow with the targets."""


@dataclass(frozen=True, slots=True, eq=False)
class Kriged:
    """What kriging says of each target.

    Attributes
    ----------
    estimate : numpy.ndarray
        (m,) float64, in the unit of the values.
    variance : numpy.ndarray
        (m,) float64, kriging variance in the squared unit of the values.
    """

    estimate: Values
    variance: Values


def krige(
    coordinates: ArrayLike,
    values: ArrayLike,
    targets: ArrayLike,
    *,
    variogram: Variogram,
    neighbours: int | None = None,
) -> Kriged:
    """Ordinary kriging: the unbiased linear estimate of least variance, of a field whose mean is not known.

    With C the covariances among the points and c those with a target, the weights w solve C w - mu 1 = c, 1'w = 1,
    and the variance is C(0) - w'c + mu (Isaaks and Srivastava 1989, chapter 12; GSLIB's KT3D). C is factorized by
    Cholesky; where rounding has made it indefinite, the bordered system of semivariances is solved by elimination with
    pivoting instead.

    The estimate passes through the values: at a point it is the value and the variance is 0, with a nugget too.
    Elsewhere the variance holds the nugget.

    Parameters
    ----------
    coordinates : array_like
        (n, 2) of the points, in the unit of the variogram's range (m), all different.
    values : array_like
        (n,), all finite.
    targets : array_like
        (m, 2) places to estimate at, in the same unit.
    variogram : Variogram
        Of the field, with a sill above 0.
    neighbours : int, optional
        Use only so many nearest points for a target (all where there are fewer), at least 1. By default all: one
        factorization of n x n, which is for some thousand points. With `neighbours` a target's result does not
        depend on which others are asked for with it; without, to rounding only.

    Returns
    -------
    Kriged

    Raises
    ------
    InputError
        If shapes do not agree, a number is not finite, points coincide, `neighbours` is below 1, or the system is
        singular.

    Examples
    --------
    >>> from cryoscale.stats.variogram import VariogramModel
    >>> variogram = Variogram(VariogramModel.SPHERICAL, nugget=0.0, partial_sill=4.0, range=100.0)
    >>> result = krige([[0, 0], [20, 0]], [1.0, 3.0], [[10, 0], [20, 0], [500, 0]], variogram=variogram)
    >>> result.estimate.round(3)
    array([2., 3., 2.])
    >>> result.variance.round(3)
    array([0.604, 0.   , 7.408])
    """
    points, numbers = check_points(coordinates, values)
    places = _check_targets(targets)
    _check_distinct(points)
    if variogram.sill == 0:
        raise InputError("variogram: its sill is 0: it says that all values are equal. Give one that fits them.")
    if neighbours is not None and neighbours < 1:
        raise InputError(f"neighbours: is {neighbours}. Give at least 1, or None for all points.")
    # Weights sum to 1: without the mean the same estimate, with less rounding.
    mean = numbers.mean()
    if neighbours is None:
        solve, width = _all_points(points, numbers - mean, variogram), len(points)
    else:
        width = min(int(neighbours), len(points))
        solve = _nearest_points(points, numbers - mean, variogram, width)
    step = max(_CHUNK // width, 1)
    parts = [solve(places[start : start + step]) for start in range(0, len(places), step)]
    estimate, variance = np.concatenate(parts, axis=1) if parts else np.empty((2, 0))
    if not (np.isfinite(estimate).all() and np.isfinite(variance).all()):
        raise InputError(
            f"kriging: the system of {width} points is singular with {variogram}. Add a nugget, or leave out points "
            "that nearly coincide."
        )
    return Kriged(estimate + mean, variance)


def _check_targets(targets: ArrayLike) -> Values:
    places = np.ascontiguousarray(targets, np.float64)
    if places.ndim != 2 or places.shape[1] != 2 or not np.isfinite(places).all():
        raise InputError(f"targets: have the shape {places.shape}. Give (m, 2) finite numbers.")
    return places


def _check_distinct(points: Values) -> None:
    """Refuse points of one place: their rows of the system would be equal."""
    order = np.lexsort(points.T)
    same = (points[order[1:]] == points[order[:-1]]).all(axis=1)
    if same.any():
        pairs = [
            f"{min(i, j)} and {max(i, j)} at {points[i].tolist()}"
            for i, j in zip(order[:-1][same][:3], order[1:][same][:3], strict=True)
        ]
        raise InputError(
            f"coordinates: {same.sum()} points repeat another one's place: {'; '.join(pairs)}. "
            "Average the values of one place, or keep one of them."
        )


def _nearest_points(points: Values, values: Values, variogram: Variogram, k: int) -> Callable[[Values], Values]:
    tree = cKDTree(points)
    parameters = (variogram.code, variogram.nugget, variogram.partial_sill, variogram.range)

    def solve(places: Values) -> Values:
        nearest = np.asarray(tree.query(places, k=np.arange(1, k + 1))[1], np.int64)
        return krige_nearest(points, values, places, nearest, *parameters)

    return solve


def _all_points(points: Values, values: Values, variogram: Variogram) -> Callable[[Values], Values]:
    cov = variogram.covariance(cdist(points, points))
    cholesky, info = lapack.dpotrf(cov, lower=True)
    lost = len(points) * np.finfo(float).eps * variogram.sill
    sound = info == 0 and cholesky.diagonal().min() ** 2 > lost
    solver = _by_cholesky(cholesky, values, variogram) if sound else _by_elimination(cov, values, variogram)

    def solve(places: Values) -> Values:
        distance = cdist(points, places)
        result = solver(distance)
        point, target = np.nonzero(distance == 0)
        result[0, target], result[1, target] = values[point], 0.0
        return result

    return solve


def _by_cholesky(cholesky: Values, values: Values, variogram: Variogram) -> Callable[[Values], Values]:
    """With L the factor, only L^-1 c is solved for each target: what else it takes are products with it."""
    ones, data = solve_triangular(cholesky, np.column_stack([np.ones_like(values), values]), lower=True).T

    def solver(distance: Values) -> Values:
        half = solve_triangular(cholesky, variogram.covariance(distance), lower=True)
        missing = 1.0 - ones @ half  # of the sum of the weights
        mu = missing / (ones @ ones)
        variance = variogram.sill - np.einsum("ij,ij->j", half, half) + mu * missing
        return np.stack([data @ half + mu * (ones @ data), np.maximum(variance, 0.0)])

    return solver


def _by_elimination(cov: Values, values: Values, variogram: Variogram) -> Callable[[Values], Values]:
    """The bordered system of semivariances, with a border as large as they are."""
    n, sill = len(values), variogram.sill
    system = np.full((n + 1, n + 1), sill)
    system[:n, :n] -= cov
    system[n, n] = 0.0
    lu, pivots, info = lapack.dgetrf(system)
    if info > 0:
        return lambda distance: np.full((2, distance.shape[1]), np.nan)

    def solver(distance: Values) -> Values:
        gamma = np.vstack([variogram.semivariance(distance), np.full(distance.shape[1], sill)])
        solution = lapack.dgetrs(lu, pivots, gamma)[0]
        variance = np.einsum("ij,ij->j", solution, gamma)
        return np.stack([values @ solution[:n], np.maximum(variance, 0.0)])

    return solver
