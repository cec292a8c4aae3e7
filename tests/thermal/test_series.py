import numpy as np
import pandas as pd
import pytest
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.thermal.series import SeriesFill, fill_in_time

TIME = pd.date_range("2004-01-01", "2007-12-31")
ANGLE = 2 * np.pi * (TIME - pd.Timestamp("1970-01-01")).days.to_numpy() / 365.25
SEASON = -3 - 12 * np.cos(ANGLE) + 4 * np.sin(ANGLE) + 1.5 * np.cos(2 * ANGLE)


def series(values=SEASON, time=TIME, **attrs):
    return xr.DataArray(np.array(values), {"time": time}, ("time", "y", "x")[: np.ndim(values)], "air", attrs)


def with_gap(first, last):
    gappy = series(units="degC")
    gappy.loc[{"time": slice(first, last)}] = np.nan
    return gappy


@pytest.mark.parametrize(
    ("first", "last", "flag"),
    [("2005-03-01", "2005-03-10", 2), ("2005-03-01", "2005-03-11", 3), ("2004-01-01", "2004-01-03", 3)],
)
def test_the_length_of_a_gap_decides(first, last, flag):
    gappy = with_gap(first, last)
    filled, source = fill_in_time(gappy)
    inside = gappy.isnull()
    assert (source.where(inside, flag) == flag).all()
    assert (source.where(~inside, 1) == 1).all()
    np.testing.assert_array_equal(filled[~inside], gappy[~inside])
    assert filled.attrs == {"units": "degC"}
    assert filled.name == "air"
    assert source.attrs["flag_meanings"] == "no_data observed linear harmonic"


def test_short_gaps_are_straight():
    filled, _ = fill_in_time(with_gap("2005-03-01", "2005-03-10"))
    steps = np.diff(filled.sel(time=slice("2005-02-28", "2005-03-11")))
    np.testing.assert_allclose(steps, steps[0])


def test_a_season_of_two_harmonics_comes_back():
    """A year's gap too; the mean season of three other years is exactly this one."""
    filled, _ = fill_in_time(with_gap("2005-02-01", "2006-01-31"))
    np.testing.assert_allclose(filled, SEASON, atol=1e-9)


def test_there_is_no_jump_at_the_ends_of_a_gap():
    gappy = with_gap("2005-04-01", "2005-06-30")
    gappy.loc[{"time": slice("2005-03-01", "2005-03-31")}] += 6
    gappy.loc[{"time": slice("2005-07-01", "2005-07-31")}] -= 5
    filled, _ = fill_in_time(gappy)
    around = filled.sel(time=slice("2005-03-31", "2005-07-01"))
    assert float(np.abs(np.diff(around)).max()) < 1.0
    middle = slice("2005-04-15", "2005-06-15")
    plain, _ = fill_in_time(gappy.where(~gappy.time.isin(pd.date_range("2005-03-01", "2005-07-31"))))
    np.testing.assert_allclose(filled.sel(time=middle), plain.sel(time=middle), atol=1.0)


def test_without_harmonics_long_gaps_and_ends_stay_empty():
    gappy = with_gap("2005-04-01", "2005-06-30")
    gappy[:2] = np.nan
    filled, source = fill_in_time(gappy, harmonics=0)
    np.testing.assert_array_equal(filled.isnull(), gappy.isnull())
    assert set(np.unique(source)) == {0, 1}


def test_a_series_that_never_sees_january_has_no_fit():
    summers = series().where(series().time.dt.month != 1)
    filled, source = fill_in_time(summers)
    np.testing.assert_array_equal(filled.isnull(), summers.isnull())
    assert not (source == 3).any()


def test_too_few_days_have_no_fit():
    """49 days in all months are one too few for five coefficients; 50 are enough."""
    days = np.arange(49) * 29
    sparse = series(np.where(np.isin(np.arange(TIME.size), days), SEASON, np.nan))
    assert int(fill_in_time(sparse)[0].notnull().sum()) == 49
    sparse[-5] = SEASON[-5]
    assert fill_in_time(sparse)[0].notnull().all()


def cube(dtype="float32"):
    rng = np.random.default_rng(3)
    values = SEASON[:, None, None] + rng.normal(0, 3, (TIME.size, 5, 7))
    values[rng.random(values.shape) < 0.1] = np.nan
    values[200:280, 2:] = np.nan
    values[:, 0, 0] = np.nan
    return series(values.astype(dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lazy_equals_eager(dtype, assert_lazy):
    gappy = cube(dtype)
    before = gappy.copy(deep=True)
    with assert_lazy():
        lazy = fill_in_time(gappy.chunk(y=2, x=3))
    for ours, eager in zip(lazy, fill_in_time(gappy), strict=True):
        xr.testing.assert_identical(ours.compute(), eager)
        assert ours.dims == gappy.dims
    assert lazy[0].dtype == dtype
    assert lazy[1].dtype == "uint8"
    xr.testing.assert_identical(gappy, before)


def test_order_of_dims_does_not_matter():
    gappy = cube()
    filled, _ = fill_in_time(gappy.transpose("y", "x", "time"))
    assert filled.dims == ("y", "x", "time")
    xr.testing.assert_equal(filled.transpose(*gappy.dims), fill_in_time(gappy)[0])


@pytest.mark.parametrize(
    ("time", "message"),
    [
        (TIME.delete([59, 60, 100]), "time: 2004-02-29 is missing. A gap needs its days, with NaN"),
        (TIME[::-1], "time: 2007-12-30 follows 2007-12-31, but each day must come once, in order"),
        (TIME.repeat(2), "time: 2004-01-01 follows 2004-01-01"),
        (np.arange(TIME.size), "air: its time is int64, but must be datetime64"),
    ],
)
def test_time_must_be_daily(time, message):
    with pytest.raises(InputError, match=message):
        fill_in_time(series(np.zeros(len(time)), time))


def test_time_must_exist():
    with pytest.raises(InputError, match="air: has no days along a coordinate 'time'"):
        fill_in_time(series().drop_vars("time"))
    with pytest.raises(InputError, match="air: has no days along a coordinate 'time'"):
        fill_in_time(series()[:0])


def test_options_out_of_range():
    with pytest.raises(InputError, match="linear_limit: must be 0 d or more, not -1"):
        SeriesFill(linear_limit=-1)
    with pytest.raises(InputError, match="harmonics: must lie between 0 and 4, not 5"):
        fill_in_time(series(), harmonics=5)
    with pytest.raises(InputError, match="split into 2 chunks along 'time'"):
        fill_in_time(series().chunk(time=1000))
