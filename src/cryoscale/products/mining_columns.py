"""Columns of heat conduction under pits and heaps: which ones there are, and what becomes of each.

A mine has many pixels that are alike: of one pit or heap, unit of the ground, ground temperature (rounded, by default
to 0.1 K) and class of depth or height. Each such combination is run once, and its result given to all of its pixels.
"""

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import Any

import dask
import numpy as np
import pandas as pd
import xarray as xr

from cryoscale.ground import (
    ColumnStage,
    HeatColumn,
    Soil,
    Surface,
    conductivity,
    graded_edges,
    simulate_columns,
    sinusoid,
)
from cryoscale.products.mining_works import Heat
from cryoscale.readers import PIT
from cryoscale.thermal import ttop
from cryoscale.variables import attributes

Values = np.ndarray[Any, Any]

KEYS = ("work", "unit", "magt", "size")
"""What tells columns apart."""

KEPT = ("permafrost_table_depth", "active_layer_thickness", "temperature_10m", "ground_thermal_state", "surface_change")
"""What is kept of each, by year."""

_MEANS = np.linspace(-40.0, 40.0, 1601)  # of surfaces, degC: where a ground temperature is looked for
_FROZEN, _THAWED = -5.0, 5.0  # degC at which conductivities are those of frozen and thawed ground
_SEASONLESS = 10.0  # m, above which the initial temperature is that of the ground


def class_of(size: Values, *, full: float, step: float) -> Values:
    """Class of depth or height: its middle, or the full one where that is reached.

    Parameters
    ----------
    size : numpy.ndarray
        m, 0 or more.
    full : float
        Of the work, m.
    step : float
        Between classes, m.

    Returns
    -------
    numpy.ndarray
        m.

    Examples
    --------
    >>> class_of(np.array([0.0, 14.0, 24.0, 25.0]), full=25.0, step=10.0)
    array([ 5. , 15. , 22.5, 25. ])
    """
    lower = np.floor(size / step) * step
    middle = (lower + np.minimum(lower + step, full)) / 2.0
    return np.asarray(np.where(size >= full, full, middle))


def surface_mean(magt: Values, soil: Soil, *, amplitude: float) -> Values:
    """Yearly mean of a ground surface that leaves the top of permafrost with a temperature.

    The TTOP relation (Smith and Riseborough 2002, Permafrost Periglac. Process. 13, 1; `thermal.ttop`) for a sinusoid,
    solved for its mean: moist ground conducts better frozen than thawed, so its surface is warmer than its permafrost.

    Parameters
    ----------
    magt : numpy.ndarray
        Mean annual ground temperature, degC.
    soil : Soil
        Of the ground that thaws and freezes.
    amplitude : float
        Of the surface, K.

    Returns
    -------
    numpy.ndarray
        degC.
    """
    wave = sinusoid(0.0, amplitude, years=1).values
    days = _MEANS[:, np.newaxis] + wave
    ratio = float(conductivity(soil, _THAWED) / conductivity(soil, _FROZEN))
    sums = {
        name: xr.DataArray(values.sum(axis=1), dims="mean", attrs={"units": "degC d"})
        for name, values in (("ddt", days.clip(0)), ("ddf", (-days).clip(0)))
    }
    top = ttop(sums["ddt"], sums["ddf"], ratio, period=wave.size)
    return np.asarray(np.interp(magt, top.values, _MEANS))


def simulate_all(
    columns: pd.DataFrame, works: pd.DataFrame, heat: Heat, *, first_year: int, last_year: int
) -> xr.Dataset:
    """Run all columns.

    Columns of one work and size have one grid and one history, and are run together, sixteen at a time.

    Parameters
    ----------
    columns : pandas.DataFrame
        By the columns of `KEYS`: position of the work in `works`, name of the unit, degC, m.
    works : pandas.DataFrame
        From `readers.read_mine`.
    heat : Heat
        Ground, surfaces and numerics.
    first_year, last_year : int
        That are kept.

    Returns
    -------
    xarray.Dataset
        `KEPT` by (year, column), in memory.
    """
    runs = [
        dask.delayed(_simulate, pure=False)(
            group,
            works.iloc[int(group["work"].iloc[0])],
            heat,
            size=float(group["size"].iloc[0]),
            first_year=first_year,
            last_year=last_year,
        )
        for _, group in columns.groupby(["work", "size"])
    ]
    results: xr.Dataset = xr.concat(dask.compute(*runs), "column")
    return results.sortby("column").transpose("year", "column")


