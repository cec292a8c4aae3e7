import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pykrige.ok import OrdinaryKriging

from cryoscale.errors import InputError
from cryoscale.stats import kriging
from cryoscale.stats._kriging import factor, solve_ordinary, solve_semivariances
from cryoscale.stats.kriging import krige
from cryoscale.stats.variogram import Variogram, VariogramModel

MODELS = tuple(VariogramModel)


def variogram(model, *, nugget=0.3):
    return Variogram(model, nugget=nugget, partial_sill=2.0, range=60.0)


def sample(n=40, m=25, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 100, (n, 2)), rng.normal(5, 2, n), rng.uniform(-10, 110, (m, 2))


def distances(a, b):
    return np.hypot(*(a[:, None] - b[None]).transpose(2, 0, 1))


def dense(points, values, targets, model):
    """The bordered system of semivariances, one target at a time."""
    n = len(points)
    system = np.ones((n + 1, n + 1))
    system[:n, :n] = model.semivariance(distances(points, points))
    system[n, n] = 0
    results = []
    for gamma in model.semivariance(distances(points, targets)).T:
        solution = np.linalg.solve(system, np.append(gamma, 1))
        results.append((solution[:n] @ values, solution @ np.append(gamma, 1)))
    return np.array(results).T


def check(result, expected, *, tolerance=1e-9):
    np.testing.assert_allclose(result.estimate, expected[0], rtol=0, atol=tolerance)
    np.testing.assert_allclose(result.variance, expected[1], rtol=0, atol=tolerance)


def test_two_points_by_hand():
    model = Variogram(VariogramModel.EXPONENTIAL, nugget=0.5, partial_sill=2.0, range=30.0)
    result = krige([[0, 0], [20, 0]], [1.0, 3.0], [[10, 0], [10, 7], [1e6, 0]], variogram=model)
    between, middle, aside = model.semivariance([20.0, 10.0, np.hypot(10, 7)])
    np.testing.assert_allclose(result.estimate, 2.0, atol=1e-12)
    expected = [2 * middle - between / 2, 2 * aside - between / 2, 2 * model.sill - between / 2]
    np.testing.assert_allclose(result.variance, expected, rtol=1e-12)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("nugget", [0.01, 0.3])
@pytest.mark.parametrize("neighbours", [None, 40, 99])
def test_all_points_equal_a_dense_solution(model, nugget, neighbours):
    data, fitted = sample(), variogram(model, nugget=nugget)
    check(krige(*data, variogram=fitted, neighbours=neighbours), dense(*data, fitted))


@pytest.mark.parametrize("neighbours", [1, 2, 12])
def test_the_nearest_points_equal_a_dense_solution_of_them(neighbours):
    points, values, targets = sample()
    model = variogram(VariogramModel.SPHERICAL)
    nearest = np.argsort(distances(targets, points), axis=1)[:, :neighbours]
    pairs = zip(nearest, targets, strict=True)
    expected = np.hstack([dense(points[near], values[near], target[None], model) for near, target in pairs])
    check(krige(points, values, targets, variogram=model, neighbours=neighbours), expected)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("nugget", [0.0, 0.3])
@pytest.mark.parametrize("neighbours", [None, 10])
def test_pykrige_gives_the_same(model, nugget, neighbours):
    points, values, targets = sample()
    if model is VariogramModel.GAUSSIAN:
        nugget += 0.01
    fitted = variogram(model, nugget=nugget)
    # Its Gaussian model is 1 - exp(-h^2 / (4/7 range)^2).
    reach = fitted.range * (7 / 4 / np.sqrt(3) if model is VariogramModel.GAUSSIAN else 1)
    peer = OrdinaryKriging(
        *points.T,
        values,
        variogram_model=str(model),
        variogram_parameters={"psill": fitted.partial_sill, "range": reach, "nugget": fitted.nugget},
    )
    targets = np.vstack([targets, points[:3]])
    expected = peer.execute("points", *targets.T, n_closest_points=neighbours, backend="loop")
    check(krige(points, values, targets, variogram=fitted, neighbours=neighbours), expected, tolerance=1e-6)


@pytest.mark.parametrize("neighbours", [None, 8])
@pytest.mark.parametrize("nugget", [0.0, 0.3])
def test_it_passes_through_the_values(neighbours, nugget):
    points, values, _ = sample()
    model = variogram(VariogramModel.SPHERICAL, nugget=nugget)
    at, beside = (
        krige(points, values, points + shift, variogram=model, neighbours=neighbours) for shift in (0.0, 1e-9)
    )
    np.testing.assert_allclose(at.estimate, values, rtol=1e-14)
    assert not at.variance.any()
    # A nugget is a jump: the estimate beside a value is a smooth one, and as uncertain as the nugget at least.
    jump = np.abs(beside.estimate - values).max()
    assert (jump > 0.01) == (nugget > 0)
    assert beside.variance.min() >= nugget


def test_a_pure_nugget_gives_the_mean():
    points, values, targets = sample()
    model = Variogram(VariogramModel.SPHERICAL, nugget=2.0, partial_sill=0.0, range=1.0)
    result = krige(points, values, targets, variogram=model)
    np.testing.assert_allclose(result.estimate, values.mean(), rtol=1e-12)
    np.testing.assert_allclose(result.variance, 2 * (1 + 1 / 40), rtol=1e-12)


def test_targets_in_chunks_are_the_same(monkeypatch):
    data, model = sample(), variogram(VariogramModel.EXPONENTIAL)
    wholes = [krige(*data, variogram=model, neighbours=k) for k in (None, 8)]
    monkeypatch.setattr(kriging, "_CHUNK", 100)
    parts = [krige(*data, variogram=model, neighbours=k) for k in (None, 8)]
    check(parts[0], (wholes[0].estimate, wholes[0].variance), tolerance=1e-13)
    np.testing.assert_array_equal(parts[1].estimate, wholes[1].estimate)
    np.testing.assert_array_equal(parts[1].variance, wholes[1].variance)


