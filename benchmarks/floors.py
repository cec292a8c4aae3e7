"""Zarr to Zarr: TTOP, Stefan and CDF matching as products run them, against reading and writing the same bytes.

The floor is the same store-to-store run without science: every chunk of the same inputs is read, and chunks of the
output's type and content are written, by Zarr alone in as many threads, without Dask, xarray or any computing.
"""

import argparse
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
import zarr
from odc.geo.geobox import GeoBox
from rich.console import Console

from cryoscale import thermal
from cryoscale.engine import Cluster, open_scheduler, run
from cryoscale.engine.memory import keep_freed_memory
from cryoscale.grids import grid_coords
from cryoscale.stats.transfer import CdfTransfer
from cryoscale.store import Provenance, open_store
from cryoscale.variables import attributes

Array = np.ndarray[Any, Any]

YEARS, TILE, ROUNDS = 10, 500, 5
TRANSFER = CdfTransfer(
    levels=tuple(np.arange(1, 100) / 100),
    source=tuple(np.linspace(200.0, 1800.0, 99)),
    reference=tuple(np.linspace(200.0, 1800.0, 99) ** 1.1),
    slopes=(1.0, 1.0),
    count=10_000,
    units="degC d",
)


def _ttop(store: xr.Dataset) -> xr.Dataset:
    return thermal.ttop(store.ddt, store.ddf, store.rk).to_dataset(name="ttop")


def _stefan(store: xr.Dataset) -> xr.Dataset:
    return thermal.stefan_alt(store.ddt, store.stefan_e_factor)


def _cdf(store: xr.Dataset) -> xr.Dataset:
    return TRANSFER(store.ddt).to_dataset(name="ddt")


@dataclass(frozen=True)
class Heart:
    """What is computed of which inputs."""

    compute: Callable[[xr.Dataset], xr.Dataset]
    inputs: tuple[str, ...]


HEARTS: Mapping[str, Heart] = {
    "TTOP": Heart(_ttop, ("ddt", "ddf", "rk")),
    "Stefan": Heart(_stefan, ("ddt", "stefan_e_factor")),
    "CDF matching": Heart(_cdf, ("ddt",)),
}


def make_input(path: Path, *, side: int) -> None:
    """Degree-days of some years, rk and E, with noise and a tenth without data."""
    tile = min(TILE, side)
    rng = da.random.default_rng(0)
    geobox = GeoBox.from_bbox((90.0, 33.0, 90.0 + side / 1000, 33.0 + side / 1000), "EPSG:4326", shape=(side, side))
    missing = rng.random((side, side), chunks=tile) < 0.1

    def maps(name: str, low: float, high: float, years: int | None = None) -> Any:
        shape, chunks = ((side, side), (tile, tile)) if years is None else ((years, side, side), (years, tile, tile))
        values = da.where(missing, np.nan, rng.uniform(low, high, shape, chunks=chunks)).astype("float32")
        return (("year", "y", "x")[3 - len(shape) :], values, attributes(name))

    variables = {
        "ddt": maps("ddt", 100.0, 2000.0, YEARS),
        "ddf": maps("ddf", 500.0, 3000.0, YEARS),
        "rk": maps("rk", 0.5, 1.0),
        "stefan_e_factor": maps("stefan_e_factor", 0.02, 0.08),
    }
    dataset = xr.Dataset(variables, coords={"year": range(2001, 2001 + YEARS), **grid_coords(geobox)})
    _write(dataset, path, tile=tile, workers=2)


def _write(dataset: xr.Dataset, path: Path, *, tile: int, workers: int) -> None:
    with open_scheduler(Cluster(workers=workers)) as scheduler:
        provenance = Provenance("benchmark", {}, {})
        run(dataset, path, chunks={"y": tile, "x": tile}, provenance=provenance, scheduler=scheduler)


