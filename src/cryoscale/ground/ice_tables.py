"""Tables of ice content by geomorphic unit and layer: what they must hold, and the same as arrays."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale.errors import InputError

Values = np.ndarray[Any, Any]

ICE_DENSITY, WATER_DENSITY = 917.0, 1000.0
"""kg m-3."""

COLUMNS = ("unit", "top", "bottom", "ice_content", "spread", "n")
"""What a table of ice contents needs; ``layer`` and ``porosity`` may be there too."""

TOLERANCE = 1e-4
"""m; depths that differ by less are the same."""


class Datum(StrEnum):
    """Where the depths of layers are counted from: the permafrost table of the place, or the surface of the ground."""

    PERMAFROST_TABLE = "permafrost-table"
    SURFACE = "surface"


@dataclass(frozen=True)
class IceLayers:
    """A table of ice contents as arrays (layer, unit); layers that a unit lacks have no thickness.

    Attributes
    ----------
    codes : numpy.ndarray
        (unit,), in ascending order: numbers of the units in the raster.
    names : tuple of str
        (unit,); the number, if the raster has no legend.
    layers : tuple of str
        (layer,), from the top.
    there : numpy.ndarray of bool
        Whether the unit has the layer.
    top, bottom : numpy.ndarray
        m below the datum.
    content, error : numpy.ndarray
        Mean ice content and its standard error, m3 m-3.
    freedom : numpy.ndarray
        Degrees of freedom of the error.
    most : numpy.ndarray
        Largest ice content that there can be: the porosity, or 1.
    """

    codes: Values
    names: tuple[str, ...]
    layers: tuple[str, ...]
    there: Values
    top: Values
    bottom: Values
    content: Values
    error: Values
    freedom: Values
    most: Values


def check_ice_table(table: pd.DataFrame, *, source: str = "ice table") -> pd.DataFrame:
    """Check a table of ice contents, and bring it into order.

    Parameters
    ----------
    table : pandas.DataFrame
        One row for each unit and layer: ``unit`` (number or name), ``top`` and ``bottom`` (m below the datum),
        ``ice_content`` (mean over boreholes, m3 of ice per m3 of ground), ``spread`` (standard deviation between
        boreholes, m3 m-3), ``n`` (number of boreholes); optional ``layer`` (name) and ``porosity`` (m3 m-3).
    source : str
        What messages call it, such as its file.

    Returns
    -------
    pandas.DataFrame
        The same by unit and depth, with ``layer`` (such as "1-3 m") and ``porosity`` (1) where there were none.

    Raises
    ------
    InputError
        If a column or a value is missing, a value is not plausible (a content in percent or above the porosity, a
        negative spread, fewer than one sample), or layers of a unit overlap or leave a hole.

    Examples
    --------
    >>> table = pd.DataFrame({"unit": 1, "top": [1, 0], "bottom": [10, 1], "ice_content": [0.2, 0.4]})
    >>> check_ice_table(table.assign(spread=0.05, n=6)).layer.tolist()
    ['0-1 m', '1-10 m']
    """
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise InputError(
            f"{source}: has the columns {', '.join(map(str, table.columns))}; it needs {', '.join(missing)}."
        )
    if table.empty:
        raise InputError(f"{source}: has no rows. Give one for each unit and layer.")
    table = table.assign(porosity=table["porosity"].fillna(1.0) if "porosity" in table else 1.0)
    quantities = [*COLUMNS[1:], "porosity"]
    table[quantities] = table[quantities].apply(pd.to_numeric, errors="coerce")
    _require_plausible(table, source)
    table = table.sort_values(["unit", "top"], ignore_index=True)
    if "layer" not in table:
        table["layer"] = [f"{top:g}-{bottom:g} m" for top, bottom in zip(table["top"], table["bottom"], strict=True)]
    for unit, rows in table.groupby("unit", sort=False):
        _require_stacked(rows, f"{source}: unit {unit}")
    return table[["unit", "layer", *COLUMNS[1:], "porosity"]]


def _require_plausible(table: pd.DataFrame, source: str) -> None:
    content, n = table["ice_content"], table["n"]
    faults = {
        "has a cell without a number. Fill it in": ~np.isfinite(table[[*COLUMNS[1:], "porosity"]]).all(axis=1),
        "must have top and bottom in m, 0 <= top < bottom": (table["top"] < 0) | (table["top"] >= table["bottom"]),
        "must have an ice_content in m3 m-3, 0 to 1. Divide percent by 100": ~content.between(0.0, 1.0),
        "must have a porosity in m3 m-3, above 0 to 1": (table["porosity"] <= 0) | (table["porosity"] > 1),
        "has an ice_content above its porosity. Correct one of them": content > table["porosity"],
        "must have a spread in m3 m-3, 0 to 1": ~table["spread"].between(0.0, 1.0),
        "must have a whole number n of samples, 1 or more": (n < 1) | (n != np.floor(n)),
    }
    if table["unit"].isna().any():
        raise InputError(f"{source}: row {int(np.argmax(table['unit'].isna())) + 1} names no unit.")
    for fault, wrong in faults.items():
        if wrong.any():
            unit, row = table["unit"][wrong].iloc[0], table[wrong].iloc[0]
            found = ", ".join(f"{name} {row[name]:g}" for name in (*COLUMNS[1:], "porosity"))
            raise InputError(f"{source}: unit {unit} {fault}; it has {found}.")


def _require_stacked(rows: pd.DataFrame, what: str) -> None:
    """Layers of one unit, from the top: each begins where the last one ends."""
    if rows["layer"].duplicated().any():
        raise InputError(
            f"{what}: has the layer {rows.loc[rows['layer'].duplicated(), 'layer'].iloc[0]!r} twice. Keep one."
        )
    ends, begins = rows["bottom"].to_numpy()[:-1], rows["top"].to_numpy()[1:]
    wrong = np.abs(begins - ends) > TOLERANCE
    if wrong.any():
        end, begin = ends[wrong][0], begins[wrong][0]
        fault = "overlap" if begin < end else "leave a hole"
        raise InputError(f"{what}: layers {fault}, one ends at {end:g} m and the next begins at {begin:g} m.")


def ice_layers(table: pd.DataFrame, units: xr.DataArray) -> IceLayers:
    """A table of ice contents as arrays, by the numbers of a raster of units.

    Parameters
    ----------
    table : pandas.DataFrame
        As for `check_ice_table`. Units that it names are found in the legend of the raster.
    units : xarray.DataArray
        The raster; ``flag_values`` and ``flag_meanings`` are its legend.

    Returns
    -------
    IceLayers

    Raises
    ------
    InputError
        If the table cannot be used, or names a unit that the legend lacks.

    Examples
    --------
    >>> table = pd.DataFrame({"unit": ["bog"], "top": 0.0, "bottom": 10.0, "ice_content": 0.5, "spread": 0.1, "n": 4})
    >>> layers = ice_layers(table, xr.DataArray(0, attrs={"flag_values": [1, 7], "flag_meanings": "moraine bog"}))
    >>> layers.codes, layers.names, float(layers.error[0, 0])
    (array([7]), ('bog',), 0.05)
    """
    table = check_ice_table(table)
    legend = _legend(units)
    table = table.assign(unit=_codes(table["unit"], legend))
    order = table.groupby("layer", sort=False)["top"].min().sort_values(kind="stable").index
    wide = table.set_index(["layer", "unit"]).unstack("unit").reindex(order)
    there = wide["n"].notna().to_numpy()
    part = {name: wide[name].fillna(0.0).to_numpy(float) for name in (*COLUMNS[1:], "porosity")}
    codes = wide["n"].columns.to_numpy(np.int64)
    return IceLayers(
        codes=codes,
        names=tuple(legend.get(code, str(code)) for code in codes.tolist()),
        layers=tuple(str(name) for name in order),
        there=there,
        top=part["top"],
        bottom=part["bottom"],
        content=part["ice_content"],
        error=part["spread"] / np.sqrt(np.maximum(part["n"], 1.0)),
        freedom=np.maximum(part["n"] - 1.0, 1.0),
        most=part["porosity"],
    )


def _legend(units: xr.DataArray) -> dict[int, str]:
    """Names of a raster's classes by number; empty if it has no legend."""
    values, meanings = units.attrs.get("flag_values", ()), units.attrs.get("flag_meanings", "").split()
    return {int(value): meaning for value, meaning in zip(values, meanings, strict=True)}


def _codes(units: "pd.Series[Any]", legend: dict[int, str]) -> Values:
    """Numbers of units that are numbers already or names of the legend, written with spaces or without."""
    if pd.api.types.is_integer_dtype(units):
        return units.to_numpy(np.int64)
    numbers = {name: code for code, name in legend.items()}
    words = units.astype(str).map(lambda name: re.sub(r"\W+", "_", name.strip()))
    unknown = sorted(set(words) - set(numbers))
    if unknown:
        known = ", ".join(numbers) if numbers else "none (no attributes flag_values and flag_meanings)"
        raise InputError(
            f"ice table: names the unit {', '.join(unknown)}, but the raster of units has {known}. "
            "Use the names of its legend, or its numbers."
        )
    return words.map(numbers).to_numpy(np.int64)
