"""Downscaling as figures: one scale for an image before and after, ratios to bilinear, every image a dot."""

import numpy as np
import pandas as pd
import pytest
from affine import Affine

from cryoscale.report import figure_png
from cryoscale.report.downscaling import (
    DownscaledImage,
    downscaled_image_figure,
    importance_plot,
    score_plot,
    score_table,
    weight_plot,
)
from cryoscale.thermal.downscaling import Downscaler
from cryoscale.thermal.footprint import aggregate

FINE, COARSE = Affine(120, 0, 5e5, 0, -120, 4.2e6), Affine(600, 0, 5e5, 0, -600, 4.2e6)


def panels(axes):
    return [panel for panel in axes.get_figure().axes if panel.get_label() != "<colorbar>"]


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


@pytest.fixture
def make_image(make_map):
    def make(off=0.0, name="lst"):
        values = np.random.default_rng(2).normal(10, 3, (40, 60)).astype("float32")
        fine = make_map(values, name=name, crs="EPSG:32647", affine=FINE)
        coarse = aggregate(fine, 5)
        return DownscaledImage(coarse, fine - 1, fine, aggregate(fine, 5) + off - coarse)

    return make


@pytest.fixture
def scores():
    columns = ["rmse", "rmse_unweighted", "weight", "earned_error"]
    day = {"bilinear": [2.0] + [np.nan] * 3, "conserving": [1.9, np.nan, 0, np.nan], "terrain": [1.5, 1.6, 0.7, 0.1]}
    night = {"bilinear": [1.0] + [np.nan] * 3, "terrain": [0.9, 1.2, 0.2, 0.05], "all": [0.8, 0.9, 0.5, 0.1]}
    tables = {"terra_day": day, "terra_night": night}
    return {name: pd.DataFrame.from_dict(rows, orient="index", columns=columns) for name, rows in tables.items()}


def test_before_and_after_have_the_same_colours(make_image):
    image = make_image()
    first, second, third, fourth = panels(downscaled_image_figure(image))[:4]
    assert first.images[0].get_clim() == second.images[0].get_clim() == third.images[0].get_clim()
    np.testing.assert_array_equal(first.images[0].get_array(), image.coarse.values)
    np.testing.assert_array_equal(second.images[0].get_array(), image.bilinear.values)
    np.testing.assert_array_equal(third.images[0].get_array(), image.downscaled.values)
    assert first.images[0].get_extent() == third.images[0].get_extent()
    assert fourth.images[0].colorbar.ax.get_ylabel() == "K"


def test_rounding_looks_like_nothing_and_a_real_residual_does_not(make_image):
    *_, residual = panels(downscaled_image_figure(make_image(off=1e-6)))
    assert residual.get_title(loc="left") == "Averaged back − observed (below 0.001 K)"
    least = 0.01 * np.ptp(np.percentile(make_image().coarse, (2, 98)))
    low, high = residual.images[0].get_clim()
    assert least <= high == -low < 1.1 * least
    *_, residual = panels(downscaled_image_figure(make_image(off=-0.5)))
    assert residual.get_title(loc="left") == "Averaged back − observed (at most 0.5 K)"
    assert residual.images[0].get_clim() == (-0.5, 0.5)


def test_an_index_without_unit_and_lazy_arrays_are_drawn(make_image):
    image = make_image(name="ndvi")
    lazy = DownscaledImage(*(getattr(image, name).chunk(y=4) for name in image.__dataclass_fields__))
    drawn = panels(downscaled_image_figure(lazy))[3]
    assert drawn.get_title(loc="left") == "Averaged back − observed (below 0.001)"


