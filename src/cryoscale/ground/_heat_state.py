"""Columns of ground in memory, and what changes them at once: their first state, and stages of what is dug and placed.

Part of what `_heat.simulate` compiles. Numba's cache follows changes of that file only: touch it after changes of this.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]
Function = TypeVar("Function", bound=Callable[..., Any])

ROUNDS = 40  # Newton steps at most; 2 or 3 are usual
BOUNDLESS = 1e30  # heat capacity of the air, J m-3 K-1
CONTACT = 1e-9  # resistance between air and bare ground, m2 K W-1: none, but not to be divided by
MEAN, TREND, SCALE, N_THAW, N_FREEZE = range(5)
SURFACE_PARAMETERS = 5
BEGIN, END, SURFACE, BASE, MOVED, TURNOVER, UNSETTLED = range(7)
BUDGET = 7
WARMEST, COLDEST, AVERAGE = range(3)
ENVELOPES = 3

# Strict arithmetic, no fastmath: docs/decisions/0004.
_OPTIONS: Any = {"error_model": "numpy", "nogil": True}
_compiled: Callable[[Function], Function] = njit(**_OPTIONS)


class Tables(NamedTuple):
    """T(H) of every soil in pieces of equal enthalpy, soil after soil; the first is the air."""

    origin: float  # enthalpy at the begin of the first piece, J m-3
    per_piece: float  # pieces per J m-3
    pieces: int  # of a soil; the first and the last go on for ever
    intercept: Array  # (soil x piece,) T = intercept + slope H, degC
    slope: Array
    capacity: Array  # 1 / slope, J m-3 K-1
    resistivity: Array  # of half a metre, m K W-1


class Ground(NamedTuple):
    """The columns; rows are cells from the top down, row 0 is the air."""

    width: Array  # (row,) m
    initial: Array  # (row, column) degC
    flux: Array  # (column,) from below, W m-2
    start: Array  # (stage, column) step at which a stage begins; the first begins at once
    first: Array  # (stage, column) row of the first cell of ground
    soil: Array  # (stage, row, column or 1) index into the tables
    arrival: Array  # (stage, column) temperature of cells that are placed, degC
    surface: Array  # (stage, column) which forcing applies


class Forcing(NamedTuple):
    """What acts on the surfaces: n (mean + trend years + scale shape), through a resistance."""

    parameters: Array  # (forcing, SURFACE_PARAMETERS, column)
    shape: Array  # (forcing, step, column or 1)
    resistance: Array  # (forcing, step, column or 1) of the snow, m2 K W-1
    years: Array  # (step,) since the begin
    year: Array  # (step,) number of the year, from 0
    seconds: float  # of a step
    tolerance: float  # K


class Results(NamedTuple):
    """What is written to."""

    budget: Array  # (BUDGET, column) J m-2, and how often a cell did not settle
    top: Array  # (year, column) first row of ground at the year's end
    surface: Array  # (2, year, column) warmest and coldest surface of the ground, degC
    envelopes: Array  # (ENVELOPES, year, row, column) degC, NaN in the air
    profiles: Array  # (step / every, row, column) degC, NaN in the air; without steps it is left alone
    last: Array  # (row, column) degC at the end
    every: int


class Block(NamedTuple):
    """Scratch memory of LANES columns, (row, lane) unless said otherwise."""

    conductance: Array  # g
    capacity: Array  # width x dH/dT of the tangent
    load: Array  # right-hand side
    series: Array  # what of the conductance downwards the row above sees
    inflow: Array  # conductance x alpha
    alpha: Array  # T_i = alpha + beta T_i-1
    beta: Array
    resistance: Array  # half the cell's
    old: Array  # H at the begin of the step
    point: Array  # H and T where the tangent touches
    degree: Array
    heat: Array  # H and T of the iterate
    kelvin: Array
    flat: Array  # T along the tangent
    offset: Array  # first piece of the cell's soil
    piece: Array  # of the tangent
    reached: Array  # of the iterate
    warmest: Array  # of this year
    coldest: Array
    total: Array
    air: Array  # (lane,)
    snow: Array  # (lane,)
    top: Array  # (lane,) first row of ground
    stage: Array  # (lane,)
    warm_surface: Array  # (lane,) of the ground, this year
    cold_surface: Array  # (lane,)


@_compiled
def heat_at(tables: Tables, degree: float, offset: int) -> float:
    """Enthalpy at a temperature, J m-3: the piece by bisection."""
    low, high = 0, tables.pieces
    while high - low > 1:
        middle = (low + high) // 2
        j = offset + middle
        knot = tables.intercept[j] + tables.slope[j] * (tables.origin + middle / tables.per_piece)
        low, high = (middle, high) if knot <= degree else (low, middle)
    heat: float = (degree - tables.intercept[offset + low]) * tables.capacity[offset + low]
    return heat


@_compiled
def _piece(tables: Tables, heat: float) -> int:
    return int(min(max((heat - tables.origin) * tables.per_piece, 0.0), tables.pieces - 1.0))


@_compiled
def put(block: Block, tables: Tables, row: int, lane: int, width: float, degree: float, heat: float) -> None:
    """Put a cell at rest."""
    j = block.offset[row, lane] + _piece(tables, heat)
    block.piece[row, lane] = j
    block.reached[row, lane] = j
    block.capacity[row, lane] = width * tables.capacity[j]
    block.resistance[row, lane] = width * tables.resistivity[j]
    block.load[row, lane] = block.capacity[row, lane] * degree
    block.old[row, lane] = heat
    block.point[row, lane] = heat
    block.degree[row, lane] = degree
    block.heat[row, lane] = heat


@_compiled
def load(block: Block, tables: Tables, ground: Ground, lane: int, column: int, seconds: float) -> None:
    """The first stage, as the initial temperatures have it."""
    block.stage[lane] = 0
    block.top[lane] = ground.first[0, column]
    shared = min(column, ground.soil.shape[2] - 1)
    for row in range(ground.width.size):
        block.offset[row, lane] = ground.soil[0, row, shared] * tables.pieces if row >= block.top[lane] else 0
        degree = ground.initial[row, column] if row >= block.top[lane] else 0.0
        put(block, tables, row, lane, ground.width[row], degree, heat_at(tables, degree, block.offset[row, lane]))
    # To the elimination, the base is a row that gives its flux and takes nothing.
    block.series[ground.width.size, lane] = 0.0
    block.inflow[ground.width.size, lane] = ground.flux[column] * seconds
    open_year(block, lane)


@_compiled
def open_year(block: Block, lane: int) -> None:
    block.warmest[:, lane] = -np.inf
    block.coldest[:, lane] = np.inf
    block.total[:, lane] = 0.0
    block.warm_surface[lane] = -np.inf
    block.cold_surface[lane] = np.inf


@_compiled
def advance_stages(
    block: Block, tables: Tables, ground: Ground, lane: int, column: int, step: int, elapsed: int
) -> float:
    """Take away and place what the stages that begin now do; the heat that comes with it, J m-2."""
    moved = 0.0
    while block.stage[lane] + 1 < ground.start.shape[0] and ground.start[block.stage[lane] + 1, column] <= step:
        stage = block.stage[lane] + 1
        before, now = block.top[lane], ground.first[stage, column]
        shared = min(column, ground.soil.shape[2] - 1)
        arrival = ground.arrival[stage, column]
        block.stage[lane], block.top[lane] = stage, now
        for row in range(min(before, now), ground.width.size):
            offset = ground.soil[stage, row, shared] * tables.pieces if row >= now else 0
            if row >= max(before, now) and offset == block.offset[row, lane]:
                continue
            width = ground.width[row]
            moved -= block.old[row, lane] * width if row >= before else 0.0
            block.offset[row, lane] = offset
            degree = block.degree[row, lane] if row >= before else arrival
            heat = heat_at(tables, degree, offset)
            put(block, tables, row, lane, width, degree, heat)
            moved += heat * width if row >= now else 0.0
            if row < before:  # its year is, up to now, as it comes
                block.warmest[row, lane] = degree
                block.coldest[row, lane] = degree
                block.total[row, lane] = degree * elapsed
    return moved
