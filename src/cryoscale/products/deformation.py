"""Surface deformation: unwrapped interferograms -> displacement series, rate, season (Chang et al., Section 3.1.1)."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from math import ceil
from pathlib import Path

import xarray as xr
from pydantic import Field

from cryoscale import insar
from cryoscale.chunks import stored_chunks
from cryoscale.config import Config, ConfigFolder, ConfigPath
from cryoscale.engine import Cluster, PixelCost, Plan, choose_tile, open_scheduler, plan_step
from cryoscale.engine import run as run_tiles
from cryoscale.engine.overviews import plan_overviews, write_overviews_if_large
from cryoscale.engine.plan import task_memory
from cryoscale.errors import InputError
from cryoscale.grids import describe_grid, geobox_of
from cryoscale.products.companions import require_companions
from cryoscale.products.constraint import Constraint, VelocityReference, velocity_reference
from cryoscale.products.corrections import Corrections, Inputs, Reference, Survey, correct, survey
from cryoscale.products.outcome import Outcome
from cryoscale.products.places import store_path, stores_folder
from cryoscale.products.seasons import Seasons, compute_seasons
from cryoscale.products.stack import StackSource, inspect_stack, stack_provenance
from cryoscale.readers import (
    Inspection,
    Rejected,
    StackFiles,
    choose_strip_rows,
    lazy_stack,
    open_gacos,
    open_map,
)
from cryoscale.report import (
    Section,
    corrections_section,
    deformation_sections,
    map_figure,
    save_png,
    seasons_section,
    summary_table,
    write_report,
)
from cryoscale.schemas import require_valid
from cryoscale.store import Provenance, fingerprint, open_store, save_small
from cryoscale.writers import write_cog

RASTERS = (
    "deformation_rate",
    "deformation_rate_error",
    "velocity",
    "seasonal_amplitude",
    "seasonal_peak",
    "residual_rms",
)
"""Maps that are also written as COGs."""

SEASON_RASTERS = ("mean_thaw_season_deformation", "mean_thaw_season_error", "vertical_rate")
"""Maps of the second pass that are also written as COGs."""

Write = Callable[..., object]
"""`engine.run` with everything but the dataset, its place and its provenance."""


class Weighting(StrEnum):
    """Weights of the interferograms in the inversion."""

    UNIFORM = "uniform"
    COHERENCE = "coherence"


class Inversion(Config):
    """The NSBAS inversion."""

    model: insar.TemporalModel = Field(
        insar.TemporalModel.LINEAR_PERIODIC, description="temporal model that bridges gaps in the network"
    )
    gamma: float = Field(1e-4, gt=0, description="weight of the temporal model's rows", json_schema_extra={"unit": "1"})
    period: float = Field(1.0, gt=0, description="period of the season", json_schema_extra={"unit": "a"})
    constrain_first: bool = Field(False, description="constrain the first epoch too, as LiCSBAS does")
    weighting: Weighting = Field(Weighting.UNIFORM, description="weights of the interferograms, per pixel")


class DeformationConfig(Config):
    """Surface deformation from a stack of unwrapped interferograms."""

    stack: StackSource = Field(description="the interferograms")
    output: ConfigPath = Field(
        Path("deformation"), description="folder for the stores, rasters, figures and the report"
    )
    stores: ConfigFolder | None = Field(
        None, description="folder of the Zarr stores if not output: a path, or s3://bucket/prefix"
    )
    corrections: Corrections = Field(Corrections(), description="between the files and the inversion")
    reference: Reference = Field(Reference(), description="area that every interferogram is referred to")
    inversion: Inversion = Field(Inversion(), description="the time series inversion")
    constraint: Constraint | None = Field(None, description="another sensor's rate that the inversion is held to")
    seasons: Seasons | None = Field(None, description="a second pass: filter, rates and thaw seasons of the series")
    cluster: Cluster = Field(Cluster(), description="where it is computed")

    def science(self) -> dict[str, object]:
        """The settings that values depend on: a run with other workers may go on with the same store."""
        return self.model_dump(mode="json", include={"corrections", "reference", "inversion"})


def compute(
    inputs: Inputs, config: DeformationConfig, *, found: Survey, velocity_reference: xr.DataArray | None = None
) -> xr.Dataset:
    """Correct and invert a stack; lazy where the stack is lazy.

    Parameters
    ----------
    inputs : Inputs
        Stack and what corrects it.
    config : DeformationConfig
        Corrections and inversion.
    found : Survey
        From `survey`.
    velocity_reference : xarray.DataArray, optional
        (y, x) mm a-1, from `velocity_reference`.

    Returns
    -------
    xarray.Dataset
        ``displacement`` (time, y, x) in mm, the temporal model, ``deformation_rate``, season, residual and counts.
    """
    stack, options = inputs.stack.isel(pair=found.usable.values), config.inversion
    cube = insar.invert_nsbas(
        insar.phase_to_displacement(correct(inputs, config.corrections, found=found), stack.attrs["wavelength"]),
        model=options.model,
        gamma=options.gamma,
        period=options.period,
        constrain_first=options.constrain_first,
        weights=_weights(stack, options.weighting),
        velocity_reference=velocity_reference,
    )
    cube = cube.merge(insar.deformation_rate(cube.displacement))
    if options.model is insar.TemporalModel.LINEAR_PERIODIC:
        season = insar.seasonal_cycle(cube.sine, cube.cosine, first_epoch=cube.time.values[0], period=options.period)
        cube = cube.merge(season)
    if "coherence" in stack:
        cube["mean_coherence"] = insar.mean_coherence(stack.coherence)
    # Arithmetic drops attributes in which coordinates differ, and with them the CRS; those of the stack count.
    grid = {name: stack.coords[name] for name in ("y", "x", "spatial_ref") if name in stack.coords}
    return cube.assign_coords(grid).assign_attrs(stack.attrs, reference_area=_describe_window(stack, found.window))


def plan(config: DeformationConfig) -> Plan:
    """Say what a run will read, write and need; only headers are read.

    Parameters
    ----------
    config : DeformationConfig
        The whole configuration.

    Returns
    -------
    Plan
    """
    return _plan(config, inspect_stack(config.stack))


def no_appendix(cube: xr.Dataset) -> Sequence[Section]:  # noqa: ARG001
    """Nothing to add to the report."""
    return ()


def run(
    config: DeformationConfig,
    *,
    overwrite: bool = False,
    appendix: Callable[[xr.Dataset], Sequence[Section]] = no_appendix,
) -> Outcome:
    """Files in, stores, rasters, figures and the report out; goes on where an interrupted run stopped.

    Parameters
    ----------
    config : DeformationConfig
        The whole configuration.
    overwrite : bool
        Replace what another configuration has written.
    appendix : callable, optional
        Sections to add to the report, given the finished cube.

    Returns
    -------
    Outcome
    """
    inspection = inspect_stack(config.stack)
    planned = _plan(config, inspection)
    planned.require_fit()
    tile = planned.steps[1].tile
    with open_scheduler(config.cluster) as scheduler:
        write = partial(run_tiles, chunks={"y": tile[0], "x": tile[1]}, scheduler=scheduler, overwrite=overwrite)
        inputs = read_inputs(config, inspection, strip_rows=planned.steps[0].tile[0], write=write)
        found = survey(inputs, config.corrections, reference=config.reference, reduce=scheduler.reduce)
        rejected = _rejected_pairs(inspection.files, found, skip_bad=config.stack.skip_bad)
        constraint = _constrain(config, inputs, found, write=write)
        cube = compute(inputs, config, found=found, velocity_reference=constraint.velocity if constraint else None)
        write(
            cube,
            store_path(config, "deformation"),
            provenance=_provenance("deformation-cube", config),
            title="inverting",
        )
        cube = open_store(store_path(config, "deformation"))
        seasons = _second_pass(cube, config, write=write)
        write_overviews_if_large(store_path(config, "deformation"), scheduler=scheduler)
    sections = [corrections_section(found.pairs, found.loops, constraint)]
    if seasons is not None:
        sections.append(seasons_section(seasons))
    every = (*inspection.files.rejected, *rejected)
    return _publish(cube, seasons, config, found, rejected=every, appendix=[*sections, *appendix(cube)])


def _second_pass(cube: xr.Dataset, config: DeformationConfig, *, write: Write) -> xr.Dataset | None:
    """The filter needs each tile's neighbours, so it starts from the finished cube."""
    if config.seasons is None:
        return None
    path = store_path(config, "seasons")
    provenance = _provenance("deformation-seasons", config, seasons=config.seasons.model_dump(mode="json"))
    write(compute_seasons(cube, config.seasons), path, provenance=provenance, title="rates and seasons")
    require_valid(path)
    return open_store(path)


