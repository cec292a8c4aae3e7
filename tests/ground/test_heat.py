from dataclasses import replace

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from cryoscale.errors import InputError
from cryoscale.ground.column_stages import ColumnStage, graded_edges
from cryoscale.ground.forcing import Surface, sinusoid, snow_resistance
from cryoscale.ground.heat import MAPS, HeatColumn, simulate_columns
from cryoscale.ground.snow import resolve_snow
from cryoscale.ground.soils import FreezingStep, Layer, Soil, UnfrozenWater

SOILS = {
    "peat": Soil(0.7, UnfrozenWater(0.05, -0.4), 3.0e6, 1.9e6, 0.5, 1.5),
    "silt": Soil(0.4, UnfrozenWater(0.07, -0.19), 2.6e6, 2.0e6, 1.1, 2.1),
    "sand": Soil(0.2, FreezingStep(0.05), 2.4e6, 1.9e6, 1.6, 2.6),
    "rock": Soil(0.0, FreezingStep(), 2.3e6, 2.2e6, 2.5, 2.6),
}
EDGES = graded_edges(30.0, first=0.1, growth=1.15)
LAYERED = HeatColumn.of_layers(
    [Layer(SOILS["peat"], 0.3), Layer(SOILS["silt"], 3.0), Layer(SOILS["rock"], 10.0)],
    edges=EDGES,
    geothermal_flux=0.06,
)
WAVE = sinusoid(-2.0, 12.0, years=2)


def imbalance(result):
    parts = result.column_heat_from_surface + result.column_heat_from_base + result.column_heat_placed
    return abs(float(result.column_heat_change - parts)) / max(float(result.column_heat_turnover), 1e6)


def district(ny=5, nx=9, seed=0):
    """A column, a surface and initial temperatures that differ in every pixel, one of them without data."""
    rng = np.random.default_rng(seed)
    dims, shape = ("y", "x"), (ny, nx)
    mean = xr.DataArray(rng.uniform(-6, 3, shape), dims=dims)
    mean[1, 2] = np.nan
    column = HeatColumn(EDGES, SOILS, xr.DataArray(rng.integers(0, 4, (EDGES.size - 1, *shape)), dims=("depth", *dims)))
    surface = Surface(
        sinusoid(0.0, 1.0, years=2),
        mean=mean,
        scale=xr.DataArray(rng.uniform(6, 14, shape), dims=dims),
        n_freeze=xr.DataArray(rng.uniform(0.4, 1.0, shape), dims=dims),
        trend=0.05,
    )
    initial = mean + xr.DataArray(rng.normal(0, 0.5, EDGES.size - 1), dims="depth")
    return column, surface, initial


def pixel(column, surface, initial, **place):
    """One pixel of a district as a column of its own."""
    names = list(column.soils)
    own = replace(column, soil_of=[names[i] for i in column.soil_of.isel(place).values])
    parts = {name: float(getattr(surface, name).isel(place)) for name in ("mean", "scale", "n_freeze")}
    return own, replace(surface, **parts), initial.isel(place).transpose("depth")


def pit(dug=1.0, filled=None, depth=5.0):
    stages = [ColumnStage(0.0, 0.0, forcing="natural"), ColumnStage(dug, depth, forcing="pit")]
    if filled is not None:
        stages.append(ColumnStage(filled, 0.0, forcing="natural", fill="sand", fill_temperature=-3.0))
    return stages


@given(
    st.lists(st.sampled_from(list(SOILS)), min_size=6, max_size=6),
    st.lists(st.floats(-30, 25), min_size=30, max_size=60),
    st.lists(st.floats(-15, 15), min_size=6, max_size=6),
    st.floats(0.0, 2.0),
    st.floats(0.02, 0.5),
)
@settings(max_examples=60)
def test_temperatures_stay_within_those_of_the_surface_and_the_begin_and_heat_balances(
    soils, surface, initial, resistance, thickness
):
    times = np.datetime64("2001-01-01", "ns") + np.arange(len(surface)) * np.timedelta64(1, "D")
    series = xr.DataArray(surface, {"time": times}, ("time",))
    column = HeatColumn(thickness * np.arange(7), SOILS, soils)
    result = column.run(Surface(series, snow=series * 0 + resistance), xr.DataArray(np.array(initial), dims="depth"))
    low, high = min([*surface, *initial]), max([*surface, *initial])
    slack = 2 * column.tolerance
    assert float(result.ground_temperature.min()) >= low - slack
    assert float(result.ground_temperature.max()) <= high + slack
    assert imbalance(result) < 1e-9


