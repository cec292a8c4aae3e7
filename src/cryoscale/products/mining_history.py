"""What became of pits and heaps through the years, and what the simulation of it rests on."""

import xarray as xr

from cryoscale.products.mining_config import MiningConfig
from cryoscale.products.mining_scenarios import ScenarioFound

_MARGIN = 12  # pixels around pits and heaps in figures


def mine_history(scenario: ScenarioFound) -> xr.Dataset:
    """Means over the pixels of each pit and heap, by year.

    Parameters
    ----------
    scenario : ScenarioFound
        With its columns and how many pixels each has.

    Returns
    -------
    xarray.Dataset
        (year, work) ``permafrost_share`` (1), ``temperature_10m`` (degC), ``permafrost_table_depth`` and
        ``active_layer_thickness`` (m, of pixels that have one), ``surface_change`` (m).
    """
    pixels = scenario.pixels[scenario.pixels["position"] >= 0]
    counts = pixels.groupby("position").size()
    columns = scenario.columns
    weights = xr.DataArray(counts.reindex(range(columns.sizes["column"]), fill_value=0).to_numpy(float), dims="column")
    values = columns.drop_vars("ground_thermal_state").assign(
        permafrost_share=columns.permafrost_table_depth.notnull().astype(float)
    )
    known = values.notnull()
    work = columns["work"]
    sums = (values.fillna(0.0) * weights).groupby(work).sum() / (known * weights).groupby(work).sum()
    return sums.drop_attrs(deep=False)


def around_works(scenario: ScenarioFound, shape: tuple[int, int]) -> dict[str, slice]:
    """Rows and columns of a grid that hold all pits and heaps, with a margin."""
    spans = zip(("y", "x"), ("row", "column"), shape, strict=True)
    return {
        dim: slice(
            max(int(scenario.pixels[name].min()) - _MARGIN, 0),
            min(int(scenario.pixels[name].max()) + _MARGIN + 1, size),
        )
        for dim, name, size in spans
    }


def simulation_notes(scenario: ScenarioFound, config: MiningConfig) -> list[str]:
    """What the simulation rests on, in words.

    Parameters
    ----------
    scenario : ScenarioFound
        The columns.
    config : MiningConfig
        Of the run.

    Returns
    -------
    list of str
        Paragraphs.
    """
    if config.mine is None:
        return []
    pixels, columns = scenario.pixels, scenario.columns
    known = pixels[pixels["position"] >= 0]
    first = columns.isel(year=0)
    drift = float(abs(first.temperature_10m - first.column_magt)[known["position"].to_numpy()].mean())
    heat, numerics = config.mine.heat, config.mine.heat.numerics
    simulated = (
        f"{len(known)} pixels lie in pits and heaps; they are {columns.sizes['column']} distinct columns of work, "
        f"unit, ground temperature (rounded to {numerics.magt_step:g} K) and depth or height (in classes of "
        f"{numerics.size_step:g} m on slopes), each of which was simulated once, from {config.mine.first_year} to "
        f"{config.mine.last_year} after {numerics.spin_up} years of spin-up."
    )
    if len(known) < len(pixels):
        simulated += f" {len(pixels) - len(known)} pixels without ground temperature or unit were not."
    surfaces = ", ".join(f"{name} {change.offset:+g} K" for name, change in heat.changes().items() if change.offset)
    assumed = (
        f"The mean of each natural surface is the one whose top of permafrost has the mapped ground temperature (TTOP "
        f"relation); 10 m down, the first year differs from the map by {drift:.2f} K on average. Disturbed surfaces "
        f"against it: {surfaces}; the bottom of a lake has {heat.lake:g} °C. All but it warm by {heat.warming:g} "
        "K a⁻¹. Heat flows vertically: the columns know nothing of their neighbours, the sections below do."
    )
    return [simulated, assumed]
