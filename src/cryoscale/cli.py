"""The command line: parse, load the configuration, call a product, print."""

import sys
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cryoscale import __version__
from cryoscale.config import Config
from cryoscale.engine import Cluster, Plan, open_scheduler
from cryoscale.engine.overviews import write_overviews
from cryoscale.errors import ConfigError, CryoscaleError
from cryoscale.folders import Folder, folder_at
from cryoscale.products import active_layer as active_layer_product
from cryoscale.products import deformation as deformation_product
from cryoscale.products import demo as demo_product
from cryoscale.products import demo_active_layer as demo_active_layer_product
from cryoscale.products import demo_longterm as demo_longterm_product
from cryoscale.products import demo_mining as demo_mining_product
from cryoscale.products import demo_moisture as demo_moisture_product
from cryoscale.products import demo_permafrost as demo_permafrost_product
from cryoscale.products import demo_recession as demo_recession_product
from cryoscale.products import longterm as longterm_product
from cryoscale.products import mining as mining_product
from cryoscale.products import moisture as moisture_product
from cryoscale.products import permafrost_map as permafrost_map_product
from cryoscale.products import recession as recession_product
from cryoscale.products.outcome import Outcome
from cryoscale.schemas import require_undamaged, require_valid

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Permafrost products from satellite stacks and field tables, chunk by chunk, from a laptop to a cluster.",
)
out = Console(width=None if sys.stdout.isatty() else 110)  # wide enough for tables in log files

ConfigFile = Annotated[Path | None, typer.Argument(metavar="CONFIG", help="YAML file; write one with --template.")]
Template = Annotated[
    bool, typer.Option("--template", help="Print a commented configuration with every field, and stop.")
]
PlanOnly = Annotated[bool, typer.Option("--plan", help="Print what would be read, written and needed, and stop.")]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a field, as in inversion.gamma=1e-3.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace stores that another configuration has written.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave bad interferograms out and list them in the report.")]


class Product(Protocol):
    """What the command line needs of a product's module."""

    def plan(self, config: Any) -> Plan:
        """Say what a run will cost."""

    def run(self, config: Any, *, overwrite: bool = False) -> Outcome:
        """Do it."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asks of a product, the same for all of them."""

    path: Path | None
    changes: Sequence[str]
    template: bool
    plan_only: bool
    overwrite: bool


@app.command()
def deformation(
    config: ConfigFile = None,
    template: Template = False,
    plan: PlanOnly = False,
    assignments: Assignments = None,
    overwrite: Overwrite = False,
    skip_bad: SkipBad = False,
) -> None:
    """Unwrapped interferograms -> displacement series, rate and season.

    An interrupted run goes on where it was when the same command is given again.

    [dim]cryoscale deformation --template > config.yaml[/dim]

    [dim]cryoscale deformation config.yaml --plan[/dim]

    [dim]cryoscale deformation config.yaml --set cluster.kind=local[/dim]
    """
    changes = [*(assignments or []), *(["stack.skip_bad=true"] if skip_bad else [])]
    request = Request(config, changes, template, plan, overwrite)
    _serve(request, deformation_product, deformation_product.DeformationConfig)


@app.command()
def longterm(
    config: ConfigFile = None,
    template: Template = False,
    plan: PlanOnly = False,
    assignments: Assignments = None,
    overwrite: Overwrite = False,
) -> None:
    """Interferograms of several sensors -> rates and thaw seasons by period, regional means, drivers.

    Sentinel-1's own run is part of it; an interrupted run goes on where it was.

    [dim]cryoscale longterm --template > config.yaml[/dim]
    """
    request = Request(config, assignments or [], template, plan, overwrite)
    _serve(request, longterm_product, longterm_product.LongtermConfig)


@app.command()
def permafrost_map(
    config: ConfigFile = None,
    template: Template = False,
    plan: PlanOnly = False,
    assignments: Assignments = None,
    overwrite: Overwrite = False,
) -> None:
    """Daily surface temperatures -> degree-days -> permafrost by TTOP, its probability and its change.

    An interrupted run goes on where it was when the same command is given again.

    [dim]cryoscale permafrost-map --template > config.yaml[/dim]

    [dim]cryoscale permafrost-map config.yaml --plan[/dim]
    """
    request = Request(config, assignments or [], template, plan, overwrite)
    _serve(request, permafrost_map_product, permafrost_map_product.PermafrostMapConfig)


