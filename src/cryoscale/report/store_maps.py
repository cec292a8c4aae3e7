"""Maps of any store's rasters, and what becomes of them from one map to the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from cryoscale.grids import geobox_of, pixel_areas
from cryoscale.report.canvas import INK, figure_png, new_axes, open_frame
from cryoscale.report.classes import class_map, class_maps
from cryoscale.report.colours import drawn_like
from cryoscale.report.html import Picture, Section, Table
from cryoscale.report.maps import map_figure
from cryoscale.report.palette import class_colours, class_label, class_names, named_classes
from cryoscale.report.permafrost_maps import quantity_maps
from cryoscale.report.plots import histogram
from cryoscale.report.series import network_plot
from cryoscale.report.store import Sample, has_classes, heading, short_number, valid_values
from cryoscale.report.store_curves import BAND, LINE, label_quantity, place_entries

_COLUMNS = 3
_MARKED = 60  # points that a line shows at most as dots
_M2_PER_KM2 = 1e6


@dataclass(frozen=True, slots=True)
class Layers:
    """A variable of which there are several maps.

    Attributes
    ----------
    maps : mapping of str to xarray.DataArray
        Some of them (y, x), by their titles. Those of one name are drawn in the same colours.
    series : Sample
        (layer, y, x): all of them, of as many pixels as their means need.
    labels : sequence of str
        What each of all is of: a date, a year, a layer.
    """

    maps: Mapping[str, xr.DataArray]
    series: Sample
    labels: Sequence[str]


def map_section(sample: Sample) -> Section:
    """A map with what its values are like: their distribution, or the areas of its classes.

    Parameters
    ----------
    sample : Sample
        (y, x), with a CRS.

    Returns
    -------
    Section
    """
    array, title = sample.array, heading(sample.array)
    if has_classes(array):
        named = name_classes(array)
        areas = class_areas(named)
        picture = Picture(figure_png(class_map(named, areas=areas)), f"{title}. Grey is no data.")
        return Section(title, sample.remark, [picture], [_area_table({"": areas})])
    pictures = [Picture(figure_png(map_figure(drawn_like(array))), f"{title}. Grey is no data.")]
    if valid_values(array).size:
        pictures.append(Picture(figure_png(histogram(array)), f"{title}: how often values occur."))
    return Section(title, sample.remark, pictures)


def layers_section(layers: Layers) -> Section:
    """Some maps of a variable, and what all of them are like.

    Parameters
    ----------
    layers : Layers
        With a CRS.

    Returns
    -------
    Section
        Dates and years with a figure through time, pairs with their network; other layers with a table.
    """
    array, n_all = layers.series.array, len(layers.labels)
    title = heading(array)
    what = "lines are" if array.dims[0] in {"time", "year"} else "the numbers are"
    some = f"{len(layers.maps)} of {n_all} maps are shown; {what} of all." if len(layers.maps) < n_all else ""
    text = f"{some} {layers.series.remark}".strip()
    pictures, tables = _of_classes(layers) if has_classes(array) else _of_quantity(layers)
    return Section(title, text, pictures, tables)


def _of_classes(layers: Layers) -> tuple[list[Picture], list[Table]]:
    series = layers.series.array
    maps = {label: name_classes(one) for label, one in layers.maps.items()}
    drawn = class_maps(maps, columns=_COLUMNS)
    pictures = [Picture(figure_png(drawn), f"{heading(series)}. Grey is no data.", wide=True)]
    if series.dims[0] in {"time", "year"} and series.sizes[series.dims[0]] > 1:
        caption = "How much of the area with a class each class has."
        pictures.append(Picture(figure_png(class_shares_plot(name_classes(series))), caption, wide=True))
    return pictures, [_area_table({label: class_areas(one) for label, one in maps.items()})]


def _of_quantity(layers: Layers) -> tuple[list[Picture], list[Table]]:
    series = layers.series.array
    maps = {label: drawn_like(one) for label, one in layers.maps.items()}
    drawn = quantity_maps(maps, columns=_COLUMNS)
    pictures = [Picture(figure_png(drawn), f"{heading(series)}. Grey is no data.", wide=True)]
    summary = layer_summary(series)
    if series.dims[0] in {"time", "year"} and series.sizes[series.dims[0]] > 1:
        caption = "Mean of all pixels, and the band from their 5th to their 95th percentile."
        return [*pictures, Picture(figure_png(band_plot(summary)), caption, wide=True)], []
    if {"reference", "secondary"} <= set(summary.coords):
        network = figure_png(network_plot(summary["mean"]))
        return [*pictures, Picture(network, "The network of pairs; the colour is the mean of a pair.", wide=True)], []
    return pictures, [_layer_table(layers.labels, summary)]


def layer_summary(series: xr.DataArray) -> xr.Dataset:
    """Mean, 5th and 95th percentile of every map, of the pixels with a value.

    Parameters
    ----------
    series : xarray.DataArray
        (layer, y, x), in memory.

    Returns
    -------
    xarray.Dataset
        ``mean``, ``lower``, ``upper``, and ``valid`` (share of pixels), along the first dim; NaN of an empty map.

    Examples
    --------
    >>> summary = layer_summary(xr.DataArray([[[1.0, 3.0]], [[np.nan, 5.0]]], dims=("year", "y", "x")))
    >>> summary["mean"].values, summary["valid"].values
    (array([2., 5.]), array([1. , 0.5]))
    """
    dim = series.dims[0]
    rows = np.array([_summary(series.isel({dim: i})) for i in range(series.sizes[dim])]).reshape(-1, 4)
    coords = {name: coord for name, coord in series.coords.items() if coord.dims == (dim,)}
    names = ("mean", "lower", "upper", "valid")
    return xr.Dataset({name: (dim, rows[:, i], series.attrs) for i, name in enumerate(names)}, coords)


def _summary(array: xr.DataArray) -> tuple[float, ...]:
    values = valid_values(array)
    if not values.size:
        return np.nan, np.nan, np.nan, 0.0
    return float(values.mean()), *np.percentile(values, BAND), values.size / array.size


def band_plot(summary: xr.Dataset) -> Axes:
    """Draw the mean of maps through time, with the band of most of their pixels.

    Parameters
    ----------
    summary : xarray.Dataset
        From `layer_summary`, along ``time`` or ``year``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    mean = summary["mean"]
    axes = new_axes(8.6, 2.9)
    open_frame(axes)
    places = place_entries(axes, mean, str(mean.dims[0]))
    axes.fill_between(places, summary.lower, summary.upper, color=LINE, alpha=0.16, linewidth=0, label="5 to 95 %")
    marker = "o" if mean.size <= _MARKED else None
    axes.plot(places, mean.values, color=LINE, marker=marker, markersize=3, linewidth=1.2, label="mean")
    label_quantity(axes, mean)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="lower right", bbox_to_anchor=(1.01, 0.98), ncols=2)
    return axes


