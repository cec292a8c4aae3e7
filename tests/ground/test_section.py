"""What pits, lakes and heaps do to permafrost in a section, and what a run refuses."""

import numpy as np
import pytest
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.ground.forcing import sinusoid
from cryoscale.ground.section import simulate_section, temperature_below
from cryoscale.ground.section_grid import Section, stretched_edges
from cryoscale.ground.section_plan import Clock
from cryoscale.ground.section_shapes import heap_stages, pit_stages
from cryoscale.ground.section_stages import Stage
from cryoscale.ground.soils import FreezingStep, Soil, UnfrozenWater

SOILS = {
    "silt": Soil(0.35, UnfrozenWater(0.05, -0.5), 2.8e6, 2.0e6, 1.3, 2.2),
    "rock": Soil(0.05, FreezingStep(0.1), 2.3e6, 2.1e6, 2.6, 2.8),
    "waste": Soil(0.1, FreezingStep(0.1), 2.0e6, 1.8e6, 1.2, 1.4),
}
NATURAL = [Stage(0.0, 0.0, forcing="natural")]


def wave(mean, amplitude, years):
    days = np.arange(int(years * 365.25) + 1)
    return mean - amplitude * np.cos(2 * np.pi * days / 365.25)


def make_section(nx=12, top=0.0, base=-40.0):
    z_edges = np.concatenate([np.arange(top, 0.0, -1.0), stretched_edges(0.0, base, first=0.3, growth=1.2)])
    names = np.where(z_edges[1:] > -4, "silt", "rock")[:, np.newaxis]
    return Section(np.arange(-nx / 2, nx / 2 + 1) * 10.0, z_edges, soils=SOILS, soil_of=names)


def simulate(section, stages, *, years=3, initial=-3.0, **options):
    forcings = {"natural": wave(-3, 12, years), "pit": wave(-2, 12, years), "lake": 4.0, "heap": wave(-4, 12, years)}
    forcings["backfill"] = forcings["natural"]
    options = {"forcings": forcings, "step_days": 10.0, **options}
    return simulate_section(section, stages=stages, initial=initial, years=years, **options)


PIT = {"centre": 0.0, "floor_width": 40.0, "depth": 10.0, "slope": 45.0}
HEAP = {"centre": 0.0, "crest_width": 40.0, "height": 8.0, "slope": 40.0, "fill": "waste", "fill_temperature": 3.0}


def test_a_stage_that_changes_nothing_changes_nothing():
    section = make_section()
    plain = simulate(section, NATURAL)
    again = Stage(1.3, np.zeros(12), forcing=["natural"] * 12, fill="waste", fill_temperature=20.0)
    xr.testing.assert_identical(simulate(section, [*NATURAL, again]), plain)


def test_a_pit_that_is_filled_back_at_once_as_it_was_leaves_no_trace():
    """Dug for one step under ground of one soil and temperature, and a surface of the same: as if it had not been."""
    z_edges = stretched_edges(0.0, -40.0, first=0.5, growth=1.2)
    section = Section(np.arange(0.0, 70.0, 10.0), z_edges, soils=SOILS, soil_of="rock")
    filled = pit_stages(
        section, 0.0, centre=30, floor_width=20, depth=5, slope=90, dug=0.5, backfilled=0.53, fill="rock",
        fill_temperature=-2.0,
    )  # fmt: skip
    run = simulate(section, filled, initial=-2.0, years=1, forcings=dict.fromkeys(("natural", "pit", "backfill"), -2.0),
                   geothermal_flux=0.0)  # fmt: skip
    np.testing.assert_allclose(run.section_temperature, -2.0, atol=1e-9)
    assert float(run.heat_placed[0]) == pytest.approx(0.0, abs=1.0)


def test_a_warm_lake_makes_a_thaw_bulb_that_grows():
    section = make_section(nx=16)
    run = simulate(section, pit_stages(section, 0.0, **PIT, dug=1.0, flooded=2.0), years=12)
    bulb = run.thaw_bulb_area.values
    assert (bulb[:3] == 0).all()
    assert (np.diff(bulb[3:]) >= 0).all()
    assert bulb[-1] > 1.5 * bulb[5] > 0
    table = run.section_surface - run.permafrost_table_depth
    assert float(table.sel(x=5)[-1]) < float(table.sel(x=5)[3]) < -10
    assert np.isnan(run.active_layer_thickness.sel(x=5)[-1])
    assert float(run.temperature_10m.sel(x=5)[-1]) > float(run.temperature_10m.sel(x=75)[-1]) + 0.5
    assert float(run.active_layer_thickness.sel(x=75)[-1]) == pytest.approx(
        float(run.active_layer_thickness.sel(x=75)[1]), abs=0.1
    )
    assert (run.heap_area == 0).all()


