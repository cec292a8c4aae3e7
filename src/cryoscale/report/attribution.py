"""Attribution of a river's recession to climate and a disturbance, and the joint view with deformation."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cryoscale.hydrology import Attribution, SeriesCorrelation
from cryoscale.report.canvas import ACCENT, INK, new_axes, open_frame, set_title
from cryoscale.report.drivers import ALPHA, BOX, _p_text, driver_name
from cryoscale.report.html import Table
from cryoscale.report.labels import number_text
from cryoscale.report.panels import new_panels
from cryoscale.report.recession import DISTURBED, LINE, correlation_text, year_axis

_RATE, _SEASON = "vertical_rate", "vertical_thaw_season"
_DEFORMATION = {_RATE: "Vertical rate (mm a⁻¹)", _SEASON: "Thaw season (mm)"}


def attribution_plot(found: Attribution, *, disturbance: int, label: str, title: str | None = None) -> Axes:
    """Draw what was observed and what climate alone would have made of it, with its prediction interval.

    Parameters
    ----------
    found : Attribution
        From `hydrology.attribute`.
    disturbance : int
        Its first year; from then on the ground is shaded.
    label : str
        The quantity with its unit.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        Hollow: windows with years of both periods, neither fitted nor part of the effect.
    """
    axes = new_axes(8.6, 3.6)
    open_frame(axes)
    draw_attribution(axes, found, disturbance=disturbance)
    axes.set_ylabel(label, fontsize=8.5, color=INK)
    year_axis(axes)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=4)
    if title:
        axes.set_title(title, loc="left", fontsize=10, color=INK, weight="bold", pad=24)
    return axes


def draw_attribution(axes: Axes, found: Attribution, *, disturbance: int) -> None:
    """Draw observed and predicted onto axes."""
    table = found.predicted
    years = table.index.to_numpy(float)
    axes.axvspan(disturbance - 0.5, years.max() + 0.5, color=DISTURBED, linewidth=0, zorder=0, label="disturbance")
    axes.fill_between(years, table["lower"], table["upper"], color=BOX, alpha=0.3, linewidth=0, label="interval")
    axes.plot(years, table["predicted"], "--", color=BOX, linewidth=1.5, label="predicted from climate")
    axes.plot(years, table["observed"], "-", color=LINE, linewidth=1.1)
    inside = (table["period"] == "transition").to_numpy()
    axes.plot(years[~inside], table["observed"][~inside], "o", color=LINE, markersize=3.6, label="observed")
    axes.plot(years[inside], table["observed"][inside], "o", color=LINE, markersize=3.6, markerfacecolor="white")


def climate_correlation_plot(found: Mapping[str, SeriesCorrelation], *, title: str | None = None) -> Axes:
    """Draw the rank correlation of each predictor before the disturbance; hollow where it may be chance.

    Parameters
    ----------
    found : mapping of str to SeriesCorrelation
        By predictor.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
    """
    axes = new_axes(5.0, 0.8 + 0.42 * len(found))
    open_frame(axes)
    axes.grid(axis="y", visible=False)
    for place, one in enumerate(reversed(list(found.values()))):
        sure = one.p_value < ALPHA
        axes.barh(place, one.r, height=0.6, color=BOX if sure else "white", edgecolor=BOX, linewidth=1.0)
        side = 1 if not one.r < 0 else -1
        axes.annotate(
            f"{number_text(one.r, decimals=2, signed=True)}, {_p_text(one.p_value)}" if np.isfinite(one.r) else "none",
            (one.r if np.isfinite(one.r) else 0.0, place),
            (4 * side, 0),
            textcoords="offset points",
            va="center",
            ha="left" if side > 0 else "right",
            fontsize=8,
            color=INK,
        )
    axes.axvline(0, color=INK, linewidth=0.6)
    axes.set_yticks(range(len(found)), [driver_name(name) for name in reversed(list(found))])
    axes.set_xlim(-1.6, 1.6)
    axes.set_xticks((-1, -0.5, 0, 0.5, 1))
    axes.set_xlabel("Rank correlation before the disturbance", fontsize=8.5, color=INK)
    set_title(axes, title)
    return axes


def joint_plot(
    series: pd.Series,
    periods: pd.DataFrame,
    *,
    label: str,
    attribution: Attribution | None = None,
    disturbance: int | None = None,
) -> Axes:
    """Draw the recession above the deformation of the ground, over the same years.

    Parameters
    ----------
    series : pandas.Series
        The quantity by year.
    periods : pandas.DataFrame
        ``quantity`` (``vertical_rate``, ``vertical_thaw_season``), ``first``, ``last``, ``mean`` and ``spread``.
    label : str
        The quantity of the series with its unit.
    attribution : Attribution, optional
        Drawn with the series.
    disturbance : int, optional
        First year, with `attribution`.

    Returns
    -------
    matplotlib.axes.Axes
        The upper plot's.
    """
    shown = [name for name in _DEFORMATION if name in set(periods["quantity"])]
    panels = new_panels(1 + len(shown), 1, width=8.6, height=3.0 + 1.7 * len(shown))
    first = min(int(series.index.min()), int(periods["first"].min()))
    last = max(int(series.index.max()), int(periods["last"].max()))
    for axes in panels:
        open_frame(axes)
        year_axis(axes)
    if attribution is not None and disturbance is not None:
        draw_attribution(panels[0], attribution, disturbance=disturbance)
        panels[0].legend(
            fontsize=8, frameon=False, labelcolor=INK, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=4
        )
    else:
        panels[0].plot(series.index, series.to_numpy(), "o-", color=LINE, markersize=3.4, linewidth=1.1)
    panels[0].set_ylabel(label, fontsize=8.5, color=INK)
    for axes, name in zip(panels[1:], shown, strict=True):
        _draw_periods(axes, periods[periods["quantity"] == name])
        axes.set_ylabel(_DEFORMATION[name], fontsize=8.5, color=INK)
    for axes in panels:
        axes.set_xlim(first - 1, last + 1)
        axes.label_outer()
    return panels[0]


def _draw_periods(axes: Axes, periods: pd.DataFrame) -> None:
    axes.axhline(0, color=INK, linewidth=0.6)
    for row in periods.to_dict("records"):
        first, last, mean, spread = (float(row[name]) for name in ("first", "last", "mean", "spread"))
        if last > first:
            ends = [first - 0.4, last + 0.4]
            axes.fill_between(ends, mean - spread, mean + spread, color=ACCENT, alpha=0.18, linewidth=0)
            axes.plot(ends, [mean, mean], color=ACCENT, linewidth=2.2)
        else:
            axes.errorbar(first, mean, spread, fmt="o", color=ACCENT, markersize=4.5, capsize=2.5)


def effect_table(found: Attribution, *, label: str) -> Table:
    """The effect of the disturbance, and what the climate model is worth.

    Parameters
    ----------
    found : Attribution
        From `hydrology.attribute`.
    label : str
        The quantity with its unit.

    Returns
    -------
    Table
    """
    effect, skill = found.effect, found.skill
    bounds = " to ".join(number_text(bound, decimals=2, signed=True) for bound in (effect.lower, effect.upper))
    skilled = f"{number_text(skill.r2, decimals=2)} (RMSE {skill.rmse:.3g}, {skill.n_blocks} blocks)"
    rows = [
        ("quantity", label),
        ("effect (observed minus predicted)", number_text(effect.mean, decimals=2, signed=True)),
        ("its interval", bounds),
        ("p of no effect", f"{effect.p_value:.3g}"),
        ("windows after the disturbance", str(effect.n_years)),
        ("windows fitted to", str(found.n_years)),
        ("R² before the disturbance, adjusted", f"{found.r2:.2f}, {number_text(found.r2_adjusted, decimals=2)}"),
        ("p of no influence of climate", f"{found.p_value:.3g}"),
        ("R² of years left out", skilled if np.isfinite(skill.r2) else "no block can be left out"),
        ("correlation of the noise from year to year", number_text(found.noise_correlation, decimals=2)),
        ("windows with climate beyond that before", str(int(found.predicted["extrapolated"].sum()))),
    ]
    return Table("Effect of the disturbance", ("What", "Value"), rows)


def coefficient_table(found: Attribution) -> Table:
    """Coefficients of the climate model.

    Parameters
    ----------
    found : Attribution
        From `hydrology.attribute`.

    Returns
    -------
    Table
    """
    rows = [
        (
            driver_name(str(name)),
            f"{row['estimate']:.3g}",
            f"{row['standard_error']:.2g}",
            f"{row['p_value']:.3g}",
            f"{row['vif']:.1f}" if np.isfinite(row["vif"]) else "–",
        )
        for name, row in found.coefficients.iterrows()
    ]
    header = ("Predictor", "Coefficient", "Standard error", "p", "Variance inflation")
    return Table("Climate model", header, rows)


def comparison_table(found: Mapping[str, SeriesCorrelation]) -> Table:
    """Correlations with other series.

    Parameters
    ----------
    found : mapping of str to SeriesCorrelation
        By name of the series.

    Returns
    -------
    Table
    """
    rows = [(name, correlation_text(one)) for name, one in found.items()]
    return Table("Rank correlation with other series", ("Series", "Correlation"), rows)


def period_table(periods: pd.DataFrame, *, label: str) -> Table:
    """Deformation of each period, and the recession in it.

    Parameters
    ----------
    periods : pandas.DataFrame
        As of `joint_plot`, with ``recession`` (mean over the windows centred in the period; NaN if none) and
        ``n_windows``.
    label : str
        The quantity with its unit.

    Returns
    -------
    Table
    """
    rows = [
        (
            _DEFORMATION[str(row["quantity"])],
            str(row["first"]) if row["first"] == row["last"] else f"{row['first']}-{row['last']}",
            f"{number_text(float(row['mean']))} ± {float(row['spread']):.1f}",
            f"{row['recession']:.3g}" if np.isfinite(row["recession"]) else "–",
            str(row["n_windows"]),
        )
        for row in periods.to_dict("records")
    ]
    return Table(
        "Deformation and recession by period", ("Deformation", "Years", "Mean ± spread", label, "Windows"), rows
    )
