"""Snow as cells of the column, for where its heat counts and not only its resistance."""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.ground.column_stages import ColumnStage
from cryoscale.ground.forcing import DAYS_PER_YEAR, step_seconds, time_steps
from cryoscale.ground.heat import HeatColumn
from cryoscale.ground.soils import Soil


@dataclass(frozen=True, eq=False)
class SnowyColumn:
    """A column with cells of snow above the ground, and the stages in which it falls and melts.

    Attributes
    ----------
    column : HeatColumn
        With the snow on top of the ground.
    stages : list of ColumnStage
        For `HeatColumn.run`; their forcing is called ``"surface"``.
    height : float
        Of the top of the grid above the ground, m.
    """

    column: HeatColumn
    stages: list[ColumnStage]
    height: float

    def initial(self, profile: xr.DataArray) -> xr.DataArray:
        """Initial temperatures of the new column from those of the ground.

        Parameters
        ----------
        profile : xarray.DataArray
            (depth,) below the surface of the ground, degC.

        Returns
        -------
        xarray.DataArray
            (depth,) below the top of the grid, degC.
        """
        raised: xr.DataArray = profile.assign_coords(depth=profile.depth + self.height)
        return raised

    def of_ground(self, result: xr.Dataset) -> xr.DataArray:
        """Temperatures of the ground in a result.

        Parameters
        ----------
        result : xarray.Dataset
            Of `HeatColumn.run`. Its yearly results count depths from the surface of the snow: leave them.

        Returns
        -------
        xarray.DataArray
            (time, depth), degC, depth below the surface of the ground.
        """
        ground = result.ground_temperature.sel(depth=slice(self.height, None))
        below: xr.DataArray = ground.assign_coords(depth=ground.depth - self.height)
        return below


def resolve_snow(
    column: HeatColumn, depth: xr.DataArray, air: xr.DataArray, *, snow: Soil, cell: float = 0.005
) -> SnowyColumn:
    """Put cells of snow on a column, as many as there is snow at every step.

    Snow that falls comes with the temperature of the air, at most 0 degC, and snow that goes leaves with its heat.

    Parameters
    ----------
    column : HeatColumn
        One column of ground, its soils given by name.
    depth : xarray.DataArray
        (time,) of the snow, m, rounded to whole cells.
    air : xarray.DataArray
        (time,) degC, with the same times.
    snow : Soil
        Conductivity and heat capacity of the snow, without water.
    cell : float
        Thickness of its cells, m.

    Returns
    -------
    SnowyColumn

    Raises
    ------
    InputError
        If a depth is negative or missing, the times differ, or the column is a map.

    Examples
    --------
    >>> from cryoscale.ground.forcing import Surface, sinusoid
    >>> from cryoscale.ground.soils import FreezingStep
    >>> rock, snow = Soil(0, FreezingStep(), 2e6, 2e6, 2.5, 2.5), Soil(0, FreezingStep(), 6e5, 6e5, 0.3, 0.3)
    >>> air = sinusoid(-5.0, 15.0, years=1)
    >>> deep = (air < -10).astype(float) * 0.4
    >>> snowy = resolve_snow(HeatColumn([0, 1, 2, 4], {"rock": rock}, "rock"), deep, air, snow=snow, cell=0.1)
    >>> snowy.column.depth.size, len(snowy.stages)
    (7, 3)
    """
    if isinstance(column.soil_of, xr.DataArray):
        raise InputError("resolve_snow: needs one column whose soils are given by name, not positions or a map.")
    if not np.array_equal(time_steps(depth, "snow depth"), time_steps(air, "air temperature")):
        raise InputError("snow depth: has other times than the air temperature. Reindex it to them.")
    if not (depth >= 0).all():
        raise InputError("snow depth: holds negative or missing values. Set what is free of snow to 0 m.")
    if not 0 < cell <= 1:
        raise InputError(f"cell: is {cell!r} m, but must be above 0 and at most 1 m.")
    cells = np.rint(depth.values / cell).astype(int)
    most = max(int(cells.max()), 1)
    height = most * cell
    names = [column.soil_of] * column.depth.size if isinstance(column.soil_of, str) else list(column.soil_of)
    edges = np.concatenate([cell * np.arange(most), height + np.asarray(column.edges, dtype=np.float64)])
    changed = np.flatnonzero(np.append(True, cells[1:] != cells[:-1]))
    step = step_seconds(air) / 86400.0 / DAYS_PER_YEAR
    stages = [
        ColumnStage(
            i * step,
            (most - cells[i]) * cell,
            forcing="surface",
            fill="snow",
            fill_temperature=min(float(air[i]), 0.0),
        )
        for i in changed
    ]
    soils = {**column.soils, "snow": snow}
    if "snow" in column.soils:
        raise InputError("resolve_snow: the column has a soil called 'snow' already. Call it something else.")
    return SnowyColumn(replace(column, edges=edges, soils=soils, soil_of=["snow"] * most + names), stages, height)
