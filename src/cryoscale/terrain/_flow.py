"""Where water gathers: each pixel's way out by priority-flood, and flow shared among all lower neighbours; compiled."""

import heapq
import math
from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]

DOWN = np.array([-1, -1, -1, 0, 0, 1, 1, 1])
RIGHT = np.array([-1, 0, 1, -1, 1, -1, 0, 1])
_entry = njit(cache=True, error_model="numpy", nogil=True)
_compiled = njit(error_model="numpy", nogil=True)


def upslope_areas(elevation: Array, spacing: Array, areas: Array) -> Array:
    """Area that drains through each pixel, its own included.

    Parameters
    ----------
    elevation : numpy.ndarray
        (y, x), m, NaN where there is no data.
    spacing : numpy.ndarray
        (2, y) height and width of the pixels of each row, m.
    areas : numpy.ndarray
        (y, x) of the pixels, m2.

    Returns
    -------
    numpy.ndarray
        (y, x), m2, NaN where there is no data.
    """
    heights = np.where(np.isfinite(elevation), elevation, np.nan).astype(np.float64)
    filled, outlet, order = _flood(heights)
    gathered = np.where(np.isnan(heights), np.nan, areas)
    _pass_down(filled, outlet, order, spacing, gathered)
    return gathered


@_entry
def _flood(heights: Array) -> tuple[Array, Array, Array]:
    """Surface without pits, each pixel's neighbour on the way out (-1 at an edge), pixels from low to high.

    Priority-flood (Barnes et al. 2014, Algorithm 1): from the edges inward, lowest first. A pixel is reached from one
    that has left the queue before it, so each outlet stands before its pixel in the order, on flats too.
    """
    n, m = heights.shape
    filled = heights.copy()
    outlet = np.full(n * m, -1)
    order = np.empty(n * m, np.int64)
    reached = np.isnan(heights)
    queue = [(0.0, 0, 0) for _ in range(0)]
    pushed = 0
    for i in range(n):
        for j in range(m):
            if not reached[i, j] and _at_edge(heights, i, j):
                heapq.heappush(queue, (heights[i, j], pushed, i * m + j))
                pushed += 1
    for _, _, pixel in queue:
        reached[pixel // m, pixel % m] = True
    popped = 0
    while len(queue) > 0:
        level, _, pixel = heapq.heappop(queue)
        order[popped] = pixel
        popped += 1
        for k in range(8):
            i, j = pixel // m + DOWN[k], pixel % m + RIGHT[k]
            if 0 <= i < n and 0 <= j < m and not reached[i, j]:
                reached[i, j] = True
                filled[i, j] = max(heights[i, j], level)
                outlet[i * m + j] = pixel
                heapq.heappush(queue, (filled[i, j], pushed, i * m + j))
                pushed += 1
    return filled, outlet, order[:popped]


@_compiled
def _at_edge(heights: Array, i: int, j: int) -> bool:
    """Whether a pixel lies at the outer border or beside a hole."""
    n, m = heights.shape
    if i in (0, n - 1) or j in (0, m - 1):
        return True
    return bool(np.isnan(heights[i - 1 : i + 2, j - 1 : j + 2]).any())


@_entry
def _pass_down(filled: Array, outlet: Array, order: Array, spacing: Array, gathered: Array) -> None:
    """Pass the areas down from the highest pixel, to all lower neighbours or, on a flat, to the outlet.

    Shares go as the fall times the length of contour (Quinn et al. 1991): half a side of the pixel toward its sides,
    sqrt(2) / 4 of it toward its corners.
    """
    n, m = filled.shape
    shares = np.empty(8)
    for pixel in order[::-1]:
        row, column = pixel // m, pixel % m
        height, width = spacing[0, row], spacing[1, row]
        total = 0.0
        for k in range(8):
            i, j = row + DOWN[k], column + RIGHT[k]
            shares[k] = 0.0
            if 0 <= i < n and 0 <= j < m and filled[i, j] < filled[row, column]:
                drop = filled[row, column] - filled[i, j]
                shares[k] = drop * _contour_per_distance(DOWN[k], RIGHT[k], height, width)
                total += shares[k]
        if total > 0.0:
            for k in range(8):
                if shares[k] > 0.0:
                    gathered[row + DOWN[k], column + RIGHT[k]] += gathered[row, column] * (shares[k] / total)
        elif outlet[pixel] >= 0:
            gathered[outlet[pixel] // m, outlet[pixel] % m] += gathered[row, column]


@_compiled
def _contour_per_distance(down: int, right: int, height: float, width: float) -> float:
    if down == 0:
        return 0.5 * height / width
    if right == 0:
        return 0.5 * width / height
    return math.sqrt(2.0) / 4.0 * math.sqrt(height * width) / math.hypot(height, width)
