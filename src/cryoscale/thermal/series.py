"""Daily series of temperature: what makes an axis of time daily, and how gaps in time are filled."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.lift import lift
from cryoscale.thermal import _daily

Values = np.ndarray[Any, Any]

DAYS_PER_YEAR = 365.25

_DAY = np.timedelta64(1, "D")
_MOST_HARMONICS = 4


@dataclass(frozen=True)
class SeriesFill:
    """How gaps in daily series are filled.

    Attributes
    ----------
    linear_limit : int
        Longest gap that is interpolated between the observed days around it, d; 0 interpolates none.
    harmonics : int
        Harmonics of the year that longer gaps follow, 0 to 4; 0 leaves them empty.

    Examples
    --------
    >>> SeriesFill(linear_limit=5)
    SeriesFill(linear_limit=5, harmonics=2)
    """

    linear_limit: int = 10
    harmonics: int = 2

    def __post_init__(self) -> None:
        if self.linear_limit < 0:
            raise InputError(f"linear_limit: must be 0 d or more, not {self.linear_limit}.")
        if not 0 <= self.harmonics <= _MOST_HARMONICS:
            raise InputError(f"harmonics: must lie between 0 and {_MOST_HARMONICS}, not {self.harmonics}. Give 2.")

    def terms(self, dates: Values) -> tuple[Values, Values]:
        """What the kernels need of the axis of time.

        Parameters
        ----------
        dates : numpy.ndarray
            (time,) datetime64[D].

        Returns
        -------
        tuple of numpy.ndarray
            Mean, cosines and sines (time, 2 `harmonics` + 1), none for 0 harmonics; month of the year from 0 (time,).
        """
        months = dates.astype("datetime64[M]").astype(np.int64) % 12
        if self.harmonics == 0:
            return np.empty((dates.size, 0)), months
        phase = 2 * np.pi * dates.astype(np.float64) / DAYS_PER_YEAR
        angles = phase[:, None] * np.arange(1, self.harmonics + 1)
        return np.concatenate([np.ones((dates.size, 1)), np.cos(angles), np.sin(angles)], axis=1), months


NO_FILL = SeriesFill(linear_limit=0, harmonics=0)
"""Leaves every gap as it is."""


def fill_in_time(
    series: xr.DataArray, *, linear_limit: int = 10, harmonics: int = 2
) -> tuple[xr.DataArray, xr.DataArray]:
    r"""Fill the gaps of daily temperatures.

    A gap of at most `linear_limit` days between two observed days is interpolated. A longer one, and one at an end of
    the series, follows the pixel's own seasonal course, fitted by least squares to all its observed days:

    .. math:: h(t) = a_0 + \sum_{k=1}^{K} a_k \cos(2 \pi k t / 365.25) + b_k \sin(2 \pi k t / 365.25)

    To it is added what the observed days at the ends of the gap deviate from it, fading linearly to zero over
    `linear_limit` + 1 days. So there is no jump at either end, and weather far from the gap's ends is not made up. A
    pixel with fewer than 10 observed days per coefficient, or without any in one of the twelve months, has no fit: its
    long gaps stay empty.

    Parameters
    ----------
    series : xarray.DataArray
        With ``time``, every day of it, and any other dims; in memory or lazy (``time`` in one chunk). What is not
        finite is missing.
    linear_limit : int
        Longest gap that is interpolated, d.
    harmonics : int
        K, 0 to 4; 0 leaves long gaps empty.

    Returns
    -------
    tuple of xarray.DataArray
        The filled series, with the name, dims and attributes of `series`, and ``daily_source`` (0 no data, 1 observed,
        2 linear, 3 harmonic), of the same dims. Lazy where `series` is.

    Raises
    ------
    InputError
        If a day is missing from ``time``, or an option is out of range.

    Examples
    --------
    >>> time = np.arange("2010-01-01", "2010-01-06", dtype="datetime64[D]").astype("datetime64[ns]")
    >>> air = xr.DataArray([-5.0, np.nan, np.nan, -2.0, np.nan], {"time": time}, "time")
    >>> filled, source = fill_in_time(air)
    >>> filled.values, source.values
    (array([-5., -4., -3., -2., nan]), array([1, 2, 2, 1, 0], dtype=uint8))
    """
    plan = SeriesFill(linear_limit=linear_limit, harmonics=harmonics)
    basis, months = plan.terms(require_daily(series))
    values = as_floats(series)
    result = lift(
        partial(_fill, basis=basis, months=months, limit=linear_limit),
        values,
        core_dims=[["time"]],
        outputs={"ground_surface_temperature": ("time",), "daily_source": ("time",)},
        dtypes={"ground_surface_temperature": values.dtype},
    ).transpose(*series.dims)
    filled = result["ground_surface_temperature"].rename(series.name)
    filled.attrs = dict(series.attrs)
    return filled, result["daily_source"]


def require_daily(series: xr.DataArray) -> Values:
    """Dates of a series, after a check that each day has its place.

    Parameters
    ----------
    series : xarray.DataArray
        With the coordinate ``time``.

    Returns
    -------
    numpy.ndarray
        (time,) datetime64[D].

    Raises
    ------
    InputError
        If there is no time, or if a day is missing, comes twice or out of order; the message names the first one.

    Examples
    --------
    >>> time = np.array(["2004-02-28", "2004-03-01"], "datetime64[ns]")
    >>> require_daily(xr.DataArray([1.0, 2.0], {"time": time}, "time"))
    Traceback (most recent call last):
    cryoscale.errors.InputError: time: 2004-02-29 is missing. A gap needs its days, ...
    """
    name = series.name or "series"
    if "time" not in series.dims or "time" not in series.coords or series.sizes["time"] == 0:
        raise InputError(f"{name}: has no days along a coordinate 'time' (dims {series.dims}). Assign the dates.")
    times = series["time"].values
    if not np.issubdtype(times.dtype, np.datetime64):
        raise InputError(f"{name}: its time is {times.dtype}, but must be datetime64. Convert it with pandas.")
    dates: Values = times.astype("datetime64[D]")
    steps = np.diff(dates)
    wrong = np.flatnonzero(steps != _DAY)
    if wrong.size == 0:
        return dates
    last, following = dates[wrong[0]], dates[wrong[0] + 1]
    if following <= last:
        raise InputError(
            f"time: {following} follows {last}, but each day must come once, in order. "
            "Take daily means with .resample(time='1D').mean()."
        )
    raise InputError(
        f"time: {last + _DAY} is missing. A gap needs its days, with NaN: "
        "series.reindex(time=pandas.date_range(first, last))."
    )


def as_floats(series: xr.DataArray) -> xr.DataArray:
    """The same series where it is float32 or float64, else as float64."""
    return series if series.dtype in (np.float32, np.float64) else series.astype(np.float64)


def _fill(series: Values, *, basis: Values, months: Values, limit: int) -> tuple[Values, ...]:
    columns = series.reshape(months.size, -1)
    filled, source = np.empty_like(columns, order="C"), np.empty(columns.shape, np.uint8)
    _daily.fill(columns, basis, months, limit, filled, source)
    return filled.reshape(series.shape), source.reshape(series.shape)
