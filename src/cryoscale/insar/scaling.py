"""From single interferograms of sparse sensors to rates and whole thaw seasons."""

import functools
from typing import Any

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.insar.alignment import on_grid_of
from cryoscale.lift import lift
from cryoscale.variables import attributes, check_units

Values = np.ndarray[Any, Any]

MIN_SHARE = 0.2
"""Least share of the season that is scaled to the whole: errors of the pair grow five times at most."""

MIN_DEFORMATION = 1.0
"""Least deformation between the dates of a pair that is a measure of its share, mm."""


def normalise_to_year(displacement: xr.DataArray, reference: Any, secondary: Any) -> xr.DataArray:
    """Displacement of a pair per year: divided by its days, times 365.25 (Chang et al., Section 3.1.2).

    Meant for pairs of similar dates in different years, whose seasonal parts cancel.

    Parameters
    ----------
    displacement : xarray.DataArray
        mm, of one pair or with a dim ``pair``.
    reference, secondary : datetime-like or xarray.DataArray
        Dates of the acquisitions, of one pair or (pair).

    Returns
    -------
    xarray.DataArray
        ``pair_rate``, mm a-1, in the type of `displacement`.

    Raises
    ------
    InputError
        If the displacement is in another unit, or a secondary date is not after its reference date.

    Examples
    --------
    >>> two_years = xr.DataArray(-14.0)
    >>> float(normalise_to_year(two_years, np.datetime64("2003-10-18"), np.datetime64("2005-10-22")).round(3))
    -6.957
    """
    check_units(displacement, "pair_displacement")
    first, second = (xr.DataArray(date).astype("datetime64[ns]") for date in (reference, secondary))
    days = (second - first) / np.timedelta64(1, "D")
    if not bool((days > 0).all()):
        raise InputError(
            f"secondary: {_days(second)} is not after reference {_days(first)}. "
            "Swap the dates and the displacement's sign."
        )
    rate = (displacement * (365.25 / days)).astype(displacement.dtype)
    return rate.rename("pair_rate").drop_attrs(deep=False).assign_attrs(attributes("pair_rate"))


def scale_to_season(
    partial: xr.DataArray,
    season_total: xr.DataArray,
    season_partial: xr.DataArray,
    *,
    min_share: float = MIN_SHARE,
    min_deformation: float | xr.DataArray = MIN_DEFORMATION,
) -> xr.Dataset:
    r"""Scale the deformation of a part of the thaw season to the whole of it by another sensor's series.

    .. math:: D = D_{t_1 t_2} \frac{D_{S1}^{\mathrm{season}}}{D_{S1}^{t_1 t_2}}

    (Chang et al., Eq. 4.) The share of the season, the inverse of the fraction, must be at least `min_share`, and the
    denominator's magnitude at least `min_deformation`; elsewhere there is no scaled deformation, and `season_guarded`
    says so. That also excludes shares below 0, where part and whole move in opposite directions. A share above 1 (the
    ground has begun to heave before the season's end) makes the deformation smaller and is kept.

    Parameters
    ----------
    partial : xarray.DataArray
        (y, x), deformation of the other sensor between two dates, mm; without its long-term trend, if that counts.
    season_total : xarray.DataArray
        (y, x), ``mean_thaw_season_deformation`` from `thaw_season`.
    season_partial : xarray.DataArray
        (y, x), ``partial_season_deformation`` from `season_between` of the same dates.
    min_share : float
        Least share of the season, above 0 up to 1.
    min_deformation : float or xarray.DataArray
        Least magnitude of `season_partial`, mm: a number, or (y, x), for instance twice its standard error.

    Returns
    -------
    xarray.Dataset
        ``scaled_season_deformation``, mm, ``season_share``, and ``season_guarded``, true where all three inputs have
        data but the rule forbids scaling (y, x). Its sum is the number of pixels lost.

    Raises
    ------
    InputError
        If an input is in another unit or on another grid, or a limit cannot be one.

    Examples
    --------
    >>> part, total = xr.DataArray([-10.0, -3.0], dims="x"), xr.DataArray([-40.0, -40.0], dims="x")
    >>> scaled = scale_to_season(xr.DataArray([-12.0, -5.0], dims="x"), total, part)
    >>> scaled.scaled_season_deformation.values, int(scaled.season_guarded.sum())
    (array([-48.,  nan]), 1)
    """
    if not 0.0 < min_share <= 1.0:
        raise InputError(f"min_share: {min_share} is not a share above 0 up to 1.")
    check_units(partial, "pair_displacement")
    total = on_grid_of(partial, check_units(season_total, "mean_thaw_season_deformation"))
    part = on_grid_of(partial, check_units(season_partial, "partial_season_deformation"))
    floor = on_grid_of(partial, xr.DataArray(min_deformation))
    if floor.ndim == 0 and not float(floor) >= 0.0:
        raise InputError(f"min_deformation: {min_deformation} mm is no least magnitude. Give 0 or more.")
    return lift(
        functools.partial(_by_share, min_share=min_share),
        partial,
        total,
        part,
        floor,
        core_dims=[[], [], [], []],
        outputs={"scaled_season_deformation": [], "season_share": [], "season_guarded": []},
        dtypes=dict.fromkeys(("scaled_season_deformation", "season_share"), partial.dtype),
    )


