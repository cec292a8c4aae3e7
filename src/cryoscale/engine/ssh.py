"""Workers on hosts that are reached by SSH: scheduler on the first, worker processes on all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from distributed import SpecCluster, SSHCluster
from pydantic import Field

from cryoscale.config import Config, ConfigInput, ConfigPath
from cryoscale.engine.tls import Tls
from cryoscale.engine.watch import LOOPBACK
from cryoscale.errors import MissingExtraError


class Ssh(Config):
    """The hosts."""

    hosts: tuple[str, ...] = Field(min_length=1, description="names of the hosts; the scheduler runs on the first")
    folder: ConfigPath = Field(Path("ssh"), description="folder that all hosts share: certificates while a run lasts")
    config: ConfigInput | None = Field(
        None, description="OpenSSH configuration with users, ports, keys; null: ~/.ssh/config"
    )
    python: str | None = Field(None, description="Python of the hosts; null: the path of the one that runs this")


@contextmanager
def ssh_cluster(
    ssh: Ssh, *, workers: int, memory: int, tls: Tls, dashboard: str, patience: float
) -> Iterator[SpecCluster]:
    """Start scheduler and workers, and end them afterwards.

    Parameters
    ----------
    ssh : Ssh
        The hosts. Their keys must be known, as for the command ssh.
    workers : int
        Processes in all; a multiple of the number of hosts.
    memory : int
        Of each, bytes.
    tls : Tls
        Files that all hosts see.
    dashboard : str
        Address of the scheduler's dashboard.
    patience : float
        Seconds for a connection.

    Yields
    ------
    distributed.SpecCluster

    Raises
    ------
    MissingExtraError
        If asyncssh is not installed.
    """
    try:
        import asyncssh  # noqa: F401, PLC0415 (distributed imports it when it connects)
    except ImportError:
        raise MissingExtraError("cluster.kind ssh needs asyncssh: pip install 'cryoscale[ssh]'.") from None
    connection = {"connect_timeout": patience, **({"config": [str(ssh.config)]} if ssh.config else {})}
    shared = {"protocol": "tls://", "security": tls.options()}
    with SSHCluster(
        [ssh.hosts[0], *ssh.hosts],
        connect_options=connection,
        remote_python=ssh.python,
        scheduler_options={**shared, "dashboard_address": dashboard},
        worker_options={
            **shared,
            "n_workers": workers // len(ssh.hosts),
            "nthreads": 1,
            "memory_limit": memory,
            "dashboard": False,
            "dashboard_address": LOOPBACK,
            "death_timeout": patience,
        },
        security=tls.security(),
    ) as cluster:
        yield cluster
