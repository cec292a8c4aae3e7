"""Quantities of a pixel and its neighbours, over chunks that borrow what they need from each other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import dask
import dask.array as da
import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.grids import geobox_of
from cryoscale.terrain._derivatives import Frame
from cryoscale.terrain.frames import Frames, local_frames
from cryoscale.variables import attributes, check_units

Values = np.ndarray[Any, Any]
Compute = Callable[[Values, Frame], Values]


@dataclass(frozen=True)
class Ground:
    """Heights with the local frames of their grid.

    Attributes
    ----------
    elevation : xarray.DataArray
        (y, x), m, float32 or float64; lazy or not.
    frames : Frames
        Of every pixel.
    """

    elevation: xr.DataArray
    frames: Frames

    @classmethod
    def of(cls, elevation: xr.DataArray) -> Self:
        """Check heights and find the frames of their grid.

        Parameters
        ----------
        elevation : xarray.DataArray
            (y, x), m, on a grid with a CRS.

        Returns
        -------
        Ground

        Raises
        ------
        InputError
            If the elevation is not in m, has other dims, is not of numbers, or its grid has no frames.
        """
        name = elevation.name or "elevation"
        if set(elevation.dims) != {"y", "x"}:
            raise InputError(
                f"{name}: has the dims {tuple(elevation.dims)}; terrain needs one map with the dims ('y', 'x'). "
                "Select it first, for example .squeeze('band', drop=True)."
            )
        if elevation.dtype.kind not in "iuf":
            raise InputError(f"{name}: is of type {elevation.dtype}; heights must be numbers, in m.")
        check_units(elevation, "elevation")
        if min(elevation.shape) < 2:
            raise InputError(f"{name}: has the shape {elevation.shape}; differences need two rows and columns or more.")
        heights = elevation if elevation.dtype in (np.float32, np.float64) else elevation.astype(np.float64)
        return cls(heights.transpose("y", "x"), local_frames(geobox_of(elevation)))

    def derive(self, names: Sequence[str], compute: Compute, *, depth: tuple[int, int] = (1, 1)) -> xr.Dataset:
        """Apply a function to each chunk and its neighbours.

        Parameters
        ----------
        names : sequence of str
            Registered variables, in the order of the function's results.
        compute : callable
            From the heights (y, x) and the frames of a block to the results (variable, y, x), float32. It takes the
            block for a whole grid: what it makes of its borders counts at the borders of the grid only.
        depth : tuple of int
            How many rows and columns away from a pixel its result depends on.

        Returns
        -------
        xarray.Dataset
            The variables (y, x) on the grid of the heights, with the registry's attributes, lazy if they are lazy.
        """
        results = self._apply(compute, depth, len(names))
        coords = self.elevation.coords
        return xr.Dataset(
            {name: xr.DataArray(results[i], coords, ("y", "x"), name, attributes(name)) for i, name in enumerate(names)}
        )

    def _apply(self, compute: Compute, depth: tuple[int, int], n_results: int) -> Any:
        heights = self.elevation.data
        if not isinstance(heights, da.Array):
            return compute(np.ascontiguousarray(heights), self.frames.part((0, 0), heights.shape))
        padded = da.overlap.overlap(heights, depth=dict(enumerate(depth)), boundary="none", allow_rechunk=True)
        sizes = tuple(_without_halo(chunks, halo) for chunks, halo in zip(padded.chunks, depth, strict=True))
        results = da.map_blocks(
            _compute_block,
            padded,
            frames=dask.delayed(self.frames, pure=True),
            compute=compute,
            depth=depth,
            sizes=sizes,
            new_axis=0,
            chunks=((n_results,), *sizes),
            dtype=np.float32,
            meta=np.empty((0, 0, 0), np.float32),
        )
        return results.rechunk((-1, *heights.chunks))


def _without_halo(chunks: tuple[int, ...], halo: int) -> tuple[int, ...]:
    last = len(chunks) - 1
    return tuple(size - halo * ((i > 0) + (i < last)) for i, size in enumerate(chunks))


def _compute_block(
    padded: Values,
    *,
    frames: Frames,
    compute: Compute,
    depth: tuple[int, int],
    sizes: tuple[tuple[int, ...], tuple[int, ...]],
    block_id: tuple[int, ...],
) -> Values:
    """Results of one chunk, from heights with neighbours on the sides where the grid goes on."""
    blocks = block_id[-2:]
    before = tuple(halo if block > 0 else 0 for halo, block in zip(depth, blocks, strict=True))
    first = [sum(along[:block]) - halo for along, block, halo in zip(sizes, blocks, before, strict=True)]
    results = compute(np.ascontiguousarray(padded), frames.part((first[0], first[1]), padded.shape))
    rows, columns = (slice(halo, halo + s[block]) for halo, s, block in zip(before, sizes, blocks, strict=True))
    return results[:, rows, columns]
