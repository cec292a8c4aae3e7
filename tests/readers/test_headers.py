import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS

from cryoscale.readers.headers import Grid, Header, read_header, same_crs

WGS84, UTM = CRS.from_epsg(4326), CRS.from_epsg(32647)
STEP = 0.0013888889


def grid(row: float = 0, column: float = 0, shape: tuple[int, int] = (60, 100), step: float = STEP) -> Grid:
    start = Affine(step, 0, -99.19106978163674, 0, -step, 19.451292623451756)
    return Grid(WGS84, start * Affine.translation(column, row), shape)


@given(st.integers(-5000, 5000), st.integers(-5000, 5000), st.floats(-0.004, 0.004))
def test_a_shift_by_whole_pixels_is_found_despite_rounding(row: int, column: int, error: float) -> None:
    assert grid().place(grid(row + error, column - error)) == (row, column)


@pytest.mark.parametrize(
    "other",
    [
        grid(0.5),
        grid(0, 0.02),
        grid(step=STEP * 1.001),
        Grid(UTM, grid().transform, (60, 100)),
    ],
)
def test_another_lattice_has_no_place(other: Grid) -> None:
    assert grid().place(other) is None


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (grid(), ""),
        (grid(0.001), ""),
        (grid(shape=(60, 99)), "60 x 99 pixels instead of 60 x 100"),
        (grid(row=2), "an origin 2 rows and 0 columns away"),
        (grid(column=0.25), "an origin 0 rows and 0.25 columns away"),
        (grid(step=0.001), "pixels of 0.001 x 0.001 instead of 0.0013888889 x 0.0013888889"),
        (Grid(UTM, grid().transform, (60, 100)), "CRS EPSG:32647 instead of EPSG:4326"),
    ],
)
def test_a_difference_is_said_in_words(other: Grid, words: str) -> None:
    assert grid().difference(other) == words


def test_one_crs_in_two_spellings_is_one() -> None:
    assert same_crs(WGS84, CRS.from_wkt(WGS84.to_wkt(version="WKT2_2019")))
    assert not same_crs(WGS84, UTM)


def test_a_header_says_what_is_needed(tmp_path: Path, write_raster: Any) -> None:
    path = write_raster(tmp_path / "a.tif", np.ones((7, 5), "uint8"), nodata=3, units="rad", blockysize=2)
    header = read_header(path)
    assert isinstance(header, Header)
    assert (header.dtype, header.nodata, header.units, header.block_rows) == ("uint8", 3.0, "rad", 2)
    assert (header.scale, header.offset, header.grid.shape) == (1.0, 0.0, (7, 5))
    assert header.grid.geobox.shape == (7, 5)


@pytest.mark.parametrize("key", ["units", "UNITS", "DATA_UNITS", "unit"])
def test_units_are_found_in_tags(tmp_path: Path, write_raster: Any, key: str) -> None:
    header = read_header(write_raster(tmp_path / "a.tif", np.ones((7, 5), "float32"), tags={key: " MILLIMETRES "}))
    assert isinstance(header, Header)
    assert header.units == "MILLIMETRES"


@pytest.mark.parametrize("compress", ["none", "deflate", "packbits"])
@pytest.mark.parametrize("missing", [0.5, 0.1, 0.02])
def test_a_file_cut_short_is_recognised(tmp_path: Path, write_raster: Any, compress: str, missing: float) -> None:
    values = np.random.default_rng(0).normal(size=(400, 300)).astype("float32")
    path = write_raster(tmp_path / "a.tif", values, compress=compress, blockysize=16)
    assert isinstance(read_header(path), Header)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * (1 - missing))])
    fault = read_header(path)
    assert isinstance(fault, str)
    told = re.match(r"is cut short: its header tells of (\d+) bytes, the file has (\d+); copy it again$", fault)
    assert told is not None
    assert path.stat().st_size == int(told[2]) < int(told[1]) <= len(content)


def test_a_tiled_file_cut_short_is_recognised(tmp_path: Path, write_raster: Any) -> None:
    values = np.random.default_rng(0).normal(size=(100, 70)).astype("float32")
    path = write_raster(tmp_path / "a.tif", values, tiled=True, blockxsize=32, blockysize=32)
    assert isinstance(read_header(path), Header)
    path.write_bytes(path.read_bytes()[:-1000])
    assert "is cut short" in str(read_header(path))


@pytest.mark.parametrize("missing", [100, 300, 900])
def test_a_file_with_its_directory_cut_off_is_recognised(tmp_path: Path, write_raster: Any, missing: int) -> None:
    """GDAL moves the directory, and the georeference, to the end of a file that gets its tags after the pixels."""
    path = write_raster(tmp_path / "a.tif", np.ones((100, 70), "float32"), tags={"FIRST_DATE": "2020-01-01"})
    assert isinstance(read_header(path), Header)
    path.write_bytes(path.read_bytes()[:-missing])
    assert "copy it again" in str(read_header(path))


def test_blocks_that_were_never_written_are_no_damage(tmp_path: Path, write_raster: Any) -> None:
    path = write_raster(tmp_path / "a.tif", np.zeros((64, 64), "float32"), sparse_ok=True, nodata=0, blockysize=16)
    assert isinstance(read_header(path), Header)


def test_what_is_no_raster_is_told(tmp_path: Path) -> None:
    assert read_header(tmp_path / "a.tif") == "does not exist"
    assert read_header(tmp_path) == "is a folder, not a raster"
    (tmp_path / "b.tif").write_text("<html>404</html>")
    assert str(read_header(tmp_path / "b.tif")).startswith("cannot be opened as a raster (")
    (tmp_path / "c.tif").touch()
    assert "it may be damaged or cut short" in str(read_header(tmp_path / "c.tif"))
