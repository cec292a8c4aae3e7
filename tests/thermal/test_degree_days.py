import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from cryoscale.errors import InputError
from cryoscale.thermal.degree_days import degree_days, n_factors, whole_years
from cryoscale.thermal.series import SeriesFill, fill_in_time

TIME = pd.date_range("2003-01-01", "2006-12-31")


def series(values, time=TIME, **attrs):
    return xr.DataArray(np.array(values), {"time": time}, ("time", "y", "x")[: np.ndim(values)], "gst", attrs)


def cube(dtype="float64", missing=0.05):
    rng = np.random.default_rng(1)
    season = -3 - 13 * np.cos(2 * np.pi * np.arange(TIME.size) / 365.25)
    values = season[:, None, None] + rng.normal(0, 3, (TIME.size, 5, 7))
    values[rng.random(values.shape) < missing] = np.nan
    return series(values.astype(dtype), units="degC")


def with_pandas(values, time=TIME):
    """DDT by calendar year and DDF by winter, both with pandas' groupby."""
    daily = pd.Series(values, time)
    winter = time.year + (time.month >= 7)
    return daily.clip(lower=0).groupby(time.year).sum(), -daily.clip(upper=0).groupby(winter).sum()


@given(st.floats(-15, 10), st.floats(5, 25))
def test_a_sine_wave_has_the_integral_of_a_sine_wave(mean, amplitude):
    """Of a year's sine the part above zero is (a sin u - m u) / pi * P ..., with cos u = -m / a."""
    day = np.arange(TIME.size) + 0.5
    wave = mean - amplitude * np.cos(2 * np.pi * day / 365)
    result = degree_days(series(wave)).sel(year=2003)
    u = np.arccos(np.clip(mean / amplitude, -1, 1))  # half of the frozen part
    frozen = 365 / np.pi * (amplitude * np.sin(u) - mean * u)
    assert float(result.ddt) == pytest.approx(frozen + 365 * mean, abs=0.003 * 365)
    assert float(degree_days(series(wave)).ddf.sel(year=2005)) == pytest.approx(frozen, abs=2 * amplitude)


def test_sums_are_those_of_pandas():
    gappy = cube()
    result, filled = degree_days(gappy), fill_in_time(gappy)[0]
    for y, x in np.ndindex(5, 7):
        ddt, ddf = with_pandas(filled[:, y, x].values)
        np.testing.assert_allclose(result.ddt[:, y, x], ddt, rtol=1e-12)
        np.testing.assert_allclose(result.ddf[1:, y, x], ddf.loc[2004:2006], rtol=1e-12)
    counts = gappy.notnull().groupby("time.year").sum()
    np.testing.assert_array_equal(result.observed_thawing_year, counts)
    assert result.ddt.attrs["units"] == "degC d"
    assert result.observed_thawing_year.dtype == "int16"


def test_the_first_winter_is_not_whole():
    result = degree_days(series(np.full(TIME.size, -2.0)))
    np.testing.assert_array_equal(result.year, [2003, 2004, 2005, 2006])
    np.testing.assert_array_equal(result.ddf, [np.nan, 2 * 366, 2 * 365, 2 * 365])
    np.testing.assert_array_equal(result.freezing_days, [np.nan, 366, 365, 365])
    np.testing.assert_array_equal(result.observed_freezing_year, [181, 366, 365, 365])
    np.testing.assert_array_equal(result.thawing_days, [0, 0, 0, 0])


def test_a_leap_year_has_its_day():
    np.testing.assert_array_equal(degree_days(series(np.ones(TIME.size))).ddt, [365, 366, 365, 365])


def test_days_lie_in_the_right_year():
    """One cold day and one warm day on either side of each edge."""
    values = pd.Series(0.0, TIME)
    values["2004-06-30"], values["2004-07-01"] = -1.0, -10.0
    values["2004-12-31"], values["2005-01-01"] = 2.0, 20.0
    result = degree_days(series(values))
    np.testing.assert_array_equal(result.ddf, [np.nan, 1, 10, 0])
    np.testing.assert_array_equal(result.ddt, [0, 2, 20, 0])
    np.testing.assert_array_equal(result.thawing_days, [0, 1, 1, 0])


