"""The kernel against dense linear algebra, other programs, and itself on parts of a grid."""

import os
import subprocess
import sys
import textwrap
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pykrige.ok import OrdinaryKriging

from cryoscale.stats.kriging import krige
from cryoscale.stats.variogram import Variogram, VariogramModel
from cryoscale.thermal._grid_kriging import krige_grid

Values = np.ndarray[Any, Any]

EXPONENTIAL = Variogram(VariogramModel.EXPONENTIAL, nugget=0.2, partial_sill=1.8, range=9.0)
VARIOGRAMS = (
    EXPONENTIAL,
    Variogram(VariogramModel.SPHERICAL, nugget=0.0, partial_sill=2.0, range=7.0),
    Variogram(VariogramModel.GAUSSIAN, nugget=0.05, partial_sill=1.0, range=6.0),
)


def correlations(variogram: Variogram, shape: tuple[int, int], spacing: tuple[float, float]) -> Values:
    rows, columns = np.arange(shape[0]) * spacing[0], np.arange(shape[1]) * spacing[1]
    return variogram.covariance(np.hypot(rows[:, None], columns)) / variogram.sill


def run(
    values: Values,
    variogram: Variogram,
    *,
    spacing: tuple[float, float] = (1.0, 1.0),
    k: int = 16,
    radius: float = 1e3,
    targets: Values | None = None,
) -> tuple[Values, Values, Values]:
    targets = np.isnan(values) if targets is None else targets
    share = correlations(variogram, values.shape, spacing)
    estimate, variance, used = krige_grid(values, targets, share, spacing, k, radius)
    return estimate, variance * variogram.sill, used


def dense(
    values: Values, gap: tuple[int, int], variogram: Variogram, spacing: tuple[float, float], k: int, radius: float
) -> tuple[float, float, int]:
    """One gap from the bordered system; the neighbours from a sort of all valid pixels."""
    i, j = np.nonzero(np.isfinite(values))
    rows, columns = i - gap[0], j - gap[1]
    distance = (rows * spacing[0]) ** 2 + (columns * spacing[1]) ** 2
    order = np.lexsort((columns, rows, abs(rows), distance))
    order = order[distance[order] <= radius**2][:k]
    if not order.size:
        return np.nan, np.nan, 0
    y, x = i[order] * spacing[0], j[order] * spacing[1]
    gamma = variogram.semivariance(np.hypot(y[:, None] - y, x[:, None] - x))
    to_gap = variogram.semivariance(np.sqrt(distance[order]))
    n = order.size
    system = np.block([[gamma, np.ones((n, 1))], [np.ones((1, n)), np.zeros((1, 1))]])
    weights = np.linalg.solve(system, np.append(to_gap, 1.0))
    return float(weights[:n] @ values[i[order], j[order]]), float(weights @ np.append(to_gap, 1.0)), n


def patchy(shape: tuple[int, int], *, share: float, seed: int) -> Values:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shape).cumsum(axis=0).cumsum(axis=1) / 10
    values[rng.random(shape) < share] = np.nan
    values[2 : shape[0] // 2, 1 : shape[1] // 2] = np.nan
    return values


@pytest.mark.parametrize("variogram", VARIOGRAMS, ids=lambda v: v.model)
@pytest.mark.parametrize(("spacing", "radius"), [((1.0, 1.0), 1e3), ((1.3, 0.7), 1e3), ((1.0, 1.0), 3.0)])
def test_agrees_with_dense_systems_of_the_nearest_pixels(
    variogram: Variogram, spacing: tuple[float, float], radius: float
) -> None:
    values = patchy((17, 23), share=0.5, seed=1)
    estimate, variance, used = run(values, variogram, spacing=spacing, k=9, radius=radius)
    for gap in zip(*np.nonzero(np.isnan(values)), strict=True):
        truth = dense(values, gap, variogram, spacing, 9, radius)
        np.testing.assert_allclose((estimate[gap], variance[gap], used[gap]), truth, rtol=1e-8, atol=1e-9)
    assert np.isnan(estimate[np.isfinite(values)]).all()
    assert not used[np.isfinite(values)].any()


@given(
    st.integers(1, 9), st.integers(1, 9), st.integers(1, 20), st.floats(0.5, 8.0), st.floats(0, 1), st.integers(0, 99)
)
def test_any_grid_agrees_with_dense_systems(
    rows: int, columns: int, k: int, radius: float, share: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, columns))
    values[rng.random(values.shape) < share] = np.nan
    estimate, variance, used = run(values, EXPONENTIAL, spacing=(1.1, 0.9), k=k, radius=radius)
    for gap in zip(*np.nonzero(np.isnan(values)), strict=True):
        truth = dense(values, gap, EXPONENTIAL, (1.1, 0.9), k, radius)
        np.testing.assert_allclose((estimate[gap], variance[gap], used[gap]), truth, rtol=1e-8, atol=1e-8)


