"""The four learners of active-layer moisture: how each is made, asked for predictions, and explained by SHAP values."""

import importlib
import sys
import warnings
from collections.abc import Mapping
from enum import StrEnum
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

from cryoscale.errors import InputError, MissingExtraError
from cryoscale.learning import predict_rows

Rows = NDArray[np.float32]
Values = NDArray[np.float64]

_FEWEST_SAMPLES = 20


class Learner(StrEnum):
    """Ensembles of regression trees.

    Random forest (Breiman 2001, Machine Learning 45, 5-32), extremely randomised trees (Geurts et al. 2006, Machine
    Learning 63, 3-42), XGBoost (Chen and Guestrin 2016, KDD, 785-794), CatBoost (Prokhorenkova et al. 2018, NeurIPS).
    """

    RANDOM_FOREST = "random-forest"
    EXTRA_TREES = "extra-trees"
    XGBOOST = "xgboost"
    CATBOOST = "catboost"


# For a few hundred samples of 10 to 25 features. A forest asks a third of the features at a split (Breiman), extra
# trees all of them (Geurts et al.). 64 borders a feature are enough for so few samples and make CatBoost three times
# as fast to fit as its own 254.
_DEFAULTS: Mapping[Learner, Mapping[str, Any]] = {
    Learner.RANDOM_FOREST: {"n_estimators": 200, "max_features": 1 / 3, "min_samples_leaf": 2, "max_depth": None},
    Learner.EXTRA_TREES: {"n_estimators": 200, "max_features": 1.0, "min_samples_leaf": 2, "max_depth": None},
    Learner.XGBOOST: {
        "n_estimators": 250,
        "learning_rate": 0.05,
        "max_depth": 4,
        "min_child_weight": 3,
        "subsample": 0.8,
        "colsample_bytree": 0.8,
    },
    Learner.CATBOOST: {"iterations": 300, "learning_rate": 0.06, "depth": 5, "l2_leaf_reg": 3.0, "border_count": 64},
}

_FOREST = {"max_leaf_nodes", "max_samples", "min_impurity_decrease", "min_samples_split", "bootstrap", "ccp_alpha"}
_MORE_SETTINGS: Mapping[Learner, set[str]] = {
    Learner.RANDOM_FOREST: _FOREST,
    Learner.EXTRA_TREES: _FOREST,
    Learner.XGBOOST: {"colsample_bylevel", "colsample_bynode", "gamma", "max_bin", "reg_alpha", "reg_lambda"},
    Learner.CATBOOST: {"bootstrap_type", "min_data_in_leaf", "random_strength", "rsm", "subsample"},
}


def default_settings(learner: Learner) -> dict[str, Any]:
    """Settings that a learner has where none are given.

    Parameters
    ----------
    learner : Learner
        Which one.

    Returns
    -------
    dict
        Names and values as the learner's own library calls them.

    Examples
    --------
    >>> default_settings(Learner.EXTRA_TREES)
    {'n_estimators': 200, 'max_features': 1.0, 'min_samples_leaf': 2, 'max_depth': None}
    """
    return dict(_DEFAULTS[learner])


def make_learner(learner: Learner, *, seed: int, **settings: Any) -> Any:
    """Make a regressor that is not fitted yet, has one thread, and gives the same model for the same seed.

    Parameters
    ----------
    learner : Learner
        Which one.
    seed : int
        Seed of all its random draws.
    **settings
        In place of `default_settings`, under the names of the learner's library. Only settings that shape the trees
        are taken; threads, files and seeds are settled here.

    Returns
    -------
    object
        RandomForestRegressor, ExtraTreesRegressor, XGBRegressor or CatBoostRegressor, with ``fit`` and ``predict``.

    Raises
    ------
    InputError
        If the learner does not take a setting.
    MissingExtraError
        If the learner's library is not installed.

    Examples
    --------
    >>> rows = np.arange(40, dtype="float32")[:, None]
    >>> forest = make_learner(Learner.RANDOM_FOREST, seed=0, n_estimators=20).fit(rows, 0.01 * rows[:, 0])
    >>> predict(forest, rows[[3, 30]]).round(2)
    array([0.03, 0.3 ])
    """
    allowed = _DEFAULTS[learner].keys() | _MORE_SETTINGS[learner]
    unknown = sorted(settings.keys() - allowed)
    if unknown:
        raise InputError(
            f"settings of {learner}: {', '.join(unknown)} not known here. Give any of {', '.join(sorted(allowed))}."
        )
    chosen = default_settings(learner) | settings
    match learner:
        case Learner.RANDOM_FOREST:
            return RandomForestRegressor(**chosen, random_state=seed, n_jobs=1)
        case Learner.EXTRA_TREES:
            return ExtraTreesRegressor(**chosen, random_state=seed, n_jobs=1)
        case Learner.XGBOOST:
            return _library("xgboost").XGBRegressor(**chosen, random_state=seed, n_jobs=1, tree_method="hist")
        case Learner.CATBOOST:
            quiet = {"verbose": False, "allow_writing_files": False}
            return _library("catboost").CatBoostRegressor(**chosen, random_seed=seed, thread_count=1, **quiet)


