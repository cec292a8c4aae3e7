"""The compiled one-pass kernels against NumPy, operation by operation: the same to the bit, however they broadcast."""

import numpy as np
import pytest

from cryoscale.thermal._pointwise import scaled_root, top_temperature

SHAPES = [
    ((3, 40, 50), (3, 40, 50), (40, 50)),  # yearly sums, a map of rk
    ((3, 4, 5), (3, 4, 5), (3, 4, 5)),
    ((3, 4, 5), (3, 4, 5), ()),
    ((3, 4, 5), (4, 5), (3, 1, 5)),
    ((4, 5), (4, 5), (3, 4, 5)),
    ((4, 5), (4, 5), (4, 1)),
    ((0, 4, 5), (0, 4, 5), (4, 5)),
    ((4, 0), (4, 0), (4, 0)),
    ((), (), ()),
]


def draw(shape, low, high, *, dtype, seed):
    rng = np.random.default_rng(seed)
    values = np.asarray(rng.uniform(low, high, shape).astype(dtype))
    values[rng.random(shape) < 0.1] = np.nan
    return values


def plain_ttop(ddt, ddf, ratio, period, dtype):
    balance = ratio * ddt - ddf
    return (np.where(balance <= 0, balance, balance / ratio) / period).astype(dtype)


def assert_same_bits(found, expected):
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_ttop_is_that_of_numpy(shapes, dtype):
    ddt, ddf = (draw(shape, 0, 2000, dtype=dtype, seed=i) for i, shape in enumerate(shapes[:2]))
    ratio = draw(shapes[2], 0.4, 1.2, dtype="float64", seed=2)
    found = top_temperature(ddt, ddf, ratio, period=365.25, dtype=np.dtype(dtype))
    assert_same_bits(found, plain_ttop(ddt, ddf, ratio, 365.25, dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_scaled_root_is_that_of_numpy(shapes, dtype):
    values = draw(shapes[0], 0, 2000, dtype=dtype, seed=0)
    factor = draw(shapes[2], 0.02, 0.08, dtype="float64", seed=1)
    found = scaled_root(values, factor, dtype=np.dtype(dtype))
    assert_same_bits(found, (factor * np.sqrt(values, dtype="float64")).astype(dtype))


def test_layout_in_memory_does_not_matter():
    sums = draw((40, 50, 3), 0, 2000, dtype="float32", seed=0)
    ratio = draw((40, 50), 0.4, 1.2, dtype="float64", seed=1)
    turned = sums.transpose(2, 0, 1)
    found = top_temperature(turned, turned[::-1], ratio, period=365.0, dtype=np.dtype("float32"))
    assert_same_bits(found, plain_ttop(turned, turned[::-1], ratio, 365.0, "float32"))


def test_zero_is_where_thawing_and_freezing_balance():
    ddt, ddf, ratio = np.array([1000.0, 0.0]), np.array([500.0, 0.0]), np.array([0.5, 0.7])
    assert_same_bits(top_temperature(ddt, ddf, ratio, period=365.25, dtype=ddt.dtype), np.zeros(2))
