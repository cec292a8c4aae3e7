"""Vertical sections through the largest pit and the largest heap."""

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr

from cryoscale.ground import (
    HeatColumn,
    Section,
    Stage,
    Surface,
    conductivity,
    graded_edges,
    heap_stages,
    pit_stages,
    simulate_section,
    stretched_edges,
    temperature_below,
)
from cryoscale.products.mining_columns import surface_mean, yearly_series
from cryoscale.products.mining_config import Mine
from cryoscale.products.mining_run import Run
from cryoscale.products.mining_scenarios import ScenarioFound
from cryoscale.products.mining_works import Heat
from cryoscale.readers import HEAP, PIT

Values = np.ndarray[Any, Any]

_WIDEST, _GROWTH = 20.0, 1.15  # m of a column of cells, and how cells widen away from what is looked at
_DEEPER = 1.6  # than the section is the column that begins it, so that its last cell's centre lies below
_COLD = -5.0  # degC of rock whose conductivity gives the first guess of the deep ground


@dataclass(frozen=True)
class Cut:
    """What a section goes through.

    Attributes
    ----------
    name, kind : str
        Of the pit or heap.
    size, width : float
        Its depth or height, and its smaller width, m.
    start, end, backfilled : float or None
        Years; None: never filled back.
    lake : bool
        Whether water fills the pit.
    unit : str
        The commonest unit of its pixels.
    magt : float
        Mean of their ground temperatures, degC.
    """

    name: str
    kind: str
    size: float
    width: float
    start: float
    end: float
    backfilled: float | None
    lake: bool
    unit: str
    magt: float


def largest_cuts(works: gpd.GeoDataFrame, pixels: pd.DataFrame, heat: Heat) -> list[Cut]:
    """The largest pit and the largest heap, by volume, across their smaller width.

    Parameters
    ----------
    works : geopandas.GeoDataFrame
        From `readers.read_mine`.
    pixels : pandas.DataFrame
        From `mining_scenarios.number_columns`; works without a pixel with ground temperature and unit do not count.
    heat : Heat
        Slopes: a work is as deep or high as its width and they allow.

    Returns
    -------
    list of Cut
        At most one pit and one heap.
    """
    known = pixels[pixels["position"] >= 0]
    metric = works.to_crs(works.estimate_utm_crs())
    there = metric[metric.index.isin(known["work"])]
    volume = there.area * there["size"]
    chosen = [volume[there["kind"] == kind].idxmax() for kind in (PIT, HEAP) if (there["kind"] == kind).any()]
    return [_cut(metric.loc[position], known[known["work"] == position], heat) for position in chosen]


def _cut(work: "pd.Series[Any]", pixels: pd.DataFrame, heat: Heat) -> Cut:
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(work.geometry))
    width = float(np.linalg.norm(np.diff(corners[:3], axis=0), axis=1).min())
    most = 0.5 * width * np.tan(np.radians(min(heat.slope(work["kind"]), 89.0)))
    filled = float(work["backfilled"])
    return Cut(
        name=str(work["name"]),
        kind=str(work["kind"]),
        start=float(work["start"]),
        end=float(work["end"]),
        backfilled=filled if np.isfinite(filled) else None,
        lake=bool(work["lake"]),
        size=float(min(work["size"], most)),
        width=width,
        unit=str(pixels["unit"].mode().iloc[0]),
        magt=round(float(pixels["magt"].mean()), 3),
    )


def draw_sections(run: Run, options: Mine, found: ScenarioFound) -> dict[str, xr.Dataset]:
    """Simulate the sections.

    Parameters
    ----------
    run : Run
        In progress.
    options : Mine
        Its section of the configuration.
    found : ScenarioFound
        The columns.

    Returns
    -------
    dict of str to xarray.Dataset
        By kind; of `ground.simulate_section`, with calendar years and in memory.
    """
    cuts = largest_cuts(found.works, found.pixels, options.heat)
    science = {"mine": options.model_dump(mode="json", exclude={"outlines", "years"})}
    sources: dict[str, Any] = {"columns": "columns"}
    return {
        cut.kind: run.saved(
            f"section_{cut.kind}",
            provenance=run.provenance("mining-section", science | {"cut": asdict(cut)}, sources),
            make=partial(simulate_cut, cut, options.heat, first_year=options.first_year, last_year=options.last_year),
        )
        for cut in cuts
    }


