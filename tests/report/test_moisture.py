"""Sections of the moisture report, from what the library gives, put together as a page."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from cryoscale.moisture.bias import bias_table
from cryoscale.moisture.validation import summarise
from cryoscale.report import write_report
from cryoscale.report.moisture import learned_section, moisture_section, samples_section, skill_section

SHAPE = (30, 40)
RNG = np.random.default_rng(1)


@pytest.fixture
def layers(make_map):
    wet = RNG.uniform(0.1, 0.4, SHAPE).astype("float32")
    status = RNG.integers(0, 4, SHAPE).astype("uint8")
    values = {
        "moisture": wet,
        "moisture_lower": wet - 0.08,
        "moisture_upper": wet + 0.08,
        "learner_spread": wet / 20,
        "dissimilarity": 2 * wet,
    }
    maps = {name: make_map(np.where(status % 3, one, np.nan), name=name) for name, one in values.items()}
    return xr.Dataset(maps | {"moisture_status": make_map(status, name="moisture_status")})


@pytest.fixture
def held_out():
    observed = RNG.uniform(0.05, 0.45, 100)
    fused = 0.25 + 0.6 * (observed - 0.25) + RNG.normal(0, 0.02, 100)
    corrected = fused + 0.3 * (fused - 0.25)
    table = pd.DataFrame({"fold": np.arange(100) % 5, "observed": observed, "xgboost": fused - 0.01, "linear": 0.25})
    bounds = {"lower": corrected - 0.06, "upper": corrected + 0.06, "dissimilarity": 0.1, "inside": True}
    return table.assign(fused=fused, corrected=corrected, **bounds)


@pytest.fixture
def skill(held_out):
    tables = {"random": held_out, "blocked": held_out.assign(corrected=held_out.fused)}
    summaries = {name: summarise(table) for name, table in tables.items()}
    biases = {name: bias_table(table.fused, table.corrected, table.observed) for name, table in tables.items()}
    return tables, summaries, biases


def test_the_map_is_the_same_figure_from_lazy_layers(layers):
    samples = pd.DataFrame({"x": [float(layers.x[3])], "y": [float(layers.y[5])]})
    section = moisture_section(layers, samples=samples)
    assert [picture.wide for picture in section.figures] == [False, False, True]
    lazy = moisture_section(layers.chunk(y=10), samples=samples)
    for one, other in zip(section.figures, lazy.figures, strict=True):
        assert one.png == other.png


def test_scores_are_in_the_table_and_what_is_not_known_is_a_dash(skill):
    tables, summaries, biases = skill
    section = skill_section(tables, summaries, biases)
    scores = section.tables[0]
    assert scores.title == "Scores, random folds"
    assert scores.header[:4] == ["model", "samples", "R²", "RMSE (m³ m⁻³)"]
    rows = {row[0]: row[1:] for row in scores.rows}
    assert list(rows) == ["xgboost", "linear", "fused", "corrected"]
    corrected = summaries["random"].loc["corrected"]
    assert rows["corrected"] == [
        "100",
        f"{corrected.r2:.3f}",
        f"{corrected.rmse:.3f}",
        f"{corrected.mae:.3f}",
        f"{corrected.bias:.3f}".replace("-", "−"),
        f"{corrected.slope:.2f}",
        f"{corrected.coverage:.3f}",
        "0.120",
    ]
    assert rows["linear"][-3:] == ["–", "–", "–"]  # constant: no slope; and it has no interval
    assert rows["xgboost"][-2:] == ["–", "–"]
    assert [table.title for table in section.tables] == [
        "Scores, random folds",
        "Scores, blocked folds",
        "Bias, random folds",
        "Bias, blocked folds",
    ]


def test_bias_is_told_of_every_fifth_before_and_after(skill):
    tables, summaries, biases = skill
    table = skill_section(tables, summaries, biases).tables[2]
    rows = {row[0]: row[1:] for row in table.rows}
    assert len(rows) == len(table.rows) == 13
    lowest = biases["random"].loc[("bias", "observed", 1)]
    assert rows["bias of fifth 1 by measured moisture"] == ("20", f"{lowest.before:.3f}", f"{lowest.after:.3f}")
    assert 0 < lowest.after < lowest.before
    slope = biases["random"].loc[("slope", "predicted", 0)]
    assert rows["slope of measured on predicted"] == ("100", f"{slope.before:.3f}", f"{slope.after:.3f}")
    every = float((tables["random"].fused - tables["random"].observed).mean())
    assert rows["bias of all (m³ m⁻³)"][1] == f"{every:.3f}".replace("-", "−")


def test_what_was_learned_has_weights_and_readable_settings():
    features = pd.DataFrame(RNG.normal(size=(40, 3)), columns=["ndvi", "clay", "slope"])
    path = pd.DataFrame({"n_features": [5, 3], "rmse": [0.05, 0.051], "rmse_error": [0.004, 0.005]})
    section = learned_section(
        path,
        shap=0.01 * features,
        features=features,
        units={"ndvi": "1", "clay": "%", "slope": "degree"},
        weights={"random-forest": 0.25, "xgboost": 0.75},
        settings={"random-forest": {"max_features": 1 / 3, "max_depth": None}, "xgboost": {"max_depth": 4}},
    )
    assert list(section.tables[0].rows) == [
        ("random-forest", "0.25", "max_features 0.333, max_depth None"),
        ("xgboost", "0.75", "max_depth 4"),
    ]
    assert len(section.figures) == 3


def test_samples_are_counted_and_those_left_out_listed():
    profiles = pd.DataFrame(
        {
            "sample": ["A", "B", "C", "D"],
            "method": ["ring knife", "ring knife", "ring knife", "ground-penetrating radar"],
            "moisture": [0.1, 0.3, 0.9, 0.25],
            "reason": ["", "", "outside the grid", ""],
        }
    )
    left_out = pd.DataFrame({"sample": ["B"], "reason": ["no ndvi, lst"]})
    section = samples_section(profiles, left_out=left_out, n_pixels=2)
    counts, reasons = section.tables
    assert list(counts.rows) == [("ground-penetrating radar", "1", "0.250"), ("ring knife", "2", "0.200")]
    assert list(reasons.rows) == [("C", "ring knife", "outside the grid"), ("B", "", "no ndvi, lst")]
    assert "3 of 4 samples are accepted; they lie in 2 pixels" in section.paragraphs[0]
    everything = samples_section(profiles[profiles.reason == ""], left_out=left_out.iloc[:0], n_pixels=3)
    assert len(everything.tables) == 1


def test_the_page_has_no_nan(layers, skill, tmp_path):
    samples = pd.DataFrame({"x": [], "y": []})
    sections = [moisture_section(layers, samples=samples), skill_section(*skill)]
    write_report(tmp_path / "report.html", "Moisture", sections=sections, provenance={})
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert ">nan<" not in page.lower()
    assert "m³ m⁻³" in page
