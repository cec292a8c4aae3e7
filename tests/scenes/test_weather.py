"""Temperatures, the thawing index, and that the ground does not follow it."""

import numpy as np
import pandas as pd
import pytest

from cryoscale.scenes.history import thaw_share
from cryoscale.scenes.weather import cumulative_thawing_index, surface_temperature, yearly_thawing_index


@pytest.fixture(scope="module")
def temperature():
    return surface_temperature(np.random.default_rng(5))


def test_every_day_from_1997_to_2023(temperature):
    assert (temperature.index == pd.date_range("1997-01-01", "2023-12-31")).all()
    assert -8 < temperature.mean() < 0
    assert 0.0 < np.polyfit(np.arange(len(temperature)) / 365.25, temperature, 1)[0] < 0.1


def test_thaw_lasts_from_about_may_to_october(temperature):
    monthly = temperature.groupby(temperature.index.month).mean()
    assert (monthly[[6, 7, 8, 9]] > 0).all()
    assert (monthly[[1, 2, 3, 11, 12]] < -3).all()


def test_the_index_starts_anew_every_year(temperature):
    index = cumulative_thawing_index(temperature)
    expected, total = [], 0.0
    for day, value in temperature.items():
        total = max(value, 0.0) + (0.0 if day.day_of_year == 1 else total)
        expected.append(total)
    np.testing.assert_allclose(index, expected, rtol=1e-12)
    ends = index[(index.index.month == 12) & (index.index.day == 31)]
    np.testing.assert_allclose(ends, yearly_thawing_index(temperature), rtol=1e-12)


def test_years_differ_by_some_percent(temperature):
    yearly = yearly_thawing_index(temperature)
    assert 0.02 < yearly.std() / yearly.mean() < 0.2


def test_the_season_is_proportional_neither_to_the_index_nor_to_its_root(temperature):
    """Scaling May to July by the index overestimates the season, as Section 3.1.2 says."""
    index = cumulative_thawing_index(temperature)
    years = sorted(set(temperature.index.year))
    begin, end, last = ([index[f"{year}-{day}"] for year in years] for day in ("05-19", "07-14", "12-31"))
    share = np.diff(thaw_share([139, 195]))[0] / np.diff(thaw_share([121, 274]))[0]
    by_root = (np.sqrt(end) - np.sqrt(begin)) / np.sqrt(last)
    by_index = (np.array(end) - begin) / last
    for by in (by_root, by_index):
        assert share / by.mean() > 1.15
        assert (share > by).mean() > 0.9
