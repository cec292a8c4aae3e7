"""Compiled distances against all distances by NumPy."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from cryoscale.moisture._nearest import distances_among, nearest_distance

RNG = np.random.default_rng(0)
CENTRE, SCALE = np.array([5000.0, 0.0, -3.0]), np.array([0.01, 2.0, 0.5])


def rows_near(n):
    return (CENTRE + RNG.normal(size=(n, 3)) / SCALE).astype(np.float32)


def scaled(rows):
    return (rows.astype(float) - CENTRE) * SCALE


def nearest(rows, points):
    out = np.empty(len(rows), np.float32)
    nearest_distance(rows, np.ascontiguousarray(scaled(points).T, np.float32), CENTRE, SCALE, out)
    return out


@pytest.mark.parametrize("n_points", [1, 2, 50, 342])
def test_nearest_is_the_least_of_all(n_points):
    rows, points = rows_near(200), rows_near(n_points)
    expected = cdist(scaled(rows), scaled(points)).min(axis=1)
    np.testing.assert_allclose(nearest(rows, points), expected, rtol=1e-5, atol=1e-6)


def test_a_point_has_no_distance_to_itself():
    points = rows_near(40)
    assert not nearest(points, points).any()


def test_rows_do_not_depend_on_each_other():
    rows, points = rows_near(101), rows_near(30)
    whole = nearest(rows, points)
    pieces = np.concatenate([nearest(rows[:7], points), nearest(rows[7:8], points), nearest(rows[8:], points)])
    np.testing.assert_array_equal(whole, pieces)
    np.testing.assert_array_equal(whole, nearest(np.asfortranarray(rows), points))


def test_nan_gives_nan():
    rows, points = rows_near(3), rows_near(9)
    rows[1, 2] = np.nan
    assert np.isnan(nearest(rows, points)).tolist() == [False, True, False]


def test_distances_among_points():
    points, folds = RNG.normal(size=(60, 4)), np.arange(60) % 3
    out = np.empty(60)
    mean = distances_among(points, folds, out)
    everything = cdist(points, points)
    assert mean == pytest.approx(pdist(points).mean())
    np.testing.assert_allclose(out, np.where(folds[:, None] == folds, np.inf, everything).min(axis=1))
