"""The Tarim-like scene: its permafrost, clouds and regression are as promised, its images tell its truth."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import GroupKFold, cross_val_predict

from cryoscale.grids import geobox_of, pixel_at, pixel_spacing
from cryoscale.scenes.surface_temperature import OVERPASSES
from cryoscale.scenes.tarim import tarim_scene
from cryoscale.variables import VARIABLES

SMALL = {"shape": (32, 40), "start": "2005-07-01", "end": "2006-12-31"}


def station_samples(scene):
    """Four surface temperatures and the ground's, of station-days on which all four were seen."""
    table = scene.stations
    places = table.groupby("station")[["longitude", "latitude"]].first()
    rows, columns = np.transpose([pixel_at(geobox_of(scene.lst), *place) for place in places.to_numpy()])
    days = scene.lst.get_index("time").get_indexer(pd.DatetimeIndex(table.time))
    number = places.index.get_indexer(table.station)
    seen = scene.lst.values[:, days, rows[number], columns[number]].T
    clear = np.isfinite(seen).all(1)
    return seen[clear], table.ground_surface_temperature.to_numpy()[clear], table.station.to_numpy()[clear]


def test_variables_follow_the_registry(tarim):
    images = (tarim.lst, tarim.clear_lst, tarim.elevation, tarim.fine_elevation, tarim.land_cover_fraction)
    for array in (*images, *tarim.truth.data_vars.values()):
        assert array.dims == VARIABLES[array.name].dims
        assert array.dtype == VARIABLES[array.name].dtype
        assert array.attrs["units"] == VARIABLES[array.name].units
        if bounds := VARIABLES[array.name].valid_range:
            assert bounds[0] <= float(array.min()) <= float(array.max()) <= bounds[1]


def test_images_are_daily_on_a_geographic_grid_of_a_kilometre(whole_tarim):
    lst = whole_tarim.lst
    assert lst.overpass.values.tolist() == list(OVERPASSES)
    assert lst.shape == (4, 1095, 96, 128)
    assert lst.time.dtype == "datetime64[ns]"
    geobox = geobox_of(lst)
    assert geobox.crs.epsg == 4326
    assert pixel_spacing(geobox) == pytest.approx((925, 750), rel=0.01)
    assert geobox == geobox_of(whole_tarim.elevation) == geobox_of(whole_tarim.truth)
    assert lst.nbytes < 220e6


@pytest.mark.parametrize("seed", range(4))
def test_a_fifth_to_two_fifths_is_permafrost(seed):
    classes = tarim_scene(**SMALL, seed=seed).truth.mean_ground_class.values
    assert 0.18 < (classes == 1).mean() < 0.45
    assert 0.01 < (classes == 3).mean() < 0.05
    assert 0.001 < (classes == 4).mean() < 0.02


def test_permafrost_starts_at_about_4000_m(whole_tarim):
    truth = whole_tarim.truth
    limit = whole_tarim.elevation.values[np.abs(truth.mean_ttop.values) < 0.3]
    assert limit.mean() == pytest.approx(4050, abs=150)
    assert whole_tarim.truth.mean_ground_class.values[whole_tarim.elevation.values < 3000].min() == 2


def test_clouds_hide_regions_and_sometimes_all(whole_tarim):
    cover = whole_tarim.truth.cloud_cover
    assert float(cover.mean()) == pytest.approx(0.4, abs=0.06)
    assert int((cover == 1).sum()) > 20
    assert int((cover == 0).sum()) > 20
    missing = np.isnan(whole_tarim.lst).mean(("y", "x"))
    recorded = whole_tarim.truth.image_recorded
    np.testing.assert_allclose(missing.where(recorded), cover.where(recorded), atol=1e-6)
    assert float(missing.where(~recorded).min()) == 1
    assert 10 < int((~recorded).sum()) < 100


def test_every_pixel_is_seen_often(whole_tarim):
    assert float(np.isnan(whole_tarim.lst).mean(("overpass", "time")).max()) < 0.75


def test_ridge_regression_on_four_overpasses_is_as_good_as_on_the_plateau(whole_tarim):
    """Zou et al. 2014: R2 0.91 to 0.93, RMSE about 3 degC; stations that the fit has not seen do no worse."""
    seen, ground, station = station_samples(whole_tarim)
    assert len(ground) > 3000
    predicted = cross_val_predict(Ridge(), seen, ground, groups=station, cv=GroupKFold(8))
    assert 0.91 < r2_score(ground, predicted) < 0.955
    assert 2.0 < root_mean_squared_error(ground, predicted) < 3.2


def test_one_overpass_alone_is_worse(whole_tarim):
    seen, ground, _ = station_samples(whole_tarim)
    errors = [root_mean_squared_error(ground, Ridge().fit(one, ground).predict(one)) for one in seen.T[..., None]]
    together = root_mean_squared_error(ground, Ridge().fit(seen, ground).predict(seen))
    assert min(errors) > 1.1 * together


def test_images_without_clouds_are_the_same_where_they_were_seen(tarim):
    seen = tarim.lst.sel(time=tarim.clear_lst.time)
    assert tarim.clear_lst.sizes["time"] == 19
    assert not np.isnan(tarim.clear_lst).any()
    np.testing.assert_array_equal(seen, tarim.clear_lst.where(~np.isnan(seen)))
    assert 0.2 < float(np.isnan(seen).mean()) < 0.7


def test_images_and_ground_go_together(tarim):
    for overpass in OVERPASSES:
        pair = xr.Dataset({"lst": tarim.lst.sel(overpass=overpass), "gst": tarim.truth.ground_surface_temperature})
        assert float(xr.corr(pair.lst, pair.gst)) > 0.9


def test_outlines_hold_the_glaciers_and_lakes(whole_tarim):
    truth = whole_tarim.truth
    pixel = abs(geobox_of(whole_tarim.elevation).resolution.x * geobox_of(whole_tarim.elevation).resolution.y)
    for outlines, mask in ((whole_tarim.glaciers, truth.glacier), (whole_tarim.lakes, truth.lake)):
        assert outlines.crs.to_epsg() == 4326
        assert outlines.is_valid.all()
        share = sum(polygon.area for polygon in outlines.geometry) / pixel / mask.size
        assert share == pytest.approx(float(mask.mean()), rel=0.25)


def test_elevation_is_the_mean_of_the_fine_one(tarim):
    mean = tarim.fine_elevation.coarsen(y=3, x=3).mean()
    np.testing.assert_allclose(mean, tarim.elevation, atol=0.01)
    np.testing.assert_allclose(mean.y, tarim.elevation.y, atol=1e-9)
    np.testing.assert_allclose(mean.x, tarim.elevation.x, atol=1e-9)


def test_same_seed_same_scene_other_seed_other_scene(tarim):
    again, other = tarim_scene(**SMALL, seed=0), tarim_scene(**SMALL, seed=1)
    assert again.lst.values.tobytes() == tarim.lst.values.tobytes()
    xr.testing.assert_identical(again.truth, tarim.truth)
    pd.testing.assert_frame_equal(again.stations, tarim.stations)
    pd.testing.assert_frame_equal(again.boreholes, tarim.boreholes)
    for name, survey in tarim.surveys.items():
        xr.testing.assert_identical(again.surveys[name], survey)
    assert not np.array_equal(other.elevation, tarim.elevation)
    assert not np.array_equal(other.truth.cloud_cover, tarim.truth.cloud_cover)
