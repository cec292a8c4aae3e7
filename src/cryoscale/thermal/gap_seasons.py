"""Parameters for images that have too few pixels for their own: those of their season."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.thermal.gap_models import NOT_FITTED, OF_IMAGE, OF_SEASON, PARAMETERS

Values = np.ndarray[Any, Any]


def with_season_fallback(models: xr.Dataset, *, min_pixels: int = 100) -> xr.Dataset:
    """Give images that could not be fitted what is usual in their season.

    They get the medians of the images of the same overpass (the same place along all dims but time) and season
    (December to February and so on, of all years) that have parameters of their own: of the lapse rate over all of
    them, of nugget, partial sill and range over those with the commonest shape of variogram. Where the season has
    none, over all seasons. ``lst_at_sea_level`` stays NaN, for no other day knows how warm it was: such an image is
    filled from its own pixels as far as they reach, and not by elevation alone.

    Parameters
    ----------
    models : xarray.Dataset
        From `fit_gap_models`, with the dim ``time``; computed here if it is lazy (it is small).
    min_pixels : int
        Images with fewer valid pixels stay without parameters, hence unfilled.

    Returns
    -------
    xarray.Dataset
        The same in memory, with ``variogram_source`` 2 (season) where parameters have been filled in.

    Raises
    ------
    InputError
        If there is no dim ``time``.

    Examples
    --------
    >>> time = np.array(["2020-01-01", "2020-01-02", "2020-01-03"], "datetime64[ns]")
    >>> from cryoscale.thermal.gap_models import PARAMETERS
    >>> table = {name: ("time", [1.0, 2.0, np.nan]) for name in PARAMETERS[1:]}
    >>> flags = {"variogram_model": [1, 1, 0], "variogram_source": [1, 1, 0], "n_valid_pixels": [900, 900, 200]}
    >>> models = xr.Dataset(table | {name: ("time", values) for name, values in flags.items()}, {"time": time})
    >>> filled = with_season_fallback(models)
    >>> float(filled.variogram_range[2]), float(filled.lst_at_sea_level[2]), int(filled.variogram_source[2])
    (1.5, nan, 2)
    """
    if "time" not in models.dims:
        raise InputError(f"models: have the dims {tuple(models.dims)} and no time, so that there are no seasons.")
    models = models.compute()
    order = ("time", *(dim for dim in models.variogram_source.dims if dim != "time"))
    table = {name: _columns(models[name], order) for name in (*PARAMETERS, "variogram_source", "n_valid_pixels")}
    seasons = models.time.dt.month.values % 12 // 3
    for column, season in np.ndindex(table["variogram_source"].shape[1], 4):
        series = {name: values[:, column] for name, values in table.items()}
        wanting = (series["variogram_source"] == NOT_FITTED) & (series["n_valid_pixels"] >= min_pixels)
        for name, value in _usual(series, seasons == season).items():
            series[name][wanting & (seasons == season)] = value
    shape = tuple(models.sizes[dim] for dim in order)
    changed = {name: (order, values.reshape(shape), models[name].attrs) for name, values in table.items()}
    return models.assign(changed).transpose(*models.variogram_source.dims)


def _columns(array: xr.DataArray, order: tuple[Hashable, ...]) -> Values:
    """A copy as (time, everything else)."""
    return array.transpose(*order).values.reshape(array.sizes["time"], -1).copy()


def _usual(series: dict[str, Values], in_season: Values) -> dict[str, float]:
    """Parameters that images of a season usually have; none where no image has any."""
    own = series["variogram_source"] == OF_IMAGE
    own = own & in_season if (own & in_season).any() else own
    if not own.any():
        return {}
    commonest = int(np.bincount(series["variogram_model"][own].astype(np.int64)).argmax())
    alike = own & (series["variogram_model"] == commonest)
    shape = ("variogram_nugget", "variogram_partial_sill", "variogram_range")
    return {
        "variogram_model": commonest,
        **{name: float(np.median(series[name][alike])) for name in shape},
        "lapse_rate": float(np.median(series["lapse_rate"][own])),
        "variogram_source": OF_SEASON,
    }
