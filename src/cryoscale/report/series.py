"""Time: the network of pairs with its gaps, and displacement series with the model that bridges them."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from cmcrameri import cm
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from numpy.typing import NDArray

from cryoscale.report.canvas import ACCENT, GAP, INK, add_colour_bar, new_axes, open_frame, set_title
from cryoscale.report.labels import label_of, number_text, unit_text

Gap = tuple[np.datetime64, np.datetime64]
LEAST_SPAN = 40.0  # mm that the axis of a series shows at least
_MODEL = ("offset", "velocity")
_DAY = np.timedelta64(1, "D")


def network_gaps(reference: NDArray[np.datetime64], secondary: NDArray[np.datetime64]) -> list[Gap]:
    """Intervals between neighbouring epochs that no pair spans.

    Parameters
    ----------
    reference, secondary : ndarray of datetime64, shape (pair,)
        Dates of the pairs.

    Returns
    -------
    list of tuple
        Last epoch before and first epoch after each gap; on either side the network is on its own.

    Examples
    --------
    >>> dates = np.array(["2020-01-01", "2020-01-13", "2020-06-01", "2020-06-13"], "datetime64[D]")
    >>> [(str(start), str(end)) for start, end in network_gaps(dates[::2], dates[1::2])]
    [('2020-01-13', '2020-06-01')]
    """
    epochs = np.union1d(reference, secondary)
    ends = np.sort(np.stack([np.searchsorted(epochs, reference), np.searchsorted(epochs, secondary)]), axis=0)
    opened = np.bincount(ends[0], minlength=len(epochs)) - np.bincount(ends[1], minlength=len(epochs))
    uncovered = np.flatnonzero(np.cumsum(opened)[:-1] == 0)
    return [(epochs[i], epochs[i + 1]) for i in uncovered]


def network_plot(quality: xr.DataArray, *, title: str | None = None) -> Axes:
    """Draw every pair as an arc over time, as high as it is long, in the colour of its quality.

    Parameters
    ----------
    quality : xarray.DataArray
        Dims (pair,) with the coordinates ``reference`` and ``secondary``: coverage or mean coherence.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        Epochs are dots on the axis; where no pair reaches across, the ground is shaded.
    """
    reference, secondary = (quality[name].values for name in ("reference", "secondary"))
    span = np.abs((secondary - reference) / _DAY)
    axes = new_axes(10.5, 3.2)
    open_frame(axes)
    arcs = LineCollection(
        list(_arcs(reference, secondary, span)), array=quality.values, cmap=cm.roma, linewidths=0.7, alpha=0.9
    )
    axes.add_collection(arcs)
    epochs = np.union1d(reference, secondary)
    axes.plot(epochs, np.zeros(len(epochs)), ".", color=INK, markersize=3)
    _shade(axes, network_gaps(reference, secondary), label="no pair reaches across")
    _date_axis(axes)
    axes.set_ylim(-0.04 * span.max(), 1.06 * span.max())
    axes.set_ylabel("Time between acquisitions (d)", fontsize=8.5, color=INK)
    add_colour_bar(axes, arcs, label_of(quality))
    set_title(axes, title)
    return axes


def time_series_plot(
    pixel: xr.Dataset, *, gaps: Sequence[Gap] = (), period: float = 1.0, title: str | None = None
) -> Axes:
    """Draw the displacement of a pixel, and the temporal model fitted to it.

    Parameters
    ----------
    pixel : xarray.Dataset
        ``displacement`` (time,); scalars ``offset``, ``velocity``, and ``sine`` and ``cosine`` where there are any,
        give the model.
    gaps : sequence of tuple
        From `network_gaps`; they are shaded.
    period : float
        Of the season, a.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
    """
    series = pixel.displacement
    axes = new_axes(8.6, 2.7)
    open_frame(axes)
    _shade(axes, gaps, label="gap in the network")
    if all(name in pixel for name in _MODEL):
        days = np.arange(series.time.values[0], series.time.values[-1] + _DAY, 2 * _DAY)
        model = fitted_model(pixel, days, period=period)
        axes.plot(days, model, color=ACCENT, linewidth=1.2, label=_model_label(pixel))
    axes.plot(series.time.values, series.values, "o", color=INK, markersize=2.8, label="displacement")
    _date_axis(axes)
    axes.set_ylabel(_short_label(series), fontsize=8.5, color=INK)
    _span_at_least(axes, LEAST_SPAN)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="lower right", bbox_to_anchor=(1.01, 0.98), ncols=3)
    set_title(axes, title)
    return axes


def fitted_model(pixel: xr.Dataset, times: NDArray[np.datetime64], *, period: float = 1.0) -> NDArray[np.float64]:
    """Displacement of the temporal model, c + v t + A1 sin(2 pi t / T) + A2 cos(2 pi t / T) (Eq. 2 of the paper).

    Parameters
    ----------
    pixel : xarray.Dataset
        Scalars ``offset``, ``velocity``, and ``sine`` and ``cosine`` where there are any; ``displacement`` (time,)
        says when t is 0.
    times : ndarray of datetime64
        When.
    period : float
        T, a.

    Returns
    -------
    ndarray
        mm.

    Examples
    --------
    >>> time = np.array(["2020-01-01", "2021-01-01"], "datetime64[D]")
    >>> pixel = xr.Dataset({"displacement": ("time", [0.0, 0.0]), "offset": 2.0, "velocity": -7.305}, {"time": time})
    >>> fitted_model(pixel, time).round(6)
    array([ 2.  , -5.32])
    """
    years = np.asarray((times - pixel.time.values[0]) / _DAY, float) / 365.25
    value = float(pixel.offset) + float(pixel.velocity) * years
    if "sine" in pixel:
        angle = 2 * np.pi * years / period
        value = value + float(pixel.sine) * np.sin(angle) + float(pixel.cosine) * np.cos(angle)
    return value


def _arcs(
    reference: NDArray[np.datetime64], secondary: NDArray[np.datetime64], span: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Parabolas, (pair, point, 2)."""
    along = np.linspace(0, 1, 25)
    start, end = _on_axis(reference)[:, None], _on_axis(secondary)[:, None]
    return np.stack([start + (end - start) * along, span[:, None] * 4 * along * (1 - along)], axis=-1)


