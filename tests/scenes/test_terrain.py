"""Synthetic ground: its spectrum, its slopes, and ice only where it is gentle and low."""

import numpy as np
import pytest

from cryoscale.scenes.terrain import fractal_field, slope_angle, valley_terrain


@pytest.fixture(scope="module")
def terrain():
    return valley_terrain((150, 150), spacing=(33.3, 26.3), rng=np.random.default_rng(4))


@pytest.mark.parametrize("exponent", [2.0, 11 / 3])
def test_power_falls_with_wavenumber_as_asked(exponent):
    power = 0.0
    window = np.hanning(256)[:, None] * np.hanning(256)  # a crop is not periodic: keep its edges from leaking
    for seed in range(8):
        field = fractal_field((256, 256), exponent=exponent, rng=np.random.default_rng(seed))
        power = power + np.abs(np.fft.fft2((field - field.mean()) * window)) ** 2
    wavenumber = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256)[None, :]) * 256
    band = (wavenumber > 8) & (wavenumber < 80)
    fitted = np.polyfit(np.log(wavenumber[band]), np.log(power[band]), 1)[0]
    assert fitted == pytest.approx(-exponent, abs=0.15)


def test_fields_are_standardised_and_reproducible():
    first, again = (fractal_field((37, 51), exponent=3.0, rng=np.random.default_rng(1)) for _ in range(2))
    assert first.dtype == np.float32
    assert first.mean() == pytest.approx(0, abs=1e-5)
    assert first.std() == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(first, again)


def test_slope_of_a_plane_with_unequal_pixels():
    y, x = np.mgrid[:20, :30] * np.array([33.0, 26.0])[:, None, None]
    slope = slope_angle(0.3 * y - 0.4 * x, spacing=(33.0, 26.0))
    np.testing.assert_allclose(slope, np.rad2deg(np.arctan(0.5)))


def test_valley_runs_from_north_west_to_south_east(terrain):
    along = np.diagonal(terrain.elevation).mean()
    north_east, south_west = terrain.elevation[:20, -20:].mean(), terrain.elevation[-20:, :20].mean()
    assert along < north_east - 200
    assert along < south_west - 200


def test_ice_lies_where_it_is_gentle_and_low(terrain):
    rich = terrain.ice > 0.3
    assert rich.mean() > 0.15
    assert terrain.height[rich].max() < 0.5
    assert terrain.slope[rich].mean() < 6
    assert not terrain.ice[terrain.height > 0.8].any()
    assert terrain.ice.min() == 0
    assert terrain.ice.max() <= 1


def test_river_runs_along_the_valley_floor(terrain):
    assert 0.002 < terrain.water.mean() < 0.05
    assert (terrain.water.any(axis=1)).mean() > 0.7
    assert terrain.height[terrain.water].max() < 0.2


@pytest.mark.parametrize("shape", [(24, 24), (60, 40), (300, 500)])
def test_slopes_are_alike_whatever_the_size(shape):
    terrain = valley_terrain(shape, spacing=(33.3, 26.3), rng=np.random.default_rng(0))
    assert 3 < terrain.slope.mean() < 15
    assert (terrain.ice == 0).mean() > 0.1
    assert (terrain.ice > 0.2).mean() > 0.1
