"""Write a map as a Cloud-Optimized GeoTIFF, block by block, so that it never has to fit into memory."""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from itertools import pairwise, product
from math import prod
from pathlib import Path

import dask
import numpy as np
import rasterio
import rasterio.shutil
import xarray as xr
from numpy.typing import DTypeLike
from rasterio.windows import Window

from cryoscale.errors import InputError
from cryoscale.folders import writing
from cryoscale.grids import geobox_of

BLOCK = 512  # pixels along each side of a tile of the file
GDAL_CACHE = 64  # MB; GDAL's own choice is 5 % of the machine, whatever share of it a worker has been given
_Region = tuple[slice, slice]
_Colour = tuple[int, int, int, int]
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def write_cog(
    array: xr.DataArray,
    path: str | Path,
    *,
    colours: Mapping[int, str] | None = None,
    batch_bytes: int = 128 * 2**20,
) -> Path:
    """Write a map as a Cloud-Optimized GeoTIFF.

    Chunks are computed once each, a batch of them at a time, into a tiled temporary file beside the target, which
    GDAL's COG driver turns into the final one; that takes the target's place only once it is whole.

    Parameters
    ----------
    array : xarray.DataArray
        Dims (y, x) with a CRS, NumPy- or Dask-backed. ``long_name`` (or the name) becomes the band's description and
        ``units`` its unit.
    path : str or pathlib.Path
        The file; one that is there is replaced, a folder that is not is made.
    colours : mapping of int to str, optional
        Colour of each class as ``"#rrggbb"``: the file's colour table, which a GIS shows at once. Only with ``uint8``.
    batch_bytes : int
        How much of the map is held in memory at a time; one chunk, if that is more.

    Returns
    -------
    pathlib.Path
        The file. Floats have NaN as no data; integers have what ``_FillValue`` says (attribute or encoding), or the
        flag that means ``no_data``, or none. Booleans become 0 and 1. Overviews are means of floats, the most frequent
        of classes (arrays with ``flag_values``), and nearest values of other integers. Classes are named by items of
        the band's metadata, such as ``class_1=permafrost``.

    Raises
    ------
    InputError
        If it is no map of numbers with a CRS, or if the colours are none or cannot be held.
    ResourceError
        If there is no room on the disk, or it may not be written.

    Examples
    --------
    >>> from cryoscale.scenes import datong_scene
    >>> velocity = datong_scene(shape=(24, 24), end="2016-05-30").truth.velocity
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with rasterio.open(write_cog(velocity, Path(folder, "velocity.tif"))) as written:
    ...         print(written.descriptions, written.units, written.nodata)
    ('line-of-sight velocity of the temporal model',) ('mm a-1',) nan
    """
    target = Path(path)
    image = _north_up(_checked(array))
    table = _colour_table(image, colours or {})
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.")
    # What a full disk holds is looked at before the folder is removed again.
    with rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE), beside as folder, writing(target):
        tiled, finished = Path(folder, "tiled.tif"), Path(folder, "cog.tif")
        with rasterio.open(tiled, "w", **_profile(image), nodata=_no_data(array)) as dataset:
            _describe(dataset, array)
            if table:
                dataset.write_colormap(1, table)
            for region, values in _computed(image, batch_bytes):
                dataset.write(values, 1, window=Window.from_slices(*region))
        rasterio.shutil.copy(tiled, finished, driver="COG", **_creation_options(image))
        os.replace(finished, target)
    return target


def _checked(array: xr.DataArray) -> xr.DataArray:
    name = array.name or "array"
    if set(array.dims) != {"y", "x"}:
        raise InputError(
            f"{name}: has dims {array.dims}, but a GeoTIFF is written from one map (y, x). Select it first."
        )
    if array.dtype.kind not in "iufb":
        raise InputError(f"{name}: is of type {array.dtype}, which GeoTIFF cannot hold. Convert it to numbers first.")
    geobox_of(array)
    return array.transpose("y", "x").astype(_file_type(array.dtype), copy=False)


def _file_type(dtype: np.dtype[np.generic]) -> DTypeLike:
    """Type in the file: the array's own, or the next that GDAL knows."""
    if dtype.kind == "b":
        return np.uint8
    return np.float32 if dtype == np.float16 else dtype


