"""Temperatures of the scene's surface: the daily mean of the ground, and what four overpasses see of it.

The ground's daily mean is an annual cycle with a trend, warm and cold years and weather that drifts over the scene.
An overpass sees an affine function of it, plus its share of the diurnal cycle, a lapse of its own by day and by night,
and what the skin of the surface does on its own. A ridge regression on the four overpasses then explains the ground's
temperature about as well as on the plateau: R2 0.91 to 0.93, RMSE about 3 degC (Zou et al. 2014).
"""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cryoscale.scenes.drifting import DriftingField, drifting_field
from cryoscale.scenes.terrain import Field

AT_1300_M, LAPSE = 16.0, -5.6  # degC and K km-1: the mean annual temperature of bare ground
AMPLITUDE_AT_1300_M, AMPLITUDE_LAPSE = 16.5, -0.9  # K and K km-1
WARMEST_DAY, DAYS = 202.0, 365.25
WARMING, YEARLY_SPREAD = 0.04, 0.4  # K a-1, K
WEATHER = 2.2  # K, standard deviation of the weather's part of the ground's temperature
CLOUD_EFFECT = 1.0  # K by which clouds of a whole day cool the ground in midsummer and warm it in midwinter

DIURNAL, DIURNAL_SEASON, DIURNAL_WEATHER = 11.0, 0.3, 2.0  # K; relative; K
SKIN, OVERPASS_NOISE, PIXEL_NOISE = 2.0, 2.4, 0.8  # K: shared by the overpasses of a day; of each; of each pixel
LAPSE_FROM = 3000.0  # m, height at which the overpasses' own lapses add nothing


@dataclass(frozen=True, slots=True)
class Overpass:
    """How an overpass sees the ground's daily mean temperature T: ``scale * T + offset + phase * diurnal + lapse``.

    Attributes
    ----------
    scale : float
        K K-1.
    offset : float
        K.
    phase : float
        Share of the diurnal amplitude, negative by night.
    lapse : float
        K km-1, on top of that of the ground.
    """

    scale: float
    offset: float
    phase: float
    lapse: float


OVERPASSES: MappingProxyType[str, Overpass] = MappingProxyType(
    {
        "terra_day": Overpass(1.03, 0.5, 0.75, -0.9),
        "aqua_day": Overpass(1.06, 1.0, 1.0, -1.1),
        "terra_night": Overpass(0.97, -0.5, -0.45, 0.4),
        "aqua_night": Overpass(0.95, -0.8, -0.62, 0.5),
    }
)
"""10:30, 13:30, 22:30 and 01:30 local solar time."""


@dataclass(frozen=True, slots=True)
class Climate:
    """What of the temperature does not change from day to day, all (y, x).

    Attributes
    ----------
    elevation : ndarray
        m.
    mean, amplitude : ndarray
        Of the ground's annual cycle, degC and K.
    diurnal : ndarray
        Mean amplitude of the surface's diurnal cycle, K.
    """

    elevation: Field
    mean: Field
    amplitude: Field
    diurnal: Field


@dataclass(frozen=True, slots=True)
class Weather:
    """What changes from day to day.

    Attributes
    ----------
    season : ndarray (time)
        -1 in midwinter to 1 in midsummer.
    anomaly : ndarray (time)
        Trend and warm and cold years, K.
    ground, diurnal, skin : DriftingField
        By day; of variance 1.
    overpass : DriftingField
        By overpass, four a day; of variance 1.
    """

    season: Field
    anomaly: Field
    ground: DriftingField
    diurnal: DriftingField
    skin: DriftingField
    overpass: DriftingField


def climate(elevation: Field, *, damping: Field, texture: Field) -> Climate:
    """Mean and amplitudes of every place.

    Parameters
    ----------
    elevation : ndarray (y, x)
        m.
    damping : ndarray (y, x)
        Factor of both amplitudes: 1 on bare ground, less under plants, water or ice.
    texture : ndarray (y, x)
        What else makes a place warm or cold, K.

    Returns
    -------
    Climate
    """
    height = (elevation - 1300.0) / 1000.0
    return Climate(
        elevation=elevation,
        mean=np.asarray(AT_1300_M + LAPSE * height + texture, np.float32),
        amplitude=np.asarray((AMPLITUDE_AT_1300_M + AMPLITUDE_LAPSE * height) * (0.6 + 0.4 * damping), np.float32),
        diurnal=np.asarray(DIURNAL * damping, np.float32),
    )


