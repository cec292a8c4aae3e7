"""Ground of the Tarim-like scene: from the basin's floor up to a plateau with glaciers, lakes and sparse plants."""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy.ndimage import gaussian_filter, label, mean

from cryoscale.scenes.terrain import Field, fractal_field

CENTRE = (36.2, 79.0)  # latitude and longitude: the northern slope of the Western Kunlun
PIXEL = 1 / 120  # degree, about 1 km
FINER = 3  # pixels of the fine grid along one of the scene's

FLOOR, PLATEAU, SUMMIT = 1300.0, 4350.0, 6200.0  # m
GLACIERS, LAKES = 0.03, 0.008  # shares of the scene
SMALLEST_LAKE = 9  # fine pixels

RK = MappingProxyType({120: 0.76, 130: 0.71, 150: 0.90, 180: 0.50, 200: 0.98, 210: 0.60, 220: 0.95})
"""True ratio of thawed to frozen conductivity by ESA CCI class of land cover, near those of CryoGrid's table."""

DAMPING = MappingProxyType({120: 0.85, 130: 0.85, 150: 0.95, 180: 0.75, 200: 1.0, 210: 0.6, 220: 0.7})
"""Factor of the surface's diurnal amplitude by class."""

SHRUB, GRASS, SPARSE, WETLAND, BARE, WATER, ICE = RK


@dataclass(frozen=True, slots=True)
class TarimLand:
    """The ground, on the scene's grid (y, x) or on the fine one of a third of its pixels.

    Attributes
    ----------
    geobox, fine_geobox : odc.geo.geobox.GeoBox
        The two grids.
    elevation, fine_elevation : ndarray
        m; the former is the mean of the latter.
    fractions : ndarray (land_cover_class, fine y, fine x)
        Shares of the classes that `RK` lists, in its order.
    land_cover : ndarray of uint8
        Class with the largest share.
    glacier, lake : ndarray of bool
        Where more than half of a pixel is ice, or water.
    fine_glacier, fine_lake : ndarray of bool
        On the fine grid.
    """

    geobox: GeoBox
    fine_geobox: GeoBox
    elevation: Field
    fine_elevation: Field
    fractions: Field
    land_cover: NDArray[np.uint8]
    glacier: NDArray[np.bool_]
    lake: NDArray[np.bool_]
    fine_glacier: NDArray[np.bool_]
    fine_lake: NDArray[np.bool_]

    def by_class(self, values: MappingProxyType[int, float]) -> Field:
        """A property of the land cover.

        Parameters
        ----------
        values : mapping of int to float
            By class, such as `RK`.

        Returns
        -------
        ndarray (y, x)
        """
        table = np.full(256, np.nan, np.float32)
        table[list(values)] = list(values.values())
        return np.asarray(table[self.land_cover])


def tarim_land(shape: tuple[int, int], *, rng: np.random.Generator) -> TarimLand:
    """Basin in the north, plateau in the south, and a range between them.

    Parameters
    ----------
    shape : tuple of int
        Rows (from north) and columns of about 1 km.
    rng : numpy.random.Generator
        Source of all that is random in it.

    Returns
    -------
    TarimLand

    Examples
    --------
    >>> land = tarim_land((24, 32), rng=np.random.default_rng(0))
    >>> land.fractions.shape, round(float(land.elevation.max()), -3)
    ((7, 72, 96), 6000.0)
    """
    relief, moisture, water = rng.spawn(3)
    fine = (FINER * shape[0], FINER * shape[1])
    elevation = _elevation(fine, relief)
    wetness = fractal_field(fine, exponent=2.8, rng=moisture)
    glacier = _largest(gaussian_filter(elevation, 1.0), GLACIERS)
    lake = _lakes(elevation, water)
    levels, n_lakes = label(lake)
    elevation[lake] = mean(elevation, levels, np.arange(n_lakes + 1))[levels[lake]]
    fractions = _fractions(_cover(elevation, wetness, glacier=glacier, lake=lake))
    shares = np.stack([coarse_mean(share) for share in fractions])
    return TarimLand(
        geobox=_geobox(shape, 1),
        fine_geobox=_geobox(shape, FINER),
        elevation=coarse_mean(elevation),
        fine_elevation=elevation,
        fractions=fractions,
        land_cover=np.array(list(RK), np.uint8)[shares.argmax(0)],
        glacier=coarse_mean(glacier) > 0.5,
        lake=coarse_mean(lake) > 0.5,
        fine_glacier=glacier,
        fine_lake=lake,
    )


