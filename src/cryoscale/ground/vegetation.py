"""Vegetation: a map of classes by a random forest from labelled points."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.utils.validation import check_is_fitted

from cryoscale.errors import InputError
from cryoscale.learning.probabilities import predict_probabilities
from cryoscale.lift import lift
from cryoscale.stats.pairing import paired_with

Values = np.ndarray[Any, Any]


class ClassWeight(StrEnum):
    """What a class counts in the forest: as many samples as it has, or as much as every other class."""

    SAMPLES = "samples"
    BALANCED = "balanced"


class VegetationClassifier(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Random forest of classes (Breiman 2001, Mach. Learn. 45, 5), by scikit-learn.

    Parameters
    ----------
    n_trees : int
        Number of trees.
    min_samples_leaf : int
        Fewest samples in a leaf; larger ones smooth the probabilities.
    max_features : str or float
        Features that a split may choose from: ``"sqrt"``, ``"log2"``, or a share of all.
    class_weight : ClassWeight
        ``balanced`` weighs each class by the inverse of its number of samples: rare classes get larger areas and
        higher producer's accuracies, at the cost of their user's accuracies. ``samples`` takes the shares of the
        samples for those of the ground, which is right for samples drawn at random from all of it.
    seed : int
        Of the forest.

    Attributes
    ----------
    forest_ : sklearn.ensemble.RandomForestClassifier
        The fitted forest.
    features_ : tuple of str
        Names of the features, in the order of the fit.
    classes_ : tuple of str
        Names of the classes in alphabetical order: the first has code 1.

    Examples
    --------
    >>> features = pd.DataFrame({"ndvi": [0.1, 0.15, 0.2, 0.6, 0.7, 0.8]})
    >>> classes = ["bare"] * 3 + ["meadow"] * 3
    >>> classifier = VegetationClassifier(n_trees=20).fit(features, classes)
    >>> classifier.predict(pd.DataFrame({"ndvi": [0.12, 0.75]})).tolist()
    ['bare', 'meadow']
    """

    def __init__(
        self,
        *,
        n_trees: int = 500,
        min_samples_leaf: int = 1,
        max_features: str | float = "sqrt",
        class_weight: ClassWeight = ClassWeight.BALANCED,
        seed: int = 0,
    ) -> None:
        self.n_trees = n_trees
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.class_weight = class_weight
        self.seed = seed

    def fit(self, features: pd.DataFrame, classes: ArrayLike) -> Self:
        """Grow the forest.

        Parameters
        ----------
        features : pandas.DataFrame
            One row a sample, one column a feature: numbers, none missing.
        classes : array_like of str
            Name of the class of each sample, (n,); one word each, as in ``flag_meanings``.

        Returns
        -------
        VegetationClassifier
            Itself.

        Raises
        ------
        InputError
            If a feature is missing or not a number, a class has no usable name, or there are fewer than two classes.
        """
        names = class_labels(classes, n=len(features))
        found = sorted(set(names.tolist()))
        if not 2 <= len(found) <= 255:
            raise InputError(f"classes: the samples have {len(found)} classes ({', '.join(found[:5])}); give 2 to 255.")
        weight = {ClassWeight.SAMPLES: None, ClassWeight.BALANCED: "balanced"}[ClassWeight(self.class_weight)]
        forest = RandomForestClassifier(
            self.n_trees,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            class_weight=weight,
            random_state=self.seed,
            n_jobs=1,
        )
        self.features_ = tuple(str(name) for name in features.columns)
        self.forest_ = forest.fit(_feature_rows(features, self.features_), names)
        self.classes_ = tuple(str(name) for name in forest.classes_)
        return self

    def predict(self, features: pd.DataFrame) -> Values:
        """Most probable class of each row.

        Parameters
        ----------
        features : pandas.DataFrame
            The columns of the fit, in any order.

        Returns
        -------
        numpy.ndarray
            (n,) str; of equally probable classes the first in alphabetical order.

        Raises
        ------
        InputError
            If a feature is missing.
        """
        most_probable = self.predict_proba(features).argmax(axis=1)
        return np.asarray(np.asarray(self.classes_)[most_probable])

    def predict_proba(self, features: pd.DataFrame) -> Values:
        """Probability of each class for each row: the mean over the trees of the classes' shares in the leaf.

        Parameters
        ----------
        features : pandas.DataFrame
            The columns of the fit, in any order.

        Returns
        -------
        numpy.ndarray
            (n, class) float64, classes as in `classes_`.

        Raises
        ------
        InputError
            If a feature is missing.
        """
        check_is_fitted(self)
        return predict_probabilities(self.forest_, _feature_rows(features, self.features_))


