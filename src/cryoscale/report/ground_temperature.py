"""How well the daily temperature of the ground surface is known: figures and tables of its cross-validation."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from cmcrameri import cm
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from numpy.typing import ArrayLike

from cryoscale.report.canvas import ACCENT, INK, add_colour_bar, new_axes, open_frame, set_title
from cryoscale.report.html import Table
from cryoscale.report.labels import number_text
from cryoscale.report.plots import CELLS, _axis_range
from cryoscale.stats import scores

BAR = "#7f9bb3"
_MONTHS = "JFMAMJJASOND"
_OVERPASSES = {
    "terra_day": "Terra day",
    "aqua_day": "Aqua day",
    "terra_night": "Terra night",
    "aqua_night": "Aqua night",
}


def gst_scatter(predicted: ArrayLike, observed: ArrayLike, *, title: str | None = None) -> Axes:
    """Draw predicted against observed daily ground surface temperature as a density, with the line of equality.

    Parameters
    ----------
    predicted, observed : array_like, shape (n,)
        Of station-days, degC; NaN where there is no value. Predicted by models that have not seen the station.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        With n, RMSE, R2 and bias.

    Examples
    --------
    >>> print(gst_scatter([1.0, 2.0, 4.0], [0.0, 2.0, 3.0]).texts[0].get_text())
    n = 3 station-days
    RMSE = 0.82 K
    R² = 0.571
    bias = +0.67 K
    """
    p, o = np.asarray(predicted, float), np.asarray(observed, float)
    seen = np.isfinite(p) & np.isfinite(o)
    p, o = p[seen], o[seen]
    axes = new_axes(5.0, 4.2)
    open_frame(axes)
    low, high = _axis_range(np.concatenate([p, o]))
    if p.size:
        style: dict[str, Any] = {"norm": LogNorm(), "cmap": cm.batlow_r, "linewidths": 0}
        cells = axes.hexbin(o, p, gridsize=CELLS, extent=(low, high, low, high), mincnt=1, **style)
        add_colour_bar(axes, cells, "Station-days per cell")
    axes.plot([low, high], [low, high], color=ACCENT, linewidth=1.0, zorder=3)
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axes.set_xlabel("Observed daily ground surface temperature (°C)", fontsize=8.5, color=INK)
    axes.set_ylabel("Predicted (°C)", fontsize=8.5, color=INK)
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8}
    axes.text(0.04, 0.96, _score_text(p, o), transform=axes.transAxes, va="top", fontsize=8.5, color=INK, bbox=box)
    set_title(axes, title)
    return axes


def gst_by_station(table: pd.DataFrame, *, title: str | None = None) -> Axes:
    """Draw RMSE and bias of every station when it is left out, the worst on top.

    Parameters
    ----------
    table : pandas.DataFrame
        Index station; ``n`` (station-days), ``bias``, ``rmse`` (K).
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        Bars are RMSE, dots are bias (predicted minus observed).
    """
    ordered = table.sort_values("rmse")
    axes = new_axes(5.6, 0.9 + 0.24 * len(ordered))
    open_frame(axes)
    axes.grid(axis="y", visible=False)
    places = np.arange(len(ordered))
    axes.barh(places, ordered["rmse"], height=0.66, color=BAR, label="RMSE")
    axes.plot(ordered["bias"], places, "o", color=ACCENT, markersize=4.5, label="bias")
    axes.axvline(0, color=INK, linewidth=0.8)
    counted = zip(ordered.index, ordered["n"], strict=True)
    axes.set_yticks(places, [f"{name}  ({n:,.0f} d)" for name, n in counted])
    axes.set_ylim(-0.6, len(ordered) - 0.4)
    axes.set_xlabel("Predicted minus observed (K)", fontsize=8.5, color=INK)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    set_title(axes, title)
    return axes


def gst_by_month(table: pd.DataFrame, *, title: str | None = None) -> Axes:
    """Draw RMSE and bias of every month of the year.

    Parameters
    ----------
    table : pandas.DataFrame
        Index month, 1 to 12; ``bias``, ``rmse`` (K).
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        Bars are RMSE, dots are bias (predicted minus observed).
    """
    axes = new_axes(5.6, 3.0)
    open_frame(axes)
    axes.grid(axis="x", visible=False)
    months = table.index.to_numpy(int)
    axes.bar(months, table["rmse"], width=0.66, color=BAR, label="RMSE")
    axes.plot(months, table["bias"], "o-", color=ACCENT, markersize=4.5, linewidth=0.8, label="bias")
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xticks(range(1, 13), list(_MONTHS))
    axes.set_xlabel("Month", fontsize=8.5, color=INK)
    axes.set_ylabel("Predicted minus observed (K)", fontsize=8.5, color=INK)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    set_title(axes, title)
    return axes


def sub_model_table(models: pd.DataFrame) -> Table:
    """The models for every set of overpasses, and how well they do by two kinds of cross-validation.

    Parameters
    ----------
    models : pandas.DataFrame
        `scores_` of `thermal.GroundTemperatureModel`: by sub-model (names of its overpasses, separated by ``+``),
        ``n_samples``, ``alpha`` (penalty of the ridge), and RMSE (K) and R2 of random folds (``rmse_random``,
        ``r2_random``) and of left-out stations (``rmse_by_station``, ``r2_by_station``).

    Returns
    -------
    Table
        A row for each model, in the order given.
    """
    rows = [
        (
            overpass_label(str(name)),
            f"{row['n_samples']:,.0f}",
            f"{row['alpha']:.3g}",
            *(number_text(float(row[score]), decimals=2) for score in ("rmse_random", "rmse_by_station")),
            *(number_text(float(row[score]), decimals=3) for score in ("r2_random", "r2_by_station")),
        )
        for name, row in models.iterrows()
    ]
    header = (
        "Overpasses",
        "Station-days",
        "Penalty",
        "RMSE, random (K)",
        "RMSE, stations (K)",
        "R², random",
        "R², stations",
    )
    return Table("Models by overpasses with a value, tested by random folds and by stations left out", header, rows)


def overpass_label(names: str) -> str:
    """Overpasses as people write them.

    Parameters
    ----------
    names : str
        One name, or several separated by ``+``.

    Returns
    -------
    str

    Examples
    --------
    >>> overpass_label("terra_day+aqua_night")
    'Terra day, Aqua night'
    """
    return ", ".join(_OVERPASSES.get(name.strip(), name.strip()) for name in names.split("+"))


def _score_text(predicted: np.ndarray, observed: np.ndarray) -> str:
    result = scores(xr.DataArray(predicted), xr.DataArray(observed))
    lines = (
        f"n = {int(result.n):,} station-days",
        f"RMSE = {number_text(float(result.rmse), decimals=2)} K",
        f"R² = {number_text(float(result.r2), decimals=3)}",
        f"bias = {number_text(float(result.bias), decimals=2, signed=True)} K",
    )
    return "\n".join(lines)
