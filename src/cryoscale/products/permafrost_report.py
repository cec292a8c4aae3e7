"""What a permafrost map hands over: COGs, figures, tables, and the report with the error of every step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale import thermal
from cryoscale.grids import describe_grid, geobox_of, pixel_areas
from cryoscale.products.conductivity import Ratios
from cryoscale.products.ground_temperature import GST
from cryoscale.products.outcome import Outcome
from cryoscale.products.permafrost_checks import STATES, agreements, at_pixels
from cryoscale.products.permafrost_inputs import Inputs, PermafrostMapConfig
from cryoscale.products.places import store_path
from cryoscale.report import (
    Agreement,
    Section,
    Table,
    agreement_table,
    area_table,
    calibration_section,
    change_section,
    class_colours,
    class_map,
    gap_filling_section,
    ground_section,
    ground_temperature_section,
    quantity_maps,
    save_png,
    temperature_section,
    validation_section,
    write_report,
)
from cryoscale.report.ground_temperature import overpass_label
from cryoscale.report.labels import number_text
from cryoscale.stats import scores
from cryoscale.writers import write_cog

CLASSES = ("mean_ground_class", "permafrost_change")
QUANTITIES = ("mean_ttop", "mean_ttop_error", "mean_permafrost_probability", "mean_ddt", "mean_ddf", "rk")
EXAMPLE = 1200
"""Rows and columns of an image that the report shows at most."""


@dataclass(frozen=True)
class Findings:
    """All that a run has found; maps and cubes lazy, from the stores.

    Attributes
    ----------
    permafrost, degree_days, ground, land : xarray.Dataset
        The stores of these names.
    images : xarray.DataArray
        (overpass, time, y, x) as they came.
    fits : xarray.Dataset
        Trend and variogram of each image.
    model : thermal.GroundTemperatureModel
        Fitted.
    ratios : Ratios
        rk by class, and its calibration.
    surveys, rivals : mapping of str to xarray.DataArray
        Maps that ours is held against, in memory.
    boreholes : pandas.DataFrame or None
        With the values of our map at their pixels.
    """

    permafrost: xr.Dataset
    degree_days: xr.Dataset
    ground: xr.Dataset
    land: xr.Dataset
    images: xr.DataArray
    fits: xr.Dataset
    model: thermal.GroundTemperatureModel
    ratios: Ratios
    surveys: Mapping[str, xr.DataArray]
    rivals: Mapping[str, xr.DataArray]
    boreholes: pd.DataFrame | None


def publish(findings: Findings, *, config: PermafrostMapConfig, inputs: Inputs, appendix: Sequence[Section]) -> Outcome:
    """Write COGs, figures, the report and the resolved configuration.

    Parameters
    ----------
    findings : Findings
        Of the run.
    config : PermafrostMapConfig
        Its configuration.
    inputs : Inputs
        What it began with.
    appendix : sequence of Section
        Added to the report.

    Returns
    -------
    Outcome
    """
    permafrost = findings.permafrost
    rasters = _write_rasters(permafrost, config.output / "rasters")
    areas = pixel_areas(geobox_of(permafrost))
    mean_areas = thermal.class_areas(permafrost.mean_ground_class, areas)
    found = _agreements(findings, config)
    _save_figures(permafrost, mean_areas, config.output / "figures")
    (config.output / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    sections = [
        ground_section(permafrost.mean_ground_class, areas=mean_areas),
        _change(permafrost, areas),
        validation_section(found, boreholes=findings.boreholes, maps=_compared_maps(findings)),
        _calibration(findings.ratios),
        temperature_section(permafrost),
        _ground_temperature(findings, inputs),
        _gap_filling(findings, config),
        _inputs_section(inputs),
        *appendix,
    ]
    report = config.output / "report.html"
    shown = [section for section in sections if section is not None and (section.figures or section.tables)]
    write_report(report, "Permafrost map", sections=shown, provenance=permafrost.attrs)
    tables = [area_table(mean_areas, title="Ground, mean over the years")]
    if found:
        tables.append(agreement_table(found))
    return Outcome(store=store_path(config, "permafrost"), report=report, rasters=rasters, tables=tables)


def _write_rasters(permafrost: xr.Dataset, folder: Path) -> list[Path]:
    classes = {name: permafrost[name] for name in CLASSES}
    classes |= {f"ground_class_{int(year)}": permafrost.ground_class.sel(year=year) for year in permafrost.year}
    written = [
        write_cog(values, folder / f"{name}.tif", colours=class_colours(values)) for name, values in classes.items()
    ]
    return written + [write_cog(permafrost[name], folder / f"{name}.tif") for name in QUANTITIES]


def _save_figures(permafrost: xr.Dataset, areas: pd.DataFrame, folder: Path) -> None:
    save_png(class_map(permafrost.mean_ground_class, areas=areas), folder / "mean_ground_class.png")
    save_png(class_map(permafrost.permafrost_change), folder / "permafrost_change.png")
    maps = {str(permafrost[name].attrs["long_name"]): permafrost[name] for name in QUANTITIES}
    save_png(quantity_maps(maps), folder / "quantities.png")


def _agreements(findings: Findings, config: PermafrostMapConfig) -> list[Agreement]:
    if not (findings.surveys or findings.rivals):
        return []
    options = config.conductivity
    ours = findings.permafrost.mean_ground_class.compute()
    return list(
        agreements(ours, surveys=findings.surveys, rivals=findings.rivals, block=options.block, seed=options.seed)
    )


def _compared_maps(findings: Findings) -> dict[str, xr.DataArray]:
    """Ours and the others, with the classes named as in ours."""
    ours = findings.permafrost.mean_ground_class
    flags = {name: ours.attrs[name] for name in ("flag_values", "flag_meanings", "units")}
    others = {name: array.assign_attrs(flags) for name, array in (*findings.surveys.items(), *findings.rivals.items())}
    return {"This map": ours, **others} if others else {}


def _change(permafrost: xr.Dataset, areas: xr.DataArray) -> Section:
    mapped = permafrost.ground_class.isin(list(STATES)).any(("y", "x")).values
    yearly = thermal.class_areas(permafrost.ground_class[mapped], areas)
    change = permafrost.permafrost_change
    first, last = (permafrost.attrs[f"{which}_period"] for which in ("first", "last"))
    if first == last:  # one year: nothing to compare it with
        return change_section(yearly)
    section = change_section(
        yearly,
        change=change.assign_attrs(long_name=f"{change.attrs['long_name']}, {first} against {last}"),
        areas=thermal.class_areas(change, areas),
    )
    lacking = ", ".join(str(year) for year in permafrost.year.values[~mapped])
    return replace(section, text=f"There is no map of {lacking}: too few days with a temperature." if lacking else "")


def _calibration(ratios: Ratios) -> Section | None:
    classes = ratios.classes()
    if classes.empty:
        return None
    results = {"rk by class": ratios.survey, "one rk for all": ratios.single}
    return calibration_section(classes, results={name: v for name, v in results.items() if v is not None})


def _ground_temperature(findings: Findings, inputs: Inputs) -> Section:
    model = findings.model
    section = ground_temperature_section(
        model.held_out_.predicted,
        model.held_out_.observed,
        by_station=model.station_scores_,
        by_month=model.month_scores_,
        sub_models=model.scores_,
    )
    return Section(section.title, section.text, section.figures, [*section.tables, _by_cloud(findings.ground, inputs)])


def _by_cloud(ground: xr.Dataset, inputs: Inputs) -> Table:
    """Error of the cube at the stations' pixels, by how many overpasses saw the ground."""
    places = inputs.pixels.inside
    series = at_pixels(ground[[GST, "n_overpasses"]], places).compute().assign_coords(place=places.station.to_numpy())
    table = series.to_dataframe().reset_index().rename(columns={"place": "station", GST: "predicted"})
    both = table.merge(inputs.stations[["station", "time", GST]], on=["station", "time"]).dropna()
    rows = []
    for seen, group in both.groupby("n_overpasses"):
        result = scores(*(xr.DataArray(group[name].to_numpy(), dims="day") for name in ("predicted", GST)))
        errors = (number_text(float(score), decimals=2) for score in (result.bias, result.rmse))
        rows.append((str(seen), f"{len(group):,}", *errors))
    title = "Daily ground temperature at the stations, by overpasses that saw the ground (the rest is kriged)"
    return Table(title, ("Overpasses", "Station-days", "Bias (K)", "RMSE (K)"), rows)


