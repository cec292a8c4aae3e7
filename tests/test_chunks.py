"""Chunks that were lost or cut off: found, and mended by the run that makes the store."""

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from cryoscale.chunks import damaged_blocks, lost_blocks, missing_blocks, remove_blocks
from cryoscale.cli import app
from cryoscale.engine import Cluster, open_scheduler, run
from cryoscale.errors import StoreError
from cryoscale.schemas import damage, require_undamaged
from cryoscale.store import Provenance, open_store

PROVENANCE = Provenance("deformation-cube", {}, {})


@pytest.fixture
def cube(make_cube):
    return make_cube()


@pytest.fixture
def write(cube, tmp_path):
    def again():
        with open_scheduler(Cluster(workers=2)) as scheduler:
            return run(cube, tmp_path / "a.zarr", chunks={"y": 32, "x": 32}, provenance=PROVENANCE, scheduler=scheduler)

    return again


def cut(file, keep):
    file.write_bytes(file.read_bytes()[:keep])


@pytest.mark.parametrize("keep", [0, 7, 16, 1000, -1])
def test_a_chunk_that_was_cut_off_is_found_and_mended(write, tmp_path, cube, keep):
    write()
    path = tmp_path / "a.zarr"
    cut(path / "displacement/c/0/2/1", keep)
    assert missing_blocks(path, "displacement") == set()
    assert lost_blocks(path, "displacement") == {(0, 2, 1)}
    assert write().n_computed == 1
    xr.testing.assert_equal(open_store(path).compute(), cube.compute())


def test_whole_chunks_of_every_type_are_not_suspected(write, tmp_path):
    write()
    for name in ("displacement", "n_pairs", "deformation_rate", "time", "spatial_ref"):
        assert lost_blocks(tmp_path / "a.zarr", name) == set()
        assert damaged_blocks(tmp_path / "a.zarr", name) == set()
    assert damage(tmp_path / "a.zarr") == {}


def test_deep_validation_removes_what_cannot_be_decoded_and_the_run_mends_it(write, tmp_path, cube):
    write()
    path = tmp_path / "a.zarr"
    file = path / "residual_rms/c/1/1"
    content = bytearray(file.read_bytes())
    content[16:] = np.random.default_rng(0).bytes(len(content) - 16)  # of the right length, so only reading tells
    file.write_bytes(content)
    cut(path / "n_pairs/c/0/0", 20)
    assert lost_blocks(path, "residual_rms") == set()
    assert damage(path) == {"residual_rms": {(1, 1)}, "n_pairs": {(0, 0)}}
    done = CliRunner().invoke(app, ["validate", "--deep", str(path)])
    assert isinstance(done.exception, StoreError)
    assert "residual_rms: 1 chunks, the first (1, 1)" in str(done.exception)
    assert "Start the run that makes the store again" in str(done.exception)
    assert missing_blocks(path, "residual_rms") == {(1, 1)}
    assert write().n_computed == 2
    require_undamaged(path)
    xr.testing.assert_equal(open_store(path).compute(), cube.compute())


def test_removed_chunks_are_missing(write, tmp_path):
    write()
    remove_blocks(tmp_path / "a.zarr", "n_pairs", blocks={(0, 1), (2, 2)})
    assert missing_blocks(tmp_path / "a.zarr", "n_pairs") == {(0, 1), (2, 2)}
