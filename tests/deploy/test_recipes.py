"""The recipes in deploy/: every configuration in them is valid, and what runs on one machine is run."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from cryoscale.engine import Cluster, open_scheduler, run
from cryoscale.store import Provenance

DEPLOY = Path(__file__).parents[2] / "deploy"
READMES = sorted(DEPLOY.glob("*/README.md"))


def clusters(readme: Path) -> list[Cluster]:
    blocks = re.findall(r"^```yaml\n(.*?)^```", readme.read_text(), flags=re.DOTALL | re.MULTILINE)
    return [Cluster(**yaml.safe_load(block)["cluster"]) for block in blocks]


def write(dataset, path: Path, cluster: Cluster) -> dict[str, bytes]:
    with open_scheduler(cluster) as scheduler:
        provenance = Provenance("test", {}, {})
        run(dataset, path, chunks={"y": 32, "x": 32}, provenance=provenance, scheduler=scheduler)
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("c/**/*") if p.is_file()}


@pytest.mark.parametrize(
    ("recipe", "kinds"), [("machine", ["threads", "local"]), ("ssh", ["ssh", "tcp"]), ("slurm", ["slurm"])]
)
def test_the_configurations_are_valid(recipe, kinds):
    assert [cluster.kind for cluster in clusters(DEPLOY / recipe / "README.md")] == kinds


def test_a_recipe_is_a_screen():
    assert len(READMES) == 4
    for readme in READMES:
        assert len(readme.read_text().splitlines()) <= 60, readme


@pytest.mark.slow
def test_both_ways_on_one_machine_write_the_same(make_cube, tmp_path):
    recipe = clusters(DEPLOY / "machine/README.md")
    threads, local = (cluster.model_copy(update={"workers": 2, "memory": "1 GiB"}) for cluster in recipe)
    assert write(make_cube(), tmp_path / "a", threads) == write(make_cube(), tmp_path / "b", local)


@contextmanager
def script(name: str, *arguments: str, log: Path) -> Iterator[None]:
    """A recipe's script, which becomes the process that it starts, with this Python's programs first."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PORT": "0", "DASHBOARD": "127.0.0.1:0"}
    command = [str(DEPLOY / "ssh" / name), *arguments]
    with log.open("wb") as output, subprocess.Popen(command, env=env, stdout=output, stderr=output) as process:
        try:
            yield
        finally:
            process.terminate()


@pytest.mark.slow
def test_scheduler_and_workers_by_hand(make_cube, tmp_path):
    folder = tmp_path / "cluster"
    scheduler = script("scheduler.sh", str(folder), "127.0.0.1", log=tmp_path / "scheduler.log")
    worker = script("worker.sh", str(folder), "2", "1GiB", log=tmp_path / "worker.log")
    with scheduler:
        file = folder / "scheduler.json"
        deadline = time.monotonic() + 60
        while not (file.exists() and file.read_text()):
            assert time.monotonic() < deadline, (tmp_path / "scheduler.log").read_text()
            time.sleep(0.1)
        address = yaml.safe_load(file.read_text())["address"]
        assert address.startswith("tls://127.0.0.1:")
        by_hand = clusters(DEPLOY / "ssh/README.md")[1]
        assert by_hand.tls is not None
        files = {name: folder / path.name for name, path in by_hand.tls}
        with worker:
            cluster = Cluster(kind="tcp", address=address, tls=files, workers=2, memory="1 GiB")
            written = write(make_cube(), tmp_path / "a", cluster)
    assert written == write(make_cube(), tmp_path / "b", Cluster(workers=2)) != {}
    assert (tmp_path / "worker.log").read_text().count("Starting established connection to tls://") == 2
