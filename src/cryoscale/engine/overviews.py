"""Overviews: coarser copies of a store's rasters beside it, so that a first look at a large one reads little.

They are a cache: whoever looks at a store uses them where they are whole and of this very store, and nobody needs
them. They lie beside the store, not in it, because the fingerprint of a store is that of all files in its folder.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
import zarr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from cryoscale.engine.run import run
from cryoscale.engine.schedulers import Scheduler
from cryoscale.errors import InputError
from cryoscale.folders import Folder, location_of, remove
from cryoscale.grids import geobox_of, grid_coords
from cryoscale.store import Provenance, consolidate_group, create_group, open_store, read_provenance

COARSEST = 1024
"""Pixels that the longer side of the coarsest overview has at most."""

SUFFIX = ".overviews.zarr"
"""What the name of the overviews ends with."""

_CYCLIC = ("seasonal_peak",)
"""Whose mean across the turn of the year would be a day in summer."""


def overview_folder(path: Folder) -> Folder:
    """Where the overviews of a store lie: ``deformation.overviews.zarr`` beside ``deformation.zarr``."""
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


def write_overviews(path: Folder, *, scheduler: Scheduler, coarsest: int = COARSEST) -> list[int]:
    """Write the overviews of a store's rasters beside it, each from the next finer; go on where that was stopped.

    A pixel of an overview of floats is the mean of those of its four pixels that have a value; one of classes, counts
    and days of the year is the first of the four. Every date or year is a chunk of its own, unlike in the store, so
    that a map of one date is read without the others.

    Parameters
    ----------
    path : Path or UPath
        A whole store with dims y and x.
    scheduler : Scheduler
        From `open_scheduler`. A task holds two by two chunks of the store.
    coarsest : int
        Pixels that the longer side of the coarsest overview has at most.

    Returns
    -------
    list of int
        Their factors: names of the groups in `overview_folder`, whose attribute ``multiscales`` lists them.

    Raises
    ------
    StoreError
        If there is no such store, or chunks of it are missing.
    InputError
        If it holds no rasters.
    """
    store = open_store(path)
    if not {"y", "x"} <= set(store.sizes):
        raise InputError(f"{path}: holds no maps (dims {', '.join(map(str, store.sizes))}), so there is no overview.")
    factors = overview_factors((store.sizes["y"], store.sizes["x"]), coarsest=coarsest)
    folder, source = overview_folder(path), _identity(path, store)
    if _source_of(folder) not in {None, source}:
        remove(folder)
    if not factors:
        return []
    create_group(folder, {"product": "overviews", "source": source})
    finer = store
    for factor in factors:
        provenance = Provenance("overview", {"factor": factor}, {"store": source})
        chunks = dict.fromkeys(map(str, finer.dims), 1) | _chunks(store)
        run(
            halve(finer, _chunks(store)),
            folder / f"{factor}",
            chunks=chunks,
            provenance=provenance,
            scheduler=scheduler,
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
    if _source_of(folder) != _identity(path, store):
        return {}
    attrs: Mapping[str, Any] = zarr.open_group(location_of(folder), mode="r").attrs.asdict()
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
    rasters = dataset[[name for name, array in dataset.data_vars.items() if array.dims[-2:] == ("y", "x")]]
    rasters = rasters.chunk({dim: 2 * size for dim, size in chunks.items()})
    halved = {name: _halved(array) for name, array in rasters.data_vars.items()}
    full = geobox_of(dataset)
    coarse = GeoBox((-(-full.height // 2), -(-full.width // 2)), full.affine * Affine.scale(2.0), full.crs)
    others = {name: coord for name, coord in dataset.coords.items() if not {"y", "x"} & set(coord.dims)}
    return xr.Dataset(halved, {**others, **grid_coords(coarse)})


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


def _identity(path: Folder, store: xr.Dataset) -> str:
    """What tells this store from the one that another run makes in its place."""
    made = json.dumps([read_provenance(path).to_dict(), store.attrs["created"]], sort_keys=True)
    return hashlib.blake2b(made.encode(), digest_size=16).hexdigest()


def _source_of(folder: Folder) -> str | None:
    if not (folder / "zarr.json").is_file():
        return None
    return str(zarr.open_group(location_of(folder), mode="r").attrs.asdict().get("source"))


def _multiscales(factors: list[int]) -> dict[str, Any]:
    """In the form of the Zarr convention for multiscales, but for the finest level, which is a store of its own."""
    layout = [{"asset": str(factor), "transform": {"scale": [float(factor)] * 2}} for factor in factors]
    return {"layout": layout, "resampling_method": "average"}
