"""Maps of classes: every class in its colour, named in the legend, with its area."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.colors import to_hex

from cryoscale.report import figure_png
from cryoscale.report.classes import class_map, class_maps
from cryoscale.report.palette import class_colours
from cryoscale.thermal.permafrost import class_areas


@pytest.fixture
def ground(make_map):
    codes = np.random.default_rng(0).integers(0, 4, (40, 30)).astype("uint8")  # no lake
    return make_map(codes, name="mean_ground_class")


def drawn(axes):
    """Colours of the pixels, north up."""
    image = axes.images[0]
    rows = np.apply_along_axis(to_hex, -1, image.cmap(image.norm(image.get_array())))
    empty = np.ma.getmaskarray(np.ma.masked_invalid(image.get_array()))
    rows = np.where(empty, to_hex(axes.get_facecolor()), rows)
    return rows if image.origin == "upper" else rows[::-1]


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_every_pixel_has_the_colour_of_its_class(ground):
    colours = class_colours(ground) | {0: "#b4bac1"}
    expected = np.vectorize(colours.get)(ground.values)
    np.testing.assert_array_equal(drawn(class_map(ground)), expected)
    np.testing.assert_array_equal(drawn(class_map(ground.isel(y=slice(None, None, -1)))), expected)


def test_the_legend_names_what_is_in_the_map_in_its_colours(ground):
    axes = class_map(ground, title="Ground")
    assert legend(axes) == ["Permafrost", "Seasonally frozen ground", "Glacier", "No data"]
    patches = axes.get_legend().get_patches()
    assert [to_hex(patch.get_facecolor()) for patch in patches[:-1]] == list(class_colours(ground).values())[:3]
    assert axes.get_title(loc="left") == "Ground"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Longitude", "Latitude")
    assert len(axes.artists) == 1  # the scale bar


def test_a_map_without_gaps_has_no_entry_for_no_data(ground):
    assert "No data" not in legend(class_map(ground.clip(min=1)))


def test_areas_are_in_the_legend_also_of_classes_too_small_to_be_seen(ground):
    area = xr.DataArray(np.full(40, 2.5e8), {"y": ground.y}, attrs={"units": "m2"})
    areas = class_areas(ground.where(ground != 3, 4), area)
    texts = legend(class_map(ground, areas=areas))
    n = int((ground == 1).sum())
    share = 100 * n / int((ground != 0).sum())
    assert texts[0] == f"Permafrost\n{250 * n:,.0f} km² ({share:.1f} %)"
    assert texts[2] == "Glacier\n0 km² (0.0 %)"
    assert texts[3].startswith("Lake\n")


def test_large_lazy_maps_are_thinned_to_classes_of_theirs(make_map):
    codes = np.where(np.indices((2600, 900)).sum(axis=0) % 2, 1, 4).astype("uint8")
    axes = class_map(make_map(codes, name="mean_ground_class", chunks={"y": 500}))
    shown = drawn(axes)
    assert max(shown.shape) <= 1200
    np.testing.assert_array_equal(shown, np.where(codes[1::3, 1::3] == 1, "#4a8fd0", "#12306e"))


def test_codes_without_a_name_are_no_data(make_map):
    axes = class_map(make_map(np.array([[1, 9], [200, 2]], "uint8"), name="mean_ground_class"))
    np.testing.assert_array_equal(drawn(axes), [["#4a8fd0", "#b4bac1"], ["#b4bac1", "#d9b15f"]])
    assert legend(axes)[-1] == "No data"


def test_a_map_of_nothing_is_drawn(make_map):
    axes = class_map(make_map(np.zeros((6, 7), "uint8"), name="permafrost_change"))
    assert legend(axes) == ["No data"]
    assert figure_png(axes)


def test_maps_side_by_side_share_a_legend(ground):
    axes = class_maps({"Ours": ground, "Survey": ground.clip(max=2), "Third": ground.clip(min=1)})
    figure = axes.get_figure()
    assert [panel.get_title(loc="left") for panel in figure.axes[:3]] == ["Ours", "Survey", "Third"]
    (shared,) = figure.legends
    names = [text.get_text() for text in shared.get_texts()]
    assert names == ["Permafrost", "Seasonally frozen ground", "Glacier", "No data"]
    assert figure_png(axes)


def test_the_table_needs_no_more_than_class_area_and_share(ground):
    areas = pd.DataFrame({"class": ["permafrost"], "area_km2": [1.0], "percent": [100.0]})
    assert legend(class_map(ground, areas=areas)) == ["Permafrost\n1 km² (100.0 %)", "No data"]
