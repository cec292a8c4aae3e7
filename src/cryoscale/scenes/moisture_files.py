"""Write the moisture scene as the files that a user would have."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from cryoscale.scenes.moisture import MoistureScene
from cryoscale.scenes.moisture_land import UNITS
from cryoscale.writers import write_cog


@dataclass(frozen=True, slots=True)
class MoistureFiles:
    """Where the files of a moisture scene lie.

    Attributes
    ----------
    dem : pathlib.Path
        GeoTIFF of three seconds of arc, m.
    covariates : mapping of str to pathlib.Path
        GeoTIFFs of the 18 covariates that are not made of the DEM: radar and vegetation on its pixels, surface
        temperature and soil on pixels of 30 seconds. `cryoscale.scenes.moisture_land.UNITS` has their units. Brought
        to the grid of the DEM bilinearly they are the covariates of the scene.
    porosity : pathlib.Path
        GeoTIFF of 30 seconds, m3 m-3.
    permafrost : pathlib.Path
        GeoTIFF of three seconds: 1 permafrost, 0 none.
    samples : pathlib.Path
        CSV of layers.
    truth : pathlib.Path
        Zarr store with ``moisture``, ``porosity`` and ``permafrost_mask`` on the grid of the DEM.
    """

    dem: Path
    covariates: Mapping[str, Path]
    porosity: Path
    permafrost: Path
    samples: Path
    truth: Path


def moisture_files(folder: str | Path) -> MoistureFiles:
    """Where `write_moisture` puts what, or has put it.

    Parameters
    ----------
    folder : str or pathlib.Path
        Of the scene.

    Returns
    -------
    MoistureFiles

    Examples
    --------
    >>> moisture_files("scene").covariates["sand_0_30"].as_posix()
    'scene/covariates/sand_0_30.tif'
    """
    root = Path(folder)
    return MoistureFiles(
        dem=root / "dem.tif",
        covariates={name: root / "covariates" / f"{name}.tif" for name in UNITS},
        porosity=root / "porosity.tif",
        permafrost=root / "permafrost.tif",
        samples=root / "samples.csv",
        truth=root / "truth.zarr",
    )


def write_moisture(scene: MoistureScene, folder: str | Path) -> Path:
    """Write a moisture scene.

    Parameters
    ----------
    scene : MoistureScene
        From `cryoscale.scenes.moisture.moisture_scene`.
    folder : str or pathlib.Path
        Made if it is not there; files of another scene are replaced.

    Returns
    -------
    pathlib.Path
        The folder; `moisture_files` says what lies where in it. The truth is written last: where it is, all is.
    """
    root = Path(folder)
    files = moisture_files(root)
    maps = {"elevation": files.dem, "porosity": files.porosity, **files.covariates}
    for name, path in maps.items():
        write_cog(scene.maps[name], path)
    write_cog(scene.permafrost, files.permafrost)
    scene.samples.to_csv(files.samples, index=False)
    truth = xr.Dataset({array.name: array for array in (scene.truth, scene.porosity, scene.permafrost)})
    truth.to_zarr(files.truth, mode="w", zarr_format=3, consolidated=False)
    return root
