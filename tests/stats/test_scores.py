import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cryoscale.stats import scores

VALUES = arrays("float64", 20, elements=st.floats(-1e3, 1e3))


@given(VALUES, VALUES)
def test_it_agrees_with_numpy(p, o):
    if np.ptp(p) < 1e-3 or np.ptp(o) < 1e-3:
        return
    result = scores(xr.DataArray(p), xr.DataArray(o))
    assert float(result.r) == pytest.approx(np.corrcoef(p, o)[0, 1], abs=1e-9)
    assert float(result.rmse) == pytest.approx(np.sqrt(np.mean((p - o) ** 2)))
    assert float(result.mae) == pytest.approx(np.mean(np.abs(p - o)))
    assert float(result.r2) == pytest.approx(1 - np.mean((p - o) ** 2) / np.var(o))


def test_only_positions_with_both_values_count():
    p = xr.DataArray([1.0, np.nan, 3.0, 9.0])
    o = xr.DataArray([2.0, 5.0, 5.0, np.nan])
    result = scores(p, o)
    assert (int(result.n), float(result.bias), float(result.mae)) == (2, -1.5, 1.5)


def test_what_is_not_defined_is_nan():
    result = scores(xr.DataArray([1.0, 1.0]), xr.DataArray([2.0, 2.0]))
    assert np.isnan(result.r)
    assert np.isnan(result.r2)
    assert float(result.rmse) == 1.0


def test_lazy_equals_eager(assert_lazy):
    rng = np.random.default_rng(0)
    p, o = (xr.DataArray(rng.normal(size=(30, 20))) for _ in range(2))
    with assert_lazy():
        lazy = scores(p.chunk(7), o.chunk(7))
    xr.testing.assert_allclose(lazy.compute(), scores(p, o))
