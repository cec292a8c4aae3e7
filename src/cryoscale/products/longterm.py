"""The long-term record: five sensors from 1997 to 2023 on one grid (Chang et al., Sections 3.1.2, 3.1.3 and 4.1)."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import xarray as xr
from pydantic import Field, field_validator, model_validator

from cryoscale import insar
from cryoscale.config import Config, ConfigFolder, ConfigInput, ConfigPath
from cryoscale.engine import Cluster, PixelCost, Plan, Scheduler, Step, open_scheduler, plan_step
from cryoscale.engine import run as run_tiles
from cryoscale.engine.overviews import plan_overviews, write_overviews_if_large
from cryoscale.engine.plan import task_memory
from cryoscale.errors import InputError
from cryoscale.folders import Folder
from cryoscale.grids import describe_grid
from cryoscale.products import deformation
from cryoscale.products.analysis import Analysis, Drivers, PointSeries, analyse
from cryoscale.products.corrections import Corrections, Reference, correct, survey
from cryoscale.products.deformation import DeformationConfig
from cryoscale.products.outcome import Outcome
from cryoscale.products.places import store_path, stores_folder
from cryoscale.products.record import DenseSeries, SeasonRule, dense_period, group_name, sparse_period
from cryoscale.products.stack import StackFormat, StackSource, inspect_stack
from cryoscale.readers import Inspection, choose_strip_rows
from cryoscale.readers.daily import read_series
from cryoscale.report import write_report
from cryoscale.report.longterm import longterm_sections, regional_table
from cryoscale.schemas import require_valid
from cryoscale.store import Provenance, consolidate_group, create_group, fingerprint, open_store
from cryoscale.writers import write_cog

RASTERS = ("vertical_rate", "mean_vertical_thaw_season")
"""Maps of every period that are also written as COGs."""

DENSE = "Sentinel-1"
_SAME = 0.01  # pixels


class SparseSensor(Config):
    """A sensor with a few single interferograms."""

    sensor: str = Field(description="mission: " + ", ".join(insar.SENSORS))
    stack: StackSource = Field(description="its interferograms, on the grid of Sentinel-1")
    corrections: Corrections = Field(
        Corrections(screening=None), description="between the files and the displacement; screening needs loops"
    )
    reference: Reference | None = Field(None, description="null: the reference area of Sentinel-1")

    @field_validator("sensor")
    @classmethod
    def _known(cls, sensor: str) -> str:
        if sensor not in insar.SENSORS:
            close = difflib.get_close_matches(sensor, insar.SENSORS, n=1, cutoff=0.4)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(insar.SENSORS)}."
            raise ValueError(f"is no sensor of the record; {hint}")
        return sensor

    def source(self) -> StackSource:
        """Where its files are, with the registry's facts where neither the configuration nor the format says them."""
        radar = insar.sensor(self.sensor)
        facts: dict[str, object] = {"sensor": self.sensor}
        if self.stack.format in (StackFormat.TABLE, StackFormat.LICSAR):
            facts |= {"wavelength": radar.wavelength, "incidence_angle": radar.incidence_angle}
        return self.stack.model_copy(
            update={name: fact for name, fact in facts.items() if getattr(self.stack, name) is None}
        )


