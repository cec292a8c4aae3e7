from itertools import combinations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from cryoscale.errors import InputError
from cryoscale.insar.closure import (
    Datum,
    closure_phase,
    closure_statistics,
    closure_table,
    loop_errors,
    stack_triplets,
    triplets,
)
from cryoscale.insar.reductions import sum_over_pixels

TWO_PI = 2 * np.pi
SETTINGS = settings(max_examples=25, deadline=None)


def direct_closure(phase):
    """Loop by loop, as the definition says."""
    loops = stack_triplets(phase)
    values = phase.values
    return np.array([values[ij] + values[jk] - values[ik] for ij, jk, ik in loops])


@SETTINGS
@given(st.integers(3, 9), st.randoms(use_true_random=False))
def test_triplets_are_those_of_a_search_through_all_epochs(n_epochs, random):
    pairs = [pair for pair in combinations(range(n_epochs), 2) if random.random() < 0.6] or [(0, 1)]
    random.shuffle(pairs)
    position = {pair: number for number, pair in enumerate(pairs)}
    expected = [
        [position[i, j], position[j, k], position[i, k]]
        for i, j, k in combinations(range(n_epochs), 3)
        if {(i, j), (j, k), (i, k)} <= position.keys()
    ]
    first, second = np.transpose(pairs)
    assert triplets(first, second).tolist() == expected


@SETTINGS
@given(st.integers(0, 1000), st.integers(1, 4))
def test_consistent_phases_close(linked_stack, seed, links):
    closure = closure_phase(linked_stack(9, links, seed=seed))
    assert closure.sizes["triplet"] == sum(9 - k for k in range(2, links + 1) for _ in range(k - 1))
    np.testing.assert_allclose(closure, 0, atol=1e-5)


def test_closure_has_the_dates_of_its_epochs(linked_stack):
    phase = linked_stack(5, 2)
    closure = closure_phase(phase)
    dates = np.unique(phase.reference)
    np.testing.assert_array_equal(closure["first"], dates[:3])
    np.testing.assert_array_equal(closure["third"] - closure["second"], np.timedelta64(12, "D"))
    assert closure.attrs["units"] == "rad"
    np.testing.assert_array_equal(closure.x, phase.x)
    assert closure.dtype == phase.dtype


def test_closure_is_lazy_in_batches_of_triplets(linked_stack, lazy, assert_lazy):
    phase = linked_stack(noise=0.5, missing=0.1)
    with assert_lazy():
        closure = closure_phase(lazy(phase, pair=5, y=4, x=3), batch=8)
    assert max(closure.chunksizes["triplet"]) == 8
    assert closure.chunksizes["y"] == (4, 2)
    np.testing.assert_array_equal(closure, direct_closure(phase))
    xr.testing.assert_identical(closure.compute(), closure_phase(phase))


