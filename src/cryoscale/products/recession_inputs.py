"""What a recession run is asked for and begins with: configuration, tables, and the plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

import pandas as pd
import xarray as xr
from pydantic import Field, field_validator, model_validator

from cryoscale.config import Config, ConfigFolder, ConfigInput, ConfigPath
from cryoscale.engine import Cluster, Plan, Step
from cryoscale.engine.plan import OVERHEAD, idle_memory
from cryoscale.errors import InputError
from cryoscale.hydrology import AnnualNoise, EventRules, FitMethod, FitRules, TimeStep
from cryoscale.products.places import stores_folder
from cryoscale.products.record import regional_means
from cryoscale.readers import read_discharge
from cryoscale.readers.discharge import MISSING, DischargeRecord
from cryoscale.readers.yearly import read_years
from cryoscale.store import open_store

GAUGES_PER_TASK = 16
_COLUMNS_STORED = 18
_FITS_AND_FIGURES = 150 * 10**6
"""Instead of what tiles of rasters take: the fits of gauges and the figures of the report, measured."""
_DEFORMATION = ("quantity", "first", "last", "mean", "spread")


class Quantity(StrEnum):
    """What of the recession is followed through time."""

    CONSTANT = "recession_constant"
    TIME = "recession_time"


class GaugeSource(Config):
    """Daily discharge."""

    path: ConfigInput = Field(description="CSV of daily discharge, a row for each day and gauge")
    unit: str | None = Field(None, description="of discharge, as in m3 s-1; null: a column says it row by row")
    columns: dict[str, str] = Field(
        {}, description="what the file calls time, discharge, and gauge, unit and rain where it has them"
    )
    missing: tuple[float | str, ...] = Field(MISSING, description="numbers and words that stand for a missing value")
    area: float | None = Field(
        None, gt=0, description="of the basin, for discharge as a depth", json_schema_extra={"unit": "km2"}
    )

    def read(self) -> DischargeRecord:
        """Read the file."""
        return read_discharge(self.path, unit=self.unit, columns=self.columns, missing=self.missing, area=self.area)


class Events(Config):
    """What is a recession event."""

    minimum_declines: int = Field(7, description="consecutive declines of an event; seven take eight days")
    season: tuple[int, int] = Field((8, 10), description="first and last month")
    days_dropped: int = Field(0, description="days after the peak that are left out", json_schema_extra={"unit": "d"})
    minimum_decline: float = Field(
        0.0, description="a day with a smaller decline ends an event", json_schema_extra={"unit": "m3 s-1"}
    )
    maximum_rain: float | None = Field(
        None,
        description="rain above which a day is in no event; null: rain is not read",
        json_schema_extra={"unit": "mm d-1"},
    )
    time_step: TimeStep = Field(TimeStep.PAIR, description="scheme of the rates")
    precision: float = Field(
        0.0, description="smallest change that the gauge resolves", json_schema_extra={"unit": "m3 s-1"}
    )

    @model_validator(mode="after")
    def _can_be_followed(self) -> Self:
        try:
            self.rules()
        except InputError as error:
            raise ValueError(str(error)) from None
        return self

    def rules(self) -> EventRules:
        """As the library takes them."""
        return EventRules(**self.model_dump())


class Fit(Config):
    """How the recession line is fitted."""

    window: Literal[1, 3, 5] = Field(5, description="moving window", json_schema_extra={"unit": "a"})
    method: FitMethod = Field(FitMethod.ORDINARY, description="how the line is laid through the pairs")
    exponent: float | None = Field(None, description="exponent b where it is fixed; null: fitted")
    minimum_events: int = Field(3, description="events that a window needs")
    reference_discharge: float | None = Field(
        None,
        description="where the recession time is taken; null: median of the record",
        json_schema_extra={"unit": "m3 s-1"},
    )
    replicates: int = Field(1000, description="resamples of events for the intervals")
    confidence: float = Field(0.95, description="of the intervals")
    seed: int = Field(0, description="of the resamples")

    @model_validator(mode="after")
    def _can_be_followed(self) -> Self:
        try:
            self.rules()
        except InputError as error:
            raise ValueError(str(error)) from None
        return self

    def rules(self) -> FitRules:
        """As the library takes them."""
        return FitRules(**self.model_dump(exclude={"window"}))


class ClimateSource(Config):
    """Climate of the basin: a table by year, or files of ERA5-Land with the basin's outline."""

    table: ConfigInput | None = Field(None, description="CSV by year: a column year, and one for each predictor")
    era5: tuple[ConfigInput, ...] = Field((), description="files of ERA5-Land (NetCDF or Zarr)")
    basin: ConfigInput | None = Field(None, description="outline of the basin, with era5")
    predictors: tuple[str, ...] | None = Field(None, description="columns or variables to use; null: all")
    thaw_months: tuple[int, ...] = Field((5, 6, 7, 8, 9, 10), description="of era5, for rain and the like")
    cold_months: tuple[int, ...] = Field((11, 12, 1, 2, 3, 4), description="of era5, for snow")
    minimum_share: float = Field(0.9, gt=0, le=1, description="of a season's days that must have a value, of era5")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.table is None) == (not self.era5) or bool(self.era5) != (self.basin is not None):
            raise ValueError("give either table, or era5 with basin")
        return self


