"""Columns of tables that people write: found, made numbers or labels, and checked, with the row in every message."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from cryoscale.errors import InputError

PLACE = ("longitude", "latitude")
"""Columns of a place, degree, WGS84."""


def read_columns(
    path: Path, *, needed: Iterable[str], optional: Iterable[str], columns: Mapping[str, str]
) -> pd.DataFrame:
    """Read the columns that count of a CSV table.

    Parameters
    ----------
    path : Path
        CSV with a header.
    needed, optional : iterable of str
        What the columns are called here.
    columns : mapping
        Name of a column here to its name in the file, where they differ.

    Returns
    -------
    pandas.DataFrame
        Under the names that they have here, in the order of the file.

    Raises
    ------
    InputError
        If the file cannot be read, has no rows, or lacks a column; if `columns` names one that is not known.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a CSV table ({error}).") from None
    known = (*needed, *optional)
    unknown = sorted(set(columns) - set(known))
    if unknown:
        raise InputError(f"columns: {', '.join(unknown)} is unknown; there are {', '.join(known)}.")
    theirs = {name: columns.get(name, name) for name in known}
    missing = [theirs[name] for name in known if theirs[name] not in table and (name in needed or name in columns)]
    if missing:
        raise InputError(
            f"{path}: has the columns {', '.join(map(str, table.columns))}; it needs {', '.join(missing)}. "
            "Say with columns what they are called."
        )
    if table.empty:
        raise InputError(f"{path}: has no rows.")
    return pd.DataFrame({name: table[theirs[name]] for name in known if theirs[name] in table})


def labels(column: "pd.Series[str]", path: Path) -> "pd.Series[str]":
    """Names without spaces around them.

    Parameters
    ----------
    column : pandas.Series
        Of a table as it was read.
    path : Path
        Its file.

    Returns
    -------
    pandas.Series
        str.

    Raises
    ------
    InputError
        If one is empty.
    """
    if column.isna().any():
        raise InputError(f"{path}: row {first_row(column.isna())} has no {column.name}. Fill it in.")
    return column.astype(str).str.strip()


def numbers(column: "pd.Series[float]", path: Path) -> "pd.Series[float]":
    """Numbers; NaN where a cell is empty.

    Parameters
    ----------
    column : pandas.Series
        Of a table as it was read.
    path : Path
        Its file.

    Returns
    -------
    pandas.Series
        float64.

    Raises
    ------
    InputError
        If a cell holds what is no number.
    """
    values = pd.to_numeric(column, errors="coerce")
    wrong = values.isna() & column.notna()
    if wrong.any():
        raise InputError(
            f"{path}: {column.name} has {column[wrong].iloc[0]!r} in row {first_row(wrong)}, which is no number."
        )
    return values.astype(float)


def first_row(wrong: "pd.Series[bool]") -> int:
    """Row of a file, counted from 1 with the header, of the first fault.

    Parameters
    ----------
    wrong : pandas.Series
        bool, one for every row of the table, in the order of the file.

    Returns
    -------
    int

    Examples
    --------
    >>> first_row(pd.Series([False, True]))
    3
    """
    return int(np.argmax(wrong.to_numpy())) + 2


def require_places(table: pd.DataFrame, path: Path) -> None:
    """Refuse places that are none on the globe.

    Parameters
    ----------
    table : pandas.DataFrame
        With the columns of `PLACE`.
    path : Path
        Its file.

    Raises
    ------
    InputError
        If a longitude or latitude is missing or out of range.
    """
    for name, limit in zip(PLACE, (180.0, 90.0), strict=True):
        wrong = ~(table[name].abs() <= limit)
        if wrong.any():
            raise InputError(
                f"{path}: {name} is {table.loc[wrong, name].iloc[0]:g} in row {first_row(wrong)}, but must be within "
                f"{-limit:g} to {limit:g} degrees (WGS84, decimal, east and north)."
            )


def require_one_place(table: pd.DataFrame, path: Path, *, by: str) -> None:
    """Refuse a station, or whatever has a name, that is in two places.

    Parameters
    ----------
    table : pandas.DataFrame
        With the columns of `PLACE`.
    path : Path
        Its file.
    by : str
        Column of the names.

    Raises
    ------
    InputError
        If a name has several places.
    """
    places = table.groupby(by)[list(PLACE)].nunique().max(axis=1)
    if (places > 1).any():
        raise InputError(
            f"{path}: the {by} {places.idxmax()} has {places.max()} places. Give each place a name of its own."
        )
