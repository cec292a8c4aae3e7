"""What downscaling earns: coarse pixels found again from pixels twice as coarse, in blocks of ground left out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.inspection import permutation_importance

from cryoscale.learning.folds import grouped_folds, spatial_blocks
from cryoscale.learning.prediction import predict_rows
from cryoscale.thermal.downscaling_earnings import SUMS, Earnings
from cryoscale.thermal.downscaling_samples import CoarseSamples
from cryoscale.thermal.footprint import block_means, conserve, detail_of, interpolate

Values = np.ndarray[Any, Any]

STEPS = (2, 4)
"""Coarse pixels averaged along each axis to test downscaling where the truth is known: the two scales next above."""

BILINEAR, CONSERVING = "bilinear", "conserving"
"""Names of the methods without covariates in the table of scores."""

_REPEATS = 5


class Regressor(Protocol):
    """A learner of scikit-learn's manner."""

    def fit(self, X: Values, y: Values) -> Any:
        """Learn `y` (n,) from `X` (n, covariate)."""

    def predict(self, X: Values) -> Values:
        """Values (n,) for `X` (n, covariate)."""


@dataclass(frozen=True)
class Blocks:
    """Blocks of ground, each wholly in one fold.

    Attributes
    ----------
    labels : numpy.ndarray
        Block of every pixel of an image, (y * x,), from 0; -1 where a pixel is no sample in any image.
    folds : numpy.ndarray
        Fold of every pixel, (y * x,); -1 likewise.
    """

    labels: Values
    folds: Values

    @classmethod
    def cut(cls, usable: Values, *, size: int, n_folds: int, seed: int) -> Self:
        """Squares of pixels, shared out to folds.

        Parameters
        ----------
        usable : numpy.ndarray
            (y, x), True where a pixel can be a sample in any image.
        size : int
            Side of a block, coarse pixels.
        n_folds, seed : int
            Number of folds; which blocks go to which.

        Returns
        -------
        Blocks

        Raises
        ------
        InputError
            If there are fewer blocks than folds.
        """
        labels, folds = np.full((2, usable.size), -1)
        rows, columns = np.nonzero(usable)
        labels[usable.ravel()] = spatial_blocks(columns, rows, size=size)
        folds[usable.ravel()] = grouped_folds(labels[usable.ravel()], n_folds, seed=seed)
        return cls(labels, folds)

    @property
    def fold_of_block(self) -> Values:
        """Fold of every block."""
        used = self.labels >= 0
        first: Values = np.unique(self.labels[used], return_index=True)[1]
        return np.asarray(self.folds[used][first])


@dataclass(frozen=True)
class HeldOut:
    """A learner, and samples that it did not see.

    Attributes
    ----------
    model : Regressor
        Fitted to the other folds.
    X, y : numpy.ndarray
        Covariates (n, covariate) and departures of the images from their means (n,).
    """

    model: Regressor
    X: Values
    y: Values

    def rises(self, seed: int) -> Values:
        """By how much the error grows when each covariate is shuffled.

        Parameters
        ----------
        seed : int
            Of the shuffling.

        Returns
        -------
        numpy.ndarray
            (covariate, repeat).
        """
        scoring = "neg_root_mean_squared_error"
        found = permutation_importance(
            self.model, self.X, self.y, scoring=scoring, n_repeats=_REPEATS, random_state=seed
        )
        return np.asarray(found.importances)


@dataclass(frozen=True)
class Trial:
    """Cross-validation of one set of covariates.

    Attributes
    ----------
    names : tuple of str
        The covariates.
    earnings : Earnings
        What its predictions are worth.
    held_out : tuple of HeldOut
        What each fold was tested with.
    """

    names: tuple[str, ...]
    earnings: Earnings
    held_out: tuple[HeldOut, ...]


def cross_validate(
    regressor: Regressor, samples: CoarseSamples, names: Sequence[str], *, drawn: Values, blocks: Blocks
) -> Trial:
    """Fit without each fold in turn, and compare what is predicted there with the truth.

    Parameters
    ----------
    regressor : Regressor
        Cloned before each fit.
    samples : CoarseSamples
        Images and covariates.
    names : sequence of str
        Covariates to use.
    drawn : numpy.ndarray
        Positions among the flattened images of the pixels to train on.
    blocks : Blocks
        Of ground.

    Returns
    -------
    Trial
    """
    X, y = samples.select(names), samples.anomalies.ravel()
    whole = np.isfinite(X).all(axis=1)
    fold_of_drawn = blocks.folds[drawn % blocks.folds.size]
    details, held_out = {step: np.full((4, *samples.images.shape), np.nan) for step in STEPS}, []
    for fold in np.unique(fold_of_drawn):
        train, test = drawn[fold_of_drawn != fold], drawn[fold_of_drawn == fold]
        model = clone(regressor).fit(X[train], y[train])
        predicted = np.full(y.size, np.nan)
        predicted[whole] = predict_rows(model, X[whole])
        inside = (blocks.folds == fold).reshape(samples.images.shape[1:])
        for step, found in details.items():
            found[..., inside] = _details(predicted.reshape(samples.images.shape), samples.images, step)[..., inside]
        held_out.append(HeldOut(model, X[test], y[test]))
    return Trial(tuple(names), _earnings(samples.images, details, blocks), tuple(held_out))


