"""Grids: a GeoBox and the coordinates of a raster, sizes of pixels on the ground."""

from collections.abc import Hashable
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords
from pyproj import CRS, Proj, Transformer
from scipy.interpolate import RectBivariateSpline

from cryoscale.errors import InputError


def grid_coords(geobox: GeoBox) -> dict[Hashable, xr.DataArray]:
    """Coordinates ``y``, ``x`` (pixel centres) and ``spatial_ref`` of a raster on this GeoBox.

    Parameters
    ----------
    geobox : odc.geo.geobox.GeoBox
        Shape, affine transform and CRS.

    Returns
    -------
    dict
        Ready for ``Dataset.assign_coords``.
    """
    return dict(xr_coords(geobox, dims=("y", "x")))


def geobox_of(dataset: xr.Dataset | xr.DataArray) -> GeoBox:
    """Grid of a dataset with ``y``, ``x`` and a CRS.

    Parameters
    ----------
    dataset : xarray.Dataset or xarray.DataArray
        With dims ``y``, ``x`` and the coordinate ``spatial_ref``.

    Returns
    -------
    odc.geo.geobox.GeoBox

    Raises
    ------
    InputError
        If it has no regular grid or no CRS.
    """
    geobox: GeoBox | None = dataset.odc.geobox
    if geobox is None or geobox.crs is None:
        raise InputError(
            f"{getattr(dataset, 'name', None) or 'dataset'}: no regular grid with a CRS (dims {tuple(dataset.dims)}). "
            "It needs evenly spaced y and x and a spatial_ref; set one with .odc.assign_crs('EPSG:...')."
        )
    return geobox


def pixel_spacing(geobox: GeoBox) -> tuple[float, float]:
    """Height and width of the central pixel in metres on the ground.

    Parameters
    ----------
    geobox : odc.geo.geobox.GeoBox
        Geographic or projected.

    Returns
    -------
    tuple of float
        Spacing along y and along x, m.

    Examples
    --------
    >>> from odc.geo.geobox import GeoBox
    >>> dy, dx = pixel_spacing(GeoBox.from_bbox((99, 38, 100, 39), "EPSG:4326", resolution=0.01))
    >>> round(dy), round(dx)
    (1110, 872)
    """
    dy, dx = abs(geobox.resolution.y), abs(geobox.resolution.x)
    if geobox.crs is None or not geobox.crs.geographic:
        return dy, dx
    latitude = np.deg2rad(geobox.extent.centroid.coords[0][1])
    along_meridian, along_parallel = _metres_per_degree(latitude)
    return dy * along_meridian, dx * along_parallel


def _metres_per_degree(latitude: Any) -> tuple[float, float]:
    """Lengths of one degree on the WGS84 ellipsoid (radii of curvature in the meridian and the prime vertical)."""
    a, e2 = 6378137.0, 0.00669437999014
    w2 = 1.0 - e2 * np.sin(latitude) ** 2
    meridian = a * (1.0 - e2) / w2**1.5
    return float(np.deg2rad(1) * meridian), float(np.deg2rad(1) * a / np.sqrt(w2) * np.cos(latitude))


def pixel_areas(geobox: GeoBox) -> xr.DataArray:
    """Area of every pixel on the ellipsoid of the grid's CRS.

    On a geographic grid the exact area between two parallels and two meridians (Snyder 1987, USGS Professional Paper
    1395, Eq. 3-12). On a projected grid the area on the map divided by the areal scale of the projection at the
    pixel's centre (differences over 2 km), which a cubic spline carries over from a lattice of 129 x 129 points.

    Parameters
    ----------
    geobox : odc.geo.geobox.GeoBox
        With a CRS; its axes along x and y.

    Returns
    -------
    xarray.DataArray
        (y, x), m2, float64. It takes hardly any memory: a read-only view of one column on a geographic grid, lazy on
        a projected one.

    Raises
    ------
    InputError
        If the grid has no CRS, is turned, or reaches beyond where its projection is defined.

    Examples
    --------
    >>> from odc.geo.geobox import GeoBox
    >>> areas = pixel_areas(GeoBox.from_bbox((-180, -90, 180, 90), "EPSG:4326", resolution=1.0))
    >>> print(f"{float(areas.sum()):.6e}")
    5.100656e+14
    """
    if geobox.crs is None or not geobox.axis_aligned:
        raise InputError(f"grid ({geobox.shape[0]} x {geobox.shape[1]}): areas need a CRS and axes along x and y.")
    areas = (_areas_by_latitude if geobox.crs.geographic else _areas_by_projection)(geobox.crs.proj, geobox)
    return xr.DataArray(
        areas, grid_coords(geobox), ("y", "x"), "pixel_area", {"units": "m2", "long_name": "area of a pixel"}
    )


def _semi_axes(crs: CRS) -> tuple[float, float]:
    if crs.ellipsoid is None:
        raise InputError(
            f"{crs.name}: has no ellipsoid, so that its pixels have no area. Give the grid a geodetic CRS."
        )
    return crs.ellipsoid.semi_major_metre, crs.ellipsoid.semi_minor_metre


def _areas_by_latitude(crs: CRS, geobox: GeoBox) -> Any:
    a, b = _semi_axes(crs)
    e = np.sqrt(1.0 - (b / a) ** 2)
    edges = geobox.transform.f + geobox.transform.e * np.arange(geobox.shape[0] + 1)
    s = np.sin(np.deg2rad(np.clip(edges, -90.0, 90.0)))
    below = b**2 / 2.0 * (s / (1.0 - (e * s) ** 2) + (np.arctanh(e * s) / e if e > 0.0 else s))
    column = np.abs(np.diff(below)) * np.deg2rad(abs(geobox.resolution.x))
    return np.broadcast_to(column[:, np.newaxis], geobox.shape)


