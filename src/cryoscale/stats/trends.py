"""Trends of series, of single ones and of every pixel: Theil-Sen slope and Mann-Kendall test."""

from enum import StrEnum
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from cryoscale.errors import InputError
from cryoscale.lift import lift
from cryoscale.stats import _trends

Values = np.ndarray[Any, Any]

_UNEVEN = 0.1
"""Steps of time that differ from their median by more than this share are not even."""


class Correction(StrEnum):
    """What the Mann-Kendall test takes the values of a series for: independent, or correlated in time."""

    NONE = "none"
    HAMED_RAO = "hamed-rao"


def theil_sen(series: xr.DataArray, *, dim: str = "time", confidence: float = 0.95, minimum: int = 8) -> xr.Dataset:
    """Theil-Sen trend: the median slope between all pairs of values.

    The line goes through the medians of value and time. The interval is Sen's (1968, JASA 63, 1379, Eq. 2.6, with
    ties): it takes the values for independent.

    Parameters
    ----------
    series : xarray.DataArray
        With `dim` and any others, in memory or lazy (`dim` in one chunk); what is not finite is missing.
    dim : str
        Of time, increasing: datetime64, or numbers in years.
    confidence : float
        Probability that the interval holds the slope, between 0 and 1.
    minimum : int
        Values that a series needs, at least 2; with fewer its trend is NaN.

    Returns
    -------
    xarray.Dataset
        ``trend``, ``trend_lower`` and ``trend_upper`` in the unit of the series per year (365.25 d), and
        ``trend_start``, the line at the first time. Lazy where `series` is.

    Raises
    ------
    InputError
        If times do not increase, or a parameter is out of range.

    Examples
    --------
    >>> years = np.arange(2000, 2010)
    >>> depth = xr.DataArray(1.5 + 0.02 * (years - 2000), {"year": years}, dims="year", attrs={"units": "m"})
    >>> result = theil_sen(depth, dim="year")
    >>> round(float(result.trend), 6), result.trend.attrs["units"], round(float(result.trend_start), 6)
    (0.02, 'm a-1', 1.5)
    """
    if not 0 < confidence < 1:
        raise InputError(f"confidence: must lie between 0 and 1, not {confidence}. Give 0.95 for 95 %.")
    kernel = partial(
        _slopes,
        years=_years(series, dim),
        deviation=float(stats.norm.ppf(0.5 + confidence / 2)),
        minimum=_at_least(2, "minimum", minimum),
    )
    result = _per_series(kernel, series, dim, ("trend", "trend_start", "trend_lower", "trend_upper"))
    if "units" not in series.attrs:
        return result
    unit = series.attrs["units"]
    units = dict.fromkeys(result, f"{unit} a-1") | {"trend_start": unit}
    return result.assign({name: result[name].assign_attrs(units=units[name]) for name in result})


def mann_kendall(
    series: xr.DataArray,
    *,
    dim: str = "time",
    correction: Correction = Correction.NONE,
    alpha: float = 0.05,
    lags: int = 3,
    minimum: int = 8,
) -> xr.Dataset:
    """Mann-Kendall test of a monotonic trend.

    S counts the pairs that rise minus those that fall, and Z = (S - sign S) / sqrt(var S), with the variance of
    Kendall (1975), ties included. Hamed and Rao (1998, J. Hydrol. 204, 182) multiply it by

        1 + 2 / (n (n-1) (n-2)) sum_i (n-i) (n-i-1) (n-i-2) rho(i),

    where rho(i) are the autocorrelations of the ranks of what the Theil-Sen line leaves, those that are significant.
    In short series chance makes distant lags significant, so only the first few are summed. The correction is a
    partial one: of 60 values of an AR(1) process without trend the plain test calls 5, 13 and 31 % significant at
    5 % for a coefficient of 0, 0.3 and 0.6, the corrected one 7, 11 and 15 %.

    Parameters
    ----------
    series : xarray.DataArray
        With `dim` and any others, in memory or lazy (`dim` in one chunk); what is not finite is missing.
    dim : str
        Of time, increasing: datetime64, or numbers in years; at even steps for `Correction.HAMED_RAO`.
    correction : Correction
        For serial correlation.
    alpha : float
        Significance level of the autocorrelations that the correction uses, between 0 and 1.
    lags : int
        Largest lag that the correction uses, in steps of the series, at least 1.
    minimum : int
        Values that a series needs, at least 3; with fewer its results are NaN.

    Returns
    -------
    xarray.Dataset
        ``kendall_score`` (S), ``kendall_tau`` (tau-b), ``mann_kendall_z``, ``trend_p_value`` (two-sided) and
        ``variance_inflation`` (1 without correction). Z and p are NaN where the variance is not positive: all values
        equal, or an inflation of 0 or less. Lazy where `series` is.

    Raises
    ------
    InputError
        If times do not increase, are uneven where they must not be, or a parameter is out of range.

    Examples
    --------
    >>> depth = xr.DataArray([1.0, 1.2, 1.1, 1.4, 1.3, 1.6, 1.7, 1.8], {"year": np.arange(2000, 2008)}, dims="year")
    >>> result = mann_kendall(depth, dim="year")
    >>> int(result.kendall_score), round(float(result.trend_p_value), 4)
    (24, 0.0044)
    """
    if not 0 < alpha < 1:
        raise InputError(f"alpha: must lie between 0 and 1, not {alpha}. Give 0.05 for 5 %.")
    years = _years(series, dim)
    if correction is Correction.HAMED_RAO:
        _require_even(years, dim)
    kernel = partial(
        _test,
        years=years,
        correction=correction,
        critical=float(stats.norm.ppf(1 - alpha / 2)),
        lags=_at_least(1, "lags", lags),
        minimum=_at_least(3, "minimum", minimum),
    )
    names = ("kendall_score", "kendall_tau", "mann_kendall_z", "trend_p_value", "variance_inflation")
    return _per_series(kernel, series, dim, names)