def predict(model: Any, rows: Rows) -> Values:
    """What a fitted learner predicts, in the calling thread alone and safely while other threads do the same.

    Parameters
    ----------
    model : object
        From `make_learner`, fitted.
    rows : numpy.ndarray
        (n, feature), float32, features as in the fit.

    Returns
    -------
    numpy.ndarray
        (n,), float64, in the unit of the target. A row's value does not depend on the rows beside it.

    Raises
    ------
    InputError
        If `rows` has other than as many features as the model was fitted to.

    Examples
    --------
    >>> rows = np.linspace(0.0, 1.0, 40, dtype="float32")[:, None]
    >>> model = make_learner(Learner.XGBOOST, seed=0, max_depth=2).fit(rows, 0.4 * rows[:, 0])
    >>> predicted = predict(model, rows)
    >>> predicted.dtype, bool(np.abs(predicted - 0.4 * rows[:, 0]).max() < 0.03)
    (dtype('float64'), True)
    """
    table = _model_rows(model, rows)
    if not len(table):
        return np.empty(0)
    match _library_of(model):
        case "xgboost":
            predicted = model.get_booster().inplace_predict(table)
        case "catboost":
            # by columns, as its own tables are: by rows it takes up to 1.5 times as long
            predicted = model.predict(np.asfortranarray(table), thread_count=1)
        case _:
            predicted = predict_rows(model, table)
    return np.asarray(predicted, dtype=np.float64)


def shap_values(model: Any, rows: Rows) -> Values:
    """SHAP values: how much each feature takes a prediction away from the model's mean prediction.

    Trees give them exactly, with the share of training samples in each branch for the features that are held back
    ("tree path dependent"; Lundberg et al. 2020, Nature Machine Intelligence 2, 56-67). The sum over the features
    plus the mean prediction over the training samples is the prediction.

    Parameters
    ----------
    model : object
        From `make_learner`, fitted.
    rows : numpy.ndarray
        (n, feature), float32, features as in the fit.

    Returns
    -------
    numpy.ndarray
        (n, feature), float64, in the unit of the target: m3 m-3 for moisture.

    Raises
    ------
    InputError
        If `rows` has other than as many features as the model was fitted to.
    MissingExtraError
        If shap is not installed, which explains the two forests.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")
    >>> model = make_learner(Learner.CATBOOST, seed=0, iterations=50).fit(rows, 0.1 * rows[:, 1])
    >>> int(np.abs(shap_values(model, rows)).mean(axis=0).argmax())
    1
    """
    table = _model_rows(model, rows)
    match _library_of(model):
        case "xgboost":
            matrix = _library("xgboost").DMatrix(table, nthread=1)
            values = model.get_booster().predict(matrix, pred_contribs=True)[:, :-1]
        case "catboost":
            pool = _library("catboost").Pool(table, thread_count=1)
            values = model.get_feature_importance(pool, type="ShapValues", thread_count=1)[:, :-1]
        case _:
            explainer = _shap().TreeExplainer(model, feature_perturbation="tree_path_dependent")
            values = explainer.shap_values(table, check_additivity=False)
    return np.asarray(values, dtype=np.float64)


