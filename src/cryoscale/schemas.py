"""Contracts of the stores: JSON Schemas made from the variables' registry, and the check of a store against its own.

A schema describes the consolidated metadata of a Zarr v3 group (its ``zarr.json``), so any language's JSON Schema
library can check a store with it. The files in ``zarr_schemas/`` are written by ``python -m cryoscale.schemas``.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema

from cryoscale.chunks import Block, damaged_blocks, lost_blocks, missing_blocks, remove_blocks
from cryoscale.errors import StoreError
from cryoscale.folders import Folder
from cryoscale.store import read_provenance
from cryoscale.variables import VARIABLES


@dataclass(frozen=True, slots=True)
class StoreKind:
    """What a kind of store holds.

    Attributes
    ----------
    title : str
        What it is, for people.
    required, optional : tuple of str
        Registered variables.
    coords : mapping
        Name of a coordinate that must be there to its dims.
    """

    title: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    coords: Mapping[str, tuple[str, ...]]


_GRID = {"y": ("y",), "x": ("x",), "spatial_ref": ()}
_GEOMETRY = ("elevation", "incidence_angle", "los_east", "los_north", "los_up")

STORE_KINDS: Mapping[str, StoreKind] = {
    "interferogram-stack": StoreKind(
        title="Stack of unwrapped interferograms on one grid",
        required=("unwrapped_phase",),
        optional=("coherence", *_GEOMETRY),
        coords=_GRID | {"reference": ("pair",), "secondary": ("pair",)},
    ),
    "zenith-delays": StoreKind(
        title="Zenith delays of the troposphere on the grid of a stack",
        required=("zenith_delay",),
        optional=(),
        coords=_GRID | {"time": ("time",)},
    ),
    "deformation-survey": StoreKind(
        title="What the passes over a whole stack found: verdicts of pairs, closure of loops, ramps, reference phases",
        required=("coverage",),
        optional=(),
        coords={"reference": ("pair",), "secondary": ("pair",)},
    ),
    "free-velocity": StoreKind(
        title="Velocity of an inversion that nothing holds, the first pass of two",
        required=("velocity", "residual_rms", "n_pairs"),
        optional=(),
        coords=_GRID,
    ),
    "deformation-seasons": StoreKind(
        title="Filtered displacement series, their rates, and the deformation of thaw seasons",
        required=("displacement", "deformation_rate", "thaw_season_deformation", "mean_thaw_season_deformation"),
        optional=(
            "deformation_rate_error",
            "thaw_season_error",
            "mean_thaw_season_error",
            "thaw_season_spread",
            "n_seasons",
            "vertical_rate",
        ),
        coords=_GRID | {"time": ("time",), "year": ("year",)},
    ),
    "longterm-record": StoreKind(
        title="What one sensor says of its period: rate and thaw seasons, along its line of sight and vertical",
        required=(),
        optional=(
            "deformation_rate",
            "vertical_rate",
            "n_pairs",
            "thaw_season_deformation",
            "vertical_thaw_season",
            "mean_vertical_thaw_season",
            "guarded_pairs",
            "index_scaled_season",
        ),
        coords=_GRID,
    ),
    "land-maps": StoreKind(
        title="Elevation, classes of land cover, glaciers and lakes on the grid of a map",
        required=("elevation", "land_cover"),
        optional=("glacier", "lake"),
        coords=_GRID,
    ),
    "image-survey": StoreKind(
        title="Trend with elevation and variogram of every image, and its values at stations",
        required=("lapse_rate", "lst_at_sea_level", "variogram_source", "n_valid_pixels", "station_lst"),
        optional=("variogram_model", "variogram_nugget", "variogram_partial_sill", "variogram_range"),
        coords={"overpass": ("overpass",), "time": ("time",), "station": ("station",)},
    ),
    "ground-temperature-model": StoreKind(
        title="Coefficients and scores of the regression of ground temperature on overpasses",
        required=(),
        optional=(),
        coords={"submodel": ("submodel",), "overpass": ("overpass",)},
    ),
    "ground-temperature": StoreKind(
        title="Daily mean temperature of the ground surface",
        required=("ground_surface_temperature", "gst_error", "n_overpasses"),
        optional=(),
        coords=_GRID | {"time": ("time",)},
    ),
    "degree-days": StoreKind(
        title="Thawing and freezing degree-days of the ground surface by year, and the days that they rest on",
        required=("ddt", "ddf", "thawing_days", "freezing_days", "observed_thawing_year", "observed_freezing_year"),
        optional=("ddt_error", "ddf_error"),
        coords=_GRID | {"year": ("year",)},
    ),
    "permafrost-map": StoreKind(
        title="Temperature at the top of permafrost, its probability, classes of ground, and their change",
        required=(
            "ttop",
            "ttop_error",
            "permafrost_probability",
            "ground_class",
            "mean_ttop",
            "mean_ttop_error",
            "mean_permafrost_probability",
            "mean_ground_class",
            "permafrost_change",
            "rk",
        ),
        optional=("mean_ddt", "mean_ddf", "rk_error"),
        coords=_GRID | {"year": ("year",)},
    ),
    "active-layer-land": StoreKind(
        title="Maps of the land at fine resolution, and what its shape tells of temperature and vegetation",
        required=("elevation", "slope", "aspect_sin", "aspect_cos", "land_cover", "fine_ndvi"),
        optional=("water", "bare_rock", "no_permafrost"),
        coords=_GRID,
    ),
    "daily-temperature": StoreKind(
        title="Daily mean surface temperature at the resolution of the images, gaps filled in time",
        required=("daily_lst",),
        optional=(),
        coords=_GRID | {"time": ("time",)},
    ),
    "learned-ndvi": StoreKind(
        title="What learners say of the vegetation index of every fine pixel, before it keeps the means of its images",
        required=("learned_ndvi",),
        optional=(),
        coords=_GRID | {"time": ("time",)},
    ),
    "learned-temperature": StoreKind(
        title="What learners say of the temperature of every fine pixel, before it keeps the means of its images",
        required=("learned_lst",),
        optional=(),
        coords=_GRID | {"time": ("time",)},
    ),
    "fine-ndvi": StoreKind(
        title="Vegetation index of every month or season at fine resolution",
        required=("ndvi_series",),
        optional=(),
        coords=_GRID | {"time": ("time",)},
    ),
    "temperature-detail": StoreKind(
        title="What surface temperature has beyond its images, of every month or season",
        required=("lst_detail",),
        optional=(),
        coords=_GRID | {"time": ("time",)},
    ),
    "temperature-nodes": StoreKind(
        title="Daily values at the centres of coarse pixels whose bilinear field keeps their means",
        required=("smooth_lst",),
        optional=(),
        coords={"time": ("time",)},
    ),
    "thawing-index": StoreKind(
        title="Thawing degree-days of every year at fine resolution",
        required=("ddt", "thawing_days"),
        optional=(),
        coords=_GRID | {"year": ("year",)},
    ),
    "active-layer": StoreKind(
        title="Thickness of the active layer by year, its error, and its trend",
        required=("active_layer_thickness", "active_layer_thickness_error", "active_layer_status", "stefan_e_factor"),
        optional=("stefan_e_factor_error", "trend_p_value", "kendall_tau"),
        coords=_GRID | {"year": ("year",)},
    ),
    "topographic-wetness": StoreKind(
        title="Topographic wetness index of a whole grid",
        required=("topographic_wetness",),
        optional=(),
        coords=_GRID,
    ),
    "moisture-covariates": StoreKind(
        title="Stack of covariates on one grid, a chunk each",
        required=("covariate",),
        optional=(),
        coords=_GRID | {"feature": ("feature",), "unit": ("feature",)},
    ),
    "active-layer-moisture": StoreKind(
        title="Moisture of the active layer, its interval, and where it may be trusted",
        required=(
            "moisture",
            "moisture_lower",
            "moisture_upper",
            "learner_spread",
            "dissimilarity",
            "moisture_status",
        ),
        optional=(),
        coords=_GRID,
    ),
    "vegetation": StoreKind(
        title="Classes of vegetation and their probabilities",
        required=("vegetation_class", "vegetation_probability"),
        optional=(),
        coords=_GRID | {"vegetation": ("vegetation",)},
    ),
    "mean-annual-ground-temperature": StoreKind(
        title="Mean annual ground temperature, its standard error, and why it is missing",
        required=("magt", "magt_error", "magt_status"),
        optional=(),
        coords=_GRID,
    ),
    "ground-ice": StoreKind(
        title="Volume of ground ice by layer and in all, and the units of the ground; after mining also its change",
        required=("ground_ice_volume", "total_ground_ice_volume"),
        optional=("ground_unit", "ground_ice_volume_change", "total_ground_ice_volume_change"),
        coords=_GRID | {"layer": ("layer",)},
    ),
    "mining-columns": StoreKind(
        title="Permafrost in columns of the ground under pits and heaps by year",
        required=(),
        optional=(),
        coords={"column": ("column",), "year": ("year",)},
    ),
    "mining-scenario": StoreKind(
        title="Permafrost table, active layer, temperature and state of the ground before, during and after mining",
        required=(
            "permafrost_table_depth",
            "active_layer_thickness",
            "temperature_10m",
            "ground_thermal_state",
            "surface_change",
            "mine_work",
        ),
        optional=(),
        coords=_GRID | {"year": ("year",)},
    ),
    "mining-section": StoreKind(
        title="Temperatures of a vertical section through a pit or a heap, and what they mean for permafrost",
        required=(
            "section_temperature",
            "section_temperature_max",
            "section_temperature_min",
            "section_temperature_mean",
            "section_surface",
            "thaw_bulb_area",
            "heap_area",
            "heap_frozen_area",
        ),
        optional=("first_surface", "heat_change", "heat_from_surface", "heat_from_base", "heat_placed"),
        coords={"time": ("time",), "year": ("year",), "z": ("z",), "x": ("x",)},
    ),
    "basin-climate": StoreKind(
        title="Climate of a basin by day or month",
        required=(),
        optional=(
            "air_temperature",
            "precipitation",
            "evapotranspiration",
            "net_radiation",
            "snow_depth",
            "snow_water_equivalent",
            "soil_moisture",
        ),
        coords={"time": ("time",)},
    ),
    "recession": StoreKind(
        title="Recession of rivers in moving windows of years, by gauge and the year at the window's centre",
        required=(
            *(
                f"recession_{name}{end}"
                for name in ("coefficient", "exponent", "constant", "time")
                for end in ("", "_lower", "_upper")
            ),
            "n_events",
            "n_recession_pairs",
            "n_years",
            "missing_days",
            "reference_discharge",
            "recession_status",
        ),
        optional=(),
        coords={"gauge": ("gauge",), "year": ("year",)},
    ),
    "overview": StoreKind(
        title="Rasters of a store at a coarser resolution, a cache for viewers",
        required=(),
        optional=(),
        coords=_GRID,
    ),
    "overviews": StoreKind(
        title="Overviews of a store, a group each: a cache for viewers, which nothing else needs",
        required=(),
        optional=(),
        coords={},
    ),
    "deformation-cube": StoreKind(
        title="Line-of-sight displacement series, their rate and season, and what they rest on",
        required=("displacement", "deformation_rate", "deformation_rate_error", "residual_rms", "n_pairs"),
        optional=(
            "n_components",
            "velocity",
            "velocity_error",
            "offset",
            "sine",
            "sine_error",
            "cosine",
            "cosine_error",
            "seasonal_amplitude",
            "seasonal_peak",
            "mean_coherence",
        ),
        coords=_GRID | {"time": ("time",)},
    ),
}


def build_schema(kind: StoreKind) -> dict[str, Any]:
    """JSON Schema of a kind of store.

    Parameters
    ----------
    kind : StoreKind
        Its variables are looked up in the registry.

    Returns
    -------
    dict
        Draft 2020-12.
    """
    arrays = {name: _variable_schema(name) for name in (*kind.required, *kind.optional)}
    arrays |= {name: _array_schema(dims) for name, dims in kind.coords.items()}
    metadata = {"type": "object", "required": [*kind.required, *kind.coords], "properties": arrays}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": kind.title,
        "type": "object",
        "required": ["zarr_format", "node_type", "attributes", "consolidated_metadata"],
        "properties": {
            "zarr_format": {"const": 3},
            "node_type": {"const": "group"},
            "attributes": {
                "type": "object",
                "required": ["Conventions", "product", "cryoscale_version", "config", "inputs", "created"],
            },
            "consolidated_metadata": {
                "type": "object",
                "required": ["metadata"],
                "properties": {"metadata": metadata},
            },
        },
    }


def _array_schema(dims: tuple[str, ...], **more: Any) -> dict[str, Any]:
    names = {"dimension_names": {"const": list(dims)}} if dims else {}
    properties = {"node_type": {"const": "array"}, **names, **more}
    return {"type": "object", "required": ["node_type", "shape", "data_type"], "properties": properties}


def _variable_schema(name: str) -> dict[str, Any]:
    variable = VARIABLES[name]
    units = {"required": ["units", "long_name"], "properties": {"units": {"const": variable.units}}}
    return _array_schema(variable.dims, data_type={"const": variable.dtype}, attributes=units)


def read_schema(kind: str) -> dict[str, Any]:
    """Published schema of a kind of store, from ``zarr_schemas/``.

    Parameters
    ----------
    kind : str
        The store's attribute ``product``.

    Returns
    -------
    dict

    Raises
    ------
    StoreError
        If there is no such kind.
    """
    if kind not in STORE_KINDS:
        raise StoreError(f"{kind!r} is not a kind of store; known are {', '.join(STORE_KINDS)}.")
    in_wheel = files("cryoscale") / "zarr_schemas"
    folder = in_wheel if in_wheel.is_dir() else Path(__file__).parents[2] / "zarr_schemas"
    return json.loads((folder / f"{kind}.schema.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def problems(path: Folder) -> Iterator[str]:
    """All that a store's schema or its missing chunks have against it.

    Parameters
    ----------
    path : Path
        The Zarr store.

    Yields
    ------
    str
        One line for each problem; none for a sound and complete store.

    Raises
    ------
    StoreError
        If it is not a store of ours.
    """
    schema = read_schema(read_provenance(path).product)
    metadata = json.loads((path / "zarr.json").read_text(encoding="utf-8"))
    for error in jsonschema.Draft202012Validator(schema).iter_errors(metadata):
        where = ".".join(str(part) for part in error.absolute_path if part != "consolidated_metadata")
        yield f"{where.removeprefix('metadata.') or 'group'}: {error.message}"
    for name, array in metadata.get("consolidated_metadata", {}).get("metadata", {}).items():
        missing = missing_blocks(path, name) if array.get("shape") else set()
        if missing:
            yield f"{name}: {len(missing)} chunks are missing, the first {min(missing)}"


def damage(path: Folder) -> dict[str, set[Block]]:
    """Chunks of a store that are there but cut off or not to be decoded; reads the whole store.

    Parameters
    ----------
    path : Path or UPath
        The Zarr store.

    Returns
    -------
    dict of str to set
        Variable to the indices of its damaged chunks; only variables that have some.
    """
    read_provenance(path)  # says what is there if it is no store of ours
    metadata = json.loads((path / "zarr.json").read_text(encoding="utf-8"))
    names = [name for name, array in metadata["consolidated_metadata"]["metadata"].items() if array.get("shape")]
    found = {
        name: (lost_blocks(path, name) - missing_blocks(path, name)) | damaged_blocks(path, name) for name in names
    }
    return {name: blocks for name, blocks in found.items() if blocks}


def require_undamaged(path: Folder) -> None:
    """Refuse a store with damaged chunks, after removing them, so that the next run writes them anew.

    Parameters
    ----------
    path : Path or UPath
        The Zarr store.

    Raises
    ------
    StoreError
        Naming the variables, how many of their chunks are damaged, and the first.
    """
    found = damage(path)
    for name, blocks in found.items():
        remove_blocks(path, name, blocks=blocks)
    if found:
        lines = "\n".join(
            f"  - {name}: {len(blocks)} chunks, the first {min(blocks)}" for name, blocks in found.items()
        )
        raise StoreError(
            f"{path}: held chunks that cannot be read:\n{lines}\nThey have been removed. Start the run that makes the "
            "store again; it writes them anew and goes on."
        )


def require_valid(path: Folder) -> None:
    """Refuse a store that is not what its schema says, or is incomplete.

    Parameters
    ----------
    path : Path
        The Zarr store.

    Raises
    ------
    StoreError
        Listing the problems.
    """
    found = list(problems(path))
    if found:
        lines = "\n".join(f"  - {line}" for line in found[:20])
        raise StoreError(f"{path}: does not hold what its schema says:\n{lines}")


def write_schemas(folder: Path) -> None:
    """Write every kind's schema into a folder.

    Parameters
    ----------
    folder : Path
        Created if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, kind in STORE_KINDS.items():
        text = json.dumps(build_schema(kind), indent=2) + "\n"
        (folder / f"{name}.schema.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
