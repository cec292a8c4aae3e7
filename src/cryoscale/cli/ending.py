"""How a command ends that does not come to its own end."""

from typing import Any

import typer
from typer.core import TyperGroup

from cryoscale.cli.printing import err
from cryoscale.cli.products import DEMOS, PRODUCTS
from cryoscale.errors import RESUME

INTERRUPTED = 130
"""Exit status that shells give to what Ctrl+C has ended."""


class Commands(TyperGroup):
    """The commands; Ctrl+C ends each with one line."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that is asked for.

        Parameters
        ----------
        ctx : typer.Context
            Of the whole command line.

        Raises
        ------
        typer.Exit
            With `INTERRUPTED`, on Ctrl+C.
        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            err.print(
                f"interrupted. {RESUME}" if ctx.invoked_subcommand in {*PRODUCTS, *DEMOS} else "interrupted.",
                soft_wrap=True,
            )
            raise typer.Exit(INTERRUPTED) from None
