"""The long-term record: what each sensor says of its period, on one grid, and where all of them say something."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale import insar
from cryoscale.errors import InputError
from cryoscale.insar.longterm import PairKind, classify_pairs, interannual_rate, seasons_by_index, seasons_of_pairs
from cryoscale.variables import attributes

_VERTICAL = {"deformation_rate": "vertical_rate", "thaw_season_deformation": "vertical_thaw_season"}


@dataclass(frozen=True, slots=True)
class DenseSeries:
    """What the record needs of the dense sensor.

    Attributes
    ----------
    displacement : xarray.DataArray
        (time, y, x), mm.
    trend : xarray.DataArray
        (y, x), mm a-1, that was taken off before its seasons were measured.
    seasons : xarray.Dataset
        ``deformation_rate``, ``thaw_season_deformation`` and ``mean_thaw_season_deformation``.
    incidence_angle : float or xarray.DataArray
        degree, of the scene or (y, x).
    """

    displacement: xr.DataArray
    trend: xr.DataArray
    seasons: xr.Dataset
    incidence_angle: float | xr.DataArray


@dataclass(frozen=True, slots=True)
class SeasonRule:
    """How pairs within a season become whole seasons.

    Attributes
    ----------
    start, end : str
        Onset and end of thaw, ``MM-DD``.
    tolerance : float
        d; see `insar.classify_pairs`.
    min_share, min_deformation : float
        Guards of Eq. 4; see `insar.scale_to_season`.
    """

    start: str
    end: str
    tolerance: float
    min_share: float
    min_deformation: float


def group_name(sensor: str, first: np.datetime64, last: np.datetime64) -> str:
    """Name of a group of the record.

    Parameters
    ----------
    sensor : str
        Mission.
    first, last : numpy.datetime64
        First and last acquisition.

    Returns
    -------
    str

    Examples
    --------
    >>> group_name("ERS-2", np.datetime64("1997-04-28"), np.datetime64("1998-07-27"))
    'ERS-2_1997-1998'
    """
    return f"{sensor}_{str(first)[:4]}-{str(last)[:4]}"


def dense_period(dense: DenseSeries, *, sensor: str) -> xr.Dataset:
    """Rate and thaw seasons of the dense sensor, along its line of sight and vertical; lazy.

    Parameters
    ----------
    dense : DenseSeries
        From the deformation product.
    sensor : str
        Mission.

    Returns
    -------
    xarray.Dataset
        See `sparse_period`.
    """
    found = dense.seasons[["deformation_rate", "thaw_season_deformation"]].drop_attrs(deep=False)
    time = dense.displacement.time.values
    facts = {"sensor": sensor, "first": str(time[0])[:10], "last": str(time[-1])[:10]}
    return _with_vertical(found, dense.incidence_angle).assign_attrs(facts)


def sparse_period(
    displacement: xr.DataArray,
    dense: DenseSeries,
    rule: SeasonRule,
    *,
    sensor: str,
    incidence_angle: float | xr.DataArray,
    temperature: pd.Series | None = None,
) -> xr.Dataset:
    """Rate and thaw seasons of a sensor with a few pairs (Chang et al., Section 3.1.2); lazy.

    Parameters
    ----------
    displacement : xarray.DataArray
        (pair, y, x) along the line of sight, mm, with coordinates ``reference`` and ``secondary``.
    dense : DenseSeries
        Its series scales seasons by Eq. 4.
    rule : SeasonRule
        Which pairs tell what.
    sensor : str
        Mission.
    incidence_angle : float or xarray.DataArray
        degree, of the scene or (y, x).
    temperature : pandas.Series, optional
        Daily, degC; then seasons scaled by the thawing index are added for comparison.

    Returns
    -------
    xarray.Dataset
        Of what the pairs allow: ``deformation_rate``, ``vertical_rate`` and ``n_pairs`` (y, x);
        ``thaw_season_deformation``, ``vertical_thaw_season``, ``guarded_pairs`` and ``index_scaled_season``
        (year, y, x), and ``mean_vertical_thaw_season`` (y, x). Attributes ``sensor``, ``first``, ``last``, and how many
        pairs are ``interannual``, ``seasonal`` and ``other``.

    Raises
    ------
    InputError
        If no pair tells a rate or a season.
    """
    dates = displacement.reference.values, displacement.secondary.values
    kinds = np.array(classify_pairs(*dates, start=rule.start, end=rule.end, tolerance=rule.tolerance))
    counts = {str(kind): int((kinds == kind).sum()) for kind in PairKind}
    if counts["other"] == kinds.size:
        raise InputError(
            f"{sensor}: none of its {kinds.size} pairs spans whole years or lies within a thaw season. "
            "Raise season_tolerance, or leave the sensor out."
        )
    found = xr.Dataset()
    if counts["interannual"]:
        found = interannual_rate(displacement.isel(pair=np.flatnonzero(kinds == PairKind.INTERANNUAL)))
    if counts["seasonal"]:
        seasonal = displacement.isel(pair=np.flatnonzero(kinds == PairKind.SEASONAL))
        found = found.merge(_seasons(seasonal, dense, rule))
        if temperature is not None:
            found["index_scaled_season"] = seasons_by_index(seasonal, temperature)
    facts = {"sensor": sensor, "first": str(dates[0].min())[:10], "last": str(dates[1].max())[:10]}
    if "year" in found.dims and found.chunks:
        found = found.chunk(year=-1)  # a chunk of the store holds all years
    return _with_vertical(found, incidence_angle).assign_attrs(facts | counts)


def _seasons(seasonal: xr.DataArray, dense: DenseSeries, rule: SeasonRule) -> xr.Dataset:
    return seasons_of_pairs(
        seasonal,
        dense.displacement,
        season_total=dense.seasons.mean_thaw_season_deformation,
        series_rate=dense.trend,
        min_share=rule.min_share,
        min_deformation=rule.min_deformation,
    )


def _with_vertical(found: xr.Dataset, incidence_angle: float | xr.DataArray) -> xr.Dataset:
    for along, vertical in _VERTICAL.items():
        if along in found:
            upward = insar.los_to_vertical(found[along], incidence_angle)
            found[vertical] = upward.rename(vertical).assign_attrs(attributes(vertical))
    if "vertical_thaw_season" in found:
        mean = found.vertical_thaw_season.mean("year", keep_attrs=False).astype(found.vertical_thaw_season.dtype)
        found["mean_vertical_thaw_season"] = mean.assign_attrs(attributes("mean_vertical_thaw_season"))
    return found


def common_area(record: Mapping[str, xr.Dataset], name: str) -> xr.DataArray:
    """Where all sensors say something.

    Parameters
    ----------
    record : mapping of str to xarray.Dataset
        By group.
    name : str
        ``vertical_rate`` or ``vertical_thaw_season``; groups without it do not count.

    Returns
    -------
    xarray.DataArray
        Boolean (y, x); of seasons, where every one of every sensor is known.
    """
    known = [group[name].notnull() for group in record.values() if name in group]
    maps = [each.all("year") if "year" in each.dims else each for each in known]
    together = maps[0]
    for each in maps[1:]:
        together = together & each
    return together


def regional_means(record: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Mean and spread of every period over the area that all sensors see (Fig. 14c); lazy, small when computed.

    Parameters
    ----------
    record : mapping of str to xarray.Dataset
        By group, on one grid.

    Returns
    -------
    xarray.Dataset
        By ``entry`` (a rate of a period, or a thaw season of a year): ``group``, ``quantity``, ``first`` and ``last``
        year, ``mean`` and ``spread`` (standard deviation between pixels), ``n_pixels`` of the common area, and
        ``lost``, the share of pixels with data that the guard of Eq. 4 left without a season.
    """
    entries = [*_rate_entries(record), *_season_entries(record)]
    return xr.concat(entries, "entry", combine_attrs="drop")


