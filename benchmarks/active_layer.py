"""The active layer at full size: 3200 x 2000 pixels of 30 m for a year, timed, and what reading and writing would take.

``python -m benchmarks.active_layer FOLDER`` makes coarse images, a DEM, a fine NDVI and sites, runs the product on them
in a process that reports its peak memory, and copies the bytes that it reads and writes by the same engine.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import rasterio
from affine import Affine
from pyproj import Transformer
from rasterio.crs import CRS
from rich.console import Console
from scipy.ndimage import zoom

from cryoscale.engine import Cluster, Plan, open_scheduler
from cryoscale.engine import run as run_tiles
from cryoscale.products import active_layer
from cryoscale.products.active_layer_inputs import ActiveLayerConfig, FineLand, NdviSource, inspect
from cryoscale.products.sources import LstSource
from cryoscale.scenes.terrain import fractal_field
from cryoscale.store import Provenance, open_store

Array = np.ndarray[Any, Any]
FACTORS = {"lst": 32, "ndvi": 8}
YEAR = 2020
ORIGIN = (500_000.0, 4_250_000.0)
EPSG = 32647


def make_inputs(folder: Path, *, shape: tuple[int, int]) -> None:
    """Files of a year: daily temperatures by day and night, NDVI every 16 days, and the land."""
    rng = np.random.default_rng(0)
    rows, columns = shape
    coarse = fractal_field((rows // 8 + 1, columns // 8 + 1), exponent=3.6, rng=rng)
    elevation = 3900 + 250 * zoom(coarse, 8, order=1)[:rows, :columns]
    ndvi = np.clip(0.4 - 0.0004 * (elevation - 3900) + 0.08 * rng.standard_normal(shape, dtype="float32"), 0, 0.9)
    classes = 1 + (ndvi > 0.4).astype("uint8")
    for name, values in (("dem", elevation.astype("float32")), ("fine_ndvi", ndvi.astype("float32"))):
        _write(folder / f"{name}.tif", values, 1)
    _write(folder / "classes.tif", classes, 1)
    heights, greens = (_means(values, FACTORS["lst"]) for values in (elevation, ndvi))
    for day in pd.date_range(f"{YEAR}-01-01", f"{YEAR}-12-31"):
        season = -13 * np.cos(2 * np.pi * (day.day_of_year - 20) / 365.25)
        mean = -3.0 + season - 0.006 * (heights - 3900) - 4 * (greens - 0.4)
        for overpass, warmer in (("terra_day", 9.0), ("terra_night", -7.0)):
            image = mean + warmer + rng.normal(size=mean.shape)
            image[rng.random(mean.shape) < 0.3] = np.nan
            _write(folder / f"lst/{overpass}_{day:%Y%m%d}.tif", image.astype("float32"), FACTORS["lst"])
    vegetation = _means(ndvi, FACTORS["ndvi"])
    for day in pd.date_range(f"{YEAR}-01-01", f"{YEAR}-12-31", freq="16D"):
        green = 0.5 + 0.5 * np.cos(2 * np.pi * (day.day_of_year - 205) / 365.25)
        _write(folder / f"ndvi/ndvi_{day:%Y%m%d}.tif", (vegetation * green).astype("float32"), FACTORS["ndvi"])
    _write_sites(folder / "sites.csv", classes, rng)


def _means(values: Array, factor: int) -> Array:
    rows, columns = (size // factor * factor for size in values.shape)
    blocks = values[:rows, :columns].reshape(rows // factor, factor, columns // factor, factor)
    means: Array = blocks.mean(axis=(1, 3))
    return means


def _write_sites(path: Path, classes: Array, rng: np.random.Generator) -> None:
    places = rng.integers(100, np.array(classes.shape) - 100, size=(60, 2))
    x, y = ORIGIN[0] + 30 * (places[:, 1] + 0.5), ORIGIN[1] - 30 * (places[:, 0] + 0.5)
    longitude, latitude = Transformer.from_crs(EPSG, 4326, always_xy=True).transform(x, y)
    thickness = 0.045 * np.sqrt(900) + 0.05 * rng.normal(size=len(places))
    names = [f"S{n}" for n in range(len(places))]
    columns = {"site": names, "longitude": longitude, "latitude": latitude, "year": YEAR}
    pd.DataFrame(columns | {"active_layer_thickness": thickness.clip(0.2)}).to_csv(path, index=False)


def _write(path: Path, values: Array, factor: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    size = 30.0 * factor
    profile = {
        "driver": "GTiff",
        "count": 1,
        "height": values.shape[0],
        "width": values.shape[1],
        "dtype": values.dtype.name,
        "crs": CRS.from_epsg(EPSG),
        "transform": Affine(size, 0, ORIGIN[0], 0, -size, ORIGIN[1]),
        "nodata": np.nan if values.dtype.kind == "f" else None,
    }
    with rasterio.open(path, "w", **profile) as target:
        target.write(values, 1)


def config_of(folder: Path) -> ActiveLayerConfig:
    """The product on these files."""
    return ActiveLayerConfig(
        lst=LstSource(path=folder / "lst", format="pattern", pattern="{overpass}_{date:%Y%m%d}.tif"),
        ndvi=NdviSource(path=folder / "ndvi", fine=folder / "fine_ndvi.tif"),
        land=FineLand(elevation=folder / "dem.tif", classes=folder / "classes.tif"),
        sites=folder / "sites.csv",
        output=folder / "results",
        stefan={"sites": {"max_ndvi_spread": 0.2, "max_slope_spread": 20.0, "min_class_share": 0.1}},
        cluster=Cluster(workers=2),
    )


def read_and_write(folder: Path) -> None:
    """Read the stores of a finished run and write them again by the same engine: every byte once in, once out."""
    for name in ("land", "ndvi", "detail", "thaw", "active_layer"):
        store = open_store(folder / f"results/{name}.zarr")
        chunks = {dim: sizes[0] for dim, sizes in store.chunksizes.items()}
        path = folder / f"floor/{name}.zarr"
        with open_scheduler(Cluster(workers=2)) as scheduler:
            run_tiles(store, path, chunks=chunks, provenance=Provenance("benchmark", {}, {}), scheduler=scheduler)


def stage(name: str, folder: Path) -> None:
    """Run one stage and print its seconds, by clock and by cores, its peak memory, and the one that was planned."""
    predicted = max(step.peak_memory for step in active_layer.plan(config_of(folder)).steps)
    start, used = time.perf_counter(), time.process_time()
    active_layer.run(config_of(folder)) if name == "product" else read_and_write(folder)
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    figures = {
        "seconds": time.perf_counter() - start,
        "of_cores": time.process_time() - used,
        "predicted": predicted,
        "peak": int(peak.split()[1]) * 1024,
    }
    print(json.dumps(figures))


def active_layer_speed(folder: Path, *, shape: tuple[int, int] = (3200, 2016)) -> list[tuple[str, str]]:
    """Rows for the table of `make bench`."""
    if not (folder / "sites.csv").exists():
        shutil.rmtree(folder, ignore_errors=True)
        make_inputs(folder, shape=shape)
    for left in ("results", "floor"):
        shutil.rmtree(folder / left, ignore_errors=True)
    product, floor = (_in_own_process(name, folder) for name in ("product", "floor"))
    pixel_days = shape[0] * shape[1] * len(inspect(config_of(folder)).lst.days)
    return [
        (
            f"active layer, {shape[0]} x {shape[1]} pixels, a year of days, 2 threads",
            f"{pixel_days / product['seconds']:.2e} pixel-days a second, report and all ({product['seconds']:.0f} s)",
        ),
        ("the same / reading and writing its stores", f"{product['seconds'] / floor['seconds']:.1f}"),
        ("the same, by the time of cores", f"{product['of_cores'] / floor['of_cores']:.1f}"),
        (
            "peak memory, predicted / measured",
            f"{product['predicted'] / product['peak']:.2f} ({product['peak'] / 2**30:.2f} GiB)",
        ),
    ]


def _in_own_process(name: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.active_layer", str(folder), "--stage", name]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    figures: dict[str, float] = json.loads(lines[-1])
    return figures


def plan_of(folder: Path, *, years: int) -> Plan:
    """Plan of a run over more years: the files of the others are links to those of the one that there is."""
    linked = folder / f"plan-{years}"
    shutil.rmtree(linked, ignore_errors=True)
    for kind in ("lst", "ndvi"):
        (linked / kind).mkdir(parents=True)
        for path in (folder / kind).iterdir():
            for year in range(YEAR - years + 1, YEAR + 1):
                name = path.name.replace(f"_{YEAR}", f"_{year}")
                if not name.endswith("0229.tif") or pd.Timestamp(f"{year}-12-31").is_leap_year:
                    (linked / kind / name).symlink_to(path)
    config = config_of(folder)
    lst = config.lst.model_copy(update={"path": linked / "lst"})
    ndvi = config.ndvi.model_copy(update={"path": linked / "ndvi"})
    return active_layer.plan(config.model_copy(update={"lst": lst, "ndvi": ndvi, "output": linked / "results"}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--stage", choices=("product", "floor"))
    options = parser.parse_args()
    folder = options.folder.absolute()
    if options.stage:
        stage(options.stage, folder)
        return
    console = Console(width=140)
    for row in active_layer_speed(folder):
        console.print(*row, sep=": ")
    planned = plan_of(folder, years=25)
    for line in planned.rows():
        console.print("  ".join(line))
    console.print(planned.where())


if __name__ == "__main__":
    main()
