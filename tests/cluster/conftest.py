"""A SLURM of one node on loopback, without systemd, and a small scene to compute on it."""

import getpass
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from cryoscale.products import deformation
from cryoscale.products.corrections import Reference
from cryoscale.products.deformation import DeformationConfig
from cryoscale.products.stack import StackSource
from cryoscale.scenes import datong_scene, write_licsar

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "sinfo")

SLURM_CONF = """
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=2
KillWait=5
SchedulerParameters=sched_interval=2,batch_sched_delay=0
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=16000 State=UNKNOWN
PartitionName=small Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def free_ports(n: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextmanager
def daemon(*command: str, log: Path, env: dict[str, str]) -> Iterator[None]:
    """A process in the foreground of this test, ended by its own id."""
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output, env=env) as process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_for(condition: Callable[[], bool], what: Callable[[], str], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.2)


@contextmanager
def cancelled_jobs(env: dict[str, str]) -> Iterator[None]:
    """No job outlives the daemon that looks after it."""

    def queue() -> str:
        return subprocess.run(["squeue", "--noheader"], env=env, check=True, capture_output=True, text=True).stdout

    try:
        yield
    finally:
        subprocess.run(["scancel", f"--user={getpass.getuser()}"], env=env, check=True)
        wait_for(lambda: not queue(), queue)


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Start munged, slurmctld and slurmd; yields the environment in which the commands find them."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)}: not installed (apt-get install slurm-wlm munge)")
    folder = tmp_path_factory.mktemp("slurm")
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(mode=0o700)
    (folder / "munge/key").touch(mode=0o600)
    (folder / "munge/key").write_bytes(secrets.token_bytes(128))
    host = socket.gethostname().partition(".")[0]
    conf = SLURM_CONF.format(folder=folder, host=host, user=getpass.getuser(), ports=free_ports(2))
    (folder / "slurm.conf").write_text(conf)
    env = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
    munged = [f"--{part}-file={folder}/munge/{part}" for part in ("key", "pid", "seed", "log")]

    def nodes() -> str:
        command = ["sinfo", "--noheader", "--format=%T"]
        answer = subprocess.run(command, env=env, check=False, capture_output=True, text=True)
        return answer.stdout.strip() or answer.stderr

    def complaint() -> str:
        return "\n".join(f"{log}:\n{log.read_text()[-2000:]}" for log in folder.glob("*.log"))

    with ExitStack() as stack:
        start = [
            ["munged", "--foreground", "--force", f"--socket={folder}/munge/socket", *munged],
            ["slurmctld", "-D"],
            ["slurmd", "-D"],
        ]
        for command in start:
            stack.enter_context(daemon(*command, log=folder / f"{command[0]}.out.log", env=env))
            if command[0] == "munged":
                wait_for((folder / "munge/socket").exists, complaint)
        wait_for(lambda: nodes() == "idle", complaint)
        stack.enter_context(cancelled_jobs(env))
        yield env


@pytest.fixture(scope="session")
def slurm_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Configuration of a small scene, beside which the results of threads lie in ``threads/``."""
    folder = tmp_path_factory.mktemp("scene")
    scene = datong_scene(seed=1, shape=(70, 90), start="2016-04-04", end="2017-12-31")
    write_licsar(scene.stack, folder / "GEOC")
    latitude, longitude = scene.reference
    config = DeformationConfig(
        stack=StackSource(path=Path("GEOC")),
        output=Path("threads"),
        reference=Reference(longitude=longitude, latitude=latitude),
    )
    path = folder / "config.yaml"
    path.write_text(config.to_yaml(), encoding="utf-8")
    deformation.run(DeformationConfig.load(path))
    return path
