"""Plots beside the maps: series in time or by entry, and sections."""

from collections.abc import Sequence
from html import escape
from textwrap import fill

import numpy as np
from bokeh.layouts import column
from bokeh.models import Column, ColumnDataSource, Div, FixedTicker, HoverTool, NoOverlap
from bokeh.plotting import figure
from numpy.typing import NDArray

from cryoscale.report.labels import number_text
from cryoscale.viewer.section import Section
from cryoscale.viewer.series import Classes, Series
from cryoscale.viewer.source import Gap

COLOURS = ("#64798c", "#2382a6", "#98762a", "#8a5cb0")
"""Of the stores, in their order; to be told from light paper and from dark, as those of the models."""
_MODELS = ("#cf5336", "#35a0bb", "#bd9437", "#a982cf")
_GAP = "#cf5336"
_TOOLS = "pan,wheel_zoom,box_zoom,reset,save"


def series_figures(shown: Sequence[tuple[str, Series]], *, height: int = 240) -> list[Column]:
    """Plot series: those of one quantity together, each other quantity by itself.

    Parameters
    ----------
    shown : sequence of (str, Series)
        Name of the store and the series of a pixel of it.
    height : int
        Of each plot, screen pixels.

    Returns
    -------
    list of bokeh.models.Column
        A title and a figure each. Sources are named ``series-0``, ``model-0``, ... in the order of the series.
    """
    kinds: dict[tuple[str, str], Series] = {}
    for _, series in shown:
        kinds.setdefault((series.label, series.at.dtype.kind), series)
    plots = {kind: _empty(first, height) for kind, first in kinds.items()}
    for number, (store, series) in enumerate(shown):
        plot = plots[series.label, series.at.dtype.kind]
        _draw_series(plot, series, number, name=store if len(shown) > 1 else "")
    for kind, plot in plots.items():
        gaps = {gap for _, series in shown if (series.label, series.at.dtype.kind) == kind for gap in series.gaps}
        if gaps:
            _shade(plot, sorted(gaps))
        _place_legend(plot)
    return [_under(kinds[kind].title, plot, where=kinds[kind].where) for kind, plot in plots.items()]


def section_figures(shown: Sequence[tuple[str, Section]], *, height: int = 220) -> list[Column]:
    """Plot values along a line: those of one quantity together, each other quantity by itself.

    Parameters
    ----------
    shown : sequence of (str, Section)
        Name of the store and the section through it.
    height : int
        Of each plot, screen pixels.

    Returns
    -------
    list of bokeh.models.Column
        A title and a figure each. Sources are named ``section-0``, ... in the order of the sections.
    """
    labels = list(dict.fromkeys(section.label for _, section in shown))
    plots = {label: _plot(height, label) for label in labels}
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
    return [_under("Section from the first point to the second", plot) for plot in plots.values()]


def _under(title: str, plot: figure, *, where: str = "") -> Column:
    """A figure's own title would be cut off where the page is narrow; this one breaks lines."""
    text = f"<b>{escape(title)}</b><br>{escape(where)}".removesuffix("<br>")
    return column(Div(text=text, styles={"font-size": "13px"}), plot, sizing_mode="stretch_width", min_width=320)


def _empty(first: Series, height: int) -> figure:
    dated = first.at.dtype.kind == "M"
    plot = _plot(height, first.label, x_axis_type="datetime" if dated else "linear")
    if not dated:
        plot.xaxis.axis_label = first.dim
        plot.xaxis.major_label_overrides = dict(enumerate(map(str, first.at)))
        plot.xaxis.ticker.min_interval = 1
    return plot


def _plot(height: int, label: str, **options: str) -> figure:
    plot = figure(height=height, min_width=320, sizing_mode="stretch_width", tools=_TOOLS, **options)
    plot.toolbar.logo = None
    plot.yaxis.axis_label = label
    plot.axis.axis_label_text_font_style = "normal"
    plot.xaxis.major_label_policy = NoOverlap(min_distance=8)
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
        plot.yaxis.major_label_overrides = {value: fill(name, 14) for value, name in classes}


def _rate(rate: float) -> str:
    return f"{number_text(rate, signed=True)} mm a⁻¹"


def _shade(plot: figure, gaps: Sequence[Gap]) -> None:
    ends = {"start": [gap[0] for gap in gaps], "end": [gap[1] for gap in gaps]}
    plot.vstrip(
        "start",
        "end",
        source=ColumnDataSource(data={name: np.array(dates) for name, dates in ends.items()}, name="gaps"),
        color=_GAP,
        alpha=0.18,
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
    legend.padding = legend.margin = 0
    legend.click_policy = "hide"
