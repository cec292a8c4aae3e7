"""Areas with names or numbers, such as geological units or pits, as a map of codes."""

from collections.abc import Mapping
from typing import Any

import dask.array as da
import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
import xarray as xr
from odc.geo.geobox import GeoBox
from rasterio.warp import transform_bounds

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.readers.headers import Grid
from cryoscale.readers.places import grid_of
from cryoscale.readers.vectors import _burn_window
from cryoscale.variables import attributes

Codes = npt.NDArray[np.uint8]

MOST = 255
"""Codes that an unsigned byte can tell apart beside 0."""

_SEGMENT = 10  # pixels: longest straight piece of an outline that is reprojected by its ends


def burn_areas(
    areas: gpd.GeoDataFrame, codes: npt.ArrayLike, name: str, *, geobox: GeoBox, chunks: Mapping[str, int]
) -> xr.DataArray:
    """Map of the code of the area that the centre of each pixel lies in.

    Parameters
    ----------
    areas : geopandas.GeoDataFrame
        Polygons with a CRS.
    codes : array_like of int
        Code of each polygon, 1 to 255.
    name : str
        The registered variable that this is.
    geobox : odc.geo.geobox.GeoBox
        The grid, with any CRS.
    chunks : mapping
        Chunk lengths along ``y`` and ``x``. The result does not depend on them.

    Returns
    -------
    xarray.DataArray
        (y, x), uint8, lazy; 0 outside. Where areas overlap, the last one counts.

    Raises
    ------
    InputError
        If a code is no number from 1 to 255.

    Examples
    --------
    >>> box = GeoBox.from_bbox((0, 0, 4, 2), "EPSG:32647", resolution=1)
    >>> areas = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 3, 2), shapely.box(2, 0, 4, 1)], crs="EPSG:32647")
    >>> burn_areas(areas, [1, 7], "ground_unit", geobox=box, chunks={"y": 1, "x": 4}).values.tolist()
    [[1, 1, 1, 0], [1, 1, 7, 7]]
    """
    numbers = np.asarray(codes, np.int64)
    if numbers.size and not (numbers.min() >= 1 and numbers.max() <= MOST):
        raise InputError(f"{name}: codes must be 1 to {MOST}, not {numbers.min()} to {numbers.max()}. Merge areas.")
    grid = grid_of(geobox)
    left, bottom, right, top = transform_bounds(grid.crs, areas.crs, *geobox.boundingbox.bbox)
    longest = _SEGMENT * max((right - left) / grid.shape[1], (top - bottom) / grid.shape[0])
    outlines = areas.geometry.segmentize(longest).to_crs(grid.crs.to_wkt()).make_valid()
    values = da.map_blocks(
        _burn_codes,
        outlines=np.asarray(shapely.to_wkb(outlines.values), dtype=object),
        codes=numbers.astype(np.uint8),
        grid=grid,
        chunks=da.core.normalize_chunks((chunks["y"], chunks["x"]), grid.shape),
        dtype=np.uint8,
        meta=np.empty((0, 0), np.uint8),
    )
    return xr.DataArray(values, dims=("y", "x"), coords=grid_coords(geobox), name=name, attrs=attributes(name))


def _burn_codes(
    *, outlines: npt.NDArray[np.object_], codes: Codes, grid: Grid, block_info: dict[Any, dict[str, Any]]
) -> Codes:
    rows, columns = (range(start, stop) for start, stop in block_info[None]["array-location"])
    burnt = np.zeros((len(rows), len(columns)), np.uint8)
    for number, code in enumerate(codes):
        burnt[_burn_window(outlines[number : number + 1], rows, columns, grid)] = code
    return burnt
