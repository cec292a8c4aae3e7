from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cryoscale.errors import InputError
from cryoscale.readers import open_stack, read_table


def test_a_table_is_read_sorted_by_date(table: Any) -> None:
    files = read_table(table.path, wavelength=0.0555, sensor="Sentinel-1", incidence_angle=39.0, heading=-13.0)
    assert [pair.phase.parent.name for pair in files.pairs] == list(table.names)
    stack = open_stack(files, strip_rows=3)
    np.testing.assert_array_equal(stack.unwrapped_phase, table.phase)
    np.testing.assert_allclose(stack.coherence, table.coherence, atol=1e-7)
    assert stack.attrs == {"sensor": "Sentinel-1", "wavelength": 0.0555, "incidence_angle": 39.0, "heading": -13.0}
    np.testing.assert_array_equal(stack.reference[:2].values, np.array(["2020-01-01"] * 2, "datetime64[ns]"))


def test_geometry_is_relative_to_the_table(table: Any) -> None:
    geometry = {"elevation": "GEOC/001A_frame.geo.hgt.tif", "los_up": "GEOC/001A_frame.geo.U.tif"}
    stack = open_stack(read_table(table.path, wavelength=0.0555, geometry=geometry), strip_rows=7)
    assert {"elevation", "los_up", "incidence_angle"} <= set(stack.data_vars)


def test_coherence_is_optional(table: Any) -> None:
    table.path.write_text(
        "".join(line.rsplit(",", 1)[0] + "\n" for line in table.path.read_text().splitlines()), encoding="utf-8-sig"
    )
    stack = open_stack(read_table(table.path, wavelength=0.0555), strip_rows=7)
    assert set(stack.data_vars) == {"unwrapped_phase"}


def test_the_wavelength_must_be_given(table: Any) -> None:
    with pytest.raises(InputError, match=r"pairs\.csv: does not say the radar wavelength\. Set wavelength, in metres"):
        read_table(table.path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", r"t\.csv: has the columns a, b; it needs reference, secondary, phase and may have coherence"),
        ("", r"t\.csv: has the columns \(none\); it needs reference"),
        ("reference,secondary,phase,weight\n", r"has the columns reference, secondary, phase, weight; it needs"),
        ("reference,secondary,phase\n", r"t\.csv: holds no interferograms\. Looked for rows below the header"),
    ],
)
def test_a_table_of_another_form_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_table(path, wavelength=0.05)


def test_a_missing_or_binary_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.csv: cannot be read as a CSV table"):
        read_table(tmp_path / "no.csv", wavelength=0.05)
    (tmp_path / "b.csv").write_bytes(b"reference,secondary,phase\n\xff\xfe,\x00")
    with pytest.raises(InputError, match=r"b\.csv: cannot be read as a CSV table"):
        read_table(tmp_path / "b.csv", wavelength=0.05)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2020-02-30,2020-03-01,a.tif", "line 3: reference is '2020-02-30', not a date such as 2020-01-13"),
        ("2020-02-20,later,a.tif", "line 3: secondary is 'later', not a date such as 2020-01-13"),
        ("2020-02-20,2020-03-01", "line 3: names no phase file"),
    ],
)
def test_a_bad_row_is_reported_with_its_line(tmp_path: Path, row: str, reason: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"reference,secondary,phase\n2020-01-01,2020-01-13,b.tif\n{row}\n")
    files = read_table(path, wavelength=0.05)
    assert [str(problem) for problem in files.rejected] == [f"{path}: {reason}"]
    assert len(files.pairs) == 1
