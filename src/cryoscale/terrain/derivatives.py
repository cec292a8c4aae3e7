"""Derivatives of the ground's height: slope, aspect, curvature, relative height, wetness, potential radiation.

All distances are metres on the ellipsoid and all directions are from true north, on geographic and projected grids
alike. A pixel with a hole (NaN) in its window is NaN; at the outer border of the grid differences are one-sided. The
results do not depend on chunks, to the last bit.
"""

from collections.abc import Sequence
from enum import StrEnum
from functools import partial

import dask.array as da
import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.grids import geobox_of, pixel_areas
from cryoscale.terrain._derivatives import aspects, curvatures, directions, positions, slopes
from cryoscale.terrain._flow import upslope_areas
from cryoscale.terrain._sun import sunshine
from cryoscale.terrain.windows import Ground
from cryoscale.variables import attributes

CLEAR_SKY = (0.45, 0.90)
"""Transmissivities of clear skies that can be split into a beam and scattered light."""


class Bend(StrEnum):
    """Which curvature: along the slope (profile), across it (plan), or the sum of both."""

    TOTAL = "total"
    PROFILE = "profile"
    PLAN = "plan"


def slope(elevation: xr.DataArray) -> xr.DataArray:
    """Steepest slope of the ground, by differences weighted over 3 x 3 pixels (Horn 1981, Proc. IEEE 69, 14).

    Parameters
    ----------
    elevation : xarray.DataArray
        (y, x), m, NaN where there is no data, on a grid with a CRS; lazy or not.

    Returns
    -------
    xarray.DataArray
        ``slope`` (y, x), degree; NaN where the window has a hole.

    Raises
    ------
    InputError
        If the elevation is not in m, has other dims, no CRS, or fewer than two rows or columns.

    Examples
    --------
    >>> from cryoscale.grids import grid_coords
    >>> from odc.geo.geobox import GeoBox
    >>> coords = grid_coords(GeoBox.from_bbox((5e5, 0, 500_090, 90), "EPSG:32647", shape=(3, 3)))
    >>> east = xr.DataArray([[0.0, 30.0, 60.0]] * 3, coords, ("y", "x"))
    >>> print(f"{float(slope(east)[1, 1]):.2f}")
    44.99
    """
    return Ground.of(elevation).derive(("slope",), slopes)["slope"]


def aspect(elevation: xr.DataArray) -> xr.DataArray:
    """Direction in which the ground falls (Horn 1981, Proc. IEEE 69, 14).

    Parameters
    ----------
    elevation : xarray.DataArray
        (y, x), m, as for `slope`.

    Returns
    -------
    xarray.DataArray
        ``aspect`` (y, x), degree clockwise from true north, from 0 to below 360; NaN where it is flat or the window
        has a hole.

    Raises
    ------
    InputError
        As `slope`.

    Examples
    --------
    >>> from cryoscale.grids import grid_coords
    >>> from odc.geo.geobox import GeoBox
    >>> coords = grid_coords(GeoBox.from_bbox((99, 38, 99.03, 38.03), "EPSG:4326", shape=(3, 3)))
    >>> east = xr.DataArray([[0.0, 30.0, 60.0]] * 3, coords, ("y", "x"))
    >>> float(aspect(east)[1, 1])
    270.0
    """
    return Ground.of(elevation).derive(("aspect",), aspects)["aspect"]


def aspect_components(elevation: xr.DataArray) -> xr.Dataset:
    """Aspect as a vector of length one, which has no jump at north (Horn 1981, Proc. IEEE 69, 14).

    Parameters
    ----------
    elevation : xarray.DataArray
        (y, x), m, as for `slope`.

    Returns
    -------
    xarray.Dataset
        ``aspect_sin``, the part to the east, and ``aspect_cos``, the part to the north (y, x); both 0 where it is
        flat, NaN where the window has a hole.

    Raises
    ------
    InputError
        As `slope`.

    Examples
    --------
    >>> from cryoscale.grids import grid_coords
    >>> from odc.geo.geobox import GeoBox
    >>> coords = grid_coords(GeoBox.from_bbox((99, 38, 99.03, 38.03), "EPSG:4326", shape=(3, 3)))
    >>> east = xr.DataArray([[0.0, 30.0, 60.0]] * 3, coords, ("y", "x"))
    >>> float(aspect_components(east).aspect_sin[1, 1])
    -1.0
    """
    return Ground.of(elevation).derive(("aspect_sin", "aspect_cos"), directions)


