"""How the ground moves from 1997 to 2023: still before the mining, sinking and heaving ever more with and after it.

The vertical displacement is a trend and a season, ``rate * integral of its history - season * history(year) * share``,
with maps of the rate and of the season's size as they are after 2016. The histories follow Fig. 14c and Section 4.2 of
the deformation paper; the rate is constant from 2016 on, so that Sentinel-1 and ALOS-2 see one rate. The share of a
season that has passed by a day of the year is the same in all years, which is what Eq. 4 assumes.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import make_interp_spline

from cryoscale.scenes.season import DAYS
from cryoscale.scenes.terrain import Field, Terrain, fractal_field

START = pd.Timestamp("1997-01-01")
YEARS = np.arange(1997, 2024)
RATE_KNOTS = {1997: 0.0, 2003: 0.0, 2005: 0.1, 2007.5: 0.65, 2011: 0.75, 2015.9: 1.0, 2024.1: 1.0}
SEASON_KNOTS = {1997: 0.25, 2005.7: 0.27, 2007.6: 0.8, 2010.6: 1.0, 2024: 1.0}
MIDDLE_OF_THAW = 0.6  # of a year
WARMTH_EFFECT = 0.4  # relative growth of the season for relative growth of the thawing index

ONSET, LOWEST, HEAVING, FROZEN = 110.0, 252.0, 292.0, 445.0  # days of the year; the last lies in the next year
SKEW = 0.85  # exponent of time within sinking and heaving: below 1 both are faster at first
TURN = 100  # day of the year, in the rest between two seasons, from which a day belongs to the season of its year
LATE_ON_HEIGHTS = 12.0  # days that thaw sets in later on the ridge than in the valley

LARGEST_RATE = 15.0  # mm a-1 of subsidence along Sentinel-1's line of sight, after 2016
LARGEST_SEASON = 56.0  # mm from spring to autumn along it
TEXTURE = 0.08  # relative spread of the season among places of equal ice


@dataclass(frozen=True, slots=True)
class Ground:
    """Ground in motion; maps (y, x) are vertical and of the time after 2016.

    Attributes
    ----------
    rate : ndarray (y, x)
        mm a-1, negative where the ground sinks.
    season : ndarray (y, x)
        How far it sinks from its highest to its lowest, mm.
    lag : ndarray (y, x)
        By how many days its season is late.
    growth : ndarray (year)
        Size of the season in each of the years 1997 to 2023, relative to `season`.
    """

    rate: Field
    season: Field
    lag: Field
    growth: NDArray[np.float64]


def moving_ground(terrain: Terrain, warmth: NDArray[np.float64], *, up: float, rng: np.random.Generator) -> Ground:
    """Ground that moves the more the more ice it has.

    Parameters
    ----------
    terrain : Terrain
        Where ice is.
    warmth : ndarray (year)
        Thawing index of the years 1997 to 2023 relative to their mean.
    up : float
        Up component of Sentinel-1's line of sight: the sizes are given along it.
    rng : numpy.random.Generator
        Source of the season's texture.

    Returns
    -------
    Ground
    """
    texture = 1 + TEXTURE * np.clip(fractal_field(terrain.ice.shape, exponent=3.0, rng=rng), -2, 2)
    season = LARGEST_SEASON / up * terrain.ice ** np.float32(0.7) * texture
    growth = np.interp(YEARS + MIDDLE_OF_THAW, list(SEASON_KNOTS), list(SEASON_KNOTS.values()))
    return Ground(
        rate=np.asarray(-LARGEST_RATE / up * terrain.ice + 0.0, np.float32),
        season=np.asarray(season, np.float32),
        lag=np.asarray(LATE_ON_HEIGHTS * terrain.height, np.float32),
        growth=growth * (1 + WARMTH_EFFECT * (warmth - 1)),
    )


def thaw_share(day: ArrayLike) -> NDArray[np.float64]:
    """Share of the season's subsidence that is there on a day of the year.

    The ground sinks from late April to early September, fastest in June, rests at its lowest until October, heaves
    until March and rests again. In early summer it sinks by more than its share of the thawing index (or of the
    root of it), so scaling by that overestimates the season, as the paper finds (Section 3.1.2).

    Parameters
    ----------
    day : array_like
        Day of the year at the valley floor.

    Returns
    -------
    ndarray
        0 frozen to 1 thawed.

    Examples
    --------
    >>> thaw_share([100.0, 170.0, 260.0, 440.0]).round(2)
    array([0.  , 0.47, 1.  , 0.  ])
    """
    since = (np.asarray(day, float) - ONSET) % DAYS
    sinking = _smooth_step(since / (LOWEST - ONSET))
    return sinking - _smooth_step((since - (HEAVING - ONSET)) / (FROZEN - HEAVING))


def vertical_displacement(ground: Ground, dates: pd.DatetimeIndex) -> Field:
    """Displacement since the beginning of 1997.

    Parameters
    ----------
    ground : Ground
        What moves.
    dates : pandas.DatetimeIndex
        When, from April 1997 to 2023.

    Returns
    -------
    ndarray (time, y, x)
        mm, upward.
    """
    trend = passed_rate(dates)[:, None, None] * ground.rate
    return np.asarray(trend + seasonal_displacement(ground, dates), np.float32)


def seasonal_displacement(ground: Ground, dates: pd.DatetimeIndex) -> NDArray[np.float64]:
    """The part of the displacement that comes back every winter.

    Parameters
    ----------
    ground : Ground
        What moves.
    dates : pandas.DatetimeIndex
        When, from April 1997 to 2023.

    Returns
    -------
    ndarray (time, y, x)
        mm, upward, 0 where the ground is frozen.
    """
    days = np.asarray(dates.day_of_year, float)[:, None, None]
    depth = season_growth(ground, dates)[:, None, None] * ground.season
    return np.asarray(0.0 - depth * thaw_share(days - ground.lag))


def thaw_season_deformation(ground: Ground, years: NDArray[np.int_]) -> NDArray[np.float64]:
    """Seasonal displacement from 1 May to 1 October.

    Parameters
    ----------
    ground : Ground
        What moves.
    years : ndarray of int
        Which seasons, from 1997 to 2023.

    Returns
    -------
    ndarray (year, y, x)
        mm, upward: negative, for the ground sinks.
    """
    onset, end = (pd.DatetimeIndex([f"{year}-{day}" for year in years]) for day in ("05-01", "10-01"))
    return seasonal_displacement(ground, end) - seasonal_displacement(ground, onset)


def season_growth(ground: Ground, dates: pd.DatetimeIndex) -> NDArray[np.float64]:
    """Relative size of the season that each date belongs to; it changes while the ground rests, frozen.

    Parameters
    ----------
    ground : Ground
        What moves.
    dates : pandas.DatetimeIndex
        When.

    Returns
    -------
    ndarray (time)
    """
    year = np.asarray(dates.year) - (np.asarray(dates.day_of_year) < TURN)
    return np.asarray(ground.growth[np.clip(year - YEARS[0], 0, None)])


def passed_rate(dates: pd.DatetimeIndex) -> NDArray[np.float64]:
    """Integral of the rate's history: years at the full rate that would have sunk the ground as far.

    Parameters
    ----------
    dates : pandas.DatetimeIndex
        When.

    Returns
    -------
    ndarray (time)
        a, since the beginning of 1997.

    Examples
    --------
    >>> passed_rate(pd.DatetimeIndex(["2003-01-01", "2017-01-01", "2018-01-01"])).round(2)
    array([0.  , 8.87, 9.87])
    """
    years = np.asarray((dates - START).days) / DAYS
    knots = np.array(list(RATE_KNOTS)) - START.year
    history = make_interp_spline(knots, list(RATE_KNOTS.values()), k=1)
    return np.asarray(history.antiderivative()(years))


def _smooth_step(share: NDArray[np.float64]) -> NDArray[np.float64]:
    return (1 - np.cos(np.pi * np.clip(share, 0.0, 1.0) ** SKEW)) / 2