def checked_samples(
    features: pd.DataFrame, target: ArrayLike, *, folds: ArrayLike
) -> tuple[Rows, Values, NDArray[np.int64]]:
    """Samples as arrays that every learner can be fitted to.

    Parameters
    ----------
    features : pandas.DataFrame
        (sample, feature), numbers.
    target : array_like
        (sample,), such as moisture in m3 m-3.
    folds : array_like
        (sample,), fold of each sample, from `cryoscale.learning`.

    Returns
    -------
    tuple of numpy.ndarray
        Features as float32, target as float64, folds as int64.

    Raises
    ------
    InputError
        If a feature has no numbers, is not finite, constant or there twice; the target is not finite or constant;
        lengths differ; there are fewer than 20 samples or fewer than 2 folds.

    Examples
    --------
    >>> table = pd.DataFrame({"ndvi": np.linspace(0.1, 0.6, 30)})
    >>> rows, target, folds = checked_samples(table, 0.3 * table["ndvi"], folds=np.arange(30) % 3)
    >>> rows.shape, rows.dtype, np.unique(folds)
    ((30, 1), dtype('float32'), array([0, 1, 2]))
    """
    values, labels = np.asarray(target, dtype=np.float64), np.asarray(folds)
    if not values.shape == labels.shape == (len(features),):
        raise InputError(
            f"samples: {len(features)} rows of features, target of shape {values.shape} and folds of shape "
            f"{labels.shape} do not fit together. Give one target and one fold a row."
        )
    if len(values) < _FEWEST_SAMPLES:
        raise InputError(f"samples: {len(values)} are too few to learn from. Bring {_FEWEST_SAMPLES} or more.")
    if not np.isfinite(values).all():
        raise InputError(f"target: {np.sum(~np.isfinite(values))} samples are NaN or infinite. Leave them out first.")
    if np.ptp(values) == 0.0:
        raise InputError(f"target: all samples are {values[0]:g}, so there is nothing to learn.")
    if labels.dtype.kind not in "iu" or len(np.unique(labels)) < 2:
        raise InputError("folds: must be integers of at least 2 different folds. Make them with cryoscale.learning.")
    return _feature_rows(features), values, labels.astype(np.int64)


def _feature_rows(features: pd.DataFrame) -> Rows:
    twice = features.columns[features.columns.duplicated()]
    if len(twice):
        raise InputError(f"features: {twice[0]!r} is there twice. Leave one out.")
    for name, column in features.items():
        if not pd.api.types.is_numeric_dtype(column):
            raise InputError(f"feature {name!r}: holds {column.dtype}, not numbers. Turn it into numbers first.")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is named below
        rows = features.to_numpy(dtype=np.float32, na_value=np.nan)
    unknown = np.sum(~np.isfinite(rows), axis=0)
    if unknown.any():
        listed = ", ".join(f"{name!r} ({n})" for name, n in zip(features.columns, unknown, strict=True) if n)
        raise InputError(
            f"features: NaN or infinite in float32 at this number of samples: {listed}. Leave out or fill them."
        )
    constant = features.columns[np.ptp(rows, axis=0) == 0.0]
    if len(constant):
        raise InputError(f"feature {constant[0]!r}: is constant over all samples in float32. Leave it out.")
    return np.ascontiguousarray(rows)


def _model_rows(model: Any, rows: Rows) -> Rows:
    """Rows as float32, after a check of their width: trees of a forest would read beyond the end of a row."""
    table = np.asarray(rows, dtype=np.float32)
    # CatBoost forgets n_features_in_ when it is pickled
    n = len(model.feature_names_) if _library_of(model) == "catboost" else model.n_features_in_
    if table.ndim != 2 or table.shape[1] != n:
        raise InputError(f"rows: shape {table.shape} does not fit a model of {n} features.")
    return table


def _library_of(model: Any) -> str:
    return type(model).__module__.partition(".")[0]


def _library(name: str) -> ModuleType:
    """A library that only this product needs, imported when it is first used."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        message = f"moisture needs {name}, which is not installed. Run: pip install 'cryoscale[moisture]'"
        raise MissingExtraError(message) from error


def _shap() -> ModuleType:
    if "shap" in sys.modules:
        return _library("shap")
    with warnings.catch_warnings():  # shap makes its colour maps in a way that matplotlib will drop
        warnings.filterwarnings("ignore", "The set_(bad|over|under) function", PendingDeprecationWarning)
        return _library("shap")
