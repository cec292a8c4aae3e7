import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cryoscale.stats._piecewise import count_pairs, interpolate

SETTINGS = settings(max_examples=60, deadline=None)  # the first example compiles

NUMBERS = st.floats(-1e6, 1e6)


@st.composite
def knots(draw):
    x = np.unique(draw(arrays("float64", st.integers(1, 30), elements=NUMBERS)))
    y = np.sort(draw(arrays("float64", x.size, elements=NUMBERS)))
    return x, y


@SETTINGS
@given(knots(), arrays("float64", 40, elements=NUMBERS))
def test_it_agrees_with_numpy_between_the_knots(curve, values):
    x, y = curve
    inside = np.clip(np.concatenate([values, x]), x[0], x[-1])
    result = interpolate(inside, x, y, slopes=(1.0, 1.0))
    np.testing.assert_allclose(result, np.interp(inside, x, y), rtol=1e-9, atol=1e-9 * (1 + np.abs(y).max()))


@SETTINGS
@given(knots(), arrays("float64", 40, elements=NUMBERS), st.floats(0, 1e3), st.floats(0, 1e3))
def test_it_never_decreases(curve, values, below, above):
    x, y = curve
    beside = np.concatenate([values, x, np.nextafter(x, -np.inf), np.nextafter(x, np.inf)])
    result = interpolate(np.sort(beside), x, y, slopes=(below, above))
    assert (np.diff(result) >= 0).all()


def test_lines_go_on_beyond_the_knots():
    x, y = np.array([0.0, 1.0]), np.array([10.0, 12.0])
    assert interpolate(np.array([-2.0, 3.0]), x, y, slopes=(0.5, 4.0)).tolist() == [9.0, 20.0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_not_finite_is_missing_and_the_type_stays(dtype):
    values = np.array([np.nan, np.inf, -np.inf, 0.5], dtype)
    result = interpolate(values, np.array([0.0, 1.0]), np.array([0.0, 1.0]), slopes=(1.0, 1.0))
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, np.array([np.nan, np.nan, np.nan, 0.5], dtype))


def test_knots_of_very_different_density_are_found():
    x = np.concatenate([np.linspace(0, 1e-6, 50), np.linspace(1, 1e6, 50)])
    y = np.arange(100.0)
    np.testing.assert_allclose(interpolate(x, x, y, slopes=(0.0, 0.0)), y, atol=1e-9)


@pytest.mark.parametrize("crowded", [False, True])
def test_many_values_are_each_as_if_alone(crowded):
    """More than are done together, between evenly spaced knots and between many in one place."""
    rng = np.random.default_rng(0)
    x = np.sort(rng.standard_cauchy(200) if crowded else rng.uniform(-5, 5, 200))
    y = np.sort(rng.normal(size=200))
    values = rng.choice(np.concatenate([rng.uniform(x[0] - 9, x[-1] + 9, 3000), rng.normal(size=3000), x]), 5000)
    together = interpolate(values, x, y, slopes=(0.5, 2.0))
    alone = [interpolate(values[i : i + 1], x, y, slopes=(0.5, 2.0))[0] for i in range(0, 5000, 7)]
    np.testing.assert_array_equal(together[::7], alone)
    inside = (values >= x[0]) & (values <= x[-1])
    np.testing.assert_allclose(together[inside], np.interp(values[inside], x, y), rtol=1e-9, atol=1e-9)


@SETTINGS
@given(arrays("float64", 60, elements=st.integers(-12, 12).map(float)), st.integers(1, 7))
def test_pairs_are_counted_as_numpy_does(values, n_bins):
    a, b = values[:30], values[30:]
    edges = np.linspace(-7.0, 7.0, n_bins + 1)
    counts = count_pairs(a, b, edges)
    np.testing.assert_array_equal(counts[1:-1, 1:-1], np.histogram2d(a, b, [edges, edges])[0])
    np.testing.assert_array_equal(counts.sum(axis=1)[1:-1], np.histogram(a, edges)[0])
    assert counts.sum() == 30
    assert counts[0].sum() == (a < -7).sum()
    assert counts[:, -1].sum() == (b > 7).sum()
