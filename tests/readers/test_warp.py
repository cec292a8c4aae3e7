import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from rasterio.enums import Resampling as Overview

from cryoscale.errors import InputError
from cryoscale.readers.warp import Resampling, open_on_grid

KRASOVSKY = (
    'GEOGCS["GCS_Krasovsky_1940",DATUM["D_Krasovsky_1940",SPHEROID["Krasovsky_1940",6378245.0,298.3]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'
)
UTM = GeoBox((300, 280), Affine(1000, 0, 300000, 0, -1000, 4300000), "EPSG:32647")
SMALL = GeoBox((6, 8), Affine(0.03, 0, 99.0, 0, -0.03, 38.0), "EPSG:4326")
WHOLE = {"y": -1, "x": -1}


def write(path, values, transform, *, crs="EPSG:4326", nodata=None, unit=None, scale=1.0, offset=0.0):
    values = np.asarray(values)
    profile = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1}
    with rasterio.open(
        path, "w", **profile, dtype=values.dtype.name, crs=crs, transform=transform, nodata=nodata
    ) as raster:
        raster.write(values, 1)
        raster.scales, raster.offsets = (scale,), (offset,)
        if unit:
            raster.set_band_unit(1, unit)
    return path


def field(path, step=0.02, *, west=95.5, north=41.0, shape=(320, 320), crs="EPSG:4326", **options):
    """Elevation that is linear in longitude and latitude."""
    transform = Affine(step, 0, west, 0, -step, north)
    longitude, latitude = west + (np.arange(shape[1]) + 0.5) * step, north - (np.arange(shape[0]) + 0.5) * step
    values = plane(longitude, latitude[:, np.newaxis]).astype("float32")
    return write(path, values, transform, crs=crs, **options)


def plane(longitude, latitude):
    return 100.0 * (longitude - 95.0) + 200.0 * (latitude - 34.0)


def at(geobox, crs="EPSG:4326"):
    x, y = np.meshgrid(*(geobox.coordinates[dim].values for dim in reversed(geobox.dimensions)))
    return Transformer.from_crs(geobox.crs.to_wkt(), crs, always_xy=True).transform(x, y)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4024", KRASOVSKY])
def test_bilinear_keeps_a_plane_from_any_geographic_crs(tmp_path, crs):
    path = field(tmp_path / "dem.tif", crs=crs)
    found = open_on_grid(path, "elevation", geobox=UTM, resampling=Resampling.BILINEAR, chunks={"y": 128, "x": 128})
    np.testing.assert_allclose(found.values, plane(*at(UTM)), atol=2e-3)
    assert found.attrs["units"] == "m"
    assert found.odc.geobox == UTM


def test_a_projected_file_onto_the_krasovsky_grid_of_the_product(tmp_path):
    grid = GeoBox((40, 50), Affine(0.01, 0, 99.0, 0, -0.01, 38.0), KRASOVSKY)
    x, y = 480000 + 700 * np.arange(120), 4230000 - 700 * np.arange(120)
    values = ((x - 480000) / 100 + (4230000 - y[:, np.newaxis]) / 50).astype("float32")
    path = write(tmp_path / "dem.tif", values, Affine(700, 0, 479650, 0, -700, 4230350), crs="EPSG:32647")
    found = open_on_grid(path, "elevation", geobox=grid, resampling=Resampling.BILINEAR, chunks=WHOLE).values
    # Without a datum shift, degrees on the one ellipsoid are taken for degrees on the other.
    longitude, latitude = np.meshgrid(grid.coordinates["longitude"].values, grid.coordinates["latitude"].values)
    east, north = Transformer.from_crs("EPSG:4326", "EPSG:32647", always_xy=True).transform(longitude, latitude)
    np.testing.assert_allclose(found, (east - 480000) / 100 + (4230000 - north) / 50, atol=2e-3)


@pytest.mark.parametrize("resampling", list(Resampling))
@pytest.mark.parametrize("step", [0.003, 0.02])
def test_chunks_change_nothing_to_the_bit(tmp_path, resampling, step):
    noise = np.random.default_rng(0).integers(0, 3000, (900, 900)).astype("int16")
    path = write(tmp_path / "dem.tif", noise, Affine(step, 0, 97.0, 0, -step, 38.5), nodata=17)
    whole = open_on_grid(path, "elevation", geobox=UTM, resampling=resampling, chunks=WHOLE).values
    assert np.isfinite(whole).mean() > 0.4
    for chunks in ({"y": 100, "x": 77}, {"y": 256, "x": 256}, {"y": 41, "x": -1}):
        cut = open_on_grid(path, "elevation", geobox=UTM, resampling=resampling, chunks=chunks).values
        np.testing.assert_array_equal(cut, whole)


