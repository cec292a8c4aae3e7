"""Calibrate r_k by class on ground temperatures in boreholes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cryoscale.errors import InputError
from cryoscale.thermal._rk_search import least_squares_rk, sensitivity, temperature_at_top
from cryoscale.thermal.rk_samples import (
    PLAUSIBLE_RK,
    Map,
    Values,
    checked_bounds,
    flattened,
    require_degree_days,
    rk_by_class,
)


@dataclass(frozen=True)
class RkBoreholeCalibration:
    """r_k that brings TTOP closest to temperatures in boreholes.

    Attributes
    ----------
    rk : float
        One r_k for all boreholes: what classes with too few boreholes take.
    rk_error : float
        Its standard error.
    classes : pandas.DataFrame
        By class (index): ``rk``; ``rk_error``, its standard error; ``n``, boreholes; ``pooled``, True where the class
        has too few and takes the r_k of all. Empty where no classes were given.
    n : int
        Boreholes with all data.
    rmse : float
        Of TTOP with these r_k at the boreholes that they were fitted to, K.
    loo_rmse : float
        Of TTOP at each borehole with the r_k that the others give, K; NaN for a single borehole.
    """

    rk: float
    rk_error: float
    classes: pd.DataFrame
    n: int
    rmse: float
    loo_rmse: float


def calibrate_rk_to_boreholes(
    ddt: Map,
    ddf: Map,
    temperature: Map,
    classes: Map | None = None,
    *,
    period: float = 365.25,
    bounds: tuple[float, float] = PLAUSIBLE_RK,
    min_boreholes: int = 5,
) -> RkBoreholeCalibration:
    """Find the r_k by class with the least squares between TTOP and temperatures measured in boreholes.

    Both forms of TTOP take part: (r_k DDT - DDF) / P for ground that stays frozen, (DDT - DDF / r_k) / P for ground
    that does not (Smith and Riseborough 1996, Permafrost Periglac. Process. 7, 301). Between two ratios DDF / DDT the
    derivative is a polynomial, so the minimum is exact. The standard error is that of linear least squares at the
    minimum, with the residual variance of all boreholes; at a bound it understates.

    Parameters
    ----------
    ddt, ddf : array_like
        Thawing and freezing degree-days of the ground surface at the boreholes, degC d, mean over years; shape (n,).
    temperature : array_like
        Temperature at the top of permafrost, or mean annual ground temperature in its place, degC; shape (n,). What
        lies between the two depths, the geothermal gradient and past warming, goes into r_k.
    classes : array_like, optional
        Code of land cover or soil at each borehole; 0 and NaN are no data. Without, one r_k is found for all.
    period : float
        P, d.
    bounds : tuple of float
        Lowest and highest r_k that is plausible.
    min_boreholes : int
        A class with fewer boreholes takes the r_k of all.

    Returns
    -------
    RkBoreholeCalibration

    Raises
    ------
    InputError
        If shapes or units differ, degree-days are negative, no borehole has all data, or the bounds are not plausible.

    Examples
    --------
    >>> ddt, ddf = np.array([800.0, 900.0, 1500.0]), np.array([1800.0, 1500.0, 700.0])
    >>> measured = np.array([0.8 * 800 - 1800, 0.8 * 900 - 1500, 1500 - 700 / 0.8]) / 365.25
    >>> round(calibrate_rk_to_boreholes(ddt, ddf, measured).rk, 6)
    0.8
    """
    boreholes = _gather({"ddt": ddt, "ddf": ddf, "ttop": temperature}, classes, period)
    bounds = checked_bounds(bounds)
    (rk, rk_error), frame = _fit(boreholes, bounds, min_boreholes)
    misfit = _misfit(boreholes, rk_by_class(frame, boreholes["class"].to_numpy(), rk))
    left_out = _leave_one_out(boreholes, bounds, min_boreholes) if len(boreholes) > 1 else np.array([np.nan])
    return RkBoreholeCalibration(rk, rk_error, frame, len(boreholes), _rms(misfit), _rms(left_out))


def _gather(measured: dict[str, Map], classes: Map | None, period: float) -> pd.DataFrame:
    """Boreholes with all data: degree-days over the period (`thaw`, `freeze`), `temperature` and `class`, or 0."""
    if not period > 0.0:
        raise InputError(f"period: is {period!r}; give the days that the degree-days are of, such as 365.25.")
    frame = pd.DataFrame(flattened(measured | ({} if classes is None else {"class": classes})))
    if classes is not None:
        frame = frame[frame["class"] != 0]
    known = frame[np.isfinite(frame).all(axis=1)]
    if known.empty:
        raise InputError("boreholes: none has degree-days, a temperature and a class. Check their places and codes.")
    require_degree_days(known["ddt"].to_numpy(), known["ddf"].to_numpy())
    return pd.DataFrame(
        {
            "thaw": known["ddt"] / period,
            "freeze": known["ddf"] / period,
            "temperature": known["ttop"],
            "class": known["class"].astype(int) if classes is not None else 0,
        }
    )


def _fit(
    boreholes: pd.DataFrame, bounds: tuple[float, float], min_boreholes: int
) -> tuple[tuple[float, float], pd.DataFrame]:
    """r_k of all boreholes with its error, and the table by class."""
    overall = _least_squares(boreholes, bounds)
    rows = {}
    for code, group in boreholes.groupby("class"):
        pooled = len(group) < min_boreholes
        rows[code] = (*(overall if pooled else _least_squares(group, bounds)), len(group), pooled)
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["rk", "rk_error", "n", "pooled"]).rename_axis("class")
    return overall, frame.drop(index=0, errors="ignore")


def _least_squares(boreholes: pd.DataFrame, bounds: tuple[float, float]) -> tuple[float, float]:
    """r_k and its standard error, NaN where nothing tells it: one borehole, or no thaw at any."""
    thaw, freeze, temperature = (boreholes[name].to_numpy() for name in ("thaw", "freeze", "temperature"))
    rk = least_squares_rk(thaw, freeze, temperature, bounds)
    information = (sensitivity(rk, thaw, freeze) ** 2).sum()
    if temperature.size == 1 or information == 0.0:
        return rk, float("nan")
    variance = (_misfit(boreholes, rk) ** 2).sum() / (temperature.size - 1)
    return rk, float(np.sqrt(variance / information))


def _leave_one_out(boreholes: pd.DataFrame, bounds: tuple[float, float], min_boreholes: int) -> Values:
    """Misfit of each borehole with what the others give."""
    misfits = []
    for i in range(len(boreholes)):
        one, others = boreholes.iloc[[i]], boreholes.drop(index=boreholes.index[i])
        (rk, _), frame = _fit(others, bounds, min_boreholes)
        misfits.append(_misfit(one, rk_by_class(frame, one["class"].to_numpy(), rk)))
    return np.concatenate(misfits)


def _misfit(boreholes: pd.DataFrame, rk: Values | float) -> Values:
    modelled = temperature_at_top(np.asarray(rk), boreholes["thaw"].to_numpy(), boreholes["freeze"].to_numpy())
    misfit: Values = modelled - boreholes["temperature"].to_numpy()
    return misfit


def _rms(values: Values) -> float:
    return float(np.sqrt(np.mean(values**2)))
