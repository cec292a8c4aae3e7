"""Filled days as figures: shares of days, and every day of a series by its source."""

import numpy as np
import pytest
import xarray as xr

from cryoscale.report import figure_png
from cryoscale.report.daily import daily_series_plot, filled_share_map, filled_share_plot
from cryoscale.thermal.series import fill_in_time


@pytest.fixture
def share(make_map):
    ground = make_map(np.zeros((20, 30)), name="lst")
    year = xr.DataArray([2001, 2002, 2003], dims="year")
    values = np.random.default_rng(0).uniform(0.1, 0.5, (3, 20, 30))
    values[1] = np.nan
    values[:, 0, 0] = np.nan
    coords = {"year": year.values, **ground.coords}
    return xr.DataArray(values, coords, ("year", "y", "x"), "filled_share", {"units": "1"})


def test_a_box_for_each_year_with_data(share):
    axes = filled_share_plot(share.chunk(y=5))
    medians = [line.get_ydata()[0] for line in axes.lines if line.get_linewidth() == 1.4]
    expected = [100 * np.nanmedian(share.sel(year=year)) for year in (2001, 2003)]
    np.testing.assert_allclose(medians, expected)
    low, high = axes.get_xlim()
    assert low < 2001
    assert high > 2003
    assert axes.get_ylim()[0] == 0


def test_no_year_with_data_gives_an_empty_plot(share):
    axes = filled_share_plot(share * np.nan)
    assert not axes.lines
    assert figure_png(axes)


def test_the_map_is_the_mean_of_the_years_with_data(share):
    axes = filled_share_map(share)
    drawn = np.ma.filled(axes.images[0].get_array(), np.nan)
    np.testing.assert_allclose(drawn, 100 * share.sel(year=[2001, 2003]).mean("year", skipna=False))
    assert axes.images[0].colorbar.ax.get_ylabel() == "Days that are filled (%)"


def test_every_day_is_drawn_by_its_source_and_runs_of_filled_days_are_shaded():
    time = np.arange("2010-01-01", "2012-01-01", dtype="datetime64[D]").astype("datetime64[ns]")
    values = 10 * np.sin(2 * np.pi * np.arange(time.size) / 365.25)
    values[[40, 41, 100]] = np.nan  # short gaps
    values[200:240] = np.nan
    series = xr.DataArray(values, {"time": time}, "time", "ground_surface_temperature", {"units": "degC"})
    filled, source = fill_in_time(series, linear_limit=5)
    axes = daily_series_plot(filled, source)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "observed (687 d)",
        "linear between neighbours (3 d)",
        "harmonic, seasonal course (40 d)",
    ]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    np.testing.assert_array_equal(dots[2].get_xdata(), time[200:240])
    np.testing.assert_array_equal(dots[2].get_ydata(), filled.values[200:240])
    assert [patch.get_width() for patch in axes.patches] == [2.0, 1.0, 40.0]
    assert axes.get_ylabel() == "Daily mean temperature (°C)"
