"""The registry of variables: what each is called, its unit, its dims, and what values it may take.

Attributes of outputs, the schemas in ``zarr_schemas/``, the checks of inputs and the tests' fixtures all read it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

import xarray as xr

from cryoscale.errors import InputError


@dataclass(frozen=True, slots=True)
class Variable:
    """One entry of the registry.

    Attributes
    ----------
    name : str
        The name in every Dataset and store.
    units : str
        Unit in UDUNITS notation; ``"1"`` for a pure number.
    long_name : str
        What a figure's axis says.
    dims : tuple of str
        Dims, slowest first.
    dtype : str
        NumPy name of the type it is stored in.
    standard_name : str or None
        CF standard name, where one exists.
    valid_range : tuple of float or None
        Smallest and largest value that can be true.
    """

    name: str
    units: str
    long_name: str
    dims: tuple[str, ...]
    dtype: str = "float32"
    standard_name: str | None = None
    valid_range: tuple[float, float] | None = None


_PAIRS = ("pair", "y", "x")
_SERIES = ("time", "y", "x")
_MAP = ("y", "x")


def _registry(entries: Iterable[Variable]) -> MappingProxyType[str, Variable]:
    return MappingProxyType({entry.name: entry for entry in entries})


VARIABLES = _registry(
    (
        # interferogram stacks
        Variable("unwrapped_phase", "rad", "unwrapped interferometric phase", _PAIRS),
        Variable("coherence", "1", "interferometric coherence", _PAIRS, valid_range=(0.0, 1.0)),
        Variable("pair_displacement", "mm", "line-of-sight displacement of a pair, toward the satellite", _PAIRS),
        Variable("elevation", "m", "elevation", _MAP, standard_name="surface_altitude", valid_range=(-500, 9000)),
        Variable("incidence_angle", "degree", "local incidence angle", _MAP, valid_range=(0.0, 90.0)),
        Variable(
            "look_elevation_angle",
            "rad",
            "elevation angle of the vector to the satellite above the horizontal",
            _MAP,
            valid_range=(0.0, 1.5708),
        ),
        Variable("los_east", "1", "east component of the unit vector to the satellite", _MAP, valid_range=(-1, 1)),
        Variable("los_north", "1", "north component of the unit vector to the satellite", _MAP, valid_range=(-1, 1)),
        Variable("los_up", "1", "up component of the unit vector to the satellite", _MAP, valid_range=(-1, 1)),
        Variable("mean_coherence", "1", "coherence, mean over pairs", _MAP, valid_range=(0.0, 1.0)),
        Variable("coverage", "1", "share of pixels with data", ("pair",), valid_range=(0.0, 1.0)),
        # deformation cubes
        Variable("displacement", "mm", "line-of-sight displacement since the first epoch", _SERIES),
        Variable("velocity", "mm a-1", "line-of-sight velocity of the temporal model", _MAP),
        Variable("velocity_error", "mm a-1", "standard error of the velocity", _MAP),
        Variable("offset", "mm", "offset of the temporal model", _MAP),
        Variable("sine", "mm", "sine coefficient of the temporal model", _MAP),
        Variable("sine_error", "mm", "standard error of the sine coefficient", _MAP),
        Variable("cosine", "mm", "cosine coefficient of the temporal model", _MAP),
        Variable("cosine_error", "mm", "standard error of the cosine coefficient", _MAP),
        Variable("residual_rms", "mm", "root mean square of the pairs' residuals", _MAP),
        Variable("n_pairs", "1", "number of pairs used", _MAP, dtype="int16"),
        Variable("n_components", "1", "number of disconnected pieces of the network", _MAP, dtype="int16"),
        Variable("deformation_rate", "mm a-1", "line-of-sight deformation rate by linear regression", _MAP),
        Variable("deformation_rate_error", "mm a-1", "standard error of the deformation rate", _MAP),
        Variable("seasonal_amplitude", "mm", "amplitude of the seasonal displacement (half of peak to peak)", _MAP),
        Variable("seasonal_peak", "d", "day of the year of the highest seasonal displacement", _MAP),
        # truths of synthetic scenes
        Variable("atmosphere", "mm", "line-of-sight displacement that the atmosphere feigns", _SERIES),
        Variable("stable", "1", "bedrock that does not move", _MAP, dtype="bool"),
    )
)


def attributes(name: str) -> dict[str, object]:
    """CF attributes of a registered variable.

    Parameters
    ----------
    name : str
        A name in the registry.

    Returns
    -------
    dict
        ``units``, ``long_name``, and ``standard_name`` and ``valid_range`` where they exist.

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
