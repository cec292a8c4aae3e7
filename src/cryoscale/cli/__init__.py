"""The command line: parse, load the configuration, call a product, print.

A command imports what it needs when it runs, so that help and completion come at once.
"""

import atexit
import os
import sys
from typing import Annotated

import typer
from rich.markup import escape

from cryoscale import __version__
from cryoscale.cli.ending import INTERRUPTED, Commands
from cryoscale.cli.printing import err, out
from cryoscale.cli.products import DEMOS, PRODUCTS, command_of, demo_of
from cryoscale.cli.stores import report, validate, view
from cryoscale.errors import CryoscaleError

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["--help", "-h"]},
    help="Permafrost products from satellite stacks and field tables, chunk by chunk, from a laptop to a cluster.",
)
for name, product in PRODUCTS.items():
    app.command(name, help=product.help(name))(command_of(name))
for command in (validate, view, report):
    app.command()(command)
for name, demo in DEMOS.items():
    app.command(name, help=demo.help)(demo_of(name))


def _version(asked: bool) -> None:
    if asked:
        out.print(__version__, highlight=False)
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version, and stop.")
    ] = False,
) -> None:
    """Options before the command."""


def main() -> None:
    """Run the command line; errors that the user can mend come without a traceback."""
    try:
        app()
    except (CryoscaleError, PermissionError) as error:
        err.print(f"[red]error:[/red] {escape(_said(error))}", soft_wrap=True)
        sys.exit(1)
    except SystemExit as end:
        if end.code == INTERRUPTED:  # without waiting for threads: a tile that is half computed is nowhere
            atexit._run_exitfuncs()
            sys.stdout.flush()
            os._exit(INTERRUPTED)
        raise


def _said(error: Exception) -> str:
    named = isinstance(error, PermissionError) and error.filename
    return f"{named}: permission is denied. Have the right to read it given to you." if named else str(error)
