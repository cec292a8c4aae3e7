import numpy as np
import pytest
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.insar.nsbas import TemporalModel, invert_nsbas

START = np.datetime64("2016-05-03", "ns")


def cube_stack(shape=(9, 31), *, n=20):
    """Every epoch paired with the next three, 15 % missing, five pixels without data."""
    first, second = np.array([(i, i + j) for j in (1, 2, 3) for i in range(n - j)]).T
    rng = np.random.default_rng(6)
    u = rng.normal(0, 3, (n, *shape)).cumsum(axis=0)
    d = (u[second] - u[first] + rng.normal(0, 2, (first.size, *shape))).astype("float32")
    d[rng.random(d.shape) < 0.15] = np.nan
    d[:, 0, :5] = np.nan
    dates = START + 24 * np.arange(n) * np.timedelta64(1, "D")
    coords = {
        "reference": ("pair", dates[first]),
        "secondary": ("pair", dates[second]),
        "y": np.arange(shape[0]),
        "x": np.arange(shape[1]),
    }
    return xr.DataArray(d, coords, ("pair", "y", "x"), name="pair_displacement", attrs={"units": "mm"})


def test_lazy_equals_eager_bit_for_bit_whatever_the_chunks(assert_lazy):
    stack = cube_stack()
    weights = xr.DataArray(np.random.default_rng(1).random(stack.shape, "float32"), dims=stack.dims)
    velocity = xr.DataArray(np.linspace(-5, 5, 31, dtype="float32"), dims="x")
    for options in ({}, {"weights": weights}, {"velocity_reference": velocity}, {"model": "none"}):
        eager = invert_nsbas(stack, **options)
        for chunks in ({"y": 9, "x": 31}, {"y": 4, "x": 7}):
            split = stack.chunk(chunks).assign_coords(reference=stack.reference, secondary=stack.secondary)
            with assert_lazy():
                lazy = invert_nsbas(split, **options)
            assert all(variable.chunks is not None for variable in lazy.data_vars.values())
            xr.testing.assert_identical(lazy.compute(), eager)


@pytest.mark.parametrize("n_pixels", [1, 63, 64, 65, 200])
def test_a_pixel_does_not_depend_on_its_neighbours(n_pixels):
    stack = cube_stack((1, 200)).isel(y=0)
    stack[{"x": 150}] = stack[{"x": 20}].values
    some = invert_nsbas(stack.isel(x=slice(0, n_pixels)))
    every = invert_nsbas(stack)
    xr.testing.assert_identical(some, every.isel(x=slice(0, n_pixels)))
    turned = invert_nsbas(stack.isel(x=slice(None, None, -1))).isel(x=slice(None, None, -1))
    xr.testing.assert_identical(turned, every)
    xr.testing.assert_identical(every.isel(x=150, drop=True), every.isel(x=20, drop=True))


def test_layout_in_memory_does_not_matter():
    stack = cube_stack()
    last = stack.copy(data=np.moveaxis(np.ascontiguousarray(np.moveaxis(stack.values, 0, -1)), -1, 0))
    frozen = stack.copy()
    frozen.values.flags.writeable = False
    swapped = stack.astype(">f4")
    for other in (last, frozen, swapped):
        xr.testing.assert_identical(invert_nsbas(other), invert_nsbas(stack))
    strided = xr.concat([stack, stack], "x").isel(x=slice(0, 62, 2))
    assert not strided.values.flags.c_contiguous
    xr.testing.assert_identical(invert_nsbas(strided), invert_nsbas(strided.copy(deep=True)))


@pytest.mark.parametrize(("given", "expected"), [("float32", "float32"), ("float64", "float64"), ("int16", "float32")])
def test_types_units_and_times(given, expected):
    stack = cube_stack().fillna(3.0).astype(given)
    cube = invert_nsbas(stack)
    assert cube.displacement.dims == ("time", "y", "x")
    assert {name: str(cube[name].dtype) for name in cube} == {
        name: "int16" if name.startswith("n_") else expected for name in cube
    }
    assert cube.velocity.attrs["units"] == "mm a-1"
    assert cube.displacement.attrs["units"] == "mm"
    np.testing.assert_array_equal(cube.time, START + 24 * np.arange(20) * np.timedelta64(1, "D"))
    assert (cube.displacement[0] == 0).all()


def test_no_data_in_no_data_out():
    stack = cube_stack()
    for model in TemporalModel:
        empty = invert_nsbas(stack, model=model).isel(y=0, x=slice(0, 5))
        for name in empty:
            if name == "n_pairs":
                assert (empty[name] == 0).all()
            elif name == "n_components":
                assert (empty[name] == 20).all()
            else:
                assert np.isnan(empty[name]).all(), name
    lonely = stack.where(stack.pair == 0)  # one pair determines no model, but one epoch
    assert np.isnan(invert_nsbas(lonely).displacement).all()
    known = invert_nsbas(lonely, model="none").displacement.isel(y=1)
    assert np.isfinite(known).sum() == 2 * np.isfinite(stack[0, 1]).sum()


