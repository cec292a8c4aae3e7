"""The page: maps side by side, and below them what was clicked."""

from collections.abc import Mapping, Sequence
from importlib.resources import files

import numpy as np
from bokeh.document import Document
from bokeh.layouts import column, row
from bokeh.models import Button, Column, ColumnDataSource, CustomJS, Div, RadioButtonGroup, Range1d, Row
from bokeh.themes import Theme
from jinja2 import Template
from odc.geo import CRS

from cryoscale.errors import ResourceError
from cryoscale.grids import geobox_of
from cryoscale.report.canvas import ACCENT, INK
from cryoscale.viewer.addresses import layer_query, link, points_query
from cryoscale.viewer.changes import when_changed
from cryoscale.viewer.figures import section_figures, series_figures
from cryoscale.viewer.map_panel import QUIET, WRAP, Frame, MapPanel, first_layer, notice
from cryoscale.viewer.pixels import series_at, series_name
from cryoscale.viewer.raster import Layer, Point, first_window, fitted_window
from cryoscale.viewer.section import Section, read_section
from cryoscale.viewer.series import Series, difference
from cryoscale.viewer.source import Source, distinct_names
from cryoscale.viewer.table_panel import TablePanel

PAUSE = 150
"""Milliseconds without movement after which what is on the screen is read."""

_MODES = ("Pixel", "Reference", "Section")
_HINTS = (
    "Click on the map to see the series of a pixel.",
    "Click a second pixel: series become differences from it.",
    "Click both ends of a line.",
)

_NO_SERIES = "There is no series here: the pixel has no data, lies off the map, or the store holds maps of one time."


def build_page(document: Document, sources: Sequence[Source]) -> None:
    """Fill a document of the server with the page of some stores.

    Parameters
    ----------
    document : bokeh.document.Document
        New and empty, one for each tab of the browser.
    sources : sequence of Source
        Shown in this order. The first one's CRS is the page's.
    """
    names = distinct_names(sources)
    document.title = "cryoscale: " + ", ".join(names)
    document.template = Template(_text("page.html.j2"))
    sheets = {"Widget": "controls.css", "Legend": "legends.css"}
    document.theme = Theme(json={"attrs": {name: {"stylesheets": [_text(file)]} for name, file in sheets.items()}})
    named = list(enumerate(zip(sources, names, strict=True)))
    mapped = {number: (source, name) for number, (source, name) in named if source.maps}
    tables = [TablePanel(source, number, name=name).model for number, (source, name) in named if not source.maps]
    plots = []
    if mapped:
        maps = _Maps(document, mapped)
        document.add_root(maps.model)
        plots = [panel.plot for panel in maps.panels.values()]
    if tables:
        document.add_root(row(*tables, sizing_mode="stretch_width"))
    document.js_on_event("document_ready", CustomJS(args={"plots": plots}, code=_text("ready.js")))


