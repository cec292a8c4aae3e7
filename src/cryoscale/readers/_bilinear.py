"""Bilinear interpolation at scattered places, compiled."""

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]

LEAST = 1e-9  # weights below come from the rounding of coordinates, and must not let a NaN in


@njit(cache=True, error_model="numpy", nogil=True)
def interpolate(
    image: Array, origin: tuple[int, int], shape: tuple[int, int], rows: Array, columns: Array, out: Array
) -> None:
    """Interpolate between the centres of a raster's pixels; NaN outside, and where a pixel that counts is NaN.

    In the outer half of the outermost pixels their value holds.

    Parameters
    ----------
    image : numpy.ndarray
        A window of the raster that holds all pixels around the places inside it.
    origin : tuple of int
        Row and column of the window's first pixel.
    shape : tuple of int
        Rows and columns of the raster.
    rows, columns : numpy.ndarray
        (y, x) places in pixels of the raster: 0 is the centre of the first pixel.
    out : numpy.ndarray
        (y, x), filled.
    """
    height, width = shape
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            row, column = rows[i, j], columns[i, j]
            if not (-0.5 <= row <= height - 0.5 and -0.5 <= column <= width - 0.5):
                out[i, j] = np.nan
                continue
            row = min(max(row, 0.0), height - 1.0)
            column = min(max(column, 0.0), width - 1.0)
            top, left = int(row), int(column)
            down, right = row - top, column - left
            total = 0.0
            for a in range(2):
                for b in range(2):
                    weight = (down if a else 1.0 - down) * (right if b else 1.0 - right)
                    if weight > LEAST:
                        total += weight * image[top + a - origin[0], left + b - origin[1]]
            out[i, j] = total
