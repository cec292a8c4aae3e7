import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from cryoscale.errors import InputError
from cryoscale.insar._ramps import LEAST_SCALE, SCALE_REACH, WEIGHT_REACH, design, normal_sums, solve
from cryoscale.insar.ramp_fits import RampOrder, fit_ramp, ramp_normals, solve_ramp, start_ramp, usable_phase
from cryoscale.insar.ramps import deramp, ramp_surface, remove_ramp
from cryoscale.variables import VARIABLES

SHAPE = (40, 50)
ROWS, COLUMNS = np.meshgrid(np.linspace(1, -1, SHAPE[0]), np.linspace(-1, 1, SHAPE[1]), indexing="ij")
SETTINGS = settings(max_examples=20, deadline=None)
COEFFICIENT = st.floats(-20, 20)


def as_phase(values, dtype="float32"):
    coords = {"y": 38.0 - 0.001 * np.arange(SHAPE[0]), "x": 99.0 + 0.001 * np.arange(SHAPE[1])}
    return xr.DataArray(np.asarray(values, dtype), coords, ("pair", "y", "x"), "unwrapped_phase", {"units": "rad"})


def as_map(values):
    return as_phase([values], np.asarray(values).dtype)[0].drop_attrs().rename(None)


def polynomial(c):
    columns = (np.ones(SHAPE), COLUMNS, ROWS, COLUMNS**2, COLUMNS * ROWS, ROWS**2)
    return sum(a * column for a, column in zip(c, columns, strict=False))


def make_hills():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    heights = as_map(4000 + 250 * np.sin(x / 5) * np.cos(y / 7))
    return heights.assign_attrs(units="m").rename("elevation")


@pytest.fixture
def hills():
    return make_hills()


@SETTINGS
@given(st.lists(COEFFICIENT, min_size=3, max_size=3), st.lists(COEFFICIENT, min_size=6, max_size=6))
def test_deramp_of_a_ramp_is_zero(linear, quadratic):
    phase = as_phase([polynomial(linear), polynomial(quadratic)])
    residual = deramp(phase, order=RampOrder.QUADRATIC)
    np.testing.assert_allclose(residual, 0, atol=2e-5)
    np.testing.assert_allclose(deramp(phase[:1]), 0, atol=2e-5)
    assert residual.dtype == "float32"
    assert residual.name == "unwrapped_phase"


@SETTINGS
@given(st.lists(COEFFICIENT, min_size=3, max_size=3), st.floats(-30, 30))
def test_deramp_of_a_ramp_with_elevation_is_zero(linear, per_km):
    hills = make_hills()
    phase = as_phase([polynomial(linear) + per_km * hills.values / 1000])
    ramp = fit_ramp(phase, elevation=hills)
    np.testing.assert_allclose(remove_ramp(phase, ramp, elevation=hills), 0, atol=5e-5)
    np.testing.assert_allclose(ramp.ramp_coefficients[0, -1], per_km, atol=1e-3)


@SETTINGS
@given(st.integers(0, 1000), st.sampled_from(RampOrder))
def test_without_reweighting_it_is_least_squares(seed, order):
    rng = np.random.default_rng(seed)
    phase = as_phase(rng.normal(size=(3, *SHAPE)) + 2 * COLUMNS)
    phase.values[rng.random(phase.shape) < 0.4] = np.nan
    ramp = fit_ramp(phase, order=order, rounds=0)
    matrix = np.stack([polynomial(unit).ravel() for unit in np.eye(3 if order is RampOrder.LINEAR else 6)], axis=1)
    for pair in range(3):
        known = np.isfinite(phase.values[pair].ravel())
        values = phase.values[pair].ravel()[known].astype(float)
        expected, (squares,), *_ = np.linalg.lstsq(matrix[known], values)
        np.testing.assert_allclose(ramp.ramp_coefficients[pair], expected, atol=1e-10)
        np.testing.assert_allclose(ramp.ramp_scale[pair], np.sqrt(squares / known.sum()), rtol=1e-9)
        assert int(ramp.ramp_pixels[pair]) == known.sum()


def test_one_reweighting_is_what_the_formula_says():
    rng = np.random.default_rng(1)
    columns = design(("constant", "x", "y"), ROWS, COLUMNS, None)
    phase = (rng.standard_t(2, size=(2, columns.shape[1])) + 3 * columns[1]).astype("float32")
    phase[rng.random(phase.shape) < 0.1] = np.nan
    start, scale = np.array([[0.1, 2.5, 0.2], [0.0, 3.5, 0.0]]), np.array([1.5, 0.8])
    change, next_scale = solve(normal_sums(phase, columns, start, scale), 3, scale)
    for pair in range(2):
        known = np.isfinite(phase[pair])
        a, residual = columns[:, known].T, phase[pair, known] - start[pair] @ columns[:, known]
        root = np.clip(1 - (residual / (WEIGHT_REACH * scale[pair])) ** 2, 0, None)  # root of the weight
        expected = np.linalg.lstsq(a * root[:, None], residual * root)[0]
        np.testing.assert_allclose(change[pair], expected, rtol=1e-9)
        rho = 1 - np.clip(1 - (residual / (SCALE_REACH * scale[pair])) ** 2, 0, None) ** 3
        np.testing.assert_allclose(next_scale[pair], scale[pair] * np.sqrt(rho.mean() / 0.5), rtol=1e-12)


