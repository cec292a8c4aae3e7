"""The store of a recession run: constants of all gauges on gauges and years, and why some are not there."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from cryoscale.products.recession_inputs import RecessionConfig
from cryoscale.variables import VARIABLES, attributes

_WHOLE = ("n_events", "n_recession_pairs", "n_years", "missing_days")
_NO_WINDOW, _ESTIMATED, _FEW_YEARS, _FEW_EVENTS, _NO_LINE, _UNUSABLE = range(6)
"""Values of ``recession_status``, as registered."""


def constants_dataset(table: pd.DataFrame, config: RecessionConfig) -> xr.Dataset:
    """Bring the constants of all gauges onto gauges and years.

    Parameters
    ----------
    table : pandas.DataFrame
        From `hydrology.recessions_of_gauges`.
    config : RecessionConfig
        What was asked for.

    Returns
    -------
    xarray.Dataset
        (gauge, year) registered variables, ``recession_status`` and ``reason`` (text).

    Examples
    --------
    >>> from pathlib import Path
    >>> from cryoscale.hydrology.recession import refused
    >>> from cryoscale.products.recession_inputs import GaugeSource
    >>> table = refused(2001, "no dates").assign(gauge="A").set_index("gauge", append=True).swaplevel()
    >>> found = constants_dataset(table, RecessionConfig(gauges=GaugeSource(path=Path("q.csv"))))
    >>> found.recession_status.values.tolist(), found.reason.item()
    ([[5]], 'no dates')
    """
    every = table.rename(columns={"n_pairs": "n_recession_pairs"}).assign(recession_status=_status(table, config))
    gauges = every.index.unique("gauge")
    years = pd.RangeIndex(every.index.get_level_values("year").min(), every.index.get_level_values("year").max() + 1)
    every = every.reindex(pd.MultiIndex.from_product([gauges, years], names=["gauge", "year"]))
    every = every.fillna({**dict.fromkeys(_WHOLE, 0), "recession_status": _NO_WINDOW, "reason": ""})
    shape = (len(gauges), len(years))
    registered = [name for name in every.columns if name in VARIABLES]
    data = {
        name: (("gauge", "year"), every[name].to_numpy().reshape(shape).astype(VARIABLES[name].dtype), attributes(name))
        for name in registered
    }
    reasons = every["reason"].to_numpy(object).reshape(shape)
    coords = {"gauge": gauges.to_numpy(object), "year": years.to_numpy(np.int64)}
    return xr.Dataset(
        data | {"reason": (("gauge", "year"), reasons, {"long_name": "why there is no estimate"})}, coords
    )


def _status(table: pd.DataFrame, config: RecessionConfig) -> npt.NDArray[np.uint8]:
    # a window that nothing was observed in misses days; only a series that was refused has none of either
    unusable = (table["n_years"] == 0) & (table["missing_days"] == 0)
    few_years = 2 * table["n_years"] <= config.fit.window
    few_events = table["n_events"] < config.fit.minimum_events
    chosen = np.select(
        [table["reason"] == "", unusable, few_years, few_events],
        [_ESTIMATED, _UNUSABLE, _FEW_YEARS, _FEW_EVENTS],
        _NO_LINE,
    )
    return np.asarray(chosen, np.uint8)
