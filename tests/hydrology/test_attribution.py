"""Attribution: dense references, rates of false alarms and of coverage over many synthetic basins, bad input."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.signal import lfilter

from cryoscale.errors import InputError
from cryoscale.hydrology.attribution import Attribution, attribute
from cryoscale.hydrology.smoothed_regression import AnnualNoise

NAMES = ["air_temperature", "precipitation", "evapotranspiration", "net_radiation", "snow_depth", "soil_moisture"]
UNITS = np.array([1.0, 40.0, 30.0, 8.0, 0.03, 0.02])
EFFECTS = np.array([2.0, 1.0, -1.0, 0.5, 1.0, 0.5])
YEARS = pd.RangeIndex(1971, 2021, name="year")
DISTURBED = 2001  # year 31 of 50


def basin(seed: int, *, step: float = 0.0, memory: float = 0.0) -> tuple[pd.Series, pd.DataFrame]:
    """Yearly recession constants of a warming basin, in d, and its climate."""
    rng = np.random.default_rng(seed)
    trend = np.linspace(0.0, 2.0, YEARS.size)[:, None] * np.array([1.0, 0.5, 0.0, 0.0, 0.0, 0.3])
    deviates = rng.normal(size=(YEARS.size, 6)) + trend
    noise = lfilter([1.0], [1.0, -memory], rng.normal(size=YEARS.size + 50))[50:]
    yearly = 30 + deviates @ EFFECTS + noise + step * (YEARS >= DISTURBED)
    return pd.Series(yearly, YEARS, name="ks"), pd.DataFrame(100 * UNITS + deviates * UNITS, YEARS, NAMES)


def smoothed(seed: int, **options: float) -> tuple[pd.Series, pd.DataFrame]:
    yearly, climate = basin(seed, **options)
    return yearly.rolling(5, center=True).mean().dropna(), climate


@pytest.fixture(scope="module")
def planted() -> Attribution:
    return attribute(*smoothed(3, step=8.0), disturbance=DISTURBED)


def test_finds_a_planted_effect_and_draws_no_other(planted: Attribution) -> None:
    assert planted.effect.lower < 8.0 < planted.effect.upper
    assert planted.effect.p_value < 1e-6
    assert (planted.n_years, planted.effect.n_years) == (26, 16)


def test_false_alarms_are_at_the_nominal_level() -> None:
    p_values = np.array([attribute(*smoothed(seed), disturbance=DISTURBED).effect.p_value for seed in range(200)])
    assert stats.binomtest(int((p_values < 0.05).sum()), 200, 0.05).pvalue > 0.01
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_intervals_hold_a_planted_effect_as_often_as_they_say() -> None:
    effects = [attribute(*smoothed(seed, step=4.0), disturbance=DISTURBED).effect for seed in range(200, 400)]
    held = sum(effect.lower < 4.0 < effect.upper for effect in effects)
    assert stats.binomtest(held, 200, 0.95).pvalue > 0.01
    assert np.mean([effect.p_value < 0.05 for effect in effects]) > 0.95
    assert np.mean([effect.mean for effect in effects]) == pytest.approx(4.0, abs=0.15)


def test_yearly_intervals_hold_what_no_disturbance_would_give() -> None:
    inside = []
    for seed in range(400, 460):
        table = attribute(*smoothed(seed), disturbance=DISTURBED).predicted
        after = table[(table["period"] == "after") & (table["reason"] == "")]
        inside.append(((after["lower"] < after["observed"]) & (after["observed"] < after["upper"])).mean())
    assert np.mean(inside) == pytest.approx(0.95, abs=0.025)


def test_noise_with_memory_needs_to_be_told() -> None:
    alarms = dict.fromkeys(AnnualNoise, 0)
    for seed in range(100):
        ks, climate = smoothed(seed, memory=0.6)
        for noise in AnnualNoise:
            alarms[noise] += attribute(ks, climate, disturbance=DISTURBED, noise=noise).effect.p_value < 0.05
    assert stats.binomtest(alarms[AnnualNoise.INDEPENDENT], 100, 0.05).pvalue < 0.001
    assert alarms[AnnualNoise.AUTOREGRESSIVE] <= 11  # 99 % of draws at a rate of 5 %


def test_tells_whether_noise_has_memory() -> None:
    found = {
        memory: np.mean(
            [attribute(*smoothed(seed, memory=memory), disturbance=DISTURBED).noise_correlation for seed in range(20)]
        )
        for memory in (0.0, 0.8)
    }
    assert found[0.0] < 0.35
    assert found[0.8] > 0.5


def test_without_a_window_it_is_ordinary_least_squares() -> None:
    ks, climate = basin(5, step=3.0)
    result = attribute(ks, climate, disturbance=DISTURBED, window=1)
    x = np.column_stack([np.ones(50), climate])
    before, after = np.arange(50) < 30, np.arange(50) >= 30
    inverse = np.linalg.inv(x[before].T @ x[before])
    beta = inverse @ x[before].T @ ks[before]
    rss = ((ks[before] - x[before] @ beta) ** 2).sum()
    scale = rss / (30 - 7)
    np.testing.assert_allclose(result.coefficients["estimate"], beta, rtol=1e-6)
    np.testing.assert_allclose(result.coefficients["standard_error"], np.sqrt(scale * np.diag(inverse)), rtol=1e-6)
    t = beta / np.sqrt(scale * np.diag(inverse))
    np.testing.assert_allclose(result.coefficients["p_value"], 2 * stats.t.sf(np.abs(t), 23), rtol=1e-5)
    assert result.r2 == pytest.approx(1 - rss / ((ks[before] - ks[before].mean()) ** 2).sum())
    mean = x[after].mean(axis=0)
    error = np.sqrt(scale * (1 / 20 + mean @ inverse @ mean))
    effect = ks[after].mean() - mean @ beta
    assert result.effect.mean == pytest.approx(effect)
    assert result.effect.upper - effect == pytest.approx(stats.t.ppf(0.975, 23) * error)
    row = result.predicted.loc[2010]
    of_year = np.sqrt(scale * (1 + x[39] @ inverse @ x[39]))
    assert row["upper"] - row["predicted"] == pytest.approx(stats.t.ppf(0.975, 23) * of_year)


def test_variance_inflation_is_that_of_its_definition(planted: Attribution) -> None:
    _, climate = smoothed(3)
    x = climate.rolling(5, center=True).mean().loc[1973:1998]
    others = np.column_stack([np.ones(len(x)), x.drop(columns="precipitation")])
    residual = x["precipitation"] - others @ np.linalg.lstsq(others, x["precipitation"], rcond=None)[0]
    r2 = 1 - (residual**2).sum() / ((x["precipitation"] - x["precipitation"].mean()) ** 2).sum()
    assert planted.coefficients.loc["precipitation", "vif"] == pytest.approx(1 / (1 - r2))
    assert np.isnan(planted.coefficients.loc["intercept", "vif"])


def test_near_copies_are_reported_as_collinear() -> None:
    ks, climate = smoothed(3, step=8.0)
    rng = np.random.default_rng(0)
    climate["copy"] = climate["air_temperature"] + rng.normal(size=50) * 0.05
    result = attribute(ks, climate, disturbance=DISTURBED)
    assert set(result.collinear) == {"air_temperature", "copy"}
    assert result.effect.lower < 8.0 < result.effect.upper


def test_windows_of_both_periods_are_predicted_but_not_used(planted: Attribution) -> None:
    table = planted.predicted
    assert table.index[table["period"] == "transition"].tolist() == [1999, 2000, 2001, 2002]
    ks, climate = smoothed(3, step=8.0)
    changed = attribute(ks.where(~ks.index.isin([1999, 2000, 2001, 2002]), 1e3), climate, disturbance=DISTURBED)
    assert changed.effect == planted.effect
    assert changed.predicted.loc[2000, "effect"] > 900


def test_in_sample_fit_flatters_and_skill_does_not() -> None:
    rng = np.random.default_rng(11)
    flattered, skills = [], []
    for _ in range(20):
        ks = pd.Series(rng.normal(size=50), YEARS).rolling(5, center=True).mean().dropna()
        result = attribute(ks, pd.DataFrame(rng.normal(size=(50, 6)), YEARS, NAMES), disturbance=DISTURBED)
        flattered.append(result.r2)
        skills.append(result.skill.r2)
        assert (result.skill.n_years, result.skill.n_blocks) == (26, 6)
    assert np.median(flattered) > 0.2
    assert np.median(skills) < 0
    assert attribute(*smoothed(3), disturbance=DISTURBED).skill.r2 > 0.5


def test_skill_leaves_out_what_shares_years_with_the_block() -> None:
    ks, climate = basin(8)
    block = 5
    result = attribute(ks, climate[["air_temperature"]], disturbance=DISTURBED, window=1, block=block)
    x = np.column_stack([np.ones(50), climate["air_temperature"]])
    errors, plain = [], []
    for start in range(0, 30, block):
        left = (np.arange(30) >= start) & (np.arange(30) < start + block)
        beta = np.linalg.lstsq(x[:30][~left], ks.to_numpy()[:30][~left], rcond=None)[0]
        errors.extend(ks.to_numpy()[:30][left] - x[:30][left] @ beta)
        plain.extend(ks.to_numpy()[:30][left] - ks.to_numpy()[:30][~left].mean())
    assert result.skill.r2 == pytest.approx(1 - np.square(errors).sum() / np.square(plain).sum())
    assert result.skill.rmse == pytest.approx(np.sqrt(np.mean(np.square(errors))))


def test_no_block_to_leave_out_is_no_skill() -> None:
    result = attribute(*smoothed(3), disturbance=DISTURBED, block=30)
    assert np.isnan(result.skill.r2)
    assert result.skill.n_blocks == 0


def test_missing_years_are_named_and_left_out() -> None:
    ks, climate = smoothed(3, step=8.0)
    ks.loc[1980] = np.nan
    holes = climate.drop(index=2010)
    holes.loc[1990, "snow_depth"] = np.nan
    result = attribute(ks, holes, disturbance=DISTURBED)
    assert result.predicted.loc[1980, "reason"] == "no recession constant"
    assert result.predicted.loc[1992, "reason"] == "not all years of the window have snow_depth"
    assert result.predicted.loc[2012, "reason"].startswith("not all years of the window have air_temperature, ")
    assert np.isnan(result.predicted.loc[2012, "predicted"])
    assert result.predicted.loc[1980, ["predicted", "lower"]].notna().all()
    assert (result.n_years, result.effect.n_years) == (26 - 1 - 5, 16 - 5)
    assert result.effect.lower < 8.0 < result.effect.upper


def test_order_of_years_does_not_matter(planted: Attribution) -> None:
    ks, climate = smoothed(3, step=8.0)
    turned = attribute(ks[::-1], climate.sample(frac=1, random_state=0), disturbance=DISTURBED)
    assert turned.effect == planted.effect


def test_says_where_the_climate_is_new() -> None:
    ks, climate = smoothed(3)
    climate.loc[2010:2014, "snow_depth"] += 10.0
    table = attribute(ks, climate, disturbance=DISTURBED).predicted
    assert table.loc[2008:2016, "extrapolated"].all()
    assert not table.loc[table["period"] == "before", "extrapolated"].any()


@given(st.floats(0.01, 100.0), st.floats(-50.0, 50.0), st.floats(-3.0, 3.0))
@settings(max_examples=15)
def test_effect_scales_and_does_not_see_what_climate_explains(factor: float, shift: float, slope: float) -> None:
    ks, climate = smoothed(3, step=8.0)
    climate = climate[["air_temperature", "precipitation"]]
    explained = slope * climate["air_temperature"].rolling(5, center=True).mean().reindex(ks.index)
    one, other = (attribute(k, climate, disturbance=DISTURBED) for k in (ks, factor * (ks + explained) + shift))
    assert other.effect.mean == pytest.approx(factor * one.effect.mean, rel=1e-6)
    assert other.effect.upper == pytest.approx(factor * one.effect.upper, rel=1e-6)
    assert other.effect.p_value == pytest.approx(one.effect.p_value, rel=1e-4)


def test_autoregressive_noise_widens_the_interval_and_keeps_the_rest_in_order() -> None:
    ks, climate = smoothed(3, step=8.0, memory=0.6)
    one, other = (attribute(ks, climate, disturbance=DISTURBED, noise=noise) for noise in AnnualNoise)
    assert other.effect.upper - other.effect.lower > one.effect.upper - one.effect.lower
    assert (other.predicted["lower"].dropna() < other.predicted["predicted"].dropna()).all()
    assert other.noise_correlation == one.noise_correlation > 0.2


def _too_few(ks: pd.Series, climate: pd.DataFrame) -> Attribution:
    return attribute(ks, climate, disturbance=1982)


def _constant(ks: pd.Series, climate: pd.DataFrame) -> Attribution:
    return attribute(ks, climate.assign(slope=4.1), disturbance=DISTURBED)


def _combination(ks: pd.Series, climate: pd.DataFrame) -> Attribution:
    total = climate["precipitation"] - 2 * climate["evapotranspiration"]
    return attribute(ks, climate.assign(balance=total), disturbance=DISTURBED)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (_too_few, r"disturbance 1982: 7 windows of 5 years before .* 6 predictors need 8"),
        (_constant, r"slope does not change before the disturbance"),
        (_combination, r"precipitation, evapotranspiration, balance are combinations of each other"),
        (lambda k, c: attribute(k, c, disturbance=2030), r"no window of 5 years after it .*1973 to 2018"),
        (lambda k, c: attribute(k, c, disturbance=2001, window=4), r"window: must be an odd number .* not 4"),
        (lambda k, c: attribute(k, c, disturbance=2001, confidence=95), r"confidence: .* not 95"),
        (lambda k, c: attribute(k, c, disturbance=2001, block=0), r"block: must be 1 year or more, not 0"),
        (lambda k, c: attribute(pd.concat([k, k[:1]]), c, disturbance=2001), r"ks: has 1973 more than once"),
        (lambda k, c: attribute(k.set_axis(k.index.astype(str)), c, disturbance=2001), r"ks: its index must hold"),
        (lambda k, c: attribute(k[:0], c, disturbance=2001), r"ks: is empty"),
        (lambda k, c: attribute(k, c[[]], disturbance=2001), r"climate: needs predictors"),
        (lambda k, c: attribute(k, c.assign(station="A"), disturbance=2001), r"climate: holds what is no number"),
    ],
)
def test_bad_input(call: Callable[[pd.Series, pd.DataFrame], Attribution], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call(*smoothed(3))