class AttributionOptions(Config):
    """How much of the change climate explains."""

    disturbance: int = Field(description="first year of the disturbance")
    climate: ClimateSource = Field(description="what may explain the recession")
    noise: AnnualNoise = Field(AnnualNoise.AUTOREGRESSIVE, description="noise of single years")
    confidence: float = Field(0.95, gt=0, lt=1, description="of the prediction intervals and the effect")
    block: int = Field(5, ge=1, description="block that is left out for the skill", json_schema_extra={"unit": "a"})


class Comparison(Config):
    """A yearly series to correlate with, such as thaw depth."""

    name: str = Field(description="what it is, for the report")
    path: ConfigInput = Field(description="CSV by year")
    column: str = Field(description="column of its values")
    year: str = Field("year", description="column of the years")
    unit: str = Field("1", description="of its values, for the report")


class RecessionConfig(Config):
    """Recession of rivers, its change, and what climate explains of it."""

    gauges: GaugeSource = Field(description="daily discharge")
    events: Events = Field(Events(), description="what is a recession event")
    fit: Fit = Field(Fit(), description="how the recession line is fitted")
    quantity: Quantity = Field(
        Quantity.CONSTANT,
        description="what is attributed and compared; with a fitted exponent, the time alone compares between windows",
    )
    gauge: str | None = Field(None, description="gauge that the following is of; null: the only one")
    attribution: AttributionOptions | None = Field(None, description="to climate and a disturbance; null: none")
    deformation: ConfigInput | None = Field(
        None, description="record.zarr of cryoscale longterm, or CSV: quantity, first, last, mean, spread (mm a-1, mm)"
    )
    comparisons: tuple[Comparison, ...] = Field((), description="yearly series to correlate with")
    output: ConfigPath = Field(Path("recession"), description="folder for the store, tables, figures and the report")
    stores: ConfigFolder | None = Field(
        None, description="folder of the Zarr stores if not output: a path, or s3://bucket/prefix"
    )
    cluster: Cluster = Field(Cluster(), description="where it runs")

    @field_validator("comparisons")
    @classmethod
    def _names_differ(cls, comparisons: tuple[Comparison, ...]) -> tuple[Comparison, ...]:
        names = [one.name for one in comparisons]
        if len(set(names)) < len(names):
            raise ValueError("two series have one name; give each its own")
        return comparisons

    @property
    def needs_gauge(self) -> bool:
        """Whether something is of one gauge."""
        return self.attribution is not None or self.deformation is not None or bool(self.comparisons)


@dataclass(frozen=True)
class Inputs:
    """What a run begins with.

    Attributes
    ----------
    record : DischargeRecord
        Of all gauges.
    gauge : str or None
        Gauge of the basin that climate, deformation and comparisons are of.
    climate : pandas.DataFrame or None
        Predictors by year, if they come from a table.
    deformation : pandas.DataFrame or None
        ``quantity`` (``vertical_rate``, mm a-1, or ``vertical_thaw_season``, mm), ``first`` and ``last`` year,
        ``mean``, ``spread``.
    comparisons : mapping of str to pandas.Series
        By name, by year.
    """

    record: DischargeRecord
    gauge: str | None
    climate: pd.DataFrame | None
    deformation: pd.DataFrame | None
    comparisons: Mapping[str, pd.Series]


