import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.thermal.sites import uniform_sites

GRID = GeoBox.from_bbox((0, 0, 600, 450), "EPSG:32647", resolution=30)
LENIENT = {"max_ndvi_spread": 9.0, "max_slope_spread": 99.0, "min_class_share": 0.0, "min_data_share": 0.0}


def surroundings(seed=0, grid=GRID):
    """Random maps with gaps."""
    rng = np.random.default_rng(seed)
    ndvi, slope = rng.uniform(0, 0.8, grid.shape), rng.uniform(0, 30, grid.shape)
    ndvi[rng.random(grid.shape) < 0.1] = np.nan
    slope[rng.random(grid.shape) < 0.1] = np.nan
    cover = rng.integers(0, 4, grid.shape).astype("uint8")
    maps = {"ndvi": ndvi.astype("float32"), "slope": slope.astype("float32"), "land_cover": cover}
    return xr.Dataset({name: (("y", "x"), values) for name, values in maps.items()}, grid_coords(grid))


def even(grid=GRID, *, ndvi=0.4, slope=5.0, land_cover=3):
    shape = grid.shape
    maps = {"ndvi": np.full(shape, ndvi), "slope": np.full(shape, slope), "land_cover": np.full(shape, land_cover)}
    return xr.Dataset({name: (("y", "x"), values) for name, values in maps.items()}, grid_coords(grid))


def at(*pixels):
    return pd.DataFrame(pixels, columns=["row", "column"])


def brute_force(around, row, column, half):
    """Loop over the square, pixel by pixel."""
    ndvi, slope, cover = [], [], []
    for r in range(row - half, row + half + 1):
        for c in range(column - half, column + half + 1):
            if 0 <= r < GRID.shape[0] and 0 <= c < GRID.shape[1]:
                pixel = around.isel(y=r, x=c)
                if np.isfinite(pixel.ndvi) and np.isfinite(pixel.slope) and pixel.land_cover != 0:
                    ndvi.append(float(pixel.ndvi))
                    slope.append(float(pixel.slope))
                    cover.append(int(pixel.land_cover))
    return np.array(ndvi), np.array(slope), np.array(cover), (2 * half + 1) ** 2


@pytest.mark.parametrize("seed", range(3))
def test_spreads_are_those_of_a_loop(seed):
    around = surroundings(seed)
    rng = np.random.default_rng(seed)
    corners = [(0, 0), (14, 19), (0, 19), (7, 0)]
    pixels = [*corners, *zip(rng.integers(0, 15, 12), rng.integers(0, 20, 12), strict=True)]
    table = uniform_sites(at(*pixels), around, window=150.0, **LENIENT)
    for site in table.itertuples():
        ndvi, slope, cover, full = brute_force(around, site.row, site.column, 2)
        assert site.data_share == pytest.approx(len(ndvi) / full)
        assert site.ndvi_spread == pytest.approx(np.std(ndvi))
        assert site.slope_spread == pytest.approx(np.std(slope))
        centre = around.isel(y=site.row, x=site.column)
        if np.isfinite(centre.ndvi) and np.isfinite(centre.slope) and centre.land_cover != 0:
            assert site.mapped_land_cover == centre.land_cover
            assert site.class_share == pytest.approx((cover == int(centre.land_cover)).mean())
            assert site.accepted
        else:
            assert (site.accepted, site.reason, site.mapped_land_cover) == (False, "no data at its pixel", 0)


def test_each_layer_can_speak_against_a_site():
    around = even()
    around["ndvi"][5:7, 5:7] = 0.9
    around["slope"][5:7, 12:14] = 30.0
    around["land_cover"][10:13, 5:7] = 1
    around["slope"][10:13, 12:18] = np.nan
    table = uniform_sites(at((2, 2), (5, 4), (5, 11), (11, 4), (12, 11), (0, 0)), around)
    assert table.accepted.tolist() == [True, False, False, False, True, False]
    assert table.reason.tolist() == [
        "",
        "ndvi_spread 0.183 above 0.05",
        "slope_spread 9.17 above 3",
        "class_share 0.76 below 0.8",
        "",
        "data_share 0.36 below 0.5",
    ]
    assert uniform_sites(at((5, 4)), around, max_ndvi_spread=0.2).accepted.all()
    assert uniform_sites(at((0, 0)), around, min_data_share=0.36).accepted.all()
    everything = uniform_sites(at((11, 5)), around, max_ndvi_spread=0.0)
    assert everything.reason.tolist() == ["class_share 0.24 below 0.8"]


