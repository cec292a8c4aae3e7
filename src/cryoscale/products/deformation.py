"""Surface deformation: unwrapped interferograms -> displacement series, rate, season (Chang et al., Section 3.1.1)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from math import ceil
from pathlib import Path

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from cryoscale import insar
from cryoscale.config import Config, ConfigPath
from cryoscale.engine import Cluster, PixelCost, Plan, Scheduler, choose_tile, open_scheduler, plan_step
from cryoscale.engine import run as run_tiles
from cryoscale.engine.plan import task_memory
from cryoscale.errors import InputError
from cryoscale.grids import describe_grid, geobox_of, pixel_at
from cryoscale.products.outcome import Outcome
from cryoscale.products.stack import StackSource, inspect_stack, stack_provenance
from cryoscale.readers import Inspection, Rejected, StackFiles, choose_strip_rows, lazy_stack
from cryoscale.report import Section, deformation_sections, map_figure, save_png, write_report
from cryoscale.schemas import require_valid
from cryoscale.store import Provenance, fingerprint, open_store, stored_chunks
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


class Reference(Config):
    """Where the ground is taken to stand still."""

    longitude: float | None = Field(
        None, ge=-180, le=360, description="of the centre; null: chosen", json_schema_extra={"unit": "degree"}
    )
    latitude: float | None = Field(
        None, ge=-90, le=90, description="of the centre; null: chosen", json_schema_extra={"unit": "degree"}
    )
    size: int = Field(5, ge=1, description="side of the square", json_schema_extra={"unit": "pixel"})

    @model_validator(mode="after")
    def _both_or_none(self) -> "Reference":
        if (self.longitude is None) != (self.latitude is None):
            raise ValueError("give longitude and latitude, or neither for an automatic choice")
        return self


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
    coherence_threshold: float = Field(
        0.3, ge=0, lt=1, description="phases of lower coherence are left out", json_schema_extra={"unit": "1"}
    )
    reference: Reference = Field(Reference(), description="area that every interferogram is referred to")
    inversion: Inversion = Field(Inversion(), description="the time series inversion")
    cluster: Cluster = Field(Cluster(), description="where it is computed")

    def science(self) -> dict[str, object]:
        """The settings that values depend on: a run with other workers may go on with the same store."""
        return self.model_dump(mode="json", include={"coherence_threshold", "reference", "inversion"})


@dataclass(frozen=True, slots=True)
class Survey:
    """What one pass over the stack finds out, before the inversion.

    Attributes
    ----------
    coverage : xarray.DataArray
        (pair,) share of pixels that have a coherent phase.
    window : tuple of slice
        Rows and columns of the reference area.
    offset : xarray.DataArray
        (pair,) mean phase of the reference area, rad; NaN where it has none.
    """

    coverage: xr.DataArray
    window: tuple[slice, slice]
    offset: xr.DataArray

    @property
    def usable(self) -> xr.DataArray:
        """(pair,) whether the pair has data, and data in the reference area."""
        return (self.coverage > 0) & self.offset.notnull()


def survey(stack: xr.Dataset, config: DeformationConfig, *, scheduler: Scheduler) -> Survey:
    """Reduce the stack to what the inversion needs to know of it as a whole.

    Parameters
    ----------
    stack : xarray.Dataset
        ``unwrapped_phase`` (pair, y, x) in rad, and ``coherence`` if there is any.
    config : DeformationConfig
        Coherence threshold and reference area.
    scheduler : Scheduler
        Computes the two reductions.

    Returns
    -------
    Survey

    Raises
    ------
    InputError
        If the reference area lies outside the stack or no pair has data there.
    """
    phase = _coherent_phase(stack, config)
    size = config.reference.size
    candidates = insar.reference_candidates(phase, stack.get("coherence"), size=size)
    found = scheduler.reduce(xr.Dataset({"candidates": candidates, "coverage": insar.coverage_per_pair(phase)}))
    window = _given_window(stack, config.reference) or insar.choose_reference(found.candidates, size=size)
    offset = scheduler.reduce(insar.reference_offset(phase, window).to_dataset(name="offset")).offset
    if not bool(offset.notnull().any()):
        raise InputError(
            f"reference: no interferogram has coherent data in rows {window[0].start} to {window[0].stop - 1}, columns "
            f"{window[1].start} to {window[1].stop - 1}. Name another place, or none for an automatic choice."
        )
    return Survey(found.coverage, window, offset)


def compute(stack: xr.Dataset, config: DeformationConfig, *, found: Survey) -> xr.Dataset:
    """Invert a stack; lazy where the stack is lazy.

    Parameters
    ----------
    stack : xarray.Dataset
        ``unwrapped_phase`` (pair, y, x) in rad, ``coherence`` if there is any; attribute ``wavelength`` in m.
    config : DeformationConfig
        Coherence threshold and inversion.
    found : Survey
        From `survey`.

    Returns
    -------
    xarray.Dataset
        ``displacement`` (time, y, x) in mm, the temporal model, ``deformation_rate``, season, residual and counts.
    """
    usable = found.usable.values
    stack, offset = stack.isel(pair=usable), found.offset.isel(pair=usable)
    phase = insar.reference_to(_coherent_phase(stack, config), offset)
    options = config.inversion
    cube = insar.invert_nsbas(
        insar.phase_to_displacement(phase, stack.attrs["wavelength"]),
        model=options.model,
        gamma=options.gamma,
        period=options.period,
        constrain_first=options.constrain_first,
        weights=_weights(stack, options.weighting),
    )
    cube = cube.merge(insar.deformation_rate(cube.displacement))
    if options.model is insar.TemporalModel.LINEAR_PERIODIC:
        season = insar.seasonal_cycle(cube.sine, cube.cosine, first_epoch=cube.time.values[0], period=options.period)
        cube = cube.merge(season)
    if "coherence" in stack:
        cube["mean_coherence"] = insar.mean_coherence(stack.coherence)
    return cube.assign_attrs(stack.attrs, reference_area=_describe_window(stack, found.window))


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
    stack_path, cube_path = config.output / "stack.zarr", config.output / "deformation.zarr"
    with open_scheduler(config.cluster) as scheduler:
        run_here = partial(run_tiles, scheduler=scheduler, overwrite=overwrite)
        tile = planned.steps[-1].tile
        chunks = {"y": tile[0], "x": tile[1]}
        strips = lazy_stack(inspection, strip_rows=planned.steps[0].tile[0])
        run_here(strips, stack_path, chunks=chunks, provenance=stack_provenance(inspection), title="reading the stack")
        stack = open_store(stack_path)
        found = survey(stack, config, scheduler=scheduler)
        rejected = _rejected_pairs(inspection.files, found, skip_bad=config.stack.skip_bad)
        cube = compute(stack, config, found=found)
        provenance = Provenance("deformation-cube", config.science(), {"stack": fingerprint([stack_path])})
        run_here(cube, cube_path, chunks=chunks, provenance=provenance, title="inverting")
    require_valid(cube_path)
    cube = open_store(cube_path)
    return _publish(cube, config, found, rejected=(*inspection.files.rejected, *rejected), appendix=appendix(cube))


def _plan(config: DeformationConfig, inspection: Inspection) -> Plan:
    shape, cluster = inspection.grid.shape, config.cluster
    reading, inverting = _costs(inspection.files)
    memory = task_memory(cluster)
    max_rows = max(memory // (reading.working * shape[1]), 1)
    stored = stored_chunks(config.output / "stack.zarr", "unwrapped_phase")
    tile = (
        (stored["y"], stored["x"])
        if stored
        else choose_tile(shape, inverting, memory=memory, n_tasks=cluster.n_tasks, max_rows=max_rows)
    )
    share = ceil(shape[0] / (2 * cluster.n_tasks) / tile[0]) * tile[0]  # at least two strips for every task
    strip = (min(choose_strip_rows(inspection, memory=memory, tile=tile[0]), share), shape[1])
    steps = [
        plan_step("reading the stack", shape=shape, tile=strip, cost=reading, cluster=cluster),
        plan_step("inverting", shape=shape, tile=tile, cost=inverting, cluster=cluster),
    ]
    return Plan(describe_grid(inspection.grid.geobox), steps, cluster, config.output)


def _costs(files: StackFiles) -> tuple[PixelCost, PixelCost]:
    """Bytes per pixel of reading the stack and of inverting it."""
    n_pairs, n_epochs = len(files.pairs), len({date for p in files.pairs for date in (p.reference, p.secondary)})
    layers = 4 * n_pairs * (2 if files.pairs[0].coherence else 1)
    maps = 4 * 14
    return (
        PixelCost(read=layers, written=layers, widest=4 * n_pairs),
        PixelCost(read=layers, written=4 * n_epochs + maps, widest=4 * n_pairs),
    )


def _coherent_phase(stack: xr.Dataset, config: DeformationConfig) -> xr.DataArray:
    phase: xr.DataArray = stack.unwrapped_phase
    if "coherence" not in stack:
        return phase
    return insar.mask_incoherent(phase, stack.coherence, threshold=config.coherence_threshold)


def _weights(stack: xr.Dataset, weighting: Weighting) -> xr.DataArray | None:
    if weighting is Weighting.UNIFORM:
        return None
    if "coherence" not in stack:
        raise InputError("inversion.weighting: coherence, but the stack has none. Use uniform, or add the files.")
    return insar.coherence_weight(stack.coherence)


def _given_window(stack: xr.Dataset, reference: Reference) -> tuple[slice, slice] | None:
    if reference.longitude is None or reference.latitude is None:
        return None
    centre = pixel_at(geobox_of(stack), reference.longitude, reference.latitude)
    half = reference.size // 2
    row, column = (slice(max(i - half, 0), i - half + reference.size) for i in centre)
    return row, column


def _describe_window(stack: xr.Dataset, window: tuple[slice, slice]) -> str:
    y, x = stack.y[window[0]].values, stack.x[window[1]].values
    return f"x {x[0]:.8g} to {x[-1]:.8g}, y {y[0]:.8g} to {y[-1]:.8g}"


def _rejected_pairs(files: StackFiles, found: Survey, *, skip_bad: bool) -> tuple[Rejected, ...]:
    """Pairs without data, and pairs without data in the reference area."""
    reasons = np.where(found.coverage == 0, "holds no coherent data", "has no coherent data in the reference area")
    bad = [
        Rejected(pair.phase, str(reason))
        for pair, usable, reason in zip(files.pairs, found.usable.values, reasons, strict=True)
        if not usable
    ]
    empty = [rejected for rejected in bad if "reference" not in rejected.reason]
    if empty and not skip_bad:
        lines = "\n".join(f"  - {rejected}" for rejected in empty[:10])
        raise InputError(f"{len(empty)} interferograms are empty:\n{lines}\nRemove them, or use --skip-bad.")
    return tuple(bad)


def _publish(
    cube: xr.Dataset,
    config: DeformationConfig,
    found: Survey,
    *,
    rejected: tuple[Rejected, ...],
    appendix: Sequence[Section],
) -> Outcome:
    """Write the COGs, their pictures, the report and the resolved configuration."""
    names = [name for name in RASTERS if name in cube]
    for name in names:
        write_cog(cube[name], config.output / f"rasters/{name}.tif")
        save_png(
            map_figure(cube[name], title=str(cube[name].attrs["long_name"])), config.output / f"figures/{name}.png"
        )
    (config.output / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    sections = deformation_sections(
        cube,
        coverage=found.coverage,
        rejected=rejected,
        reference=_centre(cube, found.window),
        period=config.inversion.period,
    )
    report = config.output / "report.html"
    write_report(report, "Surface deformation", sections=[*sections, *appendix], provenance=cube.attrs)
    return Outcome(
        store=config.output / "deformation.zarr",
        report=report,
        rasters=[config.output / f"rasters/{name}.tif" for name in names],
    )


def _centre(cube: xr.Dataset, window: tuple[slice, slice]) -> tuple[float, float]:
    return float(cube.y[window[0]].mean()), float(cube.x[window[1]].mean())
