"""Running a lazy dataset into a store, tile by tile: the one way in which every product computes.

A tile is one chunk of the lazy dataset (and one or more whole chunks of the store). Each is one task, whose part of
the graph is evaluated by one thread of one worker; so memory is what one tile needs times the number of threads, the
scheduler sees as many tasks as there are tiles, and no task depends on another.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dask
import dask.array as da
import numpy as np
import xarray as xr
import zarr
from dask.array.optimization import optimize
from dask.highlevelgraph import HighLevelGraph

from cryoscale.chunks import Block, lost_blocks, remove_partial_files
from cryoscale.engine.graphs import batches
from cryoscale.engine.lock import lock_store
from cryoscale.engine.memory import keep_freed_memory
from cryoscale.engine.progress import ProgressBar
from cryoscale.engine.schedulers import Jobs, Scheduler
from cryoscale.errors import StoreError
from cryoscale.folders import Folder, location_of, remove
from cryoscale.store import (
    Provenance,
    create_store,
    require_absent_or_ours,
    require_same_run,
)

BATCH = 256
"""Tiles whose graphs are built together: few enough to keep the graph small, enough to keep many workers busy."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did.

    Attributes
    ----------
    n_tiles : int
        Tiles of the store.
    n_computed : int
        Tiles that this run wrote; the others were there already.
    """

    n_tiles: int
    n_computed: int


def run(
    dataset: xr.Dataset,
    path: Folder,
    *,
    chunks: Mapping[str, int],
    provenance: Provenance,
    scheduler: Scheduler,
    overwrite: bool = False,
    title: str | None = None,
) -> Summary:
    """Compute the lazy variables of a dataset into a Zarr store; go on where an earlier run of the same stopped.

    Parameters
    ----------
    dataset : xarray.Dataset
        Its Dask-backed variables are computed, one task per chunk along ``y`` and ``x``; all else is written at once.
    path : Path or UPath
        The store; created unless it is there.
    chunks : mapping
        Chunk length of the store per dim. The dataset's chunks must be multiples of it.
    provenance : Provenance
        What the values depend on; a store that was begun with another is refused.
    scheduler : Scheduler
        From `open_scheduler`.
    overwrite : bool
        Remove a store of ours that is there, and begin anew.
    title : str, optional
        What the progress bar says; by default the store's name.

    Returns
    -------
    Summary

    Raises
    ------
    StoreError
        If another run writes this store, or it was begun by another configuration, input or version.
    """
    with lock_store(path):
        require_absent_or_ours(path)
        if overwrite and path.exists():
            remove(path)
        if path.exists():
            require_same_run(path, provenance)
        else:
            for name, array in dataset.data_vars.items():
                _require_aligned(str(name), array, [chunks.get(str(dim), size) for dim, size in array.sizes.items()])
            create_store(path, _outline(dataset), chunks=chunks, provenance=provenance)
        remove_partial_files(path)
        layout = _layout(dataset, path)
        pending = layout.pending(path)
        with ProgressBar(title or path.name, total=layout.n_tiles, done=layout.n_tiles - len(pending)) as bar:
            scheduler.execute(layout.jobs(pending), on_done=bar.advance)
    return Summary(layout.n_tiles, len(pending))


@dataclass(frozen=True)
class _Layout:
    """The lazy variables of a dataset, the arrays that they go to, and the grid of tiles that both share."""

    lazy: Mapping[str, Any]
    dims: Mapping[str, tuple[str, ...]]
    bounds: Mapping[str, tuple[int, ...]]
    targets: Mapping[str, zarr.Array[Any]]

    @property
    def n_tiles(self) -> int:
        """How many tiles there are."""
        return int(np.prod([len(edges) - 1 for edges in self.bounds.values()]))

    def tiles(self) -> Iterable[Block]:
        """Index of every tile, in reading order."""
        return itertools.product(*(range(len(edges) - 1) for edges in self.bounds.values()))

    def block(self, name: str, tile: Block) -> Block | None:
        """Chunk of a variable that belongs to a tile; None where another tile carries it."""
        index = dict(zip(self.bounds, tile, strict=True))
        if any(i for dim, i in index.items() if dim not in self.dims[name]):
            return None
        return tuple(index[dim] for dim in self.dims[name])

    def region(self, name: str, block: Block) -> tuple[slice, ...]:
        """Place of a chunk in its variable."""
        return tuple(
            slice(self.bounds[dim][i], self.bounds[dim][i + 1]) for dim, i in zip(self.dims[name], block, strict=True)
        )

    def pending(self, path: Folder) -> list[Block]:
        """Tiles of which at least one chunk is missing in the store, or cut off."""
        missing = {name: lost_blocks(path, name) for name in self.lazy}
        return [tile for tile in self.tiles() if any(self._lacks(missing[name], name, tile) for name in self.lazy)]

    def _lacks(self, missing: set[Block], name: str, tile: Block) -> bool:
        block = self.block(name, tile)
        if block is None or not missing:
            return False
        sizes = self.targets[name].chunks
        stored = (
            range(part.start // size, -(-part.stop // size))
            for part, size in zip(self.region(name, block), sizes, strict=True)
        )
        return any(index in missing for index in itertools.product(*stored))

    def jobs(self, tiles: list[Block]) -> Iterator[Jobs]:
        """One job a tile, in batches; only one batch's part of the graph is built at a time."""
        graph = HighLevelGraph.merge(*(array.__dask_graph__() for array in self.lazy.values()))
        for part, batch in batches(graph, tiles, keys_of=self._keys, size=BATCH):
            parts = {tile: self._parts(tile) for tile in batch}
            tasks = dict(optimize(part, self._keys(batch)))
            yield {
                f"tile-{'-'.join(map(str, tile))}": _TileJob(
                    _cull(tasks, [part.key for part in tile_parts]), tile_parts
                )
                for tile, tile_parts in parts.items()
            }

    def _keys(self, tiles: Sequence[Block]) -> list[Any]:
        return [part.key for tile in tiles for part in self._parts(tile)]

    def _parts(self, tile: Block) -> list["_Part"]:
        blocks = {name: self.block(name, tile) for name in self.lazy}
        return [
            _Part((self.lazy[name].name, *block), self.targets[name], self.region(name, block))
            for name, block in blocks.items()
            if block is not None
        ]


