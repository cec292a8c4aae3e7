"""The ensemble as a whole: the same from the same seed, in pieces, in threads and unpickled; what it says of itself."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from cryoscale.errors import InputError
from cryoscale.moisture.ensemble import MoistureEnsemble
from cryoscale.moisture.intervals import coverage_of
from cryoscale.moisture.learners import Learner

SETTINGS = {"n_folds": 2, "n_candidates": 1, "drop": 0.6}
FORESTS = {"learners": [Learner.RANDOM_FOREST, Learner.EXTRA_TREES], "n_folds": 2, "n_candidates": 1, "min_features": 5}


def world(n=160, *, seed=0):
    """Moisture from three covariates of five, with noise of 0.03 m3 m-3."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(n, 5)), columns=["ndvi", "lst", "sand", "slope", "curvature"])
    truth = 0.3 + 0.06 * np.tanh(2 * table.ndvi) - 0.05 * table.lst * (table.sand > 0) + 0.04 * np.sin(2 * table.sand)
    return table, np.clip(truth + rng.normal(0, 0.03, n), 0.01, 0.7).to_numpy()


TABLE, TARGET = world()
GROUPS = np.arange(len(TABLE)) // 4
NEW = world(4000, seed=1)


@pytest.fixture(scope="module")
def model():
    return MoistureEnsemble(**SETTINGS).fit(TABLE, TARGET, groups=GROUPS)


def bytes_of(parts):
    return b"".join(
        getattr(parts, name).tobytes() for name in ("moisture", "lower", "upper", "spread", "dissimilarity")
    )


def test_parts_do_not_depend_on_pieces_or_threads(model):
    rows = model.rows_of(NEW[0])
    whole = bytes_of(model.predict_parts(rows))
    pieces = [rows[:1], rows[1:18], rows[18:1999], rows[1999:]]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(model.predict_parts, pieces))
        twice = list(pool.map(lambda _: bytes_of(model.predict_parts(rows)), range(4)))
    joined = {name: np.concatenate([getattr(part, name) for part in found]) for name in ("moisture", "dissimilarity")}
    np.testing.assert_array_equal(joined["moisture"], model.predict_parts(rows).moisture)
    np.testing.assert_array_equal(joined["dissimilarity"], model.predict_parts(rows).dissimilarity)
    np.testing.assert_array_equal(np.concatenate([part.upper for part in found]), model.predict_parts(rows).upper)
    assert set(twice) == {whole}
    assert all(getattr(found[0], name).dtype == np.float32 for name in ("moisture", "lower", "upper", "spread"))


def test_it_survives_pickling_to_the_bit(model):
    rows = model.rows_of(NEW[0])
    again = pickle.loads(pickle.dumps(model))
    assert bytes_of(again.predict_parts(rows)) == bytes_of(model.predict_parts(rows))
    assert again.features_ == model.features_


def test_same_seed_same_model(model):
    again = clone(model).fit(TABLE, TARGET, groups=GROUPS)
    assert again.features_ == model.features_
    np.testing.assert_array_equal(again.predict(NEW[0]), model.predict(NEW[0]))
    one, other = (MoistureEnsemble(**FORESTS, seed=seed).fit(TABLE, TARGET) for seed in (0, 5))
    assert not np.array_equal(other.predict(NEW[0]), one.predict(NEW[0]))


def test_new_samples_are_predicted_and_covered(model):
    table, observed = NEW
    parts = model.predict_parts(model.rows_of(table))
    assert {"ndvi", "lst", "sand"} <= set(model.features_)
    assert 1 - ((parts.moisture - observed) ** 2).mean() / observed.var() > 0.5
    assert 0.82 < coverage_of(parts.lower, parts.upper, observed).share < 0.97
    assert (parts.lower < parts.moisture).all()
    assert (parts.moisture < parts.upper).all()
    inside = parts.dissimilarity <= model.applicability_.threshold
    assert inside.mean() > 0.8
    far = model.predict_parts(model.rows_of(table.head(100) + 20))
    assert (far.dissimilarity > model.applicability_.threshold).all()


def test_steps_fit_together(model):
    table = model.out_of_fold_
    learners = [str(learner) for learner in Learner]
    fused = (table[learners] * model.weights_.to_numpy()).sum(axis=1)
    np.testing.assert_allclose(table["fused"], fused)
    np.testing.assert_allclose(table["spread"], table[learners].std(axis=1, ddof=0))
    rmse = np.sqrt(((table["corrected"] - table["observed"]) ** 2).mean())
    assert rmse == pytest.approx(model.correction_.rmse_after)
    assert (table.groupby(GROUPS)["fold"].nunique() == 1).all()
    assert list(model.settings_) == list(Learner)
    assert model.applicability_.names == model.features_ == model.selection_.names
    rows = model.rows_of(NEW[0].head(50))
    each = model.predict_learners(rows)
    assert each.shape == (4, 50)
    moisture = model.correction_(model.fuse(each)).astype(np.float32)
    np.testing.assert_array_equal(moisture, model.predict(NEW[0].head(50)))


def test_options_reach_their_steps():
    plain = MoistureEnsemble(**FORESTS).fit(TABLE, TARGET)
    assert set(plain.features_) == set(TABLE)
    assert plain.out_of_fold_["fold"].nunique() == 2
    assert plain.weights_.index.tolist() == ["random-forest", "extra-trees"]
    options = {"stretch": 1.0, "max_rmse_rise": 0.5, "coverage": 0.6, "n_candidates": 3}
    other = MoistureEnsemble(**FORESTS | options).fit(TABLE, TARGET)
    assert plain.correction_.stretch == 0 < other.correction_.stretch
    assert other.interval_.upper < plain.interval_.upper
    assert other.settings_ != plain.settings_


def test_columns_are_found_by_name(model):
    shuffled = NEW[0][["slope", "sand", "curvature", "ndvi", "lst"]].assign(more=1.0)
    np.testing.assert_array_equal(model.predict(shuffled), model.predict(NEW[0]))


def test_bad_input(model):
    with pytest.raises(InputError, match="features: ndvi missing, to which the ensemble was fitted; the table has lst"):
        model.predict(NEW[0].drop(columns="ndvi"))
    with pytest.raises(InputError, match="features: 'lst' is NaN or infinite at a sample"):
        model.predict(NEW[0].assign(lst=np.nan))
    with pytest.raises(InputError, match=r"target: 160 samples outside 0 to 1, such as .*Divide per cent by 100"):
        MoistureEnsemble(**SETTINGS).fit(TABLE, 100 * TARGET)
    with pytest.raises(InputError, match=r"learners: needs one or more, each once, not \[\]"):
        MoistureEnsemble(**SETTINGS, learners=[]).fit(TABLE, TARGET)
    with pytest.raises(InputError, match="2 folds of 1 groups"):
        MoistureEnsemble(**SETTINGS).fit(TABLE, TARGET, groups=np.zeros(160))
    with pytest.raises(InputError, match="groups: .* for 160 samples"):
        MoistureEnsemble(**SETTINGS).fit(TABLE, TARGET, groups=GROUPS[1:])
    with pytest.raises(InputError, match="learners: 'forest' is not one of random-forest, extra-trees"):
        MoistureEnsemble(**SETTINGS, learners=["forest"]).fit(TABLE, TARGET)
