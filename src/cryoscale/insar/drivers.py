"""Environmental drivers of deformation: covariates and deformation on a coarse grid, and how they go together."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.grids import geobox_of, grid_coords, pixel_spacing
from cryoscale.stats import binned_statistics, correlate
from cryoscale.variables import attributes, check_units

CELL = 1000.0
"""Side of the cells that maps are aggregated to, m (Chang et al., Section 3.1.3)."""

_RANGE = (0.02, 0.98)  # quantiles of a covariate that its bins span


def aggregate(array: xr.DataArray, *, size: float = CELL, min_share: float = 0.5) -> xr.DataArray:
    """Mean of a map over square cells of about a given size on the ground.

    Cells are whole numbers of pixels, counted separately along y and x, so that they are square on a grid of longitude
    and latitude too; rows and columns at the lower and right edges that do not fill a cell are left out.

    Parameters
    ----------
    array : xarray.DataArray
        (y, x) with a CRS, NaN where there is no data; lazy or not.
    size : float
        Side of a cell, m.
    min_share : float
        Cells with a smaller share of pixels with data are NaN.

    Returns
    -------
    xarray.DataArray
        On the coarse grid, with the attributes of `array`; lazy where it is.

    Raises
    ------
    InputError
        If a cell is smaller than a pixel or larger than the map.

    Examples
    --------
    >>> from odc.geo.geobox import GeoBox
    >>> fine = GeoBox.from_bbox((0, 0, 400, 200), "EPSG:32647", resolution=100)
    >>> slope = xr.DataArray([[1.0, 3.0, 5.0, np.nan], [1.0, 3.0, np.nan, np.nan]], grid_coords(fine), ("y", "x"))
    >>> aggregate(slope, size=200).values
    array([[ 2., nan]])
    """
    geobox = geobox_of(array)
    rows, columns = (round(size / spacing) for spacing in pixel_spacing(geobox))
    if min(rows, columns) < 1 or rows > geobox.height or columns > geobox.width:
        raise InputError(
            f"size: cells of {size:g} m are {rows} x {columns} pixels on a map of {geobox.height} x {geobox.width}. "
            "Give a size between a pixel and the map."
        )
    whole = array.isel(y=slice(geobox.height // rows * rows), x=slice(geobox.width // columns * columns))
    blocks = {"y": rows, "x": columns}
    share = whole.notnull().coarsen(blocks).mean()
    mean = whole.coarsen(blocks).mean().where(share >= min_share)
    coarse = geobox_of(whole).zoom_to((mean.sizes["y"], mean.sizes["x"]))
    return mean.assign_coords(grid_coords(coarse)).astype(array.dtype).rename(array.name).assign_attrs(array.attrs)


def thawing_index(temperature: xr.DataArray) -> xr.DataArray:
    """Thawing index of a mean year from daily temperatures, gaps filled linearly in time (Section 3.1.3).

    Parameters
    ----------
    temperature : xarray.DataArray
        (time, ...) land surface temperature, degC, NaN or days left out where it is missing; time in one chunk.

    Returns
    -------
    xarray.DataArray
        ``thawing_index`` (...), degC d: sum of the daily temperatures above 0 degC over the calendar years that the
        series covers whole, per year; NaN where a day lies before the first or after the last with a value.

    Raises
    ------
    InputError
        If the temperature is in another unit or covers no calendar year.

    Examples
    --------
    >>> days = np.array(["2019-01-01", "2019-07-01", "2019-12-31"], "datetime64[ns]")
    >>> float(thawing_index(xr.DataArray([2.0, 2.0, 2.0], {"time": days}, ("time",))))
    730.0
    """
    check_units(temperature, "surface_temperature")
    first, last = (np.datetime64(str(temperature.time.values[i])[:10]) for i in (0, -1))
    begin = first.astype("datetime64[Y]") + (first != first.astype("datetime64[Y]").astype("datetime64[D]"))
    end = (last + np.timedelta64(1, "D")).astype("datetime64[Y]")
    if not end > begin:
        raise InputError(f"temperature: covers no whole calendar year, it runs from {first} to {last}.")
    every_day = np.arange(first, last + np.timedelta64(1, "D")).astype("datetime64[ns]")
    daily = temperature.assign_coords(time=temperature.time.dt.floor("D")).reindex(time=every_day)
    filled = daily.interpolate_na("time", method="linear")
    of_years = filled.sel(
        time=slice(begin.astype("datetime64[D]"), end.astype("datetime64[D]") - np.timedelta64(1, "D"))
    )
    index = of_years.clip(min=0.0).sum("time", skipna=False) / int((end - begin) / np.timedelta64(1, "Y"))
    return index.rename("thawing_index").drop_attrs(deep=False).assign_attrs(attributes("thawing_index"))


def driver_statistics(
    deformation: xr.DataArray, covariates: Mapping[str, xr.DataArray], *, n_bins: int = 8
) -> xr.Dataset:
    """How deformation goes with each covariate: correlation, and its distribution in bins (Fig. 12).

    Parameters
    ----------
    deformation : xarray.DataArray
        (y, x), aggregated, in memory.
    covariates : mapping of str to xarray.DataArray
        (y, x) on the same grid, in memory.
    n_bins : int
        Bins of equal width between the 2nd and the 98th percentile of each covariate; what lies beyond is in no bin.

    Returns
    -------
    xarray.Dataset
        By ``driver``: ``r``, ``n``, ``n_effective`` and the ``p_value`` that allows for spatial autocorrelation
        (`stats.correlate`); by (driver, bin) ``count``, ``mean``, ``lower`` and ``upper`` borders, and ``quantiles``
        (driver, bin, quantile) of the deformation; ``driver_units`` (driver).

    Raises
    ------
    InputError
        If there is no covariate, one has no or constant values where there is deformation, or grids differ.

    Examples
    --------
    >>> from odc.geo.geobox import GeoBox
    >>> coords = grid_coords(GeoBox.from_bbox((0, 0, 9000, 9000), "EPSG:32647", resolution=1000))
    >>> ice = xr.DataArray(np.random.default_rng(0).random((9, 9)), coords, ("y", "x"))
    >>> found = driver_statistics(-40 * ice, {"ground_ice": ice}, n_bins=4)
    >>> found.r.values.round(3), found["mean"].values.round(0)
    (array([-1.]), array([[ -5., -15., -25., -35.]]))
    """
    if not covariates:
        raise InputError("covariates: there are none. Name at least one map.")
    parts = []
    for name, covariate in covariates.items():
        boxes = binned_statistics(deformation, covariate, edges=_edges(name, covariate, deformation, n_bins))
        boxes = boxes.reset_coords(["lower", "upper"]).drop_vars("bin")
        agreement = correlate(deformation, covariate)
        units = xr.DataArray(str(covariate.attrs.get("units", "1")), name="driver_units")
        parts.append(xr.merge([boxes, agreement, units.to_dataset()], compat="override").reset_coords(drop=True))
    names = xr.DataArray(list(covariates), dims="driver", name="driver")
    together = xr.concat(parts, names, combine_attrs="drop_conflicts")
    for variable in (together.lower, together.upper):
        variable.attrs = {}
    return together


def _edges(
    name: str, covariate: xr.DataArray, deformation: xr.DataArray, n_bins: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = np.asarray(covariate.values, float)[np.isfinite(deformation.values) & np.isfinite(covariate.values)]
    low, high = np.quantile(values, _RANGE) if values.size else (0.0, 0.0)
    if not low < high:
        raise InputError(
            f"{name}: has {values.size} values where there is deformation, which are all alike. "
            "Give a map of the same area, or make the cells smaller."
        )
    return np.linspace(low, high, n_bins + 1)
