"""What a mining run hands over: COGs, figures, tables, and the report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from pyproj import Transformer

from cryoscale.folders import Folder
from cryoscale.grids import describe_grid
from cryoscale.products.mining_config import MiningConfig
from cryoscale.products.mining_history import around_works, mine_history, simulation_notes
from cryoscale.products.mining_ice import IceAfter, IceFound
from cryoscale.products.mining_inputs import Inputs
from cryoscale.products.mining_scenarios import ScenarioFound
from cryoscale.products.mining_temperature import TemperatureFound
from cryoscale.products.mining_vegetation import VegetationFound
from cryoscale.products.outcome import Outcome
from cryoscale.products.places import store_path
from cryoscale.report import (
    Section,
    Table,
    class_colours,
    cut_section,
    ground_ice_section,
    ice_change_section,
    mine_temperature_section,
    scenario_section,
    vegetation_section,
    write_report,
)
from cryoscale.writers import write_cog

_MILLION = 1e3  # of a km3: 10^6 m3


@dataclass(frozen=True)
class Findings:
    """All that a run has found; None for each part that is left out.

    Attributes
    ----------
    vegetation : VegetationFound or None
        Its map and how good it is.
    temperature : TemperatureFound or None
        Ground temperature.
    ice : IceFound or None
        Ground ice before mining.
    scenario : ScenarioFound or None
        Pits and heaps.
    sections : mapping of str to xarray.Dataset
        By kind; empty without pits and heaps.
    ice_after : IceAfter or None
        Ground ice after mining.
    skipped : mapping of str to str
        Parts that are left out, and why.
    """

    vegetation: VegetationFound | None
    temperature: TemperatureFound | None
    ice: IceFound | None
    scenario: ScenarioFound | None
    sections: Mapping[str, xr.Dataset]
    ice_after: IceAfter | None
    skipped: Mapping[str, str]


def publish(findings: Findings, *, config: MiningConfig, inputs: Inputs, appendix: Sequence[Section]) -> Outcome:
    """Write COGs, tables, the report and the resolved configuration.

    Parameters
    ----------
    findings : Findings
        Of the run.
    config : MiningConfig
        Its configuration.
    inputs : Inputs
        What it began with.
    appendix : sequence of Section
        Added to the report.

    Returns
    -------
    Outcome
    """
    config.output.mkdir(parents=True, exist_ok=True)
    rasters = [
        write_cog(layer, config.output / f"rasters/{name}.tif", colours=_colours(layer))
        for name, layer in _maps(findings)
    ]
    for name, table in _tables(findings):
        (config.output / "tables").mkdir(exist_ok=True)
        table.to_csv(config.output / f"tables/{name}.csv")
    (config.output / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    sections = [*_sections(findings, config=config, inputs=inputs), _inputs_section(findings, config, inputs)]
    report = config.output / "report.html"
    write_report(
        report,
        "Mining and permafrost",
        sections=[*sections, *appendix],
        provenance=_provenance(findings),
    )
    return Outcome(main_store(findings, config), report, rasters, [_summary(findings)])


def main_store(findings: Findings, config: MiningConfig) -> Folder:
    """Store of the last part that was made."""
    made = {
        "ground_ice_after": findings.ice_after,
        "scenario": findings.scenario,
        "ground_ice": findings.ice,
        "ground_temperature": findings.temperature,
        "vegetation": findings.vegetation,
    }
    return store_path(config, next((name for name, found in made.items() if found is not None), "vegetation"))


def _provenance(findings: Findings) -> Mapping[str, object]:
    """Attributes of the stores, those of the last part first."""
    parts = (findings.ice_after, findings.scenario, findings.ice, findings.temperature, findings.vegetation)
    return next((part.layers.attrs for part in parts if part is not None), {})


def _maps(findings: Findings) -> Iterator[tuple[str, xr.DataArray]]:
    """Every map (y, x) of the stores, with its name."""
    single = {"": findings.vegetation, "before_": findings.ice, "after_": findings.ice_after}
    if findings.temperature is not None:
        yield from ((str(name), layer) for name, layer in findings.temperature.layers.items())
    for prefix, part in single.items():
        if part is not None:
            flat = {str(name): layer for name, layer in part.layers.items() if set(layer.dims) == {"y", "x"}}
            yield from ((f"{prefix}{name}", layer) for name, layer in flat.items())
    if findings.scenario is not None:
        layers = findings.scenario.layers
        yield "mine_work", layers.mine_work
        for name, layer in layers.drop_vars("mine_work").items():
            yield from ((f"{name}_{year}", layer.sel(year=year, drop=True)) for year in layer.year.values)


def _colours(layer: xr.DataArray) -> dict[int, str] | None:
    return class_colours(layer) if layer.dtype == np.uint8 and "flag_meanings" in layer.attrs else None


def _tables(findings: Findings) -> Iterator[tuple[str, pd.DataFrame]]:
    """What was found in numbers, for whoever wants to look closer."""
    if findings.vegetation is not None:
        yield "vegetation_areas", findings.vegetation.areas.table
        yield "vegetation_importance", findings.vegetation.importance
        for way, confusion in findings.vegetation.confusions.items():
            yield f"vegetation_confusion_{way}", confusion.matrix
    if findings.temperature is not None:
        yield "magt_coefficients", findings.temperature.model.fit_.table
        yield "magt_boreholes", findings.temperature.boreholes.join(findings.temperature.model.influence_, "borehole")
        yield "magt_models", findings.temperature.comparison
    if findings.ice is not None:
        yield "ice_contents", findings.ice.table
        yield "ice_cells", findings.ice.volumes.cells
        yield "ice_units", findings.ice.volumes.units
    if findings.scenario is not None:
        yield "mine_history", mine_history(findings.scenario).to_dataframe()
    if findings.ice_after is not None:
        yield "ice_by_work", findings.ice_after.by_work


def _sections(findings: Findings, *, config: MiningConfig, inputs: Inputs) -> Iterator[Section]:
    if findings.vegetation is not None:
        found = findings.vegetation
        yield vegetation_section(
            found.layers,
            confusions=found.confusions,
            importance=found.importance,
            areas=found.areas.table,
            level=found.areas.level,
            left_out=found.left_out,
        )
    if findings.temperature is not None:
        yield _temperature_section(findings.temperature)
    if findings.ice is not None and config.ground_ice is not None:
        volumes = findings.ice.volumes
        yield ground_ice_section(
            findings.ice.layers,
            cells=volumes.cells,
            units=volumes.units,
            by_layer=volumes.layers,
            total=volumes.total,
            unknown_area_km2=volumes.unknown_area_km2,
            confidence=config.ground_ice.confidence,
        )
    if findings.scenario is not None:
        scenario = findings.scenario
        yield scenario_section(
            scenario.layers,
            history=mine_history(scenario),
            works=scenario.works,
            window=around_works(scenario, inputs.shape),
            notes=simulation_notes(scenario, config),
        )
        yield cut_section(findings.sections)
    if findings.ice_after is not None and findings.scenario is not None and config.ground_ice is not None:
        yield ice_change_section(
            findings.ice_after.layers,
            by_work=findings.ice_after.by_work,
            lost=findings.ice_after.lost.total,
            confidence=config.ground_ice.confidence,
            own_table=inputs.mine_ice is not None,
            window=around_works(findings.scenario, inputs.shape),
        )


def _temperature_section(found: TemperatureFound) -> Section:
    fit, model = found.model.fit_, found.model
    to_grid = Transformer.from_crs("EPSG:4326", found.layers.odc.geobox.crs.to_wkt(), always_xy=True)
    x, y = to_grid.transform(found.boreholes["longitude"].to_numpy(), found.boreholes["latitude"].to_numpy())
    influential = model.influence_[model.influence_["influential"]].index.astype(str)
    facts = {
        "boreholes": f"{len(found.boreholes)}",
        "R²": f"{fit.r2:.3f}",
        "adjusted R²": f"{fit.adjusted_r2:.3f}",
        "standard deviation of the residuals (K)": f"{fit.residual_variance**0.5:.3f}",
        "leave-one-out RMSE of the regression (K)": f"{fit.left_out_rmse:.3f}",
        "normal residuals (Shapiro and Wilk), p": f"{fit.normality_p:.3f}",
        "constant variance (Breusch and Pagan), p": f"{fit.constant_variance_p:.3f}",
        "influential boreholes (Cook's distance above 4 / n)": ", ".join(influential) or "none",
    }
    facts |= {f"variance inflation of {name}": f"{row['vif']:.1f}" for name, row in model.inflation_.iterrows()}
    measured = pd.Series(fit.observed, model.boreholes_.index)
    return mine_temperature_section(
        found.layers,
        boreholes=found.boreholes.assign(x=x, y=y),
        left_out=measured - fit.left_out_residuals,
        coefficients=fit.table,
        comparison=found.comparison,
        facts=facts,
    )


def _inputs_section(findings: Findings, config: MiningConfig, inputs: Inputs) -> Section:
    parts = ("vegetation", "ground temperature", "ground ice", "pits and heaps")
    rows = [(part, f"left out: {findings.skipped[part]}" if part in findings.skipped else "made") for part in parts]
    facts = [("grid", describe_grid(inputs.geobox)), *_paths(config)]
    tables = [Table("Parts", ("part", "state"), rows), Table("What went in", ("what", "which"), facts)]
    return Section("Inputs", tables=tables)


def _paths(config: MiningConfig) -> Iterator[tuple[str, str]]:
    yield "elevation", ", ".join(path.name for path in config.terrain.paths())
    named: dict[str, Path | None] = {
        "labelled points": config.vegetation.labels if config.vegetation else None,
        "boreholes": config.ground_temperature.boreholes if config.ground_temperature else None,
        "active layer": config.active_layer.path if config.active_layer else None,
        "units": config.units.path if config.units else None,
        "pits and heaps": config.mine.outlines if config.mine else None,
    }
    named |= {
        f"ground ice, {name}": path for name, path in (config.ground_ice.paths() if config.ground_ice else {}).items()
    }
    yield from ((what, path.name) for what, path in named.items() if path is not None)


def _summary(findings: Findings) -> Table:
    """The main numbers, for the command line."""
    rows: list[tuple[str, str]] = []
    if findings.vegetation is not None:
        rows += [
            (f"kappa of vegetation, {way} folds", f"{c.kappa:.3f}") for way, c in findings.vegetation.confusions.items()
        ]
    if findings.temperature is not None:
        rows.append(
            ("leave-one-out RMSE of the regression (K)", f"{findings.temperature.model.fit_.left_out_rmse:.3f}")
        )
    if findings.ice is not None:
        rows.append(("ice before mining (million m³)", _interval(findings.ice.volumes.total)))
    if findings.scenario is not None:
        rows.append(("distinct columns", f"{findings.scenario.columns.sizes['column']}"))
    if findings.ice_after is not None:
        rows.append(("ice dug out or thawed (million m³)", _interval(findings.ice_after.lost.total)))
    rows += [(f"{part}", f"left out: {why}") for part, why in findings.skipped.items()]
    return Table("Mining and permafrost", ("what", "found"), rows)


def _interval(total: "pd.Series[float]") -> str:
    ice, low, high = (_MILLION * total[name] for name in ("ice_km3", "ice_low_km3", "ice_high_km3"))
    return f"{ice:.3f} ({low:.3f} to {high:.3f})"