def _gap_filling(findings: Findings, config: PermafrostMapConfig) -> Section:
    images = findings.images
    pixels = images.sizes["y"] * images.sizes["x"]
    example = _example(findings.fits, pixels)
    if example is None:
        return gap_filling_section(findings.fits, pixels=pixels)
    window = {
        dim: slice((images.sizes[dim] - EXAMPLE) // 2 if images.sizes[dim] > EXAMPLE else 0, None) for dim in "yx"
    }
    window = {dim: slice(part.start, part.start + EXAMPLE) for dim, part in window.items()}
    observed = images.sel(example).isel(window).compute()
    filled = thermal.fill_gaps(
        observed,
        findings.land.elevation.isel(window).compute(),
        models=findings.fits.sel(example),
        neighbours=config.gaps.neighbours,
        search_radius=config.gaps.search_radius,
    )
    return gap_filling_section(findings.fits, pixels=pixels, observed=observed, filled=filled)


def _example(fits: xr.Dataset, pixels: int) -> dict[str, object] | None:
    """The image with a variogram of its own of which about half is hidden."""
    share = (fits.n_valid_pixels / pixels).where(fits.variogram_source == 1)
    if not bool(share.notnull().any()):
        return None
    place = np.unravel_index(int(np.abs(share - 0.5).fillna(9.0).values.argmin()), share.shape)
    return {str(dim): fits[dim].values[i] for dim, i in zip(share.dims, place, strict=True)}


def _inputs_section(inputs: Inputs) -> Section:
    """What went in, and what was left out."""
    files, days = inputs.files, inputs.files.days
    facts = [
        ("grid", describe_grid(inputs.geobox)),
        ("images", f"{len(files.images):,} of {overpass_label('+'.join(files.overpasses))}; {days[0]} to {days[-1]}"),
        ("years that are covered whole", f"{inputs.years[0]} to {inputs.years[-1]}"),
        ("stations on the grid", f"{len(inputs.pixels.inside)}"),
        ("stations outside it", ", ".join(inputs.pixels.outside.station) or "none"),
    ]
    if inputs.boreholes is not None:
        facts.append(("boreholes on the grid", f"{len(inputs.boreholes.inside)}"))
        facts.append(("boreholes outside it", ", ".join(inputs.boreholes.outside.borehole) or "none"))
    tables = [Table("What went in", ("What", "Which"), facts)]
    if files.rejected:
        rows = [(str(item.path), item.reason) for item in files.rejected]
        tables.append(Table("Files left out", ("File", "Reason"), rows))
    return Section("Inputs", tables=tables)
