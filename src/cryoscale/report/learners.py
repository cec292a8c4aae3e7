"""What learners have learned and how well: scores, elimination of covariates, SHAP values."""

from collections.abc import Mapping, Sequence
from math import ceil

import numpy as np
import pandas as pd
from cmcrameri import cm
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from cryoscale.report.canvas import ACCENT, INK, add_colour_bar, new_axes, open_frame, set_title
from cryoscale.report.labels import number_text, unit_text
from cryoscale.report.markers import series_colours, series_markers
from cryoscale.report.panels import new_panels

Values = NDArray[np.floating]


def skill_plot(summaries: Mapping[str, pd.DataFrame], *, unit: str, title: str | None = None) -> Axes:
    """Draw the cross-validated RMSE of every model, in each way to leave samples out.

    Parameters
    ----------
    summaries : mapping of str to pandas.DataFrame
        By way (such as ``random`` and ``blocked``): ``rmse`` by model (index). As of `moisture.summarise`.
    unit : str
        Of the error, in UDUNITS notation.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
    """
    models = list(next(iter(summaries.values())).index)
    axes = new_axes(6.0, 0.9 + 0.36 * len(models))
    open_frame(axes)
    axes.grid(axis="y", visible=False)
    looks = zip(summaries.items(), series_colours(len(summaries)), series_markers(len(summaries)), strict=True)
    for (name, table), colour, marker in looks:
        axes.plot(table["rmse"], np.arange(len(models)), marker, color=colour, markersize=6, label=f"{name} folds")
    axes.set_yticks(range(len(models)), models)
    axes.set_ylim(len(models) - 0.5, -0.5)
    axes.set_xlabel(f"RMSE ({unit_text(unit)})", fontsize=8.5, color=INK)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="best")
    set_title(axes, title)
    return axes


def prediction_plot(tables: Mapping[str, pd.DataFrame], *, label: str, unit: str) -> Axes:
    """Draw measured against predicted values, with the prediction intervals and the line where both are equal.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        By way to leave samples out: ``observed``, ``corrected``, ``lower`` and ``upper``. As of
        `moisture.cross_validate`.
    label, unit : str
        The quantity and its unit, in UDUNITS notation.

    Returns
    -------
    matplotlib.axes.Axes
        The first panel's.
    """
    panels = new_panels(1, len(tables), width=4.4 * len(tables), height=4.2)
    every = pd.concat(tables.values())[["observed", "corrected", "lower", "upper"]]
    ends = float(every.min().min()), float(every.max().max())
    for axes, (name, table) in zip(panels, tables.items(), strict=True):
        open_frame(axes)
        axes.hlines(table["observed"], table["lower"], table["upper"], color="#c3d0dc", linewidth=0.6, zorder=1)
        axes.plot(table["corrected"], table["observed"], "o", color="#1f4e79", markersize=3, alpha=0.75)
        axes.axline((ends[0], ends[0]), slope=1.0, color=INK, linewidth=0.9)
        text = f"{name.capitalize()} folds"
        if np.ptp(table["corrected"]) > 0.0:  # else there is no regression on it
            slope, offset = np.polyfit(table["corrected"], table["observed"], 1)
            axes.axline((0.0, offset), slope=slope, color=ACCENT, linewidth=1.2, linestyle="--")
            text += f", slope {number_text(float(slope), decimals=2)}"
        axes.set(xlim=ends, ylim=ends, aspect="equal")
        axes.set_xlabel(f"Predicted {label} ({unit_text(unit)})", fontsize=8.5, color=INK)
        set_title(axes, text)
    panels[0].set_ylabel(f"Measured {label} ({unit_text(unit)})", fontsize=8.5, color=INK)
    return panels[0]


