"""From instantaneous surface temperatures with clouds to the daily temperature of the ground surface."""

import numpy as np
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox
from pydantic import Field

from cryoscale import thermal
from cryoscale.config import Config
from cryoscale.errors import InputError
from cryoscale.products.sources import LstSource
from cryoscale.readers import LstFiles, open_lst
from cryoscale.stats import VariogramModel
from cryoscale.variables import attributes

GST = "ground_surface_temperature"


class GapFilling(Config):
    """Kriging of what clouds hide, image by image, with the elevation as its trend."""

    variogram: VariogramModel | None = Field(None, description="form of the variogram; null: the best of the three")
    neighbours: int = Field(16, ge=1, le=64, description="nearest pixels with a value that a gap is kriged from")
    search_radius: float = Field(
        100_000.0,
        gt=0,
        description="farther pixels are not used; where there are none, elevation alone says the temperature",
        json_schema_extra={"unit": "m"},
    )
    sample: int = Field(2000, ge=100, description="pixels that trend and variogram are fitted to")
    min_valid: float = Field(
        0.05, ge=0, le=1, description="share of an image's pixels with a value, below which the image is not used"
    )
    seed: int = Field(0, description="of the sample")


class GroundModel(Config):
    """Ridge regression of the ground's daily mean on the overpasses' surface temperatures."""

    n_folds: int = Field(10, ge=2, description="folds of the cross-validation that chooses the penalty")
    min_samples: int = Field(60, ge=10, description="station-days below which a set of overpasses has no model")
    seed: int = Field(0, description="of the folds")


def daily_images(
    files: LstFiles, geobox: GeoBox, *, days: int, size: tuple[int, int], source: LstSource
) -> xr.DataArray:
    """Open the images, the overpasses of a day together.

    Parameters
    ----------
    files : LstFiles
        What was found.
    geobox : odc.geo.geobox.GeoBox
        The grid.
    days : int
        Days in a chunk.
    size : tuple of int
        Rows and columns of a chunk.
    source : LstSource
        Says how images are resampled.

    Returns
    -------
    xarray.DataArray
        ``lst`` (overpass, time, y, x) in degC, lazy.
    """
    images = open_lst(files, geobox, chunks={"time": days, "y": size[0], "x": size[1]}, resampling=source.resampling)
    return images.chunk(overpass=-1)


def survey_images(
    lst: xr.DataArray, elevation: xr.DataArray, options: GapFilling, *, pixels: pd.DataFrame
) -> xr.Dataset:
    """Read every image once: its trend and variogram, and its values at stations; lazy where the images are.

    Parameters
    ----------
    lst : xarray.DataArray
        (overpass, time, y, x) in degC.
    elevation : xarray.DataArray
        (y, x) in m.
    options : GapFilling
        Sample and variogram.
    pixels : pandas.DataFrame
        ``station``, ``row`` and ``column``, one row a station.

    Returns
    -------
    xarray.Dataset
        What `thermal.fit_gap_models` gives, and ``station_lst`` (overpass, time, station).
    """
    fits = thermal.fit_gap_models(
        lst,
        elevation,
        model=options.variogram,
        sample=options.sample,
        min_valid=options.min_valid,
        max_distance=options.search_radius,
        seed=options.seed,
    )
    rows, columns = (xr.DataArray(pixels[name].to_numpy(), dims="station") for name in ("row", "column"))
    grid = ["y", "x", "spatial_ref"]
    at_stations = lst.isel(y=rows, x=columns).drop_vars(grid, errors="ignore").chunk(station=-1)
    at_stations.attrs = attributes("station_lst")
    # Labels as objects: a Zarr store keeps strings of any length, and has no standard for those of a fixed one.
    labels = {"station": pixels["station"].to_numpy(object), "overpass": lst.overpass.values.astype(object)}
    return fits.drop_vars(grid, errors="ignore").assign(station_lst=at_stations).assign_coords(labels)


def station_samples(station_lst: xr.DataArray, stations: pd.DataFrame) -> pd.DataFrame:
    """Pair what stations measured with what the overpasses saw at their pixels.

    Only what was seen is used: kriged values would bring their own smoothing into the predictors.

    Parameters
    ----------
    station_lst : xarray.DataArray
        (overpass, time, station) in degC, in memory.
    stations : pandas.DataFrame
        ``station``, ``time`` and ``ground_surface_temperature``.

    Returns
    -------
    pandas.DataFrame
        A column for each overpass, ``station``, ``time``, ``ground_surface_temperature``; of days with an overpass.

    Raises
    ------
    InputError
        If stations and images have no day in common.
    """
    overpasses = [str(name) for name in station_lst.overpass.values]
    seen = station_lst.transpose("time", "station", "overpass")
    index = pd.MultiIndex.from_product([seen.time.values, seen.station.values], names=["time", "station"])
    table = pd.DataFrame(seen.values.reshape(-1, len(overpasses)), index=index, columns=overpasses).reset_index()
    measured = stations[["station", "time", GST]].dropna()
    samples = table.merge(measured, on=["station", "time"]).dropna(how="all", subset=overpasses)
    if samples.empty:
        raise InputError(
            f"stations: none of the {len(measured)} station-days ({_period(measured.time)}) has an image "
            f"({_period(table.time)}) with a value at the station's pixel. Check the dates and the coordinates."
        )
    return samples.reset_index(drop=True)


def _period(times: pd.Series) -> str:
    return "no days" if times.empty else f"{times.min():%Y-%m-%d} to {times.max():%Y-%m-%d}"


def summable_correlation(correlation: float) -> float:
    """Correlation of daily errors as sums over years can be made with it.

    Parameters
    ----------
    correlation : float
        From one day to the next; NaN where stations have no neighbouring days, below 0 by chance where they have few.

    Returns
    -------
    float
        From 0 to 0.99.

    Examples
    --------
    >>> [summable_correlation(found) for found in (0.4, -0.1, float("nan"))]
    [0.4, 0.0, 0.0]
    """
    return float(np.clip(np.nan_to_num(correlation), 0.0, 0.99))


def compute_ground_temperature(
    lst: xr.DataArray,
    elevation: xr.DataArray,
    *,
    fits: xr.Dataset,
    model: thermal.GroundTemperatureModel,
    options: GapFilling,
) -> xr.Dataset:
    """Fill the images and turn them into the daily mean temperature of the ground; lazy where the images are.

    Parameters
    ----------
    lst : xarray.DataArray
        (overpass, time, y, x) in degC, NaN under clouds.
    elevation : xarray.DataArray
        (y, x) in m.
    fits : xarray.Dataset
        Trend and variogram of each image, with the season's where an image has none.
    model : thermal.GroundTemperatureModel
        Fitted.
    options : GapFilling
        Neighbours and search radius.

    Returns
    -------
    xarray.Dataset
        ``ground_surface_temperature`` and ``gst_error`` (time, y, x), NaN on days without a usable image;
        ``n_overpasses``, those that saw the ground.
    """
    filled = thermal.fill_gaps(
        lst, elevation, models=fits, neighbours=options.neighbours, search_radius=options.search_radius
    )
    ground = model.predict(filled.lst, variance=filled.kriging_variance)
    seen = lst.notnull().sum("overpass").astype("uint8").assign_attrs(attributes("n_overpasses"))
    return ground.assign(n_overpasses=seen)
