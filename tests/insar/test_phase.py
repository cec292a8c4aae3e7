import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from cryoscale.errors import InputError
from cryoscale.insar import coherence_weight, mask_incoherent, mean_coherence, phase_to_displacement


@pytest.fixture
def phase():
    values = np.linspace(-20, 20, 24, dtype="float32").reshape(2, 3, 4)
    return xr.DataArray(values, dims=("pair", "y", "x"), attrs={"units": "rad"}, name="unwrapped_phase")


@given(st.floats(-1000, 1000), st.floats(0.02, 0.3))
def test_one_cycle_more_range_is_half_a_wavelength_away_from_the_satellite(cycles, wavelength):
    displacement = phase_to_displacement(xr.DataArray(2 * np.pi * cycles), wavelength)
    assert float(displacement) == pytest.approx(-1000 * cycles * wavelength / 2, abs=1e-9)


def test_units_and_type(phase, assert_lazy):
    with assert_lazy():
        displacement = phase_to_displacement(phase.chunk(y=1), 0.0555)
    assert displacement.attrs["units"] == "mm"
    assert displacement.dtype == "float32"
    xr.testing.assert_identical(displacement.compute(), phase_to_displacement(phase, 0.0555))


def test_another_unit_or_a_wavelength_in_centimetres_is_refused(phase):
    with pytest.raises(InputError, match="unwrapped_phase: is in 'mm', but unwrapped_phase must be in 'rad'"):
        phase_to_displacement(phase.assign_attrs(units="mm"), 0.0555)
    with pytest.raises(InputError, match=r"wavelength: 5.55 is not a radar wavelength in metres"):
        phase_to_displacement(phase, 5.55)


def test_low_and_unknown_coherence_is_masked(phase):
    coherence = xr.full_like(phase, 0.3)
    coherence[0, 0, 0], coherence[0, 0, 1] = 0.2999, np.nan
    masked = mask_incoherent(phase, coherence, threshold=0.3)
    assert int(masked.isnull().sum()) == 2
    assert bool(masked[0, 0, :2].isnull().all())
    assert masked.attrs == phase.attrs
    with pytest.raises(InputError, match="threshold: 30 is not a coherence"):
        mask_incoherent(phase, coherence, threshold=30)


def test_weights_grow_with_coherence_and_stay_finite():
    weights = coherence_weight(xr.DataArray([0.0, 0.3, 0.6, 0.9, 1.0]))
    assert weights[0] == 0
    assert bool((weights.diff("dim_0") > 0).all())
    assert np.isfinite(weights).all()


def test_mean_coherence_leaves_out_what_is_missing():
    coherence = xr.DataArray([[[0.2, np.nan]], [[0.4, 0.6]]], dims=("pair", "y", "x"))
    np.testing.assert_allclose(mean_coherence(coherence), [[0.3, 0.6]], rtol=1e-6)
