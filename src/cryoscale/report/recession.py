"""Recession of a river in figures and tables: events in the ln-ln plane, constants through time, other series."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from cmcrameri import cm
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.ticker import MaxNLocator

from cryoscale.hydrology import SeriesCorrelation
from cryoscale.report.canvas import ACCENT, INK, add_colour_bar, new_axes, open_frame, set_title
from cryoscale.report.drivers import _p_text
from cryoscale.report.html import Table
from cryoscale.report.labels import number_text
from cryoscale.report.panels import new_panels

LINE = "#1f4e79"
OTHER = "#d08a1d"
DISTURBED = "#f3ddd7"
_NAMES = {"recession_constant": "Ks", "recession_time": "τ"}


def quantity_name(quantity: str, exponent: float | None = None) -> str:
    """Quantity with its unit, which for Ks depends on the exponent.

    Parameters
    ----------
    quantity : str
        ``recession_constant`` or ``recession_time``.
    exponent : float, optional
        b, where it is fixed.

    Returns
    -------
    str

    Examples
    --------
    >>> quantity_name("recession_time"), quantity_name("recession_constant", 1.0)
    ('τ (d)', 'Ks (d)')
    >>> quantity_name("recession_constant", 1.3)
    'Ks (d (m³ s⁻¹)^0.3)'
    """
    return f"{_NAMES[quantity]} ({quantity_unit(quantity, exponent)})"


def quantity_unit(quantity: str, exponent: float | None = None) -> str:
    """Unit of a quantity, see `quantity_name`."""
    if quantity == "recession_time" or exponent == 1.0:
        return "d"
    power = "(b − 1)" if exponent is None else f"{exponent - 1:g}".replace("-", "−")
    return f"d (m³ s⁻¹)^{power}"


def recession_plane(pairs: pd.DataFrame, pooled: pd.Series, *, title: str | None = None) -> Axes:
    """Draw the pairs of all events in the ln-ln plane, coloured by year, with the line through all of them.

    Parameters
    ----------
    pairs : pandas.DataFrame
        ``discharge`` (m3 s-1), ``rate`` (m3 s-1 d-1) and ``year``, from `hydrology.recession_events`.
    pooled : pandas.Series
        A row of `hydrology.constants_of_events`, of the whole record; without a line if its coefficient is NaN.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
    """
    axes = new_axes(5.6, 4.4)
    open_frame(axes)
    dots = axes.scatter(pairs["discharge"], pairs["rate"], c=pairs["year"], cmap=cm.batlow, s=7, alpha=0.7, linewidth=0)
    if len(pairs):  # nothing has no logarithm
        axes.set(xscale="log", yscale="log")
    a, b = float(pooled["recession_coefficient"]), float(pooled["recession_exponent"])
    if np.isfinite(a) and len(pairs):
        flow = np.geomspace(pairs["discharge"].min(), pairs["discharge"].max(), 2)
        text = f"all events: b = {b:.2f}, Ks = {1 / a:.3g}, τ = {pooled['recession_time']:.3g} d"
        axes.plot(flow, a * flow**b, color=ACCENT, linewidth=1.6, label=text)
        axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="upper left")
    axes.set_xlabel("Discharge Q (m³ s⁻¹)", fontsize=8.5, color=INK)
    axes.set_ylabel("−dQ/dt (m³ s⁻¹ d⁻¹)", fontsize=8.5, color=INK)
    bar = add_colour_bar(axes, ScalarMappable(dots.norm, cm.batlow), "Year")  # dots are pale, their key is not
    bar.locator = MaxNLocator(6, integer=True)
    bar.update_ticks()
    set_title(axes, title)
    return axes


def constants_plot(
    windows: xr.Dataset,
    *,
    changes: pd.DataFrame,
    exponent: float | None = None,
    disturbance: int | None = None,
    title: str | None = None,
) -> Axes:
    """Draw Ks and tau through time with their intervals, Sen's trends and change points.

    Parameters
    ----------
    windows : xarray.Dataset
        (year,) of one gauge: both quantities with ``_lower`` and ``_upper``.
    changes : pandas.DataFrame
        By quantity: ``slope``, ``p_value``, ``change_year`` and ``change_p_value`` (NaN where there is none).
    exponent : float, optional
        b, where it is fixed.
    disturbance : int, optional
        Its first year; from then on the ground is shaded.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        The upper plot's, of Ks; the lower one is of tau.
    """
    panels = new_panels(2, 1, width=8.6, height=5.4)
    for axes, quantity in zip(panels, _NAMES, strict=True):
        open_frame(axes)
        _shade_disturbance(axes, windows.year.values, disturbance)
        _draw_constants(axes, windows, quantity)
        _draw_change(axes, windows[quantity].to_series().dropna(), changes.T[quantity])
        axes.set_ylabel(quantity_name(quantity, exponent), fontsize=8.5, color=INK)
        year_axis(axes)
        axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=5)
    panels[0].set_xlabel("")
    if title:
        panels[0].set_title(title, loc="left", fontsize=10, color=INK, weight="bold", pad=24)
    return panels[0]


def year_axis(axes: Axes) -> None:
    """Whole years along the axis."""
    axes.xaxis.set_major_locator(MaxNLocator(12, integer=True))
    axes.set_xlabel("Year", fontsize=8.5, color=INK)


def _shade_disturbance(axes: Axes, years: np.ndarray[Any, Any], disturbance: int | None) -> None:
    if disturbance is not None:
        axes.axvspan(disturbance - 0.5, years.max() + 0.5, color=DISTURBED, linewidth=0, zorder=0, label="disturbance")


def _draw_constants(axes: Axes, windows: xr.Dataset, quantity: str) -> None:
    years = windows.year.values
    # intervals of few events can be so wide that they would flatten all others
    high = 1.5 * float(np.nanmax(windows[quantity].values))
    lower, upper = (windows[f"{quantity}_{end}"].values for end in ("lower", "upper"))
    axes.fill_between(years, lower, upper, color=LINE, alpha=0.16, linewidth=0, label="interval")
    axes.plot(years, windows[quantity].values, "o-", color=LINE, markersize=3.2, linewidth=1.1, label="estimate")
    axes.set_ylim(top=min(high, 1.04 * float(np.nanmax(upper))))


def _draw_change(axes: Axes, series: pd.Series, change: pd.Series) -> None:
    if np.isfinite(change["slope"]):
        years = series.index.to_numpy(float)
        line = np.median(series.to_numpy() - change["slope"] * years) + change["slope"] * years
        text = f"Sen's slope {number_text(change['slope'], decimals=3, signed=True)} a⁻¹, {_p_text(change['p_value'])}"
        axes.plot(years, line, "--", color=ACCENT, linewidth=1.3, label=text)
    if np.isfinite(change["change_year"]):
        text = f"change {change['change_year']:.0f}, {_p_text(change['change_p_value'])}"
        axes.axvline(change["change_year"] - 0.5, color=INK, linewidth=0.9, linestyle=":", label=text)


def comparison_plot(
    series: pd.Series, other: pd.Series, *, found: SeriesCorrelation, labels: tuple[str, str], title: str | None = None
) -> Axes:
    """Draw two yearly series over time, and one against the other.

    Parameters
    ----------
    series, other : pandas.Series
        By year, smoothed alike; NaN is missing.
    found : SeriesCorrelation
        Of the two.
    labels : tuple of str
        Names with units.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        The left plot's.
    """
    left, right = new_panels(1, 2, width=8.6, height=3.4)
    twin = left.twinx()
    for axes, one, colour, label in ((left, series, LINE, labels[0]), (twin, other, OTHER, labels[1])):
        axes.plot(one.index, one.to_numpy(), "o-", color=colour, markersize=3, linewidth=1.1)
        axes.set_ylabel(label, fontsize=8.5, color=colour)
        axes.tick_params(labelsize=8, colors=colour, width=0.6, axis="y")
        axes.spines["top"].set_visible(False)
    year_axis(left)
    open_frame(right)
    both = pd.concat([series, other], axis=1).dropna().to_numpy()
    right.plot(both[:, 1], both[:, 0], "o", color=LINE, markersize=4.5, alpha=0.8)
    right.set_xlabel(labels[1], fontsize=8.5, color=INK)
    right.set_ylabel(labels[0], fontsize=8.5, color=INK)
    right.set_title(correlation_text(found), loc="left", fontsize=8.5, color=INK)
    set_title(left, title)
    return left


def correlation_text(found: SeriesCorrelation) -> str:
    """A correlation in words.

    Examples
    --------
    >>> correlation_text(SeriesCorrelation(0.5, 0.2, 27, 8.1))
    'ρ = +0.50, p = 0.200 (27 years, worth 8.1)'
    """
    if not np.isfinite(found.r):
        return f"no correlation ({found.n} common years)"
    rho = number_text(found.r, decimals=2, signed=True)
    return f"ρ = {rho}, {_p_text(found.p_value)} ({found.n} years, worth {found.n_effective:.1f})"


def record_table(report: pd.DataFrame) -> Table:
    """What the record of discharge has and lacks.

    Parameters
    ----------
    report : pandas.DataFrame
        Of `DischargeRecord`.

    Returns
    -------
    Table
    """
    counts = (
        "n_days",
        "absent_days",
        "missing_days",
        "longest_gap",
        "repeated_days",
        "conflicting_days",
        "negative_days",
        "zero_days",
    )
    header = (
        "Gauge",
        "First day",
        "Last day",
        *(name.replace("n_", "").replace("_", " ") for name in counts),
        "Unit jump",
    )
    rows = [
        (str(gauge), str(row["first"].date()), str(row["last"].date()), *(f"{row[name]:,}" for name in counts),
         row["unit_jump"] or "–")
        for gauge, row in report.iterrows()
    ]  # fmt: skip
    return Table("Record of discharge (days)", header, rows)


def change_table(changes: pd.DataFrame, *, exponent: float | None) -> Table:
    """Trends and change points of all gauges.

    Parameters
    ----------
    changes : pandas.DataFrame
        By ``gauge`` and ``quantity``.
    exponent : float or None
        b, where it is fixed.

    Returns
    -------
    Table
    """
    header = (
        "Gauge",
        "Quantity",
        "Windows",
        "Sen's slope per year",
        "p",
        "p if independent",
        "Change in",
        "p of the change",
        "Median before",
        "Median after",
    )
    numbers = ("p_value", "p_value_independent", "change_year", "change_p_value", "median_before", "median_after")
    rows = []
    for row in changes.reset_index().to_dict("records"):
        slope = "–"
        if np.isfinite(row["slope"]):
            bounds = " to ".join(number_text(row[end], decimals=3, signed=True) for end in ("lower", "upper"))
            slope = f"{number_text(row['slope'], decimals=3, signed=True)} ({bounds})"
        cells = (_number(row[name], whole=name == "change_year") for name in numbers)
        rows.append(
            (str(row["gauge"]), quantity_name(str(row["quantity"]), exponent), f"{row['n']:.0f}", slope, *cells)
        )
    return Table("Trend (Mann-Kendall, Sen) and change point (Pettitt)", header, rows)


def window_table(windows: xr.Dataset, *, exponent: float | None) -> Table:
    """Constants of one gauge, window by window.

    Parameters
    ----------
    windows : xarray.Dataset
        (year,) of one gauge.
    exponent : float or None
        b, where it is fixed.

    Returns
    -------
    Table
    """
    table = windows.to_dataframe()
    table = table[table["recession_status"] > 0]
    header = ("Year", "Events", "Pairs", "b", *(quantity_name(name, exponent) for name in _NAMES), "Why none")
    rows = [
        (
            str(year),
            f"{row['n_events']:.0f}",
            f"{row['n_recession_pairs']:.0f}",
            _number(row["recession_exponent"]),
            *(_interval(row, name) for name in _NAMES),
            row["reason"] or "–",
        )
        for year, row in table.iterrows()
    ]
    return Table("Windows, by the year at their centre", header, rows)


def _interval(row: pd.Series, name: str) -> str:
    if not np.isfinite(row[name]):
        return "–"
    return f"{row[name]:.3g} ({row[f'{name}_lower']:.3g} to {row[f'{name}_upper']:.3g})"


def _number(value: float, *, whole: bool = False) -> str:
    if not np.isfinite(value):
        return "–"
    return f"{value:.0f}" if whole else f"{value:.3g}"
