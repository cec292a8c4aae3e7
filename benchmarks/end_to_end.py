"""Zarr to Zarr: inverting a stack of 1000 x 1000 x 650 against copying it, and against the floor.

Every stage is a process of its own, so that its peak memory is its own; the stages take turns, so that a drift of the
machine's speed hits all of them alike.
"""

import itertools
import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
import zarr
from odc.geo.geobox import GeoBox

from cryoscale.engine import Cluster, open_scheduler, run
from cryoscale.grids import grid_coords
from cryoscale.products.corrections import Inputs, Survey
from cryoscale.products.deformation import DeformationConfig, compute
from cryoscale.products.stack import StackSource
from cryoscale.store import Provenance, open_store
from cryoscale.variables import attributes

SHAPE, TILE = (1000, 1000), 125
ROUNDS = 3
CLUSTER = Cluster(workers=2)


def chain_network(n_epochs: int, n_pairs: int) -> tuple[Any, Any, Any]:
    """Pairs of every epoch with the following ones, short spans first: (first, second, dates)."""
    links = ((i, i + span) for span in range(1, n_epochs) for i in range(n_epochs - span))
    first, second = np.array(sorted(itertools.islice(links, n_pairs))).T
    return first, second, np.datetime64("2016-01-01", "ns") + 12 * np.arange(n_epochs) * np.timedelta64(1, "D")


def make_input(path: Path) -> None:
    """Phases of a random walk in time with noise, 15 % missing at random."""
    first, second, dates = chain_network(180, 650)
    geobox = GeoBox.from_bbox((99.0, 38.0, 99.3, 38.3), "EPSG:4326", shape=SHAPE)
    rng = np.random.default_rng(0)

    def block() -> np.ndarray[Any, Any]:
        u = rng.normal(size=(180, TILE, TILE)).astype("float32").cumsum(axis=0)
        phase = u[second] - u[first] + 0.3 * rng.normal(size=(650, TILE, TILE)).astype("float32")
        phase[rng.random(phase.shape, dtype="float32") < 0.15] = np.nan
        return phase.astype("float32")

    data = da.map_blocks(
        block, dtype="float32", chunks=((650,), (TILE,) * 8, (TILE,) * 8), meta=np.empty((0, 0, 0), "float32")
    )
    coords = {"reference": ("pair", dates[first]), "secondary": ("pair", dates[second]), **grid_coords(geobox)}
    stack = xr.Dataset(
        {"unwrapped_phase": (("pair", "y", "x"), data, attributes("unwrapped_phase"))},
        coords=coords,
        attrs={"wavelength": 0.0555},
    )
    _write(stack, path)


def _write(dataset: xr.Dataset, path: Path) -> None:
    provenance = Provenance("benchmark", {}, {})
    with open_scheduler(CLUSTER) as scheduler:
        run(dataset, path, chunks={"y": TILE, "x": TILE}, provenance=provenance, scheduler=scheduler)


def copy(source: Path, target: Path) -> None:
    """A plain Dask copy of the input, with its own chunks and codec."""
    xr.open_zarr(source, mask_and_scale=False).to_zarr(target, mode="w", consolidated=False)


def invert(source: Path, target: Path) -> None:
    """Phase to displacement, referring to an area, NSBAS, rate and season: all of the product's second pass."""
    stack = open_store(source)
    zero = xr.zeros_like(stack.unwrapped_phase[:, 0, 0], dtype="float64").compute()
    pairs = xr.Dataset({"coverage": zero + 1, "reference_phase": zero})
    found = Survey(pairs, window=(slice(0, 5), slice(0, 5)))
    config = DeformationConfig(stack=StackSource(path=source))
    _write(compute(Inputs(stack), config, found=found), target)


def floor(source: Path, target: Path) -> None:
    """Read the input, write arrays of the output's shapes and types (displacement of 180 epochs and 13 maps)."""
    stack = open_store(source)
    phase = stack.unwrapped_phase
    series = phase[:180].rename(pair="time").drop_vars(("reference", "secondary"))
    maps = {f"map_{i}": phase[i].drop_vars(("reference", "secondary")) for i in range(13)}
    _write(xr.Dataset({"displacement": series, **maps}), target)


STAGES = {"copy": copy, "invert": invert, "floor": floor}


def _measure(stage: str, source: Path, target: Path) -> dict[str, float]:
    """Seconds by the clock and of cores, and peak GiB, of one stage in a process of its own."""
    shutil.rmtree(target, ignore_errors=True)
    command = [sys.executable, "-m", "benchmarks.end_to_end", stage, str(source), str(target)]
    result: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    shutil.rmtree(target, ignore_errors=True)
    return result


def zarr_to_zarr(folder: Path) -> list[tuple[str, str]]:
    """Rows for the table of `make bench`."""
    source = folder / "stack.zarr"
    if not source.exists():
        make_input(source)
    _measure("invert", source, folder / "warm-up.zarr")  # compiles the kernels, fills the page cache
    runs = [{stage: _measure(stage, source, folder / f"{stage}.zarr") for stage in STAGES} for _ in range(ROUNDS)]
    ratio = {
        (other, clock): median(r["invert"][clock] / r[other][clock] for r in runs)
        for other in ("copy", "floor")
        for clock in ("cores", "seconds")
    }
    megabytes = zarr.open_array(source, path="unwrapped_phase", mode="r").nbytes / 1e6
    seconds = median(r["invert"]["seconds"] for r in runs)
    title = "NSBAS, Zarr to Zarr, 1000 x 1000 x 650, 2 threads"
    names = {"copy": "plain Dask copy of the input", "floor": "floor (read the input, write the output's size)"}
    return [
        *(
            (
                f"{title}: inverting / {name}, by the time of cores (by the clock)",
                f"{ratio[other, 'cores']:.2f} ({ratio[other, 'seconds']:.2f})",
            )
            for other, name in names.items()
        ),
        (f"{title}: input read, MB/s", f"{megabytes / seconds:.0f}"),
        (f"{title}: peak memory, GiB", f"{max(r['invert']['peak_gib'] for r in runs):.2f}"),
    ]


if __name__ == "__main__":
    stage, source, target = sys.argv[1:]
    started, used = time.perf_counter(), time.process_time()
    STAGES[stage](Path(source), Path(target))
    found = {"seconds": time.perf_counter() - started, "cores": time.process_time() - used}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({**found, "peak_gib": peak}))
