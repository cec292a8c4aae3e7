"""Long-wavelength trends of orbits and atmosphere: robust low-order polynomials, one small system per pair.

The surface of a pair is a polynomial of order 1 or 2 in x and y (Yanagiya and Furuya, 2020) and, where wanted, a
multiple of the elevation. It is fitted by iteratively reweighted least squares with Tukey's bisquare (reach 3.444
scales, 85 % efficient under normal noise). The scale is a bisquare M-scale (Rousseeuw and Yohai, 1984), which less than
half of the pixels cannot spoil: local deformation keeps its shape. Where most of the scene deforms, give a mask.

Every round is one pass over the stack, in which each chunk adds its share to one small system per pair. `fit_ramp`
drives the rounds: `start_ramp`, then `ramp_normals` (lazy) and `solve_ramp` in turn.
"""

from collections.abc import Callable
from enum import IntEnum
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.insar._ramps import design, normal_sums, solve
from cryoscale.insar.alignment import on_grid_of
from cryoscale.insar.reductions import sum_over_pixels
from cryoscale.variables import attributes, check_units

Values = np.ndarray[Any, Any]

_METRES = 1000.0  # of elevation in a unit of its column


class RampOrder(IntEnum):
    """Order of the polynomial."""

    LINEAR = 1
    """constant, x, y"""

    QUADRATIC = 2
    """constant, x, y, x^2, x y, y^2"""


_TERMS = {RampOrder.LINEAR: ("constant", "x", "y"), RampOrder.QUADRATIC: ("constant", "x", "y", "xx", "xy", "yy")}


def start_ramp(
    phase: xr.DataArray, *, order: RampOrder = RampOrder.LINEAR, elevation: xr.DataArray | None = None
) -> xr.Dataset:
    """Coefficients before the first round: zero.

    Parameters
    ----------
    phase : xarray.DataArray
        Unwrapped phase (pair, y, x), rad.
    order : RampOrder
        Of the polynomial.
    elevation : xarray.DataArray, optional
        (y, x), m. If given, a multiple of it belongs to the surface.

    Returns
    -------
    xarray.Dataset
        ``ramp_coefficients`` (pair, term), rad; ``ramp_scale`` (pair), rad, infinite: not known yet; ``ramp_pixels``
        (pair). Attributes ``terms``, and ``x_centre``, ``x_half``, ``y_centre``, ``y_half`` in units of the
        coordinates, which bring x and y to -1 .. 1. The column of elevation is in km.
    """
    check_units(phase, "unwrapped_phase")
    terms = _TERMS[RampOrder(order)] + (() if elevation is None else ("elevation",))
    n_pairs = phase.sizes["pair"]
    ramp = xr.Dataset(
        {
            "ramp_coefficients": (("pair", "term"), np.zeros((n_pairs, len(terms)))),
            "ramp_scale": ("pair", np.full(n_pairs, np.inf)),
            "ramp_pixels": ("pair", np.zeros(n_pairs, "int64")),
        },
        coords={name: phase[name] for name in ("reference", "secondary") if name in phase.coords},
        attrs={"terms": list(terms)} | _extent(phase, "x") | _extent(phase, "y"),
    )
    for name in ramp.data_vars:
        ramp[name].attrs = attributes(str(name))
    return ramp


def _extent(array: xr.DataArray, dim: str) -> dict[str, float]:
    values = array[dim].values.astype(float)  # without a coordinate xarray counts the pixels
    centre, half = (values.max() + values.min()) / 2, (values.max() - values.min()) / 2
    return {f"{dim}_centre": float(centre), f"{dim}_half": float(half) or 1.0}


