"""What the pixels of an image say of its gaps: how temperature falls with elevation, and the variogram of the rest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.grids import geobox_of, pixel_spacing
from cryoscale.lift import lift
from cryoscale.stats.pairing import paired_with
from cryoscale.stats.variogram import Variogram, VariogramModel
from cryoscale.stats.variogram_fit import (
    EmpiricalVariogram,
    choose_variogram,
    empirical_variogram,
    fit_variogram,
)
from cryoscale.variables import attributes, check_units

Values = np.ndarray[Any, Any]

PARAMETERS = (
    "variogram_model",
    "variogram_nugget",
    "variogram_partial_sill",
    "variogram_range",
    "lapse_rate",
    "lst_at_sea_level",
)
"""What is estimated of each image, in the order of the arrays that hold it."""

MODEL_FLAGS = {model: flag for flag, model in enumerate(VariogramModel, 1)}
"""Values of ``variogram_model``; 0 is none."""

NOT_FITTED, OF_IMAGE, OF_SEASON = range(3)
"""Values of ``variogram_source``."""

_CLUSTER = (
    (0, 0),
    (0, 1),
    (2, 0),
    (0, 4),
    (8, 0),
)  # offsets in pixels: pairs near each other, which chance seldom draws
_SPARE = 5  # pixels looked at for each that is wanted: under clouds the others are taken
_NEAR, _FAR_BINS = 10, 15  # bins one pixel wide near the origin, where kriging needs the variogram, and bins beyond
_FEWEST = 30  # sampled pixels that a variogram can be fitted to
_LEAST_RELIEF = 0.2  # of the grid's spread of elevations: pixels more alike do not tell how temperature falls with it
_LEAST_NUGGET = 1e-3  # of a Gaussian variogram, in shares of its partial sill: without, kriging overshoots
_TUNING, _STEPS = 1.345, 50  # Huber's constant (95 % efficient for normal errors) and the most steps taken


@dataclass(frozen=True)
class _Fit:
    """How an image's sample is turned into its parameters."""

    positions: Values  # (sample, 2) y and x, m
    step: float  # m, spacing of pixels
    sample: int
    max_distance: float
    model: VariogramModel | None

    def image(self, values: Values, elevation: Values) -> tuple[float, ...] | None:
        """The PARAMETERS of one image; None where no variogram can be fitted."""
        at = np.flatnonzero(np.isfinite(values) & np.isfinite(elevation))[: self.sample]
        if at.size < _FEWEST or elevation[at].std() < _LEAST_RELIEF * np.nanstd(elevation):
            return None
        lapse, level = fit_lapse(values[at], elevation[at])
        try:
            variogram = self._variogram(self.positions[at], values[at] - (level + lapse * elevation[at]))
        except InputError:  # pixels that are too near each other or too far apart: the season has to help out
            return None
        flag = MODEL_FLAGS[variogram.model]
        return flag, variogram.nugget, variogram.partial_sill, variogram.range, lapse, level

    def _variogram(self, points: Values, residuals: Values) -> Variogram:
        empirical = self._empirical(points, residuals)
        if not empirical.semivariance.any():
            model = self.model or VariogramModel.EXPONENTIAL
            return Variogram(model, nugget=0.0, partial_sill=0.0, range=self.max_distance)
        fitted = choose_variogram(empirical) if self.model is None else fit_variogram(empirical, model=self.model)
        if fitted.model is VariogramModel.GAUSSIAN:
            return replace(fitted, nugget=max(fitted.nugget, _LEAST_NUGGET * fitted.partial_sill))
        return fitted

    def _empirical(self, points: Values, residuals: Values) -> EmpiricalVariogram:
        """Narrow bins near the origin, wide ones beyond."""
        far = empirical_variogram(points, residuals, max_distance=self.max_distance, n_bins=_FAR_BINS)
        if self.max_distance <= _NEAR * self.step:
            return far
        near = empirical_variogram(points, residuals, max_distance=_NEAR * self.step, n_bins=_NEAR)
        beyond = far.distance > _NEAR * self.step
        parts = ((getattr(near, name), getattr(far, name)[beyond]) for name in ("distance", "semivariance", "n_pairs"))
        return EmpiricalVariogram(*(np.concatenate(part) for part in parts))


