from pathlib import Path

import numpy as np
import pytest

from cryoscale.errors import InputError
from cryoscale.readers.files import PairFiles, StackFiles, only_file, parse_date, parse_dates, require_folder

PAIR = PairFiles(np.datetime64("2020-01-01"), np.datetime64("2020-01-13"), Path("a.tif"), Path("a.cc.tif"))


@pytest.mark.parametrize(
    ("name", "dates"),
    [
        ("cropA_20180106-20180130_VV_8rlks_eqa_unw.tif", ("2018-01-06", "2018-01-30")),
        ("20180106_20180130.geo.unw.tif", ("2018-01-06", "2018-01-30")),
        ("S1AA_20180106T001122_20180130T001123_VVP024_INT80_G_ueF_ABCD", ("2018-01-06", "2018-01-30")),
        ("S1_136231_IW2_20200604_20200616_VV_INT80_77F1_unw_phase.tif", ("2020-06-04", "2020-06-16")),
        ("20200229_20200301", ("2020-02-29", "2020-03-01")),
    ],
)
def test_dates_come_from_the_names_of_every_processor(name: str, dates: tuple[str, str]) -> None:
    assert parse_dates(name) == tuple(np.datetime64(date) for date in dates)


@pytest.mark.parametrize("name", ["dem.tif", "20180106.slc.par", "120180106_20180130.tif", "20181306_20190130.tif"])
def test_a_name_without_two_dates_has_none(name: str) -> None:
    assert parse_dates(name) is None


@pytest.mark.parametrize("text", ["2020", "2020-02-30", "", "20200101T00", "first"])
def test_no_date_is_none(text: str) -> None:
    assert parse_date(text) is None


@pytest.mark.parametrize("wavelength", [5.5465, 55.465, 0.0, -0.055, float("nan")])
def test_a_wavelength_in_another_unit_is_refused(wavelength: float) -> None:
    with pytest.raises(InputError, match=rf"wavelength: {wavelength} m is no radar wavelength .* Give it in metres"):
        StackFiles((PAIR,), "S", wavelength)


def test_an_incidence_angle_that_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match=r"incidence_angle: 90\.5 is not between 0 and 90 degrees"):
        StackFiles((PAIR,), "S", 0.055, incidence_angle=90.5)


def test_an_unknown_geometry_name_is_refused() -> None:
    with pytest.raises(InputError, match=r"geometry: height is unknown; it can hold elevation, incidence_angle"):
        StackFiles((PAIR,), "S", 0.055, geometry={"height": Path("h.tif")})


def test_paths_are_all_files_in_order() -> None:
    files = StackFiles((PAIR,), "S", 0.055, geometry={"elevation": Path("h.tif")})
    assert files.paths == (Path("a.tif"), Path("a.cc.tif"), Path("h.tif"))


def test_two_files_for_one_purpose_are_refused() -> None:
    with pytest.raises(InputError, match=r"b\.tif: is a second file of elevation beside a\.tif\. Choose\."):
        only_file([Path("b.tif"), Path("a.tif")], what="elevation", choose="Choose.")
    assert only_file([], what="elevation", choose="") is None


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere: is not a folder"):
        require_folder(tmp_path / "nowhere")
