"""Plots beside the maps: series in time or by entry, and sections."""

from collections.abc import Sequence

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, Title
from bokeh.plotting import figure
from numpy.typing import NDArray

from cryoscale.report.canvas import ACCENT, FAINT, GAP, INK
from cryoscale.report.labels import number_text
from cryoscale.viewer.section import Section
from cryoscale.viewer.series import Classes, Series
from cryoscale.viewer.source import Gap

COLOURS = (INK, "#1f6f8b", "#8a6d2f", "#4b1d6b")
"""Of the stores, in their order."""
_MODELS = (ACCENT, "#4aa3b8", "#c9a24d", "#8f5fb0")
_TOOLS = "pan,wheel_zoom,box_zoom,reset,save"


def series_figures(shown: Sequence[tuple[str, Series]], *, height: int = 270) -> list[figure]:
    """Plot series: those of one quantity together, each other quantity by itself.

    Parameters
    ----------
    shown : sequence of (str, Series)
        Name of the store and the series of a pixel of it.
    height : int
        Of each plot, screen pixels.

    Returns
    -------
    list of bokeh.plotting.figure
        Sources are named ``series-0``, ``model-0``, ... in the order of the series.
    """
    kinds = list(dict.fromkeys((series.label, series.at.dtype.kind) for _, series in shown))
    plots = {kind: _empty(kind, shown, height) for kind in kinds}
    for number, (store, series) in enumerate(shown):
        plot = plots[series.label, series.at.dtype.kind]
        _draw_series(plot, series, number, name=store if len(shown) > 1 else "")
    for kind, plot in plots.items():
        gaps = {gap for _, series in shown if (series.label, series.at.dtype.kind) == kind for gap in series.gaps}
        if gaps:
            _shade(plot, sorted(gaps))
        _place_legend(plot)
    return list(plots.values())


def section_figures(shown: Sequence[tuple[str, Section]], *, height: int = 240) -> list[figure]:
    """Plot values along a line: those of one quantity together, each other quantity by itself.

    Parameters
    ----------
    shown : sequence of (str, Section)
        Name of the store and the section through it.
    height : int
        Of each plot, screen pixels.

    Returns
    -------
    list of bokeh.plotting.figure
        Sources are named ``section-0``, ... in the order of the sections.
    """
    labels = list(dict.fromkeys(section.label for _, section in shown))
    plots = {label: _plot(height, label, "Section from the first point to the second") for label in labels}
    for number, (store, section) in enumerate(shown):
        source = ColumnDataSource(
            data={"distance": section.distance, "value": section.values}, name=f"section-{number}"
        )
        name = {"legend_label": store} if len(shown) > 1 else {}
        colour = COLOURS[number % len(COLOURS)]
        draw = plots[section.label].step if section.classes else plots[section.label].line
        draw("distance", "value", source=source, color=colour, line_width=1.4, **name)
        _name_classes(plots[section.label], section.classes)
    for plot in plots.values():
        plot.add_tools(HoverTool(tooltips=[("km", "@distance{0.00}"), ("value", "@value{0.00}")], mode="vline"))
        plot.xaxis.axis_label = "Distance (km)"
        _place_legend(plot)
    return list(plots.values())


def _empty(kind: tuple[str, str], shown: Sequence[tuple[str, Series]], height: int) -> figure:
    first = next(series for _, series in shown if (series.label, series.at.dtype.kind) == kind)
    dated = first.at.dtype.kind == "M"
    plot = _plot(height, first.label, first.title, x_axis_type="datetime" if dated else "linear")
    if first.where:
        plot.add_layout(Title(text=first.where, text_font_style="normal", text_font_size="12px"), "above")
    if not dated:
        plot.xaxis.axis_label = first.dim
        plot.xaxis.major_label_overrides = dict(enumerate(map(str, first.at)))
        plot.xaxis.ticker.min_interval = 1
    return plot


def _plot(height: int, label: str, title: str, **options: str) -> figure:
    plot = figure(height=height, min_width=320, sizing_mode="stretch_width", tools=_TOOLS, title=title, **options)
    plot.toolbar.logo = None
    plot.title.text_color = INK
    plot.title.text_font_size = "13px"
    plot.yaxis.axis_label = label
    plot.axis.axis_label_text_font_style = "normal"
    plot.axis.axis_label_text_color = INK
    plot.grid.grid_line_color = FAINT
    plot.outline_line_color = None
    return plot


def _draw_series(plot: figure, series: Series, number: int, *, name: str) -> None:
    colour, suffix = COLOURS[number % len(COLOURS)], f", {name}" if name else ""
    at: NDArray[np.generic] = series.at if series.at.dtype.kind == "M" else np.arange(len(series.at))
    if series.lower is not None and series.upper is not None:
        band = ColumnDataSource(data={"at": at, "lower": series.lower, "upper": series.upper}, name=f"band-{number}")
        plot.varea(
            "at", "lower", "upper", source=band, color=colour, alpha=0.18, legend_label=f"error or interval{suffix}"
        )
    if series.model is not None:
        model = ColumnDataSource(data={"at": series.model_at, "value": series.model}, name=f"model-{number}")
        label = f"model{suffix}" if series.rate is None else f"model{suffix}: {_rate(series.rate)}"
        plot.line("at", "value", source=model, color=_MODELS[number % len(_MODELS)], line_width=1.6, legend_label=label)
    points = ColumnDataSource(data={"at": at, "value": series.values, "text": series.labels}, name=f"series-{number}")
    plot.scatter("at", "value", source=points, color=colour, size=4.5, legend_label=f"{series.name}{suffix}")
    _name_classes(plot, series.classes)
    if series.model is None and not series.classes:
        plot.line("at", "value", source=points, color=colour, line_width=0.8, line_alpha=0.6)
    plot.add_tools(HoverTool(tooltips=[("", "@text"), ("", "@value{0.000}")], renderers=[plot.renderers[-1]]))


def _name_classes(plot: figure, classes: Classes) -> None:
    if classes:
        plot.yaxis.ticker = FixedTicker(ticks=[value for value, _ in classes])
        plot.yaxis.major_label_overrides = dict(classes)


def _rate(rate: float) -> str:
    return f"{number_text(rate, signed=True)} mm a⁻¹"


def _shade(plot: figure, gaps: Sequence[Gap]) -> None:
    ends = {"start": [gap[0] for gap in gaps], "end": [gap[1] for gap in gaps]}
    plot.vstrip(
        "start",
        "end",
        source=ColumnDataSource(data={name: np.array(dates) for name, dates in ends.items()}, name="gaps"),
        color=GAP,
        line_color=None,
        level="underlay",
        legend_label="gap in the network",
    )


def _place_legend(plot: figure) -> None:
    """Above the data, beside nothing that it could hide."""
    if not plot.legend:
        return
    legend = plot.legend[0]
    plot.add_layout(legend, "above")
    legend.orientation = "horizontal"
    legend.border_line_color = None
    legend.label_text_font_size = "11px"
    legend.label_text_color = INK
    legend.padding = legend.margin = 0
    legend.click_policy = "hide"