def curvature(elevation: xr.DataArray, *, bend: Bend = Bend.TOTAL) -> xr.DataArray:
    """Second derivative of the ground, positive where it bulges (ridges), negative in hollows.

    From the surface through 3 x 3 pixels of Zevenbergen and Thorne (1987, Earth Surf. Process. Landforms 12, 47):
    the total is their -2 (D + E), profile and plan are theirs, plan with the other sign, so that the total is the sum
    of both. Where it is flat, each is half the total. The outermost pixels take the value of their inner neighbour.

    Parameters
    ----------
    elevation : xarray.DataArray
        (y, x), m, as for `slope`, of three or more rows and columns.
    bend : Bend
        Total, along the slope (profile), or across it (plan).

    Returns
    -------
    xarray.DataArray
        ``curvature`` (y, x), m-1, with ``bend`` as an attribute; NaN where the window has a hole.

    Raises
    ------
    InputError
        As `slope`, and if there are fewer than three rows or columns.

    Examples
    --------
    >>> from cryoscale.grids import grid_coords
    >>> from odc.geo.geobox import GeoBox
    >>> coords = grid_coords(GeoBox.from_bbox((5e5, 0, 500_090, 90), "EPSG:32647", shape=(3, 3)))
    >>> ridge = xr.DataArray([[0.0, 9.0, 0.0]] * 3, coords, ("y", "x"))
    >>> print(f"{float(curvature(ridge)[1, 1]):.3f}")
    0.020
    """
    if min(elevation.shape) < 3:
        raise InputError(
            f"{elevation.name or 'elevation'}: has the shape {elevation.shape}; curvature needs three or more rows "
            "and columns. Give a larger part of the map."
        )
    part = {Bend.TOTAL: slice(0, 2), Bend.PROFILE: slice(0, 1), Bend.PLAN: slice(1, 2)}[Bend(bend)]
    result = Ground.of(elevation).derive(("curvature",), partial(curvatures, part=part), depth=(2, 2))["curvature"]
    return result.assign_attrs(bend=str(Bend(bend)))


def topographic_position(elevation: xr.DataArray, *, radius: float) -> xr.DataArray:
    """Height above the mean of the surroundings (Weiss 2001, topographic position index).

    The mean is over the pixels whose centres lie within the radius, the pixel itself included, and that have data:
    at the border of the grid, or beside a hole, over fewer. The size of the pixels is that of the row's central one.
    Heights are summed in steps of 1/65536 m, which makes the sums exact.

    Parameters
    ----------
    elevation : xarray.DataArray
        (y, x), m, as for `slope`.
    radius : float
        m on the ground, at least the distance between two pixels.

    Returns
    -------
    xarray.DataArray
        ``topographic_position`` (y, x), m, positive on ridges, with ``radius`` as an attribute; NaN where the
        elevation is.

    Raises
    ------
    InputError
        As `slope`, and if the radius holds no neighbour.

    Examples
    --------
    >>> from cryoscale.grids import grid_coords
    >>> from odc.geo.geobox import GeoBox
    >>> coords = grid_coords(GeoBox.from_bbox((5e5, 0, 500_090, 90), "EPSG:32647", shape=(3, 3)))
    >>> ridge = xr.DataArray([[0.0, 10.0, 0.0]] * 3, coords, ("y", "x"))
    >>> float(topographic_position(ridge, radius=31.0)[1, 1])
    4.0
    """
    ground = Ground.of(elevation)
    shape = ground.frames.shape
    nearest = ground.frames.part((0, 0), shape).spacing.min(axis=1)
    if not nearest.min() <= radius < np.inf:
        raise InputError(
            f"radius: {radius} m does not reach a neighbour; the pixels are {nearest[0]:.4g} x {nearest[1]:.4g} m. "
            "Give metres on the ground, several times that."
        )
    rows, columns = (min(int(radius / step) + 1, size) for step, size in zip(nearest, shape, strict=True))
    compute = partial(positions, radius=float(radius))
    position = ground.derive(("topographic_position",), compute, depth=(rows, columns))["topographic_position"]
    return position.assign_attrs(radius=float(radius))


