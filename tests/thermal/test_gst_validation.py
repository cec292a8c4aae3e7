"""Parts of the error against planted ones; what gaps, order and too few days do to them."""

import numpy as np
import pandas as pd
import pytest

from cryoscale.thermal._ground_temperature import earlier_correlations
from cryoscale.thermal.gst_validation import error_parts, held_out_scores, score_table


def make_errors(*, n_stations, n_days, bias_sd, daily, correlation, seed=0):
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, daily, (n_stations, n_days))
    for day in range(1, n_days):
        noise[:, day] = correlation * noise[:, day - 1] + np.sqrt(1 - correlation**2) * noise[:, day]
    errors = noise + rng.normal(0, bias_sd, (n_stations, 1))
    days = pd.date_range("2010-01-01", periods=n_days)
    stations = np.repeat(np.arange(n_stations), n_days)
    return pd.DataFrame({"station": stations, "time": np.tile(days, n_stations), "error": errors.ravel()})


@pytest.mark.parametrize(("bias_sd", "correlation"), [(0.5, 0.0), (0.5, 0.8), (2.0, 0.5)])
@pytest.mark.parametrize("share", [1.0, 0.3])
def test_planted_parts_come_back_though_means_of_few_clear_days_are_noisy(bias_sd, correlation, share):
    table = make_errors(n_stations=600, n_days=365, bias_sd=bias_sd, daily=2.0, correlation=correlation)
    parts = error_parts(table.sample(frac=share, random_state=1))
    assert parts.station_bias_sd == pytest.approx(bias_sd, rel=0.1)
    assert parts.daily_error == pytest.approx(2.0, rel=0.01)
    assert parts.error_correlation == pytest.approx(correlation, abs=0.03)


def test_the_inflation_of_a_mean_is_the_sum_over_all_pairs_of_days():
    days = np.array([0.0, 1.0, 4.0, 5.0, 9.0])
    brute = (0.7 ** np.abs(days[:, None] - days)).sum() / 5
    twice = earlier_correlations(np.repeat([0, 1], 5), np.tile(days, 2), 0.7).reshape(2, 5)
    np.testing.assert_allclose(1 + 2 * twice.mean(axis=1), brute)
    assert not earlier_correlations(np.zeros(5), days, 0.0).any()


def test_an_error_that_all_stations_share_is_persistent():
    table = make_errors(n_stations=200, n_days=300, bias_sd=0.0, daily=1.0, correlation=0.0)
    assert error_parts(table.assign(error=table.error + 3.0)).station_bias_sd == pytest.approx(3.0, rel=0.01)


def test_only_the_next_day_at_the_same_station_is_a_neighbour():
    table = make_errors(n_stations=3, n_days=40, bias_sd=1.0, daily=1.0, correlation=0.9)
    table = table[(table.time.dt.day % 7 != 0) & (table.index != 44)]
    rest = table.error - table.groupby("station").error.transform("mean")
    at = dict(zip(zip(table.station, table.time, strict=True), rest, strict=True))
    pairs = [(at[s, t], at[s, t + pd.Timedelta("1D")]) for s, t in at if (s, t + pd.Timedelta("1D")) in at]
    first, second = np.array(pairs).T
    expected = (first * second).sum() / np.sqrt((first**2).sum() * (second**2).sum())
    shuffled = table.sample(frac=1, random_state=0)
    shuffled["time"] += pd.to_timedelta(np.arange(len(table)) % 24, unit="h")  # the hour does not matter
    assert error_parts(shuffled).error_correlation == pytest.approx(expected)
    assert np.isnan(error_parts(table[table.time.dt.day % 2 == 0][::2]).error_correlation)


def test_what_cannot_be_told_is_nan():
    table = make_errors(n_stations=4, n_days=30, bias_sd=1.0, daily=1.0, correlation=0.0)
    one = error_parts(table[table.station == 0])
    assert np.isnan(one.station_bias_sd)
    assert np.isfinite(one.daily_error)
    single_days = error_parts(table.groupby("station").head(1))
    assert np.isnan([single_days.station_bias_sd, single_days.daily_error, single_days.error_correlation]).all()


def test_scores_of_a_group_that_does_not_vary_have_no_r2():
    table = pd.DataFrame({"place": list("aab"), "observed": [1.0, 1.0, 2.0], "predicted": [2.0, 0.0, 2.0]})
    scores = score_table(table, "place")
    assert scores.drop(columns="r2").to_numpy().tolist() == [[2, 0.0, 1.0], [1, 0.0, 0.0]]
    assert scores["r2"].isna().all()


def test_one_station_is_scored_in_random_folds_only():
    table = make_errors(n_stations=1, n_days=50, bias_sd=0.0, daily=1.0, correlation=0.0)
    observed = np.linspace(-10.0, 10.0, 50)
    table = table.assign(observed=observed, predicted=np.nan, predicted_random=observed + table.error)
    scores = held_out_scores(table)
    assert scores["rmse_random"] == pytest.approx(np.sqrt((table.error**2).mean()))
    assert scores["daily_error"] == pytest.approx(table.error.std(), rel=0.03)
    assert np.isnan([scores[name] for name in ("rmse_by_station", "r2_by_station", "station_bias_sd")]).all()
