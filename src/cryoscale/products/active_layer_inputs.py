"""What an active-layer run begins with: its configuration, the files that are found, the grids, and the plan."""

from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox
from pydantic import Field

from cryoscale import thermal
from cryoscale.chunks import stored_chunks
from cryoscale.config import Config, ConfigFolder, ConfigInput, ConfigPath
from cryoscale.engine import Cluster, PixelCost, Plan, choose_tile, plan_step
from cryoscale.engine.overviews import plan_overviews
from cryoscale.engine.plan import task_memory
from cryoscale.errors import InputError
from cryoscale.grids import describe_grid
from cryoscale.products.fine_temperature import Calendar, DailyFill, Sharpening
from cryoscale.products.grid import Grid, raster_geobox
from cryoscale.products.permafrost_checks import ClassifiedMap
from cryoscale.products.places import store_path, stores_folder
from cryoscale.products.sources import LstSource
from cryoscale.readers import (
    DatedFiles,
    Located,
    LstFiles,
    Resampling,
    find_dated,
    locate,
    open_land_cover,
    open_mask,
    open_on_grid,
    read_thaw_depths,
)
from cryoscale.thermal.footprint import coarse_geobox
from cryoscale.variables import attributes


class NdviSource(Config):
    """Coarse vegetation indices through the year, and a fine one."""

    path: ConfigInput = Field(description="folder of coarse rasters; numbers times their scale tag lie within -1 to 1")
    pattern: str = Field("ndvi_{date:%Y%m%d}.tif", description="template of their names; * stands for anything")
    fine: ConfigInput | tuple[ConfigInput, ...] = Field(description="NDVI of the fine grid, as a Landsat composite")

    def fine_paths(self) -> list[Path]:
        """Files of the fine index."""
        return [self.fine] if isinstance(self.fine, Path) else list(self.fine)


class FineLand(Config):
    """Maps of the land at the fine resolution."""

    elevation: ConfigInput | tuple[ConfigInput, ...] = Field(description="DEM, one file or several that join")
    classes: ConfigInput | None = Field(None, description="classes of vegetation or soil that E may differ by")
    water: ConfigInput | None = Field(None, description="water: outlines, or a raster that is not 0 on it")
    bare_rock: ConfigInput | None = Field(None, description="bare rock, likewise")
    bare_classes: tuple[int, ...] = Field((), description="classes that are bare rock, beside what bare_rock says")
    permafrost: ClassifiedMap | None = Field(None, description="map of permafrost; other ground has no active layer")

    def paths(self) -> dict[str, list[Path]]:
        """Files of every map."""
        elevation = [self.elevation] if isinstance(self.elevation, Path) else list(self.elevation)
        single = {"land_cover": self.classes, "water": self.water, "bare_rock": self.bare_rock}
        permafrost = {} if self.permafrost is None else {"permafrost": [self.permafrost.path]}
        return {"elevation": elevation, **{name: [p] for name, p in single.items() if p is not None}, **permafrost}

    def open(self, geobox: GeoBox, *, chunks: dict[str, int]) -> xr.Dataset:
        """All maps on one grid, lazy: ``elevation``, ``land_cover``, ``water``, ``bare_rock``, ``no_permafrost``."""
        files = self.paths()
        maps = {
            "elevation": open_on_grid(
                files["elevation"], "elevation", geobox=geobox, resampling=Resampling.BILINEAR, chunks=chunks
            )
        }
        maps["land_cover"] = (
            xr.ones_like(maps["elevation"], dtype="uint8").rename("land_cover").assign_attrs(attributes("land_cover"))
            if self.classes is None
            else open_land_cover(self.classes, geobox=geobox, chunks=chunks)
        )
        for name in ("water", "bare_rock"):
            if name in files:
                maps[name] = open_mask(files[name][0], name, geobox=geobox, chunks=chunks)
        if self.bare_classes:
            bare = maps["land_cover"].isin(self.bare_classes)
            maps["bare_rock"] = (maps["bare_rock"] | bare if "bare_rock" in maps else bare).rename("bare_rock")
        if self.permafrost is not None:
            maps["no_permafrost"] = (self.permafrost.open(geobox, chunks=chunks) == 2).rename("no_permafrost")
        return xr.Dataset(maps)


class SiteChoice(Config):
    """Sites in uniform surroundings, which a pixel can stand for."""

    window: float = Field(150.0, gt=0, description="width of the surroundings", json_schema_extra={"unit": "m"})
    max_ndvi_spread: float = Field(0.05, gt=0, description="largest standard deviation of NDVI")
    max_slope_spread: float = Field(
        3.0, gt=0, description="largest standard deviation of slope", json_schema_extra={"unit": "degree"}
    )
    min_class_share: float = Field(0.8, gt=0, le=1, description="share of the site's own class at least")


class Stefan(Config):
    """E of Stefan's formula, from measured thicknesses."""

    fit: thermal.StefanFit = Field(thermal.StefanFit.LEAST_SQUARES, description="least squares or robust")
    by_class: bool = Field(True, description="an E for each class with enough sites, where classes are given")
    min_samples: int = Field(5, ge=2, description="sites below which a class takes the E of all")
    n_bootstrap: int = Field(2000, ge=100, description="draws of the bootstrap")
    seed: int = Field(0, description="of the bootstrap")
    sites: SiteChoice = Field(SiteChoice(), description="which sites count")