def test_no_targets_give_nothing():
    points, values, _ = sample()
    result = krige(points, values, np.empty((0, 2)), variogram=variogram(VariogramModel.SPHERICAL))
    assert result.estimate.shape == result.variance.shape == (0,)


@given(
    st.integers(0, 10_000),
    st.sampled_from(MODELS),
    st.sampled_from([None, 1, 5]),
    st.floats(-1e3, 1e3),
    st.integers(-(2**20), 2**20),
)
def test_constants_and_shifts_do_not_matter(seed, model, neighbours, constant, shift):
    rng = np.random.default_rng(seed)
    # Integer coordinates: their shift is exact.
    points = np.unique(rng.integers(0, 200, (30, 2)), axis=0).astype(float)
    values, targets = rng.normal(size=len(points)), rng.integers(0, 200, (20, 2)).astype(float) + 0.5
    options = {"variogram": variogram(model, nugget=0.05), "neighbours": neighbours}
    result = krige(points, values, targets, **options)
    raised = krige(points, values + constant, targets, **options)
    # The same distances; but of equally distant points the tree may then take another one.
    moved = krige(points + shift, values, targets + shift, **options)
    assert (result.variance >= 0).all()
    check(raised, (result.estimate + constant, result.variance))
    if neighbours is None:
        check(moved, (result.estimate, result.variance))
    np.testing.assert_allclose(krige(points, values * 0 + 7, targets, **options).estimate, 7, rtol=1e-12)


@pytest.mark.parametrize("neighbours", [None, 36])
def test_a_lost_cholesky_is_solved_by_elimination(neighbours):
    # A smooth field on a fine grid: the smallest eigenvalues of its covariances are below rounding.
    y, x = np.mgrid[:6, :6]
    points = np.column_stack([x.ravel(), y.ravel()]) / 6
    values = np.sin(points[:, 0]) + points[:, 1] ** 2
    targets = np.random.default_rng(0).uniform(0, 0.8, (20, 2))
    model = Variogram(VariogramModel.GAUSSIAN, nugget=0.0, partial_sill=1.0, range=5.0)
    assert not factor(model.covariance(distances(points, points)), np.empty(36))
    result = krige(points, values, targets, variogram=model, neighbours=neighbours)
    np.testing.assert_allclose(result.estimate, np.sin(targets[:, 0]) + targets[:, 1] ** 2, atol=1e-4)
    assert (result.variance >= 0).all()
    assert result.variance.max() < 1e-6


def test_the_small_solvers_agree():
    points, _, targets = sample(n=12, m=1)
    model = variogram(VariogramModel.GAUSSIAN)
    cov, rhs = model.covariance(distances(points, points)), model.covariance(distances(points, targets))[:, 0]
    lower = np.where(np.tri(12, dtype=bool), cov, np.nan)  # what is above the diagonal is not read
    weights, others, work = np.empty((3, 12))
    mu_other = solve_semivariances(lower, rhs, others)
    mu = solve_ordinary(lower, rhs, weights, work)
    system = np.block([[cov, -np.ones((12, 1))], [np.ones((1, 12)), np.zeros((1, 1))]])
    expected = np.linalg.solve(system, np.append(rhs, 1))
    np.testing.assert_allclose([*weights, mu], expected, atol=1e-12)
    np.testing.assert_allclose([*others, mu_other], expected, atol=1e-12)
    np.testing.assert_allclose(np.tril(lower), np.linalg.cholesky(cov), atol=1e-13)


def test_singular_systems_are_told():
    ones, rhs, weights, work = np.ones((3, 3)), np.ones(3), np.empty(3), np.empty(3)
    assert np.isnan(solve_ordinary(ones.copy(), rhs, weights, work))
    assert np.isnan(solve_semivariances(ones, rhs, weights))
    # Points so near that the variogram does not tell them apart.
    points = [[0.0, 0.0], [1e-9, 0.0], [0.0, 1e-9]]
    model = Variogram(VariogramModel.GAUSSIAN, nugget=0.0, partial_sill=1.0, range=100.0)
    for neighbours in (None, 3):
        with pytest.raises(InputError, match="the system of 3 points is singular with Variogram.*Add a nugget"):
            krige(points, [1.0, 2.0, 3.0], [[5.0, 5.0]], variogram=model, neighbours=neighbours)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"coordinates": [[0, 0], [3, 4], [0, 0]]}, r"1 points repeat .*: 0 and 2 at \[0.0, 0.0\]. Average the values"),
        ({"coordinates": [[0, 0], [3, 4]]}, r"have the shapes \(2, 2\) and \(3,\)"),
        ({"values": [1.0, np.nan, 2.0]}, "1 of 3 points are not finite, the first is number 1"),
        ({"targets": [1.0, 2.0]}, r"targets: have the shape \(2,\). Give \(m, 2\) finite numbers"),
        ({"targets": [[1.0, np.inf]]}, "targets: have the shape .*finite"),
        ({"neighbours": 0}, "neighbours: is 0. Give at least 1, or None for all points"),
        ({"variogram": Variogram(VariogramModel.SPHERICAL, 0, 0, 1)}, "variogram: its sill is 0"),
    ],
)
def test_bad_input_is_an_error(change, message):
    good = {
        "coordinates": [[0, 0], [3, 4], [6, 0]],
        "values": [1.0, 2.0, 3.0],
        "targets": [[1.0, 1.0]],
        "variogram": variogram(VariogramModel.SPHERICAL),
    }
    with pytest.raises(InputError, match=message):
        krige(**good | change)
