"""A section as it is in the course of a run, and what is kept of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.ground import _section
from cryoscale.ground.section_grid import Section
from cryoscale.ground.section_measures import Years, yearly_measures
from cryoscale.ground.section_plan import Change, Clock
from cryoscale.variables import attributes

Values = np.ndarray[Any, Any]

TOLERANCE = 1e-3
"""Heat that a cell may lack for its balance at the end of a step, J m-3; the next step makes up for it."""


@dataclass
class State:
    """The ground at one time, which `change` and `advance` carry on in place.

    Attributes
    ----------
    enthalpy, temperature : numpy.ndarray
        (z, x), J m-3 and degC; 0 where there is no ground.
    segment : numpy.ndarray
        (z, x), where on its soil's curve each cell is.
    curves : Curves
        Of the soils.
    plane : Plane
        The cells of the stage.
    """

    enthalpy: Values
    temperature: Values
    segment: Values
    curves: _section.Curves
    plane: _section.Plane

    @classmethod
    def begin(cls, section: Section, plane: _section.Plane, temperature: Values) -> "State":
        """Ground with a temperature.

        Parameters
        ----------
        section : Section
            With the soils.
        plane : Plane
            The cells.
        temperature : numpy.ndarray
            (z, x), degC.

        Returns
        -------
        State
        """
        curves = section.curves()
        enthalpy = np.where(plane.there, _enthalpy(curves, plane.soil, temperature), 0.0)
        return cls(enthalpy, temperature.copy(), np.zeros(section.shape, np.int64), curves, plane)

    @property
    def heat(self) -> float:
        """Heat in the whole section, J m-1."""
        return float((np.outer(self.plane.dz, self.plane.dx) * self.enthalpy).sum())

    def change(self, change: Change) -> float:
        """Dig and place cells.

        Parameters
        ----------
        change : Change
            The stage that begins.

        Returns
        -------
        float
            Heat of what arrives less that of what leaves, J m-1.
        """
        before, self.plane = self.heat, change.plane
        self.enthalpy[change.removed], self.temperature[change.removed] = 0.0, 0.0
        self.temperature[change.placed] = change.fill_temperature
        fresh = _enthalpy(self.curves, change.plane.soil[change.placed], self.temperature[change.placed])
        self.enthalpy[change.placed] = fresh
        return self.heat - before

    def advance(self, warmth: Values, *, flux: float, seconds: float) -> float:
        """Make one step.

        Parameters
        ----------
        warmth : numpy.ndarray
            (surface,), degC.
        flux : float
            Through the base, W m-2.
        seconds : float
            Length of the step.

        Returns
        -------
        float
            Heat through the surface, J m-1.

        Raises
        ------
        InputError
            If the temperatures of the step cannot be found.
        """
        iterations, heat = _section.step(
            self.enthalpy, self.temperature, self.segment, self.plane, self.curves, warmth, flux, seconds, TOLERANCE
        )
        if iterations < 0:
            raise InputError(
                f"step_days: no temperatures balance the heat of a step of {seconds / 86400:.3g} d within "
                f"{_section.MOST_ITERATIONS} iterations. Take shorter steps, or soils that freeze less abruptly."
            )
        return float(heat)


@dataclass
class Record:
    """What a run keeps: temperatures at saved times; extremes and sums of each year, and its heat.

    Attributes
    ----------
    section, clock : Section, Clock
        Of the run.
    saved : numpy.ndarray
        (time, z, x), degC.
    highest, lowest, mean : numpy.ndarray
        (year, z, x), degC.
    since : numpy.ndarray
        (z, x), step with which the mean of each cell begins.
    heat : dict of str to numpy.ndarray
        (year,), J m-1.
    """

    section: Section
    clock: Clock
    saved: Values
    highest: Values
    lowest: Values
    mean: Values
    since: Values
    heat: dict[str, Values]

    @classmethod
    def begin(cls, section: Section, clock: Clock, state: State) -> "Record":
        """Make room for a run, and save how it begins.

        Parameters
        ----------
        section, clock : Section, Clock
            Of the run.
        state : State
            At its beginning.

        Returns
        -------
        Record
        """
        yearly = (clock.years, *section.shape)
        record = cls(
            section,
            clock,
            np.full((clock.saved.size, *section.shape), np.nan),
            np.full(yearly, -np.inf),
            np.full(yearly, np.inf),
            np.zeros(yearly),
            np.zeros(section.shape, np.int64),
            {name: np.zeros(clock.years) for name in ("heat_change", "heat_from_surface", "heat_placed")},
        )
        record.saved[0] = np.where(state.plane.there, state.temperature, np.nan)
        record.heat["heat_change"][0] = -state.heat
        return record

    def note_change(self, step: int, change: Change, heat: float) -> None:
        """Begin anew with cells that have been placed.

        Parameters
        ----------
        step : int
            The next one.
        change : Change
            What has been done.
        heat : float
            That it has brought, J m-1.
        """
        year = step // self.clock.per_year
        self.heat["heat_placed"][year] += heat
        self.highest[year, change.placed] = -np.inf
        self.lowest[year, change.placed] = np.inf
        self.mean[year, change.placed] = 0.0
        self.since[change.placed] = step

    def note_step(self, step: int, state: State, heat: float) -> None:
        """Keep what a step has led to.

        Parameters
        ----------
        step : int
            Number of the step, from 0.
        state : State
            At its end.
        heat : float
            Through the surface, J m-1.
        """
        year, temperature = step // self.clock.per_year, state.temperature
        np.maximum(self.highest[year], temperature, out=self.highest[year])
        np.minimum(self.lowest[year], temperature, out=self.lowest[year])
        self.mean[year] += temperature
        self.heat["heat_from_surface"][year] += heat
        done = step + 1
        if done % self.clock.between_saves == 0:
            self.saved[done // self.clock.between_saves] = np.where(state.plane.there, temperature, np.nan)
        if done % self.clock.per_year == 0:
            self._close(year, done, state)

    def _close(self, year: int, done: int, state: State) -> None:
        self.mean[year] /= done - self.since
        self.since[:] = done
        for values in (self.highest, self.lowest, self.mean):
            values[year, ~state.plane.there] = np.nan
        self.heat["heat_change"][year] += state.heat
        if year + 1 < self.clock.years:
            self.heat["heat_change"][year + 1] = -state.heat

    def dataset(self, *, flux: float, lowered: Values) -> xr.Dataset:
        """Everything that was kept, with what it says.

        Parameters
        ----------
        flux : float
            Through the base, W m-2.
        lowered : numpy.ndarray
            (x,) bool: columns of a pit.

        Returns
        -------
        xarray.Dataset
            As `simulate_section` gives it.
        """
        section, clock = self.section, self.clock
        base = flux * float(section.dx.sum()) * clock.seconds * clock.per_year
        cells = {
            "section_temperature": (("time", "z", "x"), self.saved),
            "section_temperature_max": (("year", "z", "x"), self.highest),
            "section_temperature_min": (("year", "z", "x"), self.lowest),
            "section_temperature_mean": (("year", "z", "x"), self.mean),
        }
        totals = {name: (("year",), values) for name, values in self.heat.items()}
        totals["heat_from_base"] = (("year",), np.full(clock.years, base))
        fields = {name: (*values, attributes(name)) for name, values in (cells | totals).items()}
        years = Years(self.highest, self.lowest, self.mean, self.saved[0])
        run = xr.Dataset(fields, self._coords()).merge(yearly_measures(section, years, lowered))
        surface = np.asarray(section.z_edges)[(~np.isnan(years.first)).argmax(axis=0)]
        return run.assign(first_surface=("x", surface, attributes("first_surface")))

    def _coords(self) -> dict[str, Any]:
        section = self.section
        edges = {"x": np.asarray(section.x_edges), "z": np.asarray(section.z_edges)}
        axes = {"x": "distance along the section", "z": "elevation"}
        centres = {"x": section.x, "z": section.z}
        coords: dict[str, Any] = {
            name: (name, centres[name], {"units": "m", "long_name": axes[name], "bounds": f"{name}_bounds"})
            for name in axes
        }
        bounds = {f"{name}_bounds": ((name, "edge"), np.stack([e[:-1], e[1:]], axis=1)) for name, e in edges.items()}
        time = self.clock.saved / self.clock.per_year
        return coords | bounds | {"time": ("time", time, {"units": "a", "long_name": "time since the beginning"})}


def _enthalpy(curves: _section.Curves, soil: Values, temperature: Values) -> Values:
    """Of cells with a soil and a temperature, by the soils' curves."""
    found = np.zeros(temperature.shape)
    for number, heat in enumerate(curves.enthalpy):
        found[soil == number] = np.interp(temperature[soil == number], curves.temperature, heat)
    return found