def test_a_heap_freezes_from_its_base_and_the_table_rises_into_it():
    section = make_section(nx=14, top=8.0)
    run = simulate(section, heap_stages(section, 0.0, **HEAP, started=1.0), years=10, save_every=0.5)
    crest = run.sel(x=5)
    table = (crest.section_surface - crest.permafrost_table_depth).values
    assert table[0] < 0
    assert table[-1] > 3
    frozen, area = run.heap_frozen_area.values, run.heap_area.values
    assert area[0] == 0
    assert (area[1:] == area[1]).all()
    assert area[1] == pytest.approx(8 * 40 + 8 * 8 / np.tan(np.radians(40)), rel=0.1)
    assert frozen[1] == 0
    assert frozen[-1] > 0.5 * area[-1]
    # In the first summer the heap is frozen at its base while it is still thawed above.
    first = crest.section_temperature.sel(time=1.5, method="nearest")
    assert float(first.sel(z=0.5)) < float(first.sel(z=3.5))
    assert float(first.sel(z=3.5)) > 0
    assert (run.thaw_bulb_area == 0).all()


def test_before_the_first_change_it_is_as_without_one():
    section = make_section(top=8.0)
    plain, heaped = simulate(section, NATURAL), simulate(section, heap_stages(section, 0.0, **HEAP, started=1.0))
    early = {"time": slice(0, 1.0)}
    xr.testing.assert_identical(heaped.section_temperature.sel(early), plain.section_temperature.sel(early))
    assert not heaped.section_temperature.sel(time=2.0).equals(plain.section_temperature.sel(time=2.0))


def test_what_a_run_holds():
    section = make_section(top=3.0)
    run = simulate(section, NATURAL, save_every=0.5, step_days=5)
    assert dict(run.section_temperature.sizes) == {"time": 7, "z": section.shape[0], "x": 12}
    np.testing.assert_allclose(run.time, np.arange(0, 3.1, 0.5), atol=0.03)
    assert run.section_temperature[:, :3].isnull().all()
    assert run.section_temperature[:, 3:].notnull().all()
    np.testing.assert_array_equal(run.first_surface, 0.0)
    np.testing.assert_array_equal(run.x_bounds[:, 1], section.x_edges[1:])
    for name, unit in (("section_temperature_mean", "degC"), ("thaw_bulb_area", "m2"), ("heat_placed", "J m-1")):
        assert run[name].attrs["units"] == unit
    between = run.section_temperature_min <= run.section_temperature_mean
    assert (between | run.section_temperature_mean.isnull()).all()
    surface = run.section_temperature_mean[-1].isel(z=3)
    np.testing.assert_allclose(surface, -3.0, atol=0.4)


def test_cells_placed_within_a_year_count_since_then():
    section = Section([0, 10], [2, 1, 0, -1, -3, -9], soils=SOILS, soil_of="rock")
    stages = [*NATURAL, Stage(0.5, 2.0, forcing="natural", fill="rock", fill_temperature=5.0)]
    run = simulate(section, stages, years=2, forcings={"natural": 5.0}, initial=5.0, geothermal_flux=0.0)
    np.testing.assert_allclose(run.section_temperature_mean, 5.0)
    assert run.section_temperature.sel(time=0).isnull().sum() == 2


def test_initial_temperatures_from_a_profile():
    section = make_section(nx=4)
    depth = [0.0, 5.0, 40.0]
    warmth = temperature_below(section, [0.0, 0.0, -2.0, -2.0], depth=depth, temperature=[-5.0, -3.0, -2.0])
    assert warmth.shape == section.shape
    np.testing.assert_allclose(warmth[:, 0], np.interp(-section.z, depth, [-5.0, -3.0, -2.0]))
    np.testing.assert_allclose(warmth[:, 3], np.interp(-section.z - 2.0, depth, [-5.0, -3.0, -2.0]))
    with pytest.raises(InputError, match="the profile ends at 10 m, but the lowest cell's centre is .* m below"):
        temperature_below(section, 0.0, depth=[0.0, 10.0], temperature=[-1.0, -1.0])
    with pytest.raises(InputError, match="must be one list each, deeper by deeper"):
        temperature_below(section, 0.0, depth=[0.0, 50.0, 20.0], temperature=[-1.0, -1.0, -2.0])


