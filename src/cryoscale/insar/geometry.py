"""From the line of sight to the ground: vertical displacement, and east where there are several lines of sight."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.insar.alignment import on_grid_of
from cryoscale.lift import lift
from cryoscale.variables import VARIABLES, attributes, check_units

Values = np.ndarray[Any, Any]

MAX_CONDITION = 10.0
"""Highest condition number at which two lines of sight are told apart: errors grow about as many times."""

_STEEPEST = 2.0  # degrees; radians of an incidence angle lie below, degrees of a radar's far above
_SUFFIX = {"mm": "displacement", "mm a-1": "rate"}


@dataclass(frozen=True, slots=True)
class LookGeometry:
    """From where a radar that looks to the right of its track sees the ground.

    Attributes
    ----------
    incidence_angle : float or xarray.DataArray
        Angle between the line of sight and the vertical, degree, of the scene or per pixel (y, x).
    heading : float
        Direction of flight, degree clockwise from north: about -13 ascending and -167 (or 193) descending.

    Raises
    ------
    InputError
        If the incidence angle cannot be one in degrees, or the heading lies outside -360 to 360.
    """

    incidence_angle: float | xr.DataArray
    heading: float

    def __post_init__(self) -> None:
        checked_incidence(self.incidence_angle)
        if not -360.0 <= self.heading <= 360.0:
            raise InputError(f"heading: {self.heading} is no direction. Give degrees clockwise from north.")


def checked_incidence(incidence_angle: float | xr.DataArray) -> xr.DataArray:
    """Incidence angle as an array that is known, or will be checked while it is computed, to be in degrees.

    Parameters
    ----------
    incidence_angle : float or xarray.DataArray
        degree.

    Returns
    -------
    xarray.DataArray

    Raises
    ------
    InputError
        If it is in another unit, or somewhere not between 2 and 90 degrees; for a lazy array while it is computed.

    Examples
    --------
    >>> float(checked_incidence(39.47))
    39.47
    >>> checked_incidence(0.689)
    Traceback (most recent call last):
    cryoscale.errors.InputError: incidence_angle: is 0.689 somewhere, which looks like radians. Give it in degrees.
    """
    angle = check_units(xr.DataArray(incidence_angle), "incidence_angle")
    checked: xr.DataArray = xr.apply_ufunc(
        _require_degrees, angle, dask="parallelized", output_dtypes=[angle.dtype], keep_attrs=True
    )
    return checked


def los_to_vertical(displacement: xr.DataArray, incidence_angle: float | xr.DataArray) -> xr.DataArray:
    r"""Vertical displacement, where the ground does not move sideways.

    .. math:: d_{\mathrm{vertical}} = d_{\mathrm{LOS}} / \cos\theta

    (Chang et al., Section 5.2.)

    Parameters
    ----------
    displacement : xarray.DataArray
        Along the line of sight, positive toward the satellite, mm or mm a-1, of any dims.
    incidence_angle : float or xarray.DataArray
        Local incidence angle, degree, of the scene or per pixel.

    Returns
    -------
    xarray.DataArray
        ``vertical_displacement``, mm, or ``vertical_rate``, mm a-1, positive upward, in the type of `displacement`.

    Raises
    ------
    InputError
        If the displacement is in another unit, the incidence angle is not between 2 and 90 degrees or on another grid.

    Examples
    --------
    >>> float(los_to_vertical(xr.DataArray(-30.0), 60.0).round(6))
    -60.0
    """
    name = f"vertical_{_suffix([displacement])}"
    angle = on_grid_of(displacement, checked_incidence(incidence_angle))
    vertical = (displacement / np.cos(np.deg2rad(angle))).astype(displacement.dtype)
    return vertical.rename(name).drop_attrs(deep=False).assign_attrs(attributes(name))


def decompose(
    displacements: Sequence[xr.DataArray], geometries: Sequence[LookGeometry], *, max_condition: float = MAX_CONDITION
) -> xr.Dataset:
    r"""Vertical and eastward displacement from two or more lines of sight.

    By least squares, in every pixel from the lines of sight with data there, of

    .. math:: d = u \cos\theta - e \sin\theta \cos\alpha \; (+ \, n \sin\theta \sin\alpha)

    with incidence angle theta and heading alpha of a radar that looks to the right. Orbits are nearly polar, so motion
    to the north, n, hardly shows and is taken as 0 (Wright et al. 2004, Geophys. Res. Lett. 31, L01607).

    Parameters
    ----------
    displacements : sequence of xarray.DataArray
        Along each line of sight, positive toward the satellite, all in mm or all in mm a-1, on one grid.
    geometries : sequence of LookGeometry
        Of each line of sight.
    max_condition : float
        Pixels whose lines of sight have a higher condition number get no result.

    Returns
    -------
    xarray.Dataset
        ``vertical_displacement`` and ``east_displacement``, mm, or ``vertical_rate`` and ``east_rate``, mm a-1;
        ``vertical_error_factor`` and ``east_error_factor``, their standard errors for lines of sight with independent
        errors of standard deviation 1; ``geometry_condition``, the condition number of the matrix of cos(theta) and
        -sin(theta) cos(alpha).

    Raises
    ------
    InputError
        If there are fewer than two lines of sight or not as many geometries, units or grids differ, or the scenes'
        geometries are too much alike.

    Examples
    --------
    >>> geometries = LookGeometry(38.7, heading=-10.0), LookGeometry(39.5, heading=-170.0)
    >>> ascending, descending = xr.DataArray(-23.4), xr.DataArray(-23.1)  # 30 mm of subsidence
    >>> ground = decompose([ascending, descending], geometries)
    >>> float(ground.vertical_displacement.round(1)), float(ground.east_error_factor.round(2))
    (-30.0, 1.14)
    """
    if len(displacements) < 2 or len(displacements) != len(geometries):
        raise InputError(
            f"decompose: got {len(displacements)} displacements and {len(geometries)} geometries. "
            "Give two or more, and one geometry for each."
        )
    suffix = _suffix(displacements)
    first = displacements[0]
    looks = [on_grid_of(first, each) for each in displacements]
    angles = [on_grid_of(first, checked_incidence(geometry.incidence_angle)) for geometry in geometries]
    headings = np.array([geometry.heading for geometry in geometries])
    if all(angle.ndim == 0 for angle in angles):
        _require_different(np.array([float(angle) for angle in angles]), headings, max_condition)
    names = (f"vertical_{suffix}", f"east_{suffix}", "vertical_error_factor", "east_error_factor", "geometry_condition")
    return lift(
        partial(_decompose, headings=headings, max_condition=max_condition),
        *looks,
        *angles,
        core_dims=[()] * (2 * len(looks)),
        outputs=dict.fromkeys(names, ()),
        dtypes=dict.fromkeys(names, first.dtype),
    )


def _decompose(*arrays: Values, headings: Values, max_condition: float) -> tuple[Values, ...]:
    looks, angles = (np.broadcast_arrays(*half) for half in (arrays[: headings.size], arrays[headings.size :]))
    normal = np.zeros((3, *np.broadcast_shapes(looks[0].shape, angles[0].shape)))  # of up and up, up and east, east
    projected = np.zeros((2, *normal.shape[1:]))
    for look, angle, heading in zip(looks, angles, headings, strict=True):
        known = np.isfinite(look) & np.isfinite(angle)
        up, east = (np.where(known, part, 0.0) for part in _unit_vector(angle, heading))
        normal += np.stack([up * up, up * east, east * east])
        projected += np.stack([up, east]) * np.where(known, look, 0.0)
    determinant = normal[0] * normal[2] - normal[1] ** 2
    condition = _condition(normal, determinant)
    with np.errstate(divide="ignore", invalid="ignore"):
        vertical = (normal[2] * projected[0] - normal[1] * projected[1]) / determinant
        eastward = (normal[0] * projected[1] - normal[1] * projected[0]) / determinant
        errors = np.sqrt(normal[2] / determinant), np.sqrt(normal[0] / determinant)
    usable = condition <= max_condition
    results = (np.where(usable, result, np.nan) for result in (vertical, eastward, *errors))
    return *(result.astype(looks[0].dtype) for result in results), condition.astype(looks[0].dtype)


def _unit_vector(angle: Values, heading: float) -> tuple[Values, Values]:
    """Up and east component of the unit vector to the satellite."""
    theta = np.deg2rad(np.asarray(angle, float))
    return np.cos(theta), -np.sin(theta) * np.cos(np.deg2rad(heading))


def _condition(normal: Values, determinant: Values) -> Values:
    """Condition number of the design: root of the ratio of the normal matrix's eigenvalues, infinite if singular."""
    mean = 0.5 * (normal[0] + normal[2])
    largest = mean + np.hypot(0.5 * (normal[0] - normal[2]), normal[1])
    singular = determinant <= 1e-12 * largest**2
    return np.where(singular, np.inf, largest / np.sqrt(np.where(singular, 1.0, determinant)))


