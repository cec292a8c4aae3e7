"""Workers as SLURM jobs: the scheduler lives in this process, dask-jobqueue submits and cancels the jobs."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dask_jobqueue.slurm import SLURMCluster, SLURMJob
from distributed import Status

from cryoscale.engine.slurm import Slurm
from cryoscale.engine.tls import Tls
from cryoscale.engine.watch import LOOPBACK, Outlook

JOB_NAME = "cryoscale"
WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "SUSPENDED"}


class _Job(SLURMJob):
    """Knows that it was refused; without that the cluster takes it for one that is still being submitted."""

    async def start(self) -> None:
        try:
            await super().start()  # type: ignore[no-untyped-call]
        except RuntimeError:
            self.status = Status.failed
            raise


class _Cluster(SLURMCluster):
    job_cls = _Job


@contextmanager
def slurm_cluster(
    slurm: Slurm, *, workers: int, memory: int, tls: Tls, dashboard: str, environment: dict[str, str]
) -> Iterator[SLURMCluster]:
    """Submit the jobs, and cancel what is left of them afterwards.

    Parameters
    ----------
    slurm : Slurm
        The jobs.
    workers : int
        Worker processes in all.
    memory : int
        Of each, bytes.
    tls : Tls
        Files that the nodes see.
    dashboard : str
        Address of the scheduler's dashboard; the workers have none.
    environment : dict
        Variables of the workers.

    Yields
    ------
    dask_jobqueue.SLURMCluster
    """
    with _Cluster(
        n_workers=workers,
        cores=slurm.workers_per_job,
        processes=slurm.workers_per_job,
        memory=f"{memory * slurm.workers_per_job} B",
        queue=slurm.partition,
        account=slurm.account,
        walltime=slurm.walltime,
        interface=slurm.interface,
        python=slurm.python,
        job_name=JOB_NAME,
        job_extra_directives=list(slurm.job_extra),
        job_script_prologue=[*(f"export {key}={value}" for key, value in environment.items()), *slurm.prologue],
        log_directory=str(slurm.folder.absolute()),
        worker_extra_args=["--no-dashboard", "--dashboard-address", LOOPBACK],
        security=tls.security(),
        scheduler_options={"dashboard_address": dashboard},
    ) as cluster:
        yield cluster


def slurm_outlook(cluster: SLURMCluster) -> Outlook:
    """Ask SLURM what became of the jobs.

    Parameters
    ----------
    cluster : dask_jobqueue.SLURMCluster
        Knows its jobs.

    Returns
    -------
    Outlook
        Gone where no job is left or none could be submitted; starting where SLURM does not answer.
    """
    jobs = list(cluster.workers.values())
    if jobs and all(job.status is Status.failed for job in jobs):
        return Outlook.GONE
    submitted = [job.job_id for job in jobs if job.job_id]
    if not submitted:
        return Outlook.STARTING
    command = ["squeue", "--noheader", "--format=%T", f"--jobs={','.join(submitted)}"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    states = set(answer.stdout.split())
    if states & WAITING:
        return Outlook.QUEUED
    forgotten = "Invalid job id" in answer.stderr
    ended = not states and (answer.returncode == 0 or forgotten)
    return Outlook.GONE if ended else Outlook.STARTING


def slurm_words(folder: Path, heard: Callable[[], str], *, lines: int = 8) -> str:
    """The last of the newest job's log, after what this process heard.

    Parameters
    ----------
    folder : Path
        Where the jobs log to.
    heard : callable
        From `cryoscale.engine.watch.listen`.
    lines : int
        Of the log.

    Returns
    -------
    str
    """
    logs = sorted(folder.glob(f"{JOB_NAME}-*.err"), key=lambda log: log.stat().st_mtime)
    if not logs:
        return heard()
    text = logs[-1].read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    return "\n".join([heard(), f"  {logs[-1]}:", *(f"  {line}" for line in text)]).strip("\n")
