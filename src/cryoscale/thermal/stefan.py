"""Thickness of the active layer by Stefan's equation, with its error, and the pixels that have none."""

from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.lift import lift
from cryoscale.thermal._pointwise import scaled_root
from cryoscale.thermal.degree_days import aligned
from cryoscale.variables import check_units

Values = np.ndarray[Any, Any]

NO_DATA, ACTIVE_LAYER, WATER, BARE_ROCK, NO_PERMAFROST = 0, 1, 2, 3, 4
"""Flags of ``active_layer_status``."""

LATENT_HEAT = 3.34e5
"""Of fusion of water, J kg-1."""

_SECONDS_PER_DAY = 86400.0
_WATER_DENSITY = 1000.0  # kg m-3
_LEAST_DENSITY = 10.0  # kg m-3: the loosest moss is denser, mineral soil in g cm-3 is below


def stefan_alt(
    ddt: xr.DataArray,
    e_factor: xr.DataArray | float,
    *,
    ddt_error: xr.DataArray | None = None,
    e_error: xr.DataArray | float | None = None,
) -> xr.Dataset:
    r"""Thickness of the active layer from thawing degree-days.

    .. math:: \mathrm{ALT} = E \sqrt{\mathrm{DDT}}

    (Nelson et al. 1997, Arct. Alp. Res. 29, 367, after Stefan 1891). Its standard error, to first order, is

    .. math:: \sigma^2 = \mathrm{DDT}\, \sigma_E^2 + \left(\frac{E\, \sigma_{DDT}}{2 \sqrt{\mathrm{DDT}}}\right)^2

    Where DDT is below a quarter of its own error that derivative runs away, and the second part is that of a thaw from
    0 to the error of DDT instead, E sqrt(sigma_DDT): it is larger than the true one, and the two meet.

    The error is that of the line that E describes. A place scatters about it by the ``loo_rmse`` of the calibration.

    Parameters
    ----------
    ddt : xarray.DataArray
        Thawing degree-days of the kind that E is for, of the ground surface or of the air, degC d, any dims.
    e_factor : xarray.DataArray or float
        E, m degC-0.5 d-0.5: from `calibrate_stefan` or `stefan_e_factor`; NaN where unknown.
    ddt_error : xarray.DataArray, optional
        Standard error of `ddt`, degC d.
    e_error : xarray.DataArray or float, optional
        Standard error of E, m degC-0.5 d-0.5.

    Returns
    -------
    xarray.Dataset
        ``active_layer_thickness``, m, and where either error is given ``active_layer_thickness_error``, m, for which
        the other one counts as 0. Lazy where an input is.

    Raises
    ------
    InputError
        If a unit is wrong, degree-days or errors are negative, E is not positive (on lazy data when it is computed), or
        the inputs do not lie on one grid.

    Examples
    --------
    >>> ddt = xr.DataArray([0.0, 400.0, 900.0])
    >>> layer = stefan_alt(ddt, 0.05, ddt_error=xr.full_like(ddt, 40.0), e_error=0.002)
    >>> layer.active_layer_thickness.values, layer.active_layer_thickness_error.values.round(3)
    (array([0. , 1. , 1.5]), array([0.316, 0.064, 0.069]))
    """
    inputs = [check_units(ddt, "ddt"), _as_array(e_factor, "stefan_e_factor")]
    outputs = ["active_layer_thickness"]
    if ddt_error is not None or e_error is not None:
        inputs.append(_as_array(0.0 if ddt_error is None else ddt_error, "ddt_error"))
        inputs.append(_as_array(0.0 if e_error is None else e_error, "stefan_e_factor_error"))
        outputs.append("active_layer_thickness_error")
    dtype = np.result_type(np.float32, ddt.dtype)
    return lift(
        partial(_alt, dtype=dtype),
        *aligned(*inputs),
        core_dims=[[]] * len(inputs),
        outputs=dict.fromkeys(outputs, ()),
        dtypes=dict.fromkeys(outputs, dtype),
    )


