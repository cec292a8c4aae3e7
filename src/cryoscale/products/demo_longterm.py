"""The long-term demo: the record of five sensors on a synthetic scene, compared with the scene's truth."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr
from rich.console import Console
from scipy.ndimage import distance_transform_edt

from cryoscale.products import longterm
from cryoscale.products.analysis import Drivers
from cryoscale.products.constraint import Constraint
from cryoscale.products.corrections import Corrections, Ramp, Reference, Screening, Troposphere, Unwrapping
from cryoscale.products.deformation import DeformationConfig
from cryoscale.products.longterm import LongtermConfig, SparseSensor
from cryoscale.products.outcome import Outcome
from cryoscale.products.seasons import Seasons
from cryoscale.products.stack import StackFormat, StackSource
from cryoscale.report import Table
from cryoscale.scenes import LongtermFiles, LongtermScene, datong_longterm_scene, longterm_files, write_longterm
from cryoscale.stats import scores
from cryoscale.variables import attributes
from cryoscale.writers import write_cog

STABLE = Path("scene/stable.tif")

COHERENT = 0.5
"""Mean coherence of the reference area in every sensor's pairs, at least."""

CELL = 120.0
"""Side of the cells in which drivers are looked for, m: the scene is too small for cells of 1 km."""

STABLE_SLOPE = 10.0
"""Ground steeper than this, degree, is taken to be bedrock: ramps are fitted there."""


def run(folder: Path) -> Outcome:
    """Build the scene as files, run the product on them, and compare with the truth.

    Parameters
    ----------
    folder : Path
        The scene goes into ``scene/``, the results into ``longterm/`` and ``deformation/``, the configuration into
        ``config.yaml``. A scene that is there already is used again.

    Returns
    -------
    Outcome
        With tables of recovered against true values, and of Eq. 4 against scaling by the thawing index.
    """
    path = folder / "config.yaml"
    if not path.exists():
        with Console(stderr=True).status("building a synthetic scene of five sensors"):
            build_scene(datong_longterm_scene(), folder)
    outcome = longterm.run(LongtermConfig.load(path))
    record = longterm.open_record(outcome.store)
    truth = {
        str(group.attrs["sensor"]): xr.open_zarr(
            longterm_files(folder / "scene").truth, group=group.attrs["sensor"], consolidated=False
        )
        for group in record.values()
    }
    tables = (*outcome.tables, compare(record, truth), compare_scalings(record, truth))
    return Outcome(outcome.store, outcome.report, outcome.rasters, tables)


def build_scene(scene: LongtermScene, folder: Path) -> None:
    """Write a scene and its configuration; the configuration last: where it is, the scene is complete.

    Parameters
    ----------
    scene : LongtermScene
        The scene.
    folder : Path
        See `run`.
    """
    files = write_longterm(scene, folder / "scene")
    steep = (scene.covariates.slope > STABLE_SLOPE).astype("float32").rename("stable")
    write_cog(steep.drop_attrs(deep=False).assign_attrs(attributes("stable")), folder / STABLE)
    (folder / "config.yaml").write_text(configure(files, common_reference(scene), folder).to_yaml(), encoding="utf-8")


