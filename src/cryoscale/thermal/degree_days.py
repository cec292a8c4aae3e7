"""Thawing and freezing degree-days of every year, and what the ground surface takes of the air's."""

from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.lift import lift
from cryoscale.thermal import _daily
from cryoscale.thermal.series import NO_FILL, SeriesFill, as_floats, require_daily
from cryoscale.variables import attributes, check_units

Values = np.ndarray[Any, Any]

USUAL_FILL = SeriesFill()

_SUMS = (("ddt", "ddf"), ("thawing_days", "freezing_days"), ("ddt_error", "ddf_error"))
_OBSERVED = ("observed_thawing_year", "observed_freezing_year")


def degree_days(
    temperature: xr.DataArray,
    *,
    freezing_year_start: str = "07-01",
    thawing_year_start: str = "01-01",
    fill: SeriesFill | None = USUAL_FILL,
    min_days: int = 330,
    error: xr.DataArray | None = None,
    error_correlation: float = 0.0,
) -> xr.Dataset:
    r"""Thawing and freezing degree-days of every year from daily temperatures.

    .. math:: \mathrm{DDT} = \sum_{T_i > 0} T_i \qquad \mathrm{DDF} = -\sum_{T_i < 0} T_i

    in degC d, both positive (Riseborough et al. 2008, Permafrost Periglac. Process. 19, 137). Thawing is
    summed over the calendar year, freezing over a year that begins in summer, so that one winter stays whole.

    A year has the name of the calendar year in which it ends, as winters have in climatology: ``ddf`` of 2006 is that
    of the winter 2005/06, from 1 July 2005 to 30 June 2006, which comes before the thaw season that ``ddt`` of 2006
    sums. Years run from that of the first day to that of the last.

    A year is NaN where the series does not reach from its first to its last day, where fewer than `min_days` of its
    days are observed, or where a day is still missing after filling. Nothing is scaled up for missing days, since a
    sum over summer's gaps is not a share of the year's. The observed days are counted either way. To have the ends of
    a series filled too, reindex it to whole years first.

    The standard errors are those of a sum whose days have errors with a first-order autocorrelation r, over the n days
    on its side of 0 degC (von Storch and Zwiers 1999, Section 17.1):

    .. math:: \sigma^2 = \frac{1 + r}{1 - r} \sum_i \sigma_i^2

    Days without an error of their own, such as filled ones, take the mean variance of the others of that sum.

    Parameters
    ----------
    temperature : xarray.DataArray
        Daily means with ``time``, every day of it, and any other dims, degC, of the ground surface or the air; in
        memory or lazy (``time`` in one chunk). What is not finite is missing.
    freezing_year_start, thawing_year_start : str
        First day of either year, ``MM-DD``.
    fill : SeriesFill or None
        How gaps are filled, see `fill_in_time`; with None a year needs an observation on each of its days.
    min_days : int
        Observed days that a year needs, 1 to 365.
    error : xarray.DataArray, optional
        Standard error of every day, K, as `temperature`.
    error_correlation : float
        r, from 0 to below 1.

    Returns
    -------
    xarray.Dataset
        (year, ...) ``ddt`` and ``ddf``, degC d; ``thawing_days`` and ``freezing_days``, d above and below 0 degC;
        ``observed_thawing_year`` and ``observed_freezing_year``, d with a temperature; with `error` also ``ddt_error``
        and ``ddf_error``, degC d. Lazy where `temperature` is.

    Raises
    ------
    InputError
        If a day is missing from ``time``, a unit, a date or an option is wrong, or `error` lies on another grid.

    Examples
    --------
    >>> time = np.arange("2009-07-01", "2011-01-01", dtype="datetime64[D]").astype("datetime64[ns]")
    >>> warm = np.isin(time.astype("datetime64[M]").astype(int) % 12, [5, 6, 7])
    >>> surface = xr.DataArray(np.where(warm, 8.0, -4.0), {"time": time}, "time")
    >>> result = degree_days(surface)
    >>> result.year.values, result.ddt.values, result.ddf.values
    (array([2009, 2010]), array([ nan, 736.]), array([  nan, 1092.]))
    """
    check_units(temperature, "ground_surface_temperature")
    if not 1 <= min_days <= 365:
        raise InputError(f"min_days: must lie between 1 and 365 d, not {min_days}.")
    if not 0 <= error_correlation < 1:
        raise InputError(f"error_correlation: must be at least 0 and below 1, not {error_correlation}.")
    dates = require_daily(temperature)
    years = np.arange(_year_of(dates[0]), _year_of(dates[-1]) + 1)
    starts = {"thawing_year_start": thawing_year_start, "freezing_year_start": freezing_year_start}
    spans, whole = _years_in(dates, years, starts)
    plan = fill or NO_FILL
    basis, months = plan.terms(dates)
    values = as_floats(temperature)
    inputs = [values] if error is None else list(aligned(values, check_units(as_floats(error), "gst_error")))
    names = [name for pair in _SUMS[: 2 + (error is not None)] for name in pair]
    kernel = partial(
        _sums,
        spans=spans,
        whole=whole,
        basis=basis,
        months=months,
        limit=plan.linear_limit,
        min_days=min_days,
        inflation=(1 + error_correlation) / (1 - error_correlation),
    )
    return lift(
        kernel,
        *inputs,
        core_dims=[["time"]] * len(inputs),
        outputs=dict.fromkeys((*names, *_OBSERVED), ("year",)),
        coords={"year": years},
        dtypes=dict.fromkeys(names, values.dtype),
    )