@pytest.mark.parametrize("resampling", list(Resampling))
def test_a_file_on_the_grid_stays_as_it_is(tmp_path, resampling):
    values = np.random.default_rng(1).normal(4000, 300, SMALL.shape).astype("float32")
    values[2, 3] = -9999
    path = write(tmp_path / "dem.tif", values, SMALL.transform, nodata=-9999)
    found = open_on_grid(path, "elevation", geobox=SMALL, resampling=resampling, chunks={"y": 4, "x": 3}).values
    np.testing.assert_array_equal(found, np.where(values == -9999, np.nan, values))


def test_average_and_majority_of_what_lies_under_a_pixel(tmp_path):
    rng = np.random.default_rng(2)
    fine = rng.integers(1, 5, (18, 24)).astype("uint8")
    fine[0:3, 0:3] = 9
    fine[3:6, 0:3] = [[9, 9, 9], [9, 2, 2], [2, 2, 2]]
    path = write(tmp_path / "fine.tif", fine, SMALL.transform @ Affine.scale(1 / 3), nodata=9)
    blocks = fine.reshape(6, 3, 8, 3).swapaxes(1, 2).reshape(6, 8, 9)
    average = open_on_grid(path, "elevation", geobox=SMALL, resampling=Resampling.AVERAGE, chunks=WHOLE).values
    mean = np.array([[np.mean(b[b != 9]) if (b != 9).any() else np.nan for b in row] for row in blocks])
    np.testing.assert_allclose(average, mean, rtol=1e-6)
    majority = open_on_grid(path, "land_cover", geobox=SMALL, resampling=Resampling.MAJORITY, chunks=WHOLE).values
    counts = np.stack([(blocks == value).sum(axis=-1) for value in range(1, 5)])
    clear = np.sort(counts, axis=0)[-1] > np.sort(counts, axis=0)[-2]
    assert clear.sum() > 20
    assert np.isnan(majority[0, 0])
    assert majority[1, 0] == 2
    np.testing.assert_array_equal(majority[clear], (counts.argmax(axis=0) + 1)[clear])


def test_smoothing_a_fine_plane_moves_it_by_less_than_a_fiftieth_of_a_pixel(tmp_path):
    path = field(tmp_path / "dem.tif", 0.001, west=98.5, north=38.5, shape=(1500, 1500))
    grid = GeoBox((100, 100), Affine(1000, 0, 480000, 0, -1000, 4230000), "EPSG:32647")
    found = open_on_grid(path, "elevation", geobox=grid, resampling=Resampling.BILINEAR, chunks=WHOLE).values
    inside = slice(2, -2), slice(2, 60)
    steps = 100.0 / 88.0, 200.0 / 111.0  # m per pixel of the grid, east and north
    error = (found - plane(*at(grid)))[inside]
    assert np.isfinite(error).all()
    assert np.abs(error).max() < 0.02 * sum(steps)


@pytest.mark.parametrize("resampling", [Resampling.BILINEAR, Resampling.AVERAGE])
def test_a_fine_raster_is_smoothed_whatever_its_overviews_hold(tmp_path, resampling):
    board = (np.indices((360, 480)).sum(axis=0) % 2 * 2000).astype("float32")
    path = write(tmp_path / "dem.tif", board, SMALL.transform @ Affine.scale(1 / 60))
    with rasterio.open(path, "r+") as raster:
        raster.build_overviews([2, 4, 8, 16], Overview.nearest)
    with rasterio.open(path, overview_level=2) as raster:
        assert len(np.unique(raster.read(1))) == 1
    found = open_on_grid(path, "elevation", geobox=SMALL, resampling=resampling, chunks=WHOLE).values
    np.testing.assert_allclose(found, 1000.0, atol=1.0)


@pytest.mark.parametrize("resampling", list(Resampling))
def test_a_mosaic_has_no_seams(tmp_path, resampling):
    values = np.random.default_rng(3).integers(0, 500, (200, 260)).astype("int16")
    transform = Affine(0.002, 0, 98.9, 0, -0.002, 38.1)
    one = write(tmp_path / "one.tif", values, transform)
    pieces = [(slice(0, 90), slice(0, 101)), (slice(0, 90), slice(101, 260)), (slice(90, 200), slice(0, 260))]
    paths = [
        write(tmp_path / f"{i}.tif", values[rows, columns], transform @ Affine.translation(columns.start, rows.start))
        for i, (rows, columns) in enumerate(pieces)
    ]
    options = {"geobox": SMALL, "resampling": resampling, "chunks": {"y": 3, "x": 3}}
    together = open_on_grid(paths, "elevation", **options).values
    assert np.isfinite(together).all()
    np.testing.assert_array_equal(together, open_on_grid(one, "elevation", **options).values)


