"""Active-layer thickness: coarse temperature and vegetation, sharpened -> thawing index -> Stefan's formula."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale import stats, thermal
from cryoscale.engine import Plan, Scheduler, open_scheduler
from cryoscale.engine import run as run_tiles
from cryoscale.engine.overviews import write_overviews_if_large
from cryoscale.errors import InputError
from cryoscale.folders import Folder
from cryoscale.products.active_layer_inputs import (
    ActiveLayerConfig,
    Inputs,
    choose_tiles,
    inspect,
    plan_run,
)
from cryoscale.products.active_layer_report import Findings, Sharpened, publish
from cryoscale.products.fine_temperature import (
    composite,
    daily_means,
    keep_means,
    land_covariates,
    learn_images,
    sharpen_images,
)
from cryoscale.products.outcome import Outcome
from cryoscale.products.places import store_path
from cryoscale.readers import Resampling, open_dated, open_lst, open_on_grid
from cryoscale.report import Section
from cryoscale.schemas import require_valid
from cryoscale.store import Provenance, fingerprint, is_saved, open_store, require_same_run, save_small
from cryoscale.variables import VARIABLES, attributes

__all__ = ["ActiveLayerConfig", "plan", "run"]

LAND = ("elevation", "slope", "aspect_sin", "aspect_cos", "potential_radiation")
NDVI_SETS = {"fine NDVI alone": ("fine_ndvi",), "all": ("fine_ndvi", *LAND)}
LST_SETS = {"elevation alone": ("elevation",), "land": LAND, "all": (*LAND, "ndvi")}
"""Sets of covariates that a downscaler chooses from."""

MIN_YEARS = 4  # below which a trend says nothing
Write = Callable[..., xr.Dataset]
"""`_write` with all that is the same for every store."""


def plan(config: ActiveLayerConfig) -> Plan:
    """Say what a run will read, write and need; only headers are read.

    Parameters
    ----------
    config : ActiveLayerConfig
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
    config: ActiveLayerConfig,
    *,
    overwrite: bool = False,
    appendix: Callable[[Findings], Sequence[Section]] = no_appendix,
) -> Outcome:
    """Files in, stores, rasters, figures and the report out; goes on where an interrupted run stopped.

    Parameters
    ----------
    config : ActiveLayerConfig
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
    with open_scheduler(config.cluster) as scheduler:
        write = partial(_write, config, tile=tile, scheduler=scheduler, overwrite=overwrite)
        land = _land(config, inputs, tile, write=write)
        daily = _daily(config, inputs, scheduler=scheduler, overwrite=overwrite)
        ndvi = _vegetation(config, inputs, land, scheduler=scheduler, write=write)
        detail = _detail(config, inputs, land, ndvi.fine, daily, scheduler=scheduler, write=write)
        thaw = _thaw(config, inputs, detail.fine, daily, write=write, overwrite=overwrite)
        sites, calibration = _calibrate(config, inputs, land, ndvi.fine, thaw, scheduler=scheduler)
        layer = _active_layer(config, inputs, land, thaw, calibration, spread=detail.error, write=write)
        write_overviews_if_large(store_path(config, "active_layer"), scheduler=scheduler)
        findings = Findings(
            layer=layer,
            thaw=thaw,
            land=land,
            daily=daily,
            ndvi=ndvi,
            detail=detail,
            sites=sites,
            calibration=calibration,
            calendar=inputs.calendar,
        )
        return publish(findings, config=config, inputs=inputs, appendix=appendix(findings))


def _write(
    config: ActiveLayerConfig,
    dataset: xr.Dataset,
    name: str,
    *,
    product: str,
    science: dict[str, Any],
    sources: dict[str, str],
    title: str,
    tile: tuple[int, int],
    scheduler: Scheduler,
    overwrite: bool,
) -> xr.Dataset:
    """Run a lazy dataset into one of the product's stores, and open it."""
    path = store_path(config, name)
    named = {v: array.assign_attrs(attributes(str(v)) | array.attrs) for v, array in dataset.items() if v in VARIABLES}
    run_tiles(
        dataset.assign(named),
        path,
        chunks={"y": tile[0], "x": tile[1]},
        provenance=Provenance(product, science, sources),
        scheduler=scheduler,
        overwrite=overwrite,
        title=title,
    )
    require_valid(path)
    return open_store(path)


