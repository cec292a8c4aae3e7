import itertools
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cryoscale.insar.nsbas import invert_nsbas

START = np.datetime64("2016-05-03", "ns")
COLUMNS = {"none": (), "linear": (0, 1), "linear-periodic": (0, 1, 2, 3)}
PARAMETERS = ("offset", "velocity", "sine", "cosine")


# The oracle: the rows of the equations as they stand, dense, one pixel at a time.


def design(days, model, *, reference=None):
    t = np.asarray(days) / 365.25
    columns = [c for c in COLUMNS[model] if not (c == 1 and reference is not None)]
    full = np.stack([np.ones_like(t), t, np.sin(2 * np.pi * t), np.cos(2 * np.pi * t)], axis=1)
    return full[:, columns], [PARAMETERS[c] for c in columns]


def rows(first, second, days, d, w, *, model, gamma, reference=None, constrain_first=False):
    """Matrix and right-hand side for u_1 .. u_{N-1} and the parameters."""
    n, used = len(days), np.isfinite(d) & (w > 0)
    B, _ = design(days, model, reference=reference)
    A = np.zeros((used.sum(), n + B.shape[1]))
    pairs = np.arange(used.sum())
    A[pairs, second[used]] = np.sqrt(w[used])
    A[pairs, first[used]] = -np.sqrt(w[used])
    C = gamma * np.hstack([np.eye(n), -B])[0 if constrain_first else 1 :]
    c = gamma * (reference or 0.0) * (np.asarray(days) / 365.25)[0 if constrain_first else 1 :]
    if model == "none":
        C, c = C[:0], c[:0]
    return np.vstack([A, C])[:, 1:], np.concatenate([np.sqrt(w[used]) * d[used], c])


def least_squares(M, b):
    """Householder QR in extended precision, where the machine has it: float64 alone is wrong by up to 1e-3 mm."""
    M, b = M.astype(np.longdouble), b.astype(np.longdouble)
    for j in range(M.shape[1]):
        v = M[j:, j].copy()
        v[0] += np.copysign(np.sqrt(v @ v), v[0])
        M[j:, j:] -= np.outer(v, 2 / (v @ v) * (v @ M[j:, j:]))
        b[j:] -= v * (2 / (v @ v) * (v @ b[j:]))
    x = np.zeros(M.shape[1], np.longdouble)
    for j in reversed(range(x.size)):
        x[j] = (b[j] - M[j, j + 1 :] @ x[j + 1 :]) / M[j, j]
    return x.astype(float)


def dense(first, second, days, d, w, **options):
    """Displacement and parameters."""
    x = least_squares(*rows(first, second, days, d, w, **options))
    n = len(days)
    names = design(days, options["model"], reference=options.get("reference"))[1]
    return np.concatenate([[0.0], x[: n - 1]]), dict(zip(names, x[n - 1 :], strict=True))


def pieces(first, second, n, used):
    links = coo_array((np.ones(used.sum()), (first[used], second[used])), shape=(n, n))
    return connected_components(links, directed=False)


def determination(first, second, days, used, *, model, reference=None, constrain_first=False):
    """Least singular value (squared) of the temporal model after each piece's free shift has been taken out."""
    B, _ = design(days, model, reference=reference)
    if not constrain_first:
        B[0] = 0.0
    scale = np.sqrt((B**2).sum(axis=0))
    labels = pieces(first, second, len(days), used)[1]
    for label in set(labels) - {labels[0]}:
        B[labels == label] -= B[labels == label].mean(axis=0)
    return np.linalg.svd(B / scale, compute_uv=False)[-1] ** 2 if len(B) >= B.shape[1] else 0.0


# Networks and stacks.


def stack_of(first, second, days, values, dims=("pair", "x")):
    dates = START + np.asarray(days) * np.timedelta64(1, "D")
    coords = {"reference": ("pair", dates[first]), "secondary": ("pair", dates[second])}
    return xr.DataArray(values, dims=dims, coords=coords, name="pair_displacement", attrs={"units": "mm"})


