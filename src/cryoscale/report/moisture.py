"""Sections of the report on the active layer's moisture."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from cryoscale.report.canvas import figure_png
from cryoscale.report.classes import class_map
from cryoscale.report.html import Picture, Section, Table
from cryoscale.report.labels import number_text, unit_text
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
    sure = {
        "Prediction interval, lower bound": few.moisture_lower.rename("moisture"),
        "Prediction interval, upper bound": few.moisture_upper.rename("moisture"),
        "Spread of the learners": few.learner_spread,
        "Dissimilarity to the samples": few.dissimilarity,
    }
    moisture = map_figure(few.moisture, title="Moisture of the active layer")
    moisture.plot(samples.x, samples.y, "o", color="#1f2933", markersize=1.6, markeredgewidth=0)
    pictures = [
        _picture(moisture, "Mean over the depth of the active layer at its deepest thaw. Points: pixels with samples."),
        _picture(class_map(few.moisture_status, title="Area of applicability"), _TRUST),
        _picture(quantity_maps(sure), _SURE, wide=True),
    ]
    return Section("Moisture of the active layer", figures=pictures)


_TRUST = (
    "Where the covariates are like those of the samples (Meyer and Pebesma 2021). Outside it the map extrapolates, and "
    "neither the scores nor the interval below hold."
)
_SURE = (
    "How sure the map is: the bounds in the same colours, the standard deviation of the learners, and the distance to "
    "the most similar sample among the covariates, in which 1 is the mean distance between samples."
)


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
    # as on the map: nothing is drier than dry
    bounded = {name: table.assign(lower=table["lower"].clip(lower=0.0)) for name, table in tables.items()}
    pictures = [
        _picture(prediction_plot(bounded, label="moisture", unit=UNIT), _PREDICTED, wide=True),
        _picture(skill_plot(summaries, unit=UNIT, title="Error by model"), "RMSE of samples left out."),
    ]
    scored = [_score_table(name, summary) for name, summary in summaries.items()]
    biased = [_bias_table(name, bias) for name, bias in biases.items()]
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
        (name, f"{weight:.2f}", ", ".join(f"{key} {_setting(value)}" for key, value in settings[name].items()))
        for name, weight in weights.items()
    ]
    return Section(
        "What was learned", figures=pictures, tables=[Table("Learners", ("Learner", "Weight", "Settings"), rows)]
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
    tables = [Table("Accepted samples", ("Method", "Samples", "Median (m³ m⁻³)"), counts)]
    if reasons:
        tables.append(Table("Samples left out", ("Sample", "Method", "Reason"), reasons))
    return Section("Samples", text, tables=tables)


def _picture(axes: Axes, caption: str, *, wide: bool = False) -> Picture:
    return Picture(figure_png(axes), caption, wide=wide)


_SCORES = {
    "n": ("samples", 0),
    "r2": ("R²", 3),
    "rmse": (f"RMSE ({unit_text(UNIT)})", 3),
    "mae": (f"MAE ({unit_text(UNIT)})", 3),
    "bias": (f"bias ({unit_text(UNIT)})", 3),
    "slope": ("slope", 2),
    "coverage": ("in the interval", 3),
    "width": (f"its width ({unit_text(UNIT)})", 3),
}
"""Column of `moisture.summarise`: what it is called and its decimals."""


def _score_table(name: str, summary: pd.DataFrame) -> Table:
    rows = [
        [str(model), *(_cell(scores[column], decimals) for column, (_, decimals) in _SCORES.items())]
        for model, scores in summary.iterrows()
    ]
    return Table(f"Scores, {name} folds", ["model", *(label for label, _ in _SCORES.values())], rows)


def _bias_table(name: str, bias: pd.DataFrame) -> Table:
    values = bias[["n", "before", "after"]].to_numpy(float).tolist()
    rows = [
        (_bias_label(*which), f"{n:.0f}", _cell(before, 3), _cell(after, 3))
        for which, (n, before, after) in zip(bias.index.tolist(), values, strict=True)
        if which != ("bias", "predicted", 0)  # of all samples, as the one by measured moisture
    ]
    return Table(f"Bias, {name} folds", ["what", "samples", "before the correction", "after it"], rows)


def _bias_label(statistic: str, by: str, fifth: int) -> str:
    if statistic == "slope":
        return "slope of measured on predicted" if by == "predicted" else "slope of predicted on measured"
    if fifth == 0:
        return f"bias of all ({unit_text(UNIT)})"
    return f"bias of fifth {fifth} by {'measured' if by == 'observed' else 'predicted'} moisture"


def _cell(value: float, decimals: int) -> str:
    return number_text(float(value), decimals=decimals) if np.isfinite(value) else "–"


def _setting(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
