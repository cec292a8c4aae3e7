from warnings import catch_warnings

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from cryoscale.errors import InputError
from cryoscale.insar.season import season_between, thaw_season

TIME = np.arange("2016-01-10", "2020-12-20", 12, dtype="datetime64[D]").astype("datetime64[ns]")
DAYS = (TIME - TIME[0]) / np.timedelta64(1, "D")


def make_series(values, time=TIME):
    coords = {"time": time, "y": 38.0 - 0.1 * np.arange(values.shape[1]), "x": 99.0 + 0.1 * np.arange(values.shape[2])}
    return xr.DataArray(values, dims=("time", "y", "x"), coords=coords, name="displacement")


def no_rate(series, rate=0.0):
    return xr.zeros_like(series.isel(time=0, drop=True)) + rate


def noisy(shape=(4, 5), *, seed=0, missing=0.2):
    rng = np.random.default_rng(seed)
    values = rng.normal(scale=3.0, size=(TIME.size, *shape)) - 8.0 * DAYS[:, None, None] / 365.25
    values += 20 * np.cos(2 * np.pi * (DAYS - 80) / 365.25)[:, None, None]
    values[rng.random(values.shape) < missing] = np.nan
    return values


def slow_changes(values, *, start, end, max_gap, years=range(2016, 2021)):
    """Detrend by polyfit, interpolate by numpy, refuse gaps."""
    changes = np.full((len(years), *values.shape[1:]), np.nan)
    for row, column in np.ndindex(values.shape[1:]):
        there = np.isfinite(values[:, row, column])
        if there.sum() < 2:
            continue
        days, series = DAYS[there], values[there, row, column]
        series = series - np.polyval(np.polyfit(days, series, 1), days)
        for k, year in enumerate(years):
            at = [(np.datetime64(f"{year}-{date}") - TIME[0]) / np.timedelta64(1, "D") for date in (start, end)]
            gaps = [days[days >= day].min(initial=1e9) - days[days <= day].max(initial=-1e9) for day in at]
            if max(gaps) <= max_gap:
                changes[k, row, column] = np.diff(np.interp(at, days, series))[0]
    return changes


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([0.0, 0.3, 0.8]), st.sampled_from([20.0, 60.0, 400.0]))
def test_changes_are_those_of_the_detrended_and_interpolated_series(seed, missing, max_gap):
    values = noisy(seed=seed, missing=missing)
    values[:, 0, 0] = np.nan
    season = thaw_season(make_series(values), max_gap=max_gap)
    truth = slow_changes(values, start="05-01", end="10-01", max_gap=max_gap)
    np.testing.assert_allclose(season.thaw_season_deformation, truth, atol=1e-9)
    np.testing.assert_array_equal(season.n_seasons, np.isfinite(truth).sum(axis=0))
    with catch_warnings(action="ignore", category=RuntimeWarning):
        np.testing.assert_allclose(season.mean_thaw_season_deformation, np.nanmean(truth, axis=0), atol=1e-9)
        np.testing.assert_allclose(season.thaw_season_spread, np.nanstd(truth, axis=0, ddof=1), atol=1e-9)


def test_sinking_ground_is_negative_and_a_given_rate_is_taken_off():
    years = DAYS[:, None, None] / 365.25
    season = -30.0 * np.clip((DAYS % 365.25 - 100) / 180, 0, 1)[:, None, None]
    series = make_series((season - 12.0 * years) * np.ones((1, 2, 2)))
    known = thaw_season(series, "05-05", "09-25", rate=no_rate(series, -12.0))
    expected = -30.0 * (143 / 180)
    np.testing.assert_allclose(known.thaw_season_deformation, expected, rtol=1e-9)
    assert known.year.values.tolist() == [2016, 2017, 2018, 2019, 2020]


def test_a_season_over_new_year_is_named_after_its_onset():
    days = (np.array("2017-11-01", "datetime64[ns]") - TIME[0]) / np.timedelta64(1, "D")
    heave = np.where(days + 60 < DAYS, 5.0, 0.0)[:, None, None] * np.ones((1, 2, 2))
    series = make_series(heave)
    season = thaw_season(series, "11-01", "03-01", rate=no_rate(series))
    assert season.year.values.tolist() == [2016, 2017, 2018, 2019]
    np.testing.assert_array_equal(season.thaw_season_deformation[:, 0, 0], [0.0, 5.0, 0.0, 0.0])


def test_a_year_without_data_around_a_date_is_left_out_and_counted():
    values = noisy(missing=0.0)
    gap = (np.datetime64("2018-04-01") < TIME) & (np.datetime64("2018-06-20") > TIME)
    values[gap, 1, 1] = np.nan
    season = thaw_season(make_series(values))
    assert season.n_seasons.dtype == "int16"
    assert season.n_seasons[1, 1] == 4
    assert int((season.n_seasons == 5).sum()) == season.n_seasons.size - 1
    missing = season.thaw_season_deformation.isnull()
    assert int(missing.sum()) == 1
    assert bool(missing.sel(year=2018)[1, 1])
    np.testing.assert_array_equal(season.thaw_season_error.isnull(), missing)
    assert not bool(thaw_season(make_series(values), max_gap=120).thaw_season_deformation.isnull().any())


