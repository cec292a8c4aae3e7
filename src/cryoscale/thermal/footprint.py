r"""From fine pixels to the coarse pixels of a sensor, and back to fields whose means are what the sensor saw.

The footprint of a coarse pixel is the block of fine pixels that it covers, each of the same weight. Bilinear
interpolation does not keep the means over blocks. The field that does is the bilinear one through other values
:math:`s` at the centres of the coarse pixels, with :math:`A_y s A_x^T = c`, where :math:`c` is what was observed and
:math:`A`, tridiagonal, interpolates along an axis and averages again (area-to-point interpolation with a bilinear
basis; compare Tobler 1979, J. Am. Stat. Assoc. 74, 519-530). It is exact, smooth, and sharper than what it passes
through: a single coarse pixel that stands out is raised by up to a factor of 4 for large blocks.
"""

from collections.abc import Callable, Sequence
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.grids import geobox_of, grid_coords
from cryoscale.thermal._footprint import bilinear, block_mean, fill_nearest, nearest, sharpen

Array = Any
"""An array of NumPy or Dask, (image, y, x)."""

Factor = tuple[int, int]
Kernel = Callable[..., np.ndarray[Any, Any]]


def aggregate(fine: xr.DataArray, factor: int | Factor, *, min_share: float = 0.5) -> xr.DataArray:
    """Mean over the footprints of coarse pixels.

    Parameters
    ----------
    fine : xarray.DataArray
        (..., y, x) with a CRS, any unit, NaN where there is no value; y and x as long as a multiple of `factor`.
    factor : int or tuple of int
        Fine pixels in a coarse one, along y and x.
    min_share : float
        Share of its fine pixels that a coarse pixel needs to have a value; between 0 and 1.

    Returns
    -------
    xarray.DataArray
        (..., y, x) on the coarse grid, float64, with the attributes of `fine`. Lazy where `fine` is; chunks that cut
        coarse pixels are moved to their edges first.

    Raises
    ------
    InputError
        If y or x do not divide into blocks, or `fine` has no grid.

    Examples
    --------
    >>> from odc.geo.geobox import GeoBox
    >>> box = GeoBox.from_bbox((0, 0, 120, 60), "EPSG:32647", resolution=30.0)
    >>> fine = xr.DataArray([[1.0, 3.0, 5.0, 5.0], [1.0, 3.0, 9.0, np.nan]], grid_coords(box), ("y", "x"))
    >>> aggregate(fine, 2).values.round(3).tolist()
    [[2.0, 6.333]]
    """
    fy, fx = as_factor(factor)
    geobox = geobox_of(fine)
    if geobox.shape[0] % fy or geobox.shape[1] % fx:
        raise InputError(
            f"{fine.name or 'fine'}: {geobox.shape[0]} x {geobox.shape[1]} pixels do not divide into blocks of "
            f"{fy} x {fx}. Crop it to whole blocks."
        )
    ordered = fine.transpose(..., "y", "x")
    means = block_means(ordered.data.reshape(-1, *geobox.shape), (fy, fx), min_share=min_share)
    coarse = grid_coords(coarse_geobox(geobox, (fy, fx)))
    kept = {name: c for name, c in ordered.coords.items() if not {"y", "x"} & set(c.dims) and name != "spatial_ref"}
    shape = (*ordered.shape[:-2], *means.shape[-2:])
    return xr.DataArray(means.reshape(shape), {**kept, **coarse}, ordered.dims, fine.name, fine.attrs)


def as_factor(factor: int | Factor) -> Factor:
    """Fine pixels in a coarse one along y and x, once they are known to be whole numbers above 0.

    Parameters
    ----------
    factor : int or tuple of int
        One number for both axes, or one for each.

    Returns
    -------
    tuple of int

    Raises
    ------
    InputError
        If it is anything else.
    """
    pair = tuple(factor) if isinstance(factor, Sequence) else (factor, factor)
    if len(pair) != 2 or not all(isinstance(f, int | np.integer) and f > 0 for f in pair):
        raise InputError(f"factor: must be one or two whole numbers above 0 (along y, along x), not {factor!r}.")
    return int(pair[0]), int(pair[1])


