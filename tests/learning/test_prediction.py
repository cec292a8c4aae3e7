import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor
from sklearn.linear_model import Ridge

from cryoscale.learning import predict_rows

ROWS = np.random.default_rng(0).normal(size=(400, 3)).astype("float32")
TARGET = ROWS[:, 0] ** 2 + ROWS[:, 1]


@pytest.mark.parametrize("model", [RandomForestRegressor(7, random_state=0), ExtraTreesRegressor(7), Ridge()])
def test_predictions_are_the_models_own(model):
    model.fit(ROWS, TARGET)
    np.testing.assert_array_equal(predict_rows(model, ROWS), model.predict(ROWS))


def test_threads_leave_the_filters_of_warnings_alone():
    model = RandomForestRegressor(20, random_state=0).fit(ROWS, TARGET)
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: predict_rows(model, ROWS), range(64)))
    assert list(warnings.filters) == before
    assert all((result == results[0]).all() for result in results)
