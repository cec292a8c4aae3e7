"""Sections of the report on a permafrost map, in the order of the steps that make it."""

from collections.abc import Mapping, Sequence

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from cryoscale.report.boreholes import borehole_plot, borehole_table
from cryoscale.report.calibration import CrossValidated, calibration_table, rk_plot, rk_table
from cryoscale.report.canvas import figure_png
from cryoscale.report.classes import class_map, class_maps
from cryoscale.report.confusion import Agreement, agreement_table, confusion_figure, kappa_plot
from cryoscale.report.gap_filling import filled_image_figure, lapse_rate_plot, valid_share_plot
from cryoscale.report.ground_temperature import (
    gst_by_month,
    gst_by_station,
    gst_scatter,
    overpass_label,
    sub_model_table,
)
from cryoscale.report.html import Picture, Section, Table
from cryoscale.report.permafrost_change import area_table, permafrost_area_plot
from cryoscale.report.permafrost_maps import quantity_maps

_STEPS = {
    "mean_ddt": "Thawing degree-days",
    "mean_ddf": "Freezing degree-days",
    "rk": "Ratio of conductivities rk",
    "mean_ttop": "Temperature at the top of permafrost",
    "mean_permafrost_probability": "Probability of permafrost",
}


def ground_section(classes: xr.DataArray, *, areas: pd.DataFrame) -> Section:
    """The map itself.

    Parameters
    ----------
    classes : xarray.DataArray
        ``mean_ground_class`` (y, x) with its flags; lazy or not.
    areas : pandas.DataFrame
        ``class``, ``area_km2``, ``percent``, from `thermal.class_areas`.

    Returns
    -------
    Section
    """
    caption = (
        "Ground by the temperature at the top of permafrost, mean over the years: permafrost where it is at most 0 °C. "
        "Areas are those of the pixels on the ellipsoid; per cent of all ground with a class. Grey is no data."
    )
    picture = _picture(class_map(classes, areas=areas), caption, wide=True)
    return Section("Permafrost", figures=[picture], tables=[area_table(areas, title="Areas")])


def gap_filling_section(
    models: xr.Dataset,
    *,
    pixels: int,
    observed: xr.DataArray | None = None,
    filled: xr.Dataset | None = None,
) -> Section:
    """How much of the images is seen, and what fills the rest.

    Parameters
    ----------
    models : xarray.Dataset
        (overpass, time) ``n_valid_pixels``, ``variogram_source``, ``lapse_rate``, in memory.
    pixels : int
        Of an image.
    observed : xarray.DataArray, optional
        (y, x) one image before it is filled, degC.
    filled : xarray.Dataset, optional
        (y, x) the same one after: ``lst``, ``kriging_variance``, ``lst_source``.

    Returns
    -------
    Section
    """
    pictures = [
        _picture(valid_share_plot(models, pixels=pixels), _SHARE, wide=True),
        _picture(lapse_rate_plot(models.lapse_rate, title="Lapse rates"), _LAPSE),
    ]
    if observed is not None and filled is not None:
        image = _image_name(observed)
        source = class_map(filled.lst_source, title="Where the example comes from")
        pictures.append(_picture(source, _SOURCE.format(image=image)))
        maps = filled_image_figure(observed, filled.lst, filled.kriging_variance)
        pictures.append(_picture(maps, _FILLED.format(image=image), wide=True))
    return Section("Gap filling", _FILLING, pictures)


_FILLING = (
    "Clouds hide parts of every image. What they hide is the elevation's part of the temperature plus ordinary kriging "
    "of the rest from the nearest pixels seen. Images with too few pixels are not kriged; the days without are bridged "
    "in time."
)
_SHARE = (
    "Each dot is an image: how much of it is seen, and whether its gaps are filled by a variogram of its own, by that "
    "of its season, or not at all."
)
_LAPSE = "How temperature changes with elevation, by overpass. Nights differ from days where cold air fills valleys."
_SOURCE = "Pixels of {image}: seen, kriged, or too far from any seen one, so that elevation alone says."
_FILLED = (
    "The same image ({image}) before and after; both in the same colours. Right or below: how far the kriged "
    "temperatures may be off (one standard deviation); 0 where the ground was seen."
)


