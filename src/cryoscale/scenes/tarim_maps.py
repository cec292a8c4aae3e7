"""Maps of permafrost by others: surveys of two parts of the scene, and a map of the hemisphere that is poorer."""

import numpy as np
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from cryoscale.grids import grid_coords
from cryoscale.scenes.tarim_land import TarimLand
from cryoscale.scenes.terrain import Field, fractal_field

NO_DATA = 3
LEGEND = {"flag_values": [1, 2, NO_DATA], "flag_meanings": "permafrost seasonally_frozen_ground no_data"}
SURVEYS = {"western": (0.03, 0.47), "eastern": (0.53, 0.97)}  # shares of the scene's width
ROWS = (0.3, 0.95)  # shares of its height
SURVEY_NOISE = 0.5  # K: how wrong a survey is about the ground
COARSER = 10  # pixels of the scene along one of the hemispheric map
RIVAL_BIAS, RIVAL_NOISE = 1.0, 2.0  # K


def surveys(land: TarimLand, ttop: Field, *, rng: np.random.Generator) -> dict[str, xr.DataArray]:
    """Survey maps, wrong only near the limit of permafrost, without data on ice and water and outside an ellipse.

    Parameters
    ----------
    land : TarimLand
        The ground.
    ttop : ndarray (y, x)
        True mean temperature at the top of permafrost, degC.
    rng : numpy.random.Generator
        Source of the errors.

    Returns
    -------
    dict of str to xarray.DataArray
        By name of the part: ``survey`` (y, x) on pixels of the scene; 1 permafrost, 2 seasonally frozen ground,
        3 no data.
    """
    noisy = ttop + SURVEY_NOISE * fractal_field(ttop.shape, exponent=2.0, rng=rng)
    classes = np.where(land.glacier | land.lake, NO_DATA, np.where(noisy <= 0, 1, 2))
    return {name: _survey(classes, land.geobox, columns) for name, columns in SURVEYS.items()}


def rival_map(land: TarimLand, ttop: Field, *, rng: np.random.Generator) -> xr.DataArray:
    """A map of about 10 km that is too warm and knows no valleys.

    Parameters
    ----------
    land : TarimLand
        The ground.
    ttop : ndarray (y, x)
        True mean temperature at the top of permafrost, degC.
    rng : numpy.random.Generator
        Source of the errors.

    Returns
    -------
    xarray.DataArray
        ``rival`` (y, x): 1 permafrost, 2 seasonally frozen ground. Its last pixels reach beyond the scene.
    """
    rows, columns = (-(-size // COARSER) for size in ttop.shape)
    beyond = [(0, COARSER * coarse - size) for coarse, size in zip((rows, columns), ttop.shape, strict=True)]
    cells = np.pad(ttop, beyond, mode="edge").reshape(rows, COARSER, columns, COARSER).mean((1, 3))
    guess = cells + RIVAL_BIAS + RIVAL_NOISE * rng.standard_normal(cells.shape)
    geobox = GeoBox((rows, columns), land.geobox.transform @ Affine.scale(COARSER), land.geobox.crs)
    return _map(np.where(guess <= 0, 1, 2), geobox, "rival")


def _survey(classes: NDArray[np.integer], geobox: GeoBox, columns: tuple[float, float]) -> xr.DataArray:
    """The ellipse within a part of the scene."""
    part = tuple(
        slice(round(shares[0] * size), round(shares[1] * size))
        for shares, size in zip((ROWS, columns), classes.shape, strict=True)
    )
    inside = classes[part]
    down, across = (np.linspace(-1, 1, size) for size in inside.shape)
    surveyed = np.hypot(down[:, None], across[None, :]) <= 1.1
    return _map(np.where(surveyed, inside, NO_DATA), geobox[part], "survey")


def _map(classes: NDArray[np.integer], geobox: GeoBox, name: str) -> xr.DataArray:
    attrs = {"units": "1", "long_name": f"permafrost by the {name}", **LEGEND}
    return xr.DataArray(classes.astype(np.uint8), grid_coords(geobox), ("y", "x"), name, attrs)
