"""Sections against solutions that are known, solvers that are not ours, and their own mirror images."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.linalg import spsolve

from cryoscale.errors import InputError
from cryoscale.ground import _section
from cryoscale.ground.forcing import Surface, sinusoid
from cryoscale.ground.heat import HeatColumn
from cryoscale.ground.section import simulate_section
from cryoscale.ground.section_grid import Section, stretched_edges
from cryoscale.ground.section_run import TOLERANCE, State
from cryoscale.ground.section_shapes import heap_stages, pit_stages
from cryoscale.ground.section_stages import Stage
from cryoscale.ground.soils import FreezingStep, Soil, UnfrozenWater, liquid_share

DAY = 86400.0
SILT = Soil(0.35, UnfrozenWater(0.05, -0.5), 2.8e6, 2.0e6, 1.3, 2.2)
ROCK = Soil(0.05, FreezingStep(0.1), 2.3e6, 2.1e6, 2.6, 2.8)
DRY = Soil(0.0, FreezingStep(), 2.0e6, 2.0e6, 2.0, 2.0)
BONAN = Soil(1.1045e8 / 3.34e8, FreezingStep(0.01), 2.862e6, 1.966e6, 1.860, 2.324)


def wave(mean, amplitude, years):
    days = np.arange(int(years * 365.25) + 1)
    return mean - amplitude * np.cos(2 * np.pi * days / 365.25)


def both_ways(half, **widths):
    edges = stretched_edges(0.0, half, **widths)
    return np.concatenate([-edges[:0:-1], edges])


def small_section(nx=15, width=10.0, *, top=0.0, x_edges=None):
    x_edges = np.linspace(-nx / 2, nx / 2, nx + 1) * width if x_edges is None else x_edges
    above = np.arange(top, 0.0, -1.0)
    below = stretched_edges(0.0, -60.0, first=0.2, growth=1.2)
    z_edges = np.concatenate([above, below])
    names = np.where(z_edges[1:] > -4, "silt", "rock")[:, np.newaxis]
    return Section(x_edges, z_edges, soils={"silt": SILT, "rock": ROCK}, soil_of=names)


def pit_run(section, *, years=4, **options):
    shape = {"centre": 0.0, "floor_width": 30.0, "depth": 8.0, "slope": 40.0}
    stages = pit_stages(section, 0.0, **shape, dug=1.0, flooded=2.0, lake_depth=5.0)
    forcings = {"natural": wave(-3, 12, years), "pit": wave(-2, 13, years), "lake": 4.0}
    return simulate_section(section, forcings=forcings, stages=stages, initial=-3.0, years=years, **options)


@given(st.integers(0, 1000), st.integers(1, 9), st.integers(1, 9))
def test_the_linear_solver_is_that_of_scipy(seed, rows, columns):
    rng = np.random.default_rng(seed)
    down, right = rng.uniform(0, 5, (2, rows, columns)) * (rng.random((2, rows, columns)) < 0.8)
    down[-1], right[:, -1] = 0.0, 0.0
    matrix = sparse.diags_array(rng.uniform(0.1, 2.0, rows * columns)).tolil()
    for j in range(rows):
        for i in range(columns):
            for value, there, (row, column) in (
                (down[j, i], j + 1 < rows, (j + 1, i)),
                (right[j, i], i + 1 < columns, (j, i + 1)),
            ):
                if there:
                    one, other = j * columns + i, row * columns + column
                    matrix[one, other] = matrix[other, one] = -value
                    matrix[one, one] += value
                    matrix[other, other] += value
    b = rng.normal(size=(rows, columns))
    main = matrix.diagonal().reshape(rows, columns)
    solved = _section.solve(main, down, right, b, 1e-12)
    np.testing.assert_allclose(solved.ravel(), spsolve(matrix.tocsc(), b.ravel()), atol=1e-9, rtol=1e-9)


def dense_step(dx, dz, there, k, capacity, warm, seconds, flux, before):
    """Implicit Euler without phase change, written out cell by cell; `warm` gives what a face to the air has."""
    rows, columns = there.shape
    number = np.cumsum(there.ravel()).reshape(there.shape) - 1
    matrix, b = np.zeros((there.sum(), there.sum())), np.zeros(there.sum())
    for j, i in np.argwhere(there):
        n = number[j, i]
        matrix[n, n] += capacity * dx[i] * dz[j] / seconds
        b[n] += capacity * dx[i] * dz[j] / seconds * before
        for dj, di in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            face, size, beyond = (dx[i], dz[j], dz) if dj else (dz[j], dx[i], dx)
            at = (j + dj, i + di)
            if at[0] == rows:
                b[n] += flux * dx[i]
            elif not 0 <= at[1] < columns:
                continue
            elif at[0] < 0 or not there[at]:
                matrix[n, n] += k * face / (size / 2)
                b[n] += k * face / (size / 2) * warm(dj, i, at[1])
            else:
                through = k * face / (size / 2 + beyond[at[0] if dj else at[1]] / 2)
                matrix[n, n] += through
                matrix[n, number[at]] -= through
    found = np.zeros(there.shape)
    found[there] = np.linalg.solve(matrix, b)
    return found


def test_a_step_in_a_pit_is_that_of_a_dense_matrix():
    rng = np.random.default_rng(4)
    dx, dz = rng.uniform(0.5, 3, 7), rng.uniform(0.3, 2, 6)
    there = np.arange(6)[:, np.newaxis] >= np.array([0, 0, 2, 4, 1, 0, 3])
    floor, wall = np.array([0, 0, 1, 1, 1, 0, 1]), np.array([0, 2, 1, 1, 2, 0, 1])
    warmth = np.array([-7.0, -3.0, -5.0])
    edges = {"x_edges": np.append(0, np.cumsum(dx)), "z_edges": -np.append(0, np.cumsum(dz))}
    section = Section(**edges, soils={"dry": DRY}, soil_of="dry")
    plane = _section.Plane(section.dz, section.dx, section.soil_indices(), there, floor, wall)
    state = State.begin(section, plane, np.full(section.shape, -4.0))
    heat = state.advance(warmth, flux=0.3, seconds=20 * DAY)

    def warm(dj, own, beside):
        return warmth[floor[own]] if dj else warmth[wall[beside]]

    expected = dense_step(dx, dz, there, 2.0, 2.0e6, warm, 20 * DAY, 0.3, -4.0)
    np.testing.assert_allclose(state.temperature, expected, atol=1e-8)
    change = (2.0e6 * (expected + 4.0) * there * np.outer(dz, dx)).sum()
    assert heat + 0.3 * dx.sum() * 20 * DAY == pytest.approx(change, rel=1e-8)


def test_the_steady_state_under_a_step_of_the_surface():
    """Laplace's equation in the half space: T = T0 / pi * 2 atan(x / z) between -T0 and T0 (Carslaw and Jaeger)."""
    x_edges = both_ways(4000.0, first=0.25, growth=1.15)
    z_edges = stretched_edges(0.0, -4000.0, first=0.25, growth=1.15)
    section = Section(x_edges, z_edges, soils={"dry": DRY}, soil_of="dry")
    side = (section.x > 0).astype(np.int64)
    plane = _section.Plane(section.dz, section.dx, section.soil_indices(), np.full(section.shape, True), side, side)
    state = State.begin(section, plane, np.full(section.shape, -1.0))
    state.advance(np.array([-3.0, 3.0]), flux=0.0, seconds=1e16)
    expected = 3.0 * 2.0 / np.pi * np.arctan(section.x / -section.z[:, np.newaxis])
    near = (np.abs(section.x) < 20) & (section.z > -20)[:, np.newaxis]
    assert near.sum() > 300
    np.testing.assert_allclose(state.temperature[near], expected[near], atol=0.01 * 6.0)
    away = near & (np.hypot(section.x, section.z[:, np.newaxis]) > 2.0)
    np.testing.assert_allclose(state.temperature[away], expected[away], atol=0.002 * 6.0)


