"""Heat conduction with phase change in vertical sections whose surface changes: pits, lakes, heaps."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.ground.section_grid import COLDEST, WARMEST, Section, fits_cells
from cryoscale.ground.section_plan import Clock, plan_changes
from cryoscale.ground.section_run import Record, State
from cryoscale.ground.section_stages import Stage, surface_of

Values = np.ndarray[Any, Any]

_MOST_FLUX = 10.0  # W m-2, a hundred times that of the continents


def simulate_section(
    section: Section,
    *,
    forcings: Mapping[str, npt.ArrayLike],
    stages: Sequence[Stage],
    initial: npt.ArrayLike,
    years: int,
    step_days: float = 5.0,
    geothermal_flux: float = 0.05,
    save_every: float = 1.0,
) -> xr.Dataset:
    r"""Temperatures of a section through the years, while its surface is dug, flooded, heaped up, filled back.

    .. math:: \frac{\partial H(T)}{\partial t} = \nabla \cdot (k(T) \nabla T)

    by finite volumes in space and implicit Euler in time, for the enthalpy H of each cell: energy is conserved to
    rounding, and no step skips latent heat. Conductivities are those at the beginning of a step. The sides let no heat
    through. Each face to the air has the temperature of its forcing. The surface changes at the beginning of the step
    nearest to the start of its stage.

    Parameters
    ----------
    section : Section
        The cells and their soils.
    forcings : mapping of str to array_like
        Temperature of the ground surface (of a lake: of its bottom) by the names that the stages use, degC: daily
        means (day,) of the whole run, a year being 365.25 days, or one number for always.
    stages : sequence of Stage
        In order of time; the first starts at 0.
    initial : array_like
        Temperature of the first stage's ground, degC: a number, (z,) or (z, x). `temperature_below` makes it from a
        profile.
    years : int
        How long.
    step_days : float
        Longest time step, d, at most 31; a year has a whole number of equal steps.
    geothermal_flux : float
        Through the base, upward, W m-2.
    save_every : float
        Years between saved temperatures, rounded to whole steps.

    Returns
    -------
    xarray.Dataset
        In memory: ``section_temperature`` (time, z, x), time in years from 0 on; of every year
        ``section_temperature_max``, ``section_temperature_min``, ``section_temperature_mean`` (year, z, x), the
        variables of `yearly_measures`, and what balances: ``heat_change`` = ``heat_from_surface`` + ``heat_from_base``
        + ``heat_placed``. Temperatures are NaN where there is no ground. A year is known by its number, from 1.
        ``first_surface`` (x,) is the elevation of the surface at the beginning. ``x_bounds`` and ``z_bounds`` hold the
        edges of the cells.

    Raises
    ------
    InputError
        If stages are out of order, name a soil or a forcing that does not exist, place cells without a soil or a
        temperature, or lie outside of the grid; if a forcing is too short or not finite; if a number is not plausible.

    Examples
    --------
    >>> from cryoscale.ground.soils import FreezingStep, Soil
    >>> silt = Soil(0.3, FreezingStep(0.1), 2.6e6, 2.0e6, 1.2, 2.1)
    >>> section = Section([0, 10, 20], [0, -1, -3, -7, -15], soils={"silt": silt}, soil_of="silt")
    >>> run = simulate_section(
    ...     section,
    ...     forcings={"natural": -3.0},
    ...     stages=[Stage(0.0, 0.0, forcing="natural")],
    ...     initial=-3.0,
    ...     years=2,
    ...     geothermal_flux=0.0,
    ... )
    >>> run.temperature_10m.values, run.heat_change.values
    (array([[-3., -3.], [-3., -3.]]), array([0., 0.]))
    """
    clock = Clock.of(years, step_days=step_days, save_every=save_every)
    if not abs(geothermal_flux) <= _MOST_FLUX:
        raise InputError(f"geothermal_flux: is {geothermal_flux:g} W m-2, which no ground has. Divide mW m-2 by 1000.")
    changes = plan_changes(section, stages, clock, forcings=forcings)
    warmth = np.stack([clock.means(name, series) for name, series in forcings.items()], axis=1)
    state = State.begin(section, changes[0].plane, _first_temperatures(section, changes[0].plane.there, initial))
    record = Record.begin(section, clock, state)
    coming = {change.step: change for change in changes[1:]}
    for step in range(clock.n_steps):
        if step in coming:
            record.note_change(step, coming[step], state.change(coming[step]))
        record.note_step(step, state, state.advance(warmth[step], flux=geothermal_flux, seconds=clock.seconds))
    lowered = np.min([surface_of(section, stage) for stage in stages], axis=0) < surface_of(section, stages[0])
    return record.dataset(flux=geothermal_flux, lowered=lowered)


def temperature_below(
    section: Section, surface: npt.ArrayLike, *, depth: npt.ArrayLike, temperature: npt.ArrayLike
) -> Values:
    """Initial temperatures of a section from a profile below its surface.

    Parameters
    ----------
    section : Section
        The cells.
    surface : array_like
        Elevation of the surface, m: one, or (x,).
    depth : array_like
        (depth,) below the surface, m, increasing.
    temperature : array_like
        (depth,), degC: of a borehole, or of a column that has been run until it repeats itself.

    Returns
    -------
    numpy.ndarray
        (z, x), degC: linear between depths, above the first as there.

    Raises
    ------
    InputError
        If depths do not increase, or end above the lowest cell's centre.

    Examples
    --------
    >>> from cryoscale.ground.soils import FreezingStep, Soil
    >>> rock = Soil(0.02, FreezingStep(0.1), 2.2e6, 2.1e6, 2.5, 2.6)
    >>> section = Section([0, 10, 20], [0, -1, -3], soils={"rock": rock}, soil_of="rock")
    >>> temperature_below(section, [0.0, -1.0], depth=[0.5, 2.5], temperature=[-4.0, -2.0])
    array([[-4. , -4. ], [-2.5, -3.5]])
    """
    depths, profile = np.asarray(depth, dtype=np.float64), np.asarray(temperature, dtype=np.float64)
    if depths.ndim != 1 or depths.shape != profile.shape or (np.diff(depths) <= 0).any():
        raise InputError(
            f"depth: {depths.shape} depths and {profile.shape} temperatures must be one list each, deeper by deeper."
        )
    below = surface_of(section, Stage(0.0, surface, forcing="natural")) - section.z[:, np.newaxis]
    if below.max() > depths[-1]:
        raise InputError(
            f"depth: the profile ends at {depths[-1]:g} m, but the lowest cell's centre is {below.max():g} m below the "
            "surface. Lengthen it by the geothermal gradient: flux / conductivity."
        )
    return np.asarray(np.interp(below, depths, profile))


def _first_temperatures(section: Section, there: Values, initial: npt.ArrayLike) -> Values:
    """Initial temperatures on the grid, 0 where there is no ground."""
    given = np.asarray(initial, dtype=np.float64)
    if given.ndim == 1:
        given = given[:, np.newaxis]
    if not fits_cells(given.shape, section.shape):
        raise InputError(
            f"initial: has the shape {np.shape(initial)}, but the section has {section.shape} cells (z, x). "
            "Give one number, (z,) or (z, x) in degC."
        )
    temperature = np.where(there, given, 0.0)
    if not (np.abs(temperature) < WARMEST).all():
        raise InputError(
            f"initial: holds NaN or temperatures beyond {COLDEST:g} to {WARMEST:g} degC where there is ground. "
            "Convert kelvin by subtracting 273.15."
        )
    return temperature
