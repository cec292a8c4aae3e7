"""Several rasters on one lattice as one virtual raster, so that nothing is resampled at their seams."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from warnings import catch_warnings
from xml.etree import ElementTree as Xml

import numpy as np
import rasterio
from affine import Affine
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.warp import transform_bounds

from cryoscale.errors import InputError
from cryoscale.grids import describe_grid
from cryoscale.readers.headers import Grid, Header, read_header

_NETCDF = (".nc", ".nc4")


@dataclass(frozen=True, slots=True)
class Part:
    """One band of one file.

    Attributes
    ----------
    name : str
        The file, or GDAL's name of a layer in it.
    band : int
        The band, counted from 1.
    header : Header
        Grid, no data, scale and unit.
    """

    name: str
    band: int
    header: Header


@dataclass(frozen=True, slots=True)
class Mosaic:
    """Rasters on one lattice with one way to decode them; where they overlap, the first that has data counts.

    Attributes
    ----------
    parts : tuple of Part
        The rasters.
    offsets : tuple of tuple of int
        Row and column of each raster's first pixel in the mosaic.
    grid : Grid
        What all of them cover together.
    """

    parts: tuple[Part, ...]
    offsets: tuple[tuple[int, int], ...]
    grid: Grid

    @property
    def label(self) -> str:
        """What messages call it."""
        more = len(self.parts) - 1
        return f"{self.parts[0].name} and {more} more" if more else self.parts[0].name

    @property
    def virtual(self) -> str:
        """GDAL's description of the mosaic: floating point, NaN for no data."""
        wide = np.dtype(self.parts[0].header.dtype).itemsize > 4 or self.parts[0].header.dtype in ("int32", "uint32")
        rows, columns = self.grid.shape
        root = Xml.Element("VRTDataset", rasterXSize=str(columns), rasterYSize=str(rows))
        Xml.SubElement(root, "SRS").text = self.grid.crs.to_wkt()
        Xml.SubElement(root, "GeoTransform").text = ", ".join(repr(float(v)) for v in self.grid.transform.to_gdal())
        band = Xml.SubElement(root, "VRTRasterBand", dataType="Float64" if wide else "Float32", band="1")
        Xml.SubElement(band, "NoDataValue").text = "nan"
        # A later source is drawn over an earlier one.
        for part, offset in reversed(list(zip(self.parts, self.offsets, strict=True))):
            _add_source(band, part, offset)
        return Xml.tostring(root, encoding="unicode")


def open_part(path: str | Path, *, nodata: float | None = None) -> Part:
    """A raster file with one band.

    Parameters
    ----------
    path : str or pathlib.Path
        Any format that GDAL reads.
    nodata : float, optional
        Number that stands for no data, whatever the file says.

    Returns
    -------
    Part

    Raises
    ------
    InputError
        If the file cannot be used, or has no CRS.
    """
    if Path(path).suffix in _NETCDF and Path(path).is_file():
        layers = layers_of(path)
        if len(layers) > 1:
            raise InputError(f"{path}: holds {', '.join(layers)}; one variable is expected. Take out the others.")
        (part,) = layers.values()
    else:
        header = read_header(Path(path))
        if isinstance(header, str):
            raise InputError(f"{path}: {header}.{_how_to_assign(path)}")
        part = Part(str(path), 1, header)
    return part if nodata is None else replace(part, header=replace(part.header, nodata=nodata))


def layers_of(path: str | Path) -> dict[str, Part]:
    """Bands of a raster, or variables of a NetCDF file that have one time or none.

    Parameters
    ----------
    path : str or pathlib.Path
        The file. A NetCDF file whose axes are longitude and latitude needs no CRS.

    Returns
    -------
    dict
        By variable, by description of the band, or by number where it has none; the largest layers if sizes differ.

    Raises
    ------
    InputError
        If it cannot be opened, has no CRS, or variables with several times.
    """
    options = {"ASSUME_LONGLAT": "YES"} if Path(path).suffix in _NETCDF else {}
    try:
        with catch_warnings(action="ignore", category=NotGeoreferencedWarning), ExitStack() as stack:
            source = stack.enter_context(rasterio.open(path, **options))
            if not source.subdatasets:
                return {source.descriptions[i - 1] or str(i): _layer(str(path), source, i) for i in source.indexes}
            opened = {
                name.rpartition(":")[2]: (name, stack.enter_context(rasterio.open(name, **options)))
                for name in source.subdatasets
            }
            largest = max(dataset.width * dataset.height for _, dataset in opened.values())
            return {
                variable: _layer(name, dataset, None)
                for variable, (name, dataset) in opened.items()
                if dataset.width * dataset.height == largest
            }
    except RasterioError as error:
        raise InputError(f"{path}: cannot be opened as a raster ({error}). Copy it again, it may be damaged.") from None


