"""The model against scikit-learn, brute force and planted truth; its sub-models pixel by pixel; lazy and saved."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cryoscale.errors import InputError
from cryoscale.learning.folds import fold_splits, random_folds
from cryoscale.thermal.ground_temperature import GroundTemperatureModel
from cryoscale.thermal.gst_samples import GST, OVERPASSES

TRUE = {"terra_day": 0.15, "aqua_day": 0.2, "terra_night": 0.3, "aqua_night": 0.25}
ALL = "+".join(OVERPASSES)


def make_samples(*, n_stations=12, n_days=365, bias_sd=0.0, noise=1.0, correlation=0.0, missing=0.0, seed=0):
    """Station-days whose ground temperature is 2 degC + TRUE . LST + a station's bias + AR(1) noise."""
    rng = np.random.default_rng(seed)
    shape = (n_stations, n_days)
    season = -4.0 + 14.0 * np.sin(2 * np.pi * np.arange(n_days) / 365.25) + rng.normal(0, 3, (n_stations, 1))
    offsets = {"terra_day": 14.0, "aqua_day": 17.0, "terra_night": -8.0, "aqua_night": -10.0}
    weather = rng.normal(0, 3, shape)
    lst = {name: season + offset + weather + rng.normal(0, 3, shape) for name, offset in offsets.items()}
    error = np.empty(shape)
    error[:, 0] = rng.normal(0, noise, n_stations)
    for day in range(1, n_days):
        innovation = rng.normal(0, noise * np.sqrt(1 - correlation**2), n_stations)
        error[:, day] = correlation * error[:, day - 1] + innovation
    ground = 2.0 + sum(TRUE[name] * lst[name] for name in TRUE) + rng.normal(0, bias_sd, (n_stations, 1)) + error
    table = pd.DataFrame({name: values.ravel() for name, values in lst.items()})
    for name in OVERPASSES:
        table.loc[rng.random(len(table)) < missing, name] = np.nan
    names = [f"S{i:02d}" for i in range(n_stations)]
    times = pd.date_range("2015-01-01", periods=n_days)
    return table.assign(
        **{"station": np.repeat(names, n_days), "time": np.tile(times, n_stations), GST: ground.ravel()}
    )


def make_lst(shape=(3, 7, 9), *, overpasses=OVERPASSES, seed=1, missing=0.5):
    rng = np.random.default_rng(seed)
    values = rng.normal(-5.0, 10.0, (len(overpasses), *shape)).astype("float32")
    values[rng.random(values.shape) < missing] = np.nan
    coords = {"overpass": list(overpasses), "y": np.arange(shape[1]) * -30.0, "x": np.arange(shape[2]) * 30.0}
    coords["time"] = pd.date_range("2015-06-01", periods=shape[0])
    return xr.DataArray(values, coords, ("overpass", "time", "y", "x"), "lst", {"units": "degC"})


def make_variance(lst, *, seed=4):
    values = np.random.default_rng(seed).gamma(2.0, 1.0, lst.shape).astype("float32")
    return lst.copy(data=values).rename("kriging_variance").assign_attrs(units="K2")


@pytest.fixture(scope="module")
def gappy():
    return make_samples(n_stations=6, n_days=200, bias_sd=1.0, missing=0.3)


@pytest.fixture(scope="module")
def fitted(gappy):
    return GroundTemperatureModel().fit(gappy)


# --- the fit


def test_known_coefficients_come_back():
    model = GroundTemperatureModel().fit(make_samples(noise=1e-3))
    full = model.submodels_.coefficients.loc[ALL]
    np.testing.assert_allclose(full[list(TRUE)], list(TRUE.values()), atol=1e-4)
    assert model.submodels_.intercept[ALL] == pytest.approx(2.0, abs=1e-3)
    assert model.scores_.loc[ALL, "rmse_by_station"] == pytest.approx(1e-3, rel=0.1)
    assert model.scores_.loc[ALL, "r2_by_station"] == pytest.approx(1.0)


