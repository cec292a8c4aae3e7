"""Interferograms of ASF's HyP3 service: one folder a product."""

from collections.abc import Iterable
from pathlib import Path

from cryoscale.readers.files import (
    SENTINEL1_WAVELENGTH,
    PairFiles,
    Rejected,
    StackFiles,
    gather,
    parse_dates,
    require_folder,
)
from cryoscale.readers.keywords import agreed, read_keywords


def find_hyp3(
    folder: str | Path,
    *,
    suffix: str = "",
    sensor: str | None = None,
    wavelength: float | None = None,
    incidence_angle: float | None = None,
    heading: float | None = None,
) -> StackFiles:
    """Find the products of HyP3 (INSAR_GAMMA and INSAR_ISCE_BURST) below a folder.

    Layout (ASF, Sentinel-1 InSAR Product Guide)::

        S1AA_20200101T..._20200113T..._VVP012_INT80_G_ueF_ABCD/
            <name>_unw_phase.tif   rad; positive is away from the sensor: the sign of this package, kept as it is
            <name>_corr.tif        coherence, 0 to 1
            <name>_lv_theta.tif    elevation angle of the vector to the sensor above the horizontal, rad (optional)
            <name>_dem.tif         height, m (optional)
            <name>.txt             "Reference Granule:", "Heading:", ...

    The incidence angle against the vertical is 90 degrees - lv_theta. HyP3's grids share their pixel lattice but not
    always their extent: see ``on_grid_mismatch`` of `open_stack`. Heights and look angles are the first product's.

    Parameters
    ----------
    folder : str or pathlib.Path
        Searched with all its subfolders.
    suffix : str
        What clipping has added to the file names: ``"_clipped"`` for ``<name>_unw_phase_clipped.tif``.
    sensor, wavelength, incidence_angle, heading : optional
        Name, m, degree, degree: what is to be believed rather than Sentinel-1 and the ``.txt`` files.

    Returns
    -------
    StackFiles

    Raises
    ------
    InputError
        If there is no product, or if headings contradict each other.

    Examples
    --------
    >>> import tempfile
    >>> name = "S1AA_20200101T120000_20200113T120000_VVP012_INT80_G_ueF_ABCD"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, name).mkdir()
    ...     _ = Path(folder, name, f"{name}.txt").write_text("Heading: -12.5")
    ...     files = find_hyp3(folder)
    >>> files.pairs[0].secondary, files.heading
    (np.datetime64('2020-01-13'), -12.5)
    """
    root = require_folder(folder)
    dated = {base: parse_dates(base.name) for base in _products(root, suffix=suffix)}
    texts = {path: read_keywords(path, separator=":") for base in dated if (path := _if_there(base, ".txt"))}
    return gather(
        [
            PairFiles(*dates, _beside(base, f"_unw_phase{suffix}.tif"), _if_there(base, f"_corr{suffix}.tif"))
            for base, dates in dated.items()
            if dates is not None
        ],
        source=root,
        looked_for=f"*_unw_phase{suffix}.tif in it and its subfolders",
        wavelength=SENTINEL1_WAVELENGTH if wavelength is None else wavelength,
        sensor=sensor or "Sentinel-1",
        incidence_angle=incidence_angle,
        heading=agreed(texts, "Heading", unit="degree", tolerance=1.0) if heading is None else heading,
        geometry={
            "elevation": _first(dated, f"_dem{suffix}.tif"),
            "look_elevation_angle": _first(dated, f"_lv_theta{suffix}.tif"),
        },
        rejected=[
            Rejected(_beside(base, f"_unw_phase{suffix}.tif"), "its name holds no pair of dates")
            for base, dates in dated.items()
            if dates is None
        ],
    )


def _products(root: Path, *, suffix: str) -> list[Path]:
    """What the products' file names begin with, also of product folders whose unwrapped phase is missing."""
    ending = f"_unw_phase{suffix}.tif"
    complete = [path.with_name(path.name.removesuffix(ending)) for path in root.rglob(f"*{ending}")]
    folders = {path for path in root.rglob("S1*") if path.is_dir() and parse_dates(path.name)}
    missing = [place / place.name for place in folders - {base.parent for base in complete}]
    return sorted([*complete, *missing])


def _beside(base: Path, ending: str) -> Path:
    return base.with_name(base.name + ending)


def _if_there(base: Path, ending: str) -> Path | None:
    path = _beside(base, ending)
    return path if path.exists() else None


def _first(bases: Iterable[Path], ending: str) -> Path | None:
    return next((path for base in bases if (path := _if_there(base, ending))), None)
