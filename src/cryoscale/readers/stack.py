"""The canonical lazy stack: interferograms, coherence and geometry from files, strip by strip."""

from collections.abc import Callable, Mapping, Sequence
from math import lcm
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize

from cryoscale.errors import InputError, ResourceError
from cryoscale.grids import grid_coords
from cryoscale.readers.files import StackFiles
from cryoscale.readers.headers import Grid, Header
from cryoscale.readers.inspection import GridMismatch, Inspection, inspect_files
from cryoscale.readers.rasters import Layer, LayerStack, Values
from cryoscale.variables import attributes

_UINT8_COHERENCE = 1.0 / 255.0
_META = np.empty((0, 0, 0), np.float32)


def open_stack(
    files: StackFiles,
    *,
    strip_rows: int,
    skip_bad: bool = False,
    on_grid_mismatch: GridMismatch = GridMismatch.ERROR,
) -> xr.Dataset:
    """Open interferograms as one lazy stack.

    Parameters
    ----------
    files : StackFiles
        From `find_gamma`, `find_licsar`, `find_hyp3` or `read_table`.
    strip_rows : int
        Rows of a chunk; a chunk holds all pairs and all columns. See `choose_strip_rows`.
    skip_bad : bool
        Leave bad files out rather than raise. To know which, use `inspect_files` and `lazy_stack`.
    on_grid_mismatch : GridMismatch
        What to do where grids coincide but differ in extent.

    Returns
    -------
    xarray.Dataset
        See `lazy_stack`.

    Raises
    ------
    InputError
        If something is wrong with a file's header; while computing, if a file cannot be decoded or holds values that
        its quantity cannot have.

    Examples
    --------
    >>> import tempfile, rasterio
    >>> from cryoscale.readers import find_licsar
    >>> profile = {"driver": "GTiff", "height": 2, "width": 3, "count": 1, "dtype": "float32", "crs": "EPSG:4326",
    ...            "transform": rasterio.transform.from_origin(99.0, 38.0, 0.001, 0.001)}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     place = Path(folder, "20200101_20200113")
    ...     place.mkdir()
    ...     with rasterio.open(place / "20200101_20200113.geo.unw.tif", "w", **profile) as target:
    ...         target.write(np.array([[0, 1, 2], [3, 4, 5]], "float32"), 1)
    ...     stack = open_stack(find_licsar(folder), strip_rows=1)
    ...     phase = stack.unwrapped_phase.compute()
    >>> dict(stack.sizes), phase.attrs["units"], phase.values[0, 0]
    ({'pair': 1, 'y': 2, 'x': 3}, 'rad', array([nan, 1., 2.], dtype=float32))
    """
    inspection = inspect_files(files, skip_bad=skip_bad, on_grid_mismatch=on_grid_mismatch)
    return lazy_stack(inspection, strip_rows=strip_rows)


def lazy_stack(inspection: Inspection, *, strip_rows: int) -> xr.Dataset:
    """Build the lazy stack of files that have been inspected.

    Parameters
    ----------
    inspection : Inspection
        From `inspect_files`.
    strip_rows : int
        Rows of a chunk.

    Returns
    -------
    xarray.Dataset
        ``unwrapped_phase(pair, y, x)`` in rad, ``coherence(pair, y, x)``, and of the geometry what there is:
        ``elevation``, ``incidence_angle``, ``los_east``, ``los_north``, ``los_up`` (y, x); float32 on Dask, NaN where
        there is no data. Coordinates ``reference(pair)``, ``secondary(pair)``, ``y``, ``x``, ``spatial_ref``.
        Attributes ``sensor``, ``wavelength`` (m) and, where known, ``incidence_angle`` and ``heading`` (degree).
        Phase is no data where the file's nodata tag says so and where it is exactly 0; coherence where the tag says
        so and where it is exactly 0 together with phase that is no data. Without a file of the incidence angle, it
        is 90 degrees - look elevation angle, or arccos(los_up).

    Raises
    ------
    InputError
        If `strip_rows` is not positive.
    """
    if strip_rows < 1:
        raise InputError(f"strip_rows: {strip_rows} rows is no strip. Give at least 1.")
    files = inspection.files
    phase = _layers(inspection, "unwrapped_phase", [pair.phase for pair in files.pairs], strip_rows)
    variables = {"unwrapped_phase": phase}
    coherences = [pair.coherence for pair in files.pairs if pair.coherence is not None]
    if coherences:
        raw = _layers(inspection, "coherence", coherences, strip_rows)
        variables["coherence"] = da.map_blocks(_coherence_without_empty, raw, phase, dtype=np.float32, meta=_META)
    maps = {name: _layers(inspection, name, [path], strip_rows)[0] for name, path in files.geometry.items()}
    return xr.Dataset(
        {name: (("pair", "y", "x"), data, attributes(name)) for name, data in variables.items()}
        | {name: (("y", "x"), data, attributes(name)) for name, data in _with_incidence(maps).items()},
        coords=_pair_coords(files) | grid_coords(inspection.grid.geobox),
        attrs=_facts(files),
    )


