"""Probabilities of classes by threads at the same time."""

from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

Values = np.ndarray[Any, Any]


def predict_probabilities(model: Any, rows: Values) -> Values:
    """How probable a fitted classifier takes each class to be, safely while other threads do the same.

    The trees of a forest are asked one by one, for the reason that `predict_rows` gives.

    Parameters
    ----------
    model : object
        A fitted classifier of scikit-learn's manner, of one output.
    rows : numpy.ndarray
        (row, feature), without NaN.

    Returns
    -------
    numpy.ndarray
        (row, class), what ``model.predict_proba`` gives in one thread, to the bit; classes in the order of
        ``model.classes_``.

    Examples
    --------
    >>> rows = np.arange(20.0)[:, None]
    >>> forest = RandomForestClassifier(5, random_state=0).fit(rows, rows[:, 0] > 7)
    >>> bool((predict_probabilities(forest, rows) == forest.predict_proba(rows)).all())
    True
    """
    if not isinstance(model, RandomForestClassifier | ExtraTreesClassifier):
        predicted: Values = model.predict_proba(rows)
        return predicted
    table = np.ascontiguousarray(rows, np.float32)
    total = np.zeros((len(table), len(model.classes_)))
    for tree in model.estimators_:
        total += tree.tree_.predict(table)
    return total / len(model.estimators_)
