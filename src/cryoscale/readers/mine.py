"""Outlines of pits and heaps, with what was dug, dumped, flooded and filled back, and when."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from cryoscale.errors import InputError
from cryoscale.readers.areas import MOST
from cryoscale.readers.vectors import read_areas

PIT, HEAP = "pit", "heap"
"""Kinds of works."""

_SIZES = {PIT: "depth", HEAP: "height"}
_TALLEST = 1000.0  # m
_YEARS = (1800.0, 2300.0)
_YES = {"true": True, "yes": True, "1": True, "1.0": True, "false": False, "no": False, "0": False, "0.0": False}


def read_mine(path: Path) -> gpd.GeoDataFrame:
    """Read pits and heaps.

    Parameters
    ----------
    path : Path
        Polygons in any vector format that GDAL reads, with the columns ``kind`` ("pit" or "heap"), ``depth`` of pits
        and ``height`` of heaps (m), ``start`` and ``end`` of digging or dumping (years: 2004 is the beginning of that
        year); optional ``name``, ``backfilled`` (year when a pit is filled back; empty: never) and ``lake`` (whether
        water fills the pit once it is dug).

    Returns
    -------
    geopandas.GeoDataFrame
        By start, as later works change what earlier ones have left: ``name`` (str), ``kind``, ``size`` (m: depth or
        height), ``start``, ``end``, ``backfilled`` (float, NaN: never), ``lake`` (bool), ``geometry``.

    Raises
    ------
    InputError
        If the file cannot be read or lacks a column; if a kind is unknown, a size not positive, a year not plausible,
        digging or dumping ends before it starts, a pit is filled back before it is dug, a heap has a lake, a name is
        there twice, or there are more than 255.
    """
    areas = read_areas(path).reset_index(drop=True)
    missing = [name for name in ("kind", "start", "end") if name not in areas]
    if missing:
        known = ", ".join(str(name) for name in areas.columns.drop(areas.geometry.name))
        raise InputError(f"{path}: has the columns {known}; it needs {', '.join(missing)}.")
    if not 0 < len(areas) <= MOST:
        raise InputError(f"{path}: has {len(areas)} pits and heaps; give 1 to {MOST}. Merge those that are alike.")
    named = areas["name"] if "name" in areas else pd.Series([f"{n + 1}" for n in range(len(areas))])
    kind = areas["kind"].astype(str).str.strip().str.lower()
    table = gpd.GeoDataFrame(
        {
            "name": named.astype(str).str.strip(),
            "kind": kind,
            "size": _sizes(areas, kind),
            **{name: _numbers(areas, name) for name in ("start", "end", "backfilled")},
            "lake": _lakes(areas, path),
        },
        geometry=areas.geometry.values,
        crs=areas.crs,
    )
    _require(table, path)
    return table.sort_values(["start", "name"], ignore_index=True, kind="stable")


def _numbers(areas: gpd.GeoDataFrame, name: str) -> "pd.Series[float]":
    return pd.to_numeric(areas[name], errors="coerce") if name in areas else pd.Series(np.nan, areas.index)


def _sizes(areas: gpd.GeoDataFrame, kind: "pd.Series[str]") -> "pd.Series[float]":
    sizes = pd.Series(np.nan, areas.index)
    for of_kind, column in _SIZES.items():
        sizes = sizes.where(kind != of_kind, _numbers(areas, column))
    return sizes


def _lakes(areas: gpd.GeoDataFrame, path: Path) -> "pd.Series[bool]":
    if "lake" not in areas:
        return pd.Series(False, areas.index)
    words = areas["lake"].astype(object).where(areas["lake"].notna(), False).astype(str).str.strip().str.lower()
    unknown = ~words.isin(_YES)
    if unknown.any():
        raise InputError(f"{path}: lake is {words[unknown].iloc[0]!r}, but must be true or false.")
    return pd.Series([_YES[word] for word in words], areas.index)


def _require(table: gpd.GeoDataFrame, path: Path) -> None:
    start, end, filled, pit = table["start"], table["end"], table["backfilled"], table["kind"] == PIT
    unknown = ~table["kind"].isin(_SIZES)
    low, high = _YEARS
    faults = {
        "is of the kind {kind!r}, but must be a pit or a heap": unknown,
        "has the depth or height {size:g} m, but must have one above 0 and up to 1000 m": ~table["size"].between(
            1e-9, _TALLEST
        ),
        "starts in {start:g} and ends in {end:g}, but both must be years": ~(
            start.between(low, high) & end.between(low, high)
        ),
        "starts in {start:g} and ends in {end:g}, but must end later than it starts": end <= start,
        "is filled back in {backfilled:g}, but dug until {end:g}": pit & (filled < end),
        "is a heap with a lake or that is filled back, which only pits have": ~pit & (table["lake"] | filled.notna()),
        "is there twice; give each a name of its own": table["name"].duplicated(),
    }
    for fault, wrong in faults.items():
        if wrong.any():
            row = table[wrong].iloc[0]
            raise InputError(f"{path}: {row['name']} {fault.format(**row)}. Correct its row.")