def class_labels(classes: ArrayLike, *, n: int) -> Values:
    """Refuse what does not name a class for each sample.

    Parameters
    ----------
    classes : array_like of str
        Name of the class of each sample.
    n : int
        Number of samples.

    Returns
    -------
    numpy.ndarray
        (n,) str.

    Raises
    ------
    InputError
        If there are not `n` of them, or one is no single word (codes, missing values).
    """
    labels = np.asarray(classes)
    if labels.shape != (n,):
        raise InputError(f"classes: have the shape {labels.shape}, but there are {n} samples. Give one class a sample.")
    for label in pd.unique(pd.Series(labels)):
        if not isinstance(label, str) or label.split() != [label] or label == "no_data":
            raise InputError(
                f"classes: {label!r} is no name of a class. Give each class, and each code, a name of one word other "
                "than no_data, such as alpine_meadow; leave out samples without a class."
            )
    return labels.astype(str)


def _feature_rows(features: pd.DataFrame, names: tuple[str, ...]) -> Values:
    """Features as float32, as the forest takes them."""
    absent = [name for name in names if name not in features]
    if absent or not names:
        raise InputError(f"features: lack the columns {absent}; they hold {list(features.columns)}.")
    if len(set(names)) < len(names):
        raise InputError(f"features: the columns {list(names)} repeat a name. Keep one of each.")
    words = [name for name in names if not pd.api.types.is_numeric_dtype(features[name])]
    if words:
        raise InputError(f"features: {words[0]} is {features[words[0]].dtype}, not a number. Code it by 0 and 1.")
    rows = features[list(names)].to_numpy(np.float32)
    incomplete = ~np.isfinite(rows).all(axis=1)
    if incomplete.any():
        at = features.index[incomplete].tolist()
        raise InputError(
            f"features: {len(at)} of {len(rows)} samples have missing values (rows {', '.join(map(str, at[:5]))}). "
            "Leave them out."
        )
    return rows


def classify_vegetation(covariates: xr.Dataset, classifier: VegetationClassifier) -> xr.Dataset:
    """Map of classes and of their probabilities.

    Parameters
    ----------
    covariates : xarray.Dataset
        The features of the fit, (y, x) on one grid, in the units of the samples; lazy or not.
    classifier : VegetationClassifier
        Fitted.

    Returns
    -------
    xarray.Dataset
        ``vegetation_class`` (y, x) uint8, whose flags name the classes from 1 on, 0 where a covariate is missing;
        ``vegetation_probability`` (vegetation, y, x) float32, NaN there, with the names as coordinate. Lazy where an
        input is; the same to the bit however it is cut.

    Raises
    ------
    InputError
        If a covariate is absent or lies on another grid.

    Examples
    --------
    >>> samples = pd.DataFrame({"ndvi": [0.1, 0.15, 0.2, 0.6, 0.7, 0.8]})
    >>> classifier = VegetationClassifier(n_trees=20).fit(samples, ["bare"] * 3 + ["meadow"] * 3)
    >>> ndvi = xr.DataArray([[0.1, 0.7, np.nan]], dims=("y", "x"))
    >>> mapped = classify_vegetation(ndvi.to_dataset(name="ndvi"), classifier)
    >>> mapped.vegetation_class.values.tolist(), mapped.vegetation_class.attrs["flag_meanings"]
    ([[1, 2, 0]], 'no_data bare meadow')
    """
    check_is_fitted(classifier)
    absent = [name for name in classifier.features_ if name not in covariates]
    if absent:
        raise InputError(f"covariates: lack {absent}, which the classifier was fitted to. Add them.")
    first, *others = (covariates[name] for name in classifier.features_)
    layers = [first, *(paired_with(first, other) for other in others)]
    coords: Mapping[Hashable, Any] = {"vegetation": list(classifier.classes_)}
    mapped = lift(
        _Classified(classifier.forest_),
        *layers,
        core_dims=[()] * len(layers),
        outputs={"vegetation_class": (), "vegetation_probability": ("vegetation",)},
        coords=coords,
    )
    mapped["vegetation_class"].attrs |= {
        "flag_values": list(range(len(classifier.classes_) + 1)),
        "flag_meanings": " ".join(("no_data", *classifier.classes_)),
    }
    return mapped


@dataclass(frozen=True)
class _Classified:
    """Codes and probabilities of the classes of a block."""

    forest: RandomForestClassifier

    def __call__(self, *layers: Values) -> tuple[Values, Values]:
        rows = np.stack([layer.astype(np.float32, copy=False).ravel() for layer in layers], axis=1)
        known = np.isfinite(rows).all(axis=1)
        codes = np.zeros(len(rows), np.uint8)
        shares = np.full((len(self.forest.classes_), len(rows)), np.nan, np.float32)
        if known.any():
            probabilities = predict_probabilities(self.forest, rows[known])
            codes[known] = probabilities.argmax(axis=1) + 1
            shares[:, known] = probabilities.T
        shape = layers[0].shape
        return codes.reshape(shape), shares.reshape(-1, *shape)
