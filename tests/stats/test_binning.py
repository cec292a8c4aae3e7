from itertools import pairwise

import numpy as np
import pytest
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.stats import binned_statistics

EDGES = (0.0, 5.0, 10.0, 20.0, 30.0)


def maps():
    rng = np.random.default_rng(0)
    slope = rng.uniform(-2, 18, (20, 30))  # none between 20 and 30
    deformation = -40 + slope + rng.normal(0, 5, slope.shape)
    deformation[rng.random(slope.shape) < 0.1] = np.nan
    return (
        xr.DataArray(deformation, dims=("y", "x"), attrs={"units": "mm"}),
        xr.DataArray(slope, dims=("y", "x"), attrs={"units": "degree"}),
    )


def test_each_bin_holds_its_values():
    deformation, slope = maps()
    result = binned_statistics(deformation, slope, edges=EDGES, quantiles=(0.25, 0.5))
    for i, (lower, upper) in enumerate(pairwise(EDGES)):
        inside = deformation.values[(slope.values >= lower) & (slope.values < upper)]
        inside = inside[np.isfinite(inside)]
        assert int(result["count"][i]) == inside.size
        if inside.size:
            np.testing.assert_allclose(result["quantiles"][i], np.quantile(inside, (0.25, 0.5)))
            assert float(result["mean"][i]) == pytest.approx(inside.mean())
    assert int(result["count"][-1]) == 0
    assert np.isnan(result["quantiles"][-1]).all()
    assert (result["mean"].attrs["units"], result["bin"].attrs["units"]) == ("mm", "degree")
    assert result["bin"].values.tolist() == [2.5, 7.5, 15.0, 25.0]


def test_the_last_bin_holds_its_upper_border():
    values = xr.DataArray([1.0, 2.0, 3.0, 4.0])
    result = binned_statistics(values, xr.DataArray([0.0, 5.0, 10.0, 10.1]), edges=(0, 5, 10))
    assert result["count"].values.tolist() == [1, 2]


def test_lazy_equals_eager(assert_lazy):
    deformation, slope = maps()
    with assert_lazy():
        lazy = binned_statistics(deformation.chunk(7), slope, edges=EDGES)
    xr.testing.assert_identical(lazy.compute(), binned_statistics(deformation, slope, edges=EDGES))


def test_bad_quantiles_are_an_error():
    with pytest.raises(InputError, match="quantiles: must lie between 0 and 1"):
        binned_statistics(*maps(), edges=EDGES, quantiles=[50])
