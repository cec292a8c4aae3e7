import numpy as np
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS

from cryoscale.readers.headers import Grid
from cryoscale.readers.places import pixel_places, places_at, window_of

UTM = Grid(CRS.from_epsg(32647), Affine(1000, 0, 480000, 0, -1000, 4200000), (40, 30))
DEGREES = Grid(CRS.from_epsg(4326), Affine(0.01, 0, 98.0, 0, -0.01, 39.0), (300, 300))


def test_there_and_back():
    rows, columns = pixel_places(UTM, range(40), range(30), grid=DEGREES)
    longitude, latitude = 98.0 + (columns + 0.5) * 0.01, 39.0 - (rows + 0.5) * 0.01
    back = places_at(longitude, latitude, crs=DEGREES.crs, grid=UTM)
    np.testing.assert_allclose(back[0], np.arange(40)[:, np.newaxis] + np.zeros(30), atol=1e-6)
    np.testing.assert_allclose(back[1], np.zeros((40, 1)) + np.arange(30), atol=1e-6)


def test_a_window_of_the_grid_has_the_same_places_to_the_bit():
    whole = pixel_places(UTM, range(40), range(30), grid=DEGREES)
    part = pixel_places(UTM, range(11, 17), range(3, 30), grid=DEGREES)
    for places, cut in zip(whole, part, strict=True):
        np.testing.assert_array_equal(places[11:17, 3:], cut)


@given(places=st.lists(st.floats(-5, 15), min_size=1, max_size=5), size=st.integers(1, 10))
def test_a_window_holds_all_pixels_around_the_places_inside(places, size):
    window = window_of(np.array(places), size)
    for place in places:
        if -0.5 <= place <= size - 0.5:
            around = {min(max(int(np.floor(place)) + step, 0), size - 1) for step in (0, 1)}
            assert around <= set(window)
    assert not len(window) or 0 <= window.start < window.stop <= size


def test_no_window_without_places_inside():
    assert not window_of(np.array([-3.0, np.inf, 12.0]), 10)
