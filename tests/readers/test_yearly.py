"""Tables by year: what is read, and what is refused."""

import numpy as np
import pytest

from cryoscale.errors import InputError
from cryoscale.readers.yearly import read_years


@pytest.fixture
def make_table(tmp_path):
    def make(text):
        path = tmp_path / "table.csv"
        path.write_text(text)
        return path

    return make


def test_columns_by_year_in_order(make_table):
    path = make_table("when, a, b\n2003,3,\n2001,1,0.5\n")
    table = read_years(path, year="when")
    assert table.index.tolist() == [2001, 2003]
    assert table.index.name == "year"
    np.testing.assert_array_equal(table, [[1.0, 0.5], [3.0, np.nan]])
    assert read_years(path, ["b"], year="when").columns.tolist() == ["b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("year,b\n2001,1\n", r"table.csv: has the columns year, b; it needs a"),
        ("when,a\n2001,1\n", r"it needs year"),
        ("year,a\n", r"has no rows"),
        ("year,a\n2001,x\n", r"a holds what is no number"),
        ("year,a\n2001.5,1\n", r"year is 2001.5 in row 2. Write it as 2005"),
        ("year,a\n2001,1\n,2\n", r"year is nan in row 3"),
        ("year,a\n2001,1\n2001,2\n", r"has 2001 more than once"),
        ("", r"cannot be read as a CSV table"),
    ],
)
def test_what_is_no_table_by_year(make_table, text, message):
    with pytest.raises(InputError, match=message):
        read_years(make_table(text), ["a"])


def test_no_values(make_table):
    with pytest.raises(InputError, match="it needs a column of values"):
        read_years(make_table("year\n2001\n"))


def test_no_file(tmp_path):
    with pytest.raises(InputError, match=r"nowhere.csv: cannot be read as a CSV table"):
        read_years(tmp_path / "nowhere.csv")
