"""The corrections of Section 3.1.1 on the long-term scene, whose flaws, ramps, delays and motion are known."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from cryoscale import insar
from cryoscale.errors import InputError
from cryoscale.insar.network import epochs, pair_indices
from cryoscale.products.corrections import (
    Corrections,
    Inputs,
    Ramp,
    Reference,
    Troposphere,
    Unwrapping,
    correct,
    survey,
)
from cryoscale.scenes.disturbances import TYPICAL
from cryoscale.scenes.longterm import datong_longterm_scene
from cryoscale.schemas import require_valid
from cryoscale.stats import match_cdf
from cryoscale.store import Provenance, save_small

DELAYS = Troposphere(folder="unused", apply="always")
ALL = Corrections(troposphere=DELAYS, ramp=Ramp(order=2))


@pytest.fixture(scope="module")
def scene():
    return datong_longterm_scene(0)


def inputs_of(scene):
    stack = scene.sentinel1
    days = epochs(stack.reference.values, stack.secondary.values)
    delays = scene.zenith_delay.sel(time=scene.zenith_delay.time.isin(days))
    return Inputs(stack, delays=delays, stable=scene.truth["Sentinel-1"].stable)


def survey_of(scene, corrections, inputs=None):
    latitude, longitude = scene.reference
    reference = Reference(longitude=longitude, latitude=latitude)
    return survey(inputs or inputs_of(scene), corrections, reference=reference, reduce=xr.Dataset.compute)


def corrected_displacement(scene, corrections):
    found = survey_of(scene, corrections)
    phase = correct(inputs_of(scene), corrections, found=found)
    return insar.phase_to_displacement(phase, scene.sentinel1.attrs["wavelength"]), found


def pair_error(scene, corrections):
    """RMS difference of the pairs' displacement from the truth, but for a constant of each pair, mm."""
    displacement, _ = corrected_displacement(scene, corrections)
    truth = scene.truth["Sentinel-1"].displacement.values
    first, second = pair_indices(displacement.reference.values, displacement.secondary.values)
    error = displacement.values - (truth[second] - truth[first])
    error -= np.nanmedian(error, axis=(1, 2), keepdims=True)
    return float(np.sqrt(np.nanmean(error**2)))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_screening_finds_the_planted_bad_pairs_and_spares_the_good_ones(seed):
    scene = datong_longterm_scene(seed)
    dropped = ~survey_of(scene, Corrections()).usable.values
    bad = scene.truth["Sentinel-1"].flaw.values > 0
    print(f"seed {seed}: {(dropped & bad).sum()} of {bad.sum()} bad pairs found, {(dropped & ~bad).sum()} good dropped")
    assert (dropped & bad).sum() >= 0.95 * bad.sum()
    assert (dropped & ~bad).sum() <= 0.02 * (~bad).sum()


def test_delays_and_ramps_leave_the_noise_alone(scene):
    """What is left is no more than in a scene without troposphere and orbits, but for the delays' own error."""
    calm = datong_longterm_scene(0, disturbances=replace(TYPICAL, ramp=0.0, wet_delay=0.0, turbulence=0.0))
    noise = pair_error(calm, Corrections(troposphere=DELAYS))
    raw, delays, everything = (
        pair_error(scene, chosen) for chosen in (Corrections(), Corrections(troposphere=DELAYS), ALL)
    )
    print(f"mm: raw {raw:.2f}, without delays {delays:.2f}, without ramps {everything:.2f}, noise {noise:.2f}")
    assert raw > delays > everything
    assert everything < 1.05 * noise


def rms(error):
    return float(np.sqrt((error.astype("f8") ** 2).mean()))


