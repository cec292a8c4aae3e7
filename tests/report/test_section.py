"""Figures of sections: what is drawn where, in which colours, and at which scale."""

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.contour import QuadContourSet

from cryoscale.errors import InputError
from cryoscale.ground.section import simulate_section
from cryoscale.ground.section_grid import Section, stretched_edges
from cryoscale.ground.section_shapes import heap_stages, pit_stages
from cryoscale.ground.soils import FreezingStep, Soil
from cryoscale.report.canvas import figure_png
from cryoscale.report.section import section_history, section_panels

ROCK = Soil(0.1, FreezingStep(0.1), 2.3e6, 2.1e6, 2.0, 2.4)


def make_section(top=0.0):
    z_edges = np.concatenate([np.arange(top, 0.0, -1.0), stretched_edges(0.0, -30.0, first=0.5, growth=1.3)])
    return Section(np.arange(-60.0, 61.0, 10.0), z_edges, soils={"rock": ROCK}, soil_of="rock")


@pytest.fixture(scope="module")
def pit():
    section = make_section()
    stages = pit_stages(section, 0.0, centre=0, floor_width=40, depth=8, slope=60, dug=1.0)
    forcings = {"natural": -2.0, "pit": 5.0}
    return simulate_section(section, forcings=forcings, stages=stages, initial=-2.0, years=4, step_days=15.0)


@pytest.fixture(scope="module")
def heap():
    section = make_section(top=5.0)
    shape = {"centre": 0, "crest_width": 40, "height": 5, "slope": 60}
    stages = heap_stages(section, 0.0, **shape, started=1.0, fill="rock", fill_temperature=2.0)
    forcings = {"natural": -2.0, "heap": -4.0}
    return simulate_section(section, forcings=forcings, stages=stages, initial=-2.0, years=4, step_days=15.0)


def drawn(axes, kind):
    return [artist for artist in axes.get_children() if isinstance(artist, kind)]


def test_small_multiples(pit):
    first = section_panels(pit, [0.0, 1.9, 4.0], title="Pit")
    panels = first.get_figure().axes[:4]
    assert [axes.get_title(loc="left") for axes in panels[:3]] == ["Pit, 0.0 a", "Pit, 2.0 a", "Pit, 4.0 a"]
    assert not panels[3].axison
    for axes, time in zip(panels, (0, 2, 4), strict=False):
        (mesh,) = drawn(axes, QuadMesh)
        values = np.ma.filled(mesh.get_array(), np.nan)
        np.testing.assert_array_equal(values, pit.section_temperature.sel(time=time))
        assert mesh.get_clim() == (-mesh.get_clim()[1], mesh.get_clim()[1])
        assert mesh.get_clim() == drawn(first, QuadMesh)[0].get_clim()
        assert mesh.get_clim()[1] == pytest.approx(float(abs(pit.section_temperature.sel(time=[0, 2, 4])).max()))
        assert axes.get_aspect() == 1.0
    bar = first.get_figure().axes[-1]
    assert bar.get_ylabel() == "Temperature of the ground (°C)"
    assert figure_png(first)[:4] == b"\x89PNG"


def test_the_isotherm_lies_where_the_temperature_changes_sign(pit):
    before, after = section_panels(pit, [0.0, 4.0]).get_figure().axes[:2]
    assert not drawn(before, QuadContourSet)
    (isotherm,) = drawn(after, QuadContourSet)
    np.testing.assert_array_equal(isotherm.levels, [0.0])
    column = pit.section_temperature.sel(time=4, x=5).dropna("z")
    expected = np.interp(0.0, -column, column.z)
    line = np.concatenate([path.vertices for path in isotherm.get_paths()])
    at_column = line[np.abs(line[:, 0] - 5) < 1e-6, 1]
    np.testing.assert_allclose(at_column, expected, atol=1e-6)


def test_exaggeration_is_said_and_done(pit):
    axes = section_panels(pit, [4.0], exaggeration=2.5)
    assert axes.get_aspect() == 2.5
    assert axes.get_xlabel() == "Distance (m), heights 2.5 times exaggerated"
    assert section_panels(pit, [4.0]).get_xlabel() == "Distance (m)"


def lines_of(axes):
    return {line.get_label(): line.get_ydata() for line in axes.get_lines()}


def test_history_of_a_pit(pit):
    upper = section_history(pit, [-55.0, 4.0], title="Pit")
    lower = upper.get_figure().axes[1]
    lines = lines_of(upper)
    np.testing.assert_array_equal(lines["x = 5.0 m"], (pit.section_surface - pit.permafrost_table_depth).sel(x=5))
    assert "x = −55.0 m" in lines
    assert list(lines_of(lower)) == ["thaw bulb"]
    np.testing.assert_array_equal(lines_of(lower)["thaw bulb"], pit.thaw_bulb_area)
    assert pit.thaw_bulb_area[-1] > 0
    assert lower.get_ylabel() == "Area (m²)"
    assert figure_png(upper)[:4] == b"\x89PNG"


def test_history_of_a_heap(heap):
    lower = section_history(heap, [5.0]).get_figure().axes[1]
    lines = lines_of(lower)
    np.testing.assert_array_equal(lines["permafrost in the heap"], heap.heap_frozen_area)
    np.testing.assert_array_equal(lines["heap"], heap.heap_area)
    assert heap.heap_frozen_area[-1] > 0


def test_bad_input(pit):
    with pytest.raises(InputError, match="times: 9 a lies outside of the saved times, 0 to 4 a"):
        section_panels(pit, [9.0])
    with pytest.raises(InputError, match="exaggeration: is 0, but must be above 0"):
        section_panels(pit, [1.0], exaggeration=0.0)
    with pytest.raises(InputError, match="places: 80 m lies outside of the section, -60 to 60 m"):
        section_history(pit, [80.0])
