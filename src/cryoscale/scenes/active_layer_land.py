"""The ground of the active-layer scene: relief, plants and water at 30 m, and the fields that its temperature needs."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from cryoscale.scenes.active_layer_grids import CENTRE, PIXEL, fine_geobox
from cryoscale.scenes.terrain import Field, Terrain, fractal_field, valley_terrain

SWAMP_MEADOW, MEADOW, STEPPE, ROCK, WATER = 1, 2, 3, 4, 5
CLASS_NAMES: MappingProxyType[int, str] = MappingProxyType(
    {SWAMP_MEADOW: "swamp_meadow", MEADOW: "meadow", STEPPE: "sparse_steppe", ROCK: "bare_rock", WATER: "water"}
)
E_FACTOR: MappingProxyType[int, float] = MappingProxyType({SWAMP_MEADOW: 0.035, MEADOW: 0.045, STEPPE: 0.057})
"""True factor of Stefan's equation by class, m degC-0.5 d-0.5."""

FIELDS = (
    "level",
    "height",
    "summer_sun",
    "winter_sun",
    "morning",
    "cold_pool",
    "background",
    "vigour",
    "water",
    "east",
    "north",
    "texture",
)
"""Fields of which temperature and NDVI of every day are sums: `land_fields` says what each is."""

LOWER = 300.0  # m by which this valley lies below that of the other scenes
REFERENCE_HEIGHT = 3800.0  # m
POOL_DEPTH = 0.08  # of the relief: how high cold air fills the valley at night
SOIL_NDVI, WATER_NDVI, MOST_VIGOUR = 0.07, -0.1, 0.6
SUMMER, WINTER = np.deg2rad((23.4, -23.4))  # declinations of the sun
SCATTERED = 0.3  # share of the light that comes from all the sky
HOURS = np.linspace(-np.pi, np.pi, 72, endpoint=False)


@dataclass(frozen=True, slots=True)
class Land:
    """What does not change from day to day, all (y, x) on the grid of 30 m.

    Attributes
    ----------
    geobox : odc.geo.geobox.GeoBox
        The grid.
    elevation, slope : ndarray
        m, degree.
    land_cover : ndarray of uint8
        One of `CLASS_NAMES`.
    fields : ndarray (field, y, x)
        `FIELDS`, in their order.
    """

    geobox: GeoBox
    elevation: Field
    slope: Field
    land_cover: NDArray[np.uint8]
    fields: Field

    @property
    def vegetated(self) -> NDArray[np.bool_]:
        """Neither rock nor water."""
        return np.isin(self.land_cover, list(E_FACTOR))

    @property
    def e_factor(self) -> Field:
        """True factor of Stefan's equation, m degC-0.5 d-0.5; NaN on rock and water."""
        table = np.full(max(CLASS_NAMES) + 1, np.nan, np.float32)
        table[list(E_FACTOR)] = list(E_FACTOR.values())
        return np.asarray(table[self.land_cover])


def active_layer_land(shape: tuple[int, int], *, rng: np.random.Generator) -> Land:
    """A valley with a river between mountains, from swamp meadows on its floor to bare ridges.

    Parameters
    ----------
    shape : tuple of int
        Rows (from north) and columns of 30 m, multiples of 32.
    rng : numpy.random.Generator
        Source of all that is random in it.

    Returns
    -------
    Land

    Raises
    ------
    InputError
        If the grid is not a whole number of pixels of 960 m, or has fewer than two along a side.

    Examples
    --------
    >>> land = active_layer_land((64, 96), rng=np.random.default_rng(0))
    >>> land.fields.shape, land.geobox.crs.epsg
    ((12, 64, 96), 32647)
    """
    geobox = fine_geobox(shape)
    relief, moisture, warmth = rng.spawn(3)
    terrain = valley_terrain(shape, spacing=(PIXEL, PIXEL), rng=relief)
    wetness = fractal_field(shape, exponent=2.9, rng=moisture)
    sun = exposure(terrain.elevation, declination=SUMMER), exposure(terrain.elevation, declination=WINTER)
    score = 0.6 + 0.9 * wetness + 1.2 * terrain.ice - 3.2 * terrain.height - 1.2 * (sun[1] - 1)
    land_cover = _land_cover(terrain, wetness, score)
    texture = fractal_field(shape, exponent=2.5, rng=warmth)
    fields = land_fields(terrain, land_cover, vigour=MOST_VIGOUR / (1 + np.exp(-score)), sun=sun, texture=texture)
    return Land(geobox, terrain.elevation - np.float32(LOWER), terrain.slope, land_cover, fields)


