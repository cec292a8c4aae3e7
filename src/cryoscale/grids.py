"""Grids: a GeoBox and the coordinates of a raster, sizes of pixels on the ground."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords
from pyproj import Transformer

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
