import dask
import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from cryoscale.learning.probabilities import predict_probabilities


@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesClassifier])
def test_it_is_what_the_forest_itself_says_to_the_bit(kind):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 4))
    forest = kind(30, max_depth=4, random_state=0).fit(rows, rng.integers(0, 3, 300))
    expected = forest.predict_proba(rows)
    np.testing.assert_array_equal(predict_probabilities(forest, rows), expected)
    tasks = [dask.delayed(predict_probabilities)(forest, rows[i : i + 30]) for i in range(0, 300, 30)]
    np.testing.assert_array_equal(np.concatenate(dask.compute(*tasks, scheduler="threads")), expected)


def test_other_classifiers_are_asked_as_they_are():
    rows = np.arange(20.0)[:, None]
    model = LogisticRegression().fit(rows, rows[:, 0] > 8)
    np.testing.assert_array_equal(predict_probabilities(model, rows), model.predict_proba(rows))
