"""What a recession run hands over: tables, figures, and the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from cryoscale import hydrology
from cryoscale.products.outcome import Outcome
from cryoscale.products.places import store_path
from cryoscale.products.recession_inputs import AttributionOptions, Inputs, RecessionConfig
from cryoscale.report import Picture, Section, figure_png, write_report
from cryoscale.report.attribution import (
    attribution_plot,
    climate_correlation_plot,
    coefficient_table,
    comparison_table,
    effect_table,
    joint_plot,
    period_table,
)
from cryoscale.report.labels import number_text
from cryoscale.report.recession import (
    change_table,
    comparison_plot,
    constants_plot,
    quantity_name,
    recession_plane,
    record_table,
    window_table,
)

SHOWN = 12
"""Gauges that get figures of their own; the tables have all."""


@dataclass(frozen=True)
class River:
    """What is found of the gauge that climate, deformation and comparisons are of.

    Attributes
    ----------
    gauge : str
        Its name.
    series : pandas.Series
        The quantity that is followed, by year.
    climate : pandas.DataFrame or None
        Predictors by year.
    attribution : hydrology.Attribution or None
        To climate and the disturbance.
    correlations : mapping of str to hydrology.SeriesCorrelation
        Of each predictor, before the disturbance.
    comparisons : mapping of str to pandas.Series
        Other series, smoothed by the window.
    compared : mapping of str to hydrology.SeriesCorrelation
        Their correlations.
    periods : pandas.DataFrame or None
        Deformation by period, with ``recession`` and ``n_windows``.
    """

    gauge: str
    series: pd.Series
    climate: pd.DataFrame | None
    attribution: hydrology.Attribution | None
    correlations: Mapping[str, hydrology.SeriesCorrelation]
    comparisons: Mapping[str, pd.Series]
    compared: Mapping[str, hydrology.SeriesCorrelation]
    periods: pd.DataFrame | None


@dataclass(frozen=True)
class Findings:
    """All that a run has found, in memory.

    Attributes
    ----------
    constants : xarray.Dataset
        The store: (gauge, year).
    recessions : mapping of str to hydrology.Recessions
        Events by gauge, of those whose series can be used.
    changes : pandas.DataFrame
        Trend and change point by ``gauge`` and ``quantity``.
    river : River or None
        Of the gauge that was named, or the only one.
    """

    constants: xr.Dataset
    recessions: Mapping[str, hydrology.Recessions]
    changes: pd.DataFrame
    river: River | None


def publish(findings: Findings, *, config: RecessionConfig, inputs: Inputs, appendix: Sequence[Section]) -> Outcome:
    """Write tables, figures, the report and the resolved configuration.

    Parameters
    ----------
    findings : Findings
        Of the run.
    config : RecessionConfig
        Its configuration.
    inputs : Inputs
        What it began with.
    appendix : sequence of Section
        Added to the report.

    Returns
    -------
    Outcome
    """
    (config.output / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    write_tables(findings, config.output / "tables")
    gauges = [section for name in _shown(findings) for section in [_gauge_section(findings, name, config)]]
    changes = change_table(findings.changes, exponent=config.fit.exponent)
    sections = [*gauges, Section("Change", _change_text(config), tables=[changes])]
    tables = [changes]
    if findings.river is not None:
        sections += _river_sections(findings.river, config)
        if findings.river.attribution is not None:
            tables.append(effect_table(findings.river.attribution, label=_label(config)))
        if findings.river.compared:
            tables.append(comparison_table(findings.river.compared))
    sections += [Section("Inputs", tables=[record_table(inputs.record.report)]), *appendix]
    report = config.output / "report.html"
    write_report(report, "Streamflow recession", sections=sections, provenance=findings.constants.attrs)
    return Outcome(store=store_path(config, "recession"), report=report, tables=tables)


def write_tables(findings: Findings, folder: Path) -> None:
    """Write events, windows, changes and the attribution as CSV.

    Parameters
    ----------
    findings : Findings
        Of the run.
    folder : Path
        Created if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    windows = findings.constants.to_dataframe().query("recession_status > 0")
    windows.to_csv(folder / "windows.csv")
    events = {name: one.events for name, one in findings.recessions.items()}
    pd.concat(events, names=["gauge", "event"]).to_csv(folder / "events.csv")
    findings.changes.to_csv(folder / "changes.csv")
    river = findings.river
    if river is None:
        return
    if river.attribution is not None:
        river.attribution.predicted.to_csv(folder / "attribution.csv")
        river.attribution.coefficients.to_csv(folder / "coefficients.csv")
    if river.climate is not None:
        river.climate.to_csv(folder / "climate.csv")
    if river.periods is not None:
        river.periods.to_csv(folder / "deformation.csv", index=False)


