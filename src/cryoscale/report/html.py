"""The report: one HTML file that holds all it shows and fetches nothing."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from cryoscale import __version__

_LONG = 25  # rows above which a table is folded
_NUMBER = re.compile(r"[-+−]?[\d.,\s]+(?:e[-+]?\d+)?\s?%?|nan|–", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure with what it shows.

    Attributes
    ----------
    png : bytes
        From `figure_png`.
    caption : str
        Below it, and read out instead of it.
    wide : bool
        Takes the whole width of the page.
    """

    png: bytes
    caption: str
    wide: bool = False

    @property
    def source(self) -> str:
        """The image as a data URI."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes
    ----------
    title : str
        What it shows.
    header : sequence of str
        Names of the columns.
    rows : sequence of sequences of str
        Cells. A column of numbers alone is set flush right.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def numeric(self) -> list[bool]:
        """Which columns hold nothing but numbers."""
        return [all(_NUMBER.fullmatch(cell.strip()) for cell in column) for column in zip(*self.rows, strict=True)]

    @property
    def folded(self) -> bool:
        """Whether it is too long to stand open."""
        return len(self.rows) > _LONG


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report.

    Attributes
    ----------
    title : str
        Heading, also in the table of contents.
    text : str
        Plain text; an empty line starts a new paragraph.
    figures : sequence of Picture
        Side by side where the page is wide enough.
    tables : sequence of Table
        Below the figures.
    """

    title: str
    text: str = ""
    figures: Sequence[Picture] = field(default_factory=tuple)
    tables: Sequence[Table] = field(default_factory=tuple)

    @property
    def paragraphs(self) -> list[str]:
        """The text, split at empty lines."""
        return [part.strip() for part in self.text.split("\n\n") if part.strip()]


def write_report(
    path: str | Path, title: str, *, sections: Sequence[Section], provenance: Mapping[str, object] | None = None
) -> Path:
    """Write a report as one HTML file.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    title : str
        Heading of the page.
    sections : sequence of Section
        In this order.
    provenance : mapping, optional
        How the results were made, such as the attributes of their store; strings of JSON are laid out.

    Returns
    -------
    pathlib.Path
        The file. Every string is escaped, every image is inside; it needs no network.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = write_report(Path(folder, "report.html"), "Rates", sections=[Section("Where", "a < b")]).read_text()
    >>> "<h2>Where</h2>" in page, "a &lt; b" in page
    (True, True)
    """
    target = Path(path)
    loader = PackageLoader("cryoscale.report", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template("report.html.j2").render(
        title=title,
        sections=sections,
        provenance={key: _laid_out(value) for key, value in (provenance or {}).items()},
        version=__version__,
    )
    target.write_text(page, encoding="utf-8")
    return target


def _laid_out(value: object) -> str:
    """A value as text, JSON objects over several lines."""
    if isinstance(value, str):
        return json.dumps(json.loads(value), indent=2) if value.startswith(('{"', "{}")) else value
    return json.dumps(value, indent=2, default=str)
