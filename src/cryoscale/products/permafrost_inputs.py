"""What a permafrost map begins with: its configuration, the files that are found, and the plan of the run."""

from dataclasses import dataclass
from functools import partial
from math import ceil, prod
from pathlib import Path
from typing import Self

import pandas as pd
from odc.geo.geobox import GeoBox
from pydantic import Field, model_validator

from cryoscale import thermal
from cryoscale.chunks import stored_chunks
from cryoscale.config import Config, ConfigFolder, ConfigInput, ConfigPath, MonthDay
from cryoscale.engine import Cluster, PixelCost, Plan, choose_tile, plan_step
from cryoscale.engine.overviews import plan_overviews
from cryoscale.engine.plan import task_memory
from cryoscale.errors import InputError
from cryoscale.grids import describe_grid, pixel_spacing
from cryoscale.products.conductivity import Calibration, Conductivity, measured_temperature
from cryoscale.products.frozen_ground import Change, require_periods
from cryoscale.products.grid import Grid, images_geobox
from cryoscale.products.ground_temperature import GapFilling, GroundModel
from cryoscale.products.permafrost_checks import Validation, find_boreholes, place
from cryoscale.products.places import store_path, stores_folder
from cryoscale.products.sources import Land, LstSource
from cryoscale.readers import Located, LstFiles, read_stations

LONGEST_BLOCK = 16
"""Days of images that one task fills at most: long enough for few chunks, short enough for many tasks."""

_IMAGE_BYTES = 24
"""Of a pixel of an image while its task runs: what was read, filled, its variance and source, and copies of some.
Measured on images of 0.1 to 0.8 million pixels: 29 to 34 in one thread, 21 to 27 in each of two, whose peaks seldom
meet; the engine's overhead makes up for the difference."""

_SURVEY_BYTES = 8
"""Of a pixel of an image that is only read: once by itself, once beside the other overpasses."""

_KRIGING_BYTES = 80
"""Of a pixel of the one image that is being kriged."""

_GROUND_BYTES = 9
"""Of a pixel and day in the store: temperature, error, number of overpasses."""


class DegreeDays(Config):
    """Sums of daily temperatures over years."""

    freezing_year_start: MonthDay = Field("07-01", description="first day of the freezing year, MM-DD")
    thawing_year_start: MonthDay = Field("01-01", description="first day of the thawing year, MM-DD")
    min_days: int = Field(
        300, ge=1, le=365, description="days with a temperature that a year needs", json_schema_extra={"unit": "d"}
    )
    linear_limit: int = Field(
        10, ge=0, description="gaps up to this are bridged by a line", json_schema_extra={"unit": "d"}
    )
    harmonics: int = Field(2, ge=0, le=4, description="harmonics of the year that bridge longer gaps; 0: left empty")


class PermafrostMapConfig(Config):
    """Permafrost map by TTOP from daily surface temperatures of several overpasses."""

    lst: LstSource = Field(description="images of land surface temperature")
    land: Land = Field(description="maps of the land")
    stations: ConfigInput = Field(
        description="CSV with station, longitude, latitude, time and ground_surface_temperature, one row a day"
    )
    output: ConfigPath = Field(
        Path("permafrost-map"), description="folder for the stores, rasters, figures and the report"
    )
    stores: ConfigFolder | None = Field(
        None, description="folder of the Zarr stores if not output: a path, or s3://bucket/prefix"
    )
    grid: Grid = Field(Grid(), description="the grid of the map")
    gaps: GapFilling = Field(GapFilling(), description="kriging of what clouds hide")
    ground: GroundModel = Field(GroundModel(), description="daily ground temperature from the overpasses")
    degree_days: DegreeDays = Field(DegreeDays(), description="yearly sums")
    conductivity: Conductivity = Field(Conductivity(), description="ratio of thawed to frozen conductivity, rk")
    change: Change | None = Field(
        None, description="periods that are compared; null: first and last third of the years"
    )
    validation: Validation = Field(Validation(), description="what the map is held against")
    cluster: Cluster = Field(Cluster(), description="where it is computed")

    @model_validator(mode="after")
    def _calibrated_against_something(self) -> Self:
        references = {Calibration.SURVEY: "surveys", Calibration.BOREHOLES: "boreholes"}
        needed = references.get(self.conductivity.calibration)
        if needed is not None and not getattr(self.validation, needed):
            raise ValueError(
                f"conductivity.calibration is {self.conductivity.calibration.value}, but validation.{needed} names "
                "none. Add one, or set calibration: none"
            )
        return self


@dataclass(frozen=True)
class Inputs:
    """What a run begins with, before any pixel is read.

    Attributes
    ----------
    files : LstFiles
        The images.
    geobox : odc.geo.geobox.GeoBox
        The grid of the map.
    stations : pandas.DataFrame
        Daily ground temperatures.
    pixels : Located
        Stations, one row each, with their pixels, and those outside the grid.
    boreholes : Located or None
        Likewise.
    years : tuple of int
        That the images cover whole.
    """

    files: LstFiles
    geobox: GeoBox
    stations: pd.DataFrame
    pixels: Located
    boreholes: Located | None
    years: tuple[int, ...]

    @property
    def n_days(self) -> int:
        """From the first image to the last."""
        return len(self.files.days)

    @property
    def grid_name(self) -> str:
        """What stands for the grid in a store's provenance."""
        return f"{describe_grid(self.geobox)}, {tuple(self.geobox.transform)[:6]}"


@dataclass(frozen=True)
class Blocks:
    """How the cube of images is cut.

    Attributes
    ----------
    days : int
        Days of images that one task fills.
    images : tuple of int
        Rows and columns that it fills at once.
    tile : tuple of int
        Rows and columns of which one task holds all days.
    """

    days: int
    images: tuple[int, int]
    tile: tuple[int, int]

    @property
    def chunks(self) -> dict[str, int]:
        """Of maps, and of the stores."""
        return {"y": self.tile[0], "x": self.tile[1]}


