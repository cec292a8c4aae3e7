"""A rehearsal of the whole plateau: 37,000 x 17,000 pixels of 90 m, of which some tiles, drawn at random, really run.

``python -m benchmarks.plateau --share 0.01`` builds the lazy products over the whole grid and hands all of their tiles
to the engine, batch by batch, as a run does; but only the share of tiles is computed, one after the other, and what
they take of a core is extrapolated to the grid. Inputs are made tile by tile from a seed and the tile's place, never
stored whole, and what making them takes does not count: instead, reading the same bytes from a store does.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import xarray as xr
import zarr
from rich.console import Console
from rich.table import Table

from benchmarks.moisture import plateau_config
from benchmarks.plateau_inputs import BUILDERS, SHARE, Product, Size, Source, World
from cryoscale.engine import Cluster, PixelCost, choose_tile, plan_step
from cryoscale.engine import run as run_tiles
from cryoscale.engine.plan import task_memory
from cryoscale.engine.schedulers import Jobs
from cryoscale.store import COMPRESSOR, Provenance

CORES = (2, 64, 512)
FEWEST = 4
"""Tiles that are computed at least."""
MEMORY = "3 GiB"
"""Of a worker of one core."""


def costs(size: Size) -> dict[Product, PixelCost]:
    """Bytes a pixel as the products plan them; moisture has a plan of its own."""
    series, maps = 4 * size.pairs, 13 * size.years + 40
    return {
        Product.NSBAS: PixelCost.computing(series, 4 * size.epochs + 4 * 14, widest=series),
        Product.TTOP: PixelCost.computing(36 * size.years, maps, widest=4 * size.years),
        Product.STEFAN: PixelCost.computing(8 * size.years, 9 * size.years + 48, widest=4 * size.years),
        Product.MOISTURE: _moisture_cost(),
    }


def _moisture_cost() -> PixelCost:
    layers = 4 * len(plateau_config(CORES[0]).names)
    return PixelCost(read=layers, written=21, widest=4, working=3 * layers + 63)


@dataclass
class Sampler:
    """A scheduler that runs some of the tiles that it is given, one after the other, and looks at the clock.

    The first one is run twice, since compiling does not count. The engine builds the graph of each batch when it is
    asked for it: of all of the grid's.
    """

    chosen: frozenset[int]
    tiles: list[float] = field(default_factory=list)
    graph: float = 0.0

    def execute(self, batches: Iterator[Jobs], *, on_done: Callable[[], None]) -> None:
        """Run the chosen ones."""
        start, seen = time.process_time(), 0
        for jobs in batches:
            self.graph += time.process_time() - start
            for place, job in enumerate(jobs.values(), seen):
                if place in self.chosen:
                    if not self.tiles:
                        job()
                    begun = time.process_time()
                    job()
                    self.tiles.append(time.process_time() - begun)
                    on_done()
            start, seen = time.process_time(), seen + len(jobs)

    def reduce(self, lazy: xr.Dataset) -> xr.Dataset:
        """As any scheduler."""
        return lazy.compute(scheduler="synchronous")


def draw_tiles(world: World) -> frozenset[int]:
    """Places of tiles in their order, at random; never those at the edges that are smaller."""
    rows, columns = (side // step for side, step in zip(world.size.shape, world.tile, strict=True))
    rng = np.random.default_rng(world.size.seed)
    n = min(max(round(world.size.share * rows * columns), FEWEST), rows * columns)
    drawn = rng.choice(rows * columns, n, replace=False)
    return frozenset((drawn // columns * len(world.cut[1]) + drawn % columns).tolist())


@dataclass(frozen=True)
class Rehearsal:
    """What was found: seconds of a core, bytes.

    Attributes
    ----------
    tile : tuple of int
        Rows and columns.
    n_tiles, n_run : int
        Of the grid, and of those computed.
    build, graph : float
        Making the lazy product; the graphs of all tiles, batch by batch.
    compute, read, make : float
        Of one tile: computing and writing it, reading its inputs, and making them (which does not count).
    grown, peak : int
        What building the graph added to the process; its peak.
    """

    tile: tuple[int, int]
    n_tiles: int
    n_run: int
    build: float
    graph: float
    compute: float
    read: float
    make: float
    grown: int
    peak: int

    @property
    def core_hours(self) -> float:
        """Of the whole grid."""
        return self.n_tiles * (self.compute + self.read) / 3600


def rehearse(product: Product, size: Size) -> Rehearsal:
    """Build a product over the whole grid and run some of its tiles."""
    cluster = Cluster(kind="local", workers=CORES[0], memory=MEMORY)
    cost = costs(size)[product]
    tile = choose_tile(size.shape, cost, memory=task_memory(cluster), n_tasks=CORES[-1])
    world = World(size, tile)
    before, start = _memory("VmRSS"), time.process_time()
    lazy = BUILDERS[product](world)
    build = time.process_time() - start
    grown = _memory("VmRSS") - before
    chunks = {"y": tile[0], "x": tile[1]}
    sampler = Sampler(draw_tiles(world))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plateau.zarr"
        summary = run_tiles(lazy, path, chunks=chunks, provenance=Provenance("rehearsal", {}, {}), scheduler=sampler)
        made = sum(source.seconds for source in world.sources.values()) / (len(sampler.tiles) + 1)
        read = sum(_reading(source, Path(folder)) for source in world.sources.values())
    return Rehearsal(
        tile=tile,
        n_tiles=summary.n_tiles,
        n_run=len(sampler.tiles),
        build=build,
        graph=sampler.graph,
        compute=sum(sampler.tiles) / len(sampler.tiles) - made,
        read=read,
        make=made,
        grown=grown,
        peak=_memory("VmHWM"),
    )


def _reading(source: Source, folder: Path) -> float:
    """Seconds of a core for reading one tile of an input from a store like ours."""
    block_id = (0,) * len(source.chunks)
    values = source(block_id)
    array = zarr.create_array(
        folder / "input.zarr",
        shape=values.shape,
        chunks=values.shape,
        dtype=values.dtype,
        compressors=COMPRESSOR,
        overwrite=True,
    )
    array[...] = values
    start = time.process_time()
    array[...]
    return time.process_time() - start


def _memory(name: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return 1024 * int(status.split(f"{name}:")[1].split()[0])


def in_own_process(product: Product, size: Size) -> Rehearsal:
    """So that the peak is its own."""
    command = [sys.executable, "-m", "benchmarks.plateau", "--product", product, "--size", json.dumps(asdict(size))]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    found = json.loads(lines[-1])
    return Rehearsal(**found | {"tile": tuple(found["tile"])})


def rows_of(product: Product, size: Size, found: Rehearsal) -> list[tuple[str, str]]:
    """Rows for the table: what was measured, what was planned, and hours on some numbers of cores."""
    cost = costs(size)[product]
    cluster = Cluster(kind="local", workers=CORES[0], memory=MEMORY)
    step = plan_step(str(product), shape=size.shape, tile=found.tile, cost=cost, cluster=cluster)
    title = f"plateau, {size.shape[0]} x {size.shape[1]}, {product}"
    hours = ", ".join(f"{found.core_hours / cores:.3g}" for cores in CORES)
    return [
        (
            f"{title}: tiles, planned tasks, tiles run",
            f"{found.n_tiles} of {found.tile[0]} x {found.tile[1]}, {step.n_tasks}, {found.n_run}",
        ),
        (
            f"{title}: s of a core a tile: computing and writing, reading",
            f"{found.compute:.3f}, {found.read:.3f}",
        ),
        (f"{title}: hours on {', '.join(map(str, CORES))} cores", hours),
        (f"{title}: planned TB read, TB written", f"{step.bytes_read / 1e12:.2f}, {step.bytes_written / 1e12:.2f}"),
        (
            f"{title}: planned memory of a worker; peak of this process, its graph of the whole grid, GB",
            f"{step.peak_memory / 1e9:.2f}, {found.peak / 1e9:.2f}, {found.grown / 1e9:.2f}",
        ),
        (
            f"{title}: s of a core for building it, for the graphs of all batches, ms a tile",
            f"{found.build:.1f}, {found.graph:.1f}, {1e3 * found.graph / found.n_tiles:.2f}",
        ),
    ]


def plateau_rehearsal(
    size: Size | None = None, *, products: Sequence[Product] = tuple(Product)
) -> list[tuple[str, str]]:
    """Rows for the table of `make bench`."""
    chosen = size or Size()
    return [row for product in products for row in rows_of(product, chosen, in_own_process(product, chosen))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=SHARE, help="of the tiles that are computed")
    parser.add_argument("--epochs", type=int, default=180)
    parser.add_argument("--pairs", type=int, default=650)
    parser.add_argument("--years", type=int, default=16)
    parser.add_argument("--product", type=Product, choices=tuple(Product), help="one alone")
    parser.add_argument("--size", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.size:
        size = Size(**options.size | {"shape": tuple(options.size["shape"])})
        print(json.dumps(asdict(rehearse(options.product, size))))
        return
    size = Size(epochs=options.epochs, pairs=options.pairs, years=options.years, share=options.share)
    table = Table("what", "figure")
    for row in plateau_rehearsal(size, products=(options.product,) if options.product else tuple(Product)):
        table.add_row(*row)
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
