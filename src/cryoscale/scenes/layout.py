"""What every scene shares: its grid, its line of sight, its reference, and the form of its datasets."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy.ndimage import distance_transform_edt

from cryoscale.grids import grid_coords, pixel_spacing
from cryoscale.scenes.network import Network
from cryoscale.scenes.terrain import Field, Terrain
from cryoscale.variables import attributes

CENTRE = (38.036, 99.634)  # latitude and longitude of the paper's example site
PIXEL = 0.0003  # degree, about 30 m
MASK_BELOW = 0.3  # coherence under which the paper drops a pixel
REFERENCE_RADIUS = 3  # pixels around the reference point over which delays average to nothing
ANGLE_PER_METRE = 7.5e-5  # growth of the incidence angle along range: 0.75 degree over 10 km


def scene_geobox(shape: tuple[int, int]) -> GeoBox:
    """Grid of a scene, in longitude and latitude around the paper's example site.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.

    Returns
    -------
    odc.geo.geobox.GeoBox
    """
    north = round(CENTRE[0] + shape[0] // 2 * PIXEL, 4)
    west = round(CENTRE[1] - shape[1] // 2 * PIXEL, 4)
    return GeoBox(shape, Affine(PIXEL, 0, west, 0, -PIXEL, north), "EPSG:4326")


def incidence_map(geobox: GeoBox, centre: float, *, heading: float) -> Field:
    """Incidence angle of a radar that looks to the right: it grows away from the track.

    Parameters
    ----------
    geobox : odc.geo.geobox.GeoBox
        Grid of the scene.
    centre : float
        Incidence angle at the scene's centre, degree.
    heading : float
        Direction of flight clockwise from north, degree; only whether it looks east or west counts.

    Returns
    -------
    ndarray (y, x)
        degree, float32.

    Examples
    --------
    >>> descending = incidence_map(scene_geobox((2, 3)), 39.0, heading=-170.0)
    >>> bool(descending[0, 0] > descending[0, 2])
    True
    """
    toward_east = np.sign(np.cos(np.deg2rad(heading)))
    distance = (np.arange(geobox.width) - (geobox.width - 1) / 2) * (toward_east * pixel_spacing(geobox)[1])
    angle = centre + ANGLE_PER_METRE * distance
    return np.broadcast_to(angle.astype(np.float32), geobox.shape).copy()


def reference_pixel(terrain: Terrain) -> tuple[int, int]:
    """Row and column of the pixel that lies deepest in stable, coherent ground.

    Parameters
    ----------
    terrain : Terrain
        The ground.

    Returns
    -------
    tuple of int
    """
    firm = np.pad((terrain.ice == 0) & ~terrain.water & (terrain.slope < 18), 1)
    depth = distance_transform_edt(firm)[1:-1, 1:-1]
    row, column = np.unravel_index(np.argmax(depth), depth.shape)
    return int(row), int(column)


def mean_around(series: Field, row: int, column: int) -> Field:
    """Mean of every epoch over the surroundings of a pixel.

    Parameters
    ----------
    series : ndarray (time, y, x)
        Of any unit.
    row, column : int
        The pixel.

    Returns
    -------
    ndarray (time, 1, 1)
    """
    rows = slice(max(row - REFERENCE_RADIUS, 0), row + REFERENCE_RADIUS + 1)
    columns = slice(max(column - REFERENCE_RADIUS, 0), column + REFERENCE_RADIUS + 1)
    return np.asarray(series[:, rows, columns].mean((1, 2), keepdims=True))


def map_variables(fields: Mapping[str, NDArray[np.generic]]) -> dict[str, xr.Variable]:
    """Variables (y, x) with the registry's attributes.

    Parameters
    ----------
    fields : mapping of str to ndarray (y, x)
        By registered name.

    Returns
    -------
    dict of str to xarray.Variable
    """
    return {name: xr.Variable(("y", "x"), field, attributes(name)) for name, field in fields.items()}


def pair_dataset(
    fields: Mapping[str, Field], network: Network, geobox: GeoBox, *, attrs: Mapping[str, object]
) -> xr.Dataset:
    """Interferograms as a canonical stack.

    Parameters
    ----------
    fields : mapping of str to ndarray (pair, y, x)
        By registered name.
    network : Network
        The pairs.
    geobox : odc.geo.geobox.GeoBox
        Grid of the scene.
    attrs : mapping
        What is known of the radar.

    Returns
    -------
    xarray.Dataset
    """
    variables = {name: (("pair", "y", "x"), field, attributes(name)) for name, field in fields.items()}
    dates = {
        "reference": ("pair", network.epochs[network.first]),
        "secondary": ("pair", network.epochs[network.second]),
    }
    return xr.Dataset(variables, {**dates, **grid_coords(geobox)}, dict(attrs))


def series_dataset(
    fields: Mapping[str, Field], epochs: pd.DatetimeIndex, geobox: GeoBox, *, attrs: Mapping[str, object]
) -> xr.Dataset:
    """Fields by date as a dataset.

    Parameters
    ----------
    fields : mapping of str to ndarray (time, y, x)
        By registered name.
    epochs : pandas.DatetimeIndex
        The dates.
    geobox : odc.geo.geobox.GeoBox
        Grid of the scene.
    attrs : mapping
        Attributes of the dataset.

    Returns
    -------
    xarray.Dataset
    """
    variables = {name: (("time", "y", "x"), field, attributes(name)) for name, field in fields.items()}
    return xr.Dataset(variables, {"time": epochs, **grid_coords(geobox)}, dict(attrs))
