"""The one bridge from a kernel on arrays to xarray: dims, lazy application over chunks, names, units, attributes."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.variables import VARIABLES, attributes

Kernel = Callable[..., tuple[np.ndarray[Any, Any], ...]]


def lift(
    kernel: Kernel,
    *inputs: xr.DataArray,
    core_dims: Sequence[Sequence[Hashable]],
    outputs: Mapping[str, Sequence[Hashable]],
    coords: Mapping[Hashable, Any] | None = None,
    dtypes: Mapping[str, np.dtype[Any]] | None = None,
) -> xr.Dataset:
    """Apply a kernel to every position of the dims that it does not consume.

    Parameters
    ----------
    kernel : callable
        Takes as many arrays as there are inputs, each with its core dims *first* and the remaining dims after
        them, and returns a tuple of arrays laid out in the same way, in the order of `outputs`.
    *inputs : xarray.DataArray
        NumPy- or Dask-backed; along its core dims a Dask-backed array must be one chunk.
    core_dims : sequence of sequences
        For each input the dims that the kernel consumes.
    outputs : mapping
        Registered variable name to the core dims of that output.
    coords : mapping, optional
        Coordinates of core dims that are new in the outputs; their lengths give the outputs' sizes.
    dtypes : mapping, optional
        Type of an output where it is not the registry's.

    Returns
    -------
    xarray.Dataset
        The outputs with the registry's attributes; lazy where an input is lazy.

    Raises
    ------
    InputError
        If a lazy input is split along one of its core dims.
    """
    coords = dict(coords or {})
    for array, dims in zip(inputs, core_dims, strict=True):
        _require_whole(array, dims)
    types = [np.dtype((dtypes or {}).get(name, VARIABLES[name].dtype)) for name in outputs]
    results = xr.apply_ufunc(
        _core_first(kernel, [len(dims) for dims in core_dims], [len(dims) for dims in outputs.values()]),
        *inputs,
        input_core_dims=[list(dims) for dims in core_dims],
        output_core_dims=[list(dims) for dims in outputs.values()],
        dask="parallelized",
        output_dtypes=types,
        dask_gufunc_kwargs={"output_sizes": {dim: len(values) for dim, values in coords.items()}},
    )
    results = results if isinstance(results, tuple) else (results,)
    dataset = xr.Dataset(
        {
            name: result.transpose(*dims, ...).assign_attrs(attributes(name))
            for (name, dims), result in zip(outputs.items(), results, strict=True)
        }
    )
    return dataset.assign_coords(coords)


def _require_whole(array: xr.DataArray, dims: Sequence[Hashable]) -> None:
    for dim in dims:
        if array.chunks is not None and len(array.chunksizes[dim]) > 1:
            raise InputError(
                f"{array.name}: is split into {len(array.chunksizes[dim])} chunks along {dim!r}, which the computation "
                f"needs whole. Rechunk it first: .chunk({{{dim!r}: -1, 'y': 'auto', 'x': 'auto'}})."
            )


def _core_first(kernel: Kernel, n_core_in: Sequence[int], n_core_out: Sequence[int]) -> Callable[..., Any]:
    """Turn xarray's core-dims-last arrays into core-dims-first views for the kernel, and its results back."""

    def apply(*arrays: np.ndarray[Any, Any]) -> Any:
        views = [_rotate(array, n) for array, n in zip(arrays, n_core_in, strict=True)]
        results = kernel(*views)
        back = [_rotate(result, result.ndim - n) for result, n in zip(results, n_core_out, strict=True)]
        return tuple(back) if len(back) > 1 else back[0]

    return apply


def _rotate(array: np.ndarray[Any, Any], n_last: int) -> np.ndarray[Any, Any]:
    """Bring the last `n_last` axes to the front, as a view."""
    return array.transpose(*range(array.ndim - n_last, array.ndim), *range(array.ndim - n_last))
