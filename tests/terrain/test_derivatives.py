"""Derivatives of surfaces that are known: planes, paraboloids, spheres, days of radiation."""

import numpy as np
import pytest
import rioxarray  # noqa: F401
import xarray as xr
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from pyproj import Proj, Transformer

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords, pixel_areas
from cryoscale.terrain import (
    Bend,
    aspect,
    aspect_components,
    curvature,
    potential_radiation,
    slope,
    topographic_position,
    topographic_wetness,
)
from cryoscale.terrain.frames import local_frames

EVERYWHERE = st.floats(0.0, 359.9)


def utm_grid(shape=(9, 11), resolution=30.0, x=500_000.0, y=4_200_000.0):
    corner = x - shape[1] / 2 * resolution, y + shape[0] * resolution
    return GeoBox(shape, Affine(resolution, 0, corner[0], 0, -resolution, corner[1]), "EPSG:32647")


def as_elevation(values, geobox):
    return xr.DataArray(np.asarray(values, float), grid_coords(geobox), ("y", "x"), "elevation")


def metres(geobox):
    """East and north of each pixel, m from the middle of a grid that lies on the central meridian."""
    spacing = local_frames(geobox).part((0, 0), geobox.shape).spacing
    rows, columns = np.indices(geobox.shape)
    n, m = geobox.shape
    return (columns - (m - 1) / 2) * spacing[1, n // 2], ((n - 1) / 2 - rows) * spacing[0, n // 2]


def tilted(steepness, direction, geobox):
    """A plane that falls by `steepness` degrees toward `direction`."""
    east, north = metres(geobox)
    fall = np.sin(np.deg2rad(direction)) * east + np.cos(np.deg2rad(direction)) * north
    return as_elevation(5000.0 - np.tan(np.deg2rad(steepness)) * fall, geobox)


@given(steepness=st.floats(0.1, 80.0), direction=EVERYWHERE)
@settings(max_examples=40)
def test_planes_have_their_slope_and_aspect_up_to_the_border(steepness, direction):
    plane = tilted(steepness, direction, utm_grid())
    np.testing.assert_allclose(slope(plane), steepness, rtol=1e-5)
    turned = (aspect(plane).values.astype(float) - direction + 180.0) % 360.0 - 180.0
    np.testing.assert_allclose(turned, 0.0, atol=2e-3)
    parts = aspect_components(plane)
    np.testing.assert_allclose(parts.aspect_sin, np.sin(np.deg2rad(direction)), atol=4e-5)
    np.testing.assert_allclose(parts.aspect_cos, np.cos(np.deg2rad(direction)), atol=4e-5)
    np.testing.assert_allclose(curvature(plane), 0.0, atol=1e-9)


@pytest.mark.parametrize(("direction", "expected"), [(0, 0), (45, 45), (90, 90), (135, 135), (180, 180), (270, 270)])
def test_aspect_is_clockwise_from_north_and_downslope(direction, expected):
    found = float(aspect(tilted(30.0, direction, utm_grid()))[4, 5])
    assert (found - expected + 180.0) % 360.0 == pytest.approx(180.0, abs=2e-3)


def test_aspect_is_below_360():
    values = aspect(tilted(30.0, 360.0 - 1e-9, utm_grid())).values
    assert values.min() >= 0.0
    assert values.max() < 360.0


def test_flat_ground_has_no_aspect_and_no_direction():
    flat = as_elevation(np.full((5, 6), 4321.7), utm_grid((5, 6)))
    assert aspect(flat).isnull().all()
    assert (slope(flat) == 0.0).all()
    for part in aspect_components(flat).values():
        np.testing.assert_array_equal(part, 0.0)
    for bend in Bend:
        np.testing.assert_array_equal(curvature(flat, bend=bend), 0.0)


def test_holes_spread_over_their_window_only():
    values = tilted(10.0, 30.0, utm_grid()).copy()
    values[4, 5], values[0, 0] = np.nan, np.inf
    expected = np.zeros(values.shape, bool)
    expected[3:6, 4:7] = expected[:2, :2] = True
    for found in (slope(values), aspect(values), *aspect_components(values).values(), potential_radiation(values, 100)):
        np.testing.assert_array_equal(found.isnull(), expected)
    np.testing.assert_array_equal(curvature(values).isnull()[2:, 2:], expected[2:, 2:])
    np.testing.assert_array_equal(topographic_position(values, radius=90.0).isnull(), ~np.isfinite(values))


def test_border_is_one_sided():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(6, 7))
    geobox = utm_grid((6, 7))
    wider = np.pad(values, 1, mode="reflect", reflect_type="odd")  # the line through the two outermost goes on
    whole = slope(as_elevation(wider, GeoBox(wider.shape, geobox.transform, geobox.crs)))[1:-1, 1:-1]
    np.testing.assert_allclose(slope(as_elevation(values, geobox)), whole, rtol=1e-4)