def test_the_constrained_inversion_halves_the_errors_of_the_free_one(scene):
    """Rate, and displacement in the winters' gaps (Fig. 3c), linear, free and constrained."""
    displacement, _ = corrected_displacement(scene, ALL)
    truth = scene.truth["Sentinel-1"]
    linear = insar.invert_nsbas(displacement, model="linear")
    free = insar.invert_nsbas(displacement)
    observed = free.n_pairs >= 0.5 * free.n_pairs.max()
    velocity = match_cdf(free.velocity, scene.lband_rate.assign_attrs(units="mm a-1"), observed)
    constrained = insar.invert_nsbas(displacement, velocity_reference=velocity)
    winter = free.time.dt.month.isin([12, 1, 2, 3])
    errors = {
        name: (
            rms((cube.velocity - truth.deformation_rate).where(observed)),
            rms((cube.displacement - truth.displacement)[winter.values].where(observed)),
        )
        for name, cube in {"linear": linear, "free": free, "constrained": constrained}.items()
    }
    print({name: f"rate {rate:.2f} mm a-1, winter {gap:.2f} mm" for name, (rate, gap) in errors.items()})
    assert errors["constrained"][0] < 0.5 * errors["free"][0]
    assert errors["constrained"][1] < 0.5 * errors["free"][1]
    assert errors["free"][0] < errors["linear"][0]
    assert errors["free"][1] < errors["linear"][1]


def test_planted_unwrapping_errors_are_mended(scene):
    """Without screening the bad pairs stay; the correction takes off the cycles that were put in."""
    plain, mended = (Corrections(screening=None, unwrapping=step) for step in (None, Unwrapping()))
    found = survey_of(scene, plain)
    phases = [correct(inputs_of(scene), chosen, found=found) for chosen in (plain, mended)]
    taken_off = np.rint((phases[0] - phases[1]) / (2 * np.pi)).values
    planted = scene.truth["Sentinel-1"].unwrapping_cycles.values[found.usable.values]
    wrong, known = planted != 0, np.isfinite(taken_off)
    recovered = (taken_off == planted)[wrong & known].mean()
    spoiled = (taken_off != 0)[~wrong & known].mean()
    print(f"{recovered:.1%} of the wrong phases mended, {spoiled:.3%} of the right ones changed")
    assert recovered > 0.9
    assert spoiled < 0.002


@pytest.mark.parametrize(
    "corrections",
    [Corrections(), ALL, ALL.model_copy(update={"unwrapping": Unwrapping()})],
    ids=["default", "all", "u"],
)
def test_chunks_do_not_matter_and_it_stays_lazy(corrections, assert_lazy):
    scene = datong_longterm_scene(1, shape=(40, 44), end="2017-12-31")
    whole = inputs_of(scene)
    found = survey_of(scene, corrections)
    eager = correct(whole, corrections, found=found)
    chunks = {"y": 16, "x": 20}
    stack = whole.stack.assign({name: array.chunk(chunks) for name, array in whole.stack.data_vars.items()})
    lazy = replace(whole, stack=stack, delays=whole.delays.chunk(chunks), stable=whole.stable.chunk(chunks))
    with assert_lazy():
        result = correct(lazy, corrections, found=found)
    xr.testing.assert_allclose(result.compute(), eager, rtol=1e-6, atol=1e-6)
    again = survey_of(scene, corrections, lazy)
    np.testing.assert_array_equal(again.usable, found.usable)
    assert again.window == found.window


def test_what_a_step_needs_and_does_not_get_is_named(scene):
    bare = replace(inputs_of(scene), delays=None)
    with pytest.raises(InputError, match=r"troposphere: is asked for, but there are no delays"):
        survey_of(scene, ALL, bare)
    flat = replace(inputs_of(scene), stack=scene.sentinel1.drop_vars("elevation"))
    with pytest.raises(InputError, match=r"ramp.with_elevation: the stack has no elevation"):
        survey_of(scene, Corrections(ramp=Ramp(with_elevation=True)), flat)


def test_the_survey_can_be_saved(scene, tmp_path):
    found = survey_of(scene, ALL)
    path = tmp_path / "survey.zarr"
    save_small(found.to_dataset(), path, provenance=Provenance("deformation-survey", {}, {}))
    require_valid(path)
    saved = xr.open_zarr(tmp_path / "survey.zarr").compute()
    np.testing.assert_array_equal(saved.ramp_coefficients, found.ramp.ramp_coefficients)
    assert saved.attrs["reference_rows"] == [found.window[0].start, found.window[0].stop]