def fit_gap_models(
    lst: xr.DataArray,
    elevation: xr.DataArray | None = None,
    *,
    model: VariogramModel | None = None,
    sample: int = 2000,
    min_valid: float = 0.05,
    max_distance: float = 100e3,
    seed: int = 0,
) -> xr.Dataset:
    r"""Fit to each image how land surface temperature changes with elevation, and the variogram of what is left.

    .. math:: T = T_0 + \Gamma z + r, \qquad \gamma(h) = \tfrac12 E[(r(s) - r(s + h))^2]

    The lapse is fitted by Huber's M-estimator (1964, Ann. Math. Stat. 35, 73; iteratively reweighted least squares,
    scale from the median absolute residual), which cold pixels of an overlooked cloud hardly move; the variogram by
    weighted least squares to bins that are one pixel wide up to ten pixels and wider beyond (`stats.fit_variogram`).
    A Gaussian variogram gets a nugget of a thousandth of its partial sill at least.

    An image is not fitted if the elevations of its pixels spread less than a fifth as much as the grid's (standard
    deviations): a line through the foot of a mountain range, drawn on to its summits, may be off by hundreds of K.

    The sample is drawn once for all images, from the grid's shape and the seed alone: clusters of five pixels, 1 to 8
    apart, at random places. In each image the first `sample` of them that have a value count, out of five times as
    many. So the result does not depend on chunks.

    Parameters
    ----------
    lst : xarray.DataArray
        (..., y, x) in degC, NaN where there is no data, on a grid with a CRS; any dims before y and x.
    elevation : xarray.DataArray, optional
        (y, x) in m on the same grid. Without it the lapse rate is 0 and ``lst_at_sea_level`` the robust mean.
    model : VariogramModel, optional
        Shape of the variogram; by default the best of three, image by image.
    sample : int
        Pixels of an image used, at most.
    min_valid : float
        Least share of the pixels (of those with an elevation) that an image must have to be fitted.
    max_distance : float
        Longest distance of two pixels that counts for the variogram, m; half the grid's diagonal if that is less.
    seed : int
        Of the sample.

    Returns
    -------
    xarray.Dataset
        With the dims of `lst` before y and x: ``lapse_rate`` (K m-1), ``lst_at_sea_level`` (degC),
        ``variogram_model``, ``variogram_nugget`` and ``variogram_partial_sill`` (K2), ``variogram_range`` (m; the
        grid's central pixel gives the metres), ``variogram_source`` (1: image, 0: none, then the parameters are NaN)
        and ``n_valid_pixels``. Lazy where `lst` is; each chunk is read once, and only the sample is kept.

    Raises
    ------
    InputError
        If units are wrong, grids differ, there is no grid, or a parameter is out of range.

    Examples
    --------
    >>> from odc.geo.geobox import GeoBox
    >>> from cryoscale.grids import grid_coords
    >>> coords = grid_coords(GeoBox.from_bbox((0, 0, 40e3, 40e3), "EPSG:32645", resolution=1000))
    >>> elevation = xr.DataArray(np.linspace(3e3, 5e3, 1600).reshape(40, 40), dims=("y", "x"), coords=coords)
    >>> lst = 25 - 0.006 * elevation + np.random.default_rng(0).normal(size=(40, 40))
    >>> models = fit_gap_models(lst, elevation)
    >>> round(float(models.lapse_rate), 4), int(models.n_valid_pixels), int(models.variogram_source)
    (-0.006, 1600, 1)
    """
    _check_positive(sample=sample, max_distance=max_distance)
    if not 0 <= min_valid <= 1:
        raise InputError(f"min_valid: is {min_valid}. Give a share of the pixels, between 0 and 1.")
    images = check_units(lst, "lst").transpose(..., "y", "x")
    geobox = geobox_of(images)
    shape, spacing = geobox.shape, pixel_spacing(geobox)
    heights = elevation_on(images, elevation)
    rows, columns = _sample_positions(shape, _SPARE * sample, seed=seed)
    fit = _Fit(
        positions=np.stack([rows * spacing[0], columns * spacing[1]], axis=1),
        step=max(spacing),
        sample=sample,
        max_distance=min(max_distance, float(np.hypot(shape[0] * spacing[0], shape[1] * spacing[1])) / 2),
        model=None if model is None else VariogramModel(model),
    )
    n_valid = images.notnull().sum(("y", "x"), dtype=np.int64).assign_attrs(attributes("n_valid_pixels"))
    required = min_valid * heights.notnull().sum()
    fitted = lift(
        partial(_fit_images, fit=fit),
        *(_gather(array, rows, columns) for array in (images, heights)),
        n_valid >= required,
        core_dims=[("sample",), ("sample",), ()],
        outputs=dict.fromkeys((*PARAMETERS, "variogram_source"), ()),
    )
    return fitted.assign(n_valid_pixels=n_valid)