def _stores(config: ActiveLayerConfig, *names: str) -> dict[str, str]:
    return {name: fingerprint([store_path(config, name)]) for name in names}


def _land(config: ActiveLayerConfig, inputs: Inputs, tile: tuple[int, int], *, write: Write) -> xr.Dataset:
    """Maps of the land and what its shape tells, and the fine NDVI."""
    chunks = {"y": tile[0], "x": tile[1]}
    maps = config.land.open(inputs.fine, chunks=chunks)
    fine_ndvi = (
        open_on_grid(
            config.ndvi.fine_paths(), "ndvi", geobox=inputs.fine, resampling=Resampling.BILINEAR, chunks=chunks
        )
        .rename("fine_ndvi")
        .assign_attrs(attributes("fine_ndvi"))
    )
    shape = land_covariates(maps.elevation, inputs.calendar).drop_vars("elevation")
    every = maps.assign(shape.data_vars).assign(fine_ndvi=fine_ndvi)
    sources = {name: fingerprint(paths) for name, paths in config.land.paths().items()}
    science = {
        "grid": inputs.grid_name,
        "period": str(inputs.calendar.period),
        "land": config.land.model_dump(mode="json", include={"bare_classes", "permafrost"}),
    }
    return write(
        every.assign_coords(maps.coords),
        "land",
        product="active-layer-land",
        science=science,
        sources=sources | {"fine_ndvi": fingerprint(config.ndvi.fine_paths())},
        title="maps of the land",
    )


def _is_kept(path: Folder, provenance: Provenance, *, overwrite: bool) -> bool:
    """Whether a small store is there already; that of another run is refused, as large ones are."""
    if path.exists() and not overwrite:
        require_same_run(path, provenance)
    return is_saved(path, provenance)


def _daily(config: ActiveLayerConfig, inputs: Inputs, *, scheduler: Scheduler, overwrite: bool) -> xr.Dataset:
    """Daily mean of the overpasses at their own resolution, in memory; computed once."""
    path = store_path(config, "daily")
    science = {
        "lst": config.lst.model_dump(mode="json", exclude={"path"}),
        "daily": config.daily.model_dump(),
        "grid": inputs.grid_name,
        "factor": config.sharpening.lst_factor,
    }
    provenance = Provenance("daily-temperature", science, {"lst": fingerprint(inputs.lst.paths)})
    if not _is_kept(path, provenance, overwrite=overwrite):
        images = open_lst(
            inputs.lst,
            inputs.lst_grid,
            chunks={"time": 64, "y": -1, "x": -1},
            resampling=config.lst.resampling,
        )
        daily = daily_means(scheduler.reduce(images.to_dataset()).lst, config.daily, years=inputs.calendar.years)
        _require_whole_year(daily.daily_lst, config)
        save_small(daily, path, provenance=provenance)
    return open_store(path).compute()


def _require_whole_year(daily: xr.DataArray, config: ActiveLayerConfig) -> None:
    known = daily.notnull().any(("y", "x"))
    if not bool(known.groupby("time.year").all().any()):
        first = np.datetime_as_string(daily.time.values[~known.values][0], "D")
        raise InputError(
            f"{config.lst.path}: no year has a temperature on all of its days, even after gaps are filled; the first "
            f"without is {first}. Look for months without images in any year, or set daily.linear_limit higher."
        )


