"""Exact quantiles of arrays of any size and any chunks."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import dask
import numpy as np
import xarray as xr

from cryoscale.stats._selection import DIGITS, Query, buckets, count_digits, narrow, numbers, open_query
from cryoscale.stats.pairing import sum_over_chunks

Values = np.ndarray[Any, Any]


@dataclass(frozen=True)
class JointQuantiles:
    """Quantiles of several arrays over the positions where all have a value.

    Attributes
    ----------
    count : int
        Number of these positions.
    tables : numpy.ndarray
        (array, level), float64; NaN where `count` is 0.
    """

    count: int
    tables: Values


def joint_quantiles(
    *arrays: xr.DataArray, levels: Sequence[float] | Values, where: xr.DataArray | None = None
) -> JointQuantiles:
    """Quantiles of arrays over all positions where each has a value, computed here and now.

    They are those of ``numpy.quantile(..., method="hazen")``: the i-th of n values in order stands for the level
    (i - 1/2) / n, between two of them is interpolated linearly. The values in order are found exactly, by counting
    their bits over the chunks, so the result depends neither on chunks nor on the order in which they are done.
    float32 is read three times, float64 seven times: store or persist what is costly to compute.

    Parameters
    ----------
    *arrays : xarray.DataArray
        Of the same dims and coordinates, in memory or lazy; what is not finite is missing.
    levels : sequence of float or numpy.ndarray
        0 to 1.
    where : xarray.DataArray, optional
        True where positions count.

    Returns
    -------
    JointQuantiles

    Examples
    --------
    >>> joint_quantiles(xr.DataArray([4.0, 1.0, np.nan, 2.0, 3.0]), levels=[0.5]).tables
    array([[2.5]])
    """
    floats = [_as_float(array) for array in arrays]
    dtype = np.result_type(*(array.dtype for array in floats))
    floats = [array.astype(dtype, copy=False) for array in floats]
    masks = [] if where is None else [where]
    first, *others = DIGITS[dtype.itemsize]
    counts = _pass_over_chunks(floats, masks, [open_query(np.zeros(1))] * len(arrays), first)
    count = int(counts[0].sum())
    if count == 0:
        return JointQuantiles(0, np.full((len(arrays), len(levels)), np.nan))
    ranks, shares = _ranks(np.asarray(levels), count)
    queries = [narrow(open_query(ranks.ravel()), found) for found in counts]
    for bits in others:
        counts = _pass_over_chunks(floats, masks, queries, bits)
        queries = [narrow(query, found) for query, found in zip(queries, counts, strict=True)]
    ordered = np.stack([numbers(query).reshape(ranks.shape) for query in queries])
    lower, upper = ordered[:, 0], ordered[:, 1]
    return JointQuantiles(count, np.minimum(lower + shares * (upper - lower), upper))


def _as_float(array: xr.DataArray) -> xr.DataArray:
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def _ranks(levels: Values, count: int) -> tuple[Values, Values]:
    """Ranks below and above each level, counted from 0, and how far the level is between them."""
    position = np.clip(count * levels - 0.5, 0, count - 1)
    below = np.floor(position)
    return np.stack([below, np.minimum(below + 1, count - 1)]).astype(np.int64), position - below


def _pass_over_chunks(
    arrays: Sequence[xr.DataArray], masks: Sequence[xr.DataArray], queries: Sequence[Query], bits: int
) -> list[Values]:
    prefixes = [buckets(query) for query in queries]
    ends = np.cumsum([len(found) for found in prefixes])
    count = partial(_count_chunk, prefixes=prefixes, known=queries[0].known, bits=bits)
    counts = sum_over_chunks(count, *arrays, *masks, shape=(int(ends[-1]), 1 << bits))
    return np.split(dask.compute(counts)[0], ends[:-1])


def _count_chunk(*blocks: Values, prefixes: Sequence[Values], known: int, bits: int) -> Values:
    n = len(prefixes)
    valid = np.logical_and.reduce([np.isfinite(block) for block in blocks[:n]])
    for mask in blocks[n:]:
        valid &= mask
    return np.concatenate(
        [
            count_digits(block, valid, found, known=known, bits=bits)
            for block, found in zip(blocks[:n], prefixes, strict=True)
        ]
    )
