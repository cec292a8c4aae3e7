"""Errors of ground surface temperature: the numbers of the cross-validation, drawn as they are."""

import numpy as np
import pandas as pd
import pytest

from cryoscale.report import figure_png
from cryoscale.report.ground_temperature import gst_by_month, gst_by_station, gst_scatter, sub_model_table


def test_scatter_has_observed_along_x_and_scores_of_all_days():
    rng = np.random.default_rng(0)
    observed = rng.normal(2, 9, 3000)
    predicted = observed + rng.normal(1.0, 2.5, 3000)
    predicted[:40] = np.nan
    axes = gst_scatter(predicted, observed, title="Left out")
    error = (predicted - observed)[40:]
    r2 = 1 - (error**2).sum() / ((observed[40:] - observed[40:].mean()) ** 2).sum()
    assert axes.texts[0].get_text().splitlines() == [
        "n = 2,960 station-days",
        f"RMSE = {np.sqrt((error**2).mean()):.2f} K",
        f"R² = {r2:.3f}",
        f"bias = +{error.mean():.2f} K",
    ]
    cells = axes.collections[0]
    assert cells.get_array().sum() == pytest.approx(2960, abs=12)  # less the outermost thousandths
    x, y = (cells.get_offsets() * cells.get_array()[:, None]).sum(axis=0) / cells.get_array().sum()
    assert y - x == pytest.approx(error.mean(), abs=0.1)
    line = axes.lines[0].get_xydata()
    np.testing.assert_array_equal(line[:, 0], line[:, 1])


def test_scatter_of_nothing():
    axes = gst_scatter([np.nan], [1.0])
    assert axes.texts[0].get_text().startswith("n = 0")
    assert figure_png(axes)


@pytest.fixture
def stations():
    table = pd.DataFrame({"n": [300, 1200, 20], "bias": [0.5, -1.0, 0.1], "rmse": [2.0, 4.0, 3.0]})
    return table.set_axis(["low", "high", "few"])


def test_the_worst_station_is_on_top(stations):
    axes = gst_by_station(stations)
    assert [text.get_text() for text in axes.get_yticklabels()] == ["low  (300 d)", "few  (20 d)", "high  (1,200 d)"]
    assert [bar.get_width() for bar in axes.patches] == [2.0, 3.0, 4.0]
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[0.5, 0], [0.1, 1], [-1.0, 2]])


def test_months_keep_their_place_if_some_are_missing():
    axes = gst_by_month(pd.DataFrame({"bias": [1.0, -1.0], "rmse": [2.0, 3.0]}, index=[2, 11]))
    assert [bar.get_x() + bar.get_width() / 2 for bar in axes.patches] == pytest.approx([2, 11])
    assert [text.get_text() for text in axes.get_xticklabels()] == list("JFMAMJJASOND")


def test_table_sets_the_two_cross_validations_side_by_side():
    scores = {"n_samples": 1500, "alpha": 0.1, "rmse_random": 2.5, "rmse_by_station": 3.14}
    models = pd.DataFrame([scores | {"r2_random": 0.95, "r2_by_station": np.nan}], index=["terra_day+aqua_night"])
    table = sub_model_table(models)
    assert table.rows == [("Terra day, Aqua night", "1,500", "0.1", "2.50", "3.14", "0.950", "nan")]
    assert len(table.header) == len(table.rows[0])
