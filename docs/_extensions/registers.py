"""What the package itself knows, as parts of pages: configurations, stores, variables."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from cryoscale.config import Config
from cryoscale.schemas import STORE_KINDS, StoreKind
from cryoscale.variables import VARIABLES
from cryoscale.variables.entry import Variable


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("config", ConfigTemplate)
    app.add_directive("stores", Stores)
    app.add_directive("all-stores", AllStores)
    app.add_directive("variables", VariableList)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class ConfigTemplate(SphinxDirective):
    """``{config} module:Class`` shows ``Class.template()``, without the sections named by ``:without:``."""

    required_arguments = 1
    option_spec: ClassVar = {"without": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """A block of YAML."""
        module, _, name = self.arguments[0].partition(":")
        model: type[Config] = getattr(import_module(module), name)
        left_out = self.options.get("without", "").split()
        unknown = set(left_out) - set(model.model_fields)
        if unknown:
            raise self.error(f"{name} has no section {', '.join(unknown)}")
        block = nodes.literal_block("", "\n".join(_without(model.template().splitlines(), left_out)))
        block["language"] = "yaml"
        return [block]


def _without(lines: list[str], sections: list[str]) -> Iterator[str]:
    """Lines of a template but for some of its top-level sections and the comments above them."""
    comments: list[str] = []
    kept = True
    for line in lines:
        if line.startswith("#") and not line.startswith("#  "):
            comments.append(line)
            continue
        if not line.startswith((" ", "#")):
            kept = line.partition(":")[0] not in sections
        if kept:
            yield from comments
            yield line
        comments.clear()
    yield from comments


class Stores(SphinxDirective):
    """``{stores} kind kind`` shows what these kinds of store hold, from the schemas and the registry."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Title and table of each kind."""
        return [node for kind in self.arguments[0].split() for node in _store(kind)]


class AllStores(SphinxDirective):
    """``{all-stores}`` shows every kind of store under a heading of its own."""

    def run(self) -> list[nodes.Node]:
        """One section a kind."""
        return [
            nodes.section("", nodes.title("", "", nodes.Text(name)), *_store(name), ids=[f"store-{name}"], names=[name])
            for name in sorted(STORE_KINDS)
        ]


class VariableList(SphinxDirective):
    """``{variables}`` lists the whole registry."""

    def run(self) -> list[nodes.Node]:
        """One table."""
        return [_table([VARIABLES[name] for name in sorted(VARIABLES)], anchors=True)]


def _store(name: str) -> Iterator[nodes.Node]:
    kind = STORE_KINDS[name]
    yield nodes.rubric("", "", nodes.Text(kind.title))
    yield nodes.paragraph(
        "",
        "",
        nodes.Text("Attribute "),
        nodes.literal("", "product"),
        nodes.Text(": "),
        nodes.literal("", name),
        nodes.Text(f". Coordinates: {_coordinates(kind)}."),
    )
    held = [VARIABLES[variable] for variable in (*kind.required, *kind.optional)]
    if held:
        yield _table(held, optional=kind.optional)


def _coordinates(kind: StoreKind) -> str:
    return ", ".join(f"{name} ({', '.join(dims)})" if dims else name for name, dims in kind.coords.items())


def _table(variables: list[Variable], *, optional: tuple[str, ...] = (), anchors: bool = False) -> nodes.table:
    header = ("variable", "what it is", "unit", "dims", "type")
    group = nodes.tgroup("", *(nodes.colspec(colwidth=width) for width in (26, 40, 12, 14, 8)), cols=len(header))
    body = nodes.tbody(
        "", *(_row(variable, optional=variable.name in optional, anchor=anchors) for variable in variables)
    )
    group += [nodes.thead("", nodes.row("", *(_cell(nodes.Text(name)) for name in header))), body]
    return nodes.table("", group, classes=["variables"])


def _row(variable: Variable, *, optional: bool, anchor: bool) -> nodes.row:
    name = _cell(nodes.literal("", variable.name))
    if anchor:
        name["ids"] = [f"variable-{variable.name}"]
    meaning = variable.long_name + (" (where the input or the configuration gives it)" if optional else "")
    if variable.flags:
        meaning += ": " + ", ".join(f"{value} {word.replace('_', ' ')}" for value, word in variable.flags)
    texts = (meaning, variable.units, ", ".join(variable.dims), variable.dtype)
    return nodes.row("", name, *(_cell(nodes.Text(text)) for text in texts))


def _cell(content: nodes.Node) -> nodes.entry:
    return nodes.entry("", nodes.paragraph("", "", content))
