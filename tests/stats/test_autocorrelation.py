import numpy as np
import pytest

from cryoscale.stats._autocorrelation import effective_sample_size


def dense(x, y, valid, spacing):
    """The definition, with matrices of positions by positions."""
    rows, columns = np.nonzero(valid)
    places = np.column_stack([rows * spacing[0], columns * spacing[1]])
    distance = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    classes = np.rint(distance / min(spacing)).astype(int)
    covariances = []
    for field in (x, y):
        values = field[valid] - field[valid].mean()
        products = np.outer(values, values)
        means = [products[classes == k].mean() if (classes == k).any() else 0.0 for k in range(classes.max() + 1)]
        covariances.append(np.array(means)[classes])
    n = len(places)
    centring = np.eye(n) - 1 / n
    p_x, p_y = (centring @ covariance for covariance in covariances)
    return 1 + np.trace(p_x) * np.trace(p_y) / np.trace(p_x @ p_y)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (1110.0, 872.0)])
def test_it_equals_dense_matrices(spacing):
    rng = np.random.default_rng(0)
    valid = rng.random((11, 14)) < 0.8
    x, y = (np.cumsum(np.cumsum(rng.normal(size=valid.shape), 0), 1) for _ in range(2))
    result = effective_sample_size(x, y, valid, spacing=spacing)
    assert result == pytest.approx(dense(x, y, valid, spacing), rel=1e-9)
    assert 2 < result < 0.5 * valid.sum()


def test_independent_values_count_fully():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 40, 40))
    assert effective_sample_size(x, y, np.ones((40, 40), bool), spacing=(1.0, 1.0)) == pytest.approx(1600, rel=0.1)


def test_what_is_masked_does_not_matter():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 12, 9))
    valid = rng.random((12, 9)) < 0.7
    expected = effective_sample_size(x, y, valid, spacing=(1.0, 1.0))
    hidden = np.where(valid, x, np.nan), np.where(valid, y, 1e9)
    assert effective_sample_size(*hidden, valid, spacing=(1.0, 1.0)) == expected


def test_a_constant_field_has_none():
    y = np.random.default_rng(0).normal(size=(5, 5))
    assert np.isnan(effective_sample_size(np.full((5, 5), 0.1), y, np.ones((5, 5), bool), spacing=(1.0, 1.0)))
    assert np.isnan(effective_sample_size(y, y, np.zeros((5, 5), bool), spacing=(1.0, 1.0)))
