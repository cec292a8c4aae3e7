"""The NSBAS kernel against dense least squares per pixel, against copying its input, and on two threads."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

import numpy as np

from benchmarks.end_to_end import chain_network
from cryoscale.insar._elimination import Problem
from cryoscale.insar._nsbas import make_problem, solve

Array = np.ndarray[Any, Any]

EPOCHS, PAIRS, MISSING = 180, 650, 0.15
PIXELS, DENSE_PIXELS, ROUNDS = 16384, 30, 5
GROWING = ((60, 216, 16384), (180, 650, 4096), (180, 650, 16384), (180, 650, 65536), (360, 1300, 16384))
"""Epochs, pairs, pixels."""
GAMMA = 1e-4


def _problem(epochs: int = EPOCHS, pairs: int = PAIRS) -> Problem:
    first, second, dates = chain_network(epochs, pairs)
    years = (dates - dates[0]) / np.timedelta64(1, "D") / 365.25
    angle = 2 * np.pi * years
    design = np.stack([np.ones(epochs), years, np.sin(angle), np.cos(angle)], axis=1)
    return make_problem(first, second, years, design, gamma=GAMMA)


def _stack(problem: Problem, n_pixels: int = PIXELS) -> Array:
    rng = np.random.default_rng(0)
    u = rng.normal(size=(len(problem.design), n_pixels)).astype("float32").cumsum(axis=0)
    d = u[problem.second] - u[problem.first] + rng.normal(size=(len(problem.first), n_pixels)).astype("float32")
    d[rng.random(d.shape, dtype="float32") < MISSING] = np.nan
    return d


def _solve(problem: Problem, stack: Array) -> Array:
    return solve(stack, np.ones((len(stack), 1)), np.zeros(stack.shape[1]), problem)[0]


def _dense(problem: Problem, stack: Array) -> Iterator[Array]:
    """Increments and model parameters of one pixel after the other, from (M + N) x (N - 1 + q) equations.

    As LiCSBAS and MintPy solve pixels that lack any interferogram; the constraints are those of LiCSBAS.
    """
    steps = np.arange(EPOCHS - 1)
    network = (steps >= problem.first[:, None]) & (steps < problem.second[:, None])
    constraints = GAMMA * np.hstack([np.tri(EPOCHS, EPOCHS - 1, -1), -problem.design])
    rows = np.vstack([np.hstack([network, np.zeros((PAIRS, problem.design.shape[1]))]), constraints])
    for d in stack.T:
        used = np.append(np.isfinite(d), np.ones(EPOCHS, bool))
        values = np.append(d, np.zeros(EPOCHS))
        increments = np.linalg.lstsq(rows[used], values[used], rcond=None)[0][: EPOCHS - 1]
        yield np.append(0.0, increments.cumsum())


def _seconds(run: Callable[[], object], *, clock: Callable[[], float] = time.perf_counter) -> float:
    started = clock()
    run()
    return clock() - started


def _on_one_core() -> dict[str, float]:
    problem = _problem()
    stack = _stack(problem)
    copy, few = np.empty_like(stack), stack[:, :DENSE_PIXELS]
    ours = _solve(problem, stack)[:, :DENSE_PIXELS]  # compiles
    np.copyto(copy, stack)  # touches the memory
    runs = [
        (
            _seconds(lambda: _solve(problem, stack)) / PIXELS,
            _seconds(lambda: list(_dense(problem, few))) / DENSE_PIXELS,
            _seconds(lambda: np.copyto(copy, stack)) / PIXELS,
        )
        for _ in range(ROUNDS)
    ]
    return {
        "microseconds": 1e6 * median(run[0] for run in runs),
        "dense": median(run[1] / run[0] for run in runs),
        "copy": median(run[0] / run[2] for run in runs),
        "difference": float(np.abs(ours - np.stack(list(_dense(problem, few)), axis=1)).max()),
    }


def kernel_speed() -> list[tuple[str, str]]:
    """Rows for the table of `make bench`, measured in a process that has one core."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.nsbas"]
    found = json.loads(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout)
    title = f"NSBAS, one core, {EPOCHS} epochs, {PAIRS} pairs, {MISSING:.0%} missing"
    return [
        (f"{title}: dense lstsq per pixel, as LiCSBAS and MintPy / ours", f"{found['dense']:.0f}"),
        (f"{title}: ours / copy of the input in memory", f"{found['copy']:.1f}"),
        (f"{title}: microseconds a pixel", f"{found['microseconds']:.1f}"),
        (f"{title}: largest difference from lstsq, mm", f"{found['difference']:.0e}"),
    ]


def growing(sizes: Sequence[tuple[int, int, int]] = GROWING, *, rounds: int = ROUNDS) -> list[tuple[str, str]]:
    """Rows for the table: how the cost of a pixel, in time of a core, depends on epochs, pairs and pixels."""
    rows = []
    for epochs, pairs, n_pixels in sizes:
        problem = _problem(epochs, pairs)
        stack = _stack(problem, n_pixels)
        _solve(problem, stack[:, :64])
        seconds = median(_seconds(lambda: _solve(problem, stack), clock=time.process_time) for _ in range(rounds))  # noqa: B023
        title = f"NSBAS, one core, {epochs} epochs, {pairs} pairs, {n_pixels} pixels"
        rows.append((f"{title}: microseconds a pixel", f"{1e6 * seconds / n_pixels:.1f}"))
    return rows


def thread_scaling() -> list[tuple[str, str]]:
    """How much faster two threads are than one: the kernel holds no lock."""
    problem = _problem()
    halves = [np.ascontiguousarray(half) for half in np.split(_stack(problem), 2, axis=1)]
    _solve(problem, halves[0])
    with ThreadPoolExecutor(2) as pool:

        def together() -> None:
            list(pool.map(lambda half: _solve(problem, half), halves))

        alone, both = (
            min(_seconds(run) for _ in range(ROUNDS))
            for run in (lambda: [_solve(problem, half) for half in halves], together)
        )
    return [("NSBAS: two threads, times as fast as one", f"{alone / both:.2f}")]


if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(json.dumps(_on_one_core()))
