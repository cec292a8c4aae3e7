"""Samples of ground surface temperature and what overpasses saw: what a table of them must be."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cryoscale.errors import InputError

OVERPASSES = ("terra_day", "aqua_day", "terra_night", "aqua_night")
GST = "ground_surface_temperature"
KELVIN = 150.0  # no place on Earth is so hot in degC, or so cold in K


def check_columns(samples: pd.DataFrame, required: Sequence[str] = ()) -> tuple[str, ...]:
    """Overpasses among the columns of a table, once its columns are known to be usable.

    Parameters
    ----------
    samples : pandas.DataFrame
        Temperatures in degC.
    required : sequence of str, optional
        Columns that it must have besides those of overpasses.

    Returns
    -------
    tuple of str
        In the order of `OVERPASSES`.

    Raises
    ------
    InputError
        If a column is missing, or temperatures are no numbers or look like kelvin.

    Examples
    --------
    >>> check_columns(pd.DataFrame({"aqua_night": [-9.0], "terra_day": [4.0], "station": ["a"]}))
    ('terra_day', 'aqua_night')
    """
    present = tuple(name for name in OVERPASSES if name in samples)
    missing = [name for name in required if name not in samples]
    if missing or not present:
        raise InputError(
            f"samples: lacks {missing or 'a column of an overpass'}; has columns {list(samples.columns)}. "
            f"Name those of surface temperatures {', '.join(OVERPASSES)}."
        )
    for name in (*present, *(name for name in required if name == GST)):
        _check_temperature(samples[name])
    return present


def _check_temperature(values: "pd.Series[float]") -> None:
    if not pd.api.types.is_numeric_dtype(values):
        raise InputError(f"samples: {values.name} is of type {values.dtype}, but must be numbers in degC.")
    median = values.median()
    if median > KELVIN:
        raise InputError(
            f"samples: {values.name} has a median of {median:.1f}: kelvin? It must be in degC; take off 273.15."
        )


def usable_samples(samples: pd.DataFrame) -> pd.DataFrame:
    """Rows with a ground surface temperature; temperatures that are not finite become NaN.

    Parameters
    ----------
    samples : pandas.DataFrame
        ``station``, ``time``, ``ground_surface_temperature`` and columns of overpasses.

    Returns
    -------
    pandas.DataFrame
        Of the same columns.

    Raises
    ------
    InputError
        If ``time`` holds no dates, or a station has two rows for one day.

    Examples
    --------
    >>> days = pd.date_range("2010-01-01", periods=2)
    >>> samples = pd.DataFrame({"station": "a", "time": days, "ground_surface_temperature": [np.nan, -3.0]})
    >>> usable_samples(samples)["ground_surface_temperature"].tolist()
    [-3.0]
    """
    if not pd.api.types.is_datetime64_any_dtype(samples["time"]):
        raise InputError(
            f"samples: time is of type {samples['time'].dtype}, but must be dates; use pandas.to_datetime."
        )
    temperatures = [name for name in (*OVERPASSES, GST) if name in samples]
    finite = samples.assign(**{name: samples[name].where(np.isfinite(samples[name])) for name in temperatures})
    used = finite.dropna(subset=[GST, "station", "time"])
    twice = used.assign(time=used["time"].dt.floor("D")).duplicated(["station", "time"])
    if twice.any():
        first = used[twice].iloc[0]
        raise InputError(
            f"samples: station {first['station']!r} has two rows on {first['time']:%Y-%m-%d} ({int(twice.sum())} such "
            "rows in all). Give one row a station and day, such as their mean."
        )
    return used
