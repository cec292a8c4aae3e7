import numpy as np
import pandas as pd
import pytest
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.grids import pixel_at
from cryoscale.readers.points import locate, read_boreholes, read_stations, read_thaw_depths

HEAD = "station,longitude,latitude,time,ground_surface_temperature,air_temperature,elevation,note"
ROWS = (
    "B,93.1,35.2,2005-01-02,-3.5,-12,4612,x",
    "B,93.1,35.2,2005-01-01,,-999.9,4612,",
    "A,92.0,34.5,20050101,1.5,0.5,4500,",
)


def write(path, *rows, head=HEAD):
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def test_stations_in_order_with_codes_taken_out(tmp_path):
    table = read_stations(write(tmp_path / "s.csv", *ROWS))
    assert list(table.columns) == HEAD.split(",")[:-1]
    assert table.station.tolist() == ["A", "B", "B"]
    assert table.time.dt.strftime("%m-%d").tolist() == ["01-01", "01-01", "01-02"]
    np.testing.assert_array_equal(table.ground_surface_temperature, [1.5, np.nan, -3.5])
    np.testing.assert_array_equal(table.air_temperature, [0.5, np.nan, -12.0])
    assert table.attrs["missing_codes"] == {"ground_surface_temperature": 0, "air_temperature": 1}


def test_stations_under_other_names(tmp_path):
    head = "id,lon,lat,day,GT"
    columns = dict(zip(HEAD.split(",")[:5], head.split(","), strict=True))
    table = read_stations(
        write(tmp_path / "s.csv", "52908,93.1,35.2,2005/01/02,-3.5".replace("/", "-"), head=head), columns=columns
    )
    assert table.station.tolist() == ["52908"]
    assert "air_temperature" not in table


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((*ROWS, "A,92.0,34.5,2005-01-01,2,,,"), r"s.csv: 1 rows repeat a station and time: A 2005-01-01. Keep one"),
        (
            ("A,92,34.5,2005-01-01,271,,,",),
            r"s.csv: ground_surface_temperature is 271 .* looks like Kelvin; .* in degC",
        ),
        (("A,92,34.5,2005-01-01,1,,,", "A,92,34.6,2005-01-02,1,,,"), r"s.csv: the station A has 2 places"),
        (("A,92,345,2005-01-01,1,,,",), r"latitude is 345 in row 2, but must be within -90 to 90 degrees"),
        (("A,,34,2005-01-01,1,,,",), r"longitude is nan in row 2"),
        (("A,92,34,2005-01-01,1,,,", "A,92,34,2005-13-01,1,,,"), r"time has '2005-13-01' in row 3, which is no date"),
        (("A,92,34,2005-01-01,warm,,,",), r"ground_surface_temperature has 'warm' in row 2, which is no number"),
        ((",92,34,2005-01-01,1,,,",), r"row 2 has no station. Fill it in"),
        ((), r"s.csv: has no rows"),
    ],
)
def test_stations_that_cannot_be_used(tmp_path, rows, message):
    with pytest.raises(InputError, match=message):
        read_stations(write(tmp_path / "s.csv", *rows))


def test_columns_that_are_missing(tmp_path):
    path = write(tmp_path / "s.csv", "A,1,2", head="station,lon,lat")
    with pytest.raises(
        InputError, match=r"has the columns station, lon, lat; it needs longitude, latitude, time, ground"
    ):
        read_stations(path)
    with pytest.raises(InputError, match=r"columns: colour is unknown; there are station, longitude"):
        read_stations(path, columns={"colour": "lon"})
    with pytest.raises(InputError, match=r"it needs height"):
        read_stations(write(tmp_path / "t.csv", *ROWS), columns={"elevation": "height"})
    with pytest.raises(InputError, match=r"gone.csv: cannot be read as a CSV table"):
        read_stations(tmp_path / "gone.csv")


