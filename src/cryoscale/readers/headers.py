"""Headers of rasters: grid, type, unit, and whether the file is whole. Opens a file once and reads no pixel."""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from warnings import catch_warnings

import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.errors import NotGeoreferencedWarning, RasterioError

_UNIT_TAGS = ("units", "unit", "unittype", "data_units")
_SAME = 0.01  # pixels: files of one processor agree to 1e-6, a real shift is far above


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the pixels of a raster lie.

    Attributes
    ----------
    crs : rasterio.crs.CRS
        Coordinate reference system.
    transform : affine.Affine
        Pixel corners to coordinates, not rotated.
    shape : tuple of int
        Rows and columns.
    """

    crs: Any
    transform: Affine
    shape: tuple[int, int]

    @property
    def geobox(self) -> GeoBox:
        """The same as a GeoBox."""
        return GeoBox(self.shape, self.transform, self.crs)

    def place(self, other: "Grid") -> tuple[int, int] | None:
        """Row and column of the first pixel of another raster, counted from this one's first pixel.

        Parameters
        ----------
        other : Grid
            The other raster's grid.

        Returns
        -------
        tuple of int or None
            None if the other's pixels do not coincide with pixels of this grid continued.
        """
        size = max(*self.shape, *other.shape)
        stretch = max(abs(other.transform.a / self.transform.a - 1), abs(other.transform.e / self.transform.e - 1))
        if stretch * size > _SAME or not same_crs(self.crs, other.crs):
            return None
        column, row = ~self.transform * (other.transform.c, other.transform.f)
        if max(abs(column - round(column)), abs(row - round(row))) > _SAME:
            return None
        return round(row), round(column)

    def difference(self, other: "Grid") -> str:
        """What another raster has different, in words; empty if nothing.

        Parameters
        ----------
        other : Grid
            The other raster's grid.

        Returns
        -------
        str
            The first of CRS, pixel size, shape and origin that differs.
        """
        if not same_crs(self.crs, other.crs):
            return f"CRS {other.crs} instead of {self.crs}"
        if self.place(other) == (0, 0) and self.shape == other.shape:
            return ""
        theirs, ours = other.transform, self.transform
        size = max(self.shape)
        if abs(theirs.a / ours.a - 1) * size > _SAME or abs(theirs.e / ours.e - 1) * size > _SAME:
            return f"pixels of {theirs.a:.10g} x {-theirs.e:.10g} instead of {ours.a:.10g} x {-ours.e:.10g}"
        if self.shape != other.shape:
            return "{} x {} pixels instead of {} x {}".format(*other.shape, *self.shape)
        column, row = ~ours * (theirs.c, theirs.f)
        return f"an origin {row:.10g} rows and {column:.10g} columns away"


@dataclass(frozen=True, slots=True)
class Header:
    """What a raster says about itself.

    Attributes
    ----------
    grid : Grid
        Where its pixels lie.
    dtype : str
        Type of its numbers.
    nodata : float or None
        Number that stands for no data.
    scale, offset : float
        Number in the file times scale plus offset is the value.
    units : str
        Unit that it claims, empty if none.
    block_rows : int
        Rows that are stored together and decoded at once.
    """

    grid: Grid
    dtype: str
    nodata: float | None
    scale: float
    offset: float
    units: str
    block_rows: int


def read_header(path: Path) -> Header | str:
    """Header of a raster file.

    Parameters
    ----------
    path : pathlib.Path
        A raster that GDAL can read, with one band.

    Returns
    -------
    Header or str
        What is wrong with the file, where it cannot be used.
    """
    if not path.is_file():
        return "is a folder, not a raster" if path.is_dir() else "does not exist"
    try:
        with catch_warnings(action="ignore", category=NotGeoreferencedWarning), rasterio.open(path) as source:
            return _fault(source) or _header(source)
    except RasterioError as error:
        return f"cannot be opened as a raster ({error}); copy it again, it may be damaged or cut short"


def same_crs(first: Any, second: Any) -> bool:
    """Whether two CRS are the same; comparing the texts first is many times faster.

    Parameters
    ----------
    first, second : rasterio.crs.CRS
        Coordinate reference systems.

    Returns
    -------
    bool
    """
    return first is second or first.wkt == second.wkt or bool(first == second)


def _header(source: Any) -> Header:
    return Header(
        grid=Grid(source.crs, source.transform, source.shape),
        dtype=source.dtypes[0],
        nodata=source.nodata,
        scale=source.scales[0],
        offset=source.offsets[0],
        units=_units(source),
        block_rows=source.block_shapes[0][0],
    )


def _fault(source: Any) -> str | None:
    """What makes an open file unusable whatever it holds."""
    needed, size = _bytes_needed(source), os.path.getsize(source.name)
    if needed > size:
        return f"is cut short: its header tells of {needed} bytes, the file has {size}; copy it again"
    if source.count != 1:
        return f"has {source.count} bands; one band is expected"
    if source.crs is None or source.transform.is_identity:
        return "has no georeference (CRS and transform); geocode it first, or copy it again if it should have one"
    if source.transform.b or source.transform.d:
        return "has a rotated grid; resample it to north up"
    return None


def _bytes_needed(source: Any) -> int:
    """Where the first and the last block of a GeoTIFF end; 0 for other formats and for blocks never written.

    Writers store blocks in order, so a file that was cut short lacks the last one. Asking for every block would cost
    ten times the opening; damage in the middle is found when the block is decoded.
    """
    rows, columns = (math.ceil(n / size) for n, size in zip(source.shape, source.block_shapes[0], strict=True))
    return max(_block_end(source, 0, 0), _block_end(source, columns - 1, rows - 1))


def _block_end(source: Any, column: int, row: int) -> int:
    offset, size = (source.get_tag_item(f"BLOCK_{item}_{column}_{row}", "TIFF", bidx=1) for item in ("OFFSET", "SIZE"))
    return int(offset) + int(size) if offset and size else 0


def _units(source: Any) -> str:
    """Unit of the band, else the first tag that names one."""
    tags = {key.lower(): value for key, value in (source.tags() | source.tags(1)).items()}
    claims = (source.units[0], *(tags.get(key) for key in _UNIT_TAGS))
    return next((claim.strip() for claim in claims if claim), "")
