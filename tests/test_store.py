import json
import os
import shutil

import numpy as np
import pytest
import rioxarray  # noqa: F401  (registers the accessor)
import xarray as xr
import zarr

from cryoscale.engine import Cluster, open_scheduler, run
from cryoscale.errors import ResourceError, StoreError
from cryoscale.schemas import STORE_KINDS, build_schema, problems, read_schema, require_undamaged, require_valid
from cryoscale.store import Provenance, create_store, fingerprint, open_store, read_provenance, save_small

PROVENANCE = Provenance("deformation-cube", {"inversion": {"gamma": 1e-4}}, {"stack": "abc"})


@pytest.fixture
def store(make_cube, tmp_path):
    path = tmp_path / "cube.zarr"
    with open_scheduler(Cluster(workers=1)) as scheduler:
        run(make_cube(), path, chunks={"y": 32, "x": 32}, provenance=PROVENANCE, scheduler=scheduler)
    return path


def test_plain_xarray_shows_crs_units_and_times(store, make_cube):
    plain = xr.open_zarr(store)
    assert plain.displacement.attrs["units"] == "mm"
    assert plain.displacement.attrs["grid_mapping"] == "spatial_ref"
    assert plain.rio.crs.to_epsg() == 4326
    assert plain.time.values[1] == np.datetime64("2016-01-13")
    xr.testing.assert_equal(plain.compute(), make_cube().compute())


def test_provenance_survives_and_names_differences(store):
    assert read_provenance(store) == PROVENANCE
    other = Provenance("deformation-cube", {"inversion": {"gamma": 1e-3}}, {"stack": "abc"}, version="9")
    assert PROVENANCE.differences(other) == [
        f"version: {PROVENANCE.version} in the store, 9 now",
        "config.inversion.gamma: 0.0001 in the store, 0.001 now",
    ]


def test_an_incomplete_store_is_not_opened(store):
    (store / "displacement/c/0/1/2").unlink()
    with pytest.raises(StoreError, match="cube.zarr: 1 chunks are missing"):
        open_store(store)
    assert list(problems(store)) == ["displacement: 1 chunks are missing, the first (0, 1, 2)"]
    assert np.isnan(open_store(store, complete=False).displacement[:, 32:64, 64:]).all()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "there is no such folder. Name a store that cryoscale wrote"),
        ("", "is a folder of stores. Name one of them: cube.zarr."),
        ("cube.zarr/velocity", "there is no such folder"),
        ("cube.zarr/displacement", "is not a store that cryoscale wrote"),
        ("cube.zarr/zarr.json", "is not a store that cryoscale wrote"),
        ("broken", "is not a store that cryoscale wrote"),
        ("foreign", "is not a store that cryoscale wrote"),
    ],
)
def test_what_is_there_instead_of_a_store(store, name, message):
    (store.parent / "broken").mkdir()
    (store.parent / "broken/zarr.json").write_text("{")
    zarr.create_group(store.parent / "foreign")
    for check in (read_provenance, require_valid, require_undamaged):
        with pytest.raises(StoreError, match=message):
            check(store.parent / name)


def test_no_store(tmp_path):
    with pytest.raises(StoreError, match="no Zarr store here"):
        open_store(tmp_path)


def test_the_published_schemas_are_those_of_the_registry():
    for name, kind in STORE_KINDS.items():
        assert read_schema(name) == build_schema(kind), "run: make schemas"


def test_a_sound_store_is_valid(store):
    require_valid(store)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda meta: meta["displacement"]["attributes"].update(units="m"), "displacement.attributes.units: 'mm' was"),
        (lambda meta: meta.pop("deformation_rate"), "'deformation_rate' is a required property"),
        (lambda meta: meta["n_pairs"].update(data_type="float64"), "n_pairs.data_type: 'int16' was expected"),
    ],
)
def test_a_store_that_breaks_its_schema_is_named(store, change, message):
    file = store / "zarr.json"
    metadata = json.loads(file.read_text())
    change(metadata["consolidated_metadata"]["metadata"])
    file.write_text(json.dumps(metadata))
    with pytest.raises(StoreError, match=message):
        require_valid(store)


def test_unknown_kinds_of_store():
    with pytest.raises(StoreError, match="'cake' is not a kind of store; known are interferogram-stack"):
        read_schema("cake")


def test_fingerprints_follow_names_sizes_and_content(tmp_path):
    file = tmp_path / "a.bin"
    file.write_bytes(bytes(1000))
    first = fingerprint([file])
    assert fingerprint([file]) == first
    file.write_bytes(bytes(999) + b"1")
    assert fingerprint([file]) != first
    file.rename(tmp_path / "b.bin")
    assert fingerprint([tmp_path / "b.bin"]) != first


def test_fingerprints_of_large_files_see_both_ends(tmp_path):
    file = tmp_path / "large.bin"
    content = bytearray(10 * 2**20)
    file.write_bytes(content)
    first = fingerprint([file])
    for position in (0, -1):
        content[position] = 1
        file.write_bytes(content)
        assert fingerprint([file]) != first
        content[position] = 0


def test_fingerprints_of_stores_ignore_where_they_are(store, tmp_path):
    shutil.copytree(store, tmp_path / "elsewhere" / store.name)
    os.utime(tmp_path / "elsewhere" / store.name / "zarr.json", (0, 0))
    assert fingerprint([store]) == fingerprint([tmp_path / "elsewhere" / store.name])


def test_stores_that_do_not_fit_on_the_disk(make_cube, full_disk):
    cube, message = make_cube((32, 32)).compute(), f"^{full_disk}/a.zarr.*: No space is left on its disk"
    with pytest.raises(ResourceError, match=message):
        create_store(full_disk / "a.zarr", cube, chunks={"y": 32, "x": 32}, provenance=PROVENANCE)
    with pytest.raises(ResourceError, match=message):
        save_small(cube, full_disk / "a.zarr", provenance=PROVENANCE)
