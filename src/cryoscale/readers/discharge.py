"""Daily discharge of gauges from CSV tables, with a report of what is odd in it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from cryoscale.errors import InputError

MISSING = (-9999, -999, -99, "", "NA", "NaN", "nan", "NULL", "M", "Ice", "Eqp", "Dis", "---")
"""Numbers and words that stand for a missing value by default."""

_FACTORS: Mapping[str, float] = MappingProxyType(
    {
        "m3 s-1": 1.0,
        "m3/s": 1.0,
        "cms": 1.0,
        "l s-1": 1e-3,
        "l/s": 1e-3,
        "ft3 s-1": 0.028316846592,
        "ft3/s": 0.028316846592,
        "cfs": 0.028316846592,
        "m3 d-1": 1 / 86400,
        "m3/d": 1 / 86400,
    }
)
_DEPTHS: Mapping[str, float] = MappingProxyType(  # of water over one km2, a day
    {"mm d-1": 1e3 / 86400, "mm/d": 1e3 / 86400, "cm d-1": 1e4 / 86400, "cm/d": 1e4 / 86400}
)
_JUMP = 15.0  # times: rivers differ less between decades, units more (cubic feet: 35, litres: 1000, days: 86400)
_OPTIONAL = ("gauge", "unit", "rain")


@dataclass(frozen=True)
class DischargeRecord:
    """Daily discharge of one or many gauges.

    Attributes
    ----------
    table : pandas.DataFrame
        ``gauge`` (str), ``time`` (datetime64), ``discharge`` (m3 s-1; NaN is missing), and ``rain`` (mm d-1) where it
        was asked for; by gauge and time. Days that the file leaves out are not there.
    report : pandas.DataFrame
        By ``gauge``: ``first`` and ``last`` day, ``n_days`` with discharge, ``absent_days`` of the calendar that the
        file leaves out, ``leap_days_absent`` (29 February among them), ``missing_days`` that it has without a value,
        ``longest_gap`` (days in a row without discharge), ``missing_years`` (whole calendar years without, text),
        ``repeated_days`` (again with the same value: one is kept), ``conflicting_days`` (with different values: made
        missing), ``out_of_order`` (rows before the row above: sorted), ``negative_days`` (made missing), ``zero_days``
        (kept), ``units`` (as the file gives them, with their rows, text), ``unit_jump`` (first year from which the
        median flow differs by a factor above 15 from the years before, and the factor, text; "" where none).
    """

    table: pd.DataFrame
    report: pd.DataFrame

    def series(self, gauge: str | None = None) -> "pd.Series[float]":
        """Discharge of one gauge by date.

        Parameters
        ----------
        gauge : str, optional
            Its name; may be left out where there is only one.

        Returns
        -------
        pandas.Series
            m3 s-1.

        Raises
        ------
        InputError
            If there is no such gauge, or several and none is named.
        """
        names = list(self.report.index)
        if gauge is None and len(names) == 1:
            gauge = names[0]
        if gauge not in names:
            raise InputError(f"gauge: {gauge!r} is not among the {len(names)} gauges ({', '.join(names[:5])}, ...).")
        rows = self.table[self.table["gauge"] == gauge]
        return pd.Series(rows["discharge"].to_numpy(), pd.DatetimeIndex(rows["time"]), name="discharge")


def read_discharge(
    path: Path,
    *,
    unit: str | None = None,
    columns: Mapping[str, str] | None = None,
    missing: Iterable[float | str] = MISSING,
    area: float | None = None,
) -> DischargeRecord:
    r"""Read daily discharge from a CSV table; nothing is interpolated.

    Parameters
    ----------
    path : Path
        CSV with a header, one row a day (and gauge).
    unit : str, optional
        Of discharge: m3 s-1, l s-1, ft3 s-1, m3 d-1, or, with `area`, mm d-1 or cm d-1. Must be given unless a column
        says it row by row.
    columns : mapping, optional
        Names in the file of ``time`` (default ``date``), ``discharge`` (default ``discharge``) and, where the file has
        them, ``gauge``, ``unit`` (of each row) and ``rain`` (mm d-1).
    missing : iterable of float or str
        Numbers and words that stand for a missing value, of discharge and of rain.
    area : float, optional
        Of the basin, km2, for depths.

    Returns
    -------
    DischargeRecord
        In m3 s-1, with a report.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing, a value is no number or date, a unit is unknown or not given,
        or there are times within the day.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "q.csv")
    ...     _ = path.write_text("date,Q\n2004-02-28,3.5\n2004-03-01,-9999\n2004-03-02,-1\n")
    ...     record = read_discharge(path, unit="m3 s-1", columns={"discharge": "Q"})
    >>> record.series().tolist()
    [3.5, nan, nan]
    >>> record.report.loc["1", ["absent_days", "leap_days_absent", "missing_days", "negative_days"]].tolist()
    [1, 1, 1, 1]
    """
    raw = _read(path, dict(columns or {}))
    codes = list(missing)
    table = pd.DataFrame(
        {
            "gauge": raw["gauge"].str.strip() if "gauge" in raw else "1",
            "time": _days(raw["time"], path),
            "discharge": _numbers(raw["discharge"], codes, path),
        }
    )
    units = raw["unit"].str.strip() if "unit" in raw else pd.Series(unit, raw.index, dtype=object)
    table["discharge"] *= _to_m3_s(units, path, area=area)
    if "rain" in raw:
        table["rain"] = _numbers(raw["rain"], codes, path)
    table["unit"] = units
    parts = [_tidy(rows, str(gauge)) for gauge, rows in table.groupby("gauge", sort=True)]
    report = pd.DataFrame([facts for _, facts in parts]).set_index("gauge")
    return DischargeRecord(pd.concat([rows for rows, _ in parts], ignore_index=True), report)


def _read(path: Path, columns: dict[str, str]) -> pd.DataFrame:
    """The columns that count, as text, under the names that they have here."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a CSV table ({error}).") from None
    unknown = sorted(set(columns) - {"time", "discharge", *_OPTIONAL})
    if unknown:
        raise InputError(
            f"columns: {', '.join(unknown)} is unknown; there are time, discharge, {', '.join(_OPTIONAL)}."
        )
    names = {"time": "date", "discharge": "discharge"} | columns
    lacking = [name for name in names.values() if name not in table]
    if lacking:
        raise InputError(
            f"{path}: has the columns {', '.join(table.columns)}; it needs {', '.join(lacking)}. "
            "Say with columns what they are called."
        )
    if table.empty:
        raise InputError(f"{path}: has no rows.")
    return pd.DataFrame({name: table[theirs] for name, theirs in names.items()})


