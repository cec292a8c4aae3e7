import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from cryoscale.engine import Cluster, open_scheduler, run
from cryoscale.errors import StoreError
from cryoscale.store import Provenance, open_store

PROVENANCE = Provenance("deformation-cube", {"gamma": 1e-4}, {"stack": "abc"})
CHUNKS = {"y": 32, "x": 32}


def write(dataset, path, *, cluster=None, provenance=PROVENANCE, chunks=CHUNKS, **options):
    with open_scheduler(cluster or Cluster(workers=2)) as scheduler:
        return run(dataset, path, chunks=chunks, provenance=provenance, scheduler=scheduler, **options)


def content(path: Path) -> dict[str, bytes]:
    """Every chunk of a store, byte by byte."""
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file() and p.name != "zarr.json"}


def test_the_store_holds_what_eager_computing_gives(make_cube, tmp_path):
    cube = make_cube()
    summary = write(cube, tmp_path / "cube.zarr")
    assert (summary.n_tiles, summary.n_computed) == (9, 9)
    xr.testing.assert_equal(open_store(tmp_path / "cube.zarr").compute(), cube.compute())


def test_threads_and_processes_write_the_same_bytes(make_cube, tmp_path):
    cube = make_cube()
    write(cube, tmp_path / "threads.zarr")
    write(cube, tmp_path / "local.zarr", cluster=Cluster(kind="local", workers=2, memory="1 GiB"))
    assert content(tmp_path / "threads.zarr") == content(tmp_path / "local.zarr")


def test_an_existing_scheduler_writes_the_same_bytes(make_cube, tmp_path):
    from distributed import LocalCluster

    cube = make_cube()
    write(cube, tmp_path / "threads.zarr")
    with LocalCluster(
        n_workers=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", worker_dashboard_address="127.0.0.1:0"
    ) as existing:
        cluster = Cluster(kind="tcp", address=existing.scheduler_address, workers=1)
        write(cube, tmp_path / "tcp.zarr", cluster=cluster)
    assert content(tmp_path / "threads.zarr") == content(tmp_path / "tcp.zarr")


def test_only_missing_tiles_are_computed_again(make_cube, tmp_path):
    cube, path = make_cube(), tmp_path / "cube.zarr"
    write(cube, path)
    before = content(path)
    (path / "displacement/c/0/1/1").unlink()
    shutil.rmtree(path / "n_pairs/c/2")
    (path / "displacement/c/0/0/0.0123.partial").write_bytes(b"half a chunk")
    assert write(cube, path).n_computed == 1 + 3
    assert content(path) == before


def test_chunks_that_hold_only_no_data_count_as_done(make_cube, tmp_path):
    cube = make_cube()
    cube = cube.assign(displacement=cube.displacement * np.float32("nan"), n_pairs=cube.n_pairs * np.int16(0))
    write(cube, tmp_path / "cube.zarr")
    assert write(cube, tmp_path / "cube.zarr").n_computed == 0


def test_one_tile_may_cover_several_chunks_of_the_store(make_cube, tmp_path):
    cube, path = make_cube(), tmp_path / "cube.zarr"
    strips = cube.chunk(y=32, x=-1)
    assert write(strips, path).n_tiles == 3
    (path / "residual_rms/c/1/2").unlink()
    assert write(strips, path).n_computed == 1
    xr.testing.assert_equal(open_store(path).compute(), cube.compute())


def test_tiles_that_straddle_chunks_of_the_store_are_refused(make_cube, tmp_path):
    with pytest.raises(StoreError, match=r"chunks of 48 along 'y' straddle the store's chunks of 32"):
        write(make_cube().chunk(y=48), tmp_path / "cube.zarr")


def test_another_configuration_is_refused_and_named(make_cube, tmp_path):
    write(make_cube(), tmp_path / "cube.zarr")
    other = Provenance("deformation-cube", {"gamma": 1e-3}, {"stack": "abd"})
    with pytest.raises(StoreError, match="config.gamma: 0.0001 in the store, 0.001 now") as raised:
        write(make_cube(), tmp_path / "cube.zarr", provenance=other)
    assert "inputs.stack: abc in the store, abd now" in str(raised.value)
    assert "--overwrite" in str(raised.value)
    assert write(make_cube(), tmp_path / "cube.zarr", provenance=other, overwrite=True).n_computed == 9