def separated(shape: tuple[int, int], *, seed: int) -> tuple[Values, tuple[float, float]]:
    """A field with gaps on pixels so oblong that no two neighbours are equally far."""
    return patchy(shape, share=0.4, seed=seed), (1.0, 0.7310585)


def without_ties(values: Values, spacing: tuple[float, float], k: int) -> list[tuple[int, int]]:
    """Gaps whose k-th and next neighbour differ in distance: there every program takes the same ones."""
    i, j = np.nonzero(np.isfinite(values))
    chosen = []
    for gap in zip(*np.nonzero(np.isnan(values)), strict=True):
        distance = np.sort(np.hypot((i - gap[0]) * spacing[0], (j - gap[1]) * spacing[1]))
        if distance[k] - distance[k - 1] > 1e-9:
            chosen.append(gap)
    return chosen


@pytest.mark.parametrize("variogram", VARIOGRAMS, ids=lambda v: v.model)
def test_agrees_with_kriging_of_scattered_points_and_with_pykrige(variogram: Variogram) -> None:
    values, spacing = separated((30, 31), seed=2)
    gaps = without_ties(values, spacing, 12)
    at = tuple(np.array(gaps).T)
    estimate, variance, _ = run(values, variogram, spacing=spacing, k=12)
    points, targets = np.argwhere(np.isfinite(values)) * spacing, np.array(gaps) * spacing
    ours = krige(points, values[np.isfinite(values)], targets, variogram=variogram, neighbours=12)
    np.testing.assert_allclose(estimate[at], ours.estimate, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(variance[at], ours.variance, rtol=1e-8, atol=1e-9)
    # PyKrige's Gaussian is 1 - exp(-(7 h / (4 range))^2), ours 1 - exp(-3 (h / range)^2).
    reach = variogram.range * (7 / 4 / np.sqrt(3) if variogram.model is VariogramModel.GAUSSIAN else 1.0)
    peer = OrdinaryKriging(
        points[:, 1],
        points[:, 0],
        values[np.isfinite(values)],
        variogram_model=str(variogram.model),
        variogram_parameters={"psill": variogram.partial_sill, "range": reach, "nugget": variogram.nugget},
    )
    z, s2 = peer.execute("points", targets[:, 1], targets[:, 0], backend="C", n_closest_points=12)
    assert len(gaps) > 200
    np.testing.assert_allclose(estimate[at], z, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(variance[at], s2, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("top", "bottom", "left", "right"), [(0, 26, 0, 60), (26, 70, 11, 49), (40, 41, 30, 31)])
def test_parts_with_a_halo_give_the_bits_of_the_whole(top: int, bottom: int, left: int, right: int) -> None:
    values, radius = patchy((70, 60), share=0.6, seed=3), 7.0
    first_row, first_column = max(top - 7, 0), max(left - 7, 0)
    part = run(values[first_row : bottom + 7, first_column : right + 7], EXPONENTIAL, radius=radius)
    for everywhere, padded in zip(run(values, EXPONENTIAL, radius=radius), part, strict=True):
        inner = padded[top - first_row :, left - first_column :][: bottom - top, : right - left]
        np.testing.assert_array_equal(inner, everywhere[top:bottom, left:right])


def test_only_targets_are_estimated_and_each_as_if_alone() -> None:
    values = patchy((25, 25), share=0.5, seed=4)
    whole = run(values, EXPONENTIAL)
    some = np.isnan(values) & (np.random.default_rng(0).random(values.shape) < 0.3)
    for every, chosen in zip(whole, run(values, EXPONENTIAL, targets=some), strict=True):
        np.testing.assert_array_equal(chosen[some], every[some])
        assert not np.nan_to_num(chosen[~some]).any()


@given(st.floats(-50, 50), st.integers(0, 20))
def test_a_constant_is_kept_and_a_shift_passes_through(shift: float, seed: int) -> None:
    values = patchy((12, 12), share=0.5, seed=seed)
    constant = np.where(np.isnan(values), np.nan, shift)
    gaps = np.isnan(values)
    np.testing.assert_allclose(run(constant, EXPONENTIAL)[0][gaps], shift, atol=1e-10)
    moved, stayed = run(values + shift, EXPONENTIAL), run(values, EXPONENTIAL)
    np.testing.assert_allclose(moved[0], stayed[0] + shift, atol=1e-9)
    np.testing.assert_array_equal(moved[1], stayed[1])


def test_pure_nugget_is_the_mean_of_the_neighbours() -> None:
    values = np.full((3, 5), np.nan)
    values[1, [0, 1, 3]] = [1.0, 2.0, 6.0]
    noise = Variogram(VariogramModel.SPHERICAL, nugget=2.0, partial_sill=0.0, range=1.0)
    estimate, variance, used = run(values, noise, k=3)
    assert used[1, 2] == 3
    np.testing.assert_allclose((estimate[1, 2], variance[1, 2]), (3.0, 2.0 * (1 + 1 / 3)))


def test_a_smooth_field_stays_smooth_where_the_system_is_nearly_singular() -> None:
    """A Gaussian variogram without nugget: sixteen neighbours, of which rounding leaves few independent."""
    y, x = np.mgrid[:30, :30] / 30.0
    truth = 1.0 + x + y**2
    values = truth.copy()
    values[10:16, 12:18] = np.nan
    smooth = Variogram(VariogramModel.GAUSSIAN, nugget=0.0, partial_sill=1.0, range=60.0)
    estimate, variance, _ = run(values, smooth)
    gaps = np.isnan(values)
    assert np.abs(estimate - truth)[gaps].max() < 2e-2 < np.ptp(truth)
    assert ((variance[gaps] >= 0) & (variance[gaps] < 0.01)).all()


def test_kernel_stays_within_its_arrays(tmp_path: Any) -> None:
    script = """
        import numpy as np
        from cryoscale.thermal._grid_kriging import krige_grid

        rng = np.random.default_rng(0)
        for shape in ((1, 1), (1, 9), (9, 1), (20, 13)):
            for share in (0.0, 0.5, 0.95, 1.0):
                for k, radius in ((1, 2.0), (16, 3.0), (16, 100.0)):
                    values = rng.normal(size=shape)
                    values[rng.random(shape) < share] = np.nan
                    table = np.exp(-np.hypot(*np.mgrid[: shape[0], : shape[1]]))
                    used = krige_grid(values, np.isnan(values), table, (1.0, 1.0), k, radius)[2]
                    assert used.max() <= k
        try:
            krige_grid(values, np.isnan(values), table[:1, :1], (1.0, 1.0), k, radius)
            values[3, 3] = 0.0
            krige_grid(values, np.isnan(values), table[:1, :1], (1.0, 1.0), k, radius)
        except IndexError:
            print("bounds are checked")
    """
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_OPT": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "bounds are checked\n"), done.stderr
