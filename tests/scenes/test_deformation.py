"""The Datong-like scene: its contract, its likeness to the paper, and that its phases tell its truth."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from cryoscale.grids import geobox_of, pixel_spacing
from cryoscale.scenes import Season, datong_scene
from cryoscale.variables import VARIABLES

SMALL = {"shape": (60, 50), "end": "2019-04-30"}


@pytest.fixture(scope="module")
def scene():
    return datong_scene(seed=2, **SMALL)


@pytest.fixture(scope="module")
def clean():
    """Without atmosphere or noise."""
    return datong_scene(seed=2, **SMALL, atmosphere_std=0.0, looks=np.inf)


def displacement_of_pairs(scene):
    """Displacement that the phases stand for, by the definition in the data model."""
    return -scene.stack.wavelength / (4 * np.pi) * 1000 * scene.stack.unwrapped_phase


def true_change(scene):
    series = scene.truth.displacement
    return series.sel(time=scene.stack.secondary).values - series.sel(time=scene.stack.reference).values


def test_variables_follow_the_registry(scene):
    for dataset in (scene.stack, scene.truth):
        for name, array in dataset.data_vars.items():
            assert array.dims == VARIABLES[name].dims
            assert array.dtype == VARIABLES[name].dtype
            assert array.attrs["units"] == VARIABLES[name].units


def test_attributes_and_grid(scene):
    assert scene.stack.attrs["sensor"] == "Sentinel-1"
    assert scene.stack.attrs["wavelength"] == pytest.approx(0.0555, abs=1e-4)
    geobox = geobox_of(scene.stack)
    assert geobox == geobox_of(scene.truth)
    assert geobox.crs.epsg == 4326
    assert pixel_spacing(geobox) == pytest.approx((33.3, 26.3), abs=0.1)
    assert geobox.extent.centroid.coords[0] == pytest.approx((99.634, 38.036), abs=1e-3)
    assert scene.stack.incidence_angle.mean() == pytest.approx(39.47, abs=0.01)
    west, east = (float(scene.stack.incidence_angle[0, column]) for column in (0, -1))
    assert west - east == pytest.approx(49 * 26.3 * 7.5e-5, rel=0.01)


def test_the_epochs_of_the_truth_are_those_of_the_pairs(scene):
    used = np.union1d(scene.stack.reference.values, scene.stack.secondary.values)
    np.testing.assert_array_equal(scene.truth.time.values, used)


def test_same_seed_same_bytes_other_seed_other_ground(scene):
    again, other = datong_scene(seed=2, **SMALL), datong_scene(seed=3, **SMALL)
    for name in ("unwrapped_phase", "coherence"):
        assert again.stack[name].values.tobytes() == scene.stack[name].values.tobytes()
    xr.testing.assert_identical(again.truth, scene.truth)
    assert not np.array_equal(other.truth.velocity, scene.truth.velocity)


def test_noise_does_not_change_the_truth(scene, clean):
    xr.testing.assert_identical(clean.truth.drop_vars("atmosphere"), scene.truth.drop_vars("atmosphere"))
    assert not clean.truth.atmosphere.any()


def test_the_size_of_the_signal_is_the_papers():
    truth = datong_scene(seed=0, end="2016-06-30").truth
    lowland = truth.velocity < -5
    assert 0.2 < float(lowland.mean()) < 0.6
    assert -15 <= float(truth.velocity.min()) < -12
    peak_to_peak = 2 * truth.seasonal_amplitude.where(lowland)
    assert float(peak_to_peak.min()) > 20
    assert 45 < float(peak_to_peak.max()) <= 60
    assert not truth.velocity.where(truth.stable, 0).any()
    assert not truth.seasonal_amplitude.where(truth.stable, 0).any()


@pytest.mark.parametrize("season", Season)
def test_truth_is_a_trend_and_a_season_of_the_amplitude_and_peak_given(season):
    truth = datong_scene(seed=2, shape=(30, 30), season=season).truth
    time = truth.get_index("time")
    years = np.asarray((time - time[0]).days) / 365.25
    to_peak = 2 * np.pi * (years[:, None] + (time[0].day_of_year - truth.seasonal_peak.values.ravel()) / 365.25)
    rest = truth.displacement.values.reshape(len(time), -1) - truth.velocity.values.ravel() * years[:, None]
    rest -= truth.seasonal_amplitude.values.ravel() * np.cos(to_peak)
    least, most = {Season.SINUSOID: (0.0, 1e-4), Season.STEFAN: (0.05, 0.3)}[season]
    assert least <= rest.std(0).max() / float(truth.seasonal_amplitude.max()) < most


def test_noise_free_phases_are_the_displacement(clean):
    change = displacement_of_pairs(clean)
    assert float(np.isnan(change).mean()) < 0.2
    seen = ~np.isnan(change.values)
    np.testing.assert_allclose(change.values[seen], true_change(clean)[seen], atol=2e-4)


def test_noisy_phases_are_displacement_and_atmosphere_and_what_coherence_explains(scene):
    delay = scene.truth.atmosphere
    feigned = delay.sel(time=scene.stack.secondary).values - delay.sel(time=scene.stack.reference).values
    noise = displacement_of_pairs(scene).values - true_change(scene) - feigned
    coherent = scene.stack.coherence.values > 0.8
    assert np.nanstd(noise[coherent]) < 0.7
    assert np.nanstd(noise) > 0.7


def test_the_reference_is_still_and_all_is_relative_to_it(scene):
    y, x = scene.reference
    assert bool(scene.truth.stable.sel(y=y, x=x))
    np.testing.assert_array_equal(scene.truth.displacement.sel(y=y, x=x), 0)
    row, column = (scene.truth.get_index(dim).get_loc(at) for dim, at in zip("yx", scene.reference, strict=True))
    around = {"y": slice(max(row - 3, 0), row + 4), "x": slice(max(column - 3, 0), column + 4)}
    np.testing.assert_allclose(scene.truth.atmosphere.isel(around).mean(("y", "x")), 0, atol=1e-5)
    assert abs(displacement_of_pairs(scene).isel(around).mean(("y", "x"))).max() < 1.5


def test_the_ground_sinks_from_may_to_october(clean):
    wettest = clean.truth.velocity.argmin(...)
    series = clean.truth.displacement.isel(wettest).to_series()
    summer = series["2017-05-15":"2017-10-10"]
    assert summer.is_monotonic_decreasing
    assert series["2018-04"].mean() > series["2017-10"].mean() + 20


def test_water_and_steep_ground_are_partly_missing(scene):
    share = np.isnan(scene.stack.unwrapped_phase).mean("pair")
    assert float(share.max()) > 0.3
    assert float((share == 0).mean()) > 0.5
    assert float(share.max()) < 1


def invert(scene):
    """Linear-periodic NSBAS by dense least squares, for the pixels that miss no pair (Eq. 3 of the paper)."""
    time = scene.truth.get_index("time")
    first, second = (time.get_indexer(pd.DatetimeIndex(scene.stack[end])) for end in ("reference", "secondary"))
    n, m = len(time), len(first)
    links = np.zeros((m, n))
    links[np.arange(m), second], links[np.arange(m), first] = 1, -1
    years = np.asarray((time - time[0]).days) / 365.25
    model = np.stack([np.ones(n), years, np.sin(2 * np.pi * years), np.cos(2 * np.pi * years)], axis=1)
    system = np.block([[links, np.zeros((m, 4))], [1e-4 * np.eye(n), -1e-4 * model]])[:, 1:]
    change = displacement_of_pairs(scene).values
    whole = ~np.isnan(change).any(0)
    right = np.concatenate([change[:, whole], np.zeros((n, whole.sum()))])
    solution = np.linalg.lstsq(system, right.astype(float), rcond=None)[0]
    return whole, solution[n], np.hypot(*solution[n + 1 :])


def test_a_sinusoidal_season_is_recovered_across_the_winters(clean):
    whole, velocity, amplitude = invert(clean)
    np.testing.assert_allclose(velocity, clean.truth.velocity.values[whole], atol=0.05)
    np.testing.assert_allclose(amplitude, clean.truth.seasonal_amplitude.values[whole], atol=0.05)


def test_noise_and_atmosphere_cost_some_millimetres_a_year(scene):
    whole, velocity, _ = invert(scene)
    error = velocity - scene.truth.velocity.values[whole]
    assert 0.3 < np.sqrt(np.mean(error**2)) < 5


def test_a_scene_needs_pairs_only_within_its_dates():
    stack = datong_scene(shape=(24, 24), start="2017-05-01", end="2017-08-01", links=2).stack
    assert stack.reference.min() >= np.datetime64("2017-05-01")
    assert stack.secondary.max() < np.datetime64("2017-08-01")