def _image_name(image: xr.DataArray) -> str:
    """Overpass and day, where the image says them."""
    if not {"overpass", "time"} <= set(image.coords):
        return "one image"
    return f"{overpass_label(str(image.overpass.item()))}, {image.time.dt.strftime('%Y-%m-%d').item()}"


def ground_temperature_section(
    predicted: ArrayLike,
    observed: ArrayLike,
    *,
    by_station: pd.DataFrame,
    by_month: pd.DataFrame,
    sub_models: pd.DataFrame,
) -> Section:
    """How well the daily temperature of the ground surface is known at stations that the model has not seen.

    Parameters
    ----------
    predicted, observed : array_like, shape (n,)
        Daily means of left-out stations, degC.
    by_station, by_month : pandas.DataFrame
        Index station, and month; ``n``, ``bias``, ``rmse``.
    sub_models : pandas.DataFrame
        As of `sub_model_table`.

    Returns
    -------
    Section
    """
    text = (
        "Ridge regression of the daily mean on the overpasses. Neighbouring days are alike, so that random folds "
        "flatter the model: the figures leave out one station at a time, and the table gives both."
    )
    pictures = [
        _picture(gst_scatter(predicted, observed, title="Stations left out"), _SCATTER),
        _picture(gst_by_month(by_month, title="By month"), _MONTHS),
        _picture(gst_by_station(by_station, title="By station"), _STATIONS),
    ]
    return Section("Ground surface temperature", text, pictures, [sub_model_table(sub_models)])


_SCATTER = "Each station predicted by models fitted without it. The red line is where both are equal."
_MONTHS = (
    "Errors by month. Bars far above the dots are scatter; dots far from 0 are a bias that sums up in degree-days."
)
_STATIONS = "Errors by station when it is left out, the worst on top; in parentheses the days compared."


def temperature_section(maps: xr.Dataset) -> Section:
    """From degree-days to the temperature at the top of permafrost, in maps.

    Parameters
    ----------
    maps : xarray.Dataset
        (y, x) any of ``mean_ddt``, ``mean_ddf``, ``rk``, ``mean_ttop``, ``mean_permafrost_probability``; lazy or not.

    Returns
    -------
    Section
    """
    chosen = {title: maps[name] for name, title in _STEPS.items() if name in maps}
    caption = (
        "Means over the years. The temperature at the top of permafrost diverges from 0 °C: blue is permafrost. Its "
        "probability carries the errors of ground surface temperature and rk; it is near one half at the border."
    )
    return Section("Degree-days and TTOP", figures=[_picture(quantity_maps(chosen), caption, wide=True)])


def calibration_section(classes: pd.DataFrame, *, results: Mapping[str, CrossValidated]) -> Section:
    """Ratio of conductivities by class, and what its calibration is worth.

    Parameters
    ----------
    classes : pandas.DataFrame
        As of `rk_plot`.
    results : mapping of str to CrossValidated
        By what was calibrated, such as "rk by class" and "single rk"; empty if it was calibrated to boreholes.

    Returns
    -------
    Section
    """
    caption = "Hollow: what the table gives. Filled: calibrated, with one standard error to either side."
    if not results:
        picture = _picture(rk_plot(classes, counted="boreholes"), caption)
        return Section("Calibration of rk", _TO_BOREHOLES, [picture], [rk_table(classes, counted="Boreholes")])
    picture = _picture(rk_plot(classes), caption)
    return Section("Calibration of rk", _TO_SURVEY, [picture], [calibration_table(results), rk_table(classes)])


