"""A displacement series against measurements at a point, such as GNSS interferometric reflectometry."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.stats import scores
from cryoscale.variables import check_units

MAX_DAYS = 6.0
"""How far in time, d, a measurement may be from an epoch: half of Sentinel-1's revisit."""


def compare_point(
    displacement: xr.DataArray,
    measured: pd.Series,
    *,
    y: float,
    x: float,
    size: int = 1,
    max_days: float = MAX_DAYS,
    reference_date: str | None = None,
) -> xr.Dataset:
    """Compare a displacement series with measurements at a point (Chang et al., Section 4.1.1 and Fig. S9).

    Parameters
    ----------
    displacement : xarray.DataArray
        (time, y, x), mm; vertical if the measurements are.
    measured : pandas.Series
        Displacement of the point, mm, with dates as index.
    y, x : float
        The point, in the coordinates of the grid.
    size : int
        Side of the square of pixels around the point that are averaged, odd.
    max_days : float
        An epoch is compared with the mean of the measurements at most so many days away.
    reference_date : str, optional
        Both series are zero at the common epoch nearest to it; by default at the first.

    Returns
    -------
    xarray.Dataset
        In memory: ``estimate`` and ``measured`` (time) at the common epochs, mm, both relative to the reference epoch,
        and the scores of one as a prediction of the other: ``n``, ``r``, ``bias``, ``mae``, ``rmse``, ...

    Raises
    ------
    InputError
        If the point lies outside the grid, a unit is wrong, the size is even, or there are fewer than two common
        epochs.

    Examples
    --------
    >>> days = pd.date_range("2018-06-01", periods=4, freq="12D")
    >>> cube = xr.DataArray(np.arange(4.0)[:, None, None], {"time": days, "y": [0.0], "x": [0.0]}, ("time", "y", "x"))
    >>> result = compare_point(cube, pd.Series([5.0, 6.0, 7.5], days[1:]), y=0.0, x=0.0)
    >>> result.estimate.values, result.measured.values, float(result.rmse.round(3))
    (array([0., 1., 2.]), array([0. , 1. , 2.5]), 0.289)
    """
    estimate = _around(check_units(displacement, "displacement"), y=y, x=x, size=size)
    means = [_mean_near(measured, epoch, max_days) for epoch in estimate.time.values]
    both = xr.Dataset({"estimate": estimate, "measured": ("time", np.array(means, float))}).dropna("time")
    if both.sizes["time"] < 2:
        raise InputError(
            f"measured: {both.sizes['time']} epochs have a measurement within {max_days:g} days and data at the point; "
            f"the series runs from {_span(estimate.time.values)}, the measurements from {_span(measured.index.values)}."
        )
    zero = both.time.values[0] if reference_date is None else np.datetime64(reference_date, "ns")
    both = both - both.sel(time=zero, method="nearest", drop=True)
    for array in both.values():
        array.attrs = {"units": "mm"}
    return both.merge(scores(both.estimate, both.measured))


def _around(displacement: xr.DataArray, *, y: float, x: float, size: int) -> xr.DataArray:
    if size < 1 or size % 2 == 0:
        raise InputError(f"size: {size} pixels have no middle. Give an odd number.")
    place = {}
    for dim, value in (("y", y), ("x", x)):
        values = displacement[dim].values
        nearest = int(np.abs(values - value).argmin())
        step = np.abs(np.diff(values)).min() if values.size > 1 else np.inf
        if abs(values[nearest] - value) > 0.5 * step * (1 + 1e-9):
            raise InputError(f"{dim}: {value} lies outside the grid, {values.min():.8g} to {values.max():.8g}.")
        place[dim] = slice(max(nearest - size // 2, 0), nearest + size // 2 + 1)
    mean: xr.DataArray = displacement.isel(place).mean(["y", "x"]).compute()
    return mean.reset_coords(drop=True)


def _mean_near(measured: pd.Series, epoch: np.datetime64, max_days: float) -> float:
    days = np.abs((measured.index.values - epoch) / np.timedelta64(1, "D"))
    return float(measured[days <= max_days].mean())


def _span(dates: Any) -> str:
    return f"{str(dates.min())[:10]} to {str(dates.max())[:10]}" if dates.size else "nothing"
