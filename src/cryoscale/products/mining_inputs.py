"""What a mining run begins with: its tables, read and checked, the grid, and the plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import geopandas as gpd
import pandas as pd
from odc.geo.geobox import GeoBox

from cryoscale.chunks import stored_chunks
from cryoscale.engine import PixelCost, Plan, Step, choose_tile, plan_step
from cryoscale.engine.overviews import plan_overviews
from cryoscale.engine.plan import task_memory
from cryoscale.errors import InputError
from cryoscale.grids import describe_grid
from cryoscale.products.grid import raster_geobox
from cryoscale.products.mining_config import GroundIce, Mine, MiningConfig
from cryoscale.products.permafrost_checks import place
from cryoscale.products.places import store_path
from cryoscale.readers import read_boreholes, read_ice_logs, read_ice_table, read_labels, read_mine

_NAMED = 6  # places in a message
_FEATURES = 17  # bands, indices and terrain that the forest learns from

TILED = {
    "vegetation": "vegetation_class",
    "ground_temperature": "magt",
    "ground_ice": "total_ground_ice_volume",
    "scenario": "mine_work",
}
"""Stores that are made tile by tile, and a map of each."""


@dataclass(frozen=True)
class Inputs:
    """What a run begins with, before any pixel is read; None where it is not given.

    Attributes
    ----------
    geobox : odc.geo.geobox.GeoBox
        The grid of the maps.
    labels, boreholes : pandas.DataFrame or None
        Points with ``row`` and ``column``.
    ice : pandas.DataFrame or None
        Table of ice contents, or logs of boreholes.
    mine_ice : pandas.DataFrame or None
        Table of ice contents of pits, heaps and backfill.
    works : geopandas.GeoDataFrame or None
        Pits and heaps, see `readers.read_mine`.
    """

    geobox: GeoBox
    labels: pd.DataFrame | None = None
    boreholes: pd.DataFrame | None = None
    ice: pd.DataFrame | None = None
    mine_ice: pd.DataFrame | None = None
    works: gpd.GeoDataFrame | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.geobox.shape[0], self.geobox.shape[1]

    @property
    def grid_name(self) -> str:
        """What stands for the grid in a store's provenance."""
        return f"{describe_grid(self.geobox)}, {tuple(self.geobox.transform)[:6]}"


def inspect(config: MiningConfig) -> Inputs:
    """Read all tables and outlines, and find their pixels; no pixel is read.

    Parameters
    ----------
    config : MiningConfig
        Names them.

    Returns
    -------
    Inputs

    Raises
    ------
    InputError
        If something cannot be used, or a point lies outside the grid.
    """
    geobox = config.grid.geobox(raster_geobox(config.terrain.paths()[0]))
    vegetation, temperature, ice = config.vegetation, config.ground_temperature, config.ground_ice
    labels = boreholes = None
    if vegetation is not None:
        table = read_labels(vegetation.labels, columns=vegetation.columns)
        labels = _located(table, "label", geobox, path=vegetation.labels)
    if temperature is not None:
        table = read_boreholes(temperature.boreholes, columns=temperature.columns)
        boreholes = _located(_measured(table, temperature.boreholes), "borehole", geobox, path=temperature.boreholes)
    return Inputs(
        geobox,
        labels=labels,
        boreholes=boreholes,
        ice=None if ice is None else _ice_contents(ice),
        mine_ice=None if ice is None or ice.mine_table is None else read_ice_table(ice.mine_table),
        works=None if config.mine is None else _works(config.mine),
    )


def _located(table: pd.DataFrame, name: str, geobox: GeoBox, *, path: Path) -> pd.DataFrame:
    """All points with their pixels; one outside is a mistake in its place or in the grid."""
    found = place(table, geobox, path=path)
    if len(found.outside):
        listed = ", ".join(found.outside[name].head(_NAMED)) + (", ..." if len(found.outside) > _NAMED else "")
        raise InputError(
            f"{path}: {len(found.outside)} of {len(table)} {name}s lie outside the grid ({describe_grid(geobox)}): "
            f"{listed}. Correct their places, leave them out, or set grid wider."
        )
    return found.inside.reset_index(drop=True)


