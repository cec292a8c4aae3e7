"""The kernels against a slow twin, and within their bounds."""

import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryoscale.thermal import _daily
from cryoscale.thermal.series import SeriesFill

N_DAYS = 800
DATES = np.datetime64("2004-10-15") + np.arange(N_DAYS)


def twin(row, basis, months, limit):
    """The same filling, plainly: list the gaps, solve with numpy, one day at a time."""
    row = row.astype(float)
    seen = np.isfinite(row)
    filled, source = np.where(seen, row, np.nan), seen.astype(int)
    enough = basis.shape[1] > 0 and seen.sum() >= 10 * basis.shape[1] and set(months[seen]) == set(range(12))
    course = basis @ np.linalg.lstsq(basis[seen], row[seen], rcond=None)[0] if enough else None
    days = [-1, *np.flatnonzero(seen), row.size]
    for a, b in pairwise(days):
        for day in range(a + 1, b):
            if a >= 0 and b < row.size and b - a - 1 <= limit:
                filled[day] = np.interp(day, [a, b], [row[a], row[b]])
                source[day] = 2
            elif course is not None:
                filled[day] = course[day]
                if a >= 0:
                    filled[day] += (row[a] - course[a]) * np.clip(1 - (day - a) / (limit + 1), 0, 1)
                if b < row.size:
                    filled[day] += (row[b] - course[b]) * np.clip(1 - (b - day) / (limit + 1), 0, 1)
                source[day] = 3
    return filled, source


def make_series(rng, n_pixels=19):
    """Seasons with noise, single days missing and a long gap somewhere; one pixel whole, one empty."""
    season = -3 - 12 * np.cos(2 * np.pi * np.arange(N_DAYS) / 365.25)
    series = season[:, None] + rng.normal(0, 3, (N_DAYS, n_pixels))
    series[rng.random(series.shape) < rng.choice([0.0, 0.1, 0.8], n_pixels)] = np.nan
    for pixel in range(n_pixels):
        start = rng.integers(-50, N_DAYS)
        series[max(start, 0) : start + rng.integers(1, 400), pixel] = np.nan
    series[:, 1] = season
    series[:, 2] = np.nan
    series[5, 3] = np.inf
    return series


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(0, 30), st.integers(0, 3))
def test_filling_equals_its_twin(seed, limit, harmonics):
    series = make_series(np.random.default_rng(seed))
    basis, months = SeriesFill(linear_limit=limit, harmonics=harmonics).terms(DATES)
    filled, source = np.empty_like(series), np.empty(series.shape, np.uint8)
    _daily.fill(series, basis, months, limit, filled, source)
    for pixel in range(series.shape[1]):
        expected, expected_source = twin(series[:, pixel], basis, months, limit)
        np.testing.assert_allclose(filled[:, pixel], expected, atol=1e-8)
        np.testing.assert_array_equal(source[:, pixel], expected_source)


@pytest.mark.parametrize("limit", [0, 5])
def test_sums_are_those_of_the_filled_series(limit):
    rng = np.random.default_rng(4)
    series = make_series(rng)
    errors = rng.uniform(0.5, 2, series.shape)
    errors[~np.isfinite(series)] = np.nan
    basis, months = SeriesFill(linear_limit=limit).terms(DATES)
    spans = np.array([[[78, 443], [443, 800]], [[0, 259], [259, 624]]])
    whole = np.array([[True, False], [False, True]])
    sums, observed = np.empty((3, 2, 2, series.shape[1])), np.empty((2, 2, series.shape[1]), np.int16)
    _daily.degree_days(series, errors, spans, whole, basis, months, limit, 100, sums, observed)
    accepted = 0
    for kind, year, pixel in np.ndindex(2, 2, series.shape[1]):
        filled, source = twin(series[:, pixel], basis, months, limit)
        days = slice(*spans[kind, year])
        assert observed[kind, year, pixel] == (source[days] == 1).sum()
        found = sums[:, kind, year, pixel]
        if not whole[kind, year] or (source[days] == 0).any() or (source[days] == 1).sum() < 100:
            assert np.isnan(found).all()
            continue
        accepted += 1
        beyond = filled[days] * (1 - 2 * kind)
        assert found[0] == pytest.approx(beyond[beyond > 0].sum(), abs=1e-6)
        assert found[1] == (beyond > 0).sum()
        variances = errors[days, pixel][beyond > 0] ** 2
        expected = np.nanmean(variances) * variances.size if np.isfinite(variances).any() else np.nan
        assert found[2] == pytest.approx(expected, nan_ok=True)
    assert accepted > 10


PROGRAM = """
import numpy as np
from cryoscale.thermal import _daily
from cryoscale.thermal.series import SeriesFill

rng = np.random.default_rng(0)
series = rng.normal(0, 5, (500, 21)).astype("float32")
series[100:140] = np.nan
series[rng.random(series.shape) < 0.2] = np.nan
series[-3:, :5] = np.nan
basis, months = SeriesFill().terms(np.datetime64("2004-10-15") + np.arange(500))
filled, source = np.empty_like(series), np.empty(series.shape, np.uint8)
_daily.fill(series, basis, months, 10, filled, source)
spans = np.array([[[0, 78], [78, 443]], [[0, 259], [259, 500]]])
whole = np.array([[False, True], [False, False]])
for errors in (np.ones_like(series), np.empty((0, 0), "float32")):
    sums, observed = np.empty((3, 2, 2, 21)), np.empty((2, 2, 21), np.int16)
    _daily.degree_days(series, errors, spans, whole, basis, months, 10, 100, sums, observed)
print(np.isfinite(sums[0]).sum(), (source == 3).sum() > 0)
"""


def test_no_access_out_of_bounds(tmp_path):
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_OPT": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["21", "True"]
