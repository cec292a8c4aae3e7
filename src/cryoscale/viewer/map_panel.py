"""One map of the page with its controls; it reads what its window shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from bokeh.events import Tap
from bokeh.layouts import column, row
from bokeh.models import (
    Button,
    Column,
    ColumnDataSource,
    Div,
    NumericInput,
    Range1d,
    Select,
    Slider,
)
from bokeh.plotting import figure
from odc.geo import CRS

from cryoscale.errors import ResourceError
from cryoscale.report.colours import MapColours, map_colours
from cryoscale.schemas import STORE_KINDS
from cryoscale.viewer.addresses import layer_query, link, window_query
from cryoscale.viewer.changes import when_changed
from cryoscale.viewer.map_figure import MapFigure
from cryoscale.viewer.raster import Layer, Point, View, Window, read_view
from cryoscale.viewer.source import Source, layer_labels

MARGIN = 1.4
"""How much more than the frame is read, so that a short pan finds its pixels there."""

QUIET = {"color": "var(--quiet)"}
WARNING = {
    "color": "var(--warning)",
    "background": "var(--warning-paper)",
    "padding": "6px 10px",
    "border-radius": "4px",
}
WRAP = {"flex-wrap": "wrap"}
"""A row that goes on below where the page is narrow."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What all maps of the page share: where they look, how large they are, and what is marked on them."""

    x_range: Range1d
    y_range: Range1d
    size: tuple[int, int]
    crs: CRS | None
    marks: ColumnDataSource
    line: ColumnDataSource

    @property
    def window(self) -> Window:
        """Where they look."""
        return Window(self.x_range.start, self.y_range.start, self.x_range.end, self.y_range.end)


