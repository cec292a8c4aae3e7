"""Kuparuk River, Alaska, in continuous permafrost: recession 1983 to 2020, and thaw depths of CALM in its basin."""

import numpy as np
import pandas as pd
import pytest

from cryoscale.hydrology import (
    EventRules,
    FitMethod,
    FitRules,
    change_point,
    constants_of_events,
    correlate_years,
    recession_constant,
    recession_events,
    trend,
)
from cryoscale.readers.discharge import read_discharge


@pytest.fixture(scope="module")
def record(real_data):
    path = real_data / "discharge_kuparuk" / "kuparuk_daily.csv"
    return read_discharge(path, unit="m3 s-1", columns={"discharge": "Q_m3s", "rain": "rain_mm"})


@pytest.fixture(scope="module")
def recessions(record):
    return recession_events(record.series())


@pytest.fixture(scope="module")
def windows(recessions):
    return constants_of_events(recessions, 5)


@pytest.fixture(scope="module")
def thaw_depth(real_data):
    table = pd.read_csv(real_data / "discharge_kuparuk" / "kuparuk_annual_Q_CALM_ALT.csv")
    return table.set_index("year")["Dc"]


def test_what_the_file_leaves_out_is_told(record):
    facts = record.report.iloc[0]
    assert facts[["n_days", "missing_days", "absent_days", "leap_days_absent"]].tolist() == [13790, 80, 10, 10]
    assert facts[["repeated_days", "negative_days", "zero_days", "out_of_order"]].tolist() == [0, 0, 6077, 0]
    assert facts.longest_gap == 79  # from 14 October 2020
    assert (facts.missing_years, facts.unit_jump) == ("", "")


def test_both_columns_are_one_discharge(record, real_data):
    path = real_data / "discharge_kuparuk" / "kuparuk_daily.csv"
    daily = read_discharge(path, unit="m3 d-1", columns={"discharge": "Q_m3_per_day"})
    np.testing.assert_allclose(daily.series(), record.series(), rtol=1e-5)


def literal(path, least):
    """Pairs of runs of at least `least` declines, August to October, one row of the file after the other."""
    table = pd.read_csv(path, parse_dates=["date"])
    flow, runs, run = table.Q_m3s.tolist(), [], []
    for i in range(len(table) - 1):
        first, second = table.date[i], table.date[i + 1]
        season = {first.month, second.month} <= {8, 9, 10} and (second - first).days == 1
        if season and flow[i] - flow[i + 1] > 0:
            run.append(((flow[i] + flow[i + 1]) / 2, flow[i] - flow[i + 1]))
            continue
        runs += [run] if len(run) >= least else []
        run = []
    return runs


@pytest.mark.parametrize(
    ("least", "n_events", "n_pairs", "a", "b", "ks"),
    [(7, 109, 1935, 0.0676955, 1.0313744, 14.772035), (6, 127, 2043, 0.0658998, 1.0379100, 15.174564)],
)
def test_pooled_estimate(record, real_data, least, n_events, n_pairs, a, b, ks):
    """Seven declines are seven differences of eight days; six are what seven days would be."""
    row = recession_constant(record.series(), None, rules=EventRules(minimum_declines=least)).iloc[0]
    runs = literal(real_data / "discharge_kuparuk" / "kuparuk_daily.csv", least)
    assert (row.n_events, row.n_pairs) == (n_events, n_pairs) == (len(runs), sum(map(len, runs)))
    slope, intercept = np.polyfit(*np.log(np.concatenate(runs)).T, 1)
    assert row.recession_exponent == pytest.approx(slope, rel=1e-10)
    assert row.recession_coefficient == pytest.approx(np.exp(intercept), rel=1e-10)
    found = row[["recession_coefficient", "recession_exponent", "recession_constant"]].tolist()
    assert found == pytest.approx((a, b, ks), rel=1e-6)


def test_interval_of_the_pooled_estimate_allows_for_events(recessions):
    """Pairs of one event go together: least squares of independent pairs would have a narrower one."""
    row = constants_of_events(recessions, None).iloc[0]
    x, y = np.log(recessions.pairs.discharge), np.log(recessions.pairs.rate)
    residual = y - row.recession_exponent * x + np.log(row.recession_constant)
    independent = 2 * 1.96 * residual.std() / (x.std() * len(x) ** 0.5)
    width = row.recession_exponent_upper - row.recession_exponent_lower
    assert width > 1.5 * independent
    assert row.recession_constant_lower < 14.77 < row.recession_constant_upper


