"""The whole demo, and that a killed run goes on and ends with the same bytes."""

import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from typer.testing import CliRunner

from cryoscale.cli import app
from cryoscale.products import demo
from cryoscale.products.deformation import DeformationConfig
from cryoscale.store import open_store


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return folder, demo.run(folder)


def chunks(path):
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("c/**/*") if p.is_file()}


def test_the_table_compares_with_the_truth(finished):
    table = finished[1].tables[-1]
    rows = {row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows}
    assert float(rows["seasonal_amplitude"]["R"]) > 0.99
    assert float(rows["seasonal_amplitude"]["RMSE"]) < 1.5
    assert float(rows["velocity"]["RMSE"]) < 3.5
    assert rows["velocity"]["unit"] == "mm a-1"


def test_the_report_holds_the_truth_too(finished):
    assert "Recovered against true" in finished[1].report.read_text()


def test_the_stores_are_valid(finished):
    results = finished[0] / "results"
    result = CliRunner().invoke(app, ["validate", *map(str, sorted(results.glob("*.zarr")))])
    assert result.exit_code == 0, result.output


def test_killed_at_any_moment_it_goes_on_to_the_same_bytes(finished, tmp_path):
    folder, outcome = finished
    shutil.copy(folder / "config.yaml", tmp_path / "config.yaml")
    os.symlink(folder / "scene", tmp_path / "scene")
    store = tmp_path / "results/deformation.zarr"
    command = [sys.executable, "-m", "cryoscale", "deformation", str(tmp_path / "config.yaml")]
    for stop in (1, 5, 9):
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            while len(list(store.glob("n_pairs/c/*/*"))) < stop and process.poll() is None:
                time.sleep(0.02)
            process.kill()
    assert len(list(store.glob("n_pairs/c/*/*"))) < len(list(outcome.store.glob("n_pairs/c/*/*")))
    subprocess.run(command, check=True, capture_output=True)
    assert chunks(store) == chunks(outcome.store)
    assert chunks(tmp_path / "results/stack.zarr") == chunks(folder / "results/stack.zarr")


def test_the_plan_predicts_what_was_written(finished):
    from cryoscale.products.deformation import plan

    folder, outcome = finished
    config = DeformationConfig.load(folder / "config.yaml")
    inverting = plan(config).steps[-1]
    cube = open_store(outcome.store)
    written = sum(cube[name].nbytes for name in cube.data_vars)
    assert inverting.bytes_written == pytest.approx(written, rel=0.05)
    assert inverting.n_tasks == int(np.prod([len(c) for c in (cube.chunksizes["y"], cube.chunksizes["x"])]))
