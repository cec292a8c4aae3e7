"""Field work of the moisture scene: pits and radar soundings along roads, with what goes wrong in such tables."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from cryoscale.errors import InputError
from cryoscale.grids import geobox_of

KNIFE, RADAR = "ring knife", "ground-penetrating radar"
RADAR_SHARE, PERIOD_SHARE, SHARED = 0.3, 0.2, 0.03  # shares of radar, of pits of several days, of shared pixels
NOISE = 0.035  # m3 m-3: how the mean of a sample differs from its pixel's
ROADS, SITES_PER_ROAD, SITE_RADIUS = 7, 24, 7.0  # radius in pixels; a site has about two samples
EXTRAS: Mapping[str, float] = {"out of season": 0.05, "gross error": 0.015, "duplicate": 0.012}
"""Samples that are there beside the good ones, as a share of these; at least one of each."""

FEWEST = 20
_COLUMNS = ["sample", "longitude", "latitude", "start", "end", "depth_top", "depth_bottom", "moisture", "method"]


@dataclass(frozen=True, slots=True)
class Fieldwork:
    """A table and what is wrong with it.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a layer, as `cryoscale.readers.read_moisture_samples` gives it.
    flaws : mapping of str to str
        By name of a sample that should not count: one of `EXTRAS`.
    """

    table: pd.DataFrame
    flaws: Mapping[str, str]


def field_samples(
    truth: xr.DataArray,
    *,
    porosity: xr.DataArray,
    permafrost: xr.DataArray,
    n_samples: int,
    rng: np.random.Generator,
) -> Fieldwork:
    """Sample the ground near roads, mostly in September and October of 2009 to 2024.

    Each sample has the moisture of its pixel and a noise of 0.035 m3 m-3. The layers of a pit differ, but their mean
    over the depth is that of the sample; a sounding has one layer. A few pixels have two samples.

    Parameters
    ----------
    truth : xarray.DataArray
        Moisture (y, x), m3 m-3.
    porosity : xarray.DataArray
        Of the same pixels, m3 m-3: no sample is wetter, but for gross errors.
    permafrost : xarray.DataArray
        bool: where samples are taken.
    n_samples : int
        Good samples, 20 or more.
    rng : numpy.random.Generator
        Source of places, dates, layers and flaws.

    Returns
    -------
    Fieldwork

    Raises
    ------
    InputError
        If fewer than 20 samples are asked for, or more than there are pixels of permafrost near the roads.
    """
    if n_samples < FEWEST:
        raise InputError(f"n_samples: {n_samples} samples are too few for flaws among them. Give {FEWEST} or more.")
    counts = {flaw: max(round(share * n_samples), 1) for flaw, share in EXTRAS.items()}
    shared = round(SHARED * n_samples)
    n_pixels = n_samples - shared + counts["out of season"] + counts["gross error"]
    pixels = _pixels_near_roads(permafrost.values, n_pixels, rng)
    pixels = np.concatenate([pixels[:shared], pixels])  # the first ones are visited twice
    flaws = ["" for _ in range(n_samples)]
    flaws += [flaw for flaw in ("out of season", "gross error") for _ in range(counts[flaw])]
    order = rng.permutation(len(flaws))
    transform = geobox_of(truth).transform
    profiles = {}
    for number, index in enumerate(order, start=1):
        row, column = pixels[index]
        within = rng.uniform(0.1, 0.9, 2)
        longitude, latitude = transform @ (column + within[1], row + within[0])
        mean = np.clip(truth.values[row, column] + NOISE * rng.standard_normal(), 0.02, porosity.values[row, column])
        profile = _profile(float(mean), flaws[index], rng)
        profiles[f"P{number:04d}"] = {"longitude": round(longitude, 5), "latitude": round(latitude, 5)} | profile
    found = {f"P{number:04d}": flaws[index] for number, index in enumerate(order, start=1) if flaws[index]}
    good = [name for name in profiles if name not in found]
    for number, name in enumerate(rng.choice(good, counts["duplicate"], replace=False), start=len(profiles) + 1):
        profiles[f"P{number:04d}"] = profiles[str(name)]
        found[f"P{number:04d}"] = "duplicate"
    parts = [pd.DataFrame(profile).assign(sample=name) for name, profile in profiles.items()]
    table = pd.concat(parts, ignore_index=True)[_COLUMNS]
    return Fieldwork(table.astype({"start": "datetime64[ns]", "end": "datetime64[ns]"}), found)


def _pixels_near_roads(permafrost: NDArray[np.bool_], n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows and columns of different pixels, (n, 2), in clusters along roads that cross the scene."""
    shape = np.array(permafrost.shape)
    roads = [_road(rng) for _ in range(ROADS)]
    sites = np.array([_place(road, rng) for road in roads for _ in range(SITES_PER_ROAD)])
    near = sites[rng.integers(len(sites), size=60 * n)] * shape + SITE_RADIUS * rng.standard_normal((60 * n, 2))
    pixels = np.floor(near).astype(np.int64)
    pixels = pixels[((pixels >= 0) & (pixels < shape)).all(axis=1)]
    pixels = pixels[permafrost[pixels[:, 0], pixels[:, 1]]]
    first = np.sort(np.unique(pixels, axis=0, return_index=True)[1])
    if len(first) < n:
        raise InputError(
            f"n_samples: {n} pixels with permafrost near roads are needed, but the scene has {len(first)}. Give fewer "
            "samples or a larger shape."
        )
    return np.asarray(pixels[first[:n]])