def test_errors_are_drawn_as_shares_of_that_of_bilinear(scores):
    axes = score_plot(scores)
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "Bilinear, keeps means",
        "Covariates: terrain",
        "Covariates: all",
    ]
    assert legend(axes) == ["bilinear", "Terra day", "Terra night", "at full weight"]
    _, day_full, day, night_full, night, _ = axes.lines
    np.testing.assert_allclose(day.get_xdata(), [0.95, 0.75])
    np.testing.assert_allclose(night.get_xdata(), [0.9, 0.8])
    np.testing.assert_allclose(night.get_ydata().round(), [1, 2])
    np.testing.assert_allclose(day_full.get_xdata(), [np.nan, 0.8])
    assert night_full.get_markerfacecolor() == "white"


def test_score_table_has_what_is_known(scores):
    table = score_table(scores, units="K")
    assert table.header == (
        "Model",
        "Method",
        "RMSE (K)",
        "RMSE at full weight (K)",
        "Weight, all images",
        "Its standard error",
        "RMSE / bilinear",
    )
    assert table.rows[0] == ("Terra day", "Bilinear", "2.000", "–", "–", "–", "1.000")
    assert table.rows[-1] == ("Terra night", "Covariates: all", "0.800", "0.900", "0.500", "0.100", "0.800")
    few = score_table({"ndvi": scores["terra_day"][["rmse"]].assign(bias=-0.01)}, units="1")
    assert few.header == ("Model", "Method", "RMSE", "Bias", "RMSE / bilinear")
    assert few.rows[0] == ("Ndvi", "Bilinear", "2.000", "−0.010", "1.000")


def test_every_image_is_a_dot_and_a_month_without_images_breaks_the_line():
    time = pd.to_datetime(["2020-01-03", "2020-01-20", "2020-03-05", "2020-01-07"])
    weights = pd.DataFrame({"time": time, "weight": [0.2, 0.6, 0.0, 0.5], "model": ["day"] * 3 + ["night"]})
    axes = weight_plot(weights, title="Weights")
    assert legend(axes) == ["Day: median 0.20, none in 33 %", "Night: median 0.50, none in 0 %"]
    dots, line = axes.lines[:2]
    np.testing.assert_array_equal(dots.get_ydata(), [0.2, 0.6, 0.0])
    np.testing.assert_allclose(line.get_ydata(), [0.4, np.nan, 0.0])
    assert legend(weight_plot(weights.drop(columns="model"))) == ["Images: median 0.35, none in 25 %"]
    assert figure_png(axes)


def test_bars_of_importance_are_means_of_models_and_sorted():
    day = pd.DataFrame({"mean": [0.1, 0.6], "std": [0.02, 0.1]}, index=["slope", "ndvi"])
    night = pd.DataFrame({"mean": [0.3, 0.4], "std": [0.05, 0.1]}, index=["slope", "ndvi"])
    axes = importance_plot({"day": day, "night": night}, units="K")
    assert [text.get_text() for text in axes.get_yticklabels()] == ["Slope", "NDVI"]
    np.testing.assert_allclose([bar.get_width() for bar in axes.patches], [0.2, 0.5])
    spans = [np.ptp(segment[:, 0]) for part in axes.collections for segment in part.get_segments()]
    np.testing.assert_allclose(spans, [0.04, 0.2, 0.1, 0.2])
    assert axes.get_xlabel() == "Growth of the RMSE when the covariate is shuffled (K)"
    assert importance_plot({"day": day}).get_legend() is None


def test_what_a_downscaler_says_of_itself_is_drawn(make_map):
    height = make_map(np.random.default_rng(0).normal(size=(120, 120)), name="elevation", crs="EPSG:32647", affine=FINE)
    coarse = aggregate((10.0 - 3.0 * height).rename("lst"), 5)
    model = Downscaler(factor=5).fit(coarse, height.to_dataset())
    assert len(score_table({"july": model.scores_}, units="K").rows) == len(model.scores_)
    (bar,) = importance_plot({"july": model.importance_}).patches
    assert bar.get_width() == pytest.approx(model.importance_.loc["elevation", "mean"])
    dots = score_plot({"july": model.scores_}).lines[2].get_xdata()
    np.testing.assert_allclose(dots, (model.scores_["rmse"] / model.scores_["rmse"]["bilinear"]).drop("bilinear"))
