"""Thawing degree-days of fine pixels, from coarse daily temperatures and a fine detail."""

from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.lift import lift
from cryoscale.thermal._footprint import sharpen
from cryoscale.thermal._thaw_sums import sum_thaw
from cryoscale.thermal.footprint import as_factor
from cryoscale.thermal.series import require_daily

Values = np.ndarray[Any, Any]


def smooth_nodes(coarse: xr.DataArray, factor: int | tuple[int, int]) -> xr.DataArray:
    """Values at the centres of coarse pixels whose bilinear field has the coarse values for means.

    Parameters
    ----------
    coarse : xarray.DataArray
        (time, y, x), any unit, in memory; a missing pixel takes the value of the nearest.
    factor : int or tuple of int
        Fine pixels in a coarse one, along y and x.

    Returns
    -------
    xarray.DataArray
        (time, node_y, node_x), float32, NaN in images without any value.

    Examples
    --------
    >>> flat = xr.DataArray(np.full((1, 2, 2), 3.0), dims=("time", "y", "x"))
    >>> smooth_nodes(flat, 4).values.ravel().tolist()
    [3.0, 3.0, 3.0, 3.0]
    """
    values = coarse.transpose("time", "y", "x")
    seen = np.isfinite(values.values).any(axis=(1, 2))
    nodes = np.full(values.shape, np.nan, np.float32)
    nodes[seen] = sharpen(values.values[seen].astype(np.float64), *as_factor(factor))
    return xr.DataArray(nodes, {"time": coarse.time}, ("time", "node_y", "node_x"), coarse.name, dict(coarse.attrs))


def downscaled_thaw(
    nodes: xr.DataArray, detail: xr.DataArray, *, step: Values, factor: int | tuple[int, int]
) -> xr.Dataset:
    r"""Thawing degree-days of every calendar year of downscaled daily temperatures.

    .. math:: \mathrm{DDT} = \sum_t \max(0, \; d_{k(t)} + B s_t)

    with the bilinear field B s of each day, whose means over coarse pixels are what was observed, and the detail d of
    its season, whose means are zero: what `Downscaler.predict` makes of an image of zeros, since it is linear in the
    image. The daily fields are made and summed pixel by pixel and never stored: a year of 30 m over an area as large
    as the Datong basin would take 9 GB.

    Parameters
    ----------
    nodes : xarray.DataArray
        (time, node_y, node_x) values s of every day at the centres of coarse pixels, degC; whole years, in memory or
        lazy in one chunk. From `smooth_nodes`.
    detail : xarray.DataArray
        (step, y, x) detail d, K, on the fine grid whose first pixel is that of the first coarse one; lazy or not.
    step : numpy.ndarray
        (time,) position along ``step`` of each day's detail.
    factor : int or tuple of int
        Fine pixels in a coarse one, along y and x.

    Returns
    -------
    xarray.Dataset
        (year, y, x) ``ddt`` (degC d) and ``thawing_days`` (d above 0 degC), NaN and 0 where a node is missing on some
        day. Lazy where `detail` is.

    Raises
    ------
    InputError
        If a day is missing, the years are not whole, or the fine grid has not as many pixels as the nodes say.

    Examples
    --------
    >>> time = np.arange("2019-01-01", "2020-01-01", dtype="datetime64[D]").astype("datetime64[ns]")
    >>> nodes = xr.DataArray(np.full((365, 1, 1), 1.0), {"time": time}, ("time", "node_y", "node_x"))
    >>> detail = xr.DataArray([[[-2.0, 0.5]]], dims=("step", "y", "x"))
    >>> sums = downscaled_thaw(nodes, detail, step=np.zeros(365, int), factor=(1, 2))
    >>> sums.ddt.values.tolist(), sums.thawing_days.values.tolist()
    ([[[0.0, 547.5]]], [[[0.0, 365.0]]])
    """
    factors = as_factor(factor)
    years, position = _years_of(require_daily(nodes))
    expected = tuple(nodes.sizes[dim] * f for dim, f in zip(("node_y", "node_x"), factors, strict=True))
    if (detail.sizes["y"], detail.sizes["x"]) != expected:
        raise InputError(
            f"detail: has {detail.sizes['y']} x {detail.sizes['x']} pixels, but the nodes with a factor of {factors} "
            f"have {expected[0]} x {expected[1]}. Crop it to whole coarse pixels."
        )
    kernel = partial(_sums, factors=factors, n_years=years.size, step=np.asarray(step, np.int64), position=position)
    rows, columns = (
        xr.DataArray(np.arange(size), dims=dim).chunk({dim: detail.chunksizes[dim]} if detail.chunks else {})
        for dim, size in zip("yx", expected, strict=True)
    )
    if detail.chunks is None:
        rows, columns = rows.compute(), columns.compute()
    sums = lift(
        kernel,
        nodes,
        detail,
        rows,
        columns,
        core_dims=[["time", "node_y", "node_x"], ["step"], [], []],
        outputs={"ddt": ("year",), "thawing_days": ("year",)},
        coords={"year": years},
    )
    grid = {name: detail.coords[name] for name in ("y", "x", "spatial_ref") if name in detail.coords}
    return sums.assign_coords(grid)


def _years_of(dates: Values) -> tuple[Values, Values]:
    """Calendar years of a series of whole ones, and the position of each day's year among them."""
    if str(dates[0])[5:] != "01-01" or str(dates[-1])[5:] != "12-31":
        raise InputError(f"time: runs from {dates[0]} to {dates[-1]}; thawing indices need whole calendar years.")
    calendar = dates.astype("datetime64[Y]").astype(np.int64) + 1970
    years, position = np.unique(calendar, return_inverse=True)
    return years, position


def _sums(
    nodes: Values,
    detail: Values,
    rows: Values,
    columns: Values,
    *,
    step: Values,
    position: Values,
    factors: tuple[int, int],
    n_years: int,
) -> tuple[Values, Values]:
    shape = (n_years, *detail.shape[1:])
    sums, days = np.zeros(shape), np.zeros(shape, np.float32)
    sum_thaw(nodes, detail, step, rows.ravel(), columns.ravel(), factors, position, sums, days)
    return sums.astype(np.float32), days
