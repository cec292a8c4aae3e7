"""The moisture map at full size: pixels a second a core, against the learners' own predictions in the same run.

``python -m benchmarks.moisture --pixels 16000000`` fits the four learners to the samples of the synthetic plateau, maps
a tile with permafrost everywhere, asks every learner's own ``predict`` for the same pixels as an array, maps the tile
from store to store, and plans a run over the whole plateau from that rate.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

import dask
import numpy as np
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox
from rich.console import Console
from rich.table import Table

from cryoscale.engine import Cluster, open_scheduler
from cryoscale.engine import run as run_tiles
from cryoscale.grids import geobox_of, grid_coords
from cryoscale.moisture import Learner, MoistureEnsemble, depth_means, map_moisture, merge_pixels, screen
from cryoscale.products.covariates import CovariateSource, TerrainSource, stack_covariates
from cryoscale.products.moisture_inputs import Inputs, MoistureConfig, SampleTable, choose_tiles, plan_run
from cryoscale.products.permafrost_checks import ClassifiedMap
from cryoscale.readers import locate
from cryoscale.scenes import moisture_scene
from cryoscale.scenes.moisture_land import UNITS
from cryoscale.store import Provenance, open_store

FULL = 4000 * 4000
_BOX = (73.0, 26.0, 73.0 + 37_000 / 1200, 26.0 + 17_000 / 1200)
PLATEAU = GeoBox.from_bbox(_BOX, "EPSG:4326", shape=(17_000, 37_000))
"""The whole plateau, in pixels of three seconds of arc."""
PERMAFROST = 1.3e8
"""Of its pixels."""
CORES = (2, 64, 512)
MEMORY = "3 GiB"
"""Of a worker of one core."""


@dataclass
class Watch:
    """Seconds of clocks and of cores."""

    clock: float = 0.0
    cores: float = 0.0


@contextmanager
def watched() -> Iterator[Watch]:
    """How long something takes."""
    watch, start, used = Watch(), time.perf_counter(), time.process_time()
    yield watch
    watch.clock, watch.cores = time.perf_counter() - start, time.process_time() - used


def fitted() -> tuple[MoistureEnsemble, xr.DataArray]:
    """An ensemble of all four learners, as tuned without a search, and the covariates that it was fitted in."""
    scene = moisture_scene()
    inside = locate(screen(depth_means(scene.samples)), geobox_of(scene.truth)).inside
    pixels = merge_pixels(inside.drop(columns=["row", "column"]), inside.row, inside.column)[1]
    names = [str(name) for name in scene.covariates]
    stack = scene.covariates.to_dataarray("feature").astype("float32").assign_coords(feature=names)
    features = pd.DataFrame(stack.values[:, pixels.row, pixels.column].T, columns=names)
    ensemble = MoistureEnsemble(n_folds=3, n_candidates=1, drop=0.3)
    return ensemble.fit(features, pixels.moisture.to_numpy()), stack


def tile_of(stack: xr.DataArray, n_pixels: int) -> xr.DataArray:
    """A square tile of that many pixels, each as a pixel of the scene and a little unlike every other."""
    side = ceil(n_pixels**0.5)
    box = GeoBox.from_bbox((80.0, 30.0, 80.0 + side / 1200, 30.0 + side / 1200), "EPSG:4326", shape=(side, side))
    rng = np.random.default_rng(0)
    chosen = rng.integers(0, stack.sizes["y"] * stack.sizes["x"], side * side)
    values = np.empty((stack.sizes["feature"], side, side), np.float32)
    for place, source in enumerate(stack.values):
        noise = np.float32(0.02 * source.std()) * rng.standard_normal((side, side), dtype=np.float32)
        values[place] = source.ravel()[chosen].reshape(side, side) + noise
    coords = {**grid_coords(box), "feature": stack.feature.values}
    return xr.DataArray(values, coords, ("feature", "y", "x"), "covariate")


def mapped(ensemble: MoistureEnsemble, stack: xr.DataArray) -> xr.Dataset:
    """The product's own function, with permafrost everywhere."""
    like = stack.isel(feature=0, drop=True)
    return map_moisture(
        stack, ensemble, permafrost=xr.ones_like(like, dtype=bool), porosity=xr.full_like(like, 0.6).rename("porosity")
    )


def map_in_memory(ensemble: MoistureEnsemble, tile: xr.DataArray, *, chunk: int) -> xr.Dataset:
    """On one core, in the chunks of a run."""
    with dask.config.set(scheduler="synchronous"):
        return mapped(ensemble, tile.chunk(feature=1, y=chunk, x=chunk)).compute()


def map_stores(ensemble: MoistureEnsemble, source: Path, target: Path, *, chunk: int, workers: int) -> None:
    """As a run does it: covariates from a store, the map into another."""
    layers = mapped(ensemble, open_store(source).covariate)
    with open_scheduler(Cluster(workers=workers)) as scheduler:
        chunks = {"y": chunk, "x": chunk}
        run_tiles(layers, target, chunks=chunks, provenance=Provenance("benchmark", {}, {}), scheduler=scheduler)


