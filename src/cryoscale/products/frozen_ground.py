"""From degree-days to the temperature at the top of permafrost, its classes and their change."""

from collections.abc import Sequence

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
    error = thermal.ttop_error(degree_days, rk.rk, rk_error=rk.rk_error, bias=bias)
    ttop = thermal.ttop(degree_days.ddt, degree_days.ddf, rk.rk)
    yearly = degree_days[["ddt", "ddf"]].assign(ttop=ttop).merge(error)
    mean = thermal.mean_over_years(yearly)
    periods = change or default_change(degree_days.year.values.tolist())
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
    if chosen.sizes["year"] == 0:
        known = yearly.year.values
        raise InputError(
            f"change: no year of {period[0]} to {period[1]} has a map; there are {known.min()} to {known.max()}."
        )
    return thermal.classify_permafrost(thermal.mean_over_years(chosen).mean_ttop, **_masks(masks))
