"""Tables of soil moisture that was measured layer by layer in pits and soundings."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from cryoscale.errors import InputError
from cryoscale.readers.columns import (
    PLACE,
    first_row,
    labels,
    numbers,
    read_columns,
    require_one_place,
    require_places,
)

METHODS = ("ring knife", "ground-penetrating radar")
"""How moisture can have been measured."""

_ALIASES = {
    "ringknife": METHODS[0],
    "cuttingring": METHODS[0],
    "ring": METHODS[0],
    "groundpenetratingradar": METHODS[1],
    "gpr": METHODS[1],
    "radar": METHODS[1],
}
"""Names of the methods without anything but letters."""

_NUMBERS = (*PLACE, "depth_top", "depth_bottom", "moisture")
_TIMES = (("start", "end"), ("period",), ("date",))
"""Columns that say when, those that say it best first."""

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ].*)?)?)?|(\d{4})(\d\d)(\d\d)")
_DEEPEST = 20.0  # m; no pit and no active layer is deeper, so such numbers are centimetres
_LEAST_OVERLAP = 1e-6  # m: bounds of layers agree but for rounding


def read_moisture_samples(path: Path, *, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    r"""Read volumetric moisture of the layers of soil pits and radar soundings.

    Parameters
    ----------
    path : Path
        CSV with a header, one row a layer. When it was measured is said by ``start`` and ``end``, or by ``period``
        (two dates with a slash between, or one), or by ``date``; of several the first counts. A date may be a day, a
        month or a year (2012-09-15, 20120915, 2012-09, 2012), which is then all of it.
    columns : mapping, optional
        Name of a column here to its name in the file, where they differ.

    Returns
    -------
    pandas.DataFrame
        ``sample`` (str, a pit or a sounding), ``longitude``, ``latitude`` (degree, WGS84), ``start``, ``end``
        (datetime64, first and last day), ``depth_top``, ``depth_bottom`` (m below the surface), ``moisture``
        (m3 m-3), ``method`` (one of `METHODS`); by sample, date and depth. Layers whose moisture is empty are left
        out, and ``attrs["missing_layers"]`` counts them.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, or holds what is no number, date or known method; if moisture looks
        like percent or depth like centimetres, or cannot be; if a layer has no thickness or is there twice, layers of
        a sample overlap, or a sample has two places or methods.

    Examples
    --------
    >>> import tempfile
    >>> head = "sample,longitude,latitude,date,depth_top,depth_bottom,moisture,method\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "pits.csv")
    ...     _ = path.write_text(head + "P1,93.1,34.8,2012-09,0,0.2,0.31,Ring_knife\n")
    ...     table = read_moisture_samples(path)
    >>> table.method[0], str(table.end[0].date())
    ('ring knife', '2012-09-30')
    """
    times = tuple(name for names in _TIMES for name in names)
    table = read_columns(path, needed=("sample", *_NUMBERS, "method"), optional=times, columns=columns or {})
    _require_new_rows(table, path)
    table["sample"] = labels(table["sample"], path)
    table["method"] = _methods(labels(table["method"], path), path)
    for name in _NUMBERS:
        table[name] = numbers(table[name], path)
    table["start"], table["end"] = _spans(table, path)
    require_places(table, path)
    _require_depths(table, path)
    _require_moisture(table, path)
    require_one_place(table, path, by="sample")
    _require_one_method(table, path)
    _require_separate_layers(table, path)
    known = table["moisture"].notna()
    if not known.any():
        raise InputError(f"{path}: moisture is empty in all {len(table)} rows. Fill in m3 m-3.")
    order = ["sample", "start", "end", "depth_top"]
    names = ["sample", *PLACE, "start", "end", "depth_top", "depth_bottom", "moisture", "method"]
    layers = table.loc[known, names].sort_values(order, ignore_index=True)
    layers.attrs["missing_layers"] = int((~known).sum())
    return layers


def _require_new_rows(table: pd.DataFrame, path: Path) -> None:
    again = table.duplicated()
    if again.any():
        position = first_row(again) - 2
        same = (table == table.iloc[position]) | (table.isna() & table.iloc[position].isna())
        raise InputError(
            f"{path}: row {position + 2} repeats row {first_row(same.all(axis=1))} (sample "
            f"{table['sample'].iloc[position]}); {int(again.sum())} rows are repeated. Keep one of each."
        )


def _methods(column: "pd.Series[str]", path: Path) -> "pd.Series[str]":
    plain = column.str.lower().str.replace("[^a-z]", "", regex=True)
    methods = plain.map(_ALIASES)
    wrong = methods.isna()
    if wrong.any():
        raise InputError(
            f"{path}: method is {column[wrong].iloc[0]!r} in row {first_row(wrong)}; it can be {', '.join(METHODS)} "
            "(or GPR)."
        )
    return methods


def _spans(table: pd.DataFrame, path: Path) -> tuple["pd.Series[pd.Timestamp]", "pd.Series[pd.Timestamp]"]:
    """First and last days of every row, from the columns that say it best."""
    names = next((names for names in _TIMES if all(name in table for name in names)), None)
    if names is None:
        raise InputError(
            f"{path}: does not say when. It needs the columns start and end, or period, or date. Say with columns "
            "what they are called."
        )
    texts = [labels(table[name], path) for name in (names[0], names[-1])]
    if names == ("period",):
        texts = [texts[0].str.split("/", n=1).str[side] for side in (0, -1)]
    start, end = (
        _days(text, table[name], path, last=last)
        for text, name, last in zip(texts, (names[0], names[-1]), (False, True), strict=True)
    )
    wrong = end < start
    if wrong.any():
        raise InputError(
            f"{path}: {' and '.join(names)} end on {end[wrong].iloc[0].date()}, before {start[wrong].iloc[0].date()}, "
            f"in row {first_row(wrong)}. Exchange the two dates."
        )
    return start, end


def _days(text: "pd.Series[str]", cells: "pd.Series[str]", path: Path, *, last: bool) -> "pd.Series[pd.Timestamp]":
    """First or last days of what the dates say."""
    found = {one: _day(one, last=last) for one in text.unique()}
    wrong = text.map({one: day is None for one, day in found.items()})
    if wrong.any():
        raise InputError(
            f"{path}: {cells.name} has {cells[wrong].iloc[0]!r} in row {first_row(wrong)}, which is no date. Write "
            "2012-09-15, 2012-09 or 2012; a period as 2012-09-01/2012-10-15."
        )
    return pd.to_datetime(text.map(found)).astype("datetime64[ns]")


def _day(text: str, *, last: bool) -> pd.Timestamp | None:
    """First or last day of a day, a month or a year; None if it is none."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    try:
        period = pd.Period("-".join(part for part in found.groups() if part))
    except ValueError:
        return None
    return (period.end_time if last else period.start_time).normalize()