@pytest.mark.parametrize("alpha", [1e-3, 30.0, 1e4])
@pytest.mark.parametrize("subset", [OVERPASSES, ("terra_day", "aqua_night"), ("aqua_day",)])
def test_every_submodel_is_the_ridge_of_scikit_learn(gappy, alpha, subset):
    model = GroundTemperatureModel(alphas=[alpha]).fit(gappy)
    rows = gappy.dropna(subset=list(subset))
    peer = make_pipeline(StandardScaler(), Ridge(alpha=alpha)).fit(rows[list(subset)].to_numpy(), rows[GST])
    only = model.predict_samples(rows[list(subset)])
    np.testing.assert_allclose(only, peer.predict(rows[list(subset)].to_numpy()), rtol=0, atol=1e-9)
    name = "+".join(subset)
    assert model.scores_.loc[name, "n_samples"] == len(rows)
    slopes = peer[-1].coef_ / peer[0].scale_
    np.testing.assert_allclose(model.submodels_.coefficients.loc[name, list(subset)], slopes, rtol=1e-9)
    assert model.submodels_.coefficients.loc[name].notna().sum() == len(subset)


def test_a_predictor_that_never_varies_has_no_effect():
    samples = make_samples(n_stations=3, n_days=60).assign(terra_day=5.0)
    model = GroundTemperatureModel().fit(samples)
    assert model.submodels_.coefficients.loc[ALL, "terra_day"] == pytest.approx(0.0, abs=1e-9)
    others = GroundTemperatureModel().fit(samples.drop(columns="terra_day"))
    np.testing.assert_allclose(model.predict_samples(samples), others.predict_samples(samples), atol=1e-9)


def brute_force(samples, *, splits, alphas, folds):
    """Predictions of held-out samples by scikit-learn, with the penalty chosen in the folds of each training set."""
    x, y = samples[list(OVERPASSES)].to_numpy(), samples[GST].to_numpy()
    predicted = np.full(len(y), np.nan)
    for train, test in splits:
        inner = [(train[folds[train] != fold], train[folds[train] == fold]) for fold in np.unique(folds[train])]
        errors = [
            sum(
                (
                    (make_pipeline(StandardScaler(), Ridge(alpha=a)).fit(x[fit], y[fit]).predict(x[out]) - y[out]) ** 2
                ).sum()
                for fit, out in inner
            )
            for a in alphas
        ]
        best = make_pipeline(StandardScaler(), Ridge(alpha=alphas[np.argmin(errors)])).fit(x[train], y[train])
        predicted[test] = best.predict(x[test])
    return predicted


def test_what_is_held_out_has_no_part_in_the_fit_nor_in_its_penalty():
    samples = make_samples(n_stations=4, n_days=15, bias_sd=4.0, noise=4.0, seed=3)
    alphas = [0.1, 1.0, 10.0, 100.0]
    model = GroundTemperatureModel(alphas=alphas, n_folds=5, min_samples=20).fit(samples)
    folds = random_folds(len(samples), 5, seed=0)
    stations = pd.factorize(samples["station"])[0]
    apart = brute_force(samples, splits=fold_splits(stations), alphas=alphas, folds=folds)
    random = brute_force(samples, splits=fold_splits(folds), alphas=alphas, folds=folds)
    np.testing.assert_allclose(model.held_out_["predicted"], apart, atol=1e-9)
    np.testing.assert_allclose(model.held_out_["predicted_random"], random, atol=1e-9)


