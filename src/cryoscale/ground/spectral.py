"""Spectral indices of vegetation, water and bare soil."""

from typing import Any

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.lift import lift
from cryoscale.variables import VARIABLES, check_units

Values = np.ndarray[Any, Any]

REFLECTANCES = ("blue", "green", "red", "nir", "swir1", "swir2")
INDICES = ("ndvi", "ndwi", "mndwi", "ndmi", "evi", "bsi", "nbr")


def spectral_indices(bands: xr.Dataset) -> xr.Dataset:
    """Indices of vegetation, water, moisture and bare soil from surface reflectances.

    With B, G, R, N, S1 and S2 the reflectances:

    - ``ndvi`` = (N - R) / (N + R) (Tucker 1979, Remote Sens. Environ. 8, 127);
    - ``ndwi`` = (G - N) / (G + N), open water (McFeeters 1996, Int. J. Remote Sens. 17, 1425);
    - ``mndwi`` = (G - S1) / (G + S1), open water (Xu 2006, Int. J. Remote Sens. 27, 3025);
    - ``ndmi`` = (N - S1) / (N + S1), water of leaves (the form of Gao 1996, Remote Sens. Environ. 58, 257);
    - ``evi`` = 2.5 (N - R) / (N + 6 R - 7.5 B + 1) (Huete et al. 2002, Remote Sens. Environ. 83, 195), cut to -1
      and 1, which it leaves over snow and cloud;
    - ``bsi`` = ((S1 + R) - (N + B)) / ((S1 + R) + (N + B)), bare soil (Rikimaru et al. 2002, Trop. Ecol. 43, 39);
    - ``nbr`` = (N - S2) / (N + S2).

    Reflectances below 0, which atmospheric correction leaves over dark water, are taken as 0.

    Parameters
    ----------
    bands : xarray.Dataset
        ``blue``, ``green``, ``red``, ``nir``, ``swir1`` and ``swir2``, of the same dims, as shares (unit ``1``), NaN
        where there is none; lazy or not.

    Returns
    -------
    xarray.Dataset
        The seven indices, float32, of the same dims; NaN where a reflectance is missing or an index is 0 / 0. Lazy
        where the input is.

    Raises
    ------
    InputError
        If a band is missing, in another unit, an integer, or holds values below -0.2 or above 1.6: counts of the
        sensor, or percent. Of a lazy band the values are only seen, and refused, when it is computed.

    Examples
    --------
    >>> meadow = {"blue": 0.04, "green": 0.08, "red": 0.06, "nir": 0.34, "swir1": 0.22, "swir2": 0.12}
    >>> bands = xr.Dataset({name: (("y", "x"), [[value]]) for name, value in meadow.items()})
    >>> indices = spectral_indices(bands)
    >>> {name: round(float(index[0, 0]), 2) for name, index in indices.items()}
    {'ndvi': 0.7, 'ndwi': -0.62, 'mndwi': -0.47, 'ndmi': 0.21, 'evi': 0.5, 'bsi': -0.15, 'nbr': 0.48}
    """
    missing = [name for name in REFLECTANCES if name not in bands]
    if missing:
        raise InputError(f"bands: lack {missing}; they hold {list(bands.data_vars)}. Name them so.")
    layers = [check_units(bands[name], name) for name in REFLECTANCES]
    for layer in layers:
        if not np.issubdtype(layer.dtype, np.floating):
            raise InputError(
                f"{layer.name}: is {layer.dtype}, so it holds counts. Scale them to reflectances between 0 and 1 "
                "(Landsat collection 2: 2.75e-5 * count - 0.2)."
            )
    return lift(_indices, *layers, core_dims=[()] * len(layers), outputs=dict.fromkeys(INDICES, ()))


def _indices(*bands: Values) -> tuple[Values, ...]:
    for name, band in zip(REFLECTANCES, bands, strict=True):
        _refuse_counts(name, band)
    b, g, r, n, s1, s2 = (np.maximum(band, np.float32(0.0)).astype(np.float32, copy=False) for band in bands)
    evi = np.float32(2.5) * (n - r) / np.maximum(n + 6 * r - np.float32(7.5) * b + 1, np.float32(1e-6))
    pairs = ((n, r), (g, n), (g, s1), (n, s1), (s1 + r, n + b), (n, s2))
    ndvi, ndwi, mndwi, ndmi, bsi, nbr = (_normalised_difference(first, second) for first, second in pairs)
    return ndvi, ndwi, mndwi, ndmi, np.clip(evi, -1.0, 1.0), bsi, nbr


def _refuse_counts(name: str, band: Values) -> None:
    low, high = VARIABLES[name].valid_range or (-np.inf, np.inf)
    wrong = (band < low) | (band > high)
    if wrong.any():
        raise InputError(
            f"{name}: holds {band[wrong].flat[0]}, but reflectances lie between 0 and 1 (from {low} to {high} with "
            "what atmospheric correction leaves). Scale counts or percent first, and set what is no data to NaN."
        )


def _normalised_difference(first: Values, second: Values) -> Values:
    total = first + second
    share: Values = np.divide(first - second, total, where=total > 0, out=np.full_like(total, np.nan))
    return share
