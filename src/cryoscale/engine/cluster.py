"""Where a run computes: threads of this process, worker processes of this machine, or an existing scheduler."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import dask
import dask.threaded
import psutil
import xarray as xr
from dask._task_spec import Task
from dask.callbacks import Callback
from dask.diagnostics import Profiler, ResourceProfiler, visualize
from dask.utils import format_bytes, parse_bytes
from distributed import Client, LocalCluster, as_completed, performance_report
from pydantic import Field, field_validator, model_validator

from cryoscale.config import Config, ConfigPath

Jobs = Mapping[str, Callable[[], None]]


class ClusterKind(StrEnum):
    """Kinds of scheduler."""

    THREADS = "threads"
    LOCAL = "local"
    TCP = "tcp"


class Cluster(Config):
    """Scheduler, number of workers, and their memory."""

    kind: ClusterKind = Field(
        ClusterKind.THREADS,
        description="threads of this process, local worker processes, or an existing scheduler",
    )
    workers: int | None = Field(None, ge=1, description="threads or processes; null: as many as there are cores")
    memory: str | None = Field(
        None,
        description="memory of each worker process, as in '4 GiB'; null: an even share of 80 % of the machine",
    )
    address: str | None = Field(None, description="address of the scheduler for kind tcp, as in tcp://10.0.0.1:8786")
    performance_report: ConfigPath | None = Field(None, description="write a Dask performance report (HTML) here")

    @field_validator("memory")
    @classmethod
    def _memory_parses(cls, memory: str | None) -> str | None:
        if memory is not None and parse_bytes(memory) < 64 * 2**20:
            raise ValueError("is less than 64 MiB; write it with its unit, as in '4 GiB'")
        return memory

    @model_validator(mode="after")
    def _address_fits(self) -> "Cluster":
        if (self.kind is ClusterKind.TCP) != (self.address is not None):
            raise ValueError("kind tcp and an address go together: set both or neither")
        return self

    @property
    def n_tasks(self) -> int:
        """Tasks that run at the same time (on an existing scheduler: as configured, else one)."""
        if self.kind is ClusterKind.TCP:
            return self.workers or 1
        return self.workers or psutil.cpu_count() or 1

    @property
    def threads_per_worker(self) -> int:
        """Tasks that share one worker's memory."""
        return self.n_tasks if self.kind is ClusterKind.THREADS else 1

    @property
    def worker_memory(self) -> int:
        """Memory of one worker process, bytes."""
        if self.memory is not None:
            return int(parse_bytes(self.memory))
        processes = self.n_tasks / self.threads_per_worker
        return math.floor(0.8 * psutil.virtual_memory().total / processes)


class Scheduler(Protocol):
    """What a run needs of a scheduler."""

    def execute(self, batches: Iterator[Jobs], *, on_done: Callable[[], None]) -> None:
        """Run every job of every batch; `on_done` is called after each, in this thread."""

    def reduce(self, lazy: xr.Dataset) -> xr.Dataset:
        """Compute a dataset whose result is small."""


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

    def __init__(self, client: Client) -> None:
        self._client = client

    def reduce(self, lazy: xr.Dataset) -> xr.Dataset:
        """Compute a dataset whose result is small."""
        result: xr.Dataset = self._client.compute(lazy).result()
        return result

    def execute(self, batches: Iterator[Jobs], *, on_done: Callable[[], None]) -> None:
        """Keep two batches in flight, so that no worker waits at the end of a batch."""
        running = as_completed()
        for jobs in batches:
            running.update(self._submit(jobs))
            while running.count() > len(jobs):
                next(running).result()
                on_done()
        for future in running:
            future.result()
            on_done()

    def _submit(self, jobs: Jobs) -> list[Any]:
        return list(self._client.get(_graph(jobs), list(jobs), sync=False))


def _graph(jobs: Jobs) -> dict[str, Task]:
    return {key: Task(key, job) for key, job in jobs.items()}


@contextmanager
def open_scheduler(cluster: Cluster) -> Iterator[Scheduler]:
    """Start what the configuration asks for, and end it afterwards.

    Parameters
    ----------
    cluster : Cluster
        Kind, workers, memory, address.

    Yields
    ------
    Scheduler
    """
    if cluster.kind is ClusterKind.THREADS:
        with _thread_report(cluster.performance_report):
            yield ThreadScheduler(cluster.n_tasks)
        return
    with _client(cluster) as client, _distributed_report(cluster.performance_report):
        yield DistributedScheduler(client)


@contextmanager
def _client(cluster: Cluster) -> Iterator[Client]:
    if cluster.kind is ClusterKind.TCP:
        with Client(cluster.address) as client:
            yield client
        return
    local = LocalCluster(
        n_workers=cluster.n_tasks,
        threads_per_worker=1,
        memory_limit=cluster.worker_memory,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0",
    )
    with local, Client(local) as client:
        yield client


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


def describe(cluster: Cluster) -> str:
    """One line for people: ``2 threads, 18.6 GiB``."""
    what = {
        ClusterKind.THREADS: "threads of this process sharing",
        ClusterKind.LOCAL: "worker processes with each",
        ClusterKind.TCP: f"workers of {cluster.address} with each",
    }[cluster.kind]
    return f"{cluster.n_tasks} {what} {format_bytes(cluster.worker_memory)}"
