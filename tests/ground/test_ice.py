import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from cryoscale.errors import InputError
from cryoscale.ground.ice import ground_ice, ice_change, merge_after_mining
from cryoscale.ground.ice_tables import Datum
from cryoscale.variables import attributes

TABLE = pd.DataFrame(
    {
        "unit": [1, 1, 2],
        "top": [0.0, 2.0, 0.0],
        "bottom": [2.0, 14.0, 14.0],
        "ice_content": [0.5, 0.2, 0.05],
        "spread": 0.05,
        "n": 6,
    }
)


def grid(values, **attrs):
    values = np.asarray(values)
    coords = {"y": np.arange(values.shape[0]), "x": np.arange(values.shape[1])}
    return xr.DataArray(values, coords, ("y", "x"), attrs=attrs)


THICKNESS = grid([[0.0, 1.5, np.nan], [3.0, 2.0, 1.0]], units="m")
UNITS = grid([[1, 2, 1], [1, 0, 2]])


def test_layers_from_the_permafrost_table():
    ice = ground_ice(THICKNESS, UNITS, TABLE)
    assert ice.layer.values.tolist() == ["0-2 m", "0-14 m", "2-14 m"]
    full, poor = 2 * 0.5 + 8 * 0.2, 10 * 0.05
    np.testing.assert_allclose(ice.total_ground_ice_volume, [[full, poor, np.nan], [full, np.nan, poor]], rtol=1e-6)
    np.testing.assert_allclose(ice.ground_ice_volume.sum("layer", skipna=False), ice.total_ground_ice_volume, rtol=1e-6)
    assert ice.ground_ice_volume.sel(layer="0-2 m").values[0].tolist()[:2] == [1.0, 0.0]
    for name in ("ground_ice_volume", "total_ground_ice_volume"):
        assert ice[name].dtype == "float32"
        assert ice[name].attrs == attributes(name)


def test_layers_from_the_surface_are_cut_by_the_table():
    ice = ground_ice(THICKNESS, UNITS, TABLE, datum=Datum.SURFACE).total_ground_ice_volume
    expected = [[2 * 0.5 + 8 * 0.2, 10 * 0.05, np.nan], [10 * 0.2, np.nan, 10 * 0.05]]
    np.testing.assert_allclose(ice, expected, rtol=1e-6)


@given(
    edges=st.lists(st.integers(1, 30), min_size=1, max_size=5, unique=True).map(lambda e: [0, *sorted(e), 40]),
    contents=st.lists(st.floats(0, 1), min_size=6, max_size=6),
    thickness=st.floats(0, 20),
    depth=st.floats(0, 19),
    datum=st.sampled_from(Datum),
)
def test_volume_is_the_integral_over_depth(edges, contents, thickness, depth, datum):
    """Against a sum over slices of a centimetre."""
    n = len(edges) - 1
    table = pd.DataFrame({"unit": 7, "top": edges[:-1], "bottom": edges[1:], "ice_content": contents[:n]})
    ice = ground_ice(grid([[thickness]]), grid([[7]]), table.assign(spread=0, n=1), depth=depth, datum=datum)
    start = thickness if datum is Datum.SURFACE else 0.0
    slices = start + (np.arange(2000) + 0.5) * depth / 2000
    profile = np.array(contents)[np.searchsorted(edges, slices) - 1]
    assert float(ice.total_ground_ice_volume[0, 0]) == pytest.approx(profile.mean() * depth, abs=0.03)
    assert float(ice.ground_ice_volume.sum()) == pytest.approx(float(ice.total_ground_ice_volume[0, 0]), abs=1e-5)


def test_no_permafrost_no_ice_even_without_data():
    permafrost = grid([[True, True, False], [True, False, False]])
    ice = ground_ice(THICKNESS, UNITS, TABLE, permafrost=permafrost).total_ground_ice_volume
    np.testing.assert_allclose(ice, [[2.6, 0.5, 0], [2.6, 0, 0]], rtol=1e-6)


def test_depth_as_a_map_is_what_is_left_of_the_slab():
    """The table sinks from 1 m to 4 m: of the slab from 1 to 11 m, 4 to 11 m stay frozen."""
    before, after = grid([[1.0]]), grid([[4.0]])
    one = {"units": grid([[1]]), "table": TABLE, "datum": Datum.SURFACE}
    left = ground_ice(after, **one, depth=10 + before - after)
    lost = ice_change(ground_ice(before, **one), left).total_ground_ice_volume_change
    assert float(lost[0, 0]) == pytest.approx(-(1 * 0.5 + 2 * 0.2), rel=1e-6)