def scale_by_thawing_index(
    partial: xr.DataArray,
    ddt_total: xr.DataArray | float,
    *,
    ddt_reference: xr.DataArray | float,
    ddt_secondary: xr.DataArray | float,
) -> xr.DataArray:
    r"""Scale the deformation of a part of the thaw season to the whole of it by the thawing index.

    .. math:: D = D_{t_1 t_2} \frac{\sqrt{I}}{\sqrt{I(t_2)} - \sqrt{I(t_1)}}

    with the thawing degree-days I(t) accumulated from the onset of thaw. This is the approach that Chang et al. reject
    (Section 3.1.2) in favour of Eq. 4, for comparison. They cite Chen et al. (2023) and give no formula; what is
    taken here is Stefan's law for the depth of thaw, in which subsidence grows with the root of the index (Liu et al.
    2012, J. Geophys. Res. 117, F01005).

    Parameters
    ----------
    partial : xarray.DataArray
        (y, x), deformation between two dates, mm.
    ddt_total : xarray.DataArray or float
        Thawing index of the whole season, degC d.
    ddt_reference, ddt_secondary : xarray.DataArray or float
        Thawing index on the two dates, degC d.

    Returns
    -------
    xarray.DataArray
        ``scaled_season_deformation``, mm; NaN where the index does not grow between the dates.

    Raises
    ------
    InputError
        If the deformation is in another unit, or an index is on another grid.

    Examples
    --------
    >>> float(scale_by_thawing_index(xr.DataArray(-10.0), 900.0, ddt_reference=100.0, ddt_secondary=400.0))
    -30.0
    """
    check_units(partial, "pair_displacement")
    indices = [on_grid_of(partial, xr.DataArray(index)) for index in (ddt_total, ddt_reference, ddt_secondary)]
    scaled = lift(
        _by_index,
        partial,
        *indices,
        core_dims=[[], [], [], []],
        outputs={"scaled_season_deformation": []},
        dtypes={"scaled_season_deformation": partial.dtype},
    )
    return scaled["scaled_season_deformation"]


def _by_share(partial: Values, total: Values, part: Values, floor: Values, *, min_share: float) -> tuple[Values, ...]:
    with np.errstate(divide="ignore", invalid="ignore"):
        share = part / total
        scaled = partial * (total / part)
    known = np.isfinite(partial) & np.isfinite(total) & np.isfinite(part)
    enough = (share >= min_share) & (np.abs(part) >= floor)
    results = np.where(known & enough, scaled, np.nan), np.where(np.isfinite(share), share, np.nan)
    return *(result.astype(partial.dtype) for result in results), known & ~enough


def _by_index(partial: Values, total: Values, first: Values, second: Values) -> tuple[Values]:
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = np.sqrt(second) - np.sqrt(first)
        scaled = partial * (np.sqrt(total) / growth)
    return (np.where(growth > 0, scaled, np.nan).astype(partial.dtype),)


def _days(dates: xr.DataArray) -> str:
    return ", ".join(str(date)[:10] for date in np.atleast_1d(dates.values))