def rises(elevation):
    """Rise to the east and to the north: smooth where slope and aspect are not."""
    steepness, down = np.tan(np.deg2rad(slope(elevation))), aspect_components(elevation)
    return xr.concat([-down.aspect_sin * steepness, -down.aspect_cos * steepness], "part")


@pytest.mark.parametrize(
    ("derive", "tolerance"),
    [(rises, 5e-4), (curvature, 2e-6), (lambda z: potential_radiation(z, 80), 0.1)],
    ids=["rises", "curvature", "radiation"],
)
def test_geographic_and_projected_grids_agree_at_38_north(derive, tolerance):
    """The same hills on both grids, where north is turned by 1.5 degrees on the map."""

    def hills(lon, lat):
        return 4000 + 300 * np.sin(lon * 90.0) * np.cos(lat * 110.0) + 8000 * (lat - 38.0) + 3000 * (lon - 101.5)

    geographic = GeoBox.from_bbox((101.45, 37.97, 101.55, 38.03), "EPSG:4326", resolution=0.0005)
    to_utm = Transformer.from_crs("EPSG:4326", "EPSG:32647", always_xy=True)
    projected = GeoBox.from_bbox(to_utm.transform_bounds(*geographic.boundingbox), "EPSG:32647", resolution=40.0)
    lon, lat = np.meshgrid(*(grid_coords(geographic)[d].values for d in "xy"))
    x, y = np.meshgrid(*(grid_coords(projected)[d].values for d in "xy"))
    here = derive(as_elevation(hills(lon, lat), geographic)).transpose(..., "y", "x")[..., 8:-8, 8:-8]
    there = derive(as_elevation(hills(*Proj("EPSG:32647")(x, y, inverse=True)), projected))
    points = (xr.DataArray(v[8:-8, 8:-8], dims=("a", "b")) for v in to_utm.transform(lon, lat))
    found = there.interp(dict(zip("xy", points, strict=True)), method="linear").transpose(..., "a", "b")
    assert float(here.std()) > 20 * tolerance
    np.testing.assert_allclose(found, here, atol=tolerance)


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:3413", "EPSG:2263"])
def test_maps_with_another_scale_and_north_give_true_slopes(crs):
    """Ground that rises to the true east by 10 % of the length of the parallel."""
    lon, lat = (-74.0, 40.7) if crs == "EPSG:2263" else (-150.0, 68.0)
    x, y = Proj(crs)(lon, lat)
    geobox = GeoBox.from_bbox((x - 600, y - 600, x + 600, y + 600), crs, shape=(40, 40))
    lons, _ = Proj(crs)(*np.meshgrid(*(grid_coords(geobox)[d].values for d in "xy")), inverse=True)
    w = np.sqrt(1 - 0.00669437999014 * np.sin(np.deg2rad(lat)) ** 2)
    rise = as_elevation(0.1 * np.deg2rad(lons - lon) * 6378137.0 / w * np.cos(np.deg2rad(lat)), geobox)
    assert float(abs(slope(rise) - np.rad2deg(np.arctan(0.1))).max()) < 0.01
    assert float(abs(aspect(rise) - 270.0).max()) < 0.1


