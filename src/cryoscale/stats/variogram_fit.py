"""Variograms of scattered values: the empirical one, and the model that fits it best."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

from cryoscale.errors import InputError
from cryoscale.stats._kriging import largest_distance, pair_sums
from cryoscale.stats.variogram import Variogram, VariogramModel

Values = np.ndarray[Any, Any]

_TRIALS = 60
"""Ranges tried before the best one is refined: with 15 bins each is 8 % longer than the one before."""


@dataclass(frozen=True, slots=True, eq=False)
class EmpiricalVariogram:
    """Semivariances of the pairs of points in bins of distance; bins without a pair are left out.

    Attributes
    ----------
    distance : numpy.ndarray
        (bin,) mean distance of the pairs, in the unit of the coordinates.
    semivariance : numpy.ndarray
        (bin,) half the mean squared difference of the pairs, in the squared unit of the values.
    n_pairs : numpy.ndarray
        (bin,) int64.
    """

    distance: Values
    semivariance: Values
    n_pairs: Values


def empirical_variogram(
    coordinates: ArrayLike, values: ArrayLike, *, max_distance: float | None = None, n_bins: int = 15
) -> EmpiricalVariogram:
    """Matheron's estimator of the semivariance, sum (z_i - z_j)^2 / (2 N), over the N pairs in each bin of distance.

    Parameters
    ----------
    coordinates : array_like
        (n, 2), in one unit (m), at least two of them different.
    values : array_like
        (n,), all finite.
    max_distance : float, optional
        Longest distance of a pair that counts; half of the largest one by default, as longer distances are those of
        few points at opposite borders.
    n_bins : int
        Bins of equal width between 0 and `max_distance`.

    Returns
    -------
    EmpiricalVariogram
        Pairs at distance 0 do not count.

    Raises
    ------
    InputError
        If shapes do not agree, a number is not finite, no pair is near enough, or a parameter is out of range.

    Examples
    --------
    >>> result = empirical_variogram([[0, 0], [1, 0], [2, 0], [3, 0]], [1.0, 3.0, 2.0, 2.0], max_distance=2.5, n_bins=2)
    >>> result.distance, result.n_pairs
    (array([1., 2.]), array([3, 2]))
    >>> result.semivariance
    array([0.83333333, 0.5       ])
    """
    points, numbers = check_points(coordinates, values)
    reach = largest_distance(points) / 2 if max_distance is None else float(max_distance)
    if not (np.isfinite(reach) and reach > 0):
        raise InputError(f"max_distance: is {reach}. Give a positive one, or points that are not all in one place.")
    if n_bins < 1:
        raise InputError(f"n_bins: is {n_bins}. Give at least 1.")
    number, distance, squares = pair_sums(points, numbers, reach, int(n_bins)).T
    filled = number > 0
    if not filled.any():
        raise InputError(f"empirical variogram: no two points are within {reach}. Give a larger max_distance.")
    number = number[filled]
    return EmpiricalVariogram(distance[filled] / number, squares[filled] / (2 * number), number.astype(np.int64))


def check_points(coordinates: ArrayLike, values: ArrayLike) -> tuple[Values, Values]:
    """Refuse what is not a value at each of some places.

    Parameters
    ----------
    coordinates, values : array_like
        (n, 2) and (n,).

    Returns
    -------
    tuple of numpy.ndarray
        The two as contiguous float64.

    Raises
    ------
    InputError
        If shapes do not agree, or a number is not finite.
    """
    points, numbers = (np.ascontiguousarray(array, np.float64) for array in (coordinates, values))
    if points.ndim != 2 or points.shape[1] != 2 or numbers.shape != points.shape[:1] or not numbers.size:
        raise InputError(
            f"coordinates and values: have the shapes {points.shape} and {numbers.shape}. Give (n, 2) and (n,), n >= 1."
        )
    bad = ~(np.isfinite(points).all(axis=1) & np.isfinite(numbers))
    if bad.any():
        first = int(np.argmax(bad))
        raise InputError(
            f"coordinates and values: {bad.sum()} of {bad.size} points are not finite, the first is number {first} "
            f"(x, y = {points[first].tolist()}, value {numbers[first]}). Leave them out."
        )
    return points, numbers


def fit_variogram(empirical: EmpiricalVariogram, *, model: VariogramModel) -> Variogram:
    """Fit a variogram by weighted least squares (Cressie 1985, Math. Geol. 17, 563).

    The weight of a bin is N / h^2, its number of pairs by its squared distance: near the origin, where it is
    Cressie's own N / gamma^2 for a linear variogram, but free of the parameters (Zhang et al. 1995, Comput. Geosci.
    21, 605). For a given range the best nugget and partial sill, neither negative, have a closed form; so only the
    range is searched, between half of the shortest and three times the longest distance: no starting values, always
    the same answer. A variogram that goes on rising gets the longest range.

    Parameters
    ----------
    empirical : EmpiricalVariogram
        With three bins or more.
    model : VariogramModel
        Shape to fit.

    Returns
    -------
    Variogram
        With a partial sill of 0 where the semivariance does not rise with distance.

    Raises
    ------
    InputError
        If there are fewer than three bins or all semivariances are 0.

    Examples
    --------
    >>> truth = Variogram(VariogramModel.SPHERICAL, nugget=0.5, partial_sill=2.0, range=700.0)
    >>> h = np.linspace(50.0, 1000.0, 20)
    >>> empirical = EmpiricalVariogram(h, truth.semivariance(h), np.full(20, 30))
    >>> fitted = fit_variogram(empirical, model=VariogramModel.SPHERICAL)
    >>> round(fitted.nugget, 3), round(fitted.partial_sill, 3), round(fitted.range, 1)
    (0.5, 2.0, 700.0)
    """
    _check_bins(empirical)
    shortest, longest = empirical.distance.min() / 2, empirical.distance.max() * 3
    trials = np.geomspace(shortest, longest, _TRIALS)
    best = int(np.argmin([_residual(empirical, _at_range(empirical, model, reach)) for reach in trials]))
    around = np.log(trials[[max(best - 1, 0), min(best + 1, _TRIALS - 1)]])
    refined = minimize_scalar(
        lambda log_reach: _residual(empirical, _at_range(empirical, model, float(np.exp(log_reach)))),
        bounds=(around[0], around[1]),
        method="bounded",
        options={"xatol": 1e-9},
    )
    candidates = [_at_range(empirical, model, reach) for reach in (float(np.exp(refined.x)), float(trials[best]))]
    return min(candidates, key=lambda variogram: _residual(empirical, variogram))


def choose_variogram(
    empirical: EmpiricalVariogram, models: Iterable[VariogramModel] = tuple(VariogramModel)
) -> Variogram:
    """Fit several models and keep the one with the smallest weighted sum of squares; of equal ones the first.

    Parameters
    ----------
    empirical : EmpiricalVariogram
        With three bins or more.
    models : iterable of VariogramModel
        Shapes to try, all by default.

    Returns
    -------
    Variogram

    Raises
    ------
    InputError
        If there is no model, or as `fit_variogram` does.

    Examples
    --------
    >>> truth = Variogram(VariogramModel.GAUSSIAN, nugget=0.5, partial_sill=2.0, range=700.0)
    >>> h = np.linspace(50.0, 1000.0, 20)
    >>> choose_variogram(EmpiricalVariogram(h, truth.semivariance(h), np.full(20, 30))).model
    <VariogramModel.GAUSSIAN: 'gaussian'>
    """
    fits = [fit_variogram(empirical, model=model) for model in models]
    if not fits:
        raise InputError(f"models: is empty. Give at least one of {', '.join(VariogramModel)}.")
    return min(fits, key=lambda variogram: _residual(empirical, variogram))


def _check_bins(empirical: EmpiricalVariogram) -> None:
    if empirical.distance.size < 3:
        raise InputError(
            f"empirical variogram: has {empirical.distance.size} bins with pairs, and a variogram has 3 parameters. "
            "Give more points, a larger max_distance, or more bins."
        )
    if not empirical.semivariance.any():
        raise InputError("empirical variogram: all semivariances are 0: the values are constant. There is none to fit.")


def _weights(empirical: EmpiricalVariogram) -> Values:
    """N / h^2 as shares: neither the unit of distance nor the number of pairs changes what is compared."""
    weights = empirical.n_pairs / empirical.distance**2
    return np.asarray(weights / weights.sum())


def _residual(empirical: EmpiricalVariogram, variogram: Variogram) -> float:
    """Weighted mean squared difference of the semivariances."""
    difference = variogram.semivariance(empirical.distance) - empirical.semivariance
    return float(_weights(empirical) @ difference**2)


def _at_range(empirical: EmpiricalVariogram, model: VariogramModel, reach: float) -> Variogram:
    """Best nugget and partial sill of a given range, neither negative."""
    weights, gamma = _weights(empirical), empirical.semivariance
    s = Variogram(model, nugget=0.0, partial_sill=1.0, range=reach).semivariance(empirical.distance)
    mean_s, mean_gamma = weights @ s, weights @ gamma
    spread = weights @ (s - mean_s) ** 2
    slope = weights @ ((s - mean_s) * (gamma - mean_gamma)) / spread if spread > 0 else 0.0
    if slope <= 0:
        return Variogram(model, nugget=float(mean_gamma), partial_sill=0.0, range=reach)
    nugget = mean_gamma - slope * mean_s
    if nugget < 0:
        nugget, slope = 0.0, weights @ (s * gamma) / (weights @ s**2)
    return Variogram(model, nugget=float(nugget), partial_sill=float(slope), range=reach)
