import numpy as np
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox
from scipy import fft, stats

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.stats import Correlation, correlate

SHAPE = (24, 32)


def on_grid(values, name=None):
    geobox = GeoBox.from_bbox((0, 0, 1000 * SHAPE[1], 1000 * SHAPE[0]), "EPSG:32647", resolution=1000)
    return xr.DataArray(values, grid_coords(geobox), ("y", "x"), name)


def random_field(rng, reach):
    """Gaussian field with an exponential covariance of `reach` pixels, cut from a larger periodic one."""
    shape = tuple(3 * size for size in SHAPE)
    lags = [np.minimum(np.arange(size), size - np.arange(size)) for size in shape]
    amplitude = np.sqrt(np.maximum(fft.rfft2(np.exp(-np.hypot(lags[0][:, None], lags[1]) / reach)).real, 0))
    return fft.irfft2(amplitude * fft.rfft2(rng.normal(size=shape)), shape)[: SHAPE[0], : SHAPE[1]]


@pytest.mark.parametrize(("method", "expected"), [("pearson", stats.pearsonr), ("spearman", stats.spearmanr)])
def test_coefficient_and_usual_p_value_are_those_of_scipy(method, expected):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, *SHAPE))
    y += 0.1 * np.exp(x)
    x[rng.random(SHAPE) < 0.2] = np.nan
    valid = np.isfinite(x)
    result = correlate(on_grid(x), on_grid(y), method=Correlation(method))
    reference = expected(x[valid], y[valid])
    assert float(result.r) == pytest.approx(reference.statistic, rel=1e-9)
    assert float(result.p_value_independent) == pytest.approx(reference.pvalue, rel=1e-6)
    assert int(result.n) == valid.sum()


@pytest.mark.parametrize("method", list(Correlation))
def test_false_alarms_are_as_many_as_asked_for(method):
    """300 pairs of independent fields that are alike over 4 km: 5 % should seem correlated at the 5 % level."""
    rng = np.random.default_rng(1)
    mask = rng.random(SHAPE) < 0.9
    p_values = []
    for _ in range(300):
        x, y = (on_grid(np.where(mask, random_field(rng, 4.0), np.nan)) for _ in range(2))
        result = correlate(x, y, method=method)
        p_values.append((float(result.p_value), float(result.p_value_independent)))
    modified, naive = (np.array(p_values) < 0.05).mean(axis=0)
    assert 0.02 < modified < 0.085
    assert naive > 0.4


def test_a_true_relation_is_found():
    rng = np.random.default_rng(2)
    albedo = random_field(rng, 4.0)
    result = correlate(on_grid(albedo), on_grid(albedo + 0.8 * random_field(rng, 4.0)))
    assert float(result.p_value) < 1e-3
    assert float(result.p_value_independent) < float(result.p_value)
    assert 10 < float(result.n_effective) < 200


def test_lazy_equals_eager(assert_lazy):
    rng = np.random.default_rng(3)
    x, y = (on_grid(random_field(rng, 2.0), name) for name in ("x", "y"))
    with assert_lazy():
        lazy = correlate(x.chunk(10), y)
    xr.testing.assert_identical(lazy.compute(), correlate(x, y))


def test_what_is_not_defined_is_nan():
    x = on_grid(np.random.default_rng(0).normal(size=SHAPE))
    result = correlate(x, xr.full_like(x, 3.0))
    assert np.isnan([float(result.r), float(result.n_effective), float(result.p_value)]).all()
    assert int(result.n) == 24 * 32
    ramp = on_grid(np.add.outer(np.arange(24.0), np.zeros(32)))  # two independent positions at most
    assert float(correlate(ramp, ramp).r) == pytest.approx(1.0)


def test_a_grid_without_crs_is_an_error():
    x = xr.DataArray(np.ones((3, 3)), {"y": [0, 1, 2], "x": [0, 1, 2]}, ("y", "x"))
    with pytest.raises(InputError, match="no regular grid with a CRS"):
        correlate(x, x)


def test_another_grid_is_an_error():
    x = on_grid(np.ones(SHAPE), "slope")
    with pytest.raises(InputError, match="ndvi: lies on another grid than slope"):
        correlate(x, x[1:].rename("ndvi"))