def test_heat_balances_over_years_with_pits_and_heaps():
    surfaces = {"natural": Surface(sinusoid(-2.0, 12.0, years=6)), "pit": Surface(sinusoid(3.0, 9.0, years=6))}
    result = LAYERED_SAND.run(surfaces, -2.0, stages=pit(1.4, 3.7), every=100)
    assert imbalance(result) < 1e-6
    assert abs(float(result.column_heat_placed)) > 1e6


LAYERED_SAND = replace(LAYERED, soils={**LAYERED.soils, "sand": SOILS["sand"]})


def test_a_pit_that_is_filled_back_at_once_changes_nothing():
    column = HeatColumn(EDGES, SOILS, "silt", geothermal_flux=0.05)
    start = xr.DataArray(np.where(column.depth < 5, -3.0, -2.0), dims="depth")
    surface = Surface(WAVE)
    surfaces = {"natural": surface, "pit": surface}
    back = ColumnStage(0.0, 0.0, forcing="natural", fill="silt", fill_temperature=-3.0)
    stages = [ColumnStage(0.0, 0.0, forcing="natural"), ColumnStage(0.0, 5.0, forcing="pit"), back]
    whole = column.run(surface, start)
    dug = column.run(surfaces, start, stages=stages)
    np.testing.assert_array_equal(whole.ground_temperature, dug.ground_temperature)
    np.testing.assert_array_equal(whole.permafrost_table_depth, dug.permafrost_table_depth)
    assert float(dug.column_heat_placed) == pytest.approx(0.0, abs=1.0)


def test_what_is_dug_is_not_there_and_what_is_placed_comes_as_it_is():
    surfaces = {"natural": Surface(WAVE), "pit": Surface(WAVE + 8.0)}
    result = LAYERED_SAND.run(surfaces, -2.0, stages=pit(0.5, 1.0))
    lower = LAYERED_SAND.depth < 5.0
    inside, deep = result.ground_temperature.values[:, lower], result.ground_temperature.values[:, ~lower]
    step, back = round(0.5 * 365.25), round(365.25)
    gone = np.isnan(inside).all(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(gone), np.arange(step, back))
    assert np.isfinite(deep).all()
    middle = (result.depth.values > 2.2) & (result.depth.values < 4.0)
    placed = result.ground_temperature.values[back, middle]
    np.testing.assert_allclose(placed, -3.0, atol=0.05)  # degC of dumping, a day later away from the boundaries


