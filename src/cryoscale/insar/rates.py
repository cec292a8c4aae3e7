"""What a displacement series says as a whole: its rate and its season."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.insar._regression import fit_lines
from cryoscale.insar.network import decimal_years
from cryoscale.lift import lift
from cryoscale.variables import attributes, check_units

Values = np.ndarray[Any, Any]

_DAYS_PER_YEAR = 365.25


def deformation_rate(displacement: xr.DataArray) -> xr.Dataset:
    """Annual rate by linear regression of the series on time (Chang et al., Section 3.1.2).

    Parameters
    ----------
    displacement : xarray.DataArray
        (time, ...) mm, with datetime64 ``time``; NaN where it is unknown.

    Returns
    -------
    xarray.Dataset
        ``deformation_rate`` and ``deformation_rate_error`` (...), mm a-1. The standard error takes the deviations from
        the line as uncorrelated, so a season in the series makes it larger, and slow noise makes it too small. NaN
        where fewer than two (rate) or three (error) epochs have a value.

    Raises
    ------
    InputError
        If the series is in another unit or has fewer than two epochs.

    Examples
    --------
    >>> time = pd.date_range("2016-01-01", periods=61, freq="12D")
    >>> series = xr.DataArray(-5 * decimal_years(time.values), dims="time", coords={"time": time})
    >>> round(float(deformation_rate(series).deformation_rate), 6)
    -5.0
    """
    check_units(displacement, "displacement")
    if displacement.sizes["time"] < 2:
        raise InputError("displacement: a rate needs at least two epochs.")
    return lift(
        partial(_rates, times=decimal_years(displacement.time.values)),
        displacement,
        core_dims=[["time"]],
        outputs={"deformation_rate": [], "deformation_rate_error": []},
        dtypes=dict.fromkeys(("deformation_rate", "deformation_rate_error"), displacement.dtype),
    )


def _rates(series: Values, *, times: Values) -> tuple[Values, ...]:
    return tuple(found.reshape(series.shape[1:]) for found in fit_lines(series.reshape(times.size, -1), times))


def seasonal_cycle(
    sine: xr.DataArray, cosine: xr.DataArray, *, first_epoch: np.datetime64, period: float = 1.0
) -> xr.Dataset:
    """Amplitude of the periodic part of the temporal model, and when it is highest.

    Parameters
    ----------
    sine, cosine : xarray.DataArray
        Coefficients A1 and A2 of Eq. 2 in Chang et al., mm.
    first_epoch : numpy.datetime64
        Where the model's time begins.
    period : float
        T, a.

    Returns
    -------
    xarray.Dataset
        ``seasonal_amplitude``, mm, half of peak to peak; ``seasonal_peak``, day of the year (1 to 366.25) of the first
        maximum after the first epoch.

    Examples
    --------
    >>> season = seasonal_cycle(xr.DataArray(3.0), xr.DataArray(4.0), first_epoch=np.datetime64("2020-01-01"))
    >>> float(season.seasonal_amplitude), round(float(season.seasonal_peak), 1)
    (5.0, 38.4)
    """
    check_units(sine, "sine")
    check_units(cosine, "cosine")
    amplitude: xr.DataArray = (sine**2 + cosine**2) ** 0.5
    turn: xr.DataArray = xr.apply_ufunc(np.arctan2, sine, cosine, dask="allowed") / (2.0 * np.pi) % 1.0
    start = pd.Timestamp(first_epoch)
    begin = (start - pd.Timestamp(year=start.year, month=1, day=1)) / pd.Timedelta(days=1)
    peak = (begin + turn * period * _DAYS_PER_YEAR) % _DAYS_PER_YEAR + 1.0
    season = {"seasonal_amplitude": amplitude, "seasonal_peak": peak}
    return xr.Dataset({name: found.astype(sine.dtype).assign_attrs(attributes(name)) for name, found in season.items()})
