"""The demo: the deformation product on a synthetic scene, compared with the scene's truth."""

from functools import partial
from pathlib import Path

import xarray as xr
from rich.console import Console

from cryoscale.products import deformation
from cryoscale.products.corrections import Reference
from cryoscale.products.deformation import DeformationConfig
from cryoscale.products.outcome import Outcome
from cryoscale.products.stack import StackSource
from cryoscale.report import Section, Table, truth_section
from cryoscale.scenes import datong_scene, write_licsar
from cryoscale.stats import scores
from cryoscale.store import open_store

COMPARED = {
    "velocity": "velocity",
    "deformation_rate": "velocity",
    "seasonal_amplitude": "seasonal_amplitude",
    "displacement": "displacement",
}
"""What the product recovers, and the truth that it is held against."""


def run(folder: Path) -> Outcome:
    """Build the scene as files of a LiCSAR frame, run the product on them, and compare with the truth.

    Parameters
    ----------
    folder : Path
        The scene goes into ``scene/``, the results into ``results/``, the configuration into ``config.yaml``. A scene
        that is there already is used again.

    Returns
    -------
    Outcome
        With a table of recovered against true values.
    """
    path = folder / "config.yaml"
    if not path.exists():
        with Console(stderr=True).status("building a synthetic Sentinel-1 scene"):
            _build_scene(folder / "scene", path)
    truth = xr.open_zarr(folder / "scene/truth.zarr", consolidated=False)
    outcome = deformation.run(DeformationConfig.load(path), appendix=partial(_compare, truth))
    table = compare(open_store(outcome.store), truth)
    return Outcome(outcome.store, outcome.report, outcome.rasters, (*outcome.tables, table))


def _compare(truth: xr.Dataset, cube: xr.Dataset) -> list[Section]:
    maps = {name: true_name for name, true_name in COMPARED.items() if "time" not in cube[name].dims}
    return [Section("Against the truth", tables=[compare(cube, truth)]), truth_section(cube, truth, compared=maps)]


def _build_scene(folder: Path, config: Path) -> None:
    """The configuration is written last: where it is, the scene is complete."""
    scene = datong_scene()
    write_licsar(scene.stack, folder / "GEOC")
    scene.truth.to_zarr(folder / "truth.zarr", mode="w", zarr_format=3, consolidated=False)
    latitude, longitude = scene.reference
    settings = DeformationConfig(
        stack=StackSource(path=Path("scene/GEOC")),
        output=Path("results"),
        reference=Reference(longitude=longitude, latitude=latitude),
    )
    config.write_text(settings.to_yaml(), encoding="utf-8")


def compare(cube: xr.Dataset, truth: xr.Dataset) -> Table:
    """Table of a deformation cube against the truth.

    Parameters
    ----------
    cube, truth : xarray.Dataset
        On the same grid and epochs.

    Returns
    -------
    Table
    """
    rows = []
    for name, true_name in COMPARED.items():
        recovered, true = cube[name], truth[true_name].where(cube[name].notnull())
        result = scores(recovered, true).compute()
        figures = (true.mean(), recovered.mean(), result.bias, result.rmse)
        numbers = (f"{float(figure):.2f}" for figure in figures)
        rows.append((name, str(recovered.attrs["units"]), *numbers, f"{float(result.r):.4f}"))
    header = ("quantity", "unit", "true mean", "recovered mean", "bias", "RMSE", "R")
    return Table("Recovered against true, over all pixels with data", header, rows)
