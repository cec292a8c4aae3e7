"""Change of a yearly series: trend, change point, and correlation with another series."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

from cryoscale.errors import InputError
from cryoscale.stats import Correction, mann_kendall, theil_sen

Values = np.ndarray[Any, Any]

_LEAST = 8
"""Values that a series needs."""

_BLOCK = 200
"""Series without change that are simulated at once."""


@dataclass(frozen=True)
class Trend:
    """Trend of a yearly series.

    Attributes
    ----------
    slope, lower, upper : float
        Sen's slope and its 95 % interval, unit of the series per year. The interval takes values for independent.
    p_value : float
        Of no trend: Mann-Kendall test with the variance of Hamed and Rao for serial correlation.
    p_value_independent : float
        The same if values were independent.
    variance_inflation : float
        Factor of the variance of the test.
    n : int
        Years with a value.
    """

    slope: float
    lower: float
    upper: float
    p_value: float
    p_value_independent: float
    variance_inflation: float
    n: int


@dataclass(frozen=True)
class ChangePoint:
    """Change point of a yearly series.

    Attributes
    ----------
    year : int
        First year after the change.
    statistic : float
        Pettitt's K.
    p_value : float
        Of no change, from simulated series that are smoothed likewise.
    p_value_independent : float
        Pettitt's approximation for independent values, 2 exp(-6 K^2 / (n^3 + n^2)), at most 1.
    median_before, median_after : float
        Unit of the series.
    n : int
        Years with a value.
    """

    year: int
    statistic: float
    p_value: float
    p_value_independent: float
    median_before: float
    median_after: float
    n: int


@dataclass(frozen=True)
class SeriesCorrelation:
    """Correlation of two yearly series.

    Attributes
    ----------
    r : float
        Spearman's rank correlation.
    p_value : float
        Of no correlation, with the effective number of years.
    n : int
        Years that both have.
    n_effective : float
        Independent years that these are worth.
    """

    r: float
    p_value: float
    n: int
    n_effective: float


def trend(series: "pd.Series[float]", *, window: int = 1) -> Trend:
    """Trend of a yearly series, with a test that allows for serial correlation.

    Mann-Kendall test (Hamed and Rao 1998) and Sen's slope, see `stats.mann_kendall` and `stats.theil_sen`. Values of
    overlapping windows share years, so neighbours up to `window` - 1 years apart are alike: the correction uses that
    many lags, at least three. It is a partial one: of 34 means over 5 years without trend the plain test calls 34 %
    significant at 5 %, the corrected one 13 %. For a test at its level take windows that do not overlap, every
    `window`-th value.

    Parameters
    ----------
    series : pandas.Series
        By year; NaN is missing.
    window : int
        Years that each value is of.

    Returns
    -------
    Trend
        NaN with fewer than 8 values.

    Raises
    ------
    InputError
        If years do not increase.

    Examples
    --------
    >>> found = trend(pd.Series(np.arange(20.0), np.arange(2001, 2021)))
    >>> found.slope, found.p_value < 0.001
    (1.0, True)
    """
    values = _by_year(series)
    array = xr.DataArray(values.to_numpy(), {"year": values.index.to_numpy(np.float64)}, "year")
    line = theil_sen(array, dim="year", minimum=_LEAST)
    plain = mann_kendall(array, dim="year", minimum=_LEAST)
    test = mann_kendall(array, dim="year", correction=Correction.HAMED_RAO, lags=max(3, window - 1), minimum=_LEAST)
    return Trend(
        slope=float(line.trend),
        lower=float(line.trend_lower),
        upper=float(line.trend_upper),
        p_value=float(test.trend_p_value),
        p_value_independent=float(plain.trend_p_value),
        variance_inflation=float(test.variance_inflation),
        n=int(values.notna().sum()),
    )


def change_point(series: "pd.Series[float]", *, window: int = 1, draws: int = 2000, seed: int = 0) -> ChangePoint:
    """Change point of a yearly series (Pettitt 1979, Appl. Stat. 28, 126).

    K is the largest of ``|U_t| = |2 sum of the first t ranks - t (n + 1)|``; the change comes after t. Its usual p
    value takes values for independent. Means over windows that overlap are not, and would show changes where there are
    none: so K is compared with that of series of normal values without change, averaged over the same window, with the
    same years missing.

    Parameters
    ----------
    series : pandas.Series
        By year; NaN is missing.
    window : int
        Years that each value is of, at least 1.
    draws : int
        Simulated series, at least 100.
    seed : int
        Of the simulation.

    Returns
    -------
    ChangePoint

    Raises
    ------
    InputError
        If years do not increase, there are fewer than 8 values, or all are equal.

    Examples
    --------
    >>> ks = pd.Series([10.0, 11, 10.5, 11.5, 10.2, 15, 16, 15.5, 16.5, 15.2], np.arange(2001, 2011))
    >>> found = change_point(ks)
    >>> found.year, found.median_before, found.median_after
    (2006, 10.5, 15.5)
    """
    for name, value, least in (("window", window, 1), ("draws", draws, 100)):
        if value < least:
            raise InputError(f"{name}: must be at least {least}, not {value}.")
    values = _by_year(series)
    there = values.notna().to_numpy()
    known = values[there]
    n = len(known)
    if n < _LEAST or known.nunique() == 1:
        raise InputError(
            f"series: has {n} values, {known.nunique()} different ones; {_LEAST} years that differ are needed."
        )
    score = _scores(known.to_numpy()[None])[0]
    split = int(np.argmax(np.abs(score))) + 1
    statistic = float(np.abs(score[split - 1]))
    exceeded = int((_null_statistics(there, window, draws=draws, seed=seed) >= statistic).sum())
    return ChangePoint(
        year=int(known.index[split]),
        statistic=statistic,
        p_value=(exceeded + 1) / (draws + 1),
        p_value_independent=float(min(1.0, 2 * np.exp(-6 * statistic**2 / (n**3 + n**2)))),
        median_before=float(known.iloc[:split].median()),
        median_after=float(known.iloc[split:].median()),
        n=n,
    )


def correlate_years(first: "pd.Series[float]", second: "pd.Series[float]", *, window: int = 1) -> SeriesCorrelation:
    """Rank correlation of two yearly series that are smoothed over the same window.

    The p value is that of Student's t with n_effective - 2 degrees of freedom, where n_effective = n / (1 + 2 sum_k
    (1 - k / n) w_k^2) with w_k = 1 - k / window the autocorrelation at lag k that averaging over the window leaves
    in independent years (Bayley and Hammersley 1946, J. R. Stat. Soc. Suppl. 8, 184; Bretherton et al. 1999, J. Climate
    12, 1990). It allows for the smoothing, not for what the years themselves have in common with their neighbours.

    Parameters
    ----------
    first, second : pandas.Series
        By year; NaN is missing.
    window : int
        Years that each value is of, at least 1.

    Returns
    -------
    SeriesCorrelation
        NaN where fewer than 3 years are common, or a series is constant; p is NaN where n_effective is 2 or less.

    Raises
    ------
    InputError
        If years do not increase.

    Examples
    --------
    >>> years = np.arange(2001, 2011)
    >>> found = correlate_years(pd.Series(years * 1.0, years), pd.Series(years**2 * 1.0, years), window=5)
    >>> round(found.r, 6), found.n, round(found.n_effective, 2)
    (1.0, 10, 3.33)
    """
    both = pd.concat([_by_year(first), _by_year(second)], axis=1).dropna().to_numpy()
    n = len(both)
    if n < 3 or (np.ptp(both, axis=0) == 0).any():
        return SeriesCorrelation(np.nan, np.nan, n, np.nan)
    lags = np.arange(1, min(window, n))
    effective = float(n / (1 + 2 * ((1 - lags / n) * (1 - lags / window) ** 2).sum()))
    r = float(stats.spearmanr(both[:, 0], both[:, 1]).statistic)
    if effective <= 2:
        return SeriesCorrelation(r, np.nan, n, effective)
    with np.errstate(divide="ignore"):
        t = abs(r) * np.sqrt((effective - 2) / np.maximum(1 - r * r, 0.0))
    return SeriesCorrelation(r, float(2 * stats.t.sf(t, effective - 2)), n, effective)


def _by_year(series: "pd.Series[float]") -> "pd.Series[float]":
    """Every year from the first to the last, NaN where there is no value."""
    years = series.index.to_numpy()
    if not np.issubdtype(years.dtype, np.integer) or years.size == 0 or (np.diff(years) <= 0).any():
        raise InputError(f"series: must be indexed by increasing years (integers), not {years[:3]}. Use .sort_index().")
    return series.astype(np.float64).reindex(np.arange(years[0], years[-1] + 1))


def _scores(values: Values) -> Values:
    """U_t of each series (series, n), for t = 1 .. n - 1."""
    n = values.shape[1]
    ranks = stats.rankdata(values, axis=1)
    t = np.arange(1, n)
    return np.asarray(2 * ranks.cumsum(axis=1)[:, :-1] - t * (n + 1))


def _null_statistics(there: Values, window: int, *, draws: int, seed: int) -> Values:
    """K of series without change that are smoothed over the window."""
    rng = np.random.default_rng(seed)
    found = []
    for start in range(0, draws, _BLOCK):
        noise = rng.normal(size=(min(_BLOCK, draws - start), there.size + window - 1))
        smooth = np.lib.stride_tricks.sliding_window_view(noise, window, axis=1).mean(axis=-1)
        found.append(np.abs(_scores(smooth[:, there])).max(axis=1))
    return np.concatenate(found)
