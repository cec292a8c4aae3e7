import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from cryoscale.errors import InputError
from cryoscale.insar.geometry import LookGeometry, decompose, los_to_vertical

GROUND = st.floats(-100, 100)


def make_map(values, *, units="mm"):
    values = np.asarray(values, float)
    coords = {"y": 38.0 - 0.1 * np.arange(values.shape[0]), "x": 99.0 + 0.1 * np.arange(values.shape[1])}
    return xr.DataArray(values, dims=("y", "x"), coords=coords, attrs={"units": units}, name="displacement")


def vector_to_satellite(incidence, heading):
    """East, north, up: the vertical, tipped by the incidence angle to the left of the track, where the radar is."""
    tip, azimuth = np.deg2rad(incidence), np.deg2rad(heading) - np.pi / 2
    return np.array([np.sin(tip) * np.sin(azimuth), np.sin(tip) * np.cos(azimuth), np.cos(tip)])


@pytest.mark.parametrize(("units", "name"), [("mm", "vertical_displacement"), ("mm a-1", "vertical_rate")])
def test_vertical_is_the_line_of_sight_over_the_cosine(units, name):
    look = make_map([[-10.0, 20.0]], units=units)
    angle = make_map([[20.0, 60.0]], units="degree")
    vertical = los_to_vertical(look, angle)
    np.testing.assert_allclose(vertical, [[-10.0 / np.cos(np.pi / 9), 40.0]])
    assert (vertical.name, vertical.attrs["units"]) == (name, units)
    np.testing.assert_allclose(los_to_vertical(look, 60.0), [[-20.0, 40.0]])


@settings(deadline=None)
@given(GROUND, GROUND, st.floats(20, 50), st.floats(20, 50), st.floats(-16, -8), st.floats(188, 196))
def test_two_lines_of_sight_give_vertical_and_east(up, east, first, second, north_bound, south_bound):
    geometries = LookGeometry(first, heading=north_bound), LookGeometry(second, heading=south_bound)
    looks = [
        make_map([[np.dot([east, 0.0, up], vector_to_satellite(g.incidence_angle, g.heading))]]) for g in geometries
    ]
    ground = decompose(looks, geometries)
    np.testing.assert_allclose(ground.vertical_displacement, up, atol=1e-9)
    np.testing.assert_allclose(ground.east_displacement, east, atol=1e-9)


def test_three_lines_of_sight_are_weighed_by_least_squares():
    rng = np.random.default_rng(0)
    angles = rng.uniform(25, 45, size=(3, 4, 5))
    headings = (-11.0, -169.0, -166.0)
    looks = rng.normal(scale=20, size=(3, 4, 5))
    looks[0, 0, 0] = looks[1:, 1, 1] = angles[2, 2, 2] = looks[:, 3, 3] = np.nan
    geometries = [LookGeometry(make_map(a, units="degree"), heading=h) for a, h in zip(angles, headings, strict=True)]
    ground = decompose([make_map(look) for look in looks], geometries, max_condition=1e6)
    for row, column in np.ndindex(4, 5):
        there = np.isfinite(looks[:, row, column] + angles[:, row, column])
        found = ground.isel(y=row, x=column)
        if there.sum() < 2:
            assert np.isnan([found.vertical_displacement, found.east_displacement, found.east_error_factor]).all()
            assert found.geometry_condition == np.inf
            continue
        vectors = [vector_to_satellite(angles[k, row, column], headings[k])[[2, 0]] for k in np.flatnonzero(there)]
        truth = np.linalg.lstsq(np.array(vectors), looks[there, row, column], rcond=None)[0]
        covariance = np.linalg.inv(np.array(vectors).T @ vectors)
        np.testing.assert_allclose([found.vertical_displacement, found.east_displacement], truth)
        factors = [found.vertical_error_factor, found.east_error_factor]
        np.testing.assert_allclose(factors, np.sqrt(np.diag(covariance)))
        np.testing.assert_allclose(found.geometry_condition, np.linalg.cond(vectors))