def test_the_scale_is_the_standard_deviation_of_normal_noise():
    noise = np.random.default_rng(0).normal(size=(4, *SHAPE))
    ramp = fit_ramp(as_phase(2 * noise + 5 * ROWS), rounds=20)
    np.testing.assert_allclose(ramp.ramp_scale, 2, rtol=0.06)


def test_a_deformation_bowl_keeps_its_shape():
    rng = np.random.default_rng(0)
    bowl = -12 * np.exp(-((COLUMNS - 0.3) ** 2 + (ROWS + 0.2) ** 2) / (2 * 0.15**2))
    trend = polynomial([1, 4, -3, 2, 0, 0])
    phase = as_phase([trend + bowl + 0.4 * rng.normal(size=SHAPE)])
    error = {}
    for rounds in (0, 6):
        surface = ramp_surface(fit_ramp(phase, order=RampOrder.QUADRATIC, rounds=rounds), phase)[0]
        error[rounds] = float(np.sqrt(((surface - trend) ** 2).mean()))
    print(f"error of the trend beside a bowl of 12 rad: {error[0]:.3f} rad, reweighted {error[6]:.3f} rad")
    assert error[6] < 0.15
    assert error[6] < 0.2 * error[0]


def test_a_mask_keeps_deforming_ground_out():
    deforming = COLUMNS > -0.4
    phase = as_phase([2 * COLUMNS + ROWS - 10 * deforming * (COLUMNS + 0.4)])
    residual = deramp(phase, mask=as_map(~deforming))[0]
    np.testing.assert_allclose(residual, -10 * deforming * (COLUMNS + 0.4), atol=1e-5)
    assert float(np.abs(deramp(phase)[0].where(as_map(~deforming))).max()) > 1


def test_incoherent_pixels_do_not_count():
    phase = as_phase([3 * COLUMNS] * 2)
    coherence = as_phase(np.full((2, *SHAPE), 0.9)).assign_attrs(units="1")
    coherence[0, 10:30], phase[0, 10:30] = 0.3, 50.0
    coherence[1, :5] = np.nan
    ramp = fit_ramp(phase, coherence, rounds=0)
    assert ramp.ramp_pixels.values.tolist() == [20 * 50, 35 * 50]
    np.testing.assert_allclose(ramp.ramp_coefficients, [[0, 3, 0]] * 2, atol=1e-6)
    assert fit_ramp(phase, coherence, rounds=0, min_coherence=0.2).ramp_pixels[0] == 40 * 50


@pytest.mark.parametrize("chunks", [{"y": 7, "x": 11}, {"pair": 2, "y": 40}, {"y": 1, "x": 50}])
def test_lazy_and_chunked_give_the_same(hills, lazy, assert_lazy, chunks):
    rng = np.random.default_rng(0)
    phase = as_phase(rng.standard_t(3, size=(3, *SHAPE)) + 2 * COLUMNS)
    phase.values[rng.random(phase.shape) < 0.2] = np.nan
    coherence = as_phase(rng.random(phase.shape)).assign_attrs(units="1")
    options = {"elevation": hills, "mask": as_map(ROWS < 0.8), "order": RampOrder.QUADRATIC}
    eager = fit_ramp(phase, coherence, **options)
    chunked = {"elevation": lazy(hills, y=9), "mask": lazy(options["mask"], x=20), "order": RampOrder.QUADRATIC}
    with assert_lazy():
        usable = usable_phase(lazy(phase, **chunks), lazy(coherence, y=13), mask=chunked["mask"])
        normals = ramp_normals(usable, eager, elevation=chunked["elevation"])
        residual = remove_ramp(lazy(phase, **chunks), eager, elevation=chunked["elevation"])
    assert normals.normal_sums.shape == (3, 28 + 7 + 3)
    ramp = fit_ramp(lazy(phase, **chunks), lazy(coherence, y=13), **chunked)
    xr.testing.assert_allclose(ramp, eager, rtol=1e-9, atol=1e-12)
    assert residual.chunks
    np.testing.assert_allclose(residual, remove_ramp(phase, eager, elevation=hills), atol=1e-6)
    np.testing.assert_allclose(residual, deramp(phase, coherence, **options), atol=1e-6)


