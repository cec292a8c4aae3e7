"""Images of land surface temperature in NetCDF files and Zarr stores with a time axis."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.readers.headers import Grid
from cryoscale.readers.lst_names import OVERPASSES
from cryoscale.readers.places import grid_of

_NETCDF = Lock()
"""NetCDF's library crashes when threads use it at once; xarray keeps them apart while reading, not while opening."""

_LATITUDES, _LONGITUDES = ("lat", "latitude"), ("lon", "longitude")


@dataclass(frozen=True, slots=True)
class SeriesPart:
    """One time of a variable.

    Attributes
    ----------
    path : pathlib.Path
        NetCDF file or Zarr store.
    variable : str
        Name of the variable.
    position : int
        Along its time axis.
    """

    path: Path
    variable: str
    position: int


def find_series(root: Path, *, names: Mapping[str, str]) -> dict[tuple[str, np.datetime64], list[Any]]:
    """Times of the variables of every overpass.

    Parameters
    ----------
    root : pathlib.Path
        Folder with ``*.nc``, ``*.nc4`` or ``*.zarr``, searched with its subfolders; or one of these itself.
    names : mapping
        Overpass to ``variable`` or ``files:variable``; its own name for an overpass that is not in it.

    Returns
    -------
    dict
        Overpass and day to its parts, in order of the files' names.

    Raises
    ------
    InputError
        If a file cannot be opened, has no dates, or has a day twice.
    """
    found: dict[tuple[str, np.datetime64], list[Any]] = {}
    for path in series_below(root):
        with open_series(path) as dataset:
            for overpass in OVERPASSES:
                files, _, variable = names.get(overpass, overpass).rpartition(":")
                if variable not in dataset or not path.match(files or "*"):
                    continue
                for position, day in enumerate(_days(dataset[variable], path)):
                    found.setdefault((overpass, day), []).append(SeriesPart(path, variable, position))
    return found


def series_below(root: Path) -> list[Path]:
    """NetCDF files and Zarr stores of a folder.

    Parameters
    ----------
    root : pathlib.Path
        A folder, or a Zarr store.

    Returns
    -------
    list of pathlib.Path
    """
    if root.suffix == ".zarr":
        return [root]
    return sorted(path for glob in ("*.nc", "*.nc4", "*.zarr") for path in root.rglob(glob))


@contextmanager
def open_series(path: Path) -> Iterator[xr.Dataset]:
    """A NetCDF file or Zarr store, closed again. Only one NetCDF file is open at a time in a process.

    Parameters
    ----------
    path : pathlib.Path
        The file or store.

    Yields
    ------
    xarray.Dataset
        Lazy; scaled, NaN for no data.

    Raises
    ------
    InputError
        If it cannot be opened.
    """
    store = path.suffix == ".zarr"
    options: dict[str, Any] = {"engine": "zarr", "consolidated": False} if store else {}
    with nullcontext() if store else _NETCDF:
        try:
            dataset = xr.open_dataset(path, cache=False, **options)
        except (OSError, ValueError, RuntimeError) as error:
            raise InputError(
                f"{path}: cannot be opened as NetCDF or Zarr ({error}). Copy it again, it may be damaged."
            ) from None
        with dataset:
            yield dataset


def variable_grid(array: xr.DataArray, path: Path) -> tuple[xr.DataArray, Grid]:
    """A variable as (time, y, x), and its grid.

    Parameters
    ----------
    array : xarray.DataArray
        With a time axis and evenly spaced y and x, or latitude and longitude.
    path : pathlib.Path
        Its file, for messages.

    Returns
    -------
    xarray.DataArray, Grid

    Raises
    ------
    InputError
        If there is no such grid, or no CRS.
    """
    vertical, horizontal = (
        next((str(dim) for dim in array.dims if str(dim).lower() in (*wanted, axis)), None)
        for wanted, axis in ((_LATITUDES, "y"), (_LONGITUDES, "x"))
    )
    if vertical is None or horizontal is None or set(array.dims) != {"time", vertical, horizontal}:
        raise InputError(f"{path}: {array.name} has the dims {array.dims}; time, y and x (or lat and lon) are needed.")
    if vertical.lower() in _LATITUDES and array.odc.crs is None:
        array = array.odc.assign_crs("EPSG:4326")
    geobox: GeoBox | None = array.odc.geobox
    if geobox is None or geobox.crs is None:
        raise InputError(
            f"{path}: {array.name} has no regular grid with a CRS. Write one into the file: "
            "dataset.odc.assign_crs('EPSG:...'), then to_netcdf."
        )
    return array.transpose("time", vertical, horizontal), grid_of(geobox)


def _days(array: xr.DataArray, path: Path) -> npt.NDArray[np.datetime64]:
    """Days of a variable's time axis, each once."""
    if "time" not in array.coords or array["time"].ndim != 1:
        raise InputError(f"{path}: {array.name} has no time axis.")
    values = array["time"].values
    if values.dtype == object:  # other calendars, as AppEEARS writes: their days have the same names
        values = np.array([f"{value.year:04}-{value.month:02}-{value.day:02}" for value in values])
    days = values.astype("datetime64[D]")
    unique, counts = np.unique(days, return_counts=True)
    if (counts > 1).any():
        raise InputError(f"{path}: {array.name} has {unique[counts > 1][0]} twice. Daily images are needed.")
    return days
