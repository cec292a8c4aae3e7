import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from cryoscale.errors import InputError
from cryoscale.insar.closure import loop_errors, stack_triplets
from cryoscale.insar.unwrapping import correct_unwrapping

TWO_PI = 2 * np.pi


def plant(phase, share, seed=0, sizes=(-2, -1, 1, 2)):
    """Jumps at random in every pixel; the phase with them, and the jumps."""
    rng = np.random.default_rng(seed)
    jumps = (rng.random(phase.shape) < share) * rng.choice(sizes, phase.shape)
    return (phase + TWO_PI * jumps).astype(phase.dtype), np.where(phase.isnull(), 0, jumps)


def jumps_left(mended, phase):
    return np.rint(((mended.unwrapped_phase - phase) / TWO_PI).fillna(0)).astype(int)


@pytest.mark.parametrize(("share", "recovered"), [(0.02, 0.99), (0.05, 0.98), (0.1, 0.95)])
def test_most_planted_jumps_are_taken_back(linked_stack, share, recovered):
    phase = linked_stack(60, 4, shape=(10, 12), noise=0.3, missing=0.05)
    wrong, jumps = plant(phase, share)
    mended = correct_unwrapping(wrong)
    left = jumps_left(mended, phase).values
    rate = 1 - (left[jumps != 0] != 0).mean()
    print(f"{share:.0%} of the pairs wrong: {rate:.1%} of the jumps recovered")
    assert rate >= recovered
    assert (left[jumps == 0] != 0).mean() <= 0.003


def test_the_count_is_that_of_pairs_changed(linked_stack):
    phase = linked_stack(20, 4, noise=0.3)
    wrong, jumps = plant(phase, 0.03)
    mended = correct_unwrapping(wrong)
    np.testing.assert_array_equal(jumps_left(mended, phase), 0)
    np.testing.assert_array_equal(mended.n_corrected_pairs, (jumps != 0).sum(axis=0))
    np.testing.assert_allclose(mended.unwrapped_phase, phase, atol=1e-5)
    assert mended.n_corrected_pairs.dtype == "int16"
    assert mended.unwrapped_phase.dtype == "float32"
    xr.testing.assert_equal(mended.reference, phase.reference)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 0.6), st.integers(2, 5), st.floats(0, 1))
def test_never_more_loops_that_do_not_close(linked_stack, seed, share, links, max_share):
    phase = linked_stack(12, links, missing=0.2, seed=seed)
    wrong, _ = plant(phase, share, seed=seed, sizes=(-3, -1, 1, 2))
    mended = correct_unwrapping(wrong, max_share=max_share)
    before, after = (loop_errors(stack).n_loop_errors for stack in (wrong, mended.unwrapped_phase))
    fewer = before - after
    assert bool((fewer >= 0).all())
    np.testing.assert_array_equal(fewer > 0, mended.n_corrected_pairs > 0)
    unchanged = mended.n_corrected_pairs <= 0
    xr.testing.assert_equal(mended.unwrapped_phase.where(unchanged), wrong.where(unchanged))
    np.testing.assert_array_equal(mended.unwrapped_phase.isnull(), wrong.isnull())


def fewest_cycles(matrix, cycles):
    """Least sum of whole cycles that closes all loops, by integer programming (positive and negative parts)."""
    n_pairs = matrix.shape[1]
    closes = LinearConstraint(np.hstack([matrix, -matrix]), cycles, cycles)
    ones = np.ones(2 * n_pairs)
    return round(milp(ones, constraints=closes, integrality=ones, bounds=Bounds(0, 5)).fun)


def test_fewest_cycles_as_integer_programming_finds_them(linked_stack):
    phase = linked_stack(14, 4)
    wrong, _ = plant(phase, 0.05, sizes=(-1, 1))
    mended = correct_unwrapping(wrong)
    loops = stack_triplets(phase)
    matrix = np.zeros((len(loops), phase.sizes["pair"]))
    np.put_along_axis(matrix, loops, [[1, 1, -1]], axis=1)
    before, after = (np.tensordot(matrix, stack, 1) / TWO_PI for stack in (wrong, mended.unwrapped_phase))
    taken = np.rint(np.abs(wrong - mended.unwrapped_phase) / TWO_PI).sum("pair").values
    all_close = (np.rint(after) == 0).all(axis=0)
    assert all_close.mean() >= 0.9
    for y, x in np.argwhere(all_close):
        assert taken[y, x] == fewest_cycles(matrix, np.rint(before[:, y, x]))


