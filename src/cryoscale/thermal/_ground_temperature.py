"""Ridge regression from cross moments, with honest hold-outs, and its prediction at pixels that miss predictors.

Every fit and every squared error follows from the moments sum(z z') of z = (1, x, y). Those of a training set are the
total's less those of what is held out, so that choosing the penalty anew for every station left out costs little.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class RidgeFit:
    """A ridge regression and what it says of samples that it was not fitted to."""

    coefficients: Array  # (1 + predictors,) intercept first
    alpha: float
    alpha_by_station: float
    random: Array  # (samples,) each predicted from the other folds
    by_station: Array  # (samples,) each predicted from the other stations; NaN where there is one station only


def fit_ridge(x: Array, y: Array, stations: Array, folds: Array, alphas: Array) -> RidgeFit:
    """Fit a ridge regression of standardised predictors; the penalty has the least squared error in the folds.

    Parameters
    ----------
    x : numpy.ndarray
        (samples, predictors) without gaps.
    y : numpy.ndarray
        (samples,).
    stations, folds : numpy.ndarray
        (samples,) labels from 0 on without gaps.
    alphas : numpy.ndarray
        (penalties,) above 0.

    Returns
    -------
    RidgeFit
        For predictions of what is held out the penalty is chosen without it.
    """
    means = x.mean(axis=0), y.mean()
    centred = x - means[0]  # moments about the mean lose no digits
    z = np.column_stack([np.ones(len(y)), centred, y - means[1]])
    by_station = _moments(z, stations, folds)
    in_folds, in_stations = by_station.sum(axis=0), by_station.sum(axis=1)
    alpha = _choose(in_folds, alphas)
    coefficients = _ridge(in_folds.sum(axis=0), np.array([alpha]))[0]
    several = len(in_stations) > 1
    random = _held_out(_moments(z, folds, folds), alphas)[folds]
    alone = _held_out(by_station, alphas)[stations] if several else np.full((1, z.shape[1] - 1), np.nan)
    return RidgeFit(
        coefficients=np.append(coefficients[0] + means[1] - coefficients[1:] @ means[0], coefficients[1:]),
        alpha=alpha,
        alpha_by_station=_choose(in_stations, alphas) if several else np.nan,
        random=_apply(random, centred) + means[1],
        by_station=np.broadcast_to(_apply(alone, centred) + means[1], y.shape),
    )


def _moments(z: Array, units: Array, folds: Array) -> Array:
    """Sums of z z' of every unit in every fold, (units, folds, terms, terms)."""
    n_folds = int(folds.max()) + 1
    n_cells, terms = (int(units.max()) + 1) * n_folds, z.shape[1]
    cells = units * n_folds + folds
    moments = np.empty((n_cells, terms, terms))
    for i in range(terms):
        for j in range(i + 1):
            moments[:, i, j] = moments[:, j, i] = np.bincount(cells, z[:, i] * z[:, j], minlength=n_cells)
    return moments.reshape(-1, n_folds, terms, terms)


def _ridge(moments: Array, alphas: Array) -> Array:
    """Intercept and coefficients (..., penalties, 1 + predictors) of standardised predictors, in their own unit."""
    n = np.maximum(moments[..., 0, 0], 1.0)[..., None]  # a training set may be empty: its mean is 0 then
    means = moments[..., 0, 1:] / n
    covariance = moments[..., 1:, 1:] / n[..., None] - means[..., :, None] * means[..., None, :]
    variance = np.diagonal(covariance, axis1=-2, axis2=-1)[..., :-1]
    scale = np.sqrt(np.where(variance > 1e-12, variance, 1.0))  # a constant predictor has no scale, and no effect
    correlation = covariance[..., :-1, :-1] / (scale[..., :, None] * scale[..., None, :])
    penalty = (alphas / n)[..., None, None] * np.eye(scale.shape[-1])
    right = (covariance[..., :-1, -1] / scale)[..., None, :, None]
    slopes = np.linalg.solve(correlation[..., None, :, :] + penalty, right)[..., 0] / scale[..., None, :]
    intercepts = means[..., -1:] - (slopes @ means[..., :-1, None])[..., 0]
    return np.concatenate([intercepts[..., None], slopes], axis=-1)


