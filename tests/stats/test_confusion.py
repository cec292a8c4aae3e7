import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score
from sklearn.metrics import confusion_matrix as sk_matrix
from statsmodels.stats.inter_rater import cohens_kappa

from cryoscale.errors import InputError
from cryoscale.stats.confusion import confusion, confusion_matrix, kappa_interval

NAMES = {1: "permafrost", 2: "seasonally_frozen_ground", 3: "glacier"}
LABELS = arrays("int64", 60, elements=st.integers(1, 3))


def maps(shape=(40, 30), *, seed=0):
    rng = np.random.default_rng(seed)
    observed = rng.integers(0, 4, shape)
    predicted = np.where(rng.random(shape) < 0.7, observed, rng.integers(0, 4, shape))
    return (xr.DataArray(v.astype("uint8"), dims=("y", "x")) for v in (predicted, observed))


@given(LABELS, LABELS)
def test_it_agrees_with_scikit_learn_and_statsmodels(p, o):
    if len(set(p.tolist()) | set(o.tolist())) < 2:
        return
    result = confusion(p, o, classes=NAMES)
    matrix = sk_matrix(o, p, labels=[1, 2, 3]).T
    np.testing.assert_array_equal(result.matrix, matrix)
    assert result.kappa == pytest.approx(cohen_kappa_score(p, o))
    assert result.overall_accuracy == pytest.approx((p == o).mean())
    # statsmodels rounds variances that are 0 to below 0 in places; compare where they are not
    if result.kappa_error > 1e-6:
        peer = cohens_kappa(matrix)
        assert result.kappa_error == pytest.approx(peer.std_kappa, rel=1e-9)
        assert result.kappa_interval[0] == pytest.approx(peer.kappa_low, rel=1e-9)


def test_accuracies_of_classes():
    p, o = (array.values for array in maps())
    both = (p > 0) & (o > 0)
    result = confusion(p, o, classes=NAMES)
    for code, name in NAMES.items():
        assert result.producers_accuracy[name] == pytest.approx((p[both & (o == code)] == code).mean())
        assert result.users_accuracy[name] == pytest.approx((o[both & (p == code)] == code).mean())
    assert result.balanced_accuracy == pytest.approx(balanced_accuracy_score(o[both], p[both]))


def test_the_standard_error_is_that_of_a_bootstrap_of_pixels():
    rng = np.random.default_rng(1)
    o = rng.choice([1, 2], 2000, p=[0.7, 0.3])
    p = np.where(rng.random(2000) < 0.85, o, 3 - o)
    draws = [cohen_kappa_score(p[i], o[i]) for i in (rng.integers(0, 2000, 2000) for _ in range(200))]
    result = confusion(p, o)
    assert result.kappa_error == pytest.approx(np.std(draws), rel=0.15)
    assert result.kappa_interval == pytest.approx(kappa_interval(p, o, blocks=np.arange(2000), seed=0), abs=0.01)


def test_blocks_widen_the_interval_of_pixels_that_are_alike():
    rng = np.random.default_rng(2)
    blocks = np.repeat(np.arange(50), 40)
    o = rng.choice([1, 2], 2000)
    wrong = np.repeat(rng.random(50) < 0.2, 40)
    p = np.where(wrong, 3 - o, o)
    low, high = kappa_interval(p, o, blocks=blocks, seed=3)
    independent = confusion(p, o).kappa_interval
    # Errors come in blocks of 40 pixels: the standard error is sqrt(40) times that of independent ones.
    assert (high - low) / (independent[1] - independent[0]) == pytest.approx(np.sqrt(40), rel=0.25)
    assert kappa_interval(p, o, blocks=blocks, seed=3) == (low, high)
    narrow = kappa_interval(p, o, blocks=blocks, seed=3, level=0.5)
    assert low < narrow[0] < narrow[1] < high


def test_no_data_do_not_count():
    p = np.array([1.0, 2.0, np.nan, 1.0, 0.0, 4.0])
    o = np.array([1, 1, 2, 0, 2, 1])
    result = confusion(p, o, classes=(0, 1, 2))
    assert result.matrix.to_numpy().tolist() == [[1, 0], [1, 0]]
    assert list(result.matrix.index) == ["1", "2"]
    assert np.isnan(result.producers_accuracy["2"])


def test_names_come_from_flags():
    p, o = maps()
    p.attrs = {"flag_values": [0, 1, 2, 3], "flag_meanings": "no_data permafrost seasonally_frozen_ground glacier"}
    assert list(confusion(o, p).matrix.index) == list(NAMES.values())


def test_lazy_equals_eager(assert_lazy):
    p, o = maps()
    where = xr.DataArray(np.arange(30) > 8, dims="x").broadcast_like(p)
    eager = confusion_matrix(p, o, classes=NAMES, where=where)
    with assert_lazy():
        lazy = confusion_matrix(p.chunk(7), o.chunk({"y": 40, "x": 11}), classes=NAMES, where=where)
    xr.testing.assert_identical(lazy.compute(), eager)
    assert int(eager.sum()) == int(((p > 0) & (o > 0) & where).sum())
    assert confusion(p.chunk(9), o, classes=NAMES).kappa == confusion(p, o, classes=NAMES).kappa


def test_one_class_has_no_kappa():
    result = confusion(np.ones(5, int), np.ones(5, int))
    assert np.isnan(result.kappa)
    assert np.isnan(result.kappa_error)
    assert result.overall_accuracy == 1.0


def test_bad_input_says_what_to_do():
    p, o = maps()
    with pytest.raises(InputError, match="a survey map without overlap"):
        confusion(p, xr.zeros_like(o), classes=(1, 2))
    with pytest.raises(InputError, match="lies on another grid"):
        confusion(p, o[1:], classes=(1, 2))
    with pytest.raises(InputError, match=r"is lazy and has no flag_values; name the codes: classes=\(1, 2\)"):
        confusion(p.chunk(5), o)
    with pytest.raises(InputError, match="holds -3.5; classes must be integers"):
        confusion(np.array([-3.5, 1.0]), np.array([1, 1]))
    with pytest.raises(InputError, match="lie in 1 block; a bootstrap needs two or more"):
        kappa_interval(p, o, blocks=xr.zeros_like(p), seed=0)
