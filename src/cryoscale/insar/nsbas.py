"""NSBAS: displacement in time from a network of interferograms that snow cuts into pieces every winter."""

from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.insar._elimination import PARAMETERS, Problem
from cryoscale.insar._nsbas import make_problem, solve
from cryoscale.insar.network import Dates, decimal_years, epochs, pair_dates, pair_indices
from cryoscale.lift import lift
from cryoscale.variables import check_units

Values = np.ndarray[Any, Any]


class TemporalModel(StrEnum):
    """How displacement runs on across gaps in the network; c, v, A1, A2 are fitted, t are years, T is the period."""

    NONE = "none"
    """No model: epochs that no chain of pairs ties to the first epoch have no displacement."""

    LINEAR = "linear"
    """c + v t (Chang et al., Eq. 1)."""

    LINEAR_PERIODIC = "linear-periodic"
    """c + v t + A1 sin(2 pi t / T) + A2 cos(2 pi t / T) (Chang et al., Eq. 2)."""


_PARAMETERS = {
    TemporalModel.NONE: (),
    TemporalModel.LINEAR: ("offset", "velocity"),
    TemporalModel.LINEAR_PERIODIC: ("offset", "velocity", "sine", "cosine"),
}
_OUTPUTS = (  # maps in the order of the kernel
    *_PARAMETERS[TemporalModel.LINEAR_PERIODIC],
    "offset_error",
    "velocity_error",
    "sine_error",
    "cosine_error",
    "residual_rms",
)


def invert_nsbas(
    displacement: xr.DataArray,
    *,
    model: TemporalModel | str = TemporalModel.LINEAR_PERIODIC,
    gamma: float = 1e-4,
    period: float = 1.0,
    velocity_reference: xr.DataArray | None = None,
    weights: xr.DataArray | None = None,
    constrain_first: bool = False,
) -> xr.Dataset:
    """Invert interferograms for displacement in time, pixel by pixel.

    The displacements u at the N epochs (u = 0 at the first) and the parameters of the temporal model make

        sum_pairs w (u_secondary - u_reference - d)^2 + gamma^2 sum_{k=1}^{N-1} (u_k - model(t_k))^2

    least (Chang et al., Eq. 3, where the unknowns are the increments of u; after Lopez-Quiroz et al., 2009). With a
    small gamma the pairs decide within a piece of the network, and the model decides how the pieces lie to each other.
    With a reference the velocity is not fitted but taken from there: the data-constrained NSBAS of the paper.

    Parameters
    ----------
    displacement : xarray.DataArray
        (pair, ...), line of sight, mm, with the coordinates ``reference`` and ``secondary`` (pair). What is not
        finite is missing. A Dask-backed stack must be one chunk along ``pair``.
    model : TemporalModel or str
        ``"none"``, ``"linear"`` or ``"linear-periodic"``.
    gamma : float
        Weight of the temporal model against that of a pair; without meaning if there is no model. Rounding moves pieces
        of the network by about 1e-14 / gamma^2 mm: do not go below 1e-5.
    period : float
        T, a; without meaning if the model is not periodic.
    velocity_reference : xarray.DataArray, optional
        (...), mm a-1. A pixel without a reference has no result.
    weights : xarray.DataArray, optional
        (pair) or (pair, ...), of the squared residuals, taken in the type of `displacement`. A pair whose weight is 0
        or not finite is not used.
    constrain_first : bool
        Whether the sum of the temporal model includes the first epoch (k = 0), as in LiCSBAS.

    Returns
    -------
    xarray.Dataset
        In the float type of `displacement` (float32 if that has none) and lazy if it is lazy:

        - ``displacement`` (time, ...), mm, since the first epoch;
        - ``offset``, ``sine``, ``cosine``, mm, and ``velocity``, mm a-1: the parameters that the model has;
        - ``velocity_error``, ``sine_error``, ``cosine_error``: their standard errors, if the deviations of the
          displacements from the model are uncorrelated in time; NaN without degrees of freedom, which are N - pieces
          of the network - parameters (one more with `constrain_first`). A given velocity has none;
        - ``residual_rms``, mm, over the pairs used, not weighted;
        - ``n_pairs``, pairs used, and ``n_components``, pieces of the network that these pairs make of all N epochs.

        A pixel has NaN in all but the two counts where its pairs do not determine the model: too few connected
        epochs, or no pair that ties the first epoch to another (then the offset is free, unless `constrain_first`).
        With model ``"none"`` only those epochs are NaN that no chain of pairs ties to the first.

    Raises
    ------
    InputError
        If dates are missing, repeated or not forward, units differ, grids differ, a weight is negative, or an option
        makes no sense.

    Examples
    --------
    >>> dates = np.datetime64("2020-01-01", "ns") + 12 * np.arange(61) * np.timedelta64(1, "D")
    >>> truth = -10.0 * np.arange(61) * 12 / 365.25
    >>> first, second = np.arange(60), np.arange(1, 61)
    >>> pairs = xr.DataArray(
    ...     truth[second] - truth[first],
    ...     dims="pair",
    ...     coords={"reference": ("pair", dates[first]), "secondary": ("pair", dates[second])},
    ... )
    >>> cube = invert_nsbas(pairs.where(pairs.pair != 30))  # the network is in two pieces
    >>> round(float(cube.velocity), 6), round(float(cube.displacement[-1]), 6), int(cube.n_components)
    (-10.0, -19.712526, 2)
    """
    model = _model(model)
    _check_options(model, gamma, period, velocity_reference, constrain_first)
    displacement = _float(check_units(displacement, "pair_displacement"))
    dates = pair_dates(displacement)
    fitted = [name for name in _PARAMETERS[model] if velocity_reference is None or name != "velocity"]
    problem = _problem(*dates, fitted=fitted, gamma=gamma, period=period, constrain_first=constrain_first)
    names = [*_PARAMETERS[model], *(f"{name}_error" for name in fitted if name != "offset"), "residual_rms"]
    inputs = (
        displacement,
        xr.DataArray(np.ones(displacement.sizes["pair"]), dims="pair") if weights is None else weights,
        xr.DataArray(0.0) if velocity_reference is None else check_units(velocity_reference, "velocity"),
    )
    _check_grids(inputs)
    return lift(
        partial(_invert, problem=problem, rows=[_OUTPUTS.index(name) for name in names]),
        *inputs,
        core_dims=[("pair",), ("pair",), ()],
        outputs={"displacement": ["time"], **{name: [] for name in (*names, "n_pairs", "n_components")}},
        coords={"time": epochs(*dates)},
        dtypes=dict.fromkeys(["displacement", *names], displacement.dtype),
    )


