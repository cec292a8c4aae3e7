"""The L-band rate: where it is, and what it says."""

import numpy as np
import pytest
import xarray as xr

from cryoscale.grids import grid_coords
from cryoscale.scenes.layout import scene_geobox
from cryoscale.scenes.lband import footprint, lband_rate

GEOBOX = scene_geobox((60, 50))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 1.0])
def test_the_footprint_covers_the_share_asked_for(share):
    assert footprint(GEOBOX, share=share, heading=-169.6).mean() == pytest.approx(share, abs=1e-3)


def test_its_edge_is_parallel_to_a_slanted_track():
    inside = footprint(GEOBOX, share=0.6, heading=-169.6)
    first = inside.argmax(axis=1)  # the swath begins on the track's side, in the east
    assert inside[:, -1].all()
    shift = (first[-1] - first[0]) * 26.3 / (59 * 33.3)
    assert shift == pytest.approx(-np.tan(np.deg2rad(10.4)), abs=0.03)


@pytest.fixture(scope="module")
def pairs():
    """A stack and its truth: -10 mm a-1 and a season that only the first pair sees."""
    dates = np.array(["2019-03-24", "2019-07-14", "2020-03-22", "2022-03-20"], "datetime64[ns]")
    years = (dates - dates[0]) / np.timedelta64(1, "D") / 365.25
    series = -10 * years - np.array([0.0, 30.0, 0.0, 0.0])
    truth = xr.DataArray(
        np.tile(series[:, None, None], (1, 60, 50)), {"time": dates, **grid_coords(GEOBOX)}, ("time", "y", "x")
    )
    coords = {"reference": ("pair", dates[[0, 0, 0]]), "secondary": ("pair", dates[[1, 2, 3]]), **grid_coords(GEOBOX)}
    return xr.Dataset(coords=coords), truth


def make(pairs, *, noise, within=None):
    within = np.ones((60, 50), bool) if within is None else within
    return lband_rate(*pairs, within=within, noise=noise, rng=np.random.default_rng(0))


def test_without_noise_it_is_the_truth_of_the_pairs_over_whole_years(pairs):
    rate = make(pairs, noise=0.0)
    assert (rate.name, rate.dtype, rate.attrs["units"]) == ("deformation_rate", np.float32, "mm a-1")
    np.testing.assert_allclose(rate, -10.0, rtol=1e-6)


def test_its_noise_has_the_size_asked_for_half_of_it_smooth(pairs):
    noise = (make(pairs, noise=2.0) + 10.0).values
    assert noise.std() == pytest.approx(2.0, rel=0.15)
    beside = np.diff(noise, axis=1).var() / 2
    assert beside == pytest.approx(2.0, rel=0.1)  # the white half of the variance, the smooth one hardly changes


def test_elsewhere_it_is_missing(pairs):
    within = footprint(GEOBOX, share=0.4, heading=-169.6)
    np.testing.assert_array_equal(np.isfinite(make(pairs, noise=1.0, within=within)), within)
