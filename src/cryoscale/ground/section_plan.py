"""When the steps of a section's run are, what the surfaces' temperatures are in each, and where each stage begins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.ground._section import Plane
from cryoscale.ground.forcing import step_seconds, time_steps
from cryoscale.ground.section_grid import COLDEST, WARMEST, Section
from cryoscale.ground.section_stages import Stage, ground_of
from cryoscale.variables import check_units

Values = np.ndarray[Any, Any]

DAYS_PER_YEAR = 365.25

_LONGEST_STEP = 31.0  # d: longer ones would not see the seasons
_SECONDS_PER_DAY = 86400.0


@dataclass(frozen=True)
class Clock:
    """The steps of a run.

    Attributes
    ----------
    years : int
        How long it is.
    per_year : int
        Steps of a year.
    between_saves : int
        Steps from one saved time to the next.
    """

    years: int
    per_year: int
    between_saves: int

    @classmethod
    def of(cls, years: int, *, step_days: float, save_every: float) -> "Clock":
        """Steps of at most `step_days` that divide a year.

        Parameters
        ----------
        years : int
            How long.
        step_days : float
            Longest step, d.
        save_every : float
            Years between saved times.

        Returns
        -------
        Clock

        Raises
        ------
        InputError
            If a number is out of range.

        Examples
        --------
        >>> Clock.of(3, step_days=5.0, save_every=0.5)
        Clock(years=3, per_year=74, between_saves=37)
        """
        if years < 1 or years != int(years):
            raise InputError(f"years: is {years}, but must be a whole number of years, 1 or more.")
        if not 0 < step_days <= _LONGEST_STEP:
            raise InputError(f"step_days: is {step_days:g} d, but must be above 0 and at most {_LONGEST_STEP:g} d.")
        per_year = ceil(DAYS_PER_YEAR / step_days - 1e-9)
        if not 0 < save_every <= years:
            raise InputError(f"save_every: is {save_every:g} a, but must be above 0 and at most the run's {years} a.")
        return cls(int(years), per_year, max(1, round(save_every * per_year)))

    @property
    def n_steps(self) -> int:
        """Steps of the run."""
        return self.years * self.per_year

    @property
    def seconds(self) -> float:
        """Length of a step, s."""
        return DAYS_PER_YEAR * _SECONDS_PER_DAY / self.per_year

    @property
    def saved(self) -> Values:
        """Numbers of steps after which temperatures are saved, from 0 on."""
        return np.arange(0, self.n_steps + 1, self.between_saves)

    def means(self, name: str, series: npt.ArrayLike) -> Values:
        """Mean of a daily series over each step.

        Parameters
        ----------
        name : str
            Of the forcing, for messages.
        series : array_like
            Daily means from the beginning of the run on, degC, or one number.

        Returns
        -------
        numpy.ndarray
            (step,), degC; the sum of degree-days is that of the series.

        Raises
        ------
        InputError
            If days are missing or temperatures are not plausible.

        Examples
        --------
        >>> Clock(years=1, per_year=73, between_saves=73).means("pit", np.arange(366.0) / 100.0)[:2].round(4)
        array([0.02  , 0.0701])
        """
        if isinstance(series, xr.DataArray) and "time" in series.coords:
            _require_days(name, series)
        days = np.asarray(series, dtype=np.float64)
        if not (np.isfinite(days).all() and (np.abs(days) < WARMEST).all()):
            raise InputError(
                f"forcings[{name!r}]: holds NaN or temperatures beyond {COLDEST:g} to {WARMEST:g} degC. "
                "Fill gaps, and convert kelvin by subtracting 273.15."
            )
        if days.ndim == 0:
            return np.full(self.n_steps, float(days))
        needed = int(self.years * DAYS_PER_YEAR)
        if days.ndim > 1 or days.size < needed:
            raise InputError(
                f"forcings[{name!r}]: has the shape {days.shape}, but {self.years} years need {needed} daily means "
                "along one dimension. Repeat or lengthen the series, or give one number."
            )
        # A run may end within the day after the last one of the series, which then is like the last one.
        sums = np.concatenate([[0.0], np.cumsum(days), [days.sum() + days[-1]]])
        ends = np.linspace(0.0, self.years * DAYS_PER_YEAR, self.n_steps + 1)
        sums_of_steps = np.diff(np.interp(ends, np.arange(sums.size), sums))
        return np.asarray(sums_of_steps * self.per_year / DAYS_PER_YEAR)


@dataclass(frozen=True, eq=False)
class Change:
    """A stage on the grid.

    Attributes
    ----------
    step : int
        With which it begins.
    plane : Plane
        The cells as they are then.
    placed, removed : numpy.ndarray
        (z, x) bool: cells that arrive and that leave.
    fill_temperature : float
        Of the cells that arrive, degC; NaN where there are none.
    """

    step: int
    plane: Plane
    placed: Values
    removed: Values
    fill_temperature: float


def _require_days(name: str, series: xr.DataArray) -> None:
    time_steps(check_units(series, "ground_surface_temperature"), f"forcings[{name!r}]")
    if step_seconds(series) != _SECONDS_PER_DAY:
        raise InputError(
            f"forcings[{name!r}]: has steps of {step_seconds(series):g} s, but must have daily means. "
            "Take them with .resample(time='1D').mean()."
        )


def plan_changes(
    section: Section, stages: Sequence[Stage], clock: Clock, *, forcings: Mapping[str, Any]
) -> list[Change]:
    """Put stages on the grid and on the clock.

    Parameters
    ----------
    section : Section
        The cells.
    stages : sequence of Stage
        In order of time.
    clock : Clock
        The steps.
    forcings : mapping of str to Any
        With the names of surfaces, in the order of their numbers.

    Returns
    -------
    list of Change
        One for each stage; the first places nothing.

    Raises
    ------
    InputError
        If stages are out of order, or one of them does not fit the section or the forcings.
    """
    steps = _first_steps(stages, clock)
    there, soil = ground_of(section, stages[0]), section.soil_indices()
    changes: list[Change] = []
    for step, stage in zip(steps, stages, strict=True):
        now = ground_of(section, stage)
        placed, removed = now & ~there, there & ~now
        if placed.any():
            soil = np.where(placed, _fill_of(section, stage, placed), soil)
        floor, wall = (
            _surface_numbers(stage, names, forcings=list(forcings)) for names in stage.names(section.dx.size)
        )
        warmth = np.nan if stage.fill_temperature is None else float(stage.fill_temperature)
        changes.append(Change(step, Plane(section.dz, section.dx, soil, now, floor, wall), placed, removed, warmth))
        there = now
    return changes


def _first_steps(stages: Sequence[Stage], clock: Clock) -> list[int]:
    starts = [stage.start for stage in stages]
    steps = [round(start * clock.per_year) for start in starts]
    if not starts or starts[0] != 0:
        raise InputError(f"stages: start at {starts} a, but the first must start at 0 a: how it is before.")
    for (earlier, later), (last, step) in zip(pairwise(starts), pairwise(steps), strict=True):
        if step <= last:
            raise InputError(
                f"stages: one starts at {later:g} a after one at {earlier:g} a. Give them in order of time, at least "
                f"one step of {DAYS_PER_YEAR / clock.per_year:.3g} d apart."
            )
    if steps[-1] >= clock.n_steps:
        raise InputError(f"stages: one starts at {starts[-1]:g} a, but the run ends after {clock.years} a.")
    return steps


def _fill_of(section: Section, stage: Stage, placed: Values) -> int:
    if stage.fill is None or stage.fill_temperature is None:
        where = section.x[placed.any(axis=0)][0]
        raise InputError(
            f"stage at {stage.start:g} a: raises the surface at x = {where:g} m, but has no fill or fill_temperature. "
            "Say which soil is placed there, and with what temperature in degC."
        )
    return section.soil_index(stage.fill, f"stage at {stage.start:g} a: fill")


def _surface_numbers(stage: Stage, names: Sequence[str], *, forcings: Sequence[str]) -> Values:
    for name in names:
        if name not in forcings:
            raise InputError(
                f"stage at {stage.start:g} a: needs the forcing {name!r}, but forcings has only "
                f"{', '.join(forcings) or 'nothing'}. Give its surface temperatures in degC."
            )
    return np.array([forcings.index(name) for name in names], dtype=np.int64)