def save_stack(tile: xr.DataArray, path: Path, *, chunk: int) -> None:
    """The covariates as the product stores them."""
    maps = tile.to_dataset("feature").chunk(y=chunk, x=chunk)
    with open_scheduler(Cluster(workers=1)) as scheduler:
        chunks = {"feature": 1, "y": chunk, "x": chunk}
        provenance = Provenance("benchmark", {}, {})
        run_tiles(stack_covariates(maps), path, chunks=chunks, provenance=provenance, scheduler=scheduler)


def own_predictions(ensemble: MoistureEnsemble, tile: xr.DataArray) -> np.ndarray:
    """What the learners say if they are asked directly for all pixels at once: rows in memory, one thread each."""
    rows = np.ascontiguousarray(tile.values.reshape(tile.sizes["feature"], -1).T)
    one_thread = {Learner.CATBOOST: {"thread_count": 1}}  # the others were told when they were made
    asked = zip(ensemble.learners, ensemble.models_, strict=True)
    return np.stack([model.predict(rows, **one_thread.get(learner, {})) for learner, model in asked])


def speed(n_pixels: int, *, chunk: int) -> tuple[list[tuple[str, str]], float]:
    """Rows of the table; and pixels a second of a core, from store to store."""
    ensemble, stack = fitted()
    tile = tile_of(stack.sel(feature=list(ensemble.features_)), n_pixels)
    n = tile.sizes["y"] * tile.sizes["x"]
    map_in_memory(ensemble, tile.isel(y=slice(0, 64), x=slice(0, 64)), chunk=64)  # compiles
    with watched() as own:
        predicted = own_predictions(ensemble, tile)
    with watched() as ours:
        layers = map_in_memory(ensemble, tile, chunk=chunk)
    # the same work was done
    np.testing.assert_allclose(layers.learner_spread.values.ravel(), predicted.std(axis=0), atol=1e-5)
    with TemporaryDirectory() as name:
        folder = Path(name)
        save_stack(tile, folder / "covariates.zarr", chunk=chunk)
        source = folder / "covariates.zarr"
        with watched() as stored:
            map_stores(ensemble, source, folder / "moisture.zarr", chunk=chunk, workers=1)
        with watched() as together:
            map_stores(ensemble, source, folder / "again.zarr", chunk=chunk, workers=2)
    rows = [("moisture of pixels, from covariates", f"{n:.3g}, {len(ensemble.features_)}")]
    for what, watch in (("learners' own predict", own), ("map_moisture", ours), ("map from store to store", stored)):
        rate = f"{n / watch.cores:.3g} pixels a second of a core ({watch.cores:.1f} s, {watch.clock:.1f} s of clocks)"
        rows.append((what, rate))
    rows.append(("map_moisture / learners' own predict, by the time of cores", f"{own.cores / ours.cores:.2f}"))
    rows.append(("moisture, store to store: two threads, times as fast as one", f"{stored.clock / together.clock:.2f}"))
    return rows, n / stored.cores


def plateau_config(workers: int) -> MoistureConfig:
    """A run over the whole plateau with the covariates of the scene; no file of it is opened."""
    anywhere = Path("plateau").absolute()
    return MoistureConfig(
        samples=SampleTable(path=anywhere / "samples.csv"),
        terrain=TerrainSource(elevation=anywhere / "dem.tif"),
        covariates={name: CovariateSource(path=anywhere / f"{name}.tif", unit=unit) for name, unit in UNITS.items()},
        permafrost=ClassifiedMap(name="permafrost", path=anywhere / "permafrost.tif"),
        output=anywhere / "results",
        cluster=Cluster(kind="local", workers=workers, memory=MEMORY),
    )


def plateau_plan(rate: float) -> Table:
    """The product's own plan of that run, and the hours of prediction at the rate that was measured."""
    table = Table("cores", "step", "hours", "tile", "tasks", "memory a worker (GB)", "read (GB)", "written (GB)")
    inputs = Inputs(PLATEAU, pd.DataFrame(), pd.DataFrame())
    for cores in CORES:
        config = plateau_config(cores)
        for step in plan_run(config, inputs, choose_tiles(config, inputs)).steps:
            hours = f"{PERMAFROST / rate / cores / 3600:.3f}" if step.name == "moisture" else ""
            gigabytes = (step.peak_memory, step.bytes_read, step.bytes_written)
            table.add_row(
                str(cores),
                step.name,
                hours,
                "{} x {}".format(*step.tile),
                str(step.n_tasks),
                *(f"{n_bytes / 1e9:.1f}" for n_bytes in gigabytes),
            )
    return table


def moisture_speed(n_pixels: int = 200_000) -> list[tuple[str, str]]:
    """Rows for the table of `make bench`."""
    return speed(n_pixels, chunk=256)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pixels", type=int, default=1_000_000, help=f"of the tile; the full one has {FULL:,}")
    parser.add_argument("--chunk", type=int, default=512)
    options = parser.parse_args()
    console = Console(width=150)
    rows, rate = speed(options.pixels, chunk=options.chunk)
    for row in rows:
        console.print(*row, sep=": ")
    console.print(plateau_plan(rate))


if __name__ == "__main__":
    main()
