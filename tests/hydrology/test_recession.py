import dask
import numpy as np
import pandas as pd
import pytest

from cryoscale.errors import InputError
from cryoscale.hydrology import (
    EventRules,
    FitMethod,
    FitRules,
    constants_of_events,
    recession_constant,
    recession_events,
    recessions_of_gauges,
)
from cryoscale.hydrology.recession import PARAMETERS
from cryoscale.variables import VARIABLES

A, B, SCATTER, REFERENCE = 0.03, 1.4, 0.2, 20.0
SHIFTS = {  # of ln(a): what each method estimates where the rate scatters, see FitRules
    FitMethod.ORDINARY: 0.0,
    FitMethod.ROBUST: 0.0,
    FitMethod.LOWER_ENVELOPE: -1.645 * SCATTER,
    FitMethod.BINNED: SCATTER**2 / 2,
    FitMethod.NONLINEAR: SCATTER**2 / 2,
}


def covered(make_river, method, *, runs, replicates):
    """Share of runs whose intervals hold the truth: of a, of b, of Ks and of tau."""
    a = A * np.exp(SHIFTS[method])
    truth = pd.Series([a, B, 1 / a, 1 / (a * REFERENCE ** (B - 1))], PARAMETERS)
    fit = FitRules(method=method, reference_discharge=REFERENCE, replicates=replicates)
    hits = []
    for seed in range(runs):
        flow, rain = make_river(A, B, scatter=SCATTER, noise=0.001, spikes=0.01, gaps=0.01, seed=seed)
        row = recession_constant(flow, rain=rain, rules=EventRules(maximum_rain=1.0), fit=fit).iloc[0]
        lower, upper = ([row[f"{name}_{end}"] for name in PARAMETERS] for end in ("lower", "upper"))
        hits.append((lower <= truth) & (truth <= upper))
    return np.mean(hits, axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("method", list(FitMethod))
def test_known_recessions_are_found_within_the_interval(make_river, method):
    shares = covered(make_river, method, runs=200, replicates=500)
    assert (shares >= 0.9).all(), shares
    assert shares[0] == shares[2]  # Ks is 1 / a


def test_known_recessions_are_found_within_the_interval_by_default(make_river):
    assert (covered(make_river, FitMethod.ORDINARY, runs=60, replicates=200) >= 0.9).all()


def test_rain_spikes_make_false_rates_that_known_rain_takes_out(make_river):
    flow, rain = make_river(A, B, noise=0.001, spikes=0.03, years=15, seed=2)

    def worst(**options):
        rules = EventRules(**options)
        pairs = recession_events(flow, rain=None if rules.maximum_rain is None else rain, rules=rules).pairs
        return (pairs.rate / (A * pairs.discharge**B)).max()

    assert worst() > 3
    assert worst(maximum_rain=1.0) < 1.3
    assert worst(days_dropped=1) < 1.3


def test_windows_are_labelled_at_their_centre(make_river):
    flow, _ = make_river(0.05, 1.0, years=8)
    table = recession_constant(flow, 5)
    assert table.index.tolist() == [2003, 2004, 2005, 2006]
    assert table.loc[2004, ["first_year", "last_year"]].tolist() == [2002, 2006]
    inner = flow.loc["2002":"2006"]
    alone = recession_constant(inner, 5, fit=FitRules(reference_discharge=float(table.reference_discharge.iloc[0])))
    pd.testing.assert_series_equal(alone.loc[2004], table.loc[2004])
    assert recession_constant(flow, 1).index.tolist() == list(range(2001, 2009))
    assert recession_constant(flow, None).n_events.sum() == recession_constant(flow, 1).n_events.sum()


def test_estimates_lie_in_their_intervals_and_agree(make_river):
    row = recession_constant(make_river(A, B, scatter=SCATTER)[0]).iloc[0]
    for name in PARAMETERS:
        assert row[f"{name}_lower"] < row[name] < row[f"{name}_upper"]
    a, b = row.recession_coefficient, row.recession_exponent
    assert row.recession_constant == pytest.approx(1 / a)
    assert row.recession_constant_lower == pytest.approx(1 / row.recession_coefficient_upper, rel=5e-3)
    assert row.recession_time == pytest.approx(1 / (a * row.reference_discharge ** (b - 1)))


def test_tau_does_not_depend_on_the_unit_of_discharge_but_ks_does(make_river):
    flow = make_river(A, B, scatter=SCATTER)[0]
    metres, litres = recession_constant(flow).iloc[0], recession_constant(1000 * flow).iloc[0]
    for name in ("recession_time", "recession_time_lower", "recession_time_upper", "recession_exponent"):
        assert litres[name] == pytest.approx(metres[name], rel=1e-9)
    assert litres.recession_constant > 10 * metres.recession_constant


def test_a_fixed_exponent_has_no_interval(make_river):
    row = recession_constant(make_river(A, B, scatter=SCATTER)[0], fit=FitRules(exponent=1.4)).iloc[0]
    assert row.recession_exponent == 1.4
    assert np.isnan(row.recession_exponent_lower)
    assert row.recession_coefficient_lower < A < row.recession_coefficient_upper
    assert row.reason == ""


def refused(table, year):
    row = table.loc[year]
    assert row[[f"{name}{end}" for name in PARAMETERS for end in ("", "_lower", "_upper")]].isna().all()
    return row.reason


def test_constant_flow_is_nan_with_the_reason():
    table = recession_constant(pd.Series(3.0, pd.date_range("2001-01-01", "2005-12-31")))
    assert refused(table, 2003) == "0 events, 3 are needed (discharge declines on no day of the season)"


def test_too_few_events_are_nan_with_the_reason(make_river):
    flow = make_river(A, B, years=5)[0]
    table = recession_constant(flow, fit=FitRules(minimum_events=60))
    n = int(table.n_events.iloc[0])
    assert refused(table, 2003) == f"{n} events, 60 are needed"
    assert recession_constant(flow, fit=FitRules(minimum_events=n)).loc[2003, "reason"] == ""


def test_one_discharge_is_nan_with_the_reason():
    season = pd.date_range("2001-08-01", "2001-10-31")
    saw = pd.Series(10.0 + 1e-9 * (11 - np.arange(season.size) % 12), season)
    assert "discharge hardly differs" in refused(recession_constant(saw, 1), 2001)


def test_bins_that_many_resamples_lack_are_nan_with_the_reason():
    """Two bins of three short events: a resample of one event alone has too few pairs of different discharge."""
    season = pd.date_range("2001-08-01", "2001-10-31")
    falls = np.concatenate([[*(10.0**k * 0.9 ** np.arange(8)), np.nan] for k in (3, 2, 4)])
    series = pd.Series(np.r_[falls, 1e5 + np.arange(season.size - falls.size)], season)
    table = recession_constant(series, 1, fit=FitRules(method=FitMethod.BINNED))
    assert table.n_pairs.tolist() == [21]
    assert "in too many of the resamples" in refused(table, 2001)


def test_a_year_without_data_counts_against_its_windows(make_river):
    flow = make_river(A, B, years=9)[0]
    gone = flow[(flow.index.year != 2003)]
    table = recession_constant(gone, 5)
    assert table.n_years.tolist() == [4, 4, 4, 5, 5]
    assert table.missing_days.tolist() == [92, 92, 92, 0, 0]
    assert (table.reason == "").all()
    single = recession_constant(gone, 1)
    assert refused(single, 2003) == "0 of 1 years have discharge on half of the days of the season"
    assert (single.reason.drop(2003) == "").all()


def test_most_years_of_a_window_must_be_there(make_river):
    flow = make_river(A, B, years=5)[0]
    gone = flow[~flow.index.year.isin([2002, 2003, 2004])]
    assert refused(recession_constant(gone, 5), 2003).startswith("2 of 5 years")


@pytest.mark.parametrize(
    ("window", "message"), [(4, "no year at their centre"), (0, "Give 1, 3 or 5"), (7, "2001 to 2005")]
)
def test_windows_that_are_refused(make_river, window, message):
    with pytest.raises(InputError, match=message):
        constants_of_events(recession_events(make_river(A, B)[0]), window)


def test_every_estimate_is_registered(make_river):
    table = recession_constant(make_river(A, B)[0])
    assert {*PARAMETERS, "reference_discharge", "n_events", "n_pairs"} <= set(VARIABLES) & set(table)


@pytest.fixture(scope="module")
def gauges(make_river):
    parts = []
    for i in range(7):
        flow, rain = make_river(0.03 + 0.01 * i, 1.2, years=6, scatter=0.2, spikes=0.01, seed=i)
        parts.append(
            pd.DataFrame({"gauge": f"G{i}", "time": flow.index, "discharge": flow.values, "rain": rain.values})
        )
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
def test_gauges_are_the_same_on_every_scheduler(gauges, scheduler):
    rules = EventRules(maximum_rain=1.0)
    with dask.config.set(scheduler=scheduler, num_workers=2):
        found = recessions_of_gauges(gauges, rules=rules, gauges_per_task=3)
    for name, rows in gauges.groupby("gauge"):
        series = rows.set_index("time")
        alone = recession_constant(series.discharge, rain=series.rain, rules=rules)
        pd.testing.assert_frame_equal(found.loc[name], alone, check_exact=True)


def test_a_bad_gauge_costs_no_other(gauges):
    table = gauges.copy()
    table.loc[table.gauge == "G2", "discharge"] = -5.0
    table.loc[table.gauge == "G4", "time"] = table.time[table.gauge == "G4"].to_numpy()[::-1]
    short = (table.gauge == "G5") & (table.time >= "2003-01-01")
    found = recessions_of_gauges(table[~short], 5)
    assert len(found.loc["G2"]) == 1
    assert found.reason.loc["G2"].iloc[0].startswith("discharge: is -5 on 2001-01-01, but must be finite")
    assert "2006-12-30 follows 2006-12-31" in found.reason.loc["G4"].iloc[0]
    assert "5 years are more than the record has (2001 to 2002)" in found.reason.loc["G5"].iloc[0]
    assert found.recession_time.loc[["G2", "G4", "G5"]].isna().all()
    good = found.loc[["G0", "G1", "G3", "G6"]]
    assert (good.reason == "").all()
    pd.testing.assert_frame_equal(good, recessions_of_gauges(gauges, 5).loc[["G0", "G1", "G3", "G6"]])
    assert found.dtypes.equals(good.dtypes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="discharge"), "needs discharge"),
        (lambda table: table.iloc[:0], "has no rows"),
        (lambda table: table.assign(gauge=None), "without a gauge"),
        (lambda table: table.assign(time="2001-01-01"), "needs dates"),
    ],
)
def test_tables_that_are_refused(gauges, change, message):
    with pytest.raises(InputError, match=message):
        recessions_of_gauges(change(gauges))


def test_options_of_gauges_that_are_refused(gauges):
    with pytest.raises(InputError, match="no year at their centre"):
        recessions_of_gauges(gauges, 2)
    with pytest.raises(InputError, match="gauges_per_task"):
        recessions_of_gauges(gauges, gauges_per_task=0)
    with pytest.raises(InputError, match="needs rain"):
        recessions_of_gauges(gauges.drop(columns="rain"), rules=EventRules(maximum_rain=1.0))
