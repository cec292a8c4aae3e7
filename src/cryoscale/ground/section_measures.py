"""What a section's yearly temperatures say: permafrost table, active layer, temperature at 10 m, thaw bulb, heap."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy.ndimage import label

from cryoscale.ground.section_grid import Section
from cryoscale.variables import attributes

Values = np.ndarray[Any, Any]

DEEP = 10.0
"""Depth of ``temperature_10m``, m."""


@dataclass(frozen=True)
class Years:
    """Extremes and means of each year, and the ground at its end; NaN where there is none.

    Attributes
    ----------
    highest, lowest, mean : numpy.ndarray
        (year, z, x), degC; of a cell placed within the year since then.
    first : numpy.ndarray
        Temperatures at the beginning, (z, x), degC.
    """

    highest: Values
    lowest: Values
    mean: Values
    first: Values

    @property
    def ground(self) -> Values:
        """Cells that are ground, (year, z, x)."""
        return ~np.isnan(self.mean)

    @property
    def permafrost(self) -> Values:
        """Ground at 0 degC or below for two years, in the first year for that year."""
        return _two_years(self.highest, np.maximum) <= 0

    @property
    def thawed(self) -> Values:
        """Ground above 0 degC for two years, in the first year for that year."""
        return _two_years(self.lowest, np.minimum) > 0


def yearly_measures(section: Section, years: Years, lowered: Values) -> xr.Dataset:
    """Yearly diagnostics of a section.

    Parameters
    ----------
    section : Section
        The cells.
    years : Years
        Their temperatures.
    lowered : numpy.ndarray
        (x,) bool: columns that have been dug out in any stage.

    Returns
    -------
    xarray.Dataset
        By (year, x): ``section_surface``, ``permafrost_table_depth``, ``active_layer_thickness``,
        ``temperature_10m``; by (year,): ``thaw_bulb_area``, ``heap_area``, ``heap_frozen_area``.

    Examples
    --------
    >>> from cryoscale.ground.soils import FreezingStep, Soil
    >>> rock = Soil(0.02, FreezingStep(0.1), 2.2e6, 2.1e6, 2.5, 2.6)
    >>> section = Section([0, 5], [0, -1, -2, -3], soils={"rock": rock}, soil_of="rock")
    >>> high, low = np.array([[[2.0], [-1.0], [-2.0]]]), np.array([[[-9.0], [-5.0], [-3.0]]])
    >>> measures = yearly_measures(section, Years(high, low, (high + low) / 2, low[0]), np.array([False]))
    >>> measures.permafrost_table_depth.item().__round__(3)
    1.167
    """
    surface = _surface(section, years.ground)
    depths = surface[:, np.newaxis, :] - section.z[:, np.newaxis]
    table = _frost_depth(depths, _two_years(years.highest, np.maximum), years.ground)
    heap = years.ground & (section.z[:, np.newaxis] > _surface(section, ~np.isnan(years.first)[np.newaxis]))
    by_column = {
        "section_surface": surface,
        "permafrost_table_depth": table,
        "active_layer_thickness": _active_layer(depths, years, table),
        "temperature_10m": _at_depth(depths, years.mean, DEEP),
    }
    by_year = {
        "thaw_bulb_area": thaw_bulb(section, years, lowered),
        "heap_area": _area(section, heap),
        "heap_frozen_area": _area(section, heap & years.permafrost),
    }
    coords = {"year": np.arange(1, len(surface) + 1), "x": section.x}
    return xr.Dataset(
        {name: (("year", "x"), values, attributes(name)) for name, values in by_column.items()}
        | {name: ("year", values, attributes(name)) for name, values in by_year.items()},
        coords,
    )


def thaw_bulb(section: Section, years: Years, lowered: Values) -> Values:
    """Area of the ground that was frozen at the beginning, is thawed all year, and hangs together with a pit.

    Parameters
    ----------
    section : Section
        The cells.
    years : Years
        Their temperatures.
    lowered : numpy.ndarray
        (x,) bool: columns of the pit. What thaws beside it belongs to the bulb where it touches what thaws below it.

    Returns
    -------
    numpy.ndarray
        (year,), m2.
    """
    thawed = years.thawed & (years.first <= 0)
    areas = np.zeros(len(thawed))
    for year, cells in enumerate(thawed):
        bodies, _ = label(cells)
        under = np.unique(bodies[:, lowered])
        areas[year] = section.areas[np.isin(bodies, under[under > 0])].sum()
    return areas


def _two_years(values: Values, extreme: np.ufunc) -> Values:
    """Of each year and the one before; NaN where a cell was not there in both, the first year on its own."""
    return np.concatenate([values[:1], extreme(values[1:], values[:-1])])


def _surface(section: Section, ground: Values) -> Values:
    """Elevation of the uppermost face of each column, (year, x)."""
    return np.asarray(np.asarray(section.z_edges)[ground.argmax(axis=1)])


def _area(section: Section, cells: Values) -> Values:
    return np.asarray((cells * section.areas).sum(axis=(1, 2)))


def _frost_depth(depths: Values, highest: Values, ground: Values) -> Values:
    """Depth from which on down the ground stays frozen, (year, x): between centres where `highest` passes 0 degC.

    It is 0 where the uppermost cell is frozen, half-way between the two where the cell above has no record, and NaN
    where nothing is frozen.
    """
    frozen = highest <= 0
    row = frozen.argmax(axis=1, keepdims=True)
    above = np.maximum(row - 1, 0)
    warm, cold = (np.take_along_axis(highest, rows, axis=1) for rows in (above, row))
    upper, lower = (np.take_along_axis(depths, rows, axis=1) for rows in (above, row))
    share = np.where(np.isnan(warm) | (row == 0), 0.5, warm / np.where(warm > cold, warm - cold, 1.0))
    top = ~np.take_along_axis(ground, above, axis=1) | (row == 0)
    depth = np.where(top, 0.0, upper + share * (lower - upper))
    return np.asarray(np.where(frozen.any(axis=1, keepdims=True), depth, np.nan)[:, 0])


def _active_layer(depths: Values, years: Years, table: Values) -> Values:
    """Thaw depth of the year where all ground down to the permafrost freezes in winter, else NaN: a talik."""
    above = years.ground & (depths < table[:, np.newaxis])
    open_all_year = (above & (years.lowest > 0)).any(axis=1)
    thaw = _frost_depth(depths, years.highest, years.ground)
    return np.asarray(np.where(np.isnan(table) | open_all_year, np.nan, thaw))


def _at_depth(depths: Values, temperature: Values, depth: float) -> Values:
    """Temperature at a depth below the surface, (year, x), linear between centres; NaN outside of them."""
    row = np.argmax(depths >= depth, axis=1, keepdims=True)
    above = np.maximum(row - 1, 0)
    upper, lower = (np.take_along_axis(depths, rows, axis=1) for rows in (above, row))
    warm, cold = (np.take_along_axis(temperature, rows, axis=1) for rows in (above, row))
    share = (depth - upper) / np.where(row > above, lower - upper, np.nan)
    return np.asarray((warm + share * (cold - warm))[:, 0])
