"""Geomorphic or sedimentary units on a grid: from a raster of codes, or from polygons with names."""

import re
from collections.abc import Mapping
from pathlib import Path

import rasterio
import xarray as xr
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.readers.areas import burn_areas
from cryoscale.readers.land_cover import open_land_cover
from cryoscale.readers.vectors import _is_raster, read_areas
from cryoscale.variables import attributes

_NAME = "ground_unit"


def open_ground_units(
    path: Path,
    *,
    geobox: GeoBox,
    chunks: Mapping[str, int],
    column: str = "unit",
    names: Mapping[int, str] | None = None,
) -> xr.DataArray:
    """Open a map of units.

    Parameters
    ----------
    path : Path
        A raster of codes from 1 to 255, of which the commonest under a pixel counts, or polygons in any vector format
        that GDAL reads.
    geobox : odc.geo.geobox.GeoBox
        The grid, with any CRS.
    chunks : mapping
        Chunk lengths along ``y`` and ``x``. The result does not depend on them.
    column : str
        Of polygons: the column with the name of the unit. Codes go by the alphabet, from 1.
    names : mapping of int to str, optional
        Of a raster: names by code. By default those of its metadata, ``class_1=alluvial``, as `writers.write_cog`
        writes them.

    Returns
    -------
    xarray.DataArray
        ``ground_unit`` (y, x), uint8, lazy, 0 where there is none; ``flag_values`` and ``flag_meanings`` name the
        units where they have names.

    Raises
    ------
    InputError
        If the file cannot be used, does not overlap the grid, or lacks the column; of a raster while computing, if it
        has a code without a name.
    """
    if not path.exists():
        raise InputError(f"{path}: does not exist.")
    if _is_raster(path):
        legend = dict(names or _names_of(path))
        codes = open_land_cover(path, geobox=geobox, chunks=chunks, legend=legend or None)
        flags = {key: codes.attrs[key] for key in ("flag_values", "flag_meanings") if legend}
        return codes.rename(_NAME).drop_attrs().assign_attrs(attributes(_NAME) | flags)
    areas = read_areas(path)
    if column not in areas:
        known = ", ".join(str(name) for name in areas.columns.drop(areas.geometry.name))
        raise InputError(f"{path}: has the columns {known}; the names of the units must be in {column!r}. Name it.")
    if areas[column].isna().any():
        raise InputError(f"{path}: {int(areas[column].isna().sum())} polygons have no {column}. Name them.")
    words = areas[column].astype(str).map(lambda name: re.sub(r"\W+", "_", name.strip()))
    legend = dict(enumerate(sorted(words.unique()), start=1))
    codes = words.map({name: code for code, name in legend.items()})
    burnt = burn_areas(areas, codes, _NAME, geobox=geobox, chunks=chunks)
    return burnt.assign_attrs(flag_values=list(legend), flag_meanings=" ".join(legend.values()))


def _names_of(path: Path) -> dict[int, str]:
    """Names of classes by code in the metadata of a raster."""
    with rasterio.open(path) as source:
        tags = source.tags(1)
    found = {re.fullmatch(r"class_(\d+)", key): value for key, value in tags.items()}
    return {int(match[1]): value for match, value in found.items() if match and int(match[1])}
