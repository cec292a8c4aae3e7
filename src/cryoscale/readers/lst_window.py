"""Reads what one task needs of images of land surface temperature: a window of consecutive days on the grid."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.errors import RasterioError
from rasterio.windows import Window

from cryoscale.errors import InputError
from cryoscale.readers._bilinear import interpolate
from cryoscale.readers.headers import Grid, Header, read_header
from cryoscale.readers.lst_encoding import LstEncoding, Tags, Values, good_enough, to_celsius
from cryoscale.readers.lst_files import LstImage, RasterPart
from cryoscale.readers.lst_series import SeriesPart, open_series, variable_grid
from cryoscale.readers.mosaics import header_of
from cryoscale.readers.places import BORDER, Places, pixel_places, window_of
from cryoscale.readers.warp import Resampling

SeriesKey = tuple[Path, str]


@dataclass(frozen=True, slots=True)
class LstWindow:
    """What one task reads.

    Attributes
    ----------
    images : tuple of LstImage or None
        Images of consecutive days; None for a day without one.
    rows, columns : range
        Window of the grid.
    grid : Grid
        The grid.
    encoding : LstEncoding
        How numbers become degC.
    resampling : Resampling
        NEAREST or BILINEAR.
    """

    images: tuple[LstImage | None, ...]
    rows: range
    columns: range
    grid: Grid
    encoding: LstEncoding
    resampling: Resampling


@dataclass(frozen=True, slots=True)
class _View:
    """Where the pixels of a task lie in a source, and the window of the source that holds them.

    `nearest` counts the pixels of the window row by row, and means nothing where a pixel is not `inside` the source.
    """

    rows: Places
    columns: Places
    down: range
    across: range
    shape: tuple[int, int]
    nearest: npt.NDArray[np.int64]
    inside: npt.NDArray[np.bool_]

    def resample(self, image: Values, resampling: Resampling) -> Values:
        """An image of the source's window in the window of the task, NaN outside the source."""
        out = np.full(self.rows.shape, np.nan, np.float32)
        if image.size and resampling is Resampling.BILINEAR:
            interpolate(image, (self.down.start, self.across.start), self.shape, self.rows, self.columns, out)
        elif image.size:
            np.copyto(out, image.ravel().take(self.nearest), where=self.inside)
        return out


@dataclass(frozen=True, slots=True)
class _Slab:
    """Consecutive times of a variable, read together, as a store may keep many times in a chunk."""

    start: int
    values: Values
    view: _View


def read_images(window: LstWindow) -> Values:
    """Temperatures of consecutive days in a window.

    Parameters
    ----------
    window : LstWindow
        What is wanted.

    Returns
    -------
    numpy.ndarray of float32
        (1, time, y, x), degC, NaN for no data.

    Raises
    ------
    InputError
        If a file cannot be read, or a temperature is not within -100 to 90 degC.
    """
    out = np.full((len(window.images), len(window.rows), len(window.columns)), np.nan, np.float32)
    views: dict[Any, _View] = {}
    slabs = _read_series(window, views)
    for layer, image in zip(out, window.images, strict=True):
        for part in image.parts if image else ():
            if isinstance(part, SeriesPart):
                slab = slabs[part.path, part.variable]
                found = slab.view.resample(slab.values[part.position - slab.start], window.resampling)
            else:
                found = _read_raster(part, window, views)
            np.copyto(layer, found, where=np.isnan(layer))
    return out[np.newaxis]


def grid_of_part(part: RasterPart | SeriesPart) -> Grid:
    """Grid of an image or a part of it.

    Parameters
    ----------
    part : RasterPart or SeriesPart
        The part.

    Returns
    -------
    Grid

    Raises
    ------
    InputError
        If it cannot be opened, or has no grid.
    """
    if isinstance(part, SeriesPart):
        with open_series(part.path) as dataset:
            return variable_grid(dataset[part.variable], part.path)[1]
    header = read_header(part.path)
    if isinstance(header, str):
        raise InputError(f"{part.path}: {header}.")
    return header.grid


def _view(window: LstWindow, grid: Grid, views: dict[Any, _View]) -> _View:
    """The window in a grid; grids that were met before are known."""
    key = grid.transform, grid.crs.to_wkt(), grid.shape
    if key not in views:
        rows, columns = pixel_places(window.grid, window.rows, window.columns, grid=grid)
        spans = [window_of(places, size) for places, size in zip((rows, columns), grid.shape, strict=True)]
        pixels = [np.floor(places + 0.5 + BORDER) for places in (rows, columns)]
        inside = np.logical_and.reduce([(at >= 0) & (at < size) for at, size in zip(pixels, grid.shape, strict=True)])
        down, across = (np.where(inside, at, 0).astype(np.int64) for at in pixels)
        nearest = np.where(inside, (down - spans[0].start) * len(spans[1]) + across - spans[1].start, 0)
        views[key] = _View(rows, columns, spans[0], spans[1], grid.shape, nearest, inside)
    return views[key]


def _read_raster(part: RasterPart, window: LstWindow, views: dict[Any, _View]) -> Values:
    """One raster in the window of the task, less what its quality flags forbid."""
    numbers, header, view = _read(part.path, window, views)
    if not numbers.size:
        return view.resample(np.empty((0, 0), np.float32), window.resampling)
    tags = Tags(str(part.path), header.units, header.scale, header.offset, header.nodata)
    values = to_celsius(numbers, window.encoding, tags)
    if part.quality is not None and window.encoding.max_error is not None:
        flags, found, _ = _read(part.quality, window, views)
        difference = header.grid.difference(found.grid)
        if difference:
            raise InputError(f"{part.quality}: the quality flags have {difference}. Get temperatures and flags again.")
        values[~good_enough(flags, window.encoding.max_error)] = np.nan
    return view.resample(values, window.resampling)


def _read(path: Path, window: LstWindow, views: dict[Any, _View]) -> tuple[npt.NDArray[Any], Header, _View]:
    """Numbers of a raster in the window that a task needs of it; none where it does not reach."""
    try:
        with rasterio.open(path) as source:
            header = header_of(source, 1, name=str(path))
            view = _view(window, header.grid, views)
            span = Window(view.across.start, view.down.start, len(view.across), len(view.down))
            empty = not view.down or not view.across
            return np.empty((0, 0)) if empty else source.read(1, window=span), header, view
    except RasterioError as error:
        raise InputError(
            f"{path}: cannot be read ({error.__cause__ or error}). The file is damaged: copy it again, or take it out "
            "of the folder."
        ) from error


def _read_series(window: LstWindow, views: dict[Any, _View]) -> dict[SeriesKey, _Slab]:
    """Slabs of the variables that the days of a task are in."""
    positions: dict[SeriesKey, list[int]] = {}
    for image in window.images:
        for part in image.parts if image else ():
            if isinstance(part, SeriesPart):
                positions.setdefault((part.path, part.variable), []).append(part.position)
    slabs = {}
    for (path, variable), wanted in positions.items():
        with open_series(path) as dataset:
            array, grid = variable_grid(dataset[variable], path)
            view = _view(window, grid, views)
            times = slice(min(wanted), max(wanted) + 1)
            numbers = array[times, view.down.start : view.down.stop, view.across.start : view.across.stop].values
        tags = Tags(str(path), str(array.attrs.get("units", "")))
        slabs[path, variable] = _Slab(times.start, to_celsius(numbers, window.encoding, tags), view)
    return slabs