@given(a=st.floats(-1e-3, 1e-3), b=st.floats(-1e-3, 1e-3), c=st.floats(-1e-3, 1e-3))
@settings(max_examples=25)
def test_curvatures_of_a_paraboloid(a, b, c):
    geobox = utm_grid((15, 17))
    east, north = metres(geobox)
    surface = as_elevation(a * east**2 + b * east * north + c * north**2 + 0.3 * east - 0.2 * north, geobox)
    p, q = 2 * a * east + b * north + 0.3, b * east + 2 * c * north - 0.2
    square = p**2 + q**2
    profile = -(2 * a * p**2 + 2 * b * p * q + 2 * c * q**2) / square
    plan = -(2 * a * q**2 - 2 * b * p * q + 2 * c * p**2) / square
    inner = (slice(1, -1), slice(1, -1))
    far = square[inner] > 1e-6
    for bend, truth in ((Bend.TOTAL, np.full(p.shape, -2 * (a + c))), (Bend.PROFILE, profile), (Bend.PLAN, plan)):
        found = curvature(surface, bend=bend)
        np.testing.assert_allclose(found.values[inner][far], truth[inner][far], rtol=2e-5, atol=2e-8)
        assert found.attrs["bend"] == str(bend)


def test_a_dome_bulges_and_its_border_takes_the_inner_value():
    geobox = utm_grid((31, 31))
    east, north = metres(geobox)
    radius = 5000.0
    dome = curvature(as_elevation(np.sqrt(radius**2 - east**2 - north**2), geobox))
    assert float(dome[15, 15]) == pytest.approx(2 / radius, rel=1e-3)
    np.testing.assert_array_equal(dome[0, 1:-1], dome[1, 1:-1])
    np.testing.assert_array_equal(dome[:, -1], dome[:, -2])
    top = as_elevation(-(east**2) / radius, geobox)  # flat at the ridge: each is half of the total
    for bend in (Bend.PROFILE, Bend.PLAN):
        assert float(curvature(top, bend=bend)[15, 15]) == pytest.approx(1 / radius, rel=1e-3)


def test_position_is_what_the_definition_says():
    geobox = GeoBox.from_bbox((99.0, 60.0, 99.02, 60.01), "EPSG:4326", resolution=0.0005)
    values = np.random.default_rng(1).normal(4000, 50, geobox.shape)
    values[3, 4:9] = np.nan
    found = topographic_position(as_elevation(values, geobox), radius=200.0).values
    height, width = local_frames(geobox).part((0, 0), geobox.shape).spacing
    rows, columns = np.indices(geobox.shape)
    for row, column in [(0, 0), (4, 6), (10, 20), (19, 39)]:
        distance = np.hypot((rows - row) * height[row], (columns - column) * width[row])
        near = (distance <= 200.0) & np.isfinite(values)
        assert found[row, column] == pytest.approx(values[row, column] - values[near].mean(), abs=1e-3)
    assert np.isnan(found[3, 6])


def test_position_of_level_ground_and_planes_is_zero():
    level = topographic_position(as_elevation(np.full((9, 11), 1234.567), utm_grid()), radius=100.0)
    np.testing.assert_array_equal(level, 0.0)
    plane = topographic_position(tilted(20.0, 70.0, utm_grid()), radius=60.0)
    np.testing.assert_allclose(plane[2:-2, 2:-2], 0.0, atol=1e-4)


def test_a_radius_beyond_the_grid_takes_all_of_it():
    values = np.random.default_rng(1).normal(4000, 50, (9, 11))
    found = topographic_position(as_elevation(values, utm_grid()).chunk({"y": 2, "x": 3}), radius=1e5)
    np.testing.assert_allclose(found, values - values.mean(), atol=1e-3)


