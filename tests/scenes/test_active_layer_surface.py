"""Surface of the active-layer scene: images of any day are the sums that they are said to be."""

import numpy as np
import pandas as pd
import pytest

from cryoscale.grids import geobox_of
from cryoscale.scenes.active_layer_land import FIELDS, active_layer_land
from cryoscale.scenes.active_layer_surface import fine_lst, fine_ndvi, surface_of
from cryoscale.scenes.active_layer_weather import lst_weights

DAYS = pd.date_range("2019-01-01", "2019-12-31")


@pytest.fixture(scope="module")
def land():
    return active_layer_land((64, 96), rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def surface(land):
    return surface_of(land, DAYS, weights=lst_weights(DAYS, rng=np.random.default_rng(1)))


def test_lst_of_a_day_is_a_sum_over_fields(land, surface):
    image = fine_lst(surface, "2019-07-20")
    assert image.dims == ("overpass", "y", "x")
    assert image.attrs["units"] == "degC"
    assert geobox_of(image) == land.geobox
    day = DAYS.get_loc("2019-07-20")
    expected = sum(
        surface.lst_weight.values[1, day, number].astype(float) * land.fields[number, 10, 20]
        for number in range(len(FIELDS))
    )
    assert float(image.sel(overpass="terra_night")[10, 20]) == pytest.approx(expected, abs=1e-4)


def test_ndvi_of_a_day_is_soil_and_leaves(land, surface):
    image = fine_ndvi(surface, np.datetime64("2019-07-25"))
    assert image.dims == ("y", "x")
    assert image.attrs["units"] == "1"
    parts = land.fields[FIELDS.index("background")] + land.fields[FIELDS.index("vigour")]
    np.testing.assert_allclose(image, parts, atol=0.01)
    np.testing.assert_allclose(fine_ndvi(surface, "2019-01-01"), land.fields[FIELDS.index("background")], atol=1e-3)


def test_relief_sun_and_water_show(land, surface):
    day, night = fine_lst(surface, "2019-07-20").values
    winter_day, winter_night = fine_lst(surface, "2019-01-15").values
    assert day.mean() > night.mean() + 10
    dry = land.vegetated
    assert np.corrcoef(land.elevation[dry], winter_day[dry])[0, 1] < 0
    assert np.corrcoef(land.fields[FIELDS.index("winter_sun")][dry], winter_day[dry])[0, 1] > 0.5
    assert np.corrcoef(land.fields[FIELDS.index("vigour")][dry], day[dry])[0, 1] < -0.5
    assert winter_night.mean() < winter_day.mean()