def test_every_round_is_one_pass():
    passes = []

    def reduce(normals):
        passes.append(normals.normal_sums.shape)
        return normals.compute()

    phase = as_phase([COLUMNS] * 2)
    ramp = fit_ramp(phase, rounds=3, reduce=reduce)
    assert passes == [(2, 6 + 3 + 3)] * 4
    by_hand = start_ramp(phase)
    for _ in range(4):
        by_hand = solve_ramp(by_hand, ramp_normals(phase, by_hand))
    xr.testing.assert_identical(ramp, by_hand)


def test_a_fit_to_every_other_pixel_serves_the_whole_stack():
    phase = as_phase([polynomial([1, 2, 3, 4, 5, 6])])
    ramp = fit_ramp(phase[:, ::2, ::2], order=RampOrder.QUADRATIC)
    np.testing.assert_allclose(remove_ramp(phase, ramp), 0, atol=2e-5)


def test_pairs_with_too_few_pixels_are_no_data():
    phase = as_phase([COLUMNS, COLUMNS])
    phase[1, 2:] = np.nan
    ramp = fit_ramp(phase, min_pixels=101)
    np.testing.assert_array_equal(ramp.ramp_coefficients.isnull().all("term"), [False, True])
    np.testing.assert_array_equal(ramp.ramp_pixels, [2000, 100])
    residual = remove_ramp(phase, ramp)
    assert residual[1].isnull().all()
    assert residual[0].notnull().all()
    empty = fit_ramp(phase * np.nan)
    assert empty.ramp_coefficients.isnull().all()


def test_terms_that_the_pixels_do_not_determine_are_harmless():
    flat = as_map(np.full(SHAPE, 3000.0)).assign_attrs(units="m")
    phase = as_phase([3 * COLUMNS + 2])
    np.testing.assert_allclose(deramp(phase, elevation=flat), 0, atol=1e-5)
    one_row = phase.where(as_map(np.abs(ROWS - ROWS[5, 0]) < 1e-9))
    np.testing.assert_allclose(deramp(one_row, min_pixels=10)[0, 5], 0, atol=1e-5)


def test_where_there_is_no_elevation_there_is_no_correction(hills):
    phase = as_phase([COLUMNS])
    hills[3, 4] = np.nan
    ramp = fit_ramp(phase, elevation=hills)
    assert int(ramp.ramp_pixels[0]) == 1999
    residual = remove_ramp(phase, ramp, elevation=hills)[0]
    assert np.argwhere(residual.isnull().values).tolist() == [[3, 4]]


def test_surfaces_of_a_single_column():
    phase = as_phase([ROWS])[:, :, :1]
    np.testing.assert_allclose(deramp(phase, min_pixels=10), 0, atol=1e-5)


def test_coefficients_can_be_saved(tmp_path, hills):
    phase = as_phase([COLUMNS + 0.3 * ROWS])
    ramp = fit_ramp(phase, elevation=hills)
    for name, array in ramp.data_vars.items():
        assert (array.dims, array.dtype) == (VARIABLES[name].dims, VARIABLES[name].dtype)
        assert array.attrs["units"] == VARIABLES[name].units
    ramp.to_zarr(tmp_path / "ramp.zarr", consolidated=False)
    with xr.open_zarr(tmp_path / "ramp.zarr", consolidated=False) as saved:
        xr.testing.assert_identical(
            ramp_surface(saved, phase, elevation=hills), ramp_surface(ramp, phase, elevation=hills)
        )
    assert float(ramp.ramp_scale[0]) == LEAST_SCALE


def test_bad_input_is_refused(hills):
    phase = as_phase([COLUMNS] * 2)
    with pytest.raises(InputError, match="rounds: -1 is negative"):
        fit_ramp(phase, rounds=-1)
    with pytest.raises(InputError, match="must be in 'rad'"):
        fit_ramp(phase.assign_attrs(units="mm"))
    with pytest.raises(InputError, match="is in 'km', but elevation must be in 'm'"):
        fit_ramp(phase, elevation=hills.assign_attrs(units="km"))
    with pytest.raises(InputError, match="elevation: its y has 39 pixels"):
        fit_ramp(phase, elevation=hills[1:])
    with pytest.raises(InputError, match="was fitted with elevation, but none is given"):
        remove_ramp(phase, fit_ramp(phase, elevation=hills))
    with pytest.raises(InputError, match="was fitted to 2 pairs, but the stack has 1"):
        remove_ramp(phase[:1], fit_ramp(phase))
    with pytest.raises(InputError, match="mask: is of type float64, but must be boolean"):
        usable_phase(phase, mask=as_map(ROWS))
    with pytest.raises(ValueError, match="3 is not a valid RampOrder"):
        fit_ramp(phase, order=3)
