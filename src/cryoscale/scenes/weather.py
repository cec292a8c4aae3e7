"""Daily temperatures of the scene, and the thawing index that they add up to."""

import numpy as np
import pandas as pd
from scipy.signal import lfilter

FIRST_DAY, LAST_DAY = "1997-01-01", "2023-12-31"
WARMING = 0.04  # degC a-1 (Section 1)
MEAN, AMPLITUDE, WARMEST_DAY = -3.0, 12.0, 202.0  # degC, degC, day of the year; of the first year's surface
SPREAD, MEMORY = 2.5, 0.75  # degC, and correlation from day to day of the weather
YEARLY_SPREAD = 0.4  # degC


def surface_temperature(rng: np.random.Generator) -> pd.Series:
    """Daily mean temperature of the valley's surface: an annual cycle, a trend, warm and cold years, and weather.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the weather.

    Returns
    -------
    pandas.Series
        degC, by day from 1997 to 2023.

    Examples
    --------
    >>> temperature = surface_temperature(np.random.default_rng(0))
    >>> bool(temperature["1997-07"].mean() > 0 > temperature["1997-01"].mean())
    True
    """
    days = pd.date_range(FIRST_DAY, LAST_DAY)
    years = np.asarray((days - days[0]).days) / 365.25
    cycle = AMPLITUDE * np.cos(2 * np.pi * (np.asarray(days.day_of_year) - WARMEST_DAY) / 365.25)
    yearly = YEARLY_SPREAD * rng.standard_normal(int(days[-1].year - days[0].year) + 1)
    shocks = SPREAD * np.sqrt(1 - MEMORY**2) * rng.standard_normal(len(days))
    weather = yearly[days.year - days[0].year] + lfilter([1.0], [1.0, -MEMORY], shocks)
    return pd.Series(MEAN + WARMING * years + cycle + weather, days, name="surface_temperature")


def cumulative_thawing_index(temperature: pd.Series) -> pd.Series:
    """Degree-days above 0 degC since the beginning of the year.

    Parameters
    ----------
    temperature : pandas.Series
        Daily, degC.

    Returns
    -------
    pandas.Series
        degC d, by day; the last day of a year has the index of the year.

    Examples
    --------
    >>> days = pd.date_range("2000-12-30", periods=4)
    >>> cumulative_thawing_index(pd.Series([-1.0, 2.0, 3.0, 4.0], days)).tolist()
    [0.0, 2.0, 3.0, 7.0]
    """
    index: pd.Series = temperature.clip(lower=0.0).groupby(pd.DatetimeIndex(temperature.index).year).cumsum()
    return index.rename("cumulative_thawing_index")


def yearly_thawing_index(temperature: pd.Series) -> pd.Series:
    """Degree-days above 0 degC of every year.

    Parameters
    ----------
    temperature : pandas.Series
        Daily, degC.

    Returns
    -------
    pandas.Series
        degC d, by year.
    """
    yearly: pd.Series = temperature.clip(lower=0.0).groupby(pd.DatetimeIndex(temperature.index).year).sum()
    return yearly
