"""Distributions and agreement: what is counted is what is given."""

import numpy as np
import pytest
import xarray as xr

from cryoscale.report import figure_png, histogram, scatter_against_truth
from cryoscale.report.plots import BINS


def values_of(values, **attrs):
    return xr.DataArray(np.asarray(values, float), attrs={"long_name": "rate", "units": "mm a-1", **attrs})


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_histogram_counts_every_value_within_the_axis():
    values = np.random.default_rng(0).normal(-4, 2, 5000)
    values[:100] = np.nan
    axes = histogram(values_of(values))
    bars = axes.patches[:BINS]
    assert sum(bar.get_height() for bar in bars) == pytest.approx(99.8, abs=0.05)
    width = bars[0].get_width()
    middle = sum(bar.get_height() * (bar.get_x() + width / 2) for bar in bars) / 99.8
    assert middle == pytest.approx(np.nanmean(values), abs=0.02)
    fifth, median, ninety_fifth = np.nanpercentile(values, (5, 50, 95))
    assert legend(axes) == [
        f"median −{-median:.1f} mm a⁻¹",
        f"5 to 95 %: −{-fifth:.1f} to −{-ninety_fifth:.1f} mm a⁻¹",
        "4,900 pixels, 10 beyond the axis",
    ]
    assert axes.get_xlabel() == "Rate (mm a⁻¹)"


def test_histogram_gives_as_many_digits_as_the_values_need():
    small = histogram(values_of(np.linspace(0.0, 0.02, 101)))
    assert legend(small)[:2] == ["median 0.0100 mm a⁻¹", "5 to 95 %: 0.0010 to 0.0190 mm a⁻¹"]
    counts = histogram(xr.DataArray(np.arange(401), dims="x"))
    assert legend(counts)[:2] == ["median 200", "5 to 95 %: 20 to 380"]


@pytest.mark.parametrize("values", [[np.nan, np.nan], [3.0, 3.0]])
def test_histogram_of_nothing_or_of_one_value(values):
    assert figure_png(histogram(values_of(values)))


@pytest.fixture
def pair():
    rng = np.random.default_rng(1)
    truth = rng.uniform(-15, 0, 4000)
    estimate = truth + rng.normal(0.5, 1.0, 4000)
    estimate[:50] = np.nan
    return values_of(estimate), values_of(truth)


def test_scatter_draws_every_pair_of_values_and_the_line_of_equality(pair):
    axes = scatter_against_truth(*pair)
    cells = axes.collections[0]
    assert cells.get_array().sum() == pytest.approx(3950, abs=8)  # less the outermost thousandths
    x, y = axes.lines[0].get_data()
    np.testing.assert_array_equal(x, y)
    assert axes.get_xlim() == axes.get_ylim()


def test_scatter_says_how_well_they_agree(pair):
    estimate, truth = (array.values[50:] for array in pair)
    n, bias, rmse, r = scatter_against_truth(*pair).texts[0].get_text().splitlines()
    assert n == "n = 3,950"
    assert bias == f"bias = +{np.mean(estimate - truth):.2f} mm a⁻¹"
    assert rmse == f"RMSE = {np.sqrt(np.mean((estimate - truth) ** 2)):.2f} mm a⁻¹"
    assert r == f"R = {np.corrcoef(estimate, truth)[0, 1]:.3f}"


def test_scatter_labels_have_units(pair):
    axes = scatter_against_truth(*pair, title="Rate")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("True value (mm a⁻¹)", "Estimate (mm a⁻¹)")
    assert axes.get_title(loc="left") == "Rate"


def test_large_maps_are_scored_whole_and_drawn_thinned(make_map):
    truth = make_map(np.random.default_rng(0).uniform(-10, 0, (2600, 40)), chunks={"y": 500})
    axes = scatter_against_truth(truth + 1, truth)
    assert axes.texts[0].get_text().startswith("n = 104,000\nbias = +1.00")
    assert axes.collections[0].get_array().sum() < 104_000 / 8


def test_scatter_of_nothing():
    nothing = values_of([np.nan, np.nan])
    axes = scatter_against_truth(nothing, nothing)
    assert "n = 0" in axes.texts[0].get_text()
    assert figure_png(axes)
