import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from cryoscale.errors import InputError
from cryoscale.ground.forcing import Surface, n_factor_surface, sinusoid, snow_resistance, step_seconds


@given(st.floats(-15, 10), st.floats(0, 20), st.floats(-0.1, 0.1), st.integers(2, 6))
def test_a_wave_has_its_mean_amplitude_and_trend(mean, amplitude, trend, years):
    wave = sinusoid(mean, amplitude, years=years, trend=trend)
    t = (np.arange(wave.size) + 0.5) / 365.25
    angle = 2 * np.pi * t
    design = np.stack([np.ones_like(t), t, np.cos(angle), np.sin(angle)], axis=1)
    fitted = np.linalg.lstsq(design, wave.values, rcond=None)[0]
    assert fitted[:2] == pytest.approx([mean, trend], abs=1e-8)
    assert np.hypot(*fitted[2:]) == pytest.approx(amplitude, abs=1e-8)


def test_a_wave_is_warmest_on_its_day_and_ends_with_its_year():
    wave = sinusoid(0.0, 5.0, years=4, phase=200.5, start="2003-01-01", step_hours=6.0)
    assert step_seconds(wave) == 21600.0
    assert str(wave.time.values[-1])[:13] == "2006-12-31T18"
    first = wave.isel(time=slice(0, 1460))
    assert abs(int(first.argmax("time")) / 4 - 200.5) < 0.3


def test_n_factors_scale_either_side_of_zero():
    air = xr.DataArray([8.0, 0.0, -20.0], dims="time", attrs={"units": "degC"})
    factors = xr.DataArray([0.5, 0.8], dims="x")
    surface = n_factor_surface(air, 1.1, factors)
    assert surface.dims == ("time", "x")
    np.testing.assert_allclose(surface, [[8.8, 8.8], [0.0, 0.0], [-10.0, -16.0]])
    with pytest.raises(InputError, match="n_thaw: is 7.0, but must lie between 0 and 5"):
        n_factor_surface(air, 7.0, 0.5)


def test_forcings_that_cannot_be_are_refused():
    wave = sinusoid(0.0, 5.0, years=1)
    with pytest.raises(InputError, match="other times than the surface temperature"):
        Surface(wave, snow=wave[:-1] * 0)
    with pytest.raises(InputError, match=r"the step after .* is 2880 minutes, the first one 1440 minutes"):
        Surface(wave.isel(time=[0, 1, 2, 4, 5]))
    with pytest.raises(InputError, match="must be in 'degC'"):
        Surface(wave.assign_attrs(units="K"))
    with pytest.raises(InputError, match="amplitude: is -1.0 K"):
        sinusoid(0.0, -1.0, years=1)
    with pytest.raises(InputError, match="are 0 a and 24.0 h"):
        sinusoid(0.0, 1.0, years=0)
    with pytest.raises(InputError, match="conductivity of snow: is 0.0"):
        snow_resistance(wave, 0.0)
