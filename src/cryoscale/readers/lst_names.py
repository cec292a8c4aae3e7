"""File names of land surface temperature: which overpass and day an image is of."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import numpy as np

from cryoscale.errors import InputError

OVERPASSES = ("terra_day", "aqua_day", "terra_night", "aqua_night")
"""The four overpasses, in the order of an image cube."""


class LstFormat(StrEnum):
    """Where images of land surface temperature come from."""

    TRIMS = "trims"
    """TRIMS LST: ``TRIMS_Aqua2024001D.tif``, one file an overpass and day, hundredths of K, 0 for no data."""
    MODIS = "modis"
    """MOD11A1 and MYD11A1 as GeoTIFF, with their QC layers: fiftieths of K, 0 for no data."""
    PATTERN = "pattern"
    """GeoTIFFs whose names follow a template."""
    NETCDF = "netcdf"
    """NetCDF files or Zarr stores with a time axis and a variable for each overpass."""


@dataclass(frozen=True, slots=True)
class ImageName:
    """What the name of a file says.

    Attributes
    ----------
    overpass : str
        One of `OVERPASSES`.
    day : numpy.datetime64
        Date, to the day.
    tile : str
        Which part of the area it shows; empty if the name does not say.
    quality : bool
        Whether it holds quality flags rather than temperatures.
    key : str
        The same for an image and its quality flags.
    """

    overpass: str
    day: np.datetime64
    tile: str = ""
    quality: bool = False
    key: str = ""


Parser = Callable[[str], ImageName | None]

_TRIMS = re.compile(
    r"TRIMS(?:[_-]?LST)?(?:[_-]?TP)?[_-]?(?P<satellite>Terra|Aqua)[_-]?(?P<day>\d{7})[_-]?(?P<half>D|N)(?:ay|ight)?\.tiff?",
    re.I,
)
_MODIS = re.compile(r"(?P<satellite>MOD|MYD)11A1\..*?(?P<layer>LST_(?:Day|Night)_1km|QC_(?:Day|Night)).*\.tiff?", re.I)
_MODIS_DAY = re.compile(r"(?:doy|\.A)(?P<day>\d{7})(?:\d{6})?(?=[_.])")
_MODIS_TILE = re.compile(r"h\d{2}v\d{2}|aid\d{4}")
_LAYER = re.compile(r"LST_(Day|Night)_1km|QC_(Day|Night)", re.I)
_FIELD = re.compile(r"\{(overpass|tile|date(?::[^}]*)?)\}")
_DIGITS = {"%Y": r"\d{4}", "%m": r"\d{2}", "%d": r"\d{2}", "%j": r"\d{3}"}


def parse_trims(name: str) -> ImageName | None:
    """Overpass and day of a TRIMS LST file.

    Parameters
    ----------
    name : str
        Name of the file, such as ``TRIMS_Aqua2024001D.tif``: satellite, year, day of the year, D(ay) or N(ight).

    Returns
    -------
    ImageName or None
        None if it is none.

    Examples
    --------
    >>> image = parse_trims("TRIMS_Aqua2024001D.tif")
    >>> image.overpass, image.day
    ('aqua_day', np.datetime64('2024-01-01'))
    """
    match = _TRIMS.fullmatch(name)
    day = _date(match["day"], "%Y%j") if match else None
    if match is None or day is None:
        return None
    return ImageName(f"{match['satellite'].lower()}_{'day' if match['half'].upper() == 'D' else 'night'}", day)


def parse_modis(name: str) -> ImageName | None:
    """Overpass and day of a layer of MOD11A1 or MYD11A1.

    Parameters
    ----------
    name : str
        As AppEEARS writes it, ``MOD11A1.061_LST_Day_1km_doy2005001_aid0001.tif``, or the name of the granule with the
        layer's, ``MYD11A1.A2005001.h25v05.061.2020123012345.QC_Night.tif``.

    Returns
    -------
    ImageName or None
        None if it is none.

    Examples
    --------
    >>> image = parse_modis("MYD11A1.A2005032.h25v05.061.2020123012345.QC_Night.tif")
    >>> image.overpass, image.day, image.tile, image.quality
    ('aqua_night', np.datetime64('2005-02-01'), 'h25v05', True)
    """
    match, date = _MODIS.fullmatch(name), _MODIS_DAY.search(name)
    day = _date(date["day"], "%Y%j") if date else None
    if match is None or day is None:
        return None
    satellite = {"mod": "terra", "myd": "aqua"}[match["satellite"].lower()]
    half = "day" if "day" in match["layer"].lower() else "night"
    tile = _MODIS_TILE.search(name)
    return ImageName(
        f"{satellite}_{half}",
        day,
        tile=tile[0] if tile else "",
        quality=match["layer"].upper().startswith("QC"),
        key=_LAYER.sub("*", name),
    )


def parser_of_pattern(pattern: str, *, names: Mapping[str, str] | None = None) -> Parser:
    """A parser for names that follow a template.

    Parameters
    ----------
    pattern : str
        Text with the fields ``{overpass}``, ``{date:%Y%m%d}`` (or with ``%j``, the day of the year) and perhaps
        ``{tile}``. With a slash in it, it stands for the path below the folder rather than for the name of the file.
    names : mapping, optional
        Overpass to what stands for it in the names; its own name otherwise.

    Returns
    -------
    callable
        From a name to an `ImageName`, None where it does not follow the template.

    Raises
    ------
    InputError
        If the template lacks a field or has an unknown one.

    Examples
    --------
    >>> parse = parser_of_pattern("lst_{overpass}_{date:%Y%m%d}.tif", names={"terra_day": "TD"})
    >>> parse("lst_TD_20050131.tif").day
    np.datetime64('2005-01-31')
    """
    called = {(names or {}).get(overpass, overpass): overpass for overpass in OVERPASSES}
    template, form, fields = "", "", []
    pieces = _FIELD.split(pattern)
    for position, piece in enumerate(pieces):
        if position % 2 == 0:
            template += re.escape(piece)
            continue
        field = piece.partition(":")[0]
        fields.append(field)
        if field == "date":
            form = piece.partition(":")[2] or "%Y%m%d"
        choices = {"overpass": "|".join(map(re.escape, called)), "tile": r"[^/]+?", "date": _digits(form, pattern)}
        template += f"(?P<{field}>{choices[field]})"
    if (
        sorted(set(fields) - {"tile"}) != ["date", "overpass"]
        or len(set(fields)) < len(fields)
        or "{" in "".join(pieces[::2])
    ):
        raise InputError(
            f"pattern: {pattern!r} must have {{overpass}} and {{date:%Y%m%d}} once each, and no other field than "
            "{tile}. For example lst_{overpass}_{date:%Y%m%d}.tif."
        )
    expression = re.compile(template)

    def parse(name: str) -> ImageName | None:
        match = expression.fullmatch(name)
        day = _date(match["date"], form) if match else None
        if match is None or day is None:
            return None
        return ImageName(called[match["overpass"]], day, tile=match["tile"] if "tile" in fields else "")

    return parse


def name_in(root: Path, path: Path, pattern: str | None) -> str:
    """What of a path a template is compared with.

    Parameters
    ----------
    root, path : pathlib.Path
        The folder, and a file below it.
    pattern : str or None
        The template.

    Returns
    -------
    str
    """
    return path.relative_to(root).as_posix() if pattern and "/" in pattern else path.name


def _digits(form: str, pattern: str) -> str:
    expression = re.escape(form)
    for code, digits in _DIGITS.items():
        expression = expression.replace(code, digits)
    if "%" in expression:
        raise InputError(f"pattern: {pattern!r} has a date that is not made of {', '.join(_DIGITS)}.")
    return expression


def _date(text: str, form: str) -> np.datetime64 | None:
    try:
        found = datetime.strptime(text, form)
    except ValueError:
        return None
    # Python takes day 366 of a common year for the first of the next.
    return np.datetime64(found.date(), "D") if found.strftime(form) == text else None
