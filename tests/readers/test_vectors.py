import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.readers.vectors import open_mask, read_areas

GRID = GeoBox((300, 280), Affine(100, 0, 480000, 0, -100, 4230000), "EPSG:32647")
WHOLE = {"y": -1, "x": -1}


def write(path, *shapes, crs="EPSG:32647"):
    gpd.GeoDataFrame({"id": range(len(shapes))}, geometry=list(shapes), crs=crs).to_file(path)
    return path


def disc(column, row, radius):
    """A disc, its centre and radius in pixels."""
    return shapely.Point(480000 + column * 100, 4230000 - row * 100).buffer(radius * 100, quad_segs=64)


@pytest.mark.parametrize("ending", ["gpkg", "shp", "geojson"])
def test_pixels_whose_centre_is_inside(tmp_path, ending):
    path = write(tmp_path / f"lakes.{ending}", disc(100.3, 80.2, 30.1), disc(250, 270, 60), crs="EPSG:32647")
    mask = open_mask(path, "lake", geobox=GRID, chunks={"y": 90, "x": 300})
    column, row = np.meshgrid(np.arange(280) + 0.5, np.arange(300) + 0.5)
    expected = (np.hypot(column - 100.3, row - 80.2) < 30.1) | (np.hypot(column - 250, row - 270) < 60)
    assert mask.dtype == bool
    assert mask.odc.geobox == GRID
    assert (mask.values != expected).sum() <= (30 if ending == "geojson" else 10)
    assert expected.sum() > 8000


def test_chunks_change_nothing(tmp_path):
    rng = np.random.default_rng(0)
    path = write(tmp_path / "glaciers.gpkg", *(disc(*rng.uniform(0, 300, 2), rng.uniform(0.5, 20)) for _ in range(60)))
    whole = open_mask(path, "glacier", geobox=GRID, chunks=WHOLE).values
    assert 0.05 < whole.mean() < 0.6
    for chunks in ({"y": 100, "x": 77}, {"y": 256, "x": 256}, {"y": 13, "x": -1}):
        np.testing.assert_array_equal(open_mask(path, "glacier", geobox=GRID, chunks=chunks).values, whole)


def test_a_chunk_carries_only_its_outlines(tmp_path, assert_lazy):
    path = write(tmp_path / "lakes.gpkg", disc(30, 30, 10), disc(200, 200, 10), disc(210, 200, 10))
    with assert_lazy():
        mask = open_mask(path, "lake", geobox=GRID, chunks={"y": 150, "x": 140})
    carried = [len(task.args[0]) for _, task in sorted(mask.__dask_graph__().items())]
    assert carried == [1, 0, 0, 2]


def test_straight_edges_in_degrees_are_bent(tmp_path):
    path = write(tmp_path / "basin.gpkg", shapely.box(98.0, 38.1, 100.0, 38.15), crs="EPSG:4326")
    grid = GeoBox((200, 1400), Affine(100, 0, 430000, 0, -100, 4228000), "EPSG:32647")
    from pyproj import Transformer

    x, y = np.meshgrid(430000 + 100 * (np.arange(1400) + 0.5), 4228000 - 100 * (np.arange(200) + 0.5))
    longitude, latitude = Transformer.from_crs(32647, 4326, always_xy=True).transform(x, y)
    expected = (longitude > 98) & (longitude < 100) & (latitude > 38.1) & (latitude < 38.15)
    found = open_mask(path, "lake", geobox=grid, chunks={"y": 64, "x": 512}).values
    assert expected.mean() > 0.2
    assert (found != expected).mean() < 2e-4


def test_invalid_outlines_are_repaired_and_other_areas_ignored(tmp_path):
    x, y = 480000 + np.array([0, 10000, 10000, 0]), 4230000 - np.array([0, 10000, 0, 10000])
    bow_tie = shapely.Polygon(list(zip(x, y, strict=True)))
    assert not bow_tie.is_valid
    far = shapely.box(-2e6, 1e6, -1.9e6, 1.1e6)
    mask = open_mask(write(tmp_path / "a.gpkg", bow_tie, far), "glacier", geobox=GRID, chunks=WHOLE).values
    column, row = np.meshgrid(np.arange(100) + 0.5, np.arange(100) + 0.5)
    expected = np.abs(row - 50) < np.abs(column - 50)
    assert (mask[:100, :100] != expected).sum() <= 200
    assert not mask[100:].any()
    nothing = open_mask(write(tmp_path / "b.gpkg", far), "glacier", geobox=GRID, chunks=WHOLE)
    assert not nothing.any()


def test_a_raster_by_majority(tmp_path, write_raster):
    fine = np.zeros((600, 560), "uint8")
    fine[100:200, 50:150] = 3
    path = write_raster(
        tmp_path / "lake.tif", fine, transform=GRID.transform @ Affine.scale(0.5), crs="EPSG:32647", nodata=255
    )
    expected = np.zeros(GRID.shape, bool)
    expected[50:100, 25:75] = True
    found = open_mask(path, "lake", geobox=GRID, chunks={"y": 100, "x": 100})
    assert found.dtype == bool
    np.testing.assert_array_equal(found.values, expected)


@pytest.mark.parametrize(
    ("shapes", "crs", "message"),
    [
        ([disc(1, 1, 1)], None, r"a.gpkg: has no CRS. Assign one: ogr2ogr -a_srs EPSG:... out.gpkg a.gpkg"),
        ([shapely.Point(480100, 4229900)], "EPSG:32647", r"a.gpkg: holds no polygons, but Point. Give outlines"),
        ([], "EPSG:32647", r"a.gpkg: holds no polygons, but nothing"),
    ],
)
@pytest.mark.filterwarnings("ignore:'crs' was not provided:UserWarning")
def test_what_holds_no_outlines(tmp_path, shapes, crs, message):
    with pytest.raises(InputError, match=message):
        open_mask(write(tmp_path / "a.gpkg", *shapes, crs=crs), "lake", geobox=GRID, chunks=WHOLE)


def test_what_is_no_mask(tmp_path):
    (tmp_path / "lake.shp").write_text("nothing")
    with pytest.raises(InputError, match=r"lake.shp: cannot be read as a raster nor as vectors"):
        open_mask(tmp_path / "lake.shp", "lake", geobox=GRID, chunks=WHOLE)


def test_areas_within_bounds_of_another_crs(tmp_path):
    path = write(tmp_path / "a.gpkg", disc(10, 10, 5), disc(200, 200, 5))
    assert len(read_areas(path)) == 2
    near = read_areas(path, within=(98.7, 38.15, 98.9, 38.3), within_crs="EPSG:4326")
    assert near["id"].tolist() == [0]
