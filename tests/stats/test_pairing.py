import numpy as np
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.stats.pairing import paired_with, require_same_units, sum_over_chunks


def raster(name, crs="EPSG:32647", shift=0.0, shape=(4, 6), units="mm"):
    height, width = shape
    geobox = GeoBox.from_bbox((shift, 0, shift + 10 * width, 10 * height), crs, resolution=10)
    return xr.DataArray(np.zeros(shape), grid_coords(geobox), ("y", "x"), name, {"units": units})


def test_coordinates_that_differ_by_rounding_are_taken_over():
    first, second = raster("a"), raster("b", shift=1e-6)
    aligned = paired_with(first, second.transpose("x", "y"))
    assert aligned.dims == first.dims
    assert (aligned.name, aligned.attrs) == ("b", {"units": "mm"})
    xr.testing.assert_identical(aligned.x, first.x)


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (raster("b", shape=(4, 7)), r"4 y x 6 x against 4 y x 7 x"),
        (raster("b", shift=10.0), r"x\[0\] is 5.0 against 15.0"),
        (raster("b", crs="EPSG:32648"), "EPSG:32647 against EPSG:32648"),
        (raster("b").rename(y="row"), "4 y x 6 x against 4 row x 6 x"),
    ],
)
def test_another_grid_is_refused(other, difference):
    with pytest.raises(InputError, match=rf"b: lies on another grid than a \({difference}\). Resample"):
        paired_with(raster("a"), other)


def test_another_unit_is_refused():
    with pytest.raises(InputError, match="b: is in 'm', but a is in 'mm'"):
        require_same_units(raster("a"), raster("b", units="m"))
    bare = raster("b").drop_attrs()
    assert require_same_units(bare, raster("a")) == require_same_units(raster("a"), bare) == "mm"


def test_counts_of_chunks_add_up_lazily(assert_lazy):
    first = xr.DataArray(np.arange(42.0).reshape(6, 7), dims=("y", "x"))

    def count(a, b):
        return np.array([a.size, (a == b).sum()])

    with assert_lazy():
        lazy = sum_over_chunks(count, first.chunk(y=4, x=2), first, shape=(2,))
    assert lazy.compute().tolist() == sum_over_chunks(count, first, first, shape=(2,)).tolist() == [42, 42]
