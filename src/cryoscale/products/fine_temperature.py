"""From coarse images of vegetation and temperature to the fine detail of temperature, season by season."""

from calendar import month_name
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from pydantic import Field
from sklearn.ensemble import RandomForestRegressor

from cryoscale import terrain, thermal
from cryoscale.config import Config
from cryoscale.thermal.footprint import block_means, conserve, detail_of
from cryoscale.variables import attributes

Values = np.ndarray[Any, Any]

TERRAIN = ("elevation", "slope", "aspect_sin", "aspect_cos")
_MONTHS = tuple(month_name[1:])
_SEASONS = ("December to February", "March to May", "June to August", "September to November")
_SOLAR_DAYS = 3
"""Days of the year whose potential radiation stands for a season."""


Fitted = list[tuple[Values, thermal.Downscaler]]
"""Positions of steps that share a model, and the model."""

Reduce = Callable[[xr.Dataset], xr.Dataset]


class Period(StrEnum):
    """Which days of the year share a detail."""

    MONTH = "month"
    SEASON = "season"


class Pooling(StrEnum):
    """Which images share a model."""

    SEASON = "season"
    """The same month or season of all years."""
    IMAGE = "image"
    """None: each year's month or season has its own."""


class Sharpening(Config):
    """Downscaling by a random forest on fine covariates, weighted by what it earns."""

    period: Period = Field(Period.SEASON, description="days of the year that share a detail: month or season")
    pooling: Pooling = Field(Pooling.SEASON, description="images that share a model: season (of all years) or image")
    lst_factor: int = Field(32, ge=2, description="fine pixels in a pixel of the surface temperatures, along each side")
    ndvi_factor: int = Field(8, ge=2, description="fine pixels in a pixel of the coarse NDVI, along each side")
    trees: int = Field(30, ge=1, description="trees of the forest")
    leaves: int = Field(256, ge=2, description="leaves of a tree at most")
    n_folds: int = Field(5, ge=2, description="folds of the cross-validation over blocks of ground")
    block_size: int = Field(6, ge=1, description="side of these blocks, in coarse pixels")
    n_samples: int = Field(20_000, ge=100, description="coarse pixels that a forest is fitted to")
    seed: int = Field(0, description="of samples, folds and forest")

    def downscaler(self, factor: int, sets: Mapping[str, tuple[str, ...]]) -> thermal.Downscaler:
        """An unfitted downscaler."""
        forest = RandomForestRegressor(
            self.trees, min_samples_leaf=3, max_leaf_nodes=self.leaves, max_features=0.5, random_state=self.seed
        )
        return thermal.Downscaler(
            forest,
            factor=factor,
            covariate_sets={name: list(names) for name, names in sets.items()},
            n_folds=self.n_folds,
            block_size=self.block_size,
            n_samples=self.n_samples,
            seed=self.seed,
        )


class DailyFill(Config):
    """Daily means at the resolution of the images, gaps filled in time."""

    linear_limit: int = Field(
        10, ge=0, description="gaps up to this are bridged by a line", json_schema_extra={"unit": "d"}
    )
    harmonics: int = Field(2, ge=1, le=4, description="harmonics of the year that bridge longer gaps")


