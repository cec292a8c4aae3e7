"""Maps of permafrost: classes of ground, their change, their areas."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.lift import lift
from cryoscale.thermal.degree_days import aligned
from cryoscale.variables import check_units

Values = np.ndarray[Any, Any]

PERMAFROST, SEASONALLY_FROZEN, GLACIER, LAKE = 1, 2, 3, 4
"""Flags of ``ground_class``; 0 is no data."""

STABLE, DEGRADED, GAINED, STABLE_WITHOUT = 1, 2, 3, 4
"""Flags of ``permafrost_change``; 0 is no data."""

_M2_PER_KM2 = 1e6


def classify_permafrost(
    ttop: xr.DataArray, *, glacier: xr.DataArray | None = None, lake: xr.DataArray | None = None
) -> xr.DataArray:
    """Classes of ground: permafrost where the temperature at its top is at or below 0 degC.

    Parameters
    ----------
    ttop : xarray.DataArray
        Temperature at the top of permafrost, degC, yearly or a mean over years.
    glacier, lake : xarray.DataArray, optional
        Boolean masks (y, x). They go before TTOP, also where it is NaN, and a glacier before a lake.

    Returns
    -------
    xarray.DataArray
        ``ground_class`` where there is a dim ``year``, else ``mean_ground_class``: uint8 0 no data, 1 permafrost,
        2 seasonally frozen ground, 3 glacier, 4 lake. Lazy where an input is.

    Raises
    ------
    InputError
        If `ttop` is in another unit, or a mask is not boolean or lies on another grid.

    Examples
    --------
    >>> classes = classify_permafrost(xr.DataArray([-0.5, 0.0, 0.5, np.nan], dims="x"))
    >>> classes.values, classes.name
    (array([1, 1, 2, 0], dtype=uint8), 'mean_ground_class')
    """
    name = "ground_class" if "year" in ttop.dims else "mean_ground_class"
    masks = [_as_mask(mask, what) for mask, what in ((glacier, "glacier"), (lake, "lake"))]
    inputs = aligned(check_units(ttop, "ttop"), *masks)
    return lift(_classify, *inputs, core_dims=[[], [], []], outputs={name: ()})[name]


def permafrost_change(first: xr.DataArray, last: xr.DataArray) -> xr.DataArray:
    """Change of permafrost from one map of classes to another.

    Parameters
    ----------
    first, last : xarray.DataArray
        Classes from `classify_permafrost`, of two years or two periods.

    Returns
    -------
    xarray.DataArray
        ``permafrost_change``: uint8 1 stable permafrost, 2 degraded (lost), 3 gained, 4 stable without; 0 where either
        map has no data, a glacier or a lake. Lazy where an input is.

    Raises
    ------
    InputError
        If the two do not lie on one grid.

    Examples
    --------
    >>> first, last = (xr.DataArray(np.array(v, "uint8"), dims="x") for v in ([1, 1, 2, 2, 3], [1, 2, 1, 2, 2]))
    >>> permafrost_change(first, last).values
    array([1, 2, 3, 4, 0], dtype=uint8)
    """
    outputs: dict[str, tuple[str, ...]] = {"permafrost_change": ()}
    return lift(_change, *aligned(first, last), core_dims=[[], []], outputs=outputs)["permafrost_change"]


def class_areas(classes: xr.DataArray, pixel_area: xr.DataArray) -> pd.DataFrame:
    """Area of each class, a table that is computed at once.

    Parameters
    ----------
    classes : xarray.DataArray
        (y, x) or (year, y, x), with ``flag_values`` and ``flag_meanings``: from `classify_permafrost` or
        `permafrost_change`. 0 is no data.
    pixel_area : xarray.DataArray
        Area of pixels, m2, (y, x) or (y,).

    Returns
    -------
    pandas.DataFrame
        One row for each class but no data (of each year, in column ``year``, where `classes` has years): ``class``,
        ``area_km2``, and ``percent`` of all area with a class (NaN where no pixel has one).

    Raises
    ------
    InputError
        If `classes` has no flags, or `pixel_area` is in another unit or on another grid.

    Examples
    --------
    >>> classes = classify_permafrost(xr.DataArray([[-0.5, -1.0, 0.5, np.nan]], dims=("y", "x")))
    >>> areas = class_areas(classes, xr.DataArray([1e6], dims="y", attrs={"units": "m2"}))
    >>> areas.head(2).round(1)
                         class  area_km2  percent
    0               permafrost       2.0     66.7
    1  seasonally_frozen_ground      1.0     33.3
    """
    flags = _flags_of(classes)
    if pixel_area.attrs.get("units", "m2") != "m2":
        raise InputError(
            f"{pixel_area.name or 'pixel_area'}: is in {pixel_area.attrs['units']!r}, but must be in 'm2'. Convert it."
        )
    classes, pixel_area = aligned(classes, pixel_area)
    area = pixel_area.astype(np.float64) / _M2_PER_KM2
    sums = xr.Dataset({meaning: (area * (classes == value)).sum(("y", "x")) for value, meaning in flags.items()})
    table = sums.compute().to_dataarray("class").rename("area_km2").reset_coords(drop=True)
    percent = 100 * table / table.sum("class")
    order = [*(dim for dim in table.dims if dim != "class"), "class"]
    return xr.Dataset({"area_km2": table, "percent": percent}).to_dataframe(dim_order=order).reset_index()


def _flags_of(classes: xr.DataArray) -> dict[int, str]:
    try:
        values, meanings = classes.attrs["flag_values"], classes.attrs["flag_meanings"].split()
    except KeyError as missing:
        raise InputError(
            f"{classes.name or 'classes'}: has no attribute {missing}. Give classes from thermal.classify_permafrost "
            "or thermal.permafrost_change."
        ) from None
    return {int(value): meaning for value, meaning in zip(values, meanings, strict=True) if value != 0}


def _as_mask(mask: xr.DataArray | None, name: str) -> xr.DataArray:
    if mask is None:
        return xr.DataArray(False, name=name)
    if mask.dtype != np.bool_:
        raise InputError(f"{mask.name or name}: is {mask.dtype}, but {name} must be boolean. Compare it: mask == 1.")
    return mask


def _classify(ttop: Values, glacier: Values, lake: Values) -> tuple[Values]:
    ground = np.where(ttop <= 0, PERMAFROST, np.where(ttop > 0, SEASONALLY_FROZEN, 0))
    return (np.where(glacier, GLACIER, np.where(lake, LAKE, ground)).astype(np.uint8),)


def _change(first: Values, last: Values) -> tuple[Values]:
    known = np.isin(first, (PERMAFROST, SEASONALLY_FROZEN)) & np.isin(last, (PERMAFROST, SEASONALLY_FROZEN))
    before, after = first == PERMAFROST, last == PERMAFROST
    change = np.select([before & after, before, after], [STABLE, DEGRADED, GAINED], STABLE_WITHOUT)
    return (np.where(known, change, 0).astype(np.uint8),)
