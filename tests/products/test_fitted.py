"""Fitted models of a run: fitted once, sent by name, never mistaken for those of another run."""

import json
import os
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from cryoscale.errors import StoreError
from cryoscale.products.fitted import StoredModel, fitted_once
from cryoscale.store import Provenance

ROWS = np.random.default_rng(0).normal(size=(200, 4))
TARGET = ROWS[:, 0] + ROWS[:, 1] ** 2


def forest(seed=0):
    return RandomForestRegressor(n_estimators=40, random_state=seed).fit(ROWS, TARGET)


def provenance(seed=0):
    return Provenance("forest", {"seed": seed}, {"samples": "ab12"})


def never():
    raise AssertionError("fitted again")


def asked(model):
    return os.getpid(), model.predict(ROWS)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results" / "forest.joblib"


def test_it_is_fitted_once_and_read_after_that(path):
    first = fitted_once(path, provenance(), fit=forest, overwrite=False)
    again = fitted_once(path, provenance(), fit=never, overwrite=True)
    np.testing.assert_array_equal(again.predict(ROWS), forest().predict(ROWS))
    np.testing.assert_array_equal(first.predict(ROWS), again.predict(ROWS))
    assert again.n_estimators == 40
    assert sorted(p.name for p in path.parent.iterdir()) == ["forest.joblib", "forest.json"]


def test_another_run_is_refused_with_what_differs_or_replaced(path):
    fitted_once(path, provenance(), fit=forest, overwrite=False)
    message = r"forest.joblib: was fitted by another run:\n  - config.seed: 0 in the .*, 1 .*\nGive --overwrite"
    with pytest.raises(StoreError, match=message):
        fitted_once(path, provenance(1), fit=never, overwrite=False)
    replaced = fitted_once(path, provenance(1), fit=lambda: forest(1), overwrite=True)
    np.testing.assert_array_equal(replaced.predict(ROWS), forest(1).predict(ROWS))
    assert json.loads(path.with_suffix(".json").read_text()) == json.loads(json.dumps(provenance(1).to_attrs()))


def test_a_model_without_its_label_is_fitted_again(path):
    """As after a crash between the two files."""
    fitted_once(path, provenance(1), fit=lambda: forest(1), overwrite=False)
    path.with_suffix(".json").unlink()
    model = fitted_once(path, provenance(), fit=forest, overwrite=False)
    np.testing.assert_array_equal(model.predict(ROWS), forest().predict(ROWS))


def test_a_failed_fit_leaves_nothing_that_is_trusted(path):
    with pytest.raises(AssertionError, match="fitted again"):
        fitted_once(path, provenance(), fit=never, overwrite=False)
    assert not path.exists()
    fitted_once(path, provenance(), fit=forest, overwrite=False)


def test_it_travels_by_name_and_works_in_another_process(path):
    model = fitted_once(path, provenance(), fit=forest, overwrite=False)
    assert len(pickle.dumps(model)) < 400 < path.stat().st_size / 100
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        process, predicted = pool.submit(asked, model).result()
    assert process != os.getpid()
    np.testing.assert_array_equal(predicted, model.predict(ROWS))


def test_a_worker_takes_the_newer_of_two_models_of_one_name(path):
    old = fitted_once(path, provenance(), fit=forest, overwrite=False)
    assert old.random_state == 0
    new = pickle.loads(pickle.dumps(fitted_once(path, provenance(1), fit=lambda: forest(1), overwrite=True)))
    assert new.random_state == 1


def test_what_the_model_lacks_it_lacks(path):
    model = fitted_once(path, provenance(), fit=forest, overwrite=False)
    with pytest.raises(AttributeError, match="features_"):
        _ = model.features_
    with pytest.raises(AttributeError, match="__array__"):
        _ = model.__array__
    assert isinstance(model, StoredModel)