def choose_strip_rows(inspection: Inspection, *, memory: int, tile: int) -> int:
    """Choose the most rows that can be read at once.

    Parameters
    ----------
    inspection : Inspection
        From `inspect_files`.
    memory : int
        Bytes that one strip of all layers may take while it is read.
    tile : int
        Rows of a tile of the store: a strip is a whole number of tiles.

    Returns
    -------
    int
        A multiple of `tile`, and of the rows that the files store together if there is memory for it, so that no
        block is decoded twice; not more than the stack needs.

    Raises
    ------
    ResourceError
        If not even one row of tiles fits.
    """
    files = inspection.files
    phases_and_coherences = 3 if files.pairs[0].coherence else 1  # coherence as read, and without the empty pixels
    layers = len(files.pairs) * phases_and_coherences + 2 * len(files.geometry)
    rows, columns = inspection.grid.shape
    heights = {header.block_rows for header in inspection.headers.values()}
    return fit_strip_rows(rows, row_bytes=layers * columns * 4, memory=memory, tile=tile, block_rows=lcm(*heights))


def fit_strip_rows(rows: int, *, row_bytes: int, memory: int, tile: int, block_rows: int) -> int:
    """Rows of a strip by arithmetic; see `choose_strip_rows`.

    Parameters
    ----------
    rows : int
        Rows of the stack.
    row_bytes : int
        Bytes of one row of all layers.
    memory : int
        Bytes there are.
    tile, block_rows : int
        Rows of a tile of the store, and of a block of the files.

    Returns
    -------
    int
        Rows of a strip.

    Raises
    ------
    ResourceError
        If not even one row of tiles fits.

    Examples
    --------
    >>> fit_strip_rows(1000, row_bytes=1000, memory=400_000, tile=64, block_rows=3)
    384
    >>> fit_strip_rows(1000, row_bytes=1000, memory=100_000, tile=64, block_rows=3)
    64
    """
    affordable = memory // row_bytes
    if affordable < min(tile, rows):
        raise ResourceError(
            f"memory: one row of tiles ({min(tile, rows)} rows of all interferograms) takes "
            f"{min(tile, rows) * row_bytes / 1e9:.3g} GB, but there are {memory / 1e9:.3g} GB. "
            "Give more memory, or choose smaller tiles."
        )
    whole = lcm(tile, block_rows)
    step = whole if whole <= affordable else tile
    wanted = -(-rows // tile) * tile
    return min(max(affordable // step, 1) * step, wanted)


def _layers(inspection: Inspection, name: str, paths: Sequence[Path], strip_rows: int) -> da.Array:
    """Files of one variable as a Dask array (layer, y, x) in strips of rows, named after the files."""
    layers = tuple(_layer(path, name, inspection.headers[path], inspection.grid) for path in paths)
    source = LayerStack(name, layers, (len(layers), *inspection.grid.shape))
    array: da.Array = da.from_array(
        source,
        chunks=(len(layers), min(strip_rows, inspection.grid.shape[0]), inspection.grid.shape[1]),
        name=f"{name}-{tokenize(name, [str(layer) for layer in layers], source.shape, strip_rows)}",
        lock=False,
        asarray=False,
        meta=_META,
    )
    return array


def _layer(path: Path, name: str, header: Header, grid: Grid) -> Layer:
    row, column = header.grid.place(grid) or (0, 0)
    as_bytes = name == "coherence" and header.dtype == "uint8" and header.scale == 1.0
    scale = _UINT8_COHERENCE if as_bytes else header.scale
    return Layer(str(path), row, column, header.nodata, scale, header.offset)


def _coherence_without_empty(coherence: Values, phase: Values) -> Values:
    """Coherence with NaN where it is exactly 0 and the phase is no data: such pixels are outside the swath."""
    kept = coherence.copy()
    for layer, its_phase in zip(kept, phase, strict=True):  # one layer at a time: no mask of the whole strip
        layer[(layer == 0) & np.isnan(its_phase)] = np.nan
    return kept


def _with_incidence(maps: Mapping[str, da.Array]) -> dict[str, da.Array]:
    """The maps with the incidence angle from what says it, and without the angle that only helped to get it."""
    kept = {name: data for name, data in maps.items() if name != "look_elevation_angle"}
    sources: tuple[tuple[str, Callable[[Any], Any]], ...] = (
        ("look_elevation_angle", lambda elevation: np.float32(90.0) - np.rad2deg(elevation)),
        ("los_up", lambda up: np.rad2deg(np.arccos(np.clip(up, -1.0, 1.0)))),
    )
    for name, convert in sources:
        if name in maps and "incidence_angle" not in kept:
            kept["incidence_angle"] = convert(maps[name])
    return kept


def _pair_coords(files: StackFiles) -> dict[str, Any]:
    dates = {
        "reference": ([pair.reference for pair in files.pairs], "date of the first acquisition"),
        "secondary": ([pair.secondary for pair in files.pairs], "date of the second acquisition"),
    }
    return {
        name: ("pair", np.array(values, "datetime64[ns]"), {"long_name": long_name})
        for name, (values, long_name) in dates.items()
    }


def _facts(files: StackFiles) -> dict[str, Any]:
    facts = {
        "sensor": files.sensor,
        "wavelength": files.wavelength,
        "incidence_angle": files.incidence_angle,
        "heading": files.heading,
    }
    return {name: value for name, value in facts.items() if value is not None}
