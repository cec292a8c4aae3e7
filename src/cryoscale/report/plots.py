"""Distributions: how often values occur, and how an estimate agrees with the truth."""

import numpy as np
import xarray as xr
from cmcrameri import cm
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from numpy.typing import NDArray

from cryoscale.report.canvas import ACCENT, INK, add_colour_bar, new_axes, open_frame, set_title
from cryoscale.report.labels import label_of, number_text, unit_text, with_unit
from cryoscale.report.maps import decimated
from cryoscale.stats import scores

BINS = 80
CELLS = 70  # hexagons across a scatter plot
_TAILS = (0.1, 99.9)  # percentiles that an axis spans, so that a few outliers do not flatten the rest


def histogram(array: xr.DataArray, *, title: str | None = None) -> Axes:
    """Draw how often values occur, with their median and the range of nine tenths of them.

    Parameters
    ----------
    array : xarray.DataArray
        Values of a map, NaN where there are none.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        Bars are shares of the values in per cent; what lies beyond the axis is counted in the legend.

    Examples
    --------
    >>> axes = histogram(xr.DataArray(np.arange(100.0), attrs={"long_name": "rate", "units": "mm a-1"}))
    >>> axes.get_xlabel(), round(sum(bar.get_height() for bar in axes.patches[:-1]))
    ('Rate (mm a⁻¹)', 98)
    """
    values = _finite(array)
    axes = new_axes(4.8, 3.2)
    open_frame(axes)
    axes.set_xlabel(label_of(array), fontsize=8.5, color=INK)
    axes.set_ylabel("Share of pixels (%)", fontsize=8.5, color=INK)
    set_title(axes, title)
    if values.size:
        unit = unit_text(str(array.attrs.get("units", "")))
        _draw_distribution(axes, values, unit, whole=array.dtype.kind in "iu")
    return axes


def scatter_against_truth(estimate: xr.DataArray, truth: xr.DataArray, *, title: str | None = None) -> Axes:
    """Draw an estimate against the truth, as a density with the line where both are equal.

    Parameters
    ----------
    estimate, truth : xarray.DataArray
        Of the same dims and unit; NaN where there is no value.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        With bias, RMSE and Pearson's R of all values; a large map is drawn at every n-th pixel.

    Examples
    --------
    >>> truth = xr.DataArray(np.arange(4.0), dims="x", attrs={"units": "mm"})
    >>> print(scatter_against_truth(truth + 1, truth).texts[0].get_text())
    n = 4
    bias = +1.00 mm
    RMSE = 1.00 mm
    R = 1.000
    """
    x, y = _drawn_together(truth, estimate)
    axes = new_axes(4.6, 3.9)
    open_frame(axes)
    axes.set_xlabel(with_unit("True value", truth), fontsize=8.5, color=INK)
    axes.set_ylabel(with_unit("Estimate", truth), fontsize=8.5, color=INK)
    set_title(axes, title)
    low, high = _axis_range(np.concatenate([x, y]))
    axes.plot([low, high], [low, high], color=ACCENT, linewidth=1.0, zorder=3)
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    if x.size:
        _draw_density(axes, x, y, (low, high))
    axes.text(
        0.04,
        0.96,
        _score_text(estimate, truth),
        transform=axes.transAxes,
        va="top",
        fontsize=8.5,
        color=INK,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8},
    )
    return axes


def _finite(array: xr.DataArray) -> NDArray[np.float64]:
    shown = decimated(array) if {"y", "x"} <= set(array.dims) else array
    values = np.asarray(shown.values, float).ravel()
    return np.asarray(values[np.isfinite(values)])


def _drawn_together(truth: xr.DataArray, estimate: xr.DataArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    both = xr.Dataset({"truth": truth, "estimate": estimate})
    shown = (decimated(both) if {"y", "x"} <= set(both.dims) else both).compute()
    x, y = (np.asarray(shown[name].values, float).ravel() for name in ("truth", "estimate"))
    seen = np.isfinite(x) & np.isfinite(y)
    return x[seen], y[seen]


def _axis_range(values: NDArray[np.float64]) -> tuple[float, float]:
    if not values.size:
        return 0.0, 1.0
    low, high = np.percentile(values, _TAILS)
    margin = 0.03 * (high - low) or 1.0
    return float(low - margin), float(high + margin)


def _decimals_for(span: float) -> int:
    """Decimals whose last digit is between a thirtieth and a three-hundredth of a span."""
    return int(np.clip(np.ceil(1.5 - np.log10(span)), 0, 6)) if span > 0 else 1


def _draw_distribution(axes: Axes, values: NDArray[np.float64], unit: str, *, whole: bool) -> None:
    low, high = np.percentile(values, _TAILS)
    inside = values[(values >= low) & (values <= high)]
    share = np.full(inside.size, 100 / values.size)
    axes.hist(inside, bins=BINS, weights=share, color="#7f9bb3", edgecolor="none")
    fifth, median, ninety_fifth = np.percentile(values, (5, 50, 95))
    decimals = 0 if whole else _decimals_for(ninety_fifth - fifth)
    lower, middle, upper = (number_text(value, decimals=decimals) for value in (fifth, median, ninety_fifth))
    beyond = values.size - inside.size
    axes.axvline(median, color=ACCENT, linewidth=1.4, label=f"median {middle} {unit}".rstrip())
    axes.axvspan(
        fifth,
        ninety_fifth,
        color=ACCENT,
        alpha=0.08,
        zorder=0,
        linewidth=0,
        label=f"5 to 95 %: {lower} to {upper} {unit}".rstrip(),
    )
    axes.plot([], [], " ", label=f"{values.size:,} pixels, {beyond:,} beyond the axis")
    axes.legend(fontsize=7.5, frameon=False, labelcolor=INK, loc="best")


def _draw_density(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], ends: tuple[float, float]) -> None:
    cells = axes.hexbin(
        x, y, gridsize=CELLS, extent=(*ends, *ends), mincnt=1, norm=LogNorm(), cmap=cm.batlow_r, linewidths=0
    )
    add_colour_bar(axes, cells, "Pixels per cell")


def _score_text(estimate: xr.DataArray, truth: xr.DataArray) -> str:
    result = scores(estimate, truth).compute()
    unit = unit_text(str(truth.attrs.get("units", "")))
    lines = (
        f"n = {int(result.n):,}",
        f"bias = {number_text(float(result.bias), decimals=2, signed=True)} {unit}",
        f"RMSE = {float(result.rmse):.2f} {unit}",
        f"R = {float(result.r):.3f}",
    )
    return "\n".join(line.rstrip() for line in lines)
