"""What acts on the surface of the ground: temperature through the year, n-factors, snow."""

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.variables import check_units

Values = np.ndarray[Any, Any]

DAYS_PER_YEAR = 365.25
COLDEST, WARMEST = -90.0, 90.0  # degC that a surface can have

Field = xr.DataArray | float
"""One number for all columns, or a map of them."""


@dataclass(frozen=True, eq=False)
class Surface:
    """Temperature of a surface, and the snow on it.

    With the series S, n (mean + trend t + scale S), where t are years since the begin and n is `n_thaw` above 0 degC
    and `n_freeze` below. So one series serves a whole district, whose pixels differ in mean, amplitude and trend.

    Attributes
    ----------
    series : xarray.DataArray
        With ``time`` in even steps, of one or more columns (``time, y, x``), degC; of deviations where `mean` is given.
    mean, trend, scale : xarray.DataArray or float
        degC, K a-1 and 1; numbers or maps.
    n_thaw, n_freeze : xarray.DataArray or float
        n-factors, 1.
    snow : xarray.DataArray, optional
        Thermal resistance of the snow, m2 K W-1, with the ``time`` of the series, see `snow_resistance`.

    Raises
    ------
    InputError
        If the times differ or are not even, or a value is missing or not plausible.

    Examples
    --------
    >>> surface = Surface(sinusoid(0.0, 10.0, years=2), mean=-3.0, trend=0.05)
    >>> surface.seconds
    86400.0
    """

    series: xr.DataArray
    _: KW_ONLY
    mean: Field = 0.0
    trend: Field = 0.0
    scale: Field = 1.0
    n_thaw: Field = 1.0
    n_freeze: Field = 1.0
    snow: xr.DataArray | None = None

    def __post_init__(self) -> None:
        check_units(self.series, "ground_surface_temperature")
        times = time_steps(self.series, "surface temperature")
        if self.snow is not None and not np.array_equal(time_steps(self.snow, "snow"), times):
            raise InputError("snow: has other times than the surface temperature. Reindex it to them.")

    @property
    def seconds(self) -> float:
        """Length of a step, s."""
        return step_seconds(self.series)


def time_steps(series: xr.DataArray, what: str) -> Values:
    """Times of a series, which must be even.

    Parameters
    ----------
    series : xarray.DataArray
        With ``time``.
    what : str
        What it is called in messages.

    Returns
    -------
    numpy.ndarray
        datetime64.

    Raises
    ------
    InputError
        If there are fewer than two, or they are not even.
    """
    if "time" not in series.coords or series.sizes.get("time", 0) < 2:
        raise InputError(f"{what}: needs the coordinate 'time' with two steps or more.")
    times: Values = series.time.values.astype("datetime64[ns]")
    steps = np.diff(times)
    if steps[0] <= np.timedelta64(0) or (steps != steps[0]).any():
        odd = int(np.argmax(steps != steps[0]))
        raise InputError(
            f"{what}: its times are not even: the step after {times[odd]} is {steps[odd].astype('timedelta64[m]')}, "
            f"the first one {steps[0].astype('timedelta64[m]')}. Fill the gaps and sort by time."
        )
    return times


def step_seconds(series: xr.DataArray) -> float:
    """Length of the steps of a series, s.

    Parameters
    ----------
    series : xarray.DataArray
        With ``time`` in even steps.

    Returns
    -------
    float

    Examples
    --------
    >>> step_seconds(sinusoid(0.0, 1.0, years=1, step_hours=1.0))
    3600.0
    """
    return float(np.diff(series.time.values[:2].astype("datetime64[ns]"))[0] / np.timedelta64(1, "s"))


