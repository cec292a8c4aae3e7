"""Temperature at the top of permafrost: yearly, its error, its mean over years, and the probability of permafrost."""

from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import ndtr

from cryoscale.errors import InputError
from cryoscale.lift import lift
from cryoscale.thermal._pointwise import top_temperature
from cryoscale.thermal.degree_days import aligned
from cryoscale.variables import check_units

Values = np.ndarray[Any, Any]

_ERROR_INPUTS = ("ddt", "ddf", "thawing_days", "freezing_days", "ddt_error", "ddf_error")
_ERROR_PARTS = ("ttop_error_days", "ttop_error_bias", "ttop_error_rk")


def ttop(ddt: xr.DataArray, ddf: xr.DataArray, rk: xr.DataArray | float, period: float = 365.25) -> xr.DataArray:
    r"""Temperature at the top of permafrost, or at the base of seasonal frost where the result is above zero.

    .. math::

        T = (r_k \mathrm{DDT} - \mathrm{DDF}) / P \quad \text{where } r_k \mathrm{DDT} \le \mathrm{DDF}, \qquad
        T = (\mathrm{DDT} - \mathrm{DDF} / r_k) / P \quad \text{elsewhere}

    from degree-days of the ground surface (Smith and Riseborough 1996, Permafrost Periglac. Process. 7, 301;
    2002, 13, 1). The second form is the first one divided by rk, so both are zero at the same place and the sign
    never depends on the form.

    Parameters
    ----------
    ddt, ddf : xarray.DataArray
        Thawing and freezing degree-days, degC d, both positive, any dims; of a year or means over years.
    rk : xarray.DataArray or float
        Ratio of thawed to frozen thermal conductivity; positive, NaN where unknown.
    period : float
        P, d: 365.25, unless degree-days are of another period.

    Returns
    -------
    xarray.DataArray
        ``ttop``, degC. Lazy where an input is.

    Raises
    ------
    InputError
        If a unit is wrong, `rk` (on lazy data when it is computed) or `period` is not positive, or the inputs do not
        lie on one grid.

    Examples
    --------
    >>> ddt, ddf = xr.DataArray([1000.0, 1000.0]), xr.DataArray([1500.0, 200.0])
    >>> ttop(ddt, ddf, 0.8, period=365).values.round(3)
    array([-1.918,  2.055])
    """
    inputs = aligned(check_units(ddt, "ddt"), check_units(ddf, "ddf"), _as_array(rk, "rk"))
    dtype = _float_type(*inputs[:2])
    return lift(
        partial(_ttop, period=_positive(period, "period"), dtype=dtype),
        *inputs,
        core_dims=[[], [], []],
        outputs={"ttop": ()},
        dtypes={"ttop": dtype},
    )["ttop"]


def ttop_error(
    degree_days: xr.Dataset,
    rk: xr.DataArray | float,
    *,
    rk_error: xr.DataArray | float = 0.0,
    bias: xr.DataArray | float = 0.0,
    period: float = 365.25,
) -> xr.Dataset:
    r"""Standard error of the temperature at the top of permafrost, by linear propagation.

    With s = 1 where the ground stays frozen and 1 / rk elsewhere, the three independent parts are

    .. math::

        \sigma_{days} = s \sqrt{r_k^2 \sigma_{DDT}^2 + \sigma_{DDF}^2} / P, \qquad
        \sigma_{bias} = s (r_k n_t + n_f)\, b / P, \qquad
        \sigma_{rk} = (\mathrm{DDT} \text{ or } \mathrm{DDF} / r_k^2)\, \sigma(r_k) / P

    from errors of single days, from a bias that shifts all n_t thawing and n_f freezing days alike, and from rk. The
    derivatives jump by 1 / rk where TTOP passes zero; TTOP over its error does not.

    Parameters
    ----------
    degree_days : xarray.Dataset
        From `cryoscale.thermal.degree_days` with `error`: ``ddt``, ``ddf``, ``thawing_days``, ``freezing_days``,
        ``ddt_error`` and ``ddf_error``.
    rk : xarray.DataArray or float
        As for `ttop`.
    rk_error : xarray.DataArray or float
        Standard error of rk.
    bias : xarray.DataArray or float
        b, standard deviation of what all days of ground surface temperature are wrong by, K.
    period : float
        P, d.

    Returns
    -------
    xarray.Dataset
        ``ttop_error`` and its parts ``ttop_error_days``, ``ttop_error_bias`` and ``ttop_error_rk``, K. Lazy where an
        input is.

    Raises
    ------
    InputError
        If a variable is not there or in another unit, an error is negative, or as for `ttop`.

    Examples
    --------
    >>> values = {"ddt": 900.0, "ddf": 1800.0, "thawing_days": 140.0, "freezing_days": 225.0}
    >>> year = xr.Dataset(values | {"ddt_error": 30.0, "ddf_error": 40.0})
    >>> errors = ttop_error(year, 0.8, rk_error=0.1, bias=0.5)
    >>> {name: round(float(part), 3) for name, part in errors.items()}
    {'ttop_error': 0.538, 'ttop_error_days': 0.128, 'ttop_error_bias': 0.461, 'ttop_error_rk': 0.246}
    """
    inputs = [check_units(_required(degree_days, name), name) for name in _ERROR_INPUTS]
    others = _as_array(rk, "rk"), _as_array(rk_error, "rk_error"), _as_array(bias, "gst_error").rename("bias")
    dtype = _float_type(*inputs[:2])
    names = ("ttop_error", *_ERROR_PARTS)
    return lift(
        partial(_ttop_error, period=_positive(period, "period"), dtype=dtype),
        *aligned(*inputs, *others),
        core_dims=[[]] * (len(inputs) + len(others)),
        outputs=dict.fromkeys(names, ()),
        dtypes=dict.fromkeys(names, dtype),
    )


