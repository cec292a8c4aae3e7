"""The picture of the house, drawn from the layers that import-linter holds."""

import tomllib
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
WIDTH, HEIGHT, GAP = 640, 30, 8


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("house", House)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class House(SphinxDirective):
    """``{house}`` is the picture."""

    def run(self) -> list[nodes.Node]:
        """SVG inside the page, so that it takes the page's colours."""
        self.env.note_dependency(str(PROJECT))
        return [nodes.raw("", draw(layers()), format="html")]


def layers() -> list[list[str]]:
    """Rooms of each floor, the top one first.

    Returns
    -------
    list of list of str
    """
    contracts = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    floors = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [[room.strip() for room in floor.split("|")] for floor in floors if not floor.startswith("__")]


def draw(floors: Sequence[Sequence[str]]) -> str:
    """Boxes, a row a floor.

    Parameters
    ----------
    floors : sequence of sequence of str
        From `layers`.

    Returns
    -------
    str
        SVG.
    """
    height = len(floors) * (HEIGHT + GAP) + HEIGHT
    boxes = "".join(box for row, rooms in enumerate(floors) for box in _floor(rooms, row * (HEIGHT + GAP)))
    text = f'<text class="kernels" x="{WIDTH / 2}" y="{height - 10}">kernels: numpy, numba, scipy</text>'
    return (
        f'<figure class="house"><svg viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="Layers of the package; each imports only from those below it">{boxes}{text}</svg>'
        "<figcaption>Each floor imports only from the floors below it. Rooms side by side never import each other."
        "</figcaption></figure>"
    )


def _floor(rooms: Sequence[str], top: float) -> Iterator[str]:
    width = (WIDTH - GAP * (len(rooms) - 1)) / len(rooms)
    for column, room in enumerate(rooms):
        left = column * (width + GAP)
        yield f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{HEIGHT}" rx="4"/>'
        yield f'<text x="{left + width / 2:.1f}" y="{top + HEIGHT / 2 + 5}">{escape(room)}</text>'
