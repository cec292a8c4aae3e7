"""The ensemble: tuned learners on selected features, fused and corrected, with an interval and an area of trust."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from cryoscale.errors import InputError
from cryoscale.learning.folds import fold_splits, grouped_folds, random_folds
from cryoscale.moisture.applicability import fit_applicability
from cryoscale.moisture.bias import cross_correct, fit_correction
from cryoscale.moisture.fusion import fusion_weights
from cryoscale.moisture.intervals import fit_interval
from cryoscale.moisture.learners import Learner, checked_samples, make_learner, predict
from cryoscale.moisture.selection import select_features
from cryoscale.moisture.tuning import tune

Values = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False, slots=True)
class Parts:
    """What the ensemble says of rows.

    Attributes
    ----------
    moisture : numpy.ndarray
        (row,) float32, fused and corrected, m3 m-3.
    lower, upper : numpy.ndarray
        (row,) float32, bounds of the prediction interval, m3 m-3.
    spread : numpy.ndarray
        (row,) float32, standard deviation of the learners' predictions, m3 m-3.
    dissimilarity : numpy.ndarray
        (row,) float32, to the training samples; beyond ``applicability_.threshold`` the model may not be trusted.
    """

    moisture: Values
    lower: Values
    upper: Values
    spread: Values
    dissimilarity: Values


class MoistureEnsemble(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Moisture of the active layer from covariates, by several learners and one fusion.

    Each learner is tuned; features are selected for all learners together; predictions of samples whose fold was left
    out (out of fold) give the weights of the fusion, the correction of its shrinkage and the interval; last, every
    learner is fitted to all samples. Settings and features were chosen for their skill on one set of folds, which
    flatters them there: so the out-of-fold predictions are of other folds, drawn anew.

    All samples took part in tuning and selection, so that errors in `out_of_fold_` are a little too small: how good the
    ensemble is must be asked of samples that took no part in any step (`cross_validate`).

    Parameters
    ----------
    learners : sequence of Learner
        To be fused.
    n_folds : int
        Folds inside the training samples: whole groups where groups are given, else at random.
    n_candidates : int
        Settings tried for each learner; 1 takes the defaults without a search.
    min_features : int
        Features that selection leaves at least.
    drop : float
        Share of features that each step of the selection drops.
    stretch : float
        How far predictions are stretched to the distribution of the observations, 0 to 1 (`fit_correction`).
    max_rmse_rise : float
        Price in RMSE that the correction may have, as a share.
    coverage : float
        Of the prediction interval.
    seed : int
        Of everything that is drawn. The same seed, samples and settings give the same model.

    Attributes
    ----------
    features_ : tuple of str
        Selected features, in the order of rows of `predict_parts`.
    settings_ : dict of Learner to dict
        Of each learner.
    selection_ : Selection
        How features were eliminated.
    weights_ : pandas.Series
        Of the learners in the fusion.
    correction_ : BiasCorrection
    interval_ : Interval
    applicability_ : Applicability
    models_ : tuple
        Fitted learners, in the order of `learners`.
    out_of_fold_ : pandas.DataFrame
        By sample: ``fold``, ``observed``, each learner's prediction, ``fused``, ``corrected``, ``spread``; m3 m-3. The
        correction, too, was fitted without the sample's fold.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame(rng.random((60, 4)), columns=["ndvi", "slope", "sand", "elevation"])
    >>> moisture = 0.1 + 0.2 * table["ndvi"] + 0.1 * table["sand"]
    >>> forests = [Learner.RANDOM_FOREST, Learner.EXTRA_TREES]
    >>> model = MoistureEnsemble(learners=forests, n_folds=2, n_candidates=1).fit(table, moisture)
    >>> sorted(model.features_)[:1], model.predict(table).shape
    (['ndvi'], (60,))
    """

    features_: tuple[str, ...]

    def __init__(
        self,
        *,
        learners: Sequence[Learner] = tuple(Learner),
        n_folds: int = 5,
        n_candidates: int = 8,
        min_features: int = 3,
        drop: float = 0.15,
        stretch: float = 0.0,
        max_rmse_rise: float = 0.02,
        coverage: float = 0.9,
        seed: int = 0,
    ) -> None:
        self.learners = learners
        self.n_folds = n_folds
        self.n_candidates = n_candidates
        self.min_features = min_features
        self.drop = drop
        self.stretch = stretch
        self.max_rmse_rise = max_rmse_rise
        self.coverage = coverage
        self.seed = seed

    def fit(self, features: pd.DataFrame, target: ArrayLike, *, groups: ArrayLike | None = None) -> Self:
        """Fit every step to samples.

        Parameters
        ----------
        features : pandas.DataFrame
            (sample, feature), numbers without NaN.
        target : array_like
            (sample,), m3 m-3.
        groups : array_like, optional
            (sample,): what must stay in one fold, such as a profile or a block of ground. None: folds at random.

        Returns
        -------
        MoistureEnsemble
            Itself.

        Raises
        ------
        InputError
            If there is no learner or one twice, samples are bad (see `checked_samples`), the target is not in m3 m-3,
            or there are too few groups or samples for the folds or the interval.
        """
        folds, fresh = (self._folds(len(features), groups, seed=seed) for seed in (self.seed, self.seed + 1))
        _, observed, folds = checked_samples(features, target, folds=folds)
        _check_moisture(observed)
        learners = self._checked_learners()
        search: dict[str, Any] = {"folds": folds, "n_candidates": self.n_candidates, "seed": self.seed}
        self.settings_ = {learner: tune(learner, features, observed, **search).settings for learner in learners}
        self._select(features, observed, folds)
        rows = features[list(self.features_)].to_numpy(np.float32)
        held_out = {
            learner: _out_of_fold(learner, self.settings_[learner], rows, observed, folds=fresh, seed=self.seed)
            for learner in learners
        }
        self._fuse(pd.DataFrame(held_out, index=features.index), observed, fresh)
        self.models_ = tuple(
            make_learner(learner, seed=self.seed, **self.settings_[learner]).fit(rows, observed) for learner in learners
        )
        return self

    def predict(self, features: pd.DataFrame) -> NDArray[np.float32]:
        """Fused and corrected moisture.

        Parameters
        ----------
        features : pandas.DataFrame
            (sample, feature) with at least `features_`, without NaN in them.

        Returns
        -------
        numpy.ndarray
            (sample,) float32, m3 m-3.

        Raises
        ------
        InputError
            If features are missing, or NaN or infinite at a sample.
        """
        return self.predict_parts(self.rows_of(features)).moisture

    def rows_of(self, features: pd.DataFrame) -> NDArray[np.float32]:
        """Rows for `predict_parts` from a table.

        Parameters
        ----------
        features : pandas.DataFrame
            (sample, feature) with at least `features_`.

        Returns
        -------
        numpy.ndarray
            (sample, feature) float32, in the order of `features_`.

        Raises
        ------
        InputError
            As `predict`.
        """
        check_is_fitted(self, "models_")
        missing = [name for name in self.features_ if name not in features.columns]
        if missing:
            raise InputError(
                f"features: {', '.join(missing)} missing, to which the ensemble was fitted; the table has "
                f"{', '.join(map(str, features.columns))}."
            )
        rows: NDArray[np.float32] = features[list(self.features_)].to_numpy(np.float32)
        unknown = ~np.isfinite(rows).all(axis=0)
        if unknown.any():
            raise InputError(f"features: {self.features_[int(np.argmax(unknown))]!r} is NaN or infinite at a sample.")
        return rows

    def predict_parts(self, rows: NDArray[np.float32]) -> Parts:
        """Moisture with its bounds, the learners' spread and the dissimilarity; many threads may call it at a time.

        A row's result does not depend on the rows beside it.

        Parameters
        ----------
        rows : numpy.ndarray
            (row, feature) float32, features in the order of `features_`, without NaN.

        Returns
        -------
        Parts
        """
        predictions = self.predict_learners(rows)
        spread = _spread(predictions)
        moisture = self.correction_(self.fuse(predictions))
        bounds = self.interval_(moisture, spread)
        moisture, lower, upper, spread = (part.astype(np.float32) for part in (moisture, *bounds, spread))
        return Parts(moisture, lower, upper, spread, self.applicability_.dissimilarity(rows))

    def predict_learners(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Every learner's own prediction.

        Parameters
        ----------
        rows : numpy.ndarray
            As in `predict_parts`.

        Returns
        -------
        numpy.ndarray
            (learner, row), m3 m-3.
        """
        return np.stack([predict(model, rows) for model in self.models_])

    def fuse(self, predictions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weighted mean of the learners, before the correction.

        Parameters
        ----------
        predictions : numpy.ndarray
            (learner, row), m3 m-3.

        Returns
        -------
        numpy.ndarray
            (row,), m3 m-3.
        """
        # Learner by learner: a matrix product's sums depend on how many rows there are.
        fused = np.zeros(predictions.shape[1])
        for weight, predicted in zip(self.weights_, predictions, strict=True):
            fused += weight * predicted
        return fused

    def _checked_learners(self) -> tuple[Learner, ...]:
        unknown = [str(name) for name in self.learners if name not in tuple(Learner)]
        if unknown:
            raise InputError(f"learners: {unknown[0]!r} is not one of {', '.join(Learner)}.")
        learners = tuple(Learner(name) for name in self.learners)
        if not learners or len(set(learners)) < len(learners):
            raise InputError(f"learners: needs one or more, each once, not {[str(name) for name in learners]}.")
        return learners

    def _folds(self, n: int, groups: ArrayLike | None, *, seed: int) -> NDArray[np.int64]:
        if groups is None:
            return random_folds(n, self.n_folds, seed=seed)
        if np.shape(groups) != (n,):
            raise InputError(f"groups: have the shape {np.shape(groups)} for {n} samples; give one a sample.")
        return grouped_folds(groups, self.n_folds, seed=seed)

    def _select(self, features: pd.DataFrame, observed: Values, folds: Values) -> None:
        self.selection_ = select_features(
            features,
            observed,
            folds=folds,
            learners=tuple(self.settings_),
            min_features=min(self.min_features, features.shape[1]),
            drop=self.drop,
            seed=self.seed,
        )
        self.features_ = tuple(self.selection_.names)
        chosen = features[list(self.features_)]
        self.applicability_ = fit_applicability(chosen, importance=self.selection_.importance, folds=folds)

    def _fuse(self, held_out: pd.DataFrame, observed: Values, folds: Values) -> None:
        """Weights, correction and interval from predictions of samples whose fold was left out."""
        self.weights_ = fusion_weights(held_out, observed)
        predictions = held_out.to_numpy(float).T
        fused, spread = self.fuse(predictions), _spread(predictions)
        self.correction_ = fit_correction(
            fused, observed, folds=folds, stretch=self.stretch, max_rmse_rise=self.max_rmse_rise
        )
        corrected = cross_correct(fused, observed, folds=folds, correction=self.correction_)
        self.interval_ = fit_interval(corrected, observed, spread, coverage=self.coverage)
        steps = {"fused": fused, "corrected": corrected, "spread": spread}
        self.out_of_fold_ = pd.DataFrame({"fold": folds, "observed": observed}, held_out.index).join(
            held_out.rename(columns=str).assign(**steps)
        )


def _out_of_fold(
    learner: Learner, settings: Mapping[str, Any], rows: Values, observed: Values, *, folds: Values, seed: int
) -> Values:
    predicted = np.empty(len(observed))
    for train, test in fold_splits(folds):
        model = make_learner(learner, seed=seed, **settings).fit(rows[train], observed[train])
        predicted[test] = predict(model, rows[test])
    return predicted


def _spread(predictions: Values) -> Values:
    spread: Values = predictions.std(axis=0)
    return spread


def _check_moisture(observed: Values) -> None:
    wrong = observed[(observed < 0.0) | (observed > 1.0)]
    if wrong.size:
        raise InputError(
            f"target: {wrong.size} samples outside 0 to 1, such as {wrong[0]:g}; moisture must be in m3 m-3. "
            "Divide per cent by 100."
        )
