"""Permafrost before, during and after mining: columns under pits and heaps, merged with the ground around them."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.ground import merge_after_mining
from cryoscale.products.mining_columns import KEPT, KEYS, simulate_all
from cryoscale.products.mining_config import THICKNESS, Mine
from cryoscale.products.mining_pixels import find_pixels, spread, work_map
from cryoscale.products.mining_run import Run
from cryoscale.variables import VARIABLES, attributes

PERMAFROST, SEASONAL_FROST = 1, 3
"""Of ``ground_thermal_state``."""

OF_SECTIONS = {"numerics": {"section_cell", "section_first_cell", "section_step"}}
"""Settings that columns do not depend on."""


@dataclass(frozen=True)
class ScenarioFound:
    """What was found of pits and heaps.

    Attributes
    ----------
    layers : xarray.Dataset
        `KEPT` (year, y, x) and ``mine_work`` (y, x), lazy, from their store: of the whole district.
    columns : xarray.Dataset
        `KEPT` (year, column) of every year, and what each column is, in memory.
    pixels : pandas.DataFrame
        Of pits and heaps, see `mining_pixels.find_pixels`; ``position`` of its column, -1 where ground temperature or
        unit are missing.
    works : geopandas.GeoDataFrame
        The pits and heaps.
    years : list of int
        Of the maps.
    """

    layers: xr.Dataset
    columns: xr.Dataset
    pixels: pd.DataFrame
    works: gpd.GeoDataFrame
    years: list[int]


def map_scenario(run: Run, options: Mine, temperature: xr.Dataset) -> ScenarioFound:
    """Simulate what pits and heaps do to the ground.

    Parameters
    ----------
    run : Run
        In progress, with works, units and the active layer.
    options : Mine
        Its section of the configuration.
    temperature : xarray.Dataset
        ``magt``, lazy.

    Returns
    -------
    ScenarioFound
    """
    works, units = run.inputs.works, run.config.units
    if works is None or units is None or run.config.active_layer is None:
        raise InputError("mine: needs outlines, units and active_layer. Give all of them.")
    maps = xr.Dataset(
        {
            "mine_work": work_map(works, run.inputs.geobox, chunks=run.chunks),
            "ground_unit": units.open(run.inputs.geobox, chunks=run.chunks),
            "magt": temperature.magt,
        }
    )
    pixels = find_pixels(maps, works, options.heat, scheduler=run.scheduler)
    pixels, table = number_columns(pixels)
    science = {"mine": options.model_dump(mode="json", exclude={"outlines": True, "years": True, "heat": OF_SECTIONS})}
    sources: dict[str, Any] = {
        "ground_temperature": "ground_temperature",
        "units": [units.path],
        "outlines": [options.outlines],
    }
    columns = run.saved(
        "columns",
        provenance=run.provenance("mining-columns", science, sources),
        make=lambda: _described(
            simulate_all(table, works, options.heat, first_year=options.first_year, last_year=options.last_year),
            table,
            works,
        ),
    )
    years = options.kept_years(float(works["end"].max()))
    sources |= {"active_layer": [run.config.active_layer.path], "columns": "columns"}
    layers = run.write(
        _merged(run, columns.sel(year=years), pixels, maps),
        "scenario",
        provenance=run.provenance("mining-scenario", science | {"years": years}, sources),
    )
    return ScenarioFound(layers, columns, pixels, works, years)


def number_columns(pixels: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Number the distinct columns.

    Parameters
    ----------
    pixels : pandas.DataFrame
        With `KEYS`.

    Returns
    -------
    pixels : pandas.DataFrame
        With ``position``, -1 where ground temperature or unit are missing.
    columns : pandas.DataFrame
        Distinct `KEYS`, in order.

    Raises
    ------
    InputError
        If no pixel has both.

    Examples
    --------
    >>> pixels = pd.DataFrame({"work": 0, "unit": ["a", "b", "a", ""], "magt": [-1.0, -1.0, -1.0, -2.0], "size": 5.0})
    >>> numbered, columns = number_columns(pixels)
    >>> numbered.position.tolist(), len(columns)
    ([0, 1, 0, -1], 2)
    """
    known = pixels["magt"].notna() & (pixels["unit"] != "")
    if not known.any():
        raise InputError(
            "mine: no pixel of a pit or a heap has both a ground temperature and a unit. Check that their maps reach "
            "there."
        )
    columns = pixels.loc[known, list(KEYS)].drop_duplicates().sort_values(list(KEYS), ignore_index=True)
    positions = pixels.merge(columns.reset_index(names="position"), on=list(KEYS), how="left")["position"]
    return pixels.assign(position=positions.where(known, -1).astype(int).to_numpy()), columns


def _described(results: xr.Dataset, table: pd.DataFrame, works: gpd.GeoDataFrame) -> xr.Dataset:
    """Results with what each column is; words as objects, as Zarr v3 has no strings of fixed length."""
    names = works["name"].loc[table["work"]].to_numpy(object)
    described = {
        "work": names,
        "unit": table["unit"].to_numpy(object),
        "column_magt": table["magt"].to_numpy(),
        "size": table["size"].to_numpy(),
    }
    return results.assign_coords({name: ("column", values) for name, values in described.items()})


def _merged(run: Run, columns: xr.Dataset, pixels: pd.DataFrame, maps: xr.Dataset) -> xr.Dataset:
    """Maps of the whole district: columns in pits and heaps, the ground before mining around them."""
    box, chunks = run.inputs.geobox, run.chunks
    after = xr.Dataset({name: spread(columns[name], pixels, box, chunks=chunks) for name in KEPT})
    before = _undisturbed(run, maps["magt"], after)
    merged = merge_after_mining(before, after, disturbed=maps["mine_work"] > 0)
    typed = {
        name: merged[name].astype(VARIABLES[name].dtype).transpose("year", "y", "x").assign_attrs(attributes(name))
        for name in KEPT
    }
    return xr.Dataset(typed).assign(mine_work=maps["mine_work"]).assign_coords(after.coords)


def _undisturbed(run: Run, magt: xr.DataArray, like: xr.Dataset) -> xr.Dataset:
    """Ground as it was mapped before mining, which stays as it is.

    Its temperature at 10 m is taken to be the mean annual ground temperature, that of the depth without seasons.
    """
    source = run.config.active_layer
    if source is None:
        raise InputError("mine: needs active_layer. Give it.")
    thickness = source.open(run.inputs.geobox, chunks=run.chunks)
    without = (magt.notnull() * SEASONAL_FROST).astype(np.uint8)
    state = without.where(thickness.isnull(), PERMAFROST).astype(np.uint8)
    maps = {
        "permafrost_table_depth": thickness,
        THICKNESS: thickness,
        "temperature_10m": magt,
        "ground_thermal_state": state,
        "surface_change": xr.zeros_like(thickness),
    }
    years = {"year": like["year"]}
    return xr.Dataset({name: maps[name].drop_attrs().expand_dims(years) for name in KEPT})
