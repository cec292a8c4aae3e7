"""The long-term record: rates and thaw seasons from the few interferograms of sparse sensors."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.insar.scaling import (
    MIN_DEFORMATION,
    MIN_SHARE,
    normalise_to_year,
    scale_by_thawing_index,
    scale_to_season,
)
from cryoscale.insar.season import season_between
from cryoscale.variables import attributes, check_units

TOLERANCE = 20.0
"""How far, in days, a pair may be from whole years, and a day of a pair from the season."""

DAYS_PER_YEAR = 365.25
_DAY = np.timedelta64(1, "D")


class PairKind(StrEnum):
    """What a pair of a sparse sensor tells."""

    INTERANNUAL = "interannual"
    """the rate: similar dates of different years"""
    SEASONAL = "seasonal"
    """the thaw season: both dates in the season of one year"""
    OTHER = "other"
    """neither, such as a freezing season"""


def classify_pairs(
    reference: Any, secondary: Any, *, start: str = "05-01", end: str = "10-01", tolerance: float = TOLERANCE
) -> list[PairKind]:
    """Say of each pair whether it tells a rate, a thaw season, or neither (Chang et al., Section 3.1.2).

    A pair is interannual if its days are one or more whole years, within `tolerance`: its seasonal parts cancel but
    for that many days of the season. It is seasonal if both dates lie in one season, widened by `tolerance` on either
    side, which Eq. 4 allows for.

    Parameters
    ----------
    reference, secondary : array_like of datetime64
        Dates of the pairs (pair).
    start, end : str
        Onset and end of thaw, ``MM-DD``, in one year.
    tolerance : float
        d, below a quarter of a year.

    Returns
    -------
    list of PairKind

    Raises
    ------
    InputError
        If the tolerance cannot be one, or the season is not within one year.

    Examples
    --------
    >>> first = ["1997-08-11", "1997-04-28", "2019-07-14"]
    >>> [str(kind) for kind in classify_pairs(first, ["1998-07-27", "1997-06-02", "2020-03-22"])]
    ['interannual', 'seasonal', 'other']
    """
    if not 0.0 <= tolerance < DAYS_PER_YEAR / 4:
        raise InputError(f"tolerance: {tolerance} days is not 0 to less than a quarter of a year.")
    if not start < end:
        raise InputError(f"season: its end {end} is not after its start {start}. Give both as MM-DD of one year.")
    firsts, seconds = (np.atleast_1d(np.asarray(dates, "datetime64[D]")) for dates in (reference, secondary))
    return [_kind(*pair, start, end, tolerance) for pair in zip(firsts, seconds, strict=True)]


def _kind(first: np.datetime64, second: np.datetime64, start: str, end: str, tolerance: float) -> PairKind:
    span = float((second - first) / _DAY)
    years = round(span / DAYS_PER_YEAR)
    if years >= 1 and abs(span - years * DAYS_PER_YEAR) <= tolerance:
        return PairKind.INTERANNUAL
    onset, finish = (np.datetime64(f"{str(first)[:4]}-{day}") for day in (start, end))
    margin = np.timedelta64(round(tolerance), "D")
    inside = onset - margin <= first < second <= finish + margin
    return PairKind.SEASONAL if inside else PairKind.OTHER


def interannual_rate(displacement: xr.DataArray) -> xr.Dataset:
    r"""Mean rate of pairs over nearly whole years, each normalised to a year (Chang et al., Section 3.1.2).

    .. math:: v = \sum_i T_i^2 v_i / \sum_i T_i^2, \quad v_i = d_i / T_i

    with displacement d and span T of each pair: least squares where every interferogram has the same noise, which the
    troposphere of two days makes whatever lies between them.

    Parameters
    ----------
    displacement : xarray.DataArray
        (pair, y, x), mm, with coordinates ``reference`` and ``secondary``; NaN is no data.

    Returns
    -------
    xarray.Dataset
        ``deformation_rate`` mm a-1, NaN without any pair, and ``n_pairs`` (y, x).

    Raises
    ------
    InputError
        If the displacement is in another unit, there is no pair, or dates are in the wrong order.

    Examples
    --------
    >>> days = np.array(["2019-03-24", "2020-03-22", "2022-03-20"], "datetime64[ns]")
    >>> dates = {"reference": ("pair", days[[0, 0]]), "secondary": ("pair", days[1:])}
    >>> pairs = xr.DataArray([-9.97, -29.9], dates, ("pair",))
    >>> float(interannual_rate(pairs).deformation_rate.round(2))
    -10.0
    """
    if displacement.sizes["pair"] == 0:
        raise InputError("displacement: holds no pair over whole years, so there is no rate.")
    rates = normalise_to_year(displacement, displacement.reference, displacement.secondary)
    years = (displacement.secondary - displacement.reference) / _DAY / DAYS_PER_YEAR
    weights = (years**2).drop_vars(["reference", "secondary"])
    known = rates.notnull()
    mean = (rates * weights).sum("pair") / (known * weights).sum("pair").where(known.any("pair"))
    found = {
        "deformation_rate": mean.astype(displacement.dtype),
        "n_pairs": known.sum("pair").astype("int16"),
    }
    return _described(xr.Dataset(found))


def seasons_of_pairs(
    displacement: xr.DataArray,
    series: xr.DataArray,
    *,
    season_total: xr.DataArray,
    series_rate: xr.DataArray,
    rate: xr.DataArray | None = None,
    min_share: float = MIN_SHARE,
    min_deformation: float = MIN_DEFORMATION,
) -> xr.Dataset:
    """Thaw seasons of a sparse sensor: pairs within a season scaled to the whole of it by a dense series (Eq. 4).

    The long-term trend is taken off before (`rate`), as it is off the series. Several pairs d_i of one year, with
    shares s_i of the season, are put together by least squares of d_i = s_i D, so that a large share weighs more.
    A pixel's pair is guarded where its share is below `min_share`, or the series' motion between its days is below
    `min_deformation` or twice its standard error.

    Parameters
    ----------
    displacement : xarray.DataArray
        (pair, y, x), mm, of pairs within a season, with coordinates ``reference`` and ``secondary``.
    series : xarray.DataArray
        (time, y, x), displacement of the dense sensor, mm.
    season_total : xarray.DataArray
        (y, x), its mean thaw-season deformation, mm.
    series_rate : xarray.DataArray
        (y, x), the rate that was taken off for it, mm a-1.
    rate : xarray.DataArray, optional
        (y, x), rate of the sparse sensor, mm a-1; where it is unknown none is taken off.
    min_share, min_deformation
        See `scale_to_season`.

    Returns
    -------
    xarray.Dataset
        ``thaw_season_deformation`` (year, y, x), mm, and ``guarded_pairs`` (year, y, x), the number of pairs with data
        that could not be scaled.

    Raises
    ------
    InputError
        If a unit or a grid is wrong, or the series holds no such season.
    """
    check_units(displacement, "pair_displacement")
    moved = without_trend(displacement, rate)
    scaled = []
    for i, (first, second) in enumerate(_days_of_year(displacement)):
        part = season_between(series, first, second, rate=series_rate)
        floor = np.maximum(min_deformation, 2 * part.partial_season_error.fillna(0.0))
        scaled.append(
            scale_to_season(
                moved.isel(pair=i, drop=True),
                season_total,
                part.partial_season_deformation,
                min_share=min_share,
                min_deformation=floor,
            )
        )
    return by_year(xr.concat(scaled, "pair").assign_coords(year=("pair", displacement.reference.dt.year.values)))


def seasons_by_index(
    displacement: xr.DataArray, temperature: pd.Series, *, rate: xr.DataArray | None = None
) -> xr.DataArray:
    """Thaw seasons of a sparse sensor scaled by the thawing index, which the paper rejects, for comparison.

    Parameters
    ----------
    displacement, rate
        As in `seasons_of_pairs`.
    temperature : pandas.Series
        Daily surface or air temperature, degC, of all the years of the pairs.

    Returns
    -------
    xarray.DataArray
        ``index_scaled_season`` (year, y, x), mm: mean over the pairs of a year.

    Raises
    ------
    InputError
        If the temperature lacks a year, or a date.
    """
    moved = without_trend(displacement, rate)
    index = cumulative_index(temperature)
    scaled = []
    for i in range(displacement.sizes["pair"]):
        first, second = (pd.Timestamp(displacement[name].values[i]) for name in ("reference", "secondary"))
        ddt = [_index_on(index, day) for day in (first, second, pd.Timestamp(first.year, 12, 31))]
        pair = moved.isel(pair=i, drop=True)
        scaled.append(scale_by_thawing_index(pair, ddt[2], ddt_reference=ddt[0], ddt_secondary=ddt[1]))
    together = xr.concat(scaled, "pair").assign_coords(year=("pair", displacement.reference.dt.year.values))
    mean = together.groupby("year").mean("pair", keep_attrs=False)
    return mean.astype("float32").rename("index_scaled_season").assign_attrs(attributes("index_scaled_season"))


def cumulative_index(temperature: pd.Series) -> pd.Series:
    """Degree-days above 0 degC since the beginning of each year; missing days are interpolated.

    Parameters
    ----------
    temperature : pandas.Series
        degC, with dates as index.

    Returns
    -------
    pandas.Series
        degC d, by day.

    Examples
    --------
    >>> cumulative_index(pd.Series([1.0, 3.0], pd.DatetimeIndex(["2019-06-01", "2019-06-03"]))).tolist()
    [1.0, 3.0, 6.0]
    """
    daily = temperature.sort_index().resample("D").mean().interpolate("linear")
    index: pd.Series = daily.clip(lower=0.0).groupby(pd.DatetimeIndex(daily.index).year).cumsum()
    return index


def _index_on(index: pd.Series, day: pd.Timestamp) -> float:
    if day not in index.index:
        raise InputError(
            f"temperature: has no value on {day:%Y-%m-%d}, it runs from {index.index[0]:%Y-%m-%d} to "
            f"{index.index[-1]:%Y-%m-%d}. Give the whole years of the seasonal pairs, or none."
        )
    return float(index[day])


def without_trend(displacement: xr.DataArray, rate: xr.DataArray | None) -> xr.DataArray:
    """Displacement of pairs without what a steady rate moved between their dates.

    Parameters
    ----------
    displacement : xarray.DataArray
        (pair, ...), mm, with coordinates ``reference`` and ``secondary``.
    rate : xarray.DataArray or None
        mm a-1; NaN and None count as 0.

    Returns
    -------
    xarray.DataArray
        mm.

    Examples
    --------
    >>> dates = {"reference": ("pair", [np.datetime64("2019-01-01", "ns")])}
    >>> dates["secondary"] = ("pair", [np.datetime64("2020-01-01T06", "ns")])
    >>> without_trend(xr.DataArray([-20.0], dates, ("pair",)), xr.DataArray(-5.0)).values
    array([-15.])
    """
    if rate is None:
        return displacement
    check_units(rate, "deformation_rate")
    years = ((displacement.secondary - displacement.reference) / _DAY / DAYS_PER_YEAR).astype(displacement.dtype)
    steady = (rate.drop_attrs(deep=False).fillna(0.0) * years).transpose(*displacement.dims)
    moved: xr.DataArray = displacement - steady
    return moved.assign_attrs(displacement.attrs).rename(displacement.name)


def by_year(scaled: xr.Dataset) -> xr.Dataset:
    """Put the scaled pairs of each year together: least squares of d_i = s_i D.

    Parameters
    ----------
    scaled : xarray.Dataset
        From `scale_to_season`, with a dim ``pair`` and its coordinate ``year``.

    Returns
    -------
    xarray.Dataset
        ``thaw_season_deformation`` and ``guarded_pairs`` (year, ...).
    """
    season = scaled.scaled_season_deformation
    weight = (scaled.season_share**2).where(season.notnull())
    years = np.unique(scaled.year.values)
    rows = []
    for year in years:
        of_year = np.flatnonzero(scaled.year.values == year)
        weights = weight.isel(pair=of_year)
        total = weights.sum("pair")
        mean = (season.isel(pair=of_year) * weights).sum("pair") / total.where(total > 0)
        guarded = scaled.season_guarded.isel(pair=of_year).sum("pair")
        rows.append(xr.Dataset({"thaw_season_deformation": mean, "guarded_pairs": guarded.astype("int16")}))
    result = xr.concat(rows, pd.Index(years, name="year"), join="override", combine_attrs="drop")
    return _described(result.assign(thaw_season_deformation=result.thaw_season_deformation.astype(season.dtype)))


def _described(dataset: xr.Dataset) -> xr.Dataset:
    return dataset.assign(
        {str(name): array.drop_attrs(deep=False).assign_attrs(attributes(str(name))) for name, array in dataset.items()}
    )


def _days_of_year(displacement: xr.DataArray) -> Sequence[tuple[str, str]]:
    days = (displacement[name].dt.strftime("%m-%d").values for name in ("reference", "secondary"))
    return [(str(first), str(second)) for first, second in zip(*days, strict=True)]