class ActiveLayerConfig(Config):
    """Active-layer thickness at fine resolution from coarse surface temperatures and vegetation."""

    lst: LstSource = Field(description="images of land surface temperature, by day and by night")
    ndvi: NdviSource = Field(description="vegetation index")
    land: FineLand = Field(description="maps of the land")
    sites: ConfigInput = Field(description="CSV with site, longitude, latitude, year and active_layer_thickness (m)")
    output: ConfigPath = Field(
        Path("active-layer"), description="folder for the stores, rasters, figures and the report"
    )
    stores: ConfigFolder | None = Field(
        None, description="folder of the Zarr stores if not output: a path, or s3://bucket/prefix"
    )
    grid: Grid = Field(Grid(), description="the fine grid; all null: that of the DEM")
    sharpening: Sharpening = Field(Sharpening(), description="downscaling")
    daily: DailyFill = Field(DailyFill(), description="gaps in time")
    stefan: Stefan = Field(Stefan(), description="from degree-days to thickness")
    cluster: Cluster = Field(Cluster(), description="where it is computed")


@dataclass(frozen=True)
class Inputs:
    """What a run begins with, before any pixel is read.

    Attributes
    ----------
    lst : LstFiles
        Images of temperature.
    ndvi : DatedFiles
        Images of vegetation.
    fine, lst_grid, ndvi_grid : odc.geo.geobox.GeoBox
        The grid of the map, and those of the images: whole multiples of its pixels.
    calendar : Calendar
        The years that the images cover whole.
    sites : Located
        Measured thicknesses with their pixels, and those outside the grid.
    """

    lst: LstFiles
    ndvi: DatedFiles
    fine: GeoBox
    lst_grid: GeoBox
    ndvi_grid: GeoBox
    calendar: Calendar
    sites: Located

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the fine grid."""
        return self.fine.shape[0], self.fine.shape[1]

    @property
    def n_steps(self) -> int:
        """Months or seasons of all years."""
        return len(self.calendar.years) * self.calendar.parts

    @property
    def grid_name(self) -> str:
        """What stands for the grid in a store's provenance."""
        return f"{describe_grid(self.fine)}, {tuple(self.fine.transform)[:6]}"


def inspect(config: ActiveLayerConfig) -> Inputs:
    """Find images and sites; no pixel is read.

    Parameters
    ----------
    config : ActiveLayerConfig
        Names them.

    Returns
    -------
    Inputs

    Raises
    ------
    InputError
        If something cannot be used: the images cover no calendar year whole, those of vegetation lack a part of the
        year, the area has fewer blocks than folds, or no site was measured in a year of the images.
    """
    lst = config.lst.find()
    years = _whole_calendar_years(lst.days)
    if not years:
        raise InputError(
            f"{config.lst.path}: the images from {lst.days[0]} to {lst.days[-1]} cover no calendar year whole, which a "
            "thawing index needs."
        )
    calendar = Calendar(years, config.sharpening.period)
    ndvi = _find_vegetation(config.ndvi, calendar)
    fine = _whole_pixels(config.grid.geobox(raster_geobox(config.land.paths()["elevation"][0])), config.sharpening)
    lst_grid, ndvi_grid = (
        coarse_geobox(fine, (f, f)) for f in (config.sharpening.lst_factor, config.sharpening.ndvi_factor)
    )
    _require_blocks(lst_grid, config.sharpening)
    sites = _find_sites(config.sites, fine, calendar)
    return Inputs(lst, ndvi, fine, lst_grid, ndvi_grid, calendar, sites)


def _whole_calendar_years(days: np.ndarray[tuple[int], np.dtype[np.datetime64]]) -> tuple[int, ...]:
    """Years from their first to their last day; `days` has no gaps."""
    first, last = pd.Timestamp(days[0]), pd.Timestamp(days[-1])
    begins = first.year + (first.day_of_year > 1)
    ends = last.year - ((last.month, last.day) < (12, 31))
    return tuple(range(begins, ends + 1))


def _find_vegetation(source: NdviSource, calendar: Calendar) -> DatedFiles:
    """Images of every part of the year, in some year."""
    found = find_dated(source.path, pattern=source.pattern)
    dates, years = np.array(found.dates, "datetime64[ns]"), calendar.years
    if not (calendar.step_of(dates) >= 0).any():
        raise InputError(
            f"{source.path}: holds images from {found.dates[0]} to {found.dates[-1]}, but the surface temperatures "
            f"are of {years[0]} to {years[-1]}."
        )
    lacking = [calendar.name_of(part) for part in sorted({*range(calendar.parts)} - {*calendar.part_of(dates)})]
    if lacking:
        raise InputError(
            f"{source.path}: holds no image of {', '.join(lacking)} in any year. Add some, or let longer parts of the "
            "year share a detail (sharpening.period)."
        )
    return found


