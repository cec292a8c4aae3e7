"""Series of a place from CSV tables: temperatures, displacements of a GNSS station."""

from pathlib import Path

import pandas as pd

from cryoscale.errors import InputError

TIME = "time"


def read_series(path: Path, column: str) -> pd.Series:
    r"""Read one column of a CSV table by date.

    Parameters
    ----------
    path : Path
        CSV with a header; the column ``time`` holds dates (YYYY-MM-DD). Empty cells are left out.
    column : str
        Name of the column that is wanted; it holds numbers in the unit of the registered variable of that name.

    Returns
    -------
    pandas.Series
        By date, in order of time.

    Raises
    ------
    InputError
        If the file cannot be read, lacks one of the columns, or holds what is no date or no number.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "gnss.csv")
    ...     _ = path.write_text("time,displacement\n2018-06-02,1.5\n2018-06-01,2.5\n")
    ...     read_series(path, "displacement").tolist()
    [2.5, 1.5]
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a CSV table ({error}).") from None
    for name in (TIME, column):
        if name not in table:
            raise InputError(f"{path}: has the columns {', '.join(map(str, table.columns))}; it needs {name}.")
    try:
        dates, values = pd.DatetimeIndex(pd.to_datetime(table[TIME])), pd.to_numeric(table[column])
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: holds what is no date or no number ({error}).") from None
    return pd.Series(values.to_numpy(float), dates, name=column).dropna().sort_index()
