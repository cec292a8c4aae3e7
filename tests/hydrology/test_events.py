import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoscale.errors import InputError
from cryoscale.hydrology import EventRules, TimeStep, recession_events
from cryoscale.hydrology.rates import rates


def falling(n, start="2001-08-05", first=100.0, factor=0.9):
    return pd.Series(first * factor ** np.arange(n), pd.date_range(start, periods=n))


def spans(found):
    return [(str(row.start.date()), str(row.end.date()), row.n_declines) for row in found.events.itertuples()]


@pytest.mark.parametrize(("days", "events"), [(7, 0), (8, 1)])
def test_seven_declines_take_eight_days(days, events):
    found = recession_events(falling(days))
    assert len(found.events) == events
    assert len(found.pairs) == 7 * events


def test_seven_days_are_six_declines():
    assert spans(recession_events(falling(7), rules=EventRules(minimum_declines=6))) == [
        ("2001-08-05", "2001-08-11", 6)
    ]


def test_pairs_are_those_of_the_equation():
    series = falling(8)
    found = recession_events(series)
    q = series.to_numpy()
    np.testing.assert_array_equal(found.pairs.discharge, (q[:-1] + q[1:]) / 2)
    np.testing.assert_array_equal(found.pairs.rate, q[:-1] - q[1:])
    assert found.pairs.time.tolist() == series.index[:-1].tolist()


def test_all_days_lie_in_the_season():
    found = recession_events(falling(120, "2001-07-20"))
    assert spans(found) == [("2001-08-01", "2001-10-31", 91)]
    assert spans(recession_events(falling(120, "2001-07-20"), rules=EventRules(season=(7, 9)))) == [
        ("2001-07-20", "2001-09-30", 72)
    ]


def test_a_run_over_new_year_is_two():
    found = recession_events(falling(40, "2001-12-10"), rules=EventRules(season=(1, 12)))
    assert spans(found) == [("2001-12-10", "2001-12-31", 21), ("2002-01-01", "2002-01-18", 17)]
    assert found.events.year.tolist() == [2001, 2002]


@pytest.mark.parametrize("gap", ["nan", "absent"])
def test_nothing_is_joined_across_a_gap(gap):
    series = falling(30)
    day = pd.Timestamp("2001-08-15")
    broken = series.drop(day) if gap == "absent" else series.where(series.index != day)
    found = recession_events(broken)
    assert spans(found) == [("2001-08-05", "2001-08-14", 9), ("2001-08-16", "2001-09-03", 18)]
    assert found.coverage.loc[2001, "missing_days"] == 92 - 29


def test_a_leap_day_left_out_ends_a_run():
    series = falling(20, "2004-02-20").drop(pd.Timestamp("2004-02-29"))
    found = recession_events(series, rules=EventRules(season=(2, 3)))
    assert spans(found) == [("2004-02-20", "2004-02-28", 8), ("2004-03-01", "2004-03-10", 9)]


def test_equal_days_end_a_run_and_a_minimum_decline_does_too():
    series = falling(20)
    series.iloc[10] = series.iloc[9]
    assert spans(recession_events(series)) == [("2001-08-05", "2001-08-14", 9), ("2001-08-15", "2001-08-24", 9)]
    limit = float(series.iloc[7] - series.iloc[8])  # this decline is not larger than itself
    assert spans(recession_events(series, rules=EventRules(minimum_decline=limit))) == [("2001-08-05", "2001-08-12", 7)]


def test_days_after_the_peak_are_dropped_but_judged_with():
    found = recession_events(falling(8), rules=EventRules(days_dropped=2))
    assert spans(found) == [("2001-08-07", "2001-08-12", 7)]
    assert found.events.n_pairs.tolist() == [5]


def test_the_peak_may_lie_before_the_season():
    rules = EventRules(days_dropped=3)
    assert spans(recession_events(falling(30, "2001-07-20"), rules=rules))[0][0] == "2001-08-01"
    assert spans(recession_events(falling(30, "2001-07-31"), rules=rules))[0][0] == "2001-08-03"


def test_rain_ends_a_run_on_both_sides():
    series = falling(30)
    rain = pd.Series(0.0, series.index)
    rain.iloc[10], rain.iloc[20] = 5.0, np.nan
    found = recession_events(series, rain=rain, rules=EventRules(maximum_rain=1.0))
    assert spans(found) == [
        ("2001-08-05", "2001-08-14", 9),
        ("2001-08-16", "2001-08-24", 8),
        ("2001-08-26", "2001-09-03", 8),
    ]


def test_precision_drops_pairs_not_events():
    series = falling(30)
    limit = 1.0
    found = recession_events(series, rules=EventRules(precision=limit))
    assert spans(found) == spans(recession_events(series))
    kept = -np.diff(series) >= limit
    assert len(found.pairs) == kept.sum() < 29
    assert found.coverage.loc[2001, "unused_pairs"] == 29 - kept.sum()


def test_precision_is_that_of_the_whole_step():
    """A central difference spans two days, so it resolves half the rate."""
    series = falling(30)
    found = recession_events(series, rules=EventRules(precision=1.0, time_step=TimeStep.CENTRAL))
    q = series.to_numpy()
    assert len(found.pairs) == (q[:-2] - q[2:] >= 1.0).sum()