def test_without_a_pair_to_the_first_epoch_the_offset_is_free():
    stack = cube_stack((1, 4)).fillna(1.0)
    cut = stack.where(stack.reference != stack.reference[0])
    assert np.isnan(invert_nsbas(cut).velocity).all()
    assert np.isfinite(invert_nsbas(cut, constrain_first=True).velocity).all()


def test_what_is_not_finite_and_what_weighs_nothing_is_missing():
    stack = cube_stack((2, 30))
    holes = np.random.default_rng(0).random(stack.shape) < 0.2
    missing = invert_nsbas(stack.where(~holes))
    infinite = stack.where(~holes, np.where(stack.x % 2, np.inf, -np.inf).astype("float32"))
    xr.testing.assert_identical(invert_nsbas(infinite), missing)
    for nothing in (0.0, np.nan, np.inf):
        weights = xr.where(xr.DataArray(holes, dims=stack.dims), nothing, 1.0)
        xr.testing.assert_identical(invert_nsbas(stack, weights=weights), missing)


def test_weights_per_pair_are_the_same_as_for_every_pixel():
    stack = cube_stack((2, 40))
    weights = xr.DataArray(np.random.default_rng(2).random(stack.sizes["pair"]), dims="pair")
    everywhere = weights * xr.ones_like(stack.drop_vars(["reference", "secondary"]))
    xr.testing.assert_identical(invert_nsbas(stack, weights=weights), invert_nsbas(stack, weights=everywhere))
    assert not invert_nsbas(stack, weights=weights).equals(invert_nsbas(stack))


def test_a_given_velocity_is_kept_and_a_missing_one_leaves_no_result():
    stack = cube_stack()
    reference = xr.DataArray(np.linspace(-20, 20, 31), dims="x", attrs={"units": "mm a-1"})
    reference[3], reference[4] = np.nan, np.inf
    cube = invert_nsbas(stack, velocity_reference=reference)
    inside = {"y": slice(1, None), "x": slice(5, None)}
    expected = reference.astype("float32").isel(x=slice(5, None)).values
    np.testing.assert_array_equal(cube.velocity[inside], np.broadcast_to(expected, (8, 26)))
    assert "velocity_error" not in cube
    assert "sine_error" in cube
    without = cube.isel(x=[3, 4])
    assert all(np.isnan(without[name]).all() for name in cube if not name.startswith("n_"))
    assert (without.n_pairs == np.isfinite(stack[:, :, 3:5]).sum("pair")).all()


BAD_INPUT = {
    "gamma": (lambda _: {"gamma": -1.0}, "gamma: -1.0 is not a positive number"),
    "period": (lambda _: {"period": 0.0}, "period: 0.0 is not a positive number of years"),
    "model": (lambda _: {"model": "cubic"}, "'cubic' is none of none, linear, linear-periodic"),
    "reference without model": (
        lambda s: {"model": "none", "velocity_reference": s[0]},
        "velocity_reference: needs a temporal model",
    ),
    "first without model": (lambda _: {"model": "none", "constrain_first": True}, "constrain_first: needs a temporal"),
    "unit": (
        lambda s: {"velocity_reference": s[0].assign_attrs(units="m a-1")},
        "is in 'm a-1', but velocity must be in 'mm a-1'",
    ),
    "reference of pairs": (lambda s: {"velocity_reference": s.assign_attrs(units="mm a-1")}, "velocity_reference: has"),
    "grid": (
        lambda s: {"velocity_reference": s[0].assign_coords(x=s.x + 1, units="").assign_attrs(units="mm a-1")},
        "velocity_reference: is not of the displacements' pairs or grid",
    ),
    "weights without pairs": (lambda s: {"weights": s[0]}, r"weights: has dims \('y', 'x'\)"),
    "weights of other pairs": (lambda s: {"weights": s.isel(pair=slice(None, None, -1))}, "weights: is not of the"),
    "negative weight": (lambda s: {"weights": -abs(s)}, "weights: -.* is negative"),
}


@pytest.mark.parametrize(("options", "message"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_refuses_what_makes_no_sense(options, message):
    stack = cube_stack((2, 6))
    with pytest.raises(InputError, match=message):
        invert_nsbas(stack, **options(stack))


BAD_STACKS = {
    "unit": (lambda s: s.assign_attrs(units="m"), "is in 'm', but pair_displacement must be in 'mm'"),
    "no dates": (lambda s: s.drop_vars("reference"), "has no coordinate 'reference'"),
    "reversed": (
        lambda s: s.assign_coords(reference=s.secondary, secondary=s.reference),
        r"pair 0 \(2016-05-27 - 2016-05-03\) does not go forward in time",
    ),
    "split": (lambda s: s.chunk(pair=5), "is split into 11 chunks along 'pair'"),
}


@pytest.mark.parametrize(("change", "message"), BAD_STACKS.values(), ids=BAD_STACKS)
def test_refuses_stacks_that_it_cannot_invert(change, message):
    with pytest.raises(InputError, match=message):
        invert_nsbas(change(cube_stack((2, 6))))
