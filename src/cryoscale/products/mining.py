"""Mining: vegetation, ground temperature, ground ice, and what pits and heaps do to permafrost (Muli's district)."""

from collections.abc import Callable, Sequence

from cryoscale.engine import Plan, open_scheduler
from cryoscale.engine.overviews import write_overviews_if_large
from cryoscale.products.mining_config import MiningConfig
from cryoscale.products.mining_ice import map_ice, map_ice_after
from cryoscale.products.mining_inputs import choose_tiles, inspect, plan_run
from cryoscale.products.mining_report import Findings, main_store, publish
from cryoscale.products.mining_run import Run
from cryoscale.products.mining_scenarios import map_scenario
from cryoscale.products.mining_sections import draw_sections
from cryoscale.products.mining_temperature import map_temperature
from cryoscale.products.mining_vegetation import map_vegetation
from cryoscale.products.outcome import Outcome
from cryoscale.products.threads import run_threads
from cryoscale.report import Section

__all__ = ["MiningConfig", "plan", "run"]


def plan(config: MiningConfig) -> Plan:
    """Say what a run will read, write and need; only headers, tables and outlines are read.

    Parameters
    ----------
    config : MiningConfig
        The whole configuration.

    Returns
    -------
    Plan
    """
    inputs = inspect(config)
    return plan_run(config, inputs, choose_tiles(config, inputs))


def no_appendix(findings: Findings) -> Sequence[Section]:  # noqa: ARG001
    """Nothing to add to the report."""
    return ()


def run(
    config: MiningConfig,
    *,
    overwrite: bool = False,
    appendix: Callable[[Findings], Sequence[Section]] = no_appendix,
) -> Outcome:
    """Files in, stores, rasters, figures and the report out; goes on where an interrupted run stopped.

    Parts whose inputs are not given are left out; the report says which and why.

    Parameters
    ----------
    config : MiningConfig
        The whole configuration.
    overwrite : bool
        Replace what another configuration has written.
    appendix : callable, optional
        Sections to add to the report, given what was found.

    Returns
    -------
    Outcome
    """
    inputs = inspect(config)
    tile = choose_tiles(config, inputs)
    plan_run(config, inputs, tile).require_fit()
    with open_scheduler(config.cluster) as scheduler, run_threads(config.cluster):
        findings = find(Run(config, inputs, tile, scheduler, overwrite))
        if (store := main_store(findings, config)).exists():  # not where all parts are left out
            write_overviews_if_large(store, scheduler=scheduler)
        return publish(findings, config=config, inputs=inputs, appendix=appendix(findings))


def find(progress: Run) -> Findings:
    """Make all parts whose inputs are given.

    Parameters
    ----------
    progress : Run
        A run that begins.

    Returns
    -------
    Findings
        None for each part that is left out.
    """
    config, skipped = progress.config, progress.config.skipped()
    vegetation = temperature = ice = scenario = after = None
    if config.vegetation is not None:
        vegetation = map_vegetation(progress, config.vegetation)
    if config.ground_temperature is not None:
        layers = None if vegetation is None else vegetation.layers
        temperature = map_temperature(progress, config.ground_temperature, layers)
    if config.ground_ice is not None and "ground ice" not in skipped:
        ice = map_ice(progress, config.ground_ice)
    sections = {}
    if config.mine is not None and temperature is not None and "pits and heaps" not in skipped:
        scenario = map_scenario(progress, config.mine, temperature.layers)
        sections = draw_sections(progress, config.mine, scenario)
        if config.ground_ice is not None and ice is not None:
            after = map_ice_after(progress, config.ground_ice, ice, scenario)
    return Findings(vegetation, temperature, ice, scenario, sections, after, skipped)
