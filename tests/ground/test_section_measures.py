"""Permafrost table, active layer and areas of sections with temperatures that are given."""

import numpy as np
import pytest

from cryoscale.ground.section_grid import Section
from cryoscale.ground.section_measures import Years, thaw_bulb, yearly_measures
from cryoscale.ground.soils import FreezingStep, Soil

ROCK = Soil(0.05, FreezingStep(0.1), 2.3e6, 2.1e6, 2.6, 2.8)
NAN = np.nan


def make(highest, lowest, *, first=None, dz=1.0, top=0.0):
    """One column: (year, z) of extremes."""
    highest, lowest = (np.array(values, float)[..., np.newaxis] for values in (highest, lowest))
    z_edges = top - dz * np.arange(highest.shape[1] + 1)
    section = Section([0.0, 2.0], z_edges, soils={"rock": ROCK}, soil_of="rock")
    first = lowest[0] if first is None else np.array(first, float)[:, np.newaxis]
    return section, Years(highest, lowest, (highest + lowest) / 2, first)


def measures(*extremes, lowered=False, **options):
    section, years = make(*extremes, **options)
    return yearly_measures(section, years, np.array([lowered])).isel(x=0)


def test_the_table_lies_where_two_years_stay_frozen():
    result = measures([[3, 1, -1, -2], [3, -1, -2, -2], [3, -1, -2, -2]], [[-9, -8, -5, -3]] * 3)
    np.testing.assert_allclose(result.permafrost_table_depth, [2.0, 2.0, 1.25])
    np.testing.assert_allclose(result.active_layer_thickness, [2.0, 1.25, 1.25])


def test_a_talik_has_a_table_but_no_active_layer():
    result = measures([[5, 3, 2, -2]], [[-4, 1, 0.5, -2]])
    assert float(result.permafrost_table_depth[0]) == pytest.approx(3.0)
    assert np.isnan(result.active_layer_thickness[0])


def test_no_permafrost_and_nothing_but_permafrost():
    assert np.isnan(measures([[5, 4, 3]], [[-5, 1, 2]]).permafrost_table_depth[0])
    frozen = measures([[-5, -4, -3]], [[-9, -8, -7]])
    assert float(frozen.permafrost_table_depth[0]) == 0.0
    assert float(frozen.active_layer_thickness[0]) == 0.0


def test_ground_that_came_last_year_is_not_permafrost_yet():
    highest = [[NAN, 2, -1, -1], [-1, -1, -1, -1], [-1, -1, -1, -1]]
    lowest = [[NAN, -5, -3, -2]] + [[-9, -5, -3, -2]] * 2
    result = measures(highest, lowest, first=[NAN, -1, -1, -1], top=1.0)
    np.testing.assert_allclose(result.section_surface, [0, 1, 1])
    np.testing.assert_allclose(result.permafrost_table_depth, [0.5 + 2 / 3, 1.5 + 2 / 3, 0.0])
    np.testing.assert_allclose(result.heap_area, [0, 2, 2])
    np.testing.assert_allclose(result.heap_frozen_area, [0, 0, 2])


def test_temperature_at_ten_metres():
    result = measures([[4.0, 2.0, 0.0, 1.0]], [[4.0, 2.0, 0.0, 1.0]], dz=4.0)
    assert float(result.temperature_10m[0]) == pytest.approx(0.0)
    deeper = measures([[NAN, 2.0, 0.0, 1.0, 3.0]], [[NAN, 2.0, 0.0, 1.0, 3.0]], dz=4.0, first=[NAN, 2, 0, 1, 3])
    assert float(deeper.temperature_10m[0]) == pytest.approx(1.0)
    assert np.isnan(measures([[1.0, 1.0]], [[1.0, 1.0]]).temperature_10m[0])


def test_a_bulb_hangs_together_with_its_pit():
    section = Section(np.arange(7.0), [0, -1, -2, -3, -4], soils={"rock": ROCK}, soil_of="rock")
    thawed = np.array([[0, 1, 1, 0, 0, 1], [1, 1, 1, 0, 0, 1], [0, 0, 0, 0, 1, 1], [1, 0, 0, 0, 0, 0]], bool)
    lowest = np.where(thawed, 1.0, -1.0)[np.newaxis]
    first = np.full(section.shape, -1.0)
    pit = np.array([False, True, True, False, False, False])
    years = Years(lowest, lowest, lowest, first)
    assert thaw_bulb(section, years, pit)[0] == 5.0
    assert thaw_bulb(section, years, ~pit)[0] == 5.0 + 4.0 + 1.0
    assert thaw_bulb(section, years, np.full(6, False))[0] == 0.0
    warm_below = first.copy()
    warm_below[1, :3] = 0.5  # was thawed before, as the ground below permafrost is
    assert thaw_bulb(section, Years(lowest, lowest, lowest, warm_below), pit)[0] == 2.0


def test_a_bulb_lasts_two_years():
    cold, warm = np.full((4, 6), -1.0), np.full((4, 6), 1.0)
    section = Section(np.arange(7.0), [0, -1, -2, -3, -4], soils={"rock": ROCK}, soil_of="rock")
    lowest = np.stack([cold, warm, warm, cold])
    areas = thaw_bulb(section, Years(lowest, lowest, lowest, cold), np.full(6, True))
    np.testing.assert_array_equal(areas, [0, 0, 24, 0])
