"""Grids of sections and their stages."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoscale.errors import InputError
from cryoscale.ground.section_grid import Section, stretched_edges
from cryoscale.ground.section_plan import Clock, plan_changes
from cryoscale.ground.section_shapes import heap_stages, pit_stages
from cryoscale.ground.section_stages import Stage, ground_of
from cryoscale.ground.soils import FreezingStep, Soil, UnfrozenWater, conductivity, enthalpy

SOILS = {
    "silt": Soil(0.35, UnfrozenWater(0.05, -0.5), 2.8e6, 2.0e6, 1.3, 2.2),
    "rock": Soil(0.05, FreezingStep(0.1), 2.3e6, 2.1e6, 2.6, 2.8),
}


def make_section(**options):
    options = {"soils": SOILS, "soil_of": "rock", **options}
    return Section(options.pop("x_edges", np.arange(-50, 51, 10)), options.pop("z_edges", np.arange(12, -31, -1)),
                   **options)  # fmt: skip


def test_soils_by_cell():
    section = make_section(soil_of=np.where(np.arange(42) < 14, "silt", "rock")[:, np.newaxis])
    np.testing.assert_array_equal(section.soil_indices()[:, 3], np.arange(42) >= 14)
    np.testing.assert_array_equal(section.areas, 10.0)


@given(st.floats(-60, 60))
def test_curves_are_the_soils(temperature):
    curves = make_section().curves()
    for number, soil in enumerate(SOILS.values()):
        heat = np.interp(temperature, curves.temperature, curves.enthalpy[number])
        latent = 3.34e8 * soil.water
        assert heat == pytest.approx(float(enthalpy(soil, temperature)), rel=1e-9, abs=1e-3 * latent)
        k = np.interp(temperature, curves.temperature, curves.conductivity[number])
        assert k == pytest.approx(float(conductivity(soil, temperature)), rel=1e-3)
    assert (np.diff(curves.enthalpy) > 0).all()


@given(st.floats(1, 500), st.floats(0.05, 20), st.floats(1, 2), st.booleans())
def test_stretched_edges(length, first, growth, up):
    stop = length if up else -length
    edges = stretched_edges(0.0, stop, first=first, growth=growth)
    sizes = np.abs(np.diff(edges))
    assert edges[0] == 0
    assert edges[-1] == stop
    assert (sizes > 0).all()
    assert (sizes[1:-1] >= sizes[:-2] * (1 - 1e-9)).all()
    assert stretched_edges(0.0, 100.0, first=1.0, growth=1.5, widest=5.0)[1:].size > 20


def test_a_pit_its_lake_and_its_fill():
    section = make_section()
    shape = {"centre": 0.0, "floor_width": 20.0, "depth": 12.0, "slope": 45.0}
    before, dug, lake, filled = pit_stages(
        section, 1.0, **shape, dug=1, flooded=2, lake_depth=8.0, backfilled=5, fill="silt", fill_temperature=-1.0
    )
    np.testing.assert_array_equal(before.surface, 1.0)
    np.testing.assert_allclose(dug.surface, [1, 1, 1, -6, -11, -11, -6, 1, 1, 1])
    assert dug.forcing == ["natural"] * 3 + ["pit"] * 4 + ["natural"] * 3
    assert lake.forcing == ["natural"] * 3 + ["lake"] * 4 + ["natural"] * 3
    np.testing.assert_array_equal(lake.surface, dug.surface)
    np.testing.assert_array_equal(filled.surface, before.surface)
    assert filled.forcing[4] == "backfill"
    assert (filled.fill, filled.fill_temperature) == ("silt", -1.0)
    shallow = pit_stages(section, 1.0, **shape, dug=1, flooded=2, lake_depth=3.0)[-1]
    assert shallow.forcing == ["natural"] * 3 + ["pit", "lake", "lake", "pit"] + ["natural"] * 3
    vertical = pit_stages(section, 1.0, **{**shape, "slope": 90.0}, dug=1)[1]
    np.testing.assert_array_equal(vertical.surface, [1] * 4 + [-11] * 2 + [1] * 4)


def test_a_heap_in_lifts():
    section = make_section()
    shape = {"centre": 0.0, "crest_width": 20.0, "height": 12.0, "slope": 45.0}
    stages = heap_stages(section, 0.0, **shape, started=1, finished=3, lifts=3, fill="rock", fill_temperature=2.0)
    assert [stage.start for stage in stages] == [0, 1, 2, 3]
    np.testing.assert_allclose(stages[1].surface, [0, 0, 0, 4, 4, 4, 4, 0, 0, 0])
    np.testing.assert_allclose(stages[3].surface, [0, 0, 0, 7, 12, 12, 7, 0, 0, 0])
    assert stages[3].forcing == ["natural"] * 3 + ["heap"] * 4 + ["natural"] * 3
    assert stages[3].wall == ["natural"] * 2 + ["heap"] * 6 + ["natural"] * 2


def test_changes_on_the_grid():
    section, clock = make_section(), Clock.of(4, step_days=5.0, save_every=1.0)
    pit = pit_stages(section, 0.0, centre=0, floor_width=20, depth=10, slope=90, dug=1.0, backfilled=2.0, fill="silt",
                     fill_temperature=-1.0)  # fmt: skip
    before, dug, filled = plan_changes(section, pit, clock, forcings={"lake": 0, "pit": 0, "natural": 0, "backfill": 0})
    assert (before.step, dug.step, filled.step) == (0, 74, 148)
    assert not before.placed.any()
    assert dug.removed.sum() == filled.placed.sum() == 2 * 10
    np.testing.assert_array_equal(filled.plane.soil == 0, filled.placed)
    np.testing.assert_array_equal(dug.plane.floor, [2] * 4 + [1] * 2 + [2] * 4)
    np.testing.assert_array_equal(dug.plane.wall, dug.plane.floor)
    np.testing.assert_array_equal(filled.plane.there, before.plane.there)


def test_cells_are_ground_where_their_centres_are():
    section = make_section()
    for surface, expected in ((0.0, 30), (0.49, 30), (0.51, 31), (12.0, 42)):
        assert ground_of(section, Stage(0.0, surface, forcing="natural")).sum() == 10 * expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x_edges": [0, 10, 5]}, "x_edges: goes from 10 to 5 m at cell 1, whose size would not be positive"),
        ({"z_edges": [0, 1, 2]}, "z_edges: goes from 0 to 1 m at cell 0.* Edges must decrease"),
        ({"z_edges": [0, -1, np.nan]}, "z_edges: must be a list of at least two finite numbers in m"),
        ({"x_edges": [0]}, "x_edges: must be a list of at least two"),
        ({"soil_of": "peat"}, "soil_of: names the soil 'peat', but soils has only silt, rock"),
        ({"soil_of": ["rock", "silt"]}, r"soil_of: has the shape \(2,\), but the section has \(42, 10\) cells"),
    ],
)
def test_sections_that_cannot_be(options, message):
    with pytest.raises(InputError, match=message):
        make_section(**options)


def test_stages_that_cannot_be():
    section = make_section()
    with pytest.raises(InputError, match="Stage.start: is -1.0, but must be 0 or more years"):
        Stage(-1.0, 0.0, forcing="natural")
    with pytest.raises(InputError, match="stage at 1 a: its surface holds NaN"):
        Stage(1.0, [0.0, np.nan], forcing="natural")
    with pytest.raises(InputError, match="fill_temperature is 275, but must lie between -80 and 80 degC"):
        Stage(1.0, 0.0, forcing="natural", fill="rock", fill_temperature=275.0)
    pit = {"centre": 0.0, "floor_width": 20.0, "depth": 12.0, "slope": 45.0, "dug": 1.0}
    with pytest.raises(InputError, match="pit: a height or depth of -3 m, .* cannot be"):
        pit_stages(section, 0.0, **{**pit, "depth": -3.0})
    with pytest.raises(InputError, match="a slope of 120 degree cannot be"):
        pit_stages(section, 0.0, **{**pit, "slope": 120.0})
    with pytest.raises(InputError, match="lake_depth: is 15 m, but must be above 0 and at most the pit's 12 m"):
        pit_stages(section, 0.0, **pit, flooded=2.0, lake_depth=15.0)
    with pytest.raises(InputError, match="pit: reaches no column's centre"):
        pit_stages(section, 0.0, **{**pit, "centre": 500.0})
    heap = {"centre": 0.0, "crest_width": 20.0, "height": 12.0, "slope": 45.0, "fill": "rock", "fill_temperature": 1.0}
    with pytest.raises(InputError, match="lifts: 3 lifts from 2 a until None a cannot be"):
        heap_stages(section, 0.0, **heap, started=2.0, lifts=3)
    with pytest.raises(InputError, match="lifts: 0 lifts"):
        heap_stages(section, 0.0, **heap, started=2.0, lifts=0)
    with pytest.raises(InputError, match=r"surface: has the shape \(3,\), but the section has 10 columns"):
        pit_stages(section, [0.0, 1.0, 2.0], **pit)
    with pytest.raises(InputError, match="stretched_edges: first=0 m"):
        stretched_edges(0.0, 5.0, first=0.0)
