import numpy as np
import pandas as pd
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.grids import geobox_of, grid_coords, pixel_spacing
from cryoscale.insar import aggregate, driver_statistics, thawing_index


@pytest.fixture
def geobox():
    return GeoBox.from_bbox((0, 0, 4000, 3000), "EPSG:32647", resolution=100)


def field(geobox, values, **attrs):
    return xr.DataArray(values, grid_coords(geobox), ("y", "x"), attrs=attrs)


def test_cells_are_means_of_their_pixels(geobox):
    values = np.random.default_rng(0).normal(size=geobox.shape)
    coarse = aggregate(field(geobox, values, units="mm"), size=1000)
    np.testing.assert_allclose(coarse.values, values.reshape(3, 10, 4, 10).mean((1, 3)))
    assert coarse.attrs == {"units": "mm"}
    assert geobox_of(coarse).resolution.x == 1000
    assert tuple(geobox_of(coarse).boundingbox)[:4] == tuple(geobox.boundingbox)[:4]


def test_cells_are_square_on_the_ground_and_incomplete_ones_left_out():
    geobox = GeoBox.from_bbox((99.0, 38.0, 99.1, 38.1), "EPSG:4326", resolution=0.001)
    coarse = aggregate(field(geobox, np.ones(geobox.shape)), size=1000)
    assert coarse.shape == (100 // 9, 100 // 11)
    dy, dx = pixel_spacing(geobox_of(coarse))
    assert dy / dx == pytest.approx(1.0, abs=0.1)


def test_a_cell_with_too_little_data_is_none(geobox):
    values = np.ones(geobox.shape)
    values[:10, :6] = np.nan
    values[:10, 10:14] = np.nan
    coarse = aggregate(field(geobox, values), size=1000)
    assert np.isnan(coarse[0, 0])
    assert float(coarse[0, 1]) == 1.0


def test_chunks_do_not_matter(geobox, assert_lazy):
    array = field(geobox, np.random.default_rng(1).normal(size=geobox.shape))
    with assert_lazy():
        lazy = aggregate(array.chunk(y=7, x=13), size=500)
    xr.testing.assert_allclose(lazy.compute(), aggregate(array, size=500))


def test_a_cell_larger_than_the_map(geobox):
    with pytest.raises(InputError, match="cells of 5000 m are 50 x 50 pixels on a map of 30 x 40"):
        aggregate(field(geobox, np.ones(geobox.shape)), size=5000)


def test_the_thawing_index_of_gappy_days_is_that_of_a_line():
    days = pd.date_range("2018-11-01", "2021-02-28")
    true = 12 * np.cos(2 * np.pi * (days.day_of_year - 200) / 365.25)
    series = xr.DataArray(np.asarray(true), {"time": days}, ("time",))
    expected = float(series.sel(time=slice("2019", "2020")).clip(min=0).sum() / 2)
    gappy = series.where(np.arange(series.size) % 5 != 2).isel(time=np.arange(series.size) % 7 != 3)
    assert float(thawing_index(gappy)) == pytest.approx(expected, rel=2e-3)


def test_the_index_needs_a_whole_year_in_degrees_celsius():
    days = pd.date_range("2019-01-02", "2020-12-30")
    series = xr.DataArray(np.ones(days.size), {"time": days}, ("time",))
    with pytest.raises(InputError, match="covers no whole calendar year, it runs from 2019-01-02 to 2020-12-30"):
        thawing_index(series)
    with pytest.raises(InputError, match="is in 'K'"):
        thawing_index(series.assign_attrs(units="K"))


def test_a_pixel_that_ends_early_has_no_index():
    days = pd.date_range("2019-01-01", "2019-12-31")
    series = xr.DataArray(np.ones((days.size, 2)), {"time": days}, ("time", "x"))
    series[-5:, 1] = np.nan
    np.testing.assert_array_equal(thawing_index(series), [365.0, np.nan])


def test_drivers_are_told_by_strength_and_sign(geobox):
    rng = np.random.default_rng(2)
    ice, noise = field(geobox, rng.random(geobox.shape), units="m3 m-3"), field(geobox, rng.random(geobox.shape))
    deformation = (-40 * ice).assign_attrs(units="mm")
    found = driver_statistics(deformation, {"ground_ice": ice, "slope": noise}, n_bins=5)
    assert found.driver.values.tolist() == ["ground_ice", "slope"]
    assert float(found.r[0]) == pytest.approx(-1.0)
    assert float(found.p_value[1]) > 0.01
    assert (np.diff(found["mean"][0]) < 0).all()
    assert found.driver_units.values.tolist() == ["m3 m-3", "1"]
    inside = (ice.values >= found.lower.values[0, 0]) & (ice.values <= found.upper.values[0, -1])
    assert int(found["count"][0].sum()) == inside.sum()


def test_a_constant_driver_and_none_are_refused(geobox):
    deformation = field(geobox, np.random.default_rng(3).random(geobox.shape))
    with pytest.raises(InputError, match="slope: has 1200 values where there is deformation, which are all alike"):
        driver_statistics(deformation, {"slope": field(geobox, np.ones(geobox.shape))})
    with pytest.raises(InputError, match="covariates: there are none"):
        driver_statistics(deformation, {})