def read_inputs(config: DeformationConfig, inspection: Inspection, *, strip_rows: int, write: Write) -> Inputs:
    """Bring stack and delays into stores, chunked alike, and open the small maps.

    Parameters
    ----------
    config : DeformationConfig
        Names the files.
    inspection : Inspection
        From `inspect_stack`.
    strip_rows : int
        Rows that are read at once.
    write : callable
        Runs a lazy dataset into a store.

    Returns
    -------
    Inputs
    """
    path = store_path(config, "stack")
    stack = lazy_stack(inspection, strip_rows=strip_rows)
    write(stack, path, provenance=stack_provenance(inspection), title="reading the stack")
    stack = open_store(path)
    chunks = {"y": stack.chunksizes["y"][0], "x": stack.chunksizes["x"][0]}
    ramp = config.corrections.ramp
    stable = None
    if ramp is not None and ramp.stable is not None:
        stable = open_map(ramp.stable, "stable", geobox=inspection.grid.geobox, chunks=chunks)
    return Inputs(stack, delays=_read_delays(config, stack, strip_rows=strip_rows, write=write), stable=stable)


def _read_delays(config: DeformationConfig, stack: xr.Dataset, *, strip_rows: int, write: Write) -> xr.DataArray | None:
    options, path = config.corrections.troposphere, store_path(config, "delays")
    if options is None:
        return None
    days = insar.epochs(stack.reference.values, stack.secondary.values).astype("datetime64[D]")
    delays = open_gacos(options.folder, geobox_of(stack), strip_rows=strip_rows, dates=days.tolist())
    files = sorted(path for path in options.folder.iterdir() if path.is_file())
    provenance = Provenance("zenith-delays", {"days": [str(day) for day in days]}, {"files": fingerprint(files)})
    write(delays.to_dataset(), path, provenance=provenance, title="reading the delays")
    zenith_delay: xr.DataArray = open_store(path).zenith_delay
    return zenith_delay


