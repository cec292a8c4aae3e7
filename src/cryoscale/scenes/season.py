"""How far frozen ground has heaved on a day of the year."""

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

DAYS = 365.25
THAW_DAYS = 157.0  # early May to early October
REFREEZING_DAYS = 100.0  # the active layer is frozen through by mid-January


class Season(StrEnum):
    """Shape of the seasonal displacement.

    SINUSOID is what the linear-periodic model of NSBAS can represent exactly. STEFAN sinks with the square root of
    the thawing degree-days, heaves with that of the freezing ones, and rests once the active layer is frozen.
    """

    SINUSOID = "sinusoid"
    STEFAN = "stefan"


def seasonal_shape(years: ArrayLike, *, season: Season = Season.SINUSOID) -> NDArray[np.float64]:
    """Seasonal displacement whose annual harmonic is the cosine of amplitude 1 that peaks at 0.

    So the amplitude that a sinusoid fitted to it has is known whatever its shape.

    Parameters
    ----------
    years : array_like
        Time since the peak of the annual harmonic, a.
    season : Season
        Its shape.

    Returns
    -------
    ndarray
        Of mean 0 and period 1.

    Examples
    --------
    >>> seasonal_shape([0.0, 0.25, 0.5]).round(3) + 0.0
    array([ 1.,  0., -1.])
    >>> days = np.arange(3652) / 3652
    >>> harmonic = 2 * np.mean(seasonal_shape(days, season=Season.STEFAN) * np.exp(-2j * np.pi * days))
    >>> complex(harmonic.round(3))
    (1+0j)
    """
    phase = np.asarray(years, float)
    if season is Season.SINUSOID:
        return np.asarray(np.cos(2 * np.pi * phase))
    day = np.arange(0, DAYS, DAYS / 3652)
    heave = _stefan_heave(day)
    harmonic = 2 * np.mean(heave * np.exp(-2j * np.pi * day / DAYS))
    peak = -np.angle(harmonic) / (2 * np.pi) * DAYS
    return np.asarray((_stefan_heave((phase * DAYS + peak) % DAYS) - heave.mean()) / np.abs(harmonic))


def _stefan_heave(day: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the largest heave, on days since the onset of thaw.

    The temperature of either half-year is half a sine, so the root of the cumulative degree-days is a quarter sine.
    """
    frozen = day - THAW_DAYS
    winter = DAYS - THAW_DAYS
    thawing = 1 - np.sin(np.pi / 2 * day / THAW_DAYS)
    freezing = np.sin(np.pi / 2 * frozen / winter) / np.sin(np.pi / 2 * REFREEZING_DAYS / winter)
    return np.where(frozen < 0, thawing, np.where(frozen < REFREEZING_DAYS, freezing, 1.0))
