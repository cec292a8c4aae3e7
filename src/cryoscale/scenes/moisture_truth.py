"""What is true of the ground of the moisture scene: how wet it is, and where it has permafrost."""

import numpy as np
import xarray as xr

from cryoscale.scenes.moisture_land import MEAN_HEIGHT, RELIEF
from cryoscale.scenes.terrain import fractal_field
from cryoscale.variables import attributes

INFORMATIVE = (
    "topographic_wetness",
    "elevation",
    "aspect_cos",
    "ndvi",
    "backscatter_vv",
    "lst_day",
    "organic_carbon_0_30",
    "clay_30_100",
)
"""Covariates that decide how wet the ground is."""

DRIEST, WETTEST = 0.05, 0.45  # m3 m-3; every porosity is larger


def moisture_of(covariates: xr.Dataset) -> xr.DataArray:
    """Moisture of the active layer, without noise, from the `INFORMATIVE` covariates.

    Water gathers in hollows, and stays there over clay; plants and organic soil hold it, up to a point; slopes to the
    south and, where plants are few, warm surfaces lose it; radar shows it until it saturates; it is most at middle
    heights. The sum of all
    is brought between the driest and the wettest by a logistic curve.

    Parameters
    ----------
    covariates : xarray.Dataset
        From `plateau_covariates`.

    Returns
    -------
    xarray.DataArray
        ``moisture``, m3 m-3, float32, of the dims of the covariates, between `DRIEST` and `WETTEST`.
    """
    value = {name: covariates[name].astype(np.float64) for name in INFORMATIVE}
    hollow = _rise(value["topographic_wetness"], 7.6, 0.35)
    clay = _rise(value["clay_30_100"], 21.0, 1.2)
    plants = _rise(value["ndvi"], 0.33, 0.035)
    shady = _rise(value["aspect_cos"], 0.0, 0.2)
    warm = _rise(value["lst_day"], 17.0, 0.5)
    carbon = 1.0 - np.exp(-value["organic_carbon_0_30"] / 20.0)
    echo = np.clip((value["backscatter_vv"] + 15.5) / 5.0, 0.0, 1.0)
    middle = np.exp(-(((value["elevation"] - MEAN_HEIGHT) / 110.0) ** 2))
    score = (
        1.3 * hollow * (0.6 + 0.8 * clay)
        + 0.7 * (clay - 0.5)
        + 1.0 * (plants - 0.5)
        + 1.1 * (shady - 0.5)
        - (warm - 0.5) * (1.5 - 0.8 * plants)
        + 2.4 * (carbon - 0.7)
        + 2.0 * (echo - 0.6)
        + 1.8 * (middle - 0.6)
        - 0.85
    )
    moisture = DRIEST + (WETTEST - DRIEST) * _rise(score, 0.0, 0.9)
    return moisture.astype(np.float32).rename("moisture").assign_attrs(attributes("moisture"))


def permafrost_of(covariates: xr.Dataset, *, rng: np.random.Generator) -> xr.DataArray:
    """Where there is permafrost: not under the lowest valleys, nor over a talik here and there.

    Parameters
    ----------
    covariates : xarray.Dataset
        From `plateau_covariates`.
    rng : numpy.random.Generator
        Source of the taliks.

    Returns
    -------
    xarray.DataArray
        ``permafrost_mask`` (y, x), bool.
    """
    height = (covariates.elevation - MEAN_HEIGHT) / RELIEF
    talik = fractal_field(height.shape, exponent=2.6, rng=rng)
    frozen = (height + 0.15 * covariates.aspect_cos > -1.2) & (talik < 1.7)
    return xr.DataArray(frozen, name="permafrost_mask", attrs=attributes("permafrost_mask"))


def _rise(values: xr.DataArray, middle: float, width: float) -> xr.DataArray:
    """From 0 to 1 around the middle."""
    return xr.DataArray(1.0 / (1.0 + np.exp(-(values - middle) / width)))
