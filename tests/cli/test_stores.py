"""The commands that take stores."""

import shutil

import pytest
import xarray as xr

from cryoscale.engine import Cluster, open_scheduler, run
from cryoscale.store import Provenance


@pytest.fixture
def store(make_cube, tmp_path):
    path = tmp_path / "results/cube.zarr"
    provenance = Provenance("deformation-cube", {"inversion": {"gamma": 1e-4}}, {"stack": "abc"})
    with open_scheduler(Cluster(workers=1)) as scheduler:
        run(make_cube(), path, chunks={"y": 32, "x": 32}, provenance=provenance, scheduler=scheduler)
    return path


def test_stores_are_valid_until_a_chunk_is_damaged(cryoscale, refusal, store):
    assert cryoscale("validate", "results/cube.zarr").stdout == "valid results/cube.zarr\n"
    (store / "displacement/c/0/1/2").write_bytes(b"1")
    assert "They have been removed." in refusal("validate", store, "--deep")
    assert "1 chunks are missing" in refusal("validate", store)


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("command", ["validate", "view", "report"])
def test_what_is_there_instead_of_a_store(refusal, tmp_path, command):
    xr.Dataset({"a": ("x", [1, 2])}).to_zarr(tmp_path / "foreign.zarr", zarr_format=3, consolidated=False)
    assert "there is no such folder" in refusal(command, "nowhere")
    assert "is a folder of stores. Name one of them: cube.zarr" in refusal(command, "results")
    assert "is not a store that cryoscale wrote" in refusal(command, "foreign.zarr")


def test_reports_go_beside_their_stores_or_where_they_are_asked_for(cryoscale, store, tmp_path):
    shutil.copytree(store, tmp_path / "results/second.zarr")
    both = cryoscale("report", "results/cube.zarr", "results/second.zarr")
    assert both.stdout.split() == ["report", "results/cube.report.html", "report", "results/second.report.html"]
    assert cryoscale("report", store, "--output", "a.html").stdout.split() == ["report", "a.html"]
    (tmp_path / "pages").mkdir()
    assert cryoscale("report", store, "--output", "pages").stdout.split() == ["report", "pages/cube.report.html"]
    for page in ("a.html", "pages/cube.report.html", "results/second.report.html"):
        assert "displacement" in (tmp_path / page).read_text(encoding="utf-8")


def test_a_report_on_a_full_disk(refusal, store, full_disk):
    message = refusal("report", store, "--output", full_disk / "a.html")
    assert message.startswith(f"{full_disk}/a.html: No space is left on its disk. Make room there.")