def test_a_folder_that_is_not_ours_is_never_removed(make_cube, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.jpg").write_bytes(b"x")
    with pytest.raises(StoreError, match="is not a store that cryoscale wrote"):
        write(make_cube(), tmp_path / "photos", overwrite=True)
    assert (tmp_path / "photos/a.jpg").exists()


def test_an_error_in_a_tile_reaches_the_user(make_cube, tmp_path):
    cube = make_cube()

    def fail(_):
        raise ValueError("bad block")

    broken = da.map_blocks(fail, cube.residual_rms.data, dtype="float32", meta=np.empty((0, 0), "float32"))
    cube["residual_rms"] = cube.residual_rms.copy(data=broken)
    with pytest.raises(ValueError, match="bad block"):
        write(cube, tmp_path / "cube.zarr")


def test_more_tiles_than_one_batch(make_cube, tmp_path):
    cube = make_cube((160, 144), tile=8)
    assert write(cube, tmp_path / "cube.zarr", chunks={"y": 8, "x": 8}).n_computed == 360
    xr.testing.assert_equal(open_store(tmp_path / "cube.zarr").compute(), cube.compute())


SLOW_RUN = """
import sys, time
from pathlib import Path
import dask.array as da, numpy as np, xarray as xr
from cryoscale.engine import Cluster, open_scheduler, run
from cryoscale.store import Provenance

def slow(block):
    time.sleep(float(sys.argv[2]))
    return np.sqrt(block)

data = da.from_array(np.arange(64 * 64, dtype="float32").reshape(64, 64), chunks=8)
lazy = xr.Dataset({"residual_rms": (("y", "x"), da.map_blocks(slow, data, dtype="float32", meta=data._meta))})
with open_scheduler(Cluster(workers=2)) as scheduler:
    run(lazy, Path(sys.argv[1]), chunks={"y": 8, "x": 8}, provenance=Provenance("test", {}, {}), scheduler=scheduler)
"""


def slow_run(path: Path, seconds: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SLOW_RUN, str(path), str(seconds)], stderr=subprocess.PIPE)


def wait_for_chunks(path: Path, n: int) -> None:
    deadline = time.monotonic() + 60
    while len(list(path.glob("residual_rms/c/*/*"))) < n:
        assert time.monotonic() < deadline, "the run wrote nothing"
        time.sleep(0.01)


def test_killed_in_mid_run_and_started_again_gives_the_same_bytes(tmp_path):
    with slow_run(tmp_path / "whole.zarr", 0.0) as whole:
        whole.communicate()
    with slow_run(tmp_path / "killed.zarr", 0.05) as killed:
        wait_for_chunks(tmp_path / "killed.zarr", 5)
        os.kill(killed.pid, signal.SIGKILL)
    written = len(content(tmp_path / "killed.zarr"))
    assert 5 <= written < 64
    with slow_run(tmp_path / "killed.zarr", 0.0) as resumed:
        resumed.communicate()
    assert resumed.returncode == 0
    assert content(tmp_path / "killed.zarr") == content(tmp_path / "whole.zarr")


def test_two_runs_on_one_store(make_cube, tmp_path):
    path = tmp_path / "cube.zarr"
    with slow_run(path, 0.05) as first:
        wait_for_chunks(path, 1)
        with pytest.raises(StoreError, match=rf'another run is writing this store .*"pid": {first.pid}'):
            write(make_cube(), path)
        first.kill()


def test_a_performance_report_is_written_on_request(make_cube, tmp_path):
    for kind in ("threads", "local"):
        report = tmp_path / f"{kind}.html"
        cluster = Cluster(kind=kind, workers=1, memory="1 GiB", performance_report=report)
        write(make_cube(), tmp_path / f"{kind}.zarr", cluster=cluster)
        assert "<html" in report.read_text().lower()
