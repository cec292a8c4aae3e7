"""Attribution and the joint view: what they draw is what was found."""

import numpy as np
import pandas as pd
import pytest

from cryoscale.hydrology import AnnualNoise, SeriesCorrelation, attribute
from cryoscale.report import figure_png
from cryoscale.report.attribution import (
    attribution_plot,
    climate_correlation_plot,
    coefficient_table,
    comparison_table,
    effect_table,
    joint_plot,
    period_table,
)


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(3)
    years = pd.RangeIndex(1971, 2021, name="year")
    climate = pd.DataFrame(rng.normal(size=(50, 2)), years, ["air_temperature", "snow_depth"])
    yearly = 20 + 2 * climate.air_temperature + 6 * (years >= 2001) + rng.normal(size=50)
    smooth = yearly.rolling(5, center=True).mean()
    return attribute(smooth, climate, disturbance=2001, noise=AnnualNoise.AUTOREGRESSIVE)


@pytest.fixture
def periods():
    return pd.DataFrame(
        {
            "quantity": ["vertical_rate", "vertical_rate", "vertical_thaw_season"],
            "first": [1997, 2007, 2010],
            "last": [2002, 2010, 2010],
            "mean": [0.0, -7.0, -46.0],
            "spread": [4.0, 3.0, 10.0],
            "recession": [22.5, 26.0, np.nan],
            "n_windows": [6, 4, 0],
        }
    )


def test_prediction_with_its_interval(found):
    axes = attribution_plot(found, disturbance=2001, label="Ks (d)")
    predicted, line, whole, hollow = axes.lines
    np.testing.assert_array_equal(predicted.get_ydata(), found.predicted.predicted)
    np.testing.assert_array_equal(line.get_ydata(), found.predicted.observed)
    assert hollow.get_xdata().tolist() == [1999, 2000, 2001, 2002]
    assert hollow.get_markerfacecolor() == "white"
    assert len(whole.get_xdata()) + 4 == len(found.predicted)
    band = axes.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(found.predicted.upper.max())
    assert band[:, 1].min() == pytest.approx(found.predicted.lower.min())
    assert axes.patches[0].get_x() == 2000.5
    assert figure_png(axes)[1:4] == b"PNG"


def test_bars_are_hollow_where_it_may_be_chance():
    correlations = {
        "air_temperature": SeriesCorrelation(0.8, 0.01, 26, 8.0),
        "snow_depth": SeriesCorrelation(-0.3, 0.4, 26, 8.0),
        "net_radiation": SeriesCorrelation(np.nan, np.nan, 2, np.nan),
    }
    axes = climate_correlation_plot(correlations)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Net radiation", "Snow depth", "Air temperature"]
    widths = [bar.get_width() for bar in axes.patches]
    np.testing.assert_array_equal(widths, [np.nan, -0.3, 0.8])
    filled = [bar.get_facecolor()[:3] != (1.0, 1.0, 1.0) for bar in axes.patches]
    assert filled == [False, False, True]
    assert [text.get_text() for text in axes.texts] == ["none", "−0.30, p = 0.400", "+0.80, p = 0.010"]


def test_the_ground_below_the_river(found, periods):
    series = found.predicted.observed
    axes = joint_plot(series, periods, label="Ks (d)", attribution=found, disturbance=2001)
    upper, rate, season = axes.figure.axes
    assert upper.get_xlim() == rate.get_xlim() == season.get_xlim()
    assert rate.lines[1].get_xydata().tolist() == [[1996.6, 0.0], [2002.4, 0.0]]
    assert rate.lines[2].get_ydata().tolist() == [-7.0, -7.0]
    assert season.lines[1].get_xydata().tolist() == [[2010, -46]]
    assert (rate.get_ylabel(), season.get_ylabel()) == ("Vertical rate (mm a⁻¹)", "Thaw season (mm)")
    assert season.get_xlabel() == "Year"


def test_without_attribution_the_series_stands_alone(found, periods):
    series = found.predicted.observed
    axes = joint_plot(series, periods[periods["quantity"] == "vertical_rate"], label="Ks (d)")
    assert len(axes.figure.axes) == 2
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), series)


def test_effect_in_numbers(found):
    rows = dict(effect_table(found, label="Ks (d)").rows)
    assert rows["quantity"] == "Ks (d)"
    assert rows["effect (observed minus predicted)"] == f"+{found.effect.mean:.2f}"
    assert rows["its interval"] == f"+{found.effect.lower:.2f} to +{found.effect.upper:.2f}"
    assert rows["windows fitted to"] == str(found.n_years) == "26"
    assert rows["correlation of the noise from year to year"] == f"{found.noise_correlation:.2f}"


def test_coefficients_and_other_series(found):
    table = coefficient_table(found)
    assert [row[0] for row in table.rows] == ["Intercept", "Air temperature", "Snow depth"]
    assert table.rows[1][1] == f"{found.coefficients.estimate.air_temperature:.3g}"
    assert table.rows[0][4] == "–"
    none = comparison_table({"Thaw depth": SeriesCorrelation(np.nan, np.nan, 1, np.nan)})
    assert none.rows == [("Thaw depth", "no correlation (1 common years)")]


def test_periods_in_numbers(periods):
    rows = period_table(periods, label="Ks (d)").rows
    assert rows[1] == ("Vertical rate (mm a⁻¹)", "2007-2010", "−7.0 ± 3.0", "26", "4")
    assert rows[2] == ("Thaw season (mm)", "2010", "−46.0 ± 10.0", "–", "0")
