"""The demo of the active layer's moisture: the product on a synthetic plateau, compared with its truth."""

from functools import partial
from pathlib import Path

import xarray as xr
from rich.console import Console

from cryoscale.products import moisture
from cryoscale.products.covariates import CovariateSource, TerrainSource
from cryoscale.products.moisture_inputs import CrossValidation, Learning, MoistureConfig, SampleTable
from cryoscale.products.moisture_report import Findings
from cryoscale.products.outcome import Outcome
from cryoscale.products.permafrost_checks import ClassifiedMap
from cryoscale.report import (
    Check,
    Picture,
    Section,
    Table,
    check_plot,
    check_table,
    decimated,
    figure_png,
    quantity_maps,
)
from cryoscale.scenes import moisture_files, moisture_scene, write_moisture
from cryoscale.scenes.moisture_land import UNITS
from cryoscale.scenes.moisture_truth import INFORMATIVE
from cryoscale.store import open_store

SHAPE = (240, 320)
BLOCKS = 3000.0
"""Side of the blocks of the cross-validation, m: the scene is some 25 km wide."""


def run(folder: Path, *, shape: tuple[int, int] = SHAPE, learning: Learning | None = None) -> Outcome:
    """Build the scene as files, run the product on them, and compare the map with the truth.

    Parameters
    ----------
    folder : Path
        The scene goes into ``scene/``, the results into ``results/``, the configuration into ``config.yaml``. A scene
        that is there already is used again.
    shape : tuple of int
        Rows and columns of 90 m.
    learning : Learning, optional
        Instead of the defaults.

    Returns
    -------
    Outcome
        With a table of what the map is wrong by.
    """
    path = folder / "config.yaml"
    if not path.exists():
        with Console(stderr=True).status("building a synthetic plateau"):
            write_moisture(moisture_scene(shape), folder / "scene")
        path.write_text(_config(learning or Learning()).to_yaml(), encoding="utf-8")
    config = MoistureConfig.load(path)
    outcome = moisture.run(config, appendix=partial(_compare, scene=folder / "scene"))
    check = _check(open_store(outcome.store), folder / "scene")
    return Outcome(outcome.store, outcome.report, outcome.rasters, (*outcome.tables, check_table([check])))


def _config(learning: Learning) -> MoistureConfig:
    files = moisture_files(Path("scene"))
    terrain = TerrainSource(elevation=files.dem)
    covariates = {name: CovariateSource(path=path, unit=UNITS[name]) for name, path in files.covariates.items()}
    return MoistureConfig(
        samples=SampleTable(path=files.samples),
        terrain=terrain,
        covariates=covariates | {"porosity": CovariateSource(path=files.porosity, unit="m3 m-3")},
        features=(*terrain.names, *covariates),
        permafrost=ClassifiedMap(name="permafrost of the scene", path=files.permafrost, other=(0,)),
        porosity="porosity",
        validation=CrossValidation(block_size=BLOCKS),
        learning=learning,
        output=Path("results"),
    )


def _truth(layers: xr.Dataset, scene: Path) -> xr.DataArray:
    """The truth where there is a prediction, with the very coordinates of our map."""
    stored = xr.open_zarr(moisture_files(scene).truth, consolidated=False, decode_coords="all").moisture
    truth: xr.DataArray = layers.moisture.copy(data=stored.data).where(layers.moisture.notnull())
    return truth.assign_attrs(stored.attrs)


def _check(layers: xr.Dataset, scene: Path) -> Check:
    return Check("Moisture", "truth of the scene", layers.moisture, _truth(layers, scene))


def _compare(findings: Findings, *, scene: Path) -> list[Section]:
    layers, kept = findings.layers, findings.ensemble.features_
    few = decimated(layers)
    maps = {"True": _truth(few, scene) if few.sizes == layers.sizes else few.moisture, "Mapped": few.moisture}
    check = _check(layers, scene)
    inside = check.truth.notnull()
    held = ((check.truth >= layers.moisture_lower) & (check.truth <= layers.moisture_upper)).where(inside).mean()
    found = [name for name in INFORMATIVE if name in kept]
    rows = [
        ("covariates that matter and were kept", f"{len(found)} of {len(INFORMATIVE)}"),
        ("covariates that do not matter and were kept", str(len(kept) - len(found))),
        ("pixels whose truth, free of the noise of samples, lies in the interval", f"{100 * float(held):.1f} %"),
    ]
    pictures = [
        Picture(figure_png(quantity_maps(maps)), "The truth and the map, in the same colours.", wide=True),
        Picture(figure_png(check_plot(check)), "Every pixel of the map against the truth."),
    ]
    tables = [check_table([check]), Table("Selection and interval", ("what", "found"), rows)]
    return [Section("Against the truth", figures=pictures, tables=tables)]
