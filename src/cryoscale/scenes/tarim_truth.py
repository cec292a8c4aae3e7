"""What is true of the scene's ground: degree-days of its temperature, and what follows from them."""

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.scenes.layout import map_variables
from cryoscale.scenes.surface_temperature import DAYS, OVERPASSES
from cryoscale.scenes.tarim_land import RK, TarimLand
from cryoscale.scenes.terrain import Field
from cryoscale.variables import VARIABLES, attributes

PERMAFROST, SEASONAL, GLACIER, LAKE = 1, 2, 3, 4


def tarim_truth(
    land: TarimLand,
    days: pd.DatetimeIndex,
    *,
    temperature: Field,
    cover: Field,
    recorded: NDArray[np.bool_],
) -> xr.Dataset:
    """Degree-days, TTOP and classes of every year and of the mean of the whole years.

    Parameters
    ----------
    land : TarimLand
        The ground.
    days : pandas.DatetimeIndex
        Daily.
    temperature : ndarray (time, y, x)
        Daily mean of the ground surface, degC.
    cover : ndarray (overpass, time)
        Share of an image that clouds hide.
    recorded : ndarray of bool (overpass, time)
        Whether there is a file of the image.

    Returns
    -------
    xarray.Dataset
        ``ground_surface_temperature`` (time, y, x), ``ddt``, ``ddf``, ``ttop``, ``ground_class`` (year, y, x),
        ``mean_ddt``, ``mean_ddf``, ``mean_ttop``, ``mean_ground_class``, ``rk``, ``land_cover``, ``glacier``, ``lake``
        (y, x), ``cloud_cover`` and ``image_recorded`` (overpass, time). A year has no value where days of it are
        missing: thawing is summed over calendar years, freezing from 1 July to 30 June.

    Raises
    ------
    InputError
        If no year is whole.
    """
    rk = land.by_class(RK)
    years = np.unique(days.year).astype(np.int64)
    ddt = np.stack([_sum(np.maximum, temperature, days, *_calendar_year(year)) for year in years])
    ddf = -np.stack([_sum(np.minimum, temperature, days, *_freezing_year(year)) for year in years])
    ttop = true_ttop(ddt, ddf, rk=rk)
    whole = np.isfinite(ttop).all((1, 2))
    if not whole.any():
        raise InputError(
            f"tarim scene: from {days[0]:%Y-%m-%d} to {days[-1]:%Y-%m-%d} there is no whole year. "
            "Give at least the days from 1 July of a year to 31 December of the next."
        )
    mean_ddt, mean_ddf = ddt[whole].mean(0), ddf[whole].mean(0)
    mean_ttop = true_ttop(mean_ddt, mean_ddf, rk=rk)
    by_year = {"ddt": ddt, "ddf": ddf + 0.0, "ttop": ttop, "ground_class": true_class(ttop, land)}
    maps = {
        "mean_ddt": mean_ddt,
        "mean_ddf": mean_ddf + 0.0,
        "mean_ttop": mean_ttop,
        "mean_ground_class": true_class(mean_ttop, land),
        "rk": rk,
        "land_cover": land.land_cover,
        "glacier": land.glacier,
        "lake": land.lake,
    }
    others = by_year | {
        "ground_surface_temperature": temperature,
        "cloud_cover": cover,
        "image_recorded": recorded,
    }
    variables = {name: xr.Variable(VARIABLES[name].dims, field, attributes(name)) for name, field in others.items()}
    coords = {"time": days, "year": years, "overpass": list(OVERPASSES), **grid_coords(land.geobox)}
    return xr.Dataset(map_variables(maps) | variables, coords)


def true_ttop(ddt: Field, ddf: Field, *, rk: Field) -> Field:
    """Temperature at the top of permafrost, or of the seasonally frozen layer (Smith & Riseborough 2002).

    Parameters
    ----------
    ddt, ddf : ndarray (..., y, x)
        Degree-days of the surface, degC d.
    rk : ndarray (y, x)
        Ratio of thawed to frozen conductivity.

    Returns
    -------
    ndarray (..., y, x)
        degC.

    Examples
    --------
    >>> true_ttop(np.array([500.0, 2000.0]), np.array([1500.0, 900.0]), rk=np.array([0.9, 0.9])).round(2)
    array([-2.87,  2.74], dtype=float32)
    """
    frozen, thawed = rk * ddt - ddf, ddt - ddf / rk
    return np.asarray(np.where(frozen <= 0, frozen, thawed) / DAYS, np.float32)


def true_class(ttop: Field, land: TarimLand) -> NDArray[np.uint8]:
    """Class by the sign of TTOP; ice and water come first.

    Parameters
    ----------
    ttop : ndarray (..., y, x)
        degC.
    land : TarimLand
        Glaciers and lakes.

    Returns
    -------
    ndarray of uint8 (..., y, x)
        0 where there is no temperature.
    """
    frozen = np.where(ttop <= 0, PERMAFROST, SEASONAL)
    ground = np.where(land.glacier, GLACIER, np.where(land.lake, LAKE, frozen))
    return np.where(np.isfinite(ttop), ground, 0).astype(np.uint8)


def _calendar_year(year: int) -> tuple[str, str]:
    return f"{year}-01-01", f"{year}-12-31"


def _freezing_year(year: int) -> tuple[str, str]:
    return f"{year - 1}-07-01", f"{year}-06-30"


def _sum(extreme: np.ufunc, temperature: Field, days: pd.DatetimeIndex, first: str, last: str) -> Field:
    """Sum of what is on one side of 0 degC; not a number where days are missing."""
    if days[0] > pd.Timestamp(first) or days[-1] < pd.Timestamp(last):
        return np.full(temperature.shape[1:], np.nan, np.float32)
    span = days.slice_indexer(first, last)
    return np.asarray(extreme(temperature[span], 0).sum(0, dtype=np.float64), np.float32)
