"""The demo of the active layer: the product on a synthetic valley of 30 m, compared with its truth step by step."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import xarray as xr
from rich.console import Console

from cryoscale import stats, thermal
from cryoscale.products import active_layer
from cryoscale.products.active_layer_inputs import ActiveLayerConfig, FineLand, NdviSource
from cryoscale.products.active_layer_report import THICKNESS, Findings
from cryoscale.products.outcome import Outcome
from cryoscale.products.permafrost_checks import ClassifiedMap
from cryoscale.products.sources import LstSource
from cryoscale.readers import LstFormat
from cryoscale.report import Check, Section, Table, active_layer_validation_section, check_table
from cryoscale.scenes import active_layer_files, active_layer_scene, write_active_layer
from cryoscale.scenes.active_layer_files import LST_PATTERN, NDVI_PATTERN, SURFACE
from cryoscale.scenes.active_layer_surface import fine_lst
from cryoscale.store import open_store
from cryoscale.thermal.footprint import interpolate

SHAPE, YEARS = (480, 480), (2013, 2022)
BARE_ROCK = 4  # class of the scene
EVERY = 15
"""Days between those whose fine temperatures are held against the truth."""


def run(folder: Path, *, shape: tuple[int, int] = SHAPE, years: tuple[int, int] = YEARS) -> Outcome:
    """Build the scene as files, run the product on them, and compare every step with the truth.

    Parameters
    ----------
    folder : Path
        The scene goes into ``scene/``, the results into ``results/``, the configuration into ``config.yaml``. A scene
        that is there already is used again.
    shape : tuple of int
        Rows and columns of 30 m.
    years : tuple of int
        First and last year.

    Returns
    -------
    Outcome
        With a table of what the steps are wrong by.
    """
    path = folder / "config.yaml"
    if not path.exists():
        with Console(stderr=True).status("building a synthetic valley"):
            write_active_layer(active_layer_scene(shape, years), folder / "scene")
        path.write_text(_config().to_yaml(), encoding="utf-8")
    config = ActiveLayerConfig.load(path)
    outcome = active_layer.run(config, appendix=partial(_compare, folder=folder / "scene"))
    layer, truth = open_store(outcome.store), _open_truth(folder / "scene")
    table = Table("Trend against the truth", ("what", "found", "true"), list(_trend(layer, truth)))
    checks = check_table([_thickness_check(layer, truth)])
    return Outcome(outcome.store, outcome.report, outcome.rasters, (*outcome.tables, checks, table))


def _config() -> ActiveLayerConfig:
    files = active_layer_files(Path("scene"))
    return ActiveLayerConfig(
        lst=LstSource(path=files.lst, format=LstFormat.PATTERN, pattern=LST_PATTERN),
        ndvi=NdviSource(path=files.ndvi, pattern=NDVI_PATTERN, fine=files.landsat_ndvi),
        land=FineLand(
            elevation=files.dem,
            classes=files.land_cover,
            water=files.water,
            bare_classes=(BARE_ROCK,),
            permafrost=ClassifiedMap(name="permafrost map", path=files.permafrost),
        ),
        sites=files.sites,
        output=Path("results"),
    )


def _open_truth(scene: Path, group: str | None = None) -> xr.Dataset:
    truth: xr.Dataset = xr.open_zarr(
        active_layer_files(scene).truth, group=group, consolidated=False, decode_coords="all"
    )
    return truth


def _compare(findings: Findings, *, folder: Path) -> list[Section]:
    truth = _open_truth(folder)
    checks = [
        _daily_check(findings, folder),
        Check("Thawing index", "truth of the scene", findings.thaw.ddt, _on(truth.ddt, findings.thaw.ddt)),
        _thickness_check(findings.layer, truth),
    ]
    section = active_layer_validation_section(checks)
    trends = Table("Trend", ("what", "found", "true"), list(_trend(findings.layer, truth)))
    return [Section("Against the truth", section.text, section.figures, [*section.tables, trends])]


def _daily_check(findings: Findings, folder: Path) -> Check:
    """Fine daily mean temperature of every n-th day."""
    surface = _open_truth(folder, SURFACE).compute()
    daily = findings.daily.daily_lst.isel(time=slice(0, None, EVERY))
    detail = findings.detail.fine
    factor = detail.sizes["y"] // daily.sizes["y"]
    nodes = thermal.smooth_nodes(daily, factor).values.astype(float)
    steps = findings.calendar.step_of(daily.time.values)
    fine = interpolate(nodes, (factor, factor)) + detail.isel(time=steps).values
    true = xr.concat([fine_lst(surface, day).mean("overpass") for day in daily.time.values], "time")
    estimate = xr.DataArray(fine.astype("float32"), dims=("time", "y", "x"))
    truth = xr.DataArray(true.transpose("time", "y", "x").values, dims=("time", "y", "x"), attrs={"units": "degC"})
    return Check("Daily surface temperature at 30 m", "truth of the scene", estimate, truth)


def _on(true: xr.DataArray, ours: xr.DataArray) -> xr.DataArray:
    """The truth with the very coordinates of our map."""
    return ours.copy(data=true.sel(year=ours.year).data).assign_attrs(true.attrs)


def _thickness_check(layer: xr.Dataset, truth: xr.Dataset) -> Check:
    ours = layer[THICKNESS]
    return Check("Active layer", "truth of the scene", ours, _on(truth[THICKNESS], ours))


def _trend(layer: xr.Dataset, truth: xr.Dataset) -> Iterator[tuple[str, str, str]]:
    if "trend" not in layer:
        return  # too few years
    """Mean over pixels of the trend by pixel, and the trend of the mean."""
    found, true = (float(data.trend.mean()) for data in (layer, truth))
    yield "mean of the trends by pixel (cm a-1)", f"{100 * found:.2f}", f"{100 * true:.2f}"
    means = (data[THICKNESS].mean(("y", "x")).compute() for data in (layer, truth))
    slopes = [100 * float(stats.theil_sen(mean, dim="year", minimum=4).trend) for mean in means]
    yield "trend of the area's mean (cm a-1)", f"{slopes[0]:.2f}", f"{slopes[1]:.2f}"
