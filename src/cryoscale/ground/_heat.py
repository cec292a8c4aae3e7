"""The compiled part of heat conduction with phase change: columns side by side, implicit in time, balanced in heat.

Each cell i holds the enthalpy H, J m-3, whose temperature T(H) is piecewise linear (`Tables`). A step dt solves

    w_i (H_i - H_i_old) = g_i (T_i-1 - T_i) - g_i+1 (T_i - T_i+1),    g_i = dt / (r_i-1 + r_i),

with the half resistances r of the step's begin. Newton's method in H starts from the tangents of the begin. An iterate
follows its tangents, so that it balances heat exactly; cells whose tangent misses T(H) by more than a tolerance get a
new one. Elimination runs from the base up, so that it can begin again at the deepest of them: what lies below is left.

Whatever is decided, is decided for each cell by its own column alone. A column's result is thus the same to the bit
whichever columns share its block. What lies above the ground is a cell of boundless heat capacity at the temperature of
the air, with the resistance of the snow. Row 0 always is such a cell.

Arrays end in LANES columns, so that every operation on a row becomes a few vector instructions.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit

from cryoscale.ground._heat_rows import (
    LANES,
    connect,
    copy_row,
    count,
    differ,
    eliminate,
    go,
    look_up,
    regrade,
    settle,
    touch,
)
from cryoscale.ground._heat_state import (
    AVERAGE,
    BASE,
    BEGIN,
    BOUNDLESS,
    COLDEST,
    CONTACT,
    END,
    MEAN,
    MOVED,
    N_FREEZE,
    N_THAW,
    ROUNDS,
    SCALE,
    SURFACE,
    TREND,
    TURNOVER,
    UNSETTLED,
    WARMEST,
    Block,
    Forcing,
    Ground,
    Results,
    Tables,
    advance_stages,
    load,
    open_year,
    put,
)

Array = np.ndarray[Any, Any]
Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS: Any = {"error_model": "numpy", "nogil": True}  # strict arithmetic, no fastmath: docs/decisions/0004
_compiled: Callable[[Function], Function] = njit(**_OPTIONS)
_entry: Callable[[Function], Function] = njit(cache=True, **_OPTIONS)


@_entry
def simulate(block: Block, tables: Tables, ground: Ground, forcing: Forcing, results: Results) -> None:
    """Run column after column, LANES at a time, into `results`; lanes beyond the last column repeat it."""
    n_columns = ground.initial.shape[1]
    for start in range(0, n_columns, LANES):
        stored = min(LANES, n_columns - start)
        for lane in range(LANES):
            load(block, tables, ground, lane, min(start + lane, n_columns - 1), forcing.seconds)
        for lane in range(stored):
            results.budget[:, start + lane] = 0.0
            results.budget[BEGIN, start + lane] = _heat_of(block, ground.width, lane)
        _run(block, tables, ground, forcing, results, start, stored)
        for lane in range(stored):
            results.budget[END, start + lane] = _heat_of(block, ground.width, lane)
            _store(block.degree, block.top[lane], lane, results.last[:, start + lane])


@_compiled
def _run(
    block: Block, tables: Tables, ground: Ground, forcing: Forcing, results: Results, start: int, stored: int
) -> None:
    """All steps of a block."""
    n_steps, elapsed = forcing.years.size, 0
    for step in range(n_steps):
        for lane in range(LANES):
            column = start + min(lane, stored - 1)
            moved = advance_stages(block, tables, ground, lane, column, step, elapsed)
            if lane < stored:
                results.budget[MOVED, column] += moved
                results.budget[TURNOVER, column] += abs(moved)
            _read_surface(block, ground, forcing, lane, column, step)
        uppermost = block.top.min()
        _conduct(block, tables, ground.width, uppermost, forcing.seconds)
        settled = _step(block, tables, ground.width, uppermost, forcing.tolerance)
        for lane in range(stored):
            _book(block, ground, forcing, lane, results.budget[:, start + lane], start + lane)
            if not settled:
                results.budget[UNSETTLED, start + lane] += _unsettled(block, lane, forcing.tolerance)
        _commit(block, tables, ground.width, uppermost)
        elapsed += 1
        if results.profiles.shape[0] > 0 and (step + 1) % results.every == 0:
            for lane in range(stored):
                _store(block.degree, block.top[lane], lane, results.profiles[step // results.every, :, start + lane])
        if step + 1 == n_steps or forcing.year[step + 1] != forcing.year[step]:
            for lane in range(LANES):
                if lane < stored:
                    _close_year(block, results, lane, forcing.year[step], start + lane, elapsed)
                open_year(block, lane)
            elapsed = 0


@_compiled
def _read_surface(block: Block, ground: Ground, forcing: Forcing, lane: int, column: int, step: int) -> None:
    f = ground.surface[block.stage[lane], column]
    p = forcing.parameters[f, :, column]
    shape = forcing.shape[f, step, min(column, forcing.shape.shape[2] - 1)]
    air = p[MEAN] + p[TREND] * forcing.years[step] + p[SCALE] * shape
    block.air[lane] = air * (p[N_THAW] if air > 0.0 else p[N_FREEZE])
    snow = forcing.resistance[f, step, min(column, forcing.resistance.shape[2] - 1)]
    block.snow[lane] = snow + CONTACT


@_compiled
def _conduct(block: Block, tables: Tables, width: Array, uppermost: int, seconds: float) -> None:
    """Set the air, and the conductances between cells."""
    for row in range(uppermost - 1, block.top.max()):
        for lane in range(LANES):
            if row < block.top[lane]:
                degree = block.air[lane]
                put(block, tables, row, lane, width[row], degree, degree * BOUNDLESS)
                block.resistance[row, lane] = block.snow[lane]
                block.flat[row, lane] = degree
    for row in range(uppermost, width.size):
        connect(block.conductance[row], block.resistance[row - 1], block.resistance[row], seconds)


@_compiled
def _step(block: Block, tables: Tables, width: Array, uppermost: int, tolerance: float) -> bool:
    """Newton's method; True if at its end every cell lies within the tolerance of its T(H)."""
    deepest = width.size - 1
    for _ in range(ROUNDS):
        for row in range(deepest, uppermost - 1, -1):
            eliminate(
                block.alpha[row],
                block.beta[row],
                block.series[row],
                block.inflow[row],
                block.capacity[row],
                block.load[row],
                block.conductance[row],
                block.series[row + 1],
                block.inflow[row + 1],
            )
        deepest = 0
        for row in range(uppermost, width.size):
            if _follow(block, tables, row, width[row], tolerance):
                deepest = row
        if deepest == 0:
            return True
    return False


