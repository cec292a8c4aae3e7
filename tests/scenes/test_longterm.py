"""The long-term scene: Table 1, its truth, and that every disturbance is as large as asked for, or not there."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from cryoscale.grids import geobox_of
from cryoscale.insar import SENSORS, RampOrder, fit_ramp, screen_network, sensor, thaw_season
from cryoscale.scenes import SPARSE_PAIRS, TYPICAL, Flaw, datong_longterm_scene, datong_scene
from cryoscale.variables import VARIABLES

SENTINEL1 = "Sentinel-1"


def stacks(scene):
    return {**scene.sparse, SENTINEL1: scene.sentinel1}


def change(series, stack):
    """Difference of a series between the dates of every pair."""
    return series.sel(time=stack.secondary.values).values - series.sel(time=stack.reference.values).values


def displacement_of_pairs(stack):
    """Displacement that the phases stand for, by the definition in the data model."""
    return -stack.wavelength / (4 * np.pi) * 1000 * stack.unwrapped_phase.values


def error_of_pairs(scene, name=SENTINEL1):
    """What the phases feign, mm."""
    stack = stacks(scene)[name]
    return displacement_of_pairs(stack) - change(scene.truth[name].displacement, stack)


def datasets(scene):
    yield from stacks(scene).values()
    yield from scene.truth.values()
    yield scene.weather
    yield scene.covariates
    yield scene.lband_rate.to_dataset()
    yield scene.zenith_delay.to_dataset()


def test_variables_follow_the_registry(longterm):
    for dataset in datasets(longterm):
        for name, array in dataset.data_vars.items():
            assert array.dims == VARIABLES[name].dims, name
            assert array.dtype == VARIABLES[name].dtype, name
            assert array.attrs["units"] == VARIABLES[name].units, name


def test_all_lie_on_one_grid(longterm):
    geobox = geobox_of(longterm.sentinel1)
    assert geobox.shape == (48, 40)
    assert all(geobox_of(dataset) == geobox for dataset in datasets(longterm) if "y" in dataset.dims)


def test_radars_are_those_of_table_1(longterm):
    assert set(stacks(longterm)) == set(SENSORS)
    for name, stack in stacks(longterm).items():
        radar = sensor(name)
        assert stack.attrs["sensor"] == name
        assert stack.attrs["wavelength"] == pytest.approx(radar.wavelength, rel=2e-3)
        assert float(stack.incidence_angle.mean()) == pytest.approx(radar.incidence_angle, abs=0.01)
        assert (abs(stack.attrs["heading"]) < 90) == (radar.direction == "ascending")


@pytest.mark.parametrize("name", SPARSE_PAIRS)
def test_dates_of_sparse_sensors_are_those_of_table_1(longterm, name):
    used = np.union1d(longterm.sparse[name].reference.values, longterm.sparse[name].secondary.values)
    np.testing.assert_array_equal(used.astype("datetime64[D]"), sensor(name).dates)
    np.testing.assert_array_equal(longterm.truth[name].time.values, used)


def test_delays_are_there_for_every_day_of_every_sensor(longterm):
    used = [stack[end].values for stack in stacks(longterm).values() for end in ("reference", "secondary")]
    np.testing.assert_array_equal(longterm.zenith_delay.time.values, np.unique(np.concatenate(used)))


def test_same_seed_same_bytes_other_seed_other_ground():
    small = {"shape": (24, 24), "end": "2016-09-30"}
    first, again, other = (datong_longterm_scene(seed=seed, **small) for seed in (1, 1, 2))
    for one, two in zip(datasets(first), datasets(again), strict=True):
        xr.testing.assert_identical(one, two)
    assert first.sentinel1.unwrapped_phase.values.tobytes() == again.sentinel1.unwrapped_phase.values.tobytes()
    assert not np.array_equal(first.truth[SENTINEL1].deformation_rate, other.truth[SENTINEL1].deformation_rate)


def test_the_network_is_cut_every_winter_as_that_of_the_short_scene():
    scene = datong_longterm_scene(shape=(24, 24), start="2016-04-04", end="2019-04-30")
    winter = (12, 1, 2, 3)
    first, second = (scene.sentinel1[end].dt.month.isin(winter).values for end in ("reference", "secondary"))
    np.testing.assert_array_equal(first, second)
    pairs = datong_scene(shape=(24, 24), start="2016-04-04", end="2019-04-30").stack.sizes["pair"]
    assert scene.sentinel1.sizes["pair"] == pytest.approx(pairs, rel=0.2)


@pytest.mark.parametrize("name", SENSORS)
def test_undisturbed_phases_are_the_displacement(undisturbed, name):
    error = error_of_pairs(undisturbed, name)
    assert np.isfinite(error).mean() > (0.4 if name == "ALOS-2" else 0.75)
    assert np.nanmax(np.abs(error)) < 2e-4


def test_disturbances_do_not_change_the_truth(longterm, undisturbed):
    disturbed = {"atmosphere", "flaw", "unwrapping_cycles", "ramp_coefficients"}
    for name in (*SENSORS, "ground"):
        kept = [variable for variable in longterm.truth[name].data_vars if variable not in disturbed]
        xr.testing.assert_identical(longterm.truth[name][kept], undisturbed.truth[name][kept])
    xr.testing.assert_identical(longterm.weather, undisturbed.weather)


def test_nothing_disturbs_the_undisturbed(undisturbed):
    for name in SENSORS:
        truth = undisturbed.truth[name]
        assert not truth.atmosphere.any()
        assert not truth.flaw.any()
        assert not truth.unwrapping_cycles.any()
        assert not truth.ramp_coefficients.any()
    assert not (undisturbed.zenith_delay - undisturbed.zenith_delay[0]).any()
    rate = undisturbed.truth["ALOS-2"].deformation_rate.where(undisturbed.lband_rate.notnull())
    assert float(abs(undisturbed.lband_rate - rate).max()) < 0.2  # its pairs are not of whole years to the day


@pytest.mark.parametrize(
    ("size", "least", "most"),
    [
        ({"ramp": 4.0}, 2.0, 15.0),
        ({"wet_delay": 0.08}, 0.3, 5.0),
        ({"turbulence": 2.5}, 2.0, 10.0),
        ({"unwrapping": 0.05}, 1.0, 10.0),
        ({"speckle": 0.03}, 0.3, 1.5),
    ],
)
def test_each_disturbance_alone_is_as_large_as_it_should_be(disturbed_by, size, least, most):
    error = error_of_pairs(disturbed_by(**size))
    assert least < np.sqrt(np.nanmean(error**2)) < most


@pytest.mark.parametrize("size", [{"model_error": 5.0}, {"lband_noise": 3.0}, {"covariate_noise": 2.0}])
def test_what_is_beside_the_interferograms_does_not_disturb_them(disturbed_by, size):
    assert np.nanmax(np.abs(error_of_pairs(disturbed_by(**size)))) < 2e-4


def test_disturbances_do_not_change_each_other(disturbed_by, longterm):
    alone = disturbed_by(ramp=TYPICAL.ramp)
    xr.testing.assert_identical(alone.truth[SENTINEL1].ramp_coefficients, longterm.truth[SENTINEL1].ramp_coefficients)
    alone = disturbed_by(unwrapping=TYPICAL.unwrapping)
    np.testing.assert_array_equal(alone.truth[SENTINEL1].unwrapping_cycles, longterm.truth[SENTINEL1].unwrapping_cycles)


@pytest.mark.parametrize("name", [SENTINEL1, "ALOS-1"])
def test_ramps_are_what_their_coefficients_say_as_deramping_defines_them(disturbed_by, name):
    scene = disturbed_by(ramp=4.0)
    truth = scene.truth[name]
    fitted = fit_ramp(stacks(scene)[name].unwrapped_phase, order=RampOrder.QUADRATIC, mask=truth.stable, rounds=0)
    np.testing.assert_allclose(fitted.ramp_coefficients, truth.ramp_coefficients, atol=1e-4)


def test_ramps_of_second_order_are_rarer_than_those_of_first(disturbed_by):
    coefficients = disturbed_by(ramp=4.0).truth[SENTINEL1].ramp_coefficients
    assert (coefficients[:, 1:3] != 0).all()
    assert 0.1 < float((coefficients[:, 3:] != 0).any("term").mean()) < 0.8


def test_delays_of_the_model_undo_the_troposphere(disturbed_by):
    scene = disturbed_by(wet_delay=0.08, turbulence=2.5)
    stack = scene.sentinel1
    to_sight = np.cos(np.deg2rad(stack.incidence_angle.values))
    correction = 1000 * change(scene.zenith_delay, stack) / to_sight
    error = error_of_pairs(scene)
    left = error + correction
    left -= np.nanmedian(left, axis=(1, 2), keepdims=True)
    assert np.nanstd(error) > 2.0
    assert np.nanmax(np.abs(left)) < 5e-3


def test_the_models_error_is_what_is_left(disturbed_by):
    scene = disturbed_by(model_error=1.0)
    spread = 1000 * scene.zenith_delay.diff("time").std(["y", "x"])
    assert float(spread.mean()) == pytest.approx(np.sqrt(2), rel=0.2)


def test_layers_show_as_phase_that_follows_the_elevation(disturbed_by):
    scene = disturbed_by(wet_delay=0.08)
    error = error_of_pairs(scene)
    elevation = scene.sentinel1.elevation.values
    for field in error[np.nanstd(error, axis=(1, 2)) > 0.3]:
        known = np.isfinite(field)
        assert abs(np.corrcoef(field[known], elevation[known])[0, 1]) > 0.95


def test_unwrapping_errors_are_whole_cycles_in_the_pairs_that_say_so(disturbed_by):
    scene = disturbed_by(unwrapping=0.05)
    stack, truth = scene.sentinel1, scene.truth[SENTINEL1]
    cycles = error_of_pairs(scene) / (-1000 * stack.wavelength / 2)
    known = np.isfinite(cycles)
    np.testing.assert_allclose(cycles[known], truth.unwrapping_cycles.values[known], atol=1e-4)
    bad = truth.flaw == Flaw.UNWRAPPING
    assert int(bad.sum()) == round(0.05 * stack.sizes["pair"])
    assert (truth.unwrapping_cycles[bad.values] != 0).any(["y", "x"]).all()


def test_pairs_that_are_bad_hold_little(longterm):
    stack, flaw = longterm.sentinel1, longterm.truth[SENTINEL1].flaw.values
    cover = stack.unwrapped_phase.notnull().mean(["y", "x"]).values
    coherence = stack.coherence.mean(["y", "x"]).values
    for bad in (Flaw.COVERAGE, Flaw.COHERENCE):
        assert (flaw == bad).any()
        assert cover[flaw == bad].max() < 0.3
        assert cover[flaw <= Flaw.UNWRAPPING].min() > 0.5
        assert coherence[flaw == bad].max() < coherence[flaw <= Flaw.UNWRAPPING].min()


def test_screening_can_find_what_is_planted(longterm):
    stack, bad = longterm.sentinel1, longterm.truth[SENTINEL1].flaw.values != Flaw.NONE
    dropped = ~screen_network(stack.unwrapped_phase, stack.coherence)[0].kept.values
    assert dropped[bad].mean() >= 0.95
    assert dropped[~bad].mean() <= 0.02


@pytest.mark.parametrize("name", SENSORS)
def test_the_rate_is_that_of_the_displacement_without_its_season(undisturbed, name):
    """Along the line of sight: vertical motion between days on which the ground rests, times the cosine."""
    truth = undisturbed.truth[name]
    ground = undisturbed.truth["ground"]
    up = np.cos(np.deg2rad(stacks(undisturbed)[name].incidence_angle))
    first, last = (pd.Timestamp(truth.time.values[end]) for end in (0, -1))
    inside = ground.yearly_vertical_rate.sel(year=slice(first.year, last.year))
    least, most = (up * bound for bound in (inside.min("year"), inside.max("year")))
    assert ((truth.deformation_rate >= least - 1e-3) & (truth.deformation_rate <= most + 1e-3)).all()


def test_sentinel1s_rate_is_constant_and_shows_between_winters():
    scene = datong_longterm_scene(seed=4, shape=(24, 24), end="2020-04-30")
    truth = scene.truth[SENTINEL1]
    rested = truth.displacement.isel(time=truth.time.dt.strftime("%m%d").isin([f"04{day:02}" for day in range(1, 13)]))
    years = (rested.time - rested.time[0]) / np.timedelta64(1, "D") / 365.25
    assert years.max() > 3
    expected = truth.deformation_rate * years
    assert float(abs(rested - rested[0] - expected).max()) < 0.5
    np.testing.assert_allclose(
        truth.deformation_rate / np.cos(np.deg2rad(scene.sentinel1.incidence_angle)),
        scene.truth["ground"].yearly_vertical_rate.sel(year=2017),
        rtol=1e-5,
    )


def test_thaw_seasons_of_the_truth_are_those_of_its_series(undisturbed):
    truth = undisturbed.truth[SENTINEL1]
    season = thaw_season(truth.displacement, rate=truth.deformation_rate)
    np.testing.assert_array_equal(season.year, truth.year)
    np.testing.assert_allclose(season.thaw_season_deformation, truth.thaw_season_deformation, atol=1.0)
    np.testing.assert_allclose(truth.thaw_season_deformation.mean("year"), truth.mean_thaw_season_deformation)


def test_years_of_the_truth():
    scene = datong_longterm_scene(shape=(24, 24))
    years = {name: truth.year.values.tolist() for name, truth in scene.truth.items()}
    assert years == {
        "ground": list(range(1997, 2024)),
        "ERS-2": [1997, 1998],
        "Envisat": [2003, 2004, 2005],
        "ALOS-1": [2007, 2008, 2009, 2010],
        "ALOS-2": [2019, 2020, 2021],
        SENTINEL1: list(range(2016, 2023)),
    }


def test_the_record_is_that_of_the_paper():
    """Fig. 14c: no trend before the mining, 5 to 15 mm a-1 and seasons of 20 to 60 mm after it."""
    scene = datong_longterm_scene(shape=(60, 60))
    truth = scene.truth
    lowland = truth[SENTINEL1].deformation_rate < -5
    assert 0.15 < float(lowland.mean()) < 0.7
    rate, season = (
        {name: float(each[variable].where(lowland).mean()) for name, each in truth.items() if variable in each}
        for variable in ("deformation_rate", "mean_thaw_season_deformation")
    )
    assert rate["ERS-2"] == 0
    assert -3 < rate["Envisat"] < 0
    assert -11 < rate[SENTINEL1] < rate["ALOS-1"] < -4
    assert rate["ALOS-2"] == pytest.approx(rate[SENTINEL1], rel=0.03)
    assert -20 < season["Envisat"] < -5
    assert -60 < season[SENTINEL1] < season["ALOS-1"] < -25
    assert (truth[SENTINEL1].mean_thaw_season_deformation.where(lowland).quantile([0.02, 0.98]) < -15).all()


def test_stable_ground_and_the_reference_stand_still(longterm):
    y, x = longterm.reference
    for name in SENSORS:
        truth = longterm.truth[name]
        assert bool(truth.stable.sel(y=y, x=x))
        assert not truth.displacement.where(truth.stable, 0.0).any()
        row, column = (truth.get_index(dim).get_loc(at) for dim, at in zip("yx", longterm.reference, strict=True))
        around = {"y": slice(max(row - 3, 0), row + 4), "x": slice(max(column - 3, 0), column + 4)}
        np.testing.assert_allclose(truth.atmosphere.isel(around).mean(("y", "x")), 0, atol=1e-4)


def test_lband_covers_a_slanted_part_the_same_in_map_and_stack():
    scene = datong_longterm_scene(shape=(40, 40), end="2016-09-30", lband_share=0.5)
    rate, stack = scene.lband_rate, scene.sparse["ALOS-2"]
    assert 0.4 < float(rate.notnull().mean()) <= 0.5
    seen = stack.unwrapped_phase.notnull().any("pair").values
    assert 0.4 < seen.mean() <= 0.5
    assert seen[rate.notnull().values].mean() > 0.95
    assert stack.coherence.isnull().all("pair").mean() == pytest.approx(0.5, abs=0.01)
    whole = datong_longterm_scene(shape=(40, 40), end="2016-09-30", lband_share=1.0)
    both = rate.notnull()
    np.testing.assert_array_equal(whole.lband_rate.where(both), rate)


def test_sparse_pairs_are_coherent_on_flat_ground_even_over_years(longterm):
    flat = longterm.covariates.slope < 8
    for name, stack in longterm.sparse.items():
        assert float(stack.coherence.where(flat).median()) > 0.5, name
