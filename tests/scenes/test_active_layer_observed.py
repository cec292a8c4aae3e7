"""What satellites see of the active-layer scene: means of the truth, with noise and under clouds."""

import numpy as np
import pandas as pd
import pytest

from cryoscale.grids import geobox_of
from cryoscale.scenes.active_layer_grids import block_mean
from cryoscale.scenes.active_layer_land import active_layer_land
from cryoscale.scenes.active_layer_observed import (
    COVER,
    LANDSAT_NOISE,
    LST_NOISE,
    NDVI_NOISE,
    coarse_lst,
    landsat_ndvi,
    observed_lst,
    observed_ndvi,
)
from cryoscale.scenes.active_layer_surface import fine_lst, fine_ndvi, surface_of
from cryoscale.scenes.active_layer_weather import lst_weights

DAYS = pd.date_range("2018-01-01", "2020-12-31")


@pytest.fixture(scope="module")
def surface():
    land = active_layer_land((160, 192), rng=np.random.default_rng(0))
    return surface_of(land, DAYS, weights=lst_weights(DAYS, rng=np.random.default_rng(1)))


@pytest.fixture(scope="module")
def seen(surface):
    return observed_lst(surface, rng=np.random.default_rng(2))


@pytest.mark.parametrize("day", ["2018-01-15", "2019-07-20", "2020-02-29"])
def test_without_noise_coarse_pixels_are_means_of_the_truth(surface, day):
    means = block_mean(fine_lst(surface, day).values, 32)
    np.testing.assert_allclose(coarse_lst(surface).sel(time=day), means, atol=1e-4)


def test_images_lie_on_a_grid_of_960_m_and_follow_the_registry(surface, seen):
    assert seen.dims == ("overpass", "time", "y", "x")
    assert seen.dtype == np.float32
    assert seen.attrs["units"] == "degC"
    assert seen.shape == (2, len(DAYS), 5, 6)
    assert geobox_of(seen).resolution.x == 960
    assert geobox_of(seen).boundingbox == geobox_of(surface).boundingbox


def test_noise_has_its_size(surface, seen):
    noise = seen - coarse_lst(surface)
    assert float(noise.std()) == pytest.approx(LST_NOISE, rel=0.02)
    assert abs(float(noise.mean())) < 0.02


def test_clouds_hide_a_third_in_patches_that_last(seen):
    hidden = np.isnan(seen.values)
    assert hidden.mean() == pytest.approx(COVER, abs=0.05)
    cover = hidden.mean((2, 3))
    assert 0.02 < (cover == 1).mean() < 0.2
    assert 0.2 < (cover == 0).mean() < 0.6
    partial = hidden[(cover > 0.2) & (cover < 0.8)]
    beside = (partial[:, :, 1:] != partial[:, :, :-1]).mean()
    apart = (partial[:, :, 5:] != partial[:, :, :-5]).mean()
    assert beside < 0.6 * apart
    assert np.corrcoef(cover[0, 1:], cover[0, :-1])[0, 1] > 0.4


def test_every_pixel_is_seen_often(seen):
    assert float(np.isnan(seen).mean(("overpass", "time")).max()) < 0.5


def test_ndvi_comes_every_16_days_from_each_new_year(surface):
    ndvi = observed_ndvi(surface, rng=np.random.default_rng(3))
    assert ndvi.sizes["time"] == 3 * 23
    assert pd.Timestamp(ndvi.time.values[23]) == pd.Timestamp("2019-01-01")
    assert pd.Timestamp(ndvi.time.values[-1]) == pd.Timestamp("2020-12-18")
    assert geobox_of(ndvi).resolution.x == 240
    day = ndvi.time.values[30]
    noise = ndvi.sel(time=day) - block_mean(fine_ndvi(surface, day).values, 8)
    assert float(noise.std()) == pytest.approx(NDVI_NOISE, rel=0.15)
    assert ndvi.dtype == np.float32


def test_the_fine_composite_is_of_the_peak_of_the_middle_year(surface):
    ndvi = landsat_ndvi(surface, rng=np.random.default_rng(4))
    assert ndvi.attrs["day"] == "2019-08-01"
    noise = ndvi - fine_ndvi(surface, "2019-08-01")
    assert float(noise.std()) == pytest.approx(LANDSAT_NOISE, rel=0.02)
    assert geobox_of(ndvi) == geobox_of(surface)
    assert ndvi.attrs["units"] == "1"
