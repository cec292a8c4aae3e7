import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.insar import PairKind, classify_pairs, interannual_rate, season_between, seasons_of_pairs, thaw_season
from cryoscale.insar.longterm import cumulative_index, seasons_by_index
from cryoscale.insar.sensors import SENSORS
from cryoscale.scenes import SPARSE_PAIRS


def pairs(values, dates):
    reference, secondary = np.array(dates, "datetime64[ns]").T
    values = np.asarray(values, "float32")[:, None, None] * np.ones((1, 2, 3), "float32")
    coords = {"reference": ("pair", reference), "secondary": ("pair", secondary), "y": [1.0, 0.0], "x": [0.0, 1.0, 2.0]}
    return xr.DataArray(values, coords, ("pair", "y", "x"), "pair_displacement", {"units": "mm"})


@pytest.fixture
def series():
    """A season of 40 mm that sinks from May to October."""
    time = pd.date_range("2016-01-01", "2020-12-31", freq="6D")
    day = time.day_of_year.to_numpy()
    share = np.interp(day, [0, 121, 274, 366], [0, 0, 1, 0])
    values = (-40 * share[:, None, None] * np.ones((1, 2, 3))).astype("float32")
    coords = {"time": time, "y": [1.0, 0.0], "x": [0.0, 1.0, 2.0]}
    return xr.DataArray(values, coords, ("time", "y", "x"), "displacement", {"units": "mm"})


def rate_like(series, value=0.0):
    return xr.full_like(series[0], value).drop_vars("time").rename("velocity").assign_attrs(units="mm a-1")


def scaled(displacement, series, **options):
    trend = rate_like(series)
    total = thaw_season(series, rate=trend).mean_thaw_season_deformation
    return seasons_of_pairs(displacement, series, season_total=total, series_rate=trend, **options)


def test_the_pairs_of_table_1_are_told_apart():
    counts = {}
    for name, dates in SPARSE_PAIRS.items():
        kinds = classify_pairs(*np.array(dates, "datetime64[D]").T)
        counts[name] = [kinds.count(kind) for kind in PairKind]
    assert counts == {"ERS-2": [1, 2, 0], "Envisat": [1, 0, 0], "ALOS-1": [5, 2, 0], "ALOS-2": [4, 1, 1]}
    assert set(counts) | {"Sentinel-1"} == set(SENSORS)


@pytest.mark.parametrize(("days", "kind"), [(345, "other"), (346, "interannual"), (385, "interannual"), (386, "other")])
def test_the_tolerance_is_kept(days, kind):
    first = np.datetime64("2001-11-01")
    assert classify_pairs([first], [first + days], tolerance=20) == [kind]


def test_impossible_rules_are_refused():
    with pytest.raises(InputError, match="tolerance: 120 days"):
        classify_pairs(["2001-01-01"], ["2002-01-01"], tolerance=120)
    with pytest.raises(InputError, match="its end 05-01 is not after its start 10-01"):
        classify_pairs(["2001-01-01"], ["2002-01-01"], start="10-01", end="05-01")


def test_the_mean_rate_is_least_squares():
    dates = [("2007-07-12", "2008-07-14"), ("2007-10-12", "2010-10-20")]
    spans = np.array([368, 1104]) / 365.25
    displacement = np.array([-9.0, -24.0])
    expected = np.linalg.lstsq(spans[:, None], displacement, rcond=None)[0][0]
    found = interannual_rate(pairs(displacement, dates))
    np.testing.assert_allclose(found.deformation_rate, expected, rtol=1e-5)
    assert (found.n_pairs == 2).all()


def test_a_pixel_without_one_pair_takes_the_other_and_without_any_has_none():
    displacement = pairs([-10.0, -30.0], [("2007-07-12", "2008-07-12"), ("2007-07-12", "2009-07-12")])
    displacement[0, 0, 0] = np.nan
    displacement[:, 1, 1] = np.nan
    found = interannual_rate(displacement)
    assert float(found.deformation_rate[0, 0]) == pytest.approx(-30.0 / 731 * 365.25, rel=1e-5)
    assert np.isnan(found.deformation_rate[1, 1])
    assert found.n_pairs.values[[0, 1], [0, 1]].tolist() == [1, 0]


def test_no_pair_has_no_rate():
    with pytest.raises(InputError, match="no pair over whole years"):
        interannual_rate(pairs([1.0], [("2007-07-12", "2008-07-12")]).isel(pair=[]))


