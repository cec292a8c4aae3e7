"""A synthetic source region of the Datong for the active-layer product: what is seen, measured and true."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.scenes.active_layer_land import CLASS_NAMES, Land, active_layer_land
from cryoscale.scenes.active_layer_observed import landsat_ndvi, observed_lst, observed_ndvi
from cryoscale.scenes.active_layer_sites import sites
from cryoscale.scenes.active_layer_surface import fine_lst, fine_ndvi, surface_of
from cryoscale.scenes.active_layer_truth import active_layer_truth, planted_warming
from cryoscale.scenes.active_layer_weather import lst_weights, warmed
from cryoscale.variables import attributes

FASTEST = 0.03  # m a-1 of thickening that can be planted


@dataclass(frozen=True, slots=True)
class ActiveLayerScene:
    """Images, maps and measurements, and what is true of the ground at 30 m.

    Attributes
    ----------
    lst : xarray.DataArray
        ``lst`` (overpass, time, y, x), degC, daily at 960 m, by day and by night; NaN under clouds.
    ndvi : xarray.DataArray
        ``ndvi`` (time, y, x) every 16 days at 240 m.
    landsat_ndvi : xarray.DataArray
        ``ndvi`` (y, x) of one peak of the season at 30 m.
    elevation : xarray.DataArray
        (y, x), m, at 30 m.
    land_cover : xarray.DataArray
        (y, x) at 30 m: 1 swamp meadow, 2 meadow, 3 sparse steppe, 4 bare rock, 5 water.
    water : xarray.DataArray
        bool (y, x) at 30 m.
    permafrost : xarray.DataArray
        ``mean_ground_class`` (y, x) at 30 m, without error: 1 permafrost, 2 seasonally frozen ground, 4 water.
    sites : pandas.DataFrame
        Probed ``active_layer_thickness`` by ``site`` and ``year``.
    surface : xarray.Dataset
        What the true LST and NDVI of every day are made of; see
        `cryoscale.scenes.active_layer_surface.surface_of`.
    truth : xarray.Dataset
        From `cryoscale.scenes.active_layer_truth.active_layer_truth`.
    """

    lst: xr.DataArray
    ndvi: xr.DataArray
    landsat_ndvi: xr.DataArray
    elevation: xr.DataArray
    land_cover: xr.DataArray
    water: xr.DataArray
    permafrost: xr.DataArray
    sites: pd.DataFrame
    surface: xr.Dataset
    truth: xr.Dataset

    def fine_lst(self, day: str | np.datetime64) -> xr.DataArray:
        """True temperature of a day at 30 m; its mean over overpasses makes the thawing index.

        Parameters
        ----------
        day : str or numpy.datetime64
            The day.

        Returns
        -------
        xarray.DataArray
            ``lst`` (overpass, y, x), degC.
        """
        return fine_lst(self.surface, day)

    def fine_ndvi(self, day: str | np.datetime64) -> xr.DataArray:
        """True vegetation index of a day at 30 m.

        Parameters
        ----------
        day : str or numpy.datetime64
            The day.

        Returns
        -------
        xarray.DataArray
            ``ndvi`` (y, x).
        """
        return fine_ndvi(self.surface, day)


def active_layer_scene(
    shape: tuple[int, int] = (480, 480),
    years: tuple[int, int] = (2016, 2022),
    *,
    alt_trend: float = 0.015,
    seed: int = 0,
) -> ActiveLayerScene:
    """A valley of permafrost that thaws deeper from year to year, seen daily by a coarse sensor.

    Grids are in UTM 47N around 38.0 N, 99.2 E. A pixel of LST is 32 x 32 fine ones (960 m, about that of MOD11), one
    of NDVI 8 x 8 (240 m, about that of MOD13Q1), and all grids have the same corners.

    Parameters
    ----------
    shape : tuple of int
        Rows (from north) and columns of 30 m: multiples of 32.
    years : tuple of int
        First and last, two or more.
    alt_trend : float
        Rate at which the active layer thickens, as the mean Theil-Sen trend of its pixels, m a-1; -0.03 to 0.03.
    seed : int
        The same seed gives the same scene.

    Returns
    -------
    ActiveLayerScene

    Raises
    ------
    InputError
        If shape, years or rate are out of range.

    Examples
    --------
    >>> scene = active_layer_scene((96, 128), (2019, 2020))
    >>> dict(scene.lst.sizes), scene.truth.sizes["x"]
    ({'overpass': 2, 'time': 731, 'y': 3, 'x': 4}, 128)
    """
    _require(years, alt_trend)
    ground, air, images, field = np.random.default_rng(seed).spawn(4)
    days = pd.date_range(f"{years[0]}-01-01", f"{years[1]}-12-31", unit="ns")
    land = active_layer_land(shape, rng=ground)
    steady = lst_weights(days, rng=air)
    weights = warmed(steady, days, warming=planted_warming(land, days, weights=steady, alt_trend=alt_trend))
    surface = surface_of(land, days, weights=weights)
    truth = active_layer_truth(land, days, weights=weights, alt_trend=alt_trend)
    thermal, green, landsat = images.spawn(3)
    return ActiveLayerScene(
        lst=observed_lst(surface, rng=thermal),
        ndvi=observed_ndvi(surface, rng=green),
        landsat_ndvi=landsat_ndvi(surface, rng=landsat),
        elevation=_map(land.elevation, land, name="elevation"),
        land_cover=_map(land.land_cover, land, name="land_cover").assign_attrs(_legend()),
        water=truth.water,
        permafrost=truth.mean_ground_class,
        sites=sites(land, truth.active_layer_thickness, rng=field),
        surface=surface,
        truth=truth,
    )


def _require(years: tuple[int, int], alt_trend: float) -> None:
    if years[1] <= years[0]:
        raise InputError(f"years: {years} has no trend. Give the first and a later last year.")
    if not abs(alt_trend) <= FASTEST:
        raise InputError(f"alt_trend: {alt_trend} is out of range. Give m a-1 from -{FASTEST} to {FASTEST}.")


def _map(field: NDArray[np.generic], land: Land, *, name: str) -> xr.DataArray:
    return xr.DataArray(field, grid_coords(land.geobox), ("y", "x"), name, attributes(name))


def _legend() -> dict[str, object]:
    return {"flag_values": list(CLASS_NAMES), "flag_meanings": " ".join(CLASS_NAMES.values())}
