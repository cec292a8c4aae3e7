import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from cryoscale.errors import InputError
from cryoscale.insar.troposphere import (
    Apply,
    MissingDelay,
    correct_troposphere,
    delay_reduction,
    tropospheric_phase,
)

WAVELENGTH = 0.0555
DAYS = np.arange("2020-01-01", "2020-03-01", 12, dtype="datetime64[D]").astype("datetime64[ns]")
FIRST, SECOND = np.array([0, 0, 1, 2, 3]), np.array([1, 2, 2, 4, 4])
COORDS = {"y": 38.0 - 0.1 * np.arange(9), "x": 99.0 + 0.1 * np.arange(11)}


def make_delays(*, seed=0, dtype="float64"):
    values = 2.3 + 0.02 * np.random.default_rng(seed).normal(size=(DAYS.size, 9, 11))
    values[1, 0, 0] = np.nan
    return xr.DataArray(
        values.astype(dtype),
        dims=("time", "y", "x"),
        coords=COORDS | {"time": DAYS + np.timedelta64(11, "h")},
        attrs={"units": "m"},
    )


def make_stack(values=None, *, dtype="float64"):
    dates = {"reference": ("pair", DAYS[FIRST]), "secondary": ("pair", DAYS[SECOND])}
    values = np.random.default_rng(1).normal(size=(5, 9, 11)) if values is None else values
    return xr.DataArray(
        values.astype(dtype),
        dims=("pair", "y", "x"),
        coords=COORDS | dates,
        name="unwrapped_phase",
        attrs={"units": "rad"},
    )


def make_angle():
    return xr.DataArray(
        np.linspace(31, 46, 99).reshape(9, 11), dims=("y", "x"), coords=COORDS, attrs={"units": "degree"}
    )


def delayed_phase(delays, angle):
    """Range from satellite to ground and back, with and without the troposphere, in cycles."""
    slant = delays.values / np.cos(np.deg2rad(angle))
    return 2 * np.pi * (2 * slant[SECOND] / WAVELENGTH - 2 * slant[FIRST] / WAVELENGTH)


@pytest.mark.parametrize("angle", [39.47, make_angle()])
def test_phase_is_that_of_the_longer_way(angle):
    phase = tropospheric_phase(make_delays(), make_stack(), wavelength=WAVELENGTH, incidence_angle=angle)
    np.testing.assert_allclose(phase, delayed_phase(make_delays(), np.asarray(angle)), atol=1e-9)
    assert phase.dims == ("pair", "y", "x")
    assert phase.attrs["units"] == "rad"
    np.testing.assert_array_equal(phase.secondary, DAYS[SECOND])
    assert bool(phase.has_delay.all())


def test_what_the_troposphere_has_done_is_undone():
    truth = make_stack()
    delay = tropospheric_phase(make_delays(), truth, wavelength=WAVELENGTH, incidence_angle=make_angle())
    corrected = correct_troposphere(truth + delay.drop_vars("has_delay"), delay)
    np.testing.assert_allclose(corrected.unwrapped_phase, truth.where(delay.notnull()), atol=1e-9)
    assert corrected.unwrapped_phase.attrs["units"] == "rad"
    assert bool(corrected.delay_applied.all())


def test_missing_days_are_an_error_that_lists_them():
    with pytest.raises(InputError, match="has none of 2020-01-01, 2020-02-06. Get the delays .* with 'uncorrected'"):
        tropospheric_phase(make_delays()[[1, 2, 4]], make_stack(), wavelength=WAVELENGTH, incidence_angle=39.0)


def test_or_their_pairs_are_left_uncorrected():
    stack = make_stack()
    options = {"wavelength": WAVELENGTH, "incidence_angle": 39.0}
    delay = tropospheric_phase(make_delays()[[1, 2, 4]], stack, missing=MissingDelay.UNCORRECTED, **options)
    np.testing.assert_array_equal(delay.has_delay, [False, False, True, True, False])
    whole = tropospheric_phase(make_delays(), stack, **options)
    np.testing.assert_array_equal(delay[2:4], whole[2:4])
    corrected = correct_troposphere(stack, delay)
    np.testing.assert_array_equal(corrected.delay_applied, delay.has_delay)
    np.testing.assert_array_equal(corrected.unwrapped_phase[[0, 1, 4]], stack[[0, 1, 4]])


