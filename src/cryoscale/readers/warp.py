"""Rasters of any CRS and pixel size on one grid, chunk by chunk, each chunk to the bit as if it were read alone."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import rasterio
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling as Method
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.readers.headers import Grid
from cryoscale.readers.mosaics import Mosaic, Part, join_parts, open_part, require_overlap
from cryoscale.readers.places import grid_of, pixel_places
from cryoscale.readers.rasters import Layer, Values, decode
from cryoscale.variables import VARIABLES, attributes

_BLOCK = 256
"""Pixels of the grid that are warped together. The blocks stay where they are whatever the chunks, so that GDAL's
choices, which it makes anew for every piece that it warps, cannot depend on the chunks."""

_EXACT = 1e-9
"""Pixels by which GDAL may approximate a transformation; its Python binding cannot switch the approximation off."""

_COARSER = 2.0
"""Pixels of a file per pixel of the grid from which the bilinear kernel is widened. Below, four pixels represent the
ground well enough, and a plane stays a plane, which GDAL's widened kernel only approaches."""

_SAME_UNIT = {"metre": "m", "metres": "m", "meter": "m", "meters": "m"}


class Resampling(StrEnum):
    """How a pixel of the grid gets its value from the pixels of a file."""

    NEAREST = "nearest"
    """The pixel that holds the centre."""
    BILINEAR = "bilinear"
    """Between the four centres around. Where the grid is at least twice as coarse as the file, with the weights of a
    triangle as wide as two pixels of the grid, so that a fine DEM is smoothed rather than sampled."""
    AVERAGE = "average"
    """Mean of the pixels under the pixel of the grid, weighted by area; those without data do not count."""
    MAJORITY = "majority"
    """The commonest value under the pixel of the grid; of equals, the first met."""


_METHODS = {
    Resampling.NEAREST: Method.nearest,
    Resampling.BILINEAR: Method.bilinear,
    Resampling.AVERAGE: Method.average,
    Resampling.MAJORITY: Method.mode,
}


def open_on_grid(
    paths: Path | Sequence[Path],
    name: str,
    *,
    geobox: GeoBox,
    resampling: Resampling,
    chunks: Mapping[str, int],
    nodata: float | None = None,
) -> xr.DataArray:
    """Open one raster, or several as a mosaic, as a registered variable on a grid.

    Files that share a lattice are joined before they are resampled, so their seams leave no trace. Files of several
    CRS or pixel sizes are resampled one by one. Always read at full resolution: overviews in a file are not used.

    Parameters
    ----------
    paths : Path or sequence of Path
        One band each, any CRS. Where several have data, the first counts; later ones fill where it has none.
    name : str
        The registered variable that they hold. A unit tag must be that variable's; scale and offset tags apply.
    geobox : odc.geo.geobox.GeoBox
        The grid that is wanted, with any CRS.
    resampling : Resampling
        How its pixels get their values.
    chunks : mapping
        Chunk lengths along ``y`` and ``x``. The result does not depend on them, to the bit. Multiples of 256 read
        least, as files are warped in blocks of that size.
    nodata : float, optional
        Number that stands for no data instead of the files' tag. A file without either has data everywhere, 0 included.

    Returns
    -------
    xarray.DataArray
        (y, x), lazy, float32, NaN where no file has data.

    Raises
    ------
    InputError
        If a file cannot be used, has no CRS or another unit, or if none overlaps the grid; while computing, if a file
        is damaged or a value is outside the variable's valid range.
    """
    listed = [paths] if isinstance(paths, Path) else list(paths)
    if not listed:
        raise InputError(f"{name}: no files are given. Give at least one.")
    parts = [open_part(path, nodata=nodata) for path in listed]
    for part in parts:
        _check_unit(part, name)
    values = warp_parts(parts, geobox=geobox, resampling=resampling, chunks=chunks)
    layer = Layer(join_parts(parts)[0].label, 0, 0, None, 1.0, 0.0)
    checked = da.map_blocks(partial(_checked, layer=layer, name=name), values, meta=np.empty((0, 0), np.float32))
    return xr.DataArray(checked, dims=("y", "x"), coords=grid_coords(geobox), name=name, attrs=attributes(name))


def warp_parts(parts: Sequence[Part], *, geobox: GeoBox, resampling: Resampling, chunks: Mapping[str, int]) -> da.Array:
    """Parts of files on a grid, decoded by their scale and offset, checked for nothing.

    Parameters
    ----------
    parts : sequence of Part
        See `open_on_grid` for what several of them mean.
    geobox : odc.geo.geobox.GeoBox
        The grid.
    resampling : Resampling
        How its pixels get their values.
    chunks : mapping
        Chunk lengths along ``y`` and ``x``.

    Returns
    -------
    dask.array.Array
        (y, x), float32, NaN where there is no data.

    Raises
    ------
    InputError
        If no part overlaps the grid.
    """
    grid = grid_of(geobox)
    mosaics = require_overlap(join_parts(parts), grid)
    read = partial(_read_block, mosaics=mosaics, grid=grid, method=_METHODS[resampling])
    return map_windows(partial(assemble, shape=grid.shape, read=read), grid.shape, chunks=chunks, dtype=np.float32)


