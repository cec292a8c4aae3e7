"""Ground of the mining district of Muli: relief, plants, sediments, and how warm and frozen it is below them."""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from scipy.ndimage import gaussian_filter

from cryoscale.grids import grid_coords
from cryoscale.scenes.terrain import Field, Terrain, fractal_field, valley_terrain
from cryoscale.terrain import aspect_components, slope
from cryoscale.variables import attributes

CRS, CENTRE = "EPSG:32647", (38.1, 99.1)  # UTM 47N; latitude and longitude
PIXEL = 30.0  # m

SWAMP_MEADOW, MEADOW, STEPPE, BARE, WATER = 1, 2, 3, 4, 5
VEGETATION: MappingProxyType[int, str] = MappingProxyType(
    {
        SWAMP_MEADOW: "swamp_meadow",
        MEADOW: "alpine_meadow",
        STEPPE: "alpine_steppe",
        BARE: "bare_ground",
        WATER: "water",
    }
)
ALLUVIAL, LACUSTRINE, SLOPE_WASH, MORAINE, BEDROCK = 1, 2, 3, 4, 5
UNITS: MappingProxyType[int, str] = MappingProxyType(
    {
        ALLUVIAL: "alluvial",
        LACUSTRINE: "lacustrine_bog",
        SLOPE_WASH: "slope_wash",
        MORAINE: "moraine",
        BEDROCK: "bedrock",
    }
)

REFLECTANCE: MappingProxyType[str, tuple[float, ...]] = MappingProxyType(
    {
        "blue": (0.03, 0.04, 0.07, 0.12, 0.05),
        "green": (0.06, 0.08, 0.10, 0.15, 0.06),
        "red": (0.05, 0.07, 0.12, 0.18, 0.04),
        "nir": (0.30, 0.33, 0.24, 0.23, 0.02),
        "swir1": (0.15, 0.22, 0.28, 0.29, 0.01),
        "swir2": (0.07, 0.12, 0.20, 0.26, 0.01),
    }
)
"""Mean reflectance by band, of the classes of `VEGETATION` in their order."""

MAGT: MappingProxyType[str, float] = MappingProxyType(
    {
        "intercept": -1.1,  # degC at the reference height and the centre on a flat meadow
        "elevation": -0.0055,  # K m-1
        "longitude": -0.4,  # K per degree
        "latitude": -0.9,
        "aspect_sin": 0.1,  # K, of slopes to the east
        "aspect_cos": -0.45,  # K, of slopes to the north
        "slope": 0.01,  # K per degree
    }
)
"""True coefficients of mean annual ground temperature."""

MAGT_BY_VEGETATION: MappingProxyType[int, float] = MappingProxyType(
    {SWAMP_MEADOW: -0.7, MEADOW: 0.0, STEPPE: 0.5, BARE: 0.3, WATER: 2.5}
)
"""K, against meadow."""

REFERENCE_HEIGHT = 3950.0  # m
RESIDUAL = 0.08  # K, of what no map knows: smooth from place to place
THAW: MappingProxyType[int, float] = MappingProxyType({SWAMP_MEADOW: 1.1, MEADOW: 1.6, STEPPE: 2.4, BARE: 3.0})
"""Thickness of the active layer at 0 degC, m; it shrinks by `THAW_PER_KELVIN` for every K below."""

THAW_PER_KELVIN, THAW_SPREAD = 0.2, 0.1  # 1, of its logarithm
SUN = (0.45, -0.35, 0.82)  # direction to the sun when the image was taken: to the east, to the north, upward
BRIGHTNESS, NOISE, BLUR = 0.1, 0.015, 0.6  # spread of its logarithm; 1; pixels


@dataclass(frozen=True, slots=True)
class MuliLand:
    """The ground before mining, all (y, x) on one grid of 30 m.

    Attributes
    ----------
    geobox : odc.geo.geobox.GeoBox
        The grid.
    elevation : xarray.DataArray
        m.
    vegetation, units : xarray.DataArray of uint8
        Classes of `VEGETATION` and `UNITS`.
    bands : xarray.Dataset
        Reflectances by the names of `REFLECTANCE`.
    magt : xarray.DataArray
        True mean annual ground temperature, degC.
    permafrost : xarray.DataArray of bool
        Where that is 0 degC or below and there is no water.
    active_layer_thickness : xarray.DataArray
        m; NaN without permafrost.
    """

    geobox: GeoBox
    elevation: xr.DataArray
    vegetation: xr.DataArray
    units: xr.DataArray
    bands: xr.Dataset
    magt: xr.DataArray
    permafrost: xr.DataArray
    active_layer_thickness: xr.DataArray


def muli_land(shape: tuple[int, int], *, rng: np.random.Generator) -> MuliLand:
    """A valley of swamp meadows between bare ridges, with permafrost but in the lowest and sunniest places.

    Parameters
    ----------
    shape : tuple of int
        Rows (from north) and columns of 30 m.
    rng : numpy.random.Generator
        Source of all that is random in it.

    Returns
    -------
    MuliLand

    Examples
    --------
    >>> land = muli_land((48, 60), rng=np.random.default_rng(0))
    >>> land.geobox.crs.epsg, dict(land.bands.sizes)
    (32647, {'y': 48, 'x': 60})
    """
    relief, moisture, image, warmth, thaw = rng.spawn(5)
    geobox = muli_geobox(shape)
    terrain = valley_terrain(shape, spacing=(PIXEL, PIXEL), rng=relief)
    wetness = fractal_field(shape, exponent=2.9, rng=moisture)
    elevation = _map(terrain.elevation, geobox, name="elevation")
    classes = _vegetation(terrain, wetness)
    magt = _magt(elevation, classes, residual=RESIDUAL * fractal_field(shape, exponent=4.0, rng=warmth))
    permafrost = (magt <= 0) & (classes != WATER)
    thickness = _thickness(classes, magt, fractal_field(shape, exponent=2.5, rng=thaw))
    bands = _bands(elevation, classes, rng=image)
    return MuliLand(
        geobox=geobox,
        elevation=elevation,
        vegetation=_map(classes, geobox, name="vegetation_class").assign_attrs(_legend(VEGETATION)),
        units=_map(_units(terrain, wetness), geobox, name="ground_unit").assign_attrs(_legend(UNITS)),
        bands=xr.Dataset({name: _map(field, geobox, name=name) for name, field in bands.items()}),
        magt=_map(magt, geobox, name="magt"),
        permafrost=xr.DataArray(permafrost, grid_coords(geobox), ("y", "x"), "permafrost"),
        active_layer_thickness=_map(np.where(permafrost, thickness, np.nan), geobox, name="active_layer_thickness"),
    )


