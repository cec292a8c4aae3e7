from pathlib import Path

import pytest

from cryoscale.errors import InputError
from cryoscale.readers.keywords import agreed, number, read_keywords


def test_keywords_are_split_at_the_first_separator(tmp_path: Path) -> None:
    path = tmp_path / "slc.par"
    path.write_text("Title line\n\nradar_frequency:        5.4050005e+09  Hz\ntime: 00:40:21\n")
    keywords = read_keywords(path, separator=":")
    assert keywords == {"radar_frequency": "5.4050005e+09  Hz", "time": "00:40:21"}
    assert number(keywords, "radar_frequency", path=path) == 5.4050005e9
    assert number(keywords, "heading", path=path) is None


def test_a_binary_header_is_named(tmp_path: Path) -> None:
    path = tmp_path / "slc.par"
    path.write_bytes(b"\xff\xfe\x00radar")
    with pytest.raises(InputError, match=r"slc\.par: cannot be read as text .*Copy it again"):
        read_keywords(path, separator=":")


@pytest.mark.parametrize("text", ["", "north", "nan"])
def test_a_value_that_is_no_number_is_named(text: str) -> None:
    with pytest.raises(InputError, match=rf"m\.txt: heading should be a number but is '{text}'"):
        number({"heading": text}, "heading", path=Path("m.txt"))


def test_headers_agree_on_their_median_or_name_the_odd_one() -> None:
    headers = {Path(f"{i}.par"): {"heading": f"{-12 + i / 100} degrees"} for i in range(3)}
    assert agreed(headers, "heading", unit="degree", tolerance=1.0) == pytest.approx(-11.99)
    assert agreed(headers, "incidence_angle", unit="degree", tolerance=1.0) is None
    headers[Path("odd.par")] = {"heading": "-167.5"}
    message = r"odd\.par: heading is -167\.5 degree, but -11\.995 degree in most headers.*take this acquisition out"
    with pytest.raises(InputError, match=message):
        agreed(headers, "heading", unit="degree", tolerance=1.0)
