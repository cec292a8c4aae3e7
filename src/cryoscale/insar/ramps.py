"""Long-wavelength trends of orbits and atmosphere: the surfaces of `ramp_fits`, and the stack without them."""

from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.insar._ramps import design, surface
from cryoscale.insar.ramp_fits import RampOrder, fit_ramp, ramp_positions
from cryoscale.lift import lift
from cryoscale.variables import check_units

Values = np.ndarray[Any, Any]


def ramp_surface(ramp: xr.Dataset, like: xr.DataArray, *, elevation: xr.DataArray | None = None) -> xr.DataArray:
    """Surface of every pair.

    Parameters
    ----------
    ramp : xarray.Dataset
        From `fit_ramp`.
    like : xarray.DataArray
        Phase (pair, y, x) whose grid, chunks, dates and type the result takes; it may be a part of the fitted grid.
    elevation : xarray.DataArray, optional
        (y, x), m; needed if the ramp has it.

    Returns
    -------
    xarray.DataArray
        ``ramp`` (pair, y, x), rad; lazy where `like` is.

    Raises
    ------
    InputError
        If the pairs or grids differ, or the elevation is missing.
    """
    if ramp.sizes["pair"] != like.sizes["pair"]:
        raise InputError(
            f"ramp: was fitted to {ramp.sizes['pair']} pairs, but the stack has {like.sizes['pair']}. "
            "Select the same pairs of both."
        )
    positions = ramp_positions(like, ramp, elevation)
    coefficients = ramp.ramp_coefficients.values
    kernel = partial(_surface, terms=tuple(ramp.attrs["terms"]), coefficients=coefficients, dtype=like.dtype)
    surfaces: xr.DataArray = lift(
        kernel,
        *positions,
        core_dims=[()] * len(positions),
        outputs={"ramp": ("pair",)},
        coords={"pair": np.arange(len(coefficients))},
        dtypes={"ramp": like.dtype},
    ).ramp.drop_vars("pair")
    return surfaces.assign_coords(like.coords)


def _surface(
    y: Values,
    x: Values,
    elevation: Values | None = None,
    *,
    terms: tuple[str, ...],
    coefficients: Values,
    dtype: np.dtype[Any],
) -> tuple[Values, ...]:
    out = np.empty((len(coefficients), y.size * x.size), dtype)
    surface(design(terms, y, x, elevation), coefficients, out)
    return (out.reshape(-1, y.size, x.size),)


def remove_ramp(phase: xr.DataArray, ramp: xr.Dataset, *, elevation: xr.DataArray | None = None) -> xr.DataArray:
    """Take the surfaces off the stack.

    Parameters
    ----------
    phase : xarray.DataArray
        Unwrapped phase (pair, y, x), rad.
    ramp : xarray.Dataset
        From `fit_ramp`.
    elevation : xarray.DataArray, optional
        (y, x), m; needed if the ramp has it. Where it is NaN, so is the result.

    Returns
    -------
    xarray.DataArray
        Phase in the type of `phase`; lazy on lazy input.

    Raises
    ------
    InputError
        See `ramp_surface`.
    """
    check_units(phase, "unwrapped_phase")
    corrected = phase - ramp_surface(ramp, phase, elevation=elevation)
    return corrected.assign_attrs(phase.attrs).rename(phase.name)


def deramp(
    phase: xr.DataArray,
    coherence: xr.DataArray | None = None,
    *,
    order: RampOrder = RampOrder.LINEAR,
    elevation: xr.DataArray | None = None,
    mask: xr.DataArray | None = None,
    min_coherence: float = 0.5,
    rounds: int = 6,
    min_pixels: int = 100,
) -> xr.DataArray:
    """`fit_ramp` and `remove_ramp` in one: the fit is computed at once, in ``1 + rounds`` passes over the stack.

    Parameters
    ----------
    phase, coherence, order, elevation, mask, min_coherence, rounds, min_pixels
        See `fit_ramp`.

    Returns
    -------
    xarray.DataArray
        Phase less the surfaces; lazy on lazy input.

    Raises
    ------
    InputError
        See `fit_ramp`.

    Examples
    --------
    >>> y, x = np.mgrid[:20, :30]
    >>> plane = xr.DataArray([0.1 * x - 0.2 * y + 3.0], dims=("pair", "y", "x"))
    >>> bool(abs(deramp(plane)).max() < 1e-12)
    True
    """
    ramp = fit_ramp(
        phase,
        coherence,
        order=order,
        elevation=elevation,
        mask=mask,
        min_coherence=min_coherence,
        rounds=rounds,
        min_pixels=min_pixels,
    )
    return remove_ramp(phase, ramp, elevation=elevation)
