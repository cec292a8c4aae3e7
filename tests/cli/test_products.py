"""The commands of the products: their table, and what a new user does wrong with them."""

import inspect
import os
import shutil
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from cryoscale.cli import app
from cryoscale.cli.products import DEMOS, PRODUCTS
from cryoscale.config import Config
from cryoscale.products.corrections import Reference
from cryoscale.products.deformation import DeformationConfig
from cryoscale.products.stack import StackSource
from cryoscale.scenes import datong_scene, write_licsar

NO_PRIVILEGES = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all")
"""Without these, permissions count for root as for anybody."""


@pytest.fixture
def unprivileged() -> tuple[str, ...]:
    if os.getuid():
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root may do everything, and there is no setpriv to take that away")
    return NO_PRIVILEGES


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration of a small stack that runs."""
    folder = tmp_path_factory.mktemp("frame")
    scene = datong_scene(shape=(24, 24), start="2017-04-04", end="2018-06-30", links=2)
    write_licsar(scene.stack, folder / "GEOC")
    config = DeformationConfig(
        stack=StackSource(path=Path("GEOC")),
        reference=Reference(longitude=scene.reference[1], latitude=scene.reference[0]),
    )
    (folder / "config.yaml").write_text(config.to_yaml())
    return folder / "config.yaml"


@pytest.mark.parametrize("name", PRODUCTS)
def test_the_table_names_what_is_there(name):
    product = import_module(f"cryoscale.products.{name.replace('-', '_')}")
    model = getattr(product, PRODUCTS[name].config)
    assert issubclass(model, Config)
    assert {"output"} <= set(model.model_fields)
    for function in (product.plan, product.run):
        assert inspect.get_annotations(function, eval_str=True)["config"] is model
    assert "overwrite" in inspect.signature(product.run).parameters


@pytest.mark.parametrize("name", DEMOS)
def test_the_table_names_demos_that_are_there(name):
    demo = import_module(f"cryoscale.products.{name.replace('-', '_')}")
    assert next(iter(inspect.signature(demo.run).parameters)) == "folder"


def test_the_template_is_yaml_with_every_field():
    output = CliRunner().invoke(app, ["deformation", "--template"]).output
    fields = yaml.safe_load(output.replace("path:  # required", "path: here"))
    assert set(fields) == set(DeformationConfig.model_fields)
    assert "# phases of lower coherence are left out [1]" in output


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_template_lacks_what_it_says_is_required_and_nothing_else(refusal, tmp_path, name):
    template = CliRunner().invoke(app, [name, "--template"]).output
    (tmp_path / "config.yaml").write_text(template)
    problems = refusal(name, "config.yaml").splitlines()[1:]
    required = [line for line in template.splitlines() if line.endswith(":  # required") and line.lstrip()[0] != "#"]
    assert len(problems) == len(required) > 0
    assert all(": is required." in problem for problem in problems)


def test_without_a_configuration(refusal):
    assert refusal("deformation").startswith("CONFIG is missing. Write one with --template > config.yaml")
    assert refusal("deformation", "nowhere.yaml").startswith("nowhere.yaml: cannot be read (No such file")


def test_an_empty_folder_of_interferograms(refusal, tmp_path):
    (tmp_path / "config.yaml").write_text("stack: {path: pairs}")
    (tmp_path / "pairs").mkdir()
    message = refusal("deformation", "config.yaml")
    assert "pairs: holds no interferograms. Looked for folders YYYYMMDD_YYYYMMDD" in message


def test_a_path_that_is_not_there(refusal, tmp_path):
    (tmp_path / "config.yaml").write_text("stack: {path: GOEC}")
    (tmp_path / "GEOC").mkdir()
    assert f"stack.path: {tmp_path}/GOEC is not there; did you mean {tmp_path}/GEOC?" in refusal(
        "deformation", "config.yaml", "--plan"
    )


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("reference.longitude=10", "longitude 10.0, latitude 38.0"),
        ("corrections.troposphere.folder=.", "holds no delays. Looked for *.ztd"),
        ("constraint.rate=config.yaml", "config.yaml: cannot be read as a raster"),
        ("corrections.ramp.stable=config.yaml", "config.yaml: cannot be read as a raster"),
    ],
)
def test_the_plan_finds_what_does_not_fit_to_the_stack(refusal, frame, setting, message):
    assert message in refusal("deformation", frame, "--plan", "--set", setting)


def test_an_output_that_cannot_be_written(refusal, cryoscale, frame, tmp_path, unprivileged):
    (tmp_path / "file").touch()
    (tmp_path / "locked").mkdir(mode=0o500)
    command = ("deformation", frame, "--plan", "--set")
    assert refusal(*command, f"output={tmp_path}/file").startswith(f"{tmp_path}/file: A file is where a folder should")
    denied = cryoscale(*command, f"output={tmp_path}/locked/out", prefix=unprivileged)
    assert (denied.returncode, f"error: {tmp_path}/locked: Permission is denied." in denied.stderr) == (1, True)


def test_inputs_that_may_not_be_read(cryoscale, tmp_path, unprivileged):
    (tmp_path / "config.yaml").write_text("stack: {path: closed/GEOC}")
    (tmp_path / "closed").mkdir(mode=0o000)
    done = cryoscale("deformation", "config.yaml", prefix=unprivileged)
    assert f"closed/GEOC is not there; you may not look into {tmp_path}/closed" in done.stderr


def test_demos_say_what_keeps_them_from_writing(refusal, full_disk, tmp_path):
    (tmp_path / "file").touch()
    assert "file/basin: A file is where a folder should be" in refusal("demo-recession", "file")
    assert refusal("demo-recession", full_disk / "demo").startswith(f"{full_disk}/demo: No space is left on its disk.")


def test_a_disk_that_fills_up_after_the_stores_are_written(frame, small_disk, monkeypatch):
    """They lie on another; the maps do not fit. When there is room, the same command ends well."""
    (small_disk / "ballast").write_bytes(bytes(1700 * 1024))
    monkeypatch.setattr("cryoscale.engine.plan.free_disk", lambda _: 2**40)
    arguments = ["deformation", str(frame), "--set", f"output={small_disk}/out", "--set", "cluster.workers=1"]
    stores = [*arguments, "--set", f"stores={frame.parent}/stores"]
    result = CliRunner().invoke(app, stores)
    assert f"{small_disk}/out/rasters/deformation_rate.tif: No space is left on its disk." in str(result.exception)
    assert (frame.parent / "stores/deformation.zarr/zarr.json").exists()
    (small_disk / "ballast").unlink()
    assert CliRunner().invoke(app, stores).exit_code == 0
