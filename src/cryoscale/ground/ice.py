"""Ground ice: its volume from the permafrost table down, pixel by pixel, and what mining changes in it."""

from functools import partial
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.ground.ice_slab import Slab, require_mask, slab_maps
from cryoscale.ground.ice_tables import Datum, IceLayers, ice_layers
from cryoscale.lift import lift
from cryoscale.variables import attributes

Values = np.ndarray[Any, Any]
Maps = TypeVar("Maps", xr.DataArray, xr.Dataset)

DEPTH = 10.0
"""m below the permafrost table that are looked at by default."""

_VOLUME, _TOTAL = "ground_ice_volume", "total_ground_ice_volume"


def ground_ice(
    active_layer_thickness: xr.DataArray,
    units: xr.DataArray,
    table: pd.DataFrame,
    *,
    depth: float | xr.DataArray = DEPTH,
    permafrost: xr.DataArray | None = None,
    datum: Datum = Datum.PERMAFROST_TABLE,
) -> xr.Dataset:
    """Volume of ground ice per area from the permafrost table down to some metres below it.

    In each layer the mean ice content of the unit times the thickness of what lies both in the layer and in that slab.
    Layers that are counted from the surface are cut by the permafrost table.

    Parameters
    ----------
    active_layer_thickness : xarray.DataArray
        (y, x), m: the depth of the permafrost table.
    units : xarray.DataArray
        (y, x), numbers of geomorphic or sedimentary units; 0 or NaN is no data.
    table : pandas.DataFrame
        Ice contents by unit and layer; see `cryoscale.ground.ice_tables.check_ice_table`.
    depth : float or xarray.DataArray
        Thickness of the slab, m; as a map (y, x), such as what mining has left of the slab that there was.
    permafrost : xarray.DataArray, optional
        bool (y, x). Where it is False there is no ice, whatever the others hold. By default permafrost is everywhere.
    datum : Datum
        Where the depths of the table are counted from.

    Returns
    -------
    xarray.Dataset
        ``ground_ice_volume`` (layer, y, x) and ``total_ground_ice_volume`` (y, x), m3 m-2; NaN where thickness or unit
        are unknown. Lazy where an input is.

    Raises
    ------
    InputError
        If the table cannot be used, a map is in another unit or on another grid, or the mask is not boolean. On lazy
        input while computing: if a thickness is negative or not in m, the raster has units without an entry (with their
        pixels in the chunk), or the slab reaches beyond the layers of its unit.

    Examples
    --------
    >>> table = pd.DataFrame({"unit": 1, "top": [0, 2], "bottom": [2, 12], "ice_content": [0.5, 0.1]})
    >>> table = table.assign(spread=0.05, n=6)
    >>> thickness, units = xr.DataArray([[1.0, 2.5]], dims=("y", "x")), xr.DataArray([[1, 1]], dims=("y", "x"))
    >>> ground_ice(thickness, units, table).total_ground_ice_volume.values.round(3)
    array([[1.8, 1.8]], dtype=float32)
    >>> ground_ice(thickness, units, table, depth=9.0, datum=Datum.SURFACE).total_ground_ice_volume.values.round(3)
    array([[1.3, 0.9]], dtype=float32)
    """
    layers = ice_layers(table, units)
    maps = slab_maps(active_layer_thickness, units, permafrost=permafrost, depth=depth)
    outputs: dict[str, tuple[str, ...]] = {_VOLUME: ("layer",), _TOTAL: ()}
    return lift(
        partial(_volumes, layers=layers, datum=datum),
        *maps,
        core_dims=[[], [], [], []],
        outputs=outputs,
        coords={"layer": np.array(layers.layers, object)},
    )


def merge_after_mining(before: Maps, after: Maps, *, disturbed: xr.DataArray) -> Maps:
    """Maps as they are after mining: those of the disturbed ground where it is, those from before elsewhere.

    For thicknesses of the active layer, permafrost, units, temperatures, and for the results of `ground_ice`, whose
    tables may differ in their layers: a layer that only one of them has is empty in the other.

    Parameters
    ----------
    before, after : xarray.DataArray or xarray.Dataset
        (..., y, x), of the same variables on one grid.
    disturbed : xarray.DataArray
        bool (y, x): pits, heaps and whatever else has been changed.

    Returns
    -------
    xarray.DataArray or xarray.Dataset
        With the attributes of `before`. Lazy where an input is. No data in `after` stay no data where it is disturbed.

    Raises
    ------
    InputError
        If the mask is not boolean, the grids differ, or the variables do.

    Examples
    --------
    >>> depth, dug = xr.DataArray([1.0, 1.2], dims="x"), xr.DataArray([False, True], dims="x")
    >>> merge_after_mining(depth, depth + 3.0, disturbed=dug).values
    array([1. , 4.2])
    """
    require_mask(disturbed, "disturbed")
    first, second, mask = _on_one_grid(before, after, disturbed)
    merged: Maps = first.where(~mask, second)
    return merged


