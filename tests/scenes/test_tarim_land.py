"""The Tarim-like ground: its grids, heights, ice, water and cover."""

import numpy as np
import pytest
from scipy.ndimage import label

from cryoscale.scenes.tarim_land import DAMPING, GLACIERS, ICE, LAKES, RK, WATER, coarse_mean, tarim_land


@pytest.fixture(scope="module", params=[0, 1, 2])
def land(request):
    return tarim_land((64, 80), rng=np.random.default_rng(request.param))


def test_the_grids_cover_the_same_ground(land):
    assert land.geobox.crs.epsg == land.fine_geobox.crs.epsg == 4326
    assert land.geobox.shape == (64, 80)
    assert land.fine_geobox.shape == (192, 240)
    np.testing.assert_allclose(land.geobox.boundingbox.bbox, land.fine_geobox.boundingbox.bbox, atol=1e-9)
    longitude, latitude = land.geobox.extent.centroid.coords[0]
    assert (longitude, latitude) == pytest.approx((79.0, 36.2), abs=0.01)


def test_heights_go_from_the_basin_to_peaks(land):
    assert 1200 < land.elevation.min() < 1400
    assert land.fine_elevation.max() == pytest.approx(6200, abs=1)
    assert land.elevation[:6].mean() < 1700
    assert land.elevation[-16:].mean() > 3900
    np.testing.assert_array_equal(land.elevation, coarse_mean(land.fine_elevation))


def test_ice_lies_highest_and_water_lies_level(land):
    assert land.fine_glacier.mean() == pytest.approx(GLACIERS, rel=0.01)
    assert land.fine_elevation[land.fine_glacier].min() > np.quantile(land.fine_elevation, 0.9)
    assert 0.2 * LAKES < land.fine_lake.mean() < 1.01 * LAKES
    levels, n_lakes = label(land.fine_lake)
    assert n_lakes >= 1
    for number in range(1, n_lakes + 1):
        assert np.ptp(land.fine_elevation[levels == number]) < 0.01
        assert 3900 < land.fine_elevation[levels == number].mean() < 5000


def test_shares_add_up_and_the_largest_gives_the_class(land):
    assert land.fractions.dtype == np.float32
    assert land.fractions.min() >= 0
    np.testing.assert_allclose(land.fractions.sum(0), 1, atol=1e-5)
    shares = np.stack([coarse_mean(share) for share in land.fractions])
    at_class = np.take_along_axis(shares, np.searchsorted(list(RK), land.land_cover)[None].astype(int), 0)[0]
    np.testing.assert_array_equal(at_class, shares.max(0))


def test_cover_knows_ice_and_water_and_much_bare_ground(land):
    assert (land.land_cover[land.glacier] == ICE).mean() > 0.9
    assert (land.land_cover[land.lake] == WATER).mean() > 0.8
    assert len(np.unique(land.land_cover)) >= 6
    assert np.isin(land.land_cover, (150, 200)).mean() > 0.5


def test_properties_follow_the_class(land):
    rk = land.by_class(RK)
    assert np.isfinite(rk).all()
    for code in np.unique(land.land_cover):
        assert set(rk[land.land_cover == code]) == {np.float32(RK[code])}
    assert set(DAMPING) == set(RK)


def test_the_true_ratios_are_near_those_of_the_table_but_not_the_same():
    table = {120: 0.80, 130: 0.75, 150: 0.95, 180: 0.55, 200: 0.95}
    for code, value in table.items():
        assert 0.02 < abs(RK[code] - value) < 0.1
