"""Write the scene of the mining district as the files that a user would have."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from cryoscale.scenes.muli import MuliScene
from cryoscale.scenes.muli_land import REFLECTANCE
from cryoscale.writers import write_cog


@dataclass(frozen=True, slots=True)
class MuliFiles:
    """Where the files of a scene lie.

    Attributes
    ----------
    dem : pathlib.Path
        GeoTIFF, m.
    bands : mapping of str to pathlib.Path
        GeoTIFFs of reflectances by name of the band.
    active_layer_thickness : pathlib.Path
        GeoTIFF, m; NaN without permafrost.
    permafrost : pathlib.Path
        GeoTIFF, 1 where there is permafrost.
    units : pathlib.Path
        GeoTIFF of geomorphic units; its metadata name them.
    labels, boreholes, ice_logs : pathlib.Path
        CSV.
    mine : pathlib.Path
        GeoPackage of pits and heaps.
    ice_contents : pathlib.Path
        CSV of the true ice contents.
    truth : pathlib.Path
        Zarr store: true vegetation and mean annual ground temperature; its attribute ``ice_volume_km3`` is the true
        volume of ice.
    """

    dem: Path
    bands: Mapping[str, Path]
    active_layer_thickness: Path
    permafrost: Path
    units: Path
    labels: Path
    boreholes: Path
    ice_logs: Path
    mine: Path
    ice_contents: Path
    truth: Path


def muli_files(folder: str | Path) -> MuliFiles:
    """Where `write_muli` puts what, or has put it.

    Parameters
    ----------
    folder : str or pathlib.Path
        Of the scene.

    Returns
    -------
    MuliFiles

    Examples
    --------
    >>> muli_files("scene").bands["nir"].as_posix()
    'scene/bands/nir.tif'
    """
    root = Path(folder)
    return MuliFiles(
        dem=root / "dem.tif",
        bands={name: root / "bands" / f"{name}.tif" for name in REFLECTANCE},
        active_layer_thickness=root / "active_layer_thickness.tif",
        permafrost=root / "permafrost.tif",
        units=root / "units.tif",
        labels=root / "labels.csv",
        boreholes=root / "boreholes.csv",
        ice_logs=root / "ice_logs.csv",
        mine=root / "mine.gpkg",
        ice_contents=root / "true_ice_contents.csv",
        truth=root / "truth.zarr",
    )


def write_muli(scene: MuliScene, folder: str | Path) -> Path:
    """Write a scene.

    Parameters
    ----------
    scene : MuliScene
        From `cryoscale.scenes.muli.muli_scene`.
    folder : str or pathlib.Path
        Made if it is not there; files of another scene are replaced.

    Returns
    -------
    pathlib.Path
        The folder; `muli_files` says what lies where in it. The truth is written last: where it is, all is.
    """
    root = Path(folder)
    files = muli_files(root)
    maps = {
        files.dem: scene.elevation,
        files.active_layer_thickness: scene.active_layer_thickness,
        files.permafrost: scene.permafrost,
        files.units: scene.units,
    } | {path: scene.bands[name] for name, path in files.bands.items()}
    for path, array in maps.items():
        write_cog(array, path)
    tables = {
        files.labels: scene.labels,
        files.boreholes: scene.boreholes,
        files.ice_logs: scene.ice_logs,
        files.ice_contents: scene.ice_contents,
    }
    for path, table in tables.items():
        table.to_csv(path, index=False)
    files.mine.unlink(missing_ok=True)  # the driver would add a layer to a file that is there
    scene.mine.to_file(files.mine, driver="GPKG")
    truth = xr.Dataset(
        {array.name: array for array in (scene.vegetation, scene.magt)}, attrs={"ice_volume_km3": scene.ice_volume}
    )
    truth.to_zarr(files.truth, mode="w", zarr_format=3, consolidated=False)
    return root