def _find_sites(path: Path, fine: GeoBox, calendar: Calendar) -> Located:
    """Sites on the grid, of which some were measured in a year of the images."""
    found = locate(read_thaw_depths(path), fine)
    measured, years = found.inside.year, calendar.years
    if not measured.isin(years).any():
        raise InputError(
            f"{path}: thickness was measured from {measured.min()} to {measured.max()}, but the surface temperatures "
            f"are of {years[0]} to {years[-1]}. E needs both of the same year."
        )
    return found


def _require_blocks(lst_grid: GeoBox, options: Sharpening) -> None:
    rows, columns = (-(-size // options.block_size) for size in lst_grid.shape)
    if rows * columns < options.n_folds:
        raise InputError(
            f"sharpening.n_folds: is {options.n_folds}, but the {lst_grid.shape[0]} x {lst_grid.shape[1]} pixels of "
            f"the surface temperatures make {rows * columns} blocks of {options.block_size} x {options.block_size}. "
            "Lower sharpening.block_size or n_folds, or take a larger area."
        )


def _whole_pixels(geobox: GeoBox, options: Sharpening) -> GeoBox:
    """The grid without the rows and columns at its end that fill no coarse pixel."""
    step = int(np.lcm(options.lst_factor, options.ndvi_factor))
    rows, columns = (size // step * step for size in geobox.shape)
    if not rows or not columns:
        raise InputError(
            f"grid: {geobox.shape[0]} x {geobox.shape[1]} pixels are less than one of the images, {step} x {step}. "
            "Lower sharpening.lst_factor and ndvi_factor, or take a larger area."
        )
    return geobox[:rows, :columns]


def choose_tiles(config: ActiveLayerConfig, inputs: Inputs) -> tuple[int, int]:
    """Rows and columns that one task holds; that of a store that is there already is kept.

    Parameters
    ----------
    config : ActiveLayerConfig
        Says which cluster.
    inputs : Inputs
        Says how much there is.

    Returns
    -------
    tuple of int
        Multiples of the images' pixels, so that no task cuts one.
    """
    stored = stored_chunks(store_path(config, "land"), "elevation")
    if stored:
        return stored["y"], stored["x"]
    cluster, step = config.cluster, int(np.lcm(config.sharpening.lst_factor, config.sharpening.ndvi_factor))
    tile = choose_tile(inputs.shape, _detail_cost(inputs), memory=task_memory(cluster), n_tasks=cluster.n_tasks)
    rows, columns = (max(side // step, 1) * step for side in tile)
    return rows, columns


def plan_run(config: ActiveLayerConfig, inputs: Inputs, tile: tuple[int, int]) -> Plan:
    """Plan of a run in tiles of this size.

    Parameters
    ----------
    config : ActiveLayerConfig
        The whole configuration.
    inputs : Inputs
        From `inspect`.
    tile : tuple of int
        From `choose_tiles`.

    Returns
    -------
    Plan
    """
    step = partial(plan_step, shape=inputs.shape, tile=tile, cluster=config.cluster)
    n_years, parts, n_days = len(inputs.calendar.years), inputs.calendar.parts, len(inputs.lst.days)
    coarse_share = prod(inputs.lst_grid.shape) / prod(inputs.shape)
    of_nodes = int(4 * n_days * coarse_share) + 1
    nodes = 4 * n_days * prod(inputs.lst_grid.shape) // prod(tile)
    thawing = PixelCost(
        read=4 * inputs.n_steps + of_nodes,
        written=8 * n_years,
        widest=4 * n_years,
        working=8 * inputs.n_steps + 28 * n_years + 2 * nodes,
    )
    layer = PixelCost.computing(8 * n_years, 9 * n_years + 48, widest=4 * n_years)
    steps = [
        step("maps of the land", cost=PixelCost.computing(8, 20 + 4 * parts, widest=4 * parts)),
        step("vegetation, as learned", cost=_detail_cost(inputs)),
        step("vegetation", cost=_passes_cost(inputs)),
        step("temperature, as learned", cost=_detail_cost(inputs)),
        step("detail of temperature", cost=_passes_cost(inputs)),
        step("thawing index", cost=thawing),
        step("active layer", cost=layer),
        *plan_overviews("active layer", shape=inputs.shape, tile=tile, cost=layer, cluster=config.cluster),
    ]
    return Plan(describe_grid(inputs.fine), steps, config.cluster, stores_folder(config))


def _detail_cost(inputs: Inputs) -> PixelCost:
    """Bytes per pixel of predicting the detail of all steps: covariates, forests' input and output, smooth parts."""
    parts, n_steps = inputs.calendar.parts, inputs.n_steps
    read = 4 * (6 + parts + n_steps)
    return PixelCost(read=read, written=4 * n_steps, widest=4 * n_steps, working=3 * read + 40 * n_steps)


def _passes_cost(inputs: Inputs) -> PixelCost:
    """Bytes per pixel of the passes after it, which read what was learned three times, one of them to write."""
    series = 4 * inputs.n_steps
    return PixelCost(read=3 * series, written=series, widest=series, working=3 * series + 40 * inputs.n_steps)
