"""Permafrost map: surface temperatures -> degree-days -> TTOP -> classes and their change (Zhang et al. 2025)."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import isfinite

import pandas as pd
import xarray as xr

from cryoscale import thermal
from cryoscale.engine import Plan, Scheduler, open_scheduler
from cryoscale.engine import run as run_tiles
from cryoscale.engine.overviews import write_overviews_if_large
from cryoscale.products.conductivity import Calibration, Ratios, calibrate, read_ratios, require_ratios
from cryoscale.products.frozen_ground import compute_permafrost, require_sums
from cryoscale.products.ground_temperature import (
    compute_ground_temperature,
    daily_images,
    station_samples,
    summable_correlation,
    survey_images,
)
from cryoscale.products.outcome import Outcome
from cryoscale.products.permafrost_checks import at_pixels, join_surveys, surveyed_window
from cryoscale.products.permafrost_inputs import (
    Blocks,
    Inputs,
    PermafrostMapConfig,
    choose_blocks,
    inspect,
    plan_run,
)
from cryoscale.products.permafrost_report import Findings, publish
from cryoscale.products.places import store_path
from cryoscale.report import Section
from cryoscale.schemas import require_valid
from cryoscale.store import Provenance, fingerprint, open_store, save_small

__all__ = ["PermafrostMapConfig", "plan", "run"]

Write = Callable[..., object]
"""`engine.run` with its scheduler."""

Maps = Mapping[str, xr.DataArray]


def plan(config: PermafrostMapConfig) -> Plan:
    """Say what a run will read, write and need; only headers are read.

    Parameters
    ----------
    config : PermafrostMapConfig
        The whole configuration.

    Returns
    -------
    Plan
    """
    inputs = inspect(config)
    return plan_run(config, inputs, choose_blocks(config, inputs))


def no_appendix(findings: Findings) -> Sequence[Section]:  # noqa: ARG001
    """Nothing to add to the report."""
    return ()


def run(
    config: PermafrostMapConfig,
    *,
    overwrite: bool = False,
    appendix: Callable[[Findings], Sequence[Section]] = no_appendix,
) -> Outcome:
    """Files in, stores, rasters, figures and the report out; goes on where an interrupted run stopped.

    Parameters
    ----------
    config : PermafrostMapConfig
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
    blocks = choose_blocks(config, inputs)
    plan_run(config, inputs, blocks).require_fit()
    with open_scheduler(config.cluster) as scheduler:
        write = partial(run_tiles, scheduler=scheduler, overwrite=overwrite)
        land = _land(config, inputs, blocks, write=write)
        surveys, rivals = _compared(config, inputs, blocks, scheduler=scheduler)
        _refuse_early(config, land, surveys)
        images = daily_images(inputs.files, inputs.geobox, days=blocks.days, size=blocks.images, source=config.lst)
        fits, model = _learn(config, inputs, images, land, blocks=blocks, write=write)
        ground = _ground_temperature(config, images, land, fits=fits, model=model, blocks=blocks, write=write)
        sums = _degree_days(config, ground, model, years=inputs.years, blocks=blocks, write=write)
        ratios = _ratios(config, inputs, sums, land, surveys=surveys, scheduler=scheduler)
        permafrost = _permafrost(config, sums, land, ratios, bias=model.station_bias_sd_, blocks=blocks, write=write)
        write_overviews_if_large(store_path(config, "permafrost"), scheduler=scheduler)
        findings = Findings(
            permafrost=permafrost,
            degree_days=sums,
            ground=ground,
            land=land,
            images=images,
            fits=fits,
            model=model,
            ratios=ratios,
            surveys=surveys,
            rivals=rivals,
            boreholes=_with_values(inputs, permafrost[["mean_ttop"]], scheduler=scheduler),
        )
        return publish(findings, config=config, inputs=inputs, appendix=appendix(findings))


def _land(config: PermafrostMapConfig, inputs: Inputs, blocks: Blocks, *, write: Write) -> xr.Dataset:
    """Maps of the land, brought to the grid once."""
    maps = config.land.open(inputs.geobox, chunks=blocks.chunks)
    sources = {name: fingerprint(paths) for name, paths in config.land.paths().items()}
    path = store_path(config, "land")
    provenance = Provenance("land-maps", {"grid": inputs.grid_name}, sources)
    write(maps, path, chunks=blocks.chunks, provenance=provenance, title="maps of the land")
    return open_store(path)


def _compared(
    config: PermafrostMapConfig, inputs: Inputs, blocks: Blocks, *, scheduler: Scheduler
) -> tuple[Maps, Maps]:
    """Surveys and rival maps on the grid, in memory: a byte a pixel each."""
    surveys, rivals = (
        {chosen.name: chosen.open(inputs.geobox, chunks=blocks.chunks) for chosen in maps}
        for maps in (config.validation.surveys, config.validation.rivals)
    )
    computed = scheduler.reduce(xr.Dataset(surveys | rivals))
    return {name: computed[name] for name in surveys}, {name: computed[name] for name in rivals}


def _refuse_early(config: PermafrostMapConfig, land: xr.Dataset, surveys: Maps) -> None:
    """What the last steps would refuse, before the long ones."""
    survey = join_surveys(list(surveys.values()))
    if survey is not None:
        surveyed_window(survey)
    fitted = config.conductivity.calibration is Calibration.SURVEY
    require_ratios(read_ratios(config.conductivity.table), land.land_cover, survey if fitted else None)


