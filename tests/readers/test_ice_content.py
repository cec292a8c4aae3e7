import numpy as np
import pytest

from cryoscale.errors import InputError
from cryoscale.readers.ice_content import read_ice_logs, read_ice_table

TABLE = "unit,layer,top,bottom,ice_content,spread,n,note\n"
ROWS = ("2,silt,0,10,0.3,0.05,7,x", "1,peat,0,2,0.6,0.1,5,", "1,clay,2,10,0.4,0.08,4,")
LOGS = "borehole,unit,depth_top,depth_bottom,ice_content,water_content,dry_density,longitude,latitude\n"


def write(path, head, *rows):
    path.write_text(head + "\n".join(rows) + "\n")
    return path


def test_a_table_in_order(tmp_path):
    table = read_ice_table(write(tmp_path / "t.csv", TABLE, *ROWS))
    assert table.unit.tolist() == [1, 1, 2]
    assert table.layer.tolist() == ["peat", "clay", "silt"]
    assert table.n.tolist() == [5, 4, 7]
    assert table.porosity.tolist() == [1, 1, 1]
    assert table.n.dtype == int


def test_a_table_of_names_under_other_headings(tmp_path):
    head = "unit,top,bottom,ice,sd,n,porosity\n"
    path = write(tmp_path / "t.csv", head, " bog ,0,3,0.5,0.1,5,0.7", "moraine,0,10,0.2,0.1,5,")
    table = read_ice_table(path, columns={"ice_content": "ice", "spread": "sd"})
    assert table.unit.tolist() == ["bog", "moraine"]
    assert table.layer.tolist() == ["0-3 m", "0-10 m"]
    assert table.porosity.tolist() == [0.7, 1.0]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("1,a,0,10,30,5,7,",), r"t.csv: unit 1 must have an ice_content in m3 m-3, 0 to 1. Divide percent by 100"),
        (("1,a,0,10,0.3,much,7,",), r"t.csv: spread has 'much' in row 2, which is no number"),
        (("1,a,0,2,0.3,0.1,7,", "1,b,3,9,0.3,0.1,7,"), r"t.csv: unit 1: layers leave a hole, one ends at 2 m"),
        ((",a,0,2,0.3,0.1,7,",), r"t.csv: row 2 has no unit"),
        (("1,a,0,2,0.3,0.1,0,",), r"t.csv: unit 1 must have a whole number n of samples, 1 or more"),
        ((), r"t.csv: has no rows"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, rows, message):
    with pytest.raises(InputError, match=message):
        read_ice_table(write(tmp_path / "t.csv", TABLE, *rows))


def test_logs_with_volumetric_and_gravimetric_contents(tmp_path):
    rows = ("A,1,0,1,0.4,,,99.1,38.1", "A,1,1,2,,25,1400,99.1,38.1", "7,1,0,2,0.1,80,1400,99.2,38.2")
    logs = read_ice_logs(write(tmp_path / "l.csv", LOGS, *rows))
    assert logs.borehole.tolist() == ["A", "A", "7"]
    np.testing.assert_allclose(logs.ice_content, [0.4, 25 * 1400 / 91700, 0.1])
    assert list(logs.columns) == [
        "borehole",
        "unit",
        "depth_top",
        "depth_bottom",
        "ice_content",
        "longitude",
        "latitude",
    ]


def test_logs_without_places(tmp_path):
    head = "borehole,unit,depth_top,depth_bottom,ice_content\n"
    logs = read_ice_logs(write(tmp_path / "l.csv", head, "A,bog,0,1,0.4"))
    assert list(logs.columns) == head.strip().split(",")
    with pytest.raises(InputError, match=r"l.csv: has longitude only. Give longitude and latitude, or neither"):
        read_ice_logs(write(tmp_path / "l.csv", head.strip() + ",longitude\n", "A,bog,0,1,0.4,99"))
    with pytest.raises(
        InputError, match=r"1 rows have no ice_content, and there is no water_content and no dry_density"
    ):
        read_ice_logs(write(tmp_path / "l.csv", head, "A,bog,0,1,"))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("A,1,0,1,,25,1.4,99,38",), r"l.csv: dry_density: is 1.4, but must be in kg m-3"),
        (("A,1,0,1,,200,1400,99,38",), r"l.csv: water_content: makes 3.05 m3 of ice in 1 m3 of ground"),
        (("A,1,0,1,0.2,,,99,38", "B,1,0,1,,25,,99,38"), r"1 rows have neither .* the first of borehole B"),
        (("A,1,0,1,0.2,,,99,38", "A,1,1,2,0.2,,,99,39"), r"the borehole A has 2 places"),
        (("A,1,0,1,0.2,,,38,99",), r"latitude is 99 in row 2, but must be within -90 to 90"),
        (("A,1,0,deep,0.2,,,99,38",), r"depth_bottom has 'deep' in row 2"),
    ],
)
def test_logs_that_cannot_be_used(tmp_path, rows, message):
    with pytest.raises(InputError, match=message):
        read_ice_logs(write(tmp_path / "l.csv", LOGS, *rows))
