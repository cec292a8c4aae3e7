"""What is on the screen of a map: the part of a raster in a window, at about the screen's resolution."""

from dataclasses import dataclass
from math import ceil, cos, floor, radians
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo import CRS
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from cryoscale.errors import ResourceError
from cryoscale.grids import geobox_of, grid_coords
from cryoscale.viewer.source import Source, bytes_to_read

MOST_BYTES = 2**30
"""Chunks that one view may decode; more takes too long to wait for, and is what overviews are for."""

Point = tuple[float, float]
"""y and x."""


@dataclass(frozen=True, slots=True)
class Window:
    """Part of the plane, in the coordinates of the page's CRS."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From bottom to top."""
        return self.top - self.bottom

    def scaled(self, factor: float) -> "Window":
        """The window about the same middle, so many times as wide and high."""
        dx, dy = (factor - 1) * self.width / 2, (factor - 1) * self.height / 2
        return Window(self.left - dx, self.bottom - dy, self.right + dx, self.top + dy)


@dataclass(frozen=True, slots=True)
class Layer:
    """One map of a store: a variable, and the index along its third dim where it has one."""

    name: str
    index: int | None = None


@dataclass(frozen=True, slots=True)
class View:
    """A map that has been read.

    Attributes
    ----------
    values : ndarray, shape (rows, columns)
        The first row is the southernmost. Empty where the window lies off the map.
    window : Window
        Its outer edges.
    """

    values: NDArray[Any]
    window: Window


def full_window(geobox: GeoBox) -> Window:
    """Outer edges of a grid."""
    box = geobox.boundingbox
    return Window(box.left, box.bottom, box.right, box.top)


def fitted_window(window: Window, *, frame: tuple[int, int], crs: CRS | None) -> Window:
    """Widen a window to the shape of a frame, so that lengths on the ground are true in both directions.

    Parameters
    ----------
    window : Window
        What must be seen.
    frame : tuple of int
        Width and height of the frame, screen pixels.
    crs : odc.geo.CRS or None
        Degrees of longitude are shortened by the cosine of the latitude in the middle.

    Returns
    -------
    Window

    Examples
    --------
    >>> fitted_window(Window(0.0, 0.0, 100.0, 100.0), frame=(200, 100), crs=None)
    Window(left=-50.0, bottom=0.0, right=150.0, top=100.0)
    """
    squeeze = cos(radians((window.bottom + window.top) / 2)) if crs is not None and crs.geographic else 1.0
    per_pixel = max(window.width * squeeze / frame[0], window.height / frame[1])
    dx = (per_pixel * frame[0] / squeeze - window.width) / 2
    dy = (per_pixel * frame[1] - window.height) / 2
    return Window(window.left - dx, window.bottom - dy, window.right + dx, window.top + dy)


def read_view(source: Source, layer: Layer, window: Window, *, pixels: tuple[int, int], crs: CRS | None = None) -> View:
    """Read what a window shows of a map, from the coarsest overview that is fine enough, and every n-th pixel of that.

    Parameters
    ----------
    source : Source
        The store.
    layer : Layer
        Which map.
    window : Window
        In `crs`.
    pixels : tuple of int
        Rows and columns that are needed at most.
    crs : odc.geo.CRS, optional
        The page's; by default the store's own. Of another one, every pixel of the page takes the nearest value.

    Returns
    -------
    View

    Raises
    ------
    ResourceError
        If more than `MOST_BYTES` would have to be decoded; the message says what helps.
    """
    geobox = geobox_of(source.data)
    if crs is None or crs == geobox.crs:
        return _read_own(source, layer, window, pixels)
    return _read_other(source, layer, window, pixels, Transformer.from_crs(crs, geobox.crs, always_xy=True))


def first_window(source: Source, layer: Layer, *, pixels: tuple[int, int]) -> Window:
    """The whole map, or as much of its middle as may be read at once.

    Parameters
    ----------
    source : Source
        The store.
    layer : Layer
        Which map.
    pixels : tuple of int
        Rows and columns of the screen.

    Returns
    -------
    Window
        In the store's CRS.
    """
    window = full_window(geobox_of(source.data))
    while _plan(source, layer, window, pixels).cost > MOST_BYTES:
        window = window.scaled(0.7)
    return window


def coarse_level(source: Source, wanted: float) -> int:
    """Factor of the coarsest level whose pixels are no larger than so many of the store's."""
    return max((factor for factor in source.levels if factor <= wanted), default=1)


def select_layer(array: xr.DataArray, index: int | None) -> xr.DataArray:
    """One map (y, x) of a variable."""
    return array if index is None else array.isel({_layer_dim(array): index})


