"""Benchmarks at a tiny size: they run, compare the same work, and their figures make sense."""

import numpy as np
import pytest
import xarray as xr

from benchmarks import floors
from cryoscale.store import open_store

SIDE = 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("floors")
    floors.make_input(made / "sums.zarr", side=SIDE)
    return made


@pytest.mark.parametrize("name", list(floors.HEARTS))
def test_floor_and_ours_read_and_write_the_same_bytes(folder, tmp_path, name):
    heart = floors.HEARTS[name]
    floors.ours(heart, folder / "sums.zarr", tmp_path / "ours.zarr", workers=2)
    floors.floor(heart, folder / "sums.zarr", tmp_path / "floor.zarr", workers=2, answer=tmp_path / "ours.zarr")
    ours = open_store(tmp_path / "ours.zarr")
    xr.testing.assert_equal(ours.compute(), heart.compute(open_store(folder / "sums.zarr")).compute())
    for variable in ours.data_vars:
        chunks = [(tmp_path / f"{way}.zarr/{variable}/c").rglob("*") for way in ("ours", "floor")]
        sizes = [[path.stat().st_size for path in sorted(found) if path.is_file()] for found in chunks]
        assert sizes[0] == sizes[1]


def test_ratios_are_those_of_the_seconds(folder):
    found = floors.compare(floors.HEARTS["Stefan"], folder, workers=1, rounds=1)
    assert found["clock"] == pytest.approx(found["seconds"] / found["floor seconds"])
    assert all(np.isfinite(value) and value > 0 for value in found.values())


def test_rows_are_of_every_size_and_number_of_threads(tmp_path):
    rows = floors.zarr_to_zarr_floors(tmp_path, sides=(32, 64), rounds=1)
    assert len(rows) == 2 * len(floors.HEARTS) * 2 * 2
    assert {"TTOP, Zarr to Zarr, 64 x 64 x 10, 2 threads"} <= {what.split(":")[0] for what, _ in rows}
