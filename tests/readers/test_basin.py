"""Weights of pixels in a basin: areas on the ellipsoid, partial pixels, longitudes either way, bad outlines."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from pyproj import Geod

from cryoscale.errors import InputError
from cryoscale.grids import pixel_areas
from cryoscale.readers.basin import basin_weights

GRID = GeoBox.from_bbox((99.0, 37.0, 100.0, 38.0), "EPSG:4326", resolution=0.1)
BASIN = shapely.Polygon([(99.12, 37.2), (99.8, 37.33), (99.71, 37.9), (99.35, 37.62)])


def frame(*shapes: shapely.Geometry, crs: str | None = "EPSG:4326") -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=list(shapes), crs=crs)


def test_weights_add_up_to_the_geodesic_area_of_the_basin() -> None:
    area, _ = Geod(ellps="WGS84").geometry_area_perimeter(shapely.segmentize(BASIN, 0.01))
    weights = basin_weights(GRID, frame(BASIN))
    assert float(weights.sum()) == pytest.approx(abs(area), rel=1e-3)
    assert weights.attrs["units"] == "m2"


def test_pixels_count_by_the_share_inside() -> None:
    weights = basin_weights(GRID, frame(shapely.box(99.1, 37.15, 99.175, 37.2)))
    share = (weights / pixel_areas(GRID)).values
    assert share[8, 1] == pytest.approx(0.375)
    assert share.sum() == pytest.approx(0.375)


@given(st.floats(0.0, 0.3), st.floats(0.0, 0.3))
@settings(max_examples=25)
def test_parts_of_a_basin_add_up(dx: float, dy: float) -> None:
    moved = shapely.affinity.translate(BASIN, dx - 0.1, dy - 0.2)
    cut = moved.centroid.x
    left, right = (moved.intersection(box) for box in (shapely.box(98, 36, cut, 39), shapely.box(cut, 36, 101, 39)))
    parts = basin_weights(GRID, frame(left)) + basin_weights(GRID, frame(right))
    np.testing.assert_allclose(basin_weights(GRID, frame(moved)), parts, atol=1.0)
    np.testing.assert_allclose(basin_weights(GRID, frame(left, right)), parts, atol=1.0)


def test_rows_may_run_either_way() -> None:
    upward = GeoBox(
        GRID.shape, GRID.transform @ GRID.transform.translation(0, 10) @ GRID.transform.scale(1, -1), GRID.crs
    )
    np.testing.assert_allclose(
        basin_weights(upward, frame(BASIN)).values[::-1], basin_weights(GRID, frame(BASIN)).values
    )


def test_longitudes_from_0_to_360() -> None:
    alaska = shapely.box(-149.29, 63.84, -149.21, 63.92)
    west = basin_weights(GeoBox.from_bbox((-150, 63, -149, 64), "EPSG:4326", resolution=0.1), frame(alaska))
    east = basin_weights(GeoBox.from_bbox((210, 63, 211, 64), "EPSG:4326", resolution=0.1), frame(alaska))
    np.testing.assert_allclose(east.values, west.values, atol=1.0)


def test_a_globe_whose_first_pixel_straddles_the_date_line() -> None:
    globe = GeoBox((180, 360), Affine(1.0, 0.0, -180.5, 0.0, -1.0, 90.0), "EPSG:4326")
    chukotka = shapely.box(179.2, 66.0, 180.0, 67.0)
    share = (basin_weights(globe, frame(chukotka)) / pixel_areas(globe)).values
    assert share[23, [-1, 0]] == pytest.approx([0.3, 0.5])


def test_a_projected_outline_keeps_its_place() -> None:
    there = frame(shapely.segmentize(BASIN, 0.001)).to_crs("EPSG:32647")
    np.testing.assert_allclose(basin_weights(GRID, there), basin_weights(GRID, frame(BASIN)), atol=2e-4 * 1e8)


@pytest.mark.parametrize(
    ("basin", "message"),
    [
        (frame(BASIN, crs=None), "basin: has no CRS"),
        (frame(shapely.LineString([(99.1, 37.1), (99.2, 37.2)])), "basin: has no area"),
        (frame(shapely.box(99.5, 37.0, 100.5, 37.5)), r"basin: 50.0% of it lies within the grid \(longitude 99 to 100"),
        (frame(shapely.box(10.0, 37.0, 11.0, 37.5)), r"basin: 0.0% of it"),
    ],
)
def test_bad_outlines(basin: gpd.GeoDataFrame, message: str) -> None:
    with pytest.raises(InputError, match=message):
        basin_weights(GRID, basin)