def test_a_river_that_falls_dry():
    series = pd.Series([8.0, 7, 6, 5, 4, 3, 2, 0], pd.date_range("2001-08-05", periods=8))
    assert recession_events(series).pairs.discharge.tolist()[-1] == 1.0
    backward = recession_events(series, rules=EventRules(time_step=TimeStep.BACKWARD))
    assert len(backward.pairs) == 6
    assert backward.coverage.loc[2001, "unused_pairs"] == 1
    assert recession_events(series, rules=EventRules(time_step=TimeStep.EXPONENTIAL)).pairs.rate.gt(0).all()


@given(st.lists(st.one_of(st.none(), st.integers(0, 4)), min_size=2, max_size=92), st.integers(1, 5))
def test_runs_are_those_of_a_plain_loop(values, least):
    series = pd.Series(values, pd.date_range("2001-08-01", periods=len(values)), dtype=float)
    expected, run = [], []
    for i in range(len(values) - 1):
        if values[i] is not None and values[i + 1] is not None and values[i] > values[i + 1]:
            run.append(i)
            continue
        expected += [run] if len(run) >= least else []
        run = []
    expected += [run] if len(run) >= least else []
    found = recession_events(series, rules=EventRules(minimum_declines=least))
    assert [(row.start.day_of_year - 213, row.n_declines) for row in found.events.itertuples()] == [
        (run[0], len(run)) for run in expected
    ]


def test_constant_flow_has_no_events():
    found = recession_events(pd.Series(3.0, pd.date_range("2001-01-01", "2002-12-31")))
    assert found.events.empty
    assert found.pairs.empty
    assert found.coverage.n_declines.tolist() == [0, 0]
    assert found.coverage.missing_days.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("scheme", "rate", "at"),
    [
        (TimeStep.PAIR, [4.0, 2.0, 1.0], [6.0, 3.0, 1.5]),
        (TimeStep.FORWARD, [4.0, 2.0, 1.0], [8.0, 4.0, 2.0]),
        (TimeStep.BACKWARD, [4.0, 2.0, 1.0], [4.0, 2.0, 1.0]),
        (TimeStep.CENTRAL, [3.0, 1.5], [4.0, 2.0]),
    ],
)
def test_schemes_by_hand(scheme, rate, at):
    found = rates(np.array([8.0, 4.0, 2.0, 1.0]), scheme)
    assert found.rate.tolist() == rate
    assert found.discharge.tolist() == at


def test_exponential_steps_are_lines_through_growing_windows():
    t = np.arange(60)
    q = 50 * np.exp(-0.08 * t) + 2
    found = rates(q, TimeStep.EXPONENTIAL)
    decay = -np.polyfit(t, np.log(q), 1)[0]
    steps = 1 + np.ceil(0.1 * 60 * np.exp(-1 / (decay * (t + 1))))
    assert found.step.tolist() == steps[: found.step.size].tolist()
    assert 1 < found.step[0] < found.step[-1]
    for i in (0, 7, found.day[-1]):
        window = slice(i, i + int(steps[i]) + 1)
        assert found.rate[i] == pytest.approx(-np.polyfit(t[window], q[window], 1)[0], rel=1e-9)
        assert found.discharge[i] == pytest.approx(q[window].mean(), rel=1e-12)


@pytest.mark.parametrize("scheme", list(TimeStep))
def test_schemes_agree_where_discharge_falls_slowly(scheme):
    q = 50 * np.exp(-0.002 * np.arange(40))
    found = rates(q, scheme)
    np.testing.assert_allclose(found.rate / found.discharge, 0.002, rtol=2e-3)


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (pd.Series([1.0, 2.0]), "indexed by int64, but needs dates"),
        (pd.Series([1.0, 2.0], pd.to_datetime(["2001-08-01 00:00", "2001-08-01 06:00"])), "2001-08-01 06:00:00, but"),
        (falling(5).iloc[::-1], "2001-08-08 follows 2001-08-09"),
        (pd.concat([falling(3), falling(3)]).sort_index(), "each day must come once"),
        (-falling(5), "is -100 on 2001-08-05"),
        (falling(5) / 0, "is inf on 2001-08-05"),
        (falling(0), "has no values"),
        (falling(5).tz_localize("UTC"), "tz_localize"),
    ],
)
def test_series_that_are_refused(series, message):
    with pytest.raises(InputError, match=message):
        recession_events(series)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"season": (10, 2)}, "no span of months of one calendar year"),
        ({"minimum_declines": 0}, "at least 1"),
        ({"days_dropped": 7}, "less than the 7 declines"),
        ({"precision": -1.0}, "precision: must not be negative"),
        ({"minimum_decline": float("nan")}, "minimum_decline: must not be negative"),
        ({"maximum_rain": -1.0}, "maximum_rain: must not be negative"),
    ],
)
def test_rules_that_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        EventRules(**options)


def test_rain_and_its_limit_belong_together():
    with pytest.raises(InputError, match=r"rules.maximum_rain: is not given, but rain is"):
        recession_events(falling(9), rain=falling(9))
    with pytest.raises(InputError, match=r"rain: is not given, but rules.maximum_rain is"):
        recession_events(falling(9), rules=EventRules(maximum_rain=1.0))
