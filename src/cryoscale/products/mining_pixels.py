"""Pixels of pits and heaps: which they are, how deep or high each is, and maps made of values by column."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import dask.array as da
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from cryoscale.engine import Scheduler
from cryoscale.errors import InputError
from cryoscale.grids import grid_coords, pixel_areas
from cryoscale.products.mining_columns import class_of
from cryoscale.products.mining_works import Heat
from cryoscale.readers import burn_areas
from cryoscale.variables import VARIABLES, attributes

Values = np.ndarray[Any, Any]


def work_map(works: gpd.GeoDataFrame, geobox: GeoBox, *, chunks: Mapping[str, int]) -> xr.DataArray:
    """Map of the pit or heap that each pixel belongs to.

    Parameters
    ----------
    works : geopandas.GeoDataFrame
        From `readers.read_mine`.
    geobox : odc.geo.geobox.GeoBox
        The grid.
    chunks : mapping
        Chunk lengths along ``y`` and ``x``.

    Returns
    -------
    xarray.DataArray
        ``mine_work`` (y, x), lazy: position in `works` from 1 on, 0 outside. Where they overlap, the one that was
        begun last counts.
    """
    codes = np.arange(1, len(works) + 1)
    words = works["name"].str.replace(r"\s+", "_", regex=True)
    burnt = burn_areas(works, codes, "mine_work", geobox=geobox, chunks=chunks)
    return burnt.assign_attrs(flag_values=[0, *codes.tolist()], flag_meanings=" ".join(["none", *words]))


def find_pixels(maps: xr.Dataset, works: gpd.GeoDataFrame, heat: Heat, *, scheduler: Scheduler) -> pd.DataFrame:
    """Pixels of pits and heaps with what tells their columns apart.

    Parameters
    ----------
    maps : xarray.Dataset
        (y, x) ``mine_work``, ``ground_unit``, ``magt``; lazy. Read around the works alone.
    works : geopandas.GeoDataFrame
        From `readers.read_mine`.
    heat : Heat
        Slopes and classes.
    scheduler : Scheduler
        Reads the maps.

    Returns
    -------
    pandas.DataFrame
        A row a pixel: ``row``, ``column``, ``area`` (km2), ``work`` (position in `works`), ``unit`` (name or number,
        "" where there is none), ``magt`` (degC, rounded; NaN where there is none), ``size`` (m, of its class).

    Raises
    ------
    InputError
        If no pixel of the grid lies in a pit or a heap.
    """
    geobox = maps.odc.geobox
    tables = []
    for position in works.index:
        window = _window(works.geometry.loc[[position]], geobox)
        if window is not None:
            near = scheduler.reduce(maps.isel(window).reset_coords(drop=True))
            tables.append(_pixels_of(near, int(position), window))
    pixels = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    if pixels.empty:
        raise InputError("mine.outlines: no pixel of the grid lies in a pit or a heap. Check their CRS and the grid.")
    units = maps["ground_unit"].attrs
    legend = dict(zip(units.get("flag_values", ()), units.get("flag_meanings", "").split(), strict=True))
    pixels["unit"] = ["" if code == 0 else legend.get(code, str(code)) for code in pixels["unit"].tolist()]
    step = heat.numerics.magt_step
    pixels["magt"] = (step * (pixels["magt"] / step).round()).round(6)
    pixels["size"] = _sizes(pixels, works, heat, geobox=geobox)
    areas = pixel_areas(geobox).values / 1e6
    return pixels.assign(area=areas[pixels["row"], pixels["column"]])


def crs_of(geobox: GeoBox) -> str:
    """CRS of a grid, as WKT.

    Raises
    ------
    InputError
        If it has none.
    """
    if geobox.crs is None:
        raise InputError("grid: has no CRS, so that nothing can be placed on it. Set grid.crs.")
    return str(geobox.crs.to_wkt())


def _window(shape: gpd.GeoSeries, geobox: GeoBox) -> dict[str, slice] | None:
    """Rows and columns around an outline; None if it lies outside."""
    left, bottom, right, top = shape.to_crs(crs_of(geobox)).total_bounds
    columns, rows = _along(~geobox.transform, np.array([left, right]), np.array([top, bottom]))
    spans = [
        slice(max(int(np.floor(min(ends))), 0), min(int(np.ceil(max(ends))), size))
        for ends, size in ((rows, geobox.shape[0]), (columns, geobox.shape[1]))
    ]
    return dict(zip(("y", "x"), spans, strict=True)) if all(span.stop > span.start for span in spans) else None


def _along(transform: Affine, first: Values, second: Values) -> tuple[Values, Values]:
    """An affine transformation of many places."""
    a, b, c, d, e, f = transform[:6]
    return a * first + b * second + c, d * first + e * second + f


def _pixels_of(near: xr.Dataset, position: int, window: dict[str, slice]) -> pd.DataFrame:
    rows, columns = np.nonzero(near["mine_work"].transpose("y", "x").values == position + 1)
    at = {"y": xr.DataArray(rows, dims="pixel"), "x": xr.DataArray(columns, dims="pixel")}
    values = near[["ground_unit", "magt"]].isel(at)
    places = {"row": rows + window["y"].start, "column": columns + window["x"].start, "work": position}
    return pd.DataFrame(
        places | {"unit": values["ground_unit"].values.astype(int), "magt": values["magt"].values.astype(float)}
    )


def _sizes(pixels: pd.DataFrame, works: gpd.GeoDataFrame, heat: Heat, *, geobox: GeoBox) -> Values:
    """Depth or height of each pixel: as far as the slope from the outline lets it get, in classes."""
    metric = works.estimate_utm_crs()
    outlines = works.geometry.to_crs(metric).boundary
    x, y = _along(geobox.transform, pixels["column"].to_numpy() + 0.5, pixels["row"].to_numpy() + 0.5)
    to_metric = Transformer.from_crs(crs_of(geobox), metric, always_xy=True)
    centres = shapely.points(*to_metric.transform(x, y))
    away = shapely.distance(centres, outlines.loc[pixels["work"]].values)
    sizes = np.empty(len(pixels))
    for position, rows in pixels.groupby("work").indices.items():
        work = works.loc[position]
        slope = heat.slope(work["kind"])
        reached = away[rows] * np.tan(np.radians(slope)) if slope < 90 else np.inf
        full = float(work["size"])
        sizes[rows] = class_of(np.minimum(reached, full), full=full, step=heat.numerics.size_step)
    return sizes


def spread(values: xr.DataArray, pixels: pd.DataFrame, geobox: GeoBox, *, chunks: Mapping[str, int]) -> xr.DataArray:
    """Give each pixel the values of its column.

    Parameters
    ----------
    values : xarray.DataArray
        (..., column), in memory, registered.
    pixels : pandas.DataFrame
        ``row``, ``column`` and ``position`` of its column in `values`; -1: none.
    geobox : odc.geo.geobox.GeoBox
        The grid.
    chunks : mapping
        Chunk lengths along ``y`` and ``x``.

    Returns
    -------
    xarray.DataArray
        (..., y, x), lazy; NaN, or 0 of classes, where there is no column.
    """
    whole = values.transpose(..., "column")
    lengths = da.core.normalize_chunks((chunks["y"], chunks["x"]), (geobox.shape[0], geobox.shape[1]))
    known = pixels[pixels["position"] >= 0]
    dtype = np.dtype(VARIABLES[str(values.name)].dtype)
    fill = partial(
        _fill,
        values=whole.values,
        places=known[["row", "column", "position"]].to_numpy(),
        dtype=dtype,
    )
    outer = whole.shape[:-1]
    data = da.map_blocks(
        fill,
        chunks=(*((size,) for size in outer), *lengths),
        dtype=dtype,
        meta=np.empty((0,) * (len(outer) + 2), dtype),
    )
    coords = {dim: whole[dim] for dim in whole.dims[:-1]} | dict(grid_coords(geobox))
    return xr.DataArray(data, coords, (*whole.dims[:-1], "y", "x"), values.name, attributes(str(values.name)))


def _fill(*, values: Values, places: Values, dtype: Any, block_info: dict[Any, dict[str, Any]]) -> Values:
    location = block_info[None]["array-location"]
    (top, bottom), (left, right) = location[-2:]
    missing = np.nan if dtype.kind == "f" else 0
    block = np.full((*values.shape[:-1], bottom - top, right - left), missing, dtype)
    rows, columns, position = places.T
    inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
    block[..., rows[inside] - top, columns[inside] - left] = values[..., position[inside]]
    return block
