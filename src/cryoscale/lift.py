"""The one bridge from a kernel on arrays to xarray: dims, lazy application over chunks, names, units, attributes."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from operator import getitem
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask._task_spec import Task, TaskRef
from dask.highlevelgraph import HighLevelGraph

from cryoscale.errors import InputError
from cryoscale.variables import VARIABLES, attributes

Values = np.ndarray[Any, Any]
Kernel = Callable[..., tuple[Values, ...]]


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
    sizes = {dim: size for array in inputs for dim, size in array.sizes.items()}
    sizes |= {dim: len(values) for dim, values in coords.items()}
    results = xr.apply_ufunc(
        _Lifted(
            kernel,
            n_core_in=tuple(len(dims) for dims in core_dims),
            core_shapes=tuple(tuple(sizes[dim] for dim in dims) for dims in outputs.values()),
            dtypes=tuple(np.dtype((dtypes or {}).get(name, VARIABLES[name].dtype)) for name in outputs),
        ),
        *inputs,
        input_core_dims=[list(dims) for dims in core_dims],
        output_core_dims=[list(dims) for dims in outputs.values()],
        dask="allowed",
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


@dataclass(frozen=True)
class _Lifted:
    """A kernel for xarray's arrays, whose core dims come last: eager on NumPy, one task a chunk on Dask.

    xarray's own way to Dask (``dask="parallelized"``) copies every chunk into an array with its core dims innermost,
    which the kernel's own layout then makes it copy back.
    """

    kernel: Kernel
    n_core_in: tuple[int, ...]
    core_shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[np.dtype[Any], ...]

    def __call__(self, *arrays: Any) -> Any:
        results = self._lazy(arrays) if any(isinstance(array, da.Array) for array in arrays) else self._eager(*arrays)
        return results if len(results) > 1 else results[0]

    def _eager(self, *blocks: Any) -> tuple[Values, ...]:
        """Call the kernel on blocks; those of Dask come in a list for each core dim, which is one chunk."""
        views = [_rotate(_unwrap(block), n) for block, n in zip(blocks, self.n_core_in, strict=True)]
        results = self.kernel(*views)
        return tuple(_rotate(r, r.ndim - len(core)) for r, core in zip(results, self.core_shapes, strict=True))

    def _lazy(self, arrays: Sequence[Any]) -> tuple[da.Array, ...]:
        lazy = [da.asarray(array) for array in arrays]
        n_loop = max(array.ndim - n for array, n in zip(lazy, self.n_core_in, strict=True))
        fresh = count(n_loop)
        labels = [
            (*range(n_loop - (array.ndim - n), n_loop), *(next(fresh) for _ in range(n)))
            for array, n in zip(lazy, self.n_core_in, strict=True)
        ]
        operands = [item for pair in zip(lazy, labels, strict=True) for item in pair]
        together = da.blockwise(
            self._eager, tuple(range(n_loop)), *operands, concatenate=False, meta=np.empty((0,) * n_loop, object)
        )
        return tuple(_part(together, i, core, dtype) for i, (core, dtype) in enumerate(self._described()))

    def _described(self) -> Iterator[tuple[tuple[int, ...], np.dtype[Any]]]:
        return zip(self.core_shapes, self.dtypes, strict=True)


def _unwrap(block: Any) -> Values:
    while isinstance(block, list):
        (block,) = block
    return block  # type: ignore[no-any-return]


def _part(together: da.Array, position: int, core: tuple[int, ...], dtype: np.dtype[Any]) -> da.Array:
    """One of the results that each block of `together` holds."""
    name = f"{together.name}-{position}"
    tasks: dict[Any, Task] = {
        (name, *block, *(0 for _ in core)): Task(
            (name, *block, *(0 for _ in core)), getitem, TaskRef((together.name, *block)), position
        )
        for block in np.ndindex(together.numblocks)
    }
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=[together])  # type: ignore[list-item]
    chunks = (*together.chunks, *((size,) for size in core))
    return da.Array(graph, name, chunks, meta=np.empty((0,) * len(chunks), dtype))


def _rotate(array: Values, n_last: int) -> Values:
    """Bring the last `n_last` axes to the front, as a view."""
    return array.transpose(*range(array.ndim - n_last, array.ndim), *range(array.ndim - n_last))
