"""The stack of covariates: what the DEM gives, what files give, and their places in one variable."""

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from pydantic import ValidationError

from cryoscale import terrain
from cryoscale.grids import grid_coords
from cryoscale.products.covariates import CovariateSource, Derivative, TerrainSource, stack_covariates
from cryoscale.scenes.terrain import fractal_field
from cryoscale.variables import attributes
from cryoscale.writers import write_cog

GRID = GeoBox((60, 80), Affine(1 / 1200, 0, 92.0, 0, -1 / 1200, 35.0), "EPSG:4326")
CHUNKS = {"y": 25, "x": 40}
NAMES = (
    "elevation",
    "slope",
    "aspect_sin",
    "aspect_cos",
    "curvature",
    "topographic_position",
    "topographic_wetness",
)


@pytest.fixture(scope="module")
def elevation():
    heights = 4600 + 120 * fractal_field(GRID.shape, exponent=3.6, rng=np.random.default_rng(0))
    return xr.DataArray(heights.astype("float32"), grid_coords(GRID), ("y", "x"), "elevation", attributes("elevation"))


@pytest.fixture(scope="module")
def source(elevation, tmp_path_factory):
    return TerrainSource(elevation=write_cog(elevation, tmp_path_factory.mktemp("dem") / "dem.tif"))


@pytest.fixture(scope="module")
def wetness(elevation):
    return terrain.topographic_wetness(elevation)


def test_all_that_a_dem_gives_is_what_the_terrain_functions_say(source, elevation, wetness, assert_lazy):
    with assert_lazy():
        maps = source.open(GRID, chunks=CHUNKS, wetness=wetness.chunk(CHUNKS))
    assert tuple(maps) == source.names == NAMES
    aspect = terrain.aspect_components(elevation)
    expected = {
        "elevation": elevation,
        "slope": terrain.slope(elevation),
        "aspect_sin": aspect.aspect_sin,
        "aspect_cos": aspect.aspect_cos,
        "curvature": terrain.curvature(elevation),
        "topographic_position": terrain.topographic_position(elevation, radius=900.0),
        "topographic_wetness": wetness,
    }
    for name, array in expected.items():
        np.testing.assert_array_equal(maps[name], array, name)
        assert maps[name].attrs["units"] == attributes(name)["units"]


def test_only_what_is_asked_for_is_made(source):
    few = source.model_copy(update={"derivatives": (Derivative.ASPECT,), "position_radius": 300.0})
    assert few.names == tuple(few.open(GRID, chunks=CHUNKS, wetness=None)) == ("elevation", "aspect_sin", "aspect_cos")
    near = source.model_copy(update={"derivatives": (Derivative.POSITION,), "position_radius": 300.0})
    found = near.open(GRID, chunks=CHUNKS, wetness=None).topographic_position
    expected = terrain.topographic_position(source.open_elevation(GRID, chunks=CHUNKS).compute(), radius=300.0)
    np.testing.assert_array_equal(found, expected)


def test_the_stack_has_all_maps_in_order_with_their_units(source, wetness, assert_lazy):
    maps = source.open(GRID, chunks=CHUNKS, wetness=wetness.chunk(CHUNKS))
    maps["clay"] = xr.ones_like(maps.slope).assign_attrs(units="%")
    maps["mask"] = xr.ones_like(maps.slope, dtype="int16").drop_attrs()
    with assert_lazy():
        stack = stack_covariates(maps)
    assert stack.covariate.dims == ("feature", "y", "x")
    assert stack.covariate.dtype == np.float32
    assert stack.feature.values.tolist() == [*NAMES, "clay", "mask"]
    units = dict(zip(stack.feature.values, stack.unit.values, strict=True))
    assert units["elevation"] == "m"
    assert units["clay"] == "%"
    assert units["mask"] == "1"
    assert stack.odc.geobox == GRID
    computed = stack.covariate.compute()
    for name, array in maps.items():
        layer = computed.sel(feature=name)
        np.testing.assert_array_equal(layer, array, str(name))


def test_a_covariate_comes_from_its_files(tmp_path, elevation):
    paths = [
        write_cog(half.rename("dem"), tmp_path / f"{n}.tif")
        for n, half in enumerate((elevation.isel(x=slice(0, 35)), elevation.isel(x=slice(35, None))))
    ]
    one = CovariateSource(path=tuple(paths), unit="m", resampling="nearest", valid_range=(3000, 6000))
    assert one.paths() == paths
    found = one.open("height", GRID, chunks=CHUNKS)
    np.testing.assert_array_equal(found, elevation)
    assert (found.name, found.attrs["units"]) == ("height", "m")


def test_a_way_of_resampling_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValidationError, match="resampling"):
        CovariateSource(path=tmp_path / "a.tif", unit="1", resampling="cubic")
