"""The demo of mining: the product on a synthetic district, compared with its truth."""

from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr
from rich.console import Console

from cryoscale.ground import SparseClasses
from cryoscale.products import mining
from cryoscale.products.covariates import CovariateSource
from cryoscale.products.mining_config import (
    ActiveLayer,
    Dem,
    Folds,
    GroundIce,
    GroundTemperature,
    Mine,
    MiningConfig,
    Units,
    Vegetation,
)
from cryoscale.products.mining_report import Findings
from cryoscale.products.mining_works import Heat, Numerics, Sediment, SoilSource
from cryoscale.products.outcome import Outcome
from cryoscale.report import (
    Agreement,
    Check,
    Picture,
    Section,
    Table,
    agreement_table,
    check_plot,
    check_table,
    figure_png,
    quantity_maps,
)
from cryoscale.scenes import muli_files, muli_scene, write_muli
from cryoscale.stats import confusion
from cryoscale.stats.confusion import Confusion

SHAPE = (120, 140)
YEARS = (2001, 2025)
BLOCKS = 600.0
"""Side of the blocks of the cross-validations, m: the scene is some 4 km wide."""

_SEDIMENTS = {  # water (m3 m-3), unfrozen at -1 degC (m3 m-3), thickness (m)
    "alluvial": (0.30, 0.03, 10.0),
    "lacustrine_bog": (0.55, 0.08, 8.0),
    "slope_wash": (0.40, 0.06, 6.0),
    "moraine": (0.33, 0.04, 15.0),
    "bedrock": (0.10, 0.02, 1.0),
}


def run(
    folder: Path,
    *,
    shape: tuple[int, int] = SHAPE,
    years: tuple[int, int] = YEARS,
    heat: Heat | None = None,
    n_trees: int = 200,
) -> Outcome:
    """Build the scene as files, run the product on them, and compare with the truth.

    Parameters
    ----------
    folder : Path
        The scene goes into ``scene/``, the results into ``results/``, the configuration into ``config.yaml``. A scene
        that is there already is used again.
    shape : tuple of int
        Rows and columns of 30 m.
    years : tuple of int
        First and last year that are simulated.
    heat : Heat, optional
        Instead of that of the demo.
    n_trees : int
        Of the forest.

    Returns
    -------
    Outcome
        With tables of what the maps are wrong by.
    """
    path = folder / "config.yaml"
    if not path.exists():
        with Console(stderr=True).status("building a synthetic mining district"):
            write_muli(muli_scene(shape), folder / "scene")
        path.write_text(_config(years, heat or demo_heat(), n_trees).to_yaml(), encoding="utf-8")
    compared: list[Table] = []
    compare = partial(_compare, scene=folder / "scene", tables=compared)
    outcome = mining.run(MiningConfig.load(path), appendix=compare)
    return Outcome(outcome.store, outcome.report, outcome.rasters, (*outcome.tables, *compared))


def demo_heat(numerics: Numerics | None = None) -> Heat:
    """Soils of the scene's units, and coarse classes of depth and height.

    Parameters
    ----------
    numerics : Numerics, optional
        Instead of those.
    """
    sediments = {
        name: Sediment(
            thickness=thickness,
            soil=SoilSource(
                water=water,
                unfrozen_a=unfrozen,
                heat_capacity_thawed=2.0e6 + 2.2e6 * water,
                heat_capacity_frozen=1.7e6 + 0.9e6 * water,
                conductivity_thawed=1.9 - 1.7 * water,
                conductivity_frozen=2.2,
            ),
        )
        for name, (water, unfrozen, thickness) in _SEDIMENTS.items()
    }
    return Heat(sediments=sediments, numerics=numerics or Numerics(size_step=20.0))


def _config(years: tuple[int, int], heat: Heat, n_trees: int) -> MiningConfig:
    files = muli_files(Path("scene"))
    folds = Folds(block_size=BLOCKS)
    return MiningConfig(
        terrain=Dem(elevation=files.dem),
        vegetation=Vegetation(
            bands={name: CovariateSource(path=path, unit="1") for name, path in files.bands.items()},
            labels=files.labels,
            n_trees=n_trees,
            validation=folds,
        ),
        ground_temperature=GroundTemperature(
            boreholes=files.boreholes, sparse_classes=SparseClasses.POOL, validation=folds
        ),
        active_layer=ActiveLayer(path=files.active_layer_thickness),
        units=Units(path=files.units),
        ground_ice=GroundIce(logs=files.ice_logs),
        mine=Mine(outlines=files.mine, first_year=years[0], last_year=years[1], heat=heat),
        output=Path("results"),
    )


def _compare(findings: Findings, *, scene: Path, tables: list[Table]) -> list[Section]:
    """The section that compares with the truth; its tables also go into the list, for the command line."""
    vegetation, temperature, ice = findings.vegetation, findings.temperature, findings.ice
    if vegetation is None or temperature is None or ice is None:
        return []
    truth = xr.open_zarr(muli_files(scene).truth, consolidated=False)
    magt = temperature.layers.magt
    true = magt.copy(data=truth.magt.data).where(magt.notnull()).assign_attrs(magt.attrs)
    check = Check("Mean annual ground temperature", "truth of the scene", magt, true)
    agreement = Agreement("vegetation", "truth of the scene", _agreement(vegetation.layers.vegetation_class, truth))
    total, volume = ice.volumes.total, float(truth.attrs["ice_volume_km3"])
    inside = total["ice_low_km3"] <= volume <= total["ice_high_km3"]
    row = (f"{1e3 * volume:.3f}", f"{1e3 * total['ice_km3']:.3f}", "yes" if inside else "no")
    tables += [
        agreement_table([agreement]),
        check_table([check]),
        Table("Ground ice before mining (million m³)", ("true", "found", "true one in the interval"), [row]),
    ]
    maps = {"True": true.compute(), "Mapped": magt.compute()}
    pictures = [
        Picture(figure_png(quantity_maps(maps)), "Ground temperature: the truth and the map.", wide=True),
        Picture(figure_png(check_plot(check)), "Every pixel of the map against the truth."),
    ]
    return [Section("Against the truth", figures=pictures, tables=tables)]


def _agreement(mapped: xr.DataArray, truth: xr.Dataset) -> Confusion:
    """Classes of the map against those of the truth, which has other codes for the same names."""
    names = dict(zip(mapped.attrs["flag_values"], mapped.attrs["flag_meanings"].split(), strict=True))
    true = truth.vegetation_class
    codes = dict(zip(true.attrs["flag_meanings"].split(), true.attrs["flag_values"], strict=True))
    table = np.zeros(256, np.uint8)
    for code, name in names.items():
        table[codes.get(name, 0)] = code
    table[0] = 0
    return confusion(mapped, mapped.copy(data=table[true.values]))
