"""Points whose class somebody has looked at."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cryoscale.errors import InputError
from cryoscale.readers.columns import PLACE, first_row, labels, numbers, read_columns, require_places


def read_labels(path: Path, *, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    r"""Read labelled points.

    Parameters
    ----------
    path : Path
        CSV with a header, one row a point.
    columns : mapping, optional
        Name of a column here to its name in the file, where they differ.

    Returns
    -------
    pandas.DataFrame
        ``label`` (str), ``longitude``, ``latitude`` (degree, WGS84), ``class`` (str; spaces become underscores).

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing, a place is none, or a label is there twice.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "labels.csv")
    ...     _ = path.write_text("label,longitude,latitude,class\nV1,99.1,38.1,swamp meadow\n")
    ...     read_labels(path)["class"].tolist()
    ['swamp_meadow']
    """
    table = read_columns(path, needed=("label", *PLACE, "class"), optional=(), columns=columns or {})
    table["label"] = labels(table["label"], path)
    table["class"] = labels(table["class"], path).str.replace(r"\s+", "_", regex=True)
    for name in PLACE:
        table[name] = numbers(table[name], path)
    require_places(table, path)
    twice = table["label"].duplicated()
    if twice.any():
        raise InputError(
            f"{path}: row {first_row(twice)} repeats the label {table.loc[twice, 'label'].iloc[0]}. Keep one of each."
        )
    return table
