"""Mean annual ground temperature of a district from boreholes, and which of two models does better."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale.grids import local_plane
from cryoscale.ground.borehole_design import PREDICTORS, AspectTerms, SparseClasses
from cryoscale.ground.temperature_models import MagtKrigedModel, MagtModel
from cryoscale.learning.folds import fold_splits, grouped_folds, spatial_blocks
from cryoscale.stats.scores import scores

Values = np.ndarray[Any, Any]

LEAVE_ONE_OUT, SPATIAL_BLOCKS = "leave_one_out", "spatial_blocks"


class MagtMethod(StrEnum):
    """Regression alone, or with its residuals kriged between the boreholes."""

    REGRESSION = "regression"
    KRIGED_RESIDUALS = "kriged_residuals"


_MODELS: dict[MagtMethod, type[MagtModel]] = {
    MagtMethod.REGRESSION: MagtModel,
    MagtMethod.KRIGED_RESIDUALS: MagtKrigedModel,
}


def mean_annual_ground_temperature(
    boreholes: pd.DataFrame,
    covariates: xr.Dataset,
    *,
    method: MagtMethod = MagtMethod.REGRESSION,
    predictors: Sequence[str] = PREDICTORS,
    aspect_terms: AspectTerms = AspectTerms.SINE_COSINE,
    sparse_classes: SparseClasses = SparseClasses.REFUSE,
) -> xr.Dataset:
    """Map the mean annual ground temperature by a regression fitted to boreholes.

    Parameters
    ----------
    boreholes : pandas.DataFrame
        ``magt`` (degC) and predictors by borehole: see `MagtModel.fit`.
    covariates : xarray.Dataset
        The predictors by pixel, (y, x), lazy or not: see `MagtModel.predict`.
    method : MagtMethod
        Which model. `compare_models` says which does better.
    predictors, aspect_terms, sparse_classes
        Of the model: see `MagtModel`.

    Returns
    -------
    xarray.Dataset
        ``magt`` (degC), ``magt_error`` (K) and ``magt_status`` (y, x); lazy where a covariate is.

    Raises
    ------
    InputError
        As `MagtModel.fit` and `MagtModel.predict`.

    Examples
    --------
    >>> from cryoscale.grids import grid_coords
    >>> from odc.geo.geobox import GeoBox
    >>> holes = pd.DataFrame({"elevation": [3800.0, 3900, 4000, 4100, 4200], "latitude": [38.1, 38.2, 38.3, 38.4, 38.5],
    ...                       "longitude": [99.1, 99.5, 99.2, 99.3, 99.4], "magt": [1.0, 0.4, -0.1, -0.5, -1.0]})
    >>> coords = grid_coords(GeoBox.from_bbox((99.0, 38.0, 99.02, 38.02), "EPSG:4326", shape=(2, 2)))
    >>> ground = xr.Dataset({"elevation": (("y", "x"), [[4000.0, 4100], [4200, np.nan]])}, coords)
    >>> mapped = mean_annual_ground_temperature(holes, ground, predictors=["elevation"])
    >>> mapped.magt.values.round(2), mapped.magt_status.values
    (array([[-0.04, -0.53],
           [-1.02,   nan]], dtype=float32), array([[1, 1],
           [1, 0]], dtype=uint8))
    """
    model = _MODELS[MagtMethod(method)](predictors=predictors, aspect_terms=aspect_terms, sparse_classes=sparse_classes)
    return model.fit(boreholes).predict(covariates)


def compare_models(
    boreholes: pd.DataFrame,
    *,
    block_size: float,
    n_folds: int = 5,
    seed: int = 0,
    predictors: Sequence[str] = PREDICTORS,
    aspect_terms: AspectTerms = AspectTerms.SINE_COSINE,
    sparse_classes: SparseClasses = SparseClasses.REFUSE,
) -> pd.DataFrame:
    """Errors of both models at boreholes that they have not seen, one by one and in spatial blocks.

    Leaving one borehole out says how well a model does between boreholes, where kriging is at its best; leaving out
    blocks of ground, how well away from them (Roberts et al. 2017, Ecography 40, 913). Every fold fits everything anew,
    the variogram too.

    Parameters
    ----------
    boreholes : pandas.DataFrame
        As for `MagtModel.fit`.
    block_size : float
        Side of the blocks, m; longer than the distance over which residuals are alike.
    n_folds : int
        Folds that the blocks are shared out to.
    seed : int
        Of that.
    predictors, aspect_terms, sparse_classes
        Of the models: see `MagtModel`.

    Returns
    -------
    pandas.DataFrame
        By ``method`` and ``validation`` (``leave_one_out``, ``spatial_blocks``): ``n`` boreholes predicted;
        ``n_missing``, those whose vegetation no borehole outside the fold has; ``rmse``, ``bias`` (predicted minus
        observed), ``mae``, K; ``r2``; ``mean_error``, root mean square of the standard errors that the model itself
        gives, K; ``within_95``, share of boreholes within 1.96 of them.

    Raises
    ------
    InputError
        As `MagtModel.fit`; or if there are fewer blocks than folds, or a fold leaves too few boreholes.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> holes = pd.DataFrame({"elevation": rng.uniform(3800, 4400, 20), "longitude": rng.uniform(99, 100, 20),
    ...                       "latitude": rng.uniform(38, 38.5, 20)})
    >>> holes["magt"] = 20.0 - 0.005 * holes.elevation + rng.normal(0, 0.1, 20)
    >>> table = compare_models(holes, block_size=20e3, predictors=["elevation"])
    >>> table["n"].tolist(), bool((table["rmse"] < 0.2).all())
    ([20, 20, 20, 20], True)
    """
    parameters: dict[str, Any] = {
        "predictors": predictors,
        "aspect_terms": aspect_terms,
        "sparse_classes": sparse_classes,
    }
    rows = {}
    for method, kind in _MODELS.items():
        model = kind(**parameters).fit(boreholes)
        table = model.boreholes_
        blocks = spatial_blocks(*local_plane(table["longitude"], table["latitude"]), size=block_size)
        schemes = {LEAVE_ONE_OUT: np.arange(len(table)), SPATIAL_BLOCKS: grouped_folds(blocks, n_folds, seed=seed)}
        for validation, folds in schemes.items():
            rows[str(method), validation] = _held_out_scores(table, _held_out(model, folds))
    index = pd.MultiIndex.from_tuples(list(rows), names=["method", "validation"])
    return pd.DataFrame(list(rows.values()), index=index)


def _held_out(model: MagtModel, folds: Values) -> pd.DataFrame:
    """Predictions for each borehole by the model without its fold."""
    table = model.boreholes_
    predicted = [model.refit(table.iloc[rest]).predict_table(table.iloc[fold]) for rest, fold in fold_splits(folds)]
    return pd.concat(predicted).loc[table.index]


def _held_out_scores(boreholes: pd.DataFrame, predicted: pd.DataFrame) -> dict[str, float]:
    observed = boreholes["magt"].astype(np.float64)
    agreement = scores(xr.DataArray(predicted["magt"].to_numpy()), xr.DataArray(observed.to_numpy()))
    known = predicted["magt"].notna()
    within = (predicted["magt"] - observed).abs() <= 1.96 * predicted["magt_error"]
    return {
        "n": int(known.sum()),
        "n_missing": int((~known).sum()),
        **{name: float(agreement[name]) for name in ("rmse", "bias", "mae", "r2")},
        "mean_error": float(np.sqrt((predicted["magt_error"] ** 2).mean())),
        "within_95": float(within[known].mean()),
    }
