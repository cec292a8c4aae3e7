"""The reference area: where the ground is taken to stand still, and each interferogram's phase there."""

from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask.array.overlap import ensure_minimum_chunksize

from cryoscale.errors import InputError
from cryoscale.variables import attributes

Window = tuple[slice, slice]
Values = np.ndarray[Any, Any]

_COHERENCE_STEPS = 10_000
"""Coherence is compared in these steps, as integers: their sums do not depend on the order of adding."""

_CANDIDATE = np.dtype([("score", "i8"), ("row", "i8"), ("column", "i8")])


def coverage_per_pair(phase: xr.DataArray) -> xr.DataArray:
    """Share of a stack's pixels in which each interferogram has data.

    Parameters
    ----------
    phase : xarray.DataArray
        (pair, y, x), NaN where there is no data.

    Returns
    -------
    xarray.DataArray
        ``coverage`` (pair), 0 to 1.

    Examples
    --------
    >>> float(coverage_per_pair(xr.DataArray([[[1.0, np.nan]]], dims=("pair", "y", "x")))[0])
    0.5
    """
    share = phase.notnull().sum(["y", "x"]) / (phase.sizes["y"] * phase.sizes["x"])
    return share.astype("float32").rename("coverage").assign_attrs(attributes("coverage"))


def reference_candidates(phase: xr.DataArray, coherence: xr.DataArray | None = None, *, size: int = 5) -> xr.DataArray:
    """Best reference square of every chunk: most data first, then highest coherence.

    The score of a square is the sum over its pixels of the number of pairs with data; among equals the higher sum of
    the mean coherence wins. A square may reach over the border of its chunk.

    Parameters
    ----------
    phase : xarray.DataArray
        (pair, y, x), NaN where there is no data.
    coherence : xarray.DataArray, optional
        (pair, y, x).
    size : int
        Side of the square, pixels.

    Returns
    -------
    xarray.DataArray
        One record of score, row and column of the square's first pixel for every chunk (block_y, block_x).

    Raises
    ------
    InputError
        If the square is larger than the grid.
    """
    count = phase.notnull().sum("pair").astype("i8")
    score = count * (size * size * _COHERENCE_STEPS + 1)
    if coherence is not None:
        mean = coherence.fillna(0).mean("pair", dtype="float64")
        score = score + (mean * _COHERENCE_STEPS).round().astype("i8")
    if size > min(score.shape):
        raise InputError(
            f"reference.size: {size} pixels is more than the grid of {score.shape} has. Give a smaller one."
        )
    scores = score.data if score.chunks is not None else da.from_array(score.values, chunks=-1)
    # A chunk narrower than the square would need more than its neighbour.
    scores = scores.rechunk(tuple(ensure_minimum_chunksize(size, sizes) for sizes in scores.chunks))
    sums = da.overlap.overlap(scores, depth=size, boundary=0, allow_rechunk=False)
    best = da.map_blocks(
        partial(_best_square, size=size, chunks=scores.chunks),
        sums,
        dtype=_CANDIDATE,
        chunks=tuple((1,) * len(sizes) for sizes in scores.chunks),
        meta=np.empty((0, 0), _CANDIDATE),
    )
    return xr.DataArray(best, dims=("block_y", "block_x"))


def _best_square(
    padded: Values, *, size: int, chunks: tuple[tuple[int, ...], ...], block_id: tuple[int, int] | None = None
) -> Values:
    """First square of the highest score whose first pixel lies in this chunk; `padded` has `size` pixels around it."""
    row, column = (sum(sizes[:i]) for sizes, i in zip(chunks, block_id or (0, 0), strict=True))
    rows, columns = (extent - 2 * size for extent in padded.shape)
    total = np.pad(padded, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    sums = total[size:, size:] - total[:-size, size:] - total[size:, :-size] + total[:-size, :-size]
    inside = sums[size : size + rows, size : size + columns]
    i, j = np.unravel_index(np.argmax(inside), inside.shape)
    return np.array([[(inside[i, j], row + i, column + j)]], dtype=_CANDIDATE)


def choose_reference(candidates: xr.DataArray, *, size: int = 5) -> Window:
    """Best of the chunks' candidates; the first in reading order among equals, whatever the chunks.

    Parameters
    ----------
    candidates : xarray.DataArray
        From `reference_candidates`, computed.
    size : int
        Side of the square, pixels.

    Returns
    -------
    tuple of slice
        Rows and columns.

    Raises
    ------
    InputError
        If no pixel of the stack has data.
    """
    records = candidates.values.ravel()
    best = records[np.lexsort((records["column"], records["row"], -records["score"]))[0]]
    if best["score"] == 0:
        raise InputError(
            "unwrapped_phase: holds no data at all above the coherence threshold. Check the files' nodata."
        )
    row, column = int(best["row"]), int(best["column"])
    return slice(row, row + size), slice(column, column + size)


def reference_offset(phase: xr.DataArray, window: Window) -> xr.DataArray:
    """Mean phase of each interferogram in the reference area.

    Parameters
    ----------
    phase : xarray.DataArray
        (pair, y, x), rad.
    window : tuple of slice
        Rows and columns.

    Returns
    -------
    xarray.DataArray
        (pair), rad; NaN where the interferogram has no data in the area.
    """
    area = phase[{"y": window[0], "x": window[1]}]
    return area.mean(["y", "x"], dtype="float64")


def reference_to(phase: xr.DataArray, offset: xr.DataArray) -> xr.DataArray:
    """Refer every interferogram to the reference area.

    Parameters
    ----------
    phase : xarray.DataArray
        (pair, y, x), rad.
    offset : xarray.DataArray
        (pair), rad, from `reference_offset`.

    Returns
    -------
    xarray.DataArray
        ``phase - offset`` in the type of `phase`.
    """
    return (phase - offset.astype(phase.dtype)).assign_attrs(phase.attrs).rename(phase.name)
