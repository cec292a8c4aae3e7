"""Readers of the permafrost map on real files: outlines of glaciers, a DEM in degrees, rasters of a survey."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from scipy.interpolate import RegularGridInterpolator

from cryoscale.readers.land_cover import open_land_cover
from cryoscale.readers.points import read_stations
from cryoscale.readers.vectors import open_mask
from cryoscale.readers.warp import Resampling, open_on_grid

WHOLE = {"y": -1, "x": -1}


def raw(path):
    """Numbers of a file with NaN for no data, and its grid."""
    with rasterio.open(path) as source:
        grid = GeoBox(source.shape, source.transform, source.crs)
        return source.read(1, masked=True).astype("float32").filled(np.nan), grid


def interpolated(values, grid, target):
    """Between four centres of a grid in degrees, by SciPy, at the centres of another grid."""
    x, y = np.meshgrid(target.coordinates["x"].values, target.coordinates["y"].values)
    longitude, latitude = Transformer.from_crs(target.crs.to_wkt(), 4326, always_xy=True).transform(x, y)
    centres = grid.coordinates["latitude"].values[::-1], grid.coordinates["longitude"].values
    return RegularGridInterpolator(centres, values[::-1].astype(float), bounds_error=False)((latitude, longitude))


def test_glaciers_have_the_area_of_their_outlines(real_data):
    folder = real_data / "glaciers_everest"
    _, grid = raw(folder / "LE71400412000304SGS00_B4.tif")
    outlines = folder / "15_rgi60_glacier_outlines.gpkg"
    mask = open_mask(outlines, "glacier", geobox=grid, chunks={"y": 200, "x": 256})
    window = grid.extent.geom
    area = gpd.read_file(outlines).to_crs(32645).make_valid().union_all().intersection(window).area
    assert area > 5e7
    assert mask.values.sum() * 900.0 == pytest.approx(area, rel=0.01)
    np.testing.assert_array_equal(mask, open_mask(outlines, "glacier", geobox=grid, chunks=WHOLE))
    with rasterio.open(folder / "LE71400412000304SGS00_B4.tif") as source:
        near_infrared = source.read(1)
    assert near_infrared[mask.values].mean() > 1.2 * near_infrared[~mask.values].mean()


def test_a_dem_in_degrees_on_a_utm_grid(real_data):
    (path,) = (real_data / "dem_alaska").glob("*.tif")
    values, degrees = raw(path)
    grid = GeoBox.from_bbox((388000, 7083000, 390000, 7088000), "EPSG:32606", resolution=30)
    found = open_on_grid(
        path, "elevation", geobox=grid, resampling=Resampling.BILINEAR, chunks={"y": 50, "x": 33}
    ).values
    expected = interpolated(values, degrees, grid)
    assert expected.max() - expected.min() > 100
    # The file's columns are 14 m apart: of the two axes one is read with a widened kernel.
    assert np.abs(found - expected).mean() < 0.5
    assert np.abs((found - expected).mean()) < 0.05


@pytest.mark.parametrize(("file", "name"), [("DDT_mean_annual.tif", "mean_ddt"), ("DDF_mean_annual.tif", "mean_ddf")])
def test_degree_days_of_the_survey(real_data, file, name):
    path = real_data / "permafrost_survey_wenquan" / file
    values, grid = raw(path)
    for resampling in Resampling:
        same = open_on_grid(path, name, geobox=grid, resampling=resampling, chunks={"y": 50, "x": 64})
        np.testing.assert_array_equal(same, values)
    utm = GeoBox.from_bbox((455000, 3875000, 610000, 3995000), "EPSG:32647", resolution=1000)
    found = open_on_grid(path, name, geobox=utm, resampling=Resampling.BILINEAR, chunks={"y": 50, "x": 64})
    expected = interpolated(values, grid, utm)
    where = np.isfinite(expected)
    assert where.mean() > 0.8
    np.testing.assert_allclose(found.values[where], expected[where], rtol=2e-5, atol=0.01)
    nearest = open_on_grid(path, name, geobox=utm, resampling=Resampling.NEAREST, chunks=WHOLE).values
    assert set(nearest[np.isfinite(nearest)]) <= set(values.ravel())


def test_classes_of_the_survey(real_data):
    path = real_data / "permafrost_survey_wenquan" / "investigation_map.tif"
    values, grid = raw(path)
    legend = {1: "permafrost", 2: "seasonally frozen ground"}
    cover = open_land_cover(path, geobox=grid, chunks={"y": 50, "x": 64}, legend=legend)
    np.testing.assert_array_equal(cover, np.nan_to_num(values))
    utm = GeoBox.from_bbox((455000, 3875000, 610000, 3995000), "EPSG:32647", resolution=1000)
    warped = open_land_cover(path, geobox=utm, chunks={"y": 50, "x": 64}, legend=legend).values
    share, expected = (warped == 1).sum() / (warped > 0).sum(), (values == 1).sum() / np.isfinite(values).sum()
    assert share == pytest.approx(expected, abs=0.02)


def test_daily_temperatures_of_mohe(real_data, tmp_path):
    original = pd.read_csv(real_data / "stations_qtp" / "mohe_50136_daily_1959_2000.csv")
    date = pd.to_datetime(original[["Year", "Mon", "Day"]].rename(columns={"Mon": "month"}))
    table = original.assign(station="Mohe", longitude=122.52, latitude=52.97, day=date.dt.strftime("%Y-%m-%d"))
    table.to_csv(tmp_path / "mohe.csv", index=False)
    columns = {"time": "day", "ground_surface_temperature": "GT", "air_temperature": "Temperature"}
    found = read_stations(tmp_path / "mohe.csv", columns=columns)
    assert len(found) == len(original)
    assert found.ground_surface_temperature.isna().sum() >= 116
    assert found.ground_surface_temperature.abs().max() < 70
