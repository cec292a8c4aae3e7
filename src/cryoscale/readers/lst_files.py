"""Finds images of land surface temperature: which files make up which overpass of which day."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cryoscale.errors import InputError
from cryoscale.readers.files import Rejected, require_folder
from cryoscale.readers.headers import read_header
from cryoscale.readers.lst_encoding import LstEncoding, TemperatureUnit
from cryoscale.readers.lst_names import (
    OVERPASSES,
    ImageName,
    LstFormat,
    name_in,
    parse_modis,
    parse_trims,
    parser_of_pattern,
)
from cryoscale.readers.lst_series import SeriesPart, find_series

_RASTERS, _HDF4 = ("*.tif", "*.tiff", "*.TIF"), "*.hdf"

Found = dict[tuple[str, np.datetime64], list["RasterPart | SeriesPart"]]


@dataclass(frozen=True, slots=True)
class RasterPart:
    """A raster that shows an image or a tile of it.

    Attributes
    ----------
    path : pathlib.Path
        Temperatures.
    quality : pathlib.Path or None
        Quality flags on the same grid.
    tile : str
        Which tile, as the name of the file says.
    """

    path: Path
    quality: Path | None = None
    tile: str = ""


@dataclass(frozen=True, slots=True)
class LstImage:
    """An overpass of a day.

    Attributes
    ----------
    overpass : str
        One of `OVERPASSES`.
    day : numpy.datetime64
        To the day.
    parts : tuple of RasterPart or SeriesPart
        What shows it; where several have data, the first counts.
    """

    overpass: str
    day: np.datetime64
    parts: tuple[RasterPart | SeriesPart, ...]


@dataclass(frozen=True, slots=True)
class LstFiles:
    """Images of land surface temperature, as files and facts; no pixel has been read.

    Attributes
    ----------
    images : tuple of LstImage
        By overpass, then by day.
    encoding : LstEncoding
        How numbers become degC.
    rejected : tuple of Rejected
        What was found but cannot be used.
    """

    images: tuple[LstImage, ...]
    encoding: LstEncoding
    rejected: tuple[Rejected, ...] = ()

    @property
    def overpasses(self) -> tuple[str, ...]:
        """Overpasses that have images, in the order of `OVERPASSES`."""
        return tuple(name for name in OVERPASSES if any(image.overpass == name for image in self.images))

    @property
    def days(self) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
        """Every day from the first image to the last."""
        days = [image.day for image in self.images]
        return np.arange(min(days), max(days) + np.timedelta64(1, "D"), dtype="datetime64[D]")

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file, each once, in order."""
        parts = [part for image in self.images for part in image.parts]
        qualities = (part.quality for part in parts if isinstance(part, RasterPart) and part.quality)
        return tuple(dict.fromkeys([*(part.path for part in parts), *qualities]))


def find_lst(
    folder: str | Path,
    *,
    format: LstFormat,
    overpasses: Collection[str] = OVERPASSES,
    start: np.datetime64 | None = None,
    end: np.datetime64 | None = None,
    pattern: str | None = None,
    names: Mapping[str, str] | None = None,
    unit: TemperatureUnit | None = None,
    scale: float | None = None,
    nodata: float | None = None,
    max_error: float | None = 2.0,
) -> LstFiles:
    """Find images of land surface temperature below a folder by the names of their files.

    TRIMS (Tang et al. 2024, ESSD 16, 387): ``TRIMS_Aqua2024001D.tif``. MODIS: the names of AppEEARS or of granules,
    tiles of one day as a mosaic, quality flags beside them. HDF4 files cannot be read.

    Parameters
    ----------
    folder : str or pathlib.Path
        Searched with its subfolders.
    format : LstFormat
        Whose names and numbers they have.
    overpasses : collection of str, optional
        Leave the others out.
    start, end : numpy.datetime64, optional
        First and last day to take.
    pattern : str, optional
        Template of the names, for `LstFormat.PATTERN`; see `cryoscale.readers.lst_names.parser_of_pattern`.
    names : mapping, optional
        Overpass to what stands for it in the names (`LstFormat.PATTERN`) or to its variable (`LstFormat.NETCDF`);
        a variable may have the files that it is taken from before a colon: ``MOD11A1*.nc:LST_Day_1km``.
    unit, scale, nodata : optional
        To be believed rather than the files and the format; see `LstEncoding`.
    max_error : float, optional
        MODIS: largest error, K, of a pixel that is not of good quality. None takes all, without quality flags.

    Returns
    -------
    LstFiles

    Raises
    ------
    InputError
        If nothing is found, two files are of one image, quality flags are missing, or an option does not fit.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("TRIMS_Aqua2024001D.tif", "TRIMS_Terra2024003N.tif", "View_Time.tif"):
    ...         Path(folder, name).touch()
    ...     files = find_lst(folder, format=LstFormat.TRIMS)
    >>> files.overpasses, len(files.days), [entry.path.name for entry in files.rejected]
    (('aqua_day', 'terra_night'), 3, ['View_Time.tif'])
    """
    root = require_folder(folder)
    unknown = sorted({*overpasses, *(names or {})} - set(OVERPASSES))
    if unknown:
        raise InputError(f"overpasses: {', '.join(unknown)} is unknown; there are {', '.join(OVERPASSES)}.")
    if (format is LstFormat.PATTERN) != (pattern is not None):
        raise InputError(f"pattern: is {pattern!r}, but the format is {format.value!r}; the two belong together.")
    found, rejected = _find(root, format, pattern=pattern, names=names)
    if format is LstFormat.MODIS and max_error is not None:
        _require_quality(found)
    images = tuple(
        LstImage(overpass, day, tuple(parts))
        for (overpass, day), parts in sorted(found.items(), key=lambda item: (OVERPASSES.index(item[0][0]), item[0][1]))
        if overpass in overpasses and (start is None or day >= start) and (end is None or day <= end)
    )
    if not images:
        raise InputError(f"{root}: {_what_there_is(root, format, found, rejected)}")
    return LstFiles(images, LstEncoding(format, unit, scale, nodata, max_error), tuple(rejected))