def weather(days: pd.DatetimeIndex, shape: tuple[int, int], *, rng: np.random.Generator) -> Weather:
    """Season, years and drifting fields of all days.

    Parameters
    ----------
    days : pandas.DatetimeIndex
        Daily.
    shape : tuple of int
        Rows and columns.
    rng : numpy.random.Generator
        Source of all that is random in it.

    Returns
    -------
    Weather
    """
    years, ground, diurnal, skin, overpass = rng.spawn(5)
    yearly = YEARLY_SPREAD * years.standard_normal(int(days[-1].year - days[0].year) + 1)
    anomaly = yearly[days.year - days[0].year] + WARMING * np.asarray((days - days[0]).days) / DAYS
    n = len(days)
    return Weather(
        season=np.cos(2 * np.pi * (np.asarray(days.day_of_year) - WARMEST_DAY) / DAYS).astype(np.float32),
        anomaly=anomaly.astype(np.float32),
        ground=drifting_field(shape, n, scale=60, smoothness=1.5, memory=0.75, drift=(5, 40), rng=ground),
        diurnal=drifting_field(shape, n, scale=40, smoothness=1.5, memory=0.5, drift=(5, 40), rng=diurnal),
        skin=drifting_field(shape, n, scale=20, smoothness=1.0, memory=0.5, drift=(0, 0), rng=skin),
        overpass=drifting_field(shape, 4 * n, scale=10, smoothness=1.0, memory=0.2, drift=(0, 5), rng=overpass),
    )


def cloudless_ground(place: Climate, air: Weather, days: slice) -> Field:
    """Daily mean temperature that the ground would have without clouds.

    Parameters
    ----------
    place : Climate
        Of every pixel.
    air : Weather
        Of all days.
    days : slice
        Which days.

    Returns
    -------
    ndarray (time, y, x)
        degC.
    """
    cycle = air.season[days, None, None] * place.amplitude + air.anomaly[days, None, None]
    return np.asarray(place.mean + cycle + WEATHER * air.ground.at(days), np.float32)


def effect_of_clouds(air: Weather, days: slice, *, cover: NDArray[np.floating]) -> Field:
    """By how much clouds change the ground's daily mean: they take sunshine in summer and keep warmth in winter.

    Parameters
    ----------
    air : Weather
        Of all days.
    days : slice
        Which days.
    cover : ndarray (time, y, x)
        Share of the day's overpasses that are cloudy.

    Returns
    -------
    ndarray (time, y, x)
        K.
    """
    return np.asarray(-CLOUD_EFFECT * air.season[days, None, None] * cover, np.float32)


def clear_sky_lst(ground: Field, place: Climate, air: Weather, days: slice, *, rng: np.random.Generator) -> Field:
    """What the four overpasses see where no cloud is.

    Parameters
    ----------
    ground : ndarray (time, y, x)
        From `cloudless_ground`, degC.
    place : Climate
        Of every pixel.
    air : Weather
        Of all days.
    days : slice
        Which days, with both ends.
    rng : numpy.random.Generator
        Source of the pixels' noise.

    Returns
    -------
    ndarray (time, overpass, y, x)
        Land surface temperature, degC.
    """
    season = air.season[days, None, None]
    diurnal = place.diurnal * (1 + DIURNAL_SEASON * season + DIURNAL_WEATHER / DIURNAL * air.diurnal.at(days))
    height = (place.elevation - LAPSE_FROM) / 1000.0
    seen = PIXEL_NOISE * rng.standard_normal((len(ground), len(OVERPASSES), *place.mean.shape), dtype=np.float32)
    seen += OVERPASS_NOISE * air.overpass.at(slice(4 * days.start, 4 * days.stop)).reshape(seen.shape)
    seen += SKIN * air.skin.at(days)[:, None]
    for position, look in enumerate(OVERPASSES.values()):
        seen[:, position] += look.scale * ground + look.phase * diurnal + (look.offset + look.lapse * height)
    return seen