def test_nothing_can_tell_which_pair_of_a_lone_triangle_is_wrong(linked_stack):
    phase = linked_stack(3, 2)
    phase[1] += TWO_PI
    mended = correct_unwrapping(phase, max_share=1)
    xr.testing.assert_identical(mended.unwrapped_phase.drop_attrs(), phase.drop_attrs())
    assert int(mended.n_corrected_pairs.max()) == 0


def test_a_pixel_that_is_mostly_wrong_is_left(linked_stack):
    phase = linked_stack(12, 4)
    wrong, jumps = plant(phase, 0.15, sizes=(1,))
    generous, strict = (correct_unwrapping(wrong, max_share=share) for share in (1.0, 0.1))
    n_pairs = phase.sizes["pair"]
    given_up = generous.n_corrected_pairs > 0.1 * n_pairs
    assert 0 < int(given_up.sum()) < given_up.size
    np.testing.assert_array_equal(strict.n_corrected_pairs, generous.n_corrected_pairs.where(~given_up, -1))
    xr.testing.assert_equal(strict.unwrapped_phase.where(given_up), wrong.where(given_up))
    assert jumps.any()


def test_lazy_and_chunked_give_the_same(linked_stack, lazy, assert_lazy):
    phase = linked_stack(15, 4, shape=(20, 30), noise=0.4, missing=0.1)
    wrong, _ = plant(phase, 0.05)
    eager = correct_unwrapping(wrong)
    for chunks in ({"y": 7, "x": 11}, {"y": 20, "x": 1}):
        with assert_lazy():
            chunked = correct_unwrapping(lazy(wrong, **chunks))
        xr.testing.assert_identical(chunked.compute(), eager)


def test_consistent_phases_are_left_alone(linked_stack):
    phase = linked_stack(noise=0.2, missing=0.3)
    mended = correct_unwrapping(phase)
    np.testing.assert_array_equal(mended.unwrapped_phase, phase)
    assert int(np.abs(mended.n_corrected_pairs).max()) == 0


def test_bad_input_is_refused(linked_stack):
    phase = linked_stack(5, 2)
    with pytest.raises(InputError, match="max_share: 25 is no share of pairs"):
        correct_unwrapping(phase, max_share=25)
    with pytest.raises(InputError, match="is split into 2 chunks along 'pair'"):
        correct_unwrapping(phase.chunk(pair=4))
    with pytest.raises(InputError, match="must be in 'rad'"):
        correct_unwrapping(phase.assign_attrs(units="mm"))


def test_kernels_stay_within_their_arrays(tmp_path):
    script = """
        import numpy as np
        from cryoscale.insar._closure import loop_sums, pixel_counts
        from cryoscale.insar._ramps import design, normal_sums
        from cryoscale.insar._unwrapping import correct, network_of
        from cryoscale.insar.closure import triplets

        first, second = np.triu_indices(6, 1)
        loops, rng = triplets(first, second), np.random.default_rng(0)
        for n_pixels in (1, 255, 256, 257):
            phase = rng.normal(size=(first.size, n_pixels)).astype("float32") * 3
            phase[rng.random(phase.shape) < 0.2] = np.nan
            assert loop_sums(phase, loops, 2).shape == (20, 7)
            assert pixel_counts(phase, loops, np.zeros(20, "float32")).shape == (2, n_pixels)
            assert correct(phase, network_of(loops, first.size), 1.0)[0].shape == phase.shape
            columns = design(("constant", "x", "y"), rng.random(n_pixels), rng.random(n_pixels), None)
            assert np.isfinite(normal_sums(phase, columns, np.zeros((first.size, 3)), np.ones(first.size))).all()
        try:
            loop_sums(phase, loops + first.size, 2)
        except IndexError:
            print("bounds are checked")
    """
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_OPT": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "bounds are checked\n"), done.stderr
