"""Write a synthetic stack as LiCSAR hands out a real one."""

from pathlib import Path

import numpy as np
import rasterio
import xarray as xr
from numpy.typing import NDArray

from cryoscale.grids import geobox_of

FRAME = "135D_05196_131313"  # track, direction, colatitude in hundredths of a degree, bursts


def write_licsar(stack: xr.Dataset, folder: str | Path, *, frame: str = FRAME) -> Path:
    """Write a stack as the GEOC folder of a LiCSAR frame.

    Each pair is a folder ``YYYYMMDD_YYYYMMDD`` with ``.geo.unw.tif`` (rad, float32, 0 is no data) and ``.geo.cc.tif``
    (coherence, uint8, 0 to 255). Beside them lie the frame's unit vector to the satellite (``.geo.E.tif``, ``N``,
    ``U``), its height (``.geo.hgt.tif``) and ``metadata.txt`` with heading and mean incidence angle
    (Lazecky et al. 2020, Remote Sens. 12, 2430).

    Parameters
    ----------
    stack : xarray.Dataset
        As `datong_scene` makes it.
    folder : str or pathlib.Path
        The GEOC folder; made if it is not there.
    frame : str
        Name of the frame.

    Returns
    -------
    pathlib.Path
        The folder.

    Examples
    --------
    >>> import tempfile
    >>> from cryoscale.scenes import datong_scene
    >>> stack = datong_scene(shape=(24, 24), end="2016-05-30").stack
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(*sorted(path.name for path in write_licsar(stack.isel(pair=[0]), folder).iterdir()), sep=", ")
    135D_05196_131313.geo.E.tif, 135D_05196_131313.geo.N.tif, 135D_05196_131313.geo.U.tif,
    135D_05196_131313.geo.hgt.tif, 20160404_20160416, metadata.txt
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    for position in range(stack.sizes["pair"]):
        pair = stack.isel(pair=position)
        name = pair_name(pair)
        (root / name).mkdir(exist_ok=True)
        write_pair(pair, root / name / f"{name}.geo")
    profile = _profile(stack)
    for suffix, field in _geometry(stack).items():
        _write(root / f"{frame}.geo.{suffix}.tif", field, profile | {"dtype": "float32", "nodata": 0.0})
    metadata = {"heading": stack.attrs["heading"], "avg_incidence_angle": stack.attrs["incidence_angle"]}
    (root / "metadata.txt").write_text("".join(f"{key}={value}\n" for key, value in metadata.items()))
    return root


def pair_name(pair: xr.Dataset) -> str:
    """Dates of a pair.

    Parameters
    ----------
    pair : xarray.Dataset
        One pair of a stack.

    Returns
    -------
    str
        ``YYYYMMDD_YYYYMMDD``.
    """
    return "_".join(str(pair[end].dt.strftime("%Y%m%d").item()) for end in ("reference", "secondary"))


def write_pair(pair: xr.Dataset, stem: Path) -> tuple[Path, Path]:
    """Write one interferogram as two GeoTIFFs.

    Parameters
    ----------
    pair : xarray.Dataset
        One pair of a stack.
    stem : pathlib.Path
        Where, without ``.unw.tif`` and ``.cc.tif``; the folder must be there.

    Returns
    -------
    tuple of pathlib.Path
        Phase (rad, float32, 0 is no data) and coherence (uint8, 0 to 255).
    """
    profile = _profile(pair)
    phase, coherence = (stem.with_name(f"{stem.name}.{suffix}.tif") for suffix in ("unw", "cc"))
    levels = np.rint(np.clip(np.nan_to_num(pair.coherence.values), 0, 1) * 255)
    _write(phase, np.nan_to_num(pair.unwrapped_phase.values, nan=0.0), profile | {"dtype": "float32", "nodata": 0.0})
    _write(coherence, levels, profile | {"dtype": "uint8"})
    return phase, coherence


def unit_vector_to_satellite(incidence: NDArray[np.floating], *, heading: float) -> tuple[NDArray[np.floating], ...]:
    """East, north and up of the unit vector from the ground to a satellite that looks to the right.

    Parameters
    ----------
    incidence : ndarray
        Incidence angle, degree.
    heading : float
        Direction of flight clockwise from north, degree.

    Returns
    -------
    tuple of ndarray

    Examples
    --------
    >>> east, north, up = unit_vector_to_satellite(np.array(30.0), heading=180.0)
    >>> [round(float(part), 3) for part in (east, north, up)]
    [0.5, 0.0, 0.866]
    """
    angle, azimuth = np.deg2rad(incidence), np.deg2rad(heading - 90)
    horizontal = np.sin(angle)
    return horizontal * np.sin(azimuth), horizontal * np.cos(azimuth), np.cos(angle)


def _geometry(stack: xr.Dataset) -> dict[str, NDArray[np.floating]]:
    vector = unit_vector_to_satellite(stack.incidence_angle.values, heading=stack.attrs["heading"])
    return dict(zip("ENU", vector, strict=True)) | {"hgt": stack.elevation.values}


def _profile(stack: xr.Dataset) -> dict[str, object]:
    geobox = geobox_of(stack)
    return {
        "driver": "GTiff",
        "count": 1,
        "height": geobox.height,
        "width": geobox.width,
        "transform": geobox.transform,
        "crs": str(geobox.crs),
        "compress": "deflate",
        "zlevel": 1,
    }


def _write(path: Path, field: NDArray[np.generic], profile: dict[str, object]) -> None:
    with rasterio.open(path, "w", **profile) as target:
        target.write(field.astype(str(profile["dtype"]), copy=False), 1)