def test_lazy_equals_eager(assert_lazy):
    rng = np.random.default_rng(0)
    thickness, units = grid(rng.uniform(0, 3, (20, 30))), grid(rng.integers(0, 3, (20, 30)).astype("uint8"))
    permafrost, dug = (grid(rng.random((20, 30)) < share) for share in (0.8, 0.2))
    other = TABLE.assign(layer=["spoil", "rest", "rest"])

    def results(chunked):
        one, two, three, four = (chunked(array) for array in (thickness, units, permafrost, dug))
        before = ground_ice(one, two, TABLE, permafrost=three, datum=Datum.SURFACE)
        after = merge_after_mining(before, ground_ice(one + 1, two, other, datum=Datum.SURFACE), disturbed=four)
        return before, after, ice_change(before, after)

    eager = results(lambda array: array)
    for chunks in ({"y": 7, "x": 11}, {"y": 20, "x": 1}):
        with assert_lazy():
            lazy = results(lambda array, chunks=chunks: array.chunk(chunks))
        for one, other_one in zip(lazy, eager, strict=True):
            assert all(array.chunks for array in one.data_vars.values())
            xr.testing.assert_identical(one.compute(), other_one)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"active_layer_thickness": THICKNESS - 0.5},
            r"active_layer_thickness: is -0.5 in 1 pixels, but must be in m, 0",
        ),
        ({"active_layer_thickness": THICKNESS * 100}, r"is 150 in 3 pixels, but must be in m, 0 to 20"),
        (
            {"units": UNITS + 5},
            r"units: 5 \(1 pixels\), 6 \(2 pixels\), 7 \(2 pixels\) have no entry in the ice table, which has 1, 2",
        ),
        ({"units": UNITS + 0.5}, r"units: 0.5 \(1 pixels\), 1.5 \(2 pixels\), 2.5"),
        ({"depth": -1.0}, r"depth: is -1 in 4 pixels, but must be in m, 0 or more"),
        ({"depth": 15.0}, r"unit 1 has layers from 0 to 14 m, but 4 pixels need them from 0 to 15 m below the datum"),
        ({"datum": Datum.SURFACE, "depth": 12.0}, r"unit 1 .* but 1 pixels need them from 3 to 15 m"),
        ({"table": TABLE.assign(top=[0.5, 2.0, 0.0])}, r"unit 1 has layers from 0.5 to 14 m, but 2 pixels need"),
        ({"active_layer_thickness": THICKNESS.assign_attrs(units="cm")}, r"is in 'cm', but .* must be in 'm'"),
        ({"depth": THICKNESS.assign_attrs(units="cm")}, r"depth: is in 'cm', but must be in 'm'"),
        ({"permafrost": UNITS}, r"permafrost: is int64, but permafrost must be boolean"),
        ({"units": UNITS[:1]}, r"lies on another grid"),
        ({"active_layer_thickness": THICKNESS.expand_dims(year=[2000])}, r"has the dims .*year.* Select a year"),
    ],
)
def test_bad_input(changes, message):
    inputs = {"active_layer_thickness": THICKNESS, "units": UNITS, "table": TABLE} | changes
    with pytest.raises(InputError, match=message):
        ground_ice(**inputs)


def test_bad_values_in_lazy_input_are_found_while_computing():
    ice = ground_ice(THICKNESS.chunk(x=1), (UNITS * 3).chunk(x=1), TABLE)
    with pytest.raises(InputError, match=r"units: 3 \(2 pixels\) have no entry in the ice table"):
        ice.isel(x=0).compute()


def test_merging_maps_after_mining():
    after, dug = THICKNESS + 10, grid([[True, False, False], [False, True, False]])
    merged = merge_after_mining(THICKNESS, after.where(after < 12), disturbed=dug)
    np.testing.assert_array_equal(merged, [[10.0, 1.5, np.nan], [3.0, np.nan, 1.0]])
    assert merged.attrs == {"units": "m"}
    assert merge_after_mining(UNITS, UNITS, disturbed=dug).dtype == UNITS.dtype


def test_merging_ice_of_tables_with_different_layers():
    """A waste dump has layers of its own; sums by layer stay those of the total."""
    heap = pd.DataFrame({"unit": [9], "layer": "waste", "top": 0.0, "bottom": 10.0, "ice_content": 0.02})
    before = ground_ice(THICKNESS, UNITS, TABLE)
    after = ground_ice(grid(np.ones((2, 3))), grid(np.full((2, 3), 9)), heap.assign(spread=0.01, n=3))
    dumped = grid([[True, False, True], [False, False, False]])
    merged = merge_after_mining(before, after, disturbed=dumped)
    assert merged.layer.values.tolist() == [*before.layer.values, "waste"]
    np.testing.assert_allclose(merged.total_ground_ice_volume, [[0.2, 0.5, 0.2], [2.6, np.nan, 0.5]], rtol=1e-6)
    summed = merged.ground_ice_volume.sum("layer", skipna=False)
    np.testing.assert_allclose(summed, merged.total_ground_ice_volume, rtol=1e-6)
    change = ice_change(before, merged)
    np.testing.assert_allclose(change.total_ground_ice_volume_change, [[-2.4, 0, np.nan], [0, np.nan, 0]], atol=1e-6)
    np.testing.assert_allclose(change.ground_ice_volume_change.sel(layer="waste")[0, :2], [0.2, 0.0], rtol=1e-6)
    assert change.total_ground_ice_volume_change.attrs == attributes("total_ground_ice_volume_change")


def test_maps_that_cannot_be_merged_or_compared():
    ice, dug = ground_ice(THICKNESS, UNITS, TABLE), grid(np.zeros((2, 3), bool))
    with pytest.raises(InputError, match=r"disturbed: is int64, but disturbed must be boolean"):
        merge_after_mining(THICKNESS, THICKNESS, disturbed=dug.astype(int))
    with pytest.raises(InputError, match=r"before, after: do not lie on one grid"):
        merge_after_mining(THICKNESS, THICKNESS.assign_coords(x=[5, 6, 7]), disturbed=dug)
    with pytest.raises(
        InputError, match=r"after: has total_ground_ice_volume, but before has ground_ice_volume, total"
    ):
        merge_after_mining(ice, ice[["total_ground_ice_volume"]], disturbed=dug)
    with pytest.raises(InputError, match=r"maps by layer must have the same layers"):
        merge_after_mining(ice.ground_ice_volume, ice.ground_ice_volume[:1], disturbed=dug)
    with pytest.raises(InputError, match=r"after: has no ground_ice_volume. Give a result of ground_ice"):
        ice_change(ice, ice[["total_ground_ice_volume"]])
