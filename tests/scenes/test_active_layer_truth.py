"""Truth of the active-layer scene: sums by pandas, Stefan's equation, the planted trend, who has an active layer."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import theilslopes

from cryoscale.errors import InputError
from cryoscale.scenes.active_layer_land import E_FACTOR, FIELDS, ROCK, WATER, active_layer_land
from cryoscale.scenes.active_layer_surface import fine_lst, surface_of
from cryoscale.scenes.active_layer_truth import active_layer_truth, has_permafrost, planted_warming, thawing_index
from cryoscale.scenes.active_layer_weather import lst_weights, warmed
from cryoscale.variables import VARIABLES

DAYS = pd.date_range("2016-01-01", "2020-12-31")
RATE = 0.02


@pytest.fixture(scope="module")
def land():
    return active_layer_land((96, 96), rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def steady():
    return lst_weights(DAYS, rng=np.random.default_rng(1))


@pytest.fixture(scope="module")
def weights(land, steady):
    return warmed(steady, DAYS, warming=planted_warming(land, DAYS, weights=steady, alt_trend=RATE))


@pytest.fixture(scope="module")
def truth(land, weights):
    return active_layer_truth(land, DAYS, weights=weights, alt_trend=RATE)


def test_variables_follow_the_registry(truth):
    for name, array in truth.data_vars.items():
        assert array.dims == VARIABLES[name].dims
        if name != "trend":
            assert array.attrs["units"] == VARIABLES[name].units
            assert array.dtype == VARIABLES[name].dtype
    assert truth.trend.attrs["units"] == "m a-1"
    assert truth.year.values.tolist() == [2016, 2017, 2018, 2019, 2020]


@pytest.mark.parametrize("place", [(3, 70), (50, 50), (90, 11)])
def test_thawing_index_is_the_sum_of_daily_means_above_zero(land, weights, truth, place):
    row, column = place
    daily = (weights.astype(float) @ land.fields[:, row, column].astype(float)).mean(0)
    expected = pd.Series(daily, DAYS).clip(lower=0).groupby(DAYS.year).sum()
    np.testing.assert_allclose(truth.ddt[:, row, column], expected, rtol=1e-5)


def test_thawing_index_is_that_of_the_images(land, weights):
    """The days of one summer one by one, as a user would add them up."""
    summer = DAYS[(DAYS >= "2018-06-01") & (DAYS <= "2018-07-31")]
    part = weights[:, DAYS.isin(summer)]
    surface = surface_of(land, summer, weights=part)
    total = sum(np.maximum(fine_lst(surface, day).mean("overpass").values.astype(float), 0) for day in summer)
    np.testing.assert_allclose(thawing_index(land.fields, part.mean(0), days=summer)[0], total, rtol=1e-5)


def test_parts_of_a_large_field_make_the_same_index(land, weights):
    """More pixels than are held at a time."""
    twice = np.concatenate([land.fields] * 3, axis=2)
    ddt = thawing_index(twice, weights.mean(0), days=DAYS)
    assert twice[0].size > 16_384
    np.testing.assert_allclose(ddt[..., 192:], thawing_index(land.fields, weights.mean(0), days=DAYS), rtol=1e-5)


def test_thickness_is_stefans_where_there_is_an_active_layer(land, truth):
    for code, e_factor in E_FACTOR.items():
        here = (land.land_cover == code) & (truth.active_layer_status[0].values == 1)
        expected = e_factor * np.sqrt(truth.ddt.values[:, here])
        np.testing.assert_allclose(truth.active_layer_thickness.values[:, here], expected, rtol=1e-6)
        assert here.any()
    np.testing.assert_array_equal(np.isnan(truth.active_layer_thickness), truth.active_layer_status != 1)


def test_status_says_why_there_is_none(land, truth):
    status = truth.active_layer_status[2].values
    np.testing.assert_array_equal(status == 2, land.land_cover == WATER)
    np.testing.assert_array_equal(status == 3, land.land_cover == ROCK)
    np.testing.assert_array_equal(truth.water, land.land_cover == WATER)
    np.testing.assert_array_equal(truth.bare_rock, land.land_cover == ROCK)
    assert (truth.mean_ground_class.values[status == 4] == 2).all()
    assert (truth.mean_ground_class.values[status == 1] == 1).all()
    assert (truth.mean_ground_class.values[status == 2] == 4).all()
    assert 0.02 < (status == 4).mean() < 0.6


def test_permafrost_is_where_the_mean_of_all_days_is_below_zero(land, weights, truth):
    for row, column in ((5, 5), (40, 60), (90, 20)):
        mean = float((weights.astype(float) @ land.fields[:, row, column].astype(float)).mean())
        assert (truth.mean_ground_class.values[row, column] != 2) == (mean < 0 or truth.water.values[row, column])


def test_the_trend_is_the_theil_sen_slope_of_the_thickness(truth):
    years = truth.year.values
    for row, column in np.argwhere(np.isfinite(truth.trend.values))[::2000]:
        slope = theilslopes(truth.active_layer_thickness.values[:, row, column].astype(float), years).slope
        assert float(truth.trend[row, column]) == pytest.approx(slope, rel=1e-3, abs=1e-5)
    np.testing.assert_array_equal(np.isnan(truth.trend), truth.active_layer_status[0] != 1)


@pytest.mark.parametrize("rate", [0.0, 0.015, -0.01])
def test_the_planted_rate_is_that_of_the_scene(land, steady, rate):
    warming = planted_warming(land, DAYS, weights=steady, alt_trend=rate)
    truth = active_layer_truth(land, DAYS, weights=warmed(steady, DAYS, warming=warming), alt_trend=rate)
    assert float(truth.trend.mean()) == pytest.approx(rate, abs=2e-4)
    assert truth.attrs["alt_trend"] == rate


def test_years_are_not_on_a_line(truth):
    mean = truth.active_layer_thickness.mean(("y", "x")).values
    departure = mean - np.polyval(np.polyfit(truth.year, mean, 1), truth.year)
    assert 0.003 < departure.std() < 0.08


def test_warming_does_not_move_the_permafrost(land, steady, weights):
    np.testing.assert_array_equal(
        has_permafrost(land.fields, weights.mean(0)), has_permafrost(land.fields, steady.mean(0))
    )


def test_a_scene_without_permafrost_is_refused(land, steady):
    hot = steady.copy()
    hot[..., FIELDS.index("level")] += 30
    with pytest.raises(InputError, match=r"none of its 9216 pixels has plants and permafrost. Give a larger shape"):
        planted_warming(land, DAYS, weights=hot, alt_trend=0.01)
