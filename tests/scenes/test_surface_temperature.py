"""Temperatures: the ground's year and height, and what each overpass makes of it."""

import numpy as np
import pandas as pd
import pytest

from cryoscale.scenes.surface_temperature import (
    CLOUD_EFFECT,
    LAPSE,
    OVERPASS_NOISE,
    OVERPASSES,
    PIXEL_NOISE,
    SKIN,
    clear_sky_lst,
    climate,
    cloudless_ground,
    effect_of_clouds,
    weather,
)

SHAPE = (10, 24)
DAYS = pd.date_range("2005-01-01", "2012-12-31")
EVERY = slice(0, len(DAYS))
ELEVATION = np.repeat(np.linspace(1300, 5300, SHAPE[1], dtype="f4")[None], SHAPE[0], axis=0)
BARE = climate(ELEVATION, damping=np.ones(SHAPE, "f4"), texture=np.zeros(SHAPE, "f4"))


@pytest.fixture(scope="module")
def air():
    return weather(DAYS, SHAPE, rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def ground(air):
    return cloudless_ground(BARE, air, EVERY)


@pytest.fixture(scope="module")
def seen(air, ground):
    return clear_sky_lst(ground, BARE, air, EVERY, rng=np.random.default_rng(1))


def test_the_mean_falls_with_height(ground):
    slope, at_0 = np.polyfit(ELEVATION.ravel() / 1000, ground.mean(0).ravel(), 1)
    assert slope == pytest.approx(LAPSE, abs=0.15)
    assert at_0 + 1.3 * slope == pytest.approx(16.2, abs=0.6)


def test_july_is_warmest_and_the_plateaus_year_is_milder(ground):
    by_month = pd.DataFrame(ground[:, 0], DAYS).groupby(DAYS.month).mean()
    assert set(by_month.idxmax()) == {7}
    yearly = (by_month.max() - by_month.min()).to_numpy()
    assert 23 < yearly[-1] < yearly[0] - 5


def test_the_ground_warms():
    days = pd.date_range("1970-01-01", "2020-12-31")
    anomaly = weather(days, (4, 4), rng=np.random.default_rng(0)).anomaly
    assert np.polyfit(np.arange(len(days)) / 365.25, anomaly, 1)[0] == pytest.approx(0.04, abs=0.012)


def test_clouds_cool_in_summer_and_warm_in_winter(air):
    cover = np.full((len(DAYS), *SHAPE), 0.5, "f4")
    effect = effect_of_clouds(air, EVERY, cover=cover)[:, 0, 0]
    by_month = pd.Series(effect, DAYS).groupby(DAYS.month).mean()
    assert by_month[7] == pytest.approx(-CLOUD_EFFECT / 2, abs=0.02)
    assert by_month[1] == pytest.approx(CLOUD_EFFECT / 2, abs=0.03)
    assert not effect_of_clouds(air, EVERY, cover=0 * cover).any()


def test_days_are_hot_and_nights_are_cold(seen, ground):
    excess = dict(zip(OVERPASSES, (seen - ground[:, None]).mean((0, 2, 3)), strict=True))
    assert excess["aqua_day"] > excess["terra_day"] > 5
    assert excess["aqua_night"] < excess["terra_night"] < -3


def test_the_diurnal_cycle_is_larger_in_summer_and_smaller_under_plants(air, ground, seen):
    range_ = pd.Series((seen[:, 1] - seen[:, 3]).mean((1, 2)) - 0.11 * ground.mean((1, 2)), DAYS)
    by_month = range_.groupby(DAYS.month).mean()
    assert by_month[7] > by_month[1] + 5
    green = climate(ELEVATION, damping=np.full(SHAPE, 0.6, "f4"), texture=np.zeros(SHAPE, "f4"))
    damped = clear_sky_lst(ground, green, air, EVERY, rng=np.random.default_rng(1))
    assert (damped[:, 1] - damped[:, 3]).mean() < (seen[:, 1] - seen[:, 3]).mean() - 5


@pytest.mark.parametrize("position", range(4))
def test_each_overpass_has_a_lapse_of_its_own(seen, ground, position):
    look = list(OVERPASSES.values())[position]
    rest = (seen[:, position] - look.scale * ground).mean(0)
    assert np.polyfit(ELEVATION[0] / 1000, rest.mean(0), 1)[0] == pytest.approx(look.lapse, abs=0.15)


def test_noise_has_the_sizes_promised(seen, ground):
    """The weighted sum of a day and a night in which the diurnal cycle cancels; what is left is noise."""
    looks = list(OVERPASSES.values())
    rest = [seen[:, k] - look.scale * ground for k, look in enumerate(looks)]
    share = looks[1].phase / -looks[3].phase
    free = rest[1] + share * rest[3]
    expected = np.hypot((1 + share) * SKIN, np.hypot(1, share) * np.hypot(OVERPASS_NOISE, PIXEL_NOISE))
    assert (free - free.mean(0)).std() == pytest.approx(expected, rel=0.05)
