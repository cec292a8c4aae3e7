import numpy as np
import pytest
import statsmodels.api as sm
from scipy import optimize

from cryoscale.errors import InputError
from cryoscale.hydrology import FitMethod, FitRules
from cryoscale.hydrology.fits import effective_events, interval, resampled_lines


def cloud(n=240, events=16, seed=1):
    rng = np.random.default_rng(seed)
    flow = np.exp(rng.normal(2.5, 0.9, n))
    rate = 0.05 * flow**1.3 * np.exp(0.25 * rng.standard_t(4, n))
    return flow, rate, rng.integers(0, events, n)


def line(method, flow, rate, event, **options):
    found = resampled_lines(flow, rate, event, rules=FitRules(method=method, replicates=100, **options), seed=3)
    return found[:, 0]


def design(flow):
    return sm.add_constant(np.log(flow))


def test_ordinary_is_that_of_statsmodels():
    flow, rate, event = cloud()
    np.testing.assert_allclose(
        line(FitMethod.ORDINARY, flow, rate, event), sm.OLS(np.log(rate), design(flow)).fit().params, rtol=1e-10
    )


def test_robust_is_that_of_statsmodels():
    flow, rate, event = cloud()
    model = sm.RLM(np.log(rate), design(flow), M=sm.robust.norms.HuberT()).fit(maxiter=200, tol=1e-10)
    np.testing.assert_allclose(line(FitMethod.ROBUST, flow, rate, event), model.params, rtol=1e-6)


def test_robust_withstands_spikes():
    flow, rate, event = cloud()
    rate[:20] *= 20
    ordinary, robust = (line(method, flow, rate, event) for method in (FitMethod.ORDINARY, FitMethod.ROBUST))
    assert abs(robust[0] - np.log(0.05)) < 0.5 * abs(ordinary[0] - np.log(0.05))


@pytest.mark.parametrize("seed", range(4))
def test_envelope_is_the_best_quantile_line(seed):
    """Against linear programming."""
    flow, rate, event = cloud(seed=seed)
    x, y, n = np.log(flow), np.log(rate), flow.size
    costs = np.concatenate((np.zeros(4), np.full(n, 0.05), np.full(n, 0.95)))
    equations = np.hstack([np.column_stack([np.ones(n), -np.ones(n), x, -x]), np.eye(n), -np.eye(n)])
    best = optimize.linprog(costs, A_eq=equations, b_eq=y, method="highs")
    found = line(FitMethod.LOWER_ENVELOPE, flow, rate, event)
    residual = y - found[0] - found[1] * x
    assert np.maximum(0.05 * residual, -0.95 * residual).sum() == pytest.approx(best.fun, rel=1e-5)
    assert np.mean(residual < -1e-6) <= 0.05 <= np.mean(residual < 1e-6)


def test_nonlinear_is_that_of_scipy():
    flow, rate, event = cloud()
    best, _ = optimize.curve_fit(lambda q, a, b: a * q**b, flow, rate, p0=(0.05, 1.3), xtol=1e-12, ftol=1e-12)
    found = line(FitMethod.NONLINEAR, flow, rate, event)
    np.testing.assert_allclose((np.exp(found[0]), found[1]), best, rtol=1e-5)


def kirchner(flow, rate):
    """Bins by a plain loop over sorted pairs."""
    order = np.argsort(-flow)
    q, r = flow[order], rate[order]
    span = 0.01 * np.log(q[0] / q[-1])
    cuts, start = [], 0
    for i in range(q.size):
        part = r[start : i + 1]
        if np.log(q[start] / q[i]) >= span and part.size >= 5 and part.std(ddof=1) / part.size**0.5 <= part.mean() / 2:
            cuts.append((start, i + 1))
            start = i + 1
    cuts[-1] = (cuts[-1][0], q.size)
    x = np.log([q[i:j].mean() for i, j in cuts])
    y = np.log([r[i:j].mean() for i, j in cuts])
    error = [max(r[i:j].std(ddof=1) / (j - i) ** 0.5 / r[i:j].mean(), 0.01) for i, j in cuts]
    return sm.WLS(y, sm.add_constant(x), weights=1 / np.square(error)).fit().params


def test_bins_are_those_of_kirchner():
    flow, rate, event = cloud()
    np.testing.assert_allclose(line(FitMethod.BINNED, flow, rate, event), kirchner(flow, rate), rtol=1e-8)


@pytest.mark.parametrize("method", list(FitMethod))
@pytest.mark.parametrize("exponent", [None, 1.3])
def test_a_line_without_scatter_is_found_exactly(method, exponent):
    flow, _, event = cloud()
    found = line(method, flow, 0.05 * flow**1.3, event, exponent=exponent)
    tolerance = 0.02 if method is FitMethod.BINNED else 1e-5  # a bin's mean rate is not the rate at its mean Q
    np.testing.assert_allclose(found, (np.log(0.05), 1.3), rtol=tolerance)