def map_windows(
    read: Callable[[range, range], npt.NDArray[Any]], shape: tuple[int, int], *, chunks: Mapping[str, int], dtype: Any
) -> da.Array:
    """An array whose chunks a function of their rows and columns gives.

    Parameters
    ----------
    read : callable
        Takes rows and columns as ranges.
    shape : tuple of int
        Rows and columns of the array.
    chunks : mapping
        Chunk lengths along ``y`` and ``x``.
    dtype : numpy dtype
        Type of its values.

    Returns
    -------
    dask.array.Array
    """
    lengths = da.core.normalize_chunks((chunks["y"], chunks["x"]), shape)
    array: da.Array = da.map_blocks(
        partial(_at_location, read=read), dtype=dtype, chunks=lengths, meta=np.empty((0, 0), dtype)
    )
    return array


def assemble(
    rows: range, columns: range, *, shape: tuple[int, int], read: Callable[[range, range], npt.NDArray[Any]]
) -> npt.NDArray[Any]:
    """Put a window together from blocks whose places do not depend on it.

    Parameters
    ----------
    rows, columns : range
        The window.
    shape : tuple of int
        Rows and columns of the grid.
    read : callable
        Gives one block from its rows and columns.

    Returns
    -------
    numpy.ndarray
        (rows, columns).
    """
    bands = [
        np.concatenate([_cut(read, down, across, rows, columns) for across in _blocks(columns, shape[1])], axis=1)
        for down in _blocks(rows, shape[0])
    ]
    return np.concatenate(bands)


def spans_of(lengths: Sequence[int]) -> list[range]:
    """Pixels of every chunk of an axis.

    Parameters
    ----------
    lengths : sequence of int
        Lengths of the chunks.

    Returns
    -------
    list of range

    Examples
    --------
    >>> spans_of([3, 2])
    [range(0, 3), range(3, 5)]
    """
    ends = np.cumsum(lengths).tolist()
    return [range(end - length, end) for end, length in zip(ends, lengths, strict=True)]


def _blocks(window: range, size: int) -> list[range]:
    return [
        range(start, min(start + _BLOCK, size)) for start in range(window.start // _BLOCK * _BLOCK, window.stop, _BLOCK)
    ]


def _cut(read: Any, down: range, across: range, rows: range, columns: range) -> npt.NDArray[Any]:
    """What a block has of a window."""
    kept = [
        slice(max(window.start - block.start, 0), min(window.stop, block.stop) - block.start)
        for block, window in ((down, rows), (across, columns))
    ]
    values: npt.NDArray[Any] = read(down, across)[kept[0], kept[1]]
    return values


def _at_location(*, read: Any, block_info: Any = None) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = read(*(range(*bounds) for bounds in block_info[None]["array-location"]))
    return values


def _read_block(rows: range, columns: range, *, mosaics: Sequence[Mosaic], grid: Grid, method: Method) -> Values:
    out = np.full((len(rows), len(columns)), np.nan, np.float32)
    for mosaic in mosaics:
        empty = np.isnan(out)
        if empty.any():
            out[empty] = _warp(mosaic, grid, rows=rows, columns=columns, method=method)[empty]
    return out


def _warp(mosaic: Mosaic, grid: Grid, *, rows: range, columns: range, method: Method) -> Values:
    """One block of a mosaic on the grid, as values."""
    across, down = _pixels_per_pixel(mosaic.grid, grid)
    header = mosaic.parts[0].header
    try:
        with (
            rasterio.open(mosaic.virtual) as source,
            WarpedVRT(
                source,
                crs=grid.crs,
                transform=grid.transform @ Affine.translation(columns.start, rows.start),
                width=len(columns),
                height=len(rows),
                resampling=method,
                tolerance=_EXACT,
                XSCALE=1.0 / across if across >= _COARSER else 1.0,
                YSCALE=1.0 / down if down >= _COARSER else 1.0,
            ) as warped,
        ):
            values: Values = warped.read(1)
    except RasterioError as error:
        raise InputError(
            f"{mosaic.label}: cannot be read ({error.__cause__ or error}). A file is damaged: copy it again."
        ) from error
    return (values * header.scale + header.offset).astype(np.float32)


def _pixels_per_pixel(source: Grid, target: Grid) -> tuple[float, float]:
    """Columns and rows of a source that the central pixel of the target spans.

    Left to itself, GDAL takes the width of its bilinear kernel from the piece that it warps, so pieces do not fit.
    """
    centre = [size / 2.0 for size in target.shape]
    rows, columns = pixel_places(
        target, [centre[0] - 0.5, centre[0] + 0.5], [centre[1] - 0.5, centre[1] + 0.5], grid=source
    )
    spans = [np.hypot(places[1, 0] - places[0, 0], places[0, 1] - places[0, 0]) for places in (columns, rows)]
    return tuple(float(span) if np.isfinite(span) and span > 0 else 1.0 for span in spans)  # type: ignore[return-value]


def _check_unit(part: Part, name: str) -> None:
    found, expected = part.header.units, VARIABLES[name].units
    if found and _SAME_UNIT.get(found.lower(), found) != expected:
        raise InputError(
            f"{part.name}: is in {found!r}, but {name} must be in {expected!r}. Convert it and set the unit tag."
        )


def _checked(values: Values, *, layer: Layer, name: str) -> Values:
    checked = values.copy()
    decode(checked, layer, name)
    return checked
