import shutil

import numpy as np
import pytest
import xarray as xr
import zarr

from cryoscale.engine import Cluster, open_scheduler
from cryoscale.engine.overviews import overview_folder, write_overviews
from cryoscale.engine.run import run
from cryoscale.errors import StoreError
from cryoscale.store import Provenance, save_small
from cryoscale.viewer.raster import Layer, full_window, read_view
from cryoscale.viewer.source import bytes_to_read, distinct_names, layer_labels, open_source


def test_a_cube_offers_its_maps(deformation):
    source = open_source(deformation)
    assert source.kind == "deformation-cube"
    assert source.maps[:2] == ["displacement", "deformation_rate"]
    assert source.curves == []
    assert source.layer_dim("displacement") == "time"
    assert source.layer_dim("velocity") is None
    assert source.n_missing == 0
    assert layer_labels(source, "displacement")[:2] == ["2016-01-01", "2016-02-06"]
    assert layer_labels(source, "velocity") == []


def test_gaps_are_those_that_the_survey_left(deformation):
    epochs = open_source(deformation).data.time.values
    # The pair from 9 was never made; of those that were, the one from 21 was dropped.
    assert open_source(deformation).gaps == ((epochs[9], epochs[10]), (epochs[21], epochs[22]))


def test_opening_reads_no_raster(deformation, monkeypatch):
    read = []
    original = zarr.Array.__getitem__
    monkeypatch.setattr(zarr.Array, "__getitem__", lambda self, key: (read.append(self.name), original(self, key))[1])
    source = open_source(deformation)
    assert not {"/displacement", "/velocity"} & set(read)
    assert source.data.velocity[3, 4].item() == -2.0


def test_a_store_of_tables_offers_curves(recession):
    source = open_source(recession)
    assert source.maps == []
    assert source.geobox is None
    assert "recession_constant" in source.curves


def test_a_store_that_is_still_written_is_opened(tmp_path, deformation):
    copy = tmp_path / "deformation.zarr"
    copy.symlink_to(deformation)
    assert open_source(copy).n_missing == 0
    copy.unlink()
    shutil.copytree(deformation, copy)
    (copy / "velocity/c/0/0").unlink()
    source = open_source(copy)
    assert source.n_missing == 1
    assert np.isnan(source.data.velocity[0, 0].item())


def test_what_is_no_store_of_ours_is_refused(tmp_path, deformation):
    with pytest.raises(StoreError, match="nowhere: there is no such folder. Name a store that cryoscale wrote"):
        open_source(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match="empty: is not a store that cryoscale wrote. Name another path"):
        open_source(tmp_path / "empty")
    with pytest.raises(StoreError, match=r"is a folder of stores. Name one of them: deformation.zarr, survey.zarr"):
        open_source(deformation.parent)
    zarr.create_group(tmp_path / "foreign.zarr")
    with pytest.raises(StoreError, match=r"foreign.zarr: is not a store that cryoscale wrote"):
        open_source(tmp_path / "foreign.zarr")
    save_small(xr.Dataset(), tmp_path / "odd.zarr", provenance=Provenance("odd", {}, {}))
    with pytest.raises(StoreError, match="'odd' is not a kind of store"):
        open_source(tmp_path / "odd.zarr")


def test_overviews_are_not_looked_at_by_themselves(make_deformation, tmp_path):
    path = make_deformation(tmp_path / "deformation.zarr")
    with open_scheduler(Cluster(workers=1)) as scheduler:
        write_overviews(path, scheduler=scheduler, coarsest=20)
    for folder in (overview_folder(path), overview_folder(path) / "2"):
        with pytest.raises(StoreError, match="holds overviews, a cache. Name the store that they lie beside"):
            open_source(folder)


def test_chunks_of_a_store_with_overviews_are_not_listed(make_deformation, tmp_path, monkeypatch):
    """Which takes long for a large one; it was whole when they were made."""
    path = make_deformation(tmp_path / "deformation.zarr")
    with open_scheduler(Cluster(workers=1)) as scheduler:
        write_overviews(path, scheduler=scheduler, coarsest=20)
    monkeypatch.setattr("cryoscale.viewer.source.missing_blocks", lambda *_: pytest.fail("listed"))
    assert open_source(path).n_missing == 0


def test_bytes_to_read_counts_whole_chunks(deformation):
    array = open_source(deformation).data.displacement  # chunks of 40 x 16 x 16 float32
    chunk = 40 * 16 * 16 * 4
    assert bytes_to_read(array, {"time": 3, "y": 5, "x": 20}) == chunk
    assert bytes_to_read(array, {"y": slice(0, 17), "x": 0}) == 2 * chunk
    assert bytes_to_read(array, {"y": slice(0, 60, 40), "x": slice(3, 3)}) == 0
    assert bytes_to_read(array, {}) == 4 * 3 * chunk


def test_stores_of_one_name_are_told_apart_by_their_folders(deformation, permafrost, recession, tmp_path):
    copy = tmp_path / "deformation.zarr"
    copy.symlink_to(deformation)
    sources = [open_source(path) for path in (deformation, copy)]
    assert distinct_names(sources) == [f"{path.parent.name}/deformation.zarr" for path in (deformation, copy)]
    assert distinct_names([sources[0], sources[0]]) == ["deformation.zarr", "deformation.zarr"]
    others = [open_source(path) for path in (permafrost, recession)]
    assert distinct_names(others) == ["permafrost.zarr", "recession.zarr"]


def test_a_store_in_a_bucket_is_looked_at_like_one_on_a_disk(make_cube, bucket):
    cube, path = make_cube((96, 80)), bucket / "deformation.zarr"
    with open_scheduler(Cluster(workers=1)) as scheduler:
        provenance = Provenance("deformation-cube", {}, {})
        run(cube, path, chunks={"y": 32, "x": 32}, provenance=provenance, scheduler=scheduler)
        write_overviews(path, scheduler=scheduler, coarsest=50)
    source = open_source(path)
    assert list(source.levels) == [1, 2]
    np.testing.assert_array_equal(source.data.displacement[:, 5, 7], cube.displacement[:, 5, 7])
    view = read_view(source, Layer("residual_rms"), full_window(source.geobox), pixels=(96, 80))
    np.testing.assert_array_equal(view.values, cube.residual_rms.values[::-1])
    with pytest.raises(StoreError, match="nowhere.zarr: there is no such folder"):
        open_source(bucket / "nowhere.zarr")
