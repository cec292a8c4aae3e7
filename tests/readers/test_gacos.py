"""GACOS delays: binary and GeoTIFF, placed and interpolated where they belong."""

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from rasterio.transform import from_origin
from rasterio.warp import Resampling, reproject

from cryoscale.errors import InputError
from cryoscale.insar.troposphere import tropospheric_phase
from cryoscale.readers.gacos import find_gacos, open_gacos

STEP = 0.002
WEST, NORTH = 99.0, 38.2  # centre of the first pixel
SHAPE = (80, 100)
DAYS = ("20200101", "20200113", "20200125")
STACK = GeoBox.from_bbox((99.04, 38.08, 99.16, 38.18), "EPSG:4326", resolution=0.0007)
METRIC = GeoBox.from_bbox((506000, 4215000, 512000, 4222000), "EPSG:32647", resolution=90.0)


def write_binary(folder, day, values, **changes):
    keywords = {
        "WIDTH": values.shape[1],
        "FILE_LENGTH": values.shape[0],
        "X_FIRST": WEST,
        "Y_FIRST": NORTH,
        "X_STEP": STEP,
        "Y_STEP": -STEP,
    } | changes
    folder.mkdir(exist_ok=True, parents=True)
    lines = [f"{key:<16}{value}" for key, value in keywords.items() if value is not None]
    (folder / f"{day}.ztd.rsc").write_text("\n".join(lines))
    (folder / f"{day}.ztd").write_bytes(values.astype("<f4").tobytes())


def warped(lon, lat, k=0):
    """Bilinear in longitude and latitude, so that interpolation between pixels is exact."""
    a, b = lon - 99.1, lat - 38.1
    return 2.3 + 0.01 * k + 0.5 * a - 0.8 * b + (3.0 + k) * a * b


def make_values(k=0):
    lat, lon = np.meshgrid(NORTH - STEP * np.arange(SHAPE[0]), WEST + STEP * np.arange(SHAPE[1]), indexing="ij")
    return warped(lon, lat, k)


@pytest.fixture
def gacos(tmp_path):
    for k, day in enumerate(DAYS):
        write_binary(tmp_path / "delays", day, make_values(k))
    return tmp_path / "delays"


def test_delays_are_interpolated_at_the_centres_of_the_stacks_pixels(gacos):
    delays = open_gacos(gacos, STACK, strip_rows=17)
    lat, lon = np.meshgrid(delays.y, delays.x, indexing="ij")
    for k in range(3):
        np.testing.assert_allclose(delays[k], warped(lon, lat, k), atol=1e-6)
    assert delays.chunksizes["time"] == (3,)
    assert delays.chunksizes["y"][0] == 17
    assert (delays.dtype, delays.attrs["units"]) == ("float32", "m")
    np.testing.assert_array_equal(delays.time, np.array(["2020-01-01", "2020-01-13", "2020-01-25"], "datetime64[ns]"))


def test_a_stack_in_metres_finds_them_by_its_crs(gacos):
    delays = open_gacos(gacos, METRIC, strip_rows=30)
    east, north = np.meshgrid(delays.x, delays.y)
    lon, lat = Transformer.from_crs("EPSG:32647", "EPSG:4326", always_xy=True).transform(east, north)
    np.testing.assert_allclose(delays[1], warped(lon, lat, 1), atol=1e-6)


def test_geotiffs_give_the_same(gacos, tmp_path, write_raster):
    transform = from_origin(WEST - STEP / 2, NORTH + STEP / 2, STEP, STEP)
    for k, day in enumerate(DAYS):
        write_raster(tmp_path / "tif" / day / f"{day}.ztd.tif", make_values(k).astype("float32"), transform=transform)
    binary, tiled = (open_gacos(folder, METRIC, strip_rows=40) for folder in (gacos, tmp_path / "tif"))
    np.testing.assert_allclose(tiled, binary, atol=1e-6)


def test_it_agrees_with_gdal_on_rough_fields(tmp_path):
    values = np.random.default_rng(0).uniform(1.5, 2.5, SHAPE).astype("float32")
    write_binary(tmp_path, DAYS[0], values)
    delays = open_gacos(tmp_path, STACK, strip_rows=1000)
    truth = np.full(STACK.shape, np.nan, "float32")
    transform = from_origin(WEST - STEP / 2, NORTH + STEP / 2, STEP, STEP)
    grids = {
        "src_transform": transform,
        "src_crs": "EPSG:4326",
        "dst_transform": STACK.transform,
        "dst_crs": "EPSG:4326",
    }
    reproject(values, truth, **grids, resampling=Resampling.bilinear, tolerance=0)
    np.testing.assert_allclose(delays[0], truth, atol=1e-5)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 80), st.sampled_from([STACK, METRIC]))
def test_strips_do_not_change_a_bit(gacos, strip_rows, geobox):
    with dask.config.set(scheduler="synchronous"):
        strips, whole = (open_gacos(gacos, geobox, strip_rows=rows).compute() for rows in (strip_rows, 10_000))
    xr.testing.assert_identical(strips, whole)


