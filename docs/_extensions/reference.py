"""The reference: every public name of a package, and every command."""

import ast
import enum
import inspect
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.ext import autosummary
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles
from typer.main import get_command

from cryoscale.cli import app as commands


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    autosummary.WELL_KNOWN_ABBREVIATIONS += ("Eq.", "Fig.")  # or a first sentence would end there
    app.connect("autodoc-skip-member", _skip_inherited)
    app.add_directive("package", Package)
    app.add_directive("modules", Modules)
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _skip_inherited(app: Sphinx, kind: str, name: str, value: Any, skip: bool, options: Any) -> bool | None:  # noqa: ARG001
    """Leave out methods that scikit-learn and pydantic put into our classes."""
    home = getattr(value, "__module__", None)
    return True if home is not None and not home.startswith("cryoscale") else None


class Generated(SphinxDirective):
    """A directive that stands for lines of reStructuredText."""

    def lines(self) -> Iterator[str]:
        """What it stands for."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Parse the lines where the directive stands."""
        parent = nodes.section()
        parent.document = self.state.document
        nested_parse_with_titles(self.state, StringList(list(self.lines()), source=self.get_source_info()[0]), parent)
        return parent.children


class Package(Generated):
    """``package:: cryoscale.insar`` documents every name of its ``__all__``."""

    required_arguments = 1

    def lines(self) -> Iterator[str]:
        """Overview, then functions, classes and constants."""
        package = import_module(self.arguments[0])
        public = {name: getattr(package, name) for name in package.__all__}
        functions = [name for name, value in public.items() if inspect.isroutine(value)]
        classes = [name for name, value in public.items() if inspect.isclass(value)]
        constants = [name for name in public if name not in functions and name not in classes]
        yield from (f".. currentmodule:: {package.__name__}", "", *inspect.getdoc(package).splitlines(), "")
        for title, names in (("Functions", functions), ("Classes", classes)):
            yield from _overview(title, names)
        for name in functions:
            yield from (f".. autofunction:: {package.__name__}.{name}", "")
        for name in classes:
            yield from _class(f"{package.__name__}.{name}", public[name])
        for name in constants:
            yield from _constant(package, name)


class Modules(Generated):
    """``modules:: cryoscale.grids cryoscale.lift`` documents what each of these modules defines."""

    required_arguments = 1
    final_argument_whitespace = True

    def lines(self) -> Iterator[str]:
        """One section a module."""
        for name in self.arguments[0].split():
            module = import_module(name)
            yield from (name, "-" * len(name), "", f".. currentmodule:: {name}", "")
            yield from (*(inspect.getdoc(module) or "").splitlines(), "")
            for own, value in vars(module).items():
                if getattr(value, "__module__", None) != name or own.startswith("_"):
                    continue
                if inspect.isroutine(value):
                    yield from (f".. autofunction:: {name}.{own}", "")
                elif inspect.isclass(value):
                    yield from _class(f"{name}.{own}", value)


class Commands(Generated):
    """``commands::`` documents the command line."""

    def lines(self) -> Iterator[str]:
        """One section a command."""
        root = get_command(commands)
        for name, command in sorted(root.commands.items()):
            yield from _command(name, command)


def _overview(title: str, names: list[str]) -> Iterator[str]:
    if names:
        yield from (f".. rubric:: {title}", "", ".. autosummary::", "   :nosignatures:", "")
        yield from (*(f"   {name}" for name in names), "")


def _class(name: str, value: type) -> Iterator[str]:
    yield from (f".. autoclass:: {name}", "   :members:", "")
    if issubclass(value, enum.Enum):
        members = (f"``{member.value}``" if isinstance(member.value, str) else f"``{member!r}``" for member in value)
        yield from (f"   Values: {', '.join(members)}.", "")


def _constant(package: ModuleType, name: str) -> Iterator[str]:
    home, original = _origin(package, name)
    comment = ModuleAnalyzer.for_module(home).find_attr_docs().get(("", original), [])
    value = getattr(package, name)
    yield from (f".. py:data:: {name}", "")  # of the current module
    if isinstance(value, (int, float, str)):
        yield from (f"   {value!r}", "")
    yield from (*(f"   {line}" for line in comment), "")


def _origin(package: ModuleType, name: str) -> tuple[str, str]:
    """Module and name that a package imports a name from."""
    for statement in ast.parse(inspect.getsource(package)).body:
        if isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                if name == (alias.asname or alias.name):
                    return str(statement.module), alias.name
    raise ValueError(f"{package.__name__}: does not import {name}, but lists it in __all__")


def _command(name: str, command: Any) -> Iterator[str]:
    context = command.context_class(command, info_name=f"cryoscale {name}")
    usage = " ".join(command.collect_usage_pieces(context))
    yield from (f".. _command-{name}:", "", name, "-" * len(name), "", ".. code-block:: console", "")
    yield from (f"   $ cryoscale {name} {usage}", "")
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        yield from _paragraph(paragraph)
    for parameter in command.params:
        is_option = parameter.param_type_name == "option"
        label = ", ".join(parameter.opts) if is_option else parameter.metavar or parameter.name.upper()
        value = f" {parameter.metavar}" if is_option and parameter.metavar else ""
        yield from (f"``{label}{value}``", f"   {parameter.help}", "")


def _paragraph(text: str) -> Iterator[str]:
    """Of a help text with rich's markup: examples are dim."""
    if text.startswith("[dim]"):
        yield from (".. code-block:: console", "", f"   $ {text.removeprefix('[dim]').removesuffix('[/dim]')}", "")
    else:
        plain = text.replace("[bold]", "``").replace("[/bold]", "``").replace("\\[", "[")
        yield from (plain.replace("\n", " "), "")
