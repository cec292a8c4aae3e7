"""Zenith delays of the GACOS service: ``.ztd`` with ``.ztd.rsc`` headers, and GeoTIFFs, on the grid of a stack."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from rasterio.crs import CRS

from cryoscale.errors import InputError
from cryoscale.grids import describe_grid, grid_coords
from cryoscale.readers._bilinear import interpolate
from cryoscale.readers.files import parse_date, require_folder
from cryoscale.readers.headers import Grid, read_header, same_crs
from cryoscale.readers.keywords import number, read_keywords
from cryoscale.readers.rasters import Layer, Values, decode, read_window
from cryoscale.variables import attributes

Places = npt.NDArray[np.float64]

_BINARY, _RASTERS = "*.ztd", "*.ztd*.tif"
_NAME = "zenith_delay"
_GRID_KEYWORDS = ("WIDTH", "FILE_LENGTH", "X_FIRST", "Y_FIRST", "X_STEP", "Y_STEP")


@dataclass(frozen=True, slots=True)
class DelayFile:
    """The zenith delay of one day.

    Attributes
    ----------
    layer : Layer
        The file and how its numbers become metres.
    grid : Grid
        Where its pixels lie.
    binary : bool
        Whether it is float32, little-endian, row after row, rather than a raster that GDAL reads.
    """

    layer: Layer
    grid: Grid
    binary: bool

    def read(self, rows: range, columns: range) -> Values:
        """Delay in a window, m.

        Parameters
        ----------
        rows, columns : range
            The window.

        Returns
        -------
        numpy.ndarray of float32
            NaN where there is no data, which GACOS writes as 0.
        """
        if self.binary:
            whole = np.memmap(self.layer.path, "<f4", mode="r", shape=self.grid.shape)
            values = np.array(whole[rows.start : rows.stop, columns.start : columns.stop], np.float32)
            decode(values, self.layer, _NAME)
        else:
            values = np.empty((len(rows), len(columns)), np.float32)
            read_window(self.layer, _NAME, rows=rows, columns=columns, out=values)
        values[values == 0.0] = np.nan
        return values


def find_gacos(folder: str | Path) -> dict[np.datetime64, DelayFile]:
    r"""Find GACOS delays below a folder, and read their headers.

    Parameters
    ----------
    folder : str or pathlib.Path
        Searched with its subfolders for ``YYYYMMDD.ztd`` with ``YYYYMMDD.ztd.rsc`` beside it, and ``YYYYMMDD.ztd.tif``.
        X_FIRST and Y_FIRST of an ``.rsc`` are taken for the centre of the first pixel, longitude and latitude on WGS84.

    Returns
    -------
    dict of numpy.datetime64 to DelayFile
        By day, in order.

    Raises
    ------
    InputError
        If there are none, if a name has no date, if two files are of the same day, or if a header or the size of a
        file is wrong.

    Examples
    --------
    >>> import tempfile
    >>> header = "WIDTH 3\nFILE_LENGTH 2\nX_FIRST 99.0\nY_FIRST 38.0\nX_STEP 0.001\nY_STEP -0.001\n"
    >>> with tempfile.TemporaryDirectory() as place:
    ...     _ = Path(place, "20200101.ztd.rsc").write_text(header)
    ...     _ = Path(place, "20200101.ztd").write_bytes(np.full(6, 1.5, "<f4").tobytes())
    ...     found = find_gacos(place)
    >>> [(str(day), file.grid.shape) for day, file in found.items()]
    [('2020-01-01', (2, 3))]
    """
    root = require_folder(folder)
    found: dict[np.datetime64, Path] = {}
    for path in sorted([*root.rglob(_BINARY), *root.rglob(_RASTERS)]):
        day = parse_date(path.name[:8])
        if day is None:
            raise InputError(
                f"{path}: its name does not start with a date such as 20200101. Rename it, or move it away."
            )
        if day in found:
            raise InputError(f"{path}: is a second delay of {day} beside {found[day]}. Move one of them away.")
        found[day] = path
    if not found:
        raise InputError(f"{root}: holds no delays. Looked for {_BINARY} and {_RASTERS} in it and its subfolders.")
    return {day: _open_header(path) for day, path in sorted(found.items())}


def open_gacos(
    folder: str | Path,
    geobox: GeoBox,
    *,
    strip_rows: int,
    dates: Collection[np.datetime64] | None = None,
) -> xr.DataArray:
    """Open GACOS delays on the grid of a stack, lazily.

    Interpolated bilinearly between the centres of the delays' pixels, not averaged where the stack's pixels are larger.
    Every strip reads from the files only the window that it needs, and does not depend on the strips to the last bit.

    Parameters
    ----------
    folder : str or pathlib.Path
        See `find_gacos`.
    geobox : odc.geo.geobox.GeoBox
        The stack's grid, with any CRS.
    strip_rows : int
        Rows of a chunk; a chunk holds all dates and all columns.
    dates : collection of numpy.datetime64, optional
        Leave the files of other days out. Days without a file are not in the result; `tropospheric_phase` says which
        pairs lack them.

    Returns
    -------
    xarray.DataArray
        ``zenith_delay`` (time, y, x), m, float32 on Dask. NaN where the delays do not reach or have no data.

    Raises
    ------
    InputError
        If no file can be used, or one does not overlap the grid; while computing, if a delay is not 0 to 5 m.
    """
    if strip_rows < 1:
        raise InputError(f"strip_rows: {strip_rows} rows is no strip. Give at least 1.")
    files = find_gacos(folder)
    wanted = files if dates is None else np.array(list(dates), "datetime64[D]")
    kept = {day: file for day, file in files.items() if day in wanted}
    if not kept:
        raise InputError(f"{folder}: holds delays of {_span(files)}, but none of the days that are needed.")
    grid = _grid(geobox)
    _require_overlap(kept.values(), grid)
    rows, columns = grid.shape
    strips = tuple(min(strip_rows, rows - row) for row in range(0, rows, strip_rows))
    delays = da.map_blocks(
        partial(_read_strip, files=tuple(kept.values()), stack=grid),
        dtype=np.float32,
        chunks=((len(kept),), strips, (columns,)),
        meta=np.empty((0, 0, 0), np.float32),
    )
    time = np.array(list(kept), "datetime64[ns]")
    coords = {"time": time, **grid_coords(geobox)}
    return xr.DataArray(delays, dims=("time", "y", "x"), coords=coords, name=_NAME, attrs=attributes(_NAME))


def _open_header(path: Path) -> DelayFile:
    if path.suffix == ".ztd":
        return _open_binary(path)
    header = read_header(path)
    if isinstance(header, str):
        raise InputError(f"{path}: {header}.")
    return DelayFile(Layer(str(path), 0, 0, header.nodata, header.scale, header.offset), header.grid, binary=False)


def _open_binary(path: Path) -> DelayFile:
    header = path.with_name(f"{path.name}.rsc")
    if not header.is_file():
        raise InputError(f"{header}: is missing beside {path}, which cannot be placed without it. Copy it too.")
    keywords = read_keywords(header, separator=" ")
    values = {key: number(keywords, key, path=header) for key in _GRID_KEYWORDS}
    missing = [key for key, value in values.items() if value is None]
    if missing:
        raise InputError(f"{header}: lacks {', '.join(missing)}. Copy it again.")
    width, height, x, y, dx, dy = (value or 0.0 for value in values.values())
    if width < 1 or height < 1 or dx == 0 or dy == 0:
        raise InputError(
            f"{header}: {width:g} x {height:g} pixels of {dx:g} x {dy:g} degrees are no grid. Copy it again."
        )
    needed, size = int(width) * int(height) * 4, path.stat().st_size
    if needed != size:
        raise InputError(
            f"{path}: has {size} bytes, but {int(height)} x {int(width)} pixels of 4 bytes in {header.name} make "
            f"{needed}. Copy both again, they may be damaged or cut short."
        )
    transform = Affine(dx, 0.0, x - 0.5 * dx, 0.0, dy, y - 0.5 * dy)
    scale, offset = number(keywords, "Z_SCALE", path=header), number(keywords, "Z_OFFSET", path=header)
    layer = Layer(str(path), 0, 0, None, 1.0 if scale is None else scale, offset or 0.0)
    return DelayFile(layer, Grid(CRS.from_epsg(4326), transform, (int(height), int(width))), binary=True)


def _read_strip(files: tuple[DelayFile, ...], stack: Grid, *, block_info: Any = None) -> Values:
    """Delays of all files in one chunk of the stack's grid."""
    _, rows, columns = (range(*bounds) for bounds in block_info[None]["array-location"])
    delays = np.empty((len(files), len(rows), len(columns)), np.float32)
    places: dict[tuple[Affine, str], tuple[Places, Places]] = {}
    for out, file in zip(delays, files, strict=True):
        key = file.grid.transform, file.grid.crs.wkt
        if key not in places:
            places[key] = _places(stack, np.array(rows), np.array(columns), grid=file.grid)
        _read_at(file, *places[key], out=out)
    return delays


