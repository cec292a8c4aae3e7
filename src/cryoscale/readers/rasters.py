"""Windows of many rasters as one array: decoding, no data, scaling, and checks of what was read."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.errors import RasterioError
from rasterio.windows import Window

from cryoscale.errors import InputError
from cryoscale.variables import VARIABLES

Values = npt.NDArray[np.float32]
Key = slice | int | list[int] | npt.NDArray[np.integer[Any]]

ZERO_IS_NO_DATA = frozenset(
    {"unwrapped_phase", "incidence_angle", "look_elevation_angle", "los_east", "los_north", "los_up"}
)
"""Variables in which processors write an exact 0 outside the swath; 0 m of elevation is a height like any other."""

_TOLERANCE = 1e-4  # of the valid range: rounding in a processor's float32


@dataclass(frozen=True, slots=True)
class Layer:
    """A raster of the stack and how its numbers become values.

    Attributes
    ----------
    path : str
        The file.
    row, column : int
        Where the stack's first pixel lies in the file.
    nodata : float or None
        Number that stands for no data.
    scale, offset : float
        Number in the file times scale plus offset is the value.
    """

    path: str
    row: int
    column: int
    nodata: float | None
    scale: float
    offset: float


@dataclass(frozen=True)
class LayerStack:
    """Rasters on one grid as an array of (layer, y, x) that reads what is asked of it and keeps nothing.

    Every read opens its own datasets, so threads and workers can share it.

    Attributes
    ----------
    name : str
        Registered variable that the rasters hold.
    layers : tuple of Layer
        One raster a layer.
    shape : tuple of int
        Layers, rows, columns.
    """

    name: str
    layers: tuple[Layer, ...]
    shape: tuple[int, int, int]
    dtype = np.dtype(np.float32)
    ndim = 3

    def __getitem__(self, key: tuple[Key, Key, Key]) -> Values:
        """Read some layers, rows and columns; keys of several axes select independently of each other."""
        index = np.arange(len(self.layers))[key[0]]
        rows, row_key = _span(key[1], self.shape[1])
        columns, column_key = _span(key[2], self.shape[2])
        values = np.empty((index.size, len(rows), len(columns)), np.float32)
        if values.size:
            for out, i in zip(values, index.flat, strict=True):
                read_window(self.layers[i], self.name, rows=rows, columns=columns, out=out)
        picked: Values = values[:, row_key][..., column_key]
        return picked if index.ndim else picked[0]


def read_window(layer: Layer, name: str, *, rows: range, columns: range, out: Values) -> None:
    """Read a window of a raster, as values with NaN for no data.

    Parameters
    ----------
    layer : Layer
        The raster.
    name : str
        Registered variable that it holds.
    rows, columns : range
        Window in the stack's pixels.
    out : numpy.ndarray of float32
        Filled with the values, (rows, columns).

    Raises
    ------
    InputError
        If the window cannot be decoded, or a value is outside the variable's valid range.
    """
    window = Window(layer.column + columns.start, layer.row + rows.start, len(columns), len(rows))
    try:
        with rasterio.open(layer.path) as source:
            source.read(1, window=window, out=out)
    except RasterioError as error:
        raise InputError(
            f"{layer.path}: rows {layer.row + rows.start} to {layer.row + rows.stop - 1} cannot be read "
            f"({error.__cause__ or error}). The file is damaged: copy it again, or take the pair out of the input."
        ) from error
    decode(out, layer, name)


def decode(values: Values, layer: Layer, name: str) -> None:
    """Turn the numbers of a file into values, in place.

    Parameters
    ----------
    values : numpy.ndarray of float32
        Numbers as they are in the file; values afterwards, NaN for no data.
    layer : Layer
        Says what stands for no data, scale and offset.
    name : str
        Registered variable; whether 0 is no data, and the valid range.

    Raises
    ------
    InputError
        If a value is outside the valid range.
    """
    empty = ~np.isfinite(values)
    if name in ZERO_IS_NO_DATA:
        empty |= values == 0
    if layer.nodata is not None:
        limits = np.finfo(np.float32)
        empty |= values == np.float32(np.clip(layer.nodata, limits.min, limits.max))
    if (layer.scale, layer.offset) != (1.0, 0.0):
        values *= np.float32(layer.scale)
        values += np.float32(layer.offset)
    _check_range(values, layer, name, where=~empty)
    values[empty] = np.nan


def _check_range(values: Values, layer: Layer, name: str, *, where: npt.NDArray[np.bool_]) -> None:
    """Refuse values that cannot be true: another unit, another quantity, or a no-data number without its tag."""
    variable = VARIABLES[name]
    if variable.valid_range is None:
        return
    low, high = variable.valid_range
    slack = _TOLERANCE * (high - low)
    smallest, largest = values.min(where=where, initial=high), values.max(where=where, initial=low)
    if smallest < low - slack or largest > high + slack:
        worst = smallest if smallest < low - slack else largest
        raise InputError(
            f"{layer.path}: {name} is {worst:.6g} somewhere, but must be {low:.4g} to {high:.4g} {variable.units}. "
            "Check the unit, and that the file's nodata tag names the number it uses for no data."
        )


def _span(key: Key, size: int) -> tuple[range, Key]:
    """Contiguous range that a key touches, and the key within that range; a plain slice copies nothing."""
    touched = np.arange(size)[key]
    if touched.size == 0:
        return range(0), slice(None)
    low, high = int(touched.min()), int(touched.max())
    within = slice(None) if isinstance(key, slice) and key.step in (None, 1) else touched - low
    return range(low, high + 1), within
