"""Heat conduction in columns: column-years a minute, against a sweep through the same arrays.

``python -m benchmarks.heat`` runs 100 cells with daily steps through the public door, `simulate_columns`, on Dask's
threads. The sweep reads and writes the enthalpy of every cell once a step, as a loop over steps outside of the columns
would have to do at least.
"""

import time
from typing import Any

import dask
import numpy as np
import xarray as xr
from rich.console import Console

from cryoscale.ground.forcing import Surface, sinusoid
from cryoscale.ground.heat import HeatColumn, simulate_columns
from cryoscale.ground.soils import Soil, UnfrozenWater

Array = np.ndarray[Any, Any]

CELLS, YEARS, SIDE = 100, 5, 64
ROUNDS = 3
SWEPT, SWEEPS = 16_000_000, 5


def _district() -> xr.Dataset:
    """Lazy yearly maps of pixels that differ in mean temperature, amplitude and soil."""
    edges = np.concatenate([[0.0], np.cumsum(np.geomspace(0.02, 4.8, CELLS))])  # to 90 m
    peat = Soil(0.7, UnfrozenWater(0.05, -0.4), 3.0e6, 1.9e6, 0.5, 1.5)
    silt = Soil(0.4, UnfrozenWater(0.07, -0.19), 2.6e6, 2.0e6, 1.1, 2.1)
    rock = Soil(0.05, UnfrozenWater(0.01, -0.3), 2.4e6, 2.2e6, 2.4, 2.6)
    rng = np.random.default_rng(0)
    dims, shape = ("y", "x"), (SIDE, SIDE)
    mean = xr.DataArray(rng.uniform(-6.0, 2.0, shape), dims=dims)
    amplitude = xr.DataArray(rng.uniform(9.0, 13.0, shape), dims=dims)
    peat_down_to = xr.DataArray(rng.uniform(0.0, 0.5, shape), dims=dims)
    depth = xr.DataArray((edges[:-1] + edges[1:]) / 2, dims="depth")
    soil_of = (depth >= peat_down_to).astype(int) + ((depth >= 8.0) & (depth >= peat_down_to)).astype(int)
    tiles = {"y": SIDE // 8, "x": SIDE}
    column = HeatColumn(edges, {"peat": peat, "silt": silt, "rock": rock}, soil_of.chunk(tiles), geothermal_flux=0.05)
    surface = Surface(sinusoid(0.0, 1.0, years=YEARS), mean=mean.chunk(tiles), scale=amplitude.chunk(tiles))
    return simulate_columns(column, surface, (mean + 0.0 * depth).chunk(tiles))


def _seconds(maps: xr.Dataset, threads: int) -> Array:
    """Of the clock, and of the cores."""
    started = np.array([time.perf_counter(), time.process_time()])
    with dask.config.set(scheduler="threads", num_workers=threads):
        maps.compute()
    ended: Array = np.array([time.perf_counter(), time.process_time()])
    return np.asarray(ended - started)


def _sweep_seconds() -> float:
    """Of a core, for one pass through an enthalpy, read and written, in an array that no cache holds."""
    heat = np.ones(SWEPT)
    started = time.process_time()
    for _ in range(SWEEPS):
        np.multiply(heat, 1.0000001, out=heat)
    return (time.process_time() - started) / (SWEPT * SWEEPS)


def measure() -> dict[str, float]:
    """Column-years a minute on one and two threads, ns a cell and step, and the ratio to the sweep.

    The best of some rounds, and by the time of cores too, since other programs share the machine.
    """
    maps = _district()
    _seconds(maps.isel(y=slice(0, 8)), 1)  # compiles
    one, two = (np.min([_seconds(maps, threads) for _ in range(ROUNDS)], axis=0) for threads in (1, 2))
    sweep = min(_sweep_seconds() for _ in range(ROUNDS))
    column_years = SIDE * SIDE * YEARS
    steps = float((np.datetime64(f"{2001 + YEARS}-01-01") - np.datetime64("2001-01-01")).astype(int))
    of_core = one[1] / (SIDE * SIDE * CELLS * steps)
    return {
        "column-years a minute, 1 thread": 60.0 * column_years / one[0],
        "column-years a minute, 2 threads": 60.0 * column_years / two[0],
        "column-years a minute, by the time of a core, 1 thread": 60.0 * column_years / one[1],
        "column-years a minute, by the time of two cores, 2 threads": 2 * 60.0 * column_years / two[1],
        "ns of a core a cell and step": of_core * 1e9,
        "the same / memory-bound sweep of the enthalpies": of_core / sweep,
    }


def heat_speed() -> list[tuple[str, str]]:
    """Rows for the table of `make bench`."""
    return [(f"heat conduction, {CELLS} cells, daily steps: {what}", f"{v:,.1f}") for what, v in measure().items()]


if __name__ == "__main__":
    for row in heat_speed():
        Console(width=120).print(*row, sep=": ")
