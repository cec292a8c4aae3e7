import numpy as np
import pandas as pd
import pytest

from cryoscale.errors import InputError
from cryoscale.readers.soil_moisture import METHODS, read_moisture_samples

HEAD = "sample,longitude,latitude,start,end,depth_top,depth_bottom,moisture,method,note"
ROWS = (
    "P2,93.2,34.9,2012-09-15,2012-09-16,0.2,0.5,0.21,ring knife,x",
    "P2,93.2,34.9,2012-09-15,2012-09-16,0,0.2,0.34,Ring_Knife,",
    "P1,93.1,34.8,20110920,2011-10,0,1.8,0.18,GPR,",
)


def write(path, *rows, head=HEAD):
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def row(**changed):
    """A row of a good table with some cells changed."""
    good = ["P1", 93.1, 34.8, "2012-09-15", "2012-09-15", 0, 0.2, 0.3, "ring knife", ""]
    cells = dict(zip(HEAD.split(","), good, strict=True))
    return ",".join(str(cell) for cell in (cells | changed).values())


def test_layers_in_order(tmp_path):
    table = read_moisture_samples(write(tmp_path / "s.csv", *ROWS))
    assert list(table.columns) == HEAD.split(",")[:-1]
    assert table["sample"].tolist() == ["P1", "P2", "P2"]
    assert table.method.tolist() == [METHODS[1], METHODS[0], METHODS[0]]
    assert table.start.dt.strftime("%Y%m%d").tolist() == ["20110920", "20120915", "20120915"]
    assert table.end.dt.strftime("%Y%m%d").tolist() == ["20111031", "20120916", "20120916"]
    np.testing.assert_array_equal(table.depth_top, [0, 0, 0.2])
    np.testing.assert_array_equal(table.moisture, [0.18, 0.34, 0.21])
    assert table.attrs == {"missing_layers": 0}


def test_columns_under_other_names(tmp_path):
    head = HEAD.replace("moisture", "theta_v").replace("sample", "id")
    table = read_moisture_samples(
        write(tmp_path / "s.csv", *ROWS, head=head), columns={"moisture": "theta_v", "sample": "id"}
    )
    assert table.moisture.sum() == pytest.approx(0.73)
    with pytest.raises(InputError, match=r"columns: theta is unknown; there are sample, longitude"):
        read_moisture_samples(tmp_path / "s.csv", columns={"theta": "theta_v"})


@pytest.mark.parametrize(
    ("name", "value", "start", "end"),
    [
        ("date", "2012-09-15", "2012-09-15", "2012-09-15"),
        ("date", "2012-09-15 14:30", "2012-09-15", "2012-09-15"),
        ("date", "2012-02", "2012-02-01", "2012-02-29"),
        ("date", "2012", "2012-01-01", "2012-12-31"),
        ("period", "2012-09-20/2012-10-05", "2012-09-20", "2012-10-05"),
        ("period", "2012-08/2012-09", "2012-08-01", "2012-09-30"),
        ("period", "2012-10", "2012-10-01", "2012-10-31"),
    ],
)
def test_dates(tmp_path, name, value, start, end):
    head = f"sample,longitude,latitude,{name},depth_top,depth_bottom,moisture,method"
    table = read_moisture_samples(write(tmp_path / "s.csv", f"P1,93.1,34.8,{value},0,1,0.3,ring knife", head=head))
    assert (table.start[0], table.end[0]) == (pd.Timestamp(start), pd.Timestamp(end))


def test_the_dates_that_say_it_best_count(tmp_path):
    table = read_moisture_samples(write(tmp_path / "s.csv", row(note="1999-01-01"), head=HEAD.replace("note", "date")))
    assert table.start[0] == pd.Timestamp("2012-09-15")


@pytest.mark.parametrize("method", ["Ring knife", "RING_KNIFE", "ring-knife", "cutting ring"])
def test_aliases_of_methods(tmp_path, method):
    table = read_moisture_samples(write(tmp_path / "s.csv", row(method=method), row(sample="R", method="gpr")))
    assert table.method.tolist() == list(METHODS)