def _vegetation(
    config: ActiveLayerConfig, inputs: Inputs, land: xr.Dataset, *, scheduler: Scheduler, write: Write
) -> Sharpened:
    """NDVI of every month or season at the fine resolution."""
    options, calendar = config.sharpening, inputs.calendar
    images = open_dated(
        inputs.ndvi,
        "ndvi",
        geobox=inputs.ndvi_grid,
        chunks={"y": inputs.ndvi_grid.shape[0], "x": inputs.ndvi_grid.shape[1]},
        resampling=Resampling.AVERAGE,
    )
    coarse = scheduler.reduce(composite(images, calendar).to_dataset(name="ndvi")).ndvi
    covariates = land[["fine_ndvi", *LAND]]
    fitted = sharpen_images(
        coarse, covariates, calendar=calendar, options=options, factor=options.ndvi_factor, sets=NDVI_SETS
    )
    science = {"sharpening": options.model_dump(mode="json"), "pattern": config.ndvi.pattern}
    sources = _stores(config, "land") | {"ndvi": fingerprint(inputs.ndvi.every_path)}
    learned = write(
        learn_images(fitted, coarse, covariates, calendar=calendar).to_dataset(name="learned_ndvi"),
        "ndvi_learned",
        product="learned-ndvi",
        science=science,
        sources=sources,
        title="vegetation, as learned",
    )
    fine = keep_means(fitted, coarse, learned.learned_ndvi, factor=options.ndvi_factor, reduce=scheduler.reduce)
    stored = write(
        fine.clip(-1, 1).to_dataset(name="ndvi_series"),
        "ndvi",
        product="fine-ndvi",
        science=science,
        sources=sources,
        title="vegetation",
    )
    return Sharpened(coarse, stored.ndvi_series, fitted)


def _detail(
    config: ActiveLayerConfig,
    inputs: Inputs,
    land: xr.Dataset,
    ndvi: xr.DataArray,
    daily: xr.Dataset,
    *,
    scheduler: Scheduler,
    write: Write,
) -> Sharpened:
    """What temperature has beyond the images, for every month or season: an image of zeros, downscaled."""
    options, calendar = config.sharpening, inputs.calendar
    coarse = composite(daily.daily_lst, calendar)
    covariates = land[[*LAND]].assign(ndvi=ndvi)
    fitted = sharpen_images(
        coarse, covariates, calendar=calendar, options=options, factor=options.lst_factor, sets=LST_SETS
    )
    science = {"sharpening": options.model_dump(mode="json")}
    sources = _stores(config, "land", "ndvi", "daily")
    learned = write(
        learn_images(fitted, coarse, covariates, calendar=calendar).to_dataset(name="learned_lst"),
        "detail_learned",
        product="learned-temperature",
        science=science,
        sources=sources,
        title="temperature, as learned",
    )
    fine = keep_means(
        fitted, xr.zeros_like(coarse), learned.learned_lst, factor=options.lst_factor, reduce=scheduler.reduce
    )
    stored = write(
        fine.to_dataset(name="lst_detail"),
        "detail",
        product="temperature-detail",
        science=science,
        sources=sources,
        title="detail of temperature",
    )
    return Sharpened(coarse, stored.lst_detail, fitted)


def _thaw(
    config: ActiveLayerConfig,
    inputs: Inputs,
    detail: xr.DataArray,
    daily: xr.Dataset,
    *,
    write: Write,
    overwrite: bool,
) -> xr.Dataset:
    """Thawing index of every year at the fine resolution."""
    factor, path = config.sharpening.lst_factor, store_path(config, "nodes")
    provenance = Provenance("temperature-nodes", {"factor": factor}, _stores(config, "daily"))
    if not _is_kept(path, provenance, overwrite=overwrite):
        nodes = thermal.smooth_nodes(daily.daily_lst, factor).assign_attrs(attributes("smooth_lst"))
        save_small(nodes.to_dataset(name="smooth_lst"), path, provenance=provenance)
    sums = thermal.downscaled_thaw(
        open_store(path).smooth_lst.chunk(-1),
        detail.rename(time="step").drop_vars("step").chunk(step=-1),
        step=inputs.calendar.step_of(daily.time.values),
        factor=factor,
    )
    return write(
        sums,
        "thaw",
        product="thawing-index",
        science={"factor": factor},
        sources=_stores(config, "nodes", "detail"),
        title="thawing index",
    )


