"""Starting the workers that a configuration asks for, and ending them."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import dask
from distributed import Client, LocalCluster, Status

from cryoscale import __version__
from cryoscale.engine.cluster import Cluster, ClusterKind
from cryoscale.engine.ssh import ssh_cluster
from cryoscale.engine.tls import Tls, temporary_tls
from cryoscale.engine.watch import LOOPBACK, Outlook, Watch, listen
from cryoscale.errors import CryoscaleError, MissingExtraError, ResourceError

MEMORY_LIMITS = {f"distributed.worker.memory.{level}": False for level in ("target", "spill", "pause")}
"""A tile's values live in its task, where Dask cannot spill them; a worker that paused would wait for nothing."""

Words = Callable[[], str]


@contextmanager
def connect(cluster: Cluster) -> Iterator[Watch]:
    """Start or find workers, and end those that were started.

    Parameters
    ----------
    cluster : Cluster
        Of any kind but threads.

    Yields
    ------
    Watch
        With the client, and at least one worker.

    Raises
    ------
    ResourceError
        If there is no scheduler, no worker comes, or workers have another version of this package.
    """
    launch = {
        ClusterKind.LOCAL: _local,
        ClusterKind.TCP: _existing,
        ClusterKind.SSH: _ssh,
        ClusterKind.SLURM: _slurm,
    }[cluster.kind]
    # By default Dask gives a worker up that takes more than 15 s to start again, as on a busy machine.
    restart = {"distributed.deploy.lost-worker-timeout": f"{cluster.patience} s"}
    with listen() as words, dask.config.set(MEMORY_LIMITS | restart), launch(cluster, words) as watch:
        watch.await_worker()
        _require_same_version(watch.client)
        yield watch


def _local(cluster: Cluster, words: Words) -> AbstractContextManager[Watch]:
    start = partial(
        LocalCluster,
        n_workers=cluster.n_tasks,
        threads_per_worker=1,
        memory_limit=cluster.worker_memory,
        host="127.0.0.1",
        dashboard_address=cluster.dashboard or LOOPBACK,
        worker_dashboard_address=LOOPBACK,
        death_timeout=cluster.patience,
        preload="cryoscale.engine.interrupts",
    )
    return _watched(start, cluster, words, outlook=_local_outlook)


def _local_outlook(cluster: LocalCluster) -> Outlook:
    """Each process has a nanny here, which starts it again unless it is closed itself."""
    ended = all(nanny.status in (Status.closed, Status.failed) for nanny in cluster.workers.values())
    return Outlook.GONE if ended else Outlook.STARTING


def _existing(cluster: Cluster, words: Words) -> AbstractContextManager[Watch]:
    security = cluster.tls.security() if cluster.tls else None
    start = partial(Client, cluster.address, security=security, timeout=cluster.patience)
    return _watched(start, cluster, words)


@contextmanager
def _ssh(cluster: Cluster, words: Words) -> Iterator[Watch]:
    assert cluster.ssh is not None
    with _certificates(cluster.tls, cluster.ssh.folder) as tls:
        start = partial(
            ssh_cluster,
            cluster.ssh,
            workers=cluster.n_tasks,
            memory=cluster.worker_memory,
            tls=tls,
            dashboard=cluster.dashboard or LOOPBACK,
            patience=cluster.patience,
        )
        with _watched(start, cluster, partial(_ssh_words, cluster.ssh.python or sys.executable, words)) as watch:
            yield watch


def _ssh_words(python: str, words: Words) -> str:
    """A host that cannot start its worker does not always live to say why."""
    return f"{words()}\nEach host was asked to run {python}.".lstrip()


@contextmanager
def _slurm(cluster: Cluster, words: Words) -> Iterator[Watch]:
    assert cluster.slurm is not None
    jobqueue = _jobqueue()
    folder = cluster.slurm.folder
    with _certificates(cluster.tls, folder) as tls:
        start = partial(
            jobqueue.slurm_cluster,
            cluster.slurm,
            workers=cluster.n_tasks,
            memory=cluster.worker_memory,
            tls=tls,
            dashboard=cluster.dashboard or LOOPBACK,
            environment={f"DASK_{key.upper().replace('.', '__')}": str(value) for key, value in MEMORY_LIMITS.items()},
        )
        said = partial(jobqueue.slurm_words, folder, words)
        with _watched(start, cluster, said, outlook=jobqueue.slurm_outlook) as watch:
            yield watch


def _jobqueue() -> ModuleType:
    try:
        return import_module("cryoscale.engine.jobqueue")
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"cluster.kind slurm needs {error.name}: pip install 'cryoscale[slurm]'.") from error


def _certificates(given: Tls | None, folder: Path) -> AbstractContextManager[Tls]:
    return nullcontext(given) if given else temporary_tls(folder)


def _starting(_: Any) -> Outlook:
    return Outlook.STARTING


@contextmanager
def _watched(
    start: Callable[[], AbstractContextManager[Any]],
    cluster: Cluster,
    words: Words,
    *,
    outlook: Callable[[Any], Outlook] = _starting,
) -> Iterator[Watch]:
    """Whatever goes wrong before there is a client has its reason in the logs of the parts."""
    with ExitStack() as stack:
        try:
            started = stack.enter_context(start())
            client = started if isinstance(started, Client) else stack.enter_context(Client(started))
        except CryoscaleError:
            raise
        except Exception as error:
            logs = f"\nThe last of its logs:\n{said}" if (said := words()) else ""
            what = f"the cluster (kind {cluster.kind}) did not start"
            if cluster.kind is ClusterKind.TCP:
                what = f"{cluster.address}: no Dask scheduler can be used there (cluster.address)"
            raise ResourceError(f"{what}: {str(error).rstrip('.')}.{logs}") from error
        yield Watch(client, patience=cluster.patience, outlook=partial(outlook, started), words=words)


def _require_same_version(client: Client) -> None:
    """Another version may compute other values."""
    for worker, version in client.run(_version, on_error="return").items():
        if version != __version__:
            raise ResourceError(
                f"worker {worker} answers {version!r} where cryoscale {__version__} should be. Install the same "
                "version in the Python of every host."
            )


def _version() -> str:
    return __version__