@pytest.mark.parametrize(("step_days", "within"), [(1.0, 0.01), (5.0, 0.02)])
def test_the_freezing_front_is_neumanns(step_days, within):
    z_edges = np.append(np.arange(0.0, -4.001, -0.02), stretched_edges(-4.0, -60.0, first=0.02, growth=1.15)[1:])
    section = Section([0.0, 1.0], z_edges, soils={"ground": BONAN}, soil_of="ground")
    run = simulate_section(
        section, forcings={"natural": -10.0}, stages=[Stage(0.0, 0.0, forcing="natural")], initial=2.0, years=1,
        step_days=step_days, geothermal_flux=0.0, save_every=0.05,
    )  # fmt: skip
    late = run.section_temperature.sel(time=slice(60 / 365.25, None)).isel(x=0)
    front = ((1 - liquid_share(BONAN, late)) * section.dz).sum(axis=1)
    expected = 2 * 0.275506 * np.sqrt(2.324 / 1.966e6 * late.time * 365.25 * DAY)
    assert expected[-1] > 3.3
    np.testing.assert_allclose(front, expected, rtol=within)


def test_the_thawing_front_is_neumanns():
    """Thawing is freezing with the properties of ice and water exchanged: of a ground at 0 degC, Stefan's lambda."""
    frozen_like = Soil(0.33, FreezingStep(0.001), 2.862e6, 2.862e6, 1.860, 1.860)
    z_edges = np.append(np.arange(0.0, -4.001, -0.02), stretched_edges(-4.0, -60.0, first=0.02, growth=1.15)[1:])
    section = Section([0.0, 1.0], z_edges, soils={"ground": frozen_like}, soil_of="ground")
    run = simulate_section(
        section, forcings={"natural": 8.0}, stages=[Stage(0.0, 0.0, forcing="natural")], initial=-0.001, years=1,
        step_days=1.0, geothermal_flux=0.0, save_every=0.1,
    )  # fmt: skip
    from scipy.optimize import brentq
    from scipy.special import erf

    stefan = 2.862e6 * 8.0 / (3.34e8 * 0.33)
    root = brentq(lambda v: np.sqrt(np.pi) * v * np.exp(v * v) * erf(v) - stefan, 1e-6, 2.0)
    late = run.section_temperature.isel(x=0).sel(time=slice(0.2, None))
    front = (liquid_share(frozen_like, late) * section.dz).sum(axis=1)
    np.testing.assert_allclose(front, 2 * root * np.sqrt(1.860 / 2.862e6 * late.time * 365.25 * DAY), rtol=0.01)


