"""Terrain of two real DEMs: GLO-30 in degrees (Alaska Range), and 30 m in UTM whose file names no CRS."""

import numpy as np
import pytest
import rioxarray
from scipy import ndimage

from cryoscale.errors import InputError
from cryoscale.terrain import (
    aspect,
    aspect_components,
    curvature,
    potential_radiation,
    slope,
    topographic_position,
    topographic_wetness,
)


def read(path):
    with rioxarray.open_rasterio(path, masked=True) as file:
        return file.squeeze("band", drop=True).load().rename("elevation")


@pytest.fixture(scope="module")
def alaska(real_data):
    return read(next((real_data / "dem_alaska").glob("COP30*.tif")))


@pytest.fixture(scope="module")
def hills(real_data):
    return read(real_data / "landsat7_terrain" / "dem.tif")


def horn(values, height, width):
    """Rise to the east and to the north by convolution, without the border."""
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8.0
    east = ndimage.correlate(values, kernel) / width[:, None]
    north = ndimage.correlate(values, -kernel.T) / height[:, None]
    return east[1:-1, 1:-1], north[1:-1, 1:-1]


def test_slope_and_aspect_in_degrees_against_convolutions(alaska):
    from pyproj import Geod

    geod = Geod(ellps="WGS84")
    lat, step = alaska.y.values, abs(float(alaska.x[1] - alaska.x[0]))
    width = np.array([geod.line_length([0, step], [y, y]) for y in lat])
    tall = abs(float(alaska.y[1] - alaska.y[0]))
    height = np.array([geod.line_length([0, 0], [y - tall / 2, y + tall / 2]) for y in lat])
    east, north = horn(alaska.values.astype(float), height, width)
    np.testing.assert_allclose(slope(alaska)[1:-1, 1:-1], np.rad2deg(np.arctan(np.hypot(east, north))), atol=1e-4)
    turned = aspect(alaska)[1:-1, 1:-1].values - np.rad2deg(np.arctan2(-east, -north))
    steep = np.hypot(east, north) > 0.02
    assert np.abs((turned[steep] + 180) % 360 - 180).max() < 1e-3


def test_slope_in_degrees_is_that_in_utm(alaska):
    projected = alaska.rio.reproject("EPSG:32606", resolution=30.0, resampling=1).rename("elevation")
    there = slope(projected)
    here = slope(alaska)
    assert float(there.median()) == pytest.approx(float(here.median()), rel=0.1)
    wrong = np.rad2deg(np.arctan(np.hypot(*np.gradient(alaska.values, 30.9, 30.9))))  # as if pixels were square
    assert abs(np.median(wrong) - float(there.median())) > 2 * abs(float(here.median()) - float(there.median()))


@pytest.mark.parametrize("name", ["alaska", "hills"])
def test_ranges_are_plausible(name, request):
    elevation = request.getfixturevalue(name)
    if elevation.rio.crs is None:
        elevation = elevation.rio.write_crs("EPSG:32618")
    assert elevation.notnull().all()
    steep = slope(elevation)
    assert 2.0 < float(steep.median()) < 25.0
    assert 20.0 < float(steep.max()) < 75.0
    parts = aspect_components(elevation)
    lengths = np.hypot(parts.aspect_sin, parts.aspect_cos)
    np.testing.assert_allclose(lengths.where(lengths > 0), lengths.where(lengths > 0) * 0 + 1, atol=1e-6)
    bend = curvature(elevation)
    assert abs(float(bend.mean())) < 1e-4
    assert 1e-4 < float(bend.std()) < 2e-2
    position = topographic_position(elevation, radius=300.0)
    assert abs(float(position.mean())) < 2.0
    assert np.corrcoef(position.values.ravel(), bend.values.ravel())[0, 1] > 0.05
    wet = topographic_wetness(elevation)
    assert wet.notnull().all()
    assert 3.0 < float(wet.median()) < 9.0
    assert np.corrcoef(wet.values.ravel(), position.values.ravel())[0, 1] < -0.3


def test_winter_sun_in_alaska_is_low_and_on_south_slopes(alaska):
    winter, spring, summer = potential_radiation(alaska, [355, 80, 172])
    south = aspect_components(alaska).aspect_cos < -0.7
    north = aspect_components(alaska).aspect_cos > 0.7
    steep = slope(alaska) > 10
    assert float(winter.where(south & steep).mean()) > 5 * float(winter.where(north & steep).mean())
    assert float(spring.where(south & steep).mean()) > 1.5 * float(spring.where(north & steep).mean())
    assert 1.0 < float(winter.mean()) < 40.0
    assert 300.0 < float(summer.mean()) < 400.0


def test_chunks_do_not_show(alaska):
    lazy = alaska.chunk({"y": 47, "x": 101})
    for derive in (slope, curvature, lambda z: topographic_position(z, radius=500.0)):
        np.testing.assert_array_equal(derive(lazy), derive(alaska))


def test_a_file_without_crs_is_refused(hills):
    with pytest.raises(InputError, match="elevation: no regular grid with a CRS"):
        slope(hills)
