"""Maps of several quantities side by side, each in colours that suit it."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from cryoscale.report.canvas import add_colour_bar
from cryoscale.report.labels import unit_text
from cryoscale.report.maps import _beyond, _colour_limits, _style_of, decimated
from cryoscale.report.panels import PANEL_PIXELS, _draw, _map_panels


def quantity_maps(
    maps: Mapping[str, xr.DataArray], *, columns: int = 2, limits: Mapping[str, tuple[float, float]] | None = None
) -> Axes:
    """Draw maps side by side, those of the same quantity in the same colours.

    Parameters
    ----------
    maps : mapping of str to xarray.DataArray
        Title to map (y, x), of one area; lazy or not. Maps of the same name have the same scale.
    columns : int
        Maps in a row.
    limits : mapping of str to tuple of float, optional
        Values at the ends of the colour bar, by title; by default percentiles, rounded.

    Returns
    -------
    matplotlib.axes.Axes
        The first panel's.
    """
    shown = {title: decimated(array.transpose("y", "x"), most=PANEL_PIXELS).compute() for title, array in maps.items()}
    panels = _map_panels(list(shown.values()), columns, bar=0.35)
    for axes, (title, array) in zip(panels, shown.items(), strict=False):
        alike = [other.values.ravel() for other in shown.values() if other.name == array.name]
        style = _style_of(array, None)
        ends = (limits or {}).get(title) or style.limits or _colour_limits(np.concatenate(alike), centred=style.centred)
        image = _draw(axes, array, style, ends, title)
        add_colour_bar(axes, image, unit_text(str(array.attrs.get("units", ""))), extend=_beyond(array.values, *ends))
    return panels[0]
