"""From degree-days to the temperature at the top of permafrost, its classes and their change."""

from collections.abc import Sequence

import dask
import xarray as xr
from pydantic import Field

from cryoscale import thermal
from cryoscale.config import Config
from cryoscale.errors import InputError


class Change(Config):
    """The two periods between which change is mapped."""

    first: tuple[int, int] = Field(description="first and last year of the first period")
    last: tuple[int, int] = Field(description="first and last year of the last period")


def default_change(years: Sequence[int]) -> Change:
    """The first and the last third of the years.

    Parameters
    ----------
    years : sequence of int
        In order.

    Returns
    -------
    Change

    Examples
    --------
    >>> default_change(range(2005, 2021))
    Change(first=(2005, 2009), last=(2016, 2020))
    """
    n = max(len(years) // 3, 1)
    return Change(first=(years[0], years[n - 1]), last=(years[-n], years[-1]))


def require_periods(change: Change | None, years: Sequence[int]) -> None:
    """Refuse periods of which no year has a map.

    Parameters
    ----------
    change : Change or None
        Two periods; None passes.
    years : sequence of int
        Those that have a map.

    Raises
    ------
    InputError
        Naming the period.
    """
    for first, last in () if change is None else (change.first, change.last):
        if not any(first <= year <= last for year in years):
            raise InputError(f"change: no year of {first} to {last} has a map; there are {min(years)} to {max(years)}.")


def require_sums(degree_days: xr.Dataset, *, min_days: int) -> None:
    """Refuse years none of which has its sums anywhere.

    Parameters
    ----------
    degree_days : xarray.Dataset
        What `thermal.degree_days` gives, (year, y, x); lazy or not.
    min_days : int
        Days with a temperature that a year needed.

    Raises
    ------
    InputError
        Naming the most days that a year has.
    """
    known = (degree_days.ddt + degree_days.ddf).notnull().any()
    days = [degree_days[f"observed_{kind}_year"].max() for kind in ("thawing", "freezing")]
    has_sums, *most = dask.compute(known, *days)
    if not has_sums:
        raise InputError(
            f"degree_days: no pixel has sums of a year. At most {int(most[0])} days of a thawing year and "
            f"{int(most[1])} of a freezing year have a temperature, and min_days is {min_days}. Lower it, or fill more "
            "images: lower gaps.min_valid."
        )


def compute_permafrost(
    degree_days: xr.Dataset, rk: xr.Dataset, *, bias: float, masks: xr.Dataset, change: Change | None = None
) -> xr.Dataset:
    """Temperature at the top of permafrost, probability, classes, means over years and change; lazy where inputs are.

    Parameters
    ----------
    degree_days : xarray.Dataset
        What `thermal.degree_days` gives with errors, (year, y, x).
    rk : xarray.Dataset
        ``rk`` and ``rk_error`` (y, x).
    bias : float
        Standard deviation of a station's lasting error of daily temperatures, K.
    masks : xarray.Dataset
        ``glacier`` and ``lake`` (y, x), those that there are.
    change : Change, optional
        Two periods; by default the first and the last third of the years.

    Returns
    -------
    xarray.Dataset
        ``ttop``, ``ttop_error``, ``permafrost_probability`` and ``ground_class`` (year, y, x); their means over years
        and ``permafrost_change`` (y, x); ``rk``.

    Raises
    ------
    InputError
        If a period of the change holds no year.
    """
    years = degree_days.year.values.tolist()
    require_periods(change, years)
    error = thermal.ttop_error(degree_days, rk.rk, rk_error=rk.rk_error, bias=bias)
    ttop = thermal.ttop(degree_days.ddt, degree_days.ddf, rk.rk)
    yearly = degree_days[["ddt", "ddf"]].assign(ttop=ttop).merge(error)
    mean = thermal.mean_over_years(yearly)
    periods = change or default_change(years)
    before, after = (_period_class(yearly, period, masks) for period in (periods.first, periods.last))
    classified = {
        "ttop": ttop,
        "ttop_error": error.ttop_error,
        "permafrost_probability": thermal.permafrost_probability(ttop, error.ttop_error),
        "ground_class": thermal.classify_permafrost(ttop, **_masks(masks)),
        "mean_permafrost_probability": thermal.permafrost_probability(mean.mean_ttop, mean.mean_ttop_error),
        "mean_ground_class": thermal.classify_permafrost(mean.mean_ttop, **_masks(masks)),
        "permafrost_change": thermal.permafrost_change(before, after),
    }
    return (
        mean.assign(classified)
        .assign(rk=rk.rk, rk_error=rk.rk_error)
        .assign_attrs(first_period="-".join(map(str, periods.first)), last_period="-".join(map(str, periods.last)))
    )


def _masks(masks: xr.Dataset) -> dict[str, xr.DataArray]:
    return {str(name): mask for name, mask in masks.items()}


def _period_class(yearly: xr.Dataset, period: tuple[int, int], masks: xr.Dataset) -> xr.DataArray:
    chosen = yearly[["ttop", "ddt", "ddf"]].sel(year=slice(*period))
    return thermal.classify_permafrost(thermal.mean_over_years(chosen).mean_ttop, **_masks(masks))
