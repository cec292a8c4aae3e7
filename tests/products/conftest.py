"""A small scene as files of a LiCSAR frame, and its configuration."""

from pathlib import Path

import pytest

from cryoscale.products.corrections import Reference
from cryoscale.products.deformation import DeformationConfig
from cryoscale.products.stack import StackSource
from cryoscale.scenes import Scene, datong_scene, write_licsar


@pytest.fixture(scope="session")
def scene() -> Scene:
    return datong_scene(seed=1, shape=(70, 90), start="2016-04-04", end="2018-12-31")


@pytest.fixture(scope="session")
def frame(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frame") / "GEOC"
    write_licsar(scene.stack, folder)
    return folder


@pytest.fixture
def config(scene: Scene, frame: Path, tmp_path: Path) -> DeformationConfig:
    latitude, longitude = scene.reference
    return DeformationConfig(
        stack=StackSource(path=frame),
        output=tmp_path / "results",
        reference=Reference(longitude=longitude, latitude=latitude),
    )
