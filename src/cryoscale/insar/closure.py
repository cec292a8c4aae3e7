"""Phase closure: around a triplet of acquisitions consistent phases add up to zero (Biggs et al., 2007).

The closure of epochs i < j < k is ``phase_ij + phase_jk - phase_ik``. Displacement, atmosphere and orbits cancel in it;
what is left is noise (less than a cycle) and errors of unwrapping (whole cycles).
"""

from enum import StrEnum
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from cryoscale.insar._closure import CYCLE, loop_sums, pixel_counts
from cryoscale.insar.network import pair_dates
from cryoscale.insar.reductions import sum_over_pixels
from cryoscale.lift import lift
from cryoscale.variables import attributes, check_units

Loops = NDArray[np.intp]
Values = np.ndarray[Any, Any]

_HALF = 15
"""Whole cycles of closure are told apart up to this number; what is beyond counts as this number."""


class Datum(StrEnum):
    """What the closure of a loop is measured from."""

    NEAREST_CYCLE = "nearest-cycle"
    """From the multiple of 2 pi that is nearest to the loop's median: for phases as the unwrapper leaves them, known up
    to whole cycles that it chose for each interferogram. Phases that later steps shifted by parts of a cycle must be
    referred to an area."""

    ZERO = "zero"
    """From zero: for phases referred to one area. Finds interferograms too whose area of reference is wrong."""


def triplets(reference: NDArray[Any], secondary: NDArray[Any]) -> Loops:
    """Find all loops of three acquisitions of which each two form a pair.

    Parameters
    ----------
    reference, secondary : ndarray, shape (pair,)
        Dates (or numbers) of a pair's first and second acquisition; no pair twice, none backward.

    Returns
    -------
    ndarray of int, shape (triplet, 3)
        Positions of the pairs ij, jk and ik, in order of i, j, k.

    Examples
    --------
    >>> triplets(np.array([0, 0, 1, 2]), np.array([1, 2, 2, 3]))
    array([[0, 2, 1]])
    """
    epochs = np.unique([reference, secondary])
    first, second = np.searchsorted(epochs, reference), np.searchsorted(epochs, secondary)
    order = np.lexsort((second, first))
    first, second = first[order], second[order]
    keys = first * epochs.size + second
    begin, end = (np.searchsorted(first, second, side) for side in ("left", "right"))
    ij = np.repeat(np.arange(keys.size), end - begin)
    jk = np.arange(ij.size) - np.repeat(np.cumsum(end - begin) - end, end - begin)
    wanted = first[ij] * epochs.size + second[jk]
    ik = np.minimum(np.searchsorted(keys, wanted), keys.size - 1)
    found = keys[ik] == wanted
    loops: Loops = order[np.stack([ij[found], jk[found], ik[found]], axis=1)]
    return loops


def stack_triplets(stack: xr.Dataset | xr.DataArray) -> Loops:
    """`triplets` of a stack's dates.

    Parameters
    ----------
    stack : xarray.Dataset or xarray.DataArray
        With the coordinates ``reference`` (pair) and ``secondary`` (pair).

    Returns
    -------
    ndarray of int, shape (triplet, 3)

    Raises
    ------
    InputError
        If a coordinate is missing, or a pair is repeated or does not go forward in time.
    """
    return triplets(*pair_dates(stack))


