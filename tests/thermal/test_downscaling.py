"""Downscaling keeps coarse means, believes only what held-out ground confirms, and finds a detail that is there."""

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from dask.optimization import cull
from odc.geo.geobox import GeoBox
from scipy.ndimage import gaussian_filter
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.thermal.downscaling import Downscaler
from cryoscale.thermal.downscaling_earnings import Earnings
from cryoscale.thermal.footprint import aggregate, block_means, conserve, detail_of, interpolate

F = 5
SIZE = 24
FINE = F * SIZE
TIMES = np.array(["2020-01-05", "2020-01-06", "2020-01-07"], "datetime64[ns]")


def on_grid(values, *, step=30.0, left=0.0, top=3600.0, crs="EPSG:32647"):
    box = GeoBox(values.shape[-2:], Affine(step, 0.0, left, 0.0, -step, top), crs)
    return xr.DataArray(values, grid_coords(box), ("time", "y", "x")[-values.ndim :])


def rough(seed, smooth=1.5):
    field = gaussian_filter(np.random.default_rng(seed).normal(size=(FINE, FINE)), smooth, mode="wrap")
    return field / field.std()


@pytest.fixture(scope="module")
def covariates():
    return xr.Dataset({"elevation": on_grid(rough(0, 2.0)), "ndvi": on_grid(rough(1, 2.0)), "noise": on_grid(rough(2))})


@pytest.fixture(scope="module")
def truth(covariates):
    trend = np.linspace(0.0, 5.0, FINE)
    lst = trend + 2.0 * covariates.elevation - np.tanh(covariates.ndvi) + 0.2 * on_grid(rough(3))
    return lst.rename("lst").assign_attrs(units="degC")


@pytest.fixture(scope="module")
def coarse(truth):
    return aggregate(truth, F)


def forest(**options):
    return RandomForestRegressor(10, min_samples_leaf=3, random_state=0, **options)


@pytest.fixture(scope="module")
def model(coarse, covariates):
    sets = {"all": ["elevation", "ndvi", "noise"], "height": ["elevation"], "noise": ["noise"]}
    return Downscaler(forest(), factor=F, covariate_sets=sets).fit(coarse, covariates)


def rmse(a, b):
    return float(np.sqrt(np.nanmean((np.asarray(a) - np.asarray(b)) ** 2)))


def bilinear(coarse):
    return interpolate(coarse.values[None], (F, F))[0]


def smooth(coarse):
    return conserve(coarse.values[None], np.zeros((1, FINE, FINE)), (F, F))[0]


def test_a_detail_that_covariates_tell_is_found(model, truth, coarse, covariates):
    fine = model.predict(coarse, covariates)
    assert rmse(fine, truth) < 0.6 * rmse(bilinear(coarse), truth)
    assert (fine.name, fine.attrs, fine.dtype, fine.dims) == ("lst", {"units": "degC"}, "float32", ("y", "x"))
    xr.testing.assert_equal(fine.y, truth.y)
    xr.testing.assert_equal(fine.spatial_ref, truth.spatial_ref)


def test_means_over_coarse_pixels_are_what_was_seen(model, coarse, covariates):
    back = aggregate(model.predict(coarse, covariates), F)
    np.testing.assert_allclose(back, coarse, atol=1e-6)
    other = coarse + on_grid(np.random.default_rng(0).normal(size=(SIZE, SIZE)), step=150.0)
    np.testing.assert_allclose(aggregate(model.predict(other, covariates), F), other, atol=1e-6)


def test_a_linear_law_between_scales_is_recovered(covariates):
    truth = 3.0 * covariates.elevation - 2.0 * covariates.ndvi
    fine = Downscaler(LinearRegression(), factor=F).fit(aggregate(truth, F), covariates)
    assert float(fine.weight_) > 0.999
    np.testing.assert_allclose(fine.predict(aggregate(truth, F), covariates), truth, atol=2e-2)


