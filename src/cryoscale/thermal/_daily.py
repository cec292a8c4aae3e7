"""Daily series of many pixels: their gaps filled, their degree-days summed, compiled.

Tiles are (time, pixel), because that is how chunks lie. Pixels are worked on 16 at a time, one cache line of float32,
in a scratch where each one's days are contiguous; nothing else of a tile is copied.
"""

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]

OBSERVED, LINEAR, HARMONIC = 1, 2, 3
"""Flags of ``daily_source``; 0 is a day without a temperature."""

DAYS_PER_COEFFICIENT = 10
"""Observed days that each coefficient of the harmonic fit needs."""

_BLOCK = 16

_entry = njit(cache=True, nogil=True, error_model="numpy")
_compiled = njit(nogil=True, error_model="numpy")


@_entry
def fill(series: Array, basis: Array, months: Array, limit: int, filled: Array, source: Array) -> None:
    """Fill the gaps of every series.

    Parameters
    ----------
    series : numpy.ndarray
        (time, pixel); what is not finite is missing.
    basis : numpy.ndarray
        (time, coefficient) mean and harmonics; without coefficients only short gaps are filled.
    months : numpy.ndarray
        (time,) from 0.
    limit : int
        Longest gap that is interpolated, d.
    filled, source : numpy.ndarray
        (time, pixel) of the type of `series`, and uint8; written to.
    """
    n_days, n_pixels = series.shape
    rows = np.empty((_BLOCK, n_days), series.dtype)
    flags = np.empty((_BLOCK, n_days), np.uint8)
    for first in range(0, n_pixels, _BLOCK):
        width = min(_BLOCK, n_pixels - first)
        _gather(series, first, width, rows)
        for i in range(width):
            _fill_row(rows[i], flags[i], basis, months, limit)
        for day in range(n_days):
            for i in range(width):
                filled[day, first + i] = rows[i, day]
                source[day, first + i] = flags[i, day]


@_entry
def degree_days(
    series: Array,
    errors: Array,
    spans: Array,
    whole: Array,
    basis: Array,
    months: Array,
    limit: int,
    min_days: int,
    sums: Array,
    observed: Array,
) -> None:
    """Degree-days, days and variances of the thawing years (first) and the freezing years (second) of every series.

    Parameters
    ----------
    series, basis, months, limit
        As in `fill`.
    errors : numpy.ndarray
        (time, pixel) standard errors of days, or (0, 0).
    spans : numpy.ndarray
        (2, year, 2) first day of each year and the day after its last, cut to the series.
    whole : numpy.ndarray
        (2, year) the year lies within the series.
    min_days : int
        Observed days below which a year is refused.
    sums : numpy.ndarray
        (3, 2, year, pixel) degree-days, days and variances; written to.
    observed : numpy.ndarray
        (2, year, pixel) int16; written to.
    """
    n_days, n_pixels = series.shape
    rows = np.empty((_BLOCK, n_days), series.dtype)
    error_rows = np.zeros((_BLOCK, n_days if errors.size > 0 else 0), errors.dtype)
    flags = np.empty(n_days, np.uint8)
    for first in range(0, n_pixels, _BLOCK):
        width = min(_BLOCK, n_pixels - first)
        _gather(series, first, width, rows)
        if errors.size > 0:
            _gather(errors, first, width, error_rows)
        for i in range(width):
            _fill_row(rows[i], flags, basis, months, limit)
            for kind in range(2):
                sign = 1.0 if kind == 0 else -1.0
                for year in range(spans.shape[1]):
                    start, stop = spans[kind, year]
                    seen, missing = _count(flags[start:stop])
                    observed[kind, year, first + i] = seen
                    out = sums[:, kind, year, first + i]
                    if not whole[kind, year] or missing > 0 or seen < min_days:
                        out[:] = np.nan
                        continue
                    out[0], out[1] = _sum(rows[i, start:stop], sign)
                    out[2] = _variance(rows[i, start:stop], error_rows[i, start:stop], sign)


@_compiled
def _gather(series: Array, first: int, width: int, rows: Array) -> None:
    for day in range(series.shape[0]):
        for i in range(width):
            rows[i, day] = series[day, first + i]


@_compiled
def _count(flags: Array) -> tuple[int, int]:
    """Days that are observed, days that are missing."""
    seen = 0
    missing = 0
    for flag in flags:
        seen += flag == OBSERVED
        missing += flag == 0
    return seen, missing


