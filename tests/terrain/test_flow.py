"""Flow over surfaces: against a slow twin, and by what leaves the raster."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryoscale.terrain._flow import upslope_areas

NEIGHBOURS = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]


def around(shape, row, column):
    for i, j in NEIGHBOURS:
        if 0 <= row + i < shape[0] and 0 <= column + j < shape[1]:
            yield (row + i, column + j), (i, j)


def at_edge(heights, pixel):
    near = list(around(heights.shape, *pixel))
    return len(near) < 8 or any(np.isnan(heights[place]) for place, _ in near)


def slow_fill(heights):
    """Raise every pixel until it has a neighbour as low, except at the edges."""
    filled = np.where(np.isnan(heights), np.nan, np.inf)
    pixels = [pixel for pixel in np.ndindex(heights.shape) if np.isfinite(heights[pixel])]
    for pixel in pixels:
        if at_edge(heights, pixel):
            filled[pixel] = heights[pixel]
    while True:
        before = filled.copy()
        for pixel in pixels:
            lowest = min((filled[place] for place, _ in around(heights.shape, *pixel)), default=np.inf)
            filled[pixel] = min(filled[pixel], max(heights[pixel], lowest))
        if np.array_equal(before, filled, equal_nan=True):
            return filled


def slow_areas(heights, height, width, area):
    """Areas on a surface without pits and flats, from the highest pixel down."""
    gathered = np.full(heights.shape, area)
    for flat in np.argsort(heights, axis=None)[::-1]:
        pixel = np.unravel_index(flat, heights.shape)
        shares = {}
        for place, (i, j) in around(heights.shape, *pixel):
            fall = (heights[pixel] - heights[place]) / np.hypot(i * height, j * width)
            contour = 0.5 * (height if i == 0 else width) if 0 in (i, j) else 0.25 * np.sqrt(2 * height * width)
            if fall > 0:
                shares[place] = fall * contour
        for place, share in shares.items():
            gathered[place] += gathered[pixel] * share / sum(shares.values())
    return gathered


@given(seed=st.integers(0, 1000), height=st.floats(10.0, 50.0), width=st.floats(10.0, 50.0))
@settings(max_examples=20)
def test_flow_without_pits_is_that_of_the_slow_twin(seed, height, width):
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((8, 9))
    heights = 3.0 * rows + 2.0 * columns + rng.random((8, 9))
    spacing = np.array([np.full(8, height), np.full(8, width)])
    found = upslope_areas(heights, spacing, np.full((8, 9), height * width))
    np.testing.assert_allclose(found, slow_areas(heights, height, width, height * width), rtol=1e-12)


@given(seed=st.integers(0, 1000), levels=st.sampled_from([3, 10, 1000]))
@settings(max_examples=20)
def test_all_water_leaves_by_the_edges(seed, levels):
    rng = np.random.default_rng(seed)
    heights = rng.integers(0, levels, (9, 11)).astype(float)
    heights[rng.random(heights.shape) < 0.03] = np.nan
    areas = rng.uniform(1.0, 2.0, heights.shape)
    found = upslope_areas(heights, np.full((2, 9), 30.0), areas)
    there = np.isfinite(heights)
    np.testing.assert_array_equal(np.isfinite(found), there)
    assert (found[there] >= areas[there]).all()
    filled = slow_fill(heights)
    ends = [
        pixel
        for pixel in zip(*np.nonzero(there), strict=True)
        if at_edge(heights, pixel) and not any(filled[p] < filled[pixel] for p, _ in around(heights.shape, *pixel))
    ]
    assert sum(found[pixel] for pixel in ends) == pytest.approx(areas[there].sum(), rel=1e-12)


def test_water_finds_its_way_out_of_a_pit():
    """A bowl with one low place in its rim: all that falls inside leaves there."""
    rows, columns = np.indices((21, 21)) - 10.0
    bowl = np.hypot(rows, columns)
    bowl[0], bowl[-1], bowl[:, 0], bowl[:, -1] = 100.0, 100.0, 100.0, 100.0
    bowl[20, 10] = 50.0
    found = upslope_areas(bowl, np.full((2, 21), 1.0), np.ones((21, 21)))
    assert found[20, 10] >= 19 * 19
