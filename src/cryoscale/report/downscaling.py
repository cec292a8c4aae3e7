"""What downscaling does to an image, and what its detail is worth: maps, cross-validation, weights, covariates."""

from calendar import month_name
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cryoscale.report.canvas import INK, new_axes, open_frame, set_title
from cryoscale.report.drivers import driver_name
from cryoscale.report.html import Table
from cryoscale.report.labels import number_text, unit_text
from cryoscale.report.maps import _colour_limits
from cryoscale.report.markers import series_colours
from cryoscale.report.permafrost_maps import quantity_maps
from cryoscale.report.series import _date_axis

REFERENCE = "bilinear"
"""The method that the others are held against."""

_BAR = "#c3d0dc"
_METHODS = {REFERENCE: "Bilinear", "conserving": "Bilinear, keeps means"}
_HALF_MONTH = np.timedelta64(14, "D")
_ROUNDING = 0.001  # residuals below it are not told apart
_LEAST_RESIDUAL = 0.01  # of the span of the image: smaller residuals are rounding and look like none


@dataclass(frozen=True, slots=True)
class DownscaledImage:
    """An image before and after.

    Attributes
    ----------
    coarse : xarray.DataArray
        (y, x) as observed, such as ``lst`` or ``ndvi``; its name and unit are those of all.
    bilinear, downscaled : xarray.DataArray
        (y, x) fine, by bilinear interpolation and by downscaling.
    residual : xarray.DataArray
        (y, x) coarse: what is downscaled, averaged back, minus `coarse`.
    """

    coarse: xr.DataArray
    bilinear: xr.DataArray
    downscaled: xr.DataArray
    residual: xr.DataArray


def downscaled_image_figure(image: DownscaledImage) -> Axes:
    """Draw an image before and after it is downscaled, and what averaging it back leaves.

    Parameters
    ----------
    image : DownscaledImage
        Lazy or not. A panel has some 600 pixels a side: of a larger area give a window, so that the detail shows.

    Returns
    -------
    matplotlib.axes.Axes
        The first panel's. The three images have the same colours. The residual's reach at least a hundredth of those of
        the observed image, so that rounding looks white; the title has the largest.
    """
    coarse, units = image.coarse.compute(), str(image.coarse.attrs.get("units", ""))
    fine = [array.rename(coarse.name).assign_attrs(units=units) for array in (image.bilinear, image.downscaled)]
    residual = image.residual.compute().rename("downscaling_residual")
    residual.attrs = {"units": "K" if units == "degC" else units}
    low, high = _colour_limits(coarse.values, centred=False)
    least = _LEAST_RESIDUAL * (high - low)
    bound = max(_colour_limits(residual.values, centred=True)[1], least)
    largest = float(np.abs(residual).max())
    title = f"Averaged back − observed ({_at_most(largest)} {unit_text(residual.attrs['units'])}".rstrip() + ")"
    maps = {"Observed": coarse, "Bilinear": fine[0], "Downscaled": fine[1], title: residual}
    return quantity_maps(maps, limits={title: (-bound, bound)})


def score_plot(scores: Mapping[str, pd.DataFrame], *, title: str | None = None) -> Axes:
    """Draw the error of every method as a share of that of bilinear interpolation.

    Parameters
    ----------
    scores : mapping of str to pandas.DataFrame
        By model (such as one for each season or overpass): ``rmse`` by ``method``, one of them ``bilinear``; and
        ``rmse_unweighted``, NaN where there is none, where it is known. As of `thermal.Downscaler.scores_`.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        One dot for each model, in its colour; hollow is the detail at full weight. Left of the line is better than
        bilinear.
    """
    methods = list(dict.fromkeys(method for table in scores.values() for method in table.index if method != REFERENCE))
    places = pd.Series(np.arange(len(methods)), index=methods, dtype=float)
    axes = new_axes(6.4, 1.0 + 0.42 * len(methods))
    open_frame(axes)
    axes.grid(axis="y", visible=False)
    axes.axvline(1.0, color=INK, linewidth=0.9, linestyle="--", label="bilinear")
    offsets = _offsets(len(scores))
    for (name, table), offset, colour in zip(scores.items(), offsets, series_colours(len(scores)), strict=True):
        shown = table.drop(index=REFERENCE)
        at = places[shown.index].to_numpy() + offset
        reference = _bilinear(table)
        style: dict[str, Any] = {"color": colour, "markersize": 5.5, "linestyle": "none"}
        if "rmse_unweighted" in shown:
            ratio = shown["rmse_unweighted"] / reference
            axes.plot(ratio, at, "o", markerfacecolor="white", **style)
        axes.plot(shown["rmse"] / reference, at, "o", label=_model_label(name), **style)
    axes.plot([], [], "o", color=INK, markerfacecolor="white", markersize=5.5, label="at full weight")
    axes.set_yticks(places, [method_label(method) for method in methods])
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.set_xlabel("RMSE relative to bilinear interpolation", fontsize=8.5, color=INK)
    _legend_beside(axes)
    set_title(axes, title)
    return axes