def _grid(geobox: GeoBox) -> Grid:
    if geobox.crs is None:
        raise InputError("geobox: has no CRS, delays cannot be placed on it. Set one with .odc.assign_crs('EPSG:...').")
    return Grid(CRS.from_wkt(geobox.crs.to_wkt()), geobox.transform, (geobox.shape[0], geobox.shape[1]))


def _places(stack: Grid, rows: Any, columns: Any, *, grid: Grid) -> tuple[Places, Places]:
    """Where pixels of the stack lie in a file: rows and columns (y, x), 0 being the centre of the first pixel."""
    x, y = np.meshgrid(columns + 0.5, rows + 0.5)
    x, y = stack.transform.c + stack.transform.a * x, stack.transform.f + stack.transform.e * y
    if not same_crs(stack.crs, grid.crs):
        x, y = Transformer.from_crs(stack.crs, grid.crs, always_xy=True).transform(x, y)
    return (y - grid.transform.f) / grid.transform.e - 0.5, (x - grid.transform.c) / grid.transform.a - 0.5


def _read_at(file: DelayFile, rows: Places, columns: Places, *, out: Values) -> None:
    """Delay at places in a file, from the window that they need."""
    spans = [_window(at, size) for at, size in zip((rows, columns), file.grid.shape, strict=True)]
    if not all(spans):
        out[:] = np.nan
        return
    image = file.read(*spans)
    interpolate(image, (spans[0].start, spans[1].start), file.grid.shape, rows, columns, out)


def _window(places: Places, size: int) -> range:
    """Pixels between whose centres the places lie, as far as the file has them."""
    finite = places[np.isfinite(places)]
    if not finite.size:
        return range(0)
    return range(max(int(np.floor(finite.min())), 0), min(int(np.floor(finite.max())) + 2, size))


def _require_overlap(files: Iterable[DelayFile], stack: Grid) -> None:
    """Refuse a file that none of a hundred places all over the grid lies in."""
    sample = [np.linspace(0, size - 1, 10) for size in stack.shape]
    for file in files:
        rows, columns = _places(stack, *sample, grid=file.grid)
        height, width = file.grid.shape
        inside = (rows >= -0.5) & (rows <= height - 0.5) & (columns >= -0.5) & (columns <= width - 0.5)
        if not inside.any():
            raise InputError(
                f"{file.layer.path}: its delays ({describe_grid(file.grid.geobox)}) do not overlap the stack "
                f"({describe_grid(stack.geobox)}). Get those of the stack's area."
            )


def _span(files: Collection[np.datetime64]) -> str:
    return f"{min(files)} to {max(files)}"
