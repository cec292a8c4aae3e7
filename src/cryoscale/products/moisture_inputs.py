"""What a moisture run begins with: its configuration, the samples and their pixels, the grid, and the plan."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import pandas as pd
from odc.geo.geobox import GeoBox
from pydantic import Field, model_validator

from cryoscale import moisture
from cryoscale.chunks import stored_chunks
from cryoscale.config import Config, ConfigFolder, ConfigInput, ConfigPath
from cryoscale.engine import Cluster, PixelCost, Plan, choose_tile, plan_step
from cryoscale.engine.overviews import plan_overviews
from cryoscale.engine.plan import task_memory
from cryoscale.errors import InputError
from cryoscale.grids import describe_grid
from cryoscale.products.covariates import CovariateSource, Derivative, TerrainSource
from cryoscale.products.grid import Grid, raster_geobox
from cryoscale.products.permafrost_checks import ClassifiedMap, place
from cryoscale.products.places import store_path, stores_folder
from cryoscale.readers import read_moisture_samples

_TERRAIN_BYTES = 72
"""Of a pixel while one covariate is made of the DEM, or brought to the grid."""

_WETNESS_BYTES = 64
"""Of a pixel of the whole grid while water is led down it: heights, order, outlets and areas in double precision."""

_LAYER_BYTES = 5 * 4 + 1
"""Of a pixel of the map's layers and its status."""

FEWEST_SAMPLES = 30
"""Below which neither four learners nor an interval can be fitted, let alone told from each other."""


class SampleTable(Config):
    """Moisture that was measured in the field."""

    path: ConfigInput = Field(
        description="CSV with sample, longitude, latitude, date (or start and end), depth_top, depth_bottom (m), "
        "moisture (m3 m-3) and method"
    )
    columns: dict[str, str] | None = Field(None, description="our name of a column to its name in the table")
    months: tuple[int, ...] = Field((9, 10), description="months that count: September and October, the deepest thaw")
    min_share: float = Field(0.6, gt=0, le=1, description="share of its depth that a profile must have measured")
    outlier_threshold: float = Field(
        3.5, gt=0, description="robust standard deviations from the median of its method beyond which one is left out"
    )


class Learning(Config):
    """The learners and how they are tuned, chosen, fused and corrected."""

    learners: tuple[moisture.Learner, ...] = Field(
        tuple(moisture.Learner), min_length=1, description="learners that are fused"
    )
    n_folds: int = Field(5, ge=2, description="folds inside the fit")
    n_candidates: int = Field(8, ge=1, description="settings that are tried for each learner; 1: the defaults")
    min_features: int = Field(3, ge=1, description="covariates that the elimination keeps at least")
    drop: float = Field(0.15, gt=0, lt=1, description="share of the covariates that a step of it leaves out")
    stretch: float = Field(
        0.0, ge=0, le=1, description="how far to go from the calibrated values to the distribution of the measured ones"
    )
    max_rmse_rise: float = Field(0.02, ge=0, description="share by which the correction may raise the RMSE")
    coverage: float = Field(0.9, gt=0.5, lt=1, description="of the prediction interval")
    seed: int = Field(0, description="of everything random")

    def ensemble(self) -> moisture.MoistureEnsemble:
        """The estimator, not fitted."""
        return moisture.MoistureEnsemble(**dict(self))


class CrossValidation(Config):
    """How the map's skill is found; random and blocked folds, both reported."""

    n_folds: int = Field(5, ge=2, description="folds")
    block_size: float = Field(
        50_000.0, gt=0, description="side of the blocks that are left out whole", json_schema_extra={"unit": "m"}
    )
    seed: int = Field(0, description="of the folds")


class MoistureConfig(Config):
    """Moisture of the active layer from field samples and a stack of covariates."""

    samples: SampleTable = Field(description="field samples")
    terrain: TerrainSource = Field(description="the DEM")
    covariates: dict[str, CovariateSource] = Field({}, description="further covariates by name")
    permafrost: ClassifiedMap = Field(description="map of permafrost; other ground has no active layer")
    porosity: str | float = Field(
        0.9, description="no ground holds more water than this: m3 m-3, or the covariate that has it"
    )
    features: tuple[str, ...] | None = Field(None, description="covariates to learn from; null: all")
    grid: Grid = Field(Grid(), description="the grid of the map; all null: that of the DEM")
    learning: Learning = Field(Learning(), description="the learners")
    validation: CrossValidation = Field(CrossValidation(), description="cross-validation")
    output: ConfigPath = Field(Path("moisture"), description="folder for the stores, rasters, figures and the report")
    stores: ConfigFolder | None = Field(
        None, description="folder of the Zarr stores if not output: a path, or s3://bucket/prefix"
    )
    cluster: Cluster = Field(Cluster(), description="where it is computed")

    @property
    def names(self) -> tuple[str, ...]:
        """Covariates in their order in the stack."""
        return (*self.terrain.names, *self.covariates)

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        twice = sorted(set(self.terrain.names) & set(self.covariates))
        if twice:
            raise ValueError(f"covariates: {', '.join(twice)} is made of the DEM already; give it another name")
        unknown = [name for name in self.features or () if name not in self.names]
        if unknown:
            raise ValueError(f"features: {', '.join(unknown)} is no covariate; there are {', '.join(self.names)}")
        if isinstance(self.porosity, str) and self.porosity not in self.names:
            raise ValueError(f"porosity: {self.porosity} is no covariate; there are {', '.join(self.names)}")
        if not isinstance(self.porosity, str) and not 0 < self.porosity <= 1:
            raise ValueError(f"porosity: {self.porosity} is no share of a volume; give m3 m-3, above 0 and at most 1")
        return self


