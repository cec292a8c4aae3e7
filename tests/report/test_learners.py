"""Scores, eliminations and SHAP values as figures: every number is where it was given."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from cryoscale.report import figure_png
from cryoscale.report.learners import (
    elimination_plot,
    prediction_plot,
    shap_dependence_plot,
    shap_summary_plot,
    skill_plot,
)

RNG = np.random.default_rng(0)


def panels(axes):
    return [panel for panel in axes.get_figure().axes if panel.get_label() != "<colorbar>" and panel.get_visible()]


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def ticks(axes):
    return [text.get_text() for text in axes.get_yticklabels()]


@pytest.fixture
def summaries():
    models = ["xgboost", "linear", "corrected"]
    random, blocked = ([0.04, 0.06, 0.03], [0.05, 0.08, 0.045])
    return {
        name: pd.DataFrame({"rmse": rmse}, index=models) for name, rmse in (("random", random), ("blocked", blocked))
    }


@pytest.fixture
def held_out():
    predicted = RNG.uniform(0.1, 0.4, 80)
    table = pd.DataFrame({"corrected": predicted, "observed": 0.05 + 0.8 * predicted})
    return table.assign(lower=predicted - 0.06, upper=predicted + 0.08)


@pytest.fixture
def explained():
    features = pd.DataFrame(RNG.normal(size=(60, 4)), columns=["sand", "ndvi", "lst", "slope"])
    return features * [0.001, 0.05, 0.02, 0.01], features


def test_every_model_has_its_error_of_both_ways(summaries):
    axes = skill_plot(summaries, unit="m3 m-3", title="Error")
    assert ticks(axes) == ["xgboost", "linear", "corrected"]
    assert legend(axes) == ["random folds", "blocked folds"]
    for line, table in zip(axes.lines, summaries.values(), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), table.rmse)
        np.testing.assert_array_equal(line.get_ydata(), [0, 1, 2])
    first, second = axes.lines
    assert first.get_marker() != second.get_marker()
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first model is on top
    assert axes.get_xlabel() == "RMSE (m³ m⁻³)"
    assert figure_png(axes)


def test_intervals_are_drawn_from_bound_to_bound_and_the_slope_is_that_of_the_points(held_out):
    axes = prediction_plot({"random": held_out, "blocked": held_out}, label="moisture", unit="m3 m-3")
    first, second = panels(axes)
    (bars,) = first.collections
    segments = np.array(bars.get_segments())
    np.testing.assert_allclose(segments[:, :, 0], held_out[["lower", "upper"]])
    np.testing.assert_allclose(segments[:, :, 1], held_out[["observed", "observed"]])
    points = first.lines[0].get_xydata()
    np.testing.assert_array_equal(points, held_out[["corrected", "observed"]])
    assert first.get_title(loc="left") == "Random folds, slope 0.80"
    assert second.get_title(loc="left") == "Blocked folds, slope 0.80"
    assert first.get_xlim() == first.get_ylim() == second.get_xlim()
    assert first.get_xlim()[0] <= held_out.lower.min()
    assert first.get_xlim()[1] >= held_out.upper.max()
    assert first.get_ylabel() == "Measured moisture (m³ m⁻³)"
    assert figure_png(axes)


def test_an_interval_beside_its_prediction_and_predictions_that_are_all_alike(held_out):
    """Where nothing can be learned all predictions are the mean: no slope, and still a figure."""
    alike = held_out.assign(corrected=0.25, lower=0.26, upper=0.4)
    axes = prediction_plot({"random": alike}, label="moisture", unit="m3 m-3")
    assert axes.get_title(loc="left") == "Random folds"
    assert len(axes.lines) == 2
    assert figure_png(axes)


def test_the_kept_step_is_marked_on_the_way_of_elimination():
    path = pd.DataFrame({"n_features": [9, 6, 4, 3], "rmse": [0.05, 0.04, 0.042, 0.06], "rmse_error": 0.003})
    axes = elimination_plot(path, chosen=4, unit="m3 m-3", title="Elimination")
    line, kept = axes.lines
    np.testing.assert_array_equal(line.get_xydata(), path[["n_features", "rmse"]])
    np.testing.assert_array_equal(kept.get_xydata(), [[4, 0.042]])
    (band,) = axes.patches
    assert band.get_y() == pytest.approx(0.04)
    assert band.get_height() == pytest.approx(0.003)
    assert legend(axes) == ["one standard error", "4 kept"]
    assert axes.get_ylabel() == "RMSE (m³ m⁻³)"


def test_shap_values_are_points_by_importance_in_the_colours_of_the_covariate(explained):
    values, features = explained
    axes = shap_summary_plot(values, features, unit="m3 m-3", title="SHAP values")
    names = ["ndvi", "lst", "slope", "sand"]
    assert ticks(axes) == names
    for place, (name, swarm) in enumerate(zip(names, axes.collections, strict=True)):
        x, y = swarm.get_offsets().T
        np.testing.assert_allclose(x, values[name])
        assert (abs(y - place) < 0.4).all()
        lightest = int(features[name].argmax())
        assert to_hex(swarm.get_facecolors()[lightest]) == to_hex(
            axes.collections[0].get_facecolors()[int(features["ndvi"].argmax())]
        )
    bar = next(panel for panel in axes.get_figure().axes if panel.get_label() == "<colorbar>")
    assert bar.get_ylabel() == "Percentile of the covariate"
    assert figure_png(axes)


def test_points_of_one_place_lie_apart(explained):
    values, features = explained
    axes = shap_summary_plot(values * 0 + 0.1, features, unit="m3 m-3")
    _, y = axes.collections[0].get_offsets().T
    assert len(np.unique(y)) == len(values)
    assert abs(y).max() <= 0.4


@pytest.mark.parametrize(("most", "shown"), [(6, 4), (2, 2), (1, 1)])
def test_dependence_is_drawn_of_the_most_important_with_their_units(explained, most, shown):
    values, features = explained
    units = {"lst": "degC", "ndvi": "1"}
    axes = shap_dependence_plot(values, features, units=units, unit="m3 m-3", most=most)
    drawn = panels(axes)
    assert len(drawn) == shown
    names, labels = ["ndvi", "lst", "slope", "sand"], ["ndvi", "lst (°C)", "slope", "sand"]
    assert [panel.get_xlabel() for panel in drawn] == labels[:shown]
    for panel, name in zip(drawn, names, strict=False):
        np.testing.assert_array_equal(panel.lines[1].get_xdata(), features[name])
        np.testing.assert_array_equal(panel.lines[1].get_ydata(), values[name])
    assert drawn[0].get_ylabel() == "SHAP value (m³ m⁻³)"
    assert figure_png(axes)