def muli_geobox(shape: tuple[int, int]) -> GeoBox:
    """The grid of 30 m around the centre.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.

    Returns
    -------
    odc.geo.geobox.GeoBox
    """
    x, y = Transformer.from_crs("EPSG:4326", CRS, always_xy=True).transform(CENTRE[1], CENTRE[0])
    west = round(x / PIXEL - shape[1] // 2) * PIXEL
    north = round(y / PIXEL + shape[0] // 2) * PIXEL
    return GeoBox(shape, Affine(PIXEL, 0, west, 0, -PIXEL, north), CRS)


def _map(field: NDArray[np.generic], geobox: GeoBox, *, name: str) -> xr.DataArray:
    kept = field.astype(np.float32) if field.dtype.kind == "f" else field
    return xr.DataArray(kept, grid_coords(geobox), ("y", "x"), name, attributes(name))


def _legend(names: MappingProxyType[int, str]) -> dict[str, object]:
    return {"flag_values": list(names), "flag_meanings": " ".join(names.values())}


def _by_class(classes: NDArray[np.uint8], values: MappingProxyType[int, float]) -> NDArray[np.float64]:
    table = np.full(max(VEGETATION) + 1, np.nan)
    table[list(values)] = list(values.values())
    return np.asarray(table[classes])


def _vegetation(terrain: Terrain, wetness: Field) -> NDArray[np.uint8]:
    """Class of every pixel: what holds first counts."""
    rules = {
        WATER: terrain.water,
        BARE: (terrain.height > 0.75) & (wetness < 0.6) | (terrain.slope > 33),
        SWAMP_MEADOW: (terrain.ice > 0.3) & (wetness > 0.0),
        MEADOW: 0.5 + 0.9 * wetness + terrain.ice - 2.2 * terrain.height > 0,
    }
    codes = [np.uint8(code) for code in rules]
    return np.select(list(rules.values()), codes, np.uint8(STEPPE)).astype(np.uint8)


def _units(terrain: Terrain, wetness: Field) -> NDArray[np.uint8]:
    """Unit of every pixel: what holds first counts."""
    rules = {
        BEDROCK: (terrain.height > 0.72) | (terrain.slope > 28),
        LACUSTRINE: (terrain.ice > 0.45) & (wetness > 0.5),
        ALLUVIAL: (terrain.height < 0.08) & (terrain.slope < 5),
        MORAINE: (terrain.height > 0.3) & (wetness > -0.3),
    }
    codes = [np.uint8(code) for code in rules]
    return np.select(list(rules.values()), codes, np.uint8(SLOPE_WASH)).astype(np.uint8)


def _magt(elevation: xr.DataArray, classes: NDArray[np.uint8], *, residual: Field) -> NDArray[np.float64]:
    """Linear in what maps know, with a smooth residual."""
    to_degrees = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    longitude, latitude = to_degrees.transform(*np.meshgrid(elevation.x.values, elevation.y.values))
    facing = aspect_components(elevation)
    predictors = {
        "elevation": elevation.values.astype(float) - REFERENCE_HEIGHT,
        "longitude": longitude - CENTRE[1],
        "latitude": latitude - CENTRE[0],
        "aspect_sin": facing.aspect_sin.values,
        "aspect_cos": facing.aspect_cos.values,
        "slope": slope(elevation).values,
    }
    linear = sum((MAGT[name] * field for name, field in predictors.items()), np.full(classes.shape, MAGT["intercept"]))
    return np.asarray(linear + _by_class(classes, MAGT_BY_VEGETATION) + residual)


def _thickness(classes: NDArray[np.uint8], magt: NDArray[np.float64], texture: Field) -> NDArray[np.float64]:
    return np.asarray(_by_class(classes, THAW) * np.exp(THAW_PER_KELVIN * magt + THAW_SPREAD * texture))


def _bands(
    elevation: xr.DataArray, classes: NDArray[np.uint8], *, rng: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """Reflectances: mixed at edges, darker on slopes that face away from the sun, with texture and noise."""
    along_y, along_x = np.gradient(elevation.values.astype(float), PIXEL)
    east, north, up = SUN
    sunlit = (up - east * along_x + north * along_y) / (up * np.sqrt(1 + along_x**2 + along_y**2))  # rows go south
    shape = (classes.shape[0], classes.shape[1])
    light = np.clip(sunlit, 0.3, None) * np.exp(BRIGHTNESS * fractal_field(shape, exponent=2.0, rng=rng))
    bands = {}
    for name, by_class in REFLECTANCE.items():
        mixed = gaussian_filter(np.array(by_class)[classes - 1], BLUR)
        bands[name] = np.clip(mixed * light + NOISE * rng.standard_normal(shape), 0.001, 1.0)
    return bands
