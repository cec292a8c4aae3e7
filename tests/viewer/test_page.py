"""The page without a browser: what its models hold after clicks and choices."""

import numpy as np
import pytest
from bokeh.document import Document
from bokeh.events import Tap
from bokeh.models import ColumnDataSource, Div

from cryoscale.viewer.page import build_page
from cryoscale.viewer.source import open_source


@pytest.fixture
def page(deformation, permafrost):
    """Builds the page of stores, by default of a cube and a map."""

    def build(*paths):
        document = Document()
        build_page(document, [open_source(path) for path in paths or (deformation, permafrost)])
        return document

    return build


def find(document, name):
    model = document.get_model_by_name(name)
    assert model is not None, name
    return model


def data(document, name):
    """Data of the one source of this name."""
    (source,) = [model for model in document.select({"type": ColumnDataSource}) if model.name == name]
    return source.data


def click(document, number, *, y, x):
    plot = find(document, f"map-{number}")
    document.callbacks.trigger_event(Tap(model=plot, sx=0, sy=0, x=x, y=y))


def test_maps_show_their_main_variable_at_first(page, deformation, permafrost):
    document = page()
    cube, ground = open_source(deformation).data, open_source(permafrost).data
    np.testing.assert_array_equal(data(document, "image-0")["image"][0], cube.deformation_rate.values[::-1])
    np.testing.assert_array_equal(data(document, "image-1")["image"][0], ground.ttop.values[2, ::-1])
    assert find(document, "variable-1").value == "ttop"
    assert document.title == "cryoscale: deformation.zarr, permafrost.zarr"


def test_maps_look_at_the_same_place(page):
    document = page()
    left, right = (find(document, f"map-{number}") for number in (0, 1))
    assert left.x_range is right.x_range
    assert left.y_range is right.y_range


def test_another_variable_and_date(page, deformation):
    document = page(deformation)
    cube = open_source(deformation).data
    find(document, "variable-0").value = "displacement"
    np.testing.assert_array_equal(data(document, "image-0")["image"][0], cube.displacement.values[-1, ::-1])
    slider = find(document, "layer-0")
    assert (slider.end, slider.value) == (39, 39)
    slider.value = 3
    slider.trigger("value_throttled", 39, 3)
    np.testing.assert_array_equal(data(document, "image-0")["image"][0], cube.displacement.values[3, ::-1])
    assert "index=3" in find(document, "links-0").text


def test_classes_keep_their_colours_and_names(page, permafrost):
    document = page(permafrost)
    find(document, "variable-0").value = "mean_ground_class"
    image = data(document, "image-0")["image"][0]
    assert np.isnan(image[:, 35:]).all()  # no data
    assert image[-1, 0] == 0  # the first class
    (bar,) = find(document, "map-0").right[:1]
    assert bar.major_label_overrides[0] == "Permafrost"
    assert bar.color_mapper.palette[0] == "#4a8fd0"
    assert not find(document, "lowest-0").visible


def test_a_click_shows_the_series_and_a_second_one_holds_the_reference(page, deformation):
    document = page(deformation)
    cube = open_source(deformation).data
    click(document, 0, y=38.0555, x=99.0105)
    np.testing.assert_array_equal(data(document, "series-0")["value"], cube.displacement[:, 4, 10])
    assert data(document, "model-0")["value"].size > 40
    assert len(data(document, "gaps")["start"]) == 2
    find(document, "mode").active = 1
    click(document, 0, y=38.0555, x=99.0305)
    values = cube.displacement[:, 4].values.astype(float)
    np.testing.assert_array_equal(data(document, "series-0")["value"], values[:, 10] - values[:, 30])
    assert "reference_x=99.0305" in find(document, "series-links").text
    assert data(document, "marks")["marker"] == ["circle", "square"]


def test_both_stores_are_asked_at_the_same_place(page, deformation, permafrost):
    document = page()
    click(document, 1, y=38.0505, x=99.0055)
    np.testing.assert_array_equal(
        data(document, "series-0")["value"], open_source(deformation).data.displacement[:, 9, 5]
    )
    np.testing.assert_allclose(data(document, "series-1")["value"], open_source(permafrost).data.ttop[:, 9, 5])
    np.testing.assert_allclose(data(document, "band-1")["upper"] - data(document, "series-1")["value"], 0.25, rtol=1e-6)


def test_two_clicks_draw_a_section(page, deformation):
    document = page(deformation)
    find(document, "mode").active = 2
    click(document, 0, y=38.0305, x=99.0005)
    assert document.get_model_by_name("section-links") is None
    click(document, 0, y=38.0305, x=99.0395)
    expected = open_source(deformation).data.deformation_rate[29]
    np.testing.assert_array_equal(data(document, "section-0")["value"], expected)
    assert data(document, "line")["x"] == [99.0005, 99.0395]


def test_a_pixel_without_data_is_said_so(page, deformation):
    document = page(deformation)
    click(document, 0, y=38.0055, x=99.0355)
    texts = [model.text for model in document.select({"type": Div}) if model.visible]
    assert any("There is no series here" in text for text in texts)


def test_colours_can_be_set_and_are_shared_by_maps_of_one_quantity(page, deformation):
    document = page(deformation, deformation)
    find(document, "lowest-0").value = -5.0
    find(document, "highest-0").value = 15.0
    for number in (0, 1):
        assert (find(document, f"lowest-{number}").value, find(document, f"highest-{number}").value) == (-5.0, 15.0)
    find(document, "lowest-0").value = 20.0
    assert find(document, "map-0").right[0].color_mapper.low == -5.0


def test_moving_the_map_reads_the_new_window(page, deformation):
    document = page(deformation)
    plot = find(document, "map-0")
    before = data(document, "image-0")
    plot.x_range.update(start=99.005, end=99.006)
    plot.y_range.update(start=38.010, end=38.011)
    (waiting,) = document.session_callbacks
    waiting.callback()
    after = data(document, "image-0")
    assert after["dw"][0] < before["dw"][0] / 5
    assert after["x"][0] <= 99.005 <= after["x"][0] + after["dw"][0]


def test_tables_are_plotted_by_what_is_chosen(page, recession):
    document = page(recession)
    np.testing.assert_array_equal(data(document, "series-0")["value"], [0, 1, 2, 3, 4])
    find(document, "gauge-0").value = "1"
    np.testing.assert_array_equal(data(document, "series-0")["value"], [5, 6, 7, 8, 9])
    assert data(document, "series-0")["text"] == ["1990", "1991", "1992", "1993", "1994"]
