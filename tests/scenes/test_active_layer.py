"""The active-layer scene as a whole: grids that fit, its truth in its images, and the same from the same seed."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.grids import geobox_of
from cryoscale.scenes.active_layer import active_layer_scene
from cryoscale.scenes.active_layer_grids import block_mean

SMALL = {"shape": (96, 128), "years": (2019, 2021)}


@pytest.fixture(scope="module")
def scene():
    return active_layer_scene(**SMALL)


def test_grids_are_multiples_of_each_other(scene):
    fine = geobox_of(scene.elevation)
    assert fine.shape == (96, 128)
    for array in (scene.landsat_ndvi, scene.land_cover, scene.water, scene.permafrost, scene.truth, scene.surface):
        assert geobox_of(array) == fine
    for array, size in ((scene.lst, 960), (scene.ndvi, 240)):
        assert geobox_of(array).resolution.x == size
        assert geobox_of(array).boundingbox == fine.boundingbox


def test_every_day_has_images_by_day_and_night(scene):
    assert scene.lst.overpass.values.tolist() == ["terra_day", "terra_night"]
    assert scene.lst.get_index("time").equals(pd.date_range("2019-01-01", "2021-12-31", unit="ns", name="time"))


def test_images_see_the_truth(scene):
    for day in ("2019-07-20", "2020-01-10", "2021-09-01"):
        error = scene.lst.sel(time=day) - block_mean(scene.fine_lst(day).values, 32)
        assert float(np.abs(error).max()) < 4
    peak = scene.fine_ndvi(scene.landsat_ndvi.attrs["day"])
    assert float(np.abs(scene.landsat_ndvi - peak).max()) < 0.2


def test_the_rate_is_planted(scene):
    assert float(scene.truth.trend.mean()) == pytest.approx(0.015, abs=3e-4)
    faster = active_layer_scene(**SMALL, alt_trend=0.025)
    assert float(faster.truth.trend.mean()) == pytest.approx(0.025, abs=3e-4)


def test_the_scene_is_plausible_at_its_usual_size():
    scene = active_layer_scene()
    thickness = scene.truth.active_layer_thickness
    assert scene.lst.shape == (2, 2557, 15, 15)
    assert 1.0 < float(thickness.quantile(0.01)) < float(thickness.quantile(0.99)) < 2.6
    assert 0.5 < float((scene.truth.active_layer_status == 1).mean()) < 0.9
    assert float(scene.truth.trend.mean()) == pytest.approx(0.015, abs=2e-4)
    assert scene.surface.nbytes < 15e6


def test_land_cover_has_a_legend(scene):
    assert scene.land_cover.attrs["flag_values"] == [1, 2, 3, 4, 5]
    assert scene.land_cover.attrs["flag_meanings"].split()[3] == "bare_rock"


def test_same_seed_same_scene_other_seed_other_scene(scene):
    again, other = active_layer_scene(**SMALL, seed=0), active_layer_scene(**SMALL, seed=1)
    for name in ("lst", "ndvi", "landsat_ndvi", "elevation", "land_cover", "truth", "surface"):
        xr.testing.assert_identical(getattr(again, name), getattr(scene, name))
    pd.testing.assert_frame_equal(again.sites, scene.sites)
    assert not np.array_equal(other.elevation, scene.elevation)
    assert not np.array_equal(other.surface.lst_weight, scene.surface.lst_weight)
    assert not np.array_equal(np.isnan(other.lst), np.isnan(scene.lst))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"years": (2019, 2019)}, r"years: \(2019, 2019\) has no trend. Give the first and a later last year"),
        ({"alt_trend": 1.5}, r"alt_trend: 1.5 is out of range. Give m a-1 from -0.03 to 0.03"),
        ({"shape": (100, 100)}, r"shape: \(100, 100\) is not made of pixels of 960 m"),
    ],
)
def test_a_scene_that_cannot_be_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        active_layer_scene(**(SMALL | options))