def permafrost_probability(ttop: xr.DataArray, error: xr.DataArray) -> xr.DataArray:
    r"""Probability that the temperature at the top of permafrost is at or below zero.

    .. math:: p = \Phi(-T / \sigma)

    for a normal error; 1 or 0 where the error is 0.

    Parameters
    ----------
    ttop : xarray.DataArray
        Temperature at the top of permafrost, degC, yearly or a mean over years.
    error : xarray.DataArray
        Its standard error, K.

    Returns
    -------
    xarray.DataArray
        ``permafrost_probability`` where there is a dim ``year``, else ``mean_permafrost_probability``, 0 to 1. Lazy
        where an input is.

    Raises
    ------
    InputError
        If a unit is wrong, an error is negative, or the two do not lie on one grid.

    Examples
    --------
    >>> permafrost_probability(xr.DataArray([-1.0, 0.0]), xr.DataArray([0.5, 0.5])).values.round(3)
    array([0.977, 0.5  ])
    """
    name = "permafrost_probability" if "year" in ttop.dims else "mean_permafrost_probability"
    dtype = _float_type(ttop, error)
    return lift(
        partial(_probability, dtype=dtype),
        *aligned(check_units(ttop, "ttop"), check_units(error, "ttop_error")),
        core_dims=[[], []],
        outputs={name: ()},
        dtypes={name: dtype},
    )[name]


def mean_over_years(yearly: xr.Dataset, *, min_years: int = 1) -> xr.Dataset:
    r"""Means over years of TTOP and degree-days, and the standard error of the mean TTOP.

    Errors of days differ from year to year and average down; a bias and the error of rk are the same in every year and
    do not:

    .. math:: \sigma^2 = \sum_i \sigma_{days,i}^2 / n^2 + \overline{\sigma_{bias}}^2 + \overline{\sigma_{rk}}^2

    It is the error of the mean over these very years; that other years would give another mean is not in it.

    Parameters
    ----------
    yearly : xarray.Dataset
        (year, ...) ``ttop``, ``ddt``, ``ddf``, and, for an error of the mean, the parts that `ttop_error` gives. Choose
        a period with ``.sel(year=slice(2006, 2010))``.
    min_years : int
        Years with a TTOP that a pixel needs; with fewer its means are NaN.

    Returns
    -------
    xarray.Dataset
        ``mean_ttop``, ``mean_ddt``, ``mean_ddf``, all over the years with a TTOP, and ``mean_ttop_error`` where its
        parts are given. Lazy where `yearly` is.

    Raises
    ------
    InputError
        If a variable is not there or in another unit, or `min_years` is below 1.

    Examples
    --------
    >>> years = {"ttop": ("year", [-1.0, -2.0]), "ddt": ("year", [900.0, 800.0]), "ddf": ("year", [1300.0, 1500.0])}
    >>> means = mean_over_years(xr.Dataset(years))
    >>> float(means.mean_ttop), float(means.mean_ddt)
    (-1.5, 850.0)
    """
    if min_years < 1:
        raise InputError(f"min_years: must be at least 1, not {min_years}.")
    names = ["ttop", "ddt", "ddf"]
    outputs = [f"mean_{name}" for name in names]
    if _ERROR_PARTS[0] in yearly:
        names += _ERROR_PARTS
        outputs.append("mean_ttop_error")
    inputs = [check_units(_required(yearly, name), name) for name in names]
    return lift(
        partial(_means, min_years=min_years),
        *inputs,
        core_dims=[["year"]] * len(inputs),
        outputs=dict.fromkeys(outputs, ()),
        dtypes=dict.fromkeys(outputs, inputs[0].dtype),
    )


