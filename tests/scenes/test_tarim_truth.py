"""The truth: sums by pandas, the formula of TTOP in both its forms, and classes."""

import numpy as np
import pandas as pd
import pytest

from cryoscale.errors import InputError
from cryoscale.scenes.surface_temperature import DAYS
from cryoscale.scenes.tarim import tarim_scene
from cryoscale.scenes.tarim_truth import true_ttop


def pixels_of(truth):
    """Some pixels from the basin to the summits."""
    order = np.argsort(truth.mean_ttop.values.ravel())
    return [np.unravel_index(order[int(q * (order.size - 1))], truth.mean_ttop.shape) for q in (0, 0.1, 0.3, 0.6, 1)]


def test_degree_days_are_sums_over_their_years(whole_tarim):
    truth = whole_tarim.truth
    assert truth.year.values.tolist() == [2005, 2006, 2007]
    for row, column in pixels_of(truth):
        place = {"y": row, "x": column}
        daily = truth.ground_surface_temperature.isel(place).to_series().astype(float)
        thawing = daily.clip(lower=0).groupby(daily.index.year).sum()
        freezing = (-daily.clip(upper=0)).groupby((daily.index + pd.DateOffset(months=6)).year).sum()
        np.testing.assert_allclose(truth.ddt.isel(place), thawing, rtol=1e-5)
        np.testing.assert_allclose(truth.ddf.isel(place)[1:], freezing.loc[[2006, 2007]], rtol=1e-5, atol=1e-6)
        assert float(truth.mean_ddt.isel(place)) == pytest.approx(thawing.loc[[2006, 2007]].mean(), rel=1e-5)
        assert float(truth.mean_ddf.isel(place)) == pytest.approx(freezing.loc[[2006, 2007]].mean(), rel=1e-5)


def test_a_year_without_its_first_winter_has_no_value(whole_tarim):
    first = whole_tarim.truth.sel(year=2005)
    assert np.isnan(first.ddf).all()
    assert np.isnan(first.ttop).all()
    assert not np.isnan(first.ddt).any()
    assert not first.ground_class.any()


def test_ttop_is_the_heat_balance_of_the_active_layer(whole_tarim):
    """Of what thaws and what freezes, the larger rules: Smith & Riseborough 2002, with the true ratio."""
    truth = whole_tarim.truth
    ddt, ddf, rk = (truth[name].values.astype(float) for name in ("mean_ddt", "mean_ddf", "rk"))
    frozen = rk * ddt <= ddf
    expected = np.where(frozen, (rk * ddt - ddf) / DAYS, (ddt - ddf / rk) / DAYS)
    np.testing.assert_allclose(truth.mean_ttop, expected, atol=1e-4)
    assert 0.1 < frozen.mean() < 0.6
    assert true_ttop(np.float32(1000), np.float32(900), rk=np.float32(0.9)) == pytest.approx(0, abs=1e-4)


def test_classes_follow_ttop_except_on_ice_and_water(whole_tarim):
    truth = whole_tarim.truth
    for ttop, classes in ((truth.mean_ttop, truth.mean_ground_class), (truth.ttop[1], truth.ground_class[1])):
        assert set(np.unique(classes)) == {1, 2, 3, 4}
        assert ttop.values[classes == 1].max() <= 0 < ttop.values[classes == 2].min()
        np.testing.assert_array_equal(classes == 3, truth.glacier)
        np.testing.assert_array_equal(classes == 4, truth.lake & ~truth.glacier)


def test_a_scene_without_a_whole_year_is_refused():
    with pytest.raises(InputError, match=r"from 2005-01-01 to 2005-12-31 there is no whole year. Give .* 1 July"):
        tarim_scene((12, 16), "2005-01-01", "2005-12-31")
