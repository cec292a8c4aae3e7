"""A synthetic basin: half a century of daily discharge whose recession is known, and what its recession follows.

Nature here obeys -dQ/dt = a Q^b exactly between floods. Ks = 1 / a of each year follows the climate, noise of its own,
and, from the disturbance on, an effect that climate does not explain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Values = np.ndarray[Any, Any]

WEIGHTS = {"air_temperature": 1.0, "precipitation": 0.012, "snow_depth": 20.0}
"""By how much Ks follows a predictor, in its own unit per unit of the predictor (degC, mm, m)."""

_BASE, _NOISE = 22.0, 0.5  # of Ks, and of single years
_PEAK = 45.0  # m3 s-1, median of floods
_LEAST = 0.02  # m3 s-1, below which the river is ice
_RATE, _SEASON = -7.0, (-19.0, -45.0)  # mm a-1 after the disturbance; mm before and after
_MISSING = -9999


@dataclass(frozen=True)
class Basin:
    """A basin and its truth.

    Attributes
    ----------
    daily : pandas.DataFrame
        By day: ``discharge`` (m3 s-1; NaN where the gauge failed) and ``rain`` (mm d-1).
    climate : pandas.DataFrame
        By ``year``: ``air_temperature`` (degC), ``precipitation`` (mm), ``snow_depth`` (m), and ``net_radiation``
        (W m-2), which the recession does not follow.
    thaw_depth : pandas.Series
        By ``year``, m; it follows Ks.
    deformation : pandas.DataFrame
        ``quantity``, ``first``, ``last``, ``mean`` and ``spread`` by period, as the long-term record has them.
    constant : pandas.Series
        True Ks by ``year``, d (m3 s-1)^(b - 1).
    exponent : float
        True b.
    disturbance : int
        Its first year.
    effect : float
        By how much it raises Ks.
    """

    daily: pd.DataFrame
    climate: pd.DataFrame
    thaw_depth: "pd.Series[float]"
    deformation: pd.DataFrame
    constant: "pd.Series[float]"
    exponent: float
    disturbance: int
    effect: float


def basin_scene(
    first: int = 1971,
    n_years: int = 50,
    *,
    disturbed_after: int = 30,
    effect: float = 8.0,
    exponent: float = 1.2,
    scatter: float = 0.1,
    seed: int = 7,
) -> Basin:
    """Make a basin.

    Parameters
    ----------
    first, n_years : int
        Years of the record.
    disturbed_after : int
        Years before the disturbance.
    effect : float
        By how much it raises Ks, d (m3 s-1)^(b - 1).
    exponent : float
        b, other than 1.
    scatter : float
        Standard deviation of ln(a) from day to day.
    seed : int
        Of everything that is random.

    Returns
    -------
    Basin

    Examples
    --------
    >>> basin = basin_scene(2001, 3, disturbed_after=2)
    >>> len(basin.daily), basin.disturbance, basin.daily.discharge.min() > 0
    (1095, 2003, np.True_)
    """
    rng = np.random.default_rng(seed)
    years = pd.RangeIndex(first, first + n_years, name="year")
    climate = _climate(years, rng)
    disturbed = np.asarray(years >= first + disturbed_after)
    anomalies = climate[list(WEIGHTS)] - climate[list(WEIGHTS)].mean()
    constant = _BASE + anomalies @ pd.Series(WEIGHTS) + effect * disturbed + rng.normal(0, _NOISE, n_years)
    daily = _daily(constant, exponent, scatter=scatter, rng=rng)
    thaw_depth = 0.3 + 0.02 * constant + rng.normal(0, 0.03, n_years)
    return Basin(
        daily=daily,
        climate=climate,
        thaw_depth=thaw_depth.rename("thaw_depth"),
        deformation=_deformation(years, first + disturbed_after),
        constant=constant.rename("recession_constant"),
        exponent=exponent,
        disturbance=first + disturbed_after,
        effect=effect,
    )


def write_basin(basin: Basin, folder: Path) -> None:
    """Write a basin as the files that a user would have.

    Parameters
    ----------
    basin : Basin
        The basin.
    folder : Path
        Gets ``discharge.csv`` (date, flow, rain; -9999 is missing), ``climate.csv``, ``thaw_depth.csv``,
        ``deformation.csv`` and ``truth.csv``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = basin.daily.rename(columns={"discharge": "flow"}).rename_axis("date").fillna(_MISSING)
    table.to_csv(folder / "discharge.csv", float_format="%.6g")
    basin.climate.to_csv(folder / "climate.csv", float_format="%.6g")
    basin.thaw_depth.to_csv(folder / "thaw_depth.csv", float_format="%.4g")
    basin.deformation.to_csv(folder / "deformation.csv", index=False)
    basin.constant.to_csv(folder / "truth.csv", float_format="%.6g")


