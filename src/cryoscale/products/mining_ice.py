"""Ground ice of a district: before mining, and what pits and heaps leave of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.ground import IceVolumes, ground_ice, ice_change, ice_table, ice_volumes, merge_after_mining
from cryoscale.products.mining_config import THICKNESS, GroundIce
from cryoscale.products.mining_pixels import spread
from cryoscale.products.mining_run import Run
from cryoscale.products.mining_scenarios import ScenarioFound
from cryoscale.products.permafrost_checks import at_pixels
from cryoscale.readers import PIT

MINE_UNITS = {1: "pit", 2: "heap", 3: "backfill"}
"""Units of a table of the mine's own boreholes."""

_TOTAL = "total_ground_ice_volume"
_KM3 = 1e-3  # of a m3 m-2 over a km2


@dataclass(frozen=True)
class IceFound:
    """What was found of ground ice before mining.

    Attributes
    ----------
    layers : xarray.Dataset
        ``ground_ice_volume``, ``total_ground_ice_volume``, ``ground_unit``, lazy, from their store.
    volumes : ground.IceVolumes
        By unit and layer, with intervals.
    table : pandas.DataFrame
        Ice contents that it rests on.
    thickness, permafrost : xarray.DataArray
        Active layer (m) and permafrost (bool) before mining, lazy.
    """

    layers: xr.Dataset
    volumes: IceVolumes
    table: pd.DataFrame
    thickness: xr.DataArray
    permafrost: xr.DataArray


@dataclass(frozen=True)
class IceAfter:
    """What mining has done to ground ice.

    Attributes
    ----------
    layers : xarray.Dataset
        Volumes after mining and their change, lazy, from their store.
    lost : ground.IceVolumes
        Ice that there was before mining and that has been dug out or has thawed.
    by_work : pandas.DataFrame
        By pit and heap: ``name``, ``kind``, ``area_km2``, ``before_km3``, ``lost_km3``, ``after_km3``, ``change_km3``.
    """

    layers: xr.Dataset
    lost: IceVolumes
    by_work: pd.DataFrame


def map_ice(run: Run, options: GroundIce) -> IceFound:
    """Map ground ice before mining, and add it up.

    Parameters
    ----------
    run : Run
        In progress, with units and the active layer.
    options : GroundIce
        Its section of the configuration.

    Returns
    -------
    IceFound
    """
    config, contents = run.config, run.inputs.ice
    if config.units is None or config.active_layer is None or contents is None:
        raise InputError("ground_ice: needs units, active_layer and a table or logs. Give all of them.")
    thickness = config.active_layer.open(run.inputs.geobox, chunks=run.chunks).rename(THICKNESS)
    units = config.units.open(run.inputs.geobox, chunks=run.chunks)
    permafrost = _permafrost(run, options, thickness)
    table = _table(options, contents, thickness)
    sources: dict[str, Any] = {"active_layer": [config.active_layer.path], "units": [config.units.path]}
    sources |= {name: [path] for name, path in options.paths().items() if name != "mine_table"}
    kept = {"mine_table", "confidence", "n_draws", "seed", "thickness_error", "table", "logs"}
    science = {
        "ground_ice": options.model_dump(mode="json", exclude=kept),
        "year": config.active_layer.year,
        "units": config.units.model_dump(mode="json", exclude={"path"}),
    }
    volumes = ground_ice(thickness, units, table, depth=options.depth, permafrost=permafrost, datum=options.datum)
    layers = run.write(
        volumes.assign(ground_unit=units), "ground_ice", provenance=run.provenance("ground-ice", science, sources)
    )
    summed = ice_volumes(
        thickness,
        layers.ground_unit,
        table,
        depth=options.depth,
        permafrost=permafrost,
        datum=options.datum,
        thickness_error=options.thickness_error,
        **_draws(options),
    )
    return IceFound(layers, summed, table, thickness, permafrost)


def _draws(options: GroundIce) -> dict[str, Any]:
    return {name: getattr(options, name) for name in ("confidence", "n_draws", "seed")}


def _permafrost(run: Run, options: GroundIce, thickness: xr.DataArray) -> xr.DataArray:
    if options.permafrost is None:
        return thickness.notnull().rename("permafrost")
    mapped = options.permafrost.open(run.inputs.geobox, chunks=run.chunks)
    return (mapped == 1).rename("permafrost")


def _table(options: GroundIce, contents: pd.DataFrame, thickness: xr.DataArray) -> pd.DataFrame:
    if options.logs is None:
        return contents
    try:
        return ice_table(
            contents,
            active_layer=thickness,
            edges=options.edges,
            datum=options.datum,
            least_cover=options.least_cover,
        )
    except InputError as error:
        raise InputError(f"{options.logs}: {error}") from None


