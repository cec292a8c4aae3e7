import json

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cryoscale.errors import InputError
from cryoscale.stats import CdfTransfer, fit_cdf

SETTINGS = settings(max_examples=40, deadline=None)  # the first example compiles


def transfer(source=(0.0, 1.0), reference=(0.0, 2.0), **changes):
    levels = tuple((np.arange(len(source)) + 0.5) / len(source))
    settings = {"slopes": (1.0, 1.0), "count": 100, "units": "mm a-1"} | changes
    return CdfTransfer(levels=levels, source=source, reference=reference, **settings)


def test_a_tie_goes_to_the_mean_of_its_reference_quantiles():
    result = transfer((0.0, 0.0, 0.0, 4.0), (1.0, 2.0, 6.0, 9.0))(xr.DataArray([0.0, 2.0]))
    assert result.values.tolist() == [3.0, 6.0]


def test_lazy_equals_eager(assert_lazy):
    values = np.random.default_rng(0).normal(size=(30, 20)).astype("float32")
    values[3] = np.nan
    source = xr.DataArray(values, {"y": np.arange(30)}, ("y", "x"), "velocity", {"units": "mm a-1", "note": "kept"})
    with assert_lazy():
        lazy = transfer()(source.chunk(7))
    xr.testing.assert_identical(lazy.compute(), transfer()(source))
    assert lazy.chunks == source.chunk(7).chunks
    assert (lazy.dtype, lazy.name, lazy.attrs) == (np.float32, "velocity", source.attrs)
    np.testing.assert_array_equal(np.isnan(lazy), np.isnan(source))


def test_integers_become_float64():
    assert transfer()(xr.DataArray([0, 1])).dtype == np.float64


def test_another_unit_is_refused():
    with pytest.raises(InputError, match="velocity: is in 'm a-1', but the CDF transfer was fitted in 'mm a-1'"):
        transfer()(xr.DataArray([1.0], name="velocity", attrs={"units": "m a-1"}))


def test_it_survives_json():
    original = transfer()
    assert CdfTransfer.from_dict(json.loads(json.dumps(original.to_dict()))) == original
    with pytest.raises(InputError, match="CDF transfer: has \\['levels'\\], but must have"):
        CdfTransfer.from_dict({"levels": [0.5]})


@SETTINGS
@given(arrays("float64", (2, 150), elements=st.floats(-50, 50).map(lambda value: round(value, 1))))
def test_the_error_bound_holds(samples):
    """Every value is compared with the reference quantiles at the ranks that it takes in the source, ties included."""
    source, reference = (np.sort(sample) for sample in samples)
    fitted = fit_cdf(xr.DataArray(source), xr.DataArray(reference), quantiles=np.arange(0.1, 0.95, 0.1))
    inside = (source > fitted.source[0]) & (source < fitted.source[-1])
    mapped = fitted(xr.DataArray(source)).values[inside]
    exact = reference[inside]  # the value of the same rank
    assert (np.abs(mapped - exact) <= fitted.error_bound + 1e-9).all()


def test_the_error_bound_is_the_widest_step():
    assert transfer((0.0, 1.0, 2.0), (0.0, 5.0, 6.0)).error_bound == 5.0
    assert transfer((0.0, 0.0, 2.0, 2.0), (0.0, 5.0, 6.0, 7.0)).error_bound == 7.0
    assert transfer((3.0, 3.0), (1.0, 4.0)).error_bound == 3.0
