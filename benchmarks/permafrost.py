"""The permafrost map at full size: pixel-days a second, and what reading and writing alone would take.

``python -m benchmarks.permafrost FOLDER --side 1000 --years 2`` makes cloudy images of four overpasses as GeoTIFFs,
runs the product on them, and then reads the same images and writes cubes of the same size by the same engine.
"""

import argparse
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import rasterio
import xarray as xr
from odc.geo.geobox import GeoBox
from rasterio.crs import CRS
from rich.console import Console
from scipy.ndimage import zoom

from cryoscale.engine import Cluster, Plan, open_scheduler
from cryoscale.engine import run as run_tiles
from cryoscale.products import permafrost_map
from cryoscale.products.ground_temperature import daily_images
from cryoscale.products.permafrost_inputs import PermafrostMapConfig, choose_blocks, inspect
from cryoscale.products.sources import Land, LstSource
from cryoscale.scenes.clouds import clouds
from cryoscale.scenes.terrain import fractal_field
from cryoscale.store import Provenance

Array = np.ndarray[Any, Any]
FIRST_YEAR = 2005
OVERPASSES = {"terra_day": 12.0, "aqua_day": 15.0, "terra_night": -7.0, "aqua_night": -9.0}
"""What each is warmer than the day's mean, K."""