def drop_unreadable(files: LstFiles) -> LstFiles:
    """Leave out rasters whose header cannot be read or that are cut short, and say which.

    Opens every raster once. Damage in the middle of a file is found only when its pixels are read.

    Parameters
    ----------
    files : LstFiles
        What `find_lst` found.

    Returns
    -------
    LstFiles
        The bad rasters are in `rejected`; their overpasses have no data that day.

    Raises
    ------
    InputError
        If none is left.
    """
    faults = {path: header for path in files.paths if path.is_file() and isinstance(header := _fault(path), str)}
    kept = []
    for image in files.images:
        parts = tuple(part for part in image.parts if not {part.path, getattr(part, "quality", None)} & faults.keys())
        if parts:
            kept.append(replace(image, parts=parts))
    if not kept:
        raise InputError(f"{next(iter(faults))}: {next(iter(faults.values()))}. Nor can any other image be read.")
    rejected = [Rejected(path, reason) for path, reason in faults.items()]
    return replace(files, images=tuple(kept), rejected=(*files.rejected, *rejected))


def _fault(path: Path) -> str | None:
    """What keeps a raster from being read; series are opened when they are found."""
    header = read_header(path) if path.suffix.lower() in (".tif", ".tiff") else None
    return header if isinstance(header, str) else None


def _find(
    root: Path, format: LstFormat, *, pattern: str | None, names: Mapping[str, str] | None
) -> tuple[Found, list[Rejected]]:
    """Parts by overpass and day, and files that are none."""
    if format is LstFormat.NETCDF:
        return find_series(root, names=names or {}), []
    if format is LstFormat.PATTERN:
        parse = parser_of_pattern(pattern or "", names=names)
        paths = [path for path in root.rglob(f"*{Path(pattern or '').suffix}") if path.is_file()]
    else:
        parse = parse_trims if format is LstFormat.TRIMS else parse_modis
        paths = [path for glob in _RASTERS for path in root.rglob(glob)]
    parsed = {path: parse(name_in(root, path, pattern)) for path in sorted(set(paths))}
    rejected = [
        Rejected(path, f"is no image by the names of {pattern or format.value}")
        for path, name in parsed.items()
        if not name
    ]
    rejected += [
        Rejected(path, "is HDF4, which cannot be read here; export it as GeoTIFF") for path in root.rglob(_HDF4)
    ]
    return _by_image({path: name for path, name in parsed.items() if name}), rejected


def _by_image(parsed: Mapping[Path, ImageName]) -> Found:
    """Temperatures with their quality flags, by overpass and day."""
    flags = {name.key: path for path, name in parsed.items() if name.quality}
    found: Found = {}
    for path, name in parsed.items():
        if name.quality:
            continue
        parts = found.setdefault((name.overpass, name.day), [])
        same = [part for part in parts if isinstance(part, RasterPart) and part.tile == name.tile]
        if same:
            raise InputError(
                f"{path}: is a second image of {name.overpass} on {name.day} beside {same[0].path}. Move one of them "
                "away; tiles of a mosaic must have their tile in the name."
            )
        parts.append(RasterPart(path, flags.get(name.key) if name.key else None, name.tile))
    return found


def _require_quality(found: Found) -> None:
    lacking = [
        part.path for parts in found.values() for part in parts if isinstance(part, RasterPart) and part.quality is None
    ]
    if lacking:
        raise InputError(
            f"{lacking[0]}: has no quality flags beside it (QC_Day or QC_Night in place of LST_Day_1km or "
            f"LST_Night_1km), nor have {len(lacking) - 1} more. Get them, or set max_error: null to do without."
        )


def _what_there_is(root: Path, format: LstFormat, found: Found, rejected: Iterable[Rejected]) -> str:
    if found:
        days = [day for _, day in found]
        held = sorted({overpass for overpass, _ in found}, key=OVERPASSES.index)
        return f"holds images of {', '.join(held)} from {min(days)} to {max(days)}, but none that is asked for."
    if any(entry.path.suffix == ".hdf" for entry in rejected):
        first = next(root.rglob(_HDF4))
        return (
            f"holds HDF4 files such as {first.name}, which this GDAL cannot read. Order GeoTIFFs from AppEEARS, or "
            "convert LST_Day_1km, QC_Day, LST_Night_1km and QC_Night with the gdal_translate of a GDAL that has HDF4."
        )
    return f"holds no images of the format {format.value!r} in it and its subfolders. Check folder, format and pattern."
