from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import from_origin

from cryoscale.errors import InputError
from cryoscale.readers import GridMismatch, find_licsar, inspect_files
from cryoscale.readers.files import PairFiles, StackFiles

ONES = np.ones((7, 5), "float32")
Spoil = Callable[[Path, Any], None]


def cut(path: Path, _: Any) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def rewrite(values: Any = ONES, **options: Any) -> Spoil:
    def spoil(path: Path, write_raster: Any) -> None:
        write_raster(path, values, **options)

    return spoil


def strip_georeference(path: Path, write_raster: Any) -> None:
    with catch_warnings():
        simplefilter("ignore", NotGeoreferencedWarning)  # of the writer; the reader must not warn
        write_raster(path, ONES, crs=None, transform=None)


PHASE_FAULTS: dict[str, tuple[Spoil, str]] = {
    "missing": (lambda path, _: path.unlink(), r"does not exist"),
    "cut short": (cut, r"is cut short: its header tells of \d+ bytes, the file has \d+; copy it again"),
    "not a raster": (lambda path, _: path.write_text("404"), r"cannot be opened as a raster \(.*\); copy it again"),
    "two bands": (rewrite(np.ones((2, 7, 5), "float32")), r"has 2 bands; one band is expected"),
    "integers": (rewrite(ONES.astype("int16")), r"holds int16; unwrapped phase must be floating point, in rad"),
    "complex": (rewrite(ONES.astype("complex64")), r"holds complex64; unwrapped phase must be floating point"),
    "millimetres": (rewrite(units="mm"), r"is in 'mm', but must be in 'rad'; convert it"),
    "metres in a tag": (rewrite(tags={"DATA_UNITS": "METRES"}), r"is in 'METRES', but must be in 'rad'"),
    "no georeference": (strip_georeference, r"has no georeference \(CRS and transform\); geocode it first"),
    "no CRS": (rewrite(crs=None), r"has no georeference"),
    "rotated": (
        rewrite(transform=from_origin(99, 38, 0.01, 0.01) * Affine.rotation(10)),
        r"has a rotated grid; resample it to north up",
    ),
    "another shape": (
        rewrite(np.ones((6, 5), "float32")),
        r"has 6 x 5 pixels instead of 7 x 5, which most files have; set on_grid_mismatch to 'crop'",
    ),
    "shifted by half a pixel": (
        rewrite(transform=from_origin(99.005, 38.0, 0.01, 0.01)),
        r"has an origin 0 rows and 0\.5 columns away, which most files have; resample it to the others' grid",
    ),
    "another CRS": (rewrite(crs="EPSG:32647"), r"has CRS EPSG:32647 instead of EPSG:4326"),
}

COHERENCE_FAULTS: dict[str, tuple[Spoil, str]] = {
    "integers": (rewrite(ONES.astype("int16")), r"holds int16; coherence must be floating point \(0 to 1\) or uint8"),
    "cut short": (cut, r"is cut short"),
    "another shape": (rewrite(np.ones((7, 4), "float32")), r"has 7 x 4 pixels instead of 7 x 5"),
}


def check_refused_and_skipped(folder: Path, path: Path, reason: str) -> None:
    files = find_licsar(folder)
    with pytest.raises(InputError, match=rf"^{path}: {reason}.*\. Mend this, or set skip_bad to go on without it\.$"):
        inspect_files(files)
    kept = inspect_files(files, skip_bad=True).files
    assert [problem.path for problem in kept.rejected] == [path]
    assert len(kept.pairs) == len(files.pairs) - 1
    assert path not in kept.paths


@pytest.mark.parametrize("fault", PHASE_FAULTS)
def test_a_bad_phase_is_named_or_left_out(licsar: Any, write_raster: Any, fault: str) -> None:
    spoil, reason = PHASE_FAULTS[fault]
    path = licsar.path / licsar.names[0] / f"{licsar.names[0]}.geo.unw.tif"
    spoil(path, write_raster)
    check_refused_and_skipped(licsar.path, path, reason)


@pytest.mark.parametrize("fault", COHERENCE_FAULTS)
def test_a_bad_coherence_is_named_or_its_pair_left_out(licsar: Any, write_raster: Any, fault: str) -> None:
    spoil, reason = COHERENCE_FAULTS[fault]
    path = licsar.path / licsar.names[3] / f"{licsar.names[3]}.geo.cc.tif"
    spoil(path, write_raster)
    check_refused_and_skipped(licsar.path, path, reason)


def test_coherence_missing_for_one_pair_is_named(licsar: Any) -> None:
    (licsar.path / licsar.names[2] / f"{licsar.names[2]}.geo.cc.tif").unlink()
    path = licsar.path / licsar.names[2] / f"{licsar.names[2]}.geo.unw.tif"
    check_refused_and_skipped(licsar.path, path, r"has no coherence beside it, as 4 others have")


