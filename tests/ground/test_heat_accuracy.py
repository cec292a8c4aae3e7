"""Against Neumann's solution, waves that have an exact solution, and a dense solver."""

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq, root
from scipy.special import erf, erfc

from cryoscale.ground.column_stages import graded_edges
from cryoscale.ground.forcing import Surface, sinusoid
from cryoscale.ground.heat import HeatColumn
from cryoscale.ground.soils import FreezingStep, Soil, UnfrozenWater, conductivity, enthalpy, liquid_share

KF, KT, CF, CT, LATENT = 2.324, 1.860, 1.966e6, 2.862e6, 1.1045e8  # the numbers of Bonan's example
WIDTH = 0.01
SOIL = Soil(LATENT / 3.34e8, FreezingStep(WIDTH), CT, CF, KT, KF)
FREEZING, THAWING = (-10.0, 2.0), (10.0, -2.0)


def neumann(surface, initial):
    """Lambda and the diffusivity of the phase that grows."""
    (k1, c1), (k2, c2) = ((KF, CF), (KT, CT)) if surface < 0 else ((KT, CT), (KF, CF))
    a1, a2 = k1 / c1, k2 / c2

    def balance(x):
        ratio = np.sqrt(a1 / a2)
        given = k1 * abs(surface) * np.exp(-(x**2)) / (np.sqrt(a1) * erf(x))
        taken = k2 * abs(initial) * np.exp(-(x**2) * a1 / a2) / (np.sqrt(a2) * erfc(x * ratio))
        return given - taken - x * LATENT * np.sqrt(np.pi * a1)

    return brentq(balance, 1e-3, 2.0), a1


def constant(value, *, days, hours=24.0):
    n = round(days * 24 / hours)
    times = np.datetime64("2001-01-01", "ns") + np.arange(n) * np.timedelta64(round(hours * 3.6e12), "ns")
    return xr.DataArray(np.full(n, value), {"time": times}, ("time",))


def front(result, sign, spacing=0.02):
    """Depth of the ground whose water has changed, m: exact within a cell, as the cell at the front is half frozen."""
    thawed = liquid_share(SOIL, result.ground_temperature.values).sum(axis=1) * spacing
    return thawed if sign > 0 else result.depth.size * spacing - thawed


def imbalance(result):
    parts = result.column_heat_from_surface + result.column_heat_from_base + result.column_heat_placed
    return abs(float((result.column_heat_change - parts) / result.column_heat_turnover))


def test_the_solution_has_the_known_numbers():
    number, diffusivity = neumann(*FREEZING)
    assert number == pytest.approx(0.275508, abs=2e-6)
    assert 2 * number * np.sqrt(diffusivity * 60 * 86400) == pytest.approx(1.3640, abs=1e-4)


@pytest.mark.parametrize(("surface", "initial"), [FREEZING, THAWING])
def test_a_front_runs_as_in_neumanns_solution_for_ten_years(surface, initial):
    column = HeatColumn(0.02 * np.arange(2001), {"soil": SOIL}, "soil")
    result = column.run(Surface(constant(surface, days=3650)), initial, every=10)
    number, diffusivity = neumann(surface, initial)
    days = 10 * (np.arange(365) + 1)
    error = front(result, np.sign(surface)) / (2 * number * np.sqrt(diffusivity * days * 86400)) - 1
    assert abs(error[6:]).max() < 0.01  # after 60 days, when it has passed 60 cells
    assert abs(error[-1]) < 0.002
    assert imbalance(result) < 1e-10


@pytest.mark.parametrize(("surface", "initial"), [FREEZING, THAWING])
def test_steps_of_a_day_and_of_an_hour_give_the_same_front(surface, initial):
    column = HeatColumn(0.02 * np.arange(501), {"soil": SOIL}, "soil")
    daily, hourly = (
        front(
            column.run(Surface(constant(surface, days=120, hours=h)), initial, every=round(480 / h)), np.sign(surface)
        )
        for h in (24.0, 1.0)
    )
    np.testing.assert_allclose(daily, hourly, rtol=0.02)


def test_freezing_and_thawing_are_mirror_images_where_the_phases_are_alike():
    curve = FreezingStep(0.02)
    alike = Soil(0.3, curve, 2e6, 2e6, 2.0, 2.0)
    column = HeatColumn(0.05 * np.arange(201), {"soil": alike}, "soil")
    middle = -0.01  # the step lies between 0 and -0.02 degC
    colder, warmer = (
        column.run(Surface(constant(middle + sign * 8.0, days=200)), middle - sign * 3.0, every=50) - middle
        for sign in (-1, 1)
    )
    np.testing.assert_allclose(colder.ground_temperature, -warmer.ground_temperature, atol=0.05)