def chain(n, links):
    first, second = np.array([(i, i + j) for j in range(1, links + 1) for i in range(n - j)]).T
    return first, second


def winter_network(n, *, rng, links=4):
    """Acquisitions every 12 days, some missing; pairs of thawing seasons, and a few islands of two in winters."""
    days = 12 * np.concatenate([[0], np.sort(rng.choice(np.arange(1, n + n // 8), n - 1, replace=False))])
    year, day = np.divmod(days + 122, 365.25)
    cold = (day < 80) | (day > 335)
    first, second = chain(n, links)
    keep = ~cold[first] & ~cold[second] & (year[first] == year[second])
    keep |= cold[first] & cold[second] & (second - first == 1) & (first % 3 == 0)
    used = np.union1d(first[keep], second[keep])
    return days[used], np.searchsorted(used, first[keep]), np.searchsorted(used, second[keep])


def observe(days, first, second, *, rng, pixels=3, missing=0.15, noise=2.0):
    """Pairs of a series that does not follow any of the models exactly."""
    t = np.asarray(days)[:, None] / 365.25
    u = -12.0 * t + 15.0 * np.sin(2 * np.pi * t + rng.uniform(0, 6, pixels)) + rng.normal(0, 3, (len(days), pixels))
    d = u[second] - u[first] + rng.normal(0, noise, (len(first), pixels))
    d[rng.random(d.shape) < missing] = np.nan
    return d


OPTIONS = {
    "linear-periodic": {"model": "linear-periodic"},
    "linear": {"model": "linear"},
    "first epoch too": {"model": "linear-periodic", "constrain_first": True},
    "given velocity": {"model": "linear-periodic", "reference": -9.0},
    "given velocity, linear": {"model": "linear", "reference": 4.0, "constrain_first": True},
    "strong": {"model": "linear-periodic", "gamma": 1.0},
}


def invert(stack, *, weights=None, reference=None, **options):
    w = None if weights is None else xr.DataArray(weights, dims=("pair", "x")[: np.ndim(weights)])
    v = None if reference is None else xr.DataArray(reference, attrs={"units": "mm a-1"})
    return invert_nsbas(stack, weights=w, velocity_reference=v, **options)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize(("n", "weighted"), [(60, False), (60, True), (180, True)])
def test_equals_dense_least_squares_across_winter_gaps(n, weighted, options):
    rng = np.random.default_rng(n)
    days, first, second = winter_network(n, rng=rng)
    d = observe(days, first, second, rng=rng)
    w = 10 ** rng.uniform(-1, 1, d.shape) if weighted else np.ones(d.shape)
    cube = invert(stack_of(first, second, days, d), weights=w if weighted else None, **options)
    assert cube.n_components.min() > n / 30
    for i in range(d.shape[1]):
        u, p = dense(first, second, days, d[:, i], w[:, i], **{"gamma": 1e-4, **options})
        pixel = cube.isel(x=i)
        np.testing.assert_allclose(pixel.displacement, u, atol=1e-4, rtol=0)
        for name, value in p.items():
            np.testing.assert_allclose(pixel[name], value, atol=1e-4, rtol=0)
        used = np.isfinite(d[:, i])
        misfit = (u[second] - u[first] - d[:, i])[used]
        np.testing.assert_allclose(pixel.residual_rms, np.sqrt(np.mean(misfit**2)), rtol=1e-7)
        assert int(pixel.n_pairs) == used.sum()
        assert int(pixel.n_components) == pieces(first, second, len(days), used)[0]


@pytest.mark.parametrize(("gamma", "tolerance"), [(1e-2, 1e-9), (1e-3, 1e-7), (1e-4, 1e-5), (1e-5, 1e-3)])
def test_is_more_accurate_than_dense_least_squares_in_the_same_precision(gamma, tolerance):
    rng = np.random.default_rng(5)
    days, first, second = winter_network(80, rng=rng)
    d = observe(days, first, second, rng=rng)
    cube = invert(stack_of(first, second, days, d), gamma=gamma)
    error, rough = [], []
    for i in range(d.shape[1]):
        problem = {"model": "linear-periodic", "gamma": gamma}
        u, _ = dense(first, second, days, d[:, i], np.ones(len(d)), **problem)
        error.append(abs(cube.displacement.values[:, i] - u).max())
        x = np.linalg.lstsq(*rows(first, second, days, d[:, i], np.ones(len(d)), **problem), rcond=1e-15)[0]
        rough.append(abs(x[: len(days) - 1] - u[1:]).max())
    assert max(error) < tolerance
    if np.finfo(np.longdouble).eps < 1e-18:
        assert max(error) < max(rough)


@st.composite
def problems(draw):
    """Small random networks with long pairs, gaps, weights, isolated epochs, and every option."""
    n = draw(st.integers(3, 14))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    days = np.concatenate([[0], np.sort(rng.choice(np.arange(1, 1500), n - 1, replace=False))])
    every = np.array(list(itertools.combinations(range(n), 2)))
    keep = rng.random(len(every)) < draw(st.sampled_from([0.15, 0.3, 0.6, 1.0]))
    keep[[0, n - 2, -1]] = True  # so that the stack has all epochs
    keep[: n - 1] |= ~np.isin(np.arange(1, n), every[keep])
    first, second = every[keep].T
    d = observe(days, first, second, rng=rng, pixels=1, missing=draw(st.sampled_from([0.0, 0.2, 0.5])))
    w = 10 ** rng.uniform(-1, 1, d.shape) * (rng.random(d.shape) < 0.95)
    model = draw(st.sampled_from(["linear", "linear-periodic"]))
    options = {
        "model": model,
        "gamma": draw(st.sampled_from([1e-4, 1e-3, 1e-1, 1.0])),
        "constrain_first": draw(st.booleans()),
        "reference": draw(st.sampled_from([None, -7.0])),
    }
    return days, first, second, d, w, options


def test_fewer_equations_than_parameters_are_undetermined_however_they_round():
    """Four epochs give three rows for the four parameters; rounding alone would leave a pivot above zero."""
    days, first, second = np.array([0, 549, 773, 848]), np.array([0, 0, 0, 2]), np.array([1, 2, 3, 3])
    d = np.array([[-19.97337385], [-17.79227095], [-16.12873191], [2.5534615]])
    pixel = invert(stack_of(first, second, days, d), weights=np.ones_like(d), model="linear-periodic").isel(x=0)
    assert int(pixel.n_components) == 1
    assert all(np.isnan(pixel[name]).all() for name in pixel if pixel[name].dtype.kind == "f")


@settings(max_examples=150, deadline=None)
@given(problems())
def test_equals_dense_least_squares_or_is_missing_where_undetermined(problem):
    days, first, second, d, w, options = problem
    used = (np.isfinite(d) & (w > 0))[:, 0]
    keys = {key: options[key] for key in ("model", "reference", "constrain_first")}
    strength = determination(first, second, days, used, **keys)
    assume(strength < 1e-20 or strength > 1e-6)
    pixel = invert(stack_of(first, second, days, d), weights=w, **options).isel(x=0)
    assert int(pixel.n_pairs) == used.sum()
    assert int(pixel.n_components) == pieces(first, second, len(days), used)[0]
    if strength < 1e-20:
        assert all(np.isnan(pixel[name]).all() for name in pixel if pixel[name].dtype.kind == "f")
        return
    u, p = dense(first, second, days, d[:, 0], w[:, 0], **options)
    np.testing.assert_allclose(pixel.displacement, u, atol=1e-4, rtol=1e-7)
    for name, value in p.items():
        np.testing.assert_allclose(pixel[name], value, atol=1e-4, rtol=1e-7)


@settings(max_examples=60, deadline=None)
@given(problems())
def test_without_a_model_knows_the_epochs_tied_to_the_first(problem):
    days, first, second, d, w, _ = problem
    used = (np.isfinite(d) & (w > 0))[:, 0]
    pixel = invert(stack_of(first, second, days, d), weights=w, model="none").isel(x=0)
    count, labels = pieces(first, second, len(days), used)
    tied = (labels == labels[0]) & ((labels == labels[0]).sum() > 1)
    u = np.concatenate(
        [[0.0], np.linalg.lstsq(*rows(first, second, days, d[:, 0], w[:, 0], model="none", gamma=0.0))[0]]
    )
    np.testing.assert_array_equal(np.isfinite(pixel.displacement), tied)
    np.testing.assert_allclose(pixel.displacement.values[tied], u[tied], atol=1e-9)
    misfit = (u[second] - u[first] - d[:, 0])[used]
    np.testing.assert_allclose(pixel.residual_rms, np.sqrt(np.mean(misfit**2)) if used.any() else np.nan, atol=1e-9)
    assert int(pixel.n_components) == count
    assert set(pixel.data_vars) == {"displacement", "residual_rms", "n_pairs", "n_components"}


def test_a_few_pairs_across_many_epochs():
    rng = np.random.default_rng(8)
    days, first, second = winter_network(90, rng=rng)
    first, second = np.append(first, [0, 3, 40]), np.append(second, [len(days) - 1, 60, 65])
    d = observe(days, first, second, rng=rng)
    cube = invert(stack_of(first, second, days, d))
    for i in range(d.shape[1]):
        u, _ = dense(first, second, days, d[:, i], np.ones(len(d)), model="linear-periodic", gamma=1e-4)
        np.testing.assert_allclose(cube.displacement[:, i], u, atol=1e-4)


@pytest.mark.parametrize("options", [{}, {"constrain_first": True}, {"reference": -5.0}, {"model": "linear"}])
def test_standard_errors_are_those_of_the_dense_normal_matrix(options):
    rng = np.random.default_rng(2)
    days, first, second = winter_network(70, rng=rng)
    d = observe(days, first, second, rng=rng, pixels=1)
    w = np.ones(len(d))
    pixel = invert(stack_of(first, second, days, d), gamma=1e-2, **options).isel(x=0)
    full = {"model": "linear-periodic", **options, "gamma": 1e-2}
    M, _ = rows(first, second, days, d[:, 0], w, **full)
    u, p = dense(first, second, days, d[:, 0], w, **full)
    B, names = design(days, full["model"], reference=options.get("reference"))
    e = (u - B @ list(p.values()) - options.get("reference", 0.0) * np.asarray(days) / 365.25)[
        0 if options.get("constrain_first") else 1 :
    ]
    n_pieces = pieces(first, second, len(days), np.isfinite(d[:, 0]))[0]
    freedom = len(e) - (n_pieces - 1) - len(names)
    covariance = np.sum(e**2) / freedom * 1e-4 * np.linalg.inv(M.T @ M)[len(days) - 1 :, len(days) - 1 :]
    errors = {name: np.sqrt(covariance[i, i]) for i, name in enumerate(names) if name != "offset"}
    assert {name for name in pixel if name.endswith("_error")} == {f"{name}_error" for name in errors}
    for name, error in errors.items():
        np.testing.assert_allclose(pixel[f"{name}_error"], error, rtol=1e-6)


def test_standard_errors_say_how_much_estimates_scatter():
    rng = np.random.default_rng(3)
    days, first, second = winter_network(100, rng=rng)
    t = np.asarray(days)[:, None] / 365.25
    u = -10 * t + 8 * np.sin(2 * np.pi * t) + rng.normal(0, 3.0, (len(days), 3000))
    cube = invert(stack_of(first, second, days, u[second] - u[first]))
    for name, truth in {"velocity": -10.0, "sine": 8.0, "cosine": 0.0}.items():
        scatter = cube[name] - truth
        np.testing.assert_allclose(scatter.std(), np.sqrt((cube[f"{name}_error"] ** 2).mean()), rtol=0.06)
        assert abs(scatter.mean()) < 4 * scatter.std() / np.sqrt(3000)


def test_recovers_a_known_motion_across_winter_gaps_that_a_line_misses():
    rng = np.random.default_rng(4)
    days, first, second = winter_network(150, rng=rng)
    t = np.asarray(days) / 365.25
    truth = -14.0 * t + 20.0 * np.sin(2 * np.pi * t) - 6.0 * (np.cos(2 * np.pi * t) - 1)
    stack = stack_of(first, second, days, truth[second] - truth[first], dims=("pair",))
    cube = invert_nsbas(stack)
    np.testing.assert_allclose(cube.displacement, truth, atol=1e-6)
    for name, value in {"offset": 6.0, "velocity": -14.0, "sine": 20.0, "cosine": -6.0, "residual_rms": 0.0}.items():
        np.testing.assert_allclose(cube[name], value, atol=1e-6)
    assert abs(float(invert_nsbas(stack, model="linear").velocity) + 14.0) > 5.0


def test_a_month_of_epochs_just_determines_a_cycle_of_a_year():
    days, (first, second) = 6 * np.arange(5), chain(5, 2)
    t = days / 365.25
    truth = -14.0 * t + 20.0 * np.sin(2 * np.pi * t)
    assert 1e-8 < determination(first, second, days, np.ones(first.size, bool), model="linear-periodic") < 1e-7
    cube = invert_nsbas(stack_of(first, second, days, truth[second] - truth[first], dims=("pair",)))
    np.testing.assert_allclose(cube.velocity, -14.0, atol=1e-6)


def test_single_precision_input_is_solved_in_double_precision():
    rng = np.random.default_rng(9)
    days, first, second = winter_network(120, rng=rng)
    d = observe(days, first, second, rng=rng).astype("float32")
    single = invert(stack_of(first, second, days, d))
    double = invert(stack_of(first, second, days, d.astype("float64")))
    np.testing.assert_array_equal(single.displacement, double.displacement.astype("float32"))


def test_pieces_are_counted_exactly_where_ties_are_weaker_than_rounding():
    n = 150
    stack = stack_of(*chain(n, 2), 12 * np.arange(n), np.ones(2 * n - 3), dims=("pair",))
    weights = xr.DataArray(np.full(2 * n - 3, 1e-12), dims="pair")
    assert int(invert_nsbas(stack, weights=weights, gamma=1.0).n_components) == 1
    assert int(invert_nsbas(stack, weights=weights.where(stack.reference < stack.secondary[70])).n_components) > 1


def test_stays_within_its_arrays(tmp_path):
    script = """
        import numpy as np
        from cryoscale.insar._nsbas import make_problem, solve

        years = np.arange(9) / 30
        design = np.stack([np.ones(9), years, np.sin(6 * years), np.cos(6 * years)], axis=1)
        for links, gamma in ((1, 1e-4), (3, 0.0), (8, 1e-4)):
            first, second = np.array([(i, i + j) for j in range(1, links + 1) for i in range(9 - j)]).T
            problem = make_problem(first, second, years, design * (gamma > 0), gamma=gamma)
            for n_weights, n_pixels in ((1, 1), (65, 65)):
                stack, weights = np.ones((first.size, n_pixels)), np.ones((first.size, n_weights))
                series, maps, counts = solve(stack, weights, np.zeros(n_pixels), problem)
                assert np.isfinite(series).all() and (counts[1] == 1).all()
        try:
            solve(stack, weights, np.zeros(n_pixels), problem._replace(width=1))
        except IndexError:
            print("bounds are checked")
    """
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_OPT": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "bounds are checked\n"), done.stderr