class LongtermConfig(Config):
    """The long-term record of surface deformation from several sensors."""

    sentinel1: DeformationConfig = Field(description="the dense sensor; its run, on its cluster, is part of this one")
    sparse: tuple[SparseSensor, ...] = Field(min_length=1, description="the other sensors")
    output: ConfigPath = Field(Path("longterm"), description="folder for the record, rasters, figures and the report")
    stores: ConfigFolder | None = Field(
        None, description="folder of the Zarr stores if not output: a path, or s3://bucket/prefix"
    )
    season_tolerance: float = Field(
        insar.PAIR_TOLERANCE,
        ge=0,
        lt=91,
        description="how far a pair may be from whole years, and reach beyond the thaw season",
        json_schema_extra={"unit": "d"},
    )
    min_share: float = Field(
        0.2,
        gt=0,
        le=1,
        description="least share of the season that Eq. 4 scales to the whole",
        json_schema_extra={"unit": "1"},
    )
    min_deformation: float = Field(
        1.0,
        ge=0,
        description="least deformation of Sentinel-1 between the days of a pair that is a measure of its share",
        json_schema_extra={"unit": "mm"},
    )
    temperature: ConfigInput | None = Field(
        None,
        description="CSV with time and surface_temperature (degC), daily, for scaling by the thawing index as well",
    )
    drivers: Drivers | None = Field(None, description="environmental drivers of the thaw-season deformation")
    point: PointSeries | None = Field(None, description="measurements at a point that Sentinel-1 is compared with")

    @model_validator(mode="after")
    def _has_seasons(self) -> "LongtermConfig":
        if self.sentinel1.seasons is None:
            raise ValueError("sentinel1.seasons is null, but the record needs thaw seasons; write seasons: {}")
        names = [each.sensor for each in self.sparse]
        if len(set(names)) < len(names):
            raise ValueError(f"sparse: names a sensor twice ({', '.join(names)}); put its pairs into one stack")
        return self

    @property
    def cluster(self) -> Cluster:
        """Where all of it is computed."""
        return self.sentinel1.cluster

    def rule(self) -> SeasonRule:
        """How pairs within a season become whole seasons."""
        seasons = self.sentinel1.seasons
        if seasons is None:
            raise InputError("sentinel1.seasons: is null, but the record needs thaw seasons.")
        return SeasonRule(seasons.start, seasons.end, self.season_tolerance, self.min_share, self.min_deformation)

    def part(self, sparse: SparseSensor) -> DeformationConfig:
        """What a sparse sensor shares with the deformation product: reading, corrections, reference."""
        return DeformationConfig(
            stack=sparse.source(),
            output=self.output / "sensors" / sparse.sensor,
            corrections=sparse.corrections,
            reference=sparse.reference or self.sentinel1.reference,
            cluster=self.cluster,
        )


@dataclass(frozen=True, slots=True)
class _Files:
    """Headers of all stacks, on one grid."""

    dense: Inspection
    sparse: Mapping[str, Inspection]


def plan(config: LongtermConfig) -> Plan:
    """Say what a run will read, write and need; only headers are read.

    Parameters
    ----------
    config : LongtermConfig
        The whole configuration.

    Returns
    -------
    Plan
    """
    return _plan(config, _inspect(config))


def run(config: LongtermConfig, *, overwrite: bool = False) -> Outcome:
    """Files in; record, rasters, figures and the report out; goes on where an interrupted run stopped.

    Parameters
    ----------
    config : LongtermConfig
        The whole configuration.
    overwrite : bool
        Replace what another configuration has written.

    Returns
    -------
    Outcome
        With the table of regional means.

    Raises
    ------
    InputError
        If a stack lies on another grid, holds no usable pair, or the sensors see no pixel in common.
    """
    files = _inspect(config)
    _plan(config, files).require_fit()
    deformation.run(config.sentinel1, overwrite=overwrite)
    dense = open_dense(config.sentinel1)
    chunks = {dim: dense.displacement.chunksizes[dim][0] for dim in ("y", "x")}
    with open_scheduler(config.cluster) as scheduler:
        write = partial(run_tiles, chunks=chunks, scheduler=scheduler, overwrite=overwrite)
        write_record(config, files.sparse, dense, write=write, scheduler=scheduler)
        record = open_record(store_path(config, "record"))
        for group in record:
            write_overviews_if_large(store_path(config, "record") / group, scheduler=scheduler)
        analysis = analyse(
            record, dense, drivers=config.drivers, point=config.point, chunks=chunks, reduce=scheduler.reduce
        )
    return _publish(record, analysis, config)


def open_dense(config: DeformationConfig) -> DenseSeries:
    """Open what the deformation product has written.

    Parameters
    ----------
    config : DeformationConfig
        Of a finished run with seasons.

    Returns
    -------
    DenseSeries
    """
    seasons, cube, stack = (open_store(store_path(config, name)) for name in ("seasons", "deformation", "stack"))
    trend = cube.get("velocity", seasons.deformation_rate)
    return DenseSeries(seasons.displacement, trend, seasons, _incidence(stack, DENSE))


