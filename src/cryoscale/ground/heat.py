"""Heat conduction with phase change in columns of ground: one column, or every pixel of a map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.ground import _heat_state as state
from cryoscale.ground.column_stages import ColumnStage
from cryoscale.ground.forcing import Field, Surface
from cryoscale.ground.heat_inputs import cell_profile, positions, prepare
from cryoscale.ground.heat_run import Plan, diagnosed, run, yearly_maps
from cryoscale.ground.soils import Layer, Soil, conductivity
from cryoscale.lift import lift
from cryoscale.variables import attributes

Values = np.ndarray[Any, Any]

MAPS = (
    "active_layer_thickness",
    "permafrost_table_depth",
    "temperature_10m",
    "seasonless_temperature",
    "ground_thermal_state",
)
"""Yearly results of columns."""

TOLERANCE = 1e-3
"""K, by which a cell's temperature may miss that of its enthalpy while a step is solved."""

_SPIN_UP_BLOCK = 5  # years between two adjustments of the deep ground
_RANGE = 0.01  # yearly range up to which ground counts as without seasons in a spin-up, K


@dataclass(frozen=True)
class SpinUp:
    """A periodic state.

    Attributes
    ----------
    initial : xarray.DataArray
        (depth,) temperature with which the year begins and ends, degC.
    drift : float
        By which it still changes from year to year, K.
    years : int
        That were run.
    """

    initial: xr.DataArray
    drift: float
    years: int


