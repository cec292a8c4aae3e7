"""Means over a basin: how much of each pixel of a grid lies in it."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
import xarray as xr
from odc.geo.geobox import GeoBox
from shapely import affinity

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords, pixel_areas

_SEGMENT = 0.1  # pixels: longest straight piece of an outline that is reprojected by its ends
_COVERED = 0.999  # of the basin that the grid must reach


def basin_weights(geobox: GeoBox, basin: gpd.GeoDataFrame) -> xr.DataArray:
    """Area of each pixel that lies in a basin.

    A pixel that the outline cuts counts with the share of it that lies inside, taken on the map of longitude and
    latitude (within a pixel of 0.1 degree a degree of longitude changes by less than 1 % up to 79 degrees), times its
    area on the ellipsoid. Longitudes from 0 to 360 and from -180 to 180 degrees are the same.

    Parameters
    ----------
    geobox : odc.geo.geobox.GeoBox
        Geographic, of longitude and latitude.
    basin : geopandas.GeoDataFrame
        Polygons in any CRS; several are taken together.

    Returns
    -------
    xarray.DataArray
        (y, x), m2.

    Raises
    ------
    InputError
        If the basin has no CRS or no area, or reaches beyond the grid.

    Examples
    --------
    >>> grid = GeoBox.from_bbox((99, 38, 99.2, 38.1), "EPSG:4326", resolution=0.1)
    >>> basin = gpd.GeoDataFrame(geometry=[shapely.box(99.0, 38.0, 99.15, 38.1)], crs="EPSG:4326")
    >>> (basin_weights(grid, basin) / pixel_areas(grid)).values.round(6)
    array([[1. , 0.5]])
    """
    outline = _outline(basin, abs(geobox.resolution.x))
    share = np.sum([_shares(geobox, affinity.translate(outline, turn)) for turn in (-360.0, 0.0, 360.0)], axis=0)
    covered = float(np.sum(share)) * abs(geobox.resolution.x * geobox.resolution.y) / outline.area
    if covered < _COVERED:
        box = geobox.boundingbox
        raise InputError(
            f"basin: {covered:.1%} of it lies within the grid (longitude {box.left:.6g} to {box.right:.6g}, latitude "
            f"{box.bottom:.6g} to {box.top:.6g}). Give files that cover it, or an outline within them."
        )
    return xr.DataArray(share, grid_coords(geobox), ("y", "x"), attrs={"units": "m2"}) * pixel_areas(geobox).values


def _outline(basin: gpd.GeoDataFrame, pixel: float) -> shapely.Geometry:
    """The basin in longitude and latitude."""
    if basin.crs is None:
        raise InputError("basin: has no CRS. Set one with .set_crs('EPSG:...').")
    shapes = basin.geometry
    if not basin.crs.is_geographic:
        metres = 111_000.0 * pixel * _SEGMENT
        shapes = shapes.segmentize(metres / basin.crs.axis_info[0].unit_conversion_factor)
    outline = shapes.to_crs("EPSG:4326").make_valid().union_all()
    if not outline.area > 0.0:
        raise InputError("basin: has no area. Give one or more polygons.")
    return outline


def _shares(geobox: GeoBox, outline: shapely.Geometry) -> npt.NDArray[np.float64]:
    """Share of each pixel that lies in an outline."""
    shape = geobox.shape[0], geobox.shape[1]
    left, bottom, right, top = outline.bounds
    x, y = (
        start + step * np.arange(size + 1)
        for start, step, size in (
            (geobox.transform.c, geobox.transform.a, shape[1]),
            (geobox.transform.f, geobox.transform.e, shape[0]),
        )
    )
    columns = _touched(x, left, right)
    rows = _touched(y, bottom, top)
    west, south = np.meshgrid(np.minimum(x[:-1], x[1:])[columns], np.minimum(y[:-1], y[1:])[rows])
    width, height = abs(geobox.transform.a), abs(geobox.transform.e)
    pixels = shapely.box(west, south, west + width, south + height)
    share = np.zeros(shape)
    shapely.prepare(outline)
    share[np.ix_(rows, columns)] = shapely.area(shapely.intersection(pixels, outline)) / (width * height)
    return share


def _touched(edges: npt.NDArray[np.float64], low: float, high: float) -> npt.NDArray[np.intp]:
    lower, upper = np.minimum(edges[:-1], edges[1:]), np.maximum(edges[:-1], edges[1:])
    return np.flatnonzero((lower < high) & (upper > low))