def _windows(shape: tuple[int, ...], step: int) -> Iterator[tuple[int, slice, slice]]:
    """Whole blocks of `step` pixels laid in four ways: half a block on along y, along x, along both, or not at all."""
    for way, starts in enumerate(product((0, step // 2), repeat=2)):
        rows, columns = (slice(a, a + (size - a) // step * step) for a, size in zip(starts, shape[1:], strict=True))
        if rows.stop > rows.start and columns.stop > columns.start:
            yield way, rows, columns


def _details(predicted: Values, images: Values, step: int) -> Values:
    """Detail of predictions as downscaling adds it to the smooth field, (way to lay blocks, image, y, x)."""
    details = np.full((4, *images.shape), np.nan)
    for way, rows, columns in _windows(images.shape, step):
        coarse = _means(images[:, rows, columns], step)
        detail = detail_of(predicted[:, rows, columns], (step, step))
        smooth = conserve(coarse, np.zeros_like(detail), (step, step))
        details[way, :, rows, columns] = conserve(coarse, detail, (step, step)) - smooth
    return details


def _means(images: Values, step: int) -> Values:
    return np.asarray(block_means(images, (step, step), min_share=1.0))


def _earnings(images: Values, details: Mapping[int, Values], blocks: Blocks) -> Earnings:
    """Sums of the errors by image and block."""
    near, wide = (_products(images, details[step], step) for step in STEPS)
    both = np.isfinite(near[-1]) & np.isfinite(wide[-1])
    wider = (np.where(both, w - n, np.nan) for n, w in zip(near[-2:], wide[-2:], strict=True))
    sums = (_by_block(term, blocks.labels) for term in (*near, *wider))
    return Earnings(**dict(zip(SUMS, sums, strict=True)), folds=blocks.fold_of_block)


def _products(images: Values, details: Values, step: int) -> tuple[Values, ...]:
    """Terms of the sums for every pixel (image, y, x), averaged over the ways to lay blocks; NaN where none can."""
    smooth, plain = np.full_like(details, np.nan), np.full_like(details, np.nan)
    for way, rows, columns in _windows(images.shape, step):
        coarse = _means(images[:, rows, columns], step)
        plain[way, :, rows, columns] = interpolate(coarse, (step, step))
        smooth[way, :, rows, columns] = conserve(coarse, np.zeros_like(images[:, rows, columns]), (step, step))
    d = images - smooth
    counted = np.isfinite(d * details)
    ways = np.where(counted.any(axis=0), counted.sum(axis=0), np.nan)
    terms = (np.ones_like(d), (images - plain) ** 2, d**2, d * details, details**2)
    return tuple(np.where(counted, term, 0.0).sum(axis=0) / ways for term in terms)


def _by_block(values: Values, labels: Values) -> Values:
    """Sums of (image, y, x) over the pixels of each block, (image, block); those of label -1 and NaN do not count."""
    flat, used = np.nan_to_num(values).reshape(len(values), -1), labels >= 0
    return np.stack([np.bincount(labels[used], image[used], minlength=labels.max() + 1) for image in flat])


def importance(trial: Trial, *, seed: int) -> pd.DataFrame:
    """By how much errors grow when a covariate is shuffled among held-out pixels (Breiman 2001, Mach. Learn. 45, 5).

    Parameters
    ----------
    trial : Trial
        Of one set of covariates.
    seed : int
        Of the shuffling.

    Returns
    -------
    pandas.DataFrame
        ``mean`` and ``std`` over folds and repeats by ``covariate``, in the unit of the images; the largest first.
    """
    rises = np.hstack([fold.rises(seed) for fold in trial.held_out])
    index = pd.Index(trial.names, name="covariate")
    table = pd.DataFrame({"mean": rises.mean(axis=1), "std": rises.std(axis=1)}, index=index)
    return table.sort_values("mean", ascending=False, kind="stable")


def score_table(trials: Mapping[str, Trial]) -> pd.DataFrame:
    """Errors of bilinear interpolation, of the one that keeps means, and of the sets of covariates.

    Parameters
    ----------
    trials : mapping of str to Trial
        By the name of the set, on the same samples.

    Returns
    -------
    pandas.DataFrame
        By ``method``: see `Downscaler.scores_`.
    """
    first = next(iter(trials.values())).earnings
    rows = {
        BILINEAR: {"rmse": first.rmse_of_bilinear()},
        CONSERVING: {"rmse": first.rmse_at(0.0), "weight": 0.0},
        **{name: _scores(trial.earnings) for name, trial in trials.items()},
    }
    columns = ["rmse", "rmse_unweighted", "earned", "earned_error", "decline", "weight"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("method")


def _scores(earnings: Earnings) -> dict[str, float]:
    pooled = earnings.pooled()
    (earned,), (error,) = pooled.earned()
    return {
        "rmse": earnings.rmse(),
        "rmse_unweighted": earnings.rmse_at(1.0),
        "earned": earned,
        "earned_error": error,
        "decline": pooled.decline()[0],
        "weight": pooled.weights()[0],
    }
