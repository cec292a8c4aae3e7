import numpy as np
import pandas as pd
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.thermal.rk import RkTable, count_classes, map_rk, require_rk

TABLE = RkTable({1: 0.9, 3: 0.5}, {1: 0.05, 3: 0.2}, {1: "sand", 3: "peat"})


def class_map(shape=(30, 40), *, seed=0):
    geobox = GeoBox.from_bbox((99.0, 38.0, 99.4, 38.3), "EPSG:4326", shape=shape)
    codes = np.random.default_rng(seed).choice([0, 1, 2, 3], shape).astype("uint8")
    return xr.DataArray(codes, grid_coords(geobox), ("y", "x"), "land_cover")


def test_every_pixel_takes_the_value_of_its_class():
    classes = class_map()
    result = map_rk(classes, TABLE)
    for code, value, error in ((1, 0.9, 0.05), (3, 0.5, 0.2)):
        assert (result.rk.values[classes == code] == np.float32(value)).all()
        assert (result.rk_error.values[classes == code] == np.float32(error)).all()
    assert np.isnan(result.rk.values[(classes == 0) | (classes == 2)]).all()
    assert result.rk.dtype == "float32"
    assert result.rk.attrs["long_name"] == "ratio of thawed to frozen thermal conductivity"
    assert result.odc.geobox == classes.odc.geobox


def test_classes_may_be_floats_with_nan():
    result = map_rk(xr.DataArray([1.0, np.nan, 3.0, 1.5], dims="x"), TABLE)
    np.testing.assert_array_equal(result.rk, np.array([0.9, np.nan, 0.5, np.nan], "float32"))


def test_lazy_equals_eager(assert_lazy):
    classes = class_map()
    with assert_lazy():
        lazy, counts = map_rk(classes.chunk(9), TABLE), count_classes(classes.chunk(9), classes.chunk(9) > 1)
    xr.testing.assert_identical(lazy.compute(), map_rk(classes, TABLE))
    xr.testing.assert_identical(counts.compute(), count_classes(classes, classes > 1))


def test_counts_are_those_of_numpy():
    classes = class_map()
    counts = count_classes(classes)
    np.testing.assert_array_equal(counts.values[:4], np.bincount(classes.values.ravel()))
    assert int(count_classes(classes.astype("float32").where(classes > 0)).sum()) == int((classes > 0).sum())
    with pytest.raises(InputError, match="holds codes from -46 to 100; they must be 0 to 255"):
        count_classes(xr.DataArray(np.array([-46, 100], "int8"), dims="x"))


def test_classes_without_rk_are_named_with_their_pixels():
    classes = class_map()
    n = int((classes == 2).sum())
    with pytest.raises(InputError, match=rf"classes without rk: 2 \({n} pixels\)\. Add them to the table"):
        require_rk(TABLE, count_classes(classes))
    require_rk(TABLE, count_classes(classes.where(classes != 2, 0)))


def test_the_esa_table_covers_its_legend():
    table = RkTable.esa_cci_land_cover(error=0.07)
    legend = [10, 11, 12, 20, 30, 40, 50, 60, 61, 62, 70, 71, 72, 80, 81, 82, 90, 100, 110, 120, 121, 122, 130, 140]
    legend += [150, 151, 152, 153, 160, 170, 180, 190, 200, 201, 202, 210, 220]
    assert list(table.values) == legend
    expected = {150: 0.95, 200: 0.95, 190: 0.95, 60: 0.95, 80: 0.95, 70: 0.9, 120: 0.8, 130: 0.75, 10: 0.75, 180: 0.55}
    assert {code: table.values[code] for code in expected} == expected
    assert np.isnan([table.values[210], table.errors[220]]).all()
    assert table.errors[130] == 0.07
    require_rk(table, count_classes(xr.DataArray(np.array([[130, 210, 0]]), dims=("y", "x"))))


def test_the_pft_table_has_14_types():
    table = RkTable.esa_cci_pft()
    assert list(table.values) == list(range(1, 15))
    by_name = {table.names[code]: value for code, value in table.values.items()}
    assert by_name["TREES-NE"] == 0.90
    assert by_name["SHRUBS-BD"] == 0.80
    assert by_name["BUILT"] == 0.95


def test_frames_come_back():
    for table in (TABLE, RkTable.esa_cci_land_cover()):
        pd.testing.assert_frame_equal(RkTable.from_frame(table.to_frame()).to_frame(), table.to_frame())
    assert RkTable.from_frame(TABLE.to_frame()) == TABLE


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"class": [1], "rk": [0.8]}, "has no column rk_error; it has class, rk"),
        ({"class": [], "rk": [], "rk_error": []}, "holds no class"),
        ({"class": [1, 1], "rk": [0.8, 0.9], "rk_error": [0.1, 0.1]}, "class 1 occurs twice"),
        ({"class": [1.5], "rk": [0.8], "rk_error": [0.1]}, "column class must hold integers"),
        ({"class": [1], "rk": [3.0], "rk_error": [0.1]}, r"class 1 \(1\): rk is 3, but a ratio .* 0.05 and 2"),
        ({"class": [1], "rk": [0.8], "rk_error": [-0.1]}, "standard error is -0.1; give a number that is 0 or more"),
        ({"class": [1], "rk": [0.8], "rk_error": [np.nan]}, "standard error is nan"),
        ({"class": [0], "rk": [0.8], "rk_error": [0.1]}, "0 means no data"),
    ],
)
def test_bad_tables_are_errors(frame, message):
    with pytest.raises(InputError, match=message):
        RkTable.from_frame(pd.DataFrame(frame))


def test_every_class_needs_all_three():
    with pytest.raises(InputError, match=r"classes \[2\] lack a value, a standard error or a name"):
        RkTable({1: 0.8, 2: 0.9}, {1: 0.1, 2: 0.1}, {1: "sand"})