def _areas_by_projection(crs: CRS, geobox: GeoBox) -> Any:
    rows, columns = (np.linspace(0.0, size, 129) for size in geobox.shape)
    transform = geobox.transform
    x, y = np.meshgrid(transform.c + transform.a * columns, transform.f + transform.e * rows)
    per_unit = _area_per_square_unit(crs, x, y)
    if not np.isfinite(per_unit).all():
        raise InputError(f"grid in {name_crs(geobox)}: reaches beyond where its projection is defined. Crop it.")
    spline = RectBivariateSpline(rows, columns, per_unit * abs(geobox.resolution.x * geobox.resolution.y))
    row, column = (da.arange(size, chunks=2048) + 0.5 for size in geobox.shape)
    return da.map_blocks(
        lambda rows, columns: spline(rows[:, 0], columns[0]),
        row[:, np.newaxis],
        column[np.newaxis],
        chunks=(*row.chunks, *column.chunks),
        dtype=np.float64,
    )


def _area_per_square_unit(crs: CRS, x: Any, y: Any) -> Any:
    """Area on the ground, m2, per square of one unit of the map: the cross product of the two tangents in space."""
    step = 1000.0 / crs.axis_info[0].unit_conversion_factor
    along_x = _places_in_space(crs, x + step, y) - _places_in_space(crs, x - step, y)
    along_y = _places_in_space(crs, x, y + step) - _places_in_space(crs, x, y - step)
    return np.linalg.norm(np.cross(along_x, along_y, axis=0), axis=0) / (2.0 * step) ** 2


def _places_in_space(crs: CRS, x: Any, y: Any) -> Any:
    """Geocentric coordinates (3, ...), m, of points of the map: no pole and no date line is special in them."""
    longitude, latitude = np.deg2rad(Proj(crs)(x, y, inverse=True))
    a, b = _semi_axes(crs)
    radius = a / np.sqrt(1.0 - (1.0 - (b / a) ** 2) * np.sin(latitude) ** 2)
    parallel = radius * np.cos(latitude)
    height = radius * (b / a) ** 2 * np.sin(latitude)
    return np.stack([parallel * np.cos(longitude), parallel * np.sin(longitude), height])


def name_crs(geobox: GeoBox) -> str:
    """EPSG code of a grid's CRS, or its name where it has none."""
    crs = geobox.crs
    if crs is None:
        return "no CRS"
    return f"EPSG:{crs.epsg}" if crs.epsg else str(crs.proj.name)


def describe_grid(geobox: GeoBox) -> str:
    """One line for people.

    Parameters
    ----------
    geobox : odc.geo.geobox.GeoBox
        Any grid with a CRS.

    Returns
    -------
    str

    Examples
    --------
    >>> from odc.geo.geobox import GeoBox
    >>> describe_grid(GeoBox.from_bbox((99, 38, 100, 39), "EPSG:4326", resolution=0.01))
    '100 x 100 pixels of 1110 x 872.3 m, EPSG:4326, x 99 to 100, y 38 to 39'
    """
    box, (dy, dx) = geobox.boundingbox, pixel_spacing(geobox)
    return (
        f"{geobox.shape[0]} x {geobox.shape[1]} pixels of {dy:.4g} x {dx:.4g} m, {name_crs(geobox)}, "
        f"x {box.left:.8g} to {box.right:.8g}, y {box.bottom:.8g} to {box.top:.8g}"
    )


def pixel_at(geobox: GeoBox, longitude: float, latitude: float) -> tuple[int, int]:
    """Row and column of the pixel that holds a place.

    Parameters
    ----------
    geobox : odc.geo.geobox.GeoBox
        Any grid with a CRS.
    longitude, latitude : float
        WGS84, degree.

    Returns
    -------
    tuple of int

    Raises
    ------
    InputError
        If the place lies outside the grid.
    """
    if geobox.crs is None:
        raise InputError(f"longitude {longitude}, latitude {latitude}: cannot be found on a grid without a CRS.")
    to_grid = Transformer.from_crs("EPSG:4326", geobox.crs.to_wkt(), always_xy=True)
    column, row = (int(np.floor(v)) for v in ~geobox.transform @ to_grid.transform(longitude, latitude))
    if not (0 <= row < geobox.shape[0] and 0 <= column < geobox.shape[1]):
        raise InputError(
            f"longitude {longitude}, latitude {latitude}: lies outside the grid ({describe_grid(geobox)}). "
            "Give degrees east and north inside it."
        )
    return row, column


def local_plane(longitude: Any, latitude: Any) -> tuple[Any, Any]:
    """Places in metres on a plane about their middle (azimuthal equidistant), for blocks and distances.

    Distances from the middle are true; others are too long by less than 2 % within 1000 km of it.

    Parameters
    ----------
    longitude, latitude : array-like
        Degree, WGS84.

    Returns
    -------
    x, y : numpy.ndarray
        m, east and north of the middle.

    Examples
    --------
    >>> x, y = local_plane([99.0, 99.0], [38.0, 39.0])
    >>> round(float(y[1] - y[0]))
    111006
    """
    longitudes, latitudes = np.asarray(longitude, float), np.asarray(latitude, float)
    middle = f"+lon_0={longitudes.mean():.9f} +lat_0={latitudes.mean():.9f}"
    plane = Transformer.from_crs("EPSG:4326", f"+proj=aeqd {middle} +datum=WGS84 +units=m", always_xy=True)
    x, y = plane.transform(longitudes, latitudes)
    return x, y
