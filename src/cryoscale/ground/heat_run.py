"""From arrays by role to the compiled columns and back: what `HeatColumn` and `simulate_columns` have in common."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cryoscale.errors import InputError
from cryoscale.ground import _heat_state as state
from cryoscale.ground._heat import simulate
from cryoscale.ground._heat_rows import LANES
from cryoscale.ground._heat_years import YEARLY, diagnose
from cryoscale.ground.forcing import COLDEST, DAYS_PER_YEAR, WARMEST
from cryoscale.ground.soils import FreezingStep, Soil, conductivity, enthalpy

Values = np.ndarray[Any, Any]

PER_SURFACE = ("series", "snow", "mean", "trend", "scale", "n_thaw", "n_freeze")
PER_STAGE = ("surface", "fill_temperature", "where")
GROUND = ("soil_of", "initial", "geothermal_flux")

_PIECES = 1024
_TABULATED = 60.0  # K below 0 degC down to which tables are fine; below, they go on in a line
_WHOLE_YEAR = 364.0  # d
_BATCH = 16 * LANES  # columns whose yearly profiles are held at once

_LIMITS = {
    "series": (COLDEST, WARMEST, "degC"),
    "snow": (0.0, 1000.0, "m2 K W-1"),
    "mean": (COLDEST, WARMEST, "degC"),
    "trend": (-10.0, 10.0, "K a-1"),
    "scale": (-100.0, 100.0, "1"),
    "n_thaw": (0.0, 5.0, "1"),
    "n_freeze": (0.0, 5.0, "1"),
    "initial": (COLDEST, WARMEST, "degC"),
    "geothermal_flux": (-10.0, 10.0, "W m-2"),
    "fill_temperature": (COLDEST, WARMEST, "degC"),
}


@dataclass(frozen=True, eq=False)
class Plan:
    """What all columns share."""

    edges: Values  # (cell + 1,) m
    soils: tuple[Soil, ...]
    dates: Values  # (step,) datetime64
    seconds: float
    surfaces: tuple[str, ...]
    starts: tuple[float, ...]  # (stage,) years
    surface_of: tuple[int, ...]  # (stage,)
    fills: tuple[int, ...]  # (stage,) position of the soil, -1 without one
    tolerance: float

    @property
    def year(self) -> Values:
        """(step,) calendar year, from 0."""
        years = self.dates.astype("datetime64[Y]").astype(int)
        return np.asarray(years - years[0])

    @property
    def years(self) -> Values:
        """Calendar years."""
        first, last = self.dates[[0, -1]].astype("datetime64[Y]").astype(int) + 1970
        return np.arange(first, last + 1)

    @property
    def roles(self) -> Iterator[tuple[str, str]]:
        """Of each array that `run` takes: its role, and what it is called in messages."""
        for role in GROUND:
            yield role, role
        for name in self.surfaces:
            yield from ((role, f"surface {name!r}, {role}") for role in PER_SURFACE)
        for start in self.starts:
            yield from ((role, f"stage at {start:g} a, {role}") for role in PER_STAGE)


def tabulate(soils: Sequence[Soil]) -> state.Tables:
    """Temperature by enthalpy in pieces of one size for all soils, the air first.

    The pieces end at 0 J m-3, which is where ground is warm; below the first one goes on.
    """
    origin = min(float(enthalpy(soil, -_TABULATED)) for soil in soils)
    size = -origin / (_PIECES - 1)
    knots = size * np.arange(1 - _PIECES, 1)
    slopes, intercepts = [np.full(_PIECES, 1.0 / state.BOUNDLESS)], [np.zeros(_PIECES)]
    resistivities = [np.full(_PIECES, 0.5)]
    for soil in soils:
        kelvin = _temperatures(soil, knots)
        slope = np.append(np.diff(kelvin) / size, 1.0 / soil.heat_capacity_thawed)
        slopes.append(slope)
        intercepts.append(kelvin - slope * knots)
        middle = np.append((kelvin[:-1] + kelvin[1:]) / 2.0, 1.0)
        resistivities.append(0.5 / conductivity(soil, middle))
    slope = np.concatenate(slopes)
    return state.Tables(
        origin=float(knots[0]),
        per_piece=1.0 / size,
        pieces=_PIECES,
        intercept=np.concatenate(intercepts),
        slope=slope,
        capacity=1.0 / slope,
        resistivity=np.concatenate(resistivities),
    )


def _temperatures(soil: Soil, heat: Values) -> Values:
    """Inverse of the enthalpy at 0 J m-3 and below, by interpolation on a grid that is fine where water freezes."""
    kinks = [-soil.unfrozen.freezing_point(soil.water)]
    kinks += [soil.unfrozen.width] if isinstance(soil.unfrozen, FreezingStep) else []
    cold = np.unique(np.concatenate([[0.0], kinks, np.geomspace(1e-9, 5e3, 20_000)]))[::-1]
    return np.asarray(np.interp(heat, enthalpy(soil, -cold), -cold))


def run(plan: Plan, columns: dict[str, Values], *, every: int) -> state.Results:
    """Run columns: (core dims..., column or 1) arrays by message name, without gaps."""
    columns = {name: values.astype(np.float64) for name, values in columns.items()}
    ground = _ground(plan, columns)
    n_years, n_rows, n_columns = int(plan.year[-1]) + 1, plan.edges.size, ground.initial.shape[1]
    n_steps = plan.dates.size
    results = state.Results(
        budget=np.empty((state.BUDGET, n_columns)),
        top=np.empty((n_years, n_columns), np.int64),
        surface=np.empty((2, n_years, n_columns)),
        envelopes=np.empty((state.ENVELOPES, n_years, n_rows, n_columns)),
        profiles=np.empty((n_steps // every if every > 0 else 0, n_rows, n_columns)),
        last=np.empty((n_rows, n_columns)),
        every=max(every, 1),
    )
    simulate(_scratch(n_rows), tabulate(plan.soils), ground, _forcing(plan, columns, n_columns), results)
    unsettled = int((results.budget[state.UNSETTLED] > 0).sum())
    if unsettled:
        raise InputError(
            f"heat conduction: {unsettled} of {n_columns} columns did not converge within {state.ROUNDS} iterations "
            f"to {plan.tolerance:g} K. Take shorter steps, thicker cells, or a soil that freezes over a wider interval."
        )
    return results


def yearly_maps(*arrays: Values, plan: Plan) -> tuple[Values, ...]:
    """Yearly diagnostics, (year, ...) each: arrays with their core dims first; NaN where an input is NaN."""
    roles = list(plan.roles)
    core = [_N_CORE.get(role, 0) for role, _ in roles]
    loop = np.broadcast_shapes(*(a.shape[n:] for a, n in zip(arrays, core, strict=True)))
    flat = {name: _flatten(a, n, loop) for a, n, (_, name) in zip(arrays, core, roles, strict=True)}
    n_columns = int(np.prod(loop))
    known = np.ones(n_columns, bool)
    for values in flat.values():
        if values.shape[-1] > 1:
            known &= np.isfinite(values).all(axis=tuple(range(values.ndim - 1)))
    out = np.full((YEARLY, plan.years.size, n_columns), np.nan)
    places = np.flatnonzero(known)
    for first in range(0, places.size, _BATCH):
        batch = places[first : first + _BATCH]
        columns = {name: a[..., batch] if a.shape[-1] > 1 else a for name, a in flat.items()}
        results = run(plan, columns, every=0)
        out[..., batch] = diagnosed(plan, results)
    shaped = out.reshape(YEARLY, plan.years.size, *loop)
    codes = np.nan_to_num(shaped[-1], nan=0.0).astype(np.uint8)
    return *(values.astype(np.float32) for values in shaped[:-1]), codes


def diagnosed(plan: Plan, results: state.Results) -> Values:
    """(result, year, column) yearly results; NaN in calendar years that are not whole."""
    maps = np.empty((YEARLY, *results.top.shape))
    edges = np.append(-1.0, plan.edges)
    diagnose(edges, results.top, results.surface, results.envelopes, maps)
    days = np.bincount(plan.year) * plan.seconds / 86400.0
    maps[:, days < _WHOLE_YEAR] = np.nan
    return maps


_N_CORE = {"series": 1, "snow": 1, "soil_of": 1, "initial": 1}


def _flatten(array: Values, n_core: int, loop: tuple[int, ...]) -> Values:
    """(core, column), or (core, 1) of what all columns share."""
    core = array.shape[:n_core]
    if array.size == int(np.prod(core)):
        return array.reshape(*core, 1)
    missing = len(loop) - (array.ndim - n_core)
    padded = array.reshape(*core, *(1,) * missing, *array.shape[n_core:])
    return np.broadcast_to(padded, (*core, *loop)).reshape(*core, -1)


def _ground(plan: Plan, columns: dict[str, Values]) -> state.Ground:
    for role, name in plan.roles:
        if role in _LIMITS:
            _require(columns[name], name, *_LIMITS[role])
    n = max(values.shape[-1] for values in columns.values())
    soil = columns["soil_of"].astype(np.int64)
    if soil.min() < 0 or soil.max() >= len(plan.soils):
        raise InputError(f"soil_of: names soil {soil.min()} to {soil.max()}, but there are 0 to {len(plan.soils) - 1}.")
    first, soils, surface = _stages(plan, columns, soil)
    steps = np.rint(np.array(plan.starts) * DAYS_PER_YEAR * 86400.0 / plan.seconds).astype(np.int64)
    arrival = [columns[f"stage at {s:g} a, fill_temperature"] for s in plan.starts]
    air = np.zeros((1, n))
    return state.Ground(
        width=np.append(1.0, np.diff(plan.edges)),
        initial=np.concatenate([air, _wide(columns["initial"], n)]),
        flux=_wide(columns["geothermal_flux"], n).copy(),
        start=np.repeat(steps[:, np.newaxis], n, axis=1),
        first=_wide(first, n).copy(),
        soil=soils,
        arrival=np.stack([_wide(a, n) for a in arrival]),
        surface=_wide(surface, n).copy(),
    )


def _stages(plan: Plan, columns: dict[str, Values], soil: Values) -> tuple[Values, Values, Values]:
    """First row of ground, (stage, column or 1), soils with the air as 0, (stage, row, ...), and surfaces."""
    centres = (plan.edges[:-1] + plan.edges[1:]) / 2
    parts = [soil, *(columns[f"stage at {s:g} a, {role}"] for s in plan.starts for role in PER_STAGE)]
    n = max(part.shape[-1] for part in parts)
    rows = np.arange(centres.size)[:, np.newaxis]
    soil, top, surface = np.broadcast_to(soil, (centres.size, n)), np.zeros(n, np.int64), np.zeros(n, np.int64)
    tops: list[Values] = []
    soils: list[Values] = []
    surfaces: list[Values] = []
    for number, (start, which, fill) in enumerate(zip(plan.starts, plan.surface_of, plan.fills, strict=True)):
        name = f"stage at {start:g} a, surface"
        _require(columns[name], name, 0.0, float(centres[-2]), "m below the top of the grid")
        lowered = np.broadcast_to((centres[:, np.newaxis] < columns[name]).sum(axis=0), n)
        here = np.broadcast_to(columns[f"stage at {start:g} a, where"].astype(bool) | (number == 0), n)
        now = np.where(here, lowered, top)
        placed = (rows >= now) & (rows < top) & (number > 0)
        if placed.any() and fill < 0:
            raise InputError(
                f"stage at {start:g} a: places ground, but has no fill. Name the soil and its temperature."
            )
        soil, top, surface = np.where(placed, fill, soil), now, np.where(here, which, surface)
        tops.append(top + 1)
        soils.append(np.concatenate([np.zeros((1, n), np.int64), soil + 1]))
        surfaces.append(surface)
    return np.stack(tops), np.stack(soils), np.stack(surfaces)


def _forcing(plan: Plan, columns: dict[str, Values], n: int) -> state.Forcing:
    def together(role: str) -> Values:
        parts = [columns[f"surface {name!r}, {role}"] for name in plan.surfaces]
        return np.stack([_wide(part, max(p.shape[-1] for p in parts)) for part in parts]).astype(float)

    shares = [_wide(together(role), n) for role in PER_SURFACE[2:]]
    return state.Forcing(
        parameters=np.stack(shares, axis=1).copy(),
        shape=together("series"),
        resistance=together("snow"),
        years=(np.arange(plan.dates.size) + 0.5) * plan.seconds / 86400.0 / DAYS_PER_YEAR,
        year=plan.year,
        seconds=plan.seconds,
        tolerance=plan.tolerance,
    )


def _wide(values: Values, n: int) -> Values:
    return np.broadcast_to(values, (*values.shape[:-1], n))


def _require(values: Values, name: str, low: float, high: float, unit: str) -> None:
    good = (values >= low) & (values <= high)
    if not good.all():
        raise InputError(
            f"{name}: holds {float(values[~good].flat[0]):.6g}, but must lie between {low:g} and {high:g} {unit}. "
            "Check its unit, and fill gaps."
        )


def _scratch(n_rows: int) -> state.Block:
    lanes = {"air": float, "snow": float, "top": np.int64, "stage": np.int64, "warm_surface": float}
    lanes["cold_surface"] = float
    whole = {"offset": np.int32, "piece": np.int32, "reached": np.int32}
    return state.Block(
        **{
            name: np.zeros(LANES, lanes[name])
            if name in lanes
            else np.zeros((n_rows + 1, LANES), whole.get(name, float))
            for name in state.Block._fields
        }
    )