def test_a_column_with_a_pit_goes_on_as_one_that_begins_at_its_floor():
    """The floor at the begin of the run, on a grid that begins there."""
    column = HeatColumn(0.25 * np.arange(61), SOILS, "silt", geothermal_flux=0.05)
    low = HeatColumn(0.25 * np.arange(41), SOILS, "silt", geothermal_flux=0.05)
    deep = column.run({"pit": Surface(WAVE)}, -1.0, stages=[ColumnStage(0.0, 5.0, forcing="pit")])
    floor = low.run(Surface(WAVE), -1.0)
    np.testing.assert_array_equal(deep.ground_temperature[:, 20:], floor.ground_temperature)
    for name in MAPS:
        np.testing.assert_allclose(deep[name], floor[name], rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("columns", [[0], [7], [16], [3, 40, 17], list(range(44, -1, -1))])
def test_a_column_is_the_same_to_the_bit_wherever_it_lies(columns):
    column, surface, initial = district()
    flat = {"pixel": ("y", "x")}
    names = ("mean", "scale", "n_freeze")
    surface = replace(surface, **{name: getattr(surface, name).stack(flat).reset_index("pixel") for name in names})
    column = replace(
        column, soil_of=column.soil_of.stack(flat).reset_index("pixel").drop_vars(("y", "x"), errors="ignore")
    )
    initial = initial.stack(flat).reset_index("pixel").drop_vars(("y", "x"), errors="ignore")
    whole = simulate_columns(column, surface, initial)
    part = simulate_columns(
        replace(column, soil_of=column.soil_of.isel(pixel=columns)),
        replace(surface, **{name: getattr(surface, name).isel(pixel=columns) for name in names}),
        initial.isel(pixel=columns),
    )
    for name in MAPS:
        np.testing.assert_array_equal(part[name], whole[name].isel(pixel=columns), err_msg=name)


def test_maps_are_those_of_the_pixels_and_have_no_data_where_an_input_has_none():
    column, surface, initial = district()
    maps = simulate_columns(column, surface, initial)
    assert maps.ground_thermal_state.dtype == np.uint8
    assert (maps.ground_thermal_state[:, 1, 2] == 0).all()
    assert np.isnan(maps.temperature_10m[:, 1, 2]).all()
    for place in ({"y": 0, "x": 0}, {"y": 4, "x": 8}, {"y": 2, "x": 5}):
        own = HeatColumn.run(*pixel(column, surface, initial, **place), every=100)
        for name in MAPS:
            np.testing.assert_allclose(maps[name].isel(place), own[name], rtol=1e-6, err_msg=name)


def test_lazy_chunked_and_eager_maps_are_the_same_to_the_bit(assert_lazy):
    column, surface, initial = district()
    lowered = xr.DataArray(np.linspace(0.0, 6.0, 45).reshape(5, 9), dims=("y", "x"))
    stages = [
        ColumnStage(0.0, 0.0, forcing="natural"),
        ColumnStage(0.6, lowered, forcing="pit", where=lowered > 2.0),
        ColumnStage(1.1, 0.0, forcing="natural", fill="sand", fill_temperature=lowered - 5.0, where=lowered > 4.0),
    ]
    surfaces = {"natural": surface, "pit": replace(surface, mean=surface.mean + 4.0)}
    eager = simulate_columns(column, surfaces, initial, stages=stages)
    tiles = {"y": 2, "x": 4}
    with assert_lazy():
        chunked = {
            name: replace(s, mean=s.mean.chunk(tiles), scale=s.scale.chunk(tiles)) for name, s in surfaces.items()
        }
        cut = [replace(stage, where=None if stage.where is None else stage.where.chunk(tiles)) for stage in stages]
        lazy = simulate_columns(
            replace(column, soil_of=column.soil_of.chunk(tiles)), chunked, initial.chunk(tiles), stages=cut
        )
    with dask.config.set(scheduler="threads", num_workers=2):
        xr.testing.assert_identical(lazy.compute(), eager)


def test_yearly_results_of_a_column():
    cold = LAYERED.run(Surface(sinusoid(-6.0, 12.0, years=3)), -6.0)
    warm = LAYERED.run(Surface(sinusoid(3.0, 6.0, years=3)), 3.0)
    hot = LAYERED.run(Surface(sinusoid(12.0, 6.0, years=3)), 12.0)
    assert cold.ground_thermal_state.values.tolist() == [1, 1, 1]
    assert warm.ground_thermal_state.values.tolist() == [3, 3, 3]
    assert hot.ground_thermal_state.values.tolist() == [4, 4, 4]
    assert np.isnan(warm.active_layer_thickness).all()
    year = cold.sel(time="2002")
    highest, z = year.ground_temperature.max("time").values, cold.depth.values
    row = int(np.argmax(highest <= 0))
    by_hand = np.interp(0.0, [-highest[row - 1], -highest[row]], [z[row - 1], z[row]])
    assert float(cold.active_layer_thickness.sel(year=2002)) == pytest.approx(by_hand)
    assert (cold.permafrost_table_depth >= cold.active_layer_thickness - 1e-12).all()
    mean = year.ground_temperature.mean("time")
    assert float(cold.temperature_10m.sel(year=2002)) == pytest.approx(float(mean.interp(depth=10.0)))
    np.testing.assert_allclose(cold.ground_temperature_mean.sel(year=2002), mean)
    np.testing.assert_array_equal(cold.ground_temperature_max.sel(year=2002), highest)
    span = highest - year.ground_temperature.min("time").values
    assert float(cold.seasonless_temperature.sel(year=2002)) == pytest.approx(float(mean[np.argmax(span <= 0.1)]))


def test_a_lake_makes_a_talik_that_grows():
    years = 12
    surfaces = {
        "natural": Surface(sinusoid(-5.0, 11.0, years=years)),
        "pit": Surface(sinusoid(4.0, 3.0, years=years)),
    }
    column = HeatColumn(EDGES, SOILS, "silt", geothermal_flux=0.05)
    result = column.run(surfaces, -5.0, stages=pit(2.0, depth=3.0), every=365)
    state, table = result.ground_thermal_state.values, result.permafrost_table_depth.values
    assert (state[:2] == 1).all()
    assert (state[4:] == 2).all()
    assert (np.diff(table[4:]) > 0).all()
    assert np.isnan(result.active_layer_thickness[4:]).all()


def test_years_that_are_not_whole_have_no_yearly_results():
    cut = WAVE.isel(time=slice(100, 500))
    result = LAYERED.run(Surface(cut), -2.0)
    assert np.isnan(result.permafrost_table_depth).all()
    assert (result.ground_thermal_state == 0).all()


def test_snow_keeps_ground_warm_and_cells_of_snow_with_hardly_any_heat_are_its_resistance():
    air = sinusoid(-8.0, 16.0, years=1)
    depth = (air < -10) * 0.2 + 0.0 * air
    snow = Soil(0.0, FreezingStep(), 1e5, 1e5, 0.25, 0.25)
    bare = LAYERED.run(Surface(air), -4.0)
    resisting = LAYERED.run(Surface(air, snow=snow_resistance(depth, 0.25)), -4.0)
    snowy = resolve_snow(LAYERED, depth, air, snow=snow, cell=0.02)
    start = snowy.initial(xr.DataArray(np.full(LAYERED.depth.size, -4.0), {"depth": LAYERED.depth}, ("depth",)))
    resolved = snowy.of_ground(snowy.column.run(Surface(air), start, stages=snowy.stages))
    assert float((resisting.ground_temperature - bare.ground_temperature).isel(depth=0).min()) > -1.0
    assert float(resisting.ground_temperature.isel(depth=0).min() - bare.ground_temperature.isel(depth=0).min()) > 3.0
    np.testing.assert_allclose(resolved.depth, LAYERED.depth, atol=1e-12)
    np.testing.assert_allclose(resolved, resisting.ground_temperature, atol=0.4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"edges": [0.0, 1.0, 0.5, 2.0]}, "no negative thickness"),
        ({"edges": [0.5, 1.0, 1.5, 2.0]}, "begin with 0"),
        ({"soil_of": "clay"}, r"soil_of: \['clay'\] are not among the soils"),
        ({"soil_of": ["silt", "silt"]}, "has 2 names, but there are 3 cells"),
        ({"tolerance": 0.0}, "tolerance: is 0.0 K"),
    ],
)
def test_columns_that_cannot_be_are_refused(change, said):
    good = {"edges": [0.0, 0.5, 1.0, 2.0], "soils": SOILS, "soil_of": "silt"}
    with pytest.raises(InputError, match=said):
        HeatColumn(**good | change)