def test_far_from_the_pit_a_section_is_a_column():
    x_edges = both_ways(300.0, first=5.0, growth=1.2, widest=40.0)
    run = pit_run(small_section(x_edges=x_edges), years=3)
    column = small_section(x_edges=[0.0, 1.0])
    alone = simulate_section(
        column, forcings={"natural": wave(-3, 12, 3)}, stages=[Stage(0.0, 0.0, forcing="natural")], initial=-3.0,
        years=3,
    )  # fmt: skip
    for name in ("section_temperature", "section_temperature_max", "permafrost_table_depth", "temperature_10m"):
        np.testing.assert_allclose(run[name].isel(x=[0, -1]), alone[name].isel(x=[0, 0]), atol=1e-6)
    assert float(abs(run.section_temperature.isel(time=-1, x=0) - run.section_temperature[-1, :, 14]).max()) > 1


def test_a_section_of_one_column_is_a_heat_column():
    section = small_section(nx=1)
    series = sinusoid(-3.0, 12.0, years=4)
    soils = {"silt": SILT, "rock": ROCK}
    column = HeatColumn(-np.asarray(section.z_edges), soils, list(section.soil_of[:, 0]), geothermal_flux=0.05)
    other = column.run(Surface(series), -3.0, every=1)
    run = simulate_section(
        section, forcings={"natural": series}, stages=[Stage(0.0, 0.0, forcing="natural")], initial=-3.0, years=4,
        step_days=1.0, save_every=0.25,
    )  # fmt: skip
    days = run.time.values[1:] * 365.25
    theirs = other.ground_temperature.transpose("time", ...).values.reshape(other.sizes["time"], -1)
    theirs = np.stack([np.interp(days, np.arange(1, len(theirs) + 1), of_depth) for of_depth in theirs.T], axis=1)
    np.testing.assert_allclose(run.section_temperature[1:, :, 0], theirs, atol=0.05)
    np.testing.assert_allclose(
        run.active_layer_thickness[1:4, 0], other.active_layer_thickness[1:4].values.ravel(), atol=0.02
    )


