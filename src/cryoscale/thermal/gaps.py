"""Gaps of land surface temperature, filled by kriging what elevation does not explain."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.grids import geobox_of, pixel_spacing
from cryoscale.stats.pairing import paired_with
from cryoscale.stats.variogram import Variogram
from cryoscale.thermal._grid_kriging import krige_grid
from cryoscale.thermal.gap_models import MODEL_FLAGS, NOT_FITTED, PARAMETERS, elevation_on, fit_gap_models
from cryoscale.variables import VARIABLES, attributes, check_units

Values = np.ndarray[Any, Any]

NO_DATA, OBSERVED, KRIGED, ELEVATION_ONLY = range(4)
"""Values of ``lst_source``."""

_LAYERS = ("lst", "kriging_variance", "lst_source")
_SHAPES = {flag: model for model, flag in MODEL_FLAGS.items()}


@dataclass(frozen=True)
class _Search:
    """Where the neighbours of a gap are looked for; the spacing is that of the whole grid, in every chunk."""

    spacing: tuple[float, float]  # m
    neighbours: int
    radius: float  # m

    def halo(self, axis: int) -> int:
        """Rows (axis 0) or columns (1) that the radius reaches, one more against rounding."""
        return int(self.radius / self.spacing[axis]) + 1

    def distances(self, shape: tuple[int, ...]) -> Values:
        """Distances of two neighbours by rows and columns apart, as far as they can be in an array, m."""
        rows, columns = (min(2 * self.halo(axis), size - 1) for axis, size in enumerate(shape))
        offsets = np.arange(rows + 1) * self.spacing[0], np.arange(columns + 1) * self.spacing[1]
        return np.asarray(np.hypot(offsets[0][:, None], offsets[1]))


def fill_gaps(
    lst: xr.DataArray,
    elevation: xr.DataArray | None = None,
    *,
    models: xr.Dataset | None = None,
    neighbours: int = 16,
    search_radius: float = 100e3,
) -> xr.Dataset:
    r"""Fill the gaps of each image by ordinary kriging of what elevation leaves unexplained.

    .. math:: \hat T(s) = T_0 + \Gamma z(s) + \sum_i w_i (T_i - T_0 - \Gamma z_i), \qquad \sum_i w_i = 1

    over the nearest valid pixels, with the weights that have the least variance under the image's variogram (ordinary
    kriging; Isaaks and Srivastava 1989, chapter 12). Of neighbours at one distance those fewer rows away count first,
    then upper before lower, left before right. Gaps farther than `search_radius` from every valid pixel get
    :math:`T_0 + \Gamma z` with the variogram's sill as variance, if the image has its own :math:`T_0`. The variance
    holds the nugget; it takes lapse and variogram for known.

    Observed pixels pass unchanged. Images without parameters (``variogram_source`` 0) and gaps without an elevation
    stay as they are; they have to be filled in time.

    A result does not depend on chunks, to the last bit: split tiles are read with a halo of `search_radius`, so a
    shorter radius or larger tiles read less twice, and where y and x are whole there is none.

    Parameters
    ----------
    lst : xarray.DataArray
        (..., y, x) in degC, NaN where there is no data, on a grid with a CRS; any dims before y and x; lazy or not.
    elevation : xarray.DataArray, optional
        (y, x) in m on the same grid. Without it this is plain ordinary kriging (give models fitted without it too).
    models : xarray.Dataset, optional
        From `fit_gap_models`, or `with_season_fallback`, lazy or not. By default they are fitted here, each image for
        itself, so that nothing is computed if `lst` is lazy; images with few pixels then have no season to help them.
    neighbours : int
        Valid pixels that an estimate is made of, at most.
    search_radius : float
        How far they may be, m. On longitude and latitude the grid's central pixel gives the metres.

    Returns
    -------
    xarray.Dataset
        ``lst`` (degC), ``kriging_variance`` (K2; 0 where observed, NaN where there is no value) and ``lst_source`` (0
        no data, 1 observed, 2 kriged, 3 elevation only), dims and chunks as `lst`.

    Raises
    ------
    InputError
        If units are wrong, grids or images differ, there is no grid, a model's parameter is missing, or a parameter
        is out of range.

    Examples
    --------
    >>> from odc.geo.geobox import GeoBox
    >>> from cryoscale.grids import grid_coords
    >>> coords = grid_coords(GeoBox.from_bbox((0, 0, 40e3, 40e3), "EPSG:32645", resolution=1000))
    >>> elevation = xr.DataArray(np.linspace(3e3, 5e3, 1600).reshape(40, 40), dims=("y", "x"), coords=coords)
    >>> truth = 25 - 0.006 * elevation
    >>> filled = fill_gaps(truth.where(truth.x > 10e3), elevation)
    >>> bool(abs(filled.lst - truth).max() < 1e-6), filled.lst_source[0, [0, -1]].values.tolist()
    (True, [2, 1])
    """
    images = check_units(lst, "lst").transpose(..., "y", "x")
    search = _Search(pixel_spacing(geobox_of(images)), int(neighbours), float(search_radius))
    _check_search(search)
    heights = elevation_on(images, elevation)
    parameters = _stack_parameters(images, fit_gap_models(images, elevation) if models is None else models)
    layers = _fill(images.data, heights.data, parameters, search)
    return xr.Dataset(
        {
            name: (
                images.dims,
                layer if name != "lst_source" else layer.astype(VARIABLES[name].dtype),
                attributes(name),
            )
            for name, layer in zip(_LAYERS, layers, strict=True)
        },
        coords=images.coords,
    )


def _check_search(search: _Search) -> None:
    if search.neighbours < 1:
        raise InputError(f"neighbours: is {search.neighbours}. Give at least 1.")
    if not (np.isfinite(search.radius) and search.radius >= max(search.spacing)):
        raise InputError(
            f"search_radius: is {search.radius} m, and pixels are {max(search.spacing):.4g} m. "
            "Give a finite distance in metres of at least one pixel."
        )


def _stack_parameters(images: xr.DataArray, models: xr.Dataset) -> Any:
    """PARAMETERS of each image as (parameter, ...) float64; NaN where the image has no model."""
    missing = [name for name in (*PARAMETERS, "variogram_source") if name not in models]
    if missing:
        raise InputError(f"models: has no {', '.join(missing)}. Give the Dataset that fit_gap_models returns.")
    one_a_image = images.isel(y=0, x=0, drop=True)
    source, *columns = (paired_with(one_a_image, models[name]) for name in ("variogram_source", *PARAMETERS))
    known = source != NOT_FITTED
    known = known & columns[0].isin(list(_SHAPES))
    arrays = [column.astype(np.float64).where(known).data for column in columns]
    return da.stack(arrays) if any(isinstance(array, da.Array) for array in arrays) else np.stack(arrays)


def _fill(images: Any, elevation: Any, parameters: Any, search: _Search) -> Any:
    """Layers (layer, ..., y, x), lazily where an input is lazy."""
    if not any(isinstance(array, da.Array) for array in (images, elevation, parameters)):
        return _fill_block(images, elevation, parameters, search=search, halo=(0, 0))
    lazy = images if isinstance(images, da.Array) else da.from_array(images, chunks=images.shape)
    halo, padded = _with_halo(lazy, search)
    inner = {
        axis: tuple(n - 2 * width for n in sizes)
        for axis, sizes, width in zip("yx", padded.chunks[-2:], halo, strict=True)
    }
    heights = _with_halo(da.asarray(elevation).rechunk(tuple(inner.values())), search)[1]
    lead = tuple(f"dim {i}" for i in range(lazy.ndim - 2))
    layers = da.blockwise(
        partial(_fill_block, search=search, halo=halo),
        ("layer", *lead, "y", "x"),
        padded,
        (*lead, "y", "x"),
        heights,
        ("y", "x"),
        da.asarray(parameters).rechunk({0: -1}),
        ("parameter", *lead),
        new_axes={"layer": len(_LAYERS)},
        adjust_chunks=inner,
        concatenate=True,
        dtype=_dtype(lazy),
        meta=np.empty((0,) * (lazy.ndim + 1), _dtype(lazy)),
    )
    return layers.rechunk((len(_LAYERS), *lazy.chunks))


def _with_halo(array: da.Array, search: _Search) -> tuple[tuple[int, int], da.Array]:
    """Width of the halo along y and x, 0 where the axis is whole, and the array's chunks with it."""
    axes = (array.ndim - 2, array.ndim - 1)
    whole = {a: -1 for i, a in enumerate(axes) if search.halo(i) >= array.shape[a]}
    array = array.rechunk(whole) if whole else array
    depth = {a: 0 if array.numblocks[a] == 1 else search.halo(i) for i, a in enumerate(axes)}
    halo = (depth[axes[0]], depth[axes[1]])
    if not any(halo):
        return halo, array
    return halo, da.overlap.overlap(array, depth=depth, boundary=dict.fromkeys(depth, np.nan), allow_rechunk=True)