def _model(model: TemporalModel | str) -> TemporalModel:
    try:
        return TemporalModel(model)
    except ValueError:
        raise InputError(f"model: {model!r} is none of {', '.join(TemporalModel)}.") from None


def _check_options(
    model: TemporalModel, gamma: float, period: float, velocity_reference: object, constrain_first: bool
) -> None:
    if not 0.0 < gamma < np.inf:
        raise InputError(f"gamma: {gamma} is not a positive number. For an inversion without a model take 'none'.")
    if not 0.0 < period < np.inf:
        raise InputError(f"period: {period} is not a positive number of years.")
    if model is TemporalModel.NONE and velocity_reference is not None:
        raise InputError("velocity_reference: needs a temporal model, but the model is 'none'. Take 'linear'.")
    if model is TemporalModel.NONE and constrain_first:
        raise InputError("constrain_first: needs a temporal model, but the model is 'none'.")


def _float(displacement: xr.DataArray) -> xr.DataArray:
    size = displacement.dtype.itemsize if displacement.dtype.kind == "f" else 4
    return displacement.astype(np.float64 if size == 8 else np.float32, copy=False)


def _check_grids(inputs: Sequence[xr.DataArray]) -> None:
    displacement = inputs[0]
    pixels = set(displacement.dims) - {"pair"}
    for name, array, core in zip(("weights", "velocity_reference"), inputs[1:], ({"pair"}, set()), strict=True):
        if not core <= set(array.dims) <= core | pixels:
            raise InputError(f"{name}: has dims {array.dims}, but the displacements have {displacement.dims}.")
        try:
            xr.align(displacement, array, join="exact", copy=False)
            xr.merge([displacement.coords, array.coords], compat="equals", join="exact")
        except ValueError as error:
            raise InputError(f"{name}: is not of the displacements' pairs or grid ({error}).") from error


def _problem(
    reference: Dates,
    secondary: Dates,
    *,
    fitted: Sequence[str],
    gamma: float,
    period: float,
    constrain_first: bool,
) -> Problem:
    years = decimal_years(epochs(reference, secondary))
    angle = 2.0 * np.pi * years / period
    design = np.stack([np.ones_like(years), years, np.sin(angle), np.cos(angle)], axis=1)
    design *= np.isin(_OUTPUTS[:PARAMETERS], fitted)
    if not constrain_first:
        design[0] = 0.0
    return make_problem(*pair_indices(reference, secondary), years, design, gamma=gamma if fitted else 0.0)


def _invert(
    displacement: Values, weights: Values, velocity: Values, *, problem: Problem, rows: Sequence[int]
) -> tuple[Values, ...]:
    """One chunk; arrays have pairs first and then any dims, which the solver takes as one."""
    if (weights < 0).any():
        raise InputError(f"weights: {np.nanmin(weights)} is negative. A pair that shall not be used has weight 0.")
    n_pairs, *pixels = displacement.shape
    columns = weights.reshape(n_pairs, 1) if weights.ndim == 1 else np.broadcast_to(weights, displacement.shape)
    series, maps, counts = solve(
        displacement.reshape(n_pairs, -1),
        columns.reshape(n_pairs, -1),
        np.broadcast_to(velocity, pixels).reshape(-1),
        problem,
    )
    return tuple(part.reshape((*part.shape[:-1], *pixels)) for part in (series, *maps[rows], *counts))