def simulate_cut(cut: Cut, heat: Heat, *, first_year: int, last_year: int) -> xr.Dataset:
    """Simulate one section.

    Parameters
    ----------
    cut : Cut
        What it goes through.
    heat : Heat
        Ground, surfaces and numerics.
    first_year, last_year : int
        Of the simulation; before it, one column of the natural ground is spun up.

    Returns
    -------
    xarray.Dataset
        Of `ground.simulate_section`; ``year`` is the calendar year, heights are those above the natural surface.
    """
    soils = heat.soils([cut.unit])
    top = 0.0 if cut.kind == PIT else cut.size
    z_edges = _z_edges(cut, heat)
    thickness = heat.sediment(cut.unit).thickness
    middle = (z_edges[1:] + z_edges[:-1]) / 2.0
    soil_of = np.where(-middle < thickness, f"unit {cut.unit}", "rock")[:, np.newaxis]
    section = Section(_x_edges(cut, heat), z_edges, soils=soils, soil_of=soil_of)
    ground_soil = soils[f"unit {cut.unit}" if thickness > 0 else "rock"]
    mean = float(surface_mean(np.array(cut.magt), ground_soil, amplitude=heat.amplitude))
    profile = _spun_up(cut, heat, mean, depth=_DEEPER * float(top - z_edges[-1]), first_year=first_year)
    n_years = last_year - first_year + 1
    result = simulate_section(
        section,
        forcings=_forcings(heat, mean, first_year=first_year, n_years=n_years),
        stages=[stage for stage in _stages(cut, section, heat, first_year=first_year) if stage.start < n_years],
        initial=temperature_below(section, 0.0, depth=profile.depth.values, temperature=profile.values),
        years=n_years,
        step_days=heat.numerics.section_step,
        geothermal_flux=heat.geothermal_flux,
        save_every=1.0,
    )
    facts = {"work": cut.name, "kind": cut.kind, "first_year": first_year, "width": cut.width, "size": cut.size}
    facts |= {"unit": cut.unit, "magt": cut.magt, "start": cut.start, "end": cut.end}
    return result.assign_coords(year=result.year + first_year - 1).assign_attrs(facts)


def _x_edges(cut: Cut, heat: Heat) -> Values:
    """Even columns across the work, then wider ones as far again as it is wide or deep."""
    half, cell = cut.width / 2.0, heat.numerics.section_cell
    inner = np.linspace(0.0, half, max(round(half / cell), 2) + 1)
    margin = max(0.6 * cut.width, 1.5 * cut.size, 80.0)
    outer = stretched_edges(half, half + margin, first=cell, growth=_GROWTH, widest=_WIDEST)
    right = np.concatenate([inner, outer[1:]])
    return np.concatenate([-right[:0:-1], right])


def _z_edges(cut: Cut, heat: Heat) -> Values:
    """Rows that are low below both surfaces: the highest and the lowest."""
    first, base = heat.numerics.section_first_cell, heat.numerics.base
    top, foot = (0.0, -cut.size) if cut.kind == PIT else (cut.size, 0.0)
    upper = stretched_edges(top, foot, first=first, growth=_GROWTH, widest=cut.size / 8.0)
    lower = stretched_edges(foot, foot - base, first=first, growth=_GROWTH)
    return np.concatenate([upper, lower[1:]])


def _spun_up(cut: Cut, heat: Heat, mean: float, *, depth: float, first_year: int) -> xr.DataArray:
    """Temperatures of the natural ground when the first year begins."""
    numerics = heat.numerics
    soils = heat.soils([cut.unit])
    edges = graded_edges(depth, first=numerics.first_cell, growth=numerics.growth)
    middle = (edges[:-1] + edges[1:]) / 2.0
    names = np.where(middle < heat.sediment(cut.unit).thickness, f"unit {cut.unit}", "rock").tolist()
    gradient = heat.geothermal_flux / float(conductivity(soils["rock"], _COLD))
    first = xr.DataArray(cut.magt + gradient * (middle - 10.0).clip(0), {"depth": middle}, ("depth",))
    series = yearly_series(heat, begin=first_year - numerics.spin_up, n_years=numerics.spin_up)["natural"]
    column = HeatColumn(edges, soils, names, heat.geothermal_flux)
    result = column.run(Surface(series, mean=mean), first, every=series.size)
    profile: xr.DataArray = result.ground_temperature.isel(time=-1, drop=True)
    return profile


def _forcings(heat: Heat, mean: float, *, first_year: int, n_years: int) -> dict[str, Any]:
    """Daily temperatures of the surfaces, from the first year on."""
    spin_up = heat.numerics.spin_up
    series = yearly_series(heat, begin=first_year - spin_up, n_years=spin_up + n_years + 1)
    offsets = {name: mean + change.offset for name, change in heat.changes().items()} | {"lake": heat.lake}
    return {name: one[one.time.dt.year >= first_year].values + offsets[name] for name, one in series.items()}


def _stages(cut: Cut, section: Section, heat: Heat, *, first_year: int) -> list[Stage]:
    start, end = cut.start - first_year, cut.end - first_year
    shape = {"centre": 0.0, "slope": heat.slope(cut.kind)}
    flat = max(cut.width - 2.0 * cut.size / np.tan(np.radians(shape["slope"])), 0.0)
    if cut.kind == HEAP:
        cuts = heat.numerics.cuts
        return heap_stages(
            section,
            0.0,
            **shape,
            crest_width=flat,
            height=cut.size,
            started=start,
            finished=start + (end - start) * (cuts - 1) / cuts,
            lifts=cuts,
            fill="heap",
            fill_temperature=heat.placed,
        )
    return pit_stages(
        section,
        0.0,
        **shape,
        floor_width=flat,
        depth=cut.size,
        dug=(start + end) / 2.0,
        flooded=end if cut.lake else None,
        backfilled=None if cut.backfilled is None else cut.backfilled - first_year,
        fill="backfill",
        fill_temperature=heat.placed,
    )
