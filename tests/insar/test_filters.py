import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from pyproj import Geod

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.insar.filters import LocalFit, filter_time_series, pixel_widths

DAYS = np.array([0, 12, 24, 36, 60, 66, 78, 90, 150, 162, 174, 180, 192])


def make_series(values, *, crs="EPSG:32647", resolution=40.0, days=DAYS):
    """A series on a grid with its corner at 600 km east and 4200 km north, or at 99 E and 38 N."""
    rows, columns = values.shape[1:]
    x, y = (99.0, 38.0) if crs == "EPSG:4326" else (6e5, 4.2e6)
    geobox = GeoBox.from_bbox((x, y - rows * resolution, x + columns * resolution, y), crs, shape=(rows, columns))
    time = np.datetime64("2020-01-01", "ns") + days * np.timedelta64(1, "D")
    return xr.DataArray(
        values, dims=("time", "y", "x"), coords=grid_coords(geobox) | {"time": time}, name="displacement"
    )


def noisy(shape=(11, 14), *, seed=0, missing=0.2, dtype="float64"):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(DAYS.size, *shape)).astype(dtype)
    values[rng.random(values.shape) < missing] = np.nan
    values[:, 2, 3] = np.nan
    return values


def local_fit(values, days, width, degree):
    """Value at each epoch of the polynomial fitted around it, by dense weighted least squares."""
    smooth = np.full_like(values, np.nan)
    there = np.isfinite(values)
    for i in np.flatnonzero(there):
        tau = (days - days[i]) / width
        near = there & (np.abs(tau) <= 4)
        root = np.exp(-0.25 * tau[near] ** 2)
        design = np.vander(tau[near], degree + 1, increasing=True)
        smooth[i] = np.linalg.lstsq(design * root[:, None], values[near] * root, rcond=None)[0][0]
    return smooth


def slow_filter(values, *, time_width, space_width, height, widths, degree=1):
    """Noise by its definition, pixel by pixel."""
    rough = values - np.apply_along_axis(local_fit, 0, values, DAYS, time_width, degree)
    n_rows, n_columns = values.shape[1:]
    noise = np.full_like(values, np.nan)
    for row, column in np.ndindex(n_rows, n_columns):
        down = (np.arange(n_rows) - row)[:, None] * height / space_width
        across = (np.arange(n_columns) - column) * widths[:, None] / space_width
        weights = np.exp(-0.5 * (down**2 + across**2)) * (np.abs(down) <= 4) * (np.abs(across) <= 4)
        for i in np.flatnonzero(np.isfinite(values[:, row, column])):
            there = np.isfinite(rough[i])
            noise[i, row, column] = np.sum((weights * rough[i])[there]) / np.sum(weights[there])
    return noise


@pytest.mark.parametrize(("fit", "degree"), [(LocalFit.LINE, 1), (LocalFit.PARABOLA, 2)])
@pytest.mark.parametrize("missing", [0.0, 0.2, 0.6])
def test_noise_is_what_the_definition_says_on_a_metric_grid(fit, degree, missing):
    values = noisy(missing=missing)
    noise = filter_time_series(make_series(values), time_width=30.0, space_width=60.0, fit=fit).displacement_noise
    widths = np.full(11, 40.0)
    truth = slow_filter(values, time_width=30.0, space_width=60.0, height=40.0, widths=widths, degree=degree)
    np.testing.assert_allclose(noise, truth, rtol=1e-9, atol=1e-10)


def test_noise_is_what_the_definition_says_on_longitude_and_latitude():
    values = noisy()
    series = make_series(values, crs="EPSG:4326", resolution=0.2)
    noise = filter_time_series(series, time_width=30.0, space_width=25_000.0).displacement_noise
    geod = Geod(ellps="WGS84")
    widths = np.array([geod.line_length([99.0, 99.2], [y, y]) for y in series.y.values])
    assert widths[-1] / widths[0] > 1.025
    middle = float(series.y.mean())
    height = geod.line_length([99.0, 99.0], [middle - 0.1, middle + 0.1])
    truth = slow_filter(values, time_width=30.0, space_width=25_000.0, height=height, widths=widths)
    np.testing.assert_allclose(noise, truth, rtol=1e-5, atol=1e-7)


def test_the_width_in_time_is_three_median_intervals_which_a_winter_gap_leaves_alone():
    series = make_series(noisy())
    width = float(3 * np.median(np.diff(DAYS)))
    assert width != 3 * np.diff(DAYS).mean()
    default = filter_time_series(series)
    assert default.attrs == {"time_width": width, "space_width": 100.0, "fit": "line"}
    xr.testing.assert_identical(default, filter_time_series(series, time_width=width))
    late = series.assign_coords(time=series.time + np.where(np.median(DAYS) < DAYS, 200, 0) * np.timedelta64(1, "D"))
    assert filter_time_series(late).attrs["time_width"] == width


