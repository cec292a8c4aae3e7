"""How the numbers of an image become degC: units, scales, no data, quality flags."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from cryoscale.errors import InputError
from cryoscale.readers.lst_names import LstFormat
from cryoscale.variables import VARIABLES

Values = npt.NDArray[np.float32]

ZERO_CELSIUS = 273.15
"""0 degC, K."""


class TemperatureUnit(StrEnum):
    """Units that temperatures come in."""

    KELVIN = "K"
    CELSIUS = "degC"


_NAMES = {
    **dict.fromkeys(("k", "kelvin", "degk", "deg_k", "degrees_kelvin"), TemperatureUnit.KELVIN),
    **dict.fromkeys(
        ("degc", "c", "celsius", "°c", "deg_c", "degree_celsius", "degrees_celsius", "degrees celsius", "degree_c"),
        TemperatureUnit.CELSIUS,
    ),
}

_DEFAULTS: dict[LstFormat, tuple[TemperatureUnit, float, float | None]] = {
    LstFormat.TRIMS: (TemperatureUnit.KELVIN, 0.01, 0.0),
    LstFormat.MODIS: (TemperatureUnit.KELVIN, 0.02, 0.0),
    LstFormat.PATTERN: (TemperatureUnit.CELSIUS, 1.0, None),
    LstFormat.NETCDF: (TemperatureUnit.CELSIUS, 1.0, None),
}
"""Unit, scale of integers, and a number that is no data besides the file's own, where file and user say nothing."""

_GOOD, _OTHER = 0, 1
_ERROR_BOUNDS = np.array([1.0, 2.0, 3.0, np.inf])  # K, bits 6 and 7


@dataclass(frozen=True, slots=True)
class LstEncoding:
    """How numbers in files become temperatures. What is None is taken from the file, else from the format.

    Attributes
    ----------
    format : LstFormat
        Gives what neither file nor user says: K and a scale of 0.01 (TRIMS) or 0.02 (MODIS) for integers, 0 for no
        data; degC and no scale for the others, and for floating-point numbers of any format no scale.
    unit : TemperatureUnit or None
        Unit after scaling.
    scale : float or None
        Number times scale is the temperature.
    nodata : float or None
        Number that stands for no data, besides the file's own tag.
    max_error : float or None
        Largest error, K, that the quality flags may tell of; None leaves them aside.
    """

    format: LstFormat
    unit: TemperatureUnit | None = None
    scale: float | None = None
    nodata: float | None = None
    max_error: float | None = None


@dataclass(frozen=True, slots=True)
class Tags:
    """What a file says of its numbers.

    Attributes
    ----------
    path : str
        The file.
    units : str
        Unit, empty if none.
    scale, offset : float
        Number times scale plus offset; 1 and 0 if it says nothing.
    nodata : float or None
        Number that stands for no data.
    """

    path: str
    units: str = ""
    scale: float = 1.0
    offset: float = 0.0
    nodata: float | None = None


def parse_unit(text: str, *, path: str) -> TemperatureUnit:
    """The unit that a tag names.

    Parameters
    ----------
    text : str
        Such as ``K`` or ``Celsius``.
    path : str
        The file, for the message.

    Returns
    -------
    TemperatureUnit

    Raises
    ------
    InputError
        If it is no unit of temperature that is known.

    Examples
    --------
    >>> parse_unit("Kelvin", path="lst.tif").value
    'K'
    """
    unit = _NAMES.get(text.strip().lower())
    if unit is None:
        raise InputError(f"{path}: its unit is {text!r}; lst needs 'K' or 'degC'. Set unit to what it holds.")
    return unit


def to_celsius(numbers: npt.NDArray[Any], encoding: LstEncoding, tags: Tags) -> Values:
    """Turn the numbers of a file into degC.

    Parameters
    ----------
    numbers : numpy.ndarray
        As they are in the file.
    encoding : LstEncoding
        What user and format say.
    tags : Tags
        What the file says.

    Returns
    -------
    numpy.ndarray of float32
        degC, NaN for no data.

    Raises
    ------
    InputError
        If a temperature is not within -100 to 90 degC.
    """
    unit, default_scale, default_nodata = _DEFAULTS[encoding.format]
    empty = ~np.isfinite(numbers)
    for nodata in (tags.nodata, default_nodata, encoding.nodata):
        if nodata is not None:
            empty |= numbers == nodata
    scale = encoding.scale
    if scale is None:
        tagged = (tags.scale, tags.offset) != (1.0, 0.0) or not np.issubdtype(numbers.dtype, np.integer)
        scale = tags.scale if tagged else default_scale
    unit = encoding.unit or (parse_unit(tags.units, path=tags.path) if tags.units else unit)
    values = numbers.astype(np.float64) * scale + tags.offset
    if unit is TemperatureUnit.KELVIN:
        values -= ZERO_CELSIUS
    values[empty] = np.nan
    _require_plausible(values, numbers, unit, tags.path)
    return values.astype(np.float32)


def good_enough(flags: npt.NDArray[Any], max_error: float) -> npt.NDArray[np.bool_]:
    """Pixels that the QC layer of MOD11A1 and MYD11A1 lets pass.

    Bits 0 and 1: 00 good, 01 of other quality, 10 and 11 not produced. Bits 6 and 7: error of the temperature at most
    1 K, 2 K, 3 K, or above 3 K (Wan, Collection-6 MODIS Land Surface Temperature Products Users' Guide).

    Parameters
    ----------
    flags : numpy.ndarray
        Quality flags, integers.
    max_error : float
        Good pixels pass; those of other quality do if their error is at most this, K.

    Returns
    -------
    numpy.ndarray of bool

    Examples
    --------
    >>> good_enough(np.array([0b0000_0000, 0b0100_0001, 0b1000_0001, 0b0000_0010]), 2.0)
    array([ True,  True, False, False])
    """
    whole = flags.astype(np.int64)
    produced, bound = whole & 0b11, _ERROR_BOUNDS[(whole >> 6) & 0b11]
    passed: npt.NDArray[np.bool_] = (produced == _GOOD) | ((produced == _OTHER) & (bound <= max_error))
    return passed


def _require_plausible(values: npt.NDArray[Any], numbers: npt.NDArray[Any], unit: TemperatureUnit, path: str) -> None:
    low, high = VARIABLES["lst"].valid_range or (-np.inf, np.inf)
    wrong = (values <= low) | (values >= high)
    if not wrong.any():
        return
    worst = np.unravel_index(np.nanargmax(np.where(wrong, np.abs(values), np.nan)), values.shape)
    raise InputError(
        f"{path}: lst is {values[worst]:.6g} degC somewhere (the file holds {numbers[worst]:.6g}, taken for "
        f"{unit.value}), but must be between {low:g} and {high:g} degC. {_advice(float(numbers[worst]), unit)}"
    )


def _advice(number: float, unit: TemperatureUnit) -> str:
    if abs(number) > 1000.0:
        return "That looks like unscaled integers: set scale (0.02 for MOD11A1, 0.01 for TRIMS) and unit: K."
    if unit is TemperatureUnit.CELSIUS and 150.0 < number < 400.0:
        return "That looks like Kelvin: set unit: K."
    if unit is TemperatureUnit.KELVIN and -100.0 < number < 90.0 and number != 0.0:
        return "That looks like degC: set unit: degC, and scale: 1 if they are no longer scaled."
    return "If it stands for no data, set nodata to it; else set unit and scale."