def _shown(findings: Findings) -> list[str]:
    """The gauge that matters, or the first ones with an estimate."""
    if findings.river is not None:
        return [findings.river.gauge]
    known = findings.constants.recession_constant.notnull().any("year")
    return [str(name) for name in findings.constants.gauge.values[known.values][:SHOWN]]


def _label(config: RecessionConfig) -> str:
    return quantity_name(config.quantity.value, config.fit.exponent)


def _picture(axes: Axes, path: Path, caption: str, *, wide: bool = False) -> Picture:
    """The same figure as a file and in the report."""
    picture = Picture(figure_png(axes), caption, wide)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture.png)
    return picture


def _gauge_section(findings: Findings, gauge: str, config: RecessionConfig) -> Section:
    folder, exponent = config.output / "figures", config.fit.exponent
    windows = findings.constants.sel(gauge=gauge)
    recessions = findings.recessions[gauge]
    pooled = hydrology.constants_of_events(recessions, None, fit=config.fit.rules()).iloc[0]
    plane = recession_plane(recessions.pairs, pooled, title="Events in the ln-ln plane")
    pictures = [_picture(plane, folder / f"events_{_slug(gauge)}.png", _PLANE.format(n=len(recessions.events)))]
    if bool(windows.recession_constant.notnull().any()):
        through_time = constants_plot(
            windows,
            changes=findings.changes.loc[[gauge]].droplevel("gauge"),
            exponent=exponent,
            disturbance=None if config.attribution is None else config.attribution.disturbance,
        )
        caption = _THROUGH_TIME.format(window=config.fit.window, percent=f"{100 * config.fit.confidence:g}")
        pictures.append(_picture(through_time, folder / f"constants_{_slug(gauge)}.png", caption, wide=True))
    return Section(f"Recession of gauge {gauge}", figures=pictures, tables=[window_table(windows, exponent=exponent)])


_PLANE = (
    "Rate of decline against discharge of all pairs of {n} events, both on logarithmic axes, and the line through all "
    "of them: its slope is b."
)
_THROUGH_TIME = (
    "Windows of {window} years at the year of their centre, with intervals of {percent} % from resampled events. p "
    "values allow for the overlap of windows; intervals that reach beyond the axis are cut."
)


def _slug(gauge: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in gauge)


def _change_text(config: RecessionConfig) -> str:
    text = (
        "Windows that overlap share years, so that neighbours are alike and a test that takes them for independent "
        "finds changes where there are none: the first p is corrected for it, the second is not. A change shows up to "
        "half a window before it happened."
    )
    if config.fit.exponent is None:
        text += (
            "\n\nThe exponent b is fitted to each window, and a window with a larger b has another unit of Ks: "
            "compare the recession time between windows, or fix the exponent."
        )
    return text


def _river_sections(river: River, config: RecessionConfig) -> list[Section]:
    sections = [_attribution_section(river, config), _joint_section(river, config), _comparison_section(river, config)]
    return [section for section in sections if section is not None]


def _attribution_section(river: River, config: RecessionConfig) -> Section | None:
    found, options = river.attribution, config.attribution
    if found is None or options is None:
        return None
    folder, label = config.output / "figures", _label(config)
    axes = attribution_plot(found, disturbance=options.disturbance, label=label, title="Observed and predicted")
    bars = climate_correlation_plot(river.correlations, title="Climate and recession")
    pictures = [
        _picture(
            axes, folder / "attribution.png", _ATTRIBUTION.format(percent=f"{100 * options.confidence:g}"), wide=True
        ),
        _picture(bars, folder / "climate_correlation.png", _CORRELATION),
    ]
    tables = [effect_table(found, label=label), coefficient_table(found)]
    return Section("Climate and the disturbance", _attribution_text(found, options), pictures, tables)