def _climate(years: pd.RangeIndex, rng: np.random.Generator) -> pd.DataFrame:
    """Warming, and years that differ."""
    n = len(years)
    warming = np.linspace(0.0, 1.2, n)
    return pd.DataFrame(
        {
            "air_temperature": -3.0 + warming + rng.normal(0, 0.7, n),
            "precipitation": 380.0 + 20 * warming + rng.normal(0, 55.0, n),
            "snow_depth": rng.normal(0.16, 0.035, n).clip(0.02),
            "net_radiation": rng.normal(95.0, 4.0, n),
        },
        years,
    )


def _daily(constant: "pd.Series[float]", exponent: float, *, scatter: float, rng: np.random.Generator) -> pd.DataFrame:
    """Floods from May to October, each receding until the next, the last one through the winter; and failed days."""
    days = pd.date_range(f"{constant.index[0]}-01-01", f"{constant.index[-1]}-12-31")
    rate = (1 / constant.loc[days.year]).to_numpy() * np.exp(scatter * rng.normal(size=days.size))
    onsets = _onsets(days, rng)
    flow, rain = np.empty(days.size), rng.exponential(0.3, days.size).clip(max=0.9)
    level = 1.0
    for start, end in zip(onsets, (*onsets[1:], days.size), strict=True):
        peak = max(_PEAK * np.exp(0.5 * rng.normal()), 1.5 * level) if start else level
        flow[start:end] = recede(peak, rate[start:end], exponent)
        level = flow[end - 1]
        rain[start] += rng.uniform(8.0, 25.0) * (start > 0)
    flow[rng.random(days.size) < 0.001] = np.nan
    return pd.DataFrame({"discharge": flow, "rain": rain}, days)


def recede(peak: float, rate: Values, exponent: float) -> Values:
    """Discharge of days from a peak on: the solution of -dQ/dt = a Q^b with the a of each day.

    Parameters
    ----------
    peak : float
        Of the first day, m3 s-1.
    rate : numpy.ndarray
        (day,) a.
    exponent : float
        b, other than 1.

    Returns
    -------
    numpy.ndarray
        (day,), m3 s-1, never below what flows under the ice.

    Examples
    --------
    >>> recede(4.0, np.array([0.5, 0.5, 0.5]), 1.5).round(3).tolist()
    [4.0, 1.778, 1.0]
    """
    elapsed = np.concatenate(([0.0], np.cumsum(rate)[:-1]))
    flow: Values = (peak ** (1 - exponent) + (exponent - 1) * elapsed) ** (1 / (1 - exponent))
    return np.maximum(flow, _LEAST)


def _onsets(days: pd.DatetimeIndex, rng: np.random.Generator) -> Sequence[int]:
    """Days on which floods begin."""
    onsets, day = [0], 0
    while (day := day + int(rng.integers(9, 25))) < days.size:
        if 5 <= days[day].month <= 10:
            onsets.append(day)
    return onsets


def _deformation(years: pd.RangeIndex, disturbance: int) -> pd.DataFrame:
    """Rates of four periods, and single thaw seasons."""
    rows = []
    for start in range(int(years[-1]) - 26, int(years[-1]) - 2, 6):
        rate = 0.0 if start < disturbance else _RATE - 0.15 * (start - disturbance)
        rows.append(("vertical_rate", start, start + 5, rate, 3.0))
        rows.append(("vertical_thaw_season", start, start, _SEASON[int(start >= disturbance)], 9.0))
    return pd.DataFrame(rows, columns=["quantity", "first", "last", "mean", "spread"])