@pytest.mark.parametrize(
    ("surface", "initial", "flux", "said"),
    [
        (Surface(WAVE + 300), -2.0, 0.0, "surface 'surface', series: holds .* must lie between -90 and 90 degC"),
        (Surface(WAVE.where(WAVE < 5)), -2.0, 0.0, "surface 'surface', series: holds nan"),
        (Surface(WAVE, n_thaw=-1.0), -2.0, 0.0, "n_thaw: holds -1, but must lie between 0 and 5 1"),
        (Surface(WAVE, snow=WAVE * 0 - 1.0), -2.0, 0.0, "snow: holds -1"),
        (Surface(WAVE), 271.0, 0.0, "initial: holds 271, but must lie between -90 and 90 degC"),
        (Surface(WAVE), -2.0, 60.0, "geothermal_flux: holds 60, but must lie between -10 and 10 W m-2"),
        (Surface(WAVE), xr.DataArray(np.zeros(4), dims="depth"), 0.0, "has 4 depths, but the column"),
        (Surface(WAVE, mean=xr.DataArray(np.zeros(3), dims="x")), -2.0, 0.0, "but one column is run"),
    ],
)
def test_forcings_that_cannot_be_are_refused(surface, initial, flux, said):
    with pytest.raises(InputError, match=said):
        replace(LAYERED, geothermal_flux=flux).run(surface, initial)


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ([ColumnStage(1.0, 0.0, forcing="natural")], "the first must begin at 0"),
        ([*pit(2.0), ColumnStage(1.0, 0.0, forcing="natural")], "the others in order"),
        ([ColumnStage(0.0, 0.0, forcing="lake")], "forcing 'lake' is not among the surfaces"),
        ([*pit(), ColumnStage(1.5, 0.0, forcing="natural")], "stage at 1.5 a: places ground, but has no fill"),
        ([*pit(), ColumnStage(1.5, 0.0, forcing="pit", fill="mud")], "fill 'mud' is not among the soils"),
        (pit(depth=500.0), "stage at 1 a, surface: holds 500, but must lie between 0 and"),
        (pit(depth=-2.0), "stage at 1 a, surface: holds -2"),
    ],
)
def test_stages_that_cannot_be_are_refused(stages, said):
    surfaces = {"natural": Surface(WAVE), "pit": Surface(WAVE)}
    with pytest.raises(InputError, match=said):
        LAYERED_SAND.run(surfaces, -2.0, stages=stages)


def test_grids_snow_and_spin_ups_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="make no grid of 1 m"):
        graded_edges(1.0, first=2.0)
    with pytest.raises(InputError, match=r"ColumnStage.start: is -1"):
        ColumnStage(-1, 0.0, forcing="pit")
    with pytest.raises(InputError, match="still drifts by"):
        LAYERED.spin_up(Surface(sinusoid(-2.0, 12.0, years=1)), 20.0, tolerance=1e-9, most_years=5)
    with pytest.raises(InputError, match="negative or missing"):
        resolve_snow(LAYERED, WAVE * 0 - 1, WAVE, snow=SOILS["rock"])
    with pytest.raises(InputError, match="every: is 0"):
        LAYERED.run(Surface(WAVE), -2.0, every=0)
