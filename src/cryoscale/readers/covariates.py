"""Covariates of any name, unit, CRS and pixel size on one grid."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import dask.array as da
import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.readers.mosaics import Part, open_part
from cryoscale.readers.rasters import Values
from cryoscale.readers.warp import Resampling, warp_parts


def open_covariate(
    paths: Path | Sequence[Path],
    name: str,
    *,
    unit: str,
    geobox: GeoBox,
    resampling: Resampling,
    chunks: Mapping[str, int],
    valid_range: tuple[float, float] | None = None,
    nodata: float | None = None,
) -> xr.DataArray:
    """Open one raster, or several as a mosaic, as a covariate on a grid.

    Unlike `open_on_grid` it takes any name; so the unit and the range come from whoever knows the files.

    Parameters
    ----------
    paths : Path or sequence of Path
        One band each, any CRS; scale and offset tags apply.
    name : str
        What the covariate is called.
    unit : str
        Of its values. A unit tag of a file must say the same.
    geobox : odc.geo.geobox.GeoBox
        The grid.
    resampling : Resampling
        How its pixels get their values.
    chunks : mapping
        Chunk lengths along ``y`` and ``x``; the result does not depend on them.
    valid_range : tuple of float, optional
        Smallest and largest value that can be true, in `unit`.
    nodata : float, optional
        Number that stands for no data instead of the files' tag.

    Returns
    -------
    xarray.DataArray
        (y, x), lazy, float32, NaN where no file has data.

    Raises
    ------
    InputError
        If a file cannot be used, has no CRS or another unit, or if none overlaps the grid; while computing, if a file
        is damaged or a value is out of range.
    """
    listed = [paths] if isinstance(paths, Path) else list(paths)
    if not listed:
        raise InputError(f"{name}: no files are given. Give at least one.")
    parts = [open_part(path, nodata=nodata) for path in listed]
    for part in parts:
        _require_unit(part, name, unit)
    values = warp_parts(parts, geobox=geobox, resampling=resampling, chunks=chunks)
    if valid_range is not None:
        check = partial(_checked, label=f"{listed[0]}: {name}", unit=unit, valid_range=valid_range)
        values = da.map_blocks(check, values, meta=np.empty((0, 0), np.float32))
    return xr.DataArray(values, dims=("y", "x"), coords=grid_coords(geobox), name=name, attrs={"units": unit})


def _require_unit(part: Part, name: str, unit: str) -> None:
    found = part.header.units
    if found and found != unit:
        raise InputError(
            f"{part.name}: is in {found!r}, but covariate {name} is configured in {unit!r}. Convert the file, or set "
            "the covariate's unit to what it holds."
        )


def _checked(values: Values, *, label: str, unit: str, valid_range: tuple[float, float]) -> Values:
    low, high = valid_range
    known = values[np.isfinite(values)]
    wrong = known[(known < low) | (known > high)]
    if wrong.size:
        raise InputError(
            f"{label} is {wrong[0]:g} somewhere, but must be {low:g} to {high:g} {unit}. Check its unit, scale tag, "
            "and that its no-data number is tagged."
        )
    return values