def closure_phase(phase: xr.DataArray, *, batch: int = 256) -> xr.DataArray:
    """Closure phase of every triplet.

    Parameters
    ----------
    phase : xarray.DataArray
        Unwrapped phase (pair, y, x), rad, with the coordinates ``reference`` and ``secondary``; NaN is no data.
    batch : int
        Triplets in a chunk of the result, where `phase` is lazy. A stack has more triplets than pairs, often
        thousands: compute it by chunks, or reduce it with `closure_statistics`.

    Returns
    -------
    xarray.DataArray
        ``closure_phase`` (triplet, y, x), rad, ``phase_ij + phase_jk - phase_ik``; coordinates ``first``, ``second``,
        ``third`` (triplet). Lazy on lazy input.

    Raises
    ------
    InputError
        If `phase` is not in rad, or the dates are missing, repeated or not forward.

    Examples
    --------
    >>> dates = np.array(["2020-01-01", "2020-01-13", "2020-01-25"], "datetime64[ns]")
    >>> phase = xr.DataArray(np.reshape([1.0, 2.5, 2.0], (3, 1, 1)), dims=("pair", "y", "x"),
    ...     coords={"reference": ("pair", dates[[0, 0, 1]]), "secondary": ("pair", dates[[1, 2, 2]])})
    >>> closure_phase(phase).values.ravel()
    array([0.5])
    """
    check_units(phase, "unwrapped_phase")
    phase = phase.transpose("pair", "y", "x")
    loops = stack_triplets(phase)
    if phase.chunks is None:
        data = _close(phase.values, loops)
    else:
        index = da.from_array(loops, chunks=(batch, 3))
        operands = (phase.data, ("pair", "y", "x"), index, ("triplet", "member"))
        data = da.blockwise(
            _close, ("triplet", "y", "x"), *operands, concatenate=True, dtype=phase.dtype, meta=phase.data._meta
        )
    kept = {name: coord for name, coord in phase.coords.items() if "pair" not in coord.dims}
    coords = kept | triplet_dates(phase, loops)
    return xr.DataArray(data, coords, ("triplet", "y", "x"), "closure_phase", attributes("closure_phase"))


def _close(phase: Values, loops: Loops) -> Values:
    closure: Values = phase[loops[:, 0]] + phase[loops[:, 1]] - phase[loops[:, 2]]
    return closure


def triplet_dates(stack: xr.Dataset | xr.DataArray, loops: Loops) -> dict[str, Any]:
    """Coordinates ``first``, ``second``, ``third`` (triplet).

    Parameters
    ----------
    stack : xarray.Dataset or xarray.DataArray
        With the coordinates ``reference`` and ``secondary``.
    loops : ndarray of int, shape (triplet, 3)
        From `triplets`.

    Returns
    -------
    dict
        Ready for ``assign_coords``.
    """
    reference, secondary = stack.reference.values, stack.secondary.values
    dates = {"first": reference[loops[:, 0]], "second": reference[loops[:, 1]], "third": secondary[loops[:, 1]]}
    return {
        name: ("triplet", values, {"long_name": f"date of the {name} acquisition"}) for name, values in dates.items()
    }


def closure_statistics(phase: xr.DataArray) -> xr.Dataset:
    """Reduce the closure of every triplet to a few sums, in one pass over the stack.

    Parameters
    ----------
    phase : xarray.DataArray
        Unwrapped phase (pair, y, x), rad, with the coordinates ``reference`` and ``secondary``; NaN is no data.

    Returns
    -------
    xarray.Dataset
        ``closure_count`` (triplet, cycles), pixels by the closure's whole cycles; ``closure_sum``, rad, and
        ``closure_square_sum``, rad2, (triplet); the pairs' dates. Small, float64; lazy on lazy input. All are sums
        over pixels: the chunks change them by rounding only, and those of two areas can be added.

    Raises
    ------
    InputError
        If `phase` is not in rad, or the dates are missing, repeated or not forward.

    See Also
    --------
    closure_table : What they say of each loop.
    """
    check_units(phase, "unwrapped_phase")
    phase = phase.transpose("pair", "y", "x")
    loops = stack_triplets(phase)
    sizes = {"triplet": len(loops), "column": 2 * _HALF + 3}
    sums = sum_over_pixels(partial(_loop_sums, loops=loops), phase, sizes=sizes)
    return xr.Dataset(
        {
            "closure_count": sums[:, : 2 * _HALF + 1].rename(column="cycles"),
            "closure_sum": sums[:, -2].assign_attrs(units="rad"),
            "closure_square_sum": sums[:, -1].assign_attrs(units="rad2"),
        },
        coords={"cycles": np.arange(-_HALF, _HALF + 1)} | triplet_dates(phase, loops) | _pair_dates(phase),
    )