def _north_up(array: xr.DataArray) -> xr.DataArray:
    ascending = array.sizes["y"] > 1 and float(array.y[0]) < float(array.y[-1])
    return array.isel(y=slice(None, None, -1)) if ascending else array


def _profile(array: xr.DataArray) -> dict[str, object]:
    """Uncompressed, so that a tile on which two chunks meet is written in place."""
    geobox = geobox_of(array)
    return {
        "driver": "GTiff",
        "dtype": array.dtype.name,
        "count": 1,
        "height": geobox.height,
        "width": geobox.width,
        "transform": geobox.transform,
        "crs": str(geobox.crs),
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        "bigtiff": "if_safer",
    }


def _no_data(array: xr.DataArray) -> float | None:
    named = [value for value, meaning in _flags(array).items() if meaning == "no_data"]
    fill: float | None = array.attrs.get("_FillValue", array.encoding.get("_FillValue", named[0] if named else None))
    return np.nan if array.dtype.kind == "f" else fill


def _flags(array: xr.DataArray) -> dict[int, str]:
    """Values of a classification with their meanings; nothing of other arrays."""
    meanings = str(array.attrs.get("flag_meanings", "")).split()
    return dict(zip(map(int, array.attrs.get("flag_values", ())), meanings, strict=False))


def _colour_table(array: xr.DataArray, colours: Mapping[int, str]) -> dict[int, _Colour]:
    """Colours as GDAL takes them."""
    name = array.name or "array"
    if colours and array.dtype != np.uint8:
        raise InputError(
            f"{name}: is of type {array.dtype}, but a colour table needs uint8. Convert the classes with "
            ".astype('uint8'), or leave out the colours."
        )
    for value, colour in colours.items():
        if not 0 <= value <= 255 or not _HEX.fullmatch(colour):
            raise InputError(
                f"{name}: colour {colour!r} of class {value}; a colour table takes values from 0 to 255 and colours "
                "written as '#rrggbb'."
            )
    return {value: (*bytes.fromhex(colour[1:]), 255) for value, colour in colours.items()}


def _describe(dataset: rasterio.io.DatasetWriter, array: xr.DataArray) -> None:
    dataset.set_band_description(1, str(array.attrs.get("long_name", array.name or "")))
    dataset.set_band_unit(1, str(array.attrs.get("units", "")))
    dataset.update_tags(1, **{f"class_{value}": meaning for value, meaning in _flags(array).items()})


def _creation_options(array: xr.DataArray) -> dict[str, object]:
    integers = "mode" if _flags(array) else "nearest"
    return {
        "compress": "deflate",
        "predictor": "yes",
        "blocksize": BLOCK,
        "overviews": "ignore_existing",
        "overview_resampling": "average" if array.dtype.kind == "f" else integers,
        "bigtiff": "if_safer",
        "num_threads": len(os.sched_getaffinity(0)),
    }


def _computed(array: xr.DataArray, batch_bytes: int) -> Iterator[tuple[_Region, np.ndarray]]:
    """Every region with its values, each chunk computed once."""
    for batch in _batches(_regions(array), batch_bytes // array.dtype.itemsize):
        blocks = dask.compute(*(array[region] for region in batch))
        yield from ((region, block.values) for region, block in zip(batch, blocks, strict=True))


def _regions(array: xr.DataArray) -> list[_Region]:
    """The chunks of a lazy array, or the tiles of the file, row by row."""
    sizes = [array.chunksizes.get(dim) or _tiles(array.sizes[dim]) for dim in ("y", "x")]
    rows, columns = ([slice(*ends) for ends in pairwise(np.cumsum([0, *size]).tolist())] for size in sizes)
    return list(product(rows, columns))


def _tiles(length: int) -> list[int]:
    return [min(BLOCK, length - start) for start in range(0, length, BLOCK)]


def _batches(regions: list[_Region], most_pixels: int) -> Iterator[list[_Region]]:
    """Runs of regions that together hold no more pixels than that, or of one region that holds more alone."""
    batch: list[_Region] = []
    pixels = 0
    for region in regions:
        size = prod(side.stop - side.start for side in region)
        if batch and pixels + size > most_pixels:
            yield batch
            batch, pixels = [], 0
        batch.append(region)
        pixels += size
    if batch:
        yield batch
