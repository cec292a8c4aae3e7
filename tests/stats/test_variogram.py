import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from cryoscale.errors import InputError
from cryoscale.stats.variogram import Variogram, VariogramModel
from cryoscale.stats.variogram_fit import EmpiricalVariogram, choose_variogram, empirical_variogram, fit_variogram

MODELS = tuple(VariogramModel)
DEFINITIONS = {
    "exponential": lambda u: 1 - np.exp(-3 * u),
    "spherical": lambda u: np.where(u < 1, 1.5 * u - 0.5 * u**3, 1.0),
    "gaussian": lambda u: 1 - np.exp(-3 * u**2),
}


def exact(variogram, *, n_bins=15, longest=3000.0):
    h = np.linspace(longest / n_bins / 2, longest, n_bins)
    return EmpiricalVariogram(h, variogram.semivariance(h), np.arange(10, 10 + n_bins))


@pytest.mark.parametrize("model", MODELS)
def test_the_semivariance_is_the_definition(model):
    variogram = Variogram(model, nugget=0.7, partial_sill=3.0, range=500.0)
    h = np.linspace(1e-6, 1200.0, 60).reshape(3, 4, 5)
    np.testing.assert_allclose(variogram.semivariance(h), 0.7 + 3 * DEFINITIONS[model](h / 500), rtol=1e-12)
    np.testing.assert_allclose(variogram.covariance(h), 3.7 - variogram.semivariance(h), atol=1e-14)
    assert (variogram.sill, variogram.covariance(0.0), variogram.semivariance(0.0)) == (3.7, 3.7, 0.0)


def test_the_name_of_a_model_will_do():
    assert Variogram("gaussian", nugget=0, partial_sill=1, range=2) == Variogram(VariogramModel.GAUSSIAN, 0.0, 1.0, 2.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nugget": -0.1}, "nugget is -0.1. Give a finite number, 0 or more"),
        ({"partial_sill": np.nan}, "partial_sill is nan. Give a finite number, 0 or more"),
        ({"range": 0.0}, "range is 0.0. Give a finite number, positive, in the unit of the coordinates"),
        ({"range": np.inf}, "range is inf"),
        ({"model": "linear"}, "no model is called 'linear'. Choose one of exponential, spherical, gaussian"),
    ],
)
def test_parameters_out_of_range_are_an_error(change, message):
    with pytest.raises(InputError, match=message):
        Variogram(**{"model": "spherical", "nugget": 0.0, "partial_sill": 1.0, "range": 10.0} | change)


@pytest.mark.parametrize("max_distance", [None, 70.0])
def test_the_empirical_one_is_that_of_all_pairs(max_distance):
    rng = np.random.default_rng(0)
    points, values = rng.uniform(0, 100, (80, 2)), rng.normal(size=80)
    points[1] = points[0]  # a pair at distance 0, which does not count
    result = empirical_variogram(points, values, max_distance=max_distance, n_bins=7)
    h, squares = pdist(points), pdist(values[:, None], "sqeuclidean")
    edges = np.linspace(0, max_distance or h.max() / 2, 8)
    bins = np.where(h > 0, np.digitize(h, edges), 0)
    for k in range(7):
        inside = bins == k + 1
        assert result.n_pairs[k] == inside.sum() > 0
        assert result.distance[k] == pytest.approx(h[inside].mean(), rel=1e-12)
        assert result.semivariance[k] == pytest.approx(squares[inside].mean() / 2, rel=1e-12)


def test_empty_bins_are_left_out_and_the_last_one_holds_its_border():
    result = empirical_variogram([[0, 0], [0, 10], [0, 11]], [0.0, 2.0, 4.0], max_distance=11, n_bins=11)
    assert result.distance.tolist() == [1.0, 10.5]
    assert result.semivariance.tolist() == [2.0, 5.0]
    assert result.n_pairs.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("points", "values", "options", "message"),
    [
        ([[0, 0], [0, 0]], [1, 2], {}, "max_distance: is 0.0. Give a positive one, or points that are not all in one"),
        ([[0, 0], [0, 9]], [1, 2], {"max_distance": 5}, "no two points are within 5.0. Give a larger max_distance"),
        ([[0, 0], [0, 9]], [1, 2], {"n_bins": 0}, "n_bins: is 0. Give at least 1"),
        ([[0, 0], [0, 9]], [1, 2, 3], {}, r"have the shapes \(2, 2\) and \(3,\). Give \(n, 2\) and \(n,\)"),
        ([[0, 0], [4, np.nan]], [1, 2], {}, r"1 of 2 points are not finite, the first is number 1 \(x, y = \[4.0, nan"),
        ([[0, 0], [4, 1]], [np.inf, 2], {}, "the first is number 0 .*value inf.*Leave them out"),
    ],
)
def test_bad_points_are_an_error(points, values, options, message):
    with pytest.raises(InputError, match=message):
        empirical_variogram(points, values, **options)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("nugget", "reach"), [(0.0, 800.0), (0.4, 2000.0)])