def test_the_penalties_are_those_of_a_grid_search():
    samples = make_samples(n_stations=5, n_days=12, bias_sd=3.0, noise=6.0, seed=5)
    alphas = np.logspace(-1, 3, 9)
    model = GroundTemperatureModel(alphas=alphas, n_folds=5, min_samples=20).fit(samples)
    found = {}
    stations = pd.factorize(samples["station"])[0]
    for name, folds in {"alpha": random_folds(60, 5, seed=0), "alpha_by_station": stations}.items():
        # Folds of one size: the mean of their squared errors is the pooled one.
        pipeline = make_pipeline(StandardScaler(), Ridge())
        search = GridSearchCV(
            pipeline, {"ridge__alpha": alphas}, scoring="neg_mean_squared_error", cv=list(fold_splits(folds))
        )
        found[name] = search.fit(samples[list(OVERPASSES)].to_numpy(), samples[GST]).best_params_["ridge__alpha"]
        assert model.scores_.loc[ALL, name] == found[name]
    assert found["alpha"] != found["alpha_by_station"]


# --- the errors


def test_stations_left_out_tell_what_random_folds_hide():
    """Planted: persistent error of 2 K, daily error of 1.5 K with a lag-1 correlation of 0.6."""
    samples = make_samples(n_stations=60, n_days=365, bias_sd=2.0, noise=1.5, correlation=0.6)
    model = GroundTemperatureModel(min_samples=100).fit(samples)
    full = model.scores_.loc[ALL]
    assert model.station_bias_sd_ == pytest.approx(2.0, rel=0.15)
    assert model.daily_error_ == pytest.approx(1.5, rel=0.03)
    assert model.error_correlation_ == pytest.approx(0.6, abs=0.03)
    # The error is whole in either case, as each station is a small part of all; the sum of the parts is its square.
    assert full["rmse_by_station"] == pytest.approx(np.hypot(model.station_bias_sd_, model.daily_error_), rel=0.02)


@pytest.mark.parametrize("seed", range(4))
def test_few_stations_with_persistent_errors_are_worse_at_a_new_place_than_random_folds_say(seed):
    scores = GroundTemperatureModel().fit(make_samples(n_stations=5, n_days=200, bias_sd=4.0, seed=seed)).scores_
    assert (scores["rmse_by_station"] > scores["rmse_random"]).all()
    assert (scores["r2_by_station"] < scores["r2_random"]).all()
    assert scores.loc[ALL, "rmse_by_station"] > 1.1 * scores.loc[ALL, "rmse_random"]


def test_stations_alike_have_no_persistent_error():
    model = GroundTemperatureModel().fit(make_samples(n_stations=40, n_days=200, noise=2.0, correlation=0.7))
    assert model.station_bias_sd_ < 0.25  # means of 200 correlated days alone spread by 0.33 K
    assert model.held_out_.assign(e=lambda t: t.predicted - t.observed).groupby("station").e.mean().std() > 0.25


def test_scores_are_of_the_size_that_studies_report():
    """Zou et al. (2014): RMSE 2.96 to 3.05 K, R2 0.91 to 0.93 for four overpasses; fewer are worse."""
    model = GroundTemperatureModel().fit(make_samples(n_stations=20, bias_sd=1.5, noise=2.5, missing=0.2))
    full = model.scores_.loc[ALL]
    assert 2.5 < full["rmse_by_station"] < 3.5
    assert 0.88 < full["r2_by_station"] < 0.97
    assert abs(full["bias_by_station"]) < 0.3
    assert len(model.scores_) == 15
    assert model.scores_["rmse_by_station"].drop(ALL).min() > full["rmse_by_station"]


