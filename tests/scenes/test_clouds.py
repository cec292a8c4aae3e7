"""Clouds: how much they cover, that they hide regions and not pixels, and what images are lost."""

import numpy as np
import pytest

from cryoscale.scenes.clouds import LOST, OUTAGE, clouds, recorded_images

SHAPE, DAYS = (40, 50), 1000
NORTH_TO_SOUTH = np.repeat(np.linspace(1300, 5000, SHAPE[0], dtype="f4")[:, None], SHAPE[1], axis=1)


@pytest.fixture(scope="module")
def hidden():
    return clouds(NORTH_TO_SOUTH, DAYS, rng=np.random.default_rng(0)).at(slice(0, DAYS))


def test_cover_goes_from_none_to_all_with_two_fifths_on_average(hidden):
    cover = hidden.mean((2, 3))
    assert cover.shape == (DAYS, 4)
    assert cover.mean() == pytest.approx(0.4, abs=0.06)
    assert 0.01 < (cover == 1).mean() < 0.15
    assert 0.02 < (cover == 0).mean() < 0.3
    assert ((cover > 0.05) & (cover < 0.95)).mean() > 0.4


def test_clouds_hide_regions(hidden):
    """Pixels beside each other share their sky far more often than those far apart."""
    partial = hidden[(hidden.mean((2, 3)) > 0.2) & (hidden.mean((2, 3)) < 0.8)]
    assert (partial[..., 1:] != partial[..., :-1]).mean() < 0.15
    assert (partial[..., 30:] != partial[..., :-30]).mean() > 0.35


def test_bad_weather_lasts(hidden):
    cover = hidden.mean((2, 3)).ravel()
    assert np.corrcoef(cover[1:], cover[:-1])[0, 1] > 0.7
    assert abs(np.corrcoef(cover[120:], cover[:-120])[0, 1]) < 0.2


def test_mountains_are_cloudier(hidden):
    by_row = hidden.mean((0, 1, 3))
    assert by_row[-5:].mean() > by_row[:5].mean() + 0.1


def test_days_are_the_same_alone_and_together(hidden):
    again = clouds(NORTH_TO_SOUTH, DAYS, rng=np.random.default_rng(0)).at(slice(20, 30))
    assert (again != hidden[20:30]).mean() < 1e-4


def test_flat_ground_has_clouds_too():
    sky = clouds(np.full((8, 8), 1300.0, "f4"), 400, rng=np.random.default_rng(1)).at(slice(0, 400))
    assert 0.2 < sky.mean() < 0.6


def test_a_few_images_are_lost_and_one_satellite_fails_for_days():
    recorded = recorded_images(4000, rng=np.random.default_rng(0))
    assert recorded.shape == (4, 4000)
    assert 1 - recorded[1::2].mean() == pytest.approx(LOST, rel=0.3)
    failed = ~recorded[::2].any(0)
    assert max(len(run) for run in "".join("x" if day else " " for day in failed).split()) == OUTAGE
    assert recorded[1::2, failed].any()
