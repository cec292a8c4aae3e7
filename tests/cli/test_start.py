"""Before a command does anything: help, version, completion, what is not understood."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from cryoscale import __version__
from cryoscale.cli import app
from cryoscale.cli.products import DEMOS, PRODUCTS

HEAVY = ("bokeh", "dask", "matplotlib", "numba", "numpy", "rasterio", "scipy", "sklearn", "xarray", "zarr")
PROBE = """
import sys
from cryoscale.cli import main
sys.argv = ["cryoscale", *sys.argv[1:]]
try:
    main()
finally:
    print("imported:", *sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["deformation", "--help"], ["view", "--help"]])
def test_help_imports_nothing_heavy(arguments):
    done = subprocess.run([sys.executable, "-c", PROBE, *arguments], capture_output=True, text=True, check=True)
    imported = done.stderr.partition("imported:")[2].split()
    assert "typer" in imported
    assert not set(HEAVY) & set(imported)


def test_every_command_is_listed_with_its_help():
    output = CliRunner().invoke(app, ["--help"]).output
    commands = get_command(app).commands
    assert set(commands) == {*PRODUCTS, *DEMOS, "validate", "view", "report"}
    for name, command in commands.items():
        assert f" {name} " in output
        assert all(parameter.help for parameter in command.params)
        assert CliRunner().invoke(app, [name, "-h"]).exit_code == 0


def test_version():
    assert CliRunner().invoke(app, ["--version"]).output.strip() == __version__


def test_the_shell_completes_commands_and_options():
    for words, expected in (("cryoscale perm", "permafrost-map"), ("cryoscale deformation --sk", "--skip-bad")):
        asked = {"_CRYOSCALE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        command = Path(sys.executable).with_name("cryoscale")
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | asked, check=False)
        assert done.stdout.split() == [expected], done


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["deformatoin"], "No such command 'deformatoin'. Did you mean 'deformation'?"),
        (["deformation", "--plann"], "No such option: --plann"),
        (["view"], "Missing argument 'STORE"),
        (["view", "a.zarr", "--port", "99999"], "Invalid value for '--port'"),
        (["report", "a.zarr", "b.zarr", "--output", "c.html"], "is for one store"),
    ],
)
def test_what_is_not_understood(cryoscale, arguments, message):
    done = cryoscale(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "--help" in done.stderr


def test_a_pipe_that_is_closed_early_is_no_error():
    command = f"{sys.executable} -m cryoscale recession --template | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("# ")
    assert not done.stderr
