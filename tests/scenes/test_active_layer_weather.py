"""The weights of the fields: seasons, the difference of day and night, greening, and a warming that keeps the mean."""

import numpy as np
import pandas as pd
import pytest

from cryoscale.scenes.active_layer_land import FIELDS
from cryoscale.scenes.active_layer_weather import (
    BY_SUMMER_AND_WINTER,
    DIURNAL,
    GREENING,
    MEAN,
    OVERPASSES,
    lst_weights,
    ndvi_weights,
    warmed,
)

DAYS = pd.date_range("2010-01-01", "2021-12-31")
LEVEL = FIELDS.index("level")


@pytest.fixture(scope="module")
def weights():
    return lst_weights(DAYS, rng=np.random.default_rng(0))


def series(weights, name, overpass=0):
    return pd.Series(weights[overpass, :, FIELDS.index(name)].astype(float), DAYS)


def test_weights_have_the_shape_of_overpasses_days_and_fields(weights):
    assert weights.shape == (len(OVERPASSES), len(DAYS), len(FIELDS))
    assert weights.dtype == np.float32


def test_the_daily_mean_has_an_annual_cycle_without_trend(weights):
    mean = pd.Series(weights[..., LEVEL].mean(0, dtype=float), DAYS)
    assert mean.mean() == pytest.approx(MEAN, abs=0.3)
    months = mean.groupby(DAYS.month).mean()
    assert months.idxmax() == 7
    assert months.max() - months.min() == pytest.approx(25, abs=2)
    by_year = mean.groupby(DAYS.year).mean()
    assert abs(np.polyfit(by_year.index, by_year, 1)[0]) < 0.05


def test_day_is_warmer_than_night(weights):
    difference = series(weights, "level", 0) - series(weights, "level", 1)
    assert difference.mean() == pytest.approx(2 * DIURNAL, abs=0.5)
    assert (difference > 0).all()


@pytest.mark.parametrize("name", BY_SUMMER_AND_WINTER)
def test_weights_lie_between_those_of_summer_and_winter(weights, name):
    for overpass, seasons in enumerate(BY_SUMMER_AND_WINTER[name]):
        values = series(weights, name, overpass)
        assert values["2015-07-21"] == pytest.approx(seasons[0], abs=0.01)
        assert values["2015-01-20"] == pytest.approx(seasons[1], abs=0.02)


def test_plants_cool_days_in_summer_only(weights):
    by_day = series(weights, "vigour")
    assert by_day["2015-07-25"] < -12
    assert by_day["2015-01-10":"2015-03-01"].abs().max() < 0.1


def test_ndvi_has_leaves_in_summer_and_more_from_year_to_year():
    days = pd.to_datetime(["2019-02-01", "2019-07-25", "2020-07-25"])
    background, vigour = (ndvi_weights(days)[:, FIELDS.index(name)] for name in ("background", "vigour"))
    assert background.tolist() == [1, 1, 1]
    assert vigour[0] == pytest.approx(0, abs=1e-3)
    assert vigour[1] == pytest.approx(1, abs=0.02)
    assert vigour[2] / vigour[1] == pytest.approx(1 + GREENING, abs=1e-3)


def test_warming_adds_a_line_to_the_level_and_keeps_the_mean(weights):
    added = warmed(weights, DAYS, warming=0.2) - weights
    line = added[1, :, LEVEL]
    assert line[-1] - line[0] == pytest.approx(0.2 * 12, rel=1e-3)
    assert line.mean() == pytest.approx(0, abs=1e-5)
    assert not np.delete(added, LEVEL, axis=-1).any()
