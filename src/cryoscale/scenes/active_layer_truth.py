"""What is true of the active-layer scene: thawing index and active layer of every year, and the warming behind them."""

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import brentq

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.scenes.active_layer_land import FIELDS, Land
from cryoscale.scenes.active_layer_land import ROCK as ROCK_CLASS
from cryoscale.scenes.active_layer_weather import warmed
from cryoscale.scenes.terrain import Field
from cryoscale.stats import theil_sen
from cryoscale.variables import VARIABLES, attributes

PERMAFROST, SEASONALLY_FROZEN, LAKE = 1, 2, 4  # ground_class
THAWS, WATER, ROCK, NO_PERMAFROST = 1, 2, 3, 4  # active_layer_status
PIXELS = 16_384  # whose days are held in memory at a time
SAMPLE = 1000  # pixels whose trend is planted
BOUNDS = (-4.0, 4.0)  # K a-1 of warming that can be asked for


def planted_warming(land: Land, days: pd.DatetimeIndex, *, weights: Field, alt_trend: float) -> float:
    """The warming that deepens the active layer at a given rate, as the mean Theil-Sen trend of its pixels.

    Parameters
    ----------
    land : Land
        The ground.
    days : pandas.DatetimeIndex
        Daily, of two whole years or more.
    weights : ndarray (overpass, time, field)
        Without warming.
    alt_trend : float
        m a-1.

    Returns
    -------
    float
        K a-1, for a sample of some 1000 pixels from all over the scene.

    Raises
    ------
    InputError
        If no pixel has an active layer.
    """
    daily = weights.mean(0)
    rows, columns = np.nonzero(land.vegetated & has_permafrost(land.fields, daily))
    if not len(rows):
        raise InputError(
            f"active-layer scene: none of its {land.vegetated.size} pixels has plants and permafrost. "
            "Give a larger shape or another seed."
        )
    every = slice(None, None, max(len(rows) // SAMPLE, 1))
    fields, e_factor = land.fields[:, rows[every], columns[every]], land.e_factor[rows[every], columns[every]]

    def excess(warming: float) -> float:
        thickness = e_factor * np.sqrt(thawing_index(fields, warmed(daily, days, warming=warming), days=days))
        return float(_trend(xr.DataArray(thickness, _years(days), ("year", "pixel"))).mean()) - alt_trend

    return float(brentq(excess, *BOUNDS, xtol=1e-5))


def thawing_index(fields: Field, daily: Field, *, days: pd.DatetimeIndex) -> Field:
    """Sums over calendar years of the daily means above 0 degC, day by day.

    Parameters
    ----------
    fields : ndarray (field, ...)
        Values of the fields.
    daily : ndarray (time, field)
        Their weights in the daily mean of LST.
    days : pandas.DatetimeIndex
        Daily, whole years.

    Returns
    -------
    ndarray (year, ...)
        degC d, float32.
    """
    pixels = fields.reshape(len(fields), -1)
    years = np.unique(days.year)
    ddt = np.empty((len(years), pixels.shape[1]), np.float32)
    for position, year in enumerate(years):
        weights = daily[days.year == year]
        for first in range(0, pixels.shape[1], PIXELS):
            part = slice(first, first + PIXELS)
            temperature = weights @ pixels[:, part]
            ddt[position, part] = np.maximum(temperature, 0, out=temperature).sum(0, dtype=np.float64)
    return ddt.reshape(len(years), *fields.shape[1:])


def has_permafrost(fields: Field, daily: Field) -> NDArray[np.bool_]:
    """Where the surface is below 0 degC in the mean of all days; the ground's own offset is left out.

    Parameters
    ----------
    fields : ndarray (field, y, x)
        Values of the fields.
    daily : ndarray (time, field)
        Their weights in the daily mean of LST.

    Returns
    -------
    ndarray of bool (y, x)
    """
    return np.asarray(np.tensordot(daily.mean(0, dtype=np.float64), fields, 1) < 0)


def active_layer_truth(land: Land, days: pd.DatetimeIndex, *, weights: Field, alt_trend: float) -> xr.Dataset:
    """Thawing index and thickness of the active layer of every year, and their trend.

    Parameters
    ----------
    land : Land
        The ground.
    days : pandas.DatetimeIndex
        Daily, whole years.
    weights : ndarray (overpass, time, field)
        Of the fields in LST.
    alt_trend : float
        The rate that was planted, m a-1; noted as an attribute.

    Returns
    -------
    xarray.Dataset
        ``ddt``, ``active_layer_thickness`` and ``active_layer_status`` (year, y, x); ``stefan_e_factor``,
        ``mean_ground_class``, ``land_cover``, ``water``, ``bare_rock`` (y, x), and ``trend``, the Theil-Sen trend of
        the thickness, m a-1. The thickness is E sqrt(DDT); NaN, as its trend, on water, on rock and without permafrost.
    """
    daily = weights.mean(0)
    permafrost = has_permafrost(land.fields, daily)
    status = _status(land, permafrost=permafrost)
    ddt = thawing_index(land.fields, daily, days=days)
    thickness = np.where(status == THAWS, land.e_factor * np.sqrt(ddt), np.float32(np.nan))
    ground = np.where(status == WATER, LAKE, np.where(permafrost, PERMAFROST, SEASONALLY_FROZEN))
    fields = {
        "ddt": ddt,
        "active_layer_thickness": thickness,
        "active_layer_status": np.broadcast_to(status, ddt.shape).copy(),
        "stefan_e_factor": land.e_factor,
        "mean_ground_class": ground.astype(np.uint8),
        "land_cover": land.land_cover,
        "water": status == WATER,
        "bare_rock": land.land_cover == ROCK_CLASS,
    }
    variables = {name: xr.Variable(VARIABLES[name].dims, field, attributes(name)) for name, field in fields.items()}
    truth = xr.Dataset(variables, {**_years(days), **grid_coords(land.geobox)}, {"alt_trend": alt_trend})
    return truth.assign(trend=_trend(truth.active_layer_thickness).astype(np.float32))


def _trend(thickness: xr.DataArray) -> xr.DataArray:
    return theil_sen(thickness.assign_attrs(units="m"), dim="year", minimum=2)["trend"]


def _years(days: pd.DatetimeIndex) -> dict[str, NDArray[np.int64]]:
    return {"year": np.unique(days.year).astype(np.int64)}


def _status(land: Land, *, permafrost: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Why there is an active layer, or none: what holds first counts."""
    water = land.fields[FIELDS.index("water")] > 0
    conditions = [water, ~land.vegetated, ~permafrost]
    return np.select(conditions, [np.uint8(WATER), np.uint8(ROCK), np.uint8(NO_PERMAFROST)], np.uint8(THAWS))
