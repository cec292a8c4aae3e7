"""NSBAS on arrays: what all pixels share, memory, and the door to the compiled part."""

from typing import Any

import numpy as np

from cryoscale.insar._elimination import LANES, PARAMETERS, Array, Block, Problem, solve_blocks


def make_problem(first: Array, second: Array, years: Array, design: Array, *, gamma: float) -> Problem:
    """Gather what all pixels share.

    Parameters
    ----------
    first, second : numpy.ndarray
        (pair,) epochs of a pair, counted from 0, the second one later.
    years : numpy.ndarray
        (epoch,) time since the first epoch.
    design : numpy.ndarray
        (epoch, PARAMETERS) temporal model; rows and columns of zeros are epochs and parameters without part in it.
    gamma : float
        Weight of the temporal model; 0 without one.

    Returns
    -------
    Problem
    """
    epochs = np.arange(years.size)
    reach = epochs.copy()
    np.maximum.at(reach, first, second)
    reach = np.maximum.accumulate(reach)
    constraints, parameters = (int(design.any(axis=axis).sum()) for axis in (1, 0))
    return Problem(
        first=first,
        second=second,
        reach=reach,
        width=int((reach - epochs).max()),
        years=years,
        design=design,
        scale=(design**2).sum(axis=0),
        gamma2=float(gamma) ** 2,
        freedom=constraints - parameters + 1,
    )


def solve(stack: Array, weights: Array, rate: Array, problem: Problem) -> tuple[Array, Array, Array]:
    """Invert a stack.

    Parameters
    ----------
    stack : numpy.ndarray
        (pair, pixel), float32 or float64; what is not finite is missing.
    weights : numpy.ndarray
        (pair, pixel) or (pair, 1), taken in the type of `stack`; a pair without a finite positive weight is missing.
    rate : numpy.ndarray
        (pixel,) velocity that is taken out of the model.
    problem : Problem
        Network and temporal model.

    Returns
    -------
    tuple of numpy.ndarray
        Displacement (epoch, pixel); parameters, their standard errors and the RMS of the residuals (2 PARAMETERS + 1,
        pixel); used pairs and pieces of the network (2, pixel).
    """
    # Contiguous, writable and of few types, for each new combination is compiled anew.
    stack = np.require(stack, requirements=["C", "W"])
    weights = np.require(weights.astype(stack.dtype, copy=False), requirements=["C", "W"])
    rate = np.require(rate.astype(np.float64, copy=False), requirements=["C", "W"])
    n_pixels = stack.shape[1]
    series = np.empty((problem.years.size, n_pixels), stack.dtype)
    maps = np.empty((2 * PARAMETERS + 1, n_pixels), stack.dtype)
    counts = np.empty((2, n_pixels), np.int16)
    solve_blocks(_scratch(problem, stack.dtype), problem, stack, weights, rate, series, maps, counts)
    return series, maps, counts


def _scratch(problem: Problem, dtype: Any) -> Block:
    n_pairs, n_epochs = problem.first.size, problem.reach.size
    return Block(
        values=np.zeros((n_pairs, LANES), dtype),
        weights=np.zeros((n_pairs, LANES)),
        rate=np.zeros(LANES),
        coupling=np.zeros((n_epochs, problem.width + 1, LANES)),
        ground=np.zeros((n_epochs, LANES)),
        leak=np.zeros((n_epochs, LANES)),
        inverse=np.zeros((n_epochs, LANES)),
        response=np.zeros((n_epochs, PARAMETERS, LANES)),
        normal=np.zeros((PARAMETERS, PARAMETERS, LANES)),
        change=np.zeros((PARAMETERS, LANES)),
        parameters=np.zeros((PARAMETERS, LANES)),
        errors=np.zeros((PARAMETERS, LANES)),
        series=np.zeros((n_epochs, LANES)),
        deviation=np.zeros((n_epochs, LANES)),
        step=np.zeros((n_epochs, LANES)),
        determined=np.zeros(LANES),
        pieces=np.zeros(LANES),
        used=np.zeros(LANES),
        misfit=np.zeros(LANES),
        variance=np.zeros(LANES),
    )
