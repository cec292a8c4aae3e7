import numpy as np
import pytest
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.thermal.permafrost import class_areas, classify_permafrost, permafrost_change


def temperatures(values=((-1.0, 0.0, 1e-7, np.nan), (-2.0, 3.0, -0.5, np.nan))):
    values = np.array(values)
    dims = ("year", "y", "x")[3 - values.ndim :]
    coords = {"y": [36.0, 35.0], "x": np.arange(80.0, 84.0)}
    return xr.DataArray(values, coords, dims, "ttop", {"units": "degC"})


def mask(*places):
    found = xr.zeros_like(temperatures(), dtype=bool).drop_attrs()
    for y, x in places:
        found[y, x] = True
    return found


def test_classes():
    classes = classify_permafrost(temperatures(), glacier=mask((0, 0), (0, 3)), lake=mask((0, 0), (1, 1), (1, 3)))
    np.testing.assert_array_equal(classes, [[3, 1, 2, 3], [1, 4, 1, 4]])
    assert classes.dtype == "uint8"
    assert classes.name == "mean_ground_class"
    assert classes.attrs["flag_meanings"] == "no_data permafrost seasonally_frozen_ground glacier lake"
    np.testing.assert_array_equal(classify_permafrost(temperatures())[:, 3], [0, 0])


def test_masks_hold_for_all_years():
    years = xr.concat([temperatures(), temperatures() + 5], "year").assign_coords(year=[2005, 2006])
    classes = classify_permafrost(years, lake=mask((0, 0)))
    assert classes.name == "ground_class"
    assert classes.dims == ("year", "y", "x")
    np.testing.assert_array_equal(classes[:, 0], [[4, 1, 2, 0], [4, 2, 2, 0]])


def test_lazy_equals_eager(assert_lazy):
    ttop, glacier = temperatures(), mask((0, 1))
    with assert_lazy():
        lazy = classify_permafrost(ttop.chunk(x=3), glacier=glacier.chunk(x=3))
        change = permafrost_change(lazy, classify_permafrost(ttop.chunk(x=3) + 1))
    eager = classify_permafrost(ttop, glacier=glacier)
    xr.testing.assert_identical(lazy.compute(), eager)
    xr.testing.assert_identical(change.compute(), permafrost_change(eager, classify_permafrost(ttop + 1)))


def test_every_pair_of_classes():
    first, last = np.meshgrid(np.arange(5, dtype="uint8"), np.arange(5, dtype="uint8"), indexing="ij")
    change = permafrost_change(xr.DataArray(first, dims=("y", "x")), xr.DataArray(last, dims=("y", "x")))
    expected = np.zeros((5, 5))
    expected[1, 1], expected[1, 2], expected[2, 1], expected[2, 2] = 1, 2, 3, 4
    np.testing.assert_array_equal(change, expected)
    assert change.attrs["flag_meanings"] == "no_data stable_permafrost degraded gained stable_without"


def test_areas_of_classes():
    classes = classify_permafrost(temperatures(), lake=mask((0, 3)))
    rows = xr.DataArray([2e6, 1e6], {"y": [36.0, 35.0]}, "y", attrs={"units": "m2"})
    table = class_areas(classes, rows).set_index("class")
    assert table.area_km2.to_dict() == {
        "permafrost": 6.0,
        "seasonally_frozen_ground": 3.0,
        "glacier": 0.0,
        "lake": 2.0,
    }
    assert table.percent.sum() == pytest.approx(100)
    assert table.percent["lake"] == pytest.approx(200 / 11)
    pixels = rows.expand_dims(x=classes.x).transpose("y", "x").chunk(x=2)
    assert class_areas(classes.chunk(x=2), pixels).equals(class_areas(classes, rows))


def test_areas_of_years_and_of_change():
    years = xr.concat([temperatures(), temperatures() + 5], "year").assign_coords(year=[2005, 2006])
    classes = classify_permafrost(years)
    area = xr.full_like(temperatures(), 5e5).assign_attrs(units="m2")
    table = class_areas(classes, area)
    assert list(table.columns) == ["year", "class", "area_km2", "percent"]
    permafrost = table[table["class"] == "permafrost"]
    assert permafrost.area_km2.to_list() == [2.0, 0.0]
    assert permafrost.year.to_list() == [2005, 2006]
    change = class_areas(permafrost_change(classes[0], classes[1]), area).set_index("class").area_km2
    assert change.to_dict() == {"stable_permafrost": 0.0, "degraded": 2.0, "gained": 0.0, "stable_without": 1.0}


def test_bad_input():
    with pytest.raises(InputError, match="ttop: is in 'K', but ttop must be in 'degC'"):
        classify_permafrost(temperatures().assign_attrs(units="K"))
    with pytest.raises(InputError, match="rgi: is float64, but glacier must be boolean. Compare it: mask == 1"):
        classify_permafrost(temperatures(), glacier=mask().astype(float).rename("rgi"))
    with pytest.raises(InputError, match="do not lie on one grid"):
        classify_permafrost(temperatures(), lake=mask().isel(x=slice(2)))
    classes = classify_permafrost(temperatures())
    with pytest.raises(InputError, match="do not lie on one grid"):
        permafrost_change(classes, classes[:1])
    with pytest.raises(InputError, match="area: is in 'km2', but must be in 'm2'"):
        class_areas(classes, xr.DataArray([1.0, 1.0], dims="y", name="area", attrs={"units": "km2"}))
    with pytest.raises(InputError, match="mean_ground_class: has no attribute 'flag_values'"):
        class_areas(classes.drop_attrs(), xr.DataArray([1.0, 1.0], dims="y"))