def _require_different(angles: Values, headings: Values, max_condition: float) -> None:
    design = np.stack([np.stack(_unit_vector(angle, h)) for angle, h in zip(angles, headings, strict=True)])
    condition = np.linalg.cond(design)
    if condition > max_condition:
        raise InputError(
            f"geometries: incidence angles {angles.tolist()} and headings {headings.tolist()} degrees are too much "
            f"alike to tell vertical from east (condition number {condition:.3g}, at most {max_condition:g}). "
            "Give an ascending and a descending one."
        )


def _require_degrees(angle: Values) -> Values:
    known = angle[np.isfinite(angle)]
    if known.size and known.min() <= _STEEPEST:
        raise InputError(
            f"incidence_angle: is {known.min():.4g} somewhere, which looks like radians. Give it in degrees."
        )
    if known.size and known.max() >= 90.0:
        raise InputError(
            f"incidence_angle: is {known.max():.4g} somewhere, but must be below 90 degrees. "
            "Give the angle from the vertical, and NaN where there is no data."
        )
    return angle


def _suffix(displacements: Sequence[xr.DataArray]) -> str:
    """Last part of the results' names, from the unit; arrays without one are taken for displacements."""
    units = {array.attrs.get("units", VARIABLES["displacement"].units) for array in displacements}
    if len(units) > 1 or not units <= set(_SUFFIX):
        raise InputError(
            f"displacement: is in {', '.join(sorted(map(repr, units)))}; all of it must be in 'mm', or all in 'mm a-1'."
        )
    return _SUFFIX[units.pop()]
