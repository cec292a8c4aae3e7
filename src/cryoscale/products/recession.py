"""Recession of rivers: daily discharge -> events -> Ks by window -> its change and what climate explains of it."""

import dataclasses
from collections.abc import Callable, Sequence

import dask
import numpy as np
import pandas as pd
import xarray as xr

from cryoscale import hydrology
from cryoscale.engine import Plan, open_scheduler
from cryoscale.errors import InputError
from cryoscale.products.outcome import Outcome
from cryoscale.products.places import store_path
from cryoscale.products.recession_inputs import (
    GAUGES_PER_TASK,
    AttributionOptions,
    ClimateSource,
    Inputs,
    Quantity,
    RecessionConfig,
    inspect,
    plan_run,
)
from cryoscale.products.recession_report import Findings, River, publish
from cryoscale.products.recession_store import constants_dataset
from cryoscale.products.threads import run_threads
from cryoscale.readers import read_basin_climate
from cryoscale.readers.vectors import read_areas
from cryoscale.report import Section
from cryoscale.schemas import require_valid
from cryoscale.store import Provenance, fingerprint, is_saved, open_store, require_same_run, save_small

__all__ = ["RecessionConfig", "plan", "run"]

MIN_YEARS = 8  # below which a change point is not looked for


def plan(config: RecessionConfig) -> Plan:
    """Say what a run will read, write and need; tables are read, nothing is computed.

    Parameters
    ----------
    config : RecessionConfig
        The whole configuration.

    Returns
    -------
    Plan
        In gauges and years.
    """
    return plan_run(config, inspect(config))


def no_appendix(findings: Findings) -> Sequence[Section]:  # noqa: ARG001
    """Nothing to add to the report."""
    return ()


def run(
    config: RecessionConfig,
    *,
    overwrite: bool = False,
    appendix: Callable[[Findings], Sequence[Section]] = no_appendix,
) -> Outcome:
    """Files in, the store, tables, figures and the report out; constants that are stored are not computed again.

    Parameters
    ----------
    config : RecessionConfig
        The whole configuration.
    overwrite : bool
        Replace what another configuration has written.
    appendix : callable, optional
        Sections to add to the report, given what was found.

    Returns
    -------
    Outcome
    """
    inputs = inspect(config)
    plan_run(config, inputs).require_fit()
    with open_scheduler(config.cluster), run_threads(config.cluster):
        climate = _climate(config, inputs)
        constants = _constants(config, inputs, overwrite=overwrite)
        recessions = _recessions(config, inputs)
    findings = Findings(
        constants=constants,
        recessions=recessions,
        changes=_changes(config, constants),
        river=None if inputs.gauge is None else _river(config, inputs, constants, climate=climate),
    )
    return publish(findings, config=config, inputs=inputs, appendix=appendix(findings))


def _constants(config: RecessionConfig, inputs: Inputs, *, overwrite: bool) -> xr.Dataset:
    """The store of all gauges, in memory."""
    path = store_path(config, "recession")
    science = {name: getattr(config, name).model_dump(mode="json") for name in ("events", "fit")}
    science["gauges"] = config.gauges.model_dump(mode="json", exclude={"path"})
    provenance = Provenance("recession", science, {"gauges": fingerprint([config.gauges.path])})
    if path.exists() and not overwrite:
        require_same_run(path, provenance)
    if not is_saved(path, provenance):
        table = hydrology.recessions_of_gauges(
            inputs.record.table,
            config.fit.window,
            rules=config.events.rules(),
            fit=config.fit.rules(),
            gauges_per_task=GAUGES_PER_TASK,
        )
        _require_some(table, config)
        save_small(constants_dataset(table, config), path, provenance=provenance)
    require_valid(path)
    return open_store(path).compute()


def _require_some(table: pd.DataFrame, config: RecessionConfig) -> None:
    if (table["reason"] == "").any():
        return
    common = table["reason"].value_counts().index[0]
    raise InputError(
        f"{config.gauges.path}: no window of {config.fit.window} years of any gauge has a recession constant. The "
        f"commonest reason: {common}. See events and fit."
    )


def _recessions(config: RecessionConfig, inputs: Inputs) -> dict[str, hydrology.Recessions]:
    """Events of every gauge whose series can be used."""
    columns = ["time", "discharge", *(["rain"] if config.events.maximum_rain is not None else [])]
    groups = {str(name): rows[columns] for name, rows in inputs.record.table.groupby("gauge", sort=True)}
    rules = config.events.rules()
    found = dask.compute({name: dask.delayed(_events_of, pure=False)(rows, rules) for name, rows in groups.items()})[0]
    return {name: one for name, one in found.items() if one is not None}


def _events_of(rows: pd.DataFrame, rules: hydrology.EventRules) -> hydrology.Recessions | None:
    series = rows.set_index("time")
    try:
        return hydrology.recession_events(series["discharge"], rain=series.get("rain"), rules=rules)
    except InputError:  # the store gives the reason
        return None


def _changes(config: RecessionConfig, constants: xr.Dataset) -> pd.DataFrame:
    """Trend and change point by gauge and quantity."""
    found = {
        (str(gauge), quantity.value): change_of(
            constants[quantity.value].sel(gauge=gauge).to_series(), window=config.fit.window
        )
        for gauge in constants.gauge.values
        for quantity in Quantity
    }
    return pd.DataFrame.from_dict(found, orient="index").rename_axis(["gauge", "quantity"])


