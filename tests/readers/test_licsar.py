from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cryoscale.errors import InputError
from cryoscale.readers import find_licsar, open_stack


def test_a_frame_is_read_whole(licsar: Any) -> None:
    files = find_licsar(licsar.path)
    assert [pair.phase.parent.name for pair in files.pairs] == list(licsar.names)
    assert (files.sensor, files.heading, files.incidence_angle) == ("Sentinel-1", -13.775063, 39.1918)
    assert files.wavelength == pytest.approx(0.05546576, abs=5e-9)
    stack = open_stack(files, strip_rows=2).compute()
    np.testing.assert_array_equal(stack.unwrapped_phase, licsar.phase)
    np.testing.assert_allclose(stack.coherence, licsar.coherence, atol=1e-7)
    assert stack.coherence.dtype == stack.unwrapped_phase.dtype == np.float32
    assert stack.los_east.values.flat[0] == np.float32(-0.6)
    np.testing.assert_allclose(stack.incidence_angle, np.rad2deg(np.arccos(0.79)), rtol=1e-6)


def test_height_zero_is_a_height_and_a_unit_vector_of_zero_is_none(licsar: Any, write_raster: Any) -> None:
    vector = np.full((7, 5), 0.79, "float32")
    vector[0, 0] = 0.0
    write_raster(licsar.path / "001A_frame.geo.U.tif", vector)
    stack = open_stack(find_licsar(licsar.path), strip_rows=7)
    assert stack.elevation.values[0, 0] == 0.0
    assert np.isnan(stack.los_up.values[0, 0])
    assert np.isnan(stack.incidence_angle.values[0, 0])


def test_coherence_zero_is_kept_where_there_is_phase(licsar: Any) -> None:
    coherence = open_stack(find_licsar(licsar.path), strip_rows=7).coherence.values
    assert coherence[2, 4, 4] == 0.0
    assert np.isnan(coherence[:, 0, :2]).all()
    assert np.isfinite(coherence[1, 3, 3])


def test_without_metadata_nothing_is_made_up(licsar: Any) -> None:
    for path in licsar.path.glob("*.*"):
        path.unlink()
    files = find_licsar(licsar.path)
    assert (files.heading, files.incidence_angle, dict(files.geometry)) == (None, None, {})
    stack = open_stack(files, strip_rows=7)
    assert set(stack.data_vars) == {"unwrapped_phase", "coherence"}
    assert set(stack.attrs) == {"sensor", "wavelength"}


def test_metadata_may_lie_in_its_own_folder(licsar: Any) -> None:
    (licsar.path / "metadata").mkdir()
    for path in licsar.path.glob("*.*"):
        path.rename(licsar.path / "metadata" / path.name)
    files = find_licsar(licsar.path)
    assert files.heading == -13.775063
    assert set(files.geometry) == {"elevation", "los_east", "los_north", "los_up"}


def test_what_the_user_says_wins(licsar: Any) -> None:
    files = find_licsar(licsar.path, sensor="X", wavelength=0.2, incidence_angle=30.0, heading=-170.0)
    assert (files.sensor, files.wavelength, files.incidence_angle, files.heading) == ("X", 0.2, 30.0, -170.0)


def test_float_coherence_of_old_frames_is_taken_as_it_is(licsar: Any, write_raster: Any) -> None:
    for i, name in enumerate(licsar.names):
        write_raster(licsar.path / name / f"{name}.geo.cc.tif", np.nan_to_num(licsar.coherence[i]))
    stack = open_stack(find_licsar(licsar.path), strip_rows=7)
    np.testing.assert_array_equal(stack.coherence, licsar.coherence)


def test_a_pair_without_its_phase_is_named(licsar: Any) -> None:
    path = licsar.path / licsar.names[1] / f"{licsar.names[1]}.geo.unw.tif"
    path.unlink()
    with pytest.raises(InputError, match=rf"{path}: does not exist\. Mend this, or set skip_bad"):
        open_stack(find_licsar(licsar.path), strip_rows=7)


def test_a_folder_whose_name_is_no_date_is_reported(licsar: Any) -> None:
    (licsar.path / "20209901_20200101").mkdir()
    assert "20209901_20200101: its name holds no dates" in str(find_licsar(licsar.path).rejected[0])


def test_a_folder_without_pairs_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no interferograms\. Looked for folders YYYYMMDD_YYYYMMDD"):
        find_licsar(tmp_path)


def test_files_of_two_frames_are_refused(licsar: Any, write_raster: Any) -> None:
    write_raster(licsar.path / "002A_other.geo.hgt.tif", np.ones((7, 5), "float32"))
    with pytest.raises(InputError, match=r"002A_other\.geo\.hgt\.tif: is a second file of \*\.geo\.hgt\.tif beside"):
        find_licsar(licsar.path)
