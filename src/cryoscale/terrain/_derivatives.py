"""Derivatives of the ground in windows of 3 x 3 pixels, relative height: compiled, on arrays.

Every function takes a block with its neighbours for a whole raster, and gives its results (variable, y, x); the caller
cuts the neighbours off again. Every sum has a fixed order: a pixel's result does not depend on its block, to the last
bit. Heights (y, x) are in m, NaN where there is no data.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]

STEPS_PER_METRE = 65536.0  # heights are summed as integers: exact, so in any order; float32 from 128 m up is exact
_entry = njit(cache=True, error_model="numpy", nogil=True)
_compiled = njit(error_model="numpy", nogil=True)


class Frame(NamedTuple):
    """Frames of the pixels of a block.

    Attributes
    ----------
    lattice : numpy.ndarray
        (5, node, x or 1): per metre to the east the steps in columns and in rows, the same two per metre to the
        north, and the latitude, rad. One column stands for all where nothing changes along a row.
    node, weight : numpy.ndarray
        (y) the node above each row of the block, and the share of the node below.
    spacing : numpy.ndarray
        (2, y) height and width of the pixels of each row, m, in the grid's central column.
    """

    lattice: Array
    node: Array
    weight: Array
    spacing: Array


@_compiled
def _load(heights: Array, i: int, row: Array) -> None:
    """Row `i` with one more pixel at either end; beyond the raster, the line through the two outermost goes on."""
    n, m = heights.shape
    inside = min(max(i, 0), n - 1)
    inner = 1 if i < 0 else n - 2
    for j in range(m):
        value = float(heights[inside, j])
        row[j + 1] = value + (value - value)  # infinite is missing too
    if i != inside:
        for j in range(m):
            row[j + 1] += row[j + 1] - heights[inner, j]
    row[0] = 2.0 * row[1] - row[2]
    row[m + 1] = 2.0 * row[m] - row[m - 1]


@_compiled
def fill_axes(lattice: Array, node: int, weight: float, axes: Array) -> None:
    """Interpolate along one row what a frame's lattice holds.

    Parameters
    ----------
    lattice, node, weight : numpy.ndarray, int, float
        Of a `Frame`; of the row.
    axes : numpy.ndarray
        (4 or 5, x), filled.
    """
    for k in range(axes.shape[0]):
        above, below = lattice[k, node], lattice[k, node + 1]
        if above.size == 1:
            axes[k, :] = (1.0 - weight) * above[0] + weight * below[0]
        else:
            for j in range(axes.shape[1]):
                axes[k, j] = (1.0 - weight) * above[j] + weight * below[j]


@_compiled
def _differ(above: Array, here: Array, below: Array, axes: Array, east: Array, north: Array) -> None:
    """Rise per metre to the east and to the north in one row (Horn 1981)."""
    for j in range(east.size):
        hole = here[j + 1] - here[j + 1]
        right = above[j + 2] + 2.0 * here[j + 2] + below[j + 2]
        left = above[j] + 2.0 * here[j] + below[j]
        down = below[j] + 2.0 * below[j + 1] + below[j + 2]
        up = above[j] + 2.0 * above[j + 1] + above[j + 2]
        along_columns = (right - left) / 8.0 + hole
        along_rows = (down - up) / 8.0
        east[j] = along_columns * axes[0, j] + along_rows * axes[1, j]
        north[j] = along_columns * axes[2, j] + along_rows * axes[3, j]


def gradients(heights: Array, frame: Frame) -> Array:
    """Rise per metre to the east and to the north.

    Parameters
    ----------
    heights : numpy.ndarray
        (y, x) of two or more rows and columns.
    frame : Frame
        Of the block.

    Returns
    -------
    numpy.ndarray
        (2, y, x).
    """
    out = np.empty((2, *heights.shape))
    _fill_gradients(heights, frame.lattice, frame.node, frame.weight, out)
    return out


@_entry
def _fill_gradients(heights: Array, lattice: Array, node: Array, weight: Array, out: Array) -> None:
    n, m = heights.shape
    above, here, below = np.empty(m + 2), np.empty(m + 2), np.empty(m + 2)
    axes = np.empty((4, m))
    _load(heights, -1, here)
    _load(heights, 0, below)
    for i in range(n):
        above, here, below = here, below, above
        _load(heights, i + 1, below)
        fill_axes(lattice, node[i], weight[i], axes)
        _differ(above, here, below, axes, out[0, i], out[1, i])


def slopes(heights: Array, frame: Frame) -> Array:
    """Steepest slope (1, y, x), degree, from `gradients`."""
    gradient = gradients(heights, frame)
    steepness = gradient[0]
    _fill_steepness(gradient, steepness)
    np.arctan(steepness, out=steepness)  # NumPy's takes several at once where the processor can
    out = np.empty((1, *heights.shape), np.float32)
    np.multiply(steepness, np.rad2deg(1.0), out=out[0], casting="same_kind")
    return out


@_entry
def _fill_steepness(gradient: Array, out: Array) -> None:
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            east, north = gradient[0, i, j], gradient[1, i, j]
            out[i, j] = math.sqrt(east * east + north * north)


def aspects(heights: Array, frame: Frame) -> Array:
    """Direction downslope (1, y, x), degree clockwise from north, from 0 to below 360; NaN where it is flat."""
    out = np.empty((1, *heights.shape), np.float32)
    _fill_aspects(gradients(heights, frame), out[0])
    return out


@_entry
def _fill_aspects(gradient: Array, out: Array) -> None:
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            east, north = -gradient[0, i, j], -gradient[1, i, j]
            angle = math.degrees(math.atan2(east, north)) if east != 0.0 or north != 0.0 else np.nan
            rounded = np.float32(angle + 360.0 if angle < 0.0 else angle)
            out[i, j] = rounded if rounded != np.float32(360.0) else np.float32(0.0)


def directions(heights: Array, frame: Frame) -> Array:
    """Unit vector downslope (2, y, x), to the east and to the north; 0 where it is flat."""
    out = np.empty((2, *heights.shape), np.float32)
    _fill_directions(gradients(heights, frame), out)
    return out


@_entry
def _fill_directions(gradient: Array, out: Array) -> None:
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            east, north = gradient[0, i, j], gradient[1, i, j]
            steepness = math.sqrt(east * east + north * north)
            flat = steepness == 0.0
            out[0, i, j] = 0.0 if flat else -east / steepness
            out[1, i, j] = 0.0 if flat else -north / steepness


def curvatures(heights: Array, frame: Frame, *, part: slice) -> Array:
    """Curvature along the slope (part 0) and across it (part 1), or their sum (1, y, x), m-1.

    Positive where the ground bulges. The outermost pixels take the value of their inner neighbour, whose window is the
    nearest that is whole.

    Parameters
    ----------
    heights : numpy.ndarray
        (y, x) of three or more rows and columns.
    frame : Frame
        Of the block.
    part : slice
        Which of the two are summed.

    Returns
    -------
    numpy.ndarray
        (1, y, x), float32.
    """
    out = np.empty((2, *heights.shape))
    _fill_curvatures(heights, frame.lattice, frame.node, frame.weight, out)
    return np.asarray(out[part].sum(axis=0, keepdims=True), np.float32)


@_entry
def _fill_curvatures(heights: Array, lattice: Array, node: Array, weight: Array, out: Array) -> None:
    n, m = heights.shape
    rows = np.empty((3, m + 2))
    axes = np.empty((4, m))
    for i in range(1, n - 1):
        for k in range(3):
            _load(heights, i + k - 1, rows[k])
        fill_axes(lattice, node[i], weight[i], axes)
        _bend(rows, axes, out[0, i], out[1, i])
    for part in out:
        part[0], part[n - 1] = part[1], part[n - 2]
        part[:, 0], part[:, m - 1] = part[:, 1], part[:, m - 2]


@_compiled
def _bend(rows: Array, axes: Array, along: Array, across: Array) -> None:
    """Second derivatives along and across the gradient of the surface through the window, in one row."""
    above, here, below = rows[0], rows[1], rows[2]
    for j in range(along.size):
        c, r = (here[j + 2] - here[j]) / 2.0, (below[j + 1] - above[j + 1]) / 2.0
        cc = here[j + 2] - 2.0 * here[j + 1] + here[j]
        rr = below[j + 1] - 2.0 * here[j + 1] + above[j + 1]
        cr = (below[j + 2] - below[j] - above[j + 2] + above[j]) / 4.0
        ce, re, cn, rn = axes[0, j], axes[1, j], axes[2, j], axes[3, j]
        east, north = c * ce + r * re, c * cn + r * rn
        ee = cc * ce * ce + 2.0 * cr * ce * re + rr * re * re
        nn = cc * cn * cn + 2.0 * cr * cn * rn + rr * rn * rn
        en = cc * ce * cn + cr * (ce * rn + re * cn) + rr * re * rn
        steepness2 = east * east + north * north
        total = -(ee + nn)
        bend = -(ee * east * east + 2.0 * en * east * north + nn * north * north)
        along[j] = bend / steepness2 if steepness2 > 0.0 else total / 2.0  # flat: the mean of all directions
        across[j] = total - along[j]


def positions(heights: Array, frame: Frame, *, radius: float) -> Array:
    """Height above the mean of the pixels that have data and whose centres lie within a radius.

    Parameters
    ----------
    heights : numpy.ndarray
        (y, x).
    frame : Frame
        Of the block.
    radius : float
        m.

    Returns
    -------
    numpy.ndarray
        (1, y, x), float32.
    """
    height, width = frame.spacing
    rows_away = np.arange(int(radius / height.min()) + 1)
    left = radius**2 - (rows_away * height[:, np.newaxis]) ** 2
    widths = np.where(left >= 0.0, np.floor(np.sqrt(np.maximum(left, 0.0)) / width[:, np.newaxis]), -1.0)
    out = np.empty((1, *heights.shape), np.float32)
    _fill_positions(heights, widths.astype(np.int64), out[0])
    return out


@_entry
def _fill_positions(heights: Array, widths: Array, out: Array) -> None:
    """`widths` (y, rows away): how many columns to either side are near, so many rows above and below; -1 for none."""
    n, m = heights.shape
    halo = max(widths.max(), 0)
    sums = np.zeros((n, m + 2 * halo + 1), np.int64)
    counts = np.zeros((n, m + 2 * halo + 1), np.int64)
    for i in range(n):
        _add_up(heights[i], halo, sums[i], counts[i])
    total, number = np.empty(m, np.int64), np.empty(m, np.int64)
    for i in range(n):
        total[:] = 0
        number[:] = 0
        for k in range(-widths.shape[1] + 1, widths.shape[1]):
            width = widths[i, abs(k)]
            if width < 0 or not 0 <= i + k < n:
                continue
            first, last = halo - width, halo + width + 1
            for j in range(m):
                total[j] += sums[i + k, j + last] - sums[i + k, j + first]
                number[j] += counts[i + k, j + last] - counts[i + k, j + first]
        for j in range(m):
            height = heights[i, j]
            above = np.nan
            if np.isfinite(height):
                above = (round(height * STEPS_PER_METRE) * number[j] - total[j]) / (number[j] * STEPS_PER_METRE)
            out[i, j] = above


@_compiled
def _add_up(heights: Array, halo: int, sums: Array, counts: Array) -> None:
    """Running sums of heights, as integers, and of their number, which go on beyond both ends of the row."""
    total, number = 0, 0
    for j in range(sums.size - 1):
        if halo <= j < halo + heights.size and np.isfinite(heights[j - halo]):
            total += round(heights[j - halo] * STEPS_PER_METRE)
            number += 1
        sums[j + 1] = total
        counts[j + 1] = number