def slow_radiation(day, latitude, steepness, direction, transmissivity=0.75):
    """Mean of a day by sums over minutes, with the sun's height and azimuth."""
    phi, s, gamma = np.deg2rad([latitude, steepness, direction])
    year = 2 * np.pi * day / 365
    delta, distance = 0.409 * np.sin(year - 1.39), 1 + 0.033 * np.cos(year)
    omega = (np.arange(14400) + 0.5) / 14400 * 2 * np.pi - np.pi
    up = np.sin(phi) * np.sin(delta) + np.cos(phi) * np.cos(delta) * np.cos(omega)
    east = -np.cos(delta) * np.sin(omega)
    north = np.cos(phi) * np.sin(delta) - np.sin(phi) * np.cos(delta) * np.cos(omega)
    height, azimuth = np.arcsin(up), np.arctan2(east, north)
    incidence = np.sin(height) * np.cos(s) + np.cos(height) * np.sin(s) * np.cos(azimuth - gamma)
    beam = np.where(up > 0, np.maximum(incidence, 0), 0).mean()
    level = np.maximum(up, 0).mean()
    share = (transmissivity - 0.35) / 0.64
    scattered = (transmissivity - share) * (1 + np.cos(s)) / 2
    return 0.0820e6 / 60 * distance * (share * beam + scattered * level)


def geographic_plane(steepness, direction, latitude):
    geobox = GeoBox((3, 3), Affine(0.001, 0, 99, 0, -0.001, latitude + 0.0015), "EPSG:4326")
    return tilted(steepness, direction, geobox)


@given(day=st.integers(1, 366), latitude=st.floats(-88.0, 88.0), steepness=st.floats(0.0, 80.0), direction=EVERYWHERE)
@settings(max_examples=60)
def test_radiation_is_the_sum_over_the_day(day, latitude, steepness, direction):
    found = potential_radiation(geographic_plane(steepness, direction, latitude), day)
    truth = slow_radiation(day, latitude, steepness, direction)
    assert float(found[1, 1]) == pytest.approx(truth, abs=0.05 + 2e-4 * truth)


@pytest.mark.parametrize("latitude", [-60.0, 0.0, 38.0, 64.0])
@pytest.mark.parametrize("transmissivity", [0.45, 0.75, 0.9])
def test_level_ground_has_the_radiation_of_fao_56(latitude, transmissivity):
    days = np.arange(1, 366, 13)
    year = 2 * np.pi * days / 365
    delta, phi = 0.409 * np.sin(year - 1.39), np.deg2rad(latitude)
    omega = np.arccos(-np.tan(phi) * np.tan(delta))
    inside = omega * np.sin(phi) * np.sin(delta) + np.cos(phi) * np.cos(delta) * np.sin(omega)
    extraterrestrial = 24 * 60 / np.pi * 0.0820 * (1 + 0.033 * np.cos(year)) * inside  # MJ m-2 d-1, Eq. 21
    found = potential_radiation(geographic_plane(0.0, 0.0, latitude), days, transmissivity=transmissivity)
    assert found.dims == ("day_of_year", "y", "x")
    np.testing.assert_array_equal(found.day_of_year, days)
    np.testing.assert_allclose(found[:, 1, 1], transmissivity * extraterrestrial * 1e6 / 86400, rtol=1e-5)


def test_fao_56_example_8():
    """3 September at 20 degrees south: 32.2 MJ m-2 d-1 above the atmosphere."""
    found = float(potential_radiation(geographic_plane(0.0, 0.0, -20.0), 246)[1, 1])
    assert found * 0.0864 / 0.75 == pytest.approx(32.2, abs=0.05)


def test_slopes_toward_the_sun_get_more():
    south, north = (geographic_plane(25.0, direction, 38.0) for direction in (180.0, 0.0))
    for day, at_least in ((355, 3.0), (80, 1.5)):
        ratio = potential_radiation(south, day)[1, 1] / potential_radiation(north, day)[1, 1]
        assert float(ratio) > at_least
    east, west = (geographic_plane(25.0, direction, 38.0) for direction in (90.0, 270.0))
    assert float(potential_radiation(east, 100)[1, 1]) == pytest.approx(
        float(potential_radiation(west, 100)[1, 1]), rel=1e-5
    )
    south_of_equator = potential_radiation(geographic_plane(25.0, 0.0, -38.0), 172)
    assert float(south_of_equator[1, 1]) > 3 * float(
        potential_radiation(geographic_plane(25.0, 180.0, -38.0), 172)[1, 1]
    )


