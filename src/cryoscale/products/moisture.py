"""Moisture of the active layer: samples and covariates -> fused learners -> map (active-layer moisture of the QTP)."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale import moisture, terrain
from cryoscale.engine import Plan, Scheduler, open_scheduler
from cryoscale.engine import run as run_tiles
from cryoscale.engine.overviews import write_overviews_if_large
from cryoscale.errors import InputError
from cryoscale.grids import grid_coords, local_plane
from cryoscale.learning import grouped_folds, random_folds, spatial_blocks
from cryoscale.products.covariates import Derivative, stack_covariates
from cryoscale.products.fitted import StoredModel, fitted_once
from cryoscale.products.moisture_inputs import (
    FEWEST_SAMPLES,
    Inputs,
    MoistureConfig,
    choose_tiles,
    inspect,
    plan_run,
)
from cryoscale.products.moisture_report import Findings, Folds, publish
from cryoscale.products.outcome import Outcome
from cryoscale.products.permafrost_checks import at_pixels
from cryoscale.products.places import store_path
from cryoscale.products.threads import run_threads
from cryoscale.report import Section
from cryoscale.schemas import require_valid
from cryoscale.store import Provenance, fingerprint, is_saved, open_store, require_same_run, save_small
from cryoscale.variables import attributes

__all__ = ["MoistureConfig", "plan", "run"]


def plan(config: MoistureConfig) -> Plan:
    """Say what a run will read, write and need; only headers and the table of samples are read.

    Parameters
    ----------
    config : MoistureConfig
        The whole configuration.

    Returns
    -------
    Plan
    """
    inputs = inspect(config)
    return plan_run(config, inputs, choose_tiles(config, inputs))


def no_appendix(findings: Findings) -> Sequence[Section]:  # noqa: ARG001
    """Nothing to add to the report."""
    return ()


def run(
    config: MoistureConfig,
    *,
    overwrite: bool = False,
    appendix: Callable[[Findings], Sequence[Section]] = no_appendix,
) -> Outcome:
    """Files in, stores, rasters, figures and the report out; goes on where an interrupted run stopped.

    Parameters
    ----------
    config : MoistureConfig
        The whole configuration.
    overwrite : bool
        Replace what another configuration has written.
    appendix : callable, optional
        Sections to add to the report, given what was found.

    Returns
    -------
    Outcome
    """
    inputs = inspect(config)
    tile = choose_tiles(config, inputs)
    plan_run(config, inputs, tile).require_fit()
    with open_scheduler(config.cluster) as scheduler, run_threads(config.cluster):
        stack = _covariates(config, inputs, tile, scheduler=scheduler, overwrite=overwrite)
        table, left_out = _training_table(config, inputs, stack, scheduler=scheduler)
        features, target = table[list(config.features or config.names)], table["moisture"].to_numpy()
        ways = _folds(config, table)  # first: a few seconds tell whether they can be made, the fit takes minutes
        ensemble = _ensemble(config, features, target, overwrite=overwrite)
        folds = [
            Folds(name, labels, _validated(config, name, features, target, labels=labels, overwrite=overwrite))
            for name, labels in ways.items()
        ]
        layers = _map(config, inputs, stack, ensemble, tile=tile, scheduler=scheduler, overwrite=overwrite)
        write_overviews_if_large(store_path(config, "moisture"), scheduler=scheduler)
        findings = Findings(
            layers=layers,
            ensemble=ensemble,
            table=table,
            left_out=left_out,
            features=features,
            folds=folds,
            units=dict(zip(map(str, stack.feature.values), map(str, stack.unit.values), strict=True)),
        )
        return publish(findings, config=config, inputs=inputs, appendix=appendix(findings))


def _covariates(
    config: MoistureConfig, inputs: Inputs, tile: tuple[int, int], *, scheduler: Scheduler, overwrite: bool
) -> xr.DataArray:
    """The stack on the grid, from its store."""
    chunks = {"y": tile[0], "x": tile[1]}
    wetness = _wetness(config, inputs, chunks=chunks, overwrite=overwrite)
    maps = config.terrain.open(inputs.geobox, chunks=chunks, wetness=wetness)
    others = {name: source.open(name, inputs.geobox, chunks=chunks) for name, source in config.covariates.items()}
    files = {"elevation": config.terrain.paths()} | {name: one.paths() for name, one in config.covariates.items()}
    science = {
        "grid": inputs.grid_name,
        "terrain": config.terrain.model_dump(mode="json", exclude={"elevation"}),
        "covariates": {name: one.model_dump(mode="json", exclude={"path"}) for name, one in config.covariates.items()},
    }
    path = store_path(config, "covariates")
    run_tiles(
        stack_covariates(maps.assign(others)),
        path,
        chunks={"feature": 1, **chunks},
        provenance=Provenance("moisture-covariates", science, {name: fingerprint(p) for name, p in files.items()}),
        scheduler=scheduler,
        overwrite=overwrite,
        title="covariates",
    )
    require_valid(path)
    stack: xr.DataArray = open_store(path).covariate
    return stack


def _wetness(config: MoistureConfig, inputs: Inputs, *, chunks: dict[str, int], overwrite: bool) -> xr.DataArray | None:
    """The wetness index of the whole grid, computed once and then read in chunks."""
    if Derivative.WETNESS not in config.terrain.derivatives:
        return None
    path = store_path(config, "wetness")
    sources = {"elevation": fingerprint(config.terrain.paths())}
    provenance = Provenance("topographic-wetness", {"grid": inputs.grid_name}, sources)
    if path.exists() and not overwrite:
        require_same_run(path, provenance)
    if not is_saved(path, provenance):
        elevation = config.terrain.open_elevation(inputs.geobox, chunks=chunks).compute()
        save_small(terrain.topographic_wetness(elevation).to_dataset(), path, provenance=provenance)
    wetness: xr.DataArray = open_store(path).topographic_wetness.chunk(chunks)
    return wetness.assign_coords(grid_coords(inputs.geobox))


def _training_table(
    config: MoistureConfig, inputs: Inputs, stack: xr.DataArray, *, scheduler: Scheduler
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pixels with samples and their covariates; and pixels that lack one, with the covariates that they lack."""
    values = scheduler.reduce(at_pixels(stack.to_dataset(), inputs.pixels)).covariate.transpose("place", "feature")
    covariates = pd.DataFrame(values.values, columns=[str(name) for name in stack.feature.values], dtype=np.float64)
    used = covariates[list(config.features or config.names)]
    _require_covariates(used, config)
    pixels = inputs.pixels.reset_index(drop=True)
    complete = np.isfinite(used.to_numpy()).all(axis=1)
    if complete.sum() < FEWEST_SAMPLES:
        raise InputError(
            f"{config.samples.path}: {complete.sum()} of {len(pixels)} pixels with samples have all covariates, but "
            f"{FEWEST_SAMPLES} are the fewest to learn from. Most often {used.isna().sum().idxmax()} is missing: give "
            "a file that covers the samples, or leave the covariate out."
        )
    lacking = [", ".join(used.columns[~np.isfinite(row)]) for row in used.loc[~complete].to_numpy()]
    table = pd.concat([pixels, covariates], axis=1)
    left_out = pixels.loc[~complete].assign(reason=[f"no {one}" for one in lacking])
    return table.loc[complete].reset_index(drop=True), left_out


