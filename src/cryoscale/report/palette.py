"""Classes of maps: what they are called and their colours, the same in every figure and every file."""

from collections.abc import Mapping
from types import MappingProxyType

import xarray as xr
from cmcrameri import cm
from matplotlib.colors import to_hex, to_rgb

from cryoscale.errors import InputError

NO_CLASS = "no_data"
CLASS_COLOURS = MappingProxyType(
    {
        # ground
        "permafrost": "#4a8fd0",
        "seasonally_frozen_ground": "#d9b15f",
        "glacier": "#f4fbff",
        "lake": "#12306e",
        # change of permafrost
        "stable_permafrost": "#3f7fbf",
        "degraded": "#e4572e",
        "gained": "#4b1d6b",
        "stable_without": "#f3ead0",
        # where a map of moisture may be trusted
        "inside_area_of_applicability": "#2a7f9e",
        "outside_area_of_applicability": "#e69f00",
        "covariates_missing": "#7a1c0e",
        "predicted": "#2a7f9e",
        "vegetation_without_boreholes": "#e69f00",
        "active_layer": "#2f8f8b",
        "no_permafrost": "#f3ead0",
        # where a surface temperature comes from
        "observed": "#1f4e79",
        "kriged": "#56b4e9",
        "elevation_only": "#f0b429",
        "linear": "#56b4e9",
        "harmonic": "#f0b429",
        # where a variogram comes from
        "image": "#2f6f9f",
        "season": "#e69f00",
        "none": "#7a1c0e",
        # states of the ground under pits and heaps
        "permafrost_below_talik": "#a9c6e8",
        "unfrozen_ground": "#c2562d",
        # states of the ground in boreholes
        "unstable_permafrost": "#7fc0e8",
    }
)
"""Colours by meaning, told apart by the colour-blind too; every figure and colour table takes them from here."""
_COVERS = {
    "snow": "#f4fbff",
    "water": "#12306e",
    "flooded": "#2a9db5",
    "wetland": "#2a9db5",
    "swamp": "#2a9db5",
    "meadow": "#6f9e3c",
    "steppe": "#dccb7a",
    "crop": "#e3b505",
    "grass": "#9fb84a",
    "shrub": "#8a6d2f",
    "tree": "#0b5d3b",
    "lichen": "#a896c4",
    "sparse": "#e2cfae",
    "bare": "#c98f6b",
    "urban": "#9b2f3f",
    "built": "#9b2f3f",
}
"""Colours of land cover, by the word that comes first in the name of a class."""
_LABELS = {
    "degraded": "Permafrost lost",
    "gained": "Permafrost gained",
    "stable_without": "Without permafrost",
    "none": "No variogram",
}


def class_names(array: xr.DataArray) -> dict[int, str]:
    """Classes of a map and what they mean, without the one for no data.

    Parameters
    ----------
    array : xarray.DataArray
        With the attributes ``flag_values`` and ``flag_meanings``.

    Returns
    -------
    dict of int to str
        In the order of the values.

    Raises
    ------
    InputError
        If the attributes are missing or do not match.

    Examples
    --------
    >>> attrs = {"flag_values": [0, 1, 2], "flag_meanings": "no_data permafrost seasonally_frozen_ground"}
    >>> class_names(xr.DataArray(0, attrs=attrs))
    {1: 'permafrost', 2: 'seasonally_frozen_ground'}
    """
    values = [int(value) for value in array.attrs.get("flag_values", ())]
    meanings = str(array.attrs.get("flag_meanings", "")).split()
    if not values or len(values) != len(meanings):
        raise InputError(
            f"{array.name or 'array'}: has {len(values)} flag_values and {len(meanings)} flag_meanings, but a map of "
            "classes needs one meaning (a word) for each value. Set both attributes."
        )
    return {value: meaning for value, meaning in sorted(zip(values, meanings, strict=True)) if meaning != NO_CLASS}


def class_colours(array: xr.DataArray) -> dict[int, str]:
    """Colour of each class of a map, for its figure and for the colour table of its file.

    Parameters
    ----------
    array : xarray.DataArray
        With the attributes ``flag_values`` and ``flag_meanings``.

    Returns
    -------
    dict of int to str
        ``"#rrggbb"`` by value. Classes of land cover go by the words in their names, those of one kind in ever lighter
        shades; what has no colour by its meaning gets a categorical one.

    Raises
    ------
    InputError
        If the array does not name its classes.

    Examples
    --------
    >>> class_colours(xr.DataArray(0, attrs={"flag_values": [1, 9], "flag_meanings": "permafrost bedrock"}))
    {1: '#4a8fd0', 9: '#faccfa'}
    """
    names = class_names(array)
    bases = [
        CLASS_COLOURS.get(meaning) or _cover_colour(meaning.lower()) or _categorical(place)
        for place, meaning in enumerate(names.values())
    ]
    return {
        value: _lighter(base, bases[:place].count(base))
        for place, (value, base) in enumerate(zip(names, bases, strict=True))
    }


def named_classes(array: xr.DataArray, names: Mapping[int, str]) -> xr.DataArray:
    """Name the classes of a map that comes without names, such as one of land cover.

    Parameters
    ----------
    array : xarray.DataArray
        Codes.
    names : mapping of int to str
        By code; spaces become underscores. Codes without a name are drawn as no data.

    Returns
    -------
    xarray.DataArray
        The same codes with ``flag_values`` and ``flag_meanings``.

    Examples
    --------
    >>> class_names(named_classes(xr.DataArray([200, 130]), {130: "grassland", 200: "bare, consolidated"}))
    {130: 'grassland', 200: 'bare,_consolidated'}
    """
    meanings = " ".join("_".join(name.split()) for name in names.values())
    return array.assign_attrs(flag_values=list(names), flag_meanings=meanings)


def class_label(meaning: str) -> str:
    """Meaning of a class as people write it.

    Parameters
    ----------
    meaning : str
        A word of ``flag_meanings``.

    Returns
    -------
    str

    Examples
    --------
    >>> class_label("seasonally_frozen_ground")
    'Seasonally frozen ground'
    """
    return _LABELS.get(meaning, meaning.replace("_", " ").capitalize())


def _cover_colour(meaning: str) -> str | None:
    places = {meaning.find(word): colour for word, colour in _COVERS.items() if word in meaning}
    return places[min(places)] if places else None


def _lighter(colour: str, steps: int) -> str:
    white = steps / (steps + 2)
    red, green, blue = ((1 - white) * part + white for part in to_rgb(colour))
    return to_hex((red, green, blue))


def _categorical(place: int) -> str:
    colours = cm.batlowS.colors
    return to_hex(colours[place % len(colours)])