def _measured(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    if "magt" not in table or table["magt"].isna().all():
        raise InputError(f"{path}: has no magt, the mean annual ground temperature (degC) that is to be mapped.")
    return table[table["magt"].notna()].drop(columns=["ttop", "state"], errors="ignore").reset_index(drop=True)


def _ice_contents(options: GroundIce) -> pd.DataFrame:
    if options.table is not None:
        return read_ice_table(options.table, columns=options.columns)
    if options.logs is None:
        raise InputError("ground_ice: names neither a table nor logs. Give one of them.")
    return read_ice_logs(options.logs, columns=options.columns)


def _works(options: Mine) -> gpd.GeoDataFrame:
    works = read_mine(options.outlines)
    early, late = works["start"] < options.first_year + 1, works["start"] >= options.last_year
    for wrong, fault in ((early, "later than a whole first_year"), (late, "before last_year")):
        if wrong.any():
            row = works[wrong].iloc[0]
            raise InputError(
                f"{options.outlines}: {row['name']} starts in {row['start']:g}, but must start {fault}; simulated are "
                f"{options.first_year} to {options.last_year}. Change mine.first_year or mine.last_year."
            )
    return works


def choose_tiles(config: MiningConfig, inputs: Inputs) -> tuple[int, int]:
    """Rows and columns that one task holds; that of a store that is there already is kept.

    Parameters
    ----------
    config : MiningConfig
        Says which cluster.
    inputs : Inputs
        Says how large the grid is.

    Returns
    -------
    tuple of int
    """
    for name, variable in TILED.items():
        stored = stored_chunks(store_path(config, name), variable)
        if stored:
            return stored["y"], stored["x"]
    cluster = config.cluster
    widest = max(_costs(config, inputs).values(), key=lambda cost: cost.working, default=_DEM_ONLY)
    return choose_tile(inputs.shape, widest, memory=task_memory(cluster), n_tasks=cluster.n_tasks)


def plan_run(config: MiningConfig, inputs: Inputs, tile: tuple[int, int]) -> Plan:
    """Plan of a run in tiles of this size.

    Parameters
    ----------
    config : MiningConfig
        The whole configuration.
    inputs : Inputs
        From `inspect`.
    tile : tuple of int
        From `choose_tiles`.

    Returns
    -------
    Plan
    """
    step = partial(plan_step, shape=inputs.shape, cluster=config.cluster, tile=tile)
    costs = _costs(config, inputs)
    steps: list[Step] = [step(name, cost=cost) for name, cost in costs.items()]
    for name, cost in list(costs.items())[-1:]:
        steps += plan_overviews(name, shape=inputs.shape, tile=tile, cost=cost, cluster=config.cluster)
    return Plan(describe_grid(inputs.geobox), steps, config.cluster, config.output)


_DEM_ONLY = PixelCost(read=4, written=0, widest=4, working=64)


def _costs(config: MiningConfig, inputs: Inputs) -> Mapping[str, PixelCost]:
    """Bytes of a pixel by step."""
    skipped, costs = config.skipped(), {}
    if "vegetation" not in skipped and inputs.labels is not None:
        n = inputs.labels["class"].nunique()
        working = 4 * 4 * _FEATURES + 24 * n  # bands, indices and rows of them, and probabilities in double precision
        costs["vegetation"] = PixelCost(read=28, written=1 + 4 * n, widest=4 * n, working=working)
    if "ground temperature" not in skipped:
        costs["ground temperature"] = PixelCost(read=5, written=9, widest=4, working=220)
    layers = 0 if inputs.ice is None else _n_layers(config, inputs.ice, inputs.mine_ice)
    if "ground ice" not in skipped:
        ice = 4 * (layers + 1)
        costs["ground ice"] = PixelCost(read=5, written=ice + 1, widest=4 * layers, working=3 * ice + 120)
    if "pits and heaps" not in skipped and config.mine is not None and inputs.works is not None:
        n_years = len(config.mine.kept_years(float(inputs.works["end"].max())))
        yearly = 17 * n_years + 1
        costs["scenario"] = PixelCost(read=9, written=yearly, widest=4 * n_years, working=3 * yearly + 64)
        if "ground ice" not in skipped:
            ice = 8 * (layers + 1)
            costs["ground ice after mining"] = PixelCost(
                read=ice + 17, written=ice, widest=4 * layers, working=3 * ice + 200
            )
    return costs


def _n_layers(config: MiningConfig, *tables: pd.DataFrame | None) -> int:
    """Layers at most: those of the tables, or between the edges of logs."""
    edges = 0 if config.ground_ice is None else len(config.ground_ice.edges)
    return sum(len(t.drop_duplicates(["top", "bottom"])) if "top" in t else edges for t in tables if t is not None)
