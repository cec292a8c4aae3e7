"""What the engine costs beside the work: 10,000 tiny tiles on threads and on local processes.

``python -m benchmarks --only engine``. A plain loop computes and writes the same tiles into the same store;
what the engine takes beyond it, divided by the tiles, is its overhead. It is told as a share of tiles of 50 ms, which
is little: a tile of 128 x 128 pixels of 650 interferograms takes five times as long.
"""

import math
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import psutil
import xarray as xr
import zarr

from cryoscale.engine import Cluster, ClusterKind, open_scheduler, run
from cryoscale.store import Provenance, create_store

TILE, REALISTIC = 8, 0.05
"""Side of a tile, pixels; seconds that the work of a tile takes where there is any."""

CHUNKS = {"y": TILE, "x": TILE}
PROVENANCE = Provenance("benchmark", {}, {})


def tiny_tile(block_id: tuple[int, int]) -> np.ndarray[Any, Any]:
    """The values of one tile, from its place alone: nothing but the job goes to a worker."""
    values: np.ndarray[Any, Any] = np.sqrt(np.arange(TILE * TILE, dtype="float32").reshape(TILE, TILE) + sum(block_id))
    return values


def tiny_tiles(n_tiles: int) -> xr.Dataset:
    """A lazy square map of as many tiles, or the next fewer."""
    chunks = ((TILE,) * math.isqrt(n_tiles),) * 2
    tiles = da.map_blocks(tiny_tile, chunks=chunks, dtype="float32", meta=np.empty((0, 0), "float32"))
    return xr.Dataset({"residual_rms": (("y", "x"), tiles)})


def _of_cores() -> dict[str, float]:
    """Seconds of cores so far: of this process, which schedules, and of the workers that it started."""
    workers = (child.cpu_times() for child in psutil.Process().children(recursive=True))
    return {"here": time.process_time(), "workers": sum(times.user + times.system for times in workers)}


@contextmanager
def _clocks() -> Iterator[dict[str, float]]:
    """Seconds by the clock and of cores."""
    found: dict[str, float] = {}
    clock, before = time.perf_counter(), _of_cores()
    yield found
    found["clock"] = time.perf_counter() - clock
    found |= {name: seconds - before[name] for name, seconds in _of_cores().items()}


def plain_loop(n_tiles: int, path: Path) -> dict[str, float]:
    """Seconds a tile of the same work without an engine."""
    side = math.isqrt(n_tiles)
    create_store(path, tiny_tiles(n_tiles), chunks=CHUNKS, provenance=PROVENANCE)
    target = zarr.open_array(path, path="residual_rms", mode="r+")
    with _clocks() as taken:
        for y in range(side):
            for x in range(side):
                target[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE] = tiny_tile((y, x))
    return {name: seconds / side**2 for name, seconds in taken.items()}


def engine_run(n_tiles: int, path: Path, *, cluster: Cluster) -> dict[str, float]:
    """Seconds a tile through the engine; starting and ending the workers does not count."""
    lazy = tiny_tiles(n_tiles)
    with open_scheduler(cluster) as scheduler, _clocks() as taken:
        summary = run(lazy, path, chunks=CHUNKS, provenance=PROVENANCE, scheduler=scheduler)
    return {name: seconds / summary.n_tiles for name, seconds in taken.items()}


def scheduler_overhead(folder: Path, *, n_tiles: int = 10_000, workers: int = 2) -> list[tuple[str, str]]:
    """Rows for the table of `make bench`."""
    rows = []
    for path in (plain := folder / "plain.zarr", tiled := folder / "tiled.zarr"):
        shutil.rmtree(path, ignore_errors=True)
    alone = plain_loop(n_tiles, plain)
    for kind in (ClusterKind.THREADS, ClusterKind.LOCAL):
        shutil.rmtree(tiled, ignore_errors=True)
        found = engine_run(n_tiles, tiled, cluster=Cluster(kind=kind, workers=workers, memory="2 GiB"))
        here, there = found["here"], found["workers"]
        beyond = here + there - alone["here"]
        title = f"engine, {n_tiles} tiny tiles, {workers} {'threads' if kind is ClusterKind.THREADS else 'processes'}"
        rows += [
            (f"{title}: ms of cores a tile beyond a plain loop", f"{1e3 * beyond:.2f}"),
            (f"{title}: ms of a core a tile, here and on the workers", f"{1e3 * here:.2f}, {1e3 * there:.2f}"),
            (f"{title}: share of tiles whose work is {1e3 * REALISTIC:.0f} ms", f"{100 * beyond / REALISTIC:.1f} %"),
            (f"{title}: ms a tile, by the clock", f"{1e3 * found['clock']:.2f}"),
        ]
    return rows