def weight_plot(weights: pd.DataFrame, *, title: str | None = None) -> Axes:
    """Draw how much of the detail every image gets.

    Parameters
    ----------
    weights : pandas.DataFrame
        A row for each image: ``time``, ``weight`` (0 to 1) and, where there are several, ``model`` (such as the season
        or the overpass).
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        A dot for each image, a line through the medians of months; the legend has the median and the share without
        any detail.
    """
    axes = new_axes(9.0, 2.9)
    open_frame(axes)
    models = weights["model"] if "model" in weights else pd.Series("images", index=weights.index)
    groups = list(weights.groupby(models, sort=False))
    for (name, group), colour in zip(groups, series_colours(len(groups)), strict=True):
        values = pd.Series(group["weight"].to_numpy(float), pd.DatetimeIndex(group["time"])).sort_index()
        label = f"{_model_label(str(name))}: median {values.median():.2f}, none in {100 * (values <= 0).mean():.0f} %"
        axes.plot(values.index, values, ".", color=colour, markersize=3, alpha=0.45)
        medians = values.resample("MS").median()  # NaN without an image, so that the line breaks there
        axes.plot(
            medians.index.to_numpy() + _HALF_MONTH,
            medians,
            "-o",
            color=colour,
            linewidth=1.2,
            markersize=2.4,
            label=label,
        )
    axes.set_ylim(-0.04, 1.04)
    _date_axis(axes)
    axes.set_ylabel("Weight of the detail", fontsize=8.5, color=INK)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="upper left", bbox_to_anchor=(-0.01, -0.1), ncols=2)
    set_title(axes, title)
    return axes


def importance_plot(importances: Mapping[str, pd.DataFrame], *, units: str = "1", title: str | None = None) -> Axes:
    """Draw what every covariate is worth, the most important on top.

    Parameters
    ----------
    importances : mapping of str to pandas.DataFrame
        By model: ``mean`` and ``std`` by covariate (index), in the unit of the image: growth of the error when the
        covariate is shuffled. As of `thermal.Downscaler.importance_`.
    units : str
        Of the error, in UDUNITS notation.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        Bars are means of all models; a dot for each model, with one standard deviation to either side.
    """
    together = pd.DataFrame({name: table["mean"] for name, table in importances.items()}).mean(axis=1).sort_values()
    places = pd.Series(np.arange(len(together), dtype=float), index=together.index)
    axes = new_axes(6.4, 1.0 + 0.36 * len(together))
    open_frame(axes)
    axes.grid(axis="y", visible=False)
    axes.barh(places, together, height=0.66, color=_BAR)
    offsets, colours = _offsets(len(importances)), series_colours(len(importances))
    for (name, table), offset, colour in zip(importances.items(), offsets, colours, strict=True):
        style: dict[str, Any] = {"fmt": "o", "color": colour, "markersize": 4, "linewidth": 1.2}
        at = places[table.index] + offset
        axes.errorbar(table["mean"], at, xerr=table["std"], label=_model_label(name), **style)
    axes.axvline(0.0, color=INK, linewidth=0.8)
    axes.set_yticks(places, [driver_name(str(name)) for name in together.index])
    axes.set_ylim(-0.6, len(together) - 0.4)
    axes.set_xlabel(f"Growth of the RMSE when the covariate is shuffled{_in(units)}", fontsize=8.5, color=INK)
    if len(importances) > 1:
        _legend_beside(axes)
    set_title(axes, title)
    return axes


def score_table(scores: Mapping[str, pd.DataFrame], *, units: str) -> Table:
    """Errors of every method in numbers.

    Parameters
    ----------
    scores : mapping of str to pandas.DataFrame
        As of `score_plot`; also ``bias``, ``weight`` and ``earned_error``, where they are known.
    units : str
        Of the errors, in UDUNITS notation.

    Returns
    -------
    Table
    """
    unit = _in(units)
    columns = {"rmse": f"RMSE{unit}", "rmse_unweighted": f"RMSE at full weight{unit}", "bias": f"Bias{unit}"}
    columns |= {"weight": "Weight, all images", "earned_error": "Its standard error"}
    known = [name for name in columns if any(name in table for table in scores.values())]
    rows = [
        (
            _model_label(model),
            method_label(str(method)),
            *(_number(row.get(name, np.nan)) for name in known),
            _number(row["rmse"] / _bilinear(table)),
        )
        for model, table in scores.items()
        for method, row in table.iterrows()
    ]
    header = ("Model", "Method", *(columns[name] for name in known), "RMSE / bilinear")
    return Table("Downscaling, cross-validated in blocks of ground", header, rows)


def method_label(method: str) -> str:
    """What a figure calls a method.

    Parameters
    ----------
    method : str
        One of those without covariates, or the name of a set of covariates.

    Returns
    -------
    str

    Examples
    --------
    >>> method_label("bilinear"), method_label("terrain_and_ndvi")
    ('Bilinear', 'Covariates: terrain and ndvi')
    """
    return _METHODS.get(method, f"Covariates: {method.replace('_', ' ')}")


def _in(units: str) -> str:
    return f" ({unit_text(units)})" if unit_text(units) else ""


def _model_label(name: str) -> str:
    words = name.replace("_", " ").capitalize().split()
    return " ".join(word.capitalize() if word.capitalize() in month_name else word for word in words)


def _offsets(count: int) -> NDArray[np.float64]:
    """Of the dots of several models, so that they do not hide each other."""
    return np.asarray((np.arange(count) - (count - 1) / 2) * min(0.14, 0.6 / count), np.float64)


def _legend_beside(axes: Axes) -> None:
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _at_most(largest: float) -> str:
    return f"at most {largest:.2g}" if largest >= _ROUNDING else f"below {_ROUNDING:g}"


def _bilinear(table: pd.DataFrame) -> float:
    return float(table["rmse"][REFERENCE])


def _number(value: float) -> str:
    return number_text(float(value), decimals=3) if np.isfinite(value) else "–"