def _days(column: "pd.Series[str]", path: Path) -> "pd.Series[pd.Timestamp]":
    dates = pd.to_datetime(column, errors="coerce", format="ISO8601")
    if dates.isna().any():
        at = int(np.argmax(dates.isna()))
        raise InputError(f"{path}: row {at + 2} has {column.iloc[at]!r}, which is no date. Write 2005-01-31.")
    within = dates != dates.dt.normalize()
    if within.any():
        at = int(np.argmax(within))
        raise InputError(
            f"{path}: row {at + 2} has the time {column.iloc[at]!r}, but there must be one value a day. Take daily "
            "means of whole days first."
        )
    return dates


def _numbers(column: "pd.Series[str]", codes: list[float | str], path: Path) -> "pd.Series[float]":
    text = column.str.strip()
    words = [code for code in codes if isinstance(code, str)]
    numbers = pd.to_numeric(text.mask(text.isin(words)), errors="coerce").astype(np.float64)
    wrong = (numbers.isna() & ~text.isin(words)) | np.isinf(numbers)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InputError(
            f"{path}: {column.name} has {text.iloc[at]!r} in row {at + 2}, which is no number. Name it in missing if "
            "it stands for a missing value."
        )
    return numbers.mask(numbers.isin([code for code in codes if not isinstance(code, str)]))