def test_tables_of_stations_and_months_agree_with_pandas(fitted):
    table = fitted.held_out_
    for scores, key in ((fitted.station_scores_, "station"), (fitted.month_scores_, table["time"].dt.month)):
        for group, rows in table.groupby(key):
            error = rows["predicted"] - rows["observed"]
            r2 = 1 - (error**2).sum() / ((rows["observed"] - rows["observed"].mean()) ** 2).sum()
            assert scores.loc[group].tolist() == pytest.approx(
                [len(rows), error.mean(), np.sqrt((error**2).mean()), r2]
            )
    assert fitted.station_scores_["n"].sum() == fitted.month_scores_["n"].sum() == fitted.scores_.loc[ALL, "n_samples"]
    assert fitted.month_scores_.index.tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_one_station_says_nothing_of_other_places():
    model = GroundTemperatureModel().fit(make_samples(n_stations=1, noise=1.5, correlation=0.5))
    by_station = [name for name in model.scores_ if name.endswith("_by_station")]
    assert model.scores_[[*by_station, "station_bias_sd"]].isna().all(axis=None)
    assert model.station_scores_[["bias", "rmse", "r2"]].isna().all(axis=None)
    assert model.scores_["rmse_random"].notna().all()
    assert model.daily_error_ == pytest.approx(1.5, rel=0.15)
    assert np.isfinite(model.predict(make_lst(missing=0.0)).gst_error).all()


# --- prediction


def test_every_pixel_gets_the_submodel_of_its_overpasses(fitted):
    lst = make_lst()
    variance = make_variance(lst)
    result = fitted.predict(lst, variance=variance)
    assert (result[GST].dims, result[GST].dtype, result[GST].attrs["units"]) == (("time", "y", "x"), "float32", "degC")
    assert (result.gst_error.dtype, result.gst_error.attrs["units"]) == ("float32", "K")
    used = set()
    for place in np.ndindex(lst.shape[1:]):
        values = lst.values[(slice(None), *place)].astype(float)
        present = [name for name, value in zip(OVERPASSES, values, strict=True) if np.isfinite(value)]
        found = float(result[GST].values[place]), float(result.gst_error.values[place])
        if not present:
            assert np.isnan(found).all()
            continue
        name = "+".join(present)
        used.add(name)
        slopes = fitted.submodels_.coefficients.loc[name, present].to_numpy()
        there = np.isfinite(values)
        expected = fitted.submodels_.intercept[name] + slopes @ values[there]
        spread = fitted.scores_.loc[name, "daily_error"] ** 2
        spread += slopes**2 @ variance.values[(slice(None), *place)][there]
        assert found == pytest.approx((expected, np.sqrt(spread)), rel=1e-5, abs=1e-5)
    assert len(used) == 15


def test_without_a_variance_the_error_is_the_submodels(fitted):
    lst = make_lst(missing=0.0)
    np.testing.assert_allclose(fitted.predict(lst).gst_error, fitted.daily_error_, rtol=1e-6)
    np.testing.assert_array_equal(fitted.predict(lst)[GST], fitted.predict(lst, variance=make_variance(lst))[GST])


def test_an_unknown_variance_makes_the_error_unknown_only_where_it_is_used(fitted):
    lst = make_lst(missing=0.0)
    lst[0, 0, 0, 0] = np.nan
    variance = make_variance(lst)
    variance[0, 0, 0, 0] = variance[1, 0, 0, 1] = np.nan
    result = fitted.predict(lst, variance=variance)
    assert np.isnan(result.gst_error.values[0, 0, :3]).tolist() == [False, True, False]
    assert np.isfinite(result[GST]).all()


def test_the_order_and_the_number_of_overpasses_do_not_matter(fitted):
    lst = make_lst()
    xr.testing.assert_equal(fitted.predict(lst[::-1]), fitted.predict(lst))
    two = fitted.predict(lst.sel(overpass=["aqua_night", "terra_day"]))
    masked = lst.where(lst.overpass.isin(["aqua_night", "terra_day"]))
    xr.testing.assert_equal(two, fitted.predict(masked))
    turned = fitted.predict(lst.transpose("y", "time", "overpass", "x"))
    xr.testing.assert_equal(turned.transpose("time", "y", "x"), fitted.predict(lst))


def test_rows_of_a_table_are_predicted_like_pixels(fitted):
    lst = make_lst()
    table = lst.stack(row=("time", "y", "x")).transpose("row", "overpass").to_pandas()
    rows = fitted.predict_samples(table)
    assert rows.dtype == np.float64
    pixels = fitted.predict(lst)[GST].stack(row=("time", "y", "x"))
    np.testing.assert_allclose(rows, pixels, rtol=1e-6, atol=1e-5)
    assert np.isnan(rows).any()