@_compiled
def _unsettled(block: Block, lane: int, tolerance: float) -> int:
    n = 0
    for row in range(block.top[lane], block.kelvin.shape[0] - 1):
        n += abs(block.kelvin[row, lane] - block.flat[row, lane]) > tolerance
    return n


@_compiled
def _follow(block: Block, tables: Tables, row: int, width: float, tolerance: float) -> bool:
    """Go along the tangents of a row; True where one of them misses T(H) and has been renewed."""
    moved = go(
        block.flat[row],
        block.heat[row],
        block.reached[row],
        block.flat[row - 1],
        block.alpha[row],
        block.beta[row],
        block.point[row],
        block.degree[row],
        block.capacity[row],
        block.offset[row],
        block.piece[row],
        1.0 / width,
        tables.origin,
        tables.per_piece,
        tables.pieces - 1.0,
    )
    if moved == 0:  # on the piece of its tangent the iterate is exact
        copy_row(block.kelvin[row], block.flat[row])
        return False
    missed = look_up(
        block.kelvin[row],
        block.flat[row],
        block.heat[row],
        block.reached[row],
        block.piece[row],
        tables.intercept,
        tables.slope,
        tolerance,
    )
    if missed == 0:
        return False
    touch(
        block.flat[row],
        block.kelvin[row],
        block.heat[row],
        block.reached[row],
        block.point[row],
        block.degree[row],
        block.capacity[row],
        block.load[row],
        block.old[row],
        block.resistance[row],
        block.piece[row],
        tables.capacity,
        tables.resistivity,
        width,
        tolerance,
    )
    return True


@_compiled
def _commit(block: Block, tables: Tables, width: Array, uppermost: int) -> None:
    """The iterate becomes the state, with the tangents of the next step, and the statistics of the year."""
    for row in range(uppermost, width.size):
        if differ(block.reached[row], block.piece[row]) != 0:
            regrade(
                block.reached[row],
                block.piece[row],
                block.capacity[row],
                block.resistance[row],
                tables.capacity,
                tables.resistivity,
                width[row],
            )
        settle(
            block.heat[row],
            block.kelvin[row],
            block.point[row],
            block.degree[row],
            block.old[row],
            block.capacity[row],
            block.load[row],
        )
        count(block.kelvin[row], block.warmest[row], block.coldest[row], block.total[row])


@_compiled
def _book(block: Block, ground: Ground, forcing: Forcing, lane: int, budget: Array, column: int) -> None:
    """The heat that a step brings, and the extremes of the ground's surface."""
    top = block.top[lane]
    entered = block.conductance[top, lane] * (block.flat[top - 1, lane] - block.flat[top, lane])
    risen = ground.flux[column] * forcing.seconds
    budget[SURFACE] += entered
    budget[BASE] += risen
    budget[TURNOVER] += abs(entered) + abs(risen)
    surface = block.air[lane] - entered / forcing.seconds * block.snow[lane]
    block.warm_surface[lane] = max(block.warm_surface[lane], surface)
    block.cold_surface[lane] = min(block.cold_surface[lane], surface)


@_compiled
def _close_year(block: Block, results: Results, lane: int, year: int, column: int, elapsed: int) -> None:
    top = block.top[lane]
    results.top[year, column] = top
    results.surface[WARMEST, year, column] = block.warm_surface[lane]
    results.surface[COLDEST, year, column] = block.cold_surface[lane]
    _store(block.warmest, top, lane, results.envelopes[WARMEST, year, :, column])
    _store(block.coldest, top, lane, results.envelopes[COLDEST, year, :, column])
    _store(block.total, top, lane, results.envelopes[AVERAGE, year, :, column])
    results.envelopes[AVERAGE, year, :, column] /= elapsed


@_compiled
def _store(values: Array, top: int, lane: int, out: Array) -> None:
    for row in range(out.size):
        out[row] = values[row, lane] if row >= top else np.nan


@_compiled
def _heat_of(block: Block, width: Array, lane: int) -> float:
    """Heat in a column, J m-2."""
    total = 0.0
    for row in range(block.top[lane], width.size):
        total += width[row] * block.old[row, lane]
    return total
