"""Calibration of Stefan's factor as figures and tables: its lines, its intervals, and the sites it comes from."""

import numpy as np
import pandas as pd
import pytest
from affine import Affine

from cryoscale.report import figure_png
from cryoscale.report.stefan import left_out_plot, stefan_plot, stefan_table
from cryoscale.report.stefan_sites import refused_sites_table, sites_map
from cryoscale.thermal.stefan_calibration import calibrate_stefan

NAMES = {1: "swamp_meadow", 2: "meadow", 3: "steppe"}


@pytest.fixture(scope="module")
def survey():
    rng = np.random.default_rng(4)
    classes = np.repeat([1, 2, 3], [9, 8, 3])
    ddt = rng.uniform(600, 1600, classes.size)
    thickness = np.array([0.035, 0.045, 0.06])[classes - 1] * np.sqrt(ddt) + rng.normal(0, 0.04, classes.size)
    return thickness, ddt, classes


@pytest.fixture(scope="module")
def calibration(survey):
    thickness, ddt, classes = survey
    return calibrate_stefan(thickness, ddt, classes=classes, n_bootstrap=200)


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def dots(axes):
    return [line for line in axes.lines if line.get_linestyle() == "None"]


def test_lines_pass_the_origin_with_the_slope_of_each_class(calibration):
    axes = stefan_plot(calibration, names=NAMES)
    assert legend(axes) == ["Swamp meadow (9)", "Meadow (8)", "Steppe (3, too few)", "E of all"]
    lines = [line.get_xydata() for line in axes.lines if line.get_linestyle() != "None"]
    slopes = [line[1, 1] / line[1, 0] for line in lines]
    everywhere = calibration.everywhere
    np.testing.assert_allclose(slopes, [*calibration.table.e_factor[[1, 2]], everywhere.e_factor])
    np.testing.assert_array_equal([line[0] for line in lines], 0.0)
    ends = [band.get_paths()[0].vertices for band in axes.collections]
    spans = [(each[:, 1] / np.where(each[:, 0] > 0, each[:, 0], np.nan)) for each in ends]
    expected = [*calibration.table[["lower", "upper"]].loc[[1, 2]].to_numpy(), (everywhere.lower, everywhere.upper)]
    np.testing.assert_allclose([(np.nanmin(span), np.nanmax(span)) for span in spans], expected)


def test_every_sample_is_drawn_and_pooled_classes_are_hollow(calibration, survey):
    thickness, ddt, classes = survey
    first, second, third = dots(stefan_plot(calibration))
    for drawn, code in zip((first, second, third), (1, 2, 3), strict=True):
        np.testing.assert_allclose(drawn.get_xdata(), np.sqrt(ddt[classes == code]))
        np.testing.assert_allclose(drawn.get_ydata(), thickness[classes == code])
    assert third.get_markerfacecolor() == "white"
    assert first.get_markerfacecolor() == first.get_color()


def test_without_classes_there_is_one_line(survey):
    calibration = calibrate_stefan(*survey[:2], n_bootstrap=200)
    assert legend(stefan_plot(calibration)) == ["All sites (20)", "E of all"]
    assert left_out_plot(calibration).get_legend() is None
    (row,) = stefan_table(calibration).rows
    assert row[:3] == ("All sites", "20", f"{calibration.everywhere.e_factor:.4f}")


def test_samples_left_out_have_the_scores_of_the_calibration(calibration):
    axes = left_out_plot(calibration, names=NAMES)
    text = axes.texts[0].get_text().replace("−", "-").splitlines()
    assert text[0] == "n = 20"
    assert text[1] == f"RMSE = {calibration.loo_rmse:.2f} m"
    assert float(text[2].split()[2]) == pytest.approx(calibration.loo_bias, abs=0.0051)
    x, y = (np.concatenate([line.get_data()[i] for line in dots(axes)]) for i in (0, 1))
    np.testing.assert_allclose(np.sqrt(((y - x) ** 2).mean()), calibration.loo_rmse)
    assert figure_png(axes)


def test_a_row_for_each_class_and_one_for_all(calibration):
    table = stefan_table(calibration, names=NAMES)
    own = calibration.table.loc[1]
    assert table.rows[0][:4] == (
        "Swamp meadow",
        "9",
        f"{own.e_factor:.4f}",
        f"{own.lower:.4f} to {own.upper:.4f}",
    )
    assert [row[0] for row in table.rows] == ["Swamp meadow", "Meadow", "Steppe", "All sites"]
    assert [row[-1] for row in table.rows] == ["no", "no", "yes", "–"]
    assert table.rows[2][2] == table.rows[3][2]
    assert stefan_table(calibration, names={1: "swamp"}).rows[1][0] == "Class 2"


@pytest.fixture
def sites():
    return pd.DataFrame(
        {
            "site": ["A", "B", "C"],
            "row": [2, 10, -1],
            "column": [5, 0, -1],
            "accepted": [True, False, False],
            "reason": ["", "slope_spread 4.1 above 3", "outside the grid"],
            "data_share": [1.0, 1.0, np.nan],
            "ndvi_spread": [0.01, 0.02, np.nan],
            "slope_spread": [0.5, 4.1, np.nan],
            "class_share": [1.0, 0.9, np.nan],
        }
    )


@pytest.mark.parametrize("step", [-30, 30])
def test_sites_are_at_the_centres_of_their_pixels(make_map, sites, step):
    height = make_map(np.zeros((20, 30)), name="elevation", crs="EPSG:32647", affine=Affine(30, 0, 5e5, 0, step, 4e6))
    axes = sites_map(sites, height)
    accepted, refused, _ = axes.lines
    np.testing.assert_allclose(accepted.get_xydata(), [(height.x[5], height.y[2])])
    np.testing.assert_allclose(refused.get_xydata(), [(height.x[0], height.y[10])])
    (shown,) = axes.get_figure().legends
    assert [text.get_text() for text in shown.get_texts()] == ["accepted (1)", "refused (1)", "outside the map (1)"]


def test_classes_behind_the_sites_keep_their_legend(make_map, sites):
    cover = make_map(np.ones((20, 30), "uint8"), name="land_cover")
    axes = sites_map(sites[sites.row >= 0], cover.assign_attrs(flag_values=[1], flag_meanings="meadow"))
    assert legend(axes) == ["Meadow"]
    assert len(axes.get_figure().legends[0].get_texts()) == 2


def test_refused_sites_are_listed_with_the_reason(sites):
    table = refused_sites_table(sites)
    assert table.title == "Sites refused: 2 of 3"
    assert table.rows[0] == ("B", "1.000", "0.020", "4.100", "0.900", "slope_spread 4.1 above 3")
    assert table.rows[1] == ("C", "–", "–", "–", "–", "outside the grid")
    assert [row[0] for row in refused_sites_table(sites.drop(columns="site")).rows] == ["1", "2"]
