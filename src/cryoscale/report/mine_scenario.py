"""Sections of the report on what pits and heaps do to permafrost: maps, histories, and vertical sections."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from cmcrameri import cm
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cryoscale.report.canvas import FAINT, INK, figure_png, open_frame, set_title
from cryoscale.report.classes import class_map, class_maps
from cryoscale.report.html import Picture, Section, Table
from cryoscale.report.maps import decimated
from cryoscale.report.panels import new_panels
from cryoscale.report.permafrost_maps import quantity_maps
from cryoscale.report.section import section_history, section_panels

_PER_ROW = 4
_FLATTEST = 0.35  # height of a section over its length


def scenario_section(
    layers: xr.Dataset, *, history: xr.Dataset, works: pd.DataFrame, window: Mapping[str, slice], notes: Sequence[str]
) -> Section:
    """Permafrost before, during and after mining.

    Parameters
    ----------
    layers : xarray.Dataset
        (year, y, x) ``permafrost_table_depth``, ``temperature_10m``, ``ground_thermal_state``, ``surface_change``, and
        ``mine_work`` (y, x); lazy or not.
    history : xarray.Dataset
        (year, work) ``permafrost_share`` (1), ``temperature_10m`` (degC), ``permafrost_table_depth`` (m), means over
        the pixels of each pit and heap.
    works : pandas.DataFrame
        ``name``, ``kind``, ``size``, ``start``, ``end``, ``backfilled``, ``lake``.
    window : mapping of str to slice
        Rows and columns around the pits and heaps.
    notes : sequence of str
        What the simulation rests on.

    Returns
    -------
    Section
    """
    few = decimated(layers.isel(window)).compute()
    years = [int(year) for year in few.year.values]
    by_year = {name: {str(y): few[name].sel(year=y) for y in years} for name in ("ground_thermal_state", *_MAPS)}
    last = few.surface_change.sel(year=years[-1])
    surface = {f"Change of the surface, {years[-1]}": last.where(few.mine_work > 0)}
    columns = min(len(years), 3)
    pictures = [
        _picture(class_map(_named(few.mine_work), title="Pits and heaps"), "Where pits and heaps lie."),
        _picture(quantity_maps(surface), "Height of the surface against that before mining."),
        _picture(class_maps(by_year["ground_thermal_state"], columns=columns), _STATE, wide=True),
        *(_picture(quantity_maps(by_year[name], columns=columns), text, wide=True) for name, text in _MAPS.items()),
        _picture(history_plot(history, works), _HISTORY, wide=True),
    ]
    return Section(
        "Permafrost before, during and after mining",
        "\n\n".join(notes),
        figures=pictures,
        tables=[_works_table(works), _history_table(history, years)],
    )


_STATE = "State of the ground by year; around pits and heaps it is that before mining."
_MAPS = {
    "permafrost_table_depth": "Depth of the permafrost table below the surface of the year. Grey: no permafrost.",
    "temperature_10m": "Mean temperature of the year 10 m below its surface; around pits and heaps that before mining.",
}
_HISTORY = (
    "Means over the pixels of each pit and heap: temperature 10 m below the surface (line, left) and share of pixels "
    "with permafrost (shaded, right). Vertical lines: begin and end of digging or dumping; dotted: filled back."
)


def history_plot(history: xr.Dataset, works: pd.DataFrame) -> Axes:
    """Draw temperature and permafrost of each pit and heap through the years.

    Parameters
    ----------
    history : xarray.Dataset
        As of `scenario_section`.
    works : pandas.DataFrame
        As of `scenario_section`.

    Returns
    -------
    matplotlib.axes.Axes
        The first panel's.
    """
    shown = works[works["name"].isin(history.work.values)]
    columns = min(_PER_ROW, len(shown))
    rows = -(-len(shown) // columns)
    panels = new_panels(rows, columns, width=2.7 * columns + 0.6, height=2.0 * rows + 0.4)
    temperatures = history.temperature_10m
    low, high = float(temperatures.min()), float(temperatures.max())
    for place, (axes, work) in enumerate(zip(panels, shown.to_dict("records"), strict=False)):
        one = history.sel(work=work["name"])
        share = axes.twinx()
        share.fill_between(one.year, 100 * one.permafrost_share, color="#4a8fd0", alpha=0.22, linewidth=0, step="mid")
        share.set_ylim(0, 105)
        share.tick_params(labelsize=7.5, colors=INK, width=0.6, labelright=place % columns == columns - 1)
        share.spines[:].set_visible(False)
        open_frame(axes)
        axes.set_zorder(share.get_zorder() + 1)
        axes.patch.set_visible(False)
        axes.axhline(0.0, color=INK, linewidth=0.6)
        axes.plot(one.year, one.temperature_10m, color=cm.vik(0.88), linewidth=1.5)
        for year, style in ((work["start"], "-"), (work["end"], "-"), (work["backfilled"], ":")):
            if np.isfinite(year):
                axes.axvline(year, color=FAINT if style == "-" else INK, linewidth=1.0, linestyle=style)
        axes.set_ylim(low - 0.3, high + 0.3)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        lake = ", lake" if work["lake"] else ""
        set_title(axes, f"{work['name']}: {work['kind']}{lake}")
        if place % columns == 0:
            axes.set_ylabel("10 m down (°C)", fontsize=8.5, color=INK)
        if place % columns == columns - 1:
            share.set_ylabel("permafrost (%)", fontsize=8.5, color=INK)
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    return panels[0]


def cut_section(runs: Mapping[str, xr.Dataset]) -> Section:
    """Vertical sections through the largest pit and the largest heap.

    Parameters
    ----------
    runs : mapping of str to xarray.Dataset
        By kind, of `ground.simulate_section` with calendar years, and the attributes ``work``, ``first_year``,
        ``size``, ``width``, ``unit``, ``magt``, ``start``, ``end``.

    Returns
    -------
    Section
    """
    pictures, rows = [], []
    for kind, run in runs.items():
        yearly = _yearly_means(run)
        times = _times(run)
        title = f"{run.attrs['work']}"
        begin = int(run.attrs["first_year"])
        panels = section_panels(yearly, times, exaggeration=_exaggeration(run), columns=2, title=title)
        pictures.append(_picture(panels, _PANEL_TEXT.format(kind, begin), wide=True))
        half = float(run.attrs["width"]) / 2.0
        places = [0.0, 0.75 * half, 1.25 * half, float(run.x.values[-1])]
        history = section_history(run, places, title=f"{title}: {kind}")
        pictures.append(_picture(history, _LINES.format(kind), wide=True))
        last = run.isel(year=-1)
        rows.append(
            (
                title,
                kind,
                f"{run.attrs['size']:.0f}",
                f"{run.attrs['width']:.0f}",
                str(run.attrs["unit"]).replace("_", " "),
                f"{run.attrs['magt']:.2f}",
                f"{float(last.thaw_bulb_area):,.0f}",
                f"{float(last.heap_frozen_area):,.0f}",
            )
        )
    header = ("Name", "Kind", "Depth or height (m)", "Width (m)", "Unit", "Ground before (°C)", "Thaw bulb (m²)")
    return Section(
        "Sections through the largest pit and heap",
        _SECTION_TEXT,
        figures=pictures,
        tables=[Table("At the end", (*header, "Permafrost in the heap (m²)"), rows)],
    )


_SECTION_TEXT = (
    "Heat conduction with phase change in a vertical plane across the smaller width. A pit is dug at once, halfway "
    "between its start and its end; a lake fills it to the brim; a heap grows in equal lifts."
)
_PANEL_TEXT = (
    "Mean temperature across the {} of the year that ends so many years after the beginning of {}; black: 0 °C "
    "isotherm. Heights are those above the natural surface."
)
_LINES = (
    "Upper: elevation of the permafrost table along the {} (thin: of the surface), in its middle, on its slope, beside "
    "it and at the edge of the section. Lower: areas in the section."
)


def _yearly_means(run: xr.Dataset) -> xr.Dataset:
    """Yearly means in the form of saved temperatures, which are those of midwinter: time is the end of each year."""
    means = run["section_temperature_mean"].rename("section_temperature").rename(year="time")
    ends = np.arange(1.0, run.sizes["year"] + 1.0)
    return means.to_dataset().assign_coords(time=ends, x_bounds=run["x_bounds"], z_bounds=run["z_bounds"])


def _exaggeration(run: xr.Dataset) -> float:
    """Whole number of times that heights are drawn longer, so that panels are not too flat."""
    height, length = (float(np.ptp(run[f"{dim}_bounds"].values)) for dim in ("z", "x"))
    return float(np.clip(round(_FLATTEST * length / height), 1, 4))


def _times(run: xr.Dataset) -> list[float]:
    """Before, while something happens, and at even times until the end; years since the beginning."""
    begin, last = float(run.attrs["first_year"]), float(run.sizes["year"])
    start, end = (float(run.attrs[name]) - begin for name in ("start", "end"))
    wanted = [1.0, start, (start + end) / 2.0 + 1.0, end, (end + last) / 2.0, last]
    return sorted({float(np.clip(np.ceil(time), 1.0, last)) for time in wanted})


def _named(work: xr.DataArray) -> xr.DataArray:
    """Without the value for none, so that it is drawn as no data."""
    flags = dict(zip(work.attrs["flag_values"], str(work.attrs["flag_meanings"]).split(), strict=True))
    kept = {value: name for value, name in flags.items() if value}
    return work.assign_attrs(flag_values=list(kept), flag_meanings=" ".join(kept.values()))


def _works_table(works: pd.DataFrame) -> Table:
    rows = [
        (
            str(work["name"]),
            str(work["kind"]),
            f"{work['size']:.0f}",
            f"{work['start']:g}",
            f"{work['end']:g}",
            f"{work['backfilled']:g}" if np.isfinite(work["backfilled"]) else "–",
            "yes" if work["lake"] else "no",
        )
        for work in works.to_dict("records")
    ]
    header = ("Name", "Kind", "Depth or height (m)", "Start", "End", "Filled back", "Lake")
    return Table("Pits and heaps", header, rows)


def _history_table(history: xr.Dataset, years: Sequence[int]) -> Table:
    rows = [
        (
            str(work),
            str(year),
            _number(float(one.permafrost_table_depth), 2),
            _number(float(one.active_layer_thickness), 2),
            _number(float(one.temperature_10m), 2),
            _number(100 * float(one.permafrost_share), 0),
        )
        for work in history.work.values
        for year in years
        for one in [history.sel(work=work, year=year)]
    ]
    header = ("Name", "Year", "Permafrost table (m)", "Active layer (m)", "10 m down (°C)", "Permafrost (%)")
    return Table("Means over the pixels of each", header, rows)


def _number(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace("-", "−") if np.isfinite(value) else "–"


def _picture(axes: Axes, caption: str, *, wide: bool = False) -> Picture:
    return Picture(figure_png(axes), caption, wide=wide)
