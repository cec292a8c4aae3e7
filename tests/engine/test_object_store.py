"""Stores in an object store, a real S3 server on loopback: the same rules as on a disk."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import xarray as xr
from typer.testing import CliRunner

from cryoscale.chunks import missing_blocks
from cryoscale.cli import app
from cryoscale.config import Config, ConfigFolder
from cryoscale.engine import Cluster, Plan, open_scheduler, run
from cryoscale.engine.lock import lock_store
from cryoscale.errors import ConfigError, StoreError
from cryoscale.folders import files_below, folder_at
from cryoscale.schemas import require_valid
from cryoscale.store import Provenance, fingerprint, is_saved, open_store, save_small

PROVENANCE = Provenance("deformation-cube", {"gamma": 1e-4}, {"stack": "abc"})
CHUNKS = {"y": 32, "x": 32}


def write(dataset, path, *, cluster=None, provenance=PROVENANCE, **options):
    with open_scheduler(cluster or Cluster(workers=2)) as scheduler:
        return run(dataset, path, chunks=CHUNKS, provenance=provenance, scheduler=scheduler, **options)


def chunks(folder):
    return {name: (folder / name).read_bytes() for name in files_below(folder) if not name.endswith("zarr.json")}


def test_the_bytes_are_those_of_a_disk(make_cube, bucket, tmp_path):
    cube = make_cube()
    write(cube, tmp_path / "cube.zarr")
    assert write(cube, bucket / "cube.zarr").n_computed == 9
    assert chunks(bucket / "cube.zarr") == chunks(tmp_path / "cube.zarr")
    require_valid(bucket / "cube.zarr")
    xr.testing.assert_equal(open_store(bucket / "cube.zarr").compute(), cube.compute())


def test_worker_processes_write_the_same(make_cube, bucket, tmp_path):
    cube = make_cube((64, 64))
    write(cube, tmp_path / "cube.zarr")
    write(cube, bucket / "cube.zarr", cluster=Cluster(kind="local", workers=2, memory="1 GiB"))
    assert chunks(bucket / "cube.zarr") == chunks(tmp_path / "cube.zarr")


def test_only_missing_chunks_are_computed_again(make_cube, bucket):
    cube, path = make_cube(), bucket / "cube.zarr"
    write(cube, path)
    before = chunks(path)
    for name in ("displacement/c/0/1/1", "n_pairs/c/2/0"):
        (path / name).unlink()
    assert missing_blocks(path, "displacement") == {(0, 1, 1)}
    with pytest.raises(StoreError, match="2 chunks are missing"):
        open_store(path)
    assert write(cube, path).n_computed == 2
    assert chunks(path) == before


def test_another_configuration_is_refused_until_it_may_overwrite(make_cube, bucket):
    cube, path = make_cube((32, 32)), bucket / "cube.zarr"
    write(cube, path)
    other = Provenance("deformation-cube", {"gamma": 1e-3}, {"stack": "abc"})
    with pytest.raises(StoreError, match=r"gamma: 0.0001 in the store, 0.001 now"):
        write(cube, path, provenance=other)
    assert write(cube, path, provenance=other, overwrite=True).n_computed == 1


def test_small_stores_are_kept_and_replaced(make_cube, bucket):
    cube, path = make_cube((32, 32)).compute(), bucket / "small.zarr"
    assert not is_saved(path, PROVENANCE)
    save_small(cube, path, provenance=PROVENANCE)
    assert is_saved(path, PROVENANCE)
    first = fingerprint([path])
    save_small(cube.isel(time=slice(2)), path, provenance=PROVENANCE)
    assert fingerprint([path]) != first
    assert open_store(path).sizes["time"] == 2


def test_a_lock_keeps_another_run_out_and_goes_with_its_owner(bucket):
    with lock_store(bucket / "cube.zarr"):
        with pytest.raises(StoreError, match="another run is writing this store"), lock_store(bucket / "cube.zarr"):
            pass
        assert (bucket / "cube.zarr.lock").exists()
    assert not (bucket / "cube.zarr.lock").exists()


def test_the_lock_of_a_run_that_died_is_taken_after_its_silence(bucket):
    lock = bucket / "cube.zarr.lock"
    for silence, free in ((timedelta(seconds=60), False), (timedelta(seconds=180), True)):
        lock.write_text(json.dumps({"pid": 1, "host": "gone", "alive": (datetime.now(UTC) - silence).isoformat()}))
        if free:
            with lock_store(bucket / "cube.zarr"):
                assert json.loads(lock.read_text())["host"] != "gone"
        else:
            with pytest.raises(StoreError, match="gone"), lock_store(bucket / "cube.zarr"):
                pass


def test_validate_takes_a_url(make_cube, bucket):
    write(make_cube((32, 32)), bucket / "cube.zarr")
    done = CliRunner().invoke(app, ["validate", "--deep", str(bucket / "cube.zarr")], catch_exceptions=False)
    assert done.exit_code == 0
    assert "valid" in done.output


def test_a_configuration_takes_paths_below_its_folder_and_urls(bucket, tmp_path):
    class Stores(Config):
        stores: ConfigFolder | None = None

    file = tmp_path / "config.yaml"
    for text, expected in (("here", tmp_path / "here"), (str(bucket), bucket), ("null", None)):
        file.write_text(f"stores: {text}\n")
        loaded = Stores.load(file)
        assert loaded.stores == expected
        assert Stores.model_validate(json.loads(loaded.model_dump_json())).stores == expected


def test_other_urls_are_refused():
    with pytest.raises(ConfigError, match="ftp://host/x: is no folder that stores can go to"):
        folder_at("ftp://host/x")


def test_a_plan_asks_no_disk_for_room(bucket):
    plan = Plan("a grid", [], Cluster(workers=1), bucket)
    plan.require_fit()
    assert plan.where().endswith(f"stores in {bucket}")
