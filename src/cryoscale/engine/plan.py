"""What a run will read, write and need in memory, before it computes anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import psutil
from dask.utils import format_bytes

from cryoscale.engine.cluster import Cluster, ClusterKind, describe
from cryoscale.engine.tiles import PixelCost
from cryoscale.errors import ResourceError
from cryoscale.folders import Folder, files_below, free_disk, require_writable


@dataclass(frozen=True, slots=True)
class Step:
    """One pass over the data.

    Attributes
    ----------
    name : str
        What it makes.
    shape : tuple of int
        Rows and columns of the grid.
    tile : tuple of int
        Rows and columns that one task computes.
    bytes_read, bytes_written : int
        Before compression.
    peak_memory : int
        Predicted peak of one worker process, bytes.
    n_blocks : int
        Blocks along time into which a tile is cut; 1 where a task holds the whole series.
    """

    name: str
    shape: tuple[int, int]
    tile: tuple[int, int]
    bytes_read: int
    bytes_written: int
    peak_memory: int
    n_blocks: int = 1

    @property
    def n_tasks(self) -> int:
        """Number of tiles times blocks, each of which is one task."""
        return ceil(self.shape[0] / self.tile[0]) * ceil(self.shape[1] / self.tile[1]) * self.n_blocks


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps of a product on a cluster.

    Attributes
    ----------
    grid : str
        CRS, extent and pixel size, for people.
    steps : sequence of Step
        In the order in which they run.
    cluster : Cluster
        Where they run.
    output : Path or UPath
        Folder that the stores go to.
    """

    grid: str
    steps: Sequence[Step]
    cluster: Cluster
    output: Folder

    def require_fit(self) -> None:
        """Refuse a run that needs more memory or disk than there is, or whose output cannot be written.

        Raises
        ------
        ResourceError
            Naming the step, what it needs, what there is, and what to change.
        """
        for step in self.steps:
            if step.peak_memory > self.cluster.worker_memory:
                raise ResourceError(
                    f"{step.name}: needs {format_bytes(step.peak_memory)} per worker, which has "
                    f"{format_bytes(self.cluster.worker_memory)}. Raise cluster.memory or lower cluster.workers."
                )
        require_writable(self.output)
        needed, free = sum(step.bytes_written for step in self.steps), free_disk(self.output)
        if free is not None and needed > free and needed > free + sum(files_below(self.output).values()):
            raise ResourceError(
                f"{self.output}: the stores take up to {format_bytes(needed)}, but the disk has "
                f"{format_bytes(free)} free. Make room there, or name an output folder on another disk."
            )

    def rows(self) -> list[tuple[str, ...]]:
        """A table for people, header first."""
        header: tuple[str, ...] = ("step", "grid (y x)", "tile", "tasks", "read", "write", "peak per worker")
        return [header, *(self._row(step) for step in self.steps)]

    @staticmethod
    def _row(step: Step) -> tuple[str, ...]:
        return (
            step.name,
            f"{step.shape[0]} x {step.shape[1]}",
            f"{step.tile[0]} x {step.tile[1]}",
            f"{step.n_tasks}",
            format_bytes(step.bytes_read),
            format_bytes(step.bytes_written),
            format_bytes(step.peak_memory),
        )

    def where(self) -> str:
        """The cluster and the disk, in one line."""
        free = free_disk(self.output)
        room = f"stores in {self.output}" if free is None else f"{format_bytes(free)} free on the disk of {self.output}"
        return f"{describe(self.cluster)}; {room}"


def plan_step(
    name: str,
    *,
    shape: tuple[int, int],
    tile: tuple[int, int],
    cost: PixelCost,
    cluster: Cluster,
    n_blocks: int = 1,
) -> Step:
    """Plan one pass over a grid.

    Parameters
    ----------
    name : str
        What it makes.
    shape, tile : tuple of int
        Rows and columns of the grid and of a task's tile.
    cost : PixelCost
        Bytes per pixel: read and written of the whole series, in memory of one block of it.
    cluster : Cluster
        Its threads share a worker's memory.
    n_blocks : int
        Blocks along time, each a task of its own.

    Returns
    -------
    Step
    """
    n_pixels = shape[0] * shape[1]
    in_flight = min(cluster.threads_per_worker, ceil(n_pixels / (tile[0] * tile[1])) * n_blocks)
    return Step(
        name=name,
        shape=shape,
        tile=tile,
        bytes_read=n_pixels * cost.read,
        bytes_written=n_pixels * cost.written,
        peak_memory=idle_memory(cluster) + in_flight * tile[0] * tile[1] * cost.working,
        n_blocks=n_blocks,
    )


OVERHEAD = 300 * 10**6
"""Compiled kernels, graphs, and what the allocator keeps between tiles: measured on stacks of 250 to 700 MB."""


LIBRARIES = 400 * 10**6
"""A worker process that has imported all of this and done nothing yet."""


def idle_memory(cluster: Cluster) -> int:
    """Memory of a worker beside its tiles, bytes: what it holds before any, and an overhead.

    Parameters
    ----------
    cluster : Cluster
        Threads share this process with all that it holds already; processes of their own begin with the libraries.

    Returns
    -------
    int
    """
    held = int(psutil.Process().memory_info().rss)
    return (held if cluster.kind is ClusterKind.THREADS else min(held, LIBRARIES)) + OVERHEAD


def task_memory(cluster: Cluster) -> int:
    """Memory that one task may use, with a tenth of the worker's kept free, bytes."""
    return int((0.9 * cluster.worker_memory - idle_memory(cluster)) / cluster.threads_per_worker)
