"""Overviews: coarser copies of a store's rasters beside it, so that a first look at a large one reads little.

They are a cache: whoever looks at a store uses them where they are whole and of this very store, and nobody needs
them. They lie beside the store, not in it, because the fingerprint of a store is that of all files in its folder.
"""

import hashlib
import json
from collections.abc import Mapping
from math import ceil, gcd
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
import zarr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from cryoscale.chunks import missing_blocks
from cryoscale.engine.cluster import Cluster
from cryoscale.engine.lock import lock_store
from cryoscale.engine.plan import Step, plan_step
from cryoscale.engine.run import run
from cryoscale.engine.schedulers import Scheduler
from cryoscale.engine.tiles import PixelCost
from cryoscale.errors import InputError, StoreError
from cryoscale.folders import Folder, location_of
from cryoscale.grids import geobox_of, grid_coords
from cryoscale.store import Provenance, consolidate_group, create_store, open_store, read_provenance

COARSEST = 1024
"""Pixels that the longer side of the coarsest overview has at most."""

LARGE = 2048
"""Pixels of the longer side above which a first look at a store is slow without overviews: a chunk holds all years of
its pixels, and to draw one of 20 years took 0.4 s of a side of 1024 pixels, 1.4 s of 2048 and 3.1 s of 3072."""

LAYERS = 8
"""Dates or years that a chunk of an overview holds at most: few, because a map shows one of them; more than one,
because a file for each would be ten times as many files as the store has."""

SUFFIX = ".overviews.zarr"
"""What the name of the overviews ends with."""

_CYCLIC = ("seasonal_peak",)
"""Whose mean across the turn of the year would be a day in summer."""


def overview_folder(path: Folder) -> Folder:
    """Where the overviews of a store lie: ``deformation.overviews.zarr`` beside ``deformation.zarr``.

    Those of a store in a group of stores lie beside the group: ``record.overviews.zarr/ALOS_2007-2010``.
    """
    if (path.parent / "zarr.json").is_file():
        return overview_folder(path.parent) / path.name
    return path.with_name(f"{path.stem}{SUFFIX}")


