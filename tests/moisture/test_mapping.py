"""The map of moisture: what is predicted where, the same in any chunks, and within what the pores can hold."""

from dataclasses import dataclass

import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.moisture import mapping
from cryoscale.moisture.ensemble import MoistureEnsemble, Parts
from cryoscale.moisture.learners import Learner
from cryoscale.moisture.mapping import map_moisture
from cryoscale.variables import attributes

SHAPE = (23, 31)
NAMES = ["sand", "ndvi", "lst", "slope"]
LAYERS = ("moisture", "moisture_lower", "moisture_upper", "learner_spread", "dissimilarity")


@dataclass(frozen=True)
class Trust:
    threshold: float = 2.0


@dataclass(frozen=True)
class Plane:
    """An ensemble that can be checked by arithmetic: moisture is a tenth of ndvi plus a hundredth of sand."""

    features_: tuple[str, ...] = ("ndvi", "sand")
    applicability_: Trust = Trust()

    def predict_parts(self, rows):
        assert rows.dtype == np.float32
        assert rows.flags.c_contiguous
        moisture = 0.1 * rows[:, 0] + 0.01 * rows[:, 1]
        return Parts(moisture, moisture - 0.1, moisture + 0.1, abs(rows[:, 0]), abs(rows[:, 1]))


def made(seed=0, holes=30):
    """Covariates with holes, permafrost with gaps, and a porosity."""
    rng = np.random.default_rng(seed)
    box = GeoBox.from_bbox((92.0, 34.0, 92.1, 34.07), "EPSG:4326", shape=SHAPE)
    values = rng.normal(2.0, 1.0, (len(NAMES), *SHAPE)).astype("float32")
    values.reshape(-1)[rng.choice(values.size, holes, replace=False)] = np.nan
    coords = {**grid_coords(box), "feature": np.array(NAMES, object), "unit": ("feature", np.array(["1"] * 4, object))}
    stack = xr.DataArray(values, coords, ("feature", "y", "x"), "covariate", attributes("covariate"))
    like = stack.isel(feature=0, drop=True)
    permafrost = like.copy(data=rng.random(SHAPE) < 0.8)
    porosity = like.copy(data=rng.uniform(0.2, 0.5, SHAPE).astype("float32"))
    return stack, permafrost, porosity


STACK, PERMAFROST, POROSITY = made()


