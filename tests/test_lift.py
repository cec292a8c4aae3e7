import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from cryoscale.errors import InputError
from cryoscale.lift import lift
from cryoscale.variables import VARIABLES, attributes, check_units


def kernel(series, reference):
    """Core dims first: (time, ...) and (...) -> a series and a map."""
    return series - reference, series.mean(axis=0)


def apply(series, reference):
    return lift(
        kernel,
        series,
        reference,
        core_dims=[["time"], []],
        outputs={"displacement": ["time"], "velocity": []},
        coords={"time": np.arange(series.sizes["time"])},
    )


@pytest.fixture
def series():
    values = np.random.default_rng(0).normal(size=(7, 12, 10)).astype("float32")
    return xr.DataArray(values, dims=("time", "y", "x"), coords={"y": np.arange(12.0), "x": np.arange(10.0)})


def test_dims_units_and_values(series):
    result = apply(series, series[0].drop_vars("time", errors="ignore"))
    assert result.displacement.dims == ("time", "y", "x")
    assert result.velocity.dims == ("y", "x")
    assert result.displacement.attrs == attributes("displacement")
    np.testing.assert_array_equal(result.displacement, series - series[0])


@given(rows=st.integers(1, 12), columns=st.integers(1, 10))
def test_chunks_never_change_the_result(rows, columns):
    values = np.random.default_rng(1).normal(size=(4, 12, 10)).astype("float32")
    series = xr.DataArray(values, dims=("time", "y", "x"))
    lazy = apply(series.chunk(y=rows, x=columns), series[0].chunk(y=rows, x=columns))
    xr.testing.assert_identical(lazy.compute(), apply(series, series[0]))


def test_it_stays_lazy(series, assert_lazy):
    with assert_lazy():
        result = apply(series.chunk(y=4), series[0].chunk(y=4))
    assert result.displacement.chunks is not None
    assert result.displacement.dtype == "float32"


def test_a_split_core_dim_is_refused(series):
    with pytest.raises(InputError, match=r"split into 7 chunks along 'time'.*Rechunk it first"):
        apply(series.rename("displacement").chunk(time=1), series[0])


def test_units_are_checked(series):
    check_units(series, "displacement")
    check_units(series.assign_attrs(units="mm"), "displacement")
    with pytest.raises(InputError, match="heights: is in 'm', but displacement must be in 'mm'"):
        check_units(series.rename("heights").assign_attrs(units="m"), "displacement")


def test_every_variable_has_what_its_schema_needs():
    for name, variable in VARIABLES.items():
        assert variable.name == name
        assert np.dtype(variable.dtype)
        assert variable.units
        assert variable.long_name