def overview_factors(shape: tuple[int, int], *, coarsest: int = COARSEST) -> list[int]:
    """How many pixels along each side become one, finest overview first.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the store.
    coarsest : int
        Pixels that the longer side of the last overview has at most.

    Returns
    -------
    list of int
        Powers of two; empty for a store that is not larger than that.

    Examples
    --------
    >>> overview_factors((17_000, 37_000))
    [2, 4, 8, 16, 32, 64]
    """
    factors: list[int] = []
    while -(-max(shape) // (factors[-1] if factors else 1)) > coarsest:
        factors.append(2 * factors[-1] if factors else 2)
    return factors


def plan_overviews(
    name: str, *, shape: tuple[int, int], tile: tuple[int, int], cost: PixelCost, cluster: Cluster
) -> list[Step]:
    """Plan what `write_overviews_if_large` does after a step.

    Parameters
    ----------
    name : str
        Of the store.
    shape, tile : tuple of int
        Rows and columns of the step's grid and of its tiles.
    cost : PixelCost
        Of the step.
    cluster : Cluster
        Where it runs.

    Returns
    -------
    list of Step
        One, or none for a small grid. The overviews together have a third of the store's pixels.
    """
    if max(shape) <= LARGE:
        return []
    written = cost.written
    halving = PixelCost(
        read=written, written=ceil(written / 3), widest=cost.widest, working=4 * min(cost.widest, written) + written
    )
    return [plan_step(f"overviews of {name}", shape=shape, tile=tile, cost=halving, cluster=cluster)]


def write_overviews_if_large(
    path: Folder, *, scheduler: Scheduler, large: int = LARGE, coarsest: int = COARSEST
) -> list[int]:
    """Write the overviews of a store whose first view would be slow without; what every product ends with.

    Parameters
    ----------
    path : Path or UPath
        A whole store.
    scheduler : Scheduler
        From `open_scheduler`.
    large : int
        Pixels of the longer side up to which none are written.
    coarsest : int
        See `write_overviews`.

    Returns
    -------
    list of int
        Their factors; empty for a small grid, and for a store without maps.
    """
    sizes = open_store(path, complete=False).sizes
    if not {"y", "x"} <= set(sizes) or max(sizes["y"], sizes["x"]) <= large:
        return []
    return write_overviews(path, scheduler=scheduler, coarsest=coarsest)


def write_overviews(path: Folder, *, scheduler: Scheduler, coarsest: int = COARSEST) -> list[int]:
    """Write the overviews of a store's rasters beside it, each from the next finer; go on where that was stopped.

    A pixel of an overview of floats is the mean of those of its four pixels that have a value; one of classes, counts
    and days of the year is the first of the four. A chunk holds few dates or years, unlike in the store, so that a map
    of one date is read without the others. Where all of them are there already, nothing is done.

    Parameters
    ----------
    path : Path or UPath
        A whole store with dims y and x.
    scheduler : Scheduler
        From `open_scheduler`. A task makes a chunk of an overview from two by two of the finer one.
    coarsest : int
        Pixels that the longer side of the coarsest overview has at most.

    Returns
    -------
    list of int
        Their factors: names of the groups in `overview_folder`, whose attribute ``multiscales`` lists them.

    Raises
    ------
    StoreError
        If there is no such store, chunks of it are missing, another run writes its overviews, or something else lies
        in their place.
    InputError
        If it holds no rasters.
    """
    store = open_store(path)
    if not {"y", "x"} <= set(store.sizes):
        raise InputError(f"{path}: holds no maps (dims {', '.join(map(str, store.sizes))}), so there is no overview.")
    factors = overview_factors((store.sizes["y"], store.sizes["x"]), coarsest=coarsest)
    if not factors or _are_whole(path, store, factors):
        return factors
    folder, source = overview_folder(path), _identity(path, store)
    with lock_store(folder):
        _begin(folder, source)
        finer = store
        for factor in factors:
            run(
                halve(finer, _chunks(store)),
                folder / f"{factor}",
                chunks=_layer_chunks(finer) | _chunks(store),
                provenance=Provenance("overview", {"factor": factor}, {"store": source}),
                scheduler=scheduler,
                title=f"overview 1:{factor}",
            )
            finer = open_store(folder / f"{factor}")
        zarr.open_group(location_of(folder), mode="r+").attrs["multiscales"] = _multiscales(factors)
        consolidate_group(folder)
    return factors


def open_overviews(path: Folder, store: xr.Dataset) -> dict[int, Folder]:
    """Overviews of a store by their factor, finest first; none unless they are whole and of this very store.

    Parameters
    ----------
    path : Path or UPath
        The store.
    store : xarray.Dataset
        What it holds; only its attributes are looked at.

    Returns
    -------
    dict of int to Path or UPath
        A Zarr group each.
    """
    folder = overview_folder(path)
    attrs = _attributes(folder)
    if attrs.get("source") != _identity(path, store):
        return {}
    names = [level["asset"] for level in attrs.get("multiscales", {"layout": []})["layout"]]
    return {int(name): folder / name for name in names}


def halve(dataset: xr.Dataset, chunks: dict[str, int]) -> xr.Dataset:
    """Rasters of a dataset at half the resolution.

    Parameters
    ----------
    dataset : xarray.Dataset
        Variables with dims (..., y, x), and others, which are left out.
    chunks : dict of str to int
        Length along y and x that the chunks of the result have.

    Returns
    -------
    xarray.Dataset
        Lazy. An odd last row or column becomes one that reaches beyond the grid.
    """
    # A chunk is halved before it meets its neighbours, which takes a quarter of the memory of the other order.
    rasters = _rasters(dataset).chunk({dim: size + size % 2 for dim, size in chunks.items()})
    halved = {name: _halved(array) for name, array in rasters.data_vars.items()}
    full = geobox_of(dataset)
    coarse = GeoBox((-(-full.height // 2), -(-full.width // 2)), full.affine * Affine.scale(2.0), full.crs)
    others = {name: coord for name, coord in dataset.coords.items() if not {"y", "x"} & set(coord.dims)}
    return xr.Dataset(halved, {**others, **grid_coords(coarse)}).chunk(chunks)


def _rasters(dataset: xr.Dataset) -> xr.Dataset:
    return dataset[[name for name, array in dataset.data_vars.items() if array.dims[-2:] == ("y", "x")]]


def _halved(array: xr.DataArray) -> xr.Variable:
    mean = array.dtype.kind == "f" and array.name not in _CYCLIC
    chunks: tuple[tuple[int, ...], ...] = array.data.chunks
    sides = (tuple(-(-size // 2) for size in sizes) for sizes in chunks[-2:])
    data = da.map_blocks(_means if mean else _first, array.data, dtype=array.dtype, chunks=(*chunks[:-2], *sides))
    return xr.Variable(array.dims, data, array.attrs)


def _first(block: NDArray[Any]) -> NDArray[Any]:
    return block[..., ::2, ::2]


def _means(block: NDArray[np.floating]) -> NDArray[np.floating]:
    """Means of two by two pixels without those that have no value."""
    shape = (*block.shape[:-2], *(-(-size // 2) for size in block.shape[-2:]))
    total, count = np.zeros(shape), np.zeros(shape, np.uint8)
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        part = block[..., row::2, column::2]
        place = (..., slice(part.shape[-2]), slice(part.shape[-1]))
        valid = np.isfinite(part)
        total[place] += np.where(valid, part, 0)
        count[place] += valid
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(block.dtype)


def _chunks(store: xr.Dataset) -> dict[str, int]:
    return {dim: store.chunksizes[dim][0] for dim in ("y", "x")}


def _layer_chunks(finer: xr.Dataset) -> dict[str, int]:
    """Dates or years of a chunk: so many that no chunk gets its values from two tasks."""
    sizes = _rasters(finer).chunksizes
    return {str(dim): LAYERS if len(sizes[dim]) == 1 else gcd(sizes[dim][0], LAYERS) for dim in set(sizes) - {"y", "x"}}


def _are_whole(path: Folder, store: xr.Dataset, factors: list[int]) -> bool:
    levels = open_overviews(path, store)
    names = list(_rasters(store).data_vars)
    return list(levels) == factors and not any(
        missing_blocks(level, str(name)) for level in levels.values() for name in names
    )


def _begin(folder: Folder, source: str) -> None:
    """Make the group that the overviews go to, in place of those of another run; leave one that was begun."""
    found = _attributes(folder)
    if found.get("source") == source:
        return
    if folder.exists() and found.get("product") != "overviews":
        raise StoreError(f"{folder}: is where overviews go, but holds something else. Move it away.")
    create_store(
        folder,
        xr.Dataset(attrs={"source": source}),
        chunks={},
        provenance=Provenance("overviews", {}, {"store": source}),
    )


def _identity(path: Folder, store: xr.Dataset) -> str:
    """What tells this store from the one that another run makes in its place."""
    made = json.dumps([read_provenance(path).to_dict(), store.attrs["created"]], sort_keys=True)
    return hashlib.blake2b(made.encode(), digest_size=16).hexdigest()


def _attributes(folder: Folder) -> Mapping[str, Any]:
    """Attributes of the group of overviews; none where there is no group."""
    if not (folder / "zarr.json").is_file():
        return {}
    return zarr.open_group(location_of(folder), mode="r").attrs.asdict()


def _multiscales(factors: list[int]) -> dict[str, Any]:
    """In the form of the Zarr convention for multiscales, but for the finest level, which is a store of its own."""
    layout = [{"asset": str(factor), "transform": {"scale": [float(factor)] * 2}} for factor in factors]
    return {"layout": layout, "resampling_method": "average"}