def sinusoid(
    mean: float,
    amplitude: float,
    *,
    years: int,
    trend: float = 0.0,
    phase: float = 196.0,
    start: str = "2001-01-01",
    step_hours: float = 24.0,
) -> xr.DataArray:
    r"""Yearly wave with a linear trend.

    .. math:: T(t) = \bar T + \tau t + A \cos(2 \pi (t - \varphi))

    with t in years of 365.25 d since the begin, at the middle of every step.

    Parameters
    ----------
    mean, amplitude : float
        degC and K.
    years : int
        Calendar years.
    trend : float
        K a-1.
    phase : float
        Day, from the begin, when it is warmest.
    start : str
        First day.
    step_hours : float
        h.

    Returns
    -------
    xarray.DataArray
        (time,) degC.

    Raises
    ------
    InputError
        If the amplitude is negative, there is no whole year, or the step is not positive or longer than a month.

    Examples
    --------
    >>> wave = sinusoid(-2.0, 12.0, years=1)
    >>> wave.sizes["time"], round(float(wave.max()), 2)
    (365, 10.0)
    """
    if years < 1 or not 0 < step_hours <= 24 * 31:
        raise InputError(f"years, step_hours: are {years!r} a and {step_hours!r} h, but must be 1 a and above 0 h.")
    if not (np.isfinite([mean, amplitude, trend, phase]).all() and amplitude >= 0):
        raise InputError(f"amplitude: is {amplitude!r} K, but must be 0 or more, and mean, trend and phase be numbers.")
    first = np.datetime64(start, "D")
    until = (first.astype("datetime64[M]") + 12 * years).astype("datetime64[D]")
    n = round((until - first.astype("datetime64[M]").astype("datetime64[D]")).astype(int) * 24.0 / step_hours)
    t = (np.arange(n) + 0.5) * step_hours / 24.0 / DAYS_PER_YEAR
    step = np.timedelta64(round(step_hours * 3.6e12), "ns")
    values = mean + trend * t + amplitude * np.cos(2 * np.pi * (t - phase / DAYS_PER_YEAR))
    times = first.astype("datetime64[ns]") + np.arange(n) * step
    return xr.DataArray(values, {"time": times}, ("time",), "ground_surface_temperature", {"units": "degC"})


def n_factor_surface(air: xr.DataArray, n_thaw: Field, n_freeze: Field) -> xr.DataArray:
    """Temperature of the ground surface from that of the air by n-factors (Lunardini 1978).

    Parameters
    ----------
    air : xarray.DataArray
        degC, of any dims.
    n_thaw, n_freeze : xarray.DataArray or float
        Degree-days of the surface per degree-day of the air, of thawing and of freezing.

    Returns
    -------
    xarray.DataArray
        As `air`, degC.

    Raises
    ------
    InputError
        If a factor is negative or above 5.

    Examples
    --------
    >>> n_factor_surface(xr.DataArray([10.0, -10.0]), 0.9, 0.4).values
    array([ 9., -4.])
    """
    check_units(air, "air_temperature")
    for name, factor in (("n_thaw", n_thaw), ("n_freeze", n_freeze)):
        if isinstance(factor, float | int) and not 0 <= factor <= 5:
            raise InputError(f"{name}: is {factor!r}, but must lie between 0 and 5.")
    surface = (air * n_thaw).where(air > 0, air * n_freeze)
    return surface.transpose(*air.dims, ...).assign_attrs(units="degC")


def snow_resistance(depth: xr.DataArray, conductivity: Field) -> xr.DataArray:
    """Thermal resistance of the snow, whose temperature profile is taken as linear at any time.

    Parameters
    ----------
    depth : xarray.DataArray
        m.
    conductivity : xarray.DataArray or float
        W m-1 K-1.

    Returns
    -------
    xarray.DataArray
        As `depth`, m2 K W-1.

    Raises
    ------
    InputError
        If the conductivity is a number that is not positive.

    Examples
    --------
    >>> snow_resistance(xr.DataArray([0.0, 0.3]), 0.2).values
    array([0. , 1.5])
    """
    if isinstance(conductivity, float | int) and not conductivity > 0:
        raise InputError(f"conductivity of snow: is {conductivity!r} W m-1 K-1, but must be above 0.")
    return (depth / conductivity).assign_attrs(units="m2 K W-1")