def whole_years(
    dates: Values, *, freezing_year_start: str = "07-01", thawing_year_start: str = "01-01"
) -> tuple[int, ...]:
    """Years whose thawing and whose freezing year both lie within a series.

    Parameters
    ----------
    dates : numpy.ndarray
        Every day of the series, datetime64, in order.
    freezing_year_start, thawing_year_start : str
        As for `degree_days`.

    Returns
    -------
    tuple of int

    Raises
    ------
    InputError
        If a first day is no day of the year.

    Examples
    --------
    >>> whole_years(np.arange("2005-01-01", "2008-01-01", dtype="datetime64[D]"))
    (2006, 2007)
    """
    days = dates.astype("datetime64[D]")
    years = np.arange(_year_of(days[0]), _year_of(days[-1]) + 1)
    starts = {"thawing_year_start": thawing_year_start, "freezing_year_start": freezing_year_start}
    _, whole = _years_in(days, years, starts)
    return tuple(years[whole.all(axis=0)].tolist())


def n_factors(surface: xr.Dataset, air: xr.Dataset, *, floor: float = 50.0) -> xr.Dataset:
    r"""Degree-days of the ground surface per degree-day of the air.

    .. math:: n_t = \mathrm{DDT}_s / \mathrm{DDT}_a \qquad n_f = \mathrm{DDF}_s / \mathrm{DDF}_a

    (Lunardini 1978; Smith and Riseborough 2002, Permafrost Periglac. Process. 13, 1).

    Parameters
    ----------
    surface, air : xarray.Dataset
        From `degree_days`; years that only one of them has are left out.
    floor : float
        Degree-days of the air below which a factor means nothing and is NaN, degC d.

    Returns
    -------
    xarray.Dataset
        ``n_factor_thawing`` and ``n_factor_freezing`` (year, ...). Lazy where an input is.

    Raises
    ------
    InputError
        If a unit is wrong, `floor` is not positive, or the two do not lie on one grid.

    Examples
    --------
    >>> surface = xr.Dataset({"ddt": ("year", [900.0]), "ddf": ("year", [1000.0])}, {"year": [2010]})
    >>> air = xr.Dataset({"ddt": ("year", [600.0]), "ddf": ("year", [2500.0])}, {"year": [2010]})
    >>> factors = n_factors(surface, air)
    >>> factors.n_factor_thawing.values, factors.n_factor_freezing.values
    (array([1.5]), array([0.4]))
    """
    if not floor > 0:
        raise InputError(f"floor: must be positive, not {floor}. Give 50 degC d.")
    shared = np.intersect1d(surface.year.values, air.year.values)
    found = {}
    for name, index in (("n_factor_thawing", "ddt"), ("n_factor_freezing", "ddf")):
        above, below = aligned(*(check_units(one[index], index).sel(year=shared) for one in (surface, air)))
        found[name] = (above / below.where(below >= floor)).assign_attrs(attributes(name))
    return xr.Dataset(found)


def aligned(*arrays: xr.DataArray) -> tuple[xr.DataArray, ...]:
    """The same arrays, after a check that the dims they share have one size and the same coordinates.

    Parameters
    ----------
    *arrays : xarray.DataArray
        Any dims.

    Returns
    -------
    tuple of xarray.DataArray

    Raises
    ------
    InputError
        If they differ.

    Examples
    --------
    >>> aligned(xr.DataArray([1, 2], dims="x", name="ddt"), xr.DataArray([1, 2, 3], dims="x", name="rk"))
    Traceback (most recent call last):
    cryoscale.errors.InputError: ddt, rk: do not lie on one grid ...
    """
    try:
        return xr.align(*arrays, join="exact", copy=False)
    except ValueError as error:
        names = ", ".join(str(array.name or "array") for array in arrays)
        raise InputError(
            f"{names}: do not lie on one grid ({error}). Resample them to the grid of the first one."
        ) from error


def _sums(
    series: Values, errors: Values | None = None, *, months: Values, spans: Values, inflation: float, **options: Any
) -> tuple[Values, ...]:
    columns = series.reshape(months.size, -1)
    daily_errors = np.empty((0, 0), series.dtype) if errors is None else errors.reshape(columns.shape)
    shape = (2, spans.shape[1], columns.shape[1])
    sums, observed = np.empty((3, *shape)), np.empty(shape, np.int16)
    _daily.degree_days(columns, daily_errors, spans=spans, months=months, sums=sums, observed=observed, **options)
    sums[2] = np.sqrt(sums[2] * inflation)
    wanted = sums[: 2 if errors is None else 3].astype(series.dtype)
    outside = (spans.shape[1], *series.shape[1:])
    return tuple(row.reshape(outside) for row in (*wanted.reshape(-1, *shape[1:]), *observed))


def _year_of(date: Any) -> int:
    return int(str(date)[:4])


def _years_in(dates: Values, years: Values, starts: dict[str, str]) -> tuple[Values, Values]:
    """First day and day after the last (2, year, 2) of the years that end in each of `years`; which are whole."""
    edges = np.stack([_edges(years, name, start) for name, start in starts.items()])
    positions = (edges - dates[0]).astype(np.int64)
    whole = (positions[..., 0] >= 0) & (positions[..., 1] <= dates.size)
    return np.clip(positions, 0, dates.size), whole


def _edges(years: Values, name: str, start: str) -> Values:
    try:
        np.datetime64(f"2001-{start}", "D")
    except ValueError:
        raise InputError(
            f"{name}: {start!r} is not a day that every year has. Give month and day, such as '07-01'."
        ) from None
    back = 0 if start == "01-01" else 1
    return np.array([[f"{year - back}-{start}", f"{year - back + 1}-{start}"] for year in years], "datetime64[D]")
