"""Interferograms of COMET's LiCSAR service: the GEOC folder of a frame."""

from pathlib import Path

from cryoscale.readers.files import (
    SENTINEL1_WAVELENGTH,
    Dates,
    PairFiles,
    Rejected,
    StackFiles,
    gather,
    only_file,
    parse_dates,
    require_folder,
)
from cryoscale.readers.keywords import number, read_keywords

_GEOMETRY = {"elevation": "hgt", "los_east": "E", "los_north": "N", "los_up": "U"}
_FOLDER = "[0-9]" * 8 + "_" + "[0-9]" * 8


def find_licsar(
    folder: str | Path,
    *,
    sensor: str | None = None,
    wavelength: float | None = None,
    incidence_angle: float | None = None,
    heading: float | None = None,
) -> StackFiles:
    """Find the interferograms of a LiCSAR frame.

    Layout (Lazecky et al. 2020, Remote Sens. 12, 2430; Morishita et al. 2020, Remote Sens. 12, 424)::

        GEOC/20200101_20200113/20200101_20200113.geo.unw.tif   unwrapped phase, rad, 0 is no data
        GEOC/20200101_20200113/20200101_20200113.geo.cc.tif    coherence, uint8, 0 to 255
        GEOC/*.geo.E.tif, *.geo.N.tif, *.geo.U.tif             unit vector to the satellite
        GEOC/*.geo.hgt.tif                                     height, m
        GEOC/metadata.txt                                      heading=, avg_incidence_angle=, degree

    The frame's own files may also lie in a subfolder ``metadata``. LiCSAR processes Sentinel-1 with GAMMA: the phase
    grows with range, which is the sign of this package.

    Parameters
    ----------
    folder : str or pathlib.Path
        The folder that holds the pairs' folders.
    sensor, wavelength, incidence_angle, heading : optional
        Name, m, degree, degree: what is to be believed rather than Sentinel-1 and ``metadata.txt``.

    Returns
    -------
    StackFiles

    Raises
    ------
    InputError
        If there is no pair, or more than one file of a kind.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "20200101_20200113").mkdir()
    ...     files = find_licsar(folder)
    >>> files.pairs[0].phase.name, round(files.wavelength, 8)
    ('20200101_20200113.geo.unw.tif', 0.05546576)
    """
    root = require_folder(folder)
    places = sorted(path for path in root.glob(_FOLDER) if path.is_dir())
    dated = {place: parse_dates(place.name) for place in places}
    found_heading, found_incidence = _metadata(root)
    return gather(
        [_pair(place, dates) for place, dates in dated.items() if dates is not None],
        source=root,
        looked_for="folders YYYYMMDD_YYYYMMDD in it, each with a *.geo.unw.tif",
        wavelength=SENTINEL1_WAVELENGTH if wavelength is None else wavelength,
        sensor=sensor or "Sentinel-1",
        incidence_angle=found_incidence if incidence_angle is None else incidence_angle,
        heading=found_heading if heading is None else heading,
        geometry={name: _frame_file(root, f"*.geo.{suffix}.tif") for name, suffix in _GEOMETRY.items()},
        rejected=[Rejected(place, "its name holds no dates") for place, dates in dated.items() if dates is None],
    )


def _pair(place: Path, dates: Dates) -> PairFiles:
    """The pair of a folder; its phase is named whether it exists or not, so that a missing one is reported."""
    coherence = place / f"{place.name}.geo.cc.tif"
    return PairFiles(*dates, place / f"{place.name}.geo.unw.tif", coherence if coherence.exists() else None)


def _frame_file(root: Path, pattern: str) -> Path | None:
    """The one file of the frame, in its folder or in the subfolder of metadata."""
    found = [*root.glob(pattern), *root.glob(f"metadata/{pattern}")]
    return only_file(found, what=pattern, choose="Keep the one of this frame.")


def _metadata(root: Path) -> tuple[float | None, float | None]:
    """Heading and mean incidence angle of ``metadata.txt``, where there is one."""
    path = _frame_file(root, "metadata.txt")
    if path is None:
        return None, None
    keywords = read_keywords(path, separator="=")
    return number(keywords, "heading", path=path), number(keywords, "avg_incidence_angle", path=path)
