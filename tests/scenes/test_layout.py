"""What all scenes share: the geometry of the line of sight and the reference."""

import numpy as np
import pytest

from cryoscale.scenes.layout import ANGLE_PER_METRE, incidence_map, mean_around, reference_pixel, scene_geobox
from cryoscale.scenes.terrain import valley_terrain

GEOBOX = scene_geobox((20, 31))


@pytest.mark.parametrize(("heading", "grows_to_the_east"), [(-169.6, False), (-10.4, True)])
def test_incidence_grows_away_from_a_track_that_looks_to_the_right(heading, grows_to_the_east):
    angle = incidence_map(GEOBOX, 39.0, heading=heading)
    assert angle.dtype == np.float32
    assert angle[:, 15] == pytest.approx(39.0)
    step = np.diff(angle, axis=1)
    assert ((step > 0) == grows_to_the_east).all()
    assert np.abs(step) == pytest.approx(26.3 * ANGLE_PER_METRE, rel=0.02)


def test_the_reference_lies_on_bedrock_away_from_all_that_moves():
    terrain = valley_terrain((60, 60), spacing=(33.3, 26.3), rng=np.random.default_rng(0))
    row, column = reference_pixel(terrain)
    around = np.s_[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3]
    assert not terrain.ice[around].any()
    assert not terrain.water[around].any()


def test_mean_around_a_corner_takes_what_there_is():
    series = np.zeros((2, 10, 12), np.float32)
    series[1, :4, :4] = 5.0
    np.testing.assert_array_equal(mean_around(series, 0, 0).ravel(), [0.0, 5.0])
