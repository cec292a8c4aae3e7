"""What satellites see of the active-layer scene: LST at 960 m under clouds, NDVI at 240 m, and once at 30 m."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from cryoscale.grids import geobox_of, grid_coords
from cryoscale.scenes.active_layer_grids import LST_FACTOR, NDVI_FACTOR, block_mean, coarse_geobox
from cryoscale.scenes.active_layer_surface import fine_ndvi
from cryoscale.scenes.drifting import ar1, drifting_field
from cryoscale.variables import attributes

LST_NOISE, NDVI_NOISE, LANDSAT_NOISE = 0.7, 0.02, 0.03  # K, 1, 1
COVER = 0.3  # share of the images that clouds hide
LOCAL, SYNOPTIC, SYNOPTIC_MEMORY = 0.8, 1.0, 0.85  # what differs within the scene, and what all of it shares
CLOUD_SCALE = 5.0  # pixels of LST
COMPOSITE = 16  # days between NDVI composites, from 1 January of each year
LANDSAT_DAY = "08-01"


def coarse_lst(surface: xr.Dataset) -> xr.DataArray:
    """What a perfect sensor with square footprints would see without clouds and noise.

    Parameters
    ----------
    surface : xarray.Dataset
        From `cryoscale.scenes.active_layer_surface.surface_of`.

    Returns
    -------
    xarray.DataArray
        ``lst`` (overpass, time, y, x), degC, at 960 m: means of the true LST at 30 m.
    """
    values = _sums(surface.lst_weight, surface.field_value, factor=LST_FACTOR)
    coords = {name: surface[name] for name in ("overpass", "time")}
    return _raster(values, surface, name="lst", factor=LST_FACTOR, coords=coords)


def observed_lst(surface: xr.Dataset, *, rng: np.random.Generator) -> xr.DataArray:
    """LST as it comes: with noise of the pixels, and nothing under clouds.

    Parameters
    ----------
    surface : xarray.Dataset
        From `cryoscale.scenes.active_layer_surface.surface_of`.
    rng : numpy.random.Generator
        Source of noise and clouds.

    Returns
    -------
    xarray.DataArray
        ``lst`` (overpass, time, y, x), degC, at 960 m; NaN under clouds, which hide 30 % on average.
    """
    noise, sky = rng.spawn(2)
    lst = coarse_lst(surface)
    seen = lst + LST_NOISE * noise.standard_normal(lst.shape, dtype=np.float32)
    return seen.where(~_clouds(lst.shape, sky)).assign_attrs(lst.attrs)


def observed_ndvi(surface: xr.Dataset, *, rng: np.random.Generator) -> xr.DataArray:
    """NDVI composites of 16 days, as those of MODIS, with noise and without gaps.

    Parameters
    ----------
    surface : xarray.Dataset
        From `cryoscale.scenes.active_layer_surface.surface_of`.
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    xarray.DataArray
        ``ndvi`` (time, y, x) at 240 m; the time is the first day of a composite, whose NDVI it has.
    """
    first = (surface.time.dt.dayofyear.values - 1) % COMPOSITE == 0
    weights = surface.ndvi_weight[first]
    values = _sums(weights, surface.field_value, factor=NDVI_FACTOR)
    noisy = (values + NDVI_NOISE * rng.standard_normal(values.shape)).clip(-1, 1).astype(np.float32)
    return _raster(noisy, surface, name="ndvi", factor=NDVI_FACTOR, coords={"time": weights.time})


def landsat_ndvi(surface: xr.Dataset, *, rng: np.random.Generator) -> xr.DataArray:
    """One composite of the peak of the season, in the middle year.

    Parameters
    ----------
    surface : xarray.Dataset
        From `cryoscale.scenes.active_layer_surface.surface_of`.
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    xarray.DataArray
        ``ndvi`` (y, x) at 30 m, with the ``day`` as an attribute.
    """
    years = np.unique(surface.time.dt.year)
    day = f"{years[len(years) // 2]}-{LANDSAT_DAY}"
    truth = fine_ndvi(surface, day)
    noise = LANDSAT_NOISE * rng.standard_normal(truth.shape, dtype=np.float32)
    return (truth + noise).clip(-1, 1).assign_attrs(truth.attrs, day=day)


def _sums(weights: xr.DataArray, fields: xr.DataArray, *, factor: int) -> NDArray[np.float32]:
    """The mean of a sum is the sum of means: no fine image is ever made."""
    return np.tensordot(weights.values, block_mean(fields.values, factor), 1)


def _raster(
    values: NDArray[np.float32], surface: xr.Dataset, *, name: str, factor: int, coords: dict[str, xr.DataArray]
) -> xr.DataArray:
    grid = grid_coords(coarse_geobox(geobox_of(surface), factor))
    dims = ("overpass", "time", "y", "x") if "overpass" in coords else ("time", "y", "x")
    return xr.DataArray(values, {**coords, **grid}, dims, name, attributes(name))


def _clouds(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Clouds (overpass, time, y, x) that drift from overpass to overpass, day and night in turn."""
    inside, shared = rng.spawn(2)
    n_overpasses, n_days, *pixels = shape
    steps = n_overpasses * n_days
    field = drifting_field(
        (pixels[0], pixels[1]), steps, scale=CLOUD_SCALE, smoothness=1.0, memory=0.5, drift=(1.0, 6.0), rng=inside
    )
    weather = SYNOPTIC * ar1(steps, memory=SYNOPTIC_MEMORY, rng=shared)
    latent = LOCAL * field.at(slice(None)) + weather[:, None, None]
    hidden = latent > np.hypot(LOCAL, SYNOPTIC) * norm.isf(COVER)
    return np.moveaxis(hidden.reshape(n_days, n_overpasses, *pixels), 1, 0)
