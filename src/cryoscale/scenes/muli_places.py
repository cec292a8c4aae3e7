"""Where people worked in the mining district: labelled points, boreholes of temperature, pits and heaps."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from scipy.ndimage import maximum_filter, minimum_filter
from shapely import Point
from shapely.affinity import rotate, scale

from cryoscale.errors import InputError
from cryoscale.scenes.muli_land import VEGETATION, WATER, MuliLand

LABELS, BOREHOLES = 184, 48
BOREHOLE_NOISE = 0.12  # K
DEPTHS = (12.0, 20.0)  # m, of zero annual amplitude

# Place along and across the seam and half axes, in shares of the shorter side of the scene; metres; years
_PITS = (
    {"along": -0.27, "depth": 90.0, "start": 2004, "end": 2013, "backfilled": np.nan, "lake": True},
    {"along": -0.09, "depth": 140.0, "start": 2003, "end": 2014, "backfilled": 2021.0, "lake": False},
    {"along": 0.09, "depth": 60.0, "start": 2008, "end": 2014, "backfilled": 2016.0, "lake": False},
    {"along": 0.27, "depth": 110.0, "start": 2006, "end": 2014, "backfilled": np.nan, "lake": True},
)
_HEAPS = (
    {"along": -0.27, "height": 25.0, "start": 2004, "end": 2013},
    {"along": -0.09, "height": 45.0, "start": 2003, "end": 2014},
    {"along": 0.09, "height": 20.0, "start": 2008, "end": 2014},
    {"along": 0.27, "height": 35.0, "start": 2006, "end": 2014},
)
_SEAM, _DUMPS = -0.19, -0.30  # on the flank that faces north, where permafrost is cold
_PIT_AXES, _HEAP_AXES = (0.07, 0.028), (0.055, 0.035)
_ANGLE = -45.0  # degree: the seam follows the valley from north-west to south-east


def labels(land: MuliLand, *, rng: np.random.Generator) -> pd.DataFrame:
    """184 points whose vegetation somebody has looked at, about as many of each class, away from edges where it can be.

    Parameters
    ----------
    land : MuliLand
        The ground.
    rng : numpy.random.Generator
        Source of places.

    Returns
    -------
    pandas.DataFrame
        ``label``, ``longitude``, ``latitude`` (degree), ``class`` (name of `VEGETATION`).

    Raises
    ------
    InputError
        If the scene has too few pixels of a class.
    """
    classes = land.vegetation.values
    uniform = minimum_filter(classes, 3) == maximum_filter(classes, 3)
    shares = np.diff(np.linspace(0, LABELS, len(VEGETATION) + 1).round().astype(int))
    names: list[str] = []
    pixels: list[tuple[int, int]] = []
    for code, share in zip(VEGETATION, shares, strict=True):
        pixels += _pick(classes == code, int(share), first=uniform, what=VEGETATION[code], rng=rng)
        names += [VEGETATION[code]] * int(share)
    table = pd.DataFrame(places_in(land.geobox, pixels, rng=rng)).assign(**{"class": names})
    table.insert(0, "label", [f"V{n + 1:03d}" for n in range(len(table))])
    return table


def boreholes(land: MuliLand, *, rng: np.random.Generator) -> pd.DataFrame:
    """Mean annual ground temperature in 48 boreholes, as many in each class of vegetation.

    Parameters
    ----------
    land : MuliLand
        The ground.
    rng : numpy.random.Generator
        Source of places and noise.

    Returns
    -------
    pandas.DataFrame
        ``borehole``, ``longitude``, ``latitude`` (degree), ``depth`` (m), ``magt`` (degC) with an error of 0.12 K.

    Raises
    ------
    InputError
        If the scene has too few pixels of a class.
    """
    dry = [code for code in VEGETATION if code != WATER]
    everywhere = np.ones(land.geobox.shape, bool)
    pixels: list[tuple[int, int]] = []
    for code in dry:
        where = land.vegetation.values == code
        pixels += _pick(where, BOREHOLES // len(dry), first=everywhere, what=VEGETATION[code], rng=rng)
    true = np.array([land.magt.values[pixel] for pixel in pixels], float)
    table = pd.DataFrame(places_in(land.geobox, pixels, rng=rng))
    table.insert(0, "borehole", [f"T{n + 1:02d}" for n in range(len(table))])
    return table.assign(
        depth=rng.uniform(*DEPTHS, len(table)).round(1),
        magt=(true + BOREHOLE_NOISE * rng.standard_normal(len(table))).round(2),
    )


def mine(geobox: GeoBox) -> gpd.GeoDataFrame:
    """Pits along a seam of coal, and heaps of waste rock beside them.

    Parameters
    ----------
    geobox : odc.geo.geobox.GeoBox
        Grid of the scene.

    Returns
    -------
    geopandas.GeoDataFrame
        Polygons in the CRS of the grid: ``name``, ``kind`` ("pit", "heap"), ``depth`` of a pit and ``height`` of a heap
        (m), ``start`` and ``end`` of digging or dumping (years), ``backfilled`` (year, NaN: never) and ``lake``
        (whether water fills the pit afterwards).

    Examples
    --------
    >>> from cryoscale.scenes.muli_land import muli_geobox
    >>> mine(muli_geobox((100, 120))).kind.value_counts().to_dict()
    {'pit': 4, 'heap': 4}
    """
    pits = [_work(geobox, "pit", work, across=_SEAM, axes=_PIT_AXES) for work in _PITS]
    heaps = [_work(geobox, "heap", work, across=_DUMPS, axes=_HEAP_AXES) for work in _HEAPS]
    table = gpd.GeoDataFrame([*pits, *heaps], geometry="geometry", crs=str(geobox.crs))
    table.insert(0, "name", [f"P{n + 1}" for n in range(len(pits))] + [f"H{n + 1}" for n in range(len(heaps))])
    return table


def places_in(geobox: GeoBox, pixels: Any, *, rng: np.random.Generator) -> list[dict[str, float]]:
    """A point somewhere in each of some pixels.

    Parameters
    ----------
    geobox : odc.geo.geobox.GeoBox
        The grid.
    pixels : array_like
        (pixel, 2), row and column.
    rng : numpy.random.Generator
        Source of the place within each.

    Returns
    -------
    list of dict
        ``longitude`` and ``latitude``, degree.
    """
    rows, columns = np.transpose(np.asarray(pixels) + rng.uniform(0.2, 0.8, (len(pixels), 2)))
    to_degrees = Transformer.from_crs(str(geobox.crs), "EPSG:4326", always_xy=True)
    places = np.transpose(to_degrees.transform(*(geobox.transform @ (columns, rows)))).round(6)
    return [{"longitude": longitude, "latitude": latitude} for longitude, latitude in places.tolist()]


def _pick(
    where: NDArray[np.bool_], n: int, *, first: NDArray[np.bool_], what: str, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Pixels at random, those of `first` before others."""
    pixels = rng.permutation(np.argwhere(where))
    if len(pixels) < n:
        raise InputError(f"muli scene: has {len(pixels)} pixels of {what}, but needs {n}. Give a larger shape.")
    order = np.argsort(~first[pixels[:, 0], pixels[:, 1]], kind="stable")
    return [(int(row), int(column)) for row, column in pixels[order[:n]]]


def _work(
    geobox: GeoBox, kind: str, work: dict[str, Any], *, across: float, axes: tuple[float, float]
) -> dict[str, Any]:
    """A pit or a heap: an ellipse along the seam."""
    box = geobox.boundingbox
    side = min(box.span_x, box.span_y)
    along = work["along"]
    x = (box.left + box.right) / 2 + side * (along + across) / np.sqrt(2)
    y = (box.bottom + box.top) / 2 + side * (across - along) / np.sqrt(2)
    outline = rotate(scale(Point(x, y).buffer(1.0), side * axes[0], side * axes[1]), _ANGLE)
    rest = {name: value for name, value in work.items() if name != "along"}
    empty = {"kind": kind, "depth": np.nan, "height": np.nan, "backfilled": np.nan, "lake": False}
    return empty | rest | {"geometry": outline}
