"""Samples are the same however maps are chunked, whole, and shared evenly among strata."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from cryoscale.errors import InputError
from cryoscale.learning.samples import stratified_sample

SHAPE = (37, 52)


@pytest.fixture
def covariates():
    rng = np.random.default_rng(0)
    coords = {"y": 40.0 - 0.1 * np.arange(SHAPE[0]), "x": 90.0 + 0.1 * np.arange(SHAPE[1])}
    elevation = rng.normal(4000.0, 300.0, SHAPE)
    elevation[rng.random(SHAPE) < 0.2] = np.nan
    ndvi = rng.random(SHAPE).astype("float32")
    return xr.Dataset({"elevation": (("y", "x"), elevation), "ndvi": (("y", "x"), ndvi)}, coords)


@pytest.fixture
def strata(covariates):
    return xr.zeros_like(covariates.ndvi, dtype=float) + np.arange(SHAPE[1]) // 13


@pytest.mark.parametrize("chunks", [{"y": 37, "x": 52}, {"y": 10, "x": 7}, {"y": (1, 30, 6), "x": 52}])
def test_the_same_pixels_whatever_the_chunks(covariates, strata, chunks):
    eager = stratified_sample(covariates, n=200, strata=strata, seed=3)
    mixed = covariates.assign(elevation=covariates.elevation.chunk(chunks))
    lazy = stratified_sample(covariates.chunk(chunks), n=200, strata=strata.chunk(y=5), seed=3)
    assert eager.equals(lazy)
    assert eager.equals(stratified_sample(mixed, n=200, strata=strata, seed=3))


def test_rows_hold_the_values_strata_and_places_of_their_pixels(covariates, strata):
    table = stratified_sample(covariates, n=100, strata=strata, seed=0)
    assert table.index.is_unique
    assert table.index.is_monotonic_increasing
    rows, columns = np.unravel_index(table.index, SHAPE)
    for name in covariates.data_vars:
        np.testing.assert_array_equal(table[name], covariates[name].values[rows, columns])
    np.testing.assert_array_equal(table["stratum"], columns // 13)
    np.testing.assert_array_equal(table["y"], covariates.y.values[rows])
    np.testing.assert_array_equal(table["x"], covariates.x.values[columns])
    assert np.isfinite(table).all(axis=None)


def test_strata_get_equal_shares_and_small_ones_leave_theirs_to_others(covariates, strata):
    table = stratified_sample(covariates, n=200, strata=strata, seed=0)
    assert table["stratum"].value_counts().to_dict() == {0.0: 50, 1.0: 50, 2.0: 50, 3.0: 50}
    rare = xr.where(strata == 3, np.nan, strata)
    rare[0, 13:26], rare[1:, 13:26] = 1.0, np.nan
    n_rare = int((covariates.elevation.notnull() & (rare == 1)).sum())
    counts = stratified_sample(covariates, n=200, strata=rare, seed=0)["stratum"].value_counts()
    assert 0 < n_rare < 66
    assert counts[1.0] == n_rare
    assert counts.sum() == 200
    assert abs(counts[0.0] - counts[2.0]) <= 1


@given(st.integers(1, 400), st.integers(1, 400), st.integers(-5, 5))
def test_more_samples_add_to_fewer(n, more, seed):
    grid = xr.Dataset({"a": (("y", "x"), np.arange(600.0).reshape(20, 30))})
    few = stratified_sample(grid, n=n, seed=seed)
    many = stratified_sample(grid, n=n + more, seed=seed)
    assert len(few) == n
    assert len(many) == min(n + more, 600)
    assert set(few.index) <= set(many.index)


def test_the_draw_is_even_over_the_map_and_its_seeds_are_unlike():
    grid = xr.Dataset({"a": (("y", "x"), np.zeros((200, 200)))})
    first, second = (stratified_sample(grid, n=4000, seed=seed) for seed in (0, 1))
    counts = np.histogram2d(first["y"], first["x"], bins=10, range=[[0, 200], [0, 200]])[0]
    # 100 cells of 40 expected each: chi-square of 99 degrees of freedom, whose 99.9 % point is 149
    assert ((counts - 40.0) ** 2 / 40.0).sum() < 149.0
    # a tenth is expected in both draws
    assert 300 < len(set(first.index) & set(second.index)) < 500


def test_static_covariates_join_daily_ones_and_every_chunk_is_read_once():
    read = []

    def daily(block_info=None):
        read.append(block_info[None]["chunk-location"])
        shape = block_info[None]["chunk-shape"]
        return np.full(shape, float(block_info[None]["chunk-location"][0]))

    lst = da.map_blocks(daily, chunks=((1,) * 4, (5, 5), (6, 2)), dtype=float, meta=np.empty((0, 0, 0)))
    static = ("y", "x"), np.arange(80.0).reshape(10, 8)
    table = stratified_sample(
        xr.Dataset({"lst": (("time", "y", "x"), lst), "elevation": static}),
        n=40,
        strata=xr.DataArray(np.arange(4), dims="time"),
        seed=0,
    )
    assert sorted(read) == sorted(set(read))
    assert len(read) == 16
    assert table["stratum"].value_counts().to_dict() == {0.0: 10, 1.0: 10, 2.0: 10, 3.0: 10}
    np.testing.assert_array_equal(table["lst"], table["time"])
    np.testing.assert_array_equal(table["elevation"], table["y"] * 8 + table["x"])


def test_infinite_values_count_as_missing(covariates):
    covariates.ndvi[:, ::2] = np.inf
    table = stratified_sample(covariates, n=3000, seed=0)
    assert len(table) == int(covariates.elevation[:, 1::2].notnull().sum())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 0}, "number of samples: must be 1 or more, not 0"),
        ({"strata": xr.DataArray(np.zeros(3), dims="day")}, "strata: has dims .'day',."),
        ({"strata": xr.DataArray(np.zeros(52), {"x": np.arange(52.0)}, ("x",))}, "strata: lie at other places"),
        ({"strata": xr.DataArray(np.nan)}, "no pixel has a value in all of them and a stratum"),
    ],
)
def test_what_cannot_be_drawn_from_is_refused(covariates, change, message):
    with pytest.raises(InputError, match=message):
        stratified_sample(covariates, **({"n": 5, "seed": 0} | change))


def test_names_that_the_table_needs_are_refused(covariates):
    with pytest.raises(InputError, match="a variable cannot be called 'stratum' here"):
        stratified_sample(covariates.rename(ndvi="stratum"), n=5, seed=0)