@pytest.mark.parametrize("chunks", [{"time": 1, "y": 3, "x": 4}, {"overpass": 1, "time": 2}])
def test_lazy_equals_eager_to_the_bit(fitted, assert_lazy, chunks):
    lst = make_lst()
    variance = make_variance(lst)
    with assert_lazy():
        lazy = fitted.predict(lst.chunk(chunks), variance=variance.chunk({"y": 5}))
        assert lazy[GST].chunks is not None
    xr.testing.assert_identical(lazy.compute(), fitted.predict(lst, variance=variance))
    with assert_lazy():
        without = fitted.predict(lst.chunk(chunks))
    xr.testing.assert_identical(without.compute(), fitted.predict(lst))


def test_a_set_with_too_few_samples_falls_back_to_the_best_of_its_largest_subsets():
    samples = make_samples(n_stations=6, n_days=100)
    samples.loc[:580, "terra_day"] = np.nan  # only 19 station-days: no sub-model has it
    samples["aqua_day"] += np.random.default_rng(0).normal(0, 30.0, len(samples))  # next to no information
    samples.loc[samples.index % 2 == 0, "terra_night"] = np.nan
    samples.loc[samples.index % 2 == 1, "aqua_night"] = np.nan  # never with terra_night
    model = GroundTemperatureModel().fit(samples)
    assert model.submodels_.intercept.index.tolist() == [
        "aqua_day+terra_night",
        "aqua_day+aqua_night",
        "aqua_day",
        "terra_night",
        "aqua_night",
    ]
    scores = model.scores_["rmse_by_station"]
    best = min(["aqua_day+terra_night", "aqua_day+aqua_night"], key=scores.get)
    assert model.submodels_.select(OVERPASSES) == best
    assert model.submodels_.select(["terra_night", "aqua_night"]) == min(["terra_night", "aqua_night"], key=scores.get)
    assert model.submodels_.select(["terra_day"]) is None
    lst = make_lst(missing=0.0)
    xr.testing.assert_equal(model.predict(lst), model.predict(lst.sel(overpass=best.split("+"))))
    assert model.predict(lst.sel(overpass=["terra_day"])).isnull().all().to_array().all()
    assert model.daily_error_ == model.scores_.loc[best, "daily_error"]
    assert len(model.held_out_) == model.scores_.loc[best, "n_samples"]


# --- the estimator


def test_it_is_an_estimator_of_scikit_learn(gappy):
    model = GroundTemperatureModel(alphas=(0.5, 2.0), n_folds=5, seed=3, min_samples=40)
    copy = clone(model)
    assert copy.get_params() == {"alphas": (0.5, 2.0), "n_folds": 5, "seed": 3, "min_samples": 40}
    with pytest.raises(NotFittedError):
        copy.predict(make_lst())
    assert model.fit(gappy) is model
    pd.testing.assert_frame_equal(copy.fit(gappy).scores_, model.scores_)
    other = clone(model).set_params(seed=4).fit(gappy)
    assert (other.scores_["rmse_random"] != model.scores_["rmse_random"]).all()


def test_it_survives_a_store(fitted, tmp_path):
    dataset = fitted.to_dataset()
    assert dict(dataset.sizes) == {"submodel": 15, "overpass": 4}
    assert dataset.rmse_by_station.attrs["units"] == "K"
    dataset.to_zarr(tmp_path / "model.zarr", consolidated=False)
    again = GroundTemperatureModel.from_dataset(xr.open_zarr(tmp_path / "model.zarr", consolidated=False))
    xr.testing.assert_identical(again.to_dataset(), dataset)
    pd.testing.assert_frame_equal(again.scores_, fitted.scores_)
    lst = make_lst()
    xr.testing.assert_identical(
        again.predict(lst, variance=make_variance(lst)), fitted.predict(lst, variance=make_variance(lst))
    )
    assert (again.station_bias_sd_, again.get_params()["n_folds"]) == (fitted.station_bias_sd_, 10)


