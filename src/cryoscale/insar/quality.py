"""How much of the scene each pair covers, and how coherent it is there."""

from typing import Any

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.insar.alignment import on_grid_of
from cryoscale.insar.reductions import sum_over_pixels
from cryoscale.variables import attributes, check_units

Values = np.ndarray[Any, Any]


def pair_statistics(phase: xr.DataArray, coherence: xr.DataArray | None = None) -> xr.Dataset:
    """Coverage and mean coherence of every pair, over the pixels in which any pair has data.

    Parameters
    ----------
    phase : xarray.DataArray
        Unwrapped phase (pair, y, x), rad; NaN is no data.
    coherence : xarray.DataArray, optional
        (pair, y, x), 0 to 1.

    Returns
    -------
    xarray.Dataset
        ``observed_share`` and, with `coherence`, ``pair_coherence`` (pair); NaN where there is nothing to divide by.
        Lazy on lazy input.

    Raises
    ------
    InputError
        If a unit is wrong, or the pairs or grids differ.

    Examples
    --------
    >>> nan = np.nan
    >>> phase = xr.DataArray([[[1.0, 2.0, nan]], [[1.0, nan, nan]]], dims=("pair", "y", "x"))
    >>> pair_statistics(phase).observed_share.values
    array([1. , 0.5], dtype=float32)
    """
    check_units(phase, "unwrapped_phase")
    inputs = [phase.transpose("pair", "y", "x")]
    if coherence is not None:
        _require_same_pairs(phase, coherence)
        same = on_grid_of(phase, check_units(coherence, "coherence"))
        inputs.append(same.transpose("pair", "y", "x"))
    sums = sum_over_pixels(_pair_sums, *inputs, sizes={"pair": phase.sizes["pair"], "column": 2 * len(inputs)})
    ratios = {"observed_share": (0, 1), "pair_coherence": (2, 3)}
    statistics = xr.Dataset(
        {
            name: (sums[:, above] / sums[:, below].where(sums[:, below] > 0)).astype("float32")
            for name, (above, below) in ratios.items()
            if below < sums.sizes["column"]
        }
    )
    for name in statistics:
        statistics[name].attrs = attributes(str(name))
    return statistics.assign_coords({name: phase[name] for name in ("reference", "secondary") if name in phase.coords})


def _require_same_pairs(phase: xr.DataArray, coherence: xr.DataArray) -> None:
    names = (phase.name or "phase", coherence.name or "coherence")
    if phase.sizes["pair"] != coherence.sizes["pair"]:
        raise InputError(
            f"{names[1]}: has {coherence.sizes['pair']} pairs, {names[0]} {phase.sizes['pair']}. "
            "Select the same pairs of both."
        )


def _pair_sums(phase: Values, coherence: Values | None = None) -> Values:
    """Columns: pixels with data, pixels observed by any pair; sum of coherence in the latter, and their number."""
    present = np.isfinite(phase)
    observed = present.any(axis=0)
    columns = [present.sum(axis=(1, 2)), np.full(len(phase), observed.sum())]
    if coherence is not None:
        known = np.isfinite(coherence) & observed
        columns += [np.sum(coherence, axis=(1, 2), where=known, dtype=np.float64), known.sum(axis=(1, 2))]
    return np.stack(columns, axis=1).astype(np.float64)
