"""From the steps of ERA5-Land to days: means of the state, totals of what is accumulated since midnight."""

import pandas as pd

from cryoscale.errors import InputError

ACCUMULATED = ("precipitation", "evapotranspiration", "net_solar", "net_thermal")
GROWING = ("precipitation", "net_solar")
"""Accumulated and never negative, so that they cannot fall within a day."""

_DAY = pd.Timedelta(1, "D")
_FALL = 0.01  # of a day's largest value: more is no rounding
_FALLING_DAYS = 0.1  # share of days that may fall


def to_days(steps: pd.DataFrame) -> pd.DataFrame:
    """Make days of the steps of ERA5-Land.

    Parameters
    ----------
    steps : pandas.DataFrame
        By time in order, UTC: sub-daily (1 to 12 h), daily or monthly.

    Returns
    -------
    pandas.DataFrame
        By day, or by month if the steps are months. A day of sub-daily steps that lacks one of them, or for what is
        accumulated the value at the next midnight, is missing.

    Raises
    ------
    InputError
        If the steps are of another length, or what should be accumulated since midnight falls within the day.

    Examples
    --------
    >>> time = pd.date_range("2001-07-01", "2001-07-02", freq="6h", name="time")
    >>> rain = [9.0, 1.0, 1.0, 3.0, 4.0]  # mm since midnight; the first is of the day before
    >>> days = to_days(pd.DataFrame({"precipitation": rain, "air_temperature": [5.0, 6.0, 9.0, 8.0, 4.0]}, time))
    >>> float(days.loc["2001-07-01", "precipitation"]), float(days.loc["2001-07-01", "air_temperature"])
    (4.0, 7.0)
    """
    if len(steps) < 2:
        raise InputError(f"time: {len(steps)} time, so that steps have no length. Give two or more times.")
    length = pd.Timedelta(steps.index.to_series().diff().median())
    if length >= _DAY:
        return _whole_days(steps, length)
    per_day = round(_DAY / length)
    if per_day * length != _DAY:
        raise InputError(f"time: steps of {length} do not divide a day. Give hourly, daily or monthly files.")
    accumulated = [name for name in ACCUMULATED if name in steps]
    for name in GROWING:
        if name in steps:
            _check_growing(steps[name], str(name))
    means = _daily_means(steps.drop(columns=accumulated), per_day)
    return pd.concat([_totals(steps[accumulated]), means], axis=1, sort=True)[list(steps)].rename_axis("time")


def _days(steps: pd.DataFrame) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(steps.index).floor("D").rename("time")


def _whole_days(steps: pd.DataFrame, length: pd.Timedelta) -> pd.DataFrame:
    days = _days(steps)
    monthly = 28 * _DAY <= length <= 31 * _DAY and (days.day == 1).all()
    if (length == _DAY or monthly) and not days.has_duplicates:
        return steps.set_axis(days)
    raise InputError(f"time: steps of {length} are neither hours, days nor calendar months, each once.")


def _totals(steps: pd.DataFrame) -> pd.DataFrame:
    midnights = steps[steps.index == _days(steps)]
    return midnights.set_axis(_days(midnights) - _DAY)


def _daily_means(steps: pd.DataFrame, per_day: int) -> pd.DataFrame:
    days = steps.groupby(_days(steps))
    return days.mean().where(days.count() == per_day)


def _check_growing(values: pd.Series, name: str) -> None:
    """Refuse totals of single hours: within a day they fall, what is accumulated does not."""
    days = values.groupby((pd.DatetimeIndex(values.index) - pd.Timedelta(1, "us")).floor("D"))
    largest = days.max()
    falls = (largest - days.last() > _FALL * largest) & (largest > _FALL * largest.max())
    if falls.mean() > _FALLING_DAYS:
        raise InputError(
            f"{name}: falls within {falls.mean():.0%} of the days, so it is not accumulated since 00 UTC as in "
            "ERA5-Land, but perhaps of single hours as in ERA5. Add the hours up to days first."
        )
