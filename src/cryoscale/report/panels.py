"""Several maps or plots on one figure."""

from collections.abc import Collection, Mapping
from math import ceil

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from cryoscale.grids import geobox_of
from cryoscale.report.canvas import INK, add_colour_bar, set_title
from cryoscale.report.labels import label_of, unit_text
from cryoscale.report.maps import (
    NO_DATA,
    _add_scale_bar,
    _aspect,
    _beyond,
    _colour_limits,
    _figure_size,
    _label_coordinates,
    _Style,
    _style_of,
    decimated,
)

PANEL_PIXELS = 600  # a panel shows no more along its longer side
_SCALE = 0.78  # of a panel relative to a map on its own


def new_panels(rows: int, columns: int, *, width: float, height: float) -> list[Axes]:
    """Axes of one figure, row by row, in the style of the report.

    Parameters
    ----------
    rows, columns : int
        How many.
    width, height : float
        Of the figure, inches.

    Returns
    -------
    list of matplotlib.axes.Axes
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(np.atleast_1d(figure.subplots(rows, columns)).ravel())
    for axes in panels:
        axes.tick_params(labelsize=8, colors=INK, width=0.6)
        axes.spines[:].set(color=INK, linewidth=0.6)
    return panels


def shared_maps(maps: Mapping[str, xr.DataArray], *, columns: int = 3, centred: bool = True) -> Axes:
    """Draw maps of one quantity side by side in the same colours.

    Parameters
    ----------
    maps : mapping of str to xarray.DataArray
        Title to map (y, x), on one grid; lazy or not.
    columns : int
        Maps in a row.
    centred : bool
        Whether the colours diverge from 0.

    Returns
    -------
    matplotlib.axes.Axes
        The first panel's.
    """
    shown = {title: decimated(array.transpose("y", "x"), most=PANEL_PIXELS).compute() for title, array in maps.items()}
    together = np.concatenate([array.values.ravel() for array in shown.values()])
    style = _style_of(next(iter(maps.values())), centred)
    low, high = _colour_limits(together, centred=centred)
    panels = _map_panels(list(shown.values()), columns)
    images = [
        _draw(axes, array, style, (low, high), title)
        for axes, (title, array) in zip(panels, shown.items(), strict=False)
    ]
    figure = panels[0].get_figure(root=True)
    if figure is not None:
        used = panels[: len(shown)]
        label = label_of(next(iter(maps.values())))
        bar = figure.colorbar(
            images[0], ax=used, extend=_beyond(together, low, high), fraction=0.03, pad=0.01, aspect=34
        )
        bar.set_label(label, fontsize=8.5, color=INK)
        bar.ax.tick_params(labelsize=8, colors=INK, width=0.6)
        bar.outline.set(linewidth=0.6, edgecolor=INK)
    return panels[0]


def own_maps(maps: Mapping[str, xr.DataArray], *, columns: int = 3, centred: Collection[str] = ()) -> Axes:
    """Draw maps of several quantities side by side, each in its own colours.

    Parameters
    ----------
    maps : mapping of str to xarray.DataArray
        Title to map (y, x), on one grid; lazy or not.
    columns : int
        Maps in a row.
    centred : collection of str
        Titles of the maps whose colours diverge from 0.

    Returns
    -------
    matplotlib.axes.Axes
        The first panel's.
    """
    shown = {title: decimated(array.transpose("y", "x"), most=PANEL_PIXELS).compute() for title, array in maps.items()}
    panels = _map_panels(list(shown.values()), columns, bar=0.35)
    for axes, (title, array) in zip(panels, shown.items(), strict=False):
        style = _style_of(array, True if title in centred else None)
        limits = _colour_limits(array.values, centred=style.centred)
        image = _draw(axes, array, style, limits, title)
        add_colour_bar(axes, image, unit_text(str(array.attrs.get("units", ""))), extend=_beyond(array.values, *limits))
    return panels[0]


def _map_panels(maps: list[xr.DataArray], columns: int, *, bar: float = 0.0) -> list[Axes]:
    width, height = (_SCALE * side for side in _figure_size(geobox_of(maps[0])))
    columns = min(columns, len(maps))
    rows = ceil(len(maps) / columns)
    panels = new_panels(rows, columns, width=columns * (width + bar - 0.5) + 0.8, height=rows * (height + 0.1))
    for axes in panels[len(maps) :]:
        axes.set_axis_off()
    return panels


def _draw(axes: Axes, array: xr.DataArray, style: _Style, limits: tuple[float, float], title: str) -> AxesImage:
    geobox = geobox_of(array)
    box = geobox.boundingbox
    axes.set_facecolor(NO_DATA)
    image = axes.imshow(
        array.values,
        extent=(box.left, box.right, box.bottom, box.top),
        origin="lower" if geobox.resolution.y > 0 else "upper",
        aspect=_aspect(geobox),
        cmap=style.colours,
        vmin=limits[0],
        vmax=limits[1],
        interpolation="nearest",
    )
    _label_coordinates(axes, geobox)
    if geobox.crs is not None and geobox.crs.geographic:  # its ticks say what they are
        axes.set(xlabel="", ylabel="")
    _label_outer(axes)
    _add_scale_bar(axes, geobox)
    set_title(axes, title)
    return image


def _label_outer(axes: Axes) -> None:
    """Label the coordinates of a panel at the left and at the bottom, also where the row below it is not full."""
    place, figure, label = axes.get_subplotspec(), axes.get_figure(root=True), axes.get_xlabel()
    axes.label_outer()
    if place is None or figure is None:
        return
    for other in figure.axes:
        below = other.get_subplotspec()
        same_column = below is not None and (below.rowspan.start, below.colspan) == (place.rowspan.stop, place.colspan)
        if same_column and not other.axison:
            axes.xaxis.set_tick_params(labelbottom=True)
            axes.set_xlabel(label)