@settings(max_examples=20, deadline=None)
@given(st.floats(-1e4, 1e4), st.integers(0, 1000), st.sampled_from(["float32", "float64"]))
def test_a_constant_has_no_noise_to_the_last_bit(constant, seed, dtype):
    values = np.where(np.isnan(noisy(seed=seed)), np.nan, constant).astype(dtype)
    filtered = filter_time_series(make_series(values))
    np.testing.assert_array_equal(filtered.displacement_noise, np.where(np.isnan(values), np.nan, 0.0))
    np.testing.assert_array_equal(filtered.displacement, values)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_trends_have_no_noise_whatever_the_gaps(seed):
    rates = np.random.default_rng(seed).normal(scale=50.0, size=(11, 14))
    values = rates * (DAYS[:, None, None] / 365.25) + 7.0
    values[np.isnan(noisy(seed=seed))] = np.nan
    noise = filter_time_series(make_series(values)).displacement_noise
    assert float(np.abs(noise).max()) < 1e-12


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 30), st.integers(1, 25), st.booleans())
def test_chunks_do_not_change_a_bit(rows, columns, degrees):
    crs, resolution = ("EPSG:4326", 0.0004) if degrees else ("EPSG:32647", 40.0)
    series = make_series(noisy((30, 25), dtype="float32"), crs=crs, resolution=resolution)
    lazy = filter_time_series(series.chunk(time=-1, y=rows, x=columns))
    assert lazy.chunksizes["y"] == series.chunk(y=rows).chunksizes["y"]
    xr.testing.assert_identical(lazy.compute(scheduler="synchronous"), filter_time_series(series))


def test_it_stays_lazy(assert_lazy):
    with assert_lazy():
        filtered = filter_time_series(make_series(noisy(dtype="float32")).chunk(y=4, x=5))
    assert filtered.displacement.dtype == "float32"
    assert filtered.displacement_noise.attrs["units"] == "mm"


def test_parabolas_have_no_noise_when_parabolas_are_fitted():
    years = DAYS[:, None, None] / 365.25 * np.ones((1, 11, 14))
    values = np.where(np.isnan(noisy()), np.nan, 5.0 - 8.0 * years + 30.0 * years**2)
    noise = filter_time_series(make_series(values), fit=LocalFit.PARABOLA).displacement_noise
    assert float(np.abs(noise).max()) < 1e-10


@pytest.mark.parametrize(
    ("fit", "left_of_clouds", "taken_of_season"), [("line", 0.307, 0.175), ("parabola", 0.399, 0.0160)]
)
def test_clouds_go_and_motion_stays(fit, left_of_clouds, taken_of_season):
    """White noise and an annual cycle, far from the ends: what the Gaussian and its next order let pass."""
    days = np.arange(300) * 12
    everywhere = np.ones((1, 10, 10))
    cycle = (np.cos(2 * np.pi * days / 365.25) - days / 365.25)[:, None, None] * everywhere
    taken = filter_time_series(make_series(cycle, days=days), fit=LocalFit(fit)).displacement_noise[20:-20]
    np.testing.assert_allclose(np.abs(taken).max(), taken_of_season, rtol=0.01)
    impulse = (days == 1800).astype(float)[:, None, None] * everywhere
    left = filter_time_series(make_series(impulse, days=days), fit=LocalFit(fit)).displacement
    np.testing.assert_allclose(np.sqrt((left**2).sum("time")), left_of_clouds, rtol=0.002)


def test_displacement_and_noise_add_up_to_the_input():
    values = noisy()
    filtered = filter_time_series(make_series(values))
    np.testing.assert_allclose(filtered.displacement + filtered.displacement_noise, values, atol=1e-12)


def test_widths_of_pixels_shrink_towards_the_pole():
    geobox = GeoBox.from_bbox((99, 59, 100, 61), "EPSG:4326", resolution=1.0)
    np.testing.assert_allclose(pixel_widths(geobox, np.arange(2)), [54_955, 56_639], rtol=1e-5)
    metric = GeoBox.from_bbox((0, 0, 300, 300), "EPSG:32647", resolution=30.0)
    np.testing.assert_array_equal(pixel_widths(metric, np.arange(3)), [30.0, 30.0, 30.0])


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda s: s.chunk(time=5), {}, "is split into 3 chunks along 'time'.*Rechunk it first"),
        (lambda s: s.isel(time=slice(2)), {}, "needs three or more epochs"),
        (lambda s: s.isel(time=[0, 2, 1, 3]), {}, "in order of time, each once"),
        (lambda s: s.isel(time=[0, 1, 1, 3]), {}, "in order of time, each once"),
        (lambda s: s.assign_attrs(units="m"), {}, "is in 'm', but displacement must be in 'mm'"),
        (lambda s: s.drop_vars(["x", "y", "spatial_ref"]), {}, "no regular grid with a CRS"),
        (lambda s: s, {"time_width": 0.0}, "time_width: 0.0 is no width. Give a positive number of days"),
        (lambda s: s, {"space_width": np.nan}, "space_width: nan is no width. Give a positive number of metres"),
    ],
)
def test_what_it_refuses(change, options, message):
    with pytest.raises(InputError, match=message):
        filter_time_series(change(make_series(noisy())), **options)
