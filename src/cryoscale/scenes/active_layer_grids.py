"""The grids of the active-layer scene: 30 m, and whole multiples of it for NDVI and LST."""

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from cryoscale.errors import InputError
from cryoscale.scenes.terrain import Field

CRS, CENTRE = "EPSG:32647", (38.0, 99.2)  # UTM 47N; latitude and longitude of the upper Datong
PIXEL = 30.0  # m
LST_FACTOR, NDVI_FACTOR = 32, 8  # pixels of 960 m and 240 m, so that each is a whole number of fine ones


def fine_geobox(shape: tuple[int, int]) -> GeoBox:
    """The grid of 30 m, around the centre, with corners at multiples of a pixel of LST.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns, multiples of 32.

    Returns
    -------
    odc.geo.geobox.GeoBox

    Raises
    ------
    InputError
        If the grid is not a whole number of pixels of 960 m, or has fewer than two along a side.
    """
    if any(size % LST_FACTOR or size < 2 * LST_FACTOR for size in shape):
        raise InputError(
            f"shape: {shape} is not made of pixels of {LST_FACTOR * PIXEL:g} m. "
            f"Give multiples of {LST_FACTOR} pixels of {PIXEL:g} m, {2 * LST_FACTOR} or more."
        )
    x, y = Transformer.from_crs("EPSG:4326", CRS, always_xy=True).transform(CENTRE[1], CENTRE[0])
    size = LST_FACTOR * PIXEL
    west, north = (round(centre / size) * size for centre in (x, y))
    west -= shape[1] // LST_FACTOR // 2 * size
    north += shape[0] // LST_FACTOR // 2 * size
    return GeoBox(shape, Affine(PIXEL, 0, west, 0, -PIXEL, north), CRS)


def block_mean(field: NDArray[np.generic], factor: int) -> Field:
    """Means over squares of pixels, the footprint of an ideal sensor.

    Parameters
    ----------
    field : ndarray (..., y, x)
        Numbers or truths; rows and columns are multiples of the factor.
    factor : int
        Pixels along a side of a square.

    Returns
    -------
    ndarray (..., y, x)
        float32.

    Examples
    --------
    >>> block_mean(np.arange(16).reshape(4, 4), 2)
    array([[ 2.5,  4.5],
           [10.5, 12.5]], dtype=float32)
    """
    *others, rows, columns = field.shape
    cells = field.astype(np.float64).reshape(*others, rows // factor, factor, columns // factor, factor)
    return np.asarray(cells.mean((-3, -1)), np.float32)


def coarse_geobox(geobox: GeoBox, factor: int) -> GeoBox:
    """The grid of `block_mean`: the same corners, fewer pixels.

    Parameters
    ----------
    geobox : odc.geo.geobox.GeoBox
        The fine grid.
    factor : int
        Its pixels along a side of a coarse one.

    Returns
    -------
    odc.geo.geobox.GeoBox
    """
    rows, columns = (size // factor for size in geobox.shape)
    return GeoBox((rows, columns), geobox.transform @ Affine.scale(factor), geobox.crs)
