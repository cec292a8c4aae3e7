"""What a mining run is told: maps and tables of the ground before mining, pits and heaps, and how heat is computed."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from pydantic import Field, model_validator

from cryoscale import ground
from cryoscale.config import Config, ConfigFolder, ConfigInput, ConfigPath
from cryoscale.engine import Cluster
from cryoscale.errors import InputError
from cryoscale.grids import describe_grid, geobox_of
from cryoscale.products.covariates import CovariateSource
from cryoscale.products.grid import Grid
from cryoscale.products.mining_works import Heat
from cryoscale.products.permafrost_checks import ClassifiedMap
from cryoscale.readers import Resampling, open_ground_units, open_on_grid
from cryoscale.store import open_store

THICKNESS = "active_layer_thickness"


class Dem(Config):
    """Elevations; slope and aspect are derived from them."""

    elevation: ConfigInput | tuple[ConfigInput, ...] = Field(description="DEM, one file or several that join")

    def paths(self) -> list[Path]:
        """Files of the DEM."""
        return [self.elevation] if isinstance(self.elevation, Path) else list(self.elevation)

    def open(self, geobox: GeoBox, *, chunks: dict[str, int]) -> xr.DataArray:
        """Elevation on a grid, lazy."""
        return open_on_grid(self.paths(), "elevation", geobox=geobox, resampling=Resampling.BILINEAR, chunks=chunks)


class Folds(Config):
    """How skill is found: at random or one by one, and in blocks of ground."""

    n_folds: int = Field(5, ge=2, description="folds")
    block_size: float = Field(
        2000.0, gt=0, description="side of the blocks that are left out whole", json_schema_extra={"unit": "m"}
    )
    seed: int = Field(0, description="of the folds")


class Vegetation(Config):
    """Classes of vegetation by a random forest on reflectances, indices and terrain."""

    bands: dict[str, CovariateSource] = Field(
        description="surface reflectances (0 to 1, unit 1) by name: blue, green, red, nir, swir1, swir2"
    )
    labels: ConfigInput = Field(description="CSV with label, longitude, latitude and class")
    columns: dict[str, str] | None = Field(None, description="our name of a column to its name in the table")
    n_trees: int = Field(500, ge=1, description="trees of the forest")
    min_samples_leaf: int = Field(1, ge=1, description="fewest samples in a leaf")
    class_weight: ground.ClassWeight = Field(
        ground.ClassWeight.BALANCED, description="what a class counts: as many samples as it has, or all the same"
    )
    seed: int = Field(0, description="of the forest and of shuffles")
    n_repeats: int = Field(3, ge=1, description="shuffles of each feature to find its importance")
    validation: Folds = Field(Folds(), description="random and blocked folds")
    level: float = Field(0.95, gt=0, lt=1, description="of the intervals of areas")

    @model_validator(mode="after")
    def _all_bands(self) -> Self:
        if set(self.bands) != set(ground.REFLECTANCES):
            raise ValueError(f"bands: must be {', '.join(ground.REFLECTANCES)}, not {', '.join(self.bands) or 'none'}")
        return self

    def classifier(self) -> ground.VegetationClassifier:
        """The estimator, not fitted."""
        names = ("n_trees", "min_samples_leaf", "class_weight", "seed")
        return ground.VegetationClassifier(**{name: getattr(self, name) for name in names})


class GroundTemperature(Config):
    """Mean annual ground temperature by regression on boreholes."""

    boreholes: ConfigInput = Field(description="CSV with borehole, longitude, latitude and magt (degC)")
    columns: dict[str, str] | None = Field(None, description="our name of a column to its name in the table")
    method: ground.MagtMethod = Field(
        ground.MagtMethod.REGRESSION, description="regression alone, or with kriged residuals; both are compared"
    )
    predictors: tuple[str, ...] = Field(
        ground.PREDICTORS, min_length=1, description="what it depends on; vegetation needs the section vegetation"
    )
    aspect_terms: ground.AspectTerms = Field(ground.AspectTerms.SINE_COSINE, description="how aspect enters")
    sparse_classes: ground.SparseClasses = Field(
        ground.SparseClasses.REFUSE, description="what becomes of vegetation with fewer than two boreholes"
    )
    validation: Folds = Field(Folds(), description="blocks of the cross-validation beside leaving out one by one")

    def parameters(self, predictors: tuple[str, ...]) -> dict[str, Any]:
        """Of the models."""
        return {
            "predictors": predictors,
            "aspect_terms": self.aspect_terms,
            "sparse_classes": self.sparse_classes,
        }


class ActiveLayer(Config):
    """Thickness of the active layer before mining."""

    path: ConfigInput = Field(description="raster (m), or the store of an active-layer run")
    year: int | None = Field(None, description="of a store with several years")

    def open(self, geobox: GeoBox, *, chunks: dict[str, int]) -> xr.DataArray:
        """Thickness (y, x), m, NaN without permafrost; lazy.

        Raises
        ------
        InputError
            If it cannot be used, or a store lies on another grid or has not that one year.
        """
        if not (self.path / "zarr.json").is_file():
            return open_on_grid(self.path, THICKNESS, geobox=geobox, resampling=Resampling.BILINEAR, chunks=chunks)
        stored = open_store(self.path)
        if THICKNESS not in stored:
            raise InputError(f"{self.path}: has {', '.join(map(str, stored))}, but no {THICKNESS}.")
        years = [int(year) for year in stored.year.values] if "year" in stored[THICKNESS].dims else []
        if years and self.year not in years:
            raise InputError(f"{self.path}: active_layer.year is {self.year}, but the store has {years}. Name one.")
        found = geobox_of(stored)
        if found != geobox:
            raise InputError(
                f"{self.path}: lies on another grid ({describe_grid(found)}) than this run ({describe_grid(geobox)}). "
                "Give its raster, or set grid.like to it."
            )
        thickness: xr.DataArray = stored[THICKNESS].sel(year=self.year, drop=True) if years else stored[THICKNESS]
        return thickness.chunk(chunks)


class Units(Config):
    """Geomorphic or sedimentary units."""

    path: ConfigInput = Field(description="raster of codes, or polygons with names")
    column: str = Field("unit", description="of polygons: column with the name of the unit")
    names: dict[int, str] | None = Field(
        None, description="of a raster: name by code; null: as its metadata say (class_1=...)"
    )

    def open(self, geobox: GeoBox, *, chunks: dict[str, int]) -> xr.DataArray:
        """``ground_unit`` (y, x), lazy."""
        return open_ground_units(self.path, geobox=geobox, chunks=chunks, column=self.column, names=self.names)


class GroundIce(Config):
    """Ice in the metres below the permafrost table, before and after mining."""

    table: ConfigInput | None = Field(
        None, description="CSV by unit and layer: unit, top, bottom (m), ice_content, spread (m3 m-3), n; or:"
    )
    logs: ConfigInput | None = Field(
        None, description="CSV of cores: borehole, unit, depth_top, depth_bottom (m), ice_content, longitude, latitude"
    )
    columns: dict[str, str] | None = Field(None, description="our name of a column to its name in the table or logs")
    edges: tuple[float, ...] = Field(
        (0.0, 1.0, 3.0, 10.0), min_length=2, description="of logs: edges of layers", json_schema_extra={"unit": "m"}
    )
    datum: ground.Datum = Field(
        ground.Datum.PERMAFROST_TABLE, description="where depths of layers are counted from: the table or the surface"
    )
    least_cover: float = Field(0.5, gt=0, le=1, description="of logs: share of a layer that one must cover to count")
    depth: float = Field(10.0, gt=0, description="below the permafrost table", json_schema_extra={"unit": "m"})
    permafrost: ClassifiedMap | None = Field(
        None, description="map of permafrost; null: where the active layer has a thickness"
    )
    mine_table: ConfigInput | None = Field(
        None,
        description="likewise table of the mine's own boreholes, layers below the permafrost table; units pit, heap "
        "and backfill; null: what mining leaves of the ice that there was",
    )
    thickness_error: float = Field(
        0.0,
        ge=0,
        description="standard error of the mean active layer, with datum surface",
        json_schema_extra={"unit": "m"},
    )
    confidence: float = Field(0.9, gt=0, lt=1, description="of the intervals")
    n_draws: int = Field(4000, ge=100, description="draws of the Monte Carlo")
    seed: int = Field(0, description="of the draws")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.table is None) == (self.logs is None):
            raise ValueError("give table or logs, one of them")
        return self

    def paths(self) -> dict[str, Path]:
        """Tables that it is made of."""
        named = {"table": self.table, "logs": self.logs, "mine_table": self.mine_table}
        if self.permafrost is not None:
            named["permafrost"] = self.permafrost.path
        return {name: path for name, path in named.items() if path is not None}


class Mine(Config):
    """Pits and heaps, and what they do to the ground."""

    outlines: ConfigInput = Field(
        description="polygons with kind (pit, heap), depth or height (m), start, end, backfilled (years), lake"
    )
    first_year: int = Field(description="first year that is simulated, before any of them")
    last_year: int = Field(description="last year that is simulated")
    years: tuple[int, ...] | None = Field(
        None, description="years that are kept as maps; null: the first, that in which the last work ends, the last"
    )
    heat: Heat = Field(Heat(), description="ground, surfaces and numerics of the simulation")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last_year <= self.first_year:
            raise ValueError(f"last_year is {self.last_year}, but must be later than first_year, {self.first_year}")
        outside = [year for year in self.years or () if not self.first_year <= year <= self.last_year]
        if outside:
            raise ValueError(f"years: {outside} are not simulated; that is {self.first_year} to {self.last_year}")
        return self

    def kept_years(self, ends: float) -> list[int]:
        """Years that are kept as maps: the first, the last and what is asked for.

        Parameters
        ----------
        ends : float
            When the last work ends.
        """
        between = int(np.clip(np.ceil(ends), self.first_year, self.last_year))
        return sorted({self.first_year, self.last_year, *(self.years or (between,))})


class MiningConfig(Config):
    """Vegetation, ground temperature and ground ice of a district, and what pits and heaps do to its permafrost."""

    terrain: Dem = Field(description="the DEM")
    vegetation: Vegetation | None = Field(None, description="classes of vegetation; null: left out")
    ground_temperature: GroundTemperature | None = Field(None, description="ground temperature; null: left out")
    active_layer: ActiveLayer | None = Field(None, description="the active layer before mining")
    units: Units | None = Field(None, description="units of the ground")
    ground_ice: GroundIce | None = Field(None, description="ground ice; null: left out")
    mine: Mine | None = Field(None, description="pits and heaps; null: left out")
    grid: Grid = Field(Grid(), description="the grid of the maps; all null: that of the DEM")
    output: ConfigPath = Field(Path("mining"), description="folder for the stores, rasters, figures and the report")
    stores: ConfigFolder | None = Field(
        None, description="folder of the Zarr stores if not output: a path, or s3://bucket/prefix"
    )
    cluster: Cluster = Field(Cluster(), description="where it is computed")

    def skipped(self) -> dict[str, str]:
        """Parts that cannot be made with what is given, and why."""
        needs = {
            "vegetation": ("vegetation",),
            "ground temperature": ("ground_temperature",),
            "ground ice": ("ground_ice", "active_layer", "units"),
            "pits and heaps": ("mine", "ground_temperature", "active_layer", "units"),
        }
        lacking = {part: [name for name in sections if getattr(self, name) is None] for part, sections in needs.items()}
        return {part: f"{', '.join(names)} not given" for part, names in lacking.items() if names}
