"""What is under the clouds: images before and after their gaps are filled, and the models that fill them."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cryoscale.report.canvas import ACCENT, INK, new_axes, open_frame, set_title
from cryoscale.report.ground_temperature import overpass_label
from cryoscale.report.palette import CLASS_COLOURS
from cryoscale.report.panels import new_panels
from cryoscale.report.permafrost_maps import quantity_maps
from cryoscale.report.series import _date_axis
from cryoscale.stats.variogram import Variogram
from cryoscale.stats.variogram_fit import EmpiricalVariogram

OVERPASS_COLOURS = {"terra_day": "#d55e00", "aqua_day": "#e69f00", "terra_night": "#56b4e9", "aqua_night": "#00486e"}
_SOURCES = {0: "none", 1: "image", 2: "season"}
_SOURCE_LABELS = {0: "left to time", 1: "filled by its own variogram", 2: "filled by the season's variogram"}
_LAPSE_BINS = 60
_FREE_AIR = -6.5  # K km-1, of the International Standard Atmosphere


def filled_image_figure(observed: xr.DataArray, filled: xr.DataArray, variance: xr.DataArray) -> Axes:
    """Draw one image before and after its gaps are filled, and the standard deviation of what fills them.

    Parameters
    ----------
    observed, filled : xarray.DataArray
        (y, x) land surface temperature, degC, NaN where there is none; drawn in the same colours.
    variance : xarray.DataArray
        (y, x) kriging variance, K2.

    Returns
    -------
    matplotlib.axes.Axes
        The first panel's. Grey is no data.
    """
    deviation = (variance**0.5).rename("lst_error").assign_attrs(units="K", long_name="kriging standard deviation")
    maps = {
        "Seen": observed.rename("lst"),
        "Filled": filled.rename("lst"),
        "Kriging standard deviation": deviation,
    }
    return quantity_maps(maps)


def valid_share_plot(models: xr.Dataset, *, pixels: int) -> Axes:
    """Draw the share of every image that is seen, overpass by overpass, and how its gaps are filled.

    Parameters
    ----------
    models : xarray.Dataset
        (overpass, time) ``n_valid_pixels`` and ``variogram_source`` (0 none, 1 image, 2 season).
    pixels : int
        Of an image, those outside of the area left out.

    Returns
    -------
    matplotlib.axes.Axes
        The first panel's.
    """
    count = models.sizes["overpass"]
    panels = new_panels(count, 1, width=9.6, height=0.6 + 1.25 * count)
    for axes, name in zip(panels, models.overpass.values, strict=True):
        one = models.sel(overpass=name)
        _draw_share(axes, one.time.values, 100 * one.n_valid_pixels.values / pixels, one.variogram_source.values)
        axes.set_ylabel(f"{overpass_label(str(name))}\nseen (%)", fontsize=8.5, color=INK)
        axes.sharex(panels[0])
        axes.label_outer()
    _explain_sources(panels[0], models.variogram_source.values)
    return panels[0]


def lapse_rate_plot(lapse_rate: xr.DataArray, *, title: str | None = None) -> Axes:
    """Draw how the lapse rates of images are distributed, overpass by overpass.

    Parameters
    ----------
    lapse_rate : xarray.DataArray
        (overpass, time) change of temperature with elevation, K m-1; NaN where none is fitted.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        In K km-1, with the medians in the legend and the lapse rate of the standard atmosphere as a dashed line.
    """
    axes = new_axes(5.6, 3.2)
    open_frame(axes)
    rates = {str(name): 1000 * lapse_rate.sel(overpass=name).values for name in lapse_rate.overpass.values}
    rates = {name: values[np.isfinite(values)] for name, values in rates.items()}
    together = np.concatenate([np.array([_FREE_AIR]), *rates.values()])
    low, high = np.percentile(together, (0.5, 99.5))
    edges = np.linspace(low - 0.5, high + 0.5, _LAPSE_BINS + 1)
    for name, values in rates.items():
        if values.size:
            share = 100 * np.histogram(values, edges)[0] / values.size
            label = f"{overpass_label(name)}: median {np.median(values):.1f}".replace("-", "−")
            axes.stairs(share, edges, color=OVERPASS_COLOURS.get(name, INK), linewidth=1.4, label=label)
    axes.axvline(_FREE_AIR, color=INK, linewidth=0.9, linestyle="--", label="standard atmosphere: −6.5")
    axes.set_xlabel("Change of temperature with elevation (K km⁻¹)", fontsize=8.5, color=INK)
    axes.set_ylabel("Share of images (%)", fontsize=8.5, color=INK)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    set_title(axes, title)
    return axes


def variogram_plot(empirical: EmpiricalVariogram, variogram: Variogram, *, title: str | None = None) -> Axes:
    """Draw an empirical variogram and the model fitted to it.

    Parameters
    ----------
    empirical : stats.EmpiricalVariogram
        Distances in m, semivariances in K2.
    variogram : stats.Variogram
        The model.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        Points are as large as they have pairs.
    """
    axes = new_axes(5.2, 3.2)
    open_frame(axes)
    farthest = empirical.distance.max()
    size = 10 + 70 * empirical.n_pairs / empirical.n_pairs.max()
    axes.scatter(empirical.distance / 1000, empirical.semivariance, s=size, color="#7f9bb3", label="image")
    distance = np.linspace(1e-6, farthest, 400)
    axes.plot(distance / 1000, variogram.semivariance(distance), color=ACCENT, linewidth=1.4, label="model")
    axes.axhline(variogram.sill, color=INK, linewidth=0.7, linestyle=":", label=f"sill {variogram.sill:.2f} K²")
    if variogram.range <= farthest:
        label = f"range {variogram.range / 1000:.3g} km"
        axes.axvline(variogram.range / 1000, color=INK, linewidth=0.7, linestyle="--", label=label)
    axes.set(xlim=(0, None), ylim=(0, None))
    axes.set_xlabel("Distance (km)", fontsize=8.5, color=INK)
    axes.set_ylabel("Semivariance (K²)", fontsize=8.5, color=INK)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="lower right")
    set_title(axes, title)
    return axes


def _draw_share(
    axes: Axes, time: NDArray[np.datetime64], share: NDArray[np.float64], source: NDArray[np.uint8]
) -> None:
    open_frame(axes)
    for code, meaning in _SOURCES.items():
        which = source == code
        axes.plot(time[which], share[which], ".", color=CLASS_COLOURS[meaning], markersize=2.4, zorder=3 - code)
    axes.set_ylim(-4, 104)
    _date_axis(axes)


def _explain_sources(axes: Axes, source: NDArray[np.uint8]) -> None:
    """A legend above the axes, with the number of images."""
    for code, text in _SOURCE_LABELS.items():
        label = f"{text} ({(source == code).sum():,})"
        axes.plot([], [], "o", color=CLASS_COLOURS[_SOURCES[code]], markersize=5, label=label)
    style: dict[str, Any] = {"fontsize": 8, "frameon": False, "labelcolor": INK, "ncols": 3}
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), **style)