def test_years_may_begin_on_other_days():
    values = pd.Series(0.0, TIME)
    values["2004-07-31"], values["2004-08-01"] = -1.0, -10.0
    values["2004-03-31"], values["2004-04-01"] = 2.0, 20.0
    result = degree_days(series(values), freezing_year_start="08-01", thawing_year_start="04-01")
    np.testing.assert_array_equal(result.ddf, [np.nan, 1, 10, 0])
    np.testing.assert_array_equal(result.ddt, [np.nan, 2, 20, 0])
    calendar = degree_days(series(values), freezing_year_start="01-01")
    np.testing.assert_array_equal(calendar.ddf, [0, 11, 0, 0])


def test_a_year_with_too_few_days_is_refused():
    values = np.full(TIME.size, 3.0)
    values[10:46] = np.nan  # 36 days of 2003: 329 are left
    result = degree_days(series(values))
    np.testing.assert_array_equal(result.ddt, [np.nan, 3 * 366, 3 * 365, 3 * 365])
    assert int(result.observed_thawing_year[0]) == 329
    accepted = degree_days(series(values), min_days=329)
    assert float(accepted.ddt[0]) == pytest.approx(3 * 365)


def test_a_year_with_a_gap_that_nothing_fills_is_refused():
    values = np.full(TIME.size, 3.0)
    values[100:111] = np.nan
    assert np.isnan(degree_days(series(values), fill=SeriesFill(harmonics=0)).ddt[0])
    assert float(degree_days(series(values), fill=SeriesFill(linear_limit=11, harmonics=0)).ddt[0]) == 3 * 365
    single = np.full(TIME.size, 3.0)
    single[100] = np.nan
    np.testing.assert_array_equal(degree_days(series(single), fill=None).ddt.isnull(), [True, False, False, False])


def test_part_of_a_year_is_refused_though_it_has_enough_days():
    result = degree_days(series(np.ones(TIME.size)).isel(time=slice(5, -5)))
    np.testing.assert_array_equal(result.ddt.isnull(), [True, False, False, True])
    np.testing.assert_array_equal(result.observed_thawing_year, [360, 366, 365, 360])


def test_the_error_is_that_of_drawn_errors():
    """Autocorrelated errors drawn a thousand times; the days near 0 degC are few."""
    rng = np.random.default_rng(2)
    correlation, n_draws = 0.6, 1000
    season = -3 - 13 * np.cos(2 * np.pi * np.arange(TIME.size) / 365.25)
    noise = rng.normal(0, np.sqrt(1 - correlation**2), (TIME.size, n_draws))
    noise[0] = rng.normal(size=n_draws)
    for day in range(1, TIME.size):
        noise[day] += correlation * noise[day - 1]
    drawn = degree_days(series((season[:, None] + 1.5 * noise)[:, :, None]))
    error = series(np.full(TIME.size, 1.5), units="K")
    result = degree_days(series(season), error=error, error_correlation=correlation).sel(year=2005)
    for name in ("ddt", "ddf"):
        assert float(result[f"{name}_error"]) == pytest.approx(float(drawn[name].sel(year=2005).std()), rel=0.08)