def _constrain(config: DeformationConfig, inputs: Inputs, found: Survey, *, write: Write) -> VelocityReference | None:
    """First pass of the two: the free velocity, and what it becomes when held to another sensor's."""
    if config.constraint is None:
        return None
    path = store_path(config, "free")
    free = compute(inputs, config, found=found)[["velocity", "residual_rms", "n_pairs"]]
    write(free, path, provenance=_provenance("free-velocity", config), title="inverting without constraint")
    return velocity_reference(open_store(path), config.constraint)


def _provenance(product: str, config: DeformationConfig, **more: object) -> Provenance:
    """What a store of this product depends on; the stack's own provenance stands for all of its files."""
    inputs = {"stack": fingerprint([store_path(config, "stack")])}
    science = config.science() | more
    troposphere, ramp = config.corrections.troposphere, config.corrections.ramp
    if troposphere is not None:
        inputs["delays"] = fingerprint([store_path(config, "delays")])
    if ramp is not None and ramp.stable is not None:
        inputs["stable"] = fingerprint([ramp.stable])
    if config.constraint is not None and product != "free-velocity":
        inputs["rate"] = fingerprint([config.constraint.rate])
        science["constraint"] = config.constraint.model_dump(mode="json", exclude={"rate"})
    return Provenance(product, science, inputs)