@pytest.fixture(scope="module")
def forests():
    """A real ensemble, of two of the features."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.normal(2.0, 1.0, (80, 3)), columns=["lst", "sand", "ndvi"])
    options = {"learners": [Learner.EXTRA_TREES, Learner.XGBOOST], "n_folds": 2, "n_candidates": 1, "drop": 0.6}
    target = 0.2 + 0.05 * np.tanh(table.sand - 2) + 0.03 * np.tanh(table.lst - 2) + rng.normal(0, 0.01, 80)
    return MoistureEnsemble(**options).fit(table, target)


def mapped(ensemble, *, stack=STACK, permafrost=PERMAFROST, porosity=POROSITY):
    return map_moisture(stack, ensemble, permafrost=permafrost, porosity=porosity)


def test_values_are_those_of_the_ensemble_within_the_pores():
    found = mapped(Plane())
    sand, ndvi = STACK.sel(feature="sand").values, STACK.sel(feature="ndvi").values
    known = PERMAFROST.values & np.isfinite(sand) & np.isfinite(ndvi)
    plane = np.where(known, 0.1 * ndvi + 0.01 * sand, np.nan)
    for name, shift in (("moisture", 0.0), ("moisture_lower", -0.1), ("moisture_upper", 0.1)):
        np.testing.assert_allclose(found[name], np.clip(plane + shift, 0, POROSITY), atol=1e-6)
    np.testing.assert_allclose(found.learner_spread, np.where(known, abs(ndvi), np.nan))
    np.testing.assert_allclose(found.dissimilarity, np.where(known, abs(sand), np.nan))
    assert (found.moisture_upper == POROSITY).any()
    assert (found.moisture_lower == 0).any()
    for name in found.data_vars:
        expected = attributes(str(name))
        assert {key: found[name].attrs[key] for key in expected} == expected
    assert found.odc.geobox == STACK.odc.geobox


def test_the_status_says_why():
    found = mapped(Plane())
    sand, ndvi = STACK.sel(feature="sand").values, STACK.sel(feature="ndvi").values
    missing = np.isnan(sand) | np.isnan(ndvi)
    expected = np.select([~PERMAFROST.values, missing, abs(sand) > 2], [0, 3, 2], 1)
    np.testing.assert_array_equal(found.moisture_status, expected)
    assert found.moisture_status.dtype == np.uint8
    assert set(np.unique(expected)) == {0, 1, 2, 3}
    for name in LAYERS:
        np.testing.assert_array_equal(found[name].notnull(), np.isin(expected, (1, 2)), name)


def test_covariates_that_were_not_chosen_may_be_missing():
    poor = STACK.copy()
    poor.loc[{"feature": ["lst", "slope"]}] = np.nan
    xr.testing.assert_identical(mapped(Plane(), stack=poor), mapped(Plane()))


def test_a_missing_porosity_bounds_by_one():
    found = mapped(Plane(), stack=STACK * 20, porosity=POROSITY * np.nan)
    assert float(found.moisture.max()) == 1.0


@pytest.mark.parametrize("batch", [1, 7, 10_000])
def test_batches_change_no_bit(forests, monkeypatch, batch):
    expected = mapped(forests)
    monkeypatch.setattr(mapping, "BATCH", batch)
    xr.testing.assert_identical(mapped(forests), expected)


@settings(max_examples=8)
@given(rows=st.integers(4, 23), columns=st.integers(5, 31), depth=st.integers(1, 4))
def test_chunks_change_no_bit(forests, rows, columns, depth):
    chunks = {"y": rows, "x": columns}
    with dask.config.set(scheduler="synchronous"):
        lazy = mapped(
            forests,
            stack=STACK.chunk(feature=depth, **chunks),
            permafrost=PERMAFROST.chunk(chunks),
            porosity=POROSITY.chunk(chunks),
        )
        assert lazy.moisture.chunks is not None
        xr.testing.assert_identical(lazy.compute(), mapped(forests))


def test_it_stays_lazy(assert_lazy, forests):
    with assert_lazy():
        lazy = mapped(forests, stack=STACK.chunk(feature=1, y=8, x=8))
    assert set(lazy.data_vars) == {*LAYERS, "moisture_status"}


def test_every_pixel_is_what_the_ensemble_says_of_it_alone(forests):
    found = mapped(forests)
    for row, column in np.argwhere(found.moisture_status.isin([1, 2]).values)[::40]:
        pixel = STACK.isel(y=row, x=column)
        parts = forests.predict_parts(pixel.sel(feature=list(forests.features_)).values[None])
        at = found.isel(y=row, x=column)
        assert float(at.moisture) == np.float32(np.clip(parts.moisture[0], 0, POROSITY.values[row, column]))
        assert float(at.learner_spread) == parts.spread[0]
        assert float(at.dissimilarity) == parts.dissimilarity[0]


def test_no_permafrost_and_no_data_at_all():
    nowhere = mapped(Plane(), permafrost=PERMAFROST & False)
    assert (nowhere.moisture_status == 0).all()
    unknown = mapped(Plane(), stack=STACK * np.nan, permafrost=PERMAFROST | True)
    assert (unknown.moisture_status == 3).all()
    for found in (nowhere, unknown):
        assert not any(found[name].notnull().any() for name in LAYERS)


def test_a_stack_that_lacks_a_covariate_is_refused():
    message = r"covariate: has no ndvi, sand, which the ensemble was fitted with; it has lst, slope\."
    with pytest.raises(InputError, match=message):
        mapped(Plane(), stack=STACK.sel(feature=["lst", "slope"]))
