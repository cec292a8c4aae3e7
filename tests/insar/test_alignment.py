import numpy as np
import pytest
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.insar.alignment import on_grid_of


def make_map(y, x, name="velocity"):
    return xr.DataArray(np.zeros((len(y), len(x))), dims=("y", "x"), coords={"y": y, "x": x}, name=name)


def test_rounding_of_coordinates_loses_no_pixel():
    """Without it, xarray keeps only the pixels whose coordinates are equal to the last bit."""
    first = make_map([38.0, 37.9, 37.8], [99.0, 99.1])
    other = make_map([38.0, 37.9 + 1e-9, 37.8], [99.0, 99.1 - 1e-9]) + 1.0
    assert (first + other).size < first.size
    assert (first + on_grid_of(first, other)).size == first.size


def test_what_has_no_grid_of_its_own_passes():
    first = make_map([38.0, 37.9], [99.0])
    xr.testing.assert_identical(on_grid_of(first, xr.DataArray(3.0)), xr.DataArray(3.0))
    bare = xr.DataArray(np.ones((2, 1)), dims=("y", "x"))
    xr.testing.assert_identical(on_grid_of(first, bare), bare)
    one_row = make_map([38.0], [99.0])
    xr.testing.assert_identical(on_grid_of(one_row, one_row), one_row)


@pytest.mark.parametrize(
    ("y", "x", "message"),
    [
        (
            [38.0, 37.9, 37.8],
            [99.0],
            "elevation: its y has 3 pixels, that of velocity 2. Resample it to that grid first",
        ),
        ([38.0, 37.898], [99.0], "elevation: its y lies up to 0.02 pixels away from that of velocity"),
        ([37.9, 38.0], [99.0], "its y lies up to 1 pixels away"),
    ],
)
def test_another_grid_is_refused(y, x, message):
    with pytest.raises(InputError, match=message):
        on_grid_of(make_map([38.0, 37.9], [99.0]), make_map(y, x, name="elevation"))
