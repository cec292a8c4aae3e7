"""Delays: layered, turbulent, modelled, and of the right sign."""

import numpy as np
import pandas as pd
import pytest

from cryoscale.scenes.terrain import valley_terrain
from cryoscale.scenes.troposphere import dry_delay, feigned_displacement, modelled_delays, wet_delays

DATES = pd.date_range("2018-01-01", "2020-12-31", freq="12D")
TERRAIN = valley_terrain((50, 50), spacing=(33.3, 26.3), rng=np.random.default_rng(0))


def make(*, wet_delay=0.0, turbulence_std=0.0, seed=1):
    rng = np.random.default_rng(seed)
    return wet_delays(DATES, TERRAIN, wet_delay=wet_delay, turbulence_std=turbulence_std, rng=rng)


def test_dry_air_at_the_height_of_the_valley_delays_by_about_a_metre_and_a_half():
    delay = dry_delay(TERRAIN.elevation)
    assert 1.3 < delay.min() < delay.max() < 1.5
    assert np.corrcoef(delay.ravel(), TERRAIN.elevation.ravel())[0, 1] < -0.99


def test_layers_follow_the_elevation_and_are_thickest_in_summer():
    wet = make(wet_delay=0.08)
    assert (wet > 0).all()
    assert wet.mean() == pytest.approx(0.08, rel=0.15)
    for field in wet:
        assert np.corrcoef(field.ravel(), TERRAIN.elevation.ravel())[0, 1] < -0.99
    summer = DATES.month.isin([6, 7, 8])
    winter = DATES.month.isin([12, 1, 2])
    assert wet[summer].mean() > 2 * wet[winter].mean()


def test_stratified_differences_reach_millimetres_over_a_relief_of_some_hundred_metres():
    wet = make(wet_delay=0.08)
    relief = np.ptp(wet.reshape(len(wet), -1), axis=1)
    assert 100 < np.ptp(TERRAIN.elevation) < 400
    assert 1.5e-3 < np.abs(np.diff(relief)).mean() < 1e-2


def test_turbulence_has_the_size_asked_for_and_no_mean():
    wet = make(turbulence_std=3.0)
    assert wet.std(axis=(1, 2)).mean() == pytest.approx(3e-3, rel=0.15)
    np.testing.assert_allclose(wet.mean(axis=(1, 2)), 0, atol=1e-7)


def test_size_0_is_none():
    assert not make().any()


def test_sizes_do_not_change_each_other():
    both = make(wet_delay=0.08, turbulence_std=3.0)
    np.testing.assert_allclose(both, make(wet_delay=0.08) + make(turbulence_std=3.0), atol=1e-7)


@pytest.mark.parametrize("error", [0.0, 0.5])
def test_the_model_is_the_truth_and_an_error_of_the_size_asked_for(error):
    wet = make(wet_delay=0.08)
    modelled = modelled_delays(wet, TERRAIN.elevation, model_error=error, rng=np.random.default_rng(2))
    difference = 1000 * (modelled.astype(float) - dry_delay(TERRAIN.elevation) - wet)
    assert difference.std(axis=(1, 2)).mean() == pytest.approx(error, rel=0.15, abs=1e-3)


def test_a_longer_path_looks_like_subsidence():
    feigned = feigned_displacement(np.full((1, 1, 1), 0.010, np.float32), np.full((1, 1), 60.0))
    assert feigned == pytest.approx(-20.0)
