"""The figure of a map: its image, its colours, its axes and what is marked on it."""

from html import escape
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from bokeh.models import (
    BasicTicker,
    BoxZoomTool,
    ColorBar,
    ColumnDataSource,
    CustomJSHover,
    CustomJSTickFormatter,
    Div,
    FixedTicker,
    HoverTool,
    LinearColorMapper,
    NoOverlap,
    PanTool,
    ResetTool,
    SaveTool,
    TapTool,
    WheelZoomTool,
)
from bokeh.plotting import figure
from numpy.typing import NDArray
from odc.geo import CRS

from cryoscale.report.canvas import INK
from cryoscale.report.colours import MapColours
from cryoscale.report.labels import label_of, unit_text
from cryoscale.viewer.raster import View

if TYPE_CHECKING:
    from cryoscale.viewer.map_panel import Frame

_NO_DATA = (128, 138, 148, 0.3)
"""Grey on light paper and on dark."""
_VALUE = """
if (names.length > 0) return names[value] ?? "no data"
return isNaN(value) ? "no data" : `${value.toPrecision(4)} ${unit}`
"""
_DEGREES = "return `${Number(Math.abs(tick).toFixed(6))}°${tick < 0 ? negative : positive}`"
_KILOMETRES = "return `${Number((tick / 1000).toFixed(3))}`"


class MapFigure:
    """A figure that shows one view of a map at a time.

    Parameters
    ----------
    frame : Frame
        Ranges, size, CRS and marks.
    number : int
        Of the store; the image's source is named ``image-0``, ...
    """

    def __init__(self, frame: "Frame", number: int) -> None:
        self._image = ColumnDataSource(data=_nothing(), name=f"image-{number}")
        self._mapper = LinearColorMapper(palette=["#000000"], low=0.0, high=1.0, nan_color=_NO_DATA)
        self._text = CustomJSHover(args={"names": [], "unit": ""}, code=_VALUE)
        self.title = Div(name=f"title-{number}", styles={"font-size": "14px"})  # a figure's own would not break lines
        self.plot = _empty_plot(frame, number)
        image = self.plot.image("image", "x", "y", "dw", "dh", source=self._image, color_mapper=self._mapper)
        self.plot.add_tools(
            HoverTool(tooltips=[("", "@image{custom}")], formatters={"@image": self._text}, renderers=[image])
        )
        self.plot.line("x", "y", source=frame.line, color="white", line_width=4)
        self.plot.line("x", "y", source=frame.line, color=INK, line_width=2)
        self.plot.scatter("x", "y", source=frame.line, color=INK, line_color="white", size=7)
        self.plot.scatter(
            "x",
            "y",
            marker="marker",
            source=frame.marks,
            size=13,
            fill_color="colour",
            line_color="white",
            line_width=2,
        )

    @property
    def limits(self) -> tuple[float, float]:
        """Values at the ends of the colours."""
        return self._mapper.low, self._mapper.high

    @limits.setter
    def limits(self, limits: tuple[float, float]) -> None:
        self._mapper.update(low=limits[0], high=limits[1])

    def restyle(self, array: xr.DataArray, colours: MapColours) -> None:
        """Take the colours, the unit and the classes of another variable."""
        names = [label for _, label in colours.classes]
        self._mapper.palette = list(colours.palette)
        self._text.args = {"names": names, "unit": unit_text(str(array.attrs.get("units", "")))}
        before = next(iter(self.plot.right), ColorBar())
        self.plot.right = [_bar(self._mapper, names, ink=before.major_label_text_color)]
        self.title.text = f"<b>{escape(label_of(array))}</b>"

    def draw(self, view: View, colours: MapColours) -> None:
        """Show a view."""
        window = view.window
        if not view.values.size:
            self._image.data = _nothing()
            return
        values = _places(view.values, colours) if colours.classes else view.values.astype("float32")
        self._image.data = {
            "image": [values],
            "x": [window.left],
            "y": [window.bottom],
            "dw": [window.width],
            "dh": [window.height],
        }


def _bar(mapper: LinearColorMapper, names: list[str], *, ink: str) -> ColorBar:
    """A new one for every variable: the page does not notice that a bar has got another ticker.

    Labels keep the colour that the page has given those of the bar before, on light paper or on dark.
    """
    ticker = FixedTicker(ticks=list(range(len(names)))) if names else BasicTicker()
    return ColorBar(
        color_mapper=mapper,
        width=12,
        ticker=ticker,
        major_label_overrides={place: fill(name, 14) for place, name in enumerate(names)},
        major_label_text_color=ink,
    )


def _nothing() -> dict[str, list[object]]:
    return {name: [] for name in ("image", "x", "y", "dw", "dh")}


def _places(codes: NDArray[np.integer], colours: MapColours) -> NDArray[np.float32]:
    """Place of each code among the classes, NaN of one that is none of them."""
    values = [value for value, _ in colours.classes]
    places = np.searchsorted(values, codes).clip(max=len(values) - 1)
    return np.where(np.take(values, places) == codes, places, np.nan).astype("float32")


def _empty_plot(frame: "Frame", number: int) -> figure:
    wheel = WheelZoomTool()
    width, height = frame.size
    plot = figure(
        x_range=frame.x_range,
        y_range=frame.y_range,
        frame_width=width,
        frame_height=height,
        name=f"map-{number}",
        tools=[PanTool(), wheel, BoxZoomTool(match_aspect=True), ResetTool(), SaveTool(), TapTool()],
        active_scroll=wheel,
    )
    plot.toolbar.logo = None
    plot.grid.visible = False
    plot.xaxis.major_label_policy = NoOverlap(min_distance=8)
    plot.axis.axis_label_text_font_style = "normal"
    _name_axes(plot, frame.crs)
    return plot


def _name_axes(plot: figure, crs: CRS | None) -> None:
    for axis, angle, ends, distance in (
        (plot.xaxis, "Longitude", "EW", "Easting"),
        (plot.yaxis, "Latitude", "NS", "Northing"),
    ):
        if crs is not None and crs.geographic:
            axis.axis_label = angle
            axis.formatter = CustomJSTickFormatter(args={"positive": ends[0], "negative": ends[1]}, code=_DEGREES)
        else:
            axis.axis_label = f"{distance} (km)"
            axis.formatter = CustomJSTickFormatter(code=_KILOMETRES)