def test_deviations_are_those_of_numpy_over_the_pixels_that_both_have():
    phase, corrected = make_stack() + 40.0, 0.3 * make_stack()
    phase[0, :4] = np.nan
    corrected[0, 3:6] = corrected[3] = np.nan
    reduction = delay_reduction(phase, corrected)
    both = phase.notnull() & corrected.notnull()
    for name, array in (("deviation_before", phase), ("deviation_after", corrected)):
        truth = [np.std(array.values[k][both.values[k]]) if k != 3 else np.nan for k in range(5)]
        np.testing.assert_allclose(reduction[name], truth, rtol=1e-10)
    assert reduction.deviation_before.attrs["units"] == "rad"


def test_pairs_are_corrected_where_it_helps():
    delay = tropospheric_phase(make_delays(), make_stack(), wavelength=WAVELENGTH, incidence_angle=39.0)
    share = xr.DataArray([1.0, -1.0, 0.3, 0.8, 0.0], dims="pair")
    phase = (0.1 * make_stack() + share * delay).drop_vars("has_delay").assign_attrs(units="rad")
    found = correct_troposphere(phase, delay, apply=Apply.WHERE_IT_HELPS)
    np.testing.assert_array_equal(found.delay_applied, [True, False, False, True, False])
    np.testing.assert_array_equal(found.unwrapped_phase[[1, 2, 4]], phase[[1, 2, 4]])
    np.testing.assert_allclose(found.unwrapped_phase[[0, 3]], (phase - delay)[[0, 3]])
    reduction = delay_reduction(phase, phase - delay).compute()
    again = correct_troposphere(phase, delay, apply=Apply.WHERE_IT_HELPS, reduction=reduction)
    xr.testing.assert_identical(again, found)


def test_a_pair_without_any_delay_in_its_area_is_not_made_empty_where_it_must_help():
    phase = make_stack()
    delay = tropospheric_phase(make_delays(), phase, wavelength=WAVELENGTH, incidence_angle=39.0)
    delay[2] = np.nan
    found = correct_troposphere(phase, delay, apply=Apply.WHERE_IT_HELPS)
    np.testing.assert_array_equal(found.unwrapped_phase[2], phase[2])


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 9), st.integers(1, 11))
def test_chunks_do_not_change_a_bit(rows, columns):
    delays, phase, angle = make_delays(dtype="float32"), make_stack(dtype="float32"), make_angle()

    def chain(split):
        delay = tropospheric_phase(split(delays), phase, wavelength=WAVELENGTH, incidence_angle=split(angle))
        return correct_troposphere(split(phase), delay, apply=Apply.WHERE_IT_HELPS)

    lazy = chain(lambda array: array.chunk(y=rows, x=columns)).compute(scheduler="synchronous")
    xr.testing.assert_identical(lazy, chain(lambda array: array))
    assert lazy.unwrapped_phase.dtype == "float32"


def test_it_stays_lazy(assert_lazy):
    phase = make_stack()
    phase = phase.copy(data=phase.chunk(y=4).data)  # the dates stay in memory, as the readers leave them
    with assert_lazy():
        delay = tropospheric_phase(make_delays().chunk(y=4), phase, wavelength=WAVELENGTH, incidence_angle=39.0)
        found = correct_troposphere(phase, delay, apply=Apply.WHERE_IT_HELPS)
        delay_reduction(phase, found.unwrapped_phase)
    assert found.unwrapped_phase.chunksizes["pair"] == (5,)


def test_what_it_refuses():
    delays, phase = make_delays(), make_stack()
    options = {"wavelength": WAVELENGTH, "incidence_angle": 39.0}
    with pytest.raises(InputError, match="has more than one delay of 2020-01-13"):
        tropospheric_phase(delays[[0, 1, 1, 2]], phase, **options)
    with pytest.raises(InputError, match="is in 'mm', but zenith_delay must be in 'm'"):
        tropospheric_phase(delays.assign_attrs(units="mm"), phase, **options)
    with pytest.raises(InputError, match="wavelength: 5.55 is no radar wavelength in metres"):
        tropospheric_phase(delays, phase, wavelength=5.55, incidence_angle=39.0)
    with pytest.raises(InputError, match="looks like radians"):
        tropospheric_phase(delays, phase, wavelength=WAVELENGTH, incidence_angle=0.6)
    delay = tropospheric_phase(delays, phase, **options)
    with pytest.raises(InputError, match="its pairs are not those of unwrapped_phase"):
        correct_troposphere(phase, delay[[1, 0, 2, 3, 4]])
    with pytest.raises(InputError, match="its x lies up to 0.5 pixels away"):
        correct_troposphere(phase, delay.assign_coords(x=delay.x + 0.05))
    with pytest.raises(InputError, match="is in 'mm', but tropospheric_phase must be in 'rad'"):
        correct_troposphere(phase, delay.assign_attrs(units="mm"))