def _require_depths(table: pd.DataFrame, path: Path) -> None:
    top, bottom = table["depth_top"], table["depth_bottom"]
    for column in (top, bottom):
        if column.isna().any():
            raise InputError(f"{path}: {column.name} is empty in row {first_row(column.isna())}. Fill in m.")
    deep, above, thin = bottom > _DEEPEST, top < 0.0, bottom <= top
    if deep.any():
        raise InputError(
            f"{path}: depth_bottom is {bottom[deep].iloc[0]:g} in row {first_row(deep)}, which looks like centimetres; "
            f"it must be in m, up to {_DEEPEST:g}. Divide depths by 100."
        )
    if above.any():
        raise InputError(
            f"{path}: depth_top is {top[above].iloc[0]:g} in row {first_row(above)}, but must be m below the surface, "
            "0 or more. Count depths downward."
        )
    if thin.any():
        raise InputError(
            f"{path}: depth_bottom is {bottom[thin].iloc[0]:g} m in row {first_row(thin)}, not below depth_top "
            f"({top[thin].iloc[0]:g} m). A layer needs a thickness; exchange the two if they are swapped."
        )


def _require_moisture(table: pd.DataFrame, path: Path) -> None:
    moisture = table["moisture"]
    percent = (moisture > 1.0) & (moisture <= 100.0)
    if percent.any():
        raise InputError(
            f"{path}: moisture is {moisture[percent].iloc[0]:g} in row {first_row(percent)}, which looks like percent; "
            "it must be in m3 m-3, 0 to 1. Divide moisture by 100."
        )
    wrong = moisture.notna() & ~moisture.between(0.0, 1.0)
    if wrong.any():
        raise InputError(
            f"{path}: moisture is {moisture[wrong].iloc[0]:g} in row {first_row(wrong)}, but must be in m3 m-3, "
            "0 to 1. Leave the cell empty where nothing was measured."
        )


def _require_one_method(table: pd.DataFrame, path: Path) -> None:
    methods = table.groupby("sample")["method"].nunique()
    if (methods > 1).any():
        raise InputError(
            f"{path}: method differs within the sample {methods.idxmax()}. Give each method a sample of its own."
        )


def _require_separate_layers(table: pd.DataFrame, path: Path) -> None:
    """Layers of one sample and date may touch, not overlap."""
    visit = ["sample", "start", "end"]
    layers = table.sort_values([*visit, "depth_top", "depth_bottom"], kind="stable")
    above = layers.groupby(visit)["depth_bottom"].shift()
    wrong = layers["depth_top"] < above - _LEAST_OVERLAP
    if wrong.any():
        at = int(np.argmax(wrong))
        layer = layers.iloc[at]
        raise InputError(
            f"{path}: in row {layers.index[at] + 2} the layer from {layer.depth_top:g} to {layer.depth_bottom:g} m of "
            f"the sample {layer['sample']} overlaps the one above, which ends at {above.iloc[at]:g} m. Correct the "
            "depths, or give a second profile a sample of its own."
        )
