"""Operations on one row of LANES columns, which the compiler turns into a few vector instructions each.

They are part of what `_heat.simulate` compiles. Numba's cache follows changes of that file only: touch it after changes
of this one.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

Array = np.ndarray[Any, Any]
Function = TypeVar("Function", bound=Callable[..., Any])

LANES = 16  # 32 were a tenth to a quarter faster in most trials with 1 MiB of cache a core, with twice the scratch

# Strict arithmetic, no fastmath: docs/decisions/0004.
_OPTIONS: Any = {"error_model": "numpy", "nogil": True}
_row: Callable[[Function], Function] = njit(forceinline=True, **_OPTIONS)


def _declare_distinct(_context: Any) -> Any:
    """Tell the compiler that the arrays of the calling function do not overlap, as C's ``restrict`` does."""

    def declare(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        for argument in builder.function.args:
            if str(argument.type) in ("double*", "i32*"):
                argument.add_attribute("noalias")
        return context.get_dummy_value()

    return types.void(), declare


_distinct: Any = intrinsic(_declare_distinct)  # without it, every row operation first makes sure


@_row
def connect(conductance: Array, above: Array, below: Array, seconds: float) -> None:
    _distinct()
    for lane in range(LANES):
        conductance[lane] = seconds / (above[lane] + below[lane])


@_row
def eliminate(
    alpha: Array,
    beta: Array,
    series: Array,
    inflow: Array,
    capacity: Array,
    load: Array,
    conductance: Array,
    series_below: Array,
    inflow_below: Array,
) -> None:
    """Conductances in series and capacities in parallel: no subtraction, so that nothing cancels."""
    _distinct()
    for lane in range(LANES):
        behind = capacity[lane] + series_below[lane]
        inverse = 1.0 / (behind + conductance[lane])
        share = conductance[lane] * inverse
        own = (load[lane] + inflow_below[lane]) * inverse
        alpha[lane] = own
        beta[lane] = share
        series[lane] = share * behind
        inflow[lane] = conductance[lane] * own


@_row
def go(
    flat: Array,
    heat: Array,
    reached: Array,
    flat_above: Array,
    alpha: Array,
    beta: Array,
    point: Array,
    degree: Array,
    capacity: Array,
    offset: Array,
    piece: Array,
    per_width: float,
    origin: float,
    per_piece: float,
    last: float,
) -> int:
    """Temperatures of a row from those above it; not 0 where one has left the piece of its tangent."""
    _distinct()
    moved = 0
    for lane in range(LANES):
        t = alpha[lane] + beta[lane] * flat_above[lane]
        h = point[lane] + (t - degree[lane]) * (capacity[lane] * per_width)
        j = np.int32(min(max((h - origin) * per_piece, 0.0), last)) + offset[lane]
        flat[lane] = t
        heat[lane] = h
        reached[lane] = j
        moved |= j ^ piece[lane]
    return moved


@_row
def look_up(
    kelvin: Array,
    flat: Array,
    heat: Array,
    reached: Array,
    piece: Array,
    intercept: Array,
    slope: Array,
    tolerance: float,
) -> int:
    """T(H); not 0 where a tangent misses it."""
    _distinct()
    missed = 0
    for lane in range(LANES):
        j = np.uint32(reached[lane])
        true = intercept[j] + slope[j] * heat[lane]
        kelvin[lane] = flat[lane] if reached[lane] == piece[lane] else true
        missed |= abs(flat[lane] - kelvin[lane]) > tolerance
    return missed


@_row
def touch(
    flat: Array,
    kelvin: Array,
    heat: Array,
    reached: Array,
    point: Array,
    degree: Array,
    capacity: Array,
    load: Array,
    old: Array,
    resistance: Array,
    piece: Array,
    capacities: Array,
    resistivities: Array,
    width: float,
    tolerance: float,
) -> None:
    """New tangents where the old ones miss."""
    _distinct()
    for lane in range(LANES):
        missed = abs(flat[lane] - kelvin[lane]) > tolerance
        j = np.uint32(reached[lane])
        c, r = width * capacities[j], width * resistivities[j]
        point[lane] = heat[lane] if missed else point[lane]
        degree[lane] = kelvin[lane] if missed else degree[lane]
        capacity[lane] = c if missed else capacity[lane]
        resistance[lane] = r if missed else resistance[lane]
        piece[lane] = reached[lane] if missed else piece[lane]
        load[lane] = capacity[lane] * degree[lane] + width * (old[lane] - point[lane])


@_row
def differ(a: Array, b: Array) -> int:
    _distinct()
    differ = 0
    for lane in range(LANES):
        differ |= a[lane] ^ b[lane]
    return differ


@_row
def regrade(
    reached: Array,
    piece: Array,
    capacity: Array,
    resistance: Array,
    capacities: Array,
    resistivities: Array,
    width: float,
) -> None:
    """The tangents of the pieces that have been reached."""
    _distinct()
    for lane in range(LANES):
        j = np.uint32(reached[lane])
        capacity[lane] = width * capacities[j]
        resistance[lane] = width * resistivities[j]
        piece[lane] = reached[lane]


@_row
def settle(heat: Array, kelvin: Array, point: Array, degree: Array, old: Array, capacity: Array, load: Array) -> None:
    _distinct()
    for lane in range(LANES):
        point[lane] = heat[lane]
        old[lane] = heat[lane]
        degree[lane] = kelvin[lane]
        load[lane] = capacity[lane] * kelvin[lane]


@_row
def count(kelvin: Array, warmest: Array, coldest: Array, total: Array) -> None:
    _distinct()
    for lane in range(LANES):
        warmest[lane] = max(warmest[lane], kelvin[lane])
        coldest[lane] = min(coldest[lane], kelvin[lane])
        total[lane] += kelvin[lane]


@_row
def copy_row(out: Array, values: Array) -> None:
    _distinct()
    for lane in range(LANES):
        out[lane] = values[lane]
