import numpy as np
import pandas as pd
import pytest
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.ground.ice_tables import check_ice_table, ice_layers


def table(**changes):
    columns = {
        "unit": [2, 1, 1],
        "top": [0.0, 2.0, 0.0],
        "bottom": [12.0, 10.0, 2.0],
        "ice_content": [0.1, 0.2, 0.4],
        "spread": [0.02, 0.06, 0.1],
        "n": [1, 9, 4],
    }
    return pd.DataFrame(columns | changes)


def test_a_table_is_brought_into_order():
    checked = check_ice_table(table(porosity=[np.nan, 0.4, 0.5]))
    assert checked.unit.tolist() == [1, 1, 2]
    assert checked.layer.tolist() == ["0-2 m", "2-10 m", "0-12 m"]
    assert checked.porosity.tolist() == [0.5, 0.4, 1.0]
    assert check_ice_table(table(layer=["rock", "silt", "peat"])).layer.tolist() == ["peat", "silt", "rock"]


def test_arrays_by_layer_and_unit():
    layers = ice_layers(table(layer=["rock", "silt", "peat"]), xr.DataArray(0))
    assert layers.codes.tolist() == [1, 2]
    assert layers.names == ("1", "2")
    assert layers.layers == ("peat", "rock", "silt")  # by the highest top of each
    peat, silt, rock = (layers.layers.index(name) for name in ("peat", "silt", "rock"))
    np.testing.assert_array_equal(layers.there[[peat, silt, rock]], [[True, False], [True, False], [False, True]])
    np.testing.assert_allclose(layers.error[[peat, silt, rock], [0, 0, 1]], [0.05, 0.02, 0.02])
    assert layers.freedom[[peat, silt, rock], [0, 0, 1]].tolist() == [3, 8, 1]  # one sample counts as one degree
    assert layers.bottom[silt].tolist() == [10, 0]  # absent: no thickness


def test_units_by_the_names_of_the_legend():
    units = xr.DataArray(0, attrs={"flag_values": [3, 5], "flag_meanings": "slope_wash lake_bed"})
    layers = ice_layers(table(unit=["slope wash", "lake_bed", " lake bed"]), units)
    assert layers.codes.tolist() == [3, 5]
    assert layers.names == ("slope_wash", "lake_bed")
    with pytest.raises(InputError, match=r"names the unit peat, but the raster of units has slope_wash, lake_bed"):
        ice_layers(table(unit=["peat", "lake_bed", "lake_bed"]), units)
    with pytest.raises(InputError, match=r"names the unit 1.5, 2.0, but the raster .* none \(no attributes"):
        ice_layers(table(unit=[2.0, 1.5, 1.5]), xr.DataArray(0))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"ice_content": [0.1, 20.0, 40.0]},
            r"unit 1 must have an ice_content in m3 m-3, 0 to 1. Divide percent by 100",
        ),
        (
            {"porosity": [1.0, 0.15, 0.5]},
            r"unit 1 has an ice_content above its porosity.*ice_content 0.2.*porosity 0.15",
        ),
        ({"porosity": [1.0, 45.0, 0.5]}, r"must have a porosity in m3 m-3, above 0 to 1"),
        ({"spread": [0.1, -0.1, 0.1]}, r"unit 1 must have a spread in m3 m-3, 0 to 1; it has .*spread -0.1"),
        ({"n": [1, 0, 3]}, r"unit 1 must have a whole number n of samples, 1 or more"),
        ({"n": [1, 2.5, 3]}, r"must have a whole number n of samples"),
        ({"spread": [0.1, np.nan, 0.1]}, r"has a cell without a number"),
        ({"ice_content": ["a lot", 0.1, 0.1]}, r"unit 2 has a cell without a number"),
        (
            {"top": [3.0, 2.0, 0.0], "bottom": [1.0, 10.0, 2.0]},
            r"unit 2 must have top and bottom in m, 0 <= top < bottom",
        ),
        ({"top": [0.0, 1.0, 0.0]}, r"unit 1: layers overlap, one ends at 2 m and the next begins at 1 m"),
        ({"top": [0.0, 3.0, 0.0]}, r"unit 1: layers leave a hole, one ends at 2 m and the next begins at 3 m"),
        ({"layer": ["a", "b", "b"]}, r"unit 1: has the layer 'b' twice"),
        ({"unit": [2, None, 1]}, r"row 2 names no unit"),
    ],
)
def test_tables_that_cannot_be_used(changes, message):
    with pytest.raises(InputError, match=message):
        check_ice_table(table(**changes))


def test_tables_without_columns_or_rows():
    with pytest.raises(InputError, match=r"logs.csv: has the columns unit, .* needs spread"):
        check_ice_table(table().drop(columns="spread"), source="logs.csv")
    with pytest.raises(InputError, match=r"ice table: has no rows"):
        check_ice_table(table()[:0])