def _learn(
    config: PermafrostMapConfig, inputs: Inputs, images: xr.DataArray, land: xr.Dataset, *, blocks: Blocks, write: Write
) -> tuple[xr.Dataset, thermal.GroundTemperatureModel]:
    """What the images have to be filled by, and what the stations say of the ground below them."""
    path = store_path(config, "images")
    stations = inputs.pixels.inside
    found = survey_images(images, land.elevation, config.gaps, pixels=stations)
    science = {
        "lst": config.lst.model_dump(mode="json", exclude={"path"}),
        "gaps": config.gaps.model_dump(mode="json", exclude={"neighbours"}),
        "stations": stations[["station", "row", "column"]].to_dict("list"),
    }
    sources = {"lst": fingerprint(inputs.files.paths), "land": fingerprint([store_path(config, "land")])}
    provenance = Provenance("image-survey", science, sources)
    write(found, path, chunks={"time": blocks.days}, provenance=provenance, title="surveying the images")
    survey = open_store(path).compute()
    fits = thermal.with_season_fallback(survey.drop_dims("station"))
    model = thermal.GroundTemperatureModel(**config.ground.model_dump())
    model.fit(station_samples(survey.station_lst, inputs.stations))
    save_small(
        model.to_dataset(),
        store_path(config, "ground_model"),
        provenance=Provenance("ground-temperature-model", config.ground.model_dump(mode="json"), _sources(config)),
    )
    return fits, model


def _sources(config: PermafrostMapConfig, *more: str) -> dict[str, str]:
    """What the model rests on, and other stores of this run."""
    stores = {name: fingerprint([store_path(config, name)]) for name in ("images", *more)}
    return stores | {"stations": fingerprint([config.stations])}


def _ground_temperature(
    config: PermafrostMapConfig,
    images: xr.DataArray,
    land: xr.Dataset,
    *,
    fits: xr.Dataset,
    model: thermal.GroundTemperatureModel,
    blocks: Blocks,
    write: Write,
) -> xr.Dataset:
    """Gap-free daily temperature of the ground."""
    path = store_path(config, "ground_temperature")
    daily = compute_ground_temperature(images, land.elevation, fits=fits, model=model, options=config.gaps)
    science = {"gaps": config.gaps.model_dump(mode="json"), "ground": config.ground.model_dump(mode="json")}
    write(
        daily,
        path,
        chunks={"time": blocks.days, **blocks.chunks},
        provenance=Provenance("ground-temperature", science, _sources(config)),
        title="ground temperature",
    )
    return open_store(path)


def _degree_days(
    config: PermafrostMapConfig,
    ground: xr.Dataset,
    model: thermal.GroundTemperatureModel,
    *,
    years: Sequence[int],
    blocks: Blocks,
    write: Write,
) -> xr.Dataset:
    """Sums of the years that the images cover whole."""
    path, options = store_path(config, "degree_days"), config.degree_days
    series = ground.chunk(time=-1)
    sums = thermal.degree_days(
        series.ground_surface_temperature,
        freezing_year_start=options.freezing_year_start,
        thawing_year_start=options.thawing_year_start,
        fill=thermal.SeriesFill(options.linear_limit, options.harmonics),
        min_days=options.min_days,
        error=series.gst_error,
        error_correlation=summable_correlation(model.error_correlation_),
    )
    provenance = Provenance("degree-days", options.model_dump(mode="json"), _sources(config, "ground_temperature"))
    write(sums.sel(year=list(years)), path, chunks=blocks.chunks, provenance=provenance, title="degree-days")
    stored = open_store(path)
    require_sums(stored, min_days=options.min_days)
    return stored


def _ratios(
    config: PermafrostMapConfig,
    inputs: Inputs,
    sums: xr.Dataset,
    land: xr.Dataset,
    *,
    surveys: Maps,
    scheduler: Scheduler,
) -> Ratios:
    """The table of rk, calibrated if that is asked for."""
    options = config.conductivity
    means = sums[["ddt", "ddf"]].mean("year").rename(ddt="mean_ddt", ddf="mean_ddf").assign(land_cover=land.land_cover)
    survey = join_surveys(list(surveys.values()))
    window = {} if survey is None else surveyed_window(survey)
    return calibrate(
        read_ratios(options.table),
        options,
        maps=scheduler.reduce(means.isel(window)) if survey is not None else means,
        survey=None if survey is None else survey.isel(window),
        boreholes=_with_values(inputs, means, scheduler=scheduler),
    )


def _with_values(inputs: Inputs, maps: xr.Dataset, *, scheduler: Scheduler) -> pd.DataFrame | None:
    """Boreholes with the values of maps at their pixels."""
    if inputs.boreholes is None:
        return None
    places = inputs.boreholes.inside.reset_index(drop=True)
    return places.assign(**{str(name): v.values for name, v in scheduler.reduce(at_pixels(maps, places)).items()})


def _permafrost(
    config: PermafrostMapConfig,
    sums: xr.Dataset,
    land: xr.Dataset,
    ratios: Ratios,
    *,
    bias: float,
    blocks: Blocks,
    write: Write,
) -> xr.Dataset:
    """The map itself."""
    path = store_path(config, "permafrost")
    masks = land[[name for name in ("glacier", "lake") if name in land]]
    rk = thermal.map_rk(land.land_cover, ratios.table)
    result = compute_permafrost(sums, rk, bias=bias, masks=masks, change=config.change)
    grid = {name: land.coords[name] for name in ("y", "x", "spatial_ref")}
    science = {
        "rk": ratios.table.to_frame().to_dict("list"),
        "bias": bias if isfinite(bias) else None,  # NaN would differ from itself when the run goes on
        "change": None if config.change is None else config.change.model_dump(mode="json"),
    }
    provenance = Provenance("permafrost-map", science, _sources(config, "degree_days", "land"))
    write(result.assign_coords(grid), path, chunks=blocks.chunks, provenance=provenance, title="permafrost")
    require_valid(path)
    return open_store(path)
