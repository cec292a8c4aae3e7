import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from cryoscale.errors import InputError
from cryoscale.insar.reference import (
    choose_reference,
    coverage_per_pair,
    reference_candidates,
    reference_offset,
    reference_to,
)


def make_stack(seed=0, shape=(20, 23)):
    rng = np.random.default_rng(seed)
    phase = rng.normal(size=(6, *shape)).astype("float32")
    phase[rng.random(phase.shape) < 0.3] = np.nan
    coherence = rng.random(phase.shape).astype("float32")
    return tuple(xr.DataArray(values, dims=("pair", "y", "x")) for values in (phase, coherence))


def brute_force(phase, coherence, size):
    """Every square that lies in the grid, scored one by one."""
    count = phase.notnull().sum("pair").values
    mean = np.rint(coherence.values.astype("f8").mean(axis=0) * 10_000)
    rows, columns = count.shape
    squares = [(i, j) for i in range(rows - size + 1) for j in range(columns - size + 1)]
    score = {
        (i, j): (count[i : i + size, j : j + size].sum(), mean[i : i + size, j : j + size].sum()) for i, j in squares
    }
    return max(squares, key=lambda square: (*score[square], -square[0], -square[1]))


@settings(max_examples=25)
@given(st.integers(0, 1000), st.integers(1, 5), st.integers(5, 20), st.integers(5, 23))
def test_the_best_square_whatever_the_chunks(seed, size, rows, columns):
    phase, coherence = make_stack(seed)
    lazy = reference_candidates(phase.chunk(y=rows, x=columns), coherence.chunk(y=rows, x=columns), size=size).compute()
    window = choose_reference(lazy, size=size)
    assert (window[0].start, window[1].start) == brute_force(phase, coherence, size)
    assert window[0].stop - window[0].start == size


def test_a_square_larger_than_the_grid_is_refused():
    phase, _ = make_stack()
    with pytest.raises(InputError, match=r"reference.size: 21 pixels is more than the grid of \(20, 23\) has"):
        reference_candidates(phase, size=21)


def test_chunks_narrower_than_the_square():
    phase, coherence = make_stack()
    chunks = {"y": (17, 3), "x": (20, 3)}
    window = choose_reference(
        reference_candidates(phase.chunk(chunks), coherence.chunk(chunks), size=4).compute(), size=4
    )
    assert (window[0].start, window[1].start) == brute_force(phase, coherence, 4)


def test_eager_input_gives_the_same():
    phase, coherence = make_stack()
    eager = choose_reference(reference_candidates(phase, coherence).compute())
    lazy = choose_reference(reference_candidates(phase.chunk(y=7), coherence.chunk(y=7)).compute())
    assert eager == lazy


def test_data_come_before_coherence():
    phase = xr.DataArray(np.ones((2, 4, 4), "float32"), dims=("pair", "y", "x"))
    phase[0, :2] = np.nan
    coherence = xr.DataArray(np.full((2, 4, 4), 0.5, "float32"), dims=("pair", "y", "x"))
    coherence[:, 0] = 1.0
    coherence[:, 3, 2:] = 0.6
    window = choose_reference(reference_candidates(phase, coherence, size=2).compute(), size=2)
    assert window == (slice(2, 4), slice(2, 4))


def test_a_stack_without_data_has_no_reference():
    phase = xr.DataArray(np.full((2, 8, 8), np.nan, "float32"), dims=("pair", "y", "x"))
    with pytest.raises(InputError, match="holds no data at all above the coherence threshold"):
        choose_reference(reference_candidates(phase).compute())


def test_after_referring_the_area_has_mean_zero():
    phase, _ = make_stack()
    window = (slice(3, 8), slice(4, 9))
    offset = reference_offset(phase, window)
    referred = reference_to(phase, offset)
    assert referred.dtype == "float32"
    np.testing.assert_allclose(reference_offset(referred, window), 0.0, atol=1e-6)
    np.testing.assert_array_equal(referred.isnull(), phase.isnull())


def test_an_area_without_data_gives_nan():
    phase, _ = make_stack()
    phase[2, :5, :5] = np.nan
    offset = reference_offset(phase, (slice(0, 5), slice(0, 5)))
    np.testing.assert_array_equal(offset.isnull(), np.arange(6) == 2)


def test_coverage_is_the_share_of_pixels_with_data(assert_lazy):
    phase, _ = make_stack()
    phase[1] = np.nan
    with assert_lazy():
        lazy = coverage_per_pair(phase.chunk(y=5, x=5))
    np.testing.assert_allclose(lazy.compute(), np.isfinite(phase).mean(axis=(1, 2)), rtol=1e-6)
    assert lazy.compute()[1] == 0
