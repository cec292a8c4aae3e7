"""The troposphere's delay in interferograms: from zenith delays to phase, and whether it helps to take it off."""

from enum import StrEnum
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.insar.alignment import on_grid_of
from cryoscale.insar.geometry import checked_incidence
from cryoscale.insar.reductions import sum_over_pixels
from cryoscale.lift import lift
from cryoscale.variables import attributes, check_units

Values = np.ndarray[Any, Any]


class MissingDelay(StrEnum):
    """What to do with pairs of which a day's delay is missing.

    ERROR refuses them; UNCORRECTED leaves their phase as it is, which the coordinate ``has_delay`` says.
    """

    ERROR = "error"
    UNCORRECTED = "uncorrected"


class Apply(StrEnum):
    """Which pairs are corrected: all that have a delay, or only those whose standard deviation it lowers."""

    ALWAYS = "always"
    WHERE_IT_HELPS = "where-it-helps"


def tropospheric_phase(
    delays: xr.DataArray,
    stack: xr.DataArray | xr.Dataset,
    *,
    wavelength: float,
    incidence_angle: float | xr.DataArray,
    missing: MissingDelay = MissingDelay.ERROR,
) -> xr.DataArray:
    r"""Phase that the troposphere adds to every interferogram.

    .. math:: \phi = \frac{4 \pi}{\lambda \cos\theta} (z_{\mathrm{secondary}} - z_{\mathrm{reference}})

    with zenith delay z and incidence angle theta (Yu et al. 2018, J. Geophys. Res. 123, 9202). A longer delay
    is a longer range, with which phase grows.

    Parameters
    ----------
    delays : xarray.DataArray
        (time, y, x), zenith delay, m, on the stack's grid; time in one chunk.
    stack : xarray.DataArray or xarray.Dataset
        With coordinates ``reference`` and ``secondary`` (pair). Days are compared, not hours.
    wavelength : float
        Radar wavelength, m.
    incidence_angle : float or xarray.DataArray
        Degree, of the scene or (y, x).
    missing : MissingDelay
        What to do with pairs without a delay on both days.

    Returns
    -------
    xarray.DataArray
        ``tropospheric_phase`` (pair, y, x), rad, NaN where a delay is, 0 for pairs that are left uncorrected; with
        the coordinates of the pairs and ``has_delay`` (pair).

    Raises
    ------
    InputError
        If delays are missing and that is an error, if a day has two, if the delays are in another unit, or if the
        wavelength or an incidence angle cannot be one.

    Examples
    --------
    >>> days = np.array(["2020-01-01", "2020-01-13"], "datetime64[ns]")
    >>> delays = xr.DataArray([[[2.30]], [[2.31]]], dims=("time", "y", "x"), coords={"time": days})
    >>> stack = xr.Dataset(coords={"reference": ("pair", days[:1]), "secondary": ("pair", days[1:])})
    >>> tropospheric_phase(delays, stack, wavelength=0.0555, incidence_angle=39.0).values.round(3)
    array([[[2.913]]])
    """
    check_units(delays, "zenith_delay")
    if not 0.005 <= wavelength <= 2.0:
        raise InputError(f"wavelength: {wavelength} is no radar wavelength in metres (0.005 to 2). C-band has 0.056 m.")
    first, second = _epochs(delays, stack, missing)
    has_delay = (first >= 0) & (second >= 0)
    phase = lift(
        partial(_phase_of_pairs, first=first, second=second, per_metre=4.0 * np.pi / wavelength),
        delays,
        on_grid_of(delays, checked_incidence(incidence_angle)),
        core_dims=[["time"], []],
        outputs={"tropospheric_phase": ["pair"]},
        coords={"pair": np.arange(first.size)},
        dtypes={"tropospheric_phase": delays.dtype},
    )["tropospheric_phase"]
    pairs = {str(name): coord for name, coord in stack.coords.items() if coord.dims == ("pair",)}
    return phase.drop_vars("pair").assign_coords({**pairs, "has_delay": ("pair", has_delay)})


def delay_reduction(phase: xr.DataArray, corrected: xr.DataArray) -> xr.Dataset:
    """Standard deviation of each interferogram before and after a correction.

    Over the pixels that have data in both, so that they differ by the correction alone. Lazy; a product computes this
    small table once, before it corrects tile by tile.

    Parameters
    ----------
    phase, corrected : xarray.DataArray
        (pair, y, x), rad.

    Returns
    -------
    xarray.Dataset
        ``deviation_before`` and ``deviation_after`` (pair), rad, float64; NaN for pairs without such pixels. Chunks
        change them by rounding only.

    Raises
    ------
    InputError
        If either is in another unit, or the grids differ.

    Examples
    --------
    >>> phase = xr.DataArray([[[1.0, 3.0, 7.0]]], dims=("pair", "y", "x"))
    >>> reduction = delay_reduction(phase, phase - xr.DataArray([0.0, 2.0, np.nan], dims="x"))
    >>> reduction.deviation_before.values, reduction.deviation_after.values
    (array([1.]), array([0.]))
    """
    check_units(phase, "unwrapped_phase")
    same = on_grid_of(phase, check_units(corrected, "unwrapped_phase"))
    arrays = (array.transpose("pair", "y", "x") for array in (phase, same))
    sums = sum_over_pixels(_moments, *arrays, sizes={"pair": phase.sizes["pair"], "moment": 5})
    deviations = {}
    for k, name in enumerate(("deviation_before", "deviation_after")):
        count, total, squares = (sums.isel(moment=i) for i in (0, 1 + k, 3 + k))
        known = count.where(count > 0)
        variance = squares / known - (total / known) ** 2
        deviations[name] = (variance.clip(min=0.0) ** 0.5).assign_attrs(attributes(name))
    dates = {name: phase[name] for name in ("reference", "secondary") if name in phase.coords}
    return xr.Dataset(deviations).assign_coords(dates)


