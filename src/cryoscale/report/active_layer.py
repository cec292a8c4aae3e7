"""Sections of the report on the active layer, in the order of the steps that make it."""

from collections.abc import Mapping, Sequence

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from cryoscale.report.active_layer_change import (
    regional_thickness_plot,
    thickness_area_plot,
    thickness_area_table,
    thickness_areas,
    trend_map,
)
from cryoscale.report.canvas import figure_png
from cryoscale.report.checks import Check, check_plot, check_table
from cryoscale.report.daily import daily_series_plot, filled_share_map, filled_share_plot
from cryoscale.report.downscaling import (
    DownscaledImage,
    downscaled_image_figure,
    importance_plot,
    score_plot,
    score_table,
    weight_plot,
)
from cryoscale.report.html import Picture, Section, Table
from cryoscale.report.maps import decimated
from cryoscale.report.panels import PANEL_PIXELS
from cryoscale.report.permafrost_maps import quantity_maps
from cryoscale.report.stefan import left_out_plot, stefan_plot, stefan_table
from cryoscale.report.stefan_sites import refused_sites_table, sites_map
from cryoscale.thermal.stefan_calibration import StefanCalibration

THICKNESS = "active_layer_thickness"


def active_layer_section(
    layer: xr.Dataset,
    *,
    trend: xr.Dataset,
    regional: pd.DataFrame,
    regional_trend: xr.Dataset,
) -> Section:
    """The active layer itself: maps, series of the area, areas by thickness.

    Parameters
    ----------
    layer : xarray.Dataset
        (year, y, x) ``active_layer_thickness`` and ``active_layer_thickness_error``, m, NaN where there is none; lazy
        or not.
    trend : xarray.Dataset
        (y, x) ``trend``, m a-1, and ``trend_p_value``; lazy or not.
    regional : pandas.DataFrame
        By year (index): ``mean``, ``lower`` and ``upper``, the 10th and 90th percentile of the pixels, m.
    regional_trend : xarray.Dataset
        Scalars of ``mean``: ``trend``, ``trend_lower``, ``trend_upper``, ``trend_start``, ``trend_p_value``.

    Returns
    -------
    Section
    """
    areas = thickness_areas(layer[THICKNESS])
    pictures = [
        _picture(_thickness_maps(layer), _MAPS, wide=True),
        _picture(trend_map(trend, title="Trend"), _TREND, wide=True),
        _picture(
            regional_thickness_plot(regional, trend=regional_trend, title="Mean over the area"), _REGIONAL, wide=True
        ),
    ]
    tables: list[Table] = []
    if len(areas):
        pictures.append(_picture(thickness_area_plot(areas, title="Area by thickness"), _AREAS))
        tables.append(thickness_area_table(areas))
    return Section("Active layer", figures=pictures, tables=tables)


_MAPS = (
    "Thickness of the active layer, mean over the years and in the last one, in the same colours; and the standard "
    "error of the thickness of a year, mean over the years. Grey has no active layer, or no data."
)
_TREND = (
    "Theil-Sen trend of every pixel; red thaws deeper from year to year. Where there are dots the trend is not "
    "significant at 5 % (Mann-Kendall): it may be chance."
)
_REGIONAL = (
    "Mean of the pixels with an active layer and the range of eight tenths of them, with the Theil-Sen trend of the "
    "mean, its 95 % interval and its p value (Mann-Kendall)."
)
_AREAS = "Area on the ellipsoid by thickness: filled in the first year, outlined in the last one."


def downscaling_section(
    quantity: str,
    *,
    image: DownscaledImage,
    scores: Mapping[str, pd.DataFrame],
    importances: Mapping[str, pd.DataFrame],
    weights: pd.DataFrame | None = None,
) -> Section:
    """What downscaling adds to the images of one quantity, and how much of it is to be believed.

    Parameters
    ----------
    quantity : str
        For the title, such as "land surface temperature".
    image : DownscaledImage
        An example, lazy or not; of a large area a window of some hundred fine pixels a side.
    scores : mapping of str to pandas.DataFrame
        By model (such as one for each season or overpass): `thermal.Downscaler.scores_`.
    importances : mapping of str to pandas.DataFrame
        By model: `thermal.Downscaler.importance_`.
    weights : pandas.DataFrame, optional
        A row for each image: ``time``, ``weight`` and, where there are several, ``model``.

    Returns
    -------
    Section
    """
    units = str(image.coarse.attrs.get("units", ""))
    units = "K" if units == "degC" else units
    pictures = [
        _picture(downscaled_image_figure(image), _EXAMPLE, wide=True),
        _picture(score_plot(scores, title="Methods"), _SCORES),
        _picture(importance_plot(importances, units=units, title="Importance of covariates"), _IMPORTANCE),
    ]
    if weights is not None and len(weights):
        pictures.append(_picture(weight_plot(weights, title="Weight of the detail"), _WEIGHTS, wide=True))
    return Section(f"Downscaling of {quantity}", _DOWNSCALING, pictures, [score_table(scores, units=units)])


