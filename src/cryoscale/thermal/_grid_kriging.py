"""Ordinary kriging of the gaps of a grid from the k nearest valid pixels; compiled.

With C the correlations among the neighbours of a gap, c those with it and z their values, let L be the Cholesky factor
of C, and a, b, d the solutions of L a = c, L b = 1, L d = z. The multiplier is mu = (1 - a'b) / (b'b), the estimate
d'(a + mu b) and the variance, in shares of the sill, 1 - a'(a + mu b) + mu: forward substitution is enough.

What makes it fast: the search goes along rows from one valid pixel to the next, and no farther than the triangle
inequality allows from the gap before; correlations come from a table of offsets; and LANES systems are solved side by
side, the lanes innermost, so that every step becomes a few vector instructions.

Nothing depends on where in the array a gap lies or which gaps are solved with it: neighbours are in order of distance,
then of rows apart, upper before lower, left before right, and every lane goes through the same operations. So parts of
a grid that have a halo of the search radius give the bits of the whole. Numba's cache follows changes of this file
only: all that is compiled is here.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]

LANES = 64  # of fewer the compiler makes scalars instead of vectors
REDUNDANT = 1e-10  # a neighbour whose share of the sill that nearer ones do not explain is less tells nothing more

_compiled = njit(error_model="numpy", nogil=True)
_inlined = njit(forceinline=True, error_model="numpy", nogil=True)
_entry = njit(cache=True, error_model="numpy", nogil=True)


class Nearest(NamedTuple):
    """The neighbours of one gap, nearest first."""

    distance: Array  # (k,) squared, m2
    row: Array  # (k,)
    column: Array  # (k,)


class Systems(NamedTuple):
    """Kriging systems of LANES gaps."""

    gap: Array  # (2, lane) row and column
    row: Array  # (k, lane) of the neighbours
    column: Array  # (k, lane)
    size: Array  # (lane,) number of neighbours
    matrix: Array  # (k, k, lane) lower triangle: C, then L with its diagonal inverted
    sides: Array  # (3, k, lane) c, 1, z; then a, b, d


@_entry
def krige_grid(
    values: Array, targets: Array, correlation: Array, spacing: tuple[float, float], k: int, radius: float
) -> tuple[Array, Array, Array]:
    """Estimate the targets.

    Parameters
    ----------
    values : numpy.ndarray
        (row, column) float64, NaN where there is none.
    targets : numpy.ndarray
        (row, column) bool: what to estimate; only pixels without a value.
    correlation : numpy.ndarray
        (rows apart, columns apart) float64, 1 at [0, 0], for all offsets between two neighbours.
    spacing : tuple of float
        Height and width of a pixel, m.
    k : int
        Neighbours used, at most.
    radius : float
        How far they may be, m.

    Returns
    -------
    tuple of numpy.ndarray
        (row, column) each: the estimate; its kriging variance in shares of the sill; the number of neighbours
        used (int16). Estimate and variance are NaN where there is no neighbour and where no target is.
    """
    estimate, variance = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
    used = np.zeros(values.shape, np.int16)
    before, after = _link(values)
    nearest = Nearest(np.empty(k), np.empty(k, np.int32), np.empty(k, np.int32))
    systems, lane = _allocate(k), 0
    for row in range(values.shape[0]):
        reach = np.inf
        for column in range(values.shape[1]):
            if not targets[row, column]:
                reach = np.inf
                continue
            n = _search(nearest, before, after, row, column, spacing, min(radius * radius, reach))
            reach = _widen(nearest.distance[k - 1], spacing[1]) if n == k else np.inf
            used[row, column] = n
            if n > 0:
                _load(systems, lane, nearest, n, values, row, column)
                lane += 1
            if lane == LANES:
                _solve(systems, lane, correlation, estimate, variance)
                lane = 0
    _solve(systems, lane, correlation, estimate, variance)
    return estimate, variance, used


@_compiled
def _allocate(k: int) -> Systems:
    return Systems(
        np.zeros((2, LANES), np.int32),
        np.zeros((k, LANES), np.int32),
        np.zeros((k, LANES), np.int32),
        np.zeros(LANES, np.int32),
        np.zeros((k, k, LANES)),
        np.zeros((3, k, LANES)),
    )


@_compiled
def _link(values: Array) -> tuple[Array, Array]:
    """Column of the next valid pixel before each column (-1: none), and of that after it (their number: none)."""
    rows, columns = values.shape
    before, after = np.empty((rows, columns + 1), np.int32), np.empty((rows, columns), np.int32)
    for i in range(rows):
        before[i, 0] = -1
        for j in range(columns):
            before[i, j + 1] = before[i, j] if np.isnan(values[i, j]) else j
        found = columns
        for j in range(columns - 1, -1, -1):
            after[i, j] = found
            found = found if np.isnan(values[i, j]) else j
    return before, after


@_compiled
def _widen(distance: float, step: float) -> float:
    """Squared distance within which the next pixel has as many neighbours as this one; rounded up."""
    wider = (np.sqrt(distance) + step) * (1.0 + 1e-12)
    return float(wider * wider)


@_compiled
def _search(
    nearest: Nearest, before: Array, after: Array, row: int, column: int, spacing: tuple[float, float], bound: float
) -> int:
    """Find the nearest valid pixels within a squared distance, row by row away from the gap; return how many."""
    height, width = spacing
    n = 0
    for step in range(after.shape[0]):
        apart = (step * height) * (step * height)
        if apart > bound:
            break
        for i in (row - step, row + step) if step else (row, -1):
            if 0 <= i < after.shape[0]:
                j = before[i, column + 1]
                while j >= 0:
                    distance = apart + ((column - j) * width) * ((column - j) * width)
                    if distance > bound:
                        break
                    n, bound = _insert(nearest, n, bound, distance, i, j)
                    j = before[i, j]
                j = after[i, column]
                while j < after.shape[1]:
                    distance = apart + ((j - column) * width) * ((j - column) * width)
                    if distance > bound:
                        break
                    n, bound = _insert(nearest, n, bound, distance, i, j)
                    j = after[i, j]
    return n


@_inlined
def _insert(nearest: Nearest, n: int, bound: float, distance: float, row: int, column: int) -> tuple[int, float]:
    """Put a pixel behind those that are as near; return how many there are, and how near the next one has to be."""
    k = nearest.distance.size
    if n == k and distance >= bound:
        return n, bound
    at = min(n, k - 1)
    while at > 0 and distance < nearest.distance[at - 1]:
        nearest.distance[at] = nearest.distance[at - 1]
        nearest.row[at] = nearest.row[at - 1]
        nearest.column[at] = nearest.column[at - 1]
        at -= 1
    nearest.distance[at], nearest.row[at], nearest.column[at] = distance, row, column
    n = min(n + 1, k)
    return n, nearest.distance[k - 1] if n == k else bound


@_compiled
def _load(systems: Systems, lane: int, nearest: Nearest, n: int, values: Array, row: int, column: int) -> None:
    systems.gap[0, lane], systems.gap[1, lane] = row, column
    systems.size[lane] = n
    for i in range(n):
        systems.row[i, lane], systems.column[i, lane] = nearest.row[i], nearest.column[i]
        systems.sides[2, i, lane] = values[nearest.row[i], nearest.column[i]]


@_compiled
def _solve(systems: Systems, lanes: int, correlation: Array, estimate: Array, variance: Array) -> None:
    """Solve the first of the systems."""
    for lane in range(lanes):
        _assemble(systems, lane, correlation)
    _factorise(systems.matrix, systems.sides)
    for lane in range(lanes):
        aa, ab, bb, da, db = 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(systems.size[lane]):
            a, b, d = systems.sides[0, i, lane], systems.sides[1, i, lane], systems.sides[2, i, lane]
            aa += a * a
            ab += a * b
            bb += b * b
            da += d * a
            db += d * b
        mu = (1.0 - ab) / bb
        row, column = systems.gap[0, lane], systems.gap[1, lane]
        estimate[row, column] = da + mu * db
        variance[row, column] = max(1.0 - aa - mu * ab + mu, 0.0)


@_compiled
def _assemble(systems: Systems, lane: int, correlation: Array) -> None:
    """Look up the correlations; a neighbour that is not there correlates with nothing and has no side."""
    n = systems.size[lane]
    for i in range(n):
        row, column = systems.row[i, lane], systems.column[i, lane]
        systems.sides[0, i, lane] = correlation[abs(row - systems.gap[0, lane]), abs(column - systems.gap[1, lane])]
        systems.sides[1, i, lane] = 1.0
        for j in range(i):
            rows, columns = abs(row - systems.row[j, lane]), abs(column - systems.column[j, lane])
            systems.matrix[i, j, lane] = correlation[rows, columns]
        systems.matrix[i, i, lane] = 1.0
    for i in range(n, systems.row.shape[0]):
        systems.sides[:, i, lane] = 0.0
        systems.matrix[i, :i, lane] = 0.0
        systems.matrix[i, i, lane] = 1.0


@_compiled
def _factorise(matrix: Array, sides: Array) -> None:
    """Cholesky and forward substitution; a redundant neighbour drops out, as if it had not been found."""
    k = matrix.shape[0]
    for p in range(k):
        for lane in range(LANES):
            pivot = matrix[p, p, lane]
            matrix[p, p, lane] = 1.0 / np.sqrt(pivot) if pivot > REDUNDANT else 0.0
        for side in range(3):
            for lane in range(LANES):
                sides[side, p, lane] *= matrix[p, p, lane]
        for i in range(p + 1, k):
            for lane in range(LANES):
                matrix[i, p, lane] *= matrix[p, p, lane]
            for j in range(p + 1, i + 1):
                for lane in range(LANES):
                    matrix[i, j, lane] -= matrix[i, p, lane] * matrix[j, p, lane]
            for side in range(3):
                for lane in range(LANES):
                    sides[side, i, lane] -= matrix[i, p, lane] * sides[side, p, lane]
