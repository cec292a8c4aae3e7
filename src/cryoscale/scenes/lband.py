"""The rate that L-band sees: precise, but of a part of the scene only."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from cryoscale.grids import pixel_spacing
from cryoscale.scenes.interferograms import TURBULENCE
from cryoscale.scenes.terrain import Field, fractal_field
from cryoscale.variables import attributes

WHOLE_YEAR = 345  # days from which a pair measures the rate rather than the season


def footprint(geobox: GeoBox, *, share: float, heading: float) -> NDArray[np.bool_]:
    """Pixels within a swath whose far edge, parallel to the track, cuts through the scene.

    Parameters
    ----------
    geobox : odc.geo.geobox.GeoBox
        Grid of the scene.
    share : float
        Share of the scene within, 0 to 1.
    heading : float
        Direction of flight clockwise from north, degree; the radar looks to the right.

    Returns
    -------
    ndarray of bool (y, x)

    Examples
    --------
    >>> from cryoscale.scenes.layout import scene_geobox
    >>> footprint(scene_geobox((2, 4)), share=0.5, heading=180.0)
    array([[False, False,  True,  True],
           [False, False,  True,  True]])
    """
    dy, dx = pixel_spacing(geobox)
    north, east = np.meshgrid(-dy * np.arange(geobox.height), dx * np.arange(geobox.width), indexing="ij")
    track = np.deg2rad(heading)
    across = east * np.cos(track) - north * np.sin(track)
    rank = np.argsort(np.argsort(across, axis=None, kind="stable"), kind="stable").reshape(geobox.shape)
    return np.asarray(rank < round(share * rank.size))


def lband_rate(
    stack: xr.Dataset, displacement: xr.DataArray, *, within: NDArray[np.bool_], noise: float, rng: np.random.Generator
) -> xr.DataArray:
    """Rate from all pairs over whole years, as the ground truly moved, with a noise of its own.

    Parameters
    ----------
    stack : xarray.Dataset
        Interferograms of the L-band sensor; only their dates count.
    displacement : xarray.DataArray
        True displacement (time, y, x), mm, on these dates.
    within : ndarray of bool (y, x)
        Where there is a rate.
    noise : float
        Standard deviation, mm a-1; half of the variance is smooth in space as the troposphere is, half is white.
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    xarray.DataArray
        ``deformation_rate`` (y, x), mm a-1, NaN elsewhere.
    """
    span = (stack.secondary - stack.reference) / np.timedelta64(1, "D")
    long = stack[["reference", "secondary"]].isel(pair=np.flatnonzero(span >= WHOLE_YEAR))
    change = displacement.sel(time=long.secondary).values - displacement.sel(time=long.reference).values
    years = float(span[span >= WHOLE_YEAR].sum()) / 365.25
    rate = change.sum(axis=0) / years + noise * _noise(within.shape, rng)
    values = np.where(within, rate, np.nan).astype(np.float32)
    coords = {name: stack.coords[name] for name in ("y", "x", "spatial_ref")}
    return xr.DataArray(values, coords, ("y", "x"), "deformation_rate", attributes("deformation_rate"))


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> Field:
    """Of standard deviation 1."""
    rows, columns = shape
    smooth = fractal_field((rows, columns), exponent=TURBULENCE, rng=rng)
    return np.asarray((smooth + rng.standard_normal(shape, dtype=np.float32)) / np.sqrt(2), np.float32)
