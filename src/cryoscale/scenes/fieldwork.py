"""What people measured in the scene: ground surface temperature at stations, and temperatures of boreholes."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter

from cryoscale.scenes.drifting import ar1
from cryoscale.scenes.tarim_land import FINER, TarimLand
from cryoscale.scenes.terrain import Field

LOW_STATIONS, HIGH_STATIONS = 11, 5
LOW, HIGH = 3500.0, 3900.0  # m: below the one or above the other
BIAS, POINT_NOISE, POINT_MEMORY = 0.4, 1.6, 0.6  # how a point differs from its pixel: K, always; K, from day to day
OUTAGES, LONGEST_OUTAGE, LOST_DAYS = 3, 45, 0.02  # of each station: how many, days, share of single days
BOREHOLES, BOREHOLE_NOISE = 25, 0.2  # how many; K
COLDEST, WARMEST = -4.0, 4.0  # degC at the top of permafrost, where boreholes are drilled
THERMAL_GRADIENT = 0.2  # K from the top of permafrost down to the depth of MAGT


def stations(
    land: TarimLand, temperature: xr.DataArray, *, season: NDArray[np.floating], rng: np.random.Generator
) -> pd.DataFrame:
    """Daily temperatures at stations on even ground: most are low, some are on the plateau.

    A station differs from its pixel by a bias that stays and by what changes from day to day, and has gaps.

    Parameters
    ----------
    land : TarimLand
        The ground.
    temperature : xarray.DataArray
        True ``ground_surface_temperature`` (time, y, x), degC.
    season : ndarray (time)
        -1 in midwinter to 1 in midsummer.
    rng : numpy.random.Generator
        Source of places, biases, noise and gaps.

    Returns
    -------
    pandas.DataFrame
        ``station``, ``longitude``, ``latitude`` (degree), ``elevation`` (m), ``time``,
        ``ground_surface_temperature`` and ``air_temperature`` (degC); a row for each day with a measurement.
    """
    groups = ((land.elevation < LOW, LOW_STATIONS), (land.elevation > HIGH, HIGH_STATIONS))
    relief = maximum_filter(land.elevation, 3) - minimum_filter(land.elevation, 3)
    ground = ~land.glacier & ~land.lake
    pixels = [
        pixel for where, n in groups for pixel in _spread(ground & where, land.elevation, n=n, least=relief, rng=rng)
    ]
    days = temperature.get_index("time")
    tables = []
    for number, (row, column) in enumerate(pixels, start=1):
        place = {"station": f"S{number:02d}", **_place(land, row, column, rng=rng)}
        measured = _measured(temperature.values[:, row, column], season, rng=rng)
        tables.append(pd.DataFrame(place | {"time": days} | measured)[_working(len(days), rng)])
    return pd.concat(tables, ignore_index=True)


def boreholes(land: TarimLand, ttop: Field, *, rng: np.random.Generator) -> pd.DataFrame:
    """Temperatures of boreholes in cold and warm permafrost and beside it, where the ground is lower and easy to reach.

    Parameters
    ----------
    land : TarimLand
        The ground.
    ttop : ndarray (y, x)
        True mean temperature at the top of permafrost, degC.
    rng : numpy.random.Generator
        Source of places and noise.

    Returns
    -------
    pandas.DataFrame
        ``borehole``, ``longitude``, ``latitude`` (degree), ``magt``, ``ttop`` (degC) and ``state``: stable permafrost
        below -1 degC, unstable permafrost up to 0 degC, seasonally frozen ground above.
    """
    where = ~land.glacier & ~land.lake & (ttop > COLDEST) & (ttop < WARMEST)
    pixels = list(_spread(where, ttop, n=BOREHOLES, least=land.elevation, rng=rng))
    table = pd.DataFrame([_place(land, row, column, rng=rng) for row, column in pixels]).drop(columns="elevation")
    true = np.array([ttop[pixel] for pixel in pixels], float)
    noise = BOREHOLE_NOISE * rng.standard_normal((2, len(pixels)))
    table["ttop"], table["magt"] = true + noise[0], true + THERMAL_GRADIENT + noise[1]
    table["state"] = pd.cut(
        table["ttop"],
        [-np.inf, -1.0, 0.0, np.inf],
        labels=["stable permafrost", "unstable permafrost", "seasonally frozen ground"],
    ).astype(str)
    table.insert(0, "borehole", [f"B{number + 1:02d}" for number in range(len(table))])
    return table


def _spread(
    where: NDArray[np.bool_], field: Field, *, n: int, least: Field, rng: np.random.Generator
) -> Iterator[tuple[int, int]]:
    """Pixels near n evenly spaced values of a field, each from the half of those with least of another."""
    rows, columns = np.nonzero(where)
    values, others = field[rows, columns], least[rows, columns]
    middles = values.min() + np.ptp(values) * (np.arange(n) + 0.5) / n
    for middle in middles:
        near = np.argsort(np.abs(values - middle), kind="stable")[: max(len(values) // (4 * n), 2)]
        chosen = rng.choice(near[others[near] <= np.median(others[near])])
        values[chosen] = np.inf  # one pixel is not chosen twice
        yield int(rows[chosen]), int(columns[chosen])


def _place(land: TarimLand, row: int, column: int, *, rng: np.random.Generator) -> dict[str, float]:
    """A point somewhere in a pixel, and its height on the fine grid."""
    within = rng.uniform(0.1, 0.9, 2)
    longitude, latitude = land.geobox.transform @ (column + within[1], row + within[0])
    fine_row, fine_column = (int(FINER * (at + part)) for at, part in zip((row, column), within, strict=True))
    height = float(land.fine_elevation[fine_row, fine_column])
    return {"longitude": round(longitude, 5), "latitude": round(latitude, 5), "elevation": round(height, 1)}


def _measured(
    ground: NDArray[np.floating], season: NDArray[np.floating], *, rng: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """The ground at a point; the air above it is colder, in summer by more, and goes its own way."""
    n = len(ground)
    point = ground + BIAS * rng.standard_normal() + POINT_NOISE * ar1(n, memory=POINT_MEMORY, rng=rng)
    air = point - 1.5 - 2.0 * np.maximum(season, 0) + 1.5 * ar1(n, memory=0.7, rng=rng)
    return {"ground_surface_temperature": point.round(2), "air_temperature": air.round(2)}


def _working(n_days: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Days with a measurement: single ones are lost, and whole weeks."""
    working = rng.random(n_days) >= LOST_DAYS
    for first, length in zip(rng.integers(n_days, size=OUTAGES), rng.integers(5, LONGEST_OUTAGE, OUTAGES), strict=True):
        working[first : first + length] = False
    return working
