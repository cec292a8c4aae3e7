"""The spatio-temporal filter that takes residual atmosphere and noise out of displacement series."""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from pyproj import Geod

from cryoscale.errors import InputError
from cryoscale.grids import geobox_of, pixel_spacing
from cryoscale.insar._filters import noise_of
from cryoscale.variables import attributes, check_units

Values = np.ndarray[Any, Any]

REACH = 4.0
"""Where the Gaussians are cut off, in standard deviations."""

_INTERVALS = 3.0  # width in time by default (Section 3.1.1), in median intervals: winter gaps would stretch the mean


class LocalFit(StrEnum):
    """What is fitted to the series around each epoch.

    LINE smooths as the Gaussian mean does: it takes 1 - exp(-(2 pi s)^2 / 2) of an annual cycle for noise, where s is
    the standard deviation in years (17 % at 36 days). PARABOLA takes only its next order (1.6 % at 36 days) and
    lets more noise pass (0.40 instead of 0.31 of the standard deviation of white noise, at three intervals).
    """

    LINE = "line"
    PARABOLA = "parabola"


@dataclass(frozen=True)
class _Filter:
    """The filter on one grid."""

    days: Values  # (time)
    time_width: float  # d
    space_width: float  # m
    degree: int
    geobox: GeoBox

    @property
    def halo(self) -> tuple[int, int]:
        """Rows and columns that it reaches; on longitude and latitude most columns where the pixels are narrowest."""
        ends = np.array([0, self.geobox.shape[0] - 1])
        spacings = pixel_spacing(self.geobox)[0], pixel_widths(self.geobox, ends).min()
        rows, columns = (int(REACH * self.space_width / spacing) for spacing in spacings)
        return rows, columns

    def noise(self, padded: Values, *, first_row: int) -> Values:
        """Noise of a block that has the halo around it; `first_row` is the first within the halo."""
        halo_rows, halo_columns = self.halo
        rows = np.clip(first_row - halo_rows + np.arange(padded.shape[1]), 0, self.geobox.shape[0] - 1)
        return noise_of(
            padded,
            self.days,
            time_width=self.time_width,
            degree=self.degree,
            row_weights=self._weights(np.array([pixel_spacing(self.geobox)[0]]), halo_rows)[0],
            column_weights=self._weights(pixel_widths(self.geobox, rows), halo_columns),
            reach=REACH,
        )

    def _weights(self, spacings: Values, halo: int) -> Values:
        """Of the neighbours at each of the spacings, (spacing, 2 halo + 1)."""
        distance = np.abs(np.arange(-halo, halo + 1)) * (spacings[:, None] / self.space_width)
        return np.asarray(np.where(distance <= REACH, np.exp(-0.5 * distance**2), 0.0))


def filter_time_series(
    displacement: xr.DataArray,
    *,
    time_width: float | None = None,
    space_width: float = 100.0,
    fit: LocalFit = LocalFit.LINE,
) -> xr.Dataset:
    r"""Remove what is rough in time and smooth in space: residual atmosphere and noise.

    .. math:: \mathrm{noise} = S * (u - T u), \qquad u_{\mathrm{filtered}} = u - \mathrm{noise}

    where T u is the value at each epoch of a line (or parabola) fitted around it with Gaussian weights, and S a
    Gaussian in space (Section 3.1.1 of the Datong paper, after Hooper et al. 2007 and LiCSBAS). Both Gaussians are cut
    off at four standard deviations. Inside an evenly sampled series, the line's value is the Gaussian mean of those
    authors; at the ends and beside gaps, a mean would take part of the trend for noise, the line does not: a series on
    a line has no noise, and one that is constant none at all, to the last bit.

    Missing data have no weight. A pixel's result does not depend on the chunks, to the last bit. Each tile is read
    with a halo of four `space_width`; one that is smaller than its halo borrows from its neighbours. Where tiles are
    computed independently, the filter is a second pass over a stored cube.

    Parameters
    ----------
    displacement : xarray.DataArray
        (time, y, x) in mm, NaN where there is no data, on a grid with a CRS; lazy or not, time in one chunk.
    time_width : float, optional
        Standard deviation of the Gaussian in time, d; three median intervals between epochs unless given.
    space_width : float
        Standard deviation of the Gaussian in space, m on the ground. On a grid of longitude and latitude the width of
        the pixels is that of their row, their height that of the central row (within 0.1 % over 5 degrees).
    fit : LocalFit
        What is fitted around each epoch.

    Returns
    -------
    xarray.Dataset
        ``displacement``, filtered, and ``displacement_noise``, what has been removed (time, y, x), mm, with
        ``time_width`` (d), ``space_width`` (m) and ``fit`` as attributes. The first epoch is not set to 0 again.

    Raises
    ------
    InputError
        If the series is not in mm, has fewer than three epochs, epochs that do not increase or no grid, if time is
        split into chunks, or if a width is not positive.

    Examples
    --------
    >>> from cryoscale.grids import grid_coords
    >>> coords = grid_coords(GeoBox.from_bbox((99.0, 38.0, 99.01, 38.01), "EPSG:4326", shape=(8, 8)))
    >>> time = np.datetime64("2020-01-01", "ns") + 12 * np.arange(20) * np.timedelta64(1, "D")
    >>> series = xr.DataArray(np.zeros((20, 8, 8)), dims=("time", "y", "x"), coords=coords | {"time": time})
    >>> series[10] += 5.0  # a day of thick air
    >>> filtered = filter_time_series(series)
    >>> round(float(filtered.displacement_noise[10, 4, 4]), 2), filtered.attrs["time_width"]
    (4.33, 36.0)
    """
    series = check_units(displacement, "displacement").transpose("time", "y", "x")
    plan = _plan(series, time_width=time_width, space_width=space_width, fit=fit)
    noise = series.copy(data=_noise(series.data, plan))
    filtered = {"displacement": series - noise, "displacement_noise": noise}
    return xr.Dataset(
        {name: array.drop_attrs(deep=False).assign_attrs(attributes(name)) for name, array in filtered.items()},
        attrs={"time_width": plan.time_width, "space_width": space_width, "fit": str(fit)},
    )