def _road(rng: np.random.Generator) -> tuple[int, float, NDArray[np.float64]]:
    """Along which axis it goes, where it begins on the other, and sizes of its bends."""
    return int(rng.integers(2)), float(rng.uniform(0.15, 0.85)), 0.08 * rng.standard_normal(4)


def _place(road: tuple[int, float, NDArray[np.float64]], rng: np.random.Generator) -> tuple[float, float]:
    """A place on a road, as shares of the scene's height and width."""
    axis, start, bends = road
    along = float(rng.random())
    across = start + float(bends @ np.sin(np.pi * np.arange(1, 5) * along))
    return (along, across) if axis == 0 else (across, along)


def _profile(mean: float, flaw: str, rng: np.random.Generator) -> dict[str, object]:
    """Dates, method and layers of one sample."""
    radar = rng.random() < RADAR_SHARE
    depth = float(rng.integers(16, 65)) / 20.0  # 0.8 to 3.2 m
    n_layers = 1 if radar else int(rng.integers(3, 8))
    bounds = np.round(depth * (np.arange(n_layers + 1) / n_layers) ** 1.4, 2)
    if flaw == "gross error":
        mean = float(rng.uniform(0.84, 0.95))
    first, length = (pd.Timestamp("2009-07-01"), 31) if flaw == "out of season" else (pd.Timestamp("2009-09-01"), 61)
    year = pd.DateOffset(years=int(rng.integers(16)))
    start = first + year + pd.Timedelta(days=int(rng.integers(length)))
    several_days = not radar and rng.random() < PERIOD_SHARE
    days = min(int(rng.integers(1, 8)), (first + year + pd.Timedelta(days=length - 1) - start).days)
    return {
        "start": start,
        "end": start + pd.Timedelta(days=days if several_days else 0),
        "depth_top": bounds[:-1],
        "depth_bottom": bounds[1:],
        "moisture": _layers(mean, np.diff(bounds), rng),
        "method": RADAR if radar else KNIFE,
    }


def _layers(mean: float, thickness: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Moisture of layers whose mean over the depth is given."""
    shape = np.cumsum(rng.standard_normal(len(thickness)))
    shape -= np.average(shape, weights=thickness)
    room = min(mean - 0.01, 0.99 - mean) * rng.uniform(0.2, 0.7)
    return np.round(mean + room * shape / max(float(np.abs(shape).max()), 1e-9), 5)
