"""Which sites of measurement speak for their pixel: where they lie, and why the others are refused."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from cryoscale.grids import geobox_of
from cryoscale.report.canvas import ACCENT, INK
from cryoscale.report.classes import class_map
from cryoscale.report.html import Table
from cryoscale.report.labels import number_text
from cryoscale.report.maps import map_figure

_HALO = [withStroke(linewidth=2.6, foreground="white")]
_MEASURES = {"data_share": "Share with data", "ndvi_spread": "Spread of NDVI", "slope_spread": "Spread of slope (°)"}
_MEASURES |= {"class_share": "Share of its class"}


def sites_map(sites: pd.DataFrame, background: xr.DataArray, *, title: str | None = None) -> Axes:
    """Draw the sites that are accepted and those that are refused on a map.

    Parameters
    ----------
    sites : pandas.DataFrame
        ``row``, ``column`` (-1 outside the grid) and ``accepted``, from `thermal.uniform_sites`.
    background : xarray.DataArray
        (y, x) on the grid that `sites` were chosen on: elevation or the like, or classes with their flags.
    title : str, optional
        Above the map.

    Returns
    -------
    matplotlib.axes.Axes
        Dots are accepted, crosses are refused; those outside the grid are only counted in the legend.
    """
    axes = class_map(background) if "flag_values" in background.attrs else map_figure(background)
    to_map = geobox_of(background).transform
    x = to_map.c + to_map.a * (sites["column"].to_numpy(float) + 0.5)
    y = to_map.f + to_map.e * (sites["row"].to_numpy(float) + 0.5)
    accepted, outside = sites["accepted"].to_numpy(bool), sites["row"].to_numpy() < 0
    refused = ~accepted & ~outside
    style: dict[str, Any] = {"linestyle": "none", "markersize": 6.5}
    dot: dict[str, Any] = {"markerfacecolor": INK, "markeredgecolor": "white", "markeredgewidth": 1.1}
    axes.plot(x[accepted], y[accepted], "o", label=f"accepted ({accepted.sum()})", **style, **dot)
    cross: dict[str, Any] = {"color": ACCENT, "markeredgewidth": 1.7, "path_effects": _HALO}
    axes.plot(x[refused], y[refused], "x", label=f"refused ({refused.sum()})", **style, **cross)
    if outside.any():
        axes.plot([], [], " ", label=f"outside the map ({outside.sum()})")
    figure = axes.get_figure(root=True)
    if figure is not None:  # the axes may have a legend of classes
        handles = axes.get_legend_handles_labels()[0]
        figure.legend(handles=handles, fontsize=8, frameon=False, labelcolor=INK, loc="outside lower center", ncols=3)
    axes.set_title(title or "", loc="left", fontsize=10, color=INK, weight="bold")
    return axes


def refused_sites_table(sites: pd.DataFrame) -> Table:
    """Sites that are refused, and why.

    Parameters
    ----------
    sites : pandas.DataFrame
        From `thermal.uniform_sites`: ``accepted``, ``reason``, ``data_share``, ``ndvi_spread``, ``slope_spread``,
        ``class_share``; and ``site``, or else the index names the sites.

    Returns
    -------
    Table
        A row for each.
    """
    refused = sites[~sites["accepted"].astype(bool)]
    named = refused["site"] if "site" in refused else refused.index.to_series()
    rows = [
        (str(name), *(_number(row[measure]) for measure in _MEASURES), str(row["reason"]))
        for name, (_, row) in zip(named, refused.iterrows(), strict=True)
    ]
    title = f"Sites refused: {len(refused)} of {len(sites)}"
    return Table(title, ("Site", *_MEASURES.values(), "Reason"), rows)


def _number(value: float) -> str:
    return number_text(float(value), decimals=3) if np.isfinite(value) else "–"
