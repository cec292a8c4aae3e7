"""Sums over the days of fields that are never stored: a detail that stays, on a smooth field that changes every day."""

from typing import Any

import numpy as np
from numba import njit

Values = np.ndarray[Any, Any]


@njit(nogil=True, cache=True)
def neighbours(positions: Values, factor: int, size: int) -> tuple[Values, Values, Values]:
    """Nodes before and after fine positions, and the weight of the one after; the edge's value beyond the outermost."""
    before, after = np.empty(positions.size, np.int64), np.empty(positions.size, np.int64)
    weight = np.empty(positions.size)
    for k in range(positions.size):
        place = min(max((positions[k] + 0.5) / factor - 0.5, 0.0), size - 1.0)
        before[k] = int(place)
        after[k] = min(before[k] + 1, size - 1)
        weight[k] = place - before[k]
    return before, after, weight


@njit(nogil=True, cache=True)
def sum_thaw(
    nodes: Values,
    detail: Values,
    step: Values,
    rows: Values,
    columns: Values,
    factors: tuple[int, int],
    years: Values,
    sums: Values,
    days: Values,
) -> None:
    """Add up, by year, what each day's field is above 0 degC, and count the days on which it is.

    The field of day t is ``detail[step[t]]`` plus the bilinear field through ``nodes[t]``. `nodes` is
    (time, y, x), `detail` (step, row, column), `years` the position of each day's year in `sums` and `days` (year,
    row, column), which must be zeros. A day of which one of the four nodes is NaN makes the year's sum NaN.
    """
    top, bottom, down = neighbours(rows, factors[0], nodes.shape[1])
    left, right, across = neighbours(columns, factors[1], nodes.shape[2])
    line = np.empty(nodes.shape[2])
    for t in range(nodes.shape[0]):
        year = years[t]
        for i in range(rows.size):
            above, below = nodes[t, top[i]], nodes[t, bottom[i]]
            for j in range(line.size):
                line[j] = above[j] * (1.0 - down[i]) + below[j] * down[i]
            of_place, total, count = detail[step[t], i], sums[year, i], days[year, i]
            for j in range(columns.size):
                smooth = line[left[j]] * (1.0 - across[j]) + line[right[j]] * across[j]
                value = of_place[j] + smooth
                total[j] += value if not value <= 0.0 else 0.0
                count[j] += value > 0.0
