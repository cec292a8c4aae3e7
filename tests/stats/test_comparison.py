import numpy as np
import pytest
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.stats import compare_maps

EDGES = np.arange(-40.0, 21.0, 2.5)


def maps(shape=(50, 70), *, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.normal(-15, 10, shape)
    for name, bias in {"alos2": -3.6, "sentinel1": 0.0}.items():
        values = (truth + bias + rng.normal(0, 3, shape)).astype("float32")
        values[rng.random(shape) < 0.1] = np.nan
        yield xr.DataArray(values, dims=("y", "x"), name=name, attrs={"units": "mm"})


def test_figures_of_the_comparison():
    first, second = maps()
    result = compare_maps(first, second, edges=EDGES)
    valid = np.isfinite(first.values) & np.isfinite(second.values)
    a, b = (array.values[valid].astype("float64") for array in (first, second))
    assert int(result.n) == valid.sum()
    assert float(result.r) == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert float(result.bias) == pytest.approx((a - b).mean())
    assert float(result.bias) == pytest.approx(-3.6, abs=0.3)
    assert float(result.mae) == pytest.approx(np.abs(a - b).mean())
    assert float(result.rmse) == pytest.approx(np.sqrt(((a - b) ** 2).mean()))
    np.testing.assert_array_equal(result.pair_count, np.histogram2d(a, b, [EDGES, EDGES])[0])
    np.testing.assert_array_equal(result.first_count, np.histogram(a, EDGES)[0])
    np.testing.assert_array_equal(result.second_count, np.histogram(b, EDGES)[0])
    assert int(result.n_outside) == int(result.n) - int(result.pair_count.sum()) > 0
    assert result.bias.attrs["units"] == result.rmse.attrs["units"] == result["bin"].attrs["units"] == "mm"
    assert {result[name].attrs["units"] for name in ("n", "r", "r2", "pair_count")} == {"1"}


def test_lazy_equals_eager(assert_lazy):
    first, second = maps()
    where = xr.DataArray(np.arange(70) > 20, dims="x").broadcast_like(first)
    eager = compare_maps(first, second, where, edges=EDGES)
    with assert_lazy():
        lazy = compare_maps(first.chunk(16), second.chunk({"y": 50, "x": 9}), where, edges=EDGES)
    computed = lazy.compute()
    for name in ("n", "first_count", "second_count", "pair_count", "n_outside"):
        xr.testing.assert_identical(computed[name], eager[name])
    xr.testing.assert_allclose(computed, eager)
    assert int(eager.n) == int((first + second).where(where).notnull().sum())


def test_infinite_values_are_missing():
    first, second = maps()
    first[0, 0] = np.inf
    result = compare_maps(first, second, edges=EDGES)
    assert np.isfinite(result.rmse)
    assert int(result.n) == int(result.pair_count.sum() + result.n_outside)


@pytest.mark.parametrize("edges", [[0.0], [0.0, 0.0], [1.0, 0.0], [0.0, np.inf]])
def test_borders_must_increase(edges):
    with pytest.raises(InputError, match="edges: must be two or more increasing finite numbers"):
        compare_maps(*maps(), edges=edges)


def test_another_unit_or_grid_is_an_error():
    first, second = maps()
    with pytest.raises(InputError, match="sentinel1: is in 'm', but alos2 is in 'mm'"):
        compare_maps(first, second.assign_attrs(units="m"), edges=EDGES)
    with pytest.raises(InputError, match="sentinel1: lies on another grid than alos2"):
        compare_maps(first, second[1:], edges=EDGES)
