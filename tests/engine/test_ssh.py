"""Workers on a host that is reached by SSH: a real SSH server on loopback that starts real processes."""

import getpass
import subprocess
import sys
from pathlib import Path

import asyncssh
import pytest

from cryoscale.engine import Cluster, open_scheduler, run
from cryoscale.engine.ssh import Ssh
from cryoscale.errors import ResourceError
from cryoscale.store import Provenance

SERVER = """
import asyncio, asyncssh, os, signal, sys

async def handle(process):
    shell = await asyncio.create_subprocess_shell(
        process.command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, start_new_session=True,
    )
    try:
        await process.redirect(stdout=shell.stdout, stderr=shell.stderr)
        code = await shell.wait()
        await process.stdout.drain()
        await process.stderr.drain()
        process.exit(code)
    finally:
        if shell.returncode is None:
            os.killpg(shell.pid, signal.SIGKILL)

async def serve(folder):
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_host_keys=[f"{folder}/host"], authorized_client_keys=f"{folder}/user.pub",
        process_factory=handle,
    )
    print(server.get_port(), flush=True)
    await server.wait_closed()

asyncio.run(serve(sys.argv[1]))
"""

CLIENT = """
Host node
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {folder}/user
  UserKnownHostsFile {folder}/known_hosts
"""


@pytest.fixture(scope="module")
def ssh_config(tmp_path_factory):
    """An OpenSSH configuration that knows the server as ``node``."""
    folder: Path = tmp_path_factory.mktemp("ssh")
    for name in ("host", "user"):
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(folder / name)
        key.write_public_key(folder / f"{name}.pub")
    command = [sys.executable, "-c", SERVER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = server.stdout.readline().strip()
            (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
            (folder / "config").write_text(CLIENT.format(port=port, user=getpass.getuser(), folder=folder))
            yield folder / "config"
        finally:
            server.terminate()


def hosts(config: Path, tmp_path: Path, **options: object) -> Cluster:
    ssh = Ssh(hosts=("node",), folder=tmp_path / "shared", config=config, **options)
    return Cluster(kind="ssh", workers=2, memory="1 GiB", ssh=ssh, patience=60)


def chunks(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("c/**/*") if p.is_file()}


def test_workers_by_ssh_write_what_threads_write(ssh_config, make_cube, tmp_path):
    cube, provenance = make_cube(), Provenance("test", {}, {})
    for name, cluster in (("threads", Cluster(workers=2)), ("ssh", hosts(ssh_config, tmp_path))):
        with open_scheduler(cluster) as scheduler:
            run(cube, tmp_path / name, chunks={"y": 32, "x": 32}, provenance=provenance, scheduler=scheduler)
            if name == "ssh":
                workers = scheduler._client.scheduler_info()["workers"]
                assert len(workers) == 2
                assert all(address.startswith("tls://") for address in workers)
    assert chunks(tmp_path / "ssh") == chunks(tmp_path / "threads") != {}
    assert not list((tmp_path / "shared").iterdir())


def test_a_host_without_this_python_says_so(ssh_config, tmp_path):
    cluster = hosts(ssh_config, tmp_path, python="/nowhere/python")
    with pytest.raises(ResourceError, match=r"kind ssh\) did not start") as raised, open_scheduler(cluster):
        pass
    assert "/nowhere/python" in str(raised.value)


def test_a_host_whose_key_is_not_known_is_refused(ssh_config, tmp_path):
    config = tmp_path / "config"
    (tmp_path / "known_hosts").touch()
    text = ssh_config.read_text().replace(str(ssh_config.parent / "known_hosts"), str(tmp_path / "known_hosts"))
    config.write_text(text)
    with pytest.raises(ResourceError, match="Host key is not trusted"), open_scheduler(hosts(config, tmp_path)):
        pass
