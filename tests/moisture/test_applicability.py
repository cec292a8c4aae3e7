"""Dissimilarity against its definition written out, and whether it tells the foreign from the known."""

import numpy as np
import pandas as pd
import pytest

from cryoscale.errors import InputError
from cryoscale.learning import random_folds
from cryoscale.moisture.applicability import fit_applicability

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame({"lst": RNG.normal(5, 3, 200), "elevation": RNG.normal(4800, 200, 200), "sand": RNG.random(200)})
IMPORTANCE = {"lst": 0.6, "elevation": 0.3, "sand": 0.1}
FOLDS = random_folds(200, 5, seed=0)


def definition(table, importance, folds, rows):
    """Meyer and Pebesma (2021), section 2.2, one step after the other."""
    weights = np.array([importance[name] for name in table])
    standard = ((table - table.mean()) / table.std(ddof=0)).to_numpy() * weights
    new = ((rows - table.mean().to_numpy()) / table.std(ddof=0).to_numpy()) * weights
    distances = np.sqrt(((standard[:, None] - standard[None]) ** 2).sum(axis=-1))
    mean = distances[np.triu_indices(len(table), 1)].mean()
    training = np.array([distances[i, folds != folds[i]].min() for i in range(len(table))]) / mean
    index = np.sqrt(((new[:, None] - standard[None]) ** 2).sum(axis=-1)).min(axis=1) / mean
    low, high = np.quantile(training, [0.25, 0.75])
    return index, training, training[training <= high + 1.5 * (high - low)].max()


def test_it_is_the_definition():
    rows = np.column_stack([RNG.normal(5, 6, 300), RNG.normal(4800, 400, 300), RNG.random(300)])
    area = fit_applicability(TABLE, importance=IMPORTANCE, folds=FOLDS)
    index, training, threshold = definition(TABLE, IMPORTANCE, FOLDS, rows)
    np.testing.assert_allclose(area.dissimilarity(rows.astype(np.float32)), index, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(area.training, training)
    assert area.threshold == pytest.approx(threshold)
    assert area.names == ("lst", "elevation", "sand")


def test_the_known_is_inside_and_the_foreign_outside():
    area = fit_applicability(TABLE, importance=IMPORTANCE, folds=FOLDS)
    known = TABLE.to_numpy(np.float32)
    assert not area.dissimilarity(known).any()
    alike = np.column_stack([RNG.normal(5, 3, 2000), RNG.normal(4800, 200, 2000), RNG.random(2000)])
    assert (area.dissimilarity(alike.astype(np.float32)) <= area.threshold).mean() > 0.9
    foreign = known + np.float32([30, 0, 0])
    assert (area.dissimilarity(foreign) > area.threshold).all()


def test_units_do_not_matter_but_importance_does():
    rows = TABLE.to_numpy(np.float32)[:50] + np.float32([1, 40, 0.1])
    area = fit_applicability(TABLE, importance=IMPORTANCE, folds=FOLDS)
    kilometres = fit_applicability(TABLE.assign(elevation=TABLE.elevation / 1000), importance=IMPORTANCE, folds=FOLDS)
    np.testing.assert_allclose(
        area.dissimilarity(rows), kilometres.dissimilarity(rows / np.float32([1, 1000, 1])), rtol=1e-3, atol=1e-5
    )
    blind = fit_applicability(TABLE, importance=IMPORTANCE | {"elevation": 0.0}, folds=FOLDS)
    np.testing.assert_array_equal(blind.dissimilarity(rows), blind.dissimilarity(rows * np.float32([1, 9, 1])))


def test_blocks_that_lie_apart_raise_the_threshold():
    """Where folds are regions of their own kind, cross-validation has tried what is far away."""
    regions = np.repeat(np.arange(4), 50)
    table = TABLE + 20 * regions[:, None]
    random, blocked = (
        fit_applicability(table, importance=IMPORTANCE, folds=folds).threshold for folds in (FOLDS, regions)
    )
    assert blocked > 2 * random


def test_bad_input():
    with pytest.raises(InputError, match="feature 'lst' is constant"):
        fit_applicability(TABLE.assign(lst=0.1), importance=IMPORTANCE, folds=FOLDS)
    with pytest.raises(InputError, match="feature 'sand' is not finite"):
        fit_applicability(TABLE.assign(sand=np.nan), importance=IMPORTANCE, folds=FOLDS)
    with pytest.raises(InputError, match="feature 'sand' has no importance"):
        fit_applicability(TABLE, importance={"lst": 1.0, "elevation": 0.0}, folds=FOLDS)
    with pytest.raises(InputError, match="all importances are 0"):
        fit_applicability(TABLE, importance=dict.fromkeys(TABLE, 0.0), folds=FOLDS)
    with pytest.raises(InputError, match=r"\(200,\) folds for 200 samples; needs one a sample, two different"):
        fit_applicability(TABLE, importance=IMPORTANCE, folds=np.zeros(200))
    area = fit_applicability(TABLE, importance=IMPORTANCE, folds=FOLDS)
    with pytest.raises(InputError, match=r"rows of shape \(4, 2\), but needs \(row, 3\) .* lst, elevation, sand"):
        area.dissimilarity(np.zeros((4, 2), np.float32))