@dataclass(frozen=True)
class Inputs:
    """What a run begins with, before any pixel is read.

    Attributes
    ----------
    geobox : odc.geo.geobox.GeoBox
        The grid of the map.
    profiles : pandas.DataFrame
        A row a sample: its mean over the depth, and the reason why it does not count, if any.
    pixels : pandas.DataFrame
        A row a pixel with accepted samples: ``row``, ``column``, ``longitude``, ``latitude``, ``moisture``.
    """

    geobox: GeoBox
    profiles: pd.DataFrame
    pixels: pd.DataFrame

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.geobox.shape[0], self.geobox.shape[1]

    @property
    def grid_name(self) -> str:
        """What stands for the grid in a store's provenance."""
        return f"{describe_grid(self.geobox)}, {tuple(self.geobox.transform)[:6]}"


def inspect(config: MoistureConfig) -> Inputs:
    """Read the samples and find their pixels; no pixel is read.

    Parameters
    ----------
    config : MoistureConfig
        Names them.

    Returns
    -------
    Inputs

    Raises
    ------
    InputError
        If something cannot be used, or too few samples are left.
    MissingExtraError
        If a learner's library is not installed.
    """
    moisture.library_versions()  # before anything is read
    geobox = config.grid.geobox(raster_geobox(config.terrain.paths()[0]))
    options = config.samples
    table = read_moisture_samples(options.path, columns=options.columns)
    means = moisture.depth_means(table, months=options.months, min_share=options.min_share)
    profiles = moisture.screen(means, threshold=options.outlier_threshold)
    located = place(profiles, geobox, path=options.path)
    outside = located.outside.assign(
        reason=located.outside.reason.where(located.outside.reason != "", "outside the grid")
    )
    inside = located.inside
    profiles, pixels = moisture.merge_pixels(inside.drop(columns=["row", "column"]), inside.row, inside.column)
    if len(pixels) < FEWEST_SAMPLES:
        raise InputError(
            f"{options.path}: {len(pixels)} pixels have an accepted sample, but {FEWEST_SAMPLES} are the fewest to "
            f"learn from. {_commonest(pd.concat([profiles, outside]))}"
        )
    return Inputs(geobox, pd.concat([profiles, outside], ignore_index=True), pixels)


def _commonest(profiles: pd.DataFrame) -> str:
    reasons = profiles.reason[profiles.reason != ""]
    if reasons.empty:
        return "Add samples."
    return f"The commonest reason why a sample does not count: {reasons.value_counts().index[0]!r}."


def choose_tiles(config: MoistureConfig, inputs: Inputs) -> tuple[int, int]:
    """Rows and columns that one task holds; that of a store that is there already is kept.

    Parameters
    ----------
    config : MoistureConfig
        Says which cluster.
    inputs : Inputs
        Says how large the grid is.

    Returns
    -------
    tuple of int
    """
    stored = stored_chunks(store_path(config, "covariates"), "covariate")
    if stored:
        return stored["y"], stored["x"]
    cluster = config.cluster
    return choose_tile(inputs.shape, _map_cost(config), memory=task_memory(cluster), n_tasks=cluster.n_tasks)


def plan_run(config: MoistureConfig, inputs: Inputs, tile: tuple[int, int]) -> Plan:
    """Plan of a run in tiles of this size.

    Parameters
    ----------
    config : MoistureConfig
        The whole configuration.
    inputs : Inputs
        From `inspect`.
    tile : tuple of int
        From `choose_tiles`.

    Returns
    -------
    Plan
    """
    step = partial(plan_step, shape=inputs.shape, cluster=config.cluster)
    layers = 4 * len(config.names)
    stacking = PixelCost(read=layers, written=layers, widest=4, working=_TERRAIN_BYTES)
    steps = [
        step("covariates", tile=tile, cost=stacking, n_blocks=len(config.names)),
        step("moisture", tile=tile, cost=_map_cost(config)),
        *plan_overviews("moisture", shape=inputs.shape, tile=tile, cost=_map_cost(config), cluster=config.cluster),
    ]
    if Derivative.WETNESS in config.terrain.derivatives:
        wetness = PixelCost(read=4, written=4, widest=4, working=_WETNESS_BYTES)
        steps.insert(0, step("topographic wetness", tile=inputs.shape, cost=wetness))
    return Plan(describe_grid(inputs.geobox), steps, config.cluster, stores_folder(config))


def _map_cost(config: MoistureConfig) -> PixelCost:
    """At most all covariates are read, and the same as rows."""
    layers = 4 * len(config.names)
    return PixelCost(read=layers, written=_LAYER_BYTES, widest=4, working=3 * layers + 3 * _LAYER_BYTES)