def _to_m3_s(units: "pd.Series[str]", path: Path, *, area: float | None) -> "pd.Series[float]":
    """Factor of each row."""
    if units.isna().any():
        raise InputError(f"{path}: does not say the unit of discharge. Give unit, one of {', '.join(_FACTORS)}.")
    known = dict(_FACTORS)
    if area is not None:
        if not 0 < area < np.inf:
            raise InputError(f"area: must be positive (km2), not {area}.")
        known |= {name: factor * area for name, factor in _DEPTHS.items()}
    unknown = [name for name in units.unique() if name not in known]
    if unknown:
        hint = " A depth needs the area of the basin (km2)." if unknown[0] in _DEPTHS else ""
        raise InputError(f"{path}: the unit {unknown[0]!r} is unknown; there are {', '.join(known)}.{hint}")
    return units.map(known).astype(np.float64)


def _tidy(rows: pd.DataFrame, gauge: str) -> tuple[pd.DataFrame, dict[str, object]]:
    """One gauge in order of time, each day once, and what was odd."""
    out_of_order = int((rows["time"].diff() < pd.Timedelta(0)).sum())
    units = rows["unit"].value_counts(sort=False)
    rows = rows.drop(columns="unit").sort_values("time", kind="stable")
    # A missing value beside a number of the same day contradicts nothing.
    days = rows.groupby("time")["discharge"]
    conflict = days.transform("max") > days.transform("min")
    again = rows.duplicated("time")
    conflicting = int(rows.loc[conflict, "time"].nunique())
    repeated = int((again & ~conflict).sum())
    rows = rows.assign(discharge=days.transform("first").mask(conflict))[~again]
    negative = rows["discharge"] < 0
    missing = int((rows["discharge"].isna() & ~conflict[~again]).sum())
    rows = rows.assign(discharge=rows["discharge"].mask(negative))
    facts = {
        "gauge": gauge,
        **_calendar(rows.set_index("time")["discharge"]),
        "missing_days": missing,
        "repeated_days": repeated,
        "conflicting_days": conflicting,
        "out_of_order": out_of_order,
        "negative_days": int(negative.sum()),
        "zero_days": int((rows["discharge"] == 0).sum()),
        "units": ", ".join(f"{name}: {count}" for name, count in units.items()),
        "unit_jump": _unit_jump(rows.set_index("time")["discharge"]),
    }
    return rows, facts


def _calendar(flow: "pd.Series[float]") -> dict[str, object]:
    """What the calendar has and the series does not."""
    dates = pd.DatetimeIndex(flow.index)
    calendar = pd.date_range(dates[0], dates[-1])
    absent = calendar.difference(dates)
    known = flow.reindex(calendar).notna()
    gaps = (~known).groupby(known.cumsum()).sum()
    by_year = known.groupby(calendar.year).any()
    return {
        "first": dates[0],
        "last": dates[-1],
        "n_days": int(known.sum()),
        "absent_days": len(absent),
        "leap_days_absent": int(((absent.month == 2) & (absent.day == 29)).sum()),
        "longest_gap": int(gaps.max()),
        "missing_years": ", ".join(str(year) for year in by_year.index[~by_year]),
    }


def _unit_jump(flow: "pd.Series[float]") -> str:
    """Year and factor of a jump of the flow that is too large for a river."""
    flowing = flow[flow > 0]
    medians = flowing.groupby(pd.DatetimeIndex(flowing.index).year).median().apply(np.log)
    jumps = {
        int(year): float(medians.loc[year:].median() - medians.loc[: year - 1].median()) for year in medians.index[1:]
    }
    if not jumps:
        return ""
    year = max(jumps, key=lambda one: abs(jumps[one]))
    return f"{year}: x{np.exp(jumps[year]):.3g}" if abs(jumps[year]) > np.log(_JUMP) else ""