def test_polar_night_is_dark_and_a_steep_north_face_has_scattered_light_only():
    assert (potential_radiation(geographic_plane(30.0, 180.0, 75.0), 355) == 0.0).all()
    face = float(potential_radiation(geographic_plane(60.0, 0.0, 38.0), 355)[1, 1])
    level = float(potential_radiation(geographic_plane(0.0, 0.0, 38.0), 355)[1, 1])
    assert face == pytest.approx(level / 0.75 * 0.125 * 0.75, rel=1e-4)  # K_D = 0.125, half the sky and half of that


def test_one_day_is_a_map():
    found = potential_radiation(geographic_plane(10.0, 180.0, 38.0), 172)
    assert found.dims == ("y", "x")
    assert int(found.day_of_year) == 172
    xr.testing.assert_identical(
        found, potential_radiation(geographic_plane(10.0, 180.0, 38.0), [171, 172]).sel(day_of_year=172)
    )


def test_wetness_of_a_plane_grows_with_the_way():
    plane = tilted(10.0, 180.0, utm_grid((30, 31)))
    found = topographic_wetness(plane).values[:, 15]
    length = 30.0 * np.arange(1, 31)
    np.testing.assert_allclose(found, np.log(length / np.tan(np.deg2rad(10.0))), atol=1e-3)


def test_valleys_are_wetter_than_ridges_and_no_water_is_lost():
    geobox = utm_grid((41, 41))
    east, north = metres(geobox)
    valley = as_elevation(0.2 * abs(east) + 0.05 * north, geobox)
    found = topographic_wetness(valley)
    assert int(found.values[-1].argmax()) == 20
    areas = pixel_areas(geobox).values
    steepness = np.tan(np.deg2rad(np.maximum(slope(valley), 0.1)))
    gathered = np.exp(found) * np.sqrt(areas) * steepness
    assert float(gathered[-1, 20]) == pytest.approx(areas.sum(), rel=1e-4)
    assert float(gathered.min()) == pytest.approx(areas[0, 0], rel=1e-4)


def test_wetness_of_level_ground_is_finite_and_holes_are_outlets():
    flat = as_elevation(np.full((12, 13), 4000.0), utm_grid((12, 13)))
    assert np.isfinite(topographic_wetness(flat)).all()
    flat[5, 6] = np.nan
    expected = np.zeros(flat.shape, bool)
    expected[4:7, 5:8] = True
    np.testing.assert_array_equal(topographic_wetness(flat).isnull(), expected)


PLANE = tilted(10.0, 0.0, utm_grid())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: topographic_wetness(PLANE.chunk()), "elevation: is lazy, but how water gathers depends on the whole"),
        (lambda: topographic_wetness(PLANE, minimum_slope=0.0), "minimum_slope: 0.0 is no slope"),
        (
            lambda: topographic_position(PLANE, radius=20.0),
            "20.0 m does not reach a neighbour; the pixels are 30.01 x 30.01 m",
        ),
        (lambda: topographic_position(PLANE, radius=np.nan), "radius: nan m"),
        (lambda: topographic_position(PLANE, radius=np.inf), "radius: inf m"),
        (lambda: potential_radiation(PLANE, 0), "day_of_year: 0 is no day"),
        (lambda: potential_radiation(PLANE, [1, 367]), r"day_of_year: \[1, 367\] is no day"),
        (lambda: potential_radiation(PLANE, 1.5), "day_of_year: 1.5 is no day"),
        (lambda: potential_radiation(PLANE, []), r"day_of_year: \[\] is no day"),
        (lambda: potential_radiation(PLANE, 1, transmissivity=0.2), "transmissivity: 0.2 is not that of a clear sky"),
        (lambda: curvature(PLANE[:2]), r"elevation: has the shape \(2, 11\); curvature needs three"),
        (lambda: slope(PLANE.drop_vars("spatial_ref").drop_attrs()), "elevation: no regular grid with a CRS"),
        (lambda: slope(PLANE.assign_attrs(units="ft")), "elevation: is in 'ft', but elevation must be in 'm'"),
    ],
)
def test_bad_input_is_an_error(call, message):
    with pytest.raises(InputError, match=message):
        call()
