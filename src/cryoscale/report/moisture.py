"""Sections of the report on the active layer's moisture."""

from collections.abc import Mapping, Sequence

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from cryoscale.report.canvas import figure_png
from cryoscale.report.classes import class_map
from cryoscale.report.html import Picture, Section, Table
from cryoscale.report.learners import (
    elimination_plot,
    prediction_plot,
    shap_dependence_plot,
    shap_summary_plot,
    skill_plot,
)
from cryoscale.report.maps import decimated, map_figure
from cryoscale.report.permafrost_maps import quantity_maps

UNIT = "m3 m-3"
"""Of moisture."""


def moisture_section(layers: xr.Dataset, *, samples: pd.DataFrame) -> Section:
    """The map, how sure it is, and where it may be trusted.

    Parameters
    ----------
    layers : xarray.Dataset
        (y, x) as of `moisture.map_moisture`; lazy or not.
    samples : pandas.DataFrame
        A row a pixel with samples: ``x`` and ``y`` in the CRS of the map.

    Returns
    -------
    Section
    """
    few = decimated(layers).compute()
    width = (
        (few.moisture_upper - few.moisture_lower)
        .rename("interval_width")
        .assign_attrs(units=UNIT, long_name="width of the prediction interval")
    )
    sure = {"Prediction interval, width": width, "Spread of the learners": few.learner_spread}
    moisture = map_figure(few.moisture, title="Moisture of the active layer")
    moisture.plot(samples.x, samples.y, "o", color="#1f2933", markersize=1.6, markeredgewidth=0)
    pictures = [
        _picture(moisture, "Mean over the depth of the active layer at its deepest thaw. Points: pixels with samples."),
        _picture(quantity_maps(sure), "How sure the map is.", wide=True),
        _picture(class_map(few.moisture_status, title="Area of applicability"), _TRUST),
        _picture(map_figure(few.dissimilarity, title="Dissimilarity"), _DISSIMILARITY),
    ]
    return Section("Moisture of the active layer", figures=pictures)


_TRUST = (
    "Where the covariates are like those of the samples (Meyer and Pebesma 2021). Outside it the map extrapolates, and "
    "neither the scores nor the interval below hold."
)
_DISSIMILARITY = "Distance to the most similar sample among the covariates, 1 is the mean distance between samples."


def skill_section(
    tables: Mapping[str, pd.DataFrame], summaries: Mapping[str, pd.DataFrame], biases: Mapping[str, pd.DataFrame]
) -> Section:
    """What the map is worth: random and blocked cross-validation, and the bias before and after its correction.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        By way to leave samples out: of `moisture.cross_validate`.
    summaries : mapping of str to pandas.DataFrame
        Likewise: of `moisture.summarise`.
    biases : mapping of str to pandas.DataFrame
        Likewise: of `moisture.bias_table`.

    Returns
    -------
    Section
    """
    pictures = [
        _picture(prediction_plot(tables, label="moisture", unit=UNIT), _PREDICTED, wide=True),
        _picture(skill_plot(summaries, unit=UNIT, title="Error by model"), "RMSE of samples left out."),
    ]
    scored = [_frame_table(f"Scores, {name} folds", table.reset_index()) for name, table in summaries.items()]
    biased = [
        _frame_table(f"Bias by fifth, {name} folds", table.reset_index(drop=True)) for name, table in biases.items()
    ]
    return Section("Cross-validation", _TWO_WAYS, figures=pictures, tables=[*scored, *biased])


_TWO_WAYS = (
    "Random folds leave single samples out: they tell of places among the samples. Blocked folds leave whole areas "
    "out: they tell of places away from them. Tuning, selection, fusion and correction are done anew in every fold."
)
_PREDICTED = (
    "Samples left out, as measured and as predicted after the correction, with the prediction interval. Solid: equal; "
    "dashed: the regression of measured on predicted."
)


def learned_section(
    path: pd.DataFrame,
    *,
    shap: pd.DataFrame,
    features: pd.DataFrame,
    units: Mapping[str, str],
    weights: Mapping[str, float],
    settings: Mapping[str, Mapping[str, object]],
) -> Section:
    """What the learners have learned: which covariates were kept, and what each adds.

    Parameters
    ----------
    path : pandas.DataFrame
        Of `moisture.Selection`.
    shap, features : pandas.DataFrame
        (sample, covariate) SHAP values of the fused prediction, and the covariates.
    units : mapping of str to str
        Of the covariates.
    weights : mapping of str to float
        By learner.
    settings : mapping
        By learner, as tuned.

    Returns
    -------
    Section
    """
    pictures = [
        _picture(
            elimination_plot(path, chosen=shap.shape[1], unit=UNIT, title="Elimination of covariates"), _ELIMINATION
        ),
        _picture(shap_summary_plot(shap, features, unit=UNIT, title="SHAP values"), _SHAP),
        _picture(
            shap_dependence_plot(shap, features, units=units, unit=UNIT),
            "What the most important covariates add, against their own values.",
            wide=True,
        ),
    ]
    rows = [
        (name, f"{weight:.2f}", ", ".join(f"{key} {value}" for key, value in settings[name].items()) or "defaults")
        for name, weight in weights.items()
    ]
    return Section(
        "What was learned", figures=pictures, tables=[Table("Learners", ("learner", "weight", "settings"), rows)]
    )


_ELIMINATION = (
    "Cross-validated error as the least important covariates go; kept are the fewest within one standard error of the "
    "best."
)
_SHAP = "Each point is a sample. SHAP values of the learners, averaged with their weights, before the correction."


def samples_section(profiles: pd.DataFrame, *, left_out: pd.DataFrame, n_pixels: int) -> Section:
    """Which samples count, and why others do not.

    Parameters
    ----------
    profiles : pandas.DataFrame
        A row a sample: ``sample``, ``method``, ``moisture`` and ``reason`` (empty: accepted).
    left_out : pandas.DataFrame
        Pixels with samples that lack a covariate, with the ``reason``.
    n_pixels : int
        Pixels that the learners are fitted to.

    Returns
    -------
    Section
    """
    accepted = profiles[profiles.reason == ""]
    counts = [
        (str(name), str(len(group)), f"{group.moisture.median():.3f}") for name, group in accepted.groupby("method")
    ]
    refused = profiles[profiles.reason != ""]
    reasons = [(str(row.sample), str(row.method), str(row.reason)) for row in refused.itertuples()]
    reasons += [(str(row.sample), "", str(row.reason)) for row in left_out.itertuples()]
    text = (
        f"{len(accepted)} of {len(profiles)} samples are accepted; they lie in {n_pixels} pixels with all covariates."
    )
    tables = [Table("Accepted samples", ("method", "samples", "median (m³ m⁻³)"), counts)]
    if reasons:
        tables.append(Table("Samples left out", ("sample", "method", "reason"), reasons))
    return Section("Samples", text, tables=tables)


def _picture(axes: Axes, caption: str, *, wide: bool = False) -> Picture:
    return Picture(figure_png(axes), caption, wide=wide)


def _frame_table(title: str, frame: pd.DataFrame) -> Table:
    rows: Sequence[Sequence[str]] = [[_cell(value) for value in row] for row in frame.to_numpy(object)]
    return Table(title, [str(name).replace("_", " ") for name in frame.columns], rows)


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
