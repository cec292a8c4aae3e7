"""Two maps compared, and a series against a point (Fig. 9 and S9 of Chang et al.)."""

import numpy as np
import xarray as xr
from cmcrameri import cm
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from cryoscale.report.canvas import ACCENT, INK, add_colour_bar, new_axes, open_frame, set_title
from cryoscale.report.labels import number_text, unit_text
from cryoscale.report.panels import new_panels

SECOND = "#2f6f9f"


def comparison_figure(comparison: xr.Dataset, *, first: str, second: str, title: str | None = None) -> Axes:
    """Draw the histograms of two maps, and the density of their pairs of values with the scores.

    Parameters
    ----------
    comparison : xarray.Dataset
        From `stats.compare_maps`, in memory.
    first, second : str
        What the maps are.
    title : str, optional
        Above the left plot.

    Returns
    -------
    matplotlib.axes.Axes
        The left plot's.
    """
    unit = unit_text(str(comparison.bin.attrs.get("units", "")))
    left, right = new_panels(1, 2, width=9.6, height=3.9)
    _draw_histograms(left, comparison, first=first, second=second, unit=unit)
    set_title(left, title)
    _draw_density(right, comparison, first=first, second=second, unit=unit)
    return left


def point_figure(point: xr.Dataset, *, title: str | None = None) -> Axes:
    """Draw a displacement series and the measurements at its place.

    Parameters
    ----------
    point : xarray.Dataset
        From `insar.compare_point`.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
    """
    axes = new_axes(8.6, 3.2)
    open_frame(axes)
    axes.plot(point.time, point.measured, "o", color=INK, markersize=4, mfc="white", label="measured")
    axes.plot(point.time, point.estimate, "-o", color=ACCENT, markersize=3.5, linewidth=1.0, label="Sentinel-1")
    axes.set_ylabel("Vertical displacement (mm)", fontsize=8.5, color=INK)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="best")
    lines = f"n = {int(point.n)}\nRMSE = {float(point.rmse):.1f} mm\nR = {float(point.r):.2f}"
    axes.text(0.01, 0.04, lines, transform=axes.transAxes, fontsize=8.5, color=INK)
    set_title(axes, title)
    return axes


def _draw_histograms(axes: Axes, comparison: xr.Dataset, *, first: str, second: str, unit: str) -> None:
    open_frame(axes)
    total = max(int(comparison.n), 1)
    for name, label, colour in (("first_count", first, ACCENT), ("second_count", second, SECOND)):
        share = 100 * comparison[name].values / total
        axes.stairs(share, comparison.edge.values, color=colour, fill=True, alpha=0.25, linewidth=0)
        axes.stairs(share, comparison.edge.values, color=colour, linewidth=1.2, label=label)
    axes.set_xlabel(f"Value ({unit})", fontsize=8.5, color=INK)
    axes.set_ylabel("Share of pixels (%)", fontsize=8.5, color=INK)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="upper left")


def _draw_density(axes: Axes, comparison: xr.Dataset, *, first: str, second: str, unit: str) -> None:
    open_frame(axes)
    edges, counts = comparison.edge.values, comparison.pair_count.values
    shown = np.where(counts > 0, counts, np.nan)  # (first, second): the second along x
    cells = axes.pcolormesh(
        edges, edges, shown, norm=LogNorm(1, max(counts.max(), 2)), cmap=cm.batlow_r, linewidth=0, rasterized=True
    )
    axes.plot(edges[[0, -1]], edges[[0, -1]], color=ACCENT, linewidth=1.0)
    axes.set(xlim=edges[[0, -1]], ylim=edges[[0, -1]], aspect="equal")
    axes.set_xlabel(f"{second} ({unit})", fontsize=8.5, color=INK)
    axes.set_ylabel(f"{first} ({unit})", fontsize=8.5, color=INK)
    add_colour_bar(axes, cells, "Pixels per cell")
    lines = (
        f"n = {int(comparison.n):,}",
        f"R = {float(comparison.r):.2f}",
        f"MB = {number_text(float(comparison.bias), signed=True)} {unit}",
        f"MAB = {float(comparison.mae):.1f} {unit}",
        f"RMSE = {float(comparison.rmse):.1f} {unit}",
    )
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8}
    axes.text(0.04, 0.96, "\n".join(lines), transform=axes.transAxes, va="top", fontsize=8.5, color=INK, bbox=box)
