"""Geocoded interferograms of the GAMMA software: GeoTIFFs and ``.par`` headers."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from cryoscale.errors import InputError
from cryoscale.readers.files import (
    Dates,
    PairFiles,
    Rejected,
    StackFiles,
    gather,
    only_file,
    parse_dates,
    require_folder,
)
from cryoscale.readers.keywords import Keywords, agreed, read_keywords

_SPEED_OF_LIGHT = 299792458.0


def find_gamma(
    folder: str | Path,
    *,
    unwrapped: str = "*[._]unw*.tif",
    coherence: str = "*[._]cc*.tif",
    headers: str = "*slc.par",
    elevation: str = "*dem.tif",
    look_elevation: str = "*lv_theta*.tif",
    sensor: str | None = None,
    wavelength: float | None = None,
    incidence_angle: float | None = None,
    heading: float | None = None,
) -> StackFiles:
    r"""Find geocoded interferograms of GAMMA below a folder, flat or in subfolders.

    The pair's dates come from the file name (``YYYYMMDD-YYYYMMDD`` or ``YYYYMMDD_YYYYMMDD``). Wavelength (c over
    ``radar_frequency``), incidence angle, heading and sensor come from the headers, unless given. GAMMA's phase
    grows with range, which is the sign of this package; 0 is no data.

    Parameters
    ----------
    folder : str or pathlib.Path
        Searched with all its subfolders.
    unwrapped, coherence, headers, elevation, look_elevation : str
        File name patterns of unwrapped phase (rad), coherence, SLC or MLI parameter files, terrain heights (m), and
        the elevation angle of the look vector (``lv_theta``, rad).
    sensor, wavelength, incidence_angle, heading : optional
        Name, m, degree, degree: what is to be believed rather than the headers.

    Returns
    -------
    StackFiles

    Raises
    ------
    InputError
        If there is no interferogram or no wavelength, if headers contradict each other, or if two coherence files
        claim the same pair.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "20200101_20200113.unw.tif").touch()
    ...     _ = Path(folder, "20200101.slc.par").write_text("sensor: S1A IW\nradar_frequency: 5.4050005e+09 Hz")
    ...     files = find_gamma(folder)
    >>> files.sensor, round(files.wavelength, 5)
    ('Sentinel-1', 0.05547)
    """
    root = require_folder(folder)
    phases, unnamed = _by_dates(root.rglob(unwrapped))
    coherences, unnamed_coherences = _by_dates(root.rglob(coherence))
    of_pair = {dates: _only_coherence(paths, dates) for dates, paths in coherences.items()}
    known = {path: read_keywords(path, separator=":") for path in sorted(root.rglob(headers))}
    if wavelength is None:
        wavelength = _wavelength(known)
    if incidence_angle is None:
        incidence_angle = agreed(known, "incidence_angle", unit="degree", tolerance=1.0)
    if heading is None:
        heading = agreed(known, "heading", unit="degree", tolerance=1.0)
    maps = (("elevation", "elevation", elevation), ("look_elevation_angle", "look_elevation", look_elevation))
    return gather(
        [PairFiles(*dates, path, of_pair.get(dates)) for dates, paths in phases.items() for path in paths],
        source=root,
        looked_for=f"{unwrapped} in it and its subfolders",
        wavelength=wavelength,
        sensor=sensor or _sensor(known),
        incidence_angle=incidence_angle,
        heading=heading,
        geometry={
            name: only_file(root.rglob(pattern), what=name, choose=f"Choose one with {option}='<pattern>'.")
            for name, option, pattern in maps
        },
        rejected=[*unnamed, *unnamed_coherences, *_orphans(of_pair, phases)],
    )


def _by_dates(paths: Iterable[Path]) -> tuple[dict[Dates, list[Path]], list[Rejected]]:
    """Files by the pair of dates in their names, and those without."""
    found: dict[Dates, list[Path]] = {}
    unnamed = []
    for path in sorted(paths):
        dates = parse_dates(path.name)
        if dates is None:
            unnamed.append(Rejected(path, "its name holds no pair of dates such as 20200101-20200113"))
        else:
            found.setdefault(dates, []).append(path)
    return found, unnamed


def _only_coherence(paths: list[Path], dates: Dates) -> Path:
    if len(paths) > 1:
        raise InputError(
            f"{paths[1]}: is a second coherence of {dates[0]} to {dates[1]} beside {paths[0]}. "
            "Choose one with coherence='<pattern>'."
        )
    return paths[0]


def _orphans(coherences: Mapping[Dates, Path], phases: Mapping[Dates, list[Path]]) -> list[Rejected]:
    """Coherence whose interferogram is missing."""
    return [
        Rejected(path, f"the unwrapped phase of {dates[0]} to {dates[1]} is missing beside this coherence")
        for dates, path in coherences.items()
        if dates not in phases
    ]


def _wavelength(headers: Mapping[Path, Keywords]) -> float | None:
    """Wavelength in m; frequencies may differ by 10 kHz, less than any two missions do."""
    frequency = agreed(headers, "radar_frequency", unit="Hz", tolerance=1e4)
    return None if frequency is None else _SPEED_OF_LIGHT / frequency


def _sensor(headers: Mapping[Path, Keywords]) -> str | None:
    """Name of the mission: S1A and S1B are both Sentinel-1; others by the first word of their header."""
    words = {keywords["sensor"].split()[0] for keywords in headers.values() if keywords.get("sensor")}
    names = {"Sentinel-1" if word.startswith("S1") else word for word in words}
    return ", ".join(sorted(names)) or None
