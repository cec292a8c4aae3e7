"""A map written as a Cloud-Optimized GeoTIFF: valid, complete, and never wholly in memory."""

import tracemalloc

import dask.array as da
import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from rasterio.enums import ColorInterp
from rio_cogeo import cog_validate

from cryoscale.errors import InputError, ResourceError
from cryoscale.grids import geobox_of, grid_coords
from cryoscale.variables import attributes
from cryoscale.variables.permafrost import GROUND_CLASSES
from cryoscale.writers.cog import _batches, _regions, write_cog


def make_map(values, *, crs="EPSG:4326", pixel=0.0003, west=99.6, north=38.03, **attrs):
    geobox = GeoBox(values.shape, Affine(pixel, 0, west, 0, -pixel, north), crs)
    return xr.DataArray(values, dims=("y", "x"), coords=grid_coords(geobox), name="velocity", attrs=attrs)


@pytest.fixture
def rate():
    values = np.random.default_rng(0).normal(-5, 4, (1300, 700)).astype("float32")
    values[100:200, 300:450] = np.nan
    return make_map(values, units="mm a-1", long_name="line-of-sight velocity")


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1), dataset.profile | {
            "descriptions": dataset.descriptions,
            "units": dataset.units,
            "overviews": dataset.overviews(1),
            "predictor": dataset.tags(ns="IMAGE_STRUCTURE").get("PREDICTOR"),
        }


def test_a_map_reads_back_as_a_valid_cog(rate, tmp_path):
    path = write_cog(rate, tmp_path / "rate.tif")
    valid, errors, warnings = cog_validate(path, strict=True)
    assert (valid, errors, warnings) == (True, [], [])
    values, profile = read(path)
    np.testing.assert_array_equal(values, rate.values)
    assert profile["descriptions"] == ("line-of-sight velocity",)
    assert profile["units"] == ("mm a-1",)
    assert np.isnan(profile["nodata"])
    assert profile["transform"] == geobox_of(rate).transform
    assert profile["crs"].to_epsg() == 4326
    assert profile["compress"] == "deflate"
    assert profile["predictor"] == "3"
    assert profile["overviews"] == [2, 4]


def test_projected_grid(tmp_path):
    rate = make_map(np.ones((40, 30), "float32"), crs="EPSG:32647", pixel=30.0, west=555_000.0, north=4_210_000.0)
    _, profile = read(write_cog(rate, tmp_path / "utm.tif"))
    assert profile["crs"].to_epsg() == 32647
    assert profile["transform"] == Affine(30, 0, 555_000, 0, -30, 4_210_000)


def test_overviews_are_means_that_leave_out_no_data(tmp_path):
    values = np.arange(1024 * 1024, dtype="float32").reshape(1024, 1024)
    values[0, 0] = np.nan
    with rasterio.open(write_cog(make_map(values), tmp_path / "map.tif"), overview_level=0) as overview:
        halved = overview.read(1)
    np.testing.assert_allclose(halved[0, 0], np.nanmean(values[:2, :2]))
    np.testing.assert_allclose(halved[7, 9], values[14:16, 18:20].mean())


@pytest.mark.parametrize("chunks", [(512, 512), (300, 211), (1300, 100), (1, 700)])
def test_lazy_equals_eager_whatever_the_chunks(rate, tmp_path, chunks):
    lazy = rate.chunk(dict(zip(("y", "x"), chunks, strict=True)))
    values, profile = read(write_cog(lazy, tmp_path / "lazy.tif", batch_bytes=400_000))
    np.testing.assert_array_equal(values, rate.values)
    assert profile["descriptions"] == ("line-of-sight velocity",)


def counted_blocks(shape, chunks):
    """A lazy array and the list of blocks computed so far."""
    computed = []

    def block(block_info=None):
        location = tuple(map(tuple, block_info[None]["array-location"]))
        computed.append(location)
        return np.full([end - start for start, end in location], location[0][0], "float32")

    sizes = da.core.normalize_chunks(chunks, shape)
    return da.map_blocks(block, chunks=sizes, dtype="float32", meta=np.empty((0, 0), "float32")), computed