@pytest.mark.parametrize("graded", [False, True])
def test_without_phase_change_the_error_falls_with_the_square_of_the_spacing(graded):
    """The wave that implicit Euler has in time, exactly: i omega becomes (1 - exp(-i omega dt)) / dt."""
    rock = Soil(0.0, FreezingStep(), 2e6, 2e6, 2.0, 2.0)
    days, period = 365 * 10, 73.0
    omega, step = 2 * np.pi / (period * 86400), 86400.0
    decay = np.sqrt((1 - np.exp(-1j * omega * step)) / step / (2.0 / 2e6))
    t = (np.arange(days) + 1) * step
    surface = constant(0.0, days=days).copy(data=5 + 10 * np.cos(omega * t))  # above 0 throughout the interior
    errors = []
    for n in (50, 100, 200):
        fraction = np.linspace(0, 1, n + 1)
        edges = 15.0 * (fraction + fraction**2) / 2 if graded else 15.0 * fraction
        column = HeatColumn(edges, {"rock": rock}, "rock")
        last = column.run(Surface(surface), 5.0, every=1).ground_temperature[-73:]
        phase = np.exp(1j * omega * t[-73:])[:, None]
        exact = 5 + 10 * np.real(phase * np.exp(-decay * column.depth))
        errors.append(float(np.sqrt(np.mean((last.values - exact) ** 2))))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (orders > 1.8).all(), (errors, orders)


def test_the_steady_state_carries_the_geothermal_flux_through_layers():
    soft, hard = (Soil(0.0, FreezingStep(), 2e6, 2e6, k, k) for k in (0.5, 2.5))
    edges = np.linspace(0, 10, 41)
    column = HeatColumn(edges, {"a": soft, "b": hard}, ["a"] * 20 + ["b"] * 20, geothermal_flux=0.1)
    exact = 1.0 + 0.1 * np.where(column.depth < 5, column.depth / 0.5, 5 / 0.5 + (column.depth - 5) / 2.5)
    result = column.run(Surface(constant(1.0, days=60 * 365)), xr.DataArray(exact + 0.5, dims="depth"), every=60 * 365)
    np.testing.assert_allclose(result.ground_temperature[-1], exact, atol=1e-3)


def test_a_step_solves_the_nonlinear_equations():
    """One day of 12 cells against a dense solver of H(T), with the conductivities of the step's begin."""
    soil = Soil(0.35, UnfrozenWater(0.05, -0.5), 2.7e6, 2.0e6, 1.2, 2.2)
    edges = graded_edges(2.0, first=0.05, growth=1.2)
    column = HeatColumn(edges, {"soil": soil}, "soil", geothermal_flux=0.05, tolerance=1e-6)
    before = np.linspace(1.5, -1.5, column.depth.size)
    width, k = np.diff(edges), conductivity(soil, before)
    half = width / 2 / k
    conductance = 1 / np.append(half[0] + 0.4, half[:-1] + half[1:])

    def residual(t):
        flow = conductance * (np.append(-6.0, t[:-1]) - t)
        gain = np.append(flow[:-1] - flow[1:], flow[-1] + 0.05)
        return (width * (enthalpy(soil, t) - enthalpy(soil, before)) - 86400 * gain) / 1e5

    exact = root(residual, before, method="hybr", tol=1e-12).x
    assert abs(residual(exact)).max() < 1e-6
    surface = Surface(constant(-6.0, days=2), snow=constant(0.4, days=2))
    result = column.run(surface, xr.DataArray(before, dims="depth"))
    # piecewise linear H(T) in 1023 pieces, whose conductivities are those of a piece's middle
    np.testing.assert_allclose(result.ground_temperature[0], exact, atol=0.02)


def test_spin_up_finds_the_state_that_the_year_leaves_alone():
    soil = Soil(0.35, UnfrozenWater(0.05, -0.5), 2.7e6, 2.0e6, 1.2, 2.2)
    column = HeatColumn(graded_edges(40.0, first=0.05, growth=1.15), {"soil": soil}, "soil", geothermal_flux=0.06)
    surface = Surface(sinusoid(-3.0, 12.0, years=1))
    found = column.spin_up(surface, tolerance=2e-3)
    again = column.run(surface, found.initial)
    assert found.drift <= 2e-3
    np.testing.assert_allclose(again.ground_temperature[-1], found.initial, atol=3e-3)
    deep = again.ground_temperature_mean.isel(year=0).sel(depth=slice(25, None))
    gradient = float((deep[-1] - deep[0]) / (deep.depth[-1] - deep.depth[0]))
    assert gradient == pytest.approx(0.06 / 2.2, rel=0.1)
