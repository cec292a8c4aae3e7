"""Weights of the fusion against a general optimiser, and what they promise."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from cryoscale.errors import InputError
from cryoscale.moisture.fusion import fusion_weights


def make_table(*, n=200, errors=(0.03, 0.05, 0.08), shared=0.03, seed=0):
    rng = np.random.default_rng(seed)
    target = rng.uniform(0.1, 0.5, n)
    common = rng.normal(0, shared, n)
    return pd.DataFrame({f"l{k}": target + common + rng.normal(0, e, n) for k, e in enumerate(errors)}), target


def penalised(weights, table, target):
    errors = target[:, None] - table.to_numpy()
    level = (errors**2).mean()
    return ((errors @ weights) ** 2).mean() / level + ((weights - 1 / len(weights)) ** 2).sum() / np.sqrt(len(target))


@pytest.mark.parametrize("errors", [(0.03, 0.05, 0.08), (0.01, 0.2), (0.05, 0.05, 0.05, 0.3)])
@pytest.mark.parametrize("seed", range(3))
def test_they_minimise_what_the_docstring_says(errors, seed):
    table, target = make_table(errors=errors, seed=seed)
    k = len(errors)
    peer = minimize(
        penalised,
        np.full(k, 1 / k),
        args=(table, target),
        method="SLSQP",
        bounds=[(0, 1)] * k,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-14},
    )
    np.testing.assert_allclose(fusion_weights(table, target), peer.x, atol=1e-5)


def test_a_useless_learner_gets_nothing_and_the_rest_follow_skill():
    table, target = make_table(errors=(0.02, 0.04, 0.5), shared=0.0, n=2000)
    weights = fusion_weights(table, target)
    assert weights["l2"] < 0.02
    # independent errors: by inverse variance, but for the pull of the penalty, which the level of l2 makes strong
    assert weights["l0"] > weights["l1"] > 0.2


def test_more_samples_trust_skill_more():
    few, many = (fusion_weights(*make_table(n=n, errors=(0.02, 0.06), shared=0.0))["l0"] for n in (30, 30000))
    assert 0.5 < few < many
    assert many == pytest.approx(0.9, abs=0.02)  # 0.06^2 / (0.02^2 + 0.06^2)


@given(st.integers(0, 10**6), st.integers(2, 5), st.integers(5, 60))
def test_never_worse_than_the_mean_of_learners(seed, k, n):
    rng = np.random.default_rng(seed)
    target = rng.normal(size=n)
    table = pd.DataFrame(target[:, None] * rng.normal(size=k) + rng.normal(size=(n, k)) * rng.uniform(0, 2, k))
    weights = fusion_weights(table, target).to_numpy()
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1)
    fused, plain = ((target - table @ w) ** 2 for w in (weights, np.full(k, 1 / k)))
    assert fused.mean() <= plain.mean() * (1 + 1e-9)


def test_learners_without_any_error_share_alike():
    target = np.linspace(0.1, 0.4, 10)
    assert fusion_weights(pd.DataFrame({"a": target, "b": target}), target).tolist() == [0.5, 0.5]


def test_bad_input():
    table, target = make_table()
    with pytest.raises(InputError, match=r"shape \(200, 3\) for a target of \(199,\)"):
        fusion_weights(table, target[1:])
    with pytest.raises(InputError, match="l1, target has values that are not finite"):
        fusion_weights(table.assign(l1=np.nan), np.where(target > 0.4, np.nan, target))
    with pytest.raises(InputError, match="one column a learner"):
        fusion_weights(table[[]], target)
