"""The active layer as figures, and its sections put together as a page."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from affine import Affine

from cryoscale.grids import geobox_of, pixel_areas
from cryoscale.report import figure_png, write_report
from cryoscale.report.active_layer import (
    active_layer_section,
    active_layer_validation_section,
    daily_section,
    downscaling_section,
    stefan_section,
)
from cryoscale.report.active_layer_change import (
    regional_thickness_plot,
    thickness_area_plot,
    thickness_area_table,
    thickness_areas,
    trend_map,
)
from cryoscale.report.checks import Check, check_plot, check_table
from cryoscale.report.downscaling import DownscaledImage
from cryoscale.stats import mann_kendall, scores, theil_sen
from cryoscale.thermal.stefan_calibration import calibrate_stefan
from cryoscale.variables import attributes

SHAPE, YEARS = (40, 60), np.arange(2010, 2020)
RATE = 0.012  # m a-1


@pytest.fixture
def layer(make_map):
    """Deepens in the west, stays as it is in the east; the north has none, and the last year nothing at all."""
    grid = make_map(np.zeros(SHAPE), name="elevation", crs="EPSG:32647", affine=Affine(30, 0, 5e5, 0, -30, 4.2e6))
    noise = np.random.default_rng(1).normal(0, 0.02, (YEARS.size, 1, 1))
    growth = np.where(np.arange(SHAPE[1]) < 30, RATE, 0.0) * (YEARS - 2010)[:, None, None]
    depth = 1.0 + np.linspace(0, 1, SHAPE[0])[:, None] + growth + noise
    depth[:, :5] = depth[-1] = np.nan
    coords = {"year": YEARS, **grid.coords}
    values = {"active_layer_thickness": depth, "active_layer_thickness_error": 0.1 + 0 * depth}
    return xr.Dataset({name: (("year", "y", "x"), array, attributes(name)) for name, array in values.items()}, coords)


def trend_of(series):
    return xr.merge([theil_sen(series, dim="year"), mann_kendall(series, dim="year")])


@pytest.fixture
def trend(layer):
    return trend_of(layer.active_layer_thickness)


@pytest.fixture
def regional(layer):
    depth = layer.active_layer_thickness[:-1]
    low, high = (depth.quantile(share, ("y", "x")) for share in (0.1, 0.9))
    return pd.DataFrame({"mean": depth.mean(("y", "x")), "lower": low, "upper": high}, index=depth.year)


def test_trends_are_in_cm_per_decade_and_dotted_where_they_may_be_chance(trend):
    axes = trend_map(trend.chunk(y=10))
    drawn = np.ma.filled(axes.images[0].get_array(), np.nan)
    np.testing.assert_allclose(drawn, 1000 * trend.trend)
    red, _, blue, _ = axes.images[0].cmap(axes.images[0].norm(50.0))
    assert red > blue  # deeper is red
    low, high = axes.images[0].get_clim()
    assert low == -high
    assert axes.images[0].colorbar.ax.get_ylabel() == "Trend of the thickness (cm per decade)"
    chance = (trend.trend_p_value >= 0.05).values  # of every pixel: the map is smaller than the lattice
    dots = axes.lines[-1].get_xydata()
    assert 0 < len(dots) == chance.sum() < chance.size
    rows, columns = np.nonzero(chance)
    np.testing.assert_allclose(dots, np.column_stack([trend.x.values[columns], trend.y.values[rows]]))


def test_a_trend_without_p_value_is_dotted_and_no_data_is_not(trend):
    constant = trend.assign(trend_p_value=trend.trend_p_value * np.nan)
    dots = trend_map(constant).lines[-1].get_xydata()
    assert len(dots) == int(trend.trend.notnull().sum()) == 35 * 60


def test_a_large_map_has_dots_on_a_lattice(make_map):
    rate = make_map(np.ones((300, 500)), name="trend")
    dots = trend_map(xr.Dataset({"trend": rate, "trend_p_value": 0 * rate + 0.5})).lines[-1].get_xydata()
    assert len(dots) == len(range(4, 300, 8)) * len(range(4, 500, 8))


def test_the_series_of_the_area_has_its_trend(regional):
    facts = trend_of(xr.DataArray(regional["mean"], {"year": regional.index}, "year", attrs={"units": "m"}))
    axes = regional_thickness_plot(regional, trend=facts, title="Mean")
    mean, line = axes.lines
    np.testing.assert_allclose(mean.get_xydata(), np.column_stack([regional.index, regional["mean"]]))
    _, y = line.get_data()
    np.testing.assert_allclose(np.diff(y), float(facts.trend))
    assert np.median(y) == pytest.approx(np.median(regional["mean"]))
    text = axes.get_legend().get_texts()[2].get_text()
    assert text.startswith(f"Theil-Sen: +{1000 * float(facts.trend):.1f} cm per decade (95 %: ")
    band = axes.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(regional["lower"].min())
    assert band[:, 1].max() == pytest.approx(regional["upper"].max())
    assert figure_png(axes)


def test_too_few_years_have_no_line(regional):
    series = regional[:3]
    facts = trend_of(xr.DataArray(series["mean"], {"year": series.index}, "year"))
    axes = regional_thickness_plot(series, trend=facts)
    assert len(axes.lines) == 1
    assert len(axes.get_legend().get_texts()) == 2


def test_areas_are_of_the_first_and_last_year_with_data_and_add_up(layer):
    depth = layer.active_layer_thickness
    areas = thickness_areas(depth.chunk(year=1, y=10))
    assert areas["year"].unique().tolist() == [2010, 2018]
    pixels = pixel_areas(geobox_of(depth)).compute() / 1e6
    for year, group in areas.groupby("year"):
        one = depth.sel(year=year)
        assert group["area_km2"].sum() == pytest.approx(float(pixels.where(one.notnull()).sum()))
        assert group["percent"].sum() == pytest.approx(100)
        row = group.iloc[3]
        inside = (one >= row.lower) & (one < row.upper)
        assert row.area_km2 == pytest.approx(float(pixels.where(inside).sum()))
        np.testing.assert_array_equal(group["lower"].iloc[1:], group["upper"].iloc[:-1])
    axes = thickness_area_plot(areas)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["2010", "2018"]
    for drawn, (_, group) in zip(axes.patches, areas.groupby("year"), strict=True):
        np.testing.assert_allclose(drawn.get_data().values, group["area_km2"])
    table = thickness_area_table(areas)
    assert table.header == ("Thickness (m)", "2010 (km²)", "2018 (km²)", "2010 (%)", "2018 (%)")
    assert table.rows[3][0] == f"{areas['lower'][3]:g} to {areas['upper'][3]:g}"
    assert table.rows[3][2] == f"{areas[areas.year == 2018]['area_km2'].iloc[3]:,.1f}"


def test_no_thickness_at_all_has_no_areas(layer):
    assert thickness_areas(layer.active_layer_thickness * np.nan).empty


@pytest.mark.parametrize("sites", [30, 3000])
def test_checks_have_the_scores_of_all_values(sites):
    rng = np.random.default_rng(0)
    truth = xr.DataArray(rng.uniform(1, 2, sites), dims="site", attrs={"units": "m"})
    estimate = (truth - 0.25 + rng.normal(0, 0.3, sites)).where(truth > 1.1)
    check = Check("Thickness", "sites", estimate, truth)
    result = scores(estimate, truth)
    (row,) = check_table([check]).rows
    assert row[:3] == ("Thickness", "sites", f"{int(result.n):,}")
    assert row[3] == f"{float(result.rmse):.3f} m"
    assert row[4] == f"−{-float(result.bias):.3f} m"
    axes = check_plot(check)
    assert f"RMSE = {float(result.rmse):.2f} m" in axes.texts[0].get_text()
    if sites == 30:
        drawn = axes.lines[1].get_xydata()
        seen = estimate.notnull().values
        np.testing.assert_allclose(drawn, np.column_stack([truth.values[seen], estimate.values[seen]]))


def test_errors_of_temperatures_are_in_kelvin():
    truth = xr.DataArray([1.0, 2.0, 4.0], dims="day", attrs={"units": "degC"})
    (row,) = check_table([Check("LST", "truth", truth + 1.0, truth)]).rows
    assert row[3:5] == ("1.000 K", "+1.000 K")


@pytest.fixture
def sections(layer, trend, regional, make_map):
    elevation = layer.active_layer_thickness[0].rename("elevation").assign_attrs(units="m")
    fine, coarse = (
        make_map(np.arange(24.0 * 24 / step**2).reshape(24 // step, -1), name="lst", crs="EPSG:32647", affine=affine)
        for step, affine in ((1, Affine(30, 0, 5e5, 0, -30, 4e6)), (6, Affine(180, 0, 5e5, 0, -180, 4e6)))
    )
    table = pd.DataFrame({"rmse": [2.0, 1.5], "weight": [np.nan, 0.5]}, index=["bilinear", "all"])
    importance = pd.DataFrame({"mean": [0.5], "std": [0.1]}, index=["ndvi"])
    weights = pd.DataFrame({"time": pd.date_range("2010", periods=9), "weight": np.linspace(0, 1, 9)})
    share = xr.full_like(layer.active_layer_thickness, 0.4).rename("filled_share")
    time = pd.date_range("2010", periods=99)
    day = xr.DataArray(np.arange(99.0), {"time": time}, "time", attrs={"units": "degC"})
    sites = pd.DataFrame({"row": [7, 9], "column": [8, 3], "accepted": [True, False], "reason": ["", "no data"]})
    sites = sites.assign(data_share=1.0, ndvi_spread=0.1, slope_spread=1.0, class_share=1.0)
    e = calibrate_stefan([1.0, 1.1, 1.2, 1.1, np.nan, 1.3], np.full(6, 900.0), n_bootstrap=100)
    facts = trend_of(xr.DataArray(regional["mean"], {"year": regional.index}, "year"))
    depth = layer.active_layer_thickness
    return [
        active_layer_section(layer.chunk(year=2), trend=trend, regional=regional, regional_trend=facts),
        downscaling_section(
            "land surface temperature",
            image=DownscaledImage(coarse, fine, fine, 0 * coarse),
            scores={"all images": table},
            importances={"all images": importance},
            weights=weights,
        ),
        daily_section(share, series=day, source=xr.ones_like(day).astype("uint8")),
        stefan_section(e, sites=sites, background=elevation),
        active_layer_validation_section([Check("Thickness", "itself", depth, depth)]),
    ]


def test_the_sections_make_a_page(sections, tmp_path):
    assert [section.title for section in sections] == [
        "Active layer",
        "Downscaling of land surface temperature",
        "Daily temperature",
        "Calibration of Stefan's factor",
        "Validation",
    ]
    assert [len(section.figures) for section in sections] == [4, 4, 3, 3, 1]
    assert [len(section.tables) for section in sections] == [1, 1, 0, 2, 1]
    assert "5 samples are used, 1 lack data." in sections[3].text
    assert all(figure.caption.endswith(".") for section in sections for figure in section.figures)
    page = write_report(tmp_path / "report.html", "Active layer", sections=sections).read_text()
    assert page.count("data:image/png;base64,") == 15


def test_what_is_not_there_is_left_out(layer, trend, regional):
    assert len(daily_section(xr.full_like(layer.active_layer_thickness, 0.4)).figures) == 2
    e = calibrate_stefan(np.full(5, 1.2), np.full(5, 900.0), n_bootstrap=100)
    section = stefan_section(e)
    assert (len(section.figures), len(section.tables)) == (2, 1)
    empty = active_layer_validation_section([])
    assert (empty.figures, empty.tables) == ([], [])
    facts = xr.Dataset(dict.fromkeys(("trend", "trend_start", "trend_lower", "trend_upper", "trend_p_value"), np.nan))
    nothing = active_layer_section(layer * np.nan, trend=trend * np.nan, regional=regional[:3], regional_trend=facts)
    assert (len(nothing.figures), len(nothing.tables)) == (3, 0)
