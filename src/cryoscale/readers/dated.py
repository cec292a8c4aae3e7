"""Rasters of one quantity, one or several files a date, as a series on one grid."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.readers.files import Rejected, require_folder
from cryoscale.readers.warp import Resampling, open_on_grid

_DATE = re.compile(r"\{date(?::(?P<form>[^}]*))?\}")
_DIGITS = {"%Y": r"\d{4}", "%m": r"\d{2}", "%d": r"\d{2}", "%j": r"\d{3}"}


@dataclass(frozen=True, slots=True)
class DatedFiles:
    """Files by date; no pixel has been read.

    Attributes
    ----------
    dates : tuple of numpy.datetime64
        In order, each once.
    paths : tuple of tuple of Path
        The files of each date, which join as a mosaic.
    rejected : tuple of Rejected
        What was found but does not follow the template.
    """

    dates: tuple[np.datetime64, ...]
    paths: tuple[tuple[Path, ...], ...]
    rejected: tuple[Rejected, ...] = ()

    @property
    def every_path(self) -> tuple[Path, ...]:
        """All files, in order."""
        return tuple(path for group in self.paths for path in group)


def find_dated(
    folder: Path, *, pattern: str, start: np.datetime64 | None = None, end: np.datetime64 | None = None
) -> DatedFiles:
    """Find rasters by the dates in their names.

    Parameters
    ----------
    folder : Path
        Searched with its subfolders.
    pattern : str
        Template of the names, with ``{date:%Y%m%d}`` once; ``*`` stands for anything.
    start, end : numpy.datetime64, optional
        First and last date to take.

    Returns
    -------
    DatedFiles

    Raises
    ------
    InputError
        If the folder is not there, the template is not valid, or no file follows it.
    """
    require_folder(folder)
    expression, form = _expression(pattern)
    found: dict[np.datetime64, list[Path]] = {}
    rejected = []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".tif", ".tiff", ".nc")):
        match = expression.fullmatch(path.name)
        day = _day(match["date"], form) if match else None
        if day is None:
            rejected.append(Rejected(path, f"its name does not follow {pattern}"))
        elif (start is None or day >= start) and (end is None or day <= end):
            found.setdefault(day, []).append(path)
    if not found:
        seen = f"; the first of {len(rejected)} files is {rejected[0].path.name}" if rejected else ""
        raise InputError(f"{folder}: holds no raster named as in {pattern}, of the dates that are asked for{seen}.")
    return DatedFiles(tuple(sorted(found)), tuple(tuple(found[day]) for day in sorted(found)), tuple(rejected))


def open_dated(
    files: DatedFiles, name: str, *, geobox: GeoBox, chunks: Mapping[str, int], resampling: Resampling
) -> xr.DataArray:
    """Open a series on a grid.

    Parameters
    ----------
    files : DatedFiles
        From `find_dated`.
    name : str
        The registered variable that the files hold; unit, scale and valid range as for `open_on_grid`.
    geobox : odc.geo.geobox.GeoBox
        The grid, with any CRS.
    chunks : mapping
        Chunk lengths along ``y`` and ``x``; a chunk holds one date.
    resampling : Resampling
        How pixels of the grid get their values.

    Returns
    -------
    xarray.DataArray
        (time, y, x), lazy, float32.
    """
    images = [
        open_on_grid(paths, name, geobox=geobox, resampling=resampling, chunks=dict(chunks)) for paths in files.paths
    ]
    times = xr.DataArray(np.array(files.dates, "datetime64[ns]"), dims="time", name="time")
    return xr.concat(images, times, coords="minimal", compat="override", join="override")


def _expression(pattern: str) -> tuple[re.Pattern[str], str]:
    found = list(_DATE.finditer(pattern))
    if len(found) != 1 or "{" in _DATE.sub("", pattern):
        raise InputError(
            f"pattern: {pattern!r} must have {{date:%Y%m%d}} once and no other field, as in ndvi_{{date:%Y%m%d}}.tif."
        )
    form = found[0]["form"] or "%Y%m%d"
    digits = "".join(_DIGITS.get(part, re.escape(part)) for part in re.split(r"(%[A-Za-z])", form) if part)
    before, after = (
        re.escape(part).replace(r"\*", ".*") for part in (pattern[: found[0].start()], pattern[found[0].end() :])
    )
    return re.compile(f"{before}(?P<date>{digits}){after}"), form


def _day(text: str, form: str) -> np.datetime64 | None:
    try:
        return np.datetime64(datetime.strptime(text, form), "D")
    except ValueError:
        return None