def _shade(axes: Axes, gaps: Sequence[Gap], *, label: str) -> None:
    for i, gap in enumerate(gaps):
        start, end = _on_axis(np.array(gap))
        axes.axvspan(start, end, color=GAP, linewidth=0, zorder=0, label=label if i == 0 else None)


def _on_axis(dates: NDArray[np.datetime64]) -> NDArray[np.float64]:
    return np.asarray(date2num(dates), np.float64)  # type: ignore[no-untyped-call]


def _date_axis(axes: Axes) -> None:
    locator = AutoDateLocator(minticks=4, maxticks=10)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.margins(x=0.01)


def _span_at_least(axes: Axes, span: float) -> None:
    """Widen the vertical axis about its middle, so that noise on still ground looks as small as it is."""
    low, high = axes.get_ylim()
    missing = max(span - (high - low), 0.0) / 2
    axes.set_ylim(low - missing, high + missing)


def _short_label(series: xr.DataArray) -> str:
    unit = unit_text(str(series.attrs.get("units", "")))
    return f"Displacement ({unit})" if unit else "Displacement"


def _model_label(pixel: xr.Dataset) -> str:
    rate = number_text(float(pixel.velocity), signed=True)
    text = f"model: {rate} {unit_text(str(pixel.velocity.attrs.get('units', '')))}"
    if "sine" in pixel:
        amplitude = number_text(float(np.hypot(pixel.sine, pixel.cosine)))
        text += f", season ±{amplitude} {unit_text(str(pixel.sine.attrs.get('units', '')))}"
    return text
