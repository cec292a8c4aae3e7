"""Numbers among sorted borders: interpolation between knots, and counting of pairs in a grid of bins, compiled.

Where a number lies is looked up in a table of equal cells and then walked to: about ten times as fast as bisection,
which every branch of the processor mispredicts.
"""

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]

_CELLS = 1024


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
    scale, below, above = line
    last = x.size - 1
    for i in range(values.size):
        value = np.float64(values[i])
        if not np.isfinite(value):
            out[i] = np.nan
        elif value < x[0]:
            out[i] = y[0] + below * (value - x[0])
        elif value > x[last]:
            out[i] = y[last] + above * (value - x[last])
        else:
            k = _locate(value, x, starts, scale)
            if k == last:
                out[i] = y[last]
            else:
                share = (value - x[k]) / (x[k + 1] - x[k])
                out[i] = min(y[k] + share * (y[k + 1] - y[k]), y[k + 1])


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
