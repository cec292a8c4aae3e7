"""Daily series on whole calendar years, so that what is missing has a place of its own."""

import numpy as np
import pandas as pd

from cryoscale.errors import InputError


def whole_years(series: "pd.Series[float]", name: str) -> "pd.Series[float]":
    """A daily series from 1 January of its first year to 31 December of its last, NaN where it has no value.

    Parameters
    ----------
    series : pandas.Series
        By day, in order of time. Days may be left out.
    name : str
        What it is, for messages.

    Returns
    -------
    pandas.Series
        Every day of the calendar, float64. Nothing is interpolated.

    Raises
    ------
    InputError
        If the series is empty, has no dates, steps of less than a day, repeated days or days out of order, or holds
        what is negative or infinite.

    Examples
    --------
    >>> days = whole_years(pd.Series([2.0, 1.0], pd.to_datetime(["2004-02-28", "2004-03-01"])), "discharge")
    >>> len(days), days["2004-02-28":"2004-03-01"].tolist()
    (366, [2.0, nan, 1.0])
    """
    dates = series.index
    if not isinstance(dates, pd.DatetimeIndex):
        raise InputError(
            f"{name}: is indexed by {dates.dtype}, but needs dates. Use .set_index on the column of dates."
        )
    if series.empty or dates.hasnans:
        raise InputError(f"{name}: {'has no values' if series.empty else 'has a row without a date'}.")
    _require_days(dates, name)
    values = series.to_numpy(np.float64)
    wrong = np.isinf(values) | (values < 0)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InputError(
            f"{name}: is {values[at]:g} on {dates[at].date()}, but must be finite and not negative. Make it NaN if it "
            "stands for missing data."
        )
    first, last = f"{dates[0].year}-01-01", f"{dates[-1].year}-12-31"
    return pd.Series(values, dates, name=name).reindex(pd.date_range(first, last, unit="ns"))


def _require_days(dates: pd.DatetimeIndex, name: str) -> None:
    if dates.tz is not None or (dates != dates.normalize()).any():
        at = dates[0] if dates.tz is not None else dates[int(np.argmax(dates != dates.normalize()))]
        raise InputError(
            f"{name}: has the time {at}, but needs one value a day, by date. Take daily means first "
            "(.tz_localize(None).resample('D').mean() with all hours of a day)."
        )
    steps = np.diff(dates.to_numpy().astype("datetime64[D]").astype(np.int64))
    if (steps <= 0).any():
        wrong = int(np.argmax(steps <= 0))
        raise InputError(
            f"{name}: {dates[wrong + 1].date()} follows {dates[wrong].date()}, but each day must come once and in "
            "order of time. Use .sort_index(), and keep one value a day."
        )
