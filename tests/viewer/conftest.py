"""Small stores whose values can be told by hand."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox

from cryoscale.engine import Cluster, open_scheduler
from cryoscale.engine.run import run
from cryoscale.grids import grid_coords
from cryoscale.store import Provenance, save_small
from cryoscale.variables import VARIABLES, attributes
from cryoscale.viewer.source import open_source

SHAPE = (60, 40)
TIME = np.datetime64("2016-01-01", "ns") + np.arange(40) * np.timedelta64(36, "D")
PERIOD = 1.0


def registered(name, values):
    return (VARIABLES[name].dims, np.asarray(values, VARIABLES[name].dtype), attributes(name))


def save(path, variables, coords, *, product, config=None, tile=(16, 16)):
    """A store in chunks, as the products write them."""
    dataset = xr.Dataset(variables, coords).chunk({dim: n for dim, n in zip("yx", tile, strict=True) if dim in coords})
    provenance = Provenance(product, config or {}, {})
    with open_scheduler(Cluster(workers=1)) as scheduler:
        run(dataset, path, chunks=dict(zip("yx", tile, strict=True)), provenance=provenance, scheduler=scheduler)
    return path


def make_deformation(path: Path, *, shape=SHAPE, crs="EPSG:4326") -> Path:
    """A cube whose displacement is its model plus a known scatter; velocity grows with the column."""
    size = 0.001 if crs == "EPSG:4326" else 100.0
    corner = (99.0, 38.0) if crs == "EPSG:4326" else (500_000.0, 4_200_000.0)
    box = (*corner, corner[0] + shape[1] * size, corner[1] + shape[0] * size)
    geobox = GeoBox.from_bbox(box, crs, shape=shape)
    row, column = np.mgrid[: shape[0], : shape[1]].astype(float)
    maps = {
        "velocity": -0.5 * column,
        "offset": 0.1 * row,
        "sine": np.full(shape, 4.0),
        "cosine": np.full(shape, -2.0),
        "deformation_rate": -0.5 * column + 0.01 * row,
        "deformation_rate_error": np.full(shape, 0.5),
        "residual_rms": np.full(shape, 2.0),
        "n_pairs": np.full(shape, 90),
        "seasonal_peak": np.full(shape, 250.0),
    }
    years = ((TIME - TIME[0]) / np.timedelta64(1, "D") / 365.25)[:, None, None]
    angle = 2 * np.pi * years / PERIOD
    model = maps["offset"] + maps["velocity"] * years + 4.0 * np.sin(angle) - 2.0 * np.cos(angle)
    displacement = model + np.random.default_rng(3).normal(size=model.shape)
    displacement[:, 50:, 30:] = np.nan
    variables = {name: registered(name, values) for name, values in {**maps, "displacement": displacement}.items()}
    config = {"inversion": {"period": PERIOD}}
    coords = {**grid_coords(geobox), "time": TIME}
    return save(path, variables, coords, product="deformation-cube", config=config)


@pytest.fixture(scope="session", name="make_deformation")
def deformation_maker():
    """Writes a cube to a path; its shape and its CRS can be chosen."""
    return make_deformation


@pytest.fixture(scope="session")
def save_store():
    """Writes variables into a store of a product."""
    return save


@pytest.fixture(scope="session")
def cube(deformation):
    """The cube, open."""
    return open_source(deformation)


@pytest.fixture(scope="session")
def deformation(tmp_path_factory) -> Path:
    """A cube with the survey of its network beside it, in which two links are missing."""
    folder = tmp_path_factory.mktemp("run")
    days = TIME.astype("datetime64[ns]")
    pairs = [(i, i + 1) for i in range(len(days) - 1) if i != 9]
    reference, secondary = ([days[pair[end]] for pair in pairs] for end in (0, 1))
    verdict = np.zeros(len(pairs), "int8")
    verdict[20] = 4
    survey = xr.Dataset(
        {"coverage": ("pair", np.ones(len(pairs), "float32")), "verdict": ("pair", verdict)},
        {"reference": ("pair", reference), "secondary": ("pair", secondary)},
    )
    save_small(survey, folder / "survey.zarr", provenance=Provenance("deformation-survey", {}, {}))
    return make_deformation(folder / "deformation.zarr")


@pytest.fixture(scope="session")
def permafrost(tmp_path_factory) -> Path:
    """Temperature at the top of permafrost of three years with its error, and classes, on the grid of the cube."""
    shape = SHAPE
    geobox = GeoBox.from_bbox((99.0, 38.0, 99.04, 38.06), "EPSG:4326", shape=shape)
    row, column = np.mgrid[: shape[0], : shape[1]].astype(float)
    ttop = np.stack([0.1 * (row - 30) + year for year in range(3)])
    classes = np.where(row < 20, 1, np.where(row < 40, 2, 3))
    classes[:, 35:] = 0
    years = {
        "ttop": ttop,
        "ttop_error": np.full(ttop.shape, 0.25),
        "permafrost_probability": (ttop < 0).astype(float),
        "ground_class": np.broadcast_to(classes, ttop.shape),
    }
    means = {
        "mean_ttop": ttop.mean(axis=0),
        "mean_ttop_error": np.full(shape, 0.2),
        "mean_permafrost_probability": (ttop < 0).mean(axis=0),
        "mean_ground_class": classes,
        "permafrost_change": np.ones(shape),
        "rk": 0.7 + 0.001 * column,
    }
    variables = {name: registered(name, values) for name, values in {**years, **means}.items()}
    coords = {**grid_coords(geobox), "year": [2001, 2002, 2003]}
    path = tmp_path_factory.mktemp("map") / "permafrost.zarr"
    return save(path, variables, coords, product="permafrost-map")


@pytest.fixture(scope="session")
def recession(tmp_path_factory) -> Path:
    """Two gauges of five years; a table, no map."""
    constant = np.arange(10.0).reshape(2, 5)
    names = [name for name in VARIABLES if name.startswith("recession_constant")]
    shifts = {"recession_constant": 0.0, "recession_constant_lower": -1.0, "recession_constant_upper": 2.0}
    variables = {name: registered(name, constant + shifts[name]) for name in names}
    coords = {"gauge": np.array(["upper", "lower"], np.dtypes.StringDType()), "year": np.arange(1990, 1995)}
    path = tmp_path_factory.mktemp("river") / "recession.zarr"
    save_small(xr.Dataset(variables, coords), path, provenance=Provenance("recession", {}, {}))
    return path
