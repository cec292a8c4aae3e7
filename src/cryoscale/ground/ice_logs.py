"""From logs of boreholes to a table of ice contents by unit and layer."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from pyproj import Transformer

from cryoscale.errors import InputError
from cryoscale.grids import describe_grid, geobox_of
from cryoscale.ground.ice_tables import ICE_DENSITY, TOLERANCE, Datum
from cryoscale.variables import check_units

Values = np.ndarray[Any, Any]

LAYER_EDGES = (0.0, 1.0, 3.0, 10.0)
"""m; edges of the layers where none are asked for."""

_NEEDED = ("borehole", "unit", "depth_top", "depth_bottom", "ice_content")
_DRY_DENSITY = (50.0, 2700.0)  # kg m-3, from peat to rock
_NAMED = 5  # boreholes in a message


def ice_from_water(water_content: Any, dry_density: Any) -> Any:
    """Volumetric ice content of frozen ground from its gravimetric water content.

    The mass of water per volume of ground, w rho_d / 100, as ice of 917 kg m-3: theta_i = w rho_d / (100 x 917)
    (definitions of gravimetric and volumetric content: van Everdingen 2005, Multi-language glossary of permafrost).
    All water counts as ice: what stays liquid below 0 degC makes this an upper bound in clay.

    Parameters
    ----------
    water_content : array_like
        Mass of ice and water over that of dry soil, %.
    dry_density : array_like
        Dry bulk density, kg m-3.

    Returns
    -------
    array_like
        m3 m-3.

    Raises
    ------
    InputError
        If a content is negative, a density is not one of soil or rock in kg m-3, or more ice than ground comes out.

    Examples
    --------
    >>> print(f"{ice_from_water(25.0, 1400.0):.4f}")
    0.3817
    """
    water, density = np.asarray(water_content, float), np.asarray(dry_density, float)
    if (water < 0.0).any():
        raise InputError(f"water_content: is {np.nanmin(water):g}, but must be in % of the dry mass, 0 or more.")
    low, high = _DRY_DENSITY
    wrong = (density < low) | (density > high)
    if wrong.any():
        raise InputError(
            f"dry_density: is {density[wrong].flat[0]:g}, but must be in kg m-3, {low:g} to {high:g}. "
            "Multiply g cm-3 by 1000."
        )
    ice = water_content * dry_density / (100.0 * ICE_DENSITY)
    if (np.asarray(ice) > 1.0).any():
        raise InputError(
            f"water_content: makes {np.nanmax(ice):.3g} m3 of ice in 1 m3 of ground with its dry_density. "
            "Check that it is in % of the dry mass, and that the density is the dry bulk density of the frozen ground."
        )
    return ice


def ice_table(
    logs: pd.DataFrame,
    *,
    active_layer: "pd.Series[float] | xr.DataArray",
    edges: Sequence[float] = LAYER_EDGES,
    datum: Datum = Datum.PERMAFROST_TABLE,
    least_cover: float = 0.5,
) -> pd.DataFrame:
    """Ice contents by unit and layer from logs of boreholes.

    A borehole's content of a layer is the mean of its log, weighted by thickness, over what lies in the layer and
    below the permafrost table. A cell of the table is the mean and the standard deviation over boreholes: a borehole,
    not a sample, is what is drawn at random from a unit. Where a cell has one borehole only, its spread is that within
    all other cells (pooled).

    Parameters
    ----------
    logs : pandas.DataFrame
        One row a piece of core: ``borehole``, ``unit`` (one for a borehole), ``depth_top``, ``depth_bottom`` (m below
        the surface), ``ice_content`` (m3 m-3). With a map for `active_layer` also ``longitude`` and ``latitude``
        (degree, WGS84). Pieces may be missing.
    active_layer : pandas.Series or xarray.DataArray
        Thickness of the active layer, m: by borehole, or a map (y, x) that is read where the boreholes are.
    edges : sequence of float
        Edges of the layers, m below the datum.
    datum : Datum
        Where the edges are counted from.
    least_cover : float
        Least share of a layer (of its part below the permafrost table) that a log must cover to count.

    Returns
    -------
    pandas.DataFrame
        As `cryoscale.ground.ice_tables.check_ice_table` wants it.

    Raises
    ------
    InputError
        If logs lack a column, overlap, have contents outside 0 to 1 or depths upside down; a borehole has two units,
        lies outside the map, or has no active layer; edges do not grow; a unit has no borehole in a layer; or no cell
        has two.

    Examples
    --------
    >>> logs = pd.DataFrame({"borehole": ["a", "b", "b"], "unit": 1, "depth_top": [0.0, 0.0, 2.0]})
    >>> logs = logs.assign(depth_bottom=[3.0, 2.0, 3.0], ice_content=[0.3, 0.2, 0.6])
    >>> table = ice_table(logs, active_layer=pd.Series({"a": 1.0, "b": 1.0}), edges=(0, 2))
    >>> table[["ice_content", "spread", "n"]].round(3).values.tolist()
    [[0.35, 0.071, 2.0]]
    """
    layers = _layers_between(edges)
    if not 0.0 < least_cover <= 1.0:
        raise InputError(f"least_cover: must be above 0 to 1, not {least_cover:g}.")
    _require_logs(logs)
    table = _thickness_at(logs, active_layer)
    contents = _contents(logs, table, layers=layers, datum=datum, least_cover=least_cover)
    units = logs.groupby("borehole")["unit"].first().reindex(contents.index)
    groups = contents.groupby(units.to_numpy())
    cells = pd.DataFrame({name: groups.agg(name).stack() for name in ("mean", "std", "count")})
    _require_cells(cells, layers)
    places = cells.index.get_level_values(1)
    return pd.DataFrame(
        {
            "unit": cells.index.get_level_values(0),
            "top": layers[places, 0],
            "bottom": layers[places, 1],
            "ice_content": cells["mean"].to_numpy(),
            "spread": cells["std"].fillna(_pooled_spread(cells)).to_numpy(),
            "n": cells["count"].to_numpy(int),
        }
    )


def _layers_between(edges: Sequence[float]) -> Values:
    """Top and bottom of every layer (layer, 2)."""
    if len(edges) < 2 or edges[0] < 0.0 or any(not above < below for above, below in pairwise(edges)):
        raise InputError(f"edges: must be two or more depths in m from 0 that grow, not {list(edges)}.")
    return np.array(list(pairwise(edges)), float)


def _require_logs(logs: pd.DataFrame) -> None:
    missing = [name for name in _NEEDED if name not in logs]
    if missing:
        raise InputError(f"logs: have the columns {', '.join(map(str, logs.columns))}; need {', '.join(missing)}.")
    if logs.empty:
        raise InputError("logs: have no rows. Give one for each piece of core.")
    top, bottom = logs["depth_top"], logs["depth_bottom"]
    _refuse(logs, logs[list(_NEEDED)].isna().any(axis=1), "has an empty cell. Fill it in or drop the row")
    _refuse(logs, ~((top >= 0.0) & (top < bottom)), "must have depths in m, 0 <= depth_top < depth_bottom")
    _refuse(
        logs,
        ~logs["ice_content"].between(0.0, 1.0),
        "must have an ice_content in m3 m-3, 0 to 1. Divide percent by 100",
    )
    ordered = logs.sort_values(["borehole", "depth_top"])
    above = ordered.groupby("borehole")["depth_bottom"].shift()
    _refuse(ordered, above - ordered["depth_top"] > TOLERANCE, "has pieces of core that overlap")
    n_units = logs.groupby("borehole")["unit"].nunique()
    if (n_units > 1).any():
        raise InputError(f"logs: borehole {n_units.idxmax()} lies in {n_units.max()} units. Give it one.")


def _refuse(logs: pd.DataFrame, wrong: "pd.Series[bool]", fault: str) -> None:
    if wrong.any():
        row = logs[wrong].iloc[0]
        found = ", ".join(f"{name} {row[name]:g}" for name in _NEEDED[2:])
        raise InputError(f"logs: borehole {row['borehole']} {fault}; it has {found}.")


def _thickness_at(logs: pd.DataFrame, active_layer: "pd.Series[float] | xr.DataArray") -> "pd.Series[float]":
    """Thickness of the active layer by borehole, in the order of their names."""
    boreholes = pd.Index(sorted(logs["borehole"].unique()), name="borehole")
    known = _read_map(logs, active_layer) if isinstance(active_layer, xr.DataArray) else active_layer
    thickness = known.reindex(boreholes)
    wrong = ~(thickness >= 0.0)
    if wrong.any():
        raise InputError(
            f"active_layer: is {thickness[wrong].iloc[0]:g} at {wrong.sum()} of {len(wrong)} boreholes "
            f"({_listed(boreholes[wrong])}), but must be in m, 0 or more. Give it there, or leave out boreholes "
            "without permafrost."
        )
    return thickness


def _read_map(logs: pd.DataFrame, active_layer: xr.DataArray) -> "pd.Series[float]":
    if not {"longitude", "latitude"} <= set(logs.columns):
        raise InputError("logs: have no longitude and latitude, which a map of active_layer needs. Add them.")
    places = logs.groupby("borehole")[["longitude", "latitude"]].first()
    geobox = geobox_of(check_units(active_layer, "active_layer_thickness"))
    to_grid = Transformer.from_crs("EPSG:4326", str(geobox.crs), always_xy=True)
    x, y = to_grid.transform(places["longitude"].to_numpy(), places["latitude"].to_numpy())
    columns, rows = (np.floor(place) for place in ~geobox.transform @ (x, y))
    outside = ~((rows >= 0) & (rows < geobox.shape[0]) & (columns >= 0) & (columns < geobox.shape[1]))
    if outside.any():
        raise InputError(
            f"logs: {outside.sum()} of {len(places)} boreholes lie outside the grid ({describe_grid(geobox)}): "
            f"{_listed(places.index[outside])}. Correct their places, or leave them out."
        )
    at = {dim: xr.DataArray(values.astype(int), dims="borehole") for dim, values in (("y", rows), ("x", columns))}
    return pd.Series(active_layer.isel(at).values.astype(float), places.index)


def _listed(names: Any) -> str:
    return ", ".join(map(str, names[:_NAMED])) + (", ..." if len(names) > _NAMED else "")


def _contents(
    logs: pd.DataFrame, table: "pd.Series[float]", *, layers: Values, datum: Datum, least_cover: float
) -> pd.DataFrame:
    """Ice content by borehole and number of the layer; NaN where the log covers too little of it."""
    depth = table.reindex(logs["borehole"]).to_numpy()[:, np.newaxis]
    shift = depth if datum is Datum.PERMAFROST_TABLE else 0.0
    tops, bottoms = np.maximum(layers[:, 0] + shift, depth), layers[:, 1] + shift
    upper, lower = (logs[name].to_numpy(float)[:, np.newaxis] for name in ("depth_top", "depth_bottom"))
    length = np.clip(np.minimum(lower, bottoms) - np.maximum(upper, tops), 0.0, None)
    boreholes = logs["borehole"].to_numpy()
    cored = pd.DataFrame(length).groupby(boreholes).sum()
    ice = pd.DataFrame(length * logs["ice_content"].to_numpy(float)[:, np.newaxis]).groupby(boreholes).sum()
    wanted = pd.DataFrame(bottoms - tops).groupby(boreholes).first()
    return (ice / cored.where(cored > 0.0)).where(cored >= least_cover * wanted - TOLERANCE)


def _require_cells(cells: pd.DataFrame, layers: Values) -> None:
    empty = cells.index[cells["count"] == 0]
    if len(empty):
        named = "; ".join(f"unit {unit}, {layers[at, 0]:g} to {layers[at, 1]:g} m" for unit, at in empty)
        raise InputError(
            f"logs: no borehole covers enough of {named}. Give wider layers, or rows of the table from elsewhere."
        )


def _pooled_spread(cells: pd.DataFrame) -> float:
    """Standard deviation within cells; not asked for where every cell has its own."""
    freedom = (cells["count"] - 1).clip(lower=0)
    if freedom.sum() == 0:
        raise InputError("logs: no unit has two boreholes in a layer, so that nothing is known of the spread.")
    return float(np.sqrt((freedom * cells["std"].fillna(0.0) ** 2).sum() / freedom.sum()))
