"""Chunks: borders that cannot be seen, whatever the chunks, and nothing computed before its time."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from cryoscale import terrain
from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.terrain.windows import Ground
from cryoscale.variables import attributes

GRIDS = {
    "EPSG:4326": (99.0, 38.0, 99.15, 38.23),
    "EPSG:32647": (600_000, 4_200_000, 600_450, 4_200_690),
    "EPSG:3413": (-1_000_000, -400_000, -970_000, -354_000),
}
DERIVATIVES = {
    "slope": terrain.slope,
    "aspect": terrain.aspect,
    "components": lambda z: terrain.aspect_components(z).to_array(),
    "total": terrain.curvature,
    "profile": lambda z: terrain.curvature(z, bend=terrain.Bend.PROFILE),
    "position": lambda z: terrain.topographic_position(z, radius=4 * metres_across(z)),
    "radiation": lambda z: terrain.potential_radiation(z, [20, 172]),
}


def metres_across(elevation):
    step = float(abs(elevation.x[1] - elevation.x[0]))
    return 111_000 * step if step < 1 else 1.1 * step


def rough(crs="EPSG:4326", *, shape=(23, 15), holes=0.05, dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(4000, 100, shape).astype(dtype)
    values[rng.random(shape) < holes] = np.nan
    return xr.DataArray(values, grid_coords(GeoBox.from_bbox(GRIDS[crs], crs, shape=shape)), ("y", "x"), "elevation")


@pytest.mark.parametrize("derive", DERIVATIVES.values(), ids=DERIVATIVES)
@pytest.mark.parametrize("crs", GRIDS)
@pytest.mark.parametrize("chunks", [((23,), (15,)), ((7, 9, 7), (4, 11)), ((1, 1, 19, 2), (1, 13, 1))])
def test_lazy_is_eager_to_the_bit(derive, crs, chunks, assert_lazy):
    elevation = rough(crs)
    with assert_lazy():
        lazy = derive(elevation.chunk(dict(zip("yx", chunks, strict=True))))
    assert isinstance(lazy.data, da.Array)
    eager = derive(elevation)
    assert 0 < int(eager.isnull().sum()) < eager.size
    xr.testing.assert_identical(lazy.compute(), eager)
    assert lazy.dtype == eager.dtype == np.float32


@given(
    rows=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    columns=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    seed=st.integers(0, 5),
)
@settings(max_examples=15)
def test_any_chunks_give_the_same_bits(rows, columns, seed):
    shape = max(sum(rows), 3), max(sum(columns), 3)
    rows, columns = [*rows, *[1] * (shape[0] - sum(rows))], [*columns, *[1] * (shape[1] - sum(columns))]
    elevation = rough(shape=shape, seed=seed, dtype="float64")
    lazy = elevation.chunk({"y": tuple(rows), "x": tuple(columns)})
    for name in ("slope", "total", "position"):
        xr.testing.assert_identical(DERIVATIVES[name](lazy).compute(), DERIVATIVES[name](elevation))


def test_chunks_are_kept_and_each_day_is_one():
    lazy = rough().chunk({"y": (1, 20, 2), "x": 6})
    assert terrain.curvature(lazy).chunks == lazy.chunks
    assert terrain.potential_radiation(lazy, [1, 2]).chunks == ((1, 1), *lazy.chunks)


def test_grid_and_attributes_are_those_of_the_input_and_the_registry():
    elevation = rough().assign_attrs(units="m", source="DEM").assign_coords(band=1)
    elevation.encoding["scale_factor"] = 0.1
    found = terrain.slope(elevation)
    assert found.name == "slope"
    assert found.attrs == attributes("slope")
    assert found.odc.geobox == elevation.odc.geobox
    assert int(found.band) == 1
    assert "scale_factor" not in found.encoding


def test_layout_and_type_do_not_matter():
    elevation = (rough(holes=0.0) - 4000.0).round().astype("int16")  # small enough for float16
    expected = terrain.slope(elevation.astype("float64"))
    for other in (elevation, elevation.astype(">f4"), elevation.transpose("x", "y"), elevation.astype("float16")):
        xr.testing.assert_identical(terrain.slope(other), expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda z: z.drop_vars("spatial_ref").drop_attrs(), "elevation: no regular grid with a CRS"),
        (lambda z: z.assign_attrs(units="ft"), "elevation: is in 'ft', but elevation must be in 'm'"),
        (lambda z: z.expand_dims("band"), r"elevation: has the dims \('band', 'y', 'x'\)"),
        (lambda z: z.astype(str), "elevation: is of type <U"),
        (lambda z: z[:1], r"elevation: has the shape \(1, 15\)"),
    ],
)
def test_what_is_no_ground_is_an_error(change, message):
    with pytest.raises(InputError, match=message):
        Ground.of(change(rough()))
