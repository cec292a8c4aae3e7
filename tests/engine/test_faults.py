"""Processes that are killed and disks that are full: what is written is right, and the rest follows on resuming."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

RUN = """
import json, sys, time
from pathlib import Path
import dask.array as da, numpy as np, xarray as xr
from cryoscale.engine import Cluster, open_scheduler, run
from cryoscale.errors import CryoscaleError
from cryoscale.store import Provenance

def main(path, cluster, seconds=0.0, ballast=0, side=64):
    def work(block):
        time.sleep(seconds)
        return np.sqrt(block + 0.0 * np.ones(1 + ballast // 8).mean().astype("float32"))

    data = da.random.default_rng(0).random((side, side), chunks=side // 8, dtype="float32")
    values = da.map_blocks(work, data, dtype="float32", meta=data._meta)
    with open_scheduler(Cluster(**cluster)) as scheduler:
        run(xr.Dataset({"residual_rms": (("y", "x"), values)}), Path(path), chunks={"y": side // 8, "x": side // 8},
            provenance=Provenance("test", {}, {}), scheduler=scheduler)

if __name__ == "__main__":
    try:
        main(**json.loads(sys.argv[1]))
    except CryoscaleError as error:
        sys.exit(f"error: {error}")
"""

THREADS = {"kind": "threads", "workers": 2}
LOCAL = {"kind": "local", "workers": 2, "memory": "1 GiB"}
KEPT = "Tiles that are written are kept: the same command goes on from there."


@pytest.fixture
def start(tmp_path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Begins runs as processes of their own, and ends those that are left."""
    script = tmp_path / "run.py"
    script.write_text(RUN)
    begun = []

    def begin(path: Path, cluster: dict[str, Any], **options: object) -> subprocess.Popen[str]:
        arguments = json.dumps({"path": str(path), "cluster": cluster, **options})
        begun.append(subprocess.Popen([sys.executable, script, arguments], stderr=subprocess.PIPE, text=True))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def finish(process: subprocess.Popen[str]) -> str:
    """What a run said on its error stream; it must have ended well."""
    said = process.communicate(timeout=240)[1]
    assert process.returncode == 0, said
    return said


def fail(process: subprocess.Popen[str]) -> str:
    """The message of a run that must have failed, from which tracebacks of libraries are cut off."""
    said = process.communicate(timeout=240)[1]
    assert process.returncode == 1, said
    return said[said.rindex("error: ") :]


def chunks(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in path.glob("residual_rms/c/*/*")}


def wait_for(condition: Callable[[], object], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_for_chunks(path: Path, n: int) -> None:
    wait_for(lambda: len(chunks(path)) >= n)


def worker_processes(parent: int) -> list[psutil.Process]:
    children = psutil.Process(parent).children(recursive=True)
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def resumes(start: Callable[..., subprocess.Popen[str]], path: Path, **options: object) -> None:
    """Started again it writes what is missing, to the bytes of a run that nothing happened to, and those only."""
    before = {name: (path / name).stat().st_mtime_ns for name in chunks(path)}
    assert 0 < len(before) < 64
    finish(start(path, THREADS, **options))
    finish(start(path.with_name("whole.zarr"), THREADS, **options))
    assert chunks(path) == chunks(path.with_name("whole.zarr"))
    assert len(chunks(path)) == 64
    assert before.items() <= {name: (path / name).stat().st_mtime_ns for name in chunks(path)}.items()


@contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-m", *command], stderr=subprocess.DEVNULL) as running:
        try:
            yield running
        finally:
            running.kill()


@contextmanager
def scheduler_and_worker(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], subprocess.Popen[bytes], str]]:
    """Started by hand on loopback, the worker without anybody who would start it again."""
    file, loopback = folder / "scheduler.json", ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")
    with ExitStack() as stack:
        command = (
            "distributed.cli.dask_scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--scheduler-file",
            str(file),
        )
        scheduler = stack.enter_context(process(*command, *loopback))
        wait_for(lambda: file.exists() and file.read_text())
        address = json.loads(file.read_text())["address"]
        worker = process("distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", *loopback)
        yield scheduler, stack.enter_context(worker), address


@pytest.mark.slow
def test_a_worker_is_killed_and_another_takes_its_tile(start, tmp_path):
    run = start(tmp_path / "a.zarr", LOCAL, seconds=0.1)
    wait_for_chunks(tmp_path / "a.zarr", 4)
    victim = worker_processes(run.pid)[0]
    victim.kill()
    finish(run)
    finish(start(tmp_path / "whole.zarr", THREADS))
    assert chunks(tmp_path / "a.zarr") == chunks(tmp_path / "whole.zarr")


@pytest.mark.slow
def test_the_client_is_killed_and_its_workers_do_not_live_on(start, tmp_path):
    run = start(tmp_path / "a.zarr", LOCAL, seconds=0.1)
    wait_for_chunks(tmp_path / "a.zarr", 4)
    workers = worker_processes(run.pid)
    assert len(workers) == 2
    os.kill(run.pid, signal.SIGKILL)
    assert psutil.wait_procs(workers, timeout=30)[1] == []
    resumes(start, tmp_path / "a.zarr")


@pytest.mark.slow
def test_the_scheduler_is_killed(start, tmp_path):
    with scheduler_and_worker(tmp_path) as (scheduler, _, address):
        run = start(tmp_path / "a.zarr", {"kind": "tcp", "address": address}, seconds=0.05)
        wait_for_chunks(tmp_path / "a.zarr", 4)
        scheduler.kill()
        message = fail(run)
    assert "the connection to the scheduler was lost while it had tile-" in message
    assert KEPT in message
    resumes(start, tmp_path / "a.zarr")


@pytest.mark.slow
def test_all_workers_are_killed(start, tmp_path):
    with scheduler_and_worker(tmp_path) as (_, worker, address):
        run = start(tmp_path / "a.zarr", {"kind": "tcp", "address": address, "patience": 3}, seconds=0.05)
        wait_for_chunks(tmp_path / "a.zarr", 4)
        worker.kill()
        message = fail(run)
    assert "no worker has been there for 3 s" in message
    assert KEPT in message
    resumes(start, tmp_path / "a.zarr")


@pytest.mark.slow
def test_a_tile_needs_more_memory_than_a_worker_has(start, tmp_path, monkeypatch):
    path, ballast = tmp_path / "a.zarr", 2 * 10**9
    finish(start(path, THREADS))
    for name in list(chunks(path))[10:]:
        (path / name).unlink()
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "1")
    message = fail(start(path, {"kind": "local", "workers": 1, "memory": "600 MiB"}, ballast=ballast))
    assert "is given up: 2 workers in succession died while they computed it" in message
    assert "error: the cluster: tile-" in message
    assert "exceeded 95% memory budget" in message
    assert "raise cluster.memory" in message
    assert KEPT in message
    resumes(start, path)


@pytest.mark.slow
def test_two_runs_on_one_store(start, tmp_path):
    first = start(tmp_path / "a.zarr", THREADS, seconds=0.5)
    wait_for_chunks(tmp_path / "a.zarr", 1)
    message = fail(start(tmp_path / "a.zarr", THREADS))
    assert f'another run is writing this store ({{"pid": {first.pid}' in message
    first.kill()
    first.wait()
    resumes(start, tmp_path / "a.zarr")


@pytest.mark.parametrize("cluster", [THREADS, pytest.param(LOCAL, marks=pytest.mark.slow)], ids=["threads", "local"])
def test_the_disk_is_full(start, small_disk, cluster):
    path = small_disk / "a.zarr"
    message = fail(start(path, cluster, side=1024))
    assert "error: tile-" in message
    assert "No space left on device. Make room on the output's disk." in message
    assert KEPT in message
    subprocess.run(["mount", "-o", "remount,size=32m", small_disk], check=True)
    resumes(start, path, side=1024)


def test_the_disk_is_full_before_the_store_is_there(start, full_disk):
    message = fail(start(full_disk / "a.zarr", THREADS))
    assert "No space is left on its disk. Make room there." in message
    assert KEPT in message
    (full_disk / "ballast").unlink()
    finish(start(full_disk / "a.zarr", THREADS))
    assert len(chunks(full_disk / "a.zarr")) == 64
