"""How the ground moves from 1997 to 2023."""

import numpy as np
import pandas as pd
import pytest

from cryoscale.scenes.history import (
    FROZEN,
    HEAVING,
    LATE_ON_HEIGHTS,
    LOWEST,
    ONSET,
    RATE_KNOTS,
    TURN,
    YEARS,
    Ground,
    moving_ground,
    passed_rate,
    season_growth,
    seasonal_displacement,
    thaw_season_deformation,
    thaw_share,
    vertical_displacement,
)
from cryoscale.scenes.terrain import valley_terrain

DAILY = pd.date_range("1997-04-15", "2023-12-31")


@pytest.fixture(scope="module")
def ground():
    terrain = valley_terrain((40, 40), spacing=(33.3, 26.3), rng=np.random.default_rng(1))
    warmth = 1 + 0.07 * np.random.default_rng(2).standard_normal(YEARS.size)
    return moving_ground(terrain, warmth, up=0.77, rng=np.random.default_rng(3))


@pytest.fixture(scope="module")
def one_place():
    growth = np.linspace(0.2, 1.2, YEARS.size)
    single = (np.full((1, 1), value, np.float32) for value in (-10.0, 50.0, 5.0))
    return Ground(*single, growth)


def test_the_share_rises_once_and_falls_once_a_year():
    days = np.arange(ONSET, ONSET + 365)
    share = thaw_share(days)
    assert share.min() == 0
    assert share.max() == 1
    step = np.diff(share)
    assert (step[: int(LOWEST - ONSET)] > 0).all()
    np.testing.assert_array_equal(thaw_share(np.arange(LOWEST, HEAVING)), 1.0)
    assert (step[int(HEAVING - ONSET) : int(FROZEN - ONSET)] < 0).all()
    np.testing.assert_allclose(thaw_share(days + 365.25), share, atol=1e-12)


def test_seasons_change_their_size_only_while_all_ground_rests():
    assert FROZEN - 365.25 + LATE_ON_HEIGHTS < TURN < ONSET


def test_the_rates_integral_is_that_of_its_knots():
    days = pd.date_range("1997-01-01", "2024-01-01")
    years = 1997 + np.arange(len(days)) / 365.25
    rate = np.interp(years, list(RATE_KNOTS), list(RATE_KNOTS.values()))
    summed = np.concatenate([[0], np.cumsum((rate[1:] + rate[:-1]) / 2) / 365.25])
    np.testing.assert_allclose(passed_rate(days), summed, atol=1e-6)


def test_sentinel1_and_alos2_see_one_constant_rate():
    rate = np.diff(passed_rate(pd.date_range("2016-01-01", "2023-12-31"))) * 365.25
    np.testing.assert_allclose(rate, 1.0, rtol=1e-9)


def test_the_ground_moves_without_jumps(one_place):
    series = vertical_displacement(one_place, DAILY).ravel()
    assert np.abs(np.diff(series)).max() < 50 * 1.2 / 60  # the fastest of a season that takes some 140 days


def test_displacement_is_a_trend_and_a_season_that_comes_back(one_place):
    frozen = pd.DatetimeIndex([f"{year}-04-12" for year in YEARS])
    np.testing.assert_array_equal(seasonal_displacement(one_place, frozen).ravel(), 0.0)
    np.testing.assert_allclose(
        vertical_displacement(one_place, frozen).ravel(), -10.0 * passed_rate(frozen), rtol=1e-6, atol=1e-6
    )


def test_the_share_of_a_season_by_date_is_the_same_in_all_years(one_place):
    total = thaw_season_deformation(one_place, YEARS).ravel()
    begin, end = (pd.DatetimeIndex([f"{year}-{day}" for year in YEARS]) for day in ("05-19", "07-14"))
    part = (seasonal_displacement(one_place, end) - seasonal_displacement(one_place, begin)).ravel()
    share = part / total
    assert np.ptp(total) > 30
    assert np.ptp(share) < 0.01  # a day of the date's place in leap years
    assert share.mean() == pytest.approx(0.58, abs=0.03)


def test_a_winter_belongs_to_the_season_before_it(one_place):
    dates = pd.DatetimeIndex(["2009-10-01", "2010-02-01", "2010-06-01"])
    growth = season_growth(one_place, dates)
    assert growth[0] == growth[1] == one_place.growth[12]
    assert growth[2] == one_place.growth[13]


def test_sizes_are_those_of_the_paper(ground):
    """Fig. 14c and Section 4.1.2, along Sentinel-1's line of sight."""
    up = 0.77
    lowland = up * ground.rate < -5
    assert 0.15 < lowland.mean() < 0.7
    assert -15 <= (up * ground.rate).min() < -10
    seasons = up * thaw_season_deformation(ground, YEARS)[:, lowland]
    early, late = seasons[YEARS < 2003], seasons[YEARS >= 2016]
    assert -20 < early.min() < early.max() < -4
    assert -70 < late.min() < late.max() < -18
    assert -60 < late.mean() < -30
    by_year = dict(zip(YEARS, seasons.mean(axis=1), strict=True))
    assert by_year[2010] < by_year[2007] < 2 * by_year[2004]
    periods = {"ERS-2": ("1997-04-28", "1998-07-27"), "Envisat": ("2003-10-18", "2005-10-22")}
    for first, last in periods.values():
        passed = np.diff(passed_rate(pd.DatetimeIndex([first, last])))[0]
        assert abs(passed * up * ground.rate[lowland].mean()) < 4


def test_warm_years_have_larger_seasons():
    terrain = valley_terrain((24, 24), spacing=(33.3, 26.3), rng=np.random.default_rng(1))
    mean, warm = (
        moving_ground(terrain, np.full(YEARS.size, warmth), up=0.77, rng=np.random.default_rng(0)).growth
        for warmth in (1.0, 1.1)
    )
    np.testing.assert_allclose(warm / mean, 1.04)


def test_bedrock_stands_still(ground):
    still = ground.rate == 0
    assert still.any()
    assert not vertical_displacement(ground, DAILY[::200])[:, still].any()
