"""Write the Tarim-like scene as the files that a user would have."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import xarray as xr
from numpy.typing import NDArray
from rasterio.crs import CRS

from cryoscale.grids import geobox_of, grid_coords
from cryoscale.scenes.tarim import TarimScene
from cryoscale.scenes.tarim_land import RK
from cryoscale.scenes.tarim_maps import SURVEYS
from cryoscale.variables import attributes
from cryoscale.writers import write_cog

LAYERS = {
    "terra_day": ("MOD11A1", "LST_Day_1km"),
    "aqua_day": ("MYD11A1", "LST_Day_1km"),
    "terra_night": ("MOD11A1", "LST_Night_1km"),
    "aqua_night": ("MYD11A1", "LST_Night_1km"),
}
"""Product and layer of each overpass."""

SCALE, FREEZING = 0.02, 273.15  # K of a count, and 0 degC in K
CLEAR = "clear_lst"  # group of the truth's store


@dataclass(frozen=True, slots=True)
class TarimFiles:
    """Where the files of a Tarim-like scene lie.

    Attributes
    ----------
    lst : pathlib.Path
        Folder of daily GeoTIFFs, named as AppEEARS names MODIS Collection 6.1: uint16, 0.02 K, 0 is no data.
    dem : pathlib.Path
        GeoTIFF, m, at a third of the images' pixels.
    land_cover : pathlib.Path
        GeoTIFF on the DEM's grid: ESA CCI class with the largest share.
    land_cover_fraction : mapping of int to pathlib.Path
        GeoTIFFs on the DEM's grid by class: its share, 0 to 1.
    glaciers, lakes : pathlib.Path
        GeoPackages with outlines.
    stations, boreholes : pathlib.Path
        CSV.
    surveys : mapping of str to pathlib.Path
        GeoTIFFs of parts of the scene: 1 permafrost, 2 seasonally frozen ground, 3 no data.
    rival : pathlib.Path
        GeoTIFF of about 10 km with the same legend.
    truth : pathlib.Path
        Zarr store: the truth, and in the group ``clear_lst`` some images without clouds.
    """

    lst: Path
    dem: Path
    land_cover: Path
    land_cover_fraction: Mapping[int, Path]
    glaciers: Path
    lakes: Path
    stations: Path
    boreholes: Path
    surveys: Mapping[str, Path]
    rival: Path
    truth: Path


def tarim_files(folder: str | Path) -> TarimFiles:
    """Where `write_tarim` puts what, or has put it.

    Parameters
    ----------
    folder : str or pathlib.Path
        Of the scene.

    Returns
    -------
    TarimFiles

    Examples
    --------
    >>> tarim_files("scene").land_cover_fraction[130].as_posix()
    'scene/land_cover/fraction_130.tif'
    """
    root = Path(folder)
    return TarimFiles(
        lst=root / "lst",
        dem=root / "dem.tif",
        land_cover=root / "land_cover" / "class.tif",
        land_cover_fraction={code: root / "land_cover" / f"fraction_{code}.tif" for code in RK},
        glaciers=root / "glaciers.gpkg",
        lakes=root / "lakes.gpkg",
        stations=root / "stations.csv",
        boreholes=root / "boreholes.csv",
        surveys={name: root / f"survey_{name}.tif" for name in SURVEYS},
        rival=root / "hemisphere.tif",
        truth=root / "truth.zarr",
    )


def write_tarim(scene: TarimScene, folder: str | Path) -> Path:
    """Write a Tarim-like scene.

    Parameters
    ----------
    scene : TarimScene
        From `cryoscale.scenes.tarim.tarim_scene`.
    folder : str or pathlib.Path
        Made if it is not there; files of a scene with the same dates are replaced.

    Returns
    -------
    pathlib.Path
        The folder; `tarim_files` says what lies where in it. The truth is written last: where it is, all is.
    """
    root = Path(folder)
    files = tarim_files(root)
    files.lst.mkdir(parents=True, exist_ok=True)
    write_modis(scene.lst, files.lst, recorded=scene.truth.image_recorded)
    for array, path in _maps(scene, files):
        write_cog(array, path)
    for outlines, path in ((scene.glaciers, files.glaciers), (scene.lakes, files.lakes)):
        _write_outlines(outlines, path)
    for table, path in ((scene.stations, files.stations), (scene.boreholes, files.boreholes)):
        table.to_csv(path, index=False, float_format="%.7g")
    for group, dataset in ((None, scene.truth), (CLEAR, scene.clear_lst.to_dataset())):
        named = dataset.assign_coords(overpass=dataset.overpass.astype(object))  # Zarr v3 has no fixed-length strings
        named.to_zarr(files.truth, group=group, mode="w", zarr_format=3, consolidated=False)
    return root


def write_modis(lst: xr.DataArray, folder: str | Path, *, recorded: xr.DataArray) -> None:
    """Write images as daily GeoTIFFs of MOD11A1 and MYD11A1.

    Parameters
    ----------
    lst : xarray.DataArray
        ``lst`` (overpass, time, y, x), degC, NaN is no data.
    folder : str or pathlib.Path
        There must be one.
    recorded : xarray.DataArray
        bool (overpass, time): images that have a file; an image that is all clouds has one of zeros.
    """
    geobox = geobox_of(lst)
    profile = {
        "driver": "GTiff",
        "count": 1,
        "height": geobox.height,
        "width": geobox.width,
        "transform": geobox.transform,
        "crs": CRS.from_user_input(str(geobox.crs)),
        "dtype": "uint16",
        "nodata": 0,
    }
    days = [f"{day:%Y%j}" for day in lst.get_index("time")]
    for position, overpass in enumerate(lst.overpass.values):
        product, layer = LAYERS[str(overpass)]
        for image, day, exists in zip(lst.values[position], days, recorded.values[position], strict=True):
            path = Path(folder) / f"{product}.061_{layer}_doy{day}_aid0001.tif"
            if exists:
                _write_image(path, _counts(image), profile)
            else:
                path.unlink(missing_ok=True)  # of another scene


def _counts(image: NDArray[np.floating]) -> NDArray[np.uint16]:
    """Counts of 0.02 K; nothing is 0."""
    return np.asarray(np.rint(np.nan_to_num((image + FREEZING) / SCALE, nan=0.0)), np.uint16)


def _write_image(path: Path, counts: NDArray[np.uint16], profile: dict[str, object]) -> None:
    with rasterio.open(path, "w", **profile) as target:
        target.write(counts, 1)
        target.scales, target.units = (SCALE,), ("K",)


def _maps(scene: TarimScene, files: TarimFiles) -> Iterator[tuple[xr.DataArray, Path]]:
    """Every single map, and its file."""
    yield scene.fine_elevation, files.dem
    yield _largest_class(scene.land_cover_fraction), files.land_cover
    for code, path in files.land_cover_fraction.items():
        yield scene.land_cover_fraction.sel(land_cover_class=code, drop=True), path
    for name, path in files.surveys.items():
        yield scene.surveys[name], path
    yield scene.rival, files.rival


def _largest_class(fractions: xr.DataArray) -> xr.DataArray:
    classes = fractions.land_cover_class.values[fractions.values.argmax(0)]
    return xr.DataArray(classes, grid_coords(geobox_of(fractions)), ("y", "x"), "land_cover", attributes("land_cover"))


def _write_outlines(outlines: gpd.GeoDataFrame, path: Path) -> None:
    path.unlink(missing_ok=True)  # the driver would add a layer to a file that is there
    outlines.to_file(path, driver="GPKG")
