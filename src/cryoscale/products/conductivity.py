"""Which ratio of thawed to frozen conductivity a class of land cover or soil has: from a table, or calibrated."""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from pydantic import Field

from cryoscale import thermal
from cryoscale.config import Config, ConfigInput
from cryoscale.errors import InputError
from cryoscale.grids import geobox_of, pixel_spacing
from cryoscale.learning import spatial_blocks


class Calibration(StrEnum):
    """What rk is calibrated against."""

    NONE = "none"
    SURVEY = "survey"
    BOREHOLES = "boreholes"


class Conductivity(Config):
    """Ratio of thawed to frozen thermal conductivity, rk, by class."""

    table: ConfigInput | None = Field(
        None, description="CSV with class, rk, rk_error and name; null: start values for ESA CCI land cover"
    )
    calibration: Calibration = Field(
        Calibration.NONE, description="fit rk to the survey maps or the boreholes named under validation"
    )
    bounds: tuple[float, float] = Field((0.3, 1.1), description="lowest and highest plausible rk")
    min_pixels: int = Field(50, ge=1, description="pixels of a survey below which a class takes the rk of all")
    min_boreholes: int = Field(5, ge=1, description="boreholes below which a class takes the rk of all")
    block: float = Field(
        20_000.0,
        gt=0,
        description="side of the blocks of ground that cross-validation keeps together",
        json_schema_extra={"unit": "m"},
    )
    n_folds: int = Field(5, ge=2, description="folds of the cross-validation")
    seed: int = Field(0, description="of folds and bootstrap")


@dataclass(frozen=True)
class Ratios:
    """The table in use, where it began, and what its calibration is worth.

    Attributes
    ----------
    table, start : thermal.RkTable
        In use, and before any calibration.
    survey : thermal.RkValidation or None
        Calibration by class to surveys.
    single : thermal.RkValidation or None
        The same with one rk for all classes.
    boreholes : thermal.RkBoreholeCalibration or None
        Calibration to boreholes.
    """

    table: thermal.RkTable
    start: thermal.RkTable
    survey: thermal.RkValidation | None = None
    single: thermal.RkValidation | None = None
    boreholes: thermal.RkBoreholeCalibration | None = None

    def classes(self) -> pd.DataFrame:
        """Calibrated classes: ``name``, ``n``, ``rk_table``, ``rk``, ``rk_error`` and ``pooled`` by class."""
        fitted = self.survey.calibration if self.survey is not None else self.boreholes
        if fitted is None:
            return pd.DataFrame()
        frame = fitted.classes[["n", "rk", "pooled"]]
        codes = frame.index.to_series()
        return frame.assign(
            name=codes.map(self.table.names),
            rk_table=codes.map(self.start.values),
            rk_error=codes.map(self.table.errors),
        )


def read_ratios(path: Path | None) -> thermal.RkTable:
    """Table of rk to begin with.

    Parameters
    ----------
    path : Path or None
        CSV; None for the start values of ESA CCI land cover.

    Returns
    -------
    thermal.RkTable

    Raises
    ------
    InputError
        If the file cannot be read or holds no valid table.
    """
    if path is None:
        return thermal.RkTable.esa_cci_land_cover()
    try:
        return thermal.RkTable.from_frame(pd.read_csv(path))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {error}") from None


def require_ratios(start: thermal.RkTable, land_cover: xr.DataArray, survey: xr.DataArray | None) -> None:
    """Refuse, before anything long is computed, a map with classes that will have no rk.

    Parameters
    ----------
    start : thermal.RkTable
        The table to begin with.
    land_cover : xarray.DataArray
        (y, x) classes, lazy or not.
    survey : xarray.DataArray or None
        (y, x), not 0 where classes will be calibrated; None without calibration to a survey.

    Raises
    ------
    InputError
        Naming the classes.
    """
    counts = thermal.count_classes(land_cover).compute()
    if survey is not None:
        known = thermal.count_classes(land_cover, (survey > 0).chunk(land_cover.chunksizes)).compute()
        counts = counts.where(known == 0, 0)
    thermal.require_rk(start, counts)