_TO_SURVEY = (
    "rk is calibrated so that the map agrees best with the survey. The cross-validated kappa is of blocks of ground "
    "that the calibration has not seen: it is what to expect elsewhere."
)
_TO_BOREHOLES = (
    "rk is calibrated so that the temperature at the top of permafrost agrees best with that of the boreholes. They "
    "cannot serve to validate the map as well."
)


def validation_section(
    agreements: Sequence[Agreement],
    *,
    boreholes: pd.DataFrame | None = None,
    maps: Mapping[str, xr.DataArray] | None = None,
) -> Section:
    """Agreement with survey maps, boreholes and other products.

    Parameters
    ----------
    agreements : sequence of Agreement
        One for each map and reference; the map of the first one is ours.
    boreholes : pandas.DataFrame, optional
        ``borehole``, ``mean_ttop`` (predicted), and ``ttop``, ``magt``, ``state`` where they are known.
    maps : mapping of str to xarray.DataArray, optional
        Title to map of classes, all on one grid, to be seen side by side.

    Returns
    -------
    Section
    """
    pictures: list[Picture] = []
    tables: list[Table] = []
    if maps:
        pictures.append(_picture(class_maps(maps), "The maps that are compared, on one grid.", wide=True))
    if agreements:
        title = "Agreement beyond chance"
        pictures.append(_picture(confusion_figure(agreements), _MATRICES, wide=True))
        pictures.append(_picture(kappa_plot(agreements, title=title), _KAPPAS))
        tables.append(agreement_table(agreements))
    if boreholes is not None and len(boreholes):
        plots = (borehole_plot(boreholes, observed=name, title="Boreholes") for name in _measured(boreholes))
        pictures.extend(_picture(axes, _BOREHOLES) for axes in plots)
        tables.append(borehole_table(boreholes))
    return Section("Validation", figures=pictures, tables=tables)


_MATRICES = (
    "Pixels by class of the map (rows) and of the reference (columns), and their share of the reference's class. A "
    "good map is dark along the diagonal. OA is the overall accuracy, κ is Cohen's kappa with its 95 % interval."
)
_KAPPAS = (
    "Cohen's kappa: 1 is full agreement, 0 what chance gives. Filled: this map; hollow: others. Intervals of 95 %."
)
_BOREHOLES = "In the shaded corners the signs differ, so that the map has the wrong class."


def change_section(
    yearly: pd.DataFrame, *, change: xr.DataArray | None = None, areas: pd.DataFrame | None = None
) -> Section:
    """Permafrost over the years.

    Parameters
    ----------
    yearly : pandas.DataFrame
        ``year``, ``class``, ``area_km2``, ``percent``, from `thermal.class_areas` of the yearly classes.
    change : xarray.DataArray, optional
        ``permafrost_change`` (y, x) with its flags; its ``long_name`` names the periods.
    areas : pandas.DataFrame, optional
        Areas of the change, from `thermal.class_areas`.

    Returns
    -------
    Section
    """
    caption = "Area of permafrost of every year; the axis does not start at 0. Single years follow the weather."
    pictures = [_picture(permafrost_area_plot(yearly), caption)]
    tables = [area_table(yearly, title="Areas by year")]
    if change is not None:
        what = str(change.attrs.get("long_name", "change of permafrost")).capitalize()
        pictures.append(_picture(class_map(change, areas=areas), f"{what}. {_CHANGE}", wide=True))
    if areas is not None:
        tables.insert(0, area_table(areas, title="Change"))
    return Section("Change", figures=pictures, tables=tables)


_CHANGE = "Grey has no class in one of them, or is ice or water."


def _picture(axes: Axes, caption: str, *, wide: bool = False) -> Picture:
    return Picture(figure_png(axes), caption, wide)


def _measured(boreholes: pd.DataFrame) -> list[str]:
    """Columns with a measured temperature in some row."""
    return [name for name in ("ttop", "magt") if name in boreholes and boreholes[name].notna().any()]