def common_reference(scene: LongtermScene) -> tuple[float, float]:
    """Choose a place that every sensor sees on coherent, steep ground: deepest within it.

    Parameters
    ----------
    scene : LongtermScene
        The scene.

    Returns
    -------
    tuple of float
        y and x.
    """
    steep = (scene.covariates.slope > STABLE_SLOPE) & scene.lband_rate.notnull()
    for stack in (scene.sentinel1, *scene.sparse.values()):
        steep = steep & (stack.coherence.mean("pair") > COHERENT)
    depth = distance_transform_edt(np.pad(steep.values, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(np.argmax(depth), depth.shape)
    return float(steep.y[row]), float(steep.x[column])


def configure(files: LongtermFiles, reference: tuple[float, float], folder: Path) -> LongtermConfig:
    """Configuration of the whole chain on a scene.

    Parameters
    ----------
    files : LongtermFiles
        Where the scene lies.
    reference : tuple of float
        y and x of a place on stable ground.
    folder : Path
        That of the configuration, which its paths are relative to.

    Returns
    -------
    LongtermConfig
    """
    place = Reference(latitude=reference[0], longitude=reference[1])
    gacos = Troposphere(folder=files.gacos.relative_to(folder))
    ramp = Ramp(order=2, min_coherence=0.3, stable=STABLE)
    return LongtermConfig(
        sentinel1=DeformationConfig(
            stack=StackSource(path=files.sentinel1.relative_to(folder)),
            corrections=Corrections(troposphere=gacos, ramp=ramp, screening=Screening(), unwrapping=Unwrapping()),
            reference=place,
            constraint=Constraint(rate=files.lband_rate.relative_to(folder)),
            seasons=Seasons(),
        ),
        sparse=tuple(
            SparseSensor(
                sensor=name,
                stack=StackSource(
                    path=table.relative_to(folder),
                    format=StackFormat.TABLE,
                    geometry={
                        fact: table.with_name(f"{fact}.tif").relative_to(folder)
                        for fact in ("elevation", "incidence_angle")
                    },
                ),
                corrections=Corrections(troposphere=gacos, ramp=ramp, screening=None),
            )
            for name, table in files.tables.items()
        ),
        temperature=files.weather.relative_to(folder),
        drivers=Drivers(
            covariates={name: path.relative_to(folder) for name, path in files.covariates.items()}, cell=CELL
        ),
    )


def compare(record: Mapping[str, xr.Dataset], truth: Mapping[str, xr.Dataset]) -> Table:
    """Table of the record against the truth, along each line of sight.

    Parameters
    ----------
    record : mapping of str to xarray.Dataset
        By group.
    truth : mapping of str to xarray.Dataset
        By sensor.

    Returns
    -------
    Table
    """
    rows = []
    for name, group in record.items():
        true = truth[str(group.attrs["sensor"])]
        if "deformation_rate" in group:
            rows.append((name, "rate (mm/a)", *_figures(group.deformation_rate, true.deformation_rate)))
        if "thaw_season_deformation" in group:
            season = group.thaw_season_deformation
            wanted = true.thaw_season_deformation.sel(year=season.year)
            rows.append((name, "thaw season (mm)", *_figures(season, wanted)))
    header = ("period", "quantity", "true mean", "recovered mean", "bias", "RMSE", "R")
    return Table("Recovered against true, line of sight, over all pixels with data", header, rows)


def compare_scalings(record: Mapping[str, xr.Dataset], truth: Mapping[str, xr.Dataset]) -> Table:
    """Table of Eq. 4 against scaling by the thawing index, over the pixels that have both.

    Parameters
    ----------
    record : mapping of str to xarray.Dataset
        By group.
    truth : mapping of str to xarray.Dataset
        By sensor.

    Returns
    -------
    Table
    """
    rows = []
    for group in (group for group in record.values() if "index_scaled_season" in group):
        sensor = str(group.attrs["sensor"])
        for year in group.year.values:
            of_year = group.sel(year=year)
            wanted = truth[sensor].thaw_season_deformation.sel(year=year)
            by_share, by_index = of_year.thaw_season_deformation, of_year.index_scaled_season
            both = by_share.notnull() & by_index.notnull()
            results = [scores(each.where(both), wanted).compute() for each in (by_share, by_index)]
            numbers = [f"{float(result[name]):.2f}" for result in results for name in ("bias", "rmse")]
            rows.append((sensor, str(year), f"{int(both.sum())}", *numbers))
    header = ("sensor", "year", "pixels", "Eq. 4: bias", "Eq. 4: RMSE", "thawing index: bias", "thawing index: RMSE")
    return Table("Thaw seasons by Eq. 4 and by the thawing index against the truth (mm)", header, rows)


def _figures(recovered: xr.DataArray, true: xr.DataArray) -> list[str]:
    known = true.where(recovered.notnull())
    result = scores(recovered, known).compute()
    figures = (known.mean(), recovered.mean(), result.bias, result.rmse)
    return [*(f"{float(figure):.2f}" for figure in figures), f"{float(result.r):.3f}"]
