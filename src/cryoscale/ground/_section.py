"""Heat conduction with phase change in a vertical plane: one implicit step, which keeps its energy.

Arrays are (z, x), row 0 at the top, x innermost, so that the compiler vectorises over columns. All amounts are per
metre across the plane. A cell that is not there has conductances of 0, and its unknown stays 0.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

Values = np.ndarray[Any, Any]

MOST_ITERATIONS = 60
_MOST_HALVINGS = 6
_MOST_DIRECTIONS = 5000
_ROUNDING = 1e-13  # K: what is lost in adding up heat that flows in and out of a cell
_LINEAR_SHARE = 1e-4  # by which each solve of the linear system reduces the residual


class Curves(NamedTuple):
    """Soils as piecewise linear functions, exact at shared nodes of temperature."""

    temperature: Values  # (node,) degC, increasing
    enthalpy: Values  # (soil, node) J m-3, increasing
    conductivity: Values  # (soil, node) W m-1 K-1


class Plane(NamedTuple):
    """Cells, which of them are there, and which surface their faces to the air belong to."""

    dz: Values  # (z,) m
    dx: Values  # (x,) m
    soil: Values  # (z, x) int
    there: Values  # (z, x) bool
    floor: Values  # (x,) int: surface of each column's top
    wall: Values  # (x,) int: surface of the vertical faces that border the air above each column


class Links(NamedTuple):
    """What heat flows through: conductances, W m-1 K-1, and what flows in at 0 degC, W m-1."""

    down: Values  # (z, x) to the next row
    right: Values  # (z, x) to the next column
    air: Values  # (z, x) to surfaces
    surface: Values  # (z, x) conductance to surfaces times their temperatures
    base: Values  # (x,) heat through the base


@njit(nogil=True, cache=True)
def find_temperatures(
    enthalpy: Values, plane: Plane, curves: Curves, segment: Values, temperature: Values, capacity: Values
) -> None:
    """Temperature and apparent heat capacity at an enthalpy; `segment` holds where the last search ended."""
    nodes, last = curves.temperature, curves.temperature.size - 2
    for j in range(enthalpy.shape[0]):
        for i in range(enthalpy.shape[1]):
            if not plane.there[j, i]:
                temperature[j, i], capacity[j, i] = 0.0, 1.0
                continue
            heat = curves.enthalpy[plane.soil[j, i]]
            n = segment[j, i]
            while n > 0 and enthalpy[j, i] < heat[n]:
                n -= 1
            while n < last and enthalpy[j, i] >= heat[n + 1]:
                n += 1
            segment[j, i] = n
            capacity[j, i] = (heat[n + 1] - heat[n]) / (nodes[n + 1] - nodes[n])
            temperature[j, i] = nodes[n] + (enthalpy[j, i] - heat[n]) / capacity[j, i]


@njit(nogil=True, cache=True)
def conductivities(temperature: Values, plane: Plane, curves: Curves, segment: Values) -> Values:
    """Of each cell; beyond the first and the last node that of the node."""
    nodes = curves.temperature
    found = np.zeros_like(temperature)
    for j in range(temperature.shape[0]):
        for i in range(temperature.shape[1]):
            if plane.there[j, i]:
                n, k = segment[j, i], curves.conductivity[plane.soil[j, i]]
                share = (temperature[j, i] - nodes[n]) / (nodes[n + 1] - nodes[n])
                found[j, i] = k[n] + min(max(share, 0.0), 1.0) * (k[n + 1] - k[n])
    return found


@njit(nogil=True, cache=True)
def link(k: Values, plane: Plane, forcing: Values, flux: float) -> Links:
    """Conductances between centres of cells, in series, and from centres to the faces that border the air.

    `forcing` holds the temperature of each surface, `flux` the geothermal one, W m-2.
    """
    rows, columns = k.shape
    down, right, air, surface = np.zeros_like(k), np.zeros_like(k), np.zeros_like(k), np.zeros_like(k)
    dz, dx, there = plane.dz, plane.dx, plane.there
    for j in range(rows):
        for i in range(columns):
            if not there[j, i]:
                continue
            if j + 1 < rows:
                down[j, i] = 2.0 * dx[i] / (dz[j] / k[j, i] + dz[j + 1] / k[j + 1, i])
            if i + 1 < columns and there[j, i + 1]:
                right[j, i] = 2.0 * dz[j] / (dx[i] / k[j, i] + dx[i + 1] / k[j, i + 1])
            if j == 0 or not there[j - 1, i]:
                to_face = 2.0 * dx[i] * k[j, i] / dz[j]
                air[j, i] += to_face
                surface[j, i] += to_face * forcing[plane.floor[i]]
            for beside in (i - 1, i + 1):
                if 0 <= beside < columns and not there[j, beside]:
                    to_face = 2.0 * dz[j] * k[j, i] / dx[i]
                    air[j, i] += to_face
                    surface[j, i] += to_face * forcing[plane.wall[beside]]
    return Links(down, right, air, surface, flux * dx)


@njit(nogil=True, cache=True)
def _inflow(t: Values, links: Links) -> Values:
    """Heat that flows into each cell, W m-1; the air's share with it."""
    flow: Values = links.surface - links.air * t
    rows, columns = t.shape
    for j in range(rows):
        for i in range(columns - 1):
            through = links.right[j, i] * (t[j, i + 1] - t[j, i])
            flow[j, i] += through
            flow[j, i + 1] -= through
        if j + 1 < rows:
            for i in range(columns):
                through = links.down[j, i] * (t[j + 1, i] - t[j, i])
                flow[j, i] += through
                flow[j + 1, i] -= through
    flow[rows - 1] += links.base
    return flow


