"""The plan's peak memory against the peak of a real process."""

import json
import subprocess
import sys

import pytest

from cryoscale.engine import Cluster, open_scheduler, run
from cryoscale.scenes import datong_scene
from cryoscale.store import Provenance

PROGRAM = """
import json, sys
from pathlib import Path
import xarray as xr
from cryoscale.engine import Cluster, PixelCost, open_scheduler, plan_step, run
from cryoscale.products.corrections import Inputs, Survey
from cryoscale.products.deformation import DeformationConfig, compute
from cryoscale.products.stack import StackSource
from cryoscale.store import Provenance, open_store

folder, tile, threads = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
stack = open_store(folder / "stack.zarr")
n_pairs, n_epochs = stack.sizes["pair"], 154
cost = PixelCost.computing(8 * n_pairs, 4 * n_epochs + 56, widest=4 * n_pairs)
cluster = Cluster(workers=threads)
shape = (stack.sizes["y"], stack.sizes["x"])
predicted = plan_step("inverting", shape=shape, tile=(tile, tile), cost=cost, cluster=cluster).peak_memory
zero = xr.zeros_like(stack.unwrapped_phase[:, 0, 0], dtype="f8").compute()
found = Survey(xr.Dataset({"coverage": zero + 1, "reference_phase": zero}), (slice(0, 5), slice(0, 5)))
config = DeformationConfig(stack=StackSource(path=folder))
with open_scheduler(cluster) as scheduler:
    cube = compute(Inputs(stack), config, found=found)
    chunks = {"y": tile, "x": tile}
    run(cube, folder / f"cube-{threads}.zarr", chunks=chunks, provenance=Provenance("x", {}, {}), scheduler=scheduler)
status = Path("/proc/self/status").read_text()  # getrusage would count the process that this one was forked from
peak = 1024 * int(status.split("VmHWM:")[1].split()[0])
print(json.dumps({"predicted": predicted, "peak": peak}))
"""


@pytest.mark.slow
def test_the_plan_predicts_the_peak_within_a_quarter(tmp_path):
    stack = datong_scene(0, shape=(384, 384)).stack
    lazy = stack.assign({name: array.chunk(y=128, x=128) for name, array in stack.data_vars.items()})
    with open_scheduler(Cluster(workers=2)) as scheduler:
        provenance = Provenance("interferogram-stack", {}, {})
        run(lazy, tmp_path / "stack.zarr", chunks={"y": 128, "x": 128}, provenance=provenance, scheduler=scheduler)
    for threads in (1, 2):
        command = [sys.executable, "-c", PROGRAM, str(tmp_path), "128", str(threads)]
        result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        print(
            f"{threads} threads: {result['predicted'] / 1e6:.0f} MB predicted, {result['peak'] / 1e6:.0f} MB measured"
        )
        assert result["peak"] == pytest.approx(result["predicted"], rel=0.25)
