"""The shapes of a season: one annual harmonic, sinking from May to October."""

import numpy as np
import pytest

from cryoscale.scenes.season import REFREEZING_DAYS, THAW_DAYS, Season, seasonal_shape

YEAR = np.arange(3652) / 3652


@pytest.mark.parametrize("season", Season)
def test_annual_harmonic_is_the_unit_cosine(season):
    shape = seasonal_shape(YEAR, season=season)
    harmonic = 2 * np.mean(shape * np.exp(-2j * np.pi * YEAR))
    assert harmonic == pytest.approx(1, abs=1e-3)
    assert shape.mean() == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("season", Season)
def test_it_repeats_every_year(season):
    np.testing.assert_allclose(seasonal_shape(YEAR + 5, season=season), seasonal_shape(YEAR, season=season), atol=1e-9)


def test_stefan_sinks_through_the_thaw_heaves_as_it_freezes_then_rests():
    shape = seasonal_shape(YEAR, season=Season.STEFAN)
    step = np.diff(shape, append=shape[:1])
    tiny = 1e-9
    assert (step < -tiny).mean() == pytest.approx(THAW_DAYS / 365.25, abs=0.002)
    assert (step > tiny).mean() == pytest.approx(REFREEZING_DAYS / 365.25, abs=0.002)
    onset = np.argmin(step)  # the square root is steepest at the onset of thaw
    quarter = shape[onset] - shape[(onset + int(THAW_DAYS / 4 * 10)) % 3652]
    assert quarter / np.ptp(shape) == pytest.approx(np.sin(np.pi / 8), abs=0.01)