def _require_covariates(used: pd.DataFrame, config: MoistureConfig) -> None:
    """Refuse covariates from which nothing can be learned: most often another file than was meant."""
    for name, values in used.items():
        source = config.covariates.get(str(name))
        label = config.terrain.paths()[0] if source is None else source.paths()[0]
        known = values[np.isfinite(values)]
        if known.empty:
            raise InputError(
                f"{label}: {name} has no data at any sample. Check its extent and no-data number, or drop it."
            )
        if known.nunique() == 1:
            raise InputError(
                f"{label}: {name} is {known.iloc[0]:g} at all {len(known)} samples, so nothing can be learned from it. "
                "Check the file, or leave the covariate out."
            )


def _science(config: MoistureConfig) -> dict[str, Any]:
    return {
        "learning": config.learning.model_dump(mode="json"),
        "features": list(config.features or config.names),
        "samples": config.samples.model_dump(mode="json", exclude={"path"}),
        "libraries": moisture.library_versions(),
    }


def _sources(config: MoistureConfig) -> dict[str, str]:
    return {
        "samples": fingerprint([config.samples.path]),
        "covariates": fingerprint([store_path(config, "covariates")]),
    }


def _ensemble(config: MoistureConfig, features: pd.DataFrame, target: Any, *, overwrite: bool) -> StoredModel:
    """The learners, fitted to all samples."""
    provenance = Provenance("moisture-ensemble", _science(config), _sources(config))
    return fitted_once(
        config.output / "ensemble.joblib",
        provenance,
        fit=lambda: config.learning.ensemble().fit(features, target),
        overwrite=overwrite,
    )


