"""What a cluster's configuration accepts, and how clusters of real processes start, are watched and encrypted."""

import re
import stat
import subprocess
import sys

import pytest
import yaml
from distributed import Client, LocalCluster
from pydantic import ValidationError

from cryoscale.engine import Cluster, open_scheduler
from cryoscale.engine.cluster import describe
from cryoscale.engine.slurm import Slurm
from cryoscale.engine.ssh import Ssh
from cryoscale.engine.tls import Tls, temporary_tls
from cryoscale.errors import ConfigError, ResourceError

FILES = Tls(ca="ca.pem", cert="cert.pem", key="key.pem")
HOSTS = Ssh(hosts=("a", "b"))
LOOPBACK = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "worker_dashboard_address": "127.0.0.1:0"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "tcp"}, "kind tcp and an address go together: set both or neither"),
        ({"address": "tcp://a:1"}, "kind tcp and an address go together"),
        ({"kind": "slurm"}, "kind slurm and a section slurm go together"),
        ({"ssh": HOSTS}, "kind ssh and a section ssh go together"),
        ({"kind": "tcp", "address": "a:8786"}, "begins with neither tls:// nor tcp://"),
        ({"kind": "tcp", "address": "tls://a:8786"}, "a tls:// address needs a section tls"),
        ({"kind": "tcp", "address": "tcp://a:8786", "tls": FILES}, "tls is for tls:// addresses"),
        ({"kind": "local", "tls": FILES}, "tls is for tls:// addresses"),
        ({"dashboard": "0.0.0.0:8787"}, "kind threads starts no dashboard"),
        ({"kind": "slurm", "slurm": Slurm(), "workers": 2}, "kind slurm needs workers .* and memory"),
        ({"kind": "ssh", "ssh": HOSTS, "memory": "1 GiB"}, "kind ssh needs workers .* and memory"),
        (
            {"kind": "ssh", "ssh": HOSTS, "workers": 3, "memory": "1 GiB"},
            "3 workers cannot be spread evenly on 2 hosts",
        ),
        (
            {"kind": "slurm", "slurm": Slurm(workers_per_job=4), "workers": 6, "memory": "1 GiB"},
            "6 workers do not fill jobs of 4 each",
        ),
        ({"kind": "local", "patience": 0}, "greater than 0"),
        ({"slurm": yaml.safe_load("walltime: 12:00:00")}, "is a number; write it in quotes, as in '12:00:00'"),
    ],
)
def test_settings_that_do_not_fit_together(settings, message):
    with pytest.raises(ValidationError, match=message):
        Cluster(**settings)


def test_a_cluster_of_many_hosts_in_words():
    cluster = Cluster(kind="ssh", ssh=HOSTS, workers=4, memory="2 GiB")
    assert describe(cluster) == "4 worker processes on 2 hosts with each 2.00 GiB"
    assert (cluster.n_tasks, cluster.threads_per_worker, cluster.worker_memory) == (4, 1, 2 * 2**30)


def test_paths_of_sections_are_relative_to_the_configuration(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("{kind: slurm, workers: 2, memory: 1 GiB, slurm: {folder: jobs}}")
    cluster = Cluster.load(path)
    assert cluster.slurm is not None
    assert cluster.slurm.folder == tmp_path / "jobs"
    path.write_text(cluster.to_yaml())
    assert Cluster.load(path) == cluster


def test_certificates_of_a_run_are_private_and_removed(tmp_path):
    with temporary_tls(tmp_path / "shared") as tls:
        assert stat.S_IMODE(tls.key.parent.stat().st_mode) == 0o700
        assert "PRIVATE KEY" in tls.key.read_text()
        assert "PRIVATE KEY" not in tls.cert.read_text()
        assert tls.security().get_connection_args("client")["require_encryption"]
    assert list((tmp_path / "shared").iterdir()) == []


def test_a_certificate_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"tls\.ca: .*ca\.pem is not a file"):
        Tls(ca=tmp_path / "ca.pem", cert=tmp_path / "cert.pem", key=tmp_path / "key.pem").security()


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory):
    """A scheduler with one worker that only take connections with the certificate."""
    with (
        temporary_tls(tmp_path_factory.mktemp("tls")) as tls,
        LocalCluster(
            n_workers=1, threads_per_worker=1, security=tls.security(), protocol="tls://", **LOOPBACK
        ) as cluster,
    ):
        yield tls, cluster.scheduler_address


def test_an_existing_scheduler_is_reached_with_its_certificate(encrypted):
    tls, address = encrypted
    with open_scheduler(Cluster(kind="tcp", address=address, tls=tls, workers=1)) as scheduler:
        done = []
        scheduler.execute(iter([{"tile-0-0": print}]), on_done=lambda: done.append(1))
    assert address.startswith("tls://")
    assert done == [1]


def test_another_certificate_does_not_open_it(encrypted, tmp_path):
    with (
        temporary_tls(tmp_path) as other,
        pytest.raises(ResourceError, match=r"no Dask scheduler can be used there") as raised,
        open_scheduler(Cluster(kind="tcp", address=encrypted[1], tls=other, patience=2)),
    ):
        pass
    assert "certificate" in str(raised.value).lower()


def test_no_scheduler_at_the_address():
    with (
        pytest.raises(
            ResourceError,
            match=r"no Dask scheduler can be used there .cluster.address.: Timed out .*tcp://127.0.0.1:1 after 1 s",
        ),
        open_scheduler(Cluster(kind="tcp", address="tcp://127.0.0.1:1", patience=1)),
    ):
        pass


def test_a_scheduler_without_workers_is_not_waited_for_for_ever():
    with LocalCluster(n_workers=0, **LOOPBACK) as empty:
        cluster = Cluster(kind="tcp", address=empty.scheduler_address, patience=1)
        with pytest.raises(ResourceError, match=r"no worker has been there for 1 s \(cluster.patience\)"):
            open_scheduler(cluster).__enter__()


@pytest.mark.slow
def test_dashboards_listen_on_loopback_alone():
    with open_scheduler(Cluster(kind="local", workers=1, memory="1 GiB")) as scheduler:
        client: Client = scheduler._client
        assert re.match(r"http://127\.0\.0\.1:", client.dashboard_link)


DYING = """
import sys
if __name__ == "__mp_main__":
    raise ImportError("libproj.so.25: cannot open shared object file")
from cryoscale.engine import Cluster, open_scheduler
from cryoscale.errors import ResourceError
if __name__ == "__main__":
    try:
        with open_scheduler(Cluster(kind="local", workers=2, memory="1 GiB", patience=30)):
            pass
    except ResourceError as error:
        print(error)
"""


@pytest.mark.slow
def test_local_workers_that_die_at_import_end_the_run(tmp_path):
    script = tmp_path / "dying.py"
    script.write_text(DYING)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=True)
    assert "the cluster (kind local) did not start: Nanny failed to start" in done.stdout
    assert "libproj.so.25: cannot open shared object file" in done.stderr


def test_workers_of_another_version_are_refused(encrypted, monkeypatch):
    tls, address = encrypted
    monkeypatch.setattr("cryoscale.engine.launch.__version__", "0.0.1")
    with pytest.raises(ResourceError, match=r"worker tls://.* answers '.*' where cryoscale 0.0.1 should be"):
        open_scheduler(Cluster(kind="tcp", address=address, tls=tls)).__enter__()
