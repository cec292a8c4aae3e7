"""Masks, such as of glaciers and lakes, from outlines or rasters, on a grid."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dask.array as da
import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyogrio
import rasterio
import shapely
import xarray as xr
from dask._task_spec import Task
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph
from odc.geo.geobox import GeoBox
from pyogrio.errors import DataLayerError, DataSourceError
from rasterio.errors import RasterioError
from rasterio.warp import transform_bounds

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.readers.headers import Grid
from cryoscale.readers.places import grid_of
from cryoscale.readers.warp import Resampling, open_on_grid, spans_of
from cryoscale.variables import attributes

Bounds = tuple[float, float, float, float]
Shapes = npt.NDArray[np.object_]

_POLYGONAL = ("Polygon", "MultiPolygon")
_MARGIN = 0.05  # of the grid's extent: outlines are cut there before they are reprojected
_SEGMENT = 10  # pixels: longest straight piece of an outline that is reprojected by its ends


def open_mask(path: Path, name: str, *, geobox: GeoBox, chunks: Mapping[str, int]) -> xr.DataArray:
    """Open a mask as a registered variable on a grid.

    Parameters
    ----------
    path : Path
        Outlines in any vector format that GDAL reads (GeoPackage, Shapefile, GeoJSON): a pixel is True if its centre
        lies in one. Invalid outlines are repaired. Or a raster: True where the commonest number under a pixel is not 0.
    name : str
        The registered variable, such as ``glacier`` or ``lake``.
    geobox : odc.geo.geobox.GeoBox
        The grid, with any CRS.
    chunks : mapping
        Chunk lengths along ``y`` and ``x``. The result does not depend on them.

    Returns
    -------
    xarray.DataArray
        (y, x), bool, lazy. False where the file does not reach: outlines that do not overlap the grid give no True.

    Raises
    ------
    InputError
        If the file cannot be read, has no CRS or no polygons, or is a raster that does not overlap the grid.
    """
    if _is_raster(path):
        raster = open_on_grid(path, name, geobox=geobox, resampling=Resampling.MAJORITY, chunks=chunks)
        mask = (raster.fillna(0.0) != 0.0).data
    else:
        grid = grid_of(geobox)
        mask = _burn_lazily(_shapes_on(grid, path), grid, chunks=chunks)
    return xr.DataArray(mask, dims=("y", "x"), coords=grid_coords(geobox), name=name, attrs=attributes(name))


def read_areas(path: Path, *, within: Bounds | None = None, within_crs: Any = None) -> gpd.GeoDataFrame:
    """Read polygons.

    Parameters
    ----------
    path : Path
        Any vector format that GDAL reads; its first layer.
    within : tuple of float, optional
        Only polygons that touch these bounds: left, bottom, right, top.
    within_crs : optional
        CRS of the bounds; the file's own by default.

    Returns
    -------
    geopandas.GeoDataFrame
        Valid polygons, in the file's CRS.

    Raises
    ------
    InputError
        If the file cannot be read, has no CRS, or holds no polygons.
    """
    try:
        info = pyogrio.read_info(path)
        if info["crs"] is None:
            raise InputError(f"{path}: has no CRS. Assign one: ogr2ogr -a_srs EPSG:... out.gpkg {path.name}")
        if within is not None and within_crs is not None:
            within = transform_bounds(within_crs, info["crs"], *within)
        areas = gpd.read_file(path, bbox=within, engine="pyogrio")
    except (DataSourceError, DataLayerError) as error:
        raise InputError(f"{path}: cannot be read as a raster nor as vectors ({error}).") from None
    kinds = set(areas.geom_type.dropna())
    if info["features"] == 0 or (kinds and not kinds & set(_POLYGONAL)):
        raise InputError(f"{path}: holds no polygons, but {', '.join(sorted(kinds)) or 'nothing'}. Give outlines.")
    areas = areas[areas.geom_type.isin(_POLYGONAL)]
    return areas.set_geometry(areas.geometry.make_valid())


def _is_raster(path: Path) -> bool:
    try:
        with rasterio.open(path):
            return True
    except RasterioError:
        return False


def _shapes_on(grid: Grid, path: Path) -> Shapes:
    """Outlines near a grid, in its CRS; straight pieces are short enough to stay in place when reprojected."""
    box = grid.geobox.boundingbox
    margin = _MARGIN * max(abs(box.span_x), abs(box.span_y))
    around = box.left - margin, box.bottom - margin, box.right + margin, box.top + margin
    areas = read_areas(path, within=around, within_crs=grid.crs)
    if areas.empty:
        return np.empty(0, object)
    left, bottom, right, top = transform_bounds(grid.crs, areas.crs, *around)
    near = areas.geometry.intersection(shapely.box(left, bottom, right, top))
    longest = _SEGMENT * max((right - left) / grid.shape[1], (top - bottom) / grid.shape[0])
    shapes = near.segmentize(longest).to_crs(grid.crs.to_wkt()).make_valid()
    return np.asarray(shapes[~shapes.is_empty].values, dtype=object)


def _burn_lazily(shapes: Shapes, grid: Grid, *, chunks: Mapping[str, int]) -> da.Array:
    """A mask whose chunks each carry the outlines that touch them."""
    lengths = da.core.normalize_chunks((chunks["y"], chunks["x"]), grid.shape)
    encoded = shapely.to_wkb(shapes)
    name = f"mask-{tokenize(encoded, grid.transform, lengths)}"
    tree = shapely.STRtree(shapes)
    tasks: dict[Any, Task] = {}
    for i, rows in enumerate(spans_of(lengths[0])):
        for j, columns in enumerate(spans_of(lengths[1])):
            corners = [grid.transform @ (column, row) for row in _ends(rows) for column in _ends(columns)]
            (left, bottom), (right, top) = np.min(corners, axis=0), np.max(corners, axis=0)
            touching = encoded[np.sort(tree.query(shapely.box(left, bottom, right, top)))]
            tasks[name, i, j] = Task((name, i, j), _burn_window, touching, rows, columns, grid)
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=[])
    return da.Array(graph, name, lengths, meta=np.empty((0, 0), bool))


def _ends(span: range) -> tuple[int, int]:
    return span.start, span.stop


def _burn_window(encoded: Shapes, rows: range, columns: range, grid: Grid) -> npt.NDArray[np.bool_]:
    """Pixels of a window whose centres lie in an outline. Each is asked by itself, so windows cannot matter."""
    x = grid.transform.c + grid.transform.a * (np.array(columns) + 0.5)
    y = grid.transform.f + grid.transform.e * (np.array(rows) + 0.5)
    mask = np.zeros((len(rows), len(columns)), bool)
    for shape in shapely.from_wkb(encoded):  # outlines of its own, as threads must not prepare the same one at once
        left, bottom, right, top = shape.bounds
        across, down = np.flatnonzero((x >= left) & (x <= right)), np.flatnonzero((y >= bottom) & (y <= top))
        if across.size and down.size:
            near = slice(down[0], down[-1] + 1), slice(across[0], across[-1] + 1)
            shapely.prepare(shape)
            mask[near] |= shapely.intersects_xy(shape, *np.meshgrid(x[near[1]], y[near[0]]))
    return mask
