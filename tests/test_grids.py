import dask.array as da
import numpy as np
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import CRS, Proj

from cryoscale.errors import InputError
from cryoscale.grids import pixel_areas

ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +ellps=krass +units=m +no_defs +type=crs"
EAST = (0, 3_000_000, 2_000_000, 5_000_000)
US_FEET = "EPSG:2263"


def geodesic_areas(geobox, pixels):
    """Areas by geodesic polygons whose many vertices follow the edges of the pixel."""
    crs = CRS.from_wkt(geobox.crs.wkt)
    steps = np.linspace(0, 1, 200, endpoint=False)
    column = np.concatenate([steps, np.ones(200), 1 - steps, np.zeros(200)])
    row = np.concatenate([np.zeros(200), steps, np.ones(200), 1 - steps])
    for i, j in pixels:
        x, y = geobox.transform @ (column + j, row + i)
        lon, lat = (x, y) if crs.is_geographic else Proj(crs)(x, y, inverse=True)
        yield abs(crs.get_geod().polygon_area_perimeter(lon, lat)[0])


@pytest.mark.parametrize(
    ("crs", "box", "resolution"),
    [
        ("EPSG:4326", (73.5, 34.3, 93.8, 43.6), 0.01),
        ("EPSG:4024", (73.5, 34.3, 93.8, 43.6), 0.01),  # Krasovsky 1940
        ("EPSG:4326", (-30.0, -89.9, -28.0, -88.0), 0.1),
        ("EPSG:32645", (100_000, 3_800_000, 900_000, 4_800_000), 1000),
        (ALBERS, (-2_600_000, 3_700_000, 1_000_000, 5_200_000), 1000),
        ("EPSG:3857", (8_000_000, 4_000_000, 10_400_000, 5_500_000), 1000),  # a sphere's map of an ellipsoid
        ("EPSG:3413", (-500_000, -500_000, 500_000, 500_000), 1000),  # with the pole inside
        (US_FEET, (900_000, 100_000, 1_100_000, 300_000), 1000),
    ],
)
def test_areas_are_those_of_geodesic_polygons(crs, box, resolution):
    geobox = GeoBox.from_bbox(box, crs, resolution=resolution)
    n, m = geobox.shape
    pixels = [(0, 0), (n - 1, m - 1), (n // 3, m // 2), (n // 2, m // 7)]
    areas = pixel_areas(geobox).compute()
    expected = list(geodesic_areas(geobox, pixels))
    np.testing.assert_allclose([areas.values[pixel] for pixel in pixels], expected, rtol=1e-6)
    assert areas.attrs["units"] == "m2"
    assert areas.odc.geobox == geobox


@pytest.mark.parametrize(("crs", "total"), [("EPSG:4326", 510065621724088.4), ("EPSG:4047", 4 * np.pi * 6371007.0**2)])
def test_the_globe_sums_to_the_ellipsoid_or_the_sphere(crs, total):
    geobox = GeoBox.from_bbox((-180, -90, 180, 90), crs, resolution=0.5)
    assert float(pixel_areas(geobox).sum()) == pytest.approx(total, rel=1e-12)


def test_pixels_end_at_the_pole():
    centred = GeoBox((181, 360), Affine(1, 0, -180, 0, -1, 90.5), "EPSG:4326")
    assert float(pixel_areas(centred).sum()) == pytest.approx(510065621724088.4, rel=1e-12)


def test_large_grids_cost_no_memory(assert_lazy):
    geographic = GeoBox.from_bbox((60, 20, 120, 60), "EPSG:4326", resolution=0.0005)
    with assert_lazy():
        flat, curved = pixel_areas(geographic), pixel_areas(GeoBox.from_bbox(EAST, "EPSG:32645", resolution=20))
    assert flat.data.strides[1] == 0
    assert isinstance(curved.data, da.Array)


def test_chunks_do_not_change_areas():
    geobox = GeoBox.from_bbox((500_000, 3_800_000, 3_000_000, 3_900_000), "EPSG:32645", resolution=1000)
    areas = pixel_areas(geobox)
    assert areas.data.numblocks[1] == 2
    xr.testing.assert_identical(areas.compute()[:, 2047:2050], pixel_areas(geobox)[:, 2047:2050].compute())
    assert abs(np.diff(areas.values, n=2, axis=1)).max() < 1.0


def test_grids_without_areas_are_errors():
    with pytest.raises(InputError, match="areas need a CRS and axes along x and y"):
        pixel_areas(GeoBox((4, 5), Affine.translation(0, 1), None))
    with pytest.raises(InputError, match="areas need a CRS and axes along x and y"):
        pixel_areas(GeoBox.from_bbox((500_000, 0, 501_000, 1000), "EPSG:32645", shape=(4, 5)).rotate(30))
    with pytest.raises(InputError, match="grid in EPSG:6933: reaches beyond where its projection is defined"):
        pixel_areas(GeoBox.from_bbox((-1e7, -9e6, 1e7, 9e6), "EPSG:6933", resolution=25_000))