def inspect(config: RecessionConfig) -> Inputs:
    """Read the tables, and see that files of climate are there.

    Parameters
    ----------
    config : RecessionConfig
        The whole configuration.

    Returns
    -------
    Inputs

    Raises
    ------
    InputError
        If a file cannot be used, or several gauges are there and none is named.
    """
    record = config.gauges.read()
    if config.events.maximum_rain is not None and "rain" not in record.table:
        raise InputError(f"{config.gauges.path}: events.maximum_rain needs rain. Name its column in gauges.columns.")
    return Inputs(
        record,
        _subject(config, record),
        _climate(config),
        None if config.deformation is None else read_deformation(config.deformation),
        {one.name: read_years(one.path, [one.column], year=one.year)[one.column] for one in config.comparisons},
    )


def _subject(config: RecessionConfig, record: DischargeRecord) -> str | None:
    names = [str(name) for name in record.report.index]
    if config.gauge is None:
        if config.needs_gauge and len(names) > 1:
            raise InputError(
                f"gauge: {config.gauges.path} has {len(names)} gauges ({', '.join(names[:5])}). Say which one the "
                "attribution, the deformation and the comparisons are of."
            )
        return names[0] if len(names) == 1 else None
    if config.gauge not in names:
        raise InputError(f"gauge: {config.gauge!r} is not in {config.gauges.path} ({', '.join(names[:5])}).")
    return config.gauge


def _climate(config: RecessionConfig) -> pd.DataFrame | None:
    if config.attribution is None:
        return None
    source = config.attribution.climate
    if source.table is not None:
        return read_years(source.table, source.predictors)
    absent = [path for path in (*source.era5, source.basin) if path is not None and not path.exists()]
    if absent:
        raise InputError(f"{absent[0]}: is not there. See attribution.climate.")
    return None


def read_deformation(path: Path) -> pd.DataFrame:
    """Read regional means of rates and thaw seasons by period.

    Parameters
    ----------
    path : Path
        The store of the long-term record, or a CSV table such as its ``regional.csv``.

    Returns
    -------
    pandas.DataFrame
        ``quantity``, ``first``, ``last``, ``mean``, ``spread``.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, or has another quantity.
    """
    if path.is_dir():
        groups = sorted(each.parent for each in path.glob("*/zarr.json"))
        if not groups:
            raise InputError(f"{path}: is no store of the long-term record. Give its record.zarr, or a CSV.")
        record: dict[str, xr.Dataset] = {group.name: open_store(group) for group in groups}
        return regional_means(record).to_dataframe().reset_index()[list(_DEFORMATION)]
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a CSV table ({error}).") from None
    lacking = [name for name in _DEFORMATION if name not in table]
    if lacking:
        raise InputError(f"{path}: has the columns {', '.join(table.columns)}; it needs {', '.join(lacking)}.")
    unknown = sorted(set(table["quantity"]) - {"vertical_rate", "vertical_thaw_season"})
    if unknown:
        raise InputError(f"{path}: the quantity {unknown[0]!r} is neither vertical_rate nor vertical_thaw_season.")
    return table[list(_DEFORMATION)]


def plan_run(config: RecessionConfig, inputs: Inputs) -> Plan:
    """Say what a run will read, write and need.

    Parameters
    ----------
    config : RecessionConfig
        The whole configuration.
    inputs : Inputs
        What it begins with.

    Returns
    -------
    Plan
        Rows are gauges, columns are years.
    """
    report = inputs.record.report
    first, last = (pd.DatetimeIndex(report[name]).year for name in ("first", "last"))
    years = int(last.max() - first.min() + 1)
    gauge_years = int((last - first + 1).to_numpy().sum())
    climate = () if config.attribution is None else (config.attribution.climate.table, *config.attribution.climate.era5)
    sources = [config.gauges.path, *(path for path in climate if path is not None)]
    step = Step(
        name="recession",
        shape=(len(report), years),
        tile=(min(GAUGES_PER_TASK, len(report)), years),
        bytes_read=sum(_size(path) for path in sources),
        bytes_written=len(report) * years * _COLUMNS_STORED * 8,
        peak_memory=idle_memory(config.cluster)
        - OVERHEAD
        + _FITS_AND_FIGURES
        + 3 * int(inputs.record.table.memory_usage(deep=True).sum()),
    )
    described = f"{len(report)} gauges, {gauge_years} gauge-years from {first.min()} to {last.max()} (rows: gauges)"
    return Plan(grid=described, steps=[step], cluster=config.cluster, output=stores_folder(config))


def _size(path: Path) -> int:
    files = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
    return sum(each.stat().st_size for each in files)
