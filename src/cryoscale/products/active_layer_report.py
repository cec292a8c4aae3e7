"""What an active-layer run hands over: COGs, figures, tables, and the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale import stats, thermal
from cryoscale.grids import describe_grid
from cryoscale.products.active_layer_inputs import ActiveLayerConfig, Inputs
from cryoscale.products.fine_temperature import Calendar, Values, label_of, weights_of
from cryoscale.products.outcome import Outcome
from cryoscale.products.places import store_path
from cryoscale.report import (
    Check,
    DownscaledImage,
    Section,
    Table,
    active_layer_section,
    active_layer_validation_section,
    check_table,
    daily_section,
    decimated,
    downscaling_section,
    map_figure,
    save_png,
    stefan_section,
    write_report,
)
from cryoscale.thermal.footprint import aggregate, interpolate
from cryoscale.writers import write_cog

THICKNESS = "active_layer_thickness"
EXAMPLE = 20
"""Rows and columns of coarse pixels that an example shows at most."""


@dataclass(frozen=True)
class Sharpened:
    """Images at two resolutions, and what ties them.

    Attributes
    ----------
    coarse, fine : xarray.DataArray
        (time, y, x) composites in memory, and what was made of them, lazy.
    fitted : list
        Positions of the steps that share a model, and the model.
    """

    coarse: xr.DataArray
    fine: xr.DataArray
    fitted: list[tuple[Values, thermal.Downscaler]]

    @property
    def error(self) -> float:
        """RMSE of held-out coarse pixels, mean over the models."""
        return float(np.mean([model.scores_["rmse"].min() for _, model in self.fitted]))


@dataclass(frozen=True)
class Findings:
    """All that a run has found; maps lazy, from the stores.

    Attributes
    ----------
    layer, thaw, land : xarray.Dataset
        The stores of these names.
    daily : xarray.Dataset
        ``daily_lst`` and ``daily_source`` at the resolution of the images, in memory.
    ndvi, detail : Sharpened
        Vegetation, and the detail of temperature (of which `coarse` is the temperature itself).
    sites : pandas.DataFrame
        A row a site: its surroundings, whether it counts, and its thickness.
    calibration : thermal.StefanCalibration
        E.
    calendar : Calendar
        The years, and the steps of their detail.
    """

    layer: xr.Dataset
    thaw: xr.Dataset
    land: xr.Dataset
    daily: xr.Dataset
    ndvi: Sharpened
    detail: Sharpened
    sites: pd.DataFrame
    calibration: thermal.StefanCalibration
    calendar: Calendar


def publish(findings: Findings, *, config: ActiveLayerConfig, inputs: Inputs, appendix: Sequence[Section]) -> Outcome:
    """Write COGs, figures, the report and the resolved configuration.

    Parameters
    ----------
    findings : Findings
        Of the run.
    config : ActiveLayerConfig
        Its configuration.
    inputs : Inputs
        What it began with.
    appendix : sequence of Section
        Added to the report.

    Returns
    -------
    Outcome
    """
    layer, calendar = findings.layer, inputs.calendar
    rasters = _write_rasters(layer, config.output / "rasters")
    mean = layer[THICKNESS].mean("year", keep_attrs=True)
    save_png(map_figure(mean, title="Active layer, mean over the years"), config.output / f"figures/{THICKNESS}.png")
    (config.output / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    regional = regional_series(layer[THICKNESS])
    checks = [_left_out(findings.calibration)]
    sections = [
        _thickness_section(layer, regional),
        active_layer_validation_section(checks),
        _stefan(findings),
        _downscaling("land surface temperature", findings.detail, inputs, detail_only=True),
        _downscaling("vegetation index", findings.ndvi, inputs, detail_only=False),
        _daily(findings.daily, calendar),
        _inputs_section(inputs, findings),
        *appendix,
    ]
    report = config.output / "report.html"
    write_report(report, "Active layer", sections=sections, provenance=layer.attrs)
    return Outcome(store_path(config, "active_layer"), report, rasters, [check_table(checks)])


def regional_series(thickness: xr.DataArray) -> pd.DataFrame:
    """Thickness of the area by year.

    Parameters
    ----------
    thickness : xarray.DataArray
        (year, y, x) in m, lazy or not; of a large one every n-th pixel is read.

    Returns
    -------
    pandas.DataFrame
        By year: ``mean``, ``lower`` and ``upper``, the 10th and 90th percentile.
    """
    few = decimated(thickness).compute()
    pixels = few.stack(pixel=("y", "x"))
    low, high = (pixels.quantile(q, "pixel") for q in (0.1, 0.9))
    return pd.DataFrame({"mean": pixels.mean("pixel"), "lower": low, "upper": high}, few.year.values)


def _thickness_section(layer: xr.Dataset, regional: pd.DataFrame) -> Section:
    mean = xr.DataArray(regional["mean"].to_numpy(), {"year": regional.index}, ("year",), attrs={"units": "m"})
    tests = [test(mean, dim="year", minimum=4) for test in (stats.theil_sen, stats.mann_kendall)]
    names = [name for name in ("trend", "trend_p_value") if name in layer]
    trend = (
        layer[names]
        if names
        else xr.full_like(layer[[THICKNESS]].isel(year=0, drop=True), np.nan)
        .rename({THICKNESS: "trend"})
        .assign(trend_p_value=layer[THICKNESS].isel(year=0, drop=True) * np.nan)
    )
    return active_layer_section(
        layer[[THICKNESS, f"{THICKNESS}_error"]], trend=trend, regional=regional, regional_trend=xr.merge(tests)
    )


def _write_rasters(layer: xr.Dataset, folder: Path) -> list[Path]:
    maps = {f"{THICKNESS}_{int(year)}": layer[THICKNESS].sel(year=year) for year in layer.year}
    maps |= {name: layer[name] for name in ("trend", "trend_p_value") if name in layer}
    return [write_cog(values, folder / f"{name}.tif") for name, values in maps.items()]


def _left_out(calibration: thermal.StefanCalibration) -> Check:
    samples = calibration.samples
    estimate, truth = (
        xr.DataArray(samples[name].to_numpy(), dims="site", attrs={"units": "m"}) for name in ("predicted", THICKNESS)
    )
    return Check("Active layer", "sites left out one by one", estimate, truth)


def _stefan(findings: Findings) -> Section:
    return stefan_section(findings.calibration, sites=findings.sites, background=decimated(findings.land.elevation))


def _downscaling(quantity: str, sharpened: Sharpened, inputs: Inputs, *, detail_only: bool) -> Section:
    """Scores of all models, and an example from the warmest or greenest step."""
    calendar = inputs.calendar
    step = int(np.argmax(sharpened.coarse.mean(("y", "x")).values))
    factor = inputs.fine.shape[0] // sharpened.coarse.sizes["y"]
    coarse = sharpened.coarse.isel(time=step, y=slice(0, EXAMPLE), x=slice(0, EXAMPLE))
    window = {"y": slice(0, coarse.sizes["y"] * factor), "x": slice(0, coarse.sizes["x"] * factor)}
    fine = sharpened.fine.isel(time=step).isel(window).compute()
    nodes = thermal.smooth_nodes(sharpened.coarse.isel(time=[step]), factor).values.astype(float)
    if detail_only:
        fine = (fine + interpolate(nodes, (factor, factor))[0][window["y"], window["x"]]).assign_attrs(coarse.attrs)
    smooth = interpolate(sharpened.coarse.isel(time=[step]).values.astype(float), (factor, factor))[0]
    image = DownscaledImage(
        coarse=coarse,
        bilinear=fine.copy(data=smooth[window["y"], window["x"]]),
        downscaled=fine,
        residual=(aggregate(fine, factor) - coarse.values).assign_attrs(coarse.attrs),
    )
    models = {label_of(steps, calendar): model for steps, model in sharpened.fitted}
    return downscaling_section(
        quantity,
        image=image,
        scores={label: model.scores_ for label, model in models.items()},
        importances={label: model.importance_ for label, model in models.items()},
        weights=weights_of(sharpened.fitted, calendar=calendar),
    )


def _daily(daily: xr.Dataset, calendar: Calendar) -> Section:
    share = (daily.daily_source != 1).groupby("time.year").mean().rename("filled_share")
    share.attrs = {"units": "1", "long_name": "share of days that are filled"}
    grid = {name: daily.coords[name] for name in ("y", "x", "spatial_ref")}
    place = {dim: daily.sizes[dim] // 2 for dim in ("y", "x")}
    first = str(calendar.years[0])
    return daily_section(
        share.assign_coords(grid),
        series=daily.daily_lst.isel(place).sel(time=first),
        source=daily.daily_source.isel(place).sel(time=first),
    )


def _inputs_section(inputs: Inputs, findings: Findings) -> Section:
    lst, years = inputs.lst, inputs.calendar.years
    facts = [
        ("grid", describe_grid(inputs.fine)),
        (
            "images of temperature",
            f"{len(lst.images):,} of {', '.join(lst.overpasses)}, brought to {describe_grid(inputs.lst_grid)}",
        ),
        ("images of vegetation", f"{len(inputs.ndvi.dates):,}, brought to {describe_grid(inputs.ndvi_grid)}"),
        ("calendar years that are covered whole", f"{years[0]} to {years[-1]}"),
        ("sites that count", f"{int(findings.sites.accepted.sum())} of {len(findings.sites)}"),
        ("measurements of other years, left out", f"{int((~inputs.sites.inside.year.isin(years)).sum())}"),
        ("sites outside the grid", ", ".join(sorted(set(inputs.sites.outside.site))) or "none"),
    ]
    rejected = [(str(item.path), item.reason) for item in (*lst.rejected, *inputs.ndvi.rejected)]
    tables = [Table("What went in", ("what", "which"), facts)]
    if rejected:
        tables.append(Table("Files left out", ("file", "reason"), rejected))
    return Section("Inputs", tables=tables)
