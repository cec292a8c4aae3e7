"""Maps of temperatures, degree-days and permafrost in colours that suit them."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from cmcrameri import cm
from matplotlib.axes import Axes

from cryoscale.report.canvas import add_colour_bar
from cryoscale.report.labels import unit_text
from cryoscale.report.maps import _beyond, _colour_limits, _Style, _style_of, decimated
from cryoscale.report.panels import PANEL_PIXELS, _draw, _map_panels

_FROZEN = _Style(cm.vik, centred=True)  # blue below 0 degC, red above
_SHARE = _Style(cm.lapaz_r, limits=(0.0, 1.0))
_STYLES = {
    "lst": _Style(cm.batlow),
    "ground_surface_temperature": _FROZEN,
    "mean_ddt": _Style(cm.lajolla_r),
    "mean_ddf": _Style(cm.devon_r),
    "rk": _Style(cm.bamako_r),
    "mean_ttop": _FROZEN,
    "mean_ttop_error": _Style(cm.lajolla_r),
    "lst_error": _Style(cm.lajolla_r),
    "mean_permafrost_probability": _SHARE,
}


def quantity_maps(maps: Mapping[str, xr.DataArray], *, columns: int = 2) -> Axes:
    """Draw maps side by side, those of the same quantity in the same colours.

    Parameters
    ----------
    maps : mapping of str to xarray.DataArray
        Title to map (y, x), on one grid; lazy or not. Maps of the same name have the same scale.
    columns : int
        Maps in a row.

    Returns
    -------
    matplotlib.axes.Axes
        The first panel's.
    """
    shown = {title: decimated(array.transpose("y", "x"), most=PANEL_PIXELS).compute() for title, array in maps.items()}
    panels = _map_panels(list(shown.values()), columns, bar=0.35)
    for axes, (title, array) in zip(panels, shown.items(), strict=False):
        alike = [other.values.ravel() for other in shown.values() if other.name == array.name]
        style = _STYLES.get(str(array.name)) or _style_of(array, None)
        limits = style.limits or _colour_limits(np.concatenate(alike), centred=style.centred)
        image = _draw(axes, array, style, limits, title)
        add_colour_bar(axes, image, unit_text(str(array.attrs.get("units", ""))), extend=_beyond(array.values, *limits))
    return panels[0]