def _per_series(kernel: Any, series: xr.DataArray, dim: str, names: tuple[str, ...]) -> xr.Dataset:
    values = series if series.dtype in (np.float32, np.float64) else series.astype(np.float64)
    return lift(
        kernel, values, core_dims=[[dim]], outputs=dict.fromkeys(names, ()), dtypes=dict.fromkeys(names, values.dtype)
    )


def _slopes(series: Values, *, years: Values, deviation: float, minimum: int) -> tuple[Values, ...]:
    columns = series.reshape(len(years), -1)
    out = np.empty((4, columns.shape[1]), series.dtype)
    _trends.sen_slopes(columns, years, deviation, minimum, out)
    return tuple(row.reshape(series.shape[1:]) for row in out)


def _test(
    series: Values, *, years: Values, correction: Correction, critical: float, lags: int, minimum: int
) -> tuple[Values, ...]:
    columns = series.reshape(len(years), -1)
    score, variance, tau = counted = np.empty((3, columns.shape[1]))
    _trends.kendall(columns, minimum, counted)
    inflation = np.where(np.isnan(score), np.nan, 1.0)
    if correction is Correction.HAMED_RAO:
        _trends.serial_inflation(columns, years, critical, lags, minimum, inflation)
    z, p = np.empty_like(score), np.empty_like(score)
    _trends.normal_deviate(score, variance * inflation, z, p)
    return tuple(row.reshape(series.shape[1:]).astype(series.dtype) for row in (score, tau, z, p, inflation))


def _years(series: xr.DataArray, dim: str) -> Values:
    """Years since the first time."""
    if dim not in series.coords:
        raise InputError(
            f"{series.name or 'series'}: has no coordinate {dim!r} (dims {series.dims}). Assign the times."
        )
    times = series[dim].values
    if np.issubdtype(times.dtype, np.datetime64):
        years = (times - times[0]) / np.timedelta64(1, "D") / 365.25
    else:
        years = times.astype(np.float64) - float(times[0])
    if not (np.diff(years) > 0).all():
        at = int(np.argmin(np.diff(years) > 0))
        raise InputError(f"{dim}: {times[at + 1]} follows {times[at]}, but times must increase. Use .sortby({dim!r}).")
    return np.asarray(years, dtype=np.float64)


def _require_even(years: Values, dim: str) -> None:
    steps = np.diff(years)
    usual = np.median(steps) if steps.size else 0.0
    if (np.abs(steps - usual) > _UNEVEN * usual).any():
        raise InputError(
            f"{dim}: steps from {steps.min():.4g} to {steps.max():.4g} years, but the correction of Hamed and Rao "
            "needs even ones. Reindex to all times; missing values may be NaN."
        )


def _at_least(least: int, name: str, value: int) -> int:
    if value < least:
        raise InputError(f"{name}: must be at least {least}, not {value}.")
    return value
