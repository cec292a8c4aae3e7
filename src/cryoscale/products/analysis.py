"""What is made of the long-term record: regional means, maps compared, drivers, a point series (Section 4.1)."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from pydantic import Field, field_validator

from cryoscale import insar
from cryoscale.config import Config, ConfigInput
from cryoscale.errors import InputError
from cryoscale.grids import geobox_of, pixel_at
from cryoscale.insar.drivers import aggregate, driver_statistics
from cryoscale.insar.validation import compare_point
from cryoscale.products.record import DenseSeries, regional_means
from cryoscale.readers import open_map
from cryoscale.readers.daily import read_series
from cryoscale.report import decimated
from cryoscale.stats import compare_maps
from cryoscale.variables import VARIABLES

Reduce = Callable[[xr.Dataset], xr.Dataset]

N_BINS = 80
_RANGE = (0.005, 0.995)  # quantiles that the bins of a comparison span


class Drivers(Config):
    """Environmental drivers of the thaw-season deformation."""

    covariates: dict[str, ConfigInput] = Field(
        description="GeoTIFFs on the stack's pixels, as in slope: slope.tif; "
        "slope, ndvi, swir_albedo, thawing_index, ground_ice"
    )
    cell: float = Field(
        insar.CELL, gt=0, description="side of the cells of the analysis", json_schema_extra={"unit": "m"}
    )
    bins: int = Field(8, ge=2, description="bins of each covariate")

    @field_validator("covariates")
    @classmethod
    def _known(cls, covariates: dict[str, ConfigInput]) -> dict[str, ConfigInput]:
        if not covariates:
            raise ValueError("names no map; leave drivers out, or give one")
        for name in covariates:
            if name not in VARIABLES:
                close = difflib.get_close_matches(name, VARIABLES, n=1)
                raise ValueError(f"{name} is no registered variable" + (f"; did you mean {close[0]}?" if close else ""))
        return covariates


class PointSeries(Config):
    """Measurements of vertical displacement at a point, such as GNSS interferometric reflectometry."""

    path: ConfigInput = Field(description="CSV with time and displacement (mm, upward)")
    longitude: float = Field(ge=-180, le=360, description="of the point", json_schema_extra={"unit": "degree"})
    latitude: float = Field(ge=-90, le=90, description="of the point", json_schema_extra={"unit": "degree"})
    size: int = Field(
        3, ge=1, description="side of the square that is averaged, odd", json_schema_extra={"unit": "pixel"}
    )
    reference_date: str | None = Field(None, description="day on which both series are 0; null: the first in common")


@dataclass(frozen=True, slots=True)
class Analysis:
    """Small results, computed.

    Attributes
    ----------
    regional : xarray.Dataset
        From `regional_means`.
    comparisons : mapping of str to xarray.Dataset
        From `stats.compare_maps`, by what is compared.
    drivers : xarray.Dataset or None
        From `insar.driver_statistics`.
    driver_maps : xarray.Dataset
        Deformation and covariates on the coarse grid.
    point : xarray.Dataset or None
        From `insar.compare_point`.
    """

    regional: xr.Dataset
    comparisons: Mapping[str, xr.Dataset]
    drivers: xr.Dataset | None = None
    driver_maps: xr.Dataset = field(default_factory=xr.Dataset)
    point: xr.Dataset | None = None


def analyse(
    record: Mapping[str, xr.Dataset],
    dense: DenseSeries,
    *,
    drivers: Drivers | None,
    point: PointSeries | None,
    chunks: dict[str, int],
    reduce: Reduce,
) -> Analysis:
    """Reduce the record to what the report shows.

    Parameters
    ----------
    record : mapping of str to xarray.Dataset
        By group.
    dense : DenseSeries
        For the point series.
    drivers, point : Config or None
        What is wanted besides.
    chunks : dict
        Of the record along ``y`` and ``x``.
    reduce : callable
        Computes a small Dataset from a lazy one.

    Returns
    -------
    Analysis

    Raises
    ------
    InputError
        If the sensors see no pixel in common.
    """
    regional = reduce(regional_means(record))
    _require_common(regional)
    comparisons = {name: reduce(_compare(*maps)) for name, maps in _comparable(record).items()}
    found = {} if drivers is None else _drivers(record, drivers, chunks=chunks, reduce=reduce)
    return Analysis(regional, comparisons, **found, point=None if point is None else _point(dense, point))


def _require_common(regional: xr.Dataset) -> None:
    empty = sorted({str(q) for q in regional.quantity.values[regional.n_pixels.values == 0]})
    if empty:
        groups = sorted({str(group) for group in regional.group.values})
        raise InputError(
            f"{', '.join(empty)}: no pixel has data of all sensors ({', '.join(groups)}). "
            "Leave out the sensor that covers another area, or lower corrections.coherence_threshold or min_share."
        )


def _comparable(record: Mapping[str, xr.Dataset]) -> dict[str, tuple[xr.DataArray, xr.DataArray]]:
    """Maps of a sparse sensor and of the dense one that are of the same time."""
    dense = next(group for group in record.values() if "interannual" not in group.attrs)
    pairs = {}
    for group in record.values():
        overlap = group.attrs["first"] <= dense.attrs["last"] and dense.attrs["first"] <= group.attrs["last"]
        if group is dense or not overlap:
            continue
        names = f"{group.attrs['sensor']} and {dense.attrs['sensor']}"
        if "vertical_rate" in group:
            pairs[f"Rate of {names}"] = group.vertical_rate, dense.vertical_rate
        years = np.intersect1d(group.get("year", []), dense.year)
        for year in years:
            seasons = (each.vertical_thaw_season.sel(year=year, drop=True) for each in (group, dense))
            pairs[f"Thaw season {year} of {names}"] = next(seasons), next(seasons)
    return pairs


def _compare(first: xr.DataArray, second: xr.DataArray) -> xr.Dataset:
    sample = np.concatenate([decimated(each).values.ravel() for each in (first, second)])
    low, high = np.nanquantile(sample, _RANGE) if np.isfinite(sample).any() else (-1.0, 1.0)
    return compare_maps(first, second, edges=np.linspace(np.floor(low), np.ceil(high) or 1.0, N_BINS + 1))


def _drivers(
    record: Mapping[str, xr.Dataset], options: Drivers, *, chunks: dict[str, int], reduce: Reduce
) -> dict[str, xr.Dataset]:
    dense = next(group for group in record.values() if "interannual" not in group.attrs)
    season = dense.mean_vertical_thaw_season
    covariates = {
        name: open_map(path, name, geobox=geobox_of(season), chunks=chunks) for name, path in options.covariates.items()
    }
    maps = {"mean_vertical_thaw_season": season, **covariates}
    coarse = reduce(xr.Dataset({name: aggregate(array, size=options.cell) for name, array in maps.items()}))
    wanted = {name: coarse[name] for name in covariates}
    return {
        "drivers": driver_statistics(coarse.mean_vertical_thaw_season, wanted, n_bins=options.bins),
        "driver_maps": coarse,
    }


def _point(dense: DenseSeries, options: PointSeries) -> xr.Dataset:
    row, column = pixel_at(geobox_of(dense.displacement), options.longitude, options.latitude)
    half = options.size // 2
    near = {"y": slice(max(row - half, 0), row + half + 1), "x": slice(max(column - half, 0), column + half + 1)}
    angle = dense.incidence_angle
    upward = insar.los_to_vertical(
        dense.displacement.isel(near), angle.isel(near) if isinstance(angle, xr.DataArray) else angle
    )
    return compare_point(
        upward,
        read_series(options.path, "displacement"),
        y=float(dense.displacement.y[row]),
        x=float(dense.displacement.x[column]),
        size=options.size,
        reference_date=options.reference_date,
    )