def test_later_files_fill_where_earlier_have_no_data(tmp_path):
    first = np.full(SMALL.shape, 10, "int16")
    first[:, :4] = -1
    second = np.full((6, 4), 20, "int16")
    second[:2] = -1
    third = np.full((20, 20), 30.0, "float32")
    paths = [
        write(tmp_path / "first.tif", first, SMALL.transform, nodata=-1),
        write(tmp_path / "second.tif", second, SMALL.transform @ Affine.translation(1, 0), nodata=-1),
        write(tmp_path / "third.tif", third, Affine(2000, 0, 499000, 0, -2000, 4210000), crs="EPSG:32647"),
    ]
    options = {"geobox": SMALL, "resampling": Resampling.NEAREST, "chunks": WHOLE}
    found = open_on_grid(paths, "elevation", **options).values
    expected = np.full(SMALL.shape, 30.0)
    expected[:, 4:], expected[2:, 1:4] = 10, 20
    np.testing.assert_array_equal(found, expected)
    with_gap = open_on_grid([paths[1], paths[0]], "elevation", **options).values
    assert (with_gap[2:, 1:5] == 20).all()
    assert np.isnan(with_gap[:, 0]).all()


def test_scale_offset_and_the_meaning_of_zero(tmp_path):
    numbers = np.arange(48, dtype="uint8").reshape(SMALL.shape)
    path = write(tmp_path / "dem.tif", numbers, SMALL.transform, scale=0.5, offset=100.0, unit="metre")
    options = {"geobox": SMALL, "resampling": Resampling.NEAREST, "chunks": WHOLE}
    np.testing.assert_array_equal(open_on_grid(path, "elevation", **options), numbers * 0.5 + 100)
    without = open_on_grid(path, "elevation", nodata=0, **options).values
    assert np.isnan(without[0, 0])
    assert without[0, 1] == 100.5


def test_stays_lazy(tmp_path, assert_lazy):
    path = field(tmp_path / "dem.tif")
    with assert_lazy():
        found = open_on_grid(path, "elevation", geobox=UTM, resampling=Resampling.AVERAGE, chunks={"y": 100, "x": 90})
    assert found.chunksizes == {"y": (100, 100, 100), "x": (90, 90, 90, 10)}
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unit": "ft"}, r"dem.tif: is in 'ft', but elevation must be in 'm'"),
        ({"west": 10.0}, r"dem.tif: does not overlap the grid. It has .* x 10 to 16.4, .*; wanted are .*EPSG:32647"),
        ({"crs": None}, r"dem.tif: has no georeference .* assign one: gdal_edit.py -a_srs EPSG:... .*dem.tif"),
    ],
)
def test_what_cannot_be_placed(tmp_path, options, message):
    path = field(tmp_path / "dem.tif", **options)
    with pytest.raises(InputError, match=message):
        open_on_grid(path, "elevation", geobox=UTM, resampling=Resampling.BILINEAR, chunks=WHOLE)


def test_what_goes_wrong_while_reading(tmp_path):
    high = write(tmp_path / "high.tif", np.full(SMALL.shape, 32767, "int16"), SMALL.transform)
    options = {"geobox": SMALL, "resampling": Resampling.NEAREST, "chunks": WHOLE}
    with pytest.raises(InputError, match=r"high.tif: elevation is 32767 somewhere, but must be -500 to 9000 m"):
        open_on_grid(high, "elevation", **options).compute()
    damaged = tmp_path / "damaged.tif"
    with rasterio.open(
        damaged, "w", driver="GTiff", height=600, width=800, count=1, dtype="float32", crs="EPSG:4326",
        transform=SMALL.transform @ Affine.scale(0.01), compress="deflate",
    ) as raster:  # fmt: skip
        raster.write(np.random.default_rng(4).normal(size=(600, 800)).astype("float32"), 1)
    content = bytearray(damaged.read_bytes())
    content[len(content) // 3 : len(content) // 2] = b"\0" * (len(content) // 2 - len(content) // 3)
    damaged.write_bytes(content)
    with pytest.raises(InputError, match=r"damaged.tif: cannot be read .* A file is damaged: copy it again"):
        open_on_grid(damaged, "elevation", **options | {"resampling": Resampling.AVERAGE}).compute()
    with pytest.raises(InputError, match="elevation: no files are given"):
        open_on_grid([], "elevation", **options)


def test_a_netcdf_file_with_longitude_and_latitude_needs_no_crs(tmp_path):
    import xarray as xr

    values = np.arange(48, dtype="float32").reshape(SMALL.shape)
    axes = {"lat": 38.0 - (np.arange(6) + 0.5) * 0.03, "lon": 99.0 + (np.arange(8) + 0.5) * 0.03}
    dataset = xr.Dataset({"height": (("lat", "lon"), values)}, coords=axes)
    dataset["lat"].attrs = {"units": "degrees_north", "standard_name": "latitude"}
    dataset["lon"].attrs = {"units": "degrees_east", "standard_name": "longitude"}
    dataset.to_netcdf(tmp_path / "dem.nc")
    options = {"geobox": SMALL, "resampling": Resampling.NEAREST, "chunks": WHOLE}
    np.testing.assert_array_equal(open_on_grid(tmp_path / "dem.nc", "elevation", **options), values)
    dataset.assign(other=dataset["height"]).to_netcdf(tmp_path / "two.nc")
    with pytest.raises(InputError, match=r"two.nc: holds height, other; one variable is expected"):
        open_on_grid(tmp_path / "two.nc", "elevation", **options)
