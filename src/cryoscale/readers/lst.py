"""Daily land surface temperature of four overpasses on one grid, read chunk by chunk."""

from collections.abc import Mapping
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask._task_spec import Task
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.grids import describe_grid, grid_coords
from cryoscale.readers.headers import Grid
from cryoscale.readers.lst_files import LstFiles, LstImage
from cryoscale.readers.lst_window import LstWindow, grid_of_part, read_images
from cryoscale.readers.mosaics import overlaps
from cryoscale.readers.places import grid_of
from cryoscale.readers.warp import Resampling, spans_of
from cryoscale.variables import attributes


def open_lst(
    files: LstFiles, geobox: GeoBox, *, chunks: Mapping[str, int], resampling: Resampling = Resampling.NEAREST
) -> xr.DataArray:
    """Open images of land surface temperature on a grid.

    Quality flags and no data are taken off before resampling. Each chunk opens the files of its days and reads the
    window that it needs; it is the same, to the bit, whatever the chunks.

    Parameters
    ----------
    files : LstFiles
        What `find_lst` found.
    geobox : odc.geo.geobox.GeoBox
        The grid, with any CRS.
    chunks : mapping
        Chunk lengths along ``time``, ``y`` and ``x``; -1 is the whole axis. A chunk holds one overpass.
    resampling : Resampling
        NEAREST keeps every temperature as it was measured. BILINEAR is smooth, but has no value where one of the four
        pixels around has none. For a grid much coarser than the images, read them on a fine one and average the result.

    Returns
    -------
    xarray.DataArray
        ``lst`` (overpass, time, y, x), degC, float32, lazy. Every day from the first image to the last; NaN where there
        is no file or no data.

    Raises
    ------
    InputError
        If `resampling` is another, or the first image of an overpass does not overlap the grid; while computing, if a
        file cannot be read, or a temperature is not within -100 to 90 degC.
    """
    if resampling not in (Resampling.NEAREST, Resampling.BILINEAR):
        raise InputError(f"resampling: lst can be read nearest or bilinear, not {resampling.value}.")
    grid, overpasses, days = grid_of(geobox), files.overpasses, files.days
    for overpass in overpasses:
        _require_overlap(next(image for image in files.images if image.overpass == overpass), grid)
    shape = (len(overpasses), len(days), *grid.shape)
    lengths = da.core.normalize_chunks((1, chunks["time"], chunks["y"], chunks["x"]), shape)
    name = f"lst-{tokenize(files, geobox, lengths, resampling)}"
    spans = [spans_of(axis) for axis in lengths[1:]]
    by_image = {(image.overpass, image.day): image for image in files.images}
    tasks: dict[Any, Task] = {}
    for o, t in np.ndindex(len(lengths[0]), len(lengths[1])):
        images = [by_image.get((overpasses[o], day)) for day in days[spans[0][t].start : spans[0][t].stop]]
        for i, j in np.ndindex(len(lengths[2]), len(lengths[3])):
            key = (name, o, t, i, j)
            work = LstWindow(tuple(images), spans[1][i], spans[2][j], grid, files.encoding, resampling)
            tasks[key] = Task(key, read_images, work)
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=[])
    cube = da.Array(graph, name, lengths, meta=np.empty((0, 0, 0, 0), np.float32))
    coords = {"overpass": list(overpasses), "time": days.astype("datetime64[ns]"), **grid_coords(geobox)}
    return xr.DataArray(cube, dims=("overpass", "time", "y", "x"), coords=coords, name="lst", attrs=attributes("lst"))


def _require_overlap(image: LstImage, target: Grid) -> None:
    """Refuse an image none of whose parts reaches into the grid."""
    grids = [grid_of_part(part) for part in image.parts]
    if not any(overlaps(grid, target) for grid in grids):
        raise InputError(
            f"{image.parts[0].path}: does not overlap the grid. It has {describe_grid(grids[0].geobox)}; wanted are "
            f"{describe_grid(target.geobox)}. Give images of that area, and check that their CRS is right."
        )
