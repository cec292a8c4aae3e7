"""Recession events of a river: runs of days on which discharge declines."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cryoscale.errors import InputError
from cryoscale.hydrology._recession import runs
from cryoscale.hydrology.daily import whole_years
from cryoscale.hydrology.rates import TimeStep, rates

Values = np.ndarray[Any, Any]


@dataclass(frozen=True)
class EventRules:
    """What is a recession event, and which of its pairs count.

    A decline is a difference of two consecutive days, Q_i - Q_i+1 > 0: seven declines take eight days. (Read as seven
    days, that is six declines, the rule of Chang et al. would be `minimum_declines` = 6.)

    Attributes
    ----------
    minimum_declines : int
        Consecutive declines that an event needs, at least 1, before days are dropped.
    season : tuple of int
        First and last month, within one calendar year; all days of an event lie within it.
    days_dropped : int
        Days after the peak that are left out, fewer than `minimum_declines`. The peak is where the decline began, be
        it before the season.
    minimum_decline : float
        A day with a smaller or the same decline ends an event, m3 s-1.
    maximum_rain : float or None
        A decline counts only if neither of its days has more rain, or rain that is not known, mm d-1. None where no
        rain is given.
    time_step : TimeStep
        Scheme of the rates.
    precision : float
        Smallest change of discharge that the gauge resolves, m3 s-1: a pair whose discharge changes less over its step
        is left out, but does not end its event.

    Raises
    ------
    InputError
        If a rule cannot be followed.
    """

    minimum_declines: int = 7
    season: tuple[int, int] = (8, 10)
    days_dropped: int = 0
    minimum_decline: float = 0.0
    maximum_rain: float | None = None
    time_step: TimeStep = TimeStep.PAIR
    precision: float = 0.0

    def __post_init__(self) -> None:
        first, last = self.season
        if not 1 <= first <= last <= 12:
            raise InputError(
                f"season: {self.season} is no span of months of one calendar year. Give (8, 10) for August."
            )
        if self.minimum_declines < 1:
            raise InputError(f"minimum_declines: must be at least 1, not {self.minimum_declines}.")
        if not 0 <= self.days_dropped < self.minimum_declines:
            raise InputError(
                f"days_dropped: {self.days_dropped} must be 0 or more, and less than the {self.minimum_declines} "
                "declines of the shortest event."
            )
        limits = {"minimum_decline": "m3 s-1", "precision": "m3 s-1", "maximum_rain": "mm d-1"}
        for name, unit in limits.items():
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                raise InputError(f"{name}: must not be negative or infinite ({unit}), not {value}.")


@dataclass(frozen=True)
class Recessions:
    """Recession events of one river.

    Attributes
    ----------
    events : pandas.DataFrame
        One row an event, by ``event`` (from 0): ``year``, ``start`` and ``end`` (first and last day used),
        ``n_declines`` (of the whole run), ``n_pairs`` (that count), ``discharge_start`` and ``discharge_end``, m3 s-1.
    pairs : pandas.DataFrame
        One row a pair: ``event``, ``year``, ``time`` (first day of its step), ``step`` (d), ``discharge`` (m3 s-1),
        ``rate`` (-dQ/dt, m3 s-1 d-1).
    coverage : pandas.DataFrame
        By ``year``, of the season: ``n_days`` of the calendar, ``missing_days`` without discharge, ``dry_days`` with
        none flowing, ``n_declines`` of single days, ``unused_pairs`` of events that were below the precision or at no
        flow.
    rules : EventRules
        What was asked for.
    """

    events: pd.DataFrame
    pairs: pd.DataFrame
    coverage: pd.DataFrame
    rules: EventRules = field(repr=False)


def recession_events(
    discharge: "pd.Series[float]", *, rain: "pd.Series[float] | None" = None, rules: EventRules | None = None
) -> Recessions:
    """Find the recession events of a river.

    An event is a run of consecutive days within the season on each of which discharge is less than on the day before
    (Chang et al., Section 3.2). A missing day ends it, a day that the calendar has and the series leaves out likewise
    (29 February): nothing is interpolated.

    Parameters
    ----------
    discharge : pandas.Series
        Daily mean discharge by date, m3 s-1, in order of time; NaN is missing.
    rain : pandas.Series, optional
        Daily rain by date, mm d-1. Given if and only if the rules have a `maximum_rain`.
    rules : EventRules, optional
        The default: seven declines, August to October.

    Returns
    -------
    Recessions
        Events, pairs and what the season's data cover. Without any decline the tables are empty.

    Raises
    ------
    InputError
        If a series is not daily and in order, holds negative values, or only one of rain and its limit is given.

    Examples
    --------
    >>> days = pd.date_range("2001-08-01", periods=12)
    >>> discharge = pd.Series([5.0, 9.0, *10 * 0.8 ** np.arange(1, 9), 3.0, 4.0], days)
    >>> found = recession_events(discharge)
    >>> found.events[["start", "end", "n_declines"]].astype(str).to_numpy().tolist()
    [['2001-08-02', '2001-08-10', '8']]
    """
    rules = rules or EventRules()
    days = whole_years(discharge, "discharge")
    dates, flow = pd.DatetimeIndex(days.index), days.to_numpy()
    with np.errstate(invalid="ignore"):
        declining = (flow[:-1] - flow[1:] > rules.minimum_decline) & _dry(dates, rain, rules)
    season = (dates.month >= rules.season[0]) & (dates.month <= rules.season[1])
    within = season[:-1] & season[1:] & (dates.year[:-1] == dates.year[1:])
    first, last = runs(declining & within, rules.minimum_declines)
    peaks, _ = runs(declining, 1)
    peak = peaks[np.searchsorted(peaks, first, side="right") - 1] if first.size else first
    start = np.maximum(first, peak + rules.days_dropped)
    pairs, unused = _pairs(dates, flow, start, last, rules=rules)
    events = pd.DataFrame(
        {
            "year": dates.year[start].astype(np.int64),
            "start": dates[start],
            "end": dates[last],
            "n_declines": last - first,
            "n_pairs": np.bincount(pairs["event"], minlength=start.size),
            "discharge_start": flow[start],
            "discharge_end": flow[last],
        },
        index=pd.RangeIndex(start.size, name="event"),
    )
    coverage = _coverage(days[season], dates[:-1][declining & within], unused)
    return Recessions(events, pairs, coverage, rules)


def _dry(dates: pd.DatetimeIndex, rain: "pd.Series[float] | None", rules: EventRules) -> Values:
    """Of each pair of days, whether rain allows a recession."""
    if (rain is None) != (rules.maximum_rain is None):
        given, lacking = ("rules.maximum_rain", "rain") if rain is None else ("rain", "rules.maximum_rain")
        raise InputError(f"{lacking}: is not given, but {given} is. Give both (mm d-1), or none.")
    if rain is None or rules.maximum_rain is None:
        return np.ones(dates.size - 1, bool)
    low = (whole_years(rain, "rain").reindex(dates) <= rules.maximum_rain).to_numpy()
    return np.asarray(low[:-1] & low[1:])


def _pairs(
    dates: pd.DatetimeIndex, flow: Values, start: Values, last: Values, *, rules: EventRules
) -> tuple[pd.DataFrame, Values]:
    """The pairs that count, and the year of each one that does not."""
    found = [rates(flow[i : j + 1], rules.time_step) for i, j in zip(start, last, strict=True)]
    event = np.repeat(np.arange(start.size), [one.rate.size for one in found]).astype(np.int64)
    names = ("day", "step", "discharge", "rate")
    day, step, discharge, rate = (
        np.concatenate([np.empty(0), *(getattr(one, name) for one in found)]) for name in names
    )
    counts = (rate > 0) & (discharge > 0) & (rate * step >= rules.precision)
    time = dates[start[event] + day.astype(np.int64)]
    table = pd.DataFrame(
        {"event": event, "year": time.year, "time": time, "step": step, "discharge": discharge, "rate": rate}
    )
    return table[counts].reset_index(drop=True), time.year[~counts].to_numpy()


def _coverage(season: "pd.Series[float]", declines: pd.DatetimeIndex, unused: Values) -> pd.DataFrame:
    year = pd.DatetimeIndex(season.index).year
    groups = season.groupby(year)
    table = pd.DataFrame(
        {
            "n_days": groups.size(),
            "missing_days": season.isna().groupby(year).sum(),
            "dry_days": (season == 0).groupby(year).sum(),
        }
    )
    for name, years in (("n_declines", declines.year), ("unused_pairs", unused)):
        table[name] = pd.Series(years).value_counts().reindex(table.index, fill_value=0)
    return table.astype(np.int64).rename_axis("year")