def test_what_is_no_model_is_refused(fitted):
    with pytest.raises(InputError, match=r"lacks \['intercept', 'alpha'\]"):
        GroundTemperatureModel.from_dataset(fitted.to_dataset().drop_vars(["alpha", "intercept"]))
    with pytest.raises(InputError, match=r"lacks the attributes \['alphas', 'min_samples', 'n_folds', 'seed'\]"):
        GroundTemperatureModel.from_dataset(fitted.to_dataset().drop_attrs())


# --- bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="station"), r"lacks \['station'\]; has columns"),
        (lambda t: t.drop(columns=list(OVERPASSES)), "lacks a column of an overpass"),
        (lambda t: t.assign(aqua_day=t.aqua_day + 273.15), r"aqua_day has a median of 2\d\d\.\d: kelvin.*degC"),
        (lambda t: t.assign(**{GST: t[GST] + 273.15}), "ground_surface_temperature has a median of 2"),
        (lambda t: t.assign(aqua_day=t.aqua_day.astype(str)), "aqua_day is of type .*, but must be numbers in degC"),
        (lambda t: t.assign(time=t.time.astype(str)), "time is of type .*, but must be dates"),
        (lambda t: pd.concat([t, t.iloc[:2]]), r"station 'S00' has two rows on 2015-01-01 \(2 such rows"),
        (lambda t: t.iloc[:30], "30 station-days with a ground_surface_temperature, but no overpass .* 60 of them"),
    ],
)
def test_bad_samples_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        GroundTemperatureModel().fit(change(make_samples(n_stations=2, n_days=60)))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"alphas": []}, "alphas: must be numbers above 0"),
        ({"alphas": [0.0, 1.0]}, r"alphas: must be numbers above 0, not \[0\.0, 1\.0\]"),
        ({"min_samples": 15}, "15 station-days are too few for 10 folds; take 20"),
        ({"n_folds": 1}, "number of folds: must be 2 or more, not 1"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters, message):
    with pytest.raises(InputError, match=message):
        GroundTemperatureModel(**parameters).fit(make_samples(n_stations=2, n_days=60))


def test_rows_without_values_do_not_count(gappy, fitted):
    nothing = gappy.iloc[:50].assign(**{GST: np.nan, "station": "S99"})
    endless = gappy.iloc[50:60].assign(**dict.fromkeys(OVERPASSES, np.inf), station="S98")
    model = GroundTemperatureModel().fit(pd.concat([gappy, nothing, endless], ignore_index=True))
    xr.testing.assert_identical(model.to_dataset(), fitted.to_dataset())


def test_bad_images_are_refused(fitted):
    lst = make_lst()
    with pytest.raises(InputError, match="lst: is in 'K', but lst must be in 'degC'"):
        fitted.predict(lst.assign_attrs(units="K"))
    with pytest.raises(InputError, match="no coordinate along a dim 'overpass'"):
        fitted.predict(lst.drop_vars("overpass"))
    with pytest.raises(InputError, match=r"has overpasses \['noon'\], but the model was fitted to"):
        fitted.predict(lst[:1].assign_coords(overpass=["noon"]))
    with pytest.raises(InputError, match="not at the places, times and overpasses of lst"):
        fitted.predict(lst, variance=lst[:, 1:].assign_attrs(units="K2"))
    with pytest.raises(InputError, match=r"has dims \('overpass', 'y', 'x'\), but must have"):
        fitted.predict(lst, variance=lst[:, 0].assign_attrs(units="K2"))
    with pytest.raises(InputError, match="is in 'degC', but kriging_variance must be in 'K2'"):
        fitted.predict(lst, variance=lst)
