"""How well a classifier of vegetation does on samples that it has not seen, and what its features are worth."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import clone

from cryoscale.errors import InputError
from cryoscale.ground.vegetation import VegetationClassifier, class_labels
from cryoscale.learning.folds import fold_splits
from cryoscale.stats.confusion import Confusion, confusion

Values = np.ndarray[Any, Any]


def validate_classifier(
    features: pd.DataFrame,
    classes: ArrayLike,
    *,
    folds: ArrayLike,
    classifier: VegetationClassifier | None = None,
) -> Confusion:
    """Agreement of classes predicted for samples that the forest has not seen with those observed.

    Random folds (`learning.random_folds`) say how well it does between the samples; folds of spatial blocks
    (`learning.spatial_blocks` and `grouped_folds`) how well where there are none (Roberts et al. 2017, Ecography 40,
    913). A class whose samples all lie in one fold cannot be learned without it and counts as wrong.

    Parameters
    ----------
    features, classes
        As for `VegetationClassifier.fit`.
    folds : array_like of int
        Fold of each sample, (n,).
    classifier : VegetationClassifier, optional
        Whose parameters are taken; by default those of its constructor.

    Returns
    -------
    Confusion
        Predicted (rows) against observed class.

    Raises
    ------
    InputError
        As `VegetationClassifier.fit`; or if a class has a single sample, there are fewer than two folds, or the
        samples outside a fold have one class only.

    Examples
    --------
    >>> features = pd.DataFrame({"ndvi": np.linspace(0, 1, 40)})
    >>> classes = np.where(features["ndvi"] < 0.4, "bare", "meadow")
    >>> small = VegetationClassifier(n_trees=9)
    >>> validate_classifier(features, classes, folds=np.arange(40) % 4, classifier=small).overall_accuracy
    0.975
    """
    trials = _OutOfFold.of(features, classes, folds=folds, classifier=classifier)
    return trials.agreement(trials.predict(features))


def class_importance(
    features: pd.DataFrame,
    classes: ArrayLike,
    *,
    folds: ArrayLike,
    classifier: VegetationClassifier | None = None,
    n_repeats: int = 5,
    seed: int = 0,
) -> pd.DataFrame:
    """What each feature is worth: the loss of out-of-fold accuracy when its values are shuffled among the samples.

    Unlike the forest's own impurity measure it is of samples that the trees have not seen. Features that say the same
    share their worth.

    Parameters
    ----------
    features, classes, folds, classifier
        As for `validate_classifier`.
    n_repeats : int
        Shuffles of each feature, 1 or more.
    seed : int
        Of the shuffles.

    Returns
    -------
    pandas.DataFrame
        By feature, the most important first: ``accuracy_loss``, mean loss of balanced accuracy (mean of the producer's
        accuracies), and ``accuracy_loss_sd``, its standard deviation between shuffles.

    Raises
    ------
    InputError
        As `validate_classifier`, or if `n_repeats` is below 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> features = pd.DataFrame({"ndvi": np.linspace(0, 1, 40), "noise": rng.random(40)})
    >>> classes = np.where(features["ndvi"] < 0.4, "bare", "meadow")
    >>> folds, small = np.arange(40) % 4, VegetationClassifier(n_trees=9)
    >>> class_importance(features, classes, folds=folds, classifier=small).index.tolist()
    ['ndvi', 'noise']
    """
    if n_repeats < 1:
        raise InputError(f"n_repeats: must be 1 or more, not {n_repeats!r}.")
    trials = _OutOfFold.of(features, classes, folds=folds, classifier=classifier)
    whole = trials.agreement(trials.predict(features)).balanced_accuracy
    rng = np.random.default_rng(seed)
    losses = {}
    for name in features.columns:
        shuffled = (features.assign(**{name: rng.permutation(features[name].to_numpy())}) for _ in range(n_repeats))
        losses[name] = [whole - trials.agreement(trials.predict(table)).balanced_accuracy for table in shuffled]
    table = pd.DataFrame(losses)
    worth = pd.DataFrame({"accuracy_loss": table.mean(), "accuracy_loss_sd": table.std(ddof=0)})
    return worth.sort_values("accuracy_loss", ascending=False, kind="stable")


@dataclass(frozen=True)
class _OutOfFold:
    """Forests of all folds but one, with the samples that each may be asked for."""

    observed: Values
    fitted: tuple[tuple[VegetationClassifier, Values], ...]

    @classmethod
    def of(
        cls, features: pd.DataFrame, classes: ArrayLike, *, folds: ArrayLike, classifier: VegetationClassifier | None
    ) -> Self:
        names, labels = class_labels(classes, n=len(features)), np.asarray(folds)
        _check_splits(names, labels)
        model = VegetationClassifier() if classifier is None else classifier
        return cls(
            names,
            tuple((clone(model).fit(features.iloc[train], names[train]), test) for train, test in fold_splits(labels)),
        )

    def predict(self, features: pd.DataFrame) -> Values:
        predicted = np.empty_like(self.observed)
        for model, test in self.fitted:
            predicted[test] = model.predict(features.iloc[test])
        return predicted

    def agreement(self, predicted: Values) -> Confusion:
        names = np.unique(self.observed)
        codes = (np.searchsorted(names, which) + 1 for which in (predicted, self.observed))
        return confusion(*codes, classes={code + 1: str(name) for code, name in enumerate(names)})


def _check_splits(names: Values, folds: Values) -> None:
    found, counts = np.unique(names, return_counts=True)
    if (counts < 2).any():
        raise InputError(
            f"classes: {', '.join(found[counts < 2])} has a single sample, which cannot be both learned and tested. "
            "Merge it with a class that is like it."
        )
    if folds.shape != names.shape or len(np.unique(folds)) < 2:
        raise InputError(
            f"folds: have the shape {folds.shape} and {len(np.unique(folds))} values. Give each of the {len(names)} "
            "samples one of two or more folds."
        )
