"""Figures and tables of any store: what they say is what was put in."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.colors import to_hex
from matplotlib.dates import num2date

from cryoscale import thermal
from cryoscale.grids import geobox_of, pixel_areas
from cryoscale.report import figure_png
from cryoscale.report.store import (
    WHOLE,
    Sample,
    has_classes,
    short_number,
    store_section,
    valid_values,
    variables_table,
)
from cryoscale.report.store_curves import curve_plot, curve_sections, section_figures
from cryoscale.report.store_maps import (
    Layers,
    band_plot,
    class_areas,
    class_shares_plot,
    layer_summary,
    layers_section,
    map_section,
    name_classes,
)

FLAGS = {"flag_values": [0, 1, 2], "flag_meanings": "no_data permafrost seasonally_frozen_ground"}
YEARS = [2001, 2002, 2003, 2004]


@pytest.fixture
def series(make_map):
    """Four years of a map that grows by 1 each."""
    first = make_map(np.arange(600.0).reshape(20, 30), name="ttop")
    return xr.concat([first + year for year in range(4)], pd.Index(YEARS, name="year")).assign_attrs(first.attrs)


@pytest.fixture
def classes(make_map):
    """Four years of classes; the second spreads from the south."""
    row = np.mgrid[:20, :30][0]
    maps = [make_map(np.where(row < 2, 0, np.where(row < 18 - 4 * i, 1, 2)), name="ground_class") for i in range(4)]
    return xr.concat(maps, pd.Index(YEARS, name="year")).assign_attrs(FLAGS)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.0, "0"), (1e-9, "1e-09"), (-1234567.0, "−1,235,000"), (9999.6, "10,000"), (np.inf, "–")],
)
def test_numbers_have_four_digits(value, text):
    assert short_number(value) == text


def test_no_data_is_no_value():
    classes = xr.DataArray([0, 1, 2, 2], dims="x", attrs=FLAGS)
    np.testing.assert_array_equal(valid_values(classes), [1, 2, 2])
    np.testing.assert_array_equal(valid_values(xr.DataArray([np.nan, 0.0, np.inf])), [0.0])


def test_variables_without_values_have_dashes():
    nothing = xr.DataArray(np.full((2, 2), np.nan), dims=("y", "x"), name="magt")
    words = xr.DataArray(np.array(["a"], np.dtypes.StringDType()), dims="gauge", name="reason")
    rows = variables_table({"magt": Sample(nothing)}, [words]).rows
    assert rows[0] == ("magt", "Magt", "–", "y, x", "float64", "0.0", "–", "–", "–", WHOLE)
    assert rows[1] == ("reason", "Reason", "–", "gauge", "text", "–", "–", "–", "–", "–")


def test_what_is_wrong_stands_first():
    table = variables_table({})
    fault = "ttop.attributes: 'units' is a required property"
    section = store_section({"Store": "a.zarr"}, faults=[fault], missing=(0, 4), variables=table)
    assert section.tables[0].rows == [("ttop.attributes", "'units' is a required property")]
    assert section.tables[1].rows == [("Store", "a.zarr")]
    sound = store_section({"Store": "a.zarr"}, faults=[], missing=(0, 4), variables=table)
    assert [table.title for table in sound.tables] == ["", "Variables"]


def test_layer_summary_is_of_each_map(series):
    series = series.where(series.year != 2003)
    summary = layer_summary(series)
    np.testing.assert_allclose(summary["mean"], [299.5, 300.5, np.nan, 302.5])
    np.testing.assert_allclose(summary.lower[0], np.percentile(np.arange(600), 5))
    np.testing.assert_allclose(summary.upper[1], np.percentile(np.arange(600), 95) + 1)
    np.testing.assert_array_equal(summary.valid, [1, 1, 0, 1])


def test_the_band_is_drawn_at_its_dates(series):
    dates = pd.date_range("2010-01-01", periods=4, freq="YS")
    summary = layer_summary(series.rename(year="time").assign_coords(time=dates))
    axes = band_plot(summary)
    x, y = axes.lines[0].get_data()
    np.testing.assert_array_equal(x, dates.values)
    np.testing.assert_allclose(y, [299.5, 300.5, 301.5, 302.5])
    assert axes.get_ylabel() == "Temperature at the top of permafrost\n(°C)"
    figure_png(axes)
    assert num2date(axes.get_xlim()[0]).year in {2009, 2010}


def test_areas_are_those_of_the_thermal_domain(classes):
    one = classes[0]
    table, peer = class_areas(one), thermal.class_areas(one, pixel_areas(geobox_of(one)))
    pd.testing.assert_frame_equal(table, peer, check_dtype=False)


def test_shares_of_classes_follow_the_years(classes):
    axes = class_shares_plot(classes)
    lines = {line.get_label(): line.get_ydata() for line in axes.lines}
    rows = np.array([16, 12, 8, 4]) / 18
    np.testing.assert_allclose(lines["Permafrost"], 100 * rows, atol=0.1)
    np.testing.assert_allclose(lines["Seasonally frozen ground"], 100 * (1 - rows), atol=0.1)
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), YEARS)


def test_a_year_without_any_class_has_no_shares(classes):
    axes = class_shares_plot(classes.where(classes.year != 2002, 0).astype("uint8").assign_attrs(FLAGS))
    assert np.isnan(axes.lines[0].get_ydata()[1])


def test_bare_codes_and_masks_get_names():
    codes = xr.DataArray(np.array([[7, 3]], "uint8"), dims=("y", "x"), name="land_cover")
    assert has_classes(codes)
    assert name_classes(codes).attrs["flag_meanings"] == "code_3 code_7"
    mask = name_classes(xr.DataArray([[True, False]], dims=("y", "x"), name="lake"))
    assert (mask.dtype, mask.attrs["flag_meanings"]) == (np.uint8, "no yes")
    assert not has_classes(xr.DataArray(np.array([1], "uint8"), name="n_overpasses"))


def test_a_map_comes_with_its_distribution_or_its_areas(make_map, classes):
    quantity = map_section(Sample(make_map(np.eye(20)), "one pixel in 2 x 2", "Hint."))
    assert len(quantity.figures) == 2
    assert quantity.text == "Figures and numbers are of a sample: one pixel in 2 x 2. Hint."
    empty = map_section(Sample(make_map(np.full((20, 20), np.nan))))
    assert len(empty.figures) == 1
    ground = map_section(Sample(classes[0]))
    assert [row[0] for row in ground.tables[0].rows] == ["Permafrost", "Seasonally frozen ground"]


def test_layers_through_time_are_drawn_as_a_line_and_others_listed(series):
    labels = [str(year) for year in YEARS]
    yearly = layers_section(Layers({"2001": series[0], "2004": series[3]}, Sample(series), labels))
    assert (len(yearly.figures), len(yearly.tables)) == (2, 0)
    assert yearly.text == "2 of 4 maps are shown; lines are of all."
    layered = series.rename(year="layer").assign_coords(layer=["a", "b", "c", "d"])
    maps = {name: layered.sel(layer=name) for name in "abcd"}
    section = layers_section(Layers(maps, Sample(layered), list("abcd")))
    assert len(section.figures) == 1
    assert section.tables[0].rows[1] == ("b", "100.0", "300.5", "30.95", "570")
    assert section.text == ""


def test_classes_through_time_are_listed_by_map(classes):
    section = layers_section(Layers({"2001": classes[0]}, Sample(classes), [str(year) for year in YEARS]))
    assert len(section.figures) == 2
    assert [row[0] for row in section.tables[0].rows] == ["Permafrost", "Seasonally frozen ground"]


@pytest.fixture
def flow():
    values = np.array([[1.0, 2.0, np.nan], [4.0, 5.0, 6.0]])
    attrs = {"units": "d", "long_name": "recession time"}
    coords = {"gauge": ["upper", "lower"], "year": [1990, 1991, 1992]}
    return xr.DataArray(values, coords, ("gauge", "year"), "recession_time", attrs)


def test_lines_are_of_the_other_dims(flow):
    axes = curve_plot(flow, [flow - 1, flow + 1])
    assert [line.get_label() for line in axes.lines] == ["upper", "lower"]
    np.testing.assert_array_equal(axes.lines[1].get_data(), ([1990, 1991, 1992], [4, 5, 6]))
    bounds = axes.collections[1].get_paths()[0].vertices[:, 1]
    assert (bounds.min(), bounds.max()) == (3.0, 7.0)
    assert axes.get_ylabel() == "Recession time (d)"
    assert to_hex(axes.lines[0].get_color()) != to_hex(axes.lines[1].get_color())


def test_many_lines_become_a_band(flow):
    many = xr.concat([flow[1] + i for i in range(21)], pd.Index([f"g{i}" for i in range(21)], name="gauge"))
    axes = curve_plot(many)
    assert [line.get_label() for line in axes.lines] == ["mean"]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [14, 15, 16])
    vertices = axes.collections[0].get_paths()[0].vertices
    assert vertices[:, 1].min() == pytest.approx(5.0)  # 4 + 5 % of 20
    assert vertices[:, 1].max() == pytest.approx(25.0)


def test_names_stand_beside_their_dots():
    scores = xr.DataArray([0.5, 0.7], {"submodel": ["day", "night"]}, ("submodel",), "r2", {"long_name": "R2"})
    axes = curve_plot(scores)
    axes.figure.draw_without_rendering()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["day", "night"]
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [0.5, 0.7])
    assert axes.get_xlabel() == "R2"
    assert axes.get_legend() is None


def test_bounds_join_their_quantity_and_values_are_tabled(flow):
    samples = [Sample(flow), Sample((flow - 1).rename("recession_time_lower"))]
    samples.append(Sample((flow + 1).rename("recession_time_upper")))
    (section,) = curve_sections(samples)
    assert section.tables[0].header == ("Year", "upper", "lower")
    assert section.tables[0].rows[1] == ("1991", "2 (1 to 3)", "5 (4 to 6)")
    assert section.tables[0].rows[2] == ("1992", "–", "6 (5 to 7)")
    assert len(curve_sections(samples[:2])) == 2  # a lower bound alone is a quantity of its own


def test_a_quantity_without_values_has_no_figure(flow):
    (section,) = curve_sections([Sample(flow * np.nan)])
    assert (section.text, section.figures) == ("It has no values.", ())


def test_states_are_counted(flow):
    attrs = {"flag_values": [0, 1, 5], "flag_meanings": "none good unusable"}
    states = xr.DataArray(np.array([[0, 1, 1], [1, 1, 0]], "uint8"), flow.coords, flow.dims, "state", attrs)
    (section,) = curve_sections([Sample(states)])
    rows = [("No variogram", "2", "33.3"), ("Good", "4", "66.7"), ("Unusable", "0", "0.0")]
    assert section.tables[0].rows == rows


def test_pairs_are_drawn_as_a_network(coverage):
    (section,) = curve_sections([Sample(coverage.compute())])
    assert "an arc is a pair" in section.figures[0].caption


def test_a_section_is_drawn_at_three_times():
    cold = np.linspace(-2, 1, 3 * 2 * 4).reshape(3, 2, 4)
    lines = {"permafrost_table_depth": [[1.0] * 4, [1.2] * 4], "section_surface": [[0.0] * 4] * 2}
    variables = {name: (("year", "x"), values) for name, values in lines.items()}
    variables |= {name: ("year", [0.0, 1.0]) for name in ("thaw_bulb_area", "heap_area", "heap_frozen_area")}
    variables["section_temperature"] = (("time", "z", "x"), cold, {"units": "degC", "long_name": "temperature"})
    edges = np.arange(5) * 10.0
    bounds = {"x_bounds": (("x", "edge"), np.stack([edges[:-1], edges[1:]], axis=1))}
    bounds["z_bounds"] = (("z", "edge"), [[0, -5], [-5, -10]])
    coords = {"time": [0.0, 1.0, 2.0], "year": [1, 2], "z": [-2.5, -7.5], "x": edges[:-1] + 5, **bounds}
    section = section_figures(xr.Dataset(variables, coords))
    assert len(section.figures) == 2