def land_fields(
    terrain: Terrain,
    land_cover: NDArray[np.uint8],
    *,
    vigour: NDArray[np.floating],
    sun: tuple[Field, Field],
    texture: Field,
) -> Field:
    """The fields of which temperature and NDVI of every day are sums.

    Parameters
    ----------
    terrain : Terrain
        The relief.
    land_cover : ndarray of uint8 (y, x)
        Classes.
    vigour : ndarray (y, x)
        What plants add to NDVI in midsummer.
    sun : tuple of ndarray (y, x)
        `exposure` in midsummer and midwinter.
    texture : ndarray (y, x)
        What no map knows, of standard deviation 1.

    Returns
    -------
    ndarray (field, y, x)
        In the order of `FIELDS`: 1; km above 3800 m; exposures less that of level ground; tangent of the slope to the
        east; share of the cold air at night; NDVI without plants; vigour; water; place from west and from south, -1 to
        1; texture.
    """
    water, bare = land_cover == WATER, np.isin(land_cover, (ROCK, WATER))
    along_x = np.gradient(terrain.elevation, PIXEL, axis=1)
    north, east = np.meshgrid(*(np.linspace(-1, 1, size) for size in water.shape), indexing="ij")
    fields = {
        "level": np.ones(water.shape),
        "height": (terrain.elevation - LOWER - REFERENCE_HEIGHT) / 1000,
        "summer_sun": sun[0] - 1,
        "winter_sun": sun[1] - 1,
        "morning": -along_x,
        "cold_pool": np.exp(-terrain.height / POOL_DEPTH),
        "background": np.where(water, WATER_NDVI, SOIL_NDVI),
        "vigour": np.where(bare, 0.0, vigour),
        "water": water,
        "east": east,
        "north": -north,
        "texture": texture,
    }
    return np.stack([fields[name] for name in FIELDS]).astype(np.float32)


def exposure(elevation: Field, *, declination: float) -> Field:
    """Sunlight of a day on the ground, over that on level ground.

    The beam is added up over steps of 20 minutes; the ground casts no shadow on other ground.

    Parameters
    ----------
    elevation : ndarray (y, x)
        m, on pixels of 30 m, north up.
    declination : float
        Of the sun, rad.

    Returns
    -------
    ndarray (y, x)

    Examples
    --------
    >>> to_south = np.repeat(np.linspace(30, 0, 4)[:, None], 4, axis=1).astype("f4")
    >>> [round(float(exposure(ground, declination=-0.4)[1, 1]), 2) for ground in (0 * to_south, to_south)]
    [1.0, 1.49]
    """
    along_y, along_x = np.gradient(elevation, PIXEL)
    steepness = np.sqrt(1 + along_x**2 + along_y**2)
    beam, level = np.zeros_like(elevation), 0.0
    for east, north, up in _sun_by_day(declination):
        beam += np.maximum(up - east * along_x + north * along_y, 0) / steepness  # rows go south
        level += up
    sky = (1 + 1 / steepness) / 2
    return np.asarray((1 - SCATTERED) * beam / level + SCATTERED * sky, np.float32)


def _sun_by_day(declination: float) -> Iterator[tuple[float, float, float]]:
    """Directions to the sun while it is up: parts to the east, to the north and upward."""
    latitude = np.deg2rad(CENTRE[0])
    for hour in HOURS:
        up = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour)
        north = np.cos(latitude) * np.sin(declination) - np.sin(latitude) * np.cos(declination) * np.cos(hour)
        if up > 0:
            yield float(-np.cos(declination) * np.sin(hour)), float(north), float(up)


def _land_cover(terrain: Terrain, wetness: Field, score: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Class of every pixel: what holds first counts."""
    rules = {
        WATER: terrain.water,
        ROCK: (terrain.height > 0.75) & (wetness < 0.6) | (terrain.slope > 33),
        SWAMP_MEADOW: (terrain.ice > 0.35) & (wetness > 0.1),
        MEADOW: score > -0.5,
    }
    codes = [np.uint8(code) for code in rules]
    return np.select(list(rules.values()), codes, np.uint8(STEPPE)).astype(np.uint8)
