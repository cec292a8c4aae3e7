"""CDF matching against pytesmo, on maps in memory, on one core, in one run; growing sizes."""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import dask
import numpy as np
import xarray as xr
from pytesmo.cdf_matching import CDFMatching
from rich.console import Console

from cryoscale.stats import fit_cdf

Array = np.ndarray[Any, Any]

ROUNDS = 5
SIDES = (500, 1000, 2000)
PERCENTILES = np.arange(1, 100)


def _maps(side: int) -> tuple[xr.DataArray, xr.DataArray]:
    """A rate over all of a scene, and a distorted and noisy one over half of it."""
    rng = np.random.default_rng(0)
    source = rng.normal(-5, 4, (side, side))
    reference = 1.4 * source + 0.02 * source**2 + 2 + rng.normal(size=source.shape)
    reference[:, : side // 2] = np.nan
    return tuple(xr.DataArray(values.astype("float32"), dims=("y", "x")) for values in (source, reference))


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def compare(side: int, *, rounds: int = ROUNDS) -> dict[str, float]:
    """Nanoseconds of a core a pixel of fitting and of applying, of ours and of the peer; largest difference."""
    source, reference = _maps(side)
    both = np.isfinite(reference.values)
    x, y = source.values[both].astype("float64"), reference.values[both].astype("float64")
    every = source.values.ravel().astype("float64")
    peer = CDFMatching(percentiles=PERCENTILES, linear_edge_scaling=True)

    def fit() -> Any:
        with dask.config.set(scheduler="synchronous"):
            return fit_cdf(source, reference)

    transfer = fit()
    transfer(source[:8])  # compiles
    runs = [
        (
            _seconds(fit),
            _seconds(lambda: transfer(source)),
            _seconds(lambda: peer.fit(x, y)),
            _seconds(lambda: peer.predict(every)),
        )
        for _ in range(rounds)
    ]
    inner = (every > x.min() + 0.1 * np.ptp(x)) & (every < x.max() - 0.1 * np.ptp(x))
    apart = np.abs(transfer(source).values.ravel() - peer.predict(every))[inner]
    ours, theirs = (median(run[i] + run[i + 1] for run in runs) for i in (0, 2))
    return {
        "ratio": median((run[2] + run[3]) / (run[0] + run[1]) for run in runs),
        "applying": median(run[3] / run[1] for run in runs),
        "ours": 1e9 * ours / every.size,
        "peer": 1e9 * theirs / every.size,
        "apart": float(np.median(apart)),
    }


def matching_speed(sides: Sequence[int] = SIDES, *, rounds: int = ROUNDS) -> list[tuple[str, str]]:
    """Rows for the table of `make bench`."""
    rows = []
    for side in sides:
        found = compare(side, rounds=rounds)
        title = f"CDF matching, one core, {side} x {side} pixels"
        rows += [
            (f"{title}: pytesmo / ours", f"{found['ratio']:.1f}"),
            (f"{title}: the same, applying alone", f"{found['applying']:.1f}"),
            (f"{title}: ns a pixel, pytesmo and ours", f"{found['peer']:.0f}, {found['ours']:.0f}"),
            (f"{title}: median difference from pytesmo within the range, mm a-1", f"{found['apart']:.0e}"),
        ]
    return rows


if __name__ == "__main__":
    for row in matching_speed():
        Console(width=140).print(*row, sep=": ")