@app.command()
def active_layer(
    config: ConfigFile = None,
    template: Template = False,
    plan: PlanOnly = False,
    assignments: Assignments = None,
    overwrite: Overwrite = False,
) -> None:
    """Coarse surface temperatures and vegetation -> fine thawing index -> active-layer thickness by year.

    An interrupted run goes on where it was when the same command is given again.

    [dim]cryoscale active-layer --template > config.yaml[/dim]

    [dim]cryoscale active-layer config.yaml --plan[/dim]
    """
    request = Request(config, assignments or [], template, plan, overwrite)
    _serve(request, active_layer_product, active_layer_product.ActiveLayerConfig)


@app.command()
def moisture(
    config: ConfigFile = None,
    template: Template = False,
    plan: PlanOnly = False,
    assignments: Assignments = None,
    overwrite: Overwrite = False,
) -> None:
    r"""Field samples and covariates -> fused learners -> moisture of the active layer, and how far to trust it.

    Needs more libraries: [bold]pip install 'cryoscale\[moisture]'[/bold]. An interrupted run goes on where it was.

    [dim]cryoscale moisture --template > config.yaml[/dim]

    [dim]cryoscale moisture config.yaml --plan[/dim]
    """
    request = Request(config, assignments or [], template, plan, overwrite)
    _serve(request, moisture_product, moisture_product.MoistureConfig)


@app.command()
def mining(
    config: ConfigFile = None,
    template: Template = False,
    plan: PlanOnly = False,
    assignments: Assignments = None,
    overwrite: Overwrite = False,
) -> None:
    """Vegetation, ground temperature and ground ice of a district -> what pits and heaps do to its permafrost.

    Parts without inputs are left out; an interrupted run goes on where it was when the same command is given again.

    [dim]cryoscale mining --template > config.yaml[/dim]

    [dim]cryoscale mining config.yaml --plan[/dim]
    """
    request = Request(config, assignments or [], template, plan, overwrite)
    _serve(request, mining_product, mining_product.MiningConfig)


@app.command()
def recession(
    config: ConfigFile = None,
    template: Template = False,
    plan: PlanOnly = False,
    assignments: Assignments = None,
    overwrite: Overwrite = False,
) -> None:
    """Daily discharge -> recession events -> their constant by year, its change, and what climate explains of it.

    [dim]cryoscale recession --template > config.yaml[/dim]

    [dim]cryoscale recession config.yaml --plan[/dim]
    """
    request = Request(config, assignments or [], template, plan, overwrite)
    _serve(request, recession_product, recession_product.RecessionConfig)


@app.command()
def validate(
    stores: Annotated[list[str], typer.Argument(help="Zarr stores that cryoscale wrote: paths, or s3://bucket/store.")],
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every chunk; remove damaged ones, so that the next run mends them.")
    ] = False,
) -> None:
    """Check stores against their schemas, and that no chunk is missing."""
    for path in map(folder_at, stores):
        if deep:
            require_undamaged(path)
        require_valid(path)
        out.print(f"[green]valid[/green] {escape(str(path))}")


@app.command()
def view(
    stores: Annotated[list[str], typer.Argument(help="Zarr stores that cryoscale wrote: paths, or s3://bucket/store.")],
    port: Annotated[int, typer.Option("--port", help="Port of 127.0.0.1; 0 for one that is free.")] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address of the page.")] = False,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="First write overviews beside the stores: large ones then show at once.")
    ] = False,
) -> None:
    """Look at stores in the browser: maps, series of pixels, sections, side by side; only this machine is served.

    [dim]cryoscale view deformation/deformation.zarr[/dim]

    [dim]cryoscale view sentinel1/seasons.zarr alos/seasons.zarr --prepare[/dim]
    """
    from cryoscale import viewer  # noqa: PLC0415  Bokeh takes a second to import, which no other command should wait

    paths = [folder_at(store) for store in stores]
    if prepare:
        _write_overviews(paths)
    sources = [viewer.open_source(path) for path in paths]
    viewer.serve_page(sources, port=port, on_ready=partial(_announce, browse=not no_browser))