@dataclass(frozen=True)
class Calendar:
    """Steps of the detail: a month or season of a year each.

    Attributes
    ----------
    years : tuple of int
        Whole calendar years.
    period : Period
        Months or seasons (January, February and December of one calendar year are a season).
    """

    years: tuple[int, ...]
    period: Period

    @property
    def parts(self) -> int:
        """Of a year."""
        return 12 if self.period is Period.MONTH else 4

    def part_of(self, times: Values) -> Values:
        """Part of the year of each day, from 0."""
        months = pd.DatetimeIndex(times).month.to_numpy()
        return np.asarray(months - 1 if self.period is Period.MONTH else months % 12 // 3)

    def step_of(self, times: Values) -> Values:
        """Position of each day's step; -1 outside the years."""
        years = pd.DatetimeIndex(times).year.to_numpy()
        known = np.isin(years, self.years)
        position = np.searchsorted(self.years, years)
        return np.where(known, position * self.parts + self.part_of(times), -1)

    def middle(self) -> pd.DatetimeIndex:
        """A day in the middle of each step."""
        months = np.arange(1, 13) if self.period is Period.MONTH else np.array([1, 4, 7, 10])
        return pd.DatetimeIndex([pd.Timestamp(year, month, 15) for year in self.years for month in months])

    def name_of(self, part: int) -> str:
        """What people call a part of the year."""
        return (_MONTHS if self.period is Period.MONTH else _SEASONS)[part]

    def days_of_year(self, part: int) -> tuple[int, ...]:
        """Days of the year that stand for a part's sun."""
        first = part * 30.4 + 15 if self.period is Period.MONTH else part * 91.3 + 15
        width = 10 if self.period is Period.MONTH else 30
        return tuple(int(first + width * (i - _SOLAR_DAYS // 2)) % 365 + 1 for i in range(_SOLAR_DAYS))


def land_covariates(elevation: xr.DataArray, calendar: Calendar) -> xr.Dataset:
    """What the shape of the land tells of temperature and vegetation; lazy where the elevation is.

    Parameters
    ----------
    elevation : xarray.DataArray
        (y, x) in m.
    calendar : Calendar
        Says which parts of the year there are.

    Returns
    -------
    xarray.Dataset
        (y, x) ``elevation``, ``slope``, ``aspect_sin``, ``aspect_cos``, and ``potential_radiation`` (part, y, x).
    """
    radiation = [
        terrain.potential_radiation(elevation, calendar.days_of_year(part)).mean("day_of_year", keep_attrs=True)
        for part in range(calendar.parts)
    ]
    components = terrain.aspect_components(elevation)
    return components.assign(
        elevation=elevation,
        slope=terrain.slope(elevation),
        potential_radiation=xr.concat(radiation, "part", coords="minimal", compat="override")
        .astype("float32")
        .chunk(part=-1),
    )


def daily_means(images: xr.DataArray, options: DailyFill, *, years: Sequence[int]) -> xr.Dataset:
    """Daily mean temperature of whole years from instantaneous images, each overpass filled in time before.

    Parameters
    ----------
    images : xarray.DataArray
        (overpass, time, y, x) in degC, every day of the years, in memory.
    options : DailyFill
        How gaps are filled.
    years : sequence of int
        Calendar years, in order.

    Returns
    -------
    xarray.Dataset
        (time, y, x) ``daily_lst``, mean of the overpasses, and ``daily_source``, the least certain of theirs.
    """
    filled, source = thermal.fill_in_time(images, linear_limit=options.linear_limit, harmonics=options.harmonics)
    mean = filled.mean("overpass", skipna=False).assign_attrs(attributes("daily_lst"))
    worst = source.max("overpass").where(source.min("overpass") > 0, 0).astype("uint8")
    daily = xr.Dataset({"daily_lst": mean, "daily_source": worst.assign_attrs(attributes("daily_source"))})
    return daily.sel(time=slice(f"{years[0]}-01-01", f"{years[-1]}-12-31"))


def composite(images: xr.DataArray, calendar: Calendar) -> xr.DataArray:
    """Mean image of every step; lazy where the images are.

    Parameters
    ----------
    images : xarray.DataArray
        (time, y, x), NaN where nothing was seen.
    calendar : Calendar
        The steps.

    Returns
    -------
    xarray.DataArray
        (time, y, x), a step each, at its middle day; a step without an image takes the mean of its part of the year
        over all years.
    """
    steps, parts = calendar.step_of(images.time.values), calendar.part_of(images.time.values)
    means = []
    for step in range(len(calendar.years) * calendar.parts):
        own = steps == step
        chosen = own if own.any() else parts == step % calendar.parts
        means.append(images.isel(time=np.flatnonzero(chosen)).mean("time", keep_attrs=True))
    middle = xr.DataArray(calendar.middle().values, dims="time", name="time")
    return xr.concat(means, middle, coords="minimal", compat="override").astype("float32")


def groups_of(calendar: Calendar, pooling: Pooling) -> Iterator[Values]:
    """Positions of the steps that share a model."""
    n_steps = len(calendar.years) * calendar.parts
    if pooling is Pooling.IMAGE:
        yield from (np.array([step]) for step in range(n_steps))
        return
    yield from (np.arange(part, n_steps, calendar.parts) for part in range(calendar.parts))


def sharpen_images(
    coarse: xr.DataArray,
    covariates: xr.Dataset,
    *,
    calendar: Calendar,
    options: Sharpening,
    factor: int,
    sets: Mapping[str, tuple[str, ...]],
) -> Fitted:
    """Fit a downscaler to every group of composites.

    Parameters
    ----------
    coarse : xarray.DataArray
        (time, y, x) composites, in memory.
    covariates : xarray.Dataset
        Fine; with ``part`` what differs between parts of the year, with ``time`` what differs between steps.
    calendar : Calendar
        The steps.
    options : Sharpening
        Forest and folds.
    factor : int
        Fine pixels in a coarse one.
    sets : mapping of str to tuple of str
        Sets of covariates to choose from.

    Returns
    -------
    list
        Positions of the steps of each group, and its fitted downscaler.
    """
    fitted = []
    for steps in groups_of(calendar, options.pooling):
        model = options.downscaler(factor, sets)
        fitted.append((steps, model.fit(coarse.isel(time=steps), covariates_of(covariates, steps, calendar))))
    return fitted


def covariates_of(covariates: xr.Dataset, steps: Values, calendar: Calendar) -> xr.Dataset:
    """Covariates of some steps that share a part of the year.

    Parameters
    ----------
    covariates : xarray.Dataset
        With dims ``part`` and ``time`` where they differ.
    steps : numpy.ndarray
        Positions.
    calendar : Calendar
        Says which part they are of.

    Returns
    -------
    xarray.Dataset
        (y, x) or (time, y, x).
    """
    chosen = covariates.isel(part=int(steps[0]) % calendar.parts) if "part" in covariates.dims else covariates
    return chosen.isel(time=steps) if "time" in chosen.dims else chosen


def learn_images(fitted: Fitted, coarse: xr.DataArray, covariates: xr.Dataset, *, calendar: Calendar) -> xr.DataArray:
    """What the learners say of every fine pixel of all steps; lazy where the covariates are, chunk by chunk.

    Parameters
    ----------
    fitted : list
        From `sharpen_images`.
    coarse : xarray.DataArray
        (time, y, x) composites.
    covariates : xarray.Dataset
        As for `sharpen_images`.
    calendar : Calendar
        The steps.

    Returns
    -------
    xarray.DataArray
        (time, y, x), float32, in the order of the steps.
    """
    images = [
        model.learned(coarse.isel(time=steps), covariates_of(covariates, steps, calendar)) for steps, model in fitted
    ]
    return _in_order(images, fitted).chunk(time=-1).drop_attrs(deep=False)


def keep_means(
    fitted: Fitted, coarse: xr.DataArray, learned: xr.DataArray, *, factor: int, reduce: Reduce
) -> xr.DataArray:
    """Fine images with the learners' detail and the coarse images' means; what `Downscaler.predict` gives, in passes.

    A pixel's detail is what it has beyond the smooth field through all coarse means of what was learned, and the
    means of the detail decide on another smooth field. Both are reductions over the whole area, so they come first:
    then a tile of the result needs no other tile.

    Parameters
    ----------
    fitted : list
        From `sharpen_images`.
    coarse : xarray.DataArray
        (time, y, x) composites; an image of zeros gives the detail alone.
    learned : xarray.DataArray
        From `learn_images`, read from a store: it is read three times.
    factor : int
        Fine pixels in a coarse one.
    reduce : callable
        Computes a dataset whose result is small.

    Returns
    -------
    xarray.DataArray
        (time, y, x), float32, lazy where `learned` is.
    """
    factors, dims = (factor, factor), ("time", "node_y", "node_x")
    weights = _in_order(
        [xr.DataArray(model.weights_of(coarse.isel(time=s)), dims="time") for s, model in fitted], fitted
    )
    values = learned.data
    means = reduce(xr.Dataset({"means": (dims, block_means(values, factors))})).means.values
    detail = detail_of(values, factors, means=means)
    of_detail = reduce(xr.Dataset({"means": (dims, block_means(detail, factors))})).means.values
    fine = conserve(coarse.values.astype(float), detail, factors, weights=weights.values, means=of_detail)
    return learned.copy(data=fine.astype(np.float32)).drop_attrs(deep=False)


def _in_order(parts: list[xr.DataArray], fitted: Fitted) -> xr.DataArray:
    """Parts of groups of steps, joined in the order of the steps."""
    order = np.argsort(np.concatenate([steps for steps, _ in fitted]))
    return xr.concat(parts, "time", coords="minimal", compat="override").isel(time=order)


def label_of(steps: Values, calendar: Calendar) -> str:
    """What people call the steps that share a model.

    Parameters
    ----------
    steps : numpy.ndarray
        Positions.
    calendar : Calendar
        The steps.

    Returns
    -------
    str
        As in ``June to August`` or, of a single step, ``June to August 2010``.
    """
    year, part = divmod(int(steps[0]), calendar.parts)
    name = calendar.name_of(part)
    return name if len(steps) > 1 else f"{name} {calendar.years[year]}"


def weights_of(fitted: Fitted, *, calendar: Calendar) -> pd.DataFrame:
    """What the detail of every step is worth.

    Parameters
    ----------
    fitted : list
        From `sharpen_images`.
    calendar : Calendar
        The steps.

    Returns
    -------
    pandas.DataFrame
        ``time``, ``weight`` and ``model``, in order of time.
    """
    rows = [
        pd.DataFrame(
            {
                "time": calendar.middle()[steps],
                "weight": np.atleast_1d(model.weight_.values),
                "model": label_of(steps, calendar),
            }
        )
        for steps, model in fitted
    ]
    return pd.concat(rows).sort_values("time", ignore_index=True)
