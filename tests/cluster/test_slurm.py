"""Products on a real SLURM: its workers write what threads write, encrypted, and leave nothing behind."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cryoscale.engine import Cluster, open_scheduler
from cryoscale.engine.slurm import Slurm
from cryoscale.errors import ResourceError
from cryoscale.products import deformation
from cryoscale.products.deformation import DeformationConfig

pytestmark = pytest.mark.slow

RECIPE = Path(__file__).parents[2] / "deploy/slurm/cryoscale.sbatch"


def content(path: Path) -> dict[str, bytes]:
    """Every chunk of a store, byte by byte."""
    found = {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("c/**/*") if p.is_file()}
    assert found
    return found


def jobs(folder: Path, **options: object) -> Cluster:
    slurm = Slurm(folder=folder, interface="lo", walltime="00:10:00", **options)
    return Cluster(kind="slurm", workers=2, memory="2 GiB", slurm=slurm, patience=60)


@pytest.fixture(autouse=True)
def _found(slurm, monkeypatch):
    monkeypatch.setenv("SLURM_CONF", slurm["SLURM_CONF"])
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")


def test_two_slurm_workers_write_what_threads_write(slurm_config, tmp_path):
    config = DeformationConfig.load(slurm_config).model_copy(
        update={"output": tmp_path / "results", "cluster": jobs(tmp_path / "jobs")}
    )
    deformation.run(config)
    for store in ("stack.zarr", "deformation.zarr"):
        assert content(tmp_path / "results" / store) == content(slurm_config.parent / "threads" / store)
    logs = [log.read_text() for log in (tmp_path / "jobs").glob("cryoscale-*.err")]
    assert len(logs) == 2
    for log in logs:
        assert re.search(r"Registered to: +tls://127\.0\.0\.1", log)
    assert not list((tmp_path / "jobs").glob("tls-*"))


def test_several_workers_may_share_a_job(tmp_path):
    with open_scheduler(jobs(tmp_path / "jobs", workers_per_job=2)):
        assert len(list((tmp_path / "jobs").glob("*.err"))) == 1
        queue = subprocess.run(
            ["squeue", "--noheader", "--format=%j %C %m"], capture_output=True, text=True, check=True
        )
        assert queue.stdout.split() == ["cryoscale", "2", "4G"]


def test_workers_that_die_at_their_start_say_why(tmp_path):
    broken = jobs(tmp_path / "jobs", prologue=("echo the module python is not known >&2", "exit 3"))
    with pytest.raises(ResourceError, match="none will come") as raised, open_scheduler(broken):
        pass
    assert "the module python is not known" in str(raised.value)


def test_jobs_that_slurm_refuses_say_why(tmp_path):
    with (
        pytest.raises(ResourceError, match="none will come") as raised,
        open_scheduler(jobs(tmp_path / "jobs", partition="huge")),
    ):
        pass
    assert "invalid partition specified: huge" in str(raised.value)


def test_the_batch_script_runs_everything_in_one_allocation(slurm_config, tmp_path):
    shutil.copytree(slurm_config.parent / "GEOC", tmp_path / "GEOC")
    shutil.copy(slurm_config, tmp_path / "config.yaml")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = ["sbatch", "--wait", "--ntasks=3", "--mem-per-cpu=2G", str(RECIPE), "deformation", "config.yaml"]
    env = {**os.environ, "PATH": path}
    done = subprocess.run(command, cwd=tmp_path, env=env, check=False, capture_output=True, text=True)
    log = next(tmp_path.glob("cryoscale-*.log")).read_text()
    assert done.returncode == 0, done.stderr + log
    for store in ("stack.zarr", "deformation.zarr"):
        assert content(tmp_path / "threads" / store) == content(slurm_config.parent / "threads" / store)
    assert len(re.findall(r"Registered to: +tls://", log)) == 2
    assert not [p for p in tmp_path.glob("cryoscale-*") if p.is_dir()]
