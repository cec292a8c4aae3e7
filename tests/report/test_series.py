"""Time: arcs for pairs, shades for gaps, and the model's line through the points."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.dates import date2num, num2date
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cryoscale.report import figure_png, fitted_model, network_gaps, network_plot, time_series_plot
from cryoscale.report.series import LEAST_SPAN
from cryoscale.variables import attributes

DATES = pd.DatetimeIndex(["2019-05-01", "2019-05-13", "2019-05-25", "2020-05-07", "2020-05-19"])


@pytest.fixture
def quality():
    pairs = [(0, 1), (1, 2), (0, 2), (3, 4)]
    first, second = (DATES[[pair[end] for pair in pairs]] for end in (0, 1))
    coords = {"reference": ("pair", first), "secondary": ("pair", second)}
    return xr.DataArray([0.9, 0.8, 0.7, 0.2], dims="pair", coords=coords, attrs=attributes("coverage"), name="coverage")


@pytest.fixture
def pixel():
    scalars = {"offset": 1.0, "velocity": -8.0, "sine": 3.0, "cosine": 4.0}
    series = np.array([0.0, -30.0, -10.0, 40.0, 5.0])
    values = {name: ((), value, attributes(name)) for name, value in scalars.items()}
    return xr.Dataset({"displacement": ("time", series, attributes("displacement")), **values}, {"time": DATES})


def shaded(axes):
    ends = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches]
    return [tuple(num2date(end).date().isoformat() for end in pair) for pair in ends]


def test_a_gap_is_where_no_pair_reaches_across(quality):
    gaps = network_gaps(quality.reference.values, quality.secondary.values)
    assert gaps == [(np.datetime64("2019-05-25"), np.datetime64("2020-05-07"))]


def test_a_long_pair_closes_the_gaps_under_it():
    first = DATES[[0, 3, 2]].values
    second = DATES[[1, 4, 3]].values
    assert network_gaps(first, second) == [(DATES[1], DATES[2])]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), min_size=1, max_size=20))
def test_without_overlap_between_islands_gaps_are_one_fewer_than_pieces(pairs):
    """Every gap parts the network; pieces that interleave in time have no gap between them."""
    pairs = [(a, b) for a, b in pairs if a != b] or [(0, 1)]
    days = np.datetime64("2020-01-01", "D") + np.array(pairs)
    gaps = network_gaps(days[:, 0], days[:, 1])
    graph = coo_array((np.ones(len(pairs)), tuple(np.array(pairs).T)), shape=(16, 16))
    pieces = connected_components(graph, directed=False)[0] - (16 - len({e for pair in pairs for e in pair}))
    assert len(gaps) <= pieces - 1
    for start, end in gaps:
        assert not ((days.min(1) < end) & (days.max(1) > start)).any()


def test_every_pair_is_an_arc_as_high_as_it_is_long(quality):
    axes = network_plot(quality, title="Network")
    arcs = axes.collections[0]
    segments = arcs.get_segments()
    assert len(segments) == 4
    for segment, reference, secondary in zip(segments, quality.reference.values, quality.secondary.values, strict=True):
        np.testing.assert_allclose(segment[[0, -1], 0], date2num([reference, secondary]))
        np.testing.assert_allclose(segment[[0, -1], 1], 0, atol=1e-9)
        assert segment[:, 1].max() == pytest.approx((secondary - reference) / np.timedelta64(1, "D"))
    np.testing.assert_array_equal(arcs.get_array(), quality.values)


def test_the_network_names_its_axes_and_shades_its_gap(quality):
    axes = network_plot(quality)
    assert axes.get_ylabel() == "Time between acquisitions (d)"
    assert axes.collections[0].colorbar.ax.get_ylabel() == "Share of pixels with data"
    assert shaded(axes) == [("2019-05-25", "2020-05-07")]
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), DATES.values)
    assert figure_png(axes)


def test_points_are_the_series_and_the_line_is_the_model(pixel):
    axes = time_series_plot(pixel, gaps=[(DATES.values[2], DATES.values[3])], title="A")
    line, points = axes.lines
    np.testing.assert_array_equal(points.get_ydata(), pixel.displacement.values)
    np.testing.assert_array_equal(points.get_xdata(), DATES.values)
    np.testing.assert_allclose(line.get_ydata(), fitted_model(pixel, line.get_xdata()))
    assert line.get_xdata()[0] == DATES.values[0]
    assert shaded(axes) == [("2019-05-25", "2020-05-07")]
    assert axes.get_ylabel() == "Displacement (mm)"
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["gap in the network", "model: −8.0 mm a⁻¹, season ±5.0 mm", "displacement"]


def test_the_model_is_the_papers_equation(pixel):
    times = np.array(["2019-05-01", "2019-07-31T07:30", "2020-04-30T06:00"], "datetime64[m]")
    years = np.array([0, 0.25, 1.0])
    angle = 2 * np.pi * years
    expected = 1 - 8 * years + 3 * np.sin(angle) + 4 * np.cos(angle)
    np.testing.assert_allclose(fitted_model(pixel, times), expected, rtol=1e-6)
    halved = 1 - 8 * years + 3 * np.sin(angle / 2) + 4 * np.cos(angle / 2)
    np.testing.assert_allclose(fitted_model(pixel, times, period=2.0), halved, rtol=1e-6)


def test_a_linear_model_has_no_season(pixel):
    linear = pixel.drop_vars(["sine", "cosine"])
    axes = time_series_plot(linear)
    y = axes.lines[0].get_ydata()
    np.testing.assert_allclose(np.diff(y), np.diff(y)[0])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["model: −8.0 mm a⁻¹", "displacement"]


def test_a_series_without_model_has_points_alone(pixel):
    axes = time_series_plot(pixel[["displacement"]])
    assert len(axes.lines) == 1


def test_still_ground_looks_still(pixel):
    pixel["displacement"] = 0.01 * pixel.displacement
    low, high = time_series_plot(pixel[["displacement"]]).get_ylim()
    assert high - low == pytest.approx(LEAST_SPAN)
    assert low < 0 < high
