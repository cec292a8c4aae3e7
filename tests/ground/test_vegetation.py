"""Classes of a synthetic meadow country against the rule that made them, and against scikit-learn itself."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from sklearn.ensemble import RandomForestClassifier

from cryoscale.errors import InputError
from cryoscale.ground.vegetation import ClassWeight, VegetationClassifier, classify_vegetation
from cryoscale.ground.vegetation_validation import class_importance, validate_classifier
from cryoscale.learning.folds import grouped_folds, random_folds, spatial_blocks

SMALL = VegetationClassifier(n_trees=25, seed=3)


def classes_of(ndvi, wetness):
    return np.where(ndvi < 0.3, "bare", np.where(wetness > 0.6, "swamp", "meadow"))


def make_samples(n=184, *, seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.random((n, 3)), columns=["ndvi", "wetness", "noise"])
    return table, classes_of(table["ndvi"], table["wetness"])


def make_covariates(shape=(24, 30), *, seed=1):
    rng = np.random.default_rng(seed)
    layers = {name: (("y", "x"), rng.random(shape)) for name in ("noise", "wetness", "ndvi")}
    covariates = xr.Dataset(layers, {"y": np.arange(shape[0]) * 30.0, "x": np.arange(shape[1]) * 30.0})
    covariates["ndvi"] = covariates.ndvi.where(rng.random(shape) > 0.1)
    return covariates


@pytest.mark.parametrize(("weight", "peer"), [(ClassWeight.BALANCED, "balanced"), (ClassWeight.SAMPLES, None)])
def test_it_is_the_forest_of_scikit_learn(weight, peer):
    features, classes = make_samples()
    model = VegetationClassifier(n_trees=20, min_samples_leaf=3, class_weight=weight, seed=5).fit(features, classes)
    forest = RandomForestClassifier(20, min_samples_leaf=3, class_weight=peer, random_state=5)
    forest.fit(features.to_numpy(), classes)
    others = make_samples(50, seed=9)[0]
    np.testing.assert_array_equal(model.predict_proba(others), forest.predict_proba(others.to_numpy()))
    np.testing.assert_array_equal(
        model.predict(others[["noise", "ndvi", "wetness"]]), forest.predict(others.to_numpy())
    )


def test_the_map_finds_the_rule_again_and_knows_what_is_missing():
    covariates = make_covariates()
    mapped = classify_vegetation(covariates, SMALL.fit(*make_samples()))
    names = dict(zip(mapped.vegetation_class.flag_values, mapped.vegetation_class.flag_meanings.split(), strict=True))
    assert names == {0: "no_data", 1: "bare", 2: "meadow", 3: "swamp"}
    found = np.vectorize(names.get)(mapped.vegetation_class)
    missing = covariates.ndvi.isnull().values
    np.testing.assert_array_equal(found == "no_data", missing)
    truth = classes_of(covariates.ndvi.values, covariates.wetness.values)
    assert (found == truth)[~missing].mean() > 0.93
    probability = mapped.vegetation_probability
    assert probability.dims == ("vegetation", "y", "x")
    np.testing.assert_allclose(probability.sum("vegetation").values[~missing], 1.0, rtol=1e-6)
    assert probability.isnull().all("vegetation").equals(covariates.ndvi.isnull())
    best = probability.vegetation.values[probability.fillna(0).argmax("vegetation")]
    np.testing.assert_array_equal(best[~missing], found[~missing])


@pytest.mark.parametrize("chunks", [{"y": 5, "x": 7}, {"y": -1, "x": 11}])
def test_lazy_equals_eager(assert_lazy, chunks):
    model, covariates = SMALL.fit(*make_samples()), make_covariates()
    with assert_lazy():
        lazy = classify_vegetation(covariates.chunk(chunks), model)
    xr.testing.assert_identical(lazy.compute(scheduler="threads"), classify_vegetation(covariates, model))


def test_out_of_fold_classes_are_those_of_forests_that_have_not_seen_them():
    features, classes = make_samples()
    folds = random_folds(len(features), 4, seed=0)
    result = validate_classifier(features, classes, folds=folds, classifier=SMALL)
    predicted = np.empty_like(classes)
    for fold in range(4):
        forest = RandomForestClassifier(25, class_weight="balanced", random_state=3)
        forest.fit(features[folds != fold].to_numpy(), classes[folds != fold])
        predicted[folds == fold] = forest.predict(features[folds == fold].to_numpy())
    expected = pd.crosstab(pd.Series(predicted), pd.Series(classes))
    np.testing.assert_array_equal(result.matrix, expected)
    assert list(result.matrix.index) == ["bare", "meadow", "swamp"]
    assert result.n == 184
    assert result.kappa > 0.8


def test_blocks_show_what_random_folds_hide():
    rng = np.random.default_rng(2)
    place = np.repeat(rng.uniform(0, 5000, (24, 2)), 8, axis=0) + rng.normal(0, 10, (192, 2))
    classes = np.repeat(rng.choice(["bare", "meadow"], 24), 8)
    features = pd.DataFrame(place, columns=["x", "y"])  # where, but not what: knows only its neighbours
    near = validate_classifier(features, classes, folds=random_folds(192, 5, seed=0), classifier=SMALL)
    blocks = spatial_blocks(*place.T, size=1000.0)
    far = validate_classifier(features, classes, folds=grouped_folds(blocks, 5, seed=0), classifier=SMALL)
    assert near.overall_accuracy > 0.95
    assert far.overall_accuracy < 0.75


def test_a_class_of_one_fold_counts_as_wrong():
    features, classes = make_samples()
    folds = np.where(classes == "swamp", 0, 1 + np.arange(184) % 2)
    assert validate_classifier(features, classes, folds=folds, classifier=SMALL).producers_accuracy["swamp"] == 0.0


def test_importance_is_that_of_the_rule():
    features, classes = make_samples()
    folds = random_folds(184, 4, seed=0)
    worth = class_importance(features, classes, folds=folds, classifier=SMALL, n_repeats=3, seed=1)
    assert list(worth.index) == ["ndvi", "wetness", "noise"]
    assert worth.accuracy_loss["wetness"] > 0.1
    assert abs(worth.accuracy_loss["noise"]) < 0.05
    again = class_importance(features, classes, folds=folds, classifier=SMALL, n_repeats=3, seed=1)
    pd.testing.assert_frame_equal(worth, again)


def test_bad_samples_say_what_to_do():
    features, classes = make_samples()
    with pytest.raises(InputError, match=r"classes: np.int64\(3\) is no name of a class.*each code, a name"):
        SMALL.fit(features, np.full(184, 3))
    for name in ("alpine meadow", "no_data", ""):
        with pytest.raises(InputError, match="is no name of a class"):
            SMALL.fit(features, np.where(classes == "bare", name, classes))
    with pytest.raises(InputError, match="is no name of a class"):
        SMALL.fit(features, pd.Series(classes).where(classes != "bare"))
    with pytest.raises(InputError, match=r"classes: have the shape \(5,\), but there are 184 samples"):
        SMALL.fit(features, classes[:5])
    with pytest.raises(InputError, match=r"the samples have 1 classes \(bare\)"):
        SMALL.fit(features, ["bare"] * 184)
    with pytest.raises(InputError, match=r"2 of 184 samples have missing values \(rows 4, 7\)"):
        SMALL.fit(features.assign(ndvi=features["ndvi"].where(~features.index.isin([4, 7]))), classes)
    with pytest.raises(InputError, match="soil is .*, not a number"):
        SMALL.fit(features.assign(soil="peat"), classes)
    with pytest.raises(InputError, match="swamp has a single sample"):
        validate_classifier(features[:3], ["bare", "bare", "swamp"], folds=[0, 1, 0])
    with pytest.raises(InputError, match="one of two or more folds"):
        validate_classifier(features, classes, folds=np.zeros(184))
    with pytest.raises(InputError, match="n_repeats: must be 1 or more, not 0"):
        class_importance(features, classes, folds=np.arange(184) % 2, n_repeats=0)
    with pytest.raises(ValueError, match="'none' is not a valid ClassWeight"):
        VegetationClassifier(class_weight="none").fit(features, classes)


def test_bad_maps_say_what_to_do():
    model, covariates = SMALL.fit(*make_samples()), make_covariates()
    with pytest.raises(InputError, match=r"lack \['noise'\], which the classifier was fitted to"):
        classify_vegetation(covariates.drop_vars("noise"), model)
    with pytest.raises(InputError, match=r"features: lack the columns \['noise'\]"):
        model.predict(pd.DataFrame({"ndvi": [0.1], "wetness": [0.2]}))
