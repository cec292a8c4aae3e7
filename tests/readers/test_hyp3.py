import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasterio.transform import from_origin

from cryoscale.errors import InputError
from cryoscale.readers import GridMismatch, find_hyp3, open_stack


def test_products_are_read_with_their_sign_kept(hyp3: Any) -> None:
    files = find_hyp3(hyp3.path)
    assert [pair.phase.parent.name for pair in files.pairs] == list(hyp3.names)
    assert files.heading == pytest.approx(-12.52)
    stack = open_stack(files, strip_rows=4).compute()
    np.testing.assert_array_equal(stack.unwrapped_phase, hyp3.phase)
    np.testing.assert_array_equal(stack.coherence, hyp3.coherence)
    assert stack.odc.crs.epsg == 32647
    assert stack.elevation.values[0, 0] == 4000.0


def test_look_elevation_becomes_the_incidence_angle(hyp3: Any) -> None:
    stack = open_stack(find_hyp3(hyp3.path), strip_rows=4)
    np.testing.assert_allclose(stack.incidence_angle, 40.0, rtol=1e-6)
    assert stack.incidence_angle.attrs["units"] == "degree"
    assert "look_elevation_angle" not in stack


def test_a_look_elevation_in_degrees_is_refused(hyp3: Any, write_raster: Any) -> None:
    path = hyp3.path / hyp3.names[0] / f"{hyp3.names[0]}_lv_theta.tif"
    grid = {"crs": "EPSG:32647", "transform": from_origin(500000.0, 4200000.0, 80.0, 80.0)}
    write_raster(path, np.full((7, 5), 50.0, "float32"), **grid)
    stack = open_stack(find_hyp3(hyp3.path), strip_rows=4)
    message = rf"{path.name}: look_elevation_angle is 50 somewhere, but must be 0 to 1\.571 rad\. Check the unit"
    with pytest.raises(InputError, match=message):
        stack.incidence_angle.compute()


def test_all_products_in_one_folder_are_read_too(hyp3: Any, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in hyp3.path.rglob("*.*"):
        shutil.copy(path, flat)
    assert len(find_hyp3(flat).pairs) == len(hyp3.names)


def test_burst_products_have_dates_without_times(hyp3: Any) -> None:
    name = "S1_136231_IW2_20200301_20200313_VV_INT80_77F1"
    (hyp3.path / hyp3.names[0]).rename(hyp3.path / name)
    for path in (hyp3.path / name).glob("*"):
        path.rename(path.with_name(path.name.replace(hyp3.names[0], name)))
    assert find_hyp3(hyp3.path).pairs[-1].secondary == np.datetime64("2020-03-13")


def test_a_product_without_its_phase_is_named(hyp3: Any) -> None:
    path = hyp3.path / hyp3.names[2] / f"{hyp3.names[2]}_unw_phase.tif"
    path.unlink()
    with pytest.raises(InputError, match=rf"{path.name}: does not exist"):
        open_stack(find_hyp3(hyp3.path), strip_rows=4)
    files = find_hyp3(hyp3.path)
    assert open_stack(files, strip_rows=4, skip_bad=True).sizes["pair"] == len(hyp3.names) - 1


def test_clipped_products_lie_beside_the_whole_ones(hyp3: Any, write_raster: Any) -> None:
    for name in hyp3.names:
        for kind in ("unw_phase", "corr"):
            write_raster(hyp3.path / name / f"{name}_{kind}_clipped.tif", np.full((2, 2), 0.5, "float32"))
    stack = open_stack(find_hyp3(hyp3.path, suffix="_clipped"), strip_rows=4)
    assert stack.sizes == {"pair": len(hyp3.names), "y": 2, "x": 2}
    assert open_stack(find_hyp3(hyp3.path), strip_rows=4).sizes["y"] == 7


def test_a_file_without_dates_is_reported(hyp3: Any, write_raster: Any) -> None:
    write_raster(hyp3.path / "mine_unw_phase.tif", np.ones((7, 5), "float32"))
    assert "mine_unw_phase.tif: its name holds no pair of dates" in str(find_hyp3(hyp3.path).rejected[0])


def test_tracks_must_not_be_mixed(hyp3: Any) -> None:
    path = hyp3.path / hyp3.names[1] / f"{hyp3.names[1]}.txt"
    path.write_text("Heading: -167.2\n")
    with pytest.raises(InputError, match=rf"{path.name}: Heading is -167\.2 degree, but .*one track"):
        find_hyp3(hyp3.path)


def test_products_of_differing_extent_are_cropped_to_their_overlap(hyp3: Any, write_raster: Any) -> None:
    """The third product lies 2 rows lower and 1 column to the right and is larger: values must stay in place."""
    name = hyp3.names[2]
    grid = {"crs": "EPSG:32647", "transform": from_origin(500080.0, 4199840.0, 80.0, 80.0), "nodata": 0.0}
    phase = np.pad(np.nan_to_num(hyp3.phase[2][2:, 1:]), ((0, 3), (0, 3)), constant_values=9.0)
    coherence = np.pad(np.nan_to_num(hyp3.coherence[2][2:, 1:]), ((0, 3), (0, 3)), constant_values=0.9)
    write_raster(hyp3.path / name / f"{name}_unw_phase.tif", phase, **grid)
    write_raster(hyp3.path / name / f"{name}_corr.tif", coherence, **(grid | {"nodata": None}))
    files = find_hyp3(hyp3.path)
    message = rf"{name}_unw_phase.tif: has 8 x 7 pixels instead of 7 x 5, .*; set on_grid_mismatch to 'crop'"
    with pytest.raises(InputError, match=message):
        open_stack(files, strip_rows=4)
    stack = open_stack(files, strip_rows=2, on_grid_mismatch=GridMismatch.CROP).compute()
    np.testing.assert_array_equal(stack.unwrapped_phase, hyp3.phase[:, 2:, 1:])
    np.testing.assert_array_equal(stack.coherence, hyp3.coherence[:, 2:, 1:])
    np.testing.assert_allclose(stack.x, 500000 + 80 * (np.arange(1, 5) + 0.5))
    np.testing.assert_allclose(stack.y, 4200000 - 80 * (np.arange(2, 7) + 0.5))
    np.testing.assert_allclose(stack.incidence_angle, 40.0, rtol=1e-6)


def test_an_empty_folder_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no interferograms\. Looked for \*_unw_phase\.tif"):
        find_hyp3(tmp_path)