def make_inputs(folder: Path, *, side: int, days: pd.DatetimeIndex) -> None:
    """Images, DEM, land cover and stations; a fine noise on a temperature that falls with elevation."""
    rng = np.random.default_rng(0)
    geobox = GeoBox.from_bbox((78.0, 35.0, 78.0 + side / 120, 35.0 + side / 120), "EPSG:4326", shape=(side, side))
    coarse = fractal_field((side // 8 + 1, side // 8 + 1), exponent=3.6, rng=rng)
    elevation = (4200 + 700 * zoom(coarse, 8, order=1)[:side, :side]).astype("float32")
    (folder / "lst").mkdir(parents=True)
    _write(folder / "dem.tif", elevation, geobox)
    _write(folder / "land_cover.tif", np.full((side, side), 200, "uint8"), geobox)
    covered = clouds(elevation[::8, ::8], len(days), rng=rng)
    daily = -5.5e-3 * (elevation - 4200) - 2.0
    stations = [(side // 7 * i + 3, side // 7 * j + 5) for i in range(1, 6) for j in range(1, 6)]
    measured = []
    for d, day in enumerate(days):
        season = -13 * np.cos(2 * np.pi * (day.day_of_year - 15) / 365.25)
        mean = daily + season + 3 * zoom(rng.normal(size=(9, 9)), (side + 8) / 9, order=1)[:side, :side]
        measured += [(f"S{n}", *geobox_place(geobox, place), day, mean[place]) for n, place in enumerate(stations)]
        hidden = covered.at(slice(d, d + 1))[0]
        for o, (overpass, warmer) in enumerate(OVERPASSES.items()):
            noise = rng.standard_normal((side, side), dtype="float32")
            counts = np.rint((mean + warmer + noise + 273.15) / 0.02)
            counts[
                zoom(hidden[o].astype("float32"), 8, order=1, grid_mode=True, mode="nearest")[:side, :side] > 0.5
            ] = 0
            _write(folder / "lst" / f"{overpass}_{day:%Y%m%d}.tif", counts.astype("uint16"), geobox, nodata=0)
    columns = ["station", "longitude", "latitude", "time", "ground_surface_temperature"]
    pd.DataFrame(measured, columns=columns).to_csv(folder / "stations.csv", index=False)


def geobox_place(geobox: GeoBox, place: tuple[int, int]) -> tuple[float, float]:
    """Longitude and latitude of a pixel's centre."""
    x, y = geobox.transform * (place[1] + 0.5, place[0] + 0.5)
    return round(x, 6), round(y, 6)


def _write(path: Path, values: Array, geobox: GeoBox, **tags: Any) -> None:
    profile = {
        "driver": "GTiff",
        "count": 1,
        "height": geobox.height,
        "width": geobox.width,
        "dtype": values.dtype.name,
        "crs": CRS.from_epsg(4326),
        "transform": geobox.transform,
        "compress": "deflate",
        "zlevel": 1,
        "predictor": 2 if values.dtype.kind in "iu" else 3,
    }
    with rasterio.open(path, "w", **profile, **tags) as target:
        target.write(values, 1)


def config_of(folder: Path, *, workers: int) -> PermafrostMapConfig:
    """The product on these files."""
    return PermafrostMapConfig(
        lst=LstSource(
            path=folder / "lst", format="pattern", pattern="{overpass}_{date:%Y%m%d}.tif", unit="K", scale=0.02
        ),
        land=Land(elevation=folder / "dem.tif", classes=folder / "land_cover.tif"),
        stations=folder / "stations.csv",
        output=folder / "results",
        cluster=Cluster(workers=workers),
    )


def read_and_write(config: PermafrostMapConfig) -> None:
    """Every image is read twice and cubes of the product's shapes and types are written, without any computing."""
    inputs = inspect(config)
    blocks = choose_blocks(config, inputs)
    images = daily_images(inputs.files, inputs.geobox, days=blocks.days, size=blocks.images, source=config.lst)
    first, second = images.isel(overpass=0, drop=True), images.isel(overpass=-1, drop=True)
    counts = images.max("overpass").fillna(0).clip(0, 4).astype("uint8")
    every = xr.Dataset({"a": images.max("overpass"), "b": first.fillna(second), "c": counts})
    survey = images.count(("y", "x")).to_dataset(name="n").assign_coords(overpass=images.overpass.values.astype(object))
    path = config.output.parent / "floor"
    with open_scheduler(config.cluster) as scheduler:
        for name, lazy, chunks in (("survey", survey, {}), ("cube", every, blocks.chunks)):
            run_tiles(
                lazy,
                path / f"{name}.zarr",
                chunks={"time": blocks.days, **chunks},
                provenance=Provenance("benchmark", {}, {}),
                scheduler=scheduler,
            )


def permafrost_map_speed(folder: Path, *, side: int, years: int, workers: int = 2) -> list[tuple[str, str]]:
    """Rows for the table of `make bench`."""
    days = pd.date_range(f"{FIRST_YEAR}-01-01", f"{FIRST_YEAR + years - 1}-12-31")
    if not (folder / "stations.csv").exists():
        shutil.rmtree(folder, ignore_errors=True)
        make_inputs(folder, side=side, days=days)
    config = config_of(folder, workers=workers)
    seconds, of_cores = {}, {}
    for name, stage in (("product", permafrost_map.run), ("floor", read_and_write)):
        shutil.rmtree(folder / ("results" if name == "product" else "floor"), ignore_errors=True)
        start, used = time.perf_counter(), time.process_time()
        stage(config)
        seconds[name], of_cores[name] = time.perf_counter() - start, time.process_time() - used
    pixel_days = side * side * len(days)
    return [
        (
            f"permafrost map, {side} x {side} pixels, {years} years, 4 overpasses, {workers} threads",
            f"{pixel_days / seconds['product']:.2e} pixel-days a second, report and all ({seconds['product']:.0f} s)",
        ),
        ("the same / reading and writing alone", f"{seconds['product'] / seconds['floor']:.1f}"),
        ("the same, by the time of cores rather than of clocks: pixel-days", f"{pixel_days / of_cores['product']:.2e}"),
        (
            "the same, by the time of cores / reading and writing alone",
            f"{of_cores['product'] / of_cores['floor']:.1f}",
        ),
    ]


def plan_of(folder: Path, *, years: int) -> Plan:
    """Plan of a run over as many years with the same daily images: the files are links to those that there are."""
    linked = folder / f"plan-{years}"
    shutil.rmtree(linked, ignore_errors=True)
    (linked / "lst").mkdir(parents=True)
    sources = {path.name: path for path in (folder / "lst").iterdir()}
    for day in pd.date_range(f"{FIRST_YEAR}-01-01", f"{FIRST_YEAR + years - 1}-12-31"):
        alike = pd.Timestamp(FIRST_YEAR + 1, day.month, min(day.day, 28))
        for overpass in OVERPASSES:
            target = linked / "lst" / f"{overpass}_{day:%Y%m%d}.tif"
            target.symlink_to(sources[f"{overpass}_{alike:%Y%m%d}.tif"])
    config = config_of(folder, workers=2)
    lst = config.lst.model_copy(update={"path": linked / "lst"})
    return permafrost_map.plan(config.model_copy(update={"lst": lst, "output": linked / "results"}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--side", type=int, default=1000)
    parser.add_argument("--years", type=int, default=2)
    parser.add_argument("--plan-years", type=int, default=16)
    options = parser.parse_args()
    folder = options.folder.absolute()
    console = Console(width=140)
    for row in permafrost_map_speed(folder, side=options.side, years=options.years):
        console.print(*row, sep=": ")
    planned = plan_of(folder, years=options.plan_years)
    for line in planned.rows():
        console.print("  ".join(line))
    console.print(planned.where())


if __name__ == "__main__":
    main()