def stefan_e_factor(
    *,
    thawed_conductivity: xr.DataArray | float,
    dry_density: xr.DataArray | float,
    water_content: xr.DataArray | float,
    unfrozen_water: xr.DataArray | float = 0.0,
    n_factor: xr.DataArray | float = 1.0,
) -> xr.DataArray:
    r"""Stefan's factor of a soil whose properties are known.

    .. math:: E = \sqrt{\frac{2\, k_t\, n_t \cdot 86400}{L\, \rho\, (w - w_u)}}

    with L = 3.34e5 J kg-1 (Lunardini 1981, Heat Transfer in Cold Climates; Nelson et al. 1997, Arct. Alp. Res. 29,
    367). All water that thaws takes its latent heat; what it takes to warm the soil is left out, so that E is a little
    too large.

    Parameters
    ----------
    thawed_conductivity : xarray.DataArray or float
        k_t of the thawed soil, W m-1 K-1.
    dry_density : xarray.DataArray or float
        rho of the dry soil, kg m-3.
    water_content : xarray.DataArray or float
        w, mass of water and ice per mass of dry soil, kg kg-1.
    unfrozen_water : xarray.DataArray or float
        w_u, mass of water that does not freeze per mass of dry soil, kg kg-1.
    n_factor : xarray.DataArray or float
        n_t: degree-days of the ground surface per degree-day that E shall multiply. 1 for those of the surface, the
        thawing n-factor for those of the air.

    Returns
    -------
    xarray.DataArray
        ``stefan_e_factor``, m degC-0.5 d-0.5; NaN where an input is. Lazy where an input is.

    Raises
    ------
    InputError
        If a property is not positive, `unfrozen_water` is negative or all the water, or the water would fill more
        than the whole volume or the density is below 10 kg m-3, as with other units (on lazy data when it is
        computed); or if the inputs do not lie on one grid.

    Examples
    --------
    >>> e = stefan_e_factor(thawed_conductivity=1.2, dry_density=1300.0, water_content=0.25, unfrozen_water=0.05)
    >>> round(float(e), 5)
    0.04887
    """
    properties = {
        "thawed_conductivity": thawed_conductivity,
        "dry_density": dry_density,
        "water_content": water_content,
        "unfrozen_water": unfrozen_water,
        "n_factor": n_factor,
    }
    arrays = [
        value.rename(name) if isinstance(value, xr.DataArray) else xr.DataArray(float(value), name=name)
        for name, value in properties.items()
    ]
    outputs: dict[str, tuple[str, ...]] = {"stefan_e_factor": ()}
    dtypes = {"stefan_e_factor": np.result_type(np.float32, *(array.dtype for array in arrays))}
    kernel = partial(_e_factor, dtype=dtypes["stefan_e_factor"])
    return lift(kernel, *aligned(*arrays), core_dims=[[]] * len(arrays), outputs=outputs, dtypes=dtypes)[
        "stefan_e_factor"
    ]


def mask_active_layer(
    layer: xr.Dataset,
    *,
    water: xr.DataArray | None = None,
    bare_rock: xr.DataArray | None = None,
    no_permafrost: xr.DataArray | None = None,
) -> xr.Dataset:
    """Take out pixels without an active layer, and say why they have none.

    Parameters
    ----------
    layer : xarray.Dataset
        From `stefan_alt`.
    water, bare_rock, no_permafrost : xarray.DataArray, optional
        Boolean masks, (y, x) or yearly, True where there is no active layer: for ``no_permafrost`` such as
        ``ground_class == SEASONALLY_FROZEN``. Where several are True the first one of this order names the reason.

    Returns
    -------
    xarray.Dataset
        `layer` with ``active_layer_thickness`` and its error NaN under the masks, and ``active_layer_status``: uint8
        0 no data, 1 active layer, 2 water, 3 bare rock, 4 no permafrost. Lazy where an input is.

    Raises
    ------
    InputError
        If `layer` has no ``active_layer_thickness``, or a mask is not boolean or lies on another grid.

    Examples
    --------
    >>> layer = stefan_alt(xr.DataArray([400.0, 900.0, np.nan], dims="x"), 0.05)
    >>> masked = mask_active_layer(layer, water=xr.DataArray([True, False, False], dims="x"))
    >>> masked.active_layer_thickness.values, masked.active_layer_status.values
    (array([nan, 1.5, nan]), array([2, 1, 0], dtype=uint8))
    """
    if "active_layer_thickness" not in layer:
        raise InputError(
            f"dataset: has no active_layer_thickness, only {', '.join(map(str, layer.data_vars)) or 'nothing'}. "
            "thermal.stefan_alt gives it."
        )
    given = {"water": water, "bare_rock": bare_rock, "no_permafrost": no_permafrost}
    masks = [_as_mask(mask, name) for name, mask in given.items()]
    thickness, *masks = aligned(layer["active_layer_thickness"], *masks)
    outputs: dict[str, tuple[str, ...]] = {"active_layer_status": ()}
    status = lift(_status, thickness, *masks, core_dims=[[]] * 4, outputs=outputs)["active_layer_status"]
    status = status.transpose("year", ..., missing_dims="ignore")
    there = status == ACTIVE_LAYER
    names = [name for name in ("active_layer_thickness", "active_layer_thickness_error") if name in layer]
    kept = {name: layer[name].where(there).transpose(*status.dims) for name in names}
    return layer.assign(kept).assign({"active_layer_status": status})


