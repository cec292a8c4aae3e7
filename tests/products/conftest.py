"""Small scenes as files, with configurations: a LiCSAR frame, temperatures of the Tarim's margin, a thawing valley."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner, Result

from cryoscale.cli import app
from cryoscale.engine import Cluster
from cryoscale.products import demo_active_layer
from cryoscale.products.active_layer_inputs import ActiveLayerConfig
from cryoscale.products.conductivity import Calibration, Conductivity
from cryoscale.products.corrections import Reference
from cryoscale.products.deformation import DeformationConfig
from cryoscale.products.fine_temperature import Sharpening
from cryoscale.products.ground_temperature import GapFilling
from cryoscale.products.permafrost_checks import ClassifiedMap, Validation
from cryoscale.products.permafrost_inputs import DegreeDays, PermafrostMapConfig
from cryoscale.products.sources import Land, LstSource
from cryoscale.products.stack import StackSource
from cryoscale.scenes import (
    ActiveLayerScene,
    Scene,
    TarimScene,
    active_layer_scene,
    datong_scene,
    tarim_files,
    tarim_scene,
    write_active_layer,
    write_licsar,
    write_tarim,
)
from cryoscale.stats import VariogramModel


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


@pytest.fixture(scope="module")
def fresh_process() -> Iterator[None]:
    """Memory is planned as in a process of a run's own: that of all tests together holds far more than a run does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cryoscale.engine.plan.idle_memory", lambda _: 700 * 10**6)
        yield


THINNED = 5
"""Days from one day with images to the next in the small scene of surface temperatures."""


@pytest.fixture(scope="session")
def tarim() -> TarimScene:
    """One whole year of it, with images on every fifth day."""
    scene = tarim_scene((40, 48), "2005-07-01", "2006-12-31")
    days = np.arange(scene.lst.sizes["time"])
    kept = xr.DataArray((days % THINNED == 0) | (days == days[-1]), dims="time")
    return replace(scene, truth=scene.truth.assign(image_recorded=scene.truth.image_recorded & kept))


@pytest.fixture(scope="session")
def tarim_folder(tarim: TarimScene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scene as files, and a configuration in which neighbours are near enough for halos to be smaller than it."""
    folder = tmp_path_factory.mktemp("tarim")
    write_tarim(tarim, folder / "scene")
    files = tarim_files("scene")
    config = PermafrostMapConfig(
        lst=LstSource(path=files.lst, max_error=None),
        land=Land(elevation=files.dem, classes=files.land_cover, glacier=files.glaciers, lake=files.lakes),
        stations=files.stations,
        output=Path("results"),
        gaps=GapFilling(sample=400, search_radius=10_000.0, variogram=VariogramModel.EXPONENTIAL),
        degree_days=DegreeDays(min_days=40),
        conductivity=Conductivity(calibration=Calibration.SURVEY, block=5_000.0, n_folds=3),
        validation=Validation(
            surveys=tuple(ClassifiedMap(name=f"{name} survey", path=path) for name, path in files.surveys.items()),
            rivals=(ClassifiedMap(name="hemispheric map", path=files.rival),),
            boreholes=files.boreholes,
        ),
        cluster=Cluster(workers=2),
    )
    (folder / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def mapped(tarim_folder: Path) -> Result:
    """What the command line says of the finished demo on this scene; its results lie beside the scene."""
    return CliRunner().invoke(app, ["demo-permafrost", str(tarim_folder)], catch_exceptions=False)


@pytest.fixture
def map_config(tarim_folder: Path, tmp_path: Path) -> PermafrostMapConfig:
    """The configuration of the finished run, with results in a folder of the test."""
    config = PermafrostMapConfig.load(tarim_folder / "config.yaml")
    return config.model_copy(update={"output": tmp_path / "results"})


VALLEY_THINNED = 4
"""Days from one day with images to the next in the small valley."""


@pytest.fixture(scope="session")
def valley() -> ActiveLayerScene:
    """Four whole years, the fewest with a trend, over 6 by 6 pixels of the temperatures."""
    scene = active_layer_scene((192, 192), (2019, 2022))
    days = np.arange(scene.lst.sizes["time"])
    return replace(scene, lst=scene.lst.isel(time=(days % VALLEY_THINNED == 0) | (days == days[-1])))


@pytest.fixture(scope="session")
def valley_folder(valley: ActiveLayerScene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The valley as files, and a configuration with forests for so few pixels."""
    folder = tmp_path_factory.mktemp("valley")
    write_active_layer(valley, folder / "scene")
    options = {"sharpening": Sharpening(trees=8, n_folds=3, block_size=1), "cluster": Cluster(workers=2)}
    config = demo_active_layer._config().model_copy(update=options)
    (folder / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def valley_run(valley_folder: Path) -> Result:
    """What the command line says of the finished demo in this valley; its results lie beside the scene."""
    return CliRunner().invoke(app, ["demo-active-layer", str(valley_folder)], catch_exceptions=False)


@pytest.fixture
def valley_results(valley_run: Result, valley_folder: Path) -> Path:
    assert valley_run.exit_code == 0, valley_run.output
    return valley_folder / "results"


@pytest.fixture
def valley_config(valley_folder: Path, tmp_path: Path) -> ActiveLayerConfig:
    """The configuration of the finished run, with results in a folder of the test."""
    config = ActiveLayerConfig.load(valley_folder / "config.yaml")
    return config.model_copy(update={"output": tmp_path / "results"})