def _plan(config: DeformationConfig, inspection: Inspection) -> Plan:
    require_companions(
        inspection, corrections=config.corrections, reference=config.reference, constraint=config.constraint
    )
    shape, cluster = inspection.grid.shape, config.cluster
    reading, inverting = _costs(inspection.files)
    memory = task_memory(cluster)
    max_rows = max(memory // (reading.working * shape[1]), 1)
    stored = stored_chunks(store_path(config, "stack"), "unwrapped_phase")
    tile = (
        (stored["y"], stored["x"])
        if stored
        else choose_tile(shape, inverting, memory=memory, n_tasks=cluster.n_tasks, max_rows=max_rows)
    )
    share = ceil(shape[0] / (2 * cluster.n_tasks) / tile[0]) * tile[0]  # at least two strips for every task
    strip = (min(choose_strip_rows(inspection, memory=memory, tile=tile[0]), share), shape[1])
    plan_tiles = partial(plan_step, shape=shape, cluster=cluster)
    steps = [
        plan_tiles("reading the stack", tile=strip, cost=reading),
        plan_tiles("inverting", tile=tile, cost=inverting),
    ]
    series = 4 * _n_epochs(inspection.files)
    if config.corrections.troposphere is not None:
        steps.append(plan_tiles("reading the delays", tile=strip, cost=PixelCost.copying(series, widest=series)))
    if config.constraint is not None:
        steps.append(plan_tiles("inverting without constraint", tile=tile, cost=inverting))
    if config.seasons is not None:
        cost = PixelCost.computing(series, 2 * series, widest=series)
        steps.append(plan_tiles("rates and seasons", tile=tile, cost=cost))
    steps += plan_overviews("deformation", shape=shape, tile=tile, cost=inverting, cluster=cluster)
    return Plan(describe_grid(inspection.grid.geobox), steps, cluster, stores_folder(config))


def _n_epochs(files: StackFiles) -> int:
    return len({date for pair in files.pairs for date in (pair.reference, pair.secondary)})


def _costs(files: StackFiles) -> tuple[PixelCost, PixelCost]:
    """Bytes per pixel of reading the stack and of inverting it."""
    n_pairs = len(files.pairs)
    layers = 4 * n_pairs * (2 if files.pairs[0].coherence else 1)
    written = 4 * _n_epochs(files) + 4 * 14
    return (
        PixelCost.copying(layers, widest=4 * n_pairs),
        PixelCost.computing(layers, written, widest=4 * n_pairs),
    )


def _weights(stack: xr.Dataset, weighting: Weighting) -> xr.DataArray | None:
    if weighting is Weighting.UNIFORM:
        return None
    if "coherence" not in stack:
        raise InputError("inversion.weighting: coherence, but the stack has none. Use uniform, or add the files.")
    return insar.coherence_weight(stack.coherence)


def _describe_window(stack: xr.Dataset, window: tuple[slice, slice]) -> str:
    y, x = stack.y[window[0]].values, stack.x[window[1]].values
    return f"x {x[0]:.8g} to {x[-1]:.8g}, y {y[0]:.8g} to {y[-1]:.8g}"


def _rejected_pairs(files: StackFiles, found: Survey, *, skip_bad: bool) -> tuple[Rejected, ...]:
    """Pairs that the survey leaves out; empty ones are an error unless bad ones are to be skipped."""
    bad = [
        Rejected(pair.phase, str(reason))
        for pair, reason in zip(files.pairs, found.verdict.values, strict=True)
        if reason
    ]
    empty = [str(rejected) for rejected in bad if rejected.reason == "holds no coherent data"]
    if empty and not skip_bad:
        lines = "\n".join(f"  - {line}" for line in empty[:10])
        raise InputError(f"{len(empty)} interferograms are empty:\n{lines}\nRemove them, or use --skip-bad.")
    return tuple(bad)


def _publish(
    cube: xr.Dataset,
    seasons: xr.Dataset | None,
    config: DeformationConfig,
    found: Survey,
    *,
    rejected: tuple[Rejected, ...],
    appendix: Sequence[Section],
) -> Outcome:
    """Write the COGs, their pictures, the survey, the report and the resolved configuration."""
    require_valid(store_path(config, "deformation"))
    maps = {name: cube[name] for name in RASTERS if name in cube}
    maps |= {name: seasons[name] for name in SEASON_RASTERS if seasons is not None and name in seasons}
    for name, values in maps.items():
        write_cog(values, config.output / f"rasters/{name}.tif")
        save_png(map_figure(values, title=str(values.attrs["long_name"])), config.output / f"figures/{name}.png")
    save_small(found.to_dataset(), store_path(config, "survey"), provenance=_provenance("deformation-survey", config))
    (config.output / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    sections = deformation_sections(
        cube,
        coverage=found.pairs.coverage.isel(pair=found.usable.values),
        rejected=rejected,
        reference=_centre(cube, found.window),
        period=config.inversion.period,
    )
    report = config.output / "report.html"
    write_report(report, "Surface deformation", sections=[*sections, *appendix], provenance=cube.attrs)
    return Outcome(
        store=store_path(config, "deformation"),
        report=report,
        rasters=[config.output / f"rasters/{name}.tif" for name in maps],
        tables=[summary_table(found.verdict.values)],
    )


def _centre(cube: xr.Dataset, window: tuple[slice, slice]) -> tuple[float, float]:
    return float(cube.y[window[0]].mean()), float(cube.x[window[1]].mean())
