"""Tables of stations and boreholes, and where they lie on a grid."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from odc.geo.geobox import GeoBox
from rasterio.crs import CRS

from cryoscale.errors import InputError
from cryoscale.grids import describe_grid
from cryoscale.readers.columns import (
    PLACE,
    first_row,
    labels,
    numbers,
    read_columns,
    require_one_place,
    require_places,
)
from cryoscale.readers.places import BORDER, grid_of, places_at
from cryoscale.variables import VARIABLES

STATES = ("stable permafrost", "unstable permafrost", "seasonally frozen ground")
"""What a borehole can have found."""

_LIMIT = 90.0  # degC: weather services write codes such as 999.9 or 32766 beyond it
_THICKNESS = VARIABLES["active_layer_thickness"].valid_range or (0.0, np.inf)
_KELVIN = (180.0, 340.0)


@dataclass(frozen=True)
class Located:
    """Places on a grid.

    Attributes
    ----------
    inside : pandas.DataFrame
        Rows of the table inside the grid, with the columns ``row`` and ``column`` (integers from 0).
    outside : pandas.DataFrame
        The other rows, as they were.
    """

    inside: pd.DataFrame
    outside: pd.DataFrame


def read_stations(path: Path, *, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    r"""Read daily temperatures of stations.

    Parameters
    ----------
    path : Path
        CSV with a header, one row a station and day.
    columns : mapping, optional
        Name of a column here to its name in the file, where they differ.

    Returns
    -------
    pandas.DataFrame
        ``station`` (str), ``longitude``, ``latitude`` (degree, WGS84), ``time`` (datetime64, to the day),
        ``ground_surface_temperature`` (degC), and ``air_temperature`` (degC) and ``elevation`` (m) where the file has
        them; by station and time. Temperatures below -90 or above 90 degC are taken for codes of missing data: NaN, and
        ``attrs["missing_codes"]`` counts them by column.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing or holds what is no number or date, temperatures are in Kelvin,
        a station has two places, or a day of a station is there twice.

    Examples
    --------
    >>> import tempfile
    >>> text = "name,lon,lat,date,GT\nMohe,122.5,53.0,1960-01-01,-30.1\nMohe,122.5,53.0,1960-01-02,3276.6\n"
    >>> names = {"station": "name", "longitude": "lon", "latitude": "lat", "time": "date"}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "stations.csv")
    ...     _ = path.write_text(text)
    ...     table = read_stations(path, columns=names | {"ground_surface_temperature": "GT"})
    >>> table.ground_surface_temperature.tolist(), table.attrs["missing_codes"]
    ([-30.1, nan], {'ground_surface_temperature': 1})
    """
    temperatures = ("ground_surface_temperature", "air_temperature")
    table = read_columns(
        path,
        needed=("station", *PLACE, "time", temperatures[0]),
        optional=(temperatures[1], "elevation"),
        columns=columns or {},
    )
    table["station"] = labels(table["station"], path)
    table["time"] = _dates(table["time"], path)
    for name in table.columns.difference(["station", "time"]):
        table[name] = numbers(table[name], path)
    require_places(table, path)
    require_one_place(table, path, by="station")
    _require_unique(table, ["station", "time"], path)
    codes = {name: _blank_codes(table, name, path) for name in temperatures if name in table}
    table = table.sort_values(["station", "time"], ignore_index=True)
    table.attrs["missing_codes"] = codes
    return table


def read_boreholes(path: Path, *, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    r"""Read what boreholes have found.

    Parameters
    ----------
    path : Path
        CSV with a header, one row a borehole.
    columns : mapping, optional
        Name of a column here to its name in the file, where they differ.

    Returns
    -------
    pandas.DataFrame
        ``borehole`` (str), ``longitude``, ``latitude`` (degree, WGS84), and of ``magt`` (mean annual ground
        temperature, degC), ``ttop`` (degC) and ``state`` (one of `STATES`, None where not known) those that the file
        has. ``attrs["missing_codes"]`` counts temperatures that were codes of missing data.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing or holds what is no number, a state is unknown, temperatures are
        in Kelvin, or a borehole is there twice.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "boreholes.csv")
    ...     _ = path.write_text("borehole,longitude,latitude,state\nZK1,88.1,37.6,Stable permafrost\n")
    ...     read_boreholes(path).state.tolist()
    ['stable permafrost']
    """
    found = ("magt", "ttop", "state")
    table = read_columns(path, needed=("borehole", *PLACE), optional=found, columns=columns or {})
    if not table.columns.isin(found).any():
        raise InputError(f"{path}: says nothing of the ground. It needs one of the columns {', '.join(found)}.")
    table["borehole"] = labels(table["borehole"], path)
    for name in table.columns.difference(["borehole", "state"]):
        table[name] = numbers(table[name], path)
    if "state" in table:
        table["state"] = _states(table["state"], path)
    require_places(table, path)
    _require_unique(table, ["borehole"], path)
    table.attrs["missing_codes"] = {name: _blank_codes(table, name, path) for name in found[:2] if name in table}
    return table


def read_thaw_depths(path: Path, *, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    r"""Read thicknesses of the active layer that were measured at the end of a season.

    Parameters
    ----------
    path : Path
        CSV with a header, one row a site and year.
    columns : mapping, optional
        Name of a column here to its name in the file, where they differ.

    Returns
    -------
    pandas.DataFrame
        ``site`` (str), ``longitude``, ``latitude`` (degree, WGS84), ``year`` (int), ``active_layer_thickness`` (m).

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, or holds what is no number, no year, or no thickness in m.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "sites.csv")
    ...     text = "site,longitude,latitude,year,active_layer_thickness\nA,99.1,38.1,2019,1.4\n"
    ...     _ = path.write_text(text)
    ...     read_thaw_depths(path).active_layer_thickness.tolist()
    [1.4]
    """
    measured = ("year", "active_layer_thickness")
    table = read_columns(path, needed=("site", *PLACE, *measured), optional=(), columns=columns or {})
    table["site"] = labels(table["site"], path)
    for name in (*PLACE, *measured):
        table[name] = numbers(table[name], path)
    require_places(table, path)
    table = table.dropna(subset=list(measured))
    thickness, (low, high) = table["active_layer_thickness"], _THICKNESS
    wrong = ~thickness.between(low, high)
    if wrong.any():
        raise InputError(
            f"{path}: active_layer_thickness is {thickness[wrong].iloc[0]:g} at {table.loc[wrong, 'site'].iloc[0]}, "
            f"but must be in m, {low:g} to {high:g}. Divide centimetres by 100."
        )
    _require_unique(table, ["site", "year"], path)
    return table.astype({"year": int}).sort_values(["site", "year"], ignore_index=True)


def locate(table: pd.DataFrame, geobox: GeoBox) -> Located:
    """Find the pixels of a grid that places lie in.

    Parameters
    ----------
    table : pandas.DataFrame
        With the columns ``longitude`` and ``latitude``, degree, WGS84.
    geobox : odc.geo.geobox.GeoBox
        The grid, with any CRS.

    Returns
    -------
    Located
        Rows inside and rows outside the grid, each in the order of the table.

    Raises
    ------
    InputError
        If no place is inside.

    Examples
    --------
    >>> grid = GeoBox.from_bbox((88, 37, 89, 38), "EPSG:4326", resolution=0.1)
    >>> places = pd.DataFrame({"longitude": [88.25, 90.0], "latitude": [37.95, 37.5]})
    >>> found = locate(places, grid)
    >>> found.inside[["row", "column"]].to_numpy().tolist(), len(found.outside)
    ([[0, 2]], 1)
    """
    grid = grid_of(geobox)
    places = table[list(PLACE)].drop_duplicates(ignore_index=True)
    at = places_at(places.longitude, places.latitude, crs=CRS.from_epsg(4326), grid=grid)
    pixels = [np.floor(place + 0.5 + BORDER) for place in at]
    within = np.logical_and.reduce([(p >= 0) & (p < size) for p, size in zip(pixels, grid.shape, strict=True)])
    for name, pixel in zip(("row", "column"), pixels, strict=True):
        places[name] = np.where(within, pixel, -1).astype(np.int64)
    joined = table.merge(places, on=list(PLACE), how="left")
    joined.index = table.index
    joined.attrs = dict(table.attrs)
    inside = joined["row"] >= 0
    if not inside.any():
        raise InputError(
            f"none of {len(places)} places lies on the grid ({describe_grid(geobox)}); they have longitudes "
            f"{places.longitude.min():g} to {places.longitude.max():g}, latitudes {places.latitude.min():g} to "
            f"{places.latitude.max():g}. Check that the columns are not interchanged, and the grid."
        )
    return Located(joined[inside], joined[~inside].drop(columns=["row", "column"]))


def _dates(column: "pd.Series[str]", path: Path) -> "pd.Series[pd.Timestamp]":
    dates = pd.to_datetime(column.astype(str), errors="coerce", format="ISO8601")
    wrong = dates.isna()
    if wrong.any():
        raise InputError(
            f"{path}: time has {column[wrong].iloc[0]!r} in row {first_row(wrong)}, which is no date. Write 2005-01-31."
        )
    return dates.dt.normalize()


def _states(column: "pd.Series[str]", path: Path) -> "pd.Series[str]":
    states = column.where(column.isna(), column.astype(str).str.strip().str.lower())
    wrong = ~(states.isna() | states.isin(STATES))
    if wrong.any():
        raise InputError(
            f"{path}: state is {column[wrong].iloc[0]!r} in row {first_row(wrong)}; it can be {', '.join(STATES)}."
        )
    return states.astype(object).where(states.notna(), None)


def _require_unique(table: pd.DataFrame, keys: list[str], path: Path) -> None:
    twice = table[table.duplicated(keys)]
    if len(twice):
        first = [
            " ".join(str(value.date()) if isinstance(value, pd.Timestamp) else str(value) for value in row)
            for row in twice[keys].drop_duplicates().head(3).itertuples(index=False)
        ]
        raise InputError(
            f"{path}: {len(twice)} rows repeat a {' and '.join(keys)}: {', '.join(first)}"
            f"{', ...' if len(twice) > len(first) else ''}. Keep one of each."
        )


def _blank_codes(table: pd.DataFrame, name: str, path: Path) -> int:
    """Make codes of missing data NaN, in place, and count them."""
    values = table[name]
    if values.between(*_KELVIN).sum() > 0.5 * values.notna().sum():
        raise InputError(
            f"{path}: {name} is {values.median():.4g} in the middle, which looks like Kelvin; it must be "
            "in degC. Take 273.15 off."
        )
    codes = values.abs() > _LIMIT
    table[name] = values.mask(codes)
    return int(codes.sum())
