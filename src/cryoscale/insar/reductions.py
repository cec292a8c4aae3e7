"""Sums over all pixels of arrays in chunks: one task per chunk, then a tree of additions."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

Values = np.ndarray[Any, Any]


def sum_over_pixels(kernel: Callable[..., Values], *inputs: xr.DataArray, sizes: Mapping[str, int]) -> xr.DataArray:
    """Add up what a kernel says of every chunk.

    Parameters
    ----------
    kernel : callable
        Takes the arrays of one chunk, in the order and with the dims of `inputs`, and returns the chunk's sums as
        float64 of shape ``tuple(sizes.values())``.
    *inputs : xarray.DataArray
        NumPy- or Dask-backed, ``y`` and ``x`` last. Along all other dims the kernel gets them whole.
    sizes : mapping
        Names and lengths of the result's dims.

    Returns
    -------
    xarray.DataArray
        float64; lazy where an input is lazy. Chunks change it by rounding only.

    Examples
    --------
    >>> phase = xr.DataArray(np.ones((2, 4, 4)), dims=("pair", "y", "x")).chunk(y=3)
    >>> def total(values):
    ...     return values.sum(axis=(1, 2))
    >>> sum_over_pixels(total, phase, sizes={"pair": 2}).values
    array([16., 16.])
    """
    dims = tuple(sizes)
    if all(array.chunks is None for array in inputs):
        return xr.DataArray(kernel(*(array.values for array in inputs)), dims=dims)
    operands = (operand for array in inputs for operand in (_dask(array), _indices(array)))
    parts = da.blockwise(
        partial(_one_block, kernel),
        ("y", "x", *dims),
        *operands,
        new_axes=dict(sizes),
        adjust_chunks={"y": 1, "x": 1},
        concatenate=False,
        dtype=np.float64,
        meta=np.empty((0,) * (2 + len(dims))),
    )
    return xr.DataArray(parts.sum(axis=(0, 1)), dims=dims)


def _dask(array: xr.DataArray) -> da.Array:
    lazy: da.Array = array.data if array.chunks is not None else da.from_array(array.values, chunks=-1)
    return lazy


def _indices(array: xr.DataArray) -> tuple[str, ...]:
    """Blockwise indices of an input; those that are summed over must not be taken for dims of the result."""
    return tuple(str(dim) if dim in ("y", "x") else f"whole {dim}" for dim in array.dims)


def _one_block(kernel: Callable[..., Values], *blocks: Any) -> Values:
    sums: Values = kernel(*(_join(block) for block in blocks))[None, None]
    return sums


def _join(block: Any, axis: int = 0) -> Values:
    """Join nested lists of chunks; Dask's own way copies even a single one."""
    if not isinstance(block, list):
        return np.asarray(block)
    parts = [_join(part, axis + 1) for part in block]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis)