def test_a_known_variogram_is_found_again(model, nugget, reach):
    truth = Variogram(model, nugget=nugget, partial_sill=2.5, range=reach)
    for n_bins in (8, 15):
        fitted = fit_variogram(exact(truth, n_bins=n_bins), model=model)
        assert fitted.range == pytest.approx(reach, rel=1e-4)
        assert fitted.partial_sill == pytest.approx(2.5, rel=1e-4)
        assert fitted.nugget == pytest.approx(nugget, abs=1e-4)
    assert choose_variogram(exact(truth)).model == model


@given(st.integers(0, 10_000), st.sampled_from(MODELS))
def test_no_variogram_nearby_fits_better(seed, model):
    rng = np.random.default_rng(seed)
    h = np.sort(rng.uniform(10, 1000, 8))
    empirical = EmpiricalVariogram(h, rng.uniform(0.5, 1.5, 8) * (1 - np.exp(-h / 200)), rng.integers(1, 50, 8))

    def residual(nugget, partial_sill, reach):
        variogram = Variogram(model, max(nugget, 0.0), max(partial_sill, 0.0), np.clip(reach, h[0] / 2, 3 * h[-1]))
        return np.sum(empirical.n_pairs / h**2 * (variogram.semivariance(h) - empirical.semivariance) ** 2)

    fitted = fit_variogram(empirical, model=model)
    best = np.array([fitted.nugget, fitted.partial_sill, fitted.range])
    for step in rng.normal(0, 1, (30, 3)) * [0.01, 0.01, 0.01 * fitted.range]:
        assert residual(*(best + step)) >= residual(*best) * (1 - 1e-9)


def test_the_fit_scales_with_the_units():
    rng = np.random.default_rng(3)
    points, values = rng.uniform(0, 1000, (150, 2)), rng.normal(size=150)
    values += np.sin(points[:, 0] / 200)
    metres = fit_variogram(empirical_variogram(points, values), model=VariogramModel.SPHERICAL)
    other = fit_variogram(empirical_variogram(points / 1000, values * 10), model=VariogramModel.SPHERICAL)
    assert 100 < metres.range < 2100  # the longest that is tried is 3 x 707
    assert other.range == pytest.approx(metres.range / 1000, rel=1e-6)
    assert other.partial_sill == pytest.approx(metres.partial_sill * 100, rel=1e-6)


def test_the_variogram_of_a_simulated_field_is_found():
    truth = Variogram(VariogramModel.EXPONENTIAL, nugget=0.2, partial_sill=2.0, range=150.0)
    rng = np.random.default_rng(7)
    points = rng.uniform(0, 1000, (700, 2))
    distance = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    fields = np.linalg.cholesky(truth.covariance(distance)) @ rng.normal(size=(700, 10))
    fits = [fit_variogram(empirical_variogram(points, field), model=truth.model) for field in fields.T]
    assert np.mean([fitted.sill for fitted in fits]) == pytest.approx(truth.sill, rel=0.1)
    assert np.median([fitted.range for fitted in fits]) == pytest.approx(truth.range, rel=0.25)
    h = np.array([20.0, 50.0, 100.0])
    mean = np.mean([fitted.semivariance(h) for fitted in fits], axis=0)
    np.testing.assert_allclose(mean, truth.semivariance(h), rtol=0.1)


@pytest.mark.parametrize("model", MODELS)
def test_values_without_structure_are_pure_nugget(model):
    h = np.array([1.0, 2.0, 3.0, 4.0])
    falling = EmpiricalVariogram(h, np.array([4.0, 3.0, 2.0, 1.0]), np.full(4, 5))
    fitted = fit_variogram(falling, model=model)
    assert fitted.partial_sill == 0
    assert fitted.nugget == pytest.approx(np.average(falling.semivariance, weights=1 / h**2))


def test_a_variogram_that_goes_on_rising_gets_the_longest_range():
    h = np.array([1.0, 2.0, 3.0, 4.0])
    fitted = fit_variogram(EmpiricalVariogram(h, h**1.5, np.full(4, 5)), model=VariogramModel.SPHERICAL)
    assert fitted.range == pytest.approx(12.0, rel=1e-6)
    assert fitted.nugget == 0


def test_what_cannot_be_fitted_is_an_error():
    points = np.arange(10.0).reshape(5, 2)
    with pytest.raises(InputError, match="all semivariances are 0: the values are constant"):
        choose_variogram(empirical_variogram(points, np.full(5, 0.1), n_bins=4, max_distance=11.5))
    with pytest.raises(InputError, match="has 1 bins with pairs, and a variogram has 3 parameters. Give more points"):
        fit_variogram(empirical_variogram(points[:2], [1.0, 2.0], max_distance=9), model=VariogramModel.GAUSSIAN)
    with pytest.raises(InputError, match="models: is empty. Give at least one of exponential, spherical, gaussian"):
        choose_variogram(exact(Variogram(VariogramModel.SPHERICAL, 0.0, 1.0, 500.0)), [])
