"""Noise under a moving window: its covariance against simulation, mixtures against scipy."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq
from scipy.signal import lfilter

from cryoscale.hydrology._noise import Mixture, smoothed_covariance


@pytest.mark.parametrize("memory", [0.0, 0.5])
@pytest.mark.parametrize("window", [1, 3, 5])
def test_covariance_is_that_of_simulated_means(memory: float, window: int) -> None:
    shocks = np.random.default_rng(1).normal(size=200_000)
    means = pd.Series(lfilter([1.0], [1.0, -memory], shocks)).rolling(window, center=True).mean().dropna().to_numpy()
    years = np.array([1990, 1991, 1993, 1999])
    covariance = smoothed_covariance(years, window=window, memory=memory)
    for i, year in enumerate(years):
        lag = year - years[0]
        simulated = np.mean(means[: means.size - lag] * means[lag:])
        assert covariance[0, i] == pytest.approx(simulated, abs=0.01)


def test_independent_means_without_a_common_year_are_independent() -> None:
    covariance = smoothed_covariance([2000, 2004, 2005], window=5, memory=0.0)
    assert covariance[0] == pytest.approx([1 / 5, 1 / 25, 0.0])


@given(st.floats(0.01, 0.99), st.integers(0, 100))
def test_quantiles_of_a_mixture_invert_its_distribution(probability: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    centres, scales, weights = rng.normal(size=(3, 2)), rng.uniform(0.1, 2, (3, 2)), rng.dirichlet([1, 1, 1])
    mixture = Mixture(centres, scales, weights, 7.0)

    def below(x: float) -> float:
        return float(weights @ stats.t.cdf(x, 7, centres[:, 1], scales[:, 1]))

    assert mixture.quantile(probability)[1] == pytest.approx(brentq(lambda x: below(x) - probability, -30, 30))
    assert mixture.below(0.3)[1] == pytest.approx(below(0.3))
    assert mixture.p_value()[1] == pytest.approx(2 * min(below(0.0), 1 - below(0.0)))


def test_a_single_case_is_students_t() -> None:
    mixture = Mixture(np.array([[2.0]]), np.array([[0.5]]), np.ones(1), 11.0)
    assert mixture.quantile(0.975)[0] == pytest.approx(stats.t.ppf(0.975, 11, 2.0, 0.5))
    assert (mixture.mean()[0], mixture.spread()[0]) == pytest.approx((2.0, 0.5))


def test_spread_counts_what_cases_disagree_on() -> None:
    mixture = Mixture(np.array([[-1.0], [1.0]]), np.array([[0.0], [0.0]]), np.array([0.5, 0.5]), 5.0)
    assert mixture.spread()[0] == pytest.approx(1.0)
    assert mixture.below([0.0])[0] == pytest.approx(0.5)
