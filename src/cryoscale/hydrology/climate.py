"""Climate of a basin by year: the season and the statistic of each variable that may explain a recession constant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale.errors import InputError

_MONTH = pd.Timedelta(28, "D")  # no month is shorter
_ROUNDING = 1e-9


class Season(StrEnum):
    """Part of a year that a variable is taken from."""

    YEAR = "year"
    THAW = "thaw"
    COLD = "cold"


class Statistic(StrEnum):
    """What is made of the days of a season."""

    MEAN = "mean"
    SUM = "sum"


@dataclass(frozen=True)
class Rule:
    """How a variable becomes one value a year.

    Attributes
    ----------
    season : Season
        Days that count.
    statistic : Statistic
        A sum turns a rate per day into an amount: mm d-1 into mm.
    """

    season: Season
    statistic: Statistic


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "air_temperature": Rule(Season.YEAR, Statistic.MEAN),
        "precipitation": Rule(Season.THAW, Statistic.SUM),
        "evapotranspiration": Rule(Season.THAW, Statistic.SUM),
        "net_radiation": Rule(Season.THAW, Statistic.MEAN),
        "snow_depth": Rule(Season.COLD, Statistic.MEAN),
        "snow_water_equivalent": Rule(Season.COLD, Statistic.MEAN),
        "soil_moisture": Rule(Season.THAW, Statistic.MEAN),
    }
)
"""Chang et al. (Long-term InSAR and streamflow recession analysis, Section 3.2); snow water like snow depth."""


def annual_climate(
    series: xr.Dataset,
    *,
    rules: Mapping[str, Rule] = RULES,
    thaw_months: Sequence[int] = (5, 6, 7, 8, 9, 10),
    cold_months: Sequence[int] = (11, 12, 1, 2, 3, 4),
    minimum_share: float = 0.9,
) -> pd.DataFrame:
    """Aggregate the climate of a basin to one value a year.

    A season that crosses the new year belongs to the year that it ends in: the snow of the winter before a summer
    is the snow that this summer's ground has been under. Months weigh by their days where the series is monthly. Days
    that are missing are taken for the mean of the others, also in sums, as long as there are enough.

    Parameters
    ----------
    series : xarray.Dataset
        Daily or monthly means with dim ``time``, such as of `read_basin_climate`: temperatures in degC,
        precipitation and evapotranspiration in mm d-1, radiation in W m-2, snow in m, soil moisture in m3 m-3. NaN
        and absent times are missing.
    rules : mapping
        Variable to rule; every variable of `series` needs one.
    thaw_months, cold_months : sequence of int
        Consecutive months of the seasons, in order.
    minimum_share : float
        Share of a season's days that must have a value, above 0 to 1; with fewer its value is NaN.

    Returns
    -------
    pandas.DataFrame
        By ``year``, one column a variable; sums in the unit times a day. Years without a single value are left out at
        both ends.

    Raises
    ------
    InputError
        If a variable has no rule or other dims than ``time``, times are neither daily nor monthly, or an option is
        out of range.

    Examples
    --------
    >>> time = pd.date_range("2001-01-01", "2002-12-31")
    >>> rain = xr.Dataset({"precipitation": ("time", np.full(730, 2.0))}, {"time": time})
    >>> annual_climate(rain)["precipitation"].tolist()
    [368.0, 368.0]
    """
    if not 0 < minimum_share <= 1:
        raise InputError(f"minimum_share: must lie above 0 and not above 1, not {minimum_share}. Give 0.9.")
    _check_variables(series, rules)
    months = {Season.YEAR: tuple(range(1, 13)), Season.THAW: tuple(thaw_months), Season.COLD: tuple(cold_months)}
    for season in (Season.THAW, Season.COLD):
        _check_months(months[season], season)
    time = series.indexes["time"]
    days = _days_of_steps(time)
    columns = {
        name: _by_year(
            pd.Series(np.asarray(series[name].values, np.float64), time),
            days,
            statistic=rules[str(name)].statistic,
            months=months[rules[str(name)].season],
            minimum_share=minimum_share,
        )
        for name in series.data_vars
    }
    return _trim(pd.DataFrame(columns).rename_axis("year").astype(float))


def _by_year(
    values: pd.Series, days: pd.Series, *, statistic: Statistic, months: tuple[int, ...], minimum_share: float
) -> pd.Series:
    counted = days.where(values.notna(), 0.0)
    labels = _season_years(values.index, months)
    present = counted.groupby(labels).sum()
    total = (values.fillna(0.0) * counted).groupby(labels).sum()
    whole = _days_of_seasons(present.index, months)
    mean = (total / present.where(present > 0.0)).where(present >= (minimum_share - _ROUNDING) * whole)
    return mean * whole if statistic is Statistic.SUM else mean


def _season_years(time: Any, months: tuple[int, ...]) -> pd.Series:
    """Year that each time's season belongs to; missing outside the season."""
    turn = months.index(1) if 1 in months else 0
    years = pd.Series(time.year + np.isin(time.month, months[:turn]), time, dtype="Int64")
    return years.where(time.month.isin(months))


def _days_of_seasons(years: Any, months: tuple[int, ...]) -> pd.Series:
    if len(years) == 0:
        return pd.Series(dtype=float, index=years)
    calendar = pd.date_range(f"{years.min() - 1}-01-01", f"{years.max()}-12-31")
    return _season_years(calendar, months).value_counts().reindex(years).astype(float)


def _days_of_steps(time: Any) -> pd.Series:
    """Days that each value stands for: of its month in a monthly series, one in a daily one."""
    if not isinstance(time, pd.DatetimeIndex) or time.empty:
        raise InputError(f"time: must hold dates (datetime64), not {len(time)} of {time.dtype}.")
    if not time.is_monotonic_increasing or time.has_duplicates or (time != time.normalize()).any():
        raise InputError("time: must hold days or months in order, each once. Make daily means of sub-daily steps.")
    steps = pd.Series(time).diff().dropna()
    if len(steps) and steps.min() >= _MONTH and (time.day == 1).all():
        return pd.Series(time.days_in_month.to_numpy(float), time)
    if len(steps) and steps.median() > pd.Timedelta(1, "D"):
        raise InputError(f"time: steps are of {steps.median().days} d; they must be of a day or a calendar month.")
    return pd.Series(1.0, time)


def _check_variables(series: xr.Dataset, rules: Mapping[str, Rule]) -> None:
    if "time" not in series.indexes:
        raise InputError(f"series: has no time (dims {tuple(series.sizes)}). Give basin means over time.")
    for name, variable in series.data_vars.items():
        if name not in rules:
            raise InputError(f"{name}: has no rule; there are rules for {', '.join(rules)}. Add one or drop {name}.")
        if variable.dims != ("time",):
            raise InputError(f"{name}: has dims {variable.dims}, not ('time',). Take the mean over the basin first.")


def _check_months(months: tuple[int, ...], season: Season) -> None:
    in_range = bool(months) and all(1 <= month <= 12 for month in months) and len(set(months)) == len(months)
    if not in_range or any(b != a % 12 + 1 for a, b in pairwise(months)):
        raise InputError(f"{season}_months: must be consecutive months such as 11, 12, 1, not {months}.")


def _trim(table: pd.DataFrame) -> pd.DataFrame:
    """Without the empty years at both ends; the index is of plain integers, every year of it."""
    filled = table.index[table.notna().any(axis=1)]
    years = pd.RangeIndex(filled.min(), filled.max() + 1, name="year") if len(filled) else pd.RangeIndex(0, name="year")
    return table.set_axis(table.index.astype("int64")).reindex(years)
