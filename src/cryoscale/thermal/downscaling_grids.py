"""Coarse images and fine covariates: where their grids and their times meet."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.grids import geobox_of, grid_coords, name_crs
from cryoscale.thermal.footprint import Factor

_ALIGNMENT = 0.05
"""Share of a fine pixel by which the edges of coarse pixels may miss those of fine ones, over the whole grid."""


@dataclass(frozen=True)
class GridPair:
    """The coarse pixels that fine pixels cover wholly, and the fine pixels in them.

    Attributes
    ----------
    factor : tuple of int
        Fine pixels in a coarse one, along y and x.
    coarse_rows, coarse_columns, fine_rows, fine_columns : slice
        The window in each of the two grids.
    """

    factor: Factor
    coarse_rows: slice
    coarse_columns: slice
    fine_rows: slice
    fine_columns: slice

    @classmethod
    def between(cls, coarse: xr.DataArray, covariates: xr.Dataset, *, factor: Factor) -> Self:
        """Window that two grids share.

        Parameters
        ----------
        coarse : xarray.DataArray
            (y, x) or (time, y, x), with a CRS.
        covariates : xarray.Dataset
            Fine, with a CRS.
        factor : tuple of int
            Fine pixels in a coarse one, along y and x.

        Returns
        -------
        GridPair

        Raises
        ------
        InputError
            If CRS differ, coarse pixels are not `factor` fine pixels large or their edges do not lie on edges of fine
            pixels, or no coarse pixel is covered.
        """
        name, boxes = coarse.name or "coarse", (geobox_of(coarse), geobox_of(covariates))
        if boxes[0].crs != boxes[1].crs:
            raise InputError(
                f"covariates: are in {name_crs(boxes[1])}, but {name} is in {name_crs(boxes[0])}. Reproject them onto "
                f"a grid whose blocks of {factor[0]} x {factor[1]} pixels are the coarse pixels."
            )
        windows = [_shared(name, *boxes, axis=axis, factor=factor[axis]) for axis in (0, 1)]
        (coarse_rows, fine_rows), (coarse_columns, fine_columns) = windows
        return cls(factor, coarse_rows, coarse_columns, fine_rows, fine_columns)

    def crop_coarse(self, coarse: xr.DataArray) -> xr.DataArray:
        """Coarse images in the window, lazily.

        Parameters
        ----------
        coarse : xarray.DataArray
            (..., y, x).

        Returns
        -------
        xarray.DataArray
        """
        return coarse.isel(y=self.coarse_rows, x=self.coarse_columns)

    def crop_fine(self, covariates: xr.Dataset) -> xr.Dataset:
        """Covariates in the window, lazily.

        Parameters
        ----------
        covariates : xarray.Dataset
            (..., y, x).

        Returns
        -------
        xarray.Dataset
        """
        return covariates.isel(y=self.fine_rows, x=self.fine_columns)


def _shared(name: object, coarse: GeoBox, fine: GeoBox, *, axis: int, factor: int) -> tuple[slice, slice]:
    """Coarse and fine pixels along one axis that cover each other."""
    (start, step), (fine_start, fine_step) = _axis(coarse, axis), _axis(fine, axis)
    size, fine_size = coarse.shape[axis], fine.shape[axis]
    label, ratio, offset = "yx"[axis], step / fine_step, (start - fine_start) / fine_step
    if abs(ratio - factor) * min(size, fine_size / factor) > _ALIGNMENT:
        raise InputError(
            f"covariates: a pixel of {name} is {ratio:.6g} of theirs along {label}, but factor says {factor}. Resample "
            f"them so that {factor} fine pixels are one coarse pixel, or give another factor."
        )
    if abs(offset - round(offset)) > _ALIGNMENT:
        raise InputError(
            f"covariates: edges of pixels of {name} lie {offset % 1.0:.2f} of a fine pixel off along {label}. Resample "
            f"them onto a grid on which blocks of {factor} pixels are the coarse pixels."
        )
    first = max(0, -(round(offset) // factor))
    last = min(size, (fine_size - round(offset)) // factor)
    if last <= first:
        raise InputError(f"covariates: cover no whole pixel of {name} along {label}. Do they lie at another place?")
    begin = round(offset) + first * factor
    return slice(first, last), slice(begin, begin + (last - first) * factor)


def _axis(geobox: GeoBox, axis: int) -> tuple[float, float]:
    """First edge and signed step of a grid's y (axis 0) or x (1)."""
    transform = geobox.transform
    return (transform.f, transform.e) if axis == 0 else (transform.c, transform.a)


def covariates_at(coarse: xr.DataArray, covariates: xr.Dataset) -> xr.Dataset:
    """Covariates at the times of the coarse images.

    Parameters
    ----------
    coarse : xarray.DataArray
        With a dim or scalar coordinate ``time`` where covariates have a dim ``time``.
    covariates : xarray.Dataset
        Some of them with the dim ``time``.

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    InputError
        If a time is missing.
    """
    if "time" not in covariates.dims:
        return covariates
    if "time" not in coarse.coords or "time" not in covariates.coords:
        raise InputError("covariates: change with time, so that they and the coarse images need a coordinate 'time'.")
    missing = np.setdiff1d(coarse["time"].values, covariates["time"].values)
    if missing.size:
        raise InputError(
            f"covariates: have no values at {missing.size} times of {coarse.name or 'coarse'}, the first "
            f"{missing[0]!s:.19}. Interpolate them to these times first."
        )
    return covariates.sel(time=coarse["time"])


def on_fine_grid(values: Any, *, coarse: xr.DataArray, covariates: xr.Dataset) -> xr.DataArray:
    """Give downscaled values the name and time of the coarse images, and the places of the covariates.

    Parameters
    ----------
    values : numpy.ndarray or dask.array.Array
        (time or 1, y, x).
    coarse : xarray.DataArray
        (y, x) or (time, y, x).
    covariates : xarray.Dataset
        On the fine grid.

    Returns
    -------
    xarray.DataArray
        With the dims of `coarse`, y and x last.
    """
    dims = ("time", "y", "x") if "time" in coarse.dims else ("y", "x")
    kept = {n: c for n, c in coarse.coords.items() if not {"y", "x"} & set(c.dims) and n != "spatial_ref"}
    coords = {**kept, **grid_coords(geobox_of(covariates))}
    shaped = values if "time" in dims else values[0]
    return xr.DataArray(shaped, coords, dims, coarse.name, coarse.attrs)
