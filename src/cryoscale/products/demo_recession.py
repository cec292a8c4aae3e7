"""The demo of the recession: the product on a synthetic basin of 50 years, compared with its truth."""

from functools import partial
from pathlib import Path

import pandas as pd
import xarray as xr
from rich.console import Console

from cryoscale.products import recession
from cryoscale.products.outcome import Outcome
from cryoscale.products.recession_inputs import (
    AttributionOptions,
    ClimateSource,
    Comparison,
    Fit,
    GaugeSource,
    RecessionConfig,
)
from cryoscale.products.recession_report import Findings
from cryoscale.report import Check, Picture, Section, Table, check_plot, figure_png
from cryoscale.report.labels import number_text
from cryoscale.report.recession import quantity_unit
from cryoscale.scenes.basin import WEIGHTS, Basin, basin_scene, write_basin
from cryoscale.store import open_store


def run(folder: Path) -> Outcome:
    """Build the basin as files, run the product on them, and compare with the truth.

    Parameters
    ----------
    folder : Path
        The basin goes into ``basin/``, the results into ``results/``, the configuration into ``config.yaml``.

    Returns
    -------
    Outcome
        With a table of what was found and what is true.
    """
    basin = basin_scene()
    with Console(stderr=True).status("building a synthetic basin"):
        write_basin(basin, folder / "basin")
    path = folder / "config.yaml"
    path.write_text(_config(basin).to_yaml(), encoding="utf-8")
    config = RecessionConfig.load(path)
    outcome = recession.run(config, appendix=partial(_compare, basin=basin, config=config))
    windows = open_store(outcome.store).recession_constant[0].to_series()
    predicted = pd.read_csv(config.output / "tables" / "attribution.csv", index_col="year")
    truth = truth_table(windows, predicted, basin, window=config.fit.window)
    return Outcome(outcome.store, outcome.report, outcome.rasters, (*outcome.tables, truth))


def _config(basin: Basin) -> RecessionConfig:
    scene = Path("basin")
    return RecessionConfig(
        gauges=GaugeSource(path=scene / "discharge.csv", unit="m3 s-1", columns={"discharge": "flow", "rain": "rain"}),
        fit=Fit(exponent=basin.exponent),
        attribution=AttributionOptions(
            disturbance=basin.disturbance,
            climate=ClimateSource(table=scene / "climate.csv", predictors=tuple(WEIGHTS)),
        ),
        deformation=scene / "deformation.csv",
        comparisons=(Comparison(name="Thaw depth", path=scene / "thaw_depth.csv", column="thaw_depth", unit="m"),),
        output=Path("results"),
    )


def _compare(findings: Findings, *, basin: Basin, config: RecessionConfig) -> list[Section]:
    river, window = findings.river, config.fit.window
    if river is None or river.attribution is None:
        raise ValueError("the demo's configuration has one gauge and an attribution")
    table = truth_table(river.series, river.attribution.predicted, basin, window=window)
    true = xr.DataArray(true_windows(basin, window).loc[river.series.index], attrs={"units": "1"})
    check = Check("Recession constant", "truth of the basin", xr.DataArray(river.series), true)
    caption = "Ks of every window against the mean of its years' true Ks."
    return [Section("Against the truth", figures=[Picture(figure_png(check_plot(check)), caption)], tables=[table])]


def true_windows(basin: Basin, window: int) -> "pd.Series[float]":
    """Mean of the true Ks over windows, by the year at their centre.

    Parameters
    ----------
    basin : Basin
        The basin.
    window : int
        Years.

    Returns
    -------
    pandas.Series
        NaN where the window reaches beyond the record.
    """
    return basin.constant.rolling(window, center=True).mean()


def truth_table(windows: "pd.Series[float]", predicted: pd.DataFrame, basin: Basin, *, window: int) -> Table:
    """What was found beside what is true.

    Parameters
    ----------
    windows : pandas.Series
        Ks by year.
    predicted : pandas.DataFrame
        Of the attribution: ``period`` and ``effect`` by year.
    basin : Basin
        The truth.
    window : int
        Years.

    Returns
    -------
    Table
    """
    wrong = (windows - true_windows(basin, window)).dropna()
    effect = float(predicted.loc[predicted["period"] == "after", "effect"].mean())
    rows = (
        ("effect of the disturbance", number_text(effect, decimals=2), number_text(basin.effect, decimals=2)),
        ("bias of Ks", number_text(float(wrong.mean()), decimals=2, signed=True), "0"),
        ("RMSE of Ks", number_text(float((wrong**2).mean()) ** 0.5, decimals=2), "0"),
    )
    unit = quantity_unit("recession_constant", basin.exponent)
    return Table(f"Against the truth, {unit}", ("what", "found", "true"), rows)