def as_map(view: View, like: xr.DataArray, crs: CRS | None) -> xr.DataArray:
    """A view with its coordinates and the variable's name and attributes, for figures.

    Parameters
    ----------
    view : View
        Not empty.
    like : xarray.DataArray
        The variable.
    crs : odc.geo.CRS
        The view's.

    Returns
    -------
    xarray.DataArray
        (y, x), north first.
    """
    box = (view.window.left, view.window.bottom, view.window.right, view.window.top)
    coords = grid_coords(GeoBox.from_bbox(box, crs, shape=view.values.shape, tight=True))
    return xr.DataArray(view.values[::-1], coords, ("y", "x"), like.name, like.attrs)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Which pixels of which level a view takes, and what that costs."""

    array: xr.DataArray
    geobox: GeoBox
    region: dict[str, slice]
    cost: int


def _plan(source: Source, layer: Layer, window: Window, pixels: tuple[int, int]) -> _Reading:
    full = geobox_of(source.data)
    in_pixels = (window.height / abs(full.resolution.y), window.width / abs(full.resolution.x))
    factor = coarse_level(source, max(side / most for side, most in zip(in_pixels, pixels, strict=True)))
    level = source.levels[factor]
    geobox, array = geobox_of(level), level[layer.name]
    region = _region(geobox, window, pixels)
    layers = {} if layer.index is None else {_layer_dim(array): layer.index}
    return _Reading(select_layer(array, layer.index), geobox, region, bytes_to_read(array, {**region, **layers}))


def _read_own(source: Source, layer: Layer, window: Window, pixels: tuple[int, int]) -> View:
    reading = _plan(source, layer, window, pixels)
    if reading.cost > MOST_BYTES:
        raise ResourceError(
            f"{source.path.name}: this view would read {reading.cost / 2**30:.1f} GB. Zoom in, or write overviews once "
            "with cryoscale view --prepare."
        )
    rows, columns = reading.region["y"], reading.region["x"]
    values = reading.array.isel(y=rows, x=columns).transpose("y", "x").values
    edges = _edges(reading.geobox, rows, columns, values.shape)
    return View(values if reading.geobox.resolution.y > 0 else values[::-1], edges)


def _region(geobox: GeoBox, window: Window, pixels: tuple[int, int]) -> dict[str, slice]:
    """Pixels that a window touches, every n-th so that there are no more than asked for."""
    transform = geobox.transform
    ends = {
        "y": ((window.bottom - transform.f) / transform.e, (window.top - transform.f) / transform.e),
        "x": ((window.left - transform.c) / transform.a, (window.right - transform.c) / transform.a),
    }
    region = {}
    for (dim, sides), size, most in zip(ends.items(), geobox.shape, pixels, strict=True):
        start, stop = (min(max(side, 0), size) for side in (floor(min(sides)), ceil(max(sides))))
        step = max(ceil((stop - start) / most), 1)
        region[dim] = slice(start + (step - 1) // 2, max(stop, start), step)
    return region


def _edges(geobox: GeoBox, rows: slice, columns: slice, shape: tuple[int, ...]) -> Window:
    """Every pixel that was read stands for a block of as many as the step, itself in the middle."""
    transform = geobox.transform
    sides = []
    for origin, size, part, n in (
        (transform.f, transform.e, rows, shape[0]),
        (transform.c, transform.a, columns, shape[1]),
    ):
        first = part.start - (part.step - 1) // 2
        sides.append(sorted((origin + first * size, origin + (first + n * part.step) * size)))
    (bottom, top), (left, right) = sides
    return Window(left, bottom, right, top)


def _read_other(source: Source, layer: Layer, window: Window, pixels: tuple[int, int], to_own: Transformer) -> View:
    rows, columns = pixels
    x = window.left + (np.arange(columns) + 0.5) * window.width / columns
    y = window.bottom + (np.arange(rows) + 0.5) * window.height / rows
    own_x, own_y = to_own.transform(*np.meshgrid(x, y))
    if not np.isfinite(own_x).any():
        return View(np.empty((0, 0)), window)
    own = Window(*(float(bound) for bound in (np.nanmin(own_x), np.nanmin(own_y), np.nanmax(own_x), np.nanmax(own_y))))
    view = _read_own(source, layer, own, (2 * rows, 2 * columns))
    if not view.values.size:
        return View(np.empty((0, 0)), window)
    return View(_nearest(view, own_y, own_x), window)


def _nearest(view: View, y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[Any]:
    """Values of a view at points of its own CRS; NaN, or 0 of integers, off it."""
    height, width = view.values.shape
    row = (y - view.window.bottom) / view.window.height * height
    column = (x - view.window.left) / view.window.width * width
    with np.errstate(invalid="ignore"):
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    places = tuple(np.where(inside, place, 0).astype(int) for place in (row, column))
    return np.where(inside, view.values[places], np.nan if view.values.dtype.kind == "f" else 0)


def _layer_dim(array: xr.DataArray) -> str:
    return next(str(dim) for dim in array.dims if dim not in ("y", "x"))
