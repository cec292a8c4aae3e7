"""Two maps of the same places: one grid, one unit, and counts summed over their chunks."""

from collections.abc import Callable, Hashable
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from odc.geo.crs import CRS

from cryoscale.errors import InputError

Values = np.ndarray[Any, Any]

_TOLERANCE = 1e-3
"""Coordinates that differ by less than this share of a step are the same: files round them differently."""


def paired_with(first: xr.DataArray, second: xr.DataArray) -> xr.DataArray:
    """Give an array that lies on the same grid the very coordinates of the other.

    Parameters
    ----------
    first, second : xarray.DataArray
        Of the same dims, in any order.

    Returns
    -------
    xarray.DataArray
        `second` with the order of dims and the coordinates of `first`, so that they align without loss.

    Raises
    ------
    InputError
        If dims, sizes, coordinates or coordinate reference systems differ.

    Examples
    --------
    >>> a = xr.DataArray([1.0, 2.0], dims="x", coords={"x": [0.1, 0.2]})
    >>> b = xr.DataArray([3.0, 4.0], dims="x", coords={"x": [0.1, 0.2000001]})
    >>> paired_with(a, b).x.values.tolist()
    [0.1, 0.2]
    """
    if dict(first.sizes) != dict(second.sizes):
        raise _other_grid(first, second, f"{_extent(first)} against {_extent(second)}")
    for dim in first.dims:
        _require_equal_coordinate(first, second, dim)
    crs, other = (array.odc.crs if "spatial_ref" in array.coords else None for array in (first, second))
    if crs is not None and other is not None and crs != other:
        raise _other_grid(first, second, f"{_crs_name(crs)} against {_crs_name(other)}")
    return first.copy(data=second.transpose(*first.dims).data).assign_attrs(second.attrs).rename(second.name)


def _require_equal_coordinate(first: xr.DataArray, second: xr.DataArray, dim: Hashable) -> None:
    if dim not in first.coords or dim not in second.coords:
        return
    a, b = first[dim].values, second[dim].values
    if np.issubdtype(a.dtype, np.number) and np.issubdtype(b.dtype, np.number):
        step = np.abs(np.diff(a)).min() if a.size > 1 else 1.0
        equal = np.abs(a - b) <= _TOLERANCE * step
    else:
        equal = a == b
    if not equal.all():
        at = int(np.argmin(equal))
        raise _other_grid(first, second, f"{dim}[{at}] is {a[at]} against {b[at]}")


def _crs_name(crs: CRS) -> str:
    return str(crs) if crs.epsg is None else f"EPSG:{crs.epsg}"


def _extent(array: xr.DataArray) -> str:
    return " x ".join(f"{size} {dim}" for dim, size in array.sizes.items())


def _other_grid(first: xr.DataArray, second: xr.DataArray, difference: str) -> InputError:
    return InputError(
        f"{second.name or 'second map'}: lies on another grid than {first.name or 'the first map'} ({difference}). "
        "Resample one onto the grid of the other first."
    )


def require_same_units(first: xr.DataArray, second: xr.DataArray) -> str | None:
    """Refuse two arrays whose ``units`` attributes differ; one without the attribute is taken to be right.

    Parameters
    ----------
    first, second : xarray.DataArray
        Of any dims.

    Returns
    -------
    str or None
        The unit, if either says it.

    Raises
    ------
    InputError
        If the units differ.
    """
    a, b = first.attrs.get("units"), second.attrs.get("units")
    if a is not None and b is not None and a != b:
        raise InputError(
            f"{second.name or 'second map'}: is in {b!r}, but {first.name or 'the first map'} is in {a!r}. "
            "Convert the values of one and set its attrs['units']."
        )
    return a if a is not None else b


def sum_over_chunks(count: Callable[..., Values], *arrays: xr.DataArray, shape: tuple[int, ...]) -> Any:
    """Sum of what a function counts in each chunk.

    Parameters
    ----------
    count : callable
        Takes a chunk of each array and returns integers of `shape`.
    *arrays : xarray.DataArray
        Of the same dims and coordinates.
    shape : tuple of int
        Of the counts.

    Returns
    -------
    numpy.ndarray or dask.array.Array
        int64; lazy where an input is lazy. Sums of integers are the same for all chunks.
    """
    lazy = next((array for array in arrays if array.chunks is not None), None)
    if lazy is None:
        return count(*(array.values for array in arrays)).astype(np.int64)
    unified = xr.unify_chunks(*(a if a.chunks is not None else a.chunk(lazy.chunksizes) for a in arrays))
    n_dims = lazy.ndim
    counts = da.map_blocks(
        lambda *blocks: count(*blocks)[(np.newaxis,) * n_dims],
        *(array.data for array in unified),
        new_axis=list(range(n_dims, n_dims + len(shape))),
        chunks=(*((1,) * n for n in unified[0].data.numblocks), *((size,) for size in shape)),
        dtype=np.int64,
        meta=np.empty((0,) * (n_dims + len(shape)), np.int64),
    )
    return counts.sum(axis=tuple(range(n_dims)), dtype=np.int64)
