"""Sections of a permafrost report, from what the domain modules give, put together as a page."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from cryoscale.report import write_report
from cryoscale.report.calibration import calibration_table, rk_plot, rk_table
from cryoscale.report.confusion import Agreement
from cryoscale.report.permafrost import (
    calibration_section,
    change_section,
    gap_filling_section,
    ground_section,
    ground_temperature_section,
    temperature_section,
    validation_section,
)
from cryoscale.report.permafrost_change import area_table, permafrost_area_plot
from cryoscale.stats.confusion import confusion
from cryoscale.thermal.permafrost import class_areas, classify_permafrost, permafrost_change
from cryoscale.thermal.rk_calibration import cross_validate_rk

SHAPE = (30, 40)
RK = {1: 0.7, 2: 0.9}


@pytest.fixture(scope="module")
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def ttop(make_map):
    slope = np.linspace(-4, 4, SHAPE[0] * SHAPE[1]).reshape(SHAPE).astype("float32")
    return make_map(slope, name="mean_ttop")


@pytest.fixture
def yearly(ttop):
    warming = xr.DataArray([0.0, 0.3, 0.6, 0.9], {"year": [2005, 2006, 2007, 2008]}, "year")
    return classify_permafrost((ttop + warming).transpose("year", "y", "x").rename("ttop"))


@pytest.fixture
def pixel_area(ttop):
    return xr.full_like(ttop.y, 2e6).assign_attrs(units="m2")


def test_area_of_permafrost_is_drawn_for_each_year(yearly, pixel_area):
    areas = class_areas(yearly, pixel_area)
    axes = permafrost_area_plot(areas, title="Area")
    drawn = axes.lines[0].get_xydata()
    expected = 2.0 * (yearly == 1).sum(("y", "x"))
    np.testing.assert_allclose(drawn, np.column_stack([yearly.year, expected]))
    share = axes.child_axes[0]
    axes.get_figure().canvas.draw()
    low, high = axes.get_ylim()
    np.testing.assert_allclose(share.get_ylim(), (100 * low / 2400, 100 * high / 2400))


def test_no_share_is_drawn_if_the_ground_with_a_class_changes():
    areas = pd.DataFrame(
        {"year": [2005, 2006], "class": "permafrost", "area_km2": [100.0, 90.0], "percent": [50.0, 30.0]}
    )
    assert permafrost_area_plot(areas).child_axes == []


def test_area_table_by_class_and_by_year(yearly, pixel_area):
    areas = class_areas(yearly, pixel_area)
    rows = area_table(areas, title="Areas").rows
    n = int((yearly.sel(year=2005) == 1).sum())
    assert rows[0] == ("2005", "Permafrost", f"{2 * n:,}", f"{100 * n / 1200:.2f}")
    assert len(rows) == len(areas)
    single = class_areas(yearly.sel(year=2005), pixel_area)
    assert area_table(single, title="Areas").header[0] == "Class"


@pytest.fixture
def calibrated(rng):
    classes = np.repeat([1, 2], 600)
    ddt, ddf = rng.uniform(500, 2000, (2, 1200))
    survey = np.where(np.where(classes == 1, RK[1], RK[2]) * ddt <= ddf, 1, 2)
    blocks = np.arange(1200) // 40
    return {
        "rk by class": cross_validate_rk(ddt, ddf, survey, classes, blocks=blocks),
        "single rk": cross_validate_rk(ddt, ddf, survey, blocks=blocks),
    }


@pytest.fixture
def rk_classes(calibrated):
    result = calibrated["rk by class"]
    table = result.calibration.classes
    return table.assign(name=["silt", "gravel"], rk_table=[0.8, np.nan], rk_error=result.rk_error)


def test_calibration_in_numbers(calibrated, rk_classes):
    by_class = calibrated["rk by class"]
    rows = rk_table(rk_classes).rows
    assert rows[0][:4] == ("1", "silt", "600", "0.800")
    assert float(rows[0][4]) == pytest.approx(RK[1], abs=0.01)
    assert rows[1][3] == "–"
    assert rows[1][-1] == "no"
    kappas = calibration_table(calibrated).rows
    assert kappas[0][:3] == (
        "rk by class",
        f"{by_class.calibration.confusion.kappa:.3f}",
        f"{by_class.confusion.kappa:.3f}",
    )
    assert float(kappas[1][2]) < float(kappas[0][2])


def test_calibration_drawn(rk_classes):
    axes = rk_plot(rk_classes)
    assert [text.get_text() for text in axes.get_yticklabels()] == ["silt  (600 px)", "gravel  (600 px)"]
    filled, hollow = axes.lines
    np.testing.assert_allclose(filled.get_xdata().astype(float), rk_classes["rk"])
    np.testing.assert_array_equal(hollow.get_xdata(), rk_classes["rk_table"])
    spans = [segment[:, 0] for segment in axes.collections[0].get_segments()]
    np.testing.assert_allclose(np.ptp(spans, axis=1), 2 * rk_classes["rk_error"])


@pytest.fixture
def sections(ttop, yearly, pixel_area, calibrated, rk_classes, make_map, rng):
    ground = classify_permafrost(ttop)
    change = permafrost_change(yearly.sel(year=2005), yearly.sel(year=2008))
    images = (("overpass", "time"), np.full((4, 9), 600))
    models = xr.Dataset(
        {"n_valid_pixels": images, "variogram_source": (images[0], np.ones((4, 9), "uint8"))},
        {
            "overpass": ["terra_day", "aqua_day", "terra_night", "aqua_night"],
            "time": pd.date_range("2005-01-01", periods=9),
        },
    ).assign(lapse_rate=(images[0], rng.normal(-0.006, 0.001, (4, 9))))
    lst = make_map(ttop.values, name="lst")
    source = make_map(np.where(ttop > 0, 1, 2).astype("uint8"), name="lst_source")
    variance = make_map(np.abs(ttop.values), name="kriging_variance")
    observed = rng.normal(0, 8, 500)
    scores = pd.DataFrame({"n": [250, 250], "bias": [0.2, -0.3], "rmse": [2.1, 2.9]}, index=[1, 7])
    sub_models = pd.DataFrame(
        [
            {
                "n_samples": 500,
                "alpha": 1.0,
                "rmse_random": 2,
                "rmse_by_station": 3,
                "r2_random": 0.9,
                "r2_by_station": 0.8,
            }
        ],
        index=["terra_day"],
    )
    boreholes = pd.DataFrame(
        {"borehole": ["A", "B"], "mean_ttop": [-1.0, 1.0], "magt": [-0.8, 0.2], "state": ["stable permafrost", None]}
    )
    survey = classify_permafrost(ttop + 0.2)
    return [
        ground_section(ground, areas=class_areas(ground, pixel_area)),
        gap_filling_section(
            models,
            pixels=1200,
            observed=lst.where(ttop > 0),
            filled=xr.Dataset({"lst": lst, "kriging_variance": variance, "lst_source": source}),
        ),
        ground_temperature_section(observed + 0.5, observed, by_station=scores, by_month=scores, sub_models=sub_models),
        temperature_section(
            xr.Dataset({"mean_ttop": ttop, "rk": make_map(np.full(SHAPE, 0.8), name="rk")}).chunk(y=10)
        ),
        calibration_section(rk_classes, results=calibrated),
        validation_section(
            [Agreement("Ours", "Survey", confusion(ground, survey))],
            boreholes=boreholes,
            maps={"Ours": ground, "Survey": survey},
        ),
        change_section(class_areas(yearly, pixel_area), change=change, areas=class_areas(change, pixel_area)),
    ]


def test_the_sections_make_a_page(sections, tmp_path):
    titles = [section.title for section in sections]
    assert titles == [
        "Permafrost",
        "Gap filling",
        "Ground surface temperature",
        "Degree-days and TTOP",
        "Calibration of rk",
        "Validation",
        "Change",
    ]
    assert [len(section.figures) for section in sections] == [1, 4, 3, 1, 1, 4, 2]
    assert [len(section.tables) for section in sections] == [1, 0, 1, 0, 2, 2, 2]
    assert all(figure.caption.endswith(".") for section in sections for figure in section.figures)
    page = write_report(tmp_path / "report.html", "Permafrost", sections=sections).read_text()
    assert page.count("data:image/png;base64,") == 16


def test_what_is_not_there_is_left_out(yearly, pixel_area):
    areas = class_areas(yearly, pixel_area)
    assert len(change_section(areas).figures) == 1
    empty = validation_section([])
    assert (empty.figures, empty.tables) == ([], [])