def topographic_wetness(elevation: xr.DataArray, *, minimum_slope: float = 0.1) -> xr.DataArray:
    """Topographic wetness index ln(a / tan(slope)) (Beven and Kirkby 1979, Hydrol. Sci. Bull. 24, 43).

    The area a per metre of contour is what drains through a pixel, over the square root of the pixel's area. Pits are
    filled by priority-flood (Barnes et al. 2014, Comput. Geosci. 62, 117), each pixel's water is shared among all
    lower neighbours (Quinn et al. 1991, Hydrol. Process. 5, 59), and on filled pits it takes the way of the flood. It
    leaves at the border of the grid and at holes: catchments that reach beyond are too small.

    Parameters
    ----------
    elevation : xarray.DataArray
        (y, x), m, as for `slope`, in memory: how water gathers depends on the whole grid.
    minimum_slope : float
        Slope by `slope` that flatter ground is given, degree.

    Returns
    -------
    xarray.DataArray
        ``topographic_wetness`` (y, x), of an area in m2 m-1; NaN where the window has a hole.

    Raises
    ------
    InputError
        As `slope`, if the elevation is lazy, or the smallest slope is not between 0 and 90 degrees.

    Examples
    --------
    >>> from cryoscale.grids import grid_coords
    >>> from odc.geo.geobox import GeoBox
    >>> coords = grid_coords(GeoBox.from_bbox((5e5, 0, 500_090, 90), "EPSG:32647", shape=(3, 3)))
    >>> east = xr.DataArray([[0.0, 30.0, 60.0]] * 3, coords, ("y", "x"))
    >>> topographic_wetness(east)[1].values.round(1)
    array([4.6, 4.2, 3.4], dtype=float32)
    """
    if isinstance(elevation.data, da.Array):
        raise InputError(
            f"{elevation.name or 'elevation'}: is lazy, but how water gathers depends on the whole grid. "
            "Load it first: .compute()."
        )
    if not 0.0 < minimum_slope < 90.0:
        raise InputError(f"minimum_slope: {minimum_slope} is no slope. Give degrees above 0 and below 90.")
    ground = Ground.of(elevation)
    areas = pixel_areas(geobox_of(elevation)).values
    frame = ground.frames.part((0, 0), ground.frames.shape)
    gathered = upslope_areas(ground.elevation.values, frame.spacing, areas)
    steepness = np.tan(np.deg2rad(np.maximum(slope(elevation).values, minimum_slope)))
    wetness = np.log(gathered / (np.sqrt(areas) * steepness)).astype(np.float32)
    name = "topographic_wetness"
    return xr.DataArray(wetness, ground.elevation.coords, ("y", "x"), name, attributes(name))


def potential_radiation(
    elevation: xr.DataArray, day_of_year: int | Sequence[int], *, transmissivity: float = 0.75
) -> xr.DataArray:
    r"""Mean radiation of a day under a clear sky on the slope of the ground.

    .. math:: R = \frac{G E_0}{2 \pi} \left( K_B \int \cos\theta \, d\omega
              + K_D \frac{1 + \cos s}{2} \int \cos\theta_0 \, d\omega \right)

    The cosine of the incidence on the slope is integrated exactly over the hours in which the sun stands above both the
    horizon and the slope, in one part or two (Allen et al. 2006, Agric. For. Meteorol. 139, 55); declination and
    distance of the sun E_0 are those of FAO-56 (Eq. 23 and 24). K_B + K_D is the transmissivity, with
    K_D = 0.35 - 0.36 K_B (ASCE-EWRI 2005, Appendix D); scattered light s comes from all the sky alike (Liu and Jordan
    1963). So level ground has FAO-56's clear-sky radiation (Eq. 21 and 36). Other ground casts no shadow and reflects
    no light.

    Parameters
    ----------
    elevation : xarray.DataArray
        (y, x), m, as for `slope`.
    day_of_year : int or sequence of int
        From 1 to 366.
    transmissivity : float
        Share of the radiation above the atmosphere that reaches level ground, from 0.45 to 0.90. FAO-56 (Eq. 37)
        gives 0.75 + 2e-5 per m of height.

    Returns
    -------
    xarray.DataArray
        ``potential_radiation``, W m-2, (y, x) for one day, (day_of_year, y, x) for a sequence; NaN where the window
        has a hole. Lazily, each day is a chunk.

    Raises
    ------
    InputError
        As `slope`, or if a day or the transmissivity is out of range.

    Examples
    --------
    >>> from cryoscale.grids import grid_coords
    >>> from odc.geo.geobox import GeoBox
    >>> coords = grid_coords(GeoBox.from_bbox((99, 38, 99.03, 38.03), "EPSG:4326", shape=(3, 3)))
    >>> south = xr.DataArray(np.repeat([[600.0], [300.0], [0.0]], 3, axis=1), coords, ("y", "x"))
    >>> potential_radiation(south, [172, 355])[:, 1, 1].values.round(1)
    array([349.4, 191. ], dtype=float32)
    """
    days = np.atleast_1d(np.asarray(day_of_year))
    if days.dtype.kind not in "iu" or days.ndim != 1 or days.size == 0 or days.min() < 1 or days.max() > 366:
        raise InputError(
            f"day_of_year: {day_of_year!r} is no day, nor a list of days. Give whole numbers from 1 to 366."
        )
    if not CLEAR_SKY[0] <= transmissivity <= CLEAR_SKY[1]:
        raise InputError(
            f"transmissivity: {transmissivity} is not that of a clear sky. Give a number from {CLEAR_SKY[0]} to "
            f"{CLEAR_SKY[1]}."
        )
    ground, name = Ground.of(elevation), "potential_radiation"
    maps = [
        ground.derive((name,), partial(sunshine, day=int(day), transmissivity=float(transmissivity)))[name]
        for day in days
    ]
    if np.ndim(day_of_year) == 0:
        return maps[0].assign_coords(day_of_year=int(days[0]))
    return xr.concat(maps, xr.Variable("day_of_year", days), join="exact")
