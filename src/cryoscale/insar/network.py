"""The network of interferograms: dates of a stack, their order, and what hangs together."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cryoscale.errors import InputError

Dates = NDArray[np.datetime64]
Indices = NDArray[np.intp]

DAYS_PER_YEAR = 365.25
_DAY = np.timedelta64(1, "D")


def pair_dates(stack: xr.Dataset | xr.DataArray) -> tuple[Dates, Dates]:
    """Dates of every pair of a stack, checked.

    Parameters
    ----------
    stack : xarray.Dataset or xarray.DataArray
        With the datetime64 coordinates ``reference`` (pair) and ``secondary`` (pair).

    Returns
    -------
    tuple of numpy.ndarray
        Reference and secondary dates (pair); a lazy coordinate is computed, for all else hangs on the dates.

    Raises
    ------
    InputError
        If a coordinate is missing or not a date, or a pair is repeated or does not go forward in time.
    """
    reference, secondary = (_dates(stack, name) for name in ("reference", "secondary"))
    if reference.size == 0:
        raise InputError(f"{_name(stack)}: has no pairs.")
    backward = np.flatnonzero(~(reference < secondary))  # NaT compares as false
    if backward.size:
        raise InputError(
            f"{_name(stack)}: pair {backward[0]} ({_pair(reference, secondary, backward[0])}) does not go forward in "
            "time. The reference must be the earlier date: swap the two and change the sign of the values."
        )
    dates = np.stack([reference, secondary], axis=1)
    _, position, count = np.unique(dates, axis=0, return_index=True, return_counts=True)
    if count.max() > 1:
        repeated = position[count > 1].min()
        raise InputError(
            f"{_name(stack)}: pair {repeated} ({_pair(reference, secondary, repeated)}) occurs {count.max()} times. "
            "Keep one of them."
        )
    return reference, secondary


def _dates(stack: xr.Dataset | xr.DataArray, name: str) -> Dates:
    if name not in stack.coords:
        raise InputError(
            f"{_name(stack)}: has no coordinate {name!r}. Add the dates with .assign_coords({name}=('pair', dates))."
        )
    dates = stack.coords[name]
    if dates.dims != ("pair",) or dates.dtype.kind != "M":
        raise InputError(
            f"{_name(stack)}: the coordinate {name!r} must hold datetime64 along 'pair', "
            f"but is {dates.dtype} along {dates.dims}."
        )
    return np.asarray(dates.values)


def _name(stack: xr.Dataset | xr.DataArray) -> Any:
    return getattr(stack, "name", None) or "stack"


def _pair(reference: Dates, secondary: Dates, position: np.intp) -> str:
    return " - ".join(np.datetime_as_string(dates[position], unit="D") for dates in (reference, secondary))


def epochs(reference: Dates, secondary: Dates) -> Dates:
    """Dates that occur in pairs.

    Parameters
    ----------
    reference, secondary : numpy.ndarray
        (pair,) from `pair_dates`.

    Returns
    -------
    numpy.ndarray
        (epoch,) in order, each once.
    """
    return np.unique(np.concatenate([reference, secondary]))


def pair_indices(reference: Dates, secondary: Dates) -> tuple[Indices, Indices]:
    """Positions of every pair's dates among the epochs.

    Parameters
    ----------
    reference, secondary : numpy.ndarray
        (pair,) from `pair_dates`.

    Returns
    -------
    tuple of numpy.ndarray
        Positions of the reference and of the secondary (pair).

    Examples
    --------
    >>> dates = np.array(["2020-01-01", "2020-01-13", "2020-01-25"], "datetime64[ns]")
    >>> first, second = pair_indices(dates[[0, 1]], dates[[2, 2]])
    >>> first.tolist(), second.tolist()
    ([0, 1], [2, 2])
    """
    dates = epochs(reference, secondary)
    return np.searchsorted(dates, reference), np.searchsorted(dates, secondary)


def decimal_years(dates: Dates) -> NDArray[np.float64]:
    """Time since the first of the dates.

    Parameters
    ----------
    dates : numpy.ndarray
        datetime64, the first one first.

    Returns
    -------
    numpy.ndarray
        Days / 365.25, a.

    Examples
    --------
    >>> decimal_years(np.array(["2016-01-01", "2018-01-01"], "datetime64[ns]")).round(4)
    array([0.    , 2.0014])
    """
    return np.asarray((dates - dates[0]) / _DAY / DAYS_PER_YEAR)


def temporal_spans(reference: Dates, secondary: Dates) -> NDArray[np.float64]:
    """Days between the dates of every pair.

    Parameters
    ----------
    reference, secondary : numpy.ndarray
        (pair,) from `pair_dates`.

    Returns
    -------
    numpy.ndarray
        (pair,) d.
    """
    return np.asarray((secondary - reference) / _DAY)


def components(reference: Dates, secondary: Dates) -> Indices:
    """Which piece of the network each epoch belongs to, were there data everywhere.

    Parameters
    ----------
    reference, secondary : numpy.ndarray
        (pair,) from `pair_dates`.

    Returns
    -------
    numpy.ndarray
        (epoch,) number of the piece, in order of the pieces' first epochs.

    Examples
    --------
    >>> dates = np.array(["2020-01-01", "2020-01-13", "2020-06-06", "2020-06-18"], "datetime64[ns]")
    >>> components(dates[::2], dates[1::2]).tolist()
    [0, 0, 1, 1]
    """
    first, second = pair_indices(reference, secondary)
    size = int(second.max()) + 1
    links = coo_array((np.ones(first.size), (first, second)), shape=(size, size))
    _, start, piece = np.unique(connected_components(links, directed=False)[1], return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(start))[piece])