def map_ice_after(run: Run, options: GroundIce, before: IceFound, scenario: ScenarioFound) -> IceAfter:
    """Map ground ice after mining, its change, and what is lost of the ice that there was.

    Parameters
    ----------
    run : Run
        In progress.
    options : GroundIce
        Its section of the configuration.
    before : IceFound
        From `map_ice`.
    scenario : ScenarioFound
        From `mining_scenarios.map_scenario`.

    Returns
    -------
    IceAfter
    """
    disturbed = (scenario.layers.mine_work > 0).rename("disturbed")
    gone = lost_thickness(run, options, before, scenario)
    units = before.layers.ground_unit
    common = {"datum": options.datum, "depth": gone, "permafrost": before.permafrost & disturbed}
    lost = ground_ice(before.thickness, units, before.table, **common)
    volumes = before.layers[[str(name) for name in lost]]
    own = run.inputs.mine_ice
    after = volumes - lost if own is None else _by_own_table(own, options, scenario)
    merged = merge_after_mining(volumes, after, disturbed=disturbed).chunk(layer=-1)
    sources: dict[str, Any] = {"ground_ice": "ground_ice", "scenario": "scenario", "columns": "columns"}
    sources |= {} if options.mine_table is None else {"mine_table": [options.mine_table]}
    science = {"own_table": options.mine_table is not None, "depth": options.depth}
    layers = run.write(
        merged.assign(ice_change(volumes, merged).chunk(layer=-1).data_vars),
        "ground_ice_after",
        provenance=run.provenance("ground-ice", science, sources),
    )
    summed = ice_volumes(before.thickness, units, before.table, **common, **_draws(options))
    maps = layers[[_TOTAL, f"{_TOTAL}_change"]].assign(lost=lost[_TOTAL])
    return IceAfter(layers, summed, _by_work(run, scenario, maps))


def lost_thickness(run: Run, options: GroundIce, before: IceFound, scenario: ScenarioFound) -> xr.DataArray:
    """What has been dug out or has thawed of the slab of permafrost that was looked at before mining.

    It is the larger one of two: by how much the permafrost table lies lower at the end than in the first year, both
    simulated and counted from the surface before mining, and by how much the deepest cut lies below the mapped table.
    Ground that has thawed and frozen again counts as frozen, unless it was dug out.

    Parameters
    ----------
    run : Run
        In progress.
    options : GroundIce
        With the depth of the slab.
    before : IceFound
        The active layer before mining.
    scenario : ScenarioFound
        The columns.

    Returns
    -------
    xarray.DataArray
        (y, x), m, from 0 to that depth; 0 around pits and heaps, NaN where they were not simulated; lazy.
    """
    columns = scenario.columns
    table = columns.permafrost_table_depth - columns.surface_change
    first, last = table.isel(year=0), table.isel(year=-1)
    sunk = (last.fillna(np.inf) - first).where(first.notnull(), -np.inf)  # without permafrost at first none is lost
    deepest = -columns.surface_change.min("year").clip(max=0.0)
    maps = {
        name: spread(values.rename("surface_change"), scenario.pixels, run.inputs.geobox, chunks=run.chunks)
        for name, values in (("sunk", sunk), ("deepest", deepest))
    }
    dug = (maps["deepest"] - before.thickness).where(maps["deepest"] > 0, -np.inf)
    sunk_map = maps["sunk"]
    gone = sunk_map.where(sunk_map > dug, dug).clip(0.0, options.depth)
    known = maps["deepest"].notnull() & before.thickness.notnull()
    kept: xr.DataArray = gone.where(known).where(scenario.layers.mine_work > 0, 0.0)
    return kept.astype(np.float32).rename("lost_thickness").assign_attrs(units="m")


def _by_own_table(table: pd.DataFrame, options: GroundIce, scenario: ScenarioFound) -> xr.Dataset:
    """Ice in the metres below the new permafrost table, by the boreholes of the mine."""
    last = scenario.layers.isel(year=-1, drop=True)
    pits = np.flatnonzero((scenario.works["kind"] == PIT).to_numpy()) + 1
    filled = np.flatnonzero((scenario.works["backfilled"] <= scenario.years[-1]).to_numpy()) + 1
    work = last.mine_work
    codes = (2 - work.isin(pits)).where(~work.isin(filled), 3).astype(np.uint8).rename("ground_unit")
    units = codes.assign_attrs(flag_values=list(MINE_UNITS), flag_meanings=" ".join(MINE_UNITS.values()))
    frozen = (last.permafrost_table_depth.notnull() & (work > 0)).rename("permafrost")
    below_table = xr.zeros_like(last.permafrost_table_depth).rename(THICKNESS).assign_attrs(units="m")
    return ground_ice(below_table, units, table, depth=options.depth, permafrost=frozen)


def _by_work(run: Run, scenario: ScenarioFound, maps: xr.Dataset) -> pd.DataFrame:
    """Ice of every pit and heap, km3; of pixels that were simulated."""
    pixels = scenario.pixels
    values = run.scheduler.reduce(at_pixels(maps, pixels))
    after, change, lost = (values[name].values.astype(float) for name in (_TOTAL, f"{_TOTAL}_change", "lost"))
    area = pixels["area"].to_numpy()
    sums = pd.DataFrame(
        {
            "work": pixels["work"],
            "area_km2": area,
            "before_km3": _KM3 * area * (after - change),
            "lost_km3": _KM3 * area * lost,
            "after_km3": _KM3 * area * after,
            "change_km3": _KM3 * area * change,
        }
    )
    by_work = sums.groupby("work").sum()
    named = pd.DataFrame(scenario.works[["name", "kind"]])
    return named.join(by_work, how="inner").reset_index(drop=True)
