import numpy as np
import pandas as pd
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.ground.ice_logs import ice_from_water, ice_table
from cryoscale.ground.ice_tables import Datum, check_ice_table


def log(borehole, *pieces, unit=1, place=(99.05, 38.05)):
    rows = [{"depth_top": top, "depth_bottom": bottom, "ice_content": ice} for top, bottom, ice in pieces]
    return pd.DataFrame(rows).assign(borehole=borehole, unit=unit, longitude=place[0], latitude=place[1])


LOGS = pd.concat(
    [
        log("a", (0.0, 1.5, 0.9), (1.5, 2.0, 0.6), (2.0, 4.0, 0.2)),
        log("b", (1.0, 3.0, 0.3), (3.0, 3.4, 0.1)),
        log("c", (2.0, 5.0, 0.1), unit=2),
    ],
    ignore_index=True,
)
THICKNESS = pd.Series({"a": 1.0, "b": 1.0, "c": 2.0})


def test_means_over_what_is_below_the_permafrost_table():
    table = ice_table(LOGS, active_layer=THICKNESS, edges=(0, 1, 3)).set_index(["unit", "top"])
    upper = table.loc[(1, 0.0)]
    contents = [(0.5 * 0.9 + 0.5 * 0.6), 0.3]  # by the thickness of pieces: 1 to 2 m in both
    assert upper.ice_content == pytest.approx(np.mean(contents))
    assert upper.spread == pytest.approx(np.std(contents, ddof=1))
    assert upper.n == 2
    lower = table.loc[(1, 1.0)]
    assert lower.ice_content == pytest.approx(np.mean([0.2, (1.0 * 0.3 + 0.4 * 0.1) / 1.4]))  # 0.6 m of b are lost
    assert table.loc[(2, 0.0)].ice_content == pytest.approx(0.1)


def test_a_cell_of_one_borehole_takes_the_pooled_spread():
    table = ice_table(LOGS, active_layer=THICKNESS, edges=(0, 1, 3)).set_index(["unit", "top"])
    within = table.loc[1].spread
    assert table.loc[2].n.tolist() == [1, 1]
    np.testing.assert_allclose(table.loc[2].spread, np.sqrt((within**2).mean()))
    check_ice_table(table.reset_index())


def test_a_log_that_covers_too_little_does_not_count():
    cells = {"active_layer": THICKNESS, "edges": (0, 1, 3)}
    assert ice_table(LOGS, **cells, least_cover=0.7).n.tolist() == [2, 2, 1, 1]
    assert ice_table(LOGS, **cells, least_cover=0.75).n.tolist() == [2, 1, 1, 1]


def test_layers_from_the_surface_are_cut_by_the_table():
    table = ice_table(LOGS[LOGS.unit == 1], active_layer=THICKNESS, edges=(0, 2, 4), datum=Datum.SURFACE)
    assert table.top.tolist() == [0, 2]
    assert table.ice_content[0] == pytest.approx(np.mean([0.75, 0.3]))  # from 1 to 2 m, without the active layer
    assert table.ice_content[1] == pytest.approx(np.mean([0.2, (1.0 * 0.3 + 0.4 * 0.1) / 1.4]))


def test_thickness_from_a_map():
    geobox = GeoBox.from_bbox((99.0, 38.0, 99.2, 38.1), "EPSG:4326", resolution=0.1)
    thickness = xr.DataArray([[1.0, 2.0]], grid_coords(geobox), ("y", "x"), attrs={"units": "m"})
    places = {"a": (99.05, 38.05), "b": (99.09, 38.01), "c": (99.15, 38.05)}
    logs = LOGS.assign(
        **{name: LOGS.borehole.map(lambda b, i=i: places[b][i]) for i, name in enumerate(("longitude", "latitude"))}
    )
    pd.testing.assert_frame_equal(
        ice_table(logs, active_layer=thickness.chunk(x=1), edges=(0, 1, 3)),
        ice_table(LOGS, active_layer=THICKNESS, edges=(0, 1, 3)),
    )
    away = logs.assign(longitude=logs.longitude.where(logs.borehole != "b", 99.3))
    with pytest.raises(InputError, match=r"logs: 1 of 3 boreholes lie outside the grid \(1 x 2 pixels.*\): b. Correct"):
        ice_table(away, active_layer=thickness)
    with pytest.raises(InputError, match=r"active_layer: is nan at 1 of 3 boreholes \(c\), but must be in m"):
        ice_table(logs, active_layer=thickness.where(thickness < 2))
    with pytest.raises(InputError, match=r"logs: have no longitude and latitude"):
        ice_table(logs.drop(columns="latitude"), active_layer=thickness)
    with pytest.raises(InputError, match=r"is in 'cm', but active_layer_thickness must be in 'm'"):
        ice_table(logs, active_layer=thickness.assign_attrs(units="cm"))


@pytest.mark.parametrize(
    ("logs", "message"),
    [
        (LOGS.drop(columns="unit"), r"logs: have the columns .*; need unit"),
        (LOGS[:0], r"logs: have no rows"),
        (LOGS.assign(ice_content=30.0), r"borehole a must have an ice_content in m3 m-3, 0 to 1. Divide percent"),
        (LOGS.assign(depth_bottom=0.5), r"borehole a must have depths in m, 0 <= depth_top < depth_bottom"),
        (LOGS.assign(ice_content=np.nan), r"borehole a has an empty cell"),
        (pd.concat([LOGS, log("b", (2.5, 3.0, 0.1))]), r"borehole b has pieces of core that overlap"),
        (pd.concat([LOGS, log("b", (4.0, 5.0, 0.1), unit=2)]), r"borehole b lies in 2 units"),
        (pd.concat([LOGS, log("d", (0.0, 5.0, 0.1))]), r"active_layer: is nan at 1 of 4 boreholes \(d\)"),
        (LOGS[LOGS.borehole != "b"], r"no unit has two boreholes in a layer"),
    ],
)
def test_logs_that_cannot_be_used(logs, message):
    with pytest.raises(InputError, match=message):
        ice_table(logs, active_layer=THICKNESS, edges=(0, 1))


def test_options_that_cannot_be_used():
    with pytest.raises(InputError, match=r"no borehole covers enough of unit 1, 3 to 10 m; unit 2, 3 to 10 m"):
        ice_table(LOGS, active_layer=THICKNESS)
    for edges in ((0,), (1, 1), (-1, 2), (0, 2, 1)):
        with pytest.raises(InputError, match=r"edges: must be two or more depths in m from 0 that grow"):
            ice_table(LOGS, active_layer=THICKNESS, edges=edges)
    with pytest.raises(InputError, match=r"least_cover: must be above 0 to 1, not 0"):
        ice_table(LOGS, active_layer=THICKNESS, least_cover=0.0)


def test_ice_from_water():
    assert ice_from_water(917.0 / 12, 1200.0) == pytest.approx(1.0)
    np.testing.assert_allclose(ice_from_water(np.array([0.0, 91.7]), 500.0), [0.0, 0.5])
    with pytest.raises(InputError, match=r"dry_density: is 1.4, but must be in kg m-3, 50 to 2700. Multiply g cm-3"):
        ice_from_water(25.0, 1.4)
    with pytest.raises(InputError, match=r"water_content: is -1, but must be in %"):
        ice_from_water(-1.0, 1400.0)
    with pytest.raises(InputError, match=r"water_content: makes 1.31 m3 of ice in 1 m3 of ground"):
        ice_from_water(100.0, 1200.0)
