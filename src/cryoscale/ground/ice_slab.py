"""The slab of permafrost that is looked at for ice: where it begins and ends, and what of a layer lies in it."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.ground.ice_tables import TOLERANCE, Datum, IceLayers
from cryoscale.stats.pairing import paired_with
from cryoscale.variables import VARIABLES, check_units

Values = np.ndarray[Any, Any]

_THICKEST = (VARIABLES["active_layer_thickness"].valid_range or (0.0, np.inf))[1]
_NAMED = 8  # units in a message


@dataclass(frozen=True)
class Slab:
    """What is permafrost in a block of pixels, from the permafrost table to some metres below it.

    Attributes
    ----------
    unit : numpy.ndarray of int
        Position of the unit in the table of layers.
    known, unknown : numpy.ndarray of bool
        Where there is permafrost with thickness and unit, and where one of these is missing; neither: no permafrost.
    start, end : numpy.ndarray
        m below the datum of the layers.
    """

    unit: Values
    known: Values
    unknown: Values
    start: Values
    end: Values

    @classmethod
    def of(
        cls, thickness: Values, units: Values, permafrost: Values, depth: Values, *, layers: IceLayers, datum: Datum
    ) -> Self:
        """Check a block and find its slab.

        Parameters
        ----------
        thickness, units, permafrost, depth : numpy.ndarray
            Thickness of the active layer (m), numbers of units, permafrost, thickness of the slab (m); they broadcast.
        layers : IceLayers
            The table.
        datum : Datum
            Where its depths are counted from.

        Returns
        -------
        Slab

        Raises
        ------
        InputError
            If a depth is not plausible, a unit has no entry, or the slab reaches beyond the layers of its unit.
        """
        thickness, units, permafrost, depth = np.broadcast_arrays(
            np.asarray(thickness, float), np.asarray(units, float), permafrost, np.asarray(depth, float)
        )
        known = permafrost & np.isfinite(thickness) & np.isfinite(depth) & (np.nan_to_num(units) != 0)
        _require_depth(thickness[known], "active_layer_thickness", most=_THICKEST)
        _require_depth(depth[known], "depth", most=np.inf)
        unit = np.searchsorted(layers.codes, np.where(known, units, layers.codes[0])).clip(max=len(layers.codes) - 1)
        _require_entries(units[known & (layers.codes[unit] != units)], layers)
        start = thickness if datum is Datum.SURFACE else np.zeros_like(thickness)
        found = cls(unit, known, permafrost & ~known, start, start + depth)
        found._require_reach(layers)
        return found

    def thickness(self, layers: IceLayers, number: int) -> Values:
        """Thickness of a layer within the slab, m; 0 without permafrost, NaN where thickness or unit are unknown."""
        top, bottom = layers.top[number, self.unit], layers.bottom[number, self.unit]
        inside = np.clip(np.minimum(bottom, self.end) - np.maximum(top, self.start), 0.0, None)
        return np.where(self.known, inside, np.where(self.unknown, np.nan, 0.0))

    def _require_reach(self, layers: IceLayers) -> None:
        first = np.where(layers.there, layers.top, np.inf).min(axis=0)
        last = layers.bottom.max(axis=0)
        beyond = (self.start < first[self.unit] - TOLERANCE) | (self.end > last[self.unit] + TOLERANCE)
        wrong = self.known & (self.end > self.start) & beyond
        if wrong.any():
            unit, start, end = (values[wrong][0] for values in (self.unit, self.start, self.end))
            raise InputError(
                f"ice table: unit {layers.names[unit]} has layers from {first[unit]:g} to {last[unit]:g} m, but "
                f"{wrong.sum()} pixels need them from {start:.4g} to {end:.4g} m below the datum. Give a smaller "
                "depth, more layers, or the other datum."
            )


def slab_maps(
    active_layer_thickness: xr.DataArray,
    units: xr.DataArray,
    *,
    permafrost: xr.DataArray | None,
    depth: float | xr.DataArray,
) -> tuple[xr.DataArray, ...]:
    """Maps that `Slab.of` takes, on one grid and in the right units.

    Parameters
    ----------
    active_layer_thickness, units : xarray.DataArray
        (y, x), m, and numbers of units.
    permafrost : xarray.DataArray or None
        bool (y, x); None: everywhere.
    depth : float or xarray.DataArray
        m.

    Returns
    -------
    tuple of xarray.DataArray
        In the order that `Slab.of` wants; lazy where they were.

    Raises
    ------
    InputError
        If a map has other dims or another grid, is not in m, or a mask is not boolean.
    """
    table = check_units(active_layer_thickness, "active_layer_thickness")
    if set(table.dims) != {"y", "x"}:
        raise InputError(
            f"{table.name or 'active_layer_thickness'}: has the dims {table.dims}, but must have y and x. "
            "Select a year."
        )
    mask = xr.DataArray(True) if permafrost is None else require_mask(permafrost, "permafrost")
    slab = depth if isinstance(depth, xr.DataArray) else xr.DataArray(float(depth))
    if slab.attrs.get("units", "m") != "m":
        raise InputError(f"depth: is in {slab.attrs['units']!r}, but must be in 'm'. Convert it.")
    return table, *(paired_with(table, other) if other.dims else other for other in (units, mask, slab))


def require_mask(mask: xr.DataArray, name: str) -> xr.DataArray:
    """The same mask, if it is boolean.

    Parameters
    ----------
    mask : xarray.DataArray
        Of any dims.
    name : str
        What messages call it.

    Returns
    -------
    xarray.DataArray

    Raises
    ------
    InputError
        If it is not boolean: NaN and codes of classes have no one meaning as a mask.
    """
    if mask.dtype != np.bool_:
        raise InputError(f"{mask.name or name}: is {mask.dtype}, but {name} must be boolean. Compare it: mask == 1.")
    return mask


def _require_depth(values: Values, name: str, *, most: float) -> None:
    wrong = (values < 0.0) | (values > most)
    if wrong.any():
        limits = "0 or more" if np.isinf(most) else f"0 to {most:g}"
        raise InputError(
            f"{name}: is {values[wrong][0]:g} in {wrong.sum()} pixels, but must be in m, {limits}. Convert it, "
            "or make it NaN where it is not known."
        )


def _require_entries(strangers: Values, layers: IceLayers) -> None:
    if strangers.size:
        codes, counts = np.unique(strangers, return_counts=True)
        named = ", ".join(f"{code:g} ({n} pixels)" for code, n in list(zip(codes, counts, strict=True))[:_NAMED])
        raise InputError(
            f"units: {named}{', ...' if len(codes) > _NAMED else ''} have no entry in the ice table, which has "
            f"{', '.join(map(str, layers.codes))}. Add rows for them, or make them 0 (no data)."
        )
