"""Colours of a map as a list, for a page that draws it itself."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.colors import to_hex
from numpy.typing import NDArray

from cryoscale.report.maps import _STYLES, _colour_limits, _style_of
from cryoscale.report.palette import class_colours, class_label, class_names

_ALIKE = {
    "thaw_season_deformation": "velocity",
    "mean_thaw_season_deformation": "velocity",
    "vertical_rate": "velocity",
    "vertical_thaw_season": "velocity",
    "mean_vertical_thaw_season": "velocity",
    "index_scaled_season": "velocity",
    "thaw_season_error": "velocity_error",
    "mean_thaw_season_error": "velocity_error",
    "thaw_season_spread": "velocity_error",
    "gst_error": "lst_error",
    "daily_lst": "ground_surface_temperature",
    "learned_lst": "ground_surface_temperature",
    "lst_detail": "downscaling_residual",
    "ndvi_series": "ndvi",
    "fine_ndvi": "ndvi",
    "learned_ndvi": "ndvi",
    "moisture_lower": "moisture",
    "moisture_upper": "moisture",
}
"""Quantities with the colours of another."""


@dataclass(frozen=True, slots=True)
class MapColours:
    """How the values of a map become colours.

    Attributes
    ----------
    palette : tuple of str
        ``"#rrggbb"``, from the lowest value to the highest; of classes one each.
    limits : tuple of float or None
        Values at the ends where these are the quantity's own, such as 0 and 1 of a probability.
    centred : bool
        Whether the middle stands for 0.
    classes : tuple of (int, str)
        Value and label of every class; empty for a quantity.
    """

    palette: tuple[str, ...]
    limits: tuple[float, float] | None = None
    centred: bool = False
    classes: tuple[tuple[int, str], ...] = ()

    def limits_of(self, values: NDArray[np.floating]) -> tuple[float, float]:
        """Values at the ends of the colours for a map of these values."""
        return self.limits or _colour_limits(values, centred=self.centred)


def map_colours(array: xr.DataArray) -> MapColours:
    """Colours that suit a quantity, the same as in the figures of the reports.

    Parameters
    ----------
    array : xarray.DataArray
        A registered variable; only its name and its attributes are looked at.

    Returns
    -------
    MapColours

    Examples
    --------
    >>> map_colours(xr.DataArray(0.0, name="velocity")).centred
    True
    >>> attrs = {"flag_values": [0, 1], "flag_meanings": "no_data permafrost"}
    >>> map_colours(xr.DataArray(0, attrs=attrs)).classes
    ((1, 'Permafrost'),)
    """
    if "flag_values" in array.attrs:
        names = class_names(array)
        colours = class_colours(array)
        classes = tuple((value, class_label(name)) for value, name in names.items())
        return MapColours(tuple(colours[value] for value in names), (-0.5, len(names) - 0.5), classes=classes)
    style = _style_of(drawn_like(array), None)
    palette = tuple(to_hex(colour) for colour in style.colours(np.linspace(0.0, 1.0, 256)))
    return MapColours(palette, style.limits, style.centred)


def drawn_like(array: xr.DataArray) -> xr.DataArray:
    """A map under the name of the quantity with whose colours the figures draw it.

    Parameters
    ----------
    array : xarray.DataArray
        A registered variable.

    Returns
    -------
    xarray.DataArray
        The same values and attributes; the name is its own, that of another quantity of its kind, or that of its mean
        over the years.

    Examples
    --------
    >>> drawn_like(xr.DataArray(0.0, name="ttop")).name, drawn_like(xr.DataArray(0.0, name="velocity")).name
    ('mean_ttop', 'velocity')
    """
    name = str(array.name)
    mean = f"mean_{name}"
    return array.rename(_ALIKE.get(name, mean if mean in _STYLES and name not in _STYLES else name))