def open_record(path: Folder) -> dict[str, xr.Dataset]:
    """Open the record's groups, in order of time.

    Parameters
    ----------
    path : Path or UPath
        ``record.zarr``.

    Returns
    -------
    dict of str to xarray.Dataset
        Lazy, by name of the group.

    Raises
    ------
    StoreError
        If a group is incomplete.
    """
    groups = {folder.name: open_store(folder) for folder in path.iterdir() if (folder / "zarr.json").is_file()}
    return dict(sorted(groups.items(), key=lambda item: (item[1].attrs["first"], item[0])))


def write_record(
    config: LongtermConfig,
    files: Mapping[str, Inspection],
    dense: DenseSeries,
    *,
    write: deformation.Write,
    scheduler: Scheduler,
) -> None:
    """Write the group of every sensor.

    Parameters
    ----------
    config : LongtermConfig
        The whole configuration.
    files : mapping of str to Inspection
        By sparse sensor.
    dense : DenseSeries
        From `open_dense`.
    write : callable
        `engine.run` with chunks and scheduler.
    scheduler : Scheduler
        For the passes over whole stacks.
    """
    path = store_path(config, "record")
    create_group(path, {"title": "Long-term record of surface deformation, a group per sensor and period"})
    seasons = {"seasons": fingerprint([store_path(config.sentinel1, "seasons")])}
    period = dense_period(dense, sensor=DENSE)
    _write_group(period, path, write, Provenance("longterm-record", {"sensor": DENSE}, seasons))
    for sparse in config.sparse:
        period = _sparse_period(config, sparse, files[sparse.sensor], dense, write=write, scheduler=scheduler)
        _write_group(period, path, write, _provenance(config, sparse, seasons))
    consolidate_group(path)


def _write_group(period: xr.Dataset, path: Folder, write: deformation.Write, provenance: Provenance) -> None:
    name = group_name(*(period.attrs[fact] for fact in ("sensor", "first", "last")))
    write(period, path / name, provenance=provenance, title=f"record of {name}")
    require_valid(path / name)


def _sparse_period(
    config: LongtermConfig,
    sparse: SparseSensor,
    inspection: Inspection,
    dense: DenseSeries,
    *,
    write: deformation.Write,
    scheduler: Scheduler,
) -> xr.Dataset:
    part, rows = config.part(sparse), dense.displacement.chunksizes["y"][0]
    strip = choose_strip_rows(inspection, memory=task_memory(config.cluster), tile=rows)
    inputs = deformation.read_inputs(part, inspection, strip_rows=strip, write=write)
    try:
        found = survey(inputs, part.corrections, reference=part.reference, reduce=scheduler.reduce)
    except InputError as error:
        raise InputError(f"{sparse.sensor}: {error}") from None
    stack = inputs.stack
    return sparse_period(
        insar.phase_to_displacement(correct(inputs, part.corrections, found=found), stack.attrs["wavelength"]),
        dense,
        config.rule(),
        sensor=sparse.sensor,
        incidence_angle=_incidence(stack, sparse.sensor),
        temperature=None if config.temperature is None else read_series(config.temperature, "surface_temperature"),
    )


def _provenance(config: LongtermConfig, sparse: SparseSensor, inputs: Mapping[str, str]) -> Provenance:
    part = config.part(sparse)
    science = part.model_dump(mode="json", include={"corrections", "reference"}) | {"sensor": sparse.sensor}
    science |= config.model_dump(mode="json", include={"season_tolerance", "min_share", "min_deformation"})
    prints = {**inputs, "stack": fingerprint([store_path(part, "stack")])}
    if config.temperature is not None:
        prints["temperature"] = fingerprint([config.temperature])
    return Provenance("longterm-record", science, prints)


