"""A mining district as figures and sections of the report."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from affine import Affine

from cryoscale.report import write_report
from cryoscale.report.ground_ice import ground_ice_section, ice_change_section, ice_plot, loss_plot
from cryoscale.report.mine_scenario import cut_section, history_plot, scenario_section
from cryoscale.report.mining import area_plot, importance_plot, temperature_section, vegetation_section
from cryoscale.stats.confusion import confusion
from cryoscale.variables import attributes

SHAPE = (24, 30)
YEARS = np.arange(2001, 2011)


@pytest.fixture
def grid(make_map):
    def make(values, name):
        return make_map(values, name=name, crs="EPSG:32647", affine=Affine(30, 0, 5e5, 0, -30, 4.2e6))

    return make


@pytest.fixture
def areas():
    columns = {"n": [20, 30], "mapped_area": [2.0, 3.0], "area": [2.2, 2.8], "area_lower": [1.9, 2.5]}
    columns |= {"area_upper": [2.5, 3.1], "users_accuracy": [0.9, 0.95], "producers_accuracy": [0.92, 0.93]}
    return pd.DataFrame(columns, index=["bog", "meadow"])


@pytest.fixture
def ice():
    cells = pd.DataFrame({"unit": [1, 1, 2], "name": ["bog", "bog", "till"], "layer": ["0-1 m", "1-10 m", "1-10 m"]})
    ice_km3 = np.array([0.002, 0.004, 0.001])
    cells = cells.assign(
        ice_content=0.3, standard_error=0.02, area_km2=1.0, ground_km3=0.01, ice_km3=ice_km3, water_km3=0.9 * ice_km3
    )
    cells = cells.assign(ice_low_km3=0.9 * ice_km3, ice_high_km3=1.2 * ice_km3)
    sums = ["area_km2", "ground_km3", "ice_km3", "water_km3", "ice_low_km3", "ice_high_km3"]
    units = cells.groupby(["unit", "name"], as_index=False)[sums].sum()
    return cells, units, cells.groupby("layer", as_index=False)[sums].sum()


@pytest.fixture
def works():
    rows = {"name": ["P", "H"], "kind": ["pit", "heap"], "size": [50.0, 20.0], "start": 2003.0, "end": 2005.0}
    return pd.DataFrame(rows | {"backfilled": [2008.0, np.nan], "lake": [True, False]})


@pytest.fixture
def history():
    shape = (YEARS.size, 2)
    rise = np.linspace(-1, 2, YEARS.size)[:, np.newaxis] * np.ones(shape)
    share = np.linspace(1, 0, YEARS.size)[:, np.newaxis] * np.ones(shape)
    parts = {"temperature_10m": rise, "permafrost_share": share, "permafrost_table_depth": 2 + rise}
    parts["active_layer_thickness"] = np.where(rise > 0, np.nan, 1.0)
    return xr.Dataset({k: (("year", "work"), v) for k, v in parts.items()}, {"year": YEARS, "work": ["P", "H"]})


def written(tmp_path, *sections):
    return write_report(tmp_path / "report.html", "Mine", sections=sections).read_text(encoding="utf-8")


def test_vegetation_is_drawn_with_its_areas_and_its_skill(grid, areas, tmp_path):
    flags = {"flag_values": [0, 1, 2], "flag_meanings": "no_data bog meadow"}
    codes = np.where(np.arange(30) < 12, 1, 2) * np.ones((24, 1), int)
    classes = grid(codes.astype(np.uint8), "vegetation_class").assign_attrs(flags)
    shares = xr.concat([classes * 0 + 0.4, classes * 0 + 0.6], "vegetation").assign_coords(vegetation=["bog", "meadow"])
    layers = xr.Dataset({"vegetation_class": classes, "vegetation_probability": shares})
    found = confusion(np.array([1, 1, 2, 2]), np.array([1, 2, 2, 2]), classes={1: "bog", 2: "meadow"})
    importance = pd.DataFrame({"accuracy_loss": [0.2, 0.01], "accuracy_loss_sd": 0.01}, index=["ndvi", "slope"])
    section = vegetation_section(
        layers,
        confusions={"random": found, "blocked": found},
        importance=importance,
        areas=areas,
        level=0.95,
        left_out=pd.DataFrame({"label": ["V9"], "reason": ["no nir"]}),
    )
    page = written(tmp_path, section)
    assert "V9" in page
    assert "no nir" in page
    assert "95 % interval from" in page
    assert len(section.figures) == 5
    axes = importance_plot(importance)
    assert [text.get_text() for text in axes.get_yticklabels()] == ["slope", "ndvi"]
    drawn = area_plot(areas, level=0.9)
    assert sorted(bar.get_width() for bar in drawn.patches) == [2.0, 3.0]
    assert "90 %" in drawn.get_legend().texts[1].get_text()


def test_ground_temperature_is_drawn_with_its_regression(grid, tmp_path):
    magt = grid(np.linspace(-2, 1, 720).reshape(SHAPE).astype("float32"), "magt")
    layers = xr.Dataset({"magt": magt, "magt_error": grid(np.full(SHAPE, 0.2, "float32"), "magt_error")})
    holes = pd.DataFrame({"borehole": ["a", "b", "c"], "magt": [-1.0, 0.0, 0.5], "x": 5.001e5, "y": 4.1999e6})
    table = {"coefficient": [1.0, -0.005], "error": 0.1, "t": 3.0, "p": 0.01, "vif": [np.nan, 1.5]}
    index = pd.MultiIndex.from_tuples([("regression", "leave_one_out")], names=["method", "validation"])
    scores = {"n": 3, "rmse": 0.16, "bias": 0.01, "mae": 0.1, "r2": 0.9, "mean_error": 0.2, "within_95": 1.0}
    section = temperature_section(
        layers,
        boreholes=holes,
        left_out=holes["magt"] + 0.1,
        coefficients=pd.DataFrame(table, index=["intercept", "elevation"]),
        comparison=pd.DataFrame([scores], index=index),
        facts={"R²": "0.9"},
    )
    page = written(tmp_path, section)
    assert "leave one out" in page
    assert "0.160" in page
    assert section.tables[0].rows[1][0] == "elevation"


def test_ice_is_stacked_by_layer_and_summed(grid, ice, tmp_path):
    cells, units, layers = ice
    axes = ice_plot(cells, units)
    assert sum(bar.get_height() for bar in axes.patches) == pytest.approx(7.0)
    maps = xr.Dataset({"total_ground_ice_volume": grid(np.full(SHAPE, 3.0, "float32"), "total_ground_ice_volume")})
    maps["ground_unit"] = grid(np.ones(SHAPE, np.uint8), "ground_unit")
    options = {"cells": cells, "units": units, "by_layer": layers, "confidence": 0.9}
    total = units.sum(numeric_only=True)
    section = ground_ice_section(maps, total=total, unknown_area_km2=0.25, **options)
    assert section.text.startswith("7.00 million m³ of ice (90 % interval 6.30 to 8.40)")
    assert "0.25 km² of permafrost have no unit" in section.text
    named = maps.assign(ground_unit=maps.ground_unit.assign_attrs(flag_values=[1], flag_meanings="bog"))
    more = ground_ice_section(named, total=total, unknown_area_km2=0.0, **options)
    assert len(more.figures) == len(section.figures) + 1
    assert "no unit" not in written(tmp_path, more)


@pytest.mark.parametrize(("own", "words"), [(True, "the mine&#39;s own boreholes"), (False, "what is left of that")])
def test_the_change_of_ice_says_what_it_is_of(grid, tmp_path, own, words):
    names = ("total_ground_ice_volume", "total_ground_ice_volume_change")
    maps = xr.Dataset({name: grid(np.linspace(-2, 0, 720).reshape(SHAPE).astype("float32"), name) for name in names})
    table = pd.DataFrame({"name": ["P", "H"], "kind": ["pit", "heap"], "area_km2": 0.1, "before_km3": [0.002, 0.001]})
    table = table.assign(lost_km3=[0.002, 0.0], after_km3=[0.0, 0.001], change_km3=[-0.002, 0.0])
    lost = pd.Series({"ice_km3": 0.002, "ice_low_km3": 0.0018, "ice_high_km3": 0.0022})
    window = {"y": slice(2, 20), "x": slice(0, 30)}
    section = ice_change_section(maps, by_work=table, lost=lost, confidence=0.9, own_table=own, window=window)
    assert section.tables[0].rows[-1] == ("All", "", "0.2000", "3.0000", "2.0000", "1.0000", "-2.0000")
    assert words in written(tmp_path, section)
    assert sorted(bar.get_height() for bar in loss_plot(table).patches) == [0.0, 1.0, 1.0, 2.0]


def test_histories_show_begin_end_and_backfill(history, works):
    axes = history_plot(history, works)
    panels = [one for one in axes.get_figure().axes if one.get_title(loc="left")]
    assert [one.get_title(loc="left") for one in panels] == ["P: pit, lake", "H: heap"]
    styles = [line.get_linestyle() for line in panels[0].get_lines() if len(set(line.get_xdata())) == 1]
    assert styles.count("-") == 2
    assert styles.count(":") == 1


def test_scenarios_are_drawn_by_year(grid, history, works, tmp_path):
    work = np.zeros(SHAPE, np.uint8)
    work[5:10, 5:10], work[5:10, 15:20] = 1, 2
    years = [2001, 2010]
    flags = {"flag_values": [0, 1, 2], "flag_meanings": "none P H"}
    layers = xr.Dataset({"mine_work": grid(work, "mine_work").assign_attrs(flags)})
    for name in ("permafrost_table_depth", "temperature_10m", "surface_change", "ground_thermal_state"):
        dtype = np.uint8 if name == "ground_thermal_state" else np.float32
        maps = [grid(np.full(SHAPE, n + 1, dtype), name) for n in range(2)]
        layers[name] = xr.concat(maps, "year").assign_attrs(attributes(name))
    layers = layers.assign_coords(year=years)
    window = {"y": slice(0, 20), "x": slice(0, 28)}
    section = scenario_section(layers, history=history, works=works, window=window, notes=["It rests on this."])
    page = written(tmp_path, section)
    assert "It rests on this." in page
    assert [row[:2] for row in section.tables[1].rows] == [("P", "2001"), ("P", "2010"), ("H", "2001"), ("H", "2010")]
    assert section.tables[1].rows[1][3] == "–"  # no active layer over a talik


def test_sections_are_drawn_as_yearly_means(tmp_path):
    x, z = np.linspace(-95, 95, 20), np.linspace(-1, -59, 30)
    cold = np.broadcast_to(-1.0 + 0.05 * (z[:, np.newaxis] + 30) / 30, (10, 30, 20))
    lines = {name: (("year", "x"), np.ones((10, 20))) for name in ("permafrost_table_depth", "section_surface")}
    sums = {name: ("year", np.arange(10.0)) for name in ("thaw_bulb_area", "heap_area", "heap_frozen_area")}
    edges = {
        "x_bounds": (("x", "edge"), np.stack([x - 5, x + 5], 1)),
        "z_bounds": (("z", "edge"), np.stack([z + 1, z - 1], 1)),
    }
    mean = {"section_temperature_mean": (("year", "z", "x"), cold, attributes("section_temperature_mean"))}
    run = xr.Dataset(mean | lines | sums, {"year": YEARS, "x": x, "z": z, **edges})
    facts = {"work": "P2", "first_year": 2001, "size": 50.0, "width": 100.0, "unit": "slope_wash", "magt": -1.0}
    section = cut_section({"pit": run.assign_attrs(facts | {"start": 2003.0, "end": 2006.0})})
    assert section.tables[0].rows == [("P2", "pit", "50", "100", "slope wash", "-1.00", "9", "9")]
    assert len(section.figures) == 2
    assert "at times" not in written(tmp_path, section)
