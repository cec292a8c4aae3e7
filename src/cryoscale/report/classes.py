"""Maps of classes, with a legend of their names and areas."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from cryoscale.grids import geobox_of
from cryoscale.report.canvas import INK, new_axes
from cryoscale.report.maps import NO_DATA, _figure_size, _label_coordinates, _Style, decimated
from cryoscale.report.palette import class_colours, class_label, class_names
from cryoscale.report.panels import PANEL_PIXELS, _draw, _map_panels

LEGEND = 0.35  # inches below panels


def class_map(array: xr.DataArray, *, areas: pd.DataFrame | None = None, title: str | None = None) -> Axes:
    r"""Draw a map of classes with a legend.

    Parameters
    ----------
    array : xarray.DataArray
        (y, x) codes with ``flag_values`` and ``flag_meanings`` and a CRS; a large or lazy one is read at every n-th
        pixel, so that every pixel shown is one of the map's.
    areas : pandas.DataFrame, optional
        ``class`` (its meaning), ``area_km2`` and ``percent``, as from `thermal.class_areas`; for the legend.
    title : str, optional
        Above the map.

    Returns
    -------
    matplotlib.axes.Axes
        The legend has the classes with an area, or else those that are in the map. Grey is no data.

    Raises
    ------
    InputError
        If the array does not name its classes.

    Examples
    --------
    >>> from cryoscale.scenes import datong_scene
    >>> rate = datong_scene(shape=(24, 24), end="2016-05-30").truth.velocity
    >>> flags = {"flag_values": [1, 2], "flag_meanings": "degraded stable_permafrost"}
    >>> ground = xr.where(rate < -3, 1, 2).assign_coords(rate.coords).assign_attrs(flags)
    >>> areas = pd.DataFrame({"class": ["degraded"], "area_km2": [60.0], "percent": [75.0]})
    >>> [text.get_text() for text in class_map(ground, areas=areas).legend_.texts]
    ['Permafrost lost\n60 km² (75.0 %)']
    """
    shown = decimated(array.transpose("y", "x")).compute()
    geobox = geobox_of(shown)
    width, height = _figure_size(geobox)
    axes = new_axes(width + 0.7, height)
    _draw_classes(axes, shown, title or "")
    _label_coordinates(axes, geobox)
    axes.legend(
        handles=_legend_patches([shown], areas),
        loc="upper left",
        bbox_to_anchor=(1.01, 1.02),
        fontsize=8.5,
        frameon=False,
        labelcolor=INK,
        labelspacing=0.8,
    )
    return axes


def class_maps(maps: Mapping[str, xr.DataArray], *, columns: int = 2) -> Axes:
    """Draw maps of the same classes side by side, with one legend.

    Parameters
    ----------
    maps : mapping of str to xarray.DataArray
        Title to map (y, x), on one grid, each with its flags; lazy or not.
    columns : int
        Maps in a row.

    Returns
    -------
    matplotlib.axes.Axes
        The first panel's.
    """
    shown = {title: decimated(array.transpose("y", "x"), most=PANEL_PIXELS).compute() for title, array in maps.items()}
    panels = _map_panels(list(shown.values()), columns)
    for axes, (title, array) in zip(panels, shown.items(), strict=False):
        _draw_classes(axes, array, title)
    figure = panels[0].get_figure(root=True)
    if figure is not None:
        figure.set_figheight(figure.get_figheight() + LEGEND)
        patches = _legend_patches(shown.values(), None)
        legend: dict[str, Any] = {"fontsize": 8.5, "frameon": False, "labelcolor": INK, "ncols": len(patches)}
        figure.legend(handles=patches, loc="outside lower center", **legend)
    return panels[0]


def _draw_classes(axes: Axes, array: xr.DataArray, title: str) -> None:
    colours = class_colours(array)
    places = array.copy(data=_places(array.values, list(colours)))
    style = _Style(ListedColormap(list(colours.values())))
    _draw(axes, places, style, (-0.5, len(colours) - 0.5), title)


def _places(codes: np.ndarray, values: list[int]) -> np.ndarray:
    """Place of every code among the values, NaN where it is none of them."""
    places = np.searchsorted(values, codes).clip(max=len(values) - 1)
    return np.where(np.take(values, places) == codes, places, np.nan)


def _legend_patches(shown: Iterable[xr.DataArray], areas: pd.DataFrame | None) -> list[Patch]:
    """A patch for every class that has an area or, without areas, is in one of the maps; and one for no data."""
    maps = list(shown)
    present = {int(code) for array in maps for code in np.unique(array.values)}
    names = {value: name for array in maps for value, name in class_names(array).items()}
    colours = {value: colour for array in maps for value, colour in class_colours(array).items()}
    texts = _area_texts(areas)
    listed = [value for value in sorted(names) if (names[value] in texts if texts else value in present)]
    labels = {value: class_label(names[value]) + texts.get(names[value], "") for value in listed}
    patches = [Patch(facecolor=colours[value], edgecolor=INK, linewidth=0.5, label=labels[value]) for value in listed]
    if present - set(names):
        patches.append(Patch(facecolor=NO_DATA, edgecolor=INK, linewidth=0.5, label="No data"))
    return patches


def _area_texts(areas: pd.DataFrame | None) -> dict[str, str]:
    """By class."""
    rows = [] if areas is None else areas.to_dict("records")
    return {str(row["class"]): f"\n{row['area_km2']:,.0f} km² ({row['percent']:.1f} %)" for row in rows}
