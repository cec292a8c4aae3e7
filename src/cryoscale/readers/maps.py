"""Single maps, such as a deformation rate from another sensor, on the grid of a stack."""

from pathlib import Path

import numpy as np
import rioxarray
import xarray as xr
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.grids import describe_grid, geobox_of
from cryoscale.variables import VARIABLES, attributes

_PIXEL_SHARE = 0.01
"""How far, in pixels, two grids may be apart and still be the same."""


def open_map(path: Path, name: str, *, geobox: GeoBox, chunks: dict[str, int]) -> xr.DataArray:
    """Open a GeoTIFF as a registered variable on a grid; NaN where the file does not reach.

    Parameters
    ----------
    path : Path
        One band. Its pixels must coincide with those of `geobox`; its extent may be smaller or larger.
    name : str
        The registered variable that it holds. A unit tag of the band must be that variable's.
    geobox : odc.geo.geobox.GeoBox
        The grid that is wanted.
    chunks : dict
        Chunk lengths along ``y`` and ``x``.

    Returns
    -------
    xarray.DataArray
        (y, x), lazy, float32.

    Raises
    ------
    InputError
        If the file cannot be read, is in another unit, or lies on another grid.
    """
    raster = _open(path)
    unit, expected = raster.attrs.get("units"), VARIABLES[name].units
    if unit and unit != expected:
        raise InputError(
            f"{path}: is in {unit!r}, but {name} must be in {expected!r}. Convert it and set the unit tag."
        )
    _require_same_lattice(path, geobox_of(raster), geobox)
    wanted = {dim: geobox.coordinates[label].values for dim, label in zip("yx", geobox.dimensions, strict=True)}
    tolerance = _PIXEL_SHARE * abs(geobox.resolution.x)
    aligned = raster.reindex(**wanted, method="nearest", tolerance=tolerance).chunk(chunks)
    return aligned.astype("float32").rename(name).drop_vars("band", errors="ignore").assign_attrs(attributes(name))


def _open(path: Path) -> xr.DataArray:
    try:
        raster = rioxarray.open_rasterio(path, chunks={}, masked=True)
    except (OSError, rioxarray.exceptions.RioXarrayError) as error:
        raise InputError(f"{path}: cannot be read as a raster ({error}).") from None
    if not isinstance(raster, xr.DataArray) or raster.sizes.get("band") != 1:
        raise InputError(f"{path}: must hold one band.")
    return raster.isel(band=0)


def _require_same_lattice(path: Path, found: GeoBox, wanted: GeoBox) -> None:
    if found.crs != wanted.crs:
        raise InputError(
            f"{path}: lies on another grid ({describe_grid(found)}) than the stack ({describe_grid(wanted)})."
        )
    corner = ~wanted.transform @ (found.transform.c, found.transform.f)
    apart = max(abs(place - round(place)) for place in corner)
    stretch = np.max(np.abs(np.array(found.resolution.xy) / np.array(wanted.resolution.xy) - 1.0))
    if apart > _PIXEL_SHARE or stretch * max(found.shape) > _PIXEL_SHARE:
        raise InputError(
            f"{path}: its pixels do not coincide with the stack's: {describe_grid(found)} against "
            f"{describe_grid(wanted)}. Resample it first, for example with gdalwarp -tap."
        )