_ATTRIBUTION = (
    "The climate model is fitted before the disturbance. Its band is where {percent} % of observed values would lie "
    "without one. Hollow dots are windows with years of both periods."
)
_CORRELATION = (
    "Rank correlation of each predictor, smoothed by the same window, with the windows before the disturbance; hollow "
    "bars are not significant at 5 %."
)


def _attribution_text(found: hydrology.Attribution, options: AttributionOptions) -> str:
    effect = found.effect
    bounds = " to ".join(number_text(bound, decimals=2, signed=True) for bound in (effect.lower, effect.upper))
    sure = effect.p_value < 1 - options.confidence
    verdict = "is not explained by climate" if sure else "cannot be told from none"
    text = (
        f"From {options.disturbance} on the observed value differs from the predicted one by "
        f"{number_text(effect.mean, decimals=2, signed=True)} ({bounds}) in the mean, which {verdict}. The noise of "
        f"single years is taken for {options.noise.value}; the data suggest a correlation of "
        f"{number_text(found.noise_correlation, decimals=2)} from year to year."
    )
    beyond = found.predicted[found.predicted["extrapolated"] & (found.predicted["period"] == "after")]
    if len(beyond):
        text += (
            f"\n\nOf {len(beyond)} of the {effect.n_years} windows after it the climate lies beyond that of the years "
            "before: there the model extrapolates."
        )
    if found.collinear:
        text += f"\n\nThe coefficients of {', '.join(found.collinear)} cannot be told apart."
    return text


def _joint_section(river: River, config: RecessionConfig) -> Section | None:
    if river.periods is None:
        return None
    disturbance = None if config.attribution is None else config.attribution.disturbance
    axes = joint_plot(
        river.series,
        river.periods,
        label=_label(config),
        attribution=river.attribution,
        disturbance=disturbance,
    )
    caption = (
        "The recession above, the ground below: regional mean of the rate over each period and of each thaw season, "
        "with the spread between pixels. Negative is subsidence."
    )
    picture = _picture(axes, config.output / "figures" / "joint.png", caption, wide=True)
    table = period_table(river.periods, label=_label(config))
    return Section("Recession and deformation", period_text(river.periods), [picture], [table])


def period_text(periods: pd.DataFrame) -> str:
    """Pearson's correlation over periods, in words.

    Parameters
    ----------
    periods : pandas.DataFrame
        ``quantity``, ``mean``, ``recession``.

    Returns
    -------
    str

    Examples
    --------
    >>> table = pd.DataFrame({"quantity": "vertical_rate", "mean": [0.0, -5, -9], "recession": [10.0, 14, 19]})
    >>> period_text(table)[:70]
    'Correlation with the recession: of the rate R = −0.99 over 3 periods. '
    """
    names = {"vertical_rate": "rate", "vertical_thaw_season": "thaw season"}
    texts = []
    for quantity, rows in periods.dropna(subset=["mean", "recession"]).groupby("quantity"):
        if len(rows) >= 3 and rows[["mean", "recession"]].nunique().min() > 1:
            r = float(np.corrcoef(rows["mean"], rows["recession"])[0, 1])
            texts.append(f"of the {names[str(quantity)]} R = {number_text(r, decimals=2)} over {len(rows)} periods")
    if not texts:
        return "There are too few periods with both for a correlation."
    return (
        f"Correlation with the recession: {'; '.join(texts)}. Subsidence is negative. Periods are few and windows "
        "overlap, so that no p value is given."
    )


def _comparison_section(river: River, config: RecessionConfig) -> Section | None:
    if not river.compared:
        return None
    units = {one.name: one.unit for one in config.comparisons}
    pictures = []
    for name, other in river.comparisons.items():
        label = name if units[name] == "1" else f"{name} ({units[name]})"
        axes = comparison_plot(river.series, other, found=river.compared[name], labels=(_label(config), label))
        path = config.output / "figures" / f"comparison_{_slug(name)}.png"
        pictures.append(_picture(axes, path, f"{name}: mean over the same windows.", wide=True))
    text = "The other series are averaged over the same windows; p allows for years that windows share."
    return Section("Other series", text, pictures, [comparison_table(river.compared)])
