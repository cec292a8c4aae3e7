"""Climate of a basin from files of ERA5-Land: hourly, daily or monthly, NetCDF or Zarr."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.readers.basin import basin_weights
from cryoscale.readers.era5_days import to_days
from cryoscale.variables import attributes

_AXES = {
    "time": ("valid_time", "time", "date"),
    "y": ("latitude", "lat", "y"),
    "x": ("longitude", "lon", "x"),
}
_METRES_OF_WATER = {"m": 1000.0, "m of water equivalent": 1000.0, "mm": 1.0, "kg m-2": 1.0}
_DENSITY_OF_WATER = 1000.0
_FREEZING = 273.15  # K
_SECONDS_PER_DAY = 86400.0
_UNEVEN = 0.01  # of the spacing
_SAME_COVER = 0.999  # of the pixels' area that has data at other times
_SAME = 1e-5  # relative: rounding of a packed file


@dataclass(frozen=True)
class _Field:
    """A field of ERA5-Land: the name that it becomes, and what its units are multiplied by."""

    name: str
    factors: Mapping[str, float]


FIELDS: Mapping[str, _Field] = MappingProxyType(
    {
        "t2m": _Field("air_temperature", {"K": 1.0, "degC": 1.0, "C": 1.0}),
        "tp": _Field("precipitation", _METRES_OF_WATER),
        "e": _Field("evapotranspiration", {unit: -factor for unit, factor in _METRES_OF_WATER.items()}),
        "ssr": _Field("net_solar", {"J m-2": 1.0}),
        "str": _Field("net_thermal", {"J m-2": 1.0}),
        "sde": _Field("snow_depth", {"m": 1.0}),
        "sd": _Field("snow_water_equivalent", {"m of water equivalent": 1.0, "m": 1.0}),
        "rsn": _Field("snow_density", {"kg m-3": 1.0}),
        "swvl1": _Field("soil_moisture", {"m3 m-3": 1.0}),
    }
)
"""By short name."""


def read_basin_climate(paths: Sequence[Path], basin: gpd.GeoDataFrame) -> xr.Dataset:
    """Read the climate of a basin from files of ERA5-Land.

    The fields and what becomes of them:

    - ``t2m``, K: ``air_temperature``, degC.
    - ``tp``, m: ``precipitation``, mm d-1.
    - ``e``, m, negative where water evaporates: ``evapotranspiration``, mm d-1, positive where water evaporates.
    - ``ssr`` and ``str``, J m-2, net and downward: their sum is ``net_radiation``, W m-2.
    - ``sde``, m: ``snow_depth``, m. Without it ``sd`` and ``rsn`` of one file: water equivalent times 1000 kg m-3 per
      density, pixel by pixel.
    - ``sd``, m of water: ``snow_water_equivalent``, m.
    - ``swvl1``, 0 to 7 cm: ``soil_moisture``, m3 m-3.

    Hourly files of ERA5-Land hold ``tp``, ``e``, ``ssr`` and ``str`` as accumulated since 00 UTC: the total of a day
    is the value at 00 UTC of the next day, which may be in the next file. (ERA5, without Land, holds totals of single
    hours: such files are refused.) The other fields of a day are means of its steps from 00 UTC on. Daily and monthly
    files hold totals of a day, or their mean over the month. Days are UTC days.

    The mean over the basin weighs each pixel by its area on the ellipsoid within the outline. Pixels that never have
    data, such as sea, are left out; a time at which others lack data is missing.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        NetCDF files or Zarr stores; each may hold some of the fields or of the times.
    basin : geopandas.GeoDataFrame
        Polygons in any CRS; see `read_areas`.

    Returns
    -------
    xarray.Dataset
        Days or months ``time``, in memory: the variables that the files have the fields of.

    Raises
    ------
    InputError
        If a file cannot be read, holds none of the fields or other dims, is in another unit or does not cover the
        basin, if files contradict each other, or if steps are neither hourly, daily nor monthly.
    """
    if not paths:
        raise InputError("paths: no files of ERA5-Land. Give at least one.")
    steps = _join([_read_file(Path(path), basin) for path in paths])
    days = to_days(steps)
    if {"net_solar", "net_thermal"} <= set(days):
        days["net_radiation"] = (days["net_solar"] + days["net_thermal"]) / _SECONDS_PER_DAY
    days = days.drop(columns=["net_solar", "net_thermal", "snow_density"], errors="ignore")
    series = {name: ("time", days[name].to_numpy(), attributes(str(name))) for name in days}
    return xr.Dataset(series, {"time": days.index})


def _read_file(path: Path, basin: gpd.GeoDataFrame) -> pd.DataFrame:
    """Means over the basin of the fields of one file, at its own times."""
    with _open(path) as opened:
        fields = _canonical(opened, path)
        weights = basin_weights(_geobox(fields, path), basin)
        inside = {dim: np.flatnonzero((weights > 0).any(other)) for dim, other in (("y", "x"), ("x", "y"))}
        return _means(fields.isel(inside), weights.isel(inside).values).compute().to_dataframe()


def _open(path: Path) -> xr.Dataset:
    try:
        if path.is_dir():
            return xr.open_dataset(path, chunks={}, engine="zarr", consolidated=False)
        return xr.open_dataset(path, chunks={})
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as NetCDF or Zarr ({error}).") from None


def _means(fields: xr.Dataset, areas: np.typing.NDArray[np.float64]) -> xr.Dataset:
    weights = xr.DataArray(areas, dims=("y", "x"))
    if {"snow_water_equivalent", "snow_density"} <= set(fields) and "snow_depth" not in fields:
        depth = fields["snow_water_equivalent"] * _DENSITY_OF_WATER / fields["snow_density"]
        fields = fields.assign(snow_depth=depth)
    covered = (fields.notnull() * weights).sum(("y", "x"))
    whole = (covered > 0) & (covered >= _SAME_COVER * covered.max("time"))
    return fields.weighted(weights).mean(("y", "x")).where(whole)


def _canonical(opened: xr.Dataset, path: Path) -> xr.Dataset:
    """The known fields of a file in our names and units, over time, y and x."""
    known = [name for name in FIELDS if name in opened]
    if not known:
        raise InputError(f"{path}: holds {', '.join(map(str, opened.data_vars))}; it needs one of {', '.join(FIELDS)}.")
    names = {_axis(opened, options, path): axis for axis, options in _AXES.items()}
    fields = opened[known].drop_vars([name for name in opened.coords if name not in names]).squeeze().rename(names)
    fields = fields.expand_dims([axis for axis in _AXES if axis not in fields.dims])
    surplus = [str(dim) for dim in fields.dims if dim not in _AXES]
    if surplus:
        raise InputError(f"{path}: has the dims {', '.join(surplus)} besides time and place. Select one value of each.")
    converted = {FIELDS[name].name: _convert(fields[name], name, path) for name in known}
    return xr.Dataset(converted).assign_coords(time=_times(fields["time"], path))


def _axis(opened: xr.Dataset, options: Sequence[str], path: Path) -> str:
    dims = [name for name in options if name in opened.dims and name in opened.variables]
    scalars = [name for name in options if name in opened.variables and opened[name].ndim == 0]
    for name in (*dims, *scalars):
        return name
    raise InputError(f"{path}: has no {' or '.join(options)} (dims {', '.join(map(str, opened.sizes))}).")


def _convert(field: xr.DataArray, name: str, path: Path) -> xr.DataArray:
    units = str(field.attrs.get("units", "")).replace("**", "")
    factors = FIELDS[name].factors
    if units not in factors:
        raise InputError(f"{path}: {name} is in {units or 'no unit'!r}; it must be in {' or '.join(factors)}.")
    return field.astype(np.float64) * factors[units] - (_FREEZING if units == "K" else 0.0)


def _times(time: xr.DataArray, path: Path) -> pd.DatetimeIndex:
    if np.issubdtype(time.dtype, np.integer):
        return pd.DatetimeIndex(pd.to_datetime(time.values.astype(str), format="%Y%m%d"))
    if not np.issubdtype(time.dtype, np.datetime64):
        raise InputError(f"{path}: times are {time.dtype}, not dates of the standard calendar.")
    return pd.DatetimeIndex(time.values)


def _geobox(fields: xr.Dataset, path: Path) -> GeoBox:
    (west, dx), (north, dy) = (_even(fields[axis], path) for axis in ("x", "y"))
    shape = fields.sizes["y"], fields.sizes["x"]
    return GeoBox(shape, Affine(dx, 0.0, west - dx / 2, 0.0, dy, north - dy / 2), "EPSG:4326")


def _even(centres: xr.DataArray, path: Path) -> tuple[float, float]:
    """First centre and spacing of pixels along an axis."""
    values = centres.values.astype(np.float64)
    if values.size < 2:
        raise InputError(f"{path}: has one {centres.name}, so that its pixels have no size. Cut out two or more.")
    spacing = (values[-1] - values[0]) / (values.size - 1)
    if np.abs(np.diff(values) - spacing).max() > _UNEVEN * abs(spacing):
        raise InputError(f"{path}: {centres.name} is not evenly spaced. Give files on the grid that ERA5-Land has.")
    return float(values[0]), float(spacing)


def _join(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """All fields at all times; files may overlap where they agree."""
    lengths = [table.index.to_series().diff().median() for table in tables if len(table) > 1]
    if lengths and max(lengths) > 2 * min(lengths):
        raise InputError(f"files: have steps of {min(lengths)} and of {max(lengths)}. Read each kind by itself.")
    together = pd.concat(tables).groupby(level="time")
    least, largest = together.min(), together.max()
    apart = (largest - least) > _SAME * largest.abs().max()
    if apart.any(axis=None):
        name = apart.any().idxmax()
        time = apart.index[apart[name]][0]
        raise InputError(f"{name}: files differ at {time} ({least[name][time]:.6g}, {largest[name][time]:.6g}).")
    return together.first()