def _incidence(stack: xr.Dataset, sensor: str) -> float | xr.DataArray:
    """Per pixel where the stack knows it, else of its scene, else of Table 1."""
    if "incidence_angle" in stack:
        angle: xr.DataArray = stack.incidence_angle
        return angle
    return float(stack.attrs.get("incidence_angle", insar.sensor(sensor).incidence_angle))


def _inspect(config: LongtermConfig) -> _Files:
    dense = inspect_stack(config.sentinel1.stack)
    sparse = {each.sensor: inspect_stack(each.source()) for each in config.sparse}
    for name, inspection in sparse.items():
        _require_same_grid(name, inspection, dense)
    return _Files(dense, sparse)


def _require_same_grid(name: str, found: Inspection, dense: Inspection) -> None:
    ours, theirs = dense.grid.geobox, found.grid.geobox
    same = ours.crs == theirs.crs and ours.shape == theirs.shape
    if same:
        corner, opposite = (
            ~ours.transform @ theirs.transform @ (0, 0),
            ~ours.transform @ theirs.transform @ theirs.shape.xy,
        )
        apart = (*corner, opposite[0] - ours.width, opposite[1] - ours.height)
        same = max(map(abs, apart)) <= _SAME
    if not same:
        raise InputError(
            f"{name}: its stack lies on another grid ({describe_grid(theirs)}) than that of {DENSE} "
            f"({describe_grid(ours)}). Resample its interferograms first, for example with gdalwarp."
        )


def _plan(config: LongtermConfig, files: _Files) -> Plan:
    started = deformation.plan(config.sentinel1)
    shape, tile = files.dense.grid.shape, started.steps[1].tile
    epochs = {date for pair in files.dense.files.pairs for date in (pair.reference, pair.secondary)}
    steps: list[Step] = list(started.steps)
    memory = task_memory(config.cluster)
    for name, inspection in files.sparse.items():
        n_layers = len(inspection.files.pairs) * (2 if inspection.files.pairs[0].coherence else 1)
        layers, maps = 4 * n_layers, 4 * 16
        strip = (choose_strip_rows(inspection, memory=memory, tile=tile[0]), shape[1])
        reading = PixelCost.copying(layers, widest=layers)
        scaling = PixelCost.computing(layers + 4 * len(epochs), maps, widest=layers)
        steps += [
            plan_step(f"reading {name}", shape=shape, tile=strip, cost=reading, cluster=config.cluster),
            plan_step(f"record of {name}", shape=shape, tile=tile, cost=scaling, cluster=config.cluster),
            *plan_overviews(name, shape=shape, tile=tile, cost=scaling, cluster=config.cluster),
        ]
    return Plan(started.grid, steps, config.cluster, stores_folder(config))


def _publish(record: Mapping[str, xr.Dataset], analysis: Analysis, config: LongtermConfig) -> Outcome:
    """Write COGs, the regional series, the report with its figures, and the resolved configuration."""
    rasters = _write_rasters(record, config.output / "rasters")
    analysis.regional.to_dataframe().to_csv(config.output / "regional.csv", index=False, float_format="%.4g")
    (config.output / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    sections = longterm_sections(
        record,
        regional=analysis.regional,
        comparisons=analysis.comparisons,
        drivers=analysis.drivers,
        driver_maps=analysis.driver_maps,
        point=analysis.point,
    )
    for section in sections:
        for i, figure in enumerate(section.figures):
            path = config.output / "figures" / f"{section.title.lower().replace(' ', '_')}_{i + 1}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(figure.png)
    last = list(record.values())[-1]
    title = "Long-term record of surface deformation"
    report = write_report(config.output / "report.html", title, sections=sections, provenance=last.attrs)
    return Outcome(store_path(config, "record"), report, rasters, [regional_table(record, analysis.regional)])


def _write_rasters(record: Mapping[str, xr.Dataset], folder: Path) -> Sequence[Path]:
    paths = []
    for group, period in record.items():
        for name in (name for name in RASTERS if name in period):
            write_cog(period[name], folder / f"{group}_{name}.tif")
            paths.append(folder / f"{group}_{name}.tif")
    return paths
