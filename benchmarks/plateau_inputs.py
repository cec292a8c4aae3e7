"""What the rehearsal of the plateau computes: synthetic inputs over the whole grid, and the products made of them."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from benchmarks.end_to_end import chain_network
from benchmarks.moisture import fitted
from cryoscale import thermal
from cryoscale.grids import grid_coords
from cryoscale.moisture import MoistureEnsemble, map_moisture
from cryoscale.products.corrections import Inputs, Survey
from cryoscale.products.deformation import DeformationConfig, compute
from cryoscale.products.frozen_ground import compute_permafrost
from cryoscale.products.stack import StackSource
from cryoscale.variables import attributes

Array = np.ndarray[Any, Any]

GRID = (17_000, 37_000)
PIXEL = 90.0
PERMAFROST = 0.207
"""Share of the grid's pixels: 1.3e8 of 6.3e8."""
SHARE = 0.0002


@dataclass(frozen=True)
class Size:
    """How large the rehearsal is.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns.
    epochs, pairs : int
        Of the stack.
    years : int
        Of degree-days.
    share : float
        Of the tiles that are computed; at least one.
    seed : int
        Of the inputs and of the draw.
    """

    shape: tuple[int, int] = GRID
    epochs: int = 180
    pairs: int = 650
    years: int = 16
    share: float = SHARE
    seed: int = 0


@dataclass
class Source:
    """Makes a block of an input from the seed and the block's place; remembers what that took, seconds of a core."""

    make: Callable[[np.random.Generator, tuple[int, ...]], Array]
    seed: int
    chunks: tuple[tuple[int, ...], ...]
    seconds: float = 0.0

    def __call__(self, block_id: tuple[int, ...]) -> Array:
        """The block at a place."""
        start = time.thread_time()
        shape = tuple(sizes[i] for sizes, i in zip(self.chunks, block_id, strict=True))
        values = self.make(np.random.default_rng([self.seed, *block_id]), shape)
        self.seconds += time.thread_time() - start
        return values

    def lazy(self, dtype: str = "float32") -> da.Array:
        """The whole input, of which nothing is there."""
        meta = np.empty((0,) * len(self.chunks), dtype)
        name = f"source-{self.seed}"  # the object itself has to reach the block, not a copy that a token was made of
        return da.map_blocks(self, chunks=self.chunks, dtype=dtype, meta=meta, name=name)