def coarse_mean(field: NDArray[np.generic]) -> Field:
    """Mean of the fine pixels within each pixel of the scene.

    Parameters
    ----------
    field : ndarray (fine y, fine x)
        Numbers or truths.

    Returns
    -------
    ndarray (y, x)
        float32.

    Examples
    --------
    >>> coarse_mean(np.eye(3)).round(2)
    array([[0.33]], dtype=float32)
    """
    rows, columns = (size // FINER for size in field.shape)
    cells = field.astype(np.float64).reshape(rows, FINER, columns, FINER)
    return np.asarray(cells.mean((1, 3)), np.float32)


def _geobox(shape: tuple[int, int], finer: int) -> GeoBox:
    """Longitude and latitude around the centre; all grids have the same corners."""
    north = round(CENTRE[0] + shape[0] // 2 * PIXEL, 6)
    west = round(CENTRE[1] - shape[1] // 2 * PIXEL, 6)
    size = PIXEL / finer
    return GeoBox((shape[0] * finer, shape[1] * finer), Affine(size, 0, west, 0, -size, north), "EPSG:4326")


def _elevation(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """A step from floor to plateau with a range on its edge; what is high is stretched to the summit's height."""
    rough = fractal_field(shape, exponent=3.3, rng=rng)
    meander = fractal_field(shape, exponent=4.5, rng=rng)
    south = (np.arange(shape[0])[:, None] + 0.5) / shape[0] + 0.07 * meander
    step = np.clip((south - 0.3) / 0.42, 0, 1)
    rise = step * step * (3 - 2 * step)
    ridge = 400 * np.exp(-(((south - 0.74) / 0.08) ** 2))
    height = FLOOR + (PLATEAU - FLOOR) * rise + ridge + (25 + 400 * rise) * rough
    above = np.maximum(height - PLATEAU, 0)
    stretched = np.minimum(height, PLATEAU) + above * (SUMMIT - PLATEAU) / above.max()
    return np.asarray(np.maximum(stretched, FLOOR - 50), np.float32)


def _largest(field: NDArray[np.floating], share: float) -> NDArray[np.bool_]:
    return np.asarray(field > np.quantile(field, 1 - share))


def _lakes(elevation: Field, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Hollows of the plateau; single pixels are no lakes."""
    shape = (elevation.shape[0], elevation.shape[1])
    hollow = fractal_field(shape, exponent=3.2, rng=rng) - gaussian_filter(elevation, 1.0) / 1000
    plateau = (elevation > 4000) & (elevation < 5000)
    wet = _largest(np.where(plateau, hollow, -np.inf), LAKES)
    labels, _ = label(wet)
    sizes = np.bincount(labels.ravel())
    return np.asarray(wet & (sizes >= SMALLEST_LAKE)[labels])


def _cover(
    elevation: Field, wetness: Field, *, glacier: NDArray[np.bool_], lake: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Class of every fine pixel: what holds first counts."""
    rules = {
        ICE: [glacier],
        WATER: [lake],
        SHRUB: [(elevation < 2200) & (wetness > 0.9)],
        WETLAND: [(elevation > 3700) & (elevation < 4900) & (wetness > 1.2)],
        GRASS: [(elevation > 2600) & (elevation < 4900) & (wetness > 0.5)],
        BARE: [elevation > 5000, elevation < 2200, wetness < -0.9],
    }
    conditions = [np.logical_or.reduce(parts) for parts in rules.values()]
    return np.select(conditions, [np.uint8(code) for code in rules], np.uint8(SPARSE))


def _fractions(cover: NDArray[np.uint8]) -> Field:
    """Shares of the classes in every fine pixel: classes mix with their neighbours; they add up to 1."""
    shares = np.stack([gaussian_filter((cover == code).astype(np.float32), 0.7) for code in RK])
    return np.asarray(shares / shares.sum(0), np.float32)
