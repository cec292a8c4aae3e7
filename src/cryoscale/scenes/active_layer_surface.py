"""LST and NDVI of any day of the active-layer scene at 30 m, kept as few fields with daily weights."""

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale.grids import grid_coords
from cryoscale.scenes.active_layer_land import FIELDS, Land
from cryoscale.scenes.active_layer_weather import OVERPASSES, ndvi_weights
from cryoscale.scenes.terrain import Field
from cryoscale.variables import attributes


def surface_of(land: Land, days: pd.DatetimeIndex, *, weights: Field) -> xr.Dataset:
    """What LST and NDVI of every day are made of.

    Parameters
    ----------
    land : Land
        With the fields.
    days : pandas.DatetimeIndex
        Daily.
    weights : ndarray (overpass, time, field)
        Of the fields in LST.

    Returns
    -------
    xarray.Dataset
        ``field_value`` (field, y, x), ``lst_weight`` (overpass, time, field) and ``ndvi_weight`` (time, field): LST,
        degC, and NDVI are sums over the fields of weight times value.
    """
    variables = {
        "field_value": (("field", "y", "x"), land.fields, {"long_name": "field of which lst and ndvi are sums"}),
        "lst_weight": (("overpass", "time", "field"), weights, {"long_name": "weight in lst", "units": "degC"}),
        "ndvi_weight": (("time", "field"), ndvi_weights(days), {"long_name": "weight in ndvi", "units": "1"}),
    }
    # objects, because Zarr v3 has no strings of fixed length
    names = {"overpass": np.array(OVERPASSES, object), "field": np.array(FIELDS, object)}
    return xr.Dataset(variables, {"time": days, **names, **grid_coords(land.geobox)})


def fine_lst(surface: xr.Dataset, day: str | np.datetime64) -> xr.DataArray:
    """True land surface temperature of a day at 30 m, also where clouds hid it.

    Parameters
    ----------
    surface : xarray.Dataset
        From `surface_of`, or that group of the truth's store.
    day : str or numpy.datetime64
        One of its days.

    Returns
    -------
    xarray.DataArray
        ``lst`` (overpass, y, x), degC.
    """
    return _sum(surface.lst_weight.sel(time=day), surface.field_value, name="lst")


def fine_ndvi(surface: xr.Dataset, day: str | np.datetime64) -> xr.DataArray:
    """True NDVI of a day at 30 m.

    Parameters
    ----------
    surface : xarray.Dataset
        From `surface_of`, or that group of the truth's store.
    day : str or numpy.datetime64
        One of its days.

    Returns
    -------
    xarray.DataArray
        ``ndvi`` (y, x).
    """
    return _sum(surface.ndvi_weight.sel(time=day), surface.field_value, name="ndvi")


def _sum(weights: xr.DataArray, values: xr.DataArray, *, name: str) -> xr.DataArray:
    total: xr.DataArray = xr.dot(weights.drop_vars("time"), values, dim="field")
    return total.rename(name).assign_attrs(attributes(name))
