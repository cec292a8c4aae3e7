"""Ice in the ground of the mining district: true contents by unit and layer, and logs of boreholes."""

from itertools import pairwise
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cryoscale.errors import InputError
from cryoscale.grids import pixel_areas
from cryoscale.scenes.muli_land import ALLUVIAL, BEDROCK, LACUSTRINE, MORAINE, SLOPE_WASH, UNITS, MuliLand
from cryoscale.scenes.muli_places import places_in

EDGES = (0.0, 1.0, 3.0, 10.0)
"""m below the permafrost table."""

CONTENTS: MappingProxyType[int, tuple[float, ...]] = MappingProxyType(
    {
        ALLUVIAL: (0.35, 0.25, 0.18),
        LACUSTRINE: (0.60, 0.50, 0.38),
        SLOPE_WASH: (0.45, 0.33, 0.22),
        MORAINE: (0.38, 0.28, 0.20),
        BEDROCK: (0.10, 0.06, 0.04),
    }
)
"""True mean ice content of each layer, m3 m-3."""

BOREHOLES: MappingProxyType[int, int] = MappingProxyType(
    {ALLUVIAL: 22, LACUSTRINE: 20, SLOPE_WASH: 22, MORAINE: 18, BEDROCK: 14}
)
"""How many in each unit, if it has as many pixels with permafrost."""

SPREAD, SAMPLING = 0.2, 0.05  # of the content: between boreholes, and between pieces of one core
THAWED = 0.15  # m3 m-3, ice of the season that cores have in the active layer
PIECES = (2, 3, 5)  # of core in each layer
SHORT = 0.2  # share of boreholes that end in the lowest layer


def true_contents() -> pd.DataFrame:
    """True ice contents.

    Returns
    -------
    pandas.DataFrame
        ``unit``, ``name``, ``top``, ``bottom`` (m below the permafrost table), ``ice_content`` (m3 m-3).

    Examples
    --------
    >>> true_contents().ice_content.iloc[:3].tolist()
    [0.35, 0.25, 0.18]
    """
    layers = list(pairwise(EDGES))
    rows = [
        {"unit": unit, "name": UNITS[unit], "top": top, "bottom": bottom, "ice_content": content}
        for unit, contents in CONTENTS.items()
        for (top, bottom), content in zip(layers, contents, strict=True)
    ]
    return pd.DataFrame(rows)


def true_ice_volume(land: MuliLand) -> float:
    """True volume of ice in the ten metres below the permafrost table.

    Parameters
    ----------
    land : MuliLand
        The ground.

    Returns
    -------
    float
        km3.
    """
    per_area = {unit: float(np.dot(contents, np.diff(EDGES))) for unit, contents in CONTENTS.items()}
    area = np.where(land.permafrost.values, pixel_areas(land.geobox).values, 0.0)
    return float(sum(area[land.units.values == unit].sum() * metres for unit, metres in per_area.items()) / 1e9)


def ice_logs(land: MuliLand, *, rng: np.random.Generator) -> pd.DataFrame:
    """Logs of nearly a hundred boreholes in permafrost, some of which end early.

    Parameters
    ----------
    land : MuliLand
        The ground.
    rng : numpy.random.Generator
        Source of places and noise.

    Returns
    -------
    pandas.DataFrame
        A row for each piece of core: ``borehole``, ``longitude``, ``latitude`` (degree), ``unit``, ``depth_top``,
        ``depth_bottom`` (m below the surface), ``ice_content`` (m3 m-3). Each begins with the active layer.

    Raises
    ------
    InputError
        If a unit has no permafrost.
    """
    logs: list[pd.DataFrame] = []
    for unit, wanted in BOREHOLES.items():
        pixels = np.argwhere(land.permafrost.values & (land.units.values == unit))
        if not len(pixels):
            raise InputError(f"muli scene: has no permafrost in {UNITS[unit]}. Give a larger shape or another seed.")
        drilled = rng.permutation(pixels)[:wanted]
        for (row, column), place in zip(drilled, places_in(land.geobox, drilled, rng=rng), strict=True):
            thickness = float(land.active_layer_thickness.values[row, column])
            name = {"borehole": f"ZK{len(logs) + 1:03d}"}
            logs.append(pd.DataFrame(name | place | {"unit": unit} | _cores(CONTENTS[unit], thickness, rng=rng)))
    return pd.concat(logs, ignore_index=True)


def _cores(
    contents: tuple[float, ...], thickness: float, *, rng: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """Pieces of core of one borehole, with depths to the centimetre."""
    parts = [
        np.linspace(top, bottom, n, endpoint=False) for (top, bottom), n in zip(pairwise(EDGES), PIECES, strict=True)
    ]
    depths = np.concatenate([[0.0], thickness + np.concatenate(parts), [thickness + EDGES[-1]]]).round(2)
    layer_means = np.array(contents) * (1 + SPREAD * rng.standard_normal(len(contents)))
    pieces = np.repeat(layer_means, PIECES) * (1 + SAMPLING * rng.standard_normal(sum(PIECES)))
    lost = int(rng.integers(1, PIECES[-1])) if rng.random() < SHORT else 0
    kept = slice(len(pieces) + 1 - lost)
    contents_found = np.clip([THAWED, *pieces], 0.0, 0.98).round(3)
    return {"depth_top": depths[:-1][kept], "depth_bottom": depths[1:][kept], "ice_content": contents_found[kept]}
