"""Series of a pixel or of a table: values with their band, and the model that was fitted to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from cryoscale.errors import InputError, ResourceError
from cryoscale.report import fitted_model
from cryoscale.report.colours import map_colours
from cryoscale.report.labels import label_of, with_unit
from cryoscale.store import Provenance
from cryoscale.viewer.raster import MOST_BYTES
from cryoscale.viewer.source import Gap, Source, bytes_to_read

Floats = NDArray[np.float64]
Dates = NDArray[np.datetime64]
Classes = tuple[tuple[int, str], ...]

_ERRORS = {"thaw_season_deformation": "thaw_season_error", "ground_surface_temperature": "gst_error"}
"""Standard errors that are not called after their quantity."""
_MODEL = ("offset", "velocity", "sine", "cosine")
_MODEL_STEP = np.timedelta64(4, "D")


@dataclass(frozen=True, slots=True)
class Series:
    """Values along one dim.

    Attributes
    ----------
    name, title, label : str
        The variable, what it is, and what its axis says.
    dim : str
        Along which.
    at : ndarray
        Dates where the dim is of dates or years; else the labels of its entries.
    values : ndarray
        NaN where there is none.
    lower, upper : ndarray or None
        A standard error below and above, or the bounds of the interval that the store holds.
    model_at, model : ndarray or None
        Dates and values of the fitted temporal model.
    rate : float or None
        Of the model, mm a-1.
    where : str
        Of what it is: coordinates, a gauge.
    gaps : tuple
        Dates between which no pair measures, so that the series rests on the model alone.
    classes : tuple of (int, str)
        What the values stand for where they are classes.
    """

    name: str
    title: str
    label: str
    dim: str
    at: NDArray[Any]
    values: Floats
    lower: Floats | None = None
    upper: Floats | None = None
    model_at: Dates | None = None
    model: Floats | None = None
    rate: float | None = None
    where: str = ""
    gaps: tuple[Gap, ...] = ()
    classes: Classes = ()

    @property
    def labels(self) -> list[str]:
        """Where each value is along the dim: a date, a year, an entry."""
        if self.at.dtype.kind != "M":
            return [str(entry) for entry in self.at]
        return [str(date) for date in np.datetime_as_string(self.at, unit="Y" if self.dim == "year" else "D")]


def read_series(source: Source, name: str, at: Mapping[str, int]) -> Series:
    """Read a variable along the one dim that is left.

    Parameters
    ----------
    source : Source
        The store.
    name : str
        The variable.
    at : mapping of str to int
        Index along every other dim: of a pixel, of a gauge.

    Returns
    -------
    Series
        With a band where the store holds an error or an interval of the variable; with the temporal model where it
        holds its coefficients. A difference of model and observation is left to the eye.

    Raises
    ------
    InputError
        If more or less than one dim is left.
    ResourceError
        If more than `MOST_BYTES` would have to be decoded, as of maps that are one chunk each.
    """
    array = source.data[name]
    left = [str(dim) for dim in array.dims if dim not in at]
    if len(left) != 1:
        raise InputError(f"{name}: has dims {array.dims}; choose all but one of them to see a series.")
    cost = bytes_to_read(array, dict(at))
    if cost > MOST_BYTES:
        raise ResourceError(
            f"{source.path.name}: a series of {name} would read {cost / 2**30:.1f} GB, because each of its maps is a "
            "chunk of its own."
        )
    values = _read(array, at)
    at_dim, classes = axis_of(array, left[0]), map_colours(array).classes
    series = Series(name, label_of(array), short_label(array), left[0], at_dim, values, classes=classes)
    series = _with_model(_with_band(series, source.data, at), source.data, at)
    return replace(series, gaps=source.gaps) if name == "displacement" else series


def axis_of(array: xr.DataArray, dim: str) -> NDArray[Any]:
    """Dates of a dim of dates, years (their middle) or pairs (their secondary); else labels.

    Parameters
    ----------
    array : xarray.DataArray
        The variable.
    dim : str
        Of it.

    Returns
    -------
    ndarray
        datetime64[ns], or str.
    """
    if dim == "pair" and "secondary" in array.coords:
        return np.asarray(array["secondary"].values, "datetime64[ns]")
    if dim not in array.coords:
        return np.array([str(i) for i in range(array.sizes[dim])])
    values = array[dim].values
    if dim == "year":
        return np.array([f"{year}-07-01" for year in values], "datetime64[ns]")
    return values.astype("datetime64[ns]") if values.dtype.kind == "M" else np.array([str(value) for value in values])


def difference(series: Series, reference: Series) -> Series:
    """A series relative to that of another pixel of the same store.

    Parameters
    ----------
    series, reference : Series
        Of the same variable.

    Returns
    -------
    Series
        Errors add up as those of independent values do.
    """
    values = series.values - reference.values
    lower = upper = model = rate = None
    if series.lower is not None and series.upper is not None:
        below = np.hypot(series.values - series.lower, _or_zero(reference.upper, reference.values))
        above = np.hypot(series.upper - series.values, _or_zero(reference.lower, reference.values))
        lower, upper = values - below, values + above
    if series.model is not None and reference.model is not None:
        model = series.model - reference.model
    if series.rate is not None and reference.rate is not None:
        rate = series.rate - reference.rate
    return replace(
        series,
        values=values,
        lower=lower,
        upper=upper,
        model=model,
        rate=rate,
        where=f"{series.where} minus {reference.where}",
    )


def series_csv(series: Series, reference: Series | None = None, *, about: Sequence[str] = ()) -> str:
    """A series as text for a spreadsheet.

    Parameters
    ----------
    series : Series
        Of a pixel.
    reference : Series, optional
        Of the reference pixel.
    about : sequence of str
        Lines of comment before it.

    Returns
    -------
    str
        Comma-separated, a header of names; values to nine digits, so that those of float32 come back as they were.

    Examples
    --------
    >>> times = np.array(["2020-01-01"], "datetime64[ns]")
    >>> series = Series("ddt", "Thawing degree-days", "Ddt", "year", times, np.array([812.5]))
    >>> print(series_csv(series, about=["degC d"]), end="")
    # degC d
    year,ddt
    2020,812.5
    """
    columns: dict[str, Any] = {series.dim: series.labels, series.name: series.values}
    if series.lower is not None:
        columns |= {f"{series.name}_lower": series.lower, f"{series.name}_upper": series.upper}
    if series.model is not None and series.model_at is not None:
        columns["model"] = np.interp(_days(series.at), _days(series.model_at), series.model)
    if reference is not None:
        columns |= {"reference": reference.values, "difference": series.values - reference.values}
    comments = "".join(f"# {line}\n" for line in about)
    return comments + str(pd.DataFrame(columns).to_csv(index=False, float_format="%.9g", lineterminator="\n"))


def short_label(array: xr.DataArray) -> str:
    """Name and unit, for an axis that is too short for the long name."""
    name = str(array.name).replace("_", " ")
    return with_unit(name[:1].upper() + name[1:], array)


def _read(array: xr.DataArray, at: Mapping[str, int]) -> Floats:
    return np.asarray(array.isel({dim: i for dim, i in at.items() if dim in array.dims}).values, float)


def _with_band(series: Series, data: xr.Dataset, at: Mapping[str, int]) -> Series:
    dims = set(data[series.name].dims)
    lower, upper, error = (f"{series.name}{end}" for end in ("_lower", "_upper", "_error"))
    error = _ERRORS.get(series.name, error)
    if lower in data and upper in data and set(data[lower].dims) == dims:
        return replace(series, lower=_read(data[lower], at), upper=_read(data[upper], at))
    if error in data and set(data[error].dims) == dims:
        spread = _read(data[error], at)
        return replace(series, lower=series.values - spread, upper=series.values + spread)
    return series


def _with_model(series: Series, data: xr.Dataset, at: Mapping[str, int]) -> Series:
    names = [name for name in _MODEL if name in data]
    if series.name != "displacement" or not {"offset", "velocity"} <= set(names):
        return series
    coefficients = {name: float(_read(data[name], at)) for name in names}
    pixel = xr.Dataset(coefficients, {"time": series.at})
    # Through the epochs themselves, so that a table has the model's own values there.
    steps = np.arange(series.at[0], series.at[-1], _MODEL_STEP)
    dates = np.union1d(steps.astype("datetime64[ns]"), series.at)
    model = fitted_model(pixel, dates, period=_period(data))
    return replace(series, model_at=dates, model=model, rate=coefficients["velocity"])


def _period(data: xr.Dataset) -> float:
    """Of the season, which the inversion that made the store was told."""
    return float(Provenance.from_attrs(data.attrs).config.get("inversion", {}).get("period", 1.0))


def _or_zero(bound: Floats | None, values: Floats) -> Floats:
    return np.zeros_like(values) if bound is None else bound - values


def _days(dates: NDArray[Any]) -> Floats:
    return dates.astype("datetime64[ns]").astype(float)
