"""Where people probed the active layer of the scene: mostly in uniform surroundings, at times where they are mixed.

At an edge between classes and on steep ground the probed place thaws deeper than its pixel, so that a factor of
Stefan's equation from all sites is too large.
"""

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.ndimage import uniform_filter

from cryoscale.errors import InputError
from cryoscale.scenes.active_layer_grids import CRS
from cryoscale.scenes.active_layer_land import E_FACTOR, FIELDS, Land
from cryoscale.scenes.terrain import Field

UNIFORM, EDGE, STEEP = "uniform", "class edge", "steep slope"
UNIFORM_SITES, EDGE_SITES, STEEP_SITES = 28, 6, 6
WINDOW = 5  # pixels along a side of the surroundings: 150 m
LARGEST_NDVI_SPREAD, LARGEST_SLOPE_SPREAD = 0.03, 2.0  # of uniform surroundings; 1, degree
STEEPEST, LEAST_SLOPE_SPREAD = 15.0, 4.5  # degree; of steep ones
PROBING = 0.05  # m, error of a measurement
DEEPER, DEEPER_SPREAD = 1.3, 0.1  # thickness at a place in mixed surroundings over that of its pixel
MOST_YEARS = 4  # in which a site is measured


def sites(land: Land, thickness: xr.DataArray, *, rng: np.random.Generator) -> pd.DataFrame:
    """Thickness of the active layer at the end of the season, probed at up to 40 sites in one to four years.

    Parameters
    ----------
    land : Land
        The ground.
    thickness : xarray.DataArray
        True ``active_layer_thickness`` (year, y, x), m.
    rng : numpy.random.Generator
        Source of places, years and errors.

    Returns
    -------
    pandas.DataFrame
        A row for each site and year: ``site``, ``longitude``, ``latitude`` (degree), ``x``, ``y`` (m, in the CRS of the
        scene), ``year``, ``active_layer_thickness`` (m) and ``surroundings``: "uniform", "class edge" or "steep slope".
        A uniform site has the thickness of its pixel with an error of 5 cm; at the others it is 30 % larger.

    Raises
    ------
    InputError
        If no place in the scene has uniform surroundings.
    """
    where, how, rest = rng.spawn(3)
    allowed = np.isfinite(thickness.values).all(0)
    chosen = [(place, kind) for kind, places in _places(land, allowed, rng=where).items() for place in places]
    if not any(kind == UNIFORM for _, kind in chosen):
        raise InputError(
            f"active-layer scene: none of its {allowed.size} pixels has uniform surroundings with permafrost. "
            "Give a larger shape or another seed."
        )
    tables = []
    for number, ((row, column), kind) in enumerate(chosen, start=1):
        place = {"site": f"P{number:02d}", **_location(land, (row, column), rng=rest)}
        probed = _probed(thickness.isel(y=row, x=column), kind, rng=how)
        tables.append(pd.DataFrame(place | probed | {"surroundings": kind}))
    return pd.concat(tables, ignore_index=True)


def _places(land: Land, allowed: NDArray[np.bool_], *, rng: np.random.Generator) -> dict[str, list[tuple[int, int]]]:
    """Pixels by kind of surroundings; of the uniform ones and the edges, each class has its share."""
    slope_spread = _spread(land.slope)
    ndvi_spread = _spread(land.fields[[FIELDS.index(name) for name in ("background", "vigour")]].sum(0))
    own_class = _own_class(land)
    inside = allowed & _inside(allowed.shape)
    even = (own_class > 0.999) & (ndvi_spread < LARGEST_NDVI_SPREAD) & (slope_spread < LARGEST_SLOPE_SPREAD)
    edge = (own_class > 0.35) & (own_class < 0.65) & (land.slope < STEEPEST)
    steep = (land.slope > STEEPEST) & (slope_spread > LEAST_SLOPE_SPREAD)
    return {
        UNIFORM: _pick_by_class(inside & even, land, n=UNIFORM_SITES, rng=rng),
        EDGE: _pick_by_class(inside & edge, land, n=EDGE_SITES, rng=rng),
        STEEP: _pick(inside & steep, STEEP_SITES, rng=rng),
    }


def _pick_by_class(where: NDArray[np.bool_], land: Land, *, n: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Up to n pixels, as evenly shared among the classes as can be."""
    shares = np.diff(np.linspace(0, n, len(E_FACTOR) + 1).round().astype(int))
    return [
        pixel
        for code, share in zip(E_FACTOR, shares, strict=True)
        for pixel in _pick(where & (land.land_cover == code), int(share), rng=rng)
    ]


def _pick(where: NDArray[np.bool_], n: int, *, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Up to n pixels at random."""
    pixels = np.argwhere(where)
    return [(int(row), int(column)) for row, column in rng.permutation(pixels)[:n]]


def _inside(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels whose surroundings lie in the scene."""
    inside = np.zeros(shape, bool)
    inside[WINDOW:-WINDOW, WINDOW:-WINDOW] = True
    return inside


def _spread(field: Field) -> NDArray[np.float64]:
    """Standard deviation over the surroundings."""
    values = field.astype(np.float64)
    variance = uniform_filter(values**2, WINDOW) - uniform_filter(values, WINDOW) ** 2
    return np.asarray(np.sqrt(np.maximum(variance, 0)))


def _own_class(land: Land) -> NDArray[np.float64]:
    """Share of the surroundings in the class of the pixel."""
    share = np.zeros(land.land_cover.shape)
    for code in E_FACTOR:
        same = land.land_cover == code
        share[same] = uniform_filter(same.astype(np.float64), WINDOW)[same]
    return share


def _location(land: Land, pixel: tuple[int, int], *, rng: np.random.Generator) -> dict[str, float]:
    """A point somewhere in a pixel."""
    row, column = pixel + rng.uniform(0.2, 0.8, 2)
    x, y = land.geobox.transform @ (column, row)
    longitude, latitude = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(x, y)
    return {
        "longitude": round(longitude, 6),
        "latitude": round(latitude, 6),
        "x": round(x, 1),
        "y": round(y, 1),
    }


def _probed(true: xr.DataArray, kind: str, *, rng: np.random.Generator) -> dict[str, NDArray[np.generic]]:
    """Thickness in some years, in whole centimetres."""
    n = int(rng.integers(1, min(MOST_YEARS, true.sizes["year"]) + 1))
    years = np.sort(rng.choice(true.year.values, n, replace=False))
    factor = 1.0 if kind == UNIFORM else DEEPER + DEEPER_SPREAD * rng.standard_normal()
    thickness = factor * true.sel(year=years).values + PROBING * rng.standard_normal(n)
    return {"year": years, "active_layer_thickness": thickness.clip(0.1).round(2)}