@dataclass
class World:
    """The grid, cut into tiles, and the inputs made on it so far."""

    size: Size
    tile: tuple[int, int]
    sources: dict[str, Source] = field(default_factory=dict)

    @property
    def coords(self) -> dict[str, Any]:
        """Of the grid: an equal-area projection, so that all of its pixels are alike."""
        rows, columns = self.size.shape
        box = (7.0e6, 3.2e6, 7.0e6 + PIXEL * columns, 3.2e6 + PIXEL * rows)
        return dict(grid_coords(GeoBox.from_bbox(box, "EPSG:6933", shape=self.size.shape)))

    @property
    def cut(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Lengths of the tiles along y and x."""
        (rows, columns), (high, wide) = self.size.shape, self.tile
        return _lengths(rows, high), _lengths(columns, wide)

    def series(
        self, name: str, make: Callable[[np.random.Generator, tuple[int, ...]], Array], *, n: int, step: int = 0
    ) -> da.Array:
        """(n, y, x), `step` layers to a chunk, by default all of them."""
        chunks = (_lengths(n, step or n), *self.cut)
        self.sources[name] = Source(make, self.size.seed + len(self.sources), chunks)
        return self.sources[name].lazy()

    def map(self, name: str, make: Callable[[np.random.Generator, tuple[int, ...]], Array], dtype: str) -> da.Array:
        """(y, x)."""
        self.sources[name] = Source(make, self.size.seed + len(self.sources), self.cut)
        return self.sources[name].lazy(dtype)


def _lengths(size: int, step: int) -> tuple[int, ...]:
    whole, rest = divmod(size, step)
    return (step,) * whole + (rest,) * (rest > 0)


def _uniform(low: float, high: float) -> Callable[[np.random.Generator, tuple[int, ...]], Array]:
    """Numbers between two, a twentieth of the pixels without."""

    def make(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        values = low + (high - low) * rng.random(shape, dtype="float32")
        values[..., rng.random(shape[-2:], dtype="float32") < 0.05] = np.nan
        return values.astype("float32")

    return make


class Product(StrEnum):
    """What is rehearsed."""

    NSBAS = "NSBAS"
    TTOP = "TTOP"
    STEFAN = "Stefan"
    MOISTURE = "moisture"


def deformation(world: World) -> xr.Dataset:
    """Interferograms of a random walk with noise, 15 % missing, through all of the product's second pass."""
    first, second, dates = chain_network(world.size.epochs, world.size.pairs)

    def phases(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        walk = rng.standard_normal((world.size.epochs, *shape[1:]), dtype="float32").cumsum(axis=0)
        values = walk[second] - walk[first] + 0.3 * rng.standard_normal(shape, dtype="float32")
        values[rng.random(shape, dtype="float32") < 0.15] = np.nan
        return values.astype("float32")

    pairs = {"reference": ("pair", dates[first]), "secondary": ("pair", dates[second])}
    values = world.series("unwrapped_phase", phases, n=world.size.pairs)
    stack = xr.Dataset(
        {"unwrapped_phase": (("pair", "y", "x"), values, attributes("unwrapped_phase"))},
        coords={**pairs, **world.coords},
        attrs={"wavelength": 0.0555},
    )
    zero = xr.DataArray(np.zeros(world.size.pairs), dims="pair", coords=pairs)
    found = Survey(xr.Dataset({"coverage": zero + 1, "reference_phase": zero}), window=(slice(0, 5), slice(0, 5)))
    return compute(Inputs(stack), DeformationConfig(stack=StackSource(path=Path("plateau").absolute())), found=found)


def _yearly(world: World, ranges: dict[str, tuple[float, float]]) -> xr.Dataset:
    n = world.size.years
    variables = {
        name: (("year", "y", "x"), world.series(name, _uniform(*limits), n=n), attributes(name))
        for name, limits in ranges.items()
    }
    return xr.Dataset(variables, coords={"year": range(2005, 2005 + n), **world.coords})


def _maps(world: World, ranges: dict[str, tuple[float, float]]) -> xr.Dataset:
    variables = {
        name: (("y", "x"), world.map(name, _uniform(*limits), "float32"), attributes(name))
        for name, limits in ranges.items()
    }
    return xr.Dataset(variables, coords=world.coords)


def _permafrost(world: World) -> xr.DataArray:
    values = world.map("permafrost", lambda rng, shape: rng.random(shape, dtype="float32") < PERMAFROST, "bool")
    return xr.DataArray(values, world.coords, ("y", "x"), "permafrost")


def temperature(world: World) -> xr.Dataset:
    """Yearly degree-days with errors, through the last step of the permafrost map."""
    ranges = {"ddt": (100.0, 2000.0), "ddf": (500.0, 3000.0), "ddt_error": (10.0, 60.0), "ddf_error": (10.0, 60.0)}
    sums = _yearly(world, ranges | {"thawing_days": (80.0, 180.0), "freezing_days": (180.0, 280.0)})
    rk = _maps(world, {"rk": (0.5, 1.0), "rk_error": (0.02, 0.1)})
    return compute_permafrost(sums, rk, bias=0.5, masks=xr.Dataset())


def thickness(world: World) -> xr.Dataset:
    """Yearly thawing degree-days with errors, through Stefan's equation, where there is permafrost."""
    sums = _yearly(world, {"ddt": (100.0, 2000.0), "ddt_error": (10.0, 60.0)})
    factor = _maps(world, {"stefan_e_factor": (0.02, 0.08), "stefan_e_factor_error": (0.001, 0.005)})
    layer = thermal.stefan_alt(
        sums.ddt, factor.stefan_e_factor, ddt_error=sums.ddt_error, e_error=factor.stefan_e_factor_error
    )
    return thermal.mask_active_layer(layer, no_permafrost=~_permafrost(world))


def moisture(world: World) -> xr.Dataset:
    """Covariates within what the training samples span, through the fitted ensemble, where there is permafrost."""
    ensemble, stack = fitted()
    return moisture_of(world, ensemble, stack)


def moisture_of(world: World, ensemble: MoistureEnsemble, stack: xr.DataArray) -> xr.Dataset:
    """The same of an ensemble that is there already."""
    known = stack.sel(feature=list(ensemble.features_)).values.reshape(len(ensemble.features_), -1)

    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        places = rng.integers(0, known.shape[1], shape[1:])
        return known[:, places].astype("float32")

    names = np.array(ensemble.features_, dtype=object)
    values = world.series("covariate", draw, n=len(names))
    covariates = xr.DataArray(values, {**world.coords, "feature": names}, ("feature", "y", "x"), "covariate")
    permafrost = _permafrost(world)
    porosity = xr.full_like(permafrost, 0.6, dtype="float32").rename("porosity").assign_attrs(units="m3 m-3")
    return map_moisture(covariates, ensemble, permafrost=permafrost, porosity=porosity)


BUILDERS: dict[Product, Callable[[World], xr.Dataset]] = {
    Product.NSBAS: deformation,
    Product.TTOP: temperature,
    Product.STEFAN: thickness,
    Product.MOISTURE: moisture,
}
