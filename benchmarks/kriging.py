"""The kernel that fills gaps of an image against PyKrige's moving window in C, on one core, in one run."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

import numpy as np
from pykrige.ok import OrdinaryKriging
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from cryoscale.stats.variogram import Variogram, VariogramModel
from cryoscale.thermal._grid_kriging import krige_grid

Array = np.ndarray[Any, Any]

SIZE, WINDOW, CLOUDS = 300, 100, 0.4
NEIGHBOURS, RADIUS, PIXEL = 16, 100e3, 1000.0
ROUNDS, REPEATED = 5, 100
GROWING = (300, 600, 1200)
VARIOGRAM = Variogram(VariogramModel.EXPONENTIAL, nugget=0.2, partial_sill=2.0, range=15e3)


def _cloudy_image(size: int = SIZE) -> Array:
    """Smooth in space with noise, CLOUDS of it under patches some tens of pixels wide."""
    rng = np.random.default_rng(0)
    image = 10 * gaussian_filter(rng.normal(size=(size, size)), 3) + 0.4 * rng.normal(size=(size, size))
    clouds = gaussian_filter(rng.normal(size=(size, size)), 6)
    image[clouds > np.quantile(clouds, 1 - CLOUDS)] = np.nan
    return image


def _correlations() -> Array:
    offsets = np.arange(int(2 * RADIUS / PIXEL) + 1) * PIXEL
    return VARIOGRAM.covariance(np.hypot(offsets[:, None], offsets)) / VARIOGRAM.sill


def _fill(image: Array) -> tuple[Array, Array]:
    """Estimate and variance; the table of correlations is part of the work."""
    table = _correlations()
    estimate, share, _ = krige_grid(image, np.isnan(image), table, (PIXEL, PIXEL), NEIGHBOURS, RADIUS)
    return estimate, share * VARIOGRAM.sill


def _peer(image: Array) -> Callable[[Array], tuple[Array, Array]]:
    """PyKrige on the same image, for targets (n, 2) as row and column."""
    rows, columns = np.nonzero(~np.isnan(image))
    kriging = OrdinaryKriging(
        columns * PIXEL,
        rows * PIXEL,
        image[rows, columns],
        variogram_model=str(VARIOGRAM.model),
        variogram_parameters={
            "psill": VARIOGRAM.partial_sill,
            "range": VARIOGRAM.range,
            "nugget": VARIOGRAM.nugget,
        },
    )

    def execute(targets: Array) -> tuple[Array, Array]:
        y, x = targets.T * PIXEL
        estimate, variance = kriging.execute("points", x, y, backend="C", n_closest_points=NEIGHBOURS)
        return estimate, variance

    return execute


def _difference(window: Array, gaps: Array, peer: tuple[Array, Array]) -> float:
    """Largest, where the last neighbour is nearer than the next one: of equally near ones each takes another."""
    last, following = np.asarray(
        cKDTree(np.argwhere(~np.isnan(window))).query(gaps, k=[NEIGHBOURS, NEIGHBOURS + 1])[0]
    ).T
    clear = following - last > 1e-9
    at = tuple(gaps[clear].T)
    return max(float(np.abs(a[at] - b[clear]).max()) for a, b in zip(_fill(window), peer, strict=True))


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _each_further(once: float, repeated: float) -> float:
    """Time of one more target, from the times a target of all gaps once and of all gaps REPEATED times."""
    return (REPEATED * repeated - once) / (REPEATED - 1)


def _on_one_core() -> dict[str, float]:
    """Ratios on a window: the peer makes a matrix of all pairs of valid pixels, which of the image has 23 GB."""
    image = _cloudy_image()
    start = (SIZE - WINDOW) // 2
    window = image[start : start + WINDOW, start : start + WINDOW].copy()
    gaps, execute = np.argwhere(np.isnan(window)), _peer(window)
    many = np.tile(gaps, (REPEATED, 1))
    _fill(window)  # compiles
    runs = [
        (
            _seconds(lambda: _fill(image)) / np.isnan(image).sum(),
            _seconds(lambda: _fill(window)) / len(gaps),
            _seconds(lambda: execute(gaps)) / len(gaps),
            _seconds(lambda: execute(many)) / len(many),
        )
        for _ in range(ROUNDS)
    ]
    return {
        "microseconds": 1e6 * median(run[0] for run in runs),
        "in_window": 1e6 * median(run[1] for run in runs),
        "peer": 1e6 * median(run[2] for run in runs),
        "ratio": median(run[2] / run[1] for run in runs),
        "without_matrix": median(_each_further(run[2], run[3]) / run[1] for run in runs),
        "gaps": len(gaps),
        "difference": _difference(window, gaps, execute(gaps)),
    }


def gap_filling_speed() -> list[tuple[str, str]]:
    """Rows for the table of `make bench`, measured in a process that has one core."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.kriging"]
    found = json.loads(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout)
    title = f"Kriging, one core, {NEIGHBOURS} neighbours, {CLOUDS:.0%} clouds"
    window = f"{found['gaps']} gaps of {WINDOW} x {WINDOW} pixels"
    return [
        (f"{title}, {window}: PyKrige's C moving window / ours", f"{found['ratio']:.0f}"),
        (
            f"{title}, the same, each gap beyond its set-up",
            f"{found['without_matrix']:.1f}",
        ),
        (f"{title}: PyKrige, microseconds a filled pixel", f"{found['peer']:.0f}"),
        (f"{title}: ours, microseconds a filled pixel", f"{found['in_window']:.2f}"),
        (f"{title}, {SIZE} x {SIZE} pixels: ours, microseconds a filled pixel", f"{found['microseconds']:.2f}"),
        (f"{title}: largest difference from PyKrige, K and K2", f"{found['difference']:.0e}"),
    ]


def growing(sizes: Sequence[int] = GROWING) -> list[tuple[str, str]]:
    """Rows for the table: what a filled pixel costs in larger images, and of two images in two threads."""
    rows = []
    for size in sizes:
        image = _cloudy_image(size)
        _fill(image[:WINDOW, :WINDOW].copy())  # compiles
        with ThreadPoolExecutor(2) as pool:
            alone = min(_seconds(lambda: [_fill(image), _fill(image)]) for _ in range(2))  # noqa: B023
            both = min(_seconds(lambda: list(pool.map(_fill, [image, image]))) for _ in range(2))  # noqa: B023
        title = f"Kriging, one thread, {size} x {size} pixels"
        rows += [
            (f"{title}: microseconds a filled pixel", f"{1e6 * alone / (2 * np.isnan(image).sum()):.2f}"),
            (f"{title}: two threads, times as fast", f"{alone / both:.2f}"),
        ]
    return rows


if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(json.dumps(_on_one_core()))