def correct_troposphere(
    phase: xr.DataArray,
    delay: xr.DataArray,
    *,
    apply: Apply = Apply.ALWAYS,
    reduction: xr.Dataset | None = None,
) -> xr.Dataset:
    """Take the troposphere's phase off the interferograms.

    Parameters
    ----------
    phase : xarray.DataArray
        (pair, y, x), rad.
    delay : xarray.DataArray
        ``tropospheric_phase`` of the same pairs on the same grid.
    apply : Apply
        Which pairs to correct.
    reduction : xarray.Dataset, optional
        From `delay_reduction` of `phase` and ``phase - delay``, computed. Needed where it helps is asked for and every
        tile is computed on its own; else it is worked out here.

    Returns
    -------
    xarray.Dataset
        ``unwrapped_phase``, in the type of `phase`, NaN in corrected pairs where the delay is; ``delay_applied``
        (pair).

    Raises
    ------
    InputError
        If a unit, the pairs or the grids differ.

    Examples
    --------
    >>> phase = xr.DataArray([[[1.0, 3.0]], [[1.0, 1.0]]], dims=("pair", "y", "x"))
    >>> delay = xr.DataArray([[[0.0, 2.0]], [[0.0, 2.0]]], dims=("pair", "y", "x"))
    >>> correct_troposphere(phase, delay, apply=Apply.WHERE_IT_HELPS).delay_applied.values
    array([ True, False])
    """
    check_units(phase, "unwrapped_phase")
    same = on_grid_of(phase, check_units(delay, "tropospheric_phase"))
    _require_same_pairs(phase, same)
    applied = xr.DataArray(np.ones(phase.sizes["pair"], bool), dims="pair")
    if "has_delay" in same.coords:
        applied = applied & same.has_delay.drop_vars("has_delay")
        same = same.drop_vars("has_delay")
    corrected = (phase - same).astype(phase.dtype)
    if Apply(apply) is Apply.WHERE_IT_HELPS:
        reduction = delay_reduction(phase, corrected) if reduction is None else reduction
        applied = applied & (reduction.deviation_after < reduction.deviation_before)
    chosen = corrected.where(applied.reset_coords(drop=True), phase)
    return xr.Dataset(
        {
            "unwrapped_phase": chosen.drop_attrs(deep=False).assign_attrs(phase.attrs),
            "delay_applied": applied.drop_attrs(deep=False).assign_attrs(attributes("delay_applied")),
        }
    )


def _epochs(delays: xr.DataArray, stack: xr.DataArray | xr.Dataset, missing: MissingDelay) -> tuple[Values, Values]:
    """Places of the pairs' days among the delays, -1 where there is none."""
    days = delays.time.values.astype("datetime64[D]")
    known = {day: k for k, day in enumerate(days)}
    if len(known) < days.size:
        twice = next(day for day in days if (days == day).sum() > 1)
        raise InputError(f"zenith_delay: has more than one delay of {twice}. Leave all but one of them out.")
    pairs = [stack[name].values.astype("datetime64[D]") for name in ("reference", "secondary")]
    lacking = sorted({day for dates in pairs for day in dates if day not in known})
    if lacking and MissingDelay(missing) is MissingDelay.ERROR:
        raise InputError(
            f"zenith_delay: has none of {', '.join(map(str, lacking))}. "
            f"Get the delays of these days, or leave their pairs uncorrected with {str(MissingDelay.UNCORRECTED)!r}."
        )
    first, second = (np.array([known.get(day, -1) for day in dates], int) for dates in pairs)
    return first, second


def _phase_of_pairs(delays: Values, angle: Values, *, first: Values, second: Values, per_metre: float) -> tuple[Values]:
    scale = np.asarray(per_metre / np.cos(np.deg2rad(angle)), delays.dtype)
    phase = np.empty((first.size, *delays.shape[1:]), delays.dtype)
    for pair, i, j in zip(phase, first, second, strict=True):
        if i < 0 or j < 0:
            pair[...] = 0.0
        else:
            np.multiply(delays[j] - delays[i], scale, out=pair)
    return (phase,)


def _moments(phase: Values, corrected: Values) -> Values:
    """Of every pair: number of pixels with data in both, their sums and sums of squares."""
    sums = np.empty((phase.shape[0], 5))
    for row, before, after in zip(sums, phase, corrected, strict=True):
        known = np.isfinite(before) & np.isfinite(after)
        values = [array[known].astype(np.float64) for array in (before, after)]
        row[:] = known.sum(), *(array.sum() for array in values), *(np.square(array).sum() for array in values)
    return sums


def _require_same_pairs(phase: xr.DataArray, delay: xr.DataArray) -> None:
    for name in ("reference", "secondary"):
        both = name in phase.coords and name in delay.coords
        if delay.sizes["pair"] != phase.sizes["pair"] or (both and not np.array_equal(phase[name], delay[name])):
            raise InputError(
                f"tropospheric_phase: its pairs are not those of {phase.name or 'the phase'}. "
                "Make it with tropospheric_phase(delays, stack) of the same stack."
            )