def block_labels(array: xr.DataArray, size: float) -> xr.DataArray:
    """Label of the square block of ground that each pixel lies in.

    Parameters
    ----------
    array : xarray.DataArray
        (y, x) with a CRS.
    size : float
        Side of a block, m.

    Returns
    -------
    xarray.DataArray
        (y, x), int.
    """
    dy, dx = pixel_spacing(geobox_of(array))
    rows, columns = np.indices(array.shape)
    labels = spatial_blocks(columns.ravel() * dx, rows.ravel() * dy, size=size).reshape(array.shape)
    return array.copy(data=labels).rename("block")


def calibrate(
    start: thermal.RkTable,
    options: Conductivity,
    *,
    maps: xr.Dataset,
    survey: xr.DataArray | None,
    boreholes: pd.DataFrame | None,
) -> Ratios:
    """Fit rk to what is known of the ground.

    Parameters
    ----------
    start : thermal.RkTable
        Where it begins; classes that nothing is known of keep it.
    options : Conductivity
        Against what, and how.
    maps : xarray.Dataset
        (y, x) ``mean_ddt``, ``mean_ddf`` and ``land_cover`` where the survey is, in memory.
    survey : xarray.DataArray or None
        (y, x): 1 permafrost, 2 seasonally frozen ground, else no data.
    boreholes : pandas.DataFrame or None
        ``mean_ddt``, ``mean_ddf``, ``land_cover`` at their pixels, and ``ttop`` or ``magt``.

    Returns
    -------
    Ratios

    Raises
    ------
    InputError
        If what is to be calibrated against is not given.
    """
    if options.calibration is Calibration.NONE:
        return Ratios(start, start)
    if options.calibration is Calibration.BOREHOLES:
        return _to_boreholes(start, options, boreholes)
    if survey is None:
        raise InputError("conductivity.calibration: survey, but validation.surveys names none. Add one, or use none.")
    validate = partial(
        thermal.cross_validate_rk,
        maps.mean_ddt,
        maps.mean_ddf,
        survey,
        blocks=block_labels(survey, options.block),
        n_folds=options.n_folds,
        seed=options.seed,
        bounds=options.bounds,
        min_pixels=options.min_pixels,
    )
    single, by_class = validate(), validate(classes=maps.land_cover)
    return Ratios(start.updated(by_class.table(start.names)), start, survey=by_class, single=single)


def _to_boreholes(start: thermal.RkTable, options: Conductivity, boreholes: pd.DataFrame | None) -> Ratios:
    if boreholes is None:
        raise InputError("conductivity.calibration: boreholes, but validation.boreholes names none. Add a table.")
    measured = measured_temperature(boreholes)
    fitted = thermal.calibrate_rk_to_boreholes(
        boreholes["mean_ddt"].to_numpy(),
        boreholes["mean_ddf"].to_numpy(),
        measured.to_numpy(),
        boreholes["land_cover"].to_numpy(),
        bounds=options.bounds,
        min_boreholes=options.min_boreholes,
    )
    names = fitted.classes.index.to_series().map(lambda code: start.names.get(code, str(code)))
    frame = fitted.classes[["rk", "rk_error"]].assign(name=names).reset_index()
    return Ratios(start.updated(thermal.RkTable.from_frame(frame)), start, boreholes=fitted)


def measured_temperature(boreholes: pd.DataFrame) -> pd.Series:
    """Temperature at the top of permafrost, or the mean annual one of the ground where that is all there is.

    Parameters
    ----------
    boreholes : pandas.DataFrame
        With ``ttop``, ``magt`` or both.

    Returns
    -------
    pandas.Series
        degC.

    Raises
    ------
    InputError
        If it has neither.
    """
    known = [boreholes[name] for name in ("ttop", "magt") if name in boreholes]
    if not known:
        raise InputError("boreholes: have neither ttop nor magt, so rk cannot be calibrated to them. Add a column.")
    return known[0] if len(known) == 1 else known[0].fillna(known[1])
