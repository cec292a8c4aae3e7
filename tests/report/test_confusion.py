"""Agreement of maps: counts, shares and kappas as they are, ours and its rivals, boreholes one by one."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from cryoscale.report import figure_png
from cryoscale.report.boreholes import borehole_plot, borehole_table
from cryoscale.report.canvas import ACCENT
from cryoscale.report.confusion import Agreement, agreement_table, confusion_figure, kappa_plot
from cryoscale.report.palette import CLASS_COLOURS
from cryoscale.stats.confusion import confusion

NAMES = {1: "permafrost", 2: "seasonally_frozen_ground"}


def compared(matrix):
    """Confusion of maps with these counts of predicted (rows) and observed class."""
    cells = np.repeat(np.arange(4), np.ravel(matrix))
    return confusion(1 + cells // 2, 1 + cells % 2, classes=NAMES)


@pytest.fixture
def agreements():
    return [
        Agreement("Ours", "Survey A", compared([[80, 10], [5, 105]]), interval=(0.7, 0.95)),
        Agreement("Ours", "Survey B", compared([[60, 20], [20, 100]])),
        Agreement("Rival", "Survey A", compared([[50, 40], [40, 70]])),
    ]


def test_cells_have_counts_and_shares_of_the_reference(agreements):
    first = confusion_figure(agreements)
    texts = [text.get_text() for text in first.texts]
    assert texts == ["80\n94.1 %", "10\n8.7 %", "5\n5.9 %", "105\n91.3 %"]
    np.testing.assert_allclose(first.images[0].get_array().sum(axis=0), 100)
    assert first.get_xlabel() == "Reference\nn = 200, OA = 0.93\nκ = 0.85 (0.70 to 0.95)"
    assert first.get_title(loc="left") == "Ours\nagainst Survey A"
    assert [text.get_text() for text in first.get_xticklabels()] == ["Permafrost", "Seasonally\nfrozen ground"]


def test_a_class_that_is_never_observed_is_drawn():
    axes = confusion_figure([Agreement("Ours", "Survey", compared([[5, 0], [3, 0]]))])
    assert axes.texts[1].get_text() == "0\n0.0 %"
    assert figure_png(axes)


def test_classes_in_neither_map_are_left_out():
    classes = {1: "permafrost", 2: "seasonally_frozen_ground", 3: "glacier", 4: "lake"}
    three = confusion(np.array([1, 2, 2, 4]), np.array([1, 2, 4, 4]), classes=classes)
    axes = confusion_figure([Agreement("Ours", "Survey", three)])
    assert [text.get_text() for text in axes.get_yticklabels()] == ["Permafrost", "Seasonally\nfrozen ground", "Lake"]
    assert [text.get_text().split()[0] for text in axes.texts] == list("100011001")


def test_kappas_are_grouped_by_reference_and_ours_is_filled(agreements):
    axes = kappa_plot(agreements, title="Kappa")
    assert [text.get_text() for text in axes.get_yticklabels()] == ["Ours", "Rival", "Ours"]
    assert [text.get_text() for text in axes.texts if text.get_style() == "italic"] == [
        "against Survey A",
        "against Survey B",
    ]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    kappas = [agreements[i].confusion.kappa for i in (0, 2, 1)]
    np.testing.assert_allclose([dot.get_xdata()[0] for dot in dots], kappas)
    assert [to_hex(dot.get_markerfacecolor()) for dot in dots] == [ACCENT, "#ffffff", ACCENT]
    spans = [tuple(line.get_xdata()) for line in axes.lines if line.get_linewidth() == 1.6]
    assert spans == [(0.7, 0.95), agreements[2].confusion.kappa_interval, agreements[1].confusion.kappa_interval]


def test_a_kappa_below_zero_is_inside_the_axis():
    worse = Agreement("Ours", "Survey", compared([[10, 50], [50, 10]]))
    low, high = kappa_plot([worse]).get_xlim()
    assert low < worse.confusion.kappa_interval[0]
    assert high == 1


def test_the_table_has_one_row_for_each_comparison(agreements):
    table = agreement_table(agreements)
    assert table.rows[0] == ("Ours", "Survey A", "200", "0.925", "0.85", "0.70 to 0.95")
    low, high = agreements[1].confusion.kappa_interval
    assert table.rows[1][5] == f"{low:.2f} to {high:.2f}"
    assert len(table.rows) == 3


@pytest.fixture
def boreholes():
    return pd.DataFrame(
        {
            "borehole": ["A", "B", "C", "D", "E"],
            "ttop": [-2.0, 0.5, np.nan, -0.5, 0.4],
            "mean_ttop": [-1.5, 0.7, -0.2, 0.3, np.nan],
            "state": ["stable permafrost", "seasonally frozen ground", "unstable permafrost", None, None],
        }
    )


def test_boreholes_are_drawn_by_state_and_wrong_signs_are_shaded(boreholes):
    axes = borehole_plot(boreholes)
    groups = {line.get_label(): line for line in axes.lines if line.get_linestyle() == "None"}
    assert set(groups) == {"stable permafrost (1)", "seasonally frozen ground (1)", "state unknown (1)"}
    assert groups["stable permafrost (1)"].get_xydata().tolist() == [[-2.0, -1.5]]
    assert to_hex(groups["stable permafrost (1)"].get_color()) == CLASS_COLOURS["stable_permafrost"]
    wrong = [polygon.get_paths()[0] for polygon in axes.collections]
    x, y = groups["state unknown (1)"].get_xydata()[0]
    assert any(path.contains_point((x, y)) for path in wrong)
    assert not any(path.contains_point(point) for path in wrong for point in [(-2.0, -1.5), (0.5, 0.7)])
    assert axes.get_xlim() == axes.get_ylim()
    assert "(°C)" in axes.get_xlabel()


def test_boreholes_with_mean_temperature_only(boreholes):
    axes = borehole_plot(boreholes.rename(columns={"ttop": "magt"}).drop(columns="state"), observed="magt")
    assert axes.get_xlabel() == "Measured mean annual ground temperature (°C)"
    assert [line.get_label() for line in axes.lines][1:] == ["state unknown (3)"]


def test_the_state_decides_before_the_temperature(boreholes):
    rows = borehole_table(boreholes).rows
    assert rows[0] == ("A", "stable permafrost", "−2.00", "−1.50", "right")
    assert rows[2] == ("C", "unstable permafrost", "–", "−0.20", "right")
    assert [row[-1] for row in rows] == ["right", "right", "right", "wrong", "–"]
