"""Addresses of what the page offers to save: all that a file depends on is in its address."""

from collections.abc import Mapping
from urllib.parse import urlencode

from cryoscale.viewer.raster import Layer, Point, Window

FILES = {"series.csv": "text/csv", "section.csv": "text/csv", "map.png": "image/png", "layer.tif": "image/tiff"}
"""What can be saved, and its type."""


def layer_query(store: int, layer: Layer) -> dict[str, object]:
    """Which map of which store."""
    return {"store": store, "name": layer.name} | ({} if layer.index is None else {"index": layer.index})


def window_query(window: Window, limits: tuple[float, float]) -> dict[str, object]:
    """Which part of it, and the values at the ends of the colours."""
    sides = {name: getattr(window, name) for name in ("left", "bottom", "right", "top")}
    return {**sides, "low": limits[0], "high": limits[1]}


def points_query(**points: Point | None) -> dict[str, object]:
    """Points by what they are, ``pixel_y`` and ``pixel_x``; those that are None are left out."""
    given = {name: point for name, point in points.items() if point is not None}
    return {f"{name}_{axis}": value for name, point in given.items() for axis, value in zip("yx", point, strict=True)}


def link(file: str, text: str, query: Mapping[str, object]) -> str:
    """HTML of a link that saves a file."""
    address = urlencode(query).replace("&", "&amp;")
    return f'<a class="save" href="save/{file}?{address}" download>{text}</a>'
