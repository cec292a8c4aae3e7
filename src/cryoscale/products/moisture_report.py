"""What a moisture run hands over: COGs, figures, tables, and the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale import moisture
from cryoscale.grids import describe_grid, geobox_of
from cryoscale.products.fitted import StoredModel
from cryoscale.products.moisture_inputs import Inputs, MoistureConfig
from cryoscale.products.outcome import Outcome
from cryoscale.products.places import store_path
from cryoscale.report import (
    Section,
    Table,
    decimated,
    learned_section,
    map_figure,
    moisture_section,
    samples_section,
    save_png,
    skill_section,
    write_report,
)
from cryoscale.writers import write_cog


@dataclass(frozen=True)
class Folds:
    """One way to leave samples out, and what was found by it.

    Attributes
    ----------
    name : str
        ``random`` or ``blocked``.
    labels : numpy.ndarray
        Fold of every sample.
    table : pandas.DataFrame
        Of `moisture.cross_validate`.
    """

    name: str
    labels: Any
    table: pd.DataFrame


@dataclass(frozen=True)
class Findings:
    """All that a run has found.

    Attributes
    ----------
    layers : xarray.Dataset
        The map, lazy, from its store.
    ensemble : StoredModel
        The fitted `moisture.MoistureEnsemble`.
    table : pandas.DataFrame
        A row a pixel that the learners are fitted to: its place, its moisture and all covariates.
    left_out : pandas.DataFrame
        Pixels with samples that lack a covariate.
    features : pandas.DataFrame
        The covariates that could be chosen, of the rows of `table`.
    folds : list of Folds
        The cross-validations.
    units : mapping of str to str
        Of the covariates.
    """

    layers: xr.Dataset
    ensemble: StoredModel
    table: pd.DataFrame
    left_out: pd.DataFrame
    features: pd.DataFrame
    folds: list[Folds]
    units: dict[str, str]


def publish(findings: Findings, *, config: MoistureConfig, inputs: Inputs, appendix: Sequence[Section]) -> Outcome:
    """Write COGs, figures, tables, the report and the resolved configuration.

    Parameters
    ----------
    findings : Findings
        Of the run.
    config : MoistureConfig
        Its configuration.
    inputs : Inputs
        What it began with.
    appendix : sequence of Section
        Added to the report.

    Returns
    -------
    Outcome
    """
    layers = findings.layers
    rasters = [write_cog(layers[str(name)], config.output / f"rasters/{name}.tif") for name in layers.data_vars]
    _write_tables(findings, inputs, config.output / "tables")
    save_png(
        map_figure(decimated(layers.moisture), title="Moisture of the active layer"),
        config.output / "figures/moisture.png",
    )
    (config.output / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    tables = {one.name: one.table for one in findings.folds}
    summaries = {name: moisture.summarise(table) for name, table in tables.items()}
    biases = {
        name: moisture.bias_table(table["fused"], table["corrected"], table["observed"])
        for name, table in tables.items()
    }
    sections = [
        moisture_section(layers, samples=_on_map(findings.table, layers)),
        skill_section(tables, summaries, biases),
        _learned(findings),
        samples_section(inputs.profiles, left_out=findings.left_out, n_pixels=len(findings.table)),
        _inputs_section(config, inputs, findings),
        *appendix,
    ]
    report = config.output / "report.html"
    write_report(report, "Moisture of the active layer", sections=sections, provenance=layers.attrs)
    return Outcome(store_path(config, "moisture"), report, rasters, [_scores_table(summaries)])


def _write_tables(findings: Findings, inputs: Inputs, folder: Path) -> None:
    """What was sampled and predicted, for whoever wants to look closer."""
    folder.mkdir(parents=True, exist_ok=True)
    inputs.profiles.to_csv(folder / "samples.csv", index=False)
    findings.table.to_csv(folder / "training.csv", index=False)
    for one in findings.folds:
        one.table.to_csv(folder / f"validation_{one.name}.csv", index=False)


def _on_map(table: pd.DataFrame, layers: xr.Dataset) -> pd.DataFrame:
    box = geobox_of(layers)
    rows, columns = table.row.to_numpy() + 0.5, table.column.to_numpy() + 0.5
    shift = box.transform
    x, y = (a * columns + b * rows + c for a, b, c in (shift[:3], shift[3:6]))
    return pd.DataFrame({"x": x, "y": y})


def _learned(findings: Findings) -> Section:
    ensemble = findings.ensemble
    features = findings.features[list(ensemble.features_)]
    rows = features.to_numpy(np.float32)
    shap = sum(
        weight * moisture.shap_values(model, rows)
        for model, weight in zip(ensemble.models_, ensemble.weights_, strict=True)
    )
    return learned_section(
        ensemble.selection_.path,
        shap=pd.DataFrame(shap, columns=features.columns),
        features=features,
        units=findings.units,
        weights={str(name): float(weight) for name, weight in ensemble.weights_.items()},
        settings={str(name): chosen for name, chosen in ensemble.settings_.items()},
    )


def _scores_table(summaries: dict[str, pd.DataFrame]) -> Table:
    names = ("r2", "rmse", "mae", "slope")
    rows = [
        (f"{model}, {way} folds", *(f"{table.loc[model, name]:.3f}" for name in names))
        for way, table in summaries.items()
        for model in table.index
    ]
    return Table("Samples left out", ("model", "R²", "RMSE (m³ m⁻³)", "MAE (m³ m⁻³)", "slope"), rows)


def _inputs_section(config: MoistureConfig, inputs: Inputs, findings: Findings) -> Section:
    kept = set(findings.ensemble.features_)
    rows = [
        (
            name,
            findings.units[name],
            "kept" if name in kept else "left out" if name in findings.features else "not asked for",
        )
        for name in config.names
    ]
    facts = [
        ("grid", describe_grid(inputs.geobox)),
        ("permafrost", f"{config.permafrost.name} ({config.permafrost.path.name})"),
        ("months of the samples", ", ".join(map(str, config.samples.months))),
    ]
    return Section(
        "Inputs",
        tables=[
            Table("What went in", ("what", "which"), facts),
            Table("Covariates", ("name", "unit", "selection"), rows),
        ],
    )