@njit(nogil=True, cache=True)
def _sum(a: Values, b: Values) -> float:
    """Sum of products, column by column, so that it vectorises."""
    lanes = np.zeros(a.shape[1])
    for j in range(a.shape[0]):
        for i in range(a.shape[1]):
            lanes[i] += a[j, i] * b[j, i]
    return float(lanes.sum())


@njit(nogil=True, cache=True)
def _times(main: Values, down: Values, right: Values, p: Values, out: Values) -> None:
    """Product of the symmetric matrix and p."""
    rows, columns = p.shape
    for j in range(rows):
        for i in range(columns):
            out[j, i] = main[j, i] * p[j, i]
        for i in range(columns - 1):
            out[j, i] -= right[j, i] * p[j, i + 1]
        for i in range(1, columns):
            out[j, i] -= right[j, i - 1] * p[j, i - 1]
        if j > 0:
            for i in range(columns):
                out[j, i] -= down[j - 1, i] * p[j - 1, i]
        if j + 1 < rows:
            for i in range(columns):
                out[j, i] -= down[j, i] * p[j + 1, i]


@njit(nogil=True, cache=True)
def _factor(main: Values, down: Values) -> tuple[Values, Values]:
    """Each column's tridiagonal matrix as L D L': the inverse of D, and how much of a row's value goes to the next."""
    inverse, share = np.empty_like(main), np.zeros_like(main)
    inverse[0] = 1.0 / main[0]
    for j in range(1, main.shape[0]):
        for i in range(main.shape[1]):
            share[j, i] = down[j - 1, i] * inverse[j - 1, i]
            inverse[j, i] = 1.0 / (main[j, i] - share[j, i] * down[j - 1, i])
    return inverse, share


@njit(nogil=True, cache=True)
def _solve_columns(inverse: Values, share: Values, r: Values, out: Values) -> None:
    rows, columns = r.shape
    for i in range(columns):
        out[0, i] = r[0, i]
    for j in range(1, rows):
        for i in range(columns):
            out[j, i] = r[j, i] + share[j, i] * out[j - 1, i]
    for i in range(columns):
        out[rows - 1, i] *= inverse[rows - 1, i]
    for j in range(rows - 2, -1, -1):
        for i in range(columns):
            out[j, i] = out[j, i] * inverse[j, i] + share[j + 1, i] * out[j + 1, i]


@njit(nogil=True, cache=True)
def solve(main: Values, down: Values, right: Values, b: Values, share: float) -> Values:
    """Conjugate gradients, preconditioned with the columns, until the residual is `share` of b or below."""
    x, r, z, product = np.zeros_like(b), b.copy(), np.empty_like(b), np.empty_like(b)
    enough = share * share * _sum(b, b)
    inverse, shares = _factor(main, down)
    _solve_columns(inverse, shares, r, z)
    p = z.copy()
    rz = _sum(r, z)
    for _ in range(_MOST_DIRECTIONS):
        _times(main, down, right, p, product)
        length = rz / _sum(p, product)
        for j in range(b.shape[0]):
            for i in range(b.shape[1]):
                x[j, i] += length * p[j, i]
                r[j, i] -= length * product[j, i]
        if _sum(r, r) <= enough:
            break
        _solve_columns(inverse, shares, r, z)
        last, rz = rz, _sum(r, z)
        turn = rz / last
        for j in range(b.shape[0]):
            for i in range(b.shape[1]):
                p[j, i] = z[j, i] + turn * p[j, i]
    return x


@njit(nogil=True, cache=True)
def _missing(enthalpy: Values, before: Values, temperature: Values, links: Links, cells: Values, dt: float) -> Values:
    """Heat that each cell lacks for its balance, J m-1."""
    missing: Values = dt * _inflow(temperature, links) - cells * (enthalpy - before)
    return missing


@njit(nogil=True, cache=True)
def step(
    enthalpy: Values,
    temperature: Values,
    segment: Values,
    plane: Plane,
    curves: Curves,
    forcing: Values,
    flux: float,
    dt: float,
    tolerance: float,
) -> tuple[int, float]:
    """One step of implicit Euler, in place, with conductivities of its beginning.

    Newton's method for the enthalpies. What is missing from the balance at the end, below `tolerance` (J m-3) or what
    rounding leaves, goes to the enthalpies, so that energy is conserved to rounding and the next step makes up for it.
    Returns iterations, or -1 if they did not converge, and heat from the surfaces, J m-1.
    """
    capacity = np.empty_like(enthalpy)
    cells = plane.dz.reshape(-1, 1) * plane.dx
    find_temperatures(enthalpy, plane, curves, segment, temperature, capacity)
    links = link(conductivities(temperature, plane, curves, segment), plane, forcing, flux)
    down, right = dt * links.down, dt * links.right
    outflow = dt * links.air + down + right
    outflow[1:] += down[:-1]
    outflow[:, 1:] += right[:, :-1]
    before = enthalpy.copy()
    missing = _missing(enthalpy, before, temperature, links, cells, dt)
    iterations = 0
    enough = max(tolerance, _ROUNDING * (outflow / cells).max())
    while np.abs(missing / cells).max() > enough:
        if iterations == MOST_ITERATIONS:
            return -1, 0.0
        iterations += 1
        warming = solve(cells * capacity + outflow, down, right, missing, _LINEAR_SHARE)
        added, start, distance = capacity * warming, enthalpy.copy(), np.abs(missing).sum()
        for halving in range(_MOST_HALVINGS):
            enthalpy[:] = start + added * 0.5**halving
            find_temperatures(enthalpy, plane, curves, segment, temperature, capacity)
            missing = _missing(enthalpy, before, temperature, links, cells, dt)
            if np.abs(missing).sum() < distance:
                break
    enthalpy += missing / cells
    return iterations, dt * (links.surface - links.air * temperature).sum()