@dataclass(frozen=True, eq=False)
class HeatColumn:
    """A column of ground, or one for every pixel, from the highest surface that it will ever have down to its base.

    Attributes
    ----------
    edges : array_like
        (cell + 1,) depths below the top of the grid, m, from 0 down.
    soils : mapping of str to Soil
        By name.
    soil_of : str, sequence of str, or xarray.DataArray
        Soil of all cells or of each, from the top; or positions in `soils`, ``(depth,)`` or ``(depth, y, x)``.
    geothermal_flux : xarray.DataArray or float
        Heat that enters from below, W m-2.
    tolerance : float
        How far a cell's temperature may miss that of its enthalpy while a step is solved, K.

    Raises
    ------
    InputError
        If the edges do not grow, or a soil is not known.

    Examples
    --------
    >>> from cryoscale.ground.column_stages import graded_edges
    >>> from cryoscale.ground.forcing import Surface, sinusoid
    >>> from cryoscale.ground.soils import FreezingStep, Soil
    >>> silt = Soil(0.4, FreezingStep(0.1), 2.8e6, 2.0e6, 1.2, 2.2)
    >>> column = HeatColumn(graded_edges(30.0, first=0.05), {"silt": silt}, "silt", geothermal_flux=0.06)
    >>> result = column.run(Surface(sinusoid(-5.0, 12.0, years=3)), -5.0, every=30)
    >>> float(result.active_layer_thickness[-1].round(1))
    0.8
    """

    edges: npt.ArrayLike
    soils: Mapping[str, Soil]
    soil_of: str | Sequence[str] | xr.DataArray
    geothermal_flux: Field = 0.0
    tolerance: float = field(default=TOLERANCE, kw_only=True)

    def __post_init__(self) -> None:
        edges = np.asarray(self.edges, dtype=np.float64)
        if edges.ndim != 1 or edges.size < 4 or edges[0] != 0 or not (np.diff(edges) > 0).all():
            raise InputError(
                "HeatColumn.edges: must be three cells or more, whose depths in m begin with 0 and grow downwards "
                f"(no negative thickness), not {edges.ravel()[:6]}."
            )
        if not 0 < self.tolerance <= 0.1:
            raise InputError(f"HeatColumn.tolerance: is {self.tolerance!r} K, but must lie between 0 and 0.1 K.")
        if not isinstance(self.soil_of, xr.DataArray):
            unknown = (
                sorted({self.soil_of} if isinstance(self.soil_of, str) else set(self.soil_of)) if self.soils else []
            )
            missing = [name for name in unknown if name not in self.soils]
            if missing or not self.soils:
                raise InputError(f"HeatColumn.soil_of: {missing} are not among the soils {sorted(self.soils)}.")
            if not isinstance(self.soil_of, str) and len(self.soil_of) != edges.size - 1:
                raise InputError(
                    f"HeatColumn.soil_of: has {len(self.soil_of)} names, but there are {edges.size - 1} cells."
                )

    @classmethod
    def of_layers(cls, layers: Sequence[Layer], *, edges: npt.ArrayLike, geothermal_flux: Field = 0.0) -> "HeatColumn":
        """Column of layers from the top down; each cell is of the layer that holds its centre.

        Parameters
        ----------
        layers : sequence of Layer
            The lowest one goes on down to the base.
        edges, geothermal_flux
            As of the column.

        Returns
        -------
        HeatColumn

        Raises
        ------
        InputError
            If there is no layer.
        """
        if not layers:
            raise InputError("HeatColumn.of_layers: needs at least one layer.")
        names = [f"layer {number}" for number in range(1, len(layers) + 1)]
        bottoms = np.cumsum([layer.thickness for layer in layers])[:-1]
        grid = np.asarray(edges, dtype=np.float64)
        position = np.searchsorted(bottoms, (grid[:-1] + grid[1:]) / 2, side="right")
        soils = {name: layer.soil for name, layer in zip(names, layers, strict=True)}
        return cls(grid, soils, [names[p] for p in position], geothermal_flux)

    @property
    def depth(self) -> Values:
        """(cell,) depths of the centres below the top of the grid, m."""
        edges = np.asarray(self.edges, dtype=np.float64)
        return np.asarray((edges[:-1] + edges[1:]) / 2)

    def run(
        self,
        surfaces: Surface | Mapping[str, Surface],
        initial: xr.DataArray | float,
        *,
        stages: Sequence[ColumnStage] = (),
        every: int = 1,
    ) -> xr.Dataset:
        """Run one column.

        Enthalpy is conserved in cell-centred finite volumes; implicit Euler in time, with the conductivities of the
        begin of a step (Swaminathan and Voller 1993, Int. J. Numer. Methods Heat Fluid Flow 3, 233).

        Parameters
        ----------
        surfaces : Surface or mapping of str to Surface
            What acts on it; by the names that the stages use.
        initial : xarray.DataArray or float
            (depth,) temperature at the begin, degC; linear between depths where these are not those of the cells.
        stages : sequence of ColumnStage
            The first one begins at 0; the top of the grid without any.
        every : int
            Steps between two profiles.

        Returns
        -------
        xarray.Dataset
            ``ground_temperature`` (time, depth) at the end of steps; ``ground_temperature_max``, ``_min`` and ``_mean``
            (year, depth); the yearly results of `simulate_columns` (year,); and what balances, J m-2:
            ``column_heat_change`` = ``column_heat_from_surface`` + ``column_heat_from_base`` + ``column_heat_placed``.

        Raises
        ------
        InputError
            If an input is missing, not plausible, or a map.
        """
        if every < 1:
            raise InputError(f"every: is {every}, but must be 1 step or more.")
        plan, inputs = prepare(self, surfaces, initial, stages)
        columns = {}
        for (_, name), array in zip(plan.roles, inputs, strict=True):
            if set(array.dims) - {"time", "depth"}:
                raise InputError(f"{name}: has the dims {array.dims}, but one column is run. Use simulate_columns.")
            columns[name] = array.values[..., np.newaxis]
        results = run(plan, columns, every=every)
        return _as_dataset(self, plan, results, diagnosed(plan, results)[..., 0], every)

    def spin_up(
        self,
        surface: Surface,
        initial: xr.DataArray | float | None = None,
        *,
        tolerance: float = 1e-3,
        most_years: int = 2000,
    ) -> SpinUp:
        """Find the state that a year leaves as it was.

        The year is repeated. From time to time the ground without seasons is put on the gradient of the geothermal
        flux, which it would reach by itself only after centuries.

        Parameters
        ----------
        surface : Surface
            One year, or a few, that are repeated.
        initial : xarray.DataArray or float, optional
            First guess, degC; the mean of the surface by default.
        tolerance : float
            Drift that is allowed from one round to the next, at any depth, K.
        most_years : int
            Repetitions after which it gives up.

        Returns
        -------
        SpinUp

        Raises
        ------
        InputError
            If the drift is still larger then.
        """
        guess = float(surface.series.mean()) * float(surface.scale) + float(surface.mean)
        profile = cell_profile(self, guess if initial is None else initial)
        drift, spent = np.inf, 0
        while spent < most_years:
            for _ in range(_SPIN_UP_BLOCK):
                result = self.run(surface, profile, every=surface.series.sizes["time"])
                after = result.ground_temperature.isel(time=-1, drop=True)
                drift = float(abs(after - profile).max())
                profile, spent = after.drop_attrs(), spent + 1
            settled = self._on_gradient(profile, result)
            if max(drift, float(abs(settled - profile).max()) / 10) <= tolerance:
                return SpinUp(profile, drift, spent)
            profile = settled
        raise InputError(
            f"spin-up: still drifts by {drift:.2g} K a round after {spent} of them, more than {tolerance:g} K. Begin "
            "with a better guess, raise most_years, or take a shallower base."
        )

    def _on_gradient(self, profile: xr.DataArray, result: xr.Dataset) -> xr.DataArray:
        """The profile with the ground without seasons in balance with the geothermal flux."""
        span = (result.ground_temperature_max - result.ground_temperature_min).isel(year=-1).values
        calm = np.flatnonzero(span <= _RANGE)
        if calm.size == 0:
            return profile
        values, width = profile.values.copy(), np.diff(np.asarray(self.edges, dtype=np.float64))
        soils, numbers = list(self.soils.values()), positions(self).values.astype(int)
        values[calm[0]] = result.ground_temperature_mean.isel(year=-1).values[calm[0]]
        for row in range(calm[0], width.size - 1):
            upper, lower = soils[numbers[row]], soils[numbers[row + 1]]
            resistance = 0.5 * (width[row] / conductivity(upper, values[row]))
            resistance += 0.5 * (width[row + 1] / conductivity(lower, values[row]))
            values[row + 1] = values[row] + float(self.geothermal_flux) * resistance
        return profile.copy(data=values)


