"""Folds of samples for cross-validation: at random, by group (station, borehole) and by spatial block.

Samples that lie close in space or time are not independent; folds at random then test a model on what it has all but
seen. Whole groups in one fold, such as stations or blocks of ground, do not (Roberts et al., 2017, Ecography 40,
913-929).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cryoscale.errors import InputError

Labels = NDArray[np.int64]


def spatial_blocks(x: ArrayLike, y: ArrayLike, *, size: float) -> Labels:
    """Label points by the square block of ground that they lie in.

    Parameters
    ----------
    x, y : array_like
        Coordinates of the points, in one unit, usually m; shape (n,).
    size : float
        Side of a block, in the unit of `x` and `y`. Block edges lie at multiples of `size`, so that labels of a point
        do not depend on where the others begin.

    Returns
    -------
    numpy.ndarray
        Label of every point, int64 of shape (n,), from 0 to the number of occupied blocks - 1; ordered by the
        block's x, then its y.

    Raises
    ------
    InputError
        If `size` is not positive, `x` and `y` differ in length, or a coordinate is not finite.

    Examples
    --------
    >>> spatial_blocks([100.0, 900.0, 1100.0], [50.0, 60.0, 70.0], size=1000.0)
    array([0, 0, 1])
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if not (np.isfinite(size) and size > 0.0):
        raise InputError(f"size of spatial blocks: must be above 0, in the unit of x and y, not {size!r}.")
    if x.ndim != 1 or x.shape != y.shape:
        raise InputError(f"spatial blocks: x and y must be as long as each other, not of shapes {x.shape}, {y.shape}.")
    unknown = ~(np.isfinite(x) & np.isfinite(y))
    if unknown.any():
        raise InputError(f"spatial blocks: {unknown.sum()} points have no finite x or y. Leave them out first.")
    blocks = np.stack([np.floor(x / size), np.floor(y / size)], axis=1)
    return np.unique(blocks, axis=0, return_inverse=True)[1].astype(np.int64).reshape(-1)


def grouped_folds(groups: ArrayLike, n_folds: int, *, seed: int) -> Labels:
    """Share whole groups out to folds of about as many samples each.

    The largest group goes first, each to the fold that is smallest so far; groups of one size go in the order that
    `seed` draws. The result does not depend on the order of the samples.

    Parameters
    ----------
    groups : array_like
        Group of every sample (station names, block labels), shape (n,).
    n_folds : int
        Number of folds; as many as there are groups leaves one group out at a time.
    seed : int
        Seed of the draw among groups of one size.

    Returns
    -------
    numpy.ndarray
        Fold of every sample, int64 of shape (n,), from 0 to `n_folds` - 1; no fold is empty.

    Raises
    ------
    InputError
        If there are fewer groups than folds, or fewer than two folds.

    Examples
    --------
    >>> grouped_folds(["a", "a", "a", "b", "b", "c"], 2, seed=0)
    array([0, 0, 0, 1, 1, 1])
    """
    _, labels, sizes = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    _check_folds(n_folds, len(sizes), "groups")
    drawn = np.random.default_rng(seed).permutation(len(sizes))
    largest_first = drawn[np.argsort(-sizes[drawn], kind="stable")]
    fold_of_group = np.empty(len(sizes), dtype=np.int64)
    filled = np.zeros(n_folds, dtype=np.int64)
    for group in largest_first:
        fold_of_group[group] = np.argmin(filled)
        filled[fold_of_group[group]] += sizes[group]
    return fold_of_group[labels.reshape(-1)]


def random_folds(n: int, n_folds: int, *, seed: int) -> Labels:
    """Share samples out to folds at random, as many to each as can be.

    Parameters
    ----------
    n : int
        Number of samples.
    n_folds : int
        Number of folds.
    seed : int
        Seed of the draw.

    Returns
    -------
    numpy.ndarray
        Fold of every sample, int64 of shape (n,), from 0 to `n_folds` - 1; sizes differ by one at most.

    Raises
    ------
    InputError
        If there are fewer samples than folds, or fewer than two folds.

    Examples
    --------
    >>> import numpy as np
    >>> np.bincount(random_folds(10, 3, seed=0))
    array([4, 3, 3])
    """
    _check_folds(n_folds, n, "samples")
    return np.random.default_rng(seed).permutation(np.arange(n, dtype=np.int64) % n_folds)


def fold_splits(folds: ArrayLike) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Positions of the samples to train on and to test on, for one fold after the other.

    Parameters
    ----------
    folds : array_like
        Fold of every sample, int of shape (n,).

    Yields
    ------
    tuple of numpy.ndarray
        Positions outside and inside the fold; scikit-learn takes the list of them as `cv`.

    Examples
    --------
    >>> for train, test in fold_splits([0, 1, 0]):
    ...     print(train, test)
    [1] [0 2]
    [0 2] [1]
    """
    folds = np.asarray(folds)
    for fold in np.unique(folds):
        yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)


def _check_folds(n_folds: int, n: int, what: str) -> None:
    if n_folds < 2:
        raise InputError(f"number of folds: must be 2 or more, not {n_folds!r}.")
    if n < n_folds:
        raise InputError(
            f"number of folds: {n_folds} folds of {n} {what}; ask for {n} folds at most or bring more {what}."
        )
