"""Phase closure of triplets on arrays: sums per loop and counts per pixel, compiled.

Pixels are taken in blocks, so that a block of all pairs stays in the cache while the loops go over it.
"""

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]

BLOCK = 256  # pixels
CYCLE = 2 * np.pi

# Without nnan and ninf: missing data are found by comparison.
_exact = njit(error_model="numpy", nogil=True)
_fast = njit(error_model="numpy", nogil=True)
_entry = njit(cache=True, error_model="numpy", nogil=True)


@_entry
def loop_sums(phase: Array, loops: Array, half: int) -> Array:
    """Per loop: pixels by whole cycles of closure (-half .. half, clipped), then sum and sum of squares of closure.

    phase (pair, pixel); loops (loop, 3) positions of the pairs ij, jk, ik; result (loop, 2 half + 3), float64.
    """
    sums = np.zeros((loops.shape[0], 2 * half + 3))
    closure = np.empty(BLOCK, phase.dtype)
    for start in range(0, phase.shape[1], BLOCK):
        row = closure[: min(BLOCK, phase.shape[1] - start)]
        for loop in range(loops.shape[0]):
            close(row, phase, loops[loop], start)
            _tally(sums[loop], row, half)
    return sums


@_entry
def pixel_counts(phase: Array, loops: Array, offset: Array) -> Array:
    """Per pixel: loops with data, and loops whose closure less the loop's offset is beyond pi; (2, pixel)."""
    counts = np.zeros((2, phase.shape[1]), np.int32)
    closure = np.empty(BLOCK, phase.dtype)
    for start in range(0, phase.shape[1], BLOCK):
        row = closure[: min(BLOCK, phase.shape[1] - start)]
        for loop in range(loops.shape[0]):
            close(row, phase, loops[loop], start)
            _count(counts[0, start : start + BLOCK], counts[1, start : start + BLOCK], row, offset[loop])
    return counts


@_exact
def close(closure: Array, phase: Array, loop: Array, start: int) -> None:
    """Closure ij + jk - ik of one loop in the pixels from `start`."""
    stop = start + closure.size
    ij, jk, ik = phase[loop[0], start:stop], phase[loop[1], start:stop], phase[loop[2], start:stop]
    for i in range(closure.size):
        closure[i] = ij[i] + jk[i] - ik[i]


@_fast
def _tally(sums: Array, closure: Array, half: int) -> None:
    total, squares, present, unclosed = 0.0, 0.0, 0, 0
    for i in range(closure.size):
        known = not np.isnan(closure[i])
        value = closure[i] if known else 0.0
        total += value
        squares += value * value
        present += known
        unclosed += abs(value) > np.pi
    sums[half] += present - unclosed
    sums[2 * half + 1] += total
    sums[2 * half + 2] += squares
    if unclosed:
        _tally_unclosed(sums, closure, half)


@_exact
def _tally_unclosed(sums: Array, closure: Array, half: int) -> None:
    for i in range(closure.size):
        if abs(closure[i]) > np.pi:
            cycles = int(np.rint(min(max(closure[i] / CYCLE, -half), half)))
            sums[half + cycles] += 1


@_exact
def _count(present: Array, unclosed: Array, closure: Array, offset: float) -> None:
    for i in range(closure.size):
        value = closure[i] - offset
        present[i] += not np.isnan(value)
        unclosed[i] += abs(value) > np.pi