@_compiled
def _sum(row: Array, sign: float) -> tuple[float, int]:
    """Degree-days on the side of 0 degC that `sign` says, and the days there."""
    total = 0.0
    days = 0
    for value in row:
        beyond = sign * value
        total += beyond if beyond > 0.0 else 0.0
        days += beyond > 0.0
    return total, days


@_compiled
def _variance(row: Array, errors: Array, sign: float) -> float:
    """Variance of a sum of days with independent errors; days without one take the mean variance of those with one."""
    if errors.size == 0:
        return np.nan
    total = 0.0
    days = 0
    known = 0
    for day in range(row.size):
        if sign * row[day] > 0.0:
            days += 1
            if np.isfinite(errors[day]):
                total += float(errors[day]) ** 2
                known += 1
    if days == 0:
        return 0.0
    return total * days / known if known > 0 else np.nan


@_compiled
def _fill_row(row: Array, flags: Array, basis: Array, months: Array, limit: int) -> None:
    """Fill one series in place and say where each day comes from."""
    seen = 0
    for day in range(row.size):
        flags[day] = np.isfinite(row[day])
        seen += flags[day]
    if seen == row.size:
        return
    coefficients = np.zeros(basis.shape[1])
    fitted = _has_long_gap(flags, limit) and _fit(row, flags, seen, basis, months, coefficients)
    before = -1
    for day in range(row.size + 1):
        if day < row.size and flags[day] != OBSERVED:
            continue
        if day - before > 1:
            if before >= 0 and day < row.size and day - before - 1 <= limit:
                _interpolate(row, flags, before, day)
            elif fitted:
                _follow_harmonics(row, flags, basis, coefficients, before, day, limit)
            else:
                row[before + 1 : day] = np.nan
        before = day


@_compiled
def _has_long_gap(flags: Array, limit: int) -> bool:
    """Whether interpolation leaves a day missing; the ends of a series are not interpolated."""
    gap = limit if flags[0] == 0 else 0
    for flag in flags:
        gap = 0 if flag == OBSERVED else gap + 1
        if gap > limit:
            return True
    return gap > 0


@_compiled
def _fit(row: Array, flags: Array, seen: int, basis: Array, months: Array, coefficients: Array) -> bool:
    """Least squares of the harmonics; False where the observed days are too few or leave a month of the year out."""
    n = basis.shape[1]
    if n == 0 or seen < DAYS_PER_COEFFICIENT * n:
        return False
    normal, right = np.zeros((n, n)), np.zeros(n)
    covered = np.zeros(12, np.uint8)
    for day in range(row.size):
        if flags[day] == OBSERVED:
            covered[months[day]] = 1
            for i in range(n):
                right[i] += basis[day, i] * row[day]
                for j in range(i + 1):
                    normal[i, j] += basis[day, i] * basis[day, j]
    if covered.sum() < covered.size:
        return False
    for i in range(n):
        for j in range(i):
            normal[j, i] = normal[i, j]
    coefficients[:] = np.linalg.solve(normal, right)
    return True


@_compiled
def _interpolate(row: Array, flags: Array, before: int, after: int) -> None:
    slope = (float(row[after]) - float(row[before])) / (after - before)
    for day in range(before + 1, after):
        row[day] = row[before] + slope * (day - before)
        flags[day] = LINEAR


@_compiled
def _follow_harmonics(
    row: Array, flags: Array, basis: Array, coefficients: Array, before: int, after: int, limit: int
) -> None:
    """Harmonics plus what the observed days at the gap's ends deviate from them, faded out over `limit` days."""
    early = row[before] - _harmonics(basis[before], coefficients) if before >= 0 else 0.0
    late = row[after] - _harmonics(basis[after], coefficients) if after < row.size else 0.0
    for day in range(before + 1, after):
        fade_in = max(0.0, 1.0 - (day - before) / (limit + 1.0))
        fade_out = max(0.0, 1.0 - (after - day) / (limit + 1.0))
        row[day] = _harmonics(basis[day], coefficients) + early * fade_in + late * fade_out
        flags[day] = HARMONIC


@_compiled
def _harmonics(terms: Array, coefficients: Array) -> float:
    total = 0.0
    for i in range(terms.size):
        total += terms[i] * coefficients[i]
    return total
