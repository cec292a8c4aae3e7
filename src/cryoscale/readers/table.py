"""A CSV list of interferograms in GeoTIFFs, for every other processor."""

import csv
from collections.abc import Mapping
from pathlib import Path

from cryoscale.errors import InputError
from cryoscale.readers.files import PairFiles, Rejected, StackFiles, gather, parse_date

_REQUIRED = ("reference", "secondary", "phase")
_OPTIONAL = ("coherence",)

Row = dict[str, str]


def read_table(
    table: str | Path,
    *,
    wavelength: float | None = None,
    sensor: str | None = None,
    incidence_angle: float | None = None,
    heading: float | None = None,
    geometry: Mapping[str, str | Path] | None = None,
) -> StackFiles:
    r"""Read a table of interferograms, one a row.

    The phase must be unwrapped, in rad, and grow with range (4 pi / wavelength times the range of the secondary minus
    that of the reference); 0 is no data.

    Parameters
    ----------
    table : str or pathlib.Path
        CSV with the columns ``reference`` and ``secondary`` (YYYY-MM-DD or YYYYMMDD), ``phase`` and, if there is any,
        ``coherence`` (paths, relative to the table's folder).
    wavelength : float
        Radar wavelength, m.
    sensor, incidence_angle, heading : optional
        Name, degree, degree.
    geometry : mapping of str to path, optional
        ``elevation``, ``incidence_angle``, ``los_east``, ... to the GeoTIFF that holds it, relative to the table's
        folder.

    Returns
    -------
    StackFiles

    Raises
    ------
    InputError
        If the table cannot be read, lacks a column or has an unknown one, or if no wavelength is given.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = Path(folder, "pairs.csv")
    ...     _ = table.write_text("reference,secondary,phase\n2020-01-01,2020-01-13,a.tif\n")
    ...     files = read_table(table, wavelength=0.236, sensor="ALOS-2")
    >>> files.pairs[0].reference, files.pairs[0].phase.name
    (np.datetime64('2020-01-01'), 'a.tif')
    """
    path = Path(table)
    root = path.parent
    pairs, rejected = [], []
    for line, row in enumerate(_rows(path), start=2):
        pair = _pair(row, root)
        if pair is None:
            rejected.append(Rejected(path, _fault(row, line)))
        else:
            pairs.append(pair)
    return gather(
        pairs,
        source=path,
        looked_for="rows below the header",
        wavelength=wavelength,
        sensor=sensor,
        incidence_angle=incidence_angle,
        heading=heading,
        geometry={name: root / file for name, file in (geometry or {}).items()},
        rejected=rejected,
    )


def _rows(path: Path) -> list[Row]:
    """All rows, cells stripped; extra or missing cells are empty strings."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, restkey="", restval="", skipinitialspace=True)
            _check_columns(path, [name.strip() for name in reader.fieldnames or ()])
            reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
            return [{name: row[name].strip() for name in reader.fieldnames} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a CSV table ({error}).") from error


def _check_columns(path: Path, columns: list[str]) -> None:
    missing = [name for name in _REQUIRED if name not in columns]
    unknown = [name for name in columns if name not in (*_REQUIRED, *_OPTIONAL)]
    if missing or unknown:
        raise InputError(
            f"{path}: has the columns {', '.join(columns) or '(none)'}; "
            f"it needs {', '.join(_REQUIRED)} and may have {', '.join(_OPTIONAL)}."
        )


def _pair(row: Row, root: Path) -> PairFiles | None:
    reference, secondary = parse_date(row["reference"]), parse_date(row["secondary"])
    if reference is None or secondary is None or not row["phase"]:
        return None
    coherence = row.get("coherence")
    return PairFiles(reference, secondary, root / row["phase"], root / coherence if coherence else None)


def _fault(row: Row, line: int) -> str:
    """What is wrong with a row that is no pair."""
    for column in ("reference", "secondary"):
        if parse_date(row[column]) is None:
            return f"line {line}: {column} is {row[column]!r}, not a date such as 2020-01-13"
    return f"line {line}: names no phase file"
