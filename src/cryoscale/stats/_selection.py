"""Order statistics of numbers that never lie in memory together, exactly: their bits are counted digit by digit.

The bits of a float become its key: an unsigned integer, aligned left in 64 bits, that is ordered as the floats are.
A pass over the data counts how many keys have each value of the next few bits. Counts of chunks add up, and they
tell in which of these buckets the number of a wanted rank lies; the next pass counts within these buckets only.
When all bits are known, so is the number. Integers are added, so neither chunks nor their order change a result.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]

_FIRST = 16  # bits: later passes look their buckets up by them
DIGITS = {4: (_FIRST, 8, 8), 8: (_FIRST, 8, 8, 8, 8, 8, 8)}
"""Bits that each pass finds out, by the size of the type in bytes: more at a time would cost more than a small chunk
does to count."""

_SIGNED = {4: np.int32, 8: np.int64}


class Query(NamedTuple):
    """What is known of the numbers of some ranks."""

    known: int  # leading bits of the keys
    prefixes: Array  # (rank,) uint64: these bits
    ranks: Array  # (rank,) int64: how many smaller keys have the same prefix


def open_query(ranks: Array) -> Query:
    """Ask for the numbers of these ranks, counted from 0."""
    return Query(0, np.zeros(len(ranks), np.uint64), np.asarray(ranks, np.int64))


def buckets(query: Query) -> Array:
    """Prefixes to count within, each once, sorted (uint64)."""
    return np.unique(query.prefixes)


def count_digits(values: Array, valid: Array, prefixes: Array, *, known: int, bits: int) -> Array:
    """Count the next bits of all keys that start with one of the prefixes.

    Parameters
    ----------
    values : numpy.ndarray
        float32 or float64, of any shape.
    valid : numpy.ndarray
        bool, of the same shape: what counts.
    prefixes : numpy.ndarray
        uint64, sorted, from `buckets`.
    known, bits : int
        Bits of a prefix, and bits to count after them.

    Returns
    -------
    numpy.ndarray
        (prefix, 2 ** bits), uint32.
    """
    counts = np.zeros((len(prefixes), 1 << bits), np.uint32)
    flat = np.ascontiguousarray(values).reshape(-1)
    size = flat.dtype.itemsize
    bit_view, mask = flat.view(_SIGNED[size]), np.ascontiguousarray(valid).reshape(-1)
    _count(bit_view, mask, prefixes, _rows_by_head(prefixes, known), np.array([8 * size, known, bits]), counts)
    return counts


def _rows_by_head(prefixes: Array, known: int) -> Array:
    """Row of the first prefix that starts with each value of the first bits or a larger one."""
    heads = (prefixes >> np.uint64(max(known - _FIRST, 0))).astype(np.int64)
    return np.concatenate([[0], np.cumsum(np.bincount(heads, minlength=1 << min(known, _FIRST)))])


@njit(cache=True, nogil=True)
def _key(bits: Any, width: int) -> Any:
    """Key of a float whose bits are these: of a negative one all but the sign turned round, then the sign too."""
    signed = np.int64(bits)
    magnitude = np.int64(0x7FFFFFFFFFFFFFFF) >> np.int64(64 - width)
    ordered = signed ^ ((signed >> np.int64(63)) & magnitude)
    return np.uint64(ordered << np.int64(64 - width)) ^ np.uint64(0x8000000000000000)


@njit(cache=True, nogil=True)
def _count(bit_view: Array, valid: Array, prefixes: Array, rows: Array, layout: Array, counts: Array) -> None:
    width, known, bits = layout
    to_digit = np.uint64(64 - known - bits)
    to_head = np.uint64(min(known, _FIRST))
    mask = np.uint64((1 << bits) - 1)
    for i in range(bit_view.size):
        if not valid[i]:
            continue
        key = _key(bit_view[i], width)
        # In two steps: no integer can be shifted by all of its 64 bits at once.
        head = key >> np.uint64(1) >> (np.uint64(63) - to_head)
        prefix = key >> np.uint64(1) >> np.uint64(63 - known)
        row, end = rows[head], rows[head + np.uint64(1)]
        while end - row > 1:
            middle = (row + end) // 2
            if prefixes[middle] <= prefix:
                row = middle
            else:
                end = middle
        if row < end and prefixes[row] == prefix:
            counts[row, (key >> to_digit) & mask] += np.uint32(1)


def narrow(query: Query, counts: Array) -> Query:
    """Take in the counts of a pass.

    Parameters
    ----------
    query : Query
        What was known before the pass.
    counts : numpy.ndarray
        (bucket, 2 ** bits), summed over all chunks, the buckets in the order of `buckets`.

    Returns
    -------
    Query
        With ``bits`` more bits known.
    """
    size = counts.shape[1]
    bits = int(size).bit_length() - 1
    before = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])  # keys in all buckets before each
    _, rows = np.unique(query.prefixes, return_inverse=True)
    places = before[rows * size] + query.ranks
    found = np.searchsorted(before, places, side="right") - 1
    digits = (found - rows * size).astype(np.uint64)
    return Query(query.known + bits, (query.prefixes << np.uint64(bits)) | digits, places - before[found])


def numbers(query: Query) -> Array:
    """The numbers themselves once all bits are known, as float64."""
    width = query.known
    sign = np.uint64(1 << (width - 1))
    ordered = query.prefixes
    bits = np.where(ordered & sign, ordered ^ sign, ~ordered & np.uint64((1 << width) - 1))
    narrow_type, float_type = (np.uint32, np.float32) if width == 32 else (np.uint64, np.float64)
    return bits.astype(narrow_type).view(float_type).astype(np.float64)
