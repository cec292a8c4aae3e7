"""The moisture scene: a plateau of 25 covariates of which 8 matter, its true moisture, and a table from the field."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale.grids import grid_coords
from cryoscale.scenes.moisture_field import field_samples
from cryoscale.scenes.moisture_land import (
    COARSER,
    LAYERS,
    plateau_covariates,
    plateau_geobox,
    plateau_maps,
    refine,
)
from cryoscale.scenes.moisture_truth import INFORMATIVE, moisture_of, permafrost_of
from cryoscale.variables import attributes

TOP_SHARE = 0.3  # of the metre of soil that the two layers make


@dataclass(frozen=True, slots=True)
class MoistureScene:
    """Covariates, maps and samples, and what is true of the ground.

    Attributes
    ----------
    covariates : xarray.Dataset
        25 covariates (y, x), float32, each with ``units``, on the grid of the DEM.
    maps : mapping of str to xarray.DataArray
        What the covariates come from, each on its own grid: ``elevation``, the 18 that are not made of it, and
        ``porosity``.
    truth : xarray.DataArray
        ``moisture`` (y, x), m3 m-3, without noise.
    informative : tuple of str
        The 8 covariates that the truth is made of.
    porosity : xarray.DataArray
        (y, x), m3 m-3, mean over the upper metre; everywhere above the truth.
    permafrost : xarray.DataArray
        ``permafrost_mask`` (y, x), bool.
    samples : pandas.DataFrame
        The table from the field, one row a layer, as `cryoscale.readers.read_moisture_samples` gives it.
    flaws : mapping of str to str
        By name of a sample that should not count, why: "out of season", "gross error" or "duplicate".
    """

    covariates: xr.Dataset
    maps: Mapping[str, xr.DataArray]
    truth: xr.DataArray
    informative: tuple[str, ...]
    porosity: xr.DataArray
    permafrost: xr.DataArray
    samples: pd.DataFrame
    flaws: Mapping[str, str]


def moisture_scene(shape: tuple[int, int] = (240, 320), *, n_samples: int = 342, seed: int = 0) -> MoistureScene:
    """A piece of a plateau whose active layer's moisture is a nonlinear function of 8 of 25 covariates.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of three seconds of arc (about 90 m), multiples of 10.
    n_samples : int
        Good samples in the table, 20 or more; there are some 8 % more that should not count.
    seed : int
        The same seed gives the same scene.

    Returns
    -------
    MoistureScene

    Raises
    ------
    InputError
        If the shape is not made of multiples of 10, or has too few pixels for the samples.

    Examples
    --------
    >>> scene = moisture_scene((60, 80), n_samples=40)
    >>> len(scene.covariates), scene.samples["sample"].nunique() - len(scene.flaws)
    (25, 40)
    """
    ground, taliks, field = np.random.default_rng(seed).spawn(3)
    maps = plateau_maps(shape, rng=ground)
    maps["porosity"] = _porosity(maps, shape)
    covariates = plateau_covariates(maps)
    truth = moisture_of(covariates)
    permafrost = permafrost_of(covariates, rng=taliks)
    porosity = truth.copy(data=refine(maps["porosity"].values, shape)).rename("porosity")
    porosity.attrs = attributes("porosity")
    work = field_samples(truth, porosity=porosity, permafrost=permafrost, n_samples=n_samples, rng=field)
    return MoistureScene(
        covariates=covariates,
        maps=maps,
        truth=truth,
        informative=INFORMATIVE,
        porosity=porosity,
        permafrost=permafrost,
        samples=work.table,
        flaws=work.flaws,
    )


def _porosity(maps: Mapping[str, xr.DataArray], shape: tuple[int, int]) -> xr.DataArray:
    """Mean over the two layers, on their own grid."""
    top, below = (maps[f"porosity_{layer}"].values.astype(np.float64) for layer in LAYERS)
    mean = np.asarray(TOP_SHARE * top + (1 - TOP_SHARE) * below, np.float32)
    coords = grid_coords(plateau_geobox(shape, coarser=COARSER))
    return xr.DataArray(mean, coords, ("y", "x"), "porosity", attributes("porosity"))
