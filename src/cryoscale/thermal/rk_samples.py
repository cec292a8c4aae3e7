"""What the calibrations of r_k share: samples as columns, checks of them, plausible bounds."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.stats.pairing import paired_with
from cryoscale.variables import VARIABLES, check_units

Values = np.ndarray[Any, Any]
Map = xr.DataArray | Values

PLAUSIBLE_RK = (0.3, 1.1)
"""Bounds of r_k: saturated peat has the lowest values, dry rock and gravel lie at 1; a little above is tolerance."""


def rk_by_class(classes: pd.DataFrame, codes: Values, otherwise: float) -> Values:
    """Column ``rk`` of a table by class at the given codes, and another value at codes that it lacks."""
    by_class = classes["rk"].reindex(codes).to_numpy(dtype=np.float64)
    return np.where(np.isnan(by_class), otherwise, by_class)


def flattened(maps: Mapping[str, Map]) -> dict[str, Values]:
    """Maps on one grid, or arrays of one shape, as 1-D arrays of numbers in memory."""
    first = next((values for values in maps.values() if isinstance(values, xr.DataArray)), xr.DataArray())
    columns: dict[str, Values] = {}
    for name, values in maps.items():
        if isinstance(values, xr.DataArray):
            checked = check_units(values, name) if name in VARIABLES else values
            columns[name] = paired_with(first, checked).to_numpy().astype(np.float64)
        else:
            columns[name] = np.asarray(values, dtype=np.float64)
    shapes = {name: column.shape for name, column in columns.items()}
    if len(set(shapes.values())) > 1:
        raise InputError(f"calibration of rk: all inputs need one shape, not {shapes}.")
    return {name: column.ravel() for name, column in columns.items()}


def require_degree_days(ddt: Values, ddf: Values) -> None:
    """Refuse degree-days below zero, such as codes of no data."""
    for name, values in (("ddt", ddt), ("ddf", ddf)):
        if (values < 0.0).any():
            raise InputError(
                f"{name}: holds {values.min():g} degC d, but degree-days are 0 or more. Set codes of no data to NaN; "
                "freezing degree-days are positive."
            )


def checked_bounds(bounds: tuple[float, float]) -> tuple[float, float]:
    """Refuse bounds of r_k that are not increasing or lie outside the registry's valid range."""
    low, high = VARIABLES["rk"].valid_range or (0.0, np.inf)
    if not low <= bounds[0] < bounds[1] <= high:
        raise InputError(f"bounds of rk: {bounds} must increase and lie between {low:g} and {high:g}.")
    return float(bounds[0]), float(bounds[1])
