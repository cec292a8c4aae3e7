from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cryoscale.errors import InputError
from cryoscale.readers import find_gamma, open_stack


def test_a_flat_folder_is_read_with_its_headers(gamma: Any) -> None:
    files = find_gamma(gamma.path)
    assert [pair.phase.name[:17] for pair in files.pairs] == list(gamma.names)
    assert files.sensor == "Sentinel-1"
    assert files.wavelength == pytest.approx(299792458.0 / 5.4050005e9, rel=1e-12)
    assert files.incidence_angle == pytest.approx(39.70)
    assert files.heading == pytest.approx(-12.2685)
    stack = open_stack(files, strip_rows=3).compute()
    np.testing.assert_array_equal(stack.unwrapped_phase, gamma.phase)
    np.testing.assert_array_equal(stack.coherence, gamma.coherence)
    np.testing.assert_array_equal(stack.elevation, np.arange(35).reshape(7, 5))


def test_what_the_user_says_wins_over_the_headers(gamma: Any) -> None:
    files = find_gamma(gamma.path, sensor="Test", wavelength=0.1, incidence_angle=20.0, heading=190.0)
    assert (files.sensor, files.wavelength, files.incidence_angle, files.heading) == ("Test", 0.1, 20.0, 190.0)


def test_look_elevation_gives_the_incidence_angle(gamma: Any, write_raster: Any) -> None:
    write_raster(gamma.path / "eqa_lv_theta.tif", np.full((7, 5), np.deg2rad(55.0), "float32"))
    stack = open_stack(find_gamma(gamma.path), strip_rows=7)
    np.testing.assert_allclose(stack.incidence_angle, 35.0, rtol=1e-6)


def test_headers_of_two_sensors_are_refused(gamma: Any) -> None:
    (gamma.path / "r20200301_slc.par").write_text("sensor: ASAR\nradar_frequency: 5.3310044e+09 Hz\n")
    message = r"r20200301_slc\.par: radar_frequency is 5331004400 Hz, but 5405000500 Hz in most headers"
    with pytest.raises(InputError, match=message):
        find_gamma(gamma.path)


def test_other_sensors_keep_their_name(gamma: Any) -> None:
    for path in gamma.path.glob("*.par"):
        path.write_text("sensor: PALSAR-2 HH\nradar_frequency: 1.2365e+09 Hz\n")
    files = find_gamma(gamma.path)
    assert files.sensor == "PALSAR-2"
    assert files.wavelength == pytest.approx(0.24245, abs=1e-5)
    assert files.heading is None


def test_without_headers_the_wavelength_must_be_given(gamma: Any) -> None:
    with pytest.raises(InputError, match=r"gamma: does not say the radar wavelength\. Set wavelength, in metres"):
        find_gamma(gamma.path, headers="*.nothing")
    assert find_gamma(gamma.path, headers="*.nothing", wavelength=0.0555).sensor == "unknown"


def test_a_folder_without_interferograms_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no interferograms\. Looked for \*\[\._\]unw\*\.tif"):
        find_gamma(tmp_path)


def test_coherence_without_phase_and_nameless_files_are_reported(gamma: Any, write_raster: Any) -> None:
    (gamma.path / f"{gamma.names[0]}_VV_eqa_unw.tif").unlink()
    write_raster(gamma.path / "mosaic_unw.tif", np.ones((7, 5), "float32"))
    files = find_gamma(gamma.path)
    assert [str(problem).removeprefix(str(gamma.path)) for problem in files.rejected] == [
        "/mosaic_unw.tif: its name holds no pair of dates such as 20200101-20200113",
        f"/{gamma.names[0]}_VV_eqa_cc.tif: the unwrapped phase of 2020-01-01 to 2020-01-13 is missing beside this "
        "coherence",
    ]
    with pytest.raises(InputError, match=r"2 inputs cannot be used:(?s:.*)mosaic_unw(?s:.*)eqa_cc"):
        open_stack(files, strip_rows=7)
    assert open_stack(files, strip_rows=7, skip_bad=True).sizes["pair"] == len(gamma.names) - 1


def test_two_coherences_of_a_pair_are_refused(gamma: Any, write_raster: Any) -> None:
    write_raster(gamma.path / f"{gamma.names[0]}_filtered_cc.tif", np.ones((7, 5), "float32"))
    with pytest.raises(InputError, match=r"_filtered_cc\.tif: is a second coherence of 2020-01-01 to 2020-01-13 .*_eq"):
        find_gamma(gamma.path)
    assert len(find_gamma(gamma.path, coherence="*eqa_cc.tif").pairs) == len(gamma.names)


def test_two_height_files_are_refused(gamma: Any, write_raster: Any) -> None:
    write_raster(gamma.path / "sub" / "dem.tif", np.ones((7, 5), "float32"))
    with pytest.raises(InputError, match=r"is a second file of elevation .*Choose one with elevation='<pattern>'"):
        find_gamma(gamma.path)
