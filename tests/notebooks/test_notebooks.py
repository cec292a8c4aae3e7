"""Every product has a notebook that is clean, listed in the docs, and run by the environment's own Python.

That they run is tested by nbmake, with the slow tests: see ``notebooks/conftest.py``.
"""

import ast
import re
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client import KernelManager
from nbformat import NotebookNode
from typer.main import get_command

from cryoscale.cli import app

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NUMBERED = re.compile(r"\d\d_([a-z_]+)")

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def code_of(path: Path) -> list[str]:
    return [cell.source for cell in read(path).cells if cell.cell_type == "code"]


def products() -> set[str]:
    """Commands that take a configuration."""
    commands = get_command(app).commands
    return {name for name, command in commands.items() if "template" in {option.name for option in command.params}}


def test_every_product_has_a_notebook():
    named = {NUMBERED.fullmatch(path.stem)[1].replace("_", "-") for path in NOTEBOOKS}
    assert len(products()) == 7
    assert named == products()


@each_notebook
def test_it_is_listed_in_the_docs(path: Path):
    page = (ROOT / "docs/howto/notebooks.md").read_text(encoding="utf-8")
    assert f"`{path.relative_to(ROOT)}`" in page


def test_the_docs_list_no_notebook_that_is_not_there():
    page = (ROOT / "docs/howto/notebooks.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`(notebooks/\w+\.ipynb)`", page))
    assert listed == {str(path.relative_to(ROOT)) for path in NOTEBOOKS}


@each_notebook
def test_outputs_are_stripped(path: Path):
    notebook = read(path)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cells
    assert not any(cell.outputs or cell.execution_count is not None for cell in cells)


@each_notebook
def test_metadata_say_only_which_kernel(path: Path):
    notebook = read(path)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata.language_info) == {"name"}
    assert not any(cell.metadata for cell in notebook.cells)


@each_notebook
def test_it_says_what_it_does_first_and_how_to_go_on_last(path: Path):
    cells = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    command = NUMBERED.fullmatch(path.stem)[1].replace("_", "-")
    for promise in ("**What it does.**", "**Method.**", "**What to look at.**", f"`cryoscale {command}`"):
        assert promise in cells[0]
    assert cells[-1].startswith("## Your own data")
    assert f"cryoscale {command} --template > config.yaml" in cells[-1]


@each_notebook
def test_imports_are_in_the_first_cell(path: Path):
    first, *others = (ast.parse(source) for source in code_of(path))
    assert any(isinstance(node, ast.Import | ast.ImportFrom) for node in first.body)
    late = [node for cell in others for node in ast.walk(cell) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not [ast.unparse(node) for node in late]


@each_notebook
def test_it_uses_only_what_is_public(path: Path):
    source = "\n".join(code_of(path))
    assert not re.findall(r"(?:from|import) cryoscale[\w.]*\._\w+|import _\w+", source)
    assert not re.findall(r"https?://", source)


@each_notebook
def test_a_folder_that_it_opens_is_removed(path: Path):
    source = code_of(path)
    if any("TemporaryDirectory()" in cell for cell in source):
        assert source[-1] == "folder.cleanup()"
    else:
        assert not re.search(r"\.to_(zarr|csv|netcdf)\(|save_png\(|write_", "\n".join(source))


def test_the_kernel_is_the_environments_own_python():
    manager = KernelManager(kernel_name="python3")
    assert Path(manager.kernel_spec.resource_dir).is_relative_to(sys.prefix)
    assert manager.format_kernel_cmd()[0] == sys.executable
