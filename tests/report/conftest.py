"""Maps and a deformation cube with known values."""

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from cryoscale.grids import grid_coords
from cryoscale.scenes import datong_scene
from cryoscale.variables import attributes


@pytest.fixture
def make_map():
    """A registered map on a grid of longitude and latitude, or on any other."""

    def make(values, *, name="deformation_rate", crs="EPSG:4326", affine=None, chunks=None):
        values = np.asarray(values)
        affine = affine or Affine(0.0003, 0, 99.6, 0, -0.0003, 38.06)
        coords = grid_coords(GeoBox(values.shape, affine, crs))
        array = xr.DataArray(values, dims=("y", "x"), coords=coords, name=name, attrs=attributes(name))
        return array.chunk(chunks) if chunks else array

    return make


@pytest.fixture(scope="session")
def scene():
    return datong_scene(seed=5, shape=(40, 50), end="2018-12-01")


@pytest.fixture(scope="session")
def cube(scene):
    """The scene's truth in the form of a product, with a reference pixel and a few pixels without data."""
    truth, phase = scene.truth, scene.stack.unwrapped_phase
    first_day = truth.get_index("time")[0].day_of_year
    angle = 2 * np.pi * (truth.seasonal_peak - first_day) / 365.25
    noise = np.random.default_rng(0).normal(0, 0.5, truth.displacement.shape).astype("float32")
    maps = {
        "displacement": truth.displacement + noise,
        "velocity": truth.velocity,
        "offset": -truth.seasonal_amplitude * np.cos(angle),
        "sine": truth.seasonal_amplitude * np.sin(angle),
        "cosine": truth.seasonal_amplitude * np.cos(angle),
        "deformation_rate": truth.velocity,
        "deformation_rate_error": 0.1 + 0.01 * abs(truth.velocity),
        "seasonal_amplitude": truth.seasonal_amplitude,
        "residual_rms": 1.0 - scene.stack.coherence.mean("pair"),
        "n_pairs": phase.notnull().sum("pair").astype("int16"),
    }
    cube = xr.Dataset(
        {name: array.drop_attrs(deep=False).assign_attrs(attributes(name)) for name, array in maps.items()}
    )
    cube["deformation_rate"] = cube.deformation_rate.where(cube.n_pairs > 0.5 * phase.sizes["pair"])
    return cube.assign_attrs(scene.stack.attrs)


@pytest.fixture(scope="session")
def coverage(scene):
    share = scene.stack.unwrapped_phase.notnull().mean(("y", "x")).rename("coverage")
    return share.assign_attrs(attributes("coverage"))