def test_every_chunk_is_computed_once(tmp_path):
    lazy, computed = counted_blocks((1000, 900), (300, 400))
    write_cog(make_map(lazy), tmp_path / "map.tif", batch_bytes=1_000_000)
    assert len(computed) == 12
    assert len(set(computed)) == 12


def test_memory_holds_batches_not_the_map(tmp_path):
    lazy, _ = counted_blocks((4096, 4096), (512, 512))
    tracemalloc.start()
    try:
        write_cog(make_map(lazy), tmp_path / "map.tif", batch_bytes=4 * 2**20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24 * 2**20 < lazy.nbytes


def test_integers_keep_their_no_data_value_and_classes(tmp_path):
    values = np.full((1100, 600), -1, "int16")
    values[::2, ::2] = 3
    classes = make_map(values, units="1").assign_attrs(_FillValue=-1)
    path = write_cog(classes, tmp_path / "classes.tif")
    written, profile = read(path)
    np.testing.assert_array_equal(written, values)
    assert profile["dtype"] == "int16"
    assert profile["nodata"] == -1
    assert profile["predictor"] == "2"
    with rasterio.open(path, overview_level=0) as overview:
        assert set(np.unique(overview.read(1))) <= {-1, 3}


def test_integers_without_fill_value_have_no_no_data(tmp_path):
    _, profile = read(write_cog(make_map(np.zeros((20, 20), "int16")), tmp_path / "count.tif"))
    assert profile["nodata"] is None


def test_fill_value_of_the_encoding_counts(tmp_path):
    counts = make_map(np.zeros((20, 20), "uint8"))
    counts.encoding["_FillValue"] = 255
    _, profile = read(write_cog(counts, tmp_path / "count.tif"))
    assert profile["nodata"] == 255


@pytest.mark.parametrize(("dtype", "expected"), [("bool", "uint8"), ("float16", "float32"), ("float64", "float64")])
def test_types_that_geotiff_lacks_become_the_next_one(tmp_path, dtype, expected):
    values, profile = read(write_cog(make_map(np.eye(30).astype(dtype)), tmp_path / "map.tif"))
    assert profile["dtype"] == expected
    np.testing.assert_array_equal(values, np.eye(30))


def test_south_up_and_transposed_maps_come_out_north_up(rate, tmp_path):
    turned = rate.isel(y=slice(None, None, -1)).transpose("x", "y").chunk({"x": 300})
    values, profile = read(write_cog(turned, tmp_path / "turned.tif"))
    np.testing.assert_array_equal(values, rate.values)
    np.testing.assert_allclose(profile["transform"], geobox_of(rate).transform)


def test_a_failing_computation_leaves_the_old_file_and_no_other(rate, tmp_path):
    path = write_cog(rate, tmp_path / "rate.tif")
    before = path.read_bytes()

    def fail(block):
        raise RuntimeError(f"a worker died over {block.shape}")

    broken = rate.copy(data=da.map_blocks(fail, da.zeros((1300, 700)), dtype="float32", meta=np.empty((0, 0), "f4")))
    with pytest.raises(RuntimeError, match="a worker died"):
        write_cog(broken, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_no_temporary_file_stays_and_folders_are_made(rate, tmp_path):
    path = write_cog(rate, tmp_path / "maps" / "rate.tif")
    assert list((tmp_path / "maps").iterdir()) == [path]


def test_a_cube_is_refused(rate, tmp_path):
    with pytest.raises(InputError, match=r"velocity: has dims \('time', 'y', 'x'\).*one map \(y, x\)"):
        write_cog(rate.expand_dims("time"), tmp_path / "cube.tif")


def test_dates_are_refused(rate, tmp_path):
    with pytest.raises(InputError, match="velocity: is of type datetime64.*GeoTIFF cannot hold"):
        write_cog(rate.copy(data=np.zeros(rate.shape, "datetime64[ns]")), tmp_path / "dates.tif")


def test_a_map_without_crs_is_refused(tmp_path):
    bare = xr.DataArray(np.zeros((4, 4)), dims=("y", "x"), coords={"y": [3.0, 2, 1, 0], "x": [0.0, 1, 2, 3]})
    with pytest.raises(InputError, match=r"no regular grid with a CRS.*assign_crs"):
        write_cog(bare, tmp_path / "bare.tif")


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 1500), st.integers(1, 1500)),
    chunk=st.tuples(st.integers(100, 900), st.integers(100, 900)),
    most=st.integers(1, 2_000_000),
)
def test_batches_cover_every_pixel_once_and_keep_their_bound(shape, chunk, most):
    array = xr.DataArray(da.zeros(shape, chunks=chunk), dims=("y", "x"))
    batches = list(_batches(_regions(array), most))
    seen = np.zeros(shape, int)
    for batch in batches:
        pixels = sum(seen[region].size for region in batch)
        assert pixels <= most or len(batch) == 1
        for region in batch:
            seen[region] += 1
    assert (seen == 1).all()


