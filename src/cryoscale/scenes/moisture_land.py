"""The ground of the moisture scene: a plateau with 25 covariates, each from a map on its own grid."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy.ndimage import map_coordinates

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.scenes.terrain import Field, fractal_field
from cryoscale.terrain import aspect_components, curvature, slope, topographic_position, topographic_wetness
from cryoscale.variables import attributes

CENTRE = (34.9, 93.0)  # latitude and longitude: the plateau between Kunlun and Tanggula
PIXEL = 1 / 1200  # degree, three seconds of arc, about 90 m
COARSER = 10  # fine pixels along one of the maps of about 1 km
POSITION_RADIUS = 900.0  # m, of topographic position
MEAN_HEIGHT, RELIEF = 4650.0, 110.0  # m; RELIEF is a standard deviation

TERRAIN = (
    "elevation",
    "slope",
    "aspect_sin",
    "aspect_cos",
    "curvature",
    "topographic_position",
    "topographic_wetness",
)
"""Covariates that a DEM gives."""

LAYERS = ("0_30", "30_100")
"""Layers of the soil, cm."""

UNITS: Mapping[str, str] = MappingProxyType(
    {"backscatter_vv": "dB", "backscatter_vh": "dB", "ndvi": "1", "ndwi": "1", "lst_day": "degC", "lst_night": "degC"}
    | {f"{name}_{layer}": "%" for name in ("sand", "silt", "clay") for layer in LAYERS}
    | {f"bulk_density_{layer}": "g cm-3" for layer in LAYERS}
    | {f"organic_carbon_{layer}": "g kg-1" for layer in LAYERS}
    | {f"porosity_{layer}": "m3 m-3" for layer in LAYERS}
)
"""Covariates that have a map of their own, and their units."""

LEAST_POROSITY, LARGEST_POROSITY = 0.46, 0.75


def plateau_geobox(shape: tuple[int, int], *, coarser: int = 1) -> GeoBox:
    """The grid of three seconds of arc around the centre, or one with the same corners and fewer pixels.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the fine grid, multiples of 10, 20 or more.
    coarser : int
        Fine pixels along one of this grid.

    Returns
    -------
    odc.geo.geobox.GeoBox

    Raises
    ------
    InputError
        If the fine grid is not a whole number of coarse pixels.
    """
    if any(size % COARSER or size < 2 * COARSER for size in shape):
        raise InputError(
            f"shape: {shape} is not made of pixels of about 1 km. Give multiples of {COARSER}, {2 * COARSER} or more."
        )
    north = round(CENTRE[0] + shape[0] // 2 * PIXEL, 6)
    west = round(CENTRE[1] - shape[1] // 2 * PIXEL, 6)
    size = PIXEL * coarser
    rows, columns = (length // coarser for length in shape)
    return GeoBox((rows, columns), Affine(size, 0, west, 0, -size, north), "EPSG:4326")


def plateau_maps(shape: tuple[int, int], *, rng: np.random.Generator) -> dict[str, xr.DataArray]:
    """The DEM and the 18 other maps, each on the grid that such maps come on.

    Wetness, warmth and texture of the ground are fields of several scales. The covariates share them, so that each is
    correlated with others, as in nature, and each has a part of its own.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of three seconds of arc.
    rng : numpy.random.Generator
        Source of all that is random in it.

    Returns
    -------
    dict of str to xarray.DataArray
        ``elevation`` and the names of `UNITS`, float32 (y, x): surface temperature and soil on pixels of about 1 km.
    """
    fine, coarse = plateau_geobox(shape), plateau_geobox(shape, coarser=COARSER)
    coarse_shape = (shape[0] // COARSER, shape[1] // COARSER)
    height = _field(shape, 3.2, rng)
    wet = _field(shape, 2.3, rng)
    texture, warmth = (_field(coarse_shape, 2.2, rng) for _ in range(2))
    plants = _near(wet, 0.45, rng) - 0.25 * height
    radar = _near(wet, 0.35, rng)
    maps = {
        "ndvi": np.clip(0.34 + 0.14 * plants, 0.02, 0.9),
        "ndwi": np.clip(-0.05 + 0.12 * _near(wet, 0.6, rng), -0.8, 0.8),
        "backscatter_vv": -12.5 + 1.8 * radar,
        "backscatter_vh": -20.5 + 1.9 * _near(radar, 0.55, rng),
        "lst_day": 17.0 + 2.2 * warmth - 0.9 * _coarse(height),
        "lst_night": -2.0 + 1.4 * _near(warmth, 0.45, rng) - 0.7 * _coarse(height),
        **_soil(texture, _coarse(wet), rng),
    }
    made = {name: _map(field, name, fine if field.shape == shape else coarse) for name, field in maps.items()}
    elevation = xr.DataArray(
        np.asarray(MEAN_HEIGHT + RELIEF * height, np.float32), grid_coords(fine), ("y", "x"), "elevation"
    )
    return {"elevation": elevation.assign_attrs(attributes("elevation"))} | {name: made[name] for name in UNITS}


def plateau_covariates(maps: Mapping[str, xr.DataArray]) -> xr.Dataset:
    """All covariates on the grid of the DEM: derivatives of it, and the other maps between their pixels' centres.

    Parameters
    ----------
    maps : mapping of str to xarray.DataArray
        From `plateau_maps`.

    Returns
    -------
    xarray.Dataset
        (y, x), float32, each with ``units``: the names of `TERRAIN`, then those of `UNITS`.
    """
    elevation = maps["elevation"]
    derived = {
        "elevation": elevation,
        "slope": slope(elevation),
        **aspect_components(elevation).data_vars,
        "curvature": curvature(elevation),
        "topographic_position": topographic_position(elevation, radius=POSITION_RADIUS),
        "topographic_wetness": topographic_wetness(elevation),
    }
    others = {
        name: xr.DataArray(
            refine(maps[name].values, elevation.shape), elevation.coords, ("y", "x"), name, dict(maps[name].attrs)
        )
        for name in UNITS
    }
    return xr.Dataset({name: derived[name] for name in TERRAIN} | others)


def refine(field: NDArray[np.floating], shape: tuple[int, ...]) -> Field:
    """Bilinear between the centres of coarse pixels; beyond the outermost centres their values hold.

    Parameters
    ----------
    field : ndarray (y, x)
        A map with the same corners.
    shape : tuple of int
        Rows and columns that are wanted.

    Returns
    -------
    ndarray (y, x)
        float32; the field itself if it has that shape.

    Examples
    --------
    >>> refine(np.array([[0.0, 1.0]]), (1, 4))
    array([[0.  , 0.25, 0.75, 1.  ]], dtype=float32)
    """
    places = [(np.arange(n) + 0.5) * m / n - 0.5 for n, m in zip(shape, field.shape, strict=True)]
    at = np.meshgrid(*places, indexing="ij")
    return np.asarray(map_coordinates(field.astype(np.float64), at, order=1, mode="nearest"), np.float32)


def _field(shape: tuple[int, ...], exponent: float, rng: np.random.Generator) -> NDArray[np.float64]:
    rows, columns = shape
    return fractal_field((rows, columns), exponent=exponent, rng=rng).astype(np.float64)


def _near(other: NDArray[np.float64], likeness: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A field whose correlation with another is about this."""
    return np.asarray(likeness * other + np.sqrt(1 - likeness**2) * _field(other.shape, 2.1, rng))