def test_zero_and_nan_are_no_data_and_spoil_only_what_they_count_for(tmp_path):
    values = np.full((4, 5), 2.0)
    values[1, 1], values[2, 4] = 0.0, np.nan
    write_binary(tmp_path, DAYS[0], values)
    own = GeoBox((4, 5), from_origin(WEST - STEP / 2, NORTH + STEP / 2, STEP, STEP), "EPSG:4326")
    on_centres = open_gacos(tmp_path, own, strip_rows=4)
    np.testing.assert_array_equal(on_centres[0].isnull(), (values == 0) | np.isnan(values))
    between = GeoBox((3, 4), from_origin(WEST, NORTH, STEP, STEP), "EPSG:4326")
    spoilt = open_gacos(tmp_path, between, strip_rows=3)[0].isnull()
    np.testing.assert_array_equal(spoilt, [[1, 1, 0, 0], [1, 1, 0, 1], [0, 0, 0, 1]])


def test_where_they_do_not_reach_there_is_nothing(gacos):
    wide = GeoBox.from_bbox((98.9, 38.1, 99.1, 38.3), "EPSG:4326", resolution=0.01)
    delays = open_gacos(gacos, wide, strip_rows=8)
    lat, lon = np.meshgrid(delays.y, delays.x, indexing="ij")
    reached = (lon >= WEST - STEP / 2) & (lat <= NORTH + STEP / 2)
    np.testing.assert_array_equal(delays[0].notnull(), reached)
    assert 0 < reached.sum() < reached.size


def test_scale_and_offset_of_the_header_count(tmp_path):
    write_binary(tmp_path, DAYS[0], np.full(SHAPE, 2300.0), Z_SCALE=0.001, Z_OFFSET=0.1)
    np.testing.assert_allclose(open_gacos(tmp_path, STACK, strip_rows=100), 2.4, atol=1e-6)


def test_only_the_days_that_are_needed(gacos):
    wanted = [np.datetime64("2020-01-25"), np.datetime64("2020-01-01", "ns"), np.datetime64("2021-01-01")]
    delays = open_gacos(gacos, STACK, strip_rows=50, dates=wanted)
    assert [str(day)[:10] for day in delays.time.values] == ["2020-01-01", "2020-01-25"]
    with pytest.raises(InputError, match="holds delays of 2020-01-01 to 2020-01-25, but none of the days"):
        open_gacos(gacos, STACK, strip_rows=50, dates=wanted[2:])


def test_from_files_to_phase(gacos):
    days = np.array(["2020-01-01", "2020-01-13", "2020-01-25"], "datetime64[ns]")
    stack = xr.Dataset(coords={"reference": ("pair", days[[0, 0]]), "secondary": ("pair", days[[1, 2]])})
    delays = open_gacos(gacos, METRIC, strip_rows=20)
    phase = tropospheric_phase(delays, stack, wavelength=0.0555, incidence_angle=39.47)
    expected = 4 * np.pi / 0.0555 * (delays[2] - delays[0]) / np.cos(np.deg2rad(39.47))
    np.testing.assert_allclose(phase[1], expected, atol=1e-3)
    assert phase.chunksizes["pair"] == (2,)


def test_opening_reads_no_delay(gacos, assert_lazy):
    with assert_lazy():
        open_gacos(gacos, STACK, strip_rows=16)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "20200113.ztd.rsc").unlink(), r"20200113.ztd.rsc: is missing beside .*20200113.ztd"),
        (lambda f: (f / "notes.ztd").touch(), "notes.ztd: its name does not start with a date"),
        (lambda f: write_binary(f, DAYS[0], make_values(), X_STEP=None), "20200101.ztd.rsc: lacks X_STEP"),
        (lambda f: write_binary(f, DAYS[0], make_values(), WIDTH="wide"), "WIDTH should be a number but is 'wide'"),
        (lambda f: write_binary(f, DAYS[0], make_values(), X_STEP=0.0), "of 0 x -0.002 degrees are no grid"),
        (
            lambda f: write_binary(f, DAYS[0], make_values()[:70], FILE_LENGTH=80),
            "has 28000 bytes, but 80 x 100 pixels",
        ),
        (
            lambda f: write_binary(f, DAYS[0], make_values(), X_FIRST=89.0),
            r"\.ztd: its delays .* do not overlap the stack",
        ),
        (lambda f: (f / "20200101.ztd.tif").write_bytes(b"II*"), "20200101.ztd.tif: is a second delay of 2020-01-01"),
        (lambda f: (f / "20200201.ztd.tif").write_bytes(b"II*"), "20200201.ztd.tif: cannot be opened as a raster"),
    ],
)
def test_files_that_cannot_be_used(gacos, spoil, message):
    spoil(gacos)
    with pytest.raises(InputError, match=message):
        open_gacos(gacos, STACK, strip_rows=16)


def test_delays_in_another_unit_are_found_out_while_computing(tmp_path):
    write_binary(tmp_path, DAYS[0], 1000 * make_values())
    delays = open_gacos(tmp_path, STACK, strip_rows=16)
    with pytest.raises(InputError, match=r"20200101.ztd: zenith_delay is .* but must be 0 to 5 m"):
        delays.compute(scheduler="synchronous")


def test_what_it_refuses(gacos, tmp_path):
    with pytest.raises(InputError, match="strip_rows: 0 rows is no strip"):
        open_gacos(gacos, STACK, strip_rows=0)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"holds no delays. Looked for \*.ztd and \*.ztd\*.tif"):
        find_gacos(tmp_path / "empty")
    with pytest.raises(InputError, match="geobox: has no CRS"):
        open_gacos(gacos, GeoBox(STACK.shape, STACK.transform, None), strip_rows=4)