def header_of(source: Any, band: int, *, name: str) -> Header:
    """What an open raster says of a band.

    Parameters
    ----------
    source : rasterio.DatasetReader
        The open file.
    band : int
        The band, counted from 1.
    name : str
        What messages call it.

    Returns
    -------
    Header

    Raises
    ------
    InputError
        If it has no CRS, or a rotated grid.
    """
    if source.crs is None or source.transform.b or source.transform.d:
        raise InputError(f"{name}: has no CRS or a rotated grid.{_how_to_assign(name)}")
    i = band - 1
    return Header(
        grid=Grid(source.crs, source.transform, source.shape),
        dtype=source.dtypes[i],
        nodata=source.nodatavals[i],
        scale=source.scales[i],
        offset=source.offsets[i],
        units=source.units[i] or source.tags(band).get("units", ""),
        block_rows=source.block_shapes[i][0],
    )


def join_parts(parts: Iterable[Part]) -> tuple[Mosaic, ...]:
    """Join neighbours in the list that share lattice and decoding; keep the rest apart, in order.

    Parameters
    ----------
    parts : iterable of Part
        The first that has data at a place counts.

    Returns
    -------
    tuple of Mosaic
    """
    groups: list[list[Part]] = []
    for part in parts:
        if groups and _alike(groups[-1][0], part):
            groups[-1].append(part)
        else:
            groups.append([part])
    return tuple(_join(group) for group in groups)


def require_overlap(mosaics: Sequence[Mosaic], target: Grid) -> tuple[Mosaic, ...]:
    """The mosaics that reach into a grid.

    Parameters
    ----------
    mosaics : sequence of Mosaic
        In any CRS.
    target : Grid
        The grid that is wanted.

    Returns
    -------
    tuple of Mosaic

    Raises
    ------
    InputError
        If there is none; it names both extents.
    """
    found = tuple(mosaic for mosaic in mosaics if overlaps(mosaic.grid, target))
    if not found:
        raise InputError(
            f"{mosaics[0].label}: does not overlap the grid. It has {describe_grid(mosaics[0].grid.geobox)}; wanted "
            f"are {describe_grid(target.geobox)}. Give files of that area, and check that their CRS is right."
        )
    return found


def overlaps(grid: Grid, target: Grid) -> bool:
    """Whether a grid reaches into another.

    Parameters
    ----------
    grid, target : Grid
        In any two CRS.

    Returns
    -------
    bool
    """
    box = grid.geobox.boundingbox
    left, bottom, right, top = transform_bounds(target.crs, grid.crs, *target.geobox.boundingbox.bbox)
    return bool(box.left < right and left < box.right and box.bottom < top and bottom < box.top)


def _layer(name: str, source: Any, band: int | None) -> Part:
    """A band of an open file; the only one, if None."""
    if band is None and source.count != 1:
        raise InputError(f"{name}: has {source.count} times; one is expected. Cut out the year that is wanted.")
    return Part(name, band or 1, header_of(source, band or 1, name=name))


def _alike(first: Part, second: Part) -> bool:
    a, b = first.header, second.header
    same_numbers = np.array_equal(
        [np.nan if a.nodata is None else a.nodata, a.scale, a.offset],
        [np.nan if b.nodata is None else b.nodata, b.scale, b.offset],
        equal_nan=True,
    )
    return same_numbers and a.dtype == b.dtype and a.units == b.units and a.grid.place(b.grid) is not None


def _join(group: list[Part]) -> Mosaic:
    """Parts on one lattice, placed in the rectangle that holds them all."""
    first = group[0].header.grid
    places = [first.place(part.header.grid) or (0, 0) for part in group]
    ends = [
        (row + part.header.grid.shape[0], column + part.header.grid.shape[1])
        for (row, column), part in zip(places, group, strict=True)
    ]
    top, left = min(row for row, _ in places), min(column for _, column in places)
    shape = max(row for row, _ in ends) - top, max(column for _, column in ends) - left
    grid = Grid(first.crs, first.transform @ Affine.translation(left, top), shape)
    return Mosaic(tuple(group), tuple((row - top, column - left) for row, column in places), grid)


def _add_source(band: Any, part: Part, offset: tuple[int, int]) -> None:
    """Draw a part into a band of a virtual raster, but for its pixels without data."""
    rows, columns = part.header.grid.shape
    size = {"xSize": str(columns), "ySize": str(rows)}
    source = Xml.SubElement(band, "ComplexSource")
    Xml.SubElement(source, "SourceFilename", relativeToVRT="0", shared="0").text = part.name
    Xml.SubElement(source, "SourceBand").text = str(part.band)
    Xml.SubElement(source, "SrcRect", {"xOff": "0", "yOff": "0", **size})
    Xml.SubElement(source, "DstRect", {"xOff": str(offset[1]), "yOff": str(offset[0]), **size})
    nodata = part.header.nodata
    if nodata is None and np.issubdtype(part.header.dtype, np.floating):
        nodata = np.nan
    if nodata is not None:
        Xml.SubElement(source, "NODATA").text = repr(float(nodata))


def _how_to_assign(path: str | Path) -> str:
    """Advice for a raster that lacks nothing but its CRS."""
    try:
        with rasterio.open(path) as source:
            lacking = source.crs is None and not source.transform.is_identity
    except RasterioError:
        return ""
    return f" If it lacks only its CRS, assign one: gdal_edit.py -a_srs EPSG:... {path}" if lacking else ""
