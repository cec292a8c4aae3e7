"""Ground ice of a whole district by unit and layer: area, volume, water equivalent, and how well they are known."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from cryoscale.errors import InputError
from cryoscale.grids import geobox_of, pixel_areas
from cryoscale.ground.ice import DEPTH
from cryoscale.ground.ice_slab import Slab, slab_maps
from cryoscale.ground.ice_tables import ICE_DENSITY, WATER_DENSITY, Datum, IceLayers, ice_layers
from cryoscale.stats.pairing import sum_over_chunks

Values = np.ndarray[Any, Any]

WATER_PER_ICE = ICE_DENSITY / WATER_DENSITY

_VOLUMES = ("ground_km3", "ice_km3", "water_km3")

# Pixels are summed as integers, so that sums are the same for all chunks: the land of the whole Earth to a depth of
# 60 m has fewer litres than fit into 64 bits.
_PER_UNIT = 1000  # parts of a m2 or a m3
_PER_KM2, _PER_KM3 = 1e6 * _PER_UNIT, 1e9 * _PER_UNIT
_STEP = 2.0**-30  # km2 or km3, about 1 m3: sums of multiples of a power of two have no rounding error below 8e6 km3
_REACH, _NODES = 3.0, 25  # standard errors to which the thickness is varied, and in how many steps


@dataclass(frozen=True)
class IceVolumes:
    """Ground ice of a district.

    All tables have ``area_km2`` (permafrost with that unit), ``ground_km3`` (permafrost in the slab), ``ice_km3``,
    ``water_km3`` (water equivalent, 0.917 of the ice), and the bounds of intervals of the last two: ``ice_low_km3``,
    ``ice_high_km3``, ``water_low_km3``, ``water_high_km3``. Values add up exactly, to the last bit: they
    are multiples of 2^-30 km3 (or km2). Bounds do not add up: errors of units and layers partly cancel.

    Attributes
    ----------
    cells : pandas.DataFrame
        By ``unit``, ``name`` and ``layer``, with ``ice_content`` and its ``standard_error``, m3 m-3.
    units, layers : pandas.DataFrame
        By ``unit`` and ``name``, and by ``layer``.
    total : pandas.Series
        Of all.
    unknown_area_km2 : float
        Permafrost without a thickness of the active layer or a unit: not in any of the tables.
    draws : numpy.ndarray
        (draw,), total volume of ice of each draw, km3.
    """

    cells: pd.DataFrame
    units: pd.DataFrame
    layers: pd.DataFrame
    total: "pd.Series[float]"
    unknown_area_km2: float
    draws: Values


def ice_volumes(
    active_layer_thickness: xr.DataArray,
    units: xr.DataArray,
    table: pd.DataFrame,
    *,
    depth: float | xr.DataArray = DEPTH,
    permafrost: xr.DataArray | None = None,
    datum: Datum = Datum.PERMAFROST_TABLE,
    thickness_error: float = 0.0,
    confidence: float = 0.9,
    n_draws: int = 4000,
    seed: int = 0,
) -> IceVolumes:
    """Add up ground ice by unit and layer, with intervals by Monte Carlo.

    What is uncertain is the mean ice content of each unit and layer. Its error is spread / sqrt(n) times Student's t
    with n - 1 degrees of freedom (one where there is one sample), cut off at 0 and at the porosity. One content is
    drawn for a unit and layer, not for a pixel: all its pixels share the error of their mean, while errors drawn pixel
    by pixel would average out to nothing. For the same reason an error of the active-layer thickness is one number for
    the district, normal, cut off at three standard errors. Bounds are quantiles of the draws; those of units, layers
    and the total come from the same draws, in which units and layers are independent.

    Parameters
    ----------
    active_layer_thickness, units, table, depth, permafrost, datum
        As for `cryoscale.ground.ice.ground_ice`, on a grid with a CRS.
    thickness_error : float
        Standard error of the mean thickness of the active layer over the district, m. Only with Datum.SURFACE: the
        other layers move with the permafrost table.
    confidence : float
        Of the intervals.
    n_draws : int
        100 or more.
    seed : int
        The same seed gives the same draws.

    Returns
    -------
    IceVolumes
        Computed at once, chunk by chunk; the same for all chunks to the last bit.

    Raises
    ------
    InputError
        As `cryoscale.ground.ice.ground_ice`; if the grid has no CRS, or an option is out of range.

    Examples
    --------
    >>> from odc.geo.geobox import GeoBox
    >>> from cryoscale.grids import grid_coords
    >>> grid = grid_coords(GeoBox.from_bbox((99, 38, 99.2, 38.1), "EPSG:4326", resolution=0.1))
    >>> thickness, units = (xr.DataArray(v, grid, ("y", "x")) for v in ([[1.0, 2.0]], [[1, 2]]))
    >>> table = pd.DataFrame({"unit": [1, 2], "top": 0.0, "bottom": 10.0, "ice_content": [0.5, 0.1]})
    >>> volumes = ice_volumes(thickness, units, table.assign(spread=0.05, n=9))
    >>> volumes.units.ice_km3.round(2).tolist(), f"{volumes.total.ice_km3:.2f}"
    ([0.49, 0.1], '0.58')
    >>> bool(volumes.units.ice_km3.sum() == volumes.total.ice_km3)
    True
    """
    _require(thickness_error, confidence=confidence, n_draws=n_draws, datum=datum)
    layers = ice_layers(table, units)
    maps = slab_maps(active_layer_thickness, units, permafrost=permafrost, depth=depth)
    spread = np.linspace(-_REACH, _REACH, _NODES) if thickness_error else np.zeros(1)
    area, ground, unknown = _sums(maps, shifts=spread * thickness_error, layers=layers, datum=datum)
    contents, moved = np.random.default_rng(seed).spawn(2)
    volumes = _drawn_volumes(ground, spread, n=n_draws, rng=moved)
    draws = volumes * _drawn_contents(layers, n=n_draws, rng=contents)
    cells = _cells(layers, area, ground[len(spread) // 2])
    return _summary(cells, draws, layers=layers, unknown=unknown, confidence=confidence)


def _require(thickness_error: float, *, confidence: float, n_draws: int, datum: Datum) -> None:
    if not 0.0 <= thickness_error < np.inf:
        raise InputError(f"thickness_error: must be in m, 0 or more, not {thickness_error:g}.")
    if thickness_error and datum is Datum.PERMAFROST_TABLE:
        raise InputError(
            f"thickness_error: {thickness_error:g} m has no effect on layers that are counted from the permafrost "
            "table. Leave it out, or give layers from the surface with datum='surface'."
        )
    if not 0.0 < confidence < 1.0:
        raise InputError(f"confidence: must be between 0 and 1, such as 0.9, not {confidence:g}.")
    if n_draws < 100:
        raise InputError(f"n_draws: {n_draws} are too few for an interval. Give 100 or more.")


def _sums(
    maps: Sequence[xr.DataArray], *, shifts: Values, layers: IceLayers, datum: Datum
) -> tuple[Values, Values, float]:
    """Area by unit (km2), permafrost in the slab by shift, layer and unit (km3), area that is unknown (km2)."""
    grid, count = maps[0], partial(_count, shifts=shifts, layers=layers, datum=datum)
    area = pixel_areas(geobox_of(grid))
    full = [grid.transpose("y", "x"), *(m.broadcast_like(grid).transpose("y", "x") for m in maps[1:])]
    shape = (len(shifts), 1 + len(layers.layers), len(layers.codes) + 1)
    sums = np.asarray(sum_over_chunks(count, *full, grid.transpose("y", "x").copy(data=area.data), shape=shape))
    return sums[0, 0, :-1] / _PER_KM2, sums[:, 1:, :-1] / _PER_KM3, float(sums[0, 0, -1] / _PER_KM2)


def _count(*blocks: Values, shifts: Values, layers: IceLayers, datum: Datum) -> Values:
    """Sums of a block in thousandths of m2 and in litres: area, then layers; by unit, then what is unknown."""
    thickness, *others, area = blocks
    counts = np.zeros((len(shifts), 1 + len(layers.layers), len(layers.codes) + 1), np.int64)
    for sums, shift in zip(counts, shifts, strict=True):
        slab = Slab.of(np.maximum(thickness + shift, 0.0) if shift else thickness, *others, layers=layers, datum=datum)
        units, areas = slab.unit[slab.known], area[slab.known]
        np.add.at(sums[0], units, np.rint(areas * _PER_UNIT).astype(np.int64))
        sums[0, -1] = np.rint(area[slab.unknown] * _PER_UNIT).astype(np.int64).sum()
        for number in range(len(layers.layers)):
            litres = areas * slab.thickness(layers, number)[slab.known] * _PER_UNIT
            np.add.at(sums[1 + number], units, np.rint(litres).astype(np.int64))
    return counts


def _drawn_volumes(ground: Values, spread: Values, *, n: int, rng: np.random.Generator) -> Values:
    """Permafrost (draw, layer, unit), km3, with errors of the thickness: linear between those that were summed."""
    if len(spread) == 1:
        return ground
    errors = ndtri(rng.uniform(ndtr(-_REACH), ndtr(_REACH), n))
    weights = np.maximum(1.0 - np.abs(errors[:, np.newaxis] - spread) / (spread[1] - spread[0]), 0.0)
    return np.asarray(np.einsum("dn,nlu->dlu", weights, ground))


def _drawn_contents(layers: IceLayers, *, n: int, rng: np.random.Generator) -> Values:
    """Mean ice contents (draw, layer, unit): Student's t about the mean of the samples, within what can be."""
    scale = np.where(layers.error > 0.0, layers.error, 1.0)
    low, high = (stdtr(layers.freedom, (end - layers.content) / scale) for end in (0.0, layers.most))
    errors = stdtrit(layers.freedom, low + (high - low) * rng.random((n, *layers.content.shape)))
    drawn = np.clip(layers.content + scale * errors, 0.0, layers.most)
    return np.where(layers.error > 0.0, drawn, layers.content)


