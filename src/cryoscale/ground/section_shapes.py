"""The stages of pits and heaps with slopes: dug, flooded, heaped up, filled back."""

from typing import Any

import numpy as np
import numpy.typing as npt

from cryoscale.errors import InputError
from cryoscale.ground.section_grid import Section
from cryoscale.ground.section_stages import Stage, by_x

Values = np.ndarray[Any, Any]

NATURAL, PIT, LAKE, HEAP, BACKFILL = "natural", "pit", "lake", "heap", "backfill"
"""Names of the surface forcings that `pit_stages` and `heap_stages` ask for."""


def pit_stages(
    section: Section,
    surface: npt.ArrayLike,
    *,
    centre: float,
    floor_width: float,
    depth: float,
    slope: float,
    dug: float,
    flooded: float | None = None,
    lake_depth: float | None = None,
    backfilled: float | None = None,
    fill: str | None = None,
    fill_temperature: float | None = None,
) -> list[Stage]:
    """Stages of an open pit: before, dug, flooded, filled back.

    Parameters
    ----------
    section : Section
        The columns.
    surface : array_like
        Natural elevation, m: one, or (x,).
    centre : float
        Of the pit along the section, m.
    floor_width : float
        Width of its floor, m.
    depth : float
        Of the floor below the natural surface, m.
    slope : float
        Of its walls from the horizontal, degree; 90 makes them vertical.
    dug : float
        When it is dug, years.
    flooded : float, optional
        When a lake fills it up to `lake_depth` above its floor; with it, the columns whose bottom is under water have
        the forcing ``"lake"``.
    lake_depth : float, optional
        m; a lake up to the brim where not given.
    backfilled : float, optional
        When the pit is filled to the natural surface with the soil `fill` at `fill_temperature`, degC.
    fill, fill_temperature : str and float, optional
        What it is filled with.

    Returns
    -------
    list of Stage
        With the forcings ``"natural"``, ``"pit"``, ``"lake"`` and ``"backfill"`` where they are needed.

    Raises
    ------
    InputError
        If a size is not positive, a slope not between 0 and 90 degree, or the pit does not reach any column's centre.

    Examples
    --------
    >>> from cryoscale.ground.soils import FreezingStep, Soil
    >>> rock = Soil(0.02, FreezingStep(0.1), 2.2e6, 2.1e6, 2.5, 2.6)
    >>> section = Section(range(0, 70, 10), range(0, -40, -5), soils={"rock": rock}, soil_of="rock")
    >>> before, pit = pit_stages(section, 0.0, centre=30, floor_width=20, depth=10, slope=45, dug=1.0)
    >>> pit.surface, pit.forcing[1]
    (array([ 0., -5., -10., -10., -5., 0.]), 'pit')
    """
    natural = by_x(section, "surface", surface)
    cut = _trapezoid(section, centre=centre, flat=floor_width, height=depth, slope=slope, what="pit")
    bottom, inside = natural - cut, cut > 0
    stages = [Stage(0.0, natural, forcing=NATURAL), Stage(dug, bottom, forcing=_named(inside, PIT))]
    if flooded is not None:
        filled = depth if lake_depth is None else lake_depth
        if not 0 < filled <= depth:
            raise InputError(f"lake_depth: is {filled:g} m, but must be above 0 and at most the pit's {depth:g} m.")
        under = inside & (cut > depth - filled)
        forcing = np.where(under, LAKE, _named(inside, PIT)).tolist()
        stages.append(Stage(flooded, bottom, forcing=forcing))
    if backfilled is not None:
        forcing = _named(inside, BACKFILL)
        stages.append(Stage(backfilled, natural, forcing=forcing, fill=fill, fill_temperature=fill_temperature))
    return stages


def heap_stages(
    section: Section,
    surface: npt.ArrayLike,
    *,
    centre: float,
    crest_width: float,
    height: float,
    slope: float,
    started: float,
    fill: str,
    fill_temperature: float,
    finished: float | None = None,
    lifts: int = 1,
) -> list[Stage]:
    """Stages of a heap of waste rock that is dumped in one or more lifts.

    Parameters
    ----------
    section : Section
        The columns.
    surface : array_like
        Natural elevation, m: one, or (x,).
    centre : float
        Of the heap along the section, m.
    crest_width : float
        Width of its flat top, m.
    height : float
        Above the natural surface, m.
    slope : float
        Of its flanks from the horizontal, degree.
    started : float
        When the first lift is placed, years.
    fill : str
        Soil of the heap.
    fill_temperature : float
        With which it is dumped, degC.
    finished : float, optional
        When the last lift is placed, years; needed for more than one.
    lifts : int
        In how many lifts of equal height.

    Returns
    -------
    list of Stage
        With the forcings ``"natural"`` and ``"heap"``.

    Raises
    ------
    InputError
        If a size is not positive, the slope not between 0 and 90 degree, or `finished` is missing or not after
        `started`.

    Examples
    --------
    >>> from cryoscale.ground.soils import FreezingStep, Soil
    >>> rock = Soil(0.02, FreezingStep(0.1), 2.2e6, 2.1e6, 2.5, 2.6)
    >>> section = Section(range(0, 60, 10), range(10, -40, -5), soils={"rock": rock}, soil_of="rock")
    >>> shape = {"centre": 25, "crest_width": 10, "height": 10, "slope": 45}
    >>> stages = heap_stages(section, 0.0, **shape, started=1.0, fill="rock", fill_temperature=5.0)
    >>> stages[1].surface
    array([ 0.,  5., 10.,  5.,  0.])
    """
    natural = by_x(section, "surface", surface)
    heaped = _trapezoid(section, centre=centre, flat=crest_width, height=height, slope=slope, what="heap")
    if lifts < 1 or (lifts > 1 and (finished is None or finished <= started)):
        raise InputError(
            f"lifts: {lifts} lifts from {started:g} a until {finished} a cannot be. Give 1 lift or more, and the year "
            "when the last of several is placed."
        )
    stages = [Stage(0.0, natural, forcing=NATURAL)]
    for lift, start in enumerate(np.linspace(started, finished or started, lifts), start=1):
        raised = np.minimum(heaped, height * lift / lifts)
        around = raised > 0
        around[1:] |= raised[:-1] > 0
        around[:-1] |= raised[1:] > 0
        stages.append(
            Stage(
                float(start),
                natural + raised,
                forcing=_named(raised > 0, HEAP),
                wall=_named(around, HEAP),  # its lowest face borders the air above natural ground
                fill=fill,
                fill_temperature=fill_temperature,
            )
        )
    return stages


def _trapezoid(section: Section, *, centre: float, flat: float, height: float, slope: float, what: str) -> Values:
    if not (height > 0 and flat >= 0 and 0 < slope <= 90):
        raise InputError(
            f"{what}: a height or depth of {height:g} m, a flat part of {flat:g} m and a slope of {slope:g} degree "
            "cannot be. Give sizes in m above 0 and a slope above 0 and up to 90 degree."
        )
    away = np.abs(section.x - centre) - flat / 2.0
    along = np.tan(np.radians(slope)) if slope < 90 else np.inf
    profile = np.where(away <= 0, height, height - np.maximum(away, 1e-12) * along).clip(0.0, height)
    if not (profile > 0).any():
        raise InputError(f"{what}: reaches no column's centre between x = {centre - flat:g} and {centre + flat:g} m.")
    return np.asarray(profile)


def _named(inside: Values, name: str) -> list[str]:
    return [str(value) for value in np.where(inside, name, NATURAL)]
