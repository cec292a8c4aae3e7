"""From a column and what acts on it to the plan and the arrays of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.ground.column_stages import ColumnStage
from cryoscale.ground.forcing import Field, Surface, time_steps
from cryoscale.ground.heat_run import PER_STAGE, PER_SURFACE, Plan

if TYPE_CHECKING:
    from cryoscale.ground.heat import HeatColumn


def prepare(
    column: HeatColumn,
    surfaces: Surface | Mapping[str, Surface],
    initial: xr.DataArray | float,
    stages: Sequence[ColumnStage],
) -> tuple[Plan, list[xr.DataArray]]:
    """The plan of a run, and its arrays in the order of the plan's roles."""
    named = {"surface": surfaces} if isinstance(surfaces, Surface) else dict(surfaces)
    if not named:
        raise InputError("surfaces: there are none. Give at least one Surface.")
    planned = list(stages) or [ColumnStage(0.0, 0.0, forcing=next(iter(named)))]
    _check_stages(column, named, planned)
    series = next(iter(named.values())).series
    dates = time_steps(series, "surface temperature")
    for name, surface in named.items():
        if not np.array_equal(time_steps(surface.series, f"surface {name!r}"), dates):
            raise InputError(f"surface {name!r}: has other times than the first surface. Reindex it to them.")
    soils = list(column.soils)
    plan = Plan(
        edges=np.asarray(column.edges, dtype=np.float64),
        soils=tuple(column.soils.values()),
        dates=dates,
        seconds=next(iter(named.values())).seconds,
        surfaces=tuple(named),
        starts=tuple(stage.start for stage in planned),
        surface_of=tuple(list(named).index(stage.forcing) for stage in planned),
        fills=tuple(-1 if stage.fill is None else soils.index(stage.fill) for stage in planned),
        tolerance=column.tolerance,
    )
    inputs = [positions(column), cell_profile(column, initial), _array(column.geothermal_flux)]
    for surface in named.values():
        bare = xr.zeros_like(surface.series.isel({d: 0 for d in surface.series.dims if d != "time"}, drop=True))
        parts = {name: getattr(surface, name) for name in PER_SURFACE} | {
            "snow": bare if surface.snow is None else surface.snow
        }
        inputs += [_array(parts[name]).drop_vars("time", errors="ignore") for name in PER_SURFACE]
    for stage in planned:
        parts = {name: getattr(stage, name) for name in PER_STAGE}
        inputs += [_array(True if part is None else part) for part in parts.values()]
    return plan, inputs


def _check_stages(column: HeatColumn, surfaces: Mapping[str, Surface], stages: Sequence[ColumnStage]) -> None:
    starts = [stage.start for stage in stages]
    if starts[0] != 0 or starts != sorted(starts):
        raise InputError(f"stages: begin at {starts} a, but the first must begin at 0 and the others in order.")
    for stage in stages:
        if stage.forcing not in surfaces:
            raise InputError(
                f"stage at {stage.start:g} a: forcing {stage.forcing!r} is not among the surfaces {sorted(surfaces)}."
            )
        if stage.fill is not None and stage.fill not in column.soils:
            raise InputError(
                f"stage at {stage.start:g} a: fill {stage.fill!r} is not among the soils {sorted(column.soils)}."
            )


def _array(value: Field | bool) -> xr.DataArray:
    return value if isinstance(value, xr.DataArray) else xr.DataArray(value)


def positions(column: HeatColumn) -> xr.DataArray:
    """(depth, ...) positions of the cells' soils."""
    if isinstance(column.soil_of, xr.DataArray):
        given = column.soil_of
        if given.sizes.get("depth") != column.depth.size:
            raise InputError(
                f"HeatColumn.soil_of: has the sizes {dict(given.sizes)}, but 'depth' must be {column.depth.size} cells."
            )
        return given.drop_vars("depth", errors="ignore")
    names = list(column.soils)
    cells = [column.soil_of] * column.depth.size if isinstance(column.soil_of, str) else column.soil_of
    return xr.DataArray([names.index(name) for name in cells], dims="depth")


def cell_profile(column: HeatColumn, initial: xr.DataArray | float) -> xr.DataArray:
    """(depth, ...) initial temperatures of the cells."""
    if not isinstance(initial, xr.DataArray):
        return xr.DataArray(np.full(column.depth.size, float(initial)), {"depth": column.depth}, ("depth",))
    if "depth" not in initial.dims:
        raise InputError(f"initial: has the dims {initial.dims}, but needs 'depth' in m below the top of the grid.")
    if "depth" in initial.coords and not np.array_equal(initial.depth, column.depth):
        if initial.dims != ("depth",):
            raise InputError("initial: a map of profiles must be given at the depths of the cells (HeatColumn.depth).")
        values = np.interp(column.depth, initial.depth.values, initial.values)
        return xr.DataArray(values, {"depth": column.depth}, ("depth",))
    if initial.sizes["depth"] != column.depth.size:
        raise InputError(f"initial: has {initial.sizes['depth']} depths, but the column {column.depth.size} cells.")
    return initial.assign_coords(depth=column.depth)