def coarse_geobox(fine: GeoBox, factor: Factor) -> GeoBox:
    """Grid of the blocks of a fine grid.

    Parameters
    ----------
    fine : odc.geo.geobox.GeoBox
        Fine grid, a multiple of `factor` high and wide.
    factor : tuple of int
        Fine pixels in a block along y and x.

    Returns
    -------
    odc.geo.geobox.GeoBox
    """
    fy, fx = factor
    return GeoBox((fine.shape[0] // fy, fine.shape[1] // fx), fine.transform @ Affine.scale(fx, fy), fine.crs)


def aligned(fine: Array, factor: Factor) -> Array:
    """Array (image, y, x) whose chunks, if it has any, end where coarse pixels end.

    Parameters
    ----------
    fine : numpy.ndarray or dask.array.Array
        Y and x last.
    factor : tuple of int
        Fine pixels in a coarse one.

    Returns
    -------
    numpy.ndarray or dask.array.Array
    """
    if not isinstance(fine, da.Array):
        return fine
    axes = {fine.ndim - 2: factor[0], fine.ndim - 1: factor[1]}
    cut = {axis: f for axis, f in axes.items() if any(size % f for size in fine.chunks[axis])}
    return fine.rechunk({axis: -(-max(fine.chunks[axis]) // f) * f for axis, f in cut.items()})


def block_means(fine: Array, factor: Factor, *, min_share: float = 0.0) -> Array:
    """Mean over blocks of fine pixels that have a value.

    Parameters
    ----------
    fine : numpy.ndarray or dask.array.Array
        (image, y, x).
    factor : tuple of int
        Fine pixels in a block.
    min_share : float
        Share of a block that must have a value; 0: one pixel is enough.

    Returns
    -------
    numpy.ndarray or dask.array.Array
        (image, y / factor, x / factor), float64.
    """
    fine = fine if fine.dtype.kind == "f" else fine.astype(float)
    if not isinstance(fine, da.Array):
        return block_mean(fine, *factor, min_share)
    fine = aligned(fine, factor)
    chunks = (fine.chunks[0], *(tuple(s // f for s in sizes) for sizes, f in zip(fine.chunks[1:], factor, strict=True)))
    return da.map_blocks(block_mean, fine, *factor, min_share, chunks=chunks, meta=np.empty((0, 0, 0)))


def detail_of(predicted: Array, factor: Factor, *, means: Array | None = None) -> Array:
    """What a fine field has beyond the bilinear interpolation of its means over coarse pixels.

    Parameters
    ----------
    predicted : numpy.ndarray or dask.array.Array
        (image, y, x), NaN where there is none.
    factor : tuple of int
        Fine pixels in a coarse one.
    means : numpy.ndarray, optional
        What `block_means` gives of it, where it is known already: then a lazy chunk needs no other.

    Returns
    -------
    numpy.ndarray or dask.array.Array
        (image, y, x), float32; 0 where there is no prediction.
    """
    known = block_means(predicted, factor) if means is None else means
    smooth = _spread(bilinear, _per_image(fill_nearest, known), factor, like=predicted)
    return np.where(np.isnan(predicted), 0.0, predicted - smooth).astype(np.float32)


def conserve(
    coarse: Array, detail: Array, factor: Factor, *, weights: Array = (1.0,), means: Array | None = None
) -> Array:
    """Fine field of the given detail whose mean over each coarse pixel is the coarse value.

    Parameters
    ----------
    coarse : numpy.ndarray or dask.array.Array
        (image, y, x), NaN where nothing was seen. For the smooth part, such a pixel gets the value of the nearest.
    detail : numpy.ndarray or dask.array.Array
        Fine, (image or 1, y, x), without NaN.
    factor : tuple of int
        Fine pixels in a coarse one.
    weights : array_like
        What the detail of each image is multiplied by, (image or 1,).
    means : numpy.ndarray, optional
        What `block_means` gives of `detail`, where it is known already: then a lazy chunk of `detail` needs no other.

    Returns
    -------
    numpy.ndarray or dask.array.Array
        (image, y, x), float64, NaN in coarse pixels that are NaN. Lazy where an input is: one image a chunk, or in
        the chunks of `coarse` if it is lazy.
    """
    w = np.asarray(weights, dtype=float)[:, None, None]
    coarse = np.where(np.isfinite(coarse), coarse, np.nan)
    if means is not None:
        smooth = _spread(bilinear, sharpen(coarse - w * means, *factor), factor, like=detail)
        seen = _spread(nearest, np.isfinite(coarse), factor, like=detail)
        return np.where(seen, w * detail + smooth, np.nan)
    if isinstance(detail, da.Array) and not isinstance(coarse, da.Array):
        coarse = da.from_array(coarse, chunks=(1, -1, -1))
    if isinstance(coarse, da.Array):
        w = da.from_array(w, chunks=(coarse.chunks[0] if len(w) > 1 else 1, 1, 1))
    rest = coarse - w * block_means(detail, factor)
    smooth = _spread(bilinear, _per_image(sharpen, rest, *factor), factor, like=detail)
    seen = _spread(nearest, np.isfinite(coarse), factor, like=detail)
    return np.where(seen, w * detail + smooth, np.nan)


def interpolate(coarse: Array, factor: Factor) -> Array:
    """Plain bilinear interpolation, which does not keep the means; the nearest value stands in for a missing one.

    Parameters
    ----------
    coarse : numpy.ndarray or dask.array.Array
        (image, y, x).
    factor : tuple of int
        Fine pixels in a coarse one.

    Returns
    -------
    numpy.ndarray or dask.array.Array
        (image, y * factor, x * factor), float64.
    """
    fine = tuple(size * f for size, f in zip(coarse.shape[1:], factor, strict=True))
    like = da.empty((1, *fine), chunks=(1, *fine)) if isinstance(coarse, da.Array) else np.empty((1, *fine))
    return _spread(bilinear, _per_image(fill_nearest, coarse), factor, like=like)


def _per_image(kernel: Kernel, coarse: Array, *args: int) -> Array:
    """Call a kernel that needs images whole, lazily if the array is."""
    if not isinstance(coarse, da.Array):
        return kernel(coarse, *args)
    return da.map_blocks(kernel, coarse.rechunk({1: -1, 2: -1}), *args, meta=np.empty((0, 0, 0)))


def _spread(kernel: Kernel, coarse: Array, factor: Factor, *, like: Array) -> Array:
    """Call a kernel from coarse images to fine rows and columns, chunk by chunk of the fine ones."""
    height, width = like.shape[1:]
    if not isinstance(coarse, da.Array) and not isinstance(like, da.Array):
        return kernel(coarse, np.arange(height), np.arange(width), *factor)
    like = aligned(da.asarray(like), factor)
    whole = da.asarray(coarse).rechunk({1: -1, 2: -1})
    rows, columns = (da.arange(sum(sizes), chunks=(sizes,)) for sizes in like.chunks[1:])
    labels = (whole, "tab", rows, "i", columns, "j", factor[0], None, factor[1], None)
    return da.blockwise(
        kernel, "tij", *labels, concatenate=True, dtype=whole.dtype, meta=np.empty((0, 0, 0), whole.dtype)
    )
