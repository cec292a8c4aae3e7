"""A map's distribution within bins of another map: what box plots show."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.stats.pairing import paired_with

Values = np.ndarray[Any, Any]

BOX = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Whiskers, box and median of a box plot."""


def check_edges(edges: Sequence[float] | Values) -> Values:
    """Borders of bins as an array.

    Parameters
    ----------
    edges : sequence of float
        At least two.

    Returns
    -------
    numpy.ndarray
        (edge,) float64.

    Raises
    ------
    InputError
        If they do not increase, are not finite, or are fewer than two.
    """
    borders = np.asarray(edges, dtype=np.float64)
    if borders.ndim != 1 or borders.size < 2 or not (np.isfinite(borders).all() and (np.diff(borders) > 0).all()):
        raise InputError(f"edges: must be two or more increasing finite numbers, not {list(edges)}.")
    return borders


def binned_statistics(
    values: xr.DataArray,
    by: xr.DataArray,
    *,
    edges: Sequence[float] | Values,
    quantiles: Sequence[float] = BOX,
) -> xr.Dataset:
    """Number, mean and quantiles of a map's values in each bin of another map (Chang et al., Fig. 12b-f).

    Meant for aggregated maps: chunks are gathered.

    Parameters
    ----------
    values, by : xarray.DataArray
        On one grid, of any units; positions where either is not finite do not count.
    edges : sequence of float
        Borders of the bins of `by`, increasing. A bin holds its lower border, the last one also its upper; positions
        beyond all bins do not count.
    quantiles : sequence of float
        0 to 1; of ``numpy.quantile`` with its default, linear, interpolation.

    Returns
    -------
    xarray.Dataset
        ``count`` (bin) int64, ``mean`` (bin) and ``quantiles`` (bin, quantile) in the unit of `values`, NaN in empty
        bins; coordinates ``bin`` (middle), ``lower``, ``upper`` and ``quantile``. Lazy where an input is.

    Raises
    ------
    InputError
        If the grids differ, the borders do not increase, or a quantile lies beyond 0 to 1.

    Examples
    --------
    >>> deformation = xr.DataArray([-1.0, -3.0, -10.0, -20.0], dims="x", attrs={"units": "mm"})
    >>> slope = xr.DataArray([7.0, 9.0, 1.0, 2.0], dims="x", attrs={"units": "degree"})
    >>> result = binned_statistics(deformation, slope, edges=[0, 5, 10], quantiles=[0.5])
    >>> result["count"].values.tolist(), result["quantiles"].values.tolist()
    ([2, 2], [[-15.0], [-2.0]])
    """
    borders, levels = check_edges(edges), np.asarray(quantiles, dtype=np.float64)
    if levels.size == 0 or not ((levels >= 0) & (levels <= 1)).all():
        raise InputError(f"quantiles: must lie between 0 and 1, not {list(quantiles)}.")
    columns = ["count", "mean", *map(str, levels)]
    table = gathered(
        partial(_statistics, borders=borders, levels=levels),
        values,
        paired_with(values, by),
        outputs={"bin": len(borders) - 1, "column": len(columns)},
    )
    units = {"units": values.attrs["units"]} if "units" in values.attrs else {}
    x_units = {"units": by.attrs["units"]} if "units" in by.attrs else {}
    return xr.Dataset(
        {
            "count": table[:, 0].astype(np.int64).assign_attrs(units="1"),
            "mean": table[:, 1].assign_attrs(units),
            "quantiles": table[:, 2:].rename(column="quantile").assign_attrs(units),
        },
        coords={
            "bin": ("bin", (borders[:-1] + borders[1:]) / 2, x_units),
            "lower": ("bin", borders[:-1], x_units),
            "upper": ("bin", borders[1:], x_units),
            "quantile": ("quantile", levels, {"units": "1"}),
        },
    )


def gathered(kernel: Any, *maps: xr.DataArray, outputs: dict[str, int]) -> xr.DataArray:
    """Apply a kernel to whole maps, their chunks put together.

    Parameters
    ----------
    kernel : callable
        Takes an array for each map and returns one float64 array.
    *maps : xarray.DataArray
        Of the same dims.
    outputs : dict
        Dims of the result and their sizes.

    Returns
    -------
    xarray.DataArray
        Without coordinates; lazy where a map is.
    """
    whole = [array if array.chunks is None else array.chunk(-1) for array in maps]
    result: xr.DataArray = xr.apply_ufunc(
        kernel,
        *(array.drop_vars(array.coords) for array in whole),
        input_core_dims=[array.dims for array in whole],
        output_core_dims=[list(outputs)],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": outputs},
        keep_attrs=False,
    )
    return result


def _statistics(values: Values, by: Values, *, borders: Values, levels: Values) -> Values:
    """For each bin: number, mean, quantiles."""
    valid = np.isfinite(values) & np.isfinite(by) & (by >= borders[0]) & (by <= borders[-1])
    index = np.minimum(np.searchsorted(borders, by[valid], side="right"), len(borders) - 1) - 1
    order = np.argsort(index, kind="stable")
    groups = np.split(
        values[valid][order].astype(np.float64), np.searchsorted(index[order], range(1, len(borders) - 1))
    )
    table = np.full((len(groups), 2 + len(levels)), np.nan)
    for row, group in zip(table, groups, strict=True):
        row[0] = group.size
        if group.size:
            row[1:] = group.mean(), *np.quantile(group, levels)
    return table