def ours(heart: Heart, source: Path, target: Path, *, workers: int) -> None:
    """As a product does it: open a store lazily, compute, run into a store."""
    store = open_store(source)
    _write(heart.compute(store), target, tile=store.chunksizes["y"][0], workers=workers)


def floor(heart: Heart, source: Path, target: Path, *, workers: int, answer: Path) -> None:
    """Read the same chunks, and write those of a finished answer."""
    keep_freed_memory()
    inputs = [zarr.open_array(source, path=name, mode="r") for name in heart.inputs]
    answers = {n: zarr.open_array(answer, path=n, mode="r") for n in heart.compute(open_store(source)).data_vars}
    outputs = [
        (
            found,
            zarr.create_array(
                target,
                name=name,
                shape=found.shape,
                chunks=found.chunks,
                dtype=found.dtype,
                compressors=found.compressors,
                fill_value=found.fill_value,
            ),
        )
        for name, found in answers.items()
    ]
    values = [found[..., : found.chunks[-2], : found.chunks[-1]] for found, _ in outputs]  # any chunk: all are alike
    tile, side = outputs[0][0].chunks[-1], outputs[0][0].shape[-1]

    def copy(corner: tuple[int, int]) -> None:
        region = (..., *(slice(start, start + tile) for start in corner))
        for array in inputs:
            array[region]
        for (_, made), value in zip(outputs, values, strict=True):
            made[region] = value

    corners = [(y, x) for y in range(0, side, tile) for x in range(0, side, tile)]
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(copy, corners))


def _timed(work: Callable[[], None], target: Path) -> tuple[float, float]:
    shutil.rmtree(target, ignore_errors=True)
    clock, cores = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - cores


def compare(heart: Heart, folder: Path, *, workers: int, rounds: int = ROUNDS) -> dict[str, float]:
    """Ratios of ours to the floor, by the clock and by the time of cores; stages take turns."""
    source, answer, target = folder / "sums.zarr", folder / "answer.zarr", folder / "floor.zarr"
    shutil.rmtree(answer, ignore_errors=True)
    ours(heart, source, answer, workers=workers)  # compiles, fills the page cache
    found = []
    for _ in range(rounds):
        pure = _timed(lambda: floor(heart, source, target, workers=workers, answer=answer), target)
        full = _timed(lambda: ours(heart, source, folder / "ours.zarr", workers=workers), folder / "ours.zarr")
        found.append((full[0] / pure[0], full[1] / pure[1], full[0], pure[0], full[1]))
    names = ("clock", "cores", "seconds", "floor seconds", "core seconds")
    return dict(zip(names, (median(column) for column in zip(*found, strict=True)), strict=True))


def zarr_to_zarr_floors(
    folder: Path, *, sides: Sequence[int] = (1000, 2000), rounds: int = ROUNDS
) -> list[tuple[str, str]]:
    """Rows for the table of `make bench`: growing sizes, on one and on two threads."""
    rows = []
    for side in sides:
        inside = folder / f"sums-{side}"
        if not (inside / "sums.zarr").exists():
            make_input(inside / "sums.zarr", side=side)
        for name, heart in HEARTS.items():
            for workers in (1, 2):
                found = compare(heart, inside, workers=workers, rounds=rounds)
                title = f"{name}, Zarr to Zarr, {side} x {side} x {YEARS}, {workers} thread{'s' * (workers > 1)}"
                ratios = f"{found['cores']:.2f} ({found['clock']:.2f})"
                rows.append((f"{title}: ours / floor, by the time of cores (by the clock)", ratios))
                pixels = f"{1e9 * found['core seconds'] / (side * side * YEARS):.1f}"
                rows.append((f"{title}: ns of a core a pixel and year, reading and writing too", pixels))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sides", type=int, nargs="+", default=(1000, 2000))
    options = parser.parse_args()
    for row in zarr_to_zarr_floors(options.folder, sides=options.sides):
        Console(width=140).print(*row, sep=": ")


if __name__ == "__main__":
    main()
