"""Daily temperatures: how much of a year is filled, and what filling does to the series of a pixel."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cryoscale.report.canvas import ACCENT, GAP, INK, new_axes, open_frame, set_title
from cryoscale.report.labels import with_unit
from cryoscale.report.maps import decimated, map_figure
from cryoscale.report.series import _date_axis

OBSERVED, LINEAR, HARMONIC = 1, 2, 3
"""Values of ``daily_source``."""

_BOX = "#7f9bb3"
_COLOURS = {OBSERVED: "#1f4e79", LINEAR: "#e69f00", HARMONIC: ACCENT}
_LABELS = {OBSERVED: "observed", LINEAR: "linear between neighbours", HARMONIC: "harmonic, seasonal course"}
_SHADES = {LINEAR: "#fbeed0", HARMONIC: GAP}
_WHISKERS = (5, 25, 50, 75, 95)
_STATS = ("whislo", "q1", "med", "q3", "whishi")
_HALF_DAY = np.timedelta64(12, "h")


def filled_share_plot(filled_share: xr.DataArray, *, title: str | None = None) -> Axes:
    """Draw how much of every year is filled, over the pixels.

    Parameters
    ----------
    filled_share : xarray.DataArray
        (year, y, x) share of the days that are not observed, 0 to 1, NaN where a year is left out; a large or lazy one
        is read at every n-th pixel.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        Median, quartiles, 5 and 95 % of the pixels of each year with any; per cent of its days.
    """
    sample = decimated(filled_share.transpose("year", "y", "x")).compute()
    percent = {int(each.year): 100 * each.values[np.isfinite(each.values)] for each in sample}
    axes = new_axes(5.8, 3.4)
    open_frame(axes)
    shown = {year: values for year, values in percent.items() if values.size}
    axes.bxp(
        [dict(zip(_STATS, np.percentile(values, _WHISKERS), strict=True)) for values in shown.values()],
        positions=list(shown),
        widths=0.6,
        showfliers=False,
        patch_artist=True,
        manage_ticks=False,
        boxprops={"facecolor": _BOX, "edgecolor": INK, "linewidth": 0.6, "alpha": 0.85},
        medianprops={"color": ACCENT, "linewidth": 1.4},
        whiskerprops={"color": INK, "linewidth": 0.7},
        capprops={"color": INK, "linewidth": 0.7},
    )
    axes.set_xlim(min(percent) - 0.7, max(percent) + 0.7)
    axes.set_ylim(0, None)
    axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    axes.set_xlabel("Year", fontsize=8.5, color=INK)
    axes.set_ylabel("Days that are filled (%)", fontsize=8.5, color=INK)
    set_title(axes, title)
    return axes


def filled_share_map(filled_share: xr.DataArray, *, title: str | None = None) -> Axes:
    """Draw how much of the years is filled, pixel by pixel.

    Parameters
    ----------
    filled_share : xarray.DataArray
        As of `filled_share_plot`.
    title : str, optional
        Above the map.

    Returns
    -------
    matplotlib.axes.Axes
        Mean over the years that are not left out, per cent of their days.
    """
    mean = (100 * decimated(filled_share).mean("year")).rename("filled_share")
    return map_figure(mean.assign_attrs(long_name="days that are filled", units="%"), title=title)


def daily_series_plot(series: xr.DataArray, source: xr.DataArray, *, title: str | None = None) -> Axes:
    """Draw the daily temperature of a pixel, and which of its days are filled.

    Parameters
    ----------
    series : xarray.DataArray
        (time,) filled daily mean, degC; one to three years show well.
    source : xarray.DataArray
        (time,) ``daily_source``: 0 no data, 1 observed, 2 linear, 3 harmonic. From `thermal.fill_in_time`.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        Dots by source, days that are filled shaded; the legend counts the days.
    """
    axes = new_axes(9.6, 3.0)
    open_frame(axes)
    time, values, code = series.time.values, series.values, source.values
    axes.plot(time, np.where(code > 0, values, np.nan), color=INK, linewidth=0.5, alpha=0.6)
    for kind, label in _LABELS.items():
        days = code == kind
        style: dict[str, Any] = {"color": _COLOURS[kind], "markersize": 2.6, "linestyle": "none"}
        axes.plot(time[days], values[days], "o", label=f"{label} ({days.sum():,} d)", **style)
        if kind in _SHADES:
            _shade_days(axes, time, days, colour=_SHADES[kind])
    axes.axhline(0.0, color=INK, linewidth=0.7)
    _date_axis(axes)
    axes.set_ylabel(with_unit("Daily mean temperature", series), fontsize=8.5, color=INK)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3)
    set_title(axes, title)
    return axes


def _shade_days(axes: Axes, time: np.ndarray, days: np.ndarray, *, colour: str) -> None:
    """From half a day before the first to half a day after the last of each run."""
    steps = np.diff(np.concatenate([[0], days.astype(int), [0]]))
    for first, last in zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1) - 1, strict=True):
        axes.axvspan(time[first] - _HALF_DAY, time[last] + _HALF_DAY, color=colour, linewidth=0, zorder=0)