def elimination_plot(path: pd.DataFrame, *, chosen: int, unit: str, title: str | None = None) -> Axes:
    """Draw the error against the number of covariates that are left, and how many were kept.

    Parameters
    ----------
    path : pandas.DataFrame
        ``n_features``, ``rmse`` and ``rmse_error`` (standard error), a row a step. As of `moisture.Selection.path`.
    chosen : int
        Number of covariates kept.
    unit : str
        Of the error, in UDUNITS notation.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        The band is one standard error about the best.
    """
    axes = new_axes(5.6, 3.0)
    open_frame(axes)
    best = path.nsmallest(1, "rmse")
    least, error = float(best["rmse"].iloc[0]), float(best["rmse_error"].iloc[0])
    axes.axhspan(least, least + error, color="#c3d0dc", alpha=0.5, linewidth=0, label="one standard error")
    axes.plot(path["n_features"], path["rmse"], "o-", color="#1f4e79", markersize=4, linewidth=1.1)
    kept = path[path["n_features"] == chosen]
    axes.plot(kept["n_features"], kept["rmse"], "o", color=ACCENT, markersize=8, label=f"{chosen} kept")
    axes.set_xlabel("Covariates", fontsize=8.5, color=INK)
    axes.set_ylabel(f"RMSE ({unit_text(unit)})", fontsize=8.5, color=INK)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="best")
    set_title(axes, title)
    return axes


def shap_summary_plot(values: pd.DataFrame, features: pd.DataFrame, *, unit: str, title: str | None = None) -> Axes:
    """Draw what every covariate adds to every prediction, coloured by the covariate, the most important on top.

    Parameters
    ----------
    values : pandas.DataFrame
        (sample, covariate) SHAP values, in the unit of what is predicted.
    features : pandas.DataFrame
        (sample, covariate), the same columns.
    unit : str
        Of the SHAP values, in UDUNITS notation.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
    """
    names = _by_importance(values)
    axes = new_axes(6.6, 1.1 + 0.36 * len(names))
    open_frame(axes)
    axes.grid(axis="y", visible=False)
    axes.axvline(0.0, color=INK, linewidth=0.7)
    for place, name in enumerate(names):
        heights = place + _swarm(values[name].to_numpy(float))
        colours = cm.batlow(features[name].rank(pct=True).to_numpy())
        axes.scatter(values[name], heights, s=7, c=colours, linewidths=0)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlabel(f"SHAP value ({unit_text(unit)})", fontsize=8.5, color=INK)
    add_colour_bar(axes, ScalarMappable(Normalize(0, 100), cm.batlow), "Percentile of the covariate")
    set_title(axes, title)
    return axes


def shap_dependence_plot(
    values: pd.DataFrame, features: pd.DataFrame, *, units: Mapping[str, str], unit: str, most: int = 6
) -> Axes:
    """Draw what the most important covariates add against their own values.

    Parameters
    ----------
    values, features : pandas.DataFrame
        As of `shap_summary_plot`.
    units : mapping of str to str
        Of the covariates.
    unit : str
        Of the SHAP values.
    most : int
        Covariates at most.

    Returns
    -------
    matplotlib.axes.Axes
        The first panel's.
    """
    names = _by_importance(values)[:most]
    columns = min(3, len(names))
    rows = ceil(len(names) / columns)
    panels = new_panels(rows, columns, width=3.1 * columns, height=2.5 * rows)
    for axes, name in zip(panels, names, strict=False):
        open_frame(axes)
        axes.axhline(0.0, color=INK, linewidth=0.6)
        axes.plot(features[name], values[name], "o", color="#1f4e79", markersize=2.6, alpha=0.7)
        axes.set_xlabel(_with_unit(name, units.get(name, "1")), fontsize=8, color=INK)
    for axes in panels[::columns]:
        axes.set_ylabel(f"SHAP value ({unit_text(unit)})", fontsize=8, color=INK)
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    return panels[0]


def _with_unit(name: str, unit: str) -> str:
    return name if unit == "1" else f"{name} ({unit_text(unit)})"


def _by_importance(values: pd.DataFrame) -> Sequence[str]:
    return [str(name) for name in values.abs().mean().sort_values(ascending=False).index]


def _swarm(values: Values) -> Values:
    """Heights that keep the points of a row apart: the denser, the further from the middle."""
    bins = np.clip(((values - values.min()) / max(float(np.ptp(values)), 1e-12) * 40).astype(int), 0, 39)
    place = pd.Series(bins).groupby(bins).cumcount().to_numpy()
    side = np.where(place % 2 == 0, 1, -1) * ((place + 1) // 2)
    return np.asarray(0.38 * side / max(int(np.abs(side).max()), 6), float)
