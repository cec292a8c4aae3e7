"""Commands that take stores which are there: check them, look at them, report on them."""

import webbrowser
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from cryoscale.cli.printing import out, print_path

if TYPE_CHECKING:
    from cryoscale.folders import Folder

Stores = Annotated[
    list[str], typer.Argument(metavar="STORE", help="Zarr stores that cryoscale wrote: paths, or s3://bucket/store.")
]


def _folders(stores: Sequence[str]) -> "list[Folder]":
    from cryoscale.folders import folder_at  # noqa: PLC0415

    return [folder_at(store) for store in stores]


def validate(
    stores: Stores,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every chunk; remove damaged ones, so that the next run mends them.")
    ] = False,
) -> None:
    """Check stores against their schemas, and that no chunk is missing."""
    from cryoscale.schemas import require_undamaged, require_valid  # noqa: PLC0415

    for path in _folders(stores):
        if deep:
            require_undamaged(path)
        require_valid(path)
        out.print(f"[green]valid[/green] {escape(str(path))}")


def view(
    stores: Stores,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port of 127.0.0.1; 0 for one that is free.")
    ] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address of the page.")] = False,
    prepare: Annotated[
        bool,
        typer.Option(
            "--prepare",
            help="First write overviews beside the stores, where there are none yet: large ones then show at once.",
        ),
    ] = False,
) -> None:
    """Look at stores in the browser: maps, series of pixels, sections, side by side; only this machine is served.

    Runs write overviews of large main stores themselves; --prepare does it for any other store.

    [dim]cryoscale view deformation/deformation.zarr[/dim]

    [dim]cryoscale view sentinel1/seasons.zarr alos/seasons.zarr --prepare[/dim]
    """
    from cryoscale import viewer  # noqa: PLC0415

    paths = _folders(stores)
    if prepare:
        _write_overviews(paths)
    sources = [viewer.open_source(path) for path in paths]
    viewer.serve_page(sources, port=port, on_ready=partial(_announce, browse=not no_browser))


def _write_overviews(paths: "Sequence[Folder]") -> None:
    from cryoscale.engine import Cluster, open_scheduler  # noqa: PLC0415
    from cryoscale.engine.overviews import write_overviews  # noqa: PLC0415

    with open_scheduler(Cluster()) as scheduler:
        for path in paths:
            factors = write_overviews(path, scheduler=scheduler)
            sizes = ", ".join(f"1:{factor}" for factor in factors) or "it is small enough without"
            out.print(f"[bold]overviews[/bold] {escape(str(path))}: {sizes}", soft_wrap=True)


def _announce(address: str, *, browse: bool) -> None:
    out.print(f"[bold]page[/bold] {address}  (Ctrl+C ends it)", soft_wrap=True)
    if browse:
        webbrowser.open(address)


def report(
    stores: Stores,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="PATH",
            help="HTML file for the report of one store, or a folder that is there; else it goes beside the store.",
        ),
    ] = None,
    browse: Annotated[bool, typer.Option("--open", help="Open the reports in the browser.")] = False,
) -> None:
    """Write an HTML report of stores: maps, series, tables and how they were made, in one file each.

    [dim]cryoscale report deformation/deformation.zarr --open[/dim]
    """
    if output is not None and len(stores) > 1:
        raise typer.BadParameter("is for one store; the reports of several go beside them.", param_hint="--output")
    from cryoscale.folders import writing  # noqa: PLC0415
    from cryoscale.products.store_report import default_target, report_store  # noqa: PLC0415

    for path in _folders(stores):
        target = default_target(path) if output is None else output
        target = target / default_target(path).name if target.is_dir() else target
        with writing(target):
            written = report_store(path, target)
        print_path("report", written)
        if browse:
            webbrowser.open(written.absolute().as_uri())
