"""Thirty Sentinel-1 interferograms of Mexico City, processed with GAMMA, against reading the same files by hand."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.readers import StackFiles, find_gamma, inspect_files, open_stack


@pytest.fixture(scope="module")
def folder(real_data: Path) -> Path:
    path = real_data / "interferograms_mexico_city"
    if not path.is_dir():
        pytest.skip(f"no interferograms in {path}")
    return path


@pytest.fixture(scope="module")
def files(folder: Path) -> StackFiles:
    return find_gamma(folder)


@pytest.fixture(scope="module")
def stack(files: StackFiles) -> xr.Dataset:
    return open_stack(files, strip_rows=20).compute()


def test_every_interferogram_is_found_with_its_coherence(files: StackFiles) -> None:
    assert len(files.pairs) == 30
    assert all(pair.coherence is not None for pair in files.pairs)
    assert len({date for pair in files.pairs for date in (pair.reference, pair.secondary)}) == 13
    assert files.rejected == ()
    assert set(files.geometry) == {"elevation"}


def test_the_radar_is_that_of_the_headers(files: StackFiles) -> None:
    assert files.sensor == "Sentinel-1"
    assert files.wavelength == pytest.approx(0.0554657, abs=1e-6)
    assert files.incidence_angle == pytest.approx(39.70, abs=0.01)
    assert files.heading == pytest.approx(-12.274, abs=0.001)


def test_dates_are_those_of_the_files_own_tags(files: StackFiles) -> None:
    for pair in files.pairs:
        with rasterio.open(pair.phase) as source:
            tags = source.tags()
        for date, key in ((pair.reference, "FIRST_DATE"), (pair.secondary, "SECOND_DATE")):
            assert date.astype(datetime).isoformat() == tags[key]


def test_pixels_are_those_of_the_files(files: StackFiles, stack: xr.Dataset) -> None:
    assert dict(stack.sizes) == {"pair": 30, "y": 60, "x": 100}
    for i, pair in enumerate(files.pairs):
        for name, path in (("unwrapped_phase", pair.phase), ("coherence", pair.coherence)):
            with rasterio.open(path) as source:
                values = source.read(1)
            expected = np.where(values == 0, np.nan, values)
            np.testing.assert_array_equal(stack[name][i].values, expected)
    assert 2200 < float(stack.elevation.min()) <= float(stack.elevation.max()) < 2300


def test_the_lake_bed_sinks_in_the_canonical_sign(stack: xr.Dataset) -> None:
    """Phase grows with range: the airport's phase against the western hills' is positive and grows with time."""
    phase = stack.unwrapped_phase
    east, west = (phase.sel(x=part).median(("y", "x")) for part in (slice(-99.08, -99.06), slice(-99.19, -99.17)))
    years = (stack.secondary - stack.reference) / np.timedelta64(1, "D") / 365.25
    sinking = (east - west) * stack.attrs["wavelength"] / (4 * np.pi)
    rate = float((sinking * years).sum() / (years**2).sum())
    assert 0.1 < rate < 0.4  # m a-1 along the line of sight


def test_strips_and_whole_agree(files: StackFiles, stack: xr.Dataset) -> None:
    xr.testing.assert_identical(open_stack(files, strip_rows=7).compute(), stack)


def test_a_truncated_copy_is_named(files: StackFiles, folder: Path, tmp_path: Path) -> None:
    for path in (*files.paths, *folder.rglob("*.par")):
        target = tmp_path / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        content = path.read_bytes()
        target.write_bytes(content[:-200] if path == files.pairs[7].phase else content)
    with pytest.raises(InputError, match=rf"{files.pairs[7].phase.name}: is cut short"):
        inspect_files(find_gamma(tmp_path))
    assert len(inspect_files(find_gamma(tmp_path), skip_bad=True).files.pairs) == 29