def _soil(
    texture: NDArray[np.float64], wet: NDArray[np.float64], rng: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """Properties of both layers; sand, silt and clay add up to 100 %, and what is rich in carbon is loose."""
    soil: dict[str, NDArray[np.float64]] = {}
    organic = _near(wet, 0.4, rng)
    for layer, likeness, depth in zip(LAYERS, (1.0, 0.5), (0.0, 1.0), strict=True):
        grain = _near(texture, likeness, rng)
        fine = _near(-grain, 0.3, rng)
        carbon = np.exp(2.9 - 0.7 * depth + 0.75 * _near(organic, 1.0 if depth == 0 else 0.45, rng))
        sand = np.clip(52.0 + 9.0 * grain, 10.0, 88.0)
        clay = np.clip(16.0 + 5.0 * depth + 6.0 * fine, 2.0, 96.0 - sand)
        pores = np.clip(0.58 - 0.05 * depth + 0.04 * _near(organic, 0.5, rng), LEAST_POROSITY, LARGEST_POROSITY)
        values = {
            "sand": sand,
            "silt": 100.0 - sand - clay,
            "clay": clay,
            "bulk_density": 2.65 * (1.0 - pores),
            "organic_carbon": carbon,
            "porosity": pores,
        }
        soil |= {f"{name}_{layer}": value for name, value in values.items()}
    return soil


def _coarse(field: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns = (size // COARSER for size in field.shape)
    return np.asarray(field.reshape(rows, COARSER, columns, COARSER).mean((1, 3)))


def _map(field: NDArray[np.float64], name: str, geobox: GeoBox) -> xr.DataArray:
    attrs = {"units": UNITS[name], "long_name": name.replace("_", " ")}
    return xr.DataArray(field.astype(np.float32), grid_coords(geobox), ("y", "x"), name, attrs)
