"""Pits and heaps, units and labelled points from files: what is read, and what is refused."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.readers.areas import burn_areas
from cryoscale.readers.ground_units import open_ground_units
from cryoscale.readers.labelled import read_labels
from cryoscale.readers.mine import read_mine
from cryoscale.writers import write_cog

BOX = GeoBox((20, 30), Affine(30, 0, 5e5, 0, -30, 4.2e6), "EPSG:32647")
CHUNKS = {"y": 8, "x": 16}


def squares(n=2):
    return [shapely.box(5e5 + 300 * i, 4.2e6 - 300, 5e5 + 300 * i + 300, 4.2e6) for i in range(n)]


def mine(**changes):
    rows = {"name": ["late", "early"], "kind": ["pit", "Heap "], "depth": [50.0, np.nan], "height": [np.nan, 20.0]}
    rows |= {"start": [2005, 2003], "end": [2009, 2004], "lake": [True, False], "backfilled": [2012.0, np.nan]}
    return gpd.GeoDataFrame(rows | changes, geometry=squares(), crs="EPSG:32647")


def test_works_come_in_the_order_of_their_start(tmp_path):
    mine().to_file(tmp_path / "mine.gpkg")
    table = read_mine(tmp_path / "mine.gpkg")
    assert table["name"].tolist() == ["early", "late"]
    assert table["kind"].tolist() == ["heap", "pit"]
    assert table["size"].tolist() == [20.0, 50.0]
    assert table["lake"].tolist() == [False, True]
    assert table["backfilled"].isna().tolist() == [True, False]


def test_names_lakes_and_backfill_may_be_absent(tmp_path):
    mine().drop(columns=["name", "lake", "backfilled"]).to_file(tmp_path / "mine.gpkg")
    table = read_mine(tmp_path / "mine.gpkg")
    assert table["name"].tolist() == ["2", "1"]
    assert not table["lake"].any()
    assert table["backfilled"].isna().all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": ["quarry", "heap"]}, "late is of the kind 'quarry', but must be a pit or a heap"),
        ({"depth": [-5.0, np.nan]}, "late has the depth or height -5 m, but must have one above 0"),
        ({"height": [np.nan, np.nan]}, "early has the depth or height nan m"),
        ({"start": [5, 2003]}, "late starts in 5 and ends in 2009, but both must be years"),
        ({"end": [2005, 2004]}, "late starts in 2005 and ends in 2005, but must end later than it starts"),
        ({"backfilled": [2006.0, np.nan]}, "late is filled back in 2006, but dug until 2009"),
        ({"lake": [False, True]}, "early is a heap with a lake or that is filled back"),
        ({"lake": ["deep", "no"]}, "lake is 'deep', but must be true or false"),
        ({"name": ["same", "same"]}, "same is there twice"),
    ],
)
def test_works_that_cannot_be_are_refused(tmp_path, changes, message):
    mine(**changes).to_file(tmp_path / "mine.gpkg")
    with pytest.raises(InputError, match=f"mine.gpkg: {message}"):
        read_mine(tmp_path / "mine.gpkg")


def test_missing_columns_of_works_are_named(tmp_path):
    mine().drop(columns=["start", "kind"]).to_file(tmp_path / "mine.gpkg")
    with pytest.raises(InputError, match="it needs kind, start"):
        read_mine(tmp_path / "mine.gpkg")


def test_codes_are_those_of_the_last_area_in_all_chunks_and_crs(assert_lazy):
    areas = gpd.GeoDataFrame(
        geometry=[shapely.box(5e5, 4.2e6 - 600, 5e5 + 600, 4.2e6), squares(2)[1]], crs="EPSG:32647"
    )
    with assert_lazy():
        first = burn_areas(areas, [3, 9], "mine_work", geobox=BOX, chunks=CHUNKS)
    assert first.dtype == np.uint8
    assert (first.values[:10, 10:20] == 9).all()
    assert (first.values[:, :10] == 3).all()
    assert not first.values[:, 20:].any()
    for other in (areas, areas.to_crs("EPSG:4326")):
        again = burn_areas(other, [3, 9], "mine_work", geobox=BOX, chunks={"y": 20, "x": 7})
        xr.testing.assert_identical(again.compute(), first.compute())
    with pytest.raises(InputError, match="codes must be 1 to 255, not 0 to 9"):
        burn_areas(areas, [0, 9], "mine_work", geobox=BOX, chunks=CHUNKS)


def test_units_of_a_raster_have_the_names_of_its_metadata(tmp_path):
    codes = np.where(np.arange(30) < 12, 2, 5).astype(np.uint8) * np.ones((20, 1), np.uint8)
    flags = {"flag_values": [2, 5], "flag_meanings": "bog moraine"}
    write_cog(xr.DataArray(codes, grid_coords(BOX), ("y", "x"), "ground_unit", flags), tmp_path / "units.tif")
    units = open_ground_units(tmp_path / "units.tif", geobox=BOX, chunks=CHUNKS)
    np.testing.assert_array_equal(units, codes)
    assert units.attrs["flag_meanings"] == "bog moraine"
    assert units.attrs["long_name"] == "geomorphic or sedimentary unit"
    named = open_ground_units(tmp_path / "units.tif", geobox=BOX, chunks=CHUNKS, names={2: "peat land", 5: "till"})
    assert named.attrs["flag_meanings"] == "peat_land till"
    with pytest.raises(InputError, match=r"units.tif: has the class 5, but classes must be 2, those of the legend"):
        open_ground_units(tmp_path / "units.tif", geobox=BOX, chunks=CHUNKS, names={2: "peat"}).compute()


def test_units_of_polygons_go_by_the_alphabet(tmp_path):
    areas = gpd.GeoDataFrame({"unit": ["slope wash", "bog"]}, geometry=squares(), crs="EPSG:32647")
    areas.to_file(tmp_path / "units.gpkg")
    units = open_ground_units(tmp_path / "units.gpkg", geobox=BOX, chunks=CHUNKS)
    assert units.attrs["flag_meanings"] == "bog slope_wash"
    assert (units.values[:10, :10] == 2).all()
    assert (units.values[:10, 10:20] == 1).all()
    with pytest.raises(InputError, match="has the columns unit; the names of the units must be in 'geology'"):
        open_ground_units(tmp_path / "units.gpkg", geobox=BOX, chunks=CHUNKS, column="geology")
    areas.assign(unit=["bog", None]).to_file(tmp_path / "holes.gpkg")
    with pytest.raises(InputError, match="holes.gpkg: 1 polygons have no unit"):
        open_ground_units(tmp_path / "holes.gpkg", geobox=BOX, chunks=CHUNKS)
    with pytest.raises(InputError, match="absent.gpkg: does not exist"):
        open_ground_units(tmp_path / "absent.gpkg", geobox=BOX, chunks=CHUNKS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": ["a", "a"]}, "row 3 repeats the label a"),
        ({"class": ["bog", None]}, "row 3 has no class"),
        ({"longitude": [99.0, 399.0]}, "longitude is 399 in row 3"),
    ],
)
def test_labels_that_cannot_be_are_refused(tmp_path, changes, message):
    rows = {"label": ["a", "b"], "longitude": [99.0, 99.1], "latitude": 38.0, "class": ["bog", "wet meadow"]}
    path = tmp_path / "labels.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    assert read_labels(path)["class"].tolist() == ["bog", "wet_meadow"]
    pd.DataFrame(rows | changes).to_csv(path, index=False)
    with pytest.raises(InputError, match=message):
        read_labels(path)