def test_days_without_an_error_take_the_mean_of_the_others():
    values, errors = np.full(TIME.size, 2.0), np.full(TIME.size, 0.5)
    errors[:100] = np.nan
    result = degree_days(series(values), error=series(errors))
    assert float(result.ddt_error[0]) == pytest.approx(0.5 * np.sqrt(365))
    np.testing.assert_array_equal(result.ddf_error, [np.nan, 0, 0, 0])
    unknown = degree_days(series(values), error=series(errors * np.nan))
    assert unknown.ddt_error.isnull().all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lazy_equals_eager(dtype, assert_lazy):
    gappy = cube(dtype)
    error = (0.1 * abs(gappy)).assign_attrs(units="K")
    options = {"error_correlation": 0.3, "min_days": 300}
    with assert_lazy():
        lazy = degree_days(gappy.chunk(y=2, x=3), error=error.chunk(y=2, x=3), **options)
    xr.testing.assert_identical(lazy.compute(), degree_days(gappy, error=error, **options))
    assert lazy.ddt.dtype == dtype
    assert lazy.ddt.dims == ("year", "y", "x")


def test_float32_loses_little():
    double, single = degree_days(cube()), degree_days(cube("float32"))
    np.testing.assert_allclose(single.ddt, double.ddt, rtol=1e-6)


def test_whole_numbers_are_temperatures_too():
    np.testing.assert_array_equal(degree_days(series(np.full(TIME.size, 2))).ddt, [730, 732, 730, 730])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_days": 0}, "min_days: must lie between 1 and 365 d, not 0"),
        ({"min_days": 366}, "min_days: must lie between 1 and 365 d, not 366"),
        ({"error_correlation": 1.0}, "error_correlation: must be at least 0 and below 1, not 1.0"),
        ({"freezing_year_start": "02-29"}, "freezing_year_start: '02-29' is not a day that every year has"),
        ({"thawing_year_start": "July"}, "thawing_year_start: 'July' is not a day that every year has"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        degree_days(series(np.zeros(TIME.size)), **options)


def test_bad_input():
    kelvin = series(np.full(TIME.size, 270.0), units="K")
    with pytest.raises(InputError, match="gst: is in 'K', but ground_surface_temperature must be in 'degC'"):
        degree_days(kelvin)
    with pytest.raises(InputError, match="time: 2003-04-11 is missing"):
        degree_days(series(np.zeros(TIME.size)).drop_isel(time=100))
    with pytest.raises(InputError, match="gst, error: do not lie on one grid"):
        degree_days(cube(), error=cube().isel(x=slice(3)).rename("error").assign_attrs(units="K"))
    with pytest.raises(InputError, match="gst_error must be in 'K'"):
        degree_days(cube(), error=cube())


def indices(years, ddt, ddf):
    return xr.Dataset({"ddt": ("year", ddt), "ddf": ("year", ddf)}, {"year": years})


def test_n_factors():
    surface = indices([2003, 2004, 2005], [900.0, 1000.0, 30.0], [800.0, np.nan, 500.0])
    air = indices([2004, 2005, 2006], [500.0, 20.0, 600.0], [2000.0, 1000.0, 900.0])
    factors = n_factors(surface, air)
    np.testing.assert_array_equal(factors.year, [2004, 2005])
    np.testing.assert_array_equal(factors.n_factor_thawing, [2.0, np.nan])
    np.testing.assert_array_equal(factors.n_factor_freezing, [np.nan, 0.5])
    assert float(n_factors(surface, air, floor=20.0).n_factor_thawing[1]) == 1.5
    assert factors.n_factor_thawing.attrs["units"] == "1"


def test_n_factors_need_one_grid_and_a_floor():
    surface, air = degree_days(cube()), degree_days(cube().isel(x=slice(4)))
    with pytest.raises(InputError, match="ddt, ddt: do not lie on one grid"):
        n_factors(surface, air)
    with pytest.raises(InputError, match="floor: must be positive, not 0"):
        n_factors(surface, surface, floor=0)


def test_whole_years_are_those_with_a_number():
    days = pd.date_range("2004-08-15", "2007-12-31")
    result = degree_days(series(np.full((days.size, 1, 1), -1.0), time=days), min_days=300)
    both = result.ddt.notnull() & result.ddf.notnull()
    assert whole_years(days.values) == tuple(result.year.values[both.squeeze()]) == (2006, 2007)
    assert whole_years(days.values, freezing_year_start="09-01") == (2005, 2006, 2007)
