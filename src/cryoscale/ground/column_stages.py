"""The cells of a column, and what is dug and placed in the course of time."""

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.ground.forcing import Field

Values = np.ndarray[Any, Any]


def graded_edges(depth: float, *, first: float = 0.02, growth: float = 1.06, fine: float = 0.0) -> Values:
    """Edges of cells that become thicker downwards.

    Parameters
    ----------
    depth : float
        Of the base, m.
    first : float
        Thickness of the uppermost cells, m.
    growth : float
        Of the thickness from cell to cell, 1 or more.
    fine : float
        Depth down to which cells keep the first thickness, m.

    Returns
    -------
    numpy.ndarray
        (cell + 1,) depths, m, from 0 to `depth`.

    Raises
    ------
    InputError
        If a thickness is not positive, or growth below 1 or above 2.

    Examples
    --------
    >>> graded_edges(1.0, first=0.1, growth=1.5).round(3)
    array([0.   , 0.1  , 0.25 , 0.475, 0.812, 1.   ])
    """
    if not (0 < first < depth and 0 <= fine <= depth and 1.0 <= growth <= 2.0):
        raise InputError(
            f"graded_edges: first {first:g} m, fine {fine:g} m, growth {growth:g} make no grid of {depth:g} m: the "
            "first cell must be thinner than the whole, and growth lie between 1 and 2."
        )
    edges, thickness = [0.0], first
    while edges[-1] < depth - 1e-9:
        edges.append(edges[-1] + thickness)
        thickness *= growth if edges[-1] >= fine else 1.0
    too_thin = len(edges) > 2 and depth - edges[-2] < 0.5 * (edges[-2] - edges[-3])
    return np.array([*edges[: -2 if too_thin else -1], depth])


@dataclass(frozen=True, eq=False)
class ColumnStage:
    """The surface of columns from a time on, until the next stage begins: dug, flooded, heaped up, filled back.

    Cells above the surface are not there: what is dug away leaves with its heat, what is placed comes with its own.

    Attributes
    ----------
    start : float
        Years of 365.25 d since the begin; a stage with the start 0 that is not the first takes effect at once.
    surface : xarray.DataArray or float
        Depth of the surface (under a lake of its bottom) below the top of the grid, m. A cell is ground where its
        centre lies below.
    forcing : str
        Name of the surface that acts.
    fill : str, optional
        Soil of the cells that this stage places.
    fill_temperature : xarray.DataArray or float
        Of those cells when they arrive, degC.
    where : xarray.DataArray, optional
        Columns that change, bool; the others go on as they are.

    Raises
    ------
    InputError
        If the start is negative.

    Examples
    --------
    >>> ColumnStage(5.0, 20.0, forcing="pit").fill is None
    True
    """

    start: float
    surface: Field
    _: KW_ONLY
    forcing: str
    fill: str | None = None
    fill_temperature: Field = 0.0
    where: xr.DataArray | None = None

    def __post_init__(self) -> None:
        if not (np.isfinite(self.start) and self.start >= 0):
            raise InputError(f"ColumnStage.start: is {self.start!r}, but must be 0 or more years since the begin.")
