"""Where the model may be trusted: how unlike the training samples a pixel's covariates are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cryoscale.errors import InputError
from cryoscale.moisture._nearest import distances_among, nearest_distance

Values = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Applicability:
    """The training samples as a measure of what is like them (Meyer and Pebesma 2021).

    Attributes
    ----------
    names : tuple of str
        Features, in the order of rows.
    centre, scale : numpy.ndarray
        (feature,): their mean, and their importance over their standard deviation.
    points : numpy.ndarray
        (feature, sample) float32: scaled training samples.
    mean_distance : float
        Of all pairs of training samples.
    training : numpy.ndarray
        (sample,): dissimilarity of each training sample to those of other folds.
    threshold : float
        Of the dissimilarity; beyond it a row is outside the area of applicability.
    """

    names: tuple[str, ...]
    centre: Values
    scale: Values
    points: Values
    mean_distance: float
    training: Values
    threshold: float

    def dissimilarity(self, rows: Values) -> Values:
        """Distance to the nearest training sample over the mean distance among these.

        Parameters
        ----------
        rows : numpy.ndarray
            (row, feature) float32, features in the order of `names`, not scaled.

        Returns
        -------
        numpy.ndarray
            (row,) float32, 0 for a training sample; NaN where a feature is NaN.

        Raises
        ------
        InputError
            If rows have another number of features.
        """
        if rows.ndim != 2 or rows.shape[1] != len(self.names):
            raise InputError(
                f"applicability: rows of shape {rows.shape}, but needs (row, {len(self.names)}) with the features "
                f"{', '.join(self.names)}."
            )
        # The mean distance is 1 in these units: it is part of the scale.
        out = np.empty(len(rows), np.float32)
        nearest_distance(np.asarray(rows, np.float32), self.points, self.centre, self.scale, out)
        return out


def fit_applicability(
    features: pd.DataFrame, *, importance: "Mapping[str, float] | pd.Series[float]", folds: ArrayLike
) -> Applicability:
    """Fit the dissimilarity index and its threshold (Meyer and Pebesma 2021, Methods Ecol. Evol. 12, 1620-1633).

    Features are standardised and multiplied by their importance. The dissimilarity of a row is its Euclidean distance
    to the nearest training sample over the mean distance of all pairs of training samples; that of a training sample is
    to the nearest one of another fold. The threshold is the largest of these that is no outlier, not above
    Q75 + 1.5 (Q75 - Q25). So the area is where predictions are to be as good as cross-validation with these folds says.

    Parameters
    ----------
    features : pandas.DataFrame
        (sample, feature).
    importance : mapping of str to float
        Of every feature, 0 or more; a share of SHAP values.
    folds : array_like
        (sample,) int, of the cross-validation.

    Returns
    -------
    Applicability

    Raises
    ------
    InputError
        If a feature is constant, not finite or without importance in the table, all importance is 0, or there are
        fewer than two folds.

    Examples
    --------
    >>> table = pd.DataFrame({"elevation": np.arange(10.0), "slope": np.arange(10.0) % 3})
    >>> area = fit_applicability(table, importance={"elevation": 0.8, "slope": 0.2}, folds=np.arange(10) % 2)
    >>> area.dissimilarity(np.float32([[3, 0], [30, 0]])) > area.threshold
    array([False,  True])
    """
    names = tuple(str(name) for name in features.columns)
    values, places = features.to_numpy(float), np.asarray(folds)
    weights = np.array([float(importance.get(name, np.nan)) for name in features.columns])
    _check(names, values, weights, places)
    spread = values.std(axis=0)
    scaled = (values - values.mean(axis=0)) * (weights / spread)
    training = np.empty(len(scaled))
    mean_distance = distances_among(scaled, np.unique(places, return_inverse=True)[1].astype(np.int64), training)
    training /= mean_distance
    centre, scale = values.mean(axis=0), weights / spread / mean_distance
    # As the rows that come later, in single precision first: then a training sample has the distance 0 to itself.
    points = np.ascontiguousarray(((values.astype(np.float32) - centre) * scale).T, np.float32)
    return Applicability(names, centre, scale, points, mean_distance, training, _upper_whisker(training))


def _upper_whisker(values: Values) -> float:
    """Largest value that a box plot does not draw as an outlier."""
    lower, upper = np.quantile(values, [0.25, 0.75])
    return float(values[values <= upper + 1.5 * (upper - lower)].max())


def _check(names: tuple[str, ...], values: Values, weights: Values, folds: Values) -> None:
    if folds.shape != (len(values),) or np.unique(folds).size < 2:
        raise InputError(
            f"applicability: {folds.shape} folds for {len(values)} samples; needs one a sample, two different at least."
        )
    problems = {
        "is not finite": ~np.isfinite(values).all(axis=0),
        "is constant": np.ptp(values, axis=0) == 0.0,
        "has no importance (0 or more)": ~(np.isfinite(weights) & (weights >= 0.0)),
    }
    for problem, where in problems.items():
        if where.any():
            raise InputError(f"applicability: feature {names[int(np.argmax(where))]!r} {problem}. Leave it out.")
    if not weights.any():
        raise InputError("applicability: all importances are 0; the features say nothing of the target.")
