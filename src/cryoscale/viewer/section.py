"""A cross-section: values of a map along a straight line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from odc.geo import CRS
from odc.geo.geobox import GeoBox
from pyproj import Geod, Transformer

from cryoscale.errors import ResourceError
from cryoscale.grids import geobox_of
from cryoscale.report.colours import map_colours
from cryoscale.viewer.raster import MOST_BYTES, Layer, Point, coarse_level, select_layer
from cryoscale.viewer.series import Classes, short_label
from cryoscale.viewer.source import Source, bytes_to_read

SAMPLES = 400
"""Points along a line at most."""


@dataclass(frozen=True, slots=True)
class Section:
    """Values along a line.

    Attributes
    ----------
    label : str
        Quantity and unit.
    distance : ndarray
        From the beginning, along the ground, km.
    y, x : ndarray
        The points, in the CRS of the ends.
    values : ndarray
        Of the pixels that the points lie in; NaN off the map.
    factor : int
        Of the overview that they were read from, 1 for the store itself.
    classes : tuple of (int, str)
        What the values stand for where they are classes.
    """

    label: str
    distance: NDArray[np.float64]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    values: NDArray[np.float64]
    factor: int = 1
    classes: Classes = ()


def read_section(source: Source, layer: Layer, start: Point, end: Point, *, crs: CRS | None = None) -> Section:
    """Read a map along a line.

    Parameters
    ----------
    source : Source
        The store.
    layer : Layer
        Which map.
    start, end : tuple of float
        y and x of the ends.
    crs : odc.geo.CRS, optional
        Theirs, in which the line is straight; by default the store's.

    Returns
    -------
    Section
        One point a pixel; along a line of more than `SAMPLES` pixels that many points, of an overview where there is
        one.

    Raises
    ------
    ResourceError
        If more than `MOST_BYTES` would have to be decoded.
    """
    full = geobox_of(source.data)
    crs = full.crs if crs is None else crs
    ends = _to_own(np.array([start[1], end[1]]), np.array([start[0], end[0]]), crs, full)
    columns, rows = ~full.transform * ends
    length = max(abs(columns[1] - columns[0]), abs(rows[1] - rows[0]), 1.0)
    n = min(round(length) + 1, SAMPLES)
    factor = coarse_level(source, length / n)
    along = np.linspace(0.0, 1.0, n)
    y, x = (start[i] + along * (end[i] - start[i]) for i in (0, 1))
    values = _sample(source, layer, factor, _to_own(x, y, crs, full))
    array = source.data[layer.name]
    classes = map_colours(array).classes
    return Section(short_label(array), _distance_km(x, y, crs), y, x, values, factor, classes)


def section_csv(section: Section, *, about: Sequence[str] = ()) -> str:
    """A section as text for a spreadsheet.

    Parameters
    ----------
    section : Section
        From `read_section`.
    about : sequence of str
        Lines of comment before it.

    Returns
    -------
    str
        Comma-separated: distance in km, y, x, value.
    """
    columns = {"distance_km": section.distance, "y": section.y, "x": section.x, "value": section.values}
    comments = "".join(f"# {line}\n" for line in about)
    return comments + str(pd.DataFrame(columns).to_csv(index=False, float_format="%.9g", lineterminator="\n"))


def _to_own(x: NDArray[np.float64], y: NDArray[np.float64], crs: CRS | None, geobox: GeoBox) -> tuple[Any, Any]:
    if crs == geobox.crs:
        return x, y
    own: tuple[Any, Any] = Transformer.from_crs(crs, geobox.crs, always_xy=True).transform(x, y)
    return own


def _sample(source: Source, layer: Layer, factor: int, points: tuple[Any, Any]) -> NDArray[np.float64]:
    level = source.levels[factor]
    geobox, array = geobox_of(level), level[layer.name]
    columns, rows = (np.floor(place) for place in ~geobox.transform * points)
    inside = (rows >= 0) & (rows < geobox.shape[0]) & (columns >= 0) & (columns < geobox.shape[1])
    values = np.full(len(rows), np.nan)
    if not inside.any():
        return values
    row, column = rows[inside].astype(int), columns[inside].astype(int)
    _require_readable(source, array, layer, row, column)
    line = {"y": xr.DataArray(row, dims="point"), "x": xr.DataArray(column, dims="point")}
    values[inside] = select_layer(array, layer.index).isel(line).values
    return values


def _require_readable(
    source: Source, array: xr.DataArray, layer: Layer, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> None:
    """Of the chunks that a line crosses, which are fewer than those of the box about it."""
    chunks = dict(zip(array.dims, array.encoding["chunks"], strict=True))
    crossed = len({*zip((rows // chunks["y"]).tolist(), (columns // chunks["x"]).tolist(), strict=True)})
    cost = crossed * bytes_to_read(array, {"y": int(rows[0]), "x": int(columns[0])} | _one_layer(array, layer))
    if cost > MOST_BYTES:
        raise ResourceError(
            f"{source.path.name}: this section would read {cost / 2**30:.1f} GB. Draw a shorter one, or write "
            "overviews once with cryoscale view --prepare."
        )


def _one_layer(array: xr.DataArray, layer: Layer) -> dict[str, int]:
    return {} if layer.index is None else {str(dim): layer.index for dim in array.dims if dim not in ("y", "x")}


def _distance_km(x: NDArray[np.float64], y: NDArray[np.float64], crs: CRS | None) -> NDArray[np.float64]:
    if crs is not None and crs.geographic:
        steps = np.asarray(Geod(ellps="WGS84").inv(x[:-1], y[:-1], x[1:], y[1:])[2])
    else:
        steps = np.hypot(np.diff(x), np.diff(y))
    return np.concatenate([[0.0], np.cumsum(steps)]) / 1000
