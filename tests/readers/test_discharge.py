import numpy as np
import pandas as pd
import pytest

from cryoscale.errors import InputError
from cryoscale.readers.discharge import read_discharge


def write(folder, *rows, head="date,discharge"):
    path = folder / "flow.csv"
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def only(record):
    assert len(record.report) == 1
    return record.report.iloc[0]


def test_gaps_stay_gaps(tmp_path):
    path = write(tmp_path, "2004-02-27,3.5", "2004-02-28,-9999", "2004-03-01,Ice", "2004-03-02,0", "2004-03-03,")
    record = read_discharge(path, unit="m3 s-1")
    np.testing.assert_array_equal(record.series(), [3.5, np.nan, np.nan, 0.0, np.nan])
    facts = only(record)
    assert facts[["n_days", "absent_days", "leap_days_absent", "missing_days", "zero_days"]].tolist() == [2, 1, 1, 3, 1]
    assert facts.longest_gap == 3
    assert (facts["first"], facts["last"]) == (pd.Timestamp("2004-02-27"), pd.Timestamp("2004-03-03"))


def test_a_year_without_discharge_is_named(tmp_path):
    rows = [f"{day.date()},1" for day in pd.date_range("2001-12-01", "2002-01-31")]
    rows += [f"2003-{month:02}-05,-9999" for month in range(1, 13)] + ["2005-01-01,2"]
    facts = only(read_discharge(write(tmp_path, *rows), unit="cms"))
    assert facts.missing_years == "2003, 2004"
    assert facts.longest_gap == (pd.Timestamp("2005-01-01") - pd.Timestamp("2002-01-31")).days - 1


def test_repeated_and_conflicting_days(tmp_path):
    path = write(
        tmp_path, "2001-01-01,1", "2001-01-01,1", "2001-01-02,2", "2001-01-02,3", "2001-01-03,-999", "2001-01-03,4"
    )
    record = read_discharge(path, unit="m3/s")
    np.testing.assert_array_equal(record.series(), [1.0, np.nan, 4.0])
    facts = only(record)
    assert facts[["repeated_days", "conflicting_days", "missing_days", "n_days"]].tolist() == [2, 1, 0, 2]


def test_negative_flow_is_made_missing_and_counted(tmp_path):
    record = read_discharge(write(tmp_path, "2001-01-01,-0.5", "2001-01-02,2"), unit="m3 s-1")
    np.testing.assert_array_equal(record.series(), [np.nan, 2.0])
    assert only(record)[["negative_days", "missing_days", "n_days"]].tolist() == [1, 0, 1]


def test_rows_out_of_order_are_sorted_and_counted(tmp_path):
    record = read_discharge(write(tmp_path, "2001-01-02,2", "2001-01-01,1", "2001-01-03,3"), unit="m3 s-1")
    assert record.series().tolist() == [1.0, 2.0, 3.0]
    assert only(record).out_of_order == 1


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("m3 s-1", 1), ("l s-1", 1e-3), ("cfs", 0.3048**3), ("m3/d", 1 / 86400), ("mm d-1", 2.5e6 * 1e-3 / 86400)],
)
def test_units(tmp_path, unit, factor):
    record = read_discharge(write(tmp_path, "2001-01-01,40"), unit=unit, area=2.5)
    assert record.series().iloc[0] == pytest.approx(40 * factor)


def test_units_that_change_are_converted_and_told(tmp_path):
    path = write(tmp_path, "2001-01-01,2,m3 s-1", "2001-01-02,2000,l s-1", head="date,discharge,u")
    record = read_discharge(path, columns={"unit": "u"})
    np.testing.assert_allclose(record.series(), [2.0, 2.0])
    assert only(record).units == "m3 s-1: 1, l s-1: 1"


def test_units_that_change_without_a_word_are_suspected(tmp_path):
    rng = np.random.default_rng(0)
    days = pd.date_range("2001-01-01", "2008-12-31")
    flow = np.exp(rng.normal(2, 1, days.size)) * np.where(days.year >= 2006, 35.3147, 1)
    rows = [f"{day.date()},{value:.3f}" for day, value in zip(days, flow, strict=True)]
    year, factor = only(read_discharge(write(tmp_path, *rows), unit="m3 s-1")).unit_jump.split(": x")
    assert year == "2006"
    assert float(factor) == pytest.approx(35.3, rel=0.1)
    assert only(read_discharge(write(tmp_path, *rows[: 365 * 5]), unit="m3 s-1")).unit_jump == ""


def test_many_gauges(tmp_path):
    path = write(tmp_path, "007,2001-01-01,1,0", "B,2001-01-01,2,3", "007,2001-01-03,4,-999", head="id,day,Q,P")
    record = read_discharge(path, unit="m3 s-1", columns={"gauge": "id", "time": "day", "discharge": "Q", "rain": "P"})
    assert record.report.index.tolist() == ["007", "B"]
    assert record.report.absent_days.tolist() == [1, 0]
    assert record.table.columns.tolist() == ["gauge", "time", "discharge", "rain"]
    np.testing.assert_array_equal(record.table.rain, [0.0, np.nan, 3.0])
    assert record.series("007").tolist() == [1.0, 4.0]
    with pytest.raises(InputError, match=r"'C' is not among the 2 gauges \(007, B"):
        record.series("C")
    with pytest.raises(InputError, match="None is not among"):
        record.series()


@pytest.mark.parametrize(
    ("rows", "head", "options", "message"),
    [
        (["2001-01-01,1"], "date,Q", {}, r"has the columns date, Q; it needs discharge"),
        ([], "date,discharge", {}, "has no rows"),
        (["2001-01-01,x"], "date,discharge", {}, "discharge has 'x' in row 2, which is no number"),
        (["2001-01-01,inf"], "date,discharge", {}, "which is no number"),
        (["May,1"], "date,discharge", {}, "row 2 has 'May', which is no date"),
        (["2001-01-01,1", "2001-01-01 06:00,1"], "date,discharge", {}, "row 3 has the time '2001-01-01 06:00'"),
        (["2001-01-01,1"], "date,discharge", {"unit": None}, "does not say the unit"),
        (["2001-01-01,1"], "date,discharge", {"unit": "gallons"}, "'gallons' is unknown"),
        (["2001-01-01,1"], "date,discharge", {"unit": "mm d-1"}, "needs the area of the basin"),
        (["2001-01-01,1"], "date,discharge", {"area": -2.0}, "area: must be positive"),
        (["2001-01-01,1"], "date,discharge", {"columns": {"flow": "Q"}}, "flow is unknown"),
    ],
)
def test_files_that_are_refused(tmp_path, rows, head, options, message):
    with pytest.raises(InputError, match=message):
        read_discharge(write(tmp_path, *rows, head=head), **({"unit": "m3 s-1"} | options))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"none.csv: cannot be read as a CSV table"):
        read_discharge(tmp_path / "none.csv", unit="m3 s-1")
