"""Gap filling as figures: one scale for what is the same quantity, every image counted once."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from cryoscale.report import figure_png
from cryoscale.report.gap_filling import filled_image_figure, lapse_rate_plot, valid_share_plot, variogram_plot
from cryoscale.report.permafrost_maps import quantity_maps
from cryoscale.stats.variogram import Variogram
from cryoscale.stats.variogram_fit import EmpiricalVariogram

OVERPASSES = ["terra_day", "aqua_day", "terra_night", "aqua_night"]


@pytest.fixture
def models():
    rng = np.random.default_rng(0)
    time = pd.date_range("2019-12-01", periods=60)
    source = rng.integers(0, 3, (4, 60)).astype("uint8")
    images = ("overpass", "time")
    return xr.Dataset(
        {
            "n_valid_pixels": (images, rng.integers(0, 501, (4, 60))),
            "variogram_source": (images, source),
            "lapse_rate": (images, np.where(source == 0, np.nan, rng.normal(-0.006, 0.001, (4, 60)))),
        },
        {"overpass": OVERPASSES, "time": time},
    )


def panels(axes):
    return [panel for panel in axes.get_figure().axes if panel.get_label() != "<colorbar>"]


def test_before_and_after_have_one_scale_and_the_deviation_its_own(make_map):
    after = make_map(np.linspace(-20, 30, 600).reshape(20, 30), name="lst")
    before = after.where(after > 10)
    variance = make_map(np.full((20, 30), 4.0), name="kriging_variance")
    first, second, third = panels(filled_image_figure(before, after, variance))[:3]
    assert first.images[0].get_clim() == second.images[0].get_clim()
    assert first.images[0].get_clim()[0] <= -19
    np.testing.assert_array_equal(third.images[0].get_array(), 2.0)
    assert third.images[0].colorbar.ax.get_ylabel() == "K"
    assert first.images[0].colorbar.ax.get_ylabel() == "°C"


def test_every_image_is_a_dot_of_its_overpass_and_source(models):
    figure = valid_share_plot(models, pixels=500)
    for panel, name in zip(panels(figure), OVERPASSES, strict=True):
        one = models.sel(overpass=name)
        dots = [line for line in panel.lines if line.get_marker() == "."]
        assert [len(line.get_xdata()) for line in dots] == [
            int((one.variogram_source == code).sum()) for code in (0, 1, 2)
        ]
        drawn = np.sort(np.concatenate([line.get_ydata() for line in dots]))
        np.testing.assert_allclose(drawn, np.sort(100 * one.n_valid_pixels.values / 500))
    texts = [text.get_text() for text in figure.get_legend().get_texts()]
    counts = [int((models.variogram_source == code).sum()) for code in (0, 1, 2)]
    assert [text.split("(")[1] for text in texts] == [f"{count})" for count in counts]
    assert sum(counts) == models.lapse_rate.size
    assert figure_png(figure)


def test_lapse_rates_are_in_kelvin_per_kilometre_and_fits_that_failed_do_not_count(models):
    axes = lapse_rate_plot(models.lapse_rate)
    medians = 1000 * models.lapse_rate.median("time").values
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts[0] == f"Terra day: median −{-medians[0]:.1f}"
    assert axes.get_xlabel() == "Change of temperature with elevation (K km⁻¹)"
    heights = axes.patches[0].get_data().values
    assert 98 < heights.sum() <= 100.001


def test_an_overpass_without_fits_has_no_curve(models):
    nothing = models.lapse_rate.where(models.overpass != "aqua_day")
    axes = lapse_rate_plot(nothing)
    assert len(axes.patches) == 3
    assert figure_png(lapse_rate_plot(models.lapse_rate * np.nan))


def test_variogram_shows_model_sill_and_range():
    variogram = Variogram("spherical", nugget=1.0, partial_sill=3.0, range=40_000.0)
    distance = np.arange(5_000.0, 80_001, 5_000)
    empirical = EmpiricalVariogram(distance, variogram.semivariance(distance), np.full(distance.size, 10))
    axes = variogram_plot(empirical, variogram)
    x, y = axes.lines[0].get_data()
    np.testing.assert_allclose(y, variogram.semivariance(1000 * x))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "image",
        "model",
        "sill 4.00 K²",
        "range 40 km",
    ]


def test_temperature_at_the_top_diverges_from_zero_and_cold_is_blue(make_map):
    ttop = make_map(np.linspace(-3, 6, 400).reshape(20, 20), name="mean_ttop")
    chance = make_map(np.full((20, 20), 0.4), name="mean_permafrost_probability")
    first, second = panels(quantity_maps({"TTOP": ttop, "Probability": chance}))[:2]
    low, high = first.images[0].get_clim()
    assert low == -high
    red, _, blue, _ = first.images[0].cmap(first.images[0].norm(-3.0))
    assert blue > 2 * red
    assert second.images[0].get_clim() == (0.0, 1.0)