def test_a_day_belongs_to_the_steps_that_it_is_in():
    clock = Clock.of(2, step_days=7.0, save_every=1.0)
    assert clock.per_year == 53
    days = np.random.default_rng(0).normal(0, 10, 731)
    means = clock.means("pit", days)
    assert means.mean() * 730.5 == pytest.approx(days[:730].sum() + days[730] / 2)
    np.testing.assert_array_equal(clock.means("lake", 4), 4.0)
    np.testing.assert_allclose(clock.means("pit", days[:730])[:-1], means[:-1])


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([], "the first must start at 0 a"),
        ([Stage(1.0, 0.0, forcing="natural")], r"stages: start at \[1.0\] a, but the first must start at 0 a"),
        (
            [*NATURAL, Stage(2.0, 0.0, forcing="pit"), Stage(1.0, 0.0, forcing="pit")],
            "one starts at 1 a after one at 2 a. Give them in order of time, at least one step of 9.87 d apart",
        ),
        ([*NATURAL, Stage(5.0, 0.0, forcing="pit")], "one starts at 5 a, but the run ends after 3 a"),
        ([Stage(0.0, 4.0, forcing="natural")], "its surface is at 4 m, above the grid, whose top is at 3 m"),
        ([Stage(0.0, -50.0, forcing="natural")], "its surface is at -50 m and leaves no cell below it"),
        ([*NATURAL, Stage(1.0, 2.0, forcing="pit")], "raises the surface at x = -55 m, but has no fill"),
        (
            [*NATURAL, Stage(1.0, 2.0, forcing="pit", fill="coal", fill_temperature=1.0)],
            "stage at 1 a: fill: names the soil 'coal', but soils has only silt, rock, waste",
        ),
        ([Stage(0.0, 0.0, forcing="moor")], "needs the forcing 'moor', but forcings has only natural, pit"),
        ([Stage(0.0, 0.0, forcing=["natural"] * 3)], "has 3 names in forcing, but the section has 12 columns"),
        ([Stage(0.0, [0.0, 1.0], forcing="natural")], r"its surface: has the shape \(2,\), but the section has 12"),
    ],
)
def test_stages_that_cannot_be(stages, message):
    with pytest.raises(InputError, match=message):
        simulate(make_section(top=3.0), stages)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"years": 0}, "years: is 0, but must be a whole number of years"),
        ({"years": 1.5}, "years: is 1.5, but must be a whole number of years"),
        ({"step_days": 0.0}, "step_days: is 0 d, but must be above 0 and at most 31 d"),
        ({"step_days": 60.0}, "step_days: is 60 d"),
        ({"save_every": 9.0}, "save_every: is 9 a, but must be above 0 and at most the run's 3 a"),
        ({"geothermal_flux": 60.0}, "geothermal_flux: is 60 W m-2, which no ground has. Divide mW m-2 by 1000"),
        ({"initial": 270.0}, "initial: holds NaN or temperatures beyond -80 to 80 degC .* subtracting 273.15"),
        ({"initial": np.nan}, "initial: holds NaN"),
        ({"initial": np.zeros((3, 3))}, r"initial: has the shape \(3, 3\), but the section has"),
        (
            {"forcings": {"natural": np.zeros(900)}},
            r"forcings\['natural'\]: has the shape \(900,\), .* need 1095 daily",
        ),
        ({"forcings": {"natural": 268.0}}, r"forcings\['natural'\]: holds NaN or temperatures beyond"),
        ({"forcings": {"natural": np.nan}}, r"forcings\['natural'\]: holds NaN"),
        ({"forcings": {"natural": sinusoid(0, 9, years=3, step_hours=1)}}, "has steps of 3600 s, but must have daily"),
        ({"forcings": {"natural": sinusoid(0, 9, years=3)[[0, 1, 5]]}}, "its times are not even"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(InputError, match=message):
        simulate(make_section(), NATURAL, **options)