def _squared_errors(moments: Array, coefficients: Array) -> Array:
    terms = np.concatenate([-coefficients, np.ones((*coefficients.shape[:-1], 1))], axis=-1)
    return np.asarray(np.einsum("...i,...ij,...j->...", terms, moments, terms))


def _choose(in_folds: Array, alphas: Array) -> float:
    """Penalty with the least squared error over all folds, each predicted from the others."""
    paths = _ridge(in_folds.sum(axis=0) - in_folds, alphas)
    return float(alphas[np.argmin(_squared_errors(in_folds[:, None], paths).sum(axis=0))])


def _held_out(moments: Array, alphas: Array) -> Array:
    """Coefficients (units, 1 + predictors) from all samples but the unit's, as is the choice of their penalty."""
    rest = moments.sum(axis=0) - moments
    return np.stack([_ridge(fold.sum(axis=0), np.array([_choose(fold, alphas)]))[0] for fold in rest])


def _apply(coefficients: Array, x: Array) -> Array:
    return np.asarray(coefficients[:, 0] + (coefficients[:, 1:] * x).sum(axis=1))


@njit(cache=True, nogil=True, error_model="numpy")
def earlier_correlations(stations: Array, days: Array, correlation: float) -> Array:
    """Sum of correlation^(days between) over the earlier rows of the same station.

    Parameters
    ----------
    stations, days : numpy.ndarray
        (samples,) ordered by station, then day.
    correlation : float
        Of neighbouring days, at least 0 and below 1.

    Returns
    -------
    numpy.ndarray
        (samples,).
    """
    sums = np.zeros(days.size)
    for i in range(1, days.size):
        if stations[i] == stations[i - 1]:
            sums[i] = (sums[i - 1] + 1.0) * correlation ** (days[i] - days[i - 1])
    return sums


@dataclass(frozen=True)
class Predictor:
    """A linear model for each set of predictors that a pixel may have; bit j of its row stands for predictor j."""

    intercepts: Array  # (2^predictors,) NaN where there is no model
    coefficients: Array  # (2^predictors, predictors) 0 where a model does not use the predictor
    variances: Array  # (2^predictors,) of the model's own error

    def __call__(self, predictors: Array, variance: Array | None = None) -> tuple[Array, Array]:
        """Predicted value and its standard error.

        Parameters
        ----------
        predictors : numpy.ndarray
            (predictors, ...); what is not finite is not there.
        variance : numpy.ndarray, optional
            (predictors, ...) error variance of the predictors.

        Returns
        -------
        tuple of numpy.ndarray
            (...) in the type of `predictors`; NaN where no predictor is there.
        """
        flat = predictors.reshape(len(predictors), -1)
        none = np.zeros((len(flat), 0), flat.dtype)
        value, error = np.empty(flat.shape[1], flat.dtype), np.empty(flat.shape[1], flat.dtype)
        given = none if variance is None else variance.reshape(flat.shape).astype(flat.dtype, copy=False)
        _predict(flat, given, self.intercepts, self.coefficients, self.variances, value, error)
        return value.reshape(predictors.shape[1:]), error.reshape(predictors.shape[1:])


@njit(cache=True, nogil=True, error_model="numpy")
def _predict(
    x: Array, variance: Array, intercepts: Array, coefficients: Array, variances: Array, value: Array, error: Array
) -> None:
    """Write value and error (pixels,) from x (predictors, pixels); an empty variance is none."""
    for pixel in range(x.shape[1]):
        row = 0
        for j in range(x.shape[0]):
            row += int(np.isfinite(x[j, pixel])) << j
        mean, spread = intercepts[row], variances[row]
        for j in range(x.shape[0]):
            mean += coefficients[row, j] * (x[j, pixel] if np.isfinite(x[j, pixel]) else 0.0)
        if variance.shape[1] > 0:
            for j in range(x.shape[0]):
                known, slope = variance[j, pixel], coefficients[row, j]  # loaded first: a select, not a branch
                spread += slope * slope * (known if slope != 0.0 else 0.0)  # what is not used may be NaN
        value[pixel], error[pixel] = mean, np.sqrt(spread)