@pytest.mark.parametrize(
    ("dates", "reason"),
    [
        (("2020-01-13", "2020-01-13"), r"its reference date 2020-01-13 equals its secondary 2020-01-13"),
        (("2020-01-25", "2020-01-13"), r"its reference date 2020-01-25 is after its secondary 2020-01-13"),
        (("2020-01-01", "2020-01-13"), r"is a second interferogram of 2020-01-01 to 2020-01-13 beside .*unw\.tif"),
    ],
)
def test_dates_that_cannot_be_are_named(
    licsar: Any, write_raster: Any, tmp_path: Path, dates: tuple[str, str], reason: str
) -> None:
    files = find_licsar(licsar.path)
    extra = write_raster(tmp_path / "extra.tif", ONES)
    pair = PairFiles(np.datetime64(dates[0]), np.datetime64(dates[1]), extra, files.pairs[0].coherence)
    files = replace(files, pairs=(*files.pairs, pair))
    with pytest.raises(InputError, match=rf"{extra}: {reason}"):
        inspect_files(files)
    kept = inspect_files(files, skip_bad=True).files
    assert [problem.path for problem in kept.rejected] == [extra]
    assert kept.pairs == files.pairs[:-1]


def test_the_odd_one_out_is_named_even_if_it_is_the_first(licsar: Any, write_raster: Any) -> None:
    first = licsar.path / licsar.names[0] / f"{licsar.names[0]}.geo.unw.tif"
    write_raster(first, np.ones((9, 9), "float32"))
    with pytest.raises(InputError, match=rf"{first}: has 9 x 9 pixels instead of 7 x 5"):
        inspect_files(find_licsar(licsar.path))


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("hgt", {"transform": from_origin(99.01, 38.0, 0.01, 0.01)}, r"does not cover the interferograms"),
        ("hgt", {"transform": from_origin(99.003, 38.0, 0.01, 0.01)}, r"has an origin .* resample it to their grid"),
        ("hgt", {"units": "feet"}, r"is in 'feet', but must be in 'm'"),
        ("U", {"crs": "EPSG:32647"}, r"has CRS EPSG:32647 instead of EPSG:4326, which the interferograms have"),
    ],
)
def test_bad_geometry_is_named_or_left_out(
    licsar: Any, write_raster: Any, name: str, options: dict[str, Any], reason: str
) -> None:
    path = write_raster(licsar.path / f"001A_frame.geo.{name}.tif", ONES, **options)
    files = find_licsar(licsar.path)
    with pytest.raises(InputError, match=rf"{path}: .*{reason}"):
        inspect_files(files)
    kept = inspect_files(files, skip_bad=True).files
    assert len(kept.geometry) == 3
    assert kept.pairs == files.pairs
    assert [problem.path for problem in kept.rejected] == [path]


def test_geometry_may_cover_more(licsar: Any, write_raster: Any) -> None:
    write_raster(
        licsar.path / "001A_frame.geo.hgt.tif",
        np.ones((20, 20), "float32"),
        transform=from_origin(98.9, 38.1, 0.01, 0.01),
    )
    assert "elevation" in inspect_files(find_licsar(licsar.path)).files.geometry


def test_all_problems_are_counted_and_the_first_ten_named(tmp_path: Path, write_raster: Any) -> None:
    first = np.datetime64("2020-01-01")
    good = write_raster(tmp_path / "good.tif", ONES)
    bad = [PairFiles(first, first + 12 * (i + 2), tmp_path / f"bad{i:02}.tif") for i in range(14)]
    files = StackFiles((PairFiles(first, first + 12, good), *bad), "S", 0.055)
    with pytest.raises(InputError) as caught:
        inspect_files(files)
    lines = str(caught.value).splitlines()
    assert lines[0] == "14 inputs cannot be used:"
    assert lines[1:11] == [f"  {tmp_path}/bad{i:02}.tif: does not exist" for i in range(10)]
    assert lines[11:] == ["  and 4 more", "Mend this, or set skip_bad to go on without it."]


def test_nothing_left_is_an_error_even_when_skipping(licsar: Any) -> None:
    for path in licsar.path.rglob("*unw.tif"):
        path.unlink()
    with pytest.raises(InputError, match=r"5 inputs cannot be used:(?s:.*)No interferogram is left\."):
        inspect_files(find_licsar(licsar.path), skip_bad=True)


def test_cropping_names_files_without_a_common_pixel(licsar: Any, write_raster: Any) -> None:
    path = licsar.path / licsar.names[4] / f"{licsar.names[4]}.geo.unw.tif"
    write_raster(path, ONES, transform=from_origin(99.0, 37.9, 0.01, 0.01))
    with pytest.raises(InputError, match=rf"{path}: has no pixel in common with .*\.tif\. Take one of them out"):
        inspect_files(find_licsar(licsar.path), on_grid_mismatch=GridMismatch.CROP)


def test_cropping_still_refuses_another_lattice(licsar: Any, write_raster: Any) -> None:
    path = licsar.path / licsar.names[4] / f"{licsar.names[4]}.geo.unw.tif"
    write_raster(path, ONES, transform=from_origin(99.004, 38.0, 0.01, 0.01))
    with pytest.raises(InputError, match=rf"{path}: has an origin .*; resample it to the others' grid"):
        inspect_files(find_licsar(licsar.path), on_grid_mismatch=GridMismatch.CROP)


def test_each_header_is_opened_once_and_no_pixel_is_read(licsar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    really_open = rasterio.open

    def spy(path: Path, *args: Any, **kwargs: Any) -> Any:
        opened.append(Path(path))
        return really_open(path, *args, **kwargs)

    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("a pixel was read")

    monkeypatch.setattr(rasterio, "open", spy)
    monkeypatch.setattr(rasterio.DatasetReader, "read", fail, raising=False)
    files = find_licsar(licsar.path)
    inspection = inspect_files(files)
    assert sorted(opened) == sorted(files.paths)
    assert set(inspection.headers) == set(files.paths)
