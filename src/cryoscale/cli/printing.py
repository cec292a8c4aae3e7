"""What commands print: tables, plans, outcomes, and where to find what was written."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:  # both import half of the package
    from cryoscale.engine import Plan
    from cryoscale.products.outcome import Outcome

out = Console(width=None if sys.stdout.isatty() else 110)  # wide enough for tables in log files
err = Console(stderr=True)


def print_plan(planned: "Plan") -> None:
    """What a run would read, write and need; an error if there is not enough of it.

    Parameters
    ----------
    planned : Plan
        Of a product.
    """
    out.print(escape(planned.grid))
    out.print(_table("", *planned.rows()))
    out.print(escape(planned.where()))
    planned.require_fit()
    out.print("[green]fits[/green]")


def print_outcome(outcome: "Outcome") -> None:
    """Tables of a run, and the paths of its results.

    Parameters
    ----------
    outcome : Outcome
        Of a product or a demo.
    """
    for table in outcome.tables:
        out.print(_table(table.title, table.header, *table.rows))
    for name, paths in (("store", [outcome.store]), ("rasters", outcome.rasters), ("report", [outcome.report])):
        for path in paths:
            print_path(name, path)


def print_path(name: str, path: object) -> None:
    """One result on a line, whole however long it is.

    Parameters
    ----------
    name : str
        What it is.
    path : Path or UPath
        Where it is.
    """
    out.print(f"[bold]{name:8}[/bold] {escape(str(path))}", soft_wrap=True)


def _table(title: str, header: Sequence[str], *rows: Sequence[str]) -> Table:
    table = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for name in header:
        table.add_column(escape(name), overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    return table
