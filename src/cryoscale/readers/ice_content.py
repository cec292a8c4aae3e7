"""Tables of ice content by unit and layer, and logs of boreholes that they come from."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cryoscale.errors import InputError
from cryoscale.ground.ice_logs import ice_from_water
from cryoscale.ground.ice_tables import COLUMNS, check_ice_table
from cryoscale.readers.columns import PLACE, labels, numbers, read_columns, require_one_place, require_places

_DEPTHS = ("depth_top", "depth_bottom")
_WATER = ("water_content", "dry_density")


def read_ice_table(path: Path, *, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    r"""Read ice contents by unit and layer.

    Parameters
    ----------
    path : Path
        CSV with a header, one row a unit and layer.
    columns : mapping, optional
        Name of a column here to its name in the file, where they differ.

    Returns
    -------
    pandas.DataFrame
        ``unit`` (int where all are whole numbers, else str), ``layer`` (str), ``top``, ``bottom`` (m), ``ice_content``,
        ``spread`` (m3 m-3), ``n``, ``porosity`` (m3 m-3; 1 where the file has none); by unit and depth, as
        `cryoscale.ground.ice_tables.check_ice_table` gives it.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, holds what is no number or not plausible, or if the layers of a unit
        overlap or leave a hole.

    Examples
    --------
    >>> import tempfile
    >>> text = "unit,top,bottom,ice_content,spread,n\nbog,0,3,0.5,0.1,12\nbog,3,10,0.3,0.08,9\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "ice.csv")
    ...     _ = path.write_text(text)
    ...     read_ice_table(path).layer.tolist()
    ['0-3 m', '3-10 m']
    """
    table = read_columns(path, needed=COLUMNS, optional=("layer", "porosity"), columns=columns or {})
    table["unit"] = _units(table["unit"], path)
    if "layer" in table:
        table["layer"] = labels(table["layer"], path)
    for name in table.columns.difference(["unit", "layer"]):
        table[name] = numbers(table[name], path)
    return check_ice_table(table, source=str(path)).astype({"n": int})


def read_ice_logs(path: Path, *, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    r"""Read logs of boreholes: the ice content of pieces of core.

    A content is volumetric (``ice_content``, m3 m-3), or comes from the gravimetric water content
    (``water_content``, % of the dry mass) and the dry bulk density (``dry_density``, kg m-3) by
    `cryoscale.ground.ice_logs.ice_from_water`. A file may hold both kinds of rows.

    Parameters
    ----------
    path : Path
        CSV with a header, one row a piece of core.
    columns : mapping, optional
        Name of a column here to its name in the file, where they differ.

    Returns
    -------
    pandas.DataFrame
        ``borehole`` (str), ``unit`` (int where all are whole numbers, else str), ``depth_top``, ``depth_bottom`` (m
        below the surface), ``ice_content`` (m3 m-3), and ``longitude``, ``latitude`` (degree, WGS84) where the file
        has them.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, a row has no content, or holds what is no number or not plausible;
        or if a borehole has two places.

    Examples
    --------
    >>> import tempfile
    >>> text = "borehole,unit,depth_top,depth_bottom,water_content,dry_density\nMK1,2,1.5,2.0,40,1200\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "logs.csv")
    ...     _ = path.write_text(text)
    ...     print(f"{read_ice_logs(path).ice_content[0]:.3f}")
    0.523
    """
    table = read_columns(
        path,
        needed=("borehole", "unit", *_DEPTHS),
        optional=("ice_content", *_WATER, *PLACE),
        columns=columns or {},
    )
    table["borehole"], table["unit"] = labels(table["borehole"], path), _units(table["unit"], path)
    for name in table.columns.difference(["borehole", "unit"]):
        table[name] = numbers(table[name], path)
    table["ice_content"] = _contents(table, path)
    there = [name for name in PLACE if name in table]
    if len(there) == 1:
        raise InputError(f"{path}: has {there[0]} only. Give longitude and latitude, or neither.")
    if there:
        require_places(table, path)
        require_one_place(table, path, by="borehole")
    return table.drop(columns=list(_WATER), errors="ignore")


def _units(column: "pd.Series[str]", path: Path) -> "pd.Series[str] | pd.Series[int]":
    names = labels(column, path)
    return names.astype(int) if pd.api.types.is_integer_dtype(column) else names


def _contents(table: pd.DataFrame, path: Path) -> "pd.Series[float]":
    """Volumetric contents, those that are given before those that are computed."""
    given = table["ice_content"] if "ice_content" in table else pd.Series(float("nan"), table.index)
    by_mass = given.isna()
    if by_mass.any():
        missing = [name for name in _WATER if name not in table]
        if missing:
            raise InputError(
                f"{path}: {by_mass.sum()} rows have no ice_content, and there is no {' and no '.join(missing)} to "
                "compute it from. Give ice_content in m3 m-3, or water_content in % and dry_density in kg m-3."
            )
        water, density = (table.loc[by_mass, name] for name in _WATER)
        try:
            given = given.where(~by_mass, ice_from_water(water, density))
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
    if given.isna().any():
        at = table["borehole"][given.isna()]
        raise InputError(
            f"{path}: {len(at)} rows have neither ice_content nor water_content and dry_density, the first of borehole "
            f"{at.iloc[0]}. Fill them in, or leave out the rows: cores may have holes."
        )
    return given
