import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cryoscale.stats import joint_quantiles

SETTINGS = settings(max_examples=50, deadline=None)  # the first example compiles

LEVELS = (0.0, 0.01, 0.25, 0.5, 0.9, 1.0)


def field(shape=(37, 53), *, dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(-5, 4, shape).astype(dtype)
    values[rng.random(shape) < 0.2] = np.nan
    return xr.DataArray(values, dims=("y", "x"))


@SETTINGS
@given(arrays("float64", st.integers(1, 80), elements=st.floats(-1e9, 1e9)))
def test_they_are_those_of_numpy(values):
    result = joint_quantiles(xr.DataArray(values), levels=LEVELS)
    expected = np.quantile(values, LEVELS, method="hazen")
    np.testing.assert_allclose(result.tables[0], expected, rtol=1e-12, atol=1e-6)
    assert (np.diff(result.tables[0]) >= 0).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_chunks_do_not_change_a_bit(dtype):
    array = field(dtype=dtype)
    eager = joint_quantiles(array, levels=LEVELS)
    for chunks in ({"y": 1, "x": 53}, {"y": 10, "x": 7}, {"y": -1, "x": -1}):
        np.testing.assert_array_equal(joint_quantiles(array.chunk(chunks), levels=LEVELS).tables, eager.tables)
    values = array.values[np.isfinite(array.values)].astype("float64")
    np.testing.assert_allclose(eager.tables[0], np.quantile(values, LEVELS, method="hazen"), rtol=1e-14)


def test_only_positions_with_all_values_count():
    a, b = field(seed=1), field(seed=2, dtype="float64")
    where = xr.DataArray(np.random.default_rng(3).random(a.shape) < 0.5, dims=a.dims)
    valid = (np.isfinite(a) & np.isfinite(b) & where).values
    result = joint_quantiles(a.chunk(20), b.chunk({"y": 9, "x": 31}), levels=LEVELS, where=where)
    assert result.count == valid.sum()
    expected = [np.quantile(array.values[valid].astype("float64"), LEVELS, method="hazen") for array in (a, b)]
    np.testing.assert_allclose(result.tables, expected, rtol=1e-14)


def test_integers_are_taken_as_numbers():
    assert joint_quantiles(xr.DataArray([3, 1, 2]), levels=[0.5]).tables.tolist() == [[2.0]]


def test_without_values_there_are_no_quantiles():
    result = joint_quantiles(xr.DataArray([np.nan, np.inf]), levels=[0.1, 0.5])
    assert result.count == 0
    assert np.isnan(result.tables).all()
