"""A synthetic Sentinel-1 stack over permafrost like that of the Datong's source region, with its truth.

The ground sinks and heaves as Sections 3.1 and 4.1 of the deformation paper describe it, and the stack has what makes
inverting one hard there: a network cut by every winter, decorrelation, atmosphere.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from cryoscale.grids import pixel_spacing
from cryoscale.scenes.interferograms import atmosphere, interferograms, true_coherence
from cryoscale.scenes.layout import (
    MASK_BELOW,
    incidence_map,
    map_variables,
    mean_around,
    pair_dataset,
    reference_pixel,
    scene_geobox,
    series_dataset,
)
from cryoscale.scenes.network import Network, broken_network
from cryoscale.scenes.season import DAYS, Season, seasonal_shape
from cryoscale.scenes.terrain import Field, Terrain, valley_terrain

WAVELENGTH = 0.05546576  # m, of a carrier at 5.405 GHz
INCIDENCE = 39.47  # degree, at the scene's centre
HEADING = -169.6  # degree, of a descending pass
SENSOR = {"sensor": "Sentinel-1", "wavelength": WAVELENGTH, "incidence_angle": INCIDENCE, "heading": HEADING}
LARGEST_SINKING = 15.0  # mm a-1
LARGEST_AMPLITUDE = 30.0  # mm, half of peak to peak
PEAK_DAY = 110.0  # the ground stands highest before thaw sets in


@dataclass(frozen=True, slots=True)
class Scene:
    """A stack of interferograms and what is true of the ground under it.

    Attributes
    ----------
    stack : xarray.Dataset
        ``unwrapped_phase`` and ``coherence`` (pair, y, x), ``elevation`` and ``incidence_angle`` (y, x).
    truth : xarray.Dataset
        ``displacement`` and ``atmosphere`` (time, y, x), ``velocity``, ``seasonal_amplitude``, ``seasonal_peak`` and
        ``stable`` (y, x). The amplitude is that of the annual harmonic, whatever the shape of the season.
    reference : tuple of float
        y and x of a point on stable bedrock; phases are relative to its surroundings.
    """

    stack: xr.Dataset
    truth: xr.Dataset
    reference: tuple[float, float]


def datong_scene(
    seed: int = 0,
    *,
    shape: tuple[int, int] = (200, 200),
    start: str = "2016-04-04",
    end: str = "2023-04-30",
    links: int = 4,
    season: Season = Season.SINUSOID,
    atmosphere_std: float = 1.0,
    looks: float = 20.0,
) -> Scene:
    """Sentinel-1 interferograms of a permafrost valley, with known displacement.

    Lowlands rich in ice sink by 5 to 15 mm a-1 and move by 20 to 60 mm from winter to autumn; ridges are still.

    Parameters
    ----------
    seed : int
        The same seed gives the same bytes.
    shape : tuple of int
        Rows and columns of 0.0003 degree.
    start, end : str
        First day of acquisition, and the day after which none is.
    links : int
        To how many of the following acquisitions each is paired.
    season : Season
        Shape of the seasonal displacement.
    atmosphere_std : float
        Standard deviation of the turbulent delay that a weather model leaves, mm.
    looks : float
        Independent looks in a pixel; ``numpy.inf`` for interferograms without noise.

    Returns
    -------
    Scene
        In memory: 8 bytes for every pixel of every pair, and as many for every pixel of every epoch.

    Examples
    --------
    >>> scene = datong_scene(seed=1, shape=(40, 40), end="2018-01-01")
    >>> sorted(scene.stack.data_vars)
    ['coherence', 'elevation', 'incidence_angle', 'unwrapped_phase']
    >>> float(scene.truth.velocity.sel(y=scene.reference[0], x=scene.reference[1]))
    0.0
    """
    ground, acquisitions, delays, weather, speckle = np.random.default_rng(seed).spawn(5)
    geobox = scene_geobox(shape)
    terrain = valley_terrain(shape, spacing=pixel_spacing(geobox), rng=ground)
    network = broken_network(start, end, links=links, rng=acquisitions)
    motion = _motion(terrain)
    displacement = _displacement(motion, network, season)
    row, column = reference_pixel(terrain)
    delay = atmosphere(len(network.epochs), shape, std=atmosphere_std, rng=delays)
    delay -= mean_around(delay, row, column)
    phase, coherence = interferograms(
        displacement + delay,
        true_coherence(network, terrain, rng=weather),
        network=network,
        wavelength=WAVELENGTH,
        looks=looks,
        mask_below=MASK_BELOW,
        rng=speckle,
    )
    maps = {"elevation": terrain.elevation, "incidence_angle": incidence_map(geobox, INCIDENCE, heading=HEADING)}
    stack = pair_dataset({"unwrapped_phase": phase, "coherence": coherence}, network, geobox, attrs=SENSOR)
    series = {"displacement": displacement, "atmosphere": delay}
    truth = series_dataset(series, network.epochs, geobox, attrs=SENSOR)
    truth = truth.assign(map_variables(motion | {"stable": terrain.ice == 0}))
    return Scene(stack.assign(map_variables(maps)), truth, (float(stack.y[row]), float(stack.x[column])))


def _motion(terrain: Terrain) -> dict[str, Field]:
    """Parameters of the displacement: the more ice, the more the ground sinks and heaves; high ground thaws late."""
    return {
        "velocity": np.float32(0) - np.float32(LARGEST_SINKING) * terrain.ice,
        "seasonal_amplitude": np.float32(LARGEST_AMPLITUDE) * terrain.ice ** np.float32(0.7),
        "seasonal_peak": np.float32(PEAK_DAY) + 12 * terrain.height,
    }


def _displacement(motion: dict[str, Field], network: Network, season: Season) -> Field:
    """Displacement since the first epoch, (time, y, x), mm."""
    years = network.years[:, None, None]
    first_day = network.epochs[0].day_of_year
    since_peak = years + (first_day - motion["seasonal_peak"]) / DAYS
    seasonal = motion["seasonal_amplitude"] * seasonal_shape(since_peak, season=season)
    return np.asarray(motion["velocity"] * years + seasonal - seasonal[0], np.float32)
