import subprocess
import sys

import pytest
import yaml
from typer.testing import CliRunner

from cryoscale import __version__
from cryoscale.cli import app
from cryoscale.products.deformation import DeformationConfig


def cryoscale(*arguments, folder=None):
    command = [sys.executable, "-m", "cryoscale", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)


def test_help_names_the_products():
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert "deformation" in result.output
    assert "validate" in result.output


def test_version():
    assert CliRunner().invoke(app, ["--version"]).output.strip() == __version__


def test_the_template_is_yaml_with_every_field():
    output = CliRunner().invoke(app, ["deformation", "--template"]).output
    fields = yaml.safe_load(output.replace("path:  # required", "path: here"))
    assert set(fields) == set(DeformationConfig.model_fields)
    assert "# phases of lower coherence are left out [1]" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["deformation"], "CONFIG is missing. Write one with --template"),
        (["deformation", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
        (["validate", "nowhere.zarr"], "nowhere.zarr: is not a store that cryoscale wrote"),
    ],
)
def test_errors_come_without_a_traceback(arguments, message, tmp_path):
    result = cryoscale(*arguments, folder=tmp_path)
    assert result.returncode == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_an_empty_folder_of_interferograms(tmp_path):
    (tmp_path / "config.yaml").write_text("stack: {path: pairs}")
    (tmp_path / "pairs").mkdir()
    result = cryoscale("deformation", "config.yaml", folder=tmp_path)
    assert result.returncode == 1
    assert "pairs: holds no interferograms. Looked for folders YYYYMMDD_YYYYMMDD" in result.stderr
