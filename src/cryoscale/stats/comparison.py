"""How two maps of the same quantity differ: scores, histograms, density of pairs."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from cryoscale.stats._piecewise import count_pairs
from cryoscale.stats.binning import check_edges
from cryoscale.stats.pairing import paired_with, require_same_units, sum_over_chunks
from cryoscale.stats.scores import scores

Values = np.ndarray[Any, Any]


def compare_maps(
    first: xr.DataArray, second: xr.DataArray, where: xr.DataArray | None = None, *, edges: Sequence[float] | Values
) -> xr.Dataset:
    """Compare two maps over all positions where both have a value (Chang et al., Fig. 9).

    Parameters
    ----------
    first, second : xarray.DataArray
        On one grid and in one unit, in memory or lazy; what is not finite is missing.
    where : xarray.DataArray, optional
        Boolean, on the same grid: True where positions count.
    edges : sequence of float
        Borders of the bins, increasing, in the unit of the maps. A bin holds its lower border, the last one also its
        upper; what lies beyond all bins is counted in `n_outside`.

    Returns
    -------
    xarray.Dataset
        The scores of `first` as a prediction of `second` (`scores`; `bias` and `mae` are the paper's mean bias and
        mean absolute bias, of first minus second); ``first_count`` and ``second_count`` (bin), histograms;
        ``pair_count`` (first_bin, second_bin), the density of pairs; ``n_outside``, pairs of which a value lies
        beyond the bins; coordinates: middles of the bins; ``edge``. Counts are int64 and do not depend on chunks.
        Lazy where an input is lazy.

    Raises
    ------
    InputError
        If grids or units differ, or the borders do not increase.

    Examples
    --------
    >>> a = xr.DataArray([0.5, 1.5, 1.0, np.nan], dims="x", attrs={"units": "mm"})
    >>> b = xr.DataArray([0.5, 0.5, 9.0, 1.0], dims="x", attrs={"units": "mm"})
    >>> result = compare_maps(a, b, edges=[0, 1, 2])
    >>> result.first_count.values.tolist(), result.pair_count.values.tolist(), int(result.n_outside)
    ([1, 2], [[1, 0], [1, 0]], 1)
    """
    borders = check_edges(edges)
    units = require_same_units(first, second)
    second = paired_with(first, second)
    if where is not None:
        mask = paired_with(first, where)
        first, second = first.where(mask), second.where(mask)
    unit = {} if units is None else {"units": units}
    agreement = scores(_finite(first), _finite(second)).drop_attrs()
    for name, score in agreement.items():
        score.attrs = unit if name in ("bias", "mae", "rmse") else {"units": "1"}
    middles = (borders[:-1] + borders[1:]) / 2
    coords = {"bin": middles, "first_bin": middles, "second_bin": middles, "edge": borders}
    return agreement.assign(_histograms(first, second, borders)).assign_coords(
        {name: (name, values, unit) for name, values in coords.items()}
    )


def _histograms(first: xr.DataArray, second: xr.DataArray, borders: Values) -> dict[str, Any]:
    counts, inner = _pair_counts(first, second, borders), slice(1, -1)
    texts = [f"values of {array.name or which}" for array, which in ((first, "first"), (second, "second"))]
    return {
        "first_count": ("bin", counts.sum(axis=1)[inner], {"units": "1", "long_name": texts[0]}),
        "second_count": ("bin", counts.sum(axis=0)[inner], {"units": "1", "long_name": texts[1]}),
        "pair_count": (
            ("first_bin", "second_bin"),
            counts[inner, inner],
            {"units": "1", "long_name": "pairs of values"},
        ),
        "n_outside": ((), counts.sum() - counts[inner, inner].sum(), {"units": "1"}),
    }


def _pair_counts(first: xr.DataArray, second: xr.DataArray, borders: Values) -> Any:
    """Pairs by bin of the first and the second, with one bin more below and above."""
    size = len(borders) + 1
    counts = sum_over_chunks(partial(count_pairs, edges=borders), first, second, shape=(size, size))
    return counts.rechunk(-1) if isinstance(counts, da.Array) else counts


def _finite(array: xr.DataArray) -> xr.DataArray:
    return array.where(np.isfinite(array))