@pytest.mark.parametrize("seed", range(5))
def test_covariates_that_tell_nothing_are_not_believed(coarse, truth, seed):
    noise = xr.Dataset({str(k): on_grid(rough(10 * seed + k + 20)) for k in range(3)})
    model = Downscaler(forest(), factor=F, seed=seed).fit(coarse, noise)
    assert float(model.weight_) < 0.1
    fine = model.predict(coarse, noise)
    assert rmse(fine, truth) < 1.005 * rmse(smooth(coarse), truth)
    assert rmse(fine, truth) < rmse(bilinear(coarse), truth)
    if float(model.weight_) == 0.0:
        np.testing.assert_array_equal(fine, smooth(coarse).astype("float32"))


def test_scores_compare_the_sets_with_interpolation(model, coarse):
    scores = model.scores_
    assert scores.index.tolist() == ["bilinear", "conserving", "all", "height", "noise"]
    assert scores.rmse["all"] < scores.rmse["height"] < scores.rmse["conserving"] < scores.rmse["bilinear"]
    assert scores.rmse["all"] <= scores.rmse_unweighted["all"]
    assert scores.weight["conserving"] == 0.0
    assert scores.weight["noise"] < 0.1
    assert scores.rmse["noise"] == pytest.approx(scores.rmse["conserving"], rel=0.03)
    assert model.covariates_ == ("elevation", "ndvi", "noise")
    # by hand: the pixels of each of the four layings of blocks of 2 x 2
    squares, ways = np.zeros((2, SIZE, SIZE))
    for i, j in np.ndindex(2, 2):
        cut = coarse.values[i : SIZE - i, j : SIZE - j]
        means = cut.reshape(cut.shape[0] // 2, 2, cut.shape[1] // 2, 2).mean(axis=(1, 3))
        squares[i : SIZE - i, j : SIZE - j] += (interpolate(means[None], (2, 2))[0] - cut) ** 2
        ways[i : SIZE - i, j : SIZE - j] += 1
    assert scores.rmse["bilinear"] == pytest.approx(np.sqrt((squares / ways).mean()))


def test_importance_names_what_matters(model):
    assert model.importance_.index.tolist()[:2] == ["elevation", "ndvi"]
    assert model.importance_["mean"].is_monotonic_decreasing
    assert abs(model.importance_["mean"]["noise"]) < 0.1 * model.importance_["mean"]["elevation"]


def test_the_best_set_is_used_and_needs_no_other_covariates(coarse, covariates):
    sets = {"noise": ["noise"], "height": ["elevation"]}
    model = Downscaler(forest(), factor=F, covariate_sets=sets).fit(coarse, covariates)
    assert model.covariates_ == ("elevation",)
    xr.testing.assert_identical(model.predict(coarse, covariates), model.predict(coarse, covariates[["elevation"]]))


def test_lazy_is_eager_to_the_bit_however_it_is_cut(model, coarse, covariates, assert_lazy):
    eager = model.predict(coarse, covariates)
    for chunks in ({"y": 120, "x": 120}, {"y": 37, "x": 50}, {"y": (3, 117), "x": (64, 56)}):
        with assert_lazy():
            lazy = model.predict(coarse, covariates.chunk(chunks))
        xr.testing.assert_identical(lazy.compute(), eager)
    with assert_lazy():
        lazy = model.predict(coarse.chunk(y=7), covariates.chunk(y=50))
    xr.testing.assert_identical(lazy.compute(), eager)
    xr.testing.assert_identical(model.predict(coarse.chunk(y=7), covariates).compute(), eager)


def test_training_does_not_depend_on_chunks_and_is_repeatable(model, coarse, covariates):
    again = clone(model).fit(coarse.chunk(y=5), covariates.chunk(y=33, x=41))
    assert again.scores_.equals(model.scores_)
    assert again.importance_.equals(model.importance_)
    xr.testing.assert_identical(again.predict(coarse, covariates), model.predict(coarse, covariates))


def test_where_a_covariate_is_missing_there_is_no_detail(model, coarse, covariates):
    holes = covariates.copy(deep=True)
    holes.ndvi[30:60, 40:70] = np.nan
    holes.elevation[100, 3] = np.inf
    fine, whole = model.predict(coarse, holes), model.predict(coarse, covariates)
    assert fine.notnull().all()
    np.testing.assert_allclose(aggregate(fine, F), coarse, atol=1e-6)
    assert rmse(fine[33:57, 43:67], smooth(coarse)[33:57, 43:67]) < 0.15 * rmse(whole, smooth(coarse))
    np.testing.assert_allclose(fine[80:95, 80:], whole[80:95, 80:], atol=1e-4)


def test_missing_coarse_pixels_stay_missing(coarse, covariates, truth):
    cloudy = coarse.copy(deep=True)
    cloudy[4:11, 9:17] = np.nan
    model = Downscaler(forest(), factor=F).fit(cloudy, covariates)
    fine = model.predict(cloudy, covariates)
    missing = np.kron(np.isnan(cloudy.values), np.ones((F, F), bool))
    np.testing.assert_array_equal(np.isnan(fine), missing)
    np.testing.assert_allclose(aggregate(fine, F), cloudy, atol=1e-6)
    assert rmse(fine, truth) < 0.65 * rmse(bilinear(coarse)[~missing], truth.values[~missing])


@pytest.fixture(scope="module")
def days(covariates, truth):
    """Two days of one law, far apart in temperature, and one that covariates tell nothing of; radiation changes."""
    radiation = on_grid(np.stack([rough(30, 2.0), rough(31, 2.0), rough(32, 2.0)])).assign_coords(time=TIMES)
    other = on_grid(2.0 * rough(33, 2.0))
    lst = xr.concat([truth + 30.0, truth - 30.0, other], "time").assign_coords(time=TIMES) + 2.0 * radiation
    lst[2] = other
    return lst.transpose("time", "y", "x").rename("lst"), covariates.assign(radiation=radiation)


def test_pooled_images_share_a_learner_and_have_weights_of_their_own(days, assert_lazy):
    lst, covariates = days
    coarse = aggregate(lst, F)
    model = Downscaler(forest(), factor=F, n_samples=1500).fit(coarse, covariates)
    assert model.weight_.dims == ("time",)
    assert (model.weight_[:2] > 0.45).all()
    assert model.weight_[2] < 0.1
    fine = model.predict(coarse, covariates)
    assert fine.dims == ("time", "y", "x")
    np.testing.assert_array_equal(fine.time, TIMES)
    np.testing.assert_allclose(aggregate(fine, F), coarse, atol=1e-5)
    for image, seen, real in zip(fine[:2], coarse[:2], lst[:2], strict=True):
        assert rmse(image, real) < 0.7 * rmse(bilinear(seen), real)
    assert rmse(fine[2], lst[2]) < min(1.005 * rmse(smooth(coarse[2]), lst[2]), rmse(bilinear(coarse[2]), lst[2]))
    with assert_lazy():
        lazy = model.predict(coarse, covariates.chunk(time=2, y=50, x=41))
    assert lazy.chunks[0] == (1, 1, 1)
    xr.testing.assert_identical(lazy.compute(), fine)
    # one image, by its time; an image of a day that was not there has the weight of all together
    xr.testing.assert_allclose(model.predict(coarse[1], covariates), fine[1])
    later = covariates.assign_coords(time=TIMES + np.timedelta64(9, "D"))
    new = model.predict(coarse.assign_coords(time=later.time), later)
    shares = [rmse(n, smooth(s)) / rmse(f, smooth(s)) for n, f, s in zip(new, fine, coarse, strict=True)]
    np.testing.assert_allclose(shares[:2], model.pooled_weight_ / model.weight_[:2], rtol=1e-4)


def test_samples_are_bounded_and_learners_run_in_one_thread(coarse, covariates):
    model = Downscaler(forest(n_jobs=2), factor=F, n_samples=100).fit(coarse, covariates)
    assert model.model_.n_jobs == 1
    assert model.model_.estimators_[0].tree_.weighted_n_node_samples[0] == 100
    assert Downscaler(factor=F)._learner().n_estimators == 50


def test_grids_may_reach_beyond_each_other(model, coarse, covariates):
    whole = model.predict(coarse, covariates)
    # fine pixels from the middle of coarse pixel 2 on: the first coarse pixel that they cover wholly is 3
    inner = model.predict(coarse, covariates.isel(y=slice(12, None), x=slice(None, 103)))
    xr.testing.assert_equal(inner.y, whole.y[15:])
    xr.testing.assert_equal(inner.x, whole.x[:100])
    np.testing.assert_allclose(aggregate(inner, F), coarse[3:, :20], atol=1e-6)
    np.testing.assert_allclose(inner[40:, :60], whole[55:, :60], atol=1e-4)
    window = model.predict(coarse[2:, 5:20], covariates)
    xr.testing.assert_equal(window.x, whole.x[25:100])
    np.testing.assert_allclose(aggregate(window, F), coarse[2:, 5:20], atol=1e-6)


def earnings(*, de, ee, wider=(0.0, 0.0), dd=None, n=1.0):
    """Sums of one image, (block,) each."""
    layers = (n, 1.0, de if dd is None else dd, de, ee, *wider)
    sums = (np.broadcast_to(np.asarray(layer, float), np.shape(de))[None] for layer in layers)
    return Earnings(*sums, folds=np.arange(len(de)) % 5)


def test_the_weight_is_the_best_less_its_standard_error():
    rng = np.random.default_rng(0)
    e = rng.normal(size=(30, 50))
    d = 0.6 * e + rng.normal(size=e.shape)
    earned = earnings(de=(d * e).sum(1), ee=(e**2).sum(1), dd=(d**2).sum(1), n=50.0)
    (slope,), (error,) = earned.earned()
    assert slope == pytest.approx((d * e).sum() / (e**2).sum())
    # the error of a slope through the origin with independent noise of variance 1
    assert error == pytest.approx(1.0 / np.sqrt((e**2).sum()), rel=0.25)
    assert earned.weights()[0] == pytest.approx(slope - error)
    assert earned.rmse_at(0.4) == pytest.approx(np.sqrt(((d - 0.4 * e) ** 2).mean()))
    assert earned.rmse_at(slope) < earned.rmse() < earned.rmse_at(0.0)


def test_a_detail_that_earns_less_at_finer_scale_is_believed_less_still():
    ones = np.ones(10)
    assert earnings(de=0.6 * ones, ee=ones, wider=(0.9, 1.0)).weights()[0] == pytest.approx(0.3)
    assert earnings(de=0.6 * ones, ee=ones, wider=(0.3, 1.0)).weights()[0] == pytest.approx(0.6)
    assert earnings(de=0.6 * ones, ee=ones, wider=(0.9, -1.0)).weights()[0] == pytest.approx(0.6)
    assert earnings(de=0.2 * ones, ee=ones, wider=(0.9, 1.0)).weights()[0] == 0.0


def test_a_detail_that_misleads_or_that_one_block_knows_weighs_nothing():
    assert earnings(de=-np.ones(4), ee=1.0).weights()[0] == 0.0
    assert earnings(de=3.0 * np.ones(4), ee=1.0).weights()[0] == 1.0
    single = earnings(de=np.ones(1), ee=1.0)
    assert (single.weights()[0], single.earned()[1][0]) == (0.0, np.inf)
    nothing = earnings(de=np.zeros(4), ee=0.0)
    assert (nothing.weights()[0], nothing.decline()[0]) == (0.0, 0.0)


def test_blur_of_the_sensor_lowers_the_weight(covariates):
    """A field that is smoother than its covariate: what 2 x 2 pixels earn would overstate what fine pixels can."""
    rough_ones = covariates.assign(elevation=on_grid(rough(40, 1.0)) + 2.0 * on_grid(rough(41, 8.0)))
    truth = rough_ones.elevation.copy(data=gaussian_filter(rough_ones.elevation.values, 3.0, mode="wrap"))
    coarse = aggregate(truth, F)
    model = Downscaler(LinearRegression(), factor=F, covariate_sets={"h": ["elevation"]}).fit(coarse, rough_ones)
    scores = model.scores_.loc["h"]
    assert scores.decline > 0.1
    assert scores.weight == pytest.approx(max(scores.earned - scores.earned_error - scores.decline, 0.0))
    fine = model.predict(coarse, rough_ones)
    assert rmse(fine, truth) < rmse(bilinear(coarse), truth)
    model.weight_ = model.weight_.copy(data=scores.earned)
    assert rmse(model.predict(coarse, rough_ones), truth) > rmse(fine, truth)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"factor": 4}, "a pixel of lst is 5 of theirs along y, but factor says 4"),
        ({"factor": (5, 6)}, "is 5 of theirs along x, but factor says 6"),
        ({"factor": 2.5}, "factor: must be one or two whole numbers"),
        ({"covariate_sets": {"a": ["elevation", "snow"]}}, "covariate_sets: 'a' holds .'elevation', 'snow'."),
        ({"covariate_sets": {"a": []}}, "covariate_sets: 'a' holds"),
        ({"covariate_sets": {"bilinear": ["ndvi"]}}, "another name than 'bilinear' and 'conserving'"),
        ({"covariate_sets": {}}, "covariate_sets: is empty"),
        ({"block_size": 24}, "number of folds: 5 folds of 1 groups"),
        ({"block_size": 0}, "size of spatial blocks: must be above 0"),
        ({"n_samples": 0}, "number of samples: must be 1 or more"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(coarse, covariates, change, message):
    with pytest.raises(InputError, match=message):
        Downscaler(forest(), **({"factor": F} | change)).fit(coarse, covariates)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"left": 7.5}, "edges of pixels of lst lie 0.75 of a fine pixel off along x"),
        ({"left": 36000.0}, "covariates: cover no whole pixel of lst along x"),
        ({"crs": "EPSG:32646"}, "covariates: are in EPSG:32646, but lst is in EPSG:32647"),
        ({"step": 31.0}, "a pixel of lst is 4.83871 of theirs along y"),
    ],
)
def test_covariates_on_another_grid_are_refused(coarse, covariates, model, change, message):
    other = xr.Dataset({name: on_grid(layer.values, **change) for name, layer in covariates.items()})
    with pytest.raises(InputError, match=message):
        Downscaler(forest(), factor=F).fit(coarse, other)
    with pytest.raises(InputError, match=message):
        model.predict(coarse, other)


