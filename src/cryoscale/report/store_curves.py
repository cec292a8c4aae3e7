"""Lines and tables of any store's variables that are no maps: by year and gauge, by pair, by submodel."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import product
from textwrap import fill
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from cryoscale.report.canvas import INK, figure_png, new_axes, open_frame
from cryoscale.report.html import Picture, Section, Table
from cryoscale.report.labels import label_of
from cryoscale.report.markers import series_colours, series_markers
from cryoscale.report.palette import class_label, class_names
from cryoscale.report.section import section_history, section_panels
from cryoscale.report.series import _date_axis, network_plot
from cryoscale.report.store import Sample, has_classes, heading, short_number

BAND = (5, 95)  # percentiles
LINE = "#1f4e79"
_ORDER = ("time", "year", "pair")
_LINES = 7  # more become a band
_COLUMNS = 12  # of a table of values
_ROWS = 500
_NAMES = 60  # along an axis
_HIGHEST = 12.0  # inches
_LABEL = 36  # letters in a line of an axis label
_MARKED = 60  # points that a line shows at most as dots
_ENDS = ("_lower", "_upper")


def curve_sections(samples: Sequence[Sample]) -> list[Section]:
    """A figure and a table of every variable that is no map.

    Parameters
    ----------
    samples : sequence of Sample
        Numbers of one or more dims.

    Returns
    -------
    list of Section
        ``x_lower`` and ``x_upper`` are drawn about ``x``; of classes it is counted how often each occurs.
    """
    arrays = {str(sample.array.name): sample.array for sample in samples}
    return [
        _curve_section(sample, [arrays[name + end] for end in _ENDS] if _has_bounds(name, arrays) else [])
        for name, sample in zip(arrays, samples, strict=True)
        if not any(name.endswith(end) and _has_bounds(name.removesuffix(end), arrays) for end in _ENDS)
    ]


def _has_bounds(name: str, arrays: Collection[str]) -> bool:
    return name in arrays and all(name + end in arrays for end in _ENDS)


def _curve_section(sample: Sample, bounds: Sequence[xr.DataArray]) -> Section:
    array, title = sample.array, heading(sample.array)
    if has_classes(array):
        return Section(title, sample.remark, tables=[_count_table(array)])
    if not np.isfinite(np.asarray(array.values, float)).any():
        return Section(title, "It has no values.")
    if array.dims == ("pair",) and {"reference", "secondary"} <= set(array.coords):
        caption = f"{title}: an arc is a pair, as high as the time between its two dates."
        return Section(title, sample.remark, [Picture(figure_png(network_plot(array)), caption, wide=True)])
    n_lines = array.size // array.sizes[_axis_dim(array)]
    caption = f"{title}."
    if n_lines > _LINES and _coordinate(array, _axis_dim(array)).dtype.kind in "iufM":
        caption = f"{title}: mean of {n_lines:,} lines, and the band from their 5th to their 95th percentile."
    elif bounds:
        caption = f"{title}, with its lower and upper bound."
    tables = _value_tables(array, bounds)
    return Section(title, sample.remark, [Picture(figure_png(curve_plot(array, bounds)), caption, wide=True)], tables)


def curve_plot(array: xr.DataArray, bounds: Sequence[xr.DataArray] = ()) -> Axes:
    """Draw a variable against time, or against its longest dim.

    Parameters
    ----------
    array : xarray.DataArray
        Numbers of one or more dims, in memory. Entries along the other dims are lines of their own; of more than seven
        lines the mean is drawn, with the band from their 5th to their 95th percentile. Where the entries have names,
        these stand on the vertical axis.
    bounds : sequence of xarray.DataArray
        A lower and an upper one of the same dims, or none.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> rate = xr.DataArray([[1.0, 2.0]], {"gauge": ["upper"]}, ("gauge", "year"), attrs={"long_name": "rate"})
    >>> axes = curve_plot(rate)
    >>> axes.get_xlabel(), axes.get_ylabel(), axes.lines[0].get_label()
    ('Year', 'Rate', 'upper')
    """
    dim = _axis_dim(array)
    values, names = _columns(array, dim)
    if _coordinate(array, dim).dtype.kind not in "iufM":
        return _named_plot(array, dim)
    axes = new_axes(8.6, 2.9)
    open_frame(axes)
    places = place_entries(axes, array, dim)
    if len(names) > _LINES:
        _draw_band(axes, places, values)
    else:
        _draw_lines(
            axes, places, dict(zip(names, values.T, strict=True)), [_columns(bound, dim)[0] for bound in bounds]
        )
    label_quantity(axes, array)
    _add_legend(axes)
    return axes


def _named_plot(array: xr.DataArray, dim: str) -> Axes:
    """Dots beside the names of the entries, which need not follow each other in any order."""
    values, names = _columns(array, dim)
    entries = [str(entry) for entry in _coordinate(array, dim).values]
    axes = new_axes(8.6, min(0.9 + 0.24 * len(entries), _HIGHEST))
    open_frame(axes)
    marked = zip(series_colours(len(names)), series_markers(len(names)), strict=True)
    for name, line, (colour, marker) in zip(names, values.T, marked, strict=True):
        axes.plot(line, entries, marker, color=colour, markersize=4.5, label=name)
    axes.invert_yaxis()
    axes.margins(y=0.5 / max(len(entries), 1))
    if len(entries) > _NAMES:
        axes.set_yticks(range(0, len(entries), -(-len(entries) // _NAMES)))
    axes.set_xlabel(label_of(array), fontsize=8.5, color=INK)
    if len(names) <= _LINES:
        _add_legend(axes)
    return axes


def _add_legend(axes: Axes) -> None:
    """Right of the axes, where more than one thing is drawn."""
    if len(axes.get_legend_handles_labels()[0]) > 1:
        axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.0, 1.02))


def _draw_lines(
    axes: Axes, places: NDArray[Any], lines: Mapping[str, NDArray[Any]], ends: Sequence[NDArray[Any]]
) -> None:
    few = len(places) <= _MARKED
    marked = zip(series_colours(len(lines)), series_markers(len(lines)), strict=True)
    for i, ((name, line), (colour, marker)) in enumerate(zip(lines.items(), marked, strict=True)):
        if ends:
            axes.fill_between(places, ends[0][:, i], ends[1][:, i], color=colour, alpha=0.15, linewidth=0)
        axes.plot(places, line, color=colour, marker=marker if few else None, markersize=3, linewidth=1.2, label=name)


def _draw_band(axes: Axes, places: NDArray[Any], values: NDArray[np.float64]) -> None:
    rows = [row[np.isfinite(row)] for row in values]
    low, high = np.array([np.percentile(row, BAND) if row.size else (np.nan, np.nan) for row in rows]).T
    mean = [row.mean() if row.size else np.nan for row in rows]
    axes.fill_between(places, low, high, color=LINE, alpha=0.16, linewidth=0, label="5 to 95 %")
    axes.plot(places, mean, color=LINE, linewidth=1.2, label="mean")


def place_entries(axes: Axes, array: xr.DataArray, dim: str) -> NDArray[Any]:
    """Where the entries of a dim are along the horizontal axis, which is set up for them.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The axes.
    array : xarray.DataArray
        With the dim; entries without a coordinate are counted from 0.
    dim : str
        The dim.

    Returns
    -------
    ndarray, shape (n,)
        Dates or numbers; of names their places in the list.
    """
    entries = _coordinate(array, dim)
    if entries.dtype.kind == "M":
        _date_axis(axes)
        return np.asarray(entries.values)
    axes.set_xlabel(label_of(entries if entries.attrs.get("long_name") else entries.rename(dim)))
    axes.xaxis.label.set(fontsize=8.5, color=INK)
    if entries.dtype.kind in "iuf":
        axes.xaxis.set_major_locator(MaxNLocator(10, integer=entries.dtype.kind != "f"))
        return np.asarray(entries.values)
    return np.arange(entries.size)


def label_quantity(axes: Axes, array: xr.DataArray) -> None:
    """Say beside the vertical axis what is drawn and in which unit, over several lines where that is long."""
    axes.set_ylabel(fill(label_of(array), _LABEL), fontsize=8.5, color=INK)


def section_figures(run: xr.Dataset) -> Section:
    """A vertical section through the ground: its first, middle and last temperature, and its years.

    Parameters
    ----------
    run : xarray.Dataset
        Of a store of the product ``mining-section``.

    Returns
    -------
    Section
    """
    times = [float(run.time[i]) for i in dict.fromkeys((0, run.sizes["time"] // 2, run.sizes["time"] - 1))]
    places = [float(run.x[int(share * (run.sizes["x"] - 1))]) for share in (0.25, 0.5, 0.75)]
    pictures = [
        Picture(figure_png(section_panels(run, times)), "Temperature; the line is the 0 °C isotherm.", wide=True),
        Picture(figure_png(section_history(run, places)), "Permafrost table, and areas through the years.", wide=True),
    ]
    return Section("The section", figures=pictures)


def _axis_dim(array: xr.DataArray) -> str:
    """What a variable is drawn against: time where there is any, else the dim with most entries."""
    known = [dim for dim in _ORDER if dim in array.dims]
    return known[0] if known else str(max(array.dims, key=lambda dim: array.sizes[dim]))


def _coordinate(array: xr.DataArray, dim: str) -> xr.DataArray:
    name = "reference" if dim == "pair" and "reference" in array.coords else dim
    return array[name]


def _columns(array: xr.DataArray, dim: str) -> tuple[NDArray[np.float64], list[str]]:
    """Values (entry, line), and what each line is of."""
    others = [other for other in array.dims if other != dim]
    names = [", ".join(map(str, entry)) for entry in product(*(array[other].values for other in others))]
    values = np.asarray(array.transpose(dim, *others).values, float)
    return values.reshape(array.sizes[dim], len(names)), names


def _value_tables(array: xr.DataArray, bounds: Sequence[xr.DataArray]) -> list[Table]:
    dim = _axis_dim(array)
    values, names = _columns(array, dim)
    if len(names) > _COLUMNS or len(values) > _ROWS:
        return []
    ends = [_columns(bound, dim)[0] for bound in bounds]
    entries = [str(entry)[:10] if array[dim].dtype.kind == "M" else str(entry) for entry in array[dim].values]
    rows = [
        (entry, *(_cell(value, [end[i, j] for end in ends]) for j, value in enumerate(values[i])))
        for i, entry in enumerate(entries)
    ]
    title = f"{label_of(array)} (its bounds)" if bounds else label_of(array)
    return [Table(title, (heading(array[dim].rename(dim)), *(name or "Value" for name in names)), rows)]


def _cell(value: float, ends: Sequence[float]) -> str:
    if not (ends and np.isfinite(value)):
        return short_number(value)
    return f"{short_number(value)} ({' to '.join(map(short_number, ends))})"


def _count_table(array: xr.DataArray) -> Table:
    names = class_names(array) if "flag_values" in array.attrs else {int(code): f"{code}" for code in np.unique(array)}
    counts = Counter(np.asarray(array.values).astype(int).ravel().tolist())
    rows = [
        (class_label(name), f"{counts[value]:,}", f"{100 * counts[value] / array.size:.1f}")
        for value, name in names.items()
    ]
    return Table("How often each class occurs", ("Class", "Values", "Share (%)"), rows)
