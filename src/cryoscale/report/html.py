"""The report: one HTML file that holds all it shows and fetches nothing."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from cryoscale import __version__
from cryoscale.report.canvas import RESOLUTION

_REM_PER_INCH = 6.6  # letters of 8.5 points are then as large as those of captions
_LONG = 25  # rows above which a table is folded
_WORDS = 24  # letters above which a cell may be broken into lines
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
    def width(self) -> float:
        """How wide it is shown at most, rem: so that the letters of all figures are of about one size."""
        return (
            int.from_bytes(self.png[16:20]) / RESOLUTION * _REM_PER_INCH
        )  # PNG (RFC 2083), 11.2.2: the header's width

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
        What it shows; empty if the section says it.
    header : sequence of str
        Names of the columns; all empty for none.
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
    def cells(self) -> list[list[str]]:
        """Rows as they are shown: with true minus signs, and a dash where a number is missing."""
        return [
            [_shown(cell) if number else cell for cell, number in zip(row, self.numeric, strict=True)]
            for row in self.rows
        ]

    @property
    def kinds(self) -> list[str]:
        """How the cells of each column are set: ``"number"`` flush right, ``"words"`` in lines, ``""`` in one line."""
        long = [any(len(cell) > _WORDS for cell in column) for column in zip(*self.rows, strict=True)]
        return [
            "number" if number else "words" if words else "" for number, words in zip(self.numeric, long, strict=True)
        ]

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


def _shown(number: str) -> str:
    """A number as it is printed."""
    if number.strip() == "nan":
        return "–"
    return f"−{number[1:]}" if number.startswith("-") else number