def test_layers_that_were_not_measured_are_counted(tmp_path):
    rows = (row(), row(depth_top=0.2, depth_bottom=0.4, moisture=""), row(depth_top=0.4, depth_bottom=0.6))
    table = read_moisture_samples(write(tmp_path / "s.csv", *rows))
    assert table.depth_top.tolist() == [0, 0.4]
    assert table.attrs == {"missing_layers": 1}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((row(), row(sample="B", moisture=23)), r"s.csv: moisture is 23 in row 3, which looks like percent; .* by 100"),
        ((row(moisture=1.2),), r"moisture is 1.2 in row 2, which looks like percent; it must be in m3 m-3, 0 to 1"),
        ((row(moisture=-9999),), r"moisture is -9999 in row 2, but must be in m3 m-3, 0 to 1. Leave the cell empty"),
        ((row(moisture=320),), r"moisture is 320 in row 2, but must be in m3 m-3"),
        ((row(moisture="wet"),), r"moisture has 'wet' in row 2, which is no number"),
        ((row(moisture=""),), r"moisture is empty in all 1 rows"),
        (
            (row(depth_bottom=40),),
            r"depth_bottom is 40 in row 2, which looks like centimetres; .* Divide depths by 100",
        ),
        ((row(depth_top=-0.1),), r"depth_top is -0.1 in row 2, but must be m below the surface"),
        ((row(depth_top=0.2),), r"depth_bottom is 0.2 m in row 2, not below depth_top \(0.2 m\)"),
        ((row(depth_bottom=""),), r"depth_bottom is empty in row 2. Fill in m"),
        (
            (row(depth_bottom=0.5), row(depth_top=0.4, depth_bottom=0.8)),
            r"in row 3 the layer from 0.4 to 0.8 m of the sample P1 overlaps the one above, which ends at 0.5 m",
        ),
        ((row(), row(longitude=93.2, depth_top=0.2, depth_bottom=0.4)), r"s.csv: the sample P1 has 2 places"),
        (
            (row(), row(method="GPR", depth_top=0.2, depth_bottom=0.4)),
            r"method differs within the sample P1. Give each method a sample of its own",
        ),
        (
            (row(), row(method="TDR", sample="B")),
            r"method is 'TDR' in row 3; it can be ring knife, ground-penetrating radar",
        ),
        ((row(method=""),), r"row 2 has no method. Fill it in"),
        ((row(sample="A"), row(), row()), r"row 4 repeats row 3 \(sample P1\); 1 rows are repeated. Keep one of each"),
        ((row(start="2012-09-31"),), r"start has '2012-09-31' in row 2, which is no date. Write 2012-09-15"),
        ((row(end="15/09/2012"),), r"end has '15/09/2012' in row 2, which is no date"),
        ((row(), row(sample="B", end="")), r"row 3 has no end. Fill it in"),
        ((row(end="2012-09-14"),), r"start and end end on 2012-09-14, before 2012-09-15, in row 2. Exchange"),
        ((row(latitude=348),), r"latitude is 348 in row 2, but must be within -90 to 90 degrees"),
        ((row(sample=""),), r"row 2 has no sample. Fill it in"),
        ((), r"s.csv: has no rows"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, rows, message):
    with pytest.raises(InputError, match=message):
        read_moisture_samples(write(tmp_path / "s.csv", *rows))


def test_tables_that_lack_a_column(tmp_path):
    path = write(tmp_path / "s.csv", "P1,1", head="sample,longitude")
    with pytest.raises(InputError, match=r"has the columns sample, longitude; it needs latitude, depth_top"):
        read_moisture_samples(path)
    head = "sample,longitude,latitude,start,depth_top,depth_bottom,moisture,method"
    with pytest.raises(InputError, match=r"does not say when. It needs the columns start and end, or period, or date"):
        read_moisture_samples(write(tmp_path / "t.csv", "P1,93,34,2012,0,1,0.2,GPR", head=head))


def test_two_visits_of_a_sample_may_have_the_same_layers(tmp_path):
    table = read_moisture_samples(write(tmp_path / "s.csv", row(start="2013-09", end="2013-09"), row()))
    assert table.start.dt.year.tolist() == [2012, 2013]
