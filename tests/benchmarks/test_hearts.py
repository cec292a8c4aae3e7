"""CDF matching, the engine's overhead and the cost of NSBAS at a tiny size; the table that they go into."""

import json

import pytest

from benchmarks import cdf, nsbas, overhead
from cryoscale.engine import Cluster
from cryoscale.store import open_store


def test_matching_agrees_with_the_peer():
    found = cdf.compare(100, rounds=1)
    assert found["apart"] < 0.05  # the peer has a tenth of its quantiles in the tails, of a range of 60 mm a-1
    assert found["ours"] > 0


def test_matching_has_rows_for_every_size():
    assert [what.split(":")[0] for what, _ in cdf.matching_speed((60, 80), rounds=1)][::4] == [
        "CDF matching, one core, 60 x 60 pixels",
        "CDF matching, one core, 80 x 80 pixels",
    ]


def test_the_engine_computes_what_the_loop_does(tmp_path):
    alone = overhead.plain_loop(25, tmp_path / "plain.zarr")
    tiled = overhead.engine_run(25, tmp_path / "tiled.zarr", cluster=Cluster(workers=1))
    assert open_store(tmp_path / "plain.zarr").equals(open_store(tmp_path / "tiled.zarr"))
    assert set(alone) == set(tiled) == {"clock", "here", "workers"}


def test_nsbas_costs_more_with_more_epochs():
    rows = nsbas.growing(((20, 40, 256), (80, 300, 256)), rounds=3)
    few, many = (float(figure) for _, figure in rows)
    assert 0 < few < many


@pytest.fixture
def table():
    return pytest.importorskip("benchmarks.__main__")


def test_the_table_is_written_as_markdown_and_as_json(table, tmp_path):
    table.write(tmp_path, {"processor": "abacus"}, {"NSBAS": [("ours / copy", "0.9")], "engine": [("ms", "2")]})
    assert "| NSBAS | ours / copy | 0.9 |" in (tmp_path / "table.md").read_text().splitlines()
    content = json.loads((tmp_path / "table.json").read_text())
    assert content["machine"] == {"processor": "abacus"}
    assert content["rows"][1] == {"group": "engine", "what": "ms", "figure": "2"}


def test_the_machine_is_described(table):
    about = table.machine()
    assert "cores" in about["processor"]
    assert "zarr" in about["libraries"]
