"""Versions of what learners are fitted by."""

import catboost
import numpy as np
import pytest
import sklearn
import xgboost

from cryoscale.errors import MissingExtraError
from cryoscale.moisture import versions
from cryoscale.moisture.versions import LIBRARIES, library_versions


def test_they_are_what_the_modules_say_of_themselves():
    found = library_versions()
    assert set(found) == set(LIBRARIES)
    for module in (np, sklearn, xgboost, catboost):
        assert found[module.__name__] == module.__version__


def test_missing_ones_are_all_named_with_the_way_to_get_them(monkeypatch):
    wheels = {name: [name] for name in ("numpy", "sklearn", "shap")}
    monkeypatch.setattr(versions, "packages_distributions", lambda: wheels)
    with pytest.raises(MissingExtraError, match=r"moisture: needs xgboost, catboost: pip install 'cryoscale\[moist"):
        library_versions()