def change_of(series: pd.Series, *, window: int) -> dict[str, float]:
    """Trend and change point of a yearly series of a gauge.

    Parameters
    ----------
    series : pandas.Series
        By year; NaN is missing.
    window : int
        Years of each value.

    Returns
    -------
    dict
        What `hydrology.Trend` has, and ``change_year``, ``change_p_value``, ``median_before``, ``median_after``: NaN
        where there are fewer than 8 different values.

    Examples
    --------
    >>> found = change_of(pd.Series(range(20), range(2001, 2021), dtype=float), window=1)
    >>> found["slope"], found["change_year"]
    (1.0, 2011)
    """
    known = series.dropna()
    facts: dict[str, float] = dataclasses.asdict(hydrology.trend(series, window=window))
    names = ("change_year", "change_p_value", "median_before", "median_after")
    if len(known) < MIN_YEARS or known.nunique() == 1:
        return facts | dict.fromkeys(names, np.nan)
    point = hydrology.change_point(series, window=window)
    return facts | dict(zip(names, (point.year, point.p_value, point.median_before, point.median_after), strict=True))


def _climate(config: RecessionConfig, inputs: Inputs) -> pd.DataFrame | None:
    """Predictors by year."""
    if config.attribution is None or inputs.climate is not None:
        return inputs.climate
    source = config.attribution.climate
    years = hydrology.annual_climate(
        _basin_series(config, source),
        thaw_months=source.thaw_months,
        cold_months=source.cold_months,
        minimum_share=source.minimum_share,
    )
    lacking = [name for name in source.predictors or () if name not in years]
    if lacking:
        raise InputError(
            f"attribution.climate.predictors: {', '.join(lacking)} is not in the files of ERA5-Land; they have "
            f"{', '.join(map(str, years))}."
        )
    return years if source.predictors is None else years[list(source.predictors)]


def _basin_series(config: RecessionConfig, source: ClimateSource) -> xr.Dataset:
    """Basin means of ERA5-Land; hours of decades are read once."""
    assert source.basin is not None
    path = store_path(config, "climate")
    inputs = {"era5": fingerprint(source.era5), "basin": fingerprint([source.basin])}
    provenance = Provenance("basin-climate", {}, inputs)
    if not is_saved(path, provenance):
        save_small(read_basin_climate(source.era5, read_areas(source.basin)), path, provenance=provenance)
    return open_store(path).compute()


def _river(config: RecessionConfig, inputs: Inputs, constants: xr.Dataset, *, climate: pd.DataFrame | None) -> River:
    """What is found of the gauge that climate, deformation and comparisons are of."""
    gauge, window, options = str(inputs.gauge), config.fit.window, config.attribution
    series = constants[config.quantity.value].sel(gauge=gauge).to_series()
    smooth = {name: one.rolling(window, center=True).mean() for name, one in _every_year(inputs).items()}
    return River(
        gauge=gauge,
        series=series,
        climate=climate,
        attribution=_attribution(series, climate, options, window=window),
        correlations=_correlations(series, climate, options, window=window),
        comparisons=smooth,
        compared={name: hydrology.correlate_years(series, one, window=window) for name, one in smooth.items()},
        periods=None if inputs.deformation is None else periods_of(series, inputs.deformation),
    )


def periods_of(series: pd.Series, deformation: pd.DataFrame) -> pd.DataFrame:
    """Bring a yearly series together with deformation by period.

    Parameters
    ----------
    series : pandas.Series
        By year; NaN is missing.
    deformation : pandas.DataFrame
        ``first`` and ``last`` year of each period.

    Returns
    -------
    pandas.DataFrame
        With ``recession``, the mean of the series over the period (NaN if it has none), and ``n_windows``.

    Examples
    --------
    >>> periods = pd.DataFrame({"first": [2001, 2010], "last": [2002, 2011]})
    >>> periods_of(pd.Series([1.0, 3.0], [2001, 2002]), periods)[["recession", "n_windows"]].to_numpy().tolist()
    [[2.0, 2.0], [nan, 0.0]]
    """
    known = series.dropna()
    spans = deformation[["first", "last"]].to_numpy(int)
    parts = [known.loc[first:last] for first, last in spans]
    return deformation.assign(recession=[part.mean() for part in parts], n_windows=[len(part) for part in parts])


def _every_year(inputs: Inputs) -> dict[str, pd.Series]:
    """Comparisons with every year from the first to the last, so that a window of rows is one of years."""
    return {
        name: one.reindex(pd.RangeIndex(one.index[0], one.index[-1] + 1)) for name, one in inputs.comparisons.items()
    }


def _attribution(
    series: pd.Series, climate: pd.DataFrame | None, options: AttributionOptions | None, *, window: int
) -> hydrology.Attribution | None:
    if options is None or climate is None:
        return None
    return hydrology.attribute(
        series,
        climate,
        disturbance=options.disturbance,
        window=window,
        noise=options.noise,
        confidence=options.confidence,
        block=options.block,
    )


def _correlations(
    series: pd.Series, climate: pd.DataFrame | None, options: AttributionOptions | None, *, window: int
) -> dict[str, hydrology.SeriesCorrelation]:
    """Of each predictor, smoothed alike, with the windows that lie before the disturbance."""
    if options is None or climate is None:
        return {}
    before = series[series.index + window // 2 < options.disturbance]
    smooth = climate.reindex(pd.RangeIndex(climate.index[0], climate.index[-1] + 1)).rolling(window, center=True).mean()
    return {str(name): hydrology.correlate_years(before, smooth[name], window=window) for name in smooth}
