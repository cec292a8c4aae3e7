"""The pixel that a click is in, and its series."""

from dataclasses import dataclass, replace

from odc.geo import CRS
from pyproj import Transformer

from cryoscale.grids import geobox_of
from cryoscale.report.labels import place_text
from cryoscale.viewer.raster import Point
from cryoscale.viewer.series import Series, read_series
from cryoscale.viewer.source import Source


@dataclass(frozen=True, slots=True)
class Place:
    """A pixel of a store."""

    row: int
    column: int

    def index(self) -> dict[str, int]:
        """By dim."""
        return {"y": self.row, "x": self.column}


def place_at(source: Source, point: Point, *, crs: CRS | None = None) -> Place | None:
    """Pixel that a point lies in.

    Parameters
    ----------
    source : Source
        A store of maps.
    point : tuple of float
        y and x.
    crs : odc.geo.CRS, optional
        Theirs; by default the store's.

    Returns
    -------
    Place or None
        None off the map.
    """
    geobox = geobox_of(source.data)
    y, x = point
    if crs is not None and crs != geobox.crs:
        x, y = Transformer.from_crs(crs, geobox.crs, always_xy=True).transform(x, y)
    column, row = ~geobox.transform * (x, y)
    inside = 0 <= row < geobox.shape[0] and 0 <= column < geobox.shape[1]
    return Place(int(row), int(column)) if inside else None


def series_name(source: Source, name: str) -> str | None:
    """Variable whose series is shown beside a map: itself, or for a map without dates the store's main series.

    Parameters
    ----------
    source : Source
        A store of maps.
    name : str
        Of `Source.maps`.

    Returns
    -------
    str or None
        None where no variable of the store has a third dim.
    """
    return next((other for other in (name, *source.maps) if source.layer_dim(other)), None)


def series_at(source: Source, name: str, point: Point, *, crs: CRS | None = None) -> Series | None:
    """Series of the pixel that a point lies in.

    Parameters
    ----------
    source : Source
        A store of maps.
    name : str
        From `series_name`.
    point : tuple of float
        y and x.
    crs : odc.geo.CRS, optional
        Theirs; by default the store's.

    Returns
    -------
    Series or None
        Named after the pixel's centre; None off the map.
    """
    place = place_at(source, point, crs=crs)
    if place is None:
        return None
    centre = (float(source.data["y"][place.row]), float(source.data["x"][place.column]))
    where = place_text(geobox_of(source.data), *centre)
    return replace(read_series(source, name, place.index()), where=where)