def test_error_factors_are_those_of_many_trials():
    geometries = LookGeometry(39.0, heading=-12.0), LookGeometry(34.0, heading=-168.0)
    noise = np.random.default_rng(1).normal(size=(2, 200, 200))
    ground = decompose([make_map(each, units="mm a-1") for each in noise], geometries)
    for name in ("vertical", "east"):
        factor = float(ground[f"{name}_error_factor"][0, 0])
        np.testing.assert_allclose(ground[f"{name}_rate"].std(), factor, rtol=0.02)


def test_pixels_whose_lines_of_sight_are_alike_get_no_result():
    angle = make_map([[39.0, 39.0]], units="degree")
    other = make_map([[39.0, 25.0]], units="degree")
    geometries = LookGeometry(angle, heading=-168.0), LookGeometry(other, heading=-168.0)
    ground = decompose([make_map([[1.0, 1.0]])] * 2, geometries)
    np.testing.assert_array_equal(ground.vertical_displacement.isnull(), [[True, False]])
    assert ground.geometry_condition[0, 0] == np.inf


def test_lazy_is_eager(assert_lazy):
    rng = np.random.default_rng(2)
    looks = [make_map(rng.normal(size=(6, 7))).astype("float32") for _ in range(2)]
    angle = make_map(rng.uniform(30, 45, size=(6, 7)), units="degree")
    with assert_lazy():
        geometries = [LookGeometry(angle.chunk(y=4), heading=-12.0), LookGeometry(38.0, heading=-168.0)]
        lazy = decompose([look.chunk(y=4, x=3) for look in looks], geometries)
        vertical = los_to_vertical(looks[0].chunk(x=2), angle.chunk(y=5))
    eager = decompose(looks, [LookGeometry(angle, heading=-12.0), LookGeometry(38.0, heading=-168.0)])
    xr.testing.assert_identical(lazy.compute(scheduler="synchronous"), eager)
    xr.testing.assert_identical(vertical.compute(scheduler="synchronous"), los_to_vertical(looks[0], angle))
    assert lazy.vertical_displacement.dtype == vertical.dtype == "float32"


@pytest.mark.parametrize(
    ("angle", "message"),
    [
        (0.689, "is 0.689 somewhere, which looks like radians. Give it in degrees"),
        (0.0, "looks like radians"),
        (90.0, "is 90 somewhere, but must be below 90 degrees"),
        (make_map([[30.0, 130.0]], units="degree"), "is 130 somewhere"),
        (make_map([[0.6, 0.7]], units="rad"), "is in 'rad', but incidence_angle must be in 'degree'"),
        (make_map([[30.0], [31.0]], units="degree"), "its y has 2 pixels, that of displacement 1"),
    ],
)
def test_incidence_angles_that_cannot_be_true(angle, message):
    with pytest.raises(InputError, match=message):
        los_to_vertical(make_map([[1.0, 2.0]]), angle)


def test_a_lazy_incidence_angle_is_checked_while_it_is_computed():
    angle = make_map([[0.6, 0.7]], units="degree").chunk(x=1)
    vertical = los_to_vertical(make_map([[1.0, 2.0]]), angle)
    with pytest.raises(InputError, match="looks like radians"):
        vertical.compute(scheduler="synchronous")


def test_what_it_refuses():
    look, geometry = make_map([[1.0, 2.0]]), LookGeometry(39.0, heading=-168.0)
    with pytest.raises(InputError, match="displacement: is in 'm'; all of it must be in 'mm', or all in 'mm a-1'"):
        los_to_vertical(look.assign_attrs(units="m"), 39.0)
    with pytest.raises(InputError, match="is in 'mm a-1', 'mm'; all of it"):
        decompose([look, look.assign_attrs(units="mm a-1")], [geometry, LookGeometry(39.0, heading=-12.0)])
    with pytest.raises(InputError, match="got 2 displacements and 1 geometries. Give two or more"):
        decompose([look, look], [geometry])
    with pytest.raises(InputError, match=r"headings \[-168.0, -167.0\] degrees are too much alike .*condition number"):
        decompose([look, look], [geometry, LookGeometry(39.0, heading=-167.0)])
    with pytest.raises(InputError, match="heading: 800.0 is no direction"):
        LookGeometry(39.0, heading=800.0)
    with pytest.raises(InputError, match="its x lies up to 0.5 pixels away"):
        decompose([look, look.assign_coords(x=look.x + 0.05)], [geometry, LookGeometry(39.0, heading=-12.0)])
