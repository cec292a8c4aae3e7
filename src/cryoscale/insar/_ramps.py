"""Long-wavelength surfaces on arrays: design of the polynomial, weighted normal equations of many pairs, solution."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]

BLOCK = 256  # pixels: residuals and weights of a block of all pairs stay in the cache
WEIGHT_REACH = 3.444  # bisquare of 85 % efficiency under normal noise
SCALE_REACH = 1.547645  # bisquare whose mean is 1/2 under normal noise: scale that half of the data cannot spoil
LEAST_SCALE = 1e-4  # rad: phases are not known better
RANK = 1e-10  # least eigenvalue of the scaled normal matrix that counts, in shares of the greatest


def design(terms: Sequence[str], y: Array, x: Array, elevation: Array | None) -> Array:
    """Columns of the polynomial (term, pixel); y, x normalised and broadcastable, elevation in km."""
    columns: dict[str, Any] = {
        "constant": 1.0,
        "x": x,
        "y": y,
        "xx": x * x,
        "xy": x * y,
        "yy": y * y,
        "elevation": elevation,
    }
    shape = np.broadcast_shapes(np.shape(y), np.shape(x))
    return np.stack([np.broadcast_to(columns[term], shape).ravel() for term in terms]).astype(np.float64)


def normal_sums(phase: Array, columns: Array, coefficients: Array, scale: Array) -> Array:
    """Weighted sums of the residuals of each pair; phase (pair, pixel), columns (term, pixel), scale (pair,) in rad.

    Result (pair, products of two columns + columns + 3): the normal matrix's upper triangle, the right side, the sum of
    squares of residuals, the sum of the scale's bisquare, and the number of pixels.
    """
    n_terms = len(columns)
    upper = np.triu_indices(n_terms)
    n_products = len(upper[0])
    sums = np.zeros((len(phase), n_products + n_terms + 3))
    for start in range(0, phase.shape[1], BLOCK):
        block = columns[:, start : start + BLOCK]
        residual = coefficients @ block
        weights = np.empty_like(residual)
        _weigh(np.ascontiguousarray(phase[:, start : start + BLOCK]), residual, weights, scale, sums[:, -3:])
        sums[:, :n_products] += weights @ (block[upper[0]] * block[upper[1]]).T
        residual *= weights
        sums[:, n_products:-3] += residual @ block.T
    return sums


@njit(cache=True, error_model="numpy", nogil=True)
def _weigh(phase: Array, residual: Array, weights: Array, scale: Array, tallies: Array) -> None:
    """Turn the fit in `residual` into residuals, give them weights, and add up what the next scale needs."""
    for pair in range(phase.shape[0]):
        for_weight, for_scale = 1 / (WEIGHT_REACH * scale[pair]) ** 2, 1 / (SCALE_REACH * scale[pair]) ** 2
        squares, bisquare, present = 0.0, 0.0, 0
        for i in range(phase.shape[1]):
            known = not np.isnan(phase[pair, i])
            value = phase[pair, i] - residual[pair, i] if known else 0.0
            square = value * value
            inside = 1 - min(square * for_weight, 1.0)
            near = 1 - min(square * for_scale, 1.0)
            squares += square
            bisquare += 1 - near * near * near
            present += known
            residual[pair, i] = value
            weights[pair, i] = inside * inside if known else 0.0
        tallies[pair, 0] += squares
        tallies[pair, 1] += bisquare
        tallies[pair, 2] += present


def solve(sums: Array, n_terms: int, scale: Array) -> tuple[Array, Array]:
    """Changes of the coefficients (pair, term) and the next scale (pair,); an infinite scale stands for none yet."""
    upper = np.triu_indices(n_terms)
    matrix = np.zeros((len(sums), n_terms, n_terms))
    matrix[:, upper[0], upper[1]] = matrix[:, upper[1], upper[0]] = sums[:, : len(upper[0])]
    right = sums[:, len(upper[0]) : -3]
    length = np.sqrt(np.einsum("pii->pi", matrix))
    length[length == 0] = 1.0
    scaled = matrix / (length[:, :, None] * length[:, None, :])
    inverse = np.linalg.pinv(scaled, rcond=RANK, hermitian=True)
    change = np.einsum("pij,pj->pi", inverse, right / length) / length
    left_over = np.maximum(sums[:, -3] - np.einsum("pi,pi->p", change, right), 0)
    known = np.where(np.isinf(scale), 0, scale)
    variance = np.where(np.isinf(scale), left_over, 2 * known**2 * sums[:, -2]) / np.maximum(sums[:, -1], 1)
    return change, np.maximum(np.sqrt(variance), LEAST_SCALE)


def surface(columns: Array, coefficients: Array, out: Array) -> None:
    """Write the surfaces of all pairs (pair, pixel) in the type of `out`."""
    for start in range(0, out.shape[1], BLOCK):
        out[:, start : start + BLOCK] = coefficients @ columns[:, start : start + BLOCK]
