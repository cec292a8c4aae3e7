"""CDF matching: give a map the distribution that another one has where both exist."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.stats.pairing import paired_with, require_same_units
from cryoscale.stats.quantiles import joint_quantiles
from cryoscale.stats.transfer import CdfTransfer

Values = np.ndarray[Any, Any]

PERCENTILES = tuple(percent / 100 for percent in range(1, 100))
"""Levels at which the two distributions are tied together, unless told otherwise."""

_TAIL = 100
"""Quantiles of each tail that its line is fitted to."""


def fit_cdf(
    source: xr.DataArray,
    reference: xr.DataArray,
    where: xr.DataArray | None = None,
    *,
    quantiles: Sequence[float] = PERCENTILES,
    minimum: int = 100,
) -> CdfTransfer:
    """Fit a transfer from the distribution of one map to that of another, over the positions where both have a value.

    This computes, here and now: it reads float32 maps three times and float64 maps seven times (`joint_quantiles`). The
    result does not depend on chunks, not even in the last bit.

    Parameters
    ----------
    source, reference : xarray.DataArray
        On one grid and in one unit, in memory or lazy; what is not finite is missing.
    where : xarray.DataArray, optional
        Boolean, on the same grid: True where positions count.
    quantiles : sequence of float
        Levels at which the two are tied together, between 0 and 1.
    minimum : int
        Fewer positions than this with both values are an error.

    Returns
    -------
    CdfTransfer

    Raises
    ------
    InputError
        If grids or units differ, levels do not increase within 0 and 1, or too few positions have both values.

    Examples
    --------
    >>> source = xr.DataArray(np.arange(1000.0), dims="x", attrs={"units": "mm a-1"})
    >>> transfer = fit_cdf(source, 2 * source + 1, quantiles=[0.25, 0.5, 0.75])
    >>> transfer.source, transfer.reference
    ((249.5, 499.5, 749.5), (500.0, 1000.0, 1500.0))
    """
    levels = _check_levels(quantiles)
    units = require_same_units(source, reference)
    mask = None if where is None else _check_mask(paired_with(source, where))
    everything = np.concatenate([_tail_levels(levels[0]), levels, 1.0 - _tail_levels(1.0 - levels[-1])])
    joint = joint_quantiles(source, paired_with(source, reference), levels=everything, where=mask)
    if joint.count < max(minimum, 1):
        raise _too_few(source, reference, joint.count, minimum)
    (low_x, x, high_x), (low_y, y, high_y) = (np.split(table, [_TAIL, _TAIL + len(levels)]) for table in joint.tables)
    slopes = (_tail_slope(low_x - x[0], low_y - y[0]), _tail_slope(high_x - x[-1], high_y - y[-1]))
    return CdfTransfer(
        tuple(levels.tolist()), tuple(x.tolist()), tuple(y.tolist()), slopes, count=joint.count, units=units
    )


def match_cdf(
    source: xr.DataArray,
    reference: xr.DataArray,
    where: xr.DataArray | None = None,
    *,
    quantiles: Sequence[float] = PERCENTILES,
    minimum: int = 100,
) -> xr.DataArray:
    """Map a source to the distribution that a reference has where both have a value.

    ``fit_cdf(source, reference, where)(source)``: the fit is computed here and now, the result is lazy where `source`
    is and covers all of it. Used to turn the rate of a sensor with full coverage into a velocity reference with the
    distribution of a better one (Chang et al., Section 3.1.1, Fig. S3).

    Parameters
    ----------
    source, reference : xarray.DataArray
        On one grid and in one unit; NaN where there is no value.
    where : xarray.DataArray, optional
        Boolean: True where positions count in the fit.
    quantiles : sequence of float
        Levels at which the two are tied together, between 0 and 1.
    minimum : int
        Fewer positions than this with both values are an error.

    Returns
    -------
    xarray.DataArray
        Like `source`: see `CdfTransfer`.

    Raises
    ------
    InputError
        As `fit_cdf`.

    Examples
    --------
    >>> source = xr.DataArray(np.arange(1000.0), dims="x")
    >>> match_cdf(source, (2 * source).where(source < 500))[[250, 999]].values
    array([ 500., 1998.])
    """
    return fit_cdf(source, reference, where, quantiles=quantiles, minimum=minimum)(source)


def _check_levels(quantiles: Sequence[float]) -> Values:
    levels = np.asarray(quantiles, dtype=np.float64)
    if levels.size == 0 or not np.all(np.diff(levels, prepend=0.0, append=1.0) > 0):
        raise InputError(f"quantiles: must increase and lie between 0 and 1, without these, not {list(quantiles)}.")
    return levels


def _check_mask(mask: xr.DataArray) -> xr.DataArray:
    if mask.dtype != np.bool_:
        raise InputError(f"{mask.name or 'where'}: is {mask.dtype}, but a mask must be bool. Compare, as in mask > 0.")
    return mask


def _tail_levels(width: float) -> Values:
    """Middles of equal parts of the lower tail."""
    return width * (np.arange(_TAIL) + 0.5) / _TAIL


def _tail_slope(dx: Values, dy: Values) -> float:
    """Slope of the line through the origin that is closest to the points, which all lie on one side of it."""
    largest = np.abs(dx).max()
    if largest == 0:
        return 1.0
    dx = dx / largest  # squares of tiny numbers would vanish
    with np.errstate(over="ignore"):
        slope = float(dx @ dy / (dx @ dx) / largest)
    return slope if np.isfinite(slope) else 1.0


def _too_few(source: xr.DataArray, reference: xr.DataArray, count: int, minimum: int) -> InputError:
    return InputError(
        f"{source.name or 'source'} and {reference.name or 'reference'}: have both a value at {count} positions only, "
        f"and {minimum} are needed to match their distributions. Check that the two maps overlap and that the mask "
        "leaves enough of it, or lower the minimum."
    )
