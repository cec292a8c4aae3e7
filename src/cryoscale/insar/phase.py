"""From phase to displacement: units, signs, and which phases to trust."""

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.variables import attributes, check_units

_HIGHEST_COHERENCE = 0.99
"""Above it the phase's variance is not the coherence's any more; the weight stays finite."""


def phase_to_displacement(phase: xr.DataArray, wavelength: float) -> xr.DataArray:
    """Turn unwrapped phase into line-of-sight displacement.

    With phase = 4 pi / wavelength (range of the secondary - range of the reference), as GAMMA and LiCSAR write it, the
    displacement toward the satellite is -wavelength / (4 pi) phase.

    Parameters
    ----------
    phase : xarray.DataArray
        rad, of any dims.
    wavelength : float
        Radar wavelength, m.

    Returns
    -------
    xarray.DataArray
        ``pair_displacement``, mm, positive toward the satellite, in the type of `phase`.

    Raises
    ------
    InputError
        If the phase is in another unit, or the wavelength cannot be one in metres.

    Examples
    --------
    >>> round(float(phase_to_displacement(xr.DataArray(2 * np.pi), 0.056)), 6)  # half a wavelength away
    -28.0
    """
    check_units(phase, "unwrapped_phase")
    if not 0.005 <= wavelength <= 2.0:
        raise InputError(
            f"wavelength: {wavelength} is not a radar wavelength in metres (0.005 to 2). C-band has 0.056 m."
        )
    scale = phase.dtype.type(-1000.0 * wavelength / (4.0 * np.pi))
    displacement: xr.DataArray = phase * scale
    return displacement.rename("pair_displacement").assign_attrs(attributes("pair_displacement"))


def mask_incoherent(phase: xr.DataArray, coherence: xr.DataArray, *, threshold: float = 0.3) -> xr.DataArray:
    """Drop the phases whose coherence is too low or unknown.

    Parameters
    ----------
    phase, coherence : xarray.DataArray
        (pair, y, x).
    threshold : float
        Least coherence that is kept; 0.3 in Chang et al., Section 3.1.1.

    Returns
    -------
    xarray.DataArray
        `phase`, NaN where ``coherence < threshold`` or NaN.

    Raises
    ------
    InputError
        If the threshold is not in [0, 1).
    """
    if not 0.0 <= threshold < 1.0:
        raise InputError(f"threshold: {threshold} is not a coherence in [0, 1).")
    coherent: xr.DataArray = phase.where(coherence >= np.float32(threshold))
    return coherent


def coherence_weight(coherence: xr.DataArray) -> xr.DataArray:
    """Weight of a phase in least squares: the inverse of its variance, up to the number of looks.

    For many looks L the variance of the phase is (1 - c^2) / (2 L c^2) (Rodriguez and Martin 1992, IEE Proc. F 139,
    147); coherences above 0.99 weigh as 0.99 does.

    Parameters
    ----------
    coherence : xarray.DataArray
        0 to 1.

    Returns
    -------
    xarray.DataArray
        c^2 / (1 - c^2).

    Examples
    --------
    >>> round(float(coherence_weight(xr.DataArray(0.8))), 4)
    1.7778
    """
    squared = coherence.clip(0.0, _HIGHEST_COHERENCE) ** 2
    return squared / (1.0 - squared)


def mean_coherence(coherence: xr.DataArray) -> xr.DataArray:
    """Mean over the pairs that have one.

    Parameters
    ----------
    coherence : xarray.DataArray
        (pair, y, x).

    Returns
    -------
    xarray.DataArray
        (y, x).
    """
    mean = coherence.mean("pair").astype("float32").rename("mean_coherence")
    return mean.assign_attrs(attributes("mean_coherence"))