@SETTINGS
@given(seed=st.integers(0, 1000), chunks=st.tuples(st.integers(1, 8), st.integers(1, 9)), datum=st.sampled_from(Datum))
def test_table_is_that_of_all_pixels_at_once(linked_stack, seed, chunks, datum):
    phase = linked_stack(8, 3, shape=(8, 9), noise=2.0, missing=0.2, seed=seed)
    phase += (TWO_PI * np.random.default_rng(seed).integers(-2, 3, (phase.sizes["pair"], 1, 1))).astype("float32")
    table = closure_table(closure_statistics(phase.chunk(y=chunks[0], x=chunks[1])).compute(), datum=datum)
    closure = direct_closure(phase).reshape(table.sizes["triplet"], -1).astype(float)
    whole = np.rint(closure / TWO_PI)
    lower_median = [np.sort(row[np.isfinite(row)])[(np.isfinite(row).sum() - 1) // 2] for row in whole]
    cycles = lower_median if datum is Datum.NEAREST_CYCLE else np.zeros(len(closure))
    np.testing.assert_array_equal(table.closure_cycles, cycles)
    np.testing.assert_array_equal(table.closure_pixels, np.isfinite(closure).sum(axis=1))
    rms = np.sqrt(np.nanmean((closure - TWO_PI * np.array(cycles)[:, None]) ** 2, axis=1))
    np.testing.assert_allclose(table.closure_rms, rms, rtol=1e-6)


def test_statistics_are_small_lazy_and_the_same_for_any_chunks(linked_stack, lazy, assert_lazy):
    phase = linked_stack(20, 4, shape=(30, 40), noise=1.5, missing=0.1)
    with assert_lazy():
        chunked = [closure_statistics(lazy(phase, **chunks)) for chunks in ({"y": 7, "x": 11}, {"pair": 3, "y": 30})]
    eager = closure_statistics(phase)
    assert eager.sizes["triplet"] == len(stack_triplets(phase))
    for statistics in chunked:
        xr.testing.assert_allclose(statistics.compute(), eager, rtol=1e-12)
        np.testing.assert_array_equal(statistics.closure_count, eager.closure_count)


def test_statistics_of_two_halves_add_up(linked_stack):
    phase = linked_stack(noise=1.5, missing=0.1, shape=(10, 8))
    with xr.set_options(arithmetic_join="exact"):
        both = closure_statistics(phase[:, :4]) + closure_statistics(phase[:, 4:])
    xr.testing.assert_allclose(both, closure_statistics(phase), rtol=1e-12)


def test_a_loop_whose_pairs_never_meet_has_no_rms(linked_stack):
    phase = linked_stack(3, 2)
    phase[0, :3], phase[1, 3:] = np.nan, np.nan
    table = closure_table(closure_statistics(phase))
    assert table.closure_pixels.values == [0]
    assert np.isnan(table.closure_rms.values).all()
    assert table.closure_cycles.values == [0]


def test_closures_beyond_the_histogram_do_not_close(linked_stack):
    phase = linked_stack(3, 2)
    phase[0] += TWO_PI * 40
    table = closure_table(closure_statistics(phase))
    assert table.closure_cycles.values == [15]
    np.testing.assert_allclose(table.closure_rms, TWO_PI * 25, rtol=1e-5)


def test_the_datum_decides_about_whole_cycles(linked_stack):
    phase = linked_stack(3, 2)
    phase[0] += TWO_PI
    rms = {datum: float(closure_table(closure_statistics(phase), datum=datum).closure_rms[0]) for datum in Datum}
    assert rms[Datum.NEAREST_CYCLE] < 1e-5
    np.testing.assert_allclose(rms[Datum.ZERO], TWO_PI, rtol=1e-6)


@pytest.mark.parametrize("shape", [(6, 7), (20, 30)])
def test_loop_errors_are_counted_per_pixel(linked_stack, lazy, assert_lazy, shape):
    phase = linked_stack(noise=2.0, missing=0.1, shape=shape)
    closure = direct_closure(phase)
    with assert_lazy():
        errors = loop_errors(lazy(phase, y=5, x=4))
    np.testing.assert_array_equal(errors.n_loops, np.isfinite(closure).sum(axis=0))
    np.testing.assert_array_equal(errors.n_loop_errors, (np.abs(closure) > np.pi).sum(axis=0))
    xr.testing.assert_identical(errors.compute(), loop_errors(phase))


def test_loop_errors_of_kept_pairs_less_the_cycles(linked_stack):
    phase = linked_stack(6, 2)
    phase[2] += 2 * TWO_PI  # every pixel: whole cycles of the unwrapper
    phase[4, 0, 0] += TWO_PI
    table = closure_table(closure_statistics(phase))
    errors = loop_errors(phase, cycles=table.closure_cycles).n_loop_errors
    assert int(errors[0, 0]) == int(errors.sum()) == 2
    keep = xr.DataArray(np.arange(phase.sizes["pair"]) != 4, dims="pair")
    kept = loop_errors(phase, keep=keep, cycles=table.closure_cycles)
    assert int(kept.n_loop_errors.sum()) == 0
    assert int(kept.n_loops.max()) == 4 - 2


def test_a_network_without_loops_has_none(linked_stack):
    phase = linked_stack(5, 1)
    assert closure_phase(phase).sizes["triplet"] == 0
    assert closure_table(closure_statistics(phase.chunk(y=3))).sizes["triplet"] == 0
    assert int(loop_errors(phase).n_loops.max()) == 0


def test_bad_input_is_refused(linked_stack):
    phase = linked_stack(4, 2)
    with pytest.raises(InputError, match="is in 'degree', but unwrapped_phase must be in 'rad'"):
        closure_phase(phase.assign_attrs(units="degree"))
    with pytest.raises(InputError, match="has no coordinate 'secondary'"):
        closure_statistics(phase.drop_vars("secondary"))
    swapped = phase.assign_coords(reference=phase.secondary, secondary=phase.reference)
    with pytest.raises(InputError, match="does not go forward in time"):
        loop_errors(swapped)
    with pytest.raises(InputError, match="occurs 2 times"):
        closure_statistics(xr.concat([phase, phase[:1]], "pair"))
    with pytest.raises(InputError, match="is split into 2 chunks along 'pair'"):
        loop_errors(phase.chunk(pair=3))


def test_sums_mix_lazy_and_eager_inputs_of_different_dims():
    values = np.random.default_rng(0).random((3, 8, 9))
    cube = xr.DataArray(values, dims=("pair", "y", "x"))
    column = xr.DataArray(np.arange(8.0), dims="y")

    def moments(block, y):
        return np.stack([block.sum(axis=(1, 2)), (block * y[:, None]).sum(axis=(1, 2))], axis=1)

    expected = moments(values, column.values)
    sizes = {"pair": 3, "moment": 2}
    for chunks in ({"y": 3, "x": 4}, {"pair": 2, "y": 8}):
        sums = sum_over_pixels(moments, cube.chunk(chunks), column, sizes=sizes)
        assert sums.chunks is not None
        np.testing.assert_allclose(sums, expected, rtol=1e-13)
    np.testing.assert_array_equal(sum_over_pixels(moments, cube, column, sizes=sizes), expected)
