"""Maps: the data given, their unit, and a scale bar that is right on the ground."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from affine import Affine
from matplotlib.patches import Rectangle
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar
from pyproj import Geod, Transformer

from cryoscale.report import decimated, figure_png, map_figure, mark_points, quantity_maps

GEOD = Geod(ellps="WGS84")


def scale_bar(axes):
    """Length in the units of x, and in metres as its text says."""
    (bar,) = [artist for artist in axes.artists if isinstance(artist, AnchoredSizeBar)]
    (patch,) = [child for child in bar.size_bar.get_children() if isinstance(child, Rectangle)]
    number, unit = bar.txt_label.get_text().split()
    return patch.get_width(), float(number) * {"m": 1, "km": 1000}[unit]


def drawn(axes):
    return np.ma.filled(axes.images[0].get_array().astype(float), np.nan)


def test_what_is_drawn_is_what_is_given(make_map):
    rate = make_map(np.random.default_rng(0).normal(-3, 4, (40, 30)))
    rate[3:6, 4:9] = np.nan
    axes = map_figure(rate, title="Rates")
    np.testing.assert_array_equal(drawn(axes), rate.values)
    assert axes.get_title(loc="left") == "Rates"
    assert axes.images[0].colorbar.ax.get_ylabel() == "Line-of-sight deformation rate by linear regression (mm a⁻¹)"


def test_extent_is_the_outer_edge_of_the_pixels(make_map):
    axes = map_figure(make_map(np.zeros((40, 30))))
    np.testing.assert_allclose(axes.images[0].get_extent(), (99.6, 99.609, 38.048, 38.06))


@pytest.mark.parametrize("south_up", [False, True])
def test_north_is_up(make_map, south_up):
    values = np.arange(12.0).reshape(4, 3)
    array = make_map(values)
    array = array.isel(y=slice(None, None, -1)) if south_up else array
    axes = map_figure(array)
    image = axes.images[0]
    rows = drawn(axes) if image.origin == "upper" else drawn(axes)[::-1]
    np.testing.assert_array_equal(rows, values)
    assert axes.get_ylim()[0] < axes.get_ylim()[1]
    assert axes.get_xlim()[0] < axes.get_xlim()[1]


@pytest.mark.parametrize("north", [5.0, 38.06, 72.0, -33.0])
@pytest.mark.parametrize("pixel", [0.0003, 0.01])
def test_scale_bar_on_longitude_and_latitude(make_map, north, pixel):
    axes = map_figure(make_map(np.zeros((100, 120)), affine=Affine(pixel, 0, 99.6, 0, -pixel, north)))
    width, metres = scale_bar(axes)
    latitude = north - 95 * pixel
    _, _, measured = GEOD.inv(99.6, latitude, 99.6 + width, latitude)
    assert measured == pytest.approx(metres, rel=1e-3)
    assert 0.09 < width / (120 * pixel) <= 0.25
    assert float(f"{metres:.0e}"[0]) in (1, 2, 5)


@pytest.mark.parametrize(("crs", "x", "y"), [("EPSG:32647", 550_000, 4_210_000), ("EPSG:3857", 1.1e7, 6e6)])
def test_scale_bar_on_projected_grids(make_map, crs, x, y):
    axes = map_figure(make_map(np.zeros((100, 120)), crs=crs, affine=Affine(30, 0, x, 0, -30, y)))
    width, metres = scale_bar(axes)
    middle, row = x + 60 * 30, y - 95 * 30
    to_angles = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    ends = to_angles.transform([middle - width / 2, middle + width / 2], [row, row])
    assert GEOD.line_length(*ends) == pytest.approx(metres, rel=1e-3)


def test_one_kilometre_is_as_long_northward_as_eastward(make_map):
    axes = map_figure(make_map(np.zeros((40, 30))))
    metre_per_degree = 111_000 / (87_700)
    assert axes.get_aspect() == pytest.approx(metre_per_degree, rel=0.01)
    assert map_figure(
        make_map(np.zeros((4, 3)), crs="EPSG:32647", affine=Affine(30, 0, 5e5, 0, -30, 4e6))
    ).get_aspect() == pytest.approx(1)


def tick_labels(axes):
    axes.get_figure().canvas.draw()
    return [[tick.get_text() for tick in axis.get_ticklabels()] for axis in (axes.xaxis, axes.yaxis)]


def test_coordinates_are_labelled_with_their_hemisphere(make_map):
    axes = map_figure(make_map(np.zeros((40, 30)), affine=Affine(0.01, 0, -0.15, 0, -0.01, 0.2)))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Longitude", "Latitude")
    east, north = tick_labels(axes)
    assert "0.1°W" in east
    assert "0.1°E" in east
    assert "0.1°S" in north
    assert "0.1°N" in north


def test_projected_coordinates_are_in_kilometres(make_map):
    axes = map_figure(make_map(np.zeros((200, 200)), crs="EPSG:32647", affine=Affine(30, 0, 5e5, 0, -30, 4.2e6)))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Easting (km)", "Northing (km)")
    east, _ = tick_labels(axes)
    assert "502" in east


def colour_limits(axes):
    return axes.images[0].norm.vmin, axes.images[0].norm.vmax


def test_rates_diverge_from_zero_and_red_sinks(make_map):
    rate = make_map(np.random.default_rng(0).normal(-6, 3, (60, 60)))
    axes = map_figure(rate)
    low, high = colour_limits(axes)
    assert low == -high
    assert 11 < high < 14
    red, _, blue, _ = axes.images[0].cmap(axes.images[0].norm(-10.0))
    assert red > 2 * blue
    np.testing.assert_allclose(axes.images[0].cmap(axes.images[0].norm(0.0))[:3], 0.9, atol=0.06)


def test_amounts_start_at_zero_and_outliers_do_not_stretch_them(make_map):
    values = np.random.default_rng(0).uniform(0.5, 20, (50, 50))
    values[0, 0] = 1e6
    axes = map_figure(make_map(values, name="seasonal_amplitude"))
    assert colour_limits(axes) == (0, pytest.approx(20, abs=1))
    assert axes.images[0].colorbar.extend == "max"


@pytest.mark.parametrize(
    ("values", "extend"), [([[0, 1], [2, 3]], "neither"), ([[-9, 1], [2, 3]], "min"), ([[-9, 1], [2, 9]], "both")]
)
def test_the_bar_points_where_values_lie_beyond(make_map, values, extend):
    axes = map_figure(make_map(np.array(values, float), name="elevation"), limits=(0, 3))
    assert axes.images[0].colorbar.extend == extend


@pytest.mark.parametrize("values", [np.full((5, 5), np.nan), np.zeros((5, 5)), np.full((5, 5), 7.0)])
@pytest.mark.parametrize("name", ["deformation_rate", "residual_rms", "elevation"])
def test_maps_without_data_or_contrast_are_drawn(make_map, values, name):
    axes = map_figure(make_map(values, name=name))
    low, high = colour_limits(axes)
    assert low < high
    assert figure_png(axes)


def test_counts_have_whole_ticks(make_map):
    axes = map_figure(make_map(np.arange(25, dtype="int16").reshape(5, 5) // 8, name="n_pairs"))
    axes.get_figure().canvas.draw()
    ticks = axes.images[0].colorbar.get_ticks()
    np.testing.assert_array_equal(ticks, np.round(ticks))


def test_any_map_can_be_centred(make_map):
    axes = map_figure(make_map(np.linspace(-2, 3, 100).reshape(10, 10), name="elevation"), centred=True)
    low, high = colour_limits(axes)
    assert low == -high


def test_large_lazy_maps_are_read_at_every_nth_pixel(make_map, assert_lazy):
    values = np.random.default_rng(0).normal(size=(3000, 2500)).astype("float32")
    lazy = make_map(values, chunks={"y": 512, "x": 512})
    with assert_lazy():
        few = decimated(lazy)
    assert isinstance(few.data, da.Array)
    axes = map_figure(lazy)
    np.testing.assert_array_equal(drawn(axes), values[1::3, 1::3].astype(float))
    left, right, bottom, top = axes.images[0].get_extent()
    assert (left, top) == pytest.approx((99.6, 38.06), abs=1e-9)
    assert (right, bottom) == pytest.approx((99.6 + 2500 * 0.0003, 38.06 - 3000 * 0.0003), abs=0.0003)


def test_decimation_keeps_values_and_bounds():
    array = xr.DataArray(np.arange(1000.0).reshape(20, 50), dims=("y", "x"))
    assert decimated(array, most=50).identical(array)
    few = decimated(array, most=11)
    assert max(few.shape) <= 11
    assert set(few.values.ravel()) <= set(array.values.ravel())


def test_points_are_marked_where_they_are(make_map):
    axes = map_figure(make_map(np.zeros((40, 30))))
    mark_points(axes, {"A": (38.05, 99.603), "R": (38.055, 99.606)})
    assert [text.get_text() for text in axes.texts] == ["A", "R"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines] == [(99.603, 38.05), (99.606, 38.055)]


@pytest.mark.parametrize(("crs", "label"), [("EPSG:32647", "Easting (km)"), ("EPSG:4326", "")])
def test_panels_above_a_gap_are_labelled_too(make_map, crs, label):
    affine = Affine(30, 0, 5e5, 0, -30, 4.2e6) if crs == "EPSG:32647" else None
    maps = {str(i): make_map(np.eye(20) * i, crs=crs, affine=affine) for i in range(1, 6)}
    figure = quantity_maps(maps, columns=3).figure
    figure.draw_without_rendering()
    panels = [axes for axes in figure.axes if axes.images and axes.get_title(loc="left")]
    labelled = [any(tick.label1.get_visible() for tick in axes.xaxis.get_major_ticks()) for axes in panels]
    assert labelled == [False, False, True, True, True]
    assert [axes.get_xlabel() for axes in panels] == ["", "", label, label, label]
    assert panels[0].get_ylabel() == label.replace("Easting", "Northing")
    assert panels[1].get_ylabel() == ""
