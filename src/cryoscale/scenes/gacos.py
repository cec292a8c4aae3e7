"""Write zenith delays as GACOS hands them out."""

from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

COARSENING = 3  # about 100 m, as the service's own grid


def write_gacos(delay: xr.DataArray, folder: str | Path, *, coarsening: int = COARSENING) -> Path:
    """Write zenith delays as ``YYYYMMDD.ztd`` with ``YYYYMMDD.ztd.rsc`` beside it, one of each a day.

    The ``.ztd`` is little-endian float32, row after row from the north, in m; the ``.rsc`` says where the first pixel
    lies and how large a pixel is (Yu et al. 2018, J. Geophys. Res. Solid Earth 123, 9202). The coarser grid begins and
    ends on the centres of the delays' outermost pixels, between which it is interpolated.

    Parameters
    ----------
    delay : xarray.DataArray
        ``zenith_delay`` (time, y, x), m, on longitude and latitude.
    folder : str or pathlib.Path
        Made if it is not there.
    coarsening : int
        How many times wider the pixels become, about.

    Returns
    -------
    pathlib.Path
        The folder.

    Examples
    --------
    >>> import tempfile
    >>> days = np.array(["2020-06-01"], "datetime64[ns]")
    >>> coords = {"time": days, "y": [38.1, 38.0], "x": [99.0, 99.1, 99.2]}
    >>> delay = xr.DataArray(np.full((1, 2, 3), 1.5), coords, ("time", "y", "x"))
    >>> with tempfile.TemporaryDirectory() as place:
    ...     _ = write_gacos(delay, place, coarsening=1)
    ...     print(Path(place, "20200601.ztd.rsc").read_text().splitlines()[:3])
    ['WIDTH 3', 'FILE_LENGTH 2', 'XMIN 0']
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    rows, columns = (_nodes(delay.sizes[dim], coarsening) for dim in ("y", "x"))
    header = _header(_places(delay, "y", rows), _places(delay, "x", columns))
    places = np.meshgrid(rows, columns, indexing="ij")
    for day in delay:
        path = root / f"{day.time.dt.strftime('%Y%m%d').item()}.ztd"
        path.write_bytes(map_coordinates(day.values, places, order=1, mode="nearest").astype("<f4").tobytes())
        path.with_name(f"{path.name}.rsc").write_text(header)
    return root


def _nodes(size: int, coarsening: int) -> NDArray[np.float64]:
    """Places of the coarse pixels' centres among the fine ones."""
    return np.linspace(0, size - 1, max(-(-(size - 1) // coarsening) + 1, 2))


def _places(delay: xr.DataArray, dim: str, nodes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.interp(nodes, np.arange(delay.sizes[dim]), delay[dim].values))


def _header(latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> str:
    width, length = len(longitudes), len(latitudes)
    x_step, y_step = ((ends[-1] - ends[0]) / (len(ends) - 1) for ends in (longitudes, latitudes))
    keywords = {
        "WIDTH": width,
        "FILE_LENGTH": length,
        "XMIN": 0,
        "XMAX": width - 1,
        "YMIN": 0,
        "YMAX": length - 1,
        "X_FIRST": f"{longitudes[0]:.12f}",
        "Y_FIRST": f"{latitudes[0]:.12f}",
        "X_STEP": f"{x_step:.15f}",
        "Y_STEP": f"{y_step:.15f}",
        "Z_OFFSET": 0,
        "Z_SCALE": 1,
        "PROJECTION": "LATLON",
        "DATUM": "WGS84",
    }
    return "".join(f"{name} {value}\n" for name, value in keywords.items())