def simulate_columns(
    column: HeatColumn,
    surfaces: Surface | Mapping[str, Surface],
    initial: xr.DataArray | float,
    *,
    stages: Sequence[ColumnStage] = (),
) -> xr.Dataset:
    """Run a column for every pixel, and keep what each year comes to.

    Parameters
    ----------
    column : HeatColumn
        The ground; its soils and its geothermal flux may be maps.
    surfaces : Surface or mapping of str to Surface
        What acts on it, whose parts may be maps; by the names that the stages use.
    initial : xarray.DataArray or float
        (depth, ...) temperature at the begin, degC, of the cells, or (depth,) of any depths.
    stages : sequence of ColumnStage
        The first one begins at 0; the top of the grid without any.

    Returns
    -------
    xarray.Dataset
        By (year, ...), depths below the surface of the year's end: ``active_layer_thickness``, m, down to where the
        year's highest temperature falls to 0 degC, NaN without permafrost and over a talik;
        ``permafrost_table_depth``, m, the top of what stayed at 0 degC or below for this year and the one before (the
        first year on its own); ``temperature_10m``, degC, the mean 10 m down; ``seasonless_temperature``, degC, the
        mean at the first depth that varies by 0.1 K or less; ``ground_thermal_state``. No data where an input is NaN,
        and of calendar years that are not whole. Lazy where an input is.

    Raises
    ------
    InputError
        If an input is missing or not plausible.

    Examples
    --------
    >>> from cryoscale.ground.column_stages import graded_edges
    >>> from cryoscale.ground.forcing import sinusoid
    >>> from cryoscale.ground.soils import FreezingStep
    >>> silt = Soil(0.4, FreezingStep(0.1), 2.8e6, 2.0e6, 1.2, 2.2)
    >>> column = HeatColumn(graded_edges(30.0, first=0.05), {"silt": silt}, "silt")
    >>> mean = xr.DataArray([[-6.0, -3.0, 4.0]], dims=("y", "x"))
    >>> surface = Surface(sinusoid(0.0, 12.0, years=2), mean=mean)
    >>> simulate_columns(column, surface, mean.expand_dims(depth=column.depth)).ground_thermal_state.values[-1]
    array([[1, 1, 3]], dtype=uint8)
    """
    plan, inputs = prepare(column, surfaces, initial, stages)
    core = {"series": ["time"], "snow": ["time"], "soil_of": ["depth"], "initial": ["depth"]}
    return lift(
        partial(yearly_maps, plan=plan),
        *inputs,
        core_dims=[core.get(role, []) for role, _ in plan.roles],
        outputs=dict.fromkeys(MAPS, ("year",)),
        coords={"year": plan.years},
    )


def _as_dataset(column: HeatColumn, plan: Plan, results: state.Results, maps: Values, every: int) -> xr.Dataset:
    kinds = {"max": state.WARMEST, "min": state.COLDEST, "mean": state.AVERAGE}
    profiles = {
        f"ground_temperature_{kind}": (("year", "depth"), results.envelopes[which, :, 1:, 0])
        for kind, which in kinds.items()
    }
    yearly = {name: ("year", values) for name, values in zip(MAPS, maps, strict=True)}
    yearly[MAPS[-1]] = ("year", np.nan_to_num(maps[-1]).astype(np.uint8))
    budget = results.budget[:, 0]
    heat = {
        "column_heat_change": budget[state.END] - budget[state.BEGIN],
        "column_heat_from_surface": budget[state.SURFACE],
        "column_heat_from_base": budget[state.BASE],
        "column_heat_placed": budget[state.MOVED],
        "column_heat_turnover": budget[state.TURNOVER],
    }
    fields: dict[str, Any] = {"ground_temperature": (("time", "depth"), results.profiles[:, 1:, 0])}
    fields |= profiles | yearly | {name: ((), value) for name, value in heat.items()}
    described = {name: (*field_, attributes(name)) for name, field_ in fields.items()}
    coords = {"time": plan.dates[every - 1 :: every], "year": plan.years, "depth": column.depth}
    return xr.Dataset(described, coords)