def pixel_widths(geobox: GeoBox, rows: Values) -> Values:
    """Width of the pixels of some rows, m on the ground.

    Parameters
    ----------
    geobox : odc.geo.geobox.GeoBox
        Geographic or projected.
    rows : numpy.ndarray
        Numbers of the rows.

    Returns
    -------
    numpy.ndarray
        As many as rows; on longitude and latitude, geodesics on the WGS84 ellipsoid.

    Examples
    --------
    >>> pixel_widths(GeoBox.from_bbox((99, 38, 100, 39), "EPSG:4326", resolution=0.01), np.array([0, 99])).round()
    array([866., 878.])
    """
    if geobox.crs is None or not geobox.crs.geographic:
        return np.full(rows.size, pixel_spacing(geobox)[1])
    latitudes = geobox.transform.f + (rows + 0.5) * geobox.transform.e
    west = np.zeros(rows.size)
    _, _, widths = Geod(ellps="WGS84").inv(west, latitudes, west + abs(geobox.resolution.x), latitudes)
    return np.asarray(widths)


def _plan(series: xr.DataArray, *, time_width: float | None, space_width: float, fit: LocalFit) -> _Filter:
    days = _days(series)
    if time_width is None:
        time_width = float(_INTERVALS * np.median(np.diff(days)))
    for name, width, unit in (("time_width", time_width, "days"), ("space_width", space_width, "metres")):
        if not (np.isfinite(width) and width > 0):
            raise InputError(f"{name}: {width} is no width. Give a positive number of {unit}.")
    degree = {LocalFit.LINE: 1, LocalFit.PARABOLA: 2}[LocalFit(fit)]
    return _Filter(days, time_width, space_width, degree, geobox_of(series))


def _days(series: xr.DataArray) -> Values:
    """Days since the first epoch."""
    if series.chunks is not None and len(series.chunksizes["time"]) > 1:
        raise InputError(
            f"{series.name}: is split into {len(series.chunksizes['time'])} chunks along 'time', which the filter "
            "needs whole. Rechunk it first: .chunk({'time': -1, 'y': 'auto', 'x': 'auto'})."
        )
    days = (series.time.values - series.time.values[0]) / np.timedelta64(1, "D")
    if days.size < 3 or not np.all(np.diff(days) > 0):
        raise InputError(f"{series.name}: the filter needs three or more epochs in order of time, each once.")
    return np.asarray(days, float)


def _noise(series: Any, plan: _Filter) -> Any:
    """Noise of a whole raster, lazily if it is lazy."""
    rows, columns = plan.halo
    if not isinstance(series, da.Array):
        padded = np.pad(series, ((0, 0), (rows, rows), (columns, columns)), constant_values=np.nan)
        return plan.noise(padded, first_row=0)
    halo = {0: 0, 1: rows, 2: columns}
    padded = da.overlap.overlap(series, depth=halo, boundary=dict.fromkeys(halo, np.nan), allow_rechunk=True)
    chunks = tuple(tuple(n - 2 * halo[axis] for n in sizes) for axis, sizes in enumerate(padded.chunks))
    noise = da.map_blocks(
        partial(_noise_of_chunk, plan=plan, first_rows=np.cumsum((0, *chunks[1]))),
        padded,
        dtype=series.dtype,
        chunks=chunks,
        meta=np.empty((0, 0, 0), series.dtype),
    )
    return noise.rechunk(series.chunks)


def _noise_of_chunk(
    padded: Values, *, plan: _Filter, first_rows: Values, block_id: tuple[int, int, int] = (0, 0, 0)
) -> Values:
    return plan.noise(padded, first_row=int(first_rows[block_id[1]]))