class _Maps:
    """The maps of a page, the points that were clicked on them, and the plots that follow."""

    def __init__(self, document: Document, sources: Mapping[int, tuple[Source, str]]) -> None:
        self._document = document
        self._waiting: object = None
        first, _ = next(iter(sources.values()))
        self._crs: CRS | None = geobox_of(first.data).crs
        self._pixel: Point | None = None
        self._reference: Point | None = None
        self._line: list[Point] = []
        self._frame = _frame(first, n_maps=len(sources))
        self.panels = {
            number: MapPanel(source, number, self._frame, name=name, on_click=self._click, on_change=self._follow)
            for number, (source, name) in sources.items()
        }
        self._modes = RadioButtonGroup(labels=list(_MODES), active=0, name="mode")
        when_changed(self._modes, "active", act=self._hint)
        self._clear = Button(label="Clear", width=70, name="clear")
        self._clear.on_click(self._forget)
        self._hints = Div(text=_HINTS[0], styles=QUIET, align="center")
        self._plots = column(sizing_mode="stretch_width", name="plots")
        for panel in self.panels.values():
            panel.refresh()
            panel.fit_colours()
        for side in (self._frame.x_range, self._frame.y_range):
            when_changed(side, "start", "end", act=self._moved)

    @property
    def model(self) -> Column:
        """What goes onto the page."""
        maps = row(*(panel.model for panel in self.panels.values()), styles=WRAP)
        tools = row(Div(text="Click for", align="center"), self._modes, self._clear, self._hints, styles=WRAP)
        beside = column(tools, self._plots, sizing_mode="stretch_width", min_width=340)
        if len(self.panels) == 1:
            return row(maps, beside, sizing_mode="stretch_width", styles=WRAP)
        return column(maps, beside, sizing_mode="stretch_width")

    def _moved(self) -> None:
        """Read once the map has come to rest."""
        if self._waiting is not None:
            self._document.remove_timeout_callback(self._waiting)
        self._waiting = self._document.add_timeout_callback(self._rest, PAUSE)

    def _rest(self) -> None:
        self._waiting = None
        for panel in self.panels.values():
            panel.refresh()

    def _follow(self, changed: MapPanel) -> None:
        """Maps of one quantity have one scale of colours, and plots show the map's quantity."""
        for panel in self.panels.values():
            if panel is not changed and panel.layer.name == changed.layer.name:
                panel.set_limits(changed.limits)
        self._draw()

    def _hint(self) -> None:
        self._hints.text = _HINTS[self._modes.active]

    def _forget(self) -> None:
        self._pixel, self._reference, self._line = None, None, []
        self._draw()

    def _click(self, point: Point) -> None:
        match _MODES[self._modes.active]:
            case "Pixel":
                self._pixel = point
            case "Reference":
                self._reference = point
            case _:
                self._line = [point] if len(self._line) != 1 else [*self._line, point]
        self._draw()

    def _draw(self) -> None:
        """Marks and plots of what was clicked."""
        marks = [(self._pixel, "circle", ACCENT), (self._reference, "square", INK)]
        shown = [(*point, marker, colour) for point, marker, colour in marks if point is not None]
        columns = zip(*shown, strict=True) if shown else ((), (), (), ())
        self._frame.marks.data = dict(zip(("y", "x", "marker", "colour"), map(list, columns), strict=True))
        self._frame.line.data = {"y": [y for y, _ in self._line], "x": [x for _, x in self._line]}
        self._plots.children = [*self._series(), *self._section()]

    def _series(self) -> list[object]:
        if self._pixel is None:
            return []
        shown, links, notices = [], [], []
        for number, panel in self.panels.items():
            name = series_name(panel.source, panel.layer.name)
            if name is None:
                continue
            try:
                series = self._series_of(panel.source, name)
            except ResourceError as error:
                notices.append(str(error))
                continue
            if series is not None and np.isfinite(series.values).any():
                shown.append((panel.name, series))
                query = layer_query(number, Layer(name)) | points_query(pixel=self._pixel, reference=self._reference)
                links.append(link("series.csv", f"{panel.name} as CSV", query))
        if not shown:
            text = " ".join(notices) or _NO_SERIES
            return [notice(text)]
        saved = Div(text=f"Save: {' · '.join(links)}", name="series-links")
        return [_beside(series_figures(shown)), saved, *map(notice, notices)]

    def _series_of(self, source: Source, name: str) -> Series | None:
        """Of the pixel, relative to the reference where there is one."""
        series = self._read_at(source, name, self._pixel)
        reference = self._read_at(source, name, self._reference)
        return difference(series, reference) if series is not None and reference is not None else series

    def _read_at(self, source: Source, name: str, point: Point | None) -> Series | None:
        return None if point is None else series_at(source, name, point, crs=self._crs)

    def _section(self) -> list[object]:
        if len(self._line) != 2:
            return []
        shown: list[tuple[str, Section]] = []
        links = []
        for number, panel in self.panels.items():
            try:
                section = read_section(panel.source, panel.layer, *self._line, crs=self._crs)
            except ResourceError as error:
                return [notice(str(error))]
            shown.append((panel.name, section))
            query = layer_query(number, panel.layer) | points_query(start=self._line[0], end=self._line[1])
            links.append(link("section.csv", f"{panel.name} as CSV", query))
        return [_beside(section_figures(shown)), Div(text=f"Save: {' · '.join(links)}", name="section-links")]


def _text(file: str) -> str:
    return files("cryoscale.viewer").joinpath(file).read_text(encoding="utf-8")


def _beside(plots: Sequence[Column]) -> Row:
    return row(*plots, sizing_mode="stretch_width", styles=WRAP)


def _frame(source: Source, *, n_maps: int) -> Frame:
    size = (580, 500) if n_maps == 1 else (455, 425)
    window = first_window(source, first_layer(source), pixels=size[::-1])
    crs = geobox_of(source.data).crs
    window = fitted_window(window, frame=size, crs=crs)
    marks = ColumnDataSource(data={name: [] for name in ("y", "x", "marker", "colour")}, name="marks")
    line = ColumnDataSource(data={"y": [], "x": []}, name="line")
    return Frame(
        Range1d(start=window.left, end=window.right, name="across"),
        Range1d(start=window.bottom, end=window.top, name="along"),
        size,
        crs,
        marks,
        line,
    )
