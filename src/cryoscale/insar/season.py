"""The thaw season in displacement series: how far the ground moves between two days of the year."""

from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.insar._season import seasonal_changes
from cryoscale.insar.alignment import on_grid_of
from cryoscale.insar.rates import deformation_rate
from cryoscale.lift import lift
from cryoscale.variables import attributes, check_units

Values = np.ndarray[Any, Any]

MAX_GAP = 60.0
"""Longest time between the epochs around a day that is interpolated, d: five revisits of Sentinel-1."""

DAYS_PER_YEAR = 365.25

_DAY = np.timedelta64(1, "D")
_OUTPUTS = {
    "thaw_season_deformation": ("year",),
    "thaw_season_error": ("year",),
    "mean_thaw_season_deformation": (),
    "mean_thaw_season_error": (),
    "thaw_season_spread": (),
    "n_seasons": (),
}


def thaw_season(
    displacement: xr.DataArray,
    start: str = "05-01",
    end: str = "10-01",
    *,
    rate: xr.DataArray | None = None,
    max_gap: float = MAX_GAP,
) -> xr.Dataset:
    r"""Deformation of every thaw season: change of the detrended series from the onset to the end of thaw.

    .. math:: D = u(t_{\mathrm{end}}) - u(t_{\mathrm{start}}) - v (t_{\mathrm{end}} - t_{\mathrm{start}})

    (Chang et al., Section 3.1.2), with u linear between epochs. The standard error takes the errors of the epochs as
    independent and alike. Their variance is that of each value about the line between its two neighbours, over all
    neighbours at most twice `max_gap` apart; the curvature of the season enters it, at most 0.4 mm for an amplitude of
    20 mm at 12 days. It leaves out the error of `rate`; where that is the series' own regression, the error is a
    little too large.

    Parameters
    ----------
    displacement : xarray.DataArray
        (time, y, x) in mm, NaN where there is no data.
    start, end : str
        Onset and end of thaw, ``MM-DD``. An end that is not after the start lies in the next year; the season
        is named after the year of its start.
    rate : xarray.DataArray, optional
        (y, x), v in mm a-1; the series' linear regression unless given. A regression takes part of the season
        for trend where the series is short or not of whole years; the velocity of a temporal model with a season
        does not.
    max_gap : float
        Longest time between the two epochs with data around a day, d; a season with a longer gap there is NaN.

    Returns
    -------
    xarray.Dataset
        ``thaw_season_deformation`` and ``thaw_season_error`` (year, y, x), mm, negative where the ground sinks;
        ``mean_thaw_season_deformation``, its standard error ``mean_thaw_season_error``, the standard deviation between
        years ``thaw_season_spread`` and the number of seasons with data ``n_seasons`` (y, x). Years are those whose
        season lies between the first and the last epoch.

    Raises
    ------
    InputError
        If the series is not in mm, holds no whole season or its epochs do not increase, if a date is none, or if the
        rate is in another unit or on another grid.

    Examples
    --------
    >>> time = np.arange("2018-04-01", "2020-12-31", 12, dtype="datetime64[D]").astype("datetime64[ns]")
    >>> phase = 2 * np.pi * (time - time[0]) / np.timedelta64(1, "D") / 365.25
    >>> series = xr.DataArray(20 * np.cos(phase)[:, None, None], dims=("time", "y", "x"), coords={"time": time})
    >>> season = thaw_season(series, rate=xr.DataArray([[0.0]], dims=("y", "x")))
    >>> season.thaw_season_deformation.values.ravel().round(1), season.year.values
    (array([-37.2, -37.3, -37.2]), array([2018, 2019, 2020]))
    """
    series = check_units(displacement, "displacement")
    days = (series.time.values - series.time.values[0]) / _DAY
    if not np.all(np.diff(days) > 0):
        raise InputError(
            "displacement: its epochs are not in order of time, each once. Sort them with .sortby('time')."
        )
    years, starts, ends = _seasons(series.time.values, start, end)
    if rate is None:
        rate = deformation_rate(series).deformation_rate
    rate = on_grid_of(series, check_units(rate, "deformation_rate"))
    return lift(
        partial(_changes, days=days, starts=starts, ends=ends, max_gap=max_gap),
        series,
        rate,
        core_dims=[["time"], []],
        outputs=_OUTPUTS,
        coords={"year": years},
        dtypes={name: series.dtype for name in _OUTPUTS if name != "n_seasons"},
    )


