"""Correlation of two maps whose neighbouring values are alike."""

from collections.abc import Mapping
from enum import StrEnum
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from cryoscale.grids import geobox_of, pixel_spacing
from cryoscale.stats._autocorrelation import effective_sample_size
from cryoscale.stats.binning import gathered
from cryoscale.stats.pairing import paired_with

Values = np.ndarray[Any, Any]


class Correlation(StrEnum):
    """What is correlated: the values, or their ranks."""

    PEARSON = "pearson"
    SPEARMAN = "spearman"


_STATISTICS: Mapping[str, str] = {
    "n": "number of positions",
    "r": "correlation coefficient",
    "n_effective": "number of independent positions",
    "p_value": "two-sided p value with the effective number of positions",
    "p_value_independent": "two-sided p value if all positions were independent",
}


def correlate(first: xr.DataArray, second: xr.DataArray, *, method: Correlation = Correlation.PEARSON) -> xr.Dataset:
    """Correlation of two maps, with a p value that allows for their spatial autocorrelation.

    The modified t test of Dutilleul (1993, Biometrics 49, 305): t = r sqrt((M - 2) / (1 - r^2)) with M - 2 degrees of
    freedom, where M is the effective sample size (Clifford et al. 1989, Biometrics 45, 123) from the covariances of
    both maps by distance, which are taken to be the same everywhere and in all directions. Rank correlation applies
    the same to ranks. Meant for aggregated maps, such as the 1 km grid of Chang et al., Section 3.1.3: chunks are
    gathered, and memory is needed for about fifty times one map.

    Parameters
    ----------
    first, second : xarray.DataArray
        (y, x) on one grid with a CRS, of any units; what is not finite is missing.
    method : Correlation
        Pearson's (values) or Spearman's (ranks).

    Returns
    -------
    xarray.Dataset
        Scalars ``n``, ``r``, ``n_effective``, ``p_value`` and ``p_value_independent`` (the usual t test, for
        comparison). NaN where not defined: a constant map, or an effective size of 2 or less. Lazy where an input is.

    Raises
    ------
    InputError
        If the grids differ or are no regular grid with a CRS.

    Examples
    --------
    >>> from odc.geo.geobox import GeoBox
    >>> from cryoscale.grids import grid_coords
    >>> coords = grid_coords(GeoBox.from_bbox((0, 0, 3000, 2000), "EPSG:32647", resolution=1000))
    >>> slope = xr.DataArray([[1.0, 2.0, 3.0], [2.0, 3.0, 5.0]], coords, dims=("y", "x"))
    >>> round(float(correlate(slope, slope**2, method=Correlation.SPEARMAN).r), 6)
    1.0
    """
    spacing = pixel_spacing(geobox_of(first))
    kernel = partial(_correlation, ranked=method is Correlation.SPEARMAN, spacing=spacing)
    result = gathered(kernel, first, paired_with(first, second), outputs={"statistic": len(_STATISTICS)})
    return xr.Dataset(
        {name: result[i].assign_attrs(units="1", long_name=text) for i, (name, text) in enumerate(_STATISTICS.items())}
    )


def _correlation(x: Values, y: Values, *, ranked: bool, spacing: tuple[float, float]) -> Values:
    valid = np.isfinite(x) & np.isfinite(y)
    n = int(valid.sum())
    fields = [np.zeros(valid.shape), np.zeros(valid.shape)]
    for field, values in zip(fields, (x, y), strict=True):
        field[valid] = stats.rankdata(values[valid]) if ranked else values[valid]
    effective = effective_sample_size(fields[0], fields[1], valid, spacing=spacing)
    if np.isnan(effective):
        return np.array([n, np.nan, np.nan, np.nan, np.nan])
    r = float(np.corrcoef(fields[0][valid], fields[1][valid])[0, 1])
    return np.array([n, r, effective, _p_value(r, effective), _p_value(r, n)])


def _p_value(r: float, size: float) -> float:
    if size <= 2:
        return float("nan")
    if abs(r) >= 1:
        return 0.0
    return float(2 * stats.t.sf(abs(r) * np.sqrt((size - 2) / (1 - r * r)), size - 2))
