"""Figures and tables of a river's recession: what they draw is what was found."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from cryoscale.hydrology import SeriesCorrelation
from cryoscale.report import figure_png
from cryoscale.report.recession import (
    change_table,
    comparison_plot,
    constants_plot,
    recession_plane,
    record_table,
    window_table,
)

YEARS = np.arange(2001, 2013)


@pytest.fixture
def windows():
    ks = np.where(YEARS == 2005, np.nan, 20.0 + 0.5 * (YEARS - 2001))
    names = ("recession_constant", "recession_time")
    data = {name: ("year", ks / (1 + i)) for i, name in enumerate(names)}
    data |= {f"{name}_lower": ("year", ks / (1 + i) - 1) for i, name in enumerate(names)}
    upper = np.where(YEARS == 2010, 500.0, ks + 1)
    data |= {f"{name}_upper": ("year", upper / (1 + i)) for i, name in enumerate(names)}
    lacking = np.isnan(ks)
    data |= {
        "recession_exponent": ("year", np.where(lacking, np.nan, 1.2)),
        "n_events": ("year", np.where(lacking, 2, 9)),
        "n_recession_pairs": ("year", np.where(lacking, 20, 90)),
        "recession_status": ("year", np.where(lacking, 3, 1)),
        "reason": ("year", np.where(lacking, "2 events, 3 are needed", "").astype(object)),
    }
    return xr.Dataset(data, {"year": YEARS})


@pytest.fixture
def changes():
    row = {
        "slope": 0.5,
        "lower": 0.4,
        "upper": 0.6,
        "p_value": 0.02,
        "p_value_independent": 0.0001,
        "n": 11,
        "change_year": 2007,
        "change_p_value": 0.2,
        "median_before": 21.0,
        "median_after": 24.0,
    }
    none = dict.fromkeys(row, np.nan) | {"n": 3}
    return pd.DataFrame({"recession_constant": row, "recession_time": none}).T.rename_axis("quantity")


@pytest.fixture
def pairs():
    flow = np.geomspace(1, 100, 30)
    return pd.DataFrame({"discharge": flow, "rate": 0.05 * flow**1.2, "year": np.repeat([2001, 2005, 2009], 10)})


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_pairs_lie_on_their_line(pairs):
    pooled = pd.Series({"recession_coefficient": 0.05, "recession_exponent": 1.2, "recession_time": 10.0})
    axes = recession_plane(pairs, pooled)
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    np.testing.assert_allclose(axes.collections[0].get_offsets(), pairs[["discharge", "rate"]])
    np.testing.assert_array_equal(axes.collections[0].get_array(), pairs.year)
    flow, rate = axes.lines[0].get_data()
    np.testing.assert_allclose(rate, 0.05 * flow**1.2)
    assert legend(axes) == ["all events: b = 1.20, Ks = 20, τ = 10 d"]
    assert figure_png(axes)[1:4] == b"PNG"


def test_without_an_estimate_there_is_no_line(pairs):
    pooled = pd.Series({"recession_coefficient": np.nan, "recession_exponent": np.nan, "recession_time": np.nan})
    assert not recession_plane(pairs, pooled).lines
    assert figure_png(recession_plane(pairs.iloc[:0], pooled))[1:4] == b"PNG"


def test_constants_with_trend_and_change(windows, changes):
    axes = constants_plot(windows, changes=changes, exponent=1.0, disturbance=2006)
    assert axes.get_ylabel() == "Ks (d)"
    assert legend(axes) == ["disturbance", "interval", "estimate", "Sen's slope +0.500 a⁻¹, p = 0.020",
                            "change 2007, p = 0.200"]  # fmt: skip
    estimate, line, change = axes.lines
    np.testing.assert_array_equal(estimate.get_ydata(), windows.recession_constant)
    np.testing.assert_allclose(line.get_ydata(), 20 + 0.5 * (line.get_xdata() - 2001))
    assert change.get_xdata()[0] == 2006.5
    assert axes.patches[0].get_x() == 2005.5
    lower = axes.figure.axes[1]
    assert legend(lower) == ["disturbance", "interval", "estimate"]  # neither trend nor change is known
    assert lower.get_ylabel() == "τ (d)"


def test_a_wide_interval_does_not_flatten_the_others(windows, changes):
    top = constants_plot(windows, changes=changes).get_ylim()[1]
    assert top == pytest.approx(1.5 * float(windows.recession_constant.max()))


def test_two_series_side_by_side():
    one = pd.Series(np.arange(5.0), range(2001, 2006))
    other = pd.Series([1.0, 2.0, np.nan], range(2003, 2006))
    axes = comparison_plot(one, other, found=SeriesCorrelation(0.5, 0.2, 2, 2.0), labels=("τ (d)", "Thaw (m)"))
    right = axes.figure.axes[1]
    np.testing.assert_array_equal(right.lines[0].get_xydata(), [[1, 2], [2, 3]])
    assert (right.get_xlabel(), right.get_ylabel()) == ("Thaw (m)", "τ (d)")
    assert right.get_title(loc="left").startswith("ρ = +0.50, p = 0.200 (2 years")


def test_windows_say_why_they_have_none(windows):
    table = window_table(windows, exponent=None)
    assert table.header[4] == "Ks (d (m³ s⁻¹)^(b − 1))"
    assert table.rows[0] == ("2001", "9", "90", "1.2", "20 (19 to 21)", "10 (9 to 10.5)", "–")
    assert table.rows[4] == ("2005", "2", "20", "–", "–", "–", "2 events, 3 are needed")


def test_changes_in_numbers(changes):
    table = change_table(pd.concat({"A": changes}, names=["gauge"]), exponent=1.2)
    assert table.rows[0] == ("A", "Ks (d (m³ s⁻¹)^0.2)", "11", "+0.500 (+0.400 to +0.600)", "0.02", "0.0001", "2007",
                             "0.2", "21", "24")  # fmt: skip
    assert table.rows[1] == ("A", "τ (d)", "3", *7 * ("–",))


def test_what_the_record_lacks():
    names = ("n_days", "absent_days", "missing_days", "longest_gap", "repeated_days", "conflicting_days")
    counts = dict.fromkeys((*names, "negative_days", "zero_days"), 0) | {"n_days": 13790}
    day = pd.Timestamp("1983-01-01")
    report = pd.DataFrame([{"gauge": "A", "first": day, "last": day, **counts, "unit_jump": "2001: x35"}])
    (row,) = record_table(report.set_index("gauge")).rows
    assert row == ("A", "1983-01-01", "1983-01-01", "13,790", *7 * ("0",), "2001: x35")
