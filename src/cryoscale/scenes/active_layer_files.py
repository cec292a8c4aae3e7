"""Write the active-layer scene as the files that a user would have."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import xarray as xr
from numpy.typing import NDArray
from rasterio.crs import CRS

from cryoscale.grids import geobox_of
from cryoscale.scenes.active_layer import ActiveLayerScene
from cryoscale.writers import write_cog

LST_PATTERN = "lst_{overpass}_{date:%Y%m%d}.tif"
NDVI_PATTERN = "ndvi_{date:%Y%m%d}.tif"
NDVI_SCALE, NDVI_NODATA = 0.0001, -3000  # of MOD13Q1
SURFACE = "surface"  # group of the truth's store


@dataclass(frozen=True, slots=True)
class ActiveLayerFiles:
    """Where the files of an active-layer scene lie.

    Attributes
    ----------
    lst : pathlib.Path
        Folder of daily GeoTIFFs of 960 m, named by `LST_PATTERN`: float32, degC, NaN is no data.
    ndvi : pathlib.Path
        Folder of GeoTIFFs of 240 m every 16 days, named by `NDVI_PATTERN`: int16, 0.0001, -3000 is no data.
    landsat_ndvi : pathlib.Path
        GeoTIFF of 30 m.
    dem : pathlib.Path
        GeoTIFF of 30 m, m.
    land_cover : pathlib.Path
        GeoTIFF of 30 m: 1 swamp meadow, 2 meadow, 3 sparse steppe, 4 bare rock, 5 water.
    water : pathlib.Path
        GeoTIFF of 30 m, 1 on water.
    permafrost : pathlib.Path
        GeoTIFF of 30 m: 1 permafrost, 2 seasonally frozen ground, 4 water.
    sites : pathlib.Path
        CSV of probed thickness.
    truth : pathlib.Path
        Zarr store: the truth, and in the group ``surface`` what makes the true LST and NDVI of every day.
    """

    lst: Path
    ndvi: Path
    landsat_ndvi: Path
    dem: Path
    land_cover: Path
    water: Path
    permafrost: Path
    sites: Path
    truth: Path


def active_layer_files(folder: str | Path) -> ActiveLayerFiles:
    """Where `write_active_layer` puts what, or has put it.

    Parameters
    ----------
    folder : str or pathlib.Path
        Of the scene.

    Returns
    -------
    ActiveLayerFiles

    Examples
    --------
    >>> active_layer_files("scene").dem.as_posix()
    'scene/dem.tif'
    """
    root = Path(folder)
    return ActiveLayerFiles(
        lst=root / "lst",
        ndvi=root / "ndvi",
        landsat_ndvi=root / "landsat_ndvi.tif",
        dem=root / "dem.tif",
        land_cover=root / "land_cover.tif",
        water=root / "water.tif",
        permafrost=root / "permafrost.tif",
        sites=root / "sites.csv",
        truth=root / "truth.zarr",
    )


def write_active_layer(scene: ActiveLayerScene, folder: str | Path) -> Path:
    """Write an active-layer scene.

    Parameters
    ----------
    scene : ActiveLayerScene
        From `cryoscale.scenes.active_layer.active_layer_scene`.
    folder : str or pathlib.Path
        Made if it is not there; files of another scene are replaced.

    Returns
    -------
    pathlib.Path
        The folder; `active_layer_files` says what lies where in it. The truth is written last: where it is, all is.
    """
    root = Path(folder)
    files = active_layer_files(root)
    for images in (files.lst, files.ndvi):
        images.mkdir(parents=True, exist_ok=True)
        for left in images.glob("*.tif"):
            left.unlink()  # of a scene with other days
    for number, overpass in enumerate(scene.lst.overpass.values):
        write_series(
            scene.lst[number], files.lst, pattern=LST_PATTERN.replace("{overpass}", str(overpass)), nodata=np.nan
        )
    write_series(_ndvi_counts(scene.ndvi), files.ndvi, pattern=NDVI_PATTERN, nodata=NDVI_NODATA, scale=NDVI_SCALE)
    maps = {
        files.dem: scene.elevation,
        files.landsat_ndvi: scene.landsat_ndvi,
        files.land_cover: scene.land_cover,
        files.water: scene.water,
        files.permafrost: scene.permafrost,
    }
    for path, array in maps.items():
        write_cog(array, path)
    scene.sites.to_csv(files.sites, index=False)
    for group, dataset in ((None, scene.truth), (SURFACE, scene.surface)):
        dataset.to_zarr(files.truth, group=group, mode="w", zarr_format=3, consolidated=False)
    return root


def write_series(
    series: xr.DataArray, folder: Path, *, pattern: str, nodata: float, scale: float | None = None
) -> None:
    """Write every time of a raster as a GeoTIFF of its own.

    Parameters
    ----------
    series : xarray.DataArray
        (time, y, x) of a type that GeoTIFF knows, with its unit.
    folder : pathlib.Path
        There must be one.
    pattern : str
        Name of a file with the field ``{date:...}``.
    nodata : float
        Value that is none.
    scale : float, optional
        Value times scale is the quantity; noted in the file.
    """
    geobox = geobox_of(series)
    profile = {
        "driver": "GTiff",
        "count": 1,
        "height": geobox.height,
        "width": geobox.width,
        "transform": geobox.transform,
        "crs": CRS.from_user_input(str(geobox.crs)),
        "dtype": series.dtype.name,
        "nodata": nodata,
    }
    for day, image in zip(series.get_index("time"), series.values, strict=True):
        with rasterio.open(folder / pattern.format(date=day), "w", **profile) as target:
            target.write(image, 1)
            target.units = (series.attrs["units"],)
            if scale is not None:
                target.scales = (scale,)


def _ndvi_counts(ndvi: xr.DataArray) -> xr.DataArray:
    counts: NDArray[np.int16] = np.rint(ndvi.values / NDVI_SCALE).astype(np.int16)
    return ndvi.copy(data=counts)
