"""The engine beside the work: what a tile costs it, and how much of a long run is on the scheduler at a time."""

import time
from collections.abc import Iterator

import dask.array as da
import numpy as np
import pytest
import xarray as xr
import zarr
from dask.highlevelgraph import HighLevelGraph
from distributed import LocalCluster
from distributed.diagnostics.plugin import SchedulerPlugin

from cryoscale.engine import Cluster, open_scheduler, run
from cryoscale.engine.graphs import batches, part_of
from cryoscale.engine.run import BATCH
from cryoscale.store import Provenance, open_store

TILE, SIDE = 4, 26
N_TILES = SIDE**2
LIMIT = 5e-3
"""Seconds a tile, a tenth of the 50 ms that the least work of a tile takes."""


def root(block):
    return np.sqrt(block)


@pytest.fixture
def tiny():
    """A map of many tiles, from two layers of a graph of which one is written out."""
    rng = np.random.default_rng(0)
    numbers = da.from_array(rng.random((SIDE * TILE, SIDE * TILE), dtype="float32"), chunks=TILE)
    roots = da.map_blocks(root, numbers + np.float32(1), dtype="float32", meta=np.empty((0, 0), "float32"))
    return xr.Dataset({"residual_rms": (("y", "x"), roots)})


def write(dataset, path, scheduler):
    chunks = {"y": TILE, "x": TILE}
    return run(dataset, path, chunks=chunks, provenance=Provenance("test", {}, {}), scheduler=scheduler)


def loop_seconds(dataset, path):
    """Of a core, a tile, of as much work without an engine."""
    values = dataset.residual_rms.values
    target = zarr.create_array(path, shape=values.shape, chunks=(TILE, TILE), dtype="float32")
    start = time.process_time()
    for y in range(0, values.shape[0], TILE):
        for x in range(0, values.shape[1], TILE):
            target[y : y + TILE, x : x + TILE] = np.sqrt(values[y : y + TILE, x : x + TILE] + np.float32(1))
    return (time.process_time() - start) / N_TILES


@pytest.mark.parametrize("kind", ["threads", "local"])
def test_a_tile_costs_the_engine_less_than_a_tenth_of_its_work(tiny, tmp_path, kind):
    """By the time of cores, which a busy machine does not change; of processes that of the one that schedules."""
    found = []
    with open_scheduler(Cluster(kind=kind, workers=2, memory="1 GiB")) as scheduler:
        for i in range(2):
            start = time.process_time()
            assert write(tiny, tmp_path / f"{i}.zarr", scheduler).n_computed == N_TILES
            found.append((time.process_time() - start) / N_TILES)
    overhead = min(found) - loop_seconds(tiny, tmp_path / "plain.zarr") * (kind == "threads")
    print(f"{kind}: {1e3 * overhead:.2f} ms a tile")
    assert overhead < LIMIT


class Recorder:
    """A scheduler that computes nothing: it looks at what it is given, one batch after the other."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.tasks: list[int] = []

    def execute(self, given: Iterator, *, on_done) -> None:
        for jobs in given:
            self.sizes.append(len(jobs))
            self.tasks.append(sum(len(job.tasks) for job in jobs.values()))
            for job in jobs.values():
                job()
                on_done()

    def reduce(self, lazy):
        return lazy.compute()


def test_only_one_batch_of_the_graph_is_built_at_a_time(tiny, tmp_path):
    recorder = Recorder()
    write(tiny, tmp_path / "a.zarr", recorder)
    assert recorder.sizes == [BATCH, BATCH, N_TILES - 2 * BATCH]
    n_layers = len(tiny.residual_rms.data.dask.layers)
    assert max(recorder.tasks) <= n_layers * BATCH
    xr.testing.assert_equal(open_store(tmp_path / "a.zarr").compute(), tiny.compute())


class MostTasks(SchedulerPlugin):
    """Remembers the most tasks that a scheduler has known at a time."""

    name = "most-tasks"

    def __init__(self, scheduler) -> None:
        self.scheduler, self.most = scheduler, 0

    def transition(self, *_, **__) -> None:
        self.most = max(self.most, len(self.scheduler.tasks))


def test_a_cluster_never_knows_more_than_two_batches(tiny, tmp_path):
    loopback = "127.0.0.1:0"
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=False,
        host="127.0.0.1",
        dashboard_address=loopback,
        worker_dashboard_address=loopback,
        protocol="tcp://",
    ) as existing:
        seen = MostTasks(existing.scheduler)
        existing.scheduler.add_plugin(seen)
        cluster = Cluster(kind="tcp", address=existing.scheduler_address, workers=2)
        with open_scheduler(cluster) as scheduler:
            assert write(tiny, tmp_path / "a.zarr", scheduler).n_computed == N_TILES
    assert BATCH <= seen.most <= 2 * BATCH + 1  # and the one that asks the workers for their version
    xr.testing.assert_equal(open_store(tmp_path / "a.zarr").compute(), tiny.compute())


def keys_of(name):
    return lambda blocks: [(name, block) for block in blocks]


@pytest.mark.parametrize(("n", "size"), [(1, 4), (4, 4), (5, 4), (64, 4), (65, 4), (1000, 3)])
def test_batches_hold_everything_once_and_in_order(n, size):
    numbers = da.arange(n, chunks=1)
    doubled = 2 * numbers
    found = list(batches(doubled.dask, range(n), keys_of=keys_of(doubled.name), size=size))
    assert [i for _, batch in found for i in batch] == list(range(n))
    assert {len(batch) for _, batch in found[:-1]} <= {size}
    for part, batch in found:
        assert set(part.to_dict()) >= set(keys_of(doubled.name)(batch))
        assert len(part.to_dict()) == 2 * len(batch)  # the numbers and their doubles


def test_a_part_can_be_cut_again_and_keeps_its_layers():
    """What Dask's own `cull` gives can not: its layers have other names than those they depend on."""
    numbers = da.arange(12, chunks=1)
    total = (numbers + 1) * (numbers - 1)
    part = part_of(total.dask, keys_of(total.name)(range(6)))
    again = part_of(part, keys_of(total.name)([2, 3]))
    assert set(again.layers) == set(total.dask.layers)
    assert again.dependencies == total.dask.dependencies
    again.validate()
    blocks = da.Array(again, total.name, ((1,) * 12,), dtype=total.dtype).blocks[2:4]
    np.testing.assert_array_equal(blocks, [3, 8])


def test_layers_that_are_not_needed_are_left_out():
    numbers = da.ones(6, chunks=1)
    twice, thrice = 2 * numbers, 3 * numbers
    graph = HighLevelGraph.merge(twice.dask, thrice.dask)
    assert set(part_of(graph, keys_of(twice.name)([0])).layers) == {numbers.name, twice.name}


def test_what_a_batch_costs_does_not_grow_with_the_tiles():
    """Every item is looked at a few times, whether there are thousands or tens of thousands."""

    def seconds(n):
        numbers = da.ones(n, chunks=1)
        doubled = 2 * (numbers + 1)
        start = time.process_time()
        for part, _ in batches(doubled.dask, range(n), keys_of=keys_of(doubled.name), size=64):
            assert len(part.layers) == 3
        return (time.process_time() - start) / n

    seconds(1000)
    few, many = min(seconds(2000) for _ in range(3)), min(seconds(32_000) for _ in range(2))
    print(f"{1e6 * few:.1f} and {1e6 * many:.1f} microseconds an item")
    assert many < 4 * few