def _loop_sums(phase: Values, *, loops: Loops) -> Values:
    return loop_sums(_flat(phase), loops, _HALF)


def _pair_dates(stack: xr.DataArray) -> dict[str, Any]:
    return {name: stack[name] for name in ("reference", "secondary")}


def _flat(phase: Values) -> Values:
    return np.ascontiguousarray(phase.reshape(phase.shape[0], -1))


def closure_table(statistics: xr.Dataset, *, datum: Datum = Datum.NEAREST_CYCLE) -> xr.Dataset:
    """Root mean square of each loop's closure.

    With n pixels, m whole cycles and the closure c, rms^2 = sum (c - 2 pi m)^2 / n, where m is 0 or, for
    ``Datum.NEAREST_CYCLE``, the median of the pixels' whole cycles. That is the multiple of 2 pi nearest to the median
    closure, which LiCSBAS takes off (Morishita et al., 2020): rounding keeps the order, so the median of
    the rounded is the rounded median, and a histogram of whole numbers gives it exactly from chunks. (Of an even number
    of pixels the lower median is meant.) Up to 15 cycles are told apart.

    Parameters
    ----------
    statistics : xarray.Dataset
        From `closure_statistics`.
    datum : Datum
        What closure is measured from.

    Returns
    -------
    xarray.Dataset
        ``closure_pixels``, ``closure_cycles`` (m) and ``closure_rms``, rad, (triplet); NaN where the three pairs have
        no pixel in common. Coordinates ``first``, ``second``, ``third``.
    """
    count = statistics.closure_count
    pixels = count.sum("cycles")
    below = count.cumsum("cycles") < pixels / 2
    nearest = below.sum("cycles") - _HALF
    cycles = nearest.where(pixels > 0, 0) if datum is Datum.NEAREST_CYCLE else xr.zeros_like(pixels)
    offset = CYCLE * cycles
    squares = statistics.closure_square_sum - 2 * offset * statistics.closure_sum + pixels * offset**2
    rms = np.sqrt(np.maximum(squares, 0) / pixels.where(pixels > 0))
    columns = {
        "closure_pixels": pixels.astype("int64"),
        "closure_cycles": cycles.astype("int16"),
        "closure_rms": rms.astype("float32"),
    }
    return xr.Dataset({name: values.assign_attrs(attributes(name)) for name, values in columns.items()})


def loop_errors(
    phase: xr.DataArray, *, keep: xr.DataArray | None = None, cycles: xr.DataArray | None = None
) -> xr.Dataset:
    """Count in every pixel the loops that do not close.

    Parameters
    ----------
    phase : xarray.DataArray
        Unwrapped phase (pair, y, x), rad, with the coordinates ``reference`` and ``secondary``; NaN is no data.
    keep : xarray.DataArray, optional
        (pair) Pairs whose loops count; by default all.
    cycles : xarray.DataArray, optional
        (triplet) Whole cycles to take off each loop, from `closure_table`; by default none.

    Returns
    -------
    xarray.Dataset
        ``n_loops``, the loops that have data, and ``n_loop_errors``, those of them with ``|closure| > pi`` (y, x).
        Lazy on lazy input.

    Raises
    ------
    InputError
        If `phase` is not in rad, is split along ``pair``, or the dates are missing, repeated or not forward.
    """
    check_units(phase, "unwrapped_phase")
    loops = stack_triplets(phase)
    offset = CYCLE * (np.zeros(len(loops)) if cycles is None else cycles.values)
    counted = np.ones(len(loops), bool) if keep is None else keep.values[loops].all(axis=1)
    kernel = partial(_pixel_counts, loops=loops[counted], offset=offset[counted].astype(phase.dtype))
    return lift(kernel, phase, core_dims=[("pair",)], outputs={"n_loops": (), "n_loop_errors": ()})


def _pixel_counts(phase: Values, *, loops: Loops, offset: Values) -> tuple[Values, ...]:
    counts = pixel_counts(_flat(phase), loops, offset).reshape(2, *phase.shape[1:])
    return tuple(counts)
