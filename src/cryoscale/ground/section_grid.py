"""The cells of a vertical section: where they lie, and what they are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from cryoscale.errors import InputError
from cryoscale.ground._section import Curves
from cryoscale.ground.soils import FreezingStep, Soil, conductivity, enthalpy

Values = np.ndarray[Any, Any]

COLDEST, WARMEST = -80.0, 80.0
"""Temperatures that a section can have, degC."""

_PER_DECADE = 30  # nodes of temperature a decade: unfrozen water between them is right to less than 0.1 % of itself
_FINEST = 1e-4  # K below the freezing point of water


@dataclass(frozen=True, eq=False)
class Section:
    """A vertical section of the ground on a grid of columns and rows, of any spacing.

    Attributes
    ----------
    x_edges : array_like, shape (x + 1,)
        Edges of the columns along the section, m, increasing.
    z_edges : array_like, shape (z + 1,)
        Edges of the rows, elevation in m, from the highest surface that there will ever be down to the base:
        decreasing.
    soils : mapping of str to Soil
        Soils by name.
    soil_of : array_like of str, shape (z, x) or one that broadcasts to it
        Name of each cell's soil before any stage replaces it: ``"silt"`` for all, (z, 1) for layers.

    Raises
    ------
    InputError
        If edges are not in order or not finite, or a cell's soil has no entry.

    Examples
    --------
    >>> rock = Soil(0.02, FreezingStep(0.1), 2.2e6, 2.1e6, 2.5, 2.6)
    >>> section = Section([0, 10, 30], [100.0, 99.0, 97.0, 93.0], soils={"rock": rock}, soil_of="rock")
    >>> section.x, section.z, section.shape
    (array([ 5., 20.]), array([99.5, 98. , 95. ]), (3, 2))
    """

    x_edges: npt.ArrayLike
    z_edges: npt.ArrayLike
    _: KW_ONLY
    soils: Mapping[str, Soil]
    soil_of: npt.ArrayLike

    def __post_init__(self) -> None:
        object.__setattr__(self, "x_edges", _edges("x_edges", self.x_edges, +1, "increase"))
        object.__setattr__(self, "z_edges", _edges("z_edges", self.z_edges, -1, "decrease (elevations, from the top)"))
        object.__setattr__(self, "soils", MappingProxyType(dict(self.soils)))
        names = np.asarray(self.soil_of, dtype=np.str_)
        if not fits_cells(names.shape, self.shape):
            raise InputError(f"soil_of: has the shape {names.shape}, but the section has {self.shape} cells (z, x).")
        object.__setattr__(self, "soil_of", np.broadcast_to(names, self.shape))
        for name in np.unique(names):
            self.soil_index(str(name), "soil_of")

    @cached_property
    def dx(self) -> Values:
        """Widths of the columns, m."""
        return np.diff(np.asarray(self.x_edges))

    @cached_property
    def dz(self) -> Values:
        """Heights of the rows, m."""
        return -np.diff(np.asarray(self.z_edges))

    @property
    def x(self) -> Values:
        """Centres of the columns, m."""
        return np.asarray(self.x_edges)[:-1] + self.dx / 2.0

    @property
    def z(self) -> Values:
        """Elevations of the rows' centres, m."""
        return np.asarray(self.z_edges)[:-1] - self.dz / 2.0

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.dz.size, self.dx.size

    @property
    def areas(self) -> Values:
        """Area of each cell, (z, x), m2."""
        return np.outer(self.dz, self.dx)

    def soil_index(self, name: str, source: str) -> int:
        """Position of a soil in the tables.

        Parameters
        ----------
        name : str
            The soil.
        source : str
            What names it, for the message.

        Returns
        -------
        int

        Raises
        ------
        InputError
            If there is no such soil.
        """
        if name not in self.soils:
            raise InputError(
                f"{source}: names the soil {name!r}, but soils has only {', '.join(self.soils) or 'nothing'}. "
                "Add it to soils."
            )
        return list(self.soils).index(name)

    def soil_indices(self) -> Values:
        """Position of each cell's soil in the tables.

        Returns
        -------
        numpy.ndarray
            (z, x) int64.
        """
        names, inverse = np.unique(np.asarray(self.soil_of), return_inverse=True)
        places = np.array([self.soil_index(str(name), "soil_of") for name in names], dtype=np.int64)
        return places[inverse].reshape(self.shape)

    def curves(self) -> Curves:
        """Enthalpy and conductivity of the soils, piecewise linear between nodes of temperature.

        Returns
        -------
        Curves
            The nodes hold every soil's freezing point and, of a narrow step, its end; below it they lie evenly in the
            logarithm of the temperature.
        """
        soils = list(self.soils.values())
        n_nodes = round(_PER_DECADE * np.log10(-COLDEST / _FINEST)) + 1
        kinks = [soil.unfrozen.freezing_point(soil.water) for soil in soils]
        kinks += [-soil.unfrozen.width for soil in soils if isinstance(soil.unfrozen, FreezingStep)]
        nodes = np.unique(np.concatenate([-np.geomspace(_FINEST, -COLDEST, n_nodes), kinks, [0.0, WARMEST]]))
        return Curves(
            nodes,
            np.stack([enthalpy(soil, nodes) for soil in soils]),
            np.stack([conductivity(soil, nodes) for soil in soils]),
        )


