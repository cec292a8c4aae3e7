"""A scene written as LiCSAR hands it out, read back with nothing but a GeoTIFF reader."""

import numpy as np
import pytest
import rasterio

from cryoscale.grids import geobox_of
from cryoscale.readers import find_licsar, open_stack
from cryoscale.scenes import datong_scene, write_licsar
from cryoscale.scenes.licsar import unit_vector_to_satellite


@pytest.fixture(scope="module")
def stack():
    return datong_scene(seed=1, shape=(40, 30), end="2016-07-15").stack


@pytest.fixture(scope="module")
def folder(stack, tmp_path_factory):
    return write_licsar(stack, tmp_path_factory.mktemp("frame") / "GEOC", frame="062D_05200_131313")


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1), dataset.profile


def test_a_folder_for_every_pair(stack, folder):
    pairs = zip(stack.reference.dt.strftime("%Y%m%d").values, stack.secondary.dt.strftime("%Y%m%d").values, strict=True)
    expected = sorted(f"{reference}_{secondary}" for reference, secondary in pairs)
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == expected
    for name in expected:
        assert sorted(path.name for path in (folder / name).iterdir()) == [f"{name}.geo.cc.tif", f"{name}.geo.unw.tif"]


def test_phase_and_coherence_of_every_pair(stack, folder):
    for position in range(stack.sizes["pair"]):
        pair = stack.isel(pair=position)
        name = f"{pair.reference.dt.strftime('%Y%m%d').item()}_{pair.secondary.dt.strftime('%Y%m%d').item()}"
        phase, profile = read(folder / name / f"{name}.geo.unw.tif")
        assert (profile["dtype"], profile["nodata"]) == ("float32", 0)
        np.testing.assert_array_equal(np.where(phase == 0, np.nan, phase), pair.unwrapped_phase)
        coherence, profile = read(folder / name / f"{name}.geo.cc.tif")
        assert profile["dtype"] == "uint8"
        np.testing.assert_allclose(coherence / 255, pair.coherence, atol=0.5 / 255 + 1e-6)


def test_the_grid_is_the_stacks(stack, folder):
    _, profile = read(next(folder.glob("*/*.unw.tif")))
    assert profile["crs"].to_epsg() == 4326
    assert profile["transform"].almost_equals(geobox_of(stack).transform, precision=1e-9)
    assert profile["compress"] == "deflate"


def test_geometry_is_the_unit_vector_and_the_height(stack, folder):
    east, north, up = (read(folder / f"062D_05200_131313.geo.{part}.tif")[0] for part in "ENU")
    np.testing.assert_allclose(np.sqrt(east**2 + north**2 + up**2), 1, rtol=1e-6)
    np.testing.assert_allclose(np.rad2deg(np.arccos(up)), stack.incidence_angle, atol=1e-4)
    height, _ = read(folder / "062D_05200_131313.geo.hgt.tif")
    np.testing.assert_array_equal(height, stack.elevation)


def test_a_descending_satellite_that_looks_right_stands_in_the_east():
    east, north, up = unit_vector_to_satellite(np.array(39.0), heading=-169.6)
    assert east > 0.6
    assert -0.2 < north < 0
    assert up == pytest.approx(np.cos(np.deg2rad(39)))


def test_an_ascending_one_in_the_west():
    east, _, _ = unit_vector_to_satellite(np.array(39.0), heading=-10.4)
    assert east < -0.6


def test_metadata_hold_heading_and_incidence(folder):
    lines = dict(line.split("=") for line in (folder / "metadata.txt").read_text().splitlines())
    assert float(lines["heading"]) == -169.6
    assert float(lines["avg_incidence_angle"]) == 39.47


def test_the_reader_of_real_frames_gives_back_the_stack(stack, folder):
    read_back = open_stack(find_licsar(folder), strip_rows=16)
    for name in ("reference", "secondary"):
        np.testing.assert_array_equal(read_back[name].values, stack[name].values)
    np.testing.assert_array_equal(read_back.unwrapped_phase, stack.unwrapped_phase)
    np.testing.assert_allclose(read_back.incidence_angle, stack.incidence_angle, atol=1e-4)
    np.testing.assert_allclose(read_back.y, stack.y)
    for name in ("sensor", "heading", "incidence_angle"):
        assert read_back.attrs[name] == stack.attrs[name]
    assert read_back.attrs["wavelength"] == pytest.approx(stack.attrs["wavelength"], rel=1e-6)
