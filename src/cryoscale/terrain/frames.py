"""Local frames: how the rows and columns of a grid lie to east and north on the ground, at every pixel."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from pyproj import CRS, Proj

from cryoscale.errors import InputError
from cryoscale.grids import name_crs
from cryoscale.terrain._derivatives import Frame

Values = np.ndarray[Any, Any]

NODES = 129
"""Rows and columns of the lattice on which the frames of a projected grid are known; they are linear in between."""

_NEAREST_POLE = np.deg2rad(89.999)  # east and north have no direction at a pole; a hundred metres beside it they have


@dataclass(frozen=True)
class Frames:
    """Frames of a whole grid; see `Frame` for what the lattice holds.

    Attributes
    ----------
    lattice : numpy.ndarray
        (5, node, node or 1).
    shape : tuple of int
        Rows and columns of the grid.
    """

    lattice: Values
    shape: tuple[int, int]

    def part(self, first: tuple[int, int], shape: tuple[int, int]) -> Frame:
        """Frames of a block; those of a pixel are the same, to the last bit, in whichever block it lies.

        Parameters
        ----------
        first : tuple of int
            Row and column of the block's first pixel.
        shape : tuple of int
            Rows and columns of the block.

        Returns
        -------
        Frame
        """
        node, weight = self._places(0, first[0], shape[0])
        used = self.lattice[:, node[0] : node[-1] + 2]
        middle = self._along_columns(used, *self._places(1, self.shape[1] // 2, 1))[:4, :, 0]
        node = node - node[0]
        columns = self._along_columns(used, *self._places(1, first[1], shape[1]))
        steps = (1.0 - weight) * middle[:, node] + weight * middle[:, node + 1]
        return Frame(np.ascontiguousarray(columns), node, weight, _spacing(steps))

    def _places(self, axis: int, first: int, size: int) -> tuple[Values, Values]:
        """The node before each row or column, and the share of the node after it."""
        n = self.lattice.shape[axis + 1]
        if n == 1:
            return np.zeros(size, np.int64), np.zeros(size)
        place = (first + np.arange(size)) * ((n - 1) / (self.shape[axis] - 1))
        node = np.clip(np.floor(place).astype(np.int64), 0, n - 2)
        return node, place - node

    def _along_columns(self, lattice: Values, node: Values, weight: Values) -> Values:
        if lattice.shape[2] == 1:
            return lattice
        return np.asarray((1.0 - weight) * lattice[:, :, node] + weight * lattice[:, :, node + 1])


def local_frames(geobox: GeoBox) -> Frames:
    """How rows and columns lie on the ellipsoid of the grid's CRS: true lengths, and true north instead of the map's.

    With M and N the radii of curvature in the meridian and the prime vertical, a metre to the north is 1 / M in
    latitude, a metre to the east 1 / (N cos(latitude)) in longitude (Snyder 1987, USGS Professional Paper 1395,
    Eq. 4-18 to 4-20). On a geographic grid these are rows and columns, exact in each row. On a projected one the
    derivatives of the projection lead from there to the map; they are linear between the 129 x 129 nodes of a
    lattice (exact at every pixel of a smaller grid). Inside a cell of the lattice that holds a pole, directions are
    not reliable.

    Parameters
    ----------
    geobox : odc.geo.geobox.GeoBox
        With a CRS, its axes along x and y, of two or more rows and columns.

    Returns
    -------
    Frames

    Raises
    ------
    InputError
        If the grid has no CRS or ellipsoid, is turned, is too small, or reaches beyond where its projection is defined.

    Examples
    --------
    >>> grid = GeoBox.from_bbox((99, 38, 100, 39), "EPSG:4326", resolution=0.01)
    >>> local_frames(grid).part((0, 0), (1, 100)).spacing.ravel().round(1)
    array([1110.2,  866.3])
    """
    crs = geobox.crs.proj if geobox.crs is not None else None
    if crs is None or not geobox.axis_aligned or min(geobox.shape) < 2:
        raise InputError(
            f"grid ({geobox.shape[0]} x {geobox.shape[1]}, {name_crs(geobox)}): terrain needs a CRS, axes along x and "
            "y, and two rows and columns or more. Set a CRS with .odc.assign_crs('EPSG:...')."
        )
    lattice = (_by_latitude if crs.is_geographic else _by_projection)(crs, geobox)
    if not np.isfinite(lattice).all():
        raise InputError(f"grid in {name_crs(geobox)}: reaches beyond where its projection is defined. Crop it.")
    return Frames(lattice, (int(geobox.shape[0]), int(geobox.shape[1])))


def _by_latitude(crs: CRS, geobox: GeoBox) -> Values:
    """Lattice of one column, and of as many rows as the grid."""
    radians = crs.axis_info[0].unit_conversion_factor
    rows = np.arange(geobox.shape[0]) + 0.5
    latitude = _off_the_poles(radians * (geobox.transform.f + geobox.transform.e * rows))
    east, north = _radians_per_metre(crs, latitude)
    none = np.zeros_like(latitude)
    columns, lines = 1.0 / (radians * geobox.transform.a), 1.0 / (radians * geobox.transform.e)
    return np.stack([east * columns, none, none, north * lines, latitude])[:, :, np.newaxis]


def _by_projection(crs: CRS, geobox: GeoBox) -> Values:
    rows, columns = (np.linspace(0.5, size - 0.5, min(NODES, size)) for size in geobox.shape)
    transform = geobox.transform
    x, y = np.meshgrid(transform.c + transform.a * columns, transform.f + transform.e * rows)
    projection = Proj(crs)
    longitude, degrees = projection(x, y, inverse=True)
    factors = projection.get_factors(longitude, degrees)  # derivatives on an ellipsoid whose major semi-axis is one
    latitude = _off_the_poles(np.deg2rad(degrees))
    east, north = (_semi_axes(crs)[0] * along for along in _radians_per_metre(crs, latitude))
    to_metres = crs.axis_info[0].unit_conversion_factor
    width, height = to_metres * transform.a, to_metres * transform.e
    steps = (
        east * factors.dx_dlam / width,
        east * factors.dy_dlam / height,
        north * factors.dx_dphi / width,
        north * factors.dy_dphi / height,
    )
    return np.stack([*steps, latitude])


def _semi_axes(crs: CRS) -> tuple[float, float]:
    if crs.ellipsoid is None:
        raise InputError(f"{crs.name}: has no ellipsoid, so no distances on the ground. Give the grid a geodetic CRS.")
    return float(crs.ellipsoid.semi_major_metre), float(crs.ellipsoid.semi_minor_metre)


def _off_the_poles(latitude: Values) -> Values:
    return np.asarray(np.clip(latitude, -_NEAREST_POLE, _NEAREST_POLE))


def _radians_per_metre(crs: CRS, latitude: Values) -> tuple[Values, Values]:
    """Longitude per metre to the east and latitude per metre to the north, rad m-1."""
    a, b = _semi_axes(crs)
    e2 = 1.0 - (b / a) ** 2
    w2 = 1.0 - e2 * np.sin(latitude) ** 2
    return np.sqrt(w2) / (a * np.cos(latitude)), w2**1.5 / (a * (1.0 - e2))


def _spacing(steps: Values) -> Values:
    """Lengths on the ground of a step in rows and one in columns: the columns of the inverse of the matrix of steps."""
    columns_east, rows_east, columns_north, rows_north = steps
    determinant = np.abs(columns_east * rows_north - rows_east * columns_north)
    lengths = [np.hypot(columns_east, columns_north), np.hypot(rows_east, rows_north)]
    return np.asarray(np.stack(lengths) / determinant)