def fits_cells(shape: Sequence[int], cells: Sequence[int]) -> bool:
    """Whether an array of a shape broadcasts to the cells of a section.

    Parameters
    ----------
    shape : sequence of int
        Of the array.
    cells : sequence of int
        Of the section.

    Returns
    -------
    bool

    Examples
    --------
    >>> fits_cells((3, 1), (3, 5)), fits_cells((3,), (3, 5))
    (True, False)
    """
    ends = zip(reversed(shape), reversed(cells), strict=False)
    return len(shape) <= len(cells) and all(size in (1, number) for size, number in ends)


def stretched_edges(start: float, stop: float, *, first: float, growth: float = 1.1, widest: float = np.inf) -> Values:
    """Edges of cells that widen away from where they begin.

    Parameters
    ----------
    start, stop : float
        Where the cells begin, m, and where they end; either may be the higher one.
    first : float
        Width of the first cell, m.
    growth : float
        Ratio of the widths of neighbours, 1 or more.
    widest : float
        No cell is wider, m.

    Returns
    -------
    numpy.ndarray
        From `start` to `stop`, which the last cell is stretched or cut to meet.

    Raises
    ------
    InputError
        If a width is not positive, or the cells would shrink.

    Examples
    --------
    >>> stretched_edges(0.0, -7.0, first=1.0, growth=2.0)
    array([ 0., -1., -3., -7.])
    """
    if not (first > 0 and widest > 0 and growth >= 1 and np.isfinite([start, stop, first, growth]).all()):
        raise InputError(
            f"stretched_edges: first={first:g} m and widest={widest:g} m must be positive and growth={growth:g} 1 or "
            "more. Give widths of cells in m."
        )
    length, distances, width = abs(stop - start), [0.0], min(first, widest)
    while distances[-1] + width < length:
        distances.append(distances[-1] + width)
        width = min(width * growth, widest)
    nearly = length - distances[-1] < width / 2.0 and len(distances) > 1
    distances[len(distances) - nearly :] = [length]
    return np.asarray(start + np.sign(stop - start) * np.array(distances))


def _edges(name: str, values: npt.ArrayLike, sign: int, order: str) -> Values:
    edges = np.array(values, dtype=np.float64)
    if edges.ndim != 1 or edges.size < 2 or not np.isfinite(edges).all():
        raise InputError(f"{name}: must be a list of at least two finite numbers in m, not {values!r:.60}.")
    wrong = np.flatnonzero(sign * np.diff(edges) <= 0)
    if wrong.size:
        i = wrong[0]
        raise InputError(
            f"{name}: goes from {edges[i]:g} to {edges[i + 1]:g} m at cell {i}, whose size would not be positive. "
            f"Edges must {order}."
        )
    return edges
