"""The rehearsal of the plateau on a small grid: what runs is what a run computes, and the sums add up."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from benchmarks.plateau_inputs import BUILDERS, PERMAFROST, Product, Size, World, moisture_of

from benchmarks import plateau
from cryoscale.engine import run
from cryoscale.moisture import Learner, MoistureEnsemble
from cryoscale.store import Provenance

SMALL = Size(shape=(200, 300), epochs=12, pairs=30, years=4, share=0.1)
TILE = (32, 64)


@pytest.mark.parametrize("product", [Product.NSBAS, Product.TTOP, Product.STEFAN])
def test_products_are_lazy_and_do_not_depend_on_what_else_is_computed(assert_lazy, product):
    with assert_lazy():
        lazy = BUILDERS[product](World(SMALL, TILE))
    first = lazy.isel(y=slice(0, 32), x=slice(64, 128))
    again = BUILDERS[product](World(SMALL, TILE)).isel(y=slice(0, 64), x=slice(0, 128)).compute()
    xr.testing.assert_identical(first.compute(), again.isel(y=slice(0, 32), x=slice(64, 128)))
    assert float(first[next(iter(first.data_vars))].notnull().mean()) > 0.1


def test_blocks_differ_from_place_to_place_and_by_the_seed():
    def of(size):
        return BUILDERS[Product.STEFAN](World(size, TILE)).active_layer_thickness.isel(year=0).values

    here = of(SMALL)
    assert not np.array_equal(here[:32, :64], here[32:64, :64], equal_nan=True)
    assert not np.array_equal(here, of(replace(SMALL, seed=1)), equal_nan=True)
    assert np.isfinite(here).mean() == pytest.approx(PERMAFROST, abs=0.05)


def test_moisture_is_mapped_where_there_is_permafrost():
    rng = np.random.default_rng(0)
    names = ["ndvi", "sand"]
    stack = xr.DataArray(rng.random((2, 20, 20), dtype="float32"), {"feature": names}, ("feature", "y", "x"))
    table = stack.stack(sample=("y", "x")).transpose("sample", "feature").values[:60]
    features = pd.DataFrame(table, columns=names)
    learners = (Learner.RANDOM_FOREST, Learner.EXTRA_TREES)
    ensemble = MoistureEnsemble(learners=learners, n_folds=2, n_candidates=1, min_features=2)
    ensemble.fit(features, 0.1 + 0.2 * features.ndvi)
    found = moisture_of(World(SMALL, TILE), ensemble, stack).isel(y=slice(0, 32), x=slice(0, 64)).compute()
    assert float(found.moisture.notnull().mean()) == pytest.approx(PERMAFROST, abs=0.05)


def test_the_drawn_tiles_run_and_no_others(tmp_path):
    world = World(SMALL, TILE)
    drawn = plateau.draw_tiles(world)
    assert len(drawn) == plateau.FEWEST  # more than a tenth of 6 x 4 whole tiles
    columns = len(world.cut[1])
    assert all(place % columns < 4 and place // columns < 6 for place in drawn)
    sampler = plateau.Sampler(drawn)
    lazy = BUILDERS[Product.TTOP](world)
    chunks = {"y": TILE[0], "x": TILE[1]}
    run(lazy, tmp_path / "a.zarr", chunks=chunks, provenance=Provenance("x", {}, {}), scheduler=sampler)
    written = {(int(p.parent.name), int(p.name)) for p in (tmp_path / "a.zarr/mean_ttop/c").rglob("*") if p.is_file()}
    assert written == {divmod(place, columns) for place in drawn}
    assert len(sampler.tiles) == len(drawn)


def test_a_rehearsal_adds_up():
    found = plateau.rehearse(Product.STEFAN, SMALL)
    n_tiles = -(-200 // found.tile[0]) * -(-300 // found.tile[1])
    assert found.n_tiles == n_tiles
    assert found.core_hours == pytest.approx(n_tiles * (found.compute + found.read) / 3600)
    assert min(found.compute, found.read, found.make, found.graph) > 0
    rows = plateau.rows_of(Product.STEFAN, SMALL, found)
    assert f"{found.n_tiles} of {found.tile[0]} x {found.tile[1]}, {n_tiles}" in rows[0][1]
