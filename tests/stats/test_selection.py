import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cryoscale.stats._selection import DIGITS, buckets, count_digits, narrow, numbers, open_query

SETTINGS = settings(max_examples=50, deadline=None)  # the first example compiles

FLOATS = {
    "float32": arrays("float32", st.integers(1, 60), elements=st.floats(width=32, allow_nan=False)),
    "float64": arrays("float64", st.integers(1, 60), elements=st.floats(allow_nan=False)),
}


def select(values, ranks, *, pieces=1):
    query = open_query(np.asarray(ranks))
    for bits in DIGITS[values.dtype.itemsize]:
        found = buckets(query)
        counts = [
            count_digits(part, np.ones(part.shape, bool), found, known=query.known, bits=bits)
            for part in np.array_split(values, pieces)
        ]
        query = narrow(query, np.sum(counts, axis=0, dtype=np.int64))
    return numbers(query)


@pytest.mark.parametrize("dtype", list(FLOATS))
@SETTINGS
@given(data=st.data())
def test_all_ranks_are_those_of_a_sort(dtype, data):
    values = data.draw(FLOATS[dtype])
    pieces = data.draw(st.integers(1, 4))
    found = select(values, np.arange(values.size), pieces=pieces)
    np.testing.assert_array_equal(found, np.sort(values).astype("float64"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_neighbouring_floats_are_told_apart(dtype):
    values = np.full(9, 1000.0, dtype)
    values[4] = np.nextafter(values[4], values.dtype.type(2000))
    assert select(values, [7])[0] == 1000.0
    assert select(values, [8])[0] == float(values[4]) > 1000.0


def test_what_is_not_valid_does_not_count():
    values = np.array([[3.0, np.nan], [1.0, 2.0]])
    counts = count_digits(values, np.isfinite(values), np.zeros(1, np.uint64), known=0, bits=20)
    assert counts.sum() == 3
