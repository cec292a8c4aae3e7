"""Numbers among sorted borders: interpolation between knots, and counting of pairs in a grid of bins, compiled.

Where a number lies is looked up in a table of equal cells and then walked to: about ten times as fast as bisection,
which every branch of the processor mispredicts.
"""

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]

_CELLS = 1024
_BLOCK = 1024  # values whose intermediates stay in the cache
_FEW = 4  # knots in a cell, up to which stepping over all of them is quicker than walking until one is above


def interpolate(values: Array, x: Array, y: Array, *, slopes: tuple[float, float]) -> Array:
    """Interpolate linearly between knots and along straight lines beyond them.

    Never decreases where `y` and the slopes do not: the result between two knots is held between theirs.

    Parameters
    ----------
    values : numpy.ndarray
        float32 or float64, of any shape; what is not finite gives NaN.
    x, y : numpy.ndarray
        (knot,) float64; `x` increases.
    slopes : tuple of float
        Below the first and above the last knot.

    Returns
    -------
    numpy.ndarray
        Of the shape and type of `values`.
    """
    out = np.empty(values.shape, values.dtype)
    flat = np.ascontiguousarray(values).reshape(-1)
    starts, scale = _lookup(x)
    _interpolate(flat, x, y, starts, np.array([scale, *slopes]), out.reshape(-1))
    return out


def count_pairs(a: Array, b: Array, edges: Array) -> Array:
    """Count pairs in the bins of a plane.

    Parameters
    ----------
    a, b : numpy.ndarray
        float32 or float64, of one shape; pairs of which one is not finite do not count.
    edges : numpy.ndarray
        (bin + 1,) float64, increasing; a bin holds its lower edge, the last one also its upper.

    Returns
    -------
    numpy.ndarray
        (bin + 2, bin + 2) int64, along the first axis `a`; the first and last row and column are what lies below and
        above all bins.
    """
    counts = np.zeros((edges.size + 1, edges.size + 1), np.int64)
    starts, scale = _lookup(edges)
    _count_pairs(np.ascontiguousarray(a).reshape(-1), np.ascontiguousarray(b).reshape(-1), edges, starts, scale, counts)
    return counts


def _lookup(x: Array) -> tuple[Array, float]:
    """For each of equal cells between the outer borders the last border that is in no later cell; cells per unit."""
    with np.errstate(divide="ignore", over="ignore"):
        scale = float(np.divide(_CELLS, x[-1] - x[0]))
    if not np.isfinite(scale):
        return np.zeros(_CELLS, np.int64), 0.0
    cells = np.minimum((x - x[0]) * scale, _CELLS - 1).astype(np.int64)
    return np.maximum(np.searchsorted(cells, np.arange(_CELLS)) - 1, 0), scale


@njit(cache=True, nogil=True)
def _locate(value: float, x: Array, starts: Array, scale: float) -> int:
    """Last border that is not above a value between the outer borders."""
    cell = np.int64((value - x[0]) * scale)
    i = int(starts[cell if cell < _CELLS else _CELLS - 1])
    while i + 1 < x.size and x[i + 1] <= value:
        i += 1
    return i


@njit(cache=True, nogil=True, error_model="numpy")
def _interpolate(values: Array, x: Array, y: Array, starts: Array, line: Array, out: Array) -> None:
    """In blocks that stay in the cache, by loops without branches, most of which run on several values at once."""
    held, knot, piece = np.empty(_BLOCK), np.empty(_BLOCK, np.uint32), np.empty((4, _BLOCK))
    firsts, padded = starts.astype(np.uint32), np.append(x, np.inf)
    most = max(np.diff(starts).max(), x.size - 1 - starts[-1])  # knots in a cell
    table = np.zeros((4, x.size))  # of each piece its beginning and width, and what it begins and ends with
    table[0], table[2], table[3] = x, y, y
    table[1, :-1], table[3, :-1] = x[1:] - x[:-1], y[1:]
    table[1, -1] = 1.0
    for first in range(0, values.size, _BLOCK):
        block, made = values[first : first + _BLOCK], out[first : first + _BLOCK]
        _cells(block, x[0], x[-1], line[0], held, knot)
        if most <= _FEW:
            _step(held[: block.size], padded, firsts, most, knot)
        else:
            _walk(held[: block.size], padded, firsts, knot)
        for i in range(4):
            _gather(table[i], knot[: block.size], piece[i])
        _between(block, held, piece[0], piece[1], piece[2], piece[3], line, (x[0], y[0], x[-1], y[-1]), made)


@njit(cache=True, nogil=True, error_model="numpy")
def _cells(values: Array, lowest: float, highest: float, scale: float, held: Array, cell: Array) -> None:
    """Values held between the outer knots, also those that are no number, and the cell of each."""
    low, high = np.float64(lowest), np.float64(highest)
    for i in range(values.size):
        value = np.float64(values[i])
        value = value if value >= low else low
        value = value if value <= high else high
        held[i] = value
        cell[i] = np.uint32(max(min(np.int32((value - low) * scale), np.int32(_CELLS - 1)), np.int32(0)))


@njit(cache=True, nogil=True, error_model="numpy")
def _step(held: Array, padded: Array, starts: Array, most: int, knot: Array) -> None:
    """From each cell's first knot to the last one that is not above the value: no branch that could be mispredicted."""
    for i in range(held.size):
        k = starts[knot[i]]
        for _ in range(most):
            k += np.uint32(1) if padded[np.uint32(k + np.uint32(1))] <= held[i] else np.uint32(0)
        knot[i] = k


@njit(cache=True, nogil=True, error_model="numpy")
def _walk(held: Array, padded: Array, starts: Array, knot: Array) -> None:
    """The same where a cell may have many knots, and few values need as many steps."""
    for i in range(held.size):
        k = starts[knot[i]]
        while padded[np.uint32(k + np.uint32(1))] <= held[i]:
            k = np.uint32(k + np.uint32(1))
        knot[i] = k


@njit(cache=True, nogil=True)
def _gather(table: Array, index: Array, out: Array) -> None:
    for i in range(index.size):
        out[i] = table[index[i]]


@njit(cache=True, nogil=True, error_model="numpy")
def _between(
    values: Array,
    held: Array,
    begin: Array,
    width: Array,
    left: Array,
    right: Array,
    line: Array,
    outer: tuple[float, float, float, float],
    out: Array,
) -> None:
    _, below, above = line
    low_x, low_y, high_x, high_y = outer
    for i in range(values.size):
        value, most = np.float64(values[i]), right[i]
        found = left[i] + (held[i] - begin[i]) / width[i] * (most - left[i])
        found = found if found <= most else most
        found = low_y + below * (value - low_x) if value < low_x else found
        found = high_y + above * (value - high_x) if value > high_x else found
        out[i] = found if np.abs(value) < np.inf else np.nan


@njit(cache=True, nogil=True)
def _bin(value: float, edges: Array, starts: Array, scale: float) -> int:
    if value < edges[0]:
        return 0
    if value > edges[-1]:
        return edges.size
    return min(_locate(value, edges, starts, scale) + 1, edges.size - 1)


@njit(cache=True, nogil=True)
def _count_pairs(a: Array, b: Array, edges: Array, starts: Array, scale: float, counts: Array) -> None:
    for i in range(a.size):
        if np.isfinite(a[i]) and np.isfinite(b[i]):
            row = _bin(np.float64(a[i]), edges, starts, scale)
            column = _bin(np.float64(b[i]), edges, starts, scale)
            counts[row, column] += 1
