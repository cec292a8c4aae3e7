"""The Tarim-like scene: four overpasses a day over a mountain range, mostly under clouds, with its truth."""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.features import shapes
from shapely.geometry import shape as polygon

from cryoscale.grids import grid_coords
from cryoscale.scenes.clouds import Clouds, clouds, recorded_images
from cryoscale.scenes.fieldwork import boreholes, stations
from cryoscale.scenes.surface_temperature import (
    OVERPASSES,
    Climate,
    Weather,
    clear_sky_lst,
    climate,
    cloudless_ground,
    effect_of_clouds,
    weather,
)
from cryoscale.scenes.tarim_land import DAMPING, RK, TarimLand, tarim_land
from cryoscale.scenes.tarim_maps import rival_map, surveys
from cryoscale.scenes.tarim_truth import tarim_truth
from cryoscale.scenes.terrain import Field, fractal_field
from cryoscale.variables import VARIABLES, attributes

BLOCK = 32  # days that are made at a time
CHECK_EVERY = 30  # days between those whose images are also given without clouds
TEXTURE = 0.4  # K: what makes places of one height warm or cold


@dataclass(frozen=True, slots=True)
class TarimScene:
    """Images, maps and measurements, and what is true of the ground.

    Attributes
    ----------
    lst : xarray.DataArray
        ``lst`` (overpass, time, y, x), degC, NaN under clouds and where there is no image.
    clear_lst : xarray.DataArray
        The same without clouds, on every thirtieth day.
    elevation, fine_elevation : xarray.DataArray
        (y, x), m, on the grid of the images and on one of a third of its pixels, of which the former is the mean.
    land_cover_fraction : xarray.DataArray
        (land_cover_class, y, x), 1, on the fine grid; classes of ESA CCI.
    glaciers, lakes : geopandas.GeoDataFrame
        Outlines.
    stations : pandas.DataFrame
        Daily ``ground_surface_temperature`` and ``air_temperature`` by ``station`` and ``time``.
    boreholes : pandas.DataFrame
        ``magt``, ``ttop`` and ``state`` by ``borehole``.
    surveys : mapping of str to xarray.DataArray
        Two maps of parts of the scene: 1 permafrost, 2 seasonally frozen ground, 3 no data.
    rival : xarray.DataArray
        A coarser map of the whole scene with the same legend.
    truth : xarray.Dataset
        From `cryoscale.scenes.tarim_truth.tarim_truth`.
    """

    lst: xr.DataArray
    clear_lst: xr.DataArray
    elevation: xr.DataArray
    fine_elevation: xr.DataArray
    land_cover_fraction: xr.DataArray
    glaciers: gpd.GeoDataFrame
    lakes: gpd.GeoDataFrame
    stations: pd.DataFrame
    boreholes: pd.DataFrame
    surveys: Mapping[str, xr.DataArray]
    rival: xr.DataArray
    truth: xr.Dataset


@dataclass(frozen=True, slots=True)
class _Images:
    """Images and what they come from, filled block by block."""

    lst: Field
    clear: Field
    ground: Field
    cover: Field