def test_seasons_in_proportion_are_recovered_exactly(series):
    dates = [("1997-05-11", "1997-06-30"), ("1997-06-30", "1997-08-09"), ("1998-06-05", "1998-09-01")]
    trend = rate_like(series)
    total = thaw_season(series, rate=trend).mean_thaw_season_deformation
    shares = [season_between(series, a[5:], b[5:], rate=trend).partial_season_deformation / total for a, b in dates]
    true = [-12.0, -12.0, -25.0]
    displacement = pairs([0, 0, 0], dates)
    displacement[:] = np.stack([d * share for d, share in zip(true, shares, strict=True)])
    found = scaled(displacement, series)
    assert found.year.values.tolist() == [1997, 1998]
    np.testing.assert_allclose(found.thaw_season_deformation[:, 0, 0], [-12.0, -25.0], rtol=1e-4)
    assert int(found.guarded_pairs.sum()) == 0


def test_pairs_of_one_year_are_weighed_by_their_share(series):
    dates = [("1997-05-11", "1997-06-30"), ("1997-06-30", "1997-09-18")]
    found = scaled(pairs([-5.0, -9.0], dates), series)
    trend = rate_like(series)
    total = float(thaw_season(series, rate=trend).mean_thaw_season_deformation[0, 0])
    shares = np.array(
        [
            float(season_between(series, a[5:], b[5:], rate=trend).partial_season_deformation[0, 0]) / total
            for a, b in dates
        ]
    )
    expected = np.linalg.lstsq(shares[:, None], [-5.0, -9.0], rcond=None)[0][0]
    assert float(found.thaw_season_deformation[0, 0, 0]) == pytest.approx(expected, rel=1e-4)


def test_a_small_share_is_guarded_and_counted(series):
    found = scaled(pairs([-2.0], [("1997-05-11", "1997-05-20")]), series)
    assert bool(found.thaw_season_deformation.isnull().all())
    assert int(found.guarded_pairs.sum()) == 6


def test_the_trend_is_taken_off(series):
    dates = [("1997-06-01", "1997-09-01")]
    plain = scaled(pairs([-20.0], dates), series)
    with_trend = scaled(
        pairs([-20.0 - 8.0 * 92 / 365.25], dates), series, rate=rate_like(series, -8.0).rename("deformation_rate")
    )
    xr.testing.assert_allclose(plain.thaw_season_deformation, with_trend.thaw_season_deformation, rtol=1e-5)


def test_lazy_equals_eager_and_stays_lazy(series, assert_lazy):
    dates = [("1997-05-11", "1997-06-30"), ("1997-06-30", "1997-08-09"), ("1998-06-05", "1998-09-01")]
    displacement = pairs([-5.0, -9.0, -10.0], dates)
    eager = scaled(displacement, series)
    chunked = displacement.copy(data=da.from_array(displacement.values, chunks=(-1, 1, 2)))
    with assert_lazy():
        lazy = scaled(chunked, series.copy(data=da.from_array(series.values, chunks=(-1, 1, 2))))
        rates = interannual_rate(chunked)
    assert lazy.thaw_season_deformation.chunks is not None
    assert rates.deformation_rate.chunks is not None
    xr.testing.assert_identical(lazy.compute(), eager)
    xr.testing.assert_identical(rates.compute(), interannual_rate(displacement))


def test_scaling_by_the_index_uses_the_roots():
    days = pd.date_range("1997-01-01", "1997-12-31")
    temperature = pd.Series(np.where((days >= "1997-05-01") & (days <= "1997-08-08"), 1.0, -5.0), days)  # 100 degC d
    found = seasons_by_index(pairs([-10.0], [("1997-05-25", "1997-07-03")]), temperature)  # 25 and 64 degC d
    np.testing.assert_allclose(found.values, -10.0 * 10 / (8 - 5), rtol=1e-6)


def test_a_temperature_of_other_years_is_refused():
    temperature = pd.Series(1.0, pd.date_range("2000-01-01", "2000-12-31"))
    with pytest.raises(InputError, match="has no value on 1997-05-25, it runs from 2000-01-01 to 2000-12-31"):
        seasons_by_index(pairs([-10.0], [("1997-05-25", "1997-07-03")]), temperature)


def test_the_index_begins_anew_every_year():
    index = cumulative_index(pd.Series(2.0, pd.date_range("2000-12-30", "2001-01-02")))
    assert index.tolist() == [2.0, 4.0, 2.0, 4.0]