def _simulate(
    group: pd.DataFrame, work: "pd.Series[Any]", heat: Heat, *, size: float, first_year: int, last_year: int
) -> xr.Dataset:
    """Run columns of one work and size; ``column`` is their index in the table."""
    numerics = heat.numerics
    begin = first_year - numerics.spin_up
    n_years = last_year + 1 - begin
    edges = _edges(size, heat)
    natural = 0.0 if work["kind"] == PIT else size
    soils = heat.soils(sorted(group["unit"].unique()))
    dims: dict[Hashable, Any] = {"column": group.index.to_numpy()}
    depth = (edges[:-1] + edges[1:]) / 2.0 - natural
    soil_of = xr.DataArray(_soil_positions(group["unit"], depth, soils, heat), dims, ("depth", "column"))
    below = heat.geothermal_flux / float(conductivity(soils["rock"], _FROZEN)) * (depth - _SEASONLESS).clip(0)
    magt = xr.DataArray(group["magt"].to_numpy(), dims, ("column",))
    initial = magt + xr.DataArray(below, dims="depth")
    stages = [
        stage
        for stage in work_stages(work, size=size, cuts=numerics.cuts, begin=begin, placed=heat.placed)
        if stage.start < n_years
    ]
    tops = [soils[name] for name in np.array(list(soils))[soil_of.values[np.argmax(depth > 0)]]]
    means = [surface_mean(m, top, amplitude=heat.amplitude) for m, top in zip(group["magt"], tops, strict=True)]
    results = simulate_columns(
        HeatColumn(edges, soils, soil_of, heat.geothermal_flux),
        _surfaces(xr.DataArray(means, dims, ("column",)), heat, begin=begin, n_years=n_years),
        initial,
        stages=stages,
    )
    change = xr.DataArray(_surface_change(stages, natural, n_years), dims="year").astype(np.float32)
    results["surface_change"] = change.expand_dims(column=dims["column"]).assign_attrs(attributes("surface_change"))
    return results[list(KEPT)].sel(year=slice(first_year, last_year)).compute()


def _edges(size: float, heat: Heat) -> Values:
    """Cells that are thin below both surfaces: the highest and the lowest."""
    numerics = heat.numerics
    graded = partial(graded_edges, first=numerics.first_cell, growth=numerics.growth)
    return np.concatenate([graded(size), size + graded(numerics.base)[1:]])


def _soil_positions(units: "pd.Series[str]", depth: Values, soils: Mapping[str, Soil], heat: Heat) -> Values:
    """(depth, column) of the soils' positions; depths are those below the natural surface."""
    names = list(soils)
    rock = names.index("rock")
    columns = [np.where(depth < heat.sediment(unit).thickness, names.index(f"unit {unit}"), rock) for unit in units]
    return np.stack(columns, axis=1)


def work_stages(work: "pd.Series[Any]", *, size: float, cuts: int, begin: int, placed: float) -> Sequence[ColumnStage]:
    """What happens to a column of a pit or a heap.

    Parameters
    ----------
    work : pandas.Series
        A row of `readers.read_mine`.
    size : float
        Depth or height at the column, m.
    cuts : int
        Equal cuts or lifts: the first at the start, the last so long before the end as they are apart.
    begin : int
        Year with which the simulation begins.
    placed : float
        Temperature of what is placed, degC.

    Returns
    -------
    list of ColumnStage
        The grid begins with the highest surface that there ever is. A lake begins when the pit is dug.
    """
    share = np.arange(1, cuts + 1) / cuts
    starts = work["start"] - begin + (work["end"] - work["start"]) * np.arange(cuts) / cuts
    if work["kind"] != PIT:
        lifts = zip(starts.tolist(), (size * (1.0 - share)).tolist(), strict=True)
        stages = [ColumnStage(t, z, forcing="heap", fill="heap", fill_temperature=placed) for t, z in lifts]
        return [ColumnStage(0.0, size, forcing="natural"), *stages]
    cut = [ColumnStage(t, z, forcing="pit") for t, z in zip(starts.tolist(), (size * share).tolist(), strict=True)]
    stages = [ColumnStage(0.0, 0.0, forcing="natural"), *cut]
    if work["lake"]:
        stages.append(ColumnStage(work["end"] - begin, size, forcing="lake"))
    if np.isfinite(work["backfilled"]):
        filled = work["backfilled"] - begin
        stages.append(ColumnStage(filled, 0.0, forcing="backfill", fill="backfill", fill_temperature=placed))
    return stages


def _surface_change(stages: Sequence[ColumnStage], natural: float, n_years: int) -> Values:
    """Height of the surface above the natural one at the end of each year, m."""
    starts = np.array([stage.start for stage in stages])
    depths = np.array([float(stage.surface) for stage in stages])
    last = np.searchsorted(starts, np.arange(1, n_years + 1), side="left") - 1
    return natural - depths[last]


def _surfaces(mean: xr.DataArray, heat: Heat, *, begin: int, n_years: int) -> dict[str, Surface]:
    """By name, of columns whose natural ground surface has these means."""
    series = yearly_series(heat, begin=begin, n_years=n_years)
    surfaces = {name: Surface(series[name], mean=mean + change.offset) for name, change in heat.changes().items()}
    return surfaces | {"lake": Surface(series["lake"], mean=heat.lake)}


def yearly_series(heat: Heat, *, begin: int, n_years: int) -> dict[str, xr.DataArray]:
    """Daily deviations from the yearly mean by name of the surface: the seasons, and warming once spin-up is over.

    Parameters
    ----------
    heat : Heat
        Amplitude and trend.
    begin : int
        First year.
    n_years : int
        How many.

    Returns
    -------
    dict of str to xarray.DataArray
        (time,), K, of ``natural``, ``pit``, ``heap``, ``backfill``; of ``lake`` 0.
    """
    wave = sinusoid(0.0, 1.0, years=n_years, start=f"{begin}-01-01")
    years = (np.arange(wave.size) + 0.5) / 365.25
    warming = heat.warming * (years - heat.numerics.spin_up).clip(0)
    series = {
        name: (heat.amplitude * change.amplitude_factor * wave + warming).assign_attrs(wave.attrs)
        for name, change in heat.changes().items()
    }
    return series | {"lake": xr.zeros_like(wave)}
