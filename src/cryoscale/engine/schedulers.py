"""Running the jobs of a dataset's tiles: on threads of this process, or on the workers of a cluster."""

import errno
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol
from uuid import uuid4

import dask.threaded
import xarray as xr
from dask._task_spec import Task
from dask.callbacks import Callback
from dask.diagnostics import Profiler, ResourceProfiler, visualize
from distributed import Future, performance_report
from distributed.scheduler import KilledWorker

from cryoscale.engine.cluster import Cluster, ClusterKind
from cryoscale.engine.launch import connect
from cryoscale.engine.watch import Watch
from cryoscale.errors import RESUME, ResourceError

Jobs = Mapping[str, Callable[[], None]]

PULSE = 3.0
"""Seconds without news after which the workers are looked after."""


class Scheduler(Protocol):
    """What a run needs of a scheduler."""

    def execute(self, batches: Iterator[Jobs], *, on_done: Callable[[], None]) -> None:
        """Run every job of every batch.

        Parameters
        ----------
        batches : iterator of Jobs
            Taken one after the other.
        on_done : callable
            Called after each job, in this thread.
        """

    def reduce(self, lazy: xr.Dataset) -> xr.Dataset:
        """Compute a dataset whose result is small.

        Parameters
        ----------
        lazy : xarray.Dataset
            On Dask.

        Returns
        -------
        xarray.Dataset
            In memory.
        """


class ThreadScheduler:
    """Dask's threaded scheduler."""

    def __init__(self, n_threads: int) -> None:
        self._n_threads = n_threads

    def reduce(self, lazy: xr.Dataset) -> xr.Dataset:
        """Compute a dataset whose result is small."""
        return lazy.compute(scheduler="threads", num_workers=self._n_threads)

    def execute(self, batches: Iterator[Jobs], *, on_done: Callable[[], None]) -> None:
        """Run the batches one after the other."""
        for jobs in batches:
            with Callback(posttask=lambda *_: on_done()):
                dask.threaded.get(_graph(jobs), list(jobs), num_workers=self._n_threads)


class DistributedScheduler:
    """A distributed scheduler; it takes a job to another worker when one dies."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._client = watch.client

    def reduce(self, lazy: xr.Dataset) -> xr.Dataset:
        """Compute a dataset whose result is small."""
        finished: SimpleQueue[Future[Any]] = SimpleQueue()
        future = self._client.compute(lazy)
        future.add_done_callback(finished.put)
        self._await(finished, suffix="")
        result: xr.Dataset = future.result()
        return result

    def execute(self, batches: Iterator[Jobs], *, on_done: Callable[[], None]) -> None:
        """Keep two batches in flight, so that no worker waits at the end of a batch."""
        running: dict[str, Future[Any]] = {}
        finished: SimpleQueue[Future[Any]] = SimpleQueue()
        # Another run on this scheduler also has a tile 0-0: with one key for both, only one of them would be computed.
        suffix = f"-{uuid4().hex[:12]}"
        for jobs in batches:
            for future in self._submit(jobs, suffix):
                running[str(future.key)] = future
                future.add_done_callback(finished.put)
            while len(running) > len(jobs):
                del running[self._await(finished, suffix)]
                on_done()
        while running:
            del running[self._await(finished, suffix)]
            on_done()

    def _submit(self, jobs: Jobs, suffix: str) -> list[Future[Any]]:
        graph = _graph(jobs, suffix)
        return list(self._client.get(graph, list(graph), sync=False))

    def _await(self, finished: SimpleQueue[Future[Any]], suffix: str) -> str:
        """Key of the next job that is done; while there is none, make sure that somebody computes."""
        while True:
            try:
                future = finished.get(timeout=PULSE)
                break
            except Empty:
                self._watch.check()
        if future.status != "finished":
            self._raise(future, str(future.key).removesuffix(suffix))
        return str(future.key)

    def _raise(self, future: Future[Any], name: str) -> None:
        try:
            future.result()
        except KilledWorker as death:
            raise self._watch.error(
                f"{name} is given up: {death.allowed_failures + 1} workers in succession died while they computed it, "
                f"the last at {death.last_worker.address}. Most often the reason is memory: raise cluster.memory."
            ) from death
        except CancelledError as lost:
            raise self._watch.error(
                f"the connection to the scheduler was lost while it had {name}; it has ended or cannot be reached."
            ) from lost


@dataclass(frozen=True)
class _Job:
    """A job that says which it is when the machine has no room for it."""

    name: str
    work: Callable[[], None]

    def __call__(self) -> None:
        try:
            self.work()
        except MemoryError as error:
            raise ResourceError(
                f"{self.name}: {error}. Lower cluster.workers or use a machine with more memory. {RESUME}"
            ) from error
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise ResourceError(f"{self.name}: {error.strerror}. Make room on the output's disk. {RESUME}") from error


def _graph(jobs: Jobs, suffix: str = "") -> dict[str, Task]:
    return {f"{name}{suffix}": Task(f"{name}{suffix}", _Job(name, work)) for name, work in jobs.items()}


@contextmanager
def open_scheduler(cluster: Cluster) -> Iterator[Scheduler]:
    """Start what the configuration asks for, and end it afterwards.

    Parameters
    ----------
    cluster : Cluster
        Kind, workers, memory, and what its kind needs.

    Yields
    ------
    Scheduler

    Raises
    ------
    ResourceError
        If the cluster does not start, or its workers are lost, with what the logs say of it.
    """
    if cluster.kind is ClusterKind.THREADS:
        with _thread_report(cluster.performance_report):
            yield ThreadScheduler(cluster.n_tasks)
        return
    with connect(cluster) as watch, _distributed_report(cluster.performance_report):
        yield DistributedScheduler(watch)


def _distributed_report(path: Path | None) -> Any:
    return nullcontext() if path is None else performance_report(filename=str(path))


@contextmanager
def _thread_report(path: Path | None) -> Iterator[None]:
    if path is None:
        yield
        return
    with Profiler() as tasks, ResourceProfiler() as resources:
        yield
    visualize([tasks, resources], filename=str(path), show=False, save=True)