def season_between(
    displacement: xr.DataArray,
    start: str,
    end: str,
    *,
    rate: xr.DataArray | None = None,
    max_gap: float = MAX_GAP,
) -> xr.Dataset:
    """Mean deformation between two days of the year: the denominator of Eq. 4 for a pair acquired on these days.

    Parameters
    ----------
    displacement, start, end, rate, max_gap
        As in `thaw_season`; give the same `rate` to both.

    Returns
    -------
    xarray.Dataset
        ``partial_season_deformation`` and its standard error ``partial_season_error`` (y, x), mm.

    Raises
    ------
    InputError
        As `thaw_season`.

    Examples
    --------
    >>> time = np.arange("2018-04-01", "2020-12-31", 12, dtype="datetime64[D]").astype("datetime64[ns]")
    >>> phase = 2 * np.pi * (time - time[0]) / np.timedelta64(1, "D") / 365.25
    >>> series = xr.DataArray(20 * np.cos(phase)[:, None, None], dims=("time", "y", "x"), coords={"time": time})
    >>> part = season_between(series, "05-19", "07-14", rate=xr.DataArray([[0.0]], dims=("y", "x")))
    >>> part.partial_season_deformation.values.round(1)
    array([[-17.9]])
    """
    season = thaw_season(displacement, start, end, rate=rate, max_gap=max_gap)
    names = {
        "mean_thaw_season_deformation": "partial_season_deformation",
        "mean_thaw_season_error": "partial_season_error",
    }
    found = season[list(names)].rename(names).map(lambda array: array.drop_attrs(deep=False))
    return found.assign({new: found[new].assign_attrs(attributes(new)) for new in names.values()})


def _changes(
    series: Values, rate: Values, *, days: Values, starts: Values, ends: Values, max_gap: float
) -> tuple[Values, ...]:
    shape = series.shape[1:]
    rates = np.broadcast_to(rate, shape).ravel() / DAYS_PER_YEAR
    changes, summary, counts = seasonal_changes(
        series.reshape(days.size, -1), rates.astype(float), days, starts, ends, max_gap
    )
    yearly = [array.reshape(starts.size, *shape) for array in changes]
    return (*yearly, *(array.reshape(shape) for array in summary), counts.reshape(shape))


def _seasons(epochs: Values, start: str, end: str) -> tuple[Values, Values, Values]:
    """Years whose season lies within the epochs; onsets and ends in days since the first epoch."""
    for name, date in (("start", start), ("end", end)):
        _require_date(name, date)
    first, last = (int(str(epoch)[:4]) for epoch in epochs[[0, -1]])
    years = np.arange(first, last + 1)
    later = int(end <= start)
    starts, ends = (
        (np.array([f"{year + shift}-{date}" for year in years], "datetime64[ns]") - epochs[0]) / _DAY
        for date, shift in ((start, 0), (end, later))
    )
    whole = (starts >= 0) & (ends <= (epochs[-1] - epochs[0]) / _DAY)
    if not whole.any():
        dates = " to ".join(str(epoch)[:10] for epoch in epochs[[0, -1]])
        raise InputError(
            f"displacement: holds no whole season from {start} to {end}, its epochs run from {dates}. "
            "Give a start and an end within them, or a longer series."
        )
    return years[whole], starts[whole], ends[whole]


def _require_date(name: str, date: str) -> None:
    try:
        np.datetime64(f"2001-{date}", "D")
    except ValueError:
        raise InputError(
            f"{name}: {date!r} is not a day that every year has. Give month and day, such as '05-01'."
        ) from None