def _cells(layers: IceLayers, area: Values, ground: Values) -> pd.DataFrame:
    """What is known of every unit and layer, rounded so that sums are exact."""
    unit, layer = np.nonzero(layers.there.T)
    content = layers.content[layer, unit]
    return pd.DataFrame(
        {
            "unit": layers.codes[unit],
            "name": np.array(layers.names, object)[unit],
            "layer": np.array(layers.layers, object)[layer],
            "ice_content": content,
            "standard_error": layers.error[layer, unit],
            "area_km2": _round(area[unit]),
            "ground_km3": _round(ground[layer, unit]),
            "ice_km3": _round(ground[layer, unit] * content),
            "water_km3": _round(ground[layer, unit] * content * WATER_PER_ICE),
        }
    )


def _round(values: Values) -> Values:
    return np.asarray(np.rint(values / _STEP) * _STEP)


def _summary(cells: pd.DataFrame, draws: Values, *, layers: IceLayers, unknown: float, confidence: float) -> IceVolumes:
    by_unit = cells.groupby(["unit", "name"]).agg({"area_km2": "first"} | dict.fromkeys(_VOLUMES, "sum")).reset_index()
    by_layer = cells.groupby("layer")[["area_km2", *_VOLUMES]].sum().reindex(pd.Index(layers.layers, name="layer"))
    total = by_unit[["area_km2", *_VOLUMES]].sum().to_frame().T
    of_cells = draws.transpose(0, 2, 1)[:, layers.there.T]
    bounds = partial(_with_bounds, confidence=confidence)
    return IceVolumes(
        cells=bounds(cells, of_cells),
        units=bounds(by_unit, draws.sum(axis=1)),
        layers=bounds(by_layer.reset_index(), draws.sum(axis=2)),
        total=bounds(total, draws.sum(axis=(1, 2))).iloc[0],
        unknown_area_km2=unknown,
        draws=draws.sum(axis=(1, 2)),
    )


def _with_bounds(table: pd.DataFrame, draws: Values, *, confidence: float) -> pd.DataFrame:
    low, high = np.quantile(draws, [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0], axis=0)
    ice = table.assign(ice_low_km3=low, ice_high_km3=high)
    return ice.assign(water_low_km3=low * WATER_PER_ICE, water_high_km3=high * WATER_PER_ICE)
