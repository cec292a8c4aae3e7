"""TTOP and Stefan's equation in one pass over the data: with one for each operation they take as long as reading.

In double precision and operation by operation as NumPy does it, so that the results are the same to the bit.
"""

import math
from typing import Any

import numpy as np
from numba import njit

Values = np.ndarray[Any, Any]


def top_temperature(ddt: Values, ddf: Values, ratio: Values, *, period: float, dtype: np.dtype[Any]) -> Values:
    """Temperature at the top of permafrost.

    Parameters
    ----------
    ddt, ddf : numpy.ndarray
        Thawing and freezing degree-days, degC d.
    ratio : numpy.ndarray
        rk, float64, positive or NaN. The three broadcast.
    period : float
        d.
    dtype : numpy.dtype
        Of the result.

    Returns
    -------
    numpy.ndarray
        degC.
    """
    out = np.empty(np.broadcast_shapes(ddt.shape, ddf.shape, ratio.shape), dtype)
    repeated = _repeated(ratio, out.shape)
    thawing, freezing = (_as_rows(array, out.shape, repeated.size) for array in (ddt, ddf))
    _top_temperature(thawing, freezing, repeated, period, out.reshape(thawing.shape))
    return out


def scaled_root(values: Values, factor: Values, *, dtype: np.dtype[Any]) -> Values:
    """``factor * sqrt(values)``.

    Parameters
    ----------
    values : numpy.ndarray
        0 or more, or NaN.
    factor : numpy.ndarray
        float64. The two broadcast.
    dtype : numpy.dtype
        Of the result.

    Returns
    -------
    numpy.ndarray
    """
    out = np.empty(np.broadcast_shapes(values.shape, factor.shape), dtype)
    repeated = _repeated(factor, out.shape)
    rows = _as_rows(values, out.shape, repeated.size)
    _scaled_root(rows, repeated, out.reshape(rows.shape))
    return out


def _repeated(array: Values, shape: tuple[int, ...]) -> Values:
    """An array as a row that a result of this shape is a repetition of: a map among yearly ones, or all of it."""
    repeats = array.shape == shape[len(shape) - array.ndim :]
    return (array if repeats else np.broadcast_to(array, shape)).reshape(-1)


def _as_rows(array: Values, shape: tuple[int, ...], width: int) -> Values:
    whole = array if array.shape == shape else np.broadcast_to(array, shape)
    return whole.reshape(math.prod(shape) // max(width, 1), width)


@njit(cache=True, nogil=True, error_model="numpy")
def _top_temperature(ddt: Values, ddf: Values, ratio: Values, period: float, out: Values) -> None:
    for row in range(out.shape[0]):
        for i in range(out.shape[1]):
            balance = ratio[i] * ddt[row, i] - ddf[row, i]
            warm = balance / ratio[i]  # always, so that there is no branch
            out[row, i] = (balance if balance <= 0 else warm) / period


@njit(cache=True, nogil=True, error_model="numpy")
def _scaled_root(values: Values, factor: Values, out: Values) -> None:
    for row in range(out.shape[0]):
        for i in range(out.shape[1]):
            out[row, i] = factor[i] * np.sqrt(np.float64(values[row, i]))
