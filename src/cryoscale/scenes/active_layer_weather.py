"""What changes from day to day in the active-layer scene: with which weights the fields of the land add up to LST."""

from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cryoscale.scenes.active_layer_land import FIELDS
from cryoscale.scenes.drifting import ar1
from cryoscale.scenes.terrain import Field

OVERPASSES = ("terra_day", "terra_night")

MEAN, AMPLITUDE, WARMEST_DAY, YEAR = -0.5, 12.5, 202.0, 365.25  # degC, K, day of the year, d; at 3800 m
WEATHER, MEMORY, YEARLY_SPREAD = 1.8, 0.65, 0.2  # K; from day to day; K
DIURNAL, DIURNAL_SEASON, DIURNAL_WEATHER = 9.0, 2.0, 1.5  # K; half of the difference between day and night
FRONT = 0.5  # K from the middle to an edge of the scene

BY_SUMMER_AND_WINTER: MappingProxyType[str, tuple[tuple[float, float], tuple[float, float]]] = MappingProxyType(
    {
        "height": ((-6.5, -5.5), (-5.0, -4.0)),
        "summer_sun": ((18.0, 0.0), (2.5, 0.0)),
        "winter_sun": ((0.0, 7.0), (0.0, 1.2)),
        "morning": ((5.0, 4.0), (0.0, 0.0)),
        "cold_pool": ((0.0, 0.0), (-1.5, -4.0)),
        "water": ((-7.0, -2.0), (4.0, 3.0)),
        "texture": ((0.6, 0.6), (0.3, 0.3)),
    }
)
"""K per unit of a field: by day in midsummer and midwinter, then by night."""

BY_NDVI = (-14.0, 2.0)  # K per unit of NDVI by day and by night, in midsummer; none in midwinter
GREENING = 0.006  # a-1: growth of what plants add to NDVI
GREEN_UP, BROWNING, PACE = 150.0, 265.0, 9.0  # days of the year with half the leaves; d


def ndvi_weights(days: pd.DatetimeIndex) -> Field:
    """Weights of the fields in NDVI: soil always, plants as they grow, from year to year a little more.

    Parameters
    ----------
    days : pandas.DatetimeIndex
        Any days.

    Returns
    -------
    ndarray (time, field)

    Examples
    --------
    >>> ndvi_weights(pd.to_datetime(["2019-01-15", "2019-07-31"]))[:, FIELDS.index("vigour")].round(1)
    array([0., 1.], dtype=float32)
    """
    day = np.asarray(days.day_of_year, float)
    leaves = 1 / (1 + np.exp((GREEN_UP - day) / PACE)) - 1 / (1 + np.exp((BROWNING - day) / PACE))
    weights = np.zeros((len(days), len(FIELDS)), np.float32)
    weights[:, FIELDS.index("background")] = 1
    weights[:, FIELDS.index("vigour")] = leaves * (1 + GREENING * (np.asarray(days.year) - 2019))
    return weights


def lst_weights(days: pd.DatetimeIndex, *, rng: np.random.Generator) -> Field:
    """Weights of the fields in LST under a climate that does not warm.

    The mean of day and night follows an annual cycle with weather and warm and cold years; their difference has its
    own. Lapse, sun and cold air have the weight of the season; plants and soil act through NDVI.

    Parameters
    ----------
    days : pandas.DatetimeIndex
        Daily.
    rng : numpy.random.Generator
        Source of the weather.

    Returns
    -------
    ndarray (overpass, time, field)
        In the order of `OVERPASSES` and `cryoscale.scenes.active_layer_land.FIELDS`; K per unit of a field.
    """
    shared, diurnal, years, east, north = rng.spawn(5)
    n = len(days)
    season = np.cos(2 * np.pi * (np.asarray(days.day_of_year) - WARMEST_DAY) / YEAR)
    mean = MEAN + AMPLITUDE * season + WEATHER * ar1(n, memory=MEMORY, rng=shared) + _yearly(days, years)
    half = DIURNAL + DIURNAL_SEASON * season + DIURNAL_WEATHER * ar1(n, memory=0.5, rng=diurnal)
    fronts = {name: FRONT * ar1(n, memory=0.5, rng=source) for name, source in (("east", east), ("north", north))}
    summer, ndvi = (1 + season) / 2, ndvi_weights(days)
    weights = np.zeros((len(OVERPASSES), n, len(FIELDS)), np.float32)
    for overpass, (sign, by_ndvi) in enumerate(zip((1, -1), BY_NDVI, strict=True)):
        weights[overpass] = (by_ndvi * summer)[:, None] * ndvi
        weights[overpass, :, FIELDS.index("level")] = mean + sign * half
        for name, seasons in BY_SUMMER_AND_WINTER.items():
            in_summer, in_winter = seasons[overpass]
            weights[overpass, :, FIELDS.index(name)] = in_summer * summer + in_winter * (1 - summer)
        for name, front in fronts.items():
            weights[overpass, :, FIELDS.index(name)] = front
    return weights


def warmed(weights: Field, days: pd.DatetimeIndex, *, warming: float) -> Field:
    """The same under a climate that warms evenly around the middle of the series, whose mean stays.

    Parameters
    ----------
    weights : ndarray (..., time, field)
        From `lst_weights`.
    days : pandas.DatetimeIndex
        Daily.
    warming : float
        K a-1.

    Returns
    -------
    ndarray (..., time, field)
    """
    years = np.asarray((days - days[0]).days) / YEAR
    result = weights.copy()
    result[..., FIELDS.index("level")] += warming * (years - years.mean())
    return result


def _yearly(days: pd.DatetimeIndex, rng: np.random.Generator) -> NDArray[np.float64]:
    """Warm and cold years, by day, without a trend of their own."""
    number = np.asarray(days.year - days[0].year)
    years = np.arange(number[-1] + 1)
    noise = YEARLY_SPREAD * rng.standard_normal(len(years))
    if len(years) > 2:  # a line through two years would leave nothing
        noise -= np.polyval(np.polyfit(years, noise, 1), years)
    return np.asarray(noise[number], np.float64)
