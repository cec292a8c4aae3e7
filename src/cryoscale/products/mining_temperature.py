"""Mean annual ground temperature of a district before mining, from boreholes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale import ground, terrain
from cryoscale.errors import InputError
from cryoscale.products.mining_config import GroundTemperature
from cryoscale.products.mining_run import Run
from cryoscale.products.permafrost_checks import at_pixels

MODELS = {
    ground.MagtMethod.REGRESSION: ground.MagtModel,
    ground.MagtMethod.KRIGED_RESIDUALS: ground.MagtKrigedModel,
}


@dataclass(frozen=True)
class TemperatureFound:
    """What was found of ground temperature.

    Attributes
    ----------
    layers : xarray.Dataset
        ``magt``, ``magt_error`` and ``magt_status``, lazy, from their store.
    model : ground.MagtModel
        Fitted.
    comparison : pandas.DataFrame
        Of both models, see `ground.compare_models`.
    boreholes : pandas.DataFrame
        With their predictors.
    """

    layers: xr.Dataset
    model: ground.MagtModel
    comparison: pd.DataFrame
    boreholes: pd.DataFrame


def map_temperature(run: Run, options: GroundTemperature, vegetation: xr.Dataset | None) -> TemperatureFound:
    """Fit both models to the boreholes, compare them, and map the chosen one.

    Parameters
    ----------
    run : Run
        In progress, with boreholes.
    options : GroundTemperature
        Its section of the configuration.
    vegetation : xarray.Dataset or None
        The map of vegetation; without it, vegetation is no predictor.

    Returns
    -------
    TemperatureFound
    """
    covariates = _covariates(run, vegetation)
    predictors = tuple(name for name in options.predictors if name != "vegetation" or "vegetation_class" in covariates)
    boreholes = _boreholes(run, options, covariates)
    parameters = options.parameters(predictors)
    try:
        model = MODELS[options.method](**parameters).fit(boreholes)
    except InputError as error:
        raise InputError(f"{options.boreholes}: {error}") from None
    science = {
        "ground_temperature": options.model_dump(mode="json", exclude={"boreholes", "validation"}),
        "predictors": list(predictors),
    }
    sources: dict[str, Any] = {"elevation": run.config.terrain.paths(), "boreholes": [options.boreholes]}
    sources |= {} if vegetation is None else {"vegetation": "vegetation"}
    checks = science | {"validation": options.validation.model_dump(mode="json")}
    comparison = run.kept(
        "ground_temperature_validation",
        provenance=run.provenance("ground-temperature-validation", checks, sources),
        make=lambda: ground.compare_models(boreholes, **options.validation.model_dump(), **parameters),
    )
    layers = run.write(
        model.predict(covariates),
        "ground_temperature",
        provenance=run.provenance("mean-annual-ground-temperature", science, sources),
    )
    return TemperatureFound(layers, model, comparison, boreholes)


def _covariates(run: Run, vegetation: xr.Dataset | None) -> xr.Dataset:
    elevation = run.elevation()
    maps = xr.Dataset({"elevation": elevation, "slope": terrain.slope(elevation), "aspect": terrain.aspect(elevation)})
    return maps if vegetation is None else maps.assign(vegetation_class=vegetation.vegetation_class)


def _boreholes(run: Run, options: GroundTemperature, covariates: xr.Dataset) -> pd.DataFrame:
    """Boreholes with what the maps say at their places."""
    table = run.inputs.boreholes
    if table is None:
        raise InputError("ground_temperature: has no boreholes. Give ground_temperature.boreholes.")
    values = run.scheduler.reduce(at_pixels(covariates, table))
    found = table.assign(**{name: values[name].values.astype(float) for name in ("elevation", "slope", "aspect")})
    if "vegetation_class" in values:
        classes = values["vegetation_class"]
        names = dict(zip(classes.attrs["flag_values"], classes.attrs["flag_meanings"].split(), strict=True))
        found["vegetation"] = [names[code] if code else np.nan for code in classes.values.tolist()]
    bare = found[["elevation", "slope"]].isna().any(axis=1)
    if bare.any():
        raise InputError(
            f"{options.boreholes}: {', '.join(found.loc[bare, 'borehole'].head(6))} lie where the DEM has no data or "
            "at its border, where there is no slope. Give a larger DEM, or leave them out."
        )
    return found