def test_what_is_missing_is_named(coarse, covariates, days, model):
    with pytest.raises(InputError, match=r"covariates: lack \['ndvi'\], which the model was fitted to"):
        model.predict(coarse, covariates[["elevation", "noise"]])
    empty = covariates.assign(noise=covariates.noise * np.nan)
    with pytest.raises(InputError, match="coarse: no pixel has a value together with all covariates"):
        Downscaler(forest(), factor=F).fit(coarse, empty)
    with pytest.raises(InputError, match="covariates: have no values at 1 times of lst, the first 2020-01-07T00:00:00"):
        Downscaler(forest(), factor=F).fit(aggregate(days[0], F), days[1].isel(time=[0, 1]))
    with pytest.raises(InputError, match="covariates: change with time, so that they and the coarse images need"):
        Downscaler(forest(), factor=F).fit(coarse, days[1])
    with pytest.raises(InputError, match="lst: has dims .'overpass', 'y', 'x'., but must have y, x and at most time"):
        Downscaler(forest(), factor=F).fit(coarse.expand_dims("overpass"), covariates)


def test_passes_over_a_store_give_what_predict_gives():
    """Means that are known beforehand make every chunk independent, and change nothing."""
    rng = np.random.default_rng(5)
    geobox = GeoBox.from_bbox((0, 0, 96 * 30, 96 * 30), "EPSG:32647", resolution=30)
    height = xr.DataArray(rng.normal(size=(96, 96)), grid_coords(geobox), ("y", "x")).where(lambda h: h < 2.5)
    coarse = aggregate((5 - 2 * height + 0.3 * rng.normal(size=(96, 96))).fillna(5), 4)
    covariates = height.to_dataset(name="height")
    model = Downscaler(factor=4).fit(coarse, covariates)
    learned = model.learned(coarse, covariates.chunk({"y": 16, "x": 32})).data[None]
    means = block_means(learned, (4, 4)).compute()
    detail = detail_of(learned, (4, 4), means=means)
    of_detail = block_means(detail, (4, 4)).compute()
    fine = conserve(coarse.values[None], detail, (4, 4), weights=model.weights_of(coarse), means=of_detail)
    np.testing.assert_allclose(fine.astype("float32")[0], model.predict(coarse, covariates), atol=1e-6)
    needed, _ = cull(dict(fine.__dask_graph__()), [(fine.name, 0, 0, 0)])
    assert [key[1:] for key in needed if key[0] == learned.name] == [(0, 0, 0)]