def test_standard_errors_are_those_of_many_trials():
    values = np.random.default_rng(3).normal(scale=4.0, size=(TIME.size, 60, 60))
    series = make_series(values)
    season = thaw_season(series, rate=no_rate(series))
    scatter = season.thaw_season_deformation.std(["y", "x"])
    said = np.sqrt((season.thaw_season_error**2).mean(["y", "x"]))
    np.testing.assert_allclose(said, scatter, rtol=0.05)
    mean_scatter = float(season.mean_thaw_season_deformation.std())
    np.testing.assert_allclose(np.sqrt((season.mean_thaw_season_error**2).mean()), mean_scatter, rtol=0.05)


def test_the_error_knows_that_start_and_end_share_epochs():
    """Both days between the same two epochs: the change is a share of one difference."""
    values = np.random.default_rng(4).normal(size=(TIME.size, 50, 50))
    series = make_series(values)
    first = np.datetime64("2018-05-01", "ns")
    k = np.searchsorted(TIME, first)
    days = [str((TIME[k] + np.timedelta64(n, "D")).astype("datetime64[D]"))[5:] for n in (3, 6)]
    season = thaw_season(series, *days, rate=no_rate(series)).sel(year=2018)
    np.testing.assert_allclose(season.thaw_season_deformation, (values[k + 1] - values[k]) / 4, atol=1e-9)
    assert 0.9 < float(season.thaw_season_error.mean()) / (np.sqrt(2) / 4) < 1.1


def test_the_mean_between_two_days_is_that_of_the_season_with_these_ends():
    series = make_series(noisy())
    part, whole = season_between(series, "05-19", "07-14"), thaw_season(series, "05-19", "07-14")
    np.testing.assert_array_equal(part.partial_season_deformation, whole.mean_thaw_season_deformation)
    np.testing.assert_array_equal(part.partial_season_error, whole.mean_thaw_season_error)
    assert part.partial_season_deformation.attrs["units"] == "mm"


def test_a_regression_through_a_part_of_a_year_takes_season_for_trend():
    """Why a rate can be given: 1.7 years, no trend, and the season is restored with the true rate only."""
    some = np.datetime64("2017-10-10") > TIME
    values = (20 * np.cos(2 * np.pi * (DAYS[some] - 80) / 365.25))[:, None, None] * np.ones((1, 2, 2))
    series = make_series(values, TIME[some])
    given = thaw_season(series, rate=no_rate(series)).mean_thaw_season_deformation
    fitted = thaw_season(series).mean_thaw_season_deformation
    exact = np.diff(20 * np.cos(2 * np.pi * (np.array([112, 265]) - 80) / 365.25))[0]
    assert abs(float(given[0, 0]) - exact) < 0.6
    assert abs(float(fitted[0, 0]) - exact) > 3.0


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 4), st.integers(1, 5))
def test_chunks_do_not_change_a_bit(rows, columns):
    series = make_series(noisy().astype("float32"))
    lazy = thaw_season(series.chunk(y=rows, x=columns))
    xr.testing.assert_identical(lazy.compute(scheduler="synchronous"), thaw_season(series))


def test_it_stays_lazy(assert_lazy):
    with assert_lazy():
        season = thaw_season(make_series(noisy().astype("float32")).chunk(y=2))
    assert season.thaw_season_deformation.dims == ("year", "y", "x")
    assert {season[name].dtype for name in season if name != "n_seasons"} == {np.dtype("float32")}


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (
            lambda s: s.isel(time=slice(20, 32)),
            {},
            "no whole season from 05-01 to 10-01, .* from 2016-09-06 to 2017-01-16",
        ),
        (lambda s: s, {"start": "02-29"}, "start: '02-29' is not a day that every year has"),
        (lambda s: s, {"end": "1 October"}, "end: '1 October' is not a day"),
        (lambda s: s.isel(time=slice(None, None, -1)), {}, "not in order of time"),
        (lambda s: s.assign_attrs(units="m"), {}, "is in 'm', but displacement must be in 'mm'"),
        (lambda s: s.chunk(time=10), {}, "is split into 16 chunks along 'time'"),
    ],
)
def test_what_it_refuses(change, options, message):
    with pytest.raises(InputError, match=message):
        thaw_season(change(make_series(noisy())), **options)


def test_rates_in_another_unit_or_on_another_grid_are_refused():
    series = make_series(noisy())
    rate = no_rate(series).rename("velocity")
    with pytest.raises(InputError, match="is in 'm a-1', but deformation_rate must be in 'mm a-1'"):
        thaw_season(series, rate=rate.assign_attrs(units="m a-1"))
    with pytest.raises(InputError, match="velocity: its x lies up to 0.3 pixels away from that of displacement"):
        thaw_season(series, rate=rate.assign_coords(x=rate.x + 0.03))
    with pytest.raises(InputError, match="velocity: its y has 3 pixels, that of displacement 4"):
        thaw_season(series, rate=rate.isel(y=slice(3)))