def _dtype(array: Any) -> np.dtype[Any]:
    return np.result_type(array.dtype, np.float32)


def _fill_block(
    images: Values, elevation: Values, parameters: Values, *, search: _Search, halo: tuple[int, int]
) -> Values:
    """Layers of the images of one block, whose halo is cut off."""
    distances = search.distances(elevation.shape)
    stack, table = images.reshape(-1, *elevation.shape), parameters.reshape(len(parameters), -1)
    rows, columns = (slice(width, size - width) for width, size in zip(halo, elevation.shape, strict=True))
    inner = np.zeros(elevation.shape, bool)
    inner[rows, columns] = True
    layers = np.empty((len(_LAYERS), *stack[:, rows, columns].shape), _dtype(images))
    for i, image in enumerate(stack):
        filled = _fill_image(image, elevation, table[:, i], inner, search=search, distances=distances)
        for layer, values in zip(layers[:, i], filled, strict=True):
            layer[:] = values[rows, columns]
    return layers.reshape(len(_LAYERS), *images.shape[:-2], *layers.shape[-2:])


def _fill_image(
    image: Values, elevation: Values, parameters: Values, inner: Values, *, search: _Search, distances: Values
) -> tuple[Values, Values, Values]:
    """Temperature, variance and source, filled where `inner`."""
    observed = np.isfinite(image)
    filled, variance = np.where(observed, image, np.nan), np.where(observed, 0.0, np.nan)
    source = np.where(observed, OBSERVED, NO_DATA)
    gaps = inner & ~observed & np.isfinite(elevation)
    if np.isnan(parameters[0]) or not gaps.any():
        return filled, variance, source
    shape, nugget, partial_sill, reach, lapse, level = parameters
    variogram = Variogram(_SHAPES[int(shape)], nugget=nugget, partial_sill=partial_sill, range=reach)
    trend = lapse * elevation + (0.0 if np.isnan(level) else level)
    residuals = np.where(observed, image, np.nan) - trend
    estimate, share, used = krige_grid(
        residuals, gaps, _correlations(variogram, distances), search.spacing, search.neighbours, search.radius
    )
    kriged = used > 0
    alone = gaps & ~kriged & ~np.isnan(level)
    filled[kriged], variance[kriged], source[kriged] = (
        (trend + estimate)[kriged],
        variogram.sill * share[kriged],
        KRIGED,
    )
    filled[alone], variance[alone], source[alone] = trend[alone], variogram.sill, ELEVATION_ONLY
    return filled, variance, source


def _correlations(variogram: Variogram, distances: Values) -> Values:
    """Covariances in shares of the sill; values that do not vary at all are averaged."""
    if variogram.sill == 0:
        return np.asarray(distances == 0, np.float64)
    return np.asarray(variogram.covariance(distances) / variogram.sill)
