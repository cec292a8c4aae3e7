"""A map as a figure: colours that suit the quantity, its unit, coordinates, a scale bar that is right on the ground."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import TypeVar

import numpy as np
import xarray as xr
from cmcrameri import cm
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, MaxNLocator
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar  # type: ignore[import-untyped]
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import CRS, Geod, Transformer

from cryoscale.grids import geobox_of, pixel_spacing
from cryoscale.report.canvas import INK, add_colour_bar, new_axes, set_title
from cryoscale.report.labels import label_of

NO_DATA = "#b4bac1"  # darker than the middle of the diverging colours
SHOWN = (2, 98)  # percentiles that the colours span
MAP_PIXELS = 1200  # a figure shows no more along its longer side
_Gridded = TypeVar("_Gridded", xr.DataArray, xr.Dataset)


@dataclass(frozen=True, slots=True)
class _Style:
    """Colours of a quantity, whether their middle stands for 0, and the values at their ends if these are fixed."""

    colours: Colormap
    centred: bool = False
    limits: tuple[float, float] | None = None


_RATE = _Style(cm.vik_r, centred=True)  # red sinks, blue rises
_AMOUNT = _Style(cm.lajolla_r)
_QUALITY = _Style(cm.bamako)
_OTHER = _Style(cm.batlow)
_FROZEN = _Style(cm.vik, centred=True)  # blue below 0 degC, red above
_STYLES = {
    "displacement": _RATE,
    "velocity": _RATE,
    "deformation_rate": _RATE,
    "seasonal_amplitude": _AMOUNT,
    "velocity_error": _AMOUNT,
    "deformation_rate_error": _AMOUNT,
    "residual_rms": _AMOUNT,
    "n_pairs": _QUALITY,
    "coherence": _QUALITY,
    "mean_coherence": _QUALITY,
    "seasonal_peak": _Style(cm.romaO, limits=(0.0, 365.25)),
    "ground_surface_temperature": _FROZEN,
    "lst_error": _AMOUNT,
    "mean_ddt": _AMOUNT,
    "mean_ddf": _Style(cm.devon_r),
    "rk": _Style(cm.bamako_r),
    "mean_ttop": _FROZEN,
    "mean_ttop_error": _AMOUNT,
    "mean_permafrost_probability": _Style(cm.lapaz_r, limits=(0.0, 1.0)),
    "ndvi": _Style(cm.bamako_r),
    "filled_share": _Style(cm.devon_r),
    "moisture": _Style(cm.navia_r),
    "interval_width": _AMOUNT,
    "learner_spread": _AMOUNT,
    "dissimilarity": _AMOUNT,
    "active_layer_thickness": _Style(cm.lipari_r),
    "active_layer_thickness_error": _AMOUNT,
    "active_layer_thickness_trend": _Style(cm.vik, centred=True),  # red thaws deeper
    "downscaling_residual": _Style(cm.vik, centred=True),
    "magt": _FROZEN,
    "magt_error": _AMOUNT,
    "temperature_10m": _FROZEN,
    "permafrost_table_depth": _Style(cm.lipari_r),
    "total_ground_ice_volume": _Style(cm.devon_r),
    "total_ground_ice_volume_change": _RATE,  # red is lost
    "surface_change": _Style(cm.broc, centred=True),
}


def map_figure(
    array: xr.DataArray,
    *,
    title: str | None = None,
    limits: tuple[float, float] | None = None,
    centred: bool | None = None,
) -> Axes:
    """Draw a map.

    Parameters
    ----------
    array : xarray.DataArray
        Dims (y, x) with a CRS; a large or lazy one is read at every n-th pixel.
    title : str, optional
        Above the map.
    limits : tuple of float, optional
        Values at the ends of the colour bar; by default the 2nd and 98th percentile, rounded.
    centred : bool, optional
        Whether the colours diverge from 0; by default they do for displacements and their rates.

    Returns
    -------
    matplotlib.axes.Axes
        North is up; grey is no data. The colour bar's ends are pointed where values lie beyond them.

    Examples
    --------
    >>> from cryoscale.scenes import datong_scene
    >>> axes = map_figure(datong_scene(shape=(24, 24), end="2016-05-30").truth.velocity)
    >>> axes.get_xlabel(), axes.images[0].colorbar.ax.get_ylabel()
    ('Longitude', 'Line-of-sight velocity of the temporal model (mm a⁻¹)')
    """
    shown = decimated(array.transpose("y", "x")).compute()
    geobox = geobox_of(shown)
    style = _style_of(array, centred)
    low, high = limits or style.limits or _colour_limits(shown.values, centred=style.centred)
    axes = new_axes(*_figure_size(geobox))
    axes.set_facecolor(NO_DATA)
    box = geobox.boundingbox
    upward = geobox.resolution.y > 0
    image = axes.imshow(
        shown.values,
        extent=(box.left, box.right, box.bottom, box.top),
        origin="lower" if upward else "upper",
        aspect=_aspect(geobox),
        cmap=style.colours,
        vmin=low,
        vmax=high,
        interpolation="nearest",
    )
    bar = add_colour_bar(axes, image, label_of(array), extend=_beyond(shown.values, low, high))
    if array.dtype.kind in "iu":
        bar.locator = MaxNLocator(6, integer=True)
    _label_coordinates(axes, geobox)
    _add_scale_bar(axes, geobox)
    set_title(axes, title)
    return axes


def mark_points(axes: Axes, points: Mapping[str, tuple[float, float]]) -> None:
    """Mark places on a map.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        From `map_figure`.
    points : mapping
        Label to y and x in the map's coordinates.
    """
    halo = [withStroke(linewidth=2.5, foreground="white")]
    for label, (y, x) in points.items():
        axes.plot(x, y, "o", markersize=5, color=INK, markeredgecolor="white", markeredgewidth=1.0)
        axes.annotate(
            label,
            (x, y),
            xytext=(5, 4),
            textcoords="offset points",
            fontsize=9,
            weight="bold",
            color=INK,
            path_effects=halo,
        )


def decimated(gridded: _Gridded, *, most: int = MAP_PIXELS) -> _Gridded:
    """Every n-th row and column, so that neither side is longer than that.

    Parameters
    ----------
    gridded : xarray.DataArray or xarray.Dataset
        With dims y and x.
    most : int
        Pixels along the longer side.

    Returns
    -------
    xarray.DataArray or xarray.Dataset
        Values as they are, no means of them; lazy where the input is.

    Examples
    --------
    >>> decimated(xr.DataArray(np.zeros((3000, 1000)), dims=("y", "x")), most=500).shape
    (500, 167)
    """
    step = ceil(max(gridded.sizes["y"], gridded.sizes["x"]) / most)
    return gridded.isel(y=slice((step - 1) // 2, None, step), x=slice((step - 1) // 2, None, step))


def _style_of(array: xr.DataArray, centred: bool | None) -> _Style:
    style = _STYLES.get(str(array.name), _OTHER)
    if centred is None or centred == style.centred:
        return style
    return _RATE if centred else _OTHER


def _colour_limits(values: NDArray[np.floating], *, centred: bool) -> tuple[float, float]:
    """Percentiles of the values, rounded outward; symmetric if centred, from 0 if that is not far."""
    finite = np.asarray(values[np.isfinite(values)], float)
    if not finite.size:
        return (-1.0, 1.0) if centred else (0.0, 1.0)
    low, high = np.percentile(finite, SHOWN)
    if centred:
        largest = max(abs(low), abs(high))
        bound = _round_outward(largest, largest) or 1.0
        return -bound, bound
    if 0 <= low < 0.3 * high:
        low = 0.0
    bottom, top = -_round_outward(-low, high - low), _round_outward(high, high - low)
    return (bottom, top) if top > bottom else (bottom, bottom + 1.0)


def _round_outward(value: float, span: float) -> float:
    """Round up to two digits of the span."""
    step = 10.0 ** floor(log10(span) - 1) if span > 0 else 1.0
    return float(ceil(round(value / step, 6)) * step)


def _beyond(values: NDArray[np.floating], low: float, high: float) -> str:
    """At which ends of the colour bar values are left out."""
    under, over = bool((values < low).any()), bool((values > high).any())
    return {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[under, over]


def _figure_size(geobox: GeoBox) -> tuple[float, float]:
    """Inches that give a map of any shape about the same area and leave room for the colour bar."""
    dy, dx = pixel_spacing(geobox)
    ratio = float(np.clip(geobox.height * dy / (geobox.width * dx), 0.25, 3.0))
    width = 3.9 / ratio**0.5
    return width + 1.5, width * ratio + 0.7


def _aspect(geobox: GeoBox) -> float:
    """Height over width of a square of one unit of each coordinate."""
    dy, dx = pixel_spacing(geobox)
    return (dy / abs(geobox.resolution.y)) / (dx / abs(geobox.resolution.x))


def _label_coordinates(axes: Axes, geobox: GeoBox) -> None:
    geographic = geobox.crs is not None and geobox.crs.geographic
    sides = ((axes.xaxis, "Longitude", "EW", "Easting"), (axes.yaxis, "Latitude", "NS", "Northing"))
    for axis, angle, letters, distance in sides:
        locator = MaxNLocator(4, steps=[1, 2, 5, 10])
        axis.set_major_locator(locator)
        ticks = locator.tick_values(*axis.get_view_interval())
        decimals = _decimals((ticks[1] - ticks[0]) / (1 if geographic else 1000))
        axis.set_major_formatter(_degrees(decimals, letters) if geographic else _kilometres(decimals))
        axis.set_label_text(angle if geographic else f"{distance} (km)", fontsize=8.5, color=INK)


def _decimals(step: float) -> int:
    """Decimals that a tick needs."""
    return max(0, -floor(log10(step) + 1e-6))


def _degrees(decimals: int, letters: str) -> FuncFormatter:
    return FuncFormatter(lambda value, _: f"{abs(value):.{decimals}f}°{letters[int(value < 0)]}")


def _kilometres(decimals: int) -> FuncFormatter:
    return FuncFormatter(lambda value, _: f"{value / 1000:.{decimals}f}")


def _add_scale_bar(axes: Axes, geobox: GeoBox) -> None:
    """A bar of a round length, at most a quarter of the map, measured along its own parallel."""
    box = geobox.boundingbox
    per_unit = _metres_per_unit(geobox, box.bottom + 0.05 * (box.top - box.bottom))
    length = _round_length(0.25 * (box.right - box.left) * per_unit)
    text = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    bar = AnchoredSizeBar(
        axes.transData,
        length / per_unit,
        text,
        "lower left",
        pad=0.4,
        borderpad=0.6,
        sep=3,
        color=INK,
        size_vertical=0.006 * (box.top - box.bottom),
        fill_bar=True,
        label_top=True,
        fontproperties={"size": 8},
    )
    bar.patch.set(facecolor="white", edgecolor="none", alpha=0.8)
    axes.add_artist(bar)


def _metres_per_unit(geobox: GeoBox, y: float) -> float:
    """Metres on the ellipsoid of one unit of x, in the middle of the row at y."""
    crs = CRS(str(geobox.crs))
    box = geobox.boundingbox
    middle, half = (box.left + box.right) / 2, (box.right - box.left) / 200
    to_angles = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    longitude, latitude = to_angles.transform([middle - half, middle + half], [y, y])
    return float(Geod(ellps="WGS84").line_length(longitude, latitude) / (2 * half))


def _round_length(most: float) -> float:
    """Largest of 1, 2, 5 times a power of ten that is not longer."""
    power = 10.0 ** floor(log10(most))
    return next(length for length in (5 * power, 2 * power, power) if length <= most)
