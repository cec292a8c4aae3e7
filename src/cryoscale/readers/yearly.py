"""Tables of one value a year, such as of climate or thaw depth."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cryoscale.errors import InputError


def read_years(path: Path, columns: Sequence[str] | None = None, *, year: str = "year") -> pd.DataFrame:
    r"""Read columns of numbers by year.

    Parameters
    ----------
    path : Path
        CSV with a header, one row a year.
    columns : sequence of str, optional
        What to read; every other column by default.
    year : str
        The column of years.

    Returns
    -------
    pandas.DataFrame
        By ``year`` (int), sorted; empty cells are NaN.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, or a cell is no number, or a year is no whole number or there twice.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "thaw.csv")
    ...     _ = path.write_text("year,depth\n2002,\n2001,0.4\n")
    ...     read_years(path).depth.to_dict()
    {2001: 0.4, 2002: nan}
    """
    try:
        table = pd.read_csv(path, skipinitialspace=True)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a CSV table ({error}).") from None
    wanted = list(columns) if columns is not None else [name for name in table.columns if name != year]
    lacking = [name for name in (year, *wanted) if name not in table]
    if lacking or not wanted:
        there = ", ".join(map(str, table.columns))
        raise InputError(f"{path}: has the columns {there}; it needs {', '.join(lacking) or 'a column of values'}.")
    if table.empty:
        raise InputError(f"{path}: has no rows.")
    for name in (year, *wanted):
        if not pd.api.types.is_numeric_dtype(table[name]):
            raise InputError(f"{path}: {name} holds what is no number. Leave a cell empty where there is no value.")
    _require_years(table[year], path)
    return table.set_index(table[year].astype(np.int64).rename("year"))[wanted].astype(np.float64).sort_index()


def _require_years(years: "pd.Series[float]", path: Path) -> None:
    wrong = years.isna() | (years % 1 != 0)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InputError(f"{path}: {years.name} is {years.iloc[at]} in row {at + 2}. Write it as 2005.")
    if years.duplicated().any():
        raise InputError(f"{path}: has {int(years[years.duplicated()].iloc[0])} more than once. Give one row a year.")