def tarim_scene(
    shape: tuple[int, int] = (96, 128), start: str = "2005-01-01", end: str = "2007-12-31", *, seed: int = 0
) -> TarimScene:
    """Daily surface temperatures from the basin's floor up to a plateau with permafrost, with clouds and truth.

    The lower limit of permafrost lies at about 4200 m; about a third of the scene has it.

    Parameters
    ----------
    shape : tuple of int
        Rows (from north) and columns of 1/120 degree.
    start, end : str
        First and last day.
    seed : int
        The same seed gives the same scene.

    Returns
    -------
    TarimScene
        In memory: 20 bytes for every pixel of every day.

    Examples
    --------
    >>> scene = tarim_scene((24, 30), "2005-07-01", "2006-12-31")
    >>> dict(scene.lst.sizes), scene.stations.station.nunique()
    ({'overpass': 4, 'time': 549, 'y': 24, 'x': 30}, 16)
    """
    ground, texture, sky, air, noise, field, maps, lost = np.random.default_rng(seed).spawn(8)
    days = pd.date_range(start, end, unit="ns")
    land = tarim_land(shape, rng=ground)
    warmth = TEXTURE * fractal_field(shape, exponent=2.5, rng=texture)
    place = climate(land.elevation, damping=land.by_class(DAMPING), texture=warmth)
    changes = weather(days, shape, rng=air)
    recorded = recorded_images(len(days), rng=lost)
    images = _images(place, changes, clouds(land.elevation, len(days), rng=sky), recorded=recorded, rng=noise)
    truth = tarim_truth(land, days, temperature=images.ground, cover=images.cover, recorded=recorded)
    ttop = truth.mean_ttop.values
    return TarimScene(
        lst=_lst(images.lst, days, land.geobox),
        clear_lst=_lst(images.clear, days[::CHECK_EVERY], land.geobox),
        elevation=_elevation(land.elevation, land.geobox),
        fine_elevation=_elevation(land.fine_elevation, land.fine_geobox),
        land_cover_fraction=_fractions(land),
        glaciers=_outlines(land.fine_glacier, land.fine_geobox),
        lakes=_outlines(land.fine_lake, land.fine_geobox),
        stations=stations(land, truth.ground_surface_temperature, season=changes.season, rng=field),
        boreholes=boreholes(land, ttop, rng=field),
        surveys=surveys(land, ttop, rng=maps),
        rival=rival_map(land, ttop, rng=maps),
        truth=truth,
    )


def _images(
    place: Climate, air: Weather, sky: Clouds, *, recorded: NDArray[np.bool_], rng: np.random.Generator
) -> _Images:
    """All images, some days at a time, so that nothing but the results is ever as large as they."""
    n_overpasses, n_days, shape = *recorded.shape, place.mean.shape
    n_checks = len(range(0, n_days, CHECK_EVERY))
    images = _Images(
        lst=np.empty((n_overpasses, n_days, *shape), np.float32),
        clear=np.empty((n_overpasses, n_checks, *shape), np.float32),
        ground=np.empty((n_days, *shape), np.float32),
        cover=np.empty((n_overpasses, n_days), np.float32),
    )
    for first in range(0, n_days, BLOCK):
        days = slice(first, min(first + BLOCK, n_days))
        hidden = sky.at(days)
        ground = cloudless_ground(place, air, days)
        seen = clear_sky_lst(ground, place, air, days, rng=rng)
        checks = [day for day in range(days.start, days.stop) if day % CHECK_EVERY == 0]
        images.clear[:, [day // CHECK_EVERY for day in checks]] = seen[[day - first for day in checks]].swapaxes(0, 1)
        seen[hidden | ~recorded[:, days].T[..., None, None]] = np.nan
        images.lst[:, days] = seen.swapaxes(0, 1)
        images.ground[days] = ground + effect_of_clouds(air, days, cover=hidden.mean(1, dtype=np.float32))
        images.cover[:, days] = hidden.mean((2, 3)).T
    return images


def _lst(images: Field, days: pd.DatetimeIndex, geobox: GeoBox) -> xr.DataArray:
    coords = {"overpass": list(OVERPASSES), "time": days, **grid_coords(geobox)}
    return xr.DataArray(images, coords, VARIABLES["lst"].dims, "lst", attributes("lst"))


def _elevation(field: Field, geobox: GeoBox) -> xr.DataArray:
    return xr.DataArray(field, grid_coords(geobox), ("y", "x"), "elevation", attributes("elevation"))


def _fractions(land: TarimLand) -> xr.DataArray:
    name = "land_cover_fraction"
    coords = {"land_cover_class": np.array(list(RK), np.uint8), **grid_coords(land.fine_geobox)}
    return xr.DataArray(land.fractions, coords, VARIABLES[name].dims, name, attributes(name))


def _outlines(where: NDArray[np.bool_], geobox: GeoBox) -> gpd.GeoDataFrame:
    """Outlines of the pixels that a mask holds."""
    found = shapes(where.astype(np.uint8), mask=where, transform=geobox.transform)
    return gpd.GeoDataFrame(geometry=[polygon(outline) for outline, _ in found], crs=str(geobox.crs))
