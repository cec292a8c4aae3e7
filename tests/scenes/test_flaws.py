"""Bad interferograms: how many, which, and what is wrong with them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryoscale.scenes.flaws import COVERED_SHARES, PATCH_SHARES, Flaw, decorrelate, plant_flaws, unwrapping_cycles
from cryoscale.scenes.network import broken_network

NETWORK = broken_network("2016-04-04", "2019-04-30", rng=np.random.default_rng(0))
N_PAIRS = len(NETWORK.first)


def plant(unwrapping, decorrelation, seed=0):
    rng = np.random.default_rng(seed)
    return plant_flaws(NETWORK, unwrapping=unwrapping, decorrelation=decorrelation, rng=rng)


@settings(max_examples=25, deadline=None)
@given(unwrapping=st.floats(0, 0.2), decorrelation=st.floats(0, 0.2), seed=st.integers(0, 2**31))
def test_as_many_as_asked_for(unwrapping, decorrelation, seed):
    flaws = plant(unwrapping, decorrelation, seed)
    counts = np.bincount(flaws, minlength=4)
    bare = round(decorrelation * N_PAIRS)
    assert counts[Flaw.UNWRAPPING] == round(unwrapping * N_PAIRS)
    assert counts[Flaw.COVERAGE] == bare - bare // 2
    assert counts[Flaw.COHERENCE] == bare // 2


def test_neither_choice_changes_the_other():
    both = plant(0.05, 0.05)
    np.testing.assert_array_equal(both == Flaw.UNWRAPPING, plant(0.05, 0.0) == Flaw.UNWRAPPING)
    np.testing.assert_array_equal(both >= Flaw.COVERAGE, plant(0.0, 0.05) >= Flaw.COVERAGE)


def test_unwrapping_errors_are_planted_in_loops():
    linked = set(zip(NETWORK.first, NETWORK.second, strict=True))

    def looped(first, second):
        others = range(len(NETWORK.epochs))
        return any(
            {(min(first, k), max(first, k)), (min(second, k), max(second, k))} <= linked
            for k in others
            if k not in (first, second)
        )

    bad = np.flatnonzero(plant(0.9, 0.0) == Flaw.UNWRAPPING)
    assert all(looped(NETWORK.first[pair], NETWORK.second[pair]) for pair in bad)
    alone = [pair for pair in range(N_PAIRS) if not looped(NETWORK.first[pair], NETWORK.second[pair])]
    assert alone, "a network without such pairs cannot tell"


def test_patches_are_wrong_by_whole_cycles_but_not_at_the_reference():
    flaws = plant(0.3, 0.1)
    cycles = unwrapping_cycles(flaws, (40, 50), reference=(3, 4), rng=np.random.default_rng(1))
    wrong = flaws == Flaw.UNWRAPPING
    assert not cycles[~wrong].any()
    assert not cycles[:, 3, 4].any()
    for field in cycles[wrong]:
        assert PATCH_SHARES[0] - 0.01 < (field != 0).mean() < PATCH_SHARES[1] + 0.01
        assert len(np.unique(field)) == 2
    assert set(np.unique(cycles)) == {-2, -1, 0, 1, 2}


@pytest.mark.parametrize(("flaw", "left"), [(Flaw.COVERAGE, COVERED_SHARES), (Flaw.COHERENCE, (0.0, 0.0))])
def test_decorrelated_pairs_keep_little(flaw, left):
    coherence = np.full((N_PAIRS, 40, 50), 0.8, np.float32)
    flaws = plant(0.1, 0.3)
    after = decorrelate(coherence, flaws, rng=np.random.default_rng(2))
    np.testing.assert_array_equal(after[flaws <= Flaw.UNWRAPPING], np.float32(0.8))
    for field in after[flaws == flaw]:
        assert left[0] - 0.01 <= (field > 0.3).mean() <= left[1] + 0.01
    assert (coherence == np.float32(0.8)).all()
