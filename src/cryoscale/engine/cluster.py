"""Where a run computes: threads of this process, processes of this machine, SSH hosts, SLURM jobs, a scheduler."""

import math
from enum import StrEnum

import psutil
from dask.utils import format_bytes, parse_bytes
from pydantic import Field, field_validator, model_validator

from cryoscale.config import Config, ConfigPath
from cryoscale.engine.slurm import Slurm
from cryoscale.engine.ssh import Ssh
from cryoscale.engine.tls import Tls


class ClusterKind(StrEnum):
    """Kinds of scheduler."""

    THREADS = "threads"
    LOCAL = "local"
    SSH = "ssh"
    SLURM = "slurm"
    TCP = "tcp"


SECTIONS = {"address": ClusterKind.TCP, "slurm": ClusterKind.SLURM, "ssh": ClusterKind.SSH}
"""Fields that one kind requires and no other has."""

MANY_HOSTS = (ClusterKind.SSH, ClusterKind.SLURM)
OWN_DASHBOARD = (ClusterKind.LOCAL, *MANY_HOSTS)


class Cluster(Config):
    """Scheduler, number of workers, and their memory."""

    kind: ClusterKind = Field(
        ClusterKind.THREADS,
        description="threads of this process, local worker processes, worker processes on hosts by ssh or as jobs of "
        "slurm, or an existing scheduler (tcp)",
    )
    workers: int | None = Field(None, ge=1, description="threads or processes; null: as many as there are cores")
    memory: str | None = Field(
        None,
        description="memory of each worker process, as in '4 GiB'; null: an even share of 80 % of the machine",
    )
    address: str | None = Field(
        None, description="address of the scheduler for kind tcp, as in tls://10.0.0.1:8786 (or tcp://, unencrypted)"
    )
    ssh: Ssh | None = Field(None, description="the hosts of kind ssh")
    slurm: Slurm | None = Field(None, description="the jobs of kind slurm")
    tls: Tls | None = Field(
        None, description="certificate of a tls:// address; for ssh and slurm null: made for each run, then removed"
    )
    dashboard: str | None = Field(
        None,
        description="address of Dask's dashboard for kinds local, ssh and slurm, as in 0.0.0.0:8787: whoever reaches "
        "it sees the run; null: any free port, reached from the scheduler's own host alone",
    )
    patience: float = Field(
        120.0,
        gt=0,
        description="time to wait for the first worker, or for one to come back; time in a queue does not count",
        json_schema_extra={"unit": "s"},
    )
    performance_report: ConfigPath | None = Field(None, description="write a Dask performance report (HTML) here")

    @field_validator("memory")
    @classmethod
    def _memory_parses(cls, memory: str | None) -> str | None:
        if memory is not None and parse_bytes(memory) < 64 * 2**20:
            raise ValueError("is less than 64 MiB; write it with its unit, as in '4 GiB'")
        return memory

    @field_validator("address")
    @classmethod
    def _address_has_a_scheme(cls, address: str | None) -> str | None:
        if address is not None and not address.startswith(("tcp://", "tls://")):
            raise ValueError("begins with neither tls:// nor tcp://, as in tls://10.0.0.1:8786")
        return address

    @model_validator(mode="after")
    def _sections_fit(self) -> "Cluster":
        for name, kind in SECTIONS.items():
            if (self.kind is kind) != (getattr(self, name) is not None):
                raise ValueError(f"kind {kind} and {_article(name)} {name} go together: set both or neither")
        if self.dashboard is not None and self.kind not in OWN_DASHBOARD:
            raise ValueError(f"kind {self.kind} starts no dashboard; leave it away")
        return self

    @model_validator(mode="after")
    def _encrypted(self) -> "Cluster":
        by_address = self.address is not None and self.address.startswith("tls://")
        if by_address and self.tls is None:
            raise ValueError("a tls:// address needs a section tls with ca, cert and key")
        if self.tls is not None and not by_address and self.kind not in MANY_HOSTS:
            raise ValueError("tls is for tls:// addresses and for kinds ssh and slurm; leave it away")
        return self

    @model_validator(mode="after")
    def _sized(self) -> "Cluster":
        """The cores and the memory of this machine say nothing about others."""
        if self.kind in MANY_HOSTS and (self.workers is None or self.memory is None):
            raise ValueError(f"kind {self.kind} needs workers (processes in all) and memory (of each, as in '4 GiB')")
        if self.slurm is not None and (self.workers or 0) % self.slurm.workers_per_job:
            raise ValueError(f"{self.workers} workers do not fill jobs of {self.slurm.workers_per_job} each")
        if self.ssh is not None and (self.workers or 0) % len(self.ssh.hosts):
            raise ValueError(f"{self.workers} workers cannot be spread evenly on {len(self.ssh.hosts)} hosts")
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


def _article(name: str) -> str:
    return "an" if name == "address" else "a section"


def describe(cluster: Cluster) -> str:
    """One line for people: ``2 threads, 18.6 GiB``."""
    hosts = len(cluster.ssh.hosts) if cluster.ssh else 0
    what = {
        ClusterKind.THREADS: "threads of this process sharing",
        ClusterKind.LOCAL: "worker processes with each",
        ClusterKind.SSH: f"worker processes on {hosts} host{'s' * (hosts != 1)} with each",
        ClusterKind.SLURM: "worker processes in SLURM jobs with each",
        ClusterKind.TCP: f"workers of {cluster.address} with each",
    }[cluster.kind]
    return f"{cluster.n_tasks} {what} {format_bytes(cluster.worker_memory)}"