def _ttop(ddt: Values, ddf: Values, rk: Values, *, period: float, dtype: np.dtype[Any]) -> tuple[Values]:
    return (top_temperature(ddt, ddf, _positive_ratio(rk), period=period, dtype=dtype),)


def _ttop_error(
    ddt: Values,
    ddf: Values,
    thawing_days: Values,
    freezing_days: Values,
    ddt_error: Values,
    ddf_error: Values,
    rk: Values,
    rk_error: Values,
    bias: Values,
    *,
    period: float,
    dtype: np.dtype[Any],
) -> tuple[Values, ...]:
    ratio = _positive_ratio(rk)
    balance = ratio * ddt - ddf
    frozen, unknown = balance <= 0, np.isnan(balance)
    scale = np.where(frozen, 1.0, 1.0 / ratio)
    of_ratio = np.where(unknown, np.nan, np.where(frozen, ddt, ddf / ratio**2))
    days = scale * np.hypot(ratio * ddt_error, ddf_error) / period
    shift = scale * (ratio * thawing_days + freezing_days) * _not_negative(bias, "bias") / period
    ratio_part = of_ratio * _not_negative(rk_error, "rk_error") / period
    total = np.sqrt(days**2 + shift**2 + ratio_part**2)
    return tuple(part.astype(dtype) for part in (total, days, shift, ratio_part))


def _probability(ttop: Values, error: Values, *, dtype: np.dtype[Any]) -> tuple[Values]:
    exact = _not_negative(error, "error") == 0
    certain = np.where(np.isnan(ttop), np.nan, ttop <= 0)
    deviate = -ttop / np.where(exact, 1.0, error)
    return (np.where(exact, certain, ndtr(deviate)).astype(dtype),)


def _means(ttop: Values, ddt: Values, ddf: Values, *parts: Values, min_years: int) -> tuple[Values, ...]:
    used = ~np.isnan(ttop)
    count = used.sum(axis=0)
    years = np.where(count >= min_years, count, np.nan)
    found = [_total(array, used) / years for array in (ttop, ddt, ddf)]
    if parts:
        days, bias, ratio = parts
        squares = _total(days.astype(np.float64) ** 2, used) + _total(bias, used) ** 2 + _total(ratio, used) ** 2
        found.append(np.sqrt(squares) / years)
    return tuple(mean.astype(ttop.dtype) for mean in found)


def _total(values: Values, used: Values) -> Values:
    """Sum over years, one after the other, so that it is the same however the pixels lie in chunks."""
    total = np.zeros(values.shape[1:])
    for year, valid in zip(values, used, strict=True):
        total += np.where(valid, year, 0.0)
    return total


def _as_array(value: xr.DataArray | float, name: str) -> xr.DataArray:
    return check_units(value, name) if isinstance(value, xr.DataArray) else xr.DataArray(float(value), name=name)


def _float_type(*arrays: xr.DataArray) -> np.dtype[Any]:
    return np.result_type(np.float32, *(array.dtype for array in arrays))


def _required(dataset: xr.Dataset, name: str) -> xr.DataArray:
    if name not in dataset:
        raise InputError(
            f"dataset: has no {name}, only {', '.join(map(str, dataset.data_vars))}. "
            "thermal.degree_days, thermal.ttop and thermal.ttop_error give it."
        )
    return dataset[name]


def _positive(value: float, name: str) -> float:
    if not value > 0:
        raise InputError(f"{name}: must be positive, not {value}.")
    return value


def _positive_ratio(rk: Values) -> Values:
    if (rk <= 0).any():
        raise InputError(
            f"rk: holds {float(np.nanmin(rk)):.4g}, but a ratio of conductivities is positive. "
            "Set pixels without a ratio to NaN."
        )
    return rk.astype(np.float64)


def _not_negative(values: Values, name: str) -> Values:
    if (values < 0).any():
        raise InputError(f"{name}: holds {float(np.nanmin(values)):.4g}, but a standard error is not negative.")
    return values
