"""Fixtures that all tests share."""

import logging
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from dask.callbacks import Callback
from hypothesis import settings
from moto.server import ThreadedMotoServer
from odc.geo.geobox import GeoBox
from upath import UPath

from cryoscale.folders import folder_at
from cryoscale.grids import grid_coords
from cryoscale.variables import VARIABLES, attributes

# Compiling a kernel at the first example, or a busy machine, says nothing of the code; the same code, the same tests.
settings.register_profile("cryoscale", deadline=None, derandomize=True)
settings.load_profile("cryoscale")


@pytest.fixture
def assert_lazy() -> Callable[[], object]:
    """A context in which it is an error that Dask computes anything."""

    @contextmanager
    def forbidden() -> Iterator[None]:
        def fail(key: object, *_: object) -> None:
            raise AssertionError(f"computed {key!r} where everything should stay lazy")

        with Callback(pretask=fail), dask.config.set(scheduler="synchronous"):
            yield

    return forbidden


@pytest.fixture
def make_cube() -> Callable[..., xr.Dataset]:
    """Lazy deformation cubes of random numbers, with every variable that their schema requires."""

    def make(shape: tuple[int, int] = (96, 80), *, tile: int = 32, n_times: int = 5, seed: int = 0) -> xr.Dataset:
        geobox = GeoBox.from_bbox((99.0, 38.0, 99.08, 38.1), "EPSG:4326", shape=shape)
        time = np.datetime64("2016-01-01", "ns") + np.arange(n_times) * np.timedelta64(12, "D")
        rng = da.random.default_rng(seed)
        series = rng.normal(size=(n_times, *shape), chunks=(n_times, tile, tile)).astype("float32")
        maps = {
            "displacement": series,
            "deformation_rate": series.mean(axis=0),
            "deformation_rate_error": series.std(axis=0),
            "residual_rms": abs(series).max(axis=0),
            "n_pairs": (series > 0).sum(axis=0).astype("int16"),
        }
        variables = {name: (VARIABLES[name].dims, values, attributes(name)) for name, values in maps.items()}
        return xr.Dataset(variables, coords={**grid_coords(geobox), "time": time})

    return make


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Two MiB that are a disk of their own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def full_disk(small_disk: Path) -> Path:
    """The small disk, with nothing left on it."""
    with (small_disk / "ballast").open("wb", buffering=0) as file:
        while shutil.disk_usage(small_disk).free:
            file.write(bytes(4096))
    return small_disk


@pytest.fixture(scope="session")
def chromium() -> dict[str, object]:
    """How Playwright launches Debian's browser, which then asks nothing of the network."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    quiet = ("quic", "background-networking", "component-update", "sync")
    return {
        "executable_path": program,
        "args": ["--no-sandbox", "--disable-gpu", "--no-first-run", *(f"--disable-{what}" for what in quiet)],
    }


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """An S3 server on loopback, which ends with the tests."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> UPath:
    """An empty folder of a bucket."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": server,
    }.items():
        monkeypatch.setenv(name, value)
    root = folder_at("s3://permafrost")
    if not root.fs.exists("permafrost"):
        root.fs.mkdir("permafrost")
    return root / str(abs(hash(request.node.name)))