def elevation_on(lst: xr.DataArray, elevation: xr.DataArray | None) -> xr.DataArray:
    """Elevation on the very grid of the images, float64; 0 m everywhere where none is given.

    Parameters
    ----------
    lst : xarray.DataArray
        (..., y, x), on a grid with a CRS.
    elevation : xarray.DataArray or None
        (y, x), m.

    Returns
    -------
    xarray.DataArray
        (y, x).

    Raises
    ------
    InputError
        If the grids differ or the unit is not m.
    """
    coords = {name: lst.coords[name] for name in ("y", "x", "spatial_ref") if name in lst.coords}
    flat = xr.DataArray(np.zeros(lst.shape[-2:]), dims=("y", "x"), coords=coords, name=lst.name or "lst")
    if elevation is None:
        return flat
    return paired_with(flat, check_units(elevation, "elevation")).astype(np.float64)


def fit_lapse(values: Values, elevation: Values) -> tuple[float, float]:
    """Line of temperature on elevation by Huber's M-estimator.

    Parameters
    ----------
    values, elevation : numpy.ndarray
        (n,), finite, n >= 2; degC and m.

    Returns
    -------
    tuple of float
        Slope, K m-1 (0 where all elevations are equal), and temperature at 0 m, degC.

    Examples
    --------
    >>> z = np.linspace(3000.0, 5000.0, 50)
    >>> cloudy = np.where(np.arange(50) % 10 == 0, -40.0, 0.0)
    >>> slope, level = fit_lapse(25.0 - 0.006 * z + cloudy, z)
    >>> round(slope, 4), round(level, 1)
    (-0.006, 25.0)
    """
    weights, line = np.ones_like(values), np.zeros(2)
    for _ in range(_STEPS):
        before, line = line, _weighted_line(values, elevation, weights)
        size = np.abs(values - (line[1] + line[0] * elevation))
        scale = 1.4826 * np.median(size)
        if scale == 0 or np.allclose(line, before, rtol=1e-10, atol=0.0):
            break
        weights = 1.0 / np.maximum(size / (_TUNING * scale), 1.0)
    return float(line[0]), float(line[1])


def _weighted_line(values: Values, elevation: Values, weights: Values) -> Values:
    mean_z, mean_t = np.average(elevation, weights=weights), np.average(values, weights=weights)
    centred = elevation - mean_z
    flat = np.ptp(elevation) == 0
    slope = 0.0 if flat else weights @ (centred * (values - mean_t)) / (weights @ centred**2)
    return np.array([slope, mean_t - slope * mean_z])


def _check_positive(**parameters: float) -> None:
    for name, value in parameters.items():
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"{name}: is {value}. Give a positive number.")


def _sample_positions(shape: Sequence[int], size: int, *, seed: int) -> tuple[Values, Values]:
    """Rows and columns of different pixels, cluster by cluster; all pixels in random order where they are few."""
    rng, (rows, columns) = np.random.default_rng(seed), shape
    if rows * columns <= size:
        order = rng.permutation(rows * columns)
        return order // columns, order % columns
    anchors = rng.choice(rows * columns, size // len(_CLUSTER), replace=False)
    offsets = np.array(_CLUSTER)
    flat = (anchors[:, None] // columns + offsets[:, 0]) % rows * columns
    flat = (flat + (anchors[:, None] + offsets[:, 1]) % columns).ravel()
    first = np.sort(np.unique(flat, return_index=True)[1])
    return flat[first] // columns, flat[first] % columns


def _gather(array: xr.DataArray, rows: Values, columns: Values) -> xr.DataArray:
    """Values of the sampled pixels (..., sample), lazily where the array is lazy."""
    bare = array.variable
    sampled = bare.isel(y=xr.Variable("sample", rows), x=xr.Variable("sample", columns))
    coords = {name: coord for name, coord in array.coords.items() if not {"y", "x"} & set(coord.dims)}
    gathered = xr.DataArray(sampled, coords=coords, name=array.name).transpose(..., "sample")
    return gathered.chunk(sample=-1) if isinstance(gathered.data, da.Array) else gathered


def _fit_images(values: Values, elevation: Values, enough: Values, *, fit: _Fit) -> tuple[Values, ...]:
    """PARAMETERS and source of every image; the sample comes first, the dims of the images after it."""
    shape, heights = values.shape[1:], elevation.ravel()
    fitted = [
        fit.image(image, heights) if ok else None
        for image, ok in zip(values.reshape(len(heights), -1).T.astype(np.float64), enough.ravel(), strict=True)
    ]
    nothing = (0, *(np.nan,) * (len(PARAMETERS) - 1))
    table = np.array([nothing if found is None else found for found in fitted]).reshape(-1, len(PARAMETERS))
    source = np.array([NOT_FITTED if found is None else OF_IMAGE for found in fitted], np.uint8)
    models, *others = (column.reshape(shape) for column in table.T)
    return models.astype(np.uint8), *others, source.reshape(shape)
