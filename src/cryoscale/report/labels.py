"""Names and units as people write them."""

import re

import xarray as xr
from odc.geo.geobox import GeoBox

_RAISED = str.maketrans("-.0123456789", "⁻·⁰¹²³⁴⁵⁶⁷⁸⁹")
_FACTOR = re.compile(r"(\w*[A-Za-z])(-?\d+(?:\.\d+)?)")
_SPELLED = {"degree": "°", "degC": "°C", "1": ""}


def unit_text(units: str) -> str:
    """Unit with raised exponents and the usual signs.

    Parameters
    ----------
    units : str
        In UDUNITS notation.

    Returns
    -------
    str
        Empty for a pure number.

    Examples
    --------
    >>> unit_text("mm a-1"), unit_text("m3 m-3"), unit_text("degC d"), unit_text("1")
    ('mm a⁻¹', 'm³ m⁻³', '°C d', '')
    >>> unit_text("m degC-0.5 d-0.5")
    'm °C⁻⁰·⁵ d⁻⁰·⁵'
    """
    return " ".join(_factor_text(word) for word in units.split()).strip()


def _factor_text(word: str) -> str:
    """A unit and its exponent."""
    found = _FACTOR.fullmatch(word)
    if found is None:
        return _SPELLED.get(word, word)
    return _SPELLED.get(found[1], found[1]) + found[2].translate(_RAISED)


def number_text(value: float, *, decimals: int = 1, signed: bool = False) -> str:
    """Rounded number with a true minus sign, never minus zero.

    Parameters
    ----------
    value : float
        The number.
    decimals : int
        How many to keep.
    signed : bool
        Whether positive numbers have a plus.

    Returns
    -------
    str

    Examples
    --------
    >>> number_text(-12.34), number_text(-0.04), number_text(0.26, decimals=2, signed=True)
    ('−12.3', '0.0', '+0.26')
    """
    rounded = round(value, decimals) + 0.0
    sign = "+" if signed and rounded > 0 else "−" if rounded < 0 else ""
    return f"{sign}{abs(rounded):.{decimals}f}"


def label_of(array: xr.DataArray) -> str:
    """What an axis says of a quantity: its long name, and its unit in parentheses.

    Parameters
    ----------
    array : xarray.DataArray
        With the attributes ``long_name`` and ``units``, or at least a name.

    Returns
    -------
    str

    Examples
    --------
    >>> label_of(xr.DataArray(0.0, attrs={"long_name": "velocity", "units": "mm a-1"}))
    'Velocity (mm a⁻¹)'
    """
    name = str(array.attrs.get("long_name", array.name or "")).strip()
    return with_unit(name[:1].upper() + name[1:], array)


def with_unit(text: str, array: xr.DataArray) -> str:
    """Text followed by the unit of an array in parentheses, where it has one.

    Parameters
    ----------
    text : str
        What the axis shows.
    array : xarray.DataArray
        With the attribute ``units``.

    Returns
    -------
    str
    """
    unit = unit_text(str(array.attrs.get("units", "")))
    return f"{text} ({unit})" if unit else text


def place_text(geobox: GeoBox, y: float, x: float) -> str:
    """Coordinates as people write them.

    Parameters
    ----------
    geobox : odc.geo.geobox.GeoBox
        Says whether they are angles or metres.
    y, x : float
        The coordinates.

    Returns
    -------
    str

    Examples
    --------
    >>> place_text(GeoBox.from_bbox((99, 38, 100, 39), "EPSG:4326", resolution=0.1), 38.05, 99.5)
    '38.0500°N, 99.5000°E'
    """
    if geobox.crs is not None and geobox.crs.geographic:
        return f"{abs(y):.4f}°{'NS'[y < 0]}, {abs(x):.4f}°{'EW'[x < 0]}"
    return f"northing {y:.0f} m, easting {x:.0f} m"
