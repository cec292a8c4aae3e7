"""A command for every product and every demo, from one table each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer

from cryoscale.cli.printing import out, print_outcome, print_plan
from cryoscale.errors import ConfigError

GOES_ON = "An interrupted run goes on where it was when the same command is given again."


@dataclass(frozen=True, slots=True)
class Product:
    """What help says of a product, and the name of its configuration's class.

    Attributes
    ----------
    config : str
        A class of the product's module, which also has ``plan(config)`` and ``run(config, overwrite=...)``.
    summary, note : str
        First and second paragraph of the help; the second may be left empty.
    examples : sequence of str
        Arguments of calls that are shown there.
    """

    config: str
    summary: str
    note: str = GOES_ON
    examples: Sequence[str] = ("--template > config.yaml", "config.yaml --plan")

    def help(self, name: str) -> str:
        """All that help shows above the options, in rich's markup.

        Parameters
        ----------
        name : str
            Of the command.

        Returns
        -------
        str
        """
        examples = (f"[dim]cryoscale {name} {arguments}[/dim]" for arguments in self.examples)
        return "\n\n".join(filter(None, [self.summary, self.note, *examples]))


PRODUCTS = {
    "deformation": Product(
        "DeformationConfig",
        "Unwrapped interferograms -> displacement series, rate and season.",
        examples=("--template > config.yaml", "config.yaml --plan", "config.yaml --set cluster.kind=local"),
    ),
    "longterm": Product(
        "LongtermConfig",
        "Interferograms of several sensors -> rates and thaw seasons by period, regional means, drivers.",
        "Sentinel-1's own run is part of it; an interrupted run goes on where it was.",
    ),
    "permafrost-map": Product(
        "PermafrostMapConfig",
        "Daily surface temperatures -> degree-days -> permafrost by TTOP, its probability and its change.",
    ),
    "active-layer": Product(
        "ActiveLayerConfig",
        "Coarse surface temperatures and vegetation -> fine thawing index -> active-layer thickness by year.",
    ),
    "moisture": Product(
        "MoistureConfig",
        "Field samples and covariates -> fused learners -> moisture of the active layer, and how far to trust it.",
        rf"Needs more libraries: [bold]pip install 'cryoscale\[moisture]'[/bold]. {GOES_ON}",
    ),
    "mining": Product(
        "MiningConfig",
        "Vegetation, ground temperature and ground ice of a district -> what pits and heaps do to its permafrost.",
        f"Parts without inputs are left out. {GOES_ON}",
    ),
    "recession": Product(
        "RecessionConfig",
        "Daily discharge -> recession events -> their constant by year, its change, and what climate explains of it.",
        note="",
    ),
}
"""Products by the name of their command; a product's module has the same name with underscores."""


@dataclass(frozen=True, slots=True)
class Demo:
    """What help says of a demo."""

    help: str
    world: str = "scene"


DEMOS = {
    "demo": Demo("Build a synthetic scene with a known truth, invert it, and compare."),
    "demo-longterm": Demo(
        "Build a synthetic scene of five sensors from 1997 to 2023, make its long-term record, and compare."
    ),
    "demo-permafrost": Demo(
        "Build a synthetic scene of the Tarim's margin, map its permafrost, and compare every step with the truth."
    ),
    "demo-active-layer": Demo(
        "Build a synthetic valley of 30 m, map its active layer, and compare every step with the truth."
    ),
    "demo-moisture": Demo(
        "Build a synthetic plateau with 342 samples, map the moisture of its active layer, and compare with the truth.",
        "plateau",
    ),
    "demo-mining": Demo(
        "Build a synthetic mining district, map its permafrost before and after mining, and compare with the truth.",
        "district",
    ),
    "demo-recession": Demo(
        "Build a synthetic basin of 50 years with a disturbance, follow its recession, and compare with the truth.",
        "basin",
    ),
}
"""Demos by the name of their command, which is also the name of their folder."""

ConfigFile = Annotated[Path | None, typer.Argument(metavar="CONFIG", help="YAML file; write one with --template.")]
Template = Annotated[
    bool, typer.Option("--template", help="Print a commented configuration with every field, and stop.")
]
PlanOnly = Annotated[bool, typer.Option("--plan", help="Print what would be read, written and needed, and stop.")]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set a field, as in inversion.gamma=1e-3; may be given again."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace stores that another configuration has written.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave bad interferograms out and list them in the report.")]


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asks of a product, the same for all of them."""

    path: Path | None
    changes: Sequence[str]
    template: bool
    plan_only: bool
    overwrite: bool


def command_of(name: str) -> Callable[..., None]:
    """Command of a product; its options are those of all products, and of some one more.

    Parameters
    ----------
    name : str
        Key of `PRODUCTS`.

    Returns
    -------
    callable
        For `typer.Typer.command`.
    """

    def command(
        config: ConfigFile = None,
        template: Template = False,
        plan: PlanOnly = False,
        assignments: Assignments = None,
        overwrite: Overwrite = False,
    ) -> None:
        _serve(name, Request(config, assignments or [], template, plan, overwrite))

    return _deformation if name == "deformation" else command


def _deformation(
    config: ConfigFile = None,
    template: Template = False,
    plan: PlanOnly = False,
    assignments: Assignments = None,
    overwrite: Overwrite = False,
    skip_bad: SkipBad = False,
) -> None:
    changes = [*(assignments or []), *(["stack.skip_bad=true"] if skip_bad else [])]
    _serve("deformation", Request(config, changes, template, plan, overwrite))


def demo_of(name: str) -> Callable[..., None]:
    """Command of a demo.

    Parameters
    ----------
    name : str
        Key of `DEMOS`.

    Returns
    -------
    callable
        For `typer.Typer.command`.
    """

    def command(
        folder: Annotated[Path, typer.Argument(help=f"Where the {DEMOS[name].world} and the results go.")] = Path(name),
    ) -> None:
        from cryoscale.folders import writing  # noqa: PLC0415

        with writing(folder):
            outcome = _module(name).run(folder)
        print_outcome(outcome)

    return command


def _serve(name: str, request: Request) -> None:
    from cryoscale.folders import writing  # noqa: PLC0415

    if request.path is None and not request.template:
        raise ConfigError("CONFIG is missing. Write one with --template > config.yaml and fill in what is required.")
    product = _module(name)
    model: Any = getattr(product, PRODUCTS[name].config)
    if request.path is None or request.template:
        out.print(model.template(), end="", markup=False, highlight=False, soft_wrap=True)
        return
    config = model.load(request.path, request.changes)
    if request.plan_only:
        print_plan(product.plan(config))
        return
    with writing(config.output):
        outcome = product.run(config, overwrite=request.overwrite)
    print_outcome(outcome)


def _module(name: str) -> ModuleType:
    return import_module(f"cryoscale.products.{name.replace('-', '_')}")
