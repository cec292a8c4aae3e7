"""Maps that are computed with each other must lie on one grid: xarray would silently keep only what coincides."""

import numpy as np
import xarray as xr

from cryoscale.errors import InputError

_SAME = 0.01  # pixels: files of one processor agree to 1e-6, a real shift is far above


def on_grid_of(first: xr.DataArray, other: xr.DataArray) -> xr.DataArray:
    """Another array with exactly the first one's coordinates, after a check that they are the same grid.

    Parameters
    ----------
    first : xarray.DataArray
        Any dims.
    other : xarray.DataArray
        Any dims; of ``y`` and ``x`` those that the first has too must have its length and coordinates, within a
        hundredth of a pixel.

    Returns
    -------
    xarray.DataArray
        `other` with the ``y`` and ``x`` of `first`.

    Raises
    ------
    InputError
        If the grids differ.

    Examples
    --------
    >>> north = xr.DataArray([1.0, 2.0], dims="y", coords={"y": [38.0, 37.9]})
    >>> on_grid_of(north, north.assign_coords(y=[38.00001, 37.90001])).y.values
    array([38. , 37.9])
    >>> on_grid_of(north, north.assign_coords(y=[38.05, 37.95]))
    Traceback (most recent call last):
    cryoscale.errors.InputError: ...: its y lies up to 0.5 pixels away from that of ... Resample it to that grid first.
    """
    for dim in ("y", "x"):
        if dim in first.dims and dim in other.dims:
            _require_same(first, other, dim)
    shared = [dim for dim in ("y", "x") if dim in first.coords and dim in other.coords]
    return other.assign_coords({dim: first.coords[dim] for dim in shared})


def _require_same(first: xr.DataArray, other: xr.DataArray, dim: str) -> None:
    names = f"{other.name or 'array'}: its {dim}", first.name or "the other array"
    if first.sizes[dim] != other.sizes[dim]:
        raise InputError(
            f"{names[0]} has {other.sizes[dim]} pixels, that of {names[1]} {first.sizes[dim]}. "
            "Resample it to that grid first."
        )
    if dim not in first.coords or dim not in other.coords:
        return
    ours, theirs = first[dim].values, other[dim].values
    pixel = np.abs(np.diff(ours)).min() if ours.size > 1 else 1.0
    shift = float(np.abs(theirs - ours).max() / pixel)
    if shift > _SAME:
        raise InputError(
            f"{names[0]} lies up to {shift:.3g} pixels away from that of {names[1]}. Resample it to that grid first."
        )