@pytest.mark.parametrize("method", list(FitMethod))
def test_a_fixed_exponent_stays_and_a_fits_it(method):
    flow, rate, event = cloud()
    found = line(method, flow, rate, event, exponent=1.0)
    assert found[1] == 1.0
    residual = np.log(rate) - found[0] - np.log(flow)
    if method is FitMethod.ORDINARY:
        assert residual.mean() == pytest.approx(0, abs=1e-12)
    elif method is FitMethod.LOWER_ENVELOPE:
        assert np.mean(residual < -1e-9) <= 0.05 <= np.mean(residual < 1e-9)
    elif method is FitMethod.NONLINEAR:
        assert np.exp(found[0]) == pytest.approx((rate * flow).sum() / (flow**2).sum(), rel=1e-10)
    else:
        assert abs(residual.mean()) < 0.2


@pytest.mark.parametrize("method", list(FitMethod))
def test_the_unit_of_discharge_only_moves_a(method):
    """Q in litres: the same b, and a smaller by 1000^(1 - b) in that unit."""
    flow, rate, event = cloud()
    metres, litres = line(method, flow, rate, event), line(method, 1000 * flow, 1000 * rate, event)
    assert litres[1] == pytest.approx(metres[1], rel=1e-5)
    assert litres[0] == pytest.approx(metres[0] + (1 - metres[1]) * np.log(1000), rel=1e-4)


def test_resamples_draw_whole_events():
    """Two events: a resample is one of three samples, each with its own line."""
    flow, rate, _ = cloud(20)
    event = np.repeat([4, 7], 10)
    found = resampled_lines(flow, rate, event, rules=FitRules(replicates=200), seed=0)
    parts = [np.polyfit(np.log(flow[rows]), np.log(rate[rows]), 1)[0] for rows in (event == 4, event == 7, event > 0)]
    distances = np.abs(found[1][:, None] - np.array(parts))
    assert (distances.min(axis=1) < 1e-9).all()
    shares = np.bincount(distances[1:].argmin(axis=1), minlength=3) / 200
    np.testing.assert_allclose(shares, (0.25, 0.25, 0.5), atol=0.1)


def test_the_same_seed_gives_the_same_bits():
    flow, rate, event = cloud()
    first, again, other = (resampled_lines(flow, rate, event, rules=FitRules(seed=seed), seed=1) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first[:, 1:], other[:, 1:])


def test_one_discharge_gives_no_line():
    found = resampled_lines(np.full(9, 2.0), np.linspace(1, 2, 9), np.arange(9) // 3, rules=FitRules(), seed=0)
    assert np.isnan(found).all()


def test_intervals_widen_for_few_events():
    values = np.random.default_rng(0).normal(size=20000)
    wide, narrow = (interval(values, n_events=n, confidence=0.95) for n in (5, 10000))
    assert narrow == pytest.approx((-1.96, 1.96), abs=0.06)
    assert wide == pytest.approx((-3.10, 3.10), abs=0.25)  # t(4) = 2.776, times sqrt(5 / 4)


def test_events_of_equal_leverage_all_count():
    flow, event = np.tile([8.0, 4.0, 2.0], 6), np.repeat(np.arange(6), 3)
    for method in FitMethod:
        rules = FitRules(method=method)
        assert effective_events(flow, event, rules=rules, exponent=1.3) == pytest.approx(6)


def test_a_large_event_decides_the_nonlinear_fit_alone():
    flow = np.concatenate([[80.0, 8.0, 0.8]] * 5 + [[800.0, 400.0, 200.0]])
    event = np.repeat(np.arange(6), 3)
    counts = {
        method: effective_events(flow, event, rules=FitRules(method=method), exponent=1.3)
        for method in (FitMethod.ORDINARY, FitMethod.NONLINEAR)
    }
    assert counts[FitMethod.NONLINEAR] < 2.5 < 0.5 * counts[FitMethod.ORDINARY] + 1
    given = FitRules(method=FitMethod.ORDINARY, exponent=1.3)
    assert effective_events(flow, event, rules=given, exponent=1.3) == pytest.approx(6)


def test_too_many_resamples_without_a_line():
    values = np.where(np.arange(100) < 6, np.nan, 1.0)
    assert np.isnan(interval(values, n_events=9, confidence=0.9)).all()
    assert interval(np.where(np.arange(100) < 5, np.nan, 1.0), n_events=9, confidence=0.9) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"confidence": 1.0}, "between 0 and 1"),
        ({"minimum_events": 1}, "minimum_events: must be at least 2"),
        ({"replicates": 10}, "replicates: must be at least 100"),
        ({"exponent": float("nan")}, "is no number"),
        ({"reference_discharge": 0.0}, "must be positive"),
    ],
)
def test_rules_that_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        FitRules(**options)