def ramp_normals(phase: xr.DataArray, ramp: xr.Dataset, *, elevation: xr.DataArray | None = None) -> xr.Dataset:
    """Normal equations of one round: sums over all pixels with data.

    Parameters
    ----------
    phase : xarray.DataArray
        Unwrapped phase (pair, y, x), rad, NaN where it is not to be used; see `usable_phase`.
    ramp : xarray.Dataset
        From `start_ramp` or the last round.
    elevation : xarray.DataArray, optional
        (y, x), m; needed if the ramp has it. Pixels without it are not used.

    Returns
    -------
    xarray.Dataset
        ``normal_sums`` (pair, column), float64; lazy on lazy input, small when computed.

    Raises
    ------
    InputError
        If a unit is wrong, the grids differ, or the elevation is missing.
    """
    inputs = [phase.transpose("pair", "y", "x"), *ramp_positions(phase, ramp, elevation)]
    n_terms = ramp.sizes["term"]
    kernel = partial(
        _normal_sums,
        terms=tuple(ramp.attrs["terms"]),
        coefficients=ramp.ramp_coefficients.values,
        scale=ramp.ramp_scale.values,
    )
    sizes = {"pair": phase.sizes["pair"], "column": n_terms * (n_terms + 1) // 2 + n_terms + 3}
    return sum_over_pixels(kernel, *inputs, sizes=sizes).to_dataset(name="normal_sums")


def _normal_sums(
    phase: Values,
    y: Values,
    x: Values,
    elevation: Values | None = None,
    *,
    terms: tuple[str, ...],
    coefficients: Values,
    scale: Values,
) -> Values:
    columns = design(terms, y[:, None], x, elevation)
    known = np.isfinite(columns).all(axis=0)
    flat = phase.reshape(len(phase), -1)
    if not known.all():
        flat, columns = flat[:, known], columns[:, known]
    return normal_sums(flat, columns, coefficients, scale)


def ramp_positions(array: xr.DataArray, ramp: xr.Dataset, elevation: xr.DataArray | None) -> list[xr.DataArray]:
    """What the polynomial is made of, on the grid of an array.

    Parameters
    ----------
    array : xarray.DataArray
        With dims ``y`` and ``x``.
    ramp : xarray.Dataset
        From `start_ramp`.
    elevation : xarray.DataArray or None
        (y, x), m; needed if the ramp has it.

    Returns
    -------
    list of xarray.DataArray
        Normalised y and x, chunked as the array is, and if the ramp has it the elevation in km.

    Raises
    ------
    InputError
        If the elevation is missing, is not in m, or lies on another grid.
    """
    positions = []
    for dim in ("y", "x"):
        values = (array[dim].values - ramp.attrs[f"{dim}_centre"]) / ramp.attrs[f"{dim}_half"]
        position = xr.DataArray(values, {dim: array[dim]}, (dim,), name=f"position along {dim}")
        positions.append(position if array.chunks is None else position.chunk({dim: array.chunksizes[dim]}))
    if "elevation" not in ramp.attrs["terms"]:
        return positions
    if elevation is None:
        raise InputError("ramp: was fitted with elevation, but none is given. Pass elevation=..., in m.")
    same = on_grid_of(array, check_units(elevation, "elevation").transpose("y", "x"))
    return [*positions, same / _METRES]


def solve_ramp(ramp: xr.Dataset, normals: xr.Dataset) -> xr.Dataset:
    """Improve the coefficients by one round.

    Where the pixels do not determine all terms (one value of elevation, or one row), the smallest coefficients are
    taken.

    Parameters
    ----------
    ramp : xarray.Dataset
        What the normal equations were made with.
    normals : xarray.Dataset
        From `ramp_normals`, computed.

    Returns
    -------
    xarray.Dataset
        As `start_ramp`, with better coefficients, the scale of the residuals, and the number of pixels.
    """
    sums = normals.normal_sums.values
    change, scale = solve(sums, ramp.sizes["term"], ramp.ramp_scale.values)
    improved = {
        "ramp_coefficients": ramp.ramp_coefficients.copy(data=ramp.ramp_coefficients.values + change),
        "ramp_scale": ramp.ramp_scale.copy(data=scale),
        "ramp_pixels": ramp.ramp_pixels.copy(data=sums[:, -1].astype("int64")),
    }
    return ramp.assign(improved)


def usable_phase(
    phase: xr.DataArray,
    coherence: xr.DataArray | None = None,
    *,
    mask: xr.DataArray | None = None,
    min_coherence: float = 0.5,
) -> xr.DataArray:
    """Phase of the pixels that a ramp is fitted to.

    Parameters
    ----------
    phase : xarray.DataArray
        Unwrapped phase (pair, y, x), rad.
    coherence : xarray.DataArray, optional
        (pair, y, x), 0 to 1.
    mask : xarray.DataArray, optional
        (y, x) of bool, true where the ground may be used: stable, no deformation.
    min_coherence : float
        Pixels of a pair with less coherence, or without any, are not used.

    Returns
    -------
    xarray.DataArray
        The phase, NaN where it is not to be used.

    Raises
    ------
    InputError
        If the mask is not boolean, a unit is wrong, or the grids differ.
    """
    if mask is not None:
        if mask.dtype != bool:
            raise InputError(f"mask: is of type {mask.dtype}, but must be boolean, true where a pixel may be used.")
        phase = phase.where(on_grid_of(phase, mask))
    if coherence is not None:
        phase = phase.where(on_grid_of(phase, check_units(coherence, "coherence")) >= min_coherence)
    return phase


def fit_ramp(
    phase: xr.DataArray,
    coherence: xr.DataArray | None = None,
    *,
    order: RampOrder = RampOrder.LINEAR,
    elevation: xr.DataArray | None = None,
    mask: xr.DataArray | None = None,
    min_coherence: float = 0.5,
    rounds: int = 6,
    min_pixels: int = 100,
    reduce: Callable[[xr.Dataset], xr.Dataset] = xr.Dataset.compute,
) -> xr.Dataset:
    """Fit the surfaces of all pairs: one pass of least squares over the stack, then one for each reweighting.

    Coefficients belong to the coordinates, not to the pixels: a fit to every fourth pixel,
    ``fit_ramp(phase[:, ::4, ::4])``, takes a sixteenth of the time and serves the whole stack.

    Parameters
    ----------
    phase : xarray.DataArray
        Unwrapped phase (pair, y, x), rad; NaN is no data.
    coherence : xarray.DataArray, optional
        (pair, y, x), 0 to 1.
    order, elevation
        What the surface is made of; see `start_ramp`.
    mask, min_coherence
        Which pixels it is fitted to; see `usable_phase`.
    rounds : int
        Reweightings. With 0 it is plain least squares.
    min_pixels : int
        A pair with fewer usable pixels gets coefficients NaN: it cannot be corrected, and its corrected phase is NaN.
    reduce : callable
        Computes the small Dataset of a round from the lazy stack.

    Returns
    -------
    xarray.Dataset
        See `start_ramp`; computed, and ready to be saved. ``ramp_scale`` is that of the residuals before the last
        change.

    Raises
    ------
    InputError
        See `ramp_normals` and `usable_phase`; and if `rounds` is negative.
    """
    if rounds < 0:
        raise InputError(f"rounds: {rounds} is negative. Give the number of reweightings, 0 for plain least squares.")
    usable = usable_phase(phase, coherence, mask=mask, min_coherence=min_coherence)
    ramp = start_ramp(phase, order=order, elevation=elevation)
    for _ in range(1 + rounds):
        ramp = solve_ramp(ramp, reduce(ramp_normals(usable, ramp, elevation=elevation)))
    enough = ramp.ramp_pixels >= min_pixels
    return ramp.assign({name: ramp[name].where(enough) for name in ("ramp_coefficients", "ramp_scale")})
