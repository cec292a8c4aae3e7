"""Land cover on a grid: from a map of classes by majority, or from fractions by the largest."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.readers.mosaics import Part, layers_of, open_part
from cryoscale.readers.warp import Resampling, open_on_grid, warp_parts
from cryoscale.variables import attributes

_NAME = "land_cover"

_TOTALS = ("LAND",)
"""Layers of the ESA CCI PFT product that are sums of others."""

_PERCENT = ("%", "percent")

_MOST = 255
"""Classes that an unsigned byte can tell apart beside no data."""


def open_land_cover(
    source: Path | Mapping[str, Path],
    *,
    geobox: GeoBox,
    chunks: Mapping[str, int],
    layers: Mapping[str, str] | None = None,
    legend: Mapping[int, str] | None = None,
    nodata: float | None = None,
) -> xr.DataArray:
    """Open land cover on a grid.

    Parameters
    ----------
    source : Path or mapping of str to Path
        A raster of classes, numbers from 1 to 255; each pixel gets the commonest. Or fractions of the classes, as
        percentages or as 0 to 1: a file with a layer for each, such as a NetCDF file of ESA CCI PFT with a variable
        for each plant functional type, or a mapping of class to file. These are averaged over each pixel, which gets
        the class with the largest; of equals, the first.
    geobox : odc.geo.geobox.GeoBox
        The grid, with any CRS.
    chunks : mapping
        Chunk lengths along ``y`` and ``x``. The result does not depend on them.
    layers : mapping, optional
        Class to variable (or band, by description or number) in a file of fractions. All by default, named as in the
        file, but for LAND, which ESA CCI PFT has as a sum of others.
    legend : mapping, optional
        Of a raster of classes, number to name of each class. A class that it lacks is an error.
    nodata : float, optional
        Number that stands for no data instead of the file's tag. Without either, 0 is no data too.

    Returns
    -------
    xarray.DataArray
        ``land_cover`` (y, x), uint8, lazy; 0 is no data. ``flag_values`` and ``flag_meanings`` name the classes: those
        of the legend, or the fractions' in order from 1.

    Raises
    ------
    InputError
        If a file cannot be used or does not overlap the grid, a layer is missing, or units differ; while computing, if
        a class is not in the legend, or a fraction not within 0 to 100.
    """
    fractions = _fractions(source, layers)
    if fractions:
        names = dict(enumerate(fractions, start=1))
        classes = _by_fraction(list(fractions.values()), geobox=geobox, chunks=chunks)
    else:
        names, path = dict(legend or {}), Path(str(source))
        raster = open_on_grid(path, _NAME, geobox=geobox, resampling=Resampling.MAJORITY, chunks=chunks, nodata=nodata)
        check = partial(_as_classes, legend=tuple(sorted(names)), path=str(path))
        classes = da.map_blocks(check, raster.data, meta=np.empty((0, 0), np.uint8))
    attrs = attributes(_NAME) | _flags(names)
    return xr.DataArray(classes, dims=("y", "x"), coords=grid_coords(geobox), name=_NAME, attrs=attrs)


def _by_fraction(parts: Sequence[Part], *, geobox: GeoBox, chunks: Mapping[str, int]) -> da.Array:
    """Number, from 1, of the layer with the largest average."""
    if len(parts) > _MOST:
        raise InputError(f"{parts[0].name}: {len(parts)} layers cannot be told apart by {_MOST} numbers. Choose some.")
    averages = [
        factor * warp_parts([part], geobox=geobox, resampling=Resampling.AVERAGE, chunks=chunks)
        for part, factor in zip(parts, _factors(parts), strict=True)
    ]
    label = ", ".join(dict.fromkeys(part.name for part in parts))
    array: da.Array = da.map_blocks(partial(_largest, label=label), *averages, meta=np.empty((0, 0), np.uint8))
    return array


def _fractions(source: Path | Mapping[str, Path], layers: Mapping[str, str] | None) -> dict[str, Part]:
    """Classes and their layers; none if the source is a raster of classes."""
    if not isinstance(source, Path):
        if layers is not None:
            raise InputError("layers: says which layers of one file to take, but there is a file for each class.")
        if not source:
            raise InputError("land_cover: no files are given. Give a file for each class.")
        return {name: open_part(path) for name, path in source.items()}
    if not source.is_file():
        raise InputError(f"{source}: does not exist.")
    there = layers_of(source)
    if layers is None:
        return {name: part for name, part in there.items() if name not in _TOTALS} if len(there) > 1 else {}
    missing = [layer for layer in layers.values() if layer not in there]
    if missing:
        raise InputError(f"{source}: has no layer {', '.join(missing)}; it has {', '.join(there)}.")
    return {name: there[layer] for name, layer in layers.items()}


def _factors(parts: Sequence[Part]) -> list[float]:
    """What makes all layers fractions of one unit; where none has a unit tag, they are taken to agree."""
    units = [part.header.units.lower() for part in parts]
    if len({unit in _PERCENT for unit in units}) == 1:
        return [1.0] * len(parts)
    untagged = [part.name for part, unit in zip(parts, units, strict=True) if not unit]
    if untagged:
        raise InputError(f"{untagged[0]}: has no unit, but other layers are in %. Set its unit tag, '%' or '1'.")
    return [1.0 if unit in _PERCENT else 100.0 for unit in units]


def _largest(*fractions: npt.NDArray[Any], label: str) -> npt.NDArray[np.uint8]:
    """Number, from 1, of the largest fraction; 0 where there is none above 0."""
    stack = np.nan_to_num(np.stack(fractions), nan=0.0)
    if stack.min() < 0.0 or stack.max() > 100.01:
        worst = stack.min() if stack.min() < 0.0 else stack.max()
        raise InputError(
            f"{label}: a fraction is {worst:.6g}, but must be 0 to 100 % (or 0 to 1). Check the unit, and that the "
            "nodata tag names the number that is used for no data."
        )
    classes: npt.NDArray[np.uint8] = np.where(stack.max(axis=0) > 0.0, stack.argmax(axis=0) + 1, 0).astype(np.uint8)
    return classes


def _as_classes(values: npt.NDArray[Any], *, legend: tuple[int, ...], path: str) -> npt.NDArray[np.uint8]:
    """Numbers of classes, 0 for no data; refused if the legend lacks one, or if there is none and it is no class."""
    numbers = np.nan_to_num(values, nan=0.0)
    known = legend or tuple(range(1, _MOST + 1))
    unknown = [f"{value:g}" for value in np.unique(numbers) if value and value not in known]
    if unknown:
        allowed = f"{', '.join(map(str, known))}, those of the legend" if legend else f"whole numbers from 1 to {_MOST}"
        raise InputError(
            f"{path}: has the class {', '.join(unknown[:5])}, but classes must be {allowed}. Add it to the legend, or "
            "name it as nodata."
        )
    return np.asarray(numbers, np.uint8)


def _flags(names: Mapping[int, str]) -> dict[str, object]:
    """Attributes of a classification: numbers, and names as single words."""
    if not names:
        return {}
    words = " ".join(re.sub(r"\W+", "_", name.strip()) for _, name in sorted(names.items()))
    return {"flag_values": sorted(names), "flag_meanings": words}
