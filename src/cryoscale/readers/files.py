"""What a finder hands over: which files make up which interferogram, and what is known about the radar."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from cryoscale.errors import InputError

SENTINEL1_WAVELENGTH = 299792458.0 / 5.405e9
"""Wavelength of Sentinel-1, m (carrier 5.405 GHz, Sentinel-1 product specification)."""

GEOMETRY = ("elevation", "incidence_angle", "look_elevation_angle", "los_east", "los_north", "los_up")
"""Registered variables that a stack's geometry files can hold."""

Dates = tuple[np.datetime64, np.datetime64]

_PAIR_OF_DATES = re.compile(r"(?<!\d)(\d{8})(?:T\d{6})?[_-](\d{8})(?:T\d{6})?(?!\d)")


@dataclass(frozen=True, slots=True)
class PairFiles:
    """The files of one interferogram.

    Attributes
    ----------
    reference, secondary : numpy.datetime64
        Dates of the two acquisitions, to the day.
    phase : pathlib.Path
        Unwrapped phase.
    coherence : pathlib.Path or None
        Coherence on the same grid.
    """

    reference: np.datetime64
    secondary: np.datetime64
    phase: Path
    coherence: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that exist for this pair."""
        return (self.phase,) if self.coherence is None else (self.phase, self.coherence)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file that cannot be used, and why.

    Attributes
    ----------
    path : pathlib.Path
        The file, folder or table at fault.
    reason : str
        What is wrong with it, as the end of a sentence that starts with its name.
    """

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True)
class StackFiles:
    """A stack of interferograms, as files and facts; no pixel has been read.

    Attributes
    ----------
    pairs : tuple of PairFiles
        The interferograms.
    sensor : str
        Name of the satellite mission.
    wavelength : float
        Radar wavelength, m.
    incidence_angle : float or None
        Incidence angle of the scene's centre, degree.
    heading : float or None
        Heading of the satellite, degree clockwise from north.
    geometry : mapping of str to pathlib.Path
        Registered variable name, one of `GEOMETRY`, to the file that holds it.
    rejected : tuple of Rejected
        What was found but cannot be used.

    Raises
    ------
    InputError
        If the wavelength, the incidence angle or a geometry name cannot be true.
    """

    pairs: tuple[PairFiles, ...]
    sensor: str
    wavelength: float
    incidence_angle: float | None = None
    heading: float | None = None
    geometry: Mapping[str, Path] = field(default_factory=dict)
    rejected: tuple[Rejected, ...] = ()

    def __post_init__(self) -> None:
        if not 0.005 < self.wavelength < 2.0:
            raise InputError(
                f"wavelength: {self.wavelength} m is no radar wavelength (0.005 to 2 m). "
                "Give it in metres; Sentinel-1 has 0.05547 m."
            )
        if self.incidence_angle is not None and not 0.0 < self.incidence_angle < 90.0:
            raise InputError(
                f"incidence_angle: {self.incidence_angle} is not between 0 and 90 degrees. Give it in degrees."
            )
        unknown = sorted(set(self.geometry) - set(GEOMETRY))
        if unknown:
            raise InputError(f"geometry: {', '.join(unknown)} is unknown; it can hold {', '.join(GEOMETRY)}.")

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file of the stack: of the pairs in their order, then the geometry."""
        return (*(path for pair in self.pairs for path in pair.paths), *self.geometry.values())


def parse_date(text: str) -> np.datetime64 | None:
    """Date of ``20200113`` or ``2020-01-13``.

    Parameters
    ----------
    text : str
        One date.

    Returns
    -------
    numpy.datetime64 or None
        To the day; None if the text is no date.

    Examples
    --------
    >>> parse_date("2020-01-13")
    np.datetime64('2020-01-13')
    """
    digits = text.strip().replace("-", "")
    if not re.fullmatch(r"\d{8}", digits):
        return None
    try:
        return np.datetime64(datetime.strptime(digits, "%Y%m%d").date(), "D")
    except ValueError:
        return None


def parse_dates(name: str) -> Dates | None:
    """Dates of the reference and secondary acquisition in the name of an interferogram.

    Parameters
    ----------
    name : str
        Holds ``YYYYMMDD_YYYYMMDD`` or ``YYYYMMDD-YYYYMMDD``, each date perhaps followed by ``THHMMSS``.

    Returns
    -------
    tuple of numpy.datetime64 or None
        None if there is no pair of dates in it.

    Examples
    --------
    >>> parse_dates("S1AA_20200101T120000_20200113T120000_VVP012_INT80_G_ueF_ABCD")
    (np.datetime64('2020-01-01'), np.datetime64('2020-01-13'))
    """
    match = _PAIR_OF_DATES.search(name)
    if match is None:
        return None
    reference, secondary = (parse_date(text) for text in match.groups())
    return None if reference is None or secondary is None else (reference, secondary)


def require_folder(folder: str | Path) -> Path:
    """The folder as a path.

    Parameters
    ----------
    folder : str or pathlib.Path
        What the user gave.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    InputError
        If it is not a folder.
    """
    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"{path}: is not a folder. Give the folder that holds the interferograms.")
    return path


def only_file(found: Iterable[Path], *, what: str, choose: str) -> Path | None:
    """The one file among those found.

    Parameters
    ----------
    found : iterable of pathlib.Path
        Candidates.
    what : str
        What the file is for, for the message.
    choose : str
        What the user can do to choose among several, for the message.

    Returns
    -------
    pathlib.Path or None
        None if there is none.

    Raises
    ------
    InputError
        If there are several.
    """
    paths = sorted(found)
    if len(paths) > 1:
        raise InputError(f"{paths[1]}: is a second file of {what} beside {paths[0]}. {choose}")
    return paths[0] if paths else None


def gather(
    pairs: Sequence[PairFiles],
    *,
    source: Path,
    looked_for: str,
    wavelength: float | None,
    sensor: str | None,
    incidence_angle: float | None,
    heading: float | None,
    geometry: Mapping[str, Path | None],
    rejected: Sequence[Rejected] = (),
) -> StackFiles:
    """What a finder found, as a stack.

    Parameters
    ----------
    pairs : sequence of PairFiles
        In any order; the stack has them by date.
    source : pathlib.Path
        The folder or table, for messages.
    looked_for : str
        What would have been an interferogram, for messages.
    wavelength, sensor, incidence_angle, heading : optional
        What is known about the radar: m, name, degree, degree.
    geometry : mapping of str to pathlib.Path or None
        Registered variable name to its file, None where there is none.
    rejected : sequence of Rejected
        What cannot be used.

    Returns
    -------
    StackFiles

    Raises
    ------
    InputError
        If nothing was found or the wavelength is not known.
    """
    if not pairs and not rejected:
        raise InputError(f"{source}: holds no interferograms. Looked for {looked_for}.")
    if wavelength is None:
        raise InputError(f"{source}: does not say the radar wavelength. Set wavelength, in metres.")
    return StackFiles(
        pairs=tuple(sorted(pairs, key=lambda pair: (pair.reference, pair.secondary, str(pair.phase)))),
        sensor=sensor or "unknown",
        wavelength=wavelength,
        incidence_angle=incidence_angle,
        heading=heading,
        geometry={name: path for name, path in geometry.items() if path is not None},
        rejected=tuple(rejected),
    )
