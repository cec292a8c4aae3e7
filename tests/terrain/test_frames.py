import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import CRS, Geod, Proj

from cryoscale.errors import InputError
from cryoscale.terrain.frames import local_frames

ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +ellps=krass +units=m +no_defs +type=crs"


def steps_by_geodesics(geobox, row, column):
    """Columns and rows per metre to the east and to the north, by geodesics of 20 m from a pixel's centre."""
    crs = CRS.from_wkt(geobox.crs.wkt)
    x, y = geobox.transform @ (column + 0.5, row + 0.5)
    lon, lat = (x, y) if crs.is_geographic else Proj(crs)(x, y, inverse=True)
    places = []
    for azimuth in (90, 270, 0, 180):
        end = crs.get_geod().fwd(lon, lat, azimuth, 20.0)[:2]
        places.append(~geobox.transform @ (end if crs.is_geographic else Proj(crs)(*end)))
    east, west, north, south = np.array(places)
    return np.concatenate([(east - west) / 40.0, (north - south) / 40.0]), np.deg2rad(lat)


def frame_at(frames, row, column):
    """All that a frame holds of one pixel, and the spacing of its row."""
    frame = frames.part((row, column), (1, 1))
    node, weight = frame.node[0], frame.weight[0]
    return (1 - weight) * frame.lattice[:, node, 0] + weight * frame.lattice[:, node + 1, 0], frame.spacing[:, 0]


@pytest.mark.parametrize(
    ("crs", "box", "resolution"),
    [
        ("EPSG:4326", (73.5, 34.3, 93.8, 43.6), 0.01),
        ("EPSG:4326", (-30.0, -89.0, -28.0, -88.0), 0.01),
        ("EPSG:32645", (100_000, 3_800_000, 900_000, 4_800_000), 1000),
        ("EPSG:32645", (600_000, 4_200_000, 601_000, 4_201_000), 30),
        (ALBERS, (-2_600_000, 3_700_000, 1_000_000, 5_200_000), 1000),
        ("EPSG:3857", (8_000_000, 4_000_000, 10_400_000, 5_500_000), 1000),
        ("EPSG:3413", (-2_500_000, -2_500_000, -500_000, -500_000), 1000),
        ("EPSG:2263", (900_000, 100_000, 1_100_000, 300_000), 1000),  # US feet
    ],
)
def test_steps_are_those_of_geodesics(crs, box, resolution):
    geobox = GeoBox.from_bbox(box, crs, resolution=resolution)
    frames = local_frames(geobox)
    n, m = geobox.shape
    for row, column in [(0, 0), (n - 1, m - 1), (n // 3, m // 2), (n // 2, m // 7)]:
        found, _ = frame_at(frames, row, column)
        expected, latitude = steps_by_geodesics(geobox, row, column)
        np.testing.assert_allclose(found[:4], expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
        assert found[4] == pytest.approx(latitude, abs=1e-4)


def test_steps_around_a_pole_in_the_grid():
    geobox = GeoBox.from_bbox((-1_000_000, -1_000_000, 1_000_000, 1_000_000), "EPSG:3413", resolution=1000)
    for row, column in [(100, 300), (1000, 1200), (1300, 1300)]:
        found, _ = frame_at(local_frames(geobox), row, column)
        expected, _ = steps_by_geodesics(geobox, row, column)
        np.testing.assert_allclose(found[:4], expected, atol=0.005 * np.abs(expected).max())


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_spacing_is_the_size_of_pixels_on_the_ground(crs):
    grids = {"EPSG:4326": ((99.0, 37.0, 100.0, 39.0), 0.01), "EPSG:3857": ((1.1e7, 4.4e6, 1.12e7, 4.6e6), 1000)}
    geobox = GeoBox.from_bbox(grids[crs][0], crs, resolution=grids[crs][1])
    _, spacing = frame_at(local_frames(geobox), 50, 0)
    column = geobox.shape[1] // 2
    ends = ((column + 0.5, 50), (column + 0.5, 51), (column, 50.5), (column + 1, 50.5))
    places = [geobox.transform @ end for end in ends]
    places = np.array([p if crs == "EPSG:4326" else Proj(crs)(*p, inverse=True) for p in places])
    geod = Geod(ellps="WGS84")
    expected = [geod.line_length(*places[:2].T), geod.line_length(*places[2:].T)]
    np.testing.assert_allclose(spacing, expected, rtol=1e-4)


def test_rows_toward_north_count_the_other_way():
    down = GeoBox((20, 20), Affine(0.01, 0, 99, 0, -0.01, 38.2), "EPSG:4326")
    up = GeoBox((20, 20), Affine(0.01, 0, 99, 0, 0.01, 38.0), "EPSG:4326")
    found, _ = frame_at(local_frames(up), 3, 3)
    mirrored, _ = frame_at(local_frames(down), 16, 3)
    np.testing.assert_allclose(found, mirrored * [1, 1, 1, -1, 1], rtol=1e-12)


def test_parts_agree_to_the_bit():
    geobox = GeoBox.from_bbox((500_000, 3_800_000, 1_500_000, 4_700_000), "EPSG:32645", resolution=1000)
    frames = local_frames(geobox)
    whole = frames.part((0, 0), frames.shape)
    part = frames.part((301, 77), (13, 501))
    rows = slice(301, 314)
    np.testing.assert_array_equal(part.weight, whole.weight[rows])
    np.testing.assert_array_equal(part.spacing, whole.spacing[:, rows])
    for offset in (0, 1):
        np.testing.assert_array_equal(
            part.lattice[:, part.node + offset], whole.lattice[:, whole.node[rows] + offset, 77:578]
        )


@pytest.mark.parametrize(
    ("geobox", "message"),
    [
        (GeoBox((3, 3), Affine(30, 0, 0, 0, -30, 0), None), "needs a CRS"),
        (GeoBox((3, 3), Affine(30, 5, 5e5, 5, -30, 4e6), "EPSG:32645"), "axes along x and y"),
        (GeoBox((1, 3), Affine(30, 0, 5e5, 0, -30, 4e6), "EPSG:32645"), r"grid \(1 x 3, EPSG:32645\)"),
        (GeoBox((30, 30), Affine(1e6, 0, -1.5e7, 0, -1e6, 1.5e7), "EPSG:3035"), "beyond where its projection"),
    ],
)
def test_grids_without_frames_are_errors(geobox, message):
    with pytest.raises(InputError, match=message):
        local_frames(geobox)
