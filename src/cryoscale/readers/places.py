"""Where the pixels of one grid lie in another, pixel by pixel: the same answer for every window that asks."""

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from rasterio.crs import CRS

from cryoscale.errors import InputError
from cryoscale.readers.headers import Grid, same_crs

Places = npt.NDArray[np.float64]

BORDER = 1e-6
"""Pixels within which a place is on the border of two pixels: it goes to the second, whatever rounding says."""


def grid_of(geobox: GeoBox) -> Grid:
    """A GeoBox as the readers' grid.

    Parameters
    ----------
    geobox : odc.geo.geobox.GeoBox
        With a CRS.

    Returns
    -------
    Grid

    Raises
    ------
    InputError
        If it has no CRS.
    """
    if geobox.crs is None:
        raise InputError("geobox: has no CRS, files cannot be placed on it. Set one with .odc.assign_crs('EPSG:...').")
    return Grid(CRS.from_wkt(geobox.crs.to_wkt()), geobox.transform, (geobox.shape[0], geobox.shape[1]))


def pixel_places(target: Grid, rows: npt.ArrayLike, columns: npt.ArrayLike, *, grid: Grid) -> tuple[Places, Places]:
    """Where pixels of a target grid lie in another grid.

    Between two CRS without a known datum shift, such as a geographic CRS that names no more than the Krasovsky 1940
    ellipsoid, PROJ keeps longitude and latitude as they are (a ballpark transformation); the true shift of such maps
    is of the order of 100 m.

    Parameters
    ----------
    target : Grid
        The grid whose pixels are asked for.
    rows, columns : array_like
        Rows (y) and columns (x) of the target; 0 is the centre of the first pixel.
    grid : Grid
        The grid that they are looked for in.

    Returns
    -------
    tuple of numpy.ndarray
        Rows and columns (y, x) in `grid`, 0 being the centre of its first pixel; infinite where there is no answer.

    Examples
    --------
    >>> from affine import Affine
    >>> coarse = Grid(CRS.from_epsg(4326), Affine(0.2, 0, 90, 0, -0.2, 40), (5, 5))
    >>> fine = Grid(CRS.from_epsg(4326), Affine(0.1, 0, 90, 0, -0.1, 40), (10, 10))
    >>> [float(place[0, 0].round(3)) for place in pixel_places(coarse, [0], [1], grid=fine)]
    [0.5, 2.5]
    """
    x, y = np.meshgrid(np.asarray(columns) + 0.5, np.asarray(rows) + 0.5)
    x, y = target.transform.c + target.transform.a * x, target.transform.f + target.transform.e * y
    return places_at(x, y, crs=target.crs, grid=grid)


def places_at(x: npt.ArrayLike, y: npt.ArrayLike, *, crs: CRS, grid: Grid) -> tuple[Places, Places]:
    """Where coordinates lie in a grid.

    Parameters
    ----------
    x, y : array_like
        Coordinates; longitude and latitude in that order.
    crs : rasterio.crs.CRS
        Theirs.
    grid : Grid
        The grid.

    Returns
    -------
    tuple of numpy.ndarray
        Rows and columns, 0 being the centre of the grid's first pixel; infinite where there is no answer.
    """
    across, down = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if not same_crs(crs, grid.crs):
        across, down = Transformer.from_crs(crs, grid.crs, always_xy=True).transform(across, down)
    return (down - grid.transform.f) / grid.transform.e - 0.5, (across - grid.transform.c) / grid.transform.a - 0.5


def window_of(places: Places, size: int) -> range:
    """Pixels of an axis between whose centres the places lie, and their nearest, as far as the axis has them.

    Parameters
    ----------
    places : numpy.ndarray
        Places along the axis, 0 being the centre of the first pixel.
    size : int
        Pixels of the axis.

    Returns
    -------
    range
        Empty if all places lie outside.
    """
    inside = places[(places >= -0.5 - BORDER) & (places <= size - 0.5)]
    if not inside.size:
        return range(0)
    return range(max(int(np.floor(inside.min())), 0), min(int(np.floor(inside.max())) + 2, size))
