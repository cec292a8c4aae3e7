"""The long-term scene: five sensors from 1997 to 2023 over one ground, disturbed as real ones are, with its truth."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from cryoscale.grids import grid_coords, pixel_spacing
from cryoscale.insar.sensors import sensor
from cryoscale.scenes.covariates import covariates
from cryoscale.scenes.deformation import WAVELENGTH
from cryoscale.scenes.disturbances import TYPICAL, Disturbances
from cryoscale.scenes.history import START, YEARS, moving_ground, passed_rate, thaw_season_deformation
from cryoscale.scenes.interferograms import true_coherence
from cryoscale.scenes.layout import reference_pixel, scene_geobox, series_dataset
from cryoscale.scenes.lband import footprint, lband_rate
from cryoscale.scenes.network import Network, broken_network
from cryoscale.scenes.observation import Observation, World, observe
from cryoscale.scenes.season import DAYS
from cryoscale.scenes.sparse import SPARSE_PAIRS, coherence_persistence, heading, sparse_network
from cryoscale.scenes.terrain import Terrain, valley_terrain
from cryoscale.scenes.troposphere import modelled_delays, wet_delays
from cryoscale.scenes.weather import cumulative_thawing_index, surface_temperature, yearly_thawing_index
from cryoscale.variables import VARIABLES, attributes

SENTINEL1, LBAND = "Sentinel-1", "ALOS-2"
GROUND = "ground"


@dataclass(frozen=True, slots=True)
class LongtermScene:
    """Interferograms of five sensors, what goes with them, and what is true of the ground.

    Attributes
    ----------
    sentinel1 : xarray.Dataset
        ``unwrapped_phase`` and ``coherence`` (pair, y, x), ``elevation`` and ``incidence_angle`` (y, x).
    sparse : mapping of str to xarray.Dataset
        The same of ERS-2, Envisat, ALOS-1 and ALOS-2: a few single interferograms on the same grid. ALOS-2 covers as
        much of the scene as `lband_rate`.
    lband_rate : xarray.DataArray
        ``deformation_rate`` (y, x) along the line of sight of ALOS-2, mm a-1, NaN outside its footprint and on water.
    zenith_delay : xarray.DataArray
        ``zenith_delay`` (time, y, x), m, as a weather model provides it, on all days on which any sensor looked.
    weather : xarray.Dataset
        ``surface_temperature``, degC, and ``cumulative_thawing_index`` since the beginning of the year, degC d, (time)
        by day from 1997 to 2023, of the valley floor.
    covariates : xarray.Dataset
        ``slope``, ``ndvi``, ``swir_albedo``, ``thawing_index``, ``ground_ice`` (y, x).
    truth : mapping of str to xarray.Dataset
        By name of the sensor, along its line of sight: ``displacement`` since its first epoch and ``atmosphere``
        (time, y, x), ``deformation_rate`` without season, mean from its first to its last epoch,
        ``mean_thaw_season_deformation`` and ``stable`` (y, x), ``thaw_season_deformation`` (year, y, x) from 1 May to
        1 October; and of its pairs ``flaw`` (pair), ``unwrapping_cycles`` (pair, y, x) and ``ramp_coefficients``
        (pair, term) as `cryoscale.insar.ramps` defines them. By ``"ground"``, of the years 1997 to 2023:
        ``yearly_vertical_rate`` and ``yearly_vertical_thaw_season`` (year, y, x). Pairs of ALOS-1 between two summers
        show more subsidence than its rate, because the season grows from 2007 to 2010.
    reference : tuple of float
        y and x of a point on stable bedrock; phases are relative to its surroundings.
    """

    sentinel1: xr.Dataset
    sparse: Mapping[str, xr.Dataset]
    lband_rate: xr.DataArray
    zenith_delay: xr.DataArray
    weather: xr.Dataset
    covariates: xr.Dataset
    truth: Mapping[str, xr.Dataset]
    reference: tuple[float, float]


def datong_longterm_scene(
    seed: int = 0,
    *,
    shape: tuple[int, int] = (100, 120),
    start: str = "2016-04-04",
    end: str = "2023-04-30",
    links: int = 4,
    lband_share: float = 0.6,
    disturbances: Disturbances = TYPICAL,
) -> LongtermScene:
    """Five sensors over one permafrost valley from 1997 to 2023, with the dates of Table 1 and known truth.

    Before the mining the ice-rich lowland moves by some 5 to 15 mm in a thaw season and does not sink in the long run.
    From about 2005 on both grow; after 2016 it sinks by 5 to 15 mm a-1 and moves by 20 to 60 mm along the line of
    sight of Sentinel-1 (Fig. 14c). All motion is vertical. The season is no sinusoid, so the rate of a free NSBAS
    inversion over the winters' gaps is wrong by some mm a-1.

    Parameters
    ----------
    seed : int
        The same seed gives the same bytes; the size of one disturbance does not change the others.
    shape : tuple of int
        Rows and columns of 0.0003 degree.
    start, end : str
        First day of Sentinel-1, and the day after which it has none.
    links : int
        To how many of the following acquisitions of Sentinel-1 each is paired.
    lband_share : float
        Share of the scene that ALOS-2 covers.
    disturbances : Disturbances
        Sizes of what disturbs; `UNDISTURBED` has none of it.

    Returns
    -------
    LongtermScene
        In memory: 9 bytes for every pixel of every pair and 20 for every pixel of every epoch.

    Examples
    --------
    >>> scene = datong_longterm_scene(shape=(40, 40), end="2017-01-01")
    >>> {name: stack.sizes["pair"] for name, stack in scene.sparse.items()}
    {'ERS-2': 3, 'Envisat': 1, 'ALOS-1': 7, 'ALOS-2': 6}
    """
    land, heat, sky, acquisitions, radars, lband, surface = np.random.default_rng(seed).spawn(7)
    networks = {name: sparse_network(name) for name in SPARSE_PAIRS}
    networks[SENTINEL1] = broken_network(start, end, links=links, rng=acquisitions)
    terrain = valley_terrain(shape, spacing=pixel_spacing(scene_geobox(shape)), rng=land)
    temperature = surface_temperature(heat)
    world = _world(terrain, temperature, networks, disturbances=disturbances, rng=sky)
    seen = {
        name: _observe(world, name, network, disturbances=disturbances, rng=rng)
        for (name, network), rng in zip(networks.items(), radars.spawn(len(networks)), strict=True)
    }
    inside = footprint(world.geobox, share=lband_share, heading=heading(sensor(LBAND)))
    sparse = {name: seen[name].stack for name in SPARSE_PAIRS}
    sparse[LBAND] = _cut(sparse[LBAND], inside)
    rate = lband_rate(
        sparse[LBAND],
        seen[LBAND].truth.displacement,
        within=inside & ~terrain.water,
        noise=disturbances.lband_noise,
        rng=lband,
    )
    return LongtermScene(
        sentinel1=seen[SENTINEL1].stack,
        sparse=sparse,
        lband_rate=rate,
        zenith_delay=_zenith_delay(world, disturbances.model_error, sky),
        weather=_weather(temperature),
        covariates=covariates(
            terrain,
            world.ground.season,
            geobox=world.geobox,
            thawing_index=float(yearly_thawing_index(temperature).mean()),
            noise=disturbances.covariate_noise,
            rng=surface,
        ),
        truth={GROUND: _ground_truth(world)} | {name: observation.truth for name, observation in seen.items()},
        reference=(float(rate.y[world.reference[0]]), float(rate.x[world.reference[1]])),
    )


def _world(
    terrain: Terrain,
    temperature: pd.Series,
    networks: Mapping[str, Network],
    *,
    disturbances: Disturbances,
    rng: np.random.Generator,
) -> World:
    """The ground, its motion, and the air over it on all days on which a satellite looks."""
    texture, vapour = rng.spawn(2)
    yearly = yearly_thawing_index(temperature)
    up = float(np.cos(np.deg2rad(sensor(SENTINEL1).incidence_angle)))
    dates = pd.DatetimeIndex(np.unique(np.concatenate([network.epochs.values for network in networks.values()])))
    wet = wet_delays(
        dates, terrain, wet_delay=disturbances.wet_delay, turbulence_std=disturbances.turbulence, rng=vapour
    )
    ground = moving_ground(terrain, (yearly / yearly.mean()).to_numpy(), up=up, rng=texture)
    return World(scene_geobox(terrain.elevation.shape), terrain, ground, dates, wet, reference_pixel(terrain))


def _observe(
    world: World, name: str, network: Network, *, disturbances: Disturbances, rng: np.random.Generator
) -> Observation:
    """What one of the five sensors sees; the few pairs of the sparse ones have been checked by hand (Section 3.1.1)."""
    days, rest = rng.spawn(2)
    radar = sensor(name)
    if name == SENTINEL1:
        radar = replace(radar, wavelength=WAVELENGTH)
    else:
        disturbances = replace(disturbances, unwrapping=0.0, decorrelation=0.0)
    coherence = true_coherence(network, world.terrain, rng=days, persistence=coherence_persistence(name))
    return observe(world, radar, network, coherence=coherence, disturbances=disturbances, rng=rest)


def _cut(stack: xr.Dataset, inside: NDArray[np.bool_]) -> xr.Dataset:
    """A stack without data outside its footprint."""
    kept = xr.DataArray(inside, dims=("y", "x"))
    return stack.assign({name: stack[name].where(kept) for name in ("unwrapped_phase", "coherence")})


def _zenith_delay(world: World, model_error: float, rng: np.random.Generator) -> xr.DataArray:
    delay = modelled_delays(world.wet, world.terrain.elevation, model_error=model_error, rng=rng)
    dataset = series_dataset({"zenith_delay": delay}, world.dates, world.geobox, attrs={})
    return dataset["zenith_delay"]


def _weather(temperature: pd.Series) -> xr.Dataset:
    series = {"surface_temperature": temperature, "cumulative_thawing_index": cumulative_thawing_index(temperature)}
    variables = {name: ("time", values.to_numpy("float32"), attributes(name)) for name, values in series.items()}
    return xr.Dataset(variables, {"time": pd.DatetimeIndex(temperature.index)})


def _ground_truth(world: World) -> xr.Dataset:
    """Vertical motion, year by year."""
    new_years = pd.DatetimeIndex([f"{year}-01-01" for year in range(YEARS[0], YEARS[-1] + 2)])
    shares = np.diff(passed_rate(new_years)) / np.diff((new_years - START).days / DAYS)
    fields = {
        "yearly_vertical_rate": shares[:, None, None] * world.ground.rate + 0.0,
        "yearly_vertical_thaw_season": thaw_season_deformation(world.ground, YEARS),
    }
    variables = {name: (VARIABLES[name].dims, field.astype("f4"), attributes(name)) for name, field in fields.items()}
    return xr.Dataset(variables, {"year": YEARS, **grid_coords(world.geobox)})
