import pytest

from cryoscale.engine import Cluster, PixelCost, Plan, plan_step
from cryoscale.engine.plan import OVERHEAD, idle_memory
from cryoscale.errors import ResourceError

COST = PixelCost.computing(5200, 760, widest=2600)


def plan(tmp_path, cluster, *, shape=(2000, 3200), tile=(160, 160)):
    step = plan_step("inversion", shape=shape, tile=tile, cost=COST, cluster=cluster)
    return Plan(grid="EPSG:4326", steps=[step], cluster=cluster, output=tmp_path / "not/yet")


def test_a_step_is_arithmetic_on_shapes(tmp_path):
    cluster = Cluster(workers=2, memory="8 GiB")
    step = plan(tmp_path, cluster).steps[0]
    assert step.n_tasks == 13 * 20
    assert step.bytes_read == 2000 * 3200 * 5200
    assert step.bytes_written == 2000 * 3200 * 760
    working = 2 * 160 * 160 * (3 * 5200 + 2 * 760)
    assert step.peak_memory == pytest.approx(idle_memory(cluster) + working, rel=0.01)


def test_processes_do_not_share_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("cryoscale.engine.plan.LIBRARIES", 10**12)
    threads = plan(tmp_path, Cluster(workers=4)).steps[0].peak_memory
    processes = plan(tmp_path, Cluster(kind="local", workers=4)).steps[0].peak_memory
    assert threads - processes == pytest.approx(3 * 160 * 160 * COST.working, rel=0.05)


def test_what_does_not_fit_in_memory_is_refused(tmp_path):
    with pytest.raises(ResourceError, match=r"inversion: needs .* GiB per worker, which has 1.00 GiB. Raise cluster"):
        plan(tmp_path, Cluster(workers=2, memory="1 GiB")).require_fit()


def test_what_does_not_fit_on_the_disk_is_refused(tmp_path):
    with pytest.raises(ResourceError, match=r"the stores take up to .* PiB, but the disk has .* free"):
        plan(tmp_path, Cluster(workers=2), shape=(2_000_000, 3_200_000)).require_fit()


def test_what_fits_passes_and_prints(tmp_path):
    fitting = plan(tmp_path, Cluster(workers=2, memory="8 GiB"), shape=(320, 320))
    fitting.require_fit()
    header, row = fitting.rows()
    assert dict(zip(header, row, strict=True))["tasks"] == "4"
    assert "2 threads of this process sharing 8.00 GiB" in fitting.where()


def test_blocks_in_time_multiply_tasks_but_not_memory():
    cluster = Cluster(workers=2, memory="8 GiB")
    whole, blocks = (
        plan_step("filling", shape=(320, 320), tile=(320, 320), cost=COST, cluster=cluster, n_blocks=n)
        for n in (2, 365)
    )
    assert blocks.n_tasks == 365
    assert blocks.bytes_read == whole.bytes_read
    assert blocks.peak_memory == pytest.approx(whole.peak_memory, rel=0.01)


def test_processes_begin_with_the_libraries_alone(monkeypatch):
    monkeypatch.setattr("cryoscale.engine.plan.LIBRARIES", 1)
    assert idle_memory(Cluster(kind="local", workers=2)) == OVERHEAD + 1
    assert idle_memory(Cluster(workers=2)) > OVERHEAD + 10**7


def test_what_is_written_already_needs_no_more_room(tmp_path, monkeypatch):
    fitting = plan(tmp_path, Cluster(workers=2, memory="8 GiB"), shape=(320, 320))
    needed = fitting.steps[0].bytes_written
    monkeypatch.setattr("cryoscale.engine.plan.free_disk", lambda _: needed - 1)
    with pytest.raises(ResourceError, match="Make room there, or name an output folder on another disk"):
        fitting.require_fit()
    fitting.output.mkdir(parents=True)
    (fitting.output / "chunk").write_bytes(bytes(1))
    fitting.require_fit()


def test_an_output_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "not").touch()
    with pytest.raises(ResourceError, match="not: A file is where a folder should be"):
        plan(tmp_path, Cluster(workers=2, memory="8 GiB"), shape=(320, 320)).require_fit()
