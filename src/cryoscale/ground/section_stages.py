"""What happens to a section: its surface and what acts on it, one stage after the other."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cryoscale.errors import InputError
from cryoscale.ground.section_grid import COLDEST, WARMEST, Section

Values = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Stage:
    """The shape of a section from a time on, until the next stage begins.

    A cell is ground where its centre lies below the surface, so that slopes are stairs whose treads and risers
    exchange heat. Cells above the surface are not there: what is dug away leaves with its heat, what is placed comes
    with its own.

    Attributes
    ----------
    start : float
        Years since the beginning of the run; the first stage starts at 0, which is before anything is done.
    surface : array_like
        Elevation of the ground surface (under a lake of its bottom), m: one for all columns, or (x,).
    forcing : str or sequence of str
        Name of the surface forcing of all columns, or of each. That of a lake is the temperature of its bottom: the
        water itself is not part of the section.
    wall : str or sequence of str, optional
        Name of the forcing of vertical faces that border the air above each column; that of the column at their foot
        where not given, so that the walls of a pit are warmed by what warms its floor.
    fill : str, optional
        Soil of the cells that this stage places.
    fill_temperature : float, optional
        Temperature of those cells when they arrive, degC: that of dumping.

    Examples
    --------
    >>> Stage(0.0, 100.0, forcing="natural").start
    0.0
    """

    start: float
    surface: npt.ArrayLike
    _: KW_ONLY
    forcing: str | Sequence[str]
    wall: str | Sequence[str] | None = None
    fill: str | None = None
    fill_temperature: float | None = None

    def __post_init__(self) -> None:
        if not (np.isfinite(self.start) and self.start >= 0):
            raise InputError(f"Stage.start: is {self.start!r}, but must be 0 or more years since the run begins.")
        if not np.isfinite(np.asarray(self.surface, dtype=np.float64)).all():
            raise InputError(f"stage at {self.start:g} a: its surface holds NaN or infinity. Give elevations in m.")
        warmth = self.fill_temperature
        if warmth is not None and not COLDEST < warmth < WARMEST:
            raise InputError(
                f"stage at {self.start:g} a: fill_temperature is {warmth:g}, but must lie between {COLDEST:g} and "
                f"{WARMEST:g} degC. Convert kelvin by subtracting 273.15."
            )

    def names(self, n_columns: int) -> tuple[list[str], list[str]]:
        """Forcing of each column's top, and of the vertical faces that border the air above it.

        Parameters
        ----------
        n_columns : int
            Of the section.

        Returns
        -------
        tuple of list of str

        Raises
        ------
        InputError
            If there are names, but not one for each column.
        """
        floor = self._by_column("forcing", self.forcing, n_columns)
        return floor, floor if self.wall is None else self._by_column("wall", self.wall, n_columns)

    def _by_column(self, what: str, names: str | Sequence[str], n_columns: int) -> list[str]:
        listed = [names] * n_columns if isinstance(names, str) else [str(name) for name in names]
        if len(listed) != n_columns:
            raise InputError(
                f"stage at {self.start:g} a: has {len(listed)} names in {what}, but the section has {n_columns} "
                "columns. Give one name for all, or one for each."
            )
        return listed


def ground_of(section: Section, stage: Stage) -> Values:
    """Cells that are ground in a stage.

    Parameters
    ----------
    section : Section
        The cells.
    stage : Stage
        With its surface.

    Returns
    -------
    numpy.ndarray
        (z, x) bool.

    Raises
    ------
    InputError
        If the surface does not fit the columns, or lies above the grid or below its lowest row.

    Examples
    --------
    >>> from cryoscale.ground.soils import FreezingStep, Soil
    >>> rock = Soil(0.02, FreezingStep(0.1), 2.2e6, 2.1e6, 2.5, 2.6)
    >>> section = Section([0, 10, 20], [3, 2, 1, 0], soils={"rock": rock}, soil_of="rock")
    >>> ground_of(section, Stage(0.0, [3.0, 1.0], forcing="natural")).sum(axis=0)
    array([3, 1])
    """
    surface = surface_of(section, stage)
    top, lowest = float(np.asarray(section.z_edges)[0]), float(section.z[-1])
    where = f"stage at {stage.start:g} a: its surface"
    if surface.max() > top + 1e-9 * max(1.0, abs(top)):
        raise InputError(
            f"{where} is at {surface.max():g} m, above the grid, whose top is at {top:g} m. Begin z_edges higher."
        )
    if surface.min() <= lowest:
        raise InputError(f"{where} is at {surface.min():g} m and leaves no cell below it. End z_edges deeper.")
    return np.asarray(section.z[:, np.newaxis] < surface)


def surface_of(section: Section, stage: Stage) -> Values:
    """Elevation of a stage's surface by column.

    Parameters
    ----------
    section : Section
        The columns.
    stage : Stage
        With its surface.

    Returns
    -------
    numpy.ndarray
        (x,), m.

    Raises
    ------
    InputError
        If it does not fit the columns.
    """
    return by_x(section, f"stage at {stage.start:g} a: its surface", stage.surface)


def by_x(section: Section, what: str, values: npt.ArrayLike) -> Values:
    """Elevations by column.

    Parameters
    ----------
    section : Section
        The columns.
    what : str
        What they are, for the message.
    values : array_like
        m: one for all, or (x,).

    Returns
    -------
    numpy.ndarray
        (x,), m.

    Raises
    ------
    InputError
        If they do not fit the columns.
    """
    found, n_columns = np.asarray(values, dtype=np.float64), section.dx.size
    if found.ndim > 1 or found.size not in (1, n_columns):
        raise InputError(
            f"{what}: has the shape {found.shape}, but the section has {n_columns} columns. "
            "Give one elevation in m for all, or one for each."
        )
    return np.broadcast_to(found, (n_columns,)).copy()
