"""The map: a fitted ensemble over a stack of covariates, chunk by chunk."""

from functools import partial
from typing import Any, Protocol

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.lift import lift
from cryoscale.moisture.applicability import Applicability
from cryoscale.moisture.ensemble import Parts

Values = np.ndarray[Any, Any]


class FittedEnsemble(Protocol):
    """What the map needs of a fitted `MoistureEnsemble`; the attributes are those of the same name."""

    features_: tuple[str, ...]
    applicability_: Applicability

    def predict_parts(self, rows: Values) -> Parts:
        """Moisture, its bounds, the learners' spread and the dissimilarity of rows."""


BATCH = 65_536
"""Pixels that are predicted together: enough that calls cost nothing, few enough to stay in the cache."""

NO_PERMAFROST, INSIDE, OUTSIDE, MISSING = range(4)
"""Codes of ``moisture_status``."""


def map_moisture(
    covariates: xr.DataArray,
    ensemble: FittedEnsemble,
    *,
    permafrost: xr.DataArray,
    porosity: xr.DataArray,
) -> xr.Dataset:
    """Moisture of the active layer wherever there is permafrost and no covariate is missing.

    Parameters
    ----------
    covariates : xarray.DataArray
        (feature, y, x), with a ``feature`` coordinate of names that has all of ``ensemble.features_``. Lazy or not; a
        lazy one may be cut along every dim.
    ensemble : FittedEnsemble
        A fitted `MoistureEnsemble`, or what stands for one.
    permafrost : xarray.DataArray
        (y, x), bool.
    porosity : xarray.DataArray
        (y, x), m3 m-3: no ground holds more water than it has pores. Where it is NaN, 1 is the bound.

    Returns
    -------
    xarray.Dataset
        (y, x) ``moisture``, ``moisture_lower``, ``moisture_upper``, ``learner_spread`` (m3 m-3), ``dissimilarity``
        and ``moisture_status``; values are NaN but where the status is 1 or 2.

    Raises
    ------
    InputError
        If a covariate that the ensemble needs is not in the stack.
    """
    names = [str(name) for name in covariates.feature.values]
    lacking = [name for name in ensemble.features_ if name not in names]
    if lacking:
        raise InputError(
            f"{covariates.name or 'covariates'}: has no {', '.join(lacking)}, which the ensemble was fitted with; it "
            f"has {', '.join(names)}."
        )
    # without its units: xarray looks into chunks of objects when it cuts them anew
    chosen = covariates.sel(feature=list(ensemble.features_)).reset_coords(drop=True)
    if chosen.chunks is not None:
        chosen = chosen.chunk(feature=-1)
    return lift(
        partial(_map_block, ensemble=ensemble),
        chosen,
        permafrost.reset_coords(drop=True),
        porosity.reset_coords(drop=True),
        core_dims=[["feature"], [], []],
        outputs=dict.fromkeys((*_LAYERS, "moisture_status"), ()),
    ).assign_coords({name: covariates.coords[name] for name in ("y", "x", "spatial_ref") if name in covariates.coords})


_LAYERS = ("moisture", "moisture_lower", "moisture_upper", "learner_spread", "dissimilarity")


def _map_block(stack: Values, permafrost: Values, porosity: Values, *, ensemble: FittedEnsemble) -> tuple[Values, ...]:
    """Layers of one chunk, and the status."""
    complete = np.isfinite(stack).all(axis=0)
    places = np.flatnonzero(permafrost & complete)
    flat, pores = stack.reshape(len(stack), -1), np.nan_to_num(porosity, nan=1.0).ravel()
    layers = np.full((len(_LAYERS), flat.shape[1]), np.nan, np.float32)
    for start in range(0, len(places), BATCH):
        part = places[start : start + BATCH]
        layers[:, part] = _predict(ensemble, np.ascontiguousarray(flat[:, part].T, np.float32), pores[part])
    outside = layers[-1].reshape(permafrost.shape) > ensemble.applicability_.threshold
    status = np.where(complete, np.where(outside, OUTSIDE, INSIDE), MISSING)
    return (*layers.reshape(-1, *permafrost.shape), np.where(permafrost, status, NO_PERMAFROST).astype(np.uint8))


def _predict(ensemble: FittedEnsemble, rows: Values, pores: Values) -> Values:
    """What can be true of what is predicted: from dry to every pore full."""
    parts = ensemble.predict_parts(rows)
    bounded = [np.clip(values, 0.0, pores) for values in (parts.moisture, parts.lower, parts.upper)]
    return np.stack([*bounded, parts.spread, parts.dissimilarity]).astype(np.float32)