def ice_change(before: xr.Dataset, after: xr.Dataset) -> xr.Dataset:
    """Change of the volume of ground ice per area, negative where ice is lost.

    Each result holds the slab below its own permafrost table. Where the table has sunk, this is the change of the
    ice in that many metres below the table, not what has melted; for the latter, compute `after` with Datum.SURFACE
    and as `depth` what is left of the slab that there was.

    Parameters
    ----------
    before, after : xarray.Dataset
        From `ground_ice` or `merge_after_mining`.

    Returns
    -------
    xarray.Dataset
        ``ground_ice_volume_change`` (layer, y, x) and ``total_ground_ice_volume_change`` (y, x), m3 m-2.

    Raises
    ------
    InputError
        If a dataset lacks the volumes, or the grids differ.

    Examples
    --------
    >>> ice = xr.Dataset({"ground_ice_volume": ("layer", [2.0, 1.0]), "total_ground_ice_volume": 3.0})
    >>> float(ice_change(ice, 0.5 * ice).total_ground_ice_volume_change)
    -1.5
    """
    for name, volumes in (("before", before), ("after", after)):
        missing = [variable for variable in (_VOLUME, _TOTAL) if variable not in volumes]
        if missing:
            raise InputError(f"{name}: has no {', '.join(missing)}. Give a result of ground_ice.")
    first, second = _on_one_grid(before[[_VOLUME, _TOTAL]], after[[_VOLUME, _TOTAL]])
    changes = {f"{name}_change": second[name] - first[name] for name in (_VOLUME, _TOTAL)}
    return xr.Dataset({name: change.assign_attrs(attributes(name)) for name, change in changes.items()})


def _volumes(*maps: Values, layers: IceLayers, datum: Datum) -> tuple[Values, Values]:
    slab = Slab.of(*maps, layers=layers, datum=datum)
    shape = (len(layers.layers), *slab.unit.shape)
    ice, total = np.empty(shape, np.float32), np.zeros(shape[1:])
    for number in range(len(layers.layers)):
        volume = layers.content[number, slab.unit] * slab.thickness(layers, number)
        ice[number] = volume
        total += volume
    return ice, total.astype(np.float32)


def _on_one_grid(before: Maps, after: Maps, *others: xr.DataArray) -> tuple[Any, ...]:
    """The same maps, with all the layers of both, after a check that they lie on one grid."""
    if isinstance(before, xr.Dataset) and set(before.data_vars) != set(after.data_vars):
        raise InputError(
            f"after: has {', '.join(map(str, after.data_vars))}, but before has "
            f"{', '.join(map(str, before.data_vars))}. Give the same variables."
        )
    if "layer" in before.dims and "layer" in before.coords:
        names = list(dict.fromkeys([*before["layer"].values, *after["layer"].values]))
        before, after = (_with_layers(volumes, names) for volumes in (before, after))
    try:
        return xr.align(before, after, *others, join="exact", copy=False)
    except ValueError as error:
        raise InputError(f"before, after: do not lie on one grid ({error}). Resample one to the other.") from error


def _with_layers(volumes: Maps, names: list[str]) -> Maps:
    """With layers of no ice where a table has none of that name; what is not known stays so."""
    if list(volumes["layer"].values) == names:
        return volumes
    if not isinstance(volumes, xr.Dataset):
        raise InputError(f"{volumes.name}: maps by layer must have the same layers. Give the datasets of ground_ice.")
    wider = volumes.reindex(layer=np.array(names, object), fill_value=np.float32(0.0))
    return wider.assign({_VOLUME: wider[_VOLUME].where(volumes[_TOTAL].notnull()).assign_attrs(volumes[_VOLUME].attrs)})