def _alt(
    ddt: Values,
    e_factor: Values,
    ddt_error: Values | None = None,
    e_error: Values | None = None,
    *,
    dtype: np.dtype[Any],
) -> tuple[Values, ...]:
    if (ddt < 0).any():
        raise InputError(
            f"ddt: holds {float(np.nanmin(ddt)):.4g} degC d, but degree-days are 0 or more. "
            "Set codes of no data to NaN."
        )
    factor = _positive(e_factor, "stefan_e_factor", "m degC-0.5 d-0.5")
    thickness = scaled_root(ddt, factor, dtype=dtype)
    if ddt_error is None or e_error is None:
        return (thickness,)
    root = np.sqrt(ddt, dtype=np.float64)
    spread = _root_error(root, _not_negative(ddt_error, "ddt_error"))
    error = np.hypot(root * _not_negative(e_error, "stefan_e_factor_error"), factor * spread)
    return thickness, error.astype(dtype)


def _root_error(root: Values, error: Values) -> Values:
    """Error of the root of a sum with this error: by its derivative, at most the root of the error."""
    thaws = root > 0
    slope = np.divide(error, 2 * np.where(thaws, root, 1.0))
    bounded = np.where(thaws, np.minimum(slope, np.sqrt(error)), np.sqrt(error))
    return np.where(np.isnan(root), np.nan, bounded)


def _e_factor(
    conductivity: Values, density: Values, water: Values, unfrozen: Values, n_factor: Values, *, dtype: np.dtype[Any]
) -> tuple[Values]:
    heat_flow = _positive(conductivity, "thawed_conductivity", "W m-1 K-1") * _positive(n_factor, "n_factor", "1")
    dry, wet = _positive(density, "dry_density", "kg m-3"), _positive(water, "water_content", "kg kg-1")
    freezing = wet - _not_negative(unfrozen, "unfrozen_water")
    if (dry < _LEAST_DENSITY).any():
        raise InputError(f"dry_density: holds {np.nanmin(dry):.4g} kg m-3. It looks like g cm-3: multiply it by 1000.")
    if (dry * wet > _WATER_DENSITY).any():
        raise InputError(
            f"water_content: makes up to {np.nanmax(dry * wet):.4g} kg of water in 1 m3 of soil, more than the volume "
            "holds. It is mass per mass of dry soil, kg kg-1: divide percent by 100, and volumes by the dry density."
        )
    if (freezing <= 0).any():
        raise InputError(
            "unfrozen_water: is all of water_content or more, so that nothing freezes. Both are kg kg-1 of dry soil."
        )
    return (np.sqrt(2.0 * _SECONDS_PER_DAY * heat_flow / (LATENT_HEAT * dry * freezing)).astype(dtype),)


def _status(thickness: Values, water: Values, bare_rock: Values, no_permafrost: Values) -> tuple[Values]:
    known = np.where(np.isnan(thickness), NO_DATA, ACTIVE_LAYER)
    masks = np.broadcast_arrays(water, bare_rock, no_permafrost, known)[:3]
    return (np.select(masks, (WATER, BARE_ROCK, NO_PERMAFROST), known).astype(np.uint8),)


def _as_array(value: xr.DataArray | float, name: str) -> xr.DataArray:
    return check_units(value, name) if isinstance(value, xr.DataArray) else xr.DataArray(float(value), name=name)


def _as_mask(mask: xr.DataArray | None, name: str) -> xr.DataArray:
    if mask is None:
        return xr.DataArray(False, name=name)
    if mask.dtype != np.bool_:
        raise InputError(f"{mask.name or name}: is {mask.dtype}, but {name} must be boolean. Compare it: mask == 1.")
    return mask


def _positive(values: Values, name: str, unit: str) -> Values:
    if (values <= 0).any():
        raise InputError(
            f"{name}: holds {float(np.nanmin(values)):.4g} {unit}, but must be positive. Set what is unknown to NaN."
        )
    return values.astype(np.float64)


def _not_negative(values: Values, name: str) -> Values:
    if (values < 0).any():
        raise InputError(f"{name}: holds {float(np.nanmin(values)):.4g}, but must not be negative.")
    return values.astype(np.float64)
