"""Ctrl+C: one line, the status that shells expect, and the same command goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cryoscale.engine import Cluster
from cryoscale.errors import RESUME
from cryoscale.products.deformation import DeformationConfig
from cryoscale.products.stack import StackSource
from cryoscale.scenes import datong_scene, write_licsar


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write_licsar(datong_scene(shape=(96, 96), start="2016-04-04", end="2019-12-31").stack, tmp_path / "GEOC")
    settings = DeformationConfig(stack=StackSource(path=Path("GEOC")), cluster=Cluster(workers=1))
    (tmp_path / "config.yaml").write_text(settings.to_yaml())
    return tmp_path / "config.yaml"


def interrupted(*arguments: object, once: Path) -> "subprocess.CompletedProcess[str]":
    """What a command says that gets Ctrl+C, as its whole group does, once a file is there."""
    command = [sys.executable, "-m", "cryoscale", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, start_new_session=True, **pipes) as process:
        deadline = time.monotonic() + 240
        while not once.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=240)
    return subprocess.CompletedProcess(command, process.returncode, *said)


@pytest.mark.parametrize("kind", ["threads", pytest.param("local", marks=pytest.mark.slow)])
def test_a_run_is_interrupted_and_goes_on(config, cryoscale, kind):
    options = ("--set", f"cluster.kind={kind}")
    done = interrupted("deformation", config, *options, once=config.parent / "deformation/stack.zarr/zarr.json")
    assert done.returncode == 130
    assert done.stderr.splitlines()[-1] == f"interrupted. {RESUME}"
    assert "Traceback" not in done.stderr
    assert cryoscale("deformation", config, *options).returncode == 0
