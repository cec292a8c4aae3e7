"""Zenith delays of the troposphere on the days of acquisition: what is true, and what a weather model says."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cryoscale.scenes.interferograms import atmosphere
from cryoscale.scenes.terrain import VALLEY_FLOOR, Field, Terrain

DRY_AT_SEA_LEVEL, DRY_SCALE = 2.3, 8000.0  # m of delay, m of height in which pressure falls to 1/e
WET_SCALE = 1500.0  # m of height in which water vapour falls to 1/e
WETTEST_DAY = 205.0  # day of the year
YEARLY_SHARE, DAILY_SHARE = 0.6, 0.3  # of the mean wet delay: amplitude of its annual cycle, spread from day to day
LEAST_SHARE = 0.05


def dry_delay(elevation: Field) -> Field:
    """Delay of dry air, which is the same on all days here: it cancels in interferograms.

    Parameters
    ----------
    elevation : ndarray (y, x)
        m.

    Returns
    -------
    ndarray (y, x)
        m.

    Examples
    --------
    >>> dry_delay(np.array([[3750.0]])).round(2)
    array([[1.44]])
    """
    return np.asarray(DRY_AT_SEA_LEVEL * np.exp(-elevation / DRY_SCALE))


def wet_delays(
    dates: pd.DatetimeIndex,
    terrain: Terrain,
    *,
    wet_delay: float,
    turbulence_std: float,
    rng: np.random.Generator,
) -> Field:
    """Delay of water vapour: layers that thin out with height, more in summer, and turbulence.

    Parameters
    ----------
    dates : pandas.DatetimeIndex
        Days.
    terrain : Terrain
        The ground.
    wet_delay : float
        Mean over time on the valley floor, m.
    turbulence_std : float
        Standard deviation of the turbulent part, mm.
    rng : numpy.random.Generator
        Source of the weather.

    Returns
    -------
    ndarray (time, y, x)
        m.
    """
    layers, eddies = rng.spawn(2)
    level = wet_delay * _humidity(dates, layers)
    thinning = np.exp(-(terrain.elevation - VALLEY_FLOOR) / WET_SCALE)
    turbulence = atmosphere(len(dates), terrain.elevation.shape, std=turbulence_std / 1000, rng=eddies)
    return np.asarray(level[:, None, None] * thinning + turbulence, np.float32)


def modelled_delays(wet: Field, elevation: Field, *, model_error: float, rng: np.random.Generator) -> Field:
    """Zenith delay as a service such as GACOS provides it: the truth, and a small smooth error.

    Parameters
    ----------
    wet : ndarray (time, y, x)
        True delay of water vapour, m.
    elevation : ndarray (y, x)
        m.
    model_error : float
        Standard deviation of the error, mm.
    rng : numpy.random.Generator
        Source of the error.

    Returns
    -------
    ndarray (time, y, x)
        Total delay, m.
    """
    error = atmosphere(len(wet), elevation.shape, std=model_error / 1000, rng=rng)
    return np.asarray(dry_delay(elevation) + wet + error, np.float32)


def feigned_displacement(wet: Field, incidence: Field) -> Field:
    """Displacement that delays feign: a longer path looks like ground farther from the satellite.

    Parameters
    ----------
    wet : ndarray (time, y, x)
        Zenith delay, m.
    incidence : ndarray (y, x)
        Incidence angle, degree.

    Returns
    -------
    ndarray (time, y, x)
        mm, toward the satellite.
    """
    return np.asarray(-1000 * wet / np.cos(np.deg2rad(incidence)), np.float32)


def _humidity(dates: pd.DatetimeIndex, rng: np.random.Generator) -> NDArray[np.float64]:
    """Water vapour of each day relative to the mean."""
    cycle = YEARLY_SHARE * np.cos(2 * np.pi * (np.asarray(dates.day_of_year) - WETTEST_DAY) / 365.25)
    return np.maximum(1 + cycle + DAILY_SHARE * rng.standard_normal(len(dates)), LEAST_SHARE)