def class_shares_plot(series: xr.DataArray) -> Axes:
    """Draw how much of the area with a class each class has through time.

    Parameters
    ----------
    series : xarray.DataArray
        (time, y, x) or (year, y, x) with flags, in memory.

    Returns
    -------
    matplotlib.axes.Axes
        Of the classes that occur.
    """
    dim = str(series.dims[0])
    areas = _class_areas(series)
    with np.errstate(invalid="ignore"):  # a map without any class has no shares
        shares = 100 * areas / areas.sum(axis=1, keepdims=True)
    axes = new_axes(8.6, 2.9)
    open_frame(axes)
    places = place_entries(axes, series, dim)
    colours = class_colours(series).values()
    marker = "o" if len(shares) <= _MARKED else None
    halo = [withStroke(linewidth=2.2, foreground=INK)]  # some classes are nearly white
    for share, meaning, colour in zip(shares.T, class_names(series).values(), colours, strict=True):
        if np.nanmax(share, initial=0.0) > 0:
            label = class_label(meaning)
            axes.plot(places, share, color=colour, marker=marker, linewidth=1.5, label=label, path_effects=halo)
    axes.set_ylabel("Share of the area with a class (%)", fontsize=8.5, color=INK)
    if axes.lines:
        axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.0, 1.02))
    return axes


def name_classes(array: xr.DataArray) -> xr.DataArray:
    """Classes with names: of yes and no those, of bare codes their numbers.

    Parameters
    ----------
    array : xarray.DataArray
        In memory.

    Returns
    -------
    xarray.DataArray
        With ``flag_values`` and ``flag_meanings``.

    Examples
    --------
    >>> class_names(name_classes(xr.DataArray([40, 10])))
    {10: 'code_10', 40: 'code_40'}
    """
    if "flag_values" in array.attrs:
        return array
    if array.dtype.kind == "b":
        return named_classes(array.astype("uint8"), {0: "no", 1: "yes"})
    return named_classes(array, {int(code): f"code {code}" for code in np.unique(array.values)})


def class_areas(array: xr.DataArray) -> pd.DataFrame:
    """Area of every class of a map.

    Parameters
    ----------
    array : xarray.DataArray
        (y, x) with flags and a CRS; a pixel of a sample stands for all those around it.

    Returns
    -------
    pandas.DataFrame
        ``class``, ``area_km2`` and ``percent`` of the area with a class (NaN where there is none), in the order of
        the flags.
    """
    areas = _class_areas(array.expand_dims("layer"))[0]
    percent = 100 * areas / areas.sum() if areas.sum() > 0 else np.full(areas.shape, np.nan)
    return pd.DataFrame({"class": list(class_names(array).values()), "area_km2": areas, "percent": percent})


def _class_areas(series: xr.DataArray) -> NDArray[np.float64]:
    """Of (layer, y, x), km2, (layer, class)."""
    pixels = np.broadcast_to(pixel_areas(geobox_of(series)).values / _M2_PER_KM2, series.shape[1:])
    names = class_names(series)
    return np.array([[pixels[layer == value].sum() for value in names] for layer in series.values])


def _area_table(areas: Mapping[str, pd.DataFrame]) -> Table:
    several = len(areas) > 1
    rows = [
        ((label,) if several else ())
        + (class_label(str(row["class"])), short_number(row["area_km2"]), short_number(row["percent"]))
        for label, table in areas.items()
        for row in table.to_dict("records")
    ]
    return Table("Areas of the classes", (("Map",) if several else ()) + ("Class", "Area (km²)", "Share (%)"), rows)


def _layer_table(labels: Sequence[str], summary: xr.Dataset) -> Table:
    columns = [[short_number(float(value)) for value in summary[name]] for name in ("mean", "lower", "upper")]
    valid = [f"{100 * float(share):.1f}" for share in summary["valid"]]
    header = (str(summary["mean"].dims[0]).capitalize(), "Valid (%)", "Mean", "5th percentile", "95th percentile")
    return Table("All maps in numbers", header, list(zip(labels, valid, *columns, strict=True)))