COLOURS = {1: "#3b7fc4", 2: "#dcb56b", 3: "#f2fbff", 4: "#14306b"}


@pytest.fixture
def classes():
    """Permafrost in the north, thinned by single pixels of frozen ground, and a corner without data."""
    values = np.ones((1100, 600), "uint8")
    values[550:] = 2
    values[0:550:2, 0:600:2] = 2
    values[:40, :40] = 0
    return make_map(values).rename("ground_class").assign_attrs(attributes("ground_class"))


def test_classes_keep_their_colours_and_names(classes, tmp_path):
    path = write_cog(classes.chunk({"y": 300}), tmp_path / "classes.tif", colours=COLOURS)
    assert list(tmp_path.iterdir()) == [path]  # all is in the file, nothing in a sidecar
    assert cog_validate(path, strict=True) == (True, [], [])
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(1), classes.values)
        assert dataset.nodata == 0
        assert dataset.colorinterp == (ColorInterp.palette,)
        table = dataset.colormap(1)
        assert {value: "#" + bytes(table[value][:3]).hex() for value in COLOURS} == COLOURS
        tags = dataset.tags(1)
        assert {value: tags[f"class_{value}"] for value, _ in GROUND_CLASSES} == dict(GROUND_CLASSES)


def test_overviews_of_classes_have_the_palette_and_the_most_frequent_class(classes, tmp_path):
    path = write_cog(classes, tmp_path / "classes.tif", colours=COLOURS)
    with rasterio.open(path, overview_level=0) as overview:
        halved, table = overview.read(1), overview.colormap(1)
    assert "#" + bytes(table[1][:3]).hex() == COLOURS[1]
    assert (halved[25:274, 25:] == 1).all()  # three of four pixels; the nearest would be 2
    assert (halved[:19, :19] == 0).all()
    assert (halved[276:] == 2).all()


def test_classes_without_colours_have_no_table(classes, tmp_path):
    with rasterio.open(write_cog(classes, tmp_path / "classes.tif")) as dataset:
        assert dataset.colorinterp == (ColorInterp.gray,)
        assert dataset.nodata == 0


def test_a_fill_value_counts_before_the_flag(classes, tmp_path):
    _, profile = read(write_cog(classes.assign_attrs(_FillValue=255), tmp_path / "classes.tif"))
    assert profile["nodata"] == 255


def test_colours_need_bytes(classes, tmp_path):
    with pytest.raises(InputError, match=r"ground_class: is of type int16.*colour table needs uint8"):
        write_cog(classes.astype("int16", keep_attrs=True), tmp_path / "classes.tif", colours=COLOURS)


@pytest.mark.parametrize("colours", [{1: "blue"}, {1: "#12345"}, {300: "#123456"}, {-1: "#123456"}])
def test_what_is_no_colour_is_refused(classes, tmp_path, colours):
    with pytest.raises(InputError, match=r"ground_class: colour .* of class .*written as '#rrggbb'"):
        write_cog(classes, tmp_path / "classes.tif", colours=colours)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(800, 900), (620, 700), (600, 640)])
def test_a_full_disk_is_named_and_nothing_is_left_on_it(small_disk, shape):
    """It fills up while GDAL writes tiles, while it closes the file, or while it makes the final one."""
    noise = make_map(np.random.default_rng(0).normal(size=shape).astype("float32"))
    with pytest.raises(ResourceError, match=f"{small_disk}/a.tif: No space is left on its disk. Make room there"):
        write_cog(noise, small_disk / "a.tif")
    assert not list(small_disk.iterdir())
