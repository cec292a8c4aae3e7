"""Phase and coherence: the sign, the noise that coherence foretells, what is left out."""

import numpy as np
import pandas as pd
import pytest

from cryoscale.scenes.interferograms import atmosphere, interferograms, true_coherence
from cryoscale.scenes.network import Network, broken_network
from cryoscale.scenes.terrain import valley_terrain

TWO_DATES = Network(pd.DatetimeIndex(["2020-06-01", "2020-06-13"]), np.array([0]), np.array([1]))


def one_pair(change, coherence, *, looks, mask_below=0.0, seed=0, shape=(300, 300)):
    displacement = np.zeros((2, *shape), "float32")
    displacement[1] = change
    phase, estimate = interferograms(
        displacement,
        np.full((1, *shape), coherence, "float32"),
        network=TWO_DATES,
        wavelength=0.0555,
        looks=looks,
        mask_below=mask_below,
        rng=np.random.default_rng(seed),
    )
    return phase[0], estimate[0]


def test_subsidence_by_half_a_wavelength_is_one_cycle_of_growing_phase():
    phase, coherence = one_pair(-27.75, 0.7, looks=np.inf)
    np.testing.assert_allclose(phase, 2 * np.pi, rtol=1e-6)
    np.testing.assert_allclose(coherence, 0.7, rtol=1e-6)


@pytest.mark.parametrize("coherence", [0.5, 0.7, 0.9])
def test_phase_noise_reaches_the_cramer_rao_bound(coherence):
    phase, estimate = one_pair(0, coherence, looks=100)
    assert phase.std() == pytest.approx(np.sqrt((1 - coherence**2) / (200 * coherence**2)), rel=0.03)
    assert phase.mean() == pytest.approx(0, abs=2e-3)
    assert estimate.std() == pytest.approx((1 - coherence**2) / np.sqrt(200), rel=0.03)
    assert estimate.mean() == pytest.approx(coherence, rel=0.01)


def test_no_coherence_is_any_phase_and_an_estimate_that_is_too_high():
    phase, estimate = one_pair(0, 0.0, looks=20)
    assert phase.std() == pytest.approx(np.pi / np.sqrt(3), rel=0.01)
    assert estimate.mean() == pytest.approx(np.sqrt(np.pi / 4 / 20), rel=0.01)


def test_phase_is_missing_just_where_the_estimate_is_low():
    phase, estimate = one_pair(5, 0.35, looks=20, mask_below=0.3)
    np.testing.assert_array_equal(np.isnan(phase), estimate < 0.3)
    assert 0.1 < np.isnan(phase).mean() < 0.6
    assert estimate.max() <= 1


def test_atmosphere_is_smooth_and_of_the_strength_asked_for():
    delay = atmosphere(60, (64, 64), std=3.0, rng=np.random.default_rng(0))
    assert delay.dtype == np.float32
    assert delay.std(axis=(1, 2)).mean() == pytest.approx(3.0, rel=0.1)
    beside = np.abs(np.diff(delay, axis=2)).mean()
    assert beside < 0.2 * delay.std()
    between = np.corrcoef(delay[0].ravel(), delay[1].ravel())[0, 1]
    assert abs(between) < 0.9


def test_coherence_falls_with_time_steepness_and_water():
    rng = np.random.default_rng(0)
    terrain = valley_terrain((80, 80), spacing=(33.0, 26.0), rng=rng)
    network = broken_network("2016-04-04", "2016-11-30", rng=rng)
    coherence = true_coherence(network, terrain, rng=rng)
    assert coherence.shape == (len(network.first), 80, 80)
    assert coherence.min() > 0
    assert coherence.max() < 1
    mean = coherence.mean(0)
    assert mean[terrain.water].max() < 0.1
    assert mean[terrain.slope > 26].max(initial=0) < mean[(terrain.slope < 10) & ~terrain.water].min()
    wet = (terrain.ice > 0.5) & ~terrain.water
    span = (network.years[network.second] - network.years[network.first]) * 365.25
    assert np.corrcoef(span, coherence[:, wet].mean(1))[0, 1] < -0.5
