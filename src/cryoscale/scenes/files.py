"""Write the long-term scene as the files that a real record of five sensors would be made of."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from cryoscale.scenes.covariates import COVARIATES
from cryoscale.scenes.gacos import write_gacos
from cryoscale.scenes.licsar import pair_name, write_licsar, write_pair
from cryoscale.scenes.longterm import SENTINEL1, LongtermScene
from cryoscale.scenes.sparse import SPARSE_PAIRS
from cryoscale.writers import write_cog

COLUMNS = ("reference", "secondary", "phase", "coherence")
GEOMETRY = ("elevation", "incidence_angle")


@dataclass(frozen=True, slots=True)
class LongtermFiles:
    """Where the files of a long-term scene lie.

    Attributes
    ----------
    sentinel1 : pathlib.Path
        Folder of a LiCSAR frame.
    tables : mapping of str to pathlib.Path
        ``pairs.csv`` of each sparse sensor, for `cryoscale.readers.read_table`; in the same folder its interferograms,
        ``elevation.tif`` and ``incidence_angle.tif``.
    gacos : pathlib.Path
        Folder of zenith delays on the days of all sensors.
    lband_rate : pathlib.Path
        GeoTIFF, mm a-1.
    stable : pathlib.Path
        GeoTIFF, 1 on bedrock that does not move, else 0: where a ramp may be fitted.
    covariates : mapping of str to pathlib.Path
        GeoTIFFs by name.
    weather : pathlib.Path
        CSV with the columns ``time``, ``surface_temperature`` (degC) and ``cumulative_thawing_index`` (degC d).
    truth : pathlib.Path
        Zarr store with a group for each sensor and the group ``ground``.
    """

    sentinel1: Path
    tables: Mapping[str, Path]
    gacos: Path
    lband_rate: Path
    stable: Path
    covariates: Mapping[str, Path]
    weather: Path
    truth: Path


def longterm_files(folder: str | Path) -> LongtermFiles:
    """Where `write_longterm` puts what, or has put it.

    Parameters
    ----------
    folder : str or pathlib.Path
        Of the scene.

    Returns
    -------
    LongtermFiles

    Examples
    --------
    >>> longterm_files("scene").tables["ERS-2"].as_posix()
    'scene/ERS-2/pairs.csv'
    """
    root = Path(folder)
    return LongtermFiles(
        sentinel1=root / "Sentinel-1",
        tables={name: root / name / "pairs.csv" for name in SPARSE_PAIRS},
        gacos=root / "GACOS",
        lband_rate=root / "lband_rate.tif",
        stable=root / "stable.tif",
        covariates={name: root / "covariates" / f"{name}.tif" for name in COVARIATES},
        weather=root / "weather.csv",
        truth=root / "truth.zarr",
    )


def write_longterm(scene: LongtermScene, folder: str | Path) -> LongtermFiles:
    """Write a long-term scene.

    Parameters
    ----------
    scene : LongtermScene
        From `datong_longterm_scene`.
    folder : str or pathlib.Path
        Made if it is not there; files of a scene with the same dates are replaced.

    Returns
    -------
    LongtermFiles
        The truth is written last: where it is, all is.
    """
    files = longterm_files(folder)
    write_licsar(scene.sentinel1, files.sentinel1)
    for name, stack in scene.sparse.items():
        write_table(stack, files.tables[name])
    write_gacos(scene.zenith_delay, files.gacos)
    write_cog(scene.lband_rate, files.lband_rate)
    write_cog(scene.truth[SENTINEL1].stable, files.stable)
    for name, path in files.covariates.items():
        write_cog(scene.covariates[name], path)
    scene.weather.to_dataframe().to_csv(files.weather, float_format="%.3f")
    for name, truth in scene.truth.items():
        truth.to_zarr(files.truth, group=name, mode="w", zarr_format=3, consolidated=False)
    return files


def write_table(stack: xr.Dataset, table: str | Path) -> Path:
    """Write a stack as a CSV list of interferograms in GeoTIFFs.

    Parameters
    ----------
    stack : xarray.Dataset
        ``unwrapped_phase`` and ``coherence`` (pair, y, x), ``elevation`` and ``incidence_angle`` (y, x).
    table : str or pathlib.Path
        The CSV; all else lies beside it.

    Returns
    -------
    pathlib.Path
        The table.
    """
    path = Path(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    pairs = [stack.isel(pair=position) for position in range(stack.sizes["pair"])]
    rows = [(*_dates(pair), *_names(pair, path.parent)) for pair in pairs]
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])
    for name in GEOMETRY:
        write_cog(stack[name], path.with_name(f"{name}.tif"))
    return path


def _dates(pair: xr.Dataset) -> tuple[str, ...]:
    return tuple(str(pair[end].dt.strftime("%Y-%m-%d").item()) for end in ("reference", "secondary"))


def _names(pair: xr.Dataset, folder: Path) -> tuple[str, ...]:
    """Write a pair's files and give their names."""
    return tuple(path.name for path in write_pair(pair, folder / pair_name(pair)))