_DOWNSCALING = (
    "A learner is fitted to coarse pixels with covariates averaged over them, and applied to fine pixels. What its "
    "prediction has beyond a bilinear interpolation is the detail; it counts as much as it earns where the truth is "
    "known: coarse pixels found again from pixels twice as coarse, in blocks of ground that the learner has not seen. "
    "Averaging the result over a coarse pixel gives the observed value back."
)
_EXAMPLE = (
    "One image as observed, interpolated and downscaled, in the same colours; and what is left when the fine pixels "
    "are averaged back, which is rounding. Grey is no data."
)
_SCORES = (
    "Error of coarse pixels found again from pixels twice as coarse, in blocks of ground left out, as a share of the "
    "error of bilinear interpolation: left of the line is better. Hollow: with all of the detail, however bad it is."
)
_IMPORTANCE = (
    "By how much the error grows when a covariate is shuffled, on ground left out, with one standard deviation of "
    "repeated shuffling. Covariates that say the same share their importance."
)
_WEIGHTS = (
    "Weight of the detail of every image, and its median by month. Without a detail that is known to help, the weight "
    "is 0: the image is interpolated, with its coarse means kept."
)


def daily_section(
    filled_share: xr.DataArray, *, series: xr.DataArray | None = None, source: xr.DataArray | None = None
) -> Section:
    """How much of the days is filled, and with what.

    Parameters
    ----------
    filled_share : xarray.DataArray
        (year, y, x) share of the days of a year that are not observed, 0 to 1; lazy or not.
    series, source : xarray.DataArray, optional
        (time,) filled daily mean of one pixel, degC, and its ``daily_source``; one to three years show well.

    Returns
    -------
    Section
    """
    pictures = [
        _picture(filled_share_plot(filled_share, title="By year"), _FILLED_YEARS),
        _picture(filled_share_map(filled_share, title="Mean over the years"), _FILLED_MAP),
    ]
    if series is not None and source is not None:
        pictures.append(_picture(daily_series_plot(series, source, title="One pixel"), _PIXEL, wide=True))
    return Section("Daily temperature", _DAILY, pictures)


_DAILY = (
    "The daily mean is that of the overpasses by day and by night. Short gaps are interpolated in time, longer ones "
    "follow the seasonal course of the pixel. The thawing index of a year sums up its days above 0 °C."
)
_FILLED_YEARS = "Share of the days of a year that are filled: median, quartiles, 5 and 95 % of the pixels."
_FILLED_MAP = "Share of the days that are filled. Grey has no data in any year."
_PIXEL = (
    "Daily mean of one pixel: observed, interpolated between neighbouring days, or after its seasonal course. Days "
    "that are filled are shaded."
)


def stefan_section(
    calibration: StefanCalibration,
    *,
    names: Mapping[int, str] | None = None,
    sites: pd.DataFrame | None = None,
    background: xr.DataArray | None = None,
) -> Section:
    """Stefan's factor: the sites it comes from, its lines, and how well it predicts sites left out.

    Parameters
    ----------
    calibration : thermal.StefanCalibration
        From `thermal.calibrate_stefan`.
    names : mapping of int to str, optional
        What the classes are.
    sites : pandas.DataFrame, optional
        One row a site, from `thermal.uniform_sites`; ``site`` or else the index names them.
    background : xarray.DataArray, optional
        (y, x) on the grid that the sites were chosen on: elevation, or classes with their flags. Without it there is
        no map of the sites.

    Returns
    -------
    Section
    """
    pictures = [
        _picture(stefan_plot(calibration, names=names, title="Measured thickness"), _LINES),
        _picture(left_out_plot(calibration, names=names, title="Sites left out"), _LEFT_OUT),
    ]
    tables = [stefan_table(calibration, names=names)]
    text = f"{_STEFAN} {len(calibration.samples)} samples are used"
    text += f", {calibration.n_dropped} lack data." if calibration.n_dropped else "."
    if sites is not None:
        if background is not None:
            pictures.insert(0, _picture(sites_map(sites, background, title="Sites"), _SITES, wide=True))
        if not sites["accepted"].all():
            tables.append(refused_sites_table(sites))
    return Section("Calibration of Stefan's factor", text, pictures, tables)


_STEFAN = (
    "The thickness is E times the root of the thawing degree-days. E is fitted to sites in uniform surroundings, "
    "so that their pixel speaks for them."
)
_LINES = (
    "Lines through the origin; bands are 95 % bootstrap intervals of E. Hollow classes have too few samples and take "
    "the E of all."
)
_LEFT_OUT = "Each sample predicted by the E of the others. The red line is where both are equal."
_SITES = (
    "Dots are sites in uniform surroundings, which E is fitted to; crosses are refused, for the reasons in the table."
)


def active_layer_validation_section(checks: Sequence[Check]) -> Section:
    """Errors of temperature and thickness, each against what is true or measured.

    Parameters
    ----------
    checks : sequence of Check
        In the order shown.

    Returns
    -------
    Section
    """
    pictures = [_picture(check_plot(check), _CHECK.format(check.quantity, check.reference)) for check in checks]
    return Section("Validation", figures=pictures, tables=[check_table(checks)] if checks else [])


_CHECK = "{} against {}. The red line is where both are equal."


def _thickness_maps(layer: xr.Dataset) -> Axes:
    few = decimated(layer[[THICKNESS, f"{THICKNESS}_error"]], most=PANEL_PIXELS).compute()
    years = few.year[few[THICKNESS].notnull().any(("y", "x"))].values
    mean = few.mean("year", keep_attrs=True)
    maps = {"Mean over the years": mean[THICKNESS]}
    maps |= {f"Last year: {years[-1]}": few[THICKNESS].sel(year=years[-1])} if years.size else {}
    maps |= {"Standard error of a year": mean[f"{THICKNESS}_error"]}
    return quantity_maps(maps)


def _picture(axes: Axes, caption: str, *, wide: bool = False) -> Picture:
    return Picture(figure_png(axes), caption, wide)
