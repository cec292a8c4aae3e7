"""Permafrost over the years: its area year by year, and what was lost and gained."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cryoscale.report.canvas import INK, new_axes, open_frame, set_title
from cryoscale.report.html import Table
from cryoscale.report.palette import CLASS_COLOURS, class_label


def permafrost_area_plot(areas: pd.DataFrame, *, title: str | None = None) -> Axes:
    """Draw the area of permafrost year by year.

    Parameters
    ----------
    areas : pandas.DataFrame
        ``year``, ``class``, ``area_km2`` and ``percent``, as from `thermal.class_areas` of yearly maps.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        Left in km2, right in per cent of the area with a class; the axis need not start at 0.
    """
    frozen = areas[areas["class"] == "permafrost"].sort_values("year")
    axes = new_axes(6.6, 2.9)
    open_frame(axes)
    colour = CLASS_COLOURS["permafrost"]
    axes.plot(frozen["year"], frozen["area_km2"], "o-", color=colour, markersize=4.5, linewidth=1.3)
    axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("Year", fontsize=8.5, color=INK)
    axes.set_ylabel("Permafrost (km²)", fontsize=8.5, color=INK)
    total = _area_with_class(frozen)
    if np.isfinite(total):
        scales = (lambda km2: 100 * np.asarray(km2) / total, lambda percent: np.asarray(percent) * total / 100)
        share = axes.secondary_yaxis("right", functions=scales)
        share.set_ylabel("of the ground with a class (%)", fontsize=8.5, color=INK)
        share.tick_params(labelsize=8, colors=INK, width=0.6)
    set_title(axes, title)
    return axes


def area_table(areas: pd.DataFrame, *, title: str) -> Table:
    """Areas of classes in numbers.

    Parameters
    ----------
    areas : pandas.DataFrame
        ``class``, ``area_km2`` and ``percent``, and ``year`` of yearly maps.
    title : str
        Of the table.

    Returns
    -------
    Table
        A row for each class, or for each class of each year.
    """
    yearly = "year" in areas
    rows = [
        ((str(row["year"]),) if yearly else ())
        + (class_label(str(row["class"])), f"{row['area_km2']:,.0f}", f"{row['percent']:.2f}")
        for row in areas.to_dict("records")
    ]
    return Table(title, (("Year",) if yearly else ()) + ("Class", "Area (km²)", "Share (%)"), rows)


def _area_with_class(frozen: pd.DataFrame) -> float:
    """Of all classes together, km2, if it is the same every year; else NaN."""
    totals = 100 * frozen["area_km2"] / frozen["percent"].where(frozen["percent"] > 0)
    return float(totals.mean()) if totals.max() - totals.min() < 1e-3 * totals.mean() else np.nan