def _write_overviews(paths: Sequence[Folder]) -> None:
    with open_scheduler(Cluster()) as scheduler:
        for path in paths:
            factors = write_overviews(path, scheduler=scheduler)
            sizes = ", ".join(f"1:{factor}" for factor in factors) or "it is small enough without"
            out.print(f"[bold]overviews[/bold] {escape(str(path))}: {sizes}", soft_wrap=True)


def _announce(address: str, *, browse: bool) -> None:
    out.print(f"[bold]page[/bold] {address}  (Ctrl+C ends it)", soft_wrap=True)
    if browse:
        webbrowser.open(address)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where the scene and the results go.")] = Path("demo"),
) -> None:
    """Build a synthetic scene with a known truth, invert it, and compare."""
    _print_outcome(demo_product.run(folder))


@app.command()
def demo_longterm(
    folder: Annotated[Path, typer.Argument(help="Where the scene and the results go.")] = Path("demo-longterm"),
) -> None:
    """Build a synthetic scene of five sensors from 1997 to 2023, make its long-term record, and compare."""
    _print_outcome(demo_longterm_product.run(folder))


@app.command()
def demo_permafrost(
    folder: Annotated[Path, typer.Argument(help="Where the scene and the results go.")] = Path("demo-permafrost"),
) -> None:
    """Build a synthetic scene of the Tarim's margin, map its permafrost, and compare every step with the truth."""
    _print_outcome(demo_permafrost_product.run(folder))


@app.command()
def demo_active_layer(
    folder: Annotated[Path, typer.Argument(help="Where the scene and the results go.")] = Path("demo-active-layer"),
) -> None:
    """Build a synthetic valley of 30 m, map its active layer, and compare every step with the truth."""
    _print_outcome(demo_active_layer_product.run(folder))


@app.command()
def demo_moisture(
    folder: Annotated[Path, typer.Argument(help="Where the plateau and the results go.")] = Path("demo-moisture"),
) -> None:
    """Build a synthetic plateau with 342 samples, map the moisture of its active layer, and compare with the truth."""
    _print_outcome(demo_moisture_product.run(folder))


@app.command()
def demo_mining(
    folder: Annotated[Path, typer.Argument(help="Where the district and the results go.")] = Path("demo-mining"),
) -> None:
    """Build a synthetic mining district, map its permafrost before and after mining, and compare with the truth."""
    _print_outcome(demo_mining_product.run(folder))


@app.command()
def demo_recession(
    folder: Annotated[Path, typer.Argument(help="Where the basin and the results go.")] = Path("demo-recession"),
) -> None:
    """Build a synthetic basin of 50 years with a disturbance, follow its recession, and compare with the truth."""
    _print_outcome(demo_recession_product.run(folder))


def _serve(request: Request, product: Product, model: type[Config]) -> None:
    if request.template:
        out.print(model.template(), end="", markup=False, highlight=False, soft_wrap=True)
        return
    if request.path is None:
        raise ConfigError("CONFIG is missing. Write one with --template > config.yaml and fill in what is required.")
    config = model.load(request.path, request.changes)
    if request.plan_only:
        _print_plan(product.plan(config))
    else:
        _print_outcome(product.run(config, overwrite=request.overwrite))


def _print_plan(planned: Plan) -> None:
    out.print(escape(planned.grid))
    out.print(_table("", *planned.rows()))
    out.print(escape(planned.where()))
    planned.require_fit()
    out.print("[green]fits[/green]")


def _print_outcome(outcome: Outcome) -> None:
    for table in outcome.tables:
        out.print(_table(table.title, table.header, *table.rows))
    for name, paths in (("store", [outcome.store]), ("rasters", outcome.rasters), ("report", [outcome.report])):
        for path in paths:
            out.print(f"[bold]{name:8}[/bold] {escape(str(path))}", soft_wrap=True)


def _table(title: str, header: Sequence[str], *rows: Sequence[str]) -> Table:
    table = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for name in header:
        table.add_column(escape(name), overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    return table


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
    except CryoscaleError as error:
        Console(stderr=True).print(f"[red]error:[/red] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)