def _rate_entries(record: Mapping[str, xr.Dataset]) -> Sequence[xr.Dataset]:
    with_rate = {name: group for name, group in record.items() if "vertical_rate" in group}
    if not with_rate:
        return []
    area = common_area(with_rate, "vertical_rate")
    return [
        _entry(name, group.vertical_rate, area, years=(group.attrs["first"][:4], group.attrs["last"][:4]))
        for name, group in with_rate.items()
    ]


def _season_entries(record: Mapping[str, xr.Dataset]) -> Sequence[xr.Dataset]:
    with_season = {name: group for name, group in record.items() if "vertical_thaw_season" in group}
    if not with_season:
        return []
    area = common_area(with_season, "vertical_thaw_season")
    entries = []
    for name, group in with_season.items():
        for year in group.year.values:
            of_year = group.sel(year=year, drop=True)
            entry = _entry(name, of_year.vertical_thaw_season, area, years=(str(year), str(year)))
            entries.append(entry.assign(lost=_lost(of_year)))
    return entries


def _entry(name: str, values: xr.DataArray, area: xr.DataArray, *, years: tuple[str, str]) -> xr.Dataset:
    inside = values.where(area).astype("float64")
    facts = {"group": name, "quantity": str(values.name), "first": int(years[0]), "last": int(years[1])}
    n_pixels = inside.notnull().sum()
    known = n_pixels.where(n_pixels > 0)
    mean = inside.sum() / known
    numbers = {"mean": mean, "spread": (((inside - mean) ** 2).sum() / known) ** 0.5, "n_pixels": n_pixels}
    return xr.Dataset({**facts, **numbers, "lost": 0.0}).reset_coords(drop=True)


def _lost(of_year: xr.Dataset) -> xr.DataArray | float:
    if "guarded_pairs" not in of_year:
        return 0.0
    season = of_year.thaw_season_deformation
    guarded = (of_year.guarded_pairs > 0) & season.isnull()
    share: xr.DataArray = guarded.sum() / (guarded | season.notnull()).sum()
    return share
