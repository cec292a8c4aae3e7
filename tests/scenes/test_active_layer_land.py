"""The ground of the active-layer scene: relief, classes, and sunlight by the law of cosines."""

import numpy as np
import pytest

from cryoscale.scenes.active_layer_land import (
    CLASS_NAMES,
    E_FACTOR,
    FIELDS,
    ROCK,
    SCATTERED,
    SUMMER,
    WATER,
    WINTER,
    active_layer_land,
    exposure,
)
from cryoscale.scenes.terrain import slope_angle


@pytest.fixture(scope="module")
def land():
    return active_layer_land((480, 480), rng=np.random.default_rng(0))


def field(land, name):
    return land.fields[FIELDS.index(name)]


def plane(east=0.0, north=0.0):
    """Ground that rises by these shares."""
    rows, columns = np.indices((5, 5)) * 30.0
    return (4000 + east * columns - north * rows).astype("f4")


def test_the_valley_lies_where_the_datong_rises(land):
    assert 3350 < land.elevation.min() < 3500
    assert 4300 < land.elevation.max() < 4800
    np.testing.assert_allclose(land.slope, slope_angle(land.elevation, spacing=(30.0, 30.0)), atol=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_every_class_has_its_share(seed):
    cover = active_layer_land((192, 192), rng=np.random.default_rng(seed)).land_cover
    for code in CLASS_NAMES:
        assert (0.003 if code == WATER else 0.02) < (cover == code).mean() < 0.7


def test_each_class_of_plants_has_its_factor(land):
    for code, value in E_FACTOR.items():
        np.testing.assert_array_equal(land.e_factor[land.land_cover == code], np.float32(value))
    bare = np.isin(land.land_cover, (ROCK, WATER))
    assert np.isnan(land.e_factor[bare]).all()
    np.testing.assert_array_equal(land.vegetated, ~bare)


def test_plants_are_richest_on_swamp_meadow_and_absent_on_rock_and_water(land):
    vigour = field(land, "vigour")
    greenness = [vigour[land.land_cover == code].mean() for code in E_FACTOR]
    assert greenness == sorted(greenness, reverse=True)
    assert not vigour[~land.vegetated].any()
    peak = (vigour + field(land, "background"))[land.vegetated]
    assert 0.05 < peak.min() < 0.15
    assert 0.6 < peak.max() < 0.7


def test_fields_are_as_named(land):
    np.testing.assert_allclose(field(land, "height"), (land.elevation - 3800) / 1000, atol=1e-3)
    np.testing.assert_array_equal(field(land, "water") == 1, land.land_cover == WATER)
    assert field(land, "texture").std() == pytest.approx(1, abs=1e-3)
    assert field(land, "east")[0, [0, -1]].tolist() == [-1, 1]
    assert field(land, "north")[[0, -1], 0].tolist() == [1, -1]


def test_level_ground_has_an_exposure_of_one():
    for declination in (SUMMER, WINTER, 0.0):
        np.testing.assert_allclose(exposure(plane(), declination=declination), 1, rtol=1e-5)


def test_at_the_equinox_a_slope_to_the_south_is_as_level_ground_farther_south():
    """Its beam is that of the latitude less the slope; it sets with the sun, which goes from east to west."""
    slope, latitude = np.deg2rad(20.0), np.deg2rad(38.0)
    beam = np.cos(latitude - slope) / np.cos(latitude)
    expected = (1 - SCATTERED) * beam + SCATTERED * (1 + np.cos(slope)) / 2
    found = exposure(plane(north=np.tan(slope)), declination=0.0)
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_in_winter_the_aspect_counts_more_and_east_is_as_west():
    south, north = (exposure(plane(north=rise), declination=WINTER)[2, 2] for rise in (0.2, -0.2))
    assert south - north > 0.6
    assert exposure(plane(north=0.2), declination=SUMMER)[2, 2] - 1 < 0.05
    east, west = (exposure(plane(east=rise), declination=WINTER)[2, 2] for rise in (0.2, -0.2))
    assert east == pytest.approx(west, rel=1e-5)


def test_ground_that_falls_to_the_east_has_a_warm_morning():
    land = active_layer_land((64, 64), rng=np.random.default_rng(1))
    falls = -np.gradient(land.elevation.astype(float), 30.0, axis=1)
    np.testing.assert_allclose(field(land, "morning"), falls, atol=1e-3)