def test_all_reasons_are_named():
    around = surroundings()
    table = uniform_sites(at((7, 9)), around.fillna(0.0).assign(land_cover=around.land_cover + 1))
    assert [part.split()[0] for part in table.reason[0].split("; ")] == ["ndvi_spread", "slope_spread", "class_share"]


@given(st.floats(0, 599), st.floats(0.5, 450))
def test_places_and_pixels_are_the_same(x, y):
    row, column = int((450 - y) // 30), int(x // 30)
    by_place = uniform_sites(pd.DataFrame({"y": [y], "x": [x]}), AROUND, **LENIENT)
    by_pixel = uniform_sites(at((row, column)), AROUND, **LENIENT)
    pd.testing.assert_frame_equal(by_place.drop(columns=["y", "x"]), by_pixel)


AROUND = surroundings()


def test_rows_and_columns_go_before_places():
    table = uniform_sites(at((3, 4)).assign(y=9e9, x=9e9), AROUND, **LENIENT)
    assert table[["row", "column"]].to_numpy().tolist() == [[3, 4]]


def test_outside_the_grid():
    places = pd.DataFrame({"name": ["in", "north", "west"], "y": [200.0, 451.0, 200.0], "x": [300.0, 300.0, -1.0]})
    table = uniform_sites(places.set_index("name"), even())
    assert table.index.tolist() == ["in", "north", "west"]
    assert table.accepted.tolist() == [True, False, False]
    assert table.reason.tolist() == ["", "outside the grid", "outside the grid"]
    assert table.row.tolist()[1:] == table.column.tolist()[1:] == [-1, -1]
    assert table.ndvi_spread.isna().tolist() == [False, True, True]


def test_lazy_equals_eager():
    pixels = at((0, 0), (7, 9), (14, 19))
    lazy = uniform_sites(pixels, AROUND.chunk(y=4, x=7), **LENIENT)
    pd.testing.assert_frame_equal(lazy, uniform_sites(pixels, AROUND, **LENIENT))


def test_the_square_is_one_of_metres_on_degrees():
    """At 60 degrees north a pixel is half as wide as high: the square has twice as many columns as rows."""
    grid = GeoBox.from_bbox((10.0, 60.0, 10.02, 60.02), "EPSG:4326", resolution=0.0005)
    around = even(grid)
    around["ndvi"][:, 23] = 0.9  # three pixels of 28 m east of the site
    places = at((20, 20))
    assert not uniform_sites(places, around, window=210.0).accepted[0]  # 3 x 7 pixels of 56 x 28 m
    assert uniform_sites(places, around, window=150.0, max_ndvi_spread=0.0).accepted[0]
    around = even(grid)
    around["ndvi"][22, :] = 0.9
    assert uniform_sites(places, around, window=210.0).accepted[0]


def test_bad_input():
    sites, around = at((3, 4)), even()
    with pytest.raises(InputError, match="surroundings: have no slope, only ndvi, land_cover. They need"):
        uniform_sites(sites, around.drop_vars("slope"))
    with pytest.raises(InputError, match="is in 'rad', but slope must be in 'degree'"):
        uniform_sites(sites, around.assign(slope=around.slope.assign_attrs(units="rad")))
    with pytest.raises(InputError, match="ndvi: has dims .*time.*, but must have y and x"):
        uniform_sites(sites, around.assign(ndvi=around.ndvi.expand_dims(time=2)))
    with pytest.raises(InputError, match="sites: the table is empty"):
        uniform_sites(sites[:0], around)
    with pytest.raises(
        InputError, match="sites: have columns longitude, latitude, but need row and column, or y and x"
    ):
        uniform_sites(pd.DataFrame({"longitude": [99.0], "latitude": [38.0]}), around)
    with pytest.raises(InputError, match="sites: row 'b' has no number in y or x. Drop it"):
        uniform_sites(pd.DataFrame({"y": [1.0, np.nan], "x": [1.0, 2.0]}, index=["a", "b"]), around)
    with pytest.raises(InputError, match="window: 30 m is less than 3 pixels of 30 x 30 m, .* Give at least 90 m"):
        uniform_sites(sites, around, window=30.0)
    with pytest.raises(InputError, match="min_class_share: must be between 0 and 1, not 80"):
        uniform_sites(sites, around, min_class_share=80)
    with pytest.raises(InputError, match="max_slope_spread: must be 0 or more, not -1"):
        uniform_sites(sites, around, max_slope_spread=-1)
    with pytest.raises(InputError, match="no regular grid with a CRS"):
        uniform_sites(sites, around.drop_vars(["y", "x", "spatial_ref"]))
