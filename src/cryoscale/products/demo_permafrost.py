"""The demo of the permafrost map: the product on a synthetic Tarim-like scene, compared with its truth step by step."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr
from rich.console import Console

from cryoscale import thermal
from cryoscale.products import permafrost_map
from cryoscale.products.conductivity import Calibration, Conductivity
from cryoscale.products.ground_temperature import GST, GapFilling
from cryoscale.products.outcome import Outcome
from cryoscale.products.permafrost_checks import STATES, ClassifiedMap, Validation
from cryoscale.products.permafrost_inputs import PermafrostMapConfig
from cryoscale.products.permafrost_report import Findings
from cryoscale.products.sources import Land, LstSource
from cryoscale.report import Agreement, Picture, Section, Table, class_maps, confusion_figure, figure_png
from cryoscale.scenes import tarim_files, tarim_scene, write_tarim
from cryoscale.stats import Confusion, confusion, scores
from cryoscale.store import open_store

SHAPE = (96, 128)


def run(folder: Path, *, shape: tuple[int, int] = SHAPE) -> Outcome:
    """Build the scene as files, run the product on them, and compare every step with the truth.

    Parameters
    ----------
    folder : Path
        The scene goes into ``scene/``, the results into ``results/``, the configuration into ``config.yaml``. A scene
        that is there already is used again.
    shape : tuple of int
        Rows and columns of the scene, pixels of about 1 km.

    Returns
    -------
    Outcome
        With a table of what the steps are wrong by.
    """
    path = folder / "config.yaml"
    if not path.exists():
        with Console(stderr=True).status("building a synthetic Tarim-like scene"):
            write_tarim(tarim_scene(shape), folder / "scene")
        path.write_text(_config().to_yaml(), encoding="utf-8")
    config = PermafrostMapConfig.load(path)
    outcome = permafrost_map.run(config, appendix=partial(_compare, folder=folder / "scene", config=config))
    permafrost, truth = open_store(outcome.store), _open_truth(folder / "scene")
    table = Table("Against the truth", ("Step", "What", "Value"), [("map", *_kappa(permafrost, truth))])
    return Outcome(outcome.store, outcome.report, outcome.rasters, (*outcome.tables, table))


def _config() -> PermafrostMapConfig:
    files = tarim_files(Path("scene"))
    surveys = tuple(ClassifiedMap(name=f"{name} survey", path=path) for name, path in files.surveys.items())
    return PermafrostMapConfig(
        lst=LstSource(path=files.lst, max_error=None),
        land=Land(elevation=files.dem, classes=files.land_cover, glacier=files.glaciers, lake=files.lakes),
        stations=files.stations,
        output=Path("results"),
        gaps=GapFilling(sample=500),
        conductivity=Conductivity(calibration=Calibration.SURVEY, block=10_000.0),
        validation=Validation(
            surveys=surveys,
            rivals=(ClassifiedMap(name="hemispheric map", path=files.rival),),
            boreholes=files.boreholes,
        ),
    )


def _open_truth(scene: Path, group: str | None = None) -> xr.Dataset:
    truth: xr.Dataset = xr.open_zarr(tarim_files(scene).truth, group=group, consolidated=False)
    return truth


def _compare(findings: Findings, *, folder: Path, config: PermafrostMapConfig) -> list[Section]:
    truth, permafrost = _open_truth(folder), findings.permafrost
    rows = [*_gap_errors(findings, folder, config), *_errors(findings, truth), ("map", *_kappa(permafrost, truth))]
    table = Table("Every step against the truth", ("Step", "What", "Value"), rows)
    true_class = truth.mean_ground_class.assign_attrs(permafrost.mean_ground_class.attrs)
    maps = class_maps({"Found": permafrost.mean_ground_class, "True": true_class})
    counted = Agreement("this map", "truth", _confusion(permafrost, truth))
    pictures = [
        Picture(figure_png(maps), "The map and the truth, means over the years.", wide=True),
        Picture(figure_png(confusion_figure([counted])), "Pixels by found (rows) and true class (columns)."),
    ]
    return [Section("Against the truth", figures=pictures, tables=[table])]


def _gap_errors(findings: Findings, folder: Path, config: PermafrostMapConfig) -> Iterator[tuple[str, str, str]]:
    """Error of filled pixels on days whose cloudless images are known, by kriging with and without elevation."""
    clear = _open_truth(folder, "clear_lst").lst.compute()
    images = findings.images.sel(time=clear.time).compute()
    elevation = findings.land.elevation.compute()
    hidden = images.isnull() & clear.notnull().values
    fill = partial(
        thermal.fill_gaps, images, neighbours=config.gaps.neighbours, search_radius=config.gaps.search_radius
    )
    plain_fits = thermal.with_season_fallback(thermal.fit_gap_models(images, min_valid=config.gaps.min_valid))
    fits = findings.fits.sel(time=clear.time)
    filled = {
        "kriging with elevation": fill(elevation, models=fits),
        "ordinary kriging": fill(models=plain_fits),
    }
    both = hidden & np.isfinite(filled["kriging with elevation"].lst) & np.isfinite(filled["ordinary kriging"].lst)
    for name, cube in filled.items():
        error = (cube.lst - clear.values).where(both)
        yield "gap filling", f"RMSE of {name} (K)", f"{float((error**2).mean()) ** 0.5:.2f}"
    yield "gap filling", "pixels compared", f"{int(both.sum()):,}"


def _errors(findings: Findings, truth: xr.Dataset) -> Iterator[tuple[str, str, str]]:
    """RMSE and bias of daily temperatures, degree-days, TTOP and rk."""
    found = {
        "ground temperature": (findings.ground[GST], truth[GST], "K"),
        "thawing degree-days": (findings.permafrost.mean_ddt, truth.mean_ddt, "°C d"),
        "freezing degree-days": (findings.permafrost.mean_ddf, truth.mean_ddf, "°C d"),
        "TTOP": (findings.permafrost.mean_ttop, truth.mean_ttop, "K"),
        "rk": (findings.permafrost.rk, truth.rk, "1"),
    }
    for step, (ours, true, unit) in found.items():
        result = scores(ours.drop_attrs(), _on(true, ours)).compute()
        for score, value in (("RMSE", result.rmse), ("bias", result.bias)):
            yield step, f"{score} ({unit})", f"{float(value):.3g}".replace("-", "−")


def _on(true: xr.DataArray, ours: xr.DataArray) -> xr.DataArray:
    """The truth with the very coordinates of our map: those read from files differ in their last digits."""
    selected = true.sel(time=ours.time) if "time" in ours.dims else true
    return ours.copy(data=selected.data).drop_attrs()


def _confusion(permafrost: xr.Dataset, truth: xr.Dataset) -> Confusion:
    ours = permafrost.mean_ground_class
    return confusion(ours, _on(truth.mean_ground_class, ours), classes=STATES)


def _kappa(permafrost: xr.Dataset, truth: xr.Dataset) -> tuple[str, str]:
    return "Cohen's kappa", f"{_confusion(permafrost, truth).kappa:.3f}"