def test_events_and_their_dates(recessions):
    events = recessions.events
    assert (events.n_declines == (events.end - events.start).dt.days).all()
    assert (events.n_declines >= 7).all()
    assert events.start.dt.month.between(8, 10).all()
    assert events.end.dt.month.between(8, 10).all()
    first, longest = events.iloc[0], events.loc[events.n_declines.idxmax()]
    assert [str(day.date()) for day in (first.start, first.end)] == ["1983-09-17", "1983-10-29"]
    assert [str(day.date()) for day in (longest.start, longest.end)] == ["2004-09-04", "2004-10-31"]
    assert events.year.nunique() == 38
    assert recessions.coverage.missing_days.to_dict()[2020] == 18  # 14 to 31 October
    assert recessions.coverage.missing_days.sum() == 18


def test_windows_of_five_years(windows):
    assert windows.index.tolist() == list(range(1985, 2019))
    assert (windows.reason == "").all()
    assert windows.n_events.between(10, 18).all()
    for name in ("recession_coefficient", "recession_exponent", "recession_constant", "recession_time"):
        assert (windows[f"{name}_lower"] < windows[name]).all()
        assert (windows[name] < windows[f"{name}_upper"]).all()
    # Ks doubles and more where b is large: the two are not told apart, tau is steadier by far.
    spread = windows[["recession_constant", "recession_time"]].apply(lambda one: np.log(one).std())
    assert spread.recession_constant > 2 * spread.recession_time
    assert windows.recession_constant.corr(windows.recession_exponent, method="spearman") > 0.5


def test_single_years_without_enough_events_have_no_number(recessions):
    table = constants_of_events(recessions, 1)
    short = table.n_events < 3
    assert short.sum() == 13
    assert table.recession_constant[short].isna().all()
    assert table.reason[short].str.fullmatch(r"[12] events, 3 are needed").all()
    assert table.recession_constant[~short].notna().all()


def test_no_trend_is_left_once_the_windows_are_allowed_for(windows):
    """Sen's slope of tau is +0.13 d a-1, 1983 to 2020; the overlap of windows alone makes such slopes."""
    found = trend(windows.recession_time, window=5)
    assert found.n == 34
    assert found.slope == pytest.approx(0.129, abs=0.03)
    assert found.p_value_independent < 0.05 < found.p_value
    point = change_point(windows.recession_time, window=5)
    assert point.p_value_independent < 0.05 < point.p_value
    assert trend(windows.recession_constant, window=5).p_value > 0.05


def test_thaw_depth_does_not_explain_the_recession(windows, thaw_depth):
    """CALM, 1990 to 2020, averaged over the same windows: 27 have all years of both."""
    smooth = thaw_depth.rolling(5, center=True).mean()
    for name in ("recession_time", "recession_constant"):
        found = correlate_years(windows[name], smooth, window=5)
        assert found.n == 27
        assert found.n_effective < 9
        assert abs(found.r) < 0.6
        assert found.p_value > 0.05


@pytest.mark.parametrize("method", list(FitMethod))
def test_every_fit_gives_a_recession_of_days_to_weeks(recessions, method):
    row = constants_of_events(recessions, None, fit=FitRules(method=method, replicates=100)).iloc[0]
    assert row.reason == ""
    assert 5 < row.recession_time_lower < row.recession_time < row.recession_time_upper < 100
    assert 0.5 < row.recession_exponent < 2


def test_rain_leaves_fewer_events(record):
    rain = pd.Series(record.table.rain.to_numpy(), pd.DatetimeIndex(record.table.time))
    dry = recession_events(record.series(), rain=rain, rules=EventRules(maximum_rain=1.0))
    assert 10 < len(dry.events) < 109
    days = dry.pairs.time
    assert (rain[days] <= 1.0).all()
    assert (rain[days + pd.Timedelta(days=1)] <= 1.0).all()