@dataclass(frozen=True)
class _Part:
    """One chunk of one variable: its key in the graph and its place in the store."""

    key: tuple[Any, ...]
    target: zarr.Array[Any]
    region: tuple[slice, ...]


@dataclass(frozen=True)
class _TileJob:
    """Computes the chunks of one tile and writes them."""

    tasks: Mapping[Any, Any]
    parts: list[_Part]

    def __call__(self) -> None:
        keep_freed_memory()
        values = dask.get(self.tasks, [part.key for part in self.parts])
        for part, value in zip(self.parts, values, strict=True):
            part.target[part.region] = value


def _cull(tasks: Mapping[Any, Any], keys: list[Any]) -> dict[Any, Any]:
    """The tasks that the keys need."""
    needed: dict[Any, Any] = {}
    stack = list(keys)
    while stack:
        key = stack.pop()
        if key not in needed:
            needed[key] = tasks[key]
            stack.extend(tasks[key].dependencies)
    return needed


def _outline(dataset: xr.Dataset) -> xr.Dataset:
    """The same with one chunk a variable: creating a store builds a task for every chunk, though none of them runs."""
    lazy = {name: array for name, array in dataset.data_vars.items() if array.chunks is not None}
    return dataset.assign(
        {name: array.copy(data=da.zeros(array.shape, dtype=array.dtype, chunks=-1)) for name, array in lazy.items()}
    )


def _layout(dataset: xr.Dataset, path: Folder) -> _Layout:
    lazy = {str(name): array for name, array in dataset.data_vars.items() if array.chunks is not None}
    bounds = {str(dim): _edges(sizes) for array in lazy.values() for dim, sizes in array.chunksizes.items()}
    targets = {name: _open_target(path, name) for name in lazy}
    for name, array in lazy.items():
        _require_aligned(name, array, targets[name].chunks)
    return _Layout(
        lazy={name: array.data for name, array in lazy.items()},
        dims={name: tuple(map(str, array.dims)) for name, array in lazy.items()},
        bounds=bounds,
        targets=targets,
    )


def _open_target(path: Folder, name: str) -> zarr.Array[Any]:
    """The array to write to, with chunks that hold only fill values written too: a missing one is one not computed."""
    return zarr.open_array(location_of(path), path=name, mode="r+").with_config({"write_empty_chunks": True})


def _edges(sizes: tuple[int, ...]) -> tuple[int, ...]:
    return (0, *itertools.accumulate(sizes))


def _require_aligned(name: str, array: xr.DataArray, chunks: Sequence[int]) -> None:
    """Two tasks that write one chunk of the store would silently lose one another's values."""
    for dim, size in zip(array.dims, chunks, strict=True):
        if dim not in array.chunksizes:
            continue
        starts = _edges(array.chunksizes[dim])[1:-1]
        if any(start % size for start in starts):
            raise StoreError(
                f"{name}: chunks of {array.chunksizes[dim][0]} along {dim!r} straddle the store's chunks of {size}. "
                f"Rechunk it to a multiple of {size}."
            )
