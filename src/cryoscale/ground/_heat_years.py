"""Yearly maps from the yearly extremes and means of columns, compiled."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit

from cryoscale.ground._heat_state import AVERAGE, COLDEST, WARMEST

Array = np.ndarray[Any, Any]
Function = TypeVar("Function", bound=Callable[..., Any])

ACTIVE_LAYER, TABLE, DEEP, SEASONLESS, STATE = range(5)
YEARLY = 5
PERMAFROST, BELOW_TALIK, SEASONAL, UNFROZEN = 1, 2, 3, 4

_RANGE = 0.1  # yearly range up to which ground counts as without seasons, K
_DEPTH = 10.0  # m

_OPTIONS: Any = {"error_model": "numpy", "nogil": True}
_compiled: Callable[[Function], Function] = njit(**_OPTIONS)


@njit(cache=True, error_model="numpy", nogil=True)
def diagnose(edges: Array, top: Array, surface: Array, envelopes: Array, yearly: Array) -> None:
    """Active layer, permafrost table, temperatures and state of every column and year.

    Parameters
    ----------
    edges : numpy.ndarray
        (row + 1,) depths of the rows' edges, m.
    top : numpy.ndarray
        (year, column) first row of ground.
    surface : numpy.ndarray
        (2, year, column) warmest and coldest surface of the ground, degC.
    envelopes : numpy.ndarray
        (3, year, row, column) warmest, coldest and mean temperature, degC; NaN in the air.
    yearly : numpy.ndarray
        (YEARLY, year, column); written to.
    """
    n_years, n_rows, n_columns = envelopes.shape[1:]
    depth, lasting = np.empty(n_rows), np.empty(n_rows)
    for column in range(n_columns):
        for year in range(n_years):
            first, before = top[year, column], max(year - 1, 0)
            depth[:] = 0.5 * (edges[:-1] + edges[1:]) - edges[first]
            warmest = envelopes[WARMEST, year, :, column]
            coldest = envelopes[COLDEST, year, :, column]
            mean = envelopes[AVERAGE, year, :, column]
            earlier = envelopes[WARMEST, before, :, column]
            for row in range(n_rows):  # what was not there in the year before is not known to last
                unknown = np.isnan(earlier[row])
                lasting[row] = np.nan if unknown else max(warmest[row], earlier[row])
            warm = surface[WARMEST, year, column]
            table = frost_depth(depth, lasting, first, max(warm, surface[WARMEST, before, column]))
            talik = _stays_open(coldest, depth, first, table)
            frozen = not np.isnan(table)
            out = yearly[:, year, column]
            out[ACTIVE_LAYER] = frost_depth(depth, warmest, first, warm) if frozen and not talik else np.nan
            out[TABLE] = table
            out[DEEP] = _at(depth, mean, first)
            out[SEASONLESS] = _without_seasons(warmest, coldest, mean, first)
            if frozen:
                out[STATE] = BELOW_TALIK if talik else PERMAFROST
            else:
                out[STATE] = SEASONAL if surface[COLDEST, year, column] < 0.0 else UNFROZEN


@_compiled
def frost_depth(depth: Array, highest: Array, first: int, surface: float) -> Any:
    """Depth where the highest temperature falls to 0 degC, between centres; NaN where it never does."""
    for row in range(first, depth.size):
        if highest[row] <= 0.0:
            upper, warm = (0.0, surface) if row == first else (depth[row - 1], highest[row - 1])
            if np.isnan(warm):  # placed this year: nothing is known of it
                return 0.5 * (upper + depth[row])
            if warm <= 0.0:
                return 0.0
            return upper + (depth[row] - upper) * warm / (warm - highest[row])
    return np.nan


@_compiled
def _stays_open(coldest: Array, depth: Array, first: int, table: float) -> bool:
    """Whether ground above the permafrost stays above 0 degC all year."""
    for row in range(first, depth.size):
        if not depth[row] < table:
            return False
        if coldest[row] > 0.0:
            return True
    return False


@_compiled
def _at(depth: Array, mean: Array, first: int) -> Any:
    """Mean temperature at the reference depth, between centres."""
    for row in range(first + 1, depth.size):
        if depth[row] >= _DEPTH > depth[row - 1]:
            share = (_DEPTH - depth[row - 1]) / (depth[row] - depth[row - 1])
            return mean[row - 1] + share * (mean[row] - mean[row - 1])
    return np.nan


@_compiled
def _without_seasons(warmest: Array, coldest: Array, mean: Array, first: int) -> Any:
    for row in range(first, mean.size):
        if warmest[row] - coldest[row] <= _RANGE:
            return mean[row]
    return np.nan
