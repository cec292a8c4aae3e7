"""The registry of variables: what each is called, its unit, its dims, and what values it may take.

Attributes of outputs, the schemas in ``zarr_schemas/``, the checks of inputs and the tests' fixtures all read it.
"""

from collections.abc import Iterable
from types import MappingProxyType

import xarray as xr

from cryoscale.errors import InputError
from cryoscale.variables.active_layer import ACTIVE_LAYER
from cryoscale.variables.deformation import DEFORMATION
from cryoscale.variables.entry import Variable
from cryoscale.variables.environment import ENVIRONMENT
from cryoscale.variables.ground import GROUND
from cryoscale.variables.hydrology import HYDROLOGY
from cryoscale.variables.moisture import MOISTURE
from cryoscale.variables.permafrost import PERMAFROST
from cryoscale.variables.statistics import STATISTICS


def registry_of(*tables: Iterable[Variable]) -> MappingProxyType[str, Variable]:
    """Join tables of variables.

    Parameters
    ----------
    *tables : iterable of Variable
        One a domain.

    Returns
    -------
    mapping of str to Variable

    Raises
    ------
    ValueError
        If two entries share a name: one would silently stand for the other.
    """
    entries = [entry for table in tables for entry in table]
    repeated = sorted({entry.name for entry in entries if sum(other.name == entry.name for other in entries) > 1})
    if repeated:
        raise ValueError(f"registered twice: {', '.join(repeated)}")
    return MappingProxyType({entry.name: entry for entry in entries})


VARIABLES = registry_of(ACTIVE_LAYER, DEFORMATION, ENVIRONMENT, GROUND, HYDROLOGY, MOISTURE, PERMAFROST, STATISTICS)


def attributes(name: str) -> dict[str, object]:
    """CF attributes of a registered variable.

    Parameters
    ----------
    name : str
        A name in the registry.

    Returns
    -------
    dict
        ``units``, ``long_name``, and ``standard_name``, ``valid_range``, ``flag_values`` and ``flag_meanings`` where
        they exist.

    Examples
    --------
    >>> attributes("velocity")["units"]
    'mm a-1'
    """
    variable = VARIABLES[name]
    attrs: dict[str, object] = {"units": variable.units, "long_name": variable.long_name}
    if variable.standard_name:
        attrs["standard_name"] = variable.standard_name
    if variable.valid_range:
        attrs["valid_range"] = [float(bound) for bound in variable.valid_range]
    if variable.flags:
        attrs["flag_values"] = [value for value, _ in variable.flags]
        attrs["flag_meanings"] = " ".join(meaning for _, meaning in variable.flags)
    return attrs


def check_units(array: xr.DataArray, name: str) -> xr.DataArray:
    """Refuse an array whose ``units`` attribute says another unit than the registry's.

    An array without the attribute passes: whoever builds arrays by hand vouches for them.

    Parameters
    ----------
    array : xarray.DataArray
        The input, of any dims.
    name : str
        The registered variable that it is taken for.

    Returns
    -------
    xarray.DataArray
        The same array.

    Raises
    ------
    InputError
        If the two units differ.
    """
    expected = VARIABLES[name].units
    found = array.attrs.get("units", expected)
    if found != expected:
        raise InputError(
            f"{array.name or name}: is in {found!r}, but {name} must be in {expected!r}. "
            f"Convert the values and set attrs['units'] = {expected!r}."
        )
    return array