def _folds(config: MoistureConfig, table: pd.DataFrame) -> dict[str, Any]:
    """Two ways to leave samples out, which answer two questions: between samples, and beyond them."""
    options = config.validation
    x, y = local_plane(table.longitude, table.latitude)
    blocks = spatial_blocks(x, y, size=options.block_size)
    if len(np.unique(blocks)) < options.n_folds:
        raise InputError(
            f"{config.samples.path}: the samples lie in {len(np.unique(blocks))} blocks of {options.block_size:g} m, "
            f"fewer than the {options.n_folds} folds. Set validation.block_size lower."
        )
    return {
        "random": random_folds(len(table), options.n_folds, seed=options.seed),
        "blocked": grouped_folds(blocks, options.n_folds, seed=options.seed),
    }


def _validated(
    config: MoistureConfig, name: str, features: pd.DataFrame, target: Any, *, labels: Any, overwrite: bool
) -> pd.DataFrame:
    """Every sample as the whole procedure predicts it without its fold."""
    science = _science(config) | {"validation": config.validation.model_dump(mode="json"), "folds": name}
    provenance = Provenance("moisture-validation", science, _sources(config))
    stored = fitted_once(
        config.output / f"validation_{name}.joblib",
        provenance,
        fit=lambda: moisture.cross_validate(config.learning.ensemble(), features, target, folds=labels),
        overwrite=overwrite,
    )
    table: pd.DataFrame = stored.copy()
    return table


def _map(
    config: MoistureConfig,
    inputs: Inputs,
    stack: xr.DataArray,
    ensemble: StoredModel,
    *,
    tile: tuple[int, int],
    scheduler: Scheduler,
    overwrite: bool,
) -> xr.Dataset:
    """The product itself."""
    chunks = {"y": tile[0], "x": tile[1]}
    permafrost = config.permafrost.open(inputs.geobox, chunks=chunks) == 1
    layers = moisture.map_moisture(stack, ensemble, permafrost=permafrost, porosity=_porosity(config, stack))
    path = store_path(config, "moisture")
    science = _science(config) | {
        "porosity": config.porosity,
        "permafrost": config.permafrost.model_dump(mode="json", include={"permafrost", "other"}),
    }
    sources = _sources(config) | {"permafrost": fingerprint([config.permafrost.path])}
    run_tiles(
        layers,
        path,
        chunks=chunks,
        provenance=Provenance("active-layer-moisture", science, sources),
        scheduler=scheduler,
        overwrite=overwrite,
        title="moisture",
    )
    require_valid(path)
    return open_store(path)


def _porosity(config: MoistureConfig, stack: xr.DataArray) -> xr.DataArray:
    """What the pores can hold, m3 m-3."""
    first = stack.isel(feature=0, drop=True)
    if isinstance(config.porosity, str):
        chosen = stack.sel(feature=config.porosity)
        unit = str(chosen.unit.values)
        if unit not in ("m3 m-3", "1"):
            raise InputError(f"porosity: {config.porosity} is in {unit!r}, but must be in 'm3 m-3'. Convert it.")
        return chosen.reset_coords(drop=True).assign_attrs(attributes("porosity"))
    return xr.full_like(first, config.porosity).reset_coords(drop=True).assign_attrs(attributes("porosity"))
