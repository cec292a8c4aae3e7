"""Daily mean temperature of the ground surface from up to four surface temperatures that satellites see in a day."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Self

import numpy as np
import pandas as pd
import xarray as xr
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from cryoscale.errors import InputError
from cryoscale.learning.folds import random_folds
from cryoscale.lift import lift
from cryoscale.thermal._ground_temperature import RidgeFit, fit_ridge
from cryoscale.thermal.gst_samples import GST, OVERPASSES, check_columns, usable_samples
from cryoscale.thermal.gst_submodels import SCORES, SubModels
from cryoscale.thermal.gst_validation import held_out_scores, score_table
from cryoscale.variables import check_units

ALPHAS = tuple(np.logspace(-3.0, 4.0, 15).tolist())


class GroundTemperatureModel(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Ridge regression of the daily mean ground surface temperature on surface temperatures of up to four overpasses.

    GST = c_0 + sum(c_i LST_i), with the penalty on coefficients of standardised predictors; the idea is that of Zou et
    al. (2014, J. Appl. Remote Sens. 8, 083516), the ridge and its 10-fold cross-validation that of Zhang et al.
    (2025, GIScience & Remote Sensing 62, 2596941).

    Every set of overpasses has a sub-model of its own, fitted to all station-days where those of the set have a value.
    A pixel gets the sub-model of exactly the overpasses that it has. Where that set had fewer than `min_samples`
    station-days, it gets the largest smaller set that has a sub-model; among several the one with the smallest error
    at stations left out (in random folds with one station). Where there is none, NaN.

    Days at one station are not independent, so random folds flatter the model: errors are therefore also those at
    stations left out. In both the penalty is chosen, by random folds, without what is held out.

    Parameters
    ----------
    alphas : sequence of float
        Penalties to choose from, above 0, on standardised predictors (as in scikit-learn's ``Ridge``).
    n_folds : int
        Random folds that choose the penalty by the smallest pooled RMSE.
    seed : int
        Of the folds.
    min_samples : int
        Station-days that a sub-model needs.

    Attributes
    ----------
    submodels_ : SubModels
        ``intercept``, ``coefficients`` and ``scores`` by sub-model, whose name joins its overpasses by ``+``.
    scores_ : pandas.DataFrame
        The scores: ``n_samples``, ``n_stations``, ``alpha``, ``alpha_by_station``; ``rmse``, ``r2`` and ``bias`` in
        random folds (``_random``) and at stations left out (``_by_station``, NaN with one station); and the parts of
        the latter error (of that in random folds with one station), as in `error_parts`.
    station_bias_sd_, daily_error_, error_correlation_ : float
        These parts for the sub-model of all overpasses, or what stands in for it: K, K, 1.
    held_out_ : pandas.DataFrame
        ``station``, ``time``, ``observed``, ``predicted`` (from the other stations) and ``predicted_random`` (from the
        other folds) of the same sub-model, degC. This and the two tables are not part of `to_dataset`.
    station_scores_, month_scores_ : pandas.DataFrame
        ``n``, ``bias``, ``rmse``, ``r2`` of each station left out, and by month of the year (1 to 12).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> night = rng.normal(-5.0, 8.0, 400)
    >>> samples = pd.DataFrame({"terra_night": night, "ground_surface_temperature": 4.0 + 0.8 * night})
    >>> samples["station"] = np.repeat(list("abcd"), 100)
    >>> samples["time"] = np.tile(pd.date_range("2010-01-01", periods=100), 4)
    >>> model = GroundTemperatureModel(alphas=[1e-3]).fit(samples)
    >>> model.submodels_.coefficients.round(3).loc["terra_night"].tolist()
    [0.8]
    """

    def __init__(
        self, *, alphas: Sequence[float] = ALPHAS, n_folds: int = 10, seed: int = 0, min_samples: int = 60
    ) -> None:
        self.alphas = alphas
        self.n_folds = n_folds
        self.seed = seed
        self.min_samples = min_samples

    def fit(self, samples: pd.DataFrame) -> Self:
        """Fit a sub-model for every set of overpasses with enough station-days.

        Parameters
        ----------
        samples : pandas.DataFrame
            One row a station and day: ``station``, ``time``, ``ground_surface_temperature`` (degC) and one or more of
            ``terra_day``, ``aqua_day``, ``terra_night``, ``aqua_night`` (degC, NaN where there is none). Rows without
            a ground surface temperature do not count.

        Returns
        -------
        GroundTemperatureModel
            Itself.

        Raises
        ------
        InputError
            If a column is missing, temperatures look like kelvin, a station has two rows for one day, no set of
            overpasses has enough samples, or `alphas`, `n_folds` and `min_samples` do not fit together.
        """
        self._check_parameters()
        overpasses = check_columns(samples, ("station", "time", GST))
        used = usable_samples(samples)
        fits = {subset: self._fit_subset(used, subset) for subset in _subsets(overpasses)}
        fitted = {subset: fit for subset, fit in fits.items() if fit is not None}
        if not fitted:
            raise InputError(
                f"samples: {len(used)} station-days with a {GST}, but no overpass has a value on {self.min_samples} of "
                "them. Bring more station-days, or lower min_samples."
            )
        self._describe(used, fitted)
        return self

    def _check_parameters(self) -> None:
        if not len(self.alphas) or not all(np.isfinite(alpha) and alpha > 0.0 for alpha in self.alphas):
            raise InputError(f"alphas: must be numbers above 0, not {self.alphas!r}.")
        if self.min_samples < 2 * self.n_folds:
            raise InputError(
                f"min_samples: {self.min_samples} station-days are too few for {self.n_folds} folds; "
                f"take {2 * self.n_folds} or more."
            )

    def _fit_subset(self, samples: pd.DataFrame, subset: Sequence[str]) -> RidgeFit | None:
        rows = samples.dropna(subset=list(subset))
        if len(rows) < self.min_samples:
            return None
        return fit_ridge(
            rows[list(subset)].to_numpy(float),
            rows[GST].to_numpy(float),
            pd.factorize(rows["station"])[0],
            random_folds(len(rows), self.n_folds, seed=self.seed),
            np.sort(np.asarray(self.alphas, dtype=float)),
        )

    def _describe(self, samples: pd.DataFrame, fitted: Mapping[tuple[str, ...], RidgeFit]) -> None:
        """Keep the sub-models, and what their predictions of held-out samples say of them."""
        names = ["+".join(subset) for subset in fitted]
        held_out = [_predictions(samples, subset, fit=fit) for subset, fit in fitted.items()]
        scores = pd.DataFrame([held_out_scores(table) for table in held_out], index=names)
        slopes = [dict(zip(subset, fit.coefficients[1:], strict=True)) for subset, fit in fitted.items()]
        overpasses = [name for name in OVERPASSES if name in samples]
        self.submodels_ = SubModels(
            pd.Series([fit.coefficients[0] for fit in fitted.values()], index=names),
            pd.DataFrame(slopes, index=names, columns=overpasses),
            scores.assign(
                alpha=[fit.alpha for fit in fitted.values()],
                alpha_by_station=[fit.alpha_by_station for fit in fitted.values()],
            )[list(SCORES)],
        )
        self.held_out_ = held_out[names.index(self._best)]
        self.station_scores_ = score_table(self.held_out_, "station")
        self.month_scores_ = score_table(self.held_out_, self.held_out_["time"].dt.month.rename("month"))

    @property
    def _best(self) -> str:
        check_is_fitted(self)
        return str(self.submodels_.select(self.submodels_.overpasses))

    @property
    def overpasses_(self) -> tuple[str, ...]:
        """Overpasses that it was fitted to."""
        return self.submodels_.overpasses

    @property
    def scores_(self) -> pd.DataFrame:
        """Scores by sub-model: see the class."""
        return self.submodels_.scores

    @property
    def station_bias_sd_(self) -> float:
        """Standard deviation of the persistent error, K."""
        return float(self.scores_["station_bias_sd"][self._best])

    @property
    def daily_error_(self) -> float:
        """Standard deviation of the daily error about the persistent one, K."""
        return float(self.scores_["daily_error"][self._best])

    @property
    def error_correlation_(self) -> float:
        """Correlation of the daily error from one day to the next."""
        return float(self.scores_["error_correlation"][self._best])

    def predict(self, lst: xr.DataArray, *, variance: xr.DataArray | None = None) -> xr.Dataset:
        """Temperature of the ground surface wherever an overpass has a value.

        The error is sqrt(d^2 + sum(c_i^2 v_i)): d the sub-model's `daily_error`, v_i the error variance of overpass i,
        taken as independent between overpasses. The persistent error, `station_bias_sd_`, is not part of it.

        Parameters
        ----------
        lst : xarray.DataArray
            (overpass, ...) in degC, usually (overpass, time, y, x), NaN where there is no value; coordinate
            ``overpass`` with names that the model was fitted to, not necessarily all of them.
        variance : xarray.DataArray, optional
            Error variance of `lst` in K2, of the same dims; that of kriging. None: there is no such error. Where an
            overpass that is used has a NaN, the error is NaN.

        Returns
        -------
        xarray.Dataset
            ``ground_surface_temperature`` (degC) and ``gst_error`` (K), float32, of the dims of `lst` but overpass.
            Lazy where an input is lazy; chunks along overpass are joined.

        Raises
        ------
        InputError
            If `lst` has no overpasses that the model knows, is in another unit, or does not match `variance`.
        """
        check_is_fitted(self)
        names = self._overpasses_of(check_units(lst, "lst"))
        inputs = (lst,) if variance is None else (lst, _matching(check_units(variance, "kriging_variance"), lst))
        return lift(
            self.submodels_.predictor(names),
            *(_whole(array.astype("float32", copy=False)) for array in inputs),
            core_dims=[["overpass"]] * len(inputs),
            outputs={GST: [], "gst_error": []},
        )

    def _overpasses_of(self, lst: xr.DataArray) -> list[str]:
        if "overpass" not in lst.coords or lst["overpass"].dims != ("overpass",):
            raise InputError(
                f"{lst.name or 'lst'}: has dims {tuple(lst.dims)}, but no coordinate along a dim 'overpass'. "
                f"Assign names, such as {OVERPASSES[0]!r}, by .assign_coords(overpass=[...])."
            )
        names = [str(name) for name in lst["overpass"].values]
        if not set(names) <= set(self.overpasses_) or len(set(names)) < len(names):
            raise InputError(
                f"{lst.name or 'lst'}: has overpasses {names}, but the model was fitted to {list(self.overpasses_)}. "
                "Select those, each once, or fit it to samples of the others."
            )
        return names

    def predict_samples(self, samples: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Temperature of the ground surface for the rows of a table.

        Parameters
        ----------
        samples : pandas.DataFrame
            Columns of the overpasses that the model was fitted to, degC, NaN where there is no value; a column that is
            left out has none.

        Returns
        -------
        numpy.ndarray
            degC, float64, one a row; NaN where there is no sub-model.

        Raises
        ------
        InputError
            If there is no column of an overpass, or temperatures look like kelvin.
        """
        check_is_fitted(self)
        names = [name for name in check_columns(samples) if name in self.overpasses_]
        value, _ = self.submodels_.predictor(names)(samples[names].to_numpy(float).T)
        return value

    def to_dataset(self) -> xr.Dataset:
        """Coefficients and scores of all sub-models, for keeping them beside what they made.

        Returns
        -------
        xarray.Dataset
            ``coefficient`` (submodel, overpass), ``intercept`` and the columns of `scores_` (submodel); the
            constructor's parameters as attributes.
        """
        check_is_fitted(self)
        parameters = self.get_params() | {"alphas": [float(alpha) for alpha in self.alphas]}
        return self.submodels_.to_dataset().assign_attrs(parameters)

    @classmethod
    def from_dataset(cls, dataset: xr.Dataset) -> Self:
        """Model from what `to_dataset` gave; it predicts the same to the bit.

        Parameters
        ----------
        dataset : xarray.Dataset
            See `to_dataset`.

        Returns
        -------
        GroundTemperatureModel
            Fitted, without `held_out_`, `station_scores_` and `month_scores_`.

        Raises
        ------
        InputError
            If variables or attributes are missing.
        """
        parameters = cls().get_params()
        missing = sorted(set(parameters) - set(dataset.attrs))
        if missing:
            raise InputError(
                f"ground temperature model: lacks the attributes {missing}. It must be what to_dataset() gave."
            )
        model = cls(**{name: dataset.attrs[name] for name in parameters})
        model.submodels_ = SubModels.from_dataset(dataset)
        return model


def _subsets(overpasses: Sequence[str]) -> list[tuple[str, ...]]:
    """Every set of overpasses that is not empty, the largest first."""
    return [subset for size in range(len(overpasses), 0, -1) for subset in combinations(overpasses, size)]


def _predictions(samples: pd.DataFrame, subset: Sequence[str], *, fit: RidgeFit) -> pd.DataFrame:
    rows = samples.dropna(subset=list(subset))[["station", "time", GST]].rename(columns={GST: "observed"})
    return rows.assign(predicted=fit.by_station, predicted_random=fit.random)


def _whole(array: xr.DataArray) -> xr.DataArray:
    return array.chunk(overpass=-1) if array.chunks else array


def _matching(variance: xr.DataArray, lst: xr.DataArray) -> xr.DataArray:
    """The variance, once it is known to lie where the temperatures do."""
    try:
        xr.align(lst, variance, join="exact")
    except ValueError as error:
        raise InputError(
            f"{variance.name or 'variance'}: is not at the places, times and overpasses of {lst.name or 'lst'} "
            f"({dict(variance.sizes)}, not {dict(lst.sizes)}). Take both from the same gap filling."
        ) from error
    if set(variance.dims) != set(lst.dims):
        raise InputError(f"{variance.name or 'variance'}: has dims {variance.dims}, but must have {lst.dims}.")
    return variance
