"""How a radar sees the moving ground: its interferograms, and what is true of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from cryoscale.insar.sensors import Sensor
from cryoscale.scenes.disturbances import Disturbances, orbital_ramps, ramp_surfaces
from cryoscale.scenes.flaws import decorrelate, plant_flaws, unwrapping_cycles
from cryoscale.scenes.history import Ground, passed_rate, thaw_season_deformation, vertical_displacement
from cryoscale.scenes.interferograms import interferograms
from cryoscale.scenes.layout import (
    MASK_BELOW,
    incidence_map,
    map_variables,
    mean_around,
    pair_dataset,
    series_dataset,
)
from cryoscale.scenes.network import Network
from cryoscale.scenes.season import DAYS
from cryoscale.scenes.sparse import heading, phase_per_mm, radar_facts
from cryoscale.scenes.terrain import Field, Terrain
from cryoscale.scenes.troposphere import feigned_displacement
from cryoscale.variables import VARIABLES, attributes


@dataclass(frozen=True, slots=True)
class World:
    """What is there, whoever looks.

    Attributes
    ----------
    geobox : odc.geo.geobox.GeoBox
        The grid.
    terrain : Terrain
        The land.
    ground : Ground
        How it moves.
    dates : pandas.DatetimeIndex
        All days on which a satellite looks.
    wet : ndarray (date, y, x)
        True delay of water vapour on these days, m.
    reference : tuple of int
        Row and column of the reference pixel.
    """

    geobox: GeoBox
    terrain: Terrain
    ground: Ground
    dates: pd.DatetimeIndex
    wet: Field
    reference: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Observation:
    """What a radar made of the world.

    Attributes
    ----------
    stack : xarray.Dataset
        Interferograms in the canonical form.
    truth : xarray.Dataset
        What is true of them, along their line of sight; see `LongtermScene`.
    """

    stack: xr.Dataset
    truth: xr.Dataset


def observe(
    world: World,
    radar: Sensor,
    network: Network,
    *,
    coherence: Field,
    disturbances: Disturbances,
    rng: np.random.Generator,
) -> Observation:
    """Interferograms of a radar, relative to the surroundings of the reference pixel.

    phase = -4 pi / wavelength * (change of displacement + feigned by the troposphere + ramp) + 2 pi cycles + noise

    Parameters
    ----------
    world : World
        What is there.
    radar : Sensor
        What looks.
    network : Network
        When, and what interferes.
    coherence : ndarray (pair, y, x)
        True coherence of sound pairs.
    disturbances : Disturbances
        Sizes of what disturbs.
    rng : numpy.random.Generator
        Source of orbits, bad pairs and speckle.

    Returns
    -------
    Observation
    """
    orbits, choice, gaps, speckle = rng.spawn(4)
    epochs, incidence = network.epochs, incidence_map(world.geobox, radar.incidence_angle, heading=heading(radar))
    moved = line_of_sight(vertical_displacement(world.ground, epochs), incidence)
    moved -= moved[0]
    feigned = _feigned(world, epochs, incidence)
    ramps, coefficients = _ramps(world, len(epochs), std=disturbances.ramp, rng=orbits)
    flaws = plant_flaws(
        network, unwrapping=disturbances.unwrapping, decorrelation=disturbances.decorrelation, rng=choice
    )
    cycles = unwrapping_cycles(flaws, world.terrain.elevation.shape, reference=world.reference, rng=choice)
    phase, estimate = interferograms(
        moved + feigned + ramps,
        decorrelate(coherence, flaws, rng=gaps),
        network=network,
        wavelength=radar.wavelength,
        looks=disturbances.looks,
        mask_below=MASK_BELOW,
        rng=speckle,
    )
    phase += np.float32(2 * np.pi) * cycles
    facts = radar_facts(radar)
    stack = pair_dataset({"unwrapped_phase": phase, "coherence": estimate}, network, world.geobox, attrs=facts)
    truth = series_dataset({"displacement": moved, "atmosphere": feigned}, epochs, world.geobox, attrs=facts)
    change = coefficients[network.second] - coefficients[network.first]
    pairwise: dict[str, NDArray[Any]] = {
        "flaw": flaws,
        "unwrapping_cycles": cycles,
        "ramp_coefficients": phase_per_mm(radar) * change,
    }
    return Observation(
        stack.assign(map_variables({"elevation": world.terrain.elevation, "incidence_angle": incidence})),
        truth.assign(_motion(world, epochs, incidence)).assign(_registered(pairwise)).assign_coords(_dates(stack)),
    )


def line_of_sight(vertical: NDArray[np.floating], incidence: Field) -> Field:
    """Vertical motion as a radar sees it, positive toward the satellite.

    Parameters
    ----------
    vertical : ndarray (..., y, x)
        Upward.
    incidence : ndarray (y, x)
        Incidence angle, degree.

    Returns
    -------
    ndarray (..., y, x)
        float32.
    """
    return np.asarray(vertical * np.cos(np.deg2rad(incidence)), np.float32)


def _feigned(world: World, epochs: pd.DatetimeIndex, incidence: Field) -> Field:
    """Displacement that the troposphere feigns on the days of one sensor, relative to the reference."""
    feigned = feigned_displacement(world.wet[world.dates.get_indexer(epochs)], incidence)
    return feigned - mean_around(feigned, *world.reference)


def _ramps(world: World, n_epochs: int, *, std: float, rng: np.random.Generator) -> tuple[Field, NDArray[np.float64]]:
    """Ramps of the acquisitions relative to the reference, mm, and their coefficients."""
    coefficients = orbital_ramps(n_epochs, std=std, rng=rng)
    surfaces = ramp_surfaces(coefficients, world.terrain.elevation.shape)
    there = mean_around(surfaces, *world.reference)
    coefficients[:, 0] -= there[:, 0, 0]
    return surfaces - there, coefficients


def _motion(world: World, epochs: pd.DatetimeIndex, incidence: Field) -> dict[str, Any]:
    """Rate over the sensor's period and its thaw seasons, along its line of sight."""
    first, last = epochs[0], epochs[-1]
    share = float(np.diff(passed_rate(epochs[[0, -1]]))[0]) / ((last - first).days / DAYS)
    years = np.array([y for y in range(first.year, last.year + 1) if pd.Timestamp(y, 5, 1) < last])
    seasons = line_of_sight(thaw_season_deformation(world.ground, years), incidence)
    maps = {
        "deformation_rate": line_of_sight(share * world.ground.rate, incidence),
        "thaw_season_deformation": seasons,
        "mean_thaw_season_deformation": seasons.mean(axis=0),
        "stable": world.terrain.ice == 0,
    }
    return _registered(maps) | {"year": years}


def _registered(fields: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Variables with the registry's dims and attributes."""
    return {name: (VARIABLES[name].dims, values, attributes(name)) for name, values in fields.items()}


def _dates(stack: xr.Dataset) -> dict[str, Any]:
    return {name: stack[name] for name in ("reference", "secondary")}
