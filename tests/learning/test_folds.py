"""Folds keep groups whole and sizes even, and depend on nothing but their arguments."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoscale.errors import InputError
from cryoscale.learning.folds import fold_splits, grouped_folds, random_folds, spatial_blocks

GROUPS = st.lists(st.integers(0, 12), min_size=1, max_size=80)


def test_points_of_one_block_share_a_label_and_others_do_not():
    x, y = np.random.default_rng(0).uniform(-5000.0, 5000.0, (2, 300))
    labels = spatial_blocks(x, y, size=1000.0)
    same_block = (x[:, None] // 1000.0 == x // 1000.0) & (y[:, None] // 1000.0 == y // 1000.0)
    np.testing.assert_array_equal(labels[:, None] == labels, same_block)
    np.testing.assert_array_equal(np.unique(labels), np.arange(labels.max() + 1))


def test_blocks_lie_at_multiples_of_their_size_wherever_the_points_begin():
    np.testing.assert_array_equal(spatial_blocks([-0.5, 0.5, 9.5, 10.5], np.zeros(4), size=10.0), [0, 1, 1, 2])


@pytest.mark.parametrize("size", [0.0, -1.0, np.nan])
def test_blocks_refuse_a_size_that_is_none(size):
    with pytest.raises(InputError, match="size of spatial blocks: must be above 0"):
        spatial_blocks([0.0], [0.0], size=size)


def test_blocks_refuse_points_without_a_place():
    with pytest.raises(InputError, match="1 points have no finite x or y"):
        spatial_blocks([0.0, np.nan], [0.0, 0.0], size=1.0)
    with pytest.raises(InputError, match=r"shapes \(2,\), \(1,\)"):
        spatial_blocks([0.0, 1.0], [0.0], size=1.0)


@given(GROUPS, st.integers(2, 6), st.integers(0, 5))
def test_groups_stay_whole_and_folds_are_as_even_as_the_largest_group_allows(groups, n_folds, seed):
    groups = np.array(groups)
    n_groups = len(np.unique(groups))
    if n_groups < n_folds:
        with pytest.raises(InputError, match=f"{n_folds} folds of {n_groups} groups"):
            grouped_folds(groups, n_folds, seed=seed)
        return
    folds = grouped_folds(groups, n_folds, seed=seed)
    assert all(len(np.unique(folds[groups == group])) == 1 for group in groups)
    sizes = np.bincount(folds, minlength=n_folds)
    assert sizes.min() > 0
    assert sizes.max() - sizes.min() <= np.bincount(groups).max()


@given(GROUPS, st.integers(0, 5))
def test_groups_fall_alike_whatever_the_order_of_the_samples(groups, seed):
    groups = np.array([*groups, 20, 21])
    order = np.random.default_rng(seed).permutation(len(groups))
    shuffled = grouped_folds(groups[order], 2, seed=seed)
    np.testing.assert_array_equal(shuffled, grouped_folds(groups, 2, seed=seed)[order])


def test_the_seed_decides_among_groups_of_one_size():
    groups = np.repeat([f"station {i}" for i in range(12)], 3)
    draws = {tuple(grouped_folds(groups, 3, seed=seed)) for seed in range(5)}
    assert len(draws) > 1
    assert all(np.bincount(draw).tolist() == [12, 12, 12] for draw in draws)


def test_as_many_folds_as_groups_leave_one_group_out_at_a_time():
    groups = np.array(list("abcab"))
    folds = grouped_folds(groups, 3, seed=1)
    assert {frozenset(groups[test]) for _, test in fold_splits(folds)} == {frozenset(g) for g in "abc"}


@given(st.integers(2, 200), st.integers(2, 10), st.integers(0, 5))
def test_random_folds_are_even_and_repeatable(n, n_folds, seed):
    if n < n_folds:
        with pytest.raises(InputError, match=f"{n_folds} folds of {n} samples"):
            random_folds(n, n_folds, seed=seed)
        return
    folds = random_folds(n, n_folds, seed=seed)
    np.testing.assert_array_equal(folds, random_folds(n, n_folds, seed=seed))
    assert np.ptp(np.bincount(folds, minlength=n_folds)) <= 1


def test_random_folds_differ_with_the_seed():
    assert not np.array_equal(random_folds(50, 5, seed=0), random_folds(50, 5, seed=1))


def test_one_fold_is_no_fold():
    with pytest.raises(InputError, match="must be 2 or more, not 1"):
        random_folds(10, 1, seed=0)


def test_every_sample_is_tested_once_and_never_trained_on_then():
    splits = list(fold_splits(random_folds(23, 4, seed=2)))
    np.testing.assert_array_equal(np.sort(np.concatenate([test for _, test in splits])), np.arange(23))
    for train, test in splits:
        np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(23))
