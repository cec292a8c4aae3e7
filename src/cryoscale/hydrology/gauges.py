"""Recession constants of many gauges at once, in parallel over Dask."""

from collections.abc import Iterator, Sequence

import dask
import pandas as pd

from cryoscale.errors import InputError
from cryoscale.hydrology.events import EventRules
from cryoscale.hydrology.fits import FitRules
from cryoscale.hydrology.recession import recession_constant, refused

Gauge = tuple[str, pd.DataFrame]


def recessions_of_gauges(
    table: pd.DataFrame,
    window: int | None = 5,
    *,
    rules: EventRules | None = None,
    fit: FitRules | None = None,
    gauges_per_task: int = 16,
) -> pd.DataFrame:
    """Recession constants of every gauge of a table.

    Gauges are shared out in tasks, which run on the scheduler that Dask is set to: threads by default, a cluster where
    a client is connected. The result does not depend on it, nor on `gauges_per_task`.

    Parameters
    ----------
    table : pandas.DataFrame
        ``gauge``, ``time`` (dates), ``discharge`` (m3 s-1), and ``rain`` (mm d-1) where the rules limit it; the rows of
        a gauge in order of time.
    window : int or None
        Years, odd; None for one fit to the whole record.
    rules : EventRules, optional
        What is an event.
    fit : FitRules, optional
        How the line is fitted.
    gauges_per_task : int
        Gauges that one task takes, at least 1.

    Returns
    -------
    pandas.DataFrame
        By ``gauge`` (in order of name) and ``year``, the columns of `recession_constant`. A gauge whose series cannot
        be used has one row, of its middle year, with NaN and the error as its ``reason``.

    Raises
    ------
    InputError
        If a column is missing, the table has no rows, a row has no gauge or date, or the window is even.

    Examples
    --------
    >>> import numpy as np
    >>> days = pd.date_range("2001-01-01", "2003-12-31")
    >>> flow = 50 * np.exp(-0.1 * (np.arange(days.size) % 15))
    >>> one = pd.DataFrame({"gauge": "A", "time": days, "discharge": flow})
    >>> found = recessions_of_gauges(pd.concat([one, one.assign(gauge="B", discharge=-1.0)]), 3)
    >>> found.recession_constant.round(2).tolist(), found.reason.str[:20].tolist()
    ([10.01, nan], ['', 'discharge: is -1 on '])
    """
    _require_table(table, window, rules, gauges_per_task)
    columns = ["time", "discharge", *(["rain"] if rules and rules.maximum_rain is not None else [])]
    groups: list[Gauge] = [(str(gauge), rows[columns]) for gauge, rows in table.groupby("gauge", sort=True)]
    tasks = [
        dask.delayed(_constants, pure=False)(batch, window, rules, fit) for batch in _batches(groups, gauges_per_task)
    ]
    parts: list[pd.DataFrame] = [part for batch in dask.compute(*tasks) for part in batch]
    return pd.concat(parts)


def _require_table(table: pd.DataFrame, window: int | None, rules: EventRules | None, gauges_per_task: int) -> None:
    needed = ["gauge", "time", "discharge"]
    if rules is not None and rules.maximum_rain is not None:
        needed.append("rain")
    missing = [name for name in needed if name not in table]
    if missing:
        raise InputError(f"table: has the columns {', '.join(map(str, table))}; it needs {', '.join(missing)}.")
    if table.empty or table[["gauge", "time"]].isna().any(axis=None):
        raise InputError(f"table: {'has no rows' if table.empty else 'has rows without a gauge or a date'}.")
    if not pd.api.types.is_datetime64_any_dtype(table["time"]):
        raise InputError(f"table: time is {table['time'].dtype}, but needs dates. Use pandas.to_datetime.")
    if window is not None and (window < 1 or window % 2 == 0):
        raise InputError(f"window: {window} years have no year at their centre. Give 1, 3 or 5.")
    if gauges_per_task < 1:
        raise InputError(f"gauges_per_task: must be at least 1, not {gauges_per_task}.")


def _batches(groups: Sequence[Gauge], size: int) -> Iterator[Sequence[Gauge]]:
    return (groups[start : start + size] for start in range(0, len(groups), size))


def _constants(
    batch: Sequence[Gauge], window: int | None, rules: EventRules | None, fit: FitRules | None
) -> list[pd.DataFrame]:
    return [
        _of_gauge(rows, window, rules, fit).assign(gauge=gauge).set_index("gauge", append=True).swaplevel()
        for gauge, rows in batch
    ]


def _of_gauge(rows: pd.DataFrame, window: int | None, rules: EventRules | None, fit: FitRules | None) -> pd.DataFrame:
    series = rows.set_index("time")
    try:
        return recession_constant(series["discharge"], window, rain=series.get("rain"), rules=rules, fit=fit)
    except InputError as error:  # one gauge's fault must not cost the others; its row says what it is
        return refused(int(rows["time"].iloc[len(rows) // 2].year), str(error))
