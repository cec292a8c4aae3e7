"""The recession constant of a river, window of years by window of years."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from cryoscale.errors import InputError
from cryoscale.hydrology.events import EventRules, Recessions, recession_events
from cryoscale.hydrology.fits import FitRules, effective_events, interval, resampled_lines

Values = np.ndarray[Any, Any]

PARAMETERS = ("recession_coefficient", "recession_exponent", "recession_constant", "recession_time")
"""What a fit gives, each with bounds ``_lower`` and ``_upper``."""

_NOTHING = {f"{name}{end}": np.nan for name in PARAMETERS for end in ("", "_lower", "_upper")}

_OBSERVED = 0.5
"""Share of the days of a season that a year needs to count as observed."""


def recession_constant(
    discharge: "pd.Series[float]",
    window: int | None = 5,
    *,
    rain: "pd.Series[float] | None" = None,
    rules: EventRules | None = None,
    fit: FitRules | None = None,
) -> pd.DataFrame:
    r"""Recession constant of a river in a moving window of years.

    .. math:: -\frac{dQ}{dt} = a Q^b, \qquad K_s = 1 / a

    (Eq. 5 and 6 of Chang et al.; Brutsaert and Nieber 1977, Water Resour. Res. 13, 637): the pairs of all events of a
    window are pooled and fitted. The unit of a is (m3 s-1)^(1 - b) d-1. Only for b = 1 is it d-1 and Ks a time; else
    both change with the unit of discharge, and a and b go together: a window with a larger b has a smaller a, though
    the river may recede alike. So do not compare Ks of windows that differ in b. Either fix b (`FitRules.exponent`),
    or take the recession time, which has no such trouble,

    .. math:: \tau = \frac{1}{a Q_m^{b - 1}}

    the time in which discharge would run out at its rate at Q_m, in days whatever b is. Q_m is one discharge for all
    windows, so that tau changes only where the recession does.

    Parameters
    ----------
    discharge : pandas.Series
        Daily mean discharge by date, m3 s-1, in order of time; NaN is missing.
    window : int or None
        Years, odd (1, 3 or 5); None for one fit to the whole record.
    rain : pandas.Series, optional
        Daily rain by date, mm d-1, for `EventRules.maximum_rain`.
    rules : EventRules, optional
        What is an event.
    fit : FitRules, optional
        How the line is fitted.

    Returns
    -------
    pandas.DataFrame
        As `constants_of_events` gives it.

    Raises
    ------
    InputError
        If the window is not odd, or a series is not daily and in order or holds negative values.

    Examples
    --------
    >>> days = pd.date_range("2001-01-01", "2003-12-31")
    >>> discharge = pd.Series(50 * np.exp(-0.1 * (np.arange(days.size) % 15)), days)
    >>> table = recession_constant(discharge, 3)
    >>> table.loc[2002, ["n_events", "recession_exponent", "recession_constant"]].round(2).tolist()
    [19.0, 1.0, 10.01]
    """
    return constants_of_events(recession_events(discharge, rain=rain, rules=rules), window, fit=fit)


def constants_of_events(recessions: Recessions, window: int | None = 5, *, fit: FitRules | None = None) -> pd.DataFrame:
    """Recession constants from events that have been found.

    Parameters
    ----------
    recessions : Recessions
        Of one river.
    window : int or None
        Years, odd; None for one fit to the whole record.
    fit : FitRules, optional
        How the line is fitted.

    Returns
    -------
    pandas.DataFrame
        By ``year``, the window's centre; only windows that lie within the record. ``first_year``, ``last_year``,
        ``n_years`` (observed: at least half of the season's days), ``missing_days`` of the season, ``n_events`` (with
        pairs), ``n_pairs``, ``reference_discharge`` (m3 s-1); ``recession_coefficient`` a, ``recession_exponent`` b,
        ``recession_constant`` Ks = 1 / a (d for b = 1), ``recession_time`` tau (d), each with ``_lower`` and ``_upper``
        (an exponent that was given has no interval: NaN); and ``reason``, why there is no estimate: then all of these
        are NaN. A window needs more than half of its years observed, and the events that `fit` says.

    Raises
    ------
    InputError
        If the window is not odd, or longer than the record.

    Examples
    --------
    >>> days = pd.date_range("2001-01-01", "2003-12-31")
    >>> quiet = recession_events(pd.Series(1.0, days))
    >>> constants_of_events(quiet, 3).loc[2002, "reason"]
    '0 events, 3 are needed (discharge declines on no day of the season)'
    """
    fit = fit or FitRules()
    pairs = recessions.pairs
    reference = fit.reference_discharge
    if reference is None:
        reference = float(pairs["discharge"].median()) if len(pairs) else np.nan
    rows = [
        _window(recessions, first, last, fit=fit, reference=reference)
        for first, last in _windows(recessions.coverage.index, window)
    ]
    return pd.DataFrame(rows).set_index("year")


def refused(year: int, reason: str) -> pd.DataFrame:
    """The table of a river whose record cannot be used.

    Parameters
    ----------
    year : int
        What stands for its window.
    reason : str
        Why.

    Returns
    -------
    pandas.DataFrame
        One row with the columns of `constants_of_events`, counts 0 and estimates NaN.

    Examples
    --------
    >>> refused(2001, "no dates").loc[2001, "reason"]
    'no dates'
    """
    counts = dict.fromkeys(("n_years", "missing_days", "n_events", "n_pairs"), 0)
    years = dict.fromkeys(("year", "first_year", "last_year"), year)
    row = {**years, **counts, "reference_discharge": np.nan, **_NOTHING, "reason": reason}
    return pd.DataFrame([row]).set_index("year")


def _windows(years: "pd.Index[int]", window: int | None) -> Iterator[tuple[int, int]]:
    first, last = int(years[0]), int(years[-1])
    if window is None:
        return iter([(first, last)])
    if window < 1 or window % 2 == 0:
        raise InputError(f"window: {window} years have no year at their centre. Give 1, 3 or 5.")
    if window > last - first + 1:
        raise InputError(f"window: {window} years are more than the record has ({first} to {last}). Give fewer.")
    return ((start, start + window - 1) for start in range(first, last - window + 2))


def _window(recessions: Recessions, first: int, last: int, *, fit: FitRules, reference: float) -> dict[str, object]:
    pairs = recessions.pairs
    pairs = pairs[pairs["year"].between(first, last)]
    coverage = recessions.coverage.loc[first:last]
    observed = int((coverage["missing_days"] <= (1 - _OBSERVED) * coverage["n_days"]).sum())
    facts: dict[str, object] = {
        "year": (first + last) // 2,
        "first_year": first,
        "last_year": last,
        "n_years": observed,
        "missing_days": int(coverage["missing_days"].sum()),
        "n_events": int(pairs["event"].nunique()),
        "n_pairs": len(pairs),
        "reference_discharge": reference,
    }
    reason = _refusal(coverage, observed=observed, n_events=pairs["event"].nunique(), fit=fit)
    estimates = _NOTHING
    if not reason:
        found = _estimates(pairs, fit=fit, reference=reference, first=first)
        reason = _doubt(found, fit)
        estimates = _NOTHING if reason else found
    return {**facts, **estimates, "reason": reason}


def _refusal(coverage: pd.DataFrame, *, observed: int, n_events: int, fit: FitRules) -> str:
    """Why no line is tried, or nothing."""
    if 2 * observed <= len(coverage):
        return f"{observed} of {len(coverage)} years have discharge on half of the days of the season"
    if n_events >= fit.minimum_events:
        return ""
    still = "" if coverage["n_declines"].any() else " (discharge declines on no day of the season)"
    return f"{n_events} events, {fit.minimum_events} are needed{still}"


def _doubt(found: dict[str, float], fit: FitRules) -> str:
    """Why a line cannot be stated, or nothing."""
    if not np.isfinite(found["recession_coefficient"]):
        return f"the {fit.method} fit finds no line: discharge hardly differs among the pairs, or they are too few"
    if not np.isfinite(found["recession_coefficient_lower"]):
        return f"the {fit.method} fit finds no line in too many of the resamples of events"
    return ""


def _estimates(pairs: pd.DataFrame, *, fit: FitRules, reference: float, first: int) -> dict[str, float]:
    flow, rate, event = (pairs[name].to_numpy() for name in ("discharge", "rate", "event"))
    log_a, b = resampled_lines(flow, rate, event, rules=fit, seed=first)
    with np.errstate(over="ignore"):
        values = (np.exp(log_a), b, np.exp(-log_a), np.exp(-log_a - (b - 1) * np.log(reference)))
    if np.isnan(b[0]):
        return _NOTHING
    n_events = effective_events(flow, event, rules=fit, exponent=b[0])
    found: dict[str, float] = {}
    for name, replicates in zip(PARAMETERS, values, strict=True):
        fixed = name == "recession_exponent" and fit.exponent is not None
        bounds = (np.nan, np.nan)
        if not fixed:
            bounds = interval(replicates[1:], n_events=n_events, confidence=fit.confidence)
        found |= {name: float(replicates[0]), f"{name}_lower": bounds[0], f"{name}_upper": bounds[1]}
    return found
