"""Sections of the report on a district before mining: vegetation and ground temperature."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from cryoscale.report.canvas import ACCENT, INK, figure_png, new_axes, open_frame, set_title
from cryoscale.report.checks import Check, check_plot
from cryoscale.report.classes import class_map
from cryoscale.report.confusion import Agreement, agreement_table, confusion_figure
from cryoscale.report.html import Picture, Section, Table
from cryoscale.report.labels import number_text
from cryoscale.report.maps import decimated, map_figure
from cryoscale.report.palette import class_label
from cryoscale.report.permafrost_maps import quantity_maps
from cryoscale.stats.confusion import Confusion

_SHOWN = 20  # features of a plot


def vegetation_section(
    layers: xr.Dataset,
    *,
    confusions: Mapping[str, Confusion],
    importance: pd.DataFrame,
    areas: pd.DataFrame,
    level: float,
    left_out: pd.DataFrame,
) -> Section:
    """The map of vegetation, how good it is, and the areas of its classes.

    Parameters
    ----------
    layers : xarray.Dataset
        ``vegetation_class`` and ``vegetation_probability``; lazy or not.
    confusions : mapping of str to Confusion
        Of samples left out, by the way they were.
    importance : pandas.DataFrame
        From `ground.class_importance`.
    areas : pandas.DataFrame
        The table of `ground.adjusted_areas`.
    level : float
        Of the intervals of areas.
    left_out : pandas.DataFrame
        Points that lack a band or an elevation: ``label``, ``reason``.

    Returns
    -------
    Section
    """
    few = decimated(layers).compute()
    share = 100 * areas["mapped_area"] / areas["mapped_area"].sum()
    legend = pd.DataFrame({"class": areas.index, "area_km2": areas["mapped_area"], "percent": share})
    sure = few.vegetation_probability.max("vegetation").rename("class_probability")
    sure = sure.assign_attrs(long_name="probability of the mapped class", units="1")
    agreements = [Agreement(f"{way} folds", "points left out", found) for way, found in confusions.items()]
    pictures = [
        _picture(
            class_map(few.vegetation_class, areas=legend, title="Vegetation"), "Class of the largest probability."
        ),
        _picture(map_figure(sure, title="How sure the class is"), "Probability of the mapped class."),
        _picture(confusion_figure(agreements), _FOLDS, wide=True),
        _picture(importance_plot(importance, title="Importance"), _IMPORTANCE),
        _picture(area_plot(areas, level=level, title="Areas"), _ADJUSTED),
    ]
    tables = [agreement_table(agreements), _area_table(areas, level)]
    if len(left_out):
        rows = [(str(row.label), str(row.reason)) for row in left_out.itertuples()]
        tables.append(Table("Points left out", ("Point", "Reason"), rows))
    return Section("Vegetation", figures=pictures, tables=tables)


_FOLDS = (
    "Points left out at random say how well the map does between points; points left out in blocks of ground, how well "
    "away from them."
)
_IMPORTANCE = (
    "Loss of balanced accuracy when the values of a feature are shuffled among the points left out; bars: standard "
    "deviation between shuffles. Features that say the same share their worth."
)
_ADJUSTED = (
    "Areas as mapped, and freed of the map's errors with their interval (Olofsson et al. 2014) by the points left out "
    "at random. It holds if points of each class are a random sample of the area mapped as it."
)


def importance_plot(importance: pd.DataFrame, *, title: str | None = None) -> Axes:
    """Draw what each feature is worth.

    Parameters
    ----------
    importance : pandas.DataFrame
        By feature, the most important first: ``accuracy_loss`` and ``accuracy_loss_sd``.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
    """
    shown = importance.head(_SHOWN).iloc[::-1]
    axes = new_axes(4.6, 0.9 + 0.21 * len(shown))
    open_frame(axes)
    axes.grid(axis="y", visible=False)
    places = np.arange(len(shown))
    bars: dict[str, Any] = {"color": "#00486e", "ecolor": ACCENT, "error_kw": {"linewidth": 1.0}}
    axes.barh(places, shown["accuracy_loss"], xerr=shown["accuracy_loss_sd"], height=0.65, **bars)
    axes.set_yticks(places, [str(name) for name in shown.index])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Loss of balanced accuracy", fontsize=8.5, color=INK)
    set_title(axes, title)
    return axes


def area_plot(areas: pd.DataFrame, *, level: float, title: str | None = None) -> Axes:
    """Draw areas of classes as mapped and as adjusted, with their intervals.

    Parameters
    ----------
    areas : pandas.DataFrame
        The table of `ground.adjusted_areas`.
    level : float
        Of the intervals.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
    """
    axes = new_axes(4.6, 1.1 + 0.42 * len(areas))
    open_frame(axes)
    axes.grid(axis="y", visible=False)
    places = np.arange(len(areas))[::-1]
    reach = (areas["area"] - areas["area_lower"], areas["area_upper"] - areas["area"])
    axes.barh(places, areas["mapped_area"], height=0.6, color="#c3ccd5", label="mapped")
    axes.errorbar(
        areas["area"],
        places,
        xerr=np.array(reach),
        fmt="o",
        color=ACCENT,
        markersize=4.5,
        linewidth=1.3,
        label=f"adjusted, {100 * level:.0f} % interval",
    )
    axes.set_yticks(places, [class_label(str(name)) for name in areas.index])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Area (km²)", fontsize=8.5, color=INK)
    axes.set_xlim(left=0)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="upper left", bbox_to_anchor=(0.0, -0.16), ncols=2)
    set_title(axes, title)
    return axes


def temperature_section(
    layers: xr.Dataset,
    *,
    boreholes: pd.DataFrame,
    left_out: "pd.Series[float]",
    coefficients: pd.DataFrame,
    comparison: pd.DataFrame,
    facts: Mapping[str, str],
) -> Section:
    """The map of ground temperature, its regression, and how well both models do.

    Parameters
    ----------
    layers : xarray.Dataset
        ``magt`` and ``magt_error``; lazy or not.
    boreholes : pandas.DataFrame
        ``borehole``, ``magt`` and ``x``, ``y`` in the CRS of the map.
    left_out : pandas.Series
        What the regression without each borehole predicts for it, degC.
    coefficients : pandas.DataFrame
        By name: ``coefficient``, ``error``, ``t``, ``p``, ``vif``.
    comparison : pandas.DataFrame
        From `ground.compare_models`.
    facts : mapping of str to str
        Diagnostics of the regression.

    Returns
    -------
    Section
    """
    few = decimated(layers).compute()
    maps = {"Mean annual ground temperature": few.magt, "Its standard error": few.magt_error}
    predicted = xr.DataArray(left_out.to_numpy(float), dims="borehole")
    measured = xr.DataArray(boreholes["magt"].to_numpy(float), dims="borehole", attrs={"units": "degC"})
    check = Check("Boreholes left out one by one", "boreholes", predicted, measured)
    pictures = [_picture(quantity_maps(maps), _TEMPERATURE, wide=True), _picture(check_plot(check), _LEFT_OUT)]
    placed = map_figure(few.magt, title="Boreholes")
    placed.plot(boreholes["x"], boreholes["y"], "o", color=INK, markersize=2.6, markeredgewidth=0)
    pictures.append(_picture(placed, "Boreholes that the regression rests on."))
    rows = [
        (str(name), *(number_text(row[column], decimals=_DIGITS[column]) for column in _DIGITS))
        for name, row in coefficients.iterrows()
    ]
    tables = [
        Table("Coefficients", ("Term", "Coefficient", "Error", "t", "p", "Variance inflation"), rows),
        Table("Diagnostics of the regression", ("What", "Value"), list(facts.items())),
        _comparison_table(comparison),
    ]
    return Section("Mean annual ground temperature", figures=pictures, tables=tables)


_DIGITS = {"coefficient": 4, "error": 4, "t": 2, "p": 3, "vif": 1}
_TEMPERATURE = (
    "Blue: below 0 °C. The error is that of a prediction for one place; it holds what boreholes scatter about the "
    "regression."
)
_LEFT_OUT = "Each borehole as the regression fitted to all others predicts it."


def _comparison_table(comparison: pd.DataFrame) -> Table:
    shown = comparison.reset_index()
    numbers = ("rmse", "bias", "mae", "r2", "mean_error", "within_95")
    rows = [
        (
            str(row["method"]).replace("_", " "),
            str(row["validation"]).replace("_", " "),
            f"{row['n']:.0f}",
            *(number_text(row[name], decimals=3) for name in numbers),
        )
        for _, row in shown.iterrows()
    ]
    header = ("Model", "Left out", "n", "RMSE (K)", "Bias (K)", "MAE (K)", "R²", "Error that it gives (K)")
    return Table("Both models, boreholes left out", (*header, "within 1.96 errors"), rows)


def _area_table(areas: pd.DataFrame, level: float) -> Table:
    rows = [
        (
            class_label(str(name)),
            f"{row['n']:.0f}",
            f"{row['mapped_area']:.3f}",
            f"{row['area']:.3f}",
            f"{row['area_lower']:.3f}",
            f"{row['area_upper']:.3f}",
            f"{row['users_accuracy']:.3f}",
            f"{row['producers_accuracy']:.3f}",
        )
        for name, row in areas.iterrows()
    ]
    bounds = f"{100 * level:.0f} % interval"
    header = ("Class", "points", "mapped (km²)", "adjusted (km²)", f"{bounds} from", "to", "user's accuracy")
    return Table("Areas of classes", (*header, "producer's accuracy"), rows)


def _picture(axes: Axes, caption: str, *, wide: bool = False) -> Picture:
    return Picture(figure_png(axes), caption, wide=wide)