class MapPanel:
    """A map of one store.

    Parameters
    ----------
    source : Source
        The store.
    number : int
        Its place among the stores of the page.
    frame : Frame
        Shared with the others.
    name : str
        What the store is called on the page.
    on_click : callable
        Given y and x of a click.
    on_change : callable
        Given this panel when another variable, date or limit has been chosen.
    """

    def __init__(
        self,
        source: Source,
        number: int,
        frame: Frame,
        *,
        name: str,
        on_click: Callable[[Point], None],
        on_change: Callable[["MapPanel"], None],
    ) -> None:
        self.source, self._number, self._frame, self._changed = source, number, frame, on_change
        self.name = name
        self._names = Select(
            title="Variable",
            name=f"variable-{number}",
            options=choices(source, source.maps),
            value=first_layer(source).name,
            width=330,
        )
        self._layers = Slider(start=0, end=1, value=0, step=1, show_value=False, width=400, name=f"layer-{number}")
        self._layers.styles = {"max-width": "calc(100vw - 180px)"}
        self._date = Div(align="center")
        self._low, self._high = (
            NumericInput(title=title, mode="float", width=80, name=f"{title.lower()}-{number}")
            for title in ("Lowest", "Highest")
        )
        self._auto = Button(label="Fit colours", width=85, align="end")
        self._links = Div(name=f"links-{number}")
        self._notice = notice()
        self._figure = MapFigure(frame, number)
        self._figure.plot.on_event(Tap, lambda event: on_click((event.y, event.x)))
        self._view: View | None = None
        self._setting = False
        self._show_variable()
        when_changed(self._names, "value", act=self._choose_variable)
        when_changed(self._layers, "value", act=self._label_layer)
        when_changed(self._layers, "value_throttled", act=self._choose_layer)
        when_changed(self._low, "value", act=self._choose_limits)
        when_changed(self._high, "value", act=self._choose_limits)
        self._auto.on_click(self.fit_colours)

    @property
    def layer(self) -> Layer:
        """Which map is shown."""
        return Layer(self._names.value, self._layers.value if self._layers.visible else None)

    @property
    def limits(self) -> tuple[float, float]:
        """Values at the ends of the colours."""
        return self._figure.limits

    @property
    def plot(self) -> figure:
        """The figure of the map."""
        return self._figure.plot

    @property
    def model(self) -> Column:
        """What goes onto the page."""
        colours = row(self._names, self._low, self._high, self._auto, styles=WRAP)
        date = row(self._layers, self._date, height=34)  # also without a slider, so that maps stand side by side
        return column(
            heading(self.source, self.name), colours, date, self._notice, self._figure.title, self.plot, self._links
        )

    def refresh(self) -> None:
        """Read what the window shows, and draw it; say so where that is too much to read."""
        try:
            self._view = self._read()
        except ResourceError as error:
            self._notify(str(error))
            return
        self._notify(self._remark())
        self._figure.draw(self._view, self._colours)
        self._link()

    def set_limits(self, limits: tuple[float, float]) -> None:
        """Take over the colours of another map of the same quantity, telling nobody."""
        self._figure.limits = limits
        self._setting = True  # between the two inputs' changes the pair is nobody's choice
        self._low.value, self._high.value = limits
        self._setting = False
        self._link()

    def fit_colours(self) -> None:
        """Choose the limits that suit what is shown."""
        values = np.empty(0) if self._view is None else self._view.values.astype(float)
        self.set_limits(self._colours.limits_of(values))
        self._changed(self)

    @property
    def _colours(self) -> MapColours:
        return map_colours(self.source.data[self._names.value])

    def _read(self) -> View:
        width, height = (round(MARGIN * side) for side in self._frame.size)
        window = self._frame.window.scaled(MARGIN)
        return read_view(self.source, self.layer, window, pixels=(height, width), crs=self._frame.crs)

    def _show_variable(self) -> None:
        """Controls and colours that suit the variable; the last of its maps, which of a cube is the whole change."""
        labels = layer_labels(self.source, self._names.value)
        self._layers.visible = len(labels) > 1
        self._layers.update(end=max(len(labels) - 1, 1), value=max(len(labels) - 1, 0))
        self._label_layer()
        self._figure.restyle(self.source.data[self._names.value], self._colours)
        classes = bool(self._colours.classes)
        self._low.visible = self._high.visible = self._auto.visible = not classes

    def _choose_variable(self) -> None:
        self._show_variable()
        self.refresh()
        self.fit_colours()

    def _choose_layer(self) -> None:
        self.refresh()
        self._changed(self)

    def _choose_limits(self) -> None:
        low, high = self._low.value, self._high.value
        if self._setting or low is None or high is None:
            return
        if low >= high:
            self._notify(f"The lowest colour stands for {low:g}, which is not below {high:g}.")
            return
        self.set_limits((low, high))
        self._notify(self._remark())
        self._changed(self)

    def _label_layer(self) -> None:
        labels = layer_labels(self.source, self._names.value)
        dim = self.source.layer_dim(self._names.value) or ""
        self._date.text = f"{dim.capitalize()}: <b>{escape(labels[self._layers.value])}</b>" if labels else ""

    def _link(self) -> None:
        query = layer_query(self._number, self.layer)
        view = link("map.png", "view as PNG", query | window_query(self._frame.window, self.limits))
        self._links.text = f"Save: {view} · {link('layer.tif', 'layer as GeoTIFF', query)}"

    def _remark(self) -> str:
        if self._view is not None and not self._view.values.size:
            return "Nothing of this store lies in the window."
        n = self.source.n_missing
        return f"{n} chunks of this store have not been written yet; they are grey." if n else ""

    def _notify(self, text: str) -> None:
        self._notice.update(text=escape(text), visible=bool(text))


def heading(source: Source, name: str) -> Div:
    """Which store this is, and what such stores hold."""
    title = escape(STORE_KINDS[source.kind].title)
    return Div(text=f'<b style="font-size: 15px">{escape(name)}</b>&ensp;{title}', styles=QUIET)


def choices(source: Source, names: Sequence[str]) -> list[tuple[str, str]]:
    """Variables for a list to choose from: each with its name, which long names do not tell apart."""
    return [(name, f"{name}: {source.data[name].attrs.get('long_name', '')}".removesuffix(": ")) for name in names]


def notice(text: str = "") -> Div:
    """A line that says what cannot be shown; unseen as long as it is empty."""
    return Div(text=escape(text), visible=bool(text), styles=WARNING)


def first_layer(source: Source) -> Layer:
    """What is looked at first: the main variable, but of a cube of dates its first map over all of them.

    Parameters
    ----------
    source : Source
        A store of maps.

    Returns
    -------
    Layer
        The last one of a variable of several.
    """
    names = source.maps
    dated = source.layer_dim(names[0]) in {"time", "pair"}
    flat = [name for name in names if source.layer_dim(name) is None]
    name = flat[0] if dated and flat else names[0]
    return Layer(name, len(layer_labels(source, name)) - 1 if source.layer_dim(name) else None)