def test_boreholes(tmp_path):
    rows = ["ZK1,88.1,37.6,-1.2,Stable permafrost ", "ZK2,88.2,37.7,999,", "3,88.3,37.8,2.5,seasonally frozen ground"]
    table = read_boreholes(write(tmp_path / "b.csv", *rows, head="borehole,longitude,latitude,magt,state"))
    assert table.borehole.tolist() == ["ZK1", "ZK2", "3"]
    assert table.state.tolist() == ["stable permafrost", None, "seasonally frozen ground"]
    np.testing.assert_array_equal(table.magt, [-1.2, np.nan, 2.5])
    assert table.attrs["missing_codes"] == {"magt": 1}


@pytest.mark.parametrize(
    ("head", "rows", "message"),
    [
        (
            "borehole,longitude,latitude",
            ["a,88,37"],
            r"says nothing of the ground. It needs one of the columns magt, ttop, state",
        ),
        (
            "borehole,longitude,latitude,state",
            ["a,88,37,frozen"],
            r"state is 'frozen' in row 2; it can be stable permafrost",
        ),
        (
            "borehole,longitude,latitude,ttop",
            ["a,88,37,1", "a,88,37,2"],
            r"1 rows repeat a borehole: a. Keep one of each",
        ),
        ("borehole,longitude,latitude,ttop", ["a,88,37,271"], r"ttop is 271 .* looks like Kelvin"),
    ],
)
def test_boreholes_that_cannot_be_used(tmp_path, head, rows, message):
    with pytest.raises(InputError, match=message):
        read_boreholes(write(tmp_path / "b.csv", *rows, head=head))


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32646", "EPSG:4024"])
def test_places_on_a_grid(tmp_path, crs):
    from pyproj import Transformer

    corners = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform([91.5, 93.5], [34.0, 36.0])
    box = corners[0][0], corners[1][0], corners[0][1], corners[1][1]
    grid = GeoBox.from_bbox(box, crs, shape=(70, 60))
    table = read_stations(write(tmp_path / "s.csv", *ROWS, "C,80,35,2005-01-01,1,,,"))
    found = locate(table, grid)
    assert found.outside.station.tolist() == ["C"]
    assert "row" not in found.outside
    assert found.inside.index.tolist() == [0, 1, 2]
    assert found.inside.attrs == table.attrs
    for row in found.inside.itertuples():
        assert (row.row, row.column) == pixel_at(grid, row.longitude, row.latitude)


def test_edges_of_a_grid():
    grid = GeoBox.from_bbox((88, 37, 89, 38), "EPSG:4326", resolution=0.1)
    places = pd.DataFrame({"longitude": [88.0, 88.9999, 89.0, 88.5], "latitude": [38.0, 37.0001, 37.5, 37.0]})
    found = locate(places, grid)
    assert found.inside[["row", "column"]].to_numpy().tolist() == [[0, 0], [9, 9]]
    assert found.outside.index.tolist() == [2, 3]


def test_no_place_on_the_grid():
    grid = GeoBox.from_bbox((88, 37, 89, 38), "EPSG:4326", resolution=0.1)
    swapped = pd.DataFrame({"longitude": [37.5, 37.6], "latitude": [88.5, 88.6]})
    with pytest.raises(
        InputError, match=r"none of 2 places lies on the grid .* longitudes 37.5 to 37.6, .* interchanged"
    ):
        locate(swapped, grid)


def test_thaw_depths_are_metres(tmp_path):
    path = tmp_path / "sites.csv"
    header = "site,longitude,latitude,year,active_layer_thickness\n"
    path.write_text(header + "B,99.2,38.2,2020,1.5\nA,99.1,38.1,2019,1.4\nA,99.1,38.1,2020,\n")
    table = read_thaw_depths(path)
    assert table.site.tolist() == ["A", "B"]
    assert table.year.tolist() == [2019, 2020]
    path.write_text(header + "A,99.1,38.1,2019,140\n")
    with pytest.raises(InputError, match=r"active_layer_thickness is 140 at A, but must be in m, 0 to 20"):
        read_thaw_depths(path)
    path.write_text(header + "A,99.1,38.1,2019,1.4\nA,99.1,38.1,2019,1.5\n")
    with pytest.raises(InputError, match="1 rows repeat a site and year"):
        read_thaw_depths(path)