def _calibrate(
    config: ActiveLayerConfig,
    inputs: Inputs,
    land: xr.Dataset,
    ndvi: xr.DataArray,
    thaw: xr.Dataset,
    *,
    scheduler: Scheduler,
) -> tuple[pd.DataFrame, thermal.StefanCalibration]:
    """E from the sites that a pixel can stand for; several years of a site count once."""
    measured, options = inputs.sites.inside, config.stefan
    measured = measured[measured.year.isin(inputs.calendar.years)]
    sites = measured.groupby("site", as_index=False)[["longitude", "latitude", "row", "column"]].first()
    surroundings = land[["slope", "land_cover"]].assign(ndvi=ndvi.mean("time", keep_attrs=True))
    chosen = thermal.uniform_sites(sites, surroundings, **options.sites.model_dump())
    rows, columns = (xr.DataArray(measured[name].to_numpy(), dims="sample") for name in ("row", "column"))
    years = xr.DataArray(np.searchsorted(thaw.year.values, measured.year), dims="sample")
    ddt = scheduler.reduce(thaw[["ddt"]].isel(year=years, y=rows, x=columns).reset_coords(drop=True)).ddt.values
    samples = measured.assign(root=np.sqrt(ddt)).groupby("site")[["active_layer_thickness", "root"]].mean()
    table = chosen.merge(samples.reset_index(), on="site")
    used = table[table.accepted]
    if len(used) < options.min_samples:
        raise InputError(
            f"{config.sites}: {len(used)} of {len(table)} sites with images of their year stand in uniform "
            f"surroundings, but {options.min_samples} are needed. Give more sites, or change stefan.sites or "
            "stefan.min_samples."
        )
    calibration = thermal.calibrate_stefan(
        used.active_layer_thickness.to_numpy(),
        used.root.to_numpy() ** 2,
        classes=used.mapped_land_cover.to_numpy() if options.by_class else None,
        fit=options.fit,
        min_samples=options.min_samples,
        n_bootstrap=options.n_bootstrap,
        seed=options.seed,
    )
    return table, calibration


def _active_layer(
    config: ActiveLayerConfig,
    inputs: Inputs,
    land: xr.Dataset,
    thaw: xr.Dataset,
    calibration: thermal.StefanCalibration,
    *,
    spread: float,
    write: Write,
) -> xr.Dataset:
    """Thickness of every year with its error and trend, masked."""
    factor = calibration.e_factor_map(land.land_cover)
    ddt_error = (spread * thaw.thawing_days).assign_attrs(units="degC d")
    thickness = thermal.stefan_alt(
        thaw.ddt, factor.stefan_e_factor, ddt_error=ddt_error, e_error=factor.stefan_e_factor_error
    )
    masks = {name: land[name] for name in ("water", "bare_rock", "no_permafrost") if name in land}
    layer = thermal.mask_active_layer(thickness, **masks).assign(factor.data_vars)
    if len(inputs.calendar.years) >= MIN_YEARS:
        series = layer.active_layer_thickness.chunk(year=-1)
        slope, test = (found(series, dim="year", minimum=MIN_YEARS) for found in (stats.theil_sen, stats.mann_kendall))
        layer = layer.assign(slope.data_vars).assign(test.data_vars)
    science = {
        "stefan": config.stefan.model_dump(mode="json"),
        "spread": spread,
        "e_factor": calibration.everywhere.e_factor,
        "by_class": calibration.table.reset_index().astype(str).to_dict("list"),
    }
    sources = _stores(config, "thaw", "land") | {"sites": fingerprint([config.sites])}
    return write(
        layer.assign_coords({name: land.coords[name] for name in ("y", "x", "spatial_ref")}),
        "active_layer",
        product="active-layer",
        science=science,
        sources=sources,
        title="active layer",
    )
