"""The active layer over the years: its trend in a map, its mean over the area, and areas by thickness."""

from math import ceil
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cryoscale.grids import geobox_of, pixel_areas
from cryoscale.report.canvas import ACCENT, INK, new_axes, open_frame, set_title
from cryoscale.report.drivers import ALPHA, _p_text
from cryoscale.report.html import Table
from cryoscale.report.labels import number_text
from cryoscale.report.maps import decimated, map_figure

Values = np.ndarray[Any, Any]

LINE = "#1f4e79"
_CM_PER_DECADE = 1000.0  # in 1 m a-1
_DOTS = 70  # along the longer side of a map
_CLASSES = 9  # of thickness, at most
_M2_PER_KM2 = 1e6
_COLUMNS = {"area_km2": 1, "percent": 2}  # decimals in the table


def trend_map(trend: xr.Dataset, *, title: str | None = None) -> Axes:
    """Draw the trend of the thickness, dotted where it may be chance.

    Parameters
    ----------
    trend : xarray.Dataset
        (y, x) ``trend``, m a-1, and ``trend_p_value``: from `stats.theil_sen` and `stats.mann_kendall`; lazy or not.
    title : str, optional
        Above the map.

    Returns
    -------
    matplotlib.axes.Axes
        In cm per decade; red thaws deeper. Dots are pixels of a lattice, about 70 along the longer side, whose p value
        is 5 % or more or unknown.
    """
    shown = decimated(trend[["trend", "trend_p_value"]].transpose("y", "x")).compute()
    rate = (_CM_PER_DECADE * shown["trend"]).rename("active_layer_thickness_trend")
    axes = map_figure(rate.assign_attrs(long_name="trend of the thickness", units="cm per decade"), title=title)
    step = ceil(max(rate.shape) / _DOTS)
    lattice = shown.isel(y=slice(step // 2, None, step), x=slice(step // 2, None, step))
    chance = lattice["trend"].notnull() & ~(lattice["trend_p_value"] < ALPHA)
    rows, columns = np.nonzero(chance.values)
    x, y = lattice.x.values[columns], lattice.y.values[rows]
    for colour, size in (("white", 3.0), (INK, 1.8)):  # to be seen on dark colours too
        axes.plot(x, y, ".", color=colour, markersize=size, markeredgewidth=0)
    return axes


def regional_thickness_plot(series: pd.DataFrame, *, trend: xr.Dataset, title: str | None = None) -> Axes:
    """Draw the mean thickness over the area year by year, its spread between pixels, and its trend.

    Parameters
    ----------
    series : pandas.DataFrame
        By year (index): ``mean``, and ``lower`` and ``upper``, the 10th and 90th percentile of the pixels, m.
    trend : xarray.Dataset
        Scalars of ``mean``: ``trend``, ``trend_lower``, ``trend_upper`` (m a-1), ``trend_start`` (m, at the first
        year) and ``trend_p_value``; NaN where there are too few years.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        Of a trend that is not known there is no line.
    """
    axes = new_axes(7.4, 3.3)
    open_frame(axes)
    years = series.index.to_numpy(float)
    axes.fill_between(
        years, series["lower"], series["upper"], color=LINE, alpha=0.15, linewidth=0, label="10 to 90 % of pixels"
    )
    axes.plot(years, series["mean"], "o-", color=LINE, markersize=4.5, linewidth=1.3, label="mean")
    slope = float(trend["trend"])
    if np.isfinite(slope):
        line = float(trend["trend_start"]) + slope * (years - years[0])
        axes.plot(years, line, "--", color=ACCENT, linewidth=1.4, label=trend_text(trend))
    axes.xaxis.set_major_locator(MaxNLocator(13, integer=True))
    axes.set_xlabel("Year", fontsize=8.5, color=INK)
    axes.set_ylabel("Thickness of the active layer (m)", fontsize=8.5, color=INK)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3)
    if title:
        axes.set_title(title, loc="left", fontsize=10, color=INK, weight="bold", pad=22)
    return axes


def trend_text(trend: xr.Dataset) -> str:
    """A trend of thickness in words.

    Parameters
    ----------
    trend : xarray.Dataset
        As of `regional_thickness_plot`.

    Returns
    -------
    str

    Examples
    --------
    >>> facts = {"trend": 0.012, "trend_lower": 0.009, "trend_upper": 0.015, "trend_p_value": 0.004}
    >>> trend_text(xr.Dataset(facts))
    'Theil-Sen: +12.0 cm per decade (95 %: +9.0 to +15.0), p = 0.004'
    """
    names = ("trend", "trend_lower", "trend_upper")
    slope, lower, upper = (number_text(_CM_PER_DECADE * float(trend[name]), signed=True) for name in names)
    return f"Theil-Sen: {slope} cm per decade (95 %: {lower} to {upper}), {_p_text(float(trend['trend_p_value']))}"


def thickness_areas(thickness: xr.DataArray) -> pd.DataFrame:
    """Area by class of thickness, of the first and the last year with any.

    Parameters
    ----------
    thickness : xarray.DataArray
        ``active_layer_thickness`` (year, y, x), m, with a CRS; these two years are computed.

    Returns
    -------
    pandas.DataFrame
        By year and class: ``year``; ``lower`` and ``upper``, m, a value at an end counts in the class above it (in the
        last one at its upper end); ``area_km2``; and ``percent`` of the area with an active layer that year. Ends are
        round numbers, the same in both years. Empty where there is no thickness at all.
    """
    years = [int(year) for year in thickness.year.values]
    first = next((year for year in years if _has_data(thickness, year)), None)
    if first is None:
        return pd.DataFrame(columns=["year", "lower", "upper", "area_km2", "percent"])
    last = next(year for year in reversed(years) if _has_data(thickness, year))
    maps = {year: thickness.sel(year=year).transpose("y", "x").compute() for year in dict.fromkeys((first, last))}
    areas = pixel_areas(geobox_of(thickness)).to_numpy() / _M2_PER_KM2
    ends = min(float(each.min()) for each in maps.values()), max(float(each.max()) for each in maps.values())
    edges = np.asarray(MaxNLocator(_CLASSES, steps=[1, 2, 2.5, 5, 10]).tick_values(*ends))
    tables = [_areas_of(each.values, areas, edges=edges) for each in maps.values()]
    return pd.concat([table.assign(year=year) for year, table in zip(maps, tables, strict=True)], ignore_index=True)


def thickness_area_plot(areas: pd.DataFrame, *, title: str | None = None) -> Axes:
    """Draw the area of every class of thickness, in the first and the last year.

    Parameters
    ----------
    areas : pandas.DataFrame
        From `thickness_areas`.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        Filled is the first year, the outline is the last one.
    """
    axes = new_axes(5.8, 3.1)
    open_frame(axes)
    styles: list[dict[str, Any]] = [{"fill": True, "color": "#7f9bb3"}, {"color": ACCENT, "linewidth": 1.6}]
    for (year, group), style in zip(areas.groupby("year"), styles, strict=False):
        edges = np.append(group["lower"].to_numpy(float), group["upper"].max())
        axes.stairs(group["area_km2"].to_numpy(float), edges, label=f"{year}", **style)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.3g}"))
    axes.set_xlabel("Thickness of the active layer (m)", fontsize=8.5, color=INK)
    axes.set_ylabel("Area (km²)", fontsize=8.5, color=INK)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="best")
    set_title(axes, title)
    return axes


def thickness_area_table(areas: pd.DataFrame) -> Table:
    """Areas by class of thickness in numbers.

    Parameters
    ----------
    areas : pandas.DataFrame
        From `thickness_areas`.

    Returns
    -------
    Table
        A row for each class, with area and share of every year.
    """
    years = [int(year) for year in areas["year"].unique()]
    rows = [
        (f"{lower:g} to {upper:g}", *(f"{value:,.{n}f}" for name, n in _COLUMNS.items() for value in group[name]))
        for (lower, upper), group in areas.groupby(["lower", "upper"])
    ]
    header = ("Thickness (m)", *(f"{year} ({unit})" for unit in ("km²", "%") for year in years))
    return Table("Area by thickness of the active layer", header, rows)


def _has_data(thickness: xr.DataArray, year: int) -> bool:
    return bool(thickness.sel(year=year).notnull().any())


def _areas_of(thickness: Values, areas: Values, *, edges: Values) -> pd.DataFrame:
    seen = np.isfinite(thickness)
    total = np.histogram(thickness[seen], edges, weights=areas[seen])[0]
    percent = 100 * total / total.sum()
    return pd.DataFrame({"lower": edges[:-1], "upper": edges[1:], "area_km2": total, "percent": percent})
