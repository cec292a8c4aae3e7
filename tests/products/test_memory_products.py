"""The plan's peak memory against the peak of a whole run, report and all, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.active_layer import config_of, make_inputs

from cryoscale.moisture import Learner
from cryoscale.products import demo_longterm, demo_mining, demo_moisture, demo_recession
from cryoscale.products.moisture_inputs import CrossValidation, Learning, MoistureConfig
from cryoscale.scenes import datong_longterm_scene, moisture_scene, write_moisture
from cryoscale.scenes.muli import muli_scene
from cryoscale.scenes.muli_files import write_muli

PROGRAM = """
import json, sys
from importlib import import_module
from pathlib import Path

product = import_module(f"cryoscale.products.{sys.argv[1]}")
config = getattr(product, sys.argv[2]).load(Path(sys.argv[3]))
predicted = max(step.peak_memory for step in product.plan(config).steps)
product.run(config)
status = Path("/proc/self/status").read_text()  # getrusage would count the process that this one was forked from
print(json.dumps({"predicted": predicted, "peak": 1024 * int(status.split("VmHWM:")[1].split()[0])}))
"""

WETNESS = """
import json, sys
from pathlib import Path
import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from cryoscale import terrain
from cryoscale.engine import Cluster, PixelCost, plan_step
from cryoscale.grids import grid_coords
from cryoscale.products import moisture
from cryoscale.products.moisture_inputs import _WETNESS_BYTES
from cryoscale.variables import attributes

side = int(sys.argv[1])
cost = PixelCost(read=4, written=4, widest=4, working=_WETNESS_BYTES)
cluster = Cluster(workers=1)
shape = (side, side)
predicted = plan_step("wetness", shape=shape, tile=shape, cost=cost, cluster=cluster).peak_memory
rng = np.random.default_rng(0)
heights = rng.random(shape, dtype="float32")
heights.cumsum(axis=0, out=heights)
box = GeoBox.from_bbox((5e5, 4e6, 5e5 + 90 * side, 4e6 + 90 * side), "EPSG:32645", shape=shape)
elevation = xr.DataArray(heights, grid_coords(box), ("y", "x"), "elevation", attributes("elevation"))
terrain.topographic_wetness(elevation).compute()
status = Path("/proc/self/status").read_text()
print(json.dumps({"predicted": predicted, "peak": 1024 * int(status.split("VmHWM:")[1].split()[0])}))
"""


def measure(program, *arguments):
    command = [sys.executable, "-c", program, *map(str, arguments)]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    result = json.loads(lines[-1])
    print(f"{arguments[0]}: {result['predicted'] / 1e6:.0f} MB predicted, {result['peak'] / 1e6:.0f} MB measured")
    return result


def save(config, folder: Path) -> Path:
    path = folder / "config.yaml"
    path.write_text(config.to_yaml(), encoding="utf-8")
    return path


@pytest.mark.slow
def test_active_layer(tmp_path):
    make_inputs(tmp_path, shape=(1024, 1024))
    result = measure(PROGRAM, "active_layer", "ActiveLayerConfig", save(config_of(tmp_path), tmp_path))
    assert result["peak"] == pytest.approx(result["predicted"], rel=0.25)


@pytest.mark.slow
def test_moisture(tmp_path):
    write_moisture(moisture_scene((960, 960)), tmp_path / "scene")
    learning = Learning(learners=(Learner.RANDOM_FOREST, Learner.EXTRA_TREES), n_candidates=1, n_folds=3)
    save(demo_moisture._config(learning), tmp_path)
    config = MoistureConfig.load(tmp_path / "config.yaml")
    path = save(config.model_copy(update={"validation": CrossValidation(block_size=3000.0, n_folds=3)}), tmp_path)
    result = measure(PROGRAM, "moisture", "MoistureConfig", path)
    assert result["peak"] == pytest.approx(result["predicted"], rel=0.25)


@pytest.mark.slow
def test_wetness_of_a_large_grid():
    """The one step that holds the whole grid."""
    result = measure(WETNESS, 3600)
    assert result["peak"] == pytest.approx(result["predicted"], rel=0.25)


@pytest.mark.slow
def test_longterm(tmp_path):
    for name, shape in (("small", (60, 70)), ("large", (200, 200))):  # the small one compiles, once on a machine
        scene = datong_longterm_scene(shape=shape, start="2019-04-04", end="2021-04-30")
        demo_longterm.build_scene(scene, tmp_path / name)
        result = measure(PROGRAM, "longterm", "LongtermConfig", tmp_path / name / "config.yaml")
    assert result["peak"] == pytest.approx(result["predicted"], rel=0.25)


@pytest.mark.slow
def test_recession(tmp_path):
    demo_recession.run(tmp_path / "made")
    config = (tmp_path / "made/config.yaml").read_text(encoding="utf-8").replace("output: results", "output: again")
    path = tmp_path / "made/again.yaml"
    path.write_text(config, encoding="utf-8")
    result = measure(PROGRAM, "recession", "RecessionConfig", path)
    assert result["peak"] == pytest.approx(result["predicted"], rel=0.25)


@pytest.mark.slow
def test_mining(tmp_path):
    for name, shape in (("small", (60, 70)), ("large", (480, 560))):  # the small one compiles, once on a machine
        write_muli(muli_scene(shape), tmp_path / name / "scene")
        path = save(demo_mining._config((2001, 2012), demo_mining.demo_heat(), 50), tmp_path / name)
        result = measure(PROGRAM, "mining", "MiningConfig", path)
    assert result["peak"] == pytest.approx(result["predicted"], rel=0.25)
