"""The site, built once, and the demo that its examples begin with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cryoscale.products import deformation
from cryoscale.products.corrections import Reference
from cryoscale.products.deformation import DeformationConfig
from cryoscale.products.stack import StackSource
from cryoscale.scenes import datong_scene, write_licsar

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages; a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-j", "auto"]
    built = subprocess.run(
        [*command, "-d", folder / "doctrees", DOCS, folder / "html"],
        capture_output=True,
        text=True,
        env=os.environ | {"NUMBA_NUM_THREADS": "1"},
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder / "html"


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which ``demo/`` is what ``cryoscale demo`` leaves there, of a smaller scene."""
    folder = tmp_path_factory.mktemp("reader")
    scene = datong_scene(shape=(24, 24), start="2017-04-04", end="2019-12-31", links=2)
    write_licsar(scene.stack, folder / "demo/scene/GEOC")
    settings = DeformationConfig(
        stack=StackSource(path=Path("scene/GEOC")),
        output=Path("results"),
        reference=Reference(longitude=scene.reference[1], latitude=scene.reference[0]),
    )
    (folder / "demo/config.yaml").write_text(settings.to_yaml(), encoding="utf-8")
    deformation.run(DeformationConfig.load(folder / "demo/config.yaml"))
    return folder