def inspect(config: PermafrostMapConfig) -> Inputs:
    """Find images, stations and boreholes; no pixel is read.

    Parameters
    ----------
    config : PermafrostMapConfig
        Names them.

    Returns
    -------
    Inputs

    Raises
    ------
    InputError
        If something cannot be used, or the images cover no year whole, or none of a period of the change.
    """
    files = config.lst.find()
    geobox = config.grid.geobox(images_geobox(files))
    stations = read_stations(config.stations)
    years = thermal.whole_years(
        files.days,
        freezing_year_start=config.degree_days.freezing_year_start,
        thawing_year_start=config.degree_days.thawing_year_start,
    )
    if not years:
        raise InputError(
            f"{config.lst.path}: the images from {files.days[0]} to {files.days[-1]} cover no year whole. A map needs "
            "a calendar year and the freezing year that ends in it: 18 months of images."
        )
    require_periods(config.change, years)
    pixels = place(stations.drop_duplicates("station"), geobox, path=config.stations)
    boreholes = find_boreholes(config.validation, geobox)
    if boreholes is not None and config.conductivity.calibration is Calibration.BOREHOLES:
        measured_temperature(boreholes.inside)
    return Inputs(files, geobox, stations, pixels, boreholes, years)


def plan(config: PermafrostMapConfig) -> Plan:
    """Say what a run will read, write and need; only headers are read.

    Parameters
    ----------
    config : PermafrostMapConfig
        The whole configuration.

    Returns
    -------
    Plan
    """
    inputs = inspect(config)
    return plan_run(config, inputs, choose_blocks(config, inputs))


def choose_blocks(config: PermafrostMapConfig, inputs: Inputs) -> Blocks:
    """How to cut the cube so that a task fits into its memory; that of a store that is there already is kept.

    Parameters
    ----------
    config : PermafrostMapConfig
        Says which cluster.
    inputs : Inputs
        Says how large the cube is.

    Returns
    -------
    Blocks
    """
    shape, cluster = inputs.geobox.shape, config.cluster
    memory = task_memory(cluster)
    stored = stored_chunks(store_path(config, "ground_temperature"), "ground_surface_temperature")
    if stored:
        days, tile = stored["time"], (stored["y"], stored["x"])
    else:
        cost = _sums_cost(inputs)
        days = LONGEST_BLOCK
        tile = choose_tile((shape[0], shape[1]), cost, memory=memory, n_tasks=cluster.n_tasks)
        while days > 1 and _images_memory(config, inputs, days=days, size=tile) > memory:
            days //= 2
    whole = (shape[0], shape[1])
    images = whole if _images_memory(config, inputs, days=days, size=whole) <= memory else tile
    return Blocks(days=days, images=images, tile=tile)


def plan_run(config: PermafrostMapConfig, inputs: Inputs, blocks: Blocks) -> Plan:
    """Plan of a run that is cut in this way.

    Parameters
    ----------
    config : PermafrostMapConfig
        The whole configuration.
    inputs : Inputs
        From `inspect`.
    blocks : Blocks
        From `choose_blocks`.

    Returns
    -------
    Plan
    """
    shape, n_images = (inputs.geobox.shape[0], inputs.geobox.shape[1]), len(inputs.files.images)
    n_years, n_blocks = len(inputs.years), ceil(inputs.n_days / blocks.days)
    step = partial(plan_step, shape=shape, cluster=config.cluster)
    working = _images_memory(config, inputs, days=blocks.days, size=blocks.images) // prod(blocks.images)
    written = _GROUND_BYTES * inputs.n_days
    reading = _SURVEY_BYTES * blocks.days * len(inputs.files.overpasses)
    maps = PixelCost.computing(36 * n_years, 13 * n_years + 40, widest=4 * n_years)
    steps = [
        step("maps of the land", tile=blocks.tile, cost=PixelCost.copying(7, widest=4)),
        step(
            "surveying the images",
            tile=blocks.images,
            cost=PixelCost(read=4 * n_images, written=0, widest=0, working=reading),
            n_blocks=n_blocks,
        ),
        step(
            "ground temperature",
            tile=blocks.images,
            cost=PixelCost(read=4 * n_images, written=written, widest=4, working=working),
            n_blocks=n_blocks,
        ),
        step("degree-days", tile=blocks.tile, cost=_sums_cost(inputs)),
        step("permafrost", tile=blocks.tile, cost=maps),
        *plan_overviews("permafrost", shape=shape, tile=blocks.tile, cost=maps, cluster=config.cluster),
    ]
    return Plan(describe_grid(inputs.geobox), steps, config.cluster, stores_folder(config))


def _sums_cost(inputs: Inputs) -> PixelCost:
    """Bytes per pixel of summing degree-days: temperature and error of every day."""
    return PixelCost.computing(8 * inputs.n_days, 36 * len(inputs.years), widest=4 * LONGEST_BLOCK)


def _images_memory(config: PermafrostMapConfig, inputs: Inputs, *, days: int, size: tuple[int, int]) -> int:
    """Bytes that filling a block of images takes, with the halo that neighbours are looked for in."""
    spacing = pixel_spacing(inputs.geobox)
    halo = (2 * (int(config.gaps.search_radius / step) + 1) for step in spacing)
    sides = [min(side + more, whole) for side, more, whole in zip(size, halo, inputs.geobox.shape, strict=True)]
    per_pixel = _IMAGE_BYTES * days * len(inputs.files.overpasses) + _KRIGING_BYTES
    return per_pixel * sides[0] * sides[1]