def test_columns_of_one_surface_are_all_the_same():
    section = small_section(x_edges=[0.0, 1.0, 4.0, 4.5])
    run = simulate_section(
        section, forcings={"natural": wave(-1, 10, 2)}, stages=[Stage(0.0, 0.0, forcing="natural")], initial=-1.0,
        years=2, step_days=15,
    )  # fmt: skip
    np.testing.assert_allclose(run.section_temperature[:, :, 1:], run.section_temperature[:, :, [0, 0]], atol=1e-9)


def test_a_mirrored_pit_is_a_mirrored_result():
    symmetric = pit_run(small_section())
    for name in ("section_temperature", "section_temperature_min", "permafrost_table_depth"):
        np.testing.assert_allclose(symmetric[name], symmetric[name][..., ::-1], atol=1e-9)
    x_edges = np.cumsum([-60.0, 12, 8, 10, 6, 9, 10, 4, 12, 10, 14, 16])
    left, right = pit_run(small_section(x_edges=x_edges)), pit_run(small_section(x_edges=-x_edges[::-1]))
    np.testing.assert_allclose(left.section_temperature, right.section_temperature[..., ::-1], atol=1e-9)
    assert float(abs(left.section_temperature - left.section_temperature.values[..., ::-1]).max()) > 0.1


@pytest.mark.parametrize("step_days", [1.0, 5.0, 15.0])
def test_heat_is_never_lost(step_days):
    section = small_section(top=6.0)
    shape = {"centre": 0.0, "crest_width": 20.0, "height": 6.0, "slope": 35.0}
    heap = heap_stages(section, 0.0, **shape, started=0.5, finished=1.2, lifts=3, fill="rock", fill_temperature=6.0)
    pit = Stage(1.6, np.where(np.abs(section.x) < 20, -5.0, 0.0), forcing="pit")
    forcings = {"natural": wave(-3, 12, 3), "heap": wave(-2, 14, 3), "pit": 5.0}
    run = simulate_section(
        section, forcings=forcings, stages=[*heap, pit], initial=-3.0, years=3, step_days=step_days,
        geothermal_flux=0.06,
    )  # fmt: skip
    balance = run.heat_from_surface + run.heat_from_base + run.heat_placed
    moved = abs(run.heat_from_surface) + abs(run.heat_from_base) + abs(run.heat_placed)
    assert float((abs(run.heat_change - balance) / moved).max()) < 1e-9
    assert float(abs(run.heat_placed[:2]).min()) > 1e6
    assert float(run.heat_from_base[0]) == pytest.approx(0.06 * 150 * 365.25 * DAY)


def test_temperatures_belong_to_their_heat():
    """What the balance lacks at the end of a step is carried on, and never more than the tolerance."""
    section = small_section()
    plane = _section.Plane(
        section.dz, section.dx, section.soil_indices(), np.full(section.shape, True), *np.zeros((2, 15), np.int64)
    )
    state = State.begin(section, plane, np.full(section.shape, -2.0))
    for warmth in wave(-2, 14, 1)[::5]:
        state.advance(np.array([warmth]), flux=0.05, seconds=5 * DAY)
        heat = np.array(
            [np.interp(row, state.curves.temperature, state.curves.enthalpy[soil[0]])
             for row, soil in zip(state.temperature, plane.soil, strict=True)]
        )  # fmt: skip
        np.testing.assert_allclose(state.enthalpy, heat, atol=2 * TOLERANCE)


def test_days_and_weeks_give_the_same_thaw():
    section = small_section(nx=1)
    depths = [
        simulate_section(
            section, forcings={"natural": wave(-3, 12, 2)}, stages=[Stage(0.0, 0.0, forcing="natural")], initial=-3.0,
            years=2, step_days=step,
        ).permafrost_table_depth.values[-1, 0]
        for step in (1.0, 5.0)
    ]  # fmt: skip
    assert depths[0] == pytest.approx(depths[1], rel=0.05)
    assert 0.5 < depths[0] < 3


def test_a_step_that_finds_no_balance_is_refused(monkeypatch):
    section = small_section(nx=2)
    monkeypatch.setattr(_section, "step", lambda *_: (-1, 0.0))
    with pytest.raises(InputError, match="step_days: no temperatures balance the heat of a step of 4.94 d within 60"):
        simulate_section(
            section, forcings={"natural": -1.0}, stages=[Stage(0.0, 0.0, forcing="natural")], initial=-1.0, years=1
        )
